//! Every page of the company, as everybody of the cast, against the rows of the page checklist (A1 to I6).
//!
//! Each of the cast walks from Home along the links of the portal. Pages of one shape (the same route and the same names
//! in the query) are looked at three times at most for each of them. What can be read in the HTML is read in all of these
//! ([`rows`]); a browser opens one of each shape, wide and narrow, light and dark ([`looks`]). Last, every form is sent
//! empty, for what the answers must be like ([`forms`]).
//!
//! Prints a table of all rows. `KEYHOLDER_LONG=1` opens every page in every window.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use keyholder::app;
use keyholder::demo::company::CAST;
use keyholder::web::{Method, Route};
use openidconnect::reqwest;

use crate::support::northmoor::Northmoor;
use crate::support::visitor::{Page, Visitor};

mod forms;
mod looks;
mod rows;
mod table;

use table::Table;

/// So many pages of one shape are looked at for each of the cast.
const SAMPLES: usize = 3;

/// One page that somebody of the cast saw.
pub struct Seen {
    /// Who saw it.
    pub user: &'static str,
    /// The path with its query.
    pub path: String,
    shape: String,
    /// What came back.
    pub page: Page,
}

/// True for a run that takes its time.
pub fn long() -> bool {
    std::env::var_os("KEYHOLDER_LONG").is_some()
}

pub fn routes() -> Vec<&'static Route> {
    app::tables(false).into_iter().flatten().collect()
}

/// The route of an address, whatever its query; words win over parts in braces.
pub fn route_of(method: Method, address: &str) -> Option<&'static str> {
    let path = address.split(['?', '#']).next().unwrap_or_default();
    let parts: Vec<&str> = path.split('/').collect();
    let fits = |route: &&Route| {
        let pattern: Vec<&str> = route.path.split('/').collect();
        route.method == method
            && pattern.len() == parts.len()
            && pattern.iter().zip(&parts).all(|(one, part)| one.starts_with('{') || one == part)
    };
    let found = routes().into_iter().filter(fits);
    found.min_by_key(|route| route.path.matches('{').count()).map(|route| route.path)
}

/// What pages of the same make have in common: the route, and the names in the query.
fn shape(path: &str) -> String {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let names: BTreeSet<&str> = query
        .split('&')
        .filter_map(|pair| pair.split('=').next())
        .filter(|n| !n.is_empty())
        .collect();
    let names: Vec<&str> = names.into_iter().collect();
    format!("{} {}", route_of(Method::Get, path).unwrap_or("nowhere"), names.join(","))
}

/// Everything that somebody sees who follows the links from Home, and at the addresses without an id.
pub fn walk(house: &Northmoor, user: &'static str) -> (Visitor, Vec<Seen>) {
    let mut visitor = Visitor::signed_in(&house.origin, user);
    let fixed = routes().into_iter().filter(|one| one.method == Method::Get);
    let fixed = fixed.map(|one| one.path.to_owned()).filter(|path| !path.contains('{'));
    let mut wait: VecDeque<String> = std::iter::once("/".to_owned()).chain(fixed).collect();
    let mut met: BTreeSet<String> = BTreeSet::new();
    let mut shapes: BTreeMap<String, usize> = BTreeMap::new();
    let mut all = Vec::new();
    while let Some(path) = wait.pop_front() {
        let shape = shape(&path);
        if path.starts_with("/signin") || !met.insert(path.clone()) {
            continue;
        }
        let count = shapes.entry(shape.clone()).or_default();
        if *count == SAMPLES {
            continue;
        }
        *count += 1;
        let page = visitor.ask(reqwest::Method::GET, &path, None);
        assert!(page.status < 500, "{path} for {user}: {}", page.text);
        for link in page.links().into_iter().chain(page.location.clone()) {
            let Ok(link) = page.url.join(&link) else { panic!("{link:?} at {path} for {user}") };
            let to = &link[url::Position::BeforePath..url::Position::AfterQuery];
            if link.origin() == page.url.origin() && !to.starts_with("/assets") {
                wait.push_back(to.to_owned());
            }
        }
        if page.body.starts_with("<!doctype html>") {
            all.push(Seen { user, path, shape, page });
        }
    }
    (visitor, all)
}

#[test]
fn every_page_of_everybody_keeps_the_rows_of_the_checklist() {
    let Some(house) = Northmoor::open() else { return };
    let mut table = Table::default();
    let mut visitors = Vec::new();
    let mut all = Vec::new();
    for (user, _) in CAST {
        let (visitor, seen) = walk(&house, user);
        assert!(seen.len() > 10, "{user} saw {} pages", seen.len());
        visitors.push((user, visitor));
        rows::check_walk(&mut table, user, &seen);
        all.extend(seen);
    }
    for seen in &all {
        rows::check(&mut table, seen.user, &seen.path, &seen.page.body);
    }
    rows::check_stylesheet(&mut table);
    forms::check(&mut table, &mut visitors, &all);
    // A browser sees the same whatever the database is: it looks at the pages of one of the two.
    let looked = house.database().starts_with("sqlite:");
    let browsers = if looked { looks::check(&house, &mut table, &all) } else { None };
    println!("{}", table.drawn());
    table.complete(browsers.is_some());
}
