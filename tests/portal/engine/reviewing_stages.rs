//! Access reviews in several stages, and reviews of a policy.

use keyholder::access::policy;
use keyholder::kernel::{AnswerBatchId, PersonId, ReviewInstanceId};
use keyholder::reviews::commands;
use keyholder::reviews::model::{Answer, GoesOn, Outcome, Rhythm, Scope, Stage, State, Terms};
use keyholder::reviews::store;

use crate::support::reviews::{asked, once, says, wrong};
use crate::support::world::{DAY, World, named, refused, terms};

/// Ben answers for ten days, then these people for five: what is to be removed, and what nobody answered.
fn twice(w: &World, then: &[PersonId]) -> Terms {
    let stage = Stage { reviewers: asked(then), days: 5, gets: vec![GoesOn::Removed], shows: true };
    Terms { then: vec![stage], ..once(asked(&[w.ben])) }
}

/// The time of the stage that is open passes.
fn time_is_up(w: &World, id: ReviewInstanceId) {
    let due = w.instance(id).due_at;
    w.pass(due.seconds_since(w.now()));
    w.settle();
}

#[test]
fn what_is_to_be_removed_is_looked_at_once_more_by_others() {
    let Some(w) = World::new() else { return };
    w.holding(w.ada, "ledger");
    w.holding(w.eve, "archive");
    w.holding(w.cleo, "wiki");
    let id = w.review(twice(&w, &[w.dan]));
    let (ada, eve) = (w.item_of(id, w.ada).id, w.item_of(id, w.eve).id);
    w.answers(w.ben, ada, says(Answer::Remove)).unwrap();
    w.answers(w.ben, eve, says(Answer::Keep)).unwrap();
    assert!(!w.notices(w.dan).iter().any(|n| n.contains("Stage 2")));
    time_is_up(&w, id);
    let there = w.instance(id);
    assert_eq!((there.state, there.stage), (State::Open, 2));
    assert_eq!(there.due_at.seconds_since(w.now()), 5 * DAY, "the stage has its own time");
    assert!(w.notices(w.dan).iter().any(|n| n.contains("Stage 2 of the access review")));
    // What goes on is answered anew; who looks at it sees what was answered before.
    let item = w.item_of(id, w.ada);
    assert_eq!((item.answer, w.reviewers(&item)), (None, vec![w.dan]));
    let before = &item.context.earlier;
    assert_eq!((before.len(), before[0].answer, before[0].by), (1, Answer::Remove, w.ben));
    assert_eq!(before[0].note.as_deref(), Some("looked at it"));
    let silent = w.item_of(id, w.cleo);
    assert_eq!((w.reviewers(&silent), silent.context.earlier.len()), (vec![w.dan], 0));
    // What does not go on is decided.
    assert_eq!(w.item_of(id, w.eve).answer, Some(Answer::Keep));
    let late = w.answers(w.ben, eve, says(Answer::Remove));
    assert_eq!(refused(late).title, "An earlier stage has decided this");
    w.answers(w.dan, ada, says(Answer::Keep)).unwrap();
    time_is_up(&w, id);
    assert_eq!(w.instance(id).state, State::Completed);
    for person in [w.ada, w.eve, w.cleo] {
        assert_eq!(w.outcome(id, person), Some(Outcome::Kept));
    }
}

#[test]
fn an_answer_of_an_earlier_stage_stands_where_the_later_one_is_silent() {
    let Some(w) = World::new() else { return };
    w.holding(w.ada, "ledger");
    w.holding(w.eve, "archive");
    let id = w.review(twice(&w, &[w.dan]));
    w.answers(w.ben, w.item_of(id, w.ada).id, says(Answer::Remove)).unwrap();
    time_is_up(&w, id);
    assert_eq!(w.instance(id).stage, 2);
    time_is_up(&w, id);
    let item = w.item_of(id, w.ada);
    assert_eq!((item.answer, item.answered_by), (Some(Answer::Remove), Some(w.ben)));
    assert_eq!((item.outcome, w.outcome(id, w.eve)), (Some(Outcome::Planned), Some(Outcome::Kept)));
    w.pass(3 * DAY);
    w.settle();
    assert_eq!(w.outcome(id, w.ada), Some(Outcome::Removed));
    assert!(w.instance(id).pace.is_some());
}

