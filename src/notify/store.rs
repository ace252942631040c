//! Reads of notices and mails, and the guarded writes that only this slice uses.

use std::collections::HashMap;

use diesel::prelude::*;

use super::model::{Asked, Recipient, State, Told};
use super::rules::Reader;
use crate::access::Person;
use crate::db::schema::{
    assignments, facts, mails, notices, people, profiles, requests, stage_approvers,
};
use crate::db::{Db, Seek, Tx, awaited, load_actor};
use crate::error::Result;
use crate::kernel::fact::{Names, Veil};
use crate::kernel::text::capital;
use crate::kernel::{Fact, NoticeId, PersonId, RequestId, StageId, Ts, Zone};
use crate::requests::store::who_waits;
use crate::settings;

mod alias {
    diesel::alias!(crate::db::schema::people as targets: Targets);
}
use alias::targets;

/// A notice of a list.
#[derive(Clone, Debug, Queryable)]
pub struct Notice {
    /// Its id.
    pub id: NoticeId,
    /// When it happened.
    pub at: Ts,
    /// What happened.
    pub sentence: String,
    /// The page that it leads to.
    pub link: String,
    /// When the person said that they have read it.
    pub read_at: Option<Ts>,
}

/// A page of a person's notices, newest first, in their words: by their clock, and without the names of those who decide
/// where these are kept from them (E17).
///
/// # Errors
/// When the database does not answer.
pub fn of_person(
    db: &mut Db,
    reader: &Person,
    zone: Zone,
    from: Option<Seek<NoticeId>>,
    limit: i64,
) -> Result<Vec<Notice>> {
    let (at, id) = (notices::at, notices::id);
    let query = notices::table
        .inner_join(facts::table)
        .filter(notices::person_id.eq(reader.id))
        .select((
            (id, at, notices::sentence, notices::link, notices::read_at),
            notices::reader,
            FactRow::as_select(),
        ))
        .limit(limit)
        .into_boxed();
    let query = match from {
        Some(from) if from.back => query
            .filter(at.gt(from.at).or(at.eq(from.at).and(id.gt(from.id))))
            .order((at.asc(), id.asc())),
        Some(from) => query
            .filter(at.lt(from.at).or(at.eq(from.at).and(id.lt(from.id))))
            .order((at.desc(), id.desc())),
        None => query.order((at.desc(), id.desc())),
    };
    let rows: Vec<(Notice, String, FactRow)> = query.load(db)?;
    let about = match reader.veiled {
        true => who_waits(db, rows.iter().filter_map(|(.., fact)| fact.request_id))?,
        false => HashMap::new(),
    };
    let worded = |(notice, told_as, fact): (Notice, String, FactRow)| {
        let waits = Reader::parse(&told_as).is_some_and(Reader::waits);
        let veil = match fact.request_id.and_then(|id| about.get(&id)).filter(|_| waits) {
            Some((wait, catalog)) => reader.veil(wait, *catalog),
            None => Veil::default(),
        };
        Notice { sentence: fact.sentence(&veil, zone).unwrap_or(notice.sentence), ..notice }
    };
    Ok(rows.into_iter().map(worded).collect())
}

/// True where the person has notices that they have not marked as read.
///
/// # Errors
/// When the database does not answer.
pub fn has_unread(db: &mut Db, person: PersonId) -> Result<bool> {
    let unread = notices::table
        .filter(notices::person_id.eq(person))
        .filter(notices::read_at.is_null())
        .select(notices::id)
        .first::<NoticeId>(db)
        .optional()?;
    Ok(unread.is_some())
}

/// Marks a person's notices up to a time as read; returns how many.
pub(super) fn mark_read(tx: &mut Tx<'_>, person: PersonId, upto: Ts) -> Result<usize> {
    let now = tx.now();
    let mine = notices::table
        .filter(notices::person_id.eq(person))
        .filter(notices::read_at.is_null())
        .filter(notices::at.le(upto));
    Ok(diesel::update(mine).set(notices::read_at.eq(Some(now))).execute(tx.db())?)
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = facts)]
struct FactRow {
    actor_id: Option<PersonId>,
    actor_name: String,
    person_id: Option<PersonId>,
    person_name: Option<String>,
    package_name: Option<String>,
    catalog_name: Option<String>,
    request_id: Option<RequestId>,
    reference: Option<String>,
    resource_name: Option<String>,
    note: Option<String>,
    data: String,
}

