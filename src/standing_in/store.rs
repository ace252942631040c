//! The tables `stand_ins` and `stand_in_packages`.

use std::collections::HashMap;

use diesel::dsl::exists;
use diesel::prelude::*;

use super::model::{Called, Decidable, NewPeriod, Period, Theirs};
use crate::access::Person;
use crate::db::schema::{
    group_members, organization_sponsors, packages, people, policies, requests, stage_approvers,
    stand_in_packages, stand_ins,
};
use crate::db::{Db, Tx, stale_if_taken};
use crate::error::{Error, Result};
use crate::kernel::{CatalogId, GroupId, PackageId, PersonId, RequestId, StandInId, Ts};
use crate::policies::model::{Named, Terms};
use crate::policies::stages::{Approvers, StageTerms};

mod alias {
    diesel::alias!(
        crate::db::schema::people as substitutes: Substitutes,
        crate::db::schema::people as superiors: Superiors
    );
}
use alias::{substitutes, superiors};

type Row = (StandInId, Called, Called, Ts, Ts, Option<Ts>, bool, i64);

macro_rules! periods {
    () => {
        stand_ins::table
            .inner_join(people::table)
            .inner_join(substitutes.on(substitutes.field(people::id).eq(stand_ins::stand_in_id)))
            .order((stand_ins::starts_at, stand_ins::id))
            .select((
                stand_ins::id,
                (people::id, people::name),
                (substitutes.field(people::id), substitutes.field(people::name)),
                stand_ins::starts_at,
                stand_ins::ends_at,
                stand_ins::ended_at,
                stand_ins::all_packages,
                stand_ins::rev,
            ))
    };
}

/// The rows with their packages: one statement more where some are not for all.
fn with_packages(db: &mut Db, rows: Vec<Row>) -> Result<Vec<Period>> {
    let some: Vec<StandInId> = rows.iter().filter(|row| !row.6).map(|row| row.0).collect();
    let mut chosen: HashMap<StandInId, Vec<(PackageId, String)>> = HashMap::new();
    if !some.is_empty() {
        let named: Vec<(StandInId, PackageId, String)> = stand_in_packages::table
            .inner_join(packages::table)
            .filter(stand_in_packages::period_id.eq_any(some))
            .order((packages::name, packages::id))
            .select((stand_in_packages::period_id, packages::id, packages::name))
            .load(db)?;
        for (period, id, name) in named {
            chosen.entry(period).or_default().push((id, name));
        }
    }
    let period = |(id, person, stand_in, starts_at, ends_at, ended_at, all, rev): Row| Period {
        packages: (!all).then(|| chosen.remove(&id).unwrap_or_default()),
        id,
        person,
        stand_in,
        starts_at,
        ends_at,
        ended_at,
        rev,
    };
    Ok(rows.into_iter().map(period).collect())
}

/// The periods of a person that are not over, on either side, by their start: at most two statements.
///
/// # Errors
/// When the database does not answer.
pub fn of(db: &mut Db, person: PersonId, now: Ts) -> Result<Vec<Period>> {
    let rows = periods!()
        .filter(stand_ins::person_id.eq(person).or(stand_ins::stand_in_id.eq(person)))
        .filter(stand_ins::ended_at.is_null())
        .filter(stand_ins::ends_at.gt(now))
        .load(db)?;
    with_packages(db, rows)
}

/// A period, also one that is over.
///
/// # Errors
/// `Missing` if there is none.
pub fn one(db: &mut Db, id: StandInId) -> Result<Period> {
    let rows = periods!().filter(stand_ins::id.eq(id)).load(db)?;
    with_packages(db, rows)?.pop().ok_or(Error::Missing)
}

/// Everybody's periods that lie in a time: at most two statements.
///
/// # Errors
/// When the database does not answer.
pub fn within(db: &mut Db, from: Ts, until: Ts) -> Result<Vec<Period>> {
    let rows = periods!()
        .filter(stand_ins::ended_at.is_null())
        .filter(stand_ins::starts_at.lt(until))
        .filter(stand_ins::ends_at.gt(from))
        .load(db)?;
    with_packages(db, rows)
}

