//! Use cases of requests. Each is one transaction: permit, pure rule, guarded writes, facts.
//!
//! "A request is approved": `decide` -> `rules::decide` -> the stage is closed under guard -> the next stage
//! opens, or `approved` makes the assignment and starts it; `provisioning` sees wanted rights and delivers them.

use super::eligibility::{self, No};
use super::model::{Request, Stage, StageState, State, Verdict};
use super::rules::{self, Deciders, Period, Refused};
use super::store::{self, NewRequest, Next};
use crate::access::{CancelRequest, DecideStage, ManageAssignment, Permit, RequestAccess, policy};
use crate::assignments;
use crate::db::{Tx, hold_people, lock_people};
use crate::error::{Error, FieldError, Refusal, Result};
use crate::kernel::fact::EndReason;
use crate::kernel::text::{NOTE_MAX, tidy};
use crate::kernel::{
    AssignmentId, Fact, PackageId, PersonId, PolicyId, RequestId, Risk, RoleId, StageId, Ts,
};

/// What somebody asks for.
#[derive(Clone, Debug)]
pub struct Submit {
    /// Drawn with the form: a double submit makes one request.
    pub id: RequestId,
    /// What.
    pub package: PackageId,
    /// Under which of the policies that apply; the first when there is only one.
    pub policy: Option<PolicyId>,
    /// The version that the form showed: another one is shown again before anything is sent.
    pub version: Option<i64>,
    /// Why, in their own words.
    pub reason: String,
    /// From when until when.
    pub period: Period,
    /// The request that this one repeats.
    pub previous: Option<RequestId>,
}

/// Submits a request. Sent twice, it makes one request.
///
/// # Errors
/// `Refused` with the rule (D6, D7, D38), `Invalid` for the form, `Missing` for a package out of sight.
pub fn submit(
    tx: &mut Tx<'_>,
    permit: &Permit<RequestAccess>,
    submit: &Submit,
) -> Result<RequestId> {
    let target = PersonId(permit.about());
    let requestor = tx.actor().id().ok_or(Error::Missing)?;
    match store::one(tx.db(), submit.id) {
        Ok(there) if there.requestor_id == requestor && there.package_id == submit.package => {
            return Ok(there.id);
        }
        Ok(_) => return Err(Error::Missing),
        Err(Error::Missing) => {}
        Err(other) => return Err(other),
    }
    // Neither of them leaves, nor gets this access in another way, while this runs (D26, E9).
    lock_people(tx, &[target])?;
    if !hold_people(tx, &[requestor])? {
        return Err(Error::Stale);
    }
    let position = eligibility::position(tx.db(), target, submit.package)?;
    if !position.visible() {
        return Err(Error::Missing);
    }
    if let Some(no) = &position.no {
        return Err(refusal(no, &position.package_name).into());
    }
    let policy = match submit.policy {
        Some(id) => position.applicable.iter().find(|p| p.id == id),
        None => position.applicable.first(),
    };
    let Some(policy) = policy else {
        return Err(Error::refused(
            "This policy does not apply to you",
            "Choose another one on the package's page.",
        ));
    };
    if submit.version.is_some_and(|seen| seen != policy.version) {
        return Err(Refusal::new(
            "The policy has just changed",
            "Somebody changed the policy while you filled in the form. Read it again, then send your request.",
        )
        .way("Open the form again", format!("/packages/{}/request", submit.package))
        .into());
    }
    let mut errors = Vec::new();
    let reason = tidy(&submit.reason);
    if policy.terms.reason_required && reason.is_empty() {
        errors.push(FieldError::new("reason", "Say what you will use it for"));
    }
    if reason.chars().count() > NOTE_MAX {
        errors.push(FieldError::new(
            "reason",
            format!("Shorten your reason to {NOTE_MAX} characters"),
        ));
    }
    let period = rules::asked_period(&policy.terms, submit.period, tx.now(), tx.zone());
    if let Err(more) = &period {
        errors.extend(more.iter().cloned());
    }
    let (true, Ok(period)) = (errors.is_empty(), period) else {
        return Err(Error::Invalid(errors));
    };
    // D12: only what the requestor asked for before, and what has ended, is asked for again.
    if let Some(previous) = submit.previous {
        let previous = store::one(tx.db(), previous)?;
        let own = previous.requestor_id == requestor && previous.target_id == target;
        if !(own && previous.package_id == submit.package && previous.state.ended()) {
            return Err(Error::Missing);
        }
    }
    let new = NewRequest {
        id: submit.id,
        reference: reference(submit.id),
        kind: "add",
        package_id: submit.package,
        policy_id: policy.id,
        policy_version: policy.version,
        terms: serde_json::to_string(&policy.terms)?,
        contents_version: position.contents_version,
        requestor_id: requestor,
        target_id: target,
        reason: reason.clone(),
        starts_at: period.starts,
        ends_at: period.ends,
        state: State::PendingApproval.as_str(),
        stage: 0,
        previous_id: submit.previous,
        created_at: tx.now(),
        rev: 1,
    };
    store::insert(tx, &new)?;
    let request = store::one(tx.db(), submit.id)?;
    let fact =
        Fact::RequestSubmitted { package_policy: policy.name.clone(), version: policy.version };
    tx.record(&fact, request.about().note(reason))?;
    // D39: high risk is decided by somebody else; an owner's own policy without approval does not replace them.
    if request.terms.stages.is_empty()
        && store::risk(tx.db(), request.package_id)? == Risk::High
        && policy::manage_catalog(tx.actor(), request.catalog_id).is_ok()
    {
        return Err(Error::refused(
            "Somebody else must decide on this",
            "This access package is high risk, its policy asks nobody, and you look after its catalog. Nothing was \
             sent. Give the policy an approval stage first.",
        ));
    }
    // D38: a request that nobody could decide is refused now, not when its stage opens.
    for stage in &request.terms.stages {
        if deciders_for(tx, &request, stage)?.is_none() {
            return Err(Error::refused(
                "Nobody could decide on this request",
                "Everybody who may decide is either you or no longer here: the approvers, the fallback approvers, \
                 the catalog owners and the administrators. Nothing was sent. Ask an administrator to name somebody.",
            ));
        }
    }
    if request.terms.stages.is_empty() {
        approved(tx, &request, true)?;
    } else {
        open_stage(tx, &request, 1, false)?;
    }
    Ok(submit.id)
}

