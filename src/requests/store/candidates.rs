//! Who could decide a stage, as the directory says now.

use std::collections::BTreeSet;

use diesel::prelude::*;

use super::targets;
use crate::db::Db;
use crate::db::schema::{group_members, people, role_grants};
use crate::error::Result;
use crate::kernel::{CatalogId, GroupId, PersonId};
use crate::organizations;
use crate::policies::model::Named;
use crate::policies::stages::{Alternates, Approvers, StageTerms};
use crate::requests::model::Via;
use crate::requests::rules::{Candidate, Candidates};

type Called = (PersonId, String);

/// What is looked up once for all stages.
#[derive(Default)]
struct Found {
    manager: Option<Called>,
    second: Option<Called>,
    sponsors: Vec<Called>,
    people: Vec<Called>,
    members: Vec<(GroupId, Called)>,
}

/// Everybody who could decide each of these stages for a target, enabled people only (D3, D38). At most nine
/// statements, however many there are.
///
/// # Errors
/// When the database does not answer.
pub fn candidates_of(
    db: &mut Db,
    stages: &[StageTerms],
    target: PersonId,
    catalog: CatalogId,
) -> Result<Vec<Candidates>> {
    let found = look_up(db, stages, target)?;
    let mut all: Vec<Candidates> = stages.iter().map(|stage| of_stage(stage, &found)).collect();
    let owners = as_candidates(owners(db, catalog)?, Via::CatalogOwner);
    let administrators = as_candidates(administrators(db)?, Via::Administrator);
    for candidates in &mut all {
        candidates.owners.clone_from(&owners);
        candidates.administrators.clone_from(&administrators);
    }
    Ok(all)
}

/// As [`candidates_of`], for one stage.
///
/// # Errors
/// When the database does not answer.
pub fn candidates(
    db: &mut Db,
    stage: &StageTerms,
    target: PersonId,
    catalog: CatalogId,
) -> Result<Candidates> {
    let mut all = candidates_of(db, std::slice::from_ref(stage), target, catalog)?;
    Ok(all.pop().unwrap_or_default())
}

fn look_up(db: &mut Db, stages: &[StageTerms], target: PersonId) -> Result<Found> {
    let mut found = Found::default();
    let asks = |approvers: &Approvers| stages.iter().any(|s| s.approvers == *approvers);
    let second = asks(&Approvers::SecondManager)
        || stages.iter().any(|s| s.alternates.as_ref().is_some_and(|a| a.second_manager));
    if asks(&Approvers::Manager) {
        found.manager = manager_of(db, target)?;
    }
    let above: Option<PersonId> = match second {
        true => people::table.find(target).select(people::manager_id).first(db)?,
        false => None,
    };
    if let Some(above) = above {
        found.second = manager_of(db, above)?;
    }
    if asks(&Approvers::Sponsors) {
        found.sponsors = organizations::store::sponsors_of(db, target)?;
    }
    let (named, groups) = mentioned(stages);
    if !named.is_empty() {
        found.people = people::table
            .filter(people::id.eq_any(&named))
            .filter(people::enabled.eq(true))
            .order((people::name, people::id))
            .select((people::id, people::name))
            .load(db)?;
    }
    if !groups.is_empty() {
        found.members = group_members::table
            .inner_join(people::table)
            .filter(group_members::group_id.eq_any(&groups))
            .filter(people::enabled.eq(true))
            .order((people::name, people::id))
            .select((group_members::group_id, (people::id, people::name)))
            .load(db)?;
    }
    Ok(found)
}

/// A person's manager, if they are still here.
///
/// # Errors
/// When the database does not answer.
pub fn manager_of(db: &mut Db, person: PersonId) -> Result<Option<(PersonId, String)>> {
    Ok(people::table
        .inner_join(targets.on(targets.field(people::manager_id).eq(people::id.nullable())))
        .filter(targets.field(people::id).eq(person))
        .filter(people::enabled.eq(true))
        .select((people::id, people::name))
        .first(db)
        .optional()?)
}

/// Everybody and every group that stages name.
fn mentioned(stages: &[StageTerms]) -> (Vec<PersonId>, Vec<GroupId>) {
    let (mut people, mut groups) = (Vec::new(), Vec::new());
    let mut add = |p: &[Named<PersonId>], g: &[Named<GroupId>]| {
        people.extend(p.iter().map(|p| p.id));
        groups.extend(g.iter().map(|g| g.id));
    };
    for stage in stages {
        add(&stage.fallback, &[]);
        if let Approvers::Named { people, groups } = &stage.approvers {
            add(people, groups);
        }
        if let Some(Alternates { people, groups, .. }) = &stage.alternates {
            add(people, groups);
        }
    }
    (people, groups)
}

