//! The pages on which owners make and change packages. How people find and read them is in `browse`.

use askama::Template;

use super::model::{Content, Detail, NewPackage, PackageChange};
use super::{commands, rules, store};
use crate::access::policy::{self, Gate};
use crate::catalogs::model::Catalog;
use crate::catalogs::store::catalog;
use crate::error::{Error, FieldError, Result};
use crate::kernel::{CatalogId, PackageId, PolicyId, Risk, RoleId};
use crate::policies::model::Policy;
use crate::policies::store::of_package;
use crate::requests::commands::contents_changed;
use crate::requests::stopping::Stopped;
use crate::requests::stops::{self, Thing};
use crate::reviews;
use crate::reviews::model::Review;
use crate::web::page::Choice;
use crate::web::{Cx, Form, Place, Reply, Route, Shell, get, post};

/// The owners' pages of this slice.
pub const ROUTES: &[Route] = &[
    get("/catalogs/{id}/packages/new", Gate::Catalogs, blank),
    post("/catalogs/{id}/packages/new", Gate::Catalogs, create),
    get("/packages/{id}/edit", Gate::Catalogs, show),
    post("/packages/{id}/edit", Gate::Catalogs, change),
];

/// The roles of one resource, to be ticked.
struct Pick {
    resource: String,
    target: String,
    roles: Vec<Choice>,
    high: bool,
}

/// What a package can be made of, by resource, with what is in it ticked.
fn picks(roles: Vec<Content>, chosen: &[String]) -> Vec<Pick> {
    let mut picks: Vec<(crate::kernel::ResourceId, Pick)> = Vec::new();
    for role in roles {
        let value = role.role.to_string();
        let high = role.risk == Risk::High;
        let choice = Choice {
            on: chosen.contains(&value),
            value,
            label: role.role_name,
            hint: if high { "High risk".to_owned() } else { String::new() },
        };
        match picks.last_mut() {
            Some((id, pick)) if *id == role.resource => {
                pick.roles.push(choice);
                pick.high |= high;
            }
            _ => picks.push((
                role.resource,
                Pick {
                    resource: role.resource_name,
                    target: role.target,
                    roles: vec![choice],
                    high,
                },
            )),
        }
    }
    picks.into_iter().map(|(_, pick)| pick).collect()
}

#[derive(Template)]
#[template(path = "packages/new.html")]
struct NewPage {
    shell: Shell,
    catalog: Catalog,
    form: Form,
    picks: Vec<Pick>,
    registers: bool,
}

fn blank(cx: &mut Cx) -> Result<Reply> {
    let catalog = managed(cx)?;
    let form = cx.refill().unwrap_or_else(|| Form::of([("key", PackageId::fresh().to_string())]));
    draw_new(cx, catalog, form, &[])
}

fn create(cx: &mut Cx) -> Result<Reply> {
    let catalog = managed(cx)?;
    let mut form = cx.form().clone();
    let id = PackageId::parse(form.raw("key")).unwrap_or_else(PackageId::fresh);
    form.set("key", id.to_string());
    let says = says(&form);
    let new = NewPackage {
        catalog: catalog.id,
        name: says.name,
        description: says.description,
        hidden: says.hidden,
        roles: roles(&form),
    };
    let made = cx.write(move |tx| {
        let permit = policy::manage_catalog(tx.actor(), new.catalog)?;
        commands::create(tx, &permit, id, &new)
    });
    match made {
        Ok(id) => Ok(Reply::see_other(format!("/packages/{id}/edit"))
            .notice("Package made.", "Nobody can request it yet: write its first policy.")),
        Err(Error::Invalid(errors)) => draw_new(cx, catalog, form, &errors),
        Err(error) => Err(error),
    }
}

fn draw_new(cx: &Cx, catalog: Catalog, form: Form, errors: &[FieldError]) -> Result<Reply> {
    let all = cx.read(|db| store::roles_of(db, catalog.id))?;
    let actor = cx.actor().ok_or(Error::Missing)?;
    let registers = policy::register_resource(actor, catalog.id).is_ok();
    let title = format!("Make an access package in {} – Catalogs", catalog.name);
    let mut shell = cx.shell(title, Place::Catalogs)?;
    shell.errors = errors.iter().map(Into::into).collect();
    let picks = picks(all, &form.all("roles"));
    let page = NewPage { shell, catalog, form, picks, registers };
    Ok(Reply::page(&page)?.status(if errors.is_empty() { 200 } else { 422 }))
}

fn says(form: &Form) -> PackageChange {
    PackageChange {
        name: form.line("name"),
        description: form.text("description"),
        hidden: form.has("hidden"),
    }
}

fn roles(form: &Form) -> Vec<RoleId> {
    form.all("roles").iter().filter_map(|text| RoleId::parse(text)).collect()
}

/// The catalog of the path, if the person may change it.
fn managed(cx: &Cx) -> Result<Catalog> {
    let id: CatalogId = cx.id("id")?;
    policy::manage_catalog(cx.actor().ok_or(Error::Missing)?, id)?;
    cx.read(|db| catalog(db, id))
}

#[derive(Template)]
#[template(path = "packages/edit.html")]
struct EditPage {
    shell: Shell,
    detail: Detail,
    form: Form,
    picks: Vec<Pick>,
    policies: Vec<Line>,
    /// True where reviewers could not tell what it is for.
    unclear: bool,
    stopped: Option<Stopped>,
    /// Its catalog is stopped, and everything in it.
    catalog_stopped: Option<Stopped>,
}

