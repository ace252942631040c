//! What becomes of the answers: the end of an instance, silence (D30), the cooling-off time (D31), the removal and its
//! confirmation. Everything goes in chunks, each in a transaction of its own, so that whoever is interrupted goes on.

use std::collections::{BTreeMap, BTreeSet};

use crate::access::{Permit, RunReview, RunSystem};
use crate::assignments;
use crate::db::{Db, Tx, hold_review, lock_review};
use crate::error::{Error, Refusal, Result};
use crate::kernel::fact::EndReason;
use crate::kernel::{
    AssignmentId, Fact, PersonId, ReviewInstanceId, ReviewItemId, ReviewRowId, RoleId, Ts,
};
use crate::reviews::model::{Answer, Instance, Item, Outcome, Silence, State};
use crate::reviews::snapshot::about as about_instance;
use crate::reviews::store::writes::{self, Becomes};
use crate::reviews::{rules, store};
use crate::settings::store::organization;

use super::answering::about;
use super::staging::leave;

/// As many items as one transaction takes.
pub const CHUNK: i64 = 200;

/// The time of an instance is over. False when it was closed already, or got more time.
///
/// # Errors
/// `Stale` when it changed meanwhile.
pub fn close_due(
    tx: &mut Tx<'_>,
    _permit: &Permit<RunSystem>,
    id: ReviewInstanceId,
) -> Result<bool> {
    lock_review(tx, id)?;
    let read = store::instance(tx.db(), id)?;
    if read.state != State::Open || read.due_at > tx.now() {
        return Ok(false);
    }
    leave(tx, &read, read.stage).map(|()| true)
}

/// Whoever looks after it stops an instance early: what was answered counts, silence counts as at its end.
///
/// # Errors
/// `Refused` when it is not open.
pub fn close(tx: &mut Tx<'_>, permit: &Permit<RunReview>) -> Result<()> {
    let id = ReviewInstanceId(permit.about());
    lock_review(tx, id)?;
    let read = store::instance(tx.db(), id)?;
    if read.state != State::Open {
        return Err(not_open());
    }
    // Closed early, silence would keep the closer's own access before anybody has looked at it.
    not_about_oneself(tx, &read, |item| {
        let silent = rules::silent(read.silence(), item.recommendation);
        item.outcome.is_none() && item.answer.is_none() && silent == Answer::Keep
    })?;
    // No stage comes any more; what the stages so far have answered stands.
    leave(tx, &read, read.terms.stages())?;
    writes::save_closed_by(tx, id)
}

/// What somebody reads who changes a review that is not open.
#[must_use]
pub fn not_open() -> Error {
    Refusal::new("This review is not open", "Nothing was changed. Look at where it stands now.")
        .into()
}

pub(super) fn end(tx: &mut Tx<'_>, read: &Instance) -> Result<()> {
    gone(tx, read)?;
    let care = organization(tx.db())?;
    let counts = store::listing::counts(tx.db(), read.id)?;
    let by_silence = counts.by_silence(read.silence());
    let items = counts.answered + counts.silent;
    let mut new = read.clone();
    let now = tx.now();
    (new.closed_at, new.remind_at, new.reached) = (Some(now), None, None);
    let asks = rules::needs_confirmation(by_silence, items, care.silent_share);
    new.state = if asks { State::Confirming } else { State::Applying };
    writes::save_instance(tx, read, &new)?;
    let fact = Fact::ReviewClosed {
        review: read.name.clone(),
        answered: counts.answered,
        silent: counts.silent,
        removals: counts.removed + by_silence,
    };
    tx.record(&fact, about_instance(read).due(read.due_at.min(now)))?;
    if asks {
        let fact = Fact::ReviewUnconfirmed {
            review: read.name.clone(),
            by_silence,
            items,
            share: care.silent_share,
        };
        tx.record(&fact, about_instance(read))?;
    }
    Ok(())
}

