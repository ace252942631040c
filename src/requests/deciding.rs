//! The words of a decision page: until when, who decides, what fits, what happens next. Pure.

use chrono::NaiveDate;

use super::model::{Approver, Request, RequestKind, Rule, Stage, StageState, State, Verdict};
use super::rules::Pace;
use super::rules::end_of_access;
use super::stops::Stop;
use super::store::{Earlier, Peers};
use super::votes::{self, Count};
use crate::kernel::fact::{Part, Sentence, listed};
use crate::kernel::text::counted;
use crate::kernel::{PersonId, Risk, Ts, Zone};
use crate::packages::incompatible::model::Conflict;
use crate::policies::model::Lifetime;
use crate::policies::stages::{Approvers, StageTerms, Votes};
use crate::web::words::{date, date_in_full};

/// Until when access is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// A last day.
    Day(NaiveDate),
    /// An instant.
    At(Ts),
    /// So many days from its start.
    Days(u32),
    /// So many hours from its start.
    Hours(u32),
    /// Without an end.
    Never,
}

impl Until {
    /// What a request asks for, cut to what its policy allows (D8).
    #[must_use]
    pub fn of(request: &Request, now: Ts, zone: Zone) -> Self {
        // An extension counts from its approval (D11).
        let extends = request.kind == RequestKind::Extend;
        let from = if extends { request.decided_at.unwrap_or(now) } else { now };
        let start = request.starts_at.unwrap_or(from).max(request.created_at);
        let at = |end: Ts| zone.last_day(end).map_or(Self::At(end), Self::Day);
        let known = extends || request.ends_at.is_some() || request.starts_at.is_some();
        match request.terms.lifetime {
            _ if known => {
                end_of_access(&request.terms, request.ends_at, start, zone).map_or(Self::Never, at)
            }
            Lifetime::Until { date } => Self::Day(date),
            Lifetime::Days { days } => Self::Days(days),
            Lifetime::Hours { hours } => Self::Hours(hours),
            Lifetime::Never => Self::Never,
        }
    }

    /// "until 31 January 2027", "for 90 days", "without an end": for a sentence.
    #[must_use]
    pub fn long(self, zone: Zone) -> String {
        match self {
            Self::Day(day) => format!("until {}", date_in_full(day)),
            Self::At(at) => format!("until {}", zone.local(at).format("%-d %B %Y, %H:%M")),
            other => other.short(zone),
        }
    }

    /// "until 31 Jan 2027", "for 90 days", "without an end": for a cell or a button.
    #[must_use]
    pub fn short(self, zone: Zone) -> String {
        match self {
            Self::Day(day) => format!("until {}", day.format("%-d %b %Y")),
            Self::At(at) => format!("until {}", zone.local(at).format("%-d %b %Y, %H:%M")),
            Self::Days(days) => format!("for {}", counted(days.into(), "day", "days")),
            Self::Hours(hours) => format!("for {}", counted(hours.into(), "hour", "hours")),
            Self::Never => "without an end".to_owned(),
        }
    }

    /// How many days that is from a start; none for a part of a day and for no end.
    #[must_use]
    pub fn days(self, start: Ts, zone: Zone) -> Option<i64> {
        match self {
            Self::Day(day) => Some((day - zone.date(start)).num_days() + 1),
            Self::At(at) => Some((at.seconds_since(start) + 43_200) / 86_400).filter(|n| *n > 0),
            Self::Days(days) => Some(days.into()),
            Self::Hours(_) | Self::Never => None,
        }
    }
}

/// A remark with a shape before it; the words alone say all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// The class: `is-ok`, `is-warn`, `is-stop`, `is-off`, or empty.
    pub tone: &'static str,
    /// The icon.
    pub icon: &'static str,
    /// Strokes for people, where there are few enough to draw.
    pub tally: Option<(usize, usize)>,
    /// The remark, names set apart.
    pub says: Sentence,
}

fn mark(tone: &'static str, icon: &'static str, says: Sentence) -> Mark {
    Mark { tone, icon, tally: None, says }
}

/// Words without a name.
pub(super) fn plain(text: impl Into<String>) -> Sentence {
    Sentence(vec![Part::words(&text.into())])
}

