//! Stages open, change hands, are joined by alternates, and their people are reminded.

use super::{deliver, deny_by_rule, locked, open_stage_of};
use crate::access::{Permit, RemindApprovers};
use crate::db::{Tx, hold_people};
use crate::error::{Error, Refusal, Result};
use crate::kernel::{Fact, GroupId, Kind, PersonId, RequestId, StageId, Ts};
use crate::packages::incompatible::model::Beside;
use crate::policies::model::Named;
use crate::policies::stages::{Approvers, Circumstances, StageTerms};
use crate::policies::store::who;
use crate::requests::duties;
use crate::requests::model::{Approver, Request, RequestKind, Stage, StageState, State, Via};
use crate::requests::rules::{self, Candidate, Deciders, Tally, Voter};
use crate::requests::store::{self, Clocks, Next};

/// Seconds between two reminders that are asked for.
pub const REMIND_AGAIN: i64 = 86_400;

/// Those who decide a stage now, with requestor and target left out, and whoever has approved an earlier stage (D2, D37).
pub(super) fn deciders_for(
    tx: &mut Tx<'_>,
    request: &Request,
    stage: &StageTerms,
    earlier: &[PersonId],
) -> Result<Option<Deciders>> {
    let candidates = store::candidates(tx.db(), stage, request.target_id, request.catalog_id)?;
    let mut excluded = vec![request.requestor_id, request.target_id];
    excluded.extend(earlier);
    Ok(rules::deciders(&candidates, &excluded, stage.votes))
}

/// Who is leaving at this moment is not asked (D3).
pub(super) fn here(tx: &mut Tx<'_>, people: &[Candidate]) -> Result<()> {
    let ids: Vec<PersonId> = people.iter().map(|p| p.id).collect();
    if hold_people(tx, &ids)? { Ok(()) } else { Err(Error::Stale) }
}

/// What the conditions of a request's stages look at.
pub(super) fn circumstances<'a>(
    tx: &mut Tx<'_>,
    request: &'a Request,
) -> Result<Circumstances<'a>> {
    let guest = who(tx.db(), request.target_id)?.kind == Kind::Guest;
    let since = match request.assignment_id {
        Some(id) if request.kind == RequestKind::Extend => {
            let assignment = crate::assignments::store::one(tx.db(), id)?.assignment;
            Some(assignment.started_at.unwrap_or(assignment.starts_at))
        }
        _ => None,
    };
    Ok(rules::circumstances(request, guest, since, tx.zone()))
}

/// Opens the first stage from `number` on that applies: its clock starts now (D5), its approvers are resolved now
/// (D3). Without one the request is approved.
pub(super) fn open_stage(
    tx: &mut Tx<'_>,
    request: &Request,
    number: i64,
    decided: bool,
) -> Result<()> {
    let circumstances = circumstances(tx, request)?;
    let stages = request.stages();
    for number in number..=stages {
        let at = usize::try_from(number - 1).unwrap_or_default();
        let Some(stage) = request.terms.stages.get(at) else { break };
        if stage.applies(circumstances) {
            return open(tx, request, stage, number, decided);
        }
        tx.record(&Fact::StageSkipped { stage: number, stages }, request.about())?;
    }
    deliver::approved(tx, request, !decided)
}

fn open(
    tx: &mut Tx<'_>,
    request: &Request,
    stage: &StageTerms,
    number: i64,
    decided: bool,
) -> Result<()> {
    let earlier = earlier(tx, request)?;
    let Some(deciders) = deciders_for(tx, request, stage, &earlier)? else {
        return deny_by_rule(tx, request, "nobody who may decide this stage is left");
    };
    here(tx, &deciders.people)?;
    let (now, zone) = (tx.now(), tx.zone());
    let due = stage.due(now, zone);
    let clocks = Clocks {
        due_at: due,
        alternates_at: stage.alternates_at(now, zone),
        remind_at: rules::next_reminder(now, due, now),
    };
    store::insert_stage(tx, request.id, number, clocks, &deciders)?;
    let next = Next { state: State::PendingApproval, stage: number, due_at: Some(due), decided };
    store::save(tx, request, next)?;
    let approvers = deciders.names();
    if let Some((why, to)) = deciders.fell_back {
        tx.record(&Fact::ApproversFellBack { stage: number, why, to }, request.about())?;
    }
    let fact = Fact::StageOpened { stage: number, stages: request.stages(), approvers, due };
    tx.record(&fact, request.about())
}

