//! The real application in the process of the tests, with the people of the demo's company, a real provider,
//! and a clock that stands until a test moves it.

use std::net::TcpListener;
use std::sync::Arc;
use std::thread::JoinHandle;

use actix_web::dev::ServerHandle;
use keyholder::access::policy;
use keyholder::app::Application;
use keyholder::catalogs::model::{NewCatalog, NewResource, NewRole};
use keyholder::db::{Address, By, Database, Db, migrate};
use keyholder::delegation::model::Owner;
use keyholder::demo::company;
use keyholder::error::Result;
use keyholder::kernel::time::{Fixed, Shifted};
use keyholder::kernel::{
    CatalogId, Clock, Clocks, OrganizationId, PackageId, PersonId, PolicyId, ResourceId, Risk,
    RoleId, Secret, Ts, Zone,
};
use keyholder::packages::model::NewPackage;
use keyholder::policies::model::{Lifetime, Named, Scope, Terms};
use keyholder::policies::stages::{Approvers, StageTerms};
use keyholder::provisioning::connectors::Targets;
use keyholder::provisioning::connectors::ldap::LdapGroups;
use keyholder::provisioning::connectors::settings::{LdapTarget, PersonBy};
use keyholder::signin::oidc::{Oidc, Settings};
use keyholder::signin::pages::{CALLBACK, SIGN_IN};
use keyholder::site::{Keys, SessionTimes, Site};
use keyholder::web::limit::Limits;
use keyholder::{catalogs, directory, jobs, organizations, packages, policies};
use serde_json::{Value, json};
use url::Url;

use super::database::FreshDatabase;
use super::ldap::{BASE, BIND_DN, BIND_PASSWORD, PLACEHOLDER, Person, Slapd};
use super::provider::{CLIENT_ID, CLIENT_SECRET, Provider};
use super::world::{DAY, START, at, undo_seconds};

/// The name of the directory among the targets.
pub const DIRECTORY: &str = "directory";
/// Whom one asks for help.
pub const HELP: &str = "the service desk, phone 100";
/// Colleagues of the employee, with the same manager.
pub const TEAM: [&str; 5] = ["n1010", "n1011", "n1012", "n1013", "n1014"];

/// A portal that serves on a port of its own, over a database of its own.
pub struct App {
    /// Where it is.
    pub origin: String,
    /// Its database.
    pub db: Database,
    /// Its target systems.
    pub targets: Arc<Targets>,
    /// Where its people sign in.
    pub provider: Provider,
    /// Business time.
    pub business: Arc<Fixed>,
    /// Wall time, near the machine's, as ID tokens must be.
    pub wall: Arc<Shifted>,
    /// The catalog Finance, of the catalog owner.
    pub catalog: CatalogId,
    _running: Running,
    _data: FreshDatabase,
}

/// A server in a thread of its own; it ends when this is dropped.
pub struct Running {
    handle: ServerHandle,
    thread: Option<JoinHandle<()>>,
}

impl Running {
    /// Serves what `make` makes, which runs inside the server's runtime. The jobs are left to the test.
    pub fn start(listener: TcpListener, make: impl FnOnce() -> Site + Send + 'static) -> Running {
        let (sender, receiver) = std::sync::mpsc::channel();
        let thread = std::thread::spawn(move || {
            actix_web::rt::System::new().block_on(async {
                let app = Application::build(Arc::new(make()), listener, 1, false);
                let app = app.expect("a server");
                sender.send(app.handle()).expect("the test waits");
                app.run().await.expect("it serves");
            });
        });
        Running { handle: receiver.recv().expect("it serves"), thread: Some(thread) }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.handle.stop(false));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// A policy's terms: all members may request, these decide one after another, a reason is needed, 30 days.
pub fn terms(stages: Vec<StageTerms>) -> Terms {
    Terms {
        scope: Scope { all_members: true, ..Scope::default() },
        stages,
        reason_required: true,
        lifetime: Lifetime::Days { days: 30 },
        period_chosen: false,
        ..Terms::default()
    }
}

/// The entries of the cast in a directory server.
pub const ENTRIES: &[Person] = &[
    entry("employee", "Asha Rao"),
    entry("n1010", "Mirela Popa"),
    entry("n1011", "Jonas Weber"),
    entry("n1012", "Siobhán O'Connell"),
    entry("n1013", "Łukasz Wiśniewski"),
    entry("n1014", "Nguyễn Thị Minh Châu"),
];

const fn entry(uid: &'static str, cn: &'static str) -> Person {
    Person { uid, cn, mail: "somebody@northmoor.example", employee_number: "0" }
}

/// A connector to a directory server, as the settings would make it.
pub fn directory(slapd: &Slapd) -> LdapTarget {
    LdapTarget {
        url: slapd.url(),
        starttls: true,
        ca: Some(slapd.ca_path()),
        bind_dn: BIND_DN.into(),
        bind_password: Secret::new(BIND_PASSWORD),
        people_base: format!("ou=people,{BASE}"),
        person_filter: "(objectClass=inetOrgPerson)".into(),
        person_attribute: Some("uid".into()),
        person_by: PersonBy::Id,
        groups_base: format!("ou=groups,{BASE}"),
        managed: vec![format!("ou=groups,{BASE}")],
        placeholder: Some(PLACEHOLDER.into()),
        timeout_seconds: 5,
    }
}

/// The targets with this one directory.
pub fn targets(settings: LdapTarget) -> Targets {
    let mut targets = Targets::default();
    targets.insert(DIRECTORY, Arc::new(LdapGroups::new(settings).expect("good settings")));
    targets
}

/// Somebody whom the provider knows.
pub fn account(id: &str, name: &str, mail: &str) -> Value {
    json!({ "id": id, "password": "secret", "name": name, "email": mail, "email_verified": true })
}

/// The accounts of the whole company.
pub fn accounts() -> Vec<Value> {
    let staff = company::staff().expect("the staff list");
    let mail = |mail: &Option<String>| mail.clone().unwrap_or_default();
    staff.iter().map(|one| account(&one.external_id, &one.name, &mail(&one.mail))).collect()
}

/// Fills an empty database with the company's people, and the catalog Finance.
pub fn fill(db: &Database) -> CatalogId {
    let staff = company::staff().expect("the staff list");
    let groups = company::memberships().expect("the groups");
    let people = staff.clone();
    let import = move |tx: &mut keyholder::db::Tx<'_>| company::import(tx, &people, &groups);
    db.write(By::System("Staff list"), import).expect("people");
    let appoint = move |tx: &mut keyholder::db::Tx<'_>| {
        let mut names = company::Names::default();
        names.read(tx.db(), &staff)?;
        company::appoint(tx, &names)
    };
    db.write(By::System("Command line"), appoint).expect("an administrator");
    catalog(db, "Finance", "catalog-owner")
}

