//! Questions, drafts, somebody else, the basket: over a socket on both databases.

use diesel::prelude::*;

use super::model::State;
use super::store;
use crate::db::By;
use crate::db::schema::{packages, people, policies, request_drafts, requests, resources};
use crate::delegation::testing::{
    House as Setup, disable, everyone, group, guest, member, only, terms,
};
use crate::kernel::{BasketId, PackageId, PersonId, PolicyId, RequestId, ResourceId, Risk};
use crate::policies::model::{Asks, Named, Scope, Terms};
use crate::policies::questions::{Kind as Answers, Pattern, Question, ShownIf};
use crate::policies::stages::{Approvers, StageTerms};
use crate::requests::commands;
use crate::requests::model::Request;
use crate::requests::stops::Thing;
use crate::web::Route;
use crate::web::harness::{Answer, Browser, House, houses};

const TABLES: &[&[Route]] = &[
    crate::home::pages::ROUTES,
    crate::packages::browse::ROUTES,
    super::asking::ROUTES,
    super::pages::ROUTES,
    crate::assignments::pages::ROUTES,
    crate::directory::profile::pages::ROUTES,
];

/// Ben and Cleo report to Marta; Odd reports to nobody.
struct Office {
    house: House,
    setup: Setup,
    marta: PersonId,
    ben: PersonId,
    cleo: PersonId,
    odd: PersonId,
}

fn offices() -> Vec<Office> {
    houses(TABLES).into_iter().map(Office::open).collect()
}

fn named(id: PersonId) -> Named<PersonId> {
    Named { id, name: String::new() }
}

impl Office {
    fn open(house: House) -> Self {
        let db = house.site.db.clone();
        let setup = Setup::on(db.clone());
        let [marta, ben, cleo, odd] =
            ["Marta Lindqvist", "Ben Ito", "Cleo Park", "Odd Berg"].map(|name| member(&db, name));
        house.change(move |tx| {
            diesel::update(people::table.filter(people::id.eq_any([ben, cleo])))
                .set(people::manager_id.eq(marta))
                .execute(tx.db())?;
            Ok(())
        });
        Self { house, setup, marta, ben, cleo, odd }
    }

    /// A package with one policy.
    fn package(&self, name: &str, terms: &Terms) -> PackageId {
        let id = self.setup.package(name, &[]);
        self.setup.new_policy(PolicyId::fresh(), id, "Staff", terms).expect("a policy");
        id
    }

    /// Everyone may have it; Ada decides.
    fn decided(&self) -> Terms {
        let stage = StageTerms::simple(Approvers::people(vec![named(self.setup.ada)]), vec![], 5);
        Terms { stages: vec![stage], reason_required: true, ..terms(everyone()) }
    }

    fn made(&self) -> Vec<Request> {
        self.house
            .site
            .db
            .read(|db| {
                let ids: Vec<RequestId> =
                    requests::table.order(requests::id).select(requests::id).load(db)?;
                ids.into_iter().map(|id| store::one(db, id)).collect()
            })
            .expect("a read")
    }

    fn drafts(&self) -> i64 {
        let count = request_drafts::table.count();
        self.house.site.db.read(|db| Ok(count.get_result(db)?)).expect("a read")
    }

    fn stop(&self, thing: Thing, reason: &'static str) {
        let catalog = self.setup.catalog;
        self.house
            .site
            .db
            .write(By::Person(self.setup.ada), move |tx| {
                let permit = crate::access::policy::manage_catalog(tx.actor(), catalog)?;
                commands::stop(tx, &permit, thing, reason)
            })
            .expect("stopped");
    }
}

fn main(answer: &Answer) -> String {
    answer.texts("main").join(" ")
}

/// Sends the form of a page with what is typed, and its hidden fields that are not.
fn send(
    browser: &mut Browser<'_>,
    to: &str,
    from: &Answer,
    selector: &str,
    typed: &[(&str, &str)],
) -> Answer {
    let hidden = from.pairs(&format!("{selector} input[type=hidden]"));
    let mine = |name: &str| name != "csrf" && !typed.iter().any(|(n, _)| *n == name);
    let hidden: Vec<_> = hidden.into_iter().filter(|(name, _)| mine(name)).collect();
    let mut form: Vec<(&str, &str)> =
        hidden.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    form.extend(typed);
    browser.post(to, &form)
}

/// Fills in, checks and sends; the last answer.
fn ask(
    browser: &mut Browser<'_>,
    package: PackageId,
    query: &str,
    typed: &[(&str, &str)],
) -> Answer {
    let path = format!("/packages/{package}/request");
    let form = browser.get(&format!("{path}{query}"));
    assert_eq!(form.status, 200, "{}", main(&form));
    let on = send(browser, &format!("{path}{query}"), &form, "form.span", typed);
    assert_eq!(on.status, 303, "{}", main(&on));
    assert_eq!(on.location(), format!("{path}/check{query}"));
    let check = browser.get(on.location());
    assert_eq!(check.texts("button.btn-primary"), ["Send request"], "{}", main(&check));
    send(browser, &format!("{path}/check{query}"), &check, "form.row", &[])
}

