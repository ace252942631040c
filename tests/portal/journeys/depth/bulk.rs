//! Two requests approved together, each of whose people is told, and told only of their own.

use super::{ask, both_ways, follow};
use crate::support::browser::{Browser, Window};
use crate::support::northmoor::Northmoor;
use crate::support::world::undo_seconds;

const ARCHIVE: &str = "Complaint archive";

/// Ticks both of them in the manager's queue, and goes on to the page that names them.
fn tick(house: &Northmoor, manager: &Browser) {
    house.goto(manager, &format!("/approvals?package={}", house.package(ARCHIVE)));
    for name in ["Asha Rao", "Siobhán O'Connell"] {
        manager.choose(&format!("Tick {name}, {ARCHIVE}"));
    }
}

#[test]
fn d39_two_are_approved_together() {
    both_ways(|house, javascript| {
        for user in ["employee", "n1012"] {
            let somebody = house.visit(user, javascript)?;
            ask(house, &somebody, ARCHIVE, "I write the yearly report on complaints.");
        }
        house.mailed(ARCHIVE, "employee");
        let ingrid = house.visit("manager", javascript)?;
        tick(house, &ingrid);
        ingrid.click("button", "Decide on the ticked ones…");
        ingrid.see("Decide on 2 requests for 2 people?");
        ingrid.see("Nothing has been recorded yet.");
        ingrid.see("Asha Rao");
        ingrid.see("Siobhán O'Connell");
        ingrid.click("button", "Record all 2 decisions");
        assert_eq!(ingrid.status(), Some(422), "nothing is preselected");
        ingrid.choose("Approve");
        ingrid.fill("Your reason", "You both write the report.");
        ingrid.click("button", "Record all 2 decisions");
        ingrid.see("All 2 decisions are recorded");
        for user in ["employee", "n1012"] {
            house.run();
            assert!(house.is_in(user, "complaint-archive"), "{user} has it");
        }
        let mails = house.mailed(ARCHIVE, "employee");
        assert_eq!(mails.len(), 2, "{mails:?}");
        assert_eq!(mails[0], format!("Asha Rao: Approved: {ARCHIVE}"));
        assert!(mails[1].starts_with("Asha Rao: Ready until"), "{mails:?}");
        ingrid.click("link", "Go on with your approvals");
        assert!(!ingrid.text().contains(ARCHIVE), "{}", ingrid.text());
        Some(())
    });
}

/// A click too many, on two requests at once, is taken back while nothing has been delivered.
#[test]
fn d40_a_whole_batch_is_undone_with_one_button() {
    both_ways(|house, javascript| {
        undo_seconds(&house.db, 10);
        for user in ["employee", "n1012"] {
            let somebody = house.visit(user, javascript)?;
            ask(house, &somebody, ARCHIVE, "I write the yearly report on complaints.");
        }
        let ingrid = house.visit("manager", javascript)?;
        tick(house, &ingrid);
        ingrid.click("button", "Decide on the ticked ones…");
        ingrid.choose("Approve");
        ingrid.fill("Your reason", "You both write the report.");
        ingrid.click("button", "Record all 2 decisions");
        ingrid.see("All 2 decisions are recorded");
        if javascript {
            ingrid.axe_clean();
        }
        ingrid.click("button", "Undo what can be undone");
        ingrid.see("2 requests wait for your decision again.");
        house.pass_hours(1);
        for user in ["employee", "n1012"] {
            assert!(!house.is_in(user, "complaint-archive"), "{user} has nothing");
            let somebody = house.visit(user, javascript)?;
            follow(house, &somebody, ARCHIVE, user);
            somebody.see("With Ingrid Solheim");
        }
        tick(house, &ingrid);
        Some(())
    });
}

#[test]
fn the_pages_of_deciding_together_are_accessible_and_fit_a_small_phone() {
    let Some(house) = Northmoor::open() else { return };
    for user in ["employee", "n1012"] {
        let Some(somebody) = house.visit(user, true) else { return };
        ask(&house, &somebody, ARCHIVE, "I write the yearly report on complaints.");
    }
    let phone = Window { width: 320, height: 640, dark: true };
    for window in [Window::default(), phone] {
        let Some(ingrid) = house.visit_as("manager", true, window) else { return };
        let look = || {
            ingrid.axe_clean();
            assert!(!ingrid.sideways(), "{} is wider than its window", ingrid.url());
        };
        for path in
            ["/approvals", "/approvals?show=soon", "/approvals?team=mine", "/approvals?state=done"]
        {
            house.goto(&ingrid, path);
            look();
        }
        tick(&house, &ingrid);
        ingrid.press("?");
        ingrid.see("Letters that move the focus");
        look();
        ingrid.press("?");
        ingrid.click("button", "Decide on the ticked ones…");
        ingrid.see("Decide on 2 requests for 2 people?");
        look();
        ingrid.click("button", "Record all 2 decisions");
        look();
        if window.width == phone.width {
            ingrid.choose("Approve");
            ingrid.click("button", "Record all 2 decisions");
            ingrid.see("All 2 decisions are recorded");
            look();
        }
    }
}
