//! What goes wrong around the portal and at its forms: it says so in words, stores nothing wrong, keeps what was typed,
//! and goes on by itself when it is mended.

mod forms;
mod hostile;
mod lists;
mod resources;

use diesel::prelude::*;
use keyholder::db::schema::sessions;
use keyholder::db::{By, Tx};
use keyholder::kernel::{PackageId, Risk};
use keyholder::provisioning::connectors::Targets;

use crate::support::app::{App, ENTRIES, HELP, directory, targets, terms};
use crate::support::browser::Browser;
use crate::support::ldap::{BIND_DN, BIND_PASSWORD, PLACEHOLDER, Slapd};
use crate::support::tables;
use crate::support::visitor::{Filled, Page, Visitor};

/// Asks for a package; gives the address of the request.
fn ask(app: &App, visitor: &mut Visitor, package: PackageId) -> String {
    let mut form = visitor.open(&format!("/packages/{package}/request")).form("Continue");
    form.set("reason", "The close of the month.");
    let check = visitor.send(&form);
    let sent = visitor.send(&check.is(200).form("Send request"));
    sent.is(200).says("Request sent.");
    let _ = app;
    sent.url.path().to_owned()
}

/// The idle end of every session has come; the clock itself stays where the provider's is.
fn sessions_end(app: &App) {
    let end = |tx: &mut Tx<'_>| {
        let over = tx.wall().plus_seconds(-1);
        let all = diesel::update(sessions::table).set(sessions::expires_at.eq(over));
        Ok(all.execute(tx.db())?)
    };
    app.db.write(By::System("test"), end).unwrap();
}

/// Sends a form when the session has ended, and signs in again; the page to which that leads.
fn after_the_session(app: &App, visitor: &mut Visitor, form: &Filled) -> Page {
    sessions_end(app);
    let page = visitor.send(form);
    page.is(200).says("what you typed is kept");
    let page = visitor.open(&page.link("Sign in"));
    page.is(200);
    page
}

/// Decides on it.
fn decide(visitor: &mut Visitor, request: &str, button: &str, note: &str) {
    let page = visitor.open(&request.replace("/requests/", "/approvals/"));
    let mut form = page.is(200).form(button);
    form.set("note", note);
    visitor.send(&form).is(200);
}

// ---- the provider ----

#[test]
fn a_provider_that_is_down_or_lies_lets_nobody_in_and_says_so() {
    let Some(app) = App::start(Targets::default()) else { return };
    let Some(browser) = Browser::open(false) else { return };
    let before = tables::content(&app.db);
    browser.goto(&app.origin);
    app.provider.stop();
    browser.click("link", "Sign in");
    assert_eq!(browser.status(), Some(503));
    browser.see("Nobody can sign in right now");
    assert!(browser.content().contains(HELP));
    app.provider.start_again();
    browser.click("link", "Try again");
    browser.fill("User", "employee");
    browser.fill("Password", "secret");
    for fault in ["wrong_nonce", "wrong_aud", "wrong_iss", "bad_sig"] {
        app.provider.set_fault(fault);
        let mut visitor = Visitor::new(&app.origin);
        visitor.sign_in("employee").is(403).says("You are not signed in");
        assert_ne!(visitor.open("/me").url.path(), "/me", "{fault}");
    }
    tables::unchanged(&before, &tables::content(&app.db), "a provider that lies");
    app.provider.clear_fault();
    browser.click("button", "Sign in");
    browser.see("Need something?");
}

// ---- the target system ----

/// A portal with a directory, and one package that the manager decides.
fn house(settings: impl FnOnce(&Slapd) -> Targets) -> Option<(App, Slapd, PackageId)> {
    let slapd = Slapd::start(ENTRIES, &["vpn"])?;
    let app = App::start(settings(&slapd))?;
    let vpn = app.role("vpn", Risk::Ordinary);
    let package = app.package("Remote work", &[vpn], terms(vec![app.by_manager()]));
    Some((app, slapd, package))
}

fn members(slapd: &Slapd) -> Vec<String> {
    let mut members = slapd.members("vpn");
    members.retain(|member| member != PLACEHOLDER);
    members
}

