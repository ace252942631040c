//! Timers: stages that run out, alternates that join, reminders, scheduled starts, ends of access and their announcement. Each turn looks at what is due, in due order (E3),
//! and every step is a guarded transaction of its own, so several replicas may run them.

use super::{commands, store};
use crate::assignments;
use crate::db::{By, Database, lock_people};
use crate::error::{Error, Result};
use crate::kernel::fact::EndReason;
use crate::kernel::{AssignmentId, RequestId, StageId, Ts};

/// As many rows of a kind as one look takes, and as many ends as one transaction carries.
const CHUNK: usize = 200;

/// Something that is due.
#[derive(Clone, Copy)]
enum Due {
    Stage(Ts, RequestId),
    Alternates(Ts, StageId),
    Remind(Ts, StageId),
    Start(Ts, AssignmentId),
    Warn(Ts, AssignmentId),
    End(Ts, AssignmentId),
}

impl Due {
    fn at(&self) -> Ts {
        match self {
            Self::Stage(at, _)
            | Self::Alternates(at, _)
            | Self::Remind(at, _)
            | Self::Start(at, _)
            | Self::Warn(at, _)
            | Self::End(at, _) => *at,
        }
    }
}

/// How far a turn has come with each kind; what failed is behind it, and is tried again in the next turn.
#[derive(Default)]
struct Reached {
    stage: Option<(Ts, RequestId)>,
    alternates: Option<(Ts, StageId)>,
    remind: Option<(Ts, StageId)>,
    warn: Option<(Ts, AssignmentId)>,
    start: Option<(Ts, AssignmentId)>,
    end: Option<(Ts, AssignmentId)>,
}

/// Runs everything that is due by now; returns how many things happened. What fails is logged and passed over, so
/// that one broken row does not keep everybody's access from ending.
///
/// # Errors
/// When the database does not answer.
pub fn run_due(db: &Database) -> Result<usize> {
    let now = db.clocks().business.now();
    let mut reached = Reached::default();
    let mut done = 0;
    loop {
        let all = look(db, now, &reached)?;
        if all.is_empty() {
            return Ok(done);
        }
        let mut ends = Vec::new();
        for due in all {
            if let Due::End(at, id) = due {
                reached.end = Some((at, id));
                ends.push(id);
                continue;
            }
            done += end_expired(db, &std::mem::take(&mut ends))?;
            done += one(db, due, &mut reached)?;
        }
        done += end_expired(db, &ends)?;
    }
}

const BY: By = By::System("Keyholder");

/// What is due and not the end of access, in a transaction of its own.
fn one(db: &Database, due: Due, reached: &mut Reached) -> Result<usize> {
    match due {
        Due::Stage(at, id) => {
            reached.stage = Some((at, id));
            passed(db.write(BY, move |tx| commands::expire(tx, id)).map(usize::from), &id)
        }
        Due::Alternates(at, id) => {
            reached.alternates = Some((at, id));
            passed(db.write(BY, move |tx| commands::alternates_join(tx, id)).map(usize::from), &id)
        }
        Due::Remind(at, id) => {
            reached.remind = Some((at, id));
            passed(db.write(BY, move |tx| commands::remind_due(tx, id)).map(usize::from), &id)
        }
        Due::Warn(at, id) => {
            reached.warn = Some((at, id));
            let warned = db.write(BY, move |tx| assignments::commands::warn(tx, id));
            passed(warned.map(usize::from), &id)
        }
        Due::Start(at, id) | Due::End(at, id) => {
            reached.start = Some((at, id));
            passed(db.write(BY, move |tx| commands::start_scheduled(tx, id)).map(usize::from), &id)
        }
    }
}

/// The next things that are due, in order. Where a kind has more than one look takes, the others wait at its last.
fn look(db: &Database, now: Ts, reached: &Reached) -> Result<Vec<Due>> {
    let limit = i64::try_from(CHUNK).unwrap_or(i64::MAX);
    let mut all: Vec<Due> = Vec::new();
    let mut horizon: Option<Ts> = None;
    db.read(|c| {
        let mut add = |due: Vec<Due>| {
            if let (CHUNK, Some(last)) = (due.len(), due.last()) {
                horizon = Some(horizon.map_or(last.at(), |h| h.min(last.at())));
            }
            all.extend(due);
        };
        let kind = |rows: Vec<_>, of: fn(Ts, _) -> Due| -> Vec<Due> {
            rows.into_iter().map(|(at, id)| of(at, id)).collect()
        };
        let stage = |rows: Vec<_>, of: fn(Ts, _) -> Due| -> Vec<Due> {
            rows.into_iter().map(|(at, id)| of(at, id)).collect()
        };
        let due = store::due(c, now, reached.stage, limit)?;
        add(due.into_iter().map(|(at, id)| Due::Stage(at, id)).collect());
        add(stage(store::due_alternates(c, now, reached.alternates, limit)?, Due::Alternates));
        add(stage(store::due_reminders(c, now, reached.remind, limit)?, Due::Remind));
        add(kind(assignments::store::due_to_start(c, now, reached.start, limit)?, Due::Start));
        add(kind(assignments::store::due_to_warn(c, now, reached.warn, limit)?, Due::Warn));
        add(kind(assignments::store::due_to_end(c, now, reached.end, limit)?, Due::End));
        Ok(())
    })?;
    all.retain(|due| horizon.is_none_or(|horizon| due.at() <= horizon));
    all.sort_by_key(Due::at);
    Ok(all)
}

/// Ends what is due, set-based: one transaction and a fixed number of statements. If one of them fails, each gets a
/// transaction of its own.
fn end_expired(db: &Database, ids: &[AssignmentId]) -> Result<usize> {
    if ids.is_empty() {
        return Ok(0);
    }
    match end_all(db, ids) {
        Err(Error::Busy) => Err(Error::Busy),
        Err(error) if ids.len() > 1 => {
            tracing::error!(%error, "cannot end assignments together; each is tried alone");
            ids.iter().map(|id| passed(end_all(db, &[*id]), id)).sum()
        }
        result => passed(result, &ids[0]),
    }
}

fn end_all(db: &Database, ids: &[AssignmentId]) -> Result<usize> {
    let ids = ids.to_vec();
    db.write(BY, move |tx| {
        let now = tx.now();
        let due = assignments::store::still_due(tx.db(), &ids, now)?;
        let people: Vec<_> = due.iter().map(|named| named.assignment.target_id).collect();
        lock_people(tx, &people)?;
        // What got more time until then goes on.
        let all = assignments::store::still_due(tx.db(), &ids, now)?;
        let ended = assignments::commands::end_all(tx, &all, EndReason::Expired, "")?;
        for named in &ended {
            commands::assignment_ended(tx, named, "its time was over")?;
        }
        Ok(ended.len())
    })
}

/// What fails by itself is logged; a database that does not answer ends the turn.
fn passed(result: Result<usize>, id: &impl std::fmt::Display) -> Result<usize> {
    match result {
        Err(Error::Busy) => Err(Error::Busy),
        Err(error) => {
            tracing::error!(%error, %id, "a timer failed; it is tried again in its next turn");
            Ok(0)
        }
        done => done,
    }
}
