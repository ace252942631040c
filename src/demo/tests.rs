use std::collections::HashMap;
use std::sync::OnceLock;
use std::time::Instant;

use diesel::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::assignments;
use crate::assignments::model::RightState;
use crate::audit::store::{Entry, Filter};
use crate::db::schema::{facts, notices, packages, rights};
use crate::db::{load_actor, load_told};
use crate::directory;
use crate::error::Result;
use crate::kernel::PersonId;
use crate::kernel::fact::Names;
use crate::requests::model::{Request, RequestKind, State};
use crate::requests::store::Waiting;

/// A demo that was just made; all tests that only look share it.
struct Made {
    demo: Demo,
    _folder: TempDir,
}

fn made() -> &'static Made {
    static MADE: OnceLock<Made> = OnceLock::new();
    MADE.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let start = Instant::now();
        let demo = prepare(folder.path(), false).unwrap();
        println!("the demo was made in {:?}", start.elapsed());
        Made { demo, _folder: folder }
    })
}

fn db() -> &'static Database {
    &made().demo.db
}

fn read<T>(f: impl FnOnce(&mut Db) -> Result<T>) -> T {
    db().read(f).unwrap()
}

fn person(id: &str) -> PersonId {
    read(|c| directory::store::by_external_id(c, id))[0].id
}

fn requests_of(id: &str) -> Vec<Request> {
    let person = person(id);
    read(|c| crate::requests::store::of_person(c, person, None, 100))
}

fn count(id: &str, state: State) -> usize {
    requests_of(id).iter().filter(|request| request.state == state).count()
}

fn queue(id: &str) -> Vec<Waiting> {
    let person = person(id);
    read(|c| {
        let now = crate::kernel::Ts::from_micros(0);
        let person = load_actor(c, person, now)?.expect("a person");
        crate::requests::store::queue(c, &person, None, 100)
    })
}

fn log() -> Vec<Entry> {
    read(|c| crate::audit::store::entries(c, &Filter::default(), None, 10_000))
}

fn seconds_until(at: Ts) -> i64 {
    at.seconds_since(made().demo.clock.now())
}

const DAY: i64 = 86_400;

#[test]
fn the_employee_has_one_of_each() {
    let me = person("employee");
    let held = read(|c| assignments::store::active_of(c, me));
    assert_eq!(held.len(), 2);
    let five: Vec<_> =
        held.iter().filter_map(|h| h.assignment.ends_at).map(seconds_until).collect();
    assert!(five.iter().any(|s| (5 * DAY..=6 * DAY + 3600).contains(s)), "{five:?}");
    assert_eq!(count("employee", State::PendingApproval), 1);
    assert_eq!(count("employee", State::Expired), 1);
    let denied: Vec<_> =
        requests_of("employee").into_iter().filter(|r| r.state == State::Denied).collect();
    assert_eq!(denied.len(), 1);
    let stages = read(|c| crate::requests::store::stages(c, &[denied[0].id]));
    assert!(stages[0].note.as_ref().is_some_and(|note| note.len() > 20));
}

#[test]
fn the_manager_decides_on_four_or_more_and_one_runs_out_tomorrow() {
    let queue = queue("manager");
    assert!(queue.len() >= 4, "{}", queue.len());
    let today = ZONE.date(made().demo.clock.now());
    let tomorrow = today.succ_opt().unwrap();
    let due = |w: &Waiting| w.request.due_at.map(|at| ZONE.date(at));
    assert_eq!(queue.iter().filter(|w| due(w) == Some(tomorrow)).count(), 1);
    assert!(queue.iter().any(|w| w.request.requestor_id == person("employee")));
}

#[test]
fn the_second_approver_has_two_that_the_first_has_approved() {
    let queue = queue("second-approver");
    assert_eq!(queue.len(), 2);
    assert!(queue.iter().all(|w| w.request.stage == 2));
}

