//! From the last approval to access: the assignment is made or extended, started, delivered; and what ends with it.

use super::{deny_by_rule, end, locked};
use crate::access::{ManageAssignment, Permit};
use crate::assignments;
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::kernel::fact::EndReason;
use crate::kernel::text::{NOTE_MAX, tidy};
use crate::kernel::{AssignmentId, Fact, PackageId, PersonId, RequestId, RoleId, Ts};
use crate::packages::incompatible::model::Beside;
use crate::requests::model::{Request, RequestKind, State};
use crate::requests::store::{self, Next};
use crate::requests::{duties, eligibility, rules, stops};

/// The last approval has fallen, or none was needed: make the assignment, start it now or later (D8), or extend the
/// one that there is (D11).
pub(super) fn approved(tx: &mut Tx<'_>, request: &Request, automatic: bool) -> Result<()> {
    let now = tx.now();
    // The target is locked: of two things that are incompatible, the second one sees the first (D7, E9).
    let against = duties::against(tx.db(), request, Beside::NowOrSoon)?;
    if let Some(rule) = duties::rule(&against) {
        return deny_by_rule(tx, request, &rule);
    }
    let undo_until = if automatic { None } else { undo_until(tx)? };
    if request.kind == RequestKind::Extend {
        return extension_approved(tx, request, undo_until);
    }
    let wanted = request.starts_at.unwrap_or(now).max(now);
    // Nothing is delivered as long as the decision can be taken back (D40).
    let start = undo_until.map_or(wanted, |until| until.max(wanted));
    let ends_at = match request.kind {
        // Taken again, it has its original end (D42).
        RequestKind::TakeAgain => request.ends_at,
        _ => rules::end_of_access(&request.terms, request.ends_at, wanted, tx.zone()),
    };
    if ends_at.is_some_and(|end| end <= start) {
        return deny_by_rule(tx, request, "the period that was asked for is over");
    }
    let attributes: Vec<_> =
        request.answers.iter().filter(|a| a.resource.is_some()).cloned().collect();
    let assignment = assignments::commands::create(
        tx,
        &assignments::commands::Approved {
            request: request.id,
            package: request.package_id,
            policy: request.policy_id,
            target: request.target_id,
            starts_at: start,
            ends_at,
            attributes: serde_json::to_string(&attributes)?,
        },
    )?;
    tx.record(&Fact::RequestApproved { automatic }, request.about())?;
    let later = start > now;
    let state = if later { State::Scheduled } else { State::Delivering };
    let next = Next { state, stage: request.stage, due_at: None, decided: true };
    store::save(tx, request, next)?;
    if let Some(until) = undo_until {
        store::save_undo(tx, request.id, until)?;
    }
    if later {
        return match wanted == start {
            true => tx.record(&Fact::RequestScheduled { starts: start }, request.about()),
            // It starts in a moment; nobody needs to be told of that.
            false => Ok(()),
        };
    }
    let open = assignments::commands::start(tx, assignment, ends_at, None)?;
    if open == 0 { delivered(tx, assignment) } else { Ok(()) }
}

/// Until when the decision that falls now can be taken back (D40); none where the organization gives no time for it.
fn undo_until(tx: &mut Tx<'_>) -> Result<Option<Ts>> {
    let seconds = crate::settings::store::organization(tx.db())?.undo_seconds;
    Ok((seconds > 0).then(|| tx.now().plus_seconds(seconds)))
}

/// More time is approved: the end moves when the decision can no longer be taken back (D40), but never so late that the
/// access ends before.
fn extension_approved(tx: &mut Tx<'_>, request: &Request, undo: Option<Ts>) -> Result<()> {
    let ends = match request.assignment_id {
        Some(id) => assignments::store::one(tx.db(), id)?.assignment.ends_at,
        None => None,
    };
    let Some(until) = undo.filter(|until| ends.is_some_and(|ends| *until < ends)) else {
        return extended(tx, request);
    };
    let next =
        Next { state: State::Scheduled, stage: request.stage, due_at: Some(until), decided: true };
    store::save(tx, request, next)?;
    store::save_undo(tx, request.id, until)
}

