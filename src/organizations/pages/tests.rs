//! Connecting an organization, as a browser sees it.

use diesel::prelude::*;

use crate::db::schema::people;
use crate::delegation::testing::{disable, guest, member};
use crate::kernel::PersonId;
use crate::web::Route;
use crate::web::harness::{Answer, Browser, House, houses_with};

const TABLES: &[&[Route]] =
    &[super::ROUTES, crate::audit::pages::ROUTES, crate::catalogs::pages::ROUTES];

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

fn connect(browser: &mut Browser<'_>, fields: &[(&str, &str)]) -> Answer {
    let key = browser.get("/organizations/new").value("input[name=key]").expect("a key");
    let mut form = vec![("key", key.as_str())];
    form.extend(fields);
    browser.post("/organizations/new", &form)
}

#[test]
fn an_administrator_finds_connects_changes_and_closes_an_organization() {
    for (house, ada, tess) in houses() {
        let db = &house.site.db;
        let ben = member(db, "Ben Okoro");
        let left = member(db, "Lee Gone");
        for n in 0..22 {
            guest(db, &format!("Guest {n:02}"), &format!("g{n}@contoso.example"));
        }
        let mut browser = house.signed_in(ada);
        let catalogs = browser.get("/catalogs");
        assert!(
            catalogs.texts("a[href='/organizations']").contains(&"Connected organizations".into())
        );
        let empty = browser.get("/organizations");
        assert_eq!(empty.texts("h1"), ["No organization is connected yet"]);

        let made = connect(
            &mut browser,
            &[
                ("name", "Contoso <b>"),
                ("domains", "Contoso.Example\r\n\r\n"),
                ("sponsors", "Ben Okoro\r\nLee Gone"),
            ],
        );
        assert_eq!(made.status, 303, "{}", said(&made));
        let at = made.location().to_owned();
        disable(db, left);
        let page = browser.get(&at);
        assert_eq!(page.texts("h1"), ["Contoso <b>"]);
        let words = said(&page);
        for word in ["contoso.example", "22 people", "2 more are not shown", "(has left)"] {
            assert!(words.contains(word), "{word}: {words}");
        }
        assert!(!words.contains("Nobody answers"), "{words}");

        let edit = format!("{at}/edit");
        let form = browser.get(&edit);
        assert_eq!(form.texts("#sponsors"), [format!("Ben Okoro <{ben}>")]);
        assert!(said(&form).contains("Lee Gone left"), "the one who left is not offered again");
        let rev = form.value("input[name=rev]").expect("a rev");
        let fields = [("rev", rev.as_str()), ("name", "Contoso"), ("domains", "contoso.example")];
        assert_eq!(browser.post(&edit, &fields).status, 303);
        assert!(said(&browser.get(&at)).contains("Nobody answers for its people"));
        let stale = browser.post(&edit, &[("rev", "1"), ("name", "X"), ("domains", "x.example")]);
        assert_eq!(stale.status, 409);
        assert!(said(&stale).contains("Contoso"), "{}", said(&stale));

        assert_eq!(browser.post(&format!("{at}/switch"), &[("open", "no")]).status, 303);
        let list = said(&browser.get("/organizations"));
        for word in ["Contoso", "22 people", "Nobody answers for it", "Closed"] {
            assert!(list.contains(word), "{word}: {list}");
        }
        assert_eq!(
            browser.get(&at).texts("a[href='/audit?family=setup&q=Contoso']"),
            ["audit log"]
        );
        let told = said(&browser.get("/audit?family=setup&q=Contoso"));
        for word in ["connected organization Contoso <b>", "closed organization Contoso"] {
            assert!(told.contains(word), "{word}: {told}");
        }

        let mut auditor = house.signed_in(tess);
        assert_eq!(auditor.get(&at).texts(".btn-primary"), [""; 0], "an auditor changes nothing");
        assert_eq!(auditor.get(&edit).status, 403);
    }
}

