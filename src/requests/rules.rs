//! The rules of a request, pure: no database, no clock.

mod approval;
pub mod exception;
mod waiting;
pub use approval::*;
#[cfg(test)]
mod histories;
pub use waiting::*;

use super::model::{Approver, Request, RequestKind, Stage, StageState, State, Verdict};
use crate::error::FieldError;
use crate::kernel::text::NOTE_MAX;
use crate::kernel::{PersonId, Risk, Ts, Zone};
use crate::policies::model::{DAYS_MAX, Terms};
use crate::policies::stages::Circumstances;

/// The period of access: from when (empty: at once) and until when (empty: without an end).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    /// The start that was asked for.
    pub starts: Option<Ts>,
    /// The end that was asked for.
    pub ends: Option<Ts>,
}

/// The period that a form asks for, held against the policy: an end beyond its maximum, a start in the past,
/// an end before the start are errors that say what is possible (D8).
///
/// # Errors
/// All that is wrong, by field (`starts`, `ends`).
pub fn asked_period(
    terms: &Terms,
    asked: Period,
    now: Ts,
    zone: Zone,
) -> Result<Period, Vec<FieldError>> {
    if !terms.period_chosen {
        return Ok(Period { starts: None, ends: None });
    }
    let mut errors = Vec::new();
    let (today, far) = (zone.date(now), zone.plus_days(now, DAYS_MAX));
    if asked.starts.is_some_and(|at| at > far) {
        return Err(vec![FieldError::new(
            "starts",
            "Choose a first day within the next ten years",
        )]);
    }
    // A start of today means at once.
    let starts = asked.starts.filter(|at| zone.date(*at) != today);
    if starts.is_some_and(|at| at < now) {
        errors.push(FieldError::new("starts", "Choose a first day that is today or later"));
    }
    let begin = starts.unwrap_or(now).max(now);
    let latest = terms.lifetime.end(begin, zone);
    if latest.is_some_and(|latest| latest <= begin) {
        errors.push(FieldError::new(
            "starts",
            "Choose an earlier first day: access under this policy ends before it",
        ));
    }
    if let Some(ends) = asked.ends {
        if ends <= begin {
            errors.push(FieldError::new(
                "ends",
                "Choose a last day that is not before the first day",
            ));
        } else if let latest = latest.unwrap_or(zone.plus_days(begin, DAYS_MAX))
            && ends > zone.end_of(zone.date(latest))
        {
            let day = last_day(latest, zone).format("%-d %B %Y");
            errors.push(FieldError::new("ends", format!("Choose a last day on or before {day}")));
        }
    }
    if errors.is_empty() { Ok(Period { starts, ends: asked.ends }) } else { Err(errors) }
}

/// The last day on which access that ends at `end` can be used.
#[must_use]
pub fn last_day(end: Ts, zone: Zone) -> chrono::NaiveDate {
    zone.date(Ts::from_micros(end.micros() - 1))
}

/// When access that starts at `start` ends: what was asked for, cut to the policy's maximum (D8).
#[must_use]
pub fn end_of_access(terms: &Terms, asked: Option<Ts>, start: Ts, zone: Zone) -> Option<Ts> {
    match (asked, terms.lifetime.end(start, zone)) {
        (Some(asked), Some(latest)) => Some(asked.min(latest)),
        (asked, latest) => asked.or(latest),
    }
}

/// What a decision meets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// The stage is decided, closed or has run out (D4); the caller says who, when and what.
    Decided,
    /// A field of the form is wrong.
    Field(FieldError),
}

/// May this verdict be recorded on a stage in this state?
/// A denial needs a reason; so does approving high risk (D39).
///
/// # Errors
/// See [`Refused`].
pub fn decide(
    state: StageState,
    due: Ts,
    now: Ts,
    verdict: Verdict,
    note: &str,
    risk: Risk,
    note_required: bool,
) -> Result<(), Refused> {
    if state != StageState::Open || due <= now {
        return Err(Refused::Decided);
    }
    if note.chars().count() > NOTE_MAX {
        return Err(Refused::Field(FieldError::new(
            "note",
            format!("Shorten your reason to {NOTE_MAX} characters"),
        )));
    }
    if note.is_empty() && verdict == Verdict::Deny {
        return Err(Refused::Field(FieldError::new(
            "note",
            "Say why you deny it; the requestor reads this",
        )));
    }
    if note.is_empty() && risk == Risk::High {
        return Err(Refused::Field(FieldError::new(
            "note",
            "Say why you approve it: this package is high risk",
        )));
    }
    if note.is_empty() && note_required {
        return Err(Refused::Field(FieldError::new(
            "note",
            "Say why you approve it: the policy asks for a reason",
        )));
    }
    Ok(())
}

