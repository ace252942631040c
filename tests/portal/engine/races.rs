//! A hundred contended requests each: whoever is faster wins, and nothing is half done.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};

use keyholder::access::policy;
use keyholder::error::{Error, Result};
use keyholder::kernel::{AssignmentId, PackageId, PersonId, RequestId, Risk, StageId};
use keyholder::provisioning::reconcile;
use keyholder::requests::commands::{Submit, end_assignment};
use keyholder::requests::jobs;
use keyholder::requests::model::{State, Verdict};
use keyholder::requests::rules::Period;

use crate::support::target::FakeTarget;
use crate::support::world::{DAY, TARGET, World, at, by, order, terms};

pub const CONTENDED: usize = 100;

/// Runs all at once, from the same moment.
pub fn at_once(all: Vec<Box<dyn FnOnce() + Send + '_>>) {
    let start = Barrier::new(all.len());
    std::thread::scope(|scope| {
        for one in all {
            scope.spawn(|| {
                start.wait();
                one();
            });
        }
    });
}

/// A request of each of a hundred people, with its open stage.
pub fn requests(
    w: &World,
    approvers: &[PersonId],
    role: &str,
) -> Vec<(PersonId, RequestId, StageId)> {
    let package = w.package(&[w.role(role)], terms(vec![by(approvers, &[])]));
    let people = w.people(CONTENDED);
    let asked = w.ask_all(&people, package);
    let with_stage = |(person, id)| (person, id, w.last_stage(id).id);
    people.into_iter().zip(asked).map(with_stage).collect()
}

/// The assignments of a package without stages, all asked for at once.
pub fn held(w: &World, people: &[PersonId], package: PackageId) -> Vec<AssignmentId> {
    w.ask_all(people, package).into_iter().map(|id| w.assignment(id).id).collect()
}

pub fn void(_: usize) {}

pub fn fine<T: std::fmt::Debug>(result: Result<T>) -> bool {
    match result {
        Ok(_) => true,
        Err(Error::Refused(_) | Error::Denied(_) | Error::Missing) => false,
        Err(other) => panic!("{other:?}"),
    }
}

#[test]
fn eight_approvers_decide_the_same_hundred_requests_at_once() {
    let Some(w) = World::new() else { return };
    let approvers: Vec<_> = (0..8).map(|n| w.person(&format!("Approver {n}"))).collect();
    let all = requests(&w, &approvers, "ledger");
    let recorded = AtomicUsize::new(0);
    at_once(
        approvers
            .iter()
            .enumerate()
            .map(|(n, approver)| {
                let (w, all, recorded) = (&w, &all, &recorded);
                let verdict = if n % 2 == 0 { Verdict::Approve } else { Verdict::Deny };
                Box::new(move || {
                    for (_, request, stage) in all {
                        if fine(w.decide(*approver, *request, *stage, verdict, "because")) {
                            recorded.fetch_add(1, Ordering::SeqCst);
                        }
                    }
                }) as Box<dyn FnOnce() + Send>
            })
            .collect(),
    );
    assert_eq!(recorded.load(Ordering::SeqCst), CONTENDED, "one decision each");
    let (yes, no) = (w.facts("stage_approved").len(), w.facts("stage_denied").len());
    assert_eq!(yes + no, CONTENDED);
    assert_eq!(w.facts("assignment_started").len(), yes);
}

#[test]
fn approval_against_cancellation() {
    let Some(w) = World::new() else { return };
    let all = requests(&w, &[w.dan], "ledger");
    at_once(vec![
        Box::new(|| {
            for (_, request, stage) in &all {
                fine(w.decide(w.dan, *request, *stage, Verdict::Approve, ""));
            }
        }),
        Box::new(|| {
            for (person, request, _) in &all {
                fine(w.cancel(*person, *request));
            }
        }),
    ]);
    let approved = w.facts("request_approved").len();
    assert_eq!(approved + w.facts("request_canceled").len(), CONTENDED);
}

