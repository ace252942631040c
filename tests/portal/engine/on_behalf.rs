//! Asking for somebody else (D46).

use keyholder::error::Error;
use keyholder::kernel::Fact;
use keyholder::policies::model::{Asks, Scope, Terms};
use keyholder::requests::model::State;

use crate::support::world::{World, by, by_manager, named, order, refused, terms};

fn managers() -> Asks {
    Asks { own: false, manager: true, ..Asks::default() }
}

#[test]
fn d46_the_one_for_whom_it_is_asked_is_told_at_once_and_can_refuse() {
    let Some(w) = World::new() else { return };
    let terms = Terms { asks: managers(), ..terms(vec![by(&[w.dan], &[])]) };
    let package = w.package(&[], terms);
    let request = w.ask_for(w.ben, w.ada, order(package)).unwrap();
    let there = w.request(request);
    assert_eq!((there.requestor_id, there.target_id), (w.ben, w.ada));
    w.dispatch();
    assert_eq!(w.notices(w.ada).len(), 1, "{:?}", w.notices(w.ada));
    assert!(w.notices(w.ben).is_empty(), "he has just done it");
    assert_eq!(w.cancel(w.ada, request).unwrap().state, State::Canceled);
    assert_eq!(w.facts_of("request_refused", request).len(), 1);
    assert!(w.facts_of("request_canceled", request).is_empty());
    w.dispatch();
    assert!(w.notices(w.ben).iter().any(|n| n.contains("Ada")), "{:?}", w.notices(w.ben));
    assert!(matches!(w.approve(w.dan, request), Err(Error::Refused(_))));
}

#[test]
fn d46_what_the_requestor_takes_back_is_canceled_and_not_refused() {
    let Some(w) = World::new() else { return };
    let package = w.package(&[], Terms { asks: managers(), ..terms(vec![by(&[w.dan], &[])]) });
    let request = w.ask_for(w.ben, w.ada, order(package)).unwrap();
    w.cancel(w.ben, request).unwrap();
    assert!(w.facts("request_refused").is_empty());
    let own = w.package(&[], terms(vec![by(&[w.dan], &[])]));
    let request = w.ask(w.ada, own).unwrap();
    w.cancel(w.ada, request).unwrap();
    assert!(w.facts("request_refused").is_empty(), "her own is canceled");
}

#[test]
fn d46_only_managers_and_those_whom_the_policy_names_ask_for_others() {
    let Some(w) = World::new() else { return };
    let group = w.group(&[w.eve]);
    let asks = Asks { people: vec![named(w.dan)], groups: vec![named(group)], ..managers() };
    let package = w.package(&[], Terms { asks, ..terms(vec![by(&[w.root], &[])]) });
    for asker in [w.ben, w.dan, w.eve] {
        let request = w.ask_for(asker, w.ada, order(package)).unwrap();
        w.cancel(asker, request).unwrap();
    }
    for stranger in [w.cleo, w.root] {
        let no = w.ask_for(stranger, w.ada, order(package));
        assert!(matches!(no, Err(Error::Denied(_) | Error::Missing)), "{no:?}");
    }
    let no = refused(w.ask(w.ada, package));
    assert_eq!(no.title, format!("You cannot request {} yourself", "Package 8"), "{}", no.why);
    let no = w.ask_for(w.ben, w.cleo, order(package));
    assert!(no.is_err(), "she does not report to him");
}

#[test]
fn d46_for_whom_it_is_asked_must_be_in_scope() {
    let Some(w) = World::new() else { return };
    let scope = Scope { people: vec![named(w.eve)], ..Scope::default() };
    let package =
        w.package(&[], Terms { scope, asks: managers(), ..terms(vec![by(&[w.dan], &[])]) });
    let no = refused(w.ask_for(w.ben, w.ada, order(package)));
    assert!(no.title.contains("cannot be requested for Ada"), "{}", no.title);
}

#[test]
fn d02_neither_who_asks_for_somebody_nor_that_one_decides() {
    let Some(w) = World::new() else { return };
    let package =
        w.package(&[], Terms { asks: managers(), ..terms(vec![by_manager(&[w.ada, w.dan])]) });
    let request = w.ask_for(w.ben, w.ada, order(package)).unwrap();
    assert_eq!(w.deciders(request), ["Dan"], "her manager has asked, the fallback is herself");
    for person in [w.ben, w.ada] {
        assert!(matches!(w.approve(person, request), Err(Error::Denied(_))));
    }
    w.approve(w.dan, request).unwrap();
    assert_eq!(w.request(request).state, State::Delivered);
}

#[test]
fn d26_d46_it_ends_with_either_of_them() {
    let Some(w) = World::new() else { return };
    let asks = Asks { people: vec![named(w.dan)], ..managers() };
    let package = w.package(&[], Terms { asks, ..terms(vec![by(&[w.root], &[])]) });
    let (one, two) = (
        w.ask_for(w.dan, w.ada, order(package)).unwrap(),
        w.ask_for(w.ben, w.reports_to("Abe", w.ben), order(package)).unwrap(),
    );
    w.leave(w.dan);
    w.leave(w.request(two).target_id);
    for request in [one, two] {
        assert_eq!(w.state(request), State::Canceled);
        let told = &w.facts_of("request_canceled", request)[0].fact;
        assert_eq!(*told, Fact::RequestCanceled { leaver: true });
    }
}

#[test]
fn d06_d46_one_request_for_a_person_whoever_asks() {
    let Some(w) = World::new() else { return };
    let asks = Asks { own: true, ..managers() };
    let package = w.package(&[], Terms { asks, ..terms(vec![by(&[w.dan], &[])]) });
    w.ask(w.ada, package).unwrap();
    assert!(refused(w.ask_for(w.ben, w.ada, order(package))).title.contains("is open already"));
}
