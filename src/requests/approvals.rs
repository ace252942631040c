//! What waits for my decision, longest wait first; and what I decided.

use std::collections::{BTreeMap, BTreeSet};

use askama::Template;

use super::deciding::{Until, tally};
use super::model::{Approver, Request, Rule, StageState, Verdict};
use super::queue::{Filter, Past, SOON, Show, Team, Wanted, apart};
use super::store::{self, Decided, Peers, Queued, Teams};
use super::votes::{self, Count};
use super::words;
use super::{bulk, decision};
use crate::access::policy::Gate;
use crate::db::Db;
use crate::error::Result;
use crate::kernel::{PackageId, PersonId, Risk, StageId, Ts, Zone};
use crate::web::limit::Limit;
use crate::web::listing::{Listing, PAGE, as_csv, csv_time, seek, write_all};
use crate::web::paging::page;
use crate::web::words::{When, capital, number, waited};
use crate::web::{Cx, Form, Place, Reply, Route, Shell, get, post};

/// The routes of those who decide.
pub const ROUTES: &[Route] = &[
    get("/approvals", Gate::SignedIn, approvals),
    get("/approvals/bulk", Gate::SignedIn, bulk::ask),
    post("/approvals/bulk", Gate::SignedIn, bulk::decide).limited(Limit::Submit),
    get("/approvals/bulk/done", Gate::SignedIn, bulk::done),
    post("/approvals/bulk/take-back", Gate::SignedIn, bulk::take_back).limited(Limit::Submit),
    get("/approvals/{id}", Gate::SignedIn, decision::show),
    post("/approvals/{id}/decisions", Gate::SignedIn, decision::decide).limited(Limit::Submit),
];

/// Rows of a page.
const ROWS: usize = 25;

fn approvals(cx: &mut Cx) -> Result<Reply> {
    match (cx.query("state"), as_csv(cx)) {
        ("done", false) => done(cx),
        ("done", true) => done_csv(cx),
        (_, false) => queue(cx),
        (_, true) => queue_csv(cx),
    }
}

/// What waits for me.
#[derive(Template)]
#[template(path = "requests/approvals.html")]
struct QueuePage {
    shell: Shell,
    lede: String,
    filter: Filter,
    facets: Vec<Group>,
    rows: Vec<QueueRow>,
    /// The request that comes next, for somebody who has just decided one.
    next: Option<Next>,
    /// True where some rows can be ticked.
    ticks: bool,
    pager: Listing,
    first: bool,
}

/// Facets under one heading.
struct Group {
    heading: &'static str,
    facets: Vec<Facet>,
}

struct Facet {
    href: String,
    label: String,
    on: bool,
}

struct Next {
    href: String,
    package: String,
    target: String,
}

struct QueueRow {
    /// What its tick box sends; none for what is decided by itself (D39).
    pick: Option<StageId>,
    href: String,
    target: String,
    about: String,
    package: String,
    until: String,
    waiting: String,
    since: When,
    expires: Option<When>,
    soon: bool,
    /// Why its time stands still, if it does (D47, D13).
    still: Option<&'static str>,
    /// The start that was asked for: passed already, or ahead.
    start: Option<(bool, When)>,
    /// "1 of 2 approvals", where several are needed.
    votes: Option<String>,
    kind: Option<&'static str>,
    requestor: Option<String>,
    /// For whom the reader stands in (D34).
    instead_of: Option<String>,
    team: TeamCell,
    high: bool,
}

/// What a cell says of the team.
pub(super) struct TeamCell {
    pub tally: Option<(usize, usize)>,
    pub words: String,
}