fn of_stage(stage: &StageTerms, found: &Found) -> Candidates {
    let one = |who: &Option<Called>, via| as_candidates(who.clone().into_iter().collect(), via);
    let (primary, nobody) = match &stage.approvers {
        Approvers::Manager => {
            (one(&found.manager, Via::Manager), "no manager is on record or able to decide")
        }
        Approvers::SecondManager => (
            one(&found.second, Via::SecondManager),
            "no manager’s manager is on record or able to decide",
        ),
        Approvers::Sponsors => (
            as_candidates(found.sponsors.clone(), Via::Sponsor),
            "no sponsor is on record or able to decide",
        ),
        Approvers::Named { people, groups } => (
            among(found, people, groups, Via::Named, Via::Group),
            if people.is_empty() {
                "the approvers' group has no member who is able to decide"
            } else {
                "none of the approvers named in the policy is able to decide"
            },
        ),
    };
    let alternates = stage.alternates.as_ref().map_or_else(Vec::new, |a| {
        let mut all = among(found, &a.people, &a.groups, Via::Alternate, Via::Alternate);
        if a.second_manager {
            all.splice(0..0, one(&found.second, Via::Alternate));
        }
        all
    });
    let fallback = among(found, &stage.fallback, &[], Via::Fallback, Via::Fallback);
    Candidates { primary, nobody, fallback, alternates, ..Candidates::default() }
}

/// Those of the named who are there, each once.
fn among(
    found: &Found,
    people: &[Named<PersonId>],
    groups: &[Named<GroupId>],
    via: Via,
    via_group: Via,
) -> Vec<Candidate> {
    let here = found.people.iter().filter(|(id, _)| people.iter().any(|p| p.id == *id));
    let mut all = as_candidates(here.cloned().collect(), via);
    for (group, (id, name)) in &found.members {
        if groups.iter().any(|g| g.id == *group) && all.iter().all(|c| c.id != *id) {
            let (group, name) = (Some(*group), name.clone());
            all.push(Candidate { id: *id, name, via: via_group, group });
        }
    }
    all
}

fn as_candidates(people: Vec<Called>, via: Via) -> Vec<Candidate> {
    people.into_iter().map(|(id, name)| Candidate { id, name, via, group: None }).collect()
}

/// The enabled people who own a catalog, alone or through a group: two statements, since one with an *or* reads all
/// people.
///
/// # Errors
/// When the database does not answer.
pub fn owners(db: &mut Db, catalog: CatalogId) -> Result<Vec<(PersonId, String)>> {
    let alone: Vec<Called> = people::table
        .inner_join(role_grants::table.on(role_grants::person_id.eq(people::id.nullable())))
        .filter(role_grants::catalog_id.eq(catalog))
        .filter(people::enabled.eq(true))
        // An auditor changes nothing, whoever made them an owner (D33).
        .filter(people::auditor.eq(false).or(people::administrator.eq(true)))
        .select((people::id, people::name))
        .load(db)?;
    let members: Vec<Called> = people::table
        .inner_join(group_members::table)
        .inner_join(
            role_grants::table.on(role_grants::group_id.eq(group_members::group_id.nullable())),
        )
        .filter(role_grants::catalog_id.eq(catalog))
        .filter(people::enabled.eq(true))
        // An auditor changes nothing, whoever made them an owner (D33).
        .filter(people::auditor.eq(false).or(people::administrator.eq(true)))
        .select((people::id, people::name))
        .load(db)?;
    let all: BTreeSet<(String, PersonId)> =
        alone.into_iter().chain(members).map(|(id, name)| (name, id)).collect();
    Ok(all.into_iter().map(|(name, id)| (id, name)).collect())
}

/// The administrators who are here, by name.
///
/// # Errors
/// When the database does not answer.
pub fn administrators(db: &mut Db) -> Result<Vec<(PersonId, String)>> {
    Ok(people::table
        .filter(people::enabled.eq(true))
        .filter(people::administrator.eq(true))
        .order((people::name, people::id))
        .select((people::id, people::name))
        .load(db)?)
}
