//! Delivery against a target that misbehaves: nothing is believed, everything is tried again, and told once.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use keyholder::assignments::model::RightState;
use keyholder::assignments::rights::{self, Claiming, Seen};
use keyholder::db::{By, Tx};
use keyholder::kernel::{Clock, Fact, RequestId, Ts};
use keyholder::policies::model::{Lifetime, Terms};
use keyholder::provisioning::connectors::Targets;
use keyholder::provisioning::reconcile;
use keyholder::requests::model::State;

use crate::support::target::Mood;
use crate::support::world::{DAY, TARGET, World, terms};

/// Ada holds the ledger, delivered.
fn held(w: &World) -> RequestId {
    let package = w.package(&[w.role("ledger")], terms(vec![]));
    let request = w.ask(w.ada, package).unwrap();
    w.deliver();
    assert_eq!(w.state(request), State::Delivered);
    request
}

#[test]
fn d23_a_target_that_lies_never_shows_delivered() {
    let Some(w) = World::new() else { return };
    let package = w.package(&[w.role("ledger")], terms(vec![]));
    w.target.mood(Mood::Lies);
    let request = w.ask(w.ada, package).unwrap();
    for _ in 0..5 {
        w.deliver();
        assert_eq!(
            (w.state(request), w.standing(request)[0].state),
            (State::Delivering, RightState::Adding)
        );
        w.pass(DAY);
        w.tick();
    }
    assert!(w.facts("right_delivered").is_empty() && w.facts("request_delivered").is_empty());
    assert_eq!(w.standing(request)[0].trouble_code.as_deref(), Some("not_confirmed"));
    w.target.mood(Mood::Honest);
    w.deliver();
    assert_eq!(w.state(request), State::Delivered);
    assert_eq!(w.standing(request)[0].trouble, None, "what is over is not shown");
}

#[test]
fn d23_a_removal_is_confirmed_by_a_read_too() {
    let Some(w) = World::new() else { return };
    let request = held(&w);
    w.target.mood(Mood::Lies);
    w.end(w.cleo, w.assignment(request).id).unwrap();
    w.deliver();
    assert_eq!(w.standing(request)[0].state, RightState::Removing);
    assert!(w.facts("right_removed").is_empty());
}

#[test]
fn d23_delivered_needs_every_resource() {
    let Some(w) = World::new() else { return };
    let ada = w.external(w.ada);
    let package = w.package(&[w.role("ledger"), w.role("vault")], terms(vec![]));
    let request = w.ask(w.ada, package).unwrap();
    let target = w.target.clone();
    w.target.meanwhile(move |call| {
        target.mood(if call.resource == "vault" { Mood::Refuses } else { Mood::Honest });
    });
    w.deliver();
    assert!(w.target.really(&ada, "ledger"));
    assert_eq!(w.state(request), State::Delivering);
    w.target.undisturbed();
    w.target.mood(Mood::Honest);
    w.pass(60);
    w.deliver();
    assert_eq!(w.state(request), State::Delivered);
    assert_eq!(w.facts("request_delivered").len(), 1);
}

#[test]
fn d24_removal_is_asked_within_a_minute_of_the_end() {
    let Some(w) = World::new() else { return };
    let request = held(&w);
    let ends = w.assignment(request).ends_at.unwrap();
    w.pass(90 * DAY - 1);
    w.tick();
    assert!(w.standing(request)[0].wanted && w.deliver() == 0, "not a second early");
    w.pass(1);
    w.tick();
    assert!(!w.standing(request)[0].wanted, "in the first turn after the end");
    w.deliver();
    assert!(!w.target.really(&w.external(w.ada), "ledger"));
    let told = &w.facts("assignment_ended")[0];
    assert_eq!((told.due, told.at), (Some(ends), ends));
}

