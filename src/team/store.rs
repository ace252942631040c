//! What is read of the people around somebody: a fixed number of statements, whatever the number of rows (E32).

use diesel::dsl::exists;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};

use super::rules::{self, Figure, Peers};
use crate::access::Person;
use crate::db::Db;
use crate::db::columns::{Stamp, Uid};
use crate::db::schema::{assignments, packages, people, requests, stage_approvers};
use crate::directory::PersonRow;
use crate::error::{Error, Result};
use crate::kernel::fact::APPROVER;
use crate::kernel::{CatalogId, Kind, PackageId, PersonId, RequestId, Ts};
use crate::packages::model::{Hit, Viewer};
use crate::packages::store::{Open, open_names, open_to};
use crate::requests::model::State;
use crate::web::paging::Cursor;

mod alias {
    diesel::alias!(crate::db::schema::people as reader: Reader);
}
use alias::reader;

/// More ends or requests of one page's people than this nobody reads.
const DETAILS: i64 = 500;
/// As many colleagues as one can be compared with.
const COLLEAGUES: i64 = 500;

/// Which of those who report to somebody.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Which {
    /// Everybody.
    #[default]
    All,
    /// Those of whom something ends soon.
    Ending,
    /// Those for whom a request waits for a decision.
    Waiting,
}

/// Somebody who reports to the reader, with what is counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The person.
    pub id: PersonId,
    /// Their name.
    pub name: String,
    /// What the list is ordered by.
    pub key: String,
    /// The title of their position.
    pub title: Option<String>,
    /// How many packages they hold.
    pub holds: i64,
    /// How many of them end by the time that counts as soon.
    pub ending: i64,
    /// How many requests for them wait for a decision.
    pub waiting: i64,
}

/// Assignments of the person in the outer statement that have started and not ended.
macro_rules! held {
    () => {
        assignments::table
            .filter(assignments::target_id.eq(people::id))
            .filter(assignments::started_at.is_not_null())
            .filter(assignments::ended_at.is_null())
    };
}

/// Requests for the person in the outer statement that nobody has decided yet.
macro_rules! undecided {
    () => {
        requests::table
            .filter(requests::target_id.eq(people::id))
            .filter(requests::state.eq(State::PendingApproval.as_str()))
            .filter(requests::ended_at.is_null())
    };
}

/// Those who report to a manager, by name, for [`crate::web::paging::page`]. One statement.
///
/// # Errors
/// When the database does not answer.
pub fn reports(
    db: &mut Db,
    manager: PersonId,
    which: Which,
    soon: Ts,
    at: Option<&Cursor<String>>,
    limit: i64,
) -> Result<Vec<Report>> {
    type Row = ((PersonId, String, String, Option<String>), Option<i64>, Option<i64>, Option<i64>);
    let mut query = people::table
        .filter(people::manager_id.eq(manager))
        .filter(people::enabled)
        .limit(limit)
        .select((
            (people::id, people::name, people::search, people::title),
            held!().count().single_value(),
            held!().filter(assignments::ends_at.le(soon)).count().single_value(),
            undecided!().count().single_value(),
        ))
        .into_boxed();
    query = match which {
        Which::All => query,
        Which::Ending => query.filter(exists(held!().filter(assignments::ends_at.le(soon)))),
        Which::Waiting => query.filter(exists(undecided!())),
    };
    let back = at.is_some_and(|at| at.back);
    if let Some(at) = at {
        let (key, id) = (at.key.clone(), PersonId(at.id));
        let same = people::search.eq(key.clone());
        query = if back {
            query.filter(people::search.lt(key).or(same.and(people::id.lt(id))))
        } else {
            query.filter(people::search.gt(key).or(same.and(people::id.gt(id))))
        };
    }
    query = if back {
        query.order((people::search.desc(), people::id.desc()))
    } else {
        query.order((people::search, people::id))
    };
    let rows: Vec<Row> = query.load(db)?;
    let counted = |n: Option<i64>| n.unwrap_or(0);
    Ok(rows
        .into_iter()
        .map(|((id, name, key, title), holds, ending, waiting)| Report {
            id,
            name,
            key,
            title,
            holds: counted(holds),
            ending: counted(ending),
            waiting: counted(waiting),
        })
        .collect())
}

