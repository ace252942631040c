//! An administrator decides in place of a stage's approvers: rarely, with a reason, and in sight of other administrators.

use super::{approvers, decide, deny_by_rule, end, locked};
use crate::access::{OverruleStage, Permit};
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::kernel::text::{NOTE_MAX, tidy};
use crate::kernel::{Fact, RequestId, StageId};
use crate::packages::incompatible::model::Beside;
use crate::requests::duties;
use crate::requests::model::{Request, StageState, State, Verdict, Via};
use crate::requests::rules::Candidate;
use crate::requests::store::{self, Asking};

/// Decides the open stage, whatever its votes.
///
/// # Errors
/// `Invalid` without a reason; `Refused` (409) when the stage is decided, ran out or is stopped.
pub fn overrule(
    tx: &mut Tx<'_>,
    permit: &Permit<OverruleStage>,
    stage: StageId,
    verdict: Verdict,
    reason: &str,
) -> Result<Request> {
    let request = locked(tx, RequestId(permit.about()))?;
    let me = tx.actor().id().ok_or(Error::Missing)?;
    let stages = store::stages(tx.db(), &[request.id])?;
    let stage = stages.into_iter().find(|s| s.id == stage).ok_or(Error::Missing)?;
    if request.held_at.is_some() {
        return Err(decide::held(tx, &request)?.into());
    }
    let over = stage.due_at <= tx.now() && request.asked_at.is_none();
    if stage.state() != StageState::Open || over {
        return Err(decide::decided_already(tx, &request, &stage)?.into());
    }
    if approvers::earlier(tx, &request)?.contains(&me) {
        return Err(Error::refused(
            "You have decided a stage of this request already",
            "Nobody decides two stages of one request, unless its policy says so. Nothing was changed. Ask another \
             administrator.",
        ));
    }
    let reason = tidy(reason);
    if reason.is_empty() {
        let words = "Say why you decide in place of the approvers; they read this";
        return Err(Error::invalid("reason", words));
    }
    if reason.chars().count() > NOTE_MAX {
        let words = format!("Shorten your reason to {NOTE_MAX} characters");
        return Err(Error::invalid("reason", words));
    }
    store::touch_stage(tx, &stage)?;
    // Their vote stands among the others, and keeps them out of later stages (D37).
    let name = tx.actor().name().to_owned();
    let asked = Candidate { id: me, name, via: Via::Administrator, group: None };
    store::add_approvers(tx, request.id, stage.id, stage.opened_at, &[asked])?;
    store::save_vote(tx, stage.id, me, verdict, &reason)?;
    let request = if request.asked_at.is_some() {
        let due_at = Some(stage.due_at);
        let none = Asking { asked_at: None, asked_by: None, due_at, held_at: None };
        store::save_asking(tx, &request, none)?;
        store::one(tx.db(), request.id)?
    } else {
        request
    };
    let (number, stages) = (stage.number, request.stages());
    let approved = verdict == Verdict::Approve;
    let state = if approved { StageState::Approved } else { StageState::Denied };
    store::close_stage(tx, &stage, state, Some(me), Some(&reason))?;
    if !approved {
        end(tx, &request, State::Denied, true)?;
    }
    let fact = Fact::AdministratorDecided { stage: number, stages, approved };
    tx.record(&fact, request.about().note(&reason))?;
    if approved {
        match duties::refused(tx.db(), &request, Beside::NowOrSoon)? {
            Some(rule) => deny_by_rule(tx, &request, &rule)?,
            None => approvers::open_stage(tx, &request, number + 1, true)?,
        }
    }
    store::one(tx.db(), request.id)
}
