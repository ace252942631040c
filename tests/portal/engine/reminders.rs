//! Who is reminded of what, and when (E3).

use keyholder::error::Error;
use keyholder::kernel::Fact;
use keyholder::policies::model::{Extension, Terms};
use keyholder::policies::stages::{Alternates, StageTerms, Unit, Votes};
use keyholder::requests::model::State;

use crate::support::world::{DAY, START, World, at, by, by_manager, named, refused, terms};

/// Due time and "is it the last one" of every reminder.
fn reminded(w: &World) -> Vec<(i64, bool)> {
    let day = |told: &crate::support::world::Told| {
        let Fact::DecisionReminded { last, .. } = told.fact else { panic!("{told:?}") };
        (told.due.unwrap().seconds_since(at(START)) / 3_600, last)
    };
    w.facts("decision_reminded").iter().map(day).collect()
}

#[test]
fn e03_approvers_are_reminded_at_half_time_and_on_the_last_day() {
    let Some(w) = World::new() else { return };
    let request = w.ask(w.ada, w.package(&[], terms(vec![by_manager(&[])]))).unwrap();
    for _ in 0..14 * 4 - 1 {
        w.pass(DAY / 4);
        w.tick();
    }
    assert_eq!(reminded(&w), [(7 * 24, false), (13 * 24, true)]);
    w.dispatch();
    let told = w.notices(w.ben);
    assert_eq!(told.len(), 3, "opened, half time, last day: {told:?}");
    assert!(w.notices(w.ada).is_empty(), "who asks is not reminded");
    w.approve(w.ben, request).unwrap();
    w.pass(10 * DAY);
    w.tick();
    assert_eq!(reminded(&w).len(), 2);
}

#[test]
fn e03_only_the_newest_reminder_is_sent_and_none_for_what_is_decided_or_over() {
    let Some(w) = World::new() else { return };
    let package = w.package(&[], terms(vec![by_manager(&[])]));
    let (late, decided) = (w.ask(w.ada, package), w.ask(w.reports_to("Abe", w.ben), package));
    w.approve(w.ben, decided.unwrap()).unwrap();
    w.pass(13 * DAY + 3_600);
    w.tick();
    assert_eq!(reminded(&w), [(13 * 24, true)], "not the one of half time");
    w.pass(DAY);
    w.tick();
    assert_eq!((reminded(&w).len(), w.state(late.unwrap())), (1, State::Expired));
    let over = w.ask(w.ada, package).unwrap();
    w.pass(30 * DAY);
    w.tick();
    assert_eq!((reminded(&w).len(), w.state(over)), (1, State::Expired), "nobody of what is over");
}

#[test]
fn e03_a_stage_of_a_few_hours_has_one_reminder() {
    let Some(w) = World::new() else { return };
    let stage = StageTerms { time: 8, unit: Unit::Hours, ..by_manager(&[]) };
    w.ask(w.ada, w.package(&[], terms(vec![stage]))).unwrap();
    for _ in 0..7 {
        w.pass(3_600);
        w.tick();
    }
    assert_eq!(reminded(&w), [(4, true)]);
}

/// What the alternate saw: "decide" and "reminder: decide" in the same minute.
#[test]
fn alternates_who_join_when_a_reminder_is_due_are_told_once() {
    let Some(w) = World::new() else { return };
    let (people, groups) = (vec![named(w.eve)], vec![]);
    let joining = Alternates { after: 7, people, groups, second_manager: false };
    let stage = StageTerms { alternates: Some(joining), ..by_manager(&[]) };
    w.ask(w.ada, w.package(&[], terms(vec![stage]))).unwrap();
    w.dispatch();
    w.pass(7 * DAY);
    w.tick();
    w.dispatch();
    assert_eq!(reminded(&w), [(7 * 24, false)]);
    assert_eq!(w.notices(w.eve).len(), 1, "{:#?}", w.notices(w.eve));
    assert_eq!(w.notices(w.ben).len(), 2);
    w.pass(6 * DAY);
    w.tick();
    w.dispatch();
    assert_eq!((w.notices(w.ben).len(), w.notices(w.eve).len()), (3, 2), "both, the last time");
}

#[test]
fn e03_who_has_voted_is_not_reminded() {
    let Some(w) = World::new() else { return };
    let stage = StageTerms { votes: Votes::Everyone, ..by(&[w.ben, w.dan], &[]) };
    let request = w.ask(w.ada, w.package(&[], terms(vec![stage]))).unwrap();
    w.approve(w.ben, request).unwrap();
    w.dispatch();
    let before = (w.notices(w.ben).len(), w.notices(w.dan).len());
    w.pass(7 * DAY);
    w.tick();
    w.dispatch();
    assert_eq!((w.notices(w.ben).len(), w.notices(w.dan).len()), (before.0, before.1 + 1));
}

#[test]
fn who_waits_reminds_the_approvers_once_a_day() {
    let Some(w) = World::new() else { return };
    let request = w.ask(w.ada, w.package(&[], terms(vec![by_manager(&[])]))).unwrap();
    assert!(matches!(w.remind(w.dan, request), Err(Error::Missing)), "a stranger");
    assert!(matches!(w.remind(w.ben, request), Err(Error::Denied(_))), "who decides does");
    w.remind(w.ada, request).unwrap();
    let no = refused(w.remind(w.ada, request));
    assert_eq!(no.title, "They were reminded less than a day ago");
    assert!(no.why.contains("3 Mar 2026, 09:00"), "{}", no.why);
    w.pass(DAY - 1);
    refused(w.remind(w.ada, request));
    w.pass(1);
    w.remind(w.ada, request).unwrap();
    w.dispatch();
    assert_eq!(w.notices(w.ben).len(), 3);
    w.approve(w.ben, request).unwrap();
    w.pass(DAY);
    assert_eq!(refused(w.remind(w.ada, request)).title, "Nobody’s decision is awaited");
}

/// When the end was announced, in days before it.
fn announced(w: &World, end: &str) -> Vec<i64> {
    let told = w.facts("assignment_ending");
    told.iter().map(|t| at(end).seconds_since(t.due.unwrap()) / DAY).collect()
}

#[test]
fn d11_the_end_is_announced_two_weeks_and_a_day_before() {
    let Some(w) = World::new() else { return };
    let extension = Some(Extension { approval: false, last_days: None });
    let package = w.package(&[], Terms { extension, ..terms(vec![]) });
    let plain = w.package(&[], terms(vec![]));
    w.ask(w.ada, package).unwrap();
    for _ in 0..89 {
        w.pass(DAY);
        w.tick();
    }
    assert_eq!(announced(&w, "2026-05-31T09:00:00Z"), [14, 1]);
    let Fact::AssignmentEnding { extendable, .. } = w.facts("assignment_ending")[0].fact else {
        panic!()
    };
    assert!(extendable);
    w.dispatch();
    assert!(w.notices(w.ada).len() >= 2);
    // Another one is passed over by a clock that jumps: only the newest, and none once it is over.
    w.ask(w.eve, plain).unwrap();
    w.pass(89 * DAY + 60);
    w.tick();
    assert_eq!(w.facts("assignment_ending").len(), 3);
    let last = w.facts("assignment_ending").pop().unwrap();
    assert!(matches!(last.fact, Fact::AssignmentEnding { extendable: false, .. }));
    w.pass(DAY);
    w.tick();
    w.ask(w.eve, plain).unwrap();
    w.pass(200 * DAY);
    w.tick();
    assert_eq!(w.facts("assignment_ending").len(), 3, "none for what has ended");
}
