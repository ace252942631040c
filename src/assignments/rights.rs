//! What is wanted on target systems, and what they have confirmed: one row per resource role and person.
//!
//! Assignments say what is wanted; `provisioning` claims rows by lease and writes what it saw, guarded by the
//! lease's fence and by the row's generation, so that a late answer never overwrites a newer wish.

use diesel::prelude::*;

use super::model::{RightState, Stands};
use crate::db::schema::{
    assignment_rights, assignments, packages, people, resource_roles, resources, rights,
};
use crate::db::{Db, Tx, stale_if_taken};
use crate::error::Result;
use crate::kernel::{
    AssignmentId, CatalogId, PackageId, PersonId, ResourceId, RightId, RoleId, Ts,
};

/// SQLite takes 32,766 binds a statement; this keeps every batch far below.
const CHUNK: usize = 500;

#[derive(Insertable)]
#[diesel(table_name = rights)]
#[diesel(treat_none_as_default_value = false)]
struct NewRight {
    id: RightId,
    person_id: PersonId,
    role_id: RoleId,
    wanted: bool,
    state: &'static str,
    held_before: Option<bool>,
    generation: i64,
    asked_at: Ts,
    attempts: i64,
    next_at: Ts,
    overdue_told: bool,
    fence: i64,
}

/// A new wish for a right that is there: whatever was seen or tried for the last one counts no more.
#[derive(AsChangeset)]
#[diesel(table_name = rights)]
#[diesel(treat_none_as_null = true)]
struct Wish {
    wanted: bool,
    state: &'static str,
    asked_at: Ts,
    confirmed_at: Option<Ts>,
    attempts: i64,
    next_at: Option<Ts>,
    trouble: Option<String>,
    trouble_code: Option<String>,
    overdue_told: bool,
}

impl Wish {
    /// That it is added, or removed; worked on from now on.
    fn of(state: RightState, now: Ts, wall: Ts) -> Self {
        Self {
            wanted: state == RightState::Adding,
            state: state.as_str(),
            asked_at: now,
            confirmed_at: None,
            attempts: 0,
            next_at: Some(wall),
            trouble: None,
            trouble_code: None,
            overdue_told: false,
        }
    }
}

#[derive(Insertable)]
#[diesel(table_name = assignment_rights)]
#[diesel(treat_none_as_default_value = false)]
struct Giving {
    assignment_id: AssignmentId,
    right_id: RightId,
}

/// Makes each assignment give each role: missing rights are made, unwanted ones are wanted again. Call it with the
/// holders locked: what one assignment gives and what another one lets go is decided one after the other (E9).
pub(super) fn want(
    tx: &mut Tx<'_>,
    holders: &[(AssignmentId, PersonId)],
    roles: &[RoleId],
) -> Result<()> {
    if holders.is_empty() || roles.is_empty() {
        return Ok(());
    }
    let (now, wall) = (tx.now(), tx.wall());
    for holders in holders.chunks(CHUNK / 5) {
        let people: Vec<PersonId> = holders.iter().map(|(_, person)| *person).collect();
        let known: Vec<(RightId, PersonId, RoleId)> = rights::table
            .filter(rights::person_id.eq_any(&people))
            .filter(rights::role_id.eq_any(roles))
            .select((rights::id, rights::person_id, rights::role_id))
            .load(tx.db())?;
        let mut giving = Vec::new();
        let mut fresh = Vec::new();
        for (assignment, person) in holders {
            for role in roles {
                let known =
                    known.iter().find(|(_, p, r)| p == person && r == role).map(|(id, ..)| *id);
                let right_id = known.unwrap_or_else(RightId::fresh);
                if known.is_none() {
                    fresh.push(NewRight {
                        id: right_id,
                        person_id: *person,
                        role_id: *role,
                        wanted: true,
                        state: RightState::Adding.as_str(),
                        held_before: None,
                        generation: 1,
                        asked_at: now,
                        attempts: 0,
                        next_at: wall,
                        overdue_told: false,
                        fence: 0,
                    });
                }
                giving.push(Giving { assignment_id: *assignment, right_id });
            }
        }
        for chunk in fresh.chunks(CHUNK) {
            crate::each_backend!(tx.db(), |c| diesel::insert_into(rights::table)
                .values(chunk)
                .execute(c)
                .map_err(stale_if_taken)?);
        }
        for chunk in giving.chunks(CHUNK) {
            crate::each_backend!(tx.db(), |c| {
                diesel::insert_into(assignment_rights::table)
                    .values(chunk)
                    .on_conflict_do_nothing()
                    .execute(c)?
            });
        }
        let known: Vec<RightId> = known.into_iter().map(|(id, ..)| id).collect();
        want_again(tx, &known, now, wall)?;
    }
    Ok(())
}

