//! The writes of reviews: each is guarded by what was read.

use diesel::prelude::*;

use super::listing::pools_of;
use crate::db::schema::{
    assignments, description_tasks, review_answers, review_instances, review_items, review_pools,
    review_proofs, review_reviewers, review_signoffs, reviews,
};
use crate::db::{Tx, stale_if_taken};
use crate::error::{Error, Result};
use crate::kernel::text::folded;
use crate::kernel::{
    AccessId, AnswerBatchId, AnswerId, AssignmentId, CatalogId, DescriptionTaskId, PackageId,
    PersonId, PolicyId, RequestId, ReviewInstanceId, ReviewItemId, ReviewPoolId, ReviewRowId, Ts,
};
use crate::reviews::model::{
    Answer, Context, Earlier, Instance, Item, Outcome, Review, Silence, Terms, Via,
};

/// SQLite takes at most 32,766 binds a statement; an item has 32.
const ROWS: usize = 500;

fn hit_one(hit: usize) -> Result<()> {
    if hit == 1 { Ok(()) } else { Err(Error::Stale) }
}

pub fn insert(tx: &mut Tx<'_>, review: &Review, policy: Option<PolicyId>) -> Result<()> {
    diesel::insert_into(reviews::table)
        .values((
            reviews::id.eq(review.id),
            reviews::name.eq(&review.name),
            reviews::name_key.eq(folded(&review.name)),
            reviews::catalog_id.eq(review.catalog),
            reviews::policy_id.eq(policy),
            reviews::terms.eq(serde_json::to_string(&review.terms)?),
            reviews::number.eq(review.number),
            reviews::next_at.eq(review.next_at),
            reviews::rev.eq(review.rev),
            reviews::created_at.eq(review.created_at),
            reviews::created_by.eq(review.created_by),
        ))
        .execute(tx.db())
        .map_err(stale_if_taken)?;
    Ok(())
}

pub fn save(
    tx: &mut Tx<'_>,
    review: &Review,
    name: &str,
    terms: &Terms,
    next_at: Option<Ts>,
) -> Result<()> {
    let row = reviews::table.find(review.id).filter(reviews::rev.eq(review.rev));
    hit_one(
        diesel::update(row.filter(reviews::ended_at.is_null()))
            .set((
                reviews::name.eq(name),
                reviews::name_key.eq(folded(name)),
                reviews::terms.eq(serde_json::to_string(terms)?),
                reviews::next_at.eq(next_at),
                reviews::rev.eq(review.rev + 1),
            ))
            .execute(tx.db())
            .map_err(stale_if_taken)?,
    )
}

pub fn end(tx: &mut Tx<'_>, review: &Review) -> Result<()> {
    let now = tx.now();
    let row = reviews::table.find(review.id).filter(reviews::rev.eq(review.rev));
    hit_one(
        diesel::update(row.filter(reviews::ended_at.is_null()))
            .set((
                reviews::ended_at.eq(now),
                reviews::next_at.eq(None::<Ts>),
                reviews::rev.eq(review.rev + 1),
            ))
            .execute(tx.db())?,
    )
}

/// The review has started once more: whoever comes second finds another revision.
pub fn count_start(tx: &mut Tx<'_>, review: &Review, next_at: Option<Ts>) -> Result<()> {
    let row = reviews::table.find(review.id).filter(reviews::rev.eq(review.rev));
    hit_one(
        diesel::update(row)
            .set((
                reviews::number.eq(review.number + 1),
                reviews::next_at.eq(next_at),
                reviews::rev.eq(review.rev + 1),
            ))
            .execute(tx.db())?,
    )
}

pub fn insert_instance(tx: &mut Tx<'_>, instance: &Instance) -> Result<()> {
    let now = tx.now();
    diesel::insert_into(review_instances::table)
        .values((
            review_instances::id.eq(instance.id),
            review_instances::review_id.eq(instance.review),
            review_instances::number.eq(instance.number),
            review_instances::name.eq(&instance.name),
            review_instances::catalog_id.eq(instance.catalog),
            review_instances::terms.eq(serde_json::to_string(&instance.terms)?),
            review_instances::state.eq(instance.state.as_str()),
            review_instances::starts_at.eq(instance.starts_at),
            review_instances::due_at.eq(instance.due_at),
            review_instances::item_count.eq(instance.item_count),
            review_instances::looked_at.eq(instance.looked_at),
            review_instances::rev.eq(instance.rev),
            review_instances::created_at.eq(now),
        ))
        .execute(tx.db())
        .map_err(stale_if_taken)?;
    Ok(())
}

