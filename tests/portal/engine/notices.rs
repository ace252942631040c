//! Who hears of what: one fact, one notice per person (D36), nobody of what they cannot act on (D48).

use diesel::prelude::*;
use keyholder::db::schema::facts;
use keyholder::policies::model::{Notices, Terms};

use crate::support::world::{DAY, World, by, terms};

#[test]
fn d36_the_approvers_of_a_stage_hear_of_their_stage_only() {
    let Some(w) = World::new() else { return };
    let package = w.package(&[], terms(vec![by(&[w.ben], &[]), by(&[w.dan], &[])]));
    let request = w.ask(w.ada, package).unwrap();
    // The dispatcher is late: the first stage is decided before it comes.
    w.approve(w.ben, request).unwrap();
    w.dispatch();
    assert!(w.notices(w.ben).is_empty(), "{:?}", w.notices(w.ben));
    let dan = w.notices(w.dan);
    assert_eq!(dan.len(), 1, "{dan:?}");
    assert!(dan[0].starts_with("Stage 2 of 2 opened"));
    w.approve(w.dan, request).unwrap();
    w.dispatch();
    assert_eq!(w.notices(w.dan).len(), 1, "nobody is told what they have just done");
    assert_eq!(w.dispatch(), 0);
}

#[test]
fn d36_nobody_is_told_what_they_have_just_done() {
    let Some(w) = World::new() else { return };
    let package = w.package(&[], terms(vec![by(&[w.ben], &[])]));
    let (own, denied) = (w.ask(w.ada, package).unwrap(), w.ask(w.eve, package).unwrap());
    w.cancel(w.ada, own).unwrap();
    w.deny(w.ben, denied).unwrap();
    w.dispatch();
    assert_eq!((w.notices(w.ada).len(), w.notices(w.eve).len()), (0, 1));
}

#[test]
fn a_fact_that_cannot_be_read_does_not_stop_the_notices() {
    let Some(w) = World::new() else { return };
    let package = w.package(&[], terms(vec![by(&[w.ben], &[])]));
    w.ask(w.ada, package).unwrap();
    let spoil = |kind: &'static str, data: &'static str| {
        w.run(move |tx| {
            diesel::update(facts::table.filter(facts::kind.eq(kind)))
                .set(facts::data.eq(data))
                .execute(tx.db())?;
            Ok(())
        });
    };
    spoil("request_submitted", r#"{"kind":"from_the_future"}"#);
    w.dispatch();
    assert_eq!(w.notices(w.ben).len(), 1);
    let good = r#"{"kind":"request_submitted","package_policy":"P","version":1}"#;
    spoil("request_submitted", good);
}

#[test]
fn d36_two_dispatchers_at_once_tell_everybody_once() {
    let Some(w) = World::new() else { return };
    let package = w.package(&[], terms(vec![by(&[w.ben, w.dan], &[])]));
    for n in 0..30 {
        w.ask(w.person(&format!("P{n}")), package).unwrap();
    }
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| w.dispatch());
        }
    });
    assert_eq!((w.notices(w.ben).len(), w.notices(w.dan).len()), (30, 30));
}

#[test]
fn a_policy_that_silences_its_notices_is_obeyed_and_a_leaver_is_told_all_the_same() {
    let Some(w) = World::new() else { return };
    let quiet = Notices { delivered: false, ending: false, ended: false };
    let loud = w.package(&[w.role("ledger")], terms(vec![]));
    let silent = w.package(&[w.role("vault")], Terms { notices: quiet, ..terms(vec![]) });
    for package in [loud, silent] {
        w.ask(w.ada, package).unwrap();
    }
    w.deliver();
    w.pass(89 * DAY);
    w.tick();
    w.pass(2 * DAY);
    w.tick();
    w.dispatch();
    let told = w.notices(w.ada);
    let of = |words: &str| told.iter().filter(|n| n.contains(words)).count();
    assert_eq!((of("is delivered"), of("its time was over")), (1, 1), "{told:#?}");
    assert_eq!(of(" ends for Ada on "), 1, "{told:#?}");
    assert_eq!(told.len(), 3, "needing no approval is told by the delivery: {told:#?}");
}
