//! Reviews of a group or application directly: what the target system says is reviewed, whoever gave it, and what is to go
//! is taken there (D27, D29, D31).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use diesel::prelude::*;
use keyholder::access::policy;
use keyholder::db::schema::{assignments, resources, review_rows};
use keyholder::error::{Error, Result};
use keyholder::jobs;
use keyholder::kernel::{
    AssignmentId, CatalogId, Fact, PersonId, ReviewId, ReviewInstanceId, ReviewItemId, Risk, RoleId,
};
use keyholder::policies::model::Named;
use keyholder::provisioning::connectors::Targets;
use keyholder::provisioning::connectors::ldap::LdapGroups;
use keyholder::provisioning::reconcile;
use keyholder::reviews::commands::{self, NewReview};
use keyholder::reviews::model::{Answer, Outcome, Reviewers, Rhythm, Source, State, Terms};
use keyholder::reviews::reads;
use keyholder::reviews::store::{self, rows};

use crate::support::app::{DIRECTORY, directory};
use crate::support::ldap::{Person, Slapd};
use crate::support::reviews::{asked, once, says, wrong};
use crate::support::target::Mood;
use crate::support::world::{DAY, TARGET, World, named, terms};

impl World {
    /// Sets up a review of the resource that has this role.
    fn try_resource(&self, who: PersonId, role: RoleId, mut terms: Terms) -> Result<ReviewId> {
        let resource = self
            .db
            .read(|db| {
                let id = keyholder::catalogs::store::resource_of(db, role)?;
                keyholder::catalogs::store::resource(db, id)
            })
            .unwrap();
        terms.first = self.db.zone().date(self.now());
        terms.scope.catalog = Some(named(resource.catalog));
        terms.scope.source = Source::Resource {
            resource: Named { id: resource.id, name: resource.name },
            target: resource.target,
        };
        let new = NewReview {
            id: ReviewId::fresh(),
            name: format!("Resource {}", self.now().micros()),
            catalog: Some(resource.catalog),
            terms,
            rows: vec![],
        };
        self.by(who, move |tx| {
            let permit = policy::manage_review(tx.actor(), new.catalog)?;
            Ok(commands::create(tx, &permit, &new)?.id)
        })
    }

    /// The same, and lets it start; its instance.
    fn of_resource(&self, role: RoleId, terms: Terms) -> ReviewInstanceId {
        let id = self.try_resource(self.cleo, role, terms).unwrap();
        self.settle();
        self.instances(id)[0].id
    }

    /// It starts now, out of turn.
    fn starts_now(&self, id: ReviewId, catalog: CatalogId) {
        self.by(self.cleo, move |tx| {
            let permit = policy::manage_review(tx.actor(), Some(catalog))?;
            commands::start_now(tx, &permit, id)
        })
        .unwrap();
    }

    /// Somebody has it on the target, past the portal.
    fn there(&self, person: PersonId, resource: &str) {
        self.target.give(&self.external(person), resource);
    }

    fn has(&self, person: PersonId, resource: &str) -> bool {
        self.target.really(&self.external(person), resource)
    }

    /// Somebody holds this role through a package of its own.
    fn given(&self, person: PersonId, role: RoleId) -> AssignmentId {
        self.holds_of(person, self.package_and_policy(&[role], terms(vec![])))
    }

    fn denies(&self, id: ReviewInstanceId, person: PersonId) -> ReviewItemId {
        let item = self.item_of(id, person).id;
        self.answers(self.ben, item, says(Answer::Remove)).unwrap();
        item
    }

    fn rows_of(&self, id: ReviewInstanceId) -> i64 {
        let list = self.instance(id).list().unwrap();
        let rows = review_rows::table.filter(review_rows::list_id.eq(list)).count();
        self.db.read(|db| Ok(rows.get_result(db)?)).unwrap()
    }
}