/// Writes what may change of an instance, if nobody else has changed it since it was read.
pub fn save_instance(tx: &mut Tx<'_>, read: &Instance, new: &Instance) -> Result<()> {
    let row = review_instances::table
        .find(read.id)
        .filter(review_instances::rev.eq(read.rev))
        .filter(review_instances::state.eq(read.state.as_str()));
    hit_one(
        diesel::update(row)
            .set((
                review_instances::state.eq(new.state.as_str()),
                review_instances::stage.eq(new.stage),
                review_instances::opened_at.eq(new.opened_at),
                review_instances::due_at.eq(new.due_at),
                review_instances::source_count.eq(new.source_count),
                review_instances::item_count.eq(new.item_count),
                review_instances::trouble.eq(&new.trouble),
                review_instances::reached.eq(new.reached.map(AssignmentId)),
                review_instances::remind_at.eq(new.remind_at),
                review_instances::looked_at.eq(new.looked_at),
                review_instances::closed_at.eq(new.closed_at),
                review_instances::completed_at.eq(new.completed_at),
                review_instances::silence.eq(new.confirmed.map(Silence::as_str)),
                review_instances::rev.eq(read.rev + 1),
            ))
            .execute(tx.db())?,
    )
}

/// Keeps how fast it was answered: once, and nothing else of the instance changes.
pub fn save_pace(tx: &mut Tx<'_>, id: ReviewInstanceId, seconds: i64) -> Result<usize> {
    let row = review_instances::table.find(id).filter(review_instances::pace.is_null());
    Ok(diesel::update(row).set(review_instances::pace.eq(seconds)).execute(tx.db())?)
}

pub fn save_closed_by(tx: &mut Tx<'_>, id: ReviewInstanceId) -> Result<()> {
    let by = tx.actor().id();
    diesel::update(review_instances::table.find(id))
        .set(review_instances::closed_by.eq(by))
        .execute(tx.db())?;
    Ok(())
}

/// A pool that is wanted: its key, why its reviewers are asked, and who they are.
pub type NewPool = (String, Via, Vec<PersonId>);

/// The pools of a stage of an instance by their keys; those that are missing are made, with their reviewers.
pub fn pools(
    tx: &mut Tx<'_>,
    (id, stage): (ReviewInstanceId, i64),
    wanted: &[NewPool],
) -> Result<Vec<(String, ReviewPoolId)>> {
    let keys: Vec<&String> = wanted.iter().map(|(key, ..)| key).collect();
    let there = review_pools::table
        .filter(review_pools::instance_id.eq(id))
        .filter(review_pools::stage.eq(stage))
        .filter(review_pools::pool_key.eq_any(keys))
        .select((review_pools::pool_key, review_pools::id));
    let mut all: Vec<(String, ReviewPoolId)> = there.load(tx.db())?;
    let fresh: Vec<(ReviewPoolId, &NewPool)> = wanted
        .iter()
        .filter(|(key, ..)| all.iter().all(|(there, _)| there != key))
        .map(|pool| (ReviewPoolId::fresh(), pool))
        .collect();
    let rows: Vec<_> = fresh
        .iter()
        .map(|(pool, (key, via, _))| {
            (
                review_pools::id.eq(*pool),
                review_pools::instance_id.eq(id),
                review_pools::stage.eq(stage),
                review_pools::pool_key.eq(key),
                review_pools::via.eq(via.as_str()),
            )
        })
        .collect();
    for chunk in rows.chunks(ROWS) {
        crate::each_backend!(tx.db(), |c| diesel::insert_into(review_pools::table)
            .values(chunk)
            .execute(c)
            .map_err(stale_if_taken)?);
    }
    let people: Vec<_> = fresh
        .iter()
        .flat_map(|(pool, (_, _, people))| people.iter().map(move |person| (*pool, *person)))
        .map(|(pool, person)| {
            (
                review_reviewers::pool_id.eq(pool),
                review_reviewers::person_id.eq(person),
                review_reviewers::instance_id.eq(id),
            )
        })
        .collect();
    for chunk in people.chunks(ROWS) {
        crate::each_backend!(tx.db(), |c| diesel::insert_into(review_reviewers::table)
            .values(chunk)
            .execute(c)
            .map_err(stale_if_taken)?);
    }
    all.extend(fresh.into_iter().map(|(pool, (key, ..))| (key.clone(), pool)));
    Ok(all)
}