/// The decision on more time can no longer be taken back: check again (D7), then move the end. False when somebody was
/// faster, or while something is stopped (D47).
///
/// # Errors
/// `Stale` when it changed meanwhile.
pub(super) fn extend_now(tx: &mut Tx<'_>, id: RequestId) -> Result<bool> {
    let request = locked(tx, id)?;
    let due = request.due_at.is_some_and(|due| due <= tx.now());
    if request.state != State::Scheduled || !due || request.held_at.is_some() {
        return Ok(false);
    }
    match duties::refused(tx.db(), &request, Beside::NowOrSoon)? {
        Some(rule) => deny_by_rule(tx, &request, &rule)?,
        None => extended(tx, &request)?,
    }
    Ok(true)
}

/// More time is approved: the end moves, the target systems need not know.
fn extended(tx: &mut Tx<'_>, request: &Request) -> Result<()> {
    let Some(id) = request.assignment_id else { return Err(Error::Missing) };
    let named = assignments::store::one(tx.db(), id)?;
    let Some(current) = named.assignment.ends_at.filter(|_| named.assignment.ended_at.is_none())
    else {
        return deny_by_rule(tx, request, "the access has ended meanwhile");
    };
    if !eligibility::policy_is_on(tx.db(), request.policy_id)? {
        return deny_by_rule(tx, request, "the policy is no longer switched on");
    }
    let (now, zone) = (tx.now(), tx.zone());
    let asked = request.ends_at.filter(|asked| *asked > current);
    let Ok(until) = rules::extended_end(&request.terms, asked, current, now, zone) else {
        return deny_by_rule(tx, request, "the policy does not allow it for longer");
    };
    assignments::commands::extend(tx, &named, until)?;
    let about = request.about().assignment(id);
    tx.record(&Fact::AssignmentExtended { until }, about)?;
    let next = Next { state: State::Delivered, stage: request.stage, due_at: None, decided: true };
    store::save(tx, request, next)
}

/// A scheduled assignment's time has come: check again (D7), then start it. False when somebody was faster.
///
/// # Errors
/// `Stale` when it changed meanwhile.
pub fn start_scheduled(tx: &mut Tx<'_>, id: AssignmentId) -> Result<bool> {
    let named = assignments::store::one(tx.db(), id)?;
    let assignment = &named.assignment;
    if assignment.started_at.is_some()
        || assignment.ended_at.is_some()
        || assignment.starts_at > tx.now()
    {
        return Ok(false);
    }
    let Some(request) = assignment.request_id else { return Err(Error::Missing) };
    let request = locked(tx, request)?;
    // It waits while something is stopped (D47), and starts when that goes on.
    let stop = stops::of(tx.db(), request.catalog_id, request.package_id, Some(request.policy_id))?;
    if stop.is_some() {
        return Ok(false);
    }
    if let Some(rule) = duties::refused(tx.db(), &request, Beside::Now)? {
        assignments::commands::end_all(
            tx,
            std::slice::from_ref(&named),
            EndReason::NotEligible,
            "",
        )?;
        deny_by_rule(tx, &request, &rule)?;
        return Ok(true);
    }
    let next =
        Next { state: State::Delivering, stage: request.stage, due_at: None, decided: false };
    store::save(tx, &request, next)?;
    // The clock of access runs from the start that was asked for, also when the timer came late.
    let open =
        assignments::commands::start(tx, id, assignment.ends_at, Some(assignment.starts_at))?;
    if open == 0 {
        delivered(tx, id)?;
    }
    Ok(true)
}

/// Every right of the assignment is confirmed: its request is delivered.
///
/// # Errors
/// `Stale` when the request changed meanwhile.
pub fn delivered(tx: &mut Tx<'_>, assignment: AssignmentId) -> Result<()> {
    let Some(request) = assignments::store::one(tx.db(), assignment)?.assignment.request_id else {
        return Ok(());
    };
    let request = store::one(tx.db(), request)?;
    if request.state != State::Delivering {
        return Ok(());
    }
    end(tx, &request, State::Delivered, false)?;
    tx.record(&Fact::RequestDelivered, request.about())
}