#[test]
fn d24_a_removal_is_tried_again_with_growing_pauses_until_it_is_confirmed() {
    let Some(w) = World::new() else { return };
    let request = held(&w);
    w.target.mood(Mood::Refuses);
    w.end(w.cleo, w.assignment(request).id).unwrap();
    w.deliver();
    let mut pauses = Vec::new();
    for _ in 0..10 {
        let next = w.standing(request)[0].next_at.unwrap();
        let pause = next.seconds_since(w.wall_clock().now());
        pauses.push(pause);
        w.pass_wall(pause - 1);
        assert_eq!(w.deliver(), 0, "not before its time");
        w.pass_wall(1);
        assert_eq!(w.deliver(), 1);
    }
    assert_eq!(pauses, [5, 10, 20, 40, 80, 160, 320, 640, 900, 900]);
    assert_eq!(w.facts("delivery_troubled").len(), 1, "told once, not at each try");
    w.target.mood(Mood::TimesOutUndone);
    w.pass_wall(900);
    w.deliver();
    assert_eq!(w.facts("delivery_troubled").len(), 2, "and again when it is another trouble");
    w.target.mood(Mood::Honest);
    w.pass_wall(900);
    w.deliver();
    assert_eq!(w.standing(request)[0].state, RightState::Gone);
}

#[test]
fn d24_a_removal_that_is_not_confirmed_within_an_hour_is_told_once() {
    let Some(w) = World::new() else { return };
    let request = held(&w);
    w.target.mood(Mood::Unreachable);
    w.end(w.cleo, w.assignment(request).id).unwrap();
    w.deliver();
    w.pass(3_599);
    assert_eq!(reconcile::tell_overdue(&w.db).unwrap(), 0);
    w.pass(1);
    assert_eq!(reconcile::tell_overdue(&w.db).unwrap(), 1);
    w.pass(3_600);
    w.deliver();
    assert_eq!(reconcile::tell_overdue(&w.db).unwrap(), 0);
    w.dispatch();
    let told: Vec<_> =
        w.notices(w.cleo).into_iter().filter(|n| n.contains("an hour ago")).collect();
    assert_eq!(told.len(), 1);
    // A new removal of the same right is a new hour.
    w.target.mood(Mood::Honest);
    w.pass(900);
    w.deliver();
    let again = w.ask(w.ada, w.request(request).package_id).unwrap();
    w.deliver();
    w.target.mood(Mood::Refuses);
    w.end(w.cleo, w.assignment(again).id).unwrap();
    w.deliver();
    assert_eq!(reconcile::tell_overdue(&w.db).unwrap(), 0);
    w.pass(3_600);
    assert_eq!(reconcile::tell_overdue(&w.db).unwrap(), 1);
}

/// Ada waits for a right that the target has refused for a while.
fn refused_for_long(w: &World) -> RequestId {
    let endless = Terms { lifetime: Lifetime::Never, ..terms(vec![]) };
    let package = w.package(&[w.role("ledger")], endless);
    w.target.mood(Mood::NoAccount);
    let request = w.ask(w.ada, package).unwrap();
    for _ in 0..30 {
        w.pass_wall(900);
        w.deliver();
    }
    assert_eq!(w.standing(request)[0].trouble_code.as_deref(), Some("no_account"));
    request
}

#[test]
fn d25_it_is_tried_again_after_a_year() {
    let Some(w) = World::new() else { return };
    let request = refused_for_long(&w);
    w.pass(365 * DAY);
    w.target.mood(Mood::Honest);
    assert_eq!((w.deliver(), w.state(request)), (1, State::Delivered));
}

#[test]
fn d25_an_owner_retries_at_once_after_a_year() {
    let Some(w) = World::new() else { return };
    let request = refused_for_long(&w);
    w.pass(365 * DAY);
    w.deliver();
    w.target.mood(Mood::Honest);
    assert_eq!(w.deliver(), 0, "its pause is not over");
    let assignment = w.assignment(request).id;
    assert!(w.retry(w.ada, assignment).is_err(), "not by the holder");
    assert_eq!(w.retry(w.cleo, assignment).unwrap(), 1);
    w.deliver();
    assert_eq!(w.state(request), State::Delivered);
    assert_eq!(w.retry(w.cleo, assignment).unwrap(), 0, "nothing is left to retry");
    assert_eq!(w.facts("retry_asked").len(), 1);
}