/// What people quote: eight letters and digits out of the id's random part, without those that look alike.
#[must_use]
pub fn reference(id: RequestId) -> String {
    const ALPHABET: &[u8; 32] = b"23456789ABCDEFGHJKLMNPQRSTUVWXYZ";
    let bits = u64::from_be_bytes(id.0.as_bytes()[8..].try_into().unwrap_or_default());
    let letters: String = (0..8)
        .map(|at| char::from(ALPHABET[usize::try_from((bits >> (5 * at)) & 31).unwrap_or(0)]))
        .collect();
    format!("KH-{}-{}", &letters[..4], &letters[4..])
}

/// The page that says why a request cannot be made, with ways on (B8).
#[must_use]
pub fn refusal(no: &No, package: &str) -> Refusal {
    match no {
        No::Open { request, reference } => Refusal::new(
            format!("A request for {package} is open already"),
            format!("It is {reference}. One request for an access package can be open at a time."),
        )
        .way(format!("Open {reference}"), format!("/requests/{request}")),
        No::Holds { .. } => Refusal::new(
            format!("You already have {package}"),
            "One assignment of an access package can be active at a time. You can request it again when it has ended.",
        )
        .way("See it in your access", "/access"),
        No::OutOfScope => Refusal::new(
            format!("You cannot request {package}"),
            "Its policies do not let you request it: you are not among the people and groups that they name. \
             The owners of its catalog can change that.",
        )
        .way("Find other access", "/packages"),
        No::NoPolicy | No::CatalogOff => Refusal::new(
            format!("{package} cannot be requested at the moment"),
            format!("The reason: {}. The owners of its catalog can change that.", no.words()),
        )
        .way("Find other access", "/packages"),
        No::Left => Refusal::new(format!("{package} cannot be requested"), "You are no longer enabled here."),
    }
}

fn deciders_for(
    tx: &mut Tx<'_>,
    request: &Request,
    stage: &crate::policies::model::StageTerms,
) -> Result<Option<Deciders>> {
    let candidates = store::candidates(tx.db(), stage, request.target_id, request.catalog_id)?;
    Ok(rules::deciders(&candidates, &[request.requestor_id, request.target_id]))
}

/// The same, to be asked now: who is leaving at this moment is not among them (D3).
fn deciders_to_ask(
    tx: &mut Tx<'_>,
    request: &Request,
    stage: &crate::policies::model::StageTerms,
) -> Result<Option<Deciders>> {
    let Some(deciders) = deciders_for(tx, request, stage)? else { return Ok(None) };
    let ids: Vec<PersonId> = deciders.people.iter().map(|(id, _)| *id).collect();
    if hold_people(tx, &ids)? { Ok(Some(deciders)) } else { Err(Error::Stale) }
}

