//! A campaign in which the access of a whole company is reviewed: it starts while it is killed and people go on working,
//! managers answer through the pages, what they take away is gone from the target system, and all of it reconciles to
//! the row. `tests/campaign` runs it with the lists it is given, and prints what took how long.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use diesel::prelude::*;
use keyholder::access::policy;
use keyholder::db::schema::{
    assignment_rights, assignments, people, resource_roles, review_items, rights,
};
use keyholder::db::{Address, By, Database, Db, Tx, migrate};
use keyholder::demo::target::{DemoTarget, NAME, State as Held};
use keyholder::each_backend;
use keyholder::error::{Error, Result};
use keyholder::kernel::time::System;
use keyholder::kernel::{
    AssignmentId, CatalogId, Clock, Clocks, PackageId, PersonId, PolicyId, ReviewId,
    ReviewInstanceId, ReviewItemId, RightId, Risk, RoleId, Ts, Zone,
};
use keyholder::policies::model::Named;
use keyholder::provisioning::connectors::Targets;
use keyholder::reviews::commands::{self, NewReview};
use keyholder::reviews::model::{Instance, Outcome, Reviewers, Scope, State, Terms};
use keyholder::reviews::store;
use openidconnect::reqwest::Method;

use crate::support::app::{
    App, ENTRIES, account, accounts, catalog, fill, package, person, resource, terms,
};
use crate::support::crowd::run;
use crate::support::database::FreshDatabase;
use crate::support::ldap::Slapd;
use crate::support::provider::Provider;
use crate::support::reviews::once;
use crate::support::served::Served;
use crate::support::tables::columns;
use crate::support::visitor::Visitor;
use crate::support::world::{DAY, undo_seconds};

/// As many reviewers answer at the same time.
const AT_ONCE: usize = 4;
/// As often as it is killed while it starts, if there is enough to write in between.
const KILLS: usize = 3;
const BETWEEN_KILLS: i64 = 10_000;
/// Of a hundred pieces of access so many are taken away.
const REMOVED: u64 = 3;
/// As many rows as one statement of the set-up writes.
const ROWS: usize = 500;

/// Who works there, and who holds what: the numbers of people and of permissions.
struct Lists {
    staff: Vec<Worker>,
    pairs: BTreeSet<(usize, usize)>,
}

/// A line of the staff list.
struct Worker {
    name: String,
    department: String,
    /// The name of the supervisor.
    supervisor: String,
}

impl Lists {
    /// Reads a staff list (CSV with `employee_name`, `department` and `supervisor`), and pairs of a person's and a
    /// permission's number.
    fn read() -> Lists {
        let path =
            |name: &str| std::env::var_os(name).unwrap_or_else(|| panic!("{name} is not set"));
        let mut staff = csv::Reader::from_path(path("KEYHOLDER_CAMPAIGN_STAFF")).expect("a list");
        let header = staff.headers().expect("a header").clone();
        let at = |name: &str| header.iter().position(|one| one == name).expect("a column");
        let (name, department, supervisor) =
            (at("employee_name"), at("department"), at("supervisor"));
        let line = |row: csv::Result<csv::StringRecord>| {
            let row = row.expect("a row");
            Worker {
                name: row[name].to_owned(),
                department: row[department].to_owned(),
                supervisor: row[supervisor].to_owned(),
            }
        };
        let staff = staff.records().map(line).collect();
        let text = std::fs::read_to_string(path("KEYHOLDER_CAMPAIGN_RIGHTS")).expect("pairs");
        let pair = |line: &str| {
            let numbers: Vec<usize> =
                line.split_whitespace().map(|word| word.parse().expect("a number")).collect();
            (numbers[0], numbers[1])
        };
        Lists { staff, pairs: text.lines().map(pair).collect() }
    }

    /// The line of which somebody has the department and the supervisor.
    fn line(&self, user: usize) -> &Worker {
        &self.staff[user % self.staff.len()]
    }

    fn users(&self) -> BTreeSet<usize> {
        self.pairs.iter().map(|(user, _)| *user).collect()
    }

    fn permissions(&self) -> BTreeSet<usize> {
        self.pairs.iter().map(|(_, permission)| *permission).collect()
    }

