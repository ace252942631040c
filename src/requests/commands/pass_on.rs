//! An approver passes a decision on (D44): to somebody of the stage's own pool, an owner of the catalog, or their manager.

use super::{approvers, decide, locked};
use crate::access::{DecideStage, Permit};
use crate::db::{Db, Tx};
use crate::error::{Error, Result};
use crate::kernel::text::{NOTE_MAX, tidy};
use crate::kernel::{Fact, PersonId, RequestId, StageId};
use crate::requests::model::{Approver, Request, Rule, Stage, StageState, Via};
use crate::requests::rules::{self, Candidate, Tally};
use crate::requests::store;

/// To whom somebody can pass a stage on, and why them. Nobody who asked or for whom it is (D2), who has decided a stage of
/// it (D37), or without whom the votes would no longer be enough. `whose` is in whose place `me` passes it on (D34), or the
/// same person: it is the approver's own manager who is asked.
///
/// # Errors
/// When the database does not answer.
pub fn pool(
    db: &mut Db,
    request: &Request,
    stage: &Stage,
    everybody: &[Approver],
    (me, whose): (PersonId, PersonId),
) -> Result<Vec<Candidate>> {
    let Some(terms) = approvers::terms_of(request, stage) else { return Ok(Vec::new()) };
    let found = store::candidates(db, terms, request.target_id, request.catalog_id)?;
    let manager = store::manager_of(db, whose)?.map(|(id, name)| Candidate {
        id,
        name,
        via: Via::Manager,
        group: None,
    });
    let mut out = vec![request.requestor_id, request.target_id, me, whose];
    let voted =
        |a: &&Approver| a.vote.is_some() && (a.stage == stage.id || !request.terms.decides_twice);
    out.extend(
        everybody.iter().filter(voted).flat_map(|a| std::iter::once(a.person).chain(a.voted_by)),
    );
    if !spare(stage, everybody) {
        let there = everybody.iter().filter(|a| a.stage == stage.id && !a.removed);
        out.extend(there.map(|a| a.person));
    }
    let mut all: Vec<Candidate> = Vec::new();
    let sets = [found.primary, found.fallback, found.alternates, found.owners];
    for candidate in sets.into_iter().flatten().chain(manager) {
        if !out.contains(&candidate.id) {
            out.push(candidate.id);
            all.push(candidate);
        }
    }
    Ok(all)
}

/// Could the stage still be decided with one voter less?
fn spare(stage: &Stage, everybody: &[Approver]) -> bool {
    let voters = approvers::voters(everybody, stage.id);
    let waiting = voters.iter().filter(|v| v.waiting()).count();
    match rules::tally(stage.rule(), stage.needed, &voters) {
        Tally::Open { have, needed, .. } => {
            stage.rule() != Rule::Everyone && have + i64::try_from(waiting).unwrap_or(0) > needed
        }
        _ => false,
    }
}

/// Passes the stage on: the actor leaves it, the other one is asked instead.
///
/// # Errors
/// `Refused` (409) when the stage is decided, stopped, or the actor's own decision is not awaited; `Invalid` without a
/// reason or for somebody who is not in the [`pool`].
pub fn pass_on(
    tx: &mut Tx<'_>,
    permit: &Permit<DecideStage>,
    stage: StageId,
    to: Option<PersonId>,
    reason: &str,
) -> Result<Request> {
    let request = locked(tx, RequestId(permit.about()))?;
    let me = tx.actor().id().ok_or(Error::Missing)?;
    let (stages, everybody) = store::course(tx.db(), request.id)?;
    let stage = stages.iter().find(|s| s.id == stage).ok_or(Error::Missing)?;
    let (whose, instead_of) = decide::in_whose_place(tx, &request)?;
    let own = everybody.iter().any(|a| a.stage == stage.id && a.person == whose && a.waiting);
    if stage.state() != StageState::Open || stage.due_at <= tx.now() && !request.paused() || !own {
        return Err(decide::decided_already(tx, &request, stage)?.into());
    }
    if request.held_at.is_some() {
        return Err(decide::held(tx, &request)?.into());
    }
    let reason = tidy(reason);
    let mut errors = Vec::new();
    let choices = pool(tx.db(), &request, stage, &everybody, (me, whose))?;
    let chosen = choices.into_iter().find(|c| Some(c.id) == to);
    if chosen.is_none() {
        errors.push(crate::error::FieldError::new("to", "Choose to whom you pass it on"));
    }
    if reason.is_empty() {
        errors.push(crate::error::FieldError::new("reason", "Say why you pass it on"));
    } else if reason.chars().count() > NOTE_MAX {
        let words = format!("Shorten your reason to {NOTE_MAX} characters");
        errors.push(crate::error::FieldError::new("reason", words));
    }
    let Some(chosen) = chosen.filter(|_| errors.is_empty()) else {
        return Err(Error::Invalid(errors));
    };
    store::touch_stage(tx, stage)?;
    store::remove_approver(tx, stage, whose)?;
    let there = everybody.iter().any(|a| a.stage == stage.id && a.person == chosen.id && a.waiting);
    let (id, name) = (chosen.id, chosen.name.clone());
    approvers::here(tx, std::slice::from_ref(&chosen))?;
    if !there {
        let asked = Candidate { via: Via::PassedOn, group: None, ..chosen };
        store::add_approvers(tx, request.id, stage.id, stage.opened_at, &[asked])?;
    }
    store::save_passed(tx, stage.id, id, me)?;
    let (number, stages) = (stage.number, request.stages());
    let fact = Fact::PassedOn { stage: number, stages, to: name, instead_of };
    tx.record(&fact, request.about().note(reason))?;
    store::one(tx.db(), request.id)
}
