//! Registering a resource of a target system, and changing what it says.
//!
//! Registering has two steps on one address: without `address` in the query it searches a target, with it it asks what
//! people shall read. What the form sends is looked up on the target again: only what is there can be registered.

use askama::Template;

use super::{RiskQuestion, edit, tell};
use crate::access::policy;
use crate::catalogs::model::{Catalog, NewResource, NewRole, Resource, ResourceChange};
use crate::catalogs::{commands, rules, store};
use crate::error::{Error, FieldError, Result};
use crate::kernel::text::counted;
use crate::kernel::{CatalogId, ResourceId, Risk};
use crate::packages::commands::resource_renamed;
use crate::policies;
use crate::policies::forms::parts::{self, Questions};
use crate::policies::forms::questions;
use crate::policies::questions::Question;
use crate::provisioning::connectors::{Found, Trouble};
use crate::web::page::Choice;
use crate::web::{Cx, Form, Place, Reply, Shell};

/// As many resources as a target tells at once.
const FOUND_MAX: usize = 200;

#[derive(Template)]
#[template(path = "catalogs/resource_search.html")]
struct SearchPage {
    shell: Shell,
    catalog: Catalog,
    targets: Vec<Choice>,
    target: String,
    kind: &'static str,
    q: String,
    /// None before the first search.
    found: Option<Vec<Hit>>,
    full: bool,
    trouble: Option<String>,
}

impl SearchPage {
    fn count(found: &[Hit]) -> String {
        counted(i64::try_from(found.len()).unwrap_or(i64::MAX), "resource", "resources")
    }
}

/// A resource of the target, and what can be done with it here.
struct Hit {
    name: String,
    address: String,
    href: String,
    /// The catalog in which it is registered already.
    taken: Option<String>,
}

#[derive(Template)]
#[template(path = "catalogs/resource_new.html")]
struct NewPage {
    shell: Shell,
    catalog: Catalog,
    form: Form,
    risks: Vec<RiskQuestion>,
    back: String,
}

pub(super) fn blank(cx: &mut Cx) -> Result<Reply> {
    let catalog = registered_by_me(cx)?;
    if let Some(form) = cx.refill() {
        return draw_new(cx, catalog, form, &[]);
    }
    if cx.query("address").is_empty() {
        return search(
            cx,
            catalog,
            cx.query("target"),
            cx.query("q"),
            cx.query("searched") == "yes",
        );
    }
    let (target, address, name) = (cx.query("target"), cx.query("address"), cx.query("name"));
    match look_up(cx, target, address, name) {
        Ok(found) => {
            let form = Form::of([
                ("key", ResourceId::fresh().to_string()),
                ("target", target.to_owned()),
                ("address", found.address),
                ("found", found.name.clone()),
                ("name", found.name),
            ]);
            draw_new(cx, catalog, form, &[])
        }
        Err(words) => {
            let mut page = search_page(cx, catalog, target, name)?;
            page.trouble = Some(words);
            Reply::page(&page)
        }
    }
}

fn search(cx: &Cx, catalog: Catalog, target: &str, q: &str, searched: bool) -> Result<Reply> {
    let mut page = search_page(cx, catalog, target, q)?;
    let Some(connector) = cx.site.targets.get(&page.target) else {
        return Reply::page(&page);
    };
    page.kind = connector.kind();
    if !searched {
        return Reply::page(&page);
    }
    match connector.resources(q) {
        Ok(found) => {
            page.full = found.len() >= FOUND_MAX;
            page.found = Some(hits(cx, page.catalog.id, &page.target, found)?);
        }
        Err(trouble) => page.trouble = Some(trouble.to_string()),
    }
    Reply::page(&page)
}

fn search_page(cx: &Cx, catalog: Catalog, target: &str, q: &str) -> Result<SearchPage> {
    let names: Vec<&str> = cx.site.targets.names().collect();
    // A name that the settings no longer have means the first.
    let target = names.iter().find(|name| **name == target).or(names.first());
    let target = target.map(|name| (*name).to_owned()).unwrap_or_default();
    let choice = |name: &&str| Choice {
        value: (*name).to_owned(),
        label: (*name).to_owned(),
        hint: String::new(),
        on: **name == target,
    };
    let title = format!("Add a resource to {} – Catalogs", catalog.name);
    Ok(SearchPage {
        shell: cx.shell(title, Place::Catalogs)?,
        catalog,
        targets: names.iter().map(choice).collect(),
        target,
        kind: "",
        q: q.to_owned(),
        found: None,
        full: false,
        trouble: None,
    })
}