#[derive(Insertable)]
#[diesel(table_name = review_items)]
#[diesel(treat_none_as_default_value = false)]
pub struct NewItem {
    pub id: ReviewItemId,
    pub instance_id: ReviewInstanceId,
    pub pool_id: ReviewPoolId,
    pub assignment_id: Option<AssignmentId>,
    pub row_id: Option<ReviewRowId>,
    pub person_id: PersonId,
    pub person_name: String,
    pub department: Option<String>,
    pub access_id: AccessId,
    pub access_name: String,
    pub catalog_id: Option<CatalogId>,
    pub risk: &'static str,
    pub since: Ts,
    pub ends_at: Option<Ts>,
    pub request_id: Option<RequestId>,
    pub context: String,
    pub recommendation: Option<&'static str>,
    pub changed: bool,
    pub rev: i64,
}

pub fn insert_items(tx: &mut Tx<'_>, rows: &[NewItem]) -> Result<()> {
    for chunk in rows.chunks(ROWS) {
        crate::each_backend!(tx.db(), |c| diesel::insert_into(review_items::table)
            .values(chunk)
            .execute(c)
            .map_err(stale_if_taken)?);
    }
    Ok(())
}

/// Takes out what had ended when the snapshot was taken.
pub fn delete_ended(tx: &mut Tx<'_>, id: ReviewInstanceId, at: Ts) -> Result<()> {
    let ended = review_items::table
        .inner_join(assignments::table)
        .filter(review_items::instance_id.eq(id))
        .filter(assignments::ended_at.le(at))
        .select(review_items::id);
    let ended: Vec<ReviewItemId> = ended.load(tx.db())?;
    for chunk in ended.chunks(ROWS) {
        diesel::delete(review_items::table.filter(review_items::id.eq_any(chunk)))
            .execute(tx.db())?;
    }
    Ok(())
}

/// What somebody answered.
#[derive(Clone, Debug)]
pub struct Given {
    pub answer: Answer,
    pub until: Option<Ts>,
    pub note: Option<String>,
    pub batch: Option<AnswerBatchId>,
}

/// Writes an answer on items that are as they were read.
pub fn save_answer(
    tx: &mut Tx<'_>,
    item: &Item,
    given: &Given,
    by: PersonId,
    instead_of: Option<PersonId>,
) -> Result<()> {
    let now = tx.now();
    // The first answer on what is of high risk is kept beside the last one.
    let first = item.first_answer.unwrap_or(given.answer);
    let row = review_items::table.find(item.id).filter(review_items::rev.eq(item.rev));
    hit_one(
        diesel::update(row.filter(review_items::outcome.is_null()))
            .set((
                review_items::answer.eq(given.answer.as_str()),
                review_items::until_at.eq(given.until),
                review_items::note.eq(&given.note),
                review_items::answered_by.eq(by),
                review_items::answered_for.eq(instead_of),
                review_items::answered_at.eq(now),
                review_items::first_answer.eq(first.as_str()),
                review_items::batch_id.eq(given.batch),
                review_items::rev.eq(item.rev + 1),
            ))
            .execute(tx.db())?,
    )
}

