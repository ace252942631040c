//! The two schemas are one: what `schema.rs` says is there on both databases, and every migration goes both ways.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use diesel::RunQueryDsl;
use diesel::migration::MigrationSource;
use diesel_migrations::{FileBasedMigrations, MigrationHarness};
use keyholder::db::{Address, Db, migrate};

use crate::support::database::FreshDatabase;
use crate::support::tables::{column, columns, names};

/// Type and whether it may be empty, by table and column.
type Schema = BTreeMap<(String, String), (String, bool)>;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

/// What `schema.rs` says, and the columns of each key.
fn said() -> (Schema, BTreeMap<String, Vec<String>>) {
    let text = fs::read_to_string(root().join("src/db/schema.rs")).unwrap();
    let (mut schema, mut keys, mut table) = (Schema::new(), BTreeMap::new(), String::new());
    for line in text.lines().map(str::trim) {
        if let Some((name, rest)) = line.split_once(" (").filter(|_| line.ends_with(") {")) {
            let key = rest.trim_end_matches(") {").split(", ").map(str::to_owned).collect();
            table = name.to_owned();
            keys.insert(table.clone(), key);
        } else if let Some((column, kind)) = line.split_once(" -> ").filter(|_| line.ends_with(','))
        {
            let kind = kind.trim_end_matches(',');
            let inner = kind.strip_prefix("Nullable<").map(|inner| inner.trim_end_matches('>'));
            let stands = (inner.unwrap_or(kind).to_owned(), inner.is_some());
            schema.insert((table.clone(), column.to_owned()), stands);
        }
    }
    assert!(schema.len() > 150, "schema.rs was not understood: {} columns", schema.len());
    (schema, keys)
}

/// What the database has, in the same words.
fn there(db: &mut Db) -> Schema {
    let sql = match db {
        Db::Pg(_) => {
            "SELECT table_name || ' ' || column_name || ' ' || \
                    (CASE is_nullable WHEN 'YES' THEN 1 ELSE 0 END) || ' ' || data_type AS value \
             FROM information_schema.columns WHERE table_schema = 'public'"
        }
        Db::Sqlite(_) => {
            "SELECT t.name || ' ' || c.name || ' ' || (c.\"notnull\" = 0 AND c.pk = 0) || ' ' || c.type AS value \
             FROM sqlite_master t, pragma_table_info(t.name) c WHERE t.type = 'table'"
        }
    };
    let lines = column(db, sql).unwrap();
    let mut schema = Schema::new();
    for line in
        lines.iter().filter(|line| !line.starts_with("__diesel") && !line.starts_with("sqlite_"))
    {
        let [table, column, nullable, kind] = line.splitn(4, ' ').collect::<Vec<_>>()[..] else {
            panic!("{line}")
        };
        let at = (table.to_owned(), column.to_owned());
        schema.insert(at, (kind.to_owned(), nullable == "1"));
    }
    schema
}

/// How a type of `schema.rs` stands in a database (E4).
fn stands(kind: &str, postgres: bool) -> &'static str {
    match (kind, postgres) {
        ("Uid", true) => "uuid",
        ("Stamp", true) => "timestamp with time zone",
        ("Text", true) => "text",
        ("Bool", true) => "boolean",
        ("BigInt", true) => "bigint",
        ("Uid" | "Stamp" | "Text", false) => "TEXT",
        ("Bool", false) => "BOOLEAN",
        ("BigInt", false) => "BIGINT",
        (other, _) => panic!("{other} is no type of E4"),
    }
}

/// Every index as `table: columns, unique, condition`, and every foreign key as `table.column -> table.column`.
fn keys_and_indexes(db: &mut Db) -> BTreeSet<String> {
    let sql: &[&str] = match db {
        Db::Pg(_) => &[
            "SELECT t.relname || ': ' || (SELECT string_agg(a.attname, ' ' ORDER BY k.n) \
                FROM unnest(i.indkey) WITH ORDINALITY k(attnum, n) \
                JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = k.attnum) \
                || CASE WHEN i.indisunique THEN ' unique' ELSE '' END \
                || CASE WHEN i.indpred IS NULL THEN '' ELSE ' some' END AS value \
             FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid \
             JOIN pg_namespace n ON n.oid = t.relnamespace WHERE n.nspname = 'public'",
            "SELECT c.conrelid::regclass || '.' || a.attname || ' -> ' || c.confrelid::regclass AS value \
             FROM pg_constraint c JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1] \
             WHERE c.contype = 'f'",
        ],
        Db::Sqlite(_) => &[
            "SELECT t.name || ': ' || (SELECT group_concat(name, ' ') FROM pragma_index_info(i.name)) \
                || iif(i.\"unique\", ' unique', '') || iif(i.partial, ' some', '') AS value \
             FROM sqlite_master t, pragma_index_list(t.name) i WHERE t.type = 'table'",
            "SELECT t.name || '.' || f.\"from\" || ' -> ' || f.\"table\" AS value \
             FROM sqlite_master t, pragma_foreign_key_list(t.name) f WHERE t.type = 'table'",
        ],
    };
    let all = sql.iter().flat_map(|sql| column(db, sql).unwrap());
    all.filter(|line| !line.starts_with("__diesel")).collect()
}

fn databases() -> Vec<FreshDatabase> {
    std::iter::once(FreshDatabase::sqlite()).chain(FreshDatabase::postgres()).collect()
}

