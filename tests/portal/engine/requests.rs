//! Asking: frozen terms, what is refused, periods, and taking it back.

use std::sync::Barrier;

use keyholder::error::{Error, Result};
use keyholder::kernel::{Fact, PackageId, RequestId, Risk, Ts, Zone};
use keyholder::policies::model::{Lifetime, Scope, Terms};
use keyholder::policies::stages::StageTerms;
use keyholder::requests::commands::Submit;
use keyholder::requests::model::{State, Verdict};
use keyholder::requests::rules::Period;

use crate::support::world::{
    DAY, TARGET, World, at, by, by_group, by_manager, named, order, refused, terms,
};

#[test]
fn d01_a_policy_edited_in_flight_neither_widens_nor_narrows() {
    let Some(w) = World::new() else { return };
    let (package, policy) = w
        .package_and_policy(&[w.role("ledger")], terms(vec![by(&[w.ben], &[]), by(&[w.dan], &[])]));
    let request = w.ask(w.ada, package).unwrap();
    // The owner now lets Dan alone request, wants Eve alone to decide, once, and for a day only.
    w.edit_policy(
        policy,
        &Terms {
            scope: Scope { people: vec![named(w.dan)], ..Scope::default() },
            lifetime: Lifetime::Days { days: 1 },
            ..terms(vec![by(&[w.eve], &[])])
        },
    );
    assert!(matches!(w.approve(w.eve, request), Err(Error::Missing)), "nor widened");
    w.approve(w.ben, request).unwrap();
    assert_eq!(w.deciders(request), ["Dan"], "the stages of the frozen copy");
    w.approve(w.dan, request).unwrap();
    let there = w.request(request);
    assert_eq!((there.state, there.policy_version, there.stages()), (State::Delivering, 1, 2));
    assert_eq!(w.assignment(request).ends_at, Some(at("2026-05-31T09:00:00Z")), "90 days");
    w.deliver();
    assert!(
        matches!(w.ask(w.eve, package), Err(Error::Refused(_))),
        "the new version holds for new ones"
    );
}

#[test]
fn d06_one_open_request_and_one_active_assignment() {
    let Some(w) = World::new() else { return };
    let package = w.package(&[w.role("ledger")], terms(vec![by_manager(&[])]));
    let request = w.ask(w.ada, package).unwrap();
    let no = refused(w.ask(w.ada, package));
    let reference = w.request(request).reference;
    assert!(no.why.contains(&reference), "{}", no.why);
    assert_eq!(no.ways[0].1.as_deref(), Some(format!("/requests/{request}").as_str()));
    w.approve(w.ben, request).unwrap();
    assert!(refused(w.ask(w.ada, package)).why.contains(&reference), "while it is delivered");
    w.deliver();
    assert_eq!(w.state(request), State::Delivered);
    assert!(refused(w.ask(w.ada, package)).title.starts_with("You already have"));
    w.pass(90 * DAY);
    w.tick();
    w.deliver();
    assert!(w.ask(w.ada, package).is_ok(), "again, once it has ended");
    assert!(w.ask(w.eve, package).is_ok(), "somebody else's does not count");
}

#[test]
fn d06_a_form_sent_twice_makes_one_request() {
    let Some(w) = World::new() else { return };
    let package = w.package(&[w.role("ledger")], terms(vec![by_manager(&[])]));
    let form = order(package);
    assert_eq!(w.submit(w.ada, form.clone()).unwrap(), form.id);
    assert_eq!(w.submit(w.ada, form.clone()).unwrap(), form.id);
    assert!(matches!(w.submit(w.eve, form.clone()), Err(Error::Missing)), "not with her id");
    assert_eq!(w.facts("request_submitted").len(), 1);
}

