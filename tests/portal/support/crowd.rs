//! Many rows at once, for tests of what takes long: copies of one row under the numbers of a range.

use diesel::RunQueryDsl;
use keyholder::access::policy;
use keyholder::db::{By, Database, Db, Tx};
use keyholder::each_backend;
use keyholder::error::Result;
use keyholder::kernel::{CatalogId, PackageId, PolicyId};
use keyholder::requests::commands;

use super::acts::assignment;
use super::app::person;
use super::tables::columns;

/// Runs a statement.
pub fn run(tx: &mut Tx<'_>, sql: &str) -> Result<()> {
    each_backend!(tx.db(), |c| diesel::sql_query(sql).execute(c)?);
    Ok(())
}

/// The id of a row that was copied: the same number makes the same id. Like ids of later times, they come after all
/// that are there.
pub fn id(db: &Db, kind: u8) -> String {
    match db {
        Db::Pg(_) => {
            format!("('f00000{kind:02x}-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid")
        }
        Db::Sqlite(_) => format!("printf('f00000{kind:02x}-0000-7000-8000-%012x', n)"),
    }
}

/// Copies a row under the numbers from..=to, with other values in some columns.
pub fn copy(
    tx: &mut Tx<'_>,
    table: &str,
    only: &str,
    (from, to): (usize, usize),
    other: &[(&str, String)],
) -> Result<()> {
    let columns = columns(tx.db(), table)?;
    let value = |column: &String| {
        let other = other.iter().find(|(name, _)| name == column);
        other.map_or_else(|| format!("o.{column}"), |(_, value)| value.clone())
    };
    let values: Vec<String> = columns.iter().map(value).collect();
    let sql = format!(
        "INSERT INTO {table} ({}) \
         WITH RECURSIVE numbers(n) AS (SELECT {from} UNION ALL SELECT n + 1 FROM numbers WHERE n < {to}) \
         SELECT {} FROM (SELECT o.* FROM {table} o WHERE {only} LIMIT 1) o CROSS JOIN numbers",
        columns.join(", "),
        values.join(", ")
    );
    run(tx, &sql)
}

/// As many people more, like the employee, with this for their manager.
pub fn people(tx: &mut Tx<'_>, numbers: (usize, usize), manager: String) -> Result<()> {
    let people = [
        ("id", id(tx.db(), 1)),
        ("external_id", "'copy ' || n".into()),
        ("name", "'Person ' || n".into()),
        ("search", "'person ' || n".into()),
        ("mail", "NULL".into()),
        ("mail_domain", "NULL".into()),
        ("issuer", "NULL".into()),
        ("subject", "NULL".into()),
        ("manager_id", manager),
    ];
    copy(tx, "people", "o.external_id = 'employee'", numbers, &people)
}

/// The catalog owner gives a package to somebody of the staff.
pub fn give(db: &Database, catalog: CatalogId, (package, policy): (PackageId, PolicyId), to: &str) {
    let (owner, to) = (person(db, "catalog-owner"), person(db, to));
    let give = move |tx: &mut Tx<'_>| {
        let permit = policy::manage_assignment(tx.actor(), catalog)?;
        commands::assign(tx, &permit, &assignment(package, policy, to))
    };
    db.write(By::Person(owner), give).unwrap();
}

/// Copies of the employee hold a package that the employee holds, and that has no roles.
pub fn hold(tx: &mut Tx<'_>, package: PackageId, kind: u8, numbers: (usize, usize)) -> Result<()> {
    let other =
        [("id", id(tx.db(), kind)), ("request_id", "NULL".into()), ("target_id", id(tx.db(), 1))];
    let employee = "(SELECT p.id FROM people p WHERE p.external_id = 'employee')";
    let only = format!("o.package_id = '{package}' AND o.target_id = {employee}");
    copy(tx, "assignments", &only, numbers, &other)
}
