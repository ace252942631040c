//! What policies and requests can do at depth, as people meet it: on the demo's company, with a real browser, and a
//! real mail server which got the right mails and no others.

use crate::support::browser::Browser;
use crate::support::northmoor::Northmoor;

mod basket;
mod behalf;
mod bulk;
mod conditions;
mod duties;
mod extension;
mod give_back;
mod keyboard;
mod looks;
mod reviewing;
mod stages;
mod standing_in;
mod talks;
mod team;
mod time_zone;
mod votes;

/// Walks a journey without JavaScript and with it, each time in a company of its own.
fn both_ways(journey: impl Fn(&Northmoor, bool) -> Option<()>) {
    for javascript in [false, true] {
        let Some(house) = Northmoor::open() else { return };
        if journey(&house, javascript).is_none() {
            return;
        }
    }
}

/// Opens the page of a package.
fn see_package(house: &Northmoor, browser: &Browser, package: &str) {
    house.goto(browser, &format!("/packages/{}", house.package(package)));
}

/// Asks for a package whose form asks for a reason only.
fn ask(house: &Northmoor, browser: &Browser, package: &str, reason: &str) {
    see_package(house, browser, package);
    browser.click("link", "Request access");
    browser.fill("What will you use it for?", reason);
    browser.click("button", "Continue");
    browser.see("Check your answers, then send");
    browser.click("button", "Send request");
    browser.see("Request sent.");
}

/// Decides what waits at the top of one's approvals, about a package for somebody.
fn decide(house: &Northmoor, browser: &Browser, package: &str, user: &str, verdict: &str) {
    let request = house.request(package, user);
    house.goto(browser, &format!("/approvals/{request}"));
    browser.fill("Your reason", "As agreed.");
    browser.click("button", verdict);
    assert_eq!(browser.status(), Some(200), "{}", browser.text());
}

/// Looks at the request of somebody.
fn follow(house: &Northmoor, browser: &Browser, package: &str, user: &str) {
    house.goto(browser, &format!("/requests/{}", house.request(package, user)));
}
