//! A form is kept until it is sent. It is its author's own note: no fact, and nobody else is touched.

use crate::access::{Permit, RequestAccess};
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::kernel::{PackageId, PersonId};
use crate::requests::drafts::{self, BASKET_MAX};
use crate::requests::eligibility::Position;
use crate::requests::forms::AskForm;

/// Keeps a form for the permit's person; with `in_basket` it goes there or leaves it, without it stays where it is.
///
/// # Errors
/// `Missing` for a package out of sight, `Refused` when the basket is full.
pub fn keep_draft(
    tx: &mut Tx<'_>,
    permit: &Permit<RequestAccess>,
    position: &Position,
    form: &AskForm,
    in_basket: Option<bool>,
) -> Result<()> {
    let (target, package) = (PersonId(permit.about()), position.package);
    let author = tx.actor().id().ok_or(Error::Missing)?;
    if position.target.id != target || !position.visible() {
        return Err(Error::Missing);
    }
    if in_basket == Some(true) {
        let there = drafts::basket(tx.db(), author)?;
        let others = there.iter().filter(|d| d.target == target && d.package != package).count();
        if others >= BASKET_MAX {
            return Err(Error::refused(
                "The basket is full",
                format!("It holds {BASKET_MAX} access packages. Send it, or take something out."),
            ));
        }
    }
    drafts::keep(tx, (author, target, package), form, in_basket)
}

/// Takes a package out of one's own basket; what was filled in stays a draft, an empty form goes.
///
/// # Errors
/// When the database does not answer.
pub fn take_out(tx: &mut Tx<'_>, target: PersonId, package: PackageId) -> Result<bool> {
    let author = tx.actor().id().ok_or(Error::Missing)?;
    let Some(draft) = drafts::one(tx.db(), author, target, package)? else { return Ok(false) };
    if draft.form.is_blank() {
        drafts::forget(tx, author, target, package)?;
        return Ok(false);
    }
    drafts::keep(tx, (author, target, package), &draft.form, Some(false))?;
    Ok(true)
}

/// Forgets one's own draft. Sent twice, it is gone once.
///
/// # Errors
/// When the database does not answer.
pub fn drop_draft(tx: &mut Tx<'_>, target: PersonId, package: PackageId) -> Result<()> {
    let author = tx.actor().id().ok_or(Error::Missing)?;
    drafts::forget(tx, author, target, package)
}
