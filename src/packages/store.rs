//! The tables `packages` and `package_roles`, and what of policies, requests and assignments a list of packages asks.

use std::collections::HashMap;

use diesel::dsl::{exists, not};
use diesel::prelude::*;

use super::model::{Content, Detail, Hit, Line, Package, Position, Viewer};
use super::rules;
use crate::catalogs::store::risk_of;
use crate::db::schema::{
    assignments, catalogs, group_members, incompatibilities, package_roles, packages, policies,
    policy_scopes, requests, resource_roles, resources, stops,
};
use crate::db::{Db, stale_if_taken};
use crate::error::{Error, Result};
use crate::kernel::{
    AssignmentId, CatalogId, Kind, OrganizationId, PackageId, RequestId, ResourceId, Risk, RoleId,
    Ts,
};
use crate::organizations;
use crate::web::paging::Cursor;

mod alias {
    diesel::alias!(crate::db::schema::assignments as own: Own);
}
use alias::own;

type PackageRow = (PackageId, CatalogId, String, String, bool, i64, i64);
type PackageColumns = (
    packages::id,
    packages::catalog_id,
    packages::name,
    packages::description,
    packages::hidden,
    packages::contents_version,
    packages::rev,
);
const PACKAGE: PackageColumns = (
    packages::id,
    packages::catalog_id,
    packages::name,
    packages::description,
    packages::hidden,
    packages::contents_version,
    packages::rev,
);

fn as_package(row: PackageRow) -> Package {
    let (id, catalog, name, description, hidden, contents_version, rev) = row;
    Package { id, catalog, name, description, hidden, contents_version, rev }
}

/// A package alone. One statement.
///
/// # Errors
/// `Missing` if there is none.
pub fn head(db: &mut Db, id: PackageId) -> Result<Package> {
    Ok(packages::table.find(id).select(PACKAGE).first(db).map(as_package)?)
}

/// A package with its contents; whether somebody may see it is said by [`seen`]. Two statements.
///
/// # Errors
/// `Missing` if there is none.
pub fn package(db: &mut Db, id: PackageId) -> Result<Detail> {
    let (row, catalog_name, catalog_enabled): (PackageRow, String, bool) = packages::table
        .inner_join(catalogs::table)
        .filter(packages::id.eq(id))
        .select((PACKAGE, catalogs::name, catalogs::enabled))
        .first(db)?;
    let contents = contents(db, id)?;
    Ok(Detail { package: as_package(row), catalog_name, catalog_enabled, contents })
}

type ContentRow = (RoleId, String, String, ResourceId, String, String, String);
type ContentColumns = (
    resource_roles::id,
    resource_roles::name,
    resource_roles::risk,
    resources::id,
    resources::name,
    resources::description,
    resources::target,
);
const CONTENT: ContentColumns = (
    resource_roles::id,
    resource_roles::name,
    resource_roles::risk,
    resources::id,
    resources::name,
    resources::description,
    resources::target,
);

fn as_content(row: ContentRow) -> Content {
    let (role, role_name, risk, resource, resource_name, resource_description, target) = row;
    let risk = risk_of(&risk);
    Content { role, role_name, risk, resource, resource_name, resource_description, target }
}

/// What is in a package, by resource. One statement.
///
/// # Errors
/// When the database does not answer.
pub fn contents(db: &mut Db, id: PackageId) -> Result<Vec<Content>> {
    let rows: Vec<ContentRow> = package_roles::table
        .inner_join(resource_roles::table.inner_join(resources::table))
        .filter(package_roles::package_id.eq(id))
        .order((resources::name, resource_roles::name, resource_roles::id))
        .select(CONTENT)
        .load(db)?;
    Ok(rows.into_iter().map(as_content).collect())
}

/// All resource roles of a catalog, by resource: what its packages can be made of. One statement.
///
/// # Errors
/// When the database does not answer.
pub fn roles_of(db: &mut Db, catalog: CatalogId) -> Result<Vec<Content>> {
    let rows: Vec<ContentRow> = resource_roles::table
        .inner_join(resources::table)
        .filter(resources::catalog_id.eq(catalog))
        .order((resources::name, resource_roles::name, resource_roles::id))
        .select(CONTENT)
        .load(db)?;
    Ok(rows.into_iter().map(as_content).collect())
}

