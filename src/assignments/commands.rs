//! Use cases: make, start and end assignments; let rights follow a package's contents.

use std::collections::BTreeMap;

use diesel::prelude::*;

use super::store::{self, Named, NewAssignment};
use super::{model::Assignment, rights, rules};
use crate::access::{EndForReport, ManageAssignment, Permit};
use crate::db::schema::{catalogs, package_roles};
use crate::db::{Tx, hold_package, lock_package, lock_people};
use crate::error::{Error, Refusal, Result};
use crate::kernel::fact::EndReason;
use crate::kernel::{
    About, AssignmentId, CatalogId, Fact, PackageId, PersonId, PolicyId, RequestId, RightId,
    RoleId, Ts, Zone,
};

/// What an approved request asks for.
#[derive(Clone, Debug)]
pub struct Approved {
    /// The request.
    pub request: RequestId,
    /// What.
    pub package: PackageId,
    /// Under which policy.
    pub policy: PolicyId,
    /// For whom.
    pub target: PersonId,
    /// From when.
    pub starts_at: Ts,
    /// Until when.
    pub ends_at: Option<Ts>,
    /// What was answered to the questions of its resources, as JSON.
    pub attributes: String,
}

/// Makes the assignment of an approved request. It does not give anything before [`start`].
///
/// # Errors
/// A unique violation when the person holds the package already (D6).
pub fn create(tx: &mut Tx<'_>, approved: &Approved) -> Result<AssignmentId> {
    let id = AssignmentId::fresh();
    let new = NewAssignment {
        id,
        request_id: Some(approved.request),
        package_id: approved.package,
        policy_id: approved.policy,
        target_id: approved.target,
        starts_at: approved.starts_at,
        ends_at: approved.ends_at,
        rev: 1,
        created_at: tx.now(),
        attributes: approved.attributes.clone(),
    };
    store::insert(tx, &new)?;
    Ok(id)
}

/// Starts an assignment: from now on its rights are wanted. Returns how many of them are to be confirmed still:
/// what another assignment has given already is there.
///
/// # Errors
/// `Stale` when it was started or ended meanwhile.
pub fn start(
    tx: &mut Tx<'_>,
    id: AssignmentId,
    ends_at: Option<Ts>,
    due: Option<Ts>,
) -> Result<i64> {
    let named = store::one(tx.db(), id)?;
    hold_package(tx, named.assignment.package_id)?;
    lock_people(tx, &[named.assignment.target_id])?;
    let warn_at = rules::next_warning(tx.now(), ends_at, tx.now(), tx.zone());
    store::save_started(tx, &named.assignment, ends_at, warn_at)?;
    let roles = roles_of(tx, named.assignment.package_id)?;
    rights::want(tx, &[(id, named.assignment.target_id)], &roles)?;
    let mut about = named.about();
    about.due = due;
    tx.record(&Fact::AssignmentStarted { until: ends_at }, about)?;
    rights::unconfirmed(tx.db(), id)
}

/// Takes an assignment away that never started, because the approval that made it was taken back (D40).
///
/// # Errors
/// `Stale` when it has started or ended meanwhile.
pub fn unmake(tx: &mut Tx<'_>, id: AssignmentId) -> Result<()> {
    store::delete_unstarted(tx, id)
}

/// Moves the end of an assignment (D11).
///
/// # Errors
/// `Stale` when it changed meanwhile.
pub fn extend(tx: &mut Tx<'_>, named: &Named, until: Option<Ts>) -> Result<()> {
    let started = named.assignment.started_at.unwrap_or(named.assignment.starts_at);
    let warn_at = rules::next_warning(started, until, tx.now(), tx.zone());
    store::save_extended(tx, &named.assignment, until, warn_at)
}

