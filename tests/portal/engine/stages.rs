//! Which stages a request goes through, whom they ask, and until when (D3, D4, D5, D9).

use keyholder::kernel::{Fact, Zone};
use keyholder::policies::model::{Lifetime, Scope, Terms};
use keyholder::policies::questions::{Kind, Question};
use keyholder::policies::stages::{Approvers, Condition, StageTerms, Unit};
use keyholder::requests::commands::Submit;
use keyholder::requests::model::{State, Via};
use keyholder::requests::rules::Period;

use crate::support::acts::answered;
use crate::support::world::{DAY, World, at, by, by_manager, named, order, terms};

fn where_to() -> Question {
    let choices = vec!["Office".into(), "Lab".into()];
    Question {
        key: "where".into(),
        text: "Where will you use it?".into(),
        hint: String::new(),
        answer: Kind::One { choices },
        required: true,
        shown_if: None,
    }
}

fn only(condition: Condition, stage: StageTerms) -> StageTerms {
    StageTerms { only_if: Some(condition), ..stage }
}

#[test]
fn d04_a_stage_applies_if_a_question_was_answered_so() {
    let Some(w) = World::new() else { return };
    let lab = Condition::Answer { question: "where".into(), any_of: vec!["Lab".into()] };
    let stages = vec![by(&[w.ben], &[]), only(lab, by(&[w.dan], &[])), by(&[w.eve], &[])];
    let package = w.package(&[], Terms { questions: vec![where_to()], ..terms(stages) });
    let ask = |who, answer| {
        let answers = answered("where", answer);
        w.submit(who, Submit { answers, ..order(package) }).unwrap()
    };
    let (lab, office) = (ask(w.ada, "Lab"), ask(w.cleo, "Office"));
    for request in [lab, office] {
        w.approve(w.ben, request).unwrap();
    }
    assert_eq!(w.deciders(lab), ["Dan"]);
    assert_eq!((w.deciders(office), w.request(office).stage), (vec!["Eve".to_owned()], 3));
    let skipped = &w.facts_of("stage_skipped", office)[0].fact;
    assert_eq!(*skipped, Fact::StageSkipped { stage: 2, stages: 3 });
    w.approve(w.dan, lab).unwrap();
    for request in [lab, office] {
        w.approve(w.eve, request).unwrap();
        assert_eq!(w.state(request), State::Delivered);
    }
}

#[test]
fn d04_a_stage_applies_if_access_is_asked_for_longer_than_so_many_days() {
    let Some(w) = World::new() else { return };
    let long = || only(Condition::LongerThan { days: 30 }, by(&[w.dan], &[]));
    let package = w.package(&[], terms(vec![long()]));
    let until = |text| Period { starts: None, ends: Some(at(text)) };
    let short = w
        .submit(w.ada, Submit { period: until("2026-04-01T09:00:00Z"), ..order(package) })
        .unwrap();
    assert_eq!(w.state(short), State::Delivered, "30 days are not longer than 30 days");
    let long_one =
        w.submit(w.cleo, Submit { period: until("2026-04-02T09:00:00Z"), ..order(package) });
    assert_eq!(w.deciders(long_one.unwrap()), ["Dan"]);
    let whole = w.ask(w.eve, package).unwrap();
    assert_eq!(w.deciders(whole), ["Dan"], "without a wish it is the policy's 90 days");
    let never = w.package(&[], Terms { lifetime: Lifetime::Never, ..terms(vec![long()]) });
    assert_eq!(w.deciders(w.ask(w.eve, never).unwrap()), ["Dan"], "without an end is longer");
}

#[test]
fn d04_a_stage_for_guests_is_for_guests_and_if_all_are_skipped_it_is_approved() {
    let Some(w) = World::new() else { return };
    let (_, guest) = w.organization("partner.example", &[w.dan]);
    let scope = Scope { all_users: true, ..Scope::default() };
    let stage = || only(Condition::Guests, by(&[w.ben], &[]));
    let package = w.package(&[w.role("ledger")], Terms { scope, ..terms(vec![stage(), stage()]) });
    let member = w.ask(w.ada, package).unwrap();
    assert_eq!(w.state(member), State::Delivering);
    assert_eq!(w.facts_of("stage_skipped", member).len(), 2);
    let approved = &w.facts_of("request_approved", member)[0].fact;
    assert_eq!(*approved, Fact::RequestApproved { automatic: true });
    assert!(w.stages(member).is_empty());
    let guests = w.ask(guest, package).unwrap();
    assert_eq!(w.deciders(guests), ["Ben"]);
    w.deliver();
}

