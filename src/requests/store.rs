//! Reads of requests, stages and approvers, and the guarded writes that only this slice's commands use.

use diesel::prelude::*;
use diesel::upsert::excluded;

use super::model::{Approver, Request, Row, Stage, StageState, State, Via};
use super::rules::{Candidates, Deciders};
use crate::access::policy::RequestStanding;
use crate::db::schema::{
    assignments, group_members, package_roles, packages, people, request_stages, requests,
    resource_roles, role_grants, stage_approvers,
};
use crate::db::{Db, Seek, Tx};
use crate::error::{Error, Result};
use crate::kernel::{
    AssignmentId, CatalogId, GroupId, PackageId, PersonId, RequestId, Risk, StageId, Ts,
};
use crate::policies::model::{Approvers, Named, StageTerms};

mod deciding;
pub use deciding::*;

mod alias {
    diesel::alias!(crate::db::schema::people as targets: Targets);
}
use alias::targets;

/// The query that a `Request` is read with.
macro_rules! request_query {
    () => {
        requests::table
            .inner_join(packages::table)
            .inner_join(people::table.on(people::id.eq(requests::requestor_id)))
            .inner_join(targets.on(targets.field(people::id).eq(requests::target_id)))
            .select((
                Row::as_select(),
                packages::name,
                packages::catalog_id,
                people::name,
                targets.field(people::name),
            ))
    };
}

type RequestRow = (Row, String, CatalogId, String, String);

fn request(row: RequestRow) -> Result<Request> {
    let (row, package, catalog_id, requestor, target) = row;
    Ok(Request {
        id: row.id,
        reference: row.reference,
        package_id: row.package_id,
        package,
        catalog_id,
        policy_id: row.policy_id,
        policy_version: row.policy_version,
        terms: serde_json::from_str(&row.terms)?,
        contents_version: row.contents_version,
        requestor_id: row.requestor_id,
        requestor,
        target_id: row.target_id,
        target,
        reason: row.reason,
        starts_at: row.starts_at,
        ends_at: row.ends_at,
        state: State::parse(&row.state)
            .ok_or_else(|| anyhow::anyhow!("unknown state {}", row.state))?,
        stage: row.stage,
        due_at: row.due_at,
        previous_id: row.previous_id,
        created_at: row.created_at,
        decided_at: row.decided_at,
        ended_at: row.ended_at,
        rev: row.rev,
    })
}

/// One request.
///
/// # Errors
/// `Missing` when there is none.
pub fn one(db: &mut Db, id: RequestId) -> Result<Request> {
    let row: RequestRow = request_query!().filter(requests::id.eq(id)).first(db)?;
    request(row)
}

/// A page of the requests that a person made or that are for them, newest first.
///
/// # Errors
/// When the database does not answer.
pub fn of_person(
    db: &mut Db,
    person: PersonId,
    from: Option<Seek<RequestId>>,
    limit: i64,
) -> Result<Vec<Request>> {
    let mut query = request_query!()
        .filter(requests::target_id.eq(person).or(requests::requestor_id.eq(person)))
        .limit(limit)
        .into_boxed();
    let (at, id) = (requests::created_at, requests::id);
    query = match from {
        Some(from) if from.back => query
            .filter(at.gt(from.at).or(at.eq(from.at).and(id.gt(from.id))))
            .order((at.asc(), id.asc())),
        Some(from) => query
            .filter(at.lt(from.at).or(at.eq(from.at).and(id.lt(from.id))))
            .order((at.desc(), id.desc())),
        None => query.order((at.desc(), id.desc())),
    };
    let rows: Vec<RequestRow> = query.load(db)?;
    rows.into_iter().map(request).collect()
}

/// The newest open requests that a person made or that are for them.
///
/// # Errors
/// When the database does not answer.
pub fn newest_open(db: &mut Db, person: PersonId, limit: i64) -> Result<Vec<Request>> {
    let rows: Vec<RequestRow> = request_query!()
        .filter(requests::target_id.eq(person).or(requests::requestor_id.eq(person)))
        .filter(requests::ended_at.is_null())
        .order((requests::created_at.desc(), requests::id.desc()))
        .limit(limit)
        .load(db)?;
    rows.into_iter().map(request).collect()
}

