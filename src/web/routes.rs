//! The routes as data: who may come in where, and which page is asked.

use actix_web::dev::ResourceDef;

use super::cx::Cx;
use super::limit::Limit;
use super::reply::Reply;
use crate::access::policy::Gate;
use crate::error::{Error, Result};

/// What a route answers to; HEAD is answered like GET.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Shows; changes nothing.
    Get,
    /// Takes a form.
    Post,
}

/// One route of a table.
#[derive(Clone, Copy, Debug)]
pub struct Route {
    /// What it answers to.
    pub method: Method,
    /// The path, with parts in braces: `/packages/{id}`.
    pub path: &'static str,
    /// Who may come in at all.
    pub gate: Gate,
    /// The page.
    pub run: fn(&mut Cx) -> Result<Reply>,
    /// How often one may.
    pub limit: Option<Limit>,
}

/// A route that shows.
#[must_use]
pub const fn get(path: &'static str, gate: Gate, run: fn(&mut Cx) -> Result<Reply>) -> Route {
    Route { method: Method::Get, path, gate, run, limit: None }
}

/// A route that takes a form.
#[must_use]
pub const fn post(path: &'static str, gate: Gate, run: fn(&mut Cx) -> Result<Reply>) -> Route {
    Route { method: Method::Post, path, gate, run, limit: None }
}

impl Route {
    /// The same route, limited.
    #[must_use]
    pub const fn limited(mut self, limit: Limit) -> Self {
        self.limit = Some(limit);
        self
    }
}

pub(super) static NOT_FOUND: Route = get("", Gate::Open, |_| Err(Error::Missing));

/// The pages that can be shown: where a form's page is looked up.
pub(super) struct Pages(Vec<ResourceDef>);

impl Pages {
    pub(super) fn of(tables: &[&'static [Route]]) -> Self {
        let all = tables.iter().copied().flatten();
        let shown = all.filter(|route| route.method == Method::Get);
        Self(shown.map(|route| ResourceDef::new(route.path)).collect())
    }

    /// The address itself if it shows a page, else the nearest one above it.
    pub(super) fn page_of(&self, address: &str) -> String {
        let (mut path, _) = address.split_once('?').unwrap_or((address, ""));
        if self.has(path) {
            return address.to_owned();
        }
        while let Some((above, _)) = path.rsplit_once('/') {
            path = above;
            if self.has(path) {
                return path.to_owned();
            }
        }
        "/".to_owned()
    }

    fn has(&self, path: &str) -> bool {
        self.0.iter().any(|page| page.is_match(path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &[Route] = &[
        get("/", Gate::Open, |_| Err(Error::Missing)),
        get("/requests/{id}", Gate::SignedIn, |_| Err(Error::Missing)),
        post("/requests/{id}/decide", Gate::SignedIn, |_| Err(Error::Missing)),
    ];

    #[test]
    fn a_form_that_has_no_page_of_its_own_leads_to_the_one_above() {
        let pages = Pages::of(&[TABLE]);
        assert_eq!(pages.page_of("/requests/7?x=1"), "/requests/7?x=1");
        assert_eq!(pages.page_of("/requests/7/decide?x=1"), "/requests/7");
        assert_eq!(pages.page_of("/nowhere/at/all"), "/");
        assert_eq!(pages.page_of(""), "/");
    }
}
