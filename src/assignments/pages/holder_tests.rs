//! Extending, giving back, taking again and direct assignment, over a socket on both databases.

use diesel::prelude::*;

use crate::assignments::store;
use crate::db::By;
use crate::db::schema::{people, policies, requests, resources};
use crate::delegation::testing::{House as Setup, disable, everyone, member, terms};
use crate::kernel::{AssignmentId, PackageId, PersonId, PolicyId, RequestId, Risk};
use crate::policies::model::{Extension, Lifetime, Named, Terms};
use crate::policies::questions::{Kind, Question};
use crate::policies::stages::{Approvers, StageTerms};
use crate::requests::model::{RequestKind, State};
use crate::requests::store as asked;
use crate::web::Route;
use crate::web::harness::{Answer, Browser, House, houses};

const TABLES: &[&[Route]] = &[
    crate::home::pages::ROUTES,
    crate::packages::browse::ROUTES,
    crate::requests::asking::ROUTES,
    crate::requests::pages::ROUTES,
    super::ROUTES,
    crate::assignments::owner::ROUTES,
];

/// Asha, her manager Marta, and two packages that Asha can have.
struct Office {
    house: House,
    setup: Setup,
    asha: PersonId,
    /// No approval for access, Marta's for more time; its last day can be chosen.
    ledger: PackageId,
    policy: PolicyId,
    /// Neither approval nor more time.
    wiki: PackageId,
}

fn question(key: &str, text: &str) -> Question {
    Question {
        key: key.into(),
        text: text.into(),
        hint: String::new(),
        answer: Kind::Short { pattern: None },
        required: true,
        shown_if: None,
    }
}

impl Office {
    fn all() -> Vec<Self> {
        houses(TABLES).into_iter().map(Self::open).collect()
    }

    fn open(house: House) -> Self {
        let db = house.site.db.clone();
        let setup = Setup::on(db.clone());
        let [asha, marta] = ["Asha Rao", "Marta Lindqvist"].map(|name| member(&db, name));
        house.change(move |tx| {
            diesel::update(people::table.find(asha))
                .set(people::manager_id.eq(marta))
                .execute(tx.db())?;
            Ok(())
        });
        let role = setup.resource("Ledger", Risk::Ordinary);
        let ledger = setup.package("Month-end ledger", &[role]);
        let wiki = setup.package("Wiki", &[]);
        let open = Terms {
            extension: Some(Extension { approval: false, last_days: None }),
            period_chosen: true,
            ..terms(everyone())
        };
        let made = setup.new_policy(PolicyId::fresh(), ledger, "Staff", &open);
        setup.policy(wiki, "Everyone", everyone());
        Self { house, setup, asha, ledger, policy: made.expect("a policy"), wiki }
    }

    /// Changes the ledger's policy: the version stays, as if it had always said so.
    fn says(&self, terms: &Terms) {
        let (id, terms) = (self.policy, serde_json::to_string(terms).expect("terms"));
        self.house.change(move |tx| {
            diesel::update(policies::table.find(id))
                .set(policies::terms.eq(&terms))
                .execute(tx.db())?;
            Ok(())
        });
    }

    fn with_approval(&self) -> Terms {
        let fallback = vec![Named { id: self.setup.ada, name: "Ada Lund".into() }];
        Terms {
            stages: vec![StageTerms::simple(Approvers::Manager, fallback, 5)],
            extension: Some(Extension { approval: true, last_days: Some(14) }),
            period_chosen: true,
            reason_required: true,
            ..terms(everyone())
        }
    }

    fn give(&self, person: PersonId, package: PackageId) -> AssignmentId {
        let write = self.house.site.db.write(By::Person(person), move |tx| {
            use crate::access::policy::{AskStanding, request_access};
            use crate::requests::commands::{Submit, submit};
            let permit = request_access(tx.actor(), &AskStanding::own(person))?;
            submit(tx, &permit, &Submit::of(package))
        });
        let request = write.expect("a request");
        // Its systems have confirmed it.
        self.house.change(move |tx| {
            let made = store::of_request(tx.db(), request)?;
            made.map_or(Ok(()), |made| crate::requests::commands::delivered(tx, made.id))
        });
        let found = self.house.site.db.read(|db| store::of_request(db, request));
        found.expect("a read").expect("an assignment").id
    }

    fn made(&self, kind: RequestKind) -> Vec<RequestId> {
        let all = requests::table.filter(requests::kind.eq(kind.as_str()));
        self.house.site.db.read(|db| Ok(all.select(requests::id).load(db)?)).expect("a read")
    }

