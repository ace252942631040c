//! A person's requests: the list, and each one's story.

use askama::Template;

use super::acting::{Act, acts};
use super::chart::{self, Chart};
use super::deciding::pace_words;
use super::drafts::{self, Draft};
use super::model::{Request, RequestKind, State};
use super::prospect::deciders;
use super::rules::{Deciders, pace};
use super::stops::{self, Stop};
use super::timeline::{Item, Story};
use super::{asking, commands, store, veil, words};
use crate::access::Person;
use crate::access::policy::{self, Gate};
use crate::assignments;
use crate::assignments::model::Assignment;
use crate::assignments::rights::{self, Standing};
use crate::assignments::words::Times;
use crate::audit::history::{Told, history_of_request};
use crate::db::Db;
use crate::error::{Error, Result};
use crate::kernel::fact::{Veil, together};
use crate::kernel::{Kind, PersonId, RequestId, Ts, Zone};
use crate::packages::model::Content;
use crate::packages::store::contents;
use crate::policies::stages::Condition;
use crate::web::listing::{Listing, PAGE, as_csv, seek, write_all};
use crate::web::page::Mark;
use crate::web::paging::page;
use crate::web::words::{When, capital, date_in_full};
use crate::web::{Cx, Limit, Place, Reply, Route, Shell, get, post};

/// The routes of a person's requests.
pub const ROUTES: &[Route] = &[
    get("/requests", Gate::SignedIn, list),
    get("/requests/{id}", Gate::SignedIn, show),
    post("/requests/{id}/cancel", Gate::SignedIn, cancel),
    post("/requests/{id}/remind", Gate::SignedIn, remind).limited(Limit::Submit),
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
    /// What it is for, where it is not for access.
    pub kind: Option<&'static str>,
    /// Where it stands.
    pub mark: Mark,
    /// Where the reader answers what was asked of them (D13).
    pub answer: Option<String>,
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
    let with = held.clone().map(|a| words::you(Some(me), a.person, &a.name)).collect();
    let with = together(with);
    let since = request.asked_at.or(held.map(|a| a.opened_at).max());
    let (since, due) = words::wait(request, since, now, zone);
    let other = |id: PersonId, name: &String| (id != me).then(|| name.clone());
    let asked = request.state == State::PendingApproval && request.asked_at.is_some();
    let answers = asked && [request.requestor_id, request.target_id].contains(&me);
    Line {
        href: format!("/requests/{}", request.id),
        package: request.package.clone(),
        target: other(request.target_id, &request.target),
        requestor: other(request.requestor_id, &request.requestor),
        at: When::at(request.created_at, now, zone),
        reference: request.reference.clone(),
        kind: words::kind(request),
        mark: match answers {
            true => Mark::new("warn", "half", "Needs your answer"),
            false => words::mark(request, &with, zone),
        },
        answer: answers.then(|| format!("/requests/{}/answer", request.id)),
        since,
        due,
    }
}

/// Who holds the open stages of some requests.
pub type Holders = Vec<(RequestId, super::model::Approver)>;

fn times(cx: &Cx) -> Times {
    Times { now: cx.now(), wall: cx.wall(), zone: cx.zone() }
}

