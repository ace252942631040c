//! The schema: embedded migrations for each database, run at start or by `keyholder migrate`.

use anyhow::{Context, anyhow};
use diesel::RunQueryDsl;
use diesel::connection::AnsiTransactionManager;
use diesel::connection::TransactionManager;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use super::backend::{Address, Db};

const POSTGRES: EmbeddedMigrations = embed_migrations!("migrations/postgres");
const SQLITE: EmbeddedMigrations = embed_migrations!("migrations/sqlite");
/// The number that replicas agree on for the lock around the migrations (the exception of E5).
const LOCK: i64 = 0x6b65_7968;

/// Brings the schema up to date; returns the names of the migrations that ran.
///
/// # Errors
/// When the database cannot be reached, or a migration fails (it is rolled back).
pub fn migrate(address: &Address) -> anyhow::Result<Vec<String>> {
    match Db::open(address).context("cannot open the database")? {
        Db::Sqlite(mut connection) => {
            AnsiTransactionManager::begin_transaction_sql(&mut connection, "BEGIN IMMEDIATE")?;
            let ran = pending(&mut connection, SQLITE);
            finish(&mut connection, ran)
        }
        Db::Pg(mut connection) => {
            AnsiTransactionManager::begin_transaction(&mut connection)?;
            // Several replicas start at once: the second waits here, then finds nothing to do.
            diesel::sql_query(format!("SELECT pg_advisory_xact_lock({LOCK})"))
                .execute(&mut connection)?;
            let ran = pending(&mut connection, POSTGRES);
            finish(&mut connection, ran)
        }
    }
}

fn pending<C, B>(connection: &mut C, migrations: EmbeddedMigrations) -> anyhow::Result<Vec<String>>
where
    C: MigrationHarness<B>,
    B: diesel::backend::Backend,
{
    let ran = connection
        .run_pending_migrations(migrations)
        .map_err(|e| anyhow!("migration failed: {e}"))?;
    Ok(ran.iter().map(ToString::to_string).collect())
}

fn finish<C>(connection: &mut C, ran: anyhow::Result<Vec<String>>) -> anyhow::Result<Vec<String>>
where
    C: diesel::Connection<TransactionManager = AnsiTransactionManager>,
{
    if ran.is_ok() {
        AnsiTransactionManager::commit_transaction(connection)?;
    } else {
        AnsiTransactionManager::rollback_transaction(connection)?;
    }
    ran
}
