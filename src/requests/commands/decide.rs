//! A vote, and what it decides.

use super::{approvers, deny_by_rule, end, locked, question, time_words};
use crate::access::{DecideStage, Permit, policy};
use crate::assignments;
use crate::db::{Tx, hold_people, load_actor};
use crate::error::{Error, Refusal, Result};
use crate::kernel::text::tidy;
use crate::kernel::{Fact, PersonId, RequestId, StageId, Ts};
use crate::packages::incompatible::model::Beside;
use crate::requests::duties;
use crate::requests::model::{Request, RequestKind, Stage, StageState, State, Verdict};
use crate::requests::rules::{self, Refused, Tally};
use crate::requests::{stops, store};
use crate::standing_in;

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
        && ![request.requestor_id, request.target_id].contains(&person)
    {
        let asked = was_asked(tx, &request, stage, person)?;
        let stages = store::stages(tx.db(), &[request.id])?;
        if let Some(stage) = stages.iter().find(|s| s.id == stage) {
            if asked {
                return Err(decided_already(tx, &request, stage)?.into());
            }
            if let Some(over) = over(tx, &request, stage, person)? {
                return Err(over.into());
            }
        }
    }
    Ok(permit?)
}

/// Is or was the person among the stage's approvers, or somebody for whom they stand in now?
fn was_asked(tx: &mut Tx<'_>, request: &Request, stage: StageId, person: PersonId) -> Result<bool> {
    let mut away = tx.actor().enabled_person().map(|p| p.stands_for.clone()).unwrap_or_default();
    let about = |id: &PersonId| [request.requestor_id, request.target_id].contains(id);
    away.retain(|stands| stands.reaches(request.package_id, about));
    for id in std::iter::once(person).chain(away.into_iter().map(|stands| stands.person)) {
        if store::was_approver(tx.db(), stage, id)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// What somebody reads whose time as a stand-in ended while they decided: they have seen the request, and may know (D34).
fn over(
    tx: &mut Tx<'_>,
    request: &Request,
    stage: &Stage,
    person: PersonId,
) -> Result<Option<Refusal>> {
    let now = tx.now();
    let about = |id: &PersonId| [request.requestor_id, request.target_id].contains(id);
    for period in standing_in::store::over_since(tx.db(), person, stage.opened_at, now)? {
        if !period.covers().is_none_or(|some| some.contains(&request.package_id)) {
            continue;
        }
        let away = period.person.0;
        if about(&away) {
            continue;
        }
        let further = load_actor(tx.db(), away, now)?.map(|away| away.stands_for);
        let further =
            further.into_iter().flatten().filter(|s| s.reaches(request.package_id, about));
        let chain: Vec<PersonId> =
            std::iter::once(away).chain(further.map(|stands| stands.person)).collect();
        for id in chain {
            if store::was_approver(tx.db(), stage.id, id)? {
                let at = time_words(period.ended_at.unwrap_or(period.ends_at), tx.zone());
                let why = format!(
                    "You stood in for {} until {at}. Your decision was not recorded.",
                    period.person.1
                );
                let refusal = Refusal::new("Your time as a stand-in is over", why);
                return Ok(Some(refusal.way("Back to your approvals", "/approvals")));
            }
        }
    }
    Ok(None)
}

/// Whose row of the open stage is the actor's to decide: their own, or that of somebody for whom they stand in, with
/// the name (D34). Nobody's period on the way ends before this transaction does (E9, E10).
///
/// # Errors
/// `Stale` when such a period, or one of its people, has changed since the transaction began.
pub(in crate::requests) fn in_whose_place(
    tx: &mut Tx<'_>,
    request: &Request,
) -> Result<(PersonId, Option<String>)> {
    let Some(me) = tx.actor().enabled_person().cloned() else { return Err(Error::Missing) };
    let standing = store::standing(tx.db(), request)?;
    if standing.deciders.contains(&me.id) {
        return Ok((me.id, None));
    }
    let Some(stands) = policy::in_place_of(&me, &standing).cloned() else {
        return Ok((me.id, None));
    };
    let mut chain = stands.through.clone();
    chain.extend([me.id, stands.person]);
    if !hold_people(tx, &chain)? {
        return Err(Error::Stale);
    }
    let now = tx.now();
    let again = load_actor(tx.db(), me.id, now)?.ok_or(Error::Stale)?;
    if policy::in_place_of(&again, &standing) != Some(&stands) {
        return Err(Error::Stale);
    }
    Ok((stands.person, Some(stands.name)))
}

/// Records a vote on the open stage, and what follows from it.
///
/// # Errors
/// `Refused` (409) when the stage is decided, closed or ran out, or when the person has voted: the page says who, when
/// and what (D4). `Refused` too while it is stopped (D47). `Invalid` when a reason is missing (D39).
pub fn decide(
    tx: &mut Tx<'_>,
    permit: &Permit<DecideStage>,
    stage: StageId,
    verdict: Verdict,
    note: &str,
) -> Result<Request> {
    record(tx, permit, stage, verdict, note, None)
}

/// Approves for less than was asked for (D14): until an earlier day. Where several must approve, the shortest end holds;
/// later stages see it.
///
/// # Errors
/// As [`decide`]; `Invalid` (`ends`) for an end that is no less, or before access could start.
pub fn approve_for_less(
    tx: &mut Tx<'_>,
    permit: &Permit<DecideStage>,
    stage: StageId,
    note: &str,
    until: Ts,
) -> Result<Request> {
    record(tx, permit, stage, Verdict::Approve, note, Some(until))
}

fn record(
    tx: &mut Tx<'_>,
    permit: &Permit<DecideStage>,
    stage: StageId,
    verdict: Verdict,
    note: &str,
    until: Option<Ts>,
) -> Result<Request> {
    let request = locked(tx, RequestId(permit.about()))?;
    let stages = store::stages(tx.db(), &[request.id])?;
    let Some(stage) = stages.into_iter().find(|s| s.id == stage) else {
        return Err(Error::Missing);
    };
    let me = tx.actor().id().ok_or(Error::Missing)?;
    let risk = store::risk(tx.db(), request.package_id)?;
    let note = &*tidy(note);
    let at = usize::try_from(stage.number - 1).unwrap_or_default();
    let asks = request.terms.stages.get(at).is_some_and(|s| s.note_required);
    match rules::decide(stage.state(), stage.due_at, tx.now(), verdict, note, risk, asks) {
        Ok(()) => {}
        Err(Refused::Field(error)) => return Err(Error::Invalid(vec![error])),
        Err(Refused::Decided) if !request.paused() => {
            return Err(decided_already(tx, &request, &stage)?.into());
        }
        Err(Refused::Decided) => {}
    }
    if request.held_at.is_some() {
        return Err(held(tx, &request)?.into());
    }
    if request.asked_at.is_some() {
        return Err(question::awaited(tx, &request)?.into());
    }
    let note = Some(note).filter(|note| !note.is_empty());
    let (whose, instead_of) = in_whose_place(tx, &request)?;
    store::vote(tx, &stage, whose, me, verdict, note)?;
    let request = match until {
        Some(until) => shorten(tx, request, until)?,
        None => request,
    };
    let (number, stages) = (stage.number, request.stages());
    let about = request.about().note(note.unwrap_or_default());
    let approvers = store::approvers(tx.db(), request.id)?;
    match rules::tally(stage.rule(), stage.needed, &approvers::voters(&approvers, stage.id)) {
        Tally::Denied => {
            store::close_stage(tx, &stage, StageState::Denied, Some(me), note)?;
            end(tx, &request, State::Denied, true)?;
            tx.record(&Fact::StageDenied { stage: number, stages, instead_of }, about)?;
        }
        Tally::Open { have, needed, .. } => {
            tx.record(&Fact::VoteCast { stage: number, stages, have, needed, instead_of }, about)?;
        }
        Tally::Approved => {
            store::close_stage(tx, &stage, StageState::Approved, Some(me), note)?;
            tx.record(&Fact::StageApproved { stage: number, stages, instead_of }, about)?;
            match duties::refused(tx.db(), &request, Beside::NowOrSoon)? {
                Some(rule) => deny_by_rule(tx, &request, &rule)?,
                None => approvers::open_stage(tx, &request, number + 1, true)?,
            }
        }
    }
    store::one(tx.db(), request.id)
}

/// The end from which less can be given, and the time after which it must lie: none where access has no end yet.
pub(in crate::requests) fn bounds(
    tx: &mut crate::db::Db,
    request: &Request,
    now: Ts,
    zone: crate::kernel::Zone,
) -> Result<(Ts, Option<Ts>)> {
    if let (RequestKind::Extend, Some(id)) = (request.kind, request.assignment_id) {
        let current = assignments::store::one(tx, id)?.assignment.ends_at.unwrap_or(now);
        let asked = request.ends_at.filter(|asked| *asked > current);
        let until = rules::extended_end(&request.terms, asked, current, now, zone);
        return Ok((current, until.unwrap_or(None)));
    }
    let start = request.starts_at.unwrap_or(now).max(now);
    Ok((start, rules::end_of_access(&request.terms, request.ends_at, start, zone)))
}

fn shorten(tx: &mut Tx<'_>, request: Request, until: Ts) -> Result<Request> {
    let (now, zone) = (tx.now(), tx.zone());
    let (after, current) = bounds(tx.db(), &request, now, zone)?;
    if let Err(error) = rules::less(until, after, current, zone) {
        return Err(Error::Invalid(vec![error]));
    }
    if current.is_some_and(|current| until >= current) {
        return Ok(request);
    }
    store::save_shortened(tx, &request, until)?;
    let request = store::one(tx.db(), request.id)?;
    tx.record(&Fact::PeriodShortened { from: current, until }, request.about())?;
    Ok(request)
}

/// The page that says that a request waits because something was stopped (D47).
pub(super) fn held(tx: &mut Tx<'_>, request: &Request) -> Result<Refusal> {
    let stop = stops::of(tx.db(), request.catalog_id, request.package_id, Some(request.policy_id))?;
    let why = stop.map_or_else(String::new, |stop| {
        format!("{} stopped its {}: “{}” ", stop.by, stop.thing.word(), stop.reason)
    });
    Ok(Refusal::new(
        "This request waits",
        format!("{why}Its time stands still, and your decision was not recorded. Decide when it goes on."),
    )
    .way("See the request", format!("/requests/{}", request.id))
    .way("Back to your approvals", "/approvals"))
}

/// Who decided: both names, where somebody stood in (D34).
fn decided_by(
    tx: &mut Tx<'_>,
    request: &Request,
    stage: &Stage,
    person: PersonId,
) -> Result<String> {
    let approvers = store::approvers(tx.db(), request.id)?;
    let vote =
        approvers.iter().find(|a| a.stage == stage.id && a.vote.is_some() && a.by() == person);
    if let Some(vote) = vote {
        let said = vote.said_by();
        return Ok(if vote.voter.is_some() { format!("{said},") } else { said });
    }
    let now = tx.now();
    Ok(load_actor(tx.db(), person, now)?.map_or_else(String::new, |p| p.name))
}

/// The 409 of a decided stage: who, when and what (D4).
///
/// # Errors
/// When the database does not answer.
pub fn decided_already(tx: &mut Tx<'_>, request: &Request, stage: &Stage) -> Result<Refusal> {
    let when = |at: Option<Ts>| at.map(|at| time_words(at, tx.zone())).unwrap_or_default();
    let why = match stage.state() {
        StageState::Approved | StageState::Denied => {
            let verb = if stage.state() == StageState::Approved { "approved" } else { "denied" };
            let at = when(stage.decided_at);
            let by = match stage.decided_by {
                Some(person) => decided_by(tx, request, stage, person)?,
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
        StageState::Open if stage.due_at > tx.now() => {
            // The stage is open still; the person's own vote, or their part in it, is over.
            "You are no longer among those whose decision is awaited.".to_owned()
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
