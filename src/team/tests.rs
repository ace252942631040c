//! My team, suggestions, comparison and Home, over a socket on both databases.

use diesel::prelude::*;

use super::rules::Peers;
use super::store;
use crate::assignments;
use crate::db::By;
use crate::db::schema::{assignments as held, facts, notices, packages, people, requests};
use crate::delegation::testing::{House as Setup, disable, everyone, member, only, terms};
use crate::error::Error;
use crate::kernel::{AssignmentId, PackageId, PersonId, PolicyId, RequestId, Ts};
use crate::packages::model::Viewer;
use crate::policies::model::{Asks, Extension, Named, Terms};
use crate::policies::stages::{Approvers, StageTerms};
use crate::requests::commands::{self, Extend, Submit};
use crate::requests::model::Verdict;
use crate::web::Route;
use crate::web::harness::{Answer, Browser, House, houses};

const TABLES: &[&[Route]] = &[
    crate::assignments::pages::ROUTES,
    crate::directory::profile::pages::ROUTES,
    crate::home::pages::ROUTES,
    crate::packages::browse::ROUTES,
    crate::requests::approvals::ROUTES,
    crate::requests::asking::ROUTES,
    crate::requests::pages::ROUTES,
    super::pages::ROUTES,
];

#[test]
fn a_request_for_the_team_stays_in_sight_after_its_first_stage() {
    for office in Office::all() {
        let asha = office.team[0];
        let fallback = vec![Named { id: office.setup.ada, name: "Ada Lund".into() }];
        let ada = StageTerms::simple(Approvers::people(fallback.clone()), vec![], 5);
        let manager = StageTerms::simple(Approvers::Manager, fallback, 5);
        let two = Terms { stages: vec![manager, ada], ..terms(everyone()) };
        let vault = office.setup.package("Vault", &[]);
        let policy = office.setup.new_policy(PolicyId::fresh(), vault, "Staff", &two);
        policy.expect("a policy");
        office.ask(asha, vault);
        let db = &office.house.site.db;
        let (id, stage) = db
            .read(|db| {
                let id = requests::table.filter(requests::target_id.eq(asha)).select(requests::id);
                let id: RequestId = id.first(db)?;
                let stages = crate::requests::store::stages(db, &[id])?;
                Ok((id, stages[0].id))
            })
            .expect("a read");
        db.write(By::Person(office.marta), move |tx| {
            let permit = commands::may_decide(tx, id, stage)?;
            commands::decide(tx, &permit, stage, Verdict::Approve, "")
        })
        .expect("approved");
        let mut marta = office.house.signed_in(office.marta);
        for path in ["/team?show=waiting".to_owned(), format!("/team/{asha}")] {
            let page = marta.get(&path);
            assert!(main(&page).contains("Vault"), "{path}: {}", main(&page));
        }
        assert!(main(&marta.get("/")).contains("One request waits for a decision"));
    }
}

/// Marta with seven people, Asha the first of them; Otto with Olga; packages that they hold.
struct Office {
    house: House,
    setup: Setup,
    marta: PersonId,
    team: Vec<PersonId>,
    otto: PersonId,
    olga: PersonId,
    /// Managers may ask for it; Marta decides on more time.
    ledger: PackageId,
    policy: PolicyId,
    /// Everybody asks for themselves.
    wiki: PackageId,
    own: PolicyId,
}

const NAMES: [&str; 7] =
    ["Asha Rao", "Bo Lind", "Cai Wu", "Dana Reyes", "Eli Stern", "Fay Moss", "Gil Nunez"];

impl Office {
    fn all() -> Vec<Self> {
        houses(TABLES).into_iter().map(Self::open).collect()
    }

    fn open(house: House) -> Self {
        let db = house.site.db.clone();
        let setup = Setup::on(db.clone());
        let [marta, otto, olga] =
            ["Marta Lindqvist", "Otto Falk", "Olga Falk"].map(|name| member(&db, name));
        let team: Vec<PersonId> = NAMES.iter().map(|name| member(&db, name)).collect();
        let ledger = setup.package("Month-end ledger", &[]);
        let wiki = setup.package("Wiki", &[]);
        let fallback = vec![Named { id: setup.ada, name: "Ada Lund".into() }];
        let for_reports = Terms {
            asks: Asks { manager: true, ..Asks::default() },
            extension: Some(Extension { approval: true, last_days: None }),
            stages: vec![StageTerms::simple(Approvers::Manager, fallback, 5)],
            ..terms(everyone())
        };
        let policy = setup.new_policy(PolicyId::fresh(), ledger, "Staff", &for_reports);
        let own = setup.policy(wiki, "Everyone", everyone());
        let office = Self {
            policy: policy.expect("a policy"),
            house,
            setup,
            marta,
            team,
            otto,
            olga,
            ledger,
            wiki,
            own,
        };
        for person in office.team.clone() {
            office.reports(person, Some(marta));
        }
        office.reports(olga, Some(otto));
        office
    }