fn question(key: &str, text: &str, answer: Answers, required: bool) -> Question {
    let (key, text) = (key.to_owned(), text.to_owned());
    Question { key, text, hint: String::new(), answer, required, shown_if: None }
}

fn choices(all: &[&str]) -> Vec<String> {
    all.iter().map(|&one| one.to_owned()).collect()
}

fn asked() -> Vec<Question> {
    let pattern = Pattern { regex: "([a-z]+)+-[0-9]+".into(), message: "Like abc-12".into() };
    let yes_no = Answers::One { choices: choices(&["Yes", "No"]) };
    let outside = question("outside", "Do you work from outside?", yes_no, true);
    let shown_if = Some(ShownIf { question: "outside".into(), any_of: vec!["Yes".into()] });
    let from = Question { shown_if, ..question("from", "From where?", Answers::Long, true) };
    let parts = Answers::Many { choices: choices(&["Payables", "Receivables", "Fixed assets"]) };
    vec![
        question("ticket", "Which ticket?", Answers::Short { pattern: Some(pattern) }, true),
        outside,
        from,
        question("parts", "Which parts?", parts, true),
        question("day", "Since when?", Answers::Date, false),
        question(
            "hours",
            "How many hours a week?",
            Answers::Number { min: Some(1), max: Some(40) },
            false,
        ),
    ]
}

#[test]
fn b02_every_question_is_a_field_and_nothing_typed_is_lost() {
    for office in offices() {
        let wanted = Terms { questions: asked(), ..office.decided() };
        let ledger = office.package("Ledger", &wanted);
        let mut ben = office.house.signed_in(office.ben);
        let path = format!("/packages/{ledger}/request");
        let form = ben.get(&path);
        let legends = form.texts("legend");
        assert_eq!(legends, ["Do you work from outside?", "Which parts?"]);
        assert_eq!(
            form.texts("#q-from-h"),
            ["Only if you answered “Yes” to “Do you work from outside?”."]
        );
        assert!(form.value("main input[checked]").is_none(), "C6: nothing is chosen for them");

        let long = "a".repeat(240);
        let wrong = [
            ("reason", "The close"),
            ("q-ticket", &*format!("{long}!")),
            ("q-outside", "Yes"),
            ("q-from", ""),
            ("q-parts", "Payables"),
            ("q-parts", "Fixed assets"),
            ("q-parts", "Forged"),
            ("q-day", "yesterday"),
            ("q-hours", "41"),
        ];
        let bad = send(&mut ben, &path, &form, "form.span", &wrong);
        assert_eq!(bad.status, 422);
        assert!(bad.texts("title")[0].starts_with("Error: "));
        assert_eq!(
            bad.texts("#errors li"),
            [
                "Like abc-12",
                "Answer “From where?”",
                "Choose from the answers to “Which parts?”",
                "Enter a date, such as 2027-06-30",
                "Enter a number from 1 to 40",
            ]
        );
        assert_eq!(bad.texts("#reason"), ["The close"]);
        assert_eq!(bad.value("#q-ticket").as_deref(), Some(&*format!("{long}!")));
        let on: Vec<_> = bad.pairs("main input[checked]").into_iter().map(|(_, v)| v).collect();
        assert_eq!(on, ["Yes", "Payables", "Fixed assets"]);
        assert_eq!(bad.value("#q-day").as_deref(), Some("yesterday"));
        assert_eq!(office.drafts(), 0, "what is wrong is not kept unasked");

        let right = [
            ("reason", "The close"),
            ("q-ticket", "abc-12"),
            ("q-outside", "No"),
            ("q-from", "smuggled in"),
            ("q-parts", "Payables"),
            ("q-parts", "Fixed assets"),
            ("q-hours", "12"),
        ];
        let on = send(&mut ben, &path, &bad, "form.span", &right);
        let check = ben.get(on.location());
        assert!(check.texts("dd").contains(&"Payables, Fixed assets".to_owned()));
        assert!(!main(&check).contains("smuggled"), "what no question shows is dropped");
        let sent = send(&mut ben, on.location(), &check, "form.row", &[]);
        assert_eq!(sent.status, 303, "{}", main(&sent));
        let made = &office.made()[0];
        let said: Vec<String> =
            made.answers.iter().map(|a| format!("{}={}", a.key, a.words())).collect();
        assert_eq!(
            said,
            ["ticket=abc-12", "outside=No", "parts=Payables, Fixed assets", "hours=12"]
        );
        assert_eq!(office.drafts(), 0, "what is sent is no draft any more");
    }
}

