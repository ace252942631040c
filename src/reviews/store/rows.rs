//! Lists of who holds what, where no assignment says it: the lines that somebody put in for a review, or what a target
//! system said at the start of an instance. A list is written once and never changes.

use std::collections::{BTreeSet, HashMap};

use diesel::dsl::{exists, not};
use diesel::prelude::*;

use crate::assignments::rights::Claiming;
use crate::db::schema::{
    people, resource_roles, resources, review_instances, review_items, review_proofs, review_rows,
};
use crate::db::{Db, Tx};
use crate::error::{Error, Result};
use crate::kernel::{
    AccessId, PersonId, ReviewId, ReviewInstanceId, ReviewItemId, ReviewListId, ReviewRowId, Risk,
    RoleId, Ts,
};
use crate::reviews::model::{Answer, Item, ItemRow, LastAnswer, Outcome, Scope, State};

/// SQLite takes at most 32,766 binds a statement; a line has 12.
const ROWS: usize = 500;

/// One line that is put in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRow {
    /// Who, if they are known.
    pub person: Option<PersonId>,
    /// As the list calls them.
    pub holder: String,
    /// What; the same for everybody who holds it.
    pub access: AccessId,
    /// What it is called.
    pub name: String,
    /// What it is for.
    pub about: Option<String>,
    /// Since when, if that is known.
    pub since: Option<Ts>,
    /// How risky it is.
    pub risk: Risk,
    /// The role, where a target system says it.
    pub role: Option<RoleId>,
    /// The packages that give it here, where a target system says it.
    pub given_by: Option<Vec<String>>,
}

#[derive(Insertable)]
#[diesel(table_name = review_rows)]
#[diesel(treat_none_as_default_value = false)]
struct Inserted {
    id: ReviewRowId,
    list_id: ReviewListId,
    review_id: ReviewId,
    person_id: Option<PersonId>,
    holder: String,
    access_id: AccessId,
    access_name: String,
    about: Option<String>,
    since: Option<Ts>,
    risk: &'static str,
    role_id: Option<RoleId>,
    given_by: Option<String>,
}

/// Writes a list. Nothing is ever added to one that is there.
pub(in crate::reviews) fn insert(
    tx: &mut Tx<'_>,
    (list, review): (ReviewListId, ReviewId),
    rows: &[NewRow],
) -> Result<()> {
    let there = review_rows::table.filter(review_rows::list_id.eq(list));
    if diesel::select(exists(there)).get_result(tx.db())? {
        return Err(Error::Missing);
    }
    let one = |row: &NewRow| -> Result<Inserted> {
        Ok(Inserted {
            id: ReviewRowId::fresh(),
            list_id: list,
            review_id: review,
            person_id: row.person,
            holder: row.holder.clone(),
            access_id: row.access,
            access_name: row.name.clone(),
            about: row.about.clone(),
            since: row.since,
            risk: row.risk.as_str(),
            role_id: row.role,
            given_by: row.given_by.as_ref().map(serde_json::to_string).transpose()?,
        })
    };
    let rows: Vec<Inserted> = rows.iter().map(one).collect::<Result<_>>()?;
    for chunk in rows.chunks(ROWS) {
        crate::each_backend!(tx.db(), |c| diesel::insert_into(review_rows::table)
            .values(chunk)
            .execute(c)?);
    }
    Ok(())
}

/// Takes a list away that no instance has looked at.
pub(in crate::reviews) fn delete(tx: &mut Tx<'_>, list: ReviewListId) -> Result<()> {
    diesel::delete(review_rows::table.filter(review_rows::list_id.eq(list))).execute(tx.db())?;
    Ok(())
}

/// One line of a source, with its person.
#[derive(Clone, Debug)]
pub(in crate::reviews) struct Row {
    pub id: ReviewRowId,
    pub access: AccessId,
    pub access_name: String,
    pub about: Option<String>,
    pub since: Option<Ts>,
    pub risk: Risk,
    pub role: Option<RoleId>,
    pub given_by: Option<Vec<String>>,
    pub person: PersonId,
    pub name: String,
    pub department: Option<String>,
    pub manager: Option<PersonId>,
    pub here: bool,
}

