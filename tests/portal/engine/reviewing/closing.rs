//! Silence (D30), the cooling-off time and its results (D31), reminders (D32): the edges.

use diesel::prelude::*;
use keyholder::access::policy;
use keyholder::db::schema::review_items;
use keyholder::db::set_setting;
use keyholder::error::Error;
use keyholder::kernel::{Fact, ReviewId, ReviewInstanceId};
use keyholder::provisioning::reconcile;
use keyholder::reviews::commands::{self, NewReview, Says};
use keyholder::reviews::model::{Answer, GoesOn, Outcome, Silence, Stage, State, Terms};

use crate::support::acts::assignment;
use crate::support::reviews::{asked, once, says};
use crate::support::target::Mood;
use crate::support::world::{DAY, World, named, refused, terms};

fn set(w: &World, name: &'static str, value: &'static str) {
    w.run(move |tx| set_setting(tx, name, value));
}

/// A review of what ten people have.
fn of_ten(w: &World, silence: Silence) -> ReviewInstanceId {
    let pair = w.package_and_policy(&[w.role("ledger")], terms(vec![]));
    for person in w.people(10) {
        w.assign(w.root, assignment(pair.0, pair.1, person)).unwrap();
    }
    w.settle();
    w.pass(1);
    w.review(Terms { silence, ..once(asked(&[w.ben])) })
}

fn with(w: &World, id: ReviewInstanceId, outcome: Outcome) -> usize {
    w.items(id).iter().filter(|item| item.outcome == Some(outcome)).count()
}

#[test]
fn d30_what_reviewers_remove_is_no_silence() {
    let Some(w) = World::new() else { return };
    let id = of_ten(&w, Silence::Remove);
    for item in w.items(id).iter().skip(2) {
        w.answers(w.ben, item.id, says(Answer::Remove)).unwrap();
    }
    w.close(id);
    assert_eq!(w.instance(id).state, State::Applying);
    assert_eq!(with(&w, id, Outcome::Planned), 10);
}

#[test]
fn d30_silence_follows_the_recommendation_and_its_removals_are_counted() {
    let Some(w) = World::new() else { return };
    let id = of_ten(&w, Silence::Recommendation);
    let ids: Vec<_> = w.items(id).iter().take(3).map(|item| item.id).collect();
    w.run(move |tx| {
        let some = review_items::table.filter(review_items::id.eq_any(&ids));
        diesel::update(some).set(review_items::recommendation.eq("remove")).execute(tx.db())?;
        Ok(())
    });
    w.close(id);
    assert_eq!(w.instance(id).state, State::Confirming);
    let told = w.facts("review_unconfirmed");
    let Fact::ReviewUnconfirmed { by_silence, items, .. } = told[0].fact else { panic!() };
    assert_eq!((by_silence, items), (3, 10));
    w.runs(w.root, id, |tx, permit| commands::confirm(tx, permit, true)).unwrap();
    w.settle();
    assert_eq!((with(&w, id, Outcome::Planned), with(&w, id, Outcome::Kept)), (3, 7));
}

#[test]
fn d30_the_organization_sets_the_share() {
    let Some(w) = World::new() else { return };
    set(&w, "reviews.silent_share", "100");
    let id = of_ten(&w, Silence::Remove);
    w.close(id);
    assert_eq!(with(&w, id, Outcome::Planned), 10);
}

#[test]
fn d29_no_administrator_says_that_silence_keeps_their_own_access() {
    let Some(w) = World::new() else { return };
    let pair = w.package_and_policy(&[w.role("ledger")], terms(vec![]));
    w.assign(w.cleo, assignment(pair.0, pair.1, w.root)).unwrap();
    w.settle();
    w.pass(1);
    let id = w.review(Terms { silence: Silence::Remove, ..once(asked(&[w.ben])) });
    w.close(id);
    assert_eq!(w.instance(id).state, State::Confirming);
    let no = refused(w.runs(w.root, id, |tx, permit| commands::confirm(tx, permit, false)));
    assert_eq!(no.title, "Your own access is part of it");
    w.runs(w.root, id, |tx, permit| commands::confirm(tx, permit, true)).unwrap();
}

