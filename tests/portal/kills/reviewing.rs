//! The program is killed while it takes the snapshot of a review, and while it carries one out.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use diesel::prelude::*;
use keyholder::access::policy;
use keyholder::db::schema::{assignments, facts, review_instances, review_items};
use keyholder::db::{Address, By, Database, Tx, migrate};
use keyholder::error::Result;
use keyholder::jobs;
use keyholder::kernel::{AssignmentId, ReviewId, ReviewInstanceId, Risk};
use keyholder::policies::model::Named;
use keyholder::reviews::commands::{self, NewReview};
use keyholder::reviews::model::{Reviewers, Silence, State, Terms};
use keyholder::reviews::snapshot::CHUNK;
use keyholder::reviews::store;

use super::open;
use crate::support::app::{
    DIRECTORY, ENTRIES, TEAM, accounts, directory, fill, package, person, resource, targets, terms,
};
use crate::support::crowd::{give, hold, people};
use crate::support::database::FreshDatabase;
use crate::support::ldap::Slapd;
use crate::support::provider::Provider;
use crate::support::reviews::once;
use crate::support::served::Served;
use crate::support::world::undo_seconds;

/// So many people hold two things without rights.
const CROWD: usize = 5 * CHUNK as usize / 2;
/// As often as it is killed at most.
const KILLS: usize = 12;
const GROUP: &str = "ledger";

/// Everybody of the crowd holds two packages, and the team one that is a group of the directory.
fn prepare(database: &FreshDatabase, slapd: &Slapd) -> Database {
    migrate::migrate(&Address::parse(database.url()).unwrap()).unwrap();
    let (db, _) = open(database);
    undo_seconds(&db, 0);
    let catalog = fill(&db);
    let pairs = ["One", "Two"].map(|name| package(&db, catalog, name, &[], terms(vec![])));
    for pair in pairs {
        give(&db, catalog, pair, "employee");
    }
    let role = resource(&db, catalog, DIRECTORY, &Slapd::group(GROUP), GROUP, Risk::Ordinary);
    let ledger = package(&db, catalog, "Ledger", &[role], terms(vec![]));
    for one in TEAM {
        give(&db, catalog, ledger, one);
    }
    jobs::run_all(&db, &targets(directory(slapd))).unwrap();
    assert_eq!(slapd.members(GROUP).len(), TEAM.len() + 1, "and the placeholder");
    let grow = move |tx: &mut Tx<'_>| {
        people(tx, (1, CROWD), "NULL".into())?;
        for (kind, (package, _)) in (2..).zip(pairs) {
            hold(tx, package, kind, (1, CROWD))?;
        }
        Ok(())
    };
    db.write(By::System("test"), grow).unwrap();
    db
}

/// A review of everything, from today on.
fn review(db: &Database, silence: Silence) -> ReviewId {
    let id = ReviewId::fresh();
    let asked = Named { id: person(db, "manager"), name: String::new() };
    let terms = Terms {
        silence,
        first: db.zone().date(db.clocks().business.now()),
        ..once(Reviewers::Named { people: vec![asked], groups: vec![] })
    };
    let new = NewReview { id, name: "Everything".into(), catalog: None, terms, rows: vec![] };
    let create = move |tx: &mut Tx<'_>| {
        let permit = policy::manage_review(tx.actor(), None)?;
        commands::create(tx, &permit, &new).map(|_| ())
    };
    db.write(By::Person(person(db, "admin")), create).unwrap();
    id
}

fn facts_of(db: &Database, kind: &str) -> i64 {
    db.read(|db| Ok(facts::table.filter(facts::kind.eq(kind)).count().get_result(db)?)).unwrap()
}

/// Kills it again and again, each time after it has come a bit further, until there is nothing left to do; `seen` says
/// how far it is, and what must be true at any time. Returns how often it was killed.
fn kill_while<F>(served: &mut Served, mut seen: F) -> usize
where
    F: FnMut() -> Option<i64>,
{
    let mut kills = 0;
    let mut before = seen().expect("something to do");
    let end = Instant::now() + Duration::from_secs(400);
    served.start();
    while let Some(now) = seen() {
        assert!(Instant::now() < end, "it does not end: {}", served.log());
        if now == before || kills == KILLS {
            std::thread::sleep(Duration::from_millis(2));
            continue;
        }
        // Not always right after a step: mostly in the next one.
        std::thread::sleep(Duration::from_millis((kills as u64 * 17) % 60));
        served.kill();
        kills += 1;
        let Some(now) = seen() else { break };
        before = now;
        served.start();
    }
    served.kill();
    kills
}

