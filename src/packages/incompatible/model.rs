//! Rules of separation of duties, what somebody holds, and what stands against each other.

use crate::kernel::{
    AssignmentId, CatalogId, GroupId, IncompatibilityId, PackageId, PersonId, RequestId, Ts,
};

/// What may not be held beside a package.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Other {
    /// Another package, of any catalog.
    Package(PackageId),
    /// The membership of a group.
    Group(GroupId),
}

/// A rule as its row tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// The rule.
    pub id: IncompatibilityId,
    /// The package that it belongs to: who has the other may not have this one.
    pub package: PackageId,
    /// What may not be held beside it.
    pub other: Other,
    /// Whether it holds the other way round, too.
    pub mutual: bool,
    /// Why, for everybody to read.
    pub reason: String,
}

/// A package that somebody has, or is about to have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// The package.
    pub package: PackageId,
    /// Its name.
    pub name: String,
    /// Its catalog.
    pub catalog: CatalogId,
    /// The catalog's name.
    pub catalog_name: String,
    /// False while it is scheduled.
    pub started: bool,
}

/// A group that somebody is a member of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Membership {
    /// The group.
    pub group: GroupId,
    /// Its name.
    pub name: String,
}

/// What somebody has that counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beside {
    /// What they have, and what is scheduled: whoever asks is to know it early.
    NowOrSoon,
    /// What they have: the other of two that are scheduled is looked at when it starts.
    Now,
}

/// What stands against a package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum With {
    /// A package that the person holds.
    Package(Held),
    /// A group that they are in.
    Group(Membership),
}

/// A rule that a person would break by having a package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// The rule.
    pub rule: IncompatibilityId,
    /// The package that is wanted.
    pub package: PackageId,
    /// What the person has.
    pub with: With,
    /// Why the two are incompatible.
    pub reason: String,
}

impl Conflict {
    /// What the person has: the package's name, or the group's.
    #[must_use]
    pub fn name(&self) -> &str {
        match &self.with {
            With::Package(held) => &held.name,
            With::Group(membership) => &membership.name,
        }
    }

    /// "Enter payments", "membership of group Auditors".
    #[must_use]
    pub fn what(&self) -> String {
        match &self.with {
            With::Package(held) => held.name.clone(),
            With::Group(membership) => format!("membership of group {}", membership.name),
        }
    }
}

/// A rule with the names around it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The rule.
    pub rule: Rule,
    /// The name of the package that it belongs to.
    pub package: String,
    /// That package's catalog.
    pub catalog: CatalogId,
    /// That catalog's name.
    pub catalog_name: String,
    /// The name of the other package or of the group.
    pub other: String,
    /// The other package's catalog, with its name.
    pub other_catalog: Option<(CatalogId, String)>,
    /// Since when it holds.
    pub at: Ts,
}

/// Something that may become incompatible with a package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// What.
    pub other: Other,
    /// Its name.
    pub name: String,
    /// A package's catalog, with its name.
    pub catalog: Option<(CatalogId, String)>,
}

/// What a new rule says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRule {
    /// Drawn with the form: a double submit makes one rule.
    pub id: IncompatibilityId,
    /// The package that it belongs to.
    pub package: PackageId,
    /// What may not be held beside it.
    pub other: Other,
    /// Whether it holds the other way round, too.
    pub mutual: bool,
    /// Why.
    pub reason: String,
}

/// One side of what somebody holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Side {
    /// The assignment.
    pub assignment: AssignmentId,
    /// The request that it came from.
    pub request: Option<RequestId>,
    /// Since when it is there.
    pub at: Ts,
    /// Until when.
    pub until: Option<Ts>,
    /// Whether it is held by an exception (D19).
    pub exception: bool,
}

/// Somebody who has both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// The person.
    pub person: PersonId,
    /// Their name.
    pub name: String,
    /// What lists of people are ordered by.
    pub key: String,
    /// The package of the rule.
    pub package: Side,
    /// The other package; none for a group.
    pub other: Option<Side>,
}

impl Holder {
    /// The side that is an exception, if there is one.
    #[must_use]
    pub fn exception(&self) -> Option<&Side> {
        [Some(&self.package), self.other.as_ref()].into_iter().flatten().find(|side| side.exception)
    }
}