    /// Everybody with their department and manager, as a staff list is imported.
    fn feed(&self) -> String {
        let users = self.users();
        let mut first: HashMap<&str, usize> = HashMap::new();
        for user in &users {
            first.entry(self.line(*user).name.as_str()).or_insert(*user);
        }
        let mut rows = csv::Writer::from_writer(Vec::new());
        rows.write_record(["id", "name", "department", "manager"]).expect("a row");
        for user in &users {
            let line = self.line(*user);
            // The second person of a line works for the same supervisor; whoever is named twice is told apart.
            let name = format!("{} {user}", line.name);
            let manager = first.get(line.supervisor.as_str()).filter(|boss| *boss != user);
            let manager = manager.map(|boss| external(*boss)).unwrap_or_default();
            let row = [&external(*user), &name, &line.department, &manager];
            rows.write_record(row).expect("a row");
        }
        String::from_utf8(rows.into_inner().expect("rows")).expect("UTF-8")
    }

    /// Who manages somebody, by their ids in the feed.
    fn managers(&self) -> BTreeSet<String> {
        let feed = self.feed();
        let mut rows = csv::Reader::from_reader(feed.as_bytes());
        let managers = rows.records().map(|row| row.expect("a row")[3].to_owned());
        managers.filter(|id| !id.is_empty()).collect()
    }
}

fn external(user: usize) -> String {
    format!("u{user}")
}

fn address(permission: usize) -> String {
    format!("permission-{permission}")
}

/// Is this taken away? The same pairs in every run.
fn removes((user, permission): (usize, usize)) -> bool {
    let mixed = (user as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (permission as u64);
    mixed.wrapping_mul(0xd6e8_feb8_6659_fd93) >> 32 < (REMOVED << 32) / 100
}

#[derive(Insertable)]
#[diesel(table_name = assignments)]
struct NewAssignment {
    id: AssignmentId,
    package_id: PackageId,
    policy_id: PolicyId,
    target_id: PersonId,
    starts_at: Ts,
    started_at: Ts,
    rev: i64,
    created_at: Ts,
}

#[derive(Insertable)]
#[diesel(table_name = rights)]
struct NewRight {
    id: RightId,
    person_id: PersonId,
    role_id: RoleId,
    wanted: bool,
    state: &'static str,
    held_before: bool,
    generation: i64,
    asked_at: Ts,
    confirmed_at: Ts,
    attempts: i64,
    overdue_told: bool,
    fence: i64,
}

#[derive(Insertable)]
#[diesel(table_name = assignment_rights)]
struct Giving {
    assignment_id: AssignmentId,
    right_id: RightId,
}

/// Each permission is a group of the target system and a package of its own.
fn offer(db: &Database, catalog: CatalogId, lists: &Lists) -> BTreeMap<usize, Offer> {
    let mut all = BTreeMap::new();
    for permission in lists.permissions() {
        let name = format!("Permission {permission}");
        let role = resource(db, catalog, NAME, &address(permission), &name, Risk::Ordinary);
        let (package, policy) = package(db, catalog, &name, &[role], terms(vec![]));
        all.insert(permission, Offer { role, package, policy });
    }
    all
}

#[derive(Clone, Copy)]
struct Offer {
    role: RoleId,
    package: PackageId,
    policy: PolicyId,
}

/// Everybody holds what the pairs say, given directly and confirmed a hundred days ago. Returns which pair each
/// assignment is.
fn give_all(
    db: &Database,
    lists: &Lists,
    offers: &BTreeMap<usize, Offer>,
) -> HashMap<AssignmentId, (usize, usize)> {
    let known: Vec<(String, PersonId)> = db
        .read(|db| Ok(people::table.select((people::external_id, people::id)).load(db)?))
        .unwrap();
    let known: HashMap<String, PersonId> = known.into_iter().collect();
    let since = db.clocks().business.now().plus_seconds(-100 * DAY);
    let pairs: Vec<(usize, usize)> = lists.pairs.iter().copied().collect();
    let mut given = HashMap::new();
    for some in pairs.chunks(ROWS) {
        let mut rows = (Vec::new(), Vec::new(), Vec::new());
        for (user, permission) in some {
            let offer = offers[permission];
            let (assignment, right) = (AssignmentId::fresh(), RightId::fresh());
            let holder = known[&external(*user)];
            given.insert(assignment, (*user, *permission));
            rows.0.push(NewAssignment {
                id: assignment,
                package_id: offer.package,
                policy_id: offer.policy,
                target_id: holder,
                starts_at: since,
                started_at: since,
                rev: 1,
                created_at: since,
            });
            rows.1.push(NewRight {
                id: right,
                person_id: holder,
                role_id: offer.role,
                wanted: true,
                state: "present",
                held_before: false,
                generation: 1,
                asked_at: since,
                confirmed_at: since,
                attempts: 1,
                overdue_told: false,
                fence: 1,
            });
            rows.2.push(Giving { assignment_id: assignment, right_id: right });
        }
        let write = move |tx: &mut Tx<'_>| {
            let (assigned, held, giving) = &rows;
            each_backend!(tx.db(), |c| diesel::insert_into(assignments::table)
                .values(assigned)
                .execute(c)?);
            each_backend!(tx.db(), |c| diesel::insert_into(rights::table)
                .values(held)
                .execute(c)?);
            each_backend!(tx.db(), |c| diesel::insert_into(assignment_rights::table)
                .values(giving)
                .execute(c)?);
            Ok(())
        };
        db.write(By::System("test"), write).unwrap();
    }
    db.write(By::System("test"), |tx| run(tx, "ANALYZE")).unwrap();
    given
}

