//! What an assignment and a right look like.

use diesel::prelude::*;

use crate::kernel::{AssignmentId, PackageId, PersonId, PolicyId, RequestId, RoleId, Ts};

/// A package held by a person.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = crate::db::schema::assignments)]
pub struct Assignment {
    /// Its id.
    pub id: AssignmentId,
    /// The request that it came from.
    pub request_id: Option<RequestId>,
    /// What is held.
    pub package_id: PackageId,
    /// Under which policy.
    pub policy_id: PolicyId,
    /// By whom.
    pub target_id: PersonId,
    /// From when.
    pub starts_at: Ts,
    /// When it really started; empty while it is scheduled.
    pub started_at: Option<Ts>,
    /// Until when; empty means without an end.
    pub ends_at: Option<Ts>,
    /// When it really ended.
    pub ended_at: Option<Ts>,
    /// Why it ended.
    pub end_reason: Option<String>,
    /// Grows with every change.
    pub rev: i64,
    /// When it was made.
    pub created_at: Ts,
    /// What was answered to the questions of its resources, as JSON.
    pub attributes: String,
    /// When its end is announced next.
    pub warn_at: Option<Ts>,
}

crate::text_enum! {
    /// Where a right stands between what is wanted and what the target has confirmed.
    pub enum RightState {
        /// Wanted, not confirmed yet.
        Adding = "adding",
        /// Wanted, and the target has confirmed it on a read after the write (D23).
        Present = "present",
        /// No longer wanted, and the target has not confirmed that it is gone.
        Removing = "removing",
        /// No longer wanted and confirmed gone.
        Gone = "gone",
        /// No longer wanted, left in place because it was held before (D22).
        Kept = "kept",
    }
}

/// Where the right to a role stands with a person.
#[derive(Clone, Copy, Debug)]
pub struct Stands {
    /// Whose.
    pub person: PersonId,
    /// To which role.
    pub role: RoleId,
    /// Whether it is wanted.
    pub wanted: bool,
    /// Where it stands.
    pub state: RightState,
    /// When the target confirmed it.
    pub confirmed_at: Option<Ts>,
    /// Whether its owners were told that its removal is late.
    pub late: bool,
}
