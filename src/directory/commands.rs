//! The changes to people and groups. Each is one transaction that ends whole or not at all.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::diff::{Joiner, Plan, guard, plan};
use super::feed::Entry;
use super::groups_feed::{self, Membership};
use super::model::{GlobalRole, GroupsOutcome, Outcome};
use super::problem::Problem;
use super::store::{self, Listed, Mark};
use crate::access::{Permit, RunSystem};
use crate::db::Tx;
use crate::error::{Error, FieldError, Result};
use crate::kernel::{About, Fact, GroupId, PersonId};

/// What else ends when a person leaves (D26): requests, assignments, approvals. The slices above
/// give these, so that the directory knows none of them. Called once for each, after everybody
/// of the list is stored and [`Fact::PersonLeft`] is recorded.
pub type LeaverHook = fn(&mut Tx<'_>, PersonId, &str) -> Result<()>;

/// What else ends when people leave a group: approvals that they were asked for through it (D37). Called once for each
/// group, after its members are stored.
pub type MembersHook = fn(&mut Tx<'_>, GroupId, &[PersonId]) -> Result<()>;

/// Makes the people of `source` what the whole list says: joiners, movers, leavers, managers.
/// `protected` never leave, and at most `allow` per cent may, unless it is the first list (E24).
///
/// # Errors
/// `Refused` if too many would leave; nothing is changed then.
pub fn import_people(
    tx: &mut Tx<'_>,
    _permit: &Permit<RunSystem>,
    source: &str,
    entries: Vec<Entry>,
    protected: &[PersonId],
    allow: u32,
    hooks: &[LeaverHook],
) -> Result<Outcome> {
    let (known, marks) = store::known(tx.db(), source, protected)?;
    let plan = plan(&known, entries);
    guard(&plan, known.iter().filter(|k| k.enabled).count(), allow).map_err(|refusal| {
        Error::refused("The staff list was not imported", refusal.to_string())
    })?;
    let outcome = Outcome::from(&plan);
    save_people(tx, source, &plan, &marks)?;
    let leavers: Vec<PersonId> = plan.leavers.iter().map(|leaver| leaver.id).collect();
    let (now, wall) = (tx.now(), tx.wall());
    store::save_left(tx.db(), &leavers, now, wall)?;
    tx.record_all(facts(&plan, &marks))?;
    for leaver in &plan.leavers {
        for hook in hooks {
            hook(tx, leaver.id, &leaver.name)?;
        }
    }
    let imported = Fact::StaffListImported {
        source: source.to_owned(),
        joiners: outcome.joiners as i64,
        movers: outcome.movers as i64,
        leavers: outcome.leavers.len() as i64,
    };
    tx.record(&imported, About::nothing())?;
    Ok(outcome)
}

fn save_people(
    tx: &mut Tx<'_>,
    source: &str,
    plan: &Plan,
    marks: &HashMap<PersonId, Mark>,
) -> Result<()> {
    let now = tx.now();
    let moved = plan.movers.iter().chain(&plan.rewired).map(|mover| (mover.id, &mover.entry));
    let (back, new): (Vec<&Joiner>, Vec<&Joiner>) = plan.joiners.iter().partition(|j| j.returns);
    let listed = managers_first(new, &plan.managers)
        .into_iter()
        .chain(back)
        .map(|joiner| (joiner.id, &joiner.entry))
        .chain(moved)
        .map(|(id, entry)| {
            let manager = plan.managers.get(&id).copied().flatten();
            Listed::new(id, source, entry, manager, now)
        })
        .collect::<Result<Vec<_>>>()?;
    store::save_listed(tx.db(), &listed, marks)
}

/// The new people in an order in which everybody's manager is there before them.
fn managers_first<'a>(
    mut new: Vec<&'a Joiner>,
    managers: &BTreeMap<PersonId, Option<PersonId>>,
) -> Vec<&'a Joiner> {
    let ids: HashSet<PersonId> = new.iter().map(|joiner| joiner.id).collect();
    let above = |id: &PersonId| managers.get(id).copied().flatten().filter(|id| ids.contains(id));
    let mut depths: HashMap<PersonId, usize> = HashMap::new();
    for joiner in &new {
        let up = std::iter::successors(Some(joiner.id), above);
        let chain: Vec<PersonId> = up.take_while(|id| !depths.contains_key(id)).collect();
        let known = chain.last().and_then(above).and_then(|id| depths.get(&id));
        let top = known.map_or(0, |depth| depth + 1);
        depths.extend(chain.iter().rev().zip(top..).map(|(id, depth)| (*id, depth)));
    }
    new.sort_by_key(|joiner| depths.get(&joiner.id).copied());
    new
}

