//! The main job, from the first click to the last line of the audit log: real browser, real provider, real directory.

use diesel::prelude::*;
use keyholder::db::schema::{facts, requests};
use keyholder::kernel::{RequestId, Risk};

use crate::support::app::{App, ENTRIES, HELP, directory, targets, terms};
use crate::support::browser::{Browser, Window};
use crate::support::ldap::{PLACEHOLDER, Slapd};
use crate::support::world::DAY;

mod depth;
mod from_nothing;

const REASON: &str = "Closing the books of March, together with Jonas.";

/// The portal with a directory, and one package in it: the manager decides, then the controller; it lasts 30 days.
struct House {
    app: App,
    slapd: Slapd,
}

impl House {
    fn new() -> Option<House> {
        let slapd = Slapd::start(ENTRIES, &["ledger-readers", "payments"])?;
        let app = App::start(targets(directory(&slapd)))?;
        let ledger = app.role("ledger-readers", Risk::Ordinary);
        let payments = app.role("payments", Risk::High);
        let two = terms(vec![app.by_manager(), app.by(&["second-approver"])]);
        app.package("Month-end ledger", &[ledger], two);
        app.package("Payment runs", &[payments], terms(vec![app.by_manager()]));
        Some(House { app, slapd })
    }

    /// Somebody who has signed in, without JavaScript.
    fn visit(&self, user: &str) -> Option<Browser> {
        let browser = Browser::open(false)?;
        self.sign_in(&browser, user);
        Some(browser)
    }

    fn sign_in(&self, browser: &Browser, user: &str) {
        browser.goto(&self.app.origin);
        browser.click("link", "Sign in");
        browser.fill("User", user);
        browser.fill("Password", "secret");
        browser.click("button", "Sign in");
        assert!(browser.url().starts_with(&self.app.origin), "{user} is at {}", browser.url());
    }

    fn goto(&self, browser: &Browser, path: &str) -> Option<u64> {
        browser.goto(&format!("{}{path}", self.app.origin))
    }

    fn members(&self, group: &str) -> Vec<String> {
        let mut members = self.slapd.members(group);
        members.retain(|member| member != PLACEHOLDER);
        members
    }

    /// The only request of the employee.
    fn request(&self) -> RequestId {
        let asha = self.app.person("employee");
        let mine = requests::table.filter(requests::target_id.eq(asha)).select(requests::id);
        let mine: Vec<RequestId> = self.app.read(|db| Ok(mine.load(db)?));
        assert_eq!(mine.len(), 1, "the employee has made one request");
        mine[0]
    }

    /// From the list of packages to the sent request.
    fn ask(&self, browser: &Browser, package: &str) -> RequestId {
        self.goto(browser, "/packages");
        browser.click("link", package);
        browser.click("link", "Request access");
        browser.fill("What will you use it for?", REASON);
        browser.click("button", "Continue");
        browser.click("button", "Send request");
        self.request()
    }

    /// The facts of the request, by kind, oldest first.
    fn kinds(&self) -> Vec<String> {
        let request = self.request();
        let all = facts::table.filter(facts::request_id.eq(request));
        let all = all.order((facts::at, facts::id)).select(facts::kind);
        self.app.read(|db| Ok(all.load(db)?))
    }
}

