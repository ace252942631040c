//! The pages of those who decide, own and audit, asked over a socket on both databases.

use diesel::prelude::*;

use super::commands::{self, Submit};
use super::model::State;
use super::store;
use crate::access::policy::{self, AskStanding};
use crate::assignments;
use crate::assignments::rights::{self, Claiming, Seen};
use crate::db::By;
use crate::db::schema::{assignments as held, people};
use crate::delegation::testing::{House as Setup, everyone, member, terms};
use crate::kernel::{AssignmentId, PackageId, PersonId, PolicyId, RequestId, Risk, StageId};
use crate::policies::model::{Named, Terms};
use crate::policies::stages::{Approvers, StageTerms};
use crate::web::Route;
use crate::web::harness::{Browser, House, houses};

const TABLES: &[&[Route]] = &[
    super::approvals::ROUTES,
    super::owner::ROUTES,
    assignments::owner::ROUTES,
    crate::audit::pages::ROUTES,
];

/// A team, its packages and those who decide.
pub(super) struct Office {
    pub house: House,
    pub setup: Setup,
    pub asha: PersonId,
    pub marta: PersonId,
    pub ingrid: PersonId,
    pub jonas: PersonId,
    /// Decided by Marta, Asha's manager.
    pub ledger: PackageId,
    /// High risk, decided by Ingrid or Jonas.
    pub payments: PackageId,
}

pub(super) fn offices() -> Vec<Office> {
    houses(TABLES).into_iter().map(Office::open).collect()
}

pub(super) fn named(id: PersonId, name: &str) -> Named<PersonId> {
    Named { id, name: name.to_owned() }
}

impl Office {
    fn open(house: House) -> Self {
        let db = house.site.db.clone();
        let setup = Setup::on(db.clone());
        let [asha, marta] = ["Asha Rao", "Marta Lindqvist"].map(|name| member(&db, name));
        let [ingrid, jonas] = ["Ingrid Solheim", "Jonas Weber"].map(|name| member(&db, name));
        let role = setup.resource("Ledger", Risk::Ordinary);
        let pay = setup.resource("Payment run", Risk::High);
        let ledger = setup.package("Month-end ledger", &[role]);
        let payments = setup.package("Payment release", &[pay]);
        let office = Self { house, setup, asha, marta, ingrid, jonas, ledger, payments };
        office.reports_to(asha, marta);
        let fallback = vec![named(ingrid, "Ingrid Solheim")];
        let by_manager = StageTerms::simple(Approvers::Manager, fallback, 5);
        office.policy(ledger, vec![by_manager]);
        let people = vec![named(ingrid, "Ingrid Solheim"), named(jonas, "Jonas Weber")];
        let by_two = StageTerms::simple(Approvers::people(people), vec![], 5);
        office.policy(payments, vec![by_two]);
        office
    }

    pub fn policy(&self, package: PackageId, stages: Vec<StageTerms>) {
        let terms = Terms { stages, ..terms(everyone()) };
        self.setup.new_policy(PolicyId::fresh(), package, "Staff", &terms).expect("a policy");
    }

    pub fn reports_to(&self, person: PersonId, manager: PersonId) {
        self.house.change(move |tx| {
            diesel::update(people::table.find(person))
                .set(people::manager_id.eq(manager))
                .execute(tx.db())?;
            Ok(())
        });
    }

    fn auditor(&self) -> PersonId {
        let id = member(&self.house.site.db, "Aud Itor");
        self.house.change(move |tx| {
            diesel::update(people::table.find(id))
                .set(people::auditor.eq(true))
                .execute(tx.db())?;
            Ok(())
        });
        id
    }

    pub fn request(&self, person: PersonId, package: PackageId, reason: &str) -> RequestId {
        let submit = Submit { reason: reason.to_owned(), ..Submit::of(package) };
        let write = self.house.site.db.write(By::Person(person), move |tx| {
            let permit = policy::request_access(tx.actor(), &AskStanding::own(person))?;
            commands::submit(tx, &permit, &submit)
        });
        write.expect("a request")
    }