/// The end of access that is extended at `now`: as a new period would end, asked for or the longest; it must lie
/// after the end that it has (D11).
///
/// # Errors
/// What to mend (`ends`).
pub fn extended_end(
    terms: &Terms,
    asked: Option<Ts>,
    current: Ts,
    now: Ts,
    zone: Zone,
) -> Result<Option<Ts>, FieldError> {
    let latest = terms.lifetime.end(now, zone);
    let far = zone.plus_days(now, DAYS_MAX);
    let day = |at: Ts| last_day(at, zone).format("%-d %B %Y");
    if latest.is_some_and(|latest| latest <= current) {
        return Err(FieldError::new(
            "ends",
            format!("The policy does not allow it beyond {}", day(current)),
        ));
    }
    match asked {
        Some(asked) if asked <= current => Err(FieldError::new(
            "ends",
            format!("Choose a last day after {}, when it ends now", day(current)),
        )),
        Some(asked) if asked > zone.end_of(zone.date(latest.unwrap_or(far))) => {
            let latest = day(latest.unwrap_or(far));
            Err(FieldError::new("ends", format!("Choose a last day on or before {latest}")))
        }
        asked => Ok(end_of_access(terms, asked, now, zone)),
    }
}

/// Is an end less than what was asked for, and long enough to be worth it (D14)? `after` is when access starts, or the end
/// that it has where it is extended; `current` is the end that it would get.
///
/// # Errors
/// What to mend (`ends`).
pub fn less(until: Ts, after: Ts, current: Option<Ts>, zone: Zone) -> Result<(), FieldError> {
    let day = |at: Ts| last_day(at, zone).format("%-d %B %Y");
    if until <= after {
        let first = zone.date(after).format("%-d %B %Y");
        return Err(FieldError::new("ends", format!("Choose a last day after {first}")));
    }
    match current {
        Some(current) if until > current => Err(FieldError::new(
            "ends",
            format!("Choose a last day before {}: nobody approves for more", day(current)),
        )),
        _ => Ok(()),
    }
}

/// The decision that somebody can take back (D40): their vote in an open stage; the one that decided a stage, as long as
/// nobody has voted in the next and delivery has not started; a denial within the undo window of `window` seconds.
#[must_use]
pub fn takes_back<'a>(
    me: PersonId,
    request: &Request,
    stages: &'a [Stage],
    approvers: &'a [Approver],
    window: i64,
    now: Ts,
) -> Option<(&'a Stage, &'a Approver)> {
    if me == request.requestor_id || me == request.target_id {
        return None;
    }
    let mine = |a: &&Approver| {
        a.vote.is_some() && a.voted_by.map_or(a.person == me, |stand_in| stand_in == me)
    };
    let of = |stage: &Stage| approvers.iter().filter(mine).find(|a| a.stage == stage.id);
    let (stage, vote) = stages.iter().rev().find_map(|stage| Some((stage, of(stage)?)))?;
    let decided = stage.decided_by.is_some_and(|by| by == me || by == vote.person);
    let quiet = |s: &Stage| {
        s.state() == StageState::Open
            && !approvers.iter().any(|a| a.stage == s.id && a.vote.is_some())
    };
    let later = || stages.iter().filter(|s| s.number > stage.number).all(quiet);
    let still = match (stage.state(), request.state) {
        (StageState::Open, State::PendingApproval) => true,
        (StageState::Approved, State::PendingApproval | State::Scheduled) => decided && later(),
        (StageState::Denied, State::Denied) => {
            decided && request.ended_at.is_some_and(|at| now.seconds_since(at) < window)
        }
        _ => false,
    };
    still.then_some((stage, vote))
}

