//! What the pages say while a request waits: votes, stops, changes of contents, how long it takes; over a socket on
//! both databases.

use diesel::prelude::*;

use super::commands::{self, Submit};
use super::model::{State, Verdict};
use super::stops::Thing;
use super::store;
use crate::access::policy::{self, AskStanding};
use crate::assignments::commands as assignments;
use crate::db::By;
use crate::db::schema::{people, requests};
use crate::delegation::testing::{House as Setup, everyone, member, terms};
use crate::kernel::fact::EndReason;
use crate::kernel::{PackageId, PersonId, PolicyId, RequestId, Risk, StageId};
use crate::policies::model::{Named, Terms};
use crate::policies::questions::{Kind, Question};
use crate::policies::stages::{Alternates, Approvers, StageTerms, Votes};
use crate::web::Route;
use crate::web::harness::{Answer, Browser, House, houses};
use crate::web::listing::csv_time;

const TABLES: &[&[Route]] = &[
    crate::home::pages::ROUTES,
    super::approvals::ROUTES,
    super::owner::ROUTES,
    super::pages::ROUTES,
    crate::assignments::pages::ROUTES,
    crate::assignments::owner::ROUTES,
    crate::directory::profile::pages::ROUTES,
];

/// A package on which two of three decide, with an alternate, a question and a guarded contents version.
struct Office {
    house: House,
    setup: Setup,
    asha: PersonId,
    three: [PersonId; 3],
    package: PackageId,
}

fn named(id: PersonId, name: &str) -> Named<PersonId> {
    Named { id, name: name.to_owned() }
}

const NAMES: [&str; 3] = ["Ann Alder", "Ben Birch", "Cleo Cedar"];

impl Office {
    fn all() -> Vec<Self> {
        houses(TABLES).into_iter().map(Self::open).collect()
    }

    fn open(house: House) -> Self {
        let db = house.site.db.clone();
        let setup = Setup::on(db.clone());
        let asha = member(&db, "Asha Rao");
        let three = NAMES.map(|name| member(&db, name));
        let dan = member(&db, "Dan Elder");
        let role = setup.resource("Ledger", Risk::Ordinary);
        let package = setup.package("Month-end ledger", &[role]);
        let people = three.iter().zip(NAMES).map(|(id, name)| named(*id, name)).collect();
        let stage = StageTerms {
            votes: Votes::Some { n: 2 },
            alternates: Some(Alternates {
                after: 2,
                people: vec![named(dan, "Dan Elder")],
                groups: vec![],
                second_manager: false,
            }),
            ..StageTerms::simple(Approvers::people(people), vec![], 5)
        };
        let question = Question {
            key: "ticket".into(),
            text: "Which ticket?".into(),
            hint: String::new(),
            answer: Kind::Short { pattern: None },
            required: false,
            shown_if: None,
        };
        let terms = Terms { stages: vec![stage], questions: vec![question], ..terms(everyone()) };
        setup.new_policy(PolicyId::fresh(), package, "Staff", &terms).expect("a policy");
        Self { house, setup, asha, three, package }
    }

    fn request(&self, person: PersonId) -> RequestId {
        let answers = [("ticket".to_owned(), vec!["KH-<7>".to_owned()])].into();
        let submit = Submit { answers, ..Submit::of(self.package) };
        let write = self.house.site.db.write(By::Person(person), move |tx| {
            let permit = policy::request_access(tx.actor(), &AskStanding::own(person))?;
            commands::submit(tx, &permit, &submit)
        });
        write.expect("a request")
    }

    fn stage(&self, id: RequestId) -> StageId {
        let stages = self.house.site.db.read(|db| store::stages(db, &[id])).expect("stages");
        stages.last().expect("a stage").id
    }

    fn state(&self, id: RequestId) -> State {
        self.house.site.db.read(|db| store::one(db, id)).expect("a request").state
    }

    fn vote(&self, id: RequestId, by: PersonId) {
        let stage = self.stage(id);
        let write = self.house.site.db.write(By::Person(by), move |tx| {
            let request = store::one(tx.db(), id)?;
            let standing = store::standing(tx.db(), &request)?;
            let permit = policy::decide_stage(tx.actor(), &standing)?;
            commands::decide(tx, &permit, stage, Verdict::Approve, "fine")
        });
        write.expect("a vote");
    }

    fn stop(&self, on: bool) {
        let (package, catalog) = (self.package, self.setup.catalog);
        let write = self.house.site.db.write(By::Person(self.setup.ada), move |tx| {
            let permit = policy::manage_catalog(tx.actor(), catalog)?;
            let thing = Thing::Package(package);
            match on {
                true => commands::stop(tx, &permit, thing, "The ledger was broken into"),
                false => commands::let_on(tx, &permit, thing),
            }
        });
        write.expect("stopped or let on");
    }

