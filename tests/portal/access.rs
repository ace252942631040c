//! Who may do what: every route, every kind of person. The answers stand in `who_may.txt`, to be read by people.
//!
//! `KEYHOLDER_BLESS=1 cargo test --test portal who_may` writes the file anew.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt::Write as _;
use std::path::Path;

use diesel::prelude::*;
use keyholder::access::policy::{self, AskStanding, Gate};
use keyholder::app;
use keyholder::assignments;
use keyholder::db::By;
use keyholder::db::schema::{mails, notices, resource_roles, role_grants, stand_ins};
use keyholder::kernel::{
    AnswerBatchId, BasketId, CatalogId, IncompatibilityId, NoticeId, PackageId, RequestId,
    ReviewId, ReviewInstanceId, ReviewItemId, Risk, StandInId,
};
use keyholder::notify;
use keyholder::packages::incompatible;
use keyholder::packages::incompatible::model::{NewRule, Other};
use keyholder::policies::model::{Asks, Named, Terms};
use keyholder::requests::commands::{self, Submit};
use keyholder::requests::model::Verdict;
use keyholder::requests::store;
use keyholder::reviews;
use keyholder::reviews::commands::NewReview;
use keyholder::reviews::model::{Reviewers, Rhythm, Silence};
use keyholder::web::{Method, Route};
use openidconnect::reqwest;

use crate::support::app::{App, DIRECTORY, terms};
use crate::support::demo::DemoApp;
use crate::support::tables;
use crate::support::visitor::{Page, Visitor};

/// Who asks, in the order of the columns; the first is nobody.
const WHO: [(&str, &str); 9] = [
    ("nobody", ""),
    ("employee", "employee"),
    ("manager", "manager"),
    ("approver", "second-approver"),
    ("owner", "catalog-owner"),
    ("auditor", "auditor"),
    ("admin", "admin"),
    ("elsewhere", "n1042"),
    ("guest", "guest"),
];

/// One of everything, new: a POST that works uses it up.
struct Things {
    parts: BTreeMap<&'static str, String>,
    bodies: BTreeMap<&'static str, Vec<(&'static str, String)>>,
}

fn submit(app: &App, package: PackageId, basket: BasketId) -> RequestId {
    let target = app.person("employee");
    let reason = "the close of the month".into();
    let order = Submit { reason, basket: Some(basket), ..Submit::of(package) };
    let ask = move |tx: &mut keyholder::db::Tx<'_>| {
        let permit = policy::request_access(tx.actor(), &AskStanding::own(target))?;
        commands::submit(tx, &permit, &order)
    };
    app.db.write(By::Person(target), ask).unwrap()
}

fn approve(app: &App, who: &str, request: RequestId) {
    let stage = app.read(|db| store::stages(db, &[request])).last().unwrap().id;
    let decide = move |tx: &mut keyholder::db::Tx<'_>| {
        let permit = commands::may_decide(tx, request, stage)?;
        commands::decide(tx, &permit, stage, Verdict::Approve, "fits")
    };
    app.db.write(By::Person(app.person(who)), decide).unwrap();
}

