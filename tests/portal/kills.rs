//! The program is killed twenty times while people work. What it has said is done is done, once.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use diesel::prelude::*;
use keyholder::db::schema::{facts, request_stages, requests, rights};
use keyholder::db::{Address, Database, migrate};
use keyholder::kernel::time::{Shifted, System};
use keyholder::kernel::{Clocks, PackageId, PersonId, RequestId, Risk, Zone};
use keyholder::{jobs, notify};
use openidconnect::reqwest;

use crate::support::app::{
    ENTRIES, TEAM, accounts, directory, fill, package, person, resource, targets, terms,
};
use crate::support::database::FreshDatabase;
use crate::support::invariants;
use crate::support::ldap::Slapd;
use crate::support::provider::Provider;
use crate::support::served::Served;
use crate::support::target::FakeTarget;
use crate::support::visitor::{Page, Visitor};
use crate::support::world::{by, undo_seconds};

mod reviewing;

const KILLS: usize = 20;
/// Each of them can be requested by each of the team once.
const PACKAGES: usize = 60;
const GROUPS: [&str; 4] = ["one", "two", "three", "four"];
/// Between two kills at least so many answers have come.
const WORK: usize = 6;

/// What the program has said was done.
#[derive(Default)]
struct Said {
    requests: Mutex<BTreeMap<RequestId, &'static str>>,
    decisions: Mutex<BTreeMap<RequestId, (&'static str, &'static str)>>,
    count: AtomicUsize,
    /// Answers that never came.
    lost: AtomicUsize,
    over: AtomicBool,
}

impl Said {
    fn one(&self) {
        self.count.fetch_add(1, Ordering::SeqCst);
    }

    fn over(&self) -> bool {
        self.over.load(Ordering::SeqCst)
    }
}

