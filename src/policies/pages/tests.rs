//! The owners' pages of policies, as a browser sees them.

use diesel::prelude::*;

use crate::access::policy;
use crate::assignments;
use crate::assignments::commands::Approved;
use crate::db::By;
use crate::db::schema::{assignments as held, people, policies, requests};
use crate::delegation::testing::{
    House as Setup, disable, everyone, group, guest, member, only, terms, through,
};
use crate::kernel::{AssignmentId, PackageId, PersonId, PolicyId};
use crate::policies::model::{Asks, Terms};
use crate::policies::questions::{Kind, Question};
use crate::policies::stages::{Approvers, StageTerms};
use crate::policies::store;
use crate::requests::commands::{Submit, submit};
use crate::web::Route;
use crate::web::harness::{Answer, Browser, House, houses};

const TABLES: &[&[Route]] = &[
    super::ROUTES,
    crate::packages::pages::ROUTES,
    crate::catalogs::pages::ROUTES,
    crate::assignments::moving::ROUTES,
    crate::assignments::owner::ROUTES,
    crate::requests::owner::ROUTES,
    crate::requests::pages::ROUTES,
    crate::requests::stopping::ROUTES,
];

struct Office {
    house: House,
    setup: Setup,
    package: PackageId,
    /// For everybody, decided by Ada.
    policy: PolicyId,
}

fn offices() -> Vec<Office> {
    houses(TABLES).into_iter().map(Office::open).collect()
}

impl Office {
    fn open(house: House) -> Self {
        let setup = Setup::on(house.site.db.clone());
        let package = setup.package("Month-end", &[]);
        let ada = vec![crate::policies::model::Named { id: setup.ada, name: String::new() }];
        let stages = vec![StageTerms::simple(Approvers::people(ada), vec![], 5)];
        let id = PolicyId::fresh();
        let careful = Terms { stages, ..terms(everyone()) };
        let policy = setup.new_policy(id, package, "Standard", &careful).expect("a policy");
        Self { house, setup, package, policy }
    }

    fn browser(&self) -> Browser<'_> {
        self.house.signed_in(self.setup.ada)
    }

    fn at(&self, page: &str) -> String {
        format!("/packages/{}/policies/{}/{page}", self.package, self.policy)
    }

    /// Somebody asks for the package.
    fn asks(&self, person: PersonId) -> crate::kernel::RequestId {
        let package = self.package;
        let outcome = self.house.site.db.write(By::Person(person), move |tx| {
            let standing = policy::AskStanding::own(person);
            let permit = policy::request_access(tx.actor(), &standing)?;
            submit(tx, &permit, &Submit::of(package))
        });
        outcome.expect("a request")
    }

    /// Somebody holds the package under the policy, though nobody asked.
    fn holds(&self, person: PersonId) -> AssignmentId {
        let request = self.asks(person);
        let (package, policy) = (self.package, self.policy);
        self.house.change(move |tx| {
            let now = tx.now();
            diesel::update(requests::table.find(request))
                .set((requests::ended_at.eq(now), requests::state.eq("delivered")))
                .execute(tx.db())?;
            let approved = Approved {
                request,
                package,
                policy,
                target: person,
                starts_at: now,
                ends_at: Some(now.plus_hours(90 * 24)),
                attributes: "[]".into(),
            };
            let id = assignments::commands::create(tx, &approved)?;
            assignments::commands::start(tx, id, approved.ends_at, None)?;
            Ok(id)
        })
    }
}

/// Everything that the form on the page would send.
fn fields(page: &Answer) -> Vec<(String, String)> {
    let html = scraper::Html::parse_document(&page.body);
    let find = |text: &str| scraper::Selector::parse(text).expect("a selector");
    let form = find("form.entries");
    let form = html.select(&form).next().expect("a form");
    let mut sent = Vec::new();
    for field in form.select(&find("input, textarea, select")) {
        let name = field.attr("name").expect("a name").to_owned();
        let checkable = ["radio", "checkbox"].contains(&field.attr("type").unwrap_or(""));
        match field.value().name() {
            "input" if checkable && field.attr("checked").is_none() => {}
            "input" => sent.push((name, field.attr("value").unwrap_or("").to_owned())),
            "textarea" => {
                let text = field.text().collect::<String>();
                sent.push((name, text.strip_prefix('\n').unwrap_or(&text).to_owned()));
            }
            _ => {
                let chosen = find("option[selected]");
                let first = find("option");
                let chosen = field.select(&chosen).next().or(field.select(&first).next());
                let value = chosen.and_then(|o| o.attr("value")).expect("a choice");
                sent.push((name, value.to_owned()));
            }
        }
    }
    sent.retain(|(name, _)| name != "csrf");
    sent
}

