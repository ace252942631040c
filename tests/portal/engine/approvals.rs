//! Who decides, how often, and until when.

use diesel::prelude::*;
use keyholder::db::schema::{role_grants, stage_approvers};
use keyholder::error::Error;
use keyholder::kernel::Fact;
use keyholder::policies::stages::StageTerms;
use keyholder::requests::model::{StageState, State, Verdict};

use crate::support::world::{DAY, World, at, by, by_group, by_manager, refused, terms};

#[test]
fn d02_nobody_decides_for_themselves_whatever_makes_them_an_approver() {
    let Some(w) = World::new() else { return };
    let group = w.group(&[w.ada, w.eve]);
    w.set_manager(w.ada, Some(w.ada));
    for (stage, deciders) in [
        (by(&[w.ada, w.ben], &[]), "Ben"),
        (by_group(group, &[]), "Eve"),
        (by_manager(&[w.dan]), "Dan"),
        (by(&[w.ada], &[w.ada, w.dan]), "Dan"),
    ] {
        let package = w.package(&[], terms(vec![stage]));
        let request = w.ask(w.ada, package).unwrap();
        assert_eq!(w.deciders(request), [deciders]);
        assert!(matches!(w.approve(w.ada, request), Err(Error::Denied(_))));
        assert!(matches!(w.deny(w.ada, request), Err(Error::Denied(_))));
        assert_eq!(w.state(request), State::PendingApproval);
    }
    // Cleo owns the catalog and Root is an administrator: it does not help them either.
    let package = w.package(&[], terms(vec![by(&[w.dan], &[])]));
    for (asker, other) in [(w.cleo, w.root), (w.root, w.cleo)] {
        let request = w.ask(asker, package).unwrap();
        assert!(matches!(w.approve(asker, request), Err(Error::Denied(_))));
        assert!(matches!(w.approve(other, request), Err(Error::Denied(_))), "nor for each other");
        w.approve(w.dan, request).unwrap();
    }
}

#[test]
fn d02_not_even_a_wrong_row_lets_somebody_decide_for_themselves() {
    let Some(w) = World::new() else { return };
    let package = w.package(&[], terms(vec![by(&[w.ben], &[])]));
    let request = w.ask(w.ada, package).unwrap();
    let row = |from, to| {
        let stage = w.last_stage(request).id;
        w.run(move |tx| {
            diesel::update(stage_approvers::table.find((stage, from)))
                .set(stage_approvers::person_id.eq(to))
                .execute(tx.db())?;
            Ok(())
        });
    };
    row(w.ben, w.ada);
    assert!(matches!(w.approve(w.ada, request), Err(Error::Denied(_))));
    row(w.ada, w.ben);
}

#[test]
fn d03_the_others_remain_then_fallbacks_then_owners_then_administrators() {
    let Some(w) = World::new() else { return };
    let package = w.package(&[], terms(vec![by(&[w.ben, w.eve], &[w.dan])]));
    let request = w.ask(w.ada, package).unwrap();
    w.leave(w.ben);
    assert_eq!(w.deciders(request), ["Eve"]);
    assert!(w.facts_of("approvers_fell_back", request).is_empty(), "Eve is left");
    w.leave(w.eve);
    assert_eq!(w.deciders(request), ["Dan"]);
    let told = w.facts_of("approvers_fell_back", request);
    let Fact::ApproversFellBack { why, to, .. } = &told[0].fact else { panic!("{told:?}") };
    assert_eq!(to, "the fallback approvers");
    assert_eq!(why, "none of the approvers named in the policy is able to decide");
    w.leave(w.dan);
    assert_eq!(w.deciders(request), ["Cleo"]);
    w.leave(w.cleo);
    assert_eq!(w.deciders(request), ["Root"]);
    assert_eq!(w.facts_of("approvers_changed", request).len(), 4);
    let stage = w.last_stage(request);
    assert_eq!(
        (stage.opened_at, stage.due_at),
        (at("2026-03-02T09:00:00Z"), at("2026-03-16T09:00:00Z"))
    );
    w.leave(w.root);
    assert_eq!(w.state(request), State::Denied, "a stage without a living decider cannot exist");
}

#[test]
fn d03_a_manager_who_left_is_replaced_when_the_stage_opens() {
    let Some(w) = World::new() else { return };
    let package = w.package(&[], terms(vec![by(&[w.eve], &[]), by_manager(&[w.dan])]));
    let request = w.ask(w.ada, package).unwrap();
    w.leave(w.ben);
    w.approve(w.eve, request).unwrap();
    assert_eq!(w.deciders(request), ["Dan"]);
    let told = w.facts_of("approvers_fell_back", request);
    let Fact::ApproversFellBack { stage, why, .. } = &told[0].fact else { panic!("{told:?}") };
    assert_eq!((*stage, why.as_str()), (2, "no manager is on record or able to decide"));
}

#[test]
fn d03_who_left_and_came_back_decides_when_the_fallback_leaves() {
    let Some(w) = World::new() else { return };
    let package = w.package(&[], terms(vec![by(&[w.ben], &[w.dan])]));
    let request = w.ask(w.ada, package).unwrap();
    w.leave(w.ben);
    assert_eq!(w.deciders(request), ["Dan"]);
    w.come_back(w.ben);
    assert_eq!(w.deciders(request), ["Dan"], "nobody joins an open stage by coming back");
    w.leave(w.dan);
    assert_eq!(w.deciders(request), ["Ben"]);
    w.approve(w.ben, request).unwrap();
}

