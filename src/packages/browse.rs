//! Finding access: the list and search of packages, and a package as those see it who may request it.

use askama::Template;

use super::incompatible::model::Beside;
use super::incompatible::rules::named;
use super::incompatible::store::conflicts;
use super::model::{Hit, Position, Viewer};
use super::store::{self, Asker};
use super::words;
use crate::access::policy::{Gate, manage_catalog, request_access, see_catalog};
use crate::db::Db;
use crate::directory::{PersonRow, store as directory, store::reports_of};
use crate::error::{Error, Result};
use crate::kernel::fact::together;
use crate::kernel::{Kind, PackageId, PersonId, RequestId, Risk, Ts, Zone};
use crate::policies::model::Policy;
use crate::policies::store::of_package;
use crate::requests::asking::{Case, for_others, query, target};
use crate::requests::commands::exception_href;
use crate::requests::prospect::prospect;
use crate::requests::words::Decides;
use crate::requests::{drafts, store as requests, veil};
use crate::web::listing::{Listing, PAGE, as_csv};
use crate::web::page::Mark;
use crate::web::paging::{Cursor, page};
use crate::web::{Cx, Limit, Place, Reply, Route, Shell, get};

mod cannot;
mod suggested;
mod why;

/// The routes of finding access.
pub const ROUTES: &[Route] = &[
    get("/packages", Gate::SignedIn, browse).limited(Limit::Search),
    get("/packages/{id}", Gate::SignedIn, show),
    get("/packages/{id}/why", Gate::SignedIn, why::show),
];

/// As many packages as a page shows.
const SHOWN: usize = 20;
/// As many of those who report to somebody.
const REPORTS: usize = 50;

/// The list and the search.
#[derive(Template)]
#[template(path = "packages/browse.html")]
struct BrowsePage {
    shell: Shell,
    q: String,
    hits: Vec<Line>,
    pager: Listing,
    looks_after: bool,
    /// True where colleagues' access is suggested: to members, for themselves.
    suggests: bool,
    basket: String,
    /// For whom it is, if not for the reader: id and name.
    other: Option<(String, String)>,
    /// Those who report to the reader: address and name.
    reports: Vec<(String, String)>,
}

/// One package of the list.
struct Line {
    href: String,
    name: String,
    description: String,
    inside: String,
    high: bool,
    mark: Mark,
    way: Way,
}

/// The one action of a line.
struct Way {
    href: String,
    label: &'static str,
    about: String,
    button: bool,
}

/// For whom the list is, where it is for somebody who reports to the reader.
fn report(cx: &Cx) -> Result<Option<PersonRow>> {
    let (me, target) = (cx.person()?.id, target(cx)?);
    if target == me {
        return Ok(None);
    }
    let person = cx.read(|db| directory::person(db, target))?;
    // Everybody else is as if they were not there (E28).
    let reports = person.enabled && person.manager_id == Some(me);
    if reports { Ok(Some(person)) } else { Err(Error::Missing) }
}