    fn state(&self, id: RequestId) -> State {
        self.house.site.db.read(|db| asked::one(db, id)).expect("a request").state
    }

    /// Days pass; sessions end with them.
    fn days(&self, days: i64) {
        self.house.clock.advance(days * 86_400);
    }
}

fn main(answer: &Answer) -> String {
    answer.texts("main").join(" ")
}

fn key(page: &Answer) -> String {
    page.value("input[name=key]").expect("a key")
}

#[test]
fn d11_access_without_approval_is_extended_at_once_and_only_once() {
    for office in Office::all() {
        let id = office.give(office.asha, office.ledger);
        office.days(60);
        let mut asha = office.house.signed_in(office.asha);
        let mine = asha.get("/access");
        assert!(mine.texts("a.btn").contains(&"Extend Month-end ledger".to_owned()));
        assert!(asha.get("/").texts("a.btn").contains(&"Extend Month-end ledger".to_owned()));
        let path = format!("/access/{id}/extend");
        let form = asha.get(&path);
        assert_eq!(form.texts("h1"), ["Extend Month-end ledger"]);
        assert!(main(&form).contains("No approval is needed"), "{}", main(&form));
        let key = key(&form);
        // What cannot be: a day that is no later, one too far, and one that is none; everything typed stays.
        for (day, words) in [
            ("2026-05-01", "Choose a last day after"),
            ("2029-01-01", "Choose a last day on or before"),
            ("soon", "Write the last day as year-month-day"),
        ] {
            let bad = asha.post(&path, &[("key", &key), ("reason", "Still here"), ("ends", day)]);
            assert_eq!(bad.status, 422, "{day}");
            assert!(bad.texts("#errors a")[0].starts_with(words), "{:?}", bad.texts("#errors a"));
            assert_eq!(bad.texts("#reason"), ["Still here"]);
            assert_eq!(bad.value("#ends").as_deref(), Some(day));
        }
        assert!(office.made(RequestKind::Extend).is_empty(), "nothing is stored");
        let typed = [("key", &*key), ("reason", "Still here"), ("ends", "")];
        let sent = asha.post(&path, &typed);
        assert_eq!(sent.status, 303, "{}", main(&sent));
        assert_eq!(asha.post(&path, &typed).location(), sent.location(), "sent twice, asked once");
        assert_eq!(office.made(RequestKind::Extend).len(), 1);
        let page = asha.get(sent.location());
        assert!(page.texts("[role=status]")[0].starts_with("Extended."));
        assert!(page.texts(".lede")[0].starts_with("Extended. You have it until"));
        assert!(page.texts(".record h3").iter().any(|h| h.starts_with("Extended until")));
        let list = asha.get("/requests");
        assert!(main(&list).contains("Extension."), "{}", main(&list));
        let file = asha.get("/requests?format=csv");
        assert!(file.body.contains(",Extension,Extended,"), "{}", file.body);
    }
}

#[test]
fn d11_why_access_cannot_be_extended_is_a_page() {
    for office in Office::all() {
        let ledger = office.give(office.asha, office.ledger);
        let wiki = office.give(office.asha, office.wiki);
        let mut asha = office.house.signed_in(office.asha);
        let no = asha.get(&format!("/access/{wiki}/extend"));
        assert_eq!((no.status, no.texts("h1")), (409, vec!["Wiki cannot be extended".to_owned()]));
        assert!(main(&no).contains("does not allow that"));
        assert!(!main(&asha.get("/access")).contains("Extend Wiki"));
        office.says(&office.with_approval());
        let early = asha.get(&format!("/access/{ledger}/extend"));
        assert_eq!(early.status, 409);
        assert!(main(&early).contains("You can ask for more time from"), "{}", main(&early));
        assert!(!main(&asha.get("/access")).contains("Extend Month-end"));
        let post = asha.post(&format!("/access/{ledger}/extend"), &[("reason", "Now!")]);
        assert_eq!((post.status, office.made(RequestKind::Extend).len()), (409, 0));
        // Somebody else's access is nobody's business.
        let stranger = member(&office.house.site.db, "Stran Ger");
        let mut stranger = office.house.signed_in(stranger);
        stranger.get("/access");
        for what in ["extend", "give-back"] {
            let path = format!("/access/{ledger}/{what}");
            assert_eq!(stranger.get(&path).status, 404);
            assert_eq!(stranger.post(&path, &[("reason", "x")]).status, 404);
        }
        assert_eq!(asha.get("/access/nothing/extend").status, 404);
        assert_eq!(asha.get(&format!("/access/{}/extend", AssignmentId::fresh())).status, 404);
    }
}