#[test]
fn cancellation_against_the_scheduled_start() {
    let Some(w) = World::new() else { return };
    let package = w.package(&[w.role("ledger")], terms(vec![]));
    let period = Period { starts: Some(at("2026-03-09T00:00:00Z")), ends: None };
    let all: Vec<_> = w
        .people(CONTENDED)
        .into_iter()
        .map(|person| (person, w.submit(person, Submit { period, ..order(package) }).unwrap()))
        .collect();
    w.pass(7 * DAY);
    at_once(vec![
        Box::new(|| {
            for (person, request) in all.iter().rev() {
                fine(w.cancel(*person, *request));
            }
        }),
        Box::new(|| void(w.tick())),
        Box::new(|| void(w.tick())),
    ]);
    let started = w.facts("assignment_started").len();
    assert_eq!(started + w.facts("request_canceled").len(), CONTENDED);
    w.deliver();
}

#[test]
fn delivery_against_the_end() {
    let Some(w) = World::new() else { return };
    let package = w.package(&[w.role("ledger")], terms(vec![]));
    let held = held(&w, &w.people(CONTENDED), package);
    at_once(vec![
        Box::new(|| held.iter().for_each(|id| w.end(w.cleo, *id).unwrap())),
        Box::new(|| void(w.deliver())),
    ]);
    w.deliver();
    let delivered = w.facts("request_delivered").len();
    assert_eq!(delivered + w.facts("request_undelivered").len(), CONTENDED);
}

#[test]
fn approval_against_expiry() {
    let Some(w) = World::new() else { return };
    let all = requests(&w, &[w.dan], "ledger");
    w.pass(14 * DAY - 1);
    at_once(vec![
        Box::new(|| {
            for (n, (_, request, stage)) in all.iter().enumerate() {
                if n == CONTENDED / 2 {
                    w.pass(1);
                }
                fine(w.decide(w.dan, *request, *stage, Verdict::Approve, ""));
            }
        }),
        Box::new(|| {
            while w.tick() == 0 {
                std::thread::yield_now();
            }
        }),
    ]);
    while w.tick() > 0 {}
    let approved = w.facts("request_approved").len();
    assert_eq!(approved + w.facts("request_expired").len(), CONTENDED);
    assert!(approved >= CONTENDED / 2);
}

#[test]
fn approval_against_the_leaving_of_the_one_who_asks() {
    let Some(w) = World::new() else { return };
    let all = requests(&w, &[w.dan], "ledger");
    at_once(vec![
        Box::new(|| {
            for (_, request, stage) in &all {
                fine(w.decide(w.dan, *request, *stage, Verdict::Approve, ""));
            }
        }),
        Box::new(|| {
            for (person, ..) in &all {
                w.leave(*person);
            }
        }),
    ]);
    let ended = w.facts("request_canceled").len() + w.facts("request_undelivered").len();
    assert_eq!(ended, CONTENDED);
    w.deliver();
}

#[test]
fn approval_against_the_leaving_of_the_next_approver() {
    let Some(w) = World::new() else { return };
    for n in 0..CONTENDED / 4 {
        let next = w.person("Next");
        let package = w.package(&[], terms(vec![by(&[w.dan], &[]), by(&[next], &[w.eve])]));
        let request = w.ask(w.ada, package).unwrap();
        at_once(vec![
            Box::new(|| {
                w.approve(w.dan, request).unwrap();
            }),
            Box::new(|| w.leave(next)),
        ]);
        assert_eq!(w.deciders(request), ["Eve"], "round {n}");
    }
}

#[test]
fn a_decision_against_the_leaving_of_its_approver() {
    let Some(w) = World::new() else { return };
    for n in 0..CONTENDED / 4 {
        let approver = w.person("Approver");
        let package = w.package(&[], terms(vec![by(&[approver], &[w.eve])]));
        let request = w.ask(w.ada, package).unwrap();
        let stage = w.last_stage(request).id;
        at_once(vec![
            Box::new(|| {
                fine(w.decide(approver, request, stage, Verdict::Approve, ""));
            }),
            Box::new(|| w.leave(approver)),
        ]);
        let state = w.state(request);
        assert!(
            state == State::Delivered || w.deciders(request) == ["Eve"],
            "round {n}: {state:?}"
        );
    }
}

