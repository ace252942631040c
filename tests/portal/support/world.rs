//! A small organization on a fresh database, with clocks that stand until a test moves them.
//!
//! Ada works for Ben. Cleo owns the catalog. Dan and Eve are colleagues; Root is the administrator. Every test that
//! makes a world ends with the check of `invariants`.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use diesel::prelude::*;
use keyholder::access::policy::{self, AskStanding};
use keyholder::assignments::model::Assignment;
use keyholder::assignments::{self, rights};
use keyholder::db::schema::{
    catalogs, facts, group_members, groups, notices, package_roles, people, resource_roles,
    resources, role_grants, sessions,
};
use keyholder::db::{Address, By, Database, Fixture, Tx, migrate, schema};
use keyholder::directory::{feed, import};
use keyholder::error::{Error, Refusal, Result};
use keyholder::kernel::time::Fixed;
use keyholder::kernel::{
    AssignmentId, CatalogId, Clock, Clocks, Fact, GroupId, PackageId, PersonId, PolicyId,
    RequestId, ResourceId, Risk, RoleGrantId, RoleId, StageId, Ts, Zone,
};
use keyholder::policies::model::{Lifetime, Named, Scope, Terms};
use keyholder::policies::stages::{Approvers, StageTerms};
use keyholder::provisioning::connectors::Targets;
use keyholder::provisioning::reconcile;
use keyholder::requests::commands::{self, Submit};
use keyholder::requests::model::{Request, Stage, StageState, State, Verdict};
use keyholder::requests::{jobs, store};
use keyholder::{notify, packages, policies, reviews};

use super::database::FreshDatabase;
use super::invariants;
use super::target::FakeTarget;

/// A Monday morning.
pub const START: &str = "2026-03-02T09:00:00Z";
/// The name of the target system.
pub const TARGET: &str = "Office";
/// A day in seconds.
pub const DAY: i64 = 86_400;

/// See the head of this file.
pub struct World {
    pub db: Database,
    pub target: Arc<FakeTarget>,
    pub targets: Targets,
    pub ada: PersonId,
    pub ben: PersonId,
    pub cleo: PersonId,
    pub dan: PersonId,
    pub eve: PersonId,
    pub root: PersonId,
    pub catalog: CatalogId,
    business: Arc<Fixed>,
    wall: Arc<Fixed>,
    made: AtomicUsize,
    _fresh: FreshDatabase,
}

/// A time, as text.
pub fn at(text: &str) -> Ts {
    Ts::new(text.parse().expect("a time"))
}

/// Somebody in a policy.
pub fn named<I>(id: I) -> Named<I> {
    Named { id, name: "as it was then".into() }
}

/// Every member may ask, these stages decide, access lasts 90 days.
pub fn terms(stages: Vec<StageTerms>) -> Terms {
    Terms {
        scope: Scope { all_members: true, ..Scope::default() },
        stages,
        reason_required: false,
        lifetime: Lifetime::Days { days: 90 },
        period_chosen: true,
        ..Terms::default()
    }
}

/// A stage of the target's manager.
pub fn by_manager(fallback: &[PersonId]) -> StageTerms {
    let fallback = fallback.iter().map(|id| named(*id)).collect();
    StageTerms::simple(Approvers::Manager, fallback, 14)
}

/// A stage of named people.
pub fn by(people: &[PersonId], fallback: &[PersonId]) -> StageTerms {
    let people = people.iter().map(|id| named(*id)).collect();
    let fallback = fallback.iter().map(|id| named(*id)).collect();
    StageTerms::simple(Approvers::people(people), fallback, 14)
}

/// A stage of a group.
pub fn by_group(group: GroupId, fallback: &[PersonId]) -> StageTerms {
    let fallback = fallback.iter().map(|id| named(*id)).collect();
    StageTerms::simple(Approvers::group(named(group)), fallback, 14)
}

/// An order for a package, without wishes.
pub fn order(package: PackageId) -> Submit {
    Submit { reason: "month end".into(), ..Submit::of(package) }
}