/// Moves an assignment to another policy of its package (D16); its end stays.
///
/// # Errors
/// `Refused` when it has ended, `Missing` when one of them is not of the permit's catalog.
pub fn move_to(
    tx: &mut Tx<'_>,
    permit: &Permit<ManageAssignment>,
    id: AssignmentId,
    policy: PolicyId,
) -> Result<Named> {
    let named = managed(tx, permit, id)?;
    hold_package(tx, named.assignment.package_id)?;
    if named.assignment.ended_at.is_some() {
        return Err(already_ended(&named.assignment, tx.zone()));
    }
    if tx.actor().id() == Some(named.assignment.target_id) {
        return Err(Error::refused(
            "Nobody moves their own access",
            "Another policy may give it for longer. Ask another owner or an administrator.",
        ));
    }
    let to = crate::policies::store::policy(tx.db(), policy)?;
    if to.package != named.assignment.package_id {
        return Err(Error::Missing);
    }
    if to.id == named.assignment.policy_id {
        return Ok(named);
    }
    let from = crate::policies::store::name_of(tx.db(), named.assignment.policy_id)?;
    store::save_policy(tx, &named.assignment, policy)?;
    tx.record(&Fact::AssignmentMoved { from, to: to.name }, named.about())?;
    Ok(named)
}

/// Moves everything that is active under a policy to another policy of the package (D16); ends stay. Returns how many.
///
/// # Errors
/// `Missing` when one of them is not of the permit's catalog, or they are not of one package; `Stale` when one of the
/// assignments changed meanwhile.
pub fn move_all(
    tx: &mut Tx<'_>,
    permit: &Permit<ManageAssignment>,
    from: PolicyId,
    to: PolicyId,
) -> Result<usize> {
    let package = crate::policies::store::policy(tx.db(), from)?.package;
    let catalog = crate::packages::store::head(tx.db(), package)?.catalog;
    if permit.about() != catalog.0 {
        return Err(Error::Missing);
    }
    lock_package(tx, package)?;
    let to = crate::policies::store::policy(tx.db(), to)?;
    if to.package != package || to.id == from {
        return Err(Error::Missing);
    }
    let from_name = crate::policies::store::name_of(tx.db(), from)?;
    let all = store::active_under(tx.db(), from)?;
    if all.iter().any(|named| tx.actor().id() == Some(named.assignment.target_id)) {
        return Err(Error::refused(
            "Nobody moves their own access",
            "You are among those who would be moved. Ask another owner or an administrator.",
        ));
    }
    let mut facts = Vec::new();
    for named in &all {
        store::save_policy(tx, &named.assignment, to.id)?;
        let fact = Fact::AssignmentMoved { from: from_name.clone(), to: to.name.clone() };
        facts.push((fact, named.about()));
    }
    tx.record_all(facts)?;
    Ok(all.len())
}

/// The end of an assignment comes near: its holder is told, once for all the warnings that were missed (E3). False
/// when there was nothing to tell.
///
/// # Errors
/// `Stale` when it changed meanwhile.
pub fn warn(tx: &mut Tx<'_>, id: AssignmentId) -> Result<bool> {
    let named = store::one(tx.db(), id)?;
    let now = tx.now();
    let (Some(at), Some(until), None) =
        (named.assignment.warn_at, named.assignment.ends_at, named.assignment.ended_at)
    else {
        return Ok(false);
    };
    if at > now || until <= now {
        return Ok(false);
    }
    let started = named.assignment.started_at.unwrap_or(named.assignment.starts_at);
    let next = rules::next_warning(started, Some(until), now, tx.zone());
    store::save_warned(tx, &named.assignment, next)?;
    let Some(due) = rules::due_warning(started, until, now, tx.zone()) else { return Ok(false) };
    let extendable = match crate::policies::store::policy(tx.db(), named.assignment.policy_id) {
        Ok(policy) => policy.enabled && policy.terms.extension.is_some(),
        Err(Error::Missing) => false,
        Err(error) => return Err(error),
    };
    tx.record(&Fact::AssignmentEnding { until, extendable }, named.about().due(due))?;
    Ok(true)
}