    /// Colleagues of Asha's; the first `holding` of them hold the ledger.
    fn colleagues(&self, count: usize, holding: usize) {
        for n in 0..count {
            let id = member(&self.house.site.db, &format!("Colleague {n}"));
            self.reports_to(id, self.marta);
            if n < holding {
                let request = self.request(id, self.ledger, "x");
                self.approve(request, self.marta);
            }
        }
    }

    pub fn stage(&self, id: RequestId) -> StageId {
        let stages = self.house.site.db.read(|db| store::stages(db, &[id])).expect("stages");
        stages.last().expect("a stage").id
    }

    pub fn state(&self, id: RequestId) -> State {
        self.house.site.db.read(|db| store::one(db, id)).expect("a request").state
    }

    pub fn approve(&self, id: RequestId, by: PersonId) {
        let stage = self.stage(id);
        let write = self.house.site.db.write(By::Person(by), move |tx| {
            let request = store::one(tx.db(), id)?;
            let standing = store::standing(tx.db(), &request)?;
            let permit = policy::decide_stage(tx.actor(), &standing)?;
            commands::decide(tx, &permit, stage, super::model::Verdict::Approve, "fine")
        });
        write.expect("approved");
    }

    fn assignment(&self, person: PersonId, package: PackageId) -> AssignmentId {
        let active = self.house.site.db.read(|db| assignments::store::active(db, person, package));
        active.expect("a read").expect("an assignment").id
    }

    /// Answers of a target system, as delivery writes them.
    fn seen(&self, seen: &Seen) {
        let seen = seen.clone();
        self.house.change(move |tx| {
            let until = tx.wall().plus_seconds(90);
            for work in rights::claim(tx, &Claiming::Of("ldap"), until, 100)? {
                rights::save_seen(tx, &work, &seen)?;
            }
            Ok(())
        });
    }

    /// How many statements the pages of a visit took.
    pub fn statements(&self, visit: impl FnOnce()) -> u64 {
        let before = self.house.site.db.statements_read();
        visit();
        self.house.site.db.statements_read() - before
    }
}

fn answer(
    browser: &mut Browser<'_>,
    id: RequestId,
    stage: StageId,
    verdict: &str,
    note: &str,
) -> crate::web::harness::Answer {
    let path = format!("/approvals/{id}/decisions");
    let stage = stage.to_string();
    let form = [("stage", &*stage), ("verdict", verdict), ("note", note)];
    browser.post(&path, &[&form[..], &[("version", "1"), ("contents", "1")]].concat())
}

#[test]
fn e32_the_decision_page_stands_on_eleven_statements_and_says_what_it_knows() {
    for office in offices() {
        office.colleagues(6, 4);
        let earlier = office.request(office.asha, office.ledger, "For the quarter");
        let mut marta = office.house.signed_in(office.marta);
        let denied = answer(&mut marta, earlier, office.stage(earlier), "deny", "Not this quarter");
        assert_eq!(denied.status, 303);
        let id = office.request(office.asha, office.ledger, "I read the accruals.");
        let path = format!("/approvals/{id}");
        let mut body = String::new();
        let statements = office.statements(|| body = marta.get(&path).body);
        // One more than E32's ten says what is incompatible (D19).
        assert!(statements <= 2 + 1 + 11, "{statements} statements");
        let page = marta.get(&path);
        assert_eq!(page.texts("h1"), ["Grant Month-end ledger to Asha Rao for 90 days?"]);
        assert_eq!(page.texts(".quote"), ["I read the accruals."]);
        let marks = page.texts(".marks li");
        for words in [
            "4 of 6 colleagues with the same manager have it",
            "Marta Lindqvist denied it: “Not this quarter”",
            "You alone decide this stage, as manager",
            "ends by itself after 90 days",
            "Unanswered, it expires in 5 days",
        ] {
            assert!(marks.iter().any(|mark| mark.contains(words)), "{words}: {marks:?}");
        }
        assert_eq!(page.texts("form.bar button"), ["Approve", "Deny"]);
        assert!(page.texts("[checked]").is_empty(), "nothing is preselected");
    }
}

