//! From one stage to the next: what goes on is handed to other reviewers, in chunks, each in a transaction of its own. An
//! answer that nobody gives anew stands.

use std::collections::{BTreeMap, HashMap};

use crate::access::{Permit, RunReview};
use crate::db::{Tx, lock_review};
use crate::directory;
use crate::error::{Error, Result};
use crate::kernel::{Fact, PersonId, ReviewInstanceId, ReviewItemId};
use crate::reviews::model::{Answer, Context, Earlier, Instance, Item, Stage, State, Terms, Via};
use crate::reviews::snapshot::{Resolver, Subject, about};
use crate::reviews::store::writes;
use crate::reviews::{rules, store};

use super::closing::{CHUNK, end, not_open};

/// Whoever looks after it ends the stage that is open: what goes on is handed on now.
///
/// # Errors
/// `Refused` when it is not open, or in its last stage.
pub fn next_stage(tx: &mut Tx<'_>, permit: &Permit<RunReview>) -> Result<()> {
    let id = ReviewInstanceId(permit.about());
    lock_review(tx, id)?;
    let read = store::instance(tx.db(), id)?;
    if read.state != State::Open || read.stage >= read.terms.stages() {
        return Err(not_open());
    }
    leave(tx, &read, read.stage)
}

/// The stage `stage` is over: with several stages there is work to do before what comes next, with one it ends.
pub(super) fn leave(tx: &mut Tx<'_>, read: &Instance, stage: i64) -> Result<()> {
    if read.terms.stages() == 1 {
        return end(tx, read);
    }
    let new =
        Instance { state: State::Between, stage, remind_at: None, reached: None, ..read.clone() };
    writes::save_instance(tx, read, &new)
}

/// Does the next chunk of what is to be done between two stages, or after the last one. False when nothing was.
///
/// # Errors
/// `Stale` when it changed meanwhile.
pub fn advance(tx: &mut Tx<'_>, id: ReviewInstanceId) -> Result<bool> {
    lock_review(tx, id)?;
    let read = store::instance(tx.db(), id)?;
    if read.state != State::Between {
        return Ok(false);
    }
    let next = read.stage + 1;
    match read.terms.stage(next).cloned() {
        Some(stage) => hand_on(tx, &read, &stage)?,
        None => stand(tx, &read)?,
    }
    Ok(true)
}

fn hand_on(tx: &mut Tx<'_>, read: &Instance, stage: &Stage) -> Result<()> {
    let answers: Vec<Answer> =
        Answer::ALL.iter().copied().filter(|a| stage.gets.iter().any(|g| g.takes(*a))).collect();
    let items = store::listing::going_on(tx.db(), read.id, read.stage, &answers, CHUNK)?;
    if items.is_empty() {
        return open(tx, read, stage);
    }
    let terms = Terms { reviewers: stage.reviewers.clone(), ..read.terms.clone() };
    let subjects = subjects(tx, &items)?;
    let mut who = Resolver::read(tx, read, &terms, &subjects)?;
    let mut wanted: BTreeMap<String, (Via, Vec<PersonId>)> = BTreeMap::new();
    let mut keys = Vec::new();
    for (item, subject) in items.iter().zip(&subjects) {
        let found = match who.of(tx, &terms, subject)? {
            Some(found) => found,
            None => again(tx, item)?,
        };
        let (key, via, people) = found;
        keys.push(key.clone());
        wanted.entry(key).or_insert((via, people));
    }
    let wanted: Vec<_> = wanted.into_iter().map(|(key, (via, all))| (key, via, all)).collect();
    let pools = writes::pools(tx, (read.id, read.stage + 1), &wanted)?;
    let names = names(tx, &items)?;
    for (item, key) in items.iter().zip(keys) {
        let pool = pools.iter().find(|(one, _)| *one == key).ok_or(Error::Stale)?.1;
        writes::save_pool(tx, item, pool, &remembering(item, read.stage, &names))?;
    }
    Ok(())
}

/// Where nobody else can answer, those who were asked before are asked once more.
fn again(tx: &mut Tx<'_>, item: &Item) -> Result<(String, Via, Vec<PersonId>)> {
    let pool = store::pools(tx.db(), &[item.pool])?.pop().ok_or(Error::Missing)?;
    Ok((format!("again:{}", pool.id), pool.via, pool.reviewers))
}

fn subjects(tx: &mut Tx<'_>, items: &[Item]) -> Result<Vec<Subject>> {
    let people: Vec<PersonId> = items.iter().map(|item| item.person).collect();
    let managers = store::listing::managers(tx.db(), &people)?;
    let subject = |item: &Item| {
        let manager = managers.get(&item.person).copied().flatten();
        Subject { person: item.person, manager, catalog: item.catalog }
    };
    Ok(items.iter().map(subject).collect())
}

fn names(tx: &mut Tx<'_>, items: &[Item]) -> Result<HashMap<PersonId, String>> {
    let ids: Vec<PersonId> = items.iter().filter_map(|item| item.answered_by).collect();
    directory::store::names(tx.db(), &ids)
}

/// What is known of an item, with what this stage answered.
fn remembering(item: &Item, stage: i64, names: &HashMap<PersonId, String>) -> Context {
    let mut context = item.context.clone();
    if let (Some(answer), Some(by), Some(at)) = (item.answer, item.answered_by, item.answered_at) {
        context.earlier.push(Earlier {
            stage,
            answer,
            until: item.until,
            note: item.note.clone(),
            by,
            name: names.get(&by).cloned().unwrap_or_default(),
            instead_of: item.answered_for,
            at,
        });
    }
    context
}

/// The next stage begins, if anything has come to it.
fn open(tx: &mut Tx<'_>, read: &Instance, stage: &Stage) -> Result<()> {
    let mut new = Instance { stage: read.stage + 1, ..read.clone() };
    if !store::listing::is_in_stage(tx.db(), read.id, new.stage)? {
        return writes::save_instance(tx, read, &new);
    }
    let (now, zone) = (tx.now(), tx.zone());
    new.state = State::Open;
    new.opened_at = Some(now);
    new.due_at = rules::due_at(now, stage.days, zone);
    new.remind_at = rules::next_reminder(now, new.due_at, now, zone);
    writes::save_instance(tx, read, &new)?;
    let fact =
        Fact::ReviewStageOpened { review: read.name.clone(), stage: new.stage, due: new.due_at };
    tx.record(&fact, about(read))
}

/// What an earlier stage answered stands where the later ones were silent; then the instance ends.
fn stand(tx: &mut Tx<'_>, read: &Instance) -> Result<()> {
    let after = read.reached.map(ReviewItemId);
    let items = store::listing::silent_later(tx.db(), read.id, after, CHUNK)?;
    let Some(last) = items.last() else { return end(tx, read) };
    for item in &items {
        if let Some(earlier) = item.context.earlier.last() {
            writes::restore(tx, item, earlier)?;
        }
    }
    let new = Instance { reached: Some(last.id.0), ..read.clone() };
    writes::save_instance(tx, read, &new)
}
