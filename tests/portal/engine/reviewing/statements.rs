//! The pages of a review of 800 items take the statements of one of 8 (E32).

use diesel::prelude::*;
use keyholder::access::policy;
use keyholder::db::schema::review_items;
use keyholder::db::{By, Tx};
use keyholder::kernel::{PackageId, ReviewId, ReviewInstanceId};
use keyholder::provisioning::connectors::Targets;
use keyholder::reviews::commands::{self, NewReview};
use keyholder::reviews::model::{Answer, Item, Reviewers};
use keyholder::reviews::store;

use crate::support::app::{App, package, terms};
use crate::support::crowd::{give, hold, people};
use crate::support::reviews::{once, says};
use crate::support::visitor::{Page, Visitor};

/// What a list may take beside the two of the session.
const LIST: u64 = 2 + 4;
/// What everything else may take.
const DETAIL: u64 = 2 + 10;

/// As many people hold as many packages, the employee among them; those that are there already included.
fn grow(app: &App, all: &mut Vec<PackageId>, width: usize, (from, to): (usize, usize)) {
    let before = all.len();
    for n in before..width {
        let made = package(&app.db, app.catalog, &format!("Thing {n}"), &[], terms(vec![]));
        give(&app.db, app.catalog, made, "employee");
        all.push(made.0);
    }
    let packages = all.clone();
    let fill = move |tx: &mut Tx<'_>| {
        people(tx, (from, to), "NULL".into())?;
        for (kind, package) in (2u8..).zip(&packages) {
            let first = if usize::from(kind) - 2 < before { from } else { 1 };
            hold(tx, *package, kind, (first, to))?;
        }
        Ok(())
    };
    app.db.write(By::System("test"), fill).unwrap();
    app.jobs();
}

/// A review of everything in which two are asked. Half of it is answered, in all ways, and half of it is unchanged.
fn review(app: &App, name: &str, size: usize) -> (ReviewId, ReviewInstanceId, Vec<Item>) {
    let id = ReviewId::fresh();
    let people = vec![app.named("manager"), app.named("second-approver")];
    let terms = once(Reviewers::Named { people, groups: vec![] });
    let new = NewReview { id, name: name.into(), catalog: None, terms, rows: vec![] };
    let create = move |tx: &mut Tx<'_>| {
        let permit = policy::manage_review(tx.actor(), None)?;
        commands::create(tx, &permit, &new).map(|_| ())
    };
    app.db.write(By::Person(app.person("admin")), create).unwrap();
    app.jobs();
    let instance = app.read(|db| store::instances_of(db, id, 1))[0].id;
    let all = app.read(|db| store::listing::all(db, instance, None, 10_000));
    assert_eq!(all.len(), size);
    let (manager, other) = (app.person("manager"), app.person("second-approver"));
    let answers = [Answer::Keep, Answer::Remove, Answer::Unknown];
    for (n, item) in all.iter().enumerate().filter(|(n, _)| n % 2 == 0) {
        let (item, says) = (item.id, says(answers[n / 2 % 3]));
        let answer = move |tx: &mut Tx<'_>| {
            let item = store::item(tx.db(), item)?;
            let standing = store::standings(tx.db(), std::slice::from_ref(&item))?;
            let permit = policy::answer_item(tx.actor(), &standing[0])?;
            commands::answer(tx, &permit, &says)
        };
        let who = if n % 8 == 0 { other } else { manager };
        app.db.write(By::Person(who), answer).unwrap();
    }
    let old = move |tx: &mut Tx<'_>| {
        let open = review_items::table.filter(review_items::answer.is_null());
        let plain =
            (review_items::changed.eq(false), review_items::recommendation.eq(None::<String>));
        diesel::update(open).set(plain).execute(tx.db())?;
        Ok(())
    };
    app.db.write(By::System("test"), old).unwrap();
    (id, instance, all)
}