/// Every period of a person that nothing has ended, on either side.
///
/// # Errors
/// When the database does not answer.
pub fn open_of(db: &mut Db, person: PersonId) -> Result<Vec<Period>> {
    let rows = periods!()
        .filter(stand_ins::person_id.eq(person).or(stand_ins::stand_in_id.eq(person)))
        .filter(stand_ins::ended_at.is_null())
        .load(db)?;
    with_packages(db, rows)
}

/// Periods in which somebody stood in and that are over since this time, the last first.
///
/// # Errors
/// When the database does not answer.
pub fn over_since(db: &mut Db, stand_in: PersonId, since: Ts, now: Ts) -> Result<Vec<Period>> {
    let rows = periods!()
        .filter(stand_ins::stand_in_id.eq(stand_in))
        .filter(stand_ins::starts_at.le(now))
        .filter(stand_ins::ended_at.ge(since).or(stand_ins::ends_at.between(since, now)))
        .load(db)?;
    let mut all = with_packages(db, rows)?;
    all.reverse();
    Ok(all)
}

/// Periods whose time is over, in due order.
///
/// # Errors
/// When the database does not answer.
pub fn due(
    db: &mut Db,
    now: Ts,
    after: Option<(Ts, StandInId)>,
    limit: i64,
) -> Result<Vec<(Ts, StandInId)>> {
    let (at, id) = (stand_ins::ends_at, stand_ins::id);
    let mut query = stand_ins::table
        .filter(stand_ins::ended_at.is_null())
        .filter(at.le(now))
        .order((at, id))
        .limit(limit)
        .select((at, id))
        .into_boxed();
    if let Some((last, then)) = after {
        query = query.filter(at.gt(last).or(at.eq(last).and(id.gt(then))));
    }
    Ok(query.load(db)?)
}

/// What waits for a person's decision and is the stand-in's own (D2): one statement.
///
/// # Errors
/// When the database does not answer.
pub fn theirs(db: &mut Db, person: PersonId, stand_in: PersonId) -> Result<Vec<Theirs>> {
    let rows: Vec<(RequestId, String, String, String)> = stage_approvers::table
        .inner_join(requests::table.inner_join(packages::table))
        .inner_join(people::table.on(people::id.eq(requests::target_id)))
        .filter(stage_approvers::person_id.eq(person))
        .filter(stage_approvers::waiting.eq(true))
        .filter(requests::requestor_id.eq(stand_in).or(requests::target_id.eq(stand_in)))
        .order((stage_approvers::opened_at, requests::id))
        .limit(20)
        .select((requests::id, requests::reference, packages::name, people::name))
        .load(db)?;
    let one =
        |(request, reference, package, target)| Theirs { request, reference, package, target };
    Ok(rows.into_iter().map(one).collect())
}

/// How somebody may come to be asked, beside their name; and those for whom they stand in.
struct Asked {
    people: Vec<PersonId>,
    groups: Vec<GroupId>,
    manages: bool,
    second: bool,
    sponsor: bool,
}

impl Asked {
    fn read(db: &mut Db, people: Vec<PersonId>) -> Result<Self> {
        let groups = group_members::table.filter(group_members::person_id.eq_any(&people));
        let groups = groups.select(group_members::group_id).load(db)?;
        let manages =
            people::table.filter(people::manager_id.eq_any(&people)).filter(people::enabled);
        let second = people::table
            .inner_join(superiors.on(superiors.field(people::id).nullable().eq(people::manager_id)))
            .filter(superiors.field(people::manager_id).eq_any(&people))
            .filter(people::enabled);
        let sponsor =
            organization_sponsors::table.filter(organization_sponsors::person_id.eq_any(&people));
        let found = diesel::select((exists(manages), exists(second), exists(sponsor)));
        let (manages, second, sponsor): (bool, bool, bool) = found.get_result(db)?;
        Ok(Self { people, groups, manages, second, sponsor })
    }

    fn named(&self, people: &[Named<PersonId>], groups: &[Named<GroupId>]) -> bool {
        people.iter().any(|p| self.people.contains(&p.id))
            || groups.iter().any(|g| self.groups.contains(&g.id))
    }