    /// The staff list gives somebody another manager.
    fn reports(&self, person: PersonId, manager: Option<PersonId>) {
        self.house.change(move |tx| {
            diesel::update(people::table.find(person))
                .set(people::manager_id.eq(manager))
                .execute(tx.db())?;
            Ok(())
        });
    }

    fn titled(&self, person: PersonId, title: &'static str) {
        self.house.change(move |tx| {
            diesel::update(people::table.find(person))
                .set(people::title.eq(title))
                .execute(tx.db())?;
            Ok(())
        });
    }

    /// Somebody holds a package, for so many days.
    fn give(&self, who: PersonId, what: (PackageId, PolicyId), days: Option<i64>) -> AssignmentId {
        let id = AssignmentId::fresh();
        self.house.change(move |tx| {
            let now = tx.now();
            diesel::insert_into(held::table)
                .values((
                    held::id.eq(id),
                    held::package_id.eq(what.0),
                    held::policy_id.eq(what.1),
                    held::target_id.eq(who),
                    held::starts_at.eq(now),
                    held::started_at.eq(now),
                    held::ends_at.eq(days.map(|days| now.plus_hours(24 * days))),
                    held::rev.eq(1_i64),
                    held::created_at.eq(now),
                    held::attributes.eq("[]"),
                ))
                .execute(tx.db())?;
            Ok(())
        });
        id
    }

    /// Somebody asks for a package.
    fn ask(&self, who: PersonId, package: PackageId) -> RequestId {
        let write = self.house.site.db.write(By::Person(who), move |tx| {
            use crate::access::policy::{AskStanding, request_access};
            let permit = request_access(tx.actor(), &AskStanding::own(who))?;
            commands::submit(tx, &permit, &Submit::of(package))
        });
        write.expect("a request")
    }

    fn ledger(&self) -> (PackageId, PolicyId) {
        (self.ledger, self.policy)
    }

    fn wiki(&self) -> (PackageId, PolicyId) {
        (self.wiki, self.own)
    }

    fn ended(&self, id: AssignmentId) -> Option<String> {
        let named = self.house.site.db.read(|db| assignments::store::one(db, id));
        named.expect("an assignment").assignment.end_reason
    }

    /// How many statements a page takes beyond the session's two and the navigation's one.
    fn statements(&self, browser: &mut Browser<'_>, path: &str) -> u64 {
        let before = self.house.site.db.statements_read();
        assert_eq!(browser.get(path).status, 200, "{path}");
        self.house.site.db.statements_read() - before - 3
    }

    fn status(&self, who: PersonId, path: &str) -> u16 {
        self.house.signed_in(who).get(path).status
    }
}

fn main(answer: &Answer) -> String {
    answer.texts("main").join(" ")
}