#[test]
fn e28_a_small_team_shows_no_figures() {
    for office in offices() {
        office.colleagues(4, 3);
        let id = office.request(office.asha, office.ledger, "x");
        let mut marta = office.house.signed_in(office.marta);
        let page = marta.get(&format!("/approvals/{id}"));
        assert!(page.body.contains("too small for a comparison"));
        assert!(!page.body.contains("of 4"), "a figure of four people");
        let queue = marta.get("/approvals");
        assert_eq!(queue.texts("td[data-l='In the team']"), ["Small team"]);
    }
}

#[test]
fn d04_a_decision_is_recorded_once_and_a_later_one_reads_who_when_and_what() {
    for office in offices() {
        let id = office.request(office.asha, office.payments, "The run of Friday.");
        let stage = office.stage(id);
        let mut ingrid = office.house.signed_in(office.ingrid);
        let mut jonas = office.house.signed_in(office.jonas);
        let marks = jonas.get(&format!("/approvals/{id}")).texts(".marks li");
        let words =
            "You or Ingrid Solheim decide, you named in the policy; the first answer counts";
        assert!(marks.iter().any(|mark| mark.contains(words)), "{marks:?}");

        // High risk needs a reason (D39); what was typed stays.
        let bare = answer(&mut ingrid, id, stage, "approve", "");
        assert_eq!(bare.status, 422);
        assert!(bare.texts("title")[0].starts_with("Error: "));
        assert_eq!(bare.texts("#errors a"), ["Say why you approve it: this package is high risk"]);
        let undecided = answer(&mut ingrid, id, stage, "maybe", "Half a thought");
        assert_eq!(undecided.status, 422);
        assert_eq!(undecided.texts("#note"), ["Half a thought"]);

        let done = answer(&mut ingrid, id, stage, "approve", "Agreed");
        assert_eq!((done.status, done.location()), (303, &*format!("/requests/{id}")));
        assert_eq!(office.state(id), State::Delivering);
        // The same answer once more is no error; another one is.
        assert_eq!(answer(&mut ingrid, id, stage, "approve", "Agreed").status, 303);
        assert_eq!(answer(&mut ingrid, id, stage, "deny", "No").status, 409);

        let late = answer(&mut jonas, id, stage, "deny", "Unnecessary");
        assert_eq!(late.status, 409);
        assert!(late.body.contains("Ingrid Solheim approved it on 2 Mar 2026, 09:00"));
        assert_eq!(late.texts("#kept"), ["Unnecessary"], "one word is kept, too");
        assert_eq!(office.state(id), State::Delivering);
        let seen = jonas.get(&format!("/approvals/{id}"));
        assert_eq!(seen.status, 200);
        assert!(seen.texts(".lede")[0].starts_with("Ingrid Solheim approved it on"));
        assert!(seen.texts("form.bar").is_empty());
    }
}

#[test]
fn d02_nobody_decides_for_themselves_and_strangers_learn_nothing() {
    for office in offices() {
        let id = office.request(office.ingrid, office.payments, "For me");
        let stage = office.stage(id);
        let mut ingrid = office.house.signed_in(office.ingrid);
        let own = ingrid.get(&format!("/approvals/{id}"));
        assert_eq!(own.status, 403);
        assert!(own.body.contains("Nobody decides on access for themselves"));
        // The page is not theirs, so its token comes from another one.
        ingrid.get("/approvals");
        assert_eq!(answer(&mut ingrid, id, stage, "approve", "Mine").status, 403);
        assert_eq!(office.state(id), State::PendingApproval);

        let mut stranger = office.house.signed_in(office.marta);
        assert_eq!(stranger.get(&format!("/approvals/{id}")).status, 404);
        assert_eq!(answer(&mut stranger, id, stage, "approve", "x").status, 404);
        // An owner sees it and cannot decide.
        let mut owner = office.house.signed_in(office.setup.ada);
        let seen = owner.get(&format!("/approvals/{id}"));
        assert_eq!(seen.status, 200);
        assert!(seen.texts(".lede")[0].starts_with("With Jonas Weber since"));
        assert_eq!(answer(&mut owner, id, stage, "approve", "x").status, 403);
        assert_eq!(office.state(id), State::PendingApproval);
    }
}

