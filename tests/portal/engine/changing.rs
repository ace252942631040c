//! What becomes of requests and access when policies and contents change (D1, D16, D17, D18, D43).

use diesel::prelude::*;
use keyholder::access::policy;
use keyholder::assignments;
use keyholder::db::schema::packages;
use keyholder::error::Error;
use keyholder::kernel::{AssignmentId, Fact, PersonId, PolicyId, Risk};
use keyholder::policies;
use keyholder::policies::model::{Asks, Extension, Scope, Terms};
use keyholder::requests::commands::{self, Submit};
use keyholder::requests::model::State;
use keyholder::requests::rules::Period;

use crate::support::world::{DAY, TARGET, World, at, by, by_manager, named, order, refused, terms};

#[test]
fn d43_a_new_high_risk_role_asks_for_a_new_request() {
    let Some(w) = World::new() else { return };
    let package = w.package(&[w.role("ledger")], terms(vec![by_manager(&[w.dan])]));
    let open = w.ask(w.ada, package).unwrap();
    let period = Period { starts: Some(at("2026-04-01T00:00:00Z")), ends: None };
    let later = w.submit(w.eve, Submit { period, ..order(package) }).unwrap();
    w.approve(w.dan, later).unwrap();
    assert_eq!(w.state(later), State::Scheduled);
    let kept = w.ask(w.person("Kim"), package).unwrap();
    w.approve(w.dan, kept).unwrap();
    w.deliver();
    let stage = w.last_stage(open).id;
    w.set_contents(package, &[w.role_of("vault", Risk::High, false, TARGET)]);
    for request in [open, later] {
        assert_eq!(w.state(request), State::Denied);
        let told = &w.facts_of("request_denied", request)[0].fact;
        let Fact::RequestDenied { rule } = told else { panic!() };
        assert!(rule.starts_with("a high-risk role was added"), "{rule}");
    }
    let late = w.decide(w.ben, open, stage, keyholder::requests::model::Verdict::Approve, "ok");
    assert!(matches!(late, Err(Error::Refused(_))), "{late:?}");
    assert_eq!(w.state(kept), State::Delivered, "what is held follows the contents (D21)");
    let anew = w.ask(w.ada, package).unwrap();
    assert_eq!(w.request(anew).contents_version, 2);
    w.settle();
}

#[test]
fn d43_an_ordinary_change_leaves_the_request_open_with_its_version() {
    let Some(w) = World::new() else { return };
    let (a, b) = (w.role("a"), w.role("b"));
    let high = w.role_of("vault", Risk::High, false, TARGET);
    let package = w.package(&[a, high], terms(vec![by_manager(&[])]));
    let request = w.ask(w.ada, package).unwrap();
    w.set_contents(package, &[a, b, high]);
    w.set_contents(package, &[b]);
    assert_eq!(w.state(request), State::PendingApproval, "nothing new is high risk");
    assert_eq!(w.request(request).contents_version, 1);
    w.approve(w.ben, request).unwrap();
    w.settle();
    assert!(w.target.really(&w.external(w.ada), "b"));
}

#[test]
fn d43_more_time_for_what_is_held_goes_on() {
    let Some(w) = World::new() else { return };
    let extension = Some(Extension { approval: true, last_days: None });
    let stage = by_manager(&[w.dan]);
    let package = w.package(&[w.role("a")], Terms { extension, ..terms(vec![stage]) });
    let request = w.ask(w.ada, package).unwrap();
    w.approve(w.ben, request).unwrap();
    w.settle();
    w.pass(DAY);
    let more = w.extend(w.ada, w.assignment(request).id).unwrap();
    w.set_contents(package, &[w.role_of("vault", Risk::High, false, TARGET)]);
    assert_eq!(w.state(more), State::PendingApproval);
    let stage = w.last_stage(more).id;
    w.decide(w.ben, more, stage, keyholder::requests::model::Verdict::Approve, "needed").unwrap();
    w.settle();
}