#[test]
fn e28_my_team_is_for_those_to_whom_somebody_reports() {
    for office in Office::all() {
        let asha = office.team[0];
        office.give(asha, office.ledger(), Some(10));
        office.give(asha, office.wiki(), None);
        office.ask(office.team[1], office.ledger);
        let mut marta = office.house.signed_in(office.marta);
        let page = marta.get("/team");
        let nav = page.texts("nav#nav li:not(.only-s) > a");
        assert!(nav.contains(&"My team".to_owned()), "{nav:?}");
        let rows = page.texts("tbody tr");
        assert_eq!(rows.len(), 7);
        assert!(rows[0].starts_with("Asha RaoTwo packages"), "{rows:?}");
        assert!(rows[0].contains("Month-end ledger in 10 days"), "{rows:?}");
        assert!(rows[1].contains("Month-end ledger waits for you"), "{rows:?}");
        let names = |page: &Answer| page.texts("tbody th a");
        assert_eq!(names(&marta.get("/team?show=ending")), ["Asha Rao"]);
        assert_eq!(names(&marta.get("/team?show=waiting")), ["Bo Lind"]);
        let file = marta.get("/team?show=ending&format=csv");
        assert_eq!(file.body.lines().count(), 2, "{}", file.body);
        assert!(file.body.lines().nth(1).unwrap().starts_with("Asha Rao,,2,1,0"), "{}", file.body);
        // Everybody else: there is no such page, and no place in the navigation.
        for other in [asha, office.olga, office.setup.ada] {
            let mut browser = office.house.signed_in(other);
            assert_eq!(browser.get("/team").status, 404);
            assert_eq!(browser.get("/team?format=csv").status, 404);
            assert_eq!(browser.get(&format!("/team/{asha}")).status, 404);
            let nav = browser.get("/").texts("nav#nav li:not(.only-s) > a");
            assert!(!nav.contains(&"My team".to_owned()), "{nav:?}");
        }
        assert_eq!(office.status(office.otto, &format!("/team/{asha}")), 404);
        assert_eq!(office.status(office.otto, &format!("/team/{}", office.olga)), 200);
        // Somebody leaves; the last one does.
        disable(&office.house.site.db, office.olga);
        assert_eq!(office.status(office.otto, "/team"), 404);
        assert_eq!(office.status(office.otto, &format!("/team/{}", office.olga)), 404);
    }
}

#[test]
fn a_list_of_reports_leads_on_by_key() {
    for office in Office::all() {
        for n in 0..23 {
            let more = member(&office.house.site.db, &format!("Report {n:02}"));
            office.reports(more, Some(office.marta));
        }
        let mut marta = office.house.signed_in(office.marta);
        let page = marta.get("/team");
        assert_eq!(page.texts("tbody th a").len(), 25);
        let next = scraper_href(&page, "nav.pager a[rel=next]");
        let page = marta.get(&next);
        let names = page.texts("tbody th a");
        assert_eq!(names.len(), 5);
        assert_eq!(names[4], "Report 22");
        let back = marta.get(&scraper_href(&page, "nav.pager a[rel=prev]"));
        assert_eq!(back.texts("tbody th a")[0], "Asha Rao");
        assert_eq!(marta.get("/team?format=csv").body.lines().count(), 31);
    }
}

fn scraper_href(page: &Answer, selector: &str) -> String {
    let found = scraper::Selector::parse(selector).expect("a selector");
    let page = scraper::Html::parse_document(&page.body);
    let link = page.select(&found).next().and_then(|a| a.value().attr("href"));
    link.expect("a link").to_owned()
}

#[test]
fn d02_a_manager_ends_what_its_policy_leaves_to_managers_and_nobody_else_does() {
    for office in Office::all() {
        let asha = office.team[0];
        let id = office.give(asha, office.ledger(), Some(60));
        let theirs = office.give(asha, office.wiki(), None);
        let path = format!("/team/access/{id}/end");
        let mut marta = office.house.signed_in(office.marta);
        let page = marta.get(&format!("/team/{asha}"));
        assert_eq!(page.texts("h1"), ["Asha Rao has two packages"]);
        let ends = page.texts("main td a.btn");
        assert_eq!(ends, ["End… Month-end ledger"], "the wiki's policy does not leave it to her");
        // The holder, another manager, the administrator and owner: it is not there.
        for other in [asha, office.otto, office.olga, office.setup.ada] {
            let mut browser = office.house.signed_in(other);
            assert_eq!(browser.get(&path).status, 404);
            assert_eq!(browser.post(&path, &[("reason", "because")]).status, 404);
        }
        let not_hers = format!("/team/access/{theirs}/end");
        assert_eq!(marta.get(&not_hers).status, 403);
        assert_eq!(marta.post(&not_hers, &[("reason", "because")]).status, 403);
        assert_eq!(marta.get(&format!("/team/access/{}/end", AssignmentId::fresh())).status, 404);
        // A page that asks first, and wants a reason.
        assert!(main(&marta.get(&path)).contains("End Month-end ledger for Asha Rao now?"));
        let page = marta.post(&path, &[("reason", "  ")]);
        assert_eq!(page.status, 422);
        assert!(page.texts("#errors")[0].contains("Say why you end it"));
        let long = "x".repeat(crate::kernel::text::NOTE_MAX + 1);
        let page = marta.post(&path, &[("reason", long.as_str())]);
        assert_eq!((page.status, page.texts("#reason")[0].len()), (422, long.len()));
        assert_eq!(office.ended(id), None);
        let done = marta.post(&path, &[("reason", "New duties")]);
        assert_eq!((done.status, done.location()), (303, format!("/team/{asha}").as_str()));
        assert_eq!(office.ended(id).as_deref(), Some("ended-by-manager"));
        // Sent twice, it is ended once.
        assert_eq!(marta.post(&path, &[("reason", "New duties")]).status, 409);
        assert_eq!(marta.get(&path).status, 303);
        let facts = office.setup.facts();
        assert_eq!(facts.iter().filter(|kind| *kind == "assignment_ended").count(), 1);
        // The person and the owners are told, with the reason.
        let db = &office.house.site.db;
        crate::notify::dispatch::run_for(db, false).expect("notices");
        let told: Vec<(PersonId, Option<String>)> = db
            .read(|db| {
                let all = notices::table.inner_join(facts::table);
                let all = all.filter(facts::kind.eq("assignment_ended"));
                Ok(all.select((notices::person_id, facts::note)).load(db)?)
            })
            .expect("notices");
        assert_eq!(told.len(), 2, "{told:?}");
        for who in [asha, office.setup.ada] {
            assert!(told.contains(&(who, Some("New duties".into()))), "{told:?}");
        }
    }
}

