//! The tables of reviews. Reads here; what pages list in `listing`, the snapshot in `snapshot`, the writes in `writes`.

use diesel::dsl::exists;
use diesel::prelude::*;

use super::model::{Instance, Item, ItemRow, Review, Silence, State, Terms};
use crate::access::policy::{ItemStanding, ReviewStanding};
use crate::db::Db;
use crate::db::schema::{
    assignments, people, review_instances, review_items, review_pools, review_reviewers, reviews,
};
use crate::error::Result;
use crate::kernel::{
    AssignmentId, CatalogId, PersonId, PolicyId, ReviewId, ReviewInstanceId, ReviewItemId,
    ReviewPoolId, Ts,
};
use crate::requests::store::{administrators, owners};

pub mod duties;
pub mod listing;
pub mod rows;
pub(super) mod snapshot;
pub(super) mod writes;

#[derive(Queryable, Selectable)]
#[diesel(table_name = reviews)]
struct ReviewRow {
    id: ReviewId,
    name: String,
    catalog_id: Option<CatalogId>,
    terms: String,
    number: i64,
    next_at: Option<Ts>,
    ended_at: Option<Ts>,
    rev: i64,
    created_at: Ts,
    created_by: PersonId,
}

impl ReviewRow {
    fn read(self) -> Result<Review> {
        Ok(Review {
            id: self.id,
            name: self.name,
            catalog: self.catalog_id,
            terms: serde_json::from_str(&self.terms)?,
            number: self.number,
            next_at: self.next_at,
            ended_at: self.ended_at,
            rev: self.rev,
            created_at: self.created_at,
            created_by: self.created_by,
        })
    }
}

/// A review.
///
/// # Errors
/// `Missing` if there is none.
pub fn review(db: &mut Db, id: ReviewId) -> Result<Review> {
    reviews::table.find(id).select(ReviewRow::as_select()).first(db)?.read()
}

/// The review of this name that has not ended.
///
/// # Errors
/// When the database does not answer.
pub fn by_name(db: &mut Db, key: &str) -> Result<Option<ReviewId>> {
    Ok(reviews::table
        .filter(reviews::name_key.eq(key))
        .filter(reviews::ended_at.is_null())
        .select(reviews::id)
        .first(db)
        .optional()?)
}

/// The reviews of these policies that have not ended, by name. One statement.
///
/// # Errors
/// When the database does not answer.
pub fn of_policies(db: &mut Db, ids: &[PolicyId]) -> Result<Vec<Review>> {
    let rows: Vec<ReviewRow> = reviews::table
        .filter(reviews::policy_id.eq_any(ids))
        .filter(reviews::ended_at.is_null())
        .order((reviews::name_key, reviews::id))
        .select(ReviewRow::as_select())
        .load(db)?;
    rows.into_iter().map(ReviewRow::read).collect()
}

/// Reviews that are to start by now, in due order.
///
/// # Errors
/// When the database does not answer.
pub fn due_to_start(db: &mut Db, now: Ts, limit: i64) -> Result<Vec<ReviewId>> {
    Ok(reviews::table
        .filter(reviews::next_at.le(now))
        .filter(diesel::dsl::not(exists(
            review_instances::table
                .filter(review_instances::review_id.eq(reviews::id))
                .filter(review_instances::state.eq_any(State::RUNNING)),
        )))
        .order((reviews::next_at, reviews::id))
        .limit(limit)
        .select(reviews::id)
        .load(db)?)
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = review_instances)]
struct InstanceRow {
    id: ReviewInstanceId,
    review_id: ReviewId,
    number: i64,
    name: String,
    catalog_id: Option<CatalogId>,
    terms: String,
    state: String,
    stage: i64,
    starts_at: Ts,
    opened_at: Option<Ts>,
    due_at: Ts,
    source_count: Option<i64>,
    item_count: i64,
    trouble: Option<String>,
    reached: Option<AssignmentId>,
    remind_at: Option<Ts>,
    looked_at: Ts,
    closed_at: Option<Ts>,
    completed_at: Option<Ts>,
    silence: Option<String>,
    pace: Option<i64>,
    rev: i64,
}