#[test]
fn d11_with_approval_the_extension_waits_and_access_stays() {
    for office in Office::all() {
        let id = office.give(office.asha, office.ledger);
        office.says(&office.with_approval());
        office.days(80);
        let mut asha = office.house.signed_in(office.asha);
        let path = format!("/access/{id}/extend");
        let form = asha.get(&path);
        assert!(main(&form).contains("Marta Lindqvist decides, as your manager, within 5 days."));
        let bare = asha.post(&path, &[("key", &key(&form)), ("reason", " "), ("ends", "")]);
        assert_eq!((bare.status, bare.texts("#errors a").len()), (422, 1));
        let sent = asha.post(&path, &[("key", &key(&form)), ("reason", "Audit"), ("ends", "")]);
        let page = asha.get(sent.location());
        let lede = &page.texts(".lede")[0];
        assert!(lede.starts_with("With Marta Lindqvist."), "{lede}");
        assert!(lede.contains("What you have stays until"), "{lede}");
        assert_eq!(office.state(office.made(RequestKind::Extend)[0]), State::PendingApproval);
        // Another one at once leads to the one that is open.
        let twice = asha.get(&path);
        assert_eq!(twice.status, 409);
        assert!(main(&twice).contains("is open already"));
    }
}

#[test]
fn d42_what_was_given_back_is_taken_again_with_its_end_and_without_approval() {
    for office in Office::all() {
        let id = office.give(office.asha, office.ledger);
        let end = |id| {
            let read = office.house.site.db.read(|db| store::one(db, id));
            read.expect("an assignment").assignment.ends_at
        };
        office.days(10);
        let mut asha = office.house.signed_in(office.asha);
        let path = format!("/access/{id}/give-back");
        let confirm = asha.get(&path);
        assert_eq!(confirm.texts("h1"), ["Give Month-end ledger back?"]);
        assert!(main(&confirm).contains("Ledger (Member)"));
        let long = asha.post(&path, &[("reason", &"x".repeat(5_000))]);
        assert_eq!(long.status, 422);
        assert!(office.made(RequestKind::GiveBack).is_empty());
        let given = asha.post(&path, &[("reason", "The close is over")]);
        assert_eq!((given.status, given.location()), (303, "/access"));
        assert_eq!(asha.post(&path, &[("reason", "again")]).status, 303, "given back once");
        assert_eq!(office.made(RequestKind::GiveBack).len(), 1);
        assert_eq!(asha.get(&path).location(), "/access");
        let mine = asha.get("/access");
        assert!(main(&mine).contains("Given back"));
        assert!(mine.texts("a.btn").contains(&"Take again Month-end ledger".to_owned()));

        office.days(5);
        let mut asha = office.house.signed_in(office.asha);
        let request = office.made(RequestKind::GiveBack)[0];
        let path = format!("/access/{request}/take-again");
        let page = asha.get(&path);
        assert_eq!(page.texts("h1"), ["Take Month-end ledger again?"]);
        let stranger = member(&office.house.site.db, "Stran Ger");
        let mut stranger = office.house.signed_in(stranger);
        stranger.get("/access");
        assert_eq!(stranger.get(&path).status, 404);
        assert_eq!(stranger.post(&path, &[("key", &key(&page))]).status, 404);
        assert_eq!(asha.post(&path, &[]).status, 404, "without a key it could be taken twice");
        let taken = asha.post(&path, &[("key", &key(&page))]);
        assert_eq!(taken.status, 303);
        assert_eq!(asha.post(&path, &[("key", &key(&page))]).location(), taken.location());
        assert_eq!(office.made(RequestKind::TakeAgain).len(), 1);
        let active = office.house.site.db.read(|db| store::active(db, office.asha, office.ledger));
        let active = active.expect("a read").expect("an assignment");
        assert_eq!(active.ends_at, end(id), "the original end");
        let story = asha.get(taken.location());
        assert!(story.texts(".record h3").contains(&"You took it again".to_owned()));
    }
}

