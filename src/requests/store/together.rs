//! Reads for deciding on many at once: what stands out of several pairs, and what became of several stages.

use std::collections::{BTreeMap, BTreeSet};

use diesel::prelude::*;

use super::{RequestRow, request, said_by, targets, voters};
use crate::access::Person;
use crate::db::Db;
use crate::db::schema::{assignments, packages, people, request_stages, requests, stage_approvers};
use crate::error::Result;
use crate::kernel::{CatalogId, PackageId, PersonId, StageId, Ts};
use crate::requests::model::{Request, Row, StageState, State, Verdict};

/// The versions of what is in these packages now: one statement.
///
/// # Errors
/// When the database does not answer.
pub fn contents_versions(db: &mut Db, of: &[PackageId]) -> Result<BTreeMap<PackageId, i64>> {
    let rows: Vec<(PackageId, i64)> = packages::table
        .filter(packages::id.eq_any(of))
        .select((packages::id, packages::contents_version))
        .load(db)?;
    Ok(rows.into_iter().collect())
}

/// Who of these people was denied which of these packages before: one statement.
///
/// # Errors
/// When the database does not answer.
pub fn denied_before(
    db: &mut Db,
    people: &[PersonId],
    packages: &[PackageId],
) -> Result<BTreeSet<(PersonId, PackageId)>> {
    let rows: Vec<(PersonId, PackageId)> = requests::table
        .filter(requests::target_id.eq_any(people))
        .filter(requests::package_id.eq_any(packages))
        .filter(requests::state.eq(State::Denied.as_str()))
        .select((requests::target_id, requests::package_id))
        .distinct()
        .load(db)?;
    Ok(rows.into_iter().collect())
}

/// What became of a stage that a person was asked about.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Its request.
    pub request: Request,
    /// The stage.
    pub stage: StageId,
    /// Where the stage stands.
    pub state: StageState,
    /// When it runs out.
    pub due_at: Ts,
    /// What the person said, if they did.
    pub mine: Option<Verdict>,
    /// Who decided it, if somebody did.
    pub decided_by: Option<String>,
    /// When.
    pub decided_at: Option<Ts>,
}

/// What became of these stages, of which the person was asked; others are left out. Two
/// statements.
///
/// # Errors
/// When the database does not answer.
pub fn outcomes(db: &mut Db, person: &Person, stages: &[StageId]) -> Result<Vec<Outcome>> {
    // Also where they stand in for somebody (D34).
    let away = person.stands_for.iter().map(|stands| stands.person);
    let asked: Vec<PersonId> = std::iter::once(person.id).chain(away).collect();
    let person = person.id;
    type Stage = (StageId, String, Ts, Option<Ts>, Option<PersonId>);
    type Vote = (PersonId, Option<String>, Option<PersonId>);
    type Names = (String, CatalogId, String, String, Option<Ts>);
    let rows: Vec<(Row, Names, Stage, Vote)> = stage_approvers::table
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
        .filter(stage_approvers::stage_id.eq_any(stages))
        .filter(stage_approvers::person_id.eq_any(asked).or(stage_approvers::voted_by.eq(person)))
        .filter(stage_approvers::removed.eq(false))
        .order((targets.field(people::name), stage_approvers::stage_id))
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
                request_stages::state,
                request_stages::due_at,
                request_stages::decided_at,
                request_stages::decided_by,
            ),
            (stage_approvers::person_id, stage_approvers::vote, stage_approvers::voted_by),
        ))
        .load(db)?;
    let spoke = stage_approvers::table
        .inner_join(people::table.on(people::id.eq(stage_approvers::person_id)))
        .left_join(voters.on(voters.field(people::id).nullable().eq(stage_approvers::voted_by)))
        .filter(stage_approvers::stage_id.eq_any(stages))
        .filter(stage_approvers::vote.is_not_null());
    type Spoke = (StageId, (PersonId, String), Option<PersonId>, Option<String>);
    let spoke: Vec<Spoke> = spoke
        .select((
            stage_approvers::stage_id,
            (people::id, people::name),
            stage_approvers::voted_by,
            voters.field(people::name).nullable(),
        ))
        .load(db)?;
    let name = |(stage, (whose, away), by, voter): Spoke| {
        let name = match voter {
            Some(voter) => said_by(&voter, Some(&away)),
            None => away,
        };
        ((stage, by.unwrap_or(whose)), name)
    };
    let deciders: BTreeMap<(StageId, PersonId), String> = spoke.into_iter().map(name).collect();
    let mut found: BTreeMap<StageId, usize> = BTreeMap::new();
    let mut all: Vec<Outcome> = Vec::new();
    for (row, names, stage, (approver, vote, voted_by)) in rows {
        let (package, catalog, requestor, target, ended) = names;
        let row: RequestRow = (row, package, catalog, requestor, target, ended);
        let (stage, state, due_at, decided_at, decided_by) = stage;
        // A stand-in's vote is theirs, and not that of whom they stand in for (D34).
        let mine = vote.filter(|_| voted_by.unwrap_or(approver) == person);
        let mine = mine.and_then(|vote| Verdict::parse(&vote));
        if let Some(at) = found.get(&stage) {
            all[*at].mine = all[*at].mine.or(mine);
            continue;
        }
        found.insert(stage, all.len());
        let decided_by = decided_by.and_then(|id| deciders.get(&(stage, id)).cloned());
        let state = StageState::parse(&state).unwrap_or(StageState::Closed);
        let request = request(row)?;
        all.push(Outcome { request, stage, state, due_at, mine, decided_by, decided_at });
    }
    Ok(all)
}