#[test]
fn submitting_against_leaving() {
    let Some(w) = World::new() else { return };
    let (asked, given) = (
        w.package(&[], terms(vec![by(&[w.dan], &[])])),
        w.package(&[w.role("ledger")], terms(vec![])),
    );
    for n in 0..CONTENDED / 4 {
        let person = w.person(&format!("Asker {n}"));
        at_once(vec![
            Box::new(|| {
                fine(w.ask(person, asked));
            }),
            Box::new(|| {
                fine(w.ask(person, given));
            }),
            Box::new(|| w.leave(person)),
        ]);
    }
}

#[test]
fn one_assignment_ends_while_another_one_of_the_same_right_starts() {
    let Some(w) = World::new() else { return };
    let shared = w.role("ledger");
    let (one, two) = (w.package(&[shared], terms(vec![])), w.package(&[shared], terms(vec![])));
    let people = w.people(CONTENDED);
    let held: Vec<_> =
        people.iter().map(|person| w.assignment(w.ask(*person, one).unwrap()).id).collect();
    at_once(vec![
        Box::new(|| held.iter().for_each(|id| w.end(w.cleo, *id).unwrap())),
        Box::new(|| {
            for person in &people {
                w.ask(*person, two).unwrap();
            }
        }),
    ]);
    w.deliver();
    for person in people {
        assert!(w.target.really(&w.external(person), "ledger"));
    }
}

#[test]
fn both_assignments_of_a_right_end_at_once() {
    let Some(w) = World::new() else { return };
    let shared = w.role("ledger");
    let (one, two) = (w.package(&[shared], terms(vec![])), w.package(&[shared], terms(vec![])));
    let people = w.people(CONTENDED);
    let (first, second) = (held(&w, &people, one), held(&w, &people, two));
    at_once(vec![
        Box::new(|| first.iter().for_each(|id| w.end(w.cleo, *id).unwrap())),
        Box::new(|| second.iter().for_each(|id| w.end(w.cleo, *id).unwrap())),
    ]);
    w.deliver();
    for person in people {
        assert!(!w.target.really(&w.external(person), "ledger"));
    }
}

#[test]
fn two_first_assignments_of_a_right_start_at_once() {
    let Some(w) = World::new() else { return };
    let shared = w.role("ledger");
    let (one, two) = (w.package(&[shared], terms(vec![])), w.package(&[shared], terms(vec![])));
    let people = w.people(CONTENDED);
    let take = |package| {
        for person in &people {
            w.ask(*person, package).unwrap();
        }
    };
    at_once(vec![Box::new(|| take(one)), Box::new(|| take(two))]);
    w.deliver();
}

#[test]
fn contents_change_while_assignments_start_and_end() {
    let Some(w) = World::new() else { return };
    let (a, b) = (w.role("a"), w.role("b"));
    let package = w.package(&[a], terms(vec![]));
    let people = w.people(CONTENDED);
    let (early, late) = people.split_at(CONTENDED / 2);
    let held: Vec<_> = early.iter().map(|p| w.assignment(w.ask(*p, package).unwrap()).id).collect();
    at_once(vec![
        Box::new(|| {
            for _ in 0..5 {
                w.set_contents(package, &[b]);
                w.set_contents(package, &[a]);
            }
        }),
        Box::new(|| {
            for person in late {
                w.ask(*person, package).unwrap();
            }
        }),
        Box::new(|| held.iter().for_each(|id| w.end(w.cleo, *id).unwrap())),
    ]);
    w.deliver();
}

