//! What is given back can be taken again for a while (D42).

use keyholder::error::Error;
use keyholder::kernel::{AssignmentId, PackageId, PolicyId, RequestId, Risk};
use keyholder::policies::model::{Lifetime, Scope, Terms};
use keyholder::requests::model::{RequestKind, State};
use keyholder::requests::stops::Thing;

use crate::support::world::{DAY, TARGET, World, at, by_manager, named, refused, terms};

struct Given {
    package: PackageId,
    policy: PolicyId,
    assignment: AssignmentId,
    back: RequestId,
}

/// Ada held a package, and has just given it back.
fn given(w: &World, terms: Terms) -> Given {
    let role = match w.facts("given_back").len() {
        0 => w.role("ledger"),
        n => w.role(&format!("ledger {n}")),
    };
    let (package, policy) = w.package_and_policy(&[role], terms);
    let request = w.ask(w.ada, package).unwrap();
    if let Some(decider) = w.a_decider(request) {
        w.approve(decider, request).unwrap();
    }
    w.deliver();
    w.pass(10 * DAY);
    let assignment = w.assignment(request).id;
    let back = w.give_back(w.ada, assignment).unwrap();
    w.pass(60);
    Given { package, policy, assignment, back }
}

fn why_not(w: &World, it: &Given) -> String {
    let no = refused(w.take_again(w.ada, it.back));
    assert!(no.title.ends_with("has to be requested again"), "{}", no.title);
    assert!(no.ways[0].1.as_deref() == Some(&format!("/packages/{}/request", it.package)));
    no.why
}

#[test]
fn d42_it_is_given_back_at_once_and_taken_again_with_its_end_and_without_approval() {
    let Some(w) = World::new() else { return };
    let it = given(&w, terms(vec![by_manager(&[])]));
    let back = w.request(it.back);
    assert_eq!((back.kind, back.state), (RequestKind::GiveBack, State::Delivered));
    w.deliver();
    assert!(!w.target.really(&w.external(w.ada), "ledger"), "it is gone");
    w.pass(DAY);
    let again = w.take_again(w.ada, it.back).unwrap();
    let there = w.request(again);
    assert_eq!((there.kind, there.state), (RequestKind::TakeAgain, State::Delivering));
    assert!(w.stages(again).is_empty(), "nobody was asked");
    w.settle();
    assert!(w.target.really(&w.external(w.ada), "ledger"));
    assert_eq!(
        w.assignment(again).ends_at,
        Some(at("2026-05-31T09:00:00Z")),
        "the end that it had"
    );
    w.pass(80 * DAY);
    w.tick();
    assert!(w.assignment(again).ended_at.is_some());
    w.deliver();
}

#[test]
fn d42_sent_twice_it_is_given_back_and_taken_again_once() {
    let Some(w) = World::new() else { return };
    let it = given(&w, terms(vec![]));
    assert_eq!(w.give_back(w.ada, it.assignment).unwrap(), it.back);
    w.take_again(w.ada, it.back).unwrap();
    assert!(why_not(&w, &it).starts_with("It was requested"), "the second button is another one");
    assert_eq!((w.facts("given_back").len(), w.facts("taken_again").len()), (1, 1));
    w.deliver();
}

#[test]
fn d42_not_after_thirty_days() {
    let Some(w) = World::new() else { return };
    let it = given(&w, terms(vec![]));
    w.pass(30 * DAY - 60);
    assert_eq!(why_not(&w, &it), "It was given back more than 30 days ago.");
    let it = given(&w, terms(vec![]));
    w.pass(30 * DAY - 61);
    w.take_again(w.ada, it.back).unwrap();
    w.deliver();
}

#[test]
fn d42_not_after_its_original_end() {
    let Some(w) = World::new() else { return };
    let it = given(&w, Terms { lifetime: Lifetime::Days { days: 20 }, ..terms(vec![]) });
    w.pass(10 * DAY);
    assert_eq!(why_not(&w, &it), "It would have ended meanwhile.");
}

