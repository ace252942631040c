use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection, SqliteConnection};

use crate::support::database::FreshDatabase;

#[test]
fn sqlite_databases_are_empty_and_gone_afterward() {
    let database = FreshDatabase::sqlite();
    let path = database.url().strip_prefix("sqlite:").expect("the address of a file").to_owned();
    let mut connection = SqliteConnection::establish(&path).unwrap();
    connection.batch_execute("CREATE TABLE person (name TEXT)").unwrap();
    assert!(std::fs::exists(&path).unwrap());
    drop(database);
    assert!(!std::fs::exists(&path).unwrap());
}

#[test]
fn postgres_databases_do_not_share_tables() {
    let (Some(one), Some(other)) = (FreshDatabase::postgres(), FreshDatabase::postgres()) else {
        return;
    };
    for database in [&one, &other] {
        let mut connection = PgConnection::establish(database.url()).unwrap();
        connection.batch_execute("CREATE TABLE person (name TEXT)").unwrap();
    }
}

#[test]
fn postgres_databases_are_gone_afterward_though_somebody_is_connected() {
    let Some(database) = FreshDatabase::postgres() else { return };
    let url = database.url().to_owned();
    let mut connection = PgConnection::establish(&url).unwrap();
    drop(database);
    assert!(connection.batch_execute("SELECT 1").is_err());
    assert!(PgConnection::establish(&url).is_err());
}

#[test]
fn the_database_is_of_the_kind_that_was_asked_for() {
    let Some(database) = FreshDatabase::fresh() else { return };
    let postgres = std::env::var_os("TEST_DATABASE").is_some_and(|kind| kind == "postgres");
    assert_eq!(database.url().starts_with("postgres://"), postgres, "{}", database.url());
}
