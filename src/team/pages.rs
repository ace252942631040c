//! My team: those who report to the reader. Everybody to whom nobody reports is told that there is no such page.

use askama::Template;

use super::store::{self, Report, Waiting, Which};
use crate::access::policy::{Gate, ReportStanding, end_for_report};
use crate::directory::PersonRow;
use crate::directory::profile::store::{Holding, Sight, holdings};
use crate::error::{Error, Result};
use crate::kernel::fact::together;
use crate::kernel::{PersonId, Ts, Zone};
use crate::requests::words::you;
use crate::web::listing::{Listing, PAGE, as_csv};
use crate::web::paging::{Cursor, page};
use crate::web::words::{When, and_list, capital, number};
use crate::web::{Cx, Limit, Place, Reply, Route, Shell, get, post};

mod compare;
mod end;

/// This slice's pages.
pub const ROUTES: &[Route] = &[
    get("/team", Gate::SignedIn, list),
    get("/team/{id}", Gate::SignedIn, show),
    get("/team/access/{id}/end", Gate::SignedIn, end::show),
    post("/team/access/{id}/end", Gate::SignedIn, end::end).limited(Limit::Submit),
    get("/compare", Gate::SignedIn, compare::choose),
    get("/compare/{id}", Gate::SignedIn, compare::show),
];

/// Rows of a page.
const ROWS: usize = 25;
/// Access that ends within so many days is named.
pub const SOON_DAYS: u32 = 30;
/// As many names as a cell of the list holds.
const NAMED: usize = 3;

/// Those who report to the reader.
#[derive(Template)]
#[template(path = "team/list.html")]
struct ListPage {
    shell: Shell,
    which: &'static str,
    rows: Vec<Row>,
    pager: Listing,
}

/// One of them.
struct Row {
    href: String,
    name: String,
    title: String,
    holds: String,
    /// What ends soon: "Ledger in 3 days".
    ending: Vec<String>,
    /// What waits for whom.
    waiting: Vec<String>,
    ask: String,
}

fn soon(cx: &Cx) -> Ts {
    cx.zone().plus_days(cx.now(), SOON_DAYS)
}

fn which(cx: &Cx) -> (&'static str, Which) {
    match cx.query("show") {
        "ending" => ("ending", Which::Ending),
        "waiting" => ("waiting", Which::Waiting),
        _ => ("", Which::All),
    }
}

fn list(cx: &mut Cx) -> Result<Reply> {
    let me = cx.person()?.id;
    let (show, which) = which(cx);
    // The navigation knows already whether anybody reports to the reader.
    let shell = cx.shell("Who reports to you – My team", Place::Team)?;
    if !shell.nav.iter().any(|item| item.place == Place::Team) {
        return Err(Error::Missing);
    }
    if as_csv(cx) {
        return Ok(list_csv(cx, me, which));
    }
    let at: Option<Cursor<String>> = cx.cursor(PAGE)?;
    let soon = soon(cx);
    let (reports, ending, waiting) = cx.read(|db| {
        let reports = store::reports(db, me, which, soon, at.as_ref(), ROWS as i64 + 1)?;
        let ids: Vec<PersonId> = reports.iter().map(|report| report.id).collect();
        let ending = store::ending(db, &ids, soon)?;
        let waiting = store::waiting(db, cx.person()?, &ids)?;
        Ok((reports, ending, waiting))
    })?;
    let found = page(reports, ROWS, at.as_ref(), |report| (report.key.clone(), report.id.0));
    let (now, zone) = (cx.now(), cx.zone());
    let row = |report: &Report| {
        let ends = ending.iter().filter(|ending| ending.person == report.id);
        let waits = waiting.iter().filter(|waiting| waiting.target == report.id);
        Row {
            href: format!("/team/{}", report.id),
            name: report.name.clone(),
            title: report.title.clone().unwrap_or_default(),
            holds: holds(report.holds),
            ending: shortened(
                ends.map(|e| format!("{} {}", e.package, When::end(e.at, now, zone).relative)),
                report.ending,
            ),
            waiting: shortened(
                waits.map(|w| format!("{} waits for {}", w.package, with(w, me))),
                report.waiting,
            ),
            ask: format!("/packages?for={}", report.id),
        }
    };
    let shown = ListPage {
        shell,
        which: show,
        rows: found.rows.iter().map(row).collect(),
        pager: Listing::under(cx, &found, "person", "people"),
    };
    Reply::page(&shown)
}

/// The first of some lines, and how many more there are of all.
fn shortened(lines: impl Iterator<Item = String>, all: i64) -> Vec<String> {
    let mut lines: Vec<String> = lines.take(NAMED).collect();
    let more = all - i64::try_from(lines.len()).unwrap_or(all);
    if more > 0 {
        lines.push(format!("and {} more", number(more)));
    }
    lines
}

fn holds(n: i64) -> String {
    match n {
        0 => "Nothing".to_owned(),
        1 => "One package".to_owned(),
        n => format!("{} packages", capital(&number(n))),
    }
}

/// "you", "Ann and Ben", "somebody who is being looked for".
fn with(waiting: &Waiting, me: PersonId) -> String {
    let names = together(waiting.with.iter().map(|(id, name)| you(Some(me), *id, name)).collect());
    if names.is_empty() { "its next step".to_owned() } else { and_list(&names, NAMED) }
}

