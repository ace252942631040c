//! From nothing to a package that can be requested, as a browser sees it.

use std::sync::Arc;

use diesel::prelude::*;

use crate::db::schema::people;
use crate::delegation::testing::{group, member};
use crate::kernel::PersonId;
use crate::packages::store::listed;
use crate::provisioning::connectors::{Account, Connector, Found, Grant, Member, Targets, Trouble};
use crate::web::Route;
use crate::web::harness::{Answer, Browser, House, houses_with};

const TABLES: &[&[Route]] = &[
    super::ROUTES,
    crate::delegation::pages::ROUTES,
    crate::packages::pages::ROUTES,
    crate::policies::pages::ROUTES,
];

/// Two groups; a search for "broken" finds the target away.
struct Shelf;

impl Connector for Shelf {
    fn kind(&self) -> &'static str {
        "Test groups"
    }

    fn holds(&self, _: &Account, _: &Grant) -> Result<bool, Trouble> {
        Ok(false)
    }

    fn add(&self, _: &Account, _: &Grant, _: &str) -> Result<(), Trouble> {
        Ok(())
    }

    fn remove(&self, _: &Account, _: &Grant, _: &str) -> Result<(), Trouble> {
        Ok(())
    }

    fn members(&self, _: &Grant) -> Result<Vec<Member>, Trouble> {
        Ok(vec![])
    }

    fn resources(&self, filter: &str) -> Result<Vec<Found>, Trouble> {
        if filter == "broken" {
            return Err(Trouble::TimedOut);
        }
        let found = ["Journal", "Ledger <b>"].into_iter().filter(|name| name.contains(filter));
        Ok(found.map(|n| Found { address: format!("cn={n},dc=x"), name: n.into() }).collect())
    }

    fn roles(&self) -> &'static [(&'static str, &'static str)] {
        &[("member", "Member")]
    }
}

fn all() -> Vec<(House, PersonId)> {
    let mut targets = Targets::default();
    targets.insert("directory", Arc::new(Shelf));
    let targets = Arc::new(targets);
    let houses = houses_with(TABLES, |site| site.targets = Arc::clone(&targets));
    let with_ada = |house: House| {
        let ada = house.person("Ada Lund");
        house.change(move |tx| {
            let row = diesel::update(people::table.find(ada));
            row.set(people::administrator.eq(true)).execute(tx.db())?;
            Ok(())
        });
        (house, ada)
    };
    houses.into_iter().map(with_ada).collect()
}

fn key(answer: &Answer) -> String {
    answer.value("input[name=key]").expect("a key")
}

fn made(answer: &Answer) -> String {
    assert_eq!(answer.status, 303, "{}", answer.texts("main").join(" "));
    answer.location().to_owned()
}

/// A catalog with one resource and one package; gives their addresses.
fn set_up(browser: &mut Browser<'_>) -> (String, String) {
    let form = browser.get("/catalogs/new");
    let catalog = made(&browser.post(
        "/catalogs/new",
        &[("key", &key(&form)), ("name", "Finance"), ("owners", "Ada Lund")],
    ));
    let add = format!("{catalog}/resources/new");
    let form = browser.get(&format!(
        "{add}?target=directory&address=cn%3DLedger+%3Cb%3E%2Cdc%3Dx&name=Ledger+%3Cb%3E"
    ));
    let value = |name: &str| form.value(&format!("input[name={name}]")).expect("a field");
    made(&browser.post(
        &add,
        &[
            ("key", &key(&form)),
            ("target", &value("target")),
            ("address", &value("address")),
            ("found", &value("found")),
            ("name", "Ledger"),
            ("risk-0", "high"),
        ],
    ));
    let make = format!("{catalog}/packages/new");
    let form = browser.get(&make);
    let role = form.value("input[name=roles]").expect("a role to tick");
    let package = made(&browser.post(
        &make,
        &[
            ("key", &key(&form)),
            ("name", "Month-end"),
            ("description", "Post to the ledger"),
            ("roles", &role),
        ],
    ));
    (catalog, package)
}