#[test]
fn d43_contents_that_changed_meanwhile_are_read_again_first() {
    for office in offices() {
        let id = office.request(office.asha, office.ledger, "x");
        let stage = office.stage(id).to_string();
        let mut marta = office.house.signed_in(office.marta);
        let path = format!("/approvals/{id}/decisions");
        let form = [("stage", stage.as_str()), ("verdict", "approve"), ("note", "Fine")];
        for shown in
            [&[("version", "1")][..], &[("contents", "1")], &[("version", "x"), ("contents", "1")]]
        {
            let bare = marta.post(&path, &[&form[..], shown].concat());
            assert_eq!((bare.status, bare.texts("#note")), (422, vec!["Fine".to_owned()]));
        }
        let stale =
            marta.post(&path, &[&form[..], &[("version", "1"), ("contents", "7")]].concat());
        assert_eq!(stale.status, 409);
        assert!(stale.body.contains("What is in the package changed while you read"));
        assert_eq!(office.state(id), State::PendingApproval);
    }
}

#[test]
fn the_queue_costs_the_same_for_many_and_its_file_has_the_same_rows() {
    for office in offices() {
        office.request(office.asha, office.ledger, "x");
        let mut marta = office.house.signed_in(office.marta);
        let few = office.statements(|| drop(marta.get("/approvals")));
        assert!(few <= 2 + 1 + 4, "{few} statements");
        for n in 0..40 {
            let person = member(&office.house.site.db, &format!("=Person {n}"));
            office.reports_to(person, office.marta);
            office.house.clock.advance(20);
            office.request(person, office.ledger, "x");
        }
        let many = office.statements(|| drop(marta.get("/approvals")));
        assert_eq!(few, many);
        let first = marta.get("/approvals");
        let rows = first.texts("tbody tr");
        assert_eq!(rows.len(), 25);
        assert!(rows[0].contains("Asha Rao"), "longest wait first: {}", rows[0]);
        let next = next_page(&first.body);
        let second = marta.get(&next);
        assert_eq!(second.texts("tbody tr").len(), 41 - 25);
        assert!(marta.get("/approvals?page=nonsense").location().ends_with("/approvals"));
        let file = marta.get("/approvals?format=csv");
        assert!(file.header("content-type").starts_with("text/csv"));
        assert_eq!(file.body.lines().count(), 1 + 41);
        assert!(file.body.contains(",'=Person 3,"), "a formula is text");
    }
}

fn next_page(body: &str) -> String {
    let at = body.find("rel=\"next\"").expect("a next page");
    let from = body[..at].rfind("href=\"").expect("an address") + 6;
    body[from..from + body[from..].find('"').expect("its end")].replace("&#38;", "&")
}

#[test]
fn what_one_decided_stays_in_sight() {
    for office in offices() {
        let mut marta = office.house.signed_in(office.marta);
        assert!(marta.get("/approvals?state=done").body.contains("You have decided nothing yet"));
        let id = office.request(office.asha, office.ledger, "x");
        answer(&mut marta, id, office.stage(id), "deny", "Not needed");
        assert!(marta.get("/approvals").body.contains("Nothing waits for your decision"));
        let done = marta.get("/approvals?state=done");
        let rows = done.texts("tbody tr");
        assert_eq!(rows.len(), 1);
        assert!(rows[0].contains("Denied") && rows[0].contains("“Not needed”"), "{}", rows[0]);
        assert_eq!(marta.get("/approvals?state=done&format=csv").body.lines().count(), 2);
    }
}