    fn statements(&self, browser: &mut Browser<'_>, path: &str) -> u64 {
        let before = self.house.site.db.statements_read();
        assert_eq!(browser.get(path).status, 200, "{path}");
        self.house.site.db.statements_read() - before - 3
    }
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
        ("note", "Agreed"),
    ];
    browser.post(&format!("/approvals/{id}/decisions"), &form)
}

#[test]
fn d37_votes_are_counted_in_sight_of_everybody_and_a_voter_is_done() {
    for office in Office::all() {
        let id = office.request(office.asha);
        let [ann, ben, _] = office.three;
        let path = format!("/approvals/{id}");
        let mut ann = office.house.signed_in(ann);
        let page = ann.get(&path);
        let marks = page.texts(".marks li");
        for words in [
            "2 of 3 approvals needed, none so far",
            "You and Ben Birch and Cleo Cedar are asked, you named in the policy; one denial ends the request",
            "Alternates (Dan Elder) join on Wed 4 Mar 2026, 09:00",
        ] {
            assert!(marks.iter().any(|mark| mark.contains(words)), "{words}: {marks:?}");
        }
        assert!(!main(&page).contains("the first answer counts"));
        assert!(main(&page).contains("KH-<7>"), "the answer stands in full: {}", main(&page));
        let voted = decide(&mut ann, &page, id, "approve");
        assert_eq!((voted.status, voted.location()), (303, &*format!("/requests/{id}")));
        assert_eq!(office.state(id), State::PendingApproval);
        assert_eq!(decide(&mut ann, &page, id, "approve").status, 303, "pressed twice");
        assert!(ann.get("/approvals").body.contains("Nothing waits for your decision"));
        let done = ann.get("/approvals?state=done");
        assert!(done.texts("tbody tr")[0].contains("Approved"), "{}", main(&done));
        let after = ann.get(&path);
        assert!(after.texts("form.bar").is_empty());
        let lede = &after.texts(".lede")[0];
        assert!(lede.starts_with("You approved it on Mon 2 Mar 2026, 09:00."), "{lede}");
        assert!(lede.contains("2 of 3 approvals needed, 1 so far (Ann Alder, 2 Mar)"), "{lede}");

        let mut ben_sees = office.house.signed_in(ben);
        let queue = ben_sees.get("/approvals");
        assert!(queue.texts("tbody tr")[0].contains("1 of 2 approvals"), "{}", main(&queue));
        assert!(ben_sees.get("/approvals?format=csv").body.contains(",1 of 2 approvals,"));
        let mut asha = office.house.signed_in(office.asha);
        let story = asha.get(&format!("/requests/{id}"));
        assert!(story.texts(".lede")[0].contains("1 so far (Ann Alder, 2 Mar)"));
        assert!(story.texts(".record h3").contains(&"Ann Alder approved".to_owned()));
        let page = ben_sees.get(&path);
        assert_eq!(decide(&mut ben_sees, &page, id, "approve").status, 303);
        assert_eq!(office.state(id), State::Delivering);
        let seen = ann.get(&path);
        let said = "Ann Alder and Ben Birch approved it.";
        assert_eq!(seen.texts(".lede")[0], said);
    }
}

#[test]
fn d43_what_came_and_went_since_the_request_is_named() {
    for office in Office::all() {
        let id = office.request(office.asha);
        let role = office.setup.resource("Archive", Risk::Ordinary);
        let (package, catalog) = (office.package, office.setup.catalog);
        let write = office.house.site.db.write(By::Person(office.setup.ada), move |tx| {
            let permit = policy::manage_catalog(tx.actor(), catalog)?;
            let then = commands::contents_changed;
            crate::packages::commands::set_contents(tx, &permit, package, 1, &[role], then)
        });
        write.expect("changed");
        let mut ann = office.house.signed_in(office.three[0]);
        let page = ann.get(&format!("/approvals/{id}"));
        let marks = page.texts(".marks li");
        let words = "Added to the package since it was requested: Archive (Member); removed: Ledger (Member)";
        assert!(marks.iter().any(|mark| mark.contains(words)), "{marks:?}");
        let sent = decide(&mut ann, &page, id, "approve");
        assert_eq!(sent.status, 303, "what the page showed is what is in it now");
    }
}

