//! The tables `catalogs`, `resources` and `resource_roles`.

use std::collections::HashMap;

use diesel::prelude::*;

use super::model::{Catalog, CatalogLine, NewResource, NewRole, Resource, Role};
use crate::access::Actor;
use crate::db::schema::{catalogs, facts, packages, resource_roles, resources};
use crate::db::{Db, load_told, stale_if_taken};
use crate::error::{Error, Result};
use crate::kernel::fact::{Names, Sentence};
use crate::kernel::{CatalogId, Family, ResourceId, Risk, RoleId, Ts};
use crate::web::paging::Cursor;

type CatalogRow = (CatalogId, String, String, bool, bool, bool, i64);
type CatalogColumns = (
    catalogs::id,
    catalogs::name,
    catalogs::description,
    catalogs::enabled,
    catalogs::listed_for_everyone,
    catalogs::for_guests,
    catalogs::rev,
);
const CATALOG: CatalogColumns = (
    catalogs::id,
    catalogs::name,
    catalogs::description,
    catalogs::enabled,
    catalogs::listed_for_everyone,
    catalogs::for_guests,
    catalogs::rev,
);

fn as_catalog((id, name, description, enabled, listed, for_guests, rev): CatalogRow) -> Catalog {
    Catalog { id, name, description, enabled, listed_for_everyone: listed, for_guests, rev }
}

/// A catalog.
///
/// # Errors
/// `Missing` if there is none.
pub fn catalog(db: &mut Db, id: CatalogId) -> Result<Catalog> {
    Ok(catalogs::table.find(id).select(CATALOG).first(db).map(as_catalog)?)
}

/// The catalogs that the actor looks after, by name, for [`crate::web::paging::page`]: all for administrators and auditors,
/// else those that they own. One statement.
///
/// # Errors
/// When the database does not answer.
pub fn catalogs(
    db: &mut Db,
    actor: &Actor,
    at: Option<&Cursor<String>>,
    limit: i64,
) -> Result<Vec<CatalogLine>> {
    let mut query = catalogs::table
        .limit(limit)
        .select((
            CATALOG,
            packages::table.filter(packages::catalog_id.eq(catalogs::id)).count().single_value(),
            resources::table.filter(resources::catalog_id.eq(catalogs::id)).count().single_value(),
        ))
        .into_boxed();
    if !actor.is_administrator() && !actor.is_auditor() {
        let owned = actor.enabled_person().map(|p| p.owns.clone()).unwrap_or_default();
        query = query.filter(catalogs::id.eq_any(owned));
    }
    let back = at.is_some_and(|at| at.back);
    if let Some(at) = at {
        let (key, id) = (at.key.as_str(), CatalogId(at.id));
        let same = catalogs::name_key.eq(key);
        query = if back {
            query.filter(catalogs::name_key.lt(key).or(same.and(catalogs::id.lt(id))))
        } else {
            query.filter(catalogs::name_key.gt(key).or(same.and(catalogs::id.gt(id))))
        };
    }
    query = if back {
        query.order((catalogs::name_key.desc(), catalogs::id.desc()))
    } else {
        query.order((catalogs::name_key, catalogs::id))
    };
    let rows: Vec<(CatalogRow, Option<i64>, Option<i64>)> = query.load(db)?;
    Ok(rows
        .into_iter()
        .map(|(row, packages, resources)| CatalogLine {
            catalog: as_catalog(row),
            packages: packages.unwrap_or(0),
            resources: resources.unwrap_or(0),
        })
        .collect())
}

/// Every catalog by its name.
///
/// # Errors
/// When the database does not answer.
pub fn names(db: &mut Db) -> Result<Vec<(CatalogId, String)>> {
    Ok(catalogs::table
        .order((catalogs::name, catalogs::id))
        .select((catalogs::id, catalogs::name))
        .load(db)?)
}

/// The catalog that has this name, folded.
///
/// # Errors
/// When the database does not answer.
pub fn by_name(db: &mut Db, key: &str) -> Result<Option<CatalogId>> {
    Ok(catalogs::table
        .filter(catalogs::name_key.eq(key))
        .select(catalogs::id)
        .first(db)
        .optional()?)
}

type ResourceRow = (ResourceId, CatalogId, String, String, String, String, bool, i64);
type ResourceColumns = (
    resources::id,
    resources::catalog_id,
    resources::target,
    resources::address,
    resources::name,
    resources::description,
    resources::managed_here,
    resources::rev,
);
const RESOURCE: ResourceColumns = (
    resources::id,
    resources::catalog_id,
    resources::target,
    resources::address,
    resources::name,
    resources::description,
    resources::managed_here,
    resources::rev,
);