/// A sentence of words and names in turn, beginning with words.
pub(super) fn says<const N: usize>(parts: [&str; N]) -> Sentence {
    let part = |(at, text): (usize, &&str)| Part { name: at % 2 == 1, ..Part::words(text) };
    Sentence(parts.iter().enumerate().map(part).filter(|part| !part.text.is_empty()).collect())
}

/// The strokes for n of m people; none where they would be too many to see.
#[must_use]
pub fn tally(peers: Peers) -> Option<(usize, usize)> {
    let (have, of) = (usize::try_from(peers.have).ok()?, usize::try_from(peers.of).ok()?);
    (of <= 12).then_some((have, of))
}

/// What colleagues with the same manager have.
#[must_use]
pub fn peers_mark(manager: bool, peers: Option<Peers>) -> Mark {
    let Some(peers) = peers else {
        let words = if manager {
            "The team is too small for a comparison"
        } else {
            "No manager on record, so there is no team to compare with"
        };
        return mark("is-off", "minus", plain(words));
    };
    let (tone, icon) = match peers.have {
        0 => ("is-warn", "stand"),
        have if have * 2 >= peers.of => ("is-ok", "check"),
        _ => ("", "ring"),
    };
    let words = match peers.have {
        0 => format!("None of {} colleagues with the same manager has it", peers.of),
        1 => format!("1 of {} colleagues with the same manager has it", peers.of),
        have => format!("{have} of {} colleagues with the same manager have it", peers.of),
    };
    Mark { tally: tally(peers), ..mark(tone, icon, plain(words)) }
}

/// What the person has that is incompatible with it, and whether an exception from that is asked for (D7, D19).
#[must_use]
pub fn duties_marks(request: &Request, conflicts: &[Conflict], asked: &[Conflict]) -> Vec<Mark> {
    if conflicts.is_empty() && asked.is_empty() {
        let words = "Nothing that they hold is incompatible with it";
        return vec![mark("is-ok", "check", plain(words))];
    }
    let one = |conflict: &Conflict| {
        let excepted = request.terms.exception.iter().any(|rule| rule.id == conflict.rule);
        let (tone, icon, then) = match (excepted, request.kind) {
            (true, _) => ("is-warn", "stand", "This asks for an exception"),
            (false, RequestKind::Extend) => ("is-warn", "stand", "Both are held already"),
            (false, _) => ("is-stop", "bar", "Approved, it is denied by that rule"),
        };
        let why = format!(", which is incompatible with it: “{}” {then}", conflict.reason);
        mark(tone, icon, says(["Has ", &conflict.what(), &why]))
    };
    let wanted = |conflict: &Conflict| {
        let why = format!(
            ", which is incompatible with it: “{}” If that is given first, this is denied",
            conflict.reason
        );
        mark("is-warn", "stand", says(["Has requested ", &conflict.what(), &why]))
    };
    conflicts.iter().map(one).chain(asked.iter().map(wanted)).collect()
}

/// That a request asks for an exception: from what, and until when (D19).
#[must_use]
pub fn exception_words(request: &Request, until: Until, zone: Zone) -> Sentence {
    let names: Vec<String> = request.terms.exception.iter().map(|rule| rule.name.clone()).collect();
    let until =
        format!(" {}. Nobody gets both without one; it cannot be extended.", until.long(zone));
    says([
        "This is an exception from separation of duties: ",
        &request.package,
        " beside ",
        &listed(&names),
        &until,
    ])
}

/// What else the person holds.
#[must_use]
pub fn held_mark(held: i64) -> Mark {
    let words = match held {
        0 => "Holds no access package now".to_owned(),
        n => format!("Holds {} now", counted(n, "access package", "access packages")),
    };
    mark("is-off", "minus", plain(words))
}

