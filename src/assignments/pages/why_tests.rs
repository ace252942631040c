//! *Why do I have this*, over a socket on both databases.

use diesel::prelude::*;

use crate::access::policy::{self, AskStanding, request_access};
use crate::assignments::store;
use crate::catalogs::model::NewCatalog;
use crate::db::By;
use crate::db::schema::{people, rights};
use crate::delegation::model::Owner;
use crate::delegation::testing::{House as Setup, everyone, member, terms};
use crate::kernel::{AssignmentId, CatalogId, PackageId, PersonId, PolicyId, Risk, RoleId};
use crate::policies::model::{Named, Terms};
use crate::policies::stages::{Approvers, StageTerms};
use crate::requests::commands::{Submit, decide, may_decide, submit};
use crate::requests::model::Verdict;
use crate::requests::store as asked;
use crate::web::Route;
use crate::web::harness::{Answer, Browser, House, houses};

const TABLES: &[&[Route]] = &[
    crate::packages::browse::ROUTES,
    crate::requests::pages::ROUTES,
    super::ROUTES,
    crate::assignments::owner::ROUTES,
    crate::directory::profile::pages::ROUTES,
];

/// Asha holds the ledger, which Marta approved; Olga owns its catalog.
struct Office {
    house: House,
    setup: Setup,
    asha: PersonId,
    marta: PersonId,
    olga: PersonId,
    odd: PersonId,
    auditor: PersonId,
    role: RoleId,
    ledger: PackageId,
    held: AssignmentId,
}

fn main(answer: &Answer) -> String {
    answer.texts("main").join(" ")
}

impl Office {
    fn all() -> Vec<Self> {
        houses(TABLES).into_iter().map(Self::open).collect()
    }

    fn open(house: House) -> Self {
        let db = house.site.db.clone();
        let first = Setup::on(db.clone());
        let [asha, marta, olga, odd, auditor] =
            ["Asha Rao", "Marta Lindqvist", "Olga Ek", "Odd Berg", "Aud Itor"]
                .map(|name| member(&db, name));
        house.change(move |tx| {
            diesel::update(people::table.find(asha))
                .set(people::manager_id.eq(marta))
                .execute(tx.db())?;
            diesel::update(people::table.find(auditor))
                .set(people::auditor.eq(true))
                .execute(tx.db())?;
            Ok(())
        });
        let setup = Setup { db: db.clone(), ada: first.ada, catalog: CatalogId::fresh() };
        let new = NewCatalog {
            name: "Treasury".into(),
            owners: vec![Owner::Person(olga)],
            ..NewCatalog::default()
        };
        let id = setup.catalog;
        db.write(By::Person(first.ada), move |tx| {
            let permit = policy::create_catalog(tx.actor())?;
            crate::catalogs::commands::create(tx, &permit, id, &new)
        })
        .expect("a catalog");
        let role = setup.resource("Ledger", Risk::Ordinary);
        let ledger = setup.package("Month-end ledger", &[role]);
        let fallback = vec![Named { id: first.ada, name: "Ada Lund".into() }];
        let stages = vec![StageTerms::simple(Approvers::Manager, fallback, 5)];
        let decided = Terms { stages, ..terms(everyone()) };
        setup.new_policy(PolicyId::fresh(), ledger, "Staff", &decided).expect("a policy");
        let mut office = Self {
            house,
            setup,
            asha,
            marta,
            olga,
            odd,
            auditor,
            role,
            ledger,
            held: AssignmentId::fresh(),
        };
        office.held = office.give(ledger);
        office
    }

    /// Asha asks; where somebody must approve it, Marta does.
    fn give(&self, package: PackageId) -> AssignmentId {
        let (asha, db) = (self.asha, &self.house.site.db);
        let request = db.write(By::Person(asha), move |tx| {
            let permit = request_access(tx.actor(), &AskStanding::own(asha))?;
            let reason = "The close of the month".to_owned();
            submit(tx, &permit, &Submit { reason, ..Submit::of(package) })
        });
        let request = request.expect("a request");
        let stages = db.read(|db| asked::stages(db, &[request])).expect("a read");
        if let Some(stage) = stages.first().map(|stage| stage.id) {
            db.write(By::Person(self.marta), move |tx| {
                let permit = may_decide(tx, request, stage)?;
                decide(tx, &permit, stage, Verdict::Approve, "She closes the books")
            })
            .expect("approved");
        }
        let found = db.read(|db| store::of_request(db, request)).expect("a read");
        found.expect("an assignment").id
    }

    fn path(&self) -> String {
        format!("/access/{}/why", self.held)
    }

    fn why(&self, who: PersonId) -> Answer {
        self.house.signed_in(who).get(&self.path())
    }

    /// How many statements a page takes beyond the session's two and the navigation's one.
    fn statements(&self, browser: &mut Browser<'_>, path: &str) -> u64 {
        let before = self.house.site.db.statements_read();
        assert_eq!(browser.get(path).status, 200, "{path}");
        self.house.site.db.statements_read() - before - 3
    }
}

