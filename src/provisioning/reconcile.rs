//! Intended against actual, one right at a time: idempotent, leased, fenced.
//!
//! The order matters. Before the first write the target is read: what is there then was there before us (D22),
//! and that is stored before anything is written, so that a write with an unknown outcome is never mistaken for it.

use super::connectors::{Account, Connector, Grant, Targets, Trouble};
use super::reviewing;
use crate::assignments::commands::about_right;
use crate::assignments::model::RightState;
use crate::assignments::rights::{self, Claiming, Seen, Work};
use crate::db::{By, Database, Tx, lock_people};
use crate::error::{Error, Result};
use crate::kernel::{About, Fact, Ts};

/// As many rights as one claim takes.
const CLAIM: i64 = 20;
/// How long a claim is good for, in seconds of wall time.
const LEASE: i64 = 150;
/// A claim that is older is renewed before the target is called: no call takes longer than the rest of it, for no
/// target's time-out is longer than 120 seconds.
const FRESH: i64 = 20;
/// The longest pause between two tries, in seconds.
const PAUSE_MAX: i64 = 900;
/// A removal that is not confirmed after this many seconds of business time is told to the owners (D24).
const OVERDUE: i64 = 3_600;

/// What came of one right.
enum Outcome {
    Confirmed(RightState),
    Trouble {
        code: String,
        words: String,
    },
    /// The wish changed, or the lease was lost: somebody else goes on.
    Superseded,
}

/// Works on everything that is due at one target; returns how many things were done.
///
/// # Errors
/// When the database does not answer.
pub fn run_target(db: &Database, targets: &Targets, name: &str) -> Result<usize> {
    let Some(connector) = targets.get(name) else { return Ok(0) };
    let mut done = reviewing::run_target(db, &*connector, name)?;
    loop {
        let target = name.to_owned();
        let claimed = db.write(By::System("Keyholder"), move |tx| {
            let until = tx.wall().plus_seconds(LEASE);
            rights::claim(tx, &Claiming::Of(&target), until, CLAIM)
        })?;
        if claimed.is_empty() {
            return Ok(done);
        }
        done += claimed.len();
        let since = db.clocks().wall.now();
        for work in claimed {
            let right = work.right;
            let mut hand = Hand { db, connector: &*connector, work: &work, since };
            let outcome = hand.work();
            match outcome.and_then(|outcome| settle(db, work, outcome)) {
                Ok(()) => {}
                Err(Error::Busy) => return Err(Error::Busy),
                // One broken row holds up nobody else; it is tried again when its claim is over.
                Err(error) => tracing::error!(%error, %right, "cannot work on a right"),
            }
        }
    }
}

/// Rights of targets that are configured no longer: nobody can work on them, and their owners see why.
///
/// # Errors
/// When the database does not answer.
pub fn run_unknown(db: &Database, targets: &Targets) -> Result<usize> {
    let names: Vec<String> = targets.names().map(str::to_owned).collect();
    let done = reviewing::run_unknown(db, &names)?;
    let claimed = db.write(By::System("Keyholder"), move |tx| {
        let until = tx.wall().plus_seconds(LEASE);
        rights::claim(tx, &Claiming::NotOf(&names), until, CLAIM)
    })?;
    let count = done + claimed.len();
    for work in claimed {
        let trouble = Trouble::Misconfigured(format!(
            "no target system named “{}” is configured",
            work.target
        ));
        settle(db, work, troubled(&trouble))?;
    }
    Ok(count)
}

/// Tells the owners of removals that are not confirmed an hour after they were asked for (D24).
///
/// # Errors
/// When the database does not answer.
pub fn tell_overdue(db: &Database) -> Result<usize> {
    db.write(By::System("Keyholder"), |tx| {
        let before = tx.now().plus_seconds(-OVERDUE);
        let late = rights::overdue(tx, before, 100)?;
        for late in &late {
            let person = (late.person.0, late.person.1.as_str());
            let about = about_right(tx, late.right, person, late.catalog, &late.resource)?;
            let (role, target) = (late.role.clone(), late.target.clone());
            tx.record(&Fact::RemovalOverdue { role, target }, about)?;
        }
        Ok(late.len())
    })
}

/// Works on one right, as long as the claim is its own.
struct Hand<'a> {
    db: &'a Database,
    connector: &'a dyn Connector,
    work: &'a Work,
    since: Ts,
}

/// What the target answered; none when the claim was lost before it was asked.
type Answer<T> = Result<Option<Result<T, Trouble>>>;

/// Takes the answer, or says that somebody else goes on.
macro_rules! asked {
    ($answer:expr) => {
        match $answer? {
            Some(answer) => answer,
            None => return Ok(Outcome::Superseded),
        }
    };
}

