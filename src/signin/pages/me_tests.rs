//! One's own page and what one chooses on it; over a socket on both databases.

use crate::db::By;
use crate::db::schema::profiles;
use crate::delegation::testing::{House as Setup, everyone, member, terms};
use crate::kernel::PolicyId;
use crate::notify::store::told;
use crate::policies::model::Terms;
use crate::policies::stages::{Approvers, StageTerms};
use crate::requests::commands::{self, Submit};
use crate::signin::Choice;
use crate::web::harness::houses;
use diesel::prelude::*;

#[test]
fn a_time_zone_of_ones_own_moves_clocks_and_no_days() {
    for house in houses(crate::app::ROUTES) {
        let db = house.site.db.clone();
        let setup = Setup::on(db.clone());
        let asha = member(&db, "Asha Rao");
        let package = setup.package("Ledger", &[]);
        let ann =
            crate::policies::model::Named { id: member(&db, "Ann Alder"), name: "Ann".into() };
        let stage = StageTerms::simple(Approvers::people(vec![ann.clone()]), vec![], 5);
        let policy = Terms { stages: vec![stage], ..terms(everyone()) };
        setup.new_policy(PolicyId::fresh(), package, "Staff", &policy).expect("a policy");
        let ask = db.write(By::Person(asha), move |tx| {
            let standing = crate::access::policy::AskStanding::own(asha);
            let permit = crate::access::policy::request_access(tx.actor(), &standing)?;
            commands::submit(tx, &permit, &Submit::of(package))
        });
        let request = format!("/requests/{}", ask.expect("a request"));

        let mut browser = house.signed_in(asha);
        assert!(browser.get("/me").body.contains("the zone of the organization, UTC"));
        let before = browser.get(&request);
        assert!(before.body.contains("Mon 2 Mar 2026, 09:00"), "{}", before.body);
        let page = browser.post("/me/time-zone", &[("zone", "Middle/Earth")]);
        assert_eq!(page.status, 422);
        assert_eq!(page.value("#zone").as_deref(), Some("Middle/Earth"), "what was typed stays");
        assert!(page.texts(".err")[0].contains("Choose a time zone"));
        assert_eq!(browser.get(&request).texts("main"), before.texts("main"), "nothing changed");

        assert_eq!(browser.post("/me/time-zone", &[("zone", "America/New York")]).status, 303);
        assert!(browser.get("/me").body.contains("America/New_York"));
        let after = browser.get(&request);
        assert!(after.body.contains("Mon 2 Mar 2026, 04:00"), "{}", after.body);
        assert!(after.body.contains("EST (UTC\u{2212}5), and days as in UTC"), "{}", after.body);
        assert!(after.body.contains("datetime=\"2026-03-02T04:00:00-05:00\""));
        // Other choices leave it as it is, and it leaves them.
        browser.post("/me/shortcuts", &[("on", "no")]);
        browser.post("/me/mail", &[("mail", "needed")]);
        assert!(browser.get("/me").body.contains("America/New_York"));
        assert!(browser.get("/me").body.contains("Single letters do nothing"));

        // Ann reads her notice and her letter by her clock.
        let ann = ann.id;
        let zone = Some(Some("Asia/Kolkata".to_owned()));
        let choice = Choice { time_zone: zone, ..Choice::default() };
        db.write(By::Person(ann), move |tx| crate::signin::commands::choose(tx, &choice))
            .expect("a choice");
        crate::notify::dispatch::run(&db).expect("told");
        let notices = house.signed_in(ann).get("/notices").texts("main").join(" ");
        assert!(notices.contains("until 7 Mar 2026, 14:30"), "{notices}");
        let zone = db.zone();
        let mine = db.read(|db| {
            use crate::db::schema::notices;
            let ids = notices::table.filter(notices::person_id.eq(ann)).select(notices::id);
            let ids: Vec<crate::kernel::NoticeId> = ids.load(db)?;
            told(db, &ids, zone)
        });
        let head = crate::notify::letters::Letterhead {
            site: "https://keyholder.example".parse().expect("an address"),
            organization: "Northmoor".into(),
            help: String::new(),
            zone: db.zone(),
        };
        let letter = crate::notify::letters::Letter::of(&mine.expect("told")[0], &head);
        let letter = letter.expect("a letter").text;
        assert!(letter.contains("Sat 7 Mar 2026, 14:30 IST"), "{letter}");

        assert_eq!(browser.post("/me/time-zone", &[("zone", "")]).status, 303);
        let kept = db.read(|db| {
            let row = profiles::table.find(asha).select((profiles::time_zone, profiles::mail));
            Ok(row.first::<(Option<String>, String)>(db)?)
        });
        assert_eq!(kept.expect("a profile"), (None, "needed".to_owned()));
        assert!(browser.get(&request).body.contains("Mon 2 Mar 2026, 09:00"));
    }
}