#[test]
fn what_two_resources_ask_under_one_key_is_answered_apart() {
    for office in offices() {
        let (setup, db) = (&office.setup, &office.house.site.db);
        let roles =
            [setup.resource("Ledger", Risk::Ordinary), setup.resource("Vault", Risk::Ordinary)];
        let package = setup.package("Close", &roles);
        let questions = vec![question("1", "Which ticket?", Answers::Long, false)];
        let wanted = Terms { questions, ..terms(everyone()) };
        setup.new_policy(PolicyId::fresh(), package, "Staff", &wanted).expect("a policy");
        let asked = vec![question("1", "Which account?", Answers::Short { pattern: None }, true)];
        let asked = serde_json::to_string(&asked).expect("text");
        office.house.change(move |tx| {
            diesel::update(resources::table)
                .set(resources::attributes.eq(&asked))
                .execute(tx.db())?;
            Ok(())
        });
        let ids: Vec<ResourceId> = db
            .read(|db| {
                Ok(resources::table.order(resources::name).select(resources::id).load(db)?)
            })
            .expect("a read");
        let fields: Vec<String> = ids.iter().map(|id| format!("q-{}-1", id.0.simple())).collect();
        let mut ben = office.house.signed_in(office.ben);
        let path = format!("/packages/{package}/request");
        let form = ben.get(&path);
        assert_eq!(form.texts("form h2")[..2], ["Asked for Ledger", "Asked for Vault"]);
        let bad = send(&mut ben, &path, &form, "form.span", &[("q-1", "T-1")]);
        assert_eq!((bad.status, bad.texts("#errors li").len()), (422, 2));
        let typed = [("q-1", "T-1"), (&*fields[0], "led-7"), (&*fields[1], "vau-8")];
        let sent = ask(&mut ben, package, "", &typed);
        assert_eq!(sent.status, 303);
        let said: Vec<_> = office.made()[0]
            .answers
            .iter()
            .map(|a| (a.resource.clone().unwrap_or_default(), a.words()))
            .collect();
        let pair = |resource: &str, words: &str| (resource.to_owned(), words.to_owned());
        assert_eq!(said, [pair("", "T-1"), pair("Ledger", "led-7"), pair("Vault", "vau-8")]);
    }
}

#[test]
fn b05_a_form_is_kept_for_later_and_deleted() {
    for office in offices() {
        let ledger = office.package("Ledger", &office.decided());
        let mut ben = office.house.signed_in(office.ben);
        let path = format!("/packages/{ledger}/request");
        let form = ben.get(&path);
        let typed = [("reason", "Half a thou"), ("step", "later")];
        let kept = send(&mut ben, &path, &form, "form.span", &typed);
        assert_eq!(kept.location(), "/requests");
        let list = ben.get("/requests");
        assert!(list.texts("[role=status]")[0].starts_with("Kept for later."));
        assert!(main(&list).contains("Not sent yet") && main(&list).contains("Ledger"));
        let form = ben.get(&path);
        assert_eq!(form.texts("#reason"), ["Half a thou"]);
        assert!(office.made().is_empty());
        // Nobody else sees it.
        let mut cleo = office.house.signed_in(office.cleo);
        assert_eq!(cleo.get(&path).texts("#reason"), [""]);
        assert!(!main(&cleo.get("/requests")).contains("Not sent yet"));
        cleo.post(&format!("{path}/forget?for={}", office.ben), &[]);
        assert_eq!(office.drafts(), 1, "nobody else deletes it");
        let gone = ben.post(&format!("{path}/forget"), &[]);
        assert_eq!((gone.location(), office.drafts()), ("/requests", 0));
        assert_eq!(ben.get(&format!("{path}/check")).location(), path, "nothing to check");
    }
}