fn with_roles(db: &mut Db, rows: Vec<ResourceRow>) -> Result<Vec<Resource>> {
    let ids: Vec<ResourceId> = rows.iter().map(|row| row.0).collect();
    let found: Vec<(ResourceId, RoleId, String, String, String)> = resource_roles::table
        .filter(resource_roles::resource_id.eq_any(ids))
        .order((resource_roles::name, resource_roles::id))
        .select((
            resource_roles::resource_id,
            resource_roles::id,
            resource_roles::name,
            resource_roles::value,
            resource_roles::risk,
        ))
        .load(db)?;
    let mut roles: HashMap<ResourceId, Vec<Role>> = HashMap::new();
    for (resource, id, name, value, risk) in found {
        let role = Role { id, name, value, risk: risk_of(&risk) };
        roles.entry(resource).or_default().push(role);
    }
    Ok(rows
        .into_iter()
        .map(|(id, catalog, target, address, name, description, managed_here, rev)| Resource {
            roles: roles.remove(&id).unwrap_or_default(),
            id,
            catalog,
            target,
            address,
            name,
            description,
            managed_here,
            rev,
        })
        .collect())
}

/// A stored risk; a word that this version does not know counts as high.
#[must_use]
pub fn risk_of(text: &str) -> Risk {
    Risk::parse(text).unwrap_or(Risk::High)
}

/// The resources of a catalog with their roles, by name. Two statements.
///
/// # Errors
/// When the database does not answer.
pub fn resources(db: &mut Db, catalog: CatalogId, limit: i64) -> Result<Vec<Resource>> {
    let rows = resources::table
        .filter(resources::catalog_id.eq(catalog))
        .order((resources::name, resources::id))
        .limit(limit)
        .select(RESOURCE)
        .load(db)?;
    with_roles(db, rows)
}

/// A resource with its roles. Two statements.
///
/// # Errors
/// `Missing` if there is none.
pub fn resource(db: &mut Db, id: ResourceId) -> Result<Resource> {
    let row = resources::table.find(id).select(RESOURCE).first(db)?;
    with_roles(db, vec![row])?.pop().ok_or(Error::Missing)
}

/// The resources of these catalogs, or of all, with the names of their catalogs, by name. One statement.
///
/// # Errors
/// When the database does not answer.
pub fn named_resources(
    db: &mut Db,
    of: Option<&[CatalogId]>,
    limit: i64,
) -> Result<Vec<(ResourceId, String, String)>> {
    let mut query = resources::table
        .inner_join(catalogs::table)
        .order((resources::name, resources::id))
        .limit(limit)
        .select((resources::id, resources::name, catalogs::name))
        .into_boxed();
    if let Some(of) = of {
        query = query.filter(resources::catalog_id.eq_any(of));
    }
    Ok(query.load(db)?)
}

/// The resource that is registered for this address of a target, and the name of its catalog.
///
/// # Errors
/// When the database does not answer.
pub fn at_address(
    db: &mut Db,
    target: &str,
    address: &str,
) -> Result<Option<(ResourceId, String)>> {
    Ok(resources::table
        .inner_join(catalogs::table)
        .filter(resources::target.eq(target).and(resources::address.eq(address)))
        .select((resources::id, catalogs::name))
        .first(db)
        .optional()?)
}

/// Those of the addresses that are registered already, with the name of their catalog. One statement.
///
/// # Errors
/// When the database does not answer.
pub fn registered(
    db: &mut Db,
    target: &str,
    addresses: &[String],
) -> Result<HashMap<String, String>> {
    let rows: Vec<(String, String)> = resources::table
        .inner_join(catalogs::table)
        .filter(resources::target.eq(target).and(resources::address.eq_any(addresses)))
        .select((resources::address, catalogs::name))
        .load(db)?;
    Ok(rows.into_iter().collect())
}

/// What a resource asks of whoever requests it, as JSON.
///
/// # Errors
/// `Missing` if there is no such resource.
pub fn attributes(db: &mut Db, id: ResourceId) -> Result<String> {
    Ok(resources::table.find(id).select(resources::attributes).first(db)?)
}

/// Which resource a role belongs to.
///
/// # Errors
/// `Missing` if there is no such role.
pub fn resource_of(db: &mut Db, role: RoleId) -> Result<ResourceId> {
    Ok(resource_roles::table.find(role).select(resource_roles::resource_id).first(db)?)
}

/// What happened to the catalog's set-up, newest first: when, and the sentence.
///
/// # Errors
/// When the database does not answer.
pub fn history(db: &mut Db, catalog: CatalogId, limit: i64) -> Result<Vec<(Ts, Sentence)>> {
    type Name = Option<String>;
    type Row = (Ts, String, String, Name, Name, Name, Name, Name);
    let rows: Vec<Row> = facts::table
        .filter(facts::catalog_id.eq(catalog).and(facts::family.eq(Family::Setup.as_str())))
        .order((facts::at.desc(), facts::id.desc()))
        .limit(limit)
        .select((
            facts::at,
            facts::data,
            facts::actor_name,
            facts::person_name,
            facts::package_name,
            facts::catalog_name,
            facts::reference,
            facts::resource_name,
        ))
        .load(db)?;
    rows.into_iter()
        .map(|(at, data, actor, person, package, catalog, reference, resource)| {
            let names = Names {
                actor: &actor,
                person: person.as_deref(),
                package: package.as_deref(),
                catalog: catalog.as_deref(),
                reference: reference.as_deref(),
                resource: resource.as_deref(),
            };
            Ok((at, load_told(&data, names)?.1))
        })
        .collect()
}