/// The lines of a list that are in scope and have a person.
macro_rules! source {
    ($list:expr, $scope:expr) => {{
        let (list, scope): (ReviewListId, &Scope) = ($list, $scope);
        let mut query = review_rows::table
            .inner_join(people::table)
            .filter(review_rows::list_id.eq(list))
            .into_boxed();
        if !scope.departments.is_empty() {
            query = query.filter(people::department.eq_any(scope.departments.clone()));
        }
        if scope.guests_only {
            query = query.filter(people::kind.eq("guest"));
        }
        if scope.high_risk_only {
            query = query.filter(review_rows::risk.eq(Risk::High.as_str()));
        }
        query
    }};
}

macro_rules! rows {
    ($query:expr, $db:expr) => {{
        type Raw = (
            (ReviewRowId, AccessId, String),
            (Option<String>, Option<Ts>, String, Option<RoleId>, Option<String>),
            (PersonId, String, Option<String>, Option<PersonId>, bool),
        );
        let rows: Vec<Raw> = $query
            .select((
                (review_rows::id, review_rows::access_id, review_rows::access_name),
                (
                    review_rows::about,
                    review_rows::since,
                    review_rows::risk,
                    review_rows::role_id,
                    review_rows::given_by,
                ),
                (people::id, people::name, people::department, people::manager_id, people::enabled),
            ))
            .load($db)?;
        let one = |(what, (about, since, risk, role, given_by), who): Raw| {
            let ((id, access, access_name), (person, name, department, manager, here)) =
                (what, who);
            let risk = Risk::parse(&risk).unwrap_or(Risk::High);
            let given_by = given_by.map(|json| serde_json::from_str(&json).unwrap_or_default());
            Row {
                id,
                access,
                access_name,
                about,
                since,
                risk,
                role,
                given_by,
                person,
                name,
                department,
                manager,
                here,
            }
        };
        rows.into_iter().map(one).collect::<Vec<Row>>()
    }};
}

/// The next lines of a list after one of them, by their ids.
pub(in crate::reviews) fn held(
    db: &mut Db,
    (list, scope): (ReviewListId, &Scope),
    after: Option<ReviewRowId>,
    limit: i64,
) -> Result<Vec<Row>> {
    let mut query = source!(list, scope).order(review_rows::id).limit(limit);
    if let Some(after) = after {
        query = query.filter(review_rows::id.gt(after));
    }
    Ok(rows!(query, db))
}

/// Lines of a list that a snapshot lacks.
pub(in crate::reviews) fn lacking(
    db: &mut Db,
    id: ReviewInstanceId,
    (list, scope): (ReviewListId, &Scope),
    limit: i64,
) -> Result<Vec<Row>> {
    let there = review_items::table
        .filter(review_items::instance_id.eq(id))
        .filter(review_items::row_id.eq(review_rows::id.nullable()));
    let query = source!(list, scope).filter(not(exists(there)));
    Ok(rows!(query.order(review_rows::id).limit(limit), db))
}

/// An item that the list does not have: what it is of whom.
pub(in crate::reviews) fn surplus(
    db: &mut Db,
    id: ReviewInstanceId,
    list: ReviewListId,
) -> Result<Option<(String, String)>> {
    let there = review_rows::table
        .filter(review_rows::list_id.eq(list))
        .filter(review_items::row_id.eq(review_rows::id.nullable()));
    Ok(review_items::table
        .filter(review_items::instance_id.eq(id))
        .filter(not(exists(there)))
        .order(review_items::id)
        .select((review_items::access_name, review_items::person_name))
        .first(db)
        .optional()?)
}

/// How much of a list is in scope: counted apart from the snapshot (D27).
///
/// # Errors
/// When the database does not answer.
pub fn source_count(db: &mut Db, list: ReviewListId, scope: &Scope) -> Result<i64> {
    Ok(source!(list, scope).count().get_result(db)?)
}

/// Who said that they removed something by hand, their name, what they did, and when.
pub type Proof = (PersonId, String, String, Ts);

/// What was said of these items that were removed by hand. One statement.
///
/// # Errors
/// When the database does not answer.
pub fn proofs(db: &mut Db, ids: &[ReviewItemId]) -> Result<HashMap<ReviewItemId, Proof>> {
    type Raw = (ReviewItemId, PersonId, String, String, Ts);
    let rows: Vec<Raw> = review_proofs::table
        .inner_join(people::table)
        .filter(review_proofs::item_id.eq_any(ids))
        .select((
            review_proofs::item_id,
            people::id,
            people::name,
            review_proofs::proof,
            review_proofs::at,
        ))
        .load(db)?;
    Ok(rows
        .into_iter()
        .map(|(item, who, name, proof, at)| (item, (who, name, proof, at)))
        .collect())
}

