//! Everybody as far as scopes look at them: for the preview of a policy.

use std::collections::HashMap;

use diesel::prelude::*;

use crate::db::Db;
use crate::db::schema::{
    connected_organizations as organizations, group_members, organization_domains as domains,
    people,
};
use crate::error::Result;
use crate::kernel::{GroupId, Kind, OrganizationId, PersonId};
use crate::policies::model::Who;

/// Everybody who is here, by name, each with those of the groups that they are in. Three statements, whatever the
/// number of people.
///
/// # Errors
/// When the database does not answer.
pub fn everyone(db: &mut Db, groups: &[GroupId]) -> Result<Vec<Who>> {
    type Row = (PersonId, String, String, Option<PersonId>, Option<String>);
    let rows: Vec<Row> = people::table
        .filter(people::enabled)
        .order((people::search, people::id))
        .select((people::id, people::name, people::kind, people::manager_id, people::mail_domain))
        .load(db)?;
    let members: Vec<(PersonId, GroupId)> = group_members::table
        .filter(group_members::group_id.eq_any(groups))
        .select((group_members::person_id, group_members::group_id))
        .load(db)?;
    let open: Vec<(String, OrganizationId)> = domains::table
        .inner_join(organizations::table.on(organizations::id.eq(domains::organization_id)))
        .filter(organizations::enabled)
        .select((domains::domain, organizations::id))
        .load(db)?;
    let open: HashMap<String, OrganizationId> = open.into_iter().collect();
    let mut in_groups: HashMap<PersonId, Vec<GroupId>> = HashMap::new();
    for (person, group) in members {
        in_groups.entry(person).or_default().push(group);
    }
    let who = |(id, name, kind, manager, domain): Row| {
        let kind = Kind::parse(&kind).unwrap_or(Kind::Guest);
        let organization = match kind {
            Kind::Member => None,
            Kind::Guest => domain.and_then(|domain| open.get(&domain).copied()),
        };
        let groups = in_groups.remove(&id).unwrap_or_default();
        Who { id, name, kind, enabled: true, manager, groups, organization }
    };
    Ok(rows.into_iter().map(who).collect())
}
