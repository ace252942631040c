//! The keeper's part: reminders, more time, other reviewers, starting over, calling off.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;

use crate::access::{Permit, RunReview};
use crate::db::{Tx, hold_review, lock_review};
use crate::directory;
use crate::error::{Error, Result};
use crate::kernel::fact::listed;
use crate::kernel::{Fact, PersonId, ReviewInstanceId, ReviewPoolId, Ts};
use crate::requests::store::{administrators, owners};
use crate::reviews::model::{DAYS_MAX, Instance, Item, State, Via};
use crate::reviews::snapshot::about;
use crate::reviews::store::writes;
use crate::reviews::{rules, store};

use super::answering::instead_of;
use super::closing::{CHUNK, call_off, not_about_oneself, not_open};

/// The reminder that is due goes to reviewers with open items (D32). False when there was nothing to remind of.
///
/// # Errors
/// `Stale` when the instance changed meanwhile.
pub fn remind(tx: &mut Tx<'_>, id: ReviewInstanceId) -> Result<bool> {
    let read = store::instance(tx.db(), id)?;
    let (now, zone) = (tx.now(), tx.zone());
    let (Some(due), Some(opened)) = (read.remind_at, read.opened_at) else { return Ok(false) };
    if read.state != State::Open || due > now {
        return Ok(false);
    }
    // Of several that were missed only the newest is told (E3).
    let next = rules::next_reminder(opened, read.due_at, now, zone);
    let last = rules::is_last_day(opened, read.due_at, now, zone);
    let new = Instance { remind_at: next, ..read.clone() };
    writes::save_instance(tx, &read, &new)?;
    tell(tx, &read, last, Some(due))
}

/// Whoever looks after it reminds those who have open items now. False when nobody has.
///
/// # Errors
/// `Refused` when it is not open.
pub fn remind_now(tx: &mut Tx<'_>, permit: &Permit<RunReview>) -> Result<bool> {
    let read = opened(tx, permit)?;
    tell(tx, &read, false, None)
}

fn tell(tx: &mut Tx<'_>, read: &Instance, last: bool, due: Option<Ts>) -> Result<bool> {
    if store::reviewers_with_open(tx.db(), read.id)?.is_empty() {
        return Ok(false);
    }
    let fact = Fact::ReviewReminded { review: read.name.clone(), last, due: read.due_at };
    let about = match due {
        Some(due) => about(read).due(due),
        None => about(read),
    };
    tx.record(&fact, about)?;
    Ok(true)
}

fn opened(tx: &mut Tx<'_>, permit: &Permit<RunReview>) -> Result<Instance> {
    let id = ReviewInstanceId(permit.about());
    lock_review(tx, id)?;
    let read = store::instance(tx.db(), id)?;
    if read.state == State::Open { Ok(read) } else { Err(not_open()) }
}

/// What was read before acting must still hold: another stage may have begun since the page was shown.
///
/// # Errors
/// `Refused` when the instance is in another stage than `stage`, or none was named.
pub fn as_shown(tx: &mut Tx<'_>, permit: &Permit<RunReview>, stage: Option<i64>) -> Result<()> {
    let id = ReviewInstanceId(permit.about());
    lock_review(tx, id)?;
    if stage == Some(store::instance(tx.db(), id)?.stage) {
        return Ok(());
    }
    Err(Error::refused(
        "This review has gone on meanwhile",
        "Nothing was changed. Look at where it stands now, and choose again.",
    ))
}