#[test]
fn e32_the_pages_of_a_review_of_800_items_take_the_statements_of_one_of_8() {
    let Some(app) = App::start(Targets::default()) else { return };
    let mut visitors = ["manager", "admin"].map(|who| (who, Visitor::signed_in(&app.origin, who)));
    let mut taken = |(review, id, all): &(ReviewId, ReviewInstanceId, Vec<Item>)| -> Vec<_> {
        // Of the one with the most, so that there are several pages.
        let item = all.iter().rfind(|item| item.person == app.person("employee")).unwrap();
        let (person, package) = (item.person, item.package.unwrap());
        let open = all.iter().skip(1).step_by(2).next_back().unwrap().id;
        [
            ("manager", "/reviews".to_owned(), LIST),
            ("admin", "/reviews".to_owned(), LIST),
            ("manager", format!("/reviews/{id}"), DETAIL),
            ("manager", format!("/reviews/{id}?by=package"), DETAIL),
            ("manager", format!("/reviews/{id}?person={person}"), DETAIL),
            ("manager", format!("/reviews/{id}?package={package}"), DETAIL),
            ("manager", format!("/reviews/{id}/together/{package}"), DETAIL),
            ("manager", format!("/reviews/{id}/items/{open}/pass-on"), DETAIL),
            ("manager", format!("/reviews/{id}/sign-off"), DETAIL),
            ("admin", format!("/reviews/{id}/progress"), DETAIL),
            ("admin", format!("/reviews/definitions/{review}"), DETAIL),
        ]
        .into_iter()
        .map(|(who, path, most)| {
            let visitor = visitors.iter_mut().find(|(one, _)| *one == who).unwrap();
            // Once before, for what is read only once.
            visitor.1.open(&path).is(200);
            let before = app.db.statements_read();
            visitor.1.open(&path).is(200);
            let statements = app.db.statements_read() - before;
            let path = path.replace(&id.to_string(), "").replace(&review.to_string(), "");
            println!("{who} {path}: {statements} statements");
            (who, statements, most, path)
        })
        .collect()
    };
    let mut all = Vec::new();
    grow(&app, &mut all, 2, (1, 3));
    let few = taken(&review(&app, "Few", 8));
    grow(&app, &mut all, 20, (4, 39));
    let many = taken(&review(&app, "Many", 800));
    for ((who, few, ..), (_, many, _, path)) in few.iter().zip(&many) {
        assert_eq!(few, many, "{who} {path}");
    }
    let over: Vec<_> = many.iter().filter(|(_, statements, most, _)| statements > most).collect();
    assert!(over.is_empty(), "{over:?}");
}

#[test]
fn whoever_answered_on_a_later_page_was_taken_back_to_the_first_one() {
    let Some(app) = App::start(Targets::default()) else { return };
    grow(&app, &mut Vec::new(), 1, (1, 59));
    let (_, id, all) = review(&app, "Everything", 60);
    let package = all[0].package.unwrap();
    let mut manager = Visitor::signed_in(&app.origin, "manager");
    let first = manager.open(&format!("/reviews/{id}?package={package}"));
    let second = first.link("Next page");
    let page = manager.open(&second);
    let mut forms = page.forms().into_iter().map(|(_, form)| form);
    let mut form = forms.find(|form| form.action.contains("/items/")).unwrap();
    let item = form.action.rsplit('/').next().unwrap().to_owned();
    form.set("answer", "keep");
    let after = manager.send(&form);
    after.is(200).says("Keep:");
    assert!(after.body.contains(&format!("i-{item}")), "{}", after.url);
    let there = second.split("page=").nth(1).unwrap();
    assert!(after.url.as_str().contains(there), "{} is not {second}", after.url);
    // And whoever typed something wrong sees it on that page as well.
    form.set("answer", "remove").set("note", "");
    let wrong = manager.send(&form);
    wrong.is(422).says("Write why it should go");
    assert!(wrong.body.contains(&format!("i-{item}")));
}

/// Whom the list of a review names, in order.
fn named(page: &Page) -> Vec<String> {
    let of = |link: &String| Some(link.split_once("?person=")?.1.to_owned());
    let mut all: Vec<String> = page.links().iter().filter_map(of).collect();
    all.dedup();
    all
}

#[test]
fn what_was_risky_or_had_changed_stood_anywhere_in_the_list() {
    let Some(app) = App::start(Targets::default()) else { return };
    grow(&app, &mut Vec::new(), 1, (1, 59));
    let (_, id, mut all) = review(&app, "Everything", 60);
    all.sort_by_key(|item| item.person_name.clone());
    let open: Vec<&Item> = all.iter().filter(|item| item.answer.is_none()).collect();
    let (risky, changed) = (open[open.len() - 1], open[open.len() - 2]);
    let (high, new) = (risky.id, changed.id);
    let mark = move |tx: &mut Tx<'_>| {
        let plain = (review_items::changed.eq(false), review_items::risk.eq("ordinary"));
        diesel::update(review_items::table).set(plain).execute(tx.db())?;
        diesel::update(review_items::table.find(high))
            .set(review_items::risk.eq("high"))
            .execute(tx.db())?;
        diesel::update(review_items::table.find(new))
            .set(review_items::changed.eq(true))
            .execute(tx.db())?;
        Ok(())
    };
    app.db.write(By::System("test"), mark).unwrap();
    let mut wanted: Vec<String> = [risky, changed].map(|item| item.person.to_string()).into();
    let rest = all.iter().map(|item| item.person.to_string());
    wanted.extend(rest.filter(|person| !wanted.contains(person)).collect::<Vec<_>>());
    let mut manager = Visitor::signed_in(&app.origin, "manager");
    let first = manager.open(&format!("/reviews/{id}"));
    assert_eq!(first.link(&format!("Go on with {}", risky.person_name)), {
        format!("/reviews/{id}?person={}", risky.person)
    });
    let second = manager.open(&first.link("Next page"));
    let third = manager.open(&second.link("Next page"));
    // Every page leads to the most urgent one before its list; on the first it is the first there, too.
    let mut seen = named(&first);
    seen.extend([named(&second).split_off(1), named(&third).split_off(1)].concat());
    assert_eq!(seen, wanted);
    let back = manager.open(&third.link("Previous page"));
    assert_eq!(named(&back), named(&second));
    assert_eq!(named(&manager.open(&back.link("Previous page"))), named(&first));
}
