//! The table `role_grants`.

use diesel::dsl::exists;
use diesel::prelude::*;

use super::model::{Called, Candidate, Held, Owner};
use crate::db::schema::{catalogs, group_members, groups, people, role_grants};
use crate::db::{Db, stale_if_taken};
use crate::error::{Error, Result};
use crate::kernel::{CatalogId, GroupId, PersonId, RoleGrantId, Ts};

const OWNER: &str = "owner";

/// The owners of a catalog, people first, by name. Two statements.
///
/// # Errors
/// When the database does not answer.
pub fn owners(db: &mut Db, catalog: CatalogId) -> Result<Vec<Held>> {
    let of = role_grants::catalog_id.eq(catalog).and(role_grants::role.eq(OWNER));
    let mut held: Vec<Held> = role_grants::table
        .inner_join(people::table)
        .filter(of)
        .order((people::name, role_grants::id))
        .select((role_grants::id, people::id, people::name, people::enabled))
        .load::<(RoleGrantId, PersonId, String, bool)>(db)?
        .into_iter()
        .map(|(grant, id, name, enabled)| Held {
            grant,
            owner: Owner::Person(id),
            name,
            people: enabled.into(),
        })
        .collect();
    let members = group_members::table
        .inner_join(people::table)
        .filter(group_members::group_id.eq(groups::id))
        .filter(people::enabled)
        .count()
        .single_value();
    let through: Vec<(RoleGrantId, GroupId, String, Option<i64>)> = role_grants::table
        .inner_join(groups::table)
        .filter(of)
        .order((groups::name_key, role_grants::id))
        .select((role_grants::id, groups::id, groups::name, members))
        .load(db)?;
    held.extend(through.into_iter().map(|(grant, id, name, members)| Held {
        grant,
        owner: Owner::Group(id),
        name,
        people: members.unwrap_or(0),
    }));
    Ok(held)
}

/// Who it would be; none if there is no such person or group.
///
/// # Errors
/// When the database does not answer.
pub fn candidate(db: &mut Db, owner: Owner) -> Result<Option<Candidate>> {
    let row: Option<(String, bool)> = match owner {
        Owner::Person(id) => {
            people::table.find(id).select((people::name, people::enabled)).first(db).optional()?
        }
        Owner::Group(id) => {
            let able = exists(
                group_members::table
                    .inner_join(people::table)
                    .filter(group_members::group_id.eq(groups::id))
                    .filter(people::enabled),
            );
            groups::table.find(id).select((groups::name, able)).first(db).optional()?
        }
    };
    Ok(row.map(|(name, able)| Candidate { name, able }))
}

/// The catalog's name and rev, for facts and for the guard.
pub(super) fn catalog(db: &mut Db, id: CatalogId) -> Result<(String, i64)> {
    Ok(catalogs::table.find(id).select((catalogs::name, catalogs::rev)).first(db)?)
}

/// Moves the catalog's `rev` on: the guard of the rule across its owners (E9).
pub(super) fn guard(db: &mut Db, id: CatalogId, rev: i64) -> Result<()> {
    let hit =
        diesel::update(catalogs::table.filter(catalogs::id.eq(id)).filter(catalogs::rev.eq(rev)))
            .set(catalogs::rev.eq(rev + 1))
            .execute(db)?;
    if hit == 1 { Ok(()) } else { Err(Error::Stale) }
}

/// True where a grant has this id.
pub(super) fn is_taken(db: &mut Db, id: RoleGrantId) -> Result<bool> {
    Ok(diesel::select(exists(role_grants::table.find(id))).get_result(db)?)
}

pub(super) fn insert(
    db: &mut Db,
    id: RoleGrantId,
    catalog: CatalogId,
    owner: Owner,
    now: Ts,
) -> Result<()> {
    let (person, group) = match owner {
        Owner::Person(id) => (Some(id), None),
        Owner::Group(id) => (None, Some(id)),
    };
    diesel::insert_into(role_grants::table)
        .values((
            role_grants::id.eq(id),
            role_grants::catalog_id.eq(catalog),
            role_grants::role.eq(OWNER),
            role_grants::person_id.eq(person),
            role_grants::group_id.eq(group),
            role_grants::created_at.eq(now),
        ))
        .execute(db)
        .map_err(stale_if_taken)?;
    Ok(())
}

pub(super) fn delete(db: &mut Db, id: RoleGrantId) -> Result<()> {
    let hit = diesel::delete(role_grants::table.find(id)).execute(db)?;
    if hit == 1 { Ok(()) } else { Err(Error::Stale) }
}

/// People who are there and have one of these texts as their id in the staff list, their mail address or their full name.
/// One statement.
///
/// # Errors
/// When the database does not answer.
pub fn people_called(db: &mut Db, texts: &[String]) -> Result<Vec<Called>> {
    if texts.is_empty() {
        return Ok(Vec::new());
    }
    let mails: Vec<String> = texts.iter().map(|text| text.to_lowercase()).collect();
    let rows: Vec<(PersonId, String, String, Option<String>)> = people::table
        .filter(people::enabled)
        .filter(
            people::external_id
                .eq_any(texts)
                .or(people::mail.eq_any(mails))
                .or(people::name.eq_any(texts)),
        )
        .order((people::name, people::external_id))
        .limit(5_000)
        .select((people::id, people::name, people::external_id, people::mail))
        .load(db)?;
    Ok(rows.into_iter().map(as_called).collect())
}

fn as_called((id, name, key, mail): (PersonId, String, String, Option<String>)) -> Called {
    Called { id, name, key, mail }
}

/// These people, as they are written into a form; also those who have left. One statement.
///
/// # Errors
/// When the database does not answer.
pub fn people_with(db: &mut Db, ids: &[PersonId]) -> Result<Vec<Called>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let rows: Vec<(PersonId, String, String, Option<String>)> = people::table
        .filter(people::id.eq_any(ids))
        .select((people::id, people::name, people::external_id, people::mail))
        .load(db)?;
    Ok(rows.into_iter().map(as_called).collect())
}

/// Groups whose folded names are among these. One statement.
///
/// # Errors
/// When the database does not answer.
pub fn groups_called(db: &mut Db, keys: &[String]) -> Result<Vec<(GroupId, String)>> {
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    Ok(groups::table
        .filter(groups::name_key.eq_any(keys))
        .select((groups::id, groups::name))
        .load(db)?)
}