/// An administrator looks at what silence would remove, and says whether it does (D30).
///
/// # Errors
/// `Refused` when it does not wait for that.
pub fn confirm(tx: &mut Tx<'_>, permit: &Permit<RunReview>, remove: bool) -> Result<()> {
    let id = ReviewInstanceId(permit.about());
    if !tx.actor().is_administrator() {
        return Err(Error::Denied("Only administrators confirm what silence removes.".into()));
    }
    lock_review(tx, id)?;
    let read = store::instance(tx.db(), id)?;
    if read.state != State::Confirming {
        return Err(not_open());
    }
    let counts = store::listing::counts(tx.db(), id)?;
    let by_silence = counts.by_silence(read.silence());
    let mut new = read.clone();
    new.state = State::Applying;
    if !remove {
        not_about_oneself(tx, &read, |item| rules::is_losing(item, read.silence()))?;
        new.confirmed = Some(Silence::Keep);
    }
    writes::save_instance(tx, &read, &new)?;
    let fact =
        Fact::ReviewConfirmed { review: read.name.clone(), removals: by_silence, removed: remove };
    tx.record(&fact, about_instance(&read))
}

/// Items whose access has ended otherwise need no answer any more. Returns how many there were.
///
/// # Errors
/// `Stale` when the instance changed meanwhile.
pub fn look(tx: &mut Tx<'_>, id: ReviewInstanceId) -> Result<usize> {
    let read = store::instance(tx.db(), id)?;
    if read.state != State::Open {
        return Ok(0);
    }
    let n = gone(tx, &read)?;
    if n > 0 {
        // What ended a moment earlier may become visible a moment later.
        let looked_at = read.looked_at.max(tx.now().plus_seconds(-600));
        let new = Instance { looked_at, ..read.clone() };
        writes::save_instance(tx, &read, &new)?;
    }
    Ok(n)
}

fn gone(tx: &mut Tx<'_>, read: &Instance) -> Result<usize> {
    let ended = store::ended_since(tx.db(), read.id, read.looked_at)?;
    let all: Vec<Becomes> = ended
        .into_iter()
        .map(|item| Becomes { item, outcome: Outcome::Gone, apply_at: None })
        .collect();
    writes::save_outcomes(tx, &all)
}

/// Says of the next items of a closed instance what becomes of them; a removal is planned, and the person told. False
/// when every item has an outcome.
///
/// # Errors
/// `Stale` when somebody else does it as well.
pub fn outcomes(tx: &mut Tx<'_>, id: ReviewInstanceId) -> Result<bool> {
    let instance = store::instance(tx.db(), id)?;
    if instance.state != State::Applying {
        return Ok(false);
    }
    let items = store::listing::without_outcome(tx.db(), id, CHUNK)?;
    if items.is_empty() {
        return Ok(false);
    }
    decide(tx, &instance, &items)?;
    Ok(true)
}

/// A removal of a review that removes at once is planned with the answer.
pub(super) fn plan_at_once(tx: &mut Tx<'_>, instance: &Instance, item: ReviewItemId) -> Result<()> {
    let item = store::item(tx.db(), item)?;
    decide(tx, instance, &[item])
}

fn decide(tx: &mut Tx<'_>, instance: &Instance, items: &[Item]) -> Result<()> {
    let (now, cooling) = (tx.now(), organization(tx.db())?.cooling_hours);
    let people: Vec<_> = items.iter().map(|item| item.person).collect();
    let living = store::living(tx.db(), &people)?;
    let ids: Vec<AssignmentId> = items.iter().filter_map(|item| item.assignment).collect();
    let held = assignments::store::active_among(tx.db(), &ids)?;
    let mut all = Vec::new();
    let mut facts = Vec::new();
    for item in items {
        let answer =
            item.answer.unwrap_or_else(|| rules::silent(instance.silence(), item.recommendation));
        let named = held.iter().find(|named| Some(named.assignment.id) == item.assignment);
        let (outcome, apply_at) = match (answer, named) {
            (_, None) if item.row.is_none() => (Outcome::Gone, None),
            (Answer::Keep | Answer::Unknown, _) | (Answer::Until, None) => (Outcome::Kept, None),
            (Answer::Remove, _) => {
                let left = !living.contains(&item.person);
                let at = rules::removal_at(item.risk, left, now, cooling);
                let fact = Fact::RemovalPlanned { review: instance.name.clone(), at };
                let note = item.note.clone().unwrap_or_default();
                facts.push((fact, about(instance, item).note(note)));
                (Outcome::Planned, Some(at))
            }
            (Answer::Until, Some(named)) => {
                // A day that is over by now ends nothing at once: it cools off like a removal (D31).
                let left = !living.contains(&item.person);
                let cooled = rules::removal_at(item.risk, left, now, cooling);
                let until = item.until.map(|until| until.max(cooled));
                let earlier =
                    until.filter(|until| named.assignment.ends_at.is_none_or(|ends| *until < ends));
                match earlier {
                    Some(until) => {
                        assignments::commands::extend(tx, named, Some(until))?;
                        let fact = Fact::PeriodShortened { from: named.assignment.ends_at, until };
                        facts.push((fact, named.about().review(instance.id)));
                        (Outcome::Shortened, None)
                    }
                    None => (Outcome::Kept, None),
                }
            }
        };
        all.push(Becomes { item: item.id, outcome, apply_at });
    }
    if writes::save_outcomes(tx, &all)? != all.len() {
        return Err(Error::Stale);
    }
    tx.record_all(facts)
}