/// Gives the reviewers until the end of a later day.
///
/// # Errors
/// `Invalid` on `until`; `Refused` when it is not open.
pub fn extend(tx: &mut Tx<'_>, permit: &Permit<RunReview>, until: NaiveDate) -> Result<()> {
    let read = opened(tx, permit)?;
    let (now, zone) = (tx.now(), tx.zone());
    let opened = read.opened_at.unwrap_or(read.starts_at);
    let due_at = zone.end_of(until);
    if due_at <= read.due_at {
        return Err(Error::invalid("until", "Choose a day after the one on which it closes now"));
    }
    if due_at > rules::due_at(opened, DAYS_MAX, zone) {
        let words = format!("Choose a day within {DAYS_MAX} days of its start");
        return Err(Error::invalid("until", words));
    }
    let remind_at = rules::next_reminder(opened, due_at, now, zone);
    writes::save_instance(tx, &read, &Instance { due_at, remind_at, ..read.clone() })?;
    let fact = Fact::ReviewExtended { review: read.name.clone(), until: due_at };
    tx.record(&fact, about(&read))
}

/// Lets everybody of the stage start over: no answer of theirs counts any more; the history keeps them.
///
/// # Errors
/// `Refused` when it is not open.
pub fn reset(tx: &mut Tx<'_>, permit: &Permit<RunReview>, reason: &str) -> Result<usize> {
    let read = opened(tx, permit)?;
    needs_reason(reason)?;
    not_about_oneself(tx, &read, |item| {
        (item.answer.is_some() || item.outcome.is_some()) && rules::is_losing(item, read.silence())
    })?;
    for item in store::listing::planned(tx.db(), read.id)? {
        call_off(tx, &read, &item)?;
    }
    let answers = writes::reset(tx, read.id, read.stage)?;
    let fact = Fact::ReviewReset {
        review: read.name.clone(),
        answers: i64::try_from(answers).unwrap_or(i64::MAX),
    };
    tx.record(&fact, about(&read).note(reason))?;
    Ok(answers)
}

/// Calls an instance off: nothing of it has an effect.
///
/// # Errors
/// `Refused` once it is being carried out.
pub fn cancel(tx: &mut Tx<'_>, permit: &Permit<RunReview>, reason: &str) -> Result<()> {
    let id = ReviewInstanceId(permit.about());
    lock_review(tx, id)?;
    let read = store::instance(tx.db(), id)?;
    let over = matches!(read.state, State::Applying | State::Completed | State::Canceled);
    if over {
        return Err(not_open());
    }
    needs_reason(reason)?;
    not_about_oneself(tx, &read, |item| rules::is_losing(item, read.silence()))?;
    for item in store::listing::planned(tx.db(), read.id)? {
        call_off(tx, &read, &item)?;
    }
    let now = tx.now();
    let new = Instance { state: State::Canceled, completed_at: Some(now), ..read.clone() };
    writes::save_instance(tx, &read, &new)?;
    writes::save_closed_by(tx, id)?;
    let fact = Fact::ReviewCanceled { review: read.name.clone() };
    tx.record(&fact, about(&read).note(reason))
}

fn needs_reason(reason: &str) -> Result<()> {
    match reason.chars().count() {
        0 => Err(Error::invalid("note", "Write why: it stays on record")),
        n if n > rules::NOTE_MAX => Err(Error::invalid("note", "Write at most 2,000 characters")),
        _ => Ok(()),
    }
}

/// Hands everything that waits for one reviewer to another one; whoever else was asked about it still is. Returns how
/// many items.
///
/// # Errors
/// `Invalid` on `to`; `Refused` when it is not open.
pub fn hand_over(
    tx: &mut Tx<'_>,
    permit: &Permit<RunReview>,
    from: PersonId,
    to: PersonId,
) -> Result<usize> {
    let read = opened(tx, permit)?;
    let person = directory::store::person(tx.db(), to)?;
    if !person.enabled || to == from || (person.auditor && !person.administrator) {
        return Err(Error::invalid("to", super::super::NOBODY));
    }
    let gone = directory::store::person(tx.db(), from)?.name;
    let items = store::listing::open_of(tx.db(), read.id, from)?;
    let (me, all) = (tx.actor().id(), items.len());
    // Nobody chooses who answers about themselves (D29).
    let items: Vec<_> =
        items.into_iter().filter(|item| item.person != to && Some(item.person) != me).collect();
    let own = all - items.len();
    if items.is_empty() {
        let words = if own > 0 {
            "All that is left is their own access, or yours: choose somebody else"
        } else {
            "Nothing waits for this reviewer any more"
        };
        return Err(Error::invalid("to", words));
    }
    let before: BTreeSet<ReviewPoolId> = items.iter().map(|item| item.pool).collect();
    let before: Vec<ReviewPoolId> = before.into_iter().collect();
    let mut now = BTreeMap::new();
    for pool in store::pools(tx.db(), &before)? {
        now.insert(pool.id, instead_of(tx, &read, &pool, from, to)?);
    }
    for item in &items {
        let pool = *now.get(&item.pool).ok_or(Error::Stale)?;
        writes::save_pool(tx, item, pool, &item.context)?;
    }
    let fact = Fact::ReviewersReplaced { review: read.name.clone(), gone, now: vec![person.name] };
    tx.record(&fact, about(&read))?;
    Ok(items.len())
}

