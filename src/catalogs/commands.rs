//! Creating and changing catalogs and resources.

use super::model::{Catalog, CatalogChange, NewCatalog, NewResource, Resource, ResourceChange};
use super::{rules, store};
use crate::access::{CreateCatalog, ManageCatalog, Permit, RegisterResource, policy};
use crate::db::Tx;
use crate::delegation;
use crate::error::{Error, Result};
use crate::kernel::fact::Change;
use crate::kernel::text::folded;
use crate::kernel::{About, CatalogId, Fact, ResourceId, Risk, RoleId};

/// What later slices keep of a resource's name must follow when it is renamed: `packages::commands::resource_renamed`.
pub type Renamed = fn(&mut Tx<'_>, ResourceId) -> Result<()>;

/// Creates a catalog with its first owners. Sent twice with the same id it is done once.
///
/// # Errors
/// `Invalid` on `name`, `description` or `owners`.
pub fn create(
    tx: &mut Tx<'_>,
    permit: &Permit<CreateCatalog>,
    id: CatalogId,
    new: &NewCatalog,
) -> Result<CatalogId> {
    let words = rules::catalog(&CatalogChange {
        name: new.name.clone(),
        description: new.description.clone(),
        listed_for_everyone: new.listed_for_everyone,
        for_guests: true,
    })
    .map_err(Error::Invalid)?;
    match store::catalog(tx.db(), id) {
        Ok(there) if there.name == words.name && there.description == words.description => {
            return Ok(id);
        }
        Ok(_) => return Err(Error::Missing),
        Err(Error::Missing) => {}
        Err(error) => return Err(error),
    }
    let key = free_name(tx, id, &words.name)?;
    let catalog = Catalog {
        id,
        name: words.name,
        description: words.description,
        enabled: true,
        listed_for_everyone: words.listed_for_everyone,
        for_guests: words.for_guests,
        rev: 1,
    };
    let now = tx.now();
    store::insert_catalog(tx.db(), &catalog, &key, now)?;
    tx.record(&Fact::CatalogCreated, About::nothing().catalog(id, &catalog.name))?;
    delegation::commands::appoint_first(tx, permit, id, &catalog.name, &new.owners)?;
    Ok(id)
}

/// Changes what a catalog says.
///
/// # Errors
/// `Invalid` on `name` or `description`.
pub fn change(
    tx: &mut Tx<'_>,
    permit: &Permit<ManageCatalog>,
    id: CatalogId,
    change: &CatalogChange,
) -> Result<()> {
    about(permit, id)?;
    let words = rules::catalog(change).map_err(Error::Invalid)?;
    let mut catalog = store::catalog(tx.db(), id)?;
    let key = free_name(tx, id, &words.name)?;
    let changes = [
        Change::between("name", &catalog.name, &words.name),
        Change::between("description", &catalog.description, &words.description),
        Change::between(
            "listed for everyone",
            yes_no(catalog.listed_for_everyone),
            yes_no(words.listed_for_everyone),
        ),
        Change::between("for guests", yes_no(catalog.for_guests), yes_no(words.for_guests)),
    ];
    catalog.name = words.name;
    catalog.description = words.description;
    catalog.listed_for_everyone = words.listed_for_everyone;
    catalog.for_guests = words.for_guests;
    save(tx, &catalog, &key, changes.into_iter().flatten().collect())
}

/// Switches a catalog on or off.
///
/// # Errors
/// `Missing` if the permit is for another catalog.
pub fn switch(
    tx: &mut Tx<'_>,
    permit: &Permit<ManageCatalog>,
    id: CatalogId,
    on: bool,
) -> Result<()> {
    about(permit, id)?;
    let mut catalog = store::catalog(tx.db(), id)?;
    let state = |on: bool| if on { "on" } else { "off" };
    let changes = Change::between("switch", state(catalog.enabled), state(on));
    catalog.enabled = on;
    let key = folded(&catalog.name);
    save(tx, &catalog, &key, changes.into_iter().collect())
}

fn save(tx: &mut Tx<'_>, catalog: &Catalog, key: &str, changes: Vec<Change>) -> Result<()> {
    if changes.is_empty() {
        return Ok(());
    }
    store::save_catalog(tx.db(), catalog, key)?;
    tx.record(
        &Fact::CatalogChanged { changes },
        About::nothing().catalog(catalog.id, &catalog.name),
    )
}

/// The folded name, if no other catalog has it.
fn free_name(tx: &mut Tx<'_>, id: CatalogId, name: &str) -> Result<String> {
    let key = folded(name);
    match store::by_name(tx.db(), &key)? {
        Some(there) if there != id => Err(Error::invalid(
            "name",
            format!("Choose another name: there is a catalog “{name}” already"),
        )),
        _ => Ok(key),
    }
}

/// Registers a resource of a target system, with the risk of each of its roles (D39).
/// Sent twice with the same id it is done once.
///
/// # Errors
/// `Invalid` on `name`, `description` or `address`.
pub fn add_resource(
    tx: &mut Tx<'_>,
    permit: &Permit<RegisterResource>,
    id: ResourceId,
    new: &NewResource,
) -> Result<ResourceId> {
    if permit.about() != new.catalog.0 {
        return Err(Error::Missing);
    }
    let new = rules::resource(new).map_err(Error::Invalid)?;
    let catalog = store::catalog(tx.db(), new.catalog)?;
    if let Some((there, owner)) = store::at_address(tx.db(), &new.target, &new.address)? {
        return if there == id {
            Ok(id)
        } else {
            Err(Error::invalid(
                "address",
                format!("Choose another resource: this one is in catalog “{owner}” already"),
            ))
        };
    }
    match store::resource(tx.db(), id) {
        Err(Error::Missing) => {}
        Ok(_) => return Err(Error::Missing),
        Err(error) => return Err(error),
    }
    let now = tx.now();
    store::insert_resource(tx.db(), id, &new, now)?;
    tx.record(
        &Fact::ResourceAdded { target: new.target, address: new.address },
        About::nothing().catalog(catalog.id, catalog.name).resource(new.name),
    )?;
    Ok(id)
}

/// Changes what a resource says and the risk of its roles. `renamed` is called after a change of its name.
///
/// # Errors
/// `Invalid` on `name` or `description`; `Missing` for a role of another resource.
pub fn change_resource(
    tx: &mut Tx<'_>,
    permit: &Permit<ManageCatalog>,
    id: ResourceId,
    change: &ResourceChange,
    renamed: Renamed,
) -> Result<()> {
    let words = rules::resource_change(change).map_err(Error::Invalid)?;
    let mut resource = store::resource(tx.db(), id)?;
    about(permit, resource.catalog)?;
    let other_name = resource.name != words.name;
    let mut changes: Vec<Change> = [
        Change::between("name", &resource.name, &words.name),
        Change::between("description", &resource.description, &words.description),
        Change::between("managed here", yes_no(resource.managed_here), yes_no(words.managed_here)),
    ]
    .into_iter()
    .flatten()
    .collect();
    for (role, risk) in &words.risks {
        changes.extend(weigh(tx, &resource, *role, *risk)?);
    }
    if changes.is_empty() {
        return Ok(());
    }
    resource.name = words.name;
    resource.description = words.description;
    resource.managed_here = words.managed_here;
    save_resource(tx, &resource, changes)?;
    if other_name { renamed(tx, id) } else { Ok(()) }
}

/// Sets what a resource asks of whoever requests it. The questions are those of a later slice, which checks them and
/// says the change in words: `policies::commands::ask_for_resource`.
///
/// # Errors
/// `Missing` if the permit is for another catalog.
pub fn change_attributes(
    tx: &mut Tx<'_>,
    permit: &Permit<ManageCatalog>,
    id: ResourceId,
    json: &str,
    change: Change,
) -> Result<()> {
    let resource = store::resource(tx.db(), id)?;
    about(permit, resource.catalog)?;
    store::save_attributes(tx.db(), &resource, json)?;
    resource_changed(tx, &resource, vec![change])
}

/// Sets the risk of one role (D39).
///
/// # Errors
/// `Missing` if there is no such role in the permit's catalog.
pub fn set_role_risk(
    tx: &mut Tx<'_>,
    permit: &Permit<ManageCatalog>,
    role: RoleId,
    risk: Risk,
) -> Result<()> {
    let id = store::resource_of(tx.db(), role)?;
    let resource = store::resource(tx.db(), id)?;
    about(permit, resource.catalog)?;
    match weigh(tx, &resource, role, risk)? {
        Some(change) => save_resource(tx, &resource, vec![change]),
        None => Ok(()),
    }
}

fn weigh(tx: &mut Tx<'_>, resource: &Resource, role: RoleId, risk: Risk) -> Result<Option<Change>> {
    let role = resource.roles.iter().find(|r| r.id == role).ok_or(Error::Missing)?;
    let change = Change::between(&format!("risk of {}", role.name), role.risk, risk);
    if change.is_some() {
        // Whoever holds or hands out a role does not make it harmless: that takes an administrator, as registering does.
        if risk == Risk::Ordinary {
            policy::register_resource(tx.actor(), resource.catalog)?;
        }
        store::set_risk(tx.db(), role.id, risk)?;
    }
    Ok(change)
}

fn save_resource(tx: &mut Tx<'_>, resource: &Resource, changes: Vec<Change>) -> Result<()> {
    store::save_resource(tx.db(), resource)?;
    resource_changed(tx, resource, changes)
}

fn resource_changed(tx: &mut Tx<'_>, resource: &Resource, changes: Vec<Change>) -> Result<()> {
    let catalog = store::catalog(tx.db(), resource.catalog)?;
    tx.record(
        &Fact::ResourceChanged { changes },
        About::nothing().catalog(catalog.id, catalog.name).resource(&resource.name),
    )
}

fn about(permit: &Permit<ManageCatalog>, catalog: CatalogId) -> Result<()> {
    if permit.about() == catalog.0 { Ok(()) } else { Err(Error::Missing) }
}

fn yes_no(yes: bool) -> &'static str {
    if yes { "yes" } else { "no" }
}
