//! Somebody who works elsewhere reads their pages by their own clock, and days by the organization's.

use super::{ask, both_ways, follow};
use crate::support::browser::Window;
use crate::support::northmoor::Northmoor;

const ARCHIVE: &str = "Complaint archive";

#[test]
fn somebody_abroad_reads_their_pages_by_their_own_clock() {
    both_ways(|house, javascript| {
        let asha = house.visit("employee", javascript)?;
        ask(house, &asha, ARCHIVE, "I write the yearly report on complaints.");
        house.goto(&asha, "/me");
        asha.click("link", "Change the time zone");
        asha.fill("Whose clock do you live by?", "Middle/Earth");
        asha.click("button", "Save time zone");
        assert_eq!(asha.status(), Some(422));
        asha.see("Choose a time zone");
        if javascript {
            asha.axe_clean();
        }
        asha.fill("Whose clock do you live by?", "America/New_York");
        asha.click("button", "Save time zone");
        asha.see("America/New_York");
        follow(house, &asha, ARCHIVE, "employee");
        asha.see("Wed 4 Mar 2026, 04:00");
        let ingrid = house.visit("manager", javascript)?;
        follow(house, &ingrid, ARCHIVE, "employee");
        ingrid.see("Wed 4 Mar 2026, 10:00");
        Some(())
    });
}

#[test]
fn the_page_of_the_time_zone_fits_a_small_phone() {
    let Some(house) = Northmoor::open() else { return };
    for window in [Window::default(), Window { width: 320, height: 640, dark: true }] {
        let Some(asha) = house.visit_as("employee", true, window) else { return };
        house.goto(&asha, "/me/time-zone");
        asha.axe_clean();
        assert!(!asha.sideways());
    }
}
