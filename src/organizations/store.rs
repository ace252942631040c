//! The tables `connected_organizations`, `organization_domains` and `organization_sponsors`.
//!
//! `people.mail_domain` equals `organization_domains.domain` for the people of an organization who are guests.

use std::collections::HashMap;

use diesel::prelude::*;

use super::model::{Called, Draft, Line, Organization, People, Sponsor};
use crate::db::schema::{
    connected_organizations as organizations, organization_domains as domains,
    organization_sponsors as sponsors, people,
};
use crate::db::{Db, stale_if_taken};
use crate::each_backend;
use crate::error::{Error, Result};
use crate::kernel::{Kind, OrganizationId, PersonId, Ts};
use crate::web::paging::Cursor;

/// The organization of a guest; none for members, for unknown domains, and while the organization is closed.
/// One statement.
///
/// # Errors
/// When the database does not answer.
pub fn of_person(db: &mut Db, id: PersonId) -> Result<Option<OrganizationId>> {
    Ok(people::table
        .inner_join(domains::table.on(people::mail_domain.eq(domains::domain.nullable())))
        .inner_join(organizations::table.on(organizations::id.eq(domains::organization_id)))
        .filter(people::id.eq(id))
        .filter(people::kind.eq(Kind::Guest.as_str()))
        .filter(organizations::enabled)
        .select(organizations::id)
        .first(db)
        .optional()?)
}

/// The organizations of those of these people who are guests of one that is open: one statement.
///
/// # Errors
/// When the database does not answer.
pub fn of_people(db: &mut Db, ids: &[PersonId]) -> Result<Vec<(PersonId, OrganizationId)>> {
    Ok(people::table
        .inner_join(domains::table.on(people::mail_domain.eq(domains::domain.nullable())))
        .inner_join(organizations::table.on(organizations::id.eq(domains::organization_id)))
        .filter(people::id.eq_any(ids))
        .filter(people::kind.eq(Kind::Guest.as_str()))
        .filter(organizations::enabled)
        .select((people::id, organizations::id))
        .load(db)?)
}

/// Who answers for a guest and is there, by name: the sponsors of their organization, but not the guest. Those of a
/// closed organization are found, too: requests in flight still need them. One statement.
///
/// # Errors
/// When the database does not answer.
pub fn sponsors_of(db: &mut Db, id: PersonId) -> Result<Vec<(PersonId, String)>> {
    let guest = diesel::alias!(people as guest);
    let domain = guest.field(people::mail_domain);
    let theirs = guest
        .inner_join(domains::table.on(domain.eq(domains::domain.nullable())))
        .filter(guest.field(people::id).eq(id))
        .filter(guest.field(people::kind).eq(Kind::Guest.as_str()))
        .select(domains::organization_id);
    Ok(sponsors::table
        .inner_join(people::table)
        .filter(sponsors::organization_id.eq_any(theirs))
        .filter(people::id.ne(id))
        .filter(people::enabled)
        .order((people::search, people::id))
        .select((people::id, people::name))
        .load(db)?)
}

/// The names of organizations. One statement.
///
/// # Errors
/// When the database does not answer.
pub fn named(db: &mut Db, ids: &[OrganizationId]) -> Result<HashMap<OrganizationId, String>> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let rows: Vec<(OrganizationId, String)> = organizations::table
        .filter(organizations::id.eq_any(ids))
        .select((organizations::id, organizations::name))
        .load(db)?;
    Ok(rows.into_iter().collect())
}

/// All organizations, by name. One statement.
///
/// # Errors
/// When the database does not answer.
pub fn all(db: &mut Db) -> Result<Vec<Called>> {
    let rows: Vec<(OrganizationId, String, bool)> = organizations::table
        .order(organizations::name_key)
        .select((organizations::id, organizations::name, organizations::enabled))
        .load(db)?;
    Ok(rows.into_iter().map(|(id, name, open)| Called { id, name, open }).collect())
}