#[test]
fn d03_the_managers_manager_decides_or_else_the_fallback() {
    let Some(w) = World::new() else { return };
    w.set_manager(w.ben, Some(w.dan));
    let fallback = vec![named(w.eve)];
    let stage = StageTerms::simple(Approvers::SecondManager, fallback, 14);
    let package = w.package(&[], terms(vec![stage]));
    let request = w.ask(w.ada, package).unwrap();
    assert_eq!(w.deciders(request), ["Dan"]);
    assert_eq!(w.approvers(request)[0].via, Via::SecondManager);
    // Ben's manager has none; nor has Cleo any at all.
    for person in [w.ben, w.cleo] {
        assert_eq!(w.deciders(w.ask(person, package).unwrap()), ["Eve"]);
    }
    // Dan's own manager is Ada's report: a ring does not let her decide.
    w.set_manager(w.dan, Some(w.eve));
    w.set_manager(w.eve, Some(w.dan));
    let ring = w.ask(w.eve, package).unwrap();
    assert_eq!(w.deciders(ring), ["Cleo"], "her manager's manager and the fallback are herself");
}

#[test]
fn d03_the_sponsors_of_a_connected_organization_decide_or_else_the_fallback() {
    let Some(w) = World::new() else { return };
    let (organization, guest) = w.organization("partner.example", &[w.dan, w.ben]);
    let scope =
        Scope { all_members: true, organizations: vec![named(organization)], ..Scope::default() };
    let stage = StageTerms::simple(Approvers::Sponsors, vec![named(w.eve)], 14);
    let package = w.package(&[], Terms { scope, ..terms(vec![stage]) });
    let request = w.ask(guest, package).unwrap();
    assert_eq!(w.deciders(request), ["Ben", "Dan"]);
    assert!(w.approvers(request).iter().all(|a| a.via == Via::Sponsor));
    assert_eq!(w.deciders(w.ask(w.ada, package).unwrap()), ["Eve"], "a member has no sponsor");
    w.leave(w.ben);
    w.leave(w.dan);
    assert_eq!(w.deciders(request), ["Eve"]);
}

#[test]
fn d09_a_stage_in_days_keeps_the_local_time_and_one_in_hours_counts_exactly() {
    let Some(w) = World::in_zone(Zone::of(chrono_tz::Europe::Oslo)) else { return };
    w.pass(26 * DAY);
    assert_eq!(w.now(), at("2026-03-28T09:00:00Z"), "the day before clocks are changed");
    let days = StageTerms { time: 2, ..by_manager(&[w.eve]) };
    let hours = StageTerms { time: 48, unit: Unit::Hours, ..by_manager(&[w.eve]) };
    for (stage, due) in [(days, "2026-03-30T08:00:00Z"), (hours, "2026-03-30T09:00:00Z")] {
        let request = w.ask(w.ada, w.package(&[], terms(vec![stage]))).unwrap();
        assert_eq!(w.request(request).due_at, Some(at(due)));
    }
}

#[test]
fn d05_three_stages_each_with_their_own_clock_and_approvers() {
    let Some(w) = World::new() else { return };
    let hours = StageTerms { time: 6, unit: Unit::Hours, ..by(&[w.eve], &[]) };
    let stages = vec![by_manager(&[w.eve]), StageTerms { time: 2, ..by(&[w.dan], &[]) }, hours];
    let package = w.package(&[w.role("ledger")], terms(stages));
    let request = w.ask(w.ada, package).unwrap();
    for (who, due) in [(w.ben, 14 * DAY), (w.dan, 2 * DAY), (w.eve, 6 * 3_600)] {
        assert_eq!(w.request(request).due_at, Some(w.now().plus_seconds(due)));
        w.pass(due / 2 - 1);
        w.approve(who, request).unwrap();
    }
    w.settle();
    assert_eq!(w.state(request), State::Delivered);
    assert_eq!(w.facts_of("stage_approved", request).len(), 3);
}
