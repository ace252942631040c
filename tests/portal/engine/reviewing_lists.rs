//! Reviews of lists: who holds what in systems that are not connected, removed by hand with proof (D27, D29, D31, E24).

use diesel::prelude::*;
use keyholder::access::policy;
use keyholder::db::schema::people;
use keyholder::error::Error;
use keyholder::kernel::{
    Fact, PersonId, ReviewId, ReviewInstanceId, ReviewItemId, ReviewListId, Risk,
};
use keyholder::reviews::commands;
use keyholder::reviews::model::{Answer, Outcome, Reviewers, Rhythm, Silence, State, Terms};
use keyholder::reviews::store::rows;

use crate::support::reviews::{asked, once, says, wrong};
use crate::support::world::{DAY, World, at, named, refused};

const HEADER: &str = "person,system,permission,description,since,risk\n";

impl World {
    /// A review of these lines that has started.
    fn list(&self, lines: &str, terms: Terms) -> ReviewInstanceId {
        let id = self.try_list(&format!("{HEADER}{lines}"), false, terms).unwrap();
        self.settle();
        self.instances(id)[0].id
    }

    fn line(&self, person: PersonId, rest: &str) -> String {
        format!("{},{rest}\n", self.external(person))
    }

    fn proves(
        &self,
        who: PersonId,
        id: ReviewInstanceId,
        item: ReviewItemId,
        proof: &'static str,
    ) -> keyholder::error::Result<()> {
        self.runs(who, id, move |tx, permit| commands::prove(tx, permit, item, proof).map(|_| ()))
    }
}

#[test]
fn d31_what_a_list_says_is_reviewed_and_removed_by_hand_with_proof() {
    let Some(w) = World::new() else { return };
    let ada = w.ada;
    w.run(move |tx| {
        diesel::update(people::table.find(ada))
            .set(people::mail.eq("ada@x.example"))
            .execute(tx.db())?;
        Ok(())
    });
    let lines = format!(
        "Ada@X.example,SAP,Ledger admin,Closes the books,2024-05-01,high\n{}{}",
        w.line(w.dan, "SAP,Ledger admin,Closes the books,,high"),
        w.line(w.eve, "Jira,Project lead,,,"),
    );
    let id = w.list(&lines, once(asked(&[w.ben])));
    let there = w.instance(id);
    assert_eq!((there.state, there.source_count, there.item_count), (State::Open, Some(3), 3));
    let item = w.item_of(id, w.ada);
    assert_eq!(item.access_name, "SAP: Ledger admin");
    assert_eq!((item.risk, item.since), (Risk::High, at("2024-05-01T00:00:00Z")));
    assert_eq!(item.context.about.as_deref(), Some("Closes the books"));
    assert_eq!((item.assignment, item.package), (None, None));
    assert_eq!(item.access, w.item_of(id, w.dan).access, "holders of the same stand together");
    assert!(w.item_of(id, w.dan).context.since_unknown);
    // No end can be set where nothing of it is managed here.
    let until =
        commands::Says { until: Some("2026-03-31".parse().unwrap()), ..says(Answer::Until) };
    assert_eq!(wrong(w.answers(w.ben, item.id, until)), ["until"]);
    w.answers(w.ben, item.id, says(Answer::Remove)).unwrap();
    w.answers(w.ben, w.item_of(id, w.eve).id, says(Answer::Remove)).unwrap();
    w.answers(w.ben, w.item_of(id, w.dan).id, says(Answer::Keep)).unwrap();
    w.close(id);
    // What is of high risk falls due at once, the rest cools off.
    assert_eq!(w.outcome(id, w.ada), Some(Outcome::ByHand));
    assert_eq!(w.outcome(id, w.eve), Some(Outcome::Planned));
    assert_eq!(w.outcome(id, w.dan), Some(Outcome::Kept));
    let told = "decided on 1 removal that you carry out by hand";
    assert!(w.notices(w.root).iter().any(|n| n.contains(told)), "{:?}", w.notices(w.root));
    let planned = "SAP: Ledger admin will be removed from Ada";
    assert!(w.notices(w.ada).iter().any(|n| n.contains(planned)), "{:?}", w.notices(w.ada));
    let early = refused(w.proves(w.root, id, w.item_of(id, w.eve).id, "too early"));
    assert_eq!(early.title, "There is nothing to do by hand");
    assert_eq!(wrong(w.proves(w.root, id, item.id, "")), ["proof"]);
    assert!(w.proves(w.ben, id, item.id, "I am no keeper").is_err());
    w.proves(w.root, id, item.id, "Taken out in SU01, ticket 4711").unwrap();
    w.proves(w.root, id, item.id, "Taken out in SU01, ticket 4711").unwrap();
    assert_eq!(w.outcome(id, w.ada), Some(Outcome::Removed));
    let proofs = w.db.read(|db| rows::proofs(db, &[item.id])).unwrap();
    let (who, name, words, when) = &proofs[&item.id];
    assert_eq!((*who, name.as_str(), *when), (w.root, "Root", w.now()));
    assert_eq!(words, "Taken out in SU01, ticket 4711");
    let facts = w.facts("removal_proved");
    assert_eq!(facts.len(), 1, "sent twice, done once");
    assert_eq!(facts[0].note.as_deref(), Some("Taken out in SU01, ticket 4711"));
    // It is completed when the last one is done.
    w.pass(3 * DAY);
    w.settle();
    assert_eq!(w.outcome(id, w.eve), Some(Outcome::ByHand));
    assert_eq!(w.instance(id).state, State::Applying);
    w.proves(w.root, id, w.item_of(id, w.eve).id, "Removed in Jira").unwrap();
    w.settle();
    assert_eq!(w.instance(id).state, State::Completed);
    let Fact::ReviewCompleted { removed, failed, .. } = w.facts("review_completed")[0].fact else {
        panic!()
    };
    assert_eq!((removed, failed), (2, 0));
}