/// An organization with its domains and sponsors. Three statements.
///
/// # Errors
/// `Missing` if there is none.
pub fn organization(db: &mut Db, id: OrganizationId) -> Result<Organization> {
    let (name, description, open, rev) = organizations::table
        .find(id)
        .select((
            organizations::name,
            organizations::description,
            organizations::enabled,
            organizations::rev,
        ))
        .first(db)?;
    let of = domains::table.filter(domains::organization_id.eq(id));
    let mut domains: Vec<String> = of.select(domains::domain).load(db)?;
    // Here and not there: the two databases sort the dots and dashes of domains differently.
    domains.sort();
    let sponsors: Vec<(PersonId, String, bool, String)> = sponsors::table
        .inner_join(people::table)
        .filter(sponsors::organization_id.eq(id))
        .order((people::search, people::id))
        .select((people::id, people::name, people::enabled, people::kind))
        .load(db)?;
    let sponsors = sponsors.into_iter().map(|(id, name, there, kind)| Sponsor {
        id,
        name,
        there,
        guest: kind == Kind::Guest.as_str(),
    });
    Ok(Organization { id, name, description, open, rev, domains, sponsors: sponsors.collect() })
}

/// Organizations by name, for [`crate::web::paging::page`]. Two statements.
///
/// # Errors
/// When the database does not answer.
pub fn lines(db: &mut Db, at: Option<&Cursor<String>>, limit: i64) -> Result<Vec<Line>> {
    let theirs = people::table
        .inner_join(domains::table.on(people::mail_domain.eq(domains::domain.nullable())))
        .filter(domains::organization_id.eq(organizations::id))
        .filter(people::kind.eq(Kind::Guest.as_str()))
        .filter(people::enabled)
        .count()
        .single_value();
    let living = sponsors::table
        .inner_join(people::table)
        .filter(sponsors::organization_id.eq(organizations::id))
        .filter(people::enabled)
        .count()
        .single_value();
    let mut query = organizations::table
        .limit(limit)
        .select((
            organizations::id,
            organizations::name,
            organizations::enabled,
            organizations::description,
            theirs,
            living,
        ))
        .into_boxed();
    let back = at.is_some_and(|at| at.back);
    if let Some(at) = at {
        // No two have the same name.
        let key = at.key.as_str();
        query = if back {
            query.filter(organizations::name_key.lt(key))
        } else {
            query.filter(organizations::name_key.gt(key))
        };
    }
    query = if back {
        query.order(organizations::name_key.desc())
    } else {
        query.order(organizations::name_key)
    };
    type Row = (OrganizationId, String, bool, String, Option<i64>, Option<i64>);
    let rows: Vec<Row> = query.load(db)?;
    let ids: Vec<OrganizationId> = rows.iter().map(|row| row.0).collect();
    let found: Vec<(OrganizationId, String)> = domains::table
        .filter(domains::organization_id.eq_any(ids))
        .order(domains::domain)
        .select((domains::organization_id, domains::domain))
        .load(db)?;
    let mut domains: HashMap<OrganizationId, Vec<String>> = HashMap::new();
    for (id, domain) in found {
        domains.entry(id).or_default().push(domain);
    }
    let line = |(id, name, open, description, people, sponsors): Row| Line {
        domains: domains.remove(&id).unwrap_or_default(),
        called: Called { id, name, open },
        description,
        people: people.unwrap_or(0),
        sponsors: sponsors.unwrap_or(0),
    };
    Ok(rows.into_iter().map(line).collect())
}

/// The people of an organization who are there: the first by name, and how many. Two statements.
///
/// # Errors
/// When the database does not answer.
pub fn people(db: &mut Db, id: OrganizationId, limit: i64) -> Result<People> {
    let domains = domains::table.filter(domains::organization_id.eq(id));
    let theirs = people::table
        .filter(people::mail_domain.eq_any(domains.select(domains::domain.nullable())))
        .filter(people::kind.eq(Kind::Guest.as_str()))
        .filter(people::enabled);
    let first = theirs.order((people::search, people::id)).limit(limit);
    Ok(People {
        first: first.select((people::id, people::name, people::mail)).load(db)?,
        all: theirs.count().get_result(db)?,
    })
}

