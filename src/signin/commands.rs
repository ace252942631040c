//! What signing in and out writes.

use super::oidc::Identity;
use super::rules::{self, Candidate, No};
use super::store::{self, Choice};
use crate::access::{Actor, Permit, RunSystem, policy};
use crate::db::{By, Fixture, Tx};
use crate::directory::{self, GlobalRole};
use crate::error::{Error, Result};
use crate::kernel::text::{one_line, shortened};
use crate::kernel::{About, Fact, PersonId, Zone};
use crate::web::session::{self, Ending};

/// In whose name a sign-in is written until it is known whose it is.
pub const BY: By = By::System("Sign-in");
/// In whose name the first administrator gets the role.
const CONFIGURATION: By = By::System("The configuration");

/// Signs in whom the provider means, or says why not. The first sign-in pins the account; the first administrator
/// of the configuration gets the role as long as nobody has it (E21). Refusals that concern somebody of ours are
/// audited; nothing is written for strangers (E23).
///
/// # Errors
/// When the database does not answer.
pub fn sign_in(
    tx: &mut Tx<'_>,
    identity: &Identity,
    first_administrator: Option<&str>,
) -> Result<Result<PersonId, No>> {
    let permit = policy::run_system(tx.actor())?;
    let candidates = store::candidates(tx.db(), identity)?;
    let named = |key: &str| first_administrator.is_some_and(|first| first == key);
    let (person, name, known) = match rules::who(identity, &candidates) {
        Ok(Candidate { id, name, external_id, pin, .. }) => {
            if (named(&identity.person_key) || named(external_id))
                && !store::has_administrator(tx.db())?
            {
                appoint(tx, &permit, *id)?;
            }
            (*id, name.clone(), pin.is_some())
        }
        Err(No::Unknown) if named(&identity.person_key) && !store::has_administrator(tx.db())? => {
            let name = identity.name.clone().unwrap_or_else(|| identity.person_key.clone());
            let person = create(tx, &permit, identity, &name)?;
            appoint(tx, &permit, person)?;
            (person, name, false)
        }
        Err(no) => {
            refused(tx, identity, &no)?;
            return Ok(Err(no));
        }
    };
    if !known {
        store::pin(tx, person, identity)?;
    }
    let themselves = Fixture { at: tx.now(), by: By::Person(person) };
    tx.step(themselves, |tx| {
        if !known {
            let first = Fact::FirstSignIn { issuer: identity.issuer.clone() };
            tx.record(&first, About::nothing().person(person, &name))?;
        }
        tx.record(&Fact::SignedIn, About::nothing().person(person, &name))
    })?;
    Ok(Ok(person))
}

/// Ends all sessions of the person who acts, this one included. Returns how many there were.
///
/// # Errors
/// `Denied` for the system, which has none.
pub fn sign_out_everywhere(tx: &mut Tx<'_>) -> Result<usize> {
    let Actor::Person(person) = tx.actor().clone() else {
        return Err(Error::Denied("Sign in first.".into()));
    };
    let ended = session::end_all(tx, person.id)?;
    let fact = Fact::SignedOutEverywhere { sessions: i64::try_from(ended).unwrap_or(i64::MAX) };
    tx.record(&fact, About::nothing().person(person.id, person.name))?;
    Ok(ended)
}

/// Changes what the person who acts has chosen for themselves: a taste of one's own, and no fact.
///
/// # Errors
/// `Invalid` for a time zone that there is not; `Denied` for the system, which has no taste.
pub fn choose(tx: &mut Tx<'_>, choice: &Choice) -> Result<()> {
    let Some(person) = tx.actor().enabled_person().map(|person| person.id) else {
        return Err(Error::Denied("Sign in first.".into()));
    };
    if let Some(Some(name)) = &choice.time_zone
        && Zone::named(name).is_none()
    {
        let words = "Choose a time zone from the list, or write one such as Europe/Lisbon";
        return Err(Error::invalid("zone", words));
    }
    store::save_choice(tx, person, choice)
}

/// Ends one session of the person who acts, or all others than `own`; their own they leave by signing out.
/// Returns how many there were: none if they had ended meanwhile, and then nothing is recorded.
///
/// # Errors
/// `Denied` for the system, which has none.
pub fn end_sessions(tx: &mut Tx<'_>, own: &str, one: Option<&str>) -> Result<usize> {
    let Actor::Person(person) = tx.actor().clone() else {
        return Err(Error::Denied("Sign in first.".into()));
    };
    let which = match one {
        Some(one) if one == own => return Ok(0),
        Some(one) => Ending::One(one),
        None => Ending::AllBut(own),
    };
    let ended = session::end_of_person(tx, person.id, which)?;
    if ended > 0 {
        let fact = Fact::SessionsEnded { sessions: i64::try_from(ended).unwrap_or(i64::MAX) };
        tx.record(&fact, About::nothing().person(person.id, person.name))?;
    }
    Ok(ended)
}

fn appoint(tx: &mut Tx<'_>, permit: &Permit<RunSystem>, person: PersonId) -> Result<()> {
    let configuration = Fixture { at: tx.now(), by: CONFIGURATION };
    tx.step(configuration, |tx| {
        directory::commands::grant_role(tx, permit, person, GlobalRole::Administrator, true)
    })?;
    Ok(())
}

fn create(
    tx: &mut Tx<'_>,
    permit: &Permit<RunSystem>,
    identity: &Identity,
    name: &str,
) -> Result<PersonId> {
    let configuration = Fixture { at: tx.now(), by: CONFIGURATION };
    tx.step(configuration, |tx| {
        let mail = identity.mail.as_deref();
        directory::configured::add(tx, permit, &identity.person_key, name, mail)
    })
}

fn refused(tx: &mut Tx<'_>, identity: &Identity, no: &No) -> Result<()> {
    let Some((person, name, why)) = no.concerns() else { return Ok(()) };
    let subject = shortened(&one_line(&identity.subject), 120);
    let why = format!("{why} (account {subject} of {})", identity.issuer);
    tx.record(&Fact::SignInRefused { why }, About::nothing().person(person, name))
}