/// A catalog, a resource, two packages with a policy each, the employee's open request for one and their
/// assignment of the other.
fn things(app: &App, number: usize) -> Things {
    let catalog =
        crate::support::app::catalog(&app.db, &format!("Catalog {number}"), "catalog-owner");
    let address = format!("cn=group-{number},ou=groups,dc=example,dc=test");
    let name = format!("Group {number}");
    let role =
        crate::support::app::resource(&app.db, catalog, DIRECTORY, &address, &name, Risk::Ordinary);
    // What is held, managers may ask for, and end.
    let make = |name: String, stages| {
        let asks = Asks { manager: name.starts_with("Held"), ..Asks::default() };
        let terms = Terms { asks, ..terms(stages) };
        crate::support::app::package(&app.db, catalog, &name, &[role], terms)
    };
    let two = vec![app.by_manager(), app.by(&["second-approver"])];
    let (package, policy) = make(format!("Asked {number}"), two);
    let (held, _) = make(format!("Held {number}"), vec![app.by_manager()]);
    let basket = BasketId::fresh();
    let request = submit(app, package, basket);
    let done = submit(app, held, basket);
    approve(app, "manager", done);
    let assignment = app.read(|db| assignments::store::of_request(db, done)).unwrap().id;
    let stage = app.read(|db| store::stages(db, &[request]))[0].id;
    let (resource, grant) = app.read(|db| {
        let resource = resource_roles::table.find(role).select(resource_roles::resource_id);
        let grant = role_grants::table.filter(role_grants::catalog_id.eq(catalog));
        let grant = grant.select(role_grants::id);
        let resource: keyholder::kernel::ResourceId = resource.first(db)?;
        let grant: keyholder::kernel::RoleGrantId = grant.first(db)?;
        Ok((resource, grant))
    });
    let (other, _) = make(format!("Apart {number}"), vec![]);
    let rule = apart(app, package, other);
    let name = format!("Organization {number}");
    let domain = format!("organization-{number}.example");
    let organization = crate::support::app::organization(&app.db, &name, &domain);
    let basket = app.read(|db| store::one(db, request)).basket_id.unwrap();
    let (review, instance, item) = reviewed(app, catalog, number);
    let parts = BTreeMap::from([
        ("/access/{id}", assignment.to_string()),
        ("/approvals/{id}", request.to_string()),
        ("/basket/{id}", basket.to_string()),
        ("/catalogs/{id}", catalog.to_string()),
        ("/compare/{id}", app.person("n1010").to_string()),
        ("/mail/{id}", failed_mail(app).to_string()),
        ("/organizations/{id}", organization.to_string()),
        ("/packages/{id}", package.to_string()),
        ("/packages/{id}/assignments/{aid}", assignment.to_string()),
        ("/people/{id}", app.person("employee").to_string()),
        ("/requests/{id}", request.to_string()),
        ("/reviews/definitions/{id}", review.to_string()),
        ("/reviews/{id}", instance.to_string()),
        ("/team/access/{id}", assignment.to_string()),
        ("/team/{id}", app.person("employee").to_string()),
        ("{aid}", assignment.to_string()),
        ("{act}", "remind".to_owned()),
        ("{batch}", AnswerBatchId::fresh().to_string()),
        ("{grant}", grant.to_string()),
        ("{item}", item.to_string()),
        ("{package}", held.to_string()),
        ("{period}", stand_in(app).to_string()),
        ("{policy}", policy.to_string()),
        ("{resource}", resource.to_string()),
        ("{rule}", rule.to_string()),
        ("held", held.to_string()),
    ]);
    let text = str::to_owned;
    let bodies = BTreeMap::from([
        (
            "/approvals/bulk",
            vec![("item", format!("{request}.{stage}.1.1")), ("verdict", text("approve"))],
        ),
        (
            "/approvals/{id}/decisions",
            vec![
                ("stage", stage.to_string()),
                ("verdict", text("approve")),
                ("version", text("1")),
                ("contents", text("1")),
            ],
        ),
        ("/packages/{id}/assignments/{aid}/end", vec![("reason", text("moved on"))]),
        ("/packages/{id}/policies/{policy}/switch", vec![("on", text("no"))]),
        ("/team/access/{id}/end", vec![("reason", text("moved on"))]),
        ("/catalogs/{id}/switch", vec![("on", text("no"))]),
        ("/notices/read", vec![("upto", text("0"))]),
        ("/organizations/{id}/switch", vec![("open", text("no"))]),
    ]);
    Things { parts, bodies }
}

/// A review of the catalog, in which the manager is asked about what the employee holds.
fn reviewed(
    app: &App,
    catalog: CatalogId,
    number: usize,
) -> (ReviewId, ReviewInstanceId, ReviewItemId) {
    let id = ReviewId::fresh();
    let named = |user: &str| Named { id: app.person(user), name: user.to_owned() };
    let new = NewReview {
        rows: vec![],
        id,
        name: format!("Review {number}"),
        catalog: Some(catalog),
        terms: keyholder::reviews::model::Terms {
            scope: keyholder::reviews::model::Scope {
                catalog: Some(Named { id: catalog, name: "Catalog".into() }),
                ..Default::default()
            },
            reviewers: Reviewers::Named { people: vec![named("manager")], groups: vec![] },
            fallback: vec![],
            rhythm: Rhythm::Once,
            first: app.db.zone().date(app.db.clocks().business.now()),
            days: 14,
            silence: Silence::Keep,
            recommends: true,
            reasons: false,
            at_once: false,
            words: String::new(),
            then: vec![],
        },
    };
    let create = move |tx: &mut keyholder::db::Tx<'_>| {
        let permit = policy::manage_review(tx.actor(), Some(catalog))?;
        reviews::commands::create(tx, &permit, &new).map(|_| ())
    };
    app.db.write(By::Person(app.person("catalog-owner")), create).unwrap();
    reviews::jobs::run_due(&app.db).unwrap();
    let instance = app.read(|db| reviews::store::instances_of(db, id, 1))[0].id;
    let item = app.read(|db| reviews::store::listing::all(db, instance, None, 1))[0].id;
    (id, instance, item)
}

