//! Reads of assignments, and the guarded writes that only this slice's commands use.

use diesel::prelude::*;

mod owner;
pub use owner::*;

use super::model::Assignment;
use crate::access::policy::ReportStanding;
use crate::db::schema::{assignments, packages, people, policies, requests};
use crate::db::{Db, Tx};
use crate::error::{Error, Result};
use crate::kernel::fact::EndReason;
use crate::kernel::{About, AssignmentId, CatalogId, PackageId, PersonId, RequestId, Ts};
use crate::policies::model::{Extension, Terms};

/// An assignment with the names that its facts speak of.
#[derive(Clone, Debug)]
pub struct Named {
    /// The assignment.
    pub assignment: Assignment,
    /// The package's name.
    pub package: String,
    /// The package's catalog.
    pub catalog: CatalogId,
    /// The holder's name.
    pub target: String,
    /// The request's reference.
    pub reference: Option<String>,
}

impl Named {
    /// What its facts are about.
    #[must_use]
    pub fn about(&self) -> About {
        let about = About::nothing()
            .assignment(self.assignment.id)
            .person(self.assignment.target_id, &self.target)
            .package(self.assignment.package_id, &self.package);
        match (self.assignment.request_id, &self.reference) {
            (Some(request), Some(reference)) => about.request(request, reference),
            _ => about,
        }
    }
}

type NamedRow = (Assignment, String, CatalogId, String, Option<String>);

fn named(row: NamedRow) -> Named {
    let (assignment, package, catalog, target, reference) = row;
    Named { assignment, package, catalog, target, reference }
}

/// The query that `Named` is read with.
macro_rules! named_query {
    () => {
        assignments::table
            .inner_join(packages::table)
            .inner_join(people::table)
            .left_join(crate::db::schema::requests::table)
            .select((
                Assignment::as_select(),
                packages::name,
                packages::catalog_id,
                people::name,
                crate::db::schema::requests::reference.nullable(),
            ))
    };
}

/// One assignment.
///
/// # Errors
/// `Missing` when there is none.
pub fn one(db: &mut Db, id: AssignmentId) -> Result<Named> {
    let row: NamedRow = named_query!().filter(assignments::id.eq(id)).first(db)?;
    Ok(named(row))
}

/// How managers stand to an assignment, for the policy module. One statement.
///
/// # Errors
/// `Missing` when there is none.
pub fn for_report(db: &mut Db, id: AssignmentId) -> Result<ReportStanding> {
    let (holder, manager, asks, gone): (PersonId, Option<PersonId>, bool, Option<Ts>) =
        assignments::table
            .inner_join(people::table)
            .inner_join(policies::table.on(policies::id.eq(assignments::policy_id)))
            .filter(assignments::id.eq(id))
            .select((
                assignments::target_id,
                people::manager_id,
                policies::asks_manager,
                policies::deleted_at,
            ))
            .first(db)?;
    let by_managers = asks && gone.is_none();
    Ok(ReportStanding { assignment: id, holder, manager, by_managers })
}

/// The assignment that a request led to.
///
/// # Errors
/// When the database does not answer.
pub fn of_request(db: &mut Db, request: RequestId) -> Result<Option<Assignment>> {
    Ok(assignments::table
        .filter(assignments::request_id.eq(request))
        .select(Assignment::as_select())
        .first(db)
        .optional()?)
}

/// The active assignment (scheduled included) of a package to a person; the database keeps it single (D6).
///
/// # Errors
/// When the database does not answer.
pub fn active(db: &mut Db, target: PersonId, package: PackageId) -> Result<Option<Assignment>> {
    Ok(assignments::table
        .filter(assignments::target_id.eq(target))
        .filter(assignments::package_id.eq(package))
        .filter(assignments::ended_at.is_null())
        .select(Assignment::as_select())
        .first(db)
        .optional()?)
}

