//! A list of who holds what in a system that is not connected: put in, refused by its lines, reviewed, removed by hand.

use keyholder::provisioning::connectors::Targets;
use keyholder::reviews::model::State;
use keyholder::reviews::store;

use crate::support::app::App;
use crate::support::tables;
use crate::support::visitor::{Filled, Visitor};

use super::after_the_session;

const WRONG: &str = "person,system,permission,since,risk\nemployee,SAP,Ledger admin,,high\n\
                     ghost,SAP,Reader,,\nmanager,SAP,Reader,soon,\n";
const RIGHT: &str = "person,system,permission,since,risk\nemployee,SAP,Ledger admin,,high\n\
                     ghost,SAP,Reader,,\n";

/// The form with a list; the manager answers.
fn listed(visitor: &mut Visitor, list: &str) -> Filled {
    let mut form = visitor.open("/reviews/new").form("Continue");
    form.set("name", "SAP, once").set("source", "list").set("list", list);
    form.set("reviewers", "named").set("people", "manager").set("rhythm", "once");
    form
}

#[test]
fn what_was_wrong_with_a_new_review_came_in_rounds() {
    let Some(app) = App::start(Targets::default()) else { return };
    let mut admin = Visitor::signed_in(&app.origin, "admin");
    let mut form = listed(&mut admin, WRONG);
    form.set("name", "").set("departments", "Nowhere").set("days", "400").set("first", "soon");
    let page = admin.send(&form);
    page.is(422).says("Line 4: since").says("Nobody is in a department called Nowhere");
    page.says("Write a name, such as").says("Write a number of days from 1 to");
    page.says("Choose the first day, as year-month-day");
    assert!(!page.text.contains("that is not over"), "one field is wrong in one way");
}

#[test]
fn e24_a_list_is_refused_by_its_lines_keeps_what_was_typed_and_is_removed_by_hand_with_proof() {
    let Some(app) = App::start(Targets::default()) else { return };
    let mut admin = Visitor::signed_in(&app.origin, "admin");
    let before = tables::content(&app.db);
    let form = listed(&mut admin, WRONG);
    let page = admin.send(&form);
    page.is(422).says("Line 4: since \"soon\" is no day, like 2027-01-31");
    let again = page.form("Continue");
    let kept = again.borrowed().into_iter().find(|(name, _)| *name == "list").unwrap().1;
    assert_eq!(kept.replace('\r', ""), WRONG, "what was typed is kept");
    let form = listed(&mut admin, RIGHT);
    let page = admin.send(&form);
    page.is(422).says("Line 3: \"ghost\" is nobody whom Keyholder knows");
    let form = listed(&mut admin, "person;system;permission\na;b;c\n");
    admin.send(&form).is(422).says("the columns must be separated by commas");
    let mut form = listed(&mut admin, RIGHT);
    form.set("rhythm", "monthly").set("leave_out", "yes").set("departments", "Finance");
    admin.send(&form).is(422).says("choose once").says("A list is reviewed as it is");
    tables::unchanged(&before, &tables::content(&app.db), "lists that are wrong");
    // Left out and counted, read back, and saved once however often it is sent.
    let mut form = listed(&mut admin, RIGHT);
    form.set("leave_out", "yes");
    let check = admin.send(&form);
    check.is(200).says("What a list says of SAP is reviewed: 1 line; 1 is left out");
    check.says("it would hold 1 item").says("is removed by hand");
    let save = check.form("Save the review");
    let saved = admin.send(&save);
    saved.is(200).says("Saved.");
    admin.send(&save).is(200);
    app.jobs();
    let review = app.read(|db| store::by_name(db, "sap, once")).unwrap();
    let id = app.read(|db| store::instances_of(db, review, 1))[0].id;
    assert_eq!(app.read(|db| store::instance(db, id)).item_count, 1);
    // The reviewer has no end to set, and reads where it is known from.
    let mut manager = Visitor::signed_in(&app.origin, "manager");
    let person = app.person("employee");
    let page = manager.open(&format!("/reviews/{id}?person={person}"));
    page.is(200).says("SAP: Ledger admin").says("a removal is done by hand").says("Nobody knows");
    assert!(!page.text.contains("Keep until"), "{}", page.text);
    manager.open(&format!("/reviews/{id}?by=package")).is(200).says("SAP: Ledger admin");
    let mut form = page.form("Remove: SAP: Ledger admin");
    form.set("note", "Moved on.");
    // What is typed survives the end of the session, and is not sent by itself (E22); also with a browser that does not
    // tell from which page it comes.
    form.from = None;
    let again = after_the_session(&app, &mut manager, &form);
    assert!(!again.text.contains("Error"), "{}", again.text);
    let mut form = again.form("Remove: SAP: Ledger admin");
    assert!(form.borrowed().contains(&("note", "Moved on.")), "{:?}", form.borrowed());
    form.set("note", "");
    manager.send(&form).is(422);
    form.set("note", "Moved on.");
    manager.send(&form).is(200);
    // A task by hand, with words or not at all.
    let progress = format!("/reviews/{id}/progress");
    // What closing does is said before it happens.
    let mut admin = Visitor::signed_in(&app.origin, "admin");
    let close = admin.open(&progress).is(200).link("Close it…");
    let ask = admin.open(&close);
    ask.is(200).says("Close SAP, once now?").says("No answer can be given or changed any more.");
    admin.send(&ask.form("Close it now")).is(200).says("Closed.");
    app.jobs();
    assert_eq!(admin.open(&format!("{progress}/close")).url.path(), progress, "it is closed");
    admin.open("/").is(200).says("1 removal by hand").says("Say what was done");
    let page = admin.open(&progress);
    page.is(200).says("To be removed by hand").says("1, because nobody here knows their person");
    let mut form = page.form("It is removed: SAP: Ledger admin of Asha Rao");
    admin.send(&form).is(422).says("Write what you did");
    form.set("proof", "Ticket 4711");
    let again = after_the_session(&app, &mut admin, &form);
    let form = again.form("It is removed: SAP: Ledger admin of Asha Rao");
    assert!(form.borrowed().contains(&("proof", "Ticket 4711")), "{:?}", form.borrowed());
    admin.send(&form).is(200).says("Removed by hand.").says("Ticket 4711");
    admin.send(&form).is(200);
    app.jobs();
    assert_eq!(app.read(|db| store::instance(db, id)).state, State::Completed);
    assert!(!admin.open("/").text.contains("by hand"));
}
