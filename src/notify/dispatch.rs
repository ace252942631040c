//! From undispatched facts to notices: at least once, made unique by fact, channel and person.

use std::collections::{BTreeSet, HashSet};

use diesel::prelude::*;

use super::model::State;
use super::rules::{self, Audience, Reader, audiences};
use crate::access::standing_in::in_place_of;
use crate::db::schema::{
    assignments, facts, group_members, mails, notices, packages, people, policies, profiles,
    request_stages, requests, role_grants, stage_approvers,
};
use crate::db::{By, Database, Db, Tx, links_from_all, load_actor, load_told};
use crate::error::Result;
use crate::kernel::fact::Names;
use crate::kernel::{
    AssignmentId, CatalogId, Fact, FactId, NoticeId, PackageId, PersonId, RequestId,
    ReviewInstanceId, StandInId, Ts, Zone,
};
use crate::policies::model::Terms;
use crate::standing_in;
use crate::{directory, reviews};

/// As many facts as one transaction dispatches.
const CHUNK: i64 = 100;

#[derive(Queryable, Selectable)]
#[diesel(table_name = facts)]
struct Undispatched {
    id: FactId,
    at: Ts,
    due_at: Option<Ts>,
    actor_name: String,
    actor_id: Option<PersonId>,
    person_id: Option<PersonId>,
    person_name: Option<String>,
    package_id: Option<PackageId>,
    package_name: Option<String>,
    catalog_id: Option<CatalogId>,
    catalog_name: Option<String>,
    request_id: Option<RequestId>,
    reference: Option<String>,
    assignment_id: Option<AssignmentId>,
    resource_name: Option<String>,
    data: String,
    review_id: Option<ReviewInstanceId>,
}

#[derive(Insertable)]
#[diesel(table_name = notices)]
#[diesel(treat_none_as_default_value = false)]
struct NewNotice {
    id: NoticeId,
    fact_id: FactId,
    channel: &'static str,
    person_id: PersonId,
    sentence: String,
    link: String,
    at: Ts,
    reader: &'static str,
}

#[derive(Insertable)]
#[diesel(table_name = mails)]
#[diesel(treat_none_as_default_value = false)]
struct NewMail {
    notice_id: NoticeId,
    state: &'static str,
    attempts: i64,
    since: Ts,
    next_at: Ts,
    fence: i64,
}

/// Dispatches what is undispatched, to the portal only; returns how many facts.
///
/// # Errors
/// When the database does not answer.
pub fn run(db: &Database) -> Result<usize> {
    run_for(db, false)
}

/// The same; with `mailed` each notice goes out by mail, too. Whoever turns mail on later sends nobody what is old.
///
/// # Errors
/// When the database does not answer.
pub fn run_for(db: &Database, mailed: bool) -> Result<usize> {
    let mut done = 0;
    loop {
        let some = db.read(|c| {
            Ok(facts::table
                .filter(facts::dispatched_at.is_null())
                .select(facts::id)
                .first::<FactId>(c)
                .optional()?)
        })?;
        if some.is_none() {
            return Ok(done);
        }
        done += db.write(By::System("Keyholder"), move |tx| dispatch(tx, mailed))?;
    }
}

fn dispatch(tx: &mut Tx<'_>, mailed: bool) -> Result<usize> {
    let all: Vec<Undispatched> = facts::table
        .filter(facts::dispatched_at.is_null())
        .order(facts::id)
        .limit(CHUNK)
        .select(Undispatched::as_select())
        .load(tx.db())?;
    let mut rows = Vec::new();
    let mut asking = HashSet::new();
    let (now, zone) = (tx.now(), tx.zone());
    for fact in &all {
        for (row, asks) in notices_of(tx.db(), fact, (now, zone))? {
            asking.extend(asks.then_some(row.id));
            rows.push(row);
        }
    }
    for chunk in rows.chunks(500) {
        crate::each_backend!(tx.db(), |c| {
            diesel::insert_into(notices::table).values(chunk).on_conflict_do_nothing().execute(c)?
        });
    }
    if mailed {
        post(tx, &rows, &asking)?;
    }
    let ids: Vec<FactId> = all.iter().map(|fact| fact.id).collect();
    let wall = tx.wall();
    diesel::update(
        facts::table.filter(facts::id.eq_any(ids)).filter(facts::dispatched_at.is_null()),
    )
    .set(facts::dispatched_at.eq(wall))
    .execute(tx.db())?;
    Ok(all.len())
}

