//! Access reviews: snapshot, reviewers, answers, silence, cooling-off, reminders (D27 to D32, D34).

use diesel::prelude::*;
use keyholder::access::policy;
use keyholder::db::{By, Tx};
use keyholder::error::Error;
use keyholder::kernel::{AnswerBatchId, Fact, Risk};
use keyholder::reviews::commands::{self, Says};
use keyholder::reviews::model::{Answer, Outcome, Reviewers, Rhythm, Scope, Silence, State};
use keyholder::reviews::snapshot;
use keyholder::reviews::store;
use keyholder::reviews::store::duties::Needs;

use crate::support::reviews::{asked, once, says, wrong};
use crate::support::world::{DAY, TARGET, World, at, named, refused, terms};

mod closing;
mod races;
mod statements;
mod tabs;

#[test]
fn d27_the_snapshot_holds_what_was_held_at_its_start_and_what_a_reviewer_has_to_know() {
    let Some(w) = World::new() else { return };
    let held = w.holding(w.ada, "ledger");
    w.holding(w.dan, "archive");
    let ended = w.holding(w.eve, "wiki");
    w.end(w.root, ended).unwrap();
    w.settle();
    w.pass(60);
    let id = w.review(once(asked(&[w.ben])));
    let there = w.instance(id);
    assert_eq!((there.state, there.source_count, there.item_count), (State::Open, Some(2), 2));
    let item = w.item_of(id, w.ada);
    assert_eq!(item.assignment, Some(held));
    assert_eq!(item.since, at("2026-03-02T09:00:00Z"));
    assert_eq!(item.ends_at, Some(at("2026-05-31T09:00:00Z")));
    assert_eq!(item.risk, Risk::Ordinary);
    assert!(!item.context.policy.is_empty());
    assert!(item.answer.is_none() && item.outcome.is_none(), "nothing is preselected (D28)");
    // What starts and ends afterwards is for the next one.
    w.holding(w.eve, "later");
    assert_eq!(w.items(id).len(), 2);
}

#[test]
fn d27_a_snapshot_that_lacks_a_row_does_not_start_and_names_it() {
    let Some(w) = World::new() else { return };
    w.holding(w.ada, "ledger");
    w.holding(w.dan, "archive");
    let id = w.review(once(asked(&[w.ben])));
    // What is missing is written again, and then it is whole.
    w.tamper(id);
    w.settle();
    assert_eq!((w.instance(id).state, w.items(id).len()), (State::Open, 2));
    // A row that does not belong there keeps it from starting.
    w.tamper_with_a_row_too_many(id);
    w.settle();
    let there = w.instance(id);
    assert_eq!(there.state, State::Refused);
    let trouble = there.trouble.unwrap();
    assert!(trouble.starts_with("2 held, 3 in the snapshot; "), "{trouble}");
    assert!(trouble.ends_with("does not belong in it"), "{trouble}");
    let needs = |catalogs: Option<&[_]>| {
        let all = w.db.read(|db| store::duties::of(db, catalogs, 5)).unwrap();
        all.into_iter().map(|duty| (duty.id, duty.needs)).collect::<Vec<_>>()
    };
    assert_eq!(needs(None), [(id, Needs::Start)], "whoever looks after it finds it on Home");
    assert_eq!(needs(Some(&[])), []);
    assert!(
        w.notices(w.root).iter().any(|n| n.contains("cannot start")),
        "{:?}",
        w.notices(w.root)
    );
    let asked = w.notices(w.ben).into_iter().filter(|n| n.contains("started")).count();
    assert_eq!(asked, 2, "reviewers were asked when it was whole, and only then");
}

#[test]
fn d27_a_start_that_was_interrupted_goes_on_where_it_was() {
    let Some(w) = World::new() else { return };
    let pair = w.package_and_policy(&[], terms(vec![]));
    let people = w.people(1_100);
    let mut all = Vec::new();
    for person in &people {
        let request = w.assign(w.root, crate::support::acts::assignment(pair.0, pair.1, *person));
        all.push(request.unwrap());
    }
    w.settle();
    w.pass(60);
    let review = w.try_review("Everything", once(asked(&[w.ben]))).unwrap();
    let id = w.run(move |tx| snapshot::begin(tx, review)).unwrap();
    assert!(w.run(move |tx| snapshot::go_on(tx, id, &snapshot::Departments::default())));
    let there = w.instance(id);
    assert_eq!((there.state, there.item_count), (State::Starting, snapshot::CHUNK));
    // One ends at the moment of the start: it is not held any more.
    w.end(w.root, w.assignment(all[0]).id).unwrap();
    // Somebody loses access meanwhile: they held it at the start.
    w.pass(1);
    let last = people.last().copied().unwrap();
    w.leave(last);
    w.settle();
    let there = w.instance(id);
    assert_eq!((there.state, there.source_count), (State::Open, Some(1_099)));
    assert_eq!(w.items(id).len(), 1_099);
    assert_eq!(w.outcome(id, last), Some(Outcome::Gone));
}