/// The refusal that a command answered.
pub fn refused<T: std::fmt::Debug>(result: Result<T>) -> Refusal {
    match result {
        Err(Error::Refused(refusal)) => *refusal,
        other => panic!("not refused: {other:?}"),
    }
}

/// One recorded fact with what it stands beside.
#[derive(Debug)]
pub struct Told {
    pub fact: Fact,
    pub at: Ts,
    pub due: Option<Ts>,
    pub note: Option<String>,
}

/// Sets the undo window (D40); most tests have none, so that what is approved is delivered at once.
pub fn undo_seconds(db: &Database, seconds: i64) {
    let set = move |tx: &mut keyholder::db::Tx<'_>| {
        let name = keyholder::settings::store::UNDO_SECONDS;
        keyholder::db::set_setting(tx, name, &seconds.to_string())
    };
    db.write(By::System("test"), set).unwrap();
}

impl World {
    /// On the kind of database that `TEST_DATABASE` names; none when that is missing.
    pub fn new() -> Option<Self> {
        Self::in_zone(Zone::UTC)
    }

    /// The same in another time zone.
    pub fn in_zone(zone: Zone) -> Option<Self> {
        let fresh = FreshDatabase::fresh()?;
        let address = Address::parse(fresh.url()).unwrap();
        migrate::migrate(&address).unwrap();
        let business = Arc::new(Fixed::at(at(START)));
        let wall = Arc::new(Fixed::at(at(START)));
        let clocks = Clocks { business: business.clone(), wall: wall.clone() };
        let db = Database::open(&address, clocks, zone).unwrap();
        undo_seconds(&db, 0);
        let target = Arc::new(FakeTarget::new());
        let mut targets = Targets::default();
        targets.insert(TARGET, target.clone());
        let nobody = PersonId::fresh();
        let mut world = Self {
            db,
            target,
            targets,
            ada: nobody,
            ben: nobody,
            cleo: nobody,
            dan: nobody,
            eve: nobody,
            root: nobody,
            catalog: CatalogId::fresh(),
            business,
            wall,
            made: AtomicUsize::new(0),
            _fresh: fresh,
        };
        world.ben = world.person("Ben");
        world.ada = world.reports_to("Ada", world.ben);
        (world.cleo, world.dan, world.eve) =
            (world.person("Cleo"), world.person("Dan"), world.person("Eve"));
        world.root = world.person("Root");
        let root = world.root;
        world.run(move |tx| {
            diesel::update(people::table.find(root))
                .set(people::administrator.eq(true))
                .execute(tx.db())?;
            Ok(())
        });
        world.catalog = world.catalog_of(&[world.cleo]);
        Some(world)
    }

    // ---- time ----

    /// Business time.
    pub fn now(&self) -> Ts {
        self.business.now()
    }

    /// Moves both clocks on.
    pub fn pass(&self, seconds: i64) {
        self.business.advance(seconds);
        self.wall.advance(seconds);
    }

    /// Moves wall time on alone, as far as every backoff goes.
    pub fn pass_wall(&self, seconds: i64) {
        self.wall.advance(seconds);
    }

    /// The clock of leases, for a target that moves it.
    pub fn wall_clock(&self) -> Arc<Fixed> {
        self.wall.clone()
    }

    // ---- making things ----

    /// Runs something as the system.
    pub fn run<T: Send + 'static>(
        &self,
        f: impl Fn(&mut Tx<'_>) -> Result<T> + Send + Sync + 'static,
    ) -> T {
        self.db.write(By::System("test"), f).unwrap()
    }

    /// Runs something in a person's name.
    pub fn by<T: Send + 'static>(
        &self,
        who: PersonId,
        f: impl Fn(&mut Tx<'_>) -> Result<T> + Send + Sync + 'static,
    ) -> Result<T> {
        self.db.write(By::Person(who), f)
    }

    fn number(&self) -> usize {
        self.made.fetch_add(1, Ordering::SeqCst)
    }

