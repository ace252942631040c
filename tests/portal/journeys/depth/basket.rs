//! Three packages at once, one of which the person has meanwhile.

use super::{both_ways, see_package};

const BENCH: &str = "Laboratory bench";
const ALL: [&str; 3] = [BENCH, "Complaint archive", "Month-end ledger (post)"];

#[test]
fn a_basket_of_three_of_which_one_is_already_held() {
    both_ways(|house, javascript| {
        let asha = house.visit("employee", javascript)?;
        for package in ALL {
            see_package(house, &asha, package);
            asha.click("button", "Add to basket");
        }
        // What she gave back last week she takes again meanwhile.
        house.goto(&asha, "/access");
        asha.click("link", &format!("Take again {BENCH}"));
        asha.click("button", "Take it again");
        assert_eq!(house.mailed(BENCH, "employee").len(), 1, "that it is ready");

        house.goto(&asha, "/basket");
        asha.see("Not requested");
        asha.see(BENCH);
        asha.see("You have it");
        asha.click("button", "Send two requests");
        assert_eq!(asha.status(), Some(422), "they need a reason");
        asha.see("Say what you will use it for");
        asha.fill(
            "What will you use them for?",
            "I write the yearly report on complaints and what they cost.",
        );
        asha.click("button", "Send two requests");
        asha.see("Requests sent.");
        let due = |what| {
            format!("Ingrid Solheim: Decide by Wed 18 Mar 2026, 10:00 CET: {what} for Asha Rao")
        };
        assert_eq!(house.mailed_of(&ALL, "employee"), [due(ALL[1]), due(ALL[2])]);
        assert!(!asha.text().contains(BENCH), "{}", asha.text());
        let references = house.references("employee", &ALL[1..]);
        assert_eq!(references.len(), 2);
        for reference in references {
            asha.see(&reference);
        }
        house.goto(&asha, "/basket");
        assert!(!asha.text().contains("Complaint archive"), "what was sent is out of the basket");
        Some(())
    });
}
