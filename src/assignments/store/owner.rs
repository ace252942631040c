//! Reads for the owners of packages.

use diesel::prelude::*;

use super::{Assignment, Named, NamedRow, named};
use crate::db::schema::{assignments, packages, people};
use crate::db::{Db, Seek};
use crate::error::Result;
use crate::kernel::{AssignmentId, PackageId};

/// A page of a package's assignments, newest first: the active ones (scheduled included) or the ended ones.
/// One statement.
///
/// # Errors
/// When the database does not answer.
pub fn package_page(
    db: &mut Db,
    package: PackageId,
    ended: bool,
    from: Option<Seek<AssignmentId>>,
    limit: i64,
) -> Result<Vec<Named>> {
    let mut query = assignments::table
        .inner_join(packages::table)
        .inner_join(people::table)
        .left_join(crate::db::schema::requests::table)
        .filter(assignments::package_id.eq(package))
        .limit(limit)
        .select((
            Assignment::as_select(),
            packages::name,
            packages::catalog_id,
            people::name,
            crate::db::schema::requests::reference.nullable(),
        ))
        .into_boxed();
    query = if ended {
        query.filter(assignments::ended_at.is_not_null())
    } else {
        query.filter(assignments::ended_at.is_null())
    };
    let (at, id) = (assignments::created_at, assignments::id);
    query = match from {
        Some(from) if from.back => query
            .filter(at.gt(from.at).or(at.eq(from.at).and(id.gt(from.id))))
            .order((at.asc(), id.asc())),
        Some(from) => query
            .filter(at.lt(from.at).or(at.eq(from.at).and(id.lt(from.id))))
            .order((at.desc(), id.desc())),
        None => query.order((at.desc(), id.desc())),
    };
    let rows: Vec<NamedRow> = query.load(db)?;
    Ok(rows.into_iter().map(named).collect())
}
