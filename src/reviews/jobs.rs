//! The timers of reviews: instances that start, go on starting, are reminded of, close and are carried out. Each step is a
//! guarded transaction of its own, so that several replicas may run them and none is lost when one is killed.

use std::sync::Arc;

use super::model::State;
use super::{commands, rules, snapshot, store};
use crate::access::policy;
use crate::db::{By, Database, Tx};
use crate::error::{Error, Result};
use crate::kernel::{ReviewInstanceId, Ts};

/// As many reviews as one look takes.
const CHUNK: i64 = 50;

const BY: By = By::System("Keyholder");

/// Runs everything that is due; returns how many things happened. What fails is logged and passed over.
///
/// # Errors
/// When the database does not answer.
pub fn run_due(db: &Database) -> Result<usize> {
    let now = db.clocks().business.now();
    let mut done = begin(db, now)?;
    for instance in db.read(|db| store::in_state(db, &[State::Starting]))? {
        // In the order of the chunks, until it is open; other work comes in between.
        let departments = Arc::new(snapshot::Departments::default());
        let go_on =
            move |tx: &mut Tx<'_>| snapshot::go_on(tx, instance.id, &departments).map(usize::from);
        while step(db, instance.id, go_on.clone())? > 0 {
            done += 1;
        }
    }
    for instance in db.read(|db| store::in_state(db, &[State::Open]))? {
        let id = instance.id;
        // Only what has news is written to.
        let since = instance.looked_at;
        if !db.read(|db| store::ended_since(db, id, since))?.is_empty() {
            done += step(db, id, move |tx| commands::look(tx, id))?;
        }
        if !db.read(|db| store::listing::orphans(db, id, None, 1))?.is_empty() {
            done += step(db, id, move |tx| commands::rehouse(tx, id))?;
        }
        if instance.due_at <= now {
            done += step(db, id, move |tx| {
                let permit = policy::run_system(tx.actor())?;
                commands::close_due(tx, &permit, id).map(usize::from)
            })?;
        } else if instance.remind_at.is_some_and(|at| at <= now) {
            done += step(db, id, move |tx| commands::remind(tx, id).map(usize::from))?;
        }
    }
    for instance in db.read(|db| store::in_state(db, &[State::Between]))? {
        let id = instance.id;
        while step(db, id, move |tx| commands::advance(tx, id).map(usize::from))? > 0 {
            done += 1;
        }
    }
    for instance in db.read(|db| store::in_state(db, &[State::Applying]))? {
        let id = instance.id;
        if instance.pace.is_none() {
            let answers = db.read(|db| store::listing::answered_when(db, id))?;
            let seconds = rules::pace(&answers).unwrap_or(0);
            step(db, id, move |tx| store::writes::save_pace(tx, id, seconds))?;
        }
        while step(db, id, move |tx| commands::outcomes(tx, id).map(usize::from))? > 0 {
            done += 1;
        }
    }
    done += removals(db, now)?;
    let mut all = db.read(store::listing::with_removals)?;
    let applying = db.read(|db| store::in_state(db, &[State::Applying]))?;
    all.extend(applying.into_iter().map(|instance| instance.id));
    all.sort_unstable();
    all.dedup();
    for id in all {
        let news = db.read(|db| {
            let instance = store::instance(db, id)?;
            commands::has_news(db, &instance, now)
        })?;
        if news {
            done += step(db, id, move |tx| commands::confirmed(tx, id))?;
        }
    }
    Ok(done)
}

/// Carries out what is due, many at a time; where that fails, one by one, so that one broken row keeps nobody else's
/// access from ending.
fn removals(db: &Database, now: Ts) -> Result<usize> {
    let mut done = 0;
    loop {
        match db.write(BY, |tx| commands::removals(tx, None)) {
            Ok(0) => return Ok(done),
            Ok(n) => done += n,
            Err(error) => {
                tracing::warn!(%error, "removals of reviews are carried out one by one");
                break;
            }
        }
    }
    for item in db.read(|db| store::listing::due_removals(db, now, 200))? {
        let id = item.id;
        match db.write(BY, move |tx| commands::removals(tx, Some(id))) {
            Ok(n) => done += n,
            Err(error) => {
                tracing::error!(%error, %id, "a removal of a review fails; it is tried again");
            }
        }
    }
    Ok(done)
}

fn begin(db: &Database, now: Ts) -> Result<usize> {
    let mut done = 0;
    for id in db.read(|db| store::due_to_start(db, now, CHUNK))? {
        match db.write(BY, move |tx| snapshot::begin(tx, id)) {
            Ok(begun) => done += usize::from(begun.is_some()),
            Err(Error::Busy) => return Err(Error::Busy),
            Err(error) => tracing::error!(%error, %id, "a review cannot start; it is tried again"),
        }
    }
    Ok(done)
}

fn step(
    db: &Database,
    id: ReviewInstanceId,
    f: impl Fn(&mut Tx<'_>) -> Result<usize> + Send + Sync + 'static,
) -> Result<usize> {
    match db.write(BY, f) {
        Ok(n) => Ok(n),
        // What is busy with others is tried in the next turn, and holds up no other instance.
        Err(error) => {
            tracing::error!(%error, %id, "a step of a review failed; it is tried again");
            Ok(0)
        }
    }
}