/// Every active assignment of a person.
///
/// # Errors
/// When the database does not answer.
pub fn active_of(db: &mut Db, target: PersonId) -> Result<Vec<Named>> {
    let rows: Vec<NamedRow> = named_query!()
        .filter(assignments::target_id.eq(target))
        .filter(assignments::ended_at.is_null())
        .order((assignments::created_at.desc(), assignments::id.desc()))
        .load(db)?;
    Ok(rows.into_iter().map(named).collect())
}

/// Every active assignment of a person, newest first, each with what its policy says of more time, if it is switched on
/// and allows it (D11). One statement.
///
/// # Errors
/// When the database does not answer.
pub fn held_of(db: &mut Db, target: PersonId) -> Result<Vec<(Named, Option<Extension>)>> {
    type Names = (String, CatalogId, String, Option<String>);
    type Under = (bool, Option<Ts>, String);
    let rows: Vec<(Assignment, Names, Under)> = assignments::table
        .inner_join(packages::table)
        .inner_join(people::table)
        .inner_join(policies::table.on(policies::id.eq(assignments::policy_id)))
        .left_join(requests::table)
        .filter(assignments::target_id.eq(target))
        .filter(assignments::ended_at.is_null())
        .order((assignments::created_at.desc(), assignments::id.desc()))
        .select((
            Assignment::as_select(),
            (packages::name, packages::catalog_id, people::name, requests::reference.nullable()),
            (policies::enabled, policies::deleted_at, policies::terms),
        ))
        .load(db)?;
    rows.into_iter()
        .map(|(assignment, (package, catalog, target, reference), (enabled, gone, terms))| {
            let terms: Terms = serde_json::from_str(&terms)?;
            let extension = terms.extension.filter(|_| enabled && gone.is_none());
            Ok((Named { assignment, package, catalog, target, reference }, extension))
        })
        .collect()
}

/// Those of these assignments that have not ended. One statement.
///
/// # Errors
/// When the database does not answer.
pub fn active_among(db: &mut Db, ids: &[AssignmentId]) -> Result<Vec<Named>> {
    let rows: Vec<NamedRow> = named_query!()
        .filter(assignments::id.eq_any(ids))
        .filter(assignments::ended_at.is_null())
        .order(assignments::id)
        .load(db)?;
    Ok(rows.into_iter().map(named).collect())
}

/// What is active under a policy, or about to start. One statement.
///
/// # Errors
/// When the database does not answer.
pub fn active_under(db: &mut Db, policy: crate::kernel::PolicyId) -> Result<Vec<Named>> {
    let rows: Vec<NamedRow> = named_query!()
        .filter(assignments::policy_id.eq(policy))
        .filter(assignments::ended_at.is_null())
        .order(assignments::id)
        .load(db)?;
    Ok(rows.into_iter().map(named).collect())
}

/// The assignments of a person that ended last, newest end first.
///
/// # Errors
/// When the database does not answer.
pub fn ended_of(db: &mut Db, target: PersonId, limit: i64) -> Result<Vec<Named>> {
    let rows: Vec<NamedRow> = named_query!()
        .filter(assignments::target_id.eq(target))
        .filter(assignments::ended_at.is_not_null())
        .order((assignments::ended_at.desc(), assignments::id.desc()))
        .limit(limit)
        .load(db)?;
    Ok(rows.into_iter().map(named).collect())
}

/// The started, unended assignments of a package: those whose rights follow its contents.
///
/// # Errors
/// When the database does not answer.
pub fn started_of_package(
    db: &mut Db,
    package: PackageId,
) -> Result<Vec<(AssignmentId, PersonId)>> {
    Ok(assignments::table
        .filter(assignments::package_id.eq(package))
        .filter(assignments::ended_at.is_null())
        .filter(assignments::started_at.is_not_null())
        .order(assignments::id)
        .select((assignments::id, assignments::target_id))
        .load(db)?)
}

