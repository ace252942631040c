//! Acts of access reviews.

use diesel::prelude::*;
use keyholder::access::policy;
use keyholder::db::Tx;
use keyholder::db::schema::{review_instances, review_items};
use keyholder::error::{Error, Result};
use keyholder::kernel::{
    AnswerBatchId, AssignmentId, PersonId, ReviewId, ReviewInstanceId, ReviewItemId, ReviewListId,
};
use keyholder::reviews::commands::{self, Answered, NewReview, Says};
use keyholder::reviews::model::{
    Answer, Instance, Item, Outcome, Reviewers, Rhythm, Scope, Silence, Terms,
};
use keyholder::reviews::{list, store};

use super::acts::assignment;
use super::world::{World, named, terms};

/// A review of everything, once, from today, for ten days.
pub fn once(reviewers: Reviewers) -> Terms {
    Terms {
        scope: Scope::default(),
        reviewers,
        fallback: vec![],
        rhythm: Rhythm::Once,
        first: "2026-03-02".parse().unwrap(),
        days: 10,
        silence: Silence::Keep,
        recommends: true,
        reasons: false,
        at_once: false,
        words: String::new(),
        then: vec![],
    }
}

/// These people answer.
pub fn asked(people: &[PersonId]) -> Reviewers {
    Reviewers::Named { people: people.iter().map(|id| named(*id)).collect(), groups: vec![] }
}

/// An answer with a reason.
pub fn says(answer: Answer) -> Says {
    Says { answer, until: None, note: "looked at it".into() }
}

impl World {
    /// Somebody holds a package of their own, confirmed; the resource is called so.
    pub fn holding(&self, person: PersonId, resource: &str) -> AssignmentId {
        let (package, policy) = self.package_and_policy(&[self.role(resource)], terms(vec![]));
        self.holds_of(person, (package, policy))
    }

    /// Somebody holds this package, confirmed.
    pub fn holds_of(
        &self,
        person: PersonId,
        (package, policy): (keyholder::kernel::PackageId, keyholder::kernel::PolicyId),
    ) -> AssignmentId {
        let request = self.assign(self.root, assignment(package, policy, person)).unwrap();
        self.settle();
        self.assignment(request).id
    }

    /// Sets a review up, as administrator.
    pub fn try_review(&self, name: &str, terms: Terms) -> Result<ReviewId> {
        self.set_up(NewReview {
            id: ReviewId::fresh(),
            name: name.into(),
            catalog: None,
            terms,
            rows: vec![],
        })
    }

    /// Sets a review of a list up, as administrator: these lines, left out where nobody knows their person.
    pub fn try_list(&self, csv: &str, leave_out: bool, mut terms: Terms) -> Result<ReviewId> {
        let id = ReviewId::fresh();
        let lines = list::read(csv).expect("a list");
        let who: Vec<String> = lines.iter().map(|line| line.who.clone()).collect();
        let meant = self.db.read(|db| store::rows::meant(db, &who))?;
        let rows = list::rows(&lines, &meant, leave_out, self.db.zone());
        let rows = rows.map_err(|problems| {
            let wrong = |problem: &keyholder::directory::Problem| {
                keyholder::error::FieldError::new("list", problem.to_string())
            };
            Error::Invalid(problems.iter().map(wrong).collect())
        })?;
        terms.scope.source = list::source(ReviewListId(id.0), &lines, &rows);
        let name = format!("List {}", self.now().micros());
        self.set_up(NewReview { id, name, catalog: None, terms, rows })
    }

    fn set_up(&self, new: NewReview) -> Result<ReviewId> {
        self.by(self.root, move |tx| {
            let permit = policy::manage_review(tx.actor(), None)?;
            Ok(commands::create(tx, &permit, &new)?.id)
        })
    }

    /// Sets a review up and lets it start; its instance.
    pub fn review(&self, terms: Terms) -> ReviewInstanceId {
        let name = format!("Review {}", self.now().micros());
        let id = self.try_review(&name, terms).unwrap();
        self.settle();
        self.instances(id).last().unwrap().id
    }

    /// The instances of a review, the oldest first.
    pub fn instances(&self, id: ReviewId) -> Vec<Instance> {
        let mut all = self.db.read(|db| store::instances_of(db, id, 100)).unwrap();
        all.reverse();
        all
    }

    /// An instance as it is now.
    pub fn instance(&self, id: ReviewInstanceId) -> Instance {
        self.db.read(|db| store::instance(db, id)).unwrap()
    }

    /// The items of an instance, by the names of their people.
    pub fn items(&self, id: ReviewInstanceId) -> Vec<Item> {
        let ids =
            review_items::table.filter(review_items::instance_id.eq(id)).select(review_items::id);
        let ids: Vec<ReviewItemId> = self.db.read(|db| Ok(ids.load(db)?)).unwrap();
        let mut all = self.db.read(|db| store::items(db, &ids)).unwrap();
        all.sort_by(|a, b| (&a.person_name, &a.access_name).cmp(&(&b.person_name, &b.access_name)));
        all
    }

    /// The item of what somebody holds; they hold one thing.
    pub fn item_of(&self, id: ReviewInstanceId, person: PersonId) -> Item {
        let all: Vec<Item> =
            self.items(id).into_iter().filter(|item| item.person == person).collect();
        assert_eq!(all.len(), 1, "{all:?}");
        all.into_iter().next().unwrap()
    }

