//! Timers: stages that run out, scheduled starts, ends of access. They carry no ids: each run looks at what is
//! due, in due order (E3), and every step is a guarded transaction of its own, so several replicas may run them.

use super::{commands, store};
use crate::assignments;
use crate::db::{By, Database};
use crate::error::{Error, Result};
use crate::kernel::fact::EndReason;
use crate::kernel::{AssignmentId, Ts};

/// As many rows as one step takes.
const CHUNK: i64 = 200;

/// Runs everything that is due by now; returns how many things happened.
///
/// # Errors
/// When the database does not answer.
pub fn run_due(db: &Database) -> Result<usize> {
    let mut done = 0;
    loop {
        let now = db.clocks().business.now();
        let (stage, start, end) = db.read(|c| {
            Ok((
                store::next_due(c, now)?,
                assignments::store::next_start(c, now)?,
                assignments::store::next_end(c, now)?,
            ))
        })?;
        let Some(first) = [stage, start, end].into_iter().flatten().min() else { return Ok(done) };
        // All of one kind up to the next due of another kind.
        let until =
            |others: [Option<Ts>; 2]| others.into_iter().flatten().min().unwrap_or(now).max(first);
        let step = if stage == Some(first) {
            expire_stages(db, until([start, end]))?
        } else if start == Some(first) {
            start_scheduled(db, until([stage, end]))?
        } else {
            end_expired(db, until([stage, start]))?
        };
        if step == 0 {
            return Ok(done);
        }
        done += step;
    }
}

fn expire_stages(db: &Database, until: Ts) -> Result<usize> {
    let ids = db.read(|c| store::due(c, until, CHUNK))?;
    let mut done = 0;
    for id in ids {
        done += settled(db.write(By::System("Keyholder"), move |tx| commands::expire(tx, id)))?;
    }
    Ok(done)
}

fn start_scheduled(db: &Database, until: Ts) -> Result<usize> {
    let due = db.read(|c| assignments::store::due_to_start(c, until, CHUNK))?;
    let mut done = 0;
    for named in due {
        let id = named.assignment.id;
        done += settled(
            db.write(By::System("Keyholder"), move |tx| commands::start_scheduled(tx, id)),
        )?;
    }
    Ok(done)
}

/// Ends what is due, set-based, in chunks by key range: one transaction and a fixed number of statements a chunk.
fn end_expired(db: &Database, until: Ts) -> Result<usize> {
    let mut after: Option<(Ts, AssignmentId)> = None;
    let mut done = 0;
    loop {
        let (count, last) = db.write(By::System("Keyholder"), move |tx| {
            let all = assignments::store::due_to_end(tx.db(), until, after, CHUNK)?;
            assignments::commands::end_all(tx, &all, EndReason::Expired, "")?;
            for named in &all {
                commands::assignment_ended(tx, named.assignment.request_id, "its time was over")?;
            }
            let last =
                all.last().and_then(|n| n.assignment.ends_at.map(|at| (at, n.assignment.id)));
            Ok((all.len(), last))
        })?;
        done += count;
        if count < usize::try_from(CHUNK).unwrap_or(usize::MAX) || last.is_none() {
            return Ok(done);
        }
        after = last;
    }
}

/// A timer that was overtaken by a person's decision has nothing left to do; the rest is tried again next time.
fn settled(result: Result<()>) -> Result<usize> {
    match result {
        Ok(()) => Ok(1),
        Err(Error::Busy | Error::Refused(_)) => Ok(0),
        Err(other) => Err(other),
    }
}
