//! The emergency stop (D47): what is open waits, what people have stays, and the time that passed does not count.

use keyholder::access::policy;
use keyholder::error::Error;
use keyholder::kernel::{PersonId, Risk};
use keyholder::policies::model::{Extension, Lifetime, Terms};
use keyholder::policies::stages::{Alternates, StageTerms, Votes};
use keyholder::requests::commands::{self, Submit};
use keyholder::requests::model::State;
use keyholder::requests::rules::Period;
use keyholder::requests::stops::Thing;

use crate::support::acts::assignment;
use crate::support::world::{
    DAY, START, TARGET, World, at, by, by_manager, named, order, refused, terms,
};

fn alternates(after: u32, person: PersonId) -> Option<Alternates> {
    Some(Alternates { after, people: vec![named(person)], groups: vec![], second_manager: false })
}

#[test]
fn d47_whatever_is_stopped_requests_wait_with_their_clocks_and_access_stays() {
    let Some(w) = World::new() else { return };
    let stage = StageTerms { alternates: alternates(3, w.eve), ..by_manager(&[]) };
    for (n, kind) in ["catalog", "package", "policy"].into_iter().enumerate() {
        let (package, policy) = w.package_and_policy(&[w.role(kind)], terms(vec![stage.clone()]));
        let thing = match n {
            0 => Thing::Catalog(w.catalog),
            1 => Thing::Package(package),
            _ => Thing::Policy(policy),
        };
        let holder = w.assign(w.cleo, assignment(package, policy, w.dan)).unwrap();
        w.settle();
        let request = w.ask(w.ada, package).unwrap();
        let opened = w.now();
        w.pass(DAY);
        assert_eq!(w.stop(thing), 1, "{kind}");
        assert_eq!(w.request(request).held_at, Some(w.now()));
        let no = refused(w.approve(w.ben, request));
        assert_eq!(no.title, "This request waits");
        assert!(no.why.contains("Cleo") && no.why.contains("an incident"), "{}", no.why);
        refused(w.deny(w.ben, request));
        let no = refused(w.ask(w.eve, package));
        assert!(no.title.ends_with("cannot be requested at the moment"), "{}", no.title);
        assert!(no.why.contains("an incident"), "{}", no.why);
        refused(w.assign(w.cleo, assignment(package, policy, w.eve)));
        w.pass(40 * DAY);
        assert_eq!(w.tick(), 0, "nothing runs out, nobody joins, nobody is reminded");
        assert_eq!(w.deciders(request), ["Ben"]);
        assert!(w.assignment(holder).ended_at.is_none(), "what people have stays");
        assert_eq!(refused(w.remind(w.ada, request)).title, "Nobody’s decision is awaited");
        assert_eq!(w.let_on(thing), 1);
        let later = |days: i64| opened.plus_seconds((days + 40) * DAY);
        assert_eq!(w.request(request).due_at, Some(later(14)));
        assert_eq!(w.clocks(request), (later(14), Some(later(3)), Some(later(7))));
        w.pass(2 * DAY);
        assert_eq!(w.tick(), 1, "alternates join three days in");
        w.approve(w.eve, request).unwrap();
        assert_eq!(w.state(request), State::Delivering);
        w.dispatch();
        let told = w.notices(w.ada);
        assert!(told.iter().any(|n| n.contains("wait")), "{told:?}");
        w.pass(90 * DAY);
        w.settle();
    }
    assert_eq!(w.facts("stopped").len(), 3);
    assert_eq!((w.facts("request_held").len(), w.facts("request_resumed").len()), (3, 3));
}

#[test]
fn d47_what_two_stops_hold_goes_on_when_the_last_is_gone_with_all_the_time() {
    let Some(w) = World::new() else { return };
    let (package, policy) = w.package_and_policy(&[], terms(vec![by_manager(&[])]));
    let request = w.ask(w.ada, package).unwrap();
    assert_eq!(w.stop(Thing::Catalog(w.catalog)), 1);
    w.pass(DAY);
    assert_eq!(w.stop(Thing::Package(package)), 0, "it waits already");
    assert_eq!(w.stop(Thing::Policy(policy)), 0);
    w.pass(DAY);
    assert_eq!(w.let_on(Thing::Catalog(w.catalog)), 0);
    refused(w.approve(w.ben, request));
    w.pass(DAY);
    assert_eq!(w.let_on(Thing::Policy(policy)), 0);
    assert!(w.request(request).held_at.is_some());
    w.pass(DAY);
    assert_eq!(w.let_on(Thing::Package(package)), 1);
    assert_eq!(w.request(request).due_at, Some(at(START).plus_seconds(18 * DAY)));
    w.approve(w.ben, request).unwrap();
}