impl FactRow {
    /// What happened, in one sentence; none where another version recorded it.
    fn sentence(&self, veil: &Veil, zone: Zone) -> Option<String> {
        let fact: Fact = serde_json::from_str(&self.data).ok()?;
        let names = Names {
            actor: &self.actor_name,
            person: self.person_name.as_deref(),
            package: self.package_name.as_deref(),
            catalog: self.catalog_name.as_deref(),
            reference: self.reference.as_deref(),
            resource: self.resource_name.as_deref(),
        };
        Some(veil.sentence(&fact, self.actor_id, names).in_zone(zone).to_string())
    }
}

type NoticeRow = (NoticeId, String, String, String, Ts);
type PersonRow = (PersonId, String, Option<String>, bool, Option<String>);
type ToldRow = (NoticeRow, PersonRow, FactRow);

/// Notices with all that their letters say, in the order of `ids`, times in the organization's zone or the reader's own: four statements, however many.
///
/// # Errors
/// When the database does not answer.
pub fn told(db: &mut Db, ids: &[NoticeId], zone: Zone) -> Result<Vec<Told>> {
    let rows: Vec<ToldRow> = notices::table
        .inner_join(people::table)
        .inner_join(facts::table)
        .left_join(profiles::table.on(profiles::person_id.eq(people::id)))
        .filter(notices::id.eq_any(ids))
        .select((
            (notices::id, notices::reader, notices::sentence, notices::link, notices::at),
            (
                people::id,
                people::name,
                people::mail,
                people::enabled,
                profiles::time_zone.nullable(),
            ),
            FactRow::as_select(),
        ))
        .load(db)?;
    let about: Vec<RequestId> = rows.iter().filter_map(|(.., fact)| fact.request_id).collect();
    let asked = if about.is_empty() { HashMap::new() } else { asked(db, &about)? };
    let named = settings::store::organization(db)?.approver_names;
    let mut all: HashMap<NoticeId, Told> =
        rows.into_iter().map(|row| (row.0.0, one(row, &asked, named, zone))).collect();
    Ok(ids.iter().filter_map(|id| all.remove(id)).collect())
}

/// One notice. Unless those who decide are `named`, who waits reads a letter without their names (E17).
fn one(
    (notice, person, row): ToldRow,
    asked: &HashMap<RequestId, Asked>,
    named: bool,
    zone: Zone,
) -> Told {
    let (notice, reader, sentence, link, at) = notice;
    let (id, name, mail, enabled, clock) = person;
    let clock = clock.as_deref().and_then(Zone::named);
    let reader = Reader::parse(&reader).unwrap_or(Reader::Owner);
    let request = row.request_id.and_then(|id| asked.get(&id).cloned());
    let veil = match &request {
        Some(asked) if !named && reader.waits() => Veil(vec![asked.requestor.0, asked.target.0]),
        _ => Veil::default(),
    };
    let fact: Option<Fact> = serde_json::from_str(&row.data).ok();
    let actor = fact.as_ref().and_then(|fact| veil.actor(fact, row.actor_id));
    let sentence = row.sentence(&veil, zone.with_clock_of(clock)).unwrap_or(sentence);
    Told {
        notice,
        to: Recipient { id, name, mail, enabled, clock },
        reader,
        sentence,
        link,
        at,
        actor: actor.map_or(row.actor_name, capital),
        fact: fact.map(|fact| veil.fact(fact)),
        person: row.person_id.zip(row.person_name),
        package: row.package_name,
        catalog: row.catalog_name,
        reference: row.reference,
        resource: row.resource_name,
        note: row.note,
        request,
    }
}