#[test]
fn a_manager_who_is_none_any_more_finds_nothing() {
    for office in Office::all() {
        let asha = office.team[0];
        let id = office.give(asha, office.ledger(), Some(60));
        let (page, path) = (format!("/team/{asha}"), format!("/team/access/{id}/end"));
        let mut marta = office.house.signed_in(office.marta);
        assert_eq!(marta.get(&path).status, 200);
        // The form is open while the staff list gives Asha to Otto.
        office.reports(asha, Some(office.otto));
        assert_eq!(marta.post(&path, &[("reason", "New duties")]).status, 404);
        assert_eq!(marta.get(&path).status, 404);
        assert_eq!(marta.get(&page).status, 404);
        assert_eq!(office.ended(id), None);
        let mut otto = office.house.signed_in(office.otto);
        assert_eq!(otto.get(&page).status, 200);
        assert_eq!(otto.get(&path).status, 200);
        // Whoever left manages nobody.
        disable(&office.house.site.db, office.otto);
        assert_ne!(otto.post(&path, &[("reason", "New duties")]).status, 303);
        assert_eq!(office.ended(id), None);
    }
}

#[test]
fn d42_an_end_by_the_manager_denies_the_request_for_more_time() {
    for office in Office::all() {
        let asha = office.team[0];
        let id = office.give(asha, office.ledger(), Some(60));
        let asked = extend(&office, asha, id).expect("more time is asked for");
        end(&office, id).expect("ended");
        let request = office.house.site.db.read(|db| crate::requests::store::one(db, asked));
        assert_eq!(request.expect("a request").state.as_str(), "denied");
    }
}

fn extend(office: &Office, who: PersonId, id: AssignmentId) -> crate::error::Result<RequestId> {
    let order =
        Extend { id: RequestId::fresh(), assignment: id, reason: String::new(), until: None };
    office.house.site.db.write(By::Person(who), move |tx| {
        let permit = crate::access::policy::own_assignment(tx.actor(), who)?;
        commands::extend(tx, &permit, &order)
    })
}

fn end(office: &Office, id: AssignmentId) -> crate::error::Result<()> {
    office.house.site.db.write(By::Person(office.marta), move |tx| {
        let permit = commands::may_end_for_report(tx, id)?;
        commands::end_for_report(tx, &permit, "New duties").map(|_| ())
    })
}

#[test]
fn a_manager_ends_while_the_holder_asks_for_more_time() {
    for office in Office::all() {
        for round in 0..20 {
            let who = office.team[round % 7];
            let id = office.give(who, office.ledger(), Some(60));
            let office = &office;
            let (ended, asked) = std::thread::scope(|threads| {
                let ending = threads.spawn(move || end(office, id));
                let asking = threads.spawn(move || extend(office, who, id));
                (ending.join().expect("no panic"), asking.join().expect("no panic"))
            });
            ended.expect("whoever asks for more time does not keep a manager from ending");
            assert_eq!(office.ended(id).as_deref(), Some("ended-by-manager"));
            match asked {
                Ok(request) => {
                    let db = &office.house.site.db;
                    let request = db.read(|db| crate::requests::store::one(db, request));
                    assert_eq!(request.expect("a request").state.as_str(), "denied");
                }
                Err(Error::Refused(refusal)) => {
                    let words = format!("{refusal:?}");
                    assert!(words.contains("cannot be extended"), "{words}");
                }
                Err(other) => panic!("{other:?}"),
            }
        }
    }
}