/// Sends the form of the page with these changes; an empty name takes nothing away.
fn send(browser: &mut Browser<'_>, to: &str, page: &Answer, changes: &[(&str, &str)]) -> Answer {
    let mut sent = fields(page);
    sent.retain(|(name, _)| !changes.iter().any(|(other, _)| other == name));
    sent.extend(changes.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())));
    let pairs: Vec<_> = sent.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    browser.post(to, &pairs)
}

fn said(page: &Answer) -> String {
    page.texts("main").join(" ")
}

fn moved(answer: &Answer) -> String {
    assert_eq!(answer.status, 303, "{}", said(answer));
    answer.location().to_owned()
}

#[test]
fn the_form_of_a_policy_is_sent_back_unchanged_and_says_so() {
    for office in offices() {
        let mut browser = office.browser();
        let edit = office.at("edit");
        let page = browser.get(&edit);
        let preview = send(&mut browser, &edit, &page, &[("step", "preview")]);
        assert_eq!(preview.status, 200);
        assert!(said(&preview).contains("there is nothing to save"), "{}", said(&preview));
        // Back to the form and on again, nothing is lost.
        let again = send(&mut browser, &edit, &preview, &[("step", "edit")]);
        assert_eq!(again.texts("#stage1-people"), page.texts("#stage1-people"));
        let preview = send(&mut browser, &edit, &again, &[("step", "preview"), ("days", "30")]);
        assert!(preview.texts("del").contains(&"Access ends after 90 days.".to_owned()));
        assert!(said(&preview).contains("Added Access ends after 30 days."));
        moved(&send(&mut browser, &edit, &preview, &[("step", "save")]));
        let saved = office.house.site.db.read(|db| store::policy(db, office.policy)).expect("it");
        assert_eq!((saved.version, saved.terms.stages.len()), (2, 1));
    }
}

#[test]
fn d20_a_preview_tells_who_gains_who_loses_and_what_stays() {
    for office in offices() {
        let db = &office.house.site.db;
        let (bo, cleo) = (member(db, "Bo Ek"), member(db, "Cleo Dahl"));
        let gone = member(db, "Lee Gone");
        disable(db, gone);
        let gil = guest(db, "Gil Out", "gil@out.example");
        group(db, "Team", &[bo, gil, gone]);
        office.asks(bo);
        office.holds(cleo);
        let mut browser = office.browser();
        let edit = office.at("edit");
        let page = browser.get(&edit);
        let mut form = fields(&page);
        form.retain(|(name, _)| name != "members" && name != "groups");
        form.extend([("groups".into(), "Team".into()), ("step".into(), "preview".into())]);
        let pairs: Vec<_> = form.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        let preview = browser.post(&edit, &pairs);
        assert_eq!(preview.texts("h3"), ["Newly: 1 person", "No longer: 2 people"]);
        let named = preview.texts(".two li");
        assert_eq!(named, ["Gil Out", "Ada Lund", "Cleo Dahl"]);
        assert!(said(&preview).contains("1 open request: decided by the version"));
        assert!(said(&preview).contains("1 active assignment: access stays"));
        assert_eq!(db.read(|db| store::policy(db, office.policy)).expect("it").version, 1);
        // Nothing is promised to guests where the catalog is not for them.
        let catalog = office.setup.catalog;
        moved(&browser.post(&format!("/catalogs/{catalog}/edit"), &[("name", "Finance")]));
        let preview = browser.post(&edit, &pairs);
        assert_eq!(preview.texts("h3"), ["Newly: 0 people", "No longer: 2 people"]);
    }
}