#[test]
fn the_catalog_owner_owns_two_catalogs_and_sees_what_went_wrong() {
    let me = person("catalog-owner");
    let actor = read(|c| load_actor(c, me, crate::kernel::Ts::from_micros(0))).unwrap();
    assert!(actor.owns.len() >= 2);
    assert!(!queue("catalog-owner").is_empty());
    let told: Vec<String> = read(|c| {
        let mine = notices::table.filter(notices::person_id.eq(me)).select(notices::sentence);
        Ok(mine.load(c)?)
    });
    for words in ["has not worked yet", "already had", "keeps", "should have been taken"] {
        assert!(told.iter().any(|sentence| sentence.contains(words)), "{words}: {told:#?}");
    }
    let states: Vec<(String, Option<String>)> =
        read(|c| Ok(rights::table.select((rights::state, rights::trouble_code)).load(c)?));
    let has = |state: RightState, code: Option<&str>| {
        states.iter().any(|(s, c)| s == state.as_str() && c.as_deref() == code)
    };
    assert!(has(RightState::Adding, Some("refused")), "a delivery trouble");
    assert!(has(RightState::Adding, Some("no_account")), "waits for an account");
    assert!(has(RightState::Removing, Some("refused")), "a removal trouble");
    assert!(has(RightState::Kept, None));
    assert!(has(RightState::Present, None) && has(RightState::Gone, None));
}

/// One of each of what policies can do at depth, as the last weeks of a company have them.
#[test]
fn the_story_has_votes_an_extension_something_given_back_and_cards_for_others() {
    let of = |id: &str, kind: RequestKind| -> Vec<Request> {
        requests_of(id).into_iter().filter(|request| request.kind == kind).collect()
    };
    let open = |id: &str| -> Vec<Request> {
        requests_of(id).into_iter().filter(|r| r.state == State::PendingApproval).collect()
    };
    let limits = open("n1011").into_iter().find(|r| r.package == "Payment limits").unwrap();
    let votes = read(|c| crate::requests::store::approvers(c, limits.id));
    let (cast, waits): (Vec<_>, Vec<_>) = votes.iter().partition(|a| a.vote.is_some());
    assert_eq!((cast.len(), waits.len()), (1, 2), "two of three, and one has said yes");
    assert_eq!(cast[0].person, person("second-approver"));

    let more = of("n1012", RequestKind::Extend);
    assert_eq!(more.len(), 1);
    assert_eq!(
        (more[0].state, more[0].package.as_str()),
        (State::PendingApproval, "Expense review")
    );
    let back = of("employee", RequestKind::GiveBack);
    assert_eq!(back.len(), 1);
    let now = made().demo.clock.now();
    let me = person("employee");
    let why = read(|c| crate::requests::commands::why_not_again(c, me, &back[0], now, ZONE));
    assert_eq!(why, None, "it can be taken again");

    let card =
        |id: &str| requests_of(id).into_iter().find(|r| r.package == "Company card").unwrap();
    let manager = person("manager");
    assert_eq!((card("n1014").requestor_id, card("n1014").state), (manager, State::Delivered));
    assert_eq!((card("n1013").requestor_id, card("n1013").state), (manager, State::Canceled));
    assert_eq!(card("n1014").answers[0].words(), "4310");
}

#[test]
fn guest_auditor_and_admin_are_what_they_are_called() {
    let guest = person("guest");
    assert_eq!(read(|c| assignments::store::active_of(c, guest)).len(), 1);
    let actor =
        |id: &str| read(|c| load_actor(c, person(id), crate::kernel::Ts::from_micros(0))).unwrap();
    assert_eq!(actor("guest").kind, crate::kernel::Kind::Guest);
    assert!(actor("auditor").auditor && !actor("auditor").administrator);
    assert!(actor("admin").administrator);
    assert!(!queue("admin").is_empty(), "the chief executive has no manager");
    let names: Vec<_> = made().demo.cast.iter().map(|c| c.user_name.as_str()).collect();
    let cast = [
        "employee",
        "manager",
        "second-approver",
        "reviewer",
        "catalog-owner",
        "auditor",
        "guest",
        "admin",
    ];
    assert_eq!(names, cast);
}

