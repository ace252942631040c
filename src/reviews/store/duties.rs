//! What runs of reviews need of those who look after them.

use diesel::dsl::count_star;
use diesel::prelude::*;

use crate::db::Db;
use crate::db::schema::{review_instances, review_items, reviews};
use crate::error::Result;
use crate::kernel::{CatalogId, ReviewInstanceId};
use crate::reviews::model::{Outcome, State};

/// Something that a run of a review needs of whoever looks after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Duty {
    /// The run.
    pub id: ReviewInstanceId,
    /// What it is called.
    pub name: String,
    /// Which run of its review.
    pub number: i64,
    /// What it needs.
    pub needs: Needs,
}

/// What a run of a review needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// So many removals by hand.
    ByHand(i64),
    /// It could not start (D27).
    Start,
    /// Somebody confirms what silence would remove (D30).
    Confirmation,
}

/// What runs of reviews need, of these catalogs or of all: at most `limit` that are stuck, and as many with removals by
/// hand. Two statements.
///
/// # Errors
/// When the database does not answer.
pub fn of(db: &mut Db, catalogs: Option<&[CatalogId]>, limit: i64) -> Result<Vec<Duty>> {
    let n = review_instances::table;
    let mut by_hand = review_items::table
        .inner_join(n)
        .filter(review_items::outcome.eq(Outcome::ByHand.as_str()))
        .group_by((review_instances::id, review_instances::name, review_instances::number))
        .order((review_instances::name, review_instances::id))
        .select((
            review_instances::id,
            review_instances::name,
            review_instances::number,
            count_star(),
        ))
        .limit(limit)
        .into_boxed();
    let mut stuck = n
        .inner_join(reviews::table)
        .filter(
            review_instances::state.eq(State::Confirming.as_str()).or(review_instances::state
                .eq(State::Refused.as_str())
                // Whoever has ended it, or lets it start once more, need not look at that one.
                .and(review_instances::number.eq(reviews::number))
                .and(reviews::ended_at.is_null())),
        )
        // First what waits to be confirmed.
        .order((review_instances::state, review_instances::name, review_instances::id))
        .select((
            review_instances::id,
            review_instances::name,
            review_instances::number,
            review_instances::state,
        ))
        .limit(limit)
        .into_boxed();
    if let Some(catalogs) = catalogs {
        by_hand = by_hand.filter(review_instances::catalog_id.eq_any(catalogs.to_vec()));
        stuck = stuck.filter(review_instances::catalog_id.eq_any(catalogs.to_vec()));
    }
    let by_hand: Vec<(ReviewInstanceId, String, i64, i64)> = by_hand.load(db)?;
    let stuck: Vec<(ReviewInstanceId, String, i64, String)> = stuck.load(db)?;
    let by_hand = by_hand.into_iter().map(|(id, name, number, n)| Duty {
        id,
        name,
        number,
        needs: Needs::ByHand(n),
    });
    let stuck = stuck.into_iter().map(|(id, name, number, state)| {
        let starts = state == State::Refused.as_str();
        let needs = if starts { Needs::Start } else { Needs::Confirmation };
        Duty { id, name, number, needs }
    });
    Ok(stuck.chain(by_hand).collect())
}