#[test]
fn everything_typed_is_kept_when_something_is_wrong_and_when_there_is_to_be_more_room() {
    for office in offices() {
        let mut browser = office.browser();
        let new = format!("/packages/{}/policies/new", office.package);
        let page = browser.get(&new);
        let changes = [
            ("name", "  Careful "),
            ("organizations", "Nobody Ltd."),
            ("stage1", "sponsors"),
            ("stage1-votes", "some"),
            ("stage1-n", "1"),
            ("stage1-alt", "yes"),
            ("stage1-alt-after", "99"),
            ("stage1-if", "longer"),
            ("stage1-if-days", "0"),
            ("question1-text", "Which “<project>”?"),
            ("question1-kind", "one"),
            ("question1-choices", "A\nB"),
            ("question2-text", "Code?"),
            ("question2-pattern", "(("),
            ("question2-if-answers", "C"),
            ("lifetime", "days"),
            ("days", "9999"),
            ("extension", "approval"),
            ("extension-days", "0"),
        ];
        for (step, status) in [("preview", 422), ("save", 422), ("more", 200), ("edit", 200)] {
            let mut changes = changes.to_vec();
            changes.push(("step", step));
            let back = send(&mut browser, &new, &page, &changes);
            assert_eq!(back.status, status, "{step}");
            let kept = fields(&back);
            for (name, value) in changes.iter().filter(|(name, _)| *name != "step") {
                assert!(kept.contains(&((*name).into(), (*value).into())), "{step}: {name}");
            }
            if status == 422 {
                for href in back.body.split("<li><a href=\"#").skip(1) {
                    let id = href.split('"').next().expect("an id");
                    assert!(back.body.contains(&format!("id=\"{id}\"")), "nothing is called {id}");
                }
                let wrong = back.texts(".errors li");
                assert_eq!(wrong.len(), back.texts(".err").len(), "{wrong:#?}");
                assert!(wrong.len() >= 8, "{wrong:#?}");
            }
            if step == "more" {
                assert_eq!(back.texts("fieldset.question").len(), 4, "two more than before");
                assert!(said(&back).contains("After an answer to “Which “<project>”?”"));
            }
        }
        let db = &office.house.site.db;
        assert_eq!(db.read(|db| store::of_package(db, office.package)).expect("all").len(), 1);
    }
}

#[test]
fn a_stale_form_names_the_newer_version_and_goes_on_from_there() {
    for office in offices() {
        let (mut one, mut other) = (office.browser(), office.browser());
        let edit = office.at("edit");
        let (mine, theirs) = (one.get(&edit), other.get(&edit));
        moved(&send(&mut other, &edit, &theirs, &[("days", "30"), ("step", "save")]));
        for step in ["preview", "save"] {
            let stale = send(&mut one, &edit, &mine, &[("name", "Mine"), ("step", step)]);
            assert_eq!(stale.status, 409);
            assert!(stale.texts("[role=alert]")[0].starts_with("Version 2 was saved"));
            assert!(said(&stale).contains("Added Access ends after 30 days."));
            assert_eq!(stale.value("#name").as_deref(), Some("Mine"));
            assert_eq!(stale.value("input[name=version]").as_deref(), Some("2"));
            if step == "save" {
                moved(&send(&mut one, &edit, &stale, &[("step", "save")]));
            }
        }
        let now = office.house.site.db.read(|db| store::policy(db, office.policy)).expect("it");
        assert_eq!((now.version, now.name.as_str()), (3, "Mine"));

        let page = one.get(&office.at("versions?from=2&to=1"));
        assert_eq!(page.texts("#compared h2"), ["Version 2"], "the later one against the earlier");
        assert_eq!(page.texts("del"), ["Access ends after 90 days."]);
        let page = one.get(&office.at("versions?from=3&to=3"));
        assert!(said(&page).contains("Both say the same."));
        assert_eq!(page.texts(".lines b"), ["Version 3", "Version 2", "Version 1"]);
        assert_eq!(page.texts(".lines .mark"), ["In force"]);
        for wrong in ["from=1&to=9", "from=x&to=1", "from=1"] {
            assert_eq!(one.get(&office.at(&format!("versions?{wrong}"))).status, 404, "{wrong}");
        }
    }
}