#[test]
fn somebody_who_starts_from_nothing_is_led_to_the_first_request() {
    for (house, ada) in all() {
        let eve = member(&house.site.db, "Eve Stone");
        let mut browser = house.signed_in(ada);
        let empty = browser.get("/catalogs");
        assert_eq!(empty.texts("h1"), ["There is no catalog yet"]);
        assert_eq!(empty.texts(".btn-primary"), ["Create a catalog"]);

        let (catalog, package) = set_up(&mut browser);
        let page = browser.get(&catalog);
        assert_eq!(page.texts(".btn-primary"), ["Write a policy"]);
        assert!(page.texts("main").join(" ").contains("Nobody can request it yet"));
        let page = browser.get(&package);
        assert_eq!(page.texts(".btn-primary"), ["Write a policy"]);

        let write = package.replace("/edit", "/policies/new");
        let form = browser.get(&write);
        let saved = browser.post(
            &write,
            &[
                ("key", &key(&form)),
                ("name", "Standard"),
                ("members", "yes"),
                ("own", "yes"),
                ("direct", "yes"),
                ("stage1", "manager"),
                ("stage1-fallback", "Ada Lund"),
                ("stage1-time", "7"),
                ("stage2", "none"),
                ("lifetime", "days"),
                ("days", "90"),
                ("reason", "yes"),
                ("notice-delivered", "yes"),
                ("notice-ending", "yes"),
                ("notice-ended", "yes"),
                ("step", "save"),
            ],
        );
        assert_eq!(made(&saved), package);
        let page = browser.get(&package);
        assert_eq!(page.texts(".notice strong"), ["Policy saved."]);
        assert_eq!(
            page.texts(".says li"),
            [
                "Everyone in the organization may request it for themselves.",
                "Their manager decides within 7 days.",
                "If nobody there can, Ada Lund decides.",
                "One denial ends the request. A stage that is not decided in time makes it expire.",
                "Access ends after 90 days.",
                "It cannot be extended.",
                "The requestor must say why.",
            ]
        );
        let viewer = crate::packages::model::Viewer { id: eve, kind: crate::kernel::Kind::Member };
        let found = house.site.db.read(|db| listed(db, viewer, "ledger", None, 9)).expect("a list");
        assert_eq!(found.len(), 1);
        assert_eq!(browser.get(&catalog).texts(".btn-primary"), ["Make an access package"]);
    }
}

#[test]
fn a_policy_is_read_back_into_its_form_and_every_version_is_listed() {
    for (house, ada) in all() {
        group(&house.site.db, "Controllers", &[ada]);
        let mut browser = house.signed_in(ada);
        let (_, package) = set_up(&mut browser);
        let write = package.replace("/edit", "/policies/new");
        let form = browser.get(&write);
        made(&browser.post(
            &write,
            &[
                ("key", &key(&form)),
                ("name", "Named"),
                ("people", "Ada Lund"),
                ("groups", "controllers"),
                ("stage1", "none"),
                ("own", "yes"),
                ("stage2", "named"),
                ("stage2-groups", "Controllers"),
                ("stage2-time", "3"),
                ("lifetime", "until"),
                ("until", "2026-12-31"),
                ("step", "save"),
            ],
        ));
        let page = browser.get(&package);
        let policy = link(&page, "/policies/", "/edit");
        let page = browser.get(&policy);
        // What was the second stage on the form is the first of the policy.
        assert_eq!(page.value("input[name=stage1][checked]").as_deref(), Some("named"));
        assert_eq!(page.value("input[name=stage2][checked]").as_deref(), Some("none"));
        assert_eq!(page.texts("#stage1-groups"), ["Controllers"]);
        assert_eq!(page.value("#until").as_deref(), Some("2026-12-31"));
        assert_eq!(page.texts("#groups"), ["Controllers"]);
        assert!(page.texts("#people")[0].starts_with("Ada Lund <"));

        let next = [
            ("version", "1"),
            ("name", "Named"),
            ("members", "yes"),
            ("own", "yes"),
            ("stage1", "none"),
            ("lifetime", "never"),
            ("step", "save"),
        ];
        made(&browser.post(&policy, &next));
        let mut late = next;
        late[1] = ("name", "Later");
        let stale = browser.post(&policy, &late);
        assert_eq!(stale.status, 409);
        assert!(stale.texts("[role=alert]")[0].contains("Version 2 was saved while you"));
        assert_eq!(stale.value("#name").as_deref(), Some("Later"), "no dead end");
        let versions = browser.get(&policy.replace("/edit", "/versions")).texts(".lines b");
        assert_eq!(versions, ["Version 2", "Version 1"]);

        let switch = policy.replace("/edit", "/switch");
        made(&browser.post(&switch, &[("on", "no")]));
        let page = browser.get(&package);
        assert_eq!(page.texts(".notice strong"), ["Switched off."]);
        assert!(page.texts(".mark").contains(&"Off".to_owned()));
    }
}

