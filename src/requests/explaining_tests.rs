//! *Why can I not*, over a socket on both databases: the page's verdict is what sending a request meets, and nobody reads
//! more than they may.

use diesel::prelude::*;

use super::analysis_tests::Chance;
use crate::access::policy;
use crate::db::By;
use crate::db::schema::{catalogs, packages, people, policies, requests};
use crate::delegation::testing::{
    House as Setup, everyone, group, member, only, somebody, terms, through,
};
use crate::error::{Error, Result};
use crate::kernel::{CatalogId, GroupId, Kind, PackageId, PersonId, PolicyId, RequestId};
use crate::policies::model::{Asks, Named, Scope, Terms};
use crate::policies::stages::{Approvers, StageTerms};
use crate::requests::commands::{self, Submit, submit};
use crate::requests::eligibility::position;
use crate::requests::stops::Thing;
use crate::web::Route;
use crate::web::harness::{Answer, Browser, House, houses};

const TABLES: &[&[Route]] =
    &[crate::packages::browse::ROUTES, super::asking::ROUTES, super::pages::ROUTES];
/// On each database.
const CASES: usize = 100;

fn named<I: Copy>(ids: &[I]) -> Vec<Named<I>> {
    ids.iter().map(|id| Named { id: *id, name: String::new() }).collect()
}

fn main(answer: &Answer) -> String {
    answer.texts("main").join(" ")
}

fn ask(house: &House, me: PersonId, target: PersonId, package: PackageId) -> Result<RequestId> {
    house.site.db.write(By::Person(me), move |tx| {
        let position = position(tx.db(), me, target, package)?;
        let permit = policy::request_access(tx.actor(), &position.standing())?;
        let first = position.applicable.first().map(|a| a.policy.id);
        submit(tx, &permit, &Submit { policy: first, ..Submit::of(package) })
    })
}

/// A company of chance: people who manage each other, groups, and packages of every kind.
struct Company {
    people: Vec<PersonId>,
    packages: Vec<PackageId>,
}

impl Company {
    fn random(house: &House, chance: &mut Chance) -> Self {
        let db = house.site.db.clone();
        let setup = Setup::on(db.clone());
        let people: Vec<PersonId> = (0..6)
            .map(|n| {
                let kind = if n == 5 { Kind::Guest } else { Kind::Member };
                somebody(&db, &format!("Person {n}"), kind, false)
            })
            .collect();
        let all = people.clone();
        house.change(move |tx| {
            for (report, manager) in [(1, 0), (2, 0), (5, 0), (3, 1)] {
                diesel::update(people::table.find(all[report]))
                    .set(people::manager_id.eq(all[manager]))
                    .execute(tx.db())?;
            }
            Ok(())
        });
        let groups: Vec<GroupId> = (0..2)
            .map(|n| {
                let members = chance.some(&people);
                group(&db, &format!("Group {n}"), &members)
            })
            .collect();
        let other = CatalogId::fresh();
        setup.new_catalog(other, "Other").expect("a catalog");
        let setups =
            [setup.catalog, other].map(|catalog| Setup { db: db.clone(), ada: setup.ada, catalog });
        let mut packages = Vec::new();
        for n in 0..14 {
            let setup = &setups[n % 2];
            let package = setup.package(&format!("Package {n}"), &[]);
            packages.push(package);
            for p in 0..chance.below(3) {
                let scope = Scope {
                    all_members: chance.once_in(3),
                    all_users: chance.once_in(6),
                    people: named(&chance.some(&people)),
                    groups: named(&chance.some(&groups)),
                    ..Scope::default()
                };
                let asks = Asks {
                    own: !chance.once_in(3),
                    manager: chance.once_in(2),
                    groups: named(&chance.some(&groups)),
                    ..Asks::default()
                };
                let stage = StageTerms::simple(Approvers::people(named(&[setup.ada])), vec![], 5);
                let stages = if chance.once_in(2) { vec![stage] } else { vec![] };
                let id = PolicyId::fresh();
                let terms = Terms { asks, stages, ..terms(scope) };
                setup.new_policy(id, package, &format!("Policy {p}"), &terms).expect("a policy");
                if chance.once_in(5) {
                    stop(house, setup, Thing::Policy(id));
                }
                if chance.once_in(5) {
                    off(house, id);
                }
            }
            if chance.once_in(8) {
                stop(house, setup, Thing::Package(package));
            }
        }
        let hidden: Vec<PackageId> = chance.some(&packages);
        house.change(move |tx| {
            diesel::update(packages::table.filter(packages::id.eq_any(&hidden)))
                .set(packages::hidden.eq(true))
                .execute(tx.db())?;
            diesel::update(catalogs::table.find(other))
                .set((catalogs::listed_for_everyone.eq(true), catalogs::for_guests.eq(true)))
                .execute(tx.db())?;
            Ok(())
        });
        Self { people, packages }
    }
}