#[test]
fn d27_a_scope_is_any_filter_of_what_is_held() {
    let Some(w) = World::new() else { return };
    let guest = w.guest("Gus");
    let mut everybody = terms(vec![]);
    everybody.scope.all_users = true;
    let high = w.package_and_policy(&[w.role_of("vault", Risk::High, false, TARGET)], everybody);
    w.holding(w.ada, "ledger");
    w.holds_of(w.dan, high);
    w.holds_of(guest, high);
    let in_scope = |scope: Scope| {
        let id = w.review(keyholder::reviews::model::Terms { scope, ..once(asked(&[w.ben])) });
        w.pass(1);
        w.items(id).into_iter().map(|item| item.person).collect::<Vec<_>>()
    };
    assert_eq!(in_scope(Scope::default()).len(), 3);
    assert_eq!(in_scope(Scope { guests_only: true, ..Scope::default() }), [guest]);
    let risky = in_scope(Scope { high_risk_only: true, ..Scope::default() });
    assert!(risky.contains(&w.dan) && risky.contains(&guest) && risky.len() == 2);
    let policy = Some(named(high.1));
    assert_eq!(in_scope(Scope { policy, ..Scope::default() }).len(), 2);
    let packages = vec![named(high.0)];
    let scope = Scope { packages, guests_only: true, ..Scope::default() };
    assert_eq!(in_scope(scope), [guest]);
    let catalog = Some(named(w.catalog));
    assert_eq!(in_scope(Scope { catalog, ..Scope::default() }).len(), 3);
    let departments = vec!["Nowhere".to_owned()];
    let none = w.review(keyholder::reviews::model::Terms {
        scope: Scope { departments, ..Scope::default() },
        ..once(asked(&[w.ben]))
    });
    assert_eq!(w.instance(none).state, State::Completed, "nothing is held, and it says so");
}

#[test]
fn d27_the_recommendation_is_part_of_the_snapshot_and_stays_as_it_was() {
    let Some(w) = World::new() else { return };
    let role = w.role("ledger");
    let (one, two) = (
        w.package_and_policy(&[role], terms(vec![])),
        w.package_and_policy(&[role], terms(vec![])),
    );
    let held = w.holds_of(w.ada, one);
    w.holds_of(w.ada, two);
    let id = w.review(once(asked(&[w.ben])));
    w.end(w.root, held).unwrap();
    w.settle();
    let all = w.items(id);
    let later = all.iter().find(|item| item.package == Some(two.0)).unwrap();
    assert_eq!(later.recommendation, Some(Answer::Remove), "{:?}", later.context);
    assert!(later.context.advice[0].ends_with("gives the same."), "{:?}", later.context);
    assert!(all.iter().any(|item| item.recommendation.is_none()), "of two the later one");
}

#[test]
fn d28_the_last_answer_counts_until_it_closes_and_all_of_them_are_kept() {
    let Some(w) = World::new() else { return };
    w.holding(w.ada, "ledger");
    let id = w.review(once(asked(&[w.ben, w.dan])));
    let item = w.item_of(id, w.ada).id;
    assert_eq!(
        wrong(w.answers(w.ben, item, Says { note: String::new(), ..says(Answer::Remove) })),
        ["note"]
    );
    assert_eq!(wrong(w.answers(w.ben, item, says(Answer::Until))), ["until"]);
    w.answers(w.ben, item, says(Answer::Remove)).unwrap();
    w.pass(60);
    let second = w.answers(w.dan, item, says(Answer::Keep)).unwrap();
    assert_eq!(second.other.as_deref(), Some("Ben"), "they are told that somebody was before them");
    // Sent twice, it is answered once.
    w.answers(w.dan, item, says(Answer::Keep)).unwrap();
    let said = w.db.read(|db| store::listing::said(db, &[item])).unwrap();
    let said: Vec<_> = said.iter().map(|one| (one.by.as_str(), one.answer.as_str())).collect();
    assert_eq!(said, [("Ben", "remove"), ("Dan", "keep")]);
    w.close(id);
    assert_eq!(w.outcome(id, w.ada), Some(Outcome::Kept));
    let late = refused(w.answers(w.ben, item, says(Answer::Remove)));
    assert_eq!(late.title, "This review is closed");
    assert_eq!(w.facts("review_answered").len(), 2);
}

#[test]
fn d28_not_mine_goes_to_another_reviewer_with_the_reason() {
    let Some(w) = World::new() else { return };
    w.holding(w.ada, "ledger");
    let id = w.review(once(asked(&[w.ben])));
    let item = w.item_of(id, w.ada);
    assert_eq!(wrong(w.passes_on(w.ben, item.id, w.ada)), ["to"], "never to the person (D29)");
    assert_eq!(wrong(w.passes_on(w.ben, item.id, w.ben)), ["to"]);
    let (id_of, to) = (item.id, w.dan);
    let silent = w.by(w.ben, move |tx| {
        let item = store::item(tx.db(), id_of)?;
        let standing = store::standings(tx.db(), std::slice::from_ref(&item))?;
        let permit = keyholder::access::policy::answer_item(tx.actor(), &standing[0])?;
        commands::pass_on(tx, &permit, to, "")
    });
    assert_eq!(wrong(silent), ["note"], "not without a reason");
    w.passes_on(w.ben, item.id, w.dan).unwrap();
    w.settle();
    assert_eq!(w.reviewers(&w.item_of(id, w.ada)), [w.dan]);
    assert!(matches!(w.answers(w.ben, item.id, says(Answer::Keep)), Err(Error::Missing)));
    assert!(w.notices(w.dan).iter().any(|n| n.contains("passed")), "{:?}", w.notices(w.dan));
    w.answers(w.dan, item.id, says(Answer::Keep)).unwrap();
    let said = w.db.read(|db| store::listing::said(db, &[item.id])).unwrap();
    assert_eq!(said[0].answer, "passed");
    assert_eq!(said[0].passed_to.as_deref(), Some("Dan"));
    assert_eq!(said[0].note.as_deref(), Some("they know the team"));
}