/// Whoever has approved a stage before does not decide another one, unless the policy says so (D37).
pub(super) fn earlier(tx: &mut Tx<'_>, request: &Request) -> Result<Vec<PersonId>> {
    if request.terms.decides_twice {
        return Ok(Vec::new());
    }
    let approvers = store::approvers(tx.db(), request.id)?;
    Ok(approvers
        .into_iter()
        .filter(|a| a.vote.is_some())
        // Who spoke in somebody's place has decided, too.
        .flat_map(|a| std::iter::once(a.person).chain(a.voted_by))
        .collect())
}

/// The stage's people as counting looks at them.
pub(in crate::requests) fn voters(approvers: &[Approver], stage: StageId) -> Vec<Voter> {
    let of = approvers.iter().filter(|a| a.stage == stage);
    of.map(|a| Voter {
        person: a.person,
        primary: a.via != Via::Alternate,
        vote: a.vote,
        removed: a.removed,
    })
    .collect()
}

/// A person can no longer decide this open stage: the others remain, or others join (D3, D37). It may be that those
/// who are left have all approved already.
pub(super) fn approver_gone(
    tx: &mut Tx<'_>,
    id: RequestId,
    person: PersonId,
    name: &str,
) -> Result<()> {
    let request = store::one(tx.db(), id)?;
    let Some(stage) = open_stage_of(tx, id)? else { return Ok(()) };
    // First the stage: a vote that read it before misses, and runs again with the new approvers.
    store::touch_stage(tx, &stage)?;
    store::remove_approver(tx, &stage, person)?;
    let approvers = store::approvers(tx.db(), id)?;
    match rules::tally(stage.rule(), stage.needed, &voters(&approvers, stage.id)) {
        // What waits goes on from here when it is let on (D47).
        Tally::Approved if !request.paused() => return complete(tx, &request, &stage),
        Tally::Denied => return Ok(()),
        Tally::Open { possible: false, have, needed } => {
            let waiting = voters(&approvers, stage.id).iter().filter(|v| v.waiting()).count();
            let missing = needed - have - i64::try_from(waiting).unwrap_or(0);
            // What waits is looked at again when it goes on (D47).
            if !reinforce(tx, &request, &stage, &approvers, missing)? && !request.paused() {
                return deny_by_rule(tx, &request, "nobody who may decide this stage is left");
            }
        }
        Tally::Open { .. } | Tally::Approved => {}
    }
    let now: Vec<String> =
        store::holders(tx.db(), &[id])?.into_iter().map(|(_, a)| a.name).collect();
    let fact = Fact::ApproversChanged { stage: stage.number, gone: vec![name.to_owned()], now };
    tx.record(&fact, request.about())
}

/// Those who are left have all approved already: the stage is closed, and the request goes on. The stage is ours.
fn complete(tx: &mut Tx<'_>, request: &Request, stage: &Stage) -> Result<()> {
    store::close_stage(tx, stage, StageState::Approved, None, None)?;
    let fact = Fact::StageComplete { stage: stage.number, stages: request.stages() };
    tx.record(&fact, request.about())?;
    // As after every approval (D7).
    match duties::refused(tx.db(), request, Beside::NowOrSoon)? {
        Some(rule) => deny_by_rule(tx, request, &rule),
        None => open_stage(tx, request, stage.number + 1, true),
    }
}

/// As [`complete`], if somebody's leaving has decided the stage while the request waited (D47). The stage is ours.
pub(super) fn complete_if_decided(tx: &mut Tx<'_>, id: RequestId, stage: &Stage) -> Result<()> {
    let request = store::one(tx.db(), id)?;
    let approvers = store::approvers(tx.db(), id)?;
    match rules::tally(stage.rule(), stage.needed, &voters(&approvers, stage.id)) {
        Tally::Approved => complete(tx, &request, stage),
        Tally::Open { possible: false, .. } => {
            if reinforce(tx, &request, stage, &approvers, 1)? {
                return Ok(());
            }
            store::close_stage(tx, stage, StageState::Closed, None, None)?;
            deny_by_rule(tx, &request, "nobody who may decide this stage is left")
        }
        Tally::Denied | Tally::Open { .. } => Ok(()),
    }
}

