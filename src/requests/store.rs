//! Reads of requests, stages and approvers, and the guarded writes that only this slice's commands use.

use std::collections::{BTreeSet, HashMap};

use diesel::prelude::*;
use diesel::upsert::excluded;

use super::model::{Approver, Request, RequestKind, Row, Stage, StageState, State, Verdict, Via};
use super::rules::{Candidate, Deciders};
use crate::access::Person;
use crate::access::policy::RequestStanding;
use crate::db::schema::{
    assignments, facts, group_members, package_roles, packages, people, request_stages, requests,
    resource_roles, resources, stage_approvers, stops,
};
use crate::db::{Db, Seek, Tx, awaited};
use crate::error::{Error, Result};
use crate::kernel::{
    AssignmentId, BasketId, CatalogId, FactId, GroupId, PackageId, PersonId, RequestId, ResourceId,
    Risk, RoleId, StageId, StopId, Ts,
};
use crate::policies::questions::Question;
use crate::requests::stops::Thing;

mod beside;
mod candidates;
mod deciding;
mod together;
mod waiting;
pub use beside::*;
pub use candidates::*;
pub use deciding::*;
pub use together::*;
pub use waiting::*;

mod alias {
    diesel::alias!(
        crate::db::schema::people as targets: Targets,
        crate::db::schema::people as voters: Voters,
        crate::db::schema::people as absent: Absent,
        crate::db::schema::people as superiors: Superiors
    );
}
use alias::{absent, superiors, targets, voters};

/// The query that a `Request` is read with.
macro_rules! request_query {
    () => {
        requests::table
            .inner_join(packages::table)
            .inner_join(people::table.on(people::id.eq(requests::requestor_id)))
            .inner_join(targets.on(targets.field(people::id).eq(requests::target_id)))
            .left_join(assignments::table.on(assignments::request_id.eq(requests::id.nullable())))
            .select((
                Row::as_select(),
                packages::name,
                packages::catalog_id,
                people::name,
                targets.field(people::name),
                assignments::ended_at.nullable(),
            ))
    };
}

/// The columns of an [`Approver`]; the query joins `voters`.
macro_rules! approver_columns {
    () => {
        (
            stage_approvers::stage_id,
            people::id,
            people::name,
            stage_approvers::via,
            stage_approvers::opened_at,
            stage_approvers::waiting,
            (
                stage_approvers::vote,
                stage_approvers::voted_at,
                stage_approvers::note,
                stage_approvers::removed,
                stage_approvers::voted_by,
                stage_approvers::passed_by,
            ),
            voters.field(people::name).nullable(),
        )
    };
}

/// The person who voted in an approver's place, if somebody did.
macro_rules! with_voters {
    ($query:expr) => {
        $query
            .left_join(voters.on(voters.field(people::id).nullable().eq(stage_approvers::voted_by)))
    };
}

type RequestRow = (Row, String, CatalogId, String, String, Option<Ts>);

/// Stages with a timer that is due, of requests that nothing holds and that wait for no information.
macro_rules! due_stages {
    ($db:expr, $at:expr, $now:expr, $reached:expr, $limit:expr) => {{
        let mut query = request_stages::table
            .inner_join(requests::table)
            .filter($at.le($now))
            .filter(requests::held_at.is_null())
            .filter(requests::asked_at.is_null())
            .order(($at, request_stages::id))
            .select(($at.assume_not_null(), request_stages::id))
            .limit($limit)
            .into_boxed();
        if let Some((at, id)) = $reached {
            query = query.filter($at.gt(at).or($at.eq(at).and(request_stages::id.gt(id))));
        }
        Ok(query.load($db)?)
    }};
}

