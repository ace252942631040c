//! The tables `policies`, `policy_versions` and `policy_scopes`.

use diesel::dsl::exists;
use diesel::prelude::*;

use super::model::{Applicable, Policy, Scope, Terms, Version};
use super::rules::Known;
use crate::db::schema::{group_members, groups, people, policies, policy_scopes, policy_versions};
use crate::db::{Db, stale_if_taken};
use crate::error::{Error, Result};
use crate::kernel::{GroupId, Kind, PackageId, PersonId, PolicyId, PolicyScopeId, Ts};

type Row = (PolicyId, PackageId, String, i64, bool, String, i64);
type Columns = (
    policies::id,
    policies::package_id,
    policies::name,
    policies::version,
    policies::enabled,
    policies::terms,
    policies::rev,
);
const POLICY: Columns = (
    policies::id,
    policies::package_id,
    policies::name,
    policies::version,
    policies::enabled,
    policies::terms,
    policies::rev,
);

fn as_policy((id, package, name, version, enabled, terms, rev): Row) -> Result<Policy> {
    let terms = serde_json::from_str(&terms)?;
    Ok(Policy { id, package, name, version, enabled, terms, rev })
}

/// A policy.
///
/// # Errors
/// `Missing` if there is none.
pub fn policy(db: &mut Db, id: PolicyId) -> Result<Policy> {
    as_policy(policies::table.find(id).select(POLICY).first(db)?)
}

/// The policies of a package, oldest first. One statement.
///
/// # Errors
/// When the database does not answer.
pub fn of_package(db: &mut Db, package: PackageId) -> Result<Vec<Policy>> {
    let rows: Vec<Row> = policies::table
        .filter(policies::package_id.eq(package))
        .order(policies::id)
        .select(POLICY)
        .load(db)?;
    rows.into_iter().map(as_policy).collect()
}

/// Every version that a policy ever had, newest first. One statement.
///
/// # Errors
/// When the database does not answer.
pub fn versions(db: &mut Db, policy: PolicyId) -> Result<Vec<Version>> {
    let rows: Vec<(i64, String, String, Ts, String)> = policy_versions::table
        .filter(policy_versions::policy_id.eq(policy))
        .order(policy_versions::version.desc())
        .select((
            policy_versions::version,
            policy_versions::name,
            policy_versions::terms,
            policy_versions::made_at,
            policy_versions::made_by,
        ))
        .load(db)?;
    rows.into_iter()
        .map(|(version, name, terms, made_at, made_by)| {
            Ok(Version { version, name, terms: serde_json::from_str(&terms)?, made_at, made_by })
        })
        .collect()
}

/// The enabled policies of a package whose scope has this enabled person in it, those that name them first (D17).
/// Whether the catalog is switched on is not asked here. One statement.
///
/// # Errors
/// When the database does not answer.
pub fn policies_for(db: &mut Db, package: PackageId, person: PersonId) -> Result<Vec<Applicable>> {
    let here = people::table.filter(people::id.eq(person)).filter(people::enabled);
    let member = exists(here.filter(people::kind.eq(Kind::Member.as_str())));
    let groups = group_members::table
        .filter(group_members::person_id.eq(person))
        .select(group_members::group_id.nullable());
    let rows: Vec<(Row, String)> = policies::table
        .inner_join(policy_scopes::table)
        .filter(policies::package_id.eq(package).and(policies::enabled))
        .filter(exists(here))
        .filter(
            policy_scopes::kind
                .eq(ALL_MEMBERS)
                .and(member)
                .or(policy_scopes::person_id.eq(person))
                .or(policy_scopes::group_id.eq_any(groups)),
        )
        .order(policies::id)
        .select((POLICY, policy_scopes::kind))
        .load(db)?;
    let mut all: Vec<Applicable> = Vec::new();
    for (row, kind) in rows {
        let named = kind != ALL_MEMBERS;
        match all.last_mut() {
            Some(last) if last.policy.id == row.0 => last.named |= named,
            _ => all.push(Applicable { policy: as_policy(row)?, named }),
        }
    }
    all.sort_by_key(|a| !a.named);
    Ok(all)
}