#[test]
fn d01_every_part_of_the_terms_is_frozen() {
    let Some(w) = World::new() else { return };
    let stages = vec![by(&[w.ben], &[]), by(&[w.ben, w.dan], &[])];
    let before = Terms { decides_twice: true, ..terms(stages) };
    let (package, policy) = w.package_and_policy(&[], before.clone());
    let request = w.ask(w.ada, package).unwrap();
    w.edit_policy(policy, &Terms { decides_twice: false, ..terms(vec![by(&[w.eve], &[])]) });
    assert_eq!(w.request(request).terms, before);
    w.approve(w.ben, request).unwrap();
    assert_eq!(w.deciders(request), ["Ben", "Dan"], "twice, as it was said then");
    let after = w.ask(w.cleo, package).unwrap();
    assert_eq!((w.deciders(after), w.request(after).policy_version), (vec!["Eve".into()], 2));
    w.switch_policy(policy, false);
    w.approve(w.ben, request).unwrap();
    assert_eq!(w.state(request), State::Delivered, "switched off, it takes nothing new only");
    assert!(w.ask(w.dan, package).is_err());
}

fn move_to(
    w: &World,
    who: PersonId,
    id: AssignmentId,
    to: PolicyId,
) -> keyholder::error::Result<()> {
    let catalog = w.catalog;
    w.by(who, move |tx| {
        let permit = policy::manage_assignment(tx.actor(), catalog)?;
        assignments::commands::move_to(tx, &permit, id, to).map(|_| ())
    })
}

#[test]
fn d16_an_assignment_moves_to_another_policy_and_keeps_its_end() {
    let Some(w) = World::new() else { return };
    let (package, from) = w.package_and_policy(&[w.role("a")], terms(vec![]));
    let to = w.policy(package, Terms { scope: Scope::default(), ..terms(vec![by_manager(&[])]) });
    let request = w.ask(w.ada, package).unwrap();
    w.settle();
    let before = w.assignment(request);
    assert_eq!(before.policy_id, from);
    assert!(move_to(&w, w.ada, before.id, to).is_err());
    let (_, foreign) = w.package_and_policy(&[], terms(vec![]));
    assert!(matches!(move_to(&w, w.cleo, before.id, foreign), Err(Error::Missing)));
    move_to(&w, w.cleo, before.id, to).unwrap();
    move_to(&w, w.cleo, before.id, to).unwrap();
    let after = w.assignment(request);
    assert_eq!((after.policy_id, after.ends_at), (to, before.ends_at));
    assert_eq!(w.facts("assignment_moved").len(), 1, "twice is once");
    w.pass(90 * DAY);
    w.settle();
    refused(move_to(&w, w.cleo, before.id, from));
}

#[test]
fn d17_who_is_named_comes_first_then_all_members_then_all_users() {
    let Some(w) = World::new() else { return };
    let scope = |scope| Terms { scope, ..terms(vec![by_manager(&[w.root])]) };
    let (package, users) =
        w.package_and_policy(&[], scope(Scope { all_users: true, ..Scope::default() }));
    let group = w.group(&[w.dan]);
    let members = w.policy(package, scope(Scope { all_members: true, ..Scope::default() }));
    let groups = w.policy(package, scope(Scope { groups: vec![named(group)], ..Scope::default() }));
    let people = w.policy(package, scope(Scope { people: vec![named(w.eve)], ..Scope::default() }));
    for (person, expected) in [(w.ada, members), (w.dan, groups), (w.eve, people)] {
        let request = w.ask(person, package).unwrap();
        assert_eq!(w.request(request).policy_id, expected);
    }
    // A policy of a later class cannot be chosen past the first.
    refused(w.submit(w.cleo, Submit { policy: Some(users), ..order(package) }));
    // On a tie either can be.
    let tie = w.policy(package, scope(Scope { all_members: true, ..Scope::default() }));
    let request = w.submit(w.cleo, Submit { policy: Some(tie), ..order(package) }).unwrap();
    assert_eq!(w.request(request).policy_id, tie);
    // Who may not ask under the first class asks under none: the class is decided by scope and switches together.
    let (_, guest) = w.organization("partner.example", &[]);
    let request = w.ask(guest, package).unwrap();
    assert_eq!(w.request(request).policy_id, users);
}