/// What became of earlier requests of the same person for the same package.
#[must_use]
pub fn earlier_marks(earlier: &[Earlier], zone: Zone) -> Vec<Mark> {
    if earlier.is_empty() {
        return vec![mark("is-off", "minus", plain("Never requested it before"))];
    }
    let one = |earlier: &Earlier| {
        let day = zone.local(earlier.at).format("%-d %b %Y").to_string();
        match (&earlier.denied, earlier.state) {
            (Some((name, note)), State::Denied) => {
                let note = note.as_ref().map_or_else(String::new, |note| format!(": “{note}”"));
                let before = format!("Requested it on {day}; ");
                mark("is-warn", "stand", says([&before, name, &format!(" denied it{note}")]))
            }
            (_, state) => {
                let what = state.label().to_lowercase();
                mark("is-off", "minus", plain(format!("Requested it on {day}: {what}")))
            }
        }
    };
    earlier.iter().map(one).collect()
}

/// As many earlier assignments as a comparison needs.
const SPANS_MIN: usize = 5;

/// Whether it is asked for longer than others took it; none where there is too little to compare with.
#[must_use]
pub fn span_mark(asked: Option<i64>, others: &[Option<i64>]) -> Option<Mark> {
    if others.len() < SPANS_MIN {
        return None;
    }
    let mut days: Vec<i64> = others.iter().map(|days| days.unwrap_or(i64::MAX)).collect();
    days.sort_unstable();
    let half = *days.get((days.len() - 1) / 2)?;
    let asked = asked?;
    if half == i64::MAX || asked <= half {
        return None;
    }
    let words = format!(
        "Half of the last {} people took it for {} or less; this asks for {}",
        days.len(),
        counted(half, "day", "days"),
        counted(asked, "day", "days")
    );
    Some(mark("is-warn", "stand", plain(words)))
}

/// What is in the package is not what was requested any more (D43): what came and what went, by name.
#[must_use]
pub fn contents_mark(added: &[String], removed: &[String]) -> Mark {
    let (came, went) =
        (crate::web::words::and_list(added, 9), crate::web::words::and_list(removed, 9));
    let sentence = match (added.is_empty(), removed.is_empty()) {
        (true, true) => plain(
            "What is in the package was changed since it was requested, and is the same again",
        ),
        (false, true) => says(["Added to the package since it was requested: ", &came]),
        (true, false) => says(["Removed from the package since it was requested: ", &went]),
        (false, false) => {
            says(["Added to the package since it was requested: ", &came, "; removed: ", &went])
        }
    };
    mark("is-warn", "stand", sentence)
}

/// What an extension changes (D11).
#[must_use]
pub fn extends_mark(current: Option<Ts>, until: Until, zone: Zone) -> Mark {
    let now = match current {
        Some(end) => zone.last_day(end).map_or(Until::At(end), Until::Day).long(zone),
        None => "without an end".to_owned(),
    };
    let then = until.long(zone);
    mark("", "cal", plain(format!("Has it {now}; if approved today, {then}. Nothing else changes")))
}

/// That nobody can decide because something was stopped (D47).
#[must_use]
pub fn stopped(stop: Option<&Stop>, zone: Zone) -> Sentence {
    let Some(stop) = stop else {
        return plain("It waits, because something was stopped; its deadline stands still.");
    };
    let at = zone.local(stop.at).format("%-d %b %Y, %H:%M");
    says([
        "It waits: ",
        &stop.by,
        &format!(
            " stopped its {} on {at}: “{}” Nobody can decide until it goes on, and its deadline stands still.",
            stop.thing.word(),
            stop.reason
        ),
    ])
}

/// "Half within 3 hours, nine in ten within 2 days": what the package's own history says.
#[must_use]
pub fn pace_words(pace: Pace) -> String {
    match pace {
        Pace::TooFew { of: 0 } => {
            "How long a decision takes: too few to say, none was decided before".to_owned()
        }
        Pace::TooFew { of } => {
            format!("How long a decision takes: too few to say ({of} so far)")
        }
        Pace::Known { of, half, nine_in_ten } => format!(
            "How long a decision takes: half within {}, nine in ten within {} (the last {of})",
            crate::web::words::within(half),
            crate::web::words::within(nine_in_ten)
        ),
    }
}

/// The risk in words.
#[must_use]
pub fn risk_words(risk: Risk) -> &'static str {
    match risk {
        Risk::Ordinary => "Ordinary risk: everyday access",
        Risk::High => "High risk: decided one by one, with a reason",
    }
}

