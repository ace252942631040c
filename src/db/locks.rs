//! Locks for rules that look across rows, which no row's own state guards (E9): who locks first is done before the
//! other looks. SQLite has one writer and needs none.

use diesel::prelude::*;

use super::backend::Db;
use super::schema::{packages, people, review_instances};
use super::tx::Tx;
use crate::error::Result;
use crate::kernel::{PackageId, PersonId, ReviewInstanceId};

/// Whatever starts or ends access of these people, or delivers it, waits until this transaction is done. They are
/// locked in the order of their ids, so that two who lock several do not wait for each other.
///
/// # Errors
/// When the database does not answer.
pub fn lock_people(tx: &mut Tx<'_>, ids: &[PersonId]) -> Result<()> {
    if let Db::Pg(connection) = tx.db() {
        people::table
            .filter(people::id.eq_any(ids))
            .order(people::id)
            .select(people::id)
            .for_no_key_update()
            .load::<PersonId>(connection)?;
    }
    Ok(())
}

/// Nobody of these people leaves until this transaction is done. False when somebody of them has left.
///
/// # Errors
/// When the database does not answer.
pub fn hold_people(tx: &mut Tx<'_>, ids: &[PersonId]) -> Result<bool> {
    let enabled = people::table
        .filter(people::id.eq_any(ids))
        .filter(people::enabled.eq(true))
        .order(people::id)
        .select(people::id);
    let enabled: Vec<PersonId> = match tx.db() {
        Db::Pg(connection) => enabled.for_share().load(connection)?,
        Db::Sqlite(connection) => enabled.load(connection)?,
    };
    Ok(ids.iter().all(|id| enabled.contains(id)))
}

/// Whoever changes what is in the package waits until this transaction is done, and so does who starts its
/// assignments.
///
/// # Errors
/// When the database does not answer.
pub fn lock_package(tx: &mut Tx<'_>, id: PackageId) -> Result<()> {
    if let Db::Pg(connection) = tx.db() {
        packages::table
            .find(id)
            .select(packages::id)
            .for_no_key_update()
            .load::<PackageId>(connection)?;
    }
    Ok(())
}

/// What is in the package stays as it is until this transaction is done.
///
/// # Errors
/// When the database does not answer.
pub fn hold_package(tx: &mut Tx<'_>, id: PackageId) -> Result<()> {
    if let Db::Pg(connection) = tx.db() {
        packages::table.find(id).select(packages::id).for_share().load::<PackageId>(connection)?;
    }
    Ok(())
}

/// Nobody closes the instance of a review until this transaction is done: those who answer share it.
///
/// # Errors
/// When the database does not answer.
pub fn hold_review(tx: &mut Tx<'_>, id: ReviewInstanceId) -> Result<()> {
    if let Db::Pg(connection) = tx.db() {
        let row = review_instances::table.find(id).select(review_instances::id);
        row.for_share().load::<ReviewInstanceId>(connection)?;
    }
    Ok(())
}

/// Nobody answers in the instance of a review until this transaction is done.
///
/// # Errors
/// When the database does not answer.
pub fn lock_review(tx: &mut Tx<'_>, id: ReviewInstanceId) -> Result<()> {
    if let Db::Pg(connection) = tx.db() {
        let row = review_instances::table.find(id).select(review_instances::id);
        row.for_update().load::<ReviewInstanceId>(connection)?;
    }
    Ok(())
}