#[test]
fn two_reconcilers_at_once_confirm_each_right_once() {
    let Some(w) = World::new() else { return };
    let package = w.package(&[w.role("a"), w.role("b")], terms(vec![]));
    let people = w.people(CONTENDED / 2);
    let all = w.ask_all(&people, package);
    at_once((0..3).map(|_| Box::new(|| void(w.deliver())) as Box<dyn FnOnce() + Send>).collect());
    for request in all {
        assert_eq!(w.state(request), State::Delivered);
    }
    assert_eq!(w.facts("right_delivered").len(), CONTENDED);
    assert_eq!(w.target.calls("add").len(), CONTENDED, "each was asked of the target once");
    assert_eq!(w.facts("request_delivered").len(), CONTENDED / 2);
}

#[test]
fn two_targets_that_confirm_at_once_deliver_the_request() {
    let Some(mut w) = World::new() else { return };
    let other = Arc::new(FakeTarget::new());
    w.targets.insert("Lab", other.clone());
    let package = w.package(
        &[w.role("ledger"), w.role_of("bench", Risk::Ordinary, false, "Lab")],
        terms(vec![]),
    );
    let people = w.people(CONTENDED / 2);
    let all = w.ask_all(&people, package);
    // Both give their last answer on a person at the same moment.
    let meet = Arc::new(Barrier::new(2));
    for target in [&w.target, &other] {
        let (meet, calls) = (meet.clone(), AtomicUsize::new(0));
        target.meanwhile(move |_| {
            if calls.fetch_add(1, Ordering::SeqCst) % 3 == 2 {
                meet.wait();
            }
        });
    }
    at_once(
        [TARGET, "Lab"]
            .into_iter()
            .map(|name| {
                let w = &w;
                Box::new(move || void(reconcile::run_target(&w.db, &w.targets, name).unwrap()))
                    as Box<dyn FnOnce() + Send>
            })
            .collect(),
    );
    for request in all {
        assert_eq!(w.state(request), State::Delivered);
    }
}

#[test]
fn two_timers_at_once_do_everything_once() {
    let Some(w) = World::new() else { return };
    let all = requests(&w, &[w.dan], "ledger");
    let held = w.package(&[w.role("vault")], terms(vec![]));
    w.ask_all(&all.iter().map(|(person, ..)| *person).collect::<Vec<_>>(), held);
    w.pass(100 * DAY);
    at_once(
        (0..3)
            .map(|_| Box::new(|| void(jobs::run_due(&w.db).unwrap())) as Box<dyn FnOnce() + Send>)
            .collect(),
    );
    assert_eq!(w.facts("request_expired").len(), CONTENDED);
    assert_eq!(w.facts("assignment_ended").len(), CONTENDED);
}

#[test]
fn an_owner_ends_what_the_timer_is_ending() {
    let Some(w) = World::new() else { return };
    let package = w.package(&[w.role("ledger")], terms(vec![]));
    let held = held(&w, &w.people(CONTENDED), package);
    w.pass(90 * DAY);
    at_once(vec![
        Box::new(|| {
            for id in &held {
                fine(w.end(w.cleo, *id));
            }
        }),
        Box::new(|| void(jobs::run_due(&w.db).unwrap())),
    ]);
    while w.tick() > 0 {}
    assert_eq!(w.facts("assignment_ended").len(), CONTENDED);
}

#[test]
fn two_who_tell_of_late_removals_tell_once() {
    let Some(w) = World::new() else { return };
    let package = w.package(&[w.role("ledger")], terms(vec![]));
    let ended = held(&w, &w.people(CONTENDED), package);
    let (cleo, catalog) = (w.cleo, w.catalog);
    w.by(cleo, move |tx| {
        let permit = policy::manage_assignment(tx.actor(), catalog)?;
        ended.iter().try_for_each(|id| end_assignment(tx, &permit, *id, "over").map(|_| ()))
    })
    .unwrap();
    w.pass(3_600);
    at_once(
        (0..3)
            .map(|_| {
                Box::new(|| void(reconcile::tell_overdue(&w.db).unwrap()))
                    as Box<dyn FnOnce() + Send>
            })
            .collect(),
    );
    assert_eq!(w.facts("removal_overdue").len(), CONTENDED);
}
