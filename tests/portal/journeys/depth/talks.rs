//! What goes back and forth about one request: a question and its answer, less than was asked for, a decision taken back.

use super::{ask, both_ways, decide, follow};
use crate::support::world::undo_seconds;

const ARCHIVE: &str = "Complaint archive";
const WHY: &str = "I write the yearly report on complaints.";

/// Ingrid asks before she decides; the time to decide stands still until Asha has answered.
#[test]
fn d13_information_is_asked_for_and_given() {
    both_ways(|house, javascript| {
        let asha = house.visit("employee", javascript)?;
        ask(house, &asha, ARCHIVE, WHY);
        house.mailed(ARCHIVE, "employee");
        let request = house.request(ARCHIVE, "employee");

        let ingrid = house.visit("manager", javascript)?;
        house.goto(&ingrid, &format!("/approvals/{request}"));
        ingrid.click("link", "Ask…");
        ingrid.see(WHY);
        ingrid.click("button", "Ask");
        assert_eq!(ingrid.status(), Some(422), "there is no question yet");
        ingrid.fill("What do you want to know?", "Which years does the report cover?");
        ingrid.click("button", "Ask");
        ingrid.see("Asked.");
        let mails = house.mailed(ARCHIVE, "employee");
        assert_eq!(mails.len(), 1, "{mails:?}");
        assert!(mails[0].starts_with("Asha Rao: Answer by "), "{mails:?}");

        // It waits for Asha: days pass, and nobody is reminded or runs out of time.
        house.pass_days(10);
        let late = house.mailed(ARCHIVE, "employee");
        assert!(late.iter().all(|mail| mail.starts_with("Asha Rao: ")), "{late:?}");
        house.goto(&asha, "/");
        asha.see("One question waits for your answer");
        follow(house, &asha, ARCHIVE, "employee");
        asha.click("link", "Answer…");
        asha.see("Which years does the report cover?");
        asha.fill("Your answer", "2024 and 2025.");
        asha.click("button", "Send answer");
        asha.see("Answered.");
        asha.see("With Ingrid Solheim");

        let mails = house.mailed(ARCHIVE, "employee");
        assert_eq!(mails.len(), 1, "{mails:?}");
        assert!(mails[0].starts_with("Ingrid Solheim: "), "{mails:?}");
        house.goto(&ingrid, &format!("/approvals/{request}"));
        ingrid.see("2024 and 2025.");
        decide(house, &ingrid, ARCHIVE, "employee", "Approve");
        house.run();
        assert!(house.is_in("employee", "complaint-archive"));
        Some(())
    });
}

/// Ingrid gives a month instead of what the policy would give.
#[test]
fn d14_it_is_approved_for_less() {
    both_ways(|house, javascript| {
        let asha = house.visit("employee", javascript)?;
        ask(house, &asha, ARCHIVE, WHY);
        house.mailed(ARCHIVE, "employee");
        let ingrid = house.visit("manager", javascript)?;
        house.goto(&ingrid, &format!("/approvals/{}", house.request(ARCHIVE, "employee")));
        ingrid.click("link", "Approve for less…");
        ingrid.fill("Last day of access", "2030-01-01");
        ingrid.fill("Your reason", "The report is due in March.");
        ingrid.click("button", "Approve until that day");
        assert_eq!(ingrid.status(), Some(422), "that is not less");
        assert!(ingrid.content().contains("The report is due in March."), "what was typed is kept");
        ingrid.fill("Last day of access", "2026-03-31");
        ingrid.click("button", "Approve until that day");
        assert_eq!(ingrid.status(), Some(200), "{}", ingrid.text());
        house.run();
        assert!(house.is_in("employee", "complaint-archive"));
        follow(house, &asha, ARCHIVE, "employee");
        asha.see("31 Mar");
        let mails = house.mailed(ARCHIVE, "employee");
        assert!(
            mails.iter().any(|mail| mail.starts_with("Asha Rao: Ready until Tue 31 Mar 2026")),
            "{mails:?}"
        );
        house.pass_days(28);
        assert!(!house.is_in("employee", "complaint-archive"), "it ends on the earlier day");
        Some(())
    });
}

/// A slip of the finger is put right before anything reaches the target system.
#[test]
fn d40_a_decision_is_undone_within_its_window() {
    both_ways(|house, javascript| {
        undo_seconds(&house.db, 10);
        let asha = house.visit("employee", javascript)?;
        ask(house, &asha, ARCHIVE, WHY);
        house.mailed(ARCHIVE, "employee");
        let ingrid = house.visit("manager", javascript)?;
        decide(house, &ingrid, ARCHIVE, "employee", "Approve");
        house.run();
        assert!(!house.is_in("employee", "complaint-archive"), "delivery waits for the window");
        ingrid.click("button", "Undo");
        ingrid.see("Taken back.");
        house.pass_hours(1);
        assert!(!house.is_in("employee", "complaint-archive"), "nothing is left to deliver");
        follow(house, &asha, ARCHIVE, "employee");
        asha.see("With Ingrid Solheim");

        // What is not taken back is delivered once the window has passed.
        decide(house, &ingrid, ARCHIVE, "employee", "Approve");
        house.run();
        assert!(!house.is_in("employee", "complaint-archive"));
        house.pass_hours(1);
        assert!(house.is_in("employee", "complaint-archive"));
        house.goto(&ingrid, &format!("/approvals/{}", house.request(ARCHIVE, "employee")));
        assert!(!ingrid.content().contains("Take my decision back"), "{}", ingrid.text());
        Some(())
    });
}
