//! What is wanted on a target: the last assignment, what was held before, contents that change.

use keyholder::assignments::model::RightState;
use keyholder::kernel::{Fact, Risk};
use keyholder::provisioning::reconcile;
use keyholder::requests::model::State;

use crate::support::target::Mood;
use crate::support::world::{TARGET, World, terms};

#[test]
fn d21_a_right_goes_with_the_last_assignment_that_gives_it() {
    let Some(w) = World::new() else { return };
    let shared = w.role("ledger");
    let one = w.package(&[shared], terms(vec![]));
    let two = w.package(&[shared, w.role("vault")], terms(vec![]));
    let ada = w.external(w.ada);
    let (first, second) = (w.ask(w.ada, one).unwrap(), w.ask(w.ada, two).unwrap());
    w.deliver();
    w.end(w.cleo, w.assignment(first).id).unwrap();
    w.deliver();
    assert!(w.target.really(&ada, "ledger"), "the second one still gives it");
    assert!(w.target.calls("remove").is_empty());
    w.end(w.cleo, w.assignment(second).id).unwrap();
    w.deliver();
    assert!(!w.target.really(&ada, "ledger") && !w.target.really(&ada, "vault"));
    let states: Vec<_> = w.standing(second).iter().map(|s| (s.wanted, s.state)).collect();
    assert_eq!(states, [(false, RightState::Gone); 2]);
    assert_eq!(w.facts("right_removed").len(), 2);
}

#[test]
fn d21_a_right_that_is_there_already_delivers_the_second_package_too() {
    let Some(w) = World::new() else { return };
    let shared = w.role("ledger");
    let one = w.package(&[shared], terms(vec![]));
    let two = w.package(&[shared], terms(vec![]));
    let first = w.ask(w.ada, one).unwrap();
    w.deliver();
    let second = w.ask(w.ada, two).unwrap();
    w.deliver();
    assert_eq!((w.state(first), w.state(second)), (State::Delivered, State::Delivered));
}

#[test]
fn d21_what_is_wanted_again_before_it_is_removed_stays() {
    let Some(w) = World::new() else { return };
    let package = w.package(&[w.role("ledger")], terms(vec![]));
    let ada = w.external(w.ada);
    let first = w.ask(w.ada, package).unwrap();
    w.deliver();
    w.target.mood(Mood::Refuses);
    w.end(w.cleo, w.assignment(first).id).unwrap();
    w.deliver();
    w.target.mood(Mood::Honest);
    let second = w.ask(w.ada, package).unwrap();
    w.deliver();
    assert_eq!(w.state(second), State::Delivered);
    assert!(w.target.really(&ada, "ledger"));
    // It was never held before the first assignment, so it goes with the last.
    w.end(w.cleo, w.assignment(second).id).unwrap();
    w.deliver();
    assert!(!w.target.really(&ada, "ledger"));
}

#[test]
fn d22_what_was_held_before_is_left_in_place_and_the_owner_is_told() {
    let Some(w) = World::new() else { return };
    let package = w.package(&[w.role("ledger")], terms(vec![]));
    let ada = w.external(w.ada);
    w.target.give(&ada, "ledger");
    for round in 1..=2 {
        let request = w.ask(w.ada, package).unwrap();
        w.deliver();
        assert_eq!(w.state(request), State::Delivered);
        assert!(w.standing(request)[0].held_before);
        w.end(w.cleo, w.assignment(request).id).unwrap();
        w.deliver();
        assert!(w.target.really(&ada, "ledger"), "left in place");
        assert_eq!(w.standing(request)[0].state, RightState::Kept);
        assert_eq!(w.facts("right_held_before").len(), round, "told each time");
        assert_eq!(w.facts("right_kept").len(), round);
    }
    assert!(w.target.calls("add").is_empty() && w.target.calls("remove").is_empty());
    w.dispatch();
    assert!(w.notices(w.cleo).iter().any(|n| n.contains("before this assignment")));
    assert!(w.notices(w.cleo).iter().any(|n| n.contains("keeps Member in ledger")));
}

#[test]
fn d22_what_is_given_by_hand_between_two_assignments_was_held_before_the_second() {
    let Some(w) = World::new() else { return };
    let package = w.package(&[w.role("ledger")], terms(vec![]));
    let ada = w.external(w.ada);
    let first = w.ask(w.ada, package).unwrap();
    w.deliver();
    w.end(w.cleo, w.assignment(first).id).unwrap();
    w.deliver();
    assert_eq!(w.standing(first)[0].state, RightState::Gone);
    w.target.give(&ada, "ledger");
    let second = w.ask(w.ada, package).unwrap();
    w.deliver();
    w.end(w.cleo, w.assignment(second).id).unwrap();
    w.deliver();
    assert!(w.target.really(&ada, "ledger"), "left in place");
}

