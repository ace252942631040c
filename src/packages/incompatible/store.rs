//! The table `incompatibilities`, and who holds what stands against each other.

use diesel::dsl::exists;
use diesel::prelude::*;

use super::model::{
    Beside, Candidate, Conflict, Held, Holder, Line, Membership, Other, Rule, Side,
};
use super::rules;
use crate::access::Person;
use crate::db::schema::{
    assignments, catalogs, group_members, groups, incompatibilities, packages, people, requests,
};
use crate::db::{Db, Tx, stale_if_taken};
use crate::error::{Error, Result};
use crate::kernel::{
    AssignmentId, CatalogId, GroupId, IncompatibilityId, PackageId, PersonId, RequestId, Ts,
};
use crate::web::paging::Cursor;

mod aliases {
    diesel::alias!(crate::db::schema::assignments as beside: BesideHeld);
}
use aliases::beside;

type RuleRow = (IncompatibilityId, PackageId, Option<PackageId>, Option<GroupId>, bool, String);
type RuleColumns = (
    incompatibilities::id,
    incompatibilities::package_id,
    incompatibilities::other_package_id,
    incompatibilities::group_id,
    incompatibilities::mutual,
    incompatibilities::reason,
);
const RULE: RuleColumns = (
    incompatibilities::id,
    incompatibilities::package_id,
    incompatibilities::other_package_id,
    incompatibilities::group_id,
    incompatibilities::mutual,
    incompatibilities::reason,
);

fn as_rule((id, package, other, group, mutual, reason): RuleRow) -> Option<Rule> {
    let other = match (other, group) {
        (Some(other), _) => Other::Package(other),
        (None, Some(group)) => Other::Group(group),
        (None, None) => return None,
    };
    Some(Rule { id, package, other, mutual, reason })
}

/// The rules that name one of these packages on either side. One statement.
///
/// # Errors
/// When the database does not answer.
pub fn touching(db: &mut Db, ids: &[PackageId]) -> Result<Vec<Rule>> {
    let rows: Vec<RuleRow> = incompatibilities::table
        .filter(
            incompatibilities::package_id
                .eq_any(ids)
                .or(incompatibilities::other_package_id.eq_any(ids)),
        )
        .order((incompatibilities::created_at, incompatibilities::id))
        .select(RULE)
        .load(db)?;
    Ok(rows.into_iter().filter_map(as_rule).collect())
}

/// What stands against each of these packages for a person. At most three statements, however many packages there
/// are; one where no rule names any of them.
///
/// # Errors
/// When the database does not answer.
pub fn conflicts(
    db: &mut Db,
    person: PersonId,
    wanted: &[PackageId],
    which: Beside,
) -> Result<Vec<Conflict>> {
    let all = touching(db, wanted)?;
    if all.is_empty() {
        return Ok(Vec::new());
    }
    let (held, groups) = (held(db, person, which)?, memberships(db, person, &all)?);
    Ok(wanted.iter().flat_map(|id| rules::conflicts(*id, &all, &held, &groups)).collect())
}

/// What a person holds, by name. One statement.
///
/// # Errors
/// When the database does not answer.
pub fn held(db: &mut Db, person: PersonId, which: Beside) -> Result<Vec<Held>> {
    type Row = (PackageId, String, CatalogId, String, Option<Ts>);
    let rows: Vec<Row> = assignments::table
        .inner_join(packages::table.inner_join(catalogs::table))
        .filter(assignments::target_id.eq(person))
        .filter(assignments::ended_at.is_null())
        .order((packages::name_key, packages::id))
        .select((
            packages::id,
            packages::name,
            catalogs::id,
            catalogs::name,
            assignments::started_at,
        ))
        .load(db)?;
    let each = rows.into_iter().map(|(package, name, catalog, catalog_name, started)| Held {
        package,
        name,
        catalog,
        catalog_name,
        started: started.is_some(),
    });
    Ok(each.filter(|held| held.started || which == Beside::NowOrSoon).collect())
}

/// The groups of these rules in which a person is, by name. One statement, or none.
///
/// # Errors
/// When the database does not answer.
pub fn memberships(db: &mut Db, person: PersonId, rules: &[Rule]) -> Result<Vec<Membership>> {
    let named: Vec<GroupId> = rules
        .iter()
        .filter_map(|rule| match rule.other {
            Other::Group(group) => Some(group),
            Other::Package(_) => None,
        })
        .collect();
    if named.is_empty() {
        return Ok(Vec::new());
    }
    let rows: Vec<(GroupId, String)> = group_members::table
        .inner_join(groups::table)
        .filter(group_members::person_id.eq(person))
        .filter(group_members::group_id.eq_any(named))
        .order((groups::name_key, groups::id))
        .select((groups::id, groups::name))
        .load(db)?;
    Ok(rows.into_iter().map(|(group, name)| Membership { group, name }).collect())
}