    pub fn person(&self, name: &str) -> PersonId {
        self.somebody(name, "member", None)
    }

    pub fn guest(&self, name: &str) -> PersonId {
        self.somebody(name, "guest", None)
    }

    pub fn reports_to(&self, name: &str, manager: PersonId) -> PersonId {
        self.somebody(name, "member", Some(manager))
    }

    /// Many people at once.
    pub fn people(&self, count: usize) -> Vec<PersonId> {
        let names: Vec<String> = (0..count).map(|n| format!("Person {n}")).collect();
        self.everybody(&names, "member", None)
    }

    fn somebody(&self, name: &str, kind: &'static str, manager: Option<PersonId>) -> PersonId {
        self.everybody(&[name.to_owned()], kind, manager)[0]
    }

    fn everybody(
        &self,
        names: &[String],
        kind: &'static str,
        manager: Option<PersonId>,
    ) -> Vec<PersonId> {
        let rows: Vec<(PersonId, String, String)> = names
            .iter()
            .map(|name| (PersonId::fresh(), name.clone(), format!("p{}", self.number())))
            .collect();
        let ids = rows.iter().map(|(id, ..)| *id).collect();
        let now = self.now();
        self.run(move |tx| {
            for (id, name, external) in &rows {
                diesel::insert_into(people::table)
                    .values((
                        people::id.eq(*id),
                        people::source.eq("test"),
                        people::external_id.eq(external),
                        people::name.eq(name),
                        people::kind.eq(kind),
                        people::manager_id.eq(manager),
                        people::attributes.eq("{}"),
                        people::administrator.eq(false),
                        people::auditor.eq(false),
                        people::enabled.eq(true),
                        people::search.eq(name.to_lowercase()),
                        people::rev.eq(1),
                        people::created_at.eq(now),
                    ))
                    .execute(tx.db())?;
            }
            Ok(())
        });
        ids
    }

    /// The person's id in the staff list, by which the target knows them.
    pub fn external(&self, person: PersonId) -> String {
        let query = people::table.find(person).select(people::external_id);
        self.db.read(|db| Ok(query.first(db)?)).unwrap()
    }

    pub fn set_manager(&self, person: PersonId, manager: Option<PersonId>) {
        self.run(move |tx| {
            diesel::update(people::table.find(person))
                .set(people::manager_id.eq(manager))
                .execute(tx.db())?;
            Ok(())
        });
    }

    pub fn group(&self, members: &[PersonId]) -> GroupId {
        let id = GroupId::fresh();
        let (name, members, now) =
            (format!("Group {}", self.number()), members.to_vec(), self.now());
        self.run(move |tx| {
            diesel::insert_into(groups::table)
                .values((
                    groups::id.eq(id),
                    groups::name.eq(&name),
                    groups::name_key.eq(name.to_lowercase()),
                    groups::rev.eq(1),
                    groups::created_at.eq(now),
                ))
                .execute(tx.db())?;
            for person in &members {
                diesel::insert_into(group_members::table)
                    .values((group_members::group_id.eq(id), group_members::person_id.eq(*person)))
                    .execute(tx.db())?;
            }
            Ok(())
        });
        id
    }

    pub fn leave_group(&self, group: GroupId, person: PersonId) {
        self.run(move |tx| {
            diesel::delete(group_members::table.find((group, person))).execute(tx.db())?;
            Ok(())
        });
    }

    pub fn catalog_of(&self, owners: &[PersonId]) -> CatalogId {
        let id = CatalogId::fresh();
        let (name, owners, now) =
            (format!("Catalog {}", self.number()), owners.to_vec(), self.now());
        self.run(move |tx| {
            diesel::insert_into(catalogs::table)
                .values((
                    catalogs::id.eq(id),
                    catalogs::name.eq(&name),
                    catalogs::name_key.eq(name.to_lowercase()),
                    catalogs::description.eq(""),
                    catalogs::enabled.eq(true),
                    catalogs::listed_for_everyone.eq(true),
                    catalogs::rev.eq(1),
                    catalogs::created_at.eq(now),
                ))
                .execute(tx.db())?;
            for person in &owners {
                diesel::insert_into(role_grants::table)
                    .values((
                        role_grants::id.eq(RoleGrantId::fresh()),
                        role_grants::catalog_id.eq(id),
                        role_grants::role.eq("owner"),
                        role_grants::person_id.eq(Some(*person)),
                        role_grants::created_at.eq(now),
                    ))
                    .execute(tx.db())?;
            }
            Ok(())
        });
        id
    }