/// Ends assignments, whatever the reason: one fact each, rights that nothing gives any more are let go. Returns
/// those that it has ended: somebody else may have been faster with the others.
///
/// # Errors
/// When the database does not answer.
pub fn end_all<'a>(
    tx: &mut Tx<'_>,
    all: &'a [Named],
    why: EndReason,
    note: &str,
) -> Result<Vec<&'a Named>> {
    if all.is_empty() {
        return Ok(Vec::new());
    }
    let people: Vec<PersonId> = all.iter().map(|named| named.assignment.target_id).collect();
    lock_people(tx, &people)?;
    let ids: Vec<AssignmentId> = all.iter().map(|named| named.assignment.id).collect();
    let ids = store::save_ended(tx, &ids, why)?;
    let concerned = rights::of_assignments(tx.db(), &ids)?;
    rights::release(tx, &concerned)?;
    let ended: Vec<&Named> =
        all.iter().filter(|named| ids.contains(&named.assignment.id)).collect();
    let facts = ended
        .iter()
        .map(|named| {
            let about = named.about().note(note);
            let about = match named.assignment.ends_at {
                Some(due) if why == EndReason::Expired => about.due(due),
                _ => about,
            };
            (Fact::AssignmentEnded { why }, about)
        })
        .collect();
    tx.record_all(facts)?;
    Ok(ended)
}

/// Ends whatever gives roles to people, with the reason for each; nothing gives them any more until this transaction is
/// done.
///
/// # Errors
/// When the database does not answer.
pub fn end_giving(tx: &mut Tx<'_>, all: &[(PersonId, RoleId, &str)], why: EndReason) -> Result<()> {
    let people: Vec<PersonId> = all.iter().map(|(person, ..)| *person).collect();
    let roles: Vec<RoleId> = all.iter().map(|(_, role, _)| *role).collect();
    lock_people(tx, &people)?;
    let mut notes: BTreeMap<AssignmentId, &str> = BTreeMap::new();
    for gives in rights::giving(tx.db(), &people, &roles)? {
        let meant = all.iter().find(|(who, what, _)| (*who, *what) == (gives.person, gives.role));
        if let Some((.., note)) = meant {
            notes.entry(gives.assignment).or_insert(note);
        }
    }
    let ids: Vec<AssignmentId> = notes.keys().copied().collect();
    let mut by_note: BTreeMap<&str, Vec<Named>> = BTreeMap::new();
    for named in store::active_among(tx.db(), &ids)? {
        let note = notes.get(&named.assignment.id).copied().unwrap_or_default();
        by_note.entry(note).or_default().push(named);
    }
    for (note, some) in by_note {
        end_all(tx, &some, why, note)?;
    }
    Ok(())
}

/// Takes roles from people on the target system, whether they had them before or not (D22). Call [`end_giving`] first.
///
/// # Errors
/// `Stale` when somebody else makes one of the rights now.
pub fn withdraw(tx: &mut Tx<'_>, all: &[(PersonId, RoleId)]) -> Result<()> {
    rights::withdraw(tx, all)
}

/// An owner or administrator ends an assignment now; returns what ended.
///
/// # Errors
/// `Refused` when it has ended already; `Missing` when it is not of the permit's catalog.
pub fn end_now(
    tx: &mut Tx<'_>,
    permit: &Permit<ManageAssignment>,
    id: AssignmentId,
    reason: &str,
) -> Result<Named> {
    let named = managed(tx, permit, id)?;
    if named.assignment.ended_at.is_some() {
        return Err(already_ended(&named.assignment, tx.zone()));
    }
    if end_all(tx, std::slice::from_ref(&named), EndReason::EndedNow, reason)?.is_empty() {
        return Err(Error::Stale);
    }
    Ok(named)
}

