//! Fresh databases for tests in the crate: SQLite always, PostgreSQL too where `TEST_POSTGRES` names
//! a server by the address of a superuser. They vanish with the thread of the test that made them.

use std::cell::RefCell;
use std::sync::Arc;

use diesel::RunQueryDsl;

use super::{Address, Database, Db, migrate};
use crate::kernel::time::Fixed;
use crate::kernel::{Clocks, Ts, Zone};

/// A Monday morning.
pub const START: &str = "2026-03-02T09:00:00Z";

/// A clock that stands at [`START`] until the test moves it; see [`databases_on`].
pub fn clock() -> Arc<Fixed> {
    Arc::new(Fixed::at(Ts::new(START.parse().expect("a time"))))
}

/// One fresh, empty database of each kind, whose clocks stand at [`START`].
pub fn databases() -> Vec<Database> {
    databases_on(&clock())
}

/// One fresh, empty database of each kind; `clock` is their business and their wall time.
pub fn databases_on(clock: &Arc<Fixed>) -> Vec<Database> {
    databases_with(&Clocks { business: clock.clone(), wall: clock.clone() })
}

/// One fresh, empty database of each kind with these two clocks.
pub fn databases_with(clocks: &Clocks) -> Vec<Database> {
    addresses().iter().map(|address| open(address, clocks)).collect()
}

/// One fresh, empty database of each kind, each with a clock of its own: what passes on one does not pass on the other.
pub fn databases_apart() -> Vec<(Database, Arc<Fixed>)> {
    let apart = |address: &Address| {
        let clock = clock();
        let clocks = Clocks { business: clock.clone(), wall: clock.clone() };
        (open(address, &clocks), clock)
    };
    addresses().iter().map(apart).collect()
}

fn addresses() -> Vec<Address> {
    let mut addresses = vec![sqlite()];
    #[expect(clippy::disallowed_methods, reason = "tests have no configuration but this")]
    if let Ok(server) = std::env::var("TEST_POSTGRES") {
        addresses.push(postgres(&server));
    }
    addresses
}

fn open(address: &Address, clocks: &Clocks) -> Database {
    migrate::migrate(address).expect("the schema");
    let db = Database::open(address, clocks.clone(), Zone::UTC).expect("a database");
    // What is approved is delivered at once; tests of the undo window set one (D40).
    let at_once = |tx: &mut super::Tx<'_>| super::set_setting(tx, "organization.undo_seconds", "0");
    db.write(super::By::System("test"), at_once).expect("a setting");
    db
}

fn sqlite() -> Address {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("test.db").to_string_lossy().into_owned();
    keep(Fresh::File(folder));
    Address::Sqlite(path)
}

fn postgres(server: &str) -> Address {
    let name = format!("keyholder_test_{}", uuid::Uuid::now_v7().simple());
    run(server, &format!("CREATE DATABASE {name}"));
    let mut url = url::Url::parse(server).expect("TEST_POSTGRES is an address");
    url.set_path(&name);
    keep(Fresh::Server { server: server.to_owned(), name });
    Address::Pg(url.into())
}

fn run(server: &str, statement: &str) {
    let mut db = Db::open(&Address::Pg(server.to_owned())).expect("the server of TEST_POSTGRES");
    diesel::sql_query(statement).execute(&mut db).expect("a superuser");
}

/// What is taken away when the test's thread ends.
enum Fresh {
    File(#[expect(dead_code, reason = "dropping it removes the folder")] tempfile::TempDir),
    Server { server: String, name: String },
}

impl Drop for Fresh {
    fn drop(&mut self) {
        if let Self::Server { server, name } = self {
            run(server, &format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"));
        }
    }
}

thread_local! {
    static KEPT: RefCell<Vec<Fresh>> = const { RefCell::new(Vec::new()) };
}

fn keep(fresh: Fresh) {
    KEPT.with_borrow_mut(|kept| kept.push(fresh));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::{By, set_setting, setting};

    #[test]
    fn every_database_is_empty_and_tells_the_time_of_the_test() {
        let clock = clock();
        for db in databases_on(&clock) {
            assert_eq!(db.read(|db| setting(db, "a")).expect("an answer"), None);
            let before = db.write(By::System("test"), |tx| {
                set_setting(tx, "a", "b")?;
                Ok(tx.now())
            });
            clock.advance(60);
            let after = db.write(By::System("test"), |tx| Ok(tx.now())).expect("a time");
            assert_eq!(after.seconds_since(before.expect("a time")), 60);
            assert_eq!(db.read(|db| setting(db, "a")).expect("an answer").as_deref(), Some("b"));
        }
    }
}