    /// A resource of the target with the one role "member".
    pub fn role(&self, address: &str) -> RoleId {
        self.role_of(address, Risk::Ordinary, false, TARGET)
    }

    pub fn role_of(
        &self,
        address: &str,
        risk: Risk,
        managed_here: bool,
        target: &'static str,
    ) -> RoleId {
        let (resource, role) = (ResourceId::fresh(), RoleId::fresh());
        let (address, catalog, now) = (address.to_owned(), self.catalog, self.now());
        self.run(move |tx| {
            diesel::insert_into(resources::table)
                .values((
                    resources::id.eq(resource),
                    resources::catalog_id.eq(catalog),
                    resources::target.eq(target),
                    resources::address.eq(&address),
                    resources::name.eq(&address),
                    resources::description.eq(""),
                    resources::managed_here.eq(managed_here),
                    resources::rev.eq(1),
                    resources::created_at.eq(now),
                ))
                .execute(tx.db())?;
            diesel::insert_into(resource_roles::table)
                .values((
                    resource_roles::id.eq(role),
                    resource_roles::resource_id.eq(resource),
                    resource_roles::name.eq("Member"),
                    resource_roles::value.eq("member"),
                    resource_roles::risk.eq(risk.as_str()),
                    resource_roles::created_at.eq(now),
                ))
                .execute(tx.db())?;
            Ok(())
        });
        role
    }

    /// A package of these roles with one policy.
    pub fn package(&self, roles: &[RoleId], terms: Terms) -> PackageId {
        self.package_and_policy(roles, terms).0
    }

    pub fn package_and_policy(&self, roles: &[RoleId], terms: Terms) -> (PackageId, PolicyId) {
        let id = PackageId::fresh();
        let (name, roles, now, catalog) =
            (format!("Package {}", self.number()), roles.to_vec(), self.now(), self.catalog);
        self.run(move |tx| {
            diesel::insert_into(schema::packages::table)
                .values((
                    schema::packages::id.eq(id),
                    schema::packages::catalog_id.eq(catalog),
                    schema::packages::name.eq(&name),
                    schema::packages::name_key.eq(name.to_lowercase()),
                    schema::packages::description.eq(""),
                    schema::packages::hidden.eq(false),
                    schema::packages::contents_version.eq(1),
                    schema::packages::search.eq(name.to_lowercase()),
                    schema::packages::rev.eq(1),
                    schema::packages::created_at.eq(now),
                ))
                .execute(tx.db())?;
            for role in &roles {
                link_role(tx, id, *role)?;
            }
            Ok(())
        });
        (id, self.policy(id, terms))
    }

    pub fn policy(&self, package: PackageId, terms: Terms) -> PolicyId {
        let id = PolicyId::fresh();
        let (name, now) = (format!("Policy {}", self.number()), self.now());
        let terms = serde_json::to_string(&terms).unwrap();
        self.run(move |tx| {
            diesel::insert_into(schema::policies::table)
                .values((
                    schema::policies::id.eq(id),
                    schema::policies::package_id.eq(package),
                    schema::policies::name.eq(&name),
                    schema::policies::version.eq(1),
                    schema::policies::enabled.eq(true),
                    schema::policies::terms.eq(&terms),
                    schema::policies::rev.eq(1),
                    schema::policies::created_at.eq(now),
                ))
                .execute(tx.db())?;
            Ok(())
        });
        id
    }

