//! The words of requests on pages: who decides, where it stands. Pure.

use super::model::{Request, RequestKind, Rule, State, Via};
use super::rules::{Deciders, Period};
use crate::kernel::fact::together;
use crate::kernel::text::counted;
use crate::kernel::{PersonId, Ts, Zone};
use crate::policies::model::{Lifetime, Terms};
use crate::web::listing::csv_time;
use crate::web::page::{Mark, Names};
use crate::web::words::{self, When};

/// Who would decide one stage, as a sentence that a template makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decides {
    /// "First", "Then", or empty where there is one stage only; before it the condition of the stage.
    pub lead: String,
    /// Who; nobody where the request would be refused (D38).
    pub names: Names,
    /// "decides" or "decide, whoever is first".
    pub verb: String,
    /// Why them.
    pub why: &'static str,
    /// "14 days".
    pub days: String,
}

/// Who would decide each stage for the person who asks.
#[must_use]
pub fn decides(terms: &Terms, deciders: &[Option<Deciders>]) -> Vec<Decides> {
    terms
        .stages
        .iter()
        .enumerate()
        .map(|(at, stage)| {
            let found = deciders.get(at).and_then(Option::as_ref);
            let people: Vec<String> = found.map_or_else(Vec::new, Deciders::names);
            let many = people.len();
            Decides {
                lead: terms.lead(at),
                names: Names::of(&together(people)),
                verb: match found.map_or((Rule::Any, many), |d| (d.rule, many)) {
                    (_, 1) => "decides".to_owned(),
                    (Rule::Any, _) => "decide, whoever is first".to_owned(),
                    (Rule::Some, _) => {
                        format!("decide, {} of them must approve", found.map_or(1, |d| d.needed))
                    }
                    (Rule::Everyone, _) => "decide, all of them must approve".to_owned(),
                },
                why: found.and_then(|d| d.people.first()).map_or("", |p| why_you(p.via)),
                days: stage.unit.counted(stage.time),
            }
        })
        .collect()
}

/// Why somebody decides, said to the person who asks.
#[must_use]
pub fn why_you(via: Via) -> &'static str {
    match via {
        Via::Manager => "as your manager",
        Via::Named => "named in the policy",
        Via::Group => "for the policy’s group of approvers",
        Via::SecondManager => "as your manager’s manager",
        Via::Sponsor => "as sponsor of your organization",
        Via::Alternate => "as alternate",
        Via::Fallback => "in place of approvers who cannot decide this",
        Via::CatalogOwner => "as catalog owner, because no named approver can",
        Via::Administrator => "as administrator, because nobody else can",
        Via::PassedOn => "because another approver passed it on",
    }
}

/// When access would start, in words.
#[must_use]
pub fn first_day(terms: &Terms, period: Period, zone: Zone) -> String {
    match period.starts {
        Some(at) => words::date_with_weekday(zone.date(at)),
        None if terms.stages.is_empty() => "At once".to_owned(),
        None => "As soon as it is approved".to_owned(),
    }
}

/// When access would end, in words: the day that was chosen, or what the policy says.
#[must_use]
pub fn last_day(terms: &Terms, period: Period, now: Ts, zone: Zone) -> String {
    if let Some(end) = period.ends {
        let day = super::rules::last_day(end, zone);
        let from = period.starts.map_or_else(|| zone.date(now), |at| zone.date(at));
        let days = (day - from).num_days() + 1;
        return format!("{} ({})", words::date_with_weekday(day), counted(days, "day", "days"));
    }
    match terms.lifetime {
        Lifetime::Until { date } => words::date_with_weekday(date),
        other => longest(other),
    }
}

/// How long a policy lets access last, in words.
#[must_use]
pub fn longest(lifetime: Lifetime) -> String {
    match lifetime {
        Lifetime::Until { date } => format!("Until {}", words::date_in_full(date)),
        Lifetime::Days { days } => {
            format!("{} after it starts", counted(days.into(), "day", "days"))
        }
        Lifetime::Hours { hours } => {
            format!("{} after it starts", counted(hours.into(), "hour", "hours"))
        }
        Lifetime::Never => "No end".to_owned(),
    }
}