#[test]
fn d46_a_manager_asks_for_a_report_who_can_refuse() {
    for office in offices() {
        let asks = Asks { own: false, manager: true, ..Asks::default() };
        let ledger = office.package("Ledger", &Terms { asks, ..office.decided() });
        let mut marta = office.house.signed_in(office.marta);
        let page = marta.get(&format!("/packages/{ledger}/request/for"));
        assert_eq!(page.texts(".lines a"), ["Ben Ito", "Cleo Park"]);
        let query = format!("?for={}", office.ben);
        let found = marta.get(&format!("/packages{query}"));
        assert_eq!(found.texts("h1"), ["Find access for Ben Ito"]);
        assert!(main(&found).contains("You can request it for Ben Ito"), "{}", main(&found));
        assert!(main(&marta.get(&format!("/packages/{ledger}"))).contains("for somebody else"));
        let mut nobody = office.house.signed_in(office.odd);
        let page = nobody.get(&format!("/packages/{ledger}"));
        assert!(!main(&page).contains("for somebody else"), "nobody reports to Odd");
        let person = marta.get(&format!("/people/{}", office.ben));
        assert!(main(&person).contains("Request access for Ben Ito"));
        let package = marta.get(&format!("/packages/{ledger}{query}"));
        assert_eq!(package.texts("h1"), ["Ledger, for Ben Ito"]);
        assert_eq!(package.texts("a.btn-primary"), ["Request access for Ben Ito"]);

        let sent = ask(&mut marta, ledger, &query, &[("reason", "He closes the books")]);
        assert_eq!(sent.status, 303, "{}", main(&sent));
        let made = &office.made()[0];
        assert_eq!((made.requestor_id, made.target_id), (office.marta, office.ben));
        let again = marta.get(&format!("/packages/{ledger}{query}"));
        assert!(main(&again).contains("Pending with Ada Lund"), "{}", main(&again));
        let form = marta.get(&format!("/packages/{ledger}/request{query}"));
        assert_eq!(form.location(), format!("/packages/{ledger}{query}"));

        // Ben cannot ask himself, and is told who can.
        let mut ben = office.house.signed_in(office.ben);
        let request = format!("/requests/{}", made.id);
        let page = ben.get(&request);
        assert!(main(&page).contains("Marta Lindqvist requested this for you."), "{}", main(&page));
        assert!(page.texts("main .btn").contains(&"Refuse…".to_owned()));
        let confirm = ben.get(&format!("{request}/refuse"));
        assert_eq!(confirm.texts("button.btn-danger"), ["Refuse it"]);
        // Nobody else refuses it.
        for other in [office.marta, office.odd, office.setup.ada] {
            let mut other = office.house.signed_in(other);
            assert_eq!(other.get(&format!("{request}/refuse")).status, 404);
            assert_eq!(other.post(&format!("{request}/refuse"), &[]).status, 404);
        }
        for _ in 0..2 {
            let refused = ben.post(&format!("{request}/refuse"), &[]);
            assert_eq!((refused.status, refused.location()), (303, &*request));
        }
        assert_eq!(office.made()[0].state, State::Canceled);
        let facts = office.setup.facts();
        assert_eq!(facts.iter().filter(|kind| *kind == "request_refused").count(), 1, "{facts:?}");
        assert_eq!(ben.get(&format!("{request}/refuse")).status, 409);
    }
}

#[test]
fn d46_a_manager_is_led_to_no_report_whom_no_policy_is_for() {
    for office in offices() {
        let db = &office.house.site.db;
        let guest = guest(db, "Gita Rao", "gita@partner.example");
        let marta = office.marta;
        office.house.change(move |tx| {
            diesel::update(people::table.find(guest))
                .set(people::manager_id.eq(marta))
                .execute(tx.db())?;
            Ok(())
        });
        let crew = group(db, "Crew", &[guest]);
        let asks = Asks { manager: true, ..Asks::default() };
        let only_ben = Terms { asks: asks.clone(), ..terms(only(&[office.ben])) };
        let some = office.package("Ledger", &Terms { asks: asks.clone(), ..terms(everyone()) });
        let ben = office.package("Vault", &only_ben);
        let groups = vec![Named { id: crew, name: String::new() }];
        let scope = Scope { groups, ..Scope::default() };
        let crews = office.package("Yard", &Terms { asks: asks.clone(), ..terms(scope) });
        let nobody = office.package("Attic", &Terms { asks, ..terms(only(&[office.odd])) });
        let mut marta = office.house.signed_in(office.marta);
        for (package, led_to) in [
            (some, vec!["Ben Ito", "Cleo Park"]),
            (ben, vec!["Ben Ito"]),
            (crews, vec!["Gita Rao"]),
        ] {
            let page = marta.get(&format!("/packages/{package}/request/for"));
            assert_eq!(page.texts(".lines a"), led_to);
            for link in page.attrs(".lines a", "href") {
                assert_eq!(marta.get(&link).status, 200, "{link}");
            }
        }
        // With nobody to be led to, there is no way there either.
        assert_eq!(marta.get(&format!("/packages/{nobody}/request/for")).status, 404);
    }
}

#[test]
fn d46_the_package_says_how_the_other_stands_to_it() {
    for office in offices() {
        let asks = Asks { manager: true, ..Asks::default() };
        let open = Terms { asks, ..terms(everyone()) };
        let wiki = office.package("Wiki", &open);
        let vault = office.package("Vault", &Terms { asks: Asks::default(), ..open.clone() });
        let mut ben = office.house.signed_in(office.ben);
        assert_eq!(ask(&mut ben, wiki, "", &[]).status, 303);
        let mut marta = office.house.signed_in(office.marta);
        let page = marta.get(&format!("/packages/{wiki}?for={}", office.ben));
        assert!(main(&page).contains("Ben Ito has it until"), "{}", main(&page));
        assert!(page.texts("a.btn-primary").is_empty());
        let page = marta.get(&format!("/packages/{wiki}/request/for"));
        assert!(main(&page).contains("Has it until"), "{}", main(&page));
        // A rule that says no is a page, with ways on.
        let page = marta.get(&format!("/packages/{vault}?for={}", office.cleo));
        assert_eq!(page.texts("h1"), ["Vault cannot be requested for Cleo Park"]);
        assert!(main(&page).contains("does not let you request it for Cleo Park"));
        assert!(main(&page).contains("Ask Ada Lund."));
    }
}