    /// Cleo edits a policy: a new version.
    pub fn edit_policy(&self, policy: PolicyId, terms: &Terms) {
        let (terms, catalog) = (terms.clone(), self.catalog);
        self.by(self.cleo, move |tx| {
            let permit = policy::manage_catalog(tx.actor(), catalog)?;
            let there = policies::store::policy(tx.db(), policy)?;
            let (seen, name) = (there.version, there.name);
            policies::commands::change(tx, &permit, policy, seen, &name, &terms).map(|_| ())
        })
        .unwrap();
    }

    /// Cleo changes what is in a package.
    pub fn set_contents(&self, package: PackageId, roles: &[RoleId]) {
        self.try_set_contents(package, roles).unwrap();
    }

    /// As [`Self::set_contents`], whatever comes of it.
    pub fn try_set_contents(&self, package: PackageId, roles: &[RoleId]) -> Result<()> {
        let (roles, catalog) = (roles.to_vec(), self.catalog);
        self.by(self.cleo, move |tx| {
            let permit = policy::manage_catalog(tx.actor(), catalog)?;
            let seen = packages::store::head(tx.db(), package)?.contents_version;
            let follow = commands::contents_changed;
            packages::commands::set_contents(tx, &permit, package, seen, &roles, follow)
        })
    }

    /// The staff list comes without these people.
    pub fn import_without(&self, gone: &[PersonId]) {
        let there = people::table
            .filter(people::id.ne_all(gone))
            .filter(people::enabled.eq(true))
            .select((people::external_id, people::name));
        let there: Vec<(String, String)> = self.db.read(|db| Ok(there.load(db)?)).unwrap();
        let rows = there.iter().map(|(id, name)| format!("{id},{name}\n"));
        let list = format!("id,name\n{}", rows.collect::<String>());
        let entries = feed::read(list.as_bytes(), &feed::Mapping::default()).unwrap();
        let rules = import::Rules {
            source: "test".into(),
            allow_leavers: 100,
            administrators: Vec::new(),
            hooks: vec![commands::leaver],
            dry_run: false,
        };
        import::people(&self.db, entries, rules).unwrap();
    }

    /// The person signs in; only the row of the session matters here.
    pub fn sign_in(&self, person: PersonId) {
        let key = format!("key {}", self.number());
        self.run(move |tx| {
            let now = tx.wall();
            diesel::insert_into(sessions::table)
                .values((
                    sessions::key_hash.eq(&key),
                    sessions::person_id.eq(Some(person)),
                    sessions::state.eq("{}"),
                    sessions::created_at.eq(now),
                    sessions::expires_at.eq(now.plus_hours(8)),
                ))
                .execute(tx.db())?;
            Ok(())
        });
    }

    /// How many sessions of a person are open.
    pub fn sessions(&self, person: PersonId) -> i64 {
        let open = sessions::table
            .filter(sessions::person_id.eq(person))
            .filter(sessions::ended_at.is_null())
            .count();
        self.db.read(|db| Ok(open.get_result(db)?)).unwrap()
    }

    // ---- what people do ----

    /// Asks for a package for oneself, without wishes.
    pub fn ask(&self, who: PersonId, package: PackageId) -> Result<RequestId> {
        self.submit(who, order(package))
    }

    pub fn submit(&self, who: PersonId, order: Submit) -> Result<RequestId> {
        self.by(who, move |tx| {
            let permit = policy::request_access(tx.actor(), &AskStanding::own(who))?;
            commands::submit(tx, &permit, &order)
        })
    }

    /// All of them ask for themselves, in one transaction.
    pub fn ask_all(&self, people: &[PersonId], package: PackageId) -> Vec<RequestId> {
        let orders: Vec<_> = people.iter().map(|person| (*person, order(package))).collect();
        let ids = orders.iter().map(|(_, order)| order.id).collect();
        let at = self.now();
        self.run(move |tx| {
            for (person, order) in &orders {
                let step = Fixture { at, by: By::Person(*person) };
                tx.step(step, |tx| {
                    let permit = policy::request_access(tx.actor(), &AskStanding::own(*person))?;
                    commands::submit(tx, &permit, order)
                })?;
            }
            Ok(())
        });
        ids
    }

