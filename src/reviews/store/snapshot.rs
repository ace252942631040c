//! What the snapshot reads: the source of an instance in chunks by key range, and what reviewers have to know of it.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use diesel::dsl::exists;
use diesel::prelude::*;

use crate::db::Db;
use crate::db::schema::{
    assignments, facts, group_members, package_roles, packages, people, policies, request_stages,
    requests, resource_roles, review_items, stage_approvers,
};
use crate::error::Result;
use crate::kernel::{
    AssignmentId, CatalogId, Fact, GroupId, PackageId, PersonId, RequestId, ReviewInstanceId,
    RoleId, Ts,
};
use crate::reviews::model::{Answer, LastAnswer, Peers, Scope};

/// One assignment of the source.
#[derive(Clone, Debug)]
pub struct Held {
    pub assignment: AssignmentId,
    pub since: Ts,
    pub ends_at: Option<Ts>,
    pub person: PersonId,
    pub name: String,
    pub department: Option<String>,
    pub manager: Option<PersonId>,
    pub package: PackageId,
    pub package_name: String,
    /// What the package is for, as its owners describe it.
    pub description: String,
    pub catalog: CatalogId,
    pub policy: String,
    pub high: bool,
    pub request: Option<RequestId>,
    pub reason: Option<String>,
}

/// What is held at a moment and in scope: it had started and not ended then.
macro_rules! source {
    ($scope:expr, $at:expr) => {{
        let (scope, at): (&Scope, Ts) = ($scope, $at);
        let mut query = assignments::table
            .inner_join(people::table)
            .inner_join(packages::table)
            .inner_join(policies::table)
            .left_join(requests::table)
            .filter(assignments::started_at.le(at))
            .filter(assignments::ended_at.is_null().or(assignments::ended_at.gt(at)))
            .into_boxed();
        if let Some(catalog) = &scope.catalog {
            query = query.filter(packages::catalog_id.eq(catalog.id));
        }
        if let Some(policy) = &scope.policy {
            query = query.filter(assignments::policy_id.eq(policy.id));
        }
        if !scope.packages.is_empty() {
            let ids: Vec<PackageId> = scope.packages.iter().map(|package| package.id).collect();
            query = query.filter(assignments::package_id.eq_any(ids));
        }
        if !scope.departments.is_empty() {
            query = query.filter(people::department.eq_any(scope.departments.clone()));
        }
        if scope.guests_only {
            query = query.filter(people::kind.eq("guest"));
        }
        if scope.high_risk_only {
            query = query.filter(high_risk());
        }
        query
    }};
}

/// A package is of high risk where one of its roles is (D39).
#[diesel::dsl::auto_type(no_type_alias)]
fn high_risk() -> _ {
    let roles = package_roles::table
        .inner_join(resource_roles::table)
        .filter(package_roles::package_id.eq(assignments::package_id))
        .filter(resource_roles::risk.eq("high"));
    exists(roles)
}

type HeldRow = (
    (AssignmentId, Option<Ts>, Ts, Option<Ts>),
    (PersonId, String, Option<String>, Option<PersonId>),
    (PackageId, String, String, CatalogId, String, bool),
    (Option<RequestId>, Option<String>),
);

/// The first rows of a query on the source, by the ids of their assignments.
macro_rules! rows {
    ($query:expr, $limit:expr, $db:expr) => {{
        let (id, since) = (assignments::id, assignments::started_at);
        let rows: Vec<HeldRow> = $query
            .order(assignments::id)
            .limit($limit)
            .select((
                (id, since, assignments::starts_at, assignments::ends_at),
                (people::id, people::name, people::department, people::manager_id),
                (
                    packages::id,
                    packages::name,
                    packages::description,
                    packages::catalog_id,
                    policies::name,
                    high_risk(),
                ),
                (requests::id.nullable(), requests::reason.nullable()),
            ))
            .load($db)?;
        rows.into_iter().map(read).collect::<Vec<Held>>()
    }};
}

/// The next rows of the source after an assignment, by their ids.
///
/// # Errors
/// When the database does not answer.
pub fn held(
    db: &mut Db,
    scope: &Scope,
    at: Ts,
    after: Option<AssignmentId>,
    limit: i64,
) -> Result<Vec<Held>> {
    let mut query = source!(scope, at);
    if let Some(after) = after {
        query = query.filter(assignments::id.gt(after));
    }
    Ok(rows!(query, limit, db))
}