/// Carries out the removals whose cooling-off time is over, or one of them; returns how many items it took.
///
/// # Errors
/// `Stale` when somebody undoes one of them now.
pub fn removals(tx: &mut Tx<'_>, only: Option<ReviewItemId>) -> Result<usize> {
    let now = tx.now();
    let mut due = store::listing::due_removals(tx.db(), now, CHUNK)?;
    due.retain(|item| only.is_none_or(|id| id == item.id));
    if due.is_empty() {
        return Ok(0);
    }
    let ids: Vec<ReviewItemId> = due.iter().map(|item| item.id).collect();
    // Whoever undoes one of them comes before or after, never in between.
    let moved = writes::move_outcome(tx, &ids, &[Outcome::Planned], Outcome::Removing)?;
    if moved.len() != ids.len() {
        return Err(Error::Stale);
    }
    by_hand(tx, &due)?;
    let ids: Vec<AssignmentId> = due.iter().filter_map(|item| item.assignment).collect();
    let held = assignments::store::active_among(tx.db(), &ids)?;
    let mut notes: Vec<&str> = due.iter().map(|item| item.note.as_deref().unwrap_or("")).collect();
    notes.sort_unstable();
    notes.dedup();
    let mut ended = Vec::new();
    for note in notes {
        let some: Vec<_> = held
            .iter()
            .filter(|named| {
                due.iter().any(|item| {
                    item.assignment == Some(named.assignment.id)
                        && item.note.as_deref().unwrap_or("") == note
                })
            })
            .cloned()
            .collect();
        let now_ended = assignments::commands::end_all(tx, &some, EndReason::Review, note)?;
        ended.extend(now_ended.into_iter().map(|named| named.assignment.id));
    }
    // What had ended otherwise meanwhile was not removed by the review.
    let gone: Vec<ReviewItemId> = due
        .iter()
        .filter(|item| item.row.is_none())
        .filter(|item| item.assignment.is_none_or(|id| !ended.contains(&id)))
        .map(|item| item.id)
        .collect();
    writes::move_outcome(tx, &gone, &[Outcome::Removing], Outcome::Gone)?;
    Ok(due.len())
}

/// What no connected system holds becomes a task for whoever looks after the review.
pub(super) fn by_hand(tx: &mut Tx<'_>, due: &[Item]) -> Result<()> {
    let mut tasks: BTreeMap<ReviewInstanceId, Vec<ReviewItemId>> = BTreeMap::new();
    for item in due.iter().filter(|item| item.row.is_some()) {
        tasks.entry(item.instance).or_default().push(item.id);
    }
    for (id, items) in tasks {
        let moved = writes::move_outcome(tx, &items, &[Outcome::Removing], Outcome::ByHand)?;
        let instance = store::instance(tx.db(), id)?;
        let fact = Fact::RemovalsByHand {
            review: instance.name.clone(),
            items: i64::try_from(moved.len()).unwrap_or(i64::MAX),
        };
        tx.record(&fact, about_instance(&instance))?;
    }
    Ok(())
}