#[test]
fn d46_whoever_a_policy_names_asks_for_others_and_learns_nothing_more() {
    for office in offices() {
        let asks = Asks { people: vec![named(office.odd)], ..Asks::default() };
        let wanted = Terms { asks, ..terms(only(&[office.ben])) };
        let ledger = office.package("Ledger", &wanted);
        let mut odd = office.house.signed_in(office.odd);
        let path = format!("/packages/{ledger}/request/for");
        let page = odd.get(&path);
        assert_eq!(page.status, 200);
        assert!(page.texts(".lines a").is_empty(), "nobody reports to Odd");
        let found = odd.get(&format!("{path}?step=who&who=Ben+Ito"));
        let query = format!("?for={}", office.ben);
        assert_eq!(found.location(), format!("/packages/{ledger}{query}"));
        let id = office.ben.to_string();
        assert_eq!(odd.get(&format!("{path}?step=who&who={id}")).status, 303, "by id");
        // Somebody out of scope, somebody who left and nobody at all: the same words.
        disable(&office.house.site.db, office.cleo);
        let mut said = Vec::new();
        for who in ["Marta Lindqvist", "Cleo Park", "Nobody Here", "ben ito", ""] {
            let who: String = who.replace(' ', "+");
            let page = odd.get(&format!("{path}?step=who&who={who}"));
            assert_eq!(page.status, 422);
            said.push(page.texts("#errors li").join(""));
        }
        assert!(
            said[..4].iter().all(|s| s == "No such person among those for whom you can request")
        );
        assert_eq!(
            odd.get(&format!("{path}?step=who&who=Marta+Lindqvist")).value("#who").as_deref(),
            Some("Marta Lindqvist")
        );
        assert_eq!(ask(&mut odd, ledger, &query, &[]).status, 303);
        // A forged id is nobody, wherever it is written.
        let mut cleo = office.house.signed_in(office.marta);
        for who in [office.odd.to_string(), PersonId::fresh().to_string(), "x".into()] {
            for tail in ["", "/request", "/request/check"] {
                let path = format!("/packages/{ledger}{tail}?for={who}");
                assert_eq!(cleo.get(&path).status, 404, "{path}");
            }
            assert_eq!(cleo.get(&format!("/packages?for={who}")).status, 404);
            let path = format!("/packages/{ledger}/request?for={who}");
            assert_eq!(cleo.post(&path, &[("reason", "r")]).status, 404);
            let path = format!("/packages/{ledger}/request/basket?for={who}");
            assert_eq!(cleo.post(&path, &[]).status, 404);
            let path = format!("/packages/{ledger}/request/check?for={who}");
            assert_eq!(cleo.post(&path, &[("reason", "r")]).status, 404);
        }
        assert_eq!(office.made().len(), 1);
    }
}

#[test]
fn d12_ask_again_brings_the_old_answers_and_leaves_days_that_are_over() {
    for office in offices() {
        let wanted = Terms { questions: asked(), period_chosen: true, ..office.decided() };
        let ledger = office.package("Ledger", &wanted);
        let mut ben = office.house.signed_in(office.ben);
        let typed = [
            ("reason", "Month end"),
            ("q-ticket", "abc-1"),
            ("q-outside", "No"),
            ("q-parts", "Payables"),
            ("starts", "2026-03-05"),
            ("ends", "2026-04-20"),
        ];
        let sent = ask(&mut ben, ledger, "", &typed);
        assert_eq!(sent.status, 303, "{}", main(&sent));
        let first = office.made()[0].id;
        ben.post(&format!("/requests/{first}/cancel"), &[]);
        office.house.clock.advance(10 * 86_400);
        let mut ben = office.house.signed_in(office.ben);
        let again = format!("/packages/{ledger}/request?again={first}");
        let form = ben.get(&again);
        assert_eq!(form.texts("#reason"), ["Month end"]);
        assert_eq!(form.value("#q-ticket").as_deref(), Some("abc-1"));
        let on: Vec<_> = form.pairs("main input[checked]").into_iter().map(|(_, v)| v).collect();
        assert_eq!(on, ["No", "Payables"]);
        assert_eq!(form.value("#starts").as_deref(), Some(""), "that day is over");
        assert_eq!(form.value("#ends").as_deref(), Some("2026-04-20"));
        // Somebody else's request is not repeated.
        let mut cleo = office.house.signed_in(office.cleo);
        let form = cleo.get(&again);
        assert_eq!(form.texts("#reason"), [""]);
        assert_eq!(form.value("input[name=again]"), None);
    }
}

