//! A hundred contended items each: one outcome, everybody is told, nothing is lost.

use std::sync::atomic::{AtomicUsize, Ordering};

use keyholder::error::{Error, Result};
use keyholder::kernel::{Fact, PersonId, ReviewInstanceId, ReviewItemId};
use keyholder::reviews::commands::{self, Answered};
use keyholder::reviews::model::{Answer, Item, Outcome, Reviewers, Silence, State, Terms};
use keyholder::reviews::{jobs, snapshot, store};

use crate::engine::races::{CONTENDED, at_once, fine, void};
use crate::support::acts::assignment;
use crate::support::reviews::{asked, once, says};
use crate::support::world::{DAY, World, named, terms};

type Act<'a> = Box<dyn FnOnce() + Send + 'a>;

/// A hundred people hold a package, confirmed.
fn holders(w: &World) -> Vec<PersonId> {
    let people = w.people(CONTENDED);
    hold(w, &people);
    people
}

/// They hold a package, confirmed.
fn hold(w: &World, people: &[PersonId]) {
    let (package, policy) = w.package_and_policy(&[w.role("ledger")], terms(vec![]));
    for person in people {
        w.assign(w.root, assignment(package, policy, *person)).unwrap();
    }
    w.settle();
    w.pass(1);
}

/// A review of what a hundred people hold.
fn review(w: &World, terms: Terms) -> (ReviewInstanceId, Vec<ReviewItemId>) {
    holders(w);
    let id = w.review(terms);
    let items: Vec<_> = w.items(id).iter().map(|item| item.id).collect();
    assert_eq!(items.len(), CONTENDED);
    (id, items)
}

fn with(w: &World, id: ReviewInstanceId, is: impl Fn(&Item) -> bool) -> usize {
    w.items(id).iter().filter(|item| is(item)).count()
}

/// True where the answer was taken; false where the review was closed before.
fn taken(answer: Result<Answered>) -> bool {
    match answer {
        Ok(_) => true,
        Err(Error::Refused(refusal)) => {
            assert_eq!(refusal.title, "This review is closed", "the other one is told");
            false
        }
        Err(other) => panic!("{other:?}"),
    }
}

/// Where the access of an item is gone from the target, and where it is still there.
fn agrees_with_the_target(w: &World, id: ReviewInstanceId) {
    for item in w.items(id) {
        let gone = matches!(item.outcome, Some(Outcome::Removed | Outcome::Gone));
        let there = w.target.really(&w.external(item.person), "ledger");
        assert_eq!(there, !gone, "{item:?}");
    }
}

fn timers(w: &World) -> Vec<Act<'_>> {
    (0..3).map(|_| Box::new(|| void(jobs::run_due(&w.db).unwrap())) as Act<'_>).collect()
}

#[test]
fn d28_two_reviewers_answer_the_same_items_at_once() {
    let Some(w) = World::new() else { return };
    let (id, items) = review(&w, once(asked(&[w.ben, w.dan])));
    let second = AtomicUsize::new(0);
    let answer = |who, answer| {
        let (w, items, second) = (&w, &items, &second);
        Box::new(move || {
            for item in items {
                let answered = w.answers(who, *item, says(answer)).unwrap();
                void(second.fetch_add(usize::from(answered.other.is_some()), Ordering::SeqCst));
            }
        }) as Act<'_>
    };
    at_once(vec![answer(w.ben, Answer::Keep), answer(w.dan, Answer::Remove)]);
    assert_eq!(second.into_inner(), CONTENDED, "who came second is told who was first");
    assert_eq!(w.facts("review_answered").len(), 2 * CONTENDED);
    let said = w.db.read(|db| store::listing::said(db, &items)).unwrap();
    assert_eq!(said.len(), 2 * CONTENDED, "both are kept");
    for item in w.items(id) {
        let last = said.iter().rfind(|one| one.item == item.id).unwrap();
        assert_eq!(item.answer, Answer::parse(&last.answer), "the last one counts");
        let by = if last.by == "Ben" { w.ben } else { w.dan };
        assert_eq!(item.answered_by, Some(by));
    }
    w.close(id);
    let (kept, planned) = (
        with(&w, id, |item| item.outcome == Some(Outcome::Kept)),
        with(&w, id, |item| item.outcome == Some(Outcome::Planned)),
    );
    assert_eq!(kept + planned, CONTENDED);
    assert_eq!(planned, w.facts("removal_planned").len());
}