fn asked(db: &mut Db, ids: &[RequestId]) -> Result<HashMap<RequestId, Asked>> {
    type Person = (PersonId, String);
    type Row = (RequestId, Person, Person, String, Option<Ts>, Option<Ts>, Option<Ts>);
    let rows: Vec<Row> = requests::table
        .inner_join(people::table.on(people::id.eq(requests::requestor_id)))
        .inner_join(targets.on(targets.field(people::id).eq(requests::target_id)))
        .filter(requests::id.eq_any(ids))
        .select((
            requests::id,
            (people::id, people::name),
            (targets.field(people::id), targets.field(people::name)),
            requests::reason,
            requests::starts_at,
            requests::ends_at,
            requests::due_at,
        ))
        .load(db)?;
    let ends: HashMap<RequestId, Option<Ts>> = assignments::table
        .filter(assignments::request_id.eq_any(ids))
        .select((assignments::request_id.assume_not_null(), assignments::ends_at))
        .load::<(RequestId, Option<Ts>)>(db)?
        .into_iter()
        .collect();
    let asked = |(id, requestor, target, reason, starts, ends_at, due): Row| {
        let until = ends.get(&id).copied().flatten();
        (id, Asked { requestor, target, reason, starts, ends: ends_at, due, until })
    };
    Ok(rows.into_iter().map(asked).collect())
}

/// True where a decision of the person on the request of the notice is still awaited (D48), or can be taken by them in
/// somebody's place (D34).
///
/// # Errors
/// When the database does not answer.
pub fn still_decides(db: &mut Db, notice: NoticeId, person: PersonId, now: Ts) -> Result<bool> {
    let Some(person) = load_actor(db, person, now)? else { return Ok(false) };
    let about = notices::table
        .inner_join(facts::table)
        .filter(notices::id.eq(notice))
        .select(facts::request_id);
    let waiting = stage_approvers::table
        .filter(stage_approvers::request_id.nullable().eq_any(about))
        .filter(diesel::dsl::sql::<diesel::sql_types::Bool>(&awaited(&person)));
    let some = waiting.select(stage_approvers::stage_id).first::<StageId>(db).optional()?;
    Ok(some.is_some())
}

/// A mail that one sender has claimed.
#[derive(Clone, Copy, Debug, Queryable)]
pub struct Claim {
    /// The notice that it tells.
    pub notice: NoticeId,
    /// How often it was tried, this try included.
    pub attempts: i64,
    /// Since when it waits.
    pub since: Ts,
    /// Says whose claim it is.
    pub fence: i64,
}

/// True where a mail is due.
///
/// # Errors
/// When the database does not answer.
pub fn is_due(db: &mut Db, wall: Ts) -> Result<bool> {
    let due = mails::table
        .filter(mails::state.eq(State::Waiting.as_str()))
        .filter(mails::next_at.le(wall))
        .select(mails::notice_id)
        .first::<NoticeId>(db)
        .optional()?;
    Ok(due.is_some())
}

/// Claims the mail that is due for longest, until `until`; nobody else tries it before. None when none is due.
/// `Stale` when somebody else was faster.
pub(super) fn claim(tx: &mut Tx<'_>, until: Ts) -> Result<Option<Claim>> {
    let wall = tx.wall();
    let due: Option<Claim> = mails::table
        .filter(mails::state.eq(State::Waiting.as_str()))
        .filter(mails::next_at.le(wall))
        .order((mails::next_at, mails::notice_id))
        .select((mails::notice_id, mails::attempts, mails::since, mails::fence))
        .first(tx.db())
        .optional()?;
    let Some(due) = due else { return Ok(None) };
    let claimed = Claim { attempts: due.attempts + 1, fence: due.fence + 1, ..due };
    let hit = diesel::update(mails::table.find(due.notice))
        .filter(mails::state.eq(State::Waiting.as_str()))
        .filter(mails::fence.eq(due.fence))
        .set((
            mails::next_at.eq(until),
            mails::attempts.eq(claimed.attempts),
            mails::fence.eq(claimed.fence),
        ))
        .execute(tx.db())?;
    if hit == 1 { Ok(Some(claimed)) } else { Err(crate::error::Error::Stale) }
}