#[test]
fn from_the_request_to_the_end_of_the_access() {
    let Some(house) = House::new() else { return };
    let Some(asha) = house.visit("employee") else { return };
    assert!(asha.content().contains("Asha Rao"), "one sees who one is");
    asha.see("Need something?");

    // Looking for it.
    asha.click("link", "Browse");
    asha.see("Month-end ledger");
    asha.fill("What do you need to do, or which app?", "ledger");
    asha.click("button", "Search");
    asha.see("Month-end ledger");
    assert!(!asha.text().contains("Payment runs"), "{}", asha.text());
    asha.click("link", "Month-end ledger");
    asha.see("Ingrid Solheim");
    asha.see("Tomás Ferreira");

    // Asking for it.
    asha.click("link", "Request access");
    asha.click("button", "Continue");
    assert_eq!(asha.status(), Some(422), "a reason is needed");
    asha.see("Say what you will use it for");
    asha.fill("What will you use it for?", REASON);
    asha.click("button", "Continue");
    asha.see("Check your answers, then send");
    asha.see(REASON);
    assert_eq!(house.app.read(|db| Ok(requests::table.count().get_result::<i64>(db)?)), 0);
    asha.click("button", "Send request");
    asha.see("Request sent.");
    let request = house.request();
    asha.see("With Ingrid Solheim");
    asha.see(REASON);
    house.goto(&asha, "/requests");
    asha.see("Month-end ledger");

    // The manager, then the controller, who do not see each other's turn.
    let (Some(ingrid), Some(tomas)) = (house.visit("manager"), house.visit("second-approver"))
    else {
        return;
    };
    house.goto(&tomas, "/approvals");
    tomas.see("Nothing waits for your decision.");
    house.app.pass(3_600);
    ingrid.click("link", "Approvals 1 waiting for you");
    ingrid.see("Asha Rao");
    ingrid.click_nth("link", "Asha Rao", 0);
    ingrid.see(REASON);
    ingrid.see("Ledger analyst");
    ingrid.fill("Your reason", "She does the close with me.");
    ingrid.click("button", "Approve");
    ingrid.see("Tomás Ferreira");
    assert_eq!(house.members("ledger-readers"), Vec::<String>::new());
    house.app.pass(3_600);
    house.goto(&tomas, "/approvals");
    tomas.click_nth("link", "Asha Rao", 0);
    tomas.click("button", "Approve");

    // Delivered, and said so with names and times.
    house.app.jobs();
    assert_eq!(house.members("ledger-readers"), [Slapd::person("employee")]);
    house.goto(&asha, &format!("/requests/{request}"));
    for line in [
        "Delivered. You have it until Wed 1 Apr 2026",
        "You requested it",
        "Mon 2 Mar 2026, 09:00",
        "Ingrid Solheim approved, stage 1 of 2",
        "Mon 2 Mar 2026, 10:00",
        "“She does the close with me.”",
        "Tomás Ferreira approved, stage 2 of 2",
        "Mon 2 Mar 2026, 11:00",
        "directory confirmed ledger-readers (Member)",
        "Delivered: every system has confirmed it",
    ] {
        asha.see(line);
    }
    house.goto(&asha, "/access");
    asha.see("Month-end ledger");
    asha.see("1 Apr 2026");
    house.goto(&asha, "/packages");
    asha.see("You have it");

    // Until it ends by itself.
    house.app.pass(30 * DAY - 7_200 + 7_199);
    house.app.jobs();
    assert_eq!(house.members("ledger-readers").len(), 1, "a second before the end");
    house.app.pass(1);
    house.app.jobs();
    assert_eq!(house.members("ledger-readers"), Vec::<String>::new());
    house.goto(&asha, "/access");
    asha.see("You have no access");
    house.goto(&asha, &format!("/requests/{request}"));
    asha.see("Access ended, its time was over");
    asha.see("directory confirmed that ledger-readers (Member) is removed");

    // And the auditor reads it all.
    let kinds = [
        "request_submitted",
        "stage_opened",
        "stage_approved",
        "stage_opened",
        "stage_approved",
        "request_approved",
        "assignment_started",
        "right_delivered",
        "request_delivered",
        "assignment_ending",
        "assignment_ended",
        "right_removed",
    ];
    assert_eq!(house.kinds(), kinds);
    let Some(sofia) = house.visit("auditor") else { return };
    sofia.click("link", "Audit log");
    sofia.fill("Who or what", "Asha Rao");
    sofia.click("button", "Show");
    for line in [
        "Asha Rao requested Month-end ledger",
        "Ingrid Solheim approved",
        "Tomás Ferreira approved",
        "ledger-readers",
    ] {
        sofia.see(line);
    }
    let rows = sofia.text().matches("2026").count();
    assert!(rows >= kinds.len(), "every step has its time: {}", sofia.text());
}

