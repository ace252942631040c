//! The pages of catalogs and resources.

mod edit;
mod list;
mod resource;
mod show;
#[cfg(test)]
mod tests;

use crate::access::policy::Gate;
use crate::error::FieldError;
use crate::kernel::Risk;
use crate::web::{Route, Shell, get, post};

/// This slice's pages.
pub const ROUTES: &[Route] = &[
    get("/catalogs", Gate::Catalogs, list::show),
    get("/catalogs/new", Gate::Administrator, edit::blank),
    post("/catalogs/new", Gate::Administrator, edit::create),
    get("/catalogs/{id}", Gate::Catalogs, show::show),
    get("/catalogs/{id}/edit", Gate::Catalogs, edit::show),
    post("/catalogs/{id}/edit", Gate::Catalogs, edit::change),
    post("/catalogs/{id}/switch", Gate::Catalogs, edit::switch),
    get("/catalogs/{id}/resources/new", Gate::Catalogs, resource::blank),
    post("/catalogs/{id}/resources/new", Gate::Catalogs, resource::create),
    get("/catalogs/{id}/resources/{resource}/edit", Gate::Catalogs, resource::show),
    post("/catalogs/{id}/resources/{resource}/edit", Gate::Catalogs, resource::change),
];

/// Puts what is wrong into the shell.
fn tell(shell: &mut Shell, errors: &[FieldError]) {
    shell.errors = errors.iter().map(Into::into).collect();
}

/// A role's question in a form: how much harm it can do.
struct RiskQuestion {
    field: String,
    legend: String,
    chosen: Option<Risk>,
}
