//! A write transaction: the connection, who acts (read again inside it, E10), the business time,
//! and the facts that the change records with it.

use diesel::connection::TransactionManager;
use diesel::prelude::*;
use diesel::result::{DatabaseErrorKind, Error as DieselError};

use super::APPROVER_NAMES;
use super::backend::Db;
use super::schema::{facts, group_members, people, profiles, role_grants, settings, stand_ins};
use super::standing_in::links_to;
use crate::access::standing_in::stands_for;
use crate::access::{Actor, Person};
use crate::error::{Error, Result};
use crate::kernel::fact::{About, Fact, Names, Sentence};
use crate::kernel::text::folded;
use crate::kernel::{CatalogId, Clocks, FactId, Kind, PersonId, Ts, Zone};

/// In whose name a transaction writes.
#[derive(Clone, Copy, Debug)]
pub enum By {
    /// A signed-in person.
    Person(PersonId),
    /// A timer, an import, a command line; the words stand in the audit log.
    System(&'static str),
}

/// See the head of this file.
pub struct Tx<'a> {
    db: &'a mut Db,
    actor: Actor,
    now: Ts,
    wall: Ts,
    zone: Zone,
    recorded: bool,
}

/// For writing history as the demo and the tests do: the time and the person of each step.
#[derive(Clone, Copy, Debug)]
pub struct Fixture {
    /// When the step happened.
    pub at: Ts,
    /// Who did it.
    pub by: By,
}