/// The whole list with the same filter, read in pieces by key.
fn list_csv(cx: &Cx, me: PersonId, which: Which) -> Reply {
    const PIECE: i64 = 200;
    let (site, soon) = (cx.site.clone(), soon(cx));
    let header =
        ["Name", "Title", "Access packages", "Ending within 30 days", "Waiting for a decision"];
    Reply::csv_stream("team.csv", &header, move |sink| {
        let mut after: Option<Cursor<String>> = None;
        loop {
            let rows =
                site.db.read(|db| store::reports(db, me, which, soon, after.as_ref(), PIECE))?;
            for row in &rows {
                sink.row(&[
                    row.name.clone(),
                    row.title.clone().unwrap_or_default(),
                    row.holds.to_string(),
                    row.ending.to_string(),
                    row.waiting.to_string(),
                ])?;
            }
            match rows.into_iter().next_back() {
                Some(last) => after = Some(Cursor { key: last.key, id: last.id.0, back: false }),
                None => return Ok(()),
            }
        }
    })
}

/// One of those who report to the reader.
#[derive(Template)]
#[template(path = "team/show.html")]
struct ReportPage {
    shell: Shell,
    person: PersonRow,
    heading: String,
    lede: String,
    held: Vec<HeldLine>,
    waiting: Vec<WaitingLine>,
}

/// What they have.
struct HeldLine {
    package: String,
    why: String,
    policy: String,
    since: When,
    started: bool,
    until: Option<When>,
    soon: bool,
    /// Where the manager ends it.
    end: Option<String>,
}

/// What waits for a decision.
struct WaitingLine {
    package: String,
    /// Its reference and where the reader follows or decides it, for those who see it (E28).
    request: Option<(String, String)>,
    with: String,
    at: When,
}

fn show(cx: &mut Cx) -> Result<Reply> {
    let id: PersonId = cx.id("id")?;
    let me = cx.person()?.id;
    let (person, held, waiting) = cx.read(|db| {
        let person = store::report(db, me, id)?;
        let everything = Sight { catalogs: None, sign_ins: false };
        Ok((person, holdings(db, id, &everything)?, store::waiting(db, cx.person()?, &[id])?))
    })?;
    let (now, zone, soon) = (cx.now(), cx.zone(), soon(cx));
    let ends = held.iter().filter(|h| h.until.is_some_and(|end| end <= soon)).count();
    let page = ReportPage {
        shell: cx.shell(format!("{} – My team", person.name), Place::Team)?,
        heading: format!("{} has {}", person.name, holds(count(held.len())).to_lowercase()),
        lede: lede(ends, waiting.len()),
        held: held.into_iter().map(|h| held_line(cx, h, &person, (now, soon, zone))).collect(),
        waiting: waiting.iter().map(|w| waiting_line(w, me, now, zone)).collect(),
        person,
    };
    Reply::page(&page)
}

fn count(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

/// What ends soon and what waits, in a sentence.
fn lede(ends: usize, waits: usize) -> String {
    let ends = match ends {
        0 => format!("Nothing of it ends in the next {SOON_DAYS} days"),
        1 => format!("One of them ends in the next {SOON_DAYS} days"),
        n => format!("{} of them end in the next {SOON_DAYS} days", capital(&number(count(n)))),
    };
    let waits = match waits {
        0 => "no request waits for a decision".to_owned(),
        1 => "one request waits for a decision".to_owned(),
        n => format!("{} requests wait for a decision", number(count(n))),
    };
    format!("{ends}, and {waits}.")
}

fn held_line(
    cx: &Cx,
    held: Holding,
    person: &PersonRow,
    (now, soon, zone): (Ts, Ts, Zone),
) -> HeldLine {
    let me = cx.person().ok().map(|me| me.id);
    let standing = ReportStanding {
        assignment: held.id,
        holder: person.id,
        manager: person.manager_id,
        by_managers: held.by_managers,
    };
    let may = cx.actor().is_some_and(|actor| end_for_report(actor, &standing).is_ok());
    HeldLine {
        why: match &held.request {
            None => "Assigned without a request".to_owned(),
            Some(asked) => format!("Requested by {}", you(me, asked.requestor, &asked.name)),
        },
        package: held.name.clone(),
        since: When::start(held.since, now, zone),
        started: held.started,
        soon: held.until.is_some_and(|end| end <= soon),
        until: held.until.map(|end| When::end(end, now, zone)),
        end: may.then(|| format!("/team/access/{}/end", held.id)),
        policy: held.policy,
    }
}

fn waiting_line(waiting: &Waiting, me: PersonId, now: Ts, zone: Zone) -> WaitingLine {
    let mine = waiting.with.iter().any(|(id, _)| *id == me);
    WaitingLine {
        package: waiting.package.clone(),
        request: match (mine, waiting.requestor == me) {
            (true, _) => Some("approvals"),
            (_, true) => Some("requests"),
            _ => None,
        }
        .map(|page| (waiting.reference.clone(), format!("/{page}/{}", waiting.id))),
        with: with(waiting, me),
        at: When::at(waiting.at, now, zone),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lede_says_what_ends_and_what_waits() {
        let calm = "Nothing of it ends in the next 30 days, and no request waits for a decision.";
        assert_eq!(lede(0, 0), calm);
        assert!(lede(2, 1).starts_with("Two of them end"));
        assert!(lede(1, 3).ends_with("and three requests wait for a decision."));
    }

    #[test]
    fn a_cell_names_three_and_counts_the_rest() {
        let lines = |n: usize| shortened((0..n).map(|n| n.to_string()), count(n));
        assert_eq!(lines(3), ["0", "1", "2"]);
        assert_eq!(lines(6), ["0", "1", "2", "and three more"]);
    }
}