/// "You alone decide this stage, as manager", "You or Ann decide, you as manager; the first answer counts".
#[must_use]
pub fn deciders_mark(me: PersonId, approvers: &[Approver], rule: Rule) -> Mark {
    let via = approvers.iter().find(|a| a.waiting && a.person == me).map_or("", |a| a.via.words());
    // A stand-in is none of them, and decides in the place of one (D34).
    let via = if via.is_empty() { "as a stand-in" } else { via };
    let others: Vec<String> =
        approvers.iter().filter(|a| a.waiting && a.person != me).map(|a| a.name.clone()).collect();
    let voted = approvers
        .iter()
        .any(|a| a.vote.is_some() && approvers.iter().any(|o| o.waiting && o.stage == a.stage));
    let sentence = match (rule, others.is_empty()) {
        (_, true) if voted => {
            plain(format!("Yours is the last answer that is awaited; you decide {via}"))
        }
        (_, true) => plain(format!("You alone decide this stage, {via}")),
        (Rule::Any, false) => {
            let after = format!(" decide, you {via}; the first answer counts");
            says(["You or ", &listed(&others), &after])
        }
        (Rule::Some | Rule::Everyone, false) => {
            let after = format!(" are asked, you {via}; one denial ends the request");
            says(["You and ", &listed(&others), &after])
        }
    };
    mark("", "arrow", sentence)
}

/// In whose place a stand-in decides (D34).
#[must_use]
pub fn stand_in_mark(name: &str) -> Mark {
    let after = " and decide in their place; they still can, too. The record names you both";
    mark("warn", "pass", says(["You stand in for ", name, after]))
}

/// How many approvals a stage needs and has; none where one is enough.
#[must_use]
pub fn votes_mark(count: &Count, zone: Zone) -> Option<Mark> {
    count.several().then(|| mark("", "half", plain(count.words(zone))))
}

/// Who joins if nobody decides, and when (D5).
#[must_use]
pub fn alternates_mark(terms: &StageTerms, at: Option<Ts>, zone: Zone) -> Option<Mark> {
    let (alternates, at) = (terms.alternates.as_ref()?, at?);
    let mut names: Vec<String> = alternates.people.iter().map(|p| p.name.clone()).collect();
    names.extend(alternates.groups.iter().map(|g| format!("the members of {}", g.name)));
    if alternates.second_manager {
        names.push("the manager’s manager".to_owned());
    }
    let when = zone.local(at).format("%a %-d %b %Y, %H:%M");
    let after = format!(") join on {when}, if it is not decided before");
    Some(mark("", "clock", says(["Alternates (", &listed(&names), &after])))
}

