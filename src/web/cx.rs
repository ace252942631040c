//! What a page's handler is handed: who asks, for what, with which words.

use std::cell::Cell;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::sync::Arc;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Nullable, Text};

use super::form::Form;
use super::page::{NavItem, Notice, Place, Shell, Who};
use super::paging::{Cursor, Key};
use super::routes::Pages;
use super::session::Session;
use super::{csrf, draft, session, words};
use crate::access::{Actor, Person};
use crate::db::columns::Uid;
use crate::db::{By, Db, Tx, awaited};
use crate::error::{Error, Result};
use crate::kernel::text::one_line;
use crate::kernel::{Ts, Zone};
use crate::site::Site;

/// See the head of this file.
pub struct Cx {
    /// The installation.
    pub site: Arc<Site>,
    pub(super) pages: Arc<Pages>,
    pub(super) asked: Asked,
    pub(super) form: Form,
    pub(super) session: Option<Session>,
    pub(super) actor: Option<Actor>,
    pub(super) notice: Option<Notice>,
    pub(super) attempt: Option<String>,
    pub(super) shown: Cell<bool>,
}

/// The longest words of a browser about itself that are kept.
const AGENT_MAX: usize = 300;

/// The request as it came.
#[derive(Default)]
pub(super) struct Asked {
    pub(super) post: bool,
    pub(super) head: bool,
    pub(super) path: String,
    pub(super) query_text: String,
    pub(super) query: Form,
    pub(super) parts: Vec<(String, String)>,
    pub(super) fetch_site: Option<String>,
    pub(super) origin: Option<String>,
    pub(super) referer: Option<String>,
    pub(super) peer: Option<IpAddr>,
    /// What the browser says of itself, at most [`AGENT_MAX`] characters.
    pub(super) agent: Option<String>,
    /// The body could not be read: the status that says why.
    pub(super) unreadable: Option<u16>,
    /// The session could not be loaded.
    pub(super) trouble: bool,
    /// The path is there, but not this method: the methods that are.
    pub(super) allowed: Option<String>,
}

impl Asked {
    /// What a browser says of itself, tidied and short enough to keep.
    pub(super) fn agent(header: &str) -> String {
        one_line(header).chars().take(AGENT_MAX).collect()
    }

    pub(super) fn method(&self) -> &'static str {
        match (self.post, self.head) {
            (true, _) => "POST",
            (_, true) => "HEAD",
            _ => "GET",
        }
    }
}

/// Travels as an error to where a redirect is made: the address was not worth keeping.
#[derive(Debug)]
pub(super) struct Redirect(pub(super) String);

impl fmt::Display for Redirect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "go to {}", self.0)
    }
}

impl std::error::Error for Redirect {}

impl Cx {
    /// Who is signed in.
    #[must_use]
    pub fn actor(&self) -> Option<&Actor> {
        self.actor.as_ref()
    }

    /// The person who is signed in.
    ///
    /// # Errors
    /// `Denied` when nobody is.
    pub fn person(&self) -> Result<&Person> {
        self.actor
            .as_ref()
            .and_then(Actor::enabled_person)
            .ok_or_else(|| Error::Denied("Sign in first.".into()))
    }

    /// In whose name this request writes.
    ///
    /// # Errors
    /// `Denied` when nobody is signed in.
    pub fn by(&self) -> Result<By> {
        Ok(By::Person(self.person()?.id))
    }

    /// Business time.
    #[must_use]
    pub fn now(&self) -> Ts {
        self.site.db.clocks().business.now()
    }

    /// Wall time.
    #[must_use]
    pub fn wall(&self) -> Ts {
        self.site.db.clocks().wall.now()
    }

    /// The organization's days, and the clock of whoever is signed in.
    #[must_use]
    pub fn zone(&self) -> Zone {
        let reader = self.actor.as_ref().and_then(Actor::enabled_person);
        self.site.db.zone().with_clock_of(reader.and_then(|person| person.clock))
    }

    /// A part of the path as an id.
    ///
    /// # Errors
    /// `Missing` when it is none: nothing has such an address.
    pub fn id<T: FromStr>(&self, name: &str) -> Result<T> {
        self.part(name).parse().map_err(|_| Error::Missing)
    }

    /// A part of the path as it came; empty if the route has no such part.
    #[must_use]
    pub fn part(&self, name: &str) -> &str {
        self.asked.parts.iter().find(|(n, _)| n == name).map_or("", |(_, value)| value)
    }

    /// The first value of the query; empty if the name is not there.
    #[must_use]
    pub fn query(&self, name: &str) -> &str {
        self.asked.query.raw(name)
    }

    /// All names and values of the query.
    #[must_use]
    pub fn query_pairs(&self) -> &[(String, String)] {
        self.asked.query.pairs()
    }

