//! How many must approve, and what becomes of it when people leave (D3, D4, D37).

use keyholder::error::Error;
use keyholder::kernel::{Fact, GroupId, PersonId};
use keyholder::policies::model::Terms;
use keyholder::policies::stages::{Alternates, Approvers, StageTerms, Votes};
use keyholder::requests::model::{StageState, State, Verdict, Via};

use crate::support::world::{DAY, World, by, by_group, named, refused, terms};

fn some(n: u32, people: &[PersonId], fallback: &[PersonId]) -> StageTerms {
    StageTerms { votes: Votes::Some { n }, ..by(people, fallback) }
}

fn everyone(people: &[PersonId], fallback: &[PersonId]) -> StageTerms {
    StageTerms { votes: Votes::Everyone, ..by(people, fallback) }
}

fn among(people: &[PersonId], groups: &[GroupId]) -> StageTerms {
    let people = people.iter().map(|id| named(*id)).collect();
    let groups = groups.iter().map(|id| named(*id)).collect();
    StageTerms::simple(Approvers::Named { people, groups }, vec![], 14)
}

#[test]
fn d04_n_of_m_is_approved_by_the_nth_vote_and_not_before() {
    let Some(w) = World::new() else { return };
    let package = w.package(&[], terms(vec![some(2, &[w.ben, w.dan, w.eve], &[])]));
    let request = w.ask(w.ada, package).unwrap();
    w.approve(w.ben, request).unwrap();
    assert_eq!(w.state(request), State::PendingApproval);
    assert_eq!(w.deciders(request), ["Dan", "Eve"]);
    let cast = &w.facts_of("vote_cast", request)[0].fact;
    assert_eq!(*cast, Fact::VoteCast { stage: 1, stages: 1, have: 1, needed: 2, instead_of: None });
    let stage = w.last_stage(request).id;
    refused(w.decide(w.ben, request, stage, Verdict::Approve, ""));
    refused(w.decide(w.ben, request, stage, Verdict::Deny, "second thoughts"));
    assert_eq!(w.state(request), State::PendingApproval, "one vote each");
    w.approve(w.eve, request).unwrap();
    assert_eq!(w.state(request), State::Delivered);
    let late = refused(w.decide(w.dan, request, stage, Verdict::Deny, "no"));
    assert!(late.why.starts_with("Eve approved it on"), "{}", late.why);
}

#[test]
fn d04_everyone_needs_everyone_and_one_denial_ends_it_after_any_number_of_approvals() {
    let Some(w) = World::new() else { return };
    let package = w.package(&[], terms(vec![everyone(&[w.ben, w.dan, w.eve], &[])]));
    let (yes, no) = (w.ask(w.ada, package).unwrap(), w.ask(w.cleo, package).unwrap());
    for who in [w.ben, w.dan] {
        w.approve(who, yes).unwrap();
        w.approve(who, no).unwrap();
    }
    assert_eq!(w.state(yes), State::PendingApproval);
    w.approve(w.eve, yes).unwrap();
    assert_eq!(w.state(yes), State::Delivered);
    w.deny(w.eve, no).unwrap();
    assert_eq!((w.state(no), w.stage_state(no)), (State::Denied, StageState::Denied));
}

#[test]
fn d37_whoever_is_named_twice_has_one_vote() {
    let Some(w) = World::new() else { return };
    let group = w.group(&[w.ben, w.dan]);
    let stage = StageTerms { votes: Votes::Some { n: 2 }, ..among(&[w.ben], &[group]) };
    let request = w.ask(w.ada, w.package(&[], terms(vec![stage]))).unwrap();
    assert_eq!(w.deciders(request), ["Ben", "Dan"]);
    w.approve(w.ben, request).unwrap();
    refused(w.approve(w.ben, request));
    assert_eq!(w.state(request), State::PendingApproval);
}

