//! What was stopped at once (D47): a catalog, a package or a policy. Open requests under it wait, access stays.

use diesel::prelude::*;

use crate::db::Db;
use crate::db::schema::{packages, requests, stops};
use crate::error::Result;
use crate::kernel::{CatalogId, PackageId, PolicyId, StopId, Ts};
use crate::requests::model::State;

/// What can be stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Thing {
    /// A catalog with everything in it.
    Catalog(CatalogId),
    /// A package with its policies.
    Package(PackageId),
    /// One policy.
    Policy(PolicyId),
}

impl Thing {
    /// The word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Catalog(_) => "catalog",
            Self::Package(_) => "access package",
            Self::Policy(_) => "policy",
        }
    }
}

/// A stop in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stop {
    /// Its id.
    pub id: StopId,
    /// What was stopped.
    pub thing: Thing,
    /// Why, in the words of the one who did it.
    pub reason: String,
    /// Their name.
    pub by: String,
    /// Since when.
    pub at: Ts,
}

type Row = (StopId, Option<CatalogId>, Option<PackageId>, Option<PolicyId>, String, String, Ts);

fn stop((id, catalog, package, policy, reason, by, at): Row) -> Option<Stop> {
    let thing = match (catalog, package, policy) {
        (Some(id), ..) => Thing::Catalog(id),
        (_, Some(id), _) => Thing::Package(id),
        (_, _, Some(id)) => Thing::Policy(id),
        _ => return None,
    };
    Some(Stop { id, thing, reason, by, at })
}

/// Every stop of these catalogs, packages and policies, the widest first. One statement.
///
/// # Errors
/// When the database does not answer.
pub fn among(
    db: &mut Db,
    catalogs: &[CatalogId],
    packages: &[PackageId],
    policies: &[PolicyId],
) -> Result<Vec<Stop>> {
    let mut all: Vec<Stop> = stops::table
        .filter(
            stops::catalog_id
                .eq_any(catalogs)
                .or(stops::package_id.eq_any(packages))
                .or(stops::policy_id.eq_any(policies)),
        )
        .select(stops::all_columns)
        .load::<Row>(db)?
        .into_iter()
        .filter_map(stop)
        .collect();
    all.sort_by_key(|s| match s.thing {
        Thing::Catalog(_) => 0,
        Thing::Package(_) => 1,
        Thing::Policy(_) => 2,
    });
    Ok(all)
}

/// The one of these stops, the widest first, that holds a request under this catalog, package and policy.
#[must_use]
pub fn widest(
    stops: &[Stop],
    catalog: CatalogId,
    package: PackageId,
    policy: Option<PolicyId>,
) -> Option<&Stop> {
    stops.iter().find(|stop| match stop.thing {
        Thing::Catalog(id) => id == catalog,
        Thing::Package(id) => id == package,
        Thing::Policy(id) => Some(id) == policy,
    })
}

/// The stop that holds a request under this catalog, package and policy; the widest if there are several.
/// One statement.
///
/// # Errors
/// When the database does not answer.
pub fn of(
    db: &mut Db,
    catalog: CatalogId,
    package: PackageId,
    policy: Option<PolicyId>,
) -> Result<Option<Stop>> {
    let policies: Vec<PolicyId> = policy.into_iter().collect();
    Ok(among(db, &[catalog], &[package], &policies)?.into_iter().next())
}

/// The stop of this very thing, if it is stopped. One statement.
///
/// # Errors
/// When the database does not answer.
pub fn on(db: &mut Db, thing: Thing) -> Result<Option<Stop>> {
    let query = stops::table.select(stops::all_columns).into_boxed();
    let query = match thing {
        Thing::Catalog(id) => query.filter(stops::catalog_id.eq(id)),
        Thing::Package(id) => query.filter(stops::package_id.eq(id)),
        Thing::Policy(id) => query.filter(stops::policy_id.eq(id)),
    };
    Ok(query.first::<Row>(db).optional()?.and_then(stop))
}

/// How many open requests wait if the thing is stopped; what is being delivered goes on. One statement.
///
/// # Errors
/// When the database does not answer.
pub fn would_wait(db: &mut Db, thing: Thing) -> Result<i64> {
    let query = requests::table
        .inner_join(packages::table.on(packages::id.eq(requests::package_id)))
        .filter(requests::ended_at.is_null())
        .filter(requests::state.ne(State::Delivering.as_str()))
        .select(diesel::dsl::count_star())
        .into_boxed();
    let query = match thing {
        Thing::Catalog(id) => query.filter(packages::catalog_id.eq(id)),
        Thing::Package(id) => query.filter(requests::package_id.eq(id)),
        Thing::Policy(id) => query.filter(requests::policy_id.eq(id)),
    };
    Ok(query.first(db)?)
}

/// Stops of policies of a package, for its owners' page. One statement.
///
/// # Errors
/// When the database does not answer.
pub fn of_policies(db: &mut Db, policies: &[PolicyId]) -> Result<Vec<Stop>> {
    Ok(stops::table
        .filter(stops::policy_id.eq_any(policies))
        .select(stops::all_columns)
        .load::<Row>(db)?
        .into_iter()
        .filter_map(stop)
        .collect())
}
