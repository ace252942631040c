//! More time for what is held (D11).

use keyholder::error::{Error, Result};
use keyholder::kernel::{AssignmentId, Fact, PackageId, PersonId, PolicyId, RequestId, Ts};
use keyholder::policies::model::{Extension, Lifetime, Scope, Terms};
use keyholder::policies::stages::StageTerms;
use keyholder::requests::model::{RequestKind, State};

use crate::support::world::{DAY, World, at, by, by_manager, named, refused, terms};

fn extendable(stages: Vec<StageTerms>, approval: bool, last_days: Option<u32>) -> Terms {
    Terms { extension: Some(Extension { approval, last_days }), ..terms(stages) }
}

/// Ada holds a package for 90 days from now on.
fn held(w: &World, terms: Terms) -> (PackageId, PolicyId, AssignmentId) {
    let role = w.role(&format!("ledger {}", w.facts("request_submitted").len()));
    let (package, policy) = w.package_and_policy(&[role], terms);
    let request = w.ask(w.ada, package).unwrap();
    while let Some(decider) = w.a_decider(request) {
        w.approve(decider, request).unwrap();
    }
    w.deliver();
    (package, policy, w.assignment(request).id)
}

fn ends(w: &World, id: AssignmentId) -> Option<Ts> {
    w.db.read(|db| Ok(keyholder::assignments::store::one(db, id)?.assignment.ends_at)).unwrap()
}

fn denied_by(w: &World, request: RequestId) -> String {
    assert_eq!(w.state(request), State::Denied);
    let told = w.facts_of("request_denied", request);
    let Fact::RequestDenied { rule } = &told[0].fact else { panic!("{told:?}") };
    rule.clone()
}

fn says(result: Result<RequestId>) -> String {
    refused(result).why
}

