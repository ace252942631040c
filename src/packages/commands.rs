//! Creating and changing packages.

use std::collections::BTreeSet;

use super::model::{Content, NewPackage, Package, PackageChange};
use super::{rules, store};
use crate::access::{ManageCatalog, Permit};
use crate::catalogs::store::catalog;
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::kernel::fact::Change;
use crate::kernel::text::folded;
use crate::kernel::{About, CatalogId, Fact, PackageId, ResourceId, RoleId};

/// Everybody who holds a package gains what is added and loses what is removed: `requests::commands::contents_changed`.
/// A later slice, so it is handed in.
pub type ContentsChanged = fn(&mut Tx<'_>, PackageId, &[RoleId], &[RoleId]) -> Result<()>;

/// Creates a package. Sent twice with the same id it is done once.
///
/// # Errors
/// `Invalid` on `name`, `description` or `roles`.
pub fn create(
    tx: &mut Tx<'_>,
    permit: &Permit<ManageCatalog>,
    id: PackageId,
    new: &NewPackage,
) -> Result<PackageId> {
    about(permit, new.catalog)?;
    let words = rules::package(&PackageChange {
        name: new.name.clone(),
        description: new.description.clone(),
        hidden: new.hidden,
    })
    .map_err(Error::Invalid)?;
    match store::head(tx.db(), id) {
        Ok(there)
            if there.catalog == new.catalog
                && there.name == words.name
                && there.description == words.description =>
        {
            return Ok(id);
        }
        Ok(_) => return Err(Error::Missing),
        Err(Error::Missing) => {}
        Err(error) => return Err(error),
    }
    let key = free_name(tx, new.catalog, id, &words.name)?;
    let roles = roles(tx, new.catalog, &new.roles)?;
    let package = Package {
        id,
        catalog: new.catalog,
        name: words.name,
        description: words.description,
        hidden: words.hidden,
        contents_version: 1,
        rev: 1,
    };
    let search = rules::search(&package.name, &package.description, &roles);
    let now = tx.now();
    store::insert(tx.db(), &package, &key, &search, now)?;
    record(tx, &package, Fact::PackageCreated)?;
    if roles.is_empty() {
        return Ok(id);
    }
    store::add_roles(tx.db(), id, &ids(&roles))?;
    let added = roles.iter().map(Content::label).collect();
    record(tx, &package, Fact::PackageContentsChanged { added, removed: vec![], version: 1 })?;
    Ok(id)
}

/// Changes what a package says.
///
/// # Errors
/// `Invalid` on `name` or `description`.
pub fn change(
    tx: &mut Tx<'_>,
    permit: &Permit<ManageCatalog>,
    id: PackageId,
    change: &PackageChange,
) -> Result<()> {
    let words = rules::package(change).map_err(Error::Invalid)?;
    let mut package = store::head(tx.db(), id)?;
    about(permit, package.catalog)?;
    let key = free_name(tx, package.catalog, id, &words.name)?;
    let hidden = |hidden: bool| if hidden { "yes" } else { "no" };
    let changes: Vec<Change> = [
        Change::between("name", &package.name, &words.name),
        Change::between("description", &package.description, &words.description),
        Change::between("hidden", hidden(package.hidden), hidden(words.hidden)),
    ]
    .into_iter()
    .flatten()
    .collect();
    if changes.is_empty() {
        return Ok(());
    }
    package.name = words.name;
    package.description = words.description;
    package.hidden = words.hidden;
    let contents = store::contents(tx.db(), id)?;
    let search = rules::search(&package.name, &package.description, &contents);
    store::save(tx.db(), &package, &key, &search)?;
    record(tx, &package, Fact::PackageChanged { changes })
}

/// Puts exactly these roles into a package, under the next version of its contents (D43). `seen` is the version that the
/// owner had before them. `changed` gives and takes what the people who hold it now shall have.
///
/// # Errors
/// `Refused` if the contents are no longer those that were seen; `Invalid` on `roles` for a role of another catalog.
pub fn set_contents(
    tx: &mut Tx<'_>,
    permit: &Permit<ManageCatalog>,
    id: PackageId,
    seen: i64,
    new: &[RoleId],
    changed: ContentsChanged,
) -> Result<()> {
    let mut package = store::head(tx.db(), id)?;
    about(permit, package.catalog)?;
    let old = store::contents(tx.db(), id)?;
    let new = roles(tx, package.catalog, new)?;
    let without = |of: &[Content], these: &[Content]| -> Vec<Content> {
        of.iter().filter(|c| !these.iter().any(|t| t.role == c.role)).cloned().collect()
    };
    let (added, removed) = (without(&new, &old), without(&old, &new));
    if added.is_empty() && removed.is_empty() {
        return Ok(());
    }
    if package.contents_version != seen {
        return Err(Error::refused(
            format!("What is in {} changed while you were editing", package.name),
            "Nothing of yours was saved. Look at what is in it now, and change it from there.",
        ));
    }
    package.contents_version += 1;
    let search = rules::search(&package.name, &package.description, &new);
    let key = folded(&package.name);
    store::save(tx.db(), &package, &key, &search)?;
    let (gained, lost) = (ids(&added), ids(&removed));
    store::add_roles(tx.db(), id, &gained)?;
    store::remove_roles(tx.db(), id, &lost)?;
    let labels = |of: &[Content]| of.iter().map(Content::label).collect();
    let fact = Fact::PackageContentsChanged {
        added: labels(&added),
        removed: labels(&removed),
        version: package.contents_version,
    };
    record(tx, &package, fact)?;
    changed(tx, id, &gained, &lost)
}

/// Lets the packages that have the resource in them be found by its new name. For `catalogs::commands::change_resource`.
///
/// # Errors
/// When the database does not answer.
pub fn resource_renamed(tx: &mut Tx<'_>, resource: ResourceId) -> Result<()> {
    for id in store::with_resource(tx.db(), resource)? {
        let package = store::head(tx.db(), id)?;
        let contents = store::contents(tx.db(), id)?;
        let search = rules::search(&package.name, &package.description, &contents);
        let key = folded(&package.name);
        store::save(tx.db(), &package, &key, &search)?;
    }
    Ok(())
}

fn record(tx: &mut Tx<'_>, package: &Package, fact: Fact) -> Result<()> {
    let catalog = catalog(tx.db(), package.catalog)?;
    let about =
        About::nothing().package(package.id, &package.name).catalog(catalog.id, catalog.name);
    tx.record(&fact, about)
}

/// The roles, all of which must be of the catalog.
fn roles(tx: &mut Tx<'_>, catalog: CatalogId, roles: &[RoleId]) -> Result<Vec<Content>> {
    let asked: BTreeSet<RoleId> = roles.iter().copied().collect();
    let asked: Vec<RoleId> = asked.into_iter().collect();
    let found = store::roles_among(tx.db(), catalog, &asked)?;
    if found.len() == asked.len() {
        Ok(found)
    } else {
        Err(Error::invalid("roles", "Choose roles of this catalog’s resources"))
    }
}

fn ids(roles: &[Content]) -> Vec<RoleId> {
    roles.iter().map(|c| c.role).collect()
}

/// The folded name, if no other package of the catalog has it.
fn free_name(tx: &mut Tx<'_>, catalog: CatalogId, id: PackageId, name: &str) -> Result<String> {
    let key = folded(name);
    match store::by_name(tx.db(), catalog, &key)? {
        Some(there) if there != id => Err(Error::invalid(
            "name",
            format!("Choose another name: this catalog has a package “{name}” already"),
        )),
        _ => Ok(key),
    }
}

fn about(permit: &Permit<ManageCatalog>, catalog: CatalogId) -> Result<()> {
    if permit.about() == catalog.0 { Ok(()) } else { Err(Error::Missing) }
}