fn queue(cx: &mut Cx) -> Result<Reply> {
    let me = cx.person()?.clone();
    let filter = Filter::of(&Form::of(cx.query_pairs().iter().cloned()));
    let at = cx.cursor::<Ts>(PAGE)?;
    let wanted = Wanted { filter, ..Wanted::all(&me, cx.now()) };
    let (rows, facts) = cx.read(|db| {
        let rows = store::queue_page(db, &wanted, seek(at.as_ref(), StageId), ROWS as i64 + 1)?;
        let facts = Around::read(db, &rows)?;
        Ok((rows, facts))
    })?;
    let page = page(rows, ROWS, at.as_ref(), |row| (row.waiting.opened_at, row.waiting.stage.0));
    let (now, zone) = (cx.now(), cx.zone());
    let first = page.previous.is_none();
    let more = page.next.is_some();
    let shell = cx.shell("Approvals", Place::Approvals)?;
    let rows: Vec<QueueRow> =
        page.rows.iter().map(|row| facts.row(row, filter, now, zone)).collect();
    let decided = shell.notice.is_some();
    let next = |row: &QueueRow| Next {
        href: row.href.clone(),
        package: row.package.clone(),
        target: row.target.clone(),
    };
    let shown = QueuePage {
        shell,
        lede: lede(page.rows.len(), first, more, filter),
        facets: facets(filter, &page.rows),
        next: rows.first().filter(|_| decided).map(next),
        ticks: rows.iter().any(|row| row.pick.is_some()),
        pager: Listing::under(cx, &page, "request", "requests"),
        filter,
        rows,
        first,
    };
    Reply::page(&shown)
}

/// The most packages that stand among the facets.
const PACKAGES: usize = 8;

/// The ways to narrow the queue; the packages are those of the rows that are shown, so that nothing more is read.
fn facets(filter: Filter, rows: &[Queued]) -> Vec<Group> {
    let facet = |label: &str, to: Filter| Facet {
        href: to.queue(),
        label: label.to_owned(),
        on: to == filter,
    };
    let show = |label, show| facet(label, Filter { show, ..filter });
    let team = |label, team| facet(label, Filter { team, ..filter });
    let mut packages: Vec<Facet> = vec![facet("Every package", Filter { package: None, ..filter })];
    let named: BTreeMap<&str, PackageId> = rows
        .iter()
        .map(|row| (row.waiting.request.package.as_str(), row.waiting.request.package_id))
        .collect();
    let one =
        |(name, id): (&&str, &PackageId)| facet(name, Filter { package: Some(*id), ..filter });
    packages.extend(named.iter().take(PACKAGES).map(one));
    if filter.package.is_some() && packages.iter().all(|facet| !facet.on) {
        packages.push(facet("One package", filter));
    }
    vec![
        Group {
            heading: "Waiting for you",
            facets: vec![
                show("All", None),
                show("Runs out within 2 days", Some(Show::Soon)),
                show("High risk", Some(Show::High)),
                show("Waits for an answer", Some(Show::Asked)),
            ],
        },
        Group {
            heading: "For whom",
            facets: vec![
                team("Everyone", None),
                team("My team", Some(Team::Mine)),
                team("Others", Some(Team::Others)),
            ],
        },
        Group { heading: "Package", facets: packages },
    ]
}

/// How much waits, in a sentence.
fn lede(shown: usize, first: bool, more: bool, filter: Filter) -> String {
    let shown = i64::try_from(shown).unwrap_or(i64::MAX);
    if !filter.all() && shown > 0 {
        return "Some of what waits for your decision. Longest wait first.".to_owned();
    }
    match (shown, first, more) {
        (0, ..) => String::new(),
        (1, true, false) => "One request waits for your decision.".to_owned(),
        (n, true, false) => {
            let n = capital(&number(n));
            format!("{n} requests wait for your decision. Longest wait first.")
        }
        (n, true, true) => {
            format!("More than {n} requests wait for your decision. Longest wait first.")
        }
        (_, false, _) => "Requests that wait for your decision. Longest wait first.".to_owned(),
    }
}

/// What stands around the rows of a queue: risk and teams, three statements for all of them; one more where several
/// must approve.
pub(super) struct Around {
    high: Vec<PackageId>,
    teams: Teams,
    approvers: Vec<Approver>,
}