#[test]
fn d42_why_it_has_to_be_requested_instead_is_said_and_holds() {
    for office in Office::all() {
        let id = office.give(office.asha, office.ledger);
        let mut asha = office.house.signed_in(office.asha);
        asha.get("/access");
        asha.post(&format!("/access/{id}/give-back"), &[("reason", "")]);
        let path = format!("/access/{}/take-again", office.made(RequestKind::GiveBack)[0]);
        let key = key(&asha.get(&path));
        let policy = office.policy;
        office.house.change(move |tx| {
            diesel::update(policies::table.find(policy))
                .set(policies::version.eq(2))
                .execute(tx.db())?;
            Ok(())
        });
        let page = asha.get(&path);
        assert_eq!(page.texts("h1"), ["Month-end ledger has to be requested again"]);
        assert!(main(&page).contains("Its policy has changed since."));
        assert_eq!(asha.post(&path, &[("key", &key)]).status, 409);
        assert!(office.made(RequestKind::TakeAgain).is_empty());
        office.days(31);
        let mut asha = office.house.signed_in(office.asha);
        assert!(main(&asha.get(&path)).contains("more than 30 days ago"));
        assert!(!main(&asha.get("/access")).contains("Take again"));
    }
}

fn assign(browser: &mut Browser<'_>, package: PackageId, form: &[(&str, &str)]) -> Answer {
    browser.post(&format!("/packages/{package}/assign"), form)
}

#[test]
fn d10_an_owner_assigns_directly_with_a_reason_after_a_check() {
    for office in Office::all() {
        let asks = Terms {
            questions: vec![question("ticket", "Which ticket?")],
            ..office.with_approval()
        };
        office.says(&asks);
        let attributes = serde_json::to_string(&[question("printer", "Which printer?")]);
        let attributes = attributes.expect("questions");
        office.house.change(move |tx| {
            diesel::update(resources::table)
                .set(resources::attributes.eq(&attributes))
                .execute(tx.db())?;
            Ok(())
        });
        let mut ada = office.house.signed_in(office.setup.ada);
        let path = format!("/packages/{}/assign", office.ledger);
        let list = ada.get(&format!("/packages/{}/assignments", office.ledger));
        assert!(list.texts("a.btn").contains(&"Assign to somebody".to_owned()));
        let who = ada.get(&path);
        assert_eq!(who.texts("h1"), ["Assign Month-end ledger to somebody"]);
        let key = key(&who);
        let policy = office.policy.to_string();
        for (person, words) in [
            ("", "Enter the exact name"),
            ("Asha", "Nobody here is called that"),
            ("%", "Nobody here is called that"),
        ] {
            let form = [("key", &*key), ("step", "who"), ("person", person), ("policy", &policy)];
            let bad = assign(&mut ada, office.ledger, &form);
            assert_eq!(bad.status, 422);
            assert!(bad.texts("#errors a")[0].starts_with(words), "{:?}", bad.texts("#errors a"));
            assert_eq!(bad.value("#person").as_deref(), Some(person));
        }
        let form = [("key", &*key), ("step", "who"), ("person", "Asha Rao"), ("policy", &policy)];
        let second = assign(&mut ada, office.ledger, &form);
        assert_eq!(second.texts("h1"), ["Assign Month-end ledger to Asha Rao"]);
        let target = second.value("input[name=target]").expect("a person");
        let base =
            [("key", &*key), ("person", "Asha Rao"), ("target", &*target), ("policy", &*policy)];
        let typed =
            [("step", "check"), ("reason", " "), ("q-ticket", "KH 7"), ("ends", "2020-01-01")];
        let bad = assign(&mut ada, office.ledger, &[&base[..], &typed].concat());
        assert_eq!(bad.status, 422);
        assert_eq!(bad.texts("#errors a").len(), 3, "{:?}", bad.texts("#errors a"));
        assert_eq!(bad.value("#q-ticket").as_deref(), Some("KH 7"), "what was typed stays");
        // What a resource asks has a name of its own.
        let printer = second.pairs("input[name$='-printer']")[0].0.clone();
        let right =
            [("reason", "New in the team"), ("q-ticket", "KH 7"), (&*printer, "P2"), ("ends", "")];
        let check =
            assign(&mut ada, office.ledger, &[&base[..], &right, &[("step", "check")]].concat());
        assert_eq!(check.texts("#errors a"), Vec::<String>::new());
        assert_eq!(check.texts("h1"), ["Check, then assign"]);
        for words in ["New in the team", "KH 7", "P2", "90 days after it starts", "Ledger"] {
            assert!(main(&check).contains(words), "{words}: {}", main(&check));
        }
        assert!(office.made(RequestKind::Assign).is_empty(), "nothing is assigned yet");
        let send = [&base[..], &right, &[("step", "send")]].concat();
        let sent = assign(&mut ada, office.ledger, &send);
        assert_eq!(sent.status, 303, "{}", main(&sent));
        assert_eq!(assign(&mut ada, office.ledger, &send).location(), sent.location());
        assert_eq!(office.made(RequestKind::Assign).len(), 1);
        let page = ada.get(sent.location());
        assert!(page.texts(".record h3").contains(&"You assigned it directly".to_owned()));
        let mut asha = office.house.signed_in(office.asha);
        let page = asha.get(sent.location());
        assert!(main(&page).contains("New in the team"), "the person reads why");
        assert!(main(&asha.get("/access")).contains("Month-end ledger"));
    }
}

