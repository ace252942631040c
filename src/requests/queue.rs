//! Which of the requests that wait are looked at, in an address and in words; and which of them may be decided together
//! with others (D39). Pure.

use super::model::{Request, Verdict};
use crate::access::Person;
use crate::kernel::{PackageId, RequestId, Risk, StageId, Ts};
use crate::web::Form;

/// What runs out within this many seconds is marked.
pub const SOON: i64 = 2 * 24 * 3_600;
/// The name of a queue's filter in the address of a decision.
pub const QUEUE: &str = "queue";

crate::text_enum! {
    /// A part of the queue.
    pub enum Show {
        /// What runs out within two days.
        Soon = "soon",
        /// What holds a high-risk role.
        High = "high",
        /// What waits for an answer of its requestor (D13).
        Asked = "asked",
    }
}

crate::text_enum! {
    /// For whom.
    pub enum Team {
        /// People whose manager the approver is.
        Mine = "mine",
        /// Everybody else.
        Others = "others",
    }
}

/// Which of the requests that wait are looked at; the address says it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// A part of them.
    pub show: Option<Show>,
    /// For whom.
    pub team: Option<Team>,
    /// For one package.
    pub package: Option<PackageId>,
}

impl Filter {
    /// What a query says; what it cannot mean is left aside.
    #[must_use]
    pub fn of(query: &Form) -> Self {
        Self {
            show: Show::parse(query.raw("show")),
            team: Team::parse(query.raw("team")),
            package: query.raw("package").parse().ok(),
        }
    }

    /// The same, as the address of a decision carries it.
    #[must_use]
    pub fn parse(encoded: &str) -> Self {
        Self::of(&Form::parse(encoded.as_bytes()))
    }

    /// As it is written in an address; empty for everything.
    #[must_use]
    pub fn encoded(&self) -> String {
        let mut form = Form::default();
        if let Some(show) = self.show {
            form.set("show", show.as_str());
        }
        if let Some(team) = self.team {
            form.set("team", team.as_str());
        }
        if let Some(package) = self.package {
            form.set("package", package.to_string());
        }
        form.encoded()
    }

    /// True where nothing is left out.
    #[must_use]
    pub fn all(&self) -> bool {
        *self == Self::default()
    }

    /// The address of the queue.
    #[must_use]
    pub fn queue(&self) -> String {
        with("/approvals", &self.encoded())
    }

    /// The same from a place on, which a cursor names.
    #[must_use]
    pub fn queue_from(&self, cursor: &str) -> String {
        let mut form = Form::parse(self.encoded().as_bytes());
        form.set(crate::web::listing::PAGE, cursor);
        with("/approvals", &form.encoded())
    }

    /// The address of a decision that one comes to from this queue.
    #[must_use]
    pub fn decision(&self, id: RequestId) -> String {
        let path = format!("/approvals/{id}");
        if self.all() { path } else { with(&path, &Form::of([(QUEUE, self.encoded())]).encoded()) }
    }
}

fn with(path: &str, query: &str) -> String {
    if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
}

/// What of somebody's queue is read.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// Whose decision is awaited: their own, and in the place of those for whom they stand in (D34).
    pub person: &'a Person,
    /// Which of their requests.
    pub filter: Filter,
    /// By now.
    pub now: Ts,
    /// These stages only.
    pub only: Option<&'a [StageId]>,
}

impl<'a> Wanted<'a> {
    /// All that waits for somebody.
    #[must_use]
    pub fn all(person: &'a Person, now: Ts) -> Self {
        Self { person, filter: Filter::default(), now, only: None }
    }
}

/// Which of the decisions of a person are looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Past {
    /// Approvals or denials.
    pub verdict: Option<Verdict>,
    /// Not older than so many days.
    pub days: Option<i64>,
}

impl Past {
    /// The periods that one can choose.
    pub const DAYS: [i64; 3] = [7, 30, 365];

    /// What a query says.
    #[must_use]
    pub fn of(query: &Form) -> Self {
        let days = query.raw("days").parse().ok();
        Self {
            verdict: Verdict::parse(query.raw("verdict")),
            days: days.filter(|days| Self::DAYS.contains(days)),
        }
    }

    /// The address of the list.
    #[must_use]
    pub fn href(&self) -> String {
        let mut form = Form::of([("state", "done")]);
        if let Some(verdict) = self.verdict {
            form.set("verdict", verdict.as_str());
        }
        if let Some(days) = self.days {
            form.set("days", days.to_string());
        }
        with("/approvals", &form.encoded())
    }

    /// The oldest decision that is looked at.
    #[must_use]
    pub fn since(&self, now: Ts) -> Option<Ts> {
        self.days.map(|days| now.plus_seconds(-days * 86_400))
    }
}

/// Why a request is not decided together with others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Apart {
    /// High risk is decided one by one (D39).
    High,
    /// It is an exception from separation of duties (D19).
    Exception,
    /// Something was stopped (D47).
    Stopped,
    /// It waits for an answer (D13).
    Asked,
}

impl Apart {
    /// In words, after "…: ".
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::High => "high risk, decided one by one, with a reason",
            Self::Exception => "an exception from separation of duties, decided by itself",
            Self::Stopped => "it was stopped, and its time stands still",
            Self::Asked => "it waits for an answer, and its time stands still",
        }
    }
}

/// Whether a request must be decided by itself (D39); none where it may be decided together with others.
#[must_use]
pub fn apart(request: &Request, risk: Risk) -> Option<Apart> {
    match risk {
        Risk::High => Some(Apart::High),
        Risk::Ordinary if request.exception => Some(Apart::Exception),
        Risk::Ordinary if request.held_at.is_some() => Some(Apart::Stopped),
        Risk::Ordinary if request.asked_at.is_some() => Some(Apart::Asked),
        Risk::Ordinary => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_survives_in_addresses() {
        let package = PackageId::fresh();
        let all = Filter::parse("show=nonsense&team=&package=7");
        assert!(all.all());
        assert_eq!(all.queue(), "/approvals");
        let id = RequestId::fresh();
        assert_eq!(all.decision(id), format!("/approvals/{id}"));
        let some =
            Filter { show: Some(Show::Soon), team: Some(Team::Mine), package: Some(package) };
        assert_eq!(Filter::parse(&some.encoded()), some);
        assert_eq!(some.queue(), format!("/approvals?show=soon&team=mine&package={package}"));
        let decision = some.decision(id);
        let (_, query) = decision.split_once('?').unwrap();
        assert_eq!(Filter::parse(Form::parse(query.as_bytes()).raw(QUEUE)), some);
        assert!(some.queue_from("abc").ends_with("&page=abc"));
    }

    #[test]
    fn the_past_is_cut_by_verdict_and_period() {
        let past = Past::of(&Form::parse(b"verdict=deny&days=30"));
        assert_eq!(past.href(), "/approvals?state=done&verdict=deny&days=30");
        assert_eq!(Past::of(&Form::parse(b"verdict=maybe&days=31")), Past::default());
        let now = Ts::from_micros(0).plus_hours(24 * 40);
        assert_eq!(past.since(now), Some(now.plus_hours(-24 * 30)));
    }
}