#[test]
fn a_denial_says_who_and_why_and_the_form_is_filled_again() {
    let Some(house) = House::new() else { return };
    let (Some(asha), Some(ingrid)) = (house.visit("employee"), house.visit("manager")) else {
        return;
    };
    let request = house.ask(&asha, "Month-end ledger");
    house.goto(&ingrid, &format!("/approvals/{request}"));
    ingrid.click("button", "Deny");
    assert_eq!(ingrid.status(), Some(422), "a denial needs a reason");
    ingrid.fill("Your reason", "Please take the reports instead.");
    ingrid.click("button", "Deny");
    house.goto(&asha, &format!("/requests/{request}"));
    asha.see("Denied by Ingrid Solheim.");
    asha.see("“Please take the reports instead.”");
    asha.click("link", "Request again");
    let form = asha.content();
    assert!(form.contains(REASON), "what was typed the first time stands in the form: {form}");
    house.app.jobs();
    assert_eq!(house.members("ledger-readers"), Vec::<String>::new());
}

#[test]
fn a_canceled_request_waits_for_nobody() {
    let Some(house) = House::new() else { return };
    let (Some(asha), Some(ingrid)) = (house.visit("employee"), house.visit("manager")) else {
        return;
    };
    let request = house.ask(&asha, "Month-end ledger");
    let page = format!("/approvals/{request}");
    house.goto(&ingrid, &page);
    ingrid.fill("Your reason", "She does the close with me.");
    house.goto(&asha, &format!("/requests/{request}"));
    asha.click("button", "Cancel request");
    asha.see("Request canceled.");
    // Whoever read it meanwhile is told, and keeps what was typed.
    ingrid.click("button", "Approve");
    assert_eq!(ingrid.status(), Some(409));
    ingrid.see("canceled");
    assert!(ingrid.content().contains("She does the close with me."));
    house.goto(&ingrid, "/approvals");
    ingrid.see("Nothing waits for your decision.");
}

#[test]
fn d04_a_stage_that_is_decided_says_who_decided_it() {
    let Some(house) = House::new() else { return };
    let both = terms(vec![house.app.by(&["manager", "second-approver"])]);
    let role = house.app.role("ledger-writers", Risk::Ordinary);
    house.app.package("Ledger desk", &[role], both);
    let (Some(asha), Some(ingrid), Some(tomas)) =
        (house.visit("employee"), house.visit("manager"), house.visit("second-approver"))
    else {
        return;
    };
    let request = house.ask(&asha, "Ledger desk");
    let page = format!("/approvals/{request}");
    house.goto(&ingrid, &page);
    house.goto(&tomas, &page);
    tomas.fill("Your reason", "Not this month.");
    ingrid.click("button", "Approve");
    tomas.click("button", "Deny");
    assert_eq!(tomas.status(), Some(409));
    tomas.see("Ingrid Solheim");
    tomas.see("approved");
    assert!(tomas.content().contains("Not this month."), "what was typed is kept");
    house.goto(&tomas, &page);
    assert_eq!(tomas.status(), Some(200), "one can still read it");
    tomas.see("Ingrid Solheim");
    house.goto(&asha, &page);
    assert_eq!(asha.status(), Some(403), "nobody decides for themselves");
}

#[test]
fn d05_a_stage_that_nobody_answers_expires() {
    let Some(house) = House::new() else { return };
    let (Some(asha), Some(ingrid)) = (house.visit("employee"), house.visit("manager")) else {
        return;
    };
    let request = house.ask(&asha, "Month-end ledger");
    let page = format!("/approvals/{request}");
    house.goto(&ingrid, &page);
    ingrid.see("Unanswered, it expires");
    house.app.pass_days(14);
    house.app.jobs();
    ingrid.click("button", "Approve");
    assert_eq!(ingrid.status(), Some(409));
    ingrid.see("expired");
    house.goto(&asha, &format!("/requests/{request}"));
    asha.see("It expired, because nobody decided in time.");
    asha.click("link", "Request again");
    asha.see("Request Month-end ledger");
}

