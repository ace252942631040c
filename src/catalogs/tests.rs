use super::model::{CatalogChange, NewCatalog, ResourceChange};
use super::{commands, store};
use crate::access::{Actor, policy};
use crate::db::testing::databases;
use crate::db::{By, load_actor};
use crate::delegation::testing::{House, fields, member, somebody};
use crate::error::{Error, Result};
use crate::kernel::{CatalogId, Kind, ResourceId, Risk};
use crate::packages;

fn change(house: &House, id: CatalogId, name: &str) -> Result<()> {
    let change = CatalogChange {
        name: name.into(),
        description: "For people who count money".into(),
        listed_for_everyone: true,
        for_guests: true,
    };
    house.db.write(By::Person(house.ada), move |tx| {
        let permit = policy::manage_catalog(tx.actor(), id)?;
        commands::change(tx, &permit, id, &change)
    })
}

#[test]
fn a_catalog_is_made_once_however_often_the_form_is_sent() {
    for db in databases() {
        let house = House::on(db);
        let id = CatalogId::fresh();
        house.new_catalog(id, "Research").expect("made");
        house.new_catalog(id, "Research").expect("sent twice");
        assert!(matches!(house.new_catalog(id, "Another"), Err(Error::Missing)));
        assert_eq!(house.facts().iter().filter(|k| *k == "catalog_created").count(), 2);
    }
}

#[test]
fn a_form_sent_twice_at_the_same_time_makes_one_catalog() {
    for db in databases() {
        let house = std::sync::Arc::new(House::on(db));
        let id = CatalogId::fresh();
        let both: Vec<_> = (0..4)
            .map(|_| {
                let house = house.clone();
                std::thread::spawn(move || house.new_catalog(id, "Research"))
            })
            .collect();
        for one in both {
            assert_eq!(one.join().expect("ends").expect("made or found"), id);
        }
        assert_eq!(house.facts().iter().filter(|k| *k == "catalog_created").count(), 2);
    }
}

#[test]
fn names_are_unique_whatever_their_case_also_in_a_race() {
    for db in databases() {
        let house = std::sync::Arc::new(House::on(db));
        assert_eq!(fields(house.new_catalog(CatalogId::fresh(), " FINANCE ")), ["name"]);
        let all: Vec<_> = (0..4)
            .map(|_| {
                let house = house.clone();
                std::thread::spawn(move || house.new_catalog(CatalogId::fresh(), "Research"))
            })
            .collect();
        let mut made = 0;
        for one in all {
            match one.join().expect("ends") {
                Ok(_) => made += 1,
                refused => assert_eq!(fields(refused), ["name"]),
            }
        }
        assert_eq!(made, 1);
    }
}

#[test]
fn a_catalog_needs_an_owner() {
    for db in databases() {
        let house = House::on(db);
        let new = NewCatalog { name: "Orphan".into(), ..NewCatalog::default() };
        let made = house.db.write(By::Person(house.ada), move |tx| {
            let permit = policy::create_catalog(tx.actor())?;
            commands::create(tx, &permit, CatalogId::fresh(), &new)
        });
        assert_eq!(fields(made), ["owners"]);
        assert_eq!(house.db.read(|db| store::by_name(db, "orphan")).expect("an answer"), None);
    }
}

#[test]
fn a_change_is_told_with_its_old_and_new_words_and_nothing_without_one() {
    for db in databases() {
        let house = House::on(db);
        change(&house, house.catalog, "Finance systems").expect("changed");
        change(&house, house.catalog, "Finance systems").expect("the same again");
        house.new_catalog(CatalogId::fresh(), "Research").expect("made");
        assert_eq!(fields(change(&house, house.catalog, "research")), ["name"]);
        let history =
            house.db.read(|db| store::history(db, house.catalog, 20)).expect("the history");
        assert_eq!(history.len(), 3);
        assert_eq!(
            history[0].1.to_string(),
            "Ada Lund changed catalog Finance systems: name “Finance systems” (was “Finance”); \
             description “For people who count money” (was nothing); \
             listed for everyone “yes” (was “no”)"
        );
    }
}