/// Those of the roles that are of this catalog, by resource. One statement.
///
/// # Errors
/// When the database does not answer.
pub fn roles_among(db: &mut Db, catalog: CatalogId, roles: &[RoleId]) -> Result<Vec<Content>> {
    let rows: Vec<ContentRow> = resource_roles::table
        .inner_join(resources::table)
        .filter(resources::catalog_id.eq(catalog).and(resource_roles::id.eq_any(roles)))
        .order((resources::name, resource_roles::name, resource_roles::id))
        .select(CONTENT)
        .load(db)?;
    Ok(rows.into_iter().map(as_content).collect())
}

/// Orders a query by name, starting where the cursor says.
macro_rules! from_cursor {
    ($query:ident, $at:expr) => {
        let back = $at.is_some_and(|at| at.back);
        if let Some(at) = $at {
            let (key, id) = (at.key.as_str(), PackageId(at.id));
            let same = packages::name_key.eq(key);
            $query = if back {
                $query.filter(packages::name_key.lt(key).or(same.and(packages::id.lt(id))))
            } else {
                $query.filter(packages::name_key.gt(key).or(same.and(packages::id.gt(id))))
            };
        }
        $query = if back {
            $query.order((packages::name_key.desc(), packages::id.desc()))
        } else {
            $query.order((packages::name_key, packages::id))
        };
    };
}

/// The packages of a catalog for its owners, by name, for [`crate::web::paging::page`]. One statement.
///
/// # Errors
/// When the database does not answer.
pub fn in_catalog(
    db: &mut Db,
    catalog: CatalogId,
    at: Option<&Cursor<String>>,
    limit: i64,
) -> Result<Vec<Line>> {
    let mut query = packages::table
        .filter(packages::catalog_id.eq(catalog))
        .limit(limit)
        .select((
            PACKAGE,
            policies::table
                .filter(policies::package_id.eq(packages::id).and(policies::enabled))
                .count()
                .single_value(),
            package_roles::table
                .filter(package_roles::package_id.eq(packages::id))
                .count()
                .single_value(),
        ))
        .into_boxed();
    from_cursor!(query, at);
    let rows: Vec<(PackageRow, Option<i64>, Option<i64>)> = query.load(db)?;
    Ok(rows
        .into_iter()
        .map(|(row, policies, roles)| Line {
            package: as_package(row),
            policies: policies.unwrap_or(0),
            roles: roles.unwrap_or(0),
        })
        .collect())
}

/// The package of a catalog that has this name, folded.
///
/// # Errors
/// When the database does not answer.
pub fn by_name(db: &mut Db, catalog: CatalogId, key: &str) -> Result<Option<PackageId>> {
    Ok(packages::table
        .filter(packages::catalog_id.eq(catalog).and(packages::name_key.eq(key)))
        .select(packages::id)
        .first(db)
        .optional()?)
}

/// The packages of this name, folded, with their names as written; of one catalog, or of all.
///
/// # Errors
/// When the database does not answer.
pub fn named(
    db: &mut Db,
    catalog: Option<CatalogId>,
    key: &str,
) -> Result<Vec<(PackageId, String)>> {
    let mut query = packages::table
        .filter(packages::name_key.eq(key))
        .order(packages::id)
        .limit(2)
        .select((packages::id, packages::name))
        .into_boxed();
    if let Some(catalog) = catalog {
        query = query.filter(packages::catalog_id.eq(catalog));
    }
    Ok(query.load(db)?)
}

/// The packages that have a role of this resource in them.
///
/// # Errors
/// When the database does not answer.
pub fn with_resource(db: &mut Db, resource: ResourceId) -> Result<Vec<PackageId>> {
    Ok(package_roles::table
        .inner_join(resource_roles::table)
        .filter(resource_roles::resource_id.eq(resource))
        .select(package_roles::package_id)
        .distinct()
        .load(db)?)
}

