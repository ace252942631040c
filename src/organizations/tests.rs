//! Connecting organizations, and whom the engine is told.

use std::sync::{Arc, Barrier};

use super::model::Draft;
use super::{commands, store};
use crate::access::policy;
use crate::db::testing::databases;
use crate::db::{By, Database};
use crate::delegation::testing::{House, disable, fields, guest, member};
use crate::error::{Error, Result};
use crate::kernel::{OrganizationId, PersonId};

fn draft(name: &str, domains: &[&str], sponsors: &[PersonId]) -> Draft {
    let domains = domains.iter().map(|domain| (*domain).to_owned()).collect();
    Draft { name: name.into(), domains, sponsors: sponsors.to_vec(), ..Draft::default() }
}

fn create(db: &Database, by: PersonId, id: OrganizationId, draft: Draft) -> Result<OrganizationId> {
    db.write(By::Person(by), move |tx| {
        let permit = policy::manage_organizations(tx.actor())?;
        commands::create(tx, &permit, id, &draft)
    })
}

fn change(house: &House, id: OrganizationId, seen: i64, draft: Draft) -> Result<()> {
    house.db.write(By::Person(house.ada), move |tx| {
        let permit = policy::manage_organizations(tx.actor())?;
        commands::change(tx, &permit, id, seen, &draft)
    })
}

fn switch(house: &House, id: OrganizationId, open: bool) {
    let done = house.db.write(By::Person(house.ada), move |tx| {
        let permit = policy::manage_organizations(tx.actor())?;
        commands::switch(tx, &permit, id, open)
    });
    done.expect("switched");
}

fn connected(house: &House, name: &str, domains: &[&str], sponsors: &[PersonId]) -> OrganizationId {
    let id = OrganizationId::fresh();
    create(&house.db, house.ada, id, draft(name, domains, sponsors)).expect("connected")
}

fn facts(house: &House) -> Vec<String> {
    house.facts().into_iter().filter(|kind| kind.starts_with("organization")).collect()
}

#[test]
fn an_organization_is_connected_once_however_often_the_form_is_sent() {
    for db in databases() {
        let house = House::on(db);
        let id = OrganizationId::fresh();
        let contoso = || draft(" Contoso ", &["Zeta-2.example", "zeta.example", "@A.example"], &[]);
        for _ in 0..2 {
            assert_eq!(create(&house.db, house.ada, id, contoso()).expect("connected"), id);
        }
        let other = create(&house.db, house.ada, id, draft("Other", &["b.example"], &[]));
        assert!(matches!(other, Err(Error::Missing)));
        let there = house.db.read(|db| store::organization(db, id)).expect("there");
        assert_eq!((there.name.as_str(), there.open), ("Contoso", true));
        assert_eq!(there.domains, ["a.example", "zeta-2.example", "zeta.example"]);
        assert_eq!(facts(&house), ["organization_created"]);
    }
}

#[test]
fn only_administrators_connect_organizations() {
    for db in databases() {
        let house = House::on(db);
        let eve = member(&house.db, "Eve Stone");
        let id = OrganizationId::fresh();
        let tried = create(&house.db, eve, id, draft("Contoso", &["a.example"], &[eve]));
        assert!(matches!(tried, Err(Error::Denied(_))));
        assert_eq!(house.db.read(store::all).expect("all"), []);
    }
}

