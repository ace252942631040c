//! The cellar: the only room that knows which database it is.
//!
//! - `read` runs on a pooled connection, which on SQLite cannot write.
//! - `write` runs a whole command in one transaction with guarded writes. SQLite: one writer thread drains
//!   a queue into one `BEGIN IMMEDIATE .. COMMIT`, a savepoint per job, and answers after the commit (E13).
//!   PostgreSQL: a pooled connection, READ COMMITTED, run again on 40001 and 40P01.
//!   A command whose guarded write missed (`Stale`) is run again as a whole, up to ten times (E8).

pub mod backend;
pub mod columns;
mod locks;
pub mod migrate;
mod pool;
pub mod schema;
mod seek;
mod settings;
mod standing_in;
#[cfg(test)]
pub mod testing;
mod tx;
mod writer;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

pub use backend::{Address, Db, MultiBackend};
pub use locks::{hold_package, hold_people, hold_review, lock_package, lock_people, lock_review};
pub use seek::Seek;
pub use settings::{APPROVER_NAMES, set_setting, setting};
pub use standing_in::{awaited, links_from_all};
pub use tx::{By, Fixture, Tx, load_actor, load_told, stale_if_taken};

use crate::error::{Error, Result};
use crate::kernel::{Clocks, Zone};

/// How often a command is run again before it gives up (E8).
const TRIES: usize = 10;

/// The database of the installation, for reading and writing.
#[derive(Clone)]
pub struct Database {
    inner: Arc<Inner>,
}

struct Inner {
    address: Address,
    readers: pool::Pool,
    writer: Writer,
    clocks: Clocks,
    zone: Zone,
    nudge: std::sync::OnceLock<Nudge>,
    statements: AtomicU64,
}

/// Called after every write of this process that recorded a fact.
type Nudge = Box<dyn Fn() + Send + Sync>;

enum Writer {
    Queue(writer::Queue),
    Pool(pool::Pool),
}

impl Database {
    /// Opens the database; its schema must be there (`migrate::migrate`).
    ///
    /// # Errors
    /// When it cannot be reached.
    pub fn open(address: &Address, clocks: Clocks, zone: Zone) -> anyhow::Result<Self> {
        let writer = match address {
            Address::Sqlite(_) => Writer::Queue(writer::Queue::start(address)?),
            Address::Pg(_) => Writer::Pool(pool::Pool::open(address, Db::open)?),
        };
        Self::with(address, writer, clocks, zone)
    }

    /// Opens an SQLite database for one thread that fills it and nobody else: it does not wait for the disk,
    /// so it is to be thrown away if it is not finished.
    ///
    /// # Errors
    /// When it cannot be reached.
    pub fn open_scratch(address: &Address, clocks: Clocks, zone: Zone) -> anyhow::Result<Self> {
        let writer = Writer::Pool(pool::Pool::open(address, Db::open_scratch)?);
        Self::with(address, writer, clocks, zone)
    }

    fn with(address: &Address, writer: Writer, clocks: Clocks, zone: Zone) -> anyhow::Result<Self> {
        let readers = pool::Pool::open(address, Db::open_reader)?;
        let inner = Inner {
            address: address.clone(),
            readers,
            writer,
            clocks,
            zone,
            nudge: std::sync::OnceLock::new(),
            statements: AtomicU64::new(0),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The two clocks.
    #[must_use]
    pub fn clocks(&self) -> &Clocks {
        &self.inner.clocks
    }

    /// The organization's time zone.
    #[must_use]
    pub fn zone(&self) -> Zone {
        self.inner.zone
    }

    /// Where the data lives.
    #[must_use]
    pub fn address(&self) -> &Address {
        &self.inner.address
    }

    /// Reads with one connection.
    ///
    /// # Errors
    /// What `f` returns, or `Busy` when no connection was free in time.
    pub fn read<T>(&self, f: impl FnOnce(&mut Db) -> Result<T>) -> Result<T> {
        let mut connection = self.inner.readers.get()?;
        let (result, statements) = connection.counted(f);
        self.inner.statements.fetch_add(statements, Ordering::Relaxed);
        result
    }

    /// Runs a command in one transaction. It may be run several times: it must have no effect outside the database.
    ///
    /// # Errors
    /// What `f` returns; nothing is stored then.
    pub fn write<T, F>(&self, by: By, f: F) -> Result<T>
    where
        T: Send + 'static,
        F: Fn(&mut Tx<'_>) -> Result<T> + Send + Sync + 'static,
    {
        let f = Arc::new(f);
        for _ in 0..TRIES {
            let result = match &self.inner.writer {
                Writer::Queue(queue) => {
                    let (f, clocks, zone) =
                        (Arc::clone(&f), self.inner.clocks.clone(), self.inner.zone);
                    queue.run(move |db| Tx::run(db, by, &clocks, zone, &*f))
                }
                Writer::Pool(pool) => {
                    let mut connection = pool.get()?;
                    tx::in_transaction(&mut connection, |db| {
                        Tx::run(db, by, &self.inner.clocks, self.inner.zone, &*f)
                    })
                }
            };
            match result {
                Err(Error::Stale) => {}
                Err(other) => return Err(other),
                Ok((value, recorded)) => {
                    // Nothing happened without a fact: a job that found nothing to do wakes nobody.
                    if recorded && let Some(nudge) = self.inner.nudge.get() {
                        nudge();
                    }
                    return Ok(value);
                }
            }
        }
        Err(Error::Busy)
    }

    /// Sets what is called after every write that recorded a fact: it wakes whoever waits for new facts. The first caller wins.
    pub fn on_write(&self, nudge: Box<dyn Fn() + Send + Sync>) {
        let _ = self.inner.nudge.set(nudge);
    }

    /// How many statements reads have run so far: pages are held to a fixed number (E32).
    #[must_use]
    pub fn statements_read(&self) -> u64 {
        self.inner.statements.load(Ordering::Relaxed)
    }
}
