//! Separation of duties, and an exception from it.

use super::{ask, both_ways, decide, follow, see_package};

const RELEASE: &str = "Payment run release";
const PREPARE: &str = "Payment run preparation";

/// Jonas prepares payment runs and is to release one for a month: the package's own approvers decide on the exception,
/// and at last the owner of what stands against it.
#[test]
fn d19_separation_of_duties_with_an_exception() {
    both_ways(|house, javascript| {
        let jonas = house.visit("n1011", javascript)?;
        house.goto(&jonas, "/packages?q=payment+run+release");
        jonas.see(&format!("You cannot request it, because you have {PREPARE}"));
        see_package(house, &jonas, RELEASE);
        jonas.see(&format!("You cannot request {RELEASE}"));
        jonas.see("Four eyes: whoever prepares a payment run does not release it.");
        jonas.see("Dario Conti");
        if javascript {
            jonas.axe_clean();
        }
        jonas.click("link", "Request an exception");
        jonas.see(&format!("Request an exception: {RELEASE} beside {PREPARE}"));
        jonas.click("button", "Request the exception");
        assert_eq!(jonas.status(), Some(422), "a reason and an end are needed");
        jonas.see("Choose a last day: an exception always has an end");
        if javascript {
            jonas.axe_clean();
        }
        jonas.fill(
            "Why are both needed, and why is that safe?",
            "Owen and Lena are both away in the week of Easter.",
        );
        jonas.fill("Last day of access", "2026-03-31");
        jonas.click("button", "Request the exception");
        jonas.see("Request sent.");

        let lena = house.visit("n1016", javascript)?;
        house.goto(&lena, &format!("/approvals/{}", house.request(RELEASE, "n1011")));
        lena.see(&format!(
            "This is an exception from separation of duties: {RELEASE} beside {PREPARE} until 31 March 2026."
        ));
        lena.see(&format!("Has {PREPARE}, which is incompatible with it"));
        if javascript {
            lena.axe_clean();
        }
        lena.click("button", "Approve");
        assert_eq!(lena.status(), Some(422), "with a reason");
        for (user, next) in [("n1016", "Tomás Ferreira"), ("second-approver", "Dario Conti")] {
            let visitor = house.visit(user, javascript)?;
            decide(house, &visitor, RELEASE, "n1011", "Approve");
            follow(house, &jonas, RELEASE, "n1011");
            jonas.see(&format!("With {next}"));
        }
        assert!(!house.is_in("n1011", "payment-releasers"));
        let dario = house.visit("catalog-owner", javascript)?;
        decide(house, &dario, RELEASE, "n1011", "Approve");
        house.pass_hours(1);
        assert!(house.is_in("n1011", "payment-releasers"));
        assert!(house.is_in("n1011", "payment-preparers"));

        house.goto(&dario, &format!("/packages/{}/incompatible", house.package(RELEASE)));
        if javascript {
            dario.axe_clean();
        }
        dario.click("link", &format!("Who has both this and {PREPARE}"));
        dario.see("Jonas Weber");
        dario.see("Exception until Tue 31 Mar 2026");
        if javascript {
            dario.axe_clean();
        }

        // It ends by itself, and cannot be had for longer.
        house.pass_days(28);
        assert!(!house.is_in("n1011", "payment-releasers"));
        assert!(house.is_in("n1011", "payment-preparers"), "what he had stays");
        see_package(house, &jonas, RELEASE);
        jonas.see(&format!("You cannot request {RELEASE}"));
        Some(())
    });
}

/// Dario keeps two more packages apart: he sees who has both before he saves it.
#[test]
fn d19_an_owner_sees_who_has_both_before_the_rule_is_saved() {
    both_ways(|house, javascript| {
        let dario = house.visit("catalog-owner", javascript)?;
        let page = format!("/packages/{}/incompatible", house.package("Expense review"));
        house.goto(&dario, &page);
        dario.fill("Or any other access package (optional)", "month-end ledger (READ)");
        dario.click("button", "Continue");
        dario.see("Keep Expense review and Month-end ledger (read) apart?");
        dario.see("Asha Rao");
        dario.see("nobody loses anything by the rule");
        if javascript {
            dario.axe_clean();
        }
        dario.click("button", "Add the rule");
        assert_eq!(dario.status(), Some(422), "a reason is needed");
        dario.fill(
            "Why should nobody have both?",
            "Whoever reviews claims does not see how they are booked.",
        );
        dario.click("button", "Add the rule");
        dario.see("Rule added.");
        dario.click("link", "Who has both this and Month-end ledger (read)");
        dario.see("Asha Rao");
        house.goto(&dario, &page);
        dario.click("button", "Remove the rule with Month-end ledger (read)");
        dario.see("Rule removed.");
        Some(())
    });
}

/// Asha has one of two packages and waits for the other: an owner who keeps them apart reads that somebody waits.
#[test]
fn d19_an_owner_sees_who_waits_for_one_beside_the_other() {
    both_ways(|house, javascript| {
        let asha = house.visit("employee", javascript)?;
        ask(house, &asha, "Complaint archive", "I write the yearly report on complaints.");
        let dario = house.visit("catalog-owner", javascript)?;
        let page = format!("/packages/{}/incompatible", house.package("Expense review"));
        house.goto(&dario, &page);
        dario.fill("Or any other access package (optional)", "complaint archive");
        dario.click("button", "Continue");
        dario.see("Keep Expense review and Complaint archive apart?");
        dario.see("Who has asked for it");
        dario.see("1 person waits for one of them beside the other.");
        assert!(
            !dario.text().contains("Asha Rao"),
            "of requests elsewhere only the number is told"
        );
        if javascript {
            dario.axe_clean();
        }
        dario.fill("Why should nobody have both?", "Complaints are about claims.");
        dario.click("button", "Add the rule");
        dario.see("Rule added.");
        let ingrid = house.visit("manager", javascript)?;
        house.goto(
            &ingrid,
            &format!("/approvals/{}", house.request("Complaint archive", "employee")),
        );
        ingrid.see("Has Expense review, which is incompatible with it");
        Some(())
    });
}