#[test]
fn the_basket_sends_what_can_be_sent_and_leaves_the_rest() {
    for office in offices() {
        let open = terms(everyone());
        let wiki = office.package("Wiki", &open);
        let news = office.package("News", &open);
        let ledger = office.package("Ledger", &office.decided());
        let form = Terms { questions: asked(), ..office.decided() };
        let vault = office.package("Vault", &form);
        let tie = office.package("Tie", &open);
        office.setup.policy(tie, "Another", everyone());
        let mut ben = office.house.signed_in(office.ben);
        assert!(main(&ben.get("/basket")).contains("Why it is empty"));
        for package in [wiki, news, ledger, vault, tie] {
            let page = ben.get(&format!("/packages/{package}"));
            assert_eq!(page.texts("main form button")[0], "Add to basket");
            let put = ben.post(&format!("/packages/{package}/request/basket"), &[]);
            assert_eq!((put.status, put.location()), (303, "/basket"), "{}", main(&put));
        }
        // One of them is held meanwhile.
        assert_eq!(ask(&mut ben, news, "", &[]).status, 303);
        ben.post(&format!("/packages/{news}/request/basket"), &[]);
        let put = ben.get("/basket");
        assert_eq!(office.drafts(), 4, "what was sent is out of the basket: {}", main(&put));
        assert_eq!(
            put.texts(".entry h2"),
            ["Something is missing", "Ready to send", "One reason for all"]
        );
        assert_eq!(put.texts("button.btn-primary"), ["Send two requests"]);
        assert!(
            main(&put).contains("Answer “Which ticket?”")
                && main(&put).contains("Choose the policy")
        );
        let none =
            send(&mut ben, "/basket", &put, "form.entry form, section form", &[("reason", "")]);
        assert_eq!(none.status, 422, "{}", main(&none));
        assert_eq!(none.texts("#errors li"), ["Ledger: Say what you will use it for"]);
        assert_eq!(office.made().len(), 1, "nothing is sent in part");

        let key = put.value("input[name=key]").expect("a key");
        let typed = [("reason", "The close of the month")];
        let sent = send(&mut ben, "/basket", &put, "section form", &typed);
        assert_eq!(
            (sent.status, sent.location()),
            (303, &*format!("/basket/{key}")),
            "{}",
            main(&sent)
        );
        let twice = send(&mut ben, "/basket", &put, "section form", &typed);
        assert_eq!(twice.location(), sent.location(), "C4");
        let made = office.made();
        assert_eq!(made.len(), 3);
        let basket = BasketId::parse(&key);
        let together: Vec<_> = made.iter().filter(|r| r.basket_id == basket).collect();
        assert_eq!(together.len(), 2);
        let ledger_request = together.iter().find(|r| r.package_id == ledger).expect("the ledger");
        assert_eq!(ledger_request.reason, "The close of the month");
        let page = ben.get(sent.location());
        assert_eq!(page.texts("h1"), ["You sent two requests"]);
        for request in together {
            assert!(main(&page).contains(&request.reference));
        }
        let mut cleo = office.house.signed_in(office.cleo);
        assert_eq!(cleo.get(sent.location()).status, 404, "somebody else's");
        assert_eq!(office.drafts(), 2, "the rest stays in the basket");
        let out = ben.post(&format!("/packages/{tie}/request/basket"), &[("out", "yes")]);
        assert_eq!((out.location(), office.drafts()), ("/basket", 1), "an empty form goes");
    }
}

#[test]
fn a_basket_is_sent_whole_or_not_at_all() {
    for office in offices() {
        let open = terms(everyone());
        let wiki = office.package("Wiki", &open);
        let news = office.package("News", &open);
        let mut ben = office.house.signed_in(office.ben);
        for package in [wiki, news] {
            ben.post(&format!("/packages/{package}/request/basket"), &[]);
        }
        let put = ben.get("/basket");
        office.stop(Thing::Package(news), "A leak is looked into");
        let sent = send(&mut ben, "/basket", &put, "section form", &[("reason", "Keep me")]);
        assert_eq!(sent.status, 422);
        assert!(
            sent.texts("#errors li")[0].starts_with("News: News cannot be requested at the moment")
        );
        assert_eq!(sent.texts("#reason"), ["Keep me"]);
        assert!(main(&sent).contains("Not requested"));
        assert!(office.made().is_empty(), "all or nothing");
        // What has changed since the page was drawn is read again first.
        ben.post(&format!("/packages/{wiki}/request/basket"), &[("out", "yes")]);
        let stale = send(&mut ben, "/basket", &put, "section form", &[("reason", "")]);
        assert_eq!(stale.status, 422);
        assert!(office.made().is_empty());
        // Forged items are nobody's.
        let forged = [("item", "x"), ("item", "1 2 3 4"), ("reason", "r")];
        let none = ben.post("/basket", &forged);
        assert_eq!(none.status, 422);
        let evil = format!("{} {} 1 0", PackageId::fresh(), PolicyId::fresh());
        assert_eq!(ben.post("/basket", &[("item", &*evil), ("reason", "r")]).status, 422);
        assert_eq!(ben.get(&format!("/basket?for={}", office.odd)).location(), "/basket");
        assert!(office.made().is_empty());
    }
}