impl Hand<'_> {
    fn work(&mut self) -> Result<Outcome> {
        let work = self.work;
        let held_before = match work.held_before {
            Some(held) => held,
            None => match asked!(self.holds()) {
                Ok(held) => {
                    if !save(self.db, work, Seen::Before(held))? {
                        return Ok(Outcome::Superseded);
                    }
                    held
                }
                Err(Trouble::NoAccount(_)) if !work.wanted => {
                    return Ok(Outcome::Confirmed(RightState::Gone));
                }
                Err(trouble) => return Ok(troubled(&trouble)),
            },
        };
        if work.wanted { self.add(held_before) } else { self.remove(held_before) }
    }

    fn add(&mut self, held_before: bool) -> Result<Outcome> {
        if held_before {
            match asked!(self.holds()) {
                Ok(true) => return Ok(Outcome::Confirmed(RightState::Present)),
                Ok(false) => {}
                Err(trouble) => return Ok(troubled(&trouble)),
            }
        }
        if let Err(trouble) = asked!(self.change(true)) {
            return Ok(troubled(&trouble));
        }
        Ok(read_back(asked!(self.holds()), true))
    }

    fn remove(&mut self, held_before: bool) -> Result<Outcome> {
        if held_before && !self.work.managed_here {
            return Ok(Outcome::Confirmed(RightState::Kept));
        }
        match asked!(self.change(false)) {
            // Whoever has no account there has no right there either.
            Err(Trouble::NoAccount(_)) => return Ok(Outcome::Confirmed(RightState::Gone)),
            Err(trouble) => return Ok(troubled(&trouble)),
            Ok(()) => {}
        }
        Ok(read_back(asked!(self.holds()), false))
    }

    fn holds(&mut self) -> Answer<bool> {
        if !self.keep()? {
            return Ok(None);
        }
        let (who, what) = (self.who(), self.what());
        Ok(Some(self.connector.holds(&who, &what)))
    }

    fn change(&mut self, add: bool) -> Answer<()> {
        if !self.keep()? {
            return Ok(None);
        }
        // The same wish has the same key, however often it is tried (E14).
        let key = format!("{}:{}", self.work.right, self.work.generation);
        let (who, what) = (self.who(), self.what());
        Ok(Some(if add {
            self.connector.add(&who, &what, &key)
        } else {
            self.connector.remove(&who, &what, &key)
        }))
    }

    fn who(&self) -> Account {
        Account {
            external_id: self.work.external_id.clone(),
            name: self.work.person_name.clone(),
            mail: self.work.mail.clone(),
        }
    }

    fn what(&self) -> Grant<'_> {
        Grant { resource: &self.work.address, role: &self.work.role_value }
    }

    /// Is the right ours for as long as the next call may take?
    fn keep(&mut self) -> Result<bool> {
        let now = self.db.clocks().wall.now();
        if now.seconds_since(self.since) < FRESH {
            return Ok(true);
        }
        self.since = now;
        let work = self.work.clone();
        self.db.write(By::System("Keyholder"), move |tx| {
            let until = tx.wall().plus_seconds(LEASE);
            rights::renew(tx, &work, until)
        })
    }
}

fn read_back(answer: Result<bool, Trouble>, wanted: bool) -> Outcome {
    match (answer, wanted) {
        (Ok(true), true) => Outcome::Confirmed(RightState::Present),
        (Ok(false), false) | (Err(Trouble::NoAccount(_)), false) => {
            Outcome::Confirmed(RightState::Gone)
        }
        (Ok(_), _) => Outcome::Trouble {
            code: "not_confirmed".into(),
            words: "it said that it was done, but a read right after shows otherwise".into(),
        },
        (Err(trouble), _) => troubled(&trouble),
    }
}

fn troubled(trouble: &Trouble) -> Outcome {
    Outcome::Trouble { code: trouble.code().to_owned(), words: trouble.to_string() }
}

fn save(db: &Database, work: &Work, seen: Seen) -> Result<bool> {
    let work = work.clone();
    db.write(By::System("Keyholder"), move |tx| rights::save_seen(tx, &work, &seen))
}

/// Five seconds, then twice as long each time, up to a quarter of an hour.
fn pause(attempts: i64) -> i64 {
    let doublings = u32::try_from(attempts.clamp(0, 10)).unwrap_or(10);
    (5 * 2_i64.pow(doublings)).min(PAUSE_MAX)
}

fn settle(db: &Database, work: Work, outcome: Outcome) -> Result<()> {
    db.write(By::System("Keyholder"), move |tx| match &outcome {
        Outcome::Superseded => Ok(()),
        Outcome::Trouble { code, words } => {
            let next = tx.wall().plus_seconds(pause(work.attempts));
            let seen = Seen::Trouble { code: code.clone(), words: words.clone(), next };
            // Told once for each kind of trouble, not at each try.
            if rights::save_seen(tx, &work, &seen)? && work.trouble_code.as_ref() != Some(code) {
                let fact = Fact::DeliveryTroubled {
                    role: work.role_name.clone(),
                    target: work.target.clone(),
                    removing: !work.wanted,
                    code: code.clone(),
                    words: words.clone(),
                };
                let about = about(tx, &work)?;
                tx.record(&fact, about)?;
            }
            Ok(())
        }
        Outcome::Confirmed(state) => {
            // Of two rights that are confirmed at once, the second sees the first (E9): their request is delivered.
            lock_people(tx, &[work.person])?;
            let held_before = match work.held_before {
                Some(held) => held,
                None => rights::held_before(tx.db(), work.right)?,
            };
            if !rights::save_seen(tx, &work, &Seen::Confirmed(*state))? {
                return Ok(());
            }
            let (role, target) = (work.role_name.clone(), work.target.clone());
            let about = about(tx, &work)?;
            match state {
                RightState::Present => {
                    if held_before {
                        let fact =
                            Fact::RightHeldBefore { role: role.clone(), target: target.clone() };
                        tx.record(&fact, about.clone())?;
                    }
                    tx.record(&Fact::RightDelivered { role, target }, about)?;
                    for assignment in rights::delivered_by(tx.db(), work.right)? {
                        crate::requests::commands::delivered(tx, assignment)?;
                    }
                    Ok(())
                }
                RightState::Kept => tx.record(&Fact::RightKept { role, target }, about),
                _ => tx.record(&Fact::RightRemoved { role, target }, about),
            }
        }
    })
}

fn about(tx: &mut Tx<'_>, work: &Work) -> Result<About> {
    let person = (work.person, work.person_name.as_str());
    about_right(tx, work.right, person, work.catalog, &work.resource_name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d24_the_pause_doubles_up_to_a_quarter_of_an_hour() {
        assert_eq!((pause(0), pause(1), pause(5), pause(8), pause(60)), (5, 10, 160, 900, 900));
    }
}
