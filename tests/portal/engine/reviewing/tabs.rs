//! A form that was opened a while ago: what has happened meanwhile is told, and nothing typed is lost.

use keyholder::access::policy;
use keyholder::db::{By, Tx};
use keyholder::kernel::{ReviewId, ReviewInstanceId, ReviewItemId};
use keyholder::provisioning::connectors::Targets;
use keyholder::reviews::commands::{self, NewReview};
use keyholder::reviews::model::{Answer, Reviewers};
use keyholder::reviews::store;

use crate::support::app::{App, package, terms};
use crate::support::crowd::give;
use crate::support::reviews::once;
use crate::support::visitor::{Page, Visitor};

/// A review of what three people have, in which two are asked.
fn review(app: &App) -> ReviewInstanceId {
    let made = package(&app.db, app.catalog, "Thing", &[], terms(vec![]));
    for person in ["employee", "n1010", "n1011"] {
        give(&app.db, app.catalog, made, person);
    }
    app.jobs();
    app.pass(1);
    let id = ReviewId::fresh();
    let people = vec![app.named("manager"), app.named("second-approver")];
    let terms = once(Reviewers::Named { people, groups: vec![] });
    let new = NewReview { id, name: "Everything".into(), catalog: None, terms, rows: vec![] };
    let create = move |tx: &mut Tx<'_>| {
        let permit = policy::manage_review(tx.actor(), None)?;
        commands::create(tx, &permit, &new).map(|_| ())
    };
    app.db.write(By::Person(app.person("admin")), create).unwrap();
    app.jobs();
    app.read(|db| store::instances_of(db, id, 1))[0].id
}

fn item(app: &App, id: ReviewInstanceId, of: &str) -> ReviewItemId {
    let of = app.person(of);
    let all = app.read(|db| store::listing::all(db, id, None, 100));
    all.iter().find(|item| item.person == of).unwrap().id
}

/// Sends an answer with the token of a page that was opened before.
fn send(visitor: &mut Visitor, tab: &Page, to: &str, answer: &str) -> Page {
    let token = tab.token();
    let form = [("csrf", token.as_str()), ("answer", answer), ("note", "as I see it")];
    visitor.post(to, &form)
}

#[test]
fn d28_a_second_tab_is_told_what_has_happened_since_it_was_opened() {
    let Some(app) = App::start(Targets::default()) else { return };
    let id = review(&app);
    let mut manager = Visitor::signed_in(&app.origin, "manager");
    let mut other = Visitor::signed_in(&app.origin, "second-approver");
    let here = |of: &str| format!("/reviews/{id}?person={}", app.person(of));
    let answer = |of: &str| format!("/reviews/{id}/items/{}", item(&app, id, of));
    let to = answer("employee");
    let (first, second) = (manager.open(&here("employee")), manager.open(&here("employee")));
    let third = other.open(&here("employee"));
    send(&mut manager, &first, &to, "remove").is(200).says("Thing of Asha Rao. 2 items are left");
    send(&mut manager, &second, &to, "keep")
        .is(200)
        .says("Before it was answered “Remove”; this counts now.");
    send(&mut other, &third, &to, "remove").is(200).says("had answered before; yours counts now.");
    let said = app.read(|db| store::listing::said(db, &[item(&app, id, "employee")]));
    let said: Vec<_> = said.iter().map(|one| one.answer.as_str()).collect();
    assert_eq!(said, ["remove", "keep", "remove"], "all of them are kept");

    // Passed on in one tab, answered in the other.
    let tab = manager.open(&here("n1010"));
    let pass = format!("{}/pass-on", answer("n1010"));
    let token = tab.token();
    let form = [("csrf", token.as_str()), ("to", "catalog-owner"), ("note", "she knows")];
    manager.post(&pass, &form).is(200).says("Passed on.");
    let late = send(&mut manager, &tab, &answer("n1010"), "remove");
    late.is(409).says("You have passed it on").says("Your answer was not taken.");
    let there = app.read(|db| store::item(db, item(&app, id, "n1010")));
    assert_eq!(there.answer, None);
    // Nobody else learns of it.
    let mut stranger = Visitor::signed_in(&app.origin, "employee");
    let token = stranger.token();
    let form = [("csrf", token.as_str()), ("answer", "keep"), ("note", "")];
    stranger.post(&answer("n1010"), &form).is(404);

    // It closes while somebody types.
    let tab = other.open(&here("n1011"));
    let close = move |tx: &mut Tx<'_>| {
        let instance = store::instance(tx.db(), id)?;
        let permit = policy::run_review(tx.actor(), &store::standing(&instance))?;
        commands::close(tx, &permit)
    };
    app.db.write(By::Person(app.person("admin")), close).unwrap();
    app.jobs();
    let late = send(&mut other, &tab, &answer("n1011"), "remove");
    late.is(409).says("This review is closed").says("as I see it");
    let there = app.read(|db| store::item(db, item(&app, id, "n1011")));
    assert_eq!((there.answer, there.note), (None, None));
    let there = app.read(|db| store::item(db, item(&app, id, "employee")));
    assert_eq!(there.answer, Some(Answer::Remove), "what counted before counts");
}

#[test]
fn e17_whose_access_it_is_read_the_answer_on_their_own_page_before_it_counted() {
    let Some(app) = App::start(Targets::default()) else { return };
    let id = review(&app);
    let mut manager = Visitor::signed_in(&app.origin, "manager");
    let tab = manager.open(&format!("/reviews/{id}?person={}", app.person("employee")));
    let to = format!("/reviews/{id}/items/{}", item(&app, id, "employee"));
    send(&mut manager, &tab, &to, "remove").is(200);
    let page = format!("/people/{}", app.person("employee"));
    let words = "answered in the access review";
    assert!(manager.open(&page).is(200).text.contains(words), "whoever manages them reads it");
    let own = Visitor::signed_in(&app.origin, "employee").open(&page).text;
    assert!(!own.contains(words), "{own}");
}