fn want_again(tx: &mut Tx<'_>, known: &[RightId], now: Ts, wall: Ts) -> Result<()> {
    // A right that is confirmed gone, or was left in place, starts over: was it held before?
    let over = [RightState::Gone.as_str(), RightState::Kept.as_str()];
    diesel::update(
        rights::table.filter(rights::id.eq_any(known)).filter(rights::state.eq_any(over)),
    )
    .set(rights::held_before.eq(None::<bool>))
    .execute(tx.db())?;
    diesel::update(rights::table.filter(rights::id.eq_any(known)).filter(rights::wanted.eq(false)))
        .set((
            Wish::of(RightState::Adding, now, wall),
            rights::generation.eq(rights::generation + 1),
        ))
        .execute(tx.db())?;
    Ok(())
}

/// Lets go of the rights that no started, unended assignment gives any more (D21). Call it with the holders locked
/// (E9), after the assignments are saved as ended, or after links are cut.
pub(super) fn release(tx: &mut Tx<'_>, ids: &[RightId]) -> Result<()> {
    let (now, wall) = (tx.now(), tx.wall());
    for chunk in ids.chunks(CHUNK) {
        let still_given = assignment_rights::table
            .inner_join(assignments::table)
            .filter(assignments::ended_at.is_null())
            .filter(assignment_rights::right_id.eq_any(chunk))
            .select(assignment_rights::right_id);
        diesel::update(
            rights::table
                .filter(rights::id.eq_any(chunk))
                .filter(rights::wanted.eq(true))
                .filter(rights::id.ne_all(still_given)),
        )
        .set((
            Wish::of(RightState::Removing, now, wall),
            rights::generation.eq(rights::generation + 1),
        ))
        .execute(tx.db())?;
    }
    Ok(())
}

/// Takes roles from people on the target system, also where they had them before the first assignment (D22): missing
/// rights are made, and the same worker removes them all. Call it with the people locked (E9), and after nothing gives
/// them the roles any more.
pub(super) fn withdraw(tx: &mut Tx<'_>, all: &[(PersonId, RoleId)]) -> Result<()> {
    let (now, wall) = (tx.now(), tx.wall());
    for chunk in all.chunks(CHUNK) {
        let people: Vec<PersonId> = chunk.iter().map(|(person, _)| *person).collect();
        let roles: Vec<RoleId> = chunk.iter().map(|(_, role)| *role).collect();
        let known: Vec<(RightId, PersonId, RoleId)> = rights::table
            .filter(rights::person_id.eq_any(people))
            .filter(rights::role_id.eq_any(roles))
            .select((rights::id, rights::person_id, rights::role_id))
            .load(tx.db())?;
        let known: Vec<_> =
            known.into_iter().filter(|(_, who, what)| chunk.contains(&(*who, *what))).collect();
        let ids: Vec<RightId> = known.iter().map(|(id, ..)| *id).collect();
        // Whoever works on one of them now has an older wish, and leaves it alone.
        diesel::update(rights::table.filter(rights::id.eq_any(ids)))
            .set((
                Wish::of(RightState::Removing, now, wall),
                rights::held_before.eq(Some(false)),
                rights::generation.eq(rights::generation + 1),
            ))
            .execute(tx.db())?;
        let mut fresh: Vec<NewRight> = Vec::new();
        for (person, role) in chunk {
            let there = known.iter().any(|(_, who, what)| (who, what) == (person, role));
            if there || fresh.iter().any(|new| (&new.person_id, &new.role_id) == (person, role)) {
                continue;
            }
            fresh.push(NewRight {
                id: RightId::fresh(),
                person_id: *person,
                role_id: *role,
                wanted: false,
                state: RightState::Removing.as_str(),
                held_before: Some(false),
                generation: 1,
                asked_at: now,
                attempts: 0,
                next_at: wall,
                overdue_told: false,
                fence: 0,
            });
        }
        crate::each_backend!(tx.db(), |c| diesel::insert_into(rights::table)
            .values(&fresh)
            .execute(c)
            .map_err(stale_if_taken)?);
    }
    Ok(())
}