/// Saves what came of a claimed mail; false when the claim is no longer this one.
pub(super) fn settle(
    tx: &mut Tx<'_>,
    claim: &Claim,
    state: State,
    next: Ts,
    trouble: Option<&str>,
) -> Result<bool> {
    let sent = (state == State::Sent).then(|| tx.wall());
    let hit = diesel::update(mails::table.find(claim.notice))
        .filter(mails::state.eq(State::Waiting.as_str()))
        .filter(mails::fence.eq(claim.fence))
        .set((
            mails::state.eq(state.as_str()),
            mails::next_at.eq(next),
            mails::trouble.eq(trouble),
            mails::sent_at.eq(sent),
        ))
        .execute(tx.db())?;
    Ok(hit == 1)
}

/// A mail that has not gone out.
#[derive(Clone, Debug, Queryable)]
pub struct Unsent {
    /// The notice that it tells.
    pub id: NoticeId,
    /// Where it stands.
    pub state: String,
    /// How often it was tried.
    pub attempts: i64,
    /// Since when it waits.
    pub since: Ts,
    /// When it is tried next, while it waits.
    pub next_at: Ts,
    /// Why it has not gone out.
    pub trouble: Option<String>,
    /// What it says.
    pub sentence: String,
    /// To whom: id, name and address.
    pub to: (PersonId, String, Option<String>),
}

/// A page of the mails that failed or that wait, newest first.
///
/// # Errors
/// When the database does not answer.
pub fn unsent(
    db: &mut Db,
    state: State,
    from: Option<Seek<NoticeId>>,
    limit: i64,
) -> Result<Vec<Unsent>> {
    let (at, id) = (mails::since, mails::notice_id);
    let query = mails::table
        .inner_join(notices::table.inner_join(people::table))
        .filter(mails::state.eq(state.as_str()))
        .select((
            id,
            mails::state,
            mails::attempts,
            at,
            mails::next_at,
            mails::trouble,
            notices::sentence,
            (people::id, people::name, people::mail),
        ))
        .limit(limit)
        .into_boxed();
    let query = match from {
        Some(from) if from.back => query
            .filter(at.gt(from.at).or(at.eq(from.at).and(id.gt(from.id))))
            .order((at.asc(), id.asc())),
        Some(from) => query
            .filter(at.lt(from.at).or(at.eq(from.at).and(id.lt(from.id))))
            .order((at.desc(), id.desc())),
        None => query.order((at.desc(), id.desc())),
    };
    Ok(query.load(db)?)
}

/// Lets failed mails wait anew, tried at once: the one, or all. Returns how many there were.
pub(super) fn try_again(tx: &mut Tx<'_>, one: Option<NoticeId>) -> Result<usize> {
    let wall = tx.wall();
    let mut failed = mails::table.filter(mails::state.eq(State::Failed.as_str())).into_boxed();
    if let Some(one) = one {
        failed = failed.filter(mails::notice_id.eq(one));
    }
    let ids: Vec<NoticeId> = failed.select(mails::notice_id).load(tx.db())?;
    let mut moved = 0;
    for chunk in ids.chunks(500) {
        moved += diesel::update(mails::table.filter(mails::notice_id.eq_any(chunk)))
            .filter(mails::state.eq(State::Failed.as_str()))
            .set((
                mails::state.eq(State::Waiting.as_str()),
                mails::attempts.eq(0_i64),
                mails::since.eq(wall),
                mails::next_at.eq(wall),
                mails::fence.eq(mails::fence + 1),
                mails::trouble.eq(None::<String>),
            ))
            .execute(tx.db())?;
    }
    Ok(moved)
}

/// To whom a mail goes and whether it has failed.
///
/// # Errors
/// `Missing` when there is no such mail.
pub fn recipient(db: &mut Db, id: NoticeId) -> Result<(PersonId, String, bool)> {
    let (person, name, state): (PersonId, String, String) = mails::table
        .inner_join(notices::table.inner_join(people::table))
        .filter(mails::notice_id.eq(id))
        .select((people::id, people::name, mails::state))
        .first(db)?;
    Ok((person, name, state == State::Failed.as_str()))
}
