//! Addresses and texts that nobody types in good faith.

use std::collections::BTreeMap;

use keyholder::app;
use keyholder::kernel::Risk;
use keyholder::provisioning::connectors::Targets;
use keyholder::web::Method;
use openidconnect::reqwest;

use crate::support::app::{App, terms};
use crate::support::tables;
use crate::support::visitor::Visitor;

const IDS: [&str; 9] = [
    "00000000-0000-0000-0000-000000000000",
    "0190a1b2-0000-7000-8000-00000000000g",
    "1%20OR%201=1",
    "'%3B%20DROP%20TABLE%20people%3B--",
    "..%2f..%2fetc%2fpasswd",
    "%00",
    "%ff%fe",
    "%F0%9F%94%91",
    "%3Cscript%3Ealert(1)%3C%2Fscript%3E",
];

/// Everything in braces replaced.
fn with(path: &str, id: &str) -> String {
    let parts = path.split('/').map(|part| if part.starts_with('{') { id } else { part });
    parts.collect::<Vec<_>>().join("/")
}

#[test]
fn an_id_that_is_none_leads_nowhere() {
    let Some(app) = App::start(Targets::default()) else { return };
    let mut admin = Visitor::signed_in(&app.origin, "admin");
    let token = admin.token();
    let before = tables::content(&app.db);
    let long = "9".repeat(4_000);
    for route in app::tables(false).into_iter().flatten().filter(|r| r.path.contains('{')) {
        for id in IDS.iter().copied().chain([long.as_str()]) {
            let to = with(route.path, id);
            let page = match route.method {
                Method::Get => admin.ask(reqwest::Method::GET, &to, None),
                Method::Post => {
                    let form = [
                        ("csrf", token.as_str()),
                        ("stage", id),
                        ("key", id),
                        ("verdict", "approve"),
                    ];
                    admin.ask(reqwest::Method::POST, &to, Some(&form))
                }
            };
            // A form may be read before its package is looked up.
            let fine = matches!(page.status, 400 | 404 | 414 | 431);
            assert!(fine, "{:?} {to}: {} {}", route.method, page.status, page.text);
            assert!(!page.body.contains("<script>alert"), "{to}");
        }
    }
    tables::unchanged(&before, &tables::content(&app.db), "an id that is none");
}

#[test]
fn a_query_that_nobody_typed_is_no_failure() {
    let Some(app) = App::start(Targets::default()) else { return };
    let mut admin = Visitor::signed_in(&app.origin, "admin");
    let values =
        IDS.iter().copied().chain(["-1", "99999999999999999999", "%25%5F%27", "a%20b%20%22", ""]);
    for value in values {
        for route in app::tables(false).into_iter().flatten() {
            if route.method == Method::Post
                || route.path.contains('{')
                || route.path.starts_with("/signin")
            {
                continue;
            }
            for name in [
                "q", "after", "at", "page", "state", "format", "family", "from", "to", "person",
                "package",
            ] {
                let to = format!("{}?{name}={value}", route.path);
                let page = admin.open(&to);
                assert!(page.status < 500, "{to}: {} {}", page.status, page.text);
                assert!(!page.body.contains("<script>alert"), "{to}");
            }
        }
    }
    let page = admin.open("/packages?q=%25");
    page.is(200);
    assert!(!page.text.contains("Month"), "a percent sign is a letter like others: {}", page.text);
}

#[test]
fn a_megabyte_is_refused_and_a_long_text_is_kept() {
    let Some(app) = App::start(Targets::default()) else { return };
    let role = app.role("vpn", Risk::Ordinary);
    let package = app.package("Remote work", &[role], terms(vec![app.by_manager()]));
    let mut asha = Visitor::signed_in(&app.origin, "employee");
    let mut dario = Visitor::signed_in(&app.origin, "catalog-owner");
    let before = tables::content(&app.db);
    let (mega, long) = ("ä ".repeat(400_000), "long words, ".repeat(1_000));
    let catalog = app.catalog;
    let forms: BTreeMap<String, (&str, &str)> = BTreeMap::from([
        (format!("/packages/{package}/request"), ("Continue", "reason")),
        (format!("/packages/{package}/edit"), ("Save package", "description")),
        (format!("/packages/{package}/policies/new"), ("Preview policy", "people")),
        (format!("/catalogs/{catalog}/edit"), ("Save catalog", "description")),
        (format!("/catalogs/{catalog}/owners"), ("Add owner", "owner")),
        (format!("/catalogs/{catalog}/packages/new"), ("Make package", "description")),
    ]);
    for (page, (button, field)) in forms {
        let visitor = if page.ends_with("/request") { &mut asha } else { &mut dario };
        let shown = visitor.open(&page);
        let mut form = shown.is(200).form(button);
        form.set(field, &mega);
        visitor.send(&form).is(413).says("too much text");
        form.set(field, &long);
        let answer = visitor.send(&form);
        answer.is(422);
        let kept = answer.value(field).unwrap_or_default();
        assert_eq!(kept.trim(), long.trim(), "{page} keeps what was typed");
    }
    tables::unchanged(&before, &tables::content(&app.db), "a text that is too long");
}