    /// Where in a list the page starts; none for the first page.
    ///
    /// # Errors
    /// A redirect to the first page when the cursor is none of this list (E3).
    pub fn cursor<K: Key>(&self, name: &str) -> Result<Option<Cursor<K>>> {
        let text = self.query(name);
        if text.is_empty() {
            return Ok(None);
        }
        match Cursor::decode(text) {
            Some(cursor) => Ok(Some(cursor)),
            None => {
                let mut rest = self.asked.query.clone();
                rest.remove(name);
                let first = match rest.encoded() {
                    query if query.is_empty() => self.path().to_owned(),
                    query => format!("{}?{query}", self.path()),
                };
                Err(Error::Broken(Redirect(first).into()))
            }
        }
    }

    /// What the form carried; empty for a GET.
    #[must_use]
    pub fn form(&self) -> &Form {
        &self.form
    }

    /// The path that was asked for.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.asked.path
    }

    /// The path with its query.
    #[must_use]
    pub fn address(&self) -> String {
        if self.asked.query_text.is_empty() {
            self.asked.path.clone()
        } else {
            format!("{}?{}", self.asked.path, self.asked.query_text)
        }
    }

    /// The network address of the person's computer, as far as it is known.
    #[must_use]
    pub fn peer(&self) -> Option<IpAddr> {
        self.asked.peer
    }

    /// Reads with one connection.
    ///
    /// # Errors
    /// What `f` returns, or `Busy`.
    pub fn read<T>(&self, f: impl FnOnce(&mut Db) -> Result<T>) -> Result<T> {
        self.site.db.read(f)
    }

    /// Runs a command in one transaction, in the name of the person who is signed in.
    ///
    /// # Errors
    /// What `f` returns; `Denied` when nobody is signed in.
    pub fn write<T, F>(&self, f: F) -> Result<T>
    where
        T: Send + 'static,
        F: Fn(&mut Tx<'_>) -> Result<T> + Send + Sync + 'static,
    {
        self.site.db.write(self.by()?, f)
    }

    /// The token for the forms of this page; empty before sign-in.
    #[must_use]
    pub fn csrf(&self) -> String {
        match (&self.actor, &self.session) {
            (Some(_), Some(session)) => csrf::masked(&session.csrf),
            _ => String::new(),
        }
    }

    /// When the person proved who they are, by wall time.
    #[must_use]
    pub fn signed_in_at(&self) -> Option<Ts> {
        self.actor.as_ref().and(self.session.as_ref()).map(|session| session.auth_time)
    }

    /// The session's hash, by which lists tell it from others.
    #[must_use]
    pub fn session_hash(&self) -> &str {
        self.session.as_ref().map_or("", |session| session.hash.as_str())
    }

    /// The provider's token of this session, for signing out there.
    #[must_use]
    pub fn id_token(&self) -> Option<&str> {
        self.actor.as_ref()?;
        self.session.as_ref()?.id_token.as_deref()
    }

    /// What the cookie of a sign-in under way carries, for at most ten minutes.
    #[must_use]
    pub fn attempt(&self) -> Option<&str> {
        self.attempt.as_deref()
    }

    /// What the person had typed into this page's form when their earlier session ended (E22). It is there once.
    #[must_use]
    pub fn refill(&self) -> Option<Form> {
        self.actor.as_ref()?;
        let session = self.session.clone()?;
        let draft = session.draft.clone()?;
        let (path, _) = draft.path.split_once('?').unwrap_or((&draft.path, ""));
        if path != self.path() || self.asked.head {
            return None;
        }
        let from = draft.session.clone();
        let taken = self.site.db.write(session::BY, move |tx| {
            let taken = draft::take(tx, &from)?;
            session::forget_draft(tx, &session)?;
            Ok(taken)
        });
        let sealed = match taken {
            Ok(sealed) => sealed?,
            Err(error) => {
                tracing::warn!(%error, "a draft could not be taken");
                return None;
            }
        };
        draft::open(&self.site.keys.drafts, &draft.session, &draft.path, &sealed)
    }

    /// The shell around a page: `title` is "Task – Section".
    ///
    /// # Errors
    /// When the database does not answer.
    pub fn shell(&self, title: impl Into<String>, place: Place) -> Result<Shell> {
        let counts = match &self.actor {
            Some(Actor::Person(person)) => self.read(|db| counts(db, person))?,
            _ => Counts::default(),
        };
        Ok(self.shell_without_reading(title.into(), place, counts))
    }

    /// The shell when the database may not answer.
    pub(super) fn shell_without_reading(
        &self,
        title: String,
        place: Place,
        counts: Counts,
    ) -> Shell {
        let (now, zone) = (self.now(), self.zone());
        let person = self.actor.as_ref().and_then(Actor::enabled_person);
        self.shown.set(true);
        Shell {
            title,
            place,
            organization: self.site.organization.clone(),
            who: person.map(|p| Who { id: p.id.to_string(), name: p.name.clone() }),
            nav: person.map_or_else(Vec::new, |person| nav(person, &counts)),
            unread: words::badge(counts.unread),
            notice: self.notice.clone(),
            errors: vec![],
            csrf: self.csrf(),
            demo: self.site.demo,
            zone: words::zone_words(now, zone),
            printed: words::stamp(now, zone),
            theme: None,
            help: counts
                .help
                .filter(|help| !help.is_empty())
                .unwrap_or_else(|| self.site.help.clone()),
            idle: self.idle(),
            keys: person.is_some() && counts.keys,
        }
    }

    /// Seconds until the session ends if nothing happens.
    fn idle(&self) -> Option<u32> {
        self.actor.as_ref()?;
        let left = self.session.as_ref()?.expires.seconds_since(self.wall());
        u32::try_from(left).ok()
    }
}