/// Which kinds of scope have the viewer in them without naming them, and the connected organization of a guest.
struct Reach {
    kinds: &'static [&'static str],
    organization: Option<OrganizationId>,
    /// Catalogs that are for guests, or not.
    catalogs: &'static [bool],
}

/// At most one statement, for guests only.
fn reach(db: &mut Db, viewer: Viewer) -> Result<Reach> {
    Ok(match viewer.kind {
        Kind::Member => Reach {
            kinds: &["all_members", "all_users"],
            organization: None,
            catalogs: &[true, false],
        },
        Kind::Guest => {
            let organization = organizations::store::of_person(db, viewer.id)?;
            let kinds: &[&str] = match organization {
                None => &["all_users"],
                Some(_) => &["all_users", "all_organizations"],
            };
            Reach { kinds, organization, catalogs: &[true] }
        }
    })
}

/// Who asks for the one who is viewed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asker {
    /// They for themselves.
    Own,
    /// Their manager.
    Manager,
}

/// Whether a policy lets people ask for themselves, and managers for their reports: the answers that will do.
type Asks = (&'static [bool], &'static [bool]);
/// Whoever may ask.
const WHOEVER: Asks = (&[true, false], &[true, false]);

impl Asker {
    fn asks(self) -> Asks {
        match self {
            Self::Own => (&[true], &[true, false]),
            Self::Manager => (&[true, false], &[true]),
        }
    }
}

/// True where an enabled policy of the package in the outer statement has the viewer in its scope, and these may ask.
macro_rules! in_scope {
    ($viewer:expr, $reach:expr, $asks:expr) => {{
        let viewer: Viewer = $viewer;
        let (for_own, for_reports): Asks = $asks;
        let groups = group_members::table
            .filter(group_members::person_id.eq(viewer.id))
            .select(group_members::group_id.nullable());
        exists(
            policy_scopes::table
                .inner_join(policies::table)
                .filter(policy_scopes::package_id.eq(packages::id))
                .filter(policies::enabled)
                .filter(policies::asks_own.eq_any(for_own))
                .filter(policies::asks_manager.eq_any(for_reports))
                .filter(
                    policy_scopes::kind
                        .eq_any($reach.kinds)
                        .or(policy_scopes::person_id.eq(viewer.id))
                        .or(policy_scopes::group_id.eq_any(groups))
                        .or(policy_scopes::organization_id.eq($reach.organization)),
                ),
        )
    }};
}

/// Packages with what the viewer holds of them and has requested.
macro_rules! as_seen_by {
    ($viewer:expr) => {{
        let me = $viewer.id;
        packages::table
            .inner_join(catalogs::table)
            .left_join(
                assignments::table.on(assignments::package_id
                    .eq(packages::id)
                    .and(assignments::target_id.eq(me))
                    .and(assignments::ended_at.is_null())),
            )
            .left_join(
                requests::table.on(requests::package_id
                    .eq(packages::id)
                    .and(requests::target_id.eq(me))
                    .and(requests::ended_at.is_null())),
            )
    }};
}

type HeldRow = Option<(AssignmentId, Ts, Option<Ts>)>;
type AskedRow = Option<(RequestId, String, String)>;

/// The packages that the viewer may know of (E29), by name, for [`crate::web::paging::page`]: those of enabled catalogs that are not hidden,
/// and in whose scope they are, or that they hold, or that are listed for everyone. Every word of `q` must be in the
/// name, the description or the name of a resource. Two statements, however many there are.
///
/// # Errors
/// When the database does not answer.
pub fn listed(
    db: &mut Db,
    viewer: Viewer,
    q: &str,
    at: Option<&Cursor<String>>,
    limit: i64,
) -> Result<Vec<Hit>> {
    listed_for(db, viewer, Asker::Own, q, at, limit)
}

