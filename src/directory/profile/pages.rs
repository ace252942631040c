//! The page of a person.

use askama::Template;

use super::store::{self, Holding, RequestRow, Sight};
use crate::access::policy::{Gate, PersonStanding, explain_access, see_person, set_stand_in};
use crate::access::{Actor, Person};
use crate::audit::history::{Told, history_of_person};
use crate::db::Db;
use crate::directory::{PersonRow, store as directory};
use crate::error::Result;
use crate::kernel::{Fact, PersonId, RequestId};
use crate::requests::model::{RequestKind, State};
use crate::requests::words;
use crate::web::page::{Moment, Step};
use crate::web::words::{When, capital, number};
use crate::web::{Cx, Place, Reply, Route, Shell, get};

/// An end within so many days stands out.
const SOON_DAYS: i64 = 14;
/// The newest facts that the page shows.
const FACTS: i64 = 30;

/// This slice's pages.
pub const ROUTES: &[Route] = &[get("/people/{id}", Gate::SignedIn, show)];

#[derive(Template)]
#[template(path = "directory/person.html")]
struct PersonPage {
    shell: Shell,
    heading: String,
    you: bool,
    partly: bool,
    person: PersonRow,
    manager: Option<String>,
    left: Option<When>,
    groups: Vec<String>,
    holdings: Vec<HoldingLine>,
    requests: Vec<RequestLine>,
    history: Vec<Moment>,
    /// Where a manager requests for them (D46).
    behalf: Option<String>,
    /// Where their stand-in is set, for those who may (D45).
    stand_in: Option<String>,
}

/// A package that the person holds.
struct HoldingLine {
    /// Why they have it.
    tree: Option<String>,
    package: String,
    href: Option<String>,
    why: String,
    policy: String,
    /// The request behind it and its page, for those who see it (E28).
    request: Option<(String, String)>,
    since: When,
    until: Option<When>,
    note: Option<(&'static str, &'static str, String)>,
}