/// The started assignments of a package whose requests are being delivered.
///
/// # Errors
/// When the database does not answer.
pub fn delivering(db: &mut Db, package: PackageId) -> Result<Vec<AssignmentId>> {
    Ok(assignments::table
        .inner_join(requests::table)
        .filter(assignments::package_id.eq(package))
        .filter(assignments::ended_at.is_null())
        .filter(requests::state.eq(State::Delivering.as_str()))
        .order(assignments::id)
        .select(assignments::id)
        .load(db)?)
}

/// One row of an approver's queue.
#[derive(Clone, Debug)]
pub struct Waiting {
    /// The request.
    pub request: Request,
    /// The stage that waits.
    pub stage: StageId,
    /// Since when.
    pub opened_at: Ts,
    /// Why it waits for this person.
    pub via: Via,
}

/// A page of what waits for a person's decision, longest wait first.
///
/// # Errors
/// When the database does not answer.
pub fn queue(
    db: &mut Db,
    person: PersonId,
    after: Option<(Ts, StageId)>,
    limit: i64,
) -> Result<Vec<Waiting>> {
    let mut query = stage_approvers::table
        .inner_join(
            requests::table
                .inner_join(packages::table)
                .inner_join(people::table.on(people::id.eq(requests::requestor_id)))
                .inner_join(targets.on(targets.field(people::id).eq(requests::target_id))),
        )
        .filter(stage_approvers::person_id.eq(person))
        .filter(stage_approvers::waiting.eq(true))
        .order((stage_approvers::opened_at, stage_approvers::stage_id))
        .limit(limit)
        .select((
            Row::as_select(),
            packages::name,
            packages::catalog_id,
            people::name,
            targets.field(people::name),
            stage_approvers::stage_id,
            stage_approvers::opened_at,
            stage_approvers::via,
        ))
        .into_boxed();
    if let Some((at, id)) = after {
        query = query.filter(
            stage_approvers::opened_at
                .gt(at)
                .or(stage_approvers::opened_at.eq(at).and(stage_approvers::stage_id.gt(id))),
        );
    }
    type QueueRow = (Row, String, CatalogId, String, String, StageId, Ts, String);
    let rows: Vec<QueueRow> = query.load(db)?;
    rows.into_iter()
        .map(|(row, package, catalog, requestor, target, stage, opened_at, via)| {
            let row = (row, package, catalog, requestor, target);
            Ok(Waiting {
                request: request(row)?,
                stage,
                opened_at,
                via: Via::parse(&via).unwrap_or(Via::Named),
            })
        })
        .collect()
}

/// The stages of requests, in order: one statement.
///
/// # Errors
/// When the database does not answer.
pub fn stages(db: &mut Db, ids: &[RequestId]) -> Result<Vec<Stage>> {
    Ok(request_stages::table
        .filter(request_stages::request_id.eq_any(ids))
        .order((request_stages::request_id, request_stages::number))
        .select(Stage::as_select())
        .load(db)?)
}

/// Who holds the open stages of these requests now: one statement.
///
/// # Errors
/// When the database does not answer.
pub fn holders(db: &mut Db, ids: &[RequestId]) -> Result<Vec<(RequestId, Approver)>> {
    let rows: Vec<(RequestId, ApproverRow)> = stage_approvers::table
        .inner_join(people::table)
        .filter(stage_approvers::request_id.eq_any(ids))
        .filter(stage_approvers::waiting.eq(true))
        .order((stage_approvers::request_id, people::name, people::id))
        .select((stage_approvers::request_id, APPROVER))
        .load(db)?;
    Ok(rows.into_iter().map(|(request, row)| (request, approver(row))).collect())
}

/// Everybody who is or was an approver of any stage of a request, those first who hold it now: one statement.
///
/// # Errors
/// When the database does not answer.
pub fn approvers(db: &mut Db, id: RequestId) -> Result<Vec<Approver>> {
    let rows: Vec<ApproverRow> = stage_approvers::table
        .inner_join(people::table)
        .filter(stage_approvers::request_id.eq(id))
        .order((stage_approvers::waiting.desc(), people::name, people::id))
        .select(APPROVER)
        .load(db)?;
    Ok(rows.into_iter().map(approver).collect())
}

