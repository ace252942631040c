//! A question that is asked after an answer, and a stage that is for some answers.

use super::{both_ways, decide, follow, see_package};

const EXPORT: &str = "Customer data export";
const REASON: &str = "Payment behavior of the hundred largest customers.";

#[test]
fn a_question_and_a_stage_that_hang_on_an_answer() {
    both_ways(|house, javascript| {
        // It stays in the house: two decide, and nobody is asked for a contract.
        let asha = house.visit("employee", javascript)?;
        see_package(house, &asha, EXPORT);
        asha.click("link", "Request access");
        asha.fill("What will you use it for?", REASON);
        asha.click("button", "Continue");
        assert_eq!(asha.status(), Some(422), "the questions need an answer");
        asha.choose("Payments");
        asha.choose("Names and addresses");
        asha.choose("It stays with us");
        asha.click("button", "Continue");
        asha.see("Names and addresses, Payments");
        asha.click("button", "Send request");
        asha.see("Request sent.");
        let mailed = || house.mailed(EXPORT, "employee");
        let ingrid = house.visit("manager", javascript)?;
        let tomas = house.visit("second-approver", javascript)?;
        let due = "Decide by Mon 9 Mar 2026, 10:00 CET: Customer data export for Asha Rao";
        assert_eq!(mailed(), [format!("Ingrid Solheim: {due}")]);
        decide(house, &ingrid, EXPORT, "employee", "Approve");
        assert_eq!(mailed(), [format!("Tomás Ferreira: {due}")]);
        decide(house, &tomas, EXPORT, "employee", "Approve");
        assert_eq!(
            mailed(),
            [
                "Asha Rao: Approved: Customer data export",
                "Asha Rao: Ready until Wed 4 Mar 2026, 18:00 CET: Customer data export",
            ]
        );
        follow(house, &asha, EXPORT, "employee");
        asha.see("Stage 3 of 3 was not needed");

        // It goes to a provider: the contract is asked for, and the general counsel decides, too.
        let siobhan = house.visit("n1012", javascript)?;
        see_package(house, &siobhan, EXPORT);
        siobhan.click("link", "Request access");
        siobhan.fill("What will you use it for?", REASON);
        siobhan.choose("Payments");
        siobhan.choose("A service provider");
        siobhan.fill("Under which contract does the provider work for us?", "the one of May");
        siobhan.click("button", "Continue");
        assert_eq!(siobhan.status(), Some(422));
        siobhan.see("Enter a contract number, such as C-20417");
        assert!(siobhan.content().contains("the one of May"), "what was typed is kept");
        siobhan.fill("Under which contract does the provider work for us?", "C-20417");
        siobhan.click("button", "Continue");
        siobhan.see("Catherine Moreau");
        siobhan.click("button", "Send request");
        siobhan.see("Request sent.");
        let mailed = || house.mailed(EXPORT, "n1012");
        let due = "Decide by Mon 9 Mar 2026, 10:00 CET: Customer data export for Siobhán O'Connell";
        let steps = [("Ingrid Solheim", &ingrid), ("Tomás Ferreira", &tomas)];
        for (name, browser) in steps {
            assert_eq!(mailed(), [format!("{name}: {due}")]);
            decide(house, browser, EXPORT, "n1012", "Approve");
        }
        assert_eq!(mailed(), [format!("Catherine Moreau: {due}")]);
        let catherine = house.visit("n1006", javascript)?;
        let page = format!("/approvals/{}", house.request(EXPORT, "n1012"));
        house.goto(&catherine, &page);
        catherine.see("C-20417");
        decide(house, &catherine, EXPORT, "n1012", "Deny");
        assert_eq!(mailed(), ["Siobhán O'Connell: Denied: Customer data export"]);
        assert!(house.is_in("employee", "customer-export"));
        assert!(!house.is_in("n1012", "customer-export"));
        Some(())
    });
}
