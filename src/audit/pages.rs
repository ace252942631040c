//! The audit log: what happened, filtered by its address, and the same rows as a file.
//!
//! The file has columns and rows only, as RFC 4180 says, so that every tool reads it. What an auditor must know
//! about it (who took it, with which filter, when, how many rows, from which version) goes to the access log,
//! where nobody can leave it out; the time is in the file's name, and the page prints filter and time.

use askama::Template;
use chrono::NaiveDate;

use super::store::{self, Entry, Filter};
use crate::access::policy::Gate;
use crate::db::Db;
use crate::error::{Error, FieldError, Result};
use crate::kernel::fact::Sentence;
use crate::kernel::text::one_line;
use crate::kernel::{FactId, Family, Ts, Zone};
use crate::web::limit::Limit;
use crate::web::listing::{Listing, PAGE, address, as_csv, csv_time, seek, write_all};
use crate::web::paging::page;
use crate::web::words::date;
use crate::web::{Cx, Place, Reply, Route, Shell, get};

/// The routes of the audit log.
pub const ROUTES: &[Route] = &[get("/audit", Gate::Audit, log).limited(Limit::Search)];

/// Entries of a page.
const ROWS: usize = 50;
/// The longest text to look for, in characters.
const TEXT_MAX: usize = 200;
/// The version that wrote a file.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The audit log.
#[derive(Template)]
#[template(path = "audit/log.html")]
struct LogPage {
    shell: Shell,
    families: Vec<Facet>,
    results: Vec<Facet>,
    about: Vec<About>,
    hidden: Vec<(String, String)>,
    text: String,
    from: String,
    to: String,
    says: String,
    filtered: bool,
    rows: Vec<LogRow>,
    pager: Listing,
    csv: String,
}

struct Facet {
    href: String,
    label: &'static str,
    on: bool,
}

/// A thing that the list is narrowed to, and the way out.
struct About {
    what: &'static str,
    name: Option<String>,
    without: String,
}

struct LogRow {
    datetime: String,
    time: String,
    day: String,
    says: Sentence,
    note: Option<String>,
    failed: bool,
    links: Vec<Link>,
}

struct Link {
    href: String,
    words: String,
    reference: bool,
}

/// What the address asks for, as typed and as read.
struct Asked {
    filter: Filter,
    text: String,
    from: String,
    to: String,
    errors: Vec<FieldError>,
}

fn asked(cx: &Cx) -> Result<Asked> {
    let zone = cx.zone();
    let text = one_line(cx.query("q"));
    let mut errors = Vec::new();
    if text.chars().count() > TEXT_MAX {
        errors.push(FieldError::new("q", format!("Shorten it to {TEXT_MAX} characters")));
    }
    let mut day = |name: &str| match day(cx.query(name)) {
        Ok(day) => day,
        Err(words) => {
            errors.push(FieldError::new(name, words));
            None
        }
    };
    let (from, to) = (day("from"), day("to"));
    if from.zip(to).is_some_and(|(from, to)| to < from) {
        errors.push(FieldError::new("to", "Choose a last day that is not before the first day"));
    }
    let filter = Filter {
        family: Family::parse(cx.query("family")),
        failed: cx.query("failed") == "1",
        text: text.clone(),
        from: from.map(|day| zone.start_of(day)),
        before: to.map(|day| zone.end_of(day)),
        person: id(cx, "person")?,
        package: id(cx, "package")?,
        catalog: id(cx, "catalog")?,
        request: id(cx, "request")?,
    };
    let typed = |name: &str| cx.query(name).to_owned();
    Ok(Asked { filter, text, from: typed("from"), to: typed("to"), errors })
}

/// An id of the query; something else leads nowhere.
fn id<T: std::str::FromStr>(cx: &Cx, name: &str) -> Result<Option<T>> {
    match cx.query(name) {
        "" => Ok(None),
        text => text.parse().map(Some).map_err(|_| Error::Missing),
    }
}

fn day(text: &str) -> Result<Option<NaiveDate>, &'static str> {
    if text.is_empty() {
        return Ok(None);
    }
    crate::kernel::time::day(text)
        .map(Some)
        .ok_or("Write the day as year-month-day, such as 2026-11-23")
}