type ApproverRow = (StageId, PersonId, String, String, Ts, bool);
type ApproverColumns = (
    stage_approvers::stage_id,
    people::id,
    people::name,
    stage_approvers::via,
    stage_approvers::opened_at,
    stage_approvers::waiting,
);
const APPROVER: ApproverColumns = (
    stage_approvers::stage_id,
    people::id,
    people::name,
    stage_approvers::via,
    stage_approvers::opened_at,
    stage_approvers::waiting,
);

fn approver((stage, person, name, via, opened_at, waiting): ApproverRow) -> Approver {
    let via = Via::parse(&via).unwrap_or(Via::Named);
    Approver { stage, person, name, via, opened_at, waiting }
}

/// How people stand to a request: for the policy module. One statement.
///
/// # Errors
/// When the database does not answer.
pub fn standing(db: &mut Db, request: &Request) -> Result<RequestStanding> {
    let rows: Vec<(PersonId, bool)> = stage_approvers::table
        .filter(stage_approvers::request_id.eq(request.id))
        .select((stage_approvers::person_id, stage_approvers::waiting))
        .load(db)?;
    Ok(RequestStanding {
        request: request.id,
        requestor: request.requestor_id,
        target: request.target_id,
        catalog: request.catalog_id,
        deciders: rows.iter().filter(|(_, waiting)| *waiting).map(|(person, _)| *person).collect(),
        approvers: rows.into_iter().map(|(person, _)| person).collect(),
    })
}

/// Is the person among the stage's approvers, those who had to leave it aside?
///
/// # Errors
/// When the database does not answer.
pub fn was_approver(db: &mut Db, stage: StageId, person: PersonId) -> Result<bool> {
    let found: Option<StageId> = stage_approvers::table
        .find((stage, person))
        .filter(stage_approvers::removed.eq(false))
        .select(stage_approvers::stage_id)
        .first(db)
        .optional()?;
    Ok(found.is_some())
}

/// The highest risk of the roles in a package (D39).
///
/// # Errors
/// When the database does not answer.
pub fn risk(db: &mut Db, package: PackageId) -> Result<Risk> {
    let high: Option<String> = package_roles::table
        .inner_join(resource_roles::table)
        .filter(package_roles::package_id.eq(package))
        .filter(resource_roles::risk.eq(Risk::High.as_str()))
        .select(resource_roles::risk)
        .first(db)
        .optional()?;
    Ok(if high.is_some() { Risk::High } else { Risk::Ordinary })
}

/// Requests whose open stage has run out by `now`, in due order, after the one that was reached.
///
/// # Errors
/// When the database does not answer.
pub fn due(
    db: &mut Db,
    now: Ts,
    reached: Option<(Ts, RequestId)>,
    limit: i64,
) -> Result<Vec<(Ts, RequestId)>> {
    let mut query = requests::table
        .filter(requests::due_at.le(now))
        .order((requests::due_at, requests::id))
        .select((requests::due_at.assume_not_null(), requests::id))
        .limit(limit)
        .into_boxed();
    if let Some((at, id)) = reached {
        query = query
            .filter(requests::due_at.gt(at).or(requests::due_at.eq(at).and(requests::id.gt(id))));
    }
    Ok(query.load(db)?)
}

