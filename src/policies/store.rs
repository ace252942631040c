//! The tables `policies`, `policy_versions` and `policy_scopes`.

mod hanging;
mod reach;

pub use hanging::{Hanging, InTheWay, hanging, in_the_way};
pub use reach::everyone;

use diesel::prelude::*;

use super::model::{Applicable, Policy, Scope, Version, Who};
use super::rules::{self, Known, Mentioned};
use crate::db::schema::{group_members, groups, people, policies, policy_scopes, policy_versions};
use crate::db::{Db, stale_if_taken};
use crate::directory::{PersonRow, store as directory};
use crate::error::{Error, Result};
use crate::kernel::{
    GroupId, Kind, OrganizationId, PackageId, PersonId, PolicyId, PolicyScopeId, Ts,
};
use crate::organizations;

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
    let there = policies::table.find(id).filter(policies::deleted_at.is_null());
    as_policy(there.select(POLICY).first(db)?)
}

/// The name of a policy, also of one that is deleted.
///
/// # Errors
/// `Missing` if there never was one.
pub fn name_of(db: &mut Db, id: PolicyId) -> Result<String> {
    Ok(policies::table.find(id).select(policies::name).first(db)?)
}

/// The policies of a package, oldest first. One statement.
///
/// # Errors
/// When the database does not answer.
pub fn of_package(db: &mut Db, package: PackageId) -> Result<Vec<Policy>> {
    of_packages(db, &[package])
}

/// The policies of some packages, oldest first. One statement.
///
/// # Errors
/// When the database does not answer.
pub fn of_packages(db: &mut Db, packages: &[PackageId]) -> Result<Vec<Policy>> {
    let rows: Vec<Row> = policies::table
        .filter(policies::package_id.eq_any(packages))
        .filter(policies::deleted_at.is_null())
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

/// Somebody as far as scopes look at them. At most three statements.
///
/// # Errors
/// `Missing` if there is no such person.
pub fn who(db: &mut Db, id: PersonId) -> Result<Who> {
    let (name, kind, enabled, manager): (String, String, bool, Option<PersonId>) = people::table
        .find(id)
        .select((people::name, people::kind, people::enabled, people::manager_id))
        .first(db)?;
    let kind = Kind::parse(&kind).unwrap_or(Kind::Guest);
    let groups = group_members::table
        .filter(group_members::person_id.eq(id))
        .select(group_members::group_id)
        .load(db)?;
    let organization = match kind {
        Kind::Member => None,
        Kind::Guest => organizations::store::of_person(db, id)?,
    };
    Ok(Who { id, name, kind, enabled, manager, groups, organization })
}

/// What decides for whom a policy is, of each of these people, in their order. Two statements.
///
/// # Errors
/// When the database does not answer.
pub fn whos(db: &mut Db, people: &[PersonRow]) -> Result<Vec<Who>> {
    let ids: Vec<PersonId> = people.iter().map(|person| person.id).collect();
    let groups = directory::groups_of(db, &ids)?;
    let organizations = organizations::store::of_people(db, &ids)?;
    let each = people.iter().map(|person| Who {
        id: person.id,
        name: person.name.clone(),
        kind: person.kind,
        enabled: person.enabled,
        manager: person.manager_id,
        groups: groups.iter().filter(|(p, _)| *p == person.id).map(|(_, group)| *group).collect(),
        organization: organizations.iter().find(|(p, _)| *p == person.id).map(|(_, o)| *o),
    });
    Ok(each.collect())
}

/// The enabled policies of a package that the requestor may ask for on behalf of the target (or for themselves), in
/// the order of D17. Whether something is switched off above them is not asked here. One statement.
///
/// # Errors
/// When the database does not answer.
pub fn policies_for(
    db: &mut Db,
    package: PackageId,
    requestor: &Who,
    target: &Who,
) -> Result<Vec<Applicable>> {
    let all = of_package(db, package)?;
    let on: Vec<&Policy> = all.iter().filter(|policy| policy.enabled).collect();
    Ok(applicable_of(&on, requestor, target))
}

/// Those of the policies that the requestor may ask for on behalf of the target, in the order of D17. Pure.
#[must_use]
pub fn applicable_of(on: &[&Policy], requestor: &Who, target: &Who) -> Vec<Applicable> {
    if !requestor.enabled || !target.enabled {
        return Vec::new();
    }
    let mut all: Vec<Applicable> = on
        .iter()
        .filter(|policy| rules::may_ask(&policy.terms.asks, requestor, target))
        .filter_map(|policy| {
            let class = rules::class(&policy.terms.scope, target)?;
            Some(Applicable { policy: (*policy).clone(), class })
        })
        .collect();
    all.sort_by_key(|applicable| applicable.class);
    all
}

/// What the directory says of those whom terms mention. At most three statements.
///
/// # Errors
/// When the database does not answer.
pub fn known(db: &mut Db, mentioned: &Mentioned) -> Result<Known> {
    let mut known = Known {
        organizations: organizations::store::named(db, &mentioned.organizations)?,
        ..Known::default()
    };
    let these = &mentioned.groups;
    if !mentioned.people.is_empty() {
        let rows: Vec<(PersonId, String, bool)> = people::table
            .filter(people::id.eq_any(&mentioned.people))
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
            policies::asks_own.eq(policy.terms.asks.own),
            policies::asks_manager.eq(policy.terms.asks.manager),
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
            policies::asks_own.eq(policy.terms.asks.own),
            policies::asks_manager.eq(policy.terms.asks.manager),
        ))
        .execute(db)?;
    if hit == 1 { Ok(()) } else { Err(Error::Stale) }
}

/// Takes a policy away: what it said stays readable on the requests that it gave (D15).
pub(super) fn delete(db: &mut Db, policy: &Policy, now: Ts) -> Result<()> {
    let read = policies::id.eq(policy.id).and(policies::rev.eq(policy.rev));
    let hit = diesel::update(policies::table.filter(read))
        .set((
            policies::enabled.eq(false),
            policies::deleted_at.eq(now),
            policies::rev.eq(policy.rev + 1),
        ))
        .execute(db)?;
    if hit != 1 {
        return Err(Error::Stale);
    }
    diesel::delete(policy_scopes::table.filter(policy_scopes::policy_id.eq(policy.id)))
        .execute(db)?;
    Ok(())
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
    organization_id: Option<OrganizationId>,
}

fn insert_scope(db: &mut Db, policy: &Policy) -> Result<()> {
    let row = |kind| ScopeRow {
        id: PolicyScopeId::fresh(),
        policy_id: policy.id,
        package_id: policy.package,
        kind,
        person_id: None,
        group_id: None,
        organization_id: None,
    };
    let Scope { all_members, all_users, all_organizations, people, groups, organizations } =
        &policy.terms.scope;
    let everybody = [
        (*all_members, "all_members"),
        (*all_users, "all_users"),
        (*all_organizations, "all_organizations"),
    ];
    let mut rows: Vec<ScopeRow> =
        everybody.into_iter().filter(|(on, _)| *on).map(|(_, kind)| row(kind)).collect();
    rows.extend(people.iter().map(|p| ScopeRow { person_id: Some(p.id), ..row("person") }));
    rows.extend(groups.iter().map(|g| ScopeRow { group_id: Some(g.id), ..row("group") }));
    rows.extend(
        organizations
            .iter()
            .map(|o| ScopeRow { organization_id: Some(o.id), ..row("organization") }),
    );
    crate::each_backend!(&mut *db, |c| diesel::insert_into(policy_scopes::table)
        .values(&rows)
        .execute(c)?);
    Ok(())
}