/// How many lines of a list have no person whom anybody knows: they are counted, and not reviewed.
///
/// # Errors
/// When the database does not answer.
pub fn unknown(db: &mut Db, list: ReviewListId) -> Result<i64> {
    let lines = review_rows::table.filter(review_rows::list_id.eq(list));
    Ok(lines.filter(review_rows::person_id.is_null()).count().get_result(db)?)
}

/// The lines of a list that have no person whom anybody knows: as they are called there, and what they hold.
///
/// # Errors
/// When the database does not answer.
pub fn strangers(db: &mut Db, list: ReviewListId, limit: i64) -> Result<Vec<(String, String)>> {
    Ok(review_rows::table
        .filter(review_rows::list_id.eq(list))
        .filter(review_rows::person_id.is_null())
        .order((review_rows::holder, review_rows::id))
        .limit(limit)
        .select((review_rows::holder, review_rows::access_name))
        .load(db)?)
}

/// The roles that rows are about, where a target system said it. One statement.
///
/// # Errors
/// When the database does not answer.
pub(in crate::reviews) fn roles(
    db: &mut Db,
    ids: &[ReviewRowId],
) -> Result<HashMap<ReviewRowId, RoleId>> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let rows: Vec<(ReviewRowId, Option<RoleId>)> = review_rows::table
        .filter(review_rows::id.eq_any(ids))
        .filter(review_rows::role_id.is_not_null())
        .select((review_rows::id, review_rows::role_id))
        .load(db)?;
    Ok(rows.into_iter().filter_map(|(id, role)| Some((id, role?))).collect())
}

/// Removals on target systems whose cooling-off time is over, in due order, with the role that is taken.
///
/// # Errors
/// When the database does not answer.
pub fn due(
    db: &mut Db,
    now: Ts,
    targets: &Claiming<'_>,
    limit: i64,
) -> Result<Vec<(Item, RoleId)>> {
    let mut query = review_items::table
        .inner_join(review_instances::table)
        .inner_join(
            review_rows::table.inner_join(resource_roles::table.inner_join(resources::table)),
        )
        .filter(review_instances::state.ne(State::Canceled.as_str()))
        .filter(review_items::outcome.eq(Outcome::Planned.as_str()))
        .filter(review_items::apply_at.le(now))
        .order((review_items::apply_at, review_items::id))
        .limit(limit)
        .select((ItemRow::as_select(), resource_roles::id))
        .into_boxed();
    query = match targets {
        Claiming::Of(name) => query.filter(resources::target.eq(*name)),
        Claiming::NotOf(names) => {
            query.filter(resources::target.ne_all(names.iter().map(String::as_str)))
        }
    };
    let rows: Vec<(ItemRow, RoleId)> = query.load(db)?;
    Ok(rows.into_iter().map(|(item, role)| (item.into(), role)).collect())
}

/// What was answered last about these people and roles, whoever gave them. One statement.
///
/// # Errors
/// When the database does not answer.
pub(in crate::reviews) fn last(
    db: &mut Db,
    rows: &[Row],
    at: Ts,
) -> Result<HashMap<(PersonId, RoleId), LastAnswer>> {
    type Raw = (PersonId, Option<RoleId>, Option<String>, Option<Ts>, String);
    let answerer = diesel::alias!(people as answerer);
    let roles: BTreeSet<RoleId> = rows.iter().filter_map(|row| row.role).collect();
    if roles.is_empty() {
        return Ok(HashMap::new());
    }
    let who: Vec<PersonId> = rows.iter().map(|row| row.person).collect();
    let found: Vec<Raw> = review_items::table
        .inner_join(review_rows::table)
        .inner_join(
            answerer.on(answerer.field(people::id).nullable().eq(review_items::answered_by)),
        )
        .filter(review_items::person_id.eq_any(who))
        .filter(review_rows::role_id.eq_any(roles))
        .filter(review_items::answered_at.le(at))
        .order((review_items::answered_at, review_items::id))
        .select((
            review_items::person_id,
            review_rows::role_id,
            review_items::answer,
            review_items::answered_at,
            answerer.field(people::name),
        ))
        .load(db)?;
    let one = |(person, role, answer, at, by): Raw| {
        let answer = answer.as_deref().and_then(Answer::parse)?;
        Some(((person, role?), LastAnswer { answer, by, at: at? }))
    };
    Ok(found.into_iter().filter_map(one).collect())
}

