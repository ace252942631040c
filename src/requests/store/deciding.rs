//! Reads for those who decide and own: the queue, what they decided, and what a decision rests on.

use std::collections::BTreeMap;

use diesel::dsl::{count_star, exists};
use diesel::prelude::*;

use super::{
    Part, RequestRow, Waiting, absent, away, request, standing_from, superiors, targets, voters,
};
use crate::access::policy::RequestStanding;
use crate::db::schema::{
    assignments, catalogs, package_roles, packages, people, request_stages, requests,
    resource_roles, resources, stage_approvers,
};
use crate::db::{Db, Seek, awaited};
use crate::error::Result;
use crate::kernel::{CatalogId, Kind, PackageId, PersonId, RequestId, Risk, StageId, Ts};
use crate::requests::model::{Approver, Request, Row, Rule, StageState, State, Verdict, Via};
use crate::requests::queue::{Past, SOON, Show, Team, Wanted};

diesel::allow_columns_to_appear_in_same_group_by_clause!(
    people::manager_id,
    assignments::package_id,
);

/// One row of an approver's queue, with who it is for.
#[derive(Clone, Debug)]
pub struct Queued {
    /// What waits.
    pub waiting: Waiting,
    /// The target's job.
    pub title: Option<String>,
    /// Where they work.
    pub department: Option<String>,
    /// Their manager: whose team it is.
    pub manager: Option<PersonId>,
    /// How many must approve.
    pub rule: Rule,
    /// The number, where it is one.
    pub needed: i64,
}

/// A page of what waits for a person's decision, longest wait first: one statement.
///
/// # Errors
/// When the database does not answer.
pub fn queue_page(
    db: &mut Db,
    wanted: &Wanted<'_>,
    from: Option<Seek<StageId>>,
    limit: i64,
) -> Result<Vec<Queued>> {
    let person = wanted.person;
    let mut query = stage_approvers::table
        .inner_join(request_stages::table)
        .inner_join(
            requests::table
                .inner_join(packages::table)
                .inner_join(people::table.on(people::id.eq(requests::requestor_id)))
                .inner_join(targets.on(targets.field(people::id).eq(requests::target_id))),
        )
        .filter(diesel::dsl::sql::<diesel::sql_types::Bool>(&awaited(person)))
        .limit(limit)
        .select((
            Row::as_select(),
            (packages::name, packages::catalog_id, people::name, targets.field(people::name)),
            (
                stage_approvers::stage_id,
                stage_approvers::opened_at,
                stage_approvers::via,
                stage_approvers::person_id,
            ),
            (
                targets.field(people::title),
                targets.field(people::department),
                targets.field(people::manager_id),
            ),
            (request_stages::rule, request_stages::needed),
        ))
        .into_boxed();
    let managed = targets.field(people::manager_id);
    query = match wanted.filter.team {
        Some(Team::Mine) => query.filter(managed.eq(person.id)),
        Some(Team::Others) => query.filter(managed.is_null().or(managed.ne(person.id))),
        None => query,
    };
    query = match wanted.filter.show {
        Some(Show::Soon) => query
            .filter(requests::due_at.lt(wanted.now.plus_seconds(SOON)))
            .filter(requests::held_at.is_null())
            .filter(requests::asked_at.is_null()),
        Some(Show::High) => query.filter(exists(
            package_roles::table
                .inner_join(resource_roles::table)
                .filter(package_roles::package_id.eq(requests::package_id))
                .filter(resource_roles::risk.eq(Risk::High.as_str())),
        )),
        Some(Show::Asked) => query.filter(requests::asked_at.is_not_null()),
        None => query,
    };
    if let Some(package) = wanted.filter.package {
        query = query.filter(requests::package_id.eq(package));
    }
    if let Some(only) = wanted.only {
        query = query.filter(stage_approvers::stage_id.eq_any(only));
    }
    let (at, id) = (stage_approvers::opened_at, stage_approvers::stage_id);
    query = match from {
        Some(from) if from.back => query
            .filter(at.lt(from.at).or(at.eq(from.at).and(id.lt(from.id))))
            .order((at.desc(), id.desc())),
        Some(from) => query
            .filter(at.gt(from.at).or(at.eq(from.at).and(id.gt(from.id))))
            .order((at.asc(), id.asc())),
        None => query.order((at.asc(), id.asc())),
    };
    type Who = (Option<String>, Option<String>, Option<PersonId>);
    type Names = (String, CatalogId, String, String);
    type QueueRow = (Row, Names, (StageId, Ts, String, PersonId), Who, (String, i64));
    let rows: Vec<QueueRow> = query.load(db)?;
    rows.into_iter()
        .map(|(row, names, stage, who, (rule, needed))| {
            let (package, catalog, requestor, target) = names;
            let row = (row, package, catalog, requestor, target, None);
            let ((stage, opened_at, via, whose), (title, department, manager)) = (stage, who);
            let via = Via::parse(&via).unwrap_or(Via::Named);
            let instead_of = away(person, whose);
            let waiting = Waiting { request: request(row)?, stage, opened_at, via, instead_of };
            let rule = Rule::parse(&rule).unwrap_or(Rule::Everyone);
            Ok(Queued { waiting, title, department, manager, rule, needed })
        })
        .collect()
}

