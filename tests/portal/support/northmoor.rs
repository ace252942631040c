//! The demo's company after its two months, on the database of the tests: with everybody's account at a real provider,
//! a real mail server, and a clock that stands until a test moves it.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use diesel::prelude::*;
use keyholder::db::schema::{facts, notices, packages, people, requests};
use keyholder::db::{Address, Database, Db, migrate};
use keyholder::demo::target::{DemoTarget, NAME, State};
use keyholder::demo::{self, ORGANIZATION, ZONE};
use keyholder::error::Result;
use keyholder::kernel::time::{Fixed, Shifted};
use keyholder::kernel::{Clocks, NoticeId, PackageId, PersonId, RequestId};
use keyholder::notify::letters::Letterhead;
use keyholder::notify::mailer::Mailer;
use keyholder::notify::{dispatch, post};
use keyholder::provisioning::connectors::{Account, Connector, Grant, Targets};
use keyholder::provisioning::reconcile;
use keyholder::requests::jobs;
use keyholder::reviews::{self, pack};
use keyholder::site::{Keys, SessionTimes, Site};
use keyholder::web::limit::Limits;
use url::Url;

use super::app::{HELP, Running, accounts, person, sign_in};
use super::browser::{Browser, Window};
use super::database::{FreshDatabase, Snapshot};
use super::mailbox::Mailbox;
use super::provider::Provider;
use super::visitor::Visitor;
use super::world::{at, undo_seconds};

/// A Wednesday morning, 10:00 in Stockholm.
const NOW: &str = "2026-03-04T09:00:00Z";

/// The company; gone when this is dropped.
pub struct Northmoor {
    /// Where the portal is.
    pub origin: String,
    /// Its database.
    pub db: Database,
    clock: Arc<Fixed>,
    target: Arc<DemoTarget>,
    targets: Arc<Targets>,
    mailbox: Mailbox,
    mailer: Arc<Mailer>,
    /// How many of the mails were looked at.
    seen: Mutex<usize>,
    /// What auditors check packs of reviews with.
    pack_public: String,
    _provider: Provider,
    _running: Running,
    _data: FreshDatabase,
}

/// The two months are written once, and copied for each test.
fn written() -> Option<&'static (Snapshot, State)> {
    static WRITTEN: OnceLock<Option<(Snapshot, State)>> = OnceLock::new();
    let write = || {
        let data = FreshDatabase::fresh()?;
        let address = Address::parse(data.url()).expect("an address");
        migrate::migrate(&address).expect("the schema");
        let clock = Arc::new(Fixed::at(at(NOW)));
        let clocks = Clocks { business: clock.clone(), wall: clock.clone() };
        let db = Database::open_scratch(&address, clocks, ZONE).expect("a database");
        let target = demo::fill(&db, &clock, at(NOW)).expect("the demo's story");
        drop(db);
        Some((data.snapshot(), target.state()))
    };
    WRITTEN.get_or_init(write).as_ref()
}

impl Northmoor {
    /// Opens it; none when the machine lacks a component.
    pub fn open() -> Option<Northmoor> {
        let (snapshot, state) = written()?;
        let (provider, mailbox) = (Provider::start(&accounts())?, Mailbox::start()?);
        let data = FreshDatabase::of(snapshot);
        let address = Address::parse(data.url()).expect("an address");
        let (clock, wall) = (Arc::new(Fixed::at(at(NOW))), Arc::new(Shifted::default()));
        let clocks = Clocks { business: clock.clone(), wall: wall.clone() };
        let db = Database::open(&address, clocks, ZONE).expect("a database");
        undo_seconds(&db, 0);
        let target = Arc::new(DemoTarget::in_memory(state.clone(), clock.clone()));
        let mut targets = Targets::default();
        targets.insert(NAME, Arc::clone(&target) as _);
        let targets = Arc::new(targets);
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let origin = format!("http://{}", listener.local_addr().expect("an address"));
        let public_url = Url::parse(&origin).expect("an address");
        let head = Letterhead {
            site: public_url.clone(),
            organization: ORGANIZATION.into(),
            help: HELP.into(),
            zone: ZONE,
        };
        let mailer = Arc::new(Mailer::new(mailbox.settings(), head).expect("good settings"));
        let oidc = sign_in(&provider, &public_url, wall);
        let pair = pack::generate().expect("a pair of keys");
        let pack_key = pack::signing_key(&pair.private).expect("a key");
        let site = Site {
            db: db.clone(),
            organization: ORGANIZATION.into(),
            help: HELP.into(),
            public_url,
            keys: Keys::random(),
            sessions: SessionTimes::default(),
            secure: false,
            demo: false,
            proxies: vec![],
            limits: Limits::per_minute(10_000, 10_000, 10_000, 10_000),
            mailer: Some(Arc::clone(&mailer)),
            targets: Arc::clone(&targets),
            oidc: Some(Arc::new(oidc)),
            first_administrator: None,
            pack_key: Some(Arc::new(pack_key)),
            controls: None,
        };
        let running = Running::start(listener, || site);
        Some(Northmoor {
            origin,
            db,
            clock,
            target,
            targets,
            mailbox,
            mailer,
            seen: Mutex::new(0),
            pack_public: pair.public.clone(),
            _provider: provider,
            _running: running,
            _data: data,
        })
    }

    /// Somebody who has signed in with an ordinary window.
    pub fn visit(&self, user: &str, javascript: bool) -> Option<Browser> {
        self.visit_as(user, javascript, Window::default())
    }

