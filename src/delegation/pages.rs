//! The owners of a catalog.

use askama::Template;

use super::model::Held;
use super::{commands, forms, store};
use crate::access::policy;
use crate::access::policy::Gate;
use crate::error::{Error, FieldError, Result};
use crate::kernel::text::counted;
use crate::kernel::{CatalogId, RoleGrantId};
use crate::web::{Cx, Form, Place, Reply, Route, Shell, get, post};

/// This slice's pages.
pub const ROUTES: &[Route] = &[
    get("/catalogs/{id}/owners", Gate::Catalogs, show),
    post("/catalogs/{id}/owners", Gate::Catalogs, add),
    post("/catalogs/{id}/owners/{grant}/remove", Gate::Catalogs, remove),
];

#[derive(Template)]
#[template(path = "delegation/owners.html")]
struct OwnersPage {
    shell: Shell,
    catalog: CatalogId,
    name: String,
    owners: Vec<Held>,
    form: Form,
}

impl OwnersPage {
    fn count(owners: &[Held]) -> String {
        counted(i64::try_from(owners.len()).unwrap_or(i64::MAX), "owner", "owners")
    }

    fn what(owner: &Held) -> String {
        match (owner.is_group(), owner.people) {
            (true, n) => format!("Group of {}", counted(n, "person", "people")),
            (false, 0) => "Has left".to_owned(),
            (false, _) => "Person".to_owned(),
        }
    }
}

fn show(cx: &mut Cx) -> Result<Reply> {
    let id = managed(cx)?;
    let form = cx.refill().unwrap_or_else(|| Form::of([("key", RoleGrantId::fresh().to_string())]));
    draw(cx, id, form, &[])
}

fn add(cx: &mut Cx) -> Result<Reply> {
    let catalog = managed(cx)?;
    let mut form = cx.form().clone();
    let id = RoleGrantId::parse(form.raw("key")).unwrap_or_else(RoleGrantId::fresh);
    form.set("key", id.to_string());
    let owner = match cx.read(|db| forms::owner(db, "owner", form.raw("owner")))? {
        Ok(owner) => owner,
        Err(error) => return draw(cx, catalog, form, &[error]),
    };
    let added = cx.write(move |tx| {
        let permit = policy::manage_catalog(tx.actor(), catalog)?;
        commands::add_owner(tx, &permit, id, catalog, owner)
    });
    match added {
        Ok(_) => Ok(Reply::see_other(format!("/catalogs/{catalog}/owners"))
            .notice("Owner added.", "They look after the catalog from now on.")),
        Err(Error::Invalid(errors)) => draw(cx, catalog, form, &errors),
        Err(error) => Err(error),
    }
}

fn remove(cx: &mut Cx) -> Result<Reply> {
    let catalog = managed(cx)?;
    let grant: RoleGrantId = cx.id("grant")?;
    let removed = cx.write(move |tx| {
        let permit = policy::manage_catalog(tx.actor(), catalog)?;
        commands::remove_owner(tx, &permit, catalog, grant)
    })?;
    let (strong, text) = if removed {
        ("Owner removed.", "They can be added again at any time.")
    } else {
        ("Removed already.", "Nothing changed.")
    };
    // Whoever removed themselves may not come back to this page.
    let (person, now) = (cx.person()?.id, cx.now());
    let actor =
        cx.read(|db| crate::db::load_actor(db, person, now))?.map(crate::access::Actor::Person);
    let stays = actor.is_some_and(|actor| policy::manage_catalog(&actor, catalog).is_ok());
    let next = if stays { format!("/catalogs/{catalog}/owners") } else { "/".to_owned() };
    Ok(Reply::see_other(next).notice(strong, text))
}

fn draw(cx: &Cx, catalog: CatalogId, form: Form, errors: &[FieldError]) -> Result<Reply> {
    let (name, owners) =
        cx.read(|db| Ok((store::catalog(db, catalog)?.0, store::owners(db, catalog)?)))?;
    let mut shell = cx.shell(format!("Owners of {name} – Catalogs"), Place::Catalogs)?;
    shell.errors = errors.iter().map(Into::into).collect();
    let page = OwnersPage { shell, catalog, name, owners, form };
    Ok(Reply::page(&page)?.status(if errors.is_empty() { 200 } else { 422 }))
}

/// The catalog of the path, if the person may change it.
fn managed(cx: &Cx) -> Result<CatalogId> {
    let id: CatalogId = cx.id("id")?;
    policy::manage_catalog(cx.actor().ok_or(Error::Missing)?, id)?;
    Ok(id)
}