#[test]
fn d47_what_was_stopped_says_who_and_why_and_takes_no_decision() {
    for office in Office::all() {
        let id = office.request(office.asha);
        let path = format!("/approvals/{id}");
        let mut ann = office.house.signed_in(office.three[0]);
        let open = ann.get(&path);
        office.stop(true);
        let held = ann.get(&path);
        assert!(held.texts("form.bar").is_empty(), "no form");
        let lede = &held.texts(".lede")[0];
        assert!(lede.starts_with("It waits: Ada Lund stopped its access package on"), "{lede}");
        assert!(lede.contains("“The ledger was broken into”"), "{lede}");
        let late = decide(&mut ann, &open, id, "approve");
        assert_eq!(late.status, 409, "a page that was open before");
        assert_eq!(late.texts("#kept"), ["Agreed"]);
        assert!(
            ann.get("/approvals").texts("tbody tr")[0].contains("Stopped, its time stands still")
        );
        assert!(main(&ann.get("/")).contains("Stopped, its time stands still"));
        let mut asha = office.house.signed_in(office.asha);
        let story = asha.get(&format!("/requests/{id}"));
        assert!(story.texts(".lede")[0].contains("Ada Lund stopped its access package"));
        assert!(!main(&story).contains("Remind the approvers"), "nobody can decide");
        assert!(!story.texts(".record .now").join(" ").contains("it expires"));
        assert_eq!(asha.post(&format!("/requests/{id}/remind"), &[]).status, 409);
        assert!(main(&asha.get("/requests")).contains("something was stopped"));
        office.house.clock.advance(30 * 86_400);
        office.stop(false);
        let (mut ann, mut asha) =
            (office.house.signed_in(office.three[0]), office.house.signed_in(office.asha));
        let again = ann.get(&path);
        assert_eq!(again.texts("form.bar button"), ["Approve", "Deny"], "its time stood still");
        assert!(main(&asha.get(&format!("/requests/{id}"))).contains("It went on"));
    }
}

#[test]
fn whoever_waits_reminds_once_a_day_and_nobody_else_does() {
    for office in Office::all() {
        let id = office.request(office.asha);
        let (page, remind) = (format!("/requests/{id}"), format!("/requests/{id}/remind"));
        let mut asha = office.house.signed_in(office.asha);
        assert!(
            asha.get(&page).texts("main form button").contains(&"Remind the approvers".to_owned())
        );
        let done = asha.post(&remind, &[]);
        assert_eq!((done.status, done.location()), (303, &*page));
        let said = asha.get(&page);
        let now = office.house.site.db.clocks().business.now();
        let again =
            crate::web::words::When::at(now.plus_seconds(86_400), now, office.house.site.db.zone());
        let words = format!("you can remind them again from {}", again.absolute);
        assert!(main(&said).contains(&words), "{words}: {}", main(&said));
        assert!(said.texts(".record h3").contains(&"You had the approvers reminded".to_owned()));
        assert_eq!(asha.post(&remind, &[]).status, 409);
        let mut ann = office.house.signed_in(office.three[0]);
        let seen = ann.get(&format!("/approvals/{id}"));
        assert!(
            !seen.texts(".record-in").join(" ").contains("reminded"),
            "no news to the one reminded"
        );
        assert_eq!(ann.post(&remind, &[]).status, 403);
        let mut stranger = office.house.signed_in(member(&office.house.site.db, "Stran Ger"));
        stranger.get("/approvals");
        assert_eq!(stranger.post(&remind, &[]).status, 404);
        office.house.clock.advance(86_400);
        let mut asha = office.house.signed_in(office.asha);
        asha.get(&page);
        assert_eq!(asha.post(&remind, &[]).status, 303);
    }
}

