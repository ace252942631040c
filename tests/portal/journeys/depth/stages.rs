//! Three stages, one after another, with alternates and a fallback.

use super::{ask, both_ways, decide, follow, see_package};

const SIGNING: &str = "Bank signing";

/// The manager is silent, an alternate decides for her; the alternate is the only approver of the last stage, where he
/// may not decide a second time, so that its fallback does.
#[test]
fn three_stages_with_alternate_and_fallback() {
    both_ways(|house, javascript| {
        let asha = house.visit("employee", javascript)?;
        see_package(house, &asha, SIGNING);
        asha.see("If that is not decided after 3 days, their manager’s manager and Dario Conti can decide, too.");
        ask(house, &asha, SIGNING, "Ravi signs no more, and somebody has to stand in for Jonas.");
        asha.see("With Ingrid Solheim");
        let mailed = || house.mailed(SIGNING, "employee");
        assert_eq!(
            mailed(),
            ["Ingrid Solheim: Decide by Tue 10 Mar 2026, 10:00 CET: Bank signing for Asha Rao"]
        );

        // Three days of silence.
        house.pass_hours(71);
        assert_eq!(mailed(), [] as [&str; 0]);
        let dario = house.visit("catalog-owner", javascript)?;
        house.goto(&dario, &format!("/approvals/{}", house.request(SIGNING, "employee")));
        assert!(!dario.content().contains("Your reason"), "it is not his yet");
        house.pass_hours(1);
        assert_eq!(
            mailed(),
            [
                "Dario Conti: Decide by Tue 10 Mar 2026, 10:00 CET: Bank signing for Asha Rao",
                "Ingrid Solheim: Reminder: decide by Tue 10 Mar 2026, 10:00 CET: Bank signing for Asha Rao",
                "Marcus Lindgren: Decide by Tue 10 Mar 2026, 10:00 CET: Bank signing for Asha Rao",
            ]
        );
        house.goto(&dario, "/approvals");
        dario.see("Asha Rao");
        decide(house, &dario, SIGNING, "employee", "Approve");

        // The second stage; those of the first hear nothing more.
        assert_eq!(
            mailed(),
            ["Tomás Ferreira: Decide by Thu 12 Mar 2026, 10:00 CET: Bank signing for Asha Rao"]
        );
        let tomas = house.visit("second-approver", javascript)?;
        decide(house, &tomas, SIGNING, "employee", "Approve");

        // The third is Dario’s, who has decided already.
        assert_eq!(
            mailed(),
            ["Marcus Lindgren: Decide by Thu 12 Mar 2026, 10:00 CET: Bank signing for Asha Rao"]
        );
        follow(house, &asha, SIGNING, "employee");
        asha.see("With Marcus Lindgren");
        house.goto(&dario, &format!("/approvals/{}", house.request(SIGNING, "employee")));
        assert!(!dario.content().contains("Your reason"), "he does not decide twice");
        assert!(!house.is_in("employee", "bank-signers"));
        let marcus = house.visit("n1001", javascript)?;
        decide(house, &marcus, SIGNING, "employee", "Approve");
        assert_eq!(
            mailed(),
            [
                "Asha Rao: Approved: Bank signing",
                "Asha Rao: Ready until Mon 6 Apr 2026, 10:00 CEST: Bank signing",
            ]
        );
        assert!(house.is_in("employee", "bank-signers"));
        follow(house, &asha, SIGNING, "employee");
        for line in ["Dario Conti approved, stage 1 of 3", "Marcus Lindgren approved, stage 3 of 3"]
        {
            asha.see(line);
        }
        Some(())
    });
}
