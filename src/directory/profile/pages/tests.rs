//! Who sees how much of a person, on both databases.

use diesel::prelude::*;

use super::*;
use crate::db::schema::{
    assignments, catalogs, packages, people, policies, request_stages, requests, stage_approvers,
};
use crate::db::testing::databases;
use crate::db::{By, Database, Tx, load_actor};
use crate::error::Error;
use crate::kernel::{About, AssignmentId, CatalogId, Fact, Kind, PackageId, PolicyId, StageId};

/// Ada, who holds a package of each of two catalogs, and those around her.
#[derive(Clone, Copy)]
struct World {
    ada: PersonId,
    manager: PersonId,
    approver: PersonId,
    stranger: PersonId,
    auditor: PersonId,
    catalogs: [CatalogId; 2],
    requests: [RequestId; 2],
}

fn world(db: &Database) -> World {
    db.write(By::System("test"), build).expect("a world")
}

fn build(tx: &mut Tx<'_>) -> Result<World> {
    let manager = person(tx, "Max", None, false)?;
    let ada = person(tx, "Ada", Some(manager), false)?;
    let approver = person(tx, "Apo", None, false)?;
    let stranger = person(tx, "Eve", None, false)?;
    let auditor = person(tx, "Dan", None, true)?;
    let (one, two) = (package(tx, "Ledger")?, package(tx, "Travel")?);
    let asked = [request(tx, ada, one.1, one.2)?, request(tx, ada, two.1, two.2)?];
    for (request, (_, package, policy)) in asked.iter().zip([one, two]) {
        hold(tx, ada, package, policy, *request)?;
    }
    stage(tx, asked[0], approver, true)?;
    tx.record(&Fact::SignedIn, About::nothing().person(ada, "Ada"))?;
    let catalogs = [one.0, two.0];
    Ok(World { ada, manager, approver, stranger, auditor, catalogs, requests: asked })
}

fn person(
    tx: &mut Tx<'_>,
    name: &str,
    manager: Option<PersonId>,
    auditor: bool,
) -> Result<PersonId> {
    let id = PersonId::fresh();
    let row = (
        people::id.eq(id),
        people::source.eq("test"),
        people::external_id.eq(name),
        people::name.eq(name),
        people::kind.eq("member"),
        people::manager_id.eq(manager),
        people::attributes.eq("{}"),
        people::administrator.eq(false),
        people::auditor.eq(auditor),
        people::enabled.eq(true),
        people::search.eq(""),
        people::rev.eq(1),
        people::created_at.eq(tx.now()),
    );
    diesel::insert_into(people::table).values(row).execute(tx.db())?;
    Ok(id)
}

/// A package in a catalog of its own, with a policy.
fn package(tx: &mut Tx<'_>, name: &str) -> Result<(CatalogId, PackageId, PolicyId)> {
    let (catalog, package, policy) = (CatalogId::fresh(), PackageId::fresh(), PolicyId::fresh());
    let row = (
        catalogs::id.eq(catalog),
        catalogs::name.eq(name),
        catalogs::name_key.eq(name),
        catalogs::description.eq(""),
        catalogs::enabled.eq(true),
        catalogs::listed_for_everyone.eq(false),
        catalogs::rev.eq(1),
        catalogs::created_at.eq(tx.now()),
    );
    diesel::insert_into(catalogs::table).values(row).execute(tx.db())?;
    let row = (
        packages::id.eq(package),
        packages::catalog_id.eq(catalog),
        packages::name.eq(name),
        packages::name_key.eq(name),
        packages::description.eq(""),
        packages::hidden.eq(false),
        packages::contents_version.eq(1),
        packages::search.eq(""),
        packages::rev.eq(1),
        packages::created_at.eq(tx.now()),
    );
    diesel::insert_into(packages::table).values(row).execute(tx.db())?;
    let row = (
        policies::id.eq(policy),
        policies::package_id.eq(package),
        policies::name.eq("Staff"),
        policies::version.eq(1),
        policies::enabled.eq(true),
        policies::terms.eq("{}"),
        policies::rev.eq(1),
        policies::created_at.eq(tx.now()),
    );
    diesel::insert_into(policies::table).values(row).execute(tx.db())?;
    Ok((catalog, package, policy))
}