fn facts(plan: &Plan, marks: &HashMap<PersonId, Mark>) -> Vec<(Fact, About)> {
    let about = |id: PersonId, name: &str| About::nothing().person(id, name);
    let joined = plan.joiners.iter().map(|joiner| {
        let fact = Fact::PersonJoined { returned: joiner.returns };
        (fact, about(joiner.id, &joiner.entry.name))
    });
    let moved = plan.movers.iter().chain(&plan.rewired).map(|mover| {
        let fact = Fact::PersonMoved { changes: mover.changes.clone() };
        (fact, about(mover.id, &mover.entry.name))
    });
    let left = plan.leavers.iter().flat_map(|leaver| {
        let mark = marks.get(&leaver.id).copied().unwrap_or_default();
        let roles =
            [(mark.administrator, GlobalRole::Administrator), (mark.auditor, GlobalRole::Auditor)];
        let roles = roles
            .into_iter()
            .filter(|(held, _)| *held)
            .map(|(_, role)| Fact::GlobalRoleWithdrawn { role: role.to_string() });
        let facts = std::iter::once(Fact::PersonLeft).chain(roles);
        facts.map(|fact| (fact, about(leaver.id, &leaver.name)))
    });
    joined.chain(moved).chain(left).collect()
}

/// Makes the groups that the file names what it says of them.
///
/// # Errors
/// `Invalid` with every member whom nobody or more than one is; nothing is changed then.
pub fn import_groups(
    tx: &mut Tx<'_>,
    _permit: &Permit<RunSystem>,
    memberships: &[Membership],
    hooks: &[MembersHook],
) -> Result<GroupsOutcome> {
    let people = store::candidates(tx.db())?;
    let (known, revs) = store::known_groups(tx.db())?;
    let plan = groups_feed::plan(&known, &people, memberships).map_err(invalid)?;
    let now = tx.now();
    store::save_groups(tx.db(), &plan, &revs, now)?;
    let facts = plan.changes.iter().map(|change| {
        let fact = Fact::GroupChanged {
            group: change.name.clone(),
            added: change.added.len() as i64,
            removed: change.removed.len() as i64,
        };
        (fact, About::nothing())
    });
    tx.record_all(facts.collect())?;
    for change in plan.changes.iter().filter(|change| !change.removed.is_empty()) {
        let left: Vec<PersonId> = change.removed.iter().copied().collect();
        for hook in hooks {
            hook(tx, change.id, &left)?;
        }
    }
    Ok(GroupsOutcome { changed: plan.changes.len(), summary: plan.summary() })
}

fn invalid(problems: Vec<Problem>) -> Error {
    Error::Invalid(problems.iter().map(|p| FieldError::new("file", p.to_string())).collect())
}

/// Gives a person a role of the whole installation, or takes it; false if it was so already.
///
/// # Errors
/// `Missing` without such a person, `Refused` for somebody who has left.
pub fn grant_role(
    tx: &mut Tx<'_>,
    _permit: &Permit<RunSystem>,
    id: PersonId,
    role: GlobalRole,
    on: bool,
) -> Result<bool> {
    let person = store::person(tx.db(), id)?;
    if on && !person.enabled {
        let why = format!("{} has left; a role would do nothing.", person.name);
        return Err(Error::refused("The role was not given", why));
    }
    let held = match role {
        GlobalRole::Administrator => person.administrator,
        GlobalRole::Auditor => person.auditor,
    };
    if held == on {
        return Ok(false);
    }
    store::save_role(tx.db(), id, role, on)?;
    let role = role.to_string();
    let fact = match on {
        true => Fact::GlobalRoleGranted { role },
        false => Fact::GlobalRoleWithdrawn { role },
    };
    tx.record(&fact, About::nothing().person(id, person.name))?;
    Ok(true)
}