/// "you", or the name.
#[must_use]
pub fn you(me: Option<PersonId>, person: PersonId, name: &str) -> String {
    if me == Some(person) { "you".to_owned() } else { name.to_owned() }
}

/// What a request is for, where it is not for access.
#[must_use]
pub fn kind(request: &Request) -> Option<&'static str> {
    (request.kind != RequestKind::Add).then(|| request.kind.label())
}

/// Where a request stands, for a row of a list. `with` are those who hold it now.
#[must_use]
pub fn mark(request: &Request, with: &[String], zone: Zone) -> Mark {
    match request.state {
        State::PendingApproval if request.held_at.is_some() => {
            Mark::new("warn", "stand", "Waits, because something was stopped")
        }
        State::PendingApproval if request.asked_at.is_some() => {
            Mark::new("warn", "half", format!("Needs information from {}", request.requestor))
        }
        State::PendingApproval if with.is_empty() => Mark::new("", "half", "Waiting for approval"),
        State::PendingApproval => {
            Mark::new("", "half", format!("With {}", words::and_list(with, 3)))
        }
        State::Scheduled if request.settles() => {
            Mark::new("", "half", "Approved, delivered in a moment")
        }
        State::Scheduled => {
            let day = request.starts_at.map(|at| words::date(zone.date(at))).unwrap_or_default();
            Mark::new("", "cal", format!("Approved, starts on {day}"))
        }
        State::Delivering => Mark::new("", "half", "Approved, being delivered"),
        State::Expired => Mark::new("stop", "clock", "Expired, nobody decided in time"),
        _ => shape(request),
    }
}

/// Where a request stands: shape and word.
#[must_use]
pub fn shape(request: &Request) -> Mark {
    let ended = request.access_ended.is_some();
    let (kind, icon, text) = standing(request.state, request.kind, ended);
    match request.held_at.filter(|_| !request.state.ended()) {
        Some(_) => Mark::new("warn", "stand", "Stopped, waits"),
        None if request.asked_at.is_some() && !request.state.ended() => {
            Mark::new("warn", "half", "Needs information")
        }
        None if request.settles() => Mark::new("", "half", "Approved"),
        None => Mark::new(kind, icon, text),
    }
}

/// Where a request of a kind stands, whose access may have ended: class, shape and word.
#[must_use]
pub fn standing(
    state: State,
    kind: RequestKind,
    access_ended: bool,
) -> (&'static str, &'static str, &'static str) {
    let (class, shape) = match (state, kind) {
        (State::PendingApproval | State::Delivering, _) => ("", "half"),
        (State::Scheduled, _) => ("", "clock"),
        (State::Delivered, RequestKind::GiveBack) => ("off", "minus"),
        (State::Delivered, _) if access_ended => ("off", "minus"),
        (State::Delivered, _) => ("ok", "done"),
        (State::Denied, _) => ("stop", "bar"),
        (State::Expired | State::Canceled, _) => ("off", "minus"),
        (State::Undelivered, _) => ("warn", "stand"),
    };
    (class, shape, state.says(kind, access_ended))
}

/// The row of the CSV of a list of requests; the header is [`CSV`]. Times are UTC.
#[must_use]
pub fn csv_row(request: &Request, with: &[String]) -> Vec<String> {
    vec![
        request.reference.clone(),
        request.package.clone(),
        request.target.clone(),
        request.requestor.clone(),
        request.kind.label().to_owned(),
        request.label().to_owned(),
        with.join("; "),
        csv_time(request.created_at),
        csv_time(request.held_at),
        csv_time(request.due_at),
        csv_time(request.decided_at),
        csv_time(delivered_at(request)),
        csv_time(ended_at(request)),
        csv_time(request.starts_at),
        csv_time(request.ends_at),
        request.policy_version.to_string(),
        request.reason.clone(),
    ]
}

/// When every system had confirmed it.
#[must_use]
pub fn delivered_at(request: &Request) -> Option<Ts> {
    request.ended_at.filter(|_| request.state == State::Delivered)
}

/// When nothing of it was left: it ended without access, or its access ended.
#[must_use]
pub fn ended_at(request: &Request) -> Option<Ts> {
    match request.state {
        State::Delivered => request.access_ended,
        _ => request.ended_at,
    }
}

