//! Packages, what is in them, and how somebody stands to one.

use crate::access::Person;
use crate::kernel::{
    AssignmentId, CatalogId, Kind, PackageId, PersonId, RequestId, ResourceId, Risk, RoleId, Ts,
};

/// An access package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Package {
    /// The package.
    pub id: PackageId,
    /// The catalog that it belongs to.
    pub catalog: CatalogId,
    /// Its name, unique in the catalog.
    pub name: String,
    /// What somebody gets with it.
    pub description: String,
    /// Not in lists and searches (D18).
    pub hidden: bool,
    /// Moves on with every change of what is in it (D43).
    pub contents_version: i64,
    /// Moves on with every change.
    pub rev: i64,
}

/// A resource role that is in a package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    /// The role.
    pub role: RoleId,
    /// The role's name for people.
    pub role_name: String,
    /// How much harm it can do.
    pub risk: Risk,
    /// The resource.
    pub resource: ResourceId,
    /// The resource's name.
    pub resource_name: String,
    /// What somebody can do with the resource.
    pub resource_description: String,
    /// The target system's name.
    pub target: String,
}

impl Content {
    /// "Ledger (Member)": the role in facts and lists.
    #[must_use]
    pub fn label(&self) -> String {
        format!("{} ({})", self.resource_name, self.role_name)
    }
}

/// A package with everything that its page says about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Detail {
    /// The package.
    pub package: Package,
    /// The catalog's name.
    pub catalog_name: String,
    /// False while the catalog is switched off: nothing in it can be found or requested.
    pub catalog_enabled: bool,
    /// What is in it, by resource.
    pub contents: Vec<Content>,
}

impl Detail {
    /// The highest risk of what is in it (D39).
    #[must_use]
    pub fn risk(&self) -> Risk {
        self.contents.iter().map(|c| c.risk).max().unwrap_or(Risk::Ordinary)
    }
}

/// Who looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Viewer {
    /// The person.
    pub id: PersonId,
    /// "All members" does not mean guests.
    pub kind: Kind,
}

impl From<&Person> for Viewer {
    fn from(person: &Person) -> Self {
        Self { id: person.id, kind: person.kind }
    }
}

/// How somebody stands to a package; the first that is true.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Position {
    /// They have it, or it is scheduled.
    Holds {
        /// The assignment.
        assignment: AssignmentId,
        /// When it starts or started.
        starts: Ts,
        /// When it ends, if it ends.
        until: Option<Ts>,
    },
    /// Their request is open.
    Open {
        /// The request.
        request: RequestId,
        /// Its reference.
        reference: String,
        /// Its stored state.
        state: String,
    },
    /// A policy lets them request it.
    CanRequest,
    /// Something that they have is incompatible with it.
    Incompatible {
        /// What.
        with: Vec<String>,
    },
    /// No policy lets them request it.
    Cannot,
}

/// A package in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    /// The package.
    pub id: PackageId,
    /// Its name.
    pub name: String,
    /// The name's key, with which the next page starts.
    pub key: String,
    /// What somebody gets with it.
    pub description: String,
    /// The catalog's name.
    pub catalog_name: String,
    /// The names of the resources in it, by name.
    pub resources: Vec<String>,
    /// The highest risk of what is in it.
    pub risk: Risk,
    /// How the viewer stands to it.
    pub position: Position,
}

/// A package in the list of its owners.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The package.
    pub package: Package,
    /// How many of its policies are switched on.
    pub policies: i64,
    /// How many resource roles are in it.
    pub roles: i64,
}

/// What a new package says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewPackage {
    /// The catalog that it shall belong to.
    pub catalog: CatalogId,
    /// Its name.
    pub name: String,
    /// What somebody gets with it.
    pub description: String,
    /// Not in lists and searches.
    pub hidden: bool,
    /// The roles of the catalog's resources that are in it.
    pub roles: Vec<RoleId>,
}

/// What a package shall say from now on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackageChange {
    /// Its name.
    pub name: String,
    /// What somebody gets with it.
    pub description: String,
    /// Not in lists and searches.
    pub hidden: bool,
}
