//! A catalog: its packages, resources, owners and history, and what to do next.

use askama::Template;

use crate::access::policy;
use crate::catalogs::model::{Catalog, Resource, Role};
use crate::catalogs::store;
use crate::delegation::model::Held;
use crate::delegation::store::owners;
use crate::error::{Error, Result};
use crate::kernel::text::{counted, folded};
use crate::kernel::{CatalogId, Risk};
use crate::packages::model::Line;
use crate::packages::store::in_catalog;
use crate::requests::stopping::Stopped;
use crate::requests::stops::Thing;
use crate::web::listing::{Listing, PAGE};
use crate::web::page::{Moment, Step};
use crate::web::paging::page;
use crate::web::words::When;
use crate::web::{Cx, Place, Reply, Shell};

const PACKAGES: usize = 50;
const RESOURCES: i64 = 200;
const HISTORY: i64 = 20;

#[derive(Template)]
#[template(path = "catalogs/show.html")]
struct ShowPage {
    shell: Shell,
    catalog: Catalog,
    packages: Vec<Line>,
    listing: Listing,
    resources: Vec<Resource>,
    more_resources: bool,
    owners: Vec<Held>,
    history: Vec<Moment>,
    manages: bool,
    registers: bool,
    next: Next,
    stopped: Option<Stopped>,
}

/// The one thing to do next, on the way from nothing to the first request.
enum Next {
    /// There is nothing to make packages of.
    Resource,
    /// There are resources, but no package.
    Package,
    /// This package cannot be requested yet.
    Policy(Line),
    /// Everything is there.
    Nothing,
}

impl ShowPage {
    fn roles(line: &Line) -> String {
        match line.roles {
            0 => "Nothing in it yet".to_owned(),
            n => counted(n, "role", "roles"),
        }
    }

    fn policies(line: &Line) -> String {
        counted(line.policies, "policy", "policies")
    }

    fn risk(resource: &Resource) -> &'static str {
        let high = resource.roles.iter().any(|role| role.risk == Risk::High);
        if high { "High risk" } else { "Ordinary risk" }
    }

    fn role_names(resource: &Resource) -> String {
        let risky = |role: &Role| match role.risk {
            Risk::High => format!("{} (high risk)", role.name),
            Risk::Ordinary => role.name.clone(),
        };
        let names: Vec<String> = resource.roles.iter().map(risky).collect();
        crate::web::words::and_list(&names, 4)
    }

    fn people(owner: &Held) -> String {
        match (owner.is_group(), owner.people) {
            (true, n) => counted(n, "person", "people"),
            (false, 0) => "Has left".to_owned(),
            (false, _) => String::new(),
        }
    }
}

pub(super) fn show(cx: &mut Cx) -> Result<Reply> {
    let id: CatalogId = cx.id("id")?;
    let actor = cx.actor().ok_or(Error::Missing)?;
    policy::see_catalog(actor, id)?;
    let manages = policy::manage_catalog(actor, id).is_ok();
    let registers = policy::register_resource(actor, id).is_ok();
    let at = cx.cursor::<String>(PAGE)?;
    let limit = i64::try_from(PACKAGES + 1).unwrap_or(i64::MAX);
    let (catalog, packages, mut resources, owners, history) = cx.read(|db| {
        Ok((
            store::catalog(db, id)?,
            in_catalog(db, id, at.as_ref(), limit)?,
            store::resources(db, id, RESOURCES + 1)?,
            owners(db, id)?,
            store::history(db, id, HISTORY)?,
        ))
    })?;
    let packages = page(packages, PACKAGES, at.as_ref(), |line| {
        (folded(&line.package.name), line.package.id.0)
    });
    let mut listing = Listing::under(cx, &packages, "package", "packages");
    listing.csv = None;
    let packages = packages.rows;
    let most = usize::try_from(RESOURCES).unwrap_or(usize::MAX);
    let more_resources = resources.len() > most;
    resources.truncate(most);
    let (now, zone) = (cx.now(), cx.zone());
    let history = history
        .into_iter()
        .map(|(at, sentence)| Moment {
            step: Step::Done,
            when: Some(When::at(at, now, zone)),
            at: String::new(),
            heading: sentence.in_zone(zone).to_string(),
        })
        .collect();
    let unruled = packages.iter().find(|line| line.policies == 0).cloned();
    let next = match (resources.is_empty(), packages.is_empty(), unruled) {
        (true, true, _) => Next::Resource,
        (false, true, _) => Next::Package,
        (_, false, Some(line)) => Next::Policy(line),
        (_, false, None) => Next::Nothing,
    };
    let shell = cx.shell(format!("{} – Catalogs", catalog.name), Place::Catalogs)?;
    let stopped = Stopped::read(cx, Thing::Catalog(id), format!("/catalogs/{id}"))?;
    Reply::page(&ShowPage {
        shell,
        catalog,
        packages,
        listing,
        resources,
        more_resources,
        owners,
        history,
        manages,
        registers,
        next,
        stopped,
    })
}