/// A policy as the page tells it.
struct Line {
    policy: Policy,
    /// Its sentences.
    reads: Vec<String>,
    stopped: Option<Stopped>,
    /// The reviews of what is held under it.
    reviews: Vec<ReviewLine>,
}

/// A review of a policy.
struct ReviewLine {
    href: String,
    name: String,
    /// Who answers, and when.
    reads: String,
}

/// The policies with their sentences, their own stops and their reviews. Three statements.
fn policies(cx: &Cx, id: PackageId) -> Result<Vec<Line>> {
    let (policies, stops, reviews) = cx.read(|db| {
        let policies = of_package(db, id)?;
        let ids: Vec<PolicyId> = policies.iter().map(|policy| policy.id).collect();
        let stops = stops::of_policies(db, &ids)?;
        let reviews = reviews::store::of_policies(db, &ids)?;
        Ok((policies, stops, reviews))
    })?;
    let line = |policy: Policy| {
        let href = format!("/packages/{id}/policies/{}", policy.id);
        let stop = stops.iter().find(|stop| stop.thing == Thing::Policy(policy.id)).cloned();
        let stopped = stop.map(|stop| Stopped::of(stop, href, cx.now(), cx.zone()));
        let of_it = |review: &&Review| {
            review.terms.scope.policy.as_ref().is_some_and(|named| named.id == policy.id)
        };
        let reviews = reviews.iter().filter(of_it).map(|review| ReviewLine {
            href: format!("/reviews/definitions/{}", review.id),
            name: review.name.clone(),
            reads: reviews::reads::brief(&review.terms),
        });
        Line { reads: policy.terms.reads(), reviews: reviews.collect(), policy, stopped }
    };
    Ok(policies.into_iter().map(line).collect())
}

fn show(cx: &mut Cx) -> Result<Reply> {
    let detail = detail(cx)?;
    let form = cx.refill().unwrap_or_else(|| {
        let mut pairs = vec![
            ("name", detail.package.name.clone()),
            ("description", detail.package.description.clone()),
            ("contents", detail.package.contents_version.to_string()),
        ];
        if detail.package.hidden {
            pairs.push(("hidden", "yes".into()));
        }
        pairs.extend(detail.contents.iter().map(|c| ("roles", c.role.to_string())));
        Form::of(pairs)
    });
    draw_edit(cx, detail, form, &[])
}

fn change(cx: &mut Cx) -> Result<Reply> {
    let detail = detail(cx)?;
    let (id, catalog) = (detail.package.id, detail.package.catalog);
    let form = cx.form().clone();
    let (says, roles) = (says(&form), roles(&form));
    if let Err(errors) = rules::package(&says) {
        return draw_edit(cx, detail, form, &errors);
    }
    // What a reviewer asked for is done with the first change of the description.
    let described = says.description != detail.package.description;
    let Ok(seen) = form.raw("contents").parse::<i64>() else { return Err(Error::Missing) };
    let saved = cx.write(move |tx| {
        let permit = policy::manage_catalog(tx.actor(), catalog)?;
        commands::change(tx, &permit, id, &says)?;
        if described {
            reviews::commands::described(tx, &permit, id, true)?;
        }
        commands::set_contents(tx, &permit, id, seen, &roles, contents_changed)
    });
    match saved {
        Ok(()) => Ok(Reply::see_other(format!("/packages/{id}/edit"))
            .notice("Saved.", "The package is now what you see here.")),
        Err(Error::Invalid(errors)) => draw_edit(cx, detail, form, &errors),
        Err(Error::Refused(no)) => {
            Err(no.way("Look at the package as it is now", format!("/packages/{id}/edit")).into())
        }
        Err(error) => Err(error),
    }
}

fn draw_edit(cx: &Cx, detail: Detail, form: Form, errors: &[FieldError]) -> Result<Reply> {
    let (id, catalog) = (detail.package.id, detail.package.catalog);
    let (all, unclear) = cx.read(|db| {
        Ok((store::roles_of(db, catalog)?, reviews::store::listing::is_to_describe(db, id)?))
    })?;
    let policies = policies(cx, id)?;
    let stopped = Stopped::read(cx, Thing::Package(id), format!("/packages/{id}"))?;
    let catalog_stopped =
        Stopped::read(cx, Thing::Catalog(catalog), format!("/catalogs/{catalog}"))?;
    let title = format!("Change {} – Catalogs", detail.package.name);
    let mut shell = cx.shell(title, Place::Catalogs)?;
    shell.errors = errors.iter().map(Into::into).collect();
    let picks = picks(all, &form.all("roles"));
    let page = EditPage { shell, detail, form, picks, policies, unclear, stopped, catalog_stopped };
    Ok(Reply::page(&page)?.status(if errors.is_empty() { 200 } else { 422 }))
}

/// The package of the path, if the person may change it.
fn detail(cx: &Cx) -> Result<Detail> {
    let id: PackageId = cx.id("id")?;
    let detail = cx.read(|db| store::package(db, id))?;
    policy::manage_catalog(cx.actor().ok_or(Error::Missing)?, detail.package.catalog)?;
    Ok(detail)
}