#[test]
fn d06_eight_submits_at_once_make_one_request() {
    let Some(w) = World::new() else { return };
    for (name, stages) in [("ledger", vec![by_manager(&[])]), ("vault", vec![])] {
        let package = w.package(&[w.role(name)], terms(stages));
        let start = Barrier::new(8);
        let results: Vec<Result<RequestId>> = std::thread::scope(|scope| {
            let all: Vec<_> = (0..8)
                .map(|_| {
                    scope.spawn(|| {
                        start.wait();
                        w.ask(w.ada, package)
                    })
                })
                .collect();
            all.into_iter().map(|one| one.join().unwrap()).collect()
        });
        assert_eq!(results.iter().filter(|r| r.is_ok()).count(), 1, "{results:?}");
        assert!(results.iter().all(|r| matches!(r, Ok(_) | Err(Error::Refused(_)))), "{results:?}");
    }
}

#[test]
fn d07_scope_is_checked_at_submit() {
    let Some(w) = World::new() else { return };
    let named_only = Scope { people: vec![named(w.eve)], ..Scope::default() };
    let package =
        w.package(&[w.role("ledger")], Terms { scope: named_only, ..terms(vec![by_manager(&[])]) });
    assert!(refused(w.ask(w.ada, package)).title.starts_with("You cannot request"));
    let everyone = w.package(&[w.role("vault")], terms(vec![by(&[w.ben], &[])]));
    let guest = w.guest("Gus");
    assert!(matches!(w.ask(guest, everyone), Err(Error::Refused(_))), "no guests unless named");
    assert!(matches!(w.ask(w.ada, PackageId::fresh()), Err(Error::Missing)));
}

#[test]
fn d07_whoever_falls_out_of_scope_is_denied_by_the_system_at_approval() {
    let Some(w) = World::new() else { return };
    let group = w.group(&[w.ada]);
    let scope = Scope { groups: vec![named(group)], ..Scope::default() };
    let package = w.package(
        &[w.role("ledger")],
        Terms { scope, ..terms(vec![by(&[w.ben], &[]), by(&[w.dan], &[])]) },
    );
    let request = w.ask(w.ada, package).unwrap();
    w.leave_group(group, w.ada);
    assert_eq!(w.approve(w.ben, request).unwrap().state, State::Denied);
    let denied = w.facts_of("request_denied", request);
    let Fact::RequestDenied { rule } = &denied[0].fact else { panic!("{denied:?}") };
    assert_eq!(rule, "the policy does not let this person request it");
    assert_eq!(w.stages(request).len(), 1, "no further stage opens");
    w.dispatch();
    assert!(w.notices(w.ada).iter().any(|n| n.contains("was denied by a rule")));
}

#[test]
fn d07_whoever_falls_out_of_scope_is_denied_at_the_scheduled_start() {
    let Some(w) = World::new() else { return };
    let group = w.group(&[w.ada]);
    let scope = Scope { groups: vec![named(group)], ..Scope::default() };
    let package = w.package(&[w.role("ledger")], Terms { scope, ..terms(vec![by(&[w.ben], &[])]) });
    let period = Period { starts: Some(at("2026-03-09T00:00:00Z")), ends: None };
    let request = w.submit(w.ada, Submit { period, ..order(package) }).unwrap();
    assert_eq!(w.approve(w.ben, request).unwrap().state, State::Scheduled);
    w.leave_group(group, w.ada);
    w.pass(7 * DAY);
    w.tick();
    assert_eq!(w.state(request), State::Denied);
    assert_eq!(w.assignment(request).end_reason.as_deref(), Some("not-eligible"));
    assert!(w.standing(request).is_empty() && w.target.calls("add").is_empty());
    assert!(w.ask(w.eve, package).is_err());
}

