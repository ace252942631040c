//! Requests that end without a decision: canceled, refused by the one they are for, run out, or their people left.

use super::{approvers, close_open_stage, deliver, end, locked};
use crate::access::{CancelRequest, ManageCatalog, Permit};
use crate::assignments;
use crate::db::{Tx, lock_package, lock_people};
use crate::error::{Error, Refusal, Result};
use crate::kernel::fact::EndReason;
use crate::kernel::text::{NOTE_MAX, tidy};
use crate::kernel::{Fact, PersonId, PolicyId, RequestId};
use crate::packages::store::head;
use crate::policies;
use crate::requests::model::{Request, StageState, State};
use crate::requests::stops::Thing;
use crate::requests::store;
use crate::standing_in;

/// Cancels a request before delivery has started (D12).
///
/// # Errors
/// `Refused` when it is being delivered or has ended.
pub fn cancel(tx: &mut Tx<'_>, permit: &Permit<CancelRequest>) -> Result<Request> {
    let request = locked(tx, RequestId(permit.about()))?;
    match request.state {
        State::PendingApproval | State::Scheduled => {}
        // Sent twice, it is canceled once.
        State::Canceled => return Ok(request),
        state => {
            return Err(Refusal::new(
                "This request can no longer be canceled",
                format!(
                    "It is: {}. A request can be canceled until its delivery starts.",
                    state.label().to_lowercase()
                ),
            )
            .way("See the request", format!("/requests/{}", request.id))
            .into());
        }
    }
    // The one for whom somebody asked says no (D46).
    let refused =
        request.requestor_id != request.target_id && tx.actor().id() == Some(request.target_id);
    let fact = if refused { Fact::RequestRefused } else { Fact::RequestCanceled { leaver: false } };
    cancel_now(tx, &request, &fact, "")?;
    store::one(tx.db(), request.id)
}

/// Cancels every open request under a policy that is to be deleted (D15), with the owner's reason. What is being
/// delivered already is left alone. Returns how many.
///
/// # Errors
/// `Invalid` without a reason; `Missing` if the permit is for another catalog.
pub fn cancel_under_policy(
    tx: &mut Tx<'_>,
    permit: &Permit<ManageCatalog>,
    policy: PolicyId,
    note: &str,
) -> Result<usize> {
    let package = policies::store::policy(tx.db(), policy)?.package;
    if permit.about() != head(tx.db(), package)?.catalog.0 {
        return Err(Error::Missing);
    }
    let note = tidy(note);
    if note.is_empty() {
        return Err(Error::invalid("reason", "Say why; everybody whose request ends reads it"));
    }
    if note.chars().count() > NOTE_MAX {
        let words = format!("Shorten your reason to {NOTE_MAX} characters");
        return Err(Error::invalid("reason", words));
    }
    lock_package(tx, package)?;
    let open = store::open_under(tx.db(), &[package], Thing::Policy(policy))?;
    let people: Vec<PersonId> = open.iter().map(|request| request.target_id).collect();
    lock_people(tx, &people)?;
    let open = store::open_under(tx.db(), &[package], Thing::Policy(policy))?;
    for request in &open {
        cancel_now(tx, request, &Fact::RequestCanceled { leaver: false }, &note)?;
    }
    Ok(open.len())
}

fn cancel_now(tx: &mut Tx<'_>, request: &Request, fact: &Fact, note: &str) -> Result<()> {
    close_open_stage(tx, request, StageState::Closed)?;
    end(tx, request, State::Canceled, false)?;
    tx.record(fact, request.about().note(note))?;
    // A scheduled request has an assignment that never started.
    let all: Vec<_> = match assignments::store::of_request(tx.db(), request.id)? {
        Some(assignment) if assignment.ended_at.is_none() => {
            vec![assignments::store::one(tx.db(), assignment.id)?]
        }
        _ => Vec::new(),
    };
    let leaver = matches!(fact, Fact::RequestCanceled { leaver: true });
    let why = if leaver { EndReason::Leaver } else { EndReason::EndedNow };
    assignments::commands::end_all(tx, &all, why, "")?;
    Ok(())
}

/// The open stage has run out, or the time to give information has (D41): the request expires, a state of its own (D5).
/// An extension whose decision can no longer be taken back moves the end (D40). False when somebody was faster.
///
/// # Errors
/// `Stale` when somebody decided meanwhile.
pub fn expire(tx: &mut Tx<'_>, id: RequestId) -> Result<bool> {
    let request = store::one(tx.db(), id)?;
    let (now, held) = (tx.now(), request.held_at.is_some());
    let Some(due) = request.due_at.filter(|due| *due <= now && !held) else { return Ok(false) };
    if request.state == State::Scheduled {
        return deliver::extend_now(tx, id);
    }
    close_open_stage(tx, &request, StageState::Expired)?;
    end(tx, &request, State::Expired, false)?;
    let fact =
        Fact::RequestExpired { stage: request.stage, unanswered: request.asked_at.is_some() };
    tx.record(&fact, request.about().due(due))?;
    Ok(true)
}

/// A person has left (D26): their open requests are canceled, their access ends at once, and what waited for
/// their decision is resolved again (D3); nobody stands in for them any more, nor they for anybody.
///
/// # Errors
/// `Stale` when something of it changed meanwhile.
pub fn leaver(tx: &mut Tx<'_>, person: PersonId, name: &str) -> Result<()> {
    lock_people(tx, &[person])?;
    standing_in::commands::leaver(tx, person)?;
    for request in store::open_of(tx.db(), person)? {
        if request.state == State::Delivering {
            continue; // ends with its assignment, below
        }
        cancel_now(tx, &request, &Fact::RequestCanceled { leaver: true }, "")?;
    }
    let held = assignments::store::active_of(tx.db(), person)?;
    for named in assignments::commands::end_all(tx, &held, EndReason::Leaver, "")? {
        deliver::assignment_ended(tx, named, "the person left")?;
    }
    for id in store::waiting_for(tx.db(), person)? {
        approvers::approver_gone(tx, id, person, name)?;
    }
    Ok(())
}