/// The columns of [`csv_row`].
pub const CSV: &[&str] = &[
    "Reference",
    "Access package",
    "Requested for",
    "Requested by",
    "Kind",
    "State",
    "With",
    "Requested at (UTC)",
    "Stopped since (UTC)",
    "Expires at (UTC)",
    "Decided at (UTC)",
    "Delivered at (UTC)",
    "Ended at (UTC)",
    "Requested start (UTC)",
    "Requested end (UTC)",
    "Policy version",
    "Reason",
];

/// The two times of a request that waits: since when, and when it expires.
#[must_use]
pub fn wait(
    request: &Request,
    since: Option<Ts>,
    now: Ts,
    zone: Zone,
) -> (Option<When>, Option<When>) {
    if request.state != State::PendingApproval {
        return (None, None);
    }
    let when = |at: Option<Ts>| at.map(|at| When::at(at, now, zone));
    // What is stopped has no deadline until it goes on (D47).
    (when(since), when(request.due_at.filter(|_| request.held_at.is_none())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policies::model::Scope;
    use crate::policies::stages::{Approvers, StageTerms};
    use crate::requests::rules::Candidate;

    fn at(text: &str) -> Ts {
        Ts::new(text.parse().unwrap())
    }

    fn terms(lifetime: Lifetime, stages: usize) -> Terms {
        let stage = StageTerms::simple(Approvers::Manager, vec![], 14);
        Terms {
            scope: Scope::default(),
            stages: vec![stage; stages],
            reason_required: false,
            lifetime,
            period_chosen: true,
            ..Terms::default()
        }
    }

    #[test]
    fn every_stage_names_who_decides_and_why() {
        let boss = Deciders {
            people: vec![Candidate {
                id: PersonId::fresh(),
                name: "Ingrid".into(),
                via: Via::Manager,
                group: None,
            }],
            rule: Rule::Any,
            needed: 1,
            fell_back: None,
        };
        let said = decides(&terms(Lifetime::Never, 2), &[Some(boss), None]);
        assert_eq!(
            (said[0].lead.as_str(), said[0].verb.as_str(), said[0].why),
            ("First", "decides", "as your manager")
        );
        assert_eq!(said[0].names.shown, ["Ingrid"]);
        assert_eq!((said[1].lead.as_str(), said[1].names.shown.len()), ("Then", 0));
        assert_eq!(said[1].days, "14 days");
    }

    #[test]
    fn the_last_day_is_the_chosen_one_or_what_the_policy_says() {
        let zone = Zone::named("Europe/Oslo").unwrap();
        let now = at("2026-11-23T09:12:00Z");
        let none = Period { starts: None, ends: None };
        let days = terms(Lifetime::Days { days: 90 }, 1);
        assert_eq!(last_day(&days, none, now, zone), "90 days after it starts");
        let chosen = Period { starts: None, ends: Some(at("2027-01-15T23:00:00Z")) };
        assert_eq!(last_day(&days, chosen, now, zone), "Friday 15 January 2027 (54 days)");
        assert_eq!(last_day(&terms(Lifetime::Never, 0), none, now, zone), "No end");
    }

    #[test]
    fn the_first_day_waits_for_approval_only_where_somebody_approves() {
        let none = Period { starts: None, ends: None };
        let said = |stages| first_day(&terms(Lifetime::Never, stages), none, Zone::UTC);
        assert_eq!((said(0).as_str(), said(1).as_str()), ("At once", "As soon as it is approved"));
    }

    #[test]
    fn names_are_few_and_set_apart() {
        let said = |all: &[&str]| {
            let names = Names::of(all);
            let parts = names.parts();
            parts.iter().map(|(name, after)| format!("{name}{after}")).collect::<String>()
        };
        assert_eq!(said(&["A"]), "A");
        assert_eq!(said(&["A", "B"]), "A and B");
        assert_eq!(said(&["A", "B", "C"]), "A, B and C");
        assert_eq!(said(&["A", "B", "C", "D"]), "A, B and 2 more");
        assert_eq!(said(&[]), "");
    }
}