#[test]
fn a_policy_sent_twice_is_made_once_and_other_words_under_its_key_are_not_lost_in_silence() {
    for office in offices() {
        let mut browser = office.browser();
        let new = format!("/packages/{}/policies/new", office.package);
        let page = browser.get(&new);
        let says = [
            ("name", "Second"),
            ("members", "yes"),
            ("stage1", "none"),
            ("lifetime", "days"),
            ("days", "5"),
            ("step", "save"),
        ];
        moved(&send(&mut browser, &new, &page, &says));
        moved(&send(&mut browser, &new, &page, &says));
        let mut other = says;
        other[4] = ("days", "6");
        let refused = send(&mut browser, &new, &page, &other);
        assert_eq!(refused.status, 409);
        assert!(said(&refused).contains("was saved already"));
        let db = &office.house.site.db;
        assert_eq!(db.read(|db| store::of_package(db, office.package)).expect("all").len(), 2);
    }
}

#[test]
fn d15_a_policy_is_deleted_when_nothing_hangs_on_it_and_the_page_clears_the_way() {
    for office in offices() {
        let db = office.house.site.db.clone();
        let (bo, cleo) = (member(&db, "Bo Ek"), member(&db, "Cleo Dahl"));
        let request = office.asks(bo);
        let assignment = office.holds(cleo);
        let mut browser = office.browser();
        let delete = office.at("delete");
        let page = browser.get(&delete);
        assert!(page.texts(".lede")[0].contains("1 open request and 1 active assignment"));
        assert!(page.texts("main li").join(" ").contains("for Bo Ek"));
        assert!(said(&page).contains("there is none"), "no other policy to move to");
        assert!(page.texts("button").iter().all(|b| b != "Delete policy"));
        let refused = browser.post(&delete, &[]);
        assert_eq!(refused.status, 409, "{}", said(&refused));

        let cancel = office.at("cancel-requests");
        let silent = browser.post(&cancel, &[("reason", " ")]);
        assert_eq!((silent.status, silent.texts(".err").len()), (422, 1));
        moved(&browser.post(&cancel, &[("reason", "The tool goes.")]));
        let state: String = db
            .read(|db| Ok(requests::table.find(request).select(requests::state).first(db)?))
            .expect("a state");
        assert_eq!(state, "canceled");
        assert_eq!(browser.post(&delete, &[]).status, 409, "the assignment is still there");

        let other = office.setup.policy(office.package, "Other", only(&[bo]));
        let to = other.to_string();
        let to_move = office.at("move");
        assert_eq!(browser.post(&to_move, &[]).status, 422, "where to?");
        moved(&browser.post(&to_move, &[("to", &to)]));
        let moved_to: PolicyId = db
            .read(|db| Ok(held::table.find(assignment).select(held::policy_id).first(db)?))
            .expect("a policy");
        assert_eq!(moved_to, other);
        moved(&browser.post(&delete, &[]));
        assert_eq!(browser.get(&office.at("edit")).status, 404);
        assert_eq!(browser.post(&delete, &[]).status, 404);
        let facts = office.setup.facts();
        for (fact, n) in [("policy_deleted", 1), ("request_canceled", 1), ("assignment_moved", 1)] {
            assert_eq!(facts.iter().filter(|k| *k == fact).count(), n, "{fact}");
        }
    }
}

#[test]
fn d15_a_request_that_comes_while_the_policy_is_deleted_finds_it_or_keeps_it() {
    for office in offices() {
        let db = office.house.site.db.clone();
        let bo = member(&db, "Bo Ek");
        let (package, policy_id, catalog) = (office.package, office.policy, office.setup.catalog);
        let (asked, deleted) = std::thread::scope(|scope| {
            let asked = scope.spawn(|| {
                office.house.site.db.write(By::Person(bo), move |tx| {
                    let standing = policy::AskStanding::own(bo);
                    let permit = policy::request_access(tx.actor(), &standing)?;
                    submit(tx, &permit, &Submit::of(package))
                })
            });
            let deleted = scope.spawn(|| {
                office.house.site.db.write(By::Person(office.setup.ada), move |tx| {
                    let permit = policy::manage_catalog(tx.actor(), catalog)?;
                    crate::policies::commands::delete(tx, &permit, policy_id)
                })
            });
            (asked.join().expect("no panic"), deleted.join().expect("no panic"))
        });
        assert_ne!(asked.is_ok(), deleted.is_ok(), "exactly one of them: {asked:?} {deleted:?}");
    }
}