impl<'a> Tx<'a> {
    /// Runs a command; beside its value, whether it recorded a fact.
    pub(super) fn run<T>(
        db: &'a mut Db,
        by: By,
        clocks: &Clocks,
        zone: Zone,
        f: &dyn Fn(&mut Tx<'_>) -> Result<T>,
    ) -> Result<(T, bool)> {
        let (now, wall) = (clocks.business.now(), clocks.wall.now());
        let actor = actor_of(db, by, now)?;
        let zone = zone.with_clock_of(actor.enabled_person().and_then(|person| person.clock));
        let mut tx = Tx { db, actor, now, wall, zone, recorded: false };
        let value = f(&mut tx)?;
        Ok((value, tx.recorded))
    }

    /// The connection.
    pub fn db(&mut self) -> &mut Db {
        self.db
    }

    /// Who acts, as the database says inside this transaction.
    #[must_use]
    pub fn actor(&self) -> &Actor {
        &self.actor
    }

    /// Business time.
    #[must_use]
    pub fn now(&self) -> Ts {
        self.now
    }

    /// Wall time: leases and backoff.
    #[must_use]
    pub fn wall(&self) -> Ts {
        self.wall
    }

    /// The organization's days, and the clock of whoever acts.
    #[must_use]
    pub fn zone(&self) -> Zone {
        self.zone
    }

    /// Runs a step of a written history with its own time and person.
    ///
    /// # Errors
    /// What the step returns.
    pub fn step<T>(
        &mut self,
        fixture: Fixture,
        f: impl FnOnce(&mut Tx<'_>) -> Result<T>,
    ) -> Result<T> {
        let actor = actor_of(self.db, fixture.by, fixture.at)?;
        let (wall, zone) = (self.wall, self.zone);
        let mut step = Tx { db: self.db, actor, now: fixture.at, wall, zone, recorded: false };
        let value = f(&mut step)?;
        self.recorded |= step.recorded;
        Ok(value)
    }

    /// Records what happened, in this transaction. The row is the outbox too: `dispatched_at` is empty (E6).
    ///
    /// # Errors
    /// When the database does not answer.
    pub fn record(&mut self, fact: &Fact, about: About) -> Result<()> {
        self.record_all(vec![(fact.clone(), about)])
    }

    /// Records many facts with one statement.
    ///
    /// # Errors
    /// When the database does not answer.
    pub fn record_all(&mut self, all: Vec<(Fact, About)>) -> Result<()> {
        let rows = all
            .into_iter()
            .map(|(fact, about)| NewFact::new(&fact, about, self.now, &self.actor))
            .collect::<Result<Vec<_>>>()?;
        self.recorded |= !rows.is_empty();
        // SQLite takes at most 32,766 binds a statement; a row has 24.
        for chunk in rows.chunks(500) {
            crate::each_backend!(&mut *self.db, |c| diesel::insert_into(facts::table)
                .values(chunk)
                .execute(c)?);
        }
        Ok(())
    }
}

type Transactions = <Db as diesel::Connection>::TransactionManager;

/// Runs `f` in a transaction on PostgreSQL. What the server asks to run again comes back as `Stale`.
pub(super) fn in_transaction<T>(
    connection: &mut super::pool::Counted,
    f: impl FnOnce(&mut Db) -> Result<T>,
) -> Result<T> {
    let db = connection.db();
    Transactions::begin_transaction(db)?;
    match f(db) {
        Ok(value) => match Transactions::commit_transaction(db) {
            Ok(()) => Ok(value),
            Err(error) => Err(again(error.into())),
        },
        Err(error) => {
            let _ = Transactions::rollback_transaction(db);
            Err(again(error))
        }
    }
}

/// A serialization failure or deadlock (40001, 40P01) is no failure of the command: run it again.
fn again(error: Error) -> Error {
    let Error::Broken(inner) = &error else { return error };
    match inner.downcast_ref::<DieselError>() {
        Some(DieselError::DatabaseError(DatabaseErrorKind::SerializationFailure, _)) => {
            Error::Stale
        }
        Some(DieselError::DatabaseError(_, info))
            if info.message().contains("deadlock detected") =>
        {
            Error::Stale
        }
        _ => error,
    }
}

/// For the writes of commands that look before they insert. A unique index that objects all the same means that
/// somebody was faster: as `Stale` the command is run again, and its look finds what is there.
#[must_use]
pub fn stale_if_taken(error: DieselError) -> Error {
    match error {
        DieselError::DatabaseError(DatabaseErrorKind::UniqueViolation, _) => Error::Stale,
        other => other.into(),
    }
}

fn actor_of(db: &mut Db, by: By, now: Ts) -> Result<Actor> {
    match by {
        By::System(words) => Ok(Actor::System(words)),
        By::Person(id) => load_actor(db, id, now)?.map(Actor::Person).ok_or(Error::Missing),
    }
}

/// A person with what they may at this business time: one statement, and one more for who stands in for somebody.
///
/// # Errors
/// When the database does not answer.
pub fn load_actor(db: &mut Db, id: PersonId, now: Ts) -> Result<Option<Person>> {
    type Row = (
        (PersonId, String, String, bool, bool, bool),
        Option<CatalogId>,
        (bool, bool, Option<String>),
    );
    let stands_in = diesel::dsl::exists(
        stand_ins::table
            .filter(stand_ins::stand_in_id.eq(id))
            .filter(stand_ins::ended_at.is_null())
            .filter(stand_ins::starts_at.le(now))
            .filter(stand_ins::ends_at.gt(now)),
    );
    let veiled = diesel::dsl::exists(
        settings::table
            .filter(settings::name.eq(APPROVER_NAMES))
            .filter(settings::value.eq("false")),
    );
    let groups = group_members::table
        .filter(group_members::person_id.eq(id))
        .select(group_members::group_id.nullable());
    let rows: Vec<Row> = people::table
        .left_join(
            role_grants::table.on(role_grants::person_id
                .eq(people::id.nullable())
                .or(role_grants::group_id.eq_any(groups))),
        )
        .left_join(profiles::table.on(profiles::person_id.eq(people::id)))
        .filter(people::id.eq(id))
        .select((
            (
                people::id,
                people::name,
                people::kind,
                people::enabled,
                people::administrator,
                people::auditor,
            ),
            role_grants::catalog_id.nullable(),
            (stands_in, veiled, profiles::time_zone.nullable()),
        ))
        .load(db)?;
    let mut person: Option<Person> = None;
    let mut stands = false;
    for ((id, name, kind, enabled, administrator, auditor), catalog, (stands_in, veiled, clock)) in
        rows
    {
        stands = stands_in;
        let person = person.get_or_insert_with(|| Person {
            id,
            name,
            kind: Kind::parse(&kind).unwrap_or(Kind::Guest),
            enabled,
            administrator,
            auditor,
            owns: Vec::new(),
            clock: clock.as_deref().and_then(Zone::named),
            veiled,
            stands_for: Vec::new(),
        });
        person.owns.extend(catalog);
    }
    if let Some(person) = &mut person {
        person.owns.sort_unstable();
        person.owns.dedup();
        // Auditors change nothing, also in nobody's place (D33).
        if stands && (!person.auditor || person.administrator) {
            person.stands_for = stands_for(id, &links_to(db, id, now)?, now);
        }
    }
    Ok(person)
}

#[derive(Insertable)]
#[diesel(table_name = facts)]
#[diesel(treat_none_as_default_value = false)]
struct NewFact {
    id: FactId,
    at: Ts,
    due_at: Option<Ts>,
    kind: String,
    family: &'static str,
    failed: bool,
    actor_id: Option<PersonId>,
    actor_name: String,
    person_id: Option<PersonId>,
    person_name: Option<String>,
    package_id: Option<crate::kernel::PackageId>,
    package_name: Option<String>,
    catalog_id: Option<CatalogId>,
    catalog_name: Option<String>,
    request_id: Option<crate::kernel::RequestId>,
    reference: Option<String>,
    assignment_id: Option<crate::kernel::AssignmentId>,
    resource_name: Option<String>,
    note: Option<String>,
    data: String,
    search: String,
    review_id: Option<crate::kernel::ReviewInstanceId>,
}

impl NewFact {
    fn new(fact: &Fact, about: About, at: Ts, actor: &Actor) -> Result<Self> {
        let (person_id, person_name) = about.person.unzip();
        let (package_id, package_name) = about.package.unzip();
        let (catalog_id, catalog_name) = about.catalog.unzip();
        let (request_id, reference) = about.request.unzip();
        let names = [&person_name, &package_name, &catalog_name, &reference, &about.resource];
        let words: Vec<&str> = std::iter::once(actor.name())
            .chain(names.into_iter().flatten().map(String::as_str))
            .chain(fact.organization())
            .collect();
        Ok(Self {
            id: FactId::fresh(),
            at,
            due_at: about.due,
            kind: fact.kind(),
            family: fact.family().as_str(),
            failed: fact.failed(),
            actor_id: actor.id(),
            actor_name: actor.name().to_owned(),
            search: folded(&words.join(" ")),
            person_id,
            person_name,
            package_id,
            package_name,
            catalog_id,
            catalog_name,
            request_id,
            reference,
            assignment_id: about.assignment,
            resource_name: about.resource,
            note: about.note,
            data: serde_json::to_string(fact)?,
            review_id: about.review,
        })
    }
}

/// A recorded fact's sentence, from its stored data and names.
///
/// # Errors
/// When the data is not a fact that this version knows.
pub fn load_told(data: &str, names: Names<'_>) -> Result<(Fact, Sentence)> {
    let fact: Fact = serde_json::from_str(data)?;
    let sentence = fact.sentence(names);
    Ok((fact, sentence))
}