/// Takes an answer away; what was answered first stays.
pub fn clear_answer(tx: &mut Tx<'_>, item: &Item) -> Result<()> {
    let row = review_items::table.find(item.id).filter(review_items::rev.eq(item.rev));
    hit_one(
        diesel::update(row.filter(review_items::outcome.is_null()))
            .set((
                review_items::answer.eq(None::<String>),
                review_items::until_at.eq(None::<Ts>),
                review_items::note.eq(None::<String>),
                review_items::answered_by.eq(None::<PersonId>),
                review_items::answered_for.eq(None::<PersonId>),
                review_items::answered_at.eq(None::<Ts>),
                review_items::batch_id.eq(None::<AnswerBatchId>),
                review_items::rev.eq(item.rev + 1),
            ))
            .execute(tx.db())?,
    )
}

/// Takes a planned removal and its answer away, so that the item can be answered anew (D28).
pub fn unplan(tx: &mut Tx<'_>, item: &Item) -> Result<()> {
    let row = review_items::table
        .find(item.id)
        .filter(review_items::rev.eq(item.rev))
        .filter(review_items::outcome.eq(Outcome::Planned.as_str()));
    hit_one(
        diesel::update(row)
            .set((
                review_items::outcome.eq(None::<String>),
                review_items::apply_at.eq(None::<Ts>),
                review_items::rev.eq(item.rev + 1),
            ))
            .execute(tx.db())?,
    )?;
    clear_answer(tx, &Item { rev: item.rev + 1, ..item.clone() })
}

/// Moves an item to another pool, with what is known of it; whoever gets it answers it anew.
pub fn save_pool(
    tx: &mut Tx<'_>,
    item: &Item,
    pool: ReviewPoolId,
    context: &Context,
) -> Result<()> {
    let row = review_items::table.find(item.id).filter(review_items::rev.eq(item.rev));
    hit_one(
        diesel::update(row.filter(review_items::outcome.is_null()))
            .set((
                review_items::pool_id.eq(pool),
                review_items::context.eq(serde_json::to_string(context)?),
                review_items::answer.eq(None::<String>),
                review_items::until_at.eq(None::<Ts>),
                review_items::note.eq(None::<String>),
                review_items::answered_by.eq(None::<PersonId>),
                review_items::answered_for.eq(None::<PersonId>),
                review_items::answered_at.eq(None::<Ts>),
                review_items::first_answer.eq(None::<String>),
                review_items::batch_id.eq(None::<AnswerBatchId>),
                review_items::rev.eq(item.rev + 1),
            ))
            .execute(tx.db())?,
    )
}

pub fn save_reply(tx: &mut Tx<'_>, item: &Item, words: &str) -> Result<()> {
    let row = review_items::table.find(item.id).filter(review_items::rev.eq(item.rev));
    let open = review_items::outcome.is_null().and(review_items::answer.is_null());
    hit_one(
        diesel::update(row.filter(open))
            .set((review_items::reply.eq(words), review_items::rev.eq(item.rev + 1)))
            .execute(tx.db())?,
    )
}

#[derive(Insertable)]
#[diesel(table_name = review_answers)]
#[diesel(treat_none_as_default_value = false)]
pub struct NewAnswer {
    pub id: AnswerId,
    pub item_id: ReviewItemId,
    pub instance_id: ReviewInstanceId,
    pub at: Ts,
    pub person_id: PersonId,
    pub instead_of: Option<PersonId>,
    pub answer: &'static str,
    pub until_at: Option<Ts>,
    pub note: Option<String>,
    pub passed_to: Option<PersonId>,
    pub batch_id: Option<AnswerBatchId>,
    pub advised: bool,
}

pub fn insert_answer(tx: &mut Tx<'_>, new: &NewAnswer) -> Result<()> {
    diesel::insert_into(review_answers::table).values(new).execute(tx.db())?;
    Ok(())
}

/// What becomes of an item.
#[derive(Clone, Copy, Debug)]
pub struct Becomes {
    pub item: ReviewItemId,
    pub outcome: Outcome,
    pub apply_at: Option<Ts>,
}