fn stop(house: &House, setup: &Setup, thing: Thing) {
    let catalog = setup.catalog;
    let stopped = house.site.db.write(By::Person(setup.ada), move |tx| {
        let permit = policy::manage_catalog(tx.actor(), catalog)?;
        commands::stop(tx, &permit, thing, "an incident")
    });
    stopped.expect("stopped");
}

fn off(house: &House, id: PolicyId) {
    house.change(move |tx| {
        diesel::update(policies::table.find(id))
            .set(policies::enabled.eq(false))
            .execute(tx.db())?;
        Ok(())
    });
}

#[test]
fn d07_the_page_says_what_a_request_meets_in_random_cases() {
    for (at, house) in houses(TABLES).into_iter().enumerate() {
        let mut chance = Chance::new(4 + at as u64);
        let company = Company::random(&house, &mut chance);
        let mut browsers: Vec<Browser<'_>> =
            company.people.iter().map(|person| house.signed_in(*person)).collect();
        let mut seen = [0; 3];
        for case in 0..CASES {
            let pick = |chance: &mut Chance, n: usize| chance.below(n as u64) as usize;
            let who = pick(&mut chance, company.people.len());
            let target = match chance.once_in(2) {
                true => who,
                false => pick(&mut chance, company.people.len()),
            };
            let package = company.packages[pick(&mut chance, company.packages.len())];
            let (me, target) = (company.people[who], company.people[target]);
            let query = super::asking::query(me, target);
            let page = browsers[who].get(&format!("/packages/{package}/why{query}"));
            let plain = browsers[who].get(&format!("/packages/{package}{query}"));
            assert_eq!(page.status, plain.status, "case {case}: seen where the package is seen");
            let no = page.texts(".tree p").iter().filter(|l| l.ends_with("Says no")).count();
            let heading = page.texts("h1").join(" ");
            let verdict = match ask(&house, me, target, package) {
                Ok(_) => {
                    assert!(page.status == 200 && heading.contains(" can request "), "{heading}");
                    assert_eq!(no, 0, "case {case}: {}", main(&page));
                    0
                }
                Err(Error::Refused(_)) => {
                    assert!(page.status == 200, "case {case}");
                    assert!(heading.contains(" cannot request "), "case {case}: {heading}");
                    assert!(no > 0, "case {case}: {}", main(&page));
                    1
                }
                Err(Error::Missing) => {
                    assert_eq!(page.status, 404, "case {case}: {heading}");
                    2
                }
                Err(other) => panic!("case {case}: {other:?}"),
            };
            seen[verdict] += 1;
        }
        assert!(seen.iter().all(|n| *n >= 5), "chance met each: {seen:?}");
    }
}

/// Asha reports to Marta; Odd is nobody's; Olga owns the catalog, Ada is an administrator.
struct Office {
    house: House,
    setup: Setup,
    asha: PersonId,
    marta: PersonId,
    odd: PersonId,
    olga: PersonId,
}

fn offices() -> Vec<Office> {
    houses(TABLES).into_iter().map(Office::open).collect()
}

impl Office {
    fn open(house: House) -> Self {
        let db = house.site.db.clone();
        let setup = Setup::on(db.clone());
        let [asha, marta, odd, olga] =
            ["Asha Rao", "Marta Lindqvist", "Odd Berg", "Olga Ek"].map(|name| member(&db, name));
        house.change(move |tx| {
            diesel::update(people::table.find(asha))
                .set(people::manager_id.eq(marta))
                .execute(tx.db())?;
            Ok(())
        });
        let theirs = Setup { db: db.clone(), ada: setup.ada, catalog: CatalogId::fresh() };
        let owners = vec![crate::delegation::model::Owner::Person(olga)];
        let new = crate::catalogs::model::NewCatalog {
            name: "Treasury".into(),
            owners,
            ..crate::catalogs::model::NewCatalog::default()
        };
        let id = theirs.catalog;
        db.write(By::Person(setup.ada), move |tx| {
            let permit = policy::create_catalog(tx.actor())?;
            crate::catalogs::commands::create(tx, &permit, id, &new)
        })
        .expect("a catalog");
        Self { house, setup: theirs, asha, marta, odd, olga }
    }

