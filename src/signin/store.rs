//! Who could be meant, and whose account is whose. Only this slice's commands write.

use diesel::prelude::*;

use super::oidc::Identity;
use super::rules::Candidate;
use crate::db::schema::{people, profiles};
use crate::db::{Db, Tx, stale_if_taken};
use crate::error::{Error, Result};
use crate::kernel::PersonId;

/// More people than this are never meant at once.
const CANDIDATES: i64 = 50;

/// Everybody who has the id, the mail address or the account, also those who have left.
///
/// # Errors
/// When the database does not answer.
pub fn candidates(db: &mut Db, identity: &Identity) -> Result<Vec<Candidate>> {
    type Row = (PersonId, String, String, Option<String>, bool, Option<String>, Option<String>);
    let account = people::issuer.eq(&identity.issuer).and(people::subject.eq(&identity.subject));
    // Without a mail address this compares with NULL, and so with nobody.
    let mail = people::mail.eq(identity.mail.as_ref().map(|mail| mail.to_lowercase()));
    let rows: Vec<Row> = people::table
        .filter(people::external_id.eq(&identity.person_key).or(mail).or(account))
        .order(people::id)
        .limit(CANDIDATES)
        .select((
            people::id,
            people::name,
            people::external_id,
            people::mail,
            people::enabled,
            people::issuer,
            people::subject,
        ))
        .load(db)?;
    let candidate = |(id, name, external_id, mail, enabled, issuer, subject): Row| Candidate {
        id,
        name,
        external_id,
        mail,
        enabled,
        pin: issuer.zip(subject),
    };
    Ok(rows.into_iter().map(candidate).collect())
}

/// True if somebody looks after the installation.
///
/// # Errors
/// When the database does not answer.
pub fn has_administrator(db: &mut Db) -> Result<bool> {
    let some = people::table.filter(people::administrator).filter(people::enabled);
    Ok(some.select(people::id).first::<PersonId>(db).optional()?.is_some())
}

/// What a person chooses for themselves; what is none stays as it is.
#[derive(Clone, Debug, Default, AsChangeset)]
#[diesel(table_name = profiles)]
pub struct Choice {
    /// The IANA name of the zone in whose clock they read times; none inside for the organization's.
    pub time_zone: Option<Option<String>>,
    /// Which mails they get: "all", or "needed" for those that ask something of them.
    pub mail: Option<&'static str>,
    /// Whether single letters are shortcuts (F4).
    pub shortcuts: Option<bool>,
}

/// Whether the person wants only mails that ask something of them.
pub(super) fn only_needed_mails(db: &mut Db, person: PersonId) -> Result<bool> {
    let needed = profiles::table.find(person).select(profiles::mail.eq("needed"));
    Ok(needed.first(db).optional()?.unwrap_or(false))
}

pub(super) fn save_choice(tx: &mut Tx<'_>, person: PersonId, choice: &Choice) -> Result<()> {
    let row = (
        profiles::person_id.eq(person),
        profiles::time_zone.eq(choice.time_zone.clone().flatten()),
        profiles::mail.eq(choice.mail.unwrap_or("all")),
        profiles::shortcuts.eq(choice.shortcuts.unwrap_or(true)),
    );
    crate::each_backend!(tx.db(), |c| {
        diesel::insert_into(profiles::table)
            .values(&row)
            .on_conflict(profiles::person_id)
            .do_update()
            .set(choice)
            .execute(c)?
    });
    Ok(())
}

/// Pins the account to a person who has none, for good. Somebody who has left gives it free.
pub(super) fn pin(tx: &mut Tx<'_>, person: PersonId, identity: &Identity) -> Result<()> {
    let none = (people::issuer.eq(None::<String>), people::subject.eq(None::<String>));
    let before = people::table
        .filter(people::issuer.eq(&identity.issuer))
        .filter(people::subject.eq(&identity.subject))
        .filter(people::enabled.eq(false));
    diesel::update(before).set(none).execute(tx.db())?;
    let account = (people::issuer.eq(&identity.issuer), people::subject.eq(&identity.subject));
    let free = people::table.find(person).filter(people::issuer.is_null()).filter(people::enabled);
    match diesel::update(free).set(account).execute(tx.db()).map_err(stale_if_taken)? {
        1 => Ok(()),
        _ => Err(Error::Stale),
    }
}