    /// What became of what somebody holds.
    pub fn outcome(&self, id: ReviewInstanceId, person: PersonId) -> Option<Outcome> {
        self.item_of(id, person).outcome
    }

    /// Who answers for an item.
    pub fn reviewers(&self, item: &Item) -> Vec<PersonId> {
        let standing = self.db.read(|db| store::standings(db, std::slice::from_ref(item))).unwrap();
        standing[0].reviewers.clone()
    }

    /// Somebody answers an item.
    pub fn answers(&self, who: PersonId, item: ReviewItemId, says: Says) -> Result<Answered> {
        self.by(who, move |tx| {
            let item = store::item(tx.db(), item)?;
            let standing = store::standings(tx.db(), std::slice::from_ref(&item))?;
            let permit = policy::answer_item(tx.actor(), &standing[0])?;
            commands::answer(tx, &permit, &says)
        })
    }

    /// Somebody keeps these items together; how many there were.
    pub fn keeps_together(
        &self,
        who: PersonId,
        items: &[ReviewItemId],
        batch: AnswerBatchId,
    ) -> Result<usize> {
        let ids = items.to_vec();
        self.by(who, move |tx| {
            let items = store::items(tx.db(), &ids)?;
            let mut permits = Vec::new();
            for standing in &store::standings(tx.db(), &items)? {
                permits.push(policy::answer_item(tx.actor(), standing)?);
            }
            commands::answer_all(tx, &permits, &says(Answer::Keep), batch)
        })
    }

    /// Somebody passes an item on.
    pub fn passes_on(&self, who: PersonId, item: ReviewItemId, to: PersonId) -> Result<String> {
        self.by(who, move |tx| {
            let item = store::item(tx.db(), item)?;
            let standing = store::standings(tx.db(), std::slice::from_ref(&item))?;
            let permit = policy::answer_item(tx.actor(), &standing[0])?;
            commands::pass_on(tx, &permit, to, "they know the team")
        })
    }

    /// Whoever looks after an instance does something with it.
    pub fn runs<T: Send + 'static>(
        &self,
        who: PersonId,
        id: ReviewInstanceId,
        f: impl Fn(&mut Tx<'_>, &keyholder::access::Permit<keyholder::access::RunReview>) -> Result<T>
        + Send
        + Sync
        + 'static,
    ) -> Result<T> {
        self.by(who, move |tx| {
            let instance = store::instance(tx.db(), id)?;
            let permit = policy::run_review(tx.actor(), &store::standing(&instance))?;
            f(tx, &permit)
        })
    }

    /// Closes an instance early and lets everything run.
    pub fn close(&self, id: ReviewInstanceId) {
        self.runs(self.root, id, commands::close).unwrap();
        self.settle();
    }

    /// From now on somebody stands in for another, for so many days.
    pub fn stands_in(&self, away: PersonId, stand_in: PersonId, days: u64) {
        let first = self.db.zone().date(self.now());
        let last = first + chrono::Days::new(days);
        let id = keyholder::kernel::StandInId::fresh();
        let new = keyholder::standing_in::model::NewPeriod {
            id,
            person: away,
            stand_in,
            first,
            last,
            packages: None,
        };
        self.by(away, move |tx| {
            let kind = keyholder::kernel::Kind::Member;
            let permit = policy::set_stand_in(tx.actor(), away, kind)?;
            keyholder::standing_in::commands::set(tx, &permit, &new)
        })
        .unwrap();
    }

    /// Somebody calls a removal off.
    pub fn undoes(&self, who: PersonId, item: ReviewItemId) -> Result<Item> {
        self.by(who, move |tx| commands::undo(tx, item))
    }

    /// Takes a row of a snapshot away behind everybody's back, while it is written.
    pub fn tamper(&self, id: ReviewInstanceId) {
        let item = self.items(id)[0].id;
        self.run(move |tx| {
            diesel::delete(review_items::table.find(item)).execute(tx.db())?;
            diesel::update(review_instances::table.find(id))
                .set(review_instances::state.eq("starting"))
                .execute(tx.db())?;
            Ok(())
        });
    }

    /// Lets a row stand in a snapshot, while it is written, that began after it.
    pub fn tamper_with_a_row_too_many(&self, id: ReviewInstanceId) {
        self.pass(1);
        let ended = self.holding(self.eve, "begun later");
        let item = self.items(id)[0].id;
        self.run(move |tx| {
            let copy = format!(
                "INSERT INTO review_items SELECT '{}', instance_id, pool_id, '{ended}', NULL, \
                 person_id, person_name, department, access_id, access_name, catalog_id, risk, since, ends_at, \
                 request_id, context, recommendation, changed, answer, until_at, note, answered_by, \
                 answered_for, answered_at, first_answer, batch_id, reply, outcome, \
                 apply_at, applied_at, undone_by, rev FROM review_items WHERE id = '{item}'",
                ReviewItemId::fresh()
            );
            diesel::sql_query(copy).execute(tx.db())?;
            diesel::update(review_instances::table.find(id))
                .set(review_instances::state.eq("starting"))
                .execute(tx.db())?;
            Ok(())
        });
    }
}

/// The fields that were refused.
pub fn wrong<T: std::fmt::Debug>(result: Result<T>) -> Vec<String> {
    match result {
        Err(Error::Invalid(errors)) => errors.into_iter().map(|error| error.field).collect(),
        other => panic!("not refused for a field: {other:?}"),
    }
}
