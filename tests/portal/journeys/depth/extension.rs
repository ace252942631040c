//! More time, with approval.

use super::{both_ways, decide, follow};

const LEDGER: &str = "Month-end ledger (read)";

#[test]
fn d11_an_extension_with_approval() {
    both_ways(|house, javascript| {
        let asha = house.visit("employee", javascript)?;
        house.goto(&asha, "/access");
        asha.see("Ends in 5 days, Mon 9 Mar 2026");
        asha.click("link", &format!("Extend {LEDGER}"));
        asha.see("Ingrid Solheim");
        asha.click("button", "Ask for more time");
        assert_eq!(asha.status(), Some(422), "a reason is needed");
        asha.fill("What do you still need it for?", "The auditors come back in April.");
        asha.fill("Last day you need it", "2026-04-30");
        asha.click("button", "Ask for more time");
        let mailed = || house.mailed(LEDGER, "employee");
        assert_eq!(
            mailed(),
            [
                "Ingrid Solheim: Decide by Wed 18 Mar 2026, 10:00 CET: Month-end ledger (read) for Asha Rao"
            ]
        );

        let ingrid = house.visit("manager", javascript)?;
        let page = format!("/approvals/{}", house.request(LEDGER, "employee"));
        house.goto(&ingrid, &page);
        ingrid.see("Extend Month-end ledger (read) for Asha Rao until");
        decide(house, &ingrid, LEDGER, "employee", "Approve");
        assert_eq!(mailed(), ["Asha Rao: Extended until Thu 30 Apr 2026: Month-end ledger (read)"]);
        follow(house, &asha, LEDGER, "employee");
        asha.see("30 Apr 2026");
        house.goto(&asha, "/access");
        asha.see("Until Thu 30 Apr 2026");

        // Past the first end, and to the new one, which is announced.
        house.pass_days(7);
        assert_eq!(mailed(), [] as [&str; 0]);
        assert!(house.is_in("employee", "ledger-readers"));
        house.pass_days(50);
        assert!(house.is_in("employee", "ledger-readers"), "the last day is a whole day");
        let announced = mailed();
        assert!(!announced.is_empty(), "its end is announced");
        let says = "Asha Rao: Extend by Thu 30 Apr 2026: Month-end ledger (read)";
        assert!(announced.iter().all(|mail| mail == says), "{announced:#?}");
        house.pass_hours(14);
        assert_eq!(mailed(), ["Asha Rao: Ended: Month-end ledger (read)"]);
        assert!(!house.is_in("employee", "ledger-readers"));
        Some(())
    });
}
