//! Intended against actual, one right at a time: idempotent, leased, fenced.
//!
//! The order matters. Before the first write the target is read: what is there then was there before us (D22),
//! and that is stored before anything is written, so that a write with an unknown outcome is never mistaken for it.

use super::connectors::{Account, Connector, Grant, Targets, Trouble};
use crate::assignments::commands::about_right;
use crate::assignments::model::RightState;
use crate::assignments::rights::{self, Claiming, Seen, Work};
use crate::db::{By, Database, Tx};
use crate::error::Result;
use crate::kernel::{About, Fact};

/// As many rights as one claim takes.
const CLAIM: i64 = 20;
/// How long a claim is good for, in seconds of wall time; longer than any connector's time-out.
const LEASE: i64 = 90;
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

/// Works on everything that is due at one target; returns how many rights were worked on.
///
/// # Errors
/// When the database does not answer.
pub fn run_target(db: &Database, targets: &Targets, name: &str) -> Result<usize> {
    let Some(connector) = targets.get(name) else { return Ok(0) };
    let mut done = 0;
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
        for work in claimed {
            let outcome = work_on(db, &*connector, &work)?;
            settle(db, work, outcome)?;
        }
    }
}

/// Rights of targets that are configured no longer: nobody can work on them, and their owners see why.
///
/// # Errors
/// When the database does not answer.
pub fn run_unknown(db: &Database, targets: &Targets) -> Result<usize> {
    let names: Vec<String> = targets.names().map(str::to_owned).collect();
    let claimed = db.write(By::System("Keyholder"), move |tx| {
        let until = tx.wall().plus_seconds(LEASE);
        rights::claim(tx, &Claiming::NotOf(&names), until, CLAIM)
    })?;
    let count = claimed.len();
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

fn work_on(db: &Database, connector: &dyn Connector, work: &Work) -> Result<Outcome> {
    let who = Account {
        external_id: work.external_id.clone(),
        name: work.person_name.clone(),
        mail: work.mail.clone(),
    };
    let what = Grant { resource: &work.address, role: &work.role_value };
    // The same wish has the same key, however often it is tried.
    let key = format!("{}:{}", work.right, work.generation);
    let held_before = match work.held_before {
        Some(held) => held,
        None => match connector.holds(&who, &what) {
            Ok(held) => {
                if !save(db, work, Seen::Before(held))? {
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
    Ok(if work.wanted {
        add(connector, &who, &what, &key, held_before)
    } else {
        remove(connector, &who, &what, &key, held_before && !work.managed_here)
    })
}

fn add(
    connector: &dyn Connector,
    who: &Account,
    what: &Grant<'_>,
    key: &str,
    held_before: bool,
) -> Outcome {
    if !held_before && let Err(trouble) = connector.add(who, what, key) {
        return troubled(&trouble);
    }
    match connector.holds(who, what) {
        Ok(true) => Outcome::Confirmed(RightState::Present),
        Ok(false) if held_before => match connector.add(who, what, key) {
            Ok(()) => read_back(connector.holds(who, what), true),
            Err(trouble) => troubled(&trouble),
        },
        other => read_back(other, true),
    }
}

fn remove(
    connector: &dyn Connector,
    who: &Account,
    what: &Grant<'_>,
    key: &str,
    keep: bool,
) -> Outcome {
    if keep {
        return Outcome::Confirmed(RightState::Kept);
    }
    match connector.remove(who, what, key) {
        // Whoever has no account there has no right there either.
        Err(Trouble::NoAccount(_)) => return Outcome::Confirmed(RightState::Gone),
        Err(trouble) => return troubled(&trouble),
        Ok(()) => {}
    }
    read_back(connector.holds(who, what), false)
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