/// Writes what becomes of items that had no outcome yet, in chunks of equal ones; returns how many were written.
pub fn save_outcomes(tx: &mut Tx<'_>, all: &[Becomes]) -> Result<usize> {
    let now = tx.now();
    let mut kinds: Vec<(Outcome, Option<Ts>)> =
        all.iter().map(|one| (one.outcome, one.apply_at)).collect();
    kinds.sort_unstable();
    kinds.dedup();
    let mut done = 0;
    for (outcome, apply_at) in kinds {
        let same: Vec<ReviewItemId> = all
            .iter()
            .filter(|one| (one.outcome, one.apply_at) == (outcome, apply_at))
            .map(|one| one.item)
            .collect();
        let planned = outcome == Outcome::Planned;
        for chunk in same.chunks(ROWS) {
            done += diesel::update(
                review_items::table
                    .filter(review_items::id.eq_any(chunk))
                    .filter(review_items::outcome.is_null()),
            )
            .set((
                review_items::outcome.eq(outcome.as_str()),
                review_items::apply_at.eq(apply_at),
                review_items::applied_at.eq((!planned).then_some(now)),
                review_items::rev.eq(review_items::rev + 1),
            ))
            .execute(tx.db())?;
        }
    }
    Ok(done)
}

/// Moves items from one outcome to the next; returns those that were moved.
pub fn move_outcome(
    tx: &mut Tx<'_>,
    ids: &[ReviewItemId],
    from: &[Outcome],
    to: Outcome,
) -> Result<Vec<ReviewItemId>> {
    let now = tx.now();
    let from: Vec<&str> = from.iter().map(|outcome| outcome.as_str()).collect();
    let mut moved = Vec::new();
    for chunk in ids.chunks(ROWS) {
        let hit: Vec<ReviewItemId> = diesel::update(
            review_items::table
                .filter(review_items::id.eq_any(chunk))
                .filter(review_items::outcome.eq_any(&from)),
        )
        .set((
            review_items::outcome.eq(to.as_str()),
            review_items::applied_at.eq(now),
            review_items::rev.eq(review_items::rev + 1),
        ))
        .returning(review_items::id)
        .get_results(tx.db())?;
        moved.extend(hit);
    }
    Ok(moved)
}

pub fn save_undone(tx: &mut Tx<'_>, item: &Item, by: Option<PersonId>) -> Result<()> {
    let now = tx.now();
    let row = review_items::table
        .find(item.id)
        .filter(review_items::rev.eq(item.rev))
        .filter(review_items::outcome.eq(Outcome::Planned.as_str()));
    hit_one(
        diesel::update(row)
            .set((
                review_items::outcome.eq(Outcome::Undone.as_str()),
                review_items::apply_at.eq(None::<Ts>),
                review_items::applied_at.eq(now),
                review_items::undone_by.eq(by),
                review_items::rev.eq(item.rev + 1),
            ))
            .execute(tx.db())?,
    )
}

/// Somebody has done by hand what was left to do.
pub fn save_proof(tx: &mut Tx<'_>, item: &Item, by: PersonId, proof: &str) -> Result<()> {
    let now = tx.now();
    let from = [Outcome::ByHand.as_str(), Outcome::Failed.as_str()];
    let row = review_items::table
        .find(item.id)
        .filter(review_items::rev.eq(item.rev))
        .filter(review_items::outcome.eq_any(from));
    hit_one(
        diesel::update(row)
            .set((
                review_items::outcome.eq(Outcome::Removed.as_str()),
                review_items::applied_at.eq(now),
                review_items::rev.eq(item.rev + 1),
            ))
            .execute(tx.db())?,
    )?;
    diesel::insert_into(review_proofs::table)
        .values((
            review_proofs::item_id.eq(item.id),
            review_proofs::instance_id.eq(item.instance),
            review_proofs::at.eq(now),
            review_proofs::person_id.eq(by),
            review_proofs::proof.eq(proof),
        ))
        .execute(tx.db())
        .map_err(stale_if_taken)?;
    Ok(())
}

