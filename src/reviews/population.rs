//! Who has a group or application: what its target system says at the start of an instance becomes the list that the
//! instance reviews. Whoever is interrupted reads again, as long as nothing was written; then the snapshot goes on.

use std::collections::{BTreeSet, HashMap};

use super::model::{Instance, Source, State};
use super::store::rows::{self, Meant, NewRow};
use super::store::writes;
use super::{snapshot, store};
use crate::assignments::rights;
use crate::catalogs;
use crate::catalogs::model::Resource;
use crate::db::{Db, Tx};
use crate::error::{Error, Result};
use crate::kernel::text::{one_line, shortened};
use crate::kernel::{AccessId, PersonId, ReviewInstanceId, RoleId, Ts};

/// As many characters are kept of what somebody is called on a target system.
const HOLDER_MAX: usize = 500;

/// Somebody, or something, that has a role, as the target system calls them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// Which role.
    pub role: RoleId,
    /// Their ids in the source of people; empty where the target knows people otherwise, or nobody knows who it is.
    pub ids: Vec<String>,
    /// Their mail addresses, likewise.
    pub mails: Vec<String>,
    /// What they are called there, in words.
    pub name: String,
}

/// An instance that waits for what a target system says, and what that is to be asked.
#[derive(Clone, Debug)]
pub struct Unread {
    /// The instance.
    pub instance: ReviewInstanceId,
    /// The target system's name.
    pub target: String,
    /// What it is to be asked about; none where that is not registered any more.
    pub resource: Option<Resource>,
}

/// The instances that wait for a target system, in due order.
///
/// # Errors
/// When the database does not answer.
pub fn unread(db: &mut Db) -> Result<Vec<Unread>> {
    let mut all = Vec::new();
    for instance in store::in_state(db, &[State::Starting])? {
        if !instance.is_unread() {
            continue;
        }
        let Source::Resource { resource, target } = &instance.terms.scope.source else { continue };
        let resource = match catalogs::store::resource(db, resource.id) {
            Ok(there) => Some(there),
            Err(Error::Missing) => None,
            Err(error) => return Err(error),
        };
        all.push(Unread { instance: instance.id, target: target.clone(), resource });
    }
    Ok(all)
}

/// Takes what the target system said, or why it said nothing. False when somebody was faster.
///
/// # Errors
/// `Stale` when the instance changed meanwhile.
pub fn take(
    tx: &mut Tx<'_>,
    id: ReviewInstanceId,
    told: &std::result::Result<Vec<Holder>, String>,
) -> Result<bool> {
    let read = store::instance(tx.db(), id)?;
    let (Some(list), true) = (read.list(), read.is_unread()) else { return Ok(false) };
    match told {
        Err(trouble) => snapshot::refuse(tx, &read, read.clone(), trouble.clone())?,
        Ok(holders) => {
            let rows = rows_of(tx, &read, holders)?;
            let known = rows.iter().filter(|row| row.person.is_some()).count();
            let known = i64::try_from(known).unwrap_or(i64::MAX);
            writes::save_instance(
                tx,
                &read,
                &Instance { source_count: Some(known), ..read.clone() },
            )?;
            rows::insert(tx, (list, read.review), &rows)?;
        }
    }
    Ok(true)
}

/// The rows with their people and with what gives it here; whoever is nobody, or somebody who is there already, has no
/// person.
fn rows_of(tx: &mut Tx<'_>, instance: &Instance, holders: &[Holder]) -> Result<Vec<NewRow>> {
    let Source::Resource { resource, .. } = &instance.terms.scope.source else {
        return Err(Error::Missing);
    };
    let resource = catalogs::store::resource(tx.db(), resource.id)?;
    let people = people(tx.db(), holders)?;
    let known: BTreeSet<PersonId> = people.iter().flatten().copied().collect();
    let known: Vec<PersonId> = known.into_iter().collect();
    let roles: Vec<RoleId> = resource.roles.iter().map(|role| role.id).collect();
    let mut given: HashMap<(PersonId, RoleId), (Vec<String>, Ts)> = HashMap::new();
    for gives in rights::giving(tx.db(), &known, &roles)? {
        let new = || (Vec::new(), gives.since);
        let (packages, since) = given.entry((gives.person, gives.role)).or_insert_with(new);
        *since = gives.since.min(*since);
        packages.push(gives.package);
    }
    let mut met = BTreeSet::new();
    let mut rows = Vec::with_capacity(holders.len());
    for (holder, person) in holders.iter().zip(people) {
        // What was asked is what there is: roles stay.
        let role = resource.roles.iter().find(|role| role.id == holder.role).ok_or(Error::Stale)?;
        let person = person.filter(|person| met.insert((*person, role.id)));
        let gives = person.and_then(|person| given.get(&(person, role.id)));
        rows.push(NewRow {
            person,
            holder: shortened(&one_line(&holder.name), HOLDER_MAX),
            access: AccessId(role.id.0),
            name: format!("{}: {}", resource.name, role.name),
            about: Some(resource.description.clone()).filter(|words| !words.is_empty()),
            since: gives.map(|(_, since)| *since),
            risk: role.risk,
            role: Some(role.id),
            given_by: Some(gives.map(|(packages, _)| packages.clone()).unwrap_or_default()),
        });
    }
    Ok(rows)
}

/// Who each of them is: the one person whom everything means that is known of them.
fn people(db: &mut Db, holders: &[Holder]) -> Result<Vec<Option<PersonId>>> {
    let distinct = |which: fn(&Holder) -> &[String]| -> Vec<String> {
        let all: BTreeSet<&String> = holders.iter().flat_map(which).collect();
        all.into_iter().cloned().collect()
    };
    let ids = rows::by_id(db, &distinct(|holder| &holder.ids))?;
    let mails = rows::by_mail(db, &distinct(|holder| &holder.mails))?;
    let one = |holder: &Holder| {
        let by_id = holder.ids.iter().filter_map(|id| ids.get(id));
        let meant = by_id.chain(holder.mails.iter().filter_map(|mail| mails.get(mail)));
        let mut found = BTreeSet::new();
        for meant in meant {
            match meant {
                Meant::One(person) => {
                    found.insert(*person);
                }
                Meant::Several => return None,
                Meant::Nobody => {}
            }
        }
        found.pop_first().filter(|_| found.is_empty())
    };
    Ok(holders.iter().map(one).collect())
}