impl Around {
    /// Reads what stands around these rows.
    ///
    /// # Errors
    /// When the database does not answer.
    pub fn read(db: &mut Db, rows: &[Queued]) -> Result<Self> {
        let packages: BTreeSet<PackageId> =
            rows.iter().map(|row| row.waiting.request.package_id).collect();
        let managers: BTreeSet<PersonId> = rows.iter().filter_map(|row| row.manager).collect();
        let packages: Vec<PackageId> = packages.into_iter().collect();
        let managers: Vec<PersonId> = managers.into_iter().collect();
        let counted = rows.iter().filter(|row| row.rule != Rule::Any);
        let counted: Vec<StageId> = counted.map(|row| row.waiting.stage).collect();
        Ok(Self {
            approvers: match counted.is_empty() {
                true => Vec::new(),
                false => store::approvers_of_stages(db, &counted)?,
            },
            high: store::high_risk(db, &packages)?,
            teams: store::teams(db, &managers, &packages)?,
        })
    }

    /// The risk of what is asked for.
    pub fn risk(&self, request: &Request) -> Risk {
        if self.high.contains(&request.package_id) { Risk::High } else { Risk::Ordinary }
    }

    /// What colleagues with the same manager have.
    pub fn peers(&self, row: &Queued) -> Option<Peers> {
        self.teams.peers(row.manager, row.waiting.request.package_id)
    }

    /// How many have approved, where several must.
    fn votes(&self, row: &Queued) -> Option<Count> {
        let count = votes::count(row.waiting.stage, row.rule, row.needed, &self.approvers);
        Some(count).filter(|count| row.rule != Rule::Any && count.several())
    }

    /// What a cell says of the team.
    pub fn team(&self, row: &Queued) -> TeamCell {
        let peers = self.peers(row);
        TeamCell { tally: peers.and_then(tally), words: team_words(row.manager, peers) }
    }

    fn row(&self, row: &Queued, filter: Filter, now: Ts, zone: Zone) -> QueueRow {
        let request = &row.waiting.request;
        let apart = apart(request, self.risk(request));
        QueueRow {
            pick: apart.is_none().then_some(row.waiting.stage),
            href: filter.decision(request.id),
            target: request.target.clone(),
            about: about(row),
            package: request.package.clone(),
            until: Until::of(request, now, zone).short(zone),
            waiting: waited(row.waiting.opened_at, now, zone),
            since: When::at(row.waiting.opened_at, now, zone),
            expires: request.due_at.map(|at| When::at(at, now, zone)),
            soon: request.due_at.is_some_and(|at| at.seconds_since(now) < SOON),
            still: match (request.held_at, request.asked_at) {
                (Some(_), _) => Some("Stopped, its time stands still"),
                (None, Some(_)) => Some("Waits for an answer, its time stands still"),
                (None, None) => None,
            },
            start: request.starts_at.map(|at| (at <= now, When::at(at, now, zone))),
            votes: self.votes(row).map(|count| count.short()),
            kind: words::kind(request),
            requestor: (request.requestor_id != request.target_id)
                .then(|| request.requestor.clone()),
            instead_of: row.waiting.instead_of.clone(),
            team: self.team(row),
            high: self.risk(request) == Risk::High,
        }
    }
}

/// "Ledger analyst, Finance".
pub(super) fn about(row: &Queued) -> String {
    let about = [&row.title, &row.department].into_iter().flatten();
    about.map(String::as_str).collect::<Vec<_>>().join(", ")
}

fn team_words(manager: Option<PersonId>, peers: Option<Peers>) -> String {
    match (manager, peers) {
        (None, _) => "No team".to_owned(),
        (_, None) => "Small team".to_owned(),
        (_, Some(Peers { have: 0, of })) => format!("0 of {of}: stands out"),
        (_, Some(Peers { have, of })) => format!("{have} of {of} have it"),
    }
}