#[test]
fn e28_suggestions_are_figures_of_five_and_more_without_names() {
    for office in Office::all() {
        let asha = office.team[0];
        for person in &office.team[1..4] {
            office.give(*person, office.wiki(), None);
        }
        let mut browser = office.house.signed_in(asha);
        let page = browser.get("/packages?view=suggested");
        assert_eq!(page.texts("main h3"), ["Wiki"]);
        assert!(main(&page).contains("3 of 6 in your team have it"), "{}", main(&page));
        for name in NAMES.iter().skip(1).chain(&["Marta Lindqvist"]) {
            assert!(!main(&page).contains(name), "{name}");
        }
        assert!(main(&browser.get("/")).contains("3 of 6 in your team have it"));
        // The manager reads it of those who report to her.
        let mut marta = office.house.signed_in(office.marta);
        let page = marta.get("/packages?view=suggested");
        assert!(main(&page).contains("3 of 7 who report to you have it"), "{}", main(&page));
        // Two leave: four colleagues are left, and no figure is told.
        for person in &office.team[5..7] {
            disable(&office.house.site.db, *person);
        }
        let page = browser.get("/packages?view=suggested");
        assert!(page.texts("main h3").is_empty() && !main(&page).contains(" of 4"));
        assert!(!main(&browser.get("/")).contains("Suggested for you"));
        // The same title elsewhere makes a group again.
        for person in office.team[..5].iter().chain([&office.otto, &office.olga]) {
            office.titled(*person, "Accountant");
        }
        let page = browser.get("/packages?view=suggested");
        assert!(main(&page).contains("3 of 6 with your title have it"), "{}", main(&page));
    }
}

#[test]
fn e29_only_what_can_be_requested_now_is_suggested_or_compared() {
    for office in Office::all() {
        let (asha, bo) = (office.team[0], office.team[1]);
        let closed = office.setup.package("For Bo only", &[]);
        let policy = office.setup.policy(closed, "Some", only(&office.team[1..]));
        let hidden = office.setup.package("Hidden", &[]);
        let of_hidden = office.setup.policy(hidden, "Everyone", everyone());
        let stopped = office.setup.package("Stopped", &[]);
        let of_stopped = office.setup.policy(stopped, "Everyone", everyone());
        let barred = office.setup.package("Barred", &[]);
        let of_barred = office.setup.policy(barred, "Everyone", everyone());
        let kept = office.setup.package("Kept", &[]);
        let of_kept = office.setup.policy(kept, "Everyone", everyone());
        for person in &office.team[1..] {
            let all = [
                office.wiki(),
                office.ledger(),
                (closed, policy),
                (hidden, of_hidden),
                (stopped, of_stopped),
                (barred, of_barred),
                (kept, of_kept),
            ];
            for what in all {
                office.give(*person, what, None);
            }
        }
        office.house.change(move |tx| {
            diesel::update(packages::table.find(hidden))
                .set(packages::hidden.eq(true))
                .execute(tx.db())?;
            Ok(())
        });
        stop(&office, stopped);
        // What she holds speaks against another one.
        office.give(asha, (kept, of_kept), None);
        bar(&office, barred, kept);
        let mut browser = office.house.signed_in(asha);
        let suggested = |browser: &mut Browser<'_>| {
            let mut names = browser.get("/packages?view=suggested").texts("main h3");
            names.sort();
            names
        };
        let compare = format!("/compare/{bo}");
        let compared = |browser: &mut Browser<'_>| {
            let page = browser.get(&compare);
            assert_eq!(page.status, 200);
            page.texts("main h3")
        };
        assert_eq!(suggested(&mut browser), ["Month-end ledger", "Wiki"]);
        assert_eq!(compared(&mut browser), ["Month-end ledger", "Wiki"]);
        office.ask(asha, office.ledger);
        assert_eq!(suggested(&mut browser), ["Wiki"]);
        assert_eq!(compared(&mut browser), ["Wiki"]);
        office.give(asha, office.wiki(), None);
        assert!(suggested(&mut browser).is_empty() && compared(&mut browser).is_empty());
        let page = browser.get(&compare);
        assert_eq!(page.texts("h1"), ["You could ask for nothing more that Bo Lind has"]);
        for name in ["For Bo only", "Hidden", "Stopped", "Barred"] {
            assert!(!page.body.contains(name), "{name}");
        }
    }
}

