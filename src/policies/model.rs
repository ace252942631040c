//! What a policy says. A request carries a copy of these terms (D1), so they are plain data.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::kernel::{GroupId, PackageId, PersonId, PolicyId, Ts, Zone};

/// As many stages as a policy has at most.
pub const STAGES_MAX: usize = 3;
/// As many days as a lifetime may have at most.
pub const DAYS_MAX: u32 = 3_660;
/// As many days as a stage may have at most.
pub const STAGE_DAYS_MAX: u32 = 365;
/// As many hours as a lifetime may have at most.
pub const HOURS_MAX: u32 = 8_784;
/// As many people and groups as may be named in one place.
pub const NAMED_MAX: usize = 500;

/// Somebody or something named in a policy, with the name of that moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Named<I> {
    /// Who.
    pub id: I,
    /// The name when the policy was saved, for reading.
    pub name: String,
}

/// Who may request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scope {
    /// All members of the organization, no guests.
    pub all_members: bool,
    /// Named people, guests too.
    pub people: Vec<Named<PersonId>>,
    /// The members of named groups, guests too.
    pub groups: Vec<Named<GroupId>>,
}

/// Who decides a stage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Approvers {
    /// The target's manager.
    Manager,
    /// Named people: any one of them.
    People {
        /// Who.
        people: Vec<Named<PersonId>>,
    },
    /// The members of a group: any one of them.
    Group {
        /// Which.
        group: Named<GroupId>,
    },
}

/// One approval stage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StageTerms {
    /// Who decides.
    pub approvers: Approvers,
    /// Who decides when nobody else can (always there for `Manager`).
    pub fallback: Vec<Named<PersonId>>,
    /// Days to decide; then the request expires.
    pub days: u32,
}

/// How long access lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Lifetime {
    /// Until the end of a date.
    Until {
        /// The last day, inclusive.
        date: NaiveDate,
    },
    /// Days, counted in the organization's zone (D9).
    Days {
        /// How many.
        days: u32,
    },
    /// Hours, counted exactly.
    Hours {
        /// How many.
        hours: u32,
    },
    /// Without an end.
    Never,
}

impl Lifetime {
    /// When access that starts at `start` ends at the latest.
    #[must_use]
    pub fn end(self, start: Ts, zone: Zone) -> Option<Ts> {
        match self {
            Self::Until { date } => Some(zone.end_of(date)),
            Self::Days { days } => Some(zone.plus_days(start, days)),
            Self::Hours { hours } => Some(start.plus_hours(hours.into())),
            Self::Never => None,
        }
    }
}

/// Everything that a policy says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// Who may request.
    pub scope: Scope,
    /// Who decides, one after another; none means that no approval is needed.
    pub stages: Vec<StageTerms>,
    /// Whether the requestor must say why.
    pub reason_required: bool,
    /// How long access lasts at most.
    pub lifetime: Lifetime,
    /// Whether the requestor may choose a shorter or later period.
    pub period_chosen: bool,
}