fn request(row: RequestRow) -> Result<Request> {
    let (row, package, catalog_id, requestor, target, access_ended) = row;
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
        kind: RequestKind::parse(&row.kind)
            .ok_or_else(|| anyhow::anyhow!("unknown kind {}", row.kind))?,
        answers: serde_json::from_str(&row.answers)?,
        assignment_id: row.assignment_id,
        basket_id: row.basket_id,
        held_at: row.held_at,
        reminded_at: row.reminded_at,
        asked_at: row.asked_at,
        asked_by: row.asked_by,
        undo_until: row.undo_until,
        exception: row.exception,
        access_ended,
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

/// The newest open requests that a person made or that are for them; those about which they are asked something first.
///
/// # Errors
/// When the database does not answer.
pub fn newest_open(db: &mut Db, person: PersonId, limit: i64) -> Result<Vec<Request>> {
    let rows: Vec<RequestRow> = request_query!()
        .filter(requests::target_id.eq(person).or(requests::requestor_id.eq(person)))
        .filter(requests::ended_at.is_null())
        .order((requests::asked_at.is_null(), requests::created_at.desc(), requests::id.desc()))
        .limit(limit)
        .load(db)?;
    rows.into_iter().map(request).collect()
}

/// Requests for packages of these catalogs that nobody decided in time, since `since`, newest first. One statement, which
/// reads only what was asked for in the last half year.
///
/// # Errors
/// When the database does not answer.
pub fn expired_of(
    db: &mut Db,
    catalogs: &[CatalogId],
    since: Ts,
    limit: i64,
) -> Result<Vec<Request>> {
    let rows: Vec<RequestRow> = request_query!()
        .filter(packages::catalog_id.eq_any(catalogs))
        .filter(requests::created_at.ge(since.plus_hours(-24 * 180)))
        .filter(requests::state.eq(State::Expired.as_str()))
        .filter(requests::ended_at.ge(since))
        .order((requests::ended_at.desc(), requests::id.desc()))
        .limit(limit)
        .load(db)?;
    rows.into_iter().map(request).collect()
}

/// The requests that somebody sent together, by package.
///
/// # Errors
/// When the database does not answer.
pub fn of_basket(db: &mut Db, requestor: PersonId, basket: BasketId) -> Result<Vec<Request>> {
    let rows: Vec<RequestRow> = request_query!()
        .filter(requests::basket_id.eq(basket))
        .filter(requests::requestor_id.eq(requestor))
        .order((packages::name_key, requests::id))
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
    /// For whom the person stands in, where it waits for somebody else (D34).
    pub instead_of: Option<String>,
}

/// The name of the one for whom the person stands in, where a row is not their own.
fn away(person: &Person, whose: PersonId) -> Option<String> {
    let mut away = person.stands_for.iter().filter(|stands| stands.person == whose);
    away.next().filter(|_| whose != person.id).map(|stands| stands.name.clone())
}

/// A page of what waits for a person's decision, longest wait first.
///
/// # Errors
/// When the database does not answer.
pub fn queue(
    db: &mut Db,
    person: &Person,
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
        .filter(diesel::dsl::sql::<diesel::sql_types::Bool>(&awaited(person)))
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
            stage_approvers::person_id,
        ))
        .into_boxed();
    if let Some((at, id)) = after {
        query = query.filter(
            stage_approvers::opened_at
                .gt(at)
                .or(stage_approvers::opened_at.eq(at).and(stage_approvers::stage_id.gt(id))),
        );
    }
    type QueueRow = (Row, String, CatalogId, String, String, StageId, Ts, String, PersonId);
    let rows: Vec<QueueRow> = query.load(db)?;
    rows.into_iter()
        .map(|(row, package, catalog, requestor, target, stage, opened_at, via, whose)| {
            let row = (row, package, catalog, requestor, target, None);
            Ok(Waiting {
                request: request(row)?,
                stage,
                opened_at,
                via: Via::parse(&via).unwrap_or(Via::Named),
                instead_of: away(person, whose),
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
    let rows: Vec<(RequestId, ApproverRow)> =
        with_voters!(stage_approvers::table.inner_join(people::table))
            .filter(stage_approvers::request_id.eq_any(ids))
            .filter(stage_approvers::waiting.eq(true))
            .order((stage_approvers::request_id, people::name, people::id))
            .select((stage_approvers::request_id, approver_columns!()))
            .load(db)?;
    Ok(rows.into_iter().map(|(request, row)| (request, approver(row))).collect())
}

/// Everybody who is or was an approver of any stage of a request, those first who hold it now: one statement.
///
/// # Errors
/// When the database does not answer.
pub fn approvers(db: &mut Db, id: RequestId) -> Result<Vec<Approver>> {
    let rows: Vec<ApproverRow> = with_voters!(stage_approvers::table.inner_join(people::table))
        .filter(stage_approvers::request_id.eq(id))
        .order((stage_approvers::waiting.desc(), people::name, people::id))
        .select(approver_columns!())
        .load(db)?;
    Ok(rows.into_iter().map(approver).collect())
}

type ApproverRow = (
    StageId,
    PersonId,
    String,
    String,
    Ts,
    bool,
    (Option<String>, Option<Ts>, Option<String>, bool, Option<PersonId>, Option<PersonId>),
    Option<String>,
);

fn approver((stage, person, name, via, opened_at, waiting, said, voter): ApproverRow) -> Approver {
    let via = Via::parse(&via).unwrap_or(Via::Named);
    let (vote, voted_at, note, removed, voted_by, passed_by) = said;
    let vote = vote.as_deref().and_then(Verdict::parse);
    Approver {
        stage,
        person,
        name,
        via,
        opened_at,
        waiting,
        vote,
        voted_at,
        note,
        removed,
        voted_by,
        voter,
        passed_by,
    }
}

/// The stages of a request in order, and everybody who is or was an approver of any of them, those first whose decision
/// is awaited now: one statement. A stage has an approver always (D3).
///
/// # Errors
/// When the database does not answer.
pub fn course(db: &mut Db, id: RequestId) -> Result<(Vec<Stage>, Vec<Approver>)> {
    let rows: Vec<(Stage, ApproverRow)> = with_voters!(
        stage_approvers::table
            .inner_join(request_stages::table)
            .inner_join(people::table.on(people::id.eq(stage_approvers::person_id)))
    )
    .filter(stage_approvers::request_id.eq(id))
    .order((stage_approvers::waiting.desc(), people::name, people::id))
    .select((Stage::as_select(), approver_columns!()))
    .load(db)?;
    let (mut stages, mut approvers) = (Vec::<Stage>::new(), Vec::new());
    for (stage, row) in rows {
        if stages.iter().all(|s| s.id != stage.id) {
            stages.push(stage);
        }
        approvers.push(approver(row));
    }
    stages.sort_by_key(|s| s.number);
    Ok((stages, approvers))
}

/// Everybody who is or was an approver of these stages: one statement.
///
/// # Errors
/// When the database does not answer.
pub fn approvers_of_stages(db: &mut Db, stages: &[StageId]) -> Result<Vec<Approver>> {
    let rows: Vec<ApproverRow> = with_voters!(stage_approvers::table.inner_join(people::table))
        .filter(stage_approvers::stage_id.eq_any(stages))
        .order((stage_approvers::stage_id, people::name, people::id))
        .select(approver_columns!())
        .load(db)?;
    Ok(rows.into_iter().map(approver).collect())
}

/// How people stand to a request: for the policy module. One statement.
///
/// # Errors
/// When the database does not answer.
pub fn standing(db: &mut Db, request: &Request) -> Result<RequestStanding> {
    type VoteRow = (StageId, PersonId, bool, Option<String>, Option<PersonId>);
    let rows: Vec<VoteRow> = stage_approvers::table
        .filter(stage_approvers::request_id.eq(request.id))
        .select((
            stage_approvers::stage_id,
            stage_approvers::person_id,
            stage_approvers::waiting,
            stage_approvers::vote,
            stage_approvers::voted_by,
        ))
        .load(db)?;
    let part = |(stage, person, waiting, vote, by): VoteRow| Part {
        stage,
        person,
        waiting,
        voted: vote.is_some(),
        by,
    };
    Ok(standing_from(request, rows.into_iter().map(part).collect()))
}

/// One approver's part in a request, as far as standings look at it.
pub(super) struct Part {
    pub stage: StageId,
    pub person: PersonId,
    pub waiting: bool,
    pub voted: bool,
    pub by: Option<PersonId>,
}

/// How people stand to a request, from everybody's part in it.
pub(super) fn standing_from(request: &Request, parts: Vec<Part>) -> RequestStanding {
    let open = parts.iter().find(|part| part.waiting).map(|part| part.stage);
    let said = |here: bool| {
        let of = parts.iter().filter(|part| part.voted && (Some(part.stage) == open) == here);
        of.flat_map(|part| std::iter::once(part.person).chain(part.by)).collect::<Vec<_>>()
    };
    RequestStanding {
        request: request.id,
        requestor: request.requestor_id,
        target: request.target_id,
        catalog: request.catalog_id,
        package: request.package_id,
        deciders: parts.iter().filter(|part| part.waiting).map(|part| part.person).collect(),
        voted: said(true),
        earlier: if request.terms.decides_twice { Vec::new() } else { said(false) },
        approvers: parts.iter().flat_map(|p| std::iter::once(p.person).chain(p.by)).collect(),
    }
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
        .filter(requests::held_at.is_null())
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

/// Open stages whose alternates join by `now`, in due order, after the one that was reached.
///
/// # Errors
/// When the database does not answer.
pub fn due_alternates(
    db: &mut Db,
    now: Ts,
    reached: Option<(Ts, StageId)>,
    limit: i64,
) -> Result<Vec<(Ts, StageId)>> {
    due_stages!(db, request_stages::alternates_at, now, reached, limit)
}

/// Open stages whose approvers are reminded by `now`, in due order, after the one that was reached.
///
/// # Errors
/// When the database does not answer.
pub fn due_reminders(
    db: &mut Db,
    now: Ts,
    reached: Option<(Ts, StageId)>,
    limit: i64,
) -> Result<Vec<(Ts, StageId)>> {
    due_stages!(db, request_stages::remind_at, now, reached, limit)
}

/// The request of a stage.
///
/// # Errors
/// `Missing` when there is no such stage.
pub fn request_of(db: &mut Db, stage: StageId) -> Result<RequestId> {
    Ok(request_stages::table.find(stage).select(request_stages::request_id).first(db)?)
}

/// The open request of a pair, if there is one (D6).
///
/// # Errors
/// When the database does not answer.
pub fn open_for(
    db: &mut Db,
    target: PersonId,
    package: PackageId,
) -> Result<Option<(RequestId, String)>> {
    Ok(requests::table
        .filter(requests::target_id.eq(target))
        .filter(requests::package_id.eq(package))
        .filter(requests::ended_at.is_null())
        .select((requests::id, requests::reference))
        .first(db)
        .optional()?)
}

/// Somebody who holds a package, or whose request for it is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Busy {
    /// Who.
    pub person: PersonId,
    /// True where they hold it, false where a request is open.
    pub holds: bool,
    /// Until when they hold it.
    pub until: Option<Ts>,
}

/// Which of these people hold a package or have an open request for it. Two statements.
///
/// # Errors
/// When the database does not answer.
pub fn busy_with(db: &mut Db, these: &[PersonId], package: PackageId) -> Result<Vec<Busy>> {
    let held: Vec<(PersonId, Option<Ts>)> = assignments::table
        .filter(assignments::package_id.eq(package))
        .filter(assignments::target_id.eq_any(these))
        .filter(assignments::ended_at.is_null())
        .select((assignments::target_id, assignments::ends_at))
        .load(db)?;
    let open: Vec<PersonId> = requests::table
        .filter(requests::package_id.eq(package))
        .filter(requests::target_id.eq_any(these))
        .filter(requests::ended_at.is_null())
        .select(requests::target_id)
        .load(db)?;
    let open = open.into_iter().map(|person| Busy { person, holds: false, until: None });
    let held = held.into_iter().map(|(person, until)| Busy { person, holds: true, until });
    Ok(held.chain(open).collect())
}

/// The version of what is in a package now.
///
/// # Errors
/// `Missing` when there is no such package.
pub fn contents_version(db: &mut Db, package: PackageId) -> Result<i64> {
    Ok(packages::table.find(package).select(packages::contents_version).first(db)?)
}

/// What the resources of a package ask, by the resource's name; those that ask nothing are left out.
///
/// # Errors
/// When the database does not answer.
pub fn attributes(db: &mut Db, package: PackageId) -> Result<Vec<(String, Vec<Question>)>> {
    let all = attributes_of(db, &[package])?;
    Ok(all.into_iter().map(|(_, resource, asked)| (resource, asked)).collect())
}

/// What the resources of some packages ask. The key of each question is made its resource's own, so that two that ask
/// under the same key do not share an answer. One statement.
///
/// # Errors
/// When the database does not answer.
pub fn attributes_of(
    db: &mut Db,
    all: &[PackageId],
) -> Result<Vec<(PackageId, String, Vec<Question>)>> {
    let rows: Vec<(PackageId, ResourceId, String, String)> = package_roles::table
        .inner_join(resource_roles::table.inner_join(resources::table))
        .filter(package_roles::package_id.eq_any(all))
        .filter(resources::attributes.ne("[]"))
        .order((package_roles::package_id, resources::name, resources::id))
        .select((package_roles::package_id, resources::id, resources::name, resources::attributes))
        .distinct()
        .load(db)?;
    let own = |(package, id, name, asked): (_, ResourceId, _, String)| {
        let mut asked: Vec<Question> = serde_json::from_str(&asked)?;
        for question in &mut asked {
            question.key = format!("{}-{}", id.0.simple(), question.key);
            if let Some(condition) = &mut question.shown_if {
                condition.question = format!("{}-{}", id.0.simple(), condition.question);
            }
        }
        Ok((package, name, asked))
    };
    rows.into_iter().map(own).collect()
}

/// The request that gave this assignment back.
///
/// # Errors
/// When the database does not answer.
pub fn given_back(db: &mut Db, assignment: AssignmentId) -> Result<Option<RequestId>> {
    Ok(requests::table
        .filter(requests::assignment_id.eq(assignment))
        .filter(requests::kind.eq(RequestKind::GiveBack.as_str()))
        .select(requests::id)
        .first(db)
        .optional()?)
}

/// What a person gave back since `since`, newest first.
///
/// # Errors
/// When the database does not answer.
pub fn given_back_since(db: &mut Db, person: PersonId, since: Ts) -> Result<Vec<Request>> {
    let rows: Vec<RequestRow> = request_query!()
        .filter(requests::target_id.eq(person))
        .filter(requests::kind.eq(RequestKind::GiveBack.as_str()))
        .filter(requests::created_at.gt(since))
        .order((requests::created_at.desc(), requests::id.desc()))
        .limit(50)
        .load(db)?;
    rows.into_iter().map(request).collect()
}

/// Requestor and target of each of these requests, and the catalog of its package. One statement, or none.
///
/// # Errors
/// When the database does not answer.
pub fn who_waits(
    db: &mut Db,
    ids: impl IntoIterator<Item = RequestId>,
) -> Result<HashMap<RequestId, ([PersonId; 2], CatalogId)>> {
    let ids: BTreeSet<RequestId> = ids.into_iter().collect();
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let rows: Vec<(RequestId, PersonId, PersonId, CatalogId)> = requests::table
        .inner_join(packages::table)
        .filter(requests::id.eq_any(ids))
        .select((requests::id, requests::requestor_id, requests::target_id, packages::catalog_id))
        .load(db)?;
    let row = |(id, requestor, target, catalog)| (id, ([requestor, target], catalog));
    Ok(rows.into_iter().map(row).collect())
}

/// The requests for a person that are open, with their packages. One statement.
///
/// # Errors
/// When the database does not answer.
pub fn open_for_person(db: &mut Db, person: PersonId) -> Result<Vec<(PackageId, RequestId)>> {
    Ok(requests::table
        .filter(requests::target_id.eq(person))
        .filter(requests::ended_at.is_null())
        .select((requests::package_id, requests::id))
        .load(db)?)
}

/// Was the pair requested, denied, assigned or ended again since it was given back (D42)?
///
/// # Errors
/// When the database does not answer.
pub fn touched_since(db: &mut Db, given_back: &Request) -> Result<bool> {
    let since = given_back.created_at;
    let later: Option<RequestId> = requests::table
        .filter(requests::target_id.eq(given_back.target_id))
        .filter(requests::package_id.eq(given_back.package_id))
        .filter(requests::id.ne(given_back.id))
        .filter(requests::created_at.gt(since).or(requests::decided_at.gt(since)))
        .filter(requests::state.ne(State::Canceled.as_str()))
        .select(requests::id)
        .first(db)
        .optional()?;
    Ok(later.is_some())
}

/// The packages of a catalog.
///
/// # Errors
/// When the database does not answer.
pub fn packages_of(db: &mut Db, catalog: CatalogId) -> Result<Vec<PackageId>> {
    Ok(packages::table
        .filter(packages::catalog_id.eq(catalog))
        .order(packages::id)
        .select(packages::id)
        .load(db)?)
}

/// The open requests under something that can be stopped.
///
/// # Errors
/// When the database does not answer.
pub fn open_under(db: &mut Db, packages: &[PackageId], thing: Thing) -> Result<Vec<Request>> {
    let mut query = request_query!()
        .filter(requests::package_id.eq_any(packages))
        .filter(requests::ended_at.is_null())
        .filter(requests::state.ne(State::Delivering.as_str()))
        .order(requests::id)
        .into_boxed();
    if let Thing::Policy(id) = thing {
        query = query.filter(requests::policy_id.eq(id));
    }
    let rows: Vec<RequestRow> = query.load(db)?;
    rows.into_iter().map(request).collect()
}

/// Requests of a package that are not delivered and not being delivered.
///
/// # Errors
/// When the database does not answer.
pub fn undecided_of_package(db: &mut Db, package: PackageId) -> Result<Vec<Request>> {
    open_under(db, &[package], Thing::Package(package))
}

/// The open request for more time of a pair.
///
/// # Errors
/// When the database does not answer.
pub fn open_extension(
    db: &mut Db,
    target: PersonId,
    package: PackageId,
) -> Result<Option<Request>> {
    let row: Option<RequestRow> = request_query!()
        .filter(requests::target_id.eq(target))
        .filter(requests::package_id.eq(package))
        .filter(requests::ended_at.is_null())
        .filter(requests::kind.eq(RequestKind::Extend.as_str()))
        .first(db)
        .optional()?;
    row.map(request).transpose()
}

/// Is one of these roles high risk?
///
/// # Errors
/// When the database does not answer.
pub fn any_high_risk(db: &mut Db, roles: &[RoleId]) -> Result<bool> {
    if roles.is_empty() {
        return Ok(false);
    }
    let high: Option<RoleId> = resource_roles::table
        .filter(resource_roles::id.eq_any(roles))
        .filter(resource_roles::risk.eq(Risk::High.as_str()))
        .select(resource_roles::id)
        .first(db)
        .optional()?;
    Ok(high.is_some())
}

/// Whose decision on what is awaited of these people through a group, and why them.
///
/// # Errors
/// When the database does not answer.
pub fn asked_through(
    db: &mut Db,
    group: GroupId,
    people: &[PersonId],
) -> Result<Vec<(RequestId, PersonId, Via)>> {
    let rows: Vec<(RequestId, PersonId, String)> = stage_approvers::table
        .filter(stage_approvers::group_id.eq(group))
        .filter(stage_approvers::waiting.eq(true))
        .filter(stage_approvers::person_id.eq_any(people))
        .order((stage_approvers::request_id, stage_approvers::person_id))
        .select((stage_approvers::request_id, stage_approvers::person_id, stage_approvers::via))
        .load(db)?;
    let via = |word: &str| Via::parse(word).unwrap_or(Via::Group);
    Ok(rows.into_iter().map(|(request, person, word)| (request, person, via(&word))).collect())
}

/// One of these groups in which the person is.
///
/// # Errors
/// When the database does not answer.
pub fn group_of(db: &mut Db, person: PersonId, groups: &[GroupId]) -> Result<Option<GroupId>> {
    Ok(group_members::table
        .filter(group_members::person_id.eq(person))
        .filter(group_members::group_id.eq_any(groups))
        .order(group_members::group_id)
        .select(group_members::group_id)
        .first(db)
        .optional()?)
}

/// Has the pair an open request (D6)?
///
/// # Errors
/// When the database does not answer.
pub fn open_of_pair(db: &mut Db, target: PersonId, package: PackageId) -> Result<bool> {
    let open: Option<RequestId> = requests::table
        .filter(requests::target_id.eq(target))
        .filter(requests::package_id.eq(package))
        .filter(requests::ended_at.is_null())
        .select(requests::id)
        .first(db)
        .optional()?;
    Ok(open.is_some())
}

/// Has somebody said these very words of a request after `since`?
///
/// # Errors
/// When the database does not answer.
pub fn has_said(
    db: &mut Db,
    request: RequestId,
    person: PersonId,
    words: &str,
    since: Ts,
) -> Result<bool> {
    let said: Option<FactId> = facts::table
        .filter(facts::request_id.eq(request))
        .filter(facts::actor_id.eq(person))
        .filter(facts::at.gt(since))
        .filter(facts::note.eq(words))
        .filter(facts::kind.eq_any(["comment_added", "information_asked"]))
        .select(facts::id)
        .first(db)
        .optional()?;
    Ok(said.is_some())
}

// ---- writes: only for this slice's commands ----

pub(super) fn insert_stop(tx: &mut Tx<'_>, thing: Thing, reason: &str) -> Result<()> {
    let (now, by) = (tx.now(), tx.actor().name().to_owned());
    let (catalog, package, policy) = match thing {
        Thing::Catalog(id) => (Some(id), None, None),
        Thing::Package(id) => (None, Some(id), None),
        Thing::Policy(id) => (None, None, Some(id)),
    };
    diesel::insert_into(stops::table)
        .values((
            stops::id.eq(StopId::fresh()),
            stops::catalog_id.eq(catalog),
            stops::package_id.eq(package),
            stops::policy_id.eq(policy),
            stops::reason.eq(reason),
            stops::stopped_by.eq(by),
            stops::stopped_at.eq(now),
        ))
        .execute(tx.db())
        .map_err(crate::db::stale_if_taken)?;
    Ok(())
}

pub(super) fn delete_stop(tx: &mut Tx<'_>, id: StopId) -> Result<bool> {
    Ok(diesel::delete(stops::table.find(id)).execute(tx.db())? == 1)
}

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
    pub answers: String,
    pub assignment_id: Option<AssignmentId>,
    pub basket_id: Option<BasketId>,
    pub exception: bool,
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
#[diesel(treat_none_as_default_value = false)]
struct NewStageRow {
    id: StageId,
    request_id: RequestId,
    number: i64,
    state: &'static str,
    opened_at: Ts,
    due_at: Ts,
    rev: i64,
    rule: &'static str,
    needed: i64,
    alternates_at: Option<Ts>,
    remind_at: Option<Ts>,
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
    group_id: Option<GroupId>,
}

/// When the clocks of a new stage ring.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clocks {
    pub due_at: Ts,
    pub alternates_at: Option<Ts>,
    pub remind_at: Option<Ts>,
}

pub(super) fn insert_stage(
    tx: &mut Tx<'_>,
    request: RequestId,
    number: i64,
    clocks: Clocks,
    deciders: &Deciders,
) -> Result<StageId> {
    let id = StageId::fresh();
    let opened_at = tx.now();
    let Clocks { due_at, alternates_at, remind_at } = clocks;
    let stage = NewStageRow {
        id,
        request_id: request,
        number,
        state: StageState::Open.as_str(),
        opened_at,
        due_at,
        rev: 1,
        rule: deciders.rule.as_str(),
        needed: deciders.needed,
        alternates_at,
        remind_at,
    };
    diesel::insert_into(request_stages::table)
        .values(&stage)
        .execute(tx.db())
        .map_err(crate::db::stale_if_taken)?;
    add_approvers(tx, request, id, opened_at, &deciders.people)?;
    Ok(id)
}

/// Somebody who had to leave the stage aside before may be asked again; who has voted is not.
pub(super) fn add_approvers(
    tx: &mut Tx<'_>,
    request: RequestId,
    stage: StageId,
    opened_at: Ts,
    people: &[Candidate],
) -> Result<()> {
    let rows: Vec<NewApprover> = people
        .iter()
        .map(|person| NewApprover {
            stage_id: stage,
            person_id: person.id,
            request_id: request,
            via: person.via.as_str(),
            opened_at,
            waiting: true,
            removed: false,
            group_id: person.group,
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
                    stage_approvers::group_id.eq(excluded(stage_approvers::group_id)),
                    stage_approvers::waiting.eq(true),
                    stage_approvers::removed.eq(false),
                ))
                .execute(c)?
        });
    }
    Ok(())
}