#[test]
fn d27_what_the_target_says_is_reviewed_whoever_gave_it_and_strangers_are_counted() {
    let Some(w) = World::new() else { return };
    let role = w.role_of("vpn", Risk::High, false, TARGET);
    let begun = w.now();
    w.given(w.ada, role);
    w.given(w.ada, role);
    w.pass(DAY);
    w.there(w.dan, "vpn");
    w.leave(w.dan);
    w.target.give("ghost", "vpn");
    // The same person in other letters: nobody is reviewed twice, and nothing that is there is forgotten.
    w.target.give(&w.external(w.ada).to_uppercase(), "vpn");
    let id = w.of_resource(role, once(asked(&[w.ben])));
    let there = w.instance(id);
    assert_eq!((there.state, there.source_count, there.item_count), (State::Open, Some(2), 2));
    assert_eq!((there.catalog, w.rows_of(id)), (Some(w.catalog), 4));
    let item = w.item_of(id, w.ada);
    assert_eq!(
        (item.access_name.as_str(), item.risk, item.since),
        ("vpn: Member", Risk::High, begun)
    );
    assert_eq!((item.assignment, item.catalog), (None, Some(w.catalog)));
    assert_eq!(item.context.given_by.as_ref().map(Vec::len), Some(2));
    assert!(!item.changed && !item.context.since_unknown, "somebody assigned it");
    let item = w.item_of(id, w.dan);
    assert_eq!(item.context.given_by, Some(vec![]), "it was given on the target");
    assert!(item.changed && item.context.since_unknown);
    assert_eq!(item.recommendation, Some(Answer::Remove), "{:?}", item.context.advice);
    let list = there.list().unwrap();
    assert_eq!(w.db.read(|db| rows::unknown(db, list)).unwrap(), 2);
    let strangers = w.db.read(|db| rows::strangers(db, list, 10)).unwrap();
    assert!(strangers.contains(&("account ghost".to_owned(), "vpn: Member".to_owned())));
    let words = "All access to vpn is reviewed, as the target system Office tells it at the start.";
    assert_eq!(reads::sentences(&there.terms)[0], words);
}

#[test]
fn d27_a_row_too_few_is_put_right_and_one_too_many_stops_it_by_its_name() {
    let Some(w) = World::new() else { return };
    let role = w.role("vpn");
    for person in w.people(3) {
        w.there(person, "vpn");
    }
    let id = w.of_resource(role, once(asked(&[w.ben])));
    w.tamper(id);
    w.settle();
    assert_eq!((w.instance(id).state, w.items(id).len()), (State::Open, 3));
    w.tamper_with_a_row_too_many(id);
    w.settle();
    let there = w.instance(id);
    assert_eq!(there.state, State::Refused);
    let trouble = there.trouble.unwrap();
    assert!(trouble.starts_with("3 held, 4 in the snapshot; vpn: Member of"), "{trouble}");
    assert_eq!(w.target.calls("members").len(), 1, "what was said once stands");
}

#[test]
fn d27_a_target_that_is_down_refuses_the_start_with_its_words_and_starting_again_works() {
    let Some(w) = World::new() else { return };
    let role = w.role("vpn");
    w.there(w.dan, "vpn");
    w.target.mood(Mood::Unreachable);
    let review = w.try_resource(w.cleo, role, once(asked(&[w.ben]))).unwrap();
    w.settle();
    let first = &w.instances(review)[0];
    assert_eq!((first.state, first.item_count), (State::Refused, 0));
    let words = "the target system cannot be reached: no route";
    assert_eq!(first.trouble.as_deref(), Some(words));
    assert!(w.notices(w.cleo).iter().any(|n| n.contains(words)), "{:?}", w.notices(w.cleo));
    assert_eq!(w.rows_of(first.id), 0);
    w.pass(60);
    w.target.mood(Mood::Honest);
    w.starts_now(review, w.catalog);
    w.settle();
    let again = &w.instances(review)[1];
    assert_eq!((again.state, again.item_count), (State::Open, 1));
}