/// Assignments that are due to start by `now`, in due order, after the one that was reached.
///
/// # Errors
/// When the database does not answer.
pub fn due_to_start(
    db: &mut Db,
    now: Ts,
    reached: Option<(Ts, AssignmentId)>,
    limit: i64,
) -> Result<Vec<(Ts, AssignmentId)>> {
    let mut query = assignments::table
        .filter(assignments::ended_at.is_null())
        .filter(assignments::started_at.is_null())
        .filter(assignments::starts_at.le(now))
        .order((assignments::starts_at, assignments::id))
        .select((assignments::starts_at, assignments::id))
        .limit(limit)
        .into_boxed();
    if let Some((at, id)) = reached {
        query = query.filter(
            assignments::starts_at
                .gt(at)
                .or(assignments::starts_at.eq(at).and(assignments::id.gt(id))),
        );
    }
    Ok(query.load(db)?)
}

/// Assignments whose end is due by `now`, in due order, after the one that was reached.
///
/// # Errors
/// When the database does not answer.
pub fn due_to_end(
    db: &mut Db,
    now: Ts,
    reached: Option<(Ts, AssignmentId)>,
    limit: i64,
) -> Result<Vec<(Ts, AssignmentId)>> {
    let mut query = assignments::table
        .filter(assignments::ended_at.is_null())
        .filter(assignments::ends_at.le(now))
        .order((assignments::ends_at, assignments::id))
        .select((assignments::ends_at.assume_not_null(), assignments::id))
        .limit(limit)
        .into_boxed();
    if let Some((at, id)) = reached {
        query = query.filter(
            assignments::ends_at.gt(at).or(assignments::ends_at.eq(at).and(assignments::id.gt(id))),
        );
    }
    Ok(query.load(db)?)
}

/// Assignments whose end is to be announced by `now`, in due order, after the one that was reached.
///
/// # Errors
/// When the database does not answer.
pub fn due_to_warn(
    db: &mut Db,
    now: Ts,
    reached: Option<(Ts, AssignmentId)>,
    limit: i64,
) -> Result<Vec<(Ts, AssignmentId)>> {
    let mut query = assignments::table
        .filter(assignments::warn_at.le(now))
        .order((assignments::warn_at, assignments::id))
        .select((assignments::warn_at.assume_not_null(), assignments::id))
        .limit(limit)
        .into_boxed();
    if let Some((at, id)) = reached {
        query = query.filter(
            assignments::warn_at.gt(at).or(assignments::warn_at.eq(at).and(assignments::id.gt(id))),
        );
    }
    Ok(query.load(db)?)
}

/// Those of the assignments whose end is due still, in due order.
///
/// # Errors
/// When the database does not answer.
pub fn still_due(db: &mut Db, ids: &[AssignmentId], now: Ts) -> Result<Vec<Named>> {
    let rows: Vec<NamedRow> = named_query!()
        .filter(assignments::id.eq_any(ids))
        .filter(assignments::ended_at.is_null())
        .filter(assignments::ends_at.le(now))
        .order((assignments::ends_at, assignments::id))
        .load(db)?;
    Ok(rows.into_iter().map(named).collect())
}

/// What a new assignment needs.
#[derive(Insertable)]
#[diesel(table_name = assignments)]
#[diesel(treat_none_as_default_value = false)]
pub(super) struct NewAssignment {
    pub id: AssignmentId,
    pub request_id: Option<RequestId>,
    pub package_id: PackageId,
    pub policy_id: crate::kernel::PolicyId,
    pub target_id: PersonId,
    pub starts_at: Ts,
    pub ends_at: Option<Ts>,
    pub rev: i64,
    pub created_at: Ts,
    pub attributes: String,
}

