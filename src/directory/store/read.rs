//! Who is who: reads for every room.

use std::collections::HashMap;

use diesel::backend::Backend;
use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::prelude::*;
use diesel::sql_types::Text;

use crate::db::Db;
use crate::db::schema::{group_members, groups, people};
use crate::error::{FieldError, Result};
use crate::kernel::text::one_line;
use crate::kernel::{GroupId, Kind, PersonId, Ts};

/// As many ids as one statement carries; SQLite takes at most 32,766 binds.
pub(super) const IDS: usize = 10_000;

/// A person of the directory.
#[derive(Queryable, Selectable, Clone, Debug, PartialEq, Eq)]
#[diesel(table_name = people)]
pub struct PersonRow {
    /// The person.
    pub id: PersonId,
    /// The staff list from which the person comes.
    pub source: String,
    /// The key of the person in that list.
    pub external_id: String,
    /// The name to show.
    pub name: String,
    /// The mail address, in lower case.
    pub mail: Option<String>,
    /// The title of the position.
    pub title: Option<String>,
    /// The department.
    pub department: Option<String>,
    /// Member or guest.
    #[diesel(deserialize_as = StoredKind)]
    pub kind: Kind,
    /// Who the manager is.
    pub manager_id: Option<PersonId>,
    /// Looks after the installation.
    pub administrator: bool,
    /// Reads everything, changes nothing.
    pub auditor: bool,
    /// False for a leaver.
    pub enabled: bool,
    /// When the person left.
    pub left_at: Option<Ts>,
}

/// A group of people.
#[derive(Queryable, Selectable, Clone, Debug, PartialEq, Eq)]
#[diesel(table_name = groups)]
pub struct GroupRow {
    /// The group.
    pub id: GroupId,
    /// Its name, which no other group has.
    pub name: String,
}

/// The column as it is stored; a word of a later version counts as the kind that may less.
#[derive(FromSqlRow)]
pub struct StoredKind(Kind);

impl<DB: Backend> FromSql<Text, DB> for StoredKind
where
    String: FromSql<Text, DB>,
{
    fn from_sql(value: DB::RawValue<'_>) -> deserialize::Result<Self> {
        let word = String::from_sql(value)?;
        Ok(Self(Kind::parse(&word).unwrap_or(Kind::Guest)))
    }
}

impl From<StoredKind> for Kind {
    fn from(stored: StoredKind) -> Self {
        stored.0
    }
}

/// A person, also one who has left.
///
/// # Errors
/// `Missing` if there is no such person.
pub fn person(db: &mut Db, id: PersonId) -> Result<PersonRow> {
    Ok(people::table.find(id).select(PersonRow::as_select()).first(db)?)
}

/// The departments among these in which somebody is.
///
/// # Errors
/// When the database does not answer.
pub fn departments(db: &mut Db, names: &[String]) -> Result<Vec<String>> {
    let there = people::table.filter(people::department.eq_any(names)).select(people::department);
    let found: Vec<Option<String>> = there.distinct().load(db)?;
    Ok(found.into_iter().flatten().collect())
}

/// The names of people, also of those who have left.
///
/// # Errors
/// When the database does not answer.
pub fn names(db: &mut Db, ids: &[PersonId]) -> Result<HashMap<PersonId, String>> {
    let mut names = HashMap::with_capacity(ids.len());
    for ids in ids.chunks(IDS) {
        let rows = people::table.filter(people::id.eq_any(ids)).select((people::id, people::name));
        names.extend(rows.load::<(PersonId, String)>(db)?);
    }
    Ok(names)
}

/// Those who are there and are called exactly this: by id, or else by mail, or else by full name (E28).
///
/// # Errors
/// When the database does not answer.
pub fn find_exact(db: &mut Db, text: &str) -> Result<Vec<PersonRow>> {
    let text = one_line(text);
    let found = by_id_or_mail(db, &text)?;
    if !found.is_empty() {
        return Ok(found);
    }
    let named = people::table.filter(people::name.eq(&text)).filter(people::enabled);
    Ok(named.order(people::external_id).limit(50).select(PersonRow::as_select()).load(db)?)
}

/// Of more people with one name nobody is meant.
const SAME_NAME: usize = 5;