#[test]
fn d24_d25_an_owner_sees_where_delivery_stands_and_retries() {
    for office in offices() {
        let id = office.request(office.asha, office.ledger, "x");
        office.approve(id, office.marta);
        let list = format!("/packages/{}/assignments", office.ledger);
        let mut ada = office.house.signed_in(office.setup.ada);
        assert!(ada.get(&list).body.contains("Being delivered: 0 of 1 confirmed"));
        let next = office.house.site.db.clocks().wall.now().plus_seconds(120);
        let words = "it refused".to_owned();
        office.seen(&Seen::Trouble { code: "refused".into(), words, next });
        let page = ada.get(&list);
        assert!(page.body.contains("it refused; 1 try, the next in 2 min"), "{}", page.body);
        let assignment = office.assignment(office.asha, office.ledger);
        let retried = ada.post(&format!("{list}/{assignment}/retry"), &[]);
        assert_eq!((retried.status, retried.location()), (303, list.as_str()));
        assert!(ada.get(&list).body.contains("Asked again."));

        // An auditor reads only, and strangers learn nothing.
        let mut auditor = office.house.signed_in(office.auditor());
        let read = auditor.get(&list);
        assert_eq!(read.status, 200);
        assert!(!read.body.contains("End now"));
        assert_eq!(auditor.post(&format!("{list}/{assignment}/retry"), &[]).status, 403);
        assert_eq!(auditor.get(&format!("{list}/{assignment}/end")).status, 403);
        let mut stranger = office.house.signed_in(office.jonas);
        assert_eq!(stranger.get(&list).status, 404);
        assert_eq!(stranger.get(&format!("{list}?format=csv")).status, 404);
        stranger.get("/approvals");
        assert_eq!(stranger.post(&format!("{list}/{assignment}/retry"), &[]).status, 404);
    }
}

#[test]
fn an_owner_ends_an_assignment_with_a_reason_and_only_its_own_package() {
    for office in offices() {
        let id = office.request(office.asha, office.ledger, "x");
        office.approve(id, office.marta);
        let assignment = office.assignment(office.asha, office.ledger);
        let list = format!("/packages/{}/assignments", office.ledger);
        let path = format!("{list}/{assignment}/end");
        let mut ada = office.house.signed_in(office.setup.ada);
        let confirm = ada.get(&path);
        assert_eq!(confirm.texts("h1"), ["End Month-end ledger for Asha Rao now?"]);
        let bare = ada.post(&path, &[("reason", " ")]);
        assert_eq!((bare.status, bare.texts("#errors a").len()), (422, 1));
        let other = format!("/packages/{}/assignments/{assignment}/end", office.payments);
        assert_eq!(ada.get(&other).status, 404);
        assert_eq!(ada.post(&other, &[("reason", "x")]).status, 404);
        let ended = ada.post(&path, &[("reason", "Moved to another team")]);
        assert_eq!((ended.status, ended.location()), (303, list.as_str()));
        assert_eq!(ada.post(&path, &[("reason", "Twice")]).status, 409);
        assert!(ada.get(&list).body.contains("Nobody has this package now"));
        let past = ada.get(&format!("{list}?state=ended"));
        assert!(past.texts("tbody tr")[0].contains("Ended by hand"));
        assert_eq!(office.state(id), State::Undelivered);
    }
}

#[test]
fn a_packages_requests_are_listed_to_its_owners_by_state() {
    for office in offices() {
        let open = office.request(office.asha, office.ledger, "x");
        let done = office.request(office.jonas, office.payments, "x");
        let path = format!("/packages/{}/requests", office.ledger);
        let mut ada = office.house.signed_in(office.setup.ada);
        let page = ada.get(&path);
        let rows = page.texts("tbody tr");
        assert_eq!(rows.len(), 1, "only this package's: {open} {done}");
        assert!(rows[0].contains("Marta Lindqvist"), "{}", rows[0]);
        assert_eq!(ada.get(&format!("{path}?state=denied")).texts("tbody tr").len(), 0);
        let waiting = format!("{path}?state=pending_approval&format=csv");
        assert_eq!(ada.get(&waiting).body.lines().count(), 2);
        assert_eq!(office.house.signed_in(office.jonas).get(&path).status, 404);
    }
}