    /// Somebody who has signed in.
    pub fn visit_as(&self, user: &str, javascript: bool, window: Window) -> Option<Browser> {
        let browser = Browser::open_as(javascript, window)?;
        browser.goto(&self.origin);
        browser.click("link", "Sign in");
        browser.fill("User", user);
        browser.fill("Password", "secret");
        browser.click("button", "Sign in");
        assert!(browser.url().starts_with(&self.origin), "{user} is at {}", browser.url());
        assert_eq!(browser.status(), Some(200), "{user} reads: {}", browser.text());
        Some(browser)
    }

    /// The address of its database.
    pub fn database(&self) -> &str {
        self._data.url()
    }

    /// Opens a page of the portal.
    pub fn goto(&self, browser: &Browser, path: &str) {
        browser.goto(&format!("{}{path}", self.origin));
    }

    /// A file of the portal, as somebody saves it.
    pub fn download(&self, user: &str, path: &str) -> Vec<u8> {
        Visitor::signed_in(&self.origin, user).file(path)
    }

    /// The public key of packs of reviews.
    pub fn pack_public(&self) -> &str {
        &self.pack_public
    }

    /// Lets so many hours pass; everything that was due has happened then.
    pub fn pass_hours(&self, hours: i64) {
        self.clock.advance(hours * 3_600);
        self.run();
    }

    /// Lets so many days pass.
    pub fn pass_days(&self, days: i64) {
        self.pass_hours(24 * days);
    }

    /// Does everything that is due: timers, deliveries, mails.
    pub fn run(&self) {
        let turn = || -> Result<usize> {
            let timers = jobs::run_due(&self.db)? + reconcile::tell_overdue(&self.db)?;
            let timers = timers + reviews::jobs::run_due(&self.db)?;
            let delivered = reconcile::run_target(&self.db, &self.targets, NAME)?;
            let told = dispatch::run_for(&self.db, true)?;
            Ok(timers + delivered + told + post::run(&self.db, &self.mailer)?)
        };
        while turn().expect("the jobs run") > 0 {}
    }

    /// Reads.
    pub fn read<T>(&self, f: impl FnOnce(&mut Db) -> Result<T>) -> T {
        self.db.read(f).expect("the database answers")
    }

    /// The person of an id in the staff list.
    pub fn person(&self, id: &str) -> PersonId {
        person(&self.db, id)
    }

    /// A package by its name.
    pub fn package(&self, name: &str) -> PackageId {
        let found = packages::table.filter(packages::name.eq(name)).select(packages::id);
        self.read(|db| Ok(found.first(db)?))
    }

    /// The newest request for a package for somebody.
    pub fn request(&self, package: &str, person: &str) -> RequestId {
        let (package, person) = (self.package(package), self.person(person));
        let found = requests::table
            .filter(requests::package_id.eq(package).and(requests::target_id.eq(person)))
            .order((requests::created_at.desc(), requests::id.desc()))
            .select(requests::id);
        self.read(|db| Ok(found.first(db)?))
    }

    /// What somebody quotes of the newest request for each of these packages.
    pub fn references(&self, user: &str, of: &[&str]) -> Vec<String> {
        let ids: Vec<RequestId> = of.iter().map(|package| self.request(package, user)).collect();
        let found = requests::table.filter(requests::id.eq_any(ids)).select(requests::reference);
        self.read(|db| Ok(found.load(db)?))
    }

    /// Whether the target system has somebody in a group.
    pub fn is_in(&self, user: &str, group: &str) -> bool {
        let who = Account { external_id: user.into(), name: String::new(), mail: None };
        self.target.holds(&who, &Grant { resource: group, role: "member" }).expect("it answers")
    }

    /// What was mailed about somebody's access to a package since the last time, in order of names: to whom and the
    /// subject. Every mail went to the address of the person whom it is for, and none came twice.
    #[track_caller]
    pub fn mailed(&self, package: &str, user: &str) -> Vec<String> {
        self.mailed_of(&[package], user)
    }

    /// The same of several packages.
    #[track_caller]
    pub fn mailed_of(&self, of: &[&str], user: &str) -> Vec<String> {
        type Row = (NoticeId, Option<String>, String, Option<String>, Option<PersonId>);
        self.run();
        let rows = notices::table.inner_join(people::table).inner_join(facts::table).select((
            notices::id,
            people::mail,
            people::name,
            facts::package_name,
            facts::person_id,
        ));
        let rows: Vec<Row> = self.read(|db| Ok(rows.load(db)?));
        let rows: BTreeMap<String, &Row> = rows.iter().map(|r| (r.0.to_string(), r)).collect();
        let about = self.person(user);
        let all = self.mailbox.mails();
        let id = |at: usize| {
            let id = all[at].header["message-id"].trim_start_matches('<');
            id.split('@').next().unwrap_or_default().to_owned()
        };
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let mut told = Vec::new();
        for at in *seen..all.len() {
            let mail = &all[at];
            let (_, address, name, package, person) = rows[&id(at)];
            assert_eq!(mail.to, [address.clone().unwrap_or_default()], "{mail:?}");
            assert!((0..at).all(|earlier| id(earlier) != id(at)), "twice: {mail:?}");
            let package = package.as_deref().unwrap_or_default();
            if of.contains(&package) && *person == Some(about) {
                told.push(format!("{name}: {}", mail.subject));
            }
        }
        *seen = all.len();
        told.sort();
        told
    }
}
