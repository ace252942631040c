//! Whoever approved access ends it later, with a reason: what they said yes to is not what they see now.

use super::{deliver, locked};
use crate::access::{Permit, RevokeApproval};
use crate::assignments::{self, store::Named};
use crate::db::{Db, Tx};
use crate::error::{Error, Refusal, Result};
use crate::kernel::fact::EndReason;
use crate::kernel::text::{NOTE_MAX, tidy};
use crate::kernel::{Fact, PersonId, RequestId};
use crate::requests::model::{Approver, Request, RequestKind, State, Verdict};
use crate::requests::store;

/// The access that an approval of somebody has brought, and the number of the stage; none where they approved nothing of
/// it, or where nothing of it is there.
///
/// # Errors
/// When the database does not answer.
pub fn revocable(
    db: &mut Db,
    request: &Request,
    everybody: &[Approver],
    me: PersonId,
) -> Result<Option<(Named, i64)>> {
    let mine = |a: &&Approver| {
        a.vote == Some(Verdict::Approve)
            && a.voted_by.map_or(a.person == me, |stand_in| stand_in == me)
    };
    let Some(vote) = everybody.iter().rev().find(mine) else { return Ok(None) };
    if !matches!(request.state, State::Delivering | State::Delivered) {
        return Ok(None);
    }
    let stages = store::stages(db, &[request.id])?;
    let number = stages.iter().find(|s| s.id == vote.stage).map_or(1, |s| s.number);
    let brought = match request.kind {
        RequestKind::Extend => request.assignment_id,
        _ => assignments::store::of_request(db, request.id)?.map(|a| a.id),
    };
    let Some(id) = brought else { return Ok(None) };
    let named = assignments::store::one(db, id)?;
    Ok(named.assignment.ended_at.is_none().then_some((named, number)))
}

/// Revokes the actor's approval: the access ends now.
///
/// # Errors
/// `Invalid` without a reason; `Refused` (409) when there is nothing of theirs to revoke, or it has ended already.
pub fn revoke(tx: &mut Tx<'_>, permit: &Permit<RevokeApproval>, reason: &str) -> Result<Request> {
    let request = locked(tx, RequestId(permit.about()))?;
    let me = tx.actor().id().ok_or(Error::Missing)?;
    let everybody = store::approvers(tx.db(), request.id)?;
    let Some((named, stage)) = revocable(tx.db(), &request, &everybody, me)? else {
        return Err(Refusal::new(
            "There is no approval of yours to revoke",
            "The access has ended already, or it did not come from an approval of yours. Nothing was changed.",
        )
        .way("See the request", format!("/requests/{}", request.id))
        .into());
    };
    let reason = tidy(reason);
    if reason.is_empty() {
        return Err(Error::invalid("reason", "Say why you end it; the person reads this"));
    }
    if reason.chars().count() > NOTE_MAX {
        let words = format!("Shorten your reason to {NOTE_MAX} characters");
        return Err(Error::invalid("reason", words));
    }
    let fact = Fact::ApprovalRevoked { stage, stages: request.stages() };
    tx.record(&fact, request.about().note(&reason))?;
    let all = std::slice::from_ref(&named);
    let why = EndReason::ApprovalRevoked;
    if assignments::commands::end_all(tx, all, why, &reason)?.is_empty() {
        return Err(Error::Stale);
    }
    deliver::assignment_ended(tx, &named, "its approval was revoked")?;
    store::one(tx.db(), request.id)
}