#[test]
fn d28_two_tabs_of_one_reviewer_answer_the_same_items_at_once() {
    let Some(w) = World::new() else { return };
    let terms = Terms { at_once: true, ..once(asked(&[w.ben])) };
    let (id, items) = review(&w, terms);
    let answer = |answer| {
        let (w, items) = (&w, &items);
        Box::new(move || {
            for item in items {
                w.answers(w.ben, *item, says(answer)).unwrap();
            }
        }) as Act<'_>
    };
    at_once(vec![answer(Answer::Keep), answer(Answer::Remove), answer(Answer::Unknown)]);
    let said = w.db.read(|db| store::listing::said(db, &items)).unwrap();
    assert_eq!(said.len(), 3 * CONTENDED, "all of them are kept");
    for item in w.items(id) {
        let last = said.iter().rfind(|one| one.item == item.id).unwrap();
        assert_eq!(item.answer, Answer::parse(&last.answer));
        let removed = (item.answer == Some(Answer::Remove)).then_some(Outcome::Planned);
        assert_eq!(item.outcome, removed, "no removal is left of an answer that does not count");
    }
    w.settle();
    w.pass(3 * DAY);
    w.settle();
    agrees_with_the_target(&w, id);
}

#[test]
fn d28_an_answer_against_not_mine_of_another_reviewer() {
    let Some(w) = World::new() else { return };
    let (id, items) = review(&w, once(asked(&[w.ben, w.dan])));
    let passed = AtomicUsize::new(0);
    at_once(vec![
        Box::new(|| {
            for item in &items {
                match w.passes_on(w.ben, *item, w.eve) {
                    Ok(_) => void(passed.fetch_add(1, Ordering::SeqCst)),
                    Err(Error::Refused(refusal)) => {
                        assert_eq!(refusal.title, "It has been answered meanwhile");
                    }
                    Err(other) => panic!("{other:?}"),
                }
            }
        }),
        Box::new(|| {
            for item in &items {
                w.answers(w.dan, *item, says(Answer::Keep)).unwrap();
            }
        }),
    ]);
    let passed = passed.into_inner();
    assert_eq!(w.facts("review_passed_on").len(), passed);
    for item in w.items(id) {
        assert_eq!((item.answer, item.answered_by), (Some(Answer::Keep), Some(w.dan)), "not lost");
        assert!(w.reviewers(&item).contains(&w.dan));
    }
    let with_eve = with(&w, id, |item| w.reviewers(item).contains(&w.eve));
    let with_ben = with(&w, id, |item| w.reviewers(item).contains(&w.ben));
    assert_eq!((with_eve, with_ben), (passed, CONTENDED - passed));
}

#[test]
fn d28_two_reviewers_pass_the_same_items_on_at_once() {
    let Some(w) = World::new() else { return };
    let (id, items) = review(&w, once(asked(&[w.ben, w.dan])));
    let pass = |who, to| {
        let (w, items) = (&w, &items);
        Box::new(move || {
            for item in items {
                w.passes_on(who, *item, to).unwrap();
            }
        }) as Act<'_>
    };
    at_once(vec![pass(w.ben, w.eve), pass(w.dan, w.cleo)]);
    for item in w.items(id) {
        let mut asked = w.reviewers(&item);
        asked.sort_unstable();
        let mut both = vec![w.cleo, w.eve];
        both.sort_unstable();
        assert_eq!(asked, both, "both have it now");
    }
}

#[test]
fn d28_answers_against_the_close_by_whoever_looks_after_it() {
    let Some(w) = World::new() else { return };
    let (id, items) = review(&w, once(asked(&[w.ben])));
    let counted = AtomicUsize::new(0);
    at_once(vec![
        Box::new(|| {
            for item in &items {
                let counts = taken(w.answers(w.ben, *item, says(Answer::Remove)));
                void(counted.fetch_add(usize::from(counts), Ordering::SeqCst));
            }
        }),
        Box::new(|| {
            while counted.load(Ordering::SeqCst) < CONTENDED / 3 {
                std::thread::yield_now();
            }
            w.runs(w.root, id, commands::close).unwrap();
        }),
    ]);
    closed_with(&w, id, counted.into_inner());
}

