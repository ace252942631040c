//! Creating a catalog, and changing what it says.

use askama::Template;

use super::tell;
use crate::access::policy;
use crate::catalogs::model::{Catalog, CatalogChange, NewCatalog};
use crate::catalogs::{commands, rules, store};
use crate::delegation::forms;
use crate::delegation::model::Owner;
use crate::delegation::store::people_with;
use crate::error::{Error, FieldError, Result};
use crate::kernel::CatalogId;
use crate::requests::stopping::Stopped;
use crate::requests::stops::Thing;
use crate::web::{Cx, Form, Place, Reply, Shell};

#[derive(Template)]
#[template(path = "catalogs/new.html")]
struct NewPage {
    shell: Shell,
    form: Form,
}

pub(super) fn blank(cx: &mut Cx) -> Result<Reply> {
    if let Some(form) = cx.refill() {
        return draw_new(cx, form, &[]);
    }
    let me = cx.person()?.id;
    let mine = cx.read(|db| people_with(db, &[me]))?;
    let owners = mine.first().map(|me| me.line()).unwrap_or_default();
    let key = CatalogId::fresh().to_string();
    draw_new(cx, Form::of([("key", key), ("owners", owners)]), &[])
}

pub(super) fn create(cx: &mut Cx) -> Result<Reply> {
    let mut form = cx.form().clone();
    let id = CatalogId::parse(form.raw("key")).unwrap_or_else(CatalogId::fresh);
    form.set("key", id.to_string());
    let says = says(&form);
    let mut errors = rules::catalog(&says).err().unwrap_or_default();
    let owners = cx.read(|db| {
        let people = forms::people(db, "owners", form.raw("owners"), &mut errors)?;
        let groups = forms::groups(db, "owner-groups", form.raw("owner-groups"), &mut errors)?;
        let people = people.into_iter().map(Owner::Person);
        Ok(people.chain(groups.into_iter().map(Owner::Group)).collect::<Vec<_>>())
    })?;
    if owners.is_empty() && !errors.iter().any(|e| e.field.starts_with("owner")) {
        errors.push(FieldError::new("owners", "Name at least one owner"));
    }
    if !errors.is_empty() {
        return draw_new(cx, form, &errors);
    }
    let new = NewCatalog {
        name: says.name,
        description: says.description,
        listed_for_everyone: says.listed_for_everyone,
        owners,
    };
    let made = cx.write(move |tx| {
        let permit = policy::create_catalog(tx.actor())?;
        commands::create(tx, &permit, id, &new)
    });
    match made {
        Ok(id) => Ok(Reply::see_other(format!("/catalogs/{id}"))
            .notice("Catalog created.", "Next, put something into it.")),
        Err(Error::Invalid(errors)) => draw_new(cx, form, &errors),
        Err(error) => Err(error),
    }
}

fn draw_new(cx: &Cx, form: Form, errors: &[FieldError]) -> Result<Reply> {
    let mut shell = cx.shell("Create a catalog – Catalogs", Place::Catalogs)?;
    tell(&mut shell, errors);
    Ok(Reply::page(&NewPage { shell, form })?.status(if errors.is_empty() { 200 } else { 422 }))
}

fn says(form: &Form) -> CatalogChange {
    CatalogChange {
        name: form.line("name"),
        description: form.text("description"),
        listed_for_everyone: form.has("listed"),
        for_guests: form.has("guests"),
    }
}

#[derive(Template)]
#[template(path = "catalogs/edit.html")]
struct EditPage {
    shell: Shell,
    catalog: Catalog,
    form: Form,
    stopped: Option<Stopped>,
}

pub(super) fn show(cx: &mut Cx) -> Result<Reply> {
    let catalog = managed(cx)?;
    let form = cx.refill().unwrap_or_else(|| {
        let mut form = Form::of([
            ("name", catalog.name.clone()),
            ("description", catalog.description.clone()),
        ]);
        if catalog.listed_for_everyone {
            form.set("listed", "yes");
        }
        if catalog.for_guests {
            form.set("guests", "yes");
        }
        form
    });
    draw_edit(cx, catalog, form, &[])
}

pub(super) fn change(cx: &mut Cx) -> Result<Reply> {
    let catalog = managed(cx)?;
    let (id, form) = (catalog.id, cx.form().clone());
    let says = says(&form);
    let saved = cx.write(move |tx| {
        let permit = policy::manage_catalog(tx.actor(), id)?;
        commands::change(tx, &permit, id, &says)
    });
    match saved {
        Ok(()) => Ok(Reply::see_other(format!("/catalogs/{id}"))
            .notice("Saved.", "The catalog says now what you see here.")),
        Err(Error::Invalid(errors)) => draw_edit(cx, catalog, form, &errors),
        Err(error) => Err(error),
    }
}

pub(super) fn switch(cx: &mut Cx) -> Result<Reply> {
    let Catalog { id, name, .. } = managed(cx)?;
    let on = cx.form().raw("on") == "yes";
    cx.write(move |tx| {
        let permit = policy::manage_catalog(tx.actor(), id)?;
        commands::switch(tx, &permit, id, on)
    })?;
    let reply = Reply::see_other(format!("/catalogs/{id}"));
    Ok(if on {
        reply.notice("Switched on.", format!("What is in {name} can be found and requested again."))
    } else {
        reply.notice(
            "Switched off.",
            format!("Nothing in {name} can be found or requested. Access that people hold stays."),
        )
    })
}

fn draw_edit(cx: &Cx, catalog: Catalog, form: Form, errors: &[FieldError]) -> Result<Reply> {
    let title = format!("Change {} – Catalogs", catalog.name);
    let mut shell = cx.shell(title, Place::Catalogs)?;
    tell(&mut shell, errors);
    let stopped =
        Stopped::read(cx, Thing::Catalog(catalog.id), format!("/catalogs/{}", catalog.id))?;
    let page = EditPage { shell, catalog, form, stopped };
    Ok(Reply::page(&page)?.status(if errors.is_empty() { 200 } else { 422 }))
}

/// The catalog of the path, if the person may change it.
pub(super) fn managed(cx: &Cx) -> Result<Catalog> {
    let id: CatalogId = cx.id("id")?;
    policy::manage_catalog(cx.actor().ok_or(Error::Missing)?, id)?;
    cx.read(|db| store::catalog(db, id))
}