/// A time in which somebody stands in for the employee, for no package.
fn stand_in(app: &App) -> StandInId {
    let (id, who) = (StandInId::fresh(), (app.person("employee"), app.person("n1010")));
    let insert = move |tx: &mut keyholder::db::Tx<'_>| {
        let now = tx.now();
        diesel::insert_into(stand_ins::table)
            .values((
                stand_ins::id.eq(id),
                stand_ins::person_id.eq(who.0),
                stand_ins::stand_in_id.eq(who.1),
                stand_ins::starts_at.eq(now),
                stand_ins::ends_at.eq(now.plus_hours(24)),
                stand_ins::all_packages.eq(false),
                stand_ins::rev.eq(0_i64),
                stand_ins::created_at.eq(now),
            ))
            .execute(tx.db())?;
        Ok(id)
    };
    app.db.write(By::System("test"), insert).unwrap()
}

/// A rule that keeps two packages apart.
fn apart(app: &App, package: PackageId, other: PackageId) -> IncompatibilityId {
    let (id, other) = (IncompatibilityId::fresh(), Other::Package(other));
    let new = NewRule { id, package, other, mutual: true, reason: "apart".into() };
    let add = move |tx: &mut keyholder::db::Tx<'_>| {
        let catalog = keyholder::packages::store::head(tx.db(), new.package)?.catalog;
        let permit = policy::manage_catalog(tx.actor(), catalog)?;
        incompatible::commands::add(tx, &permit, &new)
    };
    app.db.write(By::Person(app.person("catalog-owner")), add).unwrap()
}

/// The newest notice, whose mail has failed.
fn failed_mail(app: &App) -> NoticeId {
    notify::dispatch::run_for(&app.db, true).unwrap();
    let fail = |tx: &mut keyholder::db::Tx<'_>| {
        let newest = notices::table.order(notices::id.desc()).select(notices::id);
        let newest: NoticeId = newest.first(tx.db())?;
        diesel::update(mails::table.find(newest))
            .set(mails::state.eq("failed"))
            .execute(tx.db())?;
        Ok(newest)
    };
    app.db.write(By::System("test"), fail).unwrap()
}

impl Things {
    /// The address of a route with the ids of these things.
    fn address(&self, path: &str) -> String {
        let mut address = String::new();
        let mut pattern = String::new();
        for part in path.split('/').skip(1) {
            write!(pattern, "/{part}").unwrap();
            let id = match part {
                "{id}" if path.contains("{aid}") => &self.parts["held"],
                "{id}" => &self.parts[pattern.as_str()],
                part if part.starts_with('{') => {
                    self.parts.get(part).unwrap_or_else(|| panic!("{path}: what is {part}?"))
                }
                part => part,
            };
            write!(address, "/{id}").unwrap();
        }
        if address.is_empty() { "/".to_owned() } else { address }
    }

    fn body(&self, path: &str, token: &str) -> Vec<(String, String)> {
        let mut form = vec![("csrf".to_owned(), token.to_owned())];
        let more = self.bodies.get(path).cloned().unwrap_or_default();
        form.extend(more.into_iter().map(|(name, value)| (name.to_owned(), value)));
        form
    }
}

fn routes(demo: bool) -> Vec<&'static Route> {
    app::tables(demo).into_iter().flatten().collect()
}

/// The portal, with a catalog that belongs to somebody else than the things that are asked for.
fn portal() -> Option<App> {
    let app = App::start(Default::default())?;
    crate::support::app::catalog(&app.db, "Elsewhere", "n1042");
    Some(app)
}

/// The people of [`WHO`], signed in, with the token of each session.
fn everybody(app: &App) -> Vec<(Visitor, String)> {
    let visit = |(_, user): &(&str, &str)| {
        if user.is_empty() {
            return (Visitor::new(&app.origin), String::new());
        }
        let mut visitor = Visitor::signed_in(&app.origin, user);
        let token = visitor.token();
        (visitor, token)
    };
    WHO.iter().map(visit).collect()
}