/// The first address on the page that has this in it and this at its end.
fn link(page: &Answer, part: &str, end: &str) -> String {
    let links = page.body.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next());
    let mut fit = links.filter(|href| href.contains(part) && href.ends_with(end));
    fit.next().expect("a link").to_owned()
}

#[test]
fn all_errors_of_a_policy_come_at_once_and_everything_typed_is_kept() {
    for (house, ada) in all() {
        let mut browser = house.signed_in(ada);
        let (_, package) = set_up(&mut browser);
        let write = package.replace("/edit", "/policies/new");
        let form = browser.get(&write);
        let wrong = browser.post(
            &write,
            &[
                ("key", &key(&form)),
                ("people", "Nobody <b>\nAda Lund"),
                ("own", "yes"),
                ("stage2", "named"),
                ("stage2-time", "0"),
                ("stage3", "named"),
                ("stage3-groups", "Ghosts"),
                ("stage3-time", "14"),
                ("lifetime", "hours"),
                ("hours", "many"),
            ],
        );
        assert_eq!(wrong.status, 422);
        assert!(wrong.texts("title")[0].starts_with("Error: "));
        assert_eq!(
            wrong.texts(".errors li"),
            [
                "Enter a name",
                "Mend line 1: nobody is called “Nobody <b>”",
                "Choose who decides first, or that nobody needs to",
                "Name 1 to 500 people or groups who decide",
                "Choose 1 to 365 days",
                "Name 1 to 500 people or groups who decide",
                "Mend line 1: no group is called “Ghosts”",
                "Choose 1 to 8784 hours",
            ]
        );
        // Each link of the summary leads somewhere, and the words stand beside the field too.
        for href in wrong.body.split("<li><a href=\"#").skip(1) {
            let id = href.split('"').next().expect("an id");
            assert!(wrong.body.contains(&format!("id=\"{id}\"")), "nothing is called {id}");
        }
        assert_eq!(wrong.texts(".err").len(), 8);
        assert_eq!(wrong.texts("#people"), ["Nobody <b> Ada Lund"]);
        assert_eq!(wrong.texts("#stage3-groups"), ["Ghosts"]);
        assert_eq!(wrong.value("input[name=key]"), form.value("input[name=key]"));
    }
}

#[test]
fn a_resource_that_is_not_on_the_target_or_has_no_risk_is_refused() {
    for (house, ada) in all() {
        let mut browser = house.signed_in(ada);
        let (catalog, _) = set_up(&mut browser);
        let add = format!("{catalog}/resources/new");
        let found = browser.get(&format!("{add}?searched=yes&q="));
        assert_eq!(found.texts(".name"), ["Journal", "Ledger <b>"]);
        assert!(found.texts("main").join(" ").contains("In catalog Finance already"));
        let away = browser.get(&format!("{add}?searched=yes&q=broken"));
        assert!(away.texts("[role=alert]")[0].contains("did not answer in time"));
        let gone = browser.get(&format!("{add}?target=directory&address=cn%3DGone&name=Gone"));
        assert!(gone.texts("[role=alert]")[0].contains("on the target system now"));

        let forged = [
            ("target", "directory"),
            ("address", "cn=Domain Admins"),
            ("found", "Domain Admins"),
            ("name", "Domain Admins"),
            ("risk-0", "ordinary"),
        ];
        let refused = browser.post(&add, &forged);
        assert_eq!(refused.status, 422);
        assert_eq!(
            refused.texts(".err"),
            ["Error: Choose a resource that is on the target system now."]
        );
        let unweighed = browser.post(&add, &forged[..3]);
        assert_eq!(unweighed.texts(".errors li"), ["Enter a name", "Choose the risk of Member"]);
        let again = browser.post(
            &add,
            &[
                ("target", "directory"),
                ("address", "cn=Ledger <b>,dc=x"),
                ("found", "Ledger <b>"),
                ("name", "Twice"),
                ("risk-0", "ordinary"),
            ],
        );
        assert_eq!(again.texts(".errors li").len(), 1);
        assert!(again.texts(".errors li")[0].contains("in catalog “Finance” already"));
    }
}