    pub fn approve(&self, who: PersonId, request: RequestId) -> Result<Request> {
        self.decide(who, request, self.last_stage(request).id, Verdict::Approve, "")
    }

    pub fn deny(&self, who: PersonId, request: RequestId) -> Result<Request> {
        self.decide(who, request, self.last_stage(request).id, Verdict::Deny, "not needed")
    }

    pub fn decide(
        &self,
        who: PersonId,
        request: RequestId,
        stage: StageId,
        verdict: Verdict,
        note: &str,
    ) -> Result<Request> {
        let note = note.to_owned();
        self.by(who, move |tx| {
            let permit = commands::may_decide(tx, request, stage)?;
            commands::decide(tx, &permit, stage, verdict, &note)
        })
    }

    pub fn cancel(&self, who: PersonId, request: RequestId) -> Result<Request> {
        self.by(who, move |tx| {
            let there = store::one(tx.db(), request)?;
            let standing = store::standing(tx.db(), &there)?;
            let permit = policy::cancel_request(tx.actor(), &standing)?;
            commands::cancel(tx, &permit)
        })
    }

    /// An owner ends an assignment now.
    pub fn end(&self, who: PersonId, assignment: AssignmentId) -> Result<()> {
        let catalog = self.catalog;
        self.by(who, move |tx| {
            let permit = policy::manage_assignment(tx.actor(), catalog)?;
            commands::end_assignment(tx, &permit, assignment, "no longer needed").map(|_| ())
        })
    }

    /// An owner asks for another try now.
    pub fn retry(&self, who: PersonId, assignment: AssignmentId) -> Result<usize> {
        let catalog = self.catalog;
        self.by(who, move |tx| {
            let permit = policy::manage_assignment(tx.actor(), catalog)?;
            assignments::commands::retry_now(tx, &permit, assignment)
        })
    }

    /// The person is missing from the staff list.
    pub fn leave(&self, person: PersonId) {
        self.try_leave(person).unwrap();
    }

    pub fn try_leave(&self, person: PersonId) -> Result<()> {
        self.db.write(By::System("Staff list"), move |tx| {
            let now = tx.now();
            let name: String = people::table.find(person).select(people::name).first(tx.db())?;
            diesel::update(people::table.find(person))
                .set((people::enabled.eq(false), people::left_at.eq(Some(now))))
                .execute(tx.db())?;
            diesel::update(sessions::table.filter(sessions::person_id.eq(person)))
                .set(sessions::ended_at.eq(Some(now)))
                .execute(tx.db())?;
            commands::leaver(tx, person, &name)
        })
    }

    /// The person is on the staff list again.
    pub fn come_back(&self, person: PersonId) {
        self.run(move |tx| {
            diesel::update(people::table.find(person))
                .set((people::enabled.eq(true), people::left_at.eq(None::<Ts>)))
                .execute(tx.db())?;
            Ok(())
        });
    }

    /// Puts something else in the place of a request's frozen terms; returns what stood there.
    pub fn spoil(&self, request: RequestId, terms: &str) -> String {
        let terms = terms.to_owned();
        self.run(move |tx| {
            let row = schema::requests::table.find(request);
            let before = row.select(schema::requests::terms).first(tx.db())?;
            diesel::update(row).set(schema::requests::terms.eq(&terms)).execute(tx.db())?;
            Ok(before)
        })
    }

    // ---- what the portal does by itself ----

    /// The timers' turn.
    pub fn tick(&self) -> usize {
        jobs::run_due(&self.db).unwrap() + reviews::jobs::run_due(&self.db).unwrap()
    }

    /// One round of delivery at every target.
    pub fn deliver(&self) -> usize {
        reconcile::run_target(&self.db, &self.targets, TARGET).unwrap()
            + reconcile::run_unknown(&self.db, &self.targets).unwrap()
    }

