//! What somebody has filled in and not sent yet: one draft for each person that they ask for and each package. Those in
//! the basket are sent together. Nobody but its author sees a draft.

use diesel::prelude::*;

use super::forms::AskForm;
use crate::db::schema::{packages, people, request_drafts};
use crate::db::{Db, Tx, stale_if_taken};
use crate::error::{Error, Result};
use crate::kernel::{PackageId, PersonId, Ts};

/// As many packages as are sent together.
pub const BASKET_MAX: usize = 20;

/// As many bytes as a form may have that waits.
const FORM_MAX: usize = 64 * 1024;

/// A form that waits.
#[derive(Clone, Debug)]
pub struct Draft {
    /// For whom.
    pub target: PersonId,
    /// Their name.
    pub target_name: String,
    /// What.
    pub package: PackageId,
    /// Its name.
    pub package_name: String,
    /// What was typed.
    pub form: AskForm,
    /// Whether it is sent with others.
    pub in_basket: bool,
    /// When it was last kept.
    pub at: Ts,
}

type Row = (PersonId, String, PackageId, String, String, bool, Ts);

/// The query that a `Draft` is read with.
macro_rules! drafts_of {
    ($person:expr) => {
        request_drafts::table
            .inner_join(people::table.on(people::id.eq(request_drafts::target_id)))
            .inner_join(packages::table.on(packages::id.eq(request_drafts::package_id)))
            .filter(request_drafts::person_id.eq($person))
            .select((
                request_drafts::target_id,
                people::name,
                request_drafts::package_id,
                packages::name,
                request_drafts::form,
                request_drafts::in_basket,
                request_drafts::updated_at,
            ))
    };
}

fn draft(row: Row) -> Result<Draft> {
    let (target, target_name, package, package_name, form, in_basket, at) = row;
    let form = AskForm::read(&serde_json::from_str(&form)?);
    Ok(Draft { target, target_name, package, package_name, form, in_basket, at })
}

/// The draft of a person for somebody and a package.
///
/// # Errors
/// When the database does not answer.
pub fn one(
    db: &mut Db,
    person: PersonId,
    target: PersonId,
    package: PackageId,
) -> Result<Option<Draft>> {
    let row: Option<Row> = drafts_of!(person)
        .filter(request_drafts::target_id.eq(target))
        .filter(request_drafts::package_id.eq(package))
        .first(db)
        .optional()?;
    row.map(draft).transpose()
}

/// The newest drafts of a person. One statement.
///
/// # Errors
/// When the database does not answer.
pub fn of_person(db: &mut Db, person: PersonId, limit: i64) -> Result<Vec<Draft>> {
    let rows: Vec<Row> = drafts_of!(person)
        .order((request_drafts::updated_at.desc(), request_drafts::package_id))
        .limit(limit)
        .load(db)?;
    rows.into_iter().map(draft).collect()
}

/// What is in a person's basket, for whomever, by package. One statement.
///
/// # Errors
/// When the database does not answer.
pub fn basket(db: &mut Db, person: PersonId) -> Result<Vec<Draft>> {
    let rows: Vec<Row> = drafts_of!(person)
        .filter(request_drafts::in_basket.eq(true))
        .order((packages::name_key, packages::id, people::name, people::id))
        .limit(200)
        .load(db)?;
    rows.into_iter().map(draft).collect()
}

// ---- writes: only for this slice's commands ----

/// Keeps a form in place of what was kept before; without `in_basket` it stays where it is.
pub(super) fn keep(
    tx: &mut Tx<'_>,
    (person, target, package): (PersonId, PersonId, PackageId),
    form: &AskForm,
    in_basket: Option<bool>,
) -> Result<()> {
    let (now, text) = (tx.now(), serde_json::to_string(&form.pairs())?);
    if text.len() > FORM_MAX {
        return Err(Error::invalid("reason", "Shorten what you have typed, all of it together"));
    }
    let row = request_drafts::table.find((person, target, package));
    let there: Option<bool> = row.select(request_drafts::in_basket).first(tx.db()).optional()?;
    let in_basket = in_basket.or(there).unwrap_or(false);
    let kept = (
        request_drafts::form.eq(&text),
        request_drafts::in_basket.eq(in_basket),
        request_drafts::updated_at.eq(now),
    );
    if there.is_some() {
        let hit = diesel::update(row).set(kept).execute(tx.db())?;
        return if hit == 1 { Ok(()) } else { Err(Error::Stale) };
    }
    diesel::insert_into(request_drafts::table)
        .values((
            request_drafts::person_id.eq(person),
            request_drafts::target_id.eq(target),
            request_drafts::package_id.eq(package),
            kept.0,
            kept.1,
            kept.2,
        ))
        .execute(tx.db())
        .map_err(stale_if_taken)?;
    Ok(())
}

/// Forgets a draft; nothing happens where there is none.
pub(super) fn forget(
    tx: &mut Tx<'_>,
    person: PersonId,
    target: PersonId,
    package: PackageId,
) -> Result<()> {
    diesel::delete(request_drafts::table.find((person, target, package))).execute(tx.db())?;
    Ok(())
}