fn log(cx: &mut Cx) -> Result<Reply> {
    let asked = asked(cx)?;
    if as_csv(cx) {
        return if asked.errors.is_empty() {
            export(cx, asked.filter)
        } else {
            Err(Error::Invalid(asked.errors))
        };
    }
    let at = cx.cursor::<Ts>(PAGE)?;
    let rows = if asked.errors.is_empty() {
        let from = seek(at.as_ref(), FactId);
        cx.read(|db| store::entries(db, &asked.filter, from, ROWS as i64 + 1))?
    } else {
        Vec::new()
    };
    let page = page(rows, ROWS, at.as_ref(), |row| (row.at, row.id.0));
    tracing::info!(
        target: "access",
        person = %cx.person()?.id,
        query = cx.address(),
        rows = page.rows.len(),
        "audit log read"
    );
    let zone = cx.zone();
    let mut shell = cx.shell("Audit log", Place::Audit)?;
    shell.errors = asked.errors.iter().map(Into::into).collect();
    let status = if asked.errors.is_empty() { 200 } else { 422 };
    let pager = Listing::under(cx, &page, "entry", "entries");
    let csv = pager.csv.clone().unwrap_or_default();
    let shown = LogPage {
        shell,
        families: families(cx, asked.filter.family),
        results: results(cx, asked.filter.failed),
        about: about(cx, &asked.filter, page.rows.first()),
        hidden: hidden(cx),
        text: asked.text,
        from: asked.from,
        to: asked.to,
        says: says(&asked.filter, zone),
        filtered: asked.filter != Filter::default(),
        rows: page.rows.iter().map(|entry| row(entry, zone)).collect(),
        pager: {
            let mut pager = pager;
            pager.csv = None;
            pager
        },
        csv,
    };
    Ok(Reply::page(&shown)?.status(status))
}

fn families(cx: &Cx, chosen: Option<Family>) -> Vec<Facet> {
    let one = |family: Option<Family>| Facet {
        href: address(cx, &[("family", family.map(Family::as_str)), (PAGE, None)]),
        label: family.map_or("Everything", Family::label),
        on: family == chosen,
    };
    std::iter::once(None).chain(Family::ALL.iter().copied().map(Some)).map(one).collect()
}

fn results(cx: &Cx, failed: bool) -> Vec<Facet> {
    let one = |label, value: Option<&str>| Facet {
        href: address(cx, &[("failed", value), (PAGE, None)]),
        label,
        on: failed == value.is_some(),
    };
    vec![one("Any", None), one("Failed", Some("1"))]
}

/// What the list is narrowed to; a name is known where there is an entry.
fn about(cx: &Cx, filter: &Filter, first: Option<&Entry>) -> Vec<About> {
    let one = |what, parameter: &str, name: Option<String>| About {
        what,
        name,
        without: address(cx, &[(parameter, None), (PAGE, None)]),
    };
    let mut all = Vec::new();
    if filter.person.is_some() {
        let name = first.and_then(|e| e.person.clone()).map(|(_, name)| name);
        all.push(one("One person", "person", name));
    }
    if filter.package.is_some() {
        let name = first.and_then(|e| e.package.clone()).map(|(_, name)| name);
        all.push(one("One access package", "package", name));
    }
    if filter.catalog.is_some() {
        let name = first.and_then(|e| e.catalog.clone()).map(|(_, name)| name);
        all.push(one("One catalog", "catalog", name));
    }
    if filter.request.is_some() {
        let name = first.and_then(|e| e.request.clone()).map(|(_, reference)| reference);
        all.push(one("One request", "request", name));
    }
    all
}

/// What the form must carry on besides its own fields.
fn hidden(cx: &Cx) -> Vec<(String, String)> {
    const KEPT: [&str; 6] = ["family", "failed", "person", "package", "catalog", "request"];
    let pairs = KEPT.iter().map(|&name| (name.to_owned(), cx.query(name).to_owned()));
    pairs.filter(|(_, value)| !value.is_empty()).collect()
}

/// The filter as a sentence: it stands on the page and on its print.
fn says(filter: &Filter, zone: Zone) -> String {
    let mut parts = vec![filter.family.map_or("Everything", Family::label).to_owned()];
    if filter.failed {
        parts.push("only what failed".to_owned());
    }
    if !filter.text.is_empty() {
        parts.push(format!("with “{}”", filter.text));
    }
    if let Some(at) = filter.from {
        parts.push(format!("from {}", date(zone.date(at))));
    }
    if let Some(at) = filter.before {
        parts.push(format!("to {}", date(zone.date(Ts::from_micros(at.micros() - 1)))));
    }
    format!("{}. Newest first.", parts.join(", "))
}