/// The one member who is meant, with their name; or what is wrong with the field. Whoever else there is, is not told
/// (E28): `nobody` says so.
///
/// # Errors
/// When the database does not answer.
pub fn meant(
    db: &mut Db,
    field: &str,
    who: &str,
    nobody: &str,
) -> Result<std::result::Result<(PersonId, String), FieldError>> {
    let wrong = |words: &str| Ok(Err(FieldError::new(field, words)));
    if who.is_empty() {
        return wrong("Write the name, the mail address or the id of the person");
    }
    let mut found = find_exact(db, who)?;
    found.retain(|person| person.kind == Kind::Member);
    found.truncate(SAME_NAME);
    match (found.pop(), found.is_empty()) {
        (Some(person), true) => Ok(Ok((person.id, person.name))),
        (Some(_), false) => {
            wrong("Several people have this name: write the mail address or the id instead")
        }
        (None, _) => wrong(nobody),
    }
}

/// Those who are there and have exactly this id in their list, or else this mail address.
///
/// # Errors
/// When the database does not answer.
pub fn by_id_or_mail(db: &mut Db, text: &str) -> Result<Vec<PersonRow>> {
    let found = by_external_id(db, text)?;
    if !found.is_empty() {
        return Ok(found);
    }
    let there = people::table.filter(people::mail.eq(text.to_lowercase())).filter(people::enabled);
    Ok(there.order(people::external_id).select(PersonRow::as_select()).load(db)?)
}

/// Those who are there and have exactly this id in their list; several lists may give the same.
///
/// # Errors
/// When the database does not answer.
pub fn by_external_id(db: &mut Db, external_id: &str) -> Result<Vec<PersonRow>> {
    let there = people::table.filter(people::external_id.eq(external_id)).filter(people::enabled);
    Ok(there.order(people::source).select(PersonRow::as_select()).load(db)?)
}

/// The person's manager, who may have left since the last list.
///
/// # Errors
/// When the database does not answer.
pub fn manager_of(db: &mut Db, id: PersonId) -> Result<Option<PersonRow>> {
    let manager = people::table.find(id).select(people::manager_id);
    let Some(manager) = manager.first::<Option<PersonId>>(db).optional()?.flatten() else {
        return Ok(None);
    };
    person(db, manager).map(Some)
}

/// Those who are there and whose manager the person is, by name.
///
/// # Errors
/// When the database does not answer.
pub fn reports_of(db: &mut Db, id: PersonId) -> Result<Vec<PersonRow>> {
    let reports = people::table.filter(people::manager_id.eq(id)).filter(people::enabled);
    Ok(reports.order((people::search, people::id)).select(PersonRow::as_select()).load(db)?)
}

/// The groups that each of these people is in: one statement.
///
/// # Errors
/// When the database does not answer.
pub fn groups_of(db: &mut Db, people: &[PersonId]) -> Result<Vec<(PersonId, GroupId)>> {
    Ok(group_members::table
        .filter(group_members::person_id.eq_any(people))
        .select((group_members::person_id, group_members::group_id))
        .load(db)?)
}

/// A group.
///
/// # Errors
/// `Missing` if there is no such group.
pub fn group(db: &mut Db, id: GroupId) -> Result<GroupRow> {
    Ok(groups::table.find(id).select(GroupRow::as_select()).first(db)?)
}

/// All groups, by name.
///
/// # Errors
/// When the database does not answer.
pub fn groups(db: &mut Db) -> Result<Vec<GroupRow>> {
    Ok(groups::table.order(groups::name_key).select(GroupRow::as_select()).load(db)?)
}

/// The members of a group who are there, by name.
///
/// # Errors
/// When the database does not answer.
pub fn members_of(db: &mut Db, id: GroupId) -> Result<Vec<PersonRow>> {
    let members = group_members::table.filter(group_members::group_id.eq(id));
    let members = people::table
        .filter(people::id.eq_any(members.select(group_members::person_id)))
        .filter(people::enabled);
    Ok(members.order((people::search, people::id)).select(PersonRow::as_select()).load(db)?)
}

/// The groups in which a person is.
///
/// # Errors
/// When the database does not answer.
pub fn group_ids_of(db: &mut Db, id: PersonId) -> Result<Vec<GroupId>> {
    let mine = group_members::table.filter(group_members::person_id.eq(id));
    Ok(mine.select(group_members::group_id).load(db)?)
}
