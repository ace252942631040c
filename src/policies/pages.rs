//! The pages on which owners write policies, look at what a change means before they save it, compare versions, and
//! delete a policy.

mod delete;
mod edit;
mod preview;
#[cfg(test)]
mod tests;
mod versions;

use super::model::Policy;
use super::{commands, store};
use crate::access::policy::{self, Gate};
use crate::error::{Error, Result};
use crate::kernel::{PackageId, PolicyId};
use crate::packages::model::Detail;
use crate::packages::store::package;
use crate::web::{Cx, Reply, Route, get, post};

/// This slice's pages.
pub const ROUTES: &[Route] = &[
    get("/packages/{id}/policies/new", Gate::Catalogs, edit::blank),
    post("/packages/{id}/policies/new", Gate::Catalogs, edit::create),
    get("/packages/{id}/policies/{policy}/edit", Gate::Catalogs, edit::show),
    post("/packages/{id}/policies/{policy}/edit", Gate::Catalogs, edit::change),
    post("/packages/{id}/policies/{policy}/switch", Gate::Catalogs, switch),
    get("/packages/{id}/policies/{policy}/versions", Gate::Catalogs, versions::show),
    get("/packages/{id}/policies/{policy}/delete", Gate::Catalogs, delete::ask),
    post("/packages/{id}/policies/{policy}/delete", Gate::Catalogs, delete::delete),
    post(
        "/packages/{id}/policies/{policy}/cancel-requests",
        Gate::Catalogs,
        delete::cancel_requests,
    ),
];

fn switch(cx: &mut Cx) -> Result<Reply> {
    let (detail, Policy { id, name, .. }) = one(cx)?;
    let (package, catalog) = (detail.package.id, detail.package.catalog);
    let on = cx.form().raw("on") == "yes";
    cx.write(move |tx| {
        let permit = policy::manage_catalog(tx.actor(), catalog)?;
        commands::switch(tx, &permit, id, on)
    })?;
    let reply = Reply::see_other(format!("/packages/{package}/edit"));
    Ok(if on {
        reply.notice("Switched on.", format!("People can request under “{name}” again."))
    } else {
        reply.notice(
            "Switched off.",
            format!("“{name}” takes no new requests. Open ones go on, and access stays."),
        )
    })
}

/// The package of the path, if the person may change it.
fn managed(cx: &Cx) -> Result<Detail> {
    let id: PackageId = cx.id("id")?;
    let detail = cx.read(|db| package(db, id))?;
    policy::manage_catalog(cx.actor().ok_or(Error::Missing)?, detail.package.catalog)?;
    Ok(detail)
}

/// The policy of the path with its package, if the person may change it.
fn one(cx: &Cx) -> Result<(Detail, Policy)> {
    let detail = managed(cx)?;
    let id: PolicyId = cx.id("policy")?;
    let policy = cx.read(|db| store::policy(db, id))?;
    if policy.package == detail.package.id { Ok((detail, policy)) } else { Err(Error::Missing) }
}
