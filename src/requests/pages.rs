//! A person's requests: the list, and each one's story.

use askama::Template;

use super::model::{Request, State};
use super::prospect::deciders;
use super::timeline::{Item, Story};
use super::drafts::{self, Draft};
use super::{asking, commands, store, words};
use crate::access::policy::{self, Gate};
use crate::assignments::rights;
use crate::assignments::words::Times;
use crate::audit::history::history_of_request;
use crate::db::Db;
use crate::error::{Error, Result};
use crate::kernel::{PersonId, RequestId, Ts};
use crate::packages::store::contents;
use crate::web::listing::{Listing, PAGE, as_csv, seek, write_all};
use crate::web::page::Mark;
use crate::web::paging::page;
use crate::web::words::{When, capital, date_in_full};
use crate::web::{Cx, Place, Reply, Route, Shell, get, post};

/// The routes of a person's requests.
pub const ROUTES: &[Route] = &[
    get("/requests", Gate::SignedIn, list),
    get("/requests/{id}", Gate::SignedIn, show),
    post("/requests/{id}/cancel", Gate::SignedIn, cancel),
];

/// As many requests as a page shows.
const SHOWN: usize = 25;
/// As many drafts.
const DRAFTS: i64 = 20;
/// As many facts as a timeline tells.
const FACTS: i64 = 300;

/// My requests: made by me or for me.
#[derive(Template)]
#[template(path = "requests/list.html")]
struct ListPage {
    shell: Shell,
    drafts: Vec<DraftLine>,
    rows: Vec<Line>,
    pager: Listing,
}

/// Something filled in and not sent.
struct DraftLine {
    href: String,
    package: String,
    other: Option<String>,
    at: When,
    basket: Option<String>,
    forget: String,
}

fn draft_line(draft: &Draft, me: PersonId, times: Times) -> DraftLine {
    let query = asking::query(me, draft.target);
    let form = format!("/packages/{}/request", draft.package);
    DraftLine {
        href: format!("{form}{query}"),
        package: draft.package_name.clone(),
        other: (draft.target != me).then(|| draft.target_name.clone()),
        at: When::at(draft.at, times.now, times.zone),
        basket: draft.in_basket.then(|| format!("/basket{query}")),
        forget: format!("{form}/forget{query}"),
    }
}

/// One request of a list.
pub struct Line {
    /// Its address.
    pub href: String,
    /// What is asked for.
    pub package: String,
    /// For whom, if not for the reader.
    pub target: Option<String>,
    /// Who asked, if not the reader.
    pub requestor: Option<String>,
    /// When.
    pub at: When,
    /// What people quote.
    pub reference: String,
    /// Where it stands.
    pub mark: Mark,
    /// Since when it waits.
    pub since: Option<When>,
    /// When it expires.
    pub due: Option<When>,
}

/// A request as a row of a list, for its reader.
#[must_use]
pub fn line(request: &Request, holders: &Holders, me: PersonId, times: Times) -> Line {
    let (now, zone) = (times.now, times.zone);
    let held = holders.iter().filter(|(id, _)| *id == request.id).map(|(_, approver)| approver);
    let with: Vec<String> = held.clone().map(|a| words::you(Some(me), a.person, &a.name)).collect();
    let since = held.map(|a| a.opened_at).max();
    let (since, due) = words::wait(request, since, now, zone);
    let other = |id: PersonId, name: &String| (id != me).then(|| name.clone());
    Line {
        href: format!("/requests/{}", request.id),
        package: request.package.clone(),
        target: other(request.target_id, &request.target),
        requestor: other(request.requestor_id, &request.requestor),
        at: When::at(request.created_at, now, zone),
        reference: request.reference.clone(),
        mark: words::mark(request, &with, zone),
        since,
        due,
    }
}

/// Who holds the open stages of some requests.
pub type Holders = Vec<(RequestId, super::model::Approver)>;

fn times(cx: &Cx) -> Times {
    Times { now: cx.now(), wall: cx.wall(), zone: cx.site.db.zone() }
}

fn list(cx: &mut Cx) -> Result<Reply> {
    let me = cx.person()?.id;
    if as_csv(cx) {
        return Ok(list_csv(cx, me));
    }
    let at = cx.cursor::<Ts>(PAGE)?;
    let (rows, holders, kept) = cx.read(|db| {
        let kept = match at {
            None => drafts::of_person(db, me, DRAFTS)?,
            Some(_) => vec![],
        };
        let rows = store::of_person(db, me, seek(at.as_ref(), RequestId), SHOWN as i64 + 1)?;
        let open: Vec<RequestId> =
            rows.iter().filter(|r| r.state == State::PendingApproval).map(|r| r.id).collect();
        let holders = if open.is_empty() { vec![] } else { store::holders(db, &open)? };
        Ok((rows, holders, kept))
    })?;
    let found = page(rows, SHOWN, at.as_ref(), |r| (r.created_at, r.id.0));
    let title = match at {
        Some(_) => "Your requests, earlier – Requests",
        None => "Your requests – Requests",
    };
    let page = ListPage {
        shell: cx.shell(title, Place::Requests)?,
        drafts: kept.iter().map(|draft| draft_line(draft, me, times(cx))).collect(),
        rows: found.rows.iter().map(|r| line(r, &holders, me, times(cx))).collect(),
        pager: Listing::under(cx, &found, "request", "requests"),
    };
    Reply::page(&page)
}