fn browse(cx: &mut Cx) -> Result<Reply> {
    if cx.query("view") == "suggested" {
        return suggested::page(cx);
    }
    let q = crate::kernel::text::one_line(cx.query("q"));
    let me = cx.person()?;
    let other = report(cx)?;
    let (viewer, asker) = match &other {
        Some(person) => (Viewer { id: person.id, kind: person.kind }, Asker::Manager),
        None => (Viewer::from(me), Asker::Own),
    };
    if as_csv(cx) {
        return Ok(listed_csv(cx, viewer, asker, other.map(|p| p.name), q));
    }
    let at: Option<Cursor<String>> = cx.cursor(PAGE)?;
    let (hits, held_by, reports) = cx.read(|db| {
        let mut hits = store::listed_for(db, viewer, asker, &q, at.as_ref(), SHOWN as i64 + 1)?;
        set_apart(db, viewer.id, &mut hits)?;
        let open: Vec<RequestId> =
            hits.iter().filter_map(|hit| open_request(&hit.position)).collect();
        let held_by = veil::holders(db, me, &open)?;
        // Guests have nobody who reports to them.
        let reports = match (&other, viewer.kind) {
            (None, Kind::Member) => reports_of(db, me.id)?,
            _ => vec![],
        };
        Ok((hits, held_by, reports))
    })?;
    let found = page(hits, SHOWN, at.as_ref(), |hit| (hit.key.clone(), hit.id.0));
    let (now, zone) = (cx.now(), cx.zone());
    let with = |hit: &Hit| -> Vec<String> {
        let request = open_request(&hit.position);
        let of = held_by.iter().filter(|(id, _)| Some(*id) == request);
        together(of.map(|(_, approver)| approver.name.clone()).collect())
    };
    let hits = found.rows.iter().map(|hit| line(hit, &with(hit), other.as_ref(), now, zone));
    let mut task =
        if q.is_empty() { "Find access".to_owned() } else { format!("Search for “{q}”") };
    if let Some(person) = &other {
        task = format!("{task} for {}", person.name);
    }
    let title = if at.is_some() {
        format!("{task}, further on – Browse")
    } else {
        format!("{task} – Browse")
    };
    let page = BrowsePage {
        shell: cx.shell(title, Place::Browse)?,
        hits: hits.collect(),
        pager: Listing::under(cx, &found, "access package", "access packages"),
        looks_after: other.is_none() && looks_after(cx)?,
        suggests: other.is_none() && me.kind == Kind::Member,
        basket: format!("/basket{}", query(me.id, viewer.id)),
        other: other.map(|person| (person.id.to_string(), person.name)),
        reports: reports
            .into_iter()
            .take(REPORTS)
            .map(|person| (format!("/packages?for={}", person.id), person.name))
            .collect(),
        q,
    };
    Reply::page(&page)
}

/// What could be requested and is incompatible with something that the person has, says so. At most three statements.
fn set_apart(db: &mut Db, person: PersonId, hits: &mut [Hit]) -> Result<()> {
    let open = hits.iter().filter(|hit| hit.position == Position::CanRequest);
    let open: Vec<PackageId> = open.map(|hit| hit.id).collect();
    if open.is_empty() {
        return Ok(());
    }
    let found = conflicts(db, person, &open, Beside::NowOrSoon)?;
    for hit in hits.iter_mut().filter(|hit| open.contains(&hit.id)) {
        let its: Vec<_> = found.iter().filter(|c| c.package == hit.id).cloned().collect();
        if !its.is_empty() {
            hit.position = Position::Incompatible { with: named(&its) };
        }
    }
    Ok(())
}

fn open_request(position: &Position) -> Option<RequestId> {
    match position {
        Position::Open { request, .. } => Some(*request),
        _ => None,
    }
}

fn looks_after(cx: &Cx) -> Result<bool> {
    let me = cx.person()?;
    Ok(me.administrator || !me.owns.is_empty())
}

fn line(hit: &Hit, with: &[String], other: Option<&PersonRow>, now: Ts, zone: Zone) -> Line {
    let query = other.map(|person| format!("?for={}", person.id)).unwrap_or_default();
    let href = format!("/packages/{}{query}", hit.id);
    let way = |href: String, label, about: String, button| Way { href, label, about, button };
    let way = match &hit.position {
        // Whose request it is, the package's page knows.
        Position::Holds { .. } | Position::Open { .. } if other.is_some() => {
            way(href.clone(), "See", format!(" {}", hit.name), false)
        }
        Position::Holds { .. } => {
            way("/access".into(), "See your access", format!(": {}", hit.name), false)
        }
        Position::Open { request, .. } => {
            way(format!("/requests/{request}"), "Follow", format!(" {}", hit.name), false)
        }
        Position::CanRequest => way(
            format!("/packages/{}/request{query}", hit.id),
            "Request",
            format!(" access to {}", hit.name),
            true,
        ),
        Position::Incompatible { .. } | Position::Cannot => {
            way(href.clone(), "Why not", format!(": {}", hit.name), false)
        }
    };
    let name = other.map(|person| person.name.as_str());
    Line {
        href,
        name: hit.name.clone(),
        description: hit.description.clone(),
        inside: inside(hit),
        high: hit.risk == Risk::High,
        mark: words::mark_for(name, &hit.position, with, now, zone),
        way,
    }
}

