//! A stand-in for a week, with a chain: a manager is away, her stand-in is, too, and theirs decides.

use chrono::{Days, NaiveDate};

use super::{ask, both_ways, follow};
use crate::support::browser::{Browser, Window};
use crate::support::northmoor::Northmoor;

const ARCHIVE: &str = "Complaint archive";
const BOTH: &str = "Jonas Weber, standing in for Ingrid Solheim";

/// The day with which the form begins.
fn today(browser: &Browser) -> NaiveDate {
    let page = browser.content();
    let field = page.split("id=\"first\"").nth(1).expect("the first day");
    let value = field.split("value=\"").nth(1).expect("a value");
    value[..10].parse().expect("a day")
}

/// Sets a stand-in for a week on one's own page.
fn week(house: &Northmoor, browser: &Browser, who: &str) {
    house.goto(browser, "/approvals");
    browser.click("link", "Your stand-in");
    let last = today(browser) + Days::new(6);
    browser.fill("Who decides", who);
    browser.fill("Last day", &last.to_string());
    browser.click("button", "Continue");
    browser.see("Nothing is saved yet.");
    browser.see(&format!("{who} is told"));
    browser.click("button", "Set the stand-in");
    browser.see("Saved.");
    browser.see("Stands in now");
}

#[test]
fn d34_a_stand_in_for_a_week_with_a_chain() {
    both_ways(|house, javascript| {
        let (ingrid, mirela, jonas) = (
            house.visit("manager", javascript)?,
            house.visit("n1010", javascript)?,
            house.visit("n1011", javascript)?,
        );
        house.goto(&ingrid, "/me");
        ingrid.click("link", "See and set your stand-in");
        ingrid.fill("Who decides", "Somebody Unknown");
        ingrid.click("button", "Continue");
        assert_eq!(ingrid.status(), Some(422));
        ingrid.see("No such person among those who can stand in");
        ingrid.see("Choose the last day");
        assert!(ingrid.content().contains("Somebody Unknown"), "what was typed is kept");
        week(house, &ingrid, "Mirela Popa");
        house.goto(&mirela, "/me/stand-in");
        mirela.see("Ingrid Solheim");
        week(house, &mirela, "Jonas Weber");
        house.goto(&jonas, "/me/stand-in");
        let last = today(&jonas);
        jonas.fill("Who decides", "Ingrid Solheim");
        jonas.fill("Last day", &last.to_string());
        jonas.click("button", "Continue");
        assert_eq!(jonas.status(), Some(422));
        jonas.see("round in a circle");

        let asha = house.visit("employee", javascript)?;
        ask(house, &asha, ARCHIVE, "I write the yearly report on complaints.");
        let mails = house.mailed(ARCHIVE, "employee");
        let to: Vec<&str> = mails.iter().filter_map(|mail| mail.split(':').next()).collect();
        assert_eq!(to, ["Ingrid Solheim", "Jonas Weber", "Mirela Popa"], "one each: {mails:?}");
        ask(house, &jonas, ARCHIVE, "I answer the complaints of suppliers.");

        house.goto(&jonas, &format!("/approvals?package={}", house.package(ARCHIVE)));
        jonas.see("For Ingrid Solheim");
        let page = format!("/approvals/{}", house.request(ARCHIVE, "employee"));
        house.goto(&jonas, &page);
        jonas.see("You stand in for Ingrid Solheim");
        jonas.fill("Your reason", "As Ingrid would.");
        jonas.click("button", "Approve");
        assert_eq!(jonas.status(), Some(200), "{}", jonas.text());
        let own = format!("/approvals/{}", house.request(ARCHIVE, "n1011"));
        house.goto(&jonas, &own);
        assert_eq!(jonas.status(), Some(403), "nobody decides for themselves");
        house.goto(&mirela, &own);
        mirela.see("You stand in for Ingrid Solheim");

        follow(house, &asha, ARCHIVE, "employee");
        asha.see(BOTH);
        house.goto(&ingrid, &format!("/approvals/{}", house.request(ARCHIVE, "employee")));
        ingrid.see(BOTH);
        house.goto(&ingrid, "/approvals?state=done");
        ingrid.see(BOTH);
        house.run();
        assert!(house.is_in("employee", "complaint-archive"));

        house.pass_days(8);
        let mirela = house.visit("n1010", javascript)?;
        house.goto(&mirela, "/me/stand-in");
        mirela.see("Nobody, now or later.");
        mirela.see("For nobody, now or later.");
        let page = format!("/approvals?package={}", house.package(ARCHIVE));
        house.goto(&mirela, &page);
        assert!(!mirela.text().contains("For Ingrid Solheim"), "{}", mirela.text());
        Some(())
    });
}

#[test]
fn the_pages_of_stand_ins_are_accessible_and_fit_a_small_phone() {
    let Some(house) = Northmoor::open() else { return };
    let phone = Window { width: 320, height: 640, dark: true };
    for (window, who) in [(Window::default(), "manager"), (phone, "n1011")] {
        let Some(browser) = house.visit_as(who, true, window) else { return };
        house.goto(&browser, "/me/stand-in");
        browser.axe_clean();
        assert!(!browser.sideways());
        let last = today(&browser) + Days::new(6);
        browser.fill("Who decides", "Mirela Popa");
        browser.fill("Last day", &last.to_string());
        browser.click("button", "Continue");
        browser.axe_clean();
        assert!(!browser.sideways());
        browser.click("button", "Set the stand-in");
        browser.axe_clean();
        assert!(!browser.sideways());
    }
}