/// As [`listed`], with what their manager can request for them.
///
/// # Errors
/// When the database does not answer.
pub fn listed_for(
    db: &mut Db,
    viewer: Viewer,
    asker: Asker,
    q: &str,
    at: Option<&Cursor<String>>,
    limit: i64,
) -> Result<Vec<Hit>> {
    type Row = (PackageId, String, String, String, String, HeldRow, AskedRow, bool);
    let reach = reach(db, viewer)?;
    let mut query = as_seen_by!(viewer)
        .filter(catalogs::enabled)
        .filter(catalogs::for_guests.eq_any(reach.catalogs))
        .filter(packages::hidden.eq(false))
        .filter(
            catalogs::listed_for_everyone
                .or(assignments::id.nullable().is_not_null())
                .or(in_scope!(viewer, reach, WHOEVER)),
        )
        .limit(limit)
        .select((
            packages::id,
            packages::name,
            packages::name_key,
            packages::description,
            catalogs::name,
            (assignments::id, assignments::starts_at, assignments::ends_at).nullable(),
            (requests::id, requests::reference, requests::state).nullable(),
            in_scope!(viewer, reach, asker.asks()),
        ))
        .into_boxed();
    from_cursor!(query, at);
    for pattern in rules::patterns(q) {
        query = query.filter(packages::search.like(pattern).escape('\\'));
    }
    let rows: Vec<Row> = query.load(db)?;
    let mut inside = insides(db, rows.iter().map(|row| row.0).collect())?;
    Ok(rows
        .into_iter()
        .map(|(id, name, key, description, catalog_name, held, asked, in_scope)| {
            let (resources, risk) = inside.remove(&id).unwrap_or((Vec::new(), Risk::Ordinary));
            let position = rules::position(held, asked, in_scope);
            Hit { id, name, key, description, catalog_name, resources, risk, position }
        })
        .collect())
}

/// Those of these packages that a member can request for themselves now, by name: listed, in scope, not held, not open,
/// not stopped, and nothing that they hold or are in speaks against it. Two statements.
///
/// # Errors
/// When the database does not answer.
pub fn open_to(db: &mut Db, viewer: Viewer, ids: &[PackageId]) -> Result<Vec<Hit>> {
    let open = open_names(db, viewer, ids)?;
    let mut inside = insides(db, open.iter().map(|open| open.id).collect())?;
    Ok(open
        .into_iter()
        .map(|Open { id, name, key, description, catalog_name }| {
            let (resources, risk) = inside.remove(&id).unwrap_or((Vec::new(), Risk::Ordinary));
            let position = Position::CanRequest;
            Hit { id, name, key, description, catalog_name, resources, risk, position }
        })
        .collect())
}

/// A package that can be requested.
#[derive(Queryable, Clone, Debug, PartialEq, Eq)]
pub struct Open {
    /// The package.
    pub id: PackageId,
    /// Its name.
    pub name: String,
    /// The name's key.
    pub key: String,
    /// What somebody gets with it.
    pub description: String,
    /// The catalog's name.
    pub catalog_name: String,
}

/// As [`open_to`], without what is in them. One statement.
///
/// # Errors
/// When the database does not answer.
pub fn open_names(db: &mut Db, viewer: Viewer, ids: &[PackageId]) -> Result<Vec<Open>> {
    if ids.is_empty() || viewer.kind == Kind::Guest {
        return Ok(vec![]);
    }
    let reach = reach(db, viewer)?;
    // What is held is read under another name: the outer statement has assignments of its own.
    let mine = || {
        own.filter(own.field(assignments::target_id).eq(viewer.id))
            .filter(own.field(assignments::ended_at).is_null())
            .select(own.field(assignments::package_id))
    };
    let groups = group_members::table
        .filter(group_members::person_id.eq(viewer.id))
        .select(group_members::group_id.nullable());
    let against =
        incompatibilities::table.filter(incompatibilities::package_id.eq(packages::id)).filter(
            incompatibilities::other_package_id
                .eq_any(mine().nullable())
                .or(incompatibilities::group_id.eq_any(groups)),
        );
    let in_turn = incompatibilities::table
        .filter(incompatibilities::other_package_id.eq(packages::id.nullable()))
        .filter(incompatibilities::package_id.eq_any(mine()));
    let stopped = stops::table.filter(
        stops::catalog_id
            .eq(packages::catalog_id.nullable())
            .or(stops::package_id.eq(packages::id.nullable())),
    );
    Ok(as_seen_by!(viewer)
        .filter(packages::id.eq_any(ids))
        .filter(catalogs::enabled)
        .filter(packages::hidden.eq(false))
        .filter(assignments::id.nullable().is_null())
        .filter(requests::id.nullable().is_null())
        .filter(in_scope!(viewer, reach, Asker::Own.asks()))
        .filter(not(exists(stopped)))
        .filter(not(exists(against)))
        .filter(not(exists(in_turn)))
        .order((packages::name_key, packages::id))
        .select((
            packages::id,
            packages::name,
            packages::name_key,
            packages::description,
            catalogs::name,
        ))
        .load(db)?)
}

