//! What stands under a list that is read by key: how many rows, the pages beside it, the same rows as a file.

use chrono::SecondsFormat;
use uuid::Uuid;

use super::cx::Cx;
use super::form::Form;
use super::paging::{Cursor, Page};
use super::reply::CsvSink;
use crate::db::{Database, Db, Seek};
use crate::error::Result;
use crate::kernel::Ts;
use crate::kernel::text::counted;

/// The name of the cursor in an address.
pub const PAGE: &str = "page";
/// The name of the form of an answer in an address.
pub const FORMAT: &str = "format";

/// Drawn by the macro `pager`, like [`super::page::Pager`], but without a count of all rows.
#[derive(Clone, Debug, Default)]
pub struct Listing {
    words: String,
    /// The address of the page before.
    pub previous: Option<String>,
    /// The address of the page after.
    pub next: Option<String>,
    /// The address of all rows of the filter as CSV.
    pub csv: Option<String>,
}

impl Listing {
    /// What stands under a page of a list whose rows are called `one` or `many`.
    #[must_use]
    pub fn under<T>(cx: &Cx, page: &Page<T>, one: &str, many: &str) -> Self {
        let turn = |cursor: &String| address(cx, &[(PAGE, Some(cursor)), (FORMAT, None)]);
        let whole = page.previous.is_none() && page.next.is_none();
        Self {
            words: rows(page.rows.len(), whole, one, many),
            previous: page.previous.as_ref().map(turn),
            next: page.next.as_ref().map(turn),
            csv: Some(address(cx, &[(PAGE, None), (FORMAT, Some("csv"))])),
        }
    }

    /// The same where the rows are nobody's file.
    #[must_use]
    pub fn without_csv<T>(cx: &Cx, page: &Page<T>, one: &str, many: &str) -> Self {
        Self { csv: None, ..Self::under(cx, page, one, many) }
    }

    /// How many rows are shown, in words.
    #[must_use]
    pub fn words(&self) -> &str {
        &self.words
    }
}

fn rows(shown: usize, whole: bool, one: &str, many: &str) -> String {
    let shown = i64::try_from(shown).unwrap_or(i64::MAX);
    match (shown, whole) {
        (0, _) => format!("No {many}"),
        (n, true) => counted(n, one, many),
        (n, false) => format!("{} on this page", counted(n, one, many)),
    }
}

/// The address of the page that is shown, with some of its query changed: the state of a list is its address.
#[must_use]
pub fn address(cx: &Cx, changes: &[(&str, Option<&str>)]) -> String {
    let mut query = Form::of(cx.query_pairs().iter().cloned());
    for (name, value) in changes {
        match value {
            Some(value) => query.set(name, *value),
            None => query.remove(name),
        }
    }
    if query.is_empty() {
        cx.path().to_owned()
    } else {
        format!("{}?{}", cx.path(), query.encoded())
    }
}

/// True where the rows are asked for as a file.
#[must_use]
pub fn as_csv(cx: &Cx) -> bool {
    cx.query(FORMAT) == "csv"
}

/// The place in the list that a cursor names.
#[must_use]
pub fn seek<I>(cursor: Option<&Cursor<Ts>>, id: impl Fn(Uuid) -> I) -> Option<Seek<I>> {
    cursor.map(|cursor| Seek { at: cursor.key, id: id(cursor.id), back: cursor.back })
}

/// Rows of one read for a file.
const CHUNK: i64 = 500;

/// Writes a whole list to a file: chunk by chunk, each with a short read of its own, so that a long file holds
/// neither a connection nor memory. `read` takes where to go on and how many rows; returns how many there were.
///
/// # Errors
/// What `read` returns, or when nobody takes the file any more.
pub fn write_all<T, I>(
    db: &Database,
    out: &mut CsvSink,
    read: impl Fn(&mut Db, Option<Seek<I>>, i64) -> Result<Vec<T>>,
    key: impl Fn(&T) -> (Ts, I),
    row: impl Fn(&T) -> Vec<String>,
) -> Result<i64> {
    let (mut from, mut all) = (None, 0);
    loop {
        let rows = db.read(|db| read(db, from.take(), CHUNK))?;
        for one in &rows {
            out.row(&row(one))?;
        }
        let count = i64::try_from(rows.len()).unwrap_or(CHUNK);
        all += count;
        match rows.last() {
            Some(last) if count == CHUNK => {
                let (at, id) = key(last);
                from = Some(Seek { at, id, back: false });
            }
            _ => return Ok(all),
        }
    }
}

/// A time in a file: RFC 3339 in UTC, whole seconds; empty for none.
#[must_use]
pub fn csv_time(at: impl Into<Option<Ts>>) -> String {
    at.into().map_or_else(String::new, |at| at.utc().to_rfc3339_opts(SecondsFormat::Secs, true))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_says_how_many_rows_it_shows() {
        assert_eq!(rows(0, true, "request", "requests"), "No requests");
        assert_eq!(rows(1, true, "request", "requests"), "1 request");
        assert_eq!(rows(7, true, "request", "requests"), "7 requests");
        assert_eq!(rows(25, false, "request", "requests"), "25 requests on this page");
        assert_eq!(rows(1, false, "entry", "entries"), "1 entry on this page");
    }

    #[test]
    fn a_file_tells_time_in_utc() {
        let at = Ts::new("2026-11-23T10:12:04.5+01:00".parse().unwrap());
        assert_eq!(csv_time(at), "2026-11-23T09:12:04Z");
        assert_eq!(csv_time(None), "");
    }
}