#[test]
fn a_stage_to_which_nothing_comes_is_left_out() {
    let Some(w) = World::new() else { return };
    w.holding(w.ada, "ledger");
    let id = w.review(twice(&w, &[w.dan]));
    w.answers(w.ben, w.item_of(id, w.ada).id, says(Answer::Keep)).unwrap();
    time_is_up(&w, id);
    assert_eq!(
        (w.instance(id).state, w.outcome(id, w.ada)),
        (State::Completed, Some(Outcome::Kept))
    );
    assert!(!w.notices(w.dan).iter().any(|n| n.contains("Stage 2")));
}

#[test]
fn d29_nobody_answers_for_themselves_in_a_later_stage_either() {
    let Some(w) = World::new() else { return };
    w.holding(w.dan, "ledger");
    let id = w.review(twice(&w, &[w.dan]));
    w.answers(w.ben, w.item_of(id, w.dan).id, says(Answer::Remove)).unwrap();
    w.runs(w.root, id, commands::next_stage).unwrap();
    w.settle();
    assert_eq!((w.instance(id).state, w.instance(id).stage), (State::Open, 2));
    assert_eq!(w.reviewers(&w.item_of(id, w.dan)), [w.cleo], "the owner of the catalog");
    assert_eq!(refused(w.runs(w.root, id, commands::next_stage)).title, "This review is not open");
    // Whoever still has the page of the first stage changes nothing of the second one.
    for (stage, fine) in [(Some(1), false), (None, false), (Some(2), true)] {
        let shown = w.runs(w.root, id, move |tx, permit| commands::as_shown(tx, permit, stage));
        assert_eq!(shown.is_ok(), fine, "{stage:?}");
    }
}

#[test]
fn a_review_of_two_stages_that_is_closed_early_carries_out_what_was_answered() {
    let Some(w) = World::new() else { return };
    w.holding(w.ada, "ledger");
    w.holding(w.eve, "archive");
    let id = w.review(twice(&w, &[w.dan]));
    w.answers(w.ben, w.item_of(id, w.ada).id, says(Answer::Remove)).unwrap();
    w.close(id);
    assert_eq!(w.outcome(id, w.ada), Some(Outcome::Planned));
    assert_eq!(w.outcome(id, w.eve), Some(Outcome::Kept));
}

#[test]
fn taking_answers_back_in_a_later_stage_leaves_what_an_earlier_one_decided() {
    let Some(w) = World::new() else { return };
    let pair = w.package_and_policy(&[w.role("ledger")], terms(vec![]));
    w.holds_of(w.eve, pair);
    w.holding(w.ada, "archive");
    let weekly = twice(&w, &[w.dan]);
    let then = vec![Stage { days: 3, ..weekly.then[0].clone() }];
    let review =
        w.try_review("Every week", Terms { rhythm: Rhythm::Weekly, days: 3, then, ..weekly });
    w.settle();
    let review = review.unwrap();
    for item in w.items(w.instances(review)[0].id) {
        w.answers(w.ben, item.id, says(Answer::Keep)).unwrap();
    }
    w.pass(7 * DAY);
    w.settle();
    // Only what has not changed since is answered together: the second run.
    let id = w.instances(review)[1].id;
    let (ada, eve) = (w.item_of(id, w.ada).id, w.item_of(id, w.eve).id);
    let batch = AnswerBatchId::fresh();
    w.keeps_together(w.ben, &[eve], batch).unwrap();
    w.answers(w.ben, ada, says(Answer::Remove)).unwrap();
    w.by(w.ben, move |tx| commands::sign_off(tx, id)).unwrap();
    time_is_up(&w, id);
    w.answers(w.dan, ada, says(Answer::Keep)).unwrap();
    let cleared = w.by(w.ben, move |tx| commands::clear_batch(tx, id, batch)).unwrap();
    assert_eq!((cleared, w.item_of(id, w.eve).answer), (0, Some(Answer::Keep)));
    let reset = w.runs(w.root, id, |tx, permit| commands::reset(tx, permit, "too fast"));
    assert_eq!(reset.unwrap(), 1);
    assert_eq!(w.item_of(id, w.ada).answer, None, "the stage that is open starts over");
    assert_eq!(w.item_of(id, w.eve).answer, Some(Answer::Keep), "nobody could answer it again");
    let signed = w.db.read(|db| store::listing::signed_at(db, id, w.ben)).unwrap();
    assert!(signed.is_some(), "what was signed in an earlier stage stays signed");
}

