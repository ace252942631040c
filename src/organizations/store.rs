//! The tables `connected_organizations`, `organization_domains` and `organization_sponsors`.
//!
//! `people.mail_domain` equals `organization_domains.domain` for the people of an organization who are guests.

use std::collections::HashMap;

use diesel::prelude::*;

use super::model::{Called, Organization, Sponsor};
use crate::db::Db;
use crate::db::schema::{
    connected_organizations as organizations, organization_domains as domains,
    organization_sponsors as sponsors, people,
};
use crate::error::Result;
use crate::kernel::{Kind, OrganizationId, PersonId};

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
    let domains = domains::table
        .filter(domains::organization_id.eq(id))
        .order(domains::domain)
        .select(domains::domain)
        .load(db)?;
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