    fn list_for_everyone(&self) {
        let id = self.setup.catalog;
        self.house.change(move |tx| {
            diesel::update(catalogs::table.find(id))
                .set(catalogs::listed_for_everyone.eq(true))
                .execute(tx.db())?;
            Ok(())
        });
    }

    fn why(&self, who: PersonId, package: PackageId, query: &str) -> Answer {
        self.house.signed_in(who).get(&format!("/packages/{package}/why{query}"))
    }

    /// How many statements a page takes beyond the session's two and the navigation's one.
    fn statements(&self, browser: &mut Browser<'_>, path: &str) -> u64 {
        let before = self.house.site.db.statements_read();
        assert_eq!(browser.get(path).status, 200, "{path}");
        self.house.site.db.statements_read() - before - 3
    }
}

#[test]
fn b08_the_tree_names_the_rule_who_can_change_it_and_the_ways_on() {
    for office in offices() {
        office.list_for_everyone();
        let treasurers = group(&office.setup.db, "Treasurers", &[office.olga]);
        let package = office.setup.package("Vault", &[]);
        office.setup.policy(package, "For treasurers", through(treasurers));
        let mut asha = office.house.signed_in(office.asha);
        let cannot = asha.get(&format!("/packages/{package}"));
        let link = format!("/packages/{package}/why");
        assert!(cannot.body.contains(&format!("href=\"{link}\"")), "{}", cannot.body);
        let page = asha.get(&link);
        assert_eq!(page.texts("h1"), ["Why you cannot request Vault"]);
        assert!(page.texts(".lede")[0].starts_with("You are not among the people and groups"));
        let lines = page.texts(".tree li p");
        let line = |text: &str| lines.iter().any(|line| line == text);
        assert!(line("You are here Passes"), "{lines:?}");
        assert!(line("Its catalog is switched on Passes"), "{lines:?}");
        assert!(line("A policy lets you request it Says no"), "{lines:?}");
        assert!(line("Policy “For treasurers” Says no"), "{lines:?}");
        assert!(line("You are in Treasurers Says no"), "{lines:?}");
        assert!(line("You may request it yourself Not looked at"), "{lines:?}");
        let hands = "Can change it: Olga Ek, who looks after catalog Treasury.";
        assert!(line(hands), "{lines:?}");
        assert!(main(&page).contains("Olga Ek, who looks after catalog Treasury."));
        assert!(page.texts(".ways a").contains(&"Find other access".to_owned()));
        // Nested lists are whole, whatever their depth.
        let count = |tag: &str| page.body.matches(tag).count();
        assert_eq!(count("<li>") + count("<li "), count("</li>"));
        assert_eq!(count("<ul>") + count("<ul "), count("</ul>"));
        assert_eq!(count("<div>") + count("<div "), count("</div>"));
    }
}

#[test]
fn b08_who_can_request_reads_why_and_goes_on() {
    for office in offices() {
        let package = office.setup.package("Vault", &[]);
        office.setup.policy(package, "Staff", everyone());
        let mut asha = office.house.signed_in(office.asha);
        let shown = asha.get(&format!("/packages/{package}"));
        assert!(main(&shown).contains("Why you can request it"), "{}", main(&shown));
        let page = asha.get(&format!("/packages/{package}/why"));
        assert_eq!(page.texts("h1"), ["Why you can request Vault"]);
        assert!(!main(&page).contains("Says no"), "{}", main(&page));
        assert_eq!(page.texts(".ways a")[0], "Request it");
        // Held, it says so, and leads to why.
        ask(&office.house, office.asha, office.asha, package).expect("without approval");
        let page = asha.get(&format!("/packages/{package}/why"));
        assert_eq!(page.texts("h1"), ["Why you cannot request Vault"]);
        let lede = &page.texts(".lede")[0];
        assert!(lede.contains("already"), "{lede}");
        assert!(main(&page).contains("Can change it: "), "{}", main(&page));
    }
}