/// A request that the person made, or that is for them.
struct RequestLine {
    /// Its reference and its page, for those who see it (E28).
    request: Option<(String, String)>,
    package: String,
    state: (&'static str, &'static str, &'static str),
    at: When,
}

/// What was read for the page.
struct Read {
    person: PersonRow,
    manager: Option<String>,
    groups: Vec<String>,
    sight: Sight,
    holdings: Vec<Holding>,
    requests: Vec<RequestRow>,
    decided: Vec<RequestId>,
    history: Vec<Told>,
}

fn show(cx: &mut Cx) -> Result<Reply> {
    let viewer = cx.person()?.clone();
    let id: PersonId = cx.id("id")?;
    let read = cx.read(|db| read(db, &viewer, id))?;
    Reply::page(&page(cx, &viewer, read)?)
}

/// Reads what the viewer may see of the person; `Missing` if that is nothing (E28).
fn read(db: &mut Db, viewer: &Person, id: PersonId) -> Result<Read> {
    let person = directory::person(db, id)?;
    let standing = store::standing(db, viewer, &person)?;
    see_person(&Actor::Person(viewer.clone()), &standing)?;
    let sight = sight(viewer, &standing);
    let manager = match person.manager_id {
        Some(manager) => directory::names(db, &[manager])?.remove(&manager),
        None => None,
    };
    let holdings = store::holdings(db, id, &sight)?;
    let requests = store::requests(db, id, &sight)?;
    let behind = holdings.iter().filter_map(|held| held.request.as_ref().map(|asked| asked.id));
    let ids: Vec<_> = behind.chain(requests.iter().map(|request| request.id)).collect();
    Ok(Read {
        manager,
        groups: store::groups(db, id)?,
        decided: store::approver_of(db, viewer.id, &ids)?,
        history: history_of_person(db, id, &sight, viewer, FACTS)?,
        person,
        sight,
        holdings,
        requests,
    })
}

fn page(cx: &Cx, viewer: &Person, read: Read) -> Result<PersonPage> {
    let Read { person, manager, groups, sight, holdings, requests, decided, history } = read;
    let (now, zone) = (cx.now(), cx.zone());
    let you = viewer.id == person.id;
    let actor = Actor::Person(viewer.clone());
    let sees = |request: &RequestId, catalog, people: &[PersonId]| {
        people.contains(&viewer.id)
            || decided.contains(request)
            || viewer.owns.contains(&catalog)
            || viewer.administrator
            || viewer.auditor
    };
    let holding_line = |held: Holding| {
        let why = match &held.request {
            None => "Assigned without a request".to_owned(),
            Some(asked) if asked.requestor == viewer.id => "Requested by you".to_owned(),
            Some(asked) => format!("Requested by {}", asked.name),
        };
        let request = held
            .request
            .filter(|asked| sees(&asked.id, held.catalog, &[asked.requestor, person.id]))
            .map(|asked| (asked.reference, format!("/requests/{}", asked.id)));
        let soon = held.until.filter(|end| end.seconds_since(now) <= SOON_DAYS * 86_400);
        let until = held.until.map(|end| When::end(end, now, zone));
        let note = match (&until, soon) {
            _ if !held.started => Some(("", "cal", "Not started yet".to_owned())),
            (Some(until), Some(_)) => Some(("warn", "cal", format!("Ends {}", until.relative))),
            _ => None,
        };
        HoldingLine {
            tree: explain_access(&actor, held.catalog, person.id, person.manager_id)
                .is_ok()
                .then(|| format!("/access/{}/why", held.id)),
            href: you.then(|| format!("/packages/{}", held.package)),
            package: held.name,
            why,
            policy: held.policy,
            request,
            since: When::start(held.since, now, zone),
            until,
            note,
        }
    };
    let request_line = |request: RequestRow| RequestLine {
        state: mark(&request),
        request: sees(&request.id, request.catalog, &[request.requestor, request.target])
            .then(|| (request.reference, format!("/requests/{}", request.id))),
        package: request.package,
        at: When::at(request.at, now, zone),
    };
    let moment = |told: Told| Moment {
        step: step(&told.fact),
        when: Some(When::at(told.at, now, zone)),
        at: String::new(),
        heading: told.sentence.in_zone(zone).to_string(),
    };
    let holdings: Vec<_> = holdings.into_iter().map(holding_line).collect();
    let title = if you { "Your access and history".to_owned() } else { person.name.clone() };
    Ok(PersonPage {
        shell: cx.shell(format!("{title} – People"), Place::People)?,
        heading: heading(&person.name, you, sight.catalogs.is_some(), holdings.len()),
        you,
        partly: sight.catalogs.is_some(),
        stand_in: (person.enabled && set_stand_in(&actor, person.id, person.kind).is_ok()).then(
            || {
                if you {
                    "/me/stand-in".to_owned()
                } else {
                    format!("/people/{}/stand-in", person.id)
                }
            },
        ),
        behalf: (person.enabled && person.manager_id == Some(viewer.id))
            .then(|| format!("/packages?for={}", person.id)),
        left: person.left_at.map(|at| When::at(at, now, zone)),
        person,
        manager,
        groups,
        holdings,
        requests: requests.into_iter().map(request_line).collect(),
        history: history.into_iter().map(moment).collect(),
    })
}

/// How much of the person the viewer sees: owners only their catalogs (E28); when somebody signs in
/// is for themselves, auditors and administrators.
fn sight(viewer: &Person, standing: &PersonStanding) -> Sight {
    let themselves = viewer.id == standing.person;
    let sign_ins = themselves || viewer.auditor || viewer.administrator;
    let whole = sign_ins || standing.manager == Some(viewer.id) || standing.deciding;
    Sight { catalogs: (!whole).then(|| viewer.owns.clone()), sign_ins }
}

/// "Asha Rao holds three access packages", "You hold no access package of your catalogs".
fn heading(name: &str, you: bool, partly: bool, n: usize) -> String {
    let who = if you { "You hold" } else { &format!("{name} holds") };
    let what = match i64::try_from(n).unwrap_or(i64::MAX) {
        0 => "no access package".to_owned(),
        1 => "one access package".to_owned(),
        n => format!("{} access packages", number(n)),
    };
    capital(&format!("{who} {what}{}", if partly { " of your catalogs" } else { "" }))
}

/// The shape of what happened.
fn step(fact: &Fact) -> Step {
    match fact {
        _ if fact.failed() => Step::Warn,
        Fact::RequestDenied { .. }
        | Fact::StageDenied { .. }
        | Fact::RequestExpired { .. }
        | Fact::RequestCanceled { .. }
        | Fact::AssignmentEnded { .. }
        | Fact::PersonLeft => Step::Stop,
        _ => Step::Done,
    }
}

/// Where a request stands: class, shape and word.
fn mark(request: &RequestRow) -> (&'static str, &'static str, &'static str) {
    let known = State::parse(&request.state).zip(RequestKind::parse(&request.kind));
    let Some((state, kind)) = known else { return ("off", "ask", "Unknown") };
    words::standing(state, kind, request.access_ended.is_some())
}

#[cfg(test)]
mod tests;