#[test]
fn why_i_have_it_says_who_asked_under_what_and_who_approved_it() {
    for office in Office::all() {
        let page = office.why(office.asha);
        assert_eq!(page.texts("h1"), ["Why you have Month-end ledger"]);
        let said = main(&page);
        for words in [
            "It was requested by you, ",
            " Request KH-",
            "“The close of the month”",
            "Policy “Staff”, version 1",
            "Access ends after 90 days.",
            "Marta Lindqvist approved it, as manager",
            "“She closes the books”",
            "Ledger (Member)",
            "Nothing else gives it: it goes when this ends.",
            "You: you can give it back at any time.",
        ] {
            assert!(said.contains(words), "{words}: {said}");
        }
        assert!(!page.body.contains("/versions"), "versions are for those who look after it");
        assert!(office.why(office.olga).body.contains("/versions"));
        // It is found where it is held.
        let href = format!("href=\"{}\"", office.path());
        for (who, path) in [
            (office.asha, "/access".to_owned()),
            (office.olga, format!("/packages/{}/assignments", office.ledger)),
            (office.marta, format!("/people/{}", office.asha)),
            (office.asha, format!("/people/{}", office.asha)),
        ] {
            let page = office.house.signed_in(who).get(&path);
            assert!(page.body.contains(&href), "{path}");
        }
    }
}

#[test]
fn e28_why_somebody_has_it_is_for_those_whom_it_concerns() {
    for office in Office::all() {
        for who in [office.asha, office.marta, office.olga, office.auditor, office.setup.ada] {
            let page = office.why(who);
            assert_eq!(page.status, 200);
            assert!(main(&page).contains("Marta Lindqvist") || who == office.marta);
        }
        assert_eq!(office.why(office.odd).status, 404);
        let other = format!("/access/{}/why", AssignmentId::fresh());
        assert_eq!(office.house.signed_in(office.asha).get(&other).status, 404);
        // Who no longer is the manager no longer reads it.
        let asha = office.asha;
        office.house.change(move |tx| {
            diesel::update(people::table.find(asha))
                .set(people::manager_id.eq(None::<PersonId>))
                .execute(tx.db())?;
            Ok(())
        });
        // Marta approved the request, and may read it; the access is no longer her business.
        assert_eq!(office.why(office.marta).status, 404);
    }
}

#[test]
fn d21_what_else_gives_a_role_is_said_and_names_no_package_of_other_catalogs() {
    for office in Office::all() {
        let second = office.setup.package("Close desk", &[office.role]);
        office.setup.policy(second, "Staff", everyone());
        office.give(second);
        let said = main(&office.why(office.asha));
        assert!(said.contains("Close desk gives it, too."), "{said}");
        // The same role in a package of a catalog that Olga does not own.
        let catalog = CatalogId::fresh();
        office.setup.new_catalog(catalog, "Elsewhere").expect("a catalog");
        office.house.change(move |tx| {
            diesel::update(crate::db::schema::packages::table.find(second))
                .set(crate::db::schema::packages::catalog_id.eq(catalog))
                .execute(tx.db())?;
            Ok(())
        });
        let said = main(&office.why(office.olga));
        assert!(said.contains("An access package of another catalog gives it, too."), "{said}");
        assert!(!said.contains("Close desk"));
        for who in [office.asha, office.marta, office.auditor] {
            assert!(main(&office.why(who)).contains("Close desk gives it, too."));
        }
    }
}

#[test]
fn d22_what_was_there_before_is_said() {
    for office in Office::all() {
        office.house.change(|tx| {
            diesel::update(rights::table)
                .set((rights::held_before.eq(true), rights::state.eq("present")))
                .execute(tx.db())?;
            Ok(())
        });
        let said = main(&office.why(office.asha));
        assert!(said.contains("It was there before. It is left in place when this ends"), "{said}");
    }
}

#[test]
fn e17_where_approvers_have_no_names_those_who_wait_read_none() {
    for office in Office::all() {
        office.house.change(|tx| {
            crate::db::set_setting(tx, "organization.approver_names", "false")?;
            Ok(())
        });
        let said = main(&office.why(office.asha));
        assert!(said.contains("An approver approved it, as manager"), "{said}");
        assert!(!said.contains("Marta"), "{said}");
        assert!(main(&office.why(office.olga)).contains("Marta Lindqvist approved it"));
    }
}

#[test]
fn e32_why_takes_as_many_statements_however_much_there_is() {
    for office in Office::all() {
        let mut asha = office.house.signed_in(office.asha);
        let mut marta = office.house.signed_in(office.marta);
        let (own, other) = (
            office.statements(&mut asha, &office.path()),
            office.statements(&mut marta, &office.path()),
        );
        for n in 0..6 {
            let package = office.setup.package(&format!("Also {n}"), &[office.role]);
            office.setup.policy(package, "Staff", everyone());
            office.give(package);
        }
        assert_eq!(office.statements(&mut asha, &office.path()), own);
        assert_eq!(office.statements(&mut marta, &office.path()), other);
        assert!(own <= 10 && other <= 10, "{own} and {other}");
    }
}