/// Takes every answer of a stage away; returns how many there were. What earlier stages decided stays.
pub fn reset(tx: &mut Tx<'_>, id: ReviewInstanceId, stage: i64) -> Result<usize> {
    let hit = diesel::update(
        review_items::table
            .filter(review_items::pool_id.eq_any(pools_of(id, stage)))
            .filter(review_items::outcome.is_null())
            .filter(review_items::answer.is_not_null()),
    )
    .set((
        review_items::answer.eq(None::<String>),
        review_items::until_at.eq(None::<Ts>),
        review_items::note.eq(None::<String>),
        review_items::answered_by.eq(None::<PersonId>),
        review_items::answered_for.eq(None::<PersonId>),
        review_items::answered_at.eq(None::<Ts>),
        review_items::first_answer.eq(None::<String>),
        review_items::batch_id.eq(None::<AnswerBatchId>),
        review_items::rev.eq(review_items::rev + 1),
    ))
    .execute(tx.db())?;
    let asked = review_reviewers::table
        .filter(review_reviewers::pool_id.eq_any(pools_of(id, stage)))
        .select(review_reviewers::person_id);
    let signed = review_signoffs::table
        .filter(review_signoffs::instance_id.eq(id))
        .filter(review_signoffs::person_id.eq_any(asked));
    diesel::delete(signed).execute(tx.db())?;
    Ok(hit)
}

/// What somebody signs off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Signed {
    pub kept: i64,
    pub removed: i64,
    pub shortened: i64,
    pub unknown: i64,
}

pub fn save_signoff(
    tx: &mut Tx<'_>,
    id: ReviewInstanceId,
    person: PersonId,
    signed: Signed,
) -> Result<()> {
    let now = tx.now();
    let row = review_signoffs::instance_id.eq(id).and(review_signoffs::person_id.eq(person));
    diesel::delete(review_signoffs::table.filter(row)).execute(tx.db())?;
    diesel::insert_into(review_signoffs::table)
        .values((
            review_signoffs::instance_id.eq(id),
            review_signoffs::person_id.eq(person),
            review_signoffs::at.eq(now),
            review_signoffs::kept.eq(signed.kept),
            review_signoffs::removed.eq(signed.removed),
            review_signoffs::shortened.eq(signed.shortened),
            review_signoffs::unknown.eq(signed.unknown),
        ))
        .execute(tx.db())
        .map_err(stale_if_taken)?;
    Ok(())
}

/// Asks the owners to describe a package; false where they are asked already.
pub fn ask_description(tx: &mut Tx<'_>, package: PackageId, id: ReviewInstanceId) -> Result<bool> {
    let now = tx.now();
    let open = description_tasks::table
        .filter(description_tasks::package_id.eq(package))
        .filter(description_tasks::done_at.is_null());
    if open.count().get_result::<i64>(tx.db())? > 0 {
        return Ok(false);
    }
    diesel::insert_into(description_tasks::table)
        .values((
            description_tasks::id.eq(DescriptionTaskId::fresh()),
            description_tasks::package_id.eq(package),
            description_tasks::instance_id.eq(id),
            description_tasks::asked_at.eq(now),
        ))
        .execute(tx.db())
        .map_err(stale_if_taken)?;
    Ok(true)
}

/// The owner has done what was asked. False when nothing was, or somebody was faster.
pub fn save_described(tx: &mut Tx<'_>, package: PackageId) -> Result<bool> {
    let now = tx.now();
    let open = description_tasks::table
        .filter(description_tasks::package_id.eq(package))
        .filter(description_tasks::done_at.is_null());
    Ok(diesel::update(open).set(description_tasks::done_at.eq(now)).execute(tx.db())? > 0)
}

/// What a stage before answered stands, because nobody answered after it.
pub fn restore(tx: &mut Tx<'_>, item: &Item, earlier: &Earlier) -> Result<()> {
    let row = review_items::table.find(item.id).filter(review_items::rev.eq(item.rev));
    hit_one(
        diesel::update(row.filter(review_items::outcome.is_null()))
            .set((
                review_items::answer.eq(earlier.answer.as_str()),
                review_items::until_at.eq(earlier.until),
                review_items::note.eq(&earlier.note),
                review_items::answered_by.eq(earlier.by),
                review_items::answered_for.eq(earlier.instead_of),
                review_items::answered_at.eq(earlier.at),
                review_items::rev.eq(item.rev + 1),
            ))
            .execute(tx.db())?,
    )
}
