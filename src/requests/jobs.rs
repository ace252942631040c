//! Timers: stages that run out, scheduled starts, ends of access. Each turn looks at what is due, in due order (E3),
//! and every step is a guarded transaction of its own, so several replicas may run them.

use super::{commands, store};
use crate::assignments;
use crate::db::{By, Database};
use crate::error::{Error, Result};
use crate::kernel::fact::EndReason;
use crate::kernel::{AssignmentId, RequestId, Ts};

/// As many rows of a kind as one look takes, and as many ends as one transaction carries.
const CHUNK: usize = 200;

/// Something that is due.
#[derive(Clone, Copy)]
enum Due {
    Stage(Ts, RequestId),
    Start(Ts, AssignmentId),
    End(Ts, AssignmentId),
}

impl Due {
    fn at(&self) -> Ts {
        match self {
            Self::Stage(at, _) | Self::Start(at, _) | Self::End(at, _) => *at,
        }
    }
}

/// How far a turn has come with each kind; what failed is behind it, and is tried again in the next turn.
#[derive(Default)]
struct Reached {
    stage: Option<(Ts, RequestId)>,
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
            done += match due {
                Due::Stage(at, id) => {
                    reached.stage = Some((at, id));
                    let expired = db.write(BY, move |tx| commands::expire(tx, id));
                    passed(expired.map(usize::from), &id)?
                }
                Due::Start(at, id) | Due::End(at, id) => {
                    reached.start = Some((at, id));
                    let started = db.write(BY, move |tx| commands::start_scheduled(tx, id));
                    passed(started.map(usize::from), &id)?
                }
            };
        }
        done += end_expired(db, &ends)?;
    }
}

const BY: By = By::System("Keyholder");

/// The next things that are due, in order. Where a kind has more than one look takes, the others wait at its last.
fn look(db: &Database, now: Ts, reached: &Reached) -> Result<Vec<Due>> {
    let limit = i64::try_from(CHUNK).unwrap_or(i64::MAX);
    let (stages, starts, ends) = db.read(|c| {
        Ok((
            store::due(c, now, reached.stage, limit)?,
            assignments::store::due_to_start(c, now, reached.start, limit)?,
            assignments::store::due_to_end(c, now, reached.end, limit)?,
        ))
    })?;
    let horizon = [
        (stages.len(), stages.last().map(|(at, _)| *at)),
        (starts.len(), starts.last().map(|(at, _)| *at)),
        (ends.len(), ends.last().map(|(at, _)| *at)),
    ];
    let horizon = horizon.into_iter().filter(|(n, _)| *n == CHUNK).filter_map(|(_, at)| at).min();
    let mut all: Vec<Due> = stages.into_iter().map(|(at, id)| Due::Stage(at, id)).collect();
    all.extend(starts.into_iter().map(|(at, id)| Due::Start(at, id)));
    all.extend(ends.into_iter().map(|(at, id)| Due::End(at, id)));
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
        let all = assignments::store::still_due(tx.db(), &ids, now)?;
        let ended = assignments::commands::end_all(tx, &all, EndReason::Expired, "")?;
        for named in &ended {
            commands::assignment_ended(tx, named.assignment.request_id, "its time was over")?;
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