/// A mail for each notice that is really there: of two dispatchers at once only one has written it. Those who want no
/// more than what waits for them get only what is `asking` something of them.
fn post(tx: &mut Tx<'_>, rows: &[NewNotice], asking: &HashSet<NoticeId>) -> Result<()> {
    let wall = tx.wall();
    for chunk in rows.chunks(500) {
        let people: Vec<PersonId> = chunk.iter().map(|row| row.person_id).collect();
        let sparing: Vec<PersonId> = profiles::table
            .filter(profiles::person_id.eq_any(people))
            .filter(profiles::mail.eq("needed"))
            .select(profiles::person_id)
            .load(tx.db())?;
        let wanted =
            |row: &&NewNotice| asking.contains(&row.id) || !sparing.contains(&row.person_id);
        let ids: Vec<NoticeId> = chunk.iter().filter(wanted).map(|row| row.id).collect();
        let there = notices::table.filter(notices::id.eq_any(ids)).select(notices::id);
        let there: Vec<NoticeId> = there.load(tx.db())?;
        let mail = |notice_id| NewMail {
            notice_id,
            state: State::Waiting.as_str(),
            attempts: 0,
            since: wall,
            next_at: wall,
            fence: 0,
        };
        let new: Vec<NewMail> = there.into_iter().map(mail).collect();
        crate::each_backend!(tx.db(), |c| {
            diesel::insert_into(mails::table).values(&new).execute(c)?
        });
    }
    Ok(())
}