/// A started assignment that gives a role to a person.
#[derive(Clone, Debug)]
pub struct Gives {
    /// To whom.
    pub person: PersonId,
    /// Which role.
    pub role: RoleId,
    /// The assignment.
    pub assignment: AssignmentId,
    /// Its package.
    pub package: String,
    /// Since when.
    pub since: Ts,
}

/// Everything that gives one of these roles to one of these people now, by package. One statement for each 500 people.
///
/// # Errors
/// When the database does not answer.
pub fn giving(db: &mut Db, people: &[PersonId], roles: &[RoleId]) -> Result<Vec<Gives>> {
    type Row = (PersonId, RoleId, AssignmentId, String, Option<Ts>, Ts);
    let mut all = Vec::new();
    for chunk in people.chunks(CHUNK) {
        let rows: Vec<Row> = assignment_rights::table
            .inner_join(rights::table)
            .inner_join(assignments::table.inner_join(packages::table))
            .filter(rights::person_id.eq_any(chunk))
            .filter(rights::role_id.eq_any(roles))
            .filter(assignments::ended_at.is_null())
            .order((packages::name_key, assignments::id))
            .select((
                rights::person_id,
                rights::role_id,
                assignments::id,
                packages::name,
                assignments::started_at,
                assignments::starts_at,
            ))
            .load(db)?;
        all.extend(rows.into_iter().map(|(person, role, assignment, package, started, starts)| {
            Gives { person, role, assignment, package, since: started.unwrap_or(starts) }
        }));
    }
    Ok(all)
}

/// Where the rights of these people to these roles stand. One statement for each 500 people.
///
/// # Errors
/// When the database does not answer.
pub fn stands(db: &mut Db, people: &[PersonId], roles: &[RoleId]) -> Result<Vec<Stands>> {
    type Row = (PersonId, RoleId, bool, String, Option<Ts>, bool);
    let mut all = Vec::new();
    for chunk in people.chunks(CHUNK) {
        let rows: Vec<Row> = rights::table
            .filter(rights::person_id.eq_any(chunk))
            .filter(rights::role_id.eq_any(roles))
            .select((
                rights::person_id,
                rights::role_id,
                rights::wanted,
                rights::state,
                rights::confirmed_at,
                rights::overdue_told,
            ))
            .load(db)?;
        all.extend(rows.into_iter().map(|(person, role, wanted, state, confirmed_at, late)| {
            let state = RightState::parse(&state).unwrap_or(RightState::Removing);
            Stands { person, role, wanted, state, confirmed_at, late }
        }));
    }
    Ok(all)
}