/// What the conditions of a request's stages look at. Answers and length are those of the request, so that the same
/// stages are found whenever it is asked. `since` is the start of access that is to be extended: what is asked for is
/// all of it, because many short extensions are a long one.
#[must_use]
pub fn circumstances(
    request: &Request,
    guest: bool,
    since: Option<Ts>,
    zone: Zone,
) -> Circumstances<'_> {
    let from = request.starts_at.unwrap_or(request.created_at);
    let end = end_of_access(&request.terms, request.ends_at, from, zone);
    let start = since.unwrap_or(from);
    Circumstances {
        answers: &request.answers,
        seconds: end.map(|end| end.seconds_since(start)),
        guest,
        in_doubt: request.kind == RequestKind::Extend,
    }
}

/// As many days as something that was given back can be taken again (D42).
pub const TAKE_AGAIN_DAYS: u32 = 30;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policies::model::{Lifetime, Scope};

    fn at(text: &str) -> Ts {
        Ts::new(text.parse().unwrap())
    }

    fn terms(lifetime: Lifetime) -> Terms {
        Terms {
            scope: Scope::default(),
            stages: vec![],
            reason_required: false,
            lifetime,
            period_chosen: true,
            ..Terms::default()
        }
    }

    #[test]
    fn d04_a_decided_stage_takes_no_second_decision() {
        let (due, now) = (at("2026-01-02T00:00:00Z"), at("2026-01-01T00:00:00Z"));
        let decided =
            decide(StageState::Approved, due, now, Verdict::Approve, "", Risk::Ordinary, false);
        assert_eq!(decided, Err(Refused::Decided));
    }

    #[test]
    fn d05_a_stage_that_ran_out_takes_no_decision_even_before_the_timer_came() {
        let now = at("2026-01-02T00:00:00Z");
        assert_eq!(
            decide(StageState::Open, now, now, Verdict::Approve, "", Risk::Ordinary, false),
            Err(Refused::Decided)
        );
    }

    #[test]
    fn d39_high_risk_needs_a_reason_and_so_does_every_denial() {
        let (due, now) = (at("2026-01-02T00:00:00Z"), at("2026-01-01T00:00:00Z"));
        let ask =
            |verdict, note, risk| decide(StageState::Open, due, now, verdict, note, risk, false);
        assert!(matches!(ask(Verdict::Approve, "", Risk::High), Err(Refused::Field(_))));
        assert!(matches!(ask(Verdict::Deny, "", Risk::Ordinary), Err(Refused::Field(_))));
        assert!(ask(Verdict::Approve, "", Risk::Ordinary).is_ok());
        assert!(ask(Verdict::Approve, "needed", Risk::High).is_ok());
    }

    #[test]
    fn d08_a_period_beyond_the_maximum_is_named_and_the_end_is_cut() {
        let (now, zone) = (at("2026-11-23T09:00:00Z"), Zone::UTC);
        let terms = terms(Lifetime::Days { days: 90 });
        let asked =
            |ends| asked_period(&terms, Period { starts: None, ends: Some(ends) }, now, zone);
        let errors = asked(at("2027-06-30T00:00:00Z")).unwrap_err();
        assert_eq!(errors[0].text, "Choose a last day on or before 21 February 2027");
        assert!(asked(at("2027-02-22T00:00:00Z")).is_ok(), "the last day is inclusive");
        assert!(asked(at("2026-11-01T00:00:00Z")).is_err());
        let end = end_of_access(&terms, Some(at("2027-02-22T00:00:00Z")), now, zone);
        assert_eq!(end, Some(at("2027-02-21T09:00:00Z")), "cut to the policy's maximum");
    }

    #[test]
    fn d08_a_start_in_the_past_is_refused_and_today_means_at_once() {
        let (now, zone) = (at("2026-11-23T09:00:00Z"), Zone::UTC);
        let terms = terms(Lifetime::Never);
        let asked =
            |starts| asked_period(&terms, Period { starts: Some(starts), ends: None }, now, zone);
        assert!(asked(at("2026-11-22T00:00:00Z")).is_err());
        assert_eq!(asked(at("2026-11-23T00:00:00Z")).unwrap().starts, None);
        assert_eq!(
            asked(at("2026-11-24T00:00:00Z")).unwrap().starts,
            Some(at("2026-11-24T00:00:00Z"))
        );
    }
}