fn hits(cx: &Cx, catalog: CatalogId, target: &str, found: Vec<Found>) -> Result<Vec<Hit>> {
    let addresses: Vec<String> = found.iter().map(|f| f.address.clone()).collect();
    let taken = cx.read(|db| store::registered(db, target, &addresses))?;
    let hit = |found: Found| {
        let query = Form::of([
            ("target", target),
            ("address", found.address.as_str()),
            ("name", found.name.as_str()),
        ]);
        Hit {
            href: format!("/catalogs/{catalog}/resources/new?{}", query.encoded()),
            taken: taken.get(&found.address).cloned(),
            name: found.name,
            address: found.address,
        }
    };
    Ok(found.into_iter().map(hit).collect())
}

/// The resource at this address, if the target still has it. `name` narrows the search.
fn look_up(cx: &Cx, target: &str, address: &str, name: &str) -> Result<Found, String> {
    let Some(connector) = cx.site.targets.get(target) else {
        return Err("There is no such target system in the settings: choose another.".to_owned());
    };
    let search = |filter: &str| -> Result<Option<Found>, Trouble> {
        Ok(connector.resources(filter)?.into_iter().find(|f| f.address == address))
    };
    match search(name) {
        Ok(Some(found)) => Ok(found),
        Ok(None) => Err("Choose a resource that is on the target system now.".to_owned()),
        Err(trouble) => Err(trouble.to_string()),
    }
}

pub(super) fn create(cx: &mut Cx) -> Result<Reply> {
    let catalog = registered_by_me(cx)?;
    let mut form = cx.form().clone();
    let id = ResourceId::parse(form.raw("key")).unwrap_or_else(ResourceId::fresh);
    form.set("key", id.to_string());
    let roles = roles(cx, form.raw("target"));
    let mut new = NewResource {
        catalog: catalog.id,
        target: form.raw("target").to_owned(),
        address: form.raw("address").to_owned(),
        name: form.line("name"),
        description: form.text("description"),
        managed_here: form.has("managed"),
        roles: vec![],
    };
    let mut errors = Vec::new();
    for (at, (value, label)) in roles.iter().enumerate() {
        let field = format!("risk-{at}");
        match Risk::parse(form.raw(&field)) {
            Some(risk) => new.roles.push(NewRole {
                value: (*value).to_owned(),
                label: (*label).to_owned(),
                risk,
            }),
            None => errors.push(FieldError::new(field, format!("Choose the risk of {label}"))),
        }
    }
    if roles.is_empty() || errors.is_empty() {
        errors.extend(rules::resource(&new).err().unwrap_or_default());
    } else {
        // Only the risks are missing: the rest is checked with roles that stand in for them.
        let (value, label) = roles[0];
        let role = NewRole { value: value.into(), label: label.into(), risk: Risk::High };
        let whole = NewResource { roles: vec![role], ..new.clone() };
        errors.splice(..0, rules::resource(&whole).err().unwrap_or_default());
    }
    if errors.is_empty()
        && let Err(words) = look_up(cx, &new.target, &new.address, form.raw("found"))
    {
        errors.push(FieldError::new("address", words));
    }
    if !errors.is_empty() {
        return draw_new(cx, catalog, form, &errors);
    }
    let (name, id_of_catalog) = (new.name.clone(), catalog.id);
    let made = cx.write(move |tx| {
        let permit = policy::register_resource(tx.actor(), new.catalog)?;
        commands::add_resource(tx, &permit, id, &new)
    });
    match made {
        Ok(_) => Ok(Reply::see_other(format!("/catalogs/{id_of_catalog}"))
            .notice("Resource added.", format!("Packages can be made of {name} now."))),
        Err(Error::Invalid(errors)) => draw_new(cx, catalog, form, &errors),
        Err(error) => Err(error),
    }
}

fn roles(cx: &Cx, target: &str) -> &'static [(&'static str, &'static str)] {
    cx.site.targets.get(target).map_or(&[], |connector| connector.roles())
}

fn draw_new(cx: &Cx, catalog: Catalog, form: Form, errors: &[FieldError]) -> Result<Reply> {
    let risks = roles(cx, form.raw("target"))
        .iter()
        .enumerate()
        .map(|(at, (_, label))| {
            let field = format!("risk-{at}");
            let chosen = Risk::parse(form.raw(&field));
            RiskQuestion { field, legend: format!("Risk of {label}"), chosen }
        })
        .collect();
    let again = Form::of([("target", form.raw("target")), ("searched", "yes")]);
    let back = format!("/catalogs/{}/resources/new?{}", catalog.id, again.encoded());
    let mut shell =
        cx.shell(format!("Add a resource to {} – Catalogs", catalog.name), Place::Catalogs)?;
    tell(&mut shell, errors);
    let page = NewPage { shell, catalog, form, risks, back };
    Ok(Reply::page(&page)?.status(if errors.is_empty() { 200 } else { 422 }))
}