#[test]
fn d27_what_was_killed_before_or_after_the_target_was_read_goes_on() {
    let Some(w) = World::new() else { return };
    let role = w.role("vpn");
    w.there(w.dan, "vpn");
    let review = w.try_resource(w.cleo, role, once(asked(&[w.ben]))).unwrap();
    // It has begun, and whoever was to read the target is gone.
    while w.tick() > 0 {}
    let id = w.instances(review)[0].id;
    assert_eq!((w.instance(id).state, w.rows_of(id)), (State::Starting, 0));
    // It is read, and whoever was to go on is gone. What changes there now is for the next instance.
    w.deliver();
    assert_eq!((w.instance(id).state, w.rows_of(id)), (State::Starting, 1));
    w.there(w.eve, "vpn");
    w.settle();
    let there = w.instance(id);
    assert_eq!((there.state, there.source_count, there.item_count), (State::Open, Some(1), 1));
    assert_eq!(w.target.calls("members").len(), 1);
}

#[test]
fn d27_of_two_who_read_the_target_at_once_one_counts() {
    let Some(w) = World::new() else { return };
    let role = w.role("vpn");
    w.there(w.dan, "vpn");
    let review = w.try_resource(w.cleo, role, once(asked(&[w.ben]))).unwrap();
    while w.tick() > 0 {}
    let (db, targets, first) = (w.db.clone(), w.targets.clone(), AtomicBool::new(true));
    w.target.meanwhile(move |call| {
        if call.verb == "members" && first.swap(false, Ordering::SeqCst) {
            reconcile::run_target(&db, &targets, TARGET).unwrap();
        }
    });
    w.deliver();
    w.target.undisturbed();
    let id = w.instances(review)[0].id;
    assert_eq!((w.target.calls("members").len(), w.rows_of(id)), (2, 1));
    w.settle();
    assert_eq!((w.instance(id).state, w.instance(id).item_count), (State::Open, 1));
}

#[test]
fn d31_what_nobody_assigned_is_taken_on_the_target_after_the_cooling_time_and_confirmed() {
    let Some(w) = World::new() else { return };
    let role = w.role("vpn");
    w.there(w.dan, "vpn");
    // Eve had it before an assignment that is over: its row says that it stays (D22).
    w.there(w.eve, "vpn");
    let ended = w.given(w.eve, role);
    w.end(w.cleo, ended).unwrap();
    w.settle();
    assert!(w.has(w.eve, "vpn"));
    w.pass(1);
    let id = w.of_resource(role, once(asked(&[w.ben])));
    assert_eq!(w.item_of(id, w.eve).context.given_by, Some(vec![]));
    w.denies(id, w.dan);
    w.denies(id, w.eve);
    w.close(id);
    w.pass(3 * DAY - 1);
    w.settle();
    assert!(w.has(w.dan, "vpn") && w.has(w.eve, "vpn"), "it cools off");
    assert_eq!(w.outcome(id, w.dan), Some(Outcome::Planned));
    w.pass(1);
    w.settle();
    assert!(!w.has(w.dan, "vpn") && !w.has(w.eve, "vpn"));
    assert_eq!(w.outcome(id, w.dan), Some(Outcome::Removed));
    assert_eq!(w.outcome(id, w.eve), Some(Outcome::Removed));
    let begun = w.facts("removal_begun");
    assert_eq!((begun.len(), begun[0].note.as_deref()), (2, Some("looked at it")));
    assert_eq!(w.facts("right_removed").len(), 2);
    let there = w.instance(id);
    assert_eq!(there.state, State::Completed);
    let Fact::ReviewCompleted { removed, failed, .. } = w.facts("review_completed")[0].fact else {
        panic!()
    };
    assert_eq!((removed, failed), (2, 0));
}