#[test]
fn how_long_it_takes_is_said_from_twenty_decisions_on() {
    for office in Office::all() {
        let decided = |n: usize| {
            let person = member(&office.house.site.db, &format!("Person {n}"));
            let id = office.request(person);
            office.house.clock.advance(3_600);
            office.vote(id, office.three[0]);
            office.vote(id, office.three[1]);
        };
        (0..19).for_each(decided);
        let id = office.request(office.asha);
        let mut asha = office.house.signed_in(office.asha);
        let mut ann = office.house.signed_in(office.three[0]);
        let (page, decision) = (format!("/requests/{id}"), format!("/approvals/{id}"));
        for (browser, path) in [(&mut asha, &page), (&mut ann, &decision)] {
            let said = main(&browser.get(path));
            assert!(said.contains("too few to say (19 so far)"), "{said}");
        }
        assert!(asha.get(&page).texts("svg.pace").is_empty());
        decided(19);
        let mut asha = office.house.signed_in(office.asha);
        let mut ann = office.house.signed_in(office.three[0]);
        for (browser, path) in [(&mut asha, &page), (&mut ann, &decision)] {
            let said = main(&browser.get(path));
            assert!(
                said.contains(
                    "half within 60 minutes, nine in ten within 60 minutes (the last 20)"
                ),
                "{said}"
            );
        }
        let drawn = asha.get(&page);
        assert_eq!(drawn.texts("svg.pace title"), ["How long the last decisions took"]);
        assert!(!drawn.body.contains(" style="));
        let mut ada = office.house.signed_in(office.setup.ada);
        let list = format!("/packages/{}/requests", office.package);
        assert_eq!(ada.get(&list).texts("svg.pace title").len(), 1);
        // The same number of statements whatever the history.
        assert!(office.statements(&mut ada, &list) <= 4);
        let few = office.statements(&mut ann, &decision);
        (20..40).for_each(decided);
        let mut asha = office.house.signed_in(office.asha);
        let mut ann = office.house.signed_in(office.three[0]);
        assert_eq!(office.statements(&mut ann, &decision), few);
        assert!(few <= 10, "{few}");
        assert!(office.statements(&mut asha, &page) <= 10);
    }
}

#[test]
fn a_delivered_request_whose_access_has_ended_says_so_everywhere() {
    for office in Office::all() {
        let id = office.request(office.asha);
        office.vote(id, office.three[0]);
        office.vote(id, office.three[1]);
        let asha = office.asha;
        office.house.change(move |tx| {
            let named = crate::assignments::store::active_of(tx.db(), asha)?;
            let one = named.first().ok_or(crate::error::Error::Missing)?.assignment.id;
            commands::delivered(tx, one)
        });
        let mut browser = office.house.signed_in(office.asha);
        assert_eq!(office.state(id), State::Delivered);
        assert!(main(&browser.get("/requests")).contains("Delivered"));
        let whole = browser.get("/requests?format=csv").body;
        let now = || csv_time(office.house.site.db.clocks().business.now());
        let delivered = now();
        office.house.clock.advance(86_400);
        office.house.change(move |tx| {
            let named = crate::assignments::store::active_of(tx.db(), asha)?;
            assignments::end_all(tx, &named, EndReason::Expired, "")?;
            Ok(())
        });
        let mut browser = office.house.signed_in(office.asha);
        let list = main(&browser.get("/requests"));
        assert!(list.contains("Access ended") && !list.contains("Delivered"), "{list}");
        let page = browser.get(&format!("/requests/{id}"));
        assert!(page.texts(".lede")[0].starts_with("You had it until"));
        assert_eq!(page.texts(".btn-primary"), ["Request again"]);
        assert!(main(&browser.get(&format!("/people/{asha}"))).contains("Access ended"));
        let file = |body: &str, column: &str| {
            let mut reader = csv::Reader::from_reader(body.as_bytes());
            let at = reader.headers().expect("a header").iter().position(|name| name == column);
            let row = reader.records().next().expect("a row").expect("text");
            row[at.expect("the column")].to_owned()
        };
        let ended = browser.get("/requests?format=csv").body;
        assert_eq!(file(&whole, "Ended at (UTC)"), "");
        assert_eq!(file(&ended, "Ended at (UTC)"), now());
        assert_eq!(file(&ended, "Delivered at (UTC)"), delivered);
        assert_eq!(file(&ended, "State"), "Access ended");
        let mut ada = office.house.signed_in(office.setup.ada);
        let owners = ada.get(&format!("/packages/{}/requests", office.package));
        assert!(owners.texts("tbody tr")[0].contains("Access ended"));
        let mut ann = office.house.signed_in(office.three[0]);
        assert!(ann.get("/approvals?state=done").texts("tbody tr")[0].contains("Access ended"));
    }
}

#[test]
fn d46_who_asked_for_somebody_else_is_named_to_those_who_decide() {
    for office in Office::all() {
        let boss = member(&office.house.site.db, "Bea Boss");
        let asha = office.asha;
        office.house.change(move |tx| {
            diesel::update(people::table.find(asha))
                .set(people::manager_id.eq(boss))
                .execute(tx.db())?;
            Ok(())
        });
        let id = office.request(office.asha);
        office.house.change(move |tx| {
            use crate::db::schema::requests;
            diesel::update(requests::table.find(id))
                .set((requests::requestor_id.eq(boss), requests::reason.eq("She starts on Monday")))
                .execute(tx.db())?;
            Ok(())
        });
        let mut ann = office.house.signed_in(office.three[0]);
        let page = ann.get(&format!("/approvals/{id}"));
        assert!(page.texts("h2").contains(&"Why, in Bea Boss’s words".to_owned()));
        assert!(page.texts(".facts-edge").join(" ").contains("By Bea Boss"));
        assert!(ann.get("/approvals").texts("tbody tr")[0].contains("requested by Bea Boss"));
    }
}