impl Terms {
    /// The terms as sentences that somebody who has never seen a policy understands.
    #[must_use]
    pub fn reads(&self) -> Vec<String> {
        use crate::kernel::fact::listed;
        use crate::kernel::text::counted;
        let mut lines = Vec::new();
        let mut who: Vec<String> = Vec::new();
        if self.scope.all_members {
            who.push("everyone in the organization".into());
        }
        who.extend(self.scope.groups.iter().map(|g| format!("members of {}", g.name)));
        who.extend(self.scope.people.iter().map(|p| p.name.clone()));
        lines.push(if who.is_empty() {
            "Nobody may request it.".into()
        } else {
            let mut text = listed(&who);
            if let Some(first) = text.get(..1).map(str::to_uppercase) {
                text.replace_range(..1, &first);
            }
            format!("{text} may request it, for themselves.")
        });
        if self.stages.is_empty() {
            lines.push("No approval is needed.".into());
        }
        for (at, stage) in self.stages.iter().enumerate() {
            let names = |people: &[Named<PersonId>]| {
                listed(&people.iter().map(|p| p.name.clone()).collect::<Vec<_>>())
            };
            let who = match &stage.approvers {
                Approvers::Manager => "their manager decides".to_owned(),
                Approvers::People { people } if people.len() == 1 => {
                    format!("{} decides", names(people))
                }
                Approvers::People { people } => format!("one of {} decides", names(people)),
                Approvers::Group { group } => format!("one member of {} decides", group.name),
            };
            let first = match (at, self.stages.len()) {
                (0, 1) => String::new(),
                (0, _) => "First ".into(),
                _ => "Then ".into(),
            };
            let mut line =
                format!("{first}{who} within {}.", counted(stage.days.into(), "day", "days"));
            if first.is_empty()
                && let Some(start) = line.get(..1).map(str::to_uppercase)
            {
                line.replace_range(..1, &start);
            }
            if !stage.fallback.is_empty() {
                line.push_str(&format!(
                    " If nobody there can, {} decides.",
                    names(&stage.fallback)
                ));
            }
            lines.push(line);
        }
        if !self.stages.is_empty() {
            lines.push(
                "One denial ends the request. A stage that nobody decides in time makes it expire."
                    .into(),
            );
        }
        lines.push(match self.lifetime {
            Lifetime::Until { date } => format!("Access ends after {}.", date.format("%-d %B %Y")),
            Lifetime::Days { days } => {
                format!("Access ends after {}.", counted(days.into(), "day", "days"))
            }
            Lifetime::Hours { hours } => {
                format!("Access ends after {}.", counted(hours.into(), "hour", "hours"))
            }
            Lifetime::Never => "Access has no end.".into(),
        });
        if self.period_chosen {
            lines.push("The requestor may choose a later start or an earlier end.".into());
        }
        if self.reason_required {
            lines.push("The requestor must say why.".into());
        }
        lines
    }
}

/// A policy of a package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// The policy.
    pub id: PolicyId,
    /// The package.
    pub package: PackageId,
    /// Its name, unique among the package's.
    pub name: String,
    /// Moves on when the name or the terms change; a request notes it (D1).
    pub version: i64,
    /// While false, nobody can request under it.
    pub enabled: bool,
    /// What it says.
    pub terms: Terms,
    /// Moves on with every change.
    pub rev: i64,
}

/// A version that a policy has or had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// Its number.
    pub version: i64,
    /// The name that the policy had.
    pub name: String,
    /// What it said.
    pub terms: Terms,
    /// Since when.
    pub made_at: Ts,
    /// By whom.
    pub made_by: String,
}

/// A policy under which somebody may request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applicable {
    /// The policy.
    pub policy: Policy,
    /// True where the person or a group of theirs is named, not only "all members" (D17).
    pub named: bool,
}

/// A policy that was saved, and what its author should know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Saved {
    /// The policy.
    pub id: PolicyId,
    /// Its version now.
    pub version: i64,
    /// What is not wrong but surprising, in sentences.
    pub warnings: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(y: i32, m: u32, d: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(y, m, d).unwrap()
    }

    #[test]
    fn d09_a_date_a_day_and_an_hour_end_when_people_expect() {
        let oslo = Zone(chrono_tz::Europe::Oslo);
        let start = Ts::new("2026-03-28T08:00:00Z".parse().unwrap());
        let text = |end: Option<Ts>| end.map(|e| e.utc().to_rfc3339());
        assert_eq!(
            text(Lifetime::Until { date: day(2026, 3, 29) }.end(start, oslo)).unwrap(),
            "2026-03-29T22:00:00+00:00"
        );
        assert_eq!(
            text(Lifetime::Days { days: 1 }.end(start, oslo)).unwrap(),
            "2026-03-29T07:00:00+00:00"
        );
        assert_eq!(
            text(Lifetime::Hours { hours: 24 }.end(start, oslo)).unwrap(),
            "2026-03-29T08:00:00+00:00"
        );
        assert_eq!(Lifetime::Never.end(start, oslo), None);
    }

    #[test]
    fn terms_read_as_sentences() {
        let terms = Terms {
            scope: Scope { all_members: true, ..Scope::default() },
            stages: vec![StageTerms { approvers: Approvers::Manager, fallback: vec![], days: 14 }],
            reason_required: true,
            lifetime: Lifetime::Days { days: 90 },
            period_chosen: false,
        };
        let reads = terms.reads();
        assert_eq!(reads[0], "Everyone in the organization may request it, for themselves.");
        assert_eq!(reads[1], "Their manager decides within 14 days.");
        assert!(reads.contains(&"Access ends after 90 days.".to_owned()));
    }
}