/// The whole list, read in pieces by key.
fn list_csv(cx: &Cx, me: PersonId) -> Reply {
    let site = cx.site.clone();
    Reply::csv_stream("requests.csv", words::CSV, move |out| {
        let read = |db: &mut Db, from, limit| {
            let rows = store::of_person(db, me, from, limit)?;
            let ids: Vec<RequestId> = rows.iter().map(|r| r.id).collect();
            let holders = if ids.is_empty() { vec![] } else { store::holders(db, &ids)? };
            let with = |id: RequestId| -> Vec<String> {
                let held = holders.iter().filter(|(of, _)| *of == id);
                held.map(|(_, approver)| approver.name.clone()).collect()
            };
            Ok(rows.into_iter().map(|r| (with(r.id), r)).collect::<Vec<_>>())
        };
        write_all(
            &site.db,
            out,
            read,
            |(_, r)| (r.created_at, r.id),
            |(with, r)| words::csv_row(r, with),
        )?;
        Ok(())
    })
}

/// One request.
#[derive(Template)]
#[template(path = "requests/show.html")]
struct RequestPage {
    shell: Shell,
    reference: String,
    package: String,
    package_href: String,
    target: String,
    who: String,
    requestor: Option<String>,
    lede: String,
    items: Vec<Item>,
    /// Where each resource stands, once nothing is on its way.
    settled: Vec<Mark>,
    cancel: Option<String>,
    refuse: Option<String>,
    again: Option<String>,
    decide: Option<String>,
    reason: String,
    first: String,
    last: String,
    policy_version: i64,
    reads: Vec<String>,
    previous: Option<String>,
    back: (&'static str, &'static str),
}

fn show(cx: &mut Cx) -> Result<Reply> {
    let id: RequestId = cx.id("id")?;
    let actor = cx.actor().ok_or(Error::Missing)?;
    let me = cx.person()?.id;
    let (request, approvers) =
        cx.read(|db| Ok((store::one(db, id)?, store::approvers(db, id)?)))?;
    let standing = store::standing_of(&request, &approvers);
    policy::see_request(actor, &standing)?;
    let waits = request.state == State::PendingApproval;
    let (facts, deciders, contents, assignment, rights) = cx.read(|db| {
        let facts = history_of_request(db, id, FACTS)?;
        let more = waits && request.stage < request.stages();
        let deciders = if more {
            deciders(
                db,
                &request.terms,
                request.requestor_id,
                request.target_id,
                request.catalog_id,
            )?
        } else {
            vec![]
        };
        let contents = if waits || request.state == State::Scheduled {
            contents(db, request.package_id)?
        } else {
            vec![]
        };
        let assignment = if waits { None } else { crate::assignments::store::of_request(db, id)? };
        let rights = match &assignment {
            Some(assignment) => rights::standing(db, &[assignment.id])?,
            None => vec![],
        };
        Ok((facts, deciders, contents, assignment, rights))
    })?;
    let story = Story {
        request: &request,
        me: Some(me),
        facts: &facts,
        approvers: &approvers,
        deciders: &deciders,
        contents: &contents,
        assignment: assignment.as_ref(),
        rights: &rights,
        times: times(cx),
    };
    let mine = me == request.target_id || me == request.requestor_id;
    let place = if mine { Place::Requests } else { Place::None };
    let title = format!("{}, {} – Requests", request.package, request.reference);
    let shell = cx.shell(title, place)?;
    let cancelable = matches!(request.state, State::PendingApproval | State::Scheduled)
        && policy::cancel_request(actor, &standing).is_ok();
    let refusable = asking::can_refuse(&request, me);
    let may_again = me == request.requestor_id
        && matches!(
            request.state,
            State::Denied | State::Expired | State::Canceled | State::Undelivered
        );
    let items = story.tell();
    let moving = items.iter().any(|item| !item.marks.is_empty());
    let asked = super::rules::Period { starts: request.starts_at, ends: request.ends_at };
    let zone = cx.site.db.zone();
    let page = RequestPage {
        lede: story.lede(),
        settled: if moving { vec![] } else { story.marks() },
        items,
        reference: request.reference.clone(),
        package: request.package.clone(),
        package_href: format!("/packages/{}", request.package_id),
        target: words::you(Some(me), request.target_id, &request.target),
        who: capital(&words::you(Some(me), request.target_id, &request.target)),
        requestor: (request.requestor_id != request.target_id).then(|| request.requestor.clone()),
        cancel: (cancelable && !refusable).then(|| format!("/requests/{id}/cancel")),
        refuse: refusable.then(|| format!("/requests/{id}/refuse")),
        again: may_again.then(|| again_href(&request)),
        decide: policy::decide_stage(actor, &standing).is_ok().then(|| format!("/approvals/{id}")),
        reason: request.reason.clone(),
        first: match request.starts_at {
            Some(at) => date_in_full(zone.date(at)),
            None => "As soon as possible".to_owned(),
        },
        last: words::last_day(&request.terms, asked, request.created_at, zone),
        policy_version: request.policy_version,
        reads: request.terms.reads(),
        previous: request.previous_id.map(|id| format!("/requests/{id}")),
        back: if mine { ("/requests", "Your requests") } else { ("/", "Home") },
        shell,
    };
    Reply::page(&page)
}

/// The form that repeats a request (D12).
fn again_href(request: &Request) -> String {
    let query = match asking::query(request.requestor_id, request.target_id) {
        query if query.is_empty() => "?".to_owned(),
        query => format!("{query}&"),
    };
    format!("/packages/{}/request{query}again={}", request.package_id, request.id)
}

fn cancel(cx: &mut Cx) -> Result<Reply> {
    let id: RequestId = cx.id("id")?;
    let request = cx.write(move |tx| {
        let request = store::one(tx.db(), id)?;
        let standing = store::standing(tx.db(), &request)?;
        let permit = policy::cancel_request(tx.actor(), &standing)?;
        commands::cancel(tx, &permit)
    })?;
    let text = format!("Nobody needs to decide on {} any more.", request.package);
    Ok(Reply::see_other(format!("/requests/{id}")).notice("Request canceled.", text))
}