#[test]
fn a_name_and_a_domain_belong_to_one_organization_and_the_words_say_to_which() {
    for db in databases() {
        let house = House::on(db);
        let contoso = connected(&house, "Contoso", &["contoso.example"], &[]);
        let left = member(&house.db, "Lee Gone");
        disable(&house.db, left);
        let new = draft("CONTOSO", &["Contoso.Example", "free.example"], &[left]);
        let refused = create(&house.db, house.ada, OrganizationId::fresh(), new);
        let Err(Error::Invalid(errors)) = refused else { panic!("{refused:?}") };
        let said: Vec<_> = errors.iter().map(|e| (e.field.as_str(), e.text.as_str())).collect();
        assert_eq!(
            said,
            [
                ("name", "Choose another name: “CONTOSO” is connected already"),
                (
                    "domains",
                    "Take out what another organization has: contoso.example belongs to “Contoso”"
                ),
                ("sponsors", "Take out who has left: somebody of these is not there anymore"),
            ]
        );
        let fabrikam = connected(&house, "Fabrikam", &["free.example"], &[]);
        let both = draft("Fabrikam", &["free.example", "contoso.example"], &[]);
        assert_eq!(fields(change(&house, fabrikam, 1, both.clone())), ["domains"]);
        change(&house, contoso, 1, draft("Contoso", &["contoso-2.example"], &[]))
            .expect("given up");
        change(&house, fabrikam, 1, both).expect("free now");
    }
}

#[test]
fn two_who_want_a_domain_at_once_are_told_apart_in_words() {
    const ROUNDS: usize = 20;
    for db in databases() {
        let house = Arc::new(House::on(db));
        // Not every round is a race; the first ones open connections.
        for round in 0..ROUNDS {
            let start = Arc::new(Barrier::new(4));
            let all: Vec<_> = (0..4)
                .map(|n| {
                    let (house, start) = (house.clone(), start.clone());
                    std::thread::spawn(move || {
                        let same = format!("same-{round}.example");
                        let new = draft(&format!("Nr. {round}-{n}"), &[&same], &[]);
                        start.wait();
                        create(&house.db, house.ada, OrganizationId::fresh(), new)
                    })
                })
                .collect();
            let all: Vec<_> = all.into_iter().map(|one| one.join().expect("ends")).collect();
            let (made, refused): (Vec<_>, Vec<_>) = all.into_iter().partition(Result::is_ok);
            assert_eq!(made.len(), 1);
            for one in refused {
                assert_eq!(fields(one), ["domains"]);
            }
        }
        assert_eq!(facts(&house).len(), ROUNDS, "who was refused left nothing");
    }
}

#[test]
fn a_form_sent_twice_at_the_same_time_connects_one() {
    for db in databases() {
        let house = Arc::new(House::on(db));
        let id = OrganizationId::fresh();
        let both: Vec<_> = (0..4)
            .map(|_| {
                let house = house.clone();
                let new = draft("Contoso", &["contoso.example"], &[]);
                std::thread::spawn(move || create(&house.db, house.ada, id, new))
            })
            .collect();
        for one in both {
            assert_eq!(one.join().expect("ends").expect("made or found"), id);
        }
        assert_eq!(facts(&house), ["organization_created"]);
    }
}

#[test]
fn a_change_is_recorded_once_and_a_stale_page_undoes_nothing() {
    for db in databases() {
        let house = House::on(db);
        let (ann, ben) = (member(&house.db, "Ann Lee"), member(&house.db, "Ben Okoro"));
        let id = connected(&house, "Contoso", &["a.example"], &[ann]);
        let new = || draft("Contoso Ltd", &["a.example", "b.example"], &[ben, ann]);
        change(&house, id, 1, new()).expect("changed");
        change(&house, id, 1, new()).expect("sent twice");
        let stale = change(&house, id, 1, draft("Contoso", &["c.example"], &[]));
        assert!(matches!(stale, Err(Error::Refused(_))));
        switch(&house, id, false);
        switch(&house, id, false);
        let there = house.db.read(|db| store::organization(db, id)).expect("there");
        assert_eq!((there.domains.len(), there.sponsors.len(), there.open), (2, 2, false));
        let told = house.db.read(|db| {
            use diesel::prelude::*;

            use crate::db::schema::facts;
            let changed = facts::table.filter(facts::kind.eq("organization_changed"));
            Ok(changed.select(facts::data).load::<String>(db)?)
        });
        let told = told.expect("facts");
        assert_eq!(told.len(), 1);
        let fact: crate::kernel::Fact = serde_json::from_str(&told[0]).expect("a fact");
        let names = crate::kernel::fact::Names { actor: "Ada", ..Default::default() };
        assert_eq!(
            fact.sentence(names).to_string(),
            "Ada changed organization Contoso Ltd: name “Contoso Ltd” (was “Contoso”); mail domains \
             “a.example, b.example” (was “a.example”); sponsors “Ann Lee, Ben Okoro” (was “Ann Lee”)"
        );
        assert_eq!(
            facts(&house),
            ["organization_created", "organization_changed", "organization_switched"]
        );
    }
}