#[test]
fn d37_fallbacks_join_when_too_few_are_left_and_n_is_never_lowered() {
    let Some(w) = World::new() else { return };
    let package = w.package(&[], terms(vec![some(2, &[w.ben, w.dan], &[w.eve])]));
    let request = w.ask(w.ada, package).unwrap();
    w.leave(w.ben);
    assert_eq!(w.deciders(request), ["Dan", "Eve"]);
    assert_eq!(w.last_stage(request).needed, 2);
    w.approve(w.dan, request).unwrap();
    assert_eq!(w.state(request), State::PendingApproval, "two are needed still");
    w.leave(w.eve);
    assert_eq!(w.deciders(request), ["Cleo"], "the owners, after the fallbacks");
    w.approve(w.cleo, request).unwrap();
    assert_eq!(w.state(request), State::Delivered);
}

#[test]
fn d37_a_vote_counts_though_its_voter_leaves() {
    let Some(w) = World::new() else { return };
    let package = w.package(&[], terms(vec![some(2, &[w.ben, w.dan, w.eve], &[])]));
    let request = w.ask(w.ada, package).unwrap();
    w.approve(w.ben, request).unwrap();
    w.leave(w.ben);
    assert_eq!(w.deciders(request), ["Dan", "Eve"]);
    w.approve(w.dan, request).unwrap();
    assert_eq!(w.state(request), State::Delivered);
}

#[test]
fn d37_when_the_last_one_missing_of_everyone_leaves_the_stage_is_approved() {
    let Some(w) = World::new() else { return };
    let stages = vec![everyone(&[w.ben, w.dan], &[]), by(&[w.eve], &[])];
    let request = w.ask(w.ada, w.package(&[], terms(stages))).unwrap();
    w.approve(w.ben, request).unwrap();
    w.leave(w.dan);
    let first = &w.stages(request)[0];
    assert_eq!((first.state(), first.decided_by), (StageState::Approved, None));
    assert_eq!(w.facts_of("stage_complete", request).len(), 1);
    assert_eq!(w.deciders(request), ["Eve"]);
    w.approve(w.eve, request).unwrap();
    assert_eq!(w.state(request), State::Delivered);
}

#[test]
fn d07_a_stage_that_completes_because_somebody_left_is_held_to_the_scope_too() {
    let Some(w) = World::new() else { return };
    let group = w.group(&[w.ada]);
    let scope =
        keyholder::policies::model::Scope { groups: vec![named(group)], ..Default::default() };
    let terms = Terms { scope, ..terms(vec![everyone(&[w.ben, w.dan], &[])]) };
    let request = w.ask(w.ada, w.package(&[w.role("ledger")], terms)).unwrap();
    w.approve(w.ben, request).unwrap();
    w.leave_group(group, w.ada);
    w.leave(w.dan);
    assert_eq!(w.state(request), State::Denied);
}

#[test]
fn d37_everyone_is_all_living_primaries_and_fallbacks_come_when_none_is_left() {
    let Some(w) = World::new() else { return };
    let package = w.package(&[], terms(vec![everyone(&[w.ben, w.dan], &[w.eve])]));
    let request = w.ask(w.ada, package).unwrap();
    w.leave(w.ben);
    assert_eq!(w.deciders(request), ["Dan"]);
    w.leave(w.dan);
    assert_eq!(w.deciders(request), ["Eve"]);
    w.approve(w.eve, request).unwrap();
    assert_eq!(w.state(request), State::Delivered);
}

#[test]
fn d37_an_alternate_replaces_a_silent_one_of_everyone() {
    let Some(w) = World::new() else { return };
    let alternates =
        Alternates { after: 3, people: vec![named(w.eve)], groups: vec![], second_manager: false };
    let stage = StageTerms { alternates: Some(alternates), ..everyone(&[w.ben, w.dan], &[]) };
    let request = w.ask(w.ada, w.package(&[], terms(vec![stage]))).unwrap();
    w.pass(3 * DAY);
    w.tick();
    w.approve(w.eve, request).unwrap();
    assert_eq!(w.state(request), State::PendingApproval, "she replaces one, and two are silent");
    w.approve(w.ben, request).unwrap();
    assert_eq!(w.state(request), State::Delivered);
}