/// Everybody who could decide each of these stages for a target, enabled people only: as [`candidates`], for all
/// stages at once. At most five statements; the owners and administrators are asked for only where a stage may need them.
///
/// # Errors
/// When the database does not answer.
pub fn candidates_of(
    db: &mut Db,
    stages: &[StageTerms],
    target: PersonId,
    catalog: CatalogId,
) -> Result<Vec<Candidates>> {
    let named: Vec<PersonId> = stages
        .iter()
        .flat_map(|stage| {
            let primary = match &stage.approvers {
                Approvers::People { people } => people.as_slice(),
                _ => &[],
            };
            primary.iter().chain(&stage.fallback).map(|p| p.id)
        })
        .collect();
    let groups: Vec<GroupId> = stages
        .iter()
        .filter_map(|stage| match &stage.approvers {
            Approvers::Group { group } => Some(group.id),
            _ => None,
        })
        .collect();
    let manager: Option<(PersonId, String)> =
        if stages.iter().any(|stage| stage.approvers == Approvers::Manager) {
            people::table
                .inner_join(targets.on(targets.field(people::manager_id).eq(people::id.nullable())))
                .filter(targets.field(people::id).eq(target))
                .filter(people::enabled.eq(true))
                .select((people::id, people::name))
                .first(db)
                .optional()?
        } else {
            None
        };
    let known: Vec<(PersonId, String)> = if named.is_empty() {
        Vec::new()
    } else {
        people::table
            .filter(people::id.eq_any(&named))
            .filter(people::enabled.eq(true))
            .order((people::name, people::id))
            .select((people::id, people::name))
            .load(db)?
    };
    let members: Vec<(GroupId, (PersonId, String))> = if groups.is_empty() {
        Vec::new()
    } else {
        group_members::table
            .inner_join(people::table)
            .filter(group_members::group_id.eq_any(&groups))
            .filter(people::enabled.eq(true))
            .order((people::name, people::id))
            .select((group_members::group_id, (people::id, people::name)))
            .load(db)?
    };
    let among = |ids: &[Named<PersonId>]| -> Vec<(PersonId, String)> {
        known.iter().filter(|(id, _)| ids.iter().any(|p| p.id == *id)).cloned().collect()
    };
    let mut all: Vec<Candidates> = stages
        .iter()
        .map(|stage| {
            let (primary, via) = match &stage.approvers {
                Approvers::Manager => (manager.clone().into_iter().collect(), Via::Manager),
                Approvers::People { people } => (among(people), Via::Named),
                Approvers::Group { group } => {
                    let of = members.iter().filter(|(id, _)| *id == group.id);
                    (of.map(|(_, person)| person.clone()).collect(), Via::Group)
                }
            };
            let primary_via = Some(via);
            Candidates {
                primary,
                primary_via,
                fallback: among(&stage.fallback),
                ..Candidates::default()
            }
        })
        .collect();
    let settled = |c: &Candidates| c.primary.iter().chain(&c.fallback).any(|(id, _)| *id != target);
    if all.iter().all(settled) {
        return Ok(all);
    }
    let (owners, administrators) = (owners(db, catalog)?, administrators(db)?);
    for candidates in &mut all {
        candidates.owners.clone_from(&owners);
        candidates.administrators.clone_from(&administrators);
    }
    Ok(all)
}

/// Everybody who could decide a stage for a target, enabled people only (D3, D38).
///
/// # Errors
/// When the database does not answer.
pub fn candidates(
    db: &mut Db,
    stage: &StageTerms,
    target: PersonId,
    catalog: CatalogId,
) -> Result<Candidates> {
    let named = |db: &mut Db, ids: Vec<PersonId>| -> Result<Vec<(PersonId, String)>> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        Ok(people::table
            .filter(people::id.eq_any(ids))
            .filter(people::enabled.eq(true))
            .order((people::name, people::id))
            .select((people::id, people::name))
            .load(db)?)
    };
    let (primary, via) = match &stage.approvers {
        Approvers::Manager => {
            let manager: Option<PersonId> =
                people::table.find(target).select(people::manager_id).first(db)?;
            (named(db, manager.into_iter().collect())?, Via::Manager)
        }
        Approvers::People { people } => {
            (named(db, people.iter().map(|p| p.id).collect())?, Via::Named)
        }
        Approvers::Group { group } => {
            let members = group_members::table
                .inner_join(people::table)
                .filter(group_members::group_id.eq(group.id))
                .filter(people::enabled.eq(true))
                .order((people::name, people::id))
                .select((people::id, people::name))
                .load(db)?;
            (members, Via::Group)
        }
    };
    let fallback = named(db, stage.fallback.iter().map(|p| p.id).collect())?;
    let (owners, administrators) = (owners(db, catalog)?, administrators(db)?);
    Ok(Candidates { primary, primary_via: Some(via), fallback, owners, administrators })
}

