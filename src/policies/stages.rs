//! What a policy says of its approval stages: who decides, how many of them, by when, and for which requests.

use serde::{Deserialize, Serialize};

use super::model::Named;
use super::questions::Answer;
use crate::kernel::{GroupId, PersonId, Ts, Zone};

/// As many stages as a policy has at most.
pub const STAGES_MAX: usize = 3;
/// As many days as a stage may have at most.
pub const STAGE_DAYS_MAX: u32 = 365;
/// As many hours as a stage may have at most.
pub const STAGE_HOURS_MAX: u32 = 720;

/// Who decides a stage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", from = "StoredApprovers")]
pub enum Approvers {
    /// The target's manager.
    Manager,
    /// The manager of the target's manager.
    SecondManager,
    /// The sponsors of the target's connected organization.
    Sponsors,
    /// People by name, and the members of groups.
    Named {
        /// Who.
        people: Vec<Named<PersonId>>,
        /// Whose members.
        groups: Vec<Named<GroupId>>,
    },
}

/// As policies were stored once: people or one group.
#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum StoredApprovers {
    Manager,
    SecondManager,
    Sponsors,
    Named { people: Vec<Named<PersonId>>, groups: Vec<Named<GroupId>> },
    People { people: Vec<Named<PersonId>> },
    Group { group: Named<GroupId> },
}

impl From<StoredApprovers> for Approvers {
    fn from(stored: StoredApprovers) -> Self {
        match stored {
            StoredApprovers::Manager => Self::Manager,
            StoredApprovers::SecondManager => Self::SecondManager,
            StoredApprovers::Sponsors => Self::Sponsors,
            StoredApprovers::Named { people, groups } => Self::Named { people, groups },
            StoredApprovers::People { people } => Self::Named { people, groups: vec![] },
            StoredApprovers::Group { group } => Self::Named { people: vec![], groups: vec![group] },
        }
    }
}

impl Approvers {
    /// People by name.
    #[must_use]
    pub fn people(people: Vec<Named<PersonId>>) -> Self {
        Self::Named { people, groups: vec![] }
    }

    /// The members of one group.
    #[must_use]
    pub fn group(group: Named<GroupId>) -> Self {
        Self::Named { people: vec![], groups: vec![group] }
    }

    /// True where the directory says who it is, and may know nobody: such a stage needs a fallback.
    #[must_use]
    pub fn looked_up(&self) -> bool {
        !matches!(self, Self::Named { .. })
    }
}

/// What a stage's time is counted in (D9).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Calendar days of the organization's time zone.
    #[default]
    Days,
    /// Hours, exactly.
    Hours,
}

impl Unit {
    /// `n` of them after `start`.
    #[must_use]
    pub fn after(self, start: Ts, n: u32, zone: Zone) -> Ts {
        match self {
            Self::Days => zone.plus_days(start, n),
            Self::Hours => start.plus_hours(n.into()),
        }
    }

    /// "14 days".
    #[must_use]
    pub fn counted(self, n: u32) -> String {
        match self {
            Self::Days => crate::kernel::text::counted(n.into(), "day", "days"),
            Self::Hours => crate::kernel::text::counted(n.into(), "hour", "hours"),
        }
    }
}

/// How many of a stage's approvers must approve (D4). One denial ends the request, whatever is said here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Votes {
    /// Any one.
    #[default]
    Any,
    /// So many of them.
    Some {
        /// How many: two at least.
        n: u32,
    },
    /// All living primaries; an alternate replaces a silent one (D37).
    Everyone,
}

/// Who joins a stage that nobody decides (D5).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alternates {
    /// After so many of the stage's units; fewer than the stage has.
    pub after: u32,
    /// People by name.
    pub people: Vec<Named<PersonId>>,
    /// The members of groups.
    pub groups: Vec<Named<GroupId>>,
    /// The manager of the target's manager.
    pub second_manager: bool,
}

/// For which requests a stage is; without one for all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Condition {
    /// Only if a question was answered so.
    Answer {
        /// The key of the question.
        question: String,
        /// Any one of these answers.
        any_of: Vec<String>,
    },
    /// Only if access is asked for longer than so many days, or without an end.
    LongerThan {
        /// Days of 24 hours.
        days: u32,
    },
    /// Only for guests.
    Guests,
}

