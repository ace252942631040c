//! What hangs on a policy: open requests and active assignments, which keep it from being deleted (D15).

use diesel::prelude::*;

use crate::db::Db;
use crate::db::schema::{assignments, people, requests};
use crate::error::Result;
use crate::kernel::{PolicyId, RequestId};

/// How much hangs on a policy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hanging {
    /// Open requests.
    pub requests: i64,
    /// Active assignments, and those that are about to start.
    pub assignments: i64,
}

/// Counts what hangs on a policy. Two statements.
///
/// # Errors
/// When the database does not answer.
pub fn hanging(db: &mut Db, policy: PolicyId) -> Result<Hanging> {
    let requests = requests::table
        .filter(requests::policy_id.eq(policy))
        .filter(requests::ended_at.is_null())
        .count()
        .get_result(db)?;
    let assignments = assignments::table
        .filter(assignments::policy_id.eq(policy))
        .filter(assignments::ended_at.is_null())
        .count()
        .get_result(db)?;
    Ok(Hanging { requests, assignments })
}

/// The first of what is in the way of deleting a policy, oldest first.
#[derive(Clone, Debug, Default)]
pub struct InTheWay {
    /// Open requests: id, what people quote, for whom.
    pub requests: Vec<(RequestId, String, String)>,
    /// Who holds the package under the policy.
    pub holders: Vec<String>,
}

/// The first `limit` requests and holders. Two statements.
///
/// # Errors
/// When the database does not answer.
pub fn in_the_way(db: &mut Db, policy: PolicyId, limit: i64) -> Result<InTheWay> {
    let requests = requests::table
        .inner_join(people::table.on(people::id.eq(requests::target_id)))
        .filter(requests::policy_id.eq(policy))
        .filter(requests::ended_at.is_null())
        .order(requests::id)
        .limit(limit)
        .select((requests::id, requests::reference, people::name))
        .load(db)?;
    let holders = assignments::table
        .inner_join(people::table.on(people::id.eq(assignments::target_id)))
        .filter(assignments::policy_id.eq(policy))
        .filter(assignments::ended_at.is_null())
        .order(assignments::id)
        .limit(limit)
        .select(people::name)
        .load(db)?;
    Ok(InTheWay { requests, holders })
}