/// One person's vote on an open stage, said by them or by their stand-in `by`; a miss means that their decision is no longer awaited, or that the stage
/// changed since it was read.
pub(super) fn vote(
    tx: &mut Tx<'_>,
    stage: &Stage,
    person: PersonId,
    by: PersonId,
    verdict: Verdict,
    note: Option<&str>,
) -> Result<()> {
    touch_stage(tx, stage)?;
    let now = tx.now();
    let hit = diesel::update(
        stage_approvers::table
            .find((stage.id, person))
            .filter(stage_approvers::waiting.eq(true))
            .filter(stage_approvers::vote.is_null()),
    )
    .set((
        stage_approvers::vote.eq(verdict.as_str()),
        stage_approvers::voted_by.eq(Some(by).filter(|by| *by != person)),
        stage_approvers::voted_at.eq(now),
        stage_approvers::note.eq(note),
        stage_approvers::waiting.eq(false),
    ))
    .execute(tx.db())?;
    if hit == 1 { Ok(()) } else { Err(Error::Stale) }
}

/// The end of a stage that [`touch_stage`] or [`vote`] has made ours; a miss means that it was ended meanwhile.
pub(super) fn close_stage(
    tx: &mut Tx<'_>,
    stage: &Stage,
    state: StageState,
    by: Option<PersonId>,
    note: Option<&str>,
) -> Result<()> {
    let at = tx.now();
    let hit = diesel::update(
        request_stages::table
            .find(stage.id)
            .filter(request_stages::state.eq(StageState::Open.as_str()))
            .filter(request_stages::rev.eq(stage.rev + 1)),
    )
    .set((
        request_stages::state.eq(state.as_str()),
        request_stages::decided_by.eq(by),
        request_stages::decided_at.eq(at),
        request_stages::note.eq(note),
        request_stages::alternates_at.eq(None::<Ts>),
        request_stages::remind_at.eq(None::<Ts>),
        request_stages::rev.eq(stage.rev + 2),
    ))
    .execute(tx.db())?;
    if hit != 1 {
        return Err(Error::Stale);
    }
    diesel::update(stage_approvers::table.filter(stage_approvers::stage_id.eq(stage.id)))
        .set(stage_approvers::waiting.eq(false))
        .execute(tx.db())?;
    Ok(())
}