    pub fn dispatch(&self) -> usize {
        notify::dispatch::run(&self.db).unwrap()
    }

    // ---- looking ----

    pub fn request(&self, id: RequestId) -> Request {
        self.db.read(|db| store::one(db, id)).unwrap()
    }

    pub fn state(&self, id: RequestId) -> State {
        self.request(id).state
    }

    pub fn stages(&self, id: RequestId) -> Vec<Stage> {
        self.db.read(|db| store::stages(db, &[id])).unwrap()
    }

    pub fn last_stage(&self, id: RequestId) -> Stage {
        self.stages(id).into_iter().next_back().expect("a stage")
    }

    pub fn stage_state(&self, id: RequestId) -> StageState {
        self.last_stage(id).state()
    }

    /// Whose decision is awaited, by name.
    pub fn deciders(&self, id: RequestId) -> Vec<String> {
        let holders = self.db.read(|db| store::holders(db, &[id])).unwrap();
        holders.into_iter().map(|(_, approver)| approver.name).collect()
    }

    /// The assignment that a request led to.
    pub fn assignment(&self, request: RequestId) -> Assignment {
        self.db
            .read(|db| assignments::store::of_request(db, request))
            .unwrap()
            .expect("an assignment")
    }

    pub fn has_assignment(&self, request: RequestId) -> bool {
        self.db.read(|db| assignments::store::of_request(db, request)).unwrap().is_some()
    }

    /// Where the resources of a request's assignment stand.
    pub fn standing(&self, request: RequestId) -> Vec<rights::Standing> {
        let id = self.assignment(request).id;
        self.db.read(|db| rights::standing(db, &[id])).unwrap()
    }

    /// Everything recorded of one kind, oldest first.
    pub fn facts(&self, kind: &str) -> Vec<Told> {
        self.facts_where(kind, None)
    }

    pub fn facts_of(&self, kind: &str, request: RequestId) -> Vec<Told> {
        self.facts_where(kind, Some(request))
    }

    fn facts_where(&self, kind: &str, request: Option<RequestId>) -> Vec<Told> {
        let mut query = facts::table
            .filter(facts::kind.eq(kind))
            .order((facts::at, facts::id))
            .select((facts::data, facts::at, facts::due_at, facts::note))
            .into_boxed();
        if let Some(request) = request {
            query = query.filter(facts::request_id.eq(request));
        }
        type Row = (String, Ts, Option<Ts>, Option<String>);
        let rows: Vec<Row> = self.db.read(|db| Ok(query.load(db)?)).unwrap();
        rows.into_iter()
            .map(|(data, at, due, note)| Told {
                fact: serde_json::from_str(&data).unwrap(),
                at,
                due,
                note,
            })
            .collect()
    }

    /// Due time and kind of what timers did, in the order in which it was recorded.
    pub fn recorded_order(&self, kinds: &[&'static str]) -> Vec<(Ts, &'static str)> {
        let query = facts::table
            .filter(facts::due_at.is_not_null())
            .order(facts::id)
            .select((facts::due_at, facts::kind));
        let rows: Vec<(Option<Ts>, String)> = self.db.read(|db| Ok(query.load(db)?)).unwrap();
        rows.into_iter()
            .filter_map(|(due, kind)| Some((due?, *kinds.iter().find(|k| **k == kind)?)))
            .collect()
    }

    /// The sentences that a person was told, oldest first.
    pub fn notices(&self, person: PersonId) -> Vec<String> {
        let query = notices::table
            .filter(notices::person_id.eq(person))
            .order((notices::at, notices::id))
            .select(notices::sentence);
        self.db.read(|db| Ok(query.load(db)?)).unwrap()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.dispatch();
            invariants::check(&self.db, &self.target);
        }
    }
}

fn link_role(tx: &mut Tx<'_>, package: PackageId, role: RoleId) -> Result<()> {
    diesel::insert_into(package_roles::table)
        .values((package_roles::package_id.eq(package), package_roles::role_id.eq(role)))
        .execute(tx.db())?;
    Ok(())
}