#[test]
fn what_is_wrong_is_told_at_the_field_and_everything_typed_is_kept() {
    for (house, ada, _) in houses() {
        let mut browser = house.signed_in(ada);
        assert_eq!(
            connect(&mut browser, &[("name", "Other"), ("domains", "other.example")]).status,
            303
        );
        let typed = [
            ("name", " "),
            ("description", "We <test> together"),
            ("domains", "not a domain\n10.0.0.1\nfine.example"),
            ("sponsors", "Nobody Here"),
        ];
        let wrong = connect(&mut browser, &typed);
        assert_eq!(wrong.status, 422);
        assert_eq!(
            wrong.texts(".errors li"),
            [
                "Enter a name",
                "Mend line 1: “not a domain” is no mail domain, such as contoso.com; line 2: \
                 “10.0.0.1” is no mail domain, such as contoso.com",
                "Mend line 1: nobody is called “Nobody Here”",
            ]
        );
        assert_eq!(wrong.texts("#description"), ["We <test> together"]);
        assert_eq!(wrong.texts("#domains"), ["not a domain 10.0.0.1 fine.example"]);
        assert_eq!(wrong.texts("#sponsors"), ["Nobody Here"]);
        let taken = connect(&mut browser, &[("name", "New"), ("domains", "OTHER.example")]);
        assert_eq!(taken.status, 422);
        assert!(said(&taken).contains("other.example belongs to “Other”"), "{}", said(&taken));
        let huge = "x.example\n".repeat(20_000);
        assert_eq!(
            connect(&mut browser, &[("name", "Huge"), ("domains", &huge)]).status,
            303,
            "one domain"
        );
        let long = [("name", huge.as_str()), ("domains", "long.example")];
        assert_eq!(connect(&mut browser, &long).status, 422);
        let many = "x\n".repeat(60_000);
        let all = [("name", "Many"), ("domains", "many.example"), ("sponsors", &many)];
        assert_eq!(connect(&mut browser, &all).status, 422);
    }
}

#[test]
fn others_are_turned_away_and_a_forged_address_leads_nowhere() {
    for (house, ada, _) in houses() {
        let eve = house.person("Eve Stone");
        let mut browser = house.signed_in(ada);
        let made = connect(&mut browser, &[("name", "Contoso"), ("domains", "contoso.example")]);
        let at = made.location().to_owned();
        let nowhere = format!("/organizations/{}", crate::kernel::OrganizationId::fresh());
        for address in [nowhere.as_str(), "/organizations/1", &format!("{nowhere}/edit")] {
            assert_eq!(browser.get(address).status, 404, "{address}");
        }
        let form = [("rev", "9"), ("name", "X"), ("domains", "x.example")];
        assert_eq!(browser.post(&format!("{nowhere}/edit"), &form).status, 404);
        let form = [("rev", "x"), ("name", "X"), ("domains", "x.example")];
        assert_eq!(browser.post(&format!("{at}/edit"), &form).status, 404);
        let mut browser = house.signed_in(eve);
        for address in ["/organizations", "/organizations/new", &at, &format!("{at}/edit")] {
            assert_eq!(browser.get(address).status, 403, "{address}");
        }
        for address in
            ["/organizations/new".to_owned(), format!("{at}/edit"), format!("{at}/switch")]
        {
            assert_eq!(browser.post(&address, &form).status, 403, "{address}");
        }
    }
}

#[test]
fn e32_the_pages_need_the_same_statements_however_much_there_is() {
    for (house, ada, _) in houses() {
        let mut browser = house.signed_in(ada);
        let mut counts = Vec::new();
        for n in 0..3 {
            let domains: String = (0..=n * 10).map(|m| format!("d{n}-{m}.example\n")).collect();
            let name = format!("Nr. {n}");
            let made = connect(
                &mut browser,
                &[("name", &name), ("domains", &domains), ("sponsors", "Ada Lund")],
            );
            guest(&house.site.db, "Kim Rey", &format!("kim@d{n}-0.example"));
            let before = house.site.db.statements_read();
            assert_eq!(browser.get("/organizations").status, 200);
            let list = house.site.db.statements_read();
            assert_eq!(browser.get(made.location()).status, 200);
            counts.push((list - before, house.site.db.statements_read() - list));
        }
        assert!(counts.windows(2).all(|two| two[0] == two[1]), "{counts:?}");
    }
}