#[test]
fn d18_what_is_hidden_is_asked_for_by_its_link_by_those_in_scope_only() {
    let Some(w) = World::new() else { return };
    let scope = Scope { people: vec![named(w.ada)], ..Scope::default() };
    let asks = Asks { manager: true, ..Asks::default() };
    let package = w.package(&[], Terms { scope, asks, ..terms(vec![by(&[w.dan], &[])]) });
    w.run(move |tx| {
        diesel::update(packages::table.find(package))
            .set(packages::hidden.eq(true))
            .execute(tx.db())?;
        Ok(())
    });
    assert!(matches!(w.ask(w.eve, package), Err(Error::Missing)), "it is not there for her");
    let request = w.ask(w.ada, package).unwrap();
    w.cancel(w.ada, request).unwrap();
    w.ask_for(w.ben, w.ada, order(package)).unwrap();
}

#[test]
fn d15_a_policy_is_deleted_only_when_nothing_hangs_on_it() {
    let Some(w) = World::new() else { return };
    let (package, policy) = w.package_and_policy(&[w.role("a")], terms(vec![by_manager(&[w.dan])]));
    let other = w.policy(package, Terms { scope: Scope::default(), ..terms(vec![]) });
    let held = w.ask(w.ada, package).unwrap();
    w.approve(w.ben, held).unwrap();
    w.settle();
    let open = w.ask(w.eve, package).unwrap();
    let catalog = w.catalog;
    let delete = || {
        w.by(w.cleo, move |tx| {
            let permit = policy::manage_catalog(tx.actor(), catalog)?;
            policies::commands::delete(tx, &permit, policy)
        })
    };
    let no = refused(delete());
    assert!(no.why.starts_with("1 open request and 1 active assignment hang on it"), "{}", no.why);
    let cancel = |note: &'static str| {
        w.by(w.cleo, move |tx| {
            let permit = policy::manage_catalog(tx.actor(), catalog)?;
            commands::cancel_under_policy(tx, &permit, policy, note)
        })
    };
    assert!(matches!(cancel(" "), Err(Error::Invalid(_))), "not without a reason");
    assert_eq!(cancel("a new policy comes").unwrap(), 1);
    assert_eq!(w.state(open), State::Canceled);
    assert!(refused(delete()).why.starts_with("0 open requests and 1 active assignment"));
    move_to(&w, w.cleo, w.assignment(held).id, other).unwrap();
    delete().unwrap();
    assert!(matches!(delete(), Err(Error::Missing)), "it is gone");
    assert!(w.ask(w.eve, package).is_err(), "nobody asks under it");
    assert_eq!(w.request(open).terms.stages.len(), 1, "what it said stays on its requests");
    assert!(w.assignment(held).ended_at.is_none());
}

#[test]
fn d15_what_is_delivered_or_scheduled_is_in_the_way_too() {
    let Some(w) = World::new() else { return };
    let (package, policy) = w.package_and_policy(&[w.role("a")], terms(vec![]));
    let period = Period { starts: Some(at("2026-04-01T00:00:00Z")), ends: None };
    let later = w.submit(w.ada, Submit { period, ..order(package) }).unwrap();
    w.ask(w.eve, package).unwrap();
    let catalog = w.catalog;
    let delete = || {
        w.by(w.cleo, move |tx| {
            let permit = policy::manage_catalog(tx.actor(), catalog)?;
            policies::commands::delete(tx, &permit, policy)
        })
    };
    refused(delete());
    w.cancel(w.ada, later).unwrap();
    refused(delete());
    w.end(w.cleo, w.assignment(w.requests_of(w.eve, package)[0]).id).unwrap();
    delete().unwrap();
    w.settle();
}

#[test]
fn d02_an_owner_who_has_a_package_does_not_put_a_high_risk_role_into_it() {
    let Some(w) = World::new() else { return };
    let ledger = w.role("ledger");
    let package = w.package(&[ledger], terms(vec![]));
    w.ask(w.cleo, package).unwrap();
    w.settle();
    let vault = w.role_of("vault", Risk::High, false, TARGET);
    let no = w.try_set_contents(package, &[ledger, vault]);
    assert!(matches!(no, Err(Error::Refused(_))), "{no:?}");
    w.settle();
    assert!(!w.target.really(&w.external(w.cleo), "vault"));
}