/// What the target system holds before.
fn held(lists: &Lists) -> Held {
    let groups: Vec<(String, String)> = lists
        .permissions()
        .into_iter()
        .map(|permission| (address(permission), format!("Permission {permission}")))
        .collect();
    let groups = groups.iter().map(|(address, name)| (address.as_str(), name.as_str()));
    let accounts = lists.users().into_iter().map(|user| (external(user), external(user)));
    let mut state = Held::new(groups, accounts);
    let since = System.now().plus_seconds(-100 * DAY);
    for (user, permission) in &lists.pairs {
        state = state.with_member(&address(*permission), &external(*user), since);
    }
    state
}

/// A review of the catalog by the managers.
fn review(db: &Database, catalog: CatalogId) -> ReviewId {
    let id = ReviewId::fresh();
    let terms = Terms {
        scope: Scope {
            catalog: Some(Named { id: catalog, name: "Everything".into() }),
            ..Scope::default()
        },
        fallback: vec![Named { id: person(db, "admin"), name: String::new() }],
        first: db.zone().date(db.clocks().business.now()),
        days: 30,
        ..once(Reviewers::Manager)
    };
    let new =
        NewReview { id, name: "The whole company".into(), catalog: None, terms, rows: vec![] };
    let create = move |tx: &mut Tx<'_>| {
        let permit = policy::manage_review(tx.actor(), None)?;
        commands::create(tx, &permit, &new).map(|_| ())
    };
    db.write(By::Person(person(db, "admin")), create).unwrap();
    id
}

/// What people waited for pages.
#[derive(Default)]
struct Waits(Mutex<Vec<Duration>>);

impl Waits {
    /// Opens pages until it is over; one that does not come because the program was killed is opened again.
    fn watch(&self, mut visitor: Visitor, over: &AtomicBool) {
        let pages = ["/me", "/packages", "/requests", "/approvals", "/reviews", "/reviews/mine"];
        for page in pages.iter().cycle() {
            if over.load(Ordering::SeqCst) {
                return;
            }
            let start = Instant::now();
            match visitor.try_ask(Method::GET, page, None) {
                Ok(answer) if answer.status < 500 => {
                    assert_eq!(answer.status, 200, "{page}: {}", answer.text);
                    self.0.lock().unwrap().push(start.elapsed());
                }
                _ => std::thread::sleep(Duration::from_millis(50)),
            }
        }
    }

    fn say(&self, what: &str) {
        let mut all = self.0.lock().unwrap();
        all.sort_unstable();
        let at = |share: usize| all.get((all.len() * share / 100).min(all.len().max(1) - 1));
        let (half, most, last) = (at(50), at(95), all.last());
        println!(
            "pages {what}: {} opened, median {half:?}, 95 % {most:?}, slowest {last:?}",
            all.len()
        );
        assert!(!all.is_empty(), "no page came {what}");
    }
}

