//! Every form sent empty: what the answers must be like.

use std::collections::BTreeSet;

use keyholder::web::Method;
use openidconnect::reqwest;
use scraper::Html;

use super::rows::{self, select, shown, within};
use super::table::Table;
use super::{Seen, route_of};
use crate::support::visitor::{Filled, Page, Visitor};

/// What is typed or chosen in a form is sent empty; what it carries by itself stays.
fn emptied(page: &Page, mut form: Filled) -> Filled {
    let html = Html::parse_document(&page.body);
    let typed = select(&html, "main input:not([type=hidden]), main textarea, main select");
    let typed: BTreeSet<&str> = typed.iter().filter_map(|one| one.attr("name")).collect();
    for (name, value) in &mut form.pairs {
        if typed.contains(name.as_str()) {
            value.clear();
        }
    }
    form
}

/// Sends the first form of each kind of everybody, and reads what comes back.
pub fn check(table: &mut Table, visitors: &mut [(&'static str, Visitor)], all: &[Seen]) {
    let mut met = BTreeSet::new();
    for seen in all.iter().filter(|seen| seen.page.status == 200) {
        let (user, visitor) =
            visitors.iter_mut().find(|(user, _)| *user == seen.user).expect("one of the cast");
        for (button, form) in seen.page.forms() {
            let Some(route) = route_of(Method::Post, &form.action) else {
                panic!("{} at {} leads nowhere", form.action, seen.path)
            };
            let ends_session = route.contains("signout") || route.starts_with("/me/sessions");
            if ends_session || !met.insert((*user, route, button.clone())) {
                continue;
            }
            let form = emptied(&seen.page, form);
            let page = visitor.ask(reqwest::Method::POST, &form.action, Some(&form.borrowed()));
            assert!(page.status < 500, "{route} by {user}: {}", page.text);
            let at = format!("{} ({button})", form.action);
            if page.status == 422 {
                answers(table, user, &at, &page);
            }
            if let Some(to) = page.location.clone() {
                let there = visitor.open(&to);
                outcome(table, user, &format!("{to} after {at}"), &there);
                rows::check(table, user, &to, &there.body);
            } else {
                rows::check(table, user, &at, &page.body);
            }
        }
    }
}

/// The page of a form that cannot be taken as it is (B3, B4).
fn answers(table: &mut Table, user: &str, at: &str, page: &Page) {
    let html = Html::parse_document(&page.body);
    let mut wrong = Vec::new();
    let title = select(&html, "title").first().map(|one| shown(*one)).unwrap_or_default();
    if !title.starts_with("Error: ") {
        wrong.push(format!("the title is {title:?}"));
    }
    let summary = select(&html, "main .head > #errors[role=alert][tabindex='-1']:first-child");
    if summary.len() != 1 {
        wrong.push("no summary before the heading".into());
    }
    table.look("B3", user, at, &wrong);
    let mut wrong = Vec::new();
    for link in summary.iter().flat_map(|one| within(*one, "a[href]")) {
        let id = link.attr("href").unwrap_or_default().trim_start_matches('#');
        let words = shown(link);
        let field = select(&html, &format!("[id='{id}']"));
        let Some(field) = field.first() else {
            wrong.push(format!("{words:?} leads to #{id}, which is not there"));
            continue;
        };
        let beside = select(&html, &format!("[id='{id}-e']"));
        let beside = beside.first().map(|one| shown(*one).trim_start_matches("Error: ").to_owned());
        if beside.as_deref() != Some(words.as_str()) {
            wrong.push(format!("{words:?} in the summary, {beside:?} beside #{id}"));
        }
        let named = |one: &scraper::ElementRef<'_>| {
            one.attr("aria-describedby")
                .is_some_and(|ids| ids.split(' ').any(|one| one == format!("{id}-e")))
        };
        let inside = within(*field, "[aria-invalid=true], [aria-describedby]");
        if !named(field) && !inside.iter().any(named) {
            wrong.push(format!("#{id} is not described by its error"));
        }
        let invalid =
            field.attr("aria-invalid") == Some("true") || field.value().name() == "fieldset";
        if !invalid && within(*field, "[aria-invalid=true]").is_empty() {
            wrong.push(format!("#{id} is not said to be invalid"));
        }
    }
    table.look("B4", user, at, &wrong);
}

/// The page after something was done (D1).
fn outcome(table: &mut Table, user: &str, at: &str, page: &Page) {
    let html = Html::parse_document(&page.body);
    let notices = select(&html, "main .head > .notice");
    let mut wrong = Vec::new();
    for notice in notices {
        if notice.attr("role") != Some("status") || within(notice, "strong").is_empty() {
            wrong.push(format!("no status: {}", shown(notice)));
        }
        let after = notice.prev_siblings().filter_map(scraper::ElementRef::wrap);
        if after.into_iter().any(|one| one.value().name() == "h1") {
            wrong.push("the notice stands after the heading".into());
        }
    }
    table.look("D1", user, at, &wrong);
}
