//! Who acts: a person with what the database says of them now, or a timer of the system.

use super::StandsFor;
use crate::kernel::fact::Veil;
use crate::kernel::{CatalogId, Kind, PersonId, Zone};

/// A person as far as permits need them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// The person.
    pub id: PersonId,
    /// The name to record.
    pub name: String,
    /// Member or guest.
    pub kind: Kind,
    /// False for a leaver, who may do nothing.
    pub enabled: bool,
    /// Looks after the installation.
    pub administrator: bool,
    /// Reads everything, changes nothing.
    pub auditor: bool,
    /// The catalogs that the person owns, alone or through a group.
    pub owns: Vec<CatalogId>,
    /// The zone in whose clock they read times, if they chose one.
    pub clock: Option<Zone>,
    /// True where the names of those who decide are kept from those who wait (E17).
    pub veiled: bool,
    /// For whom they stand in now (D34).
    pub stands_for: Vec<StandsFor>,
}

impl Person {
    /// What is kept from them where these people wait for a decision on a package of the catalog: names, if they are one
    /// of them and do not look after it (E17, E28).
    #[must_use]
    pub fn veil(&self, wait: &[PersonId], catalog: CatalogId) -> Veil {
        let looks = self.administrator || self.auditor || self.owns.contains(&catalog);
        let hides = self.veiled && !looks && wait.contains(&self.id);
        if hides { Veil(wait.to_vec()) } else { Veil::default() }
    }
}

/// Who acts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// A signed-in person.
    Person(Person),
    /// A timer, an import or a command line; the words say which.
    System(&'static str),
}

impl Actor {
    /// The person's id; a timer has none.
    #[must_use]
    pub fn id(&self) -> Option<PersonId> {
        match self {
            Self::Person(person) => Some(person.id),
            Self::System(_) => None,
        }
    }

    /// The name to record.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Person(person) => &person.name,
            Self::System(name) => name,
        }
    }

    /// The person, if it is one who may act at all.
    #[must_use]
    pub fn enabled_person(&self) -> Option<&Person> {
        match self {
            Self::Person(person) if person.enabled => Some(person),
            _ => None,
        }
    }

    /// True for an enabled administrator.
    #[must_use]
    pub fn is_administrator(&self) -> bool {
        self.enabled_person().is_some_and(|p| p.administrator)
    }

    /// True for an enabled auditor.
    #[must_use]
    pub fn is_auditor(&self) -> bool {
        self.enabled_person().is_some_and(|p| p.auditor)
    }

    /// True for an enabled owner of the catalog.
    #[must_use]
    pub fn owns(&self, catalog: CatalogId) -> bool {
        self.enabled_person().is_some_and(|p| p.owns.contains(&catalog))
    }
}
