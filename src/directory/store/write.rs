//! What an import compares with and writes. Every write is guarded: if a row is not anymore as it
//! was read, nothing is stored and the whole command runs again (`Stale`, E8).

use std::collections::{BTreeMap, BTreeSet, HashMap};

use diesel::prelude::*;
use diesel::result::{DatabaseErrorKind, Error as DieselError};
use diesel::sql_types::Bool;
use diesel::upsert::excluded;

use super::read::{IDS, StoredKind};
use crate::db::Db;
use crate::db::schema::{group_members, groups, people, sessions};
use crate::directory::diff::Known;
use crate::directory::feed::Entry;
use crate::directory::groups_feed::{Candidate, GroupPlan, KnownGroup};
use crate::directory::mail;
use crate::directory::model::GlobalRole;
use crate::each_backend;
use crate::error::{Error, Result};
use crate::kernel::text::folded;
use crate::kernel::{GroupId, PersonId, Ts};

/// As many people as one statement writes: 19 binds each, and SQLite takes at most 32,766.
const PEOPLE: usize = 1_000;

/// What a write must know of a person beyond what a plan compares.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::directory) struct Mark {
    pub(in crate::directory) rev: i64,
    pub(in crate::directory) administrator: bool,
    pub(in crate::directory) auditor: bool,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = people)]
struct KnownRow {
    id: PersonId,
    external_id: String,
    name: String,
    mail: Option<String>,
    title: Option<String>,
    department: Option<String>,
    #[diesel(deserialize_as = StoredKind)]
    kind: crate::kernel::Kind,
    manager_id: Option<PersonId>,
    manager_written: Option<String>,
    attributes: String,
    administrator: bool,
    auditor: bool,
    enabled: bool,
    rev: i64,
}

/// Everybody who ever was in the lists of this source, and their marks.
pub(in crate::directory) fn known(
    db: &mut Db,
    source: &str,
    protected: &[PersonId],
) -> Result<(Vec<Known>, HashMap<PersonId, Mark>)> {
    let rows = people::table.filter(people::source.eq(source)).order(people::external_id);
    let rows: Vec<KnownRow> = rows.select(KnownRow::as_select()).load(db)?;
    let marks = rows.iter().map(|row| {
        let KnownRow { rev, administrator, auditor, .. } = *row;
        (row.id, Mark { rev, administrator, auditor })
    });
    let marks = marks.collect();
    let keys: HashMap<PersonId, String> =
        rows.iter().map(|row| (row.id, row.external_id.clone())).collect();
    let known = rows.into_iter().map(|row| {
        Ok(Known {
            protected: protected.contains(&row.id),
            manager_external_id: row.manager_id.and_then(|manager| keys.get(&manager).cloned()),
            id: row.id,
            external_id: row.external_id,
            name: row.name,
            mail: row.mail,
            title: row.title,
            department: row.department,
            kind: row.kind,
            attributes: serde_json::from_str(&row.attributes)?,
            manager_written: row.manager_written,
            enabled: row.enabled,
        })
    });
    Ok((known.collect::<Result<_>>()?, marks))
}

/// A person as the list says, to be inserted or to replace what was known.
#[derive(Insertable)]
#[diesel(table_name = people)]
#[diesel(treat_none_as_default_value = false)]
pub(in crate::directory) struct Listed {
    id: PersonId,
    source: String,
    external_id: String,
    name: String,
    mail: Option<String>,
    mail_domain: Option<String>,
    title: Option<String>,
    department: Option<String>,
    kind: &'static str,
    manager_id: Option<PersonId>,
    manager_written: Option<String>,
    attributes: String,
    administrator: bool,
    auditor: bool,
    enabled: bool,
    left_at: Option<Ts>,
    search: String,
    rev: i64,
    created_at: Ts,
}