#[test]
fn whoever_has_no_account_there_has_lost_the_right() {
    let Some(w) = World::new() else { return };
    let request = held(&w);
    let (ada, target) = (w.external(w.ada), w.target.clone());
    w.end(w.cleo, w.assignment(request).id).unwrap();
    // The account was deleted there, and its groups with it.
    target.take(&ada, "ledger");
    w.target.mood(Mood::NoAccount);
    w.deliver();
    assert_eq!(w.standing(request)[0].state, RightState::Gone);
}

#[test]
fn e14_the_key_of_a_wish_is_the_same_over_all_its_tries() {
    let Some(w) = World::new() else { return };
    let package = w.package(&[w.role("ledger")], terms(vec![]));
    w.target.mood(Mood::TimesOutDone);
    let request = w.ask(w.ada, package).unwrap();
    for _ in 0..4 {
        w.deliver();
        w.retry(w.cleo, w.assignment(request).id).unwrap();
    }
    let keys: Vec<String> = w.target.calls("add").into_iter().map(|call| call.key).collect();
    assert_eq!(keys.len(), 4);
    assert!(keys.iter().all(|key| *key == keys[0]), "{keys:?}");
    w.end(w.cleo, w.assignment(request).id).unwrap();
    w.deliver();
    w.target.mood(Mood::Honest);
    w.pass(DAY);
    w.deliver();
    let removals: Vec<String> = w.target.calls("remove").into_iter().map(|call| call.key).collect();
    assert_eq!(removals.len(), 2);
    assert!(removals[0] == removals[1] && removals[0] != keys[0], "another wish, another key");
}

#[test]
fn e14_a_worker_that_lost_its_lease_cannot_overwrite() {
    let Some(w) = World::new() else { return };
    let package = w.package(&[w.role("ledger")], terms(vec![]));
    let request = w.ask(w.ada, package).unwrap();
    let claim = || {
        w.db.write(By::System("a worker"), |tx| {
            let until = tx.wall().plus_seconds(60);
            rights::claim(tx, &Claiming::Of(TARGET), until, 20)
        })
        .unwrap()
    };
    let slow = claim().remove(0);
    assert!(claim().is_empty(), "leased");
    w.pass_wall(60);
    let quick = claim().remove(0);
    assert_eq!((slow.generation, slow.fence + 1), (quick.generation, quick.fence));
    let save = |work: &rights::Work, seen: Seen| {
        let work = work.clone();
        w.db.write(By::System("a worker"), move |tx| rights::save_seen(tx, &work, &seen)).unwrap()
    };
    let next = w.now();
    let lost = Seen::Trouble { code: "refused".into(), words: "late".into(), next };
    assert!(!save(&slow, Seen::Confirmed(RightState::Present)));
    assert!(!save(&slow, lost) && !save(&slow, Seen::Before(true)));
    let standing = &w.standing(request)[0];
    assert_eq!((standing.state, standing.trouble.as_deref()), (RightState::Adding, None));
    assert!(claim().is_empty(), "the quick one keeps its lease");
    assert!(save(&quick, Seen::Before(false)));
    w.pass_wall(60);
    w.deliver();
    assert_eq!(w.state(request), State::Delivered);
}