/// Those who are told of a fact, and whether it asks something of them.
fn notices_of(
    db: &mut Db,
    row: &Undispatched,
    (now, zone): (Ts, Zone),
) -> Result<Vec<(NewNotice, bool)>> {
    let names = Names {
        actor: &row.actor_name,
        person: row.person_name.as_deref(),
        package: row.package_name.as_deref(),
        catalog: row.catalog_name.as_deref(),
        reference: row.reference.as_deref(),
        resource: row.resource_name.as_deref(),
    };
    // A fact of a newer version (this one is being rolled back) holds up nobody's notices.
    let (fact, sentence) = match load_told(&row.data, names) {
        Ok(told) => told,
        Err(error) => {
            tracing::error!(%error, fact = %row.id, "cannot read a fact; nobody is told of it");
            return Ok(Vec::new());
        }
    };
    if switched_off(db, row, &fact)? {
        return Ok(Vec::new());
    }
    let sentence = sentence.in_zone(zone).to_string();
    let mut told = Tell::default();
    let tell = |people: Vec<PersonId>, link: String, reader: Reader, told: &mut Tell| {
        for person in people {
            // One fact, one notice per person; nobody is told what they have just done themselves.
            if row.actor_id != Some(person) && told.people.insert(person) {
                let notice = NewNotice {
                    id: NoticeId::fresh(),
                    fact_id: row.id,
                    channel: "mail",
                    person_id: person,
                    sentence: sentence.clone(),
                    link: link.clone(),
                    at: row.at,
                    reader: reader.as_str(),
                };
                told.rows.push((notice, rules::asks(&fact, reader)));
            }
        }
    };
    for audience in audiences(&fact) {
        let (people, link) = match (audience, row.request_id, row.package_id) {
            (Audience::Deciders(stage), Some(request), _) => {
                (deciders(db, request, stage, None)?, format!("/approvals/{request}"))
            }
            (Audience::Alternates(stage), Some(request), _) => {
                (deciders(db, request, stage, Some(true))?, format!("/approvals/{request}"))
            }
            (Audience::Reminded(stage), Some(request), _) => {
                let joined = alternates_joined(db, request, row.due_at.unwrap_or(row.at))?;
                let which = joined.then_some(false);
                (deciders(db, request, stage, which)?, format!("/approvals/{request}"))
            }
            (Audience::PassedTo(stage), Some(request), _) => {
                (passed_to(db, request, stage, row.actor_id)?, format!("/approvals/{request}"))
            }
            (Audience::StagePeople(stage), Some(request), _) => {
                (stage_people(db, request, stage)?, format!("/requests/{request}"))
            }
            (Audience::OtherAdministrators, Some(request), Some(package)) => {
                let mut others = administrators(db)?;
                others.retain(|person| row.actor_id != Some(*person));
                if others.is_empty() {
                    let catalog = packages::table.find(package).select(packages::catalog_id);
                    let catalog: CatalogId = catalog.first(db)?;
                    others = owners(db, catalog)?;
                }
                (others, format!("/requests/{request}"))
            }
            (Audience::RequestorAndTarget, Some(request), _) => {
                (askers(db, request)?, format!("/requests/{request}"))
            }
            (Audience::Person, _, _) => {
                let page = match (period_of(&fact), row.review_id) {
                    (Some(_), _) => "/me/stand-in".to_owned(),
                    (None, Some(_)) => "/reviews/mine".to_owned(),
                    (None, None) => "/access".to_owned(),
                };
                (row.person_id.into_iter().collect(), page)
            }
            (Audience::StandIn, _, _) => match period_of(&fact) {
                Some(id) => {
                    let period = standing_in::store::one(db, id)?;
                    (vec![period.stand_in.0], "/me/stand-in".to_owned())
                }
                None => continue,
            },
            (Audience::StandInOwners, _, _) => {
                let Some(id) = period_of(&fact) else { continue };
                for catalog in catalogs_of(db, id, now)? {
                    let people = owners(db, catalog)?;
                    let people = enabled(db, people)?;
                    tell(people, format!("/catalogs/{catalog}"), audience.reader(), &mut told);
                }
                continue;
            }
            (Audience::Reviewers, _, _) => match row.review_id {
                Some(id) => {
                    (reviews::store::reviewers_with_open(db, id)?, format!("/reviews/{id}"))
                }
                None => continue,
            },
            (Audience::NewReviewers, _, _) => match (row.review_id, &fact) {
                (Some(id), Fact::ReviewersReplaced { now, .. }) => {
                    let people = reviews::store::reviewers_with_open(db, id)?;
                    let called = directory::store::names(db, &people)?;
                    let new = |id: &PersonId| called.get(id).is_some_and(|name| now.contains(name));
                    (people.into_iter().filter(new).collect(), format!("/reviews/{id}"))
                }
                _ => continue,
            },
            (Audience::ReviewPassedTo, _, _) => match (row.review_id, row.person_id, &fact) {
                (Some(id), Some(person), Fact::ReviewPassedOn { to, .. }) => {
                    let people = match row.assignment_id {
                        Some(given) => reviews::store::reviewers_of_assignment(db, id, given)?,
                        None => reviews::store::reviewers_of_listed(db, id, person)?,
                    };
                    // Who was asked before and still is need not be told.
                    let called = directory::store::names(db, &people)?;
                    let new = |id: &PersonId| called.get(id) == Some(to);
                    (people.into_iter().filter(new).collect(), format!("/reviews/{id}"))
                }
                _ => continue,
            },
            (Audience::ReviewKeepers, _, _) => match row.review_id {
                Some(id) => {
                    let people = reviews::store::keepers(db, id)?;
                    (people, format!("/reviews/{id}/progress"))
                }
                None => continue,
            },
            (Audience::Administrators, _, _) => match row.review_id {
                Some(id) => (administrators(db)?, format!("/reviews/{id}/progress")),
                None => continue,
            },
            (Audience::CatalogOwners, _, Some(package)) => {
                let catalog = packages::table.find(package).select(packages::catalog_id);
                let catalog: CatalogId = catalog.first(db)?;
                let page = match fact {
                    Fact::IncompatibilityAdded { .. } | Fact::IncompatibilityRemoved { .. } => {
                        "incompatible"
                    }
                    Fact::DescriptionAsked { .. } => "edit",
                    _ => "assignments",
                };
                (owners(db, catalog)?, format!("/packages/{package}/{page}"))
            }
            (Audience::CatalogOwners, _, None) => match row.catalog_id {
                Some(catalog) => (owners(db, catalog)?, format!("/catalogs/{catalog}")),
                None => continue,
            },
            _ => continue,
        };
        // What goes to a decider goes to those who decide in their place, too (D34).
        let instead = match (audience.reader(), row.request_id) {
            (Reader::Decider, Some(request)) => in_their_place(db, request, &people, now)?,
            // What of it a stand-in may answer, their page says (D34).
            (Reader::Reviewer, _) => {
                let links = links_from_all(db, &people, now)?;
                links.into_iter().map(|link| link.stand_in).collect()
            }
            _ => Vec::new(),
        };
        tell(enabled(db, people)?, link.clone(), audience.reader(), &mut told);
        tell(enabled(db, instead)?, link, Reader::StandIn, &mut told);
    }
    Ok(told.rows)
}