/// The rights that the assignments give.
///
/// # Errors
/// When the database does not answer.
pub fn of_assignments(db: &mut Db, ids: &[AssignmentId]) -> Result<Vec<RightId>> {
    let mut all = Vec::new();
    for chunk in ids.chunks(CHUNK) {
        let some: Vec<RightId> = assignment_rights::table
            .filter(assignment_rights::assignment_id.eq_any(chunk))
            .select(assignment_rights::right_id)
            .load(db)?;
        all.extend(some);
    }
    Ok(all)
}

/// How many rights of the assignment no target has confirmed yet.
///
/// # Errors
/// When the database does not answer.
pub fn unconfirmed(db: &mut Db, assignment: AssignmentId) -> Result<i64> {
    Ok(assignment_rights::table
        .inner_join(rights::table)
        .filter(assignment_rights::assignment_id.eq(assignment))
        .filter(rights::state.ne(RightState::Present.as_str()))
        .count()
        .get_result(db)?)
}

/// Cuts the links from assignments to roles that a package no longer holds; returns the rights concerned.
pub(super) fn cut(tx: &mut Tx<'_>, ids: &[AssignmentId], roles: &[RoleId]) -> Result<Vec<RightId>> {
    let mut all = Vec::new();
    for chunk in ids.chunks(CHUNK) {
        let concerned = rights::table
            .inner_join(assignment_rights::table)
            .filter(assignment_rights::assignment_id.eq_any(chunk))
            .filter(rights::role_id.eq_any(roles))
            .select(rights::id);
        let found: Vec<RightId> = concerned.load(tx.db())?;
        diesel::delete(
            assignment_rights::table
                .filter(assignment_rights::assignment_id.eq_any(chunk))
                .filter(assignment_rights::right_id.eq_any(&found)),
        )
        .execute(tx.db())?;
        all.extend(found);
    }
    Ok(all)
}

/// Asks for another try at once of every unconfirmed right of the assignment; returns how many there are, and how
/// many of them would have waited longer.
pub(super) fn retry(tx: &mut Tx<'_>, assignment: AssignmentId) -> Result<(usize, usize)> {
    let wall = tx.wall();
    let mine = of_assignments(tx.db(), &[assignment])?;
    let open = [RightState::Adding.as_str(), RightState::Removing.as_str()];
    let open = rights::id.eq_any(mine).and(rights::state.eq_any(open));
    let all: i64 = rights::table.filter(open.clone()).count().get_result(tx.db())?;
    let later = rights::table.filter(open).filter(rights::next_at.gt(wall));
    let moved = diesel::update(later)
        .set((rights::next_at.eq(wall), rights::attempts.eq(0)))
        .execute(tx.db())?;
    Ok((usize::try_from(all).unwrap_or(usize::MAX), moved))
}

/// Where one resource of an assignment stands: what a page shows.
#[derive(Clone, Debug)]
pub struct Standing {
    /// The assignment that gives it.
    pub assignment: AssignmentId,
    /// The right.
    pub right: RightId,
    /// The resource's name.
    pub resource: String,
    /// The role's name.
    pub role: String,
    /// The target system's name.
    pub target: String,
    /// Whether it is wanted.
    pub wanted: bool,
    /// Where it stands.
    pub state: RightState,
    /// Whether the person had it before (D22).
    pub held_before: bool,
    /// When the target confirmed it.
    pub confirmed_at: Option<Ts>,
    /// How many tries have failed in a row.
    pub attempts: i64,
    /// When the next try is due, in wall time.
    pub next_at: Option<Ts>,
    /// What the last try met, in words.
    pub trouble: Option<String>,
    /// The same as a code.
    pub trouble_code: Option<String>,
}