fn post(visitor: &mut Visitor, to: &str, form: &[(String, String)]) -> Page {
    let form: Vec<_> = form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    visitor.ask(reqwest::Method::POST, to, Some(&form))
}

#[test]
fn who_may() {
    let Some(app) = portal() else { return };
    let mut people = everybody(&app);
    let mut number = 0;
    let mut fresh = || {
        number += 1;
        things(&app, number)
    };
    let mut things = fresh();
    let mut lines = BTreeMap::new();
    for route in routes(false) {
        let mut answers = Vec::new();
        for ((visitor, token), (_, user)) in people.iter_mut().zip(WHO) {
            let to = things.address(route.path);
            let page = match route.method {
                Method::Get => visitor.ask(reqwest::Method::GET, &to, None),
                Method::Post => post(visitor, &to, &things.body(route.path, token)),
            };
            assert!(page.status < 500, "{to} for {user}: {}", page.text);
            answers.push(page.status);
            if route.method == Method::Post && page.status < 400 {
                things = fresh();
                if !user.is_empty() && route.path.contains("signout") {
                    *visitor = Visitor::signed_in(&app.origin, user);
                    *token = visitor.token();
                }
            }
        }
        let method = if route.method == Method::Get { "GET" } else { "POST" };
        lines.insert((route.path, method), answers);
    }
    lines.extend(who_may_in_the_demo());
    let table = drawn(&lines);
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/portal/who_may.txt");
    println!("{table}");
    if std::env::var_os("KEYHOLDER_BLESS").is_some() {
        std::fs::write(&file, &table).unwrap();
    }
    let expected = std::fs::read_to_string(&file).unwrap_or_default();
    let other: Vec<String> = diff(&expected, &table);
    assert!(
        other.is_empty(),
        "not as in tests/portal/who_may.txt (KEYHOLDER_BLESS=1 writes it):\n{}",
        other.join("\n")
    );
}

/// The demo's own routes, in the demo; the guest of the demo is one, the owner elsewhere is none of its cast.
fn who_may_in_the_demo() -> Vec<((&'static str, &'static str), Vec<u16>)> {
    let app = DemoApp::start();
    let mut people: Vec<Visitor> = WHO
        .iter()
        .map(|(who, user)| match (*who, *user) {
            ("nobody", _) => Visitor::new(&app.origin),
            ("elsewhere", _) => app.visit("catalog-owner"),
            (_, user) => app.visit(user),
        })
        .collect();
    let tokens: Vec<String> = people
        .iter_mut()
        .zip(WHO)
        .map(|(visitor, (_, user))| if user.is_empty() { String::new() } else { visitor.token() })
        .collect();
    let mut lines = Vec::new();
    for route in routes(true).into_iter().filter(|route| route.path.starts_with("/demo")) {
        let mut answers = Vec::new();
        for (visitor, token) in people.iter_mut().zip(&tokens) {
            let page = match route.method {
                Method::Get => visitor.ask(reqwest::Method::GET, route.path, None),
                Method::Post => post(visitor, route.path, &[("csrf".to_owned(), token.clone())]),
            };
            assert!(page.status < 500, "{}: {}", route.path, page.text);
            answers.push(page.status);
            if route.method == Method::Post && !token.is_empty() {
                assert_eq!(post(visitor, route.path, &[]).status, 403, "{}", route.path);
            }
        }
        let method = if route.method == Method::Get { "GET" } else { "POST" };
        lines.push(((route.path, method), answers));
    }
    lines
}

fn drawn(lines: &BTreeMap<(&str, &str), Vec<u16>>) -> String {
    let wide = lines.keys().map(|(path, _)| path.len()).max().unwrap_or(0);
    let mut table = String::from(
        "What each route answers to whom, with the token of their session and, for a form, little or nothing filled in.\n\
         200 shows, 303 leads on (nobody: to the sign-in) or has done it, 422 would do it with the form filled in,\n\
         403 may not, 404 may not even know. The request is the employee's, waits for the manager, then for the\n\
         approver; the catalog is the owner's, and another one is of somebody elsewhere.\n\n",
    );
    let head: Vec<String> = WHO.iter().map(|(who, _)| format!("{who:>10}")).collect();
    writeln!(table, "{:wide$}     {}", "", head.join("")).unwrap();
    for ((path, method), answers) in lines {
        let answers: Vec<String> = answers.iter().map(|status| format!("{status:>10}")).collect();
        writeln!(table, "{path:wide$} {method:4}{}", answers.join("")).unwrap();
    }
    table
}

