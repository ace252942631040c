use diesel::prelude::*;

use super::model::{Class, Lifetime, Named, Saved, Scope, Terms};
use super::stages::{Approvers, StageTerms};
use super::{commands, store};
use crate::access::policy;
use crate::db::By;
use crate::db::schema::policy_scopes;
use crate::db::testing::databases;
use crate::delegation::testing::{
    House, disable, everyone, fields, group, member, only, somebody, terms, through,
};
use crate::error::{Error, Result};
use crate::kernel::{GroupId, Kind, PersonId, PolicyId};

fn change(house: &House, id: PolicyId, seen: i64, name: &str, terms: &Terms) -> Result<Saved> {
    let (catalog, name, terms) = (house.catalog, name.to_owned(), terms.clone());
    house.db.write(By::Person(house.ada), move |tx| {
        let permit = policy::manage_catalog(tx.actor(), catalog)?;
        commands::change(tx, &permit, id, seen, &name, &terms)
    })
}

fn switch(house: &House, id: PolicyId, on: bool) {
    let catalog = house.catalog;
    house
        .db
        .write(By::Person(house.ada), move |tx| {
            let permit = policy::manage_catalog(tx.actor(), catalog)?;
            commands::switch(tx, &permit, id, on)
        })
        .expect("switched");
}

fn scope_rows(house: &House, id: PolicyId) -> Vec<(String, Option<PersonId>, Option<GroupId>)> {
    house
        .db
        .read(|db| {
            Ok(policy_scopes::table
                .filter(policy_scopes::policy_id.eq(id))
                .order(policy_scopes::kind)
                .select((policy_scopes::kind, policy_scopes::person_id, policy_scopes::group_id))
                .load(db)?)
        })
        .expect("rows")
}

#[test]
fn d01_every_version_is_kept_and_the_scope_follows() {
    for db in databases() {
        let house = House::on(db);
        let ann = member(&house.db, "Ann");
        let team = group(&house.db, "Team", &[ann]);
        let package = house.package("Month-end", &[]);
        let id = house.policy(package, "Standard", everyone());
        assert_eq!(scope_rows(&house, id), [("all_members".into(), None, None)]);

        let mut next = terms(only(&[ann, ann]));
        next.scope.groups = through(team).groups;
        next.lifetime = Lifetime::Never;
        assert_eq!(change(&house, id, 1, "Named", &next).expect("changed").version, 2);
        assert_eq!(change(&house, id, 1, "Named", &next).expect("sent twice").version, 2);
        assert_eq!(
            scope_rows(&house, id),
            [("group".into(), None, Some(team)), ("person".into(), Some(ann), None)]
        );
        let stale = change(&house, id, 1, "Late", &terms(everyone()));
        assert!(matches!(stale, Err(Error::Refused(_))));

        let versions = house.db.read(|db| store::versions(db, id)).expect("versions");
        let words: Vec<_> =
            versions.iter().map(|v| (v.version, v.name.as_str(), v.made_by.as_str())).collect();
        assert_eq!(words, [(2, "Named", "Ada Lund"), (1, "Standard", "Ada Lund")]);
        assert_eq!(versions[1].terms, terms(everyone()));
        assert_eq!(versions[0].terms.scope.people[0].name, "Ann");
    }
}

#[test]
fn a_policy_is_made_once_and_its_name_is_unique_in_its_package() {
    for db in databases() {
        let house = House::on(db);
        let (one, two) = (house.package("One", &[]), house.package("Two", &[]));
        let id = PolicyId::fresh();
        house.new_policy(id, one, "Standard", &terms(everyone())).expect("made");
        house.new_policy(id, one, "Standard", &terms(everyone())).expect("sent twice");
        let elsewhere = house.new_policy(id, two, "Standard", &terms(everyone()));
        assert!(matches!(elsewhere, Err(Error::Missing)));
        let mut wrong = terms(everyone());
        wrong.lifetime = Lifetime::Days { days: 0 };
        let same = house.new_policy(PolicyId::fresh(), one, " standard", &wrong);
        assert_eq!(fields(same), ["name", "days"]);
        assert_eq!(house.facts().iter().filter(|k| *k == "policy_created").count(), 1);
    }
}

#[test]
fn terms_are_checked_against_the_directory() {
    for db in databases() {
        let house = House::on(db);
        let gone = member(&house.db, "Lee");
        disable(&house.db, gone);
        let empty = group(&house.db, "Nobody yet", &[gone]);
        let package = house.package("Month-end", &[]);
        let mut draft = terms(only(&[gone, PersonId::fresh()]));
        let named = Named { id: empty, name: String::new() };
        draft.stages = vec![
            StageTerms::simple(Approvers::Manager, vec![], 14),
            StageTerms::simple(Approvers::group(named), vec![], 14),
        ];
        let made = house.new_policy(PolicyId::fresh(), package, "P", &draft);
        assert_eq!(fields(made), ["people", "people", "stage1-fallback", "stage2-groups"]);
    }
}

#[test]
fn d17_policies_apply_by_scope_those_that_name_the_person_first() {
    for db in databases() {
        let house = House::on(db);
        let (ann, bo) = (member(&house.db, "Ann"), member(&house.db, "Bo"));
        let guest = somebody(&house.db, "Gil", Kind::Guest, false);
        let team = group(&house.db, "Team", &[ann, guest]);
        let package = house.package("Month-end", &[]);
        house.policy(package, "All", everyone());
        house.policy(package, "Team", through(team));
        let both = Scope { all_members: true, ..only(&[ann]) };
        house.policy(package, "Both", both);
        let off = house.policy(package, "Off", everyone());
        switch(&house, off, false);
        house.policy(house.package("Other", &[]), "Elsewhere", everyone());

        let names = |person| {
            let all = house.db.read(|db| {
                let who = store::who(db, person)?;
                store::policies_for(db, package, &who, &who)
            });
            let all = all.expect("policies").into_iter();
            all.map(|a| (a.policy.name, a.class == Class::Named)).collect::<Vec<_>>()
        };
        assert_eq!(
            names(ann),
            [("Team".into(), true), ("Both".into(), true), ("All".into(), false)]
        );
        assert_eq!(names(bo), [("All".into(), false), ("Both".into(), false)]);
        assert_eq!(names(guest), [("Team".into(), true)]);
        disable(&house.db, ann);
        assert_eq!(names(ann), []);
        switch(&house, off, true);
        switch(&house, off, true);
        assert_eq!(names(bo).len(), 3);
        assert_eq!(house.facts().iter().filter(|k| *k == "policy_switched").count(), 2);
    }
}