#[test]
fn e28_e29_the_tree_tells_nobody_more_than_the_page_that_they_may_see() {
    for office in offices() {
        let (asha, odd) = (office.asha, office.odd);
        let inner = group(&office.setup.db, "Inner circle", &[office.olga]);
        let package = office.setup.package("Vault", &[]);
        office.setup.policy(package, "Secret policy", through(inner));
        let for_asha = format!("?for={asha}");
        // Out of scope and not listed: as if it were not there.
        for (who, query) in [(asha, ""), (odd, ""), (office.marta, &*for_asha), (odd, &for_asha)] {
            assert_eq!(office.why(who, package, query).status, 404);
        }
        let nobody = format!("?for={}", PersonId::fresh());
        assert_eq!(office.why(asha, package, &nobody).status, 404);
        assert_eq!(office.why(asha, package, "?for=x").status, 404);
        assert_eq!(office.why(asha, PackageId::fresh(), "").status, 404);
        // An owner reads it for those whose page they may see: Asha has nothing of the catalog yet.
        assert_eq!(office.why(office.olga, package, &for_asha).status, 404);
        assert_eq!(office.why(office.setup.ada, package, &for_asha).status, 200);
        let other = office.setup.package("Wiki", &[]);
        office.setup.policy(other, "Staff", everyone());
        ask(&office.house, asha, asha, other).expect("asked");
        let page = office.why(office.olga, package, &for_asha);
        assert_eq!(page.status, 200);
        assert_eq!(page.texts("h1"), ["Why Asha Rao cannot request Vault"]);
        assert!(main(&page).contains("Asha Rao is in Inner circle Says no"), "{}", main(&page));
        // Listed, the scope is read as on the page that says cannot; stopped, neither says it.
        office.list_for_everyone();
        for query in ["", "/why"] {
            let mut browser = office.house.signed_in(asha);
            let page = browser.get(&format!("/packages/{package}{query}"));
            assert!(main(&page).contains("Inner circle"), "{}", main(&page));
        }
        let page = office.why(office.marta, package, &for_asha);
        assert_eq!(page.texts("h1"), ["Why you cannot request Vault for Asha Rao"]);
        stop(&office.house, &office.setup, Thing::Package(package));
        for query in ["", "/why"] {
            let mut browser = office.house.signed_in(asha);
            let page = browser.get(&format!("/packages/{package}{query}"));
            assert_eq!(page.status, 200);
            assert!(!main(&page).contains("Inner circle"), "{}", main(&page));
            assert!(main(&page).contains("an incident"), "{}", main(&page));
        }
        let page = office.why(office.setup.ada, package, "");
        assert!(main(&page).contains("Inner circle"), "who looks after it reads all of it");
    }
}

#[test]
fn e28_whose_request_is_open_is_not_told_to_others() {
    for office in offices() {
        let package = office.setup.package("Vault", &[]);
        let stage = StageTerms::simple(Approvers::people(named(&[office.setup.ada])), vec![], 5);
        let asks = Asks { manager: true, ..Asks::default() };
        let terms = Terms { stages: vec![stage], asks, ..terms(only(&[office.asha])) };
        office.setup.new_policy(PolicyId::fresh(), package, "Staff", &terms).expect("a policy");
        let id = ask(&office.house, office.asha, office.asha, package).expect("asked");
        let all = requests::table.find(id).select(requests::reference);
        let reference: String = office.setup.db.read(|db| Ok(all.first(db)?)).expect("a read");
        let page = office.why(office.asha, package, "");
        assert!(main(&page).contains(&reference), "{}", main(&page));
        let page = office.why(office.marta, package, &format!("?for={}", office.asha));
        assert_eq!(page.status, 200);
        assert!(!main(&page).contains(&reference) && !page.body.contains(&id.to_string()));
    }
}

#[test]
fn e32_the_tree_takes_as_many_statements_however_many_policies_there_are() {
    for office in offices() {
        let one = office.setup.package("One", &[]);
        office.setup.policy(one, "Staff", everyone());
        let many = office.setup.package("Many", &[]);
        for n in 0..12 {
            let scope = if n % 2 == 0 { everyone() } else { only(&[office.asha, office.odd]) };
            office.setup.policy(many, &format!("Policy {n}"), scope);
        }
        let mut asha = office.house.signed_in(office.asha);
        let mut marta = office.house.signed_in(office.marta);
        let mut ada = office.house.signed_in(office.setup.ada);
        let path = |id: PackageId, query: &str| format!("/packages/{id}/why{query}");
        let of = format!("?for={}", office.asha);
        let own = office.statements(&mut asha, &path(one, ""));
        assert_eq!(office.statements(&mut asha, &path(many, "")), own);
        assert!(own <= 8, "{own}");
        let as_admin = office.statements(&mut ada, &path(one, &of));
        assert_eq!(office.statements(&mut ada, &path(many, &of)), as_admin);
        assert!(as_admin <= 11, "{as_admin}");
        office.list_for_everyone();
        let as_manager = office.statements(&mut marta, &path(one, &of));
        assert_eq!(office.statements(&mut marta, &path(many, &of)), as_manager);
        assert!(as_manager <= 10, "{as_manager}");
    }
}
