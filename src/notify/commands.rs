//! What people do with notices and mails.

use super::store;
use crate::access::{ManageMail, Permit};
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::kernel::{About, Fact, NoticeId, Ts};

/// Marks one's own notices up to a time as read; returns how many. Like a session's last-seen, no fact tells of it.
///
/// # Errors
/// `Denied` for the system, which has none.
pub fn mark_read(tx: &mut Tx<'_>, upto: Ts) -> Result<usize> {
    let me = tx.actor().id().ok_or_else(|| Error::Denied("Sign in first.".into()))?;
    store::mark_read(tx, me, upto)
}

/// Sends a failed mail again, at once. False when it has not failed, or no longer.
///
/// # Errors
/// `Missing` when there is no such mail.
pub fn try_again(tx: &mut Tx<'_>, _: &Permit<ManageMail>, id: NoticeId) -> Result<bool> {
    let (person, name, _) = store::recipient(tx.db(), id)?;
    if store::try_again(tx, Some(id))? == 0 {
        return Ok(false);
    }
    tx.record(&Fact::MailTriedAgain { mails: 1 }, About::nothing().person(person, name))?;
    Ok(true)
}

/// Sends all failed mails again, at once; returns how many.
///
/// # Errors
/// When the database does not answer.
pub fn try_all_again(tx: &mut Tx<'_>, _: &Permit<ManageMail>) -> Result<usize> {
    let count = store::try_again(tx, None)?;
    if count > 0 {
        let mails = i64::try_from(count).unwrap_or(i64::MAX);
        tx.record(&Fact::MailTriedAgain { mails }, About::nothing())?;
    }
    Ok(count)
}
