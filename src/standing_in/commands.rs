//! A stand-in is set, and their time ends: early, by itself, or because one of the two left.

use super::model::{NewPeriod, Period};
use super::{rules, store};
use crate::access::{EndStandIn, Permit, Person, SetStandIn};
use crate::db::{Db, Tx, load_actor, lock_people};
use crate::directory;
use crate::error::{Error, FieldError, Result};
use crate::kernel::{About, Fact, Kind, PersonId, StandInId, Ts, Zone};
use crate::settings;

/// What somebody reads who named nobody that can stand in: who else there is, is not told (E28).
pub const NOBODY: &str = "No such person among those who can stand in";

/// Sets who stands in for a person. Sent twice with the same id it is done once.
///
/// # Errors
/// `Invalid` on `who`, `first`, `last` or `packages`; `Missing` where the permit is for somebody else.
pub fn set(tx: &mut Tx<'_>, permit: &Permit<SetStandIn>, new: &NewPeriod) -> Result<Period> {
    if permit.about() != new.person.0 {
        return Err(Error::Missing);
    }
    if store::is_taken(tx.db(), new.id)? {
        let there = store::one(tx.db(), new.id)?;
        let same = there.person.0 == new.person && there.stand_in.0 == new.stand_in;
        return if same { Ok(there) } else { Err(Error::Missing) };
    }
    let (now, zone, actor) = (tx.now(), tx.zone(), tx.actor().id());
    let away = load_actor(tx.db(), new.person, now)?.ok_or(Error::Missing)?;
    check(tx.db(), (actor, &away), (now, zone), new)?;
    // A circle is closed by periods of several people: whoever sets another of them waits (E9).
    let time = (zone.start_of(new.first), zone.end_of(new.last));
    let beside = store::within(tx.db(), time.0, time.1)?;
    let people = rules::around(new, &beside);
    lock_people(tx, &people)?;
    let beside = store::within(tx.db(), time.0, time.1)?;
    if rules::around(new, &beside).iter().any(|id| !people.contains(id)) {
        return Err(Error::Stale);
    }
    // One of them may have left until the lock was there.
    able(tx.db(), new.person)?;
    decides(tx.db(), new.stand_in)?;
    if let Some(error) = rules::across(new, &beside) {
        return Err(Error::Invalid(vec![error]));
    }
    store::insert(tx, new, time)?;
    let period = store::one(tx.db(), new.id)?;
    let fact = Fact::StandInSet {
        stand_in: period.stand_in.1.clone(),
        from: time.0,
        until: time.1,
        packages: period.packages.iter().flatten().map(|(_, name)| name.clone()).collect(),
        period: Some(period.id),
    };
    tx.record(&fact, about(&period))?;
    Ok(period)
}

/// Everything that is wrong with what somebody wants to set, before it is saved. `away` is whose stand-in it
/// is, as they are now. At most ten statements.
///
/// # Errors
/// `Invalid` by field.
pub fn check(
    db: &mut Db,
    (actor, away): (Option<PersonId>, &Person),
    (now, zone): (Ts, Zone),
    new: &NewPeriod,
) -> Result<()> {
    let longest = settings::store::organization(db)?.stand_in_days;
    let mut errors: Vec<FieldError> = Vec::new();
    errors.extend(rules::who(actor, new.person, new.stand_in));
    if errors.is_empty() {
        decides(db, new.stand_in)?;
    }
    errors.extend(rules::days(new.first, new.last, zone.date(now), longest));
    if let Some(some) = &new.packages {
        let all = store::decidable(db, away)?;
        if some.is_empty() || some.iter().any(|id| all.iter().all(|one| one.id != *id)) {
            errors.push(FieldError::new("packages", "Choose at least one of the packages"));
        }
    }
    if errors.is_empty() {
        let beside = store::within(db, zone.start_of(new.first), zone.end_of(new.last))?;
        errors.extend(rules::across(new, &beside));
    }
    if errors.is_empty() { Ok(()) } else { Err(Error::Invalid(errors)) }
}

/// Only members who are there have a stand-in (D45).
fn able(db: &mut Db, id: PersonId) -> Result<()> {
    is_able(db, id, false)
}

/// Only members who are there stand in (D45); and no auditors, who change nothing (D33).
fn decides(db: &mut Db, id: PersonId) -> Result<()> {
    is_able(db, id, true)
}

fn is_able(db: &mut Db, id: PersonId, decides: bool) -> Result<()> {
    let person = directory::store::person(db, id)?;
    let audits = decides && person.auditor && !person.administrator;
    if person.enabled && person.kind == Kind::Member && !audits {
        return Ok(());
    }
    Err(Error::invalid("who", NOBODY))
}

fn about(period: &Period) -> About {
    About::nothing().person(period.person.0, period.person.1.clone())
}

/// Ends a period early. False where it was over already.
///
/// # Errors
/// `Missing` if there is none; `Stale` when somebody ended it meanwhile.
pub fn end(tx: &mut Tx<'_>, permit: &Permit<EndStandIn>, id: StandInId) -> Result<bool> {
    if permit.about() != id.0 {
        return Err(Error::Missing);
    }
    let now = tx.now();
    let period = store::one(tx.db(), id)?;
    if period.ended_at.is_some() || period.ends_at <= now {
        return Ok(false);
    }
    // A decision that holds the two is recorded first (E9).
    lock_people(tx, &[period.person.0, period.stand_in.0])?;
    end_now(tx, &period)?;
    Ok(true)
}

fn end_now(tx: &mut Tx<'_>, period: &Period) -> Result<()> {
    let now = tx.now();
    store::end(tx, period, now)?;
    let fact = Fact::StandInEnded {
        stand_in: period.stand_in.1.clone(),
        early: true,
        period: Some(period.id),
    };
    tx.record(&fact, about(period))
}

/// The time of a period is over. False when somebody was faster.
///
/// # Errors
/// `Stale` when somebody ended it meanwhile.
pub fn end_due(tx: &mut Tx<'_>, id: StandInId) -> Result<bool> {
    let now = tx.now();
    let period = store::one(tx.db(), id)?;
    if period.ended_at.is_some() || period.ends_at > now {
        return Ok(false);
    }
    store::end(tx, &period, period.ends_at)?;
    let fact = Fact::StandInEnded {
        stand_in: period.stand_in.1.clone(),
        early: false,
        period: Some(period.id),
    };
    tx.record(&fact, about(&period).due(period.ends_at))?;
    Ok(true)
}

/// A person has left (D26): nobody stands in for them any more, nor they for anybody.
///
/// # Errors
/// `Stale` when something of it changed meanwhile.
pub fn leaver(tx: &mut Tx<'_>, person: PersonId) -> Result<()> {
    for period in store::open_of(tx.db(), person)? {
        if period.ends_at <= tx.now() {
            end_due(tx, period.id)?;
        } else {
            end_now(tx, &period)?;
        }
    }
    Ok(())
}