impl Listed {
    pub(in crate::directory) fn new(
        id: PersonId,
        source: &str,
        entry: &Entry,
        manager: Option<PersonId>,
        now: Ts,
    ) -> Result<Self> {
        let e = entry.clone();
        let words = [&e.mail, &e.title, &e.department].into_iter().flatten().map(String::as_str);
        let words: Vec<&str> = [e.name.as_str(), &e.external_id].into_iter().chain(words).collect();
        Ok(Self {
            id,
            source: source.to_owned(),
            search: folded(&words.join(" ")),
            external_id: e.external_id,
            name: e.name,
            mail_domain: e.mail.as_deref().and_then(mail::domain_of),
            mail: e.mail,
            title: e.title,
            department: e.department,
            kind: e.kind.as_str(),
            manager_id: manager,
            manager_written: e.manager,
            attributes: serde_json::to_string(&e.attributes)?,
            administrator: false,
            auditor: false,
            enabled: true,
            left_at: None,
            rev: 0,
            created_at: now,
        })
    }
}

/// Inserts the new and replaces the known, who are there from now on. Global roles stay as they are.
/// A manager must be among the known or stand before, or in the same thousand.
pub(in crate::directory) fn save_listed(
    db: &mut Db,
    all: &[Listed],
    marks: &HashMap<PersonId, Mark>,
) -> Result<()> {
    for chunk in all.chunks(PEOPLE) {
        hold(db, chunk.iter().map(|listed| listed.id), marks)?;
        let saved = each_backend!(&mut *db, |c| diesel::insert_into(people::table)
            .values(chunk)
            .on_conflict(people::id)
            .do_update()
            .set((
                people::name.eq(excluded(people::name)),
                people::mail.eq(excluded(people::mail)),
                people::mail_domain.eq(excluded(people::mail_domain)),
                people::title.eq(excluded(people::title)),
                people::department.eq(excluded(people::department)),
                people::kind.eq(excluded(people::kind)),
                people::manager_id.eq(excluded(people::manager_id)),
                people::manager_written.eq(excluded(people::manager_written)),
                people::attributes.eq(excluded(people::attributes)),
                people::enabled.eq(excluded(people::enabled)),
                people::left_at.eq(excluded(people::left_at)),
                people::search.eq(excluded(people::search)),
            ))
            .execute(c));
        all_or_stale(saved, chunk.len())?;
    }
    Ok(())
}

/// Takes the rows of the known among these people, unless somebody else has changed one since it was
/// read. An upsert of many rows cannot carry that condition on SQLite.
fn hold(
    db: &mut Db,
    ids: impl Iterator<Item = PersonId>,
    marks: &HashMap<PersonId, Mark>,
) -> Result<()> {
    let known: Vec<PersonId> = ids.filter(|id| marks.contains_key(id)).collect();
    if known.is_empty() {
        return Ok(());
    }
    let held: Vec<(PersonId, i64)> =
        diesel::update(people::table.filter(people::id.eq_any(&known)))
            .set(people::rev.eq(people::rev + 1))
            .returning((people::id, people::rev))
            .get_results(db)?;
    let fresh =
        |(id, rev): &(PersonId, i64)| marks.get(id).is_some_and(|mark| mark.rev + 1 == *rev);
    if held.len() == known.len() && held.iter().all(fresh) { Ok(()) } else { Err(Error::Stale) }
}

/// These people are not there anymore, hold no global role, and their sessions end.
pub(in crate::directory) fn save_left(
    db: &mut Db,
    ids: &[PersonId],
    now: Ts,
    wall: Ts,
) -> Result<()> {
    for chunk in ids.chunks(IDS) {
        let there = people::table.filter(people::id.eq_any(chunk)).filter(people::enabled);
        let saved = diesel::update(there)
            .set((
                people::enabled.eq(false),
                people::administrator.eq(false),
                people::auditor.eq(false),
                people::left_at.eq(now),
                people::rev.eq(people::rev + 1),
            ))
            .execute(db);
        all_or_stale(saved, chunk.len())?;
        let open = sessions::table.filter(sessions::person_id.eq_any(chunk));
        diesel::update(open.filter(sessions::ended_at.is_null()))
            .set(sessions::ended_at.eq(wall))
            .execute(db)?;
    }
    Ok(())
}

