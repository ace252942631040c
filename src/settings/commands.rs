//! Changing the organization's settings.

use super::model::{COOLING_MAX, STAND_IN_MAX, Settings, UNDO_MAX};
use super::store;
use crate::access::{ManageSettings, Permit};
use crate::db::Tx;
use crate::error::{Error, FieldError, Result};
use crate::kernel::fact::Change;
use crate::kernel::text::{one_line, tidy};
use crate::kernel::{About, Fact};

/// The longest words of the help contact, in characters.
const HELP_MAX: usize = 300;

/// Changes the settings, whatever they were. What is as it was changes nothing and records nothing.
///
/// # Errors
/// `Invalid` by field.
pub fn change(tx: &mut Tx<'_>, permit: &Permit<ManageSettings>, new: &Settings) -> Result<()> {
    let seen = store::revision(tx.db())?;
    change_seen(tx, permit, seen, new)
}

/// Changes the settings for somebody who saw them at the revision `seen`.
///
/// # Errors
/// `Invalid` by field; `Refused` if somebody else has changed them since.
pub fn change_seen(
    tx: &mut Tx<'_>,
    _permit: &Permit<ManageSettings>,
    seen: i64,
    new: &Settings,
) -> Result<()> {
    let help = new.help.as_deref().map(|words| one_line(&tidy(words))).filter(|w| !w.is_empty());
    let new = Settings { help, ..new.clone() };
    let mut errors = Vec::new();
    if new.help.as_ref().is_some_and(|words| words.chars().count() > HELP_MAX) {
        errors.push(FieldError::new(
            "help",
            format!("Shorten the help contact to {HELP_MAX} characters"),
        ));
    }
    if !(0..=UNDO_MAX).contains(&new.undo_seconds) {
        let words = format!("Choose an undo window of 0 to {UNDO_MAX} seconds");
        errors.push(FieldError::new("undo", words));
    }
    if !(1..=STAND_IN_MAX).contains(&new.stand_in_days) {
        let words = format!("Choose a longest time for stand-ins of 1 to {STAND_IN_MAX} days");
        errors.push(FieldError::new("stand-in", words));
    }
    if !(0..=100).contains(&new.silent_share) {
        errors.push(FieldError::new("silent-share", "Choose a share of 0 to 100 percent"));
    }
    if !(0..=COOLING_MAX).contains(&new.cooling_hours) {
        let words = format!("Choose a cooling-off time of 0 to {COOLING_MAX} hours");
        errors.push(FieldError::new("cooling", words));
    }
    if !errors.is_empty() {
        return Err(Error::Invalid(errors));
    }
    let rev = store::revision(tx.db())?;
    let old = store::organization(tx.db())?;
    let yes = |on: bool| if on { "shown" } else { "hidden" };
    let words = |help: &Option<String>| help.clone().unwrap_or_default();
    let changes: Vec<Change> = [
        Change::between("help contact", words(&old.help), words(&new.help)),
        Change::between("approvers’ names", yes(old.approver_names), yes(new.approver_names)),
        Change::between("undo window in seconds", old.undo_seconds, new.undo_seconds),
        Change::between("longest stand-in in days", old.stand_in_days, new.stand_in_days),
        Change::between("share that silence may remove", old.silent_share, new.silent_share),
        Change::between("cooling-off time in hours", old.cooling_hours, new.cooling_hours),
    ]
    .into_iter()
    .flatten()
    .collect();
    if changes.is_empty() {
        return Ok(());
    }
    if rev != seen {
        let words: Vec<String> =
            changes.iter().map(|one| format!("{} is “{}” now", one.field, one.from)).collect();
        let why =
            format!("Nothing of yours was saved. What differs from yours: {}.", words.join("; "));
        return Err(Error::refused("The settings changed while you were editing", why));
    }
    store::count(tx, rev)?;
    store::save(tx, &new)?;
    tx.record(&Fact::SettingsChanged { changes }, About::nothing())
}