/// Where the resources of assignments stand, by resource name: one statement.
///
/// # Errors
/// When the database does not answer.
pub fn standing(db: &mut Db, ids: &[AssignmentId]) -> Result<Vec<Standing>> {
    type Row = (
        (AssignmentId, RightId, String, String, String),
        (bool, String, Option<bool>, Option<Ts>, i64, Option<Ts>, Option<String>, Option<String>),
    );
    let rows: Vec<Row> = assignment_rights::table
        .inner_join(rights::table.inner_join(resource_roles::table.inner_join(resources::table)))
        .filter(assignment_rights::assignment_id.eq_any(ids))
        .order((resources::name, resource_roles::name, rights::id))
        .select((
            (
                assignment_rights::assignment_id,
                rights::id,
                resources::name,
                resource_roles::name,
                resources::target,
            ),
            (
                rights::wanted,
                rights::state,
                rights::held_before,
                rights::confirmed_at,
                rights::attempts,
                rights::next_at,
                rights::trouble,
                rights::trouble_code,
            ),
        ))
        .load(db)?;
    Ok(rows
        .into_iter()
        .map(|((assignment, right, resource, role, target), rest)| {
            let (
                wanted,
                state,
                held_before,
                confirmed_at,
                attempts,
                next_at,
                trouble,
                trouble_code,
            ) = rest;
            Standing {
                assignment,
                right,
                resource,
                role,
                target,
                wanted,
                state: RightState::parse(&state).unwrap_or(RightState::Adding),
                held_before: held_before.unwrap_or(false),
                confirmed_at,
                attempts,
                next_at,
                trouble,
                trouble_code,
            }
        })
        .collect())
}

/// An assignment that gives a right.
#[derive(Clone, Debug, Queryable)]
pub struct Given {
    /// The right.
    pub right: RightId,
    /// The assignment.
    pub assignment: AssignmentId,
    /// Its package.
    pub package: String,
    /// The package's catalog.
    pub catalog: CatalogId,
}

/// Every active assignment that gives one of these rights, by package (D21). One statement.
///
/// # Errors
/// When the database does not answer.
pub fn given_by(db: &mut Db, ids: &[RightId]) -> Result<Vec<Given>> {
    Ok(assignment_rights::table
        .inner_join(assignments::table.inner_join(packages::table))
        .filter(assignment_rights::right_id.eq_any(ids))
        .filter(assignments::ended_at.is_null())
        .order((packages::name_key, assignments::id))
        .select((
            assignment_rights::right_id,
            assignments::id,
            packages::name,
            packages::catalog_id,
        ))
        .load(db)?)
}

/// A right with trouble, for those who look after its resource.
#[derive(Clone, Debug)]
pub struct Troubled {
    /// The right.
    pub right: RightId,
    /// Whose it is.
    pub person: String,
    /// A package that gives or gave it.
    pub package: PackageId,
    /// That package's name.
    pub package_name: String,
    /// The resource's name.
    pub resource: String,
    /// The role's name.
    pub role: String,
    /// Whether it is to be there or to go.
    pub wanted: bool,
    /// What the last try met, in words.
    pub trouble: String,
    /// Since when it is wanted.
    pub asked_at: Ts,
}

/// What has not worked yet on resources of these catalogs (of all, if none are named), longest wait first.
/// One statement; a right that several assignments give is told once.
///
/// # Errors
/// When the database does not answer.
pub fn troubled(
    db: &mut Db,
    catalogs: Option<&[CatalogId]>,
    limit: usize,
) -> Result<Vec<Troubled>> {
    type Row = ((RightId, String, PackageId, String), (String, String, bool, Option<String>, Ts));
    // A few more than are shown, because one right may come several times.
    let most = i64::try_from(limit.saturating_mul(4)).unwrap_or(i64::MAX);
    let mut query = rights::table
        .inner_join(people::table)
        .inner_join(resource_roles::table.inner_join(resources::table))
        .inner_join(
            assignment_rights::table.inner_join(assignments::table.inner_join(packages::table)),
        )
        .filter(rights::next_at.is_not_null())
        .filter(rights::trouble.is_not_null())
        .order((rights::asked_at, rights::id))
        .limit(most)
        .select((
            (rights::id, people::name, packages::id, packages::name),
            (
                resources::name,
                resource_roles::name,
                rights::wanted,
                rights::trouble,
                rights::asked_at,
            ),
        ))
        .into_boxed();
    if let Some(catalogs) = catalogs {
        query = query.filter(resources::catalog_id.eq_any(catalogs));
    }
    let mut all: Vec<Troubled> = Vec::new();
    for ((right, person, package, package_name), what) in query.load::<Row>(db)? {
        let (resource, role, wanted, trouble, asked_at) = what;
        if all.len() < limit && !all.iter().any(|seen| seen.right == right) {
            all.push(Troubled {
                right,
                person,
                package,
                package_name,
                resource,
                role,
                wanted,
                trouble: trouble.unwrap_or_default(),
                asked_at,
            });
        }
    }
    Ok(all)
}

