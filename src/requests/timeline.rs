//! The story of a request: what happened, who holds it now, what comes. Pure; `pages` draws it.

use super::model::{Approver, Request, RequestKind, Rule, Stage, StageState, State, Via};
use super::rules::{self, Deciders};
use super::stops::Stop;
use super::votes::{self, Count};
use super::words;
use crate::assignments::model::Assignment;
use crate::assignments::rights::Standing;
use crate::assignments::words::{Times, delivery, role, unsettled};
use crate::audit::history::Told;
use crate::kernel::fact::{EndReason, listed, together};
use crate::kernel::text::{counted, one_line};
use crate::kernel::{Fact, PersonId, Ts};
use crate::packages::model::Content;
use crate::policies::stages::Circumstances;
use crate::web::page::{Mark, Moment, Step};
use crate::web::words::{When, and_list, capital, date_in_full};

/// One item of the timeline.
#[derive(Clone, Debug, Default)]
pub struct Item {
    /// When, which step, and the heading.
    pub moment: Moment,
    /// Sentences below the heading.
    pub says: Vec<String>,
    /// Somebody's own words.
    pub quote: Option<String>,
    /// One mark per resource.
    pub marks: Vec<Mark>,
}

/// What the story is told from.
pub struct Story<'a> {
    /// The request.
    pub request: &'a Request,
    /// Who reads it.
    pub me: Option<PersonId>,
    /// Its facts, in order.
    pub facts: &'a [Told],
    /// Its stages so far.
    pub stages: &'a [Stage],
    /// Its approvers, of all stages.
    pub approvers: &'a [Approver],
    /// What holds it (D47).
    pub stop: Option<&'a Stop>,
    /// Whether it is for a guest.
    pub guest: bool,
    /// Who would decide each stage; empty when nothing waits for approval.
    pub deciders: &'a [Option<Deciders>],
    /// What is in the package.
    pub contents: &'a [Content],
    /// The assignment that it brought, or that it is about.
    pub assignment: Option<&'a Assignment>,
    /// Where its resources stand.
    pub rights: &'a [Standing],
    /// The times.
    pub times: Times,
}