/// Lets it start while it is killed, and while somebody opens pages; how long it took, without the kills' pauses.
fn start(served: &mut Served, db: &Database, catalog: CatalogId, all: i64) -> Instance {
    served.serve();
    let (idle, busy, over) = (Waits::default(), Waits::default(), AtomicBool::new(false));
    let visitor = Visitor::signed_in(&served.origin, "employee");
    let id = review(db, catalog);
    let far = |db: &Database| db.read(|db| store::instances_of(db, id, 1)).unwrap().pop();
    while far(db).is_none() {
        std::thread::sleep(Duration::from_millis(1));
    }
    let begin = Instant::now();
    let wanted = KILLS.min(usize::try_from(all / BETWEEN_KILLS).unwrap_or(KILLS));
    std::thread::scope(|threads| {
        threads.spawn(|| busy.watch(visitor.clone(), &over));
        let mut kills = 0;
        loop {
            let there = far(db).unwrap();
            if there.state != State::Starting {
                break;
            }
            if kills < wanted && there.item_count > all * (kills as i64 + 1) / (wanted as i64 + 1) {
                served.kill();
                kills += 1;
                let left = far(db).unwrap().item_count;
                println!("killed with {left} of {all} items written");
                served.serve();
            }
            assert!(begin.elapsed() < Duration::from_secs(3_600), "{}", served.log());
            std::thread::sleep(Duration::from_millis(10));
        }
        let took = begin.elapsed();
        over.store(true, Ordering::SeqCst);
        println!("{all} items in the snapshot: {took:?} with {kills} kills");
        assert_eq!(kills, wanted);
    });
    let over = AtomicBool::new(false);
    std::thread::scope(|threads| {
        threads.spawn(|| idle.watch(visitor.clone(), &over));
        std::thread::sleep(Duration::from_secs(5));
        over.store(true, Ordering::SeqCst);
    });
    served.kill();
    busy.say("while it starts");
    idle.say("after it");
    far(db).unwrap()
}

/// How long one statement takes that writes the same rows into the same table, under other ids; they are taken back.
fn bare(db: &Database, id: ReviewInstanceId) -> Duration {
    let took = Arc::new(Mutex::new(Duration::ZERO));
    let out = Arc::clone(&took);
    let write = move |tx: &mut Tx<'_>| -> Result<()> {
        let other = ReviewInstanceId::fresh();
        let fresh = match tx.db() {
            Db::Pg(_) => "gen_random_uuid()",
            Db::Sqlite(_) => {
                "lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-' || hex(randomblob(2)) || '-' \
                 || hex(randomblob(2)) || '-' || hex(randomblob(6)))"
            }
        };
        let copy = |tx: &mut Tx<'_>, table: &str, key: &str, changed: &[(&str, String)]| {
            let columns = columns(tx.db(), table)?;
            let value = |column: &String| {
                let changed = changed.iter().find(|(name, _)| name == column);
                changed.map_or_else(|| column.clone(), |(_, value)| value.clone())
            };
            let values: Vec<String> = columns.iter().map(value).collect();
            let (columns, values) = (columns.join(", "), values.join(", "));
            run(
                tx,
                &format!(
                    "INSERT INTO {table} ({columns}) SELECT {values} FROM {table} WHERE {key} = '{id}'"
                ),
            )
        };
        let instance = [("id", format!("'{other}'")), ("number", "number + 1000".to_owned())];
        copy(tx, "review_instances", "id", &instance)?;
        let items = [("id", fresh.to_owned()), ("instance_id", format!("'{other}'"))];
        let begin = Instant::now();
        copy(tx, "review_items", "instance_id", &items)?;
        *out.lock().unwrap() = begin.elapsed();
        Err(Error::Missing)
    };
    assert!(db.write(By::System("test"), write).is_err());
    *took.lock().unwrap()
}

/// A reviewer goes through everything that is theirs, page by page, and signs it off. Returns how many they answered.
fn answers(
    app: &App,
    id: ReviewInstanceId,
    who: &str,
    pairs: &HashMap<ReviewItemId, (usize, usize)>,
) -> usize {
    let mut visitor = Visitor::signed_in(&app.origin, who);
    let token = visitor.token();
    let mut answered = 0;
    let mut list = format!("/reviews/{id}");
    loop {
        let page = visitor.open(&list);
        page.is(200);
        let whose = page.links().into_iter().filter(|link| link.contains("?person="));
        for part in whose.collect::<BTreeSet<_>>() {
            answered += answers_part(&mut visitor, (&token, id), &part, pairs);
        }
        match next(&page) {
            Some(link) => list = link,
            None => break,
        }
    }
    let signing = visitor.open(&format!("/reviews/{id}/sign-off"));
    let done = visitor.send(&signing.form("Sign off"));
    done.is(200).says("Signed off.");
    answered
}

