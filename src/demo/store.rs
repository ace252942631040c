//! What the demo's own pages read beyond what every page may.

use diesel::prelude::*;

use crate::db::schema::{notices, people};
use crate::db::{Db, Seek, Tx};
use crate::error::Result;
use crate::kernel::{NoticeId, Ts};

/// A notice that would have been mailed.
#[derive(Clone, Debug, Queryable)]
pub struct Letter {
    /// Its id.
    pub id: NoticeId,
    /// When it would have been mailed.
    pub at: Ts,
    /// To whom.
    pub user_name: String,
}

/// A page of notices, newest first; `to` is a user name, a mail address or a full name.
///
/// # Errors
/// When the database does not answer.
pub fn letters(
    db: &mut Db,
    to: &str,
    from: Option<Seek<NoticeId>>,
    limit: i64,
) -> Result<Vec<Letter>> {
    let (at, id) = (notices::at, notices::id);
    let mut query = notices::table
        .inner_join(people::table)
        .select((id, at, people::external_id))
        .limit(limit)
        .into_boxed();
    if !to.is_empty() {
        let mail = to.to_lowercase();
        query = query.filter(
            people::external_id
                .eq(to.to_owned())
                .or(people::name.eq(to.to_owned()))
                .or(people::mail.eq(mail)),
        );
    }
    query = match from {
        Some(from) if from.back => query
            .filter(at.gt(from.at).or(at.eq(from.at).and(id.gt(from.id))))
            .order((at.asc(), id.asc())),
        Some(from) => query
            .filter(at.lt(from.at).or(at.eq(from.at).and(id.lt(from.id))))
            .order((at.desc(), id.desc())),
        None => query.order((at.desc(), id.desc())),
    };
    Ok(query.load(db)?)
}

/// Everybody has read what they were told before.
///
/// # Errors
/// When the database does not answer.
pub fn read_before(tx: &mut Tx<'_>, at: Ts) -> Result<()> {
    diesel::update(notices::table.filter(notices::at.lt(at)))
        .set(notices::read_at.eq(Some(at)))
        .execute(tx.db())?;
    Ok(())
}
