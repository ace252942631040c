//! Deleting a policy: what is in the way, and how to get it out of the way (D15).

use askama::Template;

use super::one;
use crate::access::policy;
use crate::error::{Error, FieldError, Result};
use crate::kernel::text::counted;
use crate::packages::model::Detail;
use crate::policies::commands;
use crate::policies::model::Policy;
use crate::policies::store::{self, Hanging, InTheWay};
use crate::requests::commands::cancel_under_policy;
use crate::requests::stops::{Thing, would_wait};
use crate::web::{Cx, Form, Place, Reply, Shell};

/// As many requests and holders as the page names.
const SHOWN: i64 = 20;

#[derive(Template)]
#[template(path = "policies/delete.html")]
struct DeletePage {
    shell: Shell,
    detail: Detail,
    policy: Policy,
    hanging: Hanging,
    /// Those of the open requests that can be canceled still.
    cancelable: i64,
    in_the_way: InTheWay,
    /// Whether the package has another policy to move assignments to.
    others: bool,
    form: Form,
}

impl DeletePage {
    fn base(&self) -> String {
        format!("/packages/{}/policies/{}", self.detail.package.id, self.policy.id)
    }

    fn free(&self) -> bool {
        self.hanging == Hanging::default()
    }

    fn requests(&self) -> String {
        counted(self.hanging.requests, "open request", "open requests")
    }

    fn assignments(&self) -> String {
        counted(self.hanging.assignments, "active assignment", "active assignments")
    }

    fn more(all: i64, shown: usize) -> i64 {
        all - i64::try_from(shown).unwrap_or(i64::MAX)
    }
}

pub(super) fn ask(cx: &mut Cx) -> Result<Reply> {
    let form = cx.refill().unwrap_or_default();
    draw(cx, form, &[])
}

fn draw(cx: &Cx, form: Form, errors: &[FieldError]) -> Result<Reply> {
    let (detail, policy) = one(cx)?;
    let (hanging, cancelable, in_the_way, others) = cx.read(|db| {
        let all = store::of_package(db, detail.package.id)?;
        Ok((
            store::hanging(db, policy.id)?,
            would_wait(db, Thing::Policy(policy.id))?,
            store::in_the_way(db, policy.id, SHOWN)?,
            all.iter().any(|other| other.id != policy.id),
        ))
    })?;
    let title = format!("Delete policy {} of {} – Catalogs", policy.name, detail.package.name);
    let mut shell = cx.shell(title, Place::Catalogs)?;
    // Where nothing is left to cancel, its form is gone, and so is what was wrong with it.
    let errors = if cancelable > 0 { errors } else { &[] };
    shell.errors = errors.iter().map(Into::into).collect();
    let page = DeletePage { shell, detail, policy, hanging, cancelable, in_the_way, others, form };
    Ok(Reply::page(&page)?.status(if errors.is_empty() { 200 } else { 422 }))
}

pub(super) fn delete(cx: &mut Cx) -> Result<Reply> {
    let (detail, Policy { id, name, .. }) = one(cx)?;
    let catalog = detail.package.catalog;
    cx.write(move |tx| {
        let permit = policy::manage_catalog(tx.actor(), catalog)?;
        commands::delete(tx, &permit, id)
    })?;
    Ok(Reply::see_other(format!("/packages/{}/edit", detail.package.id))
        .notice("Policy deleted.", format!("What “{name}” said stays readable on its requests.")))
}

pub(super) fn cancel_requests(cx: &mut Cx) -> Result<Reply> {
    let (detail, policy) = one(cx)?;
    let (id, catalog, form) = (policy.id, detail.package.catalog, cx.form().clone());
    let reason = form.text("reason");
    let canceled = cx.write(move |tx| {
        let permit = policy::manage_catalog(tx.actor(), catalog)?;
        cancel_under_policy(tx, &permit, id, &reason)
    });
    match canceled {
        Ok(n) => {
            let n = i64::try_from(n).unwrap_or(i64::MAX);
            let back = format!("/packages/{}/policies/{id}/delete", detail.package.id);
            Ok(Reply::see_other(back).notice(
                "Canceled.",
                format!("{} with your reason.", counted(n, "request ended", "requests ended")),
            ))
        }
        Err(Error::Invalid(errors)) => draw(cx, form, &errors),
        Err(error) => Err(error),
    }
}
