//! Mails on their way: claimed one at a time, sent at least once, settled.
//!
//! Whatever happens between the server's yes and our commit, the mail is sent again under the same Message-ID.

use super::letters::Letter;
use super::mailer::{Mailer, Parcel, Round, Trouble};
use super::model::{State, Told};
use super::rules::{Reader, next_try};
use super::store::{self, Claim};
use crate::db::{By, Database};
use crate::error::Result;
use crate::kernel::Ts;

const BY: By = By::System("Keyholder");
/// How long a claim is good for, in seconds of wall time: longer than any server takes for one mail.
const LEASE: i64 = 600;
/// As many mails as one turn sends over one connection.
const TURN: usize = 50;

/// What came of one mail.
enum Outcome {
    Sent,
    Trouble(Trouble),
    /// Nobody needs it any more.
    Dropped(&'static str),
}

/// Sends what is due; returns how many mails were tried. Ends early when the server cannot be used.
///
/// # Errors
/// When the database does not answer.
pub fn run(db: &Database, mailer: &Mailer) -> Result<usize> {
    let mut round = mailer.round();
    for done in 0..TURN {
        let wall = db.clocks().wall.now();
        if !db.read(|c| store::is_due(c, wall))? {
            return Ok(done);
        }
        let claimed = db.write(BY, |tx| {
            let until = tx.wall().plus_seconds(LEASE);
            store::claim(tx, until)
        })?;
        let Some(claim) = claimed else { return Ok(done) };
        let outcome = deliver(db, &mut round, mailer, &claim)?;
        let over = matches!(outcome, Outcome::Trouble(Trouble::Server(_)));
        settle(db, claim, outcome)?;
        if over {
            return Ok(done + 1);
        }
    }
    Ok(TURN)
}

fn deliver(
    db: &Database,
    round: &mut Round<'_>,
    mailer: &Mailer,
    claim: &Claim,
) -> Result<Outcome> {
    let (now, zone) = (db.clocks().business.now(), db.zone());
    let (told, decides) = db.read(|c| {
        let told = store::told(c, &[claim.notice], zone)?.pop();
        let decides = match &told {
            Some(told) if matches!(told.reader, Reader::Decider | Reader::StandIn) => {
                store::still_decides(c, claim.notice, told.to.id, now)?
            }
            _ => true,
        };
        Ok((told, decides))
    })?;
    let Some(told) = told else { return Ok(Outcome::Dropped("the notice is gone")) };
    if !told.to.enabled {
        return Ok(Outcome::Dropped("the person has left"));
    }
    if !decides {
        return Ok(Outcome::Dropped("their decision is no longer awaited"));
    }
    Ok(match send(round, mailer, &told, db.clocks().wall.now()) {
        Ok(()) => Outcome::Sent,
        Err(trouble) => Outcome::Trouble(trouble),
    })
}

fn send(round: &mut Round<'_>, mailer: &Mailer, told: &Told, at: Ts) -> Result<(), Trouble> {
    let Some(address) = told.to.mail.as_deref().filter(|mail| !mail.trim().is_empty()) else {
        return Err(Trouble::Never("The person has no mail address in the staff list".into()));
    };
    let letter = Letter::of(told, &mailer.head)
        .map_err(|error| Trouble::Later(format!("The letter cannot be written: {error}")))?;
    round.send(&Parcel { id: told.notice, name: &told.to.name, address, letter: &letter, at })
}

fn settle(db: &Database, claim: Claim, outcome: Outcome) -> Result<()> {
    db.write(BY, move |tx| {
        let wall = tx.wall();
        let (state, next, words) = match &outcome {
            Outcome::Sent => (State::Sent, wall, None),
            Outcome::Dropped(why) => (State::Dropped, wall, Some(*why)),
            Outcome::Trouble(Trouble::Never(words)) => (State::Failed, wall, Some(words.as_str())),
            Outcome::Trouble(Trouble::Server(words) | Trouble::Later(words)) => {
                match next_try(claim.attempts, claim.since, wall) {
                    Some(next) => (State::Waiting, next, Some(words.as_str())),
                    None => (State::Failed, wall, Some(words.as_str())),
                }
            }
        };
        if let Some(words) = words {
            tracing::warn!(mail = %claim.notice, state = %state, words, "a mail was not sent");
        }
        // A claim that is lost is somebody else's; what they write stands.
        store::settle(tx, &claim, state, next, words).map(|_| ())
    })
}