/// Who is told of a fact, and with which rows.
#[derive(Default)]
struct Tell {
    people: BTreeSet<PersonId>,
    /// And whether each asks something of its reader.
    rows: Vec<(NewNotice, bool)>,
}

/// The period of a stand-in that a fact is about.
fn period_of(fact: &Fact) -> Option<StandInId> {
    match fact {
        Fact::StandInSet { period, .. } | Fact::StandInEnded { period, .. } => *period,
        _ => None,
    }
}

/// The catalogs in which somebody stands in: those of the packages, or of all on which the other can be asked (D45).
fn catalogs_of(db: &mut Db, id: StandInId, now: Ts) -> Result<BTreeSet<CatalogId>> {
    let period = standing_in::store::one(db, id)?;
    if let Some(some) = period.covers() {
        let catalogs = packages::table.filter(packages::id.eq_any(some));
        let catalogs: Vec<CatalogId> = catalogs.select(packages::catalog_id).load(db)?;
        return Ok(catalogs.into_iter().collect());
    }
    let Some(away) = load_actor(db, period.person.0, now)? else { return Ok(BTreeSet::new()) };
    let all = standing_in::store::decidable(db, &away)?;
    Ok(all.into_iter().map(|one| one.catalog).collect())
}

/// Those who can decide in the place of these people now (D34): nobody whom the request is about, who has decided another
/// stage, or who has voted (D2, D37). One statement where nobody is away.
fn in_their_place(
    db: &mut Db,
    request: RequestId,
    people: &[PersonId],
    now: Ts,
) -> Result<Vec<PersonId>> {
    let links = links_from_all(db, people, now)?;
    if links.is_empty() {
        return Ok(Vec::new());
    }
    let request = crate::requests::store::one(db, request)?;
    let standing = crate::requests::store::standing(db, &request)?;
    let mut out = vec![standing.requestor, standing.target];
    out.extend(standing.earlier);
    let of = |person: &PersonId| in_place_of(*person, standing.package, &links, now, &out);
    let all: BTreeSet<PersonId> = people.iter().flat_map(of).map(|(id, _)| id).collect();
    Ok(all.into_iter().filter(|id| !standing.voted.contains(id)).collect())
}

/// Does the policy say that nobody is told of this? It is asked only for facts that a policy can silence.
fn switched_off(db: &mut Db, row: &Undispatched, fact: &Fact) -> Result<bool> {
    let Some(switch) = rules::switch(fact) else { return Ok(false) };
    let terms: Option<String> = match (row.assignment_id, row.request_id) {
        (Some(assignment), _) => assignments::table
            .inner_join(policies::table)
            .filter(assignments::id.eq(assignment))
            .select(policies::terms)
            .first(db)
            .optional()?,
        (None, Some(request)) => {
            requests::table.find(request).select(requests::terms).first(db).optional()?
        }
        (None, None) => None,
    };
    let Some(terms) = terms else { return Ok(false) };
    let terms: Terms = serde_json::from_str(&terms)?;
    Ok(!switch.is_on(terms.notices))
}

