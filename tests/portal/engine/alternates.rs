//! Who joins a stage that nobody decides (D5).

use keyholder::kernel::{Fact, PersonId};
use keyholder::policies::stages::{Alternates, StageTerms, Unit};
use keyholder::requests::model::{StageState, State, Via};

use crate::support::world::{DAY, START, World, at, by, by_manager, named, terms};

fn after(n: u32, people: &[PersonId]) -> Option<Alternates> {
    let people = people.iter().map(|id| named(*id)).collect();
    Some(Alternates { after: n, people, groups: vec![], second_manager: false })
}

#[test]
fn d05_alternates_join_after_n_days() {
    let Some(w) = World::new() else { return };
    let stage = StageTerms { alternates: after(3, &[w.eve]), ..by(&[w.ben], &[]) };
    let package = w.package(&[], terms(vec![stage]));
    for decider in [w.ben, w.eve] {
        let asker = w.person("Asker");
        let request = w.ask(asker, package).unwrap();
        let opened = w.now();
        w.pass(3 * DAY - 1);
        assert_eq!((w.tick(), w.deciders(request)), (0, vec!["Ben".to_owned()]));
        w.pass(1);
        assert_eq!(w.tick(), 1);
        assert_eq!(w.deciders(request), ["Ben", "Eve"], "the primaries keep their right");
        let told = &w.facts_of("alternates_joined", request)[0];
        assert_eq!(told.due, Some(opened.plus_seconds(3 * DAY)));
        assert_eq!(told.fact, Fact::AlternatesJoined { stage: 1, who: vec!["Eve".into()] });
        assert_eq!(w.tick(), 0, "once");
        w.dispatch();
        assert!(w.notices(w.eve).iter().any(|n| n.contains("Asker") || n.contains("Package")));
        w.approve(decider, request).unwrap();
        assert_eq!(w.state(request), State::Delivered);
    }
}

#[test]
fn d05_in_a_stage_of_hours_alternates_join_after_hours() {
    let Some(w) = World::new() else { return };
    let stage = StageTerms {
        time: 8,
        unit: Unit::Hours,
        alternates: after(2, &[w.eve]),
        ..by(&[w.ben], &[])
    };
    let package = w.package(&[], terms(vec![stage]));
    let request = w.ask(w.ada, package).unwrap();
    w.pass(2 * 3_600);
    w.tick();
    assert_eq!(w.deciders(request), ["Ben", "Eve"]);
    w.pass(6 * 3_600 - 1);
    w.tick();
    assert_eq!(w.state(request), State::PendingApproval);
    w.pass(1);
    w.tick();
    assert_eq!(w.state(request), State::Expired);
    assert_eq!(w.facts_of("request_expired", request)[0].due, Some(at(START).plus_hours(8)));
}

#[test]
fn d05_the_managers_manager_joins_as_alternate() {
    let Some(w) = World::new() else { return };
    w.set_manager(w.ben, Some(w.dan));
    let second = Alternates { after: 1, people: vec![], groups: vec![], second_manager: true };
    let stage = StageTerms { alternates: Some(second), ..by_manager(&[w.eve]) };
    let package = w.package(&[], terms(vec![stage]));
    let request = w.ask(w.ada, package).unwrap();
    w.pass(DAY);
    w.tick();
    assert_eq!(w.deciders(request), ["Ben", "Dan"]);
    let dan = w.approvers(request).into_iter().find(|a| a.person == w.dan).unwrap();
    assert_eq!(dan.via, Via::Alternate);
    w.approve(w.dan, request).unwrap();
}

#[test]
fn d05_neither_who_asks_nor_who_has_left_joins() {
    let Some(w) = World::new() else { return };
    let stage = StageTerms { alternates: after(1, &[w.ada, w.dan]), ..by(&[w.ben], &[]) };
    let package = w.package(&[], terms(vec![stage]));
    let request = w.ask(w.ada, package).unwrap();
    w.leave(w.dan);
    w.pass(2 * DAY);
    w.tick();
    assert_eq!(w.deciders(request), ["Ben"]);
    assert!(w.facts("alternates_joined").is_empty(), "nobody did");
    assert_eq!(w.clocks(request).1, None, "and it is not looked at again");
}

#[test]
fn d05_what_is_decided_gets_no_alternates_and_a_next_stage_has_its_own() {
    let Some(w) = World::new() else { return };
    let first = StageTerms { alternates: after(3, &[w.eve]), ..by(&[w.ben], &[]) };
    let second = StageTerms { alternates: after(5, &[w.root]), ..by(&[w.dan], &[]) };
    let package = w.package(&[], terms(vec![first, second]));
    let request = w.ask(w.ada, package).unwrap();
    w.pass(2 * DAY);
    w.approve(w.ben, request).unwrap();
    w.pass(3 * DAY);
    w.tick();
    assert_eq!(w.deciders(request), ["Dan"], "three days in, the second stage is younger");
    w.pass(2 * DAY);
    w.tick();
    assert_eq!(w.deciders(request), ["Dan", "Root"]);
    assert_eq!(w.facts("alternates_joined").len(), 1);
}

#[test]
fn d05_an_alternate_who_denies_ends_the_request() {
    let Some(w) = World::new() else { return };
    let stage = StageTerms { alternates: after(3, &[w.eve]), ..by(&[w.ben], &[]) };
    let request = w.ask(w.ada, w.package(&[], terms(vec![stage]))).unwrap();
    w.pass(3 * DAY);
    w.tick();
    w.deny(w.eve, request).unwrap();
    assert_eq!((w.state(request), w.stage_state(request)), (State::Denied, StageState::Denied));
}

#[test]
fn e03_a_clock_beyond_everything_lets_alternates_join_then_expires_and_reminds_nobody() {
    let Some(w) = World::new() else { return };
    let stage = StageTerms { alternates: after(3, &[w.eve]), ..by(&[w.ben], &[]) };
    let request = w.ask(w.ada, w.package(&[], terms(vec![stage]))).unwrap();
    w.pass(40 * DAY);
    w.tick();
    assert_eq!(w.state(request), State::Expired);
    let day = |n| at(START).plus_seconds(n * DAY);
    assert_eq!(
        w.recorded_order(&["alternates_joined", "decision_reminded", "request_expired"]),
        [(day(3), "alternates_joined"), (day(14), "request_expired")]
    );
    w.dispatch();
    assert!(w.notices(w.eve).is_empty(), "nobody is told of what they cannot act on (D36)");
}