fn request(
    tx: &mut Tx<'_>,
    target: PersonId,
    package: PackageId,
    policy: PolicyId,
) -> Result<RequestId> {
    let id = RequestId::fresh();
    let row = (
        requests::id.eq(id),
        requests::reference.eq(format!("KH-{id}")),
        requests::kind.eq("add"),
        requests::package_id.eq(package),
        requests::policy_id.eq(policy),
        requests::policy_version.eq(1),
        requests::terms.eq("{}"),
        requests::contents_version.eq(1),
        requests::requestor_id.eq(target),
        requests::target_id.eq(target),
        requests::reason.eq("For the audit"),
        requests::state.eq("delivered"),
        requests::stage.eq(1),
        requests::created_at.eq(tx.now()),
        requests::rev.eq(1),
    );
    diesel::insert_into(requests::table).values(row).execute(tx.db())?;
    let about = About::nothing().person(target, "Ada").package(package, "x").request(id, "KH");
    tx.record(&Fact::RequestDelivered, about)?;
    Ok(id)
}

fn hold(
    tx: &mut Tx<'_>,
    target: PersonId,
    package: PackageId,
    policy: PolicyId,
    request: RequestId,
) -> Result<()> {
    let row = (
        assignments::id.eq(AssignmentId::fresh()),
        assignments::request_id.eq(request),
        assignments::package_id.eq(package),
        assignments::policy_id.eq(policy),
        assignments::target_id.eq(target),
        assignments::starts_at.eq(tx.now()),
        assignments::started_at.eq(tx.now()),
        assignments::rev.eq(1),
        assignments::created_at.eq(tx.now()),
    );
    diesel::insert_into(assignments::table).values(row).execute(tx.db())?;
    Ok(())
}

fn stage(tx: &mut Tx<'_>, request: RequestId, approver: PersonId, waiting: bool) -> Result<()> {
    let id = StageId::fresh();
    let row = (
        request_stages::id.eq(id),
        request_stages::request_id.eq(request),
        request_stages::number.eq(1),
        request_stages::state.eq("open"),
        request_stages::opened_at.eq(tx.now()),
        request_stages::due_at.eq(tx.now()),
        request_stages::rev.eq(1),
    );
    diesel::insert_into(request_stages::table).values(row).execute(tx.db())?;
    let row = (
        stage_approvers::stage_id.eq(id),
        stage_approvers::person_id.eq(approver),
        stage_approvers::request_id.eq(request),
        stage_approvers::via.eq("named"),
        stage_approvers::opened_at.eq(tx.now()),
        stage_approvers::waiting.eq(waiting),
        stage_approvers::removed.eq(false),
    );
    diesel::insert_into(stage_approvers::table).values(row).execute(tx.db())?;
    Ok(())
}

/// What somebody sees: names of packages held, of packages requested, number of facts.
fn seen(db: &Database, viewer: &Person, id: PersonId) -> Result<(Vec<String>, Vec<String>, usize)> {
    let read = db.read(|db| read(db, viewer, id))?;
    let held = read.holdings.into_iter().map(|held| held.name).collect();
    let mut asked: Vec<_> = read.requests.into_iter().map(|request| request.package).collect();
    asked.sort();
    Ok((held, asked, read.history.len()))
}

