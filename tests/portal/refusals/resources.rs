//! A review of a group: chosen at its resource, refused by its fields and to whoever does not look after it, reviewed as
//! the target system says, and taken away there.

use std::sync::Arc;

use keyholder::kernel::{ResourceId, Risk};
use keyholder::provisioning::connectors::Targets;
use keyholder::reviews::model::State;
use keyholder::reviews::{pack, store};

use super::after_the_session;
use crate::support::app::{App, DIRECTORY, catalog};
use crate::support::ldap::Slapd;
use crate::support::tables;
use crate::support::target::FakeTarget;
use crate::support::visitor::{Filled, Visitor};

/// The form of a review of a resource; the manager answers.
fn filled(visitor: &mut Visitor, query: &str) -> Filled {
    let mut form = visitor.open(&format!("/reviews/new{query}")).is(200).form("Continue");
    form.set("name", "Ledger, once").set("reviewers", "named").set("people", "manager");
    form.set("rhythm", "once");
    form
}

#[test]
fn e28_a_group_is_reviewed_by_who_looks_after_it_and_nobody_else_learns_of_it() {
    let (target, mut targets) = (Arc::new(FakeTarget::new()), Targets::default());
    targets.insert(DIRECTORY, target.clone());
    let Some(app) = App::start(targets) else { return };
    let role = app.role("ledger", Risk::Ordinary);
    let id = app.read(|db| keyholder::catalogs::store::resource_of(db, role));
    catalog(&app.db, "Other", "second-approver");
    target.give("employee", &Slapd::group("ledger"));
    target.give("ghost", &Slapd::group("ledger"));
    let mut other = Visitor::signed_in(&app.origin, "second-approver");
    let mut owner = Visitor::signed_in(&app.origin, "catalog-owner");
    let before = tables::content(&app.db);

    // What there is and what there is not look the same to the owner of something else.
    let unknown = ResourceId::fresh();
    let pages = [id, unknown]
        .map(|id| other.open(&format!("/reviews/new?resource={id}")).is(404).text.clone());
    assert_eq!(pages[0], pages[1]);
    let posts = [id, unknown].map(|id| {
        let mut form = filled(&mut other, "");
        form.set("source", "resource").set("resource", id.to_string());
        other.send(&form).is(404).text.clone()
    });
    assert_eq!(posts[0], posts[1]);
    assert!(!other.open("/reviews/new").text.contains("ledger"));

    // From the resource's own page, with its fields.
    let page = owner.open(&format!("/catalogs/{}/resources/{id}/edit", app.catalog));
    let href = page.is(200).link("Set up a review of who is in it");
    assert!(href.ends_with(&format!("/reviews/new?resource={id}")), "{href}");
    let mut form = filled(&mut owner, "");
    form.set("source", "resource").set("resource", "");
    owner.send(&form).is(422).says("Choose a group or application");
    let query = format!("?resource={id}");
    let mut form = filled(&mut owner, &query);
    form.set("packages", "Anything");
    owner.send(&form).is(422).says("There is no access package called Anything here");
    tables::unchanged(&before, &tables::content(&app.db), "reviews that are refused");
    let form = filled(&mut owner, &query);
    let check = owner.send(&form);
    check.is(200).says("All access to ledger is reviewed, as the target system directory tells it");
    check.says("How much it holds, the target system says when it starts.");
    let save = check.form("Save the review");
    owner.send(&save).is(200).says("Saved.");
    owner.send(&save).is(200);
    app.jobs();
    let review = app.read(|db| store::by_name(db, "ledger, once")).unwrap();
    owner
        .open(&format!("/reviews/definitions/{review}/edit"))
        .is(200)
        .says("What people have in ledger");
    let id = app.read(|db| store::instances_of(db, review, 1))[0].id;

    // The reviewer reads where it is known from, and has no end to set.
    let mut manager = Visitor::signed_in(&app.origin, "manager");
    let person = app.person("employee");
    let page = manager.open(&format!("/reviews/{id}?person={person}"));
    page.is(200).says("ledger: Member").says("Nobody assigned this here");
    assert!(!page.text.contains("Keep until"), "{}", page.text);
    // The person says something first; it survives the end of the session (E22).
    let mut asha = Visitor::signed_in(&app.origin, "employee");
    let page = asha.open("/reviews/mine");
    page.is(200).says("The target system says that you have it.");
    let mut forms = page.forms().into_iter().map(|(_, form)| form);
    let mut form = forms.find(|form| form.action.contains("/reviews/mine/")).unwrap();
    form.set("words", "For the close of the month.");
    let again = after_the_session(&app, &mut asha, &form);
    assert_eq!(again.value("words").as_deref(), Some("For the close of the month."));
    let [mut owner, mut manager] =
        ["catalog-owner", "manager"].map(|who| Visitor::signed_in(&app.origin, who));
    let page = manager.open(&format!("/reviews/{id}?person={person}"));
    let mut form = page.is(200).form("Remove: ledger: Member");
    form.set("note", "Moved on.");
    manager.send(&form).is(200);
    let progress = format!("/reviews/{id}/progress");
    // Called off or started over only with words, which survive an error.
    let mut cancel = owner.open(&format!("{progress}/cancel")).is(200).form("Cancel the review");
    owner.send(&cancel).is(422).says("Write why: it stays on record");
    cancel.set("note", "x".repeat(2_001));
    let long = owner.send(&cancel);
    long.is(422).says("Write at most 2,000 characters");
    assert_eq!(long.value("note").map(|note| note.len()), Some(2_001));
    manager.open(&format!("{progress}/close")).is(403);
    owner.open(&format!("{progress}/close")).says("What was answered is carried out.");
    let mut close = owner.open(&format!("{progress}/close")).is(200).form("Close it now");
    // The page was about another stage, or about none.
    for stage in ["2", ""] {
        let old = close.clone().set("stage", stage).clone();
        owner.send(&old).is(409).says("This review has gone on meanwhile");
    }
    close.set("stage", "1");
    owner.send(&close).is(200);
    app.jobs();
    app.pass_days(3);
    app.jobs();
    let page = owner.open(&progress);
    page.is(200).says("Removed, confirmed").says("account ghost");
    assert!(!target.really("employee", &Slapd::group("ledger")));
    assert_eq!(app.read(|db| store::instance(db, id)).state, State::Completed);

    // The pack says where it was known from.
    let bytes = owner.file(&format!("/reviews/{id}/pack"));
    let files = pack::files(&bytes).unwrap();
    let text = |name: &str| {
        let file = files.iter().find(|(there, _)| there == name).unwrap();
        String::from_utf8(file.1.clone()).unwrap()
    };
    assert!(text("review.json").contains("\"kind\": \"resource\""), "{}", text("review.json"));
    assert!(text("items.csv").contains("the target system alone"));
    let checked = pack::verify(&bytes, None);
    assert!(checked.findings.is_empty(), "{:?}", checked.findings);
}

#[test]
fn e28_an_owner_of_something_else_was_told_whether_a_policy_and_a_package_are_there() {
    let Some(app) = App::start(Targets::default()) else { return };
    let terms = crate::support::app::terms(vec![]);
    let (_, policy) = crate::support::app::package(&app.db, app.catalog, "Secret", &[], terms);
    let mine = catalog(&app.db, "Other", "second-approver");
    let mut other = Visitor::signed_in(&app.origin, "second-approver");
    let pages = [policy.to_string(), keyholder::kernel::PolicyId::fresh().to_string()]
        .map(|id| other.open(&format!("/reviews/new?policy={id}")).is(404).text.clone());
    assert_eq!(pages[0], pages[1]);
    let mut form = filled(&mut other, &format!("?catalog={mine}"));
    let said = ["Secret", "Nothing like it"].map(|name| {
        form.set("catalog", "").set("packages", name);
        other.send(&form).is(422).text.replace(name, "NAME")
    });
    assert_eq!(said[0], said[1]);
}