#[test]
fn d37_alternates_votes_count_in_n_of_m() {
    let Some(w) = World::new() else { return };
    let alternates = Alternates {
        after: 3,
        people: vec![named(w.eve), named(w.root)],
        groups: vec![],
        second_manager: false,
    };
    let stage = StageTerms { alternates: Some(alternates), ..some(2, &[w.ben, w.dan], &[]) };
    let request = w.ask(w.ada, w.package(&[], terms(vec![stage]))).unwrap();
    w.pass(3 * DAY);
    w.tick();
    w.approve(w.eve, request).unwrap();
    w.approve(w.root, request).unwrap();
    assert_eq!(w.state(request), State::Delivered);
}

#[test]
fn d37_who_leaves_the_group_no_longer_decides_and_who_joins_it_does_not_either() {
    let Some(w) = World::new() else { return };
    let group = w.group(&[w.ben, w.dan]);
    let request = w.ask(w.ada, w.package(&[], terms(vec![by_group(group, &[])]))).unwrap();
    w.import_group(group, &[w.dan, w.eve]);
    assert_eq!(w.deciders(request), ["Dan"]);
    assert!(matches!(w.approve(w.ben, request), Err(Error::Denied(_))));
    assert!(matches!(w.approve(w.eve, request), Err(Error::Missing)));
    assert_eq!(w.facts_of("approvers_changed", request).len(), 1);
    w.import_group(group, &[w.eve]);
    assert_eq!(w.deciders(request), ["Cleo"], "nobody of then is left");
}

#[test]
fn d37_a_vote_counts_though_its_voter_leaves_the_group() {
    let Some(w) = World::new() else { return };
    let group = w.group(&[w.ben, w.dan]);
    let stage = StageTerms { votes: Votes::Some { n: 2 }, ..by_group(group, &[]) };
    let request = w.ask(w.ada, w.package(&[], terms(vec![stage]))).unwrap();
    w.approve(w.ben, request).unwrap();
    w.import_group(group, &[w.dan]);
    assert_eq!(w.deciders(request), ["Dan"]);
    w.approve(w.dan, request).unwrap();
    assert_eq!(w.state(request), State::Delivered);
}

#[test]
fn d37_who_is_in_two_groups_of_the_stage_decides_until_they_have_left_both() {
    let Some(w) = World::new() else { return };
    let (one, two) = (w.group(&[w.ben, w.dan]), w.group(&[w.ben, w.eve]));
    let request = w.ask(w.ada, w.package(&[], terms(vec![among(&[], &[one, two])]))).unwrap();
    for (first, rest) in [(one, w.dan), (two, w.eve)] {
        assert_eq!(w.deciders(request), ["Ben", "Dan", "Eve"]);
        w.import_group(first, &[rest]);
    }
    assert_eq!(w.deciders(request), ["Dan", "Eve"]);
}

#[test]
fn d37_who_is_named_beside_the_group_keeps_deciding() {
    let Some(w) = World::new() else { return };
    let group = w.group(&[w.ben, w.dan]);
    let request = w.ask(w.ada, w.package(&[], terms(vec![among(&[w.ben], &[group])]))).unwrap();
    w.import_group(group, &[w.dan]);
    assert_eq!(w.deciders(request), ["Ben", "Dan"]);
}

