//! A manager looks after her team, and a member of it looks at what colleagues have: without JavaScript and with it.

use super::both_ways;
use crate::support::browser::{Browser, Window};

const CARD: &str = "Company card";

#[test]
fn a_manager_ends_what_her_team_no_longer_needs() {
    both_ways(|house, javascript| {
        let (ingrid, chau) =
            (house.visit("manager", javascript)?, house.visit("n1014", javascript)?);
        house.goto(&ingrid, "/");
        ingrid.see("Your team");
        ingrid.click("link", "My team");
        ingrid.see("Who reports to you");
        ingrid.see("Jonas Weber");
        ingrid.click("link", "Nguyễn Thị Minh Châu");
        ingrid.see(CARD);
        ingrid.click("link", "End… Company card");
        ingrid.see("End Company card for Nguyễn Thị Minh Châu now?");
        house.mailed(CARD, "n1014");
        ingrid.click("button", "End now");
        assert_eq!(ingrid.status(), Some(422), "a reason is needed");
        ingrid.see("Say why you end it");
        ingrid.fill("Your reason", "No more travel this year.");
        ingrid.click("button", "End now");
        ingrid.see("Ended.");
        assert!(!ingrid.content().contains("End… Company card"));
        let mailed = house.mailed(CARD, "n1014");
        assert!(mailed.iter().any(|mail| mail.starts_with("Nguyễn Thị Minh Châu: ")), "{mailed:?}");
        assert!(mailed.iter().any(|mail| mail.starts_with("Dario Conti: ")), "{mailed:?}");
        assert!(!house.is_in("n1014", "card-holders"));
        // To everybody else there is no such page.
        house.goto(&chau, "/team");
        assert_eq!(chau.status(), Some(404));
        Some(())
    });
}

#[test]
fn a_member_of_a_team_asks_for_what_a_colleague_has() {
    both_ways(|house, javascript| {
        let asha = house.visit("employee", javascript)?;
        house.goto(&asha, "/packages");
        asha.click("link", "Suggested for you");
        asha.see("Names are never shown");
        asha.click("link", "Compare with a colleague");
        asha.see("Access is never copied");
        for name in ["Mirela Popa", "Jonas Weber", "Nguyễn Thị Minh Châu"] {
            asha.see(name);
        }
        assert!(!asha.text().contains("Tomás Ferreira"), "he has another manager");
        asha.click("link", "Jonas Weber");
        asha.see("Access is not copied");
        Some(())
    });
}

#[test]
fn the_pages_of_the_team_and_home_are_accessible_and_fit_a_small_phone() {
    let Some(house) = crate::support::northmoor::Northmoor::open() else { return };
    let look = |browser: &Browser| {
        assert_eq!(browser.status(), Some(200), "{}", browser.text());
        browser.axe_clean();
        assert!(!browser.sideways(), "{} is wider than its window", browser.url());
    };
    let report = format!("/team/{}", house.person("n1014"));
    let compare = format!("/compare/{}", house.person("n1011"));
    for window in [
        Window::default(),
        Window { width: 320, height: 640, dark: true },
        Window { width: 320, height: 640, dark: false },
    ] {
        let Some(ingrid) = house.visit_as("manager", true, window) else { return };
        for path in ["/", "/team", "/team?show=ending", "/team?show=waiting", &report] {
            house.goto(&ingrid, path);
            look(&ingrid);
        }
        ingrid.click("link", "End… Company card");
        look(&ingrid);
        for user in ["employee", "catalog-owner", "auditor", "admin"] {
            let Some(somebody) = house.visit_as(user, true, window) else { return };
            house.goto(&somebody, "/");
            look(&somebody);
        }
        let Some(asha) = house.visit_as("employee", true, window) else { return };
        for path in ["/packages?view=suggested", "/packages", "/compare", &compare] {
            house.goto(&asha, path);
            look(&asha);
        }
    }
}