/// The person of an id in the staff list.
pub fn person(db: &Database, id: &str) -> PersonId {
    let found = db.read(|c| directory::store::by_external_id(c, id)).expect("people");
    found.first().unwrap_or_else(|| panic!("nobody is {id}")).id
}

/// Creates a catalog of somebody.
pub fn catalog(db: &Database, name: &str, owner: &str) -> CatalogId {
    let (admin, owner) = (person(db, "admin"), person(db, owner));
    let new = NewCatalog {
        name: name.into(),
        owners: vec![Owner::Person(owner)],
        ..NewCatalog::default()
    };
    let create = move |tx: &mut keyholder::db::Tx<'_>| {
        let permit = policy::create_catalog(tx.actor())?;
        catalogs::commands::create(tx, &permit, CatalogId::fresh(), &new)
    };
    db.write(By::Person(admin), create).expect("a catalog")
}

/// Connects an organization that has this mail domain.
pub fn organization(db: &Database, name: &str, domain: &str) -> OrganizationId {
    let (admin, owner) = (person(db, "admin"), person(db, "catalog-owner"));
    let draft = organizations::model::Draft {
        name: name.into(),
        description: format!("What we do with {name}"),
        domains: vec![domain.into()],
        sponsors: vec![owner],
    };
    let connect = move |tx: &mut keyholder::db::Tx<'_>| {
        let permit = policy::manage_organizations(tx.actor())?;
        organizations::commands::create(tx, &permit, OrganizationId::fresh(), &draft)
    };
    db.write(By::Person(admin), connect).expect("an organization")
}

/// Registers a resource with the one role "Member".
pub fn resource(
    db: &Database,
    catalog: CatalogId,
    target: &str,
    address: &str,
    name: &str,
    risk: Risk,
) -> RoleId {
    let new = NewResource {
        catalog,
        target: target.into(),
        address: address.into(),
        name: name.into(),
        description: format!("Lets people work with {name}."),
        managed_here: false,
        roles: vec![NewRole { value: "member".into(), label: "Member".into(), risk }],
    };
    let add = move |tx: &mut keyholder::db::Tx<'_>| {
        let permit = policy::register_resource(tx.actor(), catalog)?;
        let id = catalogs::commands::add_resource(tx, &permit, ResourceId::fresh(), &new)?;
        Ok(catalogs::store::resource(tx.db(), id)?.roles[0].id)
    };
    db.write(By::Person(person(db, "admin")), add).expect("a resource")
}

/// Makes a package with one policy.
pub fn package(
    db: &Database,
    catalog: CatalogId,
    name: &str,
    roles: &[RoleId],
    terms: Terms,
) -> (PackageId, PolicyId) {
    let new = NewPackage {
        catalog,
        name: name.into(),
        description: format!("Everything that one needs for {name}."),
        hidden: false,
        roles: roles.to_vec(),
    };
    let make = move |tx: &mut keyholder::db::Tx<'_>| {
        let permit = policy::manage_catalog(tx.actor(), catalog)?;
        let id = packages::commands::create(tx, &permit, PackageId::fresh(), &new)?;
        let policy = PolicyId::fresh();
        policies::commands::create(tx, &permit, policy, id, "Everybody", &terms)?;
        Ok((id, policy))
    };
    db.write(By::Person(person(db, "catalog-owner")), make).expect("a package")
}