/// A stage that somebody decided.
#[derive(Clone, Debug)]
pub struct Decided {
    /// Its request.
    pub request: Request,
    /// The stage.
    pub stage: StageId,
    /// Its number.
    pub number: i64,
    /// Approved or denied.
    pub state: StageState,
    /// When.
    pub at: Ts,
    /// In their words.
    pub note: Option<String>,
    /// The stand-in's name and that of the one who was away, where somebody stood in (D34).
    pub stood_in: Option<(String, String)>,
}

/// A page of what a person decided, and of what their stand-ins decided in their place, newest first: one statement.
///
/// # Errors
/// When the database does not answer.
pub fn decided_page(
    db: &mut Db,
    person: PersonId,
    (past, now): (Past, Ts),
    from: Option<Seek<StageId>>,
    limit: i64,
) -> Result<Vec<Decided>> {
    let mut query = stage_approvers::table
        .inner_join(request_stages::table)
        .inner_join(
            requests::table
                .inner_join(packages::table)
                .inner_join(people::table.on(people::id.eq(requests::requestor_id)))
                .inner_join(targets.on(targets.field(people::id).eq(requests::target_id)))
                .left_join(
                    assignments::table.on(assignments::request_id.eq(requests::id.nullable())),
                ),
        )
        .inner_join(absent.on(absent.field(people::id).eq(stage_approvers::person_id)))
        .left_join(voters.on(voters.field(people::id).nullable().eq(stage_approvers::voted_by)))
        .filter(stage_approvers::person_id.eq(person).or(stage_approvers::voted_by.eq(person)))
        .filter(stage_approvers::vote.is_not_null())
        .limit(limit)
        .select((
            Row::as_select(),
            (
                packages::name,
                packages::catalog_id,
                people::name,
                targets.field(people::name),
                assignments::ended_at.nullable(),
            ),
            (
                request_stages::id,
                request_stages::number,
                stage_approvers::vote.assume_not_null(),
                stage_approvers::voted_at.assume_not_null(),
                stage_approvers::note,
                absent.field(people::name),
                voters.field(people::name).nullable(),
            ),
        ))
        .into_boxed();
    if let Some(verdict) = past.verdict {
        query = query.filter(stage_approvers::vote.eq(verdict.as_str()));
    }
    if let Some(since) = past.since(now) {
        query = query.filter(stage_approvers::voted_at.ge(since));
    }
    let (at, id) = (stage_approvers::voted_at, stage_approvers::stage_id);
    query = match from {
        Some(from) if from.back => query
            .filter(at.gt(from.at).or(at.eq(from.at).and(id.gt(from.id))))
            .order((at.asc(), id.asc())),
        Some(from) => query
            .filter(at.lt(from.at).or(at.eq(from.at).and(id.lt(from.id))))
            .order((at.desc(), id.desc())),
        None => query.order((at.desc(), id.desc())),
    };
    type Decision = (StageId, i64, String, Ts, Option<String>, String, Option<String>);
    type Names = (String, CatalogId, String, String, Option<Ts>);
    let rows: Vec<(Row, Names, Decision)> = query.load(db)?;
    rows.into_iter()
        .map(|(row, names, decision)| {
            let (package, catalog, requestor, target, ended) = names;
            let row = (row, package, catalog, requestor, target, ended);
            let (stage, number, state, at, note, whose, by) = decision;
            let stood_in = by.map(|by| (by, whose));
            let state = match Verdict::parse(&state) {
                Some(Verdict::Approve) => StageState::Approved,
                Some(Verdict::Deny) => StageState::Denied,
                None => StageState::Closed,
            };
            Ok(Decided { request: request(row)?, stage, number, state, at, note, stood_in })
        })
        .collect()
}

