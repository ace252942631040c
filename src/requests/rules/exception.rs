//! An exception from separation of duties (D19): its terms and its end. Pure.

use super::{Period, asked_period, last_day};
use crate::error::FieldError;
use crate::kernel::{PersonId, Ts, Zone};
use crate::packages::incompatible::model::Conflict;
use crate::policies::model::{Named, Terms};
use crate::policies::stages::{Approvers, StageTerms};

/// As many days as an exception lasts at most.
pub const EXCEPTION_DAYS: u32 = 90;
/// As many days as the owners of what stands against it have to decide.
const STAGE_DAYS: u32 = 14;

/// The terms of a request for an exception: what the policy says, decided with a reason at every stage, by the policy's
/// approvers and at last by each of these sets of owners (by `fallback` where nobody of them can decide).
#[must_use]
pub fn terms(
    terms: &Terms,
    conflicts: &[Conflict],
    owners: Vec<Vec<Named<PersonId>>>,
    fallback: &[Named<PersonId>],
) -> Terms {
    let mut terms = Terms { period_chosen: true, reason_required: true, ..terms.clone() };
    let last = owners
        .into_iter()
        .map(|people| StageTerms::simple(Approvers::people(people), fallback.to_vec(), STAGE_DAYS));
    terms.stages.extend(last);
    for stage in &mut terms.stages {
        stage.note_required = true;
    }
    terms.exception = conflicts.iter().map(|c| Named { id: c.rule, name: c.what() }).collect();
    terms
}

/// The last moment of an exception that starts now or later: 90 days, or what the policy allows.
#[must_use]
pub fn latest(terms: &Terms, starts: Option<Ts>, now: Ts, zone: Zone) -> Ts {
    let begin = starts.unwrap_or(now).max(now);
    let most = zone.plus_days(begin, EXCEPTION_DAYS);
    terms.lifetime.end(begin, zone).map_or(most, |end| end.min(most))
}

/// The period of an exception. It has an end, and a near one.
///
/// # Errors
/// All that is wrong, by field (`starts`, `ends`).
pub fn period(
    terms: &Terms,
    asked: Period,
    now: Ts,
    zone: Zone,
) -> Result<Period, Vec<FieldError>> {
    let period = asked_period(terms, asked, now, zone)?;
    let latest = latest(terms, period.starts, now, zone);
    let wrong = match period.ends {
        None => "Choose a last day: an exception always has an end".to_owned(),
        Some(end) if end > zone.end_of(zone.date(latest)) => {
            let day = last_day(latest, zone).format("%-d %B %Y");
            format!(
                "Choose a last day on or before {day}: an exception lasts {EXCEPTION_DAYS} days at most"
            )
        }
        Some(_) => return Ok(period),
    };
    Err(vec![FieldError::new("ends", wrong)])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::{GroupId, IncompatibilityId, PackageId};
    use crate::packages::incompatible::model::{Membership, With};
    use crate::policies::model::Lifetime;

    fn at(text: &str) -> Ts {
        Ts::new(text.parse().unwrap())
    }

    fn conflict() -> Conflict {
        let membership = Membership { group: GroupId::fresh(), name: "Auditors".into() };
        Conflict {
            rule: IncompatibilityId::fresh(),
            package: PackageId::fresh(),
            with: With::Group(membership),
            reason: "R".into(),
        }
    }

    #[test]
    fn d19_an_exception_is_decided_by_people_even_where_the_policy_asks_nobody() {
        let policy = Terms { lifetime: Lifetime::Never, ..Terms::default() };
        let conflict = conflict();
        let ann = Named { id: PersonId::fresh(), name: "Ann".to_owned() };
        let asked = terms(&policy, std::slice::from_ref(&conflict), vec![vec![ann.clone()]], &[]);
        assert_eq!(asked.stages.len(), 1);
        assert_eq!(asked.stages[0].approvers, Approvers::people(vec![ann]));
        assert!(asked.stages[0].only_if.is_none(), "no condition leaves it out");
        assert!(asked.stages.iter().all(|stage| stage.note_required));
        assert!(asked.period_chosen && asked.reason_required);
        assert_eq!(asked.exception[0].id, conflict.rule);
        assert_eq!(asked.exception[0].name, "membership of group Auditors");
    }

    #[test]
    fn d19_an_exception_ends_within_ninety_days_and_within_the_policys_time() {
        let (now, zone) = (at("2026-11-23T09:00:00Z"), Zone::UTC);
        let ask = |lifetime, ends: Option<&str>| {
            let policy = Terms { lifetime, ..Terms::default() };
            let terms = terms(&policy, &[conflict()], vec![vec![]], &[]);
            period(&terms, Period { starts: None, ends: ends.map(at) }, now, zone)
        };
        let none = ask(Lifetime::Never, None).unwrap_err();
        assert_eq!(none[0].field, "ends");
        assert!(ask(Lifetime::Never, Some("2027-02-22T00:00:00Z")).is_ok(), "the ninetieth day");
        let late = ask(Lifetime::Never, Some("2027-02-23T00:00:00Z")).unwrap_err();
        assert!(late[0].text.contains("21 February 2027"), "{}", late[0].text);
        let policy = Lifetime::Days { days: 10 };
        assert!(ask(policy, Some("2026-12-04T00:00:00Z")).is_ok());
        assert!(ask(policy, Some("2026-12-05T00:00:00Z")).is_err(), "the policy allows ten days");
    }
}