fn wrong(result: Result<RequestId>) -> String {
    match result {
        Err(Error::Invalid(errors)) => errors[0].text.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn d11_without_approval_the_end_moves_at_once_and_is_announced_anew() {
    let Some(w) = World::new() else { return };
    let (package, _, id) = held(&w, extendable(vec![by_manager(&[])], false, None));
    w.pass(80 * DAY);
    w.tick();
    assert_eq!(w.facts("assignment_ending").len(), 1, "two weeks before");
    let request = w.extend(w.ada, id).unwrap();
    let there = w.request(request);
    assert_eq!((there.kind, there.state), (RequestKind::Extend, State::Delivered));
    let until = w.now().plus_seconds(90 * DAY);
    assert_eq!(ends(&w, id), Some(until));
    assert_eq!(
        w.facts("assignment_extended")[0].fact,
        Fact::AssignmentExtended { until: Some(until) }
    );
    assert!(w.stages(request).is_empty(), "nobody was asked");
    w.pass(10 * DAY);
    w.tick();
    assert!(refused(w.ask(w.ada, package)).title.starts_with("You already have"), "it goes on");
    assert_eq!(w.facts("assignment_ending").len(), 1);
    w.pass(66 * DAY);
    w.tick();
    assert_eq!(w.facts("assignment_ending").len(), 2, "of the new end");
    w.pass(14 * DAY);
    w.tick();
    assert_eq!(w.facts("assignment_ended").len(), 1);
    assert!(w.target.calls("remove").is_empty());
    w.deliver();
    assert_eq!(w.target.calls("add").len(), 1, "the target need not know of more time");
}

#[test]
fn d11_with_approval_the_same_stages_decide() {
    let Some(w) = World::new() else { return };
    let stages = vec![by_manager(&[]), by(&[w.dan], &[])];
    let (_, _, id) = held(&w, extendable(stages, true, None));
    let before = ends(&w, id);
    w.pass(30 * DAY);
    let request = w.extend(w.ada, id).unwrap();
    assert_eq!(w.deciders(request), ["Ben"]);
    assert!(matches!(w.approve(w.ada, request), Err(Error::Denied(_))));
    w.approve(w.ben, request).unwrap();
    assert_eq!(ends(&w, id), before, "not before the last approval");
    w.approve(w.dan, request).unwrap();
    assert_eq!(w.state(request), State::Delivered);
    assert_eq!(ends(&w, id), Some(w.now().plus_seconds(90 * DAY)));
    // A denial leaves what is held as it was.
    w.pass(DAY);
    let again = w.extend(w.ada, id).unwrap();
    let until = ends(&w, id);
    w.deny(w.ben, again).unwrap();
    assert_eq!((ends(&w, id), w.facts("assignment_ended").len()), (until, 0));
}

#[test]
fn d11_only_where_the_policy_allows_it_and_only_in_the_last_days_if_it_says_so() {
    let Some(w) = World::new() else { return };
    let (_, _, never) = held(&w, terms(vec![]));
    assert!(says(w.extend(w.ada, never)).contains("does not allow that"));
    let (_, _, late) = held(&w, extendable(vec![], false, Some(14)));
    assert!(says(w.extend(w.ada, late)).contains("from 17 May 2026, 09:00 on"));
    w.pass(76 * DAY - 1);
    refused(w.extend(w.ada, late));
    w.pass(1);
    w.extend(w.ada, late).unwrap();
    let (_, _, endless) =
        held(&w, Terms { lifetime: Lifetime::Never, ..extendable(vec![], false, None) });
    assert!(says(w.extend(w.ada, endless)).contains("has no end"));
}

#[test]
fn d11_only_by_its_holder_while_they_have_it() {
    let Some(w) = World::new() else { return };
    let (_, _, id) = held(&w, extendable(vec![], false, None));
    assert!(matches!(w.extend(w.eve, id), Err(Error::Missing)), "somebody else's");
    assert!(matches!(w.extend(w.ada, AssignmentId::fresh()), Err(Error::Missing)));
    w.end(w.cleo, id).unwrap();
    assert!(says(w.extend(w.ada, id)).contains("that you have now"));
}

#[test]
fn d11_not_while_another_request_is_open() {
    let Some(w) = World::new() else { return };
    let (_, _, id) = held(&w, extendable(vec![by_manager(&[])], true, None));
    w.pass(DAY);
    let first = w.extend(w.ada, id).unwrap();
    let no = refused(w.extend(w.ada, id));
    assert!(no.why.contains(&w.request(first).reference));
    w.cancel(w.ada, first).unwrap();
    w.extend(w.ada, id).unwrap();
}

#[test]
fn d11_not_under_a_policy_that_is_switched_off_before_or_meanwhile() {
    let Some(w) = World::new() else { return };
    let (_, policy, id) = held(&w, extendable(vec![by_manager(&[])], true, None));
    w.pass(DAY);
    let open = w.extend(w.ada, id).unwrap();
    w.switch_policy(policy, false);
    w.approve(w.ben, open).unwrap();
    assert_eq!(denied_by(&w, open), "the policy is no longer switched on");
    assert!(says(w.extend(w.ada, id)).contains("switched off"));
}

#[test]
fn d11_not_for_who_fell_out_of_scope_before_or_meanwhile() {
    let Some(w) = World::new() else { return };
    let group = w.group(&[w.ada]);
    let scope = Scope { groups: vec![named(group)], ..Scope::default() };
    let (_, _, id) = held(&w, Terms { scope, ..extendable(vec![by_manager(&[])], true, None) });
    w.pass(DAY);
    let open = w.extend(w.ada, id).unwrap();
    w.leave_group(group, w.ada);
    w.approve(w.ben, open).unwrap();
    assert_eq!(denied_by(&w, open), "the policy does not let this person request it");
    assert!(says(w.extend(w.ada, id)).contains("does not let this person"));
    assert!(w.facts("assignment_ended").is_empty(), "what is held stays until its end");
}

#[test]
fn d11_ends_with_the_access_however_that_ends() {
    let Some(w) = World::new() else { return };
    let waits = || extendable(vec![StageTerms { time: 200, ..by_manager(&[w.eve]) }], true, None);
    let ways: [&dyn Fn(AssignmentId); 3] = [
        &|_| {
            w.pass(90 * DAY);
            w.tick();
        },
        &|id| w.end(w.cleo, id).unwrap(),
        &|id| {
            w.give_back(w.ada, id).unwrap();
        },
    ];
    for way in ways {
        let (_, _, id) = held(&w, waits());
        w.pass(DAY);
        let open = w.extend(w.ada, id).unwrap();
        way(id);
        assert_eq!(denied_by(&w, open), "the access ended before it was decided");
        w.deliver();
    }
}

#[test]
fn d11_a_leavers_extension_is_canceled() {
    let Some(w) = World::new() else { return };
    let (_, _, id) = held(&w, extendable(vec![by_manager(&[])], true, None));
    w.pass(DAY);
    let open = w.extend(w.ada, id).unwrap();
    w.leave(w.ada);
    assert_eq!(w.state(open), State::Canceled);
    w.deliver();
}

#[test]
fn d08_more_time_is_cut_to_what_the_policy_allows_from_now_on() {
    let Some(w) = World::new() else { return };
    let (_, _, id) = held(&w, extendable(vec![], false, None));
    w.pass(10 * DAY);
    let until = |text| w.extend_until(w.ada, id, Some(at(text)));
    assert_eq!(
        wrong(until("2026-05-01T00:00:00Z")),
        "Choose a last day after 31 May 2026, when it ends now"
    );
    assert_eq!(wrong(until("2026-06-12T00:00:00Z")), "Choose a last day on or before 10 June 2026");
    until("2026-06-05T00:00:00Z").unwrap();
    assert_eq!(ends(&w, id), Some(at("2026-06-05T00:00:00Z")));
    let date = chrono::NaiveDate::from_ymd_opt(2026, 12, 31).unwrap();
    let fixed = Terms { lifetime: Lifetime::Until { date }, ..extendable(vec![], false, None) };
    let (_, _, id) = held(&w, fixed);
    assert_eq!(wrong(w.extend(w.ada, id)), "The policy does not allow it beyond 31 December 2026");
}

#[test]
fn d11_without_a_wish_allowed_the_wish_is_not_looked_at() {
    let Some(w) = World::new() else { return };
    let fixed = Terms { period_chosen: false, ..extendable(vec![], false, None) };
    let (_, _, id) = held(&w, fixed);
    w.pass(DAY);
    w.extend_until(w.ada, id, Some(at("2036-01-01T00:00:00Z"))).unwrap();
    assert_eq!(ends(&w, id), Some(w.now().plus_seconds(90 * DAY)));
}

/// Whoever may not ask must not learn of it, and who asks for somebody else gets nothing.
#[test]
fn d02_nobody_extends_for_somebody_else() {
    let Some(w) = World::new() else { return };
    let (_, _, id) = held(&w, extendable(vec![], false, None));
    let everybody: [PersonId; 4] = [w.ben, w.cleo, w.dan, w.root];
    for person in everybody {
        assert!(matches!(w.extend(person, id), Err(Error::Missing)));
        assert!(matches!(w.give_back(person, id), Err(Error::Missing)));
    }
}