/// The clocks of an open stage that [`touch_stage`] has made ours.
pub(super) fn save_clocks(tx: &mut Tx<'_>, stage: StageId, clocks: Clocks) -> Result<()> {
    diesel::update(request_stages::table.find(stage))
        .set((
            request_stages::due_at.eq(clocks.due_at),
            request_stages::alternates_at.eq(clocks.alternates_at),
            request_stages::remind_at.eq(clocks.remind_at),
        ))
        .execute(tx.db())?;
    Ok(())
}

/// Notes that a request waits, or goes on with another deadline (D47).
pub(super) fn save_held(
    tx: &mut Tx<'_>,
    request: &Request,
    held_at: Option<Ts>,
    due_at: Option<Ts>,
) -> Result<()> {
    let hit = diesel::update(
        requests::table
            .find(request.id)
            .filter(requests::rev.eq(request.rev))
            .filter(requests::ended_at.is_null()),
    )
    .set((
        requests::held_at.eq(held_at),
        requests::due_at.eq(due_at),
        requests::rev.eq(request.rev + 1),
    ))
    .execute(tx.db())?;
    if hit == 1 { Ok(()) } else { Err(Error::Stale) }
}

/// A question that is asked or answered: since when and by whom, until when it may be answered or decided, and since
/// when it is stopped.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asking {
    pub asked_at: Option<Ts>,
    pub asked_by: Option<PersonId>,
    pub due_at: Option<Ts>,
    pub held_at: Option<Ts>,
}

