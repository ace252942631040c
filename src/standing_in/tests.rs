//! Stand-ins as a browser meets them, on both databases.

use chrono::Days;
use diesel::prelude::*;

use super::{jobs, pages};
use crate::access::policy::{self, AskStanding};
use crate::db::By;
use crate::db::schema::{facts, notices, people};
use crate::delegation::testing::{House as Setup, everyone, guest, member, somebody, terms};
use crate::kernel::{Kind, PackageId, PersonId, PolicyId, RequestId};
use crate::policies::model::{Named, Terms};
use crate::policies::stages::{Approvers, StageTerms};
use crate::requests::commands::{self, Submit};
use crate::requests::model::State;
use crate::requests::store;
use crate::web::Route;
use crate::web::harness::{Answer, Browser, House, houses};

const TABLES: &[&[Route]] = &[
    crate::home::pages::ROUTES,
    crate::directory::profile::pages::ROUTES,
    crate::requests::acting::ROUTES,
    crate::requests::approvals::ROUTES,
    crate::requests::pages::ROUTES,
    crate::signin::pages::ROUTES,
    pages::ROUTES,
];

/// Marta decides on the ledger, Dario and Cleo could in her place, Asha asks.
struct Office {
    house: House,
    setup: Setup,
    marta: PersonId,
    dario: PersonId,
    cleo: PersonId,
    asha: PersonId,
    ledger: PackageId,
}

impl Office {
    fn all() -> Vec<Self> {
        houses(TABLES).into_iter().map(Self::open).collect()
    }

    fn open(house: House) -> Self {
        let db = house.site.db.clone();
        let setup = Setup::on(db.clone());
        let [marta, dario, cleo, asha] =
            ["Marta Lindqvist", "Dario Conti", "Cleo Cedar", "Asha Rao"]
                .map(|name| member(&db, name));
        let ledger = decided_by(&setup, "Month-end ledger", marta);
        Self { house, setup, marta, dario, cleo, asha, ledger }
    }

    fn ask(&self, person: PersonId, package: PackageId) -> RequestId {
        let submit = Submit::of(package);
        let write = self.house.site.db.write(By::Person(person), move |tx| {
            let permit = policy::request_access(tx.actor(), &AskStanding::own(person))?;
            commands::submit(tx, &permit, &submit)
        });
        write.expect("a request")
    }

    fn state(&self, id: RequestId) -> State {
        self.house.site.db.read(|db| store::one(db, id)).expect("a request").state
    }

    /// So many days from today, as a date field sends it.
    fn day(&self, n: u64) -> String {
        let db = &self.house.site.db;
        let today = db.zone().date(db.clocks().business.now());
        (today + Days::new(n)).to_string()
    }

    fn form<'a>(&self, who: &'a str, days: &'a (String, String)) -> Vec<(&'a str, &'a str)> {
        vec![("who", who), ("first", &days.0), ("last", &days.1), ("scope", "all")]
    }

    /// Sets a stand-in for a week on one's own page.
    fn week(&self, browser: &mut Browser<'_>, who: &str) {
        browser.get("/me/stand-in");
        let days = (self.day(0), self.day(6));
        let saved = browser.post("/me/stand-in", &self.form(who, &days));
        assert_eq!((saved.status, saved.location()), (303, "/me/stand-in"), "{}", main(&saved));
    }

    fn facts(&self, kind: &'static str) -> Vec<String> {
        let all = facts::table.filter(facts::kind.eq(kind)).order(facts::id).select(facts::data);
        self.house.site.db.read(|db| Ok(all.load(db)?)).expect("facts")
    }

    fn told(&self, person: PersonId) -> Vec<(String, String)> {
        crate::notify::dispatch::run(&self.house.site.db).expect("dispatched");
        let all = notices::table
            .filter(notices::person_id.eq(person))
            .order(notices::id)
            .select((notices::sentence, notices::link));
        self.house.site.db.read(|db| Ok(all.load(db)?)).expect("notices")
    }
}

fn decided_by(setup: &Setup, package: &str, person: PersonId) -> PackageId {
    let package = setup.package(package, &[]);
    let people = vec![Named { id: person, name: "as it was then".into() }];
    let stage = StageTerms::simple(Approvers::people(people), vec![], 14);
    let terms = Terms { stages: vec![stage], ..terms(everyone()) };
    setup.new_policy(PolicyId::fresh(), package, "Staff", &terms).expect("a policy");
    package
}