/// What waits for reviewers who have left goes to others: the fallback, then the owners, then administrators (D29).
/// Returns how many items changed hands.
///
/// # Errors
/// `Stale` when somebody answers one of them now.
pub fn rehouse(tx: &mut Tx<'_>, id: ReviewInstanceId) -> Result<usize> {
    hold_review(tx, id)?;
    let read = store::instance(tx.db(), id)?;
    if read.state != State::Open {
        return Ok(0);
    }
    let mut told = BTreeSet::new();
    let (mut moved, mut after) = (0, None);
    // What nobody can take keeps nothing behind it from being taken.
    while moved == 0 {
        let orphans = store::listing::orphans(tx.db(), id, after, CHUNK)?;
        let Some(last) = orphans.last() else { break };
        after = Some(last.id);
        for item in &orphans {
            // Where nobody at all could answer, it waits: silence decides, and the page says so.
            let Some(people) = others(tx, &read, item)? else { continue };
            let ids: Vec<String> = people.iter().map(PersonId::to_string).collect();
            let key = format!("later:{}", ids.join(","));
            let pool = writes::pools(tx, (id, read.stage), &[(key, Via::Fallback, people)])?;
            let pool = pool.first().ok_or(Error::Stale)?.1;
            writes::save_pool(tx, item, pool, &item.context)?;
            told.insert((item.pool, pool));
            moved += 1;
        }
    }
    for (from, to) in told {
        let fact = Fact::ReviewersReplaced {
            review: read.name.clone(),
            gone: listed(&names(tx, from)?),
            now: names(tx, to)?,
        };
        tx.record(&fact, about(&read))?;
    }
    Ok(moved)
}

fn names(tx: &mut Tx<'_>, pool: ReviewPoolId) -> Result<Vec<String>> {
    let pools = store::pools(tx.db(), &[pool])?;
    let ids: Vec<PersonId> = pools.into_iter().flat_map(|pool| pool.reviewers).collect();
    let mut all: Vec<String> = directory::store::names(tx.db(), &ids)?.into_values().collect();
    all.sort();
    Ok(all)
}

/// Who answers for an item whose reviewers are gone.
fn others(tx: &mut Tx<'_>, read: &Instance, item: &Item) -> Result<Option<Vec<PersonId>>> {
    let other = |people: &[PersonId]| people.iter().any(|id| *id != item.person);
    let ids = |all: Vec<(PersonId, String)>| all.into_iter().map(|(id, _)| id).collect::<Vec<_>>();
    let fallback: Vec<PersonId> = read.terms.fallback.iter().map(|person| person.id).collect();
    let fallback = store::snapshot::able(tx.db(), &fallback, &[])?;
    if other(&fallback) {
        return Ok(Some(fallback));
    }
    if let Some(catalog) = item.catalog {
        let owners = ids(owners(tx.db(), catalog)?);
        if other(&owners) {
            return Ok(Some(owners));
        }
    }
    let all = ids(administrators(tx.db())?);
    Ok(other(&all).then_some(all))
}