#[test]
fn d28_answers_against_the_end_of_their_time() {
    let Some(w) = World::new() else { return };
    let (id, items) = review(&w, once(asked(&[w.ben])));
    w.pass(10 * DAY);
    let left = w.instance(id).due_at.seconds_since(w.now()) - 1;
    w.pass(left);
    let counted = AtomicUsize::new(0);
    let mut all: Vec<Act<'_>> = (0..2)
        .map(|_| {
            Box::new(|| {
                while w.instance(id).state == State::Open {
                    void(jobs::run_due(&w.db).unwrap());
                }
            }) as Act<'_>
        })
        .collect();
    all.push(Box::new(|| {
        for (n, item) in items.iter().enumerate() {
            if n == CONTENDED / 2 {
                w.pass(1);
            }
            let counts = taken(w.answers(w.ben, *item, says(Answer::Remove)));
            void(counted.fetch_add(usize::from(counts), Ordering::SeqCst));
        }
    }));
    at_once(all);
    let counted = counted.into_inner();
    assert_eq!(counted, CONTENDED / 2, "to the second");
    closed_with(&w, id, counted);
}

/// The review has closed once, and so many answers count: each of them, and no other.
fn closed_with(w: &World, id: ReviewInstanceId, counted: usize) {
    w.settle();
    let closed = w.facts("review_closed");
    assert_eq!(closed.len(), 1);
    let Fact::ReviewClosed { answered, silent, removals, .. } = closed[0].fact else { panic!() };
    let n = i64::try_from(counted).unwrap();
    assert_eq!((answered, silent, removals), (n, CONTENDED as i64 - n, n));
    assert_eq!(w.facts("review_answered").len(), counted);
    assert_eq!(with(w, id, |item| item.outcome == Some(Outcome::Planned)), counted);
    assert_eq!(with(w, id, |item| item.outcome == Some(Outcome::Kept)), CONTENDED - counted);
    w.pass(3 * DAY);
    w.settle();
    assert_eq!(with(w, id, |item| item.outcome == Some(Outcome::Removed)), counted);
    agrees_with_the_target(w, id);
}

#[test]
fn d28_the_keeper_and_three_timers_close_at_once() {
    let Some(w) = World::new() else { return };
    let (id, items) = review(&w, once(asked(&[w.ben])));
    for item in &items {
        w.answers(w.ben, *item, says(Answer::Remove)).unwrap();
    }
    w.pass(11 * DAY);
    let mut all = timers(&w);
    all.push(Box::new(|| {
        fine(w.runs(w.root, id, commands::close));
    }));
    all.push(Box::new(|| {
        fine(w.runs(w.root, id, |tx, permit| commands::cancel(tx, permit, "wrong scope")));
    }));
    at_once(all);
    w.settle();
    let (closed, canceled) = (w.facts("review_closed").len(), w.facts("review_canceled").len());
    assert_eq!(closed + canceled, 1, "one of them was first");
    assert_eq!(w.facts("removal_planned").len(), closed * CONTENDED);
    let planned = with(&w, id, |item| item.outcome == Some(Outcome::Planned));
    assert_eq!(planned, closed * CONTENDED);
}

#[test]
fn d30_two_administrators_say_yes_and_no_to_what_silence_removes() {
    let Some(w) = World::new() else { return };
    let terms = Terms { silence: Silence::Remove, ..once(asked(&[w.ben])) };
    let (id, _) = review(&w, terms);
    w.close(id);
    assert_eq!(w.instance(id).state, State::Confirming);
    let yes = AtomicUsize::new(0);
    let confirm = |remove: bool| {
        let (w, yes) = (&w, &yes);
        Box::new(move || {
            let done = w.runs(w.root, id, move |tx, p| commands::confirm(tx, p, remove));
            if fine(done) && remove {
                void(yes.fetch_add(1, Ordering::SeqCst));
            }
        }) as Act<'_>
    };
    at_once(vec![confirm(true), confirm(false), confirm(true), confirm(false)]);
    w.settle();
    let told = w.facts("review_confirmed");
    assert_eq!(told.len(), 1, "one of them decided");
    let Fact::ReviewConfirmed { removed, .. } = told[0].fact else { panic!() };
    assert_eq!(usize::from(removed), yes.into_inner());
    let planned = with(&w, id, |item| item.outcome == Some(Outcome::Planned));
    assert_eq!(planned, if removed { CONTENDED } else { 0 });
}