#[test]
fn d37_an_alternate_who_leaves_one_of_two_groups_stays() {
    let Some(w) = World::new() else { return };
    let (one, two) = (w.group(&[w.eve, w.dan]), w.group(&[w.eve]));
    let groups = vec![named(one), named(two)];
    let alternates = Alternates { after: 3, people: vec![], groups, second_manager: false };
    let stage = StageTerms { alternates: Some(alternates), ..by(&[w.ben], &[]) };
    let request = w.ask(w.ada, w.package(&[], terms(vec![stage]))).unwrap();
    w.pass(3 * DAY);
    w.tick();
    assert_eq!(w.deciders(request), ["Ben", "Dan", "Eve"]);
    w.import_group(one, &[w.dan]);
    assert_eq!(w.deciders(request), ["Ben", "Dan", "Eve"]);
    w.import_group(two, &[w.root]);
    assert_eq!(w.deciders(request), ["Ben", "Dan"]);
}

#[test]
fn d37_nobody_decides_in_two_stages_unless_the_policy_lets_them() {
    let Some(w) = World::new() else { return };
    let stages = vec![by(&[w.ben, w.dan], &[]), by(&[w.ben, w.eve], &[])];
    let once = w.package(&[], terms(stages.clone()));
    let twice = w.package(&[], Terms { decides_twice: true, ..terms(stages) });
    for (package, deciders) in [(once, vec!["Eve"]), (twice, vec!["Ben", "Eve"])] {
        let request = w.ask(w.ada, package).unwrap();
        w.approve(w.ben, request).unwrap();
        assert_eq!(w.deciders(request), deciders);
    }
    // The only approver of the second stage has decided the first: the fallback takes it.
    let both = w.package(&[], terms(vec![by(&[w.ben], &[]), by(&[w.ben], &[w.dan])]));
    let request = w.ask(w.ada, both).unwrap();
    w.approve(w.ben, request).unwrap();
    assert_eq!(w.deciders(request), ["Dan"]);
    let there = w.approvers(request).into_iter().find(|a| a.person == w.dan).unwrap();
    assert_eq!(there.via, Via::Fallback);
}

#[test]
fn d37_who_voted_in_an_earlier_stage_is_no_alternate_and_no_reinforcement_of_a_later_one() {
    let Some(w) = World::new() else { return };
    let alternates =
        Alternates { after: 3, people: vec![named(w.ben)], groups: vec![], second_manager: false };
    let second = StageTerms { alternates: Some(alternates), ..by(&[w.dan], &[w.ben, w.eve]) };
    let request = w.ask(w.ada, w.package(&[], terms(vec![by(&[w.ben], &[]), second]))).unwrap();
    w.approve(w.ben, request).unwrap();
    w.pass(3 * DAY);
    w.tick();
    assert_eq!(w.deciders(request), ["Dan"]);
    w.leave(w.dan);
    assert_eq!(w.deciders(request), ["Eve"]);
}

#[test]
fn d38_n_of_m_that_nobody_could_reach_is_refused_at_submit() {
    let Some(w) = World::new() else { return };
    let stage = some(5, &[w.ben], &[w.dan]);
    let package = w.package(&[], terms(vec![by(&[w.eve], &[]), stage]));
    let no = refused(w.ask(w.ada, package));
    assert_eq!(no.title, "Nobody could decide on this request");
    assert!(w.requests_of(w.ada, package).is_empty(), "nothing is stored");
    // Ben, Dan, Cleo as owner and Root as administrator are four.
    let four = w.package(&[], terms(vec![some(4, &[w.ben], &[w.dan])]));
    let request = w.ask(w.ada, four).unwrap();
    assert_eq!(w.deciders(request), ["Ben", "Cleo", "Dan", "Root"]);
}

#[test]
fn d38_what_becomes_undecidable_later_is_denied_by_the_rule() {
    let Some(w) = World::new() else { return };
    let four = w.package(&[], terms(vec![some(4, &[w.ben], &[w.dan])]));
    let request = w.ask(w.ada, four).unwrap();
    w.leave(w.root);
    assert_eq!(w.state(request), State::Denied);
    let told = &w.facts_of("request_denied", request)[0].fact;
    let Fact::RequestDenied { rule } = told else { panic!("{told:?}") };
    assert_eq!(rule, "nobody who may decide this stage is left");
}