#[test]
fn a_guest_belongs_to_the_open_organization_of_their_mail_domain() {
    for db in databases() {
        let house = House::on(db);
        let kim = guest(&house.db, "Kim Rey", "kim@Contoso.example");
        let sub = guest(&house.db, "Sam Sub", "sam@sales.contoso.example");
        let nobody = guest(&house.db, "No Mail", "");
        let ours = guest(&house.db, "Ida Own", "ida@contoso.example");
        house
            .db
            .write(By::System("test"), move |tx| {
                use diesel::prelude::*;

                use crate::db::schema::people;
                let row = people::table.find(ours);
                diesel::update(row).set(people::kind.eq("member")).execute(tx.db())?;
                Ok(())
            })
            .expect("a member");
        let of = |id| house.db.read(|db| store::of_person(db, id)).expect("an answer");
        assert_eq!(of(kim), None);
        let id = connected(&house, "Contoso", &["contoso.example"], &[]);
        assert_eq!(of(kim), Some(id));
        assert_eq!(of(sub), None, "a subdomain does not come with it");
        assert_eq!(of(nobody), None);
        assert_eq!(of(ours), None, "members belong to none");
        assert_eq!(of(PersonId::fresh()), None);
        let people = house.db.read(|db| store::people(db, id, 1)).expect("people");
        assert_eq!((people.first.len(), people.all), (1, 1));
        switch(&house, id, false);
        assert_eq!(of(kim), None, "a closed organization counts as none");
        let all = house.db.read(store::all).expect("all");
        assert_eq!(all.iter().map(|o| (o.id, o.open)).collect::<Vec<_>>(), [(id, false)]);
        let named = house.db.read(|db| store::named(db, &[id, OrganizationId::fresh()]));
        assert_eq!(named.expect("names").into_iter().collect::<Vec<_>>(), [(id, "Contoso".into())]);
        assert!(house.db.read(|db| store::named(db, &[])).expect("names").is_empty());
    }
}

#[test]
fn sponsors_are_those_who_are_there_but_never_the_guest() {
    for db in databases() {
        let house = House::on(db);
        let kim = guest(&house.db, "Kim Rey", "kim@contoso.example");
        let lou = guest(&house.db, "Lou Ash", "lou@contoso.example");
        let (zoe, gone) = (member(&house.db, "Zoe Ek"), member(&house.db, "Al Gone"));
        let id = connected(&house, "Contoso", &["contoso.example"], &[zoe, kim, gone]);
        disable(&house.db, gone);
        let of = |id| house.db.read(|db| store::sponsors_of(db, id)).expect("an answer");
        let names = |id| of(id).into_iter().map(|(_, name)| name).collect::<Vec<_>>();
        assert_eq!(names(lou), ["Kim Rey", "Zoe Ek"]);
        assert_eq!(names(kim), ["Zoe Ek"]);
        assert_eq!(names(zoe), [""; 0], "members have no sponsors");
        switch(&house, id, false);
        assert_eq!(names(kim), ["Zoe Ek"], "requests in flight still need them");
        let line = &house.db.read(|db| store::lines(db, None, 9)).expect("a list")[0];
        assert_eq!((line.people, line.sponsors), (2, 2));
    }
}