/// Who is meant: one person, nobody, or several that nobody can tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meant {
    /// This one.
    One(PersonId),
    /// Nobody.
    Nobody,
    /// Several.
    Several,
}

/// Somebody, and whether they are here.
type Found = (PersonId, bool);

/// Of several the one who is here.
fn pick(found: &[Found]) -> Meant {
    let here: Vec<&Found> = found.iter().filter(|(_, here)| *here).collect();
    match (found, here.as_slice()) {
        ([], _) => Meant::Nobody,
        ([(one, _)], _) | (_, [(one, _)]) => Meant::One(*one),
        _ => Meant::Several,
    }
}

/// Who has each of these ids in the source of people; also who has left. Where nobody has it as it is written, letters may
/// be of the other case, as target systems compare them. One statement for each 500.
///
/// # Errors
/// When the database does not answer.
pub fn by_id(db: &mut Db, written: &[String]) -> Result<HashMap<String, Meant>> {
    let mut all = HashMap::with_capacity(written.len());
    for some in written.chunks(ROWS) {
        let spelled: Vec<String> =
            some.iter().flat_map(|id| [id.clone(), id.to_lowercase(), id.to_uppercase()]).collect();
        let there: Vec<(String, PersonId, bool)> = people::table
            .filter(people::external_id.eq_any(spelled))
            .select((people::external_id, people::id, people::enabled))
            .load(db)?;
        for id in some {
            let which = |same: &dyn Fn(&str) -> bool| -> Vec<Found> {
                let found = there.iter().filter(|(key, ..)| same(key));
                found.map(|(_, id, here)| (*id, *here)).collect()
            };
            let exact = which(&|key| key == id);
            let small = id.to_lowercase();
            let found =
                if exact.is_empty() { which(&|key| key.to_lowercase() == small) } else { exact };
            all.insert(id.clone(), pick(&found));
        }
    }
    Ok(all)
}

/// Who has each of these mail addresses; also who has left. One statement for each 500.
///
/// # Errors
/// When the database does not answer.
pub fn by_mail(db: &mut Db, written: &[String]) -> Result<HashMap<String, Meant>> {
    let mut all = HashMap::with_capacity(written.len());
    for some in written.chunks(ROWS) {
        let small: Vec<String> = some.iter().map(|text| text.to_lowercase()).collect();
        let there: Vec<(Option<String>, PersonId, bool)> = people::table
            .filter(people::mail.eq_any(&small))
            .select((people::mail, people::id, people::enabled))
            .load(db)?;
        for (mail, small) in some.iter().zip(&small) {
            let found = there.iter().filter(|(there, ..)| there.as_ref() == Some(small));
            let found: Vec<Found> = found.map(|(_, id, here)| (*id, *here)).collect();
            all.insert(mail.clone(), pick(&found));
        }
    }
    Ok(all)
}

/// Who is meant by each of these: by key, then by mail; also who has left. Of several with the same, the one who is
/// here. Two statements for each 500.
///
/// # Errors
/// When the database does not answer.
pub fn meant(db: &mut Db, written: &[String]) -> Result<HashMap<String, Meant>> {
    let mut all = HashMap::with_capacity(written.len());
    for some in written.chunks(ROWS) {
        let keys: Vec<(String, PersonId, bool)> = people::table
            .filter(people::external_id.eq_any(some))
            .select((people::external_id, people::id, people::enabled))
            .load(db)?;
        let small: Vec<String> = some.iter().map(|text| text.to_lowercase()).collect();
        let mails: Vec<(Option<String>, PersonId, bool)> = people::table
            .filter(people::mail.eq_any(&small))
            .select((people::mail, people::id, people::enabled))
            .load(db)?;
        for text in some {
            let by_key: Vec<Found> = keys
                .iter()
                .filter(|(key, ..)| key == text)
                .map(|(_, id, here)| (*id, *here))
                .collect();
            let small = text.to_lowercase();
            let by_mail: Vec<Found> = mails
                .iter()
                .filter(|(mail, ..)| mail.as_ref() == Some(&small))
                .map(|(_, id, here)| (*id, *here))
                .collect();
            let found = if by_key.is_empty() { &by_mail } else { &by_key };
            all.insert(text.clone(), pick(found));
        }
    }
    Ok(all)
}