#[test]
fn d28_not_mine_takes_nothing_from_the_others_who_are_asked() {
    let Some(w) = World::new() else { return };
    w.holding(w.ada, "ledger");
    w.holding(w.eve, "archive");
    let id = w.review(once(asked(&[w.ben, w.dan])));
    let item = w.item_of(id, w.ada);
    w.passes_on(w.ben, item.id, w.cleo).unwrap();
    w.settle();
    let now = w.item_of(id, w.ada);
    let asked = w.reviewers(&now);
    assert!(asked.contains(&w.dan) && asked.contains(&w.cleo) && asked.len() == 2, "{asked:?}");
    let passed = |who| w.notices(who).iter().filter(|n| n.contains("passed")).count();
    assert_eq!((passed(w.cleo), passed(w.dan)), (1, 0), "who had it before has it still");
    assert!(matches!(w.answers(w.ben, item.id, says(Answer::Keep)), Err(Error::Missing)));
    let with_both = w.reviewers(&w.item_of(id, w.eve));
    assert!(with_both.contains(&w.ben) && with_both.contains(&w.dan), "the rest is as it was");
    // Who is asked already can get it alone.
    w.passes_on(w.cleo, item.id, w.dan).unwrap();
    assert_eq!(w.reviewers(&w.item_of(id, w.ada)), [w.dan]);
    // What another reviewer has answered stays answered.
    let other = w.item_of(id, w.eve).id;
    w.answers(w.dan, other, says(Answer::Remove)).unwrap();
    let no = refused(w.passes_on(w.ben, other, w.cleo));
    assert_eq!(no.title, "It has been answered meanwhile");
    assert!(no.why.starts_with("Dan has answered it."), "{}", no.why);
    assert_eq!(w.item_of(id, w.eve).answer, Some(Answer::Remove));
    // What is one's own answer is taken back with it.
    w.passes_on(w.dan, other, w.cleo).unwrap();
    assert_eq!(w.item_of(id, w.eve).answer, None);
}

#[test]
fn d28_handing_over_takes_nothing_from_the_others_who_are_asked() {
    let Some(w) = World::new() else { return };
    w.holding(w.ada, "ledger");
    w.holding(w.cleo, "archive");
    let id = w.review(once(asked(&[w.ben, w.dan])));
    let (ben, eve, cleo) = (w.ben, w.eve, w.cleo);
    let n = w.runs(w.root, id, move |tx, p| commands::hand_over(tx, p, ben, cleo)).unwrap();
    assert_eq!(n, 1, "not their own");
    let asked = w.reviewers(&w.item_of(id, w.ada));
    assert!(asked.contains(&w.dan) && asked.contains(&w.cleo) && asked.len() == 2, "{asked:?}");
    w.runs(w.root, id, move |tx, p| commands::hand_over(tx, p, ben, eve)).unwrap();
    let asked = w.reviewers(&w.item_of(id, w.cleo));
    assert!(asked.contains(&w.dan) && asked.contains(&w.eve) && asked.len() == 2, "{asked:?}");
}

#[test]
fn d29_whoever_has_lost_an_item_takes_no_answer_on_it_back() {
    let Some(w) = World::new() else { return };
    let pair = w.package_and_policy(&[w.role("ledger")], terms(vec![]));
    for person in [w.ada, w.eve, w.cleo] {
        w.holds_of(person, pair);
    }
    let weekly = keyholder::reviews::model::Terms {
        rhythm: Rhythm::Weekly,
        days: 3,
        ..once(asked(&[w.ben]))
    };
    let review = w.try_review("Every week", weekly).unwrap();
    w.settle();
    let together = |who, id, batch| {
        let ids: Vec<_> = w.items(id).iter().map(|item| item.id).collect();
        w.keeps_together(who, &ids, batch)
    };
    let first = w.instances(review)[0].id;
    let no = refused(together(w.ben, first, AnswerBatchId::fresh()));
    assert_eq!(no.title, "Not all of them can be answered together", "what is new is looked at");
    for item in w.items(first) {
        w.answers(w.ben, item.id, says(Answer::Keep)).unwrap();
    }
    w.pass(7 * DAY);
    w.settle();
    // Only what has not changed since is answered together: the second run.
    let id = w.instances(review)[1].id;
    w.stands_in(w.ben, w.dan, 0);
    let batch = AnswerBatchId::fresh();
    let all = together(w.dan, id, batch);
    assert_eq!(all.unwrap(), 3);
    // The stand-in's time is over: Ben is back, and passes one of them on to them.
    w.pass(DAY);
    w.settle();
    w.passes_on(w.ben, w.item_of(id, w.ada).id, w.dan).unwrap();
    let n = w.by(w.dan, move |tx| commands::clear_batch(tx, id, batch)).unwrap();
    assert_eq!(n, 0, "two are no longer theirs, one has no answer of theirs any more");
    let still = |person| w.item_of(id, person).answer;
    assert_eq!((still(w.eve), still(w.cleo)), (Some(Answer::Keep), Some(Answer::Keep)));
    assert!(w.facts("review_answer_cleared").is_empty());
}

#[test]
fn d29_what_nobody_can_take_keeps_nothing_else_from_being_taken() {
    let Some(w) = World::new() else { return };
    // The only administrator holds more than one transaction takes.
    for _ in 0..commands::CHUNK + 5 {
        let (package, policy) = w.package_and_policy(&[], terms(vec![]));
        w.assign(w.cleo, crate::support::acts::assignment(package, policy, w.root)).unwrap();
    }
    w.holding(w.ada, "ledger");
    w.pass(1);
    let id = w.review(once(asked(&[w.dan])));
    w.leave(w.cleo);
    w.leave(w.dan);
    w.settle();
    assert_eq!(w.reviewers(&w.item_of(id, w.ada)), [w.root], "nobody else is there");
    let waits = w.items(id).into_iter().filter(|item| w.reviewers(item) == [w.dan]).count();
    assert_eq!(waits as i64, commands::CHUNK + 5);
}