fn stop(office: &Office, package: PackageId) {
    use crate::db::schema::stops;
    office.house.change(move |tx| {
        let now = tx.now();
        diesel::insert_into(stops::table)
            .values((
                stops::id.eq(crate::kernel::StopId::fresh()),
                stops::package_id.eq(package),
                stops::reason.eq("An incident"),
                stops::stopped_by.eq("Ada Lund"),
                stops::stopped_at.eq(now),
            ))
            .execute(tx.db())?;
        Ok(())
    });
}

fn bar(office: &Office, package: PackageId, other: PackageId) {
    use crate::db::schema::incompatibilities as rules;
    office.house.change(move |tx| {
        let now = tx.now();
        diesel::insert_into(rules::table)
            .values((
                rules::id.eq(crate::kernel::IncompatibilityId::fresh()),
                rules::package_id.eq(package),
                rules::other_package_id.eq(other),
                rules::mutual.eq(true),
                rules::reason.eq("Two hands"),
                rules::created_at.eq(now),
            ))
            .execute(tx.db())?;
        Ok(())
    });
}

#[test]
fn e28_a_comparison_is_with_the_own_team_alone() {
    for office in Office::all() {
        let (asha, bo) = (office.team[0], office.team[1]);
        office.give(bo, office.wiki(), Some(9));
        let mut browser = office.house.signed_in(asha);
        let chooser = browser.get("/compare");
        assert_eq!(chooser.texts("main li .name"), NAMES[1..]);
        let page = browser.get(&format!("/compare/{bo}"));
        assert_eq!(page.texts("h1"), ["Bo Lind has one package that you could ask for"]);
        assert!(main(&page).contains("Access is not copied"));
        assert!(!main(&page).contains("9 days"), "no dates");
        // Straight from the list into the basket.
        let added = browser.post(&format!("/packages/{}/request/basket", office.wiki), &[]);
        assert_eq!((added.status, added.location()), (303, "/basket"));
        for other in [asha, office.marta, office.otto, office.olga, PersonId::fresh()] {
            assert_eq!(browser.get(&format!("/compare/{other}")).status, 404);
        }
        // Nobody's manager is everybody's colleague: without one there is no team.
        office.reports(office.otto, None);
        let page = office.house.signed_in(office.otto).get("/compare");
        assert!(page.texts("main li .name").is_empty());
        assert_eq!(office.status(office.otto, &format!("/compare/{}", office.marta)), 404);
        // Bo moves to another team.
        office.reports(bo, Some(office.otto));
        assert_eq!(browser.get(&format!("/compare/{bo}")).status, 404);
        let olga = office.house.signed_in(office.olga).get(&format!("/compare/{bo}"));
        assert_eq!(olga.status, 200);
        disable(&office.house.site.db, bo);
        let olga = office.house.signed_in(office.olga).get(&format!("/compare/{bo}"));
        assert_eq!(olga.status, 404);
    }
}