/// What an approval leads to: the next stage, or delivery.
#[must_use]
pub fn next_mark(
    next: Option<&StageTerms>,
    manager: Option<&str>,
    starts: Option<Ts>,
    until: Until,
    extends: bool,
    zone: Zone,
) -> Mark {
    let Some(stage) = next else {
        if extends {
            let end = until.long(zone);
            return mark(
                "",
                "arrow",
                plain(format!("Once approved, it is extended at once: {end}")),
            );
        }
        let start = match starts {
            Some(at) => format!("Once approved, it starts on {}", date(zone.date(at))),
            None => "Once approved, it is delivered at once".to_owned(),
        };
        let end = match until {
            Until::Day(day) => format!(" and ends by itself after {}", date_in_full(day)),
            Until::At(at) => {
                format!(" and ends by itself on {}", zone.local(at).format("%-d %B %Y at %H:%M"))
            }
            Until::Days(n) => {
                format!(" and ends by itself after {}", counted(n.into(), "day", "days"))
            }
            Until::Hours(n) => {
                format!(" and ends by itself after {}", counted(n.into(), "hour", "hours"))
            }
            Until::Never => "; it has no end".to_owned(),
        };
        return mark("", "arrow", plain(format!("{start}{end}")));
    };
    let within = format!(" within {}", stage.unit.counted(stage.time));
    let sentence = match (&stage.approvers, manager) {
        (Approvers::Manager, Some(name)) => {
            says(["Once approved, ", name, &format!(" decides next, as manager,{within}")])
        }
        (Approvers::Manager, None) => {
            plain(format!("Once approved, the manager decides next{within}"))
        }
        (Approvers::SecondManager, _) => {
            plain(format!("Once approved, their manager’s manager decides next{within}"))
        }
        (Approvers::Sponsors, _) => {
            plain(format!("Once approved, the sponsors of their organization decide next{within}"))
        }
        (Approvers::Named { people, groups }, _) if people.is_empty() && groups.len() == 1 => {
            let how = match stage.votes {
                Votes::Any => "somebody".to_owned(),
                Votes::Some { n } => format!("{n} people"),
                Votes::Everyone => "everybody".to_owned(),
            };
            let verb = if stage.votes == Votes::Any { " decides next" } else { " must approve" };
            let lead = format!("Once approved, {how} of ");
            says([&lead, &groups[0].name, &format!("{verb}{within}")])
        }
        (Approvers::Named { people, groups }, _) => {
            let mut names: Vec<String> = people.iter().map(|person| person.name.clone()).collect();
            names.extend(groups.iter().map(|group| format!("the members of {}", group.name)));
            let one = names.len() == 1 && groups.is_empty();
            let verb = if one { " decides next" } else { " decide next" };
            let how = match stage.votes {
                Votes::Any => String::new(),
                Votes::Some { n } => format!(", {n} of them"),
                Votes::Everyone if one => String::new(),
                Votes::Everyone => ", all of them".to_owned(),
            };
            says(["Once approved, ", &listed(&names), &format!("{verb}{how}{within}")])
        }
    };
    mark("", "arrow", sentence)
}

/// Where each stage stands, for somebody who cannot decide: who decided, when and what; or who can.
#[must_use]
pub fn stands(
    request: &Request,
    stages: &[Stage],
    approvers: &[Approver],
    me: PersonId,
    zone: Zone,
) -> Vec<Sentence> {
    let several = request.stages() > 1;
    let time = |at: Ts| zone.local(at).format("%a %-d %b %Y, %H:%M").to_string();
    let one = |stage: &Stage| {
        let number = if several { format!(" stage {}", stage.number) } else { " it".to_owned() };
        let by = stage.decided_by.and_then(|by| {
            let of = approvers.iter().filter(|a| a.stage == stage.id && a.vote.is_some());
            of.max_by_key(|a| a.by() == by)
        });
        let name = match by {
            Some(by) if by.person == me && by.voter.is_none() => "You".to_owned(),
            Some(by) => by.said_by(),
            None => "Somebody".to_owned(),
        };
        let name = name.as_str();
        let decided = |verb: &str| {
            let at = stage.decided_at.map_or_else(String::new, |at| format!(" on {}", time(at)));
            let note = stage.note.as_ref().map_or_else(String::new, |n| format!(": “{n}”"));
            says(["", name, &format!(" {verb}{number}{at}{note}.")])
        };
        let count = votes::count(stage.id, stage.rule(), stage.needed, approvers);
        let mine =
            approvers.iter().find(|a| a.stage == stage.id && a.vote.is_some() && a.by() == me);
        match (stage.state(), mine.and_then(|a| a.voted_at)) {
            (StageState::Approved, _) if count.several() => {
                says(["", &count.who(), &format!(" approved{number}.")])
            }
            (StageState::Approved, _) => decided("approved"),
            (StageState::Denied, _) => decided("denied"),
            (StageState::Expired, _) => plain(format!(
                "Nobody decided{number} in time: it ran out on {}.",
                time(stage.due_at)
            )),
            (StageState::Closed, _) => {
                plain(format!("Nobody decided{number}: {}.", request.state.label().to_lowercase()))
            }
            (StageState::Open, Some(at)) => {
                plain(format!("You approved{number} on {}. {}.", time(at), count.words(zone)))
            }
            (StageState::Open, None) => {
                let with: Vec<String> = approvers
                    .iter()
                    .filter(|a| a.waiting && a.stage == stage.id)
                    .map(|a| a.name.clone())
                    .collect();
                let since = time(stage.opened_at);
                let until = match request.paused() {
                    true => String::new(),
                    false => format!("; undecided, it expires on {}", time(stage.due_at)),
                };
                let votes = match count.several() {
                    true => format!(". {}", count.words(zone)),
                    false => String::new(),
                };
                says(["With ", &listed(&with), &format!(" since {since}{until}{votes}.")])
            }
        }
    };
    stages.iter().map(one).collect()
}