#[test]
fn d28_i_do_not_know_keeps_the_access_and_asks_the_owner_for_words() {
    let Some(w) = World::new() else { return };
    w.holding(w.ada, "ledger");
    let id = w.review(once(asked(&[w.ben])));
    w.answers(w.ben, w.item_of(id, w.ada).id, says(Answer::Unknown)).unwrap();
    w.settle();
    assert!(w.notices(w.cleo).iter().any(|n| n.contains("describe it better")));
    w.close(id);
    assert_eq!(w.outcome(id, w.ada), Some(Outcome::Kept));
}

#[test]
fn d29_nobody_reviews_their_own_access() {
    let Some(w) = World::new() else { return };
    w.holding(w.ben, "ledger");
    w.holding(w.ada, "archive");
    // Ben is asked about both, and answers for one.
    let id = w.review(once(asked(&[w.ben, w.dan])));
    let own = w.item_of(id, w.ben).id;
    match w.answers(w.ben, own, says(Answer::Keep)) {
        Err(Error::Denied(why)) => assert_eq!(why, "Nobody reviews their own access."),
        other => panic!("{other:?}"),
    }
    w.answers(w.dan, own, says(Answer::Keep)).unwrap();
    // Where nobody else is asked, the fallback does it, then the owner.
    w.pass(1);
    let alone = w.review(once(asked(&[w.ben])));
    assert_eq!(w.reviewers(&w.item_of(alone, w.ben)), [w.cleo], "the owner of the catalog");
    assert_eq!(w.reviewers(&w.item_of(alone, w.ada)), [w.ben]);
    w.pass(1);
    let fallback = vec![named(w.eve)];
    let alone = keyholder::reviews::model::Terms { fallback, ..once(asked(&[w.ben])) };
    let alone = w.review(alone);
    assert_eq!(w.reviewers(&w.item_of(alone, w.ben)), [w.eve]);
}

#[test]
fn d29_managers_answer_and_whoever_has_none_is_answered_for_by_the_fallback() {
    let Some(w) = World::new() else { return };
    w.set_manager(w.ada, Some(w.ben));
    w.set_manager(w.dan, None);
    w.holding(w.ada, "ledger");
    w.holding(w.dan, "archive");
    // The staff list may say anything.
    w.set_manager(w.cleo, Some(w.cleo));
    w.holding(w.cleo, "wiki");
    assert_eq!(wrong(w.try_review("Managers", once(Reviewers::Manager))), ["fallback"]);
    let managers = |who| keyholder::reviews::model::Terms {
        fallback: vec![named(who)],
        ..once(Reviewers::Manager)
    };
    let id = w.review(managers(w.eve));
    assert_eq!(w.reviewers(&w.item_of(id, w.ada)), [w.ben]);
    assert_eq!(w.reviewers(&w.item_of(id, w.dan)), [w.eve]);
    assert_eq!(w.reviewers(&w.item_of(id, w.cleo)), [w.eve], "nobody is their own manager");
}

#[test]
fn d29_a_self_review_is_answered_by_everybody_for_themselves() {
    let Some(w) = World::new() else { return };
    w.holding(w.ada, "ledger");
    let id = w.review(once(Reviewers::Own));
    let item = w.item_of(id, w.ada).id;
    assert!(w.answers(w.ben, item, says(Answer::Keep)).is_err());
    assert_eq!(refused(w.passes_on(w.ada, item, w.ben)).title, "This cannot be passed on");
    w.answers(w.ada, item, says(Answer::Remove)).unwrap();
    w.close(id);
    w.pass(3 * DAY);
    w.settle();
    assert_eq!(w.outcome(id, w.ada), Some(Outcome::Removed));
}

#[test]
fn d29_what_waits_for_a_reviewer_who_leaves_goes_to_the_fallback() {
    let Some(w) = World::new() else { return };
    w.holding(w.ada, "ledger");
    let fallback = vec![named(w.eve)];
    let id = w.review(keyholder::reviews::model::Terms { fallback, ..once(asked(&[w.dan])) });
    w.leave(w.dan);
    w.settle();
    let item = w.item_of(id, w.ada);
    assert_eq!(w.reviewers(&item), [w.eve]);
    assert!(
        w.notices(w.eve).iter().any(|n| n.contains("are with Eve now")),
        "{:?}",
        w.notices(w.eve)
    );
    w.answers(w.eve, item.id, says(Answer::Keep)).unwrap();
}

