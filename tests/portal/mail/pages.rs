//! One's own notices, and the mails that have not gone out, as people see them.

use diesel::prelude::*;
use keyholder::access::policy::{self, AskStanding};
use keyholder::db::schema::mails;
use keyholder::db::{By, Tx};
use keyholder::kernel::{PackageId, RequestId};
use keyholder::notify::{dispatch, post};
use keyholder::provisioning::connectors::Targets;
use keyholder::requests::commands;
use serde_json::json;

use super::mailer;
use crate::support::app::{App, TEAM, terms};
use crate::support::mailbox::{Mailbox, PASSWORD};
use crate::support::visitor::Visitor;
use crate::support::world::order;

fn ask(app: &App, who: &str, package: PackageId) -> RequestId {
    let who = app.person(who);
    let ask = move |tx: &mut Tx<'_>| {
        let permit = policy::request_access(tx.actor(), &AskStanding::own(who))?;
        commands::submit(tx, &permit, &order(package))
    };
    let request = app.db.write(By::Person(who), ask).unwrap();
    dispatch::run_for(&app.db, true).unwrap();
    request
}

#[test]
fn my_notices_are_new_until_i_say_that_i_have_read_them() {
    let Some(app) = App::start(Targets::default()) else { return };
    let package = app.package("Ledger", &[], terms(vec![app.by_manager()]));
    let request = ask(&app, "employee", package);
    let mut manager = Visitor::signed_in(&app.origin, "manager");
    let home = manager.open("/");
    assert!(
        home.body.contains("Notices <span class=\"n\">1<span class=\"sr\"> unread"),
        "{}",
        home.body
    );
    let page = manager.open("/notices");
    page.is(200).says("Stage 1 of 1 opened for Ledger for Asha Rao").says("New");
    assert!(page.links().contains(&format!("/approvals/{request}")), "{:?}", page.links());
    let read = page.form("Mark all as read");
    // Meanwhile somebody else asks; nobody marks as read what they have not seen.
    app.pass(60);
    ask(&app, TEAM[0], package);
    manager.send(&read).is(200).says("Marked as read.").says("New");
    let page = manager.open("/notices");
    assert_eq!(page.body.matches("<span>New</span>").count(), 1);
    manager.send(&page.form("Mark all as read"));
    let page = manager.open("/notices");
    assert!(!page.body.contains("<span>New</span>") && !page.body.contains("> unread"));
    assert!(!page.body.contains("Mark all as read"), "nothing is left to mark");
    let token = manager.token();
    for upto in ["", "yesterday", "99999999999999999999"] {
        let answer = manager.post("/notices/read", &[("csrf", &token), ("upto", upto)]);
        assert_eq!(answer.status, 422, "{upto}: {}", answer.text);
    }
    let mut employee = Visitor::signed_in(&app.origin, "employee");
    employee.open("/notices").is(200).says("Nothing was told to you yet");
    employee.open("/mail").is(403);
}

#[test]
fn e32_notices_and_mails_take_the_same_statements_however_many() {
    let Some(app) = App::start(Targets::default()) else { return };
    let package = app.package("Ledger", &[], terms(vec![app.by_manager()]));
    let mut manager = Visitor::signed_in(&app.origin, "manager");
    let mut admin = Visitor::signed_in(&app.origin, "admin");
    let count = |visitor: &mut Visitor, path: &str| {
        let before = app.db.statements_read();
        visitor.open(path).is(200);
        app.db.statements_read() - before
    };
    ask(&app, "employee", package);
    let few = (count(&mut manager, "/notices"), count(&mut admin, "/mail?state=waiting"));
    for who in TEAM {
        ask(&app, who, package);
    }
    let more = (count(&mut manager, "/notices"), count(&mut admin, "/mail?state=waiting"));
    assert_eq!(few, more);
    assert!(few.0 <= 6 && few.1 <= 6, "{few:?}");
}

#[test]
fn an_administrator_sees_why_a_mail_has_not_gone_out_and_sends_it_again() {
    let Some(app) = App::start(Targets::default()) else { return };
    let Some(mailbox) = Mailbox::start() else { return };
    dispatch::run(&app.db).unwrap(); // who got a role hears of it in the portal only
    let package = app.package("Ledger", &[], terms(vec![app.by_manager()]));
    let to = "ingrid.solheim@northmoor.example";
    mailbox.faults(&json!({ "refuse": { to: 550 } }));
    ask(&app, "employee", package);
    ask(&app, TEAM[0], package);
    let mut admin = Visitor::signed_in(&app.origin, "admin");
    admin.open("/mail").is(200).says("No mail has failed.");
    admin.open("/mail?state=waiting").is(200).says(to).says("Not tried yet");
    let way = mailer(mailbox.settings());
    assert_eq!(post::run(&app.db, &way).unwrap(), 2);
    let page = admin.open("/mail");
    page.is(200).says("Ingrid Solheim").says(to).says("refused it: 550").says("1 try");
    assert!(!page.body.contains(PASSWORD));

    mailbox.faults(&json!({}));
    let forms = page.forms();
    let (_, retry) = forms.iter().find(|(name, _)| name.starts_with("Try again")).unwrap();
    admin.send(retry).is(200).says("On its way again.");
    admin.send(retry).is(200).says("Nothing to try again.");
    assert_eq!((post::run(&app.db, &way).unwrap(), mailbox.mails().len()), (1, 1));
    let all = admin.open("/mail").form("Try all again");
    admin.send(&all).is(200).says("1 mail; what fails again comes back");
    admin.send(&all).is(200).says("No mail has failed.");
    assert_eq!((post::run(&app.db, &way).unwrap(), mailbox.mails().len()), (1, 2));
    admin.open("/audit").says("Marta Lindqvist asked to send a failed mail again");
    let token = admin.token();
    let nobody = format!("/mail/{}/retry", RequestId::fresh());
    assert_eq!(admin.post(&nobody, &[("csrf", &token)]).status, 404);
    let sent = mails::table.filter(mails::state.eq("sent")).count();
    assert_eq!(app.read(|db| Ok(sent.get_result::<i64>(db)?)), 2);
}
