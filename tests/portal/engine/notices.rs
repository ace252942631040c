//! Who hears of what: one fact, one notice per person (D36), nobody of what they cannot act on (D48).

use crate::support::world::{World, by, terms};

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