impl App {
    /// Starts it with these targets; none when the machine lacks a component.
    pub fn start(targets: Targets) -> Option<App> {
        let data = FreshDatabase::fresh()?;
        let provider = Provider::start(&accounts())?;
        let address = Address::parse(data.url()).expect("an address");
        migrate::migrate(&address).expect("the schema");
        Some(App::over(data, provider, at(START), targets, |db| {
            undo_seconds(db, 0);
            fill(db)
        }))
    }

    /// Starts it over a database whose schema is there, at a time; what `fill` returns is its catalog.
    pub fn over(
        data: FreshDatabase,
        provider: Provider,
        now: Ts,
        targets: Targets,
        fill: impl FnOnce(&Database) -> CatalogId,
    ) -> App {
        let address = Address::parse(data.url()).expect("an address");
        let business = Arc::new(Fixed::at(now));
        let wall = Arc::new(Shifted::default());
        let clocks = Clocks { business: business.clone(), wall: wall.clone() };
        let db = Database::open(&address, clocks, Zone::UTC).expect("a database");
        let catalog = fill(&db);
        let targets = Arc::new(targets);
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let origin = format!("http://{}", listener.local_addr().expect("an address"));
        let public_url = Url::parse(&origin).expect("an address");
        let oidc = sign_in(&provider, &public_url, wall.clone());
        let site = Site {
            db: db.clone(),
            organization: "Northmoor Instruments".into(),
            help: HELP.into(),
            public_url,
            keys: Keys::random(),
            sessions: SessionTimes::default(),
            secure: false,
            demo: false,
            proxies: vec![],
            limits: Limits::per_minute(10_000, 10_000, 10_000, 10_000),
            mailer: None,
            targets: Arc::clone(&targets),
            oidc: Some(Arc::new(oidc)),
            first_administrator: None,
            pack_key: None,
            controls: None,
        };
        let running = Running::start(listener, || site);
        App {
            origin,
            db,
            targets,
            provider,
            business,
            wall,
            catalog,
            _running: running,
            _data: data,
        }
    }

    /// Lets so many seconds of business time pass.
    pub fn pass(&self, seconds: i64) {
        self.business.advance(seconds);
    }

    /// Lets so many days of business time pass.
    pub fn pass_days(&self, days: i64) {
        self.pass(days * DAY);
    }

    /// Runs everything that is due.
    pub fn jobs(&self) -> usize {
        jobs::run_all(&self.db, &self.targets).expect("the jobs run")
    }

    /// Reads.
    pub fn read<T>(&self, f: impl FnOnce(&mut Db) -> Result<T>) -> T {
        self.db.read(f).expect("the database answers")
    }

    /// The person of an id in the staff list.
    pub fn person(&self, id: &str) -> PersonId {
        person(&self.db, id)
    }

    /// Somebody in a policy.
    pub fn named(&self, id: &str) -> Named<PersonId> {
        Named { id: self.person(id), name: String::new() }
    }

    /// A stage of the manager; the catalog owner where there is none.
    pub fn by_manager(&self) -> StageTerms {
        let fallback = vec![self.named("catalog-owner")];
        StageTerms::simple(Approvers::Manager, fallback, 14)
    }

    /// A stage of these people.
    pub fn by(&self, ids: &[&str]) -> StageTerms {
        let people = ids.iter().map(|id| self.named(id)).collect();
        StageTerms::simple(Approvers::people(people), vec![], 7)
    }

    /// A resource of the directory in the catalog Finance.
    pub fn role(&self, group: &str, risk: Risk) -> RoleId {
        resource(&self.db, self.catalog, DIRECTORY, &Slapd::group(group), group, risk)
    }

    /// A package of the catalog Finance.
    pub fn package(&self, name: &str, roles: &[RoleId], terms: Terms) -> PackageId {
        package(&self.db, self.catalog, name, roles, terms).0
    }
}

/// Lets people sign in at the provider, at a portal of this address.
pub fn sign_in(provider: &Provider, public_url: &Url, wall: Arc<dyn Clock>) -> Oidc {
    let at = |path: &str| public_url.join(path).expect("an address");
    let (back, bye) = (at(CALLBACK), at(SIGN_IN));
    provider.let_back_to(back.as_str(), bye.as_str());
    let settings = Settings {
        issuer: provider.issuer.clone(),
        client_id: CLIENT_ID.into(),
        client_secret: Some(Secret::new(CLIENT_SECRET)),
        scopes: ["openid", "profile", "email"].map(str::to_owned).to_vec(),
        person_claim: "sub".into(),
        ca: None,
    };
    Oidc::new(settings, back, wall).expect("good settings")
}