/// The contents of a package changed: access follows (D21), and a request that waited for nothing but what has gone
/// is delivered.
///
/// # Errors
/// `Stale` when something of it changed meanwhile.
pub fn contents_changed(
    tx: &mut Tx<'_>,
    package: PackageId,
    added: &[RoleId],
    removed: &[RoleId],
) -> Result<()> {
    let risky = store::any_high_risk(tx.db(), added)?;
    if let (true, Some(me)) = (risky, tx.actor().id())
        && assignments::store::active(tx.db(), me, package)?.is_some()
    {
        return Err(Error::refused(
            "Somebody else must add this",
            "You have this access package yourself, and nobody decides on high-risk access for themselves. Nothing \
             was changed. Ask another owner or an administrator, or give the package back first.",
        ));
    }
    assignments::commands::contents_changed(tx, package, added, removed)?;
    if risky {
        ask_anew(tx, package)?;
    }
    if removed.is_empty() {
        return Ok(());
    }
    for id in store::delivering(tx.db(), package)? {
        if assignments::rights::unconfirmed(tx.db(), id)? == 0 {
            delivered(tx, id)?;
        }
    }
    Ok(())
}

/// A package has got a high-risk role: what was asked for before is not what would be given (D43).
fn ask_anew(tx: &mut Tx<'_>, package: PackageId) -> Result<()> {
    for request in store::undecided_of_package(tx.db(), package)? {
        // More time for what is held needs no new request: the holder has the role already.
        if request.kind == RequestKind::Extend {
            continue;
        }
        if let Some(assignment) = assignments::store::of_request(tx.db(), request.id)? {
            let named = assignments::store::one(tx.db(), assignment.id)?;
            let all = std::slice::from_ref(&named);
            assignments::commands::end_all(tx, all, EndReason::NotEligible, "")?;
        }
        deny_by_rule(tx, &request, "a high-risk role was added to the package; request it again")?;
    }
    Ok(())
}

/// An assignment has ended: its own request, if it is not delivered yet, ends with it, and so does a request for more
/// time.
///
/// # Errors
/// `Stale` when one of them changed meanwhile.
pub fn assignment_ended(
    tx: &mut Tx<'_>,
    assignment: &assignments::store::Named,
    why: &str,
) -> Result<()> {
    let (target, package) = (assignment.assignment.target_id, assignment.assignment.package_id);
    undelivered(tx, assignment.assignment.request_id, why)?;
    more_time_is_over(tx, target, package)
}

fn more_time_is_over(tx: &mut Tx<'_>, target: PersonId, package: PackageId) -> Result<()> {
    match store::open_extension(tx.db(), target, package)? {
        Some(request) => deny_by_rule(tx, &request, "the access ended before it was decided"),
        None => Ok(()),
    }
}

fn undelivered(tx: &mut Tx<'_>, request: Option<RequestId>, why: &str) -> Result<()> {
    let Some(id) = request else { return Ok(()) };
    let request = store::one(tx.db(), id)?;
    if request.state.ended() {
        return Ok(());
    }
    end(tx, &request, State::Undelivered, false)?;
    tx.record(&Fact::RequestUndelivered { why: why.to_owned() }, request.about())
}

/// An owner or administrator ends an assignment now; a request that it has not fulfilled ends with it.
///
/// # Errors
/// `Refused` when it has ended already.
pub fn end_assignment(
    tx: &mut Tx<'_>,
    permit: &Permit<ManageAssignment>,
    id: AssignmentId,
    reason: &str,
) -> Result<assignments::store::Named> {
    let reason = &*tidy(reason);
    if reason.is_empty() {
        return Err(Error::invalid("reason", "Say why you end it; the person reads this"));
    }
    if reason.chars().count() > NOTE_MAX {
        return Err(Error::invalid(
            "reason",
            format!("Shorten your reason to {NOTE_MAX} characters"),
        ));
    }
    let named = assignments::commands::end_now(tx, permit, id, reason)?;
    assignment_ended(tx, &named, "it was ended")?;
    Ok(named)
}