/// The resources' names and the highest risk of each package.
fn insides(db: &mut Db, ids: Vec<PackageId>) -> Result<HashMap<PackageId, (Vec<String>, Risk)>> {
    let rows: Vec<(PackageId, String, String)> = package_roles::table
        .inner_join(resource_roles::table.inner_join(resources::table))
        .filter(package_roles::package_id.eq_any(ids))
        .order((resources::name, resource_roles::id))
        .select((package_roles::package_id, resources::name, resource_roles::risk))
        .load(db)?;
    let mut all: HashMap<PackageId, (Vec<String>, Risk)> = HashMap::new();
    for (package, resource, risk) in rows {
        let (names, highest) = all.entry(package).or_insert((Vec::new(), Risk::Ordinary));
        if names.last() != Some(&resource) {
            names.push(resource);
        }
        *highest = risk_of(&risk).max(*highest);
    }
    Ok(all)
}

pub(super) fn insert(
    db: &mut Db,
    package: &Package,
    key: &str,
    search: &str,
    now: Ts,
) -> Result<()> {
    diesel::insert_into(packages::table)
        .values((
            packages::id.eq(package.id),
            packages::catalog_id.eq(package.catalog),
            packages::name.eq(&package.name),
            packages::name_key.eq(key),
            packages::description.eq(&package.description),
            packages::hidden.eq(package.hidden),
            packages::contents_version.eq(package.contents_version),
            packages::search.eq(search),
            packages::rev.eq(package.rev),
            packages::created_at.eq(now),
        ))
        .execute(db)
        .map_err(stale_if_taken)?;
    Ok(())
}

/// Saves a package whose `rev` is still the one that was read.
pub(super) fn save(db: &mut Db, package: &Package, key: &str, search: &str) -> Result<()> {
    let read = packages::id.eq(package.id).and(packages::rev.eq(package.rev));
    let hit = diesel::update(packages::table.filter(read))
        .set((
            packages::name.eq(&package.name),
            packages::name_key.eq(key),
            packages::description.eq(&package.description),
            packages::hidden.eq(package.hidden),
            packages::contents_version.eq(package.contents_version),
            packages::search.eq(search),
            packages::rev.eq(package.rev + 1),
        ))
        .execute(db)
        .map_err(stale_if_taken)?;
    if hit == 1 { Ok(()) } else { Err(Error::Stale) }
}

pub(super) fn add_roles(db: &mut Db, id: PackageId, roles: &[RoleId]) -> Result<()> {
    let rows: Vec<_> = roles
        .iter()
        .map(|role| (package_roles::package_id.eq(id), package_roles::role_id.eq(*role)))
        .collect();
    for chunk in rows.chunks(1_000) {
        crate::each_backend!(&mut *db, |c| diesel::insert_into(package_roles::table)
            .values(chunk)
            .execute(c)
            .map_err(stale_if_taken)?);
    }
    Ok(())
}

pub(super) fn remove_roles(db: &mut Db, id: PackageId, roles: &[RoleId]) -> Result<()> {
    let gone = package_roles::package_id.eq(id).and(package_roles::role_id.eq_any(roles));
    diesel::delete(package_roles::table.filter(gone)).execute(db)?;
    Ok(())
}