/// The places that this person may use.
fn nav(person: &Person, counts: &Counts) -> Vec<NavItem> {
    let item = |place, href, label| NavItem { place, href, label, count: None };
    let mut nav = vec![
        item(Place::Home, "/", "Home"),
        item(Place::Browse, "/packages", "Browse"),
        item(Place::Access, "/access", "My access"),
        item(Place::Requests, "/requests", "Requests"),
        NavItem {
            count: words::badge(counts.waiting),
            ..item(Place::Approvals, "/approvals", "Approvals")
        },
    ];
    if counts.reviewer > 0 || person.administrator || person.auditor || !person.owns.is_empty() {
        let count = words::badge(counts.reviews);
        nav.push(NavItem { count, ..item(Place::Reviews, "/reviews", "Reviews") });
    }
    if counts.reports > 0 {
        nav.push(item(Place::Team, "/team", "My team"));
    }
    let reads_all = person.administrator || person.auditor;
    if reads_all || !person.owns.is_empty() {
        nav.push(item(Place::Catalogs, "/catalogs", "Catalogs"));
    }
    if reads_all {
        nav.push(item(Place::Audit, "/audit", "Audit log"));
    }
    nav
}

/// What the shell counts; nobody counts beyond ten.
#[derive(Clone, Debug, Default, QueryableByName)]
pub(super) struct Counts {
    /// Stages that wait for the person's decision.
    #[diesel(sql_type = BigInt)]
    waiting: i64,
    /// Notices that the person has not marked as read.
    #[diesel(sql_type = BigInt)]
    unread: i64,
    /// False where the person has switched single-letter shortcuts off (F4).
    #[diesel(sql_type = Bool)]
    keys: bool,
    /// One where somebody reports to the person.
    #[diesel(sql_type = BigInt)]
    reports: i64,
    /// One where the person is or was asked in a review.
    #[diesel(sql_type = BigInt)]
    reviewer: i64,
    /// Items of open reviews that wait for the person's own answer.
    #[diesel(sql_type = BigInt)]
    reviews: i64,
    /// Whom to ask for help, if the organization's settings say it.
    #[diesel(sql_type = Nullable<Text>)]
    help: Option<String>,
}

/// The others in whose place the person answers now (D34), as a part of a condition. Only ids stand in it.
fn places(person: &Person) -> String {
    let all: Vec<String> =
        person.stands_for.iter().map(|stands| format!("'{}'", stands.person)).collect();
    if all.is_empty() { String::new() } else { format!(" OR person_id IN ({})", all.join(", ")) }
}

/// All of them in the one statement that a page has for them (E32).
fn counts(db: &mut Db, person: &Person) -> Result<Counts> {
    let all = format!(
        "SELECT \
        (SELECT count(*) FROM (SELECT 1 FROM stage_approvers WHERE {} LIMIT 10) AS w) AS waiting, \
        (SELECT count(*) FROM (SELECT 1 FROM notices WHERE person_id = $1 AND read_at IS NULL LIMIT 10) AS n) AS unread, \
        COALESCE((SELECT shortcuts FROM profiles WHERE person_id = $2), TRUE) AS keys, \
        (SELECT count(*) FROM (SELECT 1 FROM people WHERE manager_id = $3 AND enabled LIMIT 1) AS r) AS reports, \
        (SELECT count(*) FROM (SELECT 1 FROM review_reviewers WHERE person_id = $4{} LIMIT 1) AS v) AS reviewer, \
        (SELECT count(*) FROM (SELECT 1 FROM review_reviewers r JOIN review_instances i ON i.id = r.instance_id AND i.state = 'open' \
        JOIN review_items t ON t.pool_id = r.pool_id AND t.answer IS NULL AND t.outcome IS NULL \
        WHERE r.person_id = $5 AND (t.person_id <> r.person_id OR EXISTS (SELECT 1 FROM review_pools o WHERE o.id = r.pool_id AND o.via = 'self')) LIMIT 10) AS t) AS reviews, \
        (SELECT value FROM settings WHERE name = 'organization.help') AS help",
        awaited(person),
        places(person)
    );
    let me = person.id;
    let all = diesel::sql_query(all)
        .bind::<Uid, _>(me)
        .bind::<Uid, _>(me)
        .bind::<Uid, _>(me)
        .bind::<Uid, _>(me)
        .bind::<Uid, _>(me);
    Ok(all.get_result(db)?)
}