#[test]
fn d31_what_nobody_removed_by_hand_in_thirty_days_has_failed_and_is_told() {
    let Some(w) = World::new() else { return };
    let lines = w.line(w.ada, "SAP,Ledger admin,,,high");
    let id = w.list(&lines, once(asked(&[w.ben])));
    let item = w.item_of(id, w.ada).id;
    w.answers(w.ben, item, says(Answer::Remove)).unwrap();
    w.close(id);
    w.pass(30 * DAY - 60);
    w.settle();
    assert_eq!(w.outcome(id, w.ada), Some(Outcome::ByHand));
    assert_eq!(w.instance(id).state, State::Applying);
    w.pass(60);
    w.settle();
    assert_eq!(w.outcome(id, w.ada), Some(Outcome::Failed));
    assert_eq!(w.instance(id).state, State::Completed);
    assert!(matches!(w.facts("review_completed")[0].fact, Fact::ReviewCompleted { failed: 1, .. }));
    assert!(w.notices(w.root).iter().any(|n| n.contains("could not be removed in time")));
    // Late is better than never, and the record says when.
    w.proves(w.root, id, item, "Removed after all").unwrap();
    assert_eq!(w.outcome(id, w.ada), Some(Outcome::Removed));
}

#[test]
fn d27_a_snapshot_of_a_list_matches_its_lines_and_one_too_many_stops_it() {
    let Some(w) = World::new() else { return };
    let lines: String = w.people(3).iter().map(|id| w.line(*id, "SAP,Reader,,,")).collect();
    let id = w.list(&lines, once(asked(&[w.ben])));
    w.tamper(id);
    w.settle();
    assert_eq!((w.instance(id).state, w.items(id).len()), (State::Open, 3));
    w.tamper_with_a_row_too_many(id);
    w.settle();
    let there = w.instance(id);
    assert_eq!(there.state, State::Refused);
    let trouble = there.trouble.unwrap();
    assert!(trouble.starts_with("3 held, 4 in the snapshot; SAP: Reader of"), "{trouble}");
}

#[test]
fn d27_a_long_list_is_read_in_chunks() {
    let Some(w) = World::new() else { return };
    let people = w.people(700);
    let lines: String = people
        .iter()
        .flat_map(|id| [w.line(*id, "SAP,Reader,,,"), w.line(*id, "Jira,Reader,,,")])
        .collect();
    let id = w.list(&lines, once(asked(&[w.ben])));
    let there = w.instance(id);
    assert_eq!(
        (there.state, there.source_count, there.item_count),
        (State::Open, Some(1_400), 1_400)
    );
}

#[test]
fn e24_a_line_of_nobody_is_refused_with_its_number_or_left_out_and_counted() {
    let Some(w) = World::new() else { return };
    let csv = format!("{HEADER}{}ghost,SAP,Reader,,,\n", w.line(w.ada, "SAP,Reader,,,"));
    match w.try_list(&csv, false, once(asked(&[w.ben]))) {
        Err(Error::Invalid(errors)) => {
            assert_eq!(errors.len(), 1);
            assert_eq!(errors[0].text, "line 3: \"ghost\" is nobody whom Keyholder knows");
        }
        other => panic!("{other:?}"),
    }
    let id = w.try_list(&csv, true, once(asked(&[w.ben]))).unwrap();
    w.settle();
    let there = &w.instances(id)[0];
    assert_eq!((there.state, there.source_count, there.item_count), (State::Open, Some(1), 1));
    let list = there.list().unwrap();
    assert_eq!(w.db.read(|db| rows::unknown(db, list)).unwrap(), 1);
    let strangers = w.db.read(|db| rows::strangers(db, list, 10)).unwrap();
    assert_eq!(strangers, [("ghost".to_owned(), "SAP: Reader".to_owned())]);
    // A list of nobody but strangers is no review, and no list comes again by itself.
    w.pass(1);
    let none = format!("{HEADER}ghost,SAP,Reader,,,\n");
    assert_eq!(wrong(w.try_list(&none, true, once(asked(&[w.ben])))), ["list"]);
    let weekly = Terms { rhythm: Rhythm::Weekly, days: 3, ..once(asked(&[w.ben])) };
    assert_eq!(wrong(w.try_list(&csv, true, weekly)), ["rhythm"]);
}