/// Those of the packages that hold a high-risk role (D39): one statement.
///
/// # Errors
/// When the database does not answer.
pub fn high_risk(db: &mut Db, packages: &[PackageId]) -> Result<Vec<PackageId>> {
    Ok(package_roles::table
        .inner_join(resource_roles::table)
        .filter(package_roles::package_id.eq_any(packages))
        .filter(resource_roles::risk.eq(Risk::High.as_str()))
        .select(package_roles::package_id)
        .distinct()
        .load(db)?)
}

/// How many people each manager has, and how many of them hold each package.
#[derive(Clone, Debug, Default)]
pub struct Teams {
    sizes: BTreeMap<PersonId, i64>,
    holders: BTreeMap<(PersonId, PackageId), i64>,
}

impl Teams {
    /// "n of m": how many of somebody's colleagues with the same manager hold the package; they are in the
    /// team themselves and do not hold it. None under five colleagues (E28).
    #[must_use]
    pub fn peers(&self, manager: Option<PersonId>, package: PackageId) -> Option<Peers> {
        let manager = manager?;
        let of = self.sizes.get(&manager)? - 1;
        let have = self.holders.get(&(manager, package)).copied().unwrap_or(0);
        Peers::shown(have, of)
    }
}

/// Figures of a team.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peers {
    /// So many have it.
    pub have: i64,
    /// Of so many.
    pub of: i64,
}

impl Peers {
    /// The figures, if they are large enough to be shown (E28).
    #[must_use]
    pub fn shown(have: i64, of: i64) -> Option<Self> {
        (of >= 5).then(|| Self { have: have.clamp(0, of), of })
    }
}

/// The teams of these managers: two statements.
///
/// # Errors
/// When the database does not answer.
pub fn teams(db: &mut Db, managers: &[PersonId], packages: &[PackageId]) -> Result<Teams> {
    let sizes: Vec<(Option<PersonId>, i64)> = people::table
        .filter(people::manager_id.eq_any(managers))
        .filter(people::enabled.eq(true))
        .group_by(people::manager_id)
        .select((people::manager_id, count_star()))
        .load(db)?;
    let holders: Vec<(Option<PersonId>, PackageId, i64)> = assignments::table
        .inner_join(people::table)
        .filter(people::manager_id.eq_any(managers))
        .filter(people::enabled.eq(true))
        .filter(assignments::package_id.eq_any(packages))
        .filter(assignments::started_at.is_not_null())
        .filter(assignments::ended_at.is_null())
        .group_by((people::manager_id, assignments::package_id))
        .select((people::manager_id, assignments::package_id, count_star()))
        .load(db)?;
    Ok(Teams {
        sizes: sizes.into_iter().filter_map(|(manager, n)| Some((manager?, n))).collect(),
        holders: holders
            .into_iter()
            .filter_map(|(manager, package, n)| Some(((manager?, package), n)))
            .collect(),
    })
}

/// How people stand to a request, from its approvers: for the policy module, without a statement.
#[must_use]
pub fn standing_of(request: &Request, approvers: &[Approver]) -> RequestStanding {
    let part = |a: &Approver| Part {
        stage: a.stage,
        person: a.person,
        waiting: a.waiting,
        voted: a.vote.is_some(),
        by: a.voted_by,
    };
    standing_from(request, approvers.iter().map(part).collect())
}

/// Who it is for and what it is: the frame of a decision.
#[derive(Clone, Debug)]
pub struct Frame {
    /// The target's job.
    pub title: Option<String>,
    /// Where they work.
    pub department: Option<String>,
    /// Member or guest.
    pub kind: Kind,
    /// Their manager and the name.
    pub manager: Option<(PersonId, String)>,
    /// What the package lets people do.
    pub description: String,
    /// The version of its contents now.
    pub contents_version: i64,
    /// The catalog's name.
    pub catalog: String,
}