/// Opens stage `number`: its clock starts now (D5), its approvers are resolved now (D3).
fn open_stage(tx: &mut Tx<'_>, request: &Request, number: i64, decided: bool) -> Result<()> {
    let at = usize::try_from(number - 1).unwrap_or_default();
    let Some(stage) = request.terms.stages.get(at).cloned() else {
        return approved(tx, request, false);
    };
    let Some(deciders) = deciders_to_ask(tx, request, &stage)? else {
        return deny_by_rule(tx, request, "nobody who may decide this stage is left");
    };
    let due = tx.zone().plus_days(tx.now(), stage.days);
    store::insert_stage(tx, request.id, number, due, &deciders)?;
    let next = Next { state: State::PendingApproval, stage: number, due_at: Some(due), decided };
    store::save(tx, request, next)?;
    if let Some((why, to)) = deciders.fell_back {
        tx.record(&Fact::ApproversFellBack { stage: number, why, to }, request.about())?;
    }
    let approvers = deciders.people.into_iter().map(|(_, name)| name).collect();
    let fact = Fact::StageOpened { stage: number, stages: request.stages(), approvers, due };
    tx.record(&fact, request.about())
}

/// May the actor decide this stage now? Whoever was among its approvers when it was decided, closed or ran out gets
/// the page that says who, when and what (D4), and not a plain no.
///
/// # Errors
/// `Refused` (409) as said, `Denied` and `Missing` as the policy says.
pub fn may_decide(
    tx: &mut Tx<'_>,
    request: RequestId,
    stage: StageId,
) -> Result<Permit<DecideStage>> {
    let request = store::one(tx.db(), request)?;
    let standing = store::standing(tx.db(), &request)?;
    let permit = policy::decide_stage(tx.actor(), &standing);
    if permit.is_err()
        && let Some(person) = tx.actor().enabled_person().map(|p| p.id)
        && store::was_approver(tx.db(), stage, person)?
    {
        let stages = store::stages(tx.db(), &[request.id])?;
        if let Some(stage) = stages.iter().find(|s| s.id == stage && s.state() != StageState::Open)
        {
            return Err(decided_already(tx, &request, stage)?.into());
        }
    }
    Ok(permit?)
}

/// Records a decision on the open stage.
///
/// # Errors
/// `Refused` (409) when the stage is decided, closed or ran out: the page says who, when and what (D4).
/// `Invalid` when a reason is missing (D39).
pub fn decide(
    tx: &mut Tx<'_>,
    permit: &Permit<DecideStage>,
    stage: StageId,
    verdict: Verdict,
    note: &str,
) -> Result<Request> {
    let request = locked(tx, RequestId(permit.about()))?;
    let stages = store::stages(tx.db(), &[request.id])?;
    let Some(stage) = stages.into_iter().find(|s| s.id == stage) else {
        return Err(Error::Missing);
    };
    let risk = store::risk(tx.db(), request.package_id)?;
    let note = &*tidy(note);
    match rules::decide(stage.state(), stage.due_at, tx.now(), verdict, note, risk) {
        Ok(()) => {}
        Err(Refused::Field(error)) => return Err(Error::Invalid(vec![error])),
        Err(Refused::Decided) => return Err(decided_already(tx, &request, &stage)?.into()),
    }
    let (number, stages) = (stage.number, request.stages());
    let note = Some(note).filter(|note| !note.is_empty());
    let about = request.about().note(note.unwrap_or_default());
    if verdict == Verdict::Deny {
        store::close_stage(tx, &stage, StageState::Denied, note)?;
        end(tx, &request, State::Denied, true)?;
        tx.record(&Fact::StageDenied { stage: number, stages }, about)?;
        return store::one(tx.db(), request.id);
    }
    store::close_stage(tx, &stage, StageState::Approved, note)?;
    tx.record(&Fact::StageApproved { stage: number, stages }, about)?;
    if let Some(no) = eligibility::still(tx.db(), request.target_id, &request.terms)? {
        deny_by_rule(tx, &request, no.words())?;
    } else if number < stages {
        open_stage(tx, &request, number + 1, true)?;
    } else {
        approved(tx, &request, false)?;
    }
    store::one(tx.db(), request.id)
}

/// A request whose target neither leaves nor gets other access while this transaction runs.
fn locked(tx: &mut Tx<'_>, id: RequestId) -> Result<Request> {
    let target = store::one(tx.db(), id)?.target_id;
    lock_people(tx, &[target])?;
    store::one(tx.db(), id)
}