/// Gives or takes a global role of somebody who has it not, or has it; and is there, to be given one.
pub(in crate::directory) fn save_role(
    db: &mut Db,
    id: PersonId,
    role: GlobalRole,
    on: bool,
) -> Result<()> {
    let person = people::table.find(id).filter(people::enabled.or((!on).into_sql::<Bool>()));
    let rev = people::rev.eq(people::rev + 1);
    let saved = match role {
        GlobalRole::Administrator => diesel::update(person.filter(people::administrator.ne(on)))
            .set((people::administrator.eq(on), rev))
            .execute(db),
        GlobalRole::Auditor => diesel::update(person.filter(people::auditor.ne(on)))
            .set((people::auditor.eq(on), rev))
            .execute(db),
    };
    all_or_stale(saved, 1)
}

/// Everybody who can be in a group. Somebody who left is known by the id only, so that the mail
/// address can go to somebody else.
pub(in crate::directory) fn candidates(db: &mut Db) -> Result<Vec<Candidate>> {
    type Raw = (PersonId, String, Option<String>, bool);
    let rows =
        people::table.select((people::id, people::external_id, people::mail, people::enabled));
    let rows: Vec<Raw> = rows.load(db)?;
    let there: BTreeSet<String> =
        rows.iter().filter(|row| row.3).map(|row| row.1.clone()).collect();
    let rows = rows.into_iter().filter(|(_, key, _, enabled)| *enabled || !there.contains(key));
    let candidate = |(id, external_id, mail, enabled): Raw| Candidate {
        id,
        external_id,
        mail: mail.filter(|_| enabled),
    };
    Ok(rows.map(candidate).collect())
}

/// All groups with their members, and their revisions.
pub(in crate::directory) fn known_groups(
    db: &mut Db,
) -> Result<(Vec<KnownGroup>, HashMap<GroupId, i64>)> {
    let rows = groups::table.select((groups::id, groups::name, groups::rev));
    let rows: Vec<(GroupId, String, i64)> = rows.load(db)?;
    let mut members: BTreeMap<GroupId, BTreeSet<PersonId>> = BTreeMap::new();
    for (group, person) in group_members::table.load::<(GroupId, PersonId)>(db)? {
        members.entry(group).or_default().insert(person);
    }
    let revs = rows.iter().map(|(id, _, rev)| (*id, *rev)).collect();
    let known = rows.into_iter().map(|(id, name, _)| {
        let members = members.remove(&id).unwrap_or_default();
        KnownGroup { id, name, members }
    });
    Ok((known.collect(), revs))
}

/// Carries the changes out. The groups are few, their members many.
pub(in crate::directory) fn save_groups(
    db: &mut Db,
    plan: &GroupPlan,
    revs: &HashMap<GroupId, i64>,
    now: Ts,
) -> Result<()> {
    for change in &plan.changes {
        let saved = if change.new {
            let row = (
                groups::id.eq(change.id),
                groups::name.eq(&change.name),
                groups::name_key.eq(folded(&change.name)),
                groups::rev.eq(0),
                groups::created_at.eq(now),
            );
            diesel::insert_into(groups::table).values(row).execute(db)
        } else {
            let rev = revs.get(&change.id).copied().unwrap_or_default();
            let group = groups::table.find(change.id).filter(groups::rev.eq(rev));
            diesel::update(group).set(groups::rev.eq(rev + 1)).execute(db)
        };
        all_or_stale(saved, 1)?;
        let members = group_members::table.filter(group_members::group_id.eq(change.id));
        for gone in Vec::from_iter(change.removed.iter().copied()).chunks(IDS) {
            let gone = members.filter(group_members::person_id.eq_any(gone));
            diesel::delete(gone).execute(db)?;
        }
        let added = change.added.iter().map(|person| {
            (group_members::group_id.eq(change.id), group_members::person_id.eq(*person))
        });
        for added in Vec::from_iter(added).chunks(IDS) {
            let saved = each_backend!(&mut *db, |c| {
                diesel::insert_into(group_members::table).values(added).execute(c)
            });
            all_or_stale(saved, added.len())?;
        }
    }
    Ok(())
}

/// Fewer rows than meant, or a row that somebody else has just made: run the command again.
fn all_or_stale(saved: QueryResult<usize>, meant: usize) -> Result<()> {
    match saved {
        Ok(n) if n == meant => Ok(()),
        Ok(_) | Err(DieselError::DatabaseError(DatabaseErrorKind::UniqueViolation, _)) => {
            Err(Error::Stale)
        }
        Err(error) => Err(error.into()),
    }
}