/// The organization that has this name, folded.
///
/// # Errors
/// When the database does not answer.
pub fn by_name(db: &mut Db, key: &str) -> Result<Option<OrganizationId>> {
    let named = organizations::table.filter(organizations::name_key.eq(key));
    Ok(named.select(organizations::id).first(db).optional()?)
}

/// Those of the domains that another organization has, with its name. One statement.
///
/// # Errors
/// When the database does not answer.
pub fn taken(db: &mut Db, id: OrganizationId, domains: &[String]) -> Result<Vec<(String, String)>> {
    Ok(domains::table
        .inner_join(organizations::table)
        .filter(domains::domain.eq_any(domains))
        .filter(organizations::id.ne(id))
        .order(domains::domain)
        .select((domains::domain, organizations::name))
        .load(db)?)
}

pub(super) fn insert(
    db: &mut Db,
    id: OrganizationId,
    draft: &Draft,
    key: &str,
    now: Ts,
) -> Result<()> {
    diesel::insert_into(organizations::table)
        .values((
            organizations::id.eq(id),
            organizations::name.eq(&draft.name),
            organizations::name_key.eq(key),
            organizations::description.eq(&draft.description),
            organizations::enabled.eq(true),
            organizations::rev.eq(1),
            organizations::created_at.eq(now),
        ))
        .execute(db)
        .map_err(stale_if_taken)?;
    insert_domains(db, id, &draft.domains)?;
    insert_sponsors(db, id, &draft.sponsors)
}

/// Saves what an organization says, if its `rev` is still the one that was read.
pub(super) fn save(db: &mut Db, read: &Organization, draft: &Draft, key: &str) -> Result<()> {
    let row = organizations::id.eq(read.id).and(organizations::rev.eq(read.rev));
    let hit = diesel::update(organizations::table.filter(row))
        .set((
            organizations::name.eq(&draft.name),
            organizations::name_key.eq(key),
            organizations::description.eq(&draft.description),
            organizations::rev.eq(read.rev + 1),
        ))
        .execute(db)
        .map_err(stale_if_taken)?;
    if hit != 1 {
        return Err(Error::Stale);
    }
    diesel::delete(domains::table.filter(domains::organization_id.eq(read.id))).execute(db)?;
    insert_domains(db, read.id, &draft.domains)?;
    diesel::delete(sponsors::table.filter(sponsors::organization_id.eq(read.id))).execute(db)?;
    insert_sponsors(db, read.id, &draft.sponsors)
}

/// Opens or closes an organization whose `rev` is still the one that was read.
pub(super) fn switch(db: &mut Db, read: &Organization, open: bool) -> Result<()> {
    let row = organizations::id.eq(read.id).and(organizations::rev.eq(read.rev));
    let hit = diesel::update(organizations::table.filter(row))
        .set((organizations::enabled.eq(open), organizations::rev.eq(read.rev + 1)))
        .execute(db)?;
    if hit == 1 { Ok(()) } else { Err(Error::Stale) }
}

fn insert_domains(db: &mut Db, id: OrganizationId, all: &[String]) -> Result<()> {
    let rows: Vec<_> = all
        .iter()
        .map(|domain| (domains::domain.eq(domain), domains::organization_id.eq(id)))
        .collect();
    each_backend!(&mut *db, |c| diesel::insert_into(domains::table).values(&rows).execute(c))
        .map_err(stale_if_taken)?;
    Ok(())
}

fn insert_sponsors(db: &mut Db, id: OrganizationId, all: &[PersonId]) -> Result<()> {
    let rows: Vec<_> = all
        .iter()
        .map(|person| (sponsors::organization_id.eq(id), sponsors::person_id.eq(*person)))
        .collect();
    each_backend!(&mut *db, |c| diesel::insert_into(sponsors::table).values(&rows).execute(c))?;
    Ok(())
}
