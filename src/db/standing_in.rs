//! Who stands in for whom now, and what waits for them because of it.

use diesel::prelude::*;
use diesel::sql_types::{Bool, Nullable, Text};

use super::backend::Db;
use super::columns::{Stamp, Uid};
use crate::access::{Link, Person};
use crate::error::Result;
use crate::kernel::{PackageId, PersonId, StandInId, Ts};

#[derive(QueryableByName)]
struct LinkRow {
    #[diesel(sql_type = Uid)]
    id: StandInId,
    #[diesel(sql_type = Uid)]
    person_id: PersonId,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Uid)]
    stand_in_id: PersonId,
    #[diesel(sql_type = Text)]
    stand_in_name: String,
    #[diesel(sql_type = Stamp)]
    starts_at: Ts,
    #[diesel(sql_type = Stamp)]
    ends_at: Ts,
    #[diesel(sql_type = Bool)]
    all_packages: bool,
    #[diesel(sql_type = Nullable<Uid>)]
    package_id: Option<PackageId>,
}

/// What the links that were found are read with: only members who are there count (D45).
const LINKS: &str = "SELECT s.id, s.person_id, p.name, s.stand_in_id, q.name AS stand_in_name, \
    s.starts_at, s.ends_at, s.all_packages, k.package_id \
    FROM found JOIN stand_ins s ON s.id = found.id \
    JOIN people p ON p.id = s.person_id JOIN people q ON q.id = s.stand_in_id \
    LEFT JOIN stand_in_packages k ON k.period_id = s.id \
    WHERE p.enabled AND q.enabled AND p.kind = 'member' AND q.kind = 'member' \
    ORDER BY s.id, k.package_id";

/// The periods that run now and lead to this person, directly or through others: one statement.
pub(super) fn links_to(db: &mut Db, person: PersonId, now: Ts) -> Result<Vec<Link>> {
    let up = format!(
        "WITH RECURSIVE found(id, next) AS (\
         SELECT id, person_id FROM stand_ins WHERE stand_in_id = $1 AND ended_at IS NULL \
         AND starts_at <= $2 AND ends_at > $3 \
         UNION SELECT s.id, s.person_id FROM stand_ins s JOIN found ON s.stand_in_id = found.next \
         WHERE s.ended_at IS NULL AND s.starts_at <= $4 AND s.ends_at > $5) {LINKS}"
    );
    links(db, &up, person, now)
}

/// The periods that run now and lead on from this person: one statement.
fn links_from(db: &mut Db, person: PersonId, now: Ts) -> Result<Vec<Link>> {
    let down = format!(
        "WITH RECURSIVE found(id, next) AS (\
         SELECT id, stand_in_id FROM stand_ins WHERE person_id = $1 AND ended_at IS NULL \
         AND starts_at <= $2 AND ends_at > $3 \
         UNION SELECT s.id, s.stand_in_id FROM stand_ins s JOIN found ON s.person_id = found.next \
         WHERE s.ended_at IS NULL AND s.starts_at <= $4 AND s.ends_at > $5) {LINKS}"
    );
    links(db, &down, person, now)
}

/// The periods that run now and lead on from one of these people: one statement for each who is away.
///
/// # Errors
/// When the database does not answer.
pub fn links_from_all(db: &mut Db, people: &[PersonId], now: Ts) -> Result<Vec<Link>> {
    use super::schema::stand_ins;
    let away: Vec<PersonId> = stand_ins::table
        .filter(stand_ins::person_id.eq_any(people))
        .filter(stand_ins::ended_at.is_null())
        .filter(stand_ins::starts_at.le(now))
        .filter(stand_ins::ends_at.gt(now))
        .order(stand_ins::person_id)
        .select(stand_ins::person_id)
        .distinct()
        .load(db)?;
    let mut all: Vec<Link> = Vec::new();
    for person in away {
        for link in links_from(db, person, now)? {
            if !all.contains(&link) {
                all.push(link);
            }
        }
    }
    Ok(all)
}

fn links(db: &mut Db, text: &str, person: PersonId, now: Ts) -> Result<Vec<Link>> {
    let rows: Vec<LinkRow> = diesel::sql_query(text)
        .bind::<Uid, _>(person)
        .bind::<Stamp, _>(now)
        .bind::<Stamp, _>(now)
        .bind::<Stamp, _>(now)
        .bind::<Stamp, _>(now)
        .load(db)?;
    let mut all: Vec<(StandInId, Link)> = Vec::new();
    for row in rows {
        if all.last().is_none_or(|(id, _)| *id != row.id) {
            let link = Link {
                person: row.person_id,
                name: row.name,
                stand_in: row.stand_in_id,
                stand_in_name: row.stand_in_name,
                starts_at: row.starts_at,
                ends_at: row.ends_at,
                packages: (!row.all_packages).then(Vec::new),
            };
            all.push((row.id, link));
        }
        if let (Some((_, Link { packages: Some(some), .. })), Some(package)) =
            (all.last_mut(), row.package_id)
        {
            some.push(package);
        }
    }
    Ok(all.into_iter().map(|(_, link)| link).collect())
}

/// The condition on `stage_approvers` that says what waits for this person's decision: their own, and one row of each
/// stage in which they can decide in somebody's place. It says what `access::policy::decide_stage` says (a test holds
/// the two together). Only ids stand in it, no words of anybody.
#[must_use]
pub fn awaited(person: &Person) -> String {
    let me = person.id;
    let own = format!("(stage_approvers.waiting AND stage_approvers.person_id = '{me}')");
    if person.stands_for.is_empty() {
        return own;
    }
    let quoted = |ids: &mut dyn Iterator<Item = String>| {
        ids.map(|id| format!("'{id}'")).collect::<Vec<_>>().join(", ")
    };
    let whole = |stands: &crate::access::StandsFor| {
        let out =
            quoted(&mut stands.through.iter().chain(std::iter::once(&me)).map(PersonId::to_string));
        let packages = match &stands.packages {
            Some(some) => {
                let some = quoted(&mut some.iter().map(PackageId::to_string));
                format!(" AND r.package_id IN ({some})")
            }
            None => String::new(),
        };
        format!(
            "(y.person_id = '{}' AND r.requestor_id NOT IN ({out}) AND r.target_id NOT IN ({out}){packages} \
             AND NOT EXISTS (SELECT 1 FROM stage_approvers v WHERE v.request_id = y.request_id \
             AND v.vote IS NOT NULL AND v.stage_id <> y.stage_id \
             AND r.terms NOT LIKE '%\"decides_twice\":true%' \
             AND (v.person_id IN ({out}) OR v.voted_by IN ({out}))))",
            stands.person
        )
    };
    let any: Vec<String> = person.stands_for.iter().map(whole).collect();
    let people = quoted(&mut person.stands_for.iter().map(|stands| stands.person.to_string()));
    format!(
        "({own} OR (stage_approvers.waiting AND stage_approvers.person_id IN ({people}) \
         AND stage_approvers.person_id = (SELECT y.person_id FROM stage_approvers y \
         JOIN requests r ON r.id = y.request_id \
         WHERE y.stage_id = stage_approvers.stage_id AND y.waiting \
         AND (y.person_id = '{me}' OR (NOT EXISTS (SELECT 1 FROM stage_approvers w \
         WHERE w.stage_id = y.stage_id AND w.vote IS NOT NULL \
         AND (w.person_id = '{me}' OR w.voted_by = '{me}')) AND ({}))) \
         ORDER BY CASE WHEN y.person_id = '{me}' THEN 0 ELSE 1 END, y.person_id LIMIT 1)))",
        any.join(" OR ")
    )
}
