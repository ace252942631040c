//! Finding access: the list and search of packages, and a package as those see it who may request it.

use askama::Template;

use super::model::{Hit, Position, Viewer};
use super::{store, words};
use crate::access::policy::{Gate, manage_catalog, see_catalog};
use crate::delegation::store::owners;
use crate::error::{Error, Result};
use crate::kernel::{Kind, PackageId, RequestId, Risk, Ts, Zone};
use crate::policies::model::Policy;
use crate::policies::store::of_package;
use crate::requests::prospect::{Prospect, deciders, prospect};
use crate::requests::store as requests;
use crate::requests::words::{Decides, decides};
use crate::web::listing::{Listing, PAGE, as_csv};
use crate::web::page::{Mark, Names};
use crate::web::paging::{Cursor, page};
use crate::web::{Cx, Limit, Place, Reply, Route, Shell, get};

/// The routes of finding access.
pub const ROUTES: &[Route] = &[
    get("/packages", Gate::SignedIn, browse).limited(Limit::Search),
    get("/packages/{id}", Gate::SignedIn, show),
];

/// As many packages as a page shows.
const SHOWN: usize = 20;

/// The list and the search.
#[derive(Template)]
#[template(path = "packages/browse.html")]
struct BrowsePage {
    shell: Shell,
    q: String,
    hits: Vec<Line>,
    pager: Listing,
    looks_after: bool,
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

fn browse(cx: &mut Cx) -> Result<Reply> {
    let q = crate::kernel::text::one_line(cx.query("q"));
    let viewer = Viewer::from(cx.person()?);
    if as_csv(cx) {
        return Ok(listed_csv(cx, viewer, q));
    }
    let at: Option<Cursor<String>> = cx.cursor(PAGE)?;
    let (hits, held_by) = cx.read(|db| {
        let hits = store::listed(db, viewer, &q, at.as_ref(), SHOWN as i64 + 1)?;
        let open: Vec<RequestId> =
            hits.iter().filter_map(|hit| open_request(&hit.position)).collect();
        let held_by = if open.is_empty() { vec![] } else { requests::holders(db, &open)? };
        Ok((hits, held_by))
    })?;
    let found = page(hits, SHOWN, at.as_ref(), |hit| (hit.key.clone(), hit.id.0));
    let (now, zone) = (cx.now(), cx.site.db.zone());
    let with = |hit: &Hit| -> Vec<String> {
        let request = open_request(&hit.position);
        let of = held_by.iter().filter(|(id, _)| Some(*id) == request);
        of.map(|(_, approver)| approver.name.clone()).collect()
    };
    let hits = found.rows.iter().map(|hit| line(hit, &with(hit), now, zone)).collect();
    let task =
        if q.is_empty() { "Find access".to_owned() } else { format!("Search for “{q}”") };
    let title = if at.is_some() {
        format!("{task}, further on – Browse")
    } else {
        format!("{task} – Browse")
    };
    let page = BrowsePage {
        shell: cx.shell(title, Place::Browse)?,
        hits,
        pager: Listing::under(cx, &found, "access package", "access packages"),
        looks_after: looks_after(cx)?,
        q,
    };
    Reply::page(&page)
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

fn line(hit: &Hit, with: &[String], now: Ts, zone: Zone) -> Line {
    let href = format!("/packages/{}", hit.id);
    let way = |href: String, label, about: String, button| Way { href, label, about, button };
    let way = match &hit.position {
        Position::Holds { .. } => {
            way("/access".into(), "See your access", format!(": {}", hit.name), false)
        }
        Position::Open { request, .. } => {
            way(format!("/requests/{request}"), "Follow", format!(" {}", hit.name), false)
        }
        Position::CanRequest => {
            way(format!("{href}/request"), "Request", format!(" access to {}", hit.name), true)
        }
        Position::Cannot => way(href.clone(), "Why not", format!(": {}", hit.name), false),
    };
    Line {
        href,
        name: hit.name.clone(),
        description: hit.description.clone(),
        inside: inside(hit),
        high: hit.risk == Risk::High,
        mark: words::mark(&hit.position, with, now, zone),
        way,
    }
}

/// "Finance. Ledgerline, Close Desk and 2 more": where it belongs and what is in it.
fn inside(hit: &Hit) -> String {
    if hit.resources.is_empty() {
        return format!("{}. Nothing is in it yet", hit.catalog_name);
    }
    let resources = crate::web::words::and_list(&hit.resources, 4);
    format!("{}. {resources}", hit.catalog_name)
}

/// The whole list with the same search, read in pieces by key.
fn listed_csv(cx: &Cx, viewer: Viewer, q: String) -> Reply {
    const PIECE: i64 = 200;
    let (site, now, zone) = (cx.site.clone(), cx.now(), cx.site.db.zone());
    let header = ["Access package", "Description", "Catalog", "Resources", "Risk", "My position"];
    Reply::csv_stream("packages.csv", &header, move |sink| {
        let mut after: Option<Cursor<String>> = None;
        loop {
            let hits = site.db.read(|db| store::listed(db, viewer, &q, after.as_ref(), PIECE))?;
            for hit in &hits {
                sink.row(&[
                    hit.name.as_str(),
                    &hit.description,
                    &hit.catalog_name,
                    &hit.resources.join("; "),
                    hit.risk.as_str(),
                    &words::mark(&hit.position, &[], now, zone).text,
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
    mark: Mark,
    /// Where the request starts; none where it cannot.
    request: Option<String>,
    /// Where the open request or the access is followed.
    follow: Option<(String, &'static str)>,
    owner: Vec<(String, &'static str)>,
    catalog_href: Option<String>,
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
    decides: Vec<Decides>,
}

fn show(cx: &mut Cx) -> Result<Reply> {
    let id: PackageId = cx.id("id")?;
    let viewer = Viewer::from(cx.person()?);
    let found = cx.read(|db| prospect(db, viewer.id, viewer.id, id))?;
    let catalog = found.detail.package.catalog;
    let actor = cx.actor().ok_or(Error::Missing)?;
    let sees = see_catalog(actor, catalog).is_ok();
    let manages = manage_catalog(actor, catalog).is_ok();
    if !found.seen.visible && !sees {
        return Err(Error::Missing);
    }
    if found.seen.position == Position::Cannot && !sees {
        return cannot(cx, &found);
    }
    let (now, zone) = (cx.now(), cx.site.db.zone());
    let open = found.open();
    let (policies, with) = cx.read(|db| {
        // Who looks after it reads all of its policies, whoever they are for.
        let applicable = found.policies();
        let policies: Vec<Policy> = if applicable.is_empty() && sees {
            of_package(db, id)?.into_iter().filter(|policy| policy.enabled).collect()
        } else {
            applicable.iter().copied().cloned().collect()
        };
        let with = match open_request(&found.seen.position) {
            Some(request) => requests::holders(db, &[request])?,
            None => vec![],
        };
        let mut all = Vec::new();
        for policy in policies {
            let decides = match applicable.as_slice() {
                [only] if open && only.id == policy.id => {
                    let found = deciders(db, &policy.terms, viewer.id, viewer.id, catalog)?;
                    decides(&policy.terms, &found)
                }
                _ => vec![],
            };
            all.push((policy, decides));
        }
        Ok((all, with))
    })?;
    let with: Vec<String> = with.into_iter().map(|(_, approver)| approver.name).collect();
    let package = &found.detail.package;
    let follow = match &found.seen.position {
        Position::Open { request, .. } => {
            Some((format!("/requests/{request}"), "Follow the request"))
        }
        Position::Holds { .. } => Some(("/access".to_owned(), "See your access")),
        _ => None,
    };
    let mut owner = Vec::new();
    if sees {
        owner.push((format!("/packages/{id}/assignments"), "Assignments"));
        owner.push((format!("/packages/{id}/requests"), "Requests"));
    }
    if manages {
        owner.push((format!("/packages/{id}/edit"), "Edit the package"));
        owner.push((format!("/packages/{id}/policies/new"), "Add a policy"));
    }
    let rules = |(policy, decides): (Policy, Vec<Decides>)| Rules {
        edit: manages.then(|| format!("/packages/{id}/policies/{}/edit", policy.id)),
        name: policy.name,
        version: policy.version,
        reads: policy.terms.reads(),
        decides,
    };
    let page = PackagePage {
        shell: cx.shell(format!("{} – Browse", package.name), Place::Browse)?,
        name: package.name.clone(),
        catalog: found.detail.catalog_name.clone(),
        description: package.description.clone(),
        hidden: package.hidden,
        high: found.detail.risk() == Risk::High,
        inside: inside_of(&found),
        policies: policies.into_iter().map(rules).collect(),
        mark: words::mark(&found.seen.position, &with, now, zone),
        request: open.then(|| format!("/packages/{id}/request")),
        follow,
        owner,
        catalog_href: sees.then(|| format!("/catalogs/{catalog}")),
    };
    Reply::page(&page)
}

fn inside_of(found: &Prospect) -> Vec<Inside> {
    let each = |c: &super::model::Content| Inside {
        resource: c.resource_name.clone(),
        role: c.role_name.clone(),
        description: c.resource_description.clone(),
        high: c.risk == Risk::High,
    };
    found.detail.contents.iter().map(each).collect()
}

/// Listed, but not for this person: why, and who can help (B8).
#[derive(Template)]
#[template(path = "packages/cannot.html")]
struct CannotPage {
    shell: Shell,
    name: String,
    catalog: String,
    description: String,
    why: &'static str,
    scopes: Vec<(String, String)>,
    owners: Names,
    find: &'static str,
}

fn cannot(cx: &Cx, found: &Prospect) -> Result<Reply> {
    let package = &found.detail.package;
    let (policies, owners) = cx.read(|db| {
        let policies = of_package(db, package.id)?;
        Ok((policies, owners(db, package.catalog)?))
    })?;
    let policies: Vec<Policy> = policies.into_iter().filter(|policy| policy.enabled).collect();
    let names: Vec<String> = owners.into_iter().map(|owner| owner.name).collect();
    let title = format!("You cannot request {} – Browse", package.name);
    let page = CannotPage {
        shell: cx.shell(title, Place::Browse)?,
        name: package.name.clone(),
        catalog: found.detail.catalog_name.clone(),
        description: package.description.clone(),
        why: why_not(found.detail.catalog_enabled, &policies, cx.person()?.kind),
        scopes: policies
            .into_iter()
            .map(|policy| {
                (policy.name, policy.terms.reads().into_iter().next().unwrap_or_default())
            })
            .collect(),
        owners: Names::of(&names),
        find: "/packages",
    };
    Reply::page(&page)
}

/// The rule that says no, as the page's first sentence.
fn why_not(catalog_on: bool, policies: &[Policy], kind: Kind) -> &'static str {
    let members_only = !policies.is_empty() && policies.iter().all(|p| p.terms.scope.all_members);
    if !catalog_on {
        "Its catalog is switched off, so nothing of it can be requested at the moment."
    } else if policies.is_empty() {
        "No policy of it is switched on, so nobody can request it at the moment."
    } else if members_only && kind == Kind::Guest {
        "It is for members of the organization, and you are here as a guest."
    } else {
        "You are not among the people and groups that its policies name."
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::PolicyId;
    use crate::policies::model::{Lifetime, Scope, Terms};

    fn policy(all_members: bool) -> Policy {
        let terms = Terms {
            scope: Scope { all_members, ..Scope::default() },
            stages: vec![],
            reason_required: false,
            lifetime: Lifetime::Never,
            period_chosen: false,
            ..Terms::default()
        };
        let (id, package) = (PolicyId::fresh(), PackageId::fresh());
        Policy { id, package, name: "P".into(), version: 1, enabled: true, terms, rev: 1 }
    }

    #[test]
    fn b08_the_reason_names_the_rule_that_says_no() {
        assert!(why_not(false, &[policy(true)], Kind::Member).contains("switched off"));
        assert!(why_not(true, &[], Kind::Member).contains("No policy"));
        assert!(why_not(true, &[policy(true)], Kind::Guest).contains("guest"));
        assert!(why_not(true, &[policy(false)], Kind::Guest).contains("not among"));
    }
}