/// What the directory says of these people and groups. At most two statements.
///
/// # Errors
/// When the database does not answer.
pub fn known(db: &mut Db, persons: &[PersonId], these: &[GroupId]) -> Result<Known> {
    let mut known = Known::default();
    if !persons.is_empty() {
        let rows: Vec<(PersonId, String, bool)> = people::table
            .filter(people::id.eq_any(persons))
            .select((people::id, people::name, people::enabled))
            .load(db)?;
        known.people = rows.into_iter().map(|(id, name, here)| (id, (name, here))).collect();
    }
    if !these.is_empty() {
        let members = group_members::table
            .inner_join(people::table)
            .filter(group_members::group_id.eq(groups::id))
            .filter(people::enabled)
            .count()
            .single_value();
        let rows: Vec<(GroupId, String, Option<i64>)> = groups::table
            .filter(groups::id.eq_any(these))
            .select((groups::id, groups::name, members))
            .load(db)?;
        known.groups = rows.into_iter().map(|(id, name, n)| (id, (name, n.unwrap_or(0)))).collect();
    }
    Ok(known)
}

const ALL_MEMBERS: &str = "all_members";

pub(super) fn insert(db: &mut Db, policy: &Policy, now: Ts, by: &str) -> Result<()> {
    diesel::insert_into(policies::table)
        .values((
            policies::id.eq(policy.id),
            policies::package_id.eq(policy.package),
            policies::name.eq(&policy.name),
            policies::version.eq(policy.version),
            policies::enabled.eq(policy.enabled),
            policies::terms.eq(serde_json::to_string(&policy.terms)?),
            policies::rev.eq(policy.rev),
            policies::created_at.eq(now),
        ))
        .execute(db)
        .map_err(stale_if_taken)?;
    insert_version(db, policy, now, by)?;
    insert_scope(db, policy)
}

/// Saves a policy whose `rev` is still the one that was read.
pub(super) fn save(db: &mut Db, policy: &Policy) -> Result<()> {
    let read = policies::id.eq(policy.id).and(policies::rev.eq(policy.rev));
    let hit = diesel::update(policies::table.filter(read))
        .set((
            policies::name.eq(&policy.name),
            policies::version.eq(policy.version),
            policies::enabled.eq(policy.enabled),
            policies::terms.eq(serde_json::to_string(&policy.terms)?),
            policies::rev.eq(policy.rev + 1),
        ))
        .execute(db)?;
    if hit == 1 { Ok(()) } else { Err(Error::Stale) }
}

pub(super) fn insert_version(db: &mut Db, policy: &Policy, now: Ts, by: &str) -> Result<()> {
    diesel::insert_into(policy_versions::table)
        .values((
            policy_versions::policy_id.eq(policy.id),
            policy_versions::version.eq(policy.version),
            policy_versions::name.eq(&policy.name),
            policy_versions::terms.eq(serde_json::to_string(&policy.terms)?),
            policy_versions::made_at.eq(now),
            policy_versions::made_by.eq(by),
        ))
        .execute(db)?;
    Ok(())
}

/// Writes the scope as rows anew.
pub(super) fn rewrite_scope(db: &mut Db, policy: &Policy) -> Result<()> {
    diesel::delete(policy_scopes::table.filter(policy_scopes::policy_id.eq(policy.id)))
        .execute(db)?;
    insert_scope(db, policy)
}

#[derive(Insertable)]
#[diesel(table_name = policy_scopes)]
#[diesel(treat_none_as_default_value = false)]
struct ScopeRow {
    id: PolicyScopeId,
    policy_id: PolicyId,
    package_id: PackageId,
    kind: &'static str,
    person_id: Option<PersonId>,
    group_id: Option<GroupId>,
}

impl ScopeRow {
    fn of(policy: &Policy, person: Option<PersonId>, group: Option<GroupId>) -> Self {
        let kind = match (person, group) {
            (Some(_), _) => "person",
            (None, Some(_)) => "group",
            (None, None) => ALL_MEMBERS,
        };
        Self {
            id: PolicyScopeId::fresh(),
            policy_id: policy.id,
            package_id: policy.package,
            kind,
            person_id: person,
            group_id: group,
        }
    }
}

fn insert_scope(db: &mut Db, policy: &Policy) -> Result<()> {
    let Terms { scope: Scope { all_members, people, groups }, .. } = &policy.terms;
    let rows: Vec<ScopeRow> = all_members
        .then(|| ScopeRow::of(policy, None, None))
        .into_iter()
        .chain(people.iter().map(|p| ScopeRow::of(policy, Some(p.id), None)))
        .chain(groups.iter().map(|g| ScopeRow::of(policy, None, Some(g.id))))
        .collect();
    crate::each_backend!(&mut *db, |c| diesel::insert_into(policy_scopes::table)
        .values(&rows)
        .execute(c)?);
    Ok(())
}