/// The frame of a decision: one statement.
///
/// # Errors
/// `Missing` when there is no such request.
pub fn frame(db: &mut Db, id: RequestId) -> Result<Frame> {
    type FrameRow = (
        (Option<String>, Option<String>, String),
        (Option<PersonId>, Option<String>),
        (String, i64, String),
    );
    let row: FrameRow = requests::table
        .inner_join(packages::table.inner_join(catalogs::table))
        .inner_join(people::table.on(people::id.eq(requests::target_id)))
        .left_join(superiors.on(superiors.field(people::id).nullable().eq(people::manager_id)))
        .filter(requests::id.eq(id))
        .select((
            (people::title, people::department, people::kind),
            (superiors.field(people::id).nullable(), superiors.field(people::name).nullable()),
            (packages::description, packages::contents_version, catalogs::name),
        ))
        .first(db)?;
    let ((title, department, kind), (manager, name), (description, contents_version, catalog)) =
        row;
    Ok(Frame {
        title,
        department,
        kind: Kind::parse(&kind).unwrap_or(Kind::Guest),
        manager: manager.zip(name),
        description,
        contents_version,
        catalog,
    })
}

/// One resource role in a package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    /// The resource's name.
    pub resource: String,
    /// The role's name.
    pub role: String,
    /// The target system's name.
    pub target: String,
    /// How much harm it can do.
    pub risk: Risk,
}

/// What is in a package, by name: one statement.
///
/// # Errors
/// When the database does not answer.
pub fn contents(db: &mut Db, package: PackageId) -> Result<Vec<Content>> {
    let rows: Vec<(String, String, String, String)> = package_roles::table
        .inner_join(resource_roles::table.inner_join(resources::table))
        .filter(package_roles::package_id.eq(package))
        .order((resources::name, resource_roles::name, resource_roles::id))
        .select((resources::name, resource_roles::name, resources::target, resource_roles::risk))
        .load(db)?;
    Ok(rows
        .into_iter()
        .map(|(resource, role, target, risk)| {
            // What cannot be read counts as the worse.
            let risk = Risk::parse(&risk).unwrap_or(Risk::High);
            Content { resource, role, target, risk }
        })
        .collect())
}

/// The colleagues of a person with the same manager: how many hold the package, of how many. One statement.
///
/// # Errors
/// When the database does not answer.
pub fn peers(
    db: &mut Db,
    person: PersonId,
    manager: PersonId,
    package: PackageId,
) -> Result<Option<Peers>> {
    let (of, have): (i64, i64) = people::table
        .left_join(
            assignments::table.on(assignments::target_id
                .eq(people::id)
                .and(assignments::package_id.eq(package))
                .and(assignments::started_at.is_not_null())
                .and(assignments::ended_at.is_null())),
        )
        .filter(people::manager_id.eq(manager))
        .filter(people::enabled.eq(true))
        .filter(people::id.ne(person))
        .select((diesel::dsl::count(people::id), diesel::dsl::count(assignments::id.nullable())))
        .first(db)?;
    Ok(Peers::shown(have, of))
}

/// How many packages a person holds now: one statement.
///
/// # Errors
/// When the database does not answer.
pub fn held(db: &mut Db, person: PersonId) -> Result<i64> {
    Ok(assignments::table
        .filter(assignments::target_id.eq(person))
        .filter(assignments::started_at.is_not_null())
        .filter(assignments::ended_at.is_null())
        .count()
        .get_result(db)?)
}

/// An earlier request of the same person for the same package.
#[derive(Clone, Debug)]
pub struct Earlier {
    /// Its id.
    pub id: RequestId,
    /// What people quote.
    pub reference: String,
    /// When it was made.
    pub at: Ts,
    /// How it ended.
    pub state: State,
    /// Who denied it, if somebody did, and their reason.
    pub denied: Option<(String, Option<String>)>,
}

/// "Dario Conti", or "Dario Conti, standing in for Marta Lindqvist" (D34).
pub(super) fn said_by(name: &str, whose: Option<&str>) -> String {
    match whose {
        Some(whose) => format!("{name}, standing in for {whose}"),
        None => name.to_owned(),
    }
}