#[test]
fn d30_silence_that_removes_too_much_waits_for_an_administrator() {
    let Some(w) = World::new() else { return };
    for (n, person) in w.people(10).into_iter().enumerate() {
        w.holding(person, &format!("thing {n}"));
    }
    let silence = Silence::Remove;
    let terms = keyholder::reviews::model::Terms { silence, ..once(asked(&[w.ben])) };
    let id = w.review(terms.clone());
    // Two of ten are as much as may be removed unasked; three are too much.
    for item in w.items(id).iter().skip(3) {
        w.answers(w.ben, item.id, says(Answer::Keep)).unwrap();
    }
    w.pass(11 * DAY);
    w.settle();
    assert_eq!(w.instance(id).state, State::Confirming);
    assert!(w.items(id).iter().all(|item| item.outcome.is_none()), "nothing happens unasked");
    let told = w.facts("review_unconfirmed");
    let Fact::ReviewUnconfirmed { by_silence, items, share, .. } = &told[0].fact else { panic!() };
    assert_eq!((*by_silence, *items, *share), (3, 10, 20));
    assert!(w.notices(w.root).iter().any(|n| n.contains("silence would remove 3 of 10 items")));
    let duties = || w.db.read(|db| store::duties::of(db, None, 5)).unwrap();
    assert_eq!(duties()[0].needs, Needs::Confirmation, "it stands on Home");
    let no = w.runs(w.cleo, id, |tx, permit| commands::confirm(tx, permit, true));
    assert!(no.is_err(), "only an administrator");
    w.runs(w.root, id, |tx, permit| commands::confirm(tx, permit, true)).unwrap();
    w.settle();
    let planned = w.items(id).iter().filter(|i| i.outcome == Some(Outcome::Planned)).count();
    assert_eq!((w.instance(id).state, planned), (State::Applying, 3));
    assert_eq!(duties(), []);

    // The administrator may also decide that silence removes nothing.
    w.pass(1);
    let review = w.try_review(
        "Once more",
        keyholder::reviews::model::Terms { first: "2026-03-14".parse().unwrap(), ..terms },
    );
    let review = review.unwrap();
    w.pass(DAY);
    w.settle();
    let id = w.instances(review)[0].id;
    w.pass(11 * DAY);
    w.settle();
    assert_eq!(w.instance(id).state, State::Confirming);
    // Also when nothing of it is to start any more.
    let end = move |tx: &mut Tx<'_>| {
        let permit = policy::manage_review(tx.actor(), None)?;
        commands::end(tx, &permit, review)
    };
    w.db.write(By::Person(w.root), end).unwrap();
    assert_eq!(duties()[0].needs, Needs::Confirmation);
    w.runs(w.root, id, |tx, permit| commands::confirm(tx, permit, false)).unwrap();
    w.settle();
    let outcomes: Vec<_> = w.items(id).iter().filter_map(|item| item.outcome).collect();
    let count = |outcome| outcomes.iter().filter(|one| **one == outcome).count();
    assert_eq!((count(Outcome::Kept), count(Outcome::Gone)), (7, 3), "{outcomes:?}");
    assert_eq!(w.instance(id).state, State::Completed);
}

#[test]
fn d30_a_small_silence_is_carried_out_and_no_silence_means_what_was_not_said() {
    let Some(w) = World::new() else { return };
    for (n, person) in w.people(10).into_iter().enumerate() {
        w.holding(person, &format!("thing {n}"));
    }
    let id = w.review(keyholder::reviews::model::Terms {
        silence: Silence::Remove,
        ..once(asked(&[w.ben]))
    });
    for item in w.items(id).iter().skip(2) {
        w.answers(w.ben, item.id, says(Answer::Keep)).unwrap();
    }
    w.close(id);
    assert_eq!(w.instance(id).state, State::Applying);
    let planned = w.items(id).iter().filter(|i| i.outcome == Some(Outcome::Planned)).count();
    assert_eq!(planned, 2);
    w.pass(1);
    let kept = w.review(once(asked(&[w.ben])));
    w.close(kept);
    assert!(w.items(kept).iter().all(|item| item.outcome == Some(Outcome::Kept)));
}

#[test]
fn d31_a_removal_cools_off_is_told_can_be_undone_and_is_confirmed_by_the_target() {
    let Some(w) = World::new() else { return };
    w.holding(w.ada, "ledger");
    w.holding(w.dan, "archive");
    let id = w.review(once(asked(&[w.ben])));
    for item in w.items(id) {
        w.answers(w.ben, item.id, says(Answer::Remove)).unwrap();
    }
    assert!(w.target.calls("remove").is_empty());
    w.close(id);
    let item = w.item_of(id, w.ada);
    assert_eq!(item.outcome, Some(Outcome::Planned));
    assert_eq!(item.apply_at, Some(w.now().plus_hours(72)));
    assert!(w.notices(w.ada).iter().any(|n| n.contains("will be removed from Ada on 5 Mar 2026")));
    // In its time it can be called off, but not by who has it.
    assert!(w.undoes(w.ada, item.id).is_err());
    w.undoes(w.ben, item.id).unwrap();
    w.settle();
    assert!(w.notices(w.ada).iter().any(|n| n.contains("called off the removal")));
    w.pass(3 * DAY - 60);
    w.settle();
    assert!(w.target.really(&w.external(w.dan), "archive"), "not a minute too early");
    w.pass(60);
    w.settle();
    assert!(!w.target.really(&w.external(w.dan), "archive"));
    assert!(w.target.really(&w.external(w.ada), "ledger"), "what was called off stays");
    assert_eq!(w.outcome(id, w.dan), Some(Outcome::Removed));
    assert_eq!(w.outcome(id, w.ada), Some(Outcome::Undone));
    assert_eq!(w.instance(id).state, State::Completed);
    let told = w.facts("review_completed");
    let Fact::ReviewCompleted { removed, failed, .. } = told[0].fact else { panic!() };
    assert_eq!((removed, failed), (1, 0));
    let late = refused(w.undoes(w.ben, w.item_of(id, w.dan).id));
    assert_eq!(late.title, "It is too late to call it off");
}

#[test]
fn d31_high_risk_does_not_cool_off_and_a_review_may_remove_at_once() {
    let Some(w) = World::new() else { return };
    let high =
        w.package_and_policy(&[w.role_of("vault", Risk::High, false, TARGET)], terms(vec![]));
    w.holds_of(w.ada, high);
    w.holding(w.dan, "archive");
    let id = w.review(once(asked(&[w.ben])));
    let item = w.item_of(id, w.ada).id;
    let silent = Says { note: String::new(), ..says(Answer::Keep) };
    assert_eq!(wrong(w.answers(w.ben, item, silent)), ["note"], "high risk needs a reason (D39)");
    w.answers(w.ben, item, says(Answer::Remove)).unwrap();
    w.close(id);
    assert!(!w.target.really(&w.external(w.ada), "vault"));
    assert_eq!(w.outcome(id, w.ada), Some(Outcome::Removed));
    w.pass(1);
    let at_once =
        w.review(keyholder::reviews::model::Terms { at_once: true, ..once(asked(&[w.ben])) });
    w.answers(w.ben, w.item_of(at_once, w.dan).id, says(Answer::Remove)).unwrap();
    assert_eq!(w.outcome(at_once, w.dan), Some(Outcome::Planned));
    w.pass(3 * DAY);
    w.settle();
    assert_eq!(w.outcome(at_once, w.dan), Some(Outcome::Removed));
    assert_eq!(w.instance(at_once).state, State::Open, "it goes on for the others");
}

