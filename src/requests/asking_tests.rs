//! The pages of the person who asks, over a socket on both databases.

use diesel::prelude::*;

use super::store;
use crate::db::schema::{catalogs, packages, people, requests};
use crate::delegation::testing::{House as Setup, everyone, member, only, somebody, terms};
use crate::kernel::{Kind, PackageId, PersonId, PolicyId, RequestId, Risk};
use crate::policies::model::{Named, Terms};
use crate::policies::stages::{Approvers, StageTerms};
use crate::web::Route;
use crate::web::harness::{Answer, Browser, House, houses};

const TABLES: &[&[Route]] = &[
    crate::home::pages::ROUTES,
    crate::packages::browse::ROUTES,
    super::asking::ROUTES,
    super::pages::ROUTES,
    crate::assignments::pages::ROUTES,
];

/// Asha, her manager Marta, and what Asha can request.
struct Office {
    house: House,
    setup: Setup,
    asha: PersonId,
    marta: PersonId,
    /// Decided by Marta, with a reason, for a period of the requestor's choice.
    ledger: PackageId,
    /// Without approval or reason.
    wiki: PackageId,
}

fn offices() -> Vec<Office> {
    houses(TABLES).into_iter().map(Office::open).collect()
}

impl Office {
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
        let role = setup.resource("Ledger", Risk::High);
        let ledger = setup.package("Month-end ledger", &[role]);
        let wiki = setup.package("Wiki", &[]);
        let fallback = vec![Named { id: setup.ada, name: "Ada Lund".into() }];
        let stages = vec![StageTerms::simple(Approvers::Manager, fallback, 5)];
        let careful =
            Terms { stages, reason_required: true, period_chosen: true, ..terms(everyone()) };
        setup.new_policy(PolicyId::fresh(), ledger, "Staff", &careful).expect("a policy");
        setup.policy(wiki, "Everyone", everyone());
        Self { house, setup, asha, marta, ledger, wiki }
    }

    fn made(&self) -> Vec<RequestId> {
        let all = requests::table.order(requests::id).select(requests::id);
        self.house.site.db.read(|db| Ok(all.load(db)?)).expect("a read")
    }

    /// How many statements a page takes beyond the session's two and the navigation's one.
    fn statements(&self, browser: &mut Browser<'_>, path: &str) -> u64 {
        let before = self.house.site.db.statements_read();
        assert_eq!(browser.get(path).status, 200, "{path}");
        self.house.site.db.statements_read() - before - 3
    }
}

fn main(answer: &Answer) -> String {
    answer.texts("main").join(" ")
}

/// Everything that a page's form carries along, without what is typed.
fn carried(from: &Answer, typed: &[(&str, &str)]) -> Vec<(String, String)> {
    let all = from.pairs("main input[type=hidden]");
    let mine = |name: &str| name != "csrf" && !typed.iter().any(|(n, _)| *n == name);
    all.into_iter().filter(|(name, _)| mine(name)).collect()
}

/// Sends a step of the form at this address with the hidden fields of the page before; a step that leads on is followed.
fn step_at(
    browser: &mut Browser<'_>,
    path: &str,
    from: &Answer,
    typed: &[(&str, &str)],
    step: &str,
) -> Answer {
    let hidden = carried(from, typed);
    let mut form: Vec<(&str, &str)> =
        hidden.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    form.extend(typed);
    form.push(("step", step));
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let check = if step == "send" { "/check" } else { "" };
    let answer = browser.post(&format!("{path}{check}?{query}"), &form);
    if step == "check" && answer.status == 303 {
        let to = answer.location().to_owned();
        return browser.get(&to);
    }
    answer
}

/// As [`step_at`], for oneself.
fn step(
    browser: &mut Browser<'_>,
    package: PackageId,
    from: &Answer,
    typed: &[(&str, &str)],
    step: &str,
) -> Answer {
    step_at(browser, &format!("/packages/{package}/request"), from, typed, step)
}