#[test]
fn d47_stopped_or_let_on_twice_is_once_and_needs_a_reason_and_the_right_catalog() {
    let Some(w) = World::new() else { return };
    let package = w.package(&[], terms(vec![by_manager(&[])]));
    w.ask(w.ada, package).unwrap();
    let thing = Thing::Package(package);
    let (catalog, foreign) = (w.catalog, w.catalog_of(&[w.dan]));
    let stop = |who, catalog, reason: &'static str| {
        w.by(who, move |tx| {
            let permit = policy::manage_catalog(tx.actor(), catalog)?;
            commands::stop(tx, &permit, thing, reason)
        })
    };
    assert!(matches!(stop(w.cleo, catalog, "  "), Err(Error::Invalid(_))));
    assert!(stop(w.ada, catalog, "mine").is_err());
    assert!(matches!(stop(w.dan, foreign, "theirs"), Err(Error::Missing)), "another catalog's");
    assert!(w.facts("stopped").is_empty());
    assert_eq!((w.stop(thing), w.stop(thing)), (1, 0));
    assert_eq!((w.let_on(thing), w.let_on(thing)), (1, 0));
    assert_eq!((w.facts("stopped").len(), w.facts("let_on").len()), (1, 1));
    w.stop(thing);
}

#[test]
fn d47_another_package_and_another_policy_go_on() {
    let Some(w) = World::new() else { return };
    let (package, policy) = w.package_and_policy(&[], terms(vec![by_manager(&[])]));
    let second = w.policy(package, terms(vec![by(&[w.dan], &[])]));
    let other = w.package(&[], terms(vec![by_manager(&[])]));
    let elsewhere = w.ask(w.ada, other).unwrap();
    let under_second = w.submit(w.eve, Submit { policy: Some(second), ..order(package) }).unwrap();
    w.stop(Thing::Policy(policy));
    w.approve(w.ben, elsewhere).unwrap();
    w.approve(w.dan, under_second).unwrap();
    refused(w.submit(w.ada, Submit { policy: Some(policy), ..order(package) }));
    w.submit(w.ada, Submit { policy: Some(second), ..order(package) }).unwrap();
}

#[test]
fn d47_a_scheduled_start_waits_and_starts_when_it_goes_on() {
    let Some(w) = World::new() else { return };
    let package = w.package(&[w.role("ledger")], terms(vec![]));
    let period = Period { starts: Some(at("2026-03-09T00:00:00Z")), ends: None };
    let request = w.submit(w.ada, Submit { period, ..order(package) }).unwrap();
    w.stop(Thing::Package(package));
    w.pass(20 * DAY);
    w.settle();
    assert_eq!(w.state(request), State::Scheduled);
    assert!(!w.target.really(&w.external(w.ada), "ledger"));
    w.let_on(Thing::Package(package));
    w.settle();
    assert_eq!(w.state(request), State::Delivered);
}

#[test]
fn d47_a_scheduled_start_that_waits_past_its_end_never_starts() {
    let Some(w) = World::new() else { return };
    let short = Terms { lifetime: Lifetime::Days { days: 5 }, ..terms(vec![]) };
    let package = w.package(&[w.role("ledger")], short);
    let period = Period { starts: Some(at("2026-03-09T00:00:00Z")), ends: None };
    let request = w.submit(w.ada, Submit { period, ..order(package) }).unwrap();
    w.stop(Thing::Package(package));
    w.pass(20 * DAY);
    w.settle();
    w.let_on(Thing::Package(package));
    w.settle();
    assert!(w.request(request).ended_at.is_some());
    assert!(w.facts("assignment_started").is_empty());
    assert!(w.target.calls("add").is_empty());
}

