//! How long decisions take: what a package's own history says.

use diesel::prelude::*;

use crate::db::Db;
use crate::db::schema::{request_stages, requests};
use crate::error::Result;
use crate::kernel::{PackageId, Ts};

/// As many decided requests as a figure rests on at most.
pub const PACE_MOST: i64 = 200;

/// How long the newest decided requests of a package took from the request to the last decision, in seconds, newest
/// first; only those that a person decided. One statement, which reads at most [`PACE_MOST`] of them.
///
/// # Errors
/// When the database does not answer.
pub fn paces(db: &mut Db, package: PackageId) -> Result<Vec<i64>> {
    let rows: Vec<(Ts, Ts)> = requests::table
        .inner_join(
            request_stages::table.on(request_stages::request_id
                .eq(requests::id)
                .and(request_stages::number.eq(requests::stage))),
        )
        .filter(requests::package_id.eq(package))
        .filter(requests::decided_at.is_not_null())
        .filter(request_stages::decided_by.is_not_null())
        .order((requests::decided_at.desc(), requests::id.desc()))
        .limit(PACE_MOST)
        .select((requests::created_at, request_stages::decided_at.assume_not_null()))
        .load(db)?;
    Ok(rows.into_iter().map(|(asked, decided)| decided.seconds_since(asked)).collect())
}
