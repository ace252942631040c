//! Why somebody can request a package, or cannot: every rule that the engine looked at, what it said, and who can change
//! it. The tree is the engine's own analysis.

use askama::Template;

use super::cannot;
use crate::access::policy::{explain_package, request_access, see_catalog};
use crate::access::{Actor, Person};
use crate::db::Db;
use crate::delegation::store::owners;
use crate::directory::profile::store::standing as person_standing;
use crate::directory::store as directory;
use crate::error::{Error, Result};
use crate::kernel::{PackageId, PersonId};
use crate::requests::asking::{query, target};
use crate::requests::eligibility::{No, Position, position};
use crate::requests::explaining::{self, Line, Reader};
use crate::requests::store::package_name;
use crate::web::{Cx, Place, Reply, Shell};

#[derive(Template)]
#[template(path = "packages/why.html")]
struct WhyPage {
    shell: Shell,
    name: String,
    catalog: String,
    /// For whom it is, if not for the reader.
    other: Option<String>,
    open: bool,
    /// True where the reader asks: not for those who look after it.
    asks: bool,
    why: String,
    quote: Option<String>,
    hands: Option<String>,
    more: Option<String>,
    summary: String,
    lines: Vec<Line>,
    ways: Vec<(String, String)>,
    back: String,
}

/// What was read for the page.
struct Read {
    position: Position,
    owners: Vec<String>,
    manager: Option<String>,
    /// True for those who look after the package.
    full: bool,
    /// True where the reader would be the one who asks.
    asks: bool,
}

pub(super) fn show(cx: &mut Cx) -> Result<Reply> {
    let id: PackageId = cx.id("id")?;
    let (me, target) = (cx.person()?.clone(), target(cx)?);
    let read = cx.read(|db| read(db, &me, target, id))?;
    let Read { position, owners, manager, full, asks } = read;
    let reader =
        Reader { id: me.id, full, owners: &owners, manager: manager.as_deref(), zone: cx.zone() };
    let analysis = &position.analysis;
    let (name, open) = (position.package_name.clone(), position.open());
    let other = (me.id != target).then(|| position.target.name.clone());
    let can = if open { "can" } else { "cannot" };
    let title = match &other {
        None => format!("Why you {can} request {name} – Browse"),
        Some(other) if asks => format!("Why you {can} request {name} for {other} – Browse"),
        Some(other) => format!("Why {other} {can} request {name} – Browse"),
    };
    let page = WhyPage {
        shell: cx.shell(title, Place::Browse)?,
        catalog: position.catalog_name.clone(),
        open,
        asks,
        why: match &position.no {
            Some(no) => cannot::words(&position, no, cx),
            None => "Every rule that was looked at lets it.".to_owned(),
        },
        quote: match &position.no {
            Some(No::Stopped(stop)) => Some(stop.reason.clone()),
            _ => None,
        },
        hands: explaining::who_can(analysis, &position, &reader),
        more: explaining::more(analysis.failing()),
        summary: explaining::summary(analysis),
        lines: explaining::tree(analysis, &position, &reader),
        ways: ways(&position, &me, asks),
        back: match asks {
            true => format!("/packages/{id}{}", query(me.id, target)),
            false => format!("/packages/{id}"),
        },
        name,
        other,
    };
    Reply::page(&page)
}

/// Reads what the reader may know; `Missing` for everybody else (E28, E29).
fn read(db: &mut Db, me: &Person, target: PersonId, id: PackageId) -> Result<Read> {
    let actor = Actor::Person(me.clone());
    let looks_after = me.administrator || me.auditor || !me.owns.is_empty();
    if target != me.id && looks_after {
        // Those who look after it read it for anybody whose page they may see, as that person would meet it.
        let person = directory::person(db, target)?;
        if person.manager_id != Some(me.id) {
            let catalog = package_name(db, id)?.catalog;
            let standing = person_standing(db, me, &person)?;
            if explain_package(&actor, catalog, &standing).is_ok() {
                let position = position(db, target, target, id)?;
                return with(db, position, true, false);
            }
        }
    }
    let position = position(db, me.id, target, id)?;
    request_access(&actor, &position.standing())?;
    let full = see_catalog(&actor, position.catalog).is_ok();
    if !position.visible() && !full {
        return Err(Error::Missing);
    }
    with(db, position, full, true)
}

fn with(db: &mut Db, position: Position, full: bool, asks: bool) -> Result<Read> {
    let owners = owners(db, position.catalog)?.into_iter().map(|owner| owner.name).collect();
    let names_manager = matches!(position.no, Some(No::NotYours { manager: true }));
    let own = asks && position.requestor.id == position.target.id;
    let manager = match position.target.manager.filter(|_| names_manager && (own || full)) {
        Some(id) => directory::names(db, &[id])?.remove(&id),
        None => None,
    };
    Ok(Read { position, owners, manager, full, asks })
}

/// The ways on: address and words.
fn ways(position: &Position, me: &Person, asks: bool) -> Vec<(String, String)> {
    let (package, query) = (position.package, query(me.id, position.target.id));
    let way = |href: String, words: &str| (href, words.to_owned());
    let mut ways = Vec::new();
    let own = me.id == position.target.id;
    match &position.no {
        None if asks => ways.push(way(format!("/packages/{package}/request{query}"), "Request it")),
        Some(No::Holds { assignment, .. }) if own => {
            ways.push(way(format!("/access/{assignment}/why"), "Why you have it"));
        }
        Some(No::Open { request, .. }) if own => {
            ways.push(way(format!("/requests/{request}"), "Follow the request"));
        }
        _ => {}
    }
    if asks {
        ways.push(way(format!("/packages{query}"), "Find other access"));
    }
    ways
}