/// The newest earlier requests of the same pair: one statement.
///
/// # Errors
/// When the database does not answer.
pub fn earlier(db: &mut Db, of: &Request, limit: i64) -> Result<Vec<Earlier>> {
    type Denial = (Option<String>, Option<String>, Option<String>);
    type EarlierRow = (RequestId, String, Ts, String, Denial);
    let rows: Vec<EarlierRow> = requests::table
        .left_join(
            request_stages::table.on(request_stages::request_id
                .eq(requests::id)
                .and(request_stages::state.eq(StageState::Denied.as_str()))),
        )
        .left_join(people::table.on(people::id.nullable().eq(request_stages::decided_by)))
        .left_join(
            stage_approvers::table.on(stage_approvers::stage_id
                .nullable()
                .eq(request_stages::id.nullable())
                .and(stage_approvers::voted_by.eq(request_stages::decided_by))),
        )
        .left_join(
            absent
                .on(absent.field(people::id).nullable().eq(stage_approvers::person_id.nullable())),
        )
        .filter(requests::target_id.eq(of.target_id))
        .filter(requests::package_id.eq(of.package_id))
        .filter(requests::id.ne(of.id))
        .filter(requests::created_at.le(of.created_at))
        .order((requests::created_at.desc(), requests::id.desc()))
        .limit(limit)
        .select((
            requests::id,
            requests::reference,
            requests::created_at,
            requests::state,
            (
                people::name.nullable(),
                absent.field(people::name).nullable(),
                request_stages::note.nullable(),
            ),
        ))
        .load(db)?;
    Ok(rows
        .into_iter()
        .map(|(id, reference, at, state, (name, whose, note))| {
            let state = State::parse(&state).unwrap_or(State::Canceled);
            let name = name.map(|name| said_by(&name, whose.as_deref()));
            Earlier { id, reference, at, state, denied: name.map(|name| (name, note)) }
        })
        .collect())
}

/// How long the newest assignments of a package were given for, in days, without the person's own; the
/// last `limit` of them. One statement.
///
/// # Errors
/// When the database does not answer.
pub fn spans(
    db: &mut Db,
    package: PackageId,
    without: PersonId,
    limit: i64,
) -> Result<Vec<Option<i64>>> {
    let rows: Vec<(Ts, Option<Ts>)> = assignments::table
        .filter(assignments::package_id.eq(package))
        .filter(assignments::target_id.ne(without))
        .filter(assignments::started_at.is_not_null())
        .order((assignments::created_at.desc(), assignments::id.desc()))
        .limit(limit)
        .select((assignments::starts_at, assignments::ends_at))
        .load(db)?;
    let days = |start: Ts, end: Ts| (end.seconds_since(start) + 43_200) / 86_400;
    Ok(rows.into_iter().map(|(start, end)| end.map(|end| days(start, end))).collect())
}

/// A package as its owners' lists name it.
#[derive(Clone, Debug)]
pub struct PackageName {
    /// Its id.
    pub id: PackageId,
    /// Its name.
    pub name: String,
    /// Its catalog.
    pub catalog: CatalogId,
    /// The catalog's name.
    pub catalog_name: String,
}

/// The name of a package: one statement.
///
/// # Errors
/// `Missing` when there is none.
pub fn package_name(db: &mut Db, id: PackageId) -> Result<PackageName> {
    let (name, catalog, catalog_name) = packages::table
        .inner_join(catalogs::table)
        .filter(packages::id.eq(id))
        .select((packages::name, catalogs::id, catalogs::name))
        .first(db)?;
    Ok(PackageName { id, name, catalog, catalog_name })
}

/// A page of a package's requests in a state or in all, newest first: one statement.
///
/// # Errors
/// When the database does not answer.
pub fn package_page(
    db: &mut Db,
    package: PackageId,
    state: Option<State>,
    from: Option<Seek<RequestId>>,
    limit: i64,
) -> Result<Vec<Request>> {
    let mut query = requests::table
        .inner_join(packages::table)
        .inner_join(people::table.on(people::id.eq(requests::requestor_id)))
        .inner_join(targets.on(targets.field(people::id).eq(requests::target_id)))
        .left_join(assignments::table.on(assignments::request_id.eq(requests::id.nullable())))
        .filter(requests::package_id.eq(package))
        .limit(limit)
        .select((
            Row::as_select(),
            packages::name,
            packages::catalog_id,
            people::name,
            targets.field(people::name),
            assignments::ended_at.nullable(),
        ))
        .into_boxed();
    if let Some(state) = state {
        query = query.filter(requests::state.eq(state.as_str()));
    }
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