/// Who asked for information, and until when it can be given (D13); none where nothing is asked.
#[must_use]
pub fn asked(
    request: &Request,
    approvers: &[Approver],
    me: PersonId,
    zone: Zone,
) -> Option<Sentence> {
    let since = request.asked_at.filter(|_| request.state == State::PendingApproval)?;
    let time = |at: Ts| zone.local(at).format("%a %-d %b %Y, %H:%M").to_string();
    let by = approvers.iter().find(|a| Some(a.person) == request.asked_by);
    let by = match by {
        Some(by) if by.person == me => "You",
        Some(by) => by.name.as_str(),
        None => "An approver",
    };
    let until = request.due_at.map(|at| format!(", until {}", time(at))).unwrap_or_default();
    let rest = format!(" asked for information on {}. It is with ", time(since));
    Some(says([
        "",
        by,
        &rest,
        &request.requestor,
        &format!("{until}; the time to decide stands still."),
    ]))
}

/// What the person reads after their decision; `votes` are those of the stage, if it is open still.
#[must_use]
pub fn outcome(after: &Request, votes: Option<&Count>, said: Verdict) -> (String, String) {
    let what = format!("{} for {}", after.package, after.target);
    if let Some(votes) = votes {
        return (
            "Approved.".into(),
            format!("{what} has {}; others are asked still.", votes.short()),
        );
    }
    match after.state {
        State::Delivered if after.kind == RequestKind::Extend => {
            ("Approved.".into(), format!("{what} is extended."))
        }
        State::Denied if said == Verdict::Approve => (
            "Denied by a rule, in spite of your approval.".into(),
            format!("{what}: the request names the rule, and {} reads it.", after.target),
        ),
        State::Denied if after.stage > 0 => {
            ("Denied.".into(), format!("{what}: {} reads why.", after.target))
        }
        State::PendingApproval => (
            "Approved.".into(),
            format!("{what} goes on to stage {} of {}.", after.stage, after.stages()),
        ),
        State::Scheduled if after.settles() => {
            ("Approved.".into(), format!("{what} is delivered in a moment."))
        }
        State::Scheduled => ("Approved.".into(), format!("{what} starts on its first day.")),
        State::Delivering => ("Approved.".into(), format!("{what} is being delivered.")),
        _ => ("Recorded.".into(), format!("{what}: {}.", after.label().to_lowercase())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::{CatalogId, PackageId, PolicyId, RequestId};
    use crate::policies::model::{Named, Scope, Terms};
    use crate::requests::model::RequestKind;

    const OSLO: Zone = Zone::of(chrono_tz::Europe::Oslo);

    fn at(text: &str) -> Ts {
        Ts::new(text.parse().unwrap())
    }

    fn request(lifetime: Lifetime) -> Request {
        Request {
            id: RequestId::fresh(),
            reference: "KH-7Q2M-9XKD".into(),
            package_id: PackageId::fresh(),
            package: "Ledger".into(),
            catalog_id: CatalogId::fresh(),
            policy_id: PolicyId::fresh(),
            policy_version: 1,
            terms: Terms {
                scope: Scope::default(),
                stages: vec![],
                reason_required: false,
                lifetime,
                period_chosen: true,
                ..Terms::default()
            },
            contents_version: 1,
            requestor_id: PersonId::fresh(),
            requestor: "Asha Rao".into(),
            target_id: PersonId::fresh(),
            target: "Asha Rao".into(),
            reason: "x".into(),
            starts_at: None,
            ends_at: None,
            state: State::PendingApproval,
            stage: 1,
            due_at: None,
            previous_id: None,
            created_at: at("2026-11-19T08:05:00Z"),
            decided_at: None,
            ended_at: None,
            rev: 1,
            kind: RequestKind::Add,
            answers: vec![],
            assignment_id: None,
            basket_id: None,
            held_at: None,
            reminded_at: None,
            asked_at: None,
            asked_by: None,
            undo_until: None,
            exception: false,
            access_ended: None,
        }
    }

    #[test]
    fn d08_the_title_names_the_end_that_access_will_have() {
        let now = at("2026-11-23T09:12:00Z");
        let until = |request: &Request| Until::of(request, now, OSLO);
        let mut asked = request(Lifetime::Days { days: 90 });
        assert_eq!(until(&asked).long(OSLO), "for 90 days");
        // The last day of January ends at the next local midnight.
        asked.ends_at = Some(at("2027-01-31T23:00:00Z"));
        assert_eq!(until(&asked).long(OSLO), "until 31 January 2027");
        assert_eq!(until(&asked).short(OSLO), "until 31 Jan 2027");
        assert_eq!(until(&asked).days(now, OSLO), Some(70));
        // A longer wish is cut to the policy's maximum.
        asked.ends_at = Some(at("2028-01-31T23:00:00Z"));
        assert_eq!(until(&asked).long(OSLO), "until 21 February 2027, 10:12");
        let hours = request(Lifetime::Hours { hours: 1 });
        assert_eq!(until(&hours).long(OSLO), "for 1 hour");
        assert_eq!(until(&request(Lifetime::Never)).long(OSLO), "without an end");
    }

    #[test]
    fn e28_figures_of_fewer_than_five_people_are_hidden() {
        assert_eq!(Peers::shown(3, 4), None);
        assert_eq!(Peers::shown(3, 5), Some(Peers { have: 3, of: 5 }));
        let hidden = peers_mark(true, None);
        assert!(!hidden.says.to_string().contains(char::is_numeric), "{}", hidden.says);
        let none = peers_mark(true, Peers::shown(0, 9));
        assert_eq!((none.tone, none.tally), ("is-warn", Some((0, 9))));
        assert_eq!(none.says.to_string(), "None of 9 colleagues with the same manager has it");
        assert_eq!(peers_mark(true, Peers::shown(7, 9)).tone, "is-ok");
        assert_eq!(peers_mark(true, Peers::shown(7, 40)).tally, None, "too many strokes to see");
    }

    #[test]
    fn a_denial_of_before_is_told_with_its_reason() {
        let earlier = Earlier {
            id: RequestId::fresh(),
            reference: "KH-1".into(),
            at: at("2026-03-03T12:00:00Z"),
            state: State::Denied,
            denied: Some(("Dario Conti".into(), Some("not needed outside the close".into()))),
        };
        let marks = earlier_marks(&[earlier], OSLO);
        let says = &marks[0].says;
        assert_eq!(
            says.to_string(),
            "Requested it on 3 Mar 2026; Dario Conti denied it: “not needed outside the close”"
        );
        assert!(says.0.iter().any(|part| part.name && part.text == "Dario Conti"));
        assert_eq!(earlier_marks(&[], OSLO).len(), 1);
    }

    #[test]
    fn a_long_wish_stands_out_only_against_enough_others() {
        let month = vec![Some(30); 6];
        assert_eq!(span_mark(Some(69), &month[..4]), None);
        assert_eq!(span_mark(Some(30), &month), None);
        assert_eq!(span_mark(Some(69), &[None; 6]), None);
        assert_eq!(
            span_mark(Some(69), &month).unwrap().says.to_string(),
            "Half of the last 6 people took it for 30 days or less; this asks for 69 days"
        );
    }

    #[test]
    fn what_happens_next_names_who_or_when() {
        let group = Named { id: crate::kernel::GroupId::fresh(), name: "Finance leads".into() };
        let stage = StageTerms::simple(Approvers::group(group), vec![], 5);
        let next = next_mark(Some(&stage), None, None, Until::Never, false, OSLO);
        assert_eq!(
            next.says.to_string(),
            "Once approved, somebody of Finance leads decides next within 5 days"
        );
        let last = next_mark(None, None, None, Until::Days(90), false, OSLO);
        assert_eq!(
            last.says.to_string(),
            "Once approved, it is delivered at once and ends by itself after 90 days"
        );
    }
}