/// What a request says that conditions look at.
#[derive(Clone, Copy, Debug)]
pub struct Circumstances<'a> {
    /// The answers.
    pub answers: &'a [Answer],
    /// How long access is asked for, in seconds; none means without an end.
    pub seconds: Option<i64>,
    /// Whether the target is a guest.
    pub guest: bool,
    /// True where a question that was not asked counts as answered so: more time is asked for without the questions.
    pub in_doubt: bool,
}

impl Condition {
    /// Does the stage apply to such a request?
    #[must_use]
    pub fn holds(&self, circumstances: Circumstances<'_>) -> bool {
        match self {
            Self::Answer { question, any_of } => {
                match circumstances.answers.iter().find(|a| a.key == *question) {
                    Some(answer) => answer.values.iter().any(|v| any_of.contains(v)),
                    None => circumstances.in_doubt,
                }
            }
            Self::LongerThan { days } => {
                circumstances.seconds.is_none_or(|s| s > i64::from(*days) * 86_400)
            }
            Self::Guests => circumstances.guest,
        }
    }
}

/// One approval stage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StageTerms {
    /// Who decides.
    pub approvers: Approvers,
    /// How many of them.
    #[serde(default)]
    pub votes: Votes,
    /// Who decides when nobody else can (always there where the directory says who decides).
    pub fallback: Vec<Named<PersonId>>,
    /// How long they have, in `unit`; then the request expires (D5).
    #[serde(alias = "days")]
    pub time: u32,
    /// What the time is counted in.
    #[serde(default)]
    pub unit: Unit,
    /// Who joins when nobody has decided for a while.
    #[serde(default)]
    pub alternates: Option<Alternates>,
    /// For which requests.
    #[serde(default)]
    pub only_if: Option<Condition>,
    /// Whether an approval needs a reason, too.
    #[serde(default)]
    pub note_required: bool,
}

impl StageTerms {
    /// A stage in its simplest form: any one of the approvers decides within `days` days.
    #[must_use]
    pub fn simple(approvers: Approvers, fallback: Vec<Named<PersonId>>, days: u32) -> Self {
        Self {
            approvers,
            votes: Votes::Any,
            fallback,
            time: days,
            unit: Unit::Days,
            alternates: None,
            only_if: None,
            note_required: false,
        }
    }

    /// When it runs out, if it opens at `opened`.
    #[must_use]
    pub fn due(&self, opened: Ts, zone: Zone) -> Ts {
        self.unit.after(opened, self.time, zone)
    }

    /// When its alternates join, if it opens at `opened`.
    #[must_use]
    pub fn alternates_at(&self, opened: Ts, zone: Zone) -> Option<Ts> {
        self.alternates.as_ref().map(|a| self.unit.after(opened, a.after, zone))
    }

    /// Does it apply to such a request?
    #[must_use]
    pub fn applies(&self, circumstances: Circumstances<'_>) -> bool {
        self.only_if.as_ref().is_none_or(|c| c.holds(circumstances))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stage_stored_by_the_first_version_is_read() {
        let id = uuid::Uuid::nil();
        let text = format!(
            r#"{{"approvers":{{"kind":"group","group":{{"id":"{id}","name":"G"}}}},"fallback":[],"days":5}}"#
        );
        let stage: StageTerms = serde_json::from_str(&text).unwrap();
        let group = Named { id: GroupId(id), name: "G".into() };
        assert_eq!(stage, StageTerms::simple(Approvers::group(group), vec![], 5));
        let again: StageTerms =
            serde_json::from_str(&serde_json::to_string(&stage).unwrap()).unwrap();
        assert_eq!(again, stage);
    }

    #[test]
    fn a_stage_is_for_the_requests_that_its_condition_names() {
        let answers = [Answer { key: "q".into(), values: vec!["Yes".into()], ..Answer::default() }];
        let case = Circumstances {
            answers: &answers,
            seconds: Some(30 * 86_400),
            guest: false,
            in_doubt: false,
        };
        let on = |any_of: &str| Condition::Answer {
            question: "q".into(),
            any_of: vec![any_of.into(), "Maybe".into()],
        };
        assert!(on("Yes").holds(case));
        assert!(!on("No").holds(case));
        assert!(!Condition::LongerThan { days: 30 }.holds(case), "30 days are not longer");
        assert!(Condition::LongerThan { days: 29 }.holds(case));
        assert!(
            Condition::LongerThan { days: 3000 }.holds(Circumstances { seconds: None, ..case })
        );
        assert!(!Condition::Guests.holds(case));
    }
}