#[test]
fn d31_keep_until_shortens_and_what_ended_otherwise_is_left_alone() {
    let Some(w) = World::new() else { return };
    let held = w.holding(w.ada, "ledger");
    let other = w.holding(w.dan, "archive");
    let id = w.review(once(asked(&[w.ben])));
    let until = Some("2026-03-31".parse().unwrap());
    let item = w.item_of(id, w.ada).id;
    w.answers(w.ben, item, Says { until, ..says(Answer::Until) }).unwrap();
    w.answers(w.ben, w.item_of(id, w.dan).id, says(Answer::Remove)).unwrap();
    w.end(w.root, other).unwrap();
    w.close(id);
    assert_eq!(w.outcome(id, w.ada), Some(Outcome::Shortened));
    let named = w.db.read(|db| keyholder::assignments::store::one(db, held)).unwrap();
    assert_eq!(named.assignment.ends_at, Some(at("2026-04-01T00:00:00Z")));
    assert_eq!(w.outcome(id, w.dan), Some(Outcome::Gone));
    assert_eq!(w.instance(id).state, State::Completed);
    // What the reviewer has answered is named as it is counted: without what had ended otherwise.
    let named = |db: &mut keyholder::db::Db| {
        let all = [Answer::Remove, Answer::Until];
        let named = store::listing::answers_of(db, (id, w.ben), &all, 9)?;
        Ok((named, store::listing::answered_by(db, id, w.ben)?))
    };
    let (named, counts) = w.db.read(named).unwrap();
    assert_eq!((counts.removed, counts.shortened), (0, 1));
    assert_eq!(named.iter().map(|item| item.person).collect::<Vec<_>>(), [w.ada]);
}

#[test]
fn d32_reminders_go_only_to_reviewers_with_open_items() {
    let Some(w) = World::new() else { return };
    w.set_manager(w.ada, Some(w.ben));
    w.set_manager(w.dan, Some(w.eve));
    w.holding(w.ada, "ledger");
    w.holding(w.dan, "archive");
    let id = w.review(keyholder::reviews::model::Terms {
        fallback: vec![named(w.root)],
        ..once(Reviewers::Manager)
    });
    w.answers(w.ben, w.item_of(id, w.ada).id, says(Answer::Keep)).unwrap();
    let reminders = |who| w.notices(who).iter().filter(|n| n.contains("were reminded")).count();
    w.pass(4 * DAY);
    w.settle();
    assert_eq!((reminders(w.ben), reminders(w.eve)), (0, 0), "not before the middle");
    w.pass(DAY);
    w.settle();
    assert_eq!((reminders(w.ben), reminders(w.eve)), (0, 1), "only who has something left");
    w.pass(4 * DAY);
    w.settle();
    assert_eq!((reminders(w.ben), reminders(w.eve)), (0, 2), "and once more on the last day");
    let last = w.facts("review_reminded");
    assert!(matches!(last[1].fact, Fact::ReviewReminded { last: true, .. }), "{last:?}");
    // Of those that were missed only the newest is sent (E3).
    let told = last.len();
    w.pass(2 * DAY);
    w.settle();
    assert_eq!(w.facts("review_reminded").len(), told);
    assert_eq!(w.instance(id).state, State::Completed);
}

#[test]
fn d34_a_stand_in_answers_and_both_are_named_but_never_about_themselves() {
    let Some(w) = World::new() else { return };
    w.holding(w.ben, "wiki");
    w.holding(w.ada, "ledger");
    w.holding(w.dan, "archive");
    let id = w.review(once(asked(&[w.ben, w.cleo])));
    w.stands_in(w.ben, w.dan, 5);
    let item = w.item_of(id, w.ada).id;
    let given = w.answers(w.dan, item, says(Answer::Keep)).unwrap();
    assert_eq!(given.instead_of.as_deref(), Some("Ben"));
    let told = w.facts("review_answered");
    assert_eq!(told[0].fact.instead_of(), Some("Ben"));
    let own = w.item_of(id, w.dan).id;
    assert!(w.answers(w.dan, own, says(Answer::Keep)).is_err(), "D29 holds against the stand-in");
    let theirs = w.item_of(id, w.ben).id;
    assert!(w.answers(w.dan, theirs, says(Answer::Keep)).is_err(), "and against who is away");
    w.answers(w.ben, own, says(Answer::Keep)).unwrap();
}

#[test]
fn a_recurring_review_starts_again_and_knows_the_last_answer() {
    let Some(w) = World::new() else { return };
    w.holding(w.ada, "ledger");
    let terms = keyholder::reviews::model::Terms {
        rhythm: Rhythm::Weekly,
        days: 3,
        ..once(asked(&[w.ben]))
    };
    let review = w.try_review("Every week", terms).unwrap();
    w.settle();
    let first = w.instances(review)[0].id;
    let item = w.item_of(first, w.ada);
    assert!(item.changed, "what no review has seen comes first");
    w.answers(w.ben, item.id, says(Answer::Keep)).unwrap();
    w.pass(4 * DAY);
    w.settle();
    assert_eq!(w.instances(review).len(), 1);
    w.pass(3 * DAY);
    w.settle();
    let all = w.instances(review);
    assert_eq!((all.len(), all[1].number, all[1].state), (2, 2, State::Open));
    let again = w.item_of(all[1].id, w.ada);
    let last = again.context.last.clone().unwrap();
    assert_eq!((last.answer, last.by.as_str()), (Answer::Keep, "Ben"));
    assert!(!again.changed, "nothing about it changed");
    // What was missed is left out: one instance, not five.
    w.pass(40 * DAY);
    w.settle();
    assert_eq!(w.instances(review).len(), 3);
}

