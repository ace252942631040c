//! What is asked for beside what separation of duties keeps apart from it (D7, D19).

use diesel::dsl::exists;
use diesel::prelude::*;

use crate::db::Db;
use crate::db::schema::{assignments, catalogs, group_members, packages, people, requests};
use crate::error::Result;
use crate::kernel::{CatalogId, PackageId, PersonId};
use crate::packages::incompatible::model::{Beside, Conflict, Held, Other};
use crate::packages::incompatible::rules;
use crate::packages::incompatible::store::{held, memberships, touching};
use crate::requests::model::{RequestKind, State};

/// What stands against a package for a person, and what would once they get it: packages for which a request of theirs
/// is open. At most four statements; one where no rule names the package.
///
/// # Errors
/// When the database does not answer.
pub fn around(
    db: &mut Db,
    person: PersonId,
    package: PackageId,
) -> Result<(Vec<Conflict>, Vec<Conflict>)> {
    let all = touching(db, &[package])?;
    if all.is_empty() {
        return Ok((Vec::new(), Vec::new()));
    }
    let (held, groups) = (held(db, person, Beside::NowOrSoon)?, memberships(db, person, &all)?);
    let asked = asked(db, person)?;
    let stands = rules::conflicts(package, &all, &held, &groups);
    let new = |conflict: &Conflict| stands.iter().all(|one| one.rule != conflict.rule);
    let mut would = rules::conflicts(package, &all, &asked, &[]);
    would.retain(new);
    Ok((stands, would))
}

/// What the person has asked for, as if they held it.
fn asked(db: &mut Db, person: PersonId) -> Result<Vec<Held>> {
    type Row = (PackageId, String, CatalogId, String);
    let rows: Vec<Row> = requests::table
        .inner_join(packages::table.inner_join(catalogs::table))
        .filter(requests::target_id.eq(person))
        .filter(requests::state.eq(State::PendingApproval.as_str()))
        .filter(requests::kind.eq(RequestKind::Add.as_str()))
        .order((packages::name_key, packages::id))
        .select((packages::id, packages::name, catalogs::id, catalogs::name))
        .load(db)?;
    let held = |(package, name, catalog, catalog_name): Row| Held {
        package,
        name,
        catalog,
        catalog_name,
        started: false,
    };
    Ok(rows.into_iter().map(held).collect())
}

/// True where a request of the person for the package waits for a decision: what is approved counts as held.
macro_rules! asks_for {
    ($package:expr) => {
        exists(
            requests::table
                .filter(requests::package_id.eq($package))
                .filter(requests::target_id.eq(people::id))
                .filter(requests::state.eq(State::PendingApproval.as_str()))
                .filter(requests::kind.eq(RequestKind::Add.as_str())),
        )
    };
}

/// True where the person has the package, or is about to.
macro_rules! has {
    ($package:expr) => {
        exists(
            assignments::table
                .filter(assignments::package_id.eq($package))
                .filter(assignments::target_id.eq(people::id))
                .filter(assignments::ended_at.is_null()),
        )
    };
}

/// How many people wait for what a rule would deny them: for one of the two beside the other, or for both; for the
/// package alone where the rule is not `mutual`. One statement.
///
/// # Errors
/// When the database does not answer.
pub fn count_asked(db: &mut Db, package: PackageId, other: Other, mutual: bool) -> Result<i64> {
    let all = people::table.filter(people::enabled);
    Ok(match other {
        Other::Package(other) if !mutual => all
            .filter(asks_for!(package).and(has!(other).or(asks_for!(other))))
            .count()
            .get_result(db)?,
        Other::Package(other) => all
            .filter(
                asks_for!(package)
                    .and(has!(other).or(asks_for!(other)))
                    .or(has!(package).and(asks_for!(other))),
            )
            .count()
            .get_result(db)?,
        Other::Group(group) => all
            .filter(asks_for!(package))
            .filter(exists(
                group_members::table
                    .filter(group_members::group_id.eq(group))
                    .filter(group_members::person_id.eq(people::id)),
            ))
            .count()
            .get_result(db)?,
    })
}