impl InstanceRow {
    fn read(self) -> Result<Instance> {
        let terms: Terms = serde_json::from_str(&self.terms)?;
        Ok(Instance {
            id: self.id,
            review: self.review_id,
            number: self.number,
            name: self.name,
            catalog: self.catalog_id,
            terms,
            state: State::parse(&self.state).unwrap_or(State::Canceled),
            stage: self.stage,
            starts_at: self.starts_at,
            opened_at: self.opened_at,
            due_at: self.due_at,
            source_count: self.source_count,
            item_count: self.item_count,
            trouble: self.trouble,
            reached: self.reached.map(|id| id.0),
            remind_at: self.remind_at,
            looked_at: self.looked_at,
            closed_at: self.closed_at,
            completed_at: self.completed_at,
            pace: self.pace,
            confirmed: self.silence.as_deref().and_then(Silence::parse),
            rev: self.rev,
        })
    }
}

/// An instance.
///
/// # Errors
/// `Missing` if there is none.
pub fn instance(db: &mut Db, id: ReviewInstanceId) -> Result<Instance> {
    review_instances::table.find(id).select(InstanceRow::as_select()).first(db)?.read()
}

/// The instances in one of these states, in the order of their ends.
///
/// # Errors
/// When the database does not answer.
pub fn in_state(db: &mut Db, states: &[State]) -> Result<Vec<Instance>> {
    let states: Vec<&str> = states.iter().map(|state| state.as_str()).collect();
    let rows: Vec<InstanceRow> = review_instances::table
        .filter(review_instances::state.eq_any(states))
        .order((review_instances::due_at, review_instances::id))
        .select(InstanceRow::as_select())
        .load(db)?;
    // One that this version cannot read holds up no other.
    let read = |row: InstanceRow| {
        let id = row.id;
        row.read().map_err(|error| tracing::error!(%error, %id, "cannot read an instance")).ok()
    };
    Ok(rows.into_iter().filter_map(read).collect())
}

/// The instances of a review, newest first.
///
/// # Errors
/// When the database does not answer.
pub fn instances_of(db: &mut Db, review: ReviewId, limit: i64) -> Result<Vec<Instance>> {
    let rows: Vec<InstanceRow> = review_instances::table
        .filter(review_instances::review_id.eq(review))
        .order(review_instances::number.desc())
        .limit(limit)
        .select(InstanceRow::as_select())
        .load(db)?;
    rows.into_iter().map(InstanceRow::read).collect()
}

/// How somebody stands to an instance, for the policy module.
#[must_use]
pub fn standing(instance: &Instance) -> ReviewStanding {
    ReviewStanding { instance: instance.id, catalog: instance.catalog }
}

/// An item.
///
/// # Errors
/// `Missing` if there is none.
pub fn item(db: &mut Db, id: ReviewItemId) -> Result<Item> {
    let row: ItemRow = review_items::table.find(id).select(ItemRow::as_select()).first(db)?;
    Ok(row.into())
}

/// These items, by their ids.
///
/// # Errors
/// When the database does not answer.
pub fn items(db: &mut Db, ids: &[ReviewItemId]) -> Result<Vec<Item>> {
    let rows: Vec<ItemRow> = review_items::table
        .filter(review_items::id.eq_any(ids))
        .order(review_items::id)
        .select(ItemRow::as_select())
        .load(db)?;
    Ok(rows.into_iter().map(Item::from).collect())
}

/// Who answers in a pool, and whether everybody there answers for themselves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pool {
    /// The pool.
    pub id: ReviewPoolId,
    /// The reviewers, also those who have left.
    pub reviewers: Vec<PersonId>,
    /// Why they.
    pub via: super::model::Via,
    /// In which stage of the instance.
    pub stage: i64,
}