fn list(cx: &mut Cx) -> Result<Reply> {
    let reader = cx.person()?;
    let me = reader.id;
    if as_csv(cx) {
        return Ok(list_csv(cx, reader.clone()));
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
        let holders = veil::holders(db, reader, &open)?;
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
fn list_csv(cx: &Cx, reader: Person) -> Reply {
    let site = cx.site.clone();
    Reply::csv_stream("requests.csv", words::CSV, move |out| {
        let read = |db: &mut Db, from, limit| {
            let rows = store::of_person(db, reader.id, from, limit)?;
            let ids: Vec<RequestId> = rows.iter().map(|r| r.id).collect();
            let holders = veil::holders(db, &reader, &ids)?;
            let with = |id: RequestId| -> Vec<String> {
                let held = holders.iter().filter(|(of, _)| *of == id);
                together(held.map(|(_, approver)| approver.name.clone()).collect())
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
    acts: Vec<Act>,
    /// Where a comment is written, for those who take part.
    comment: Option<String>,
    /// The button that reminds, or when it comes back.
    remind: Option<Remind>,
    /// How long such decisions took, while it waits for one.
    pace: Option<String>,
    chart: Option<Chart>,
    kind: Option<&'static str>,
    answers: Vec<(Option<String>, String, String)>,
    reason: String,
    first: String,
    last: String,
    policy_version: i64,
    reads: Vec<String>,
    previous: Option<(&'static str, String)>,
    back: (&'static str, &'static str),
}

/// Whether the approvers can be reminded now.
enum Remind {
    Now(String),
    From(String),
}

fn show(cx: &mut Cx) -> Result<Reply> {
    let id: RequestId = cx.id("id")?;
    let actor = cx.actor().ok_or(Error::Missing)?;
    let me = cx.person()?.id;
    let (mut request, (stages, mut approvers)) =
        cx.read(|db| Ok((store::one(db, id)?, store::course(db, id)?)))?;
    let standing = store::standing_of(&request, &approvers);
    policy::see_request(actor, &standing)?;
    let now = cx.now();
    let (around, acts) = cx.read(|db| {
        let acts = acts(db, actor, &request, &stages, &approvers, now)?;
        Ok((Around::read(db, &request, cx.person()?)?, acts))
    })?;
    veil::approvers(&around.veil, &mut approvers);
    request.terms = request.terms.veiled(&around.veil);
    let story = Story {
        request: &request,
        me: Some(me),
        facts: &around.facts,
        stages: &stages,
        approvers: &approvers,
        stop: around.stop.as_ref(),
        guest: around.guest,
        deciders: &around.deciders,
        contents: &around.contents,
        assignment: around.assignment.as_ref(),
        rights: &around.rights,
        times: times(cx),
    };
    let mine = me == request.target_id || me == request.requestor_id;
    let place = if mine { Place::Requests } else { Place::None };
    let title = format!("{}, {} – Requests", request.package, request.reference);
    let shell = cx.shell(title, place)?;
    let cancelable = matches!(request.state, State::PendingApproval | State::Scheduled)
        && policy::cancel_request(actor, &standing).is_ok();
    let refusable = asking::can_refuse(&request, me);
    let for_access =
        matches!(request.kind, RequestKind::Add | RequestKind::Assign | RequestKind::TakeAgain);
    let repeats = me == request.requestor_id && request.kind != RequestKind::Assign;
    let may_again = (repeats || me == request.target_id) && for_access && request.over();
    let items = story.tell();
    let moving = items.iter().any(|item| !item.marks.is_empty());
    let asked = super::rules::Period { starts: request.starts_at, ends: request.ends_at };
    let zone = cx.zone();
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
        again: may_again.then(|| again_href(&request, repeats)),
        acts,
        comment: policy::comment_request(actor, &standing)
            .is_ok()
            .then(|| format!("/requests/{id}/comments")),
        decide: policy::decide_stage(actor, &standing).is_ok().then(|| format!("/approvals/{id}")),
        remind: reminds(&request, mine, cx.now(), zone),
        pace: around.paces.as_ref().map(|paces| pace_words(pace(paces))),
        chart: around.paces.as_deref().and_then(chart::of),
        kind: words::kind(&request),
        answers: request
            .answers
            .iter()
            .map(|a| (a.resource.clone(), a.text.clone(), a.words()))
            .collect(),
        reason: request.reason.clone(),
        first: match request.starts_at {
            Some(at) => date_in_full(zone.date(at)),
            None => "As soon as possible".to_owned(),
        },
        last: words::last_day(&request.terms, asked, request.created_at, zone),
        policy_version: request.policy_version,
        reads: request.terms.reads(),
        previous: request.previous_id.map(|id| {
            let what = match request.kind {
                RequestKind::Extend => "Extends",
                RequestKind::GiveBack => "Gives back",
                RequestKind::TakeAgain => "Takes again",
                RequestKind::Add | RequestKind::Assign => "Repeats",
            };
            (what, format!("/requests/{id}"))
        }),
        back: if mine { ("/requests", "Your requests") } else { ("/", "Home") },
        shell,
    };
    Reply::page(&page)
}

/// The form that repeats a request (D12); what somebody else asked for is asked for anew.
fn again_href(request: &Request, repeats: bool) -> String {
    if !repeats {
        return format!("/packages/{}/request", request.package_id);
    }
    let query = match asking::query(request.requestor_id, request.target_id) {
        query if query.is_empty() => "?".to_owned(),
        query => format!("{query}&"),
    };
    format!("/packages/{}/request{query}again={}", request.package_id, request.id)
}

/// What stands around a request. At most nine statements more than the request and its stages take.
struct Around {
    facts: Vec<Told>,
    veil: Veil,
    deciders: Vec<Option<Deciders>>,
    contents: Vec<Content>,
    assignment: Option<Assignment>,
    rights: Vec<Standing>,
    stop: Option<Stop>,
    guest: bool,
    /// How long decisions took, while it waits for one.
    paces: Option<Vec<i64>>,
}

impl Around {
    fn read(db: &mut Db, request: &Request, me: &Person) -> Result<Self> {
        let (id, waits) = (request.id, request.state == State::PendingApproval);
        let (package, catalog) = (request.package_id, request.catalog_id);
        let (requestor, target) = (request.requestor_id, request.target_id);
        let more = waits && request.stage < request.stages();
        let guests = request.terms.stages.iter().any(|s| s.only_if == Some(Condition::Guests));
        let about = request
            .assignment_id
            .filter(|_| matches!(request.kind, RequestKind::Extend | RequestKind::GiveBack));
        let assignment = match about {
            Some(about) => Some(assignments::store::one(db, about)?.assignment),
            None if waits => None,
            None => assignments::store::of_request(db, id)?,
        };
        let veil = me.veil(&[requestor, target], catalog);
        let mut next = match more {
            true => deciders(db, &request.terms, requestor, target, catalog)?,
            false => vec![],
        };
        veil::deciders(&veil, &mut next);
        Ok(Self {
            facts: history_of_request(db, id, &veil, FACTS)?,
            veil,
            deciders: next,
            contents: match waits || request.state == State::Scheduled {
                true => contents(db, package)?,
                false => vec![],
            },
            rights: match &assignment {
                Some(assignment) if request.kind != RequestKind::Extend => {
                    rights::standing(db, &[assignment.id])?
                }
                _ => vec![],
            },
            stop: match request.held_at {
                Some(_) => stops::of(db, catalog, package, Some(request.policy_id))?,
                None => None,
            },
            guest: more && guests && store::frame(db, id)?.kind == Kind::Guest,
            paces: if waits { Some(store::paces(db, package)?) } else { None },
            assignment,
        })
    }
}

/// Whoever waits may have the approvers reminded, once a day; none where nobody's decision is awaited.
fn reminds(request: &Request, mine: bool, now: Ts, zone: Zone) -> Option<Remind> {
    let waits = request.state == State::PendingApproval && !request.paused();
    if !(mine && waits) {
        return None;
    }
    let again = request.reminded_at.map(|at| at.plus_seconds(commands::REMIND_AGAIN));
    Some(match again.filter(|again| *again > now) {
        Some(again) => Remind::From(When::at(again, now, zone).absolute),
        None => Remind::Now(format!("/requests/{}/remind", request.id)),
    })
}

/// Reminds the approvers.
fn remind(cx: &mut Cx) -> Result<Reply> {
    let id: RequestId = cx.id("id")?;
    cx.write(move |tx| {
        let request = store::one(tx.db(), id)?;
        let standing = store::standing(tx.db(), &request)?;
        let permit = policy::remind_approvers(tx.actor(), &standing)?;
        commands::remind(tx, &permit)
    })?;
    let text = "Those whose decision is awaited are told. You can remind them again in a day.";
    Ok(Reply::see_other(format!("/requests/{id}")).notice("Reminded.", text))
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
