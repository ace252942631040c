//! Questions that make a request wait (D13, D41), comments, and approvals for less (D14).

use keyholder::error::{Error, Result};
use keyholder::kernel::Zone;
use keyholder::policies::model::{Lifetime, Terms};
use keyholder::policies::stages::{Alternates, StageTerms, Votes};
use keyholder::requests::model::State;
use keyholder::requests::rules::Period;
use keyholder::requests::stops::Thing;

use super::races::{CONTENDED, at_once, fine, requests};
use crate::support::world::{DAY, START, World, at, by, by_manager, named, order, refused, terms};

fn invalid<T: std::fmt::Debug>(result: Result<T>) -> String {
    match result {
        Err(Error::Invalid(errors)) => errors[0].text.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn d13_a_request_that_needs_information_waits_and_goes_on_with_the_answer() {
    let Some(w) = World::new() else { return };
    let alternates =
        Alternates { after: 3, people: vec![named(w.eve)], groups: vec![], second_manager: false };
    let stage = StageTerms { alternates: Some(alternates), ..by_manager(&[]) };
    let request = w.ask(w.ada, w.package(&[], terms(vec![stage]))).unwrap();
    w.pass(DAY);
    assert_eq!(invalid(w.ask_about(w.ben, request, "  ")), "Write what you want to know");
    w.ask_about(w.ben, request, "For which month?").unwrap();
    assert_eq!(w.request(request).label(), "Needs information");
    w.ask_about(w.ben, request, "For which month?").unwrap();
    assert_eq!(w.facts("information_asked").len(), 1, "pressed twice, it is asked once");
    let no = refused(w.approve(w.ben, request));
    assert_eq!(no.title, "This request waits for information");
    assert!(no.why.contains("Ben asked a question on 3 Mar 2026, 09:00"), "{}", no.why);
    refused(w.deny(w.ben, request));
    assert!(matches!(w.answer(w.ben, request, "January"), Err(Error::Denied(_))));
    assert!(matches!(w.answer(w.dan, request, "January"), Err(Error::Missing)), "E28");
    w.pass(20 * DAY);
    assert_eq!(w.tick(), 0, "nothing runs out, nobody joins, nobody is reminded");
    assert_eq!(invalid(w.answer(w.ada, request, "")), "Write your answer");
    w.answer(w.ada, request, "For January.").unwrap();
    assert_eq!(refused(w.answer(w.ada, request, "Or February")).title, "Nothing is asked any more");
    w.dispatch();
    let told = w.facts_of("information_given", request);
    assert_eq!(told.len(), 1);
    assert_eq!(w.state(request), State::PendingApproval);
    w.approve(w.ben, request).unwrap();
    assert_eq!(w.state(request), State::Delivered);
    w.dispatch();
    assert!(w.notices(w.ada).iter().any(|n| n.contains("Ben asked for information")));
    assert!(w.notices(w.ben).iter().any(|n| n.contains("Ada answered")));
}

#[test]
fn d41_the_clock_keeps_what_it_had_left_and_thirty_days_without_an_answer_end_it() {
    let zone = Zone::named("Europe/Oslo").unwrap();
    let Some(w) = World::in_zone(zone) else { return };
    let package = w.package(&[], terms(vec![by_manager(&[])]));
    let request = w.ask(w.ada, package).unwrap();
    let opened = w.now();
    w.pass(4 * DAY);
    w.ask_about(w.ben, request, "Why?").unwrap();
    w.pass(6 * DAY + 17);
    w.take_question_back(w.ben, request).unwrap();
    let later =
        |days: i64| zone.plus_days(opened, u32::try_from(days).unwrap()).plus_seconds(6 * DAY + 17);
    assert_eq!(w.request(request).due_at, Some(later(14)), "to the second");
    assert_eq!(w.clocks(request).0, later(14));
    assert_eq!(w.facts("information_not_needed").len(), 1);
    // The clocks go forward in Oslo meanwhile: thirty days are thirty midnights.
    w.ask_about(w.ben, request, "Why, though?").unwrap();
    let until = zone.plus_days(w.now(), 30);
    assert_eq!(w.request(request).due_at, Some(until));
    w.pass(until.seconds_since(w.now()) - 1);
    assert_eq!(w.tick(), 0);
    w.pass(1);
    assert_eq!(w.tick(), 1);
    assert_eq!(w.state(request), State::Expired);
    w.dispatch();
    let told = w.notices(w.ada);
    assert!(
        told.iter().any(|n| n.contains("the information that was asked for did not come")),
        "{told:?}"
    );
    refused(w.answer(w.ada, request, "Late"));
}

#[test]
fn d41_asked_and_stopped_at_once_the_time_counts_once() {
    let Some(w) = World::new() else { return };
    for answered_first in [true, false] {
        let package = w.package(&[], terms(vec![by_manager(&[])]));
        let request = w.ask(w.ada, package).unwrap();
        let opened = w.now();
        let thing = Thing::Package(package);
        w.pass(DAY);
        w.ask_about(w.ben, request, "Why?").unwrap();
        w.pass(DAY);
        w.stop(thing);
        refused(w.ask_about(w.ben, request, "And?"));
        w.pass(DAY);
        if answered_first {
            w.answer(w.ada, request, "So").unwrap();
            refused(w.approve(w.ben, request));
        } else {
            w.let_on(thing);
            refused(w.approve(w.ben, request));
        }
        w.pass(DAY);
        if answered_first {
            w.let_on(thing);
        } else {
            w.answer(w.ada, request, "So").unwrap();
        }
        assert_eq!(w.request(request).due_at, Some(opened.plus_seconds(17 * DAY)));
        assert_eq!(w.clocks(request).0, opened.plus_seconds(17 * DAY));
        w.approve(w.ben, request).unwrap();
    }
}

#[test]
fn d13_whoever_asked_may_leave_and_somebody_else_decides_after_the_answer() {
    let Some(w) = World::new() else { return };
    let request = w.ask(w.ada, w.package(&[], terms(vec![by(&[w.dan, w.eve], &[])]))).unwrap();
    w.ask_about(w.dan, request, "Why?").unwrap();
    w.leave(w.dan);
    assert_eq!(w.deciders(request), ["Eve"]);
    w.answer(w.ada, request, "So").unwrap();
    w.approve(w.eve, request).unwrap();
    // And whoever is left has approved already: it goes on with the answer, not before.
    let both = StageTerms { votes: Votes::Everyone, ..by(&[w.eve, w.cleo], &[]) };
    let request = w.ask(w.ada, w.package(&[], terms(vec![both]))).unwrap();
    w.approve(w.eve, request).unwrap();
    w.ask_about(w.cleo, request, "Why?").unwrap();
    w.leave(w.cleo);
    assert_eq!(w.state(request), State::PendingApproval);
    w.answer(w.ada, request, "So").unwrap();
    assert_eq!(w.state(request), State::Delivered);
}

#[test]
fn e28_comments_are_of_those_who_take_part_and_told_to_the_others() {
    let Some(w) = World::new() else { return };
    let request = w.ask(w.ada, w.package(&[], terms(vec![by_manager(&[])]))).unwrap();
    w.comment(w.ada, request, "By Friday, please.").unwrap();
    w.comment(w.ada, request, "By Friday, please.").unwrap();
    w.comment(w.ben, request, "I look at it tomorrow.").unwrap();
    w.comment(w.cleo, request, "Fine with me.").unwrap();
    assert!(matches!(w.comment(w.dan, request, "Hello"), Err(Error::Missing)));
    assert_eq!(invalid(w.comment(w.ada, request, "\u{200b} ")), "Write your comment");
    assert!(invalid(w.comment(w.ada, request, &"x".repeat(100_000))).starts_with("Shorten it"));
    assert_eq!(w.facts_of("comment_added", request).len(), 3, "sent twice, it is one");
    w.dispatch();
    let told = |who| w.notices(who).iter().filter(|n| n.contains("commented")).count();
    assert_eq!((told(w.ada), told(w.ben), told(w.cleo)), (2, 2, 0), "nobody hears of their own");
}

#[test]
fn d14_an_approval_for_less_shortens_the_access_and_never_lengthens_it() {
    let Some(w) = World::new() else { return };
    let days = |n: u32| Zone::UTC.end_of(Zone::UTC.date(Zone::UTC.plus_days(at(START), n)));
    let long = Terms {
        lifetime: Lifetime::Days { days: 90 },
        ..terms(vec![by_manager(&[]), by(&[w.dan], &[])])
    };
    let package = w.package(&[], long);
    let request = w.ask(w.ada, package).unwrap();
    let more = invalid(w.approve_until(w.ben, request, days(91)));
    assert!(more.contains("nobody approves for more"), "{more}");
    let past = invalid(w.approve_until(w.ben, request, at("2026-03-01T00:00:00Z")));
    assert!(past.starts_with("Choose a last day after"), "{past}");
    w.approve_until(w.ben, request, days(30)).unwrap();
    assert_eq!(w.request(request).ends_at, Some(days(30)));
    assert_eq!(w.facts_of("period_shortened", request).len(), 1);
    // The next stage sees it, and may go further down, not up.
    assert!(invalid(w.approve_until(w.dan, request, days(31))).contains("before 1 April 2026"));
    w.approve_until(w.dan, request, days(10)).unwrap();
    assert_eq!(w.assignment(request).ends_at, Some(days(10)));
    w.settle();
    w.pass(11 * DAY);
    w.settle();
    assert!(w.assignment(request).ended_at.is_some());
}

#[test]
fn d14_what_lasts_some_hours_is_not_approved_whole_as_if_it_were_less() {
    let Some(w) = World::new() else { return };
    let hours = Terms { lifetime: Lifetime::Hours { hours: 8 }, ..terms(vec![by(&[w.ben], &[])]) };
    let request = w.ask(w.ada, w.package(&[], hours)).unwrap();
    let today = Zone::UTC.end_of(Zone::UTC.date(at(START)));
    let no = invalid(w.approve_until(w.ben, request, today));
    assert!(no.contains("nobody approves for more"), "{no}");
    assert_eq!(w.state(request), State::PendingApproval);
}

#[test]
fn d14_of_several_votes_the_shortest_end_holds() {
    let Some(w) = World::new() else { return };
    let two = StageTerms { votes: Votes::Some { n: 2 }, ..by(&[w.dan, w.eve, w.cleo], &[]) };
    let own =
        Terms { period_chosen: true, lifetime: Lifetime::Days { days: 90 }, ..terms(vec![two]) };
    let package = w.package(&[], own);
    let until = at("2026-05-01T00:00:00Z");
    let period = Period { starts: None, ends: Some(until) };
    let request = w
        .submit(w.ada, keyholder::requests::commands::Submit { period, ..order(package) })
        .unwrap();
    w.approve_until(w.dan, request, at("2026-04-01T00:00:00Z")).unwrap();
    assert_eq!(w.state(request), State::PendingApproval);
    w.approve(w.eve, request).unwrap();
    assert_eq!(w.assignment(request).ends_at, Some(at("2026-04-01T00:00:00Z")));
}

#[test]
fn d41_the_answer_against_the_end_of_the_time_for_it() {
    let Some(w) = World::new() else { return };
    let all = requests(&w, &[w.ben], "asked");
    for (_, request, _) in &all {
        w.ask_about(w.ben, *request, "Why?").unwrap();
    }
    w.pass(30 * DAY);
    let answered = std::sync::Mutex::new(Vec::new());
    at_once(vec![
        Box::new(|| {
            for (person, request, _) in &all {
                if fine(w.answer(*person, *request, "So")) {
                    answered.lock().unwrap().push(*request);
                }
            }
        }),
        Box::new(|| {
            w.tick();
        }),
        Box::new(|| {
            w.tick();
        }),
    ]);
    let answered = answered.into_inner().unwrap();
    for (_, request, _) in &all {
        let expected =
            if answered.contains(request) { State::PendingApproval } else { State::Expired };
        assert_eq!(w.state(*request), expected);
    }
    assert_eq!(w.facts("information_given").len(), answered.len());
    assert_eq!(w.facts("request_expired").len(), CONTENDED - answered.len());
}

#[test]
fn d13_two_who_ask_at_once_ask_one_after_the_other() {
    let Some(w) = World::new() else { return };
    let all = requests(&w, &[w.ben, w.dan], "asked");
    let ask = |who| {
        let asked = all.iter().filter(|(_, request, _)| fine(w.ask_about(who, *request, "Why?")));
        asked.count()
    };
    let (first, second) = (std::sync::Mutex::new(0), std::sync::Mutex::new(0));
    at_once(vec![
        Box::new(|| *first.lock().unwrap() = ask(w.ben)),
        Box::new(|| *second.lock().unwrap() = ask(w.dan)),
    ]);
    assert_eq!(first.into_inner().unwrap() + second.into_inner().unwrap(), CONTENDED);
    assert_eq!(w.facts("information_asked").len(), CONTENDED);
}