/// Sends until an answer comes, as a person does who presses the button again; none when it is over.
fn insist(
    visitor: &mut Visitor,
    said: &Said,
    to: &str,
    form: Option<&[(&str, &str)]>,
) -> Option<Page> {
    loop {
        let method = if form.is_some() { reqwest::Method::POST } else { reqwest::Method::GET };
        match visitor.try_ask(method, to, form) {
            Ok(page) if page.status < 500 => return Some(page),
            Ok(page) => assert_eq!(page.status, 503, "{to}: {}", page.text),
            Err(_) => {
                said.lost.fetch_add(1, Ordering::SeqCst);
            }
        }
        if said.over() {
            return None;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Requests every package, once each.
fn requests_all(mut me: Visitor, user: &'static str, packages: &[PackageId], said: &Said) {
    let token = me.token();
    for package in packages {
        let key = RequestId::fresh().to_string();
        let form = [("csrf", token.as_str()), ("key", &key), ("reason", "the close of the month")];
        let Some(page) =
            insist(&mut me, said, &format!("/packages/{package}/request/check"), Some(&form))
        else {
            return;
        };
        assert_eq!(page.status, 303, "{user}: {}", page.text);
        assert_eq!(page.location, Some(format!("/requests/{key}")));
        said.requests.lock().unwrap().insert(key.parse().unwrap(), user);
        said.one();
        if said.over() {
            return;
        }
    }
}

/// Decides whatever waits; two do so at once and may get in each other's way.
fn decides_all(mut me: Visitor, user: &'static str, said: &Said) {
    let token = me.token();
    while let Some(queue) = insist(&mut me, said, "/approvals", None) {
        for link in queue.links().iter().filter(|link| link.starts_with("/approvals/")) {
            let Some(page) = insist(&mut me, said, link, None) else { return };
            let Some(stage) = page.value("stage") else { continue }; // the other was quicker
            let request: RequestId = link.rsplit('/').next().unwrap().parse().unwrap();
            let verdict = if request.0.as_u128().is_multiple_of(5) { "deny" } else { "approve" };
            let shown = |name: &str| page.value(name).unwrap_or_default();
            let (version, contents) = (shown("version"), shown("contents"));
            let form = [
                ("csrf", token.as_str()),
                ("stage", &stage),
                ("version", &version),
                ("contents", &contents),
                ("verdict", verdict),
                ("note", "as agreed"),
            ];
            let to = format!("{link}/decisions");
            let Some(page) = insist(&mut me, said, &to, Some(&form)) else { return };
            match page.status {
                303 => {
                    let before = said.decisions.lock().unwrap().insert(request, (user, verdict));
                    assert_eq!(before, None, "{request} was decided twice, and both were told so");
                    said.one();
                }
                409 => {}
                other => panic!("{user} got {other} for {to}: {}", page.text),
            }
        }
        if said.over() {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Two clocks near the machine's, of which the second can be moved past every lease.
fn open(database: &FreshDatabase) -> (Database, Arc<Shifted>) {
    let wall = Arc::new(Shifted::default());
    let clocks = Clocks { business: Arc::new(System), wall: wall.clone() };
    let address = Address::parse(database.url()).unwrap();
    (Database::open(&address, clocks, Zone::UTC).unwrap(), wall)
}

/// The packages, in the directory's groups; either of two people decides.
fn prepare(database: &FreshDatabase) -> Vec<PackageId> {
    migrate::migrate(&Address::parse(database.url()).unwrap()).unwrap();
    let (db, _) = open(database);
    undo_seconds(&db, 0);
    let catalog = fill(&db);
    let role = |group: &&str| {
        let address = Slapd::group(group);
        resource(&db, catalog, crate::support::app::DIRECTORY, &address, group, Risk::Ordinary)
    };
    let roles: Vec<_> = GROUPS.iter().map(role).collect();
    let deciders = [person(&db, "manager"), person(&db, "second-approver")];
    let make = |n: usize| {
        let terms = terms(vec![by(&deciders, &[])]);
        package(&db, catalog, &format!("Package {n}"), &[roles[n % roles.len()]], terms).0
    };
    (0..PACKAGES).map(make).collect()
}

/// Works, is killed, starts again; answers what was said.
fn storm(served: &mut Served, packages: &[PackageId]) -> Said {
    let said = Said::default();
    served.serve();
    let origin = served.origin.clone();
    std::thread::scope(|scope| {
        let said = &said;
        for user in TEAM.into_iter().take(3) {
            let me = Visitor::signed_in(&origin, user);
            scope.spawn(move || requests_all(me, user, packages, said));
        }
        for user in ["manager", "second-approver"] {
            let me = Visitor::signed_in(&origin, user);
            scope.spawn(move || decides_all(me, user, said));
        }
        let stop = Stop(said);
        for kill in 0..KILLS {
            let before = said.count.load(Ordering::SeqCst);
            let end = Instant::now() + Duration::from_secs(10);
            while said.count.load(Ordering::SeqCst) < before + WORK && Instant::now() < end {
                std::thread::sleep(Duration::from_millis(2));
            }
            // Not always right after an answer.
            std::thread::sleep(Duration::from_millis((kill as u64 * 7) % 40));
            served.kill();
            served.serve();
        }
        drop(stop);
    });
    served.kill();
    said
}

/// Lets everybody go home, also when the test fails.
struct Stop<'a>(&'a Said);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.over.store(true, Ordering::SeqCst);
    }
}

/// Everything that was said is there, once; nothing else contradicts itself; every right arrives.
fn found(database: &FreshDatabase, slapd: &Slapd, said: &Said) {
    let (db, wall) = open(database);
    let requests_said = said.requests.lock().unwrap().clone();
    let decisions_said = said.decisions.lock().unwrap().clone();
    type Row = (RequestId, PersonId, PackageId, String);
    let rows: Vec<Row> = db
        .read(|c| {
            let all = (requests::id, requests::target_id, requests::package_id, requests::state);
            Ok(requests::table.select(all).load(c)?)
        })
        .unwrap();
    for (id, user) in &requests_said {
        let row = rows.iter().find(|row| row.0 == *id);
        let (_, target, ..) =
            row.unwrap_or_else(|| panic!("{user} was told of {id}, and it is gone"));
        assert_eq!(*target, person(&db, user));
    }
    let mut pairs: Vec<_> = rows.iter().map(|row| (row.1, row.2)).collect();
    pairs.sort();
    pairs.dedup();
    assert_eq!(pairs.len(), rows.len(), "nobody requested anything twice");
    let of_kind = |kind: &'static str, id: RequestId| -> i64 {
        let all = facts::table.filter(facts::kind.eq(kind)).filter(facts::request_id.eq(id));
        db.read(|c| Ok(all.count().get_result(c)?)).unwrap()
    };
    for (id, ..) in &rows {
        assert_eq!(of_kind("request_submitted", *id), 1, "{id}");
    }
    for (id, (user, verdict)) in &decisions_said {
        let stage = request_stages::table.filter(request_stages::request_id.eq(id));
        let stage = stage.select((request_stages::state, request_stages::decided_by));
        let stages: Vec<(String, Option<PersonId>)> = db.read(|c| Ok(stage.load(c)?)).unwrap();
        let state = if *verdict == "deny" { "denied" } else { "approved" };
        let stands = vec![(state.to_owned(), Some(person(&db, user)))];
        assert_eq!(stages, stands, "{user} was told of their decision on {id}");
        let kinds = of_kind("stage_approved", *id) + of_kind("stage_denied", *id);
        assert_eq!(kinds, 1, "{id} was decided once");
    }

    // A lease of the dead ends; then everything is delivered, and everybody has heard of it.
    wall.advance(3_600);
    let targets = targets(directory(slapd));
    jobs::run_all(&db, &targets).unwrap();
    notify::dispatch::run(&db).unwrap();
    invariants::check(&db, &FakeTarget::new());
    let states: Vec<String> =
        db.read(|c| Ok(rights::table.select(rights::state).distinct().load(c)?)).unwrap();
    assert_eq!(states, ["present"], "every right has arrived");
    let delivered = rows_in(&db, "delivered");
    let approved = decisions_said.values().filter(|(_, verdict)| *verdict == "approve").count();
    assert!(delivered >= approved, "{delivered} of {approved}");
    println!(
        "{KILLS} kills: {} requests and {} decisions were acknowledged, all {} and {} are there; \
         {} answers were lost, {} requests in all, {delivered} delivered",
        requests_said.len(),
        decisions_said.len(),
        requests_said.len(),
        decisions_said.len(),
        said.lost.load(Ordering::SeqCst),
        rows.len(),
    );
    assert!(requests_said.len() + decisions_said.len() >= KILLS * WORK);
}

fn rows_in(db: &Database, state: &str) -> usize {
    let all = requests::table.filter(requests::state.eq(state)).select(requests::id);
    let all: Vec<RequestId> = db.read(|c| Ok(all.load(c)?)).unwrap();
    all.len()
}

#[test]
fn what_was_said_to_be_done_survives_twenty_kills() {
    let Some(database) = FreshDatabase::fresh() else { return };
    let Some(slapd) = Slapd::start(ENTRIES, &GROUPS) else { return };
    let Some(provider) = Provider::start(&accounts()) else { return };
    let packages = prepare(&database);
    let mut served = Served::new(database.url(), &provider, &slapd, "admin");
    let said = storm(&mut served, &packages);
    found(&database, &slapd, &said);
}