#[test]
fn d31_calling_off_against_the_removal() {
    let Some(w) = World::new() else { return };
    let (id, items) = review(&w, once(asked(&[w.ben])));
    for item in &items {
        w.answers(w.ben, *item, says(Answer::Remove)).unwrap();
    }
    w.close(id);
    w.pass(3 * DAY - 1);
    let undone = AtomicUsize::new(0);
    at_once(vec![
        Box::new(|| {
            for (n, item) in items.iter().enumerate() {
                if n == CONTENDED / 2 {
                    w.pass(1);
                }
                match w.undoes(w.ben, *item) {
                    Ok(_) => void(undone.fetch_add(1, Ordering::SeqCst)),
                    Err(Error::Refused(refusal)) => {
                        assert_eq!(refusal.title, "It is too late to call it off");
                    }
                    Err(other) => panic!("{other:?}"),
                }
            }
        }),
        Box::new(|| {
            while jobs::run_due(&w.db).unwrap() == 0 {
                std::thread::yield_now();
            }
        }),
        Box::new(|| void(w.deliver())),
    ]);
    w.settle();
    let undone = undone.into_inner();
    assert_eq!(undone, CONTENDED / 2);
    assert_eq!(w.facts("removal_undone").len(), undone);
    assert_eq!(with(&w, id, |item| item.outcome == Some(Outcome::Undone)), undone);
    assert_eq!(with(&w, id, |item| item.outcome == Some(Outcome::Removed)), CONTENDED - undone);
    assert_eq!(w.facts("assignment_ended").len(), CONTENDED - undone);
    assert_eq!(w.instance(id).state, State::Completed);
    agrees_with_the_target(&w, id);
}

#[test]
fn d31_two_reviewers_call_the_same_removals_off_at_once() {
    let Some(w) = World::new() else { return };
    let (id, items) = review(&w, once(asked(&[w.ben, w.dan])));
    for item in &items {
        w.answers(w.ben, *item, says(Answer::Remove)).unwrap();
    }
    w.close(id);
    let undone = AtomicUsize::new(0);
    let undo = |who| {
        let (w, items, undone) = (&w, &items, &undone);
        Box::new(move || {
            for item in items {
                void(undone.fetch_add(usize::from(fine(w.undoes(who, *item))), Ordering::SeqCst));
            }
        }) as Act<'_>
    };
    at_once(vec![undo(w.ben), undo(w.dan), undo(w.root)]);
    assert_eq!(undone.into_inner(), CONTENDED, "each is called off once; the others are told");
    assert_eq!(w.facts("removal_undone").len(), CONTENDED);
    w.settle();
    assert_eq!(with(&w, id, |item| item.outcome == Some(Outcome::Undone)), CONTENDED);
    assert_eq!(w.instance(id).state, State::Completed);
}

/// A review that removes at once, with removals that are due for all but the last half.
fn removing_at_once(w: &World) -> (ReviewInstanceId, Vec<ReviewItemId>) {
    let terms = Terms { at_once: true, ..once(asked(&[w.ben])) };
    let (id, items) = review(w, terms);
    let (early, late) = items.split_at(CONTENDED / 2);
    for item in early {
        w.answers(w.ben, *item, says(Answer::Remove)).unwrap();
    }
    w.pass(60);
    for item in late {
        w.answers(w.ben, *item, says(Answer::Remove)).unwrap();
    }
    w.settle();
    w.pass(3 * DAY - 60);
    (id, items)
}

#[test]
fn d31_a_stop_of_the_review_against_its_removals() {
    let Some(w) = World::new() else { return };
    let (id, _) = removing_at_once(&w);
    let mut all = timers(&w);
    all.push(Box::new(|| {
        w.runs(w.root, id, |tx, permit| commands::cancel(tx, permit, "wrong scope")).unwrap();
    }));
    at_once(all);
    w.settle();
    assert_eq!(w.instance(id).state, State::Canceled);
    let removed = with(&w, id, |item| item.outcome == Some(Outcome::Removed));
    let back = with(&w, id, |item| item.outcome.is_none() && item.answer.is_none());
    assert_eq!(removed + back, CONTENDED);
    assert!(back >= CONTENDED / 2, "what was not due is called off");
    assert_eq!(w.facts("removal_undone").len(), back, "and each person is told");
    w.pass(30 * DAY);
    w.settle();
    assert_eq!(w.facts("assignment_ended").len(), removed);
    agrees_with_the_target(&w, id);
}