fn queue_csv(cx: &mut Cx) -> Result<Reply> {
    const COLUMNS: &[&str] = &[
        "Reference",
        "Access package",
        "For",
        "Job title",
        "Department",
        "Requestor",
        "Requested",
        "Waiting since",
        "Expires",
        "Kind",
        "Votes",
        "Stopped since",
        "Waits for an answer since",
        "Asked for",
        "Risk",
        "In the team",
        "Standing in for",
    ];
    let me = cx.person()?.clone();
    let (db, now) = (cx.site.db.clone(), cx.now());
    let filter = Filter::of(&Form::of(cx.query_pairs().iter().cloned()));
    Ok(Reply::csv_stream("approvals.csv", COLUMNS, move |out| {
        let zone = db.zone();
        let read = |db: &mut Db, from, limit| {
            let wanted = Wanted { filter, ..Wanted::all(&me, now) };
            let rows = store::queue_page(db, &wanted, from, limit)?;
            let facts = Around::read(db, &rows)?;
            let with = |row: Queued| {
                let (risk, peers) = (facts.risk(&row.waiting.request), facts.peers(&row));
                let votes = facts.votes(&row).map_or_else(String::new, |count| count.short());
                (row, risk, peers, votes)
            };
            Ok(rows.into_iter().map(with).collect())
        };
        let key = |(row, ..): &(Queued, Risk, Option<Peers>, String)| {
            (row.waiting.opened_at, row.waiting.stage)
        };
        write_all(&db, out, read, key, |(row, risk, peers, votes)| {
            let request = &row.waiting.request;
            vec![
                request.reference.clone(),
                request.package.clone(),
                request.target.clone(),
                row.title.clone().unwrap_or_default(),
                row.department.clone().unwrap_or_default(),
                request.requestor.clone(),
                csv_time(request.created_at),
                csv_time(row.waiting.opened_at),
                csv_time(request.due_at),
                request.kind.label().to_owned(),
                votes.clone(),
                csv_time(request.held_at),
                csv_time(request.asked_at),
                Until::of(request, now, zone).short(zone),
                risk_word(*risk).to_owned(),
                team_words(row.manager, *peers),
                row.waiting.instead_of.clone().unwrap_or_default(),
            ]
        })?;
        Ok(())
    }))
}

fn risk_word(risk: Risk) -> &'static str {
    match risk {
        Risk::Ordinary => "Ordinary",
        Risk::High => "High",
    }
}

/// What I decided.
#[derive(Template)]
#[template(path = "requests/decided.html")]
struct DecidedPage {
    shell: Shell,
    /// True where some are left out.
    filtered: bool,
    facets: Vec<Group>,
    rows: Vec<DecidedRow>,
    pager: Listing,
}

struct DecidedRow {
    href: String,
    target: String,
    package: String,
    approved: bool,
    verdict: String,
    at: When,
    note: Option<String>,
    state: &'static str,
    reference: String,
    /// "Dario Conti, standing in for Marta Lindqvist" (D34).
    stood_in: Option<String>,
}

fn done(cx: &mut Cx) -> Result<Reply> {
    let me = cx.person()?.id;
    let at = cx.cursor::<Ts>(PAGE)?;
    let limit = ROWS as i64 + 1;
    let past = Past::of(&Form::of(cx.query_pairs().iter().cloned()));
    let of = (past, cx.now());
    let rows = cx.read(|db| store::decided_page(db, me, of, seek(at.as_ref(), StageId), limit))?;
    let page = page(rows, ROWS, at.as_ref(), |row| (row.at, row.stage.0));
    let (now, zone) = (cx.now(), cx.zone());
    let row = |row: &Decided| DecidedRow {
        href: format!("/approvals/{}", row.request.id),
        target: row.request.target.clone(),
        package: row.request.package.clone(),
        approved: row.state == StageState::Approved,
        verdict: verdict(row),
        at: When::at(row.at, now, zone),
        note: row.note.clone(),
        state: row.request.label(),
        reference: row.request.reference.clone(),
        stood_in: stood_in(row),
    };
    let shown = DecidedPage {
        shell: cx.shell("Decided – Approvals", Place::Approvals)?,
        filtered: past != Past::default(),
        facets: past_facets(past),
        rows: page.rows.iter().map(row).collect(),
        pager: Listing::under(cx, &page, "decision", "decisions"),
    };
    Reply::page(&shown)
}