/// Others join a stage whose people cannot decide it any more. False when there is nobody.
fn reinforce(
    tx: &mut Tx<'_>,
    request: &Request,
    stage: &Stage,
    approvers: &[Approver],
    missing: i64,
) -> Result<bool> {
    let Some(terms) = terms_of(request, stage) else { return Ok(false) };
    let candidates = store::candidates(tx.db(), terms, request.target_id, request.catalog_id)?;
    let mut excluded = vec![request.requestor_id, request.target_id];
    excluded.extend(earlier(tx, request)?);
    let of = |removed| {
        let of_stage = approvers.iter().filter(move |a| a.stage == stage.id);
        of_stage.filter(move |a| a.removed == removed).map(|a| a.person).collect::<Vec<_>>()
    };
    excluded.extend(of(false));
    // One vote a person, also of those who stood in.
    excluded.extend(approvers.iter().filter(|a| a.stage == stage.id).filter_map(|a| a.voted_by));
    // The set was frozen when the stage opened (D37): who came to it later does not join, who came back does.
    let (gone, mut candidates) = (of(true), candidates);
    candidates.primary.retain(|c| gone.contains(&c.id));
    let Some((people, fell_back)) = rules::reinforcements(&candidates, &excluded, missing) else {
        return Ok(false);
    };
    here(tx, &people)?;
    store::add_approvers(tx, request.id, stage.id, stage.opened_at, &people)?;
    if let Some((why, to)) = fell_back {
        tx.record(&Fact::ApproversFellBack { stage: stage.number, why, to }, request.about())?;
    }
    Ok(true)
}

pub(super) fn terms_of<'a>(request: &'a Request, stage: &Stage) -> Option<&'a StageTerms> {
    request.terms.stages.get(usize::try_from(stage.number - 1).ok()?)
}

/// People have left a group: they no longer decide through it what is open (D37).
///
/// # Errors
/// `Stale` when something of it changed meanwhile.
pub fn members_left(tx: &mut Tx<'_>, group: GroupId, people: &[PersonId]) -> Result<()> {
    for (request, person, via) in store::asked_through(tx.db(), group, people)? {
        let Some(stage) = open_stage_of(tx, request)? else { continue };
        let whole = store::one(tx.db(), request)?;
        let (people, groups) =
            terms_of(&whole, &stage).map_or((&[][..], &[][..]), |s| named(s, via));
        let groups: Vec<GroupId> = groups.iter().map(|g| g.id).collect();
        // Named beside the group, or in another group that is asked.
        let other = store::group_of(tx.db(), person, &groups)?;
        if other.is_some() || people.iter().any(|p| p.id == person) {
            store::save_group(tx, stage.id, person, other)?;
        } else {
            let name = who(tx.db(), person)?.name;
            approver_gone(tx, request, person, &name)?;
        }
    }
    Ok(())
}

/// The people and groups through whom somebody is asked.
fn named(stage: &StageTerms, via: Via) -> (&[Named<PersonId>], &[Named<GroupId>]) {
    match (&stage.approvers, &stage.alternates) {
        (_, Some(a)) if via == Via::Alternate => (&a.people, &a.groups),
        (Approvers::Named { people, groups }, _) if via != Via::Alternate => (people, groups),
        _ => (&[], &[]),
    }
}