#[test]
fn d27_a_snapshot_is_whole_however_often_it_is_killed() {
    let Some(database) = FreshDatabase::fresh() else { return };
    let Some(slapd) = Slapd::start(ENTRIES, &[GROUP]) else { return };
    let Some(provider) = Provider::start(&accounts()) else { return };
    let db = prepare(&database, &slapd);
    let id = review(&db, Silence::Keep);
    let mut served = Served::new(database.url(), &provider, &slapd, "admin");
    let far = || {
        let read = |db: &mut keyholder::db::Db| -> Result<Option<i64>> {
            let Some(one) = store::instances_of(db, id, 1)?.pop() else { return Ok(Some(-1)) };
            Ok((one.state == State::Starting).then_some(one.item_count))
        };
        db.read(read).unwrap()
    };
    let kills = kill_while(&mut served, far);
    let all = db.read(|db| store::instances_of(db, id, 9)).unwrap();
    assert_eq!(all.len(), 1);
    let instance = &all[0];
    let held = 2 * (CROWD as i64 + 1) + TEAM.len() as i64;
    assert_eq!(instance.state, State::Open, "{:?}", instance.trouble);
    assert_eq!((instance.source_count, instance.item_count), (Some(held), held));
    let items: Vec<Option<AssignmentId>> = db
        .read(|db| {
            let all = review_items::table.filter(review_items::instance_id.eq(instance.id));
            Ok(all.select(review_items::assignment_id).load(db)?)
        })
        .unwrap();
    let source: BTreeSet<Option<AssignmentId>> = db
        .read(|db| {
            let all: Vec<AssignmentId> = assignments::table.select(assignments::id).load(db)?;
            Ok(all.into_iter().map(Some).collect())
        })
        .unwrap();
    assert_eq!(items.len(), source.len(), "each once");
    assert_eq!(items.into_iter().collect::<BTreeSet<_>>(), source);
    assert_eq!(facts_of(&db, "review_started"), 1);
    println!("{kills} kills in a snapshot of {held} items");
    assert!(kills >= 3, "{kills}");
}

/// How many items of an instance have gone how far; each that is removed has ended, and no other.
fn applied(db: &Database, id: ReviewInstanceId) -> Option<i64> {
    let read = |db: &mut keyholder::db::Db| -> Result<Option<i64>> {
        let state: String =
            review_instances::table.find(id).select(review_instances::state).first(db)?;
        let rows: Vec<(Option<String>, Option<keyholder::kernel::Ts>)> = review_items::table
            .inner_join(assignments::table)
            .filter(review_items::instance_id.eq(id))
            .select((review_items::outcome, assignments::ended_at))
            .load(db)?;
        let mut far = 0;
        for (outcome, ended) in rows {
            let step = match outcome.as_deref() {
                None => 0,
                Some("planned") => 1,
                Some("removing") => 2,
                Some("removed") => 3,
                other => panic!("{other:?}"),
            };
            assert_eq!(step >= 2, ended.is_some(), "{outcome:?}");
            far += step;
        }
        Ok((state != "completed").then_some(far))
    };
    db.read(read).unwrap()
}

#[test]
fn d31_removals_are_carried_out_once_however_often_it_is_killed() {
    let Some(database) = FreshDatabase::fresh() else { return };
    let Some(slapd) = Slapd::start(ENTRIES, &[GROUP]) else { return };
    let Some(provider) = Provider::start(&accounts()) else { return };
    let db = prepare(&database, &slapd);
    let set = |tx: &mut Tx<'_>| keyholder::db::set_setting(tx, "reviews.cooling_hours", "0");
    db.write(By::System("test"), set).unwrap();
    let review = review(&db, Silence::Remove);
    jobs::run_all(&db, &targets(directory(&slapd))).unwrap();
    let id = db.read(|db| store::instances_of(db, review, 1)).unwrap()[0].id;
    let admin = person(&db, "admin");
    let close = move |tx: &mut Tx<'_>| {
        let instance = store::instance(tx.db(), id)?;
        let permit = policy::run_review(tx.actor(), &store::standing(&instance))?;
        commands::close(tx, &permit)?;
        commands::confirm(tx, &permit, true)
    };
    db.write(By::Person(admin), close).unwrap();
    let mut served = Served::new(database.url(), &provider, &slapd, "admin");
    let kills = kill_while(&mut served, || applied(&db, id));
    let held = 2 * (CROWD as i64 + 1) + TEAM.len() as i64;
    let counts = db.read(|db| store::listing::counts(db, id)).unwrap();
    assert_eq!((counts.confirmed, counts.silent), (held, held));
    for (kind, n) in [
        ("removal_planned", held),
        ("assignment_ended", held),
        ("review_closed", 1),
        ("review_completed", 1),
    ] {
        assert_eq!(facts_of(&db, kind), n, "{kind}");
    }
    assert_eq!(slapd.members(GROUP).len(), 1, "only the placeholder is left");
    println!("{kills} kills while {held} removals were carried out");
    assert!(kills >= 6, "{kills}");
}