#[test]
fn d08_a_period_is_cut_to_the_maximum_at_the_moment_of_approval() {
    let Some(w) = World::new() else { return };
    let package = w.package(&[w.role("ledger")], terms(vec![by_manager(&[])]));
    let ask = |ends| {
        let period = Period { starts: None, ends: Some(at(ends)) };
        w.submit(w.ada, Submit { period, ..order(package) })
    };
    let Err(Error::Invalid(fields)) = ask("2026-06-02T00:00:00Z") else { panic!("beyond 90 days") };
    assert_eq!(fields[0].text, "Choose a last day on or before 31 May 2026");
    // The last day possible is inclusive, and cut to 90 days to the minute.
    let request = ask("2026-06-01T00:00:00Z").unwrap();
    w.approve(w.ben, request).unwrap();
    assert_eq!(w.assignment(request).ends_at, Some(at("2026-05-31T09:00:00Z")));
    w.deliver();
}

#[test]
fn d08_a_period_that_is_over_before_the_approval_is_denied() {
    let Some(w) = World::new() else { return };
    let package = w.package(&[w.role("ledger")], terms(vec![by_manager(&[])]));
    let period = Period { starts: None, ends: Some(at("2026-03-04T00:00:00Z")) };
    let request = w.submit(w.ada, Submit { period, ..order(package) }).unwrap();
    w.pass(3 * DAY);
    assert_eq!(w.approve(w.ben, request).unwrap().state, State::Denied);
    assert_eq!(w.facts_of("request_denied", request).len(), 1);
}

#[test]
fn d08_a_start_in_the_future_is_scheduled_and_gives_nothing_before() {
    let Some(w) = World::new() else { return };
    let package = w.package(&[w.role("ledger")], terms(vec![by_manager(&[])]));
    let period = Period { starts: Some(at("2026-03-09T00:00:00Z")), ends: None };
    let request = w.submit(w.ada, Submit { period, ..order(package) }).unwrap();
    assert_eq!(w.approve(w.ben, request).unwrap().state, State::Scheduled);
    assert!(refused(w.ask(w.ada, package)).title.contains("is open already"), "E12");
    w.pass(7 * DAY - 9 * 3600 - 1);
    assert_eq!((w.tick(), w.deliver(), w.state(request)), (0, 0, State::Scheduled));
    w.pass(1);
    w.tick();
    assert_eq!(w.state(request), State::Delivering);
    w.deliver();
    let assignment = w.assignment(request);
    assert_eq!(assignment.ends_at, Some(at("2026-06-07T00:00:00Z")), "90 days from its start");
    assert_eq!(w.state(request), State::Delivered);
}

#[test]
fn d08_a_start_that_passes_while_it_waits_becomes_now() {
    let Some(w) = World::new() else { return };
    let package = w.package(&[w.role("ledger")], terms(vec![by_manager(&[])]));
    let period = Period { starts: Some(at("2026-03-04T00:00:00Z")), ends: None };
    let request = w.submit(w.ada, Submit { period, ..order(package) }).unwrap();
    w.pass(5 * DAY);
    assert_eq!(w.approve(w.ben, request).unwrap().state, State::Delivering);
    assert_eq!(w.assignment(request).ends_at, Some(at("2026-06-05T09:00:00Z")));
    w.deliver();
}

#[test]
fn d08_absurd_dates_are_refused_with_words() {
    let Some(w) = World::new() else { return };
    let never = Terms { lifetime: Lifetime::Never, ..terms(vec![by_manager(&[])]) };
    let hours = Terms { lifetime: Lifetime::Hours { hours: 8 }, ..terms(vec![by_manager(&[])]) };
    let far = Ts::new(chrono::DateTime::<chrono::Utc>::MAX_UTC);
    for terms in [never, hours] {
        let package = w.package(&[], terms);
        for (starts, ends) in [
            (Some(at("9999-12-31T00:00:00Z")), None),
            (None, Some(at("9999-12-31T00:00:00Z"))),
            (Some(far), None),
            (None, Some(far)),
            (Some(at("1969-12-31T00:00:00Z")), None),
            (None, Some(at("0001-01-01T00:00:00Z"))),
        ] {
            let period = Period { starts, ends };
            let answer = w.submit(w.ada, Submit { period, ..order(package) });
            assert!(matches!(answer, Err(Error::Invalid(_))), "{period:?}: {answer:?}");
        }
    }
}