#[test]
fn e14_a_wish_that_changes_while_the_target_works_wins() {
    let Some(w) = World::new() else { return };
    let package = w.package(&[w.role("ledger")], terms(vec![]));
    let request = w.ask(w.ada, package).unwrap();
    let assignment = w.assignment(request).id;
    let ended = AtomicUsize::new(0);
    let db = w.db.clone();
    let (cleo, catalog) = (w.cleo, w.catalog);
    w.target.meanwhile(move |call| {
        if call.verb == "add" && ended.fetch_add(1, Ordering::SeqCst) == 0 {
            db.write(By::Person(cleo), move |tx| {
                let permit = keyholder::access::policy::manage_assignment(tx.actor(), catalog)?;
                keyholder::requests::commands::end_assignment(tx, &permit, assignment, "over")
                    .map(|_| ())
            })
            .unwrap();
        }
    });
    w.deliver();
    assert!(!w.target.really(&w.external(w.ada), "ledger"), "added late, then removed");
    assert_eq!(
        (w.state(request), w.standing(request)[0].state),
        (State::Undelivered, RightState::Gone)
    );
    assert!(w.facts("right_delivered").is_empty());
}

#[test]
fn e14_no_right_is_worked_on_by_two_however_slow_the_target_is() {
    let Some(w) = World::new() else { return };
    let roles: Vec<_> = (0..20).map(|n| w.role(&format!("r{n:02}"))).collect();
    let package = w.package(&roles, terms(vec![]));
    let request = w.ask(w.ada, package).unwrap();
    // Every call takes 100 seconds; another worker claims what it can get, and is slow too.
    let (clock, db) = (w.wall_clock(), w.db.clone());
    let elsewhere = Arc::new(Mutex::new(BTreeMap::<String, Ts>::new()));
    let theirs = elsewhere.clone();
    w.target.meanwhile(move |call| {
        let mut theirs = theirs.lock().unwrap();
        let until = theirs.get(&call.resource);
        assert!(until.is_none_or(|until| *until <= clock.now()), "two at once on {call:?}");
        clock.advance(100);
        let claim = |tx: &mut Tx<'_>| {
            let until = tx.wall().plus_seconds(400);
            Ok((until, rights::claim(tx, &Claiming::Of(TARGET), until, 3)?))
        };
        let (until, claimed) = db.write(By::System("another worker"), claim).unwrap();
        for work in claimed {
            assert!(work.address != call.resource, "taken from the one who works on it");
            theirs.insert(work.address, until);
        }
    });
    for _ in 0..20 {
        w.deliver();
        w.pass_wall(60);
    }
    assert!(elsewhere.lock().unwrap().len() > 1, "nobody else came");
    w.target.undisturbed();
    w.pass(DAY);
    w.deliver();
    assert_eq!(w.state(request), State::Delivered);
}

#[test]
fn a_row_that_cannot_be_read_does_not_stop_delivery() {
    let Some(w) = World::new() else { return };
    let package = w.package(&[w.role("ledger")], terms(vec![]));
    let (broken, sound) = (w.ask(w.ada, package).unwrap(), w.ask(w.eve, package).unwrap());
    let good = w.spoil(broken, "{}");
    w.deliver();
    assert_eq!(w.state(sound), State::Delivered);
    w.spoil(broken, &good);
    assert_eq!(w.state(broken), State::Delivering);
    w.pass(DAY);
    w.deliver();
    assert_eq!(w.state(broken), State::Delivered, "once it can be read again");
}

#[test]
fn a_target_that_is_configured_no_longer_is_shown_and_recovers() {
    let Some(w) = World::new() else { return };
    let package = w.package(&[w.role("ledger")], terms(vec![]));
    let request = w.ask(w.ada, package).unwrap();
    let none = Targets::default();
    assert_eq!(reconcile::run_unknown(&w.db, &none).unwrap(), 1);
    let told = w.facts("delivery_troubled");
    let Fact::DeliveryTroubled { code, removing, .. } = &told[0].fact else { panic!("{told:?}") };
    assert_eq!((code.as_str(), *removing), ("misconfigured", false));
    w.pass(60);
    w.deliver();
    assert_eq!(w.state(request), State::Delivered);
}