/// Some pools with their reviewers. One statement.
///
/// # Errors
/// When the database does not answer.
pub fn pools(db: &mut Db, ids: &[ReviewPoolId]) -> Result<Vec<Pool>> {
    let rows: Vec<(ReviewPoolId, String, i64, PersonId)> = review_pools::table
        .inner_join(review_reviewers::table)
        .filter(review_pools::id.eq_any(ids))
        .order((review_pools::id, review_reviewers::person_id))
        .select((
            review_pools::id,
            review_pools::via,
            review_pools::stage,
            review_reviewers::person_id,
        ))
        .load(db)?;
    let mut all: Vec<Pool> = Vec::new();
    for (id, via, stage, person) in rows {
        if all.last().is_none_or(|pool| pool.id != id) {
            let via = super::model::Via::parse(&via).unwrap_or(super::model::Via::Fallback);
            all.push(Pool { id, reviewers: vec![], via, stage });
        }
        if let Some(pool) = all.last_mut() {
            pool.reviewers.push(person);
        }
    }
    Ok(all)
}

/// How somebody stands to items, for the policy module, in their order. One statement.
///
/// # Errors
/// When the database does not answer.
pub fn standings(db: &mut Db, items: &[Item]) -> Result<Vec<ItemStanding>> {
    let mut ids: Vec<ReviewPoolId> = items.iter().map(|item| item.pool).collect();
    ids.sort_unstable();
    ids.dedup();
    let pools = pools(db, &ids)?;
    Ok(items.iter().map(|item| standing_in(item, &pools)).collect())
}

/// How somebody stands to an item whose pool is among these.
#[must_use]
pub fn standing_in(item: &Item, pools: &[Pool]) -> ItemStanding {
    let pool = pools.iter().find(|pool| pool.id == item.pool);
    ItemStanding {
        item: item.id,
        person: item.person,
        package: item.package,
        reviewers: pool.map(|pool| pool.reviewers.clone()).unwrap_or_default(),
        own: pool.is_some_and(|pool| pool.via == super::model::Via::Own),
    }
}

/// The reviewers who have items of the instance without an answer (D32): nobody is told of what is not theirs (D29).
///
/// # Errors
/// When the database does not answer.
pub fn reviewers_with_open(db: &mut Db, id: ReviewInstanceId) -> Result<Vec<PersonId>> {
    Ok(review_reviewers::table
        .inner_join(review_pools::table)
        .filter(review_reviewers::instance_id.eq(id))
        .filter(exists(
            review_items::table
                .filter(review_items::pool_id.eq(review_reviewers::pool_id))
                .filter(review_items::answer.is_null())
                .filter(review_items::outcome.is_null())
                .filter(
                    review_items::person_id
                        .ne(review_reviewers::person_id)
                        .or(review_pools::via.eq("self")),
                ),
        ))
        .order(review_reviewers::person_id)
        .select(review_reviewers::person_id)
        .distinct()
        .load(db)?)
}

/// Who answers for what an assignment gives in an instance.
///
/// # Errors
/// When the database does not answer.
pub fn reviewers_of_assignment(
    db: &mut Db,
    id: ReviewInstanceId,
    assignment: AssignmentId,
) -> Result<Vec<PersonId>> {
    Ok(review_reviewers::table
        .inner_join(review_items::table.on(review_items::pool_id.eq(review_reviewers::pool_id)))
        .filter(review_items::instance_id.eq(id))
        .filter(review_items::assignment_id.eq(assignment))
        .filter(review_items::person_id.ne(review_reviewers::person_id))
        .order(review_reviewers::person_id)
        .select(review_reviewers::person_id)
        .load(db)?)
}