/// The 409 of a decided stage: who, when and what (D4).
///
/// # Errors
/// When the database does not answer.
pub fn decided_already(tx: &mut Tx<'_>, request: &Request, stage: &Stage) -> Result<Refusal> {
    let when = |at: Option<Ts>| at.map(|at| tx_words(at, tx.zone())).unwrap_or_default();
    let why = match stage.state() {
        StageState::Approved | StageState::Denied => {
            let verb = if stage.state() == StageState::Approved { "approved" } else { "denied" };
            let at = when(stage.decided_at);
            let by = match stage.decided_by {
                Some(person) => {
                    crate::db::load_actor(tx.db(), person)?.map_or_else(String::new, |p| p.name)
                }
                None => "Somebody".to_owned(),
            };
            let note = stage
                .note
                .as_ref()
                .map(|note| format!(" Their reason: “{note}”"))
                .unwrap_or_default();
            format!("{by} {verb} it on {at}.{note}")
        }
        StageState::Closed => {
            format!("The request ended: {}.", request.state.label().to_lowercase())
        }
        StageState::Open | StageState::Expired => {
            format!("Its time ran out on {}, and the request expired.", when(Some(stage.due_at)))
        }
    };
    Ok(Refusal::new(
        "This stage is already decided",
        format!("{why} Your decision was not recorded."),
    )
    .way("See the request", format!("/requests/{}", request.id))
    .way("Back to your approvals", "/approvals"))
}

fn tx_words(at: Ts, zone: crate::kernel::Zone) -> String {
    zone.local(at).format("%-d %b %Y, %H:%M").to_string()
}