#[test]
fn d28_starting_over_and_new_answers_against_removals() {
    let Some(w) = World::new() else { return };
    let (id, items) = removing_at_once(&w);
    let mut all = timers(&w);
    all.push(Box::new(|| {
        w.runs(w.root, id, |tx, permit| commands::reset(tx, permit, "wrong list")).unwrap();
    }));
    all.push(Box::new(|| {
        for item in items.iter().rev() {
            fine(w.answers(w.ben, *item, says(Answer::Keep)));
        }
    }));
    at_once(all);
    w.settle();
    for item in w.items(id) {
        let is = (item.answer, item.outcome);
        let one_of = [
            (Some(Answer::Remove), Some(Outcome::Removed)),
            (Some(Answer::Keep), None),
            (None, None),
        ];
        assert!(one_of.contains(&is), "{is:?}");
    }
    agrees_with_the_target(&w, id);
}

#[test]
fn d31_three_timers_carry_out_everything_once() {
    let Some(w) = World::new() else { return };
    let (id, items) = review(&w, once(asked(&[w.ben])));
    for item in &items {
        w.answers(w.ben, *item, says(Answer::Remove)).unwrap();
    }
    w.runs(w.root, id, commands::close).unwrap();
    at_once(timers(&w));
    assert_eq!(w.facts("removal_planned").len(), CONTENDED);
    w.pass(3 * DAY);
    at_once(timers(&w));
    w.deliver();
    at_once(timers(&w));
    w.settle();
    assert_eq!(w.facts("assignment_ended").len(), CONTENDED);
    assert_eq!(w.facts("review_completed").len(), 1);
    assert_eq!(with(&w, id, |item| item.outcome == Some(Outcome::Removed)), CONTENDED);
    assert_eq!(w.target.calls("remove").len(), CONTENDED, "each was asked of the target once");
    agrees_with_the_target(&w, id);
}

#[test]
fn d27_three_timers_take_one_snapshot() {
    let Some(w) = World::new() else { return };
    let people = w.people(usize::try_from(snapshot::CHUNK).unwrap() + CONTENDED);
    hold(&w, &people);
    let review = w.try_review("Everything", once(asked(&[w.ben, w.dan]))).unwrap();
    at_once(timers(&w));
    w.settle();
    let all = w.instances(review);
    assert_eq!(all.len(), 1);
    assert_eq!((all[0].state, all[0].source_count), (State::Open, Some(people.len() as i64)));
    assert_eq!(w.items(all[0].id).len(), people.len());
    assert_eq!(w.facts("review_started").len(), 1);
}

#[test]
fn d27_a_snapshot_against_those_who_leave_and_those_who_come() {
    let Some(w) = World::new() else { return };
    let people = holders(&w);
    let (package, policy) = w.package_and_policy(&[w.role("archive")], terms(vec![]));
    let late = w.people(20);
    let review = w.try_review("Everything", once(asked(&[w.ben, w.dan]))).unwrap();
    let mut all = timers(&w);
    all.push(Box::new(|| people.iter().take(30).for_each(|person| w.leave(*person))));
    all.push(Box::new(|| {
        for person in &late {
            w.assign(w.root, assignment(package, policy, *person)).unwrap();
        }
    }));
    at_once(all);
    w.settle();
    let there = w.instances(review);
    assert_eq!((there.len(), there[0].state), (1, State::Open), "{:?}", there[0].trouble);
    assert_eq!(there[0].source_count, Some(there[0].item_count));
    assert_eq!(w.items(there[0].id).len() as i64, there[0].item_count);
    let stays: Vec<_> = w.items(there[0].id).iter().map(|item| item.person).collect();
    assert!(people.iter().skip(30).all(|person| stays.contains(person)));
    // Whoever left after the snapshot needs no answer.
    for item in w.items(there[0].id) {
        let left = people.iter().take(30).any(|person| *person == item.person);
        assert_eq!(item.outcome, left.then_some(Outcome::Gone));
    }
}