/// The enabled people who own a catalog, alone or through a group.
fn owners(db: &mut Db, catalog: CatalogId) -> Result<Vec<(PersonId, String)>> {
    let owner_people = role_grants::table
        .filter(role_grants::catalog_id.eq(catalog))
        .filter(role_grants::person_id.is_not_null())
        .select(role_grants::person_id.assume_not_null());
    let owner_groups = role_grants::table
        .filter(role_grants::catalog_id.eq(catalog))
        .filter(role_grants::group_id.is_not_null())
        .select(role_grants::group_id.assume_not_null());
    let owner_members = group_members::table
        .filter(group_members::group_id.eq_any(owner_groups))
        .select(group_members::person_id);
    Ok(people::table
        .filter(people::enabled.eq(true))
        .filter(people::id.eq_any(owner_people).or(people::id.eq_any(owner_members)))
        .order((people::name, people::id))
        .select((people::id, people::name))
        .load(db)?)
}

fn administrators(db: &mut Db) -> Result<Vec<(PersonId, String)>> {
    Ok(people::table
        .filter(people::enabled.eq(true))
        .filter(people::administrator.eq(true))
        .order((people::name, people::id))
        .select((people::id, people::name))
        .load(db)?)
}

// ---- writes: only for this slice's commands ----

#[derive(Insertable)]
#[diesel(table_name = requests)]
#[diesel(treat_none_as_default_value = false)]
pub(super) struct NewRequest {
    pub id: RequestId,
    pub reference: String,
    pub kind: &'static str,
    pub package_id: PackageId,
    pub policy_id: crate::kernel::PolicyId,
    pub policy_version: i64,
    pub terms: String,
    pub contents_version: i64,
    pub requestor_id: PersonId,
    pub target_id: PersonId,
    pub reason: String,
    pub starts_at: Option<Ts>,
    pub ends_at: Option<Ts>,
    pub state: &'static str,
    pub stage: i64,
    pub previous_id: Option<RequestId>,
    pub created_at: Ts,
    pub rev: i64,
}

pub(super) fn insert(tx: &mut Tx<'_>, new: &NewRequest) -> Result<()> {
    diesel::insert_into(requests::table)
        .values(new)
        .execute(tx.db())
        .map_err(crate::db::stale_if_taken)?;
    Ok(())
}

/// The next state of a request; written only if nobody changed it since it was read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Next {
    pub state: State,
    pub stage: i64,
    pub due_at: Option<Ts>,
    pub decided: bool,
}

pub(super) fn save(tx: &mut Tx<'_>, request: &Request, next: Next) -> Result<()> {
    let now = tx.now();
    let ended_at = next.state.ended().then_some(now);
    let decided_at = if next.decided { Some(now) } else { request.decided_at };
    let hit = diesel::update(
        requests::table
            .find(request.id)
            .filter(requests::rev.eq(request.rev))
            .filter(requests::ended_at.is_null()),
    )
    .set((
        requests::state.eq(next.state.as_str()),
        requests::stage.eq(next.stage),
        requests::due_at.eq(next.due_at),
        requests::decided_at.eq(decided_at),
        requests::ended_at.eq(ended_at),
        requests::rev.eq(request.rev + 1),
    ))
    .execute(tx.db())?;
    if hit == 1 { Ok(()) } else { Err(Error::Stale) }
}

#[derive(Insertable)]
#[diesel(table_name = request_stages)]
struct NewStage {
    id: StageId,
    request_id: RequestId,
    number: i64,
    state: &'static str,
    opened_at: Ts,
    due_at: Ts,
    rev: i64,
}

#[derive(Insertable)]
#[diesel(table_name = stage_approvers)]
#[diesel(treat_none_as_default_value = false)]
struct NewApprover {
    stage_id: StageId,
    person_id: PersonId,
    request_id: RequestId,
    via: &'static str,
    opened_at: Ts,
    waiting: bool,
    removed: bool,
}

pub(super) fn insert_stage(
    tx: &mut Tx<'_>,
    request: RequestId,
    number: i64,
    due_at: Ts,
    deciders: &Deciders,
) -> Result<StageId> {
    let id = StageId::fresh();
    let opened_at = tx.now();
    let state = StageState::Open.as_str();
    let stage = NewStage { id, request_id: request, number, state, opened_at, due_at, rev: 1 };
    diesel::insert_into(request_stages::table)
        .values(&stage)
        .execute(tx.db())
        .map_err(crate::db::stale_if_taken)?;
    add_approvers(tx, request, id, opened_at, deciders)?;
    Ok(id)
}