/// Every page of the main job: nothing for axe to find, nothing wider than a small phone, and it works with
/// JavaScript as it does without.
#[test]
fn the_pages_are_accessible_and_fit_a_small_phone() {
    let Some(house) = House::new() else { return };
    let phone = Window { width: 320, height: 640, dark: false };
    let Some(asha) = Browser::open_as(true, phone) else { return };
    let look = |browser: &Browser| {
        browser.axe_clean();
        assert!(!browser.sideways(), "{} is wider than 320 px", browser.url());
    };
    house.goto(&asha, "/signin");
    look(&asha);
    house.sign_in(&asha, "employee");
    look(&asha);
    for path in
        ["/packages", "/packages?q=nothing+like+it", "/requests", "/access", "/approvals", "/me"]
    {
        house.goto(&asha, path);
        look(&asha);
    }
    house.goto(&asha, "/packages?q=ledger");
    look(&asha);
    asha.click("link", "Month-end ledger");
    look(&asha);
    asha.click("link", "Request access");
    look(&asha);
    asha.click("button", "Continue");
    look(&asha);
    asha.fill("What will you use it for?", REASON);
    asha.click("button", "Continue");
    look(&asha);
    asha.click("button", "Send request");
    look(&asha);
    let request = house.request();
    let Some(ingrid) = Browser::open_as(true, Window { dark: true, ..phone }) else { return };
    house.sign_in(&ingrid, "manager");
    look(&ingrid);
    for path in ["/approvals".to_owned(), format!("/approvals/{request}")] {
        house.goto(&ingrid, &path);
        look(&ingrid);
    }
    ingrid.click("button", "Deny");
    look(&ingrid);
    ingrid.fill("Your reason", "She does the close with me.");
    ingrid.click("button", "Approve");
    look(&ingrid);
    house.goto(&ingrid, "/approvals?state=done");
    look(&ingrid);
    let Some(tomas) = house.visit("second-approver") else { return };
    house.goto(&tomas, &format!("/approvals/{request}"));
    tomas.click("button", "Approve");
    house.app.jobs();
    for path in
        ["/".to_owned(), "/access".into(), "/requests".into(), format!("/requests/{request}")]
    {
        house.goto(&asha, &path);
        look(&asha);
    }
    assert!(asha.content().contains(HELP));
    let Some(dario) = Browser::open_as(true, phone) else { return };
    house.sign_in(&dario, "catalog-owner");
    let package = house.app.read(|db| {
        Ok(requests::table
            .select(requests::package_id)
            .first::<keyholder::kernel::PackageId>(db)?)
    });
    let catalog = house.app.catalog;
    for path in [
        "/".to_owned(),
        "/catalogs".into(),
        format!("/catalogs/{catalog}"),
        format!("/catalogs/{catalog}/edit"),
        format!("/catalogs/{catalog}/owners"),
        format!("/catalogs/{catalog}/packages/new"),
        format!("/packages/{package}"),
        format!("/packages/{package}/edit"),
        format!("/packages/{package}/policies/new"),
        format!("/packages/{package}/assignments"),
        format!("/packages/{package}/requests"),
        "/nowhere".into(),
    ] {
        house.goto(&dario, &path);
        look(&dario);
    }
    let Some(marta) = Browser::open_as(true, phone) else { return };
    house.sign_in(&marta, "admin");
    let organization = crate::support::app::organization(
        &house.app.db,
        "Hartwell & Co.",
        "hartwell-audit.example",
    );
    for path in [
        "/audit".to_owned(),
        "/audit?q=Asha".into(),
        "/organizations".into(),
        "/organizations/new".into(),
        format!("/organizations/{organization}"),
        format!("/organizations/{organization}/edit"),
        "/catalogs/new".into(),
        format!("/catalogs/{catalog}/resources/new"),
        format!("/people/{}", house.app.person("employee")),
    ] {
        house.goto(&marta, &path);
        look(&marta);
    }
}
