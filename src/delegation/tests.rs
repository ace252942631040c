use super::commands;
use super::model::Owner;
use super::store::owners;
use super::testing::{House, disable, fields, group, member};
use crate::access::policy;
use crate::db::By;
use crate::db::testing::databases;
use crate::error::{Error, Result};
use crate::kernel::{PersonId, RoleGrantId};

fn add(house: &House, by: PersonId, id: RoleGrantId, owner: Owner) -> Result<RoleGrantId> {
    let catalog = house.catalog;
    house.db.write(By::Person(by), move |tx| {
        let permit = policy::manage_catalog(tx.actor(), catalog)?;
        commands::add_owner(tx, &permit, id, catalog, owner)
    })
}

fn remove(house: &House, by: PersonId, grant: RoleGrantId) -> Result<bool> {
    let catalog = house.catalog;
    house.db.write(By::Person(by), move |tx| {
        let permit = policy::manage_catalog(tx.actor(), catalog)?;
        commands::remove_owner(tx, &permit, catalog, grant)
    })
}

fn names(house: &House) -> Vec<(String, i64)> {
    let held = house.db.read(|db| owners(db, house.catalog)).expect("owners");
    held.into_iter().map(|h| (h.name, h.people)).collect()
}

#[test]
fn an_owner_can_be_added_once_and_removed_but_not_the_last() {
    for db in databases() {
        let house = House::on(db);
        let ben = member(&house.db, "Ben Okoro");
        let grant = RoleGrantId::fresh();
        add(&house, house.ada, grant, Owner::Person(ben)).expect("added");
        add(&house, house.ada, grant, Owner::Person(ben)).expect("sent twice");
        let again = add(&house, house.ada, RoleGrantId::fresh(), Owner::Person(ben));
        assert_eq!(fields(again), ["owner"]);
        assert_eq!(names(&house), [("Ada Lund".into(), 1), ("Ben Okoro".into(), 1)]);

        let first = house.db.read(|db| owners(db, house.catalog)).expect("owners")[0].grant;
        assert!(remove(&house, ben, first).expect("Ben may, as an owner"));
        assert!(!remove(&house, ben, first).expect("gone already"));
        assert!(matches!(remove(&house, ben, grant), Err(Error::Refused(_))));
        assert_eq!(names(&house), [("Ben Okoro".into(), 1)]);
        assert_eq!(
            house.facts(),
            ["catalog_created", "owner_added", "owner_added", "owner_removed"]
        );
    }
}

#[test]
fn a_leaver_does_not_count_as_the_owner_who_stays() {
    for db in databases() {
        let house = House::on(db);
        let ben = member(&house.db, "Ben Okoro");
        add(&house, house.ada, RoleGrantId::fresh(), Owner::Person(ben)).expect("added");
        disable(&house.db, ben);
        let held = house.db.read(|db| owners(db, house.catalog)).expect("owners");
        assert!(matches!(remove(&house, house.ada, held[0].grant), Err(Error::Refused(_))));
        assert!(remove(&house, house.ada, held[1].grant).expect("a leaver can be removed"));
    }
}

#[test]
fn a_group_owns_through_its_members_and_an_empty_one_cannot() {
    for db in databases() {
        let house = House::on(db);
        let cleo = member(&house.db, "Cleo Marsh");
        let controllers = group(&house.db, "Controllers", &[cleo]);
        add(&house, house.ada, RoleGrantId::fresh(), Owner::Group(controllers)).expect("added");
        let ben = member(&house.db, "Ben Okoro");
        add(&house, cleo, RoleGrantId::fresh(), Owner::Person(ben)).expect("Cleo owns it too");

        let empty = group(&house.db, "Nobody yet", &[]);
        let refused = add(&house, cleo, RoleGrantId::fresh(), Owner::Group(empty));
        assert_eq!(fields(refused), ["owner"]);
        let unknown = Owner::Person(PersonId::fresh());
        assert_eq!(fields(add(&house, cleo, RoleGrantId::fresh(), unknown)), ["owner"]);
    }
}

#[test]
fn nobody_adds_an_owner_to_a_catalog_that_is_not_theirs() {
    for db in databases() {
        let house = House::on(db);
        let eve = member(&house.db, "Eve Stone");
        let tried = add(&house, eve, RoleGrantId::fresh(), Owner::Person(eve));
        assert!(matches!(tried, Err(Error::Missing)));
    }
}

#[test]
fn two_owners_cannot_remove_each_other_at_once() {
    for db in databases() {
        let house = std::sync::Arc::new(House::on(db));
        let ben = member(&house.db, "Ben Okoro");
        add(&house, house.ada, RoleGrantId::fresh(), Owner::Person(ben)).expect("added");
        let held = house.db.read(|db| owners(db, house.catalog)).expect("owners");
        let start = std::sync::Arc::new(std::sync::Barrier::new(2));
        let tries: Vec<_> = [held[0].grant, held[1].grant]
            .into_iter()
            .map(|grant| {
                let (house, start) = (house.clone(), start.clone());
                std::thread::spawn(move || {
                    start.wait();
                    remove(&house, house.ada, grant).is_ok()
                })
            })
            .collect();
        let done = tries.into_iter().map(|t| t.join().expect("ends"));
        assert_eq!(done.filter(|ok| *ok).count(), 1);
        assert_eq!(names(&house).len(), 1);
    }
}