#[test]
fn a_form_sent_twice_makes_one_thing() {
    for (house, ada) in all() {
        let mut browser = house.signed_in(ada);
        let form = browser.get("/catalogs/new");
        let fields = [("key", &*key(&form)), ("name", "Finance"), ("owners", "Ada Lund")];
        let first = made(&browser.post("/catalogs/new", &fields));
        assert_eq!(made(&browser.post("/catalogs/new", &fields)), first);
        assert_eq!(browser.get("/catalogs").texts(".name"), ["Finance"]);
    }
}

#[test]
fn only_owners_reach_these_pages_and_the_last_one_stays() {
    for (house, ada) in all() {
        let ben = member(&house.site.db, "Ben Okoro");
        let eve = member(&house.site.db, "Eve Stone");
        let mut browser = house.signed_in(ada);
        let (catalog, package) = set_up(&mut browser);
        let owners = format!("{catalog}/owners");
        let form = browser.get(&owners);
        let unknown = browser.post(&owners, &[("key", &key(&form)), ("owner", "Nobody")]);
        assert_eq!(unknown.status, 422);
        made(&browser.post(&owners, &[("key", &key(&form)), ("owner", "Ben Okoro")]));

        let mut his = house.signed_in(ben);
        let page = his.get(&catalog);
        assert_eq!(page.status, 200);
        assert!(!page.body.contains("resources/new"), "E26: he registers nothing");
        assert_eq!(his.get(&format!("{catalog}/resources/new")).status, 403);
        assert_eq!(his.get(&package).status, 200);
        let page = his.get(&owners);
        let remove: Vec<String> = page
            .body
            .split("action=\"")
            .skip(1)
            .filter_map(|rest| rest.split('"').next())
            .filter(|href| href.ends_with("/remove"))
            .map(str::to_owned)
            .collect();
        made(&his.post(&remove[0], &[]));
        let last = his.post(&remove[1], &[]);
        assert_eq!(last.status, 409);
        assert_eq!(last.texts("h1"), ["Ben Okoro is the last owner of Finance"]);

        let mut hers = house.signed_in(eve);
        for path in [&catalog, &owners, &package] {
            assert_eq!(hers.get(path).status, 403, "{path}");
        }
        let nowhere = format!("/catalogs/{}", crate::kernel::CatalogId::fresh());
        assert_eq!(his.get(&nowhere).status, 404);
    }
}

#[test]
fn a_package_keeps_its_contents_unless_somebody_else_changed_them() {
    for (house, ada) in all() {
        let mut browser = house.signed_in(ada);
        let (_, package) = set_up(&mut browser);
        let page = browser.get(&package);
        let role = page.value("input[name=roles][checked]").expect("ticked");
        let says = [("name", "Month-end"), ("description", "Read only"), ("contents", "1")];
        made(&browser.post(&package, &says));
        let stale = browser.post(
            &package,
            &[("name", "Month-end"), ("description", "x"), ("contents", "1"), ("roles", &role)],
        );
        assert_eq!(stale.status, 409);
        let page = browser.get(&package);
        assert_eq!(page.texts("#description"), ["Read only"]);
        assert_eq!(page.value("input[name=roles][checked]"), None);
        let wrong = browser.post(&package, &[("name", ""), ("contents", "2"), ("roles", &role)]);
        assert_eq!(wrong.texts(".errors li").len(), 2);
        assert_eq!(wrong.value("input[name=roles][checked]"), Some(role));
    }
}