/// Something that ends.
#[derive(Queryable, Clone, Debug, PartialEq, Eq)]
pub struct Ending {
    /// Whose it is.
    pub person: PersonId,
    /// The package's name.
    pub package: String,
    /// When it ends.
    pub at: Ts,
}

/// What of these people's access ends by `soon`, the next end first. One statement.
///
/// # Errors
/// When the database does not answer.
pub fn ending(db: &mut Db, people: &[PersonId], soon: Ts) -> Result<Vec<Ending>> {
    if people.is_empty() {
        return Ok(vec![]);
    }
    Ok(assignments::table
        .inner_join(packages::table)
        .filter(assignments::target_id.eq_any(people))
        .filter(assignments::started_at.is_not_null())
        .filter(assignments::ended_at.is_null())
        .filter(assignments::ends_at.le(soon))
        .order((assignments::ends_at, assignments::id))
        .limit(DETAILS)
        .select((assignments::target_id, packages::name, assignments::ends_at.assume_not_null()))
        .load(db)?)
}

/// A request for one of several people that waits for a decision, with those whose decision it waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// The request.
    pub id: RequestId,
    /// What people quote.
    pub reference: String,
    /// For whom.
    pub target: PersonId,
    /// Who asked.
    pub requestor: PersonId,
    /// The package's name.
    pub package: String,
    /// When it was asked for.
    pub at: Ts,
    /// Who can decide it now, by name.
    pub with: Vec<(PersonId, String)>,
}

/// What waits for a decision for these people, longest wait first. One statement. Where the organization keeps the names
/// of those who decide, so does this in what the reader asked for (E17).
///
/// # Errors
/// When the database does not answer.
pub fn waiting(db: &mut Db, me: &Person, people: &[PersonId]) -> Result<Vec<Waiting>> {
    type Package = (String, CatalogId);
    type Row = ((RequestId, String, PersonId, PersonId, Ts), Package, Option<(PersonId, String)>);
    if people.is_empty() {
        return Ok(vec![]);
    }
    let rows: Vec<Row> = requests::table
        .inner_join(packages::table)
        .left_join(
            stage_approvers::table
                .on(stage_approvers::request_id.eq(requests::id).and(stage_approvers::waiting)),
        )
        .left_join(
            people::table.on(people::id.nullable().eq(stage_approvers::person_id.nullable())),
        )
        .filter(requests::target_id.eq_any(people))
        .filter(requests::state.eq(State::PendingApproval.as_str()))
        .filter(requests::ended_at.is_null())
        .order((requests::created_at, requests::id, people::name, people::id))
        .limit(DETAILS)
        .select((
            (
                requests::id,
                requests::reference,
                requests::target_id,
                requests::requestor_id,
                requests::created_at,
            ),
            (packages::name, packages::catalog_id),
            (people::id, people::name).nullable(),
        ))
        .load(db)?;
    let mut all: Vec<Waiting> = Vec::new();
    for ((id, reference, target, requestor, at), (package, catalog), with) in rows {
        let kept = requestor == me.id && me.veil(&[requestor], catalog).hides();
        if all.last().is_none_or(|last| last.id != id) {
            all.push(Waiting { id, reference, target, requestor, package, at, with: vec![] });
        }
        if let Some(last) = all.last_mut() {
            let name = |name: String| if kept { APPROVER.to_owned() } else { name };
            last.with.extend(with.map(|(id, called)| (id, name(called))));
        }
    }
    Ok(all)
}