fn row(entry: &Entry, zone: Zone) -> LogRow {
    let local = zone.local(entry.at);
    LogRow {
        datetime: local.to_rfc3339_opts(chrono::SecondsFormat::Millis, false),
        time: local.format("%H:%M:%S").to_string(),
        day: date(local.date_naive()),
        says: entry.sentence.in_zone(zone),
        note: entry.note.clone(),
        failed: entry.failed,
        links: links(entry),
    }
}

/// Where the entry leads: the request; or else the person, package or catalog that it is about.
fn links(entry: &Entry) -> Vec<Link> {
    let link =
        |href: String, words: &String, reference| Link { href, words: words.clone(), reference };
    if let Some((id, reference)) = &entry.request {
        return vec![link(format!("/requests/{id}"), reference, true)];
    }
    let mut links = Vec::new();
    if let Some((id, name)) = &entry.person {
        links.push(link(format!("/people/{id}"), name, false));
    }
    if let Some((id, name)) = &entry.package {
        links.push(link(format!("/packages/{id}"), name, false));
    } else if let Some((id, name)) = &entry.catalog {
        links.push(link(format!("/catalogs/{id}"), name, false));
    }
    links
}

const COLUMNS: &[&str] = &[
    "Time",
    "What",
    "What happened",
    "Failed",
    "Note",
    "Who",
    "Who id",
    "Person",
    "Person id",
    "Access package",
    "Access package id",
    "Catalog",
    "Catalog id",
    "Request",
    "Request id",
    "Assignment id",
    "Resource",
    "Due",
    "Kind",
    "Entry id",
];

fn export(cx: &Cx, filter: Filter) -> Result<Reply> {
    let db = cx.site.db.clone();
    let (person, query) = (cx.person()?.id, cx.address());
    let name = format!("audit-log-{}.csv", cx.now().utc().format("%Y%m%dT%H%M%SZ"));
    Ok(Reply::csv_stream(&name, COLUMNS, move |out| {
        let read = |db: &mut Db, from, limit| store::entries(db, &filter, from, limit);
        let rows = write_all(&db, out, read, |entry: &Entry| (entry.at, entry.id), fields)?;
        tracing::info!(
            target: "access",
            %person,
            query,
            rows,
            version = VERSION,
            "audit log exported"
        );
        Ok(())
    }))
}

/// The fields of a row, in the order of [`COLUMNS`].
fn fields(entry: &Entry) -> Vec<String> {
    fn pair<I: ToString>(pair: Option<&(I, String)>) -> [String; 2] {
        pair.map_or_else(Default::default, |(id, name)| [name.clone(), id.to_string()])
    }
    let word = |family: &str| Family::parse(family).map_or(family.to_owned(), |f| f.label().into());
    let mut fields = vec![
        entry.at.utc().to_rfc3339_opts(chrono::SecondsFormat::Micros, true),
        word(&entry.family),
        entry.sentence.to_string(),
        if entry.failed { "yes" } else { "no" }.to_owned(),
        entry.note.clone().unwrap_or_default(),
        entry.actor.1.clone(),
        entry.actor.0.map_or_else(String::new, |id| id.to_string()),
    ];
    fields.extend(pair(entry.person.as_ref()));
    fields.extend(pair(entry.package.as_ref()));
    fields.extend(pair(entry.catalog.as_ref()));
    fields.extend(pair(entry.request.as_ref()));
    fields.extend([
        entry.assignment.map_or_else(String::new, |id| id.to_string()),
        entry.resource.clone().unwrap_or_default(),
        csv_time(entry.due_at),
        entry.kind.clone(),
        entry.id.to_string(),
    ]);
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_a_day_or_says_how_to_write_one() {
        assert_eq!(day(""), Ok(None));
        assert_eq!(day("2026-11-23"), Ok(NaiveDate::from_ymd_opt(2026, 11, 23)));
        for bad in ["yesterday", "2026-02-30", "23.11.2026", "+99999-01-01", "2026-1-1"] {
            assert!(day(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_filter_reads_as_a_sentence() {
        let zone = Zone::of(chrono_tz::Europe::Oslo);
        let november = |day| NaiveDate::from_ymd_opt(2026, 11, day).unwrap();
        assert_eq!(says(&Filter::default(), zone), "Everything. Newest first.");
        let filter = Filter {
            family: Some(Family::Delivery),
            failed: true,
            text: "asha".into(),
            from: Some(zone.start_of(november(1))),
            before: Some(zone.end_of(november(23))),
            ..Filter::default()
        };
        assert_eq!(
            says(&filter, zone),
            "Delivery, only what failed, with “asha”, from Sun 1 Nov 2026, to Mon 23 Nov 2026. Newest first."
        );
    }
}