fn read((first, person, package, request): HeldRow) -> Held {
    let (assignment, started_at, starts_at, ends_at) = first;
    let (person, name, department, manager) = person;
    let (package, package_name, description, catalog, policy, high) = package;
    let (request, reason) = request;
    Held {
        assignment,
        since: started_at.unwrap_or(starts_at),
        ends_at,
        person,
        name,
        department,
        manager,
        package,
        package_name,
        description,
        catalog,
        policy,
        high,
        request,
        reason: reason.filter(|words| !words.is_empty()),
    }
}

/// How much the source holds: counted apart from the snapshot (D27).
///
/// # Errors
/// When the database does not answer.
pub fn source_count(db: &mut Db, scope: &Scope, at: Ts) -> Result<i64> {
    Ok(source!(scope, at).count().get_result(db)?)
}

/// How many items the snapshot has.
///
/// # Errors
/// When the database does not answer.
pub fn item_count(db: &mut Db, id: ReviewInstanceId) -> Result<i64> {
    Ok(review_items::table.filter(review_items::instance_id.eq(id)).count().get_result(db)?)
}

/// Assignments of the source that the snapshot lacks: what was changed while it was written.
///
/// # Errors
/// When the database does not answer.
pub fn lacking(
    db: &mut Db,
    id: ReviewInstanceId,
    (scope, at): (&Scope, Ts),
    limit: i64,
) -> Result<Vec<Held>> {
    let there = review_items::table
        .filter(review_items::instance_id.eq(id))
        .filter(review_items::assignment_id.eq(assignments::id.nullable()));
    Ok(rows!(source!(scope, at).filter(diesel::dsl::not(exists(there))), limit, db))
}

/// An item that the source does not have: what it is of whom.
///
/// # Errors
/// When the database does not answer.
pub fn surplus(
    db: &mut Db,
    id: ReviewInstanceId,
    (scope, at): (&Scope, Ts),
) -> Result<Option<(String, String)>> {
    let mut after: Option<AssignmentId> = None;
    loop {
        let mut query = review_items::table.filter(review_items::instance_id.eq(id)).into_boxed();
        if let Some(after) = after {
            query = query.filter(review_items::assignment_id.gt(after));
        }
        let items: Vec<(Option<AssignmentId>, String, String)> = query
            .order(review_items::assignment_id)
            .limit(500)
            .select((
                review_items::assignment_id,
                review_items::access_name,
                review_items::person_name,
            ))
            .load(db)?;
        let Some((last, ..)) = items.last() else { return Ok(None) };
        after = *last;
        let ids: Vec<AssignmentId> = items.iter().filter_map(|(id, ..)| *id).collect();
        let there: Vec<AssignmentId> = source!(scope, at)
            .filter(assignments::id.eq_any(ids))
            .select(assignments::id)
            .load(db)?;
        let gone = items.into_iter().find(|(id, ..)| id.is_none_or(|id| !there.contains(&id)));
        if let Some((_, access, name)) = gone {
            return Ok(Some((access, name)));
        }
    }
}

/// What the departments of a snapshot hold. Its chunks share it, so that each department is counted once.
#[derive(Default)]
pub struct Departments(Mutex<HashMap<String, Arc<Department>>>);

/// How many people a department has, and how many of them hold what.
#[derive(Clone, Debug, Default)]
pub struct Department {
    people: i64,
    holding: HashMap<PackageId, i64>,
}

impl Departments {
    /// Those of the rows; what is not known yet is read, in two statements.
    fn of(&self, db: &mut Db, rows: &[Held]) -> Result<HashMap<String, Arc<Department>>> {
        let names: Vec<String> = distinct(rows.iter().filter_map(|row| row.department.clone()));
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let new: Vec<String> =
            names.iter().filter(|name| !known.contains_key(*name)).cloned().collect();
        if !new.is_empty() {
            let read = departments(db, &new)?;
            known.extend(read.into_iter().map(|(name, department)| (name, Arc::new(department))));
        }
        let one = |name: &String| Some((name.clone(), Arc::clone(known.get(name)?)));
        Ok(names.iter().filter_map(one).collect())
    }
}

/// Everything that items of these rows show beside the rows themselves.
pub struct Around {
    /// Who approved a request.
    pub approvers: HashMap<RequestId, Vec<String>>,
    /// The departments of the rows.
    pub departments: HashMap<String, Arc<Department>>,
    /// What changed about a person, and when.
    pub moves: HashMap<PersonId, Vec<(Ts, String)>>,
    /// The last answer on an assignment.
    pub last: HashMap<AssignmentId, LastAnswer>,
    /// How often an assignment was extended, and when last.
    pub extended: HashMap<AssignmentId, (i64, Ts)>,
    /// What each person of the rows holds.
    pub holds: HashMap<PersonId, Vec<(PackageId, String)>>,
    /// The roles of each package that somebody of the rows holds.
    pub roles: BTreeMap<PackageId, Vec<RoleId>>,
}

