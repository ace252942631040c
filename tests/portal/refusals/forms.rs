//! Forms that are sent twice, too late, or by somebody whose session has ended.

use keyholder::kernel::{PackageId, Risk};
use keyholder::provisioning::connectors::{
    Account, Connector, Found, Grant, Member, Targets, Trouble,
};
use std::sync::Arc;

use super::{ask, decide, sessions_end};
use crate::support::app::{App, DIRECTORY, terms};
use crate::support::tables;
use crate::support::visitor::{Filled, Page, Visitor};

/// A directory that is never there, but lists its groups.
struct Away;

impl Connector for Away {
    fn kind(&self) -> &'static str {
        "A directory that is away"
    }
    fn holds(&self, _: &Account, _: &Grant) -> Result<bool, Trouble> {
        Err(Trouble::TimedOut)
    }
    fn add(&self, _: &Account, _: &Grant, _: &str) -> Result<(), Trouble> {
        Err(Trouble::TimedOut)
    }
    fn remove(&self, _: &Account, _: &Grant, _: &str) -> Result<(), Trouble> {
        Err(Trouble::TimedOut)
    }
    fn members(&self, _: &Grant) -> Result<Vec<Member>, Trouble> {
        Err(Trouble::TimedOut)
    }
    fn resources(&self, _: &str) -> Result<Vec<Found>, Trouble> {
        let found =
            |name: &str| Found { address: format!("cn={name},ou=groups"), name: name.into() };
        Ok(vec![found("ledger"), found("vpn")])
    }
    fn roles(&self) -> &'static [(&'static str, &'static str)] {
        &[("member", "Member")]
    }
}

fn house() -> Option<(App, PackageId)> {
    let mut targets = Targets::default();
    targets.insert(DIRECTORY, Arc::new(Away));
    let app = App::start(targets)?;
    let role = app.role("desk", Risk::Ordinary);
    let package = app.package("Front desk", &[role], terms(vec![app.by_manager()]));
    Some((app, package))
}

/// Sends the form, then once more: the second time stores nothing, and is no failure.
#[track_caller]
fn twice(app: &App, visitor: &mut Visitor, form: &Filled) -> Page {
    let first = visitor.send(form);
    assert!(first.status < 400, "{form:?}: {} {}", first.status, first.text);
    let once = tables::content(&app.db);
    let again = visitor.send(form);
    assert!(again.status < 500, "{form:?}: {} {}", again.status, again.text);
    tables::unchanged(&once, &tables::content(&app.db), &format!("{} once more", form.action));
    first
}

#[test]
fn every_form_that_is_sent_twice_is_done_once() {
    let Some((app, package)) = house() else { return };
    let mut admin = Visitor::signed_in(&app.origin, "admin");
    let mut asha = Visitor::signed_in(&app.origin, "employee");
    let mut ingrid = Visitor::signed_in(&app.origin, "manager");
    let mut dario = Visitor::signed_in(&app.origin, "catalog-owner");

    // Setting up.
    let mut form = admin.open("/catalogs/new").form("Create catalog");
    form.set("name", "Laboratory").set("owners", "catalog-owner");
    let catalog = twice(&app, &mut admin, &form).url.path().to_owned();
    let mut form = admin.open(&format!("{catalog}/owners")).form("Add owner");
    form.set("owner", "Ingrid Solheim");
    let owners = twice(&app, &mut admin, &form);
    twice(&app, &mut admin, &owners.form("Remove Ingrid Solheim"));
    let mut form = admin.open(&format!("{catalog}/edit")).form("Save catalog");
    form.set("description", "Benches and instruments.");
    twice(&app, &mut admin, &form);
    let found = admin.open(&format!("{catalog}/resources/new?searched=yes&target={DIRECTORY}"));
    let mut form = admin.open(&found.link("Choose vpn")).form("Add resource");
    let risk = form_risk(&admin.open(&found.link("Choose vpn")));
    form.set("name", "Way in").set(&risk, "high");
    twice(&app, &mut admin, &form);
    let page = admin.open(&format!("{catalog}/packages/new"));
    let role = page.value("roles").expect("a role to choose");
    let mut form = page.form("Make package");
    form.set("name", "Laboratory access").set("description", "Opens the laboratory.");
    form.set("roles", &role);
    let made = twice(&app, &mut admin, &form).url.path().to_owned();
    let made = made.trim_end_matches("/edit").to_owned();
    let mut form = admin.open(&format!("{made}/policies/new")).form("Preview policy");
    form.set("name", "Everybody").set("members", "yes").set("stage1", "none");
    form.set("lifetime", "days").set("days", "5");
    let form = twice(&app, &mut admin, &form).form("Save policy");
    let policy = twice(&app, &mut admin, &form);
    let mut form = admin.open(&policy.link("Change policy Everybody")).form("Preview policy");
    form.set("days", "6");
    let form = twice(&app, &mut admin, &form).form("Save policy");
    twice(&app, &mut admin, &form);
    let off = admin.open(&format!("{made}/edit")).form("Switch off policy Everybody");
    twice(&app, &mut admin, &off);
    let mut form = admin.open(&format!("{made}/edit")).form("Save package");
    form.set("description", "Opens the laboratory and the store.");
    twice(&app, &mut admin, &form);

    // Requesting and deciding.
    let mut form = asha.open(&format!("/packages/{package}/request")).form("Continue");
    form.set("reason", "The desk is mine on Monday.");
    let form = asha.send(&form).form("Send request");
    let request = twice(&app, &mut asha, &form).url.path().to_owned();
    let form = asha.open(&request).form("Cancel request");
    twice(&app, &mut asha, &form);
    let request = ask(&app, &mut asha, package);
    let form = ingrid.open(&request.replace("requests", "approvals")).form("Approve");
    twice(&app, &mut ingrid, &form);

    // Looking after it: the target is away, so there is something to retry.
    app.jobs();
    let list = format!("/packages/{package}/assignments");
    let form = dario.open(&list).form("Retry now: Asha Rao");
    twice(&app, &mut dario, &form);
    let mut form = dario.open(&dario.clone().open(&list).link("End now… Asha Rao")).form("End now");
    form.set("reason", "She has moved on.");
    twice(&app, &mut dario, &form);
}