/// Somebody who had to leave the stage aside before may be asked again.
pub(super) fn add_approvers(
    tx: &mut Tx<'_>,
    request: RequestId,
    stage: StageId,
    opened_at: Ts,
    deciders: &Deciders,
) -> Result<()> {
    let rows: Vec<NewApprover> = deciders
        .people
        .iter()
        .map(|(person, _)| NewApprover {
            stage_id: stage,
            person_id: *person,
            request_id: request,
            via: deciders.via.as_str(),
            opened_at,
            waiting: true,
            removed: false,
        })
        .collect();
    for chunk in rows.chunks(500) {
        crate::each_backend!(tx.db(), |c| {
            diesel::insert_into(stage_approvers::table)
                .values(chunk)
                .on_conflict((stage_approvers::stage_id, stage_approvers::person_id))
                .do_update()
                .set((
                    stage_approvers::via.eq(excluded(stage_approvers::via)),
                    stage_approvers::waiting.eq(true),
                    stage_approvers::removed.eq(false),
                ))
                .execute(c)?
        });
    }
    Ok(())
}

/// The end of a stage; a miss means that it was decided meanwhile.
pub(super) fn close_stage(
    tx: &mut Tx<'_>,
    stage: &Stage,
    state: StageState,
    note: Option<&str>,
) -> Result<()> {
    let decided = matches!(state, StageState::Approved | StageState::Denied);
    let by = tx.actor().id().filter(|_| decided);
    let at = Some(tx.now());
    let hit = diesel::update(
        request_stages::table
            .find(stage.id)
            .filter(request_stages::state.eq(StageState::Open.as_str()))
            .filter(request_stages::rev.eq(stage.rev)),
    )
    .set((
        request_stages::state.eq(state.as_str()),
        request_stages::decided_by.eq(by),
        request_stages::decided_at.eq(at),
        request_stages::note.eq(note),
        request_stages::rev.eq(stage.rev + 1),
    ))
    .execute(tx.db())?;
    if hit != 1 {
        return Err(Error::Stale);
    }
    // The stage is ours now; whoever decides it is one of its approvers still.
    if let Some(person) = by {
        let waiting: Option<bool> = stage_approvers::table
            .find((stage.id, person))
            .select(stage_approvers::waiting)
            .first(tx.db())
            .optional()?;
        if waiting != Some(true) {
            return Err(Error::Stale);
        }
    }
    diesel::update(stage_approvers::table.filter(stage_approvers::stage_id.eq(stage.id)))
        .set(stage_approvers::waiting.eq(false))
        .execute(tx.db())?;
    Ok(())
}

/// The requests that wait for a person's decision.
pub(super) fn waiting_for(db: &mut Db, person: PersonId) -> Result<Vec<RequestId>> {
    Ok(stage_approvers::table
        .filter(stage_approvers::person_id.eq(person))
        .filter(stage_approvers::waiting.eq(true))
        .order(stage_approvers::request_id)
        .select(stage_approvers::request_id)
        .load(db)?)
}

/// Takes a person out of a stage's approvers.
pub(super) fn remove_approver(tx: &mut Tx<'_>, stage: &Stage, person: PersonId) -> Result<()> {
    diesel::update(stage_approvers::table.find((stage.id, person)))
        .set((stage_approvers::waiting.eq(false), stage_approvers::removed.eq(true)))
        .execute(tx.db())?;
    Ok(())
}

/// Bumps an open stage, so that a decision read before a change of its approvers misses and runs again.
pub(super) fn touch_stage(tx: &mut Tx<'_>, stage: &Stage) -> Result<()> {
    let hit = diesel::update(
        request_stages::table.find(stage.id).filter(request_stages::rev.eq(stage.rev)),
    )
    .set(request_stages::rev.eq(stage.rev + 1))
    .execute(tx.db())?;
    if hit == 1 { Ok(()) } else { Err(Error::Stale) }
}

/// The open requests that a person made or that are for them.
///
/// # Errors
/// When the database does not answer.
pub fn open_of(db: &mut Db, person: PersonId) -> Result<Vec<Request>> {
    let rows: Vec<RequestRow> = request_query!()
        .filter(requests::target_id.eq(person).or(requests::requestor_id.eq(person)))
        .filter(requests::ended_at.is_null())
        .order((requests::created_at, requests::id))
        .load(db)?;
    rows.into_iter().map(request).collect()
}