#[test]
fn e17_no_page_and_no_letter_names_those_who_decide_to_those_who_wait() {
    for house in houses(crate::app::ROUTES) {
        let office = Office::open(house);
        let db = office.house.site.db.clone();
        office.house.change(|tx| {
            crate::db::set_setting(tx, "organization.approver_names", "false")?;
            Ok(())
        });
        let [ann, ben, _] = office.three;
        let asha = office.asha;
        let nobody = |path: &str| {
            let page = office.house.signed_in(asha).get(path);
            assert_eq!(page.status, 200, "{path}");
            for name in NAMES.iter().chain(&["Dan Elder"]) {
                assert!(!page.body.contains(name), "{path} names {name}: {}", main(&page));
            }
            main(&page)
        };
        let package = format!("/packages/{}", office.package);
        let says = nobody(&package);
        assert!(says.contains("2 of 3 approvers must approve"), "{says}");
        assert!(says.contains("an approver can decide, too"), "{says}");
        nobody(&format!("{package}/request"));
        nobody(&format!("{package}/why"));

        let id = office.request(asha);
        let stage = office.stage(id);
        let request = format!("/requests/{id}");
        assert!(nobody(&request).contains("With 3 approvers."));
        office.vote(id, ann);
        let asked = db.write(By::Person(ben), move |tx| {
            let request = store::one(tx.db(), id)?;
            let standing = store::standing(tx.db(), &request)?;
            let permit = policy::decide_stage(tx.actor(), &standing)?;
            commands::ask(tx, &permit, stage, "Which ledger?")
        });
        asked.expect("a question");
        let story = nobody(&request);
        assert!(story.contains("An approver asked for information."), "{story}");
        assert!(story.contains("An approver approved"), "{story}");
        let own = format!("/people/{asha}");
        for path in ["/", "/requests", "/requests?format=csv", "/packages", "/me", &own] {
            nobody(path);
        }
        assert!(nobody(&format!("{request}/answer")).contains("Which ledger?"));

        crate::notify::dispatch::run(&db).expect("told");
        nobody("/notices");
        let zone = db.zone();
        let told = db.read(|db| {
            use crate::db::schema::notices;
            let mine = notices::table.filter(notices::person_id.eq(asha));
            let ids: Vec<crate::kernel::NoticeId> = mine.select(notices::id).load(db)?;
            crate::notify::store::told(db, &ids, zone)
        });
        let told = told.expect("notices");
        assert!(!told.is_empty());
        let head = crate::notify::letters::Letterhead {
            site: "https://keyholder.example".parse().expect("an address"),
            organization: "Northmoor".into(),
            help: String::new(),
            zone: db.zone(),
        };
        for one in &told {
            let letter = crate::notify::letters::Letter::of(one, &head).expect("a letter");
            for name in NAMES {
                assert!(!letter.text.contains(name), "{}", letter.text);
            }
        }
        // Her manager, had they asked for her, learns no more on her page and in the notices of before.
        let mia = member(&db, "Mia Berg");
        office.house.change(move |tx| {
            diesel::update(requests::table.find(id))
                .set(requests::requestor_id.eq(mia))
                .execute(tx.db())?;
            diesel::update(people::table.find(asha))
                .set(people::manager_id.eq(Some(mia)))
                .execute(tx.db())?;
            Ok(())
        });
        for path in [&own, &request, "/team", &format!("/team/{asha}"), "/notices"] {
            let page = office.house.signed_in(mia).get(path);
            assert_eq!(page.status, 200, "{path}");
            for name in NAMES {
                assert!(!page.body.contains(name), "{path} names {name}: {}", main(&page));
            }
        }
        // Whoever decides or looks after it reads names as ever, also where they wait themselves.
        office.house.change(move |tx| {
            diesel::update(people::table.find(asha))
                .set(people::auditor.eq(true))
                .execute(tx.db())?;
            Ok(())
        });
        assert!(office.house.signed_in(asha).get(&request).body.contains("Ben Birch"));
        for reader in [ann, office.setup.ada] {
            let page = office.house.signed_in(reader).get(&request);
            assert!(page.body.contains("Ben Birch"), "{}", main(&page));
        }
    }
}