#[test]
fn d09_days_keep_the_local_time_over_a_change_of_the_clocks_and_hours_do_not() {
    let oslo = Zone::named("Europe/Oslo").unwrap();
    let Some(w) = World::in_zone(oslo) else { return };
    // Summer time starts on 29 March: 10:00 in Oslo is 09:00 UTC before and 08:00 UTC after.
    let days = w.package(&[], Terms { lifetime: Lifetime::Days { days: 30 }, ..terms(vec![]) });
    let hours = w.package(&[], Terms { lifetime: Lifetime::Hours { hours: 720 }, ..terms(vec![]) });
    let slow = StageTerms { time: 30, ..by_manager(&[]) };
    let stage = w.package(&[], terms(vec![slow]));
    let in_days = w.ask(w.ada, days).unwrap();
    let in_hours = w.ask(w.ada, hours).unwrap();
    let waiting = w.ask(w.ada, stage).unwrap();
    assert_eq!(w.assignment(in_days).ends_at, Some(at("2026-04-01T08:00:00Z")));
    assert_eq!(w.assignment(in_hours).ends_at, Some(at("2026-04-01T09:00:00Z")));
    assert_eq!(w.last_stage(waiting).due_at, at("2026-04-01T08:00:00Z"));
}

#[test]
fn d12_a_request_is_canceled_until_its_delivery_starts() {
    let Some(w) = World::new() else { return };
    let package = w.package(&[w.role("ledger")], terms(vec![by_manager(&[])]));
    let first = w.ask(w.ada, package).unwrap();
    assert!(matches!(w.cancel(w.eve, first), Err(Error::Missing)), "not by anybody");
    assert!(matches!(w.cancel(w.ben, first), Err(Error::Denied(_))), "not by its approver");
    assert_eq!(w.cancel(w.ada, first).unwrap().state, State::Canceled);
    assert_eq!(w.cancel(w.ada, first).unwrap().state, State::Canceled, "sent twice");
    assert_eq!(w.facts_of("request_canceled", first).len(), 1);
    let said = refused(w.approve(w.ben, first));
    assert!(said.why.contains("canceled"), "{}", said.why);

    let period = Period { starts: Some(at("2026-03-09T00:00:00Z")), ends: None };
    let again = Submit { period, previous: Some(first), ..order(package) };
    let second = w.submit(w.ada, again).unwrap();
    assert_eq!(w.request(second).previous_id, Some(first));
    w.approve(w.ben, second).unwrap();
    w.cancel(w.ada, second).unwrap();
    assert!(w.assignment(second).ended_at.is_some(), "what was scheduled ends with it");
    w.pass(30 * DAY);
    w.tick();
    assert_eq!(w.deliver(), 0);

    let third = w.ask(w.ada, package).unwrap();
    w.approve(w.ben, third).unwrap();
    assert!(refused(w.cancel(w.ada, third)).why.contains("being delivered"));
    w.deliver();
}

#[test]
fn d12_a_new_request_links_only_to_an_own_ended_one_of_the_same_package() {
    let Some(w) = World::new() else { return };
    let package = w.package(&[], terms(vec![by_manager(&[w.dan])]));
    let other = w.package(&[], terms(vec![by_manager(&[])]));
    let eves = w.ask(w.eve, package).unwrap();
    w.cancel(w.eve, eves).unwrap();
    let elsewhere = w.ask(w.ada, other).unwrap();
    w.cancel(w.ada, elsewhere).unwrap();
    for previous in [eves, elsewhere, RequestId::fresh()] {
        let link = Submit { previous: Some(previous), ..order(package) };
        assert!(matches!(w.submit(w.ada, link), Err(Error::Missing)), "{previous}");
    }
}