/// One piece of work for a target system, claimed by a lease.
#[derive(Clone, Debug)]
pub struct Work {
    /// The right.
    pub right: RightId,
    /// The person.
    pub person: PersonId,
    /// The person's name.
    pub person_name: String,
    /// The resource's catalog.
    pub catalog: CatalogId,
    /// The person's id in the staff list.
    pub external_id: String,
    /// The person's mail.
    pub mail: Option<String>,
    /// The resource.
    pub resource: ResourceId,
    /// The resource's name.
    pub resource_name: String,
    /// The resource's address on the target.
    pub address: String,
    /// The target system's name.
    pub target: String,
    /// Whether what was held before is removed as well (D22).
    pub managed_here: bool,
    /// The role's name.
    pub role_name: String,
    /// The role's value on the target.
    pub role_value: String,
    /// What is wanted.
    pub wanted: bool,
    /// Whether it was there before we first wrote; empty until looked.
    pub held_before: Option<bool>,
    /// Grows with every change of what is wanted.
    pub generation: i64,
    /// The number of this claim.
    pub fence: i64,
    /// Failed tries in a row.
    pub attempts: i64,
    /// What the last try met.
    pub trouble_code: Option<String>,
    /// When it was asked for, in business time.
    pub asked_at: Ts,
    /// Whether the owner was told that a removal is late.
    pub overdue_told: bool,
}

/// Claims up to `limit` due rights of a target (or of targets that are not in `others`) until `until`.
///
/// # Errors
/// When the database does not answer.
pub fn claim(tx: &mut Tx<'_>, targets: &Claiming<'_>, until: Ts, limit: i64) -> Result<Vec<Work>> {
    let wall = tx.wall();
    let mut query = rights::table
        .inner_join(people::table)
        .inner_join(resource_roles::table.inner_join(resources::table))
        .filter(rights::next_at.le(wall))
        .filter(rights::lease_until.is_null().or(rights::lease_until.le(wall)))
        .order((rights::next_at, rights::id))
        .limit(limit)
        .select((
            (rights::id, people::id, people::name, people::external_id, people::mail),
            (
                resources::id,
                resources::name,
                resources::address,
                resources::target,
                resources::managed_here,
                resources::catalog_id,
            ),
            (resource_roles::name, resource_roles::value),
            (
                rights::wanted,
                rights::held_before,
                rights::generation,
                rights::fence,
                rights::attempts,
            ),
            (rights::trouble_code, rights::asked_at, rights::overdue_told),
        ))
        .into_boxed();
    query = match targets {
        Claiming::Of(name) => query.filter(resources::target.eq(*name)),
        Claiming::NotOf(names) => {
            query.filter(resources::target.ne_all(names.iter().map(String::as_str)))
        }
    };
    type Row = (
        (RightId, PersonId, String, String, Option<String>),
        (ResourceId, String, String, String, bool, CatalogId),
        (String, String),
        (bool, Option<bool>, i64, i64, i64),
        (Option<String>, Ts, bool),
    );
    let rows: Vec<Row> = query.load(tx.db())?;
    let mut claimed = Vec::new();
    for (who, what, role, wish, past) in rows {
        let (right, person, person_name, external_id, mail) = who;
        let (resource, resource_name, address, target, managed_here, catalog) = what;
        let (wanted, held_before, generation, fence, attempts) = wish;
        let (trouble_code, asked_at, overdue_told) = past;
        let hit = diesel::update(rights::table.find(right).filter(rights::fence.eq(fence)))
            .set((rights::lease_until.eq(until), rights::fence.eq(fence + 1)))
            .execute(tx.db())?;
        if hit == 1 {
            claimed.push(Work {
                right,
                person,
                person_name,
                catalog,
                external_id,
                mail,
                resource,
                resource_name,
                address,
                target,
                managed_here,
                role_name: role.0,
                role_value: role.1,
                wanted,
                held_before,
                generation,
                fence: fence + 1,
                attempts,
                trouble_code,
                asked_at,
                overdue_told,
            });
        }
    }
    Ok(claimed)
}

