//! Sessions: a random key in an encrypted cookie, its SHA-256 and the rest in the database.
//!
//! actix-session reads and writes the cookie. The gate writes the rows itself, in one transaction and before the
//! answer is made, so that a database that does not answer becomes a page and not half a sign-in; [`Store`] hands
//! the rows and keys over. Nothing is written for visitors who are not signed in (E23).

use std::collections::HashMap;
use std::sync::Arc;

use actix_session::storage::{LoadError, SaveError, SessionKey, SessionStore, UpdateError};
use actix_session::{SessionMiddleware, config::CookieContentSecurity};
use actix_web::cookie::SameSite;
use actix_web::cookie::time::Duration;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::access::Person;
use crate::db::schema::sessions;
use crate::db::{By, Db, Tx};
use crate::error::Result;
use crate::kernel::{PersonId, Ts};
use crate::site::{SessionTimes, Site};

/// The name of the cookie, before `__Host-`.
pub const COOKIE: &str = "keyholder";
/// In whose name rows are written.
pub const BY: By = By::System("sessions");
/// An ended session stays for an hour, for what had been typed (E22).
const AFTERLIFE_SECONDS: i64 = 3600;
/// The idle end moves in steps of a minute, so that most pages write nothing (E31).
const STEP_SECONDS: i64 = 60;

const SESSION: &str = "session";
const TROUBLE: &str = "trouble";
const KEY: &str = "key";

/// What a session remembers beside its columns.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct State {
    auth_time: Ts,
    id_token: Option<String>,
    roles: String,
    draft: Option<Draft>,
}

/// Where a draft waits: on which ended session, for which page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Draft {
    /// The hash of the ended session's key.
    pub session: String,
    /// The page's path and query.
    pub path: String,
}

/// A session that is about to begin.
#[derive(Clone, Debug)]
pub struct NewSession {
    /// Whose it is.
    pub person: PersonId,
    /// The token of its forms.
    pub csrf: String,
    /// When the person proved who they are; the absolute end counts from here.
    pub auth_time: Ts,
    /// The provider's token, for signing out there.
    pub id_token: Option<String>,
    /// What the person could do when it began ([`roles`]).
    pub roles: String,
    /// What the person had typed before.
    pub draft: Option<Draft>,
    /// What the browser said of itself.
    pub agent: Option<String>,
}

/// A session as it was loaded: one that lives, or one that ended within the last hour.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Session {
    /// The hash of its key.
    pub hash: String,
    /// Whose it is.
    pub person: PersonId,
    /// The token of its forms.
    pub csrf: String,
    /// When the person proved who they are.
    pub auth_time: Ts,
    /// The provider's token, for signing out there.
    pub id_token: Option<String>,
    /// What the person could do when it began.
    pub roles: String,
    /// What the person had typed before it.
    pub draft: Option<Draft>,
    /// When it ends if nothing happens.
    pub expires: Ts,
    /// False once it has ended.
    pub live: bool,
    /// The page whose draft waits on this ended session.
    pub kept: Option<String>,
}

/// What the person may do, in short: when it changes, the session gets a new id (E23).
#[must_use]
pub fn roles(person: &Person) -> String {
    let mut hash = Sha256::new();
    hash.update([u8::from(person.administrator), u8::from(person.auditor)]);
    for catalog in &person.owns {
        hash.update(catalog.0.as_bytes());
    }
    URL_SAFE_NO_PAD.encode(&hash.finalize()[..9])
}

/// The end: idle, but never later than the absolute one.
fn end_of(now: Ts, auth_time: Ts, times: SessionTimes) -> Ts {
    now.plus_seconds(times.idle_minutes * 60).min(auth_time.plus_hours(times.absolute_hours))
}

fn hash_of(key: &str) -> String {
    Sha256::digest(key).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Begins a session and returns its key, which only the cookie will hold.
///
/// # Errors
/// When the database does not answer.
pub fn begin(tx: &mut Tx<'_>, new: &NewSession, times: SessionTimes) -> Result<String> {
    let key = URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>());
    let state = State {
        auth_time: new.auth_time,
        id_token: new.id_token.clone(),
        roles: new.roles.clone(),
        draft: new.draft.clone(),
    };
    let now = tx.wall();
    diesel::insert_into(sessions::table)
        .values((
            sessions::key_hash.eq(hash_of(&key)),
            sessions::person_id.eq(new.person),
            sessions::state.eq(serde_json::to_string(&state)?),
            sessions::csrf.eq(&new.csrf),
            sessions::created_at.eq(now),
            sessions::expires_at.eq(end_of(now, new.auth_time, times)),
            sessions::agent.eq(&new.agent),
        ))
        .execute(tx.db())?;
    Ok(key)
}

/// Ends one session; one that has ended stays as it is. Returns whether it was alive.
///
/// # Errors
/// When the database does not answer.
pub fn end(tx: &mut Tx<'_>, hash: &str) -> Result<bool> {
    let now = tx.wall();
    let hit = diesel::update(sessions::table.find(hash).filter(sessions::ended_at.is_null()))
        .set(sessions::ended_at.eq(now))
        .execute(tx.db())?;
    Ok(hit == 1)
}