/// "Finance. Ledgerline, Close Desk and 2 more": where it belongs and what is in it.
pub(crate) fn inside(hit: &Hit) -> String {
    if hit.resources.is_empty() {
        return format!("{}. Nothing is in it yet", hit.catalog_name);
    }
    let resources = crate::web::words::and_list(&hit.resources, 4);
    format!("{}. {resources}", hit.catalog_name)
}

/// The whole list with the same search, read in pieces by key.
fn listed_csv(cx: &Cx, viewer: Viewer, asker: Asker, other: Option<String>, q: String) -> Reply {
    const PIECE: i64 = 200;
    let (site, now, zone) = (cx.site.clone(), cx.now(), cx.zone().organization());
    let mine = if other.is_some() { "Position" } else { "My position" };
    let header = ["Access package", "Description", "Catalog", "Resources", "Risk", mine];
    Reply::csv_stream("packages.csv", &header, move |sink| {
        let mut after: Option<Cursor<String>> = None;
        loop {
            let read =
                |db: &mut Db| store::listed_for(db, viewer, asker, &q, after.as_ref(), PIECE);
            let hits = site.db.read(|db| {
                let mut hits = read(db)?;
                set_apart(db, viewer.id, &mut hits)?;
                Ok(hits)
            })?;
            for hit in &hits {
                sink.row(&[
                    hit.name.as_str(),
                    &hit.description,
                    &hit.catalog_name,
                    &hit.resources.join("; "),
                    hit.risk.as_str(),
                    &words::mark_for(other.as_deref(), &hit.position, &[], now, zone).text,
                ])?;
            }
            match hits.into_iter().next_back() {
                Some(last) => after = Some(Cursor { key: last.key, id: last.id.0, back: false }),
                None => return Ok(()),
            }
        }
    })
}