#[test]
fn a_reviewer_signs_off_what_they_have_answered_and_only_when_nothing_is_left() {
    let Some(w) = World::new() else { return };
    w.holding(w.ada, "ledger");
    w.holding(w.dan, "archive");
    let id = w.review(once(asked(&[w.ben])));
    w.answers(w.ben, w.item_of(id, w.ada).id, says(Answer::Keep)).unwrap();
    let early = refused(w.by(w.ben, move |tx| commands::sign_off(tx, id)));
    assert!(early.why.starts_with("1 item waits for an answer of yours"), "{}", early.why);
    w.answers(w.ben, w.item_of(id, w.dan).id, says(Answer::Remove)).unwrap();
    w.by(w.ben, move |tx| commands::sign_off(tx, id)).unwrap();
    let told = w.facts("review_signed_off");
    assert!(matches!(told[0].fact, Fact::ReviewSignedOff { kept: 1, removed: 1, .. }), "{told:?}");
    assert!(w.by(w.eve, move |tx| commands::sign_off(tx, id)).is_err(), "who was not asked");
}

#[test]
fn the_person_reviewed_can_say_something_before_the_answer_and_not_after() {
    let Some(w) = World::new() else { return };
    w.holding(w.ada, "ledger");
    let id = w.review(once(asked(&[w.ben])));
    let item = w.item_of(id, w.ada).id;
    let reply = move |words: &'static str| {
        move |tx: &mut keyholder::db::Tx<'_>| {
            let there = store::item(tx.db(), item)?;
            let standing = store::standings(tx.db(), std::slice::from_ref(&there))?;
            let permit = keyholder::access::policy::reply_item(tx.actor(), &standing[0])?;
            commands::reply(tx, &permit, words)
        }
    };
    assert!(w.by(w.ben, reply("mine")).is_err());
    w.by(w.ada, reply("I close the books with it.")).unwrap();
    assert_eq!(w.item_of(id, w.ada).reply.as_deref(), Some("I close the books with it."));
    w.answers(w.ben, item, says(Answer::Keep)).unwrap();
    assert_eq!(refused(w.by(w.ada, reply("too late"))).title, "It has been answered already");
}

#[test]
fn whoever_looks_after_it_extends_resets_hands_over_and_cancels() {
    let Some(w) = World::new() else { return };
    w.holding(w.ada, "ledger");
    let id = w.review(once(asked(&[w.ben])));
    let item = w.item_of(id, w.ada).id;
    w.answers(w.ben, item, says(Answer::Remove)).unwrap();
    let day = |text: &str| text.parse::<chrono::NaiveDate>().unwrap();
    let early = day("2026-03-11");
    assert_eq!(wrong(w.runs(w.root, id, move |tx, p| commands::extend(tx, p, early))), ["until"]);
    let later = day("2026-03-20");
    w.runs(w.root, id, move |tx, p| commands::extend(tx, p, later)).unwrap();
    assert_eq!(w.instance(id).due_at, at("2026-03-21T00:00:00Z"));
    assert!(w.runs(w.ben, id, move |tx, p| commands::extend(tx, p, later)).is_err());
    assert_eq!(wrong(w.runs(w.root, id, |tx, p| commands::reset(tx, p, ""))), ["note"]);
    assert_eq!(w.runs(w.root, id, |tx, p| commands::reset(tx, p, "wrong list")).unwrap(), 1);
    assert_eq!(w.item_of(id, w.ada).answer, None);
    let (ben, dan, ada) = (w.ben, w.dan, w.ada);
    assert_eq!(
        wrong(w.runs(w.root, id, move |tx, p| commands::hand_over(tx, p, ben, ada))),
        ["to"]
    );
    w.runs(w.root, id, move |tx, p| commands::hand_over(tx, p, ben, dan)).unwrap();
    assert_eq!(w.reviewers(&w.item_of(id, w.ada)), [w.dan]);
    w.answers(w.dan, item, says(Answer::Remove)).unwrap();
    w.runs(w.root, id, |tx, p| commands::cancel(tx, p, "wrong scope")).unwrap();
    w.pass(30 * DAY);
    w.settle();
    assert_eq!(w.instance(id).state, State::Canceled);
    assert!(w.target.really(&w.external(w.ada), "ledger"), "nothing of it has an effect");
}

#[test]
fn d28_a_removal_that_counts_at_once_can_still_be_answered_otherwise() {
    let Some(w) = World::new() else { return };
    w.holding(w.ada, "ledger");
    w.holding(w.dan, "archive");
    let terms = keyholder::reviews::model::Terms { at_once: true, ..once(asked(&[w.ben])) };
    let id = w.review(terms);
    for person in [w.ada, w.dan] {
        w.answers(w.ben, w.item_of(id, person).id, says(Answer::Remove)).unwrap();
    }
    w.answers(w.ben, w.item_of(id, w.ada).id, says(Answer::Keep)).unwrap();
    assert_eq!((w.outcome(id, w.ada), w.item_of(id, w.ada).answer), (None, Some(Answer::Keep)));
    // What is called off while it is open waits for an answer again.
    w.undoes(w.ben, w.item_of(id, w.dan).id).unwrap();
    assert_eq!((w.outcome(id, w.dan), w.item_of(id, w.dan).answer), (None, None));
    w.answers(w.ben, w.item_of(id, w.dan).id, says(Answer::Remove)).unwrap();
    w.runs(w.root, id, |tx, p| commands::cancel(tx, p, "wrong scope")).unwrap();
    w.pass(4 * DAY);
    w.settle();
    assert!(w.target.really(&w.external(w.ada), "ledger"));
    assert!(w.target.really(&w.external(w.dan), "archive"), "a canceled review removes nothing");
}

