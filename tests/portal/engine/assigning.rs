//! Access that an owner or administrator gives directly (D10).

use keyholder::error::{Error, Result};
use keyholder::kernel::{RequestId, Risk};
use keyholder::policies::model::{Asks, Scope, Terms};
use keyholder::requests::commands::Assign;
use keyholder::requests::model::{RequestKind, State};
use keyholder::requests::rules::Period;

use crate::support::acts::assignment;
use crate::support::world::{DAY, TARGET, World, at, by_manager, named, refused, terms};

fn wrong(result: Result<RequestId>) -> Vec<String> {
    match result {
        Err(Error::Invalid(errors)) => errors.into_iter().map(|e| e.field.to_string()).collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn d10_it_skips_approval_needs_a_reason_and_sends_the_same_notices() {
    let Some(w) = World::new() else { return };
    let (package, policy) = w.package_and_policy(&[w.role("ledger")], terms(vec![by_manager(&[])]));
    let silent = Assign { reason: " \n ".into(), ..assignment(package, policy, w.ada) };
    assert_eq!(wrong(w.assign(w.cleo, silent)), ["reason"]);
    let long = Assign { reason: "x".repeat(100_000), ..assignment(package, policy, w.ada) };
    assert_eq!(wrong(w.assign(w.cleo, long)), ["reason"]);
    assert!(w.requests_of(w.ada, package).is_empty());
    for (owner, target) in [(w.cleo, w.ada), (w.root, w.eve)] {
        let request = w.assign(owner, assignment(package, policy, target)).unwrap();
        let there = w.request(request);
        assert_eq!((there.kind, there.state), (RequestKind::Assign, State::Delivering));
        assert!(w.stages(request).is_empty());
        assert_eq!(w.assignment(request).ends_at, Some(at("2026-05-31T09:00:00Z")), "90 days");
        w.settle();
        assert_eq!(w.state(request), State::Delivered);
        assert!(w.target.really(&w.external(target), "ledger"));
        let told = w.notices(target);
        assert!(told.iter().any(|n| n.contains("delivered") || n.contains("have")), "{told:?}");
    }
    let before = w.notices(w.ada).len();
    w.pass(90 * DAY);
    w.settle();
    assert!(
        w.notices(w.ada).iter().skip(before).any(|n| n.contains("its time was over")),
        "told of the end"
    );
    let told = w.facts("assigned_directly");
    assert_eq!(told[0].note.as_deref(), Some("she starts today"));
}

#[test]
fn d10_only_by_who_looks_after_the_catalog_and_never_to_themselves() {
    let Some(w) = World::new() else { return };
    let (package, policy) = w.package_and_policy(&[], terms(vec![]));
    for person in [w.ada, w.ben, w.dan] {
        assert!(w.assign(person, assignment(package, policy, w.eve)).is_err());
    }
    for person in [w.cleo, w.root] {
        let no = refused(w.assign(person, assignment(package, policy, person)));
        assert_eq!(no.title, "Nobody assigns access to themselves");
    }
    // What belongs to another catalog is not there for them.
    let mut other = World::new().unwrap();
    other.catalog = other.catalog_of(&[other.dan]);
    let (package, policy) = other.package_and_policy(&[], terms(vec![]));
    other.catalog = other.catalog_of(&[other.cleo]);
    let foreign = other.assign(other.cleo, assignment(package, policy, other.ada));
    assert!(matches!(foreign, Err(Error::Missing)), "{foreign:?}");
    assert!(w.requests_of(w.eve, package).is_empty());
}

#[test]
fn d10_it_obeys_the_scope_the_policys_switches_and_its_package() {
    let Some(w) = World::new() else { return };
    let dans = Scope { people: vec![named(w.dan)], ..Scope::default() };
    let (package, policy) =
        w.package_and_policy(&[], Terms { scope: dans, ..terms(vec![by_manager(&[])]) });
    assert_eq!(wrong(w.assign(w.cleo, assignment(package, policy, w.ada))), ["policy"]);
    let nobodys = w.policy(package, Terms { scope: Scope::default(), ..terms(vec![]) });
    w.assign(w.cleo, assignment(package, nobodys, w.ada)).unwrap();
    let asks = Asks { direct: false, ..Asks::default() };
    let only_asked = w.policy(package, Terms { asks, ..terms(vec![]) });
    assert_eq!(wrong(w.assign(w.cleo, assignment(package, only_asked, w.eve))), ["policy"]);
    let off = w.policy(package, terms(vec![]));
    w.switch_policy(off, false);
    assert_eq!(wrong(w.assign(w.cleo, assignment(package, off, w.eve))), ["policy"]);
    let (other, _) = w.package_and_policy(&[], terms(vec![]));
    let crossed = w.assign(w.cleo, assignment(other, nobodys, w.eve));
    assert!(matches!(crossed, Err(Error::Missing)), "{crossed:?}");
}

#[test]
fn d06_d10_it_obeys_the_rule_of_one_request_and_one_assignment() {
    let Some(w) = World::new() else { return };
    let (package, policy) = w.package_and_policy(&[], terms(vec![by_manager(&[])]));
    let open = w.ask(w.ada, package).unwrap();
    let no = refused(w.assign(w.cleo, assignment(package, policy, w.ada)));
    assert!(no.why.contains(&w.request(open).reference));
    w.approve(w.ben, open).unwrap();
    let no = refused(w.assign(w.cleo, assignment(package, policy, w.ada)));
    assert!(no.title.starts_with("Ada already has"), "{}", no.title);
    let twice = assignment(package, policy, w.eve);
    assert_eq!(w.assign(w.cleo, twice.clone()).unwrap(), w.assign(w.cleo, twice.clone()).unwrap());
    assert!(matches!(w.assign(w.root, twice), Err(Error::Missing)), "somebody else's form");
    w.leave(w.dan);
    refused(w.assign(w.cleo, assignment(package, policy, w.dan)));
}

#[test]
fn d10_it_can_start_later_and_may_be_high_risk() {
    let Some(w) = World::new() else { return };
    let role = w.role_of("vault", Risk::High, false, TARGET);
    let (package, policy) = w.package_and_policy(&[role], terms(vec![by_manager(&[])]));
    let period = Period { starts: Some(at("2026-03-10T00:00:00Z")), ends: None };
    let request =
        w.assign(w.cleo, Assign { period, ..assignment(package, policy, w.ada) }).unwrap();
    assert_eq!(w.state(request), State::Scheduled);
    w.pass(8 * DAY);
    w.settle();
    assert_eq!(w.state(request), State::Delivered);
    let past = Period { starts: Some(at("2020-01-01T00:00:00Z")), ends: None };
    let wrong =
        wrong(w.assign(w.cleo, Assign { period: past, ..assignment(package, policy, w.eve) }));
    assert_eq!(wrong, ["starts"]);
}