#[test]
fn d42_not_under_another_version_of_the_policy_or_of_the_contents() {
    let Some(w) = World::new() else { return };
    let it = given(&w, terms(vec![]));
    w.edit_policy(it.policy, &Terms { reason_required: true, ..terms(vec![]) });
    assert_eq!(why_not(&w, &it), "Its policy has changed since.");
    let it = given(&w, terms(vec![]));
    w.switch_policy(it.policy, false);
    assert_eq!(why_not(&w, &it), "Its policy has changed since.");
    let it = given(&w, terms(vec![]));
    w.set_contents(it.package, &[w.role_of("vault", Risk::High, false, TARGET)]);
    assert_eq!(why_not(&w, &it), "What is in the package has changed since.");
}

#[test]
fn d42_not_if_somebody_denied_it_or_took_it_away_since() {
    let Some(w) = World::new() else { return };
    let it = given(&w, terms(vec![by_manager(&[])]));
    let asked = w.ask(w.ada, it.package).unwrap();
    let open = why_not(&w, &it);
    assert!(open.starts_with("It was requested"), "{open}");
    w.deny(w.ben, asked).unwrap();
    assert_eq!(why_not(&w, &it), "It was requested, denied or ended again since.");
    // Taken again and ended by the owner: the first giving back is no key to it any more.
    let it = given(&w, terms(vec![]));
    let again = w.take_again(w.ada, it.back).unwrap();
    w.deliver();
    w.pass(60);
    w.end(w.cleo, w.assignment(again).id).unwrap();
    assert_eq!(why_not(&w, &it), "It was requested, denied or ended again since.");
    w.deliver();
}

#[test]
fn d42_a_request_that_was_only_canceled_since_does_not_count() {
    let Some(w) = World::new() else { return };
    let it = given(&w, terms(vec![by_manager(&[])]));
    let asked = w.ask(w.ada, it.package).unwrap();
    w.cancel(w.ada, asked).unwrap();
    w.take_again(w.ada, it.back).unwrap();
    w.deliver();
}

#[test]
fn d42_not_for_who_fell_out_of_scope_nor_while_it_is_stopped_nor_by_others() {
    let Some(w) = World::new() else { return };
    let group = w.group(&[w.ada]);
    let scope = Scope { groups: vec![named(group)], ..Scope::default() };
    let it = given(&w, Terms { scope, ..terms(vec![]) });
    assert!(matches!(w.take_again(w.eve, it.back), Err(Error::Missing)));
    assert!(matches!(w.take_again(w.cleo, it.back), Err(Error::Missing)));
    w.stop(Thing::Package(it.package));
    let stopped = why_not(&w, &it);
    assert!(stopped.contains("stopped"), "{stopped}");
    w.let_on(Thing::Package(it.package));
    w.leave_group(group, w.ada);
    let gone = why_not(&w, &it);
    assert!(gone.contains("does not let this person request it"), "{gone}");
}

#[test]
fn d42_what_is_no_giving_back_is_not_taken_again() {
    let Some(w) = World::new() else { return };
    let package = w.package(&[], terms(vec![by_manager(&[])]));
    let request = w.ask(w.ada, package).unwrap();
    assert!(matches!(w.take_again(w.ada, request), Err(Error::Missing)));
    assert!(matches!(w.take_again(w.ada, RequestId::fresh()), Err(Error::Missing)));
}

#[test]
fn d42_who_left_and_came_back_takes_nothing_again_that_ended_with_leaving() {
    let Some(w) = World::new() else { return };
    let it = given(&w, terms(vec![]));
    w.take_again(w.ada, it.back).unwrap();
    w.deliver();
    w.pass(60);
    w.leave(w.ada);
    w.come_back(w.ada);
    assert_eq!(why_not(&w, &it), "It was requested, denied or ended again since.");
    w.deliver();
}