fn main(answer: &Answer) -> String {
    answer.texts("main").join(" ")
}

fn decide(browser: &mut Browser<'_>, page: &Answer, id: RequestId, verdict: &str) -> Answer {
    let hidden = |name: &str| page.value(&format!("form.bar input[name={name}]"));
    let [stage, version, contents] =
        ["stage", "version", "contents"].map(|name| hidden(name).expect("a hidden field"));
    let form = [
        ("stage", &*stage),
        ("version", &*version),
        ("contents", &*contents),
        ("verdict", verdict),
        ("note", "Agreed with her."),
    ];
    browser.post(&format!("/approvals/{id}/decisions"), &form)
}

const BOTH: &str = "Dario Conti, standing in for Marta Lindqvist";

#[test]
fn d34_a_stand_in_decides_in_somebodys_place_and_both_names_stand_everywhere() {
    for office in Office::all() {
        let before = office.ask(office.asha, office.ledger);
        let mut marta = office.house.signed_in(office.marta);
        let page = marta.get("/me/stand-in");
        assert_eq!((page.status, page.texts("h1")), (200, vec!["Your stand-in".to_owned()]));
        assert!(marta.get("/approvals").body.contains("/me/stand-in"));
        assert!(marta.get("/me").body.contains("/me/stand-in"));
        let days = (office.day(0), office.day(6));
        let query = format!("who=Dario+Conti&first={}&last={}&scope=all", days.0, days.1);
        let check = marta.get(&format!("/me/stand-in/check?{query}"));
        assert_eq!(check.status, 200, "{}", main(&check));
        assert!(main(&check).contains("Nothing is saved yet."), "{}", main(&check));
        assert!(office.facts("stand_in_set").is_empty());
        let kept = check.pairs("main form[method=post] input");
        let kept: Vec<(&str, &str)> = kept
            .iter()
            .filter(|(name, _)| name != "csrf")
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        for _ in 0..2 {
            let saved = marta.post("/me/stand-in", &kept);
            assert_eq!(saved.status, 303, "{}", main(&saved));
        }
        assert_eq!(office.facts("stand_in_set").len(), 1, "pressed twice, set once");
        assert!(main(&marta.get("/me/stand-in")).contains("Dario Conti"));

        let after = office.ask(office.dario, office.ledger);
        let cleos = office.ask(office.cleo, office.ledger);
        let mut dario = office.house.signed_in(office.dario);
        let queue = dario.get("/approvals");
        let rows = queue.texts("tbody tr");
        assert_eq!(rows.len(), 2, "open and new, but not his own: {rows:?}");
        assert!(rows.iter().all(|row| row.contains("For Marta Lindqvist")), "{rows:?}");
        assert!(queue.texts("nav").join(" ").contains("Approvals 2"), "{:?}", queue.texts("nav"));
        assert!(main(&dario.get("/")).contains("For Marta Lindqvist"));
        let csv = dario.get("/approvals?format=csv").body;
        assert!(csv.contains("Standing in for") && csv.contains("Marta Lindqvist"), "{csv}");
        let own = dario.get(&format!("/approvals/{after}"));
        assert_eq!(own.status, 403, "D2 holds against the stand-in, too");
        assert_eq!(dario.get(&format!("/people/{}", office.asha)).status, 200);

        let stale = marta.get(&format!("/approvals/{before}"));
        let page = dario.get(&format!("/approvals/{before}"));
        assert!(main(&page).contains("You stand in for Marta Lindqvist"), "{}", main(&page));
        let done = decide(&mut dario, &page, before, "deny");
        assert_eq!(done.status, 303, "{}", main(&done));
        assert_eq!(office.state(before), State::Denied);
        let told = &office.facts("stage_denied")[0];
        assert!(told.contains(r#""instead_of":"Marta Lindqvist""#), "{told}");
        let late = decide(&mut marta, &stale, before, "approve");
        assert_eq!(late.status, 409);
        assert!(main(&late).contains(BOTH), "{}", main(&late));
        assert!(main(&late).contains("Agreed with her."), "what was typed is kept");
        let pages = [
            dario.get("/approvals?state=done"),
            marta.get("/approvals?state=done"),
            marta.get(&format!("/approvals/{before}")),
        ];
        for page in pages {
            assert!(main(&page).contains(BOTH), "{}", main(&page));
        }
        let csv = marta.get("/approvals?state=done&format=csv").body;
        assert!(csv.contains("Marta Lindqvist") && csv.contains("Dario Conti"), "{csv}");
        let mut asha = office.house.signed_in(office.asha);
        let story = asha.get(&format!("/requests/{before}"));
        assert!(main(&story).contains(BOTH), "{}", main(&story));
        let letters = office.told(office.asha);
        assert!(letters.iter().any(|(words, _)| words.contains(BOTH)), "{letters:?}");

        // She keeps her right.
        let page = marta.get(&format!("/approvals/{cleos}"));
        assert_eq!(decide(&mut marta, &page, cleos, "approve").status, 303);
        let again = dario.get("/approvals");
        assert!(main(&again).contains("Nothing waits for your decision"), "{}", main(&again));
    }
}

#[test]
fn d45_who_may_not_stand_in_is_refused_in_words_and_what_was_typed_stays() {
    for office in Office::all() {
        let db = &office.house.site.db;
        guest(db, "Gwen Guest", "gwen@partner.example");
        let mut marta = office.house.signed_in(office.marta);
        let refused = |marta: &mut Browser<'_>, who: &str, first: u64, last: u64, words: &str| {
            let days = (office.day(first), office.day(last));
            let query = format!(
                "/me/stand-in/check?who={}&first={}&last={}&scope=all",
                who.replace(' ', "+"),
                days.0,
                days.1
            );
            marta.get("/me/stand-in");
            for answer in [marta.get(&query), marta.post("/me/stand-in", &office.form(who, &days))]
            {
                assert_eq!(answer.status, 422, "{who}: {}", main(&answer));
                assert!(main(&answer).contains(words), "{who}: {}", main(&answer));
                assert_eq!(answer.value("input[name=who]").as_deref(), Some(who));
            }
        };
        let nobody = "No such person among those who can stand in";
        refused(&mut marta, "Gwen Guest", 0, 6, nobody);
        refused(&mut marta, "Nobody Known", 0, 6, nobody);
        refused(&mut marta, "Marta Lindqvist", 0, 6, "Nobody stands in for themselves");
        refused(&mut marta, "Dario Conti", 0, 90, "Choose at most 90 days: these are 91");
        refused(&mut marta, "Dario Conti", 3, 2, "Choose a last day that is not before the first");
        let yesterday = ("2020-01-01".to_owned(), "2020-01-02".to_owned());
        let past = marta.post("/me/stand-in", &office.form("Dario Conti", &yesterday));
        assert!(main(&past).contains("Choose a last day that has not passed"), "{}", main(&past));
        member(db, "Dario Conti");
        refused(&mut marta, "Dario Conti", 0, 6, "Several people have this name");
        let dario = office.dario.to_string();
        office.week(&mut marta, &dario);
        refused(&mut marta, "Cleo Cedar", 6, 9, "Dario Conti stands in already in that time");

        // Round in a circle: Marta to Dario to Cleo, and not back.
        let mut his = office.house.signed_in(office.dario);
        office.week(&mut his, "Cleo Cedar");
        let mut hers = office.house.signed_in(office.cleo);
        hers.get("/me/stand-in");
        let days = (office.day(3), office.day(3));
        let round = hers.post("/me/stand-in", &office.form("Marta Lindqvist", &days));
        assert_eq!(round.status, 422);
        assert!(main(&round).contains("round in a circle"), "{}", main(&round));
        let days = (office.day(7), office.day(8));
        let later = hers.post("/me/stand-in", &office.form("Marta Lindqvist", &days));
        assert_eq!(later.status, 303, "after it there is no circle: {}", main(&later));
        assert_eq!(office.facts("stand_in_set").len(), 3);
        let gwen = db.read(|db| {
            let gwen = people::table.filter(people::name.eq("Gwen Guest")).select(people::id);
            Ok(gwen.first::<PersonId>(db)?)
        });
        let mut gwen = office.house.signed_in(gwen.expect("a guest"));
        assert_eq!(gwen.get("/me/stand-in").status, 403);
    }
}

#[test]
fn d45_an_administrator_sets_one_for_somebody_absent_and_never_themselves() {
    for office in Office::all() {
        let db = &office.house.site.db;
        let otto = somebody(db, "Otto Falk", Kind::Member, true);
        let page = format!("/people/{}/stand-in", office.marta);
        let mut otto = office.house.signed_in(otto);
        assert_eq!(otto.get(&page).status, 200);
        let days = (office.day(0), office.day(6));
        let own = otto.post(&page, &office.form("Otto Falk", &days));
        assert_eq!(own.status, 422);
        assert!(main(&own).contains("You cannot name yourself"), "{}", main(&own));
        let set = otto.post(&page, &office.form("Dario Conti", &days));
        assert_eq!(set.status, 303, "{}", main(&set));
        for person in [office.marta, office.dario, office.setup.ada] {
            let told = office.told(person);
            assert_eq!(told.len(), 1, "{told:?}");
            assert!(
                told[0].0.starts_with("Dario Conti stands in for Marta Lindqvist from"),
                "{told:?}"
            );
        }
        assert_eq!(office.told(office.marta)[0].1, "/me/stand-in");
        let catalog = format!("/catalogs/{}", office.setup.catalog);
        assert_eq!(office.told(office.setup.ada)[0].1, catalog, "who owns the catalog");
        assert!(office.told(office.cleo).is_empty());
        let mut dario = office.house.signed_in(office.dario);
        assert_eq!(dario.get(&page).status, 403);
        assert_eq!(dario.post(&page, &office.form("Cleo Cedar", &days)).status, 403);

        // Each of the two can end it; the other one is told.
        let line = dario.get("/me/stand-in");
        let action = line.attrs("main form[method=post]", "action");
        let mut cleo = office.house.signed_in(office.cleo);
        cleo.get("/me/stand-in");
        assert_eq!(cleo.post(&action[0], &[]).status, 404, "it is not hers");
        let ended = dario.post(&action[0], &[]);
        assert_eq!((ended.status, ended.location()), (303, "/me/stand-in"));
        assert_eq!(dario.post(&action[0], &[]).status, 303, "ended twice, ended once");
        assert_eq!(office.facts("stand_in_ended").len(), 1);
        assert_eq!(office.told(office.marta).len(), 2);
        assert_eq!(office.told(office.dario).len(), 1, "he did it himself");
    }
}

#[test]
fn d34_the_check_says_what_stands_in_the_way() {
    for office in Office::all() {
        office.ask(office.dario, office.ledger);
        let other = decided_by(&office.setup, "Wiki", office.marta);
        let foreign = decided_by(&office.setup, "Elsewhere", office.cleo);
        let mut dario = office.house.signed_in(office.dario);
        office.week(&mut dario, "Cleo Cedar");
        let mut marta = office.house.signed_in(office.marta);
        let base = format!(
            "/me/stand-in/check?who=Dario+Conti&first={}&last={}",
            office.day(2),
            office.day(3)
        );
        let check = marta.get(&format!("{base}&scope=all"));
        for words in [
            "Dario Conti is away from",
            "Cleo Cedar decides then",
            "Month-end ledger for Dario Conti",
        ] {
            assert!(main(&check).contains(words), "{words}: {}", main(&check));
        }
        let page = marta.get("/me/stand-in");
        let offered = page.attrs("input[name=packages]", "value");
        assert_eq!(offered, [office.ledger.to_string(), other.to_string()], "hers, by name");
        let some = marta.get(&format!("{base}&scope=some&packages={other}"));
        assert!(main(&some).contains("Wiki"), "{}", main(&some));
        for wrong in [format!("{base}&scope=some"), format!("{base}&scope=some&packages={foreign}")]
        {
            let answer = marta.get(&wrong);
            assert_eq!(answer.status, 422);
            assert!(main(&answer).contains("Choose at least one of the packages"));
        }
        let days = (office.day(0), office.day(3));
        let other_id = other.to_string();
        let mut form = office.form("Dario Conti", &days);
        form.retain(|(name, _)| *name != "scope");
        form.extend([("scope", "some"), ("packages", other_id.as_str())]);
        assert_eq!(marta.post("/me/stand-in", &form).status, 303);
        let wiki = office.ask(office.asha, other);
        let ledger = office.ask(office.asha, office.ledger);
        let mut cleo = office.house.signed_in(office.cleo);
        let rows = cleo.get("/approvals").texts("tbody tr");
        assert_eq!(rows.len(), 1, "through the chain, for that package: {rows:?}");
        assert_eq!(cleo.get(&format!("/approvals/{wiki}")).status, 200);
        assert_eq!(cleo.get(&format!("/approvals/{ledger}")).status, 404);
        let few = office.house.site.db.statements_read();
        marta.get("/me/stand-in");
        let read = office.house.site.db.statements_read() - few;
        for name in ["A", "B", "C", "D", "E"] {
            decided_by(&office.setup, name, office.marta);
        }
        let few = office.house.site.db.statements_read();
        marta.get("/me/stand-in");
        assert_eq!(office.house.site.db.statements_read() - few, read, "whatever the rows");
        assert!(read <= 13, "{read} statements");
    }
}

#[test]
fn d34_a_time_ends_by_itself_and_who_was_deciding_reads_why() {
    for office in Office::all() {
        let request = office.ask(office.asha, office.ledger);
        let mut marta = office.house.signed_in(office.marta);
        office.week(&mut marta, "Dario Conti");
        let mut dario = office.house.signed_in(office.dario);
        let page = dario.get(&format!("/approvals/{request}"));
        assert_eq!(page.status, 200);
        assert_eq!(jobs::run_due(&office.house.site.db).expect("a turn"), 0);
        let db = &office.house.site.db;
        office.house.clock.set(db.zone().plus_days(db.clocks().business.now(), 7));
        // A week is longer than a session.
        dario.sign_in(office.dario);
        let late = decide(&mut dario, &page, request, "approve");
        assert_eq!(late.status, 409, "{}", main(&late));
        assert!(main(&late).contains("You stood in for Marta Lindqvist until"), "{}", main(&late));
        assert!(main(&late).contains("Agreed with her."), "what was typed is kept");
        assert_eq!(office.state(request), State::PendingApproval);
        assert_eq!(dario.get(&format!("/approvals/{request}")).status, 404);
        assert_eq!(jobs::run_due(db).expect("a turn"), 1);
        assert_eq!(jobs::run_due(db).expect("a turn"), 0);
        assert!(office.facts("stand_in_ended")[0].contains(r#""early":false"#));
    }
}

#[test]
fn d34_a_stand_in_decides_several_together_and_both_names_stand_there() {
    for office in Office::all() {
        let asked =
            [office.ask(office.asha, office.ledger), office.ask(office.cleo, office.ledger)];
        let mut marta = office.house.signed_in(office.marta);
        office.week(&mut marta, "Dario Conti");
        let mut dario = office.house.signed_in(office.dario);
        let picks = dario.get("/approvals").attrs("input[name=pick]", "value");
        assert_eq!(picks.len(), 2);
        let picks: Vec<String> = picks.iter().map(|pick| format!("pick={pick}")).collect();
        let page = dario.get(&format!("/approvals/bulk?{}", picks.join("&")));
        assert!(main(&page).contains("for Marta Lindqvist, who is away"), "{}", main(&page));
        let items = page.attrs("input[name=item]", "value");
        let mut form: Vec<(&str, &str)> = items.iter().map(|item| ("item", &**item)).collect();
        form.extend([("verdict", "approve"), ("note", "As she would.")]);
        let done = dario.post("/approvals/bulk", &form);
        assert_eq!(done.status, 303, "{}", main(&done));
        let after = dario.get(done.location());
        assert!(main(&after).contains("All 2 decisions are recorded"), "{}", main(&after));
        for id in asked {
            assert_ne!(office.state(id), State::PendingApproval);
        }
        let told = office.facts("stage_approved");
        assert!(told.iter().all(|t| t.contains("Marta Lindqvist")), "{told:?}");
        let late = marta.get(done.location());
        assert!(main(&late).contains(BOTH), "{}", main(&late));
    }
}