/// The one who reports to the reader. One statement.
///
/// # Errors
/// `Missing` for everybody else: who is here is not told (E28).
pub fn report(db: &mut Db, manager: PersonId, id: PersonId) -> Result<PersonRow> {
    Ok(people::table
        .find(id)
        .filter(people::manager_id.eq(manager))
        .filter(people::enabled)
        .select(PersonRow::as_select())
        .first(db)?)
}

/// What there is in a manager's team.
#[derive(QueryableByName, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Glance {
    /// Requests that wait for a decision.
    #[diesel(sql_type = BigInt)]
    pub waiting: i64,
    /// Access that ends soon.
    #[diesel(sql_type = BigInt)]
    pub ending: i64,
}

/// How much there is in a manager's team: what waits for a decision, what ends by `soon`. One statement.
///
/// # Errors
/// When the database does not answer.
pub fn at_a_glance(db: &mut Db, manager: PersonId, soon: Ts) -> Result<Glance> {
    const BOTH: &str = "SELECT \
        (SELECT count(*) FROM people AS p JOIN requests AS r ON r.target_id = p.id AND r.ended_at IS NULL \
            WHERE p.manager_id = $1 AND p.enabled AND r.state = 'pending_approval') AS waiting, \
        (SELECT count(*) FROM people AS p JOIN assignments AS a ON a.target_id = p.id AND a.ended_at IS NULL \
            WHERE p.manager_id = $2 AND p.enabled AND a.started_at IS NOT NULL AND a.ends_at <= $3) AS ending";
    let both = diesel::sql_query(BOTH)
        .bind::<Uid, _>(manager)
        .bind::<Uid, _>(manager)
        .bind::<Stamp, _>(soon);
    Ok(both.get_result(db)?)
}

/// The members of somebody's team, by name, without them: those who have the same manager. One statement.
///
/// # Errors
/// When the database does not answer.
pub fn team(db: &mut Db, me: PersonId) -> Result<Vec<PersonRow>> {
    let manager = reader
        .filter(reader.field(people::id).eq(me))
        .filter(reader.field(people::kind).eq(Kind::Member.as_str()))
        .select(reader.field(people::manager_id))
        .single_value();
    Ok(people::table
        .filter(people::manager_id.nullable().eq(manager))
        .filter(people::kind.eq(Kind::Member.as_str()))
        .filter(people::enabled)
        .filter(people::id.ne(me))
        .order((people::search, people::id))
        .limit(COLLEAGUES)
        .select(PersonRow::as_select())
        .load(db)?)
}

/// Somebody of the reader's own team. One statement.
///
/// # Errors
/// `Missing` for everybody else (E28).
pub fn colleague(db: &mut Db, me: PersonId, id: PersonId) -> Result<PersonRow> {
    let both: Vec<PersonRow> = people::table
        .filter(people::id.eq_any([me, id]))
        .filter(people::kind.eq(Kind::Member.as_str()))
        .filter(people::enabled)
        .select(PersonRow::as_select())
        .load(db)?;
    let manager = both.iter().find(|person| person.id == me).and_then(|me| me.manager_id);
    let other = both.into_iter().find(|person| person.id == id && id != me);
    other.filter(|other| manager.is_some() && other.manager_id == manager).ok_or(Error::Missing)
}

/// The packages that somebody holds now. One statement.
///
/// # Errors
/// When the database does not answer.
pub fn held(db: &mut Db, person: PersonId) -> Result<Vec<PackageId>> {
    Ok(assignments::table
        .filter(assignments::target_id.eq(person))
        .filter(assignments::started_at.is_not_null())
        .filter(assignments::ended_at.is_null())
        .order(assignments::package_id)
        .limit(DETAILS)
        .select(assignments::package_id)
        .load(db)?)
}

#[derive(QueryableByName)]
struct FigureRow {
    #[diesel(sql_type = Text)]
    peers: String,
    #[diesel(sql_type = Uid)]
    package: PackageId,
    #[diesel(sql_type = BigInt)]
    have: i64,
    #[diesel(sql_type = BigInt)]
    size: i64,
}

