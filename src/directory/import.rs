//! An import as one transaction, for real or as a dry run, which does everything and takes it back.

use std::fmt;

use super::commands::{self, LeaverHook, MembersHook};
use super::feed::Entry;
use super::groups_feed::Membership;
use super::model::{GroupsOutcome, Outcome};
use super::store;
use crate::access::policy::run_system;
use crate::db::{By, Database, Db, Tx};
use crate::error::{Error, Result};
use crate::kernel::PersonId;

/// The name that the audit log shows for imports.
const IMPORT: By = By::System("Import");

/// How a staff list is imported.
#[derive(Clone, Debug)]
pub struct Rules {
    /// The name of the list; people of other lists are left alone.
    pub source: String,
    /// How many per cent of its people may leave at most, unless it is the first list.
    pub allow_leavers: u32,
    /// The administrators of the configuration, by id or mail: they never leave.
    pub administrators: Vec<String>,
    /// What else ends when a person leaves.
    pub hooks: Vec<LeaverHook>,
    /// Whether everything is taken back at the end.
    pub dry_run: bool,
}

/// Imports the whole list of a source.
///
/// # Errors
/// `Refused` if too many would leave; nothing is changed then.
pub fn people(db: &Database, entries: Vec<Entry>, rules: Rules) -> Result<Outcome> {
    transaction(db, rules.dry_run, move |tx| {
        let permit = run_system(tx.actor())?;
        let protected = protected(tx.db(), &rules.administrators)?;
        let Rules { source, allow_leavers, hooks, .. } = &rules;
        let entries = entries.clone();
        commands::import_people(tx, &permit, source, entries, &protected, *allow_leavers, hooks)
    })
}

/// Imports groups with their members.
///
/// # Errors
/// `Invalid` with every member whom nobody or more than one is; nothing is changed then.
pub fn groups(
    db: &Database,
    memberships: Vec<Membership>,
    hooks: Vec<MembersHook>,
    dry_run: bool,
) -> Result<GroupsOutcome> {
    transaction(db, dry_run, move |tx| {
        let permit = run_system(tx.actor())?;
        commands::import_groups(tx, &permit, &memberships, &hooks)
    })
}

/// Whoever may be meant is protected: better one too many than the only administrator gone.
fn protected(db: &mut Db, administrators: &[String]) -> Result<Vec<PersonId>> {
    let mut ids = Vec::new();
    for administrator in administrators {
        ids.extend(store::by_id_or_mail(db, administrator)?.into_iter().map(|person| person.id));
    }
    Ok(ids)
}

fn transaction<T, F>(db: &Database, dry_run: bool, f: F) -> Result<T>
where
    T: fmt::Debug + Send + Sync + 'static,
    F: Fn(&mut Tx<'_>) -> Result<T> + Send + Sync + 'static,
{
    let result = db.write(IMPORT, move |tx| match f(tx)? {
        outcome if dry_run => Err(Error::Broken(TakenBack(outcome).into())),
        outcome => Ok(outcome),
    });
    match result {
        Err(Error::Broken(error)) => {
            error.downcast::<TakenBack<T>>().map(|dry| dry.0).map_err(Error::Broken)
        }
        result => result,
    }
}

/// What a dry run came to; an error, because an error takes everything back.
#[derive(Debug)]
struct TakenBack<T>(T);

impl<T> fmt::Display for TakenBack<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a dry run is taken back")
    }
}

impl<T: fmt::Debug> std::error::Error for TakenBack<T> {}
