//! A queue of 300 requests, worked through by keyboard alone.

use diesel::prelude::*;
use keyholder::access::policy::{self, AskStanding};
use keyholder::db::By;
use keyholder::db::schema::{people, stage_approvers};
use keyholder::kernel::{PersonId, Risk};
use keyholder::provisioning::connectors::Targets;
use keyholder::requests::commands;

use crate::support::app::{App, terms};
use crate::support::browser::Browser;
use crate::support::world::order;

/// The approver with three hundred requests and a few more.
fn crowded() -> Option<App> {
    let app = App::start(Targets::default())?;
    let approver = app.person("second-approver");
    let everybody = people::table
        .filter(people::enabled.eq(true).and(people::id.ne(approver)))
        .filter(people::kind.eq("member"))
        .select(people::id);
    let everybody: Vec<PersonId> = app.read(|db| Ok(everybody.load(db)?));
    let role = app.role("ledger-readers", Risk::Ordinary);
    for number in 0..300_usize.div_ceil(everybody.len()) {
        let by = terms(vec![app.by(&["second-approver"])]);
        let package = app.package(&format!("Desk {number}"), &[role], by);
        for person in &everybody {
            let person = *person;
            let ask = move |tx: &mut keyholder::db::Tx<'_>| {
                let permit = policy::request_access(tx.actor(), &AskStanding::own(person))?;
                commands::submit(tx, &permit, &order(package))
            };
            app.db.write(By::Person(person), ask).expect("a request");
        }
        app.pass(60);
    }
    Some(app)
}

fn waiting(app: &App) -> i64 {
    let approver = app.person("second-approver");
    let mine = stage_approvers::table
        .filter(stage_approvers::person_id.eq(approver))
        .filter(stage_approvers::waiting.eq(true));
    app.read(|db| Ok(mine.count().get_result(db)?))
}

fn sign_in(app: &App, javascript: bool) -> Option<Browser> {
    let browser = Browser::open(javascript)?;
    browser.goto(&app.origin);
    browser.click("link", "Sign in");
    browser.fill("User", "second-approver");
    browser.fill("Password", "secret");
    browser.click("button", "Sign in");
    browser.goto(&format!("{}/approvals", app.origin));
    Some(browser)
}

/// Presses Tab until something that begins so has the focus.
pub(super) fn tab_to(browser: &Browser, words: &str) {
    for _ in 0..60 {
        browser.press("Tab");
        if browser.focused().starts_with(words) {
            return;
        }
    }
    panic!("no Tab leads to {words}: {}", browser.text());
}

#[test]
fn f1_a_queue_of_300_is_worked_through_by_keyboard() {
    let Some(app) = crowded() else { return };
    let all = waiting(&app);
    assert!(all >= 300, "{all}");

    // Without JavaScript: Tab and Enter; the next request has the focus after each decision.
    let Some(plain) = sign_in(&app, false) else { return };
    tab_to(&plain, "All");
    // The first row's link.
    while !plain.focused().contains(": decide on Desk 0") {
        plain.press("Tab");
    }
    for _ in 0..5 {
        plain.press("Enter");
        plain.see("What happens next");
        tab_to(&plain, "Approve");
        assert_eq!(plain.focused(), "Approve");
        plain.press("Enter");
        plain.see("Next: Desk 0 for");
        assert!(plain.focused().starts_with("Next: Desk 0"), "{}", plain.focused());
    }
    assert_eq!(waiting(&app), all - 5);

    // With it: letters, which move the focus and decide nothing.
    let Some(quick) = sign_in(&app, true) else { return };
    for key in ["j", "j", "k", "x", "d", "a"] {
        quick.press(key);
    }
    assert!(quick.focused().contains(": decide on Desk 0"), "{}", quick.focused());
    assert_eq!(waiting(&app), all - 5);
    quick.press("o");
    for _ in 0..30 {
        quick.see("What happens next");
        quick.press("a");
        assert_eq!(quick.focused(), "Approve");
        quick.press("Enter");
        quick.see("Next: Desk");
        quick.press("n");
        quick.press("Enter");
    }
    assert_eq!(waiting(&app), all - 35, "thirty by letters");
}