#[test]
fn the_basket_of_a_report_is_sent_for_the_report() {
    for office in offices() {
        let asks = Asks { manager: true, ..Asks::default() };
        let open = Terms { asks, ..terms(everyone()) };
        let all = [office.package("Wiki", &open), office.package("News", &open)];
        let mut marta = office.house.signed_in(office.marta);
        let query = format!("?for={}", office.ben);
        for package in all {
            let put = marta.post(&format!("/packages/{package}/request/basket{query}"), &[]);
            assert_eq!(put.location(), format!("/basket{query}"));
        }
        let own = marta.get("/basket");
        assert!(main(&own).contains("Basket for Ben Ito"), "{}", main(&own));
        let put = marta.get(&format!("/basket{query}"));
        assert_eq!(put.texts("h1"), ["Basket for Ben Ito"]);
        let sent =
            send(&mut marta, &format!("/basket{query}"), &put, "section form", &[("reason", "")]);
        assert_eq!(sent.status, 303, "{}", main(&sent));
        assert!(
            office
                .made()
                .iter()
                .all(|r| r.target_id == office.ben && r.requestor_id == office.marta)
        );
        assert_eq!(marta.get(sent.location()).texts("h1"), ["You sent two requests for Ben Ito"]);
    }
}

#[test]
fn d47_what_is_stopped_says_by_whom_and_why() {
    for office in offices() {
        let ledger = office.package("Ledger", &office.decided());
        office.stop(Thing::Package(ledger), "A leak is looked into");
        let mut ben = office.house.signed_in(office.ben);
        let page = ben.get(&format!("/packages/{ledger}"));
        assert_eq!(
            (page.status, page.texts("h1")),
            (200, vec!["You cannot request Ledger".to_owned()])
        );
        assert!(main(&page).contains("Ada Lund stopped this access package on"), "{}", main(&page));
        assert!(main(&page).contains("“A leak is looked into”"));
        assert!(page.texts("#errors").is_empty(), "no validation error");
        assert_eq!(
            ben.get(&format!("/packages/{ledger}/request")).location(),
            format!("/packages/{ledger}")
        );
    }
}

#[test]
fn b08_who_is_in_scope_but_may_not_ask_is_sent_to_the_manager() {
    for office in offices() {
        let asks = Asks { own: false, manager: true, ..Asks::default() };
        let ledger = office.package("Ledger", &Terms { asks, ..office.decided() });
        let mut ben = office.house.signed_in(office.ben);
        let hit = ben.get("/packages?q=ledger");
        assert!(
            main(&hit).contains("You cannot request it"),
            "listed to those in scope: {}",
            main(&hit)
        );
        let page = ben.get(&format!("/packages/{ledger}"));
        assert_eq!(page.texts("h1"), ["You cannot request Ledger"]);
        assert!(main(&page).contains("Ask Marta Lindqvist, your manager"), "{}", main(&page));
    }
}

#[test]
fn d18_a_hidden_package_is_asked_for_by_its_link_for_a_report_too() {
    for office in offices() {
        let asks = Asks { manager: true, ..Asks::default() };
        let secret = office.package("Secret", &Terms { asks, ..terms(only(&[office.ben])) });
        office.house.change(move |tx| {
            let row = diesel::update(packages::table.find(secret));
            row.set(packages::hidden.eq(true)).execute(tx.db())?;
            Ok(())
        });
        let mut marta = office.house.signed_in(office.marta);
        let query = format!("?for={}", office.ben);
        assert!(!main(&marta.get(&format!("/packages{query}"))).contains("Secret"));
        assert_eq!(marta.get(&format!("/packages/{secret}")).status, 404, "not hers");
        assert_eq!(marta.get(&format!("/packages/{secret}{query}")).status, 200);
        assert_eq!(marta.get(&format!("/packages/{secret}?for={}", office.cleo)).status, 404);
        assert_eq!(ask(&mut marta, secret, &query, &[]).status, 303);
    }
}