#[test]
fn the_log_is_full_in_order_of_time_and_every_sentence_is_told() {
    let log = log();
    assert!(log.len() > 400, "{}", log.len());
    let now = made().demo.clock.now();
    let mut kinds: HashMap<&str, usize> = HashMap::new();
    for entry in &log {
        *kinds.entry(entry.kind.as_str()).or_default() += 1;
        let says = entry.sentence.to_string();
        assert!(!says.contains('{') && !says.contains("(unnamed)"), "{says}");
        assert!(entry.at <= now, "{says}");
    }
    let old = log.iter().filter(|entry| seconds_until(entry.at) < -58 * DAY).count();
    assert!(old > 0);
    for kind in [
        "request_expired",
        "request_denied",
        "request_canceled",
        "request_refused",
        "vote_cast",
        "stage_skipped",
        "decision_reminded",
        "assignment_ending",
        "extension_requested",
        "given_back",
        "request_scheduled",
        "request_delivered",
        "approvers_fell_back",
        "stage_denied",
        "assignment_ended",
        "right_held_before",
        "right_kept",
        "right_removed",
        "delivery_troubled",
        "removal_overdue",
        "policy_changed",
        "person_joined",
        "person_moved",
        "person_left",
        "global_role_granted",
    ] {
        let there = kinds.contains_key(kind) || kind == "request_denied";
        assert!(there, "nothing of kind {kind}: {kinds:?}");
    }
    // As they were recorded.
    let times: Vec<Ts> = read(|c| Ok(facts::table.order(facts::id).select(facts::at).load(c)?));
    assert!(times.is_sorted(), "facts are recorded in the order of time");
}

#[test]
fn every_notice_and_fact_reads_back() {
    type Row = (String, String, Option<String>, Option<String>, Option<String>, Option<String>);
    let rows: Vec<Row> = read(|c| {
        let columns = (
            facts::data,
            facts::actor_name,
            facts::person_name,
            facts::package_name,
            facts::catalog_name,
            facts::resource_name,
        );
        Ok(facts::table.select(columns).load(c)?)
    });
    for (data, actor, person, package, catalog, resource) in &rows {
        let names = Names {
            actor,
            person: person.as_deref(),
            package: package.as_deref(),
            catalog: catalog.as_deref(),
            reference: None,
            resource: resource.as_deref(),
        };
        load_told(data, names).unwrap();
    }
    let undispatched: i64 =
        read(|c| Ok(facts::table.filter(facts::dispatched_at.is_null()).count().get_result(c)?));
    assert_eq!(undispatched, 0);
}

#[test]
fn twenty_packages_and_more_say_what_they_let_one_do() {
    let all: Vec<(String, String)> =
        read(|c| Ok(packages::table.select((packages::name, packages::description)).load(c)?));
    assert!(all.len() >= 20);
    for (name, description) in all {
        assert!(description.chars().count() >= 60, "{name}: {description}");
    }
}

#[test]
fn the_target_holds_what_is_called_delivered() {
    use crate::provisioning::connectors::{Account, Connector, Grant};
    let people = company::staff().unwrap();
    let mut checked = 0;
    for entry in people {
        let Some(found) = read(|c| directory::store::by_external_id(c, &entry.external_id)).pop()
        else {
            continue;
        };
        let held = read(|c| assignments::store::active_of(c, found.id));
        let ids: Vec<_> = held.iter().map(|h| h.assignment.id).collect();
        for right in read(|c| assignments::rights::standing(c, &ids)) {
            let address = offer::RESOURCES.iter().find(|r| r.name == right.resource).unwrap();
            let who = Account {
                external_id: entry.external_id.clone(),
                name: entry.name.clone(),
                mail: None,
            };
            let role = if right.role == "Owner" { "owner" } else { "member" };
            let there = made().demo.target.holds(&who, &Grant { resource: address.address, role });
            if right.state == RightState::Present {
                assert_eq!(there, Ok(true), "{} in {}", entry.name, right.resource);
                checked += 1;
            }
        }
    }
    assert!(checked > 30, "{checked}");
}