#[test]
fn c02_answers_are_checked_changed_and_sent_once() {
    for office in offices() {
        let mut asha = office.house.signed_in(office.asha);
        let package = asha.get(&format!("/packages/{}", office.ledger));
        assert_eq!(package.texts("a.btn-primary"), ["Request access"]);
        assert!(
            main(&package).contains("Marta Lindqvist decides, as your manager, within 5 days.")
        );

        let form = asha.get(&format!("/packages/{}/request", office.ledger));
        assert_eq!(form.texts("button.btn-primary"), ["Continue"]);
        assert!(main(&form).contains("Marta Lindqvist will read exactly this."));
        let wrong = [("reason", ""), ("starts", "2026-04-01"), ("ends", "2027-01-31")];
        let bad = step(&mut asha, office.ledger, &form, &wrong, "check");
        assert_eq!(bad.status, 422);
        assert!(bad.texts("title")[0].starts_with("Error: "));
        assert_eq!(
            bad.texts("#errors li"),
            ["Say what you will use it for", "Choose a last day on or before 29 June 2026"]
        );
        assert_eq!(bad.value("#starts").as_deref(), Some("2026-04-01"), "what is right stays");

        let typed = [("reason", "Accruals <b>"), ("starts", "2026-04-01"), ("ends", "2026-04-30")];
        let check = step(&mut asha, office.ledger, &bad, &typed, "check");
        assert_eq!(check.status, 200, "{}", main(&check));
        assert_eq!(check.texts("button.btn-primary"), ["Send request"]);
        assert!(check.texts("dd").contains(&"Accruals <b>".to_owned()));
        assert!(check.texts("dd").contains(&"Thursday 30 April 2026 (30 days)".to_owned()));
        let path = format!("/packages/{}/request", office.ledger);
        assert_eq!(asha.get(&format!("{path}/check")).status, 200, "loaded again");
        let edit = asha.get(&path);
        assert_eq!(edit.texts("#reason"), ["Accruals <b>"]);
        assert_eq!(edit.value("#ends").as_deref(), Some("2026-04-30"));
        assert!(office.made().is_empty(), "nothing is requested before it is sent");

        let sent = step(&mut asha, office.ledger, &check, &[], "send");
        assert_eq!(sent.status, 303, "{}", main(&sent));
        let again = step(&mut asha, office.ledger, &check, &[], "send");
        assert_eq!((again.status, again.location()), (303, sent.location()), "C4");
        assert_eq!(office.made().len(), 1);

        let page = asha.get(sent.location());
        let id = office.made()[0];
        let stored = office.house.site.db.read(|db| store::one(db, id)).expect("a read");
        let reference = stored.reference;
        let said = page.texts("[role=status]")[0].clone();
        assert!(
            said.starts_with(&format!("Request sent. Its reference is {reference}.")),
            "what is confirmed is what the request is called: {said}"
        );
        let page = asha.get(sent.location());
        assert!(page.texts("[role=status]").is_empty(), "a bookmark says where it stands now");
        assert_eq!(page.texts("h1"), ["Month-end ledger, for you"]);
        assert_eq!(page.texts(".record .now h3"), ["With Marta Lindqvist"]);
        assert!(main(&page).contains("“Accruals <b>”"));
        let hit = asha.get("/packages?q=ledger");
        assert_eq!(hit.texts(".mark"), ["Pending with Marta Lindqvist"]);
        let home = asha.get("/");
        assert_eq!(home.texts("h1"), ["You wait for one request"]);
        let second = asha.get(&format!("/packages/{}/request", office.ledger));
        assert_eq!(second.location(), format!("/packages/{}", office.ledger), "B8");
        let other = [("key", &*RequestId::fresh().to_string()), ("reason", "Keep me whole")];
        let refused = step(&mut asha, office.ledger, &check, &other, "check");
        assert_eq!(refused.status, 409);
        assert!(refused.texts("h1")[0].contains("is open already"));
        assert_eq!(refused.texts("#kept"), ["Keep me whole"], "C9");
    }
}