#[test]
fn d03_owners_through_a_group_decide_too() {
    let Some(w) = World::new() else { return };
    let group = w.group(&[w.eve, w.ada]);
    let catalog = w.catalog;
    w.run(move |tx| {
        diesel::update(role_grants::table.filter(role_grants::catalog_id.eq(catalog)))
            .set((
                role_grants::person_id.eq(None::<keyholder::kernel::PersonId>),
                role_grants::group_id.eq(Some(group)),
            ))
            .execute(tx.db())?;
        Ok(())
    });
    let package = w.package(&[], terms(vec![by(&[], &[])]));
    let request = w.ask(w.ada, package).unwrap();
    assert_eq!(w.deciders(request), ["Eve"]);
}

#[test]
fn d04_one_denial_ends_the_request() {
    let Some(w) = World::new() else { return };
    let package = w.package(&[], terms(vec![by(&[w.ben, w.eve], &[]), by(&[w.dan], &[])]));
    let request = w.ask(w.ada, package).unwrap();
    let stage = w.last_stage(request).id;
    let silent = w.decide(w.ben, request, stage, Verdict::Deny, "");
    assert!(matches!(silent, Err(Error::Invalid(_))), "a denial says why");
    assert_eq!(w.deny(w.eve, request).unwrap().state, State::Denied);
    assert_eq!(w.stages(request).len(), 1);
    assert!(!w.has_assignment(request) && w.request(request).ended_at.is_some());
    w.dispatch();
    assert!(w.notices(w.ada).iter().any(|n| n.starts_with("Eve denied")));
}

#[test]
fn d04_a_second_decision_is_told_who_decided_when_and_what() {
    let Some(w) = World::new() else { return };
    let package = w.package(&[], terms(vec![by(&[w.ben, w.eve], &[]), by(&[w.dan], &[])]));
    let request = w.ask(w.ada, package).unwrap();
    let first = w.last_stage(request).id;
    w.decide(w.ben, request, first, Verdict::Approve, "she needs it").unwrap();
    for (who, verdict) in
        [(w.eve, Verdict::Deny), (w.eve, Verdict::Approve), (w.ben, Verdict::Deny)]
    {
        let said = refused(w.decide(who, request, first, verdict, "no"));
        assert_eq!(said.title, "This stage is already decided");
        assert_eq!(
            said.why,
            "Ben approved it on 2 Mar 2026, 09:00. Their reason: “she needs it” Your decision was not recorded."
        );
    }
    // An old form of the first stage does not decide the second, and Eve has no say in that.
    let second = w.last_stage(request).id;
    assert!(matches!(w.decide(w.eve, request, second, Verdict::Deny, "no"), Err(Error::Denied(_))));
    assert!(matches!(w.decide(w.dan, request, first, Verdict::Deny, "no"), Err(Error::Refused(_))));
    let stranger = w.person("Sam");
    assert!(matches!(w.approve(stranger, request), Err(Error::Missing)));
    w.deny(w.dan, request).unwrap();
    assert!(refused(w.approve(w.dan, request)).why.starts_with("Dan denied it on"));
    assert_eq!(w.facts("stage_approved").len() + w.facts("stage_denied").len(), 2);
}

#[test]
fn d05_the_clock_of_a_stage_starts_when_it_opens() {
    let Some(w) = World::new() else { return };
    let short = StageTerms { time: 3, ..by(&[w.dan], &[]) };
    let package = w.package(&[], terms(vec![by_manager(&[]), short]));
    let request = w.ask(w.ada, package).unwrap();
    assert_eq!(w.request(request).due_at, Some(at("2026-03-16T09:00:00Z")));
    w.pass(10 * DAY);
    w.approve(w.ben, request).unwrap();
    assert_eq!(w.last_stage(request).opened_at, at("2026-03-12T09:00:00Z"));
    assert_eq!(w.request(request).due_at, Some(at("2026-03-15T09:00:00Z")), "three days from now");
    w.pass(3 * DAY - 1);
    w.tick();
    assert_eq!(w.state(request), State::PendingApproval);
    w.approve(w.dan, request).unwrap();
}

#[test]
fn d05_a_stage_that_runs_out_makes_the_request_expire() {
    let Some(w) = World::new() else { return };
    let package = w.package(&[], terms(vec![by_manager(&[])]));
    let request = w.ask(w.ada, package).unwrap();
    w.pass(14 * DAY + 60);
    assert_eq!(w.tick(), 1, "it expires, and nobody is reminded of it any more (E3)");
    assert_eq!((w.state(request), w.stage_state(request)), (State::Expired, StageState::Expired));
    let told = &w.facts_of("request_expired", request)[0];
    assert_eq!((told.due, told.at), (Some(at("2026-03-16T09:00:00Z")), at("2026-03-16T09:01:00Z")));
    assert!(w.facts("stage_denied").is_empty() && w.facts("request_denied").is_empty());
    w.dispatch();
    assert!(w.notices(w.ada).iter().any(|n| n.contains("expired: nobody decided stage 1 in time")));
    assert!(w.notices(w.ben).iter().all(|n| !n.contains("expired")), "nobody who cannot act");
    assert!(w.ask(w.ada, package).is_ok());
}

#[test]
fn d05_a_stage_that_ran_out_takes_no_decision_even_before_the_timer_came() {
    let Some(w) = World::new() else { return };
    let package = w.package(&[], terms(vec![by_manager(&[])]));
    let request = w.ask(w.ada, package).unwrap();
    w.pass(14 * DAY);
    for answer in [w.approve(w.ben, request), w.deny(w.ben, request)] {
        assert!(refused(answer).why.contains("Its time ran out on 16 Mar 2026, 09:00"));
    }
    w.tick();
    assert_eq!(w.state(request), State::Expired);
    assert!(refused(w.approve(w.ben, request)).why.contains("Its time ran out on 16 Mar 2026"));
}
