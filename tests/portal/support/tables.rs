//! What stands in the tables, whatever they are called: for tests that say "and nothing else has changed".

use std::collections::BTreeMap;

use diesel::RunQueryDsl;
use diesel::sql_types::Text;
use keyholder::db::{Database, Db};
use keyholder::each_backend;
use keyholder::error::Result;

#[derive(diesel::QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    value: String,
}

/// The results of a query with the one column `value`.
pub fn column(db: &mut Db, sql: &str) -> Result<Vec<String>> {
    let lines: Vec<Line> = each_backend!(db, |c| diesel::sql_query(sql).load(c)?);
    Ok(lines.into_iter().map(|line| line.value).collect())
}

/// The names of all tables but that of the migrations.
pub fn names(db: &mut Db) -> Result<Vec<String>> {
    let sql = match db {
        Db::Pg(_) => {
            "SELECT table_name::text AS value FROM information_schema.tables \
             WHERE table_schema = 'public' ORDER BY 1"
        }
        Db::Sqlite(_) => "SELECT name AS value FROM sqlite_master WHERE type = 'table' ORDER BY 1",
    };
    let mut names = column(db, sql)?;
    names.retain(|name| !name.starts_with("__diesel") && !name.starts_with("sqlite_"));
    Ok(names)
}

/// The columns of a table in their order.
pub fn columns(db: &mut Db, table: &str) -> Result<Vec<String>> {
    let sql = match db {
        Db::Pg(_) => format!(
            "SELECT column_name::text AS value FROM information_schema.columns \
             WHERE table_schema = 'public' AND table_name = '{table}' ORDER BY ordinal_position"
        ),
        Db::Sqlite(_) => format!("SELECT name AS value FROM pragma_table_info('{table}')"),
    };
    column(db, &sql)
}

/// Every row of every table as text, in no order that matters; of sessions all but their last-seen (E31).
pub fn content(db: &Database) -> BTreeMap<String, Vec<String>> {
    let read = |db: &mut Db| {
        let mut all = BTreeMap::new();
        for table in names(db)? {
            let mut columns = columns(db, &table)?;
            columns
                .retain(|column| (table.as_str(), column.as_str()) != ("sessions", "expires_at"));
            let columns: Vec<String> = columns
                .iter()
                .map(|column| match db {
                    Db::Pg(_) => format!("quote_nullable(\"{column}\"::text)"),
                    Db::Sqlite(_) => format!("quote(\"{column}\")"),
                })
                .collect();
            let sql = format!(
                "SELECT {} AS value FROM \"{table}\" ORDER BY 1",
                columns.join(" || ', ' || ")
            );
            let rows = column(db, &sql)?;
            all.insert(table, rows);
        }
        Ok(all)
    };
    db.read(read).expect("every table can be read")
}

/// Fails with the rows that have come or gone since.
#[track_caller]
pub fn unchanged(
    before: &BTreeMap<String, Vec<String>>,
    after: &BTreeMap<String, Vec<String>>,
    after_what: &str,
) {
    for (table, rows) in after {
        let new: Vec<_> = rows.iter().filter(|row| !before[table].contains(row)).collect();
        let gone: Vec<_> = before[table].iter().filter(|row| !rows.contains(row)).collect();
        assert!(
            new.is_empty() && gone.is_empty(),
            "{after_what} has changed {table}:\n  new: {new:#?}\n  gone: {gone:#?}"
        );
    }
}
