//! A manager ends access of somebody who reports to them, where its policy leaves it to managers.

use super::assignment_ended;
use crate::access::{EndForReport, Permit, policy};
use crate::assignments;
use crate::db::{Tx, hold_package, lock_people};
use crate::error::{Error, Result};
use crate::kernel::AssignmentId;
use crate::kernel::text::{NOTE_MAX, tidy};

/// May the actor end it? Asked under the lock of its holder: a list that gives them another manager meanwhile waits,
/// and so does who asks for more time.
///
/// # Errors
/// `Missing` for everybody but the manager of today, `Denied` where the policy does not leave it to managers.
pub fn may_end_for_report(tx: &mut Tx<'_>, id: AssignmentId) -> Result<Permit<EndForReport>> {
    let assignment = assignments::store::one(tx.db(), id)?.assignment;
    hold_package(tx, assignment.package_id)?;
    lock_people(tx, &[assignment.target_id])?;
    let standing = assignments::store::for_report(tx.db(), id)?;
    Ok(policy::end_for_report(tx.actor(), &standing)?)
}

/// Ends it now, with a reason that the person and the owners read. A request that it has not fulfilled ends with it,
/// and so does one for more time.
///
/// # Errors
/// `Invalid` without a reason, `Refused` when it has ended already.
pub fn end_for_report(
    tx: &mut Tx<'_>,
    permit: &Permit<EndForReport>,
    reason: &str,
) -> Result<assignments::store::Named> {
    let reason = &*tidy(reason);
    if reason.is_empty() {
        return Err(Error::invalid("reason", "Say why you end it; the person reads this"));
    }
    if reason.chars().count() > NOTE_MAX {
        let words = format!("Shorten your reason to {NOTE_MAX} characters");
        return Err(Error::invalid("reason", words));
    }
    let named = assignments::commands::end_for_report(tx, permit, reason)?;
    assignment_ended(tx, &named, "the manager ended it")?;
    Ok(named)
}
