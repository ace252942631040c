//! What a policy says. A request carries a copy of these terms (D1), so they are plain data.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::questions::Question;
use super::stages::StageTerms;
use crate::kernel::{
    GroupId, IncompatibilityId, Kind, OrganizationId, PackageId, PersonId, PolicyId, Ts, Zone,
};

/// As many days as a lifetime may have at most.
pub const DAYS_MAX: u32 = 3_660;
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

/// For whom: the people who may have the package under a policy.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Scope {
    /// All members of the organization, no guests.
    pub all_members: bool,
    /// All members and all guests.
    pub all_users: bool,
    /// The guests of every connected organization that is open.
    pub all_organizations: bool,
    /// Named people, guests too.
    pub people: Vec<Named<PersonId>>,
    /// The members of named groups, guests too.
    pub groups: Vec<Named<GroupId>>,
    /// The guests of named connected organizations.
    pub organizations: Vec<Named<OrganizationId>>,
}

/// Who may ask for those in scope.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Asks {
    /// They for themselves.
    pub own: bool,
    /// Their managers for them.
    pub manager: bool,
    /// Owners and administrators may assign it directly, without approval (D10).
    pub direct: bool,
    /// These people for anybody in scope (D46).
    pub people: Vec<Named<PersonId>>,
    /// The members of these groups for anybody in scope (D46).
    pub groups: Vec<Named<GroupId>>,
}

impl Default for Asks {
    fn default() -> Self {
        Self { own: true, manager: false, direct: true, people: vec![], groups: vec![] }
    }
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

/// Whether and how access can be extended (D11).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extension {
    /// Whether the stages decide on it as on a request.
    pub approval: bool,
    /// Only in the last days before its end; none means any time.
    pub last_days: Option<u32>,
}

/// Which of the notices about access are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Notices {
    /// That it is there.
    pub delivered: bool,
    /// That it ends soon.
    pub ending: bool,
    /// That it has ended.
    pub ended: bool,
}

impl Default for Notices {
    fn default() -> Self {
        Self { delivered: true, ending: true, ended: true }
    }
}

/// Everything that a policy says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// For whom.
    pub scope: Scope,
    /// Who may ask for them.
    #[serde(default)]
    pub asks: Asks,
    /// Who decides, one after another; none means that no approval is needed.
    pub stages: Vec<StageTerms>,
    /// Whether somebody who approved one stage may decide a later one too (D37).
    #[serde(default)]
    pub decides_twice: bool,
    /// Whether the requestor must say why.
    pub reason_required: bool,
    /// What else the requestor is asked.
    #[serde(default)]
    pub questions: Vec<Question>,
    /// How long access lasts at most.
    pub lifetime: Lifetime,
    /// Whether the requestor may choose a shorter or later period.
    pub period_chosen: bool,
    /// Whether access can be extended, and how.
    #[serde(default)]
    pub extension: Option<Extension>,
    /// Which notices are sent.
    #[serde(default)]
    pub notices: Notices,
    /// The rules of separation of duties from which a request asks to be excepted, with what stands against it (D19);
    /// never there in a policy.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exception: Vec<Named<IncompatibilityId>>,
}

impl Default for Terms {
    /// For nobody yet, without approval, without an end.
    fn default() -> Self {
        Self {
            scope: Scope::default(),
            asks: Asks::default(),
            stages: vec![],
            decides_twice: false,
            reason_required: false,
            questions: vec![],
            lifetime: Lifetime::Never,
            period_chosen: false,
            extension: None,
            notices: Notices::default(),
            exception: vec![],
        }
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

/// Somebody as far as scopes look at them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Who {
    /// The person.
    pub id: PersonId,
    /// Their name.
    pub name: String,
    /// Member or guest.
    pub kind: Kind,
    /// False for a leaver.
    pub enabled: bool,
    /// Their manager.
    pub manager: Option<PersonId>,
    /// The groups that they are in.
    pub groups: Vec<GroupId>,
    /// A guest's connected organization, if it is open.
    pub organization: Option<OrganizationId>,
}

/// The order in which policies are looked at (D17): the first class that has one leaves the later ones aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// The person, a group or the connected organization is named.
    Named,
    /// All members.
    AllMembers,
    /// All members and guests.
    AllUsers,
    /// All connected organizations.
    AllOrganizations,
}

/// A policy under which somebody may have a package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applicable {
    /// The policy.
    pub policy: Policy,
    /// Its place in the order of D17.
    pub class: Class,
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
        let oslo = Zone::of(chrono_tz::Europe::Oslo);
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
}