#[test]
fn d10_every_other_rule_holds_and_only_those_who_look_after_the_catalog_may() {
    for office in Office::all() {
        let mut ada = office.house.signed_in(office.setup.ada);
        let path = format!("/packages/{}/assign", office.ledger);
        let key = RequestId::fresh().to_string();
        let policy = office.policy.to_string();
        ada.get(&path);
        let who = |ada: &mut Browser<'_>, person: &str| {
            let form = [("key", &*key), ("step", "who"), ("person", person), ("policy", &policy)];
            assign(ada, office.ledger, &form)
        };
        // Not to oneself, not to somebody who has it, not to somebody who left.
        let own = who(&mut ada, "Ada Lund");
        assert_eq!(
            (own.status, own.texts("h1")),
            (409, vec!["Nobody assigns access to themselves".to_owned()])
        );
        office.give(office.asha, office.ledger);
        let has = who(&mut ada, "Asha Rao");
        assert_eq!(has.status, 409);
        assert!(main(&has).contains("Asha Rao already has Month-end ledger"));
        let gone = member(&office.house.site.db, "Gone Girl");
        disable(&office.house.site.db, gone);
        assert_eq!(who(&mut ada, "Gone Girl").status, 422);
        // Forged: a policy of another package, a person who is none, a period beyond the policy's.
        let other = member(&office.house.site.db, "Ben Boss").to_string();
        let nobody = PersonId::fresh().to_string();
        let send = |target: &str, policy: &str, more: &[(&str, &str)]| {
            let key = RequestId::fresh().to_string();
            let form = [("key", &*key), ("step", "send"), ("target", target), ("policy", policy)];
            [&form[..], more]
                .concat()
                .iter()
                .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()))
                .collect::<Vec<_>>()
        };
        let mut post = |form: Vec<(String, String)>| {
            let form: Vec<(&str, &str)> = form.iter().map(|(n, v)| (&**n, &**v)).collect();
            assign(&mut ada, office.ledger, &form).status
        };
        let wiki =
            office.house.site.db.read(|db| crate::policies::store::of_package(db, office.wiki));
        let wiki = wiki.expect("policies")[0].id.to_string();
        assert_eq!(post(send(&other, &wiki, &[("reason", "x")])), 404);
        assert_eq!(post(send(&other, &PolicyId::fresh().to_string(), &[("reason", "x")])), 404);
        assert_eq!(post(send(&nobody, &policy, &[("reason", "x")])), 404);
        assert_eq!(post(send(&other, &policy, &[("reason", "x"), ("ends", "2031-01-01")])), 422);
        assert_eq!(post(send(&other, &policy, &[("reason", "")])), 422);
        assert_eq!(post(send(&other, "nonsense", &[("reason", "x")])), 404);
        assert!(office.made(RequestKind::Assign).is_empty(), "nothing is stored");
        // Who looks after nothing may not, and learns nothing of it; an auditor reads only.
        let mut asha = office.house.signed_in(office.asha);
        asha.get("/access");
        assert_eq!(asha.get(&path).status, 403);
        assert_eq!(assign(&mut asha, office.ledger, &[("step", "who")]).status, 403);
        let asha_id = office.asha;
        office.house.change(move |tx| {
            diesel::update(people::table.find(asha_id))
                .set(people::auditor.eq(true))
                .execute(tx.db())?;
            Ok(())
        });
        let mut auditor = office.house.signed_in(office.asha);
        auditor.get("/access");
        assert_eq!(auditor.get(&path).status, 403);
        assert_eq!(assign(&mut auditor, office.ledger, &[("step", "who")]).status, 403);
        // Without a policy that allows it, a page says so.
        let closed = Terms {
            asks: crate::policies::model::Asks { direct: false, ..Default::default() },
            lifetime: Lifetime::Never,
            ..terms(everyone())
        };
        office.says(&closed);
        let no = ada.get(&path);
        assert_eq!(
            (no.status, no.texts("h1")),
            (409, vec!["Month-end ledger cannot be assigned directly".to_owned()])
        );
    }
}