/// Whether a session still lives: a form may have been on its way when it was ended.
///
/// # Errors
/// When the database does not answer.
pub fn lives(db: &mut Db, hash: &str, now: Ts) -> Result<bool> {
    let living = sessions::table
        .find(hash)
        .filter(sessions::ended_at.is_null())
        .filter(sessions::expires_at.gt(now))
        .select(sessions::key_hash);
    Ok(living.first::<String>(db).optional()?.is_some())
}

/// Ends all sessions of a person: *sign out everywhere*, and leavers. Returns how many there were.
///
/// # Errors
/// When the database does not answer.
pub fn end_all(tx: &mut Tx<'_>, person: PersonId) -> Result<usize> {
    let now = tx.wall();
    let living = sessions::table
        .filter(sessions::person_id.eq(person))
        .filter(sessions::ended_at.is_null())
        .filter(sessions::expires_at.gt(now));
    Ok(diesel::update(living).set(sessions::ended_at.eq(now)).execute(tx.db())?)
}

/// A session of a person that is open.
#[derive(Clone, Debug)]
pub struct OpenSession {
    /// The hash of its key.
    pub hash: String,
    /// When the person proved who they are.
    pub since: Ts,
    /// When it ends if nothing happens.
    pub until: Ts,
    /// What the browser said of itself.
    pub agent: Option<String>,
}

/// The open sessions of a person at `now` by wall time, the newest first. One statement.
///
/// # Errors
/// When the database does not answer.
pub fn open(db: &mut Db, person: PersonId, now: Ts) -> Result<Vec<OpenSession>> {
    type Row = (String, String, Ts, Option<String>);
    let rows: Vec<Row> = sessions::table
        .filter(sessions::person_id.eq(person))
        .filter(sessions::ended_at.is_null())
        .filter(sessions::expires_at.gt(now))
        .order((sessions::created_at.desc(), sessions::key_hash))
        .select((sessions::key_hash, sessions::state, sessions::expires_at, sessions::agent))
        .load(db)?;
    let open = |(hash, state, until, agent): Row| {
        let State { auth_time, .. } = serde_json::from_str(&state)?;
        Ok(OpenSession { hash, since: auth_time, until, agent })
    };
    rows.into_iter().map(open).collect()
}

/// Ends one session of a person, or with `but` all others than that. Returns how many there were.
///
/// # Errors
/// When the database does not answer.
pub fn end_of_person(tx: &mut Tx<'_>, person: PersonId, which: Ending<'_>) -> Result<usize> {
    let now = tx.wall();
    let living = sessions::table
        .filter(sessions::person_id.eq(person))
        .filter(sessions::ended_at.is_null())
        .filter(sessions::expires_at.gt(now));
    let set = sessions::ended_at.eq(now);
    Ok(match which {
        Ending::One(hash) => {
            let one = living.filter(sessions::key_hash.eq(hash.to_owned()));
            diesel::update(one).set(set).execute(tx.db())?
        }
        Ending::AllBut(hash) => {
            let others = living.filter(sessions::key_hash.ne(hash.to_owned()));
            diesel::update(others).set(set).execute(tx.db())?
        }
    })
}