#[test]
fn owners_see_their_catalogs_and_administrators_all() {
    for db in databases() {
        let house = House::on(db);
        house.new_catalog(CatalogId::fresh(), "Research").expect("made");
        house.resource("Ledger", Risk::Ordinary);
        let eve = member(&house.db, "Eve Stone");
        let seen = |id| {
            house
                .db
                .read(|db| {
                    let actor = Actor::Person(
                        load_actor(db, id, crate::kernel::Ts::from_micros(0))?.expect("a person"),
                    );
                    store::catalogs(db, &actor, None, 10)
                })
                .expect("a list")
        };
        let lines = seen(house.ada);
        let words: Vec<_> =
            lines.iter().map(|l| (l.catalog.name.as_str(), l.packages, l.resources)).collect();
        assert_eq!(words, [("Finance", 0, 1), ("Research", 0, 0)]);
        assert_eq!(seen(eve), []);
    }
}

#[test]
fn a_resource_is_registered_in_one_catalog_only() {
    for db in databases() {
        let house = House::on(db);
        let id = ResourceId::fresh();
        house.new_resource(id, "Ledger", Risk::High).expect("added");
        house.new_resource(id, "Ledger", Risk::High).expect("sent twice");
        let again = house.new_resource(ResourceId::fresh(), "Ledger", Risk::High);
        assert_eq!(fields(again), ["address"]);
        let taken = house.new_resource(id, "Journal", Risk::High);
        assert!(matches!(taken, Err(Error::Missing)));
        let there = house.db.read(|db| store::resource(db, id)).expect("there");
        assert_eq!(there.roles.len(), 1);
        assert_eq!(there.roles[0].risk, Risk::High);
    }
}

#[test]
fn e26_an_owner_who_is_no_administrator_registers_nothing() {
    for db in databases() {
        let house = House::on(db);
        let admin = somebody(&house.db, "Zoe Admin", Kind::Member, true);
        house
            .db
            .write(By::System("test"), move |tx| {
                use diesel::prelude::*;
                let people = crate::db::schema::people::table;
                diesel::update(people.find(house.ada))
                    .set(crate::db::schema::people::administrator.eq(false))
                    .execute(tx.db())?;
                Ok(())
            })
            .expect("only an owner now");
        let tried = house.new_resource(ResourceId::fresh(), "Ledger", Risk::High);
        assert!(matches!(tried, Err(Error::Denied(_))));
        let house = House { ada: admin, ..house };
        house.new_resource(ResourceId::fresh(), "Ledger", Risk::High).expect("added");
    }
}

#[test]
fn a_renamed_resource_is_found_by_its_new_name_and_its_risk_is_told() {
    for db in databases() {
        let house = House::on(db);
        let role = house.resource("Ledger", Risk::Ordinary);
        house.package("Month-end", &[role]);
        let catalog = house.catalog;
        house
            .db
            .write(By::Person(house.ada), move |tx| {
                let permit = policy::manage_catalog(tx.actor(), catalog)?;
                let id = store::resource_of(tx.db(), role)?;
                let change = ResourceChange {
                    name: "Größbuch".into(),
                    description: "Post".into(),
                    managed_here: true,
                    risks: vec![(role, Risk::High)],
                };
                commands::change_resource(
                    tx,
                    &permit,
                    id,
                    &change,
                    packages::commands::resource_renamed,
                )?;
                commands::set_role_risk(tx, &permit, role, Risk::High)
            })
            .expect("changed");
        let search = |db: &mut crate::db::Db| {
            use diesel::prelude::*;
            let packages = crate::db::schema::packages::table;
            Ok(packages.select(crate::db::schema::packages::search).load::<String>(db)?)
        };
        let texts = house.db.read(search).expect("a package");
        assert!(texts[0].contains("großbuch") && !texts[0].contains("ledger"), "{texts:?}");
        let told = house.db.read(|db| store::history(db, house.catalog, 1)).expect("told");
        assert!(told[0].1.to_string().contains("risk of Member “high” (was “ordinary”)"));
        // The second risk changed nothing and is not told.
        assert_eq!(house.facts().iter().filter(|k| *k == "resource_changed").count(), 1);
    }
}

#[test]
fn a_permit_for_one_catalog_opens_no_other() {
    for db in databases() {
        let house = House::on(db);
        let other = house.new_catalog(CatalogId::fresh(), "Research").expect("made");
        let catalog = house.catalog;
        let tried = house.db.write(By::Person(house.ada), move |tx| {
            let permit = policy::manage_catalog(tx.actor(), other)?;
            commands::switch(tx, &permit, catalog, false)
        });
        assert!(matches!(tried, Err(Error::Missing)));
    }
}
