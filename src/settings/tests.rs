//! The page of the settings, as a browser sees it, on both databases.

use diesel::prelude::*;

use super::model::Settings;
use super::{pages, store};
use crate::db::schema::{facts, people};
use crate::kernel::PersonId;
use crate::web::Route;
use crate::web::harness::{Answer, House, houses_with};

const TABLES: &[&[Route]] = &[pages::ROUTES, crate::catalogs::pages::ROUTES];

/// With an administrator and an auditor.
fn houses() -> Vec<(House, PersonId, PersonId)> {
    let appointed = |house: House| {
        let (ada, tess) = (house.person("Ada Lund"), house.person("Tess Audit"));
        house.change(move |tx| {
            let row = diesel::update(people::table.find(ada));
            row.set(people::administrator.eq(true)).execute(tx.db())?;
            let row = diesel::update(people::table.find(tess));
            row.set(people::auditor.eq(true)).execute(tx.db())?;
            Ok(())
        });
        (house, ada, tess)
    };
    houses_with(TABLES, |_| ()).into_iter().map(appointed).collect()
}

fn said(answer: &Answer) -> String {
    answer.texts("main").join(" ")
}

fn form<'a>(rev: &'a str, help: &'a str, undo: &'a str) -> [(&'a str, &'a str); 6] {
    [
        ("rev", rev),
        ("help", help),
        ("undo", undo),
        ("stand-in", "30"),
        ("silent-share", "10"),
        ("cooling", "24"),
    ]
}

fn stored(house: &House) -> Settings {
    house.site.db.read(store::organization).unwrap()
}

fn recorded(house: &House) -> Vec<String> {
    let all = facts::table.filter(facts::kind.eq("settings_changed")).order(facts::id);
    house.site.db.read(|db| Ok(all.select(facts::data).load(db)?)).unwrap()
}

#[test]
fn d40_administrators_set_what_auditors_read_and_every_page_says_whom_to_ask() {
    for (house, ada, tess) in houses() {
        let mut ada = house.signed_in(ada);
        let page = ada.get("/settings");
        assert_eq!(
            (page.status, page.texts("h1")),
            (200, vec!["Settings of the organization".into()])
        );
        let rev = page.value("input[name=rev]").unwrap();
        let wrong = ada.post("/settings", &form(&rev, &"x".repeat(301), "301"));
        assert_eq!(wrong.status, 422, "{}", said(&wrong));
        assert!(
            said(&wrong).contains("Choose an undo window of 0 to 300 seconds"),
            "{}",
            said(&wrong)
        );
        assert!(said(&wrong).contains("Shorten the help contact to 300 characters"));
        assert_eq!(wrong.value("#undo").as_deref(), Some("301"), "what was typed stays");
        assert_eq!(ada.post("/settings", &form(&rev, "", "soon")).status, 422);
        // The databases of tests have no undo window.
        let before = Settings { undo_seconds: 0, ..Settings::default() };
        assert_eq!((stored(&house), recorded(&house).len()), (before, 0));

        let saved = ada.post("/settings", &form(&rev, "Call 4711", "60"));
        assert_eq!(saved.status, 303, "{}", said(&saved));
        let now = stored(&house);
        assert_eq!(
            (now.help.as_deref(), now.undo_seconds, now.stand_in_days),
            (Some("Call 4711"), 60, 30)
        );
        assert_eq!((now.silent_share, now.cooling_hours), (10, 24), "for reviews (D30, D31)");
        let facts = recorded(&house);
        assert_eq!(facts.len(), 1);
        assert!(
            facts[0].contains("\"60\"") && facts[0].contains("\"0\""),
            "old and new: {}",
            facts[0]
        );
        let foot = ada.get("/settings").texts("footer").join(" ");
        assert!(foot.contains("Help and contact: Call 4711"), "{foot}");

        let mut tess = house.signed_in(tess);
        let read = tess.get("/settings");
        assert_eq!(read.status, 200);
        assert!(said(&read).contains("Call 4711") && said(&read).contains("60 seconds"));
        assert!(read.texts("main button").is_empty(), "an auditor changes nothing");
        tess.get("/settings");
        assert_eq!(tess.post("/settings", &form("1", "mine", "1")).status, 403);
        let mut ben = house.signed_in(house.person("Ben Okoro"));
        assert_eq!(ben.get("/settings").status, 403);
        assert_eq!(stored(&house), now);
    }
}

#[test]
fn of_two_administrators_the_second_is_told_what_the_first_has_changed() {
    for (house, ada, _) in houses() {
        let mut browser = house.signed_in(ada);
        let rev = browser.get("/settings").value("input[name=rev]").unwrap();
        assert_eq!(browser.post("/settings", &form(&rev, "First", "20")).status, 303);
        let again = browser.post("/settings", &form(&rev, "First", "20"));
        assert_eq!(again.status, 303, "sent twice, it says the same: {}", said(&again));
        let late = browser.post("/settings", &form(&rev, "Second", "20"));
        assert_eq!(late.status, 409, "{}", said(&late));
        assert!(said(&late).contains("help contact is “First” now"), "{}", said(&late));
        assert_eq!(stored(&house).help.as_deref(), Some("First"));
        assert_eq!(recorded(&house).len(), 1);
        let rev = browser.get("/settings").value("input[name=rev]").unwrap();
        assert_eq!(browser.post("/settings", &form(&rev, "", "20")).status, 303);
        assert_eq!(stored(&house).help, None);
    }
}
