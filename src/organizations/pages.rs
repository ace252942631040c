//! The pages on which administrators look after connected organizations.

mod edit;
mod list;
mod show;
#[cfg(test)]
mod tests;

use crate::access::policy::Gate;
use crate::web::{Route, get, post};

/// This slice's pages.
pub const ROUTES: &[Route] = &[
    get("/organizations", Gate::Organizations, list::show),
    get("/organizations/new", Gate::Administrator, edit::blank),
    post("/organizations/new", Gate::Administrator, edit::create),
    get("/organizations/{id}", Gate::Organizations, show::show),
    get("/organizations/{id}/edit", Gate::Administrator, edit::show),
    post("/organizations/{id}/edit", Gate::Administrator, edit::change),
    post("/organizations/{id}/switch", Gate::Administrator, edit::switch),
];