/// The rules of a package, those that belong to it first, then those that others have with it. Two statements.
///
/// # Errors
/// When the database does not answer.
pub fn lines(db: &mut Db, package: PackageId) -> Result<Vec<Line>> {
    let of = incompatibilities::package_id
        .eq(package)
        .or(incompatibilities::other_package_id.eq(package));
    type Row = (RuleRow, Ts, String, CatalogId, String, Option<String>);
    let rows: Vec<Row> = incompatibilities::table
        .inner_join(packages::table.inner_join(catalogs::table))
        .left_join(groups::table)
        .filter(of)
        .order((incompatibilities::created_at, incompatibilities::id))
        .select((
            RULE,
            incompatibilities::created_at,
            packages::name,
            catalogs::id,
            catalogs::name,
            groups::name.nullable(),
        ))
        .load(db)?;
    let others: Vec<PackageId> = rows.iter().filter_map(|(rule, ..)| rule.2).collect();
    let others = named(db, &others)?;
    let mut all: Vec<Line> = rows
        .into_iter()
        .filter_map(|(rule, at, package, catalog, catalog_name, group)| {
            let rule = as_rule(rule)?;
            let (other, other_catalog) = match rule.other {
                Other::Group(_) => (group?, None),
                Other::Package(id) => {
                    let found = others.iter().find(|c| c.other == Other::Package(id))?;
                    (found.name.clone(), found.catalog.clone())
                }
            };
            Some(Line { rule, package, catalog, catalog_name, other, other_catalog, at })
        })
        .collect();
    all.sort_by_key(|line| line.rule.package != package);
    Ok(all)
}

/// Packages with their names. One statement.
fn named(db: &mut Db, ids: &[PackageId]) -> Result<Vec<Candidate>> {
    let rows: Vec<PackageRow> = packages::table
        .inner_join(catalogs::table)
        .filter(packages::id.eq_any(ids))
        .select(PACKAGE)
        .load(db)?;
    Ok(rows.into_iter().map(as_candidate).collect())
}

type PackageRow = (PackageId, String, CatalogId, String);
type PackageColumns = (packages::id, packages::name, catalogs::id, catalogs::name);
const PACKAGE: PackageColumns = (packages::id, packages::name, catalogs::id, catalogs::name);

fn as_candidate((id, name, catalog, catalog_name): PackageRow) -> Candidate {
    Candidate { other: Other::Package(id), name, catalog: Some((catalog, catalog_name)) }
}

/// The packages that somebody who looks after catalogs may name: those of their catalogs, and what is in no other catalog
/// hidden (D18).
macro_rules! nameable {
    ($person:expr) => {{
        let person: &Person = $person;
        let mut query = packages::table.inner_join(catalogs::table).select(PACKAGE).into_boxed();
        if !person.administrator {
            let open = catalogs::enabled.and(packages::hidden.eq(false));
            query = query.filter(packages::catalog_id.eq_any(person.owns.clone()).or(open));
        }
        query
    }};
}

/// The packages of the catalogs that somebody looks after, to choose from, by name. One statement.
///
/// # Errors
/// When the database does not answer.
pub fn choices(db: &mut Db, person: &Person, limit: i64) -> Result<Vec<Candidate>> {
    let mut query = packages::table
        .inner_join(catalogs::table)
        .order((packages::name_key, packages::id))
        .limit(limit)
        .select(PACKAGE)
        .into_boxed();
    if !person.administrator {
        query = query.filter(packages::catalog_id.eq_any(person.owns.clone()));
    }
    let rows: Vec<PackageRow> = query.load(db)?;
    Ok(rows.into_iter().map(as_candidate).collect())
}

/// The package of this id, if the person may name it. One statement.
///
/// # Errors
/// When the database does not answer.
pub fn by_id(db: &mut Db, person: &Person, id: PackageId) -> Result<Option<Candidate>> {
    let row: Option<PackageRow> =
        nameable!(person).filter(packages::id.eq(id)).first(db).optional()?;
    Ok(row.map(as_candidate))
}

/// The packages of exactly this name, folded, that the person may name. One statement.
///
/// # Errors
/// When the database does not answer.
pub fn by_name(db: &mut Db, person: &Person, key: &str) -> Result<Vec<Candidate>> {
    let rows: Vec<PackageRow> = nameable!(person)
        .filter(packages::name_key.eq(key))
        .order(packages::id)
        .limit(2)
        .load(db)?;
    Ok(rows.into_iter().map(as_candidate).collect())
}

/// The group of this id. One statement.
///
/// # Errors
/// When the database does not answer.
pub fn group(db: &mut Db, id: GroupId) -> Result<Option<Candidate>> {
    let name: Option<String> = groups::table.find(id).select(groups::name).first(db).optional()?;
    Ok(name.map(|name| Candidate { other: Other::Group(id), name, catalog: None }))
}

macro_rules! holders_of {
    ($package:expr, $other:expr) => {
        people::table
            .inner_join(
                assignments::table.on(assignments::target_id
                    .eq(people::id)
                    .and(assignments::package_id.eq($package))
                    .and(assignments::ended_at.is_null())),
            )
            .inner_join(
                beside.on(beside
                    .field(assignments::target_id)
                    .eq(people::id)
                    .and(beside.field(assignments::package_id).eq($other))
                    .and(beside.field(assignments::ended_at).is_null())),
            )
    };
}