#[test]
fn d16_an_assignment_moves_with_its_end_and_only_within_its_package() {
    for office in offices() {
        let db = office.house.site.db.clone();
        let cleo = member(&db, "Cleo Dahl");
        let assignment = office.holds(cleo);
        let other = office.setup.policy(office.package, "Short", only(&[cleo]));
        let elsewhere = office.setup.package("Elsewhere", &[]);
        let foreign = office.setup.policy(elsewhere, "Foreign", everyone());
        let ends = |id| -> Option<crate::kernel::Ts> {
            db.read(|db| Ok(held::table.find(id).select(held::ends_at).first(db)?)).expect("an end")
        };
        let before = ends(assignment);
        let mut browser = office.browser();
        let path = format!("/packages/{}/assignments/{assignment}/move", office.package);
        let page = browser.get(&path);
        assert!(said(&page).contains("It ends in 90 days"), "{}", said(&page));
        assert_eq!(page.texts("legend"), ["Which policy?"]);
        let forged = foreign.to_string();
        assert_eq!(browser.post(&path, &[("to", &forged)]).status, 404);
        assert_eq!(browser.post(&path, &[("to", "x")]).status, 422);
        moved(&browser.post(&path, &[("to", &other.to_string())]));
        moved(&browser.post(&path, &[("to", &other.to_string())]));
        assert_eq!(ends(assignment), before);
        let facts = office.setup.facts();
        assert_eq!(facts.iter().filter(|k| *k == "assignment_moved").count(), 1, "moved once");
        let wrong = format!("/packages/{elsewhere}/assignments/{assignment}/move");
        assert_eq!(browser.get(&wrong).status, 404, "of another package");
    }
}

#[test]
fn d47_a_policy_a_package_and_a_catalog_are_stopped_with_a_reason_and_let_on() {
    for office in offices() {
        let bo = member(&office.house.site.db, "Bo Ek");
        office.asks(bo);
        let mut browser = office.browser();
        let (package, catalog) = (office.package, office.setup.catalog);
        for (base, word) in [
            (format!("/packages/{package}/policies/{}", office.policy), "policy"),
            (format!("/packages/{package}"), "access package"),
            (format!("/catalogs/{catalog}"), "catalog"),
        ] {
            let (edit, stop) = (format!("{base}/edit"), format!("{base}/stop"));
            let page = browser.get(&edit);
            assert!(said(&page).contains("no new requests, and open ones go on"));
            let page = browser.get(&stop);
            assert!(said(&page).contains("One open request waits"), "{}", said(&page));
            let silent = browser.post(&stop, &[("reason", "")]);
            assert_eq!((silent.status, silent.texts(".err").len()), (422, 1));
            assert_eq!(moved(&browser.post(&stop, &[("reason", "Leak <1>")])), edit);
            let page = browser.get(&edit);
            let banner = page.texts("#stopped").join(" ");
            assert!(banner.starts_with(&format!("This {word} is stopped. Ada Lund")), "{banner}");
            assert!(banner.contains("Leak <1>"));
            assert!(page.texts("#stop").join(" ").contains("It is stopped."));
            assert_eq!(moved(&browser.post(&format!("{base}/let-on"), &[])), edit);
            let page = browser.get(&edit);
            assert_eq!(page.texts("#stopped").len(), 0);
            assert!(page.texts(".notice").is_empty() || said(&page).contains("1 request goes on"));
        }
        assert_eq!(office.setup.facts().iter().filter(|k| *k == "stopped").count(), 3);
    }
}

#[test]
fn forged_ids_are_not_found_and_who_may_only_look_changes_nothing() {
    for office in offices() {
        let db = office.house.site.db.clone();
        let other = office.setup.package("Other", &[]);
        let theirs = office.setup.policy(other, "Theirs", everyone());
        let auditor = member(&db, "Otto Audit");
        let stranger = member(&db, "Sue Strange");
        office.house.change(move |tx| {
            diesel::update(people::table.find(auditor))
                .set(people::auditor.eq(true))
                .execute(tx.db())?;
            Ok(())
        });
        let mut browser = office.browser();
        let mut looks = office.house.signed_in(auditor);
        let mut strange = office.house.signed_in(stranger);
        for page in ["edit", "versions", "delete", "move", "stop"] {
            let forged = format!("/packages/{}/policies/{theirs}/{page}", office.package);
            let unknown =
                office.at(page).replace(&office.policy.to_string(), &PolicyId::fresh().to_string());
            for path in [forged, unknown] {
                assert_eq!(browser.get(&path).status, 404, "{path}");
            }
            assert_eq!(looks.get(&office.at(page)).status, 403, "{page}");
            assert_eq!(strange.get(&office.at(page)).status, 403, "{page}");
        }
        for page in ["edit", "delete", "move", "stop", "let-on", "cancel-requests", "switch"] {
            let sent = [("reason", "x"), ("version", "1"), ("step", "save"), ("on", "no")];
            let forged = format!("/packages/{}/policies/{theirs}/{page}", office.package);
            assert_eq!(browser.post(&forged, &sent).status, 404, "{page}");
            assert_eq!(looks.post(&office.at(page), &sent).status, 403, "{page}");
            assert_eq!(strange.post(&office.at(page), &sent).status, 403, "{page}");
        }
        let left: i64 = db
            .read(|db| {
                let there = policies::table.filter(policies::deleted_at.is_null());
                Ok(there.filter(policies::enabled).count().get_result(db)?)
            })
            .expect("a count");
        assert_eq!(left, 2);
    }
}