fn enabled(db: &mut Db, ids: Vec<PersonId>) -> Result<Vec<PersonId>> {
    if ids.is_empty() {
        return Ok(ids);
    }
    Ok(people::table
        .filter(people::id.eq_any(ids))
        .filter(people::enabled.eq(true))
        .order(people::id)
        .select(people::id)
        .load(db)?)
}

/// Did alternates join a stage of the request at this time or after it?
fn alternates_joined(db: &mut Db, request: RequestId, at: Ts) -> Result<bool> {
    let joined = facts::table
        .filter(facts::request_id.eq(request))
        .filter(facts::kind.eq("alternates_joined"))
        .filter(facts::due_at.ge(at));
    Ok(joined.select(facts::id).first::<FactId>(db).optional()?.is_some())
}

/// Whose decision on a stage is awaited: all of them, only alternates, or all but alternates.
fn deciders(
    db: &mut Db,
    request: RequestId,
    stage: i64,
    alternates: Option<bool>,
) -> Result<Vec<PersonId>> {
    let mut query = stage_approvers::table
        .inner_join(request_stages::table)
        .filter(stage_approvers::request_id.eq(request))
        .filter(request_stages::number.eq(stage))
        .filter(stage_approvers::waiting.eq(true))
        .select(stage_approvers::person_id)
        .into_boxed();
    query = match alternates {
        Some(true) => query.filter(stage_approvers::via.eq("alternate")),
        Some(false) => query.filter(stage_approvers::via.ne("alternate")),
        None => query,
    };
    Ok(query.load(db)?)
}

/// Those to whom the actor has passed the stage on, and whose decision is awaited.
fn passed_to(
    db: &mut Db,
    request: RequestId,
    stage: i64,
    actor: Option<PersonId>,
) -> Result<Vec<PersonId>> {
    Ok(stage_approvers::table
        .inner_join(request_stages::table)
        .filter(stage_approvers::request_id.eq(request))
        .filter(request_stages::number.eq(stage))
        .filter(stage_approvers::waiting.eq(true))
        .filter(stage_approvers::passed_by.eq(actor))
        .select(stage_approvers::person_id)
        .load(db)?)
}

/// Everybody who was asked in a stage.
fn stage_people(db: &mut Db, request: RequestId, stage: i64) -> Result<Vec<PersonId>> {
    Ok(stage_approvers::table
        .inner_join(request_stages::table)
        .filter(stage_approvers::request_id.eq(request))
        .filter(request_stages::number.eq(stage))
        .filter(stage_approvers::removed.eq(false))
        .select(stage_approvers::person_id)
        .load(db)?)
}

fn administrators(db: &mut Db) -> Result<Vec<PersonId>> {
    let all = people::table.filter(people::administrator).filter(people::enabled.eq(true));
    Ok(all.select(people::id).load(db)?)
}

fn askers(db: &mut Db, request: RequestId) -> Result<Vec<PersonId>> {
    let (requestor, target): (PersonId, PersonId) = requests::table
        .find(request)
        .select((requests::requestor_id, requests::target_id))
        .first(db)?;
    Ok(vec![requestor, target])
}

fn owners(db: &mut Db, catalog: CatalogId) -> Result<Vec<PersonId>> {
    let grants = role_grants::table.filter(role_grants::catalog_id.eq(catalog));
    let mut people: Vec<PersonId> = grants
        .filter(role_grants::person_id.is_not_null())
        .select(role_grants::person_id.assume_not_null())
        .load(db)?;
    let groups = grants
        .filter(role_grants::group_id.is_not_null())
        .select(role_grants::group_id.assume_not_null());
    let members: Vec<PersonId> = group_members::table
        .filter(group_members::group_id.eq_any(groups))
        .select(group_members::person_id)
        .load(db)?;
    people.extend(members);
    Ok(people)
}