#[test]
fn the_owners_lists_cost_the_same_for_many() {
    for office in offices() {
        let mut ada = office.house.signed_in(office.setup.ada);
        let paths =
            ["assignments", "requests"].map(|list| format!("/packages/{}/{list}", office.ledger));
        office.colleagues(2, 2);
        let few = paths.each_ref().map(|path| office.statements(|| drop(ada.get(path))));
        assert!(few.iter().all(|n| *n <= 2 + 1 + 4), "{few:?}");
        office.colleagues(30, 30);
        let many = paths.each_ref().map(|path| office.statements(|| drop(ada.get(path))));
        assert_eq!(few, many);
        let page = ada.get(&paths[0]);
        assert_eq!(page.texts("tbody tr").len(), 25);
        let rest = ada.get(&next_page(&page.body));
        assert_eq!(rest.texts("tbody tr").len(), 32 - 25);
        let active: i64 = office
            .house
            .site
            .db
            .read(|db| Ok(held::table.count().get_result(db)?))
            .expect("a count");
        let file = ada.get(&format!("{}?format=csv", paths[0]));
        assert_eq!(file.body.lines().count(), 1 + usize::try_from(active).expect("few"));
    }
}

#[test]
fn e31_the_audit_log_is_for_auditors_and_its_file_is_what_is_filtered() {
    for office in offices() {
        office.colleagues(20, 20);
        let id = office.request(office.asha, office.ledger, "I read the accruals.");
        assert_eq!(office.house.signed_in(office.marta).get("/audit").status, 403);
        let mut auditor = office.house.signed_in(office.auditor());
        let statements = office.statements(|| drop(auditor.get("/audit")));
        assert!(statements <= 2 + 1 + 4, "{statements} statements");
        let all = auditor.get("/audit");
        assert_eq!(all.texts("tbody tr").len(), 50);
        assert!(all.texts("tbody tr")[0].contains("Stage 1 of 1 opened"));
        let second = auditor.get(&next_page(&all.body));
        assert_eq!(second.status, 200);

        for (query, least) in [
            ("q=asha+ledger", 2),
            (&*format!("request={id}"), 2),
            (&*format!("person={}", office.asha), 2),
            (&*format!("package={}&family=decisions&q=20", office.ledger), 0),
            ("family=setup", 5),
            ("failed=1", 0),
            ("q=%25", 0),
            ("from=2026-03-02&to=2026-03-02&q=asha", 2),
            ("from=2026-03-03", 0),
        ] {
            let rows = auditor.get(&format!("/audit?{query}")).texts("tbody tr").len();
            let file = auditor.get(&format!("/audit?{query}&format=csv"));
            let mut reader = csv::Reader::from_reader(file.body.as_bytes());
            let records: Vec<_> = reader.records().map(|row| row.expect("a row")).collect();
            assert_eq!(records.len(), rows, "{query}");
            assert!(rows >= least && rows < 50, "{query}: {rows}");
        }
        let whole = auditor.get("/audit?format=csv");
        let rows = csv::Reader::from_reader(whole.body.as_bytes()).records().count();
        assert!(rows > 100, "the whole log, not one page: {rows}");

        let bad = auditor.get("/audit?from=soon&to=2026-02-31");
        assert_eq!((bad.status, bad.texts("#errors a").len()), (422, 2));
        assert_eq!(auditor.get("/audit?from=soon&format=csv").status, 422);
        assert_eq!(auditor.get("/audit?person=nobody").status, 404);
    }
}