pub(super) fn insert(tx: &mut Tx<'_>, new: &NewAssignment) -> Result<()> {
    diesel::insert_into(assignments::table)
        .values(new)
        .execute(tx.db())
        .map_err(crate::db::stale_if_taken)?;
    // Starting access for a person bumps their row, for rules that look across rows (E9).
    diesel::update(people::table.find(new.target_id))
        .set(people::rev.eq(people::rev + 1))
        .execute(tx.db())?;
    Ok(())
}

pub(super) fn delete_unstarted(tx: &mut Tx<'_>, id: AssignmentId) -> Result<()> {
    let hit = diesel::delete(
        assignments::table
            .find(id)
            .filter(assignments::started_at.is_null())
            .filter(assignments::ended_at.is_null()),
    )
    .execute(tx.db())?;
    if hit == 1 { Ok(()) } else { Err(Error::Stale) }
}

pub(super) fn save_started(
    tx: &mut Tx<'_>,
    assignment: &Assignment,
    ends_at: Option<Ts>,
    warn_at: Option<Ts>,
) -> Result<()> {
    let now = tx.now();
    let hit = diesel::update(
        assignments::table
            .find(assignment.id)
            .filter(assignments::rev.eq(assignment.rev))
            .filter(assignments::started_at.is_null())
            .filter(assignments::ended_at.is_null()),
    )
    .set((
        assignments::started_at.eq(now),
        assignments::ends_at.eq(ends_at),
        assignments::warn_at.eq(warn_at),
        assignments::rev.eq(assignment.rev + 1),
    ))
    .execute(tx.db())?;
    if hit == 1 { Ok(()) } else { Err(Error::Stale) }
}

/// The assignment as it was read, if it has not ended or changed since.
macro_rules! unchanged {
    ($assignment:expr) => {
        assignments::table
            .find($assignment.id)
            .filter(assignments::rev.eq($assignment.rev))
            .filter(assignments::ended_at.is_null())
    };
}

pub(super) fn save_extended(
    tx: &mut Tx<'_>,
    assignment: &Assignment,
    ends_at: Option<Ts>,
    warn_at: Option<Ts>,
) -> Result<()> {
    let hit = diesel::update(unchanged!(assignment))
        .set((
            assignments::ends_at.eq(ends_at),
            assignments::warn_at.eq(warn_at),
            assignments::rev.eq(assignment.rev + 1),
        ))
        .execute(tx.db())?;
    if hit == 1 { Ok(()) } else { Err(Error::Stale) }
}

pub(super) fn save_warned(
    tx: &mut Tx<'_>,
    assignment: &Assignment,
    warn_at: Option<Ts>,
) -> Result<()> {
    let hit = diesel::update(unchanged!(assignment))
        .set((assignments::warn_at.eq(warn_at), assignments::rev.eq(assignment.rev + 1)))
        .execute(tx.db())?;
    if hit == 1 { Ok(()) } else { Err(Error::Stale) }
}

pub(super) fn save_policy(
    tx: &mut Tx<'_>,
    assignment: &Assignment,
    policy: crate::kernel::PolicyId,
) -> Result<()> {
    let hit = diesel::update(unchanged!(assignment))
        .set((assignments::policy_id.eq(policy), assignments::rev.eq(assignment.rev + 1)))
        .execute(tx.db())?;
    if hit == 1 { Ok(()) } else { Err(Error::Stale) }
}

/// Ends those of the assignments that are still active, and returns them.
pub(super) fn save_ended(
    tx: &mut Tx<'_>,
    ids: &[AssignmentId],
    why: EndReason,
) -> Result<Vec<AssignmentId>> {
    let now = tx.now();
    Ok(diesel::update(
        assignments::table
            .filter(assignments::id.eq_any(ids))
            .filter(assignments::ended_at.is_null()),
    )
    .set((
        assignments::ended_at.eq(now),
        assignments::end_reason.eq(why.as_str()),
        assignments::warn_at.eq(None::<Ts>),
        assignments::rev.eq(assignments::rev + 1),
    ))
    .returning(assignments::id)
    .get_results(tx.db())?)
}