impl Story<'_> {
    fn when(&self, at: Ts) -> Option<When> {
        Some(When::at(at, self.times.now, self.times.zone))
    }

    /// "you" or the name of the person whom it is for.
    fn target(&self) -> String {
        words::you(self.me, self.request.target_id, &self.request.target)
    }

    fn is_mine(&self) -> bool {
        self.me == Some(self.request.target_id)
    }

    /// Those who hold it now, "you" first.
    #[must_use]
    pub fn with(&self) -> Vec<String> {
        let mut waiting: Vec<&Approver> = self.approvers.iter().filter(|a| a.waiting).collect();
        waiting.sort_by_key(|a| self.me != Some(a.person));
        together(waiting.iter().map(|a| words::you(self.me, a.person, &a.name)).collect())
    }

    fn open(&self) -> Option<&Stage> {
        self.stages.iter().find(|stage| stage.state() == StageState::Open)
    }

    /// The votes of the open stage, where more than one is needed.
    fn votes(&self) -> Option<Count> {
        let open = self.open()?;
        let count = votes::count(open.id, open.rule(), open.needed, self.approvers);
        count.several().then_some(count)
    }

    /// "until Tue 15 Dec 2026", "without an end".
    fn until(&self, end: Option<Ts>) -> String {
        match end {
            Some(at) => {
                format!("until {}", When::end(at, self.times.now, self.times.zone).absolute)
            }
            None => "without an end".to_owned(),
        }
    }

    /// Who stopped what, and why.
    fn stopped(&self) -> String {
        match self.stop {
            Some(stop) => {
                format!("{} stopped its {}: “{}”", stop.by, stop.thing.word(), stop.reason)
            }
            None => "Something that it needs was stopped.".to_owned(),
        }
    }

    /// The whole timeline.
    #[must_use]
    pub fn tell(&self) -> Vec<Item> {
        let mut items: Vec<Item> = self.facts.iter().filter_map(|told| self.past(told)).collect();
        items.extend(self.now());
        items.extend(self.later());
        items
    }

    /// The state in one sentence.
    #[must_use]
    pub fn lede(&self) -> String {
        let zone = self.times.zone;
        let end = |at: Option<Ts>| {
            at.map(|at| format!(" until {}", When::end(at, self.times.now, zone).absolute))
        };
        match self.request.state {
            State::PendingApproval | State::Scheduled if self.request.held_at.is_some() => format!(
                "It waits, and its time stands still. {} It goes on by itself when that is let go on.",
                self.stopped()
            ),
            State::PendingApproval if self.request.asked_at.is_some() => {
                let due = self.request.due_at.and_then(|due| self.when(due));
                let due =
                    due.map(|due| format!(" If nobody answers by {}, it expires.", due.absolute));
                format!(
                    "{} asked for information. It is with {}, and the time to decide stands still.{}",
                    self.asker(),
                    self.answers(),
                    due.unwrap_or_default()
                )
            }
            State::PendingApproval => {
                let due = self.request.due_at.and_then(|due| self.when(due));
                let due = due
                    .map(|due| format!(" If nobody decides by {}, it expires.", due.absolute))
                    .unwrap_or_default();
                match self.with().as_slice() {
                    [] => format!("Waiting for approval.{due}"),
                    with => {
                        let votes = self.votes().map(|v| format!(" {}.", v.words(zone)));
                        let votes = votes.unwrap_or_default();
                        format!("With {}.{votes}{due}{}", and_list(with, 3), self.stays())
                    }
                }
            }
            State::Scheduled if self.request.settles() => {
                "Approved. It is delivered in a moment; until then the decision can be taken back."
                    .to_owned()
            }
            State::Scheduled => {
                let starts = self.assignment.map(|a| a.starts_at).or(self.request.starts_at);
                let day = starts.map(|at| date_in_full(zone.date(at))).unwrap_or_default();
                format!("Approved. It starts on {day}.")
            }
            State::Delivering => {
                let total = self.rights.len();
                let done = self.rights.iter().filter(|s| !unsettled(s)).count();
                let stuck = self.rights.iter().any(|s| unsettled(s) && s.trouble.is_some());
                let resources = counted(i64::try_from(total).unwrap_or(0), "system", "systems");
                if stuck {
                    format!(
                        "Approved, but not everything has worked yet: {done} of {resources} confirmed. The rest is tried again by itself."
                    )
                } else {
                    format!("Approved, and being delivered: {done} of {resources} confirmed.")
                }
            }
            State::Delivered if self.request.kind == RequestKind::GiveBack => {
                format!("Given back. {} no longer {} it.", capital(&self.target()), self.has())
            }
            State::Delivered if self.request.kind == RequestKind::Extend => match self.assignment {
                Some(a) if a.ended_at.is_none() => format!(
                    "Extended. {} {} it {}.",
                    capital(&self.target()),
                    self.has(),
                    self.until(a.ends_at)
                ),
                _ => "It was extended, and has ended since.".to_owned(),
            },
            State::Delivered => match self.assignment {
                Some(a) if a.ended_at.is_some() => {
                    format!("{} had it until {}.", capital(&self.target()), self.ended(a))
                }
                Some(a) => format!(
                    "Delivered. {} {} it{}.",
                    capital(&self.target()),
                    if self.is_mine() { "have" } else { "has" },
                    end(a.ends_at).unwrap_or_else(|| ", without an end".into())
                ),
                None => "Delivered.".to_owned(),
            },
            State::Denied => self.denied(),
            State::Expired if self.unanswered() => {
                "It expired, because the information that was asked for did not come.".to_owned()
            }
            State::Expired => "It expired, because nobody decided in time.".to_owned(),
            State::Canceled => "It was canceled. Nobody needs to decide on it any more.".to_owned(),
            State::Undelivered => {
                "Its access ended before every system had confirmed it.".to_owned()
            }
        }
    }

    /// Who asked for information.
    fn asker(&self) -> String {
        let by = self.approvers.iter().find(|a| Some(a.person) == self.request.asked_by);
        by.map_or_else(
            || "An approver".to_owned(),
            |by| capital(&words::you(self.me, by.person, &by.name)),
        )
    }

    /// Who can answer.
    fn answers(&self) -> String {
        let requestor = words::you(self.me, self.request.requestor_id, &self.request.requestor);
        match self.request.requestor_id == self.request.target_id {
            true => requestor,
            false => format!("{requestor} and {}", self.target()),
        }
    }

    /// True where it expired because nobody answered (D41).
    fn unanswered(&self) -> bool {
        let last = |told: &Told| matches!(told.fact, Fact::RequestExpired { unanswered: true, .. });
        self.facts.iter().rev().any(last)
    }

    fn has(&self) -> &'static str {
        if self.is_mine() { "have" } else { "has" }
    }

    /// What a request for more time does not touch.
    fn stays(&self) -> String {
        match self.assignment {
            Some(a) if self.request.kind == RequestKind::Extend => {
                format!(" What {} {} stays {}.", self.target(), self.has(), self.until(a.ends_at))
            }
            _ => String::new(),
        }
    }

    fn ended(&self, assignment: &Assignment) -> String {
        assignment
            .ended_at
            .and_then(|at| self.when(at))
            .map(|when| when.absolute)
            .unwrap_or_default()
    }

    fn denied(&self) -> String {
        let mut last = self.facts.iter().rev();
        let found = last.find_map(|told| match &told.fact {
            Fact::StageDenied { .. } => Some(format!("Denied by {}.", self.actor(told))),
            Fact::AdministratorDecided { approved: false, .. } => {
                Some(format!("Denied by {}, as administrator.", self.actor(told)))
            }
            Fact::RequestDenied { rule } => Some(format!("Denied by a rule: {rule}.")),
            _ => None,
        });
        found.unwrap_or_else(|| "Denied.".to_owned())
    }

    fn actor(&self, told: &Told) -> String {
        let actor = match told.actor {
            Some(id) => words::you(self.me, id, &told.actor_name),
            None => told.actor_name.clone(),
        };
        // Every decision names both people (D34).
        match told.fact.instead_of() {
            Some(name) => format!("{actor}, standing in for {name}"),
            None => actor,
        }
    }

    /// A fact as an item; none for what another item says already.
    fn past(&self, told: &Told) -> Option<Item> {
        let mut actor = capital(&self.actor(told));
        if told.fact.instead_of().is_some() {
            actor.push(',');
        }
        let resource = told.resource.as_deref().unwrap_or("a resource");
        let target = self.target();
        let (step, heading, says): (Step, String, Option<String>) = match &told.fact {
            Fact::RequestSubmitted { package_policy, version } => (
                Step::Done,
                format!("{actor} requested it"),
                Some(format!(
                    "{}. Under policy “{package_policy}”, version {version}.",
                    self.asked()
                )),
            ),
            // What was assigned, given back or taken again says so itself.
            Fact::RequestApproved { automatic: true }
                if !matches!(self.request.kind, RequestKind::Add | RequestKind::Extend) =>
            {
                return None;
            }
            Fact::RequestApproved { automatic: true } => {
                (Step::Done, "No approval was needed".into(), None)
            }
            Fact::ExtensionRequested { package_policy, version, until } => (
                Step::Done,
                format!("{actor} asked for more time"),
                Some(format!(
                    "{}. Under policy “{package_policy}”, version {version}.",
                    capital(&self.until(*until))
                )),
            ),
            Fact::AssignmentExtended { until } => {
                (Step::Done, format!("Extended {}", self.until(*until)), None)
            }
            Fact::AssignedDirectly { policy } => (
                Step::Done,
                format!("{actor} assigned it directly"),
                Some(format!("Without approval, under policy “{policy}”.")),
            ),
            Fact::AssignmentEnding { until, extendable } => {
                let more = "More time can be asked for.".to_owned();
                (
                    Step::Done,
                    format!("Its end was announced: it lasts {}", self.until(Some(*until))),
                    extendable.then_some(more),
                )
            }
            Fact::AssignmentMoved { from, to } => {
                (Step::Done, format!("{actor} moved it from policy “{from}” to “{to}”"), None)
            }
            Fact::GivenBack => (Step::Done, format!("{actor} gave it back"), None),
            Fact::TakenAgain => (
                Step::Done,
                format!("{actor} took it again"),
                Some(
                    "Without approval, because it was given back less than 30 days before.".into(),
                ),
            ),
            Fact::RequestRefused => (
                Step::Stop,
                format!("{actor} refused it"),
                Some("It was requested for them.".into()),
            ),
            Fact::InformationAsked { .. } => {
                (Step::Warn, format!("{actor} asked for information"), None)
            }
            Fact::InformationGiven { .. } => (Step::Done, format!("{actor} answered"), None),
            Fact::InformationNotNeeded { .. } => {
                (Step::Done, format!("{actor} took the question back"), None)
            }
            Fact::CommentAdded { .. } => (Step::Done, format!("{actor} commented"), None),
            Fact::PeriodShortened { from, until } => (
                Step::Done,
                format!("{actor} shortened it: {}", self.until(Some(*until))),
                Some(format!("It was asked for {}.", self.until(*from))),
            ),
            Fact::DecisionTakenBack { stage, stages, approved, .. } => (
                Step::Warn,
                format!(
                    "{actor} took the {} back{}",
                    if *approved { "approval" } else { "denial" },
                    of(*stage, *stages)
                ),
                None,
            ),
            Fact::PassedOn { to, stage, stages, .. } => {
                (Step::Done, format!("{actor} passed it on to {to}{}", of(*stage, *stages)), None)
            }
            Fact::AdministratorDecided { stage, stages, approved } => (
                if *approved { Step::Done } else { Step::Stop },
                format!(
                    "{actor} {} as administrator{}",
                    if *approved { "approved it" } else { "denied it" },
                    of(*stage, *stages)
                ),
                Some("In place of the approvers, who are told.".into()),
            ),
            Fact::ApprovalRevoked { stage, stages } => {
                (Step::Stop, format!("{actor} revoked the approval{}", of(*stage, *stages)), None)
            }
            Fact::RequestExpired { unanswered: true, .. } => {
                (Step::Stop, "Expired: the information did not come".into(), None)
            }
            Fact::RequestHeld { why } => {
                (Step::Warn, "It had to wait".into(), Some(format!("The reason: {why}.")))
            }
            Fact::RequestResumed => (
                Step::Done,
                "It went on".into(),
                Some("Its deadline moved by the time that it waited.".into()),
            ),
            Fact::RequestReminded { .. } => {
                (Step::Done, format!("{actor} had the approvers reminded"), None)
            }
            Fact::DecisionReminded { last, .. } => (
                Step::Done,
                "The approvers were reminded".into(),
                last.then(|| "For the last time before it expires.".into()),
            ),
            Fact::VoteCast { stage, stages, have, needed, .. } => (
                Step::Done,
                format!("{actor} approved{}", of(*stage, *stages)),
                Some(format!("{have} of {needed} approvals.")),
            ),
            Fact::StageComplete { stage, stages } => (
                Step::Done,
                format!("Everybody who is left has approved{}", of(*stage, *stages)),
                None,
            ),
            Fact::StageSkipped { stage, stages } => (
                Step::Done,
                format!("Stage {stage} of {stages} was not needed"),
                Some("Its condition does not hold for this request.".into()),
            ),
            Fact::AlternatesJoined { who, .. } => (
                Step::Warn,
                format!("{} can decide, too", listed(who)),
                Some("As alternates, because nobody had decided for a while.".into()),
            ),
            // The last stage's approval says it.
            Fact::RequestApproved { automatic: false } => return None,
            Fact::RequestScheduled { starts } => {
                let day = date_in_full(self.times.zone.date(*starts));
                (Step::Done, format!("Scheduled to start on {day}"), None)
            }
            Fact::RequestDelivered => {
                (Step::Done, "Delivered: every system has confirmed it".into(), None)
            }
            Fact::RequestDenied { rule } => {
                (Step::Stop, "Denied by a rule".into(), Some(format!("{}.", capital(rule))))
            }
            Fact::RequestExpired { .. } => {
                (Step::Stop, "Expired, because nobody decided in time".into(), None)
            }
            Fact::RequestCanceled { leaver: true } => {
                (Step::Stop, format!("Canceled, because {} left", self.request.target), None)
            }
            Fact::RequestCanceled { leaver: false } => {
                (Step::Stop, format!("{actor} canceled it"), None)
            }
            Fact::RequestUndelivered { why } => {
                (Step::Stop, "Not delivered".into(), Some(format!("{}.", capital(why))))
            }
            // The stage that is open now has an item of its own.
            Fact::StageOpened { stage, .. }
                if *stage == self.request.stage && self.request.state == State::PendingApproval =>
            {
                return None;
            }
            Fact::StageOpened { stage, stages, approvers, due } => {
                let due = self.when(*due).map(|when| when.absolute).unwrap_or_default();
                let of = if *stages > 1 {
                    format!("Stage {stage} of {stages}, to")
                } else {
                    "To".into()
                };
                (
                    Step::Done,
                    format!("Went to {}", listed(approvers)),
                    Some(format!("{of} be decided by {due}.")),
                )
            }
            Fact::ApproversFellBack { why, to, .. } => {
                (Step::Warn, format!("Went to {to}"), Some(format!("The reason: {why}.")))
            }
            Fact::ApproversChanged { gone, now, .. } => (
                Step::Warn,
                format!("{} can no longer decide", listed(gone)),
                Some(format!("Now it is with {}.", listed(now))),
            ),
            Fact::StageApproved { stage, stages, .. } => {
                (Step::Done, format!("{actor} approved{}", of(*stage, *stages)), None)
            }
            Fact::StageDenied { stage, stages, .. } => {
                (Step::Stop, format!("{actor} denied it{}", of(*stage, *stages)), None)
            }
            Fact::AssignmentStarted { until } => {
                let until = until.map(|at| {
                    format!("Until {}.", When::end(at, self.times.now, self.times.zone).absolute)
                });
                let says = until.unwrap_or_else(|| "Without an end.".into());
                let heading = if self.is_mine() {
                    "Your access started".to_owned()
                } else {
                    format!("Access for {target} started")
                };
                (Step::Done, heading, Some(says))
            }
            Fact::AssignmentEnded { why } => match why {
                EndReason::Expired => (Step::Done, "Access ended, its time was over".into(), None),
                EndReason::EndedNow if self.request.state == State::Canceled => return None,
                EndReason::EndedNow => (Step::Stop, format!("{actor} ended the access"), None),
                EndReason::Leaver => (Step::Stop, "Access ended, because they left".into(), None),
                EndReason::GivenBack => {
                    (Step::Done, "Access ended, it was given back".into(), None)
                }
                EndReason::Review => (Step::Stop, "An access review removed it".into(), None),
                EndReason::ApprovalRevoked => {
                    (Step::Stop, "Access ended: the approval was revoked".into(), None)
                }
                EndReason::EndedByManager => {
                    (Step::Stop, format!("{actor} ended the access as manager"), None)
                }
                EndReason::NotEligible => {
                    (Step::Stop, "Access ended: the rules no longer allow it".into(), None)
                }
            },
            Fact::RightDelivered { role, target } => {
                (Step::Done, format!("{target} confirmed {resource} ({role})"), None)
            }
            Fact::RightHeldBefore { role, .. } => {
                let had = if self.is_mine() { "You had" } else { "They had" };
                (
                    Step::Warn,
                    format!("{resource} ({role}) was there before"),
                    Some(format!(
                        "{had} it already when this access started; it stays when this access ends, unless its owners decide otherwise."
                    )),
                )
            }
            Fact::RightRemoved { role, target } => (
                Step::Done,
                format!("{target} confirmed that {resource} ({role}) is removed"),
                None,
            ),
            Fact::RightKept { role, .. } => (
                Step::Warn,
                format!("{resource} ({role}) was left in place"),
                Some("It was there before this access.".into()),
            ),
            Fact::DeliveryTroubled { role, removing, words, .. } => {
                let what = if *removing { "Removing" } else { "Adding" };
                (
                    Step::Warn,
                    format!("{what} {resource} ({role}) has not worked yet"),
                    Some(format!("{}.", capital(words.trim_end_matches('.')))),
                )
            }
            Fact::RemovalOverdue { role, target } => (
                Step::Warn,
                format!("{resource} ({role}) is not removed after an hour"),
                Some(format!("{target} has not confirmed it. The owners have been told.")),
            ),
            Fact::RetryAsked { .. } => {
                (Step::Done, format!("{actor} asked to try again now"), None)
            }
            _ => (Step::Done, told.sentence.to_string(), None),
        };
        let mut says: Vec<String> = says.into_iter().collect();
        if let Some(due) = told.due_at.filter(|due| told.at.seconds_since(*due) > 60)
            && let Some(when) = self.when(due)
        {
            says.push(format!("It was due at {}.", when.absolute));
        }
        Some(Item {
            moment: Moment { step, when: self.when(told.at), at: String::new(), heading },
            says,
            quote: told.note.clone(),
            marks: vec![],
        })
    }

    /// The period that was asked for.
    fn asked(&self) -> String {
        let zone = self.times.zone;
        let first = self
            .request
            .starts_at
            .map(|at| format!("from {}", date_in_full(zone.date(at))))
            .unwrap_or_default();
        let last = match self.request.ends_at {
            Some(end) => format!("until {}", date_in_full(rules::last_day(end, zone))),
            None => match words::longest(self.request.terms.lifetime) {
                words if words.starts_with("No") => "without an end".to_owned(),
                words if words.starts_with("Until") => words.replacen("Until", "until", 1),
                words => format!("for {}", words.replace(" after it starts", "")),
            },
        };
        capital(one_line(&format!("{first} {last}")).as_str())
    }

    /// Who holds it now, since when and until when.
    fn now(&self) -> Option<Item> {
        let item = |moment, says| Item { moment, says, quote: None, marks: vec![] };
        let moment = |at: &str, when, heading: String| Moment {
            step: Step::Now,
            when,
            at: at.to_owned(),
            heading,
        };
        match self.request.state {
            State::PendingApproval
                if self.request.asked_at.is_some() && self.request.held_at.is_none() =>
            {
                let heading = format!("With {}", self.answers());
                let mut says = vec![format!("{} asked for information.", self.asker())];
                if let Some(due) = self.request.due_at.and_then(|due| self.when(due)) {
                    says.push(format!(
                        "If nobody answers by {} ({}), it expires.",
                        due.absolute, due.relative
                    ));
                }
                let since = self.request.asked_at.and_then(|at| self.when(at));
                Some(item(moment("Since", since, heading), says))
            }
            State::PendingApproval => {
                let waiting: Vec<&Approver> = self.approvers.iter().filter(|a| a.waiting).collect();
                let since = waiting.iter().map(|a| a.opened_at).max();
                let with = self.with();
                let heading = if with.is_empty() {
                    "Waiting for approval".to_owned()
                } else {
                    format!("With {}", and_list(&with, 3))
                };
                let mut says = Vec::new();
                if let Some(first) = waiting.first() {
                    says.push(format!("{}.", capital(self.why(first.via))));
                    let any = self.open().is_none_or(|open| open.rule() == Rule::Any);
                    if any && waiting.len() > 1 {
                        says.push("Whoever decides first decides for all of them.".into());
                    }
                }
                if let Some(votes) = self.votes() {
                    says.push(format!("{}.", votes.words(self.times.zone)));
                }
                if self.request.held_at.is_some() {
                    says.push(format!("Nobody can decide now: {}", self.stopped()));
                    return Some(item(
                        moment("Since", self.request.held_at.and_then(|at| self.when(at)), heading),
                        says,
                    ));
                }
                let alternates = self.open().and_then(|open| {
                    let at = usize::try_from(open.number - 1).ok()?;
                    let terms = self.request.terms.stages.get(at)?;
                    super::deciding::alternates_mark(terms, open.alternates_at, self.times.zone)
                });
                says.extend(alternates.map(|mark| format!("{}.", mark.says)));
                if let Some(due) = self.request.due_at.and_then(|due| self.when(due)) {
                    let extends = self.request.kind == RequestKind::Extend;
                    let again = if self.is_mine() && !extends {
                        " and you can request it again"
                    } else {
                        ""
                    };
                    says.push(format!(
                        "If nobody decides by {} ({}), it expires{again}.",
                        due.absolute, due.relative
                    ));
                }
                Some(item(moment("Since", since.and_then(|at| self.when(at)), heading), says))
            }
            State::Scheduled if self.request.settles() => {
                let says = vec!["Until then the decision can be taken back.".to_owned()];
                let until = self.request.undo_until.and_then(|at| self.when(at));
                Some(item(moment("Until", until, "Approved, delivered in a moment".into()), says))
            }
            State::Scheduled => {
                let starts = self.assignment.map(|a| a.starts_at).or(self.request.starts_at);
                let says = vec!["The rules are checked once more on that day.".to_owned()];
                let heading = "Approved, waiting for its first day".to_owned();
                Some(item(moment("Until", starts.and_then(|at| self.when(at)), heading), says))
            }
            _ => self.delivery(),
        }
    }

    /// What target systems have been asked for and have not confirmed yet.
    fn delivery(&self) -> Option<Item> {
        let assignment = self.assignment?;
        let ended = assignment.ended_at.is_some();
        if !self.rights.iter().any(unsettled) {
            return None;
        }
        let since = if ended { assignment.ended_at } else { assignment.started_at };
        let heading = if ended { "Being removed" } else { "Being delivered" };
        Some(Item {
            moment: Moment {
                step: Step::Now,
                when: since.and_then(|at| self.when(at)),
                at: "Since".into(),
                heading: heading.into(),
            },
            marks: self.marks(),
            ..Item::default()
        })
    }

    /// Where each resource stands.
    #[must_use]
    pub fn marks(&self) -> Vec<Mark> {
        let ended = self.assignment.is_some_and(|a| a.ended_at.is_some());
        self.rights
            .iter()
            .map(|standing| {
                let Mark { kind, shape, text } = delivery(standing, ended, self.times);
                Mark { kind, shape, text: format!("{}: {text}", role(standing)) }
            })
            .collect()
    }

    fn why(&self, via: Via) -> &'static str {
        if self.is_mine() { words::why_you(via) } else { via.words() }
    }

    /// What the conditions of its stages look at.
    fn circumstances(&self) -> Circumstances<'_> {
        rules::circumstances(self.request, self.guest, None, self.times.zone)
    }

    /// What is expected.
    fn later(&self) -> Vec<Item> {
        let mut items = Vec::new();
        let expected = |at: &str, when, heading: String| Item {
            moment: Moment { step: Step::Later, when, at: at.to_owned(), heading },
            ..Item::default()
        };
        if self.request.state == State::PendingApproval {
            let with = self.with();
            if self.request.asked_at.is_some() && !with.is_empty() {
                let mut item = expected("Next", None, format!("Back with {}", and_list(&with, 3)));
                item.says.push("The time to decide goes on where it stood still.".into());
                items.push(item);
            }
            let open = usize::try_from(self.request.stage).unwrap_or(0);
            for (at, stage) in self.request.terms.stages.iter().enumerate().skip(open) {
                if !stage.applies(self.circumstances()) {
                    continue;
                }
                let found = self.deciders.get(at).and_then(Option::as_ref);
                let names = together(found.map_or_else(Vec::new, |d| {
                    d.people.iter().map(|p| words::you(self.me, p.id, &p.name)).collect()
                }));
                let heading = match names.as_slice() {
                    [] => format!("Then stage {}", at + 1),
                    names => format!("Then with {}", and_list(names, 3)),
                };
                let mut item = expected("Next", None, heading);
                let first = found.and_then(|d| d.people.first());
                let why = first.map(|p| format!("{}, ", self.why(p.via))).unwrap_or_default();
                item.says
                    .push(capital(&format!("{why}within {}.", stage.unit.counted(stage.time))));
                items.push(item);
            }
        }
        let waits = matches!(self.request.state, State::PendingApproval | State::Scheduled);
        if self.request.kind == RequestKind::Extend {
            if waits {
                let mut item = expected("Then", None, "Extended".into());
                item.says.push(
                    "The end moves. Nothing is interrupted, and nothing else changes.".into(),
                );
                items.push(item);
            }
            items.extend(self.end(false));
            return items;
        }
        if waits {
            let mut item = expected("Then", None, "Asked of every system".into());
            item.marks = self
                .contents
                .iter()
                .map(|c| Mark::new("", "ring", format!("{} ({})", c.resource_name, c.role_name)))
                .collect();
            if item.marks.is_empty() {
                item.says.push("Nothing is in the package yet.".into());
            }
            items.push(item);
        }
        if waits || self.request.state == State::Delivering {
            let says = if self.is_mine() { "You have it" } else { "The access is there" };
            let mut item = expected("Then", None, "Delivered".into());
            item.says.push(format!("{says} when every system has confirmed it."));
            items.push(item);
        }
        items.extend(self.end(waits));
        items
    }

    /// The end of the access, where one lies ahead.
    fn end(&self, waits: bool) -> Option<Item> {
        let (now, zone) = (self.times.now, self.times.zone);
        let known = self.assignment.map(|a| a.ends_at);
        let over = self.assignment.is_some_and(|a| a.ended_at.is_some());
        if over || (!waits && self.assignment.is_none()) {
            return None;
        }
        let (at, when, heading) = match known {
            Some(Some(end)) => (String::new(), Some(When::end(end, now, zone)), "Ends by itself"),
            Some(None) => ("No end".to_owned(), None, "Stays until somebody ends it"),
            None => match self.request.ends_at {
                Some(end) => (String::new(), Some(When::end(end, now, zone)), "Ends by itself"),
                None => match words::longest(self.request.terms.lifetime) {
                    words if words.starts_with("No") => {
                        (words, None, "Stays until somebody ends it")
                    }
                    words => (words, None, "Ends by itself"),
                },
            },
        };
        let moment = Moment { step: Step::Later, when, at, heading: heading.to_owned() };
        Some(Item { moment, ..Item::default() })
    }
}