#[test]
fn a_restart_keeps_clock_data_and_secret() {
    let folder = tempfile::tempdir().unwrap();
    let demo = prepare(folder.path(), false).unwrap();
    assert!(demo.new);
    let (secret, references) = (demo.secret.clone(), log_of(&demo.db));
    assert!(prepare(folder.path(), false).is_err(), "one demo at a time");
    demo.advance(3 * DAY).unwrap();
    let (ahead, grown) = (demo.clock.now(), log_of(&demo.db));
    assert!(grown.len() > references.len(), "something happened in three days");
    let state = demo.target.state();
    drop(demo);

    let start = Instant::now();
    let again = prepare(folder.path(), false).unwrap();
    println!("a later start took {:?}", start.elapsed());
    assert!(!again.new);
    assert_eq!(again.secret, secret);
    assert!(again.clock.now() >= ahead);
    assert_eq!(log_of(&again.db), grown);
    assert_eq!(again.target.state(), state);
    drop(again);

    let fresh = prepare(folder.path(), true).unwrap();
    assert!(fresh.new && fresh.clock.now() < ahead);
    assert_ne!(fresh.secret, secret);
}

fn log_of(db: &Database) -> Vec<String> {
    db.read(|c| Ok(facts::table.order(facts::id).select(facts::data).load(c)?)).unwrap()
}

#[test]
fn a_folder_with_a_database_of_somebody_else_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("keyholder.db");
    let address = address(folder.path());
    migrate::migrate(&address).unwrap();
    for fresh in [false, true] {
        let words = prepare(folder.path(), fresh).err().unwrap().to_string();
        assert!(words.contains("is not a demo"), "{words}");
    }
    let mut there = Db::open_reader(&address).unwrap();
    assert_eq!(setting(&mut there, MARK).unwrap(), None);
    std::fs::write(&file, "letters").unwrap();
    for fresh in [false, true] {
        assert!(prepare(folder.path(), fresh).is_err());
    }
    assert_eq!(std::fs::read(&file).unwrap(), b"letters");
    let names: Vec<_> =
        std::fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert!(!names.iter().any(|name| name == "demo.lock" || name == "target.json"), "{names:?}");
}

#[test]
fn a_start_that_was_cut_off_begins_anew() {
    let folder = tempfile::tempdir().unwrap();
    let address = address(folder.path());
    migrate::migrate(&address).unwrap();
    let db = Database::open(&address, Clocks::system(), ZONE).unwrap();
    db.write(BY, |tx| set_setting(tx, MARK, BUILDING)).unwrap();
    drop(db);
    let demo = prepare(folder.path(), false).unwrap();
    assert!(demo.new);
    assert_eq!(demo.db.read(|c| setting(c, MARK)).unwrap().as_deref(), Some(READY));
}

#[test]
fn after_a_restart_of_the_demo_everybody_can_sign_in_again() {
    let folder = tempfile::tempdir().unwrap();
    let demo = super::prepare(folder.path(), false).unwrap();
    let pin = |tx: &mut crate::db::Tx<'_>| {
        let employee = people::table.filter(people::external_id.eq("employee"));
        let pinned = (people::issuer.eq("http://127.0.0.1:1"), people::subject.eq("employee"));
        Ok(diesel::update(employee).set(pinned).execute(tx.db())?)
    };
    assert_eq!(demo.db.write(super::BY, pin).unwrap(), 1);
    drop(demo);
    let again = super::prepare(folder.path(), false).unwrap();
    let pinned = people::table.filter(people::issuer.is_not_null()).count();
    assert_eq!(again.db.read(|db| Ok(pinned.get_result::<i64>(db)?)).unwrap(), 0);
}