#[test]
fn d31_what_an_assignment_gives_ends_with_the_reason_of_the_review_and_is_gone() {
    let Some(w) = World::new() else { return };
    let (role, other) = (w.role("vpn"), w.role("wiki"));
    let pair = w.package_and_policy(&[role, other], terms(vec![]));
    let all = w.holds_of(w.ada, pair);
    let second = w.given(w.ada, role);
    let kept = w.given(w.dan, role);
    // Eve had it before: an end alone would leave it there (D22).
    w.there(w.eve, "vpn");
    let before = w.given(w.eve, role);
    w.pass(1);
    let id = w.of_resource(role, once(asked(&[w.ben])));
    w.denies(id, w.ada);
    w.denies(id, w.eve);
    w.answers(w.ben, w.item_of(id, w.dan).id, says(Answer::Keep)).unwrap();
    w.close(id);
    w.pass(3 * DAY);
    w.settle();
    for (person, resource, there) in
        [(w.ada, "vpn", false), (w.ada, "wiki", false), (w.eve, "vpn", false), (w.dan, "vpn", true)]
    {
        assert_eq!(w.has(person, resource), there, "{resource}");
    }
    assert_eq!(w.outcome(id, w.ada), Some(Outcome::Removed));
    assert_eq!(w.outcome(id, w.eve), Some(Outcome::Removed));
    assert_eq!(w.outcome(id, w.dan), Some(Outcome::Kept));
    let why = |assignment: AssignmentId| -> Option<String> {
        let row = assignments::table.find(assignment).select(assignments::end_reason);
        w.db.read(|db| Ok(row.first(db)?)).unwrap()
    };
    for ended in [all, second, before] {
        assert_eq!(why(ended).as_deref(), Some("review"));
    }
    assert_eq!(why(kept), None);
    let ended = w.facts("assignment_ended");
    assert_eq!((ended.len(), ended[0].note.as_deref()), (3, Some("looked at it")));
}

#[test]
fn d31_a_removal_that_is_called_off_in_time_leaves_everything_as_it_was() {
    let Some(w) = World::new() else { return };
    let role = w.role("vpn");
    let assignment = w.given(w.ada, role);
    w.there(w.dan, "vpn");
    w.pass(1);
    let id = w.of_resource(role, once(asked(&[w.ben])));
    let items = [w.denies(id, w.ada), w.denies(id, w.dan)];
    w.close(id);
    w.pass(DAY);
    for item in items {
        w.undoes(w.cleo, item).unwrap();
    }
    w.pass(9 * DAY);
    w.settle();
    assert!(w.has(w.ada, "vpn") && w.has(w.dan, "vpn"));
    assert_eq!(w.outcome(id, w.dan), Some(Outcome::Undone));
    assert!(w.facts("removal_begun").is_empty() && w.facts("assignment_ended").is_empty());
    let ended = assignments::table.find(assignment).select(assignments::ended_at.is_null());
    assert!(w.db.read(|db| Ok(ended.first::<bool>(db)?)).unwrap());
    assert_eq!(w.instance(id).state, State::Completed);
}

#[test]
fn d31_a_target_that_is_configured_no_longer_leaves_a_task_by_hand_with_proof() {
    let Some(mut w) = World::new() else { return };
    let role = w.role("vpn");
    let given = w.given(w.ada, role);
    w.there(w.dan, "vpn");
    w.pass(1);
    let id = w.of_resource(role, once(asked(&[w.ben])));
    w.denies(id, w.ada);
    let item = w.denies(id, w.dan);
    w.close(id);
    w.targets = Targets::default();
    w.pass(3 * DAY);
    w.settle();
    assert_eq!(w.outcome(id, w.ada), Some(Outcome::ByHand));
    assert_eq!(w.outcome(id, w.dan), Some(Outcome::ByHand));
    let ended = assignments::table.find(given).select(assignments::ended_at.is_null());
    assert!(!w.db.read(|db| Ok(ended.first::<bool>(db)?)).unwrap(), "nothing gives it any more");
    let told = "decided on 2 removals that you carry out by hand";
    assert!(w.notices(w.cleo).iter().any(|n| n.contains(told)), "{:?}", w.notices(w.cleo));
    let prove = |proof: &'static str, item| {
        w.runs(w.cleo, id, move |tx, permit| commands::prove(tx, permit, item, proof).map(|_| ()))
    };
    assert_eq!(wrong(prove("", item)), ["proof"]);
    prove("Taken out by the directory team, ticket 12", item).unwrap();
    prove("The same", w.item_of(id, w.ada).id).unwrap();
    w.settle();
    assert_eq!(w.outcome(id, w.dan), Some(Outcome::Removed));
    assert_eq!(w.instance(id).state, State::Completed);
    // Without a connector no instance begins, and it says why.
    w.pass(1);
    let review = w.try_resource(w.cleo, role, once(asked(&[w.ben])));
    w.settle();
    let refused = &w.instances(review.unwrap())[0];
    let words = "the settings of the target system are not right: \
                 no target system named “Office” is configured";
    assert_eq!((refused.state, refused.trouble.as_deref()), (State::Refused, Some(words)));
}