#[test]
fn d31_the_same_removal_said_once_more_does_not_start_its_time_anew() {
    let Some(w) = World::new() else { return };
    w.holding(w.ada, "ledger");
    let id = w.review(keyholder::reviews::model::Terms { at_once: true, ..once(asked(&[w.ben])) });
    let item = w.item_of(id, w.ada).id;
    w.answers(w.ben, item, says(Answer::Remove)).unwrap();
    let planned = w.item_of(id, w.ada).apply_at;
    w.pass(DAY);
    w.answers(w.ben, item, says(Answer::Remove)).unwrap();
    assert_eq!(w.item_of(id, w.ada).apply_at, planned);
    assert_eq!((w.facts("removal_planned").len(), w.facts("removal_undone").len()), (1, 0));
}

#[test]
fn d33_an_auditor_stands_in_for_nobody() {
    let Some(w) = World::new() else { return };
    w.holding(w.ada, "ledger");
    let id = w.review(once(asked(&[w.ben])));
    let item = w.item_of(id, w.ada).id;
    let (ben, dan) = (w.ben, w.dan);
    // Made an auditor after somebody chose them, and before.
    w.stands_in(ben, dan, 5);
    w.run(move |tx| {
        let row = keyholder::db::schema::people::table.find(dan);
        diesel::update(row)
            .set(keyholder::db::schema::people::auditor.eq(true))
            .execute(tx.db())?;
        Ok(())
    });
    assert!(w.answers(dan, item, says(Answer::Remove)).is_err());
    assert!(w.passes_on(dan, item, w.eve).is_err());
    assert_eq!(w.item_of(id, w.ada).answer, None);
    let (first, period) = (w.db.zone().date(w.now()), keyholder::kernel::StandInId::fresh());
    let new = keyholder::standing_in::model::NewPeriod {
        id: period,
        person: w.cleo,
        stand_in: dan,
        first,
        last: first,
        packages: None,
    };
    let cleo = w.cleo;
    let chosen = w.by(cleo, move |tx| {
        let permit = policy::set_stand_in(tx.actor(), cleo, keyholder::kernel::Kind::Member)?;
        keyholder::standing_in::commands::set(tx, &permit, &new).map(|_| ())
    });
    assert_eq!(wrong(chosen), ["who"]);
}

#[test]
fn d29_whoever_looks_after_a_review_sees_to_nothing_about_themselves() {
    let Some(w) = World::new() else { return };
    let pair = w.package_and_policy(&[w.role("ledger")], terms(vec![]));
    let request = w.assign(w.cleo, crate::support::acts::assignment(pair.0, pair.1, w.root));
    request.unwrap();
    w.settle();
    w.pass(1);
    let id = w.review(once(asked(&[w.ben])));
    let item = w.item_of(id, w.root).id;
    let (ben, dan) = (w.ben, w.dan);
    let over = w.runs(w.root, id, move |tx, p| commands::hand_over(tx, p, ben, dan));
    assert_eq!(wrong(over), ["to"], "not to a friend");
    w.answers(w.ben, item, says(Answer::Remove)).unwrap();
    let no = refused(w.runs(w.root, id, |tx, p| commands::reset(tx, p, "start over")));
    assert_eq!(no.title, "Your own access is part of it");
    let no = refused(w.runs(w.root, id, |tx, p| commands::cancel(tx, p, "not now")));
    assert_eq!(no.title, "Your own access is part of it");
}

#[test]
fn d31_keep_until_a_day_that_is_over_at_the_close_cools_off_like_a_removal() {
    let Some(w) = World::new() else { return };
    let held = w.holding(w.ada, "ledger");
    let id = w.review(once(asked(&[w.ben])));
    let until = Some("2026-03-03".parse().unwrap());
    w.answers(w.ben, w.item_of(id, w.ada).id, Says { until, ..says(Answer::Until) }).unwrap();
    w.pass(11 * DAY);
    w.settle();
    assert_eq!(w.outcome(id, w.ada), Some(Outcome::Shortened));
    let named = w.db.read(|db| keyholder::assignments::store::one(db, held)).unwrap();
    assert_eq!(named.assignment.ends_at, Some(w.now().plus_hours(72)));
    assert!(w.target.really(&w.external(w.ada), "ledger"));
}

#[test]
fn a_review_that_is_changed_on_the_day_of_its_start_does_not_start_twice() {
    let Some(w) = World::new() else { return };
    w.holding(w.ada, "ledger");
    let terms = keyholder::reviews::model::Terms {
        rhythm: Rhythm::Weekly,
        days: 3,
        ..once(asked(&[w.ben]))
    };
    let review = w.try_review("Every week", terms.clone()).unwrap();
    w.settle();
    let new = commands::NewReview {
        rows: vec![],
        id: review,
        name: "Every week, renamed".into(),
        catalog: None,
        terms,
    };
    let rev = w.db.read(|db| store::review(db, review)).unwrap().rev;
    w.by(w.root, move |tx| {
        let permit = keyholder::access::policy::manage_review(tx.actor(), None)?;
        commands::change(tx, &permit, &new, rev)
    })
    .unwrap();
    w.settle();
    assert_eq!(w.instances(review).len(), 1);
    w.pass(7 * DAY);
    w.settle();
    assert_eq!(w.instances(review).len(), 2);
}