/// Reads it: a fixed number of statements, whatever the number of rows.
///
/// # Errors
/// When the database does not answer.
pub fn around(db: &mut Db, rows: &[Held], at: Ts, departments: &Departments) -> Result<Around> {
    let requests: Vec<RequestId> = rows.iter().filter_map(|row| row.request).collect();
    let assignments: Vec<AssignmentId> = rows.iter().map(|row| row.assignment).collect();
    let people: Vec<PersonId> = distinct(rows.iter().map(|row| row.person));
    let holds = holds(db, &people)?;
    let all = distinct(holds.values().flatten().map(|(id, _)| *id));
    Ok(Around {
        approvers: approvers(db, &requests)?,
        departments: departments.of(db, rows)?,
        moves: moves(db, &people)?,
        last: last(db, &assignments, at)?,
        extended: extended(db, &people, &assignments)?,
        roles: roles(db, &all)?,
        holds,
    })
}

fn distinct<T: Ord>(all: impl Iterator<Item = T>) -> Vec<T> {
    let all: std::collections::BTreeSet<T> = all.collect();
    all.into_iter().collect()
}

fn approvers(db: &mut Db, ids: &[RequestId]) -> Result<HashMap<RequestId, Vec<String>>> {
    let rows: Vec<(RequestId, String)> = stage_approvers::table
        .inner_join(request_stages::table)
        .inner_join(people::table.on(people::id.nullable().eq(stage_approvers::voted_by).or(
            stage_approvers::voted_by.is_null().and(people::id.eq(stage_approvers::person_id)),
        )))
        .filter(stage_approvers::request_id.eq_any(ids))
        .filter(stage_approvers::vote.eq("approve"))
        .order((request_stages::number, stage_approvers::voted_at, people::id))
        .select((stage_approvers::request_id, people::name))
        .load(db)?;
    let mut all: HashMap<RequestId, Vec<String>> = HashMap::new();
    for (request, name) in rows {
        all.entry(request).or_default().push(name);
    }
    Ok(all)
}

/// Departments by their names: from their people to what those hold, since one package may have holders everywhere.
fn departments(db: &mut Db, names: &[String]) -> Result<HashMap<String, Department>> {
    let sizes: Vec<(Option<String>, i64)> = people::table
        .filter(people::department.eq_any(names))
        .filter(people::enabled.eq(true))
        .group_by(people::department)
        .select((people::department, diesel::dsl::count_star()))
        .load(db)?;
    let holding: Vec<(Option<String>, PackageId, i64)> = people::table
        .inner_join(assignments::table)
        .filter(people::department.eq_any(names))
        .filter(people::enabled.eq(true))
        .filter(assignments::ended_at.is_null())
        .group_by((people::department, assignments::package_id))
        .select((people::department, assignments::package_id, diesel::dsl::count_star()))
        .load(db)?;
    let mut all: HashMap<String, Department> =
        names.iter().map(|name| (name.clone(), Department::default())).collect();
    for (name, people) in sizes {
        if let Some(department) = name.and_then(|name| all.get_mut(&name)) {
            department.people = people;
        }
    }
    for (name, package, n) in holding {
        if let Some(department) = name.and_then(|name| all.get_mut(&name)) {
            department.holding.insert(package, n);
        }
    }
    Ok(all)
}

fn moves(db: &mut Db, ids: &[PersonId]) -> Result<HashMap<PersonId, Vec<(Ts, String)>>> {
    let rows: Vec<(Option<PersonId>, Ts, String)> = facts::table
        .filter(facts::person_id.eq_any(ids))
        .filter(facts::kind.eq("person_moved"))
        .order((facts::at, facts::id))
        .select((facts::person_id, facts::at, facts::data))
        .load(db)?;
    let mut all: HashMap<PersonId, Vec<(Ts, String)>> = HashMap::new();
    for (person, at, data) in rows {
        let (Some(person), Ok(Fact::PersonMoved { changes })) =
            (person, serde_json::from_str(&data))
        else {
            continue;
        };
        for change in changes {
            let field = change.field.to_lowercase();
            if field.contains("department") || field.contains("manager") {
                let none = |text: String| if text.is_empty() { "none".to_owned() } else { text };
                let words = format!("{field} was {}, is {}", none(change.from), none(change.to));
                all.entry(person).or_default().push((at, words));
            }
        }
    }
    Ok(all)
}