/// Whoever looks after the review has removed something by hand, and says what they did. Said once more it changes
/// nothing.
///
/// # Errors
/// `Invalid` on `proof`; `Denied` about their own access; `Refused` where nothing is to be done by hand.
pub fn prove(
    tx: &mut Tx<'_>,
    permit: &Permit<RunReview>,
    item: ReviewItemId,
    proof: &str,
) -> Result<Item> {
    let read = store::item(tx.db(), item)?;
    if read.instance != ReviewInstanceId(permit.about()) {
        return Err(Error::Missing);
    }
    let me = tx.actor().id().ok_or(Error::Missing)?;
    // Nobody vouches for it that access of their own is gone (D29).
    if me == read.person {
        return Err(Error::Denied("Nobody decides on access for themselves.".into()));
    }
    let said = store::rows::proofs(tx.db(), &[read.id])?.remove(&read.id);
    if said.is_some_and(|(who, _, words, _)| who == me && words == proof) {
        return Ok(read);
    }
    let late = read.outcome == Some(Outcome::Failed) && read.row.is_some();
    if read.outcome != Some(Outcome::ByHand) && !late {
        return Err(Error::refused(
            "There is nothing to do by hand",
            format!("{} of {} is done, or was never due.", read.access_name, read.person_name),
        ));
    }
    match proof.chars().count() {
        0 => return Err(Error::invalid("proof", "Write what you did, and where one can see it")),
        n if n > rules::NOTE_MAX => {
            return Err(Error::invalid("proof", "Write at most 2,000 characters"));
        }
        _ => {}
    }
    let instance = store::instance(tx.db(), read.instance)?;
    writes::save_proof(tx, &read, me, proof)?;
    let fact = Fact::RemovalProved { review: instance.name.clone() };
    tx.record(&fact, about(&instance, &read).note(proof))?;
    Ok(read)
}

/// Is there something new about the removals of an instance, or nothing left to do of it?
///
/// # Errors
/// When the database does not answer.
pub fn has_news(db: &mut Db, instance: &Instance, now: Ts) -> Result<bool> {
    let items = store::listing::removing(db, instance.id)?;
    let rest = at_rest(db, &items)?;
    let news = items.iter().any(|item| {
        let late = item.outcome == Some(Outcome::Failed);
        rest.iter().any(|(id, done)| *id == item.id && (*done || !late))
    });
    let since = Some(rules::by_hand_since(now));
    let news = news || !store::listing::by_hand(db, instance.id, since, 1)?.is_empty();
    Ok(news || (instance.state == State::Applying && store::listing::is_done(db, instance.id)?))
}

/// Those of the items that are confirmed as gone, and those that are late: told as that, or given anew meanwhile.
fn at_rest(db: &mut Db, items: &[Item]) -> Result<Vec<(ReviewItemId, bool)>> {
    let ids: Vec<AssignmentId> = items.iter().filter_map(|item| item.assignment).collect();
    let ended = store::at_rest(db, &ids)?;
    let rows: Vec<ReviewRowId> = items.iter().filter_map(|item| item.row).collect();
    let roles = store::rows::roles(db, &rows)?;
    let role = |item: &Item| item.row.and_then(|row| roles.get(&row).copied());
    let taken: Vec<&Item> = items.iter().filter(|item| role(item).is_some()).collect();
    let stands = if taken.is_empty() {
        vec![]
    } else {
        let people: Vec<PersonId> = taken.iter().map(|item| item.person).collect();
        let wanted: BTreeSet<RoleId> = roles.values().copied().collect();
        let wanted: Vec<RoleId> = wanted.into_iter().collect();
        assignments::rights::stands(db, &people, &wanted)?
    };
    let mut all = Vec::new();
    for item in items {
        let done = match role(item) {
            Some(role) => {
                let right = stands.iter().find(|at| (at.person, at.role) == (item.person, role));
                right.and_then(|right| rules::is_taken(right, item.applied_at))
            }
            None => {
                ended.iter().find(|(id, _)| Some(*id) == item.assignment).map(|(_, done)| *done)
            }
        };
        all.extend(done.map(|done| (item.id, done)));
    }
    Ok(all)
}

