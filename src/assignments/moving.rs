//! The pages on which owners move assignments to another policy of their package (D16): one, or all of a policy.

use askama::Template;

use super::{commands, store};
use crate::access::policy::{self, Gate};
use crate::error::{Error, FieldError, Result};
use crate::kernel::text::counted;
use crate::kernel::{AssignmentId, PackageId, PolicyId};
use crate::packages::model::Package;
use crate::packages::store::head;
use crate::policies::model::Policy;
use crate::policies::store::{in_the_way, name_of, of_package};
use crate::web::page::Choice;
use crate::web::words::When;
use crate::web::{Cx, Form, Place, Reply, Route, Shell, get, post};

/// The routes of moving.
pub const ROUTES: &[Route] = &[
    get("/packages/{id}/assignments/{aid}/move", Gate::Catalogs, ask_one),
    post("/packages/{id}/assignments/{aid}/move", Gate::Catalogs, move_one),
    get("/packages/{id}/policies/{policy}/move", Gate::Catalogs, ask_all),
    post("/packages/{id}/policies/{policy}/move", Gate::Catalogs, move_all),
];

/// As many names as the page of all tells.
const SHOWN: i64 = 20;

/// Who moves from where.
struct Moving {
    /// Where it leads back to, and from.
    back: String,
    action: String,
    /// The policy that it leaves.
    from: PolicyId,
    from_name: String,
    /// How many move, and the first of their names.
    count: i64,
    names: Vec<String>,
    /// When the one assignment ends; none on the page of all, `Some(None)` without an end.
    until: Option<Option<When>>,
}

#[derive(Template)]
#[template(path = "assignments/move.html")]
struct MovePage {
    shell: Shell,
    package: Package,
    moving: Moving,
    /// What can be moved to, each with its sentences.
    policies: Vec<Policy>,
    choices: Vec<Choice>,
}

impl MovePage {
    fn count(&self) -> String {
        counted(self.moving.count, "assignment", "assignments")
    }

    fn more(&self) -> i64 {
        self.moving.count - i64::try_from(self.moving.names.len()).unwrap_or(i64::MAX)
    }
}

/// The package of the path, if the person may change what is held of it.
fn managed(cx: &Cx) -> Result<Package> {
    let id: PackageId = cx.id("id")?;
    let package = cx.read(|db| head(db, id))?;
    policy::manage_assignment(cx.actor().ok_or(Error::Missing)?, package.catalog)?;
    Ok(package)
}

fn one(cx: &Cx, package: &Package) -> Result<(AssignmentId, Moving)> {
    let id: AssignmentId = cx.id("aid")?;
    let (named, from_name) = cx.read(|db| {
        let named = store::one(db, id)?;
        let from = name_of(db, named.assignment.policy_id)?;
        Ok((named, from))
    })?;
    if named.assignment.package_id != package.id || named.assignment.ended_at.is_some() {
        return Err(Error::Missing);
    }
    let until = named.assignment.ends_at.map(|at| When::end(at, cx.now(), cx.zone()));
    let back = format!("/packages/{}/assignments", package.id);
    Ok((
        id,
        Moving {
            action: format!("{back}/{id}/move"),
            back,
            from: named.assignment.policy_id,
            from_name,
            count: 1,
            names: vec![named.target],
            until: Some(until),
        },
    ))
}

fn all(cx: &Cx, package: &Package) -> Result<Moving> {
    let from: PolicyId = cx.id("policy")?;
    let (policy, hanging, names) = cx.read(|db| {
        let policy = crate::policies::store::policy(db, from)?;
        let hanging = crate::policies::store::hanging(db, from)?;
        Ok((policy, hanging, in_the_way(db, from, SHOWN)?.holders))
    })?;
    if policy.package != package.id {
        return Err(Error::Missing);
    }
    let base = format!("/packages/{}/policies/{from}", package.id);
    Ok(Moving {
        back: format!("{base}/delete"),
        action: format!("{base}/move"),
        from,
        from_name: policy.name,
        count: hanging.assignments,
        names,
        until: None,
    })
}

fn ask_one(cx: &mut Cx) -> Result<Reply> {
    let package = managed(cx)?;
    let (_, moving) = one(cx, &package)?;
    draw(cx, package, moving, &Form::default(), &[])
}

fn ask_all(cx: &mut Cx) -> Result<Reply> {
    let package = managed(cx)?;
    let moving = all(cx, &package)?;
    draw(cx, package, moving, &Form::default(), &[])
}

fn draw(
    cx: &Cx,
    package: Package,
    moving: Moving,
    form: &Form,
    errors: &[FieldError],
) -> Result<Reply> {
    let mut policies = cx.read(|db| of_package(db, package.id))?;
    policies.retain(|policy| policy.id != moving.from);
    let choice = |policy: &Policy| {
        let value = policy.id.to_string();
        let off = if policy.enabled { "" } else { " (off: it takes no new requests)" };
        Choice {
            on: form.raw("to") == value,
            value,
            label: format!("{}{off}", policy.name),
            hint: policy.terms.reads().join(" "),
        }
    };
    let choices = policies.iter().map(choice).collect();
    let title = match &*moving.names {
        [name] if moving.until.is_some() => format!("Move {name} in {} – Catalogs", package.name),
        _ => format!("Move assignments of {} from {} – Catalogs", package.name, moving.from_name),
    };
    let mut shell = cx.shell(title, Place::Catalogs)?;
    shell.errors = errors.iter().map(Into::into).collect();
    let page = MovePage { shell, package, moving, policies, choices };
    Ok(Reply::page(&page)?.status(if errors.is_empty() { 200 } else { 422 }))
}

/// The policy that was chosen.
fn chosen(form: &Form) -> std::result::Result<PolicyId, FieldError> {
    PolicyId::parse(form.raw("to"))
        .ok_or_else(|| FieldError::new("to", "Choose the policy to move to"))
}

fn move_one(cx: &mut Cx) -> Result<Reply> {
    let package = managed(cx)?;
    let (id, moving) = one(cx, &package)?;
    let form = cx.form().clone();
    let to = match chosen(&form) {
        Ok(to) => to,
        Err(error) => return draw(cx, package, moving, &form, &[error]),
    };
    let catalog = package.catalog;
    let named = cx.write(move |tx| {
        let permit = policy::manage_assignment(tx.actor(), catalog)?;
        commands::move_to(tx, &permit, id, to)
    })?;
    Ok(Reply::see_other(moving.back)
        .notice("Moved.", format!("{} keeps the access until its end.", named.target)))
}

fn move_all(cx: &mut Cx) -> Result<Reply> {
    let package = managed(cx)?;
    let moving = all(cx, &package)?;
    let form = cx.form().clone();
    let to = match chosen(&form) {
        Ok(to) => to,
        Err(error) => return draw(cx, package, moving, &form, &[error]),
    };
    let (catalog, from) = (package.catalog, moving.from);
    let moved = cx.write(move |tx| {
        let permit = policy::manage_assignment(tx.actor(), catalog)?;
        commands::move_all(tx, &permit, from, to)
    })?;
    let moved = counted(i64::try_from(moved).unwrap_or(i64::MAX), "assignment", "assignments");
    Ok(Reply::see_other(moving.back)
        .notice("Moved.", format!("{moved} moved. Access and ends stayed as they were.")))
}
