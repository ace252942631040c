//! The rows of a table as bytes: how they are cut, hashed and set against what `rows.csv` lists.

use std::borrow::Cow;
use std::collections::HashMap;

use super::{Error, Finding, MOST_ROWS, Table, sha256, shown};

/// Differences of one table that are named one by one. Past that only their number is told.
const MOST_NAMED: usize = 100;

/// A record of a CSV file, as it stands there.
pub struct Row<'a> {
    /// Where it begins, as an editor counts.
    pub line: usize,
    /// The first cell, quoted if it is quoted.
    pub key: &'a [u8],
    /// All of it, without the line's end.
    pub raw: &'a [u8],
}

/// Cuts a file into its records. A quote that makes no sense ends with its line, so that one changed byte does not
/// swallow the rows that follow.
pub fn records(mut rest: &[u8]) -> impl Iterator<Item = Row<'_>> {
    let mut line = 1;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let (key, end) = quoted(rest).unwrap_or_else(|| {
            let end = find(rest, |b| b == b'\n');
            (find(&rest[..end], |b| b == b','), end)
        });
        let raw = &rest[..end];
        let next = rest.get(end + 1..).unwrap_or_default();
        let raw = raw.strip_suffix(b"\r").unwrap_or(raw);
        let row = Row { line, key: &raw[..key.min(raw.len())], raw };
        line += 1 + rest[..end].iter().filter(|b| **b == b'\n').count();
        rest = next;
        Some(row)
    })
}

fn find(bytes: &[u8], what: impl Fn(u8) -> bool) -> usize {
    bytes.iter().position(|b| what(*b)).unwrap_or(bytes.len())
}

/// Where the first cell and the record end, if every quote is as RFC 4180 wants it.
fn quoted(bytes: &[u8]) -> Option<(usize, usize)> {
    let (mut at, mut key) = (0, None);
    loop {
        if bytes.get(at) == Some(&b'"') {
            at += 1;
            loop {
                at += find(bytes.get(at..)?, |b| b == b'"') + 1;
                if bytes.get(at) != Some(&b'"') {
                    break;
                }
                at += 1;
            }
            let after = bytes.get(at..)?;
            if !(after.is_empty()
                || after.starts_with(b",")
                || after.starts_with(b"\n")
                || after.starts_with(b"\r\n"))
            {
                return None;
            }
        }
        at += find(&bytes[at..], |b| matches!(b, b',' | b'\n'));
        key = key.or(Some(at));
        if bytes.get(at) != Some(&b',') {
            return Some((key?, at));
        }
        at += 1;
    }
}

/// The key as people read it.
pub fn plain_key(key: &[u8]) -> String {
    let text = String::from_utf8_lossy(key);
    if text.is_empty() {
        return "(without a key)".to_owned();
    }
    match text.strip_prefix('"').and_then(|t| t.strip_suffix('"')) {
        Some(inner) => shown(&inner.replace("\"\"", "\"")),
        None => shown(&text),
    }
}

/// The field with a leading apostrophe where a spreadsheet would see a formula, as `web::csv` does it.
fn neutral(field: &str) -> Cow<'_, str> {
    if field.starts_with(['=', '+', '-', '@', '\t', '\r', '\0']) {
        format!("'{field}").into()
    } else {
        field.into()
    }
}

/// One record as it is written, with its line's end.
pub fn record(fields: &[String]) -> Result<Vec<u8>, Error> {
    let mut out = writer(Vec::new());
    put(&mut out, fields)?;
    out.into_inner().map_err(|e| Error::Broken(e.to_string()))
}

/// A table as the bytes of its file.
pub fn csv(table: &Table) -> Result<Vec<u8>, Error> {
    let mut out = writer(Vec::new());
    put(&mut out, &table.columns)?;
    for row in &table.rows {
        put(&mut out, row)?;
    }
    out.into_inner().map_err(|e| Error::Broken(e.to_string()))
}