macro_rules! members_of {
    ($package:expr, $group:expr) => {
        people::table
            .inner_join(
                assignments::table.on(assignments::target_id
                    .eq(people::id)
                    .and(assignments::package_id.eq($package))
                    .and(assignments::ended_at.is_null())),
            )
            .filter(exists(
                group_members::table
                    .filter(group_members::group_id.eq($group))
                    .filter(group_members::person_id.eq(people::id)),
            ))
    };
}

/// How many people have both, or are about to. One statement.
///
/// # Errors
/// When the database does not answer.
pub fn count(db: &mut Db, package: PackageId, other: Other) -> Result<i64> {
    Ok(match other {
        Other::Package(other) => holders_of!(package, other).count().get_result(db)?,
        Other::Group(group) => members_of!(package, group).count().get_result(db)?,
    })
}

/// Who has both, or is about to, by name. Two statements.
///
/// # Errors
/// When the database does not answer.
pub fn holders(
    db: &mut Db,
    package: PackageId,
    other: Other,
    at: Option<&Cursor<String>>,
    limit: i64,
) -> Result<Vec<Holder>> {
    type SideRow = (AssignmentId, Option<RequestId>, Ts, Option<Ts>);
    type Row = (PersonId, String, String, SideRow, Option<SideRow>);
    let who = (people::id, people::name, people::search);
    let first =
        (assignments::id, assignments::request_id, assignments::created_at, assignments::ends_at);
    macro_rules! placed {
        ($query:expr) => {{
            let mut query = $query.limit(limit).into_boxed();
            let (key, id) = (people::search, people::id);
            query = match at {
                Some(c) if c.back => {
                    let same = key.eq(c.key.clone()).and(id.lt(PersonId(c.id)));
                    query.filter(key.lt(c.key.clone()).or(same)).order((key.desc(), id.desc()))
                }
                Some(c) => {
                    let same = key.eq(c.key.clone()).and(id.gt(PersonId(c.id)));
                    query.filter(key.gt(c.key.clone()).or(same)).order((key, id))
                }
                None => query.order((key, id)),
            };
            query
        }};
    }
    let rows: Vec<Row> = match other {
        Other::Package(other) => {
            let second = (
                beside.field(assignments::id),
                beside.field(assignments::request_id),
                beside.field(assignments::created_at),
                beside.field(assignments::ends_at),
            );
            let query = holders_of!(package, other).select((who, first, second));
            let rows: Vec<((PersonId, String, String), SideRow, SideRow)> =
                placed!(query).load(db)?;
            let row = |((id, name, key), one, two)| (id, name, key, one, Some(two));
            rows.into_iter().map(row).collect()
        }
        Other::Group(group) => {
            let query = members_of!(package, group).select((who, first));
            let rows: Vec<((PersonId, String, String), SideRow)> = placed!(query).load(db)?;
            rows.into_iter().map(|((id, name, key), one)| (id, name, key, one, None)).collect()
        }
    };
    let sides = rows.iter().flat_map(|row| [Some(&row.3), row.4.as_ref()]).flatten();
    let asked: Vec<RequestId> = sides.filter_map(|side| side.1).collect();
    let excepted: Vec<RequestId> = requests::table
        .filter(requests::id.eq_any(asked))
        .filter(requests::exception)
        .select(requests::id)
        .load(db)?;
    let side = |(assignment, request, at, until): SideRow| {
        let exception = request.is_some_and(|id| excepted.contains(&id));
        Side { assignment, request, at, until, exception }
    };
    let holder = |(person, name, key, one, two): Row| {
        let (package, other) = (side(one), two.map(side));
        Holder { person, name, key, package, other }
    };
    Ok(rows.into_iter().map(holder).collect())
}

/// Is there a rule of this id, and what does it say? One statement.
///
/// # Errors
/// When the database does not answer.
pub fn one(db: &mut Db, id: IncompatibilityId) -> Result<Option<Rule>> {
    let row: Option<RuleRow> =
        incompatibilities::table.find(id).select(RULE).first(db).optional()?;
    Ok(row.and_then(as_rule))
}

pub(super) fn insert(tx: &mut Tx<'_>, rule: &Rule) -> Result<()> {
    let (other, group) = match rule.other {
        Other::Package(id) => (Some(id), None),
        Other::Group(id) => (None, Some(id)),
    };
    let now = tx.now();
    diesel::insert_into(incompatibilities::table)
        .values((
            incompatibilities::id.eq(rule.id),
            incompatibilities::package_id.eq(rule.package),
            incompatibilities::other_package_id.eq(other),
            incompatibilities::group_id.eq(group),
            incompatibilities::mutual.eq(rule.mutual),
            incompatibilities::reason.eq(&rule.reason),
            incompatibilities::created_at.eq(now),
        ))
        .execute(tx.db())
        .map_err(stale_if_taken)?;
    Ok(())
}

pub(super) fn delete(tx: &mut Tx<'_>, id: IncompatibilityId) -> Result<()> {
    match diesel::delete(incompatibilities::table.find(id)).execute(tx.db())? {
        1 => Ok(()),
        _ => Err(Error::Stale),
    }
}