/// Notes that a request waits for information, or no longer does (D13).
pub(super) fn save_asking(tx: &mut Tx<'_>, request: &Request, asking: Asking) -> Result<()> {
    let hit = diesel::update(
        requests::table
            .find(request.id)
            .filter(requests::rev.eq(request.rev))
            .filter(requests::ended_at.is_null()),
    )
    .set((
        requests::asked_at.eq(asking.asked_at),
        requests::asked_by.eq(asking.asked_by),
        requests::due_at.eq(asking.due_at),
        requests::held_at.eq(asking.held_at),
        requests::rev.eq(request.rev + 1),
    ))
    .execute(tx.db())?;
    if hit == 1 { Ok(()) } else { Err(Error::Stale) }
}

/// Notes that a request is approved for less (D14).
pub(super) fn save_shortened(tx: &mut Tx<'_>, request: &Request, until: Ts) -> Result<()> {
    let hit = diesel::update(
        requests::table
            .find(request.id)
            .filter(requests::rev.eq(request.rev))
            .filter(requests::ended_at.is_null()),
    )
    .set((requests::ends_at.eq(until), requests::rev.eq(request.rev + 1)))
    .execute(tx.db())?;
    if hit == 1 { Ok(()) } else { Err(Error::Stale) }
}

/// Notes until when the last decision can be taken back (D40). The request is ours: it was saved in this transaction.
pub(super) fn save_undo(tx: &mut Tx<'_>, request: RequestId, until: Ts) -> Result<()> {
    diesel::update(requests::table.find(request))
        .set(requests::undo_until.eq(until))
        .execute(tx.db())?;
    Ok(())
}