/// How many of the people around a member hold what: those with the same manager, those who report to them, those with
/// the same title, at most 200 of each and never themselves. One statement, which reads by index: the people of a group,
/// then what each of them holds.
///
/// # Errors
/// When the database does not answer.
pub fn figures(db: &mut Db, me: PersonId) -> Result<Vec<Figure>> {
    const GROUPS: &str = "WITH \
        me AS (SELECT manager_id, title FROM people WHERE id = $1), \
        team AS (SELECT id FROM people WHERE manager_id = (SELECT manager_id FROM me) AND enabled \
            AND kind = 'member' AND id <> $2 ORDER BY id LIMIT 200), \
        reports AS (SELECT id FROM people WHERE manager_id = $3 AND enabled \
            AND kind = 'member' AND id <> $4 ORDER BY id LIMIT 200), \
        titled AS (SELECT id FROM people WHERE title = (SELECT title FROM me) AND enabled \
            AND kind = 'member' AND id <> $5 ORDER BY id LIMIT 200)";
    let counted = |peers: Peers, group: &str| {
        format!(
            "SELECT '{}' AS peers, a.package_id AS package, count(*) AS have, \
             (SELECT count(*) FROM {group}) AS size FROM {group} AS g \
             JOIN assignments AS a ON a.target_id = g.id AND a.ended_at IS NULL \
             WHERE a.started_at IS NOT NULL GROUP BY a.package_id HAVING count(*) > 1",
            peers.as_str()
        )
    };
    let all = [
        counted(Peers::Team, "team"),
        counted(Peers::Reports, "reports"),
        counted(Peers::Title, "titled"),
    ];
    let query = diesel::sql_query(format!("{GROUPS} {}", all.join(" UNION ALL ")))
        .bind::<Uid, _>(me)
        .bind::<Uid, _>(me)
        .bind::<Uid, _>(me)
        .bind::<Uid, _>(me)
        .bind::<Uid, _>(me);
    let rows: Vec<FigureRow> = query.load(db)?;
    Ok(rows
        .into_iter()
        .filter_map(|row| {
            let peers = Peers::parse(&row.peers)?;
            Some(Figure { peers, package: row.package, have: row.have, of: row.size })
        })
        .collect())
}

/// What is suggested to a member, the most widespread first: what they can request now and enough of the people around
/// them hold. Three statements.
///
/// # Errors
/// When the database does not answer.
pub fn suggestions(db: &mut Db, viewer: Viewer) -> Result<Vec<(Figure, Hit)>> {
    let figures = suggested(db, viewer)?;
    let open = open_to(db, viewer, &packages_of(&figures))?;
    Ok(in_order(figures, open, |hit| hit.id))
}

/// As [`suggestions`], by name alone. Two statements.
///
/// # Errors
/// When the database does not answer.
pub fn suggested_names(db: &mut Db, viewer: Viewer) -> Result<Vec<(Figure, Open)>> {
    let figures = suggested(db, viewer)?;
    let open = open_names(db, viewer, &packages_of(&figures))?;
    Ok(in_order(figures, open, |open| open.id))
}

fn suggested(db: &mut Db, viewer: Viewer) -> Result<Vec<Figure>> {
    match viewer.kind {
        Kind::Member => Ok(rules::suggested(figures(db, viewer.id)?)),
        // Guests belong to no team.
        Kind::Guest => Ok(vec![]),
    }
}

fn packages_of(figures: &[Figure]) -> Vec<PackageId> {
    figures.iter().map(|figure| figure.package).collect()
}

/// The packages in the order of their figures.
fn in_order<T>(
    figures: Vec<Figure>,
    mut open: Vec<T>,
    id: impl Fn(&T) -> PackageId,
) -> Vec<(Figure, T)> {
    let mut take = |figure: Figure| {
        let at = open.iter().position(|one| id(one) == figure.package)?;
        Some((figure, open.swap_remove(at)))
    };
    figures.into_iter().filter_map(&mut take).collect()
}