/// The name of the field that asks how risky a role is.
fn form_risk(page: &Page) -> String {
    let at = page.body.find("value=\"ordinary\"").expect("the question of the risk");
    let before = &page.body[..at];
    let name = before.rsplit("name=\"").next().expect("its name");
    name.split('"').next().expect("its name").to_owned()
}

#[test]
fn two_who_press_at_the_same_time_make_one_request() {
    let Some((app, package)) = house() else { return };
    let mut asha = Visitor::signed_in(&app.origin, "employee");
    let mut form = asha.open(&format!("/packages/{package}/request")).form("Continue");
    form.set("reason", "The desk is mine on Monday.");
    let form = asha.send(&form).form("Send request");
    let mut other = asha.clone().open(&format!("/packages/{package}/request")).form("Continue");
    other.set("reason", "From another tab.");
    other.action.push_str("/check");
    let answers: Vec<Page> = std::thread::scope(|scope| {
        let sent = [&form, &form, &form, &form, &other, &other].map(|form| {
            let mut visitor = asha.clone();
            scope.spawn(move || visitor.send(form))
        });
        sent.into_iter().map(|one| one.join().unwrap()).collect()
    });
    let content = tables::content(&app.db);
    assert_eq!(content["requests"].len(), 1, "D6: one open request of a person and a package");
    let told = content["facts"].iter().filter(|row| row.contains("request_submitted")).count();
    assert_eq!(told, 1);
    // Whoever lost reads what is there, and keeps what was typed.
    for page in &answers {
        match page.status {
            200 => page.says("Request sent."),
            _ => page.is(409).says("Front desk"),
        };
    }
    assert!(answers.iter().any(|page| page.status == 200));
}

#[test]
fn c9_a_page_that_is_out_of_date_keeps_what_was_typed() {
    let Some((app, package)) = house() else { return };
    let mut asha = Visitor::signed_in(&app.origin, "employee");
    let mut dario = Visitor::signed_in(&app.origin, "catalog-owner");
    let mut admin = Visitor::signed_in(&app.origin, "admin");
    let typed = "Somebody wrote this with care.";

    // The policy changes while the request is written.
    let mut form = asha.open(&format!("/packages/{package}/request")).form("Continue");
    form.set("reason", typed);
    let send = asha.send(&form).form("Send request");
    let edit = dario.open(&format!("/packages/{package}/edit")).link("Change policy Everybody");
    let mut longer = dario.open(&edit).form("Preview policy");
    longer.set("days", "60");
    let longer = dario.send(&longer).form("Save policy");
    let stale = admin.open(&edit).form("Preview policy");
    dario.send(&longer).is(200);
    for form in [&form, &send] {
        let page = asha.send(form);
        page.is(409).says("The policy has just changed.");
        assert_eq!(page.value("reason").as_deref(), Some(typed));
    }
    assert_eq!(tables::content(&app.db)["requests"].len(), 0);

    // Two owners change the same policy.
    let mut stale = stale;
    stale.set("name", typed);
    let page = admin.send(&stale);
    page.is(409);
    assert!(page.body.contains(typed), "{}", page.text);

    // Two owners change what is in a package.
    let other = app.role("other", Risk::Ordinary);
    let edit = format!("/packages/{package}/edit");
    let mut late = admin.open(&edit).form("Save package");
    late.set("description", typed);
    let mut first = dario.open(&edit).form("Save package");
    first.pairs.push(("roles".into(), other.to_string()));
    dario.send(&first).is(200);
    let page = admin.send(&late);
    page.is(409);
    assert!(page.body.contains(typed), "{}", page.text);

    // What is in the package changes while it is decided.
    let request = ask(&app, &mut asha, package);
    let mut ingrid = Visitor::signed_in(&app.origin, "manager");
    let mut form = ingrid.open(&request.replace("requests", "approvals")).form("Approve");
    form.set("note", typed);
    let mut first = dario.open(&edit).form("Save package");
    first.pairs.retain(|(_, value)| *value != other.to_string());
    dario.send(&first).is(200);
    let page = ingrid.send(&form);
    page.is(409).says(typed);
    decide(&mut ingrid, &request, "Approve", "Read again.");
}

#[test]
fn e22_what_was_typed_survives_the_end_of_the_session() {
    let Some((app, package)) = house() else { return };
    let mut asha = Visitor::signed_in(&app.origin, "employee");
    let path = format!("/packages/{package}/request");
    let mut form = asha.open(&path).form("Continue");
    form.set("reason", "Written over a long lunch.");
    sessions_end(&app);
    let page = asha.send(&form);
    page.is(200).says("what you typed is kept");
    assert_eq!(page.url.path(), "/signin");
    let page = asha.open(&page.link("Sign in"));
    assert_eq!((page.url.path(), page.status), (path.as_str(), 200));
    assert_eq!(page.value("reason").as_deref(), Some("Written over a long lunch."));
    assert_eq!(tables::content(&app.db)["requests"].len(), 0, "it is never sent by itself");
    let page = asha.open(&path);
    assert_eq!(page.value("reason").as_deref(), Some(""), "once");
}