fn writer(out: Vec<u8>) -> csv::Writer<Vec<u8>> {
    csv::WriterBuilder::new().flexible(true).terminator(csv::Terminator::CRLF).from_writer(out)
}

fn put(out: &mut csv::Writer<Vec<u8>>, fields: &[String]) -> Result<(), Error> {
    for field in fields {
        out.write_field(neutral(field).as_bytes()).map_err(|e| Error::Broken(e.to_string()))?;
    }
    out.write_record(None::<&[u8]>).map_err(|e| Error::Broken(e.to_string()))
}

/// How `rows.csv` begins.
pub const LIST_HEADER: &[u8] = b"table,key,sha256\r\n";

/// A row as `rows.csv` lists it: its key, as written, and its hash.
pub type Expected<'a> = (&'a [u8], &'a [u8]);

/// What `rows.csv` lists, by table. `None` if a line is not of its form.
pub fn listed(rows: &[u8]) -> Option<HashMap<&[u8], Vec<Expected<'_>>>> {
    let mut tables: HashMap<_, Vec<_>> = HashMap::new();
    for row in records(rows.strip_prefix(LIST_HEADER)?).take(MOST_ROWS) {
        let at = row.raw.len().checked_sub(65)?;
        let (key, hash) = (row.raw.get(row.key.len() + 1..at)?, row.raw[at..].strip_prefix(b",")?);
        tables.entry(row.key).or_default().push((key, hash));
    }
    Some(tables)
}

/// Sets a table's file against what `rows.csv` lists of it.
pub fn compare(file: &str, content: &[u8], expected: &[Expected<'_>]) -> Vec<Finding> {
    let found: Vec<_> = records(content).skip(1).map(|row| (sha256(row.raw), row)).collect();
    let places: HashMap<_, _> =
        expected.iter().enumerate().map(|(n, (key, _))| (*key, n)).collect();
    let same = |n: usize, place: usize| found[n].0.as_bytes() == expected[place].1;
    let mut says = Vec::new();

    let mut met: Vec<Option<usize>> = vec![None; expected.len()];
    for (n, (_, row)) in found.iter().enumerate() {
        let twice = match places.get(row.key).map(|place| (*place, met[*place])) {
            None => {
                says.push(format!("row {} was added (line {})", plain_key(row.key), row.line));
                continue;
            }
            Some((place, Some(before))) if same(before, place) || !same(n, place) => n,
            Some((place, before)) => {
                met[place] = Some(n);
                let Some(before) = before else { continue };
                before
            }
        };
        let line = found[twice].1.line;
        says.push(format!("row {} is there a second time (line {line})", plain_key(row.key)));
    }
    let mut last: Option<usize> = None;
    let mut moved = None;
    for (place, (key, _)) in expected.iter().enumerate() {
        let Some(n) = met[place] else {
            let total = expected.len();
            says.push(format!(
                "row {} was left out (it was row {} of {total})",
                plain_key(key),
                place + 1
            ));
            continue;
        };
        if !same(n, place) {
            let line = found[n].1.line;
            says.push(format!(
                "row {} was changed (line {line}); which of its cells cannot be told, for only the row's hash is kept",
                plain_key(key)
            ));
        }
        if let Some(last) = last.filter(|last| *last > n) {
            moved = moved.or(Some((n, last)));
        }
        last = last.max(Some(n));
    }
    if let Some((n, last)) = moved {
        let [first, then] = [&found[n].1, &found[last].1].map(|row| plain_key(row.key));
        says.push(format!(
            "the rows are in another order: row {first} now comes before row {then}"
        ));
    }
    let more = says.len().saturating_sub(MOST_NAMED);
    says.truncate(MOST_NAMED);
    if more > 0 {
        says.push(format!("{more} more rows like these are not named here"));
    }
    says.into_iter().map(|text| Finding::new(file, text)).collect()
}
