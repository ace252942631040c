//! Connected organizations, their domains and sponsors.

use crate::kernel::{OrganizationId, PersonId};

/// An organization by name, for lists and pickers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Called {
    /// The organization.
    pub id: OrganizationId,
    /// Its unique name.
    pub name: String,
    /// False while it is closed for new requests.
    pub open: bool,
}

/// An organization with its domains and sponsors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Organization {
    /// The organization.
    pub id: OrganizationId,
    /// Its unique name.
    pub name: String,
    /// What we do together.
    pub description: String,
    /// False while it is closed for new requests.
    pub open: bool,
    /// Moves on with every change.
    pub rev: i64,
    /// Its mail domains, in order.
    pub domains: Vec<String>,
    /// Who answers for its people, by name.
    pub sponsors: Vec<Sponsor>,
}

/// What an organization shall say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Draft {
    /// Its name.
    pub name: String,
    /// What we do together.
    pub description: String,
    /// Its mail domains: as typed, one per line, or as [`super::rules::organization`] tidied them.
    pub domains: Vec<String>,
    /// Who answers for its people.
    pub sponsors: Vec<PersonId>,
}

/// An organization in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The organization.
    pub called: Called,
    /// What we do together.
    pub description: String,
    /// Its mail domains, in order.
    pub domains: Vec<String>,
    /// How many guests are its people.
    pub people: i64,
    /// How many of its sponsors are there.
    pub sponsors: i64,
}

/// Some of an organization's people, and how many there are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct People {
    /// The first of them by name: name and mail address.
    pub first: Vec<(PersonId, String, Option<String>)>,
    /// How many there are.
    pub all: i64,
}

/// Somebody who answers for an organization's people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sponsor {
    /// Who.
    pub id: PersonId,
    /// The name now.
    pub name: String,
    /// False for somebody who has left.
    pub there: bool,
    /// True for a guest.
    pub guest: bool,
}
