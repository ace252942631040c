//! Catalogs, resources and their roles.

use crate::delegation::model::Owner;
use crate::kernel::{CatalogId, ResourceId, Risk, RoleId};

/// A catalog.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Catalog {
    /// The catalog.
    pub id: CatalogId,
    /// Its unique name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// While false, nothing in it can be found or requested.
    pub enabled: bool,
    /// Its packages are listed even to people who cannot request them (E29).
    pub listed_for_everyone: bool,
    /// While false, guests can neither find nor request what is in it.
    pub for_guests: bool,
    /// Moves on with every change.
    pub rev: i64,
}

/// A catalog in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CatalogLine {
    /// The catalog.
    pub catalog: Catalog,
    /// How many packages it has.
    pub packages: i64,
    /// How many resources it has.
    pub resources: i64,
}

/// What a new catalog says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewCatalog {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// Whether its packages are listed to people who cannot request them.
    pub listed_for_everyone: bool,
    /// Who owns it: at least one.
    pub owners: Vec<Owner>,
}

/// What a catalog shall say from now on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CatalogChange {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// Whether its packages are listed to people who cannot request them.
    pub listed_for_everyone: bool,
    /// Whether guests can find and request what is in it.
    pub for_guests: bool,
}

/// A resource with its roles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resource {
    /// The resource.
    pub id: ResourceId,
    /// The catalog that it belongs to.
    pub catalog: CatalogId,
    /// The name of the target system in the settings.
    pub target: String,
    /// Where it is on the target.
    pub address: String,
    /// What people call it.
    pub name: String,
    /// What somebody can do with it.
    pub description: String,
    /// A right that a person held before is removed too, when the last assignment ends (D22).
    pub managed_here: bool,
    /// Moves on with every change.
    pub rev: i64,
    /// Its roles, by name.
    pub roles: Vec<Role>,
}

/// What a person can be in a resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Role {
    /// The role.
    pub id: RoleId,
    /// Its name for people.
    pub name: String,
    /// Its value on the target.
    pub value: String,
    /// How much harm it can do.
    pub risk: Risk,
}

/// A resource to register. Target and address are those of something that the target was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewResource {
    /// The catalog that it shall belong to.
    pub catalog: CatalogId,
    /// The name of the target system in the settings.
    pub target: String,
    /// Where it is on the target.
    pub address: String,
    /// What people call it.
    pub name: String,
    /// What somebody can do with it.
    pub description: String,
    /// See [`Resource::managed_here`].
    pub managed_here: bool,
    /// Its roles.
    pub roles: Vec<NewRole>,
}

/// A role of a resource to register.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRole {
    /// Its value on the target.
    pub value: String,
    /// Its name for people.
    pub label: String,
    /// How much harm it can do.
    pub risk: Risk,
}

/// What a resource shall say from now on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResourceChange {
    /// What people call it.
    pub name: String,
    /// What somebody can do with it.
    pub description: String,
    /// See [`Resource::managed_here`].
    pub managed_here: bool,
    /// The risk of its roles; one that is not named keeps its risk.
    pub risks: Vec<(RoleId, Risk)>,
}