/// Which sessions of a person end.
#[derive(Clone, Copy, Debug)]
pub enum Ending<'a> {
    /// The one of this hash.
    One(&'a str),
    /// All but the one of this hash.
    AllBut(&'a str),
}

/// Deletes what ended more than an hour ago, drafts and all. Returns how many there were.
///
/// # Errors
/// When the database does not answer.
pub fn sweep(tx: &mut Tx<'_>) -> Result<usize> {
    let before = tx.wall().plus_seconds(-AFTERLIFE_SECONDS);
    let old =
        sessions::table.filter(sessions::expires_at.lt(before).or(sessions::ended_at.lt(before)));
    Ok(diesel::delete(old).execute(tx.db())?)
}

/// Moves the idle end on; returns the new one. Guarded: nothing happens to a session that has ended.
pub(super) fn touch(tx: &mut Tx<'_>, session: &Session, times: SessionTimes) -> Result<Ts> {
    let end = end_of(tx.wall(), session.auth_time, times);
    let row = sessions::table
        .find(&session.hash)
        .filter(sessions::ended_at.is_null())
        .filter(sessions::expires_at.lt(end.plus_seconds(-STEP_SECONDS)));
    diesel::update(row).set(sessions::expires_at.eq(end)).execute(tx.db())?;
    Ok(end)
}

/// True if the idle end should move on.
pub(super) fn is_due(session: &Session, now: Ts, times: SessionTimes) -> bool {
    end_of(now, session.auth_time, times).seconds_since(session.expires) > STEP_SECONDS
}

/// Forgets that a draft waits.
pub(super) fn forget_draft(tx: &mut Tx<'_>, session: &Session) -> Result<()> {
    let state = State {
        auth_time: session.auth_time,
        id_token: session.id_token.clone(),
        roles: session.roles.clone(),
        draft: None,
    };
    diesel::update(sessions::table.find(&session.hash))
        .set(sessions::state.eq(serde_json::to_string(&state)?))
        .execute(tx.db())?;
    Ok(())
}

type Row = (Option<PersonId>, String, Option<String>, Ts, Option<Ts>, Option<String>);

fn load(db: &mut Db, hash: String, now: Ts, times: SessionTimes) -> Result<Option<Session>> {
    let row: Option<Row> = sessions::table
        .find(&hash)
        .select((
            sessions::person_id,
            sessions::state,
            sessions::csrf,
            sessions::expires_at,
            sessions::ended_at,
            sessions::draft_path,
        ))
        .first(db)
        .optional()?;
    let Some((Some(person), state, Some(csrf), expires, ended, kept)) = row else {
        return Ok(None);
    };
    let state: State = serde_json::from_str(&state)?;
    // The configuration may have shortened sessions since the row was written.
    let expires = expires.min(state.auth_time.plus_hours(times.absolute_hours));
    let end = ended.unwrap_or(expires).min(expires);
    let live = ended.is_none() && now < expires;
    if !live && now.seconds_since(end) > AFTERLIFE_SECONDS {
        return Ok(None);
    }
    let State { auth_time, id_token, roles, draft } = state;
    Ok(Some(Session { hash, person, csrf, auth_time, id_token, roles, draft, expires, live, kept }))
}

/// Hands sessions from the database to the cookie's middleware.
#[derive(Clone)]
pub(super) struct Store(pub Arc<Site>);

type Map = HashMap<String, String>;

impl SessionStore for Store {
    async fn load(&self, key: &SessionKey) -> Result<Option<Map>, LoadError> {
        let (site, hash) = (Arc::clone(&self.0), hash_of(key.as_ref()));
        let loaded = actix_web::web::block(move || {
            let now = site.db.clocks().wall.now();
            site.db.read(|db| load(db, hash, now, site.sessions))
        })
        .await;
        let entry = match loaded {
            Ok(Ok(None)) => return Ok(None),
            Ok(Ok(Some(session))) => {
                let json = serde_json::to_string(&session);
                (SESSION, json.map_err(|e| LoadError::Other(e.into()))?)
            }
            // The gate answers with a page.
            Ok(Err(error)) => {
                tracing::error!(%error, "cannot load a session");
                (TROUBLE, "true".to_owned())
            }
            Err(error) => {
                tracing::error!(%error, "cannot load a session");
                (TROUBLE, "true".to_owned())
            }
        };
        Ok(Some(Map::from([(entry.0.to_owned(), entry.1)])))
    }

    async fn save(&self, state: Map, _: &Duration) -> Result<SessionKey, SaveError> {
        let broken = |words| SaveError::Other(anyhow::anyhow!("{words}"));
        let json = state.get(KEY).ok_or_else(|| broken("the gate begins sessions"))?;
        let key: String =
            serde_json::from_str(json).map_err(|e| SaveError::Serialization(e.into()))?;
        key.try_into().map_err(|_| broken("a key of a session is too long"))
    }

    async fn update(
        &self,
        key: SessionKey,
        _: Map,
        _: &Duration,
    ) -> Result<SessionKey, UpdateError> {
        Ok(key)
    }

    async fn update_ttl(&self, _: &SessionKey, _: &Duration) -> anyhow::Result<()> {
        Ok(())
    }

    async fn delete(&self, _: &SessionKey) -> anyhow::Result<()> {
        Ok(())
    }
}

/// The cookie's middleware.
pub(super) fn middleware(site: &Arc<Site>) -> SessionMiddleware<Store> {
    SessionMiddleware::builder(Store(Arc::clone(site)), site.keys.cookies.clone())
        .cookie_name(site.cookie_name(COOKIE))
        .cookie_secure(site.secure)
        .cookie_http_only(true)
        .cookie_same_site(SameSite::Lax)
        .cookie_path("/".to_owned())
        .cookie_content_security(CookieContentSecurity::Private)
        .build()
}

/// What the middleware loaded: the session, and whether the database did not answer.
pub(super) fn loaded(jar: &actix_session::Session) -> (Option<Session>, bool) {
    let session = jar.get::<Session>(SESSION).ok().flatten();
    (session, jar.contains_key(TROUBLE))
}

/// What the cookie does with the answer.
#[derive(Debug)]
pub(super) enum Handover {
    /// It holds this key from now on.
    Key(String),
    /// It goes.
    Gone,
}

impl Handover {
    pub(super) fn apply(self, jar: &actix_session::Session) {
        match self {
            Self::Gone => jar.purge(),
            Self::Key(key) => {
                jar.clear();
                if let Err(error) = jar.insert(KEY, key) {
                    tracing::error!(%error, "cannot hand over a session's key");
                }
                jar.renew();
            }
        }
    }
}