#[test]
fn d29_whoever_put_the_list_in_answers_but_not_about_themselves_and_proves_nothing_of_their_own() {
    let Some(w) = World::new() else { return };
    let lines =
        format!("{}{}", w.line(w.ada, "SAP,Reader,,,high"), w.line(w.root, "SAP,Reader,,,high"));
    let fallback = vec![named(w.eve)];
    let terms = Terms { fallback, silence: Silence::Remove, ..once(Reviewers::Owners) };
    let id = w.list(&lines, terms);
    assert_eq!(w.reviewers(&w.item_of(id, w.ada)), [w.root]);
    assert_eq!(w.reviewers(&w.item_of(id, w.root)), [w.eve]);
    // Whoever it is passed on to is told, though no assignment says what it is about (D28).
    let passed = w.item_of(id, w.ada).id;
    w.passes_on(w.root, passed, w.dan).unwrap();
    w.settle();
    assert!(w.notices(w.dan).iter().any(|n| n.contains("passed")), "{:?}", w.notices(w.dan));
    w.passes_on(w.dan, passed, w.root).unwrap();
    let own = w.item_of(id, w.root).id;
    w.answers(w.eve, own, says(Answer::Remove)).unwrap();
    w.answers(w.root, w.item_of(id, w.ada).id, says(Answer::Keep)).unwrap();
    w.close(id);
    assert_eq!(w.outcome(id, w.root), Some(Outcome::ByHand));
    assert!(matches!(w.proves(w.root, id, own, "trust me"), Err(Error::Denied(_))));
    assert_eq!(w.outcome(id, w.root), Some(Outcome::ByHand));
}

#[test]
fn d29_the_manager_of_each_person_of_a_list_answers_and_whoever_has_left_stands_out() {
    let Some(w) = World::new() else { return };
    w.set_manager(w.ada, Some(w.ben));
    w.leave(w.dan);
    let lines = format!("{}{}", w.line(w.ada, "SAP,Reader,,,"), w.line(w.dan, "SAP,Reader,,,"));
    w.set_manager(w.dan, None);
    let terms = Terms { fallback: vec![named(w.eve)], ..once(Reviewers::Manager) };
    let id = w.list(&lines, terms);
    assert_eq!(w.reviewers(&w.item_of(id, w.ada)), [w.ben]);
    let left = w.item_of(id, w.dan);
    assert_eq!(w.reviewers(&left), [w.eve]);
    assert_eq!(left.recommendation, Some(Answer::Remove));
    assert_eq!(left.context.advice, ["The person has left."]);
}

#[test]
fn d34_whoever_stands_in_for_everything_answers_what_a_list_says_and_passes_nothing_to_themselves()
{
    let Some(w) = World::new() else { return };
    let lines = w.line(w.ada, "SAP,Ledger admin,,,") + &w.line(w.eve, "SAP,Ledger admin,,,");
    let id = w.list(&lines, once(asked(&[w.ben])));
    w.stands_in(w.ben, w.dan, 5);
    let (ada, eve) = (w.item_of(id, w.ada).id, w.item_of(id, w.eve).id);
    assert_eq!(wrong(w.passes_on(w.dan, eve, w.dan)), ["to"]);
    w.answers(w.dan, ada, says(Answer::Keep)).unwrap();
    let item = w.item_of(id, w.ada);
    assert_eq!((item.answered_by, item.answered_for), (Some(w.dan), Some(w.ben)));
}

#[test]
fn a_corrected_list_that_was_sent_after_going_back_was_saved_as_the_old_one() {
    let Some(w) = World::new() else { return };
    let text =
        |permission: &str| format!("{HEADER}{}", w.line(w.ada, &format!("SAP,{permission},,,")));
    let new = |permission: &str, id: ReviewId| {
        let lines = keyholder::reviews::list::read(&text(permission)).unwrap();
        let who: Vec<String> = lines.iter().map(|line| line.who.clone()).collect();
        let meant = w.db.read(|db| rows::meant(db, &who)).unwrap();
        let rows = keyholder::reviews::list::rows(&lines, &meant, false, w.db.zone()).unwrap();
        let mut terms = once(asked(&[w.ben]));
        terms.scope.source = keyholder::reviews::list::source(ReviewListId(id.0), &lines, &rows);
        commands::NewReview { id, name: "SAP".into(), catalog: None, terms, rows }
    };
    let save = |new: commands::NewReview| {
        w.by(w.root, move |tx| {
            let permit = policy::manage_review(tx.actor(), None)?;
            commands::create(tx, &permit, &new).map(|_| ())
        })
    };
    let id = ReviewId::fresh();
    save(new("Reader", id)).unwrap();
    save(new("Reader", id)).unwrap();
    assert_eq!(refused(save(new("Writer", id))).title, "This review is there already");
    // A list that was put in once never changes, under whatever name it is sent.
    let changed = new("Writer", id);
    let change = w.by(w.root, move |tx| {
        let permit = policy::manage_review(tx.actor(), None)?;
        commands::change(tx, &permit, &changed, 1).map(|_| ())
    });
    assert!(matches!(change, Err(Error::Missing)), "{change:?}");
}
