//! Who owns a catalog.

use crate::kernel::{GroupId, PersonId, RoleGrantId};

/// Somebody who is or shall become an owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Owner {
    /// A person.
    Person(PersonId),
    /// Every enabled member of a group.
    Group(GroupId),
}

/// A person or group as an owner-to-be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The name to record.
    pub name: String,
    /// True where at least one enabled person is behind it.
    pub able: bool,
}

/// An owner of a catalog.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// The row that says so.
    pub grant: RoleGrantId,
    /// Who.
    pub owner: Owner,
    /// The name now.
    pub name: String,
    /// How many enabled people are behind it: 1 or 0 for a person, the members for a group.
    pub people: i64,
}

impl Held {
    /// True for a group.
    #[must_use]
    pub fn is_group(&self) -> bool {
        matches!(self.owner, Owner::Group(_))
    }
}

/// A person as a form writes and finds them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Called {
    /// The person.
    pub id: PersonId,
    /// The full name.
    pub name: String,
    /// The key in the staff list.
    pub key: String,
    /// The mail address, in lower case.
    pub mail: Option<String>,
}

impl Called {
    /// "Ann Lee <ann@example.org>": reads as a name and finds exactly this person again.
    #[must_use]
    pub fn line(&self) -> String {
        format!("{} <{}>", self.name, self.mail.as_ref().unwrap_or(&self.key))
    }
}