#[test]
fn d38_what_nobody_could_decide_is_refused_at_submit() {
    let Some(w) = World::new() else { return };
    let (package, _) = w.package_and_policy(&[], terms(vec![by_manager(&[]), by(&[w.root], &[])]));
    // Root owns nothing and is the only administrator; the catalog's owner has left.
    w.leave(w.cleo);
    let no = refused(w.ask(w.root, package));
    assert_eq!(no.title, "Nobody could decide on this request");
    assert!(w.facts("request_submitted").is_empty() && w.facts("stage_opened").is_empty());
    assert!(w.ask(w.ada, package).is_ok(), "for others there is somebody");
}

#[test]
fn d39_high_risk_is_approved_with_a_reason() {
    let Some(w) = World::new() else { return };
    let high = w.role_of("vault", Risk::High, false, TARGET);
    let package = w.package(&[w.role("ledger"), high], terms(vec![by_manager(&[])]));
    let request = w.ask(w.ada, package).unwrap();
    let stage = w.last_stage(request).id;
    for note in ["", "   "] {
        let answer = w.decide(w.ben, request, stage, Verdict::Approve, note);
        assert!(matches!(answer, Err(Error::Invalid(_))), "{note:?}: {answer:?}");
    }
    assert_eq!(w.state(request), State::PendingApproval);
    w.decide(w.ben, request, stage, Verdict::Approve, "quarter end").unwrap();
    assert_eq!(w.facts("stage_approved")[0].note.as_deref(), Some("quarter end"));
    w.deliver();
}

#[test]
fn d39_an_owner_does_not_get_high_risk_from_a_policy_that_asks_nobody() {
    let Some(w) = World::new() else { return };
    let high = w.role_of("vault", Risk::High, false, TARGET);
    let package = w.package(&[high], terms(vec![]));
    assert_eq!(refused(w.ask(w.cleo, package)).title, "Somebody else must decide on this");
    assert!(w.facts("request_submitted").is_empty());
    assert!(w.ask(w.ada, package).is_ok(), "others request it as its policy says");
}

#[test]
fn words_are_stored_without_blanks_and_control_characters() {
    let Some(w) = World::new() else { return };
    let package = w.package(&[], Terms { reason_required: true, ..terms(vec![by_manager(&[])]) });
    let say = |reason: &str| w.submit(w.ada, Submit { reason: reason.into(), ..order(package) });
    assert!(matches!(say(" \n\t \0 "), Err(Error::Invalid(_))), "blank is no reason");
    let request = say(" month\0 end\r\n\u{1b}[31m <b>ledger</b> ").unwrap();
    assert_eq!(w.request(request).reason, "month end\n[31m <b>ledger</b>");
    let stage = w.last_stage(request).id;
    let blank = w.decide(w.ben, request, stage, Verdict::Deny, "\0");
    assert!(matches!(blank, Err(Error::Invalid(_))));
    w.decide(w.ben, request, stage, Verdict::Deny, "not\0 now").unwrap();
    assert_eq!(w.last_stage(request).note.as_deref(), Some("not now"));
}

#[test]
fn a_form_that_showed_another_version_is_shown_again() {
    let Some(w) = World::new() else { return };
    let asked = terms(vec![by_manager(&[w.dan])]);
    let (package, policy) = w.package_and_policy(&[], asked.clone());
    w.edit_policy(policy, &Terms { reason_required: true, ..asked });
    let form = Submit { version: Some(1), ..order(package) };
    assert_eq!(refused(w.submit(w.ada, form)).title, "The policy has just changed");
    let silent = Submit { version: Some(2), reason: String::new(), ..order(package) };
    assert!(matches!(w.submit(w.ada, silent), Err(Error::Invalid(_))));
    let long = Submit { reason: "x".repeat(2_001), ..order(package) };
    assert!(matches!(w.submit(w.ada, long), Err(Error::Invalid(_))));
    let group = w.group(&[]);
    let other = w.package(&[], terms(vec![by_group(group, &[])]));
    let foreign = Submit { policy: Some(policy), ..order(other) };
    assert!(matches!(w.submit(w.ada, foreign), Err(Error::Refused(_))), "another package's policy");
}