fn viewer(db: &Database, id: PersonId) -> Person {
    db.read(|db| load_actor(db, id, crate::kernel::Ts::from_micros(0)))
        .expect("an answer")
        .expect("a person")
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

#[test]
fn e28_a_persons_page_is_for_those_who_need_it() {
    for db in databases() {
        let w = world(&db);
        let both = names(&["Ledger", "Travel"]);
        for (whom, facts) in [(w.ada, 3), (w.auditor, 3), (w.manager, 2), (w.approver, 2)] {
            let seen = seen(&db, &viewer(&db, whom), w.ada).expect("a page");
            assert_eq!(seen, (both.clone(), both.clone(), facts));
        }
        assert!(matches!(seen(&db, &viewer(&db, w.stranger), w.ada), Err(Error::Missing)));
        assert!(matches!(seen(&db, &viewer(&db, w.ada), w.manager), Err(Error::Missing)));
    }
}

#[test]
fn e28_an_owner_sees_the_rows_of_their_catalogs_and_no_others() {
    for db in databases() {
        let w = world(&db);
        let mut owner = viewer(&db, w.stranger);
        owner.owns = vec![w.catalogs[1]];
        let only = names(&["Travel"]);
        assert_eq!(seen(&db, &owner, w.ada).expect("a page"), (only.clone(), only, 1));
        assert!(matches!(seen(&db, &owner, w.manager), Err(Error::Missing)), "holds nothing of it");
    }
}

#[test]
fn e28_a_past_approver_has_the_request_but_not_the_person() {
    for db in databases() {
        let w = world(&db);
        let past = db.write(By::System("test"), move |tx| {
            stage_approvers_done(tx)?;
            Ok(w.approver)
        });
        let past = viewer(&db, past.expect("done"));
        assert!(matches!(seen(&db, &past, w.ada), Err(Error::Missing)));
        let theirs = db.read(|db| store::approver_of(db, past.id, &w.requests)).expect("an answer");
        assert_eq!(theirs, [w.requests[0]]);
    }
}

fn stage_approvers_done(tx: &mut Tx<'_>) -> Result<()> {
    diesel::update(stage_approvers::table)
        .set(stage_approvers::waiting.eq(false))
        .execute(tx.db())?;
    Ok(())
}

#[test]
fn e32_the_page_asks_the_same_number_of_questions_however_much_there_is() {
    for db in databases() {
        let w = world(&db);
        let manager = viewer(&db, w.manager);
        let statements = || {
            let before = db.statements_read();
            seen(&db, &manager, w.ada).expect("a page");
            db.statements_read() - before
        };
        let few = statements();
        let more = db.write(By::System("test"), move |tx| {
            for n in 0..40 {
                let (_, package, policy) = package(tx, &format!("P{n:02}"))?;
                let request = request(tx, w.ada, package, policy)?;
                hold(tx, w.ada, package, policy, request)?;
            }
            Ok(())
        });
        more.expect("more");
        assert_eq!(statements(), few);
        assert!(few <= 10, "{few} statements");
        let (held, asked, facts) = seen(&db, &manager, w.ada).expect("a page");
        assert_eq!((held.len(), asked.len(), facts), (42, 20, 30));
    }
}

fn somebody() -> Person {
    Person {
        id: PersonId::fresh(),
        name: "Vera".into(),
        kind: Kind::Member,
        enabled: true,
        administrator: false,
        auditor: false,
        owns: vec![CatalogId::fresh()],
        clock: None,
        veiled: false,
        stands_for: vec![],
    }
}

#[test]
fn e28_what_one_owns_limits_only_those_who_have_no_other_reason() {
    let owner = somebody();
    let other = PersonId::fresh();
    let standing =
        PersonStanding { person: other, manager: None, deciding: false, catalogs: vec![] };
    let seen = sight(&owner, &standing);
    assert_eq!(seen, Sight { catalogs: Some(owner.owns.clone()), sign_ins: false });
    let manager = PersonStanding { manager: Some(owner.id), ..standing.clone() };
    assert_eq!(sight(&owner, &manager), Sight { catalogs: None, sign_ins: false });
    let administrator = Person { administrator: true, ..owner };
    assert_eq!(sight(&administrator, &standing), Sight { catalogs: None, sign_ins: true });
}

#[test]
fn the_heading_counts_in_words() {
    assert_eq!(heading("Asha Rao", false, false, 3), "Asha Rao holds three access packages");
    assert_eq!(heading("x", true, false, 1), "You hold one access package");
    assert_eq!(heading("Bo", false, true, 0), "Bo holds no access package of your catalogs");
}