/// The manager of its holder ends an assignment now; returns what ended.
///
/// # Errors
/// `Refused` when it has ended already; `Stale` when somebody else ends it now.
pub fn end_for_report(
    tx: &mut Tx<'_>,
    permit: &Permit<EndForReport>,
    reason: &str,
) -> Result<Named> {
    let named = store::one(tx.db(), AssignmentId(permit.about()))?;
    if named.assignment.ended_at.is_some() {
        return Err(already_ended(&named.assignment, tx.zone()));
    }
    if end_all(tx, std::slice::from_ref(&named), EndReason::EndedByManager, reason)?.is_empty() {
        return Err(Error::Stale);
    }
    Ok(named)
}

/// Asks for another try at once (there is no time limit, D25). Returns how many resources were not confirmed.
///
/// # Errors
/// `Missing` when it is not of the permit's catalog.
pub fn retry_now(
    tx: &mut Tx<'_>,
    permit: &Permit<ManageAssignment>,
    id: AssignmentId,
) -> Result<usize> {
    let named = managed(tx, permit, id)?;
    let (open, moved) = rights::retry(tx, id)?;
    // Pressed twice, it was asked once.
    if moved > 0 {
        let resources = i64::try_from(moved).unwrap_or(i64::MAX);
        tx.record(&Fact::RetryAsked { resources }, named.about())?;
    }
    Ok(open)
}

fn managed(tx: &mut Tx<'_>, permit: &Permit<ManageAssignment>, id: AssignmentId) -> Result<Named> {
    let named = store::one(tx.db(), id)?;
    if permit.about() == named.catalog.0 { Ok(named) } else { Err(Error::Missing) }
}

fn already_ended(assignment: &Assignment, zone: Zone) -> Error {
    let when = assignment
        .ended_at
        .map(|at| zone.local(at).format("%-d %b %Y, %H:%M").to_string())
        .unwrap_or_default();
    Refusal::new(
        "This assignment has already ended",
        format!("It ended on {when}. Nothing was changed."),
    )
    .into()
}

/// The contents of a package changed: everybody who holds it gains what is new and loses what is gone,
/// unless another assignment still gives it (D21). Use `requests::commands::contents_changed`, which looks after
/// the requests too.
///
/// # Errors
/// When the database does not answer.
pub fn contents_changed(
    tx: &mut Tx<'_>,
    package: PackageId,
    added: &[RoleId],
    removed: &[RoleId],
) -> Result<()> {
    // Nobody starts to hold it now, and who stops is left out.
    lock_package(tx, package)?;
    let holders = store::started_of_package(tx.db(), package)?;
    let people: Vec<PersonId> = holders.iter().map(|(_, person)| *person).collect();
    lock_people(tx, &people)?;
    let holders = store::started_of_package(tx.db(), package)?;
    rights::want(tx, &holders, added)?;
    if !removed.is_empty() {
        let ids: Vec<AssignmentId> = holders.iter().map(|(id, _)| *id).collect();
        let concerned = rights::cut(tx, &ids, removed)?;
        rights::release(tx, &concerned)?;
    }
    Ok(())
}

/// The resource roles in a package.
fn roles_of(tx: &mut Tx<'_>, package: PackageId) -> Result<Vec<RoleId>> {
    Ok(package_roles::table
        .filter(package_roles::package_id.eq(package))
        .order(package_roles::role_id)
        .select(package_roles::role_id)
        .load(tx.db())?)
}

/// What a delivery fact of a right is about: the newest assignment that gives or gave it. A right whose role has
/// left every package is about the person and the resource's catalog alone.
///
/// # Errors
/// When the database does not answer.
pub fn about_right(
    tx: &mut Tx<'_>,
    right: RightId,
    person: (PersonId, &str),
    catalog: CatalogId,
    resource: &str,
) -> Result<About> {
    let about = match rights::newest_assignment(tx.db(), right)? {
        Some(id) => store::one(tx.db(), id)?.about(),
        None => {
            let name: String =
                catalogs::table.find(catalog).select(catalogs::name).first(tx.db())?;
            About::nothing().person(person.0, person.1).catalog(catalog, name)
        }
    };
    Ok(about.resource(resource))
}