/// Keeps a claim until `until`. False when it is no longer valid or the wish has changed: then leave the work alone.
///
/// # Errors
/// When the database does not answer.
pub fn renew(tx: &mut Tx<'_>, work: &Work, until: Ts) -> Result<bool> {
    let hit = diesel::update(
        rights::table
            .find(work.right)
            .filter(rights::fence.eq(work.fence))
            .filter(rights::generation.eq(work.generation)),
    )
    .set(rights::lease_until.eq(Some(until)))
    .execute(tx.db())?;
    Ok(hit == 1)
}

/// Whose work to claim.
pub enum Claiming<'a> {
    /// The work of one target.
    Of(&'a str),
    /// The work of every target but these: those that are configured no longer.
    NotOf(&'a [String]),
}

/// What a try has come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    /// Looked before the first write: it was there or not.
    Before(bool),
    /// The target confirmed what is wanted.
    Confirmed(RightState),
    /// It did not work; try again at this wall time.
    Trouble {
        /// A code for pages.
        code: String,
        /// Words for people.
        words: String,
        /// When to try again.
        next: Ts,
    },
}

/// Writes what a try has seen. False when the claim is no longer valid or the wish has changed:
/// then the lease is given back and the row is looked at again.
///
/// # Errors
/// When the database does not answer.
pub fn save_seen(tx: &mut Tx<'_>, work: &Work, seen: &Seen) -> Result<bool> {
    let (now, wall) = (tx.now(), tx.wall());
    let mine = rights::table
        .find(work.right)
        .filter(rights::fence.eq(work.fence))
        .filter(rights::generation.eq(work.generation));
    let hit = match seen {
        Seen::Before(held) => {
            diesel::update(mine).set(rights::held_before.eq(Some(*held))).execute(tx.db())?
        }
        Seen::Confirmed(state) => diesel::update(mine)
            .set((
                rights::state.eq(state.as_str()),
                rights::confirmed_at.eq(Some(now)),
                rights::attempts.eq(0),
                rights::next_at.eq(None::<Ts>),
                rights::trouble.eq(None::<String>),
                rights::trouble_code.eq(None::<String>),
                rights::lease_until.eq(None::<Ts>),
            ))
            .execute(tx.db())?,
        Seen::Trouble { code, words, next } => diesel::update(mine)
            .set((
                rights::attempts.eq(rights::attempts + 1),
                rights::next_at.eq(Some(*next)),
                rights::trouble.eq(Some(words)),
                rights::trouble_code.eq(Some(code)),
                rights::lease_until.eq(None::<Ts>),
            ))
            .execute(tx.db())?,
    };
    if hit == 0 {
        // The wish changed while we worked: give the lease back, so that the new wish is served at once.
        diesel::update(rights::table.find(work.right).filter(rights::fence.eq(work.fence)))
            .set((rights::lease_until.eq(None::<Ts>), rights::next_at.eq(Some(wall))))
            .execute(tx.db())?;
    }
    Ok(hit == 1)
}