#[test]
fn d29_nobody_answers_for_themselves_after_others_have_answered() {
    let Some(w) = World::new() else { return };
    let mut terms = twice(&w, &[w.dan]);
    terms.then[0].reviewers = keyholder::reviews::model::Reviewers::Own;
    assert_eq!(wrong(w.try_review("Own", terms)), ["reviewers2"]);
}

#[test]
fn stages_say_what_is_missing() {
    let Some(w) = World::new() else { return };
    assert_eq!(wrong(w.try_review("Nobody", twice(&w, &[]))), ["people2"]);
    let long = |days| {
        let mut terms = twice(&w, &[w.dan]);
        terms.then[0].days = days;
        Terms { rhythm: Rhythm::Monthly, ..terms }
    };
    assert_eq!(wrong(w.try_review("Too long", long(19))), ["days"]);
    assert_eq!(wrong(w.try_review("No time", long(0))), ["days2"]);
    let at_once = Terms { at_once: true, ..twice(&w, &[w.dan]) };
    assert_eq!(wrong(w.try_review("At once", at_once)), ["at_once"]);
    w.try_review("Right", long(18)).unwrap();
}

#[test]
fn a_review_of_a_policy_holds_what_is_held_under_it_and_ends_with_it() {
    let Some(w) = World::new() else { return };
    let pair = w.package_and_policy(&[w.role("ledger")], terms(vec![]));
    let held = w.holds_of(w.ada, pair);
    w.holding(w.eve, "archive");
    let scope = Scope { policy: Some(named(pair.1)), ..Scope::default() };
    let weekly = Terms { scope, rhythm: Rhythm::Weekly, days: 5, ..once(asked(&[w.ben])) };
    let review = w.try_review("Ledger, weekly", weekly).unwrap();
    w.settle();
    let first = w.instances(review)[0].id;
    let people: Vec<_> = w.items(first).iter().map(|item| item.person).collect();
    assert_eq!(people, [w.ada]);
    let of_it = w.db.read(|db| store::of_policies(db, &[pair.1])).unwrap();
    assert_eq!((of_it.len(), of_it[0].id), (1, review));
    w.close(first);
    w.end(w.root, held).unwrap();
    w.settle();
    w.by(w.root, move |tx| {
        let catalog = keyholder::packages::store::package(tx.db(), pair.0)?.package.catalog;
        let permit = policy::manage_catalog(tx.actor(), catalog)?;
        keyholder::policies::commands::delete(tx, &permit, pair.1)
    })
    .unwrap();
    w.pass(8 * DAY);
    w.settle();
    assert_eq!(w.instances(review).len(), 1, "nothing is left to review");
    assert!(w.db.read(|db| store::review(db, review)).unwrap().ended_at.is_some());
}

#[test]
fn what_nobody_understood_waits_for_its_owner_until_it_is_described_better() {
    let Some(w) = World::new() else { return };
    let pair = w.package_and_policy(&[w.role("ledger")], terms(vec![]));
    w.holds_of(w.ada, pair);
    w.holds_of(w.eve, pair);
    let id = w.review(once(asked(&[w.ben])));
    for person in [w.ada, w.eve] {
        w.answers(w.ben, w.item_of(id, person).id, says(Answer::Unknown)).unwrap();
    }
    let waits = |w: &World| w.db.read(|db| store::listing::to_describe(db, None, 10)).unwrap();
    let there = waits(&w);
    assert_eq!((there.len(), there[0].package, there[0].unknown), (1, pair.0, 2));
    let described = |who, better| {
        w.by(who, move |tx| {
            let catalog = keyholder::packages::store::package(tx.db(), pair.0)?.package.catalog;
            let permit = policy::manage_catalog(tx.actor(), catalog)?;
            commands::described(tx, &permit, pair.0, better)
        })
    };
    assert!(described(w.ben, true).is_err(), "owners only");
    described(w.cleo, true).unwrap();
    described(w.cleo, false).unwrap();
    assert!(waits(&w).is_empty());
    assert_eq!(w.facts("description_given").len(), 1, "once is once");
    // Whoever still cannot tell asks again.
    w.pass(1);
    w.answers(w.ben, w.item_of(id, w.ada).id, says(Answer::Keep)).unwrap();
    w.answers(w.ben, w.item_of(id, w.ada).id, says(Answer::Unknown)).unwrap();
    assert_eq!(waits(&w).len(), 1);
}