    /// Can a stage ask them?
    fn by(&self, stage: &StageTerms) -> bool {
        let first = match &stage.approvers {
            Approvers::Manager => self.manages,
            Approvers::SecondManager => self.second,
            Approvers::Sponsors => self.sponsor,
            Approvers::Named { people, groups } => self.named(people, groups),
        };
        let alternate = stage
            .alternates
            .as_ref()
            .is_some_and(|a| self.named(&a.people, &a.groups) || a.second_manager && self.second);
        first || alternate || self.named(&stage.fallback, &[])
    }
}

/// The packages on which a person can be asked to decide, by name: what policies say, what waits for them, and what
/// they own; also where they are asked in somebody's place. Four statements.
///
/// # Errors
/// When the database does not answer.
pub fn decidable(db: &mut Db, person: &Person) -> Result<Vec<Decidable>> {
    let away = person.stands_for.iter().map(|stands| stands.person);
    let asked = Asked::read(db, std::iter::once(person.id).chain(away).collect())?;
    let waiting = stage_approvers::table
        .inner_join(requests::table)
        .filter(stage_approvers::person_id.eq_any(&asked.people))
        .filter(stage_approvers::waiting.eq(true));
    let waiting: Vec<PackageId> = waiting.select(requests::package_id).distinct().load(db)?;
    type Found = (PackageId, String, CatalogId, Option<String>);
    let rows: Vec<Found> = packages::table
        .left_join(
            policies::table.on(policies::package_id
                .eq(packages::id)
                .and(policies::enabled.eq(true))
                .and(policies::deleted_at.is_null())),
        )
        .order((packages::name, packages::id))
        .select((packages::id, packages::name, packages::catalog_id, policies::terms.nullable()))
        .load(db)?;
    let mut all: Vec<Decidable> = Vec::new();
    for (id, name, catalog, terms) in rows {
        if all.last().is_some_and(|last| last.id == id) {
            continue;
        }
        let says = || -> Result<bool> {
            let Some(terms) = terms else { return Ok(false) };
            let terms: Terms = serde_json::from_str(&terms)?;
            Ok(terms.stages.iter().any(|stage| asked.by(stage)))
        };
        if person.owns.contains(&catalog) || waiting.contains(&id) || says()? {
            all.push(Decidable { id, name, catalog });
        }
    }
    Ok(all)
}

/// True where a period has this id.
pub(super) fn is_taken(db: &mut Db, id: StandInId) -> Result<bool> {
    let there = stand_ins::table.find(id).select(stand_ins::id);
    Ok(there.first::<StandInId>(db).optional()?.is_some())
}

pub(super) fn insert(tx: &mut Tx<'_>, new: &NewPeriod, (from, until): (Ts, Ts)) -> Result<()> {
    let now = tx.now();
    diesel::insert_into(stand_ins::table)
        .values((
            stand_ins::id.eq(new.id),
            stand_ins::person_id.eq(new.person),
            stand_ins::stand_in_id.eq(new.stand_in),
            stand_ins::starts_at.eq(from),
            stand_ins::ends_at.eq(until),
            stand_ins::all_packages.eq(new.packages.is_none()),
            stand_ins::rev.eq(0_i64),
            stand_ins::created_at.eq(now),
        ))
        .execute(tx.db())
        .map_err(stale_if_taken)?;
    for package in new.packages.iter().flatten() {
        diesel::insert_into(stand_in_packages::table)
            .values((
                stand_in_packages::period_id.eq(new.id),
                stand_in_packages::package_id.eq(package),
            ))
            .execute(tx.db())?;
    }
    Ok(())
}

/// Ends a period; a miss means that something else has ended it meanwhile.
pub(super) fn end(tx: &mut Tx<'_>, period: &Period, at: Ts) -> Result<()> {
    let row = stand_ins::table
        .filter(stand_ins::id.eq(period.id))
        .filter(stand_ins::rev.eq(period.rev))
        .filter(stand_ins::ended_at.is_null());
    let hit = diesel::update(row)
        .set((stand_ins::ended_at.eq(at), stand_ins::rev.eq(period.rev + 1)))
        .execute(tx.db())?;
    if hit == 1 { Ok(()) } else { Err(Error::Stale) }
}