/// A removal that no target has confirmed in time.
#[derive(Clone, Debug)]
pub struct Late {
    /// The right.
    pub right: RightId,
    /// Whose.
    pub person: (PersonId, String),
    /// The resource's catalog.
    pub catalog: CatalogId,
    /// The resource's name.
    pub resource: String,
    /// The role's name.
    pub role: String,
    /// The target system's name.
    pub target: String,
}

/// Removals that were asked for before `asked_before` and that nobody has been told of (D24); marks them told.
///
/// # Errors
/// When the database does not answer.
pub fn overdue(tx: &mut Tx<'_>, asked_before: Ts, limit: i64) -> Result<Vec<Late>> {
    type Row = (RightId, PersonId, String, CatalogId, String, String, String);
    let rows: Vec<Row> = rights::table
        .inner_join(people::table)
        .inner_join(resource_roles::table.inner_join(resources::table))
        .filter(rights::next_at.is_not_null())
        .filter(rights::state.eq(RightState::Removing.as_str()))
        .filter(rights::overdue_told.eq(false))
        .filter(rights::asked_at.le(asked_before))
        .order(rights::id)
        .limit(limit)
        .select((
            rights::id,
            people::id,
            people::name,
            resources::catalog_id,
            resources::name,
            resource_roles::name,
            resources::target,
        ))
        .load(tx.db())?;
    let ids: Vec<RightId> = rows.iter().map(|row| row.0).collect();
    // Somebody else may be telling the same ones at this moment.
    let mine: Vec<RightId> = diesel::update(
        rights::table.filter(rights::id.eq_any(ids)).filter(rights::overdue_told.eq(false)),
    )
    .set(rights::overdue_told.eq(true))
    .returning(rights::id)
    .get_results(tx.db())?;
    Ok(rows
        .into_iter()
        .filter(|row| mine.contains(&row.0))
        .map(|(right, person, name, catalog, resource, role, target)| Late {
            right,
            person: (person, name),
            catalog,
            resource,
            role,
            target,
        })
        .collect())
}

/// The newest assignment that gives or gave a right: what its delivery facts are about.
///
/// # Errors
/// When the database does not answer.
pub fn newest_assignment(db: &mut Db, right: RightId) -> Result<Option<AssignmentId>> {
    Ok(assignment_rights::table
        .inner_join(assignments::table)
        .filter(assignment_rights::right_id.eq(right))
        .order((assignments::created_at.desc(), assignments::id.desc()))
        .select(assignments::id)
        .first(db)
        .optional()?)
}

/// The unended assignments that a right serves and that have no other unconfirmed right: they are delivered now.
///
/// # Errors
/// When the database does not answer.
pub fn delivered_by(db: &mut Db, right: RightId) -> Result<Vec<AssignmentId>> {
    let served: Vec<AssignmentId> = assignment_rights::table
        .inner_join(assignments::table)
        .filter(assignment_rights::right_id.eq(right))
        .filter(assignments::ended_at.is_null())
        .select(assignments::id)
        .load(db)?;
    let waiting: Vec<AssignmentId> = assignment_rights::table
        .inner_join(rights::table)
        .filter(assignment_rights::assignment_id.eq_any(&served))
        .filter(rights::state.ne(RightState::Present.as_str()))
        .select(assignment_rights::assignment_id)
        .load(db)?;
    Ok(served.into_iter().filter(|id| !waiting.contains(id)).collect())
}

/// Whether the right was there before we first wrote (D22).
///
/// # Errors
/// When the database does not answer.
pub fn held_before(db: &mut Db, right: RightId) -> Result<bool> {
    let held: Option<bool> = rights::table.find(right).select(rights::held_before).first(db)?;
    Ok(held.unwrap_or(false))
}
