//! Two of three must approve.

use super::{ask, both_ways, decide, follow};

const LIMITS: &str = "Payment limits";

#[test]
fn two_of_three_decide_and_the_third_hears_who() {
    both_ways(|house, javascript| {
        let asha = house.visit("employee", javascript)?;
        ask(house, &asha, LIMITS, "The tax prepayment is above the limit.");
        let mailed = || house.mailed(LIMITS, "employee");
        let due = "Decide by Mon 9 Mar 2026, 10:00 CET: Payment limits for Asha Rao";
        let all = ["Dario Conti", "Marcus Lindgren", "Tomás Ferreira"];
        assert_eq!(mailed(), all.map(|name| format!("{name}: {due}")));

        let tomas = house.visit("second-approver", javascript)?;
        decide(house, &tomas, LIMITS, "employee", "Approve");
        assert_eq!(mailed(), [] as [&str; 0], "a vote decides nothing yet");
        house.goto(&tomas, "/approvals");
        assert!(!tomas.text().contains(LIMITS), "his vote is cast: {}", tomas.text());
        follow(house, &asha, LIMITS, "employee");
        asha.see("1 of 2 approvals");

        // The last two look at the same time; the one who comes late is told who was faster.
        let (dario, marcus) =
            (house.visit("catalog-owner", javascript)?, house.visit("n1001", javascript)?);
        let page = format!("/approvals/{}", house.request(LIMITS, "employee"));
        house.goto(&marcus, &page);
        marcus.fill("Your reason", "I would rather wait for the minutes.");
        decide(house, &dario, LIMITS, "employee", "Approve");
        marcus.click("button", "Deny");
        assert_eq!(marcus.status(), Some(409));
        marcus.see("Dario Conti");
        assert!(marcus.content().contains("I would rather wait for the minutes."));
        assert_eq!(
            mailed(),
            [
                "Asha Rao: Approved: Payment limits",
                "Asha Rao: Ready until Wed 18 Mar 2026, 10:00 CET: Payment limits",
            ]
        );
        assert!(house.is_in("employee", "payment-limits"));

        // One denial is enough.
        let jonas = house.visit("n1012", javascript)?;
        ask(house, &jonas, LIMITS, "I would like to know how it is done.");
        let mailed = || house.mailed(LIMITS, "n1012");
        assert_eq!(mailed().len(), 3);
        decide(house, &tomas, LIMITS, "n1012", "Approve");
        decide(house, &dario, LIMITS, "n1012", "Deny");
        assert_eq!(mailed(), ["Siobhán O'Connell: Denied: Payment limits"]);
        assert!(!house.is_in("n1012", "payment-limits"));
        Some(())
    });
}