pub(super) fn insert_catalog(db: &mut Db, catalog: &Catalog, key: &str, now: Ts) -> Result<()> {
    diesel::insert_into(catalogs::table)
        .values((
            catalogs::id.eq(catalog.id),
            catalogs::name.eq(&catalog.name),
            catalogs::name_key.eq(key),
            catalogs::description.eq(&catalog.description),
            catalogs::enabled.eq(catalog.enabled),
            catalogs::listed_for_everyone.eq(catalog.listed_for_everyone),
            catalogs::for_guests.eq(catalog.for_guests),
            catalogs::rev.eq(catalog.rev),
            catalogs::created_at.eq(now),
        ))
        .execute(db)
        .map_err(stale_if_taken)?;
    Ok(())
}

/// Saves a catalog whose `rev` is still the one that was read.
pub(super) fn save_catalog(db: &mut Db, catalog: &Catalog, key: &str) -> Result<()> {
    let read = catalogs::id.eq(catalog.id).and(catalogs::rev.eq(catalog.rev));
    let hit = diesel::update(catalogs::table.filter(read))
        .set((
            catalogs::name.eq(&catalog.name),
            catalogs::name_key.eq(key),
            catalogs::description.eq(&catalog.description),
            catalogs::enabled.eq(catalog.enabled),
            catalogs::listed_for_everyone.eq(catalog.listed_for_everyone),
            catalogs::for_guests.eq(catalog.for_guests),
            catalogs::rev.eq(catalog.rev + 1),
        ))
        .execute(db)
        .map_err(stale_if_taken)?;
    if hit == 1 { Ok(()) } else { Err(Error::Stale) }
}

pub(super) fn insert_resource(
    db: &mut Db,
    id: ResourceId,
    new: &NewResource,
    now: Ts,
) -> Result<()> {
    diesel::insert_into(resources::table)
        .values((
            resources::id.eq(id),
            resources::catalog_id.eq(new.catalog),
            resources::target.eq(&new.target),
            resources::address.eq(&new.address),
            resources::name.eq(&new.name),
            resources::description.eq(&new.description),
            resources::managed_here.eq(new.managed_here),
            resources::rev.eq(1),
            resources::created_at.eq(now),
        ))
        .execute(db)
        .map_err(stale_if_taken)?;
    for role in &new.roles {
        insert_role(db, id, role, now)?;
    }
    Ok(())
}

fn insert_role(db: &mut Db, resource: ResourceId, role: &NewRole, now: Ts) -> Result<()> {
    diesel::insert_into(resource_roles::table)
        .values((
            resource_roles::id.eq(RoleId::fresh()),
            resource_roles::resource_id.eq(resource),
            resource_roles::name.eq(&role.label),
            resource_roles::value.eq(&role.value),
            resource_roles::risk.eq(role.risk.as_str()),
            resource_roles::created_at.eq(now),
        ))
        .execute(db)?;
    Ok(())
}

/// Saves a resource whose `rev` is still the one that was read; its roles' risks are set by [`set_risk`].
pub(super) fn save_resource(db: &mut Db, resource: &Resource) -> Result<()> {
    let read = resources::id.eq(resource.id).and(resources::rev.eq(resource.rev));
    let hit = diesel::update(resources::table.filter(read))
        .set((
            resources::name.eq(&resource.name),
            resources::description.eq(&resource.description),
            resources::managed_here.eq(resource.managed_here),
            resources::rev.eq(resource.rev + 1),
        ))
        .execute(db)?;
    if hit == 1 { Ok(()) } else { Err(Error::Stale) }
}

/// Saves what a resource asks, if its `rev` is still the one that was read.
pub(super) fn save_attributes(db: &mut Db, resource: &Resource, json: &str) -> Result<()> {
    let read = resources::id.eq(resource.id).and(resources::rev.eq(resource.rev));
    let hit = diesel::update(resources::table.filter(read))
        .set((resources::attributes.eq(json), resources::rev.eq(resource.rev + 1)))
        .execute(db)?;
    if hit == 1 { Ok(()) } else { Err(Error::Stale) }
}

pub(super) fn set_risk(db: &mut Db, role: RoleId, risk: Risk) -> Result<()> {
    diesel::update(resource_roles::table.find(role))
        .set(resource_roles::risk.eq(risk.as_str()))
        .execute(db)?;
    Ok(())
}