#[test]
fn home_answers_the_three_questions_for_each_kind_of_person() {
    for office in Office::all() {
        let asha = office.team[0];
        let mut browser = office.house.signed_in(asha);
        let page = browser.get("/");
        assert_eq!(page.texts("h1"), ["Nothing waits for you"]);
        let sections = page.texts("main h2");
        assert_eq!(sections[..3], ["Decide", "You wait for", "Ending soon"]);
        assert!(main(&page).contains("Nothing waits for your decision."));
        assert!(main(&page).contains("Nothing: no request of yours is open."));
        assert!(main(&page).contains("Nothing of yours ends in the next 30 days."));
        office.give(asha, office.wiki(), Some(10));
        office.ask(asha, office.ledger);
        let page = browser.get("/");
        let drawn = format!("In the next 30 days these end: {} {}.", "Wiki", "in 10 days");
        assert!(page.body.contains(&drawn), "{}", page.body);
        // The manager: to decide, and what there is in her team.
        let page = office.house.signed_in(office.marta).get("/");
        assert_eq!(page.texts("h1"), ["One decision waits for you"]);
        assert!(page.texts("main h2").contains(&"Your team".to_owned()));
        assert!(main(&page).contains("One request waits for a decision"), "{}", main(&page));
        assert!(main(&page).contains("One access ends in the next 30 days"));
        // The owner and administrator: what nobody decided in time.
        let mut ada = office.house.signed_in(office.setup.ada);
        assert!(main(&ada.get("/")).contains("No delivery is in trouble, and no request"));
        expire(&office);
        let page = ada.get("/");
        assert!(page.texts("main h2").contains(&"Expired".to_owned()), "{}", main(&page));
        assert!(main(&page).contains("Month-end ledger for Asha Rao"));
        assert!(page.texts("main h2").contains(&"Read".to_owned()), "the log is named");
        assert!(!page.texts("main h2").contains(&"Your team".to_owned()));
        let page = office.house.signed_in(office.olga).get("/");
        assert!(!main(&page).contains("Expired") && !main(&page).contains("audit"));
    }
}

/// Every open request expires.
fn expire(office: &Office) {
    office.house.change(|tx| {
        let now = tx.now();
        diesel::update(requests::table.filter(requests::ended_at.is_null()))
            .set((requests::state.eq("expired"), requests::ended_at.eq(now)))
            .execute(tx.db())?;
        Ok(())
    });
}

/// People with the title of a clerk who report to Otto, and what each of them holds.
fn crowd(office: &Office, people_more: usize, all: &[PackageId]) {
    let (otto, policy, all) = (office.otto, office.own, all.to_vec());
    office.house.change(move |tx| {
        let now = tx.now();
        let clerks: Vec<PersonId> = (0..people_more).map(|_| PersonId::fresh()).collect();
        let person = |(n, id): (usize, &PersonId)| {
            (
                people::id.eq(*id),
                people::source.eq("crowd"),
                people::external_id.eq(id.to_string()),
                people::name.eq(format!("Clerk {n}")),
                people::kind.eq("member"),
                people::title.eq("Clerk"),
                people::manager_id.eq(otto),
                people::attributes.eq("{}"),
                people::administrator.eq(false),
                people::auditor.eq(false),
                people::enabled.eq(true),
                people::search.eq(format!("clerk {n:05}")),
                people::rev.eq(1_i64),
                people::created_at.eq(now),
            )
        };
        let rows: Vec<_> = clerks.iter().enumerate().map(person).collect();
        for chunk in rows.chunks(500) {
            crate::each_backend!(tx.db(), |c| diesel::insert_into(people::table)
                .values(chunk)
                .execute(c)
                .map(|_| ()))?;
        }
        let hold = |(person, package): (PersonId, PackageId)| {
            (
                held::id.eq(AssignmentId::fresh()),
                held::package_id.eq(package),
                held::policy_id.eq(policy),
                held::target_id.eq(person),
                held::starts_at.eq(now),
                held::started_at.eq(now),
                held::ends_at.eq(now.plus_hours(24 * 9)),
                held::rev.eq(1_i64),
                held::created_at.eq(now),
                held::attributes.eq("[]"),
            )
        };
        let each = clerks.iter().flat_map(|p| all.iter().map(|package| (*p, *package)));
        let rows: Vec<_> = each.map(hold).collect();
        for chunk in rows.chunks(1_000) {
            crate::each_backend!(tx.db(), |c| diesel::insert_into(held::table)
                .values(chunk)
                .execute(c)
                .map(|_| ()))?;
        }
        Ok(())
    });
}