/// A package for somebody who may know of it.
#[derive(Template)]
#[template(path = "packages/show.html")]
struct PackagePage {
    shell: Shell,
    name: String,
    catalog: String,
    description: String,
    hidden: bool,
    high: bool,
    inside: Vec<Inside>,
    policies: Vec<Rules>,
    /// Who decides, where it is known under which policy.
    decides: Vec<Decides>,
    mark: Mark,
    /// What says no to those who look after it.
    why: Option<String>,
    /// Where every rule is listed, and what the link is called.
    tree: (String, &'static str),
    /// Where the request starts; none where it cannot.
    ask: Option<Ask>,
    /// Where the open request or the access is followed.
    follow: Option<(String, &'static str)>,
    owner: Vec<(String, &'static str)>,
    /// Where one asks for somebody else.
    behalf: Option<String>,
    /// For whom it is, if not for the reader.
    other: Option<String>,
    /// The page for oneself.
    own_href: Option<String>,
    catalog_href: Option<String>,
}

/// How the request starts.
struct Ask {
    href: String,
    label: String,
    basket: String,
    /// Where the basket is that it lies in.
    in_basket: Option<String>,
}

/// One resource role in a package.
struct Inside {
    resource: String,
    role: String,
    description: String,
    high: bool,
}

/// One policy as sentences.
struct Rules {
    name: String,
    version: i64,
    edit: Option<String>,
    reads: Vec<String>,
}

fn show(cx: &mut Cx) -> Result<Reply> {
    let id: PackageId = cx.id("id")?;
    let (me, target) = (cx.person()?.id, target(cx)?);
    let (ask, draft) =
        cx.read(|db| Ok((prospect(db, me, target, id)?, drafts::one(db, me, target, id)?)))?;
    let case = Case { ask, draft };
    let position = &case.ask.position;
    let actor = cx.actor().ok_or(Error::Missing)?;
    let own = me == target;
    let sees = own && see_catalog(actor, position.catalog).is_ok();
    let manages = own && manage_catalog(actor, position.catalog).is_ok();
    request_access(actor, &position.standing())?;
    if !position.visible() && !sees {
        return Err(Error::Missing);
    }
    let stands = position.standing_of_target();
    let cannot = matches!(stands, Position::Cannot | Position::Incompatible { .. });
    if cannot && !sees {
        return cannot::page(cx, &case);
    }
    let (now, zone) = (cx.now(), cx.zone());
    let (policies, behalf, with, mine, kept) = cx.read(|db| {
        let kept = cx.person()?.veil(&[me, target], position.catalog);
        let all = of_package(db, id)?;
        let behalf = own && for_others(db, &position.requestor, &all)?;
        // Who looks after it reads all of its policies, whoever they are for.
        let applicable = case.ask.policies();
        let policies: Vec<Policy> = if applicable.is_empty() && sees {
            all.into_iter().filter(|policy| policy.enabled).collect()
        } else {
            applicable.into_iter().cloned().collect()
        };
        let Some(request) = open_request(&stands) else {
            return Ok((policies, behalf, vec![], true, kept));
        };
        // Somebody else's request is for those whom it concerns (E28).
        let mine = own || requests::one(db, request)?.requestor_id == me;
        Ok((policies, behalf, veil::holders(db, cx.person()?, &[request])?, mine, kept))
    })?;
    let decides = match policies.as_slice() {
        [only] if case.ask.open() => case.decides(cx, only)?,
        _ => vec![],
    };
    let with = together(with.into_iter().map(|(_, approver)| approver.name).collect());
    let follow = match &stands {
        Position::Open { request, .. } if mine => {
            Some((format!("/requests/{request}"), "Follow the request"))
        }
        Position::Holds { .. } if own => Some(("/access".to_owned(), "See your access")),
        Position::Incompatible { .. } if !position.applicable.is_empty() => {
            Some((exception_href(position), "Request an exception"))
        }
        _ => None,
    };
    let mut owner = Vec::new();
    if sees {
        owner.push((format!("/packages/{id}/assignments"), "Assignments"));
        owner.push((format!("/packages/{id}/requests"), "Requests"));
        owner.push((format!("/packages/{id}/incompatible"), "Separation of duties"));
    }
    if manages {
        owner.push((format!("/packages/{id}/edit"), "Edit the package"));
        owner.push((format!("/packages/{id}/policies/new"), "Add a policy"));
    }
    let rules = |policy: Policy| Rules {
        edit: manages.then(|| format!("/packages/{id}/policies/{}/edit", policy.id)),
        name: policy.name,
        version: policy.version,
        reads: policy.terms.reads_to(&kept),
    };
    let other = case.other();
    let title = match &other {
        Some(name) => format!("{} for {name} – Browse", position.package_name),
        None => format!("{} – Browse", position.package_name),
    };
    let ask = case.ask.open().then(|| Ask {
        href: case.page(""),
        label: match (&other, &case.draft) {
            (_, Some(_)) => "Go on with the request".to_owned(),
            (Some(name), None) => format!("Request access for {name}"),
            (None, None) => "Request access".to_owned(),
        },
        basket: case.page("/basket"),
        in_basket: case
            .draft
            .as_ref()
            .filter(|draft| draft.in_basket)
            .map(|_| format!("/basket{}", case.query())),
    });
    let page = PackagePage {
        shell: cx.shell(title, Place::Browse)?,
        name: position.package_name.clone(),
        catalog: position.catalog_name.clone(),
        description: position.description.clone(),
        hidden: position.hidden,
        high: case.ask.risk() == Risk::High,
        inside: inside_of(&case),
        policies: policies.into_iter().map(rules).collect(),
        decides,
        mark: words::mark_for(other.as_deref(), &stands, &with, now, zone),
        tree: (
            format!("/packages/{id}/why{}", case.query()),
            match (&other, case.ask.open()) {
                (None, true) => "Why you can request it",
                (None, false) => "Why you cannot request it",
                (Some(_), true) => "Why you can request it for them",
                (Some(_), false) => "Why you cannot request it for them",
            },
        ),
        why: (sees && stands == Position::Cannot).then(|| cannot::why(&case)),
        ask,
        follow,
        owner,
        behalf: behalf.then(|| format!("/packages/{id}/request/for")),
        own_href: other.is_some().then(|| format!("/packages/{id}")),
        catalog_href: sees.then(|| format!("/catalogs/{}", position.catalog)),
        other,
    };
    Reply::page(&page)
}

fn inside_of(case: &Case) -> Vec<Inside> {
    let each = |c: &super::model::Content| Inside {
        resource: c.resource_name.clone(),
        role: c.role_name.clone(),
        description: c.resource_description.clone(),
        high: c.risk == Risk::High,
    };
    case.ask.contents.iter().map(each).collect()
}
