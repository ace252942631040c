//! Connecting an organization, and changing what it says.

use askama::Template;

use crate::access::policy;
use crate::delegation::forms;
use crate::delegation::store::people_with;
use crate::error::{Error, FieldError, Result};
use crate::kernel::{OrganizationId, PersonId};
use crate::organizations::model::{Draft, Organization};
use crate::organizations::{commands, rules, store};
use crate::web::words::and_list;
use crate::web::{Cx, Form, Place, Reply, Shell};

#[derive(Template)]
#[template(path = "organizations/edit.html")]
struct EditPage {
    shell: Shell,
    /// None while it is being connected.
    organization: Option<Organization>,
    form: Form,
}

impl EditPage {
    /// The names of the sponsors who have left: the form does not offer them again.
    fn left(&self) -> String {
        let sponsors = self.organization.iter().flat_map(|o| &o.sponsors);
        let left = sponsors.filter(|sponsor| !sponsor.there).map(|sponsor| &sponsor.name);
        and_list(&left.collect::<Vec<_>>(), 4)
    }
}

pub(super) fn blank(cx: &mut Cx) -> Result<Reply> {
    let form = match cx.refill() {
        Some(form) => form,
        None => Form::of([("key", OrganizationId::fresh().to_string())]),
    };
    draw(cx, None, form, &[])
}

pub(super) fn create(cx: &mut Cx) -> Result<Reply> {
    let mut form = cx.form().clone();
    let id = OrganizationId::parse(form.raw("key")).unwrap_or_else(OrganizationId::fresh);
    form.set("key", id.to_string());
    let draft = match checked(cx, &form)? {
        Ok(draft) => draft,
        Err(errors) => return draw(cx, None, form, &errors),
    };
    let made = cx.write(move |tx| {
        let permit = policy::manage_organizations(tx.actor())?;
        commands::create(tx, &permit, id, &draft)
    });
    match made {
        Ok(id) => Ok(Reply::see_other(format!("/organizations/{id}"))
            .notice("Organization connected.", "Policies can name its people now.")),
        Err(Error::Invalid(errors)) => draw(cx, None, form, &errors),
        Err(error) => Err(error),
    }
}

pub(super) fn show(cx: &mut Cx) -> Result<Reply> {
    let organization = one(cx)?;
    let form = match cx.refill() {
        Some(form) => form,
        None => written(cx, &organization)?,
    };
    draw(cx, Some(organization), form, &[])
}

pub(super) fn change(cx: &mut Cx) -> Result<Reply> {
    let organization = one(cx)?;
    let (id, form) = (organization.id, cx.form().clone());
    let draft = match checked(cx, &form)? {
        Ok(draft) => draft,
        Err(errors) => return draw(cx, Some(organization), form, &errors),
    };
    let Ok(seen) = form.raw("rev").parse::<i64>() else { return Err(Error::Missing) };
    let saved = cx.write(move |tx| {
        let permit = policy::manage_organizations(tx.actor())?;
        commands::change(tx, &permit, id, seen, &draft)
    });
    match saved {
        Ok(()) => Ok(Reply::see_other(format!("/organizations/{id}"))
            .notice("Saved.", "The organization says now what you see here.")),
        Err(Error::Invalid(errors)) => draw(cx, Some(organization), form, &errors),
        Err(Error::Refused(no)) => {
            let now = format!("/organizations/{id}/edit");
            Err(no.way("Look at the organization as it is now", now).into())
        }
        Err(error) => Err(error),
    }
}

pub(super) fn switch(cx: &mut Cx) -> Result<Reply> {
    let Organization { id, name, .. } = one(cx)?;
    let open = cx.form().raw("open") == "yes";
    cx.write(move |tx| {
        let permit = policy::manage_organizations(tx.actor())?;
        commands::switch(tx, &permit, id, open)
    })?;
    let reply = Reply::see_other(format!("/organizations/{id}"));
    Ok(if open {
        let words = format!("Policies that name {name} let its people request again.");
        reply.notice("Opened for new requests.", words)
    } else {
        let words = format!(
            "No policy lets the people of {name} request because of it. Access that they hold stays."
        );
        reply.notice("Closed for new requests.", words)
    })
}

/// The form as a draft, or everything that is wrong with it at once. One statement.
fn checked(cx: &Cx, form: &Form) -> Result<Result<Draft, Vec<FieldError>>> {
    let mut wrong = Vec::new();
    let sponsors = cx.read(|db| forms::people(db, "sponsors", form.raw("sponsors"), &mut wrong))?;
    let draft = Draft {
        name: form.line("name"),
        description: form.text("description"),
        domains: form.raw("domains").lines().map(str::to_owned).collect(),
        sponsors,
    };
    Ok(match rules::organization(&draft) {
        Ok(draft) if wrong.is_empty() => Ok(draft),
        Ok(_) => Err(wrong),
        Err(mut errors) => {
            errors.append(&mut wrong);
            Err(errors)
        }
    })
}

/// The form that says what the organization says. One statement.
fn written(cx: &Cx, organization: &Organization) -> Result<Form> {
    let there = organization.sponsors.iter().filter(|sponsor| sponsor.there);
    let ids: Vec<PersonId> = there.map(|sponsor| sponsor.id).collect();
    let called = cx.read(|db| people_with(db, &ids))?;
    let line = |id: &PersonId| called.iter().find(|c| c.id == *id).map(|called| called.line());
    let sponsors: Vec<String> = ids.iter().filter_map(line).collect();
    Ok(Form::of([
        ("rev", organization.rev.to_string()),
        ("name", organization.name.clone()),
        ("description", organization.description.clone()),
        ("domains", organization.domains.join("\n")),
        ("sponsors", sponsors.join("\n")),
    ]))
}

fn draw(
    cx: &Cx,
    organization: Option<Organization>,
    form: Form,
    errors: &[FieldError],
) -> Result<Reply> {
    let title = match &organization {
        Some(organization) => format!("Change {} – Connected organizations", organization.name),
        None => "Connect an organization – Connected organizations".to_owned(),
    };
    let mut shell = cx.shell(title, Place::Catalogs)?;
    shell.errors = errors.iter().map(Into::into).collect();
    let page = EditPage { shell, organization, form };
    Ok(Reply::page(&page)?.status(if errors.is_empty() { 200 } else { 422 }))
}

/// The organization of the path, if the person may change it.
fn one(cx: &Cx) -> Result<Organization> {
    policy::manage_organizations(cx.actor().ok_or(Error::Missing)?)?;
    let id: OrganizationId = cx.id("id")?;
    cx.read(|db| store::organization(db, id))
}