#[test]
fn e32_pages_of_the_team_take_the_same_statements_for_500_and_for_50_000_assignments() {
    for office in Office::all() {
        let all: Vec<PackageId> =
            (0..50).map(|n| office.setup.package(&format!("Package {n}"), &[])).collect();
        for package in &all {
            office.setup.policy(*package, "Everyone", everyone());
        }
        office.titled(office.olga, "Clerk");
        crowd(&office, 10, &all);
        let colleague: PersonId = {
            let clerk = people::table.filter(people::source.eq("crowd")).select(people::id);
            office.house.site.db.read(|db| Ok(clerk.first(db)?)).expect("a clerk")
        };
        let paths = [
            "/".to_owned(),
            "/packages?view=suggested".to_owned(),
            "/compare".to_owned(),
            format!("/compare/{colleague}"),
        ];
        let team = ["/".to_owned(), "/team".to_owned(), format!("/team/{colleague}")];
        let measure = || {
            let mut olga = office.house.signed_in(office.olga);
            let mut otto = office.house.signed_in(office.otto);
            let started = std::time::Instant::now();
            let of_olga: Vec<u64> = paths.iter().map(|p| office.statements(&mut olga, p)).collect();
            let of_otto: Vec<u64> = team.iter().map(|p| office.statements(&mut otto, p)).collect();
            (of_olga, of_otto, started.elapsed())
        };
        let (few, few_team, quick) = measure();
        crowd(&office, 990, &all);
        let (many, many_team, slow) = measure();
        println!("seven pages: {quick:?} with 500 assignments, {slow:?} with 50,000");
        assert_eq!((&few, &few_team), (&many, &many_team), "constant in the number of rows");
        assert!(many.iter().all(|n| *n <= 10) && many_team.iter().all(|n| *n <= 10), "{many:?}");
        assert!(many[1] <= 4 && many[2] <= 4 && many_team[1] <= 4, "{many:?} {many_team:?}");
        // Of a title that a thousand have, two hundred are counted.
        let figures = office.house.site.db.read(|db| store::figures(db, office.olga));
        let figures = figures.expect("figures");
        assert!(figures.iter().all(|f| f.of == 200 && f.have == 200), "{:?}", figures.first());
        assert!(figures.iter().any(|f| f.peers == Peers::Title));
    }
}

#[test]
fn e29_what_is_suggested_is_what_the_engine_lets_through() {
    for office in Office::all() {
        let asha = office.team[0];
        let some: Vec<(PackageId, PolicyId)> = (0..12)
            .map(|n| {
                let package = office.setup.package(&format!("Package {n}"), &[]);
                let scope = if n % 3 == 0 { only(&office.team[1..]) } else { everyone() };
                let asks = Asks { own: n % 4 != 1, ..Asks::default() };
                let terms = Terms { asks, ..terms(scope) };
                let policy = office.setup.new_policy(PolicyId::fresh(), package, "Some", &terms);
                (package, policy.expect("a policy"))
            })
            .collect();
        for person in &office.team[1..] {
            for what in &some {
                office.give(*person, *what, None);
            }
        }
        stop(&office, some[2].0);
        office.give(asha, some[4], None);
        let db = &office.house.site.db;
        let actor = db
            .read(|db| crate::db::load_actor(db, asha, crate::kernel::Ts::from_micros(0)))
            .expect("a read")
            .expect("Asha");
        let suggested = db.read(|db| store::suggestions(db, Viewer::from(&actor)));
        let mut suggested: Vec<PackageId> =
            suggested.expect("suggestions").iter().map(|(_, hit)| hit.id).collect();
        suggested.sort();
        let ids: Vec<PackageId> = some.iter().map(|(package, _)| *package).collect();
        let positions = db.read(|db| crate::requests::eligibility::positions(db, asha, asha, &ids));
        let mut open: Vec<PackageId> =
            positions.expect("positions").iter().filter(|p| p.open()).map(|p| p.package).collect();
        open.sort();
        assert_eq!(suggested, open);
        assert!(!open.is_empty() && open.len() < some.len());
    }
}

#[test]
fn a_request_for_the_team_names_who_decides() {
    for office in Office::all() {
        let asha = office.team[0];
        office.ask(asha, office.ledger);
        let mut marta = office.house.signed_in(office.marta);
        let page = marta.get(&format!("/team/{asha}"));
        assert!(main(&page).contains("one request waits for a decision"), "{}", main(&page));
        assert_eq!(page.texts("main ul.lines .name a"), ["Month-end ledger"]);
        let db = &office.house.site.db;
        let read = db.read(|db| {
            let now = office.house.site.db.clocks().business.now();
            let marta = crate::db::load_actor(db, office.marta, now)?.expect("Marta");
            store::waiting(db, &marta, &[asha])
        });
        let open = read.expect("waiting");
        assert_eq!(open[0].with, [(office.marta, "Marta Lindqvist".to_owned())]);
        let soon: Ts = open[0].at.plus_hours(24 * 30);
        let glance = office.house.site.db.read(|db| store::at_a_glance(db, office.marta, soon));
        assert_eq!(glance.expect("figures").waiting, 1);
    }
}
