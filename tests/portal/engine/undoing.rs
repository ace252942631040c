//! Decisions that are taken back (D40), passed on (D44), revoked, or taken by an administrator in place of others.

use keyholder::error::{Error, Result};
use keyholder::kernel::fact::EndReason;
use keyholder::policies::model::{Extension, Terms};
use keyholder::policies::stages::{StageTerms, Votes};
use keyholder::requests::model::{StageState, State, Verdict};

use super::races::{CONTENDED, at_once, fine, requests};
use crate::support::world::{DAY, World, by, by_manager, refused, terms, undo_seconds};

fn invalid<T: std::fmt::Debug>(result: Result<T>) -> String {
    match result {
        Err(Error::Invalid(errors)) => errors[0].text.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn d40_delivery_waits_for_the_undo_window_and_the_decision_can_be_taken_back_until_then() {
    let Some(w) = World::new() else { return };
    undo_seconds(&w.db, 10);
    let package = w.package(&[w.role("ledger")], terms(vec![by_manager(&[])]));
    let request = w.ask(w.ada, package).unwrap();
    w.pass(DAY);
    w.approve(w.ben, request).unwrap();
    assert_eq!((w.state(request), w.request(request).label()), (State::Scheduled, "Approved"));
    w.pass(9);
    assert_eq!(w.tick(), 0, "nothing is delivered yet");
    let left = w.last_stage(request).due_at;
    w.pass(0);
    assert!(matches!(w.take_back(w.cleo, request), Err(Error::Denied(_))), "not theirs");
    assert!(matches!(w.take_back(w.dan, request), Err(Error::Missing)));
    w.take_back(w.ben, request).unwrap();
    assert_eq!(
        (w.state(request), w.stage_state(request)),
        (State::PendingApproval, StageState::Open)
    );
    assert!(!w.has_assignment(request));
    assert_eq!(
        w.last_stage(request).due_at,
        left.plus_seconds(9),
        "with the time that it had left"
    );
    assert_eq!(w.request(request).due_at, Some(left.plus_seconds(9)));
    refused(w.take_back(w.ben, request));
    w.deny(w.ben, request).unwrap();
    assert_eq!(w.state(request), State::Denied);
    w.pass(9);
    w.take_back(w.ben, request).unwrap();
    w.approve(w.ben, request).unwrap();
    w.pass(10);
    assert!(w.tick() > 0);
    assert_eq!(w.state(request), State::Delivering);
    refused(w.take_back(w.ben, request));
    w.settle();
    assert_eq!(w.state(request), State::Delivered);
    assert_eq!(w.facts("decision_taken_back").len(), 2);
    assert!(w.facts("request_scheduled").is_empty(), "a moment is no first day");
}

#[test]
fn d40_of_two_decisions_only_the_one_that_is_meant_is_taken_back() {
    let Some(w) = World::new() else { return };
    undo_seconds(&w.db, 10);
    let stages = vec![by(&[w.dan], &[]), by(&[w.dan], &[])];
    let twice = w.package(&[], Terms { decides_twice: true, ..terms(stages) });
    let request = w.ask(w.ada, twice).unwrap();
    let first = w.last_stage(request).id;
    w.approve(w.dan, request).unwrap();
    let second = w.last_stage(request).id;
    w.approve(w.dan, request).unwrap();
    assert_eq!(w.state(request), State::Scheduled);
    refused(w.take_stage_back(w.dan, request, Some(first)));
    assert_eq!(w.state(request), State::Scheduled, "the second stands");
    w.take_stage_back(w.dan, request, Some(second)).unwrap();
    assert_eq!(w.last_stage(request).id, second);
    w.take_stage_back(w.dan, request, Some(first)).unwrap();
    assert_eq!(w.request(request).stage, 1);
}

#[test]
fn d40_a_denial_is_taken_back_within_the_window_only_and_not_beside_a_newer_request() {
    let Some(w) = World::new() else { return };
    undo_seconds(&w.db, 10);
    let package = w.package(&[], terms(vec![by_manager(&[])]));
    let request = w.ask(w.ada, package).unwrap();
    w.deny(w.ben, request).unwrap();
    w.pass(10);
    refused(w.take_back(w.ben, request));
    let request = w.ask(w.ada, package).unwrap();
    w.deny(w.ben, request).unwrap();
    let again = w.ask(w.ada, package).unwrap();
    refused(w.take_back(w.ben, request));
    assert_eq!((w.state(request), w.state(again)), (State::Denied, State::PendingApproval));
}

#[test]
fn d40_a_decided_next_stage_ends_it_and_an_undecided_one_is_closed() {
    let Some(w) = World::new() else { return };
    let stages = vec![by_manager(&[]), by(&[w.dan], &[]), by(&[w.eve], &[])];
    let package = w.package(&[], terms(stages));
    let request = w.ask(w.ada, package).unwrap();
    w.approve(w.ben, request).unwrap();
    w.pass(3 * DAY);
    w.take_back(w.ben, request).unwrap();
    assert_eq!((w.deciders(request), w.stages(request).len()), (vec!["Ben".to_owned()], 1));
    w.approve(w.ben, request).unwrap();
    assert_eq!(w.deciders(request), ["Dan"]);
    w.approve(w.dan, request).unwrap();
    refused(w.take_back(w.ben, request));
    w.take_back(w.dan, request).unwrap();
    assert_eq!(w.deciders(request), ["Dan"]);
    w.approve(w.dan, request).unwrap();
    w.approve(w.eve, request).unwrap();
    assert_eq!(w.state(request), State::Delivered);
}

#[test]
fn d40_a_vote_among_several_is_taken_back_while_the_others_are_asked() {
    let Some(w) = World::new() else { return };
    let two = StageTerms { votes: Votes::Some { n: 2 }, ..by(&[w.dan, w.eve, w.cleo], &[]) };
    let request = w.ask(w.ada, w.package(&[], terms(vec![two]))).unwrap();
    w.approve(w.dan, request).unwrap();
    w.take_back(w.dan, request).unwrap();
    w.approve(w.eve, request).unwrap();
    assert_eq!(w.state(request), State::PendingApproval, "one vote of two");
    w.approve(w.dan, request).unwrap();
    assert_eq!(w.state(request), State::Delivered);
}

#[test]
fn d40_whoever_left_before_it_was_taken_back_is_not_asked_again() {
    let Some(w) = World::new() else { return };
    undo_seconds(&w.db, 300);
    let request = w.ask(w.ada, w.package(&[], terms(vec![by(&[w.dan, w.eve], &[])]))).unwrap();
    w.approve(w.dan, request).unwrap();
    w.leave(w.eve);
    w.take_back(w.dan, request).unwrap();
    assert_eq!(w.deciders(request), ["Dan"]);
}

#[test]
fn d40_more_time_waits_for_the_window_too_but_never_past_the_end() {
    let Some(w) = World::new() else { return };
    let extension = Some(Extension { approval: true, last_days: None });
    let package = w.package(&[], Terms { extension, ..terms(vec![by_manager(&[])]) });
    let first = w.ask(w.ada, package).unwrap();
    w.approve(w.ben, first).unwrap();
    let held = w.assignment(first);
    undo_seconds(&w.db, 60);
    w.pass(DAY);
    let more = w.extend(w.ada, held.id).unwrap();
    w.approve(w.ben, more).unwrap();
    assert_eq!(w.assignment(first).ends_at, held.ends_at, "not yet");
    w.take_back(w.ben, more).unwrap();
    w.approve(w.ben, more).unwrap();
    w.pass(60);
    assert_eq!(w.tick(), 1);
    assert!(w.assignment(first).ends_at > held.ends_at);
    assert_eq!(w.state(more), State::Delivered);
    // In the last seconds of the access, it is extended at once.
    let ends = w.assignment(first).ends_at.unwrap();
    w.pass(ends.seconds_since(w.now()) - 30);
    let more = w.extend(w.ada, held.id).unwrap();
    w.approve(w.ben, more).unwrap();
    assert_eq!(w.state(more), State::Delivered);
}

#[test]
fn d44_it_is_passed_on_to_the_pool_an_owner_or_ones_manager_and_to_nobody_else() {
    let Some(w) = World::new() else { return };
    let boss = w.person("Boss");
    w.set_manager(w.dan, Some(boss));
    let stage = by(&[w.dan], &[w.eve]);
    let package = w.package(&[], terms(vec![stage]));
    let request = w.ask(w.ada, package).unwrap();
    for to in [w.ada, w.dan, w.ben, w.root] {
        assert_eq!(invalid(w.pass_on(w.dan, request, to)), "Choose to whom you pass it on");
    }
    assert!(matches!(w.pass_on(w.eve, request, w.dan), Err(Error::Missing)), "not theirs to pass");
    w.pass_on(w.dan, request, boss).unwrap();
    assert_eq!(w.deciders(request), ["Boss"]);
    assert!(matches!(w.pass_on(w.dan, request, w.eve), Err(Error::Denied(_))), "not any more");
    w.dispatch();
    let told = w.notices(boss);
    assert!(told.iter().any(|n| n.contains("Dan passed")), "{told:?}");
    w.pass_on(boss, request, w.cleo).unwrap();
    w.pass_on(w.cleo, request, w.eve).unwrap();
    w.approve(w.eve, request).unwrap();
    assert_eq!((w.state(request), w.facts("passed_on").len()), (State::Delivered, 3));
}

#[test]
fn d44_d02_never_to_requestor_or_target_though_they_own_the_catalog() {
    let Some(w) = World::new() else { return };
    w.set_manager(w.dan, Some(w.cleo));
    let package = w.package(&[], terms(vec![by(&[w.dan], &[w.eve])]));
    let request = w.ask(w.cleo, package).unwrap();
    assert_eq!(invalid(w.pass_on(w.dan, request, w.cleo)), "Choose to whom you pass it on");
}

#[test]
fn d44_d37_the_votes_stay_possible_and_nobody_decides_twice() {
    let Some(w) = World::new() else { return };
    let two = StageTerms { votes: Votes::Some { n: 2 }, ..by(&[w.dan, w.eve], &[]) };
    let package = w.package(&[], terms(vec![by_manager(&[]), two]));
    let request = w.ask(w.ada, package).unwrap();
    w.set_manager(w.dan, Some(w.ben));
    w.approve(w.ben, request).unwrap();
    // Eve is needed as herself, and Ben has decided the stage before.
    for to in [w.eve, w.ben] {
        assert_eq!(invalid(w.pass_on(w.dan, request, to)), "Choose to whom you pass it on");
    }
    w.pass_on(w.dan, request, w.cleo).unwrap();
    w.approve(w.eve, request).unwrap();
    w.approve(w.cleo, request).unwrap();
    assert_eq!(w.state(request), State::Delivered);
}

#[test]
fn whoever_approved_ends_the_access_later_with_a_reason() {
    let Some(w) = World::new() else { return };
    let package = w.package(&[w.role("ledger")], terms(vec![by_manager(&[])]));
    let request = w.ask(w.ada, package).unwrap();
    refused(w.revoke(w.ben, request, "too early"));
    w.approve(w.ben, request).unwrap();
    w.settle();
    assert_eq!(invalid(w.revoke(w.ben, request, " ")), "Say why you end it; the person reads this");
    assert!(matches!(w.revoke(w.dan, request, "mine"), Err(Error::Missing)));
    w.revoke(w.ben, request, "She has left the project.").unwrap();
    w.settle();
    let ended = w.assignment(request);
    assert_eq!(ended.end_reason.as_deref(), Some(EndReason::ApprovalRevoked.as_str()));
    refused(w.revoke(w.ben, request, "again"));
    let told = w.notices(w.ada);
    assert!(told.iter().any(|n| n.contains("Ben revoked the approval")), "{told:?}");
    assert!(w.notices(w.cleo).iter().any(|n| n.contains("revoked their approval")));
}

#[test]
fn d02_an_administrator_decides_in_place_of_others_but_never_for_themselves() {
    let Some(w) = World::new() else { return };
    let package = w.package(&[], terms(vec![by_manager(&[]), by(&[w.dan], &[])]));
    let request = w.ask(w.ada, package).unwrap();
    let over = |who, request, reason| w.overrule(who, request, Verdict::Approve, reason);
    assert!(invalid(over(w.root, request, "")).starts_with("Say why"));
    assert!(matches!(over(w.cleo, request, "I own it"), Err(Error::Denied(_))));
    assert!(matches!(over(w.eve, request, "I would"), Err(Error::Missing)));
    over(w.root, request, "Ben is in hospital").unwrap();
    assert_eq!(w.deciders(request), ["Dan"]);
    w.dispatch();
    for person in [w.ada, w.ben, w.cleo] {
        let told = w.notices(person);
        assert!(told.iter().any(|n| n.contains("as administrator")), "{told:?}");
    }
    let twice = refused(w.overrule(w.root, request, Verdict::Deny, "Not at all"));
    assert!(twice.title.starts_with("You have decided a stage"), "D37: {}", twice.title);
    w.deny(w.dan, request).unwrap();
    assert_eq!(w.state(request), State::Denied);
    let request = w.ask(w.ada, package).unwrap();
    w.overrule(w.root, request, Verdict::Deny, "Not at all").unwrap();
    assert_eq!(w.state(request), State::Denied);
    let own = w.ask(w.root, package).unwrap();
    assert!(matches!(over(w.root, own, "I need it"), Err(Error::Denied(_))));
}

#[test]
fn d40_undo_against_the_start_of_delivery() {
    let Some(w) = World::new() else { return };
    undo_seconds(&w.db, 10);
    let all = requests(&w, &[w.ben], "undone");
    for (_, request, stage) in &all {
        w.decide(w.ben, *request, *stage, Verdict::Approve, "").unwrap();
    }
    w.pass(10);
    let back = std::sync::Mutex::new(Vec::new());
    at_once(vec![
        Box::new(|| {
            for (_, request, _) in &all {
                if fine(w.take_back(w.ben, *request)) {
                    back.lock().unwrap().push(*request);
                }
            }
        }),
        Box::new(|| {
            w.tick();
        }),
    ]);
    w.settle();
    let back = back.into_inner().unwrap();
    for (_, request, _) in &all {
        let undone = back.contains(request);
        let expected = if undone { State::PendingApproval } else { State::Delivered };
        assert_eq!(w.state(*request), expected);
        assert_eq!(w.has_assignment(*request), !undone);
    }
    assert_eq!(w.facts("assignment_started").len(), CONTENDED - back.len());
}

#[test]
fn d40_undo_against_the_decision_of_the_next_stage() {
    let Some(w) = World::new() else { return };
    let package = w.package(&[], terms(vec![by(&[w.ben], &[]), by(&[w.dan], &[])]));
    let people = w.people(CONTENDED);
    let all = w.ask_all(&people, package);
    for request in &all {
        w.approve(w.ben, *request).unwrap();
    }
    let stages: Vec<_> = all.iter().map(|request| w.last_stage(*request).id).collect();
    let back = std::sync::Mutex::new(Vec::new());
    at_once(vec![
        Box::new(|| {
            for request in &all {
                if fine(w.take_back(w.ben, *request)) {
                    back.lock().unwrap().push(*request);
                }
            }
        }),
        Box::new(|| {
            for (request, stage) in all.iter().zip(&stages).rev() {
                fine(w.decide(w.dan, *request, *stage, Verdict::Approve, ""));
            }
        }),
    ]);
    let back = back.into_inner().unwrap();
    for request in &all {
        let undone = back.contains(request);
        let expected = if undone { State::PendingApproval } else { State::Delivered };
        assert_eq!(w.state(*request), expected);
    }
}

#[test]
fn d44_two_who_pass_on_at_once_leave_somebody_who_decides() {
    let Some(w) = World::new() else { return };
    let all = requests(&w, &[w.ben, w.dan], "passed");
    let pass = |who, to| {
        for (_, request, stage) in &all {
            match w.pass_stage_on(who, *request, *stage, to) {
                Ok(_) | Err(Error::Invalid(_) | Error::Refused(_) | Error::Denied(_)) => {}
                Err(other) => panic!("{other:?}"),
            }
        }
    };
    at_once(vec![Box::new(|| pass(w.ben, w.dan)), Box::new(|| pass(w.dan, w.ben))]);
    for (_, request, _) in &all {
        assert!(!w.deciders(*request).is_empty(), "D3: a stage has a living decider");
    }
}
