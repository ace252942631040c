//! The timer of stand-ins: what is over is said to be (E3). Nothing waits for it: a period that is over counts no more.

use super::{commands, store};
use crate::db::{By, Database};
use crate::error::{Error, Result};
use crate::kernel::{StandInId, Ts};

/// As many periods as one look takes.
const CHUNK: i64 = 200;

/// Ends every period whose time is over by now; returns how many. What fails is logged and passed over.
///
/// # Errors
/// When the database does not answer.
pub fn run_due(db: &Database) -> Result<usize> {
    let now = db.clocks().business.now();
    let mut done = 0;
    let mut reached: Option<(Ts, StandInId)> = None;
    loop {
        let due = db.read(|c| store::due(c, now, reached, CHUNK))?;
        if due.is_empty() {
            return Ok(done);
        }
        for (at, id) in due {
            reached = Some((at, id));
            match db.write(By::System("Keyholder"), move |tx| commands::end_due(tx, id)) {
                Ok(ended) => done += usize::from(ended),
                Err(Error::Busy) => return Err(Error::Busy),
                Err(error) => {
                    tracing::error!(%error, %id, "a stand-in's time cannot be ended; it is tried again");
                }
            }
        }
    }
}