/// A stage was not decided for a while: its alternates join, and the others keep their right (D5). False when somebody
/// was faster.
///
/// # Errors
/// `Stale` when it was decided meanwhile.
pub fn alternates_join(tx: &mut Tx<'_>, id: StageId) -> Result<bool> {
    let request = store::request_of(tx.db(), id)?;
    let request = locked(tx, request)?;
    let Some(stage) = open_stage_of(tx, request.id)?.filter(|s| s.id == id) else {
        return Ok(false);
    };
    let now = tx.now();
    let Some(at) = stage.alternates_at.filter(|at| *at <= now) else { return Ok(false) };
    if request.paused() {
        return Ok(false);
    }
    store::touch_stage(tx, &stage)?;
    let clocks = Clocks { due_at: stage.due_at, alternates_at: None, remind_at: stage.remind_at };
    store::save_clocks(tx, stage.id, clocks)?;
    let Some(terms) = terms_of(&request, &stage) else { return Ok(true) };
    let candidates = store::candidates(tx.db(), terms, request.target_id, request.catalog_id)?;
    let mut out = vec![request.requestor_id, request.target_id];
    out.extend(earlier(tx, &request)?);
    let approvers = store::approvers(tx.db(), request.id)?;
    let of = || approvers.iter().filter(|a| a.stage == stage.id);
    out.extend(of().filter(|a| !a.removed).map(|a| a.person));
    // One vote a person, also of those who stood in (D37).
    out.extend(of().filter_map(|a| a.voted_by));
    let people: Vec<Candidate> =
        candidates.alternates.into_iter().filter(|c| !out.contains(&c.id)).collect();
    if people.is_empty() {
        return Ok(true);
    }
    here(tx, &people)?;
    store::add_approvers(tx, request.id, stage.id, stage.opened_at, &people)?;
    let who = people.into_iter().map(|p| p.name).collect();
    tx.record(&Fact::AlternatesJoined { stage: stage.number, who }, request.about().due(at))?;
    Ok(true)
}

/// A reminder is due: those whose decision is awaited are told, once for all the reminders that were missed (E3).
///
/// # Errors
/// `Stale` when it was decided meanwhile.
pub fn remind_due(tx: &mut Tx<'_>, id: StageId) -> Result<bool> {
    let request = store::request_of(tx.db(), id)?;
    let request = store::one(tx.db(), request)?;
    let Some(stage) = open_stage_of(tx, request.id)?.filter(|s| s.id == id) else {
        return Ok(false);
    };
    let now = tx.now();
    let due = stage.remind_at.is_some_and(|at| at <= now) && !request.paused();
    // One that has run out is expired next, and nobody is reminded of it.
    if !due || stage.due_at <= now {
        return Ok(false);
    }
    store::touch_stage(tx, &stage)?;
    let remind_at = rules::next_reminder(stage.opened_at, stage.due_at, now);
    let clocks = Clocks { due_at: stage.due_at, alternates_at: stage.alternates_at, remind_at };
    store::save_clocks(tx, stage.id, clocks)?;
    if let Some((at, last)) = rules::due_reminder(stage.opened_at, stage.due_at, now) {
        let fact = Fact::DecisionReminded { stage: stage.number, last, due: stage.due_at };
        tx.record(&fact, request.about().due(at))?;
    }
    Ok(true)
}

/// Whoever waits has the approvers reminded, once a day.
///
/// # Errors
/// `Refused` when nothing waits for a decision, or when they were reminded less than a day ago.
pub fn remind(tx: &mut Tx<'_>, permit: &Permit<RemindApprovers>) -> Result<Request> {
    let request = store::one(tx.db(), RequestId(permit.about()))?;
    let see =
        |refusal: Refusal| refusal.way("See the request", format!("/requests/{}", request.id));
    if request.state != State::PendingApproval || request.paused() {
        let why = format!("It is: {}.", request.state.label().to_lowercase());
        return Err(see(Refusal::new("Nobody’s decision is awaited", why)).into());
    }
    let now = tx.now();
    let again: Option<Ts> = request.reminded_at.map(|at| at.plus_seconds(REMIND_AGAIN));
    if let Some(again) = again.filter(|again| *again > now) {
        let at = super::time_words(again, tx.zone());
        let why = format!("You can remind them again from {at}.");
        return Err(see(Refusal::new("They were reminded less than a day ago", why)).into());
    }
    store::save_reminded(tx, &request)?;
    tx.record(&Fact::RequestReminded { stage: request.stage }, request.about())?;
    store::one(tx.db(), request.id)
}