#[test]
fn d47_access_that_is_there_ends_as_ever_and_more_time_waits() {
    let Some(w) = World::new() else { return };
    let extension = Some(Extension { approval: true, last_days: None });
    let (package, _) = w.package_and_policy(
        &[w.role("ledger")],
        Terms { extension, ..terms(vec![by_manager(&[])]) },
    );
    let request = w.ask(w.ada, package).unwrap();
    w.approve(w.ben, request).unwrap();
    w.settle();
    let id = w.assignment(request).id;
    w.pass(DAY);
    let more = w.extend(w.ada, id).unwrap();
    w.stop(Thing::Package(package));
    refused(w.approve(w.ben, more));
    w.cancel(w.ada, more).unwrap();
    assert!(refused(w.extend(w.ada, id)).why.contains("an incident"));
    w.pass(90 * DAY);
    w.settle();
    assert!(w.assignment(request).ended_at.is_some());
    assert!(!w.target.really(&w.external(w.ada), "ledger"));
}

#[test]
fn d47_what_waits_can_be_canceled_and_ends_with_a_leaver() {
    let Some(w) = World::new() else { return };
    let package = w.package(&[], terms(vec![by_manager(&[w.dan])]));
    let (one, two) = (w.ask(w.ada, package).unwrap(), w.ask(w.eve, package).unwrap());
    w.stop(Thing::Package(package));
    w.cancel(w.ada, one).unwrap();
    w.leave(w.eve);
    assert_eq!([w.state(one), w.state(two)], [State::Canceled, State::Canceled]);
    assert_eq!(w.let_on(Thing::Package(package)), 0);
}

#[test]
fn d47_a_leaver_whose_vote_was_the_last_one_missing_gives_nothing_while_it_is_stopped() {
    let Some(w) = World::new() else { return };
    let everyone = |people: &[PersonId]| StageTerms { votes: Votes::Everyone, ..by(people, &[]) };
    let last = w.package(&[w.role("ledger")], terms(vec![everyone(&[w.ben, w.dan])]));
    let next = w.package(&[], terms(vec![everyone(&[w.ben, w.dan]), by(&[w.eve], &[])]));
    let (one, two) = (w.ask(w.ada, last).unwrap(), w.ask(w.ada, next).unwrap());
    for request in [one, two] {
        w.approve(w.ben, request).unwrap();
    }
    w.stop(Thing::Catalog(w.catalog));
    w.pass(5 * DAY);
    w.leave(w.dan);
    w.settle();
    assert!(!w.target.really(&w.external(w.ada), "ledger"), "nothing is given while it is stopped");
    assert_eq!(w.state(one), State::PendingApproval);
    w.pass(20 * DAY);
    w.let_on(Thing::Catalog(w.catalog));
    w.settle();
    assert_eq!(w.state(one), State::Delivered, "and goes on when it is let on");
    assert_eq!(w.deciders(two), ["Eve"]);
    assert_eq!(w.request(two).due_at, Some(w.now().plus_seconds(14 * DAY)), "with its whole time");
}

#[test]
fn d47_an_approver_who_leaves_meanwhile_is_replaced() {
    let Some(w) = World::new() else { return };
    let package = w.package(&[], terms(vec![by(&[w.ben], &[w.dan])]));
    let request = w.ask(w.ada, package).unwrap();
    w.stop(Thing::Package(package));
    w.leave(w.ben);
    assert_eq!(w.deciders(request), ["Dan"]);
    refused(w.approve(w.dan, request));
    w.let_on(Thing::Package(package));
    w.approve(w.dan, request).unwrap();
}

#[test]
fn d43_d47_a_new_high_risk_role_denies_what_waits_too() {
    let Some(w) = World::new() else { return };
    let package = w.package(&[], terms(vec![by_manager(&[])]));
    let request = w.ask(w.ada, package).unwrap();
    w.stop(Thing::Package(package));
    w.set_contents(package, &[w.role_of("vault", Risk::High, false, TARGET)]);
    assert_eq!(w.state(request), State::Denied);
}