#[test]
fn d32_three_timers_remind_once() {
    let Some(w) = World::new() else { return };
    let (_, items) = review(&w, once(asked(&[w.ben])));
    w.pass(5 * DAY);
    let mut all = timers(&w);
    all.push(Box::new(|| {
        for item in items.iter().take(10) {
            w.answers(w.ben, *item, says(Answer::Keep)).unwrap();
        }
    }));
    at_once(all);
    w.settle();
    assert_eq!(w.facts("review_reminded").len(), 1);
    assert_eq!(w.facts("review_answered").len(), 10);
}

#[test]
fn d29_answers_against_the_leaving_of_their_reviewers() {
    let Some(w) = World::new() else { return };
    let managers = w.people(CONTENDED);
    let people = w.people(CONTENDED);
    for (person, manager) in people.iter().zip(&managers) {
        w.set_manager(*person, Some(*manager));
    }
    hold(&w, &people);
    let fallback = vec![named(w.eve)];
    let id = w.review(Terms { fallback, ..once(Reviewers::Manager) });
    let counted = AtomicUsize::new(0);
    at_once(vec![
        Box::new(|| {
            for (person, manager) in people.iter().zip(&managers) {
                let item = w.item_of(id, *person).id;
                let counts = fine(w.answers(*manager, item, says(Answer::Keep)));
                void(counted.fetch_add(usize::from(counts), Ordering::SeqCst));
            }
        }),
        Box::new(|| {
            // From the other end, so that they meet.
            for manager in managers.iter().rev() {
                w.leave(*manager);
            }
        }),
        Box::new(|| {
            for _ in 0..20 {
                void(jobs::run_due(&w.db).unwrap());
            }
        }),
    ]);
    w.settle();
    let counted = counted.into_inner();
    assert_eq!(with(&w, id, |item| item.answer.is_some()), counted, "an answer stays");
    for item in w.items(id) {
        match item.answer {
            Some(_) => assert_ne!(item.answered_by, Some(w.eve)),
            None => assert_eq!(w.reviewers(&item), [w.eve], "what waits is with somebody"),
        }
    }
    for item in w.items(id).iter().filter(|item| item.answer.is_none()) {
        w.answers(w.eve, item.id, says(Answer::Keep)).unwrap();
    }
    w.close(id);
    assert_eq!(with(&w, id, |item| item.outcome == Some(Outcome::Kept)), CONTENDED);
}

#[test]
fn d31_answers_against_the_leaving_of_those_who_are_reviewed() {
    let Some(w) = World::new() else { return };
    let people = holders(&w);
    let id = w.review(Terms { at_once: true, ..once(asked(&[w.ben])) });
    at_once(vec![
        Box::new(|| {
            for person in &people {
                let item = w.item_of(id, *person).id;
                fine(w.answers(w.ben, item, says(Answer::Remove)));
            }
        }),
        Box::new(|| people.iter().rev().for_each(|person| w.leave(*person))),
        Box::new(|| {
            for _ in 0..20 {
                void(jobs::run_due(&w.db).unwrap());
            }
        }),
    ]);
    w.settle();
    w.pass(3 * DAY);
    w.settle();
    assert_eq!(w.facts("assignment_ended").len(), CONTENDED, "each ended once");
    for person in &people {
        assert!(!w.target.really(&w.external(*person), "ledger"));
        let item = w.item_of(id, *person);
        assert!(matches!(item.outcome, Some(Outcome::Gone | Outcome::Removed)), "{item:?}");
    }
    w.close(id);
    assert_eq!(w.instance(id).state, State::Completed);
}

#[test]
fn d31_removals_against_the_leaving_of_those_who_are_reviewed() {
    let Some(w) = World::new() else { return };
    let people = holders(&w);
    let id = w.review(once(asked(&[w.ben])));
    for item in w.items(id) {
        w.answers(w.ben, item.id, says(Answer::Remove)).unwrap();
    }
    w.close(id);
    w.pass(3 * DAY);
    let mut all = timers(&w);
    all.push(Box::new(|| people.iter().take(50).for_each(|person| w.leave(*person))));
    all.push(Box::new(|| void(w.deliver())));
    at_once(all);
    w.settle();
    assert_eq!(w.facts("assignment_ended").len(), CONTENDED, "each ended once");
    assert_eq!(w.instance(id).state, State::Completed);
    agrees_with_the_target(&w, id);
}