#[test]
fn d29_nobody_calls_the_removal_of_their_own_access_off() {
    let Some(w) = World::new() else { return };
    let pair = w.package_and_policy(&[w.role("ledger")], terms(vec![]));
    for person in [w.root, w.ben] {
        w.assign(w.cleo, assignment(pair.0, pair.1, person)).unwrap();
    }
    w.settle();
    w.pass(1);
    let id = w.review(once(asked(&[w.ben, w.dan])));
    for item in w.items(id) {
        w.answers(w.dan, item.id, says(Answer::Remove)).unwrap();
    }
    w.close(id);
    // Whoever runs the review, and whoever is asked in it.
    for person in [w.root, w.ben] {
        match w.undoes(person, w.item_of(id, person).id) {
            Err(Error::Denied(why)) => assert_eq!(why, "Nobody decides on access for themselves."),
            other => panic!("{other:?}"),
        }
    }
    w.undoes(w.root, w.item_of(id, w.ben).id).unwrap();
}

#[test]
fn d30_only_an_administrator_confirms_what_silence_removes() {
    let Some(w) = World::new() else { return };
    w.holding(w.ada, "ledger");
    w.pass(1);
    let (id, catalog) = (ReviewId::fresh(), w.catalog);
    let mut terms = Terms { silence: Silence::Remove, ..once(asked(&[w.ben])) };
    terms.scope.catalog = Some(named(catalog));
    let new =
        NewReview { id, name: "The catalog".into(), catalog: Some(catalog), terms, rows: vec![] };
    w.by(w.cleo, move |tx| {
        let permit = policy::manage_review(tx.actor(), Some(catalog))?;
        commands::create(tx, &permit, &new).map(|_| ())
    })
    .unwrap();
    w.settle();
    let id = w.instances(id)[0].id;
    // The owner looks after it, and may stop it.
    w.runs(w.cleo, id, commands::close).unwrap();
    assert_eq!(w.instance(id).state, State::Confirming);
    match w.runs(w.cleo, id, |tx, permit| commands::confirm(tx, permit, true)) {
        Err(Error::Denied(why)) => {
            assert_eq!(why, "Only administrators confirm what silence removes.");
        }
        other => panic!("{other:?}"),
    }
    w.runs(w.root, id, |tx, permit| commands::confirm(tx, permit, true)).unwrap();
}

#[test]
fn d31_the_organization_sets_the_cooling_off_time() {
    let Some(w) = World::new() else { return };
    set(&w, "reviews.cooling_hours", "1");
    w.holding(w.ada, "ledger");
    let id = w.review(once(asked(&[w.ben])));
    w.answers(w.ben, w.item_of(id, w.ada).id, says(Answer::Remove)).unwrap();
    w.close(id);
    assert_eq!(w.item_of(id, w.ada).apply_at, Some(w.now().plus_hours(1)));
    w.pass(3_600 - 1);
    w.settle();
    assert!(w.target.really(&w.external(w.ada), "ledger"));
    w.pass(1);
    w.settle();
    assert!(!w.target.really(&w.external(w.ada), "ledger"));
}

#[test]
fn d31_each_result_says_whether_the_target_has_confirmed() {
    let Some(w) = World::new() else { return };
    w.holding(w.ada, "ledger");
    w.holding(w.dan, "archive");
    let id = w.review(once(asked(&[w.ben])));
    w.answers(w.ben, w.item_of(id, w.ada).id, says(Answer::Remove)).unwrap();
    w.close(id);
    w.pass(3 * DAY);
    w.target.mood(Mood::Refuses);
    w.settle();
    assert_eq!(w.outcome(id, w.ada), Some(Outcome::Removing), "nothing has confirmed it");
    assert_eq!(w.instance(id).state, State::Applying);
    // Not in time: whoever looks after it hears of it, and the review is done but for that.
    w.pass(3_600);
    while w.tick() + w.deliver() + reconcile::tell_overdue(&w.db).unwrap() + w.dispatch() > 0 {}
    assert_eq!(w.outcome(id, w.ada), Some(Outcome::Failed));
    assert_eq!(w.facts("removal_failed").len(), 1);
    let alarm =
        w.notices(w.root).into_iter().filter(|n| n.contains("Everything") || n.contains("not"));
    assert!(alarm.count() > 0, "{:?}", w.notices(w.root));
    let told = w.facts("review_completed");
    let Fact::ReviewCompleted { removed, failed, .. } = told[0].fact else { panic!() };
    assert_eq!((w.instance(id).state, removed, failed), (State::Completed, 0, 1));
    assert!(w.target.really(&w.external(w.ada), "ledger"));
    // What comes late is a result, too.
    w.target.mood(Mood::Honest);
    w.pass(DAY);
    w.settle();
    assert_eq!(w.outcome(id, w.ada), Some(Outcome::Removed));
    assert_eq!(w.facts("removal_failed").len(), 1);
}