/// The catalog of the path, if the person may register resources in it (E26).
fn registered_by_me(cx: &Cx) -> Result<Catalog> {
    let id: CatalogId = cx.id("id")?;
    policy::register_resource(cx.actor().ok_or(Error::Missing)?, id)?;
    cx.read(|db| store::catalog(db, id))
}

#[derive(Template)]
#[template(path = "catalogs/resource_edit.html")]
struct EditPage {
    shell: Shell,
    catalog: Catalog,
    resource: Resource,
    form: Form,
    risks: Vec<RiskQuestion>,
    questions: Questions,
}

impl EditPage {
    fn action(&self) -> String {
        format!("/catalogs/{}/resources/{}/edit", self.catalog.id, self.resource.id)
    }
}

pub(super) fn show(cx: &mut Cx) -> Result<Reply> {
    let (catalog, resource) = managed(cx)?;
    let asked: Vec<Question> =
        serde_json::from_str(&cx.read(|db| store::attributes(db, resource.id))?)?;
    let form = cx.refill().unwrap_or_else(|| {
        let mut form = Form::of([
            ("name", resource.name.clone()),
            ("description", resource.description.clone()),
        ]);
        questions::write(&mut form, &asked);
        if resource.managed_here {
            form.set("managed", "yes");
        }
        for role in &resource.roles {
            form.set(&format!("risk-{}", role.id), role.risk.as_str());
        }
        form
    });
    draw_edit(cx, catalog, resource, form, &[])
}

/// The questions of the form, or everything that is wrong with them.
fn asked(form: &Form) -> Result<Vec<Question>, Vec<FieldError>> {
    let asked = questions::read(form);
    let wrong = policies::rules::asked(&asked.questions).err().unwrap_or_default();
    let questions = asked.questions.clone();
    let errors = questions::all_errors(asked, wrong);
    if errors.is_empty() { Ok(questions) } else { Err(errors) }
}

pub(super) fn change(cx: &mut Cx) -> Result<Reply> {
    let (catalog, resource) = managed(cx)?;
    let form = cx.form().clone();
    if form.raw("step") == "more" {
        return draw_edit(cx, catalog, resource, form, &[]);
    }
    let risks = resource
        .roles
        .iter()
        .filter_map(|role| Some((role.id, Risk::parse(form.raw(&format!("risk-{}", role.id)))?)));
    let change = ResourceChange {
        name: form.line("name"),
        description: form.text("description"),
        managed_here: form.has("managed"),
        risks: risks.collect(),
    };
    let questions = match asked(&form) {
        Ok(questions) => questions,
        Err(mut errors) => {
            errors.splice(..0, rules::resource_change(&change).err().unwrap_or_default());
            return draw_edit(cx, catalog, resource, form, &errors);
        }
    };
    let (catalog_id, id) = (catalog.id, resource.id);
    let saved = cx.write(move |tx| {
        let permit = policy::manage_catalog(tx.actor(), catalog_id)?;
        commands::change_resource(tx, &permit, id, &change, resource_renamed)?;
        policies::commands::ask_for_resource(tx, &permit, id, &questions)
    });
    match saved {
        Ok(()) => Ok(Reply::see_other(format!("/catalogs/{catalog_id}"))
            .notice("Saved.", format!("{} says now what you wrote.", form.line("name")))),
        Err(Error::Invalid(errors)) => draw_edit(cx, catalog, resource, form, &errors),
        Err(error) => Err(error),
    }
}

fn draw_edit(
    cx: &Cx,
    catalog: Catalog,
    resource: Resource,
    mut form: Form,
    errors: &[FieldError],
) -> Result<Reply> {
    questions::make_room(&mut form);
    let risks = resource
        .roles
        .iter()
        .map(|role| {
            let field = format!("risk-{}", role.id);
            let chosen = Risk::parse(form.raw(&field)).or(Some(role.risk));
            RiskQuestion { field, legend: format!("Risk of {}", role.name), chosen }
        })
        .collect();
    let mut shell =
        cx.shell(format!("Change resource {} – Catalogs", resource.name), Place::Catalogs)?;
    tell(&mut shell, errors);
    let questions = parts::questions(&form, errors);
    let page = EditPage { shell, catalog, resource, form, risks, questions };
    Ok(Reply::page(&page)?.status(if errors.is_empty() { 200 } else { 422 }))
}

/// The resource of the path with its catalog, if the person may change it.
fn managed(cx: &Cx) -> Result<(Catalog, Resource)> {
    let catalog = edit::managed(cx)?;
    let id: ResourceId = cx.id("resource")?;
    let resource = cx.read(|db| store::resource(db, id))?;
    if resource.catalog == catalog.id { Ok((catalog, resource)) } else { Err(Error::Missing) }
}