/// The last approval has fallen, or none was needed: make the assignment, start it now or later (D8).
fn approved(tx: &mut Tx<'_>, request: &Request, automatic: bool) -> Result<()> {
    let now = tx.now();
    let start = request.starts_at.unwrap_or(now).max(now);
    let ends_at = rules::end_of_access(&request.terms, request.ends_at, start, tx.zone());
    if ends_at.is_some_and(|end| end <= start) {
        return deny_by_rule(tx, request, "the period that was asked for is over");
    }
    let assignment = assignments::commands::create(
        tx,
        &assignments::commands::Approved {
            request: request.id,
            package: request.package_id,
            policy: request.policy_id,
            target: request.target_id,
            starts_at: start,
            ends_at,
        },
    )?;
    tx.record(&Fact::RequestApproved { automatic }, request.about())?;
    let later = start > now;
    let state = if later { State::Scheduled } else { State::Delivering };
    let next = Next { state, stage: request.stage, due_at: None, decided: true };
    store::save(tx, request, next)?;
    if later {
        return tx.record(&Fact::RequestScheduled { starts: start }, request.about());
    }
    let open = assignments::commands::start(tx, assignment, ends_at, None)?;
    if open == 0 { delivered(tx, assignment) } else { Ok(()) }
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
    if let Some(no) = eligibility::still(tx.db(), request.target_id, &request.terms)? {
        assignments::commands::end_all(
            tx,
            std::slice::from_ref(&named),
            EndReason::NotEligible,
            "",
        )?;
        deny_by_rule(tx, &request, no.words())?;
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
    assignments::commands::contents_changed(tx, package, added, removed)?;
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

/// The assignment of a request that is not delivered yet has ended: so has the request.
///
/// # Errors
/// `Stale` when the request changed meanwhile.
pub fn assignment_ended(tx: &mut Tx<'_>, request: Option<RequestId>, why: &str) -> Result<()> {
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
    assignment_ended(tx, named.assignment.request_id, "it was ended")?;
    Ok(named)
}

fn end(tx: &mut Tx<'_>, request: &Request, state: State, decided: bool) -> Result<()> {
    store::save(tx, request, Next { state, stage: request.stage, due_at: None, decided })
}

fn deny_by_rule(tx: &mut Tx<'_>, request: &Request, rule: &str) -> Result<()> {
    close_open_stage(tx, request, StageState::Closed)?;
    end(tx, request, State::Denied, true)?;
    tx.record(&Fact::RequestDenied { rule: rule.to_owned() }, request.about())
}

fn close_open_stage(
    tx: &mut Tx<'_>,
    request: &Request,
    state: StageState,
) -> Result<Option<Stage>> {
    let open =
        store::stages(tx.db(), &[request.id])?.into_iter().find(|s| s.state() == StageState::Open);
    if let Some(stage) = &open {
        store::close_stage(tx, stage, state, None)?;
    }
    Ok(open)
}

/// Cancels a request before delivery has started (D12).
///
/// # Errors
/// `Refused` when it is being delivered or has ended.
pub fn cancel(tx: &mut Tx<'_>, permit: &Permit<CancelRequest>) -> Result<Request> {
    // The person first, as everywhere: two who lock in another order wait for each other.
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
    cancel_now(tx, &request, false)?;
    store::one(tx.db(), request.id)
}

fn cancel_now(tx: &mut Tx<'_>, request: &Request, leaver: bool) -> Result<()> {
    close_open_stage(tx, request, StageState::Closed)?;
    end(tx, request, State::Canceled, false)?;
    tx.record(&Fact::RequestCanceled { leaver }, request.about())?;
    // A scheduled request has an assignment that never started.
    let all: Vec<_> = match assignments::store::of_request(tx.db(), request.id)? {
        Some(assignment) if assignment.ended_at.is_none() => {
            vec![assignments::store::one(tx.db(), assignment.id)?]
        }
        _ => Vec::new(),
    };
    let why = if leaver { EndReason::Leaver } else { EndReason::EndedNow };
    assignments::commands::end_all(tx, &all, why, "")?;
    Ok(())
}

/// The open stage has run out: the request expires, a state of its own (D5). False when somebody was faster.
///
/// # Errors
/// `Stale` when somebody decided meanwhile.
pub fn expire(tx: &mut Tx<'_>, id: RequestId) -> Result<bool> {
    let request = store::one(tx.db(), id)?;
    let Some(due) = request.due_at.filter(|due| *due <= tx.now()) else { return Ok(false) };
    close_open_stage(tx, &request, StageState::Expired)?;
    end(tx, &request, State::Expired, false)?;
    tx.record(&Fact::RequestExpired { stage: request.stage }, request.about().due(due))?;
    Ok(true)
}

/// A person has left (D26): their open requests are canceled, their access ends at once, and what waited for
/// their decision is resolved again (D3).
///
/// # Errors
/// `Stale` when something of it changed meanwhile.
pub fn leaver(tx: &mut Tx<'_>, person: PersonId, name: &str) -> Result<()> {
    lock_people(tx, &[person])?;
    for request in store::open_of(tx.db(), person)? {
        if request.state == State::Delivering {
            continue; // ends with its assignment, below
        }
        cancel_now(tx, &request, true)?;
    }
    let held = assignments::store::active_of(tx.db(), person)?;
    for named in assignments::commands::end_all(tx, &held, EndReason::Leaver, "")? {
        assignment_ended(tx, named.assignment.request_id, "the person left")?;
    }
    for id in store::waiting_for(tx.db(), person)? {
        approver_gone(tx, id, person, name)?;
    }
    Ok(())
}

/// Somebody of an open stage's approvers can no longer decide: the others remain, or the fallbacks step in (D3).
fn approver_gone(tx: &mut Tx<'_>, id: RequestId, person: PersonId, name: &str) -> Result<()> {
    let request = store::one(tx.db(), id)?;
    let stages = store::stages(tx.db(), &[id])?;
    let Some(stage) = stages.into_iter().find(|s| s.state() == StageState::Open) else {
        return Ok(());
    };
    // First the stage: a decision that read it before misses, and runs again with the new approvers.
    store::touch_stage(tx, &stage)?;
    store::remove_approver(tx, &stage, person)?;
    let left: Vec<String> =
        store::holders(tx.db(), &[id])?.into_iter().map(|(_, a)| a.name).collect();
    let gone = vec![name.to_owned()];
    if !left.is_empty() {
        let fact = Fact::ApproversChanged { stage: stage.number, gone, now: left };
        return tx.record(&fact, request.about());
    }
    let at = usize::try_from(stage.number - 1).unwrap_or_default();
    let terms = request.terms.stages.get(at).cloned();
    let deciders = match terms {
        Some(terms) => deciders_to_ask(tx, &request, &terms)?,
        None => None,
    };
    let Some(deciders) = deciders else {
        return deny_by_rule(tx, &request, "nobody who may decide this stage is left");
    };
    store::add_approvers(tx, request.id, stage.id, stage.opened_at, &deciders)?;
    if let Some((why, to)) = deciders.fell_back {
        tx.record(&Fact::ApproversFellBack { stage: stage.number, why, to }, request.about())?;
    }
    let now = deciders.people.into_iter().map(|(_, name)| name).collect();
    tx.record(&Fact::ApproversChanged { stage: stage.number, gone, now }, request.about())
}