/// The lines that are in one text only.
fn diff(expected: &str, found: &str) -> Vec<String> {
    let missing = found.lines().filter(|line| !expected.lines().any(|other| other == *line));
    let gone = expected.lines().filter(|line| !found.lines().any(|other| other == *line));
    missing.map(|line| format!("+ {line}")).chain(gone.map(|line| format!("- {line}"))).collect()
}

#[test]
fn a_form_without_its_token_is_refused_to_everybody() {
    let Some(app) = portal() else { return };
    let things = things(&app, 1);
    let mut people = everybody(&app);
    let before = tables::content(&app.db);
    for route in routes(false).into_iter().filter(|route| route.method == Method::Post) {
        let to = things.address(route.path);
        let foreign = people[1].1.clone();
        for ((visitor, _), (who, user)) in people.iter_mut().zip(WHO) {
            if user.is_empty() && route.gate == Gate::Open {
                continue; // nobody's form can do nothing
            }
            for token in ["", "forged", foreign.as_str()] {
                if user == "employee" && token == foreign {
                    continue;
                }
                let form = things.body(route.path, token);
                let form = if token.is_empty() { &form[1..] } else { &form[..] };
                let page = post(visitor, &to, form);
                assert_eq!(page.status, 403, "POST {to} by {who} with {token:?}: {}", page.text);
            }
        }
    }
    tables::unchanged(&before, &tables::content(&app.db), "a form without its token");
}

#[test]
fn e20_what_is_the_demos_is_nowhere_else() {
    let of = |demo| -> BTreeSet<&str> { routes(demo).iter().map(|route| route.path).collect() };
    let only: Vec<&str> = of(true).difference(&of(false)).copied().collect();
    assert!(!only.is_empty(), "the demo has pages of its own");
    assert!(only.iter().all(|path| path.starts_with("/demo")), "{only:?}");
    assert!(routes(false).iter().all(|route| route.gate != Gate::Demo));
    let Some(app) = App::start(Default::default()) else { return };
    let mut admin = Visitor::signed_in(&app.origin, "admin");
    for path in only.into_iter().chain(["/demo", "/demo/clock", "/demo/mailbox", "/demo/target"]) {
        assert_eq!(admin.open(path).status, 404, "{path}");
    }
}

#[test]
fn e31_looking_changes_nothing_but_the_last_seen() {
    let Some(app) = portal() else { return };
    let things = things(&app, 1);
    app.jobs();
    for user in ["admin", "auditor", "catalog-owner", "manager", "employee"] {
        let mut visitor = Visitor::signed_in(&app.origin, user);
        let before = tables::content(&app.db);
        let mut seen = BTreeSet::new();
        let shown = routes(false).into_iter().filter(|route| route.method == Method::Get);
        let mut wait: VecDeque<String> = shown.map(|route| things.address(route.path)).collect();
        wait.retain(|path| !path.starts_with("/signin"));
        while let Some(to) = wait.pop_front() {
            if !seen.insert(to.clone()) || seen.len() > 400 {
                continue;
            }
            let head = visitor.ask(reqwest::Method::HEAD, &to, None);
            let page = visitor.ask(reqwest::Method::GET, &to, None);
            assert!(page.status < 500, "{to} for {user}: {}", page.text);
            assert_eq!(head.status, page.status, "HEAD and GET of {to} for {user}");
            let from_here = page.url.clone();
            for link in page.links().into_iter().chain(page.location.clone()) {
                let Ok(link) = from_here.join(&link) else { panic!("{link:?} at {to}") };
                let path = &link[url::Position::BeforePath..url::Position::AfterQuery];
                // A link that nobody may follow is no link.
                let own = link.origin() == from_here.origin() && !path.starts_with("/signin");
                if own && !seen.contains(path) {
                    if page.status == 200 {
                        let there = visitor.ask(reqwest::Method::GET, path, None);
                        assert!(
                            there.status < 400,
                            "{user} finds {path} ({}) at {to}",
                            there.status
                        );
                    }
                    wait.push_back(path.to_owned());
                }
            }
        }
        assert!(seen.len() > 10, "{user} saw {seen:?}");
        tables::unchanged(&before, &tables::content(&app.db), &format!("looking around as {user}"));
    }
}