#[test]
fn d22_managed_here_it_is_removed() {
    let Some(w) = World::new() else { return };
    let managed = w.role_of("ledger", Risk::Ordinary, true, TARGET);
    let package = w.package(&[managed], terms(vec![]));
    let ada = w.external(w.ada);
    w.target.give(&ada, "ledger");
    let request = w.ask(w.ada, package).unwrap();
    w.deliver();
    assert!(w.standing(request)[0].held_before);
    w.end(w.cleo, w.assignment(request).id).unwrap();
    w.deliver();
    assert!(!w.target.really(&ada, "ledger"));
    assert_eq!(w.standing(request)[0].state, RightState::Gone);
}

#[test]
fn d22_our_own_write_with_an_unknown_outcome_was_not_held_before() {
    let Some(w) = World::new() else { return };
    let package = w.package(&[w.role("ledger")], terms(vec![]));
    let ada = w.external(w.ada);
    w.target.mood(Mood::TimesOutDone);
    let request = w.ask(w.ada, package).unwrap();
    w.deliver();
    assert!(w.target.really(&ada, "ledger"), "it was done, and nobody knows");
    w.target.mood(Mood::Honest);
    w.pass(3600);
    w.deliver();
    assert_eq!(w.state(request), State::Delivered);
    assert!(!w.standing(request)[0].held_before);
    w.end(w.cleo, w.assignment(request).id).unwrap();
    w.deliver();
    assert!(!w.target.really(&ada, "ledger"), "ours, so it goes");
}

#[test]
fn d22_what_ends_before_anybody_looked_is_kept_if_it_was_there() {
    let Some(w) = World::new() else { return };
    let package = w.package(&[w.role("ledger"), w.role("vault")], terms(vec![]));
    w.target.give(&w.external(w.ada), "ledger");
    let request = w.ask(w.ada, package).unwrap();
    w.end(w.cleo, w.assignment(request).id).unwrap();
    w.deliver();
    assert_eq!(w.state(request), State::Undelivered);
    let states: Vec<_> = w.standing(request).into_iter().map(|s| (s.resource, s.state)).collect();
    assert_eq!(
        states,
        [("ledger".to_owned(), RightState::Kept), ("vault".to_owned(), RightState::Gone)]
    );
}

#[test]
fn contents_that_change_reach_everybody_who_holds_the_package() {
    let Some(w) = World::new() else { return };
    let (old, kept, new) = (w.role("old"), w.role("kept"), w.role("new"));
    let package = w.package(&[old, kept], terms(vec![]));
    let other = w.package(&[old], terms(vec![]));
    let (ada, eve) = (w.external(w.ada), w.external(w.eve));
    w.ask(w.ada, package).unwrap();
    w.ask(w.eve, package).unwrap();
    w.ask(w.eve, other).unwrap();
    w.deliver();
    w.set_contents(package, &[new, kept]);
    w.deliver();
    assert!(!w.target.really(&ada, "old") && w.target.really(&ada, "kept"));
    assert!(w.target.really(&eve, "old"), "another assignment still gives it");
    assert!(w.target.really(&ada, "new") && w.target.really(&eve, "new"));
    // What no assignment gives any more is about the person and the catalog, and its owner still hears of trouble.
    w.target.mood(Mood::Refuses);
    w.set_contents(package, &[new]);
    w.deliver();
    w.dispatch();
    let told = w.notices(w.cleo);
    assert!(told.iter().any(|n| n.starts_with("Removing Member in kept for Ada")), "{told:?}");
    w.pass(3_600);
    assert_eq!(reconcile::tell_overdue(&w.db).unwrap(), 2);
    w.target.mood(Mood::Honest);
    w.deliver();
    assert!(!w.target.really(&ada, "kept"));
}

#[test]
fn contents_that_lose_what_was_not_confirmed_complete_the_delivery() {
    let Some(w) = World::new() else { return };
    let lost = w.role_of("lost", Risk::Ordinary, false, "Nowhere");
    let ledger = w.role("ledger");
    let package = w.package(&[ledger, lost], terms(vec![]));
    let request = w.ask(w.ada, package).unwrap();
    w.deliver();
    assert_eq!(w.state(request), State::Delivering);
    let told = w.facts("delivery_troubled");
    let Fact::DeliveryTroubled { code, words, .. } = &told[0].fact else { panic!("{told:?}") };
    assert_eq!(code, "misconfigured");
    assert!(words.contains("no target system named “Nowhere” is configured"));
    w.set_contents(package, &[ledger]);
    assert_eq!(w.state(request), State::Delivered);
}

#[test]
fn a_package_without_contents_is_delivered_at_once() {
    let Some(w) = World::new() else { return };
    let package = w.package(&[], terms(vec![]));
    let request = w.ask(w.ada, package).unwrap();
    assert_eq!(w.state(request), State::Delivered);
    let told = w.facts_of("request_approved", request);
    assert!(matches!(told[0].fact, Fact::RequestApproved { automatic: true }));
}