/// A request goes back to a stage (D40); a miss means that something happened to it meanwhile, or that the pair has
/// another open request (D6).
pub(super) fn save_reopened(
    tx: &mut Tx<'_>,
    request: &Request,
    stage: i64,
    due_at: Ts,
) -> Result<()> {
    let held_at = request.held_at.map(|_| tx.now());
    let hit =
        diesel::update(requests::table.find(request.id).filter(requests::rev.eq(request.rev)))
            .set((
                requests::state.eq(State::PendingApproval.as_str()),
                requests::stage.eq(stage),
                requests::due_at.eq(due_at),
                requests::decided_at.eq(None::<Ts>),
                requests::ended_at.eq(None::<Ts>),
                requests::undo_until.eq(None::<Ts>),
                requests::held_at.eq(held_at),
                requests::rev.eq(request.rev + 1),
            ))
            .execute(tx.db())
            .map_err(crate::db::stale_if_taken)?;
    if hit == 1 { Ok(()) } else { Err(Error::Stale) }
}

/// Takes a vote away, so that the decision is awaited again (D40).
pub(super) fn clear_vote(tx: &mut Tx<'_>, stage: StageId, person: PersonId) -> Result<()> {
    let hit = diesel::update(
        stage_approvers::table.find((stage, person)).filter(stage_approvers::vote.is_not_null()),
    )
    .set((
        stage_approvers::vote.eq(None::<String>),
        stage_approvers::voted_at.eq(None::<Ts>),
        stage_approvers::note.eq(None::<String>),
        stage_approvers::voted_by.eq(None::<PersonId>),
        stage_approvers::waiting.eq(true),
    ))
    .execute(tx.db())?;
    if hit == 1 { Ok(()) } else { Err(Error::Stale) }
}