#[test]
fn a_package_without_approval_is_there_at_once() {
    for office in offices() {
        let mut asha = office.house.signed_in(office.asha);
        let form = asha.get(&format!("/packages/{}/request", office.wiki));
        assert!(main(&form).contains("No approval is needed."));
        assert!(form.value("#starts").is_none(), "no choice, no field");
        let check = step(&mut asha, office.wiki, &form, &[("reason", "")], "check");
        let sent = step(&mut asha, office.wiki, &check, &[], "send");
        let page = asha.get(sent.location());
        assert!(main(&page).contains("Delivered. You have it until"), "{}", main(&page));
        let access = asha.get("/access");
        assert_eq!(access.texts("h1"), ["You have one access package"]);
        assert!(main(&access).contains("Wiki"));
    }
}

#[test]
fn d12_it_can_be_canceled_and_requested_again() {
    for office in offices() {
        let mut asha = office.house.signed_in(office.asha);
        let form = asha.get(&format!("/packages/{}/request", office.ledger));
        let typed = [("reason", "Month end"), ("starts", ""), ("ends", "2026-04-30")];
        let sent = step(&mut asha, office.ledger, &form, &typed, "send");
        let first = office.made()[0];
        let page = asha.get(sent.location());
        let buttons = page.texts("main form button");
        assert_eq!(buttons, ["Remind the approvers", "Cancel request", "Comment"]);
        let canceled = asha.post(&format!("/requests/{first}/cancel"), &[]);
        assert_eq!(canceled.location(), format!("/requests/{first}"));
        let page = asha.get(canceled.location());
        assert!(page.texts("[role=status]")[0].starts_with("Request canceled."));
        assert_eq!(page.texts(".btn-primary"), ["Request again"]);
        assert!(!page.texts("main form button").contains(&"Cancel request".to_owned()));

        let again = format!("/packages/{}/request?again={first}", office.ledger);
        let form = asha.get(&again);
        assert_eq!(form.texts("#reason"), ["Month end"]);
        assert_eq!(form.value("#ends").as_deref(), Some("2026-04-30"));
        let sent = step(&mut asha, office.ledger, &form, &typed, "send");
        assert_eq!(sent.status, 303);
        let second = *office.made().last().expect("a request");
        let read = office.house.site.db.read(|db| store::one(db, second));
        assert_eq!(read.expect("a request").previous_id, Some(first));

        // Somebody else's request is neither shown nor linked.
        let mut marta = office.house.signed_in(office.marta);
        let form = marta.get(&again);
        assert_eq!(form.texts("#reason"), [""]);
        assert_eq!(form.value("input[name=again]"), None);
    }
}

#[test]
fn e28_a_request_is_hidden_from_those_whom_it_does_not_concern() {
    for office in offices() {
        let mut asha = office.house.signed_in(office.asha);
        let form = asha.get(&format!("/packages/{}/request", office.ledger));
        let typed = [("reason", "Month end"), ("starts", ""), ("ends", "")];
        step(&mut asha, office.ledger, &form, &typed, "send");
        let id = office.made()[0];
        let stranger = member(&office.house.site.db, "Stran Ger");
        let mut stranger = office.house.signed_in(stranger);
        assert_eq!(stranger.get(&format!("/requests/{id}")).status, 404);
        assert_eq!(stranger.post(&format!("/requests/{id}/cancel"), &[]).status, 404);
        assert_eq!(stranger.get("/requests/not-an-id").status, 404);
        let mut marta = office.house.signed_in(office.marta);
        let page = marta.get(&format!("/requests/{id}"));
        assert_eq!(page.texts("h1"), ["Month-end ledger, for Asha Rao"]);
        assert_eq!(page.texts(".record .now h3"), ["With you"]);
        let buttons = page.texts("main .btn");
        assert_eq!(buttons, ["Decide", "Comment"], "she decides, and does not cancel");
        assert_eq!(marta.post(&format!("/requests/{id}/cancel"), &[]).status, 403);
        assert_eq!(marta.get("/").texts("h1"), ["One decision waits for you"]);
    }
}

