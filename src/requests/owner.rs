//! The requests for a package: the list of its owners.

use askama::Template;

use super::chart::{self, Chart};
use super::deciding::Until;
use super::deciding::pace_words;
use super::model::{Approver, Request, State};
use super::rules::pace;
use super::store::{self, PackageName};
use super::words;
use crate::access::Actor;
use crate::access::policy::Gate;
use crate::assignments::owner::seen;
use crate::db::Db;
use crate::error::Result;
use crate::kernel::{PackageId, RequestId, Ts, Zone};
use crate::web::listing::{Listing, PAGE, as_csv, csv_time, seek, write_all};
use crate::web::page::Mark;
use crate::web::paging::page;
use crate::web::words::{When, and_list};
use crate::web::{Cx, Place, Reply, Route, Shell, get};

/// The routes of a package's requests.
pub const ROUTES: &[Route] = &[get("/packages/{id}/requests", Gate::SignedIn, list)];

/// Rows of a page.
const ROWS: usize = 25;

/// The requests for a package.
#[derive(Template)]
#[template(path = "requests/owner.html")]
struct ListPage {
    shell: Shell,
    package: PackageName,
    states: Vec<Facet>,
    filtered: bool,
    pace: String,
    chart: Option<Chart>,
    rows: Vec<Row>,
    pager: Listing,
}

struct Facet {
    href: String,
    label: &'static str,
    on: bool,
}

struct Row {
    href: String,
    reference: String,
    target: String,
    requestor: Option<String>,
    asked: When,
    until: String,
    kind: Option<&'static str>,
    state: Mark,
    with: String,
    due: Option<When>,
}

fn list(cx: &mut Cx) -> Result<Reply> {
    let id = cx.id::<PackageId>("id")?;
    let actor = Actor::Person(cx.person()?.clone());
    let state = State::parse(cx.query("state"));
    if as_csv(cx) {
        return list_csv(cx, &actor, id, state);
    }
    let at = cx.cursor::<Ts>(PAGE)?;
    let (package, rows, holders, paces) = cx.read(|db| {
        let package = seen(db, &actor, id)?;
        let from = seek(at.as_ref(), RequestId);
        let rows = store::package_page(db, id, state, from, ROWS as i64 + 1)?;
        let holders = holders(db, &rows)?;
        Ok((package, rows, holders, store::paces(db, id)?))
    })?;
    let page = page(rows, ROWS, at.as_ref(), |row| (row.created_at, row.id.0));
    let (now, zone) = (cx.now(), cx.zone());
    let shown = ListPage {
        shell: cx.shell(format!("Requests for {} – Catalogs", package.name), Place::Catalogs)?,
        states: facets(id, state),
        filtered: state.is_some(),
        pace: pace_words(pace(&paces)),
        chart: chart::of(&paces),
        rows: page.rows.iter().map(|request| row(request, &holders, now, zone)).collect(),
        pager: Listing::under(cx, &page, "request", "requests"),
        package,
    };
    Reply::page(&shown)
}

fn facets(package: PackageId, chosen: Option<State>) -> Vec<Facet> {
    let path = format!("/packages/{package}/requests");
    let all = Facet { href: path.clone(), label: "All", on: chosen.is_none() };
    let one = |state: &State| Facet {
        href: format!("{path}?state={state}"),
        label: state.label(),
        on: chosen == Some(*state),
    };
    std::iter::once(all).chain(State::ALL.iter().map(one)).collect()
}

/// Who holds the open stages of those that wait.
fn holders(db: &mut Db, rows: &[Request]) -> Result<Vec<(RequestId, Approver)>> {
    let waiting = rows.iter().filter(|row| row.state == State::PendingApproval);
    let waiting: Vec<RequestId> = waiting.map(|row| row.id).collect();
    store::holders(db, &waiting)
}

/// "Ann, Ben and 4 more".
fn with(request: RequestId, holders: &[(RequestId, Approver)]) -> String {
    let names: Vec<&str> =
        holders.iter().filter(|(id, _)| *id == request).map(|(_, a)| a.name.as_str()).collect();
    and_list(&names, 3)
}

fn row(request: &Request, holders: &[(RequestId, Approver)], now: Ts, zone: Zone) -> Row {
    Row {
        href: format!("/requests/{}", request.id),
        reference: request.reference.clone(),
        target: request.target.clone(),
        requestor: (request.requestor_id != request.target_id).then(|| request.requestor.clone()),
        asked: When::at(request.created_at, now, zone),
        until: Until::of(request, now, zone).short(zone),
        kind: words::kind(request),
        state: words::shape(request),
        with: with(request.id, holders),
        due: request.due_at.filter(|_| request.held_at.is_none()).map(|at| When::at(at, now, zone)),
    }
}

fn list_csv(cx: &Cx, actor: &Actor, id: PackageId, state: Option<State>) -> Result<Reply> {
    const COLUMNS: &[&str] = &[
        "Reference",
        "Access package",
        "For",
        "Requestor",
        "Requested",
        "Asked for",
        "Reason",
        "Policy version",
        "Kind",
        "State",
        "With",
        "Stopped since",
        "Expires",
        "Decided",
        "Delivered",
        "Ended",
    ];
    cx.read(|db| seen(db, actor, id))?;
    let (db, now) = (cx.site.db.clone(), cx.now());
    Ok(Reply::csv_stream("requests.csv", COLUMNS, move |out| {
        let zone = db.zone();
        let read = |db: &mut Db, from, limit| {
            let rows = store::package_page(db, id, state, from, limit)?;
            let holders = holders(db, &rows)?;
            let with = |row: Request| {
                let with = with(row.id, &holders);
                (row, with)
            };
            Ok(rows.into_iter().map(with).collect())
        };
        let key = |(row, _): &(Request, String)| (row.created_at, row.id);
        write_all(&db, out, read, key, |(row, with)| {
            vec![
                row.reference.clone(),
                row.package.clone(),
                row.target.clone(),
                row.requestor.clone(),
                csv_time(row.created_at),
                Until::of(row, now, zone).short(zone),
                row.reason.clone(),
                row.policy_version.to_string(),
                row.kind.label().to_owned(),
                row.label().to_owned(),
                with.clone(),
                csv_time(row.held_at),
                csv_time(row.due_at),
                csv_time(row.decided_at),
                csv_time(words::delivered_at(row)),
                csv_time(words::ended_at(row)),
            ]
        })?;
        Ok(())
    }))
}