/// Looks whether target systems have confirmed removals, or have not in time; and completes an instance of which
/// nothing is left to do. Returns how many things were new.
///
/// # Errors
/// `Stale` when somebody else does it as well.
pub fn confirmed(tx: &mut Tx<'_>, id: ReviewInstanceId) -> Result<usize> {
    let read = store::instance(tx.db(), id)?;
    let items = store::listing::removing(tx.db(), id)?;
    let rest = at_rest(tx.db(), &items)?;
    let which = |done: bool| -> Vec<ReviewItemId> {
        rest.iter().filter(|(_, at)| *at == done).map(|(id, _)| *id).collect()
    };
    let from = [Outcome::Removing, Outcome::Failed];
    let removed = writes::move_outcome(tx, &which(true), &from, Outcome::Removed)?;
    let mut failed =
        writes::move_outcome(tx, &which(false), &[Outcome::Removing], Outcome::Failed)?;
    let since = rules::by_hand_since(tx.now());
    let late = store::listing::by_hand(tx.db(), id, Some(since), CHUNK)?;
    let ids: Vec<ReviewItemId> = late.iter().map(|item| item.id).collect();
    failed.extend(writes::move_outcome(tx, &ids, &[Outcome::ByHand], Outcome::Failed)?);
    let mut facts = Vec::new();
    for item in items.iter().chain(&late).filter(|item| failed.contains(&item.id)) {
        facts.push((Fact::RemovalFailed { review: read.name.clone() }, about(&read, item)));
    }
    tx.record_all(facts)?;
    let mut done = removed.len() + failed.len();
    if read.state == State::Applying && store::listing::is_done(tx.db(), id)? {
        let counts = store::listing::counts(tx.db(), id)?;
        let new =
            Instance { state: State::Completed, completed_at: Some(tx.now()), ..read.clone() };
        writes::save_instance(tx, &read, &new)?;
        let fact = Fact::ReviewCompleted {
            review: read.name.clone(),
            removed: counts.confirmed,
            failed: counts.failed,
        };
        tx.record(&fact, about_instance(&read))?;
        done += 1;
    }
    Ok(done)
}

/// Calls a removal off in its cooling-off time (D31). Whoever may answer the item or runs the review may.
///
/// # Errors
/// `Refused` when it is too late.
pub fn undo(tx: &mut Tx<'_>, item: ReviewItemId) -> Result<Item> {
    let read = store::item(tx.db(), item)?;
    let instance = store::instance(tx.db(), read.instance)?;
    let standing = store::standings(tx.db(), std::slice::from_ref(&read))?;
    let standing = standing.first().ok_or(Error::Missing)?;
    // Nobody keeps access of their own that a reviewer took away (D29).
    if tx.actor().id() == Some(read.person) {
        return Err(Error::Denied("Nobody decides on access for themselves.".into()));
    }
    if crate::access::policy::answer_item(tx.actor(), standing).is_err() {
        crate::access::policy::run_review(tx.actor(), &store::standing(&instance))?;
    }
    if read.outcome != Some(Outcome::Planned) || read.apply_at.is_none_or(|at| at <= tx.now()) {
        return Err(Error::refused(
            "It is too late to call it off",
            "The removal has begun. The person can request the access again.",
        ));
    }
    call_off(tx, &instance, &read)?;
    Ok(read)
}

/// Calls a planned removal off. While reviewers can answer it waits for an answer again (D28).
pub(super) fn call_off(tx: &mut Tx<'_>, instance: &Instance, item: &Item) -> Result<()> {
    hold_review(tx, instance.id)?;
    if store::instance(tx.db(), instance.id)?.state == State::Open {
        writes::unplan(tx, item)?;
    } else {
        let by = tx.actor().id();
        writes::save_undone(tx, item, by)?;
    }
    tx.record(&Fact::RemovalUndone { review: instance.name.clone() }, about(instance, item))
}

/// Nobody sees to it that their own access stays: where something is about to be taken from them, somebody else does it
/// (D29).
pub(super) fn not_about_oneself(
    tx: &mut Tx<'_>,
    instance: &Instance,
    at_stake: impl Fn(&Item) -> bool,
) -> Result<()> {
    let Some(me) = tx.actor().id() else { return Ok(()) };
    if !store::listing::own(tx.db(), instance.id, me)?.iter().any(at_stake) {
        return Ok(());
    }
    Err(Error::refused(
        "Your own access is part of it",
        "Nobody decides on access for themselves. Ask another administrator or owner.",
    ))
}
