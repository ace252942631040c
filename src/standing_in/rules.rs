//! What a period must be like (D34, D45). Pure.

use chrono::NaiveDate;

use super::model::{NewPeriod, Period};
use crate::access::standing_in::closes_circle;
use crate::error::FieldError;
use crate::kernel::{PackageId, PersonId, Ts};

/// What is wrong with the days: they lie ahead, in their order, and are not more than the organization allows.
#[must_use]
pub fn days(
    first: NaiveDate,
    last: NaiveDate,
    today: NaiveDate,
    longest: i64,
) -> Option<FieldError> {
    let whole = (last - first).num_days() + 1;
    if last < today {
        return Some(FieldError::new("last", "Choose a last day that has not passed"));
    }
    if first < today {
        return Some(FieldError::new("first", "Choose a first day that has not passed"));
    }
    if last < first {
        return Some(FieldError::new("last", "Choose a last day that is not before the first"));
    }
    (whole > longest).then(|| {
        let words = format!("Choose at most {longest} days: these are {whole}");
        FieldError::new("last", words)
    })
}

/// What is wrong with who it is: nobody stands in for themselves, and nobody names themselves for another (D45).
#[must_use]
pub fn who(actor: Option<PersonId>, person: PersonId, stand_in: PersonId) -> Option<FieldError> {
    if person == stand_in {
        return Some(FieldError::new("who", "Nobody stands in for themselves: name somebody else"));
    }
    (actor == Some(stand_in)).then(|| {
        FieldError::new("who", "You cannot name yourself for somebody else: name another person")
    })
}

/// Do two periods share a package?
#[must_use]
pub fn share(one: Option<&[PackageId]>, other: Option<&[PackageId]>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => one.iter().any(|id| other.contains(id)),
        _ => true,
    }
}

impl Period {
    /// The ids of its packages; none for all.
    #[must_use]
    pub fn covers(&self) -> Option<Vec<PackageId>> {
        self.packages.as_ref().map(|some| some.iter().map(|(id, _)| *id).collect())
    }

    /// True while it runs.
    #[must_use]
    pub fn runs(&self, now: Ts) -> bool {
        self.ended_at.is_none() && self.starts_at <= now && now < self.ends_at
    }
}

/// Those of the periods that matter to a new one: in its time, for a package of its own.
fn beside<'a>(new: &NewPeriod, periods: &'a [Period]) -> Vec<&'a Period> {
    let shared = |p: &&Period| share(new.packages.as_deref(), p.covers().as_deref());
    periods.iter().filter(shared).collect()
}

/// What is wrong with it beside those periods that lie in its time: two for the same person and package, or a circle.
#[must_use]
pub fn across(new: &NewPeriod, periods: &[Period]) -> Option<FieldError> {
    let beside = beside(new, periods);
    if let Some(there) = beside.iter().find(|p| p.person.0 == new.person) {
        let words = format!(
            "{} stands in already in that time, for the same packages: end that first, or choose other days",
            there.stand_in.1
        );
        return Some(FieldError::new("first", words));
    }
    let links: Vec<(PersonId, PersonId)> =
        beside.iter().map(|p| (p.person.0, p.stand_in.0)).collect();
    closes_circle(new.person, new.stand_in, &links).then(|| {
        let words = "This would go round in a circle: in that time they are away themselves, and what comes to them \
                     would come back. Name somebody else, or choose other days";
        FieldError::new("who", words)
    })
}

/// Everybody whose periods decide whether a new one closes a circle: whoever is linked to one of the two, directly or
/// through others.
#[must_use]
pub fn around(new: &NewPeriod, periods: &[Period]) -> Vec<PersonId> {
    let mut all = vec![new.person, new.stand_in];
    let mut more = true;
    while more {
        more = false;
        for period in periods {
            let (one, other) = (period.person.0, period.stand_in.0);
            for (here, there) in [(one, other), (other, one)] {
                if all.contains(&here) && !all.contains(&there) {
                    all.push(there);
                    more = true;
                }
            }
        }
    }
    all.sort_unstable();
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::StandInId;

    fn day(n: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 12, n).unwrap()
    }

    #[test]
    fn d45_days_lie_ahead_and_are_not_too_many() {
        let wrong = |first, last| days(day(first), day(last), day(5), 7).map(|e| e.field);
        assert_eq!(wrong(5, 5), None);
        assert_eq!(wrong(5, 11), None, "seven days");
        assert_eq!(wrong(5, 12).as_deref(), Some("last"));
        assert_eq!(wrong(4, 6).as_deref(), Some("first"));
        assert_eq!(wrong(2, 4).as_deref(), Some("last"));
        assert_eq!(wrong(9, 8).as_deref(), Some("last"));
    }

    #[test]
    fn d45_nobody_for_themselves_and_nobody_names_themselves() {
        let [ann, bo] = [(); 2].map(|()| PersonId::fresh());
        assert!(who(Some(ann), ann, bo).is_none());
        assert!(who(Some(ann), ann, ann).is_some());
        assert!(who(Some(bo), ann, bo).is_some(), "an administrator names another");
    }

    fn period(person: PersonId, stand_in: PersonId, packages: Option<Vec<PackageId>>) -> Period {
        let called = |id: PersonId| (id, id.to_string());
        Period {
            id: StandInId::fresh(),
            person: called(person),
            stand_in: called(stand_in),
            starts_at: Ts::from_micros(0),
            ends_at: Ts::from_micros(1),
            ended_at: None,
            packages: packages.map(|some| some.into_iter().map(|id| (id, String::new())).collect()),
            rev: 0,
        }
    }

    fn new(person: PersonId, stand_in: PersonId, packages: Option<Vec<PackageId>>) -> NewPeriod {
        let id = StandInId::fresh();
        NewPeriod { id, person, stand_in, first: day(1), last: day(2), packages }
    }

    #[test]
    fn d34_a_circle_and_two_for_one_package_are_refused_and_other_packages_are_not() {
        let [a, b, c] = [(); 3].map(|()| PersonId::fresh());
        let [one, other] = [(); 2].map(|()| PackageId::fresh());
        let there = [period(a, b, None), period(b, c, Some(vec![one]))];
        let wrong = |n: &NewPeriod| across(n, &there).map(|e| e.field);
        assert_eq!(wrong(&new(c, a, None)).as_deref(), Some("who"));
        assert_eq!(wrong(&new(c, a, Some(vec![one]))).as_deref(), Some("who"));
        assert_eq!(wrong(&new(c, a, Some(vec![other]))), None, "B decides that one");
        assert_eq!(wrong(&new(a, c, Some(vec![one]))).as_deref(), Some("first"));
        assert_eq!(wrong(&new(b, a, Some(vec![other]))).as_deref(), Some("who"));
        assert_eq!(around(&new(c, a, None), &there).len(), 3);
    }
}