#[test]
fn b08_who_may_not_request_reads_why_and_whom_to_ask() {
    for office in offices() {
        let (db, setup) = (&office.house.site.db, &office.setup);
        let vault = setup.package("Vault", &[]);
        setup.policy(vault, "Marta only", only(&[office.marta]));
        let mut asha = office.house.signed_in(office.asha);
        let path = format!("/packages/{vault}");
        assert_eq!(asha.get(&path).status, 404, "E29: out of scope and not listed");
        assert_eq!(asha.get(&format!("{path}/request")).status, 404);
        office.house.change(move |tx| {
            let all = diesel::update(catalogs::table);
            all.set(catalogs::listed_for_everyone.eq(true)).execute(tx.db())?;
            Ok(())
        });
        let page = asha.get(&path);
        assert_eq!(page.texts("h1"), ["You cannot request Vault"]);
        assert!(main(&page).contains("You are not among the people and groups"));
        assert!(main(&page).contains("Ask Ada Lund."));
        assert_eq!(asha.get(&format!("{path}/request")).location(), path);
        let kwame = somebody(db, "Kwame Mensah", Kind::Guest, false);
        let mut kwame = office.house.signed_in(kwame);
        let page = kwame.get(&format!("/packages/{}", office.wiki));
        assert!(main(&page).contains("you are here as a guest"), "{}", main(&page));
    }
}

#[test]
fn d18_hidden_is_in_no_list_and_its_link_works_for_those_in_scope() {
    for office in offices() {
        let wiki = office.wiki;
        office.house.change(move |tx| {
            let row = diesel::update(packages::table.find(wiki));
            row.set(packages::hidden.eq(true)).execute(tx.db())?;
            Ok(())
        });
        let mut asha = office.house.signed_in(office.asha);
        let found = asha.get("/packages?q=wiki");
        assert!(main(&found).contains("Nothing found"));
        assert_eq!(asha.get(&format!("/packages/{wiki}")).texts("h1"), ["Wiki"]);
        let kwame = somebody(&office.house.site.db, "Kwame Mensah", Kind::Guest, false);
        let mut kwame = office.house.signed_in(kwame);
        assert_eq!(kwame.get(&format!("/packages/{wiki}")).status, 404);
    }
}

#[test]
fn d17_on_a_tie_the_requestor_chooses_the_policy() {
    for office in offices() {
        let short = Terms { reason_required: true, ..terms(everyone()) };
        let made = office.setup.new_policy(PolicyId::fresh(), office.wiki, "With a reason", &short);
        let second = made.expect("a policy");
        let mut asha = office.house.signed_in(office.asha);
        let path = format!("/packages/{}/request", office.wiki);
        let choice = asha.get(&path);
        assert_eq!(choice.texts("label bdi"), ["Everyone", "With a reason"]);
        assert!(choice.value("input[checked]").is_none(), "nothing is chosen for them");
        let none = asha.get(&format!("{path}?step=policy"));
        assert_eq!((none.status, none.texts("#errors a").len()), (422, 1));
        let form = asha.get(&format!("{path}?step=policy&policy={second}"));
        let bad = step(&mut asha, office.wiki, &form, &[("reason", "")], "check");
        assert_eq!(bad.status, 422, "the chosen policy asks for a reason");
        let sent = step(&mut asha, office.wiki, &form, &[("reason", "why")], "send");
        assert_eq!(sent.status, 303);
        let read = office.house.site.db.read(|db| store::one(db, office.made()[0]));
        assert_eq!(read.expect("a request").policy_id, second);
    }
}

#[test]
fn e08_a_policy_that_changed_meanwhile_is_read_again_and_nothing_is_lost() {
    for office in offices() {
        let mut asha = office.house.signed_in(office.asha);
        let form = asha.get(&format!("/packages/{}/request", office.ledger));
        let typed = [("version", "7"), ("reason", "Month end"), ("starts", ""), ("ends", "")];
        let page = step(&mut asha, office.ledger, &form, &typed, "send");
        assert!(page.texts("[role=status]")[0].starts_with("The policy has just changed."));
        assert_eq!(page.texts("#reason"), ["Month end"]);
        assert!(office.made().is_empty());
    }
}

