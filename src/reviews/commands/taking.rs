//! The removal of what a target system said that it holds: what gives it here is ended, and the rest is taken away there.

use std::collections::BTreeMap;

use crate::assignments;
use crate::assignments::rights::Claiming;
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::kernel::fact::EndReason;
use crate::kernel::{Fact, PersonId, ReviewInstanceId, ReviewItemId, RoleId};
use crate::reviews::model::{Instance, Item, Outcome};
use crate::reviews::store::{self, rows, writes};

use super::answering::about;
use super::closing::{CHUNK, by_hand};

/// Begins the removals whose cooling-off time is over on one target system, or on those that are configured no longer:
/// there somebody removes it by hand. Returns how many items it took.
///
/// # Errors
/// `Stale` when somebody undoes one of them now.
pub fn take_away(
    tx: &mut Tx<'_>,
    targets: &Claiming<'_>,
    only: Option<ReviewItemId>,
) -> Result<usize> {
    let now = tx.now();
    let mut due = rows::due(tx.db(), now, targets, CHUNK)?;
    due.retain(|(item, _)| only.is_none_or(|id| id == item.id));
    if due.is_empty() {
        return Ok(0);
    }
    let ids: Vec<ReviewItemId> = due.iter().map(|(item, _)| item.id).collect();
    // Whoever undoes one of them comes before or after, never in between.
    let moved = writes::move_outcome(tx, &ids, &[Outcome::Planned], Outcome::Removing)?;
    if moved.len() != ids.len() {
        return Err(Error::Stale);
    }
    let given: Vec<(PersonId, RoleId, &str)> = due
        .iter()
        .map(|(item, role)| (item.person, *role, item.note.as_deref().unwrap_or_default()))
        .collect();
    assignments::commands::end_giving(tx, &given, EndReason::Review)?;
    match targets {
        Claiming::Of(_) => {
            let all: Vec<(PersonId, RoleId)> =
                due.iter().map(|(item, role)| (item.person, *role)).collect();
            assignments::commands::withdraw(tx, &all)?;
            begun(tx, &due)?;
        }
        Claiming::NotOf(_) => {
            let items: Vec<Item> = due.iter().map(|(item, _)| item.clone()).collect();
            by_hand(tx, &items)?;
        }
    }
    Ok(due.len())
}

fn begun(tx: &mut Tx<'_>, due: &[(Item, RoleId)]) -> Result<()> {
    let mut instances: BTreeMap<ReviewInstanceId, Instance> = BTreeMap::new();
    let mut facts = Vec::with_capacity(due.len());
    for (item, _) in due {
        let instance = match instances.get(&item.instance) {
            Some(instance) => instance.clone(),
            None => {
                let read = store::instance(tx.db(), item.instance)?;
                instances.insert(item.instance, read.clone());
                read
            }
        };
        let note = item.note.clone().unwrap_or_default();
        let fact = Fact::RemovalBegun { review: instance.name.clone() };
        facts.push((fact, about(&instance, item).note(note)));
    }
    tx.record_all(facts)
}