/// Everybody who looks reads the trouble; when it is mended, the delivery goes on by itself.
fn troubled_then_mended(
    (app, mut slapd, package): (App, Slapd, PackageId),
    user: &str,
    words: &str,
    spoil: impl FnOnce(&mut Slapd),
    mend: impl FnOnce(&mut Slapd),
) {
    let mut asker = Visitor::signed_in(&app.origin, user);
    let mut manager_of = Visitor::signed_in(
        &app.origin,
        if user == "employee" { "manager" } else { "second-approver" },
    );
    let request = ask(&app, &mut asker, package);
    decide(&mut manager_of, &request, "Approve", "");
    spoil(&mut slapd);
    app.jobs();
    for (who, page) in [
        (&mut asker, request.clone()),
        (
            &mut Visitor::signed_in(&app.origin, "catalog-owner"),
            format!("/packages/{package}/assignments"),
        ),
    ] {
        let page = who.open(&page);
        page.is(200).says(words);
        assert!(!page.text.contains(BIND_PASSWORD), "{}", page.text);
    }
    let page = asker.open(&request);
    page.says("not everything has worked yet");
    assert!(!page.text.contains("Delivered."), "{}", page.text);
    // Trying again soon is no news.
    let facts = tables::content(&app.db)["facts"].len();
    app.wall.advance(15);
    assert!(app.jobs() > 0, "it is tried again");
    assert_eq!(tables::content(&app.db)["facts"].len(), facts, "the same trouble is told once");
    mend(&mut slapd);
    app.wall.advance(60);
    app.jobs();
    assert_eq!(members(&slapd), [Slapd::person(user)]);
    asker.open(&request).says("Delivered.");
}

#[test]
fn a_directory_that_is_down_delays_the_delivery_and_nothing_else() {
    let Some(house) = house(|slapd| targets(directory(slapd))) else { return };
    troubled_then_mended(house, "employee", "cannot be reached", Slapd::stop, Slapd::start_again);
}

#[test]
fn a_directory_that_refuses_is_quoted() {
    let password = |slapd: &mut Slapd, password: &str| {
        slapd.modify(&format!(
            "dn: {BIND_DN}\nchangetype: modify\nreplace: userPassword\nuserPassword: {password}\n"
        ));
    };
    let Some(house) = house(|slapd| targets(directory(slapd))) else { return };
    troubled_then_mended(
        house,
        "employee",
        "does not accept bind_dn with bind_password",
        |slapd| password(slapd, "another"),
        |slapd| password(slapd, BIND_PASSWORD),
    );
}

#[test]
fn e25_somebody_without_an_account_waits_for_one() {
    let Some(house) = house(|slapd| targets(directory(slapd))) else { return };
    troubled_then_mended(
        house,
        "n1015",
        "has no account on the target system yet",
        |_| {},
        |slapd| {
            let owen = Slapd::person("n1015");
            slapd.modify(&format!(
                "dn: {owen}\nchangetype: add\nobjectClass: inetOrgPerson\nuid: n1015\ncn: Owen Pritchard\nsn: Pritchard\n"
            ));
        },
    );
}

#[test]
fn an_account_without_the_right_to_change_a_group_never_says_that_it_is_done() {
    let Some(slapd) = Slapd::start(ENTRIES, &["vpn"]) else { return };
    // A group where Keyholder's account reads and may not write.
    let group = format!("cn=board,ou=people,{}", crate::support::ldap::BASE);
    slapd.modify(&format!(
        "dn: {group}\nchangetype: add\nobjectClass: groupOfNames\ncn: board\nmember: {PLACEHOLDER}\n"
    ));
    let mut settings = directory(&slapd);
    settings.managed = vec![crate::support::ldap::BASE.to_owned()];
    settings.groups_base = format!("ou=people,{}", crate::support::ldap::BASE);
    let Some(app) = App::start(targets(settings)) else { return };
    let role = crate::support::app::resource(
        &app.db,
        app.catalog,
        crate::support::app::DIRECTORY,
        &group,
        "Board",
        Risk::Ordinary,
    );
    let package = app.package("Board papers", &[role], terms(vec![app.by_manager()]));
    let mut asha = Visitor::signed_in(&app.origin, "employee");
    let request = ask(&app, &mut asha, package);
    decide(&mut Visitor::signed_in(&app.origin, "manager"), &request, "Approve", "");
    app.jobs();
    asha.open(&request).says("not everything has worked yet").says("refused");
    // The owner gives up on it: it ends at once, and there is nothing to remove.
    let mut dario = Visitor::signed_in(&app.origin, "catalog-owner");
    let list = dario.open(&format!("/packages/{package}/assignments"));
    let end = list.link("End now… Asha Rao");
    let mut form = dario.open(&end).form("End now");
    form.set("reason", "The directory does not let us.");
    dario.send(&form).is(200);
    app.wall.advance(60);
    app.jobs();
    asha.open(&request).says("The directory does not let us.");
}