#[test]
fn e32_pages_stand_on_a_fixed_number_of_statements() {
    for office in offices() {
        let mut asha = office.house.signed_in(office.asha);
        let mut send = |package: PackageId, typed: &[(&str, &str)]| {
            let form = asha.get(&format!("/packages/{package}/request"));
            let sent = step(&mut asha, package, &form, typed, "send");
            assert_eq!(sent.status, 303, "{}", main(&sent));
        };
        send(office.ledger, &[("reason", "Month end"), ("starts", ""), ("ends", "")]);
        send(office.wiki, &[("reason", "")]);
        let id = office.made()[0];
        let request = format!("/requests/{id}");
        let form = format!("/packages/{}/request", office.wiki);
        let mut marta = office.house.signed_in(office.marta);
        let lists = ["/packages", "/packages?q=a", "/requests", "/access"];
        let few: Vec<u64> = lists.iter().map(|p| office.statements(&mut asha, p)).collect();
        for n in 0..12 {
            let package = office.setup.package(&format!("Another {n}"), &[]);
            office.setup.policy(package, "Everyone", everyone());
            let form = asha.get(&format!("/packages/{package}/request"));
            step(&mut asha, package, &form, &[("reason", "")], "send");
        }
        let many: Vec<u64> = lists.iter().map(|p| office.statements(&mut asha, p)).collect();
        assert_eq!(few, many, "constant in the number of rows");
        assert!(many.iter().all(|n| *n <= 4), "{many:?}");
        for path in ["/", &request, &format!("/packages/{}", office.ledger)] {
            let taken = office.statements(&mut asha, path);
            // One more than E32's ten says what is incompatible (D19).
            assert!(taken <= 11, "{path}: {taken}");
        }
        let taken = office.statements(&mut marta, &form);
        assert!(taken <= 11, "{form}: {taken}");
    }
}

#[test]
fn k01_the_file_has_the_rows_of_the_list_and_no_formulas() {
    for office in offices() {
        let evil = office.setup.package("=1+1", &[]);
        office.setup.policy(evil, "Everyone", everyone());
        let mut asha = office.house.signed_in(office.asha);
        let form = asha.get(&format!("/packages/{evil}/request"));
        step(&mut asha, evil, &form, &[("reason", "@why")], "send");
        let file = asha.get("/requests?format=csv");
        assert_eq!(file.header("content-type"), "text/csv; charset=utf-8");
        let lines: Vec<&str> = file.body.lines().collect();
        assert_eq!(lines.len(), 2, "{}", file.body);
        assert!(lines[0].starts_with("Reference,Access package,"));
        assert!(lines[1].contains(",'=1+1,") && lines[1].ends_with(",'@why"), "{}", lines[1]);
        let file = asha.get("/packages?format=csv&q=ledger");
        assert_eq!(file.body.lines().count(), 2, "the same filter: {}", file.body);
        let file = asha.get("/access?format=csv");
        assert_eq!(file.body.lines().count(), 2);
    }
}

#[test]
fn d03_all_stages_at_once_find_the_deciders_that_each_one_finds() {
    for office in offices() {
        let (setup, db) = (&office.setup, &office.house.site.db);
        let gone = member(db, "Gone Already");
        crate::delegation::testing::disable(db, gone);
        let group = crate::delegation::testing::group(db, "Controllers", &[office.marta, gone]);
        let named = |id, name: &str| Named { id, name: name.to_owned() };
        let stage = |approvers, fallback| StageTerms::simple(approvers, fallback, 3);
        let people = |all| Approvers::people(all);
        let stages = [
            stage(Approvers::Manager, vec![named(office.marta, "Marta")]),
            stage(people(vec![named(gone, "Gone"), named(setup.ada, "Ada")]), vec![]),
            stage(Approvers::group(Named { id: group, name: "C".into() }), vec![]),
            stage(people(vec![named(gone, "Gone")]), vec![named(office.asha, "Asha")]),
        ];
        for target in [office.asha, office.marta] {
            db.read(|db| {
                let catalog = setup.catalog;
                let all = store::candidates_of(db, &stages, target, catalog)?;
                for (stage, found) in stages.iter().zip(&all) {
                    let one = store::candidates(db, stage, target, catalog)?;
                    let both =
                        [found, &one].map(|c| super::rules::deciders(c, &[target], stage.votes));
                    assert_eq!(both[0], both[1], "{stage:?}");
                }
                Ok(())
            })
            .expect("a read");
        }
    }
}