#[test]
fn d32_nobody_is_reminded_of_what_is_not_theirs_to_answer() {
    let Some(w) = World::new() else { return };
    w.holding(w.ben, "ledger");
    w.review(once(asked(&[w.ben, w.dan])));
    w.pass(5 * DAY);
    w.settle();
    let reminders = |who| w.notices(who).iter().filter(|n| n.contains("were reminded")).count();
    assert_eq!((reminders(w.ben), reminders(w.dan)), (0, 1), "it is about Ben himself");
    let started = |who| w.notices(who).iter().filter(|n| n.contains("started")).count();
    assert_eq!((started(w.ben), started(w.dan)), (0, 1));
}

#[test]
fn d32_nobody_is_reminded_when_everything_is_answered() {
    let Some(w) = World::new() else { return };
    w.holding(w.ada, "ledger");
    let id = w.review(once(asked(&[w.ben])));
    w.answers(w.ben, w.item_of(id, w.ada).id, says(Answer::Unknown)).unwrap();
    w.pass(5 * DAY);
    w.settle();
    w.pass(4 * DAY);
    w.settle();
    assert!(w.facts("review_reminded").is_empty());
    assert!(!w.runs(w.root, id, commands::remind_now).unwrap());
}

#[test]
fn d29_no_keeper_gets_out_of_the_loss_of_their_own_access() {
    let Some(w) = World::new() else { return };
    let (root, ben, dan) = (w.root, w.ben, w.dan);
    let pair = w.package_and_policy(&[w.role("ledger")], terms(vec![]));
    w.assign(w.cleo, assignment(pair.0, pair.1, root)).unwrap();
    w.settle();
    w.pass(1);
    let title = "Your own access is part of it";
    let cancels =
        |id| refused(w.runs(root, id, |tx, permit| commands::cancel(tx, permit, "no"))).title;
    let resets =
        |id| refused(w.runs(root, id, |tx, permit| commands::reset(tx, permit, "no"))).title;
    // An end that was set is a loss as well.
    let id = w.review(once(asked(&[ben])));
    let item = w.item_of(id, root).id;
    let day = w.db.zone().date(w.now());
    let until = Says { until: Some(day), ..says(Answer::Until) };
    w.answers(ben, item, until).unwrap();
    assert_eq!((resets(id), cancels(id)), (title.into(), title.into()));
    w.answers(ben, item, says(Answer::Keep)).unwrap();
    w.runs(root, id, |tx, permit| commands::cancel(tx, permit, "set up wrongly")).unwrap();
    w.pass(1);
    // Closed early, silence would keep it before anybody has spoken.
    let id = w.review(once(asked(&[ben])));
    assert_eq!(refused(w.runs(root, id, commands::close)).title, title);
    w.answers(ben, w.item_of(id, root).id, says(Answer::Keep)).unwrap();
    w.close(id);
    w.pass(1);
    // What an earlier stage has answered is at stake in the next one.
    let stage =
        Stage { reviewers: asked(&[dan]), days: 5, gets: vec![GoesOn::Removed], shows: true };
    let id = w.review(Terms { then: vec![stage], ..once(asked(&[ben])) });
    w.answers(ben, w.item_of(id, root).id, says(Answer::Remove)).unwrap();
    w.runs(root, id, commands::next_stage).unwrap();
    w.settle();
    assert_eq!((w.instance(id).stage, w.item_of(id, root).answer), (2, None));
    assert_eq!(cancels(id), title);
    w.answers(dan, w.item_of(id, root).id, says(Answer::Keep)).unwrap();
    w.runs(root, id, |tx, permit| commands::cancel(tx, permit, "not needed")).unwrap();
    w.pass(1);
    // And so is what silence would remove, also while it waits to be confirmed.
    let id = w.review(Terms { silence: Silence::Remove, ..once(asked(&[ben])) });
    w.close(id);
    assert_eq!(w.instance(id).state, State::Confirming);
    assert_eq!(cancels(id), title);
}