fn of(stage: i64, stages: i64) -> String {
    if stages > 1 { format!(", stage {stage} of {stages}") } else { String::new() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assignments::model::RightState;
    use crate::kernel::fact::Sentence;
    use crate::kernel::{
        AssignmentId, CatalogId, FactId, PackageId, PolicyId, RequestId, RightId, StageId, Zone,
    };
    use crate::policies::model::{Lifetime, Scope, Terms};
    use crate::policies::stages::{Approvers, StageTerms};
    use crate::requests::model::RequestKind;

    fn at(text: &str) -> Ts {
        Ts::new(text.parse().unwrap())
    }

    fn now() -> Ts {
        at("2026-11-23T09:12:00Z")
    }

    fn request(state: State, stages: usize) -> Request {
        let me = PersonId::fresh();
        let stage = StageTerms::simple(Approvers::Manager, vec![], 14);
        Request {
            id: RequestId::fresh(),
            reference: "KH-2345-6789".into(),
            package_id: PackageId::fresh(),
            package: "Ledger".into(),
            catalog_id: CatalogId::fresh(),
            policy_id: PolicyId::fresh(),
            policy_version: 3,
            terms: Terms {
                scope: Scope::default(),
                stages: vec![stage; stages],
                reason_required: true,
                lifetime: Lifetime::Days { days: 90 },
                period_chosen: true,
                ..Terms::default()
            },
            contents_version: 1,
            requestor_id: me,
            requestor: "Asha Rao".into(),
            target_id: me,
            target: "Asha Rao".into(),
            reason: "Month end".into(),
            starts_at: None,
            ends_at: None,
            state,
            stage: 1,
            due_at: Some(at("2026-12-04T09:12:00Z")),
            previous_id: None,
            created_at: now(),
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

    fn told(fact: Fact, note: Option<&str>) -> Told {
        Told {
            id: FactId::fresh(),
            at: now(),
            due_at: None,
            actor: None,
            actor_name: "Dario Conti".into(),
            request: None,
            assignment: None,
            resource: Some("Ledger".into()),
            note: note.map(str::to_owned),
            fact,
            sentence: Sentence::default(),
        }
    }

    fn approver(name: &str) -> Approver {
        Approver {
            stage: StageId::fresh(),
            person: PersonId::fresh(),
            name: name.into(),
            via: Via::Manager,
            opened_at: now(),
            waiting: true,
            vote: None,
            voted_at: None,
            note: None,
            removed: false,
            voted_by: None,
            voter: None,
            passed_by: None,
        }
    }

    fn story<'a>(request: &'a Request, facts: &'a [Told], approvers: &'a [Approver]) -> Story<'a> {
        Story {
            request,
            me: Some(request.target_id),
            facts,
            stages: &[],
            approvers,
            stop: None,
            guest: false,
            deciders: &[],
            contents: &[],
            assignment: None,
            rights: &[],
            times: Times { now: now(), wall: now(), zone: Zone::UTC },
        }
    }

    #[test]
    fn d05_it_names_who_holds_it_and_what_silence_does_and_when() {
        let request = request(State::PendingApproval, 2);
        let approvers = [approver("Ingrid Solheim")];
        let facts = [
            told(Fact::RequestSubmitted { package_policy: "P".into(), version: 3 }, Some("Why")),
            told(
                Fact::StageOpened {
                    stage: 1,
                    stages: 2,
                    approvers: vec!["Ingrid Solheim".into()],
                    due: now(),
                },
                None,
            ),
        ];
        let story = story(&request, &facts, &approvers);
        assert_eq!(
            story.lede(),
            "With Ingrid Solheim. If nobody decides by Fri 4 Dec 2026, 09:12, it expires."
        );
        let items = story.tell();
        let steps: Vec<(Step, &str)> =
            items.iter().map(|i| (i.moment.step, i.moment.heading.as_str())).collect();
        assert_eq!(
            steps,
            [
                (Step::Done, "Dario Conti requested it"),
                (Step::Now, "With Ingrid Solheim"),
                (Step::Later, "Then stage 2"),
                (Step::Later, "Asked of every system"),
                (Step::Later, "Delivered"),
                (Step::Later, "Ends by itself"),
            ]
        );
        assert_eq!(items[0].quote.as_deref(), Some("Why"));
        assert_eq!(items[0].says[0], "For 90 days. Under policy “P”, version 3.");
        assert_eq!(items[1].says[0], "As your manager.");
        assert_eq!(
            items[1].says[1],
            "If nobody decides by Fri 4 Dec 2026, 09:12 (in 11 days), it expires and you can request it again."
        );
    }

    #[test]
    fn a_denial_quotes_the_reason_and_ends_the_story() {
        let mut request = request(State::Denied, 1);
        request.due_at = None;
        let facts =
            [told(Fact::StageDenied { stage: 1, stages: 1, instead_of: None }, Some("Not needed"))];
        let story = story(&request, &facts, &[]);
        let items = story.tell();
        assert_eq!(story.lede(), "Denied by Dario Conti.");
        assert_eq!(items.len(), 1);
        assert_eq!(items[0].moment.step, Step::Stop);
        assert_eq!(items[0].quote.as_deref(), Some("Not needed"));
    }

    #[test]
    fn d23_delivery_says_where_each_system_stands() {
        let request = request(State::Delivering, 1);
        let assignment = Assignment {
            id: AssignmentId::fresh(),
            request_id: Some(request.id),
            package_id: request.package_id,
            policy_id: request.policy_id,
            target_id: request.target_id,
            starts_at: now(),
            started_at: Some(now()),
            ends_at: Some(at("2026-12-01T00:00:00Z")),
            ended_at: None,
            end_reason: None,
            created_at: now(),
            attributes: "[]".into(),
            warn_at: None,
            rev: 1,
        };
        let standing = |state, trouble: Option<&str>| Standing {
            assignment: assignment.id,
            right: RightId::fresh(),
            resource: "Ledger".into(),
            role: "Member".into(),
            target: "Directory".into(),
            wanted: true,
            state,
            held_before: false,
            confirmed_at: Some(now()),
            attempts: 2,
            next_at: None,
            trouble: trouble.map(str::to_owned),
            trouble_code: None,
        };
        let rights =
            [standing(RightState::Present, None), standing(RightState::Adding, Some("it is down"))];
        let told =
            Story { assignment: Some(&assignment), rights: &rights, ..story(&request, &[], &[]) };
        assert_eq!(
            told.lede(),
            "Approved, but not everything has worked yet: 1 of 2 systems confirmed. The rest is tried again by itself."
        );
        let items = told.tell();
        assert_eq!(items[0].moment.heading, "Being delivered");
        assert_eq!(items[0].marks.len(), 2);
        assert!(items[0].marks[1].text.contains("has not worked yet: it is down"));
        let end = items.last().unwrap();
        assert_eq!(end.moment.heading, "Ends by itself");
        assert_eq!(end.moment.when.as_ref().unwrap().absolute, "Mon 30 Nov 2026");
    }

    #[test]
    fn only_one_item_is_now_in_every_state() {
        for state in State::ALL {
            let request = request(*state, 2);
            let approvers = [approver("Ingrid Solheim")];
            let items = story(&request, &[], &approvers).tell();
            let now = items.iter().filter(|i| i.moment.step == Step::Now).count();
            assert!(now <= 1, "{state}");
            assert!(!story(&request, &[], &approvers).lede().is_empty(), "{state}");
        }
    }
}
