//! A manager asks for somebody of her team, who does not want it.

use super::{both_ways, follow, see_package};

const CARD: &str = "Company card";

#[test]
fn d46_a_manager_asks_for_a_report_who_refuses() {
    both_ways(|house, javascript| {
        let (asha, ingrid) =
            (house.visit("employee", javascript)?, house.visit("manager", javascript)?);
        see_package(house, &asha, CARD);
        assert!(!asha.content().contains("Request access"), "her manager asks for it");
        asha.see("manager");

        see_package(house, &ingrid, CARD);
        ingrid.click("link", "Request it for somebody else");
        ingrid.see("Łukasz Wiśniewski");
        ingrid.click("link", "Asha Rao");
        ingrid.click("link", "Request access for Asha Rao");
        ingrid.fill("What will you use it for?", "Asha travels to the auditors from April on.");
        ingrid.fill("Which cost center pays?", "finance");
        ingrid.fill("How many euros a month at most?", "900");
        ingrid.click("button", "Continue");
        assert_eq!(ingrid.status(), Some(422));
        ingrid.see("Enter the four digits of a cost center, such as 4310");
        assert!(
            ingrid.content().contains("Asha travels to the auditors"),
            "what was typed is kept"
        );
        ingrid.fill("Which cost center pays?", "4310");
        ingrid.click("button", "Continue");
        ingrid.see("Asha Rao is told that you requested it, and can refuse it.");
        ingrid.see("4310");
        ingrid.click("button", "Send request");
        let mailed = || house.mailed(CARD, "employee");
        assert_eq!(
            mailed(),
            [
                "Asha Rao: Requested for you by Ingrid Solheim: Company card",
                "Tomás Ferreira: Decide by Wed 11 Mar 2026, 10:00 CET: Company card for Asha Rao",
            ]
        );

        let tomas = house.visit("second-approver", javascript)?;
        let page = format!("/approvals/{}", house.request(CARD, "employee"));
        house.goto(&tomas, &page);
        tomas.see("By Ingrid Solheim");
        tomas.see("Which cost center pays?");
        follow(house, &asha, CARD, "employee");
        asha.see("Ingrid Solheim requested this for you.");
        asha.click("link", "Refuse…");
        asha.see("Asha travels to the auditors from April on.");
        asha.click("button", "Refuse it");
        asha.see("refused");
        assert_eq!(mailed(), ["Ingrid Solheim: Refused by Asha Rao: Company card"]);
        tomas.fill("Your reason", "Fine.");
        tomas.click("button", "Approve");
        assert_eq!(tomas.status(), Some(409), "there is nothing to decide any more");
        assert_eq!(mailed(), [] as [&str; 0]);
        assert!(!house.is_in("employee", "card-holders"));
        follow(house, &ingrid, CARD, "employee");
        ingrid.see("Asha Rao refused");
        Some(())
    });
}
