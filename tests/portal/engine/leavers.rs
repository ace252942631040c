//! Somebody leaves (D26).

use keyholder::requests::commands::Submit;
use keyholder::requests::model::State;
use keyholder::requests::rules::Period;

use crate::support::world::{DAY, World, at, by, by_manager, order, terms};

#[test]
fn d26_a_leaver_loses_requests_access_and_approvals_at_once() {
    let Some(w) = World::new() else { return };
    let later = Period { starts: Some(at("2026-03-09T00:00:00Z")), ends: None };
    let p = |roles: &[keyholder::kernel::RoleId], stages| w.package(roles, terms(stages));
    let waiting = w.ask(w.ada, p(&[], vec![by_manager(&[])])).unwrap();
    let scheduled = w
        .submit(w.ada, Submit { period: later, ..order(p(&[], vec![by(&[w.dan], &[])])) })
        .unwrap();
    w.approve(w.dan, scheduled).unwrap();
    let held = w.ask(w.ada, p(&[w.role("ledger")], vec![])).unwrap();
    w.deliver();
    let delivering = w.ask(w.ada, p(&[w.role("vault")], vec![])).unwrap();
    let decides = w.ask(w.eve, p(&[], vec![by(&[w.ada, w.dan], &[])])).unwrap();
    let alone = w.ask(w.eve, p(&[], vec![by(&[w.ada], &[w.ben])])).unwrap();
    w.leave(w.ada);
    let states = [waiting, scheduled, held, delivering].map(|id| w.state(id));
    assert_eq!(states, [State::Canceled, State::Canceled, State::Delivered, State::Undelivered]);
    for request in [scheduled, held, delivering] {
        let assignment = w.assignment(request);
        assert_eq!(
            (assignment.ended_at, assignment.end_reason.as_deref()),
            (Some(w.now()), Some("leaver"))
        );
    }
    assert_eq!((w.deciders(decides), w.deciders(alone)), (vec!["Dan".into()], vec!["Ben".into()]));
    assert!(w.ask(w.ada, p(&[], vec![])).is_err(), "may do nothing any more");
    assert!(w.approve(w.ada, decides).is_err());
    w.deliver();
    let ada = w.external(w.ada);
    assert!(!w.target.really(&ada, "ledger") && !w.target.really(&ada, "vault"));
    w.dispatch();
    assert!(w.notices(w.ada).iter().all(|n| !n.contains("left")), "nobody writes to a leaver");
    w.pass(100 * DAY);
    assert_eq!(w.tick(), 2, "the two requests of Eve expire, and nothing of Ada's");
}

#[test]
fn d26_whoever_is_missing_from_the_staff_list_loses_everything() {
    let Some(w) = World::new() else { return };
    let package = w.package(&[w.role("ledger")], terms(vec![]));
    let waits = w.package(&[], terms(vec![by(&[w.ada, w.ben], &[w.dan])]));
    let held = w.ask(w.ada, package).unwrap();
    w.deliver();
    let (own, eves) = (w.ask(w.cleo, waits).unwrap(), w.ask(w.eve, waits).unwrap());
    for person in [w.ada, w.ada, w.cleo, w.eve] {
        w.sign_in(person);
    }
    // Both approvers and the owner in one list.
    w.import_without(&[w.ada, w.ben, w.cleo]);
    assert_eq!([w.ada, w.cleo, w.eve].map(|person| w.sessions(person)), [0, 0, 1]);
    assert_eq!((w.state(own), w.deciders(eves)), (State::Canceled, vec!["Dan".into()]));
    assert_eq!(w.assignment(held).end_reason.as_deref(), Some("leaver"));
    assert_eq!(w.facts("person_left").len(), 3);
    w.deliver();
    assert!(!w.target.really(&w.external(w.ada), "ledger"));
    w.import_without(&[w.ada, w.ben, w.cleo]);
    assert_eq!(w.facts("person_left").len(), 3, "the same list again changes nothing");
}

#[test]
fn d26_leaving_twice_changes_nothing_more() {
    let Some(w) = World::new() else { return };
    let package = w.package(&[w.role("ledger")], terms(vec![]));
    let request = w.ask(w.ada, package).unwrap();
    w.leave(w.ada);
    w.leave(w.ada);
    assert_eq!(w.facts("assignment_ended").len(), 1);
    assert_eq!(w.facts_of("request_undelivered", request).len(), 1);
    w.come_back(w.ada);
    assert!(w.standing(request).iter().all(|s| !s.wanted), "old access does not come back (E24)");
    w.ask(w.ada, package).unwrap();
    w.deliver();
}

#[test]
fn d26_of_two_approvers_who_leave_at_once_neither_is_waited_for() {
    let Some(w) = World::new() else { return };
    for round in 0..10 {
        let (one, two) = (w.person("One"), w.person("Two"));
        let package = w.package(&[], terms(vec![by(&[one, two], &[w.dan])]));
        let request = w.ask(w.ada, package).unwrap();
        std::thread::scope(|scope| {
            scope.spawn(|| w.leave(one));
            scope.spawn(|| w.leave(two));
        });
        assert_eq!(w.deciders(request), ["Dan"], "round {round}");
    }
}
