//! Every page of these journeys: nothing for axe to find, and nothing wider than a small phone.

use super::{ask, see_package};
use crate::support::browser::{Browser, Window};
use crate::support::northmoor::Northmoor;

const PHONE: Window = Window { width: 320, height: 640, dark: false };

fn look(browser: &Browser) {
    browser.axe_clean();
    assert!(!browser.sideways(), "{} is wider than its window", browser.url());
}

/// Opens each page in a wide window and on a small dark phone.
fn look_at(house: &Northmoor, user: &str, paths: &[String]) -> Option<()> {
    for window in [Window::default(), Window { dark: true, ..PHONE }] {
        let browser = house.visit_as(user, true, window)?;
        for path in paths {
            house.goto(&browser, path);
            assert_eq!(browser.status(), Some(200), "{path}: {}", browser.text());
            look(&browser);
        }
    }
    Some(())
}

fn pages_of_the_asker(house: &Northmoor) -> Option<()> {
    let export = format!("/packages/{}/request", house.package("Customer data export"));
    let card = house.package("Company card");
    for (window, user) in [(Window::default(), "n1010"), (PHONE, "n1012")] {
        let somebody = house.visit_as(user, true, window)?;
        house.goto(&somebody, &export);
        look(&somebody);
        somebody.click("button", "Continue");
        look(&somebody);
        somebody.choose("Payments");
        somebody.choose("It stays with us");
        somebody.fill("What will you use it for?", "To look up what is open.");
        somebody.click("button", "Continue");
        look(&somebody);
        see_package(house, &somebody, "Complaint archive");
        look(&somebody);
        somebody.click("button", "Add to basket");
        house.goto(&somebody, "/basket");
        look(&somebody);
        house.goto(&somebody, "/requests");
        somebody.see("Customer data export");
        look(&somebody);
        let asha = house.visit_as("employee", true, window)?;
        see_package(house, &asha, "Company card");
        look(&asha);
        for label in [
            "Extend Month-end ledger (read)",
            "Give back Expense review",
            "Take again Laboratory bench",
        ] {
            house.goto(&asha, "/access");
            look(&asha);
            asha.click("link", label);
            look(&asha);
        }
        let ingrid = house.visit_as("manager", true, window)?;
        house.goto(&ingrid, &format!("/packages/{card}/request/for"));
        look(&ingrid);
        ingrid.click("link", "Asha Rao");
        look(&ingrid);
        ingrid.click("link", "Request access for Asha Rao");
        look(&ingrid);
    }
    Some(())
}

#[test]
fn the_pages_of_asking_and_deciding_at_depth_are_accessible_and_fit_a_small_phone() {
    let Some(house) = Northmoor::open() else { return };
    let Some(()) = pages_of_the_asker(&house) else { return };
    let Some(siobhan) = house.visit("n1012", true) else { return };
    ask(&house, &siobhan, "Payment limits", "The tax prepayment is above the limit.");
    let of = |package: &str, user: &str| house.request(package, user);
    let (limits, export) = (of("Payment limits", "n1012"), of("Customer data export", "n1011"));
    let (review, vote) = (of("Expense review", "n1012"), of("Payment limits", "n1011"));
    let looked = look_at(
        &house,
        "catalog-owner",
        &[
            format!("/approvals/{limits}"),
            format!("/approvals/{vote}"),
            format!("/requests/{vote}"),
        ],
    )
    .and_then(|()| {
        look_at(
            &house,
            "manager",
            &[
                format!("/approvals/{export}"),
                format!("/approvals/{review}"),
                "/approvals".into(),
                "/notices".into(),
            ],
        )
    })
    .and_then(|()| {
        let bench = of("Laboratory bench", "employee");
        look_at(&house, "employee", &[format!("/requests/{bench}"), "/".into(), "/notices".into()])
    });
    assert!(looked.is_some());
}