fn last(db: &mut Db, ids: &[AssignmentId], at: Ts) -> Result<HashMap<AssignmentId, LastAnswer>> {
    type Row = (Option<AssignmentId>, Option<String>, Option<Ts>, String);
    let rows: Vec<Row> = review_items::table
        .inner_join(people::table.on(people::id.nullable().eq(review_items::answered_by)))
        .filter(review_items::assignment_id.eq_any(ids))
        .filter(review_items::answered_at.le(at))
        .order((review_items::answered_at, review_items::id))
        .select((
            review_items::assignment_id,
            review_items::answer,
            review_items::answered_at,
            people::name,
        ))
        .load(db)?;
    Ok(rows
        .into_iter()
        .filter_map(|(assignment, answer, at, by)| {
            let answer = answer.as_deref().and_then(Answer::parse)?;
            Some((assignment?, LastAnswer { answer, by, at: at? }))
        })
        .collect())
}

fn extended(
    db: &mut Db,
    people: &[PersonId],
    ids: &[AssignmentId],
) -> Result<HashMap<AssignmentId, (i64, Ts)>> {
    // By the people who hold them: the facts of a person are found without reading all others.
    let rows: Vec<(Option<AssignmentId>, Ts)> = facts::table
        .filter(facts::person_id.eq_any(people))
        .filter(facts::assignment_id.eq_any(ids))
        .filter(facts::kind.eq("assignment_extended"))
        .order((facts::at, facts::id))
        .select((facts::assignment_id, facts::at))
        .load(db)?;
    let mut all: HashMap<AssignmentId, (i64, Ts)> = HashMap::new();
    for (assignment, at) in rows {
        if let Some(assignment) = assignment {
            let entry = all.entry(assignment).or_insert((0, at));
            *entry = (entry.0 + 1, at);
        }
    }
    Ok(all)
}

fn holds(db: &mut Db, ids: &[PersonId]) -> Result<HashMap<PersonId, Vec<(PackageId, String)>>> {
    let rows: Vec<(PersonId, PackageId, String)> = assignments::table
        .inner_join(packages::table)
        .filter(assignments::target_id.eq_any(ids))
        .filter(assignments::ended_at.is_null())
        .filter(assignments::started_at.is_not_null())
        .order((packages::name, packages::id))
        .select((assignments::target_id, packages::id, packages::name))
        .load(db)?;
    let mut all: HashMap<PersonId, Vec<(PackageId, String)>> = HashMap::new();
    for (person, package, name) in rows {
        all.entry(person).or_default().push((package, name));
    }
    Ok(all)
}

fn roles(db: &mut Db, ids: &[PackageId]) -> Result<BTreeMap<PackageId, Vec<RoleId>>> {
    let rows: Vec<(PackageId, RoleId)> = package_roles::table
        .filter(package_roles::package_id.eq_any(ids))
        .order((package_roles::package_id, package_roles::role_id))
        .load(db)?;
    let mut all: BTreeMap<PackageId, Vec<RoleId>> = BTreeMap::new();
    for (package, role) in rows {
        all.entry(package).or_default().push(role);
    }
    Ok(all)
}

/// The enabled people of the rows' managers, and of named people and groups: who can be asked at all.
///
/// # Errors
/// When the database does not answer.
pub fn able(db: &mut Db, ids: &[PersonId], groups: &[GroupId]) -> Result<Vec<PersonId>> {
    // An auditor changes nothing, whoever names them (D33).
    let changes = || people::auditor.eq(false).or(people::administrator.eq(true));
    let mut all: Vec<PersonId> = people::table
        .filter(people::id.eq_any(ids))
        .filter(people::enabled.eq(true))
        .filter(changes())
        .select(people::id)
        .load(db)?;
    if !groups.is_empty() {
        let members: Vec<PersonId> = group_members::table
            .inner_join(people::table)
            .filter(group_members::group_id.eq_any(groups))
            .filter(people::enabled.eq(true))
            .filter(changes())
            .select(people::id)
            .load(db)?;
        all.extend(members);
    }
    all.sort_unstable();
    all.dedup();
    Ok(all)
}

/// How many of a department hold the package, where both are known.
#[must_use]
pub fn peers(around: &Around, row: &Held) -> Option<Peers> {
    let department = around.departments.get(row.department.as_ref()?)?;
    let have = department.holding.get(&row.package).copied().unwrap_or(0);
    (department.people > 0).then_some(Peers { have, of: department.people })
}