#[test]
fn d31_what_is_given_anew_while_it_is_removed_is_not_called_removed() {
    let Some(w) = World::new() else { return };
    let role = w.role("vpn");
    w.there(w.dan, "vpn");
    let id = w.of_resource(role, once(asked(&[w.ben])));
    w.denies(id, w.dan);
    w.close(id);
    w.target.mood(Mood::Refuses);
    w.pass(3 * DAY);
    w.settle();
    assert_eq!(w.outcome(id, w.dan), Some(Outcome::Removing));
    w.target.mood(Mood::Honest);
    w.given(w.dan, role);
    w.settle();
    assert!(w.has(w.dan, "vpn"));
    assert_eq!(w.outcome(id, w.dan), Some(Outcome::Failed));
    assert_eq!(w.instance(id).state, State::Completed);
    assert_eq!(w.facts("removal_failed").len(), 1);
}

#[test]
fn d29_nobody_answers_for_their_own_place_in_a_group() {
    let Some(w) = World::new() else { return };
    let role = w.role("vpn");
    for person in [w.ada, w.ben, w.cleo] {
        w.there(person, "vpn");
    }
    let fallback = vec![named(w.eve)];
    let owners = w.of_resource(role, Terms { fallback, ..once(Reviewers::Owners) });
    assert_eq!(w.reviewers(&w.item_of(owners, w.ada)), [w.cleo]);
    assert_eq!(w.reviewers(&w.item_of(owners, w.cleo)), [w.eve]);
    w.pass(1);
    let named = w.of_resource(role, once(asked(&[w.ben, w.cleo])));
    let own = w.item_of(named, w.ben).id;
    assert!(w.answers(w.ben, own, says(Answer::Keep)).is_err());
    w.answers(w.cleo, own, says(Answer::Remove)).unwrap();
    w.close(named);
    assert!(matches!(w.undoes(w.ben, own), Err(Error::Denied(_))));
}

#[test]
fn d28_no_end_can_be_set_on_a_right_and_the_next_instance_knows_the_last_answer() {
    let Some(w) = World::new() else { return };
    let role = w.role("vpn");
    w.given(w.ada, role);
    w.there(w.dan, "vpn");
    w.pass(1);
    let monthly = Terms { rhythm: Rhythm::Monthly, ..once(asked(&[w.ben])) };
    let review = w.try_resource(w.cleo, role, monthly).unwrap();
    w.settle();
    let id = w.instances(review)[0].id;
    for person in [w.ada, w.dan] {
        let item = w.item_of(id, person).id;
        let day = Some("2026-03-20".parse().unwrap());
        let until = commands::Says { until: day, ..says(Answer::Until) };
        assert_eq!(wrong(w.answers(w.ben, item, until)), ["until"]);
        w.answers(w.ben, item, says(Answer::Keep)).unwrap();
    }
    w.close(id);
    w.there(w.eve, "vpn");
    w.pass(31 * DAY);
    w.settle();
    let next = w.instances(review)[1].id;
    assert_eq!(w.instance(next).item_count, 3, "the target is read anew");
    let item = w.item_of(next, w.dan);
    assert_eq!(item.context.last.unwrap().answer, Answer::Keep);
    assert!(!item.changed);
    assert!(w.item_of(next, w.eve).changed);
}