#[test]
fn what_a_resource_asks_is_checked_kept_and_told() {
    for office in offices() {
        let db = office.house.site.db.clone();
        let role = office.setup.resource("Ledger", crate::kernel::Risk::Ordinary);
        let id = db.read(|db| crate::catalogs::store::resource_of(db, role)).expect("a resource");
        let mut browser = office.browser();
        let edit = format!("/catalogs/{}/resources/{id}/edit", office.setup.catalog);
        let page = browser.get(&edit);
        let wrong = [
            ("question1-text", "Cost center?"),
            ("question1-kind", "one"),
            ("question1-choices", "FI-1"),
        ];
        let refused = send(&mut browser, &edit, &page, &wrong);
        assert_eq!(refused.status, 422);
        assert_eq!(refused.texts(".err").len(), 1);
        assert_eq!(refused.texts("#question1-choices"), ["FI-1"]);
        let more = send(&mut browser, &edit, &page, &[("step", "more"), ("name", "L")]);
        assert_eq!((more.status, more.value("#name").as_deref()), (200, Some("L")));
        let right = [("question1-choices", "FI-1\n FI-2 "), ("question1-required", "yes")];
        moved(&send(&mut browser, &edit, &refused, &right));
        let asked = |db: &mut crate::db::Db| {
            let json = crate::catalogs::store::attributes(db, id)?;
            Ok(serde_json::from_str::<Vec<Question>>(&json)?)
        };
        let stored = db.read(asked).expect("questions");
        assert_eq!(stored[0].answer, Kind::One { choices: vec!["FI-1".into(), "FI-2".into()] });
        assert!(stored[0].required);
        let changed = || office.setup.facts().iter().filter(|k| *k == "resource_changed").count();
        let before = changed();
        let page = browser.get(&edit);
        moved(&send(&mut browser, &edit, &page, &[]));
        assert_eq!(changed(), before, "the same again is no change");
        moved(&send(&mut browser, &edit, &page, &[("question1-out", "yes")]));
        assert_eq!(db.read(asked).expect("questions"), []);
    }
}

#[test]
fn a_policy_that_lets_others_ask_is_written_in_the_browser() {
    for office in offices() {
        let db = office.house.site.db.clone();
        let desk = group(&db, "Service desk", &[office.setup.ada]);
        let mut browser = office.browser();
        let edit = office.at("edit");
        let page = browser.get(&edit);
        let mut form = fields(&page);
        form.retain(|(name, _)| name != "own" && name != "direct");
        form.retain(|(name, _)| name != "ask-groups");
        form.push(("ask-groups".into(), "service DESK".into()));
        form.push(("step".into(), "save".into()));
        let pairs: Vec<_> = form.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        moved(&browser.post(&edit, &pairs));
        let now = db.read(|db| store::policy(db, office.policy)).expect("it").terms;
        let groups = through(desk).groups.into_iter().map(|g| g.id).collect::<Vec<_>>();
        assert_eq!(now.asks.groups.iter().map(|g| g.id).collect::<Vec<_>>(), groups);
        assert_eq!(
            Asks { groups: vec![], ..now.asks },
            Asks { own: false, direct: false, ..Asks::default() }
        );
        let page = browser.get(&edit);
        assert!(page.texts("details[open] summary").iter().any(|s| s.contains("Others who may")));
    }
}
