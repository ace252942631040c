//! What is not needed is given back; who needs it again after all takes it again.

use super::both_ways;

const REVIEW: &str = "Expense review";

#[test]
fn d42_access_is_given_back_and_taken_again() {
    both_ways(|house, javascript| {
        let asha = house.visit("employee", javascript)?;
        house.goto(&asha, "/access");
        asha.click("link", &format!("Give back {REVIEW}"));
        asha.see("you can take it again without approval");
        asha.fill("Why you no longer need it", "Camille is back.");
        asha.click("button", "Give back");
        asha.see(&format!("Take again {REVIEW}"));
        assert_eq!(house.mailed(REVIEW, "employee"), [] as [&str; 0], "she did it herself");
        assert!(!house.is_in("employee", "expense-auditors"));

        house.pass_days(10);
        house.goto(&asha, "/access");
        asha.click("link", &format!("Take again {REVIEW}"));
        asha.see("Nobody has to approve it.");
        asha.see("Mon 13 Apr 2026");
        asha.click("button", "Take it again");
        assert_eq!(
            house.mailed(REVIEW, "employee"),
            ["Asha Rao: Ready until Mon 13 Apr 2026: Expense review"]
        );
        assert!(house.is_in("employee", "expense-auditors"));

        // A month is the limit.
        house.goto(&asha, "/access");
        asha.click("link", &format!("Give back {REVIEW}"));
        asha.click("button", "Give back");
        let page = asha.url();
        house.pass_days(30);
        asha.goto(&page);
        assert!(!asha.text().contains(&format!("Take again {REVIEW}")), "{}", asha.text());
        Some(())
    });
}