fn open(database: &FreshDatabase) -> Db {
    Db::open(&Address::parse(database.url()).unwrap()).unwrap()
}

fn migrated(database: &FreshDatabase) -> Db {
    migrate::migrate(&Address::parse(database.url()).unwrap()).unwrap();
    open(database)
}

#[test]
fn e04_every_column_is_there_on_both_with_its_type() {
    let (said, keys) = said();
    for database in databases() {
        let mut db = migrated(&database);
        let postgres = matches!(db, Db::Pg(_));
        let there = there(&mut db);
        let said: Schema = said
            .iter()
            .map(|(at, (kind, empty))| (at.clone(), (stands(kind, postgres).to_owned(), *empty)))
            .collect();
        for (at, kind) in &said {
            assert_eq!(there.get(at), Some(kind), "{at:?} of schema.rs, PostgreSQL: {postgres}");
        }
        for at in there.keys() {
            assert!(said.contains_key(at), "{at:?} is not in schema.rs, PostgreSQL: {postgres}");
        }
        let indexes = keys_and_indexes(&mut db);
        for (table, key) in &keys {
            let line = format!("{table}: {} unique", key.join(" "));
            assert!(indexes.contains(&line), "{line} is missing, PostgreSQL: {postgres}");
        }
    }
}

#[test]
fn both_databases_have_the_same_keys_and_indexes() {
    let mut all: Vec<BTreeSet<String>> = Vec::new();
    for database in databases() {
        all.push(keys_and_indexes(&mut migrated(&database)));
    }
    let [sqlite, postgres] = &all[..] else { return };
    let only = |one: &BTreeSet<String>, other: &BTreeSet<String>| -> Vec<String> {
        one.difference(other).cloned().collect()
    };
    assert!(sqlite.len() > 40, "{sqlite:?}");
    assert_eq!((only(sqlite, postgres), only(postgres, sqlite)), (vec![], vec![]));
}

#[test]
fn both_databases_have_the_same_migrations() {
    let list = |kind: &str| -> BTreeSet<String> {
        let folder = fs::read_dir(root().join("migrations").join(kind)).unwrap();
        folder.map(|one| one.unwrap().file_name().into_string().unwrap()).collect()
    };
    assert_eq!(list("sqlite"), list("postgres"));
    assert!(!list("sqlite").is_empty());
}

#[test]
fn migrations_go_up_down_and_up_again() {
    for database in databases() {
        let mut db = migrated(&database);
        let first = (there(&mut db), keys_and_indexes(&mut db));
        match &mut db {
            Db::Sqlite(connection) => down(connection, "sqlite"),
            Db::Pg(connection) => down(connection, "postgres"),
        }
        assert_eq!(names(&mut db).unwrap(), Vec::<String>::new(), "the way down leaves nothing");
        let mut db = migrated(&database);
        assert_eq!((there(&mut db), keys_and_indexes(&mut db)), first);
    }
}

#[test]
fn people_who_were_there_before_have_their_mail_domain_after_the_upgrade() {
    const MAILS: [(&str, Option<&str>); 4] = [
        ("'Ann@Sales.Contoso.Example'", Some("sales.contoso.example")),
        ("'\"a@b\"@c.example'", Some("c.example")),
        ("'nobody@'", None),
        ("NULL", None),
    ];
    for database in databases() {
        let mut db = migrated(&database);
        while columns(&mut db, "people").unwrap().contains(&"mail_domain".to_owned()) {
            match &mut db {
                Db::Sqlite(connection) => down_by_one(connection, "sqlite"),
                Db::Pg(connection) => down_by_one(connection, "postgres"),
            }
        }
        for (number, (mail, _)) in MAILS.iter().enumerate() {
            let id = format!("00000000-0000-7000-8000-00000000000{number}");
            let row = format!(
                "INSERT INTO people (id, source, external_id, name, mail, kind, attributes, administrator, \
                 auditor, enabled, search, rev, created_at) VALUES ('{id}', 'test', '{number}', 'Ann', {mail}, \
                 'guest', '{{}}', FALSE, FALSE, TRUE, 'ann', 1, '2026-01-01T00:00:00.000000Z')"
            );
            keyholder::each_backend!(&mut db, |c| diesel::sql_query(&row).execute(c)).unwrap();
        }
        let mut db = migrated(&database);
        let told = "SELECT coalesce(mail_domain, 'none') AS value FROM people ORDER BY external_id";
        let expected = MAILS.map(|(_, domain)| domain.unwrap_or("none").to_owned());
        assert_eq!(column(&mut db, told).unwrap(), expected);
    }
}

fn down_by_one<C, B>(connection: &mut C, kind: &str)
where
    C: MigrationHarness<B>,
    B: diesel::backend::Backend,
    FileBasedMigrations: MigrationSource<B>,
{
    let migrations = FileBasedMigrations::from_path(root().join("migrations").join(kind)).unwrap();
    connection.revert_last_migration(migrations).unwrap();
}

fn down<C, B>(connection: &mut C, kind: &str)
where
    C: MigrationHarness<B>,
    B: diesel::backend::Backend,
    FileBasedMigrations: MigrationSource<B>,
{
    let migrations = FileBasedMigrations::from_path(root().join("migrations").join(kind)).unwrap();
    let gone = connection.revert_all_migrations(migrations).unwrap();
    assert!(!gone.is_empty(), "{kind}");
}