fn next(page: &crate::support::visitor::Page) -> Option<String> {
    let there = page.body.contains(r#"rel="next""#);
    there.then(|| page.link("Next page"))
}

/// Answers all items of one person.
fn answers_part(
    visitor: &mut Visitor,
    (token, id): (&str, ReviewInstanceId),
    part: &str,
    pairs: &HashMap<ReviewItemId, (usize, usize)>,
) -> usize {
    let person = part.rsplit("person=").next().unwrap().to_owned();
    let mut answered = 0;
    let mut at = part.to_owned();
    loop {
        let page = visitor.open(&at);
        page.is(200);
        let shown = page.body.split(r#"id="i-"#).skip(1);
        for item in shown.filter_map(|rest| rest.split('"').next()?.parse().ok()) {
            let (answer, note) = match removes(pairs[&item]) {
                true => ("remove", "Not needed any more."),
                false => ("keep", ""),
            };
            let form = [
                ("csrf", token),
                ("person", &person),
                ("note", note),
                ("until", ""),
                ("answer", answer),
            ];
            let to = format!("/reviews/{id}/items/{item}");
            let said = visitor.ask(Method::POST, &to, Some(&form));
            assert_eq!(said.status, 303, "{to}: {}", said.text);
            answered += 1;
        }
        match next(&page) {
            Some(link) => at = link,
            None => return answered,
        }
    }
}

#[test]
#[ignore = "it takes long and needs lists of a company: tests/campaign runs it"]
fn a_campaign_of_a_whole_company_reconciles_to_the_row() {
    let lists = Lists::read();
    let all = lists.pairs.len();
    let Some(data) = FreshDatabase::fresh() else { return };
    let Some(slapd) = Slapd::start(ENTRIES, &[]) else { return };
    let mut known = accounts();
    known.extend(lists.managers().iter().map(|id| account(id, id, "somebody@company.example")));
    let Some(provider) = Provider::start(&known) else { return };
    let mut served = Served::new(data.url(), &provider, &slapd, "admin");
    let address = Address::parse(data.url()).unwrap();
    migrate::migrate(&address).unwrap();
    let begin = Instant::now();
    let db = Database::open(&address, Clocks::system(), Zone::UTC).unwrap();
    undo_seconds(&db, 0);
    fill(&db);
    served.write("company.csv", &lists.feed());
    served.works(&["import", "people", "company.csv", "--source", "company"]);
    let catalog = catalog(&db, "Everything", "catalog-owner");
    let offers = offer(&db, catalog, &lists);
    let given = give_all(&db, &lists, &offers);
    let roles: i64 = db.read(|db| Ok(resource_roles::table.count().get_result(db)?)).unwrap();
    println!(
        "{} people, {roles} permissions, {all} assignments: set up in {:?}",
        lists.users().len(),
        begin.elapsed()
    );

    let instance = start(&mut served, &db, catalog, all as i64);
    assert_eq!(instance.state, State::Open, "{:?}", instance.trouble);
    let counted = (instance.source_count, instance.item_count);
    assert_eq!(counted, (Some(all as i64), all as i64));
    let id = instance.id;
    let items: Vec<(ReviewItemId, Option<AssignmentId>)> = db
        .read(|db| {
            let all = review_items::table.filter(review_items::instance_id.eq(id));
            Ok(all.select((review_items::id, review_items::assignment_id)).load(db)?)
        })
        .unwrap();
    let pairs: HashMap<ReviewItemId, (usize, usize)> =
        items.into_iter().map(|(item, of)| (item, given[&of.unwrap()])).collect();
    assert_eq!(pairs.values().copied().collect::<BTreeSet<_>>(), lists.pairs, "each pair once");
    println!("one bare INSERT ... SELECT of the same rows: {:?}", bare(&db, id));
    drop(db);

    let now = System.now();
    let target = Arc::new(DemoTarget::in_memory(held(&lists), Arc::new(System)));
    let mut targets = Targets::default();
    targets.insert(NAME, target.clone());
    let app = App::over(data, provider, now, targets, |_| catalog);
    decide(&app, id, &pairs);
    close(&app, id, &lists);
    reconcile(&app, id, &lists, &given, &target);
}

/// All reviewers answer, some at the same time.
fn decide(app: &App, id: ReviewInstanceId, pairs: &HashMap<ReviewItemId, (usize, usize)>) {
    let asked = app.read(|db| store::reviewers_with_open(db, id));
    let names: Vec<String> = app.read(|db| {
        let asked = people::table.filter(people::id.eq_any(&asked));
        Ok(asked.order(people::id).select(people::external_id).load(db)?)
    });
    let (turn, answered) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let begin = Instant::now();
    std::thread::scope(|threads| {
        for _ in 0..AT_ONCE {
            threads.spawn(|| {
                while let Some(who) = names.get(turn.fetch_add(1, Ordering::SeqCst)) {
                    let n = answers(app, id, who, pairs);
                    let so_far = answered.fetch_add(n, Ordering::SeqCst) + n;
                    println!("{who} has answered {n}; {so_far} after {:?}", begin.elapsed());
                }
            });
        }
    });
    assert_eq!(answered.load(Ordering::SeqCst), pairs.len());
    println!("{} reviewers, {} answers: {:?}", names.len(), pairs.len(), begin.elapsed());
}

/// The administrator closes it; the cooling-off time passes, and the removals are carried out.
fn close(app: &App, id: ReviewInstanceId, lists: &Lists) {
    let removed = lists.pairs.iter().filter(|pair| removes(**pair)).count() as i64;
    let mut admin = Visitor::signed_in(&app.origin, "admin");
    let begin = Instant::now();
    let progress = admin.open(&format!("/reviews/{id}/progress"));
    progress.is(200);
    println!("the page of how it stands: {:?}", begin.elapsed());
    let token = admin.token();
    let to = format!("/reviews/{id}/progress/close");
    admin.post(&to, &[("csrf", &token), ("stage", "1")]).is(200).says("Closed.");
    let begin = Instant::now();
    app.jobs();
    println!("outcomes of all items, {removed} removals planned: {:?}", begin.elapsed());
    let counts = app.read(|db| store::listing::counts(db, id));
    assert_eq!((counts.waiting, counts.silent), (removed, 0));
    app.pass_days(3);
    let begin = Instant::now();
    app.jobs();
    println!("{removed} removals carried out and confirmed: {:?}", begin.elapsed());
}

/// Every pair is where it belongs: in the review, among the assignments, and on the target system.
fn reconcile(
    app: &App,
    id: ReviewInstanceId,
    lists: &Lists,
    given: &HashMap<AssignmentId, (usize, usize)>,
    target: &DemoTarget,
) {
    let instance = app.read(|db| store::instance(db, id));
    assert_eq!(instance.state, State::Completed);
    let gone: BTreeSet<(usize, usize)> =
        lists.pairs.iter().copied().filter(|pair| removes(*pair)).collect();
    let stays: BTreeSet<(usize, usize)> = lists.pairs.difference(&gone).copied().collect();
    let of = |outcome: Outcome| -> BTreeSet<(usize, usize)> {
        let found: Vec<Option<AssignmentId>> = app.read(|db| {
            let all = review_items::table.filter(review_items::instance_id.eq(id));
            let all = all.filter(review_items::outcome.eq(outcome.as_str()));
            Ok(all.select(review_items::assignment_id).load(db)?)
        });
        found.into_iter().map(|of| given[&of.unwrap()]).collect()
    };
    assert_eq!(of(Outcome::Removed), gone);
    assert_eq!(of(Outcome::Kept), stays);
    let active: Vec<AssignmentId> = app.read(|db| {
        let active = assignments::table.filter(assignments::ended_at.is_null());
        Ok(active.select(assignments::id).load(db)?)
    });
    let active: BTreeSet<_> =
        active.iter().filter_map(|active| given.get(active)).copied().collect();
    assert_eq!(active, stays);
    let number = |text: &str| -> usize {
        text.trim_start_matches(|c: char| !c.is_ascii_digit()).parse().expect("a number")
    };
    let there: BTreeSet<(usize, usize)> = target
        .groups()
        .iter()
        .flat_map(|group| {
            let permission = number(&group.address);
            group.holders.iter().map(move |(who, _)| (number(who), permission)).collect::<Vec<_>>()
        })
        .collect();
    assert_eq!(there, stays, "on the target system");
    println!("{} removed, {} kept: every row is where it belongs", gone.len(), stays.len());
}