/// Opens a decided stage again with these clocks (D40): those who have not voted and are still here are awaited.
pub(super) fn reopen_stage(tx: &mut Tx<'_>, stage: &Stage, clocks: Clocks) -> Result<()> {
    let hit = diesel::update(
        request_stages::table.find(stage.id).filter(request_stages::rev.eq(stage.rev)).filter(
            request_stages::state
                .eq_any([StageState::Approved.as_str(), StageState::Denied.as_str()]),
        ),
    )
    .set((
        request_stages::state.eq(StageState::Open.as_str()),
        request_stages::decided_by.eq(None::<PersonId>),
        request_stages::decided_at.eq(None::<Ts>),
        request_stages::note.eq(None::<String>),
        request_stages::due_at.eq(clocks.due_at),
        request_stages::alternates_at.eq(clocks.alternates_at),
        request_stages::remind_at.eq(clocks.remind_at),
        request_stages::rev.eq(stage.rev + 1),
    ))
    .execute(tx.db())?;
    if hit != 1 {
        return Err(Error::Stale);
    }
    let silent = stage_approvers::table
        .filter(stage_approvers::stage_id.eq(stage.id))
        .filter(stage_approvers::vote.is_null())
        .filter(stage_approvers::removed.eq(false));
    let here = people::table.filter(people::enabled.eq(true)).select(people::id);
    let left = silent.filter(stage_approvers::person_id.ne_all(here));
    diesel::update(left).set(stage_approvers::removed.eq(true)).execute(tx.db())?;
    diesel::update(silent).set(stage_approvers::waiting.eq(true)).execute(tx.db())?;
    Ok(())
}