#[test]
fn a_review_of_a_resource_ends_when_it_has_left_its_catalog() {
    let Some(w) = World::new() else { return };
    let role = w.role("vpn");
    w.there(w.dan, "vpn");
    let monthly = Terms { rhythm: Rhythm::Monthly, ..once(asked(&[w.ben])) };
    let review = w.try_resource(w.cleo, role, monthly).unwrap();
    w.settle();
    w.close(w.instances(review)[0].id);
    let elsewhere = w.catalog_of(&[w.eve]);
    w.run(move |tx| {
        diesel::update(resources::table.filter(resources::address.eq("vpn")))
            .set(resources::catalog_id.eq(elsewhere))
            .execute(tx.db())?;
        Ok(())
    });
    w.pass(31 * DAY);
    w.settle();
    assert_eq!(w.instances(review).len(), 1);
    assert!(w.db.read(|db| store::review(db, review)).unwrap().ended_at.is_some());
    // Whoever owned it then sets none up any more.
    assert!(w.try_resource(w.cleo, role, once(asked(&[w.ben]))).is_err());
}

#[test]
fn d27_d31_a_group_of_a_real_directory_is_read_and_what_nobody_assigned_is_taken_out() {
    let Some(mut w) = World::new() else { return };
    let keys = [w.ada, w.dan].map(|person| &*Box::leak(w.external(person).into_boxed_str()));
    let entry = |uid| Person { uid, cn: "Somebody", mail: "s@example.test", employee_number: "1" };
    let people = [entry(keys[0]), entry(keys[1]), entry("ghost")];
    let Some(mut slapd) = Slapd::start(&people, &["ledger", "nested"]) else { return };
    w.targets.insert(DIRECTORY, Arc::new(LdapGroups::new(directory(&slapd)).unwrap()));
    let role = w.role_of(&Slapd::group("ledger"), Risk::Ordinary, false, DIRECTORY);
    w.given(w.ada, role);
    let run = |w: &World| jobs::run_all(&w.db, &w.targets).unwrap();
    run(&w);
    for member in [Slapd::person(keys[1]), Slapd::person("ghost"), Slapd::group("nested")] {
        slapd.add_member("ledger", &member);
    }
    slapd.stop();
    let review = w.try_resource(w.cleo, role, once(asked(&[w.ben]))).unwrap();
    run(&w);
    let refused = &w.instances(review)[0];
    assert_eq!(refused.state, State::Refused);
    let trouble = refused.trouble.clone().unwrap();
    assert!(trouble.starts_with("the target system cannot be reached"), "{trouble}");
    slapd.start_again();
    w.pass(60);
    w.starts_now(review, w.catalog);
    run(&w);
    let id = w.instances(review)[1].id;
    let there = w.instance(id);
    assert_eq!((there.state, there.item_count, w.rows_of(id)), (State::Open, 2, 4));
    let strangers = w.db.read(|db| rows::strangers(db, there.list().unwrap(), 10)).unwrap();
    let names: Vec<&str> = strangers.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, [Slapd::group("nested"), Slapd::person("ghost")]);
    w.denies(id, w.ada);
    w.denies(id, w.dan);
    w.close(id);
    w.pass(3 * DAY);
    run(&w);
    assert_eq!(w.outcome(id, w.ada), Some(Outcome::Removed));
    assert_eq!(w.outcome(id, w.dan), Some(Outcome::Removed));
    assert_eq!(slapd.members("ledger").len(), 3, "the placeholder, the group and the ghost stay");
    assert_eq!(w.instance(id).state, State::Completed);
}