/// Who answers for what a list says of a person in an instance.
///
/// # Errors
/// When the database does not answer.
pub fn reviewers_of_listed(
    db: &mut Db,
    id: ReviewInstanceId,
    person: PersonId,
) -> Result<Vec<PersonId>> {
    Ok(review_reviewers::table
        .inner_join(review_items::table.on(review_items::pool_id.eq(review_reviewers::pool_id)))
        .filter(review_items::instance_id.eq(id))
        .filter(review_items::person_id.eq(person))
        .filter(review_items::row_id.is_not_null())
        .filter(review_items::person_id.ne(review_reviewers::person_id))
        .order(review_reviewers::person_id)
        .select(review_reviewers::person_id)
        .distinct()
        .load(db)?)
}

/// Who looks after an instance: the owners of its catalog, and who set it up if they still may; administrators where
/// there is nobody.
///
/// # Errors
/// When the database does not answer.
pub fn keepers(db: &mut Db, id: ReviewInstanceId) -> Result<Vec<PersonId>> {
    let (catalog, by): (Option<CatalogId>, PersonId) = review_instances::table
        .inner_join(reviews::table)
        .filter(review_instances::id.eq(id))
        .select((review_instances::catalog_id, reviews::created_by))
        .first(db)?;
    let mut all: Vec<PersonId> = Vec::new();
    if let Some(catalog) = catalog {
        all.extend(owners(db, catalog)?.into_iter().map(|(id, _)| id));
    }
    let administrators: Vec<PersonId> = administrators(db)?.into_iter().map(|(id, _)| id).collect();
    if administrators.contains(&by) && !all.contains(&by) {
        all.push(by);
    }
    Ok(if all.is_empty() { administrators } else { all })
}

/// Those of the assignments whose rights have all come to rest: nothing is being taken away any more.
///
/// # Errors
/// When the database does not answer.
pub(super) fn at_rest(db: &mut Db, ids: &[AssignmentId]) -> Result<Vec<(AssignmentId, bool)>> {
    use crate::db::schema::{assignment_rights, rights};
    let open: Vec<(AssignmentId, bool)> = assignment_rights::table
        .inner_join(rights::table)
        .filter(assignment_rights::assignment_id.eq_any(ids))
        .filter(rights::state.eq("removing"))
        .select((assignment_rights::assignment_id, rights::overdue_told))
        .load(db)?;
    let waits = |id: &AssignmentId| open.iter().any(|(waits, _)| waits == id);
    let mut all: Vec<(AssignmentId, bool)> =
        ids.iter().filter(|id| !waits(id)).map(|id| (*id, true)).collect();
    let mut late: Vec<AssignmentId> =
        open.iter().filter(|(_, told)| *told).map(|(id, _)| *id).collect();
    late.sort_unstable();
    late.dedup();
    all.extend(late.into_iter().map(|id| (id, false)));
    Ok(all)
}

/// The enabled people among these.
///
/// # Errors
/// When the database does not answer.
pub(super) fn living(db: &mut Db, ids: &[PersonId]) -> Result<Vec<PersonId>> {
    Ok(people::table
        .filter(people::id.eq_any(ids))
        .filter(people::enabled.eq(true))
        .select(people::id)
        .load(db)?)
}

/// Items without an outcome whose assignment ended after a time, with when it did.
///
/// # Errors
/// When the database does not answer.
pub(super) fn ended_since(
    db: &mut Db,
    id: ReviewInstanceId,
    since: Ts,
) -> Result<Vec<ReviewItemId>> {
    // From the few that ended to their items, not from all items to their ends.
    let ended = assignments::table
        .filter(assignments::ended_at.ge(since))
        .select(assignments::id.nullable());
    Ok(review_items::table
        .filter(review_items::instance_id.eq(id))
        .filter(review_items::outcome.is_null())
        .filter(review_items::assignment_id.eq_any(ended))
        .order(review_items::id)
        .select(review_items::id)
        .load(db)?)
}