/// Takes away an open stage that nobody has voted in (D40); it opens anew when the one before it is approved again.
pub(super) fn drop_stage(tx: &mut Tx<'_>, stage: &Stage) -> Result<()> {
    touch_stage(tx, stage)?;
    diesel::delete(stage_approvers::table.filter(stage_approvers::stage_id.eq(stage.id)))
        .execute(tx.db())?;
    diesel::delete(request_stages::table.find(stage.id)).execute(tx.db())?;
    Ok(())
}

/// The vote of somebody who decides in place of others; the stage is ours.
pub(super) fn save_vote(
    tx: &mut Tx<'_>,
    stage: StageId,
    person: PersonId,
    verdict: Verdict,
    note: &str,
) -> Result<()> {
    let now = tx.now();
    diesel::update(stage_approvers::table.find((stage, person)))
        .set((
            stage_approvers::vote.eq(verdict.as_str()),
            stage_approvers::voted_at.eq(now),
            stage_approvers::note.eq(note),
            stage_approvers::waiting.eq(false),
        ))
        .execute(tx.db())?;
    Ok(())
}

/// Notes who passed a stage on to somebody (D44).
pub(super) fn save_passed(
    tx: &mut Tx<'_>,
    stage: StageId,
    to: PersonId,
    by: PersonId,
) -> Result<()> {
    let hit = diesel::update(
        stage_approvers::table.find((stage, to)).filter(stage_approvers::waiting.eq(true)),
    )
    .set(stage_approvers::passed_by.eq(by))
    .execute(tx.db())?;
    if hit == 1 { Ok(()) } else { Err(Error::Stale) }
}

/// Notes that the approvers were reminded on request.
pub(super) fn save_reminded(tx: &mut Tx<'_>, request: &Request) -> Result<()> {
    let now = tx.now();
    let hit = diesel::update(
        requests::table
            .find(request.id)
            .filter(requests::rev.eq(request.rev))
            .filter(requests::ended_at.is_null()),
    )
    .set((requests::reminded_at.eq(now), requests::rev.eq(request.rev + 1)))
    .execute(tx.db())?;
    if hit == 1 { Ok(()) } else { Err(Error::Stale) }
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

/// Notes through which group somebody is asked.
pub(super) fn save_group(
    tx: &mut Tx<'_>,
    stage: StageId,
    person: PersonId,
    group: Option<GroupId>,
) -> Result<()> {
    diesel::update(stage_approvers::table.find((stage, person)))
        .set(stage_approvers::group_id.eq(group))
        .execute(tx.db())?;
    Ok(())
}

/// Bumps an open stage, so that a decision read before a change of its approvers misses and runs again.
pub(super) fn touch_stage(tx: &mut Tx<'_>, stage: &Stage) -> Result<()> {
    let hit = diesel::update(
        request_stages::table
            .find(stage.id)
            .filter(request_stages::state.eq(StageState::Open.as_str()))
            .filter(request_stages::rev.eq(stage.rev)),
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