/// The ways to narrow what was decided.
fn past_facets(past: Past) -> Vec<Group> {
    let facet =
        |label: &str, to: Past| Facet { href: to.href(), label: label.to_owned(), on: to == past };
    let verdict = |label, verdict| facet(label, Past { verdict, ..past });
    let days = |label, days| facet(label, Past { days, ..past });
    let [week, month, year] = Past::DAYS;
    vec![
        Group {
            heading: "Decision",
            facets: vec![
                verdict("All", None),
                verdict("Approved", Some(Verdict::Approve)),
                verdict("Denied", Some(Verdict::Deny)),
            ],
        },
        Group {
            heading: "When",
            facets: vec![
                days("Any time", None),
                days("Last 7 days", Some(week)),
                days("Last 30 days", Some(month)),
                days("Last year", Some(year)),
            ],
        },
    ]
}

/// Both names, where somebody stood in.
fn stood_in(row: &Decided) -> Option<String> {
    row.stood_in.as_ref().map(|(by, whose)| format!("{by}, standing in for {whose}"))
}

/// "Approved", or "Approved stage 1 of 2" where there are several.
fn verdict(row: &Decided) -> String {
    let verb = if row.state == StageState::Approved { "Approved" } else { "Denied" };
    match row.request.stages() {
        ..=1 => verb.to_owned(),
        stages => format!("{verb} stage {} of {stages}", row.number),
    }
}

fn done_csv(cx: &mut Cx) -> Result<Reply> {
    const COLUMNS: &[&str] = &[
        "Reference",
        "Access package",
        "For",
        "Requestor",
        "Requested",
        "Decision",
        "Decided",
        "Reason",
        "Request now",
        "Stand-in",
    ];
    let me = cx.person()?.id;
    let db = cx.site.db.clone();
    let of = (Past::of(&Form::of(cx.query_pairs().iter().cloned())), cx.now());
    Ok(Reply::csv_stream("decisions.csv", COLUMNS, move |out| {
        let read = |db: &mut Db, from, limit| store::decided_page(db, me, of, from, limit);
        write_all(
            &db,
            out,
            read,
            |row| (row.at, row.stage),
            |row| {
                vec![
                    row.request.reference.clone(),
                    row.request.package.clone(),
                    row.request.target.clone(),
                    row.request.requestor.clone(),
                    csv_time(row.request.created_at),
                    verdict(row),
                    csv_time(row.at),
                    row.note.clone().unwrap_or_default(),
                    row.request.label().to_owned(),
                    stood_in(row).unwrap_or_default(),
                ]
            },
        )?;
        Ok(())
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_queue_says_how_much_waits_and_never_counts_what_it_has_not_read() {
        let lede = |shown, first, more| lede(shown, first, more, Filter::default());
        assert_eq!(lede(1, true, false), "One request waits for your decision.");
        assert_eq!(
            lede(6, true, false),
            "Six requests wait for your decision. Longest wait first."
        );
        assert!(lede(25, true, true).starts_with("More than 25 requests"));
        assert!(!lede(25, false, true).contains("25"));
    }

    #[test]
    fn e28_a_cell_hides_small_teams() {
        let boss = Some(PersonId::fresh());
        assert_eq!(team_words(boss, Peers::shown(2, 3)), "Small team");
        assert_eq!(team_words(boss, Peers::shown(7, 9)), "7 of 9 have it");
        assert_eq!(team_words(boss, Peers::shown(0, 5)), "0 of 5: stands out");
        assert_eq!(team_words(None, None), "No team");
    }
}