#[test]
fn d17_the_policy_that_was_chosen_can_be_changed_and_a_forged_one_is_asked_again() {
    for office in offices() {
        let wiki = office.package("Wiki", &terms(everyone()));
        office.setup.policy(wiki, "Another", everyone());
        let elsewhere = office.package("News", &terms(everyone()));
        let foreign: PolicyId = office
            .house
            .site
            .db
            .read(|db| {
                let of = policies::table.filter(policies::package_id.eq(elsewhere));
                Ok(of.select(policies::id).first(db)?)
            })
            .expect("a read");
        let mut ben = office.house.signed_in(office.ben);
        let path = format!("/packages/{wiki}/request");
        let forged = foreign.to_string();
        assert_eq!(ben.get(&format!("{path}?step=policy&policy={forged}")).status, 422);
        let typed = [("policy", &*forged), ("reason", "Keep me whole")];
        let asked = ben.post(&path, &typed);
        assert_eq!(asked.status, 422, "{}", main(&asked));
        let policy = asked.value("input[type=radio]").expect("a policy");
        let form = ben.get(&format!("{path}?step=policy&policy={policy}"));
        assert_eq!(form.texts("#reason"), ["Keep me whole"], "nothing typed is lost");
        assert!(main(&form).contains("Choose another policy"));
        assert_eq!(ben.get(&format!("{path}?step=choose")).status, 200);
        assert!(office.made().is_empty());
    }
}

#[test]
fn c09_a_stale_policy_keeps_what_was_typed_at_every_step() {
    for office in offices() {
        let ledger = office.package("Ledger", &office.decided());
        let mut ben = office.house.signed_in(office.ben);
        let path = format!("/packages/{ledger}/request");
        let form = ben.get(&path);
        let on = send(&mut ben, &path, &form, "form.span", &[("reason", "Month end")]);
        let check = ben.get(on.location());
        office.house.change(move |tx| {
            let row = diesel::update(policies::table.filter(policies::package_id.eq(ledger)));
            row.set(policies::version.eq(policies::version + 1)).execute(tx.db())?;
            Ok(())
        });
        let sent = send(&mut ben, on.location(), &check, "form.row", &[]);
        assert_eq!(sent.status, 409);
        assert_eq!(sent.texts("#reason"), ["Month end"]);
        let again = send(&mut ben, &path, &form, "form.span", &[("reason", "Month end")]);
        assert_eq!((again.status, again.texts("#reason")), (409, vec!["Month end".to_owned()]));
        assert_eq!(ben.get(&format!("{path}/check")).texts("#reason"), ["Month end"]);
        assert!(office.made().is_empty());
    }
}

#[test]
fn hostile_forms_are_answered_and_nothing_is_stored() {
    for office in offices() {
        let wanted = Terms { questions: asked(), period_chosen: true, ..office.decided() };
        let ledger = office.package("Ledger", &wanted);
        let mut ben = office.house.signed_in(office.ben);
        let path = format!("/packages/{ledger}/request");
        let form = ben.get(&path);
        let big = "x".repeat(1024 * 1024);
        let huge = send(&mut ben, &path, &form, "form.span", &[("reason", &big)]);
        assert_eq!(huge.status, 413);
        let long = "x".repeat(100_000);
        let typed = [
            ("reason", &*long),
            ("q-ticket", &*long),
            ("q-outside", "No"),
            ("q-parts", "Payables"),
            ("starts", "2020-01-01"),
            ("ends", "2020-01-02"),
        ];
        let bad = send(&mut ben, &path, &form, "form.span", &typed);
        assert_eq!(bad.status, 422);
        assert_eq!(bad.texts("#errors li").len(), 4, "{:?}", bad.texts("#errors li"));
        assert_eq!(bad.texts("#reason")[0].len(), long.len());
        for step in ["", "/check"] {
            let to = format!("{path}{step}");
            let sent = send(&mut ben, &to, &form, "form.span", &[("reason", "")]);
            assert_eq!(sent.status, 422, "nothing answered");
        }
        let forged = [("key", "x"), ("policy", "y"), ("version", "z"), ("again", "w")];
        assert_eq!(send(&mut ben, &path, &form, "form.span", &forged).status, 422);
        assert_eq!((office.made().len(), office.drafts()), (0, 0));
        // Somebody else's key is not taken over.
        let wiki = office.package("Wiki", &terms(everyone()));
        assert_eq!(ask(&mut ben, wiki, "", &[]).status, 303);
        let key = office.made()[0].id.to_string();
        let mut cleo = office.house.signed_in(office.cleo);
        let taken = cleo.post(&format!("/packages/{wiki}/request/check"), &[("key", &*key)]);
        assert_eq!(taken.status, 404);
        assert_eq!(office.made().len(), 1);
    }
}

#[test]
fn e32_the_basket_takes_as_many_statements_for_one_package_as_for_many() {
    for office in offices() {
        let mut ben = office.house.signed_in(office.ben);
        let mut taken = Vec::new();
        for n in 0..8 {
            let package = office.package(&format!("Package {n}"), &terms(everyone()));
            ben.post(&format!("/packages/{package}/request/basket"), &[]);
            let before = office.house.site.db.statements_read();
            assert_eq!(ben.get("/basket").status, 200);
            taken.push(office.house.site.db.statements_read() - before);
        }
        assert_eq!(taken[0], taken[7], "{taken:?}");
        assert!(taken[0] <= 13, "{taken:?}");
    }
}
