//! Pools of connections (r2d2), with a manager of our own that picks the database by its address.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use diesel::connection::{Instrumentation, InstrumentationEvent};
use diesel::r2d2::{self, ManageConnection, PooledConnection};
use diesel::{Connection, RunQueryDsl};

use super::backend::{Address, Db};
use crate::error::{Error, Result};

/// Longer than this nobody waits for a connection: the answer is 503 with Retry-After (E13).
const CHECKOUT: Duration = Duration::from_secs(5);
const SIZE: u32 = 12;

pub(super) struct Manager {
    address: Address,
    open: fn(&Address) -> diesel::ConnectionResult<Db>,
}

/// A connection that counts what it runs.
pub(super) struct Counted {
    db: Db,
    statements: Arc<AtomicU64>,
}

impl Counted {
    pub(super) fn counted<T>(&mut self, f: impl FnOnce(&mut Db) -> T) -> (T, u64) {
        self.statements.store(0, Ordering::Relaxed);
        let result = f(&mut self.db);
        (result, self.statements.load(Ordering::Relaxed))
    }

    pub(super) fn db(&mut self) -> &mut Db {
        &mut self.db
    }
}

struct Counter(Arc<AtomicU64>);

impl Instrumentation for Counter {
    fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
        if let InstrumentationEvent::StartQuery { .. } = event {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl ManageConnection for Manager {
    type Connection = Counted;
    type Error = r2d2::Error;

    fn connect(&self) -> Result<Counted, r2d2::Error> {
        let mut db = (self.open)(&self.address).map_err(r2d2::Error::ConnectionError)?;
        let statements = Arc::new(AtomicU64::new(0));
        db.set_instrumentation(Counter(Arc::clone(&statements)));
        Ok(Counted { db, statements })
    }

    fn is_valid(&self, connection: &mut Counted) -> Result<(), r2d2::Error> {
        diesel::sql_query("SELECT 1")
            .execute(&mut connection.db)
            .map(|_| ())
            .map_err(r2d2::Error::QueryError)
    }

    fn has_broken(&self, connection: &mut Counted) -> bool {
        std::thread::panicking() || diesel::r2d2::R2D2Connection::is_broken(&mut connection.db)
    }
}

pub(super) struct Pool(r2d2::Pool<Manager>);

impl Pool {
    pub(super) fn open(
        address: &Address,
        open: fn(&Address) -> diesel::ConnectionResult<Db>,
    ) -> anyhow::Result<Self> {
        let pg = matches!(address, Address::Pg(_));
        let pool = r2d2::Pool::builder()
            .max_size(SIZE)
            .min_idle(Some(1))
            .connection_timeout(CHECKOUT)
            // A server may have gone away; a file has not.
            .test_on_check_out(pg)
            .build(Manager { address: address.clone(), open })?;
        Ok(Self(pool))
    }

    pub(super) fn get(&self) -> Result<PooledConnection<Manager>> {
        self.0.get().map_err(|error| {
            tracing::warn!(%error, "no database connection was free in time");
            Error::Busy
        })
    }
}
