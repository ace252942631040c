//! An access review, from the list to the evidence: answered by one person in a browser, closed by time, carried out in the
//! target system, and proved by an archive that is checked without the portal.

use std::path::Path;
use std::process::Command;

use diesel::prelude::*;
use keyholder::db::schema::{review_instances, review_items, reviews};
use keyholder::kernel::{ReviewInstanceId, ReviewItemId, Risk};
use keyholder::reviews::model::{Item, State};
use keyholder::reviews::{pack, store};

use super::both_ways;
use super::keyboard::tab_to;
use crate::support::browser::{Browser, Window};
use crate::support::leash::wait_for;
use crate::support::northmoor::Northmoor;

const PHONE: Window = Window { width: 320, height: 640, dark: true };
const EVERYBODY: &str = "Everybody’s access, once a quarter";

/// The run of a review.
fn run(house: &Northmoor, name: &str) -> ReviewInstanceId {
    let query = review_instances::table
        .inner_join(reviews::table)
        .filter(reviews::name.eq(name))
        .select(review_instances::id);
    house.read(|db| Ok(query.first(db)?))
}

/// Its items, by person and access.
fn items(house: &Northmoor, id: ReviewInstanceId) -> Vec<Item> {
    let ids = review_items::table.filter(review_items::instance_id.eq(id));
    let ids: Vec<ReviewItemId> = house.read(|db| Ok(ids.select(review_items::id).load(db)?));
    let mut all = house.read(|db| store::items(db, &ids));
    all.sort_by(|a, b| (&a.person_name, &a.access_name).cmp(&(&b.person_name, &b.access_name)));
    all
}

fn state(house: &Northmoor, id: ReviewInstanceId) -> State {
    house.read(|db| store::instance(db, id)).state
}

/// Opens what somebody has, in a review.
fn look_at(house: &Northmoor, browser: &Browser, item: &Item) {
    let page = format!("/reviews/{}?person={}", item.instance, item.person);
    if !browser.url().contains(&page) {
        house.goto(browser, &page);
    }
}

fn reason(browser: &Browser, item: &Item, words: &str) {
    let needed = if item.risk == Risk::High { "(needed)" } else { "(needed to remove)" };
    browser.fill(&format!("Your reason for {} {needed}", item.access_name), words);
}

#[test]
fn a_review_of_forty_items_is_finished_carried_out_and_proved() {
    both_ways(|house, javascript| {
        let id = run(house, EVERYBODY);
        let mut all = items(house, id);
        // What has ended since the start needs no answer.
        all.retain(|item| item.outcome.is_none());
        assert!(all.len() >= 40, "{}", all.len());
        let naledi = house.visit("reviewer", javascript)?;
        house.goto(&naledi, "/reviews");
        naledi.click("link", &format!("{EVERYBODY}, 1st run"));
        naledi.see(&format!("0 of {} items answered.", all.len()));
        if javascript {
            naledi.axe_clean();
        }
        // Nothing is preselected, and what is missing is said with everything that was typed.
        let ordinary = |item: &&Item| item.risk == Risk::Ordinary;
        let removed: Vec<&Item> = all.iter().filter(ordinary).take(2).collect();
        look_at(house, &naledi, removed[0]);
        if javascript {
            naledi.axe_clean();
        }
        naledi.click("button", &format!("Remove : {}", removed[0].access_name));
        assert_eq!(naledi.status(), Some(422));
        naledi.see("Write why it should go: the person reads it");
        for item in &removed {
            look_at(house, &naledi, item);
            reason(&naledi, item, "The project is over.");
            naledi.click("button", &format!("Remove : {}", item.access_name));
            naledi.see(&format!("{} of {}.", item.access_name, item.person_name));
        }
        let mut rest = all.iter().filter(|item| removed.iter().all(|one| one.id != item.id));
        let passed = rest.next()?;
        look_at(house, &naledi, passed);
        naledi.click("link", &format!("Not mine : {}", passed.access_name));
        naledi.fill("Who can answer?", "n1001");
        naledi.fill("Why is it not yours?", "He knows who works on it.");
        naledi.click("button", "Pass it on");
        naledi.see("Passed on.");
        let unknown = rest.next()?;
        look_at(house, &naledi, unknown);
        naledi.click("button", &format!("I don’t know : {}", unknown.access_name));
        let mut left = all.len() - 4;
        for item in rest {
            look_at(house, &naledi, item);
            if item.risk == Risk::High {
                reason(&naledi, item, "Needed in the role.");
            }
            naledi.click("button", &format!("Keep : {}", item.access_name));
            left -= 1;
            match left {
                0 => naledi.see("Nothing is left for you"),
                1 => naledi.see("1 item is left for you."),
                n => naledi.see(&format!("{n} items are left for you.")),
            }
        }
        house.goto(&naledi, &format!("/reviews/{id}/sign-off"));
        naledi.see("Check your answers, then sign off");
        for item in &removed {
            let (access, person) = (&item.access_name, &item.person_name);
            naledi.see(&format!("{access} of {person} is removed: The project is over."));
        }
        if javascript {
            naledi.axe_clean();
        }
        naledi.click("button", "Sign off");
        naledi.see("Signed off.");

        let marcus = house.visit("n1001", javascript)?;
        look_at(house, &marcus, passed);
        if passed.risk == Risk::High {
            reason(&marcus, passed, "He works on it.");
        }
        marcus.click("button", &format!("Keep : {}", passed.access_name));
        marcus.see("Nothing is left for you");

        // It closes by itself; removals wait, and are confirmed by the target system.
        house.pass_days(19);
        assert_eq!(state(house, id), State::Applying);
        let marta = house.visit("admin", javascript)?;
        house.goto(&marta, &format!("/reviews/{id}/progress"));
        marta.see("Will be removed");
        if javascript {
            marta.axe_clean();
        }
        house.pass_days(3);
        assert_eq!(state(house, id), State::Completed);
        for item in &removed {
            let now = house.read(|db| store::item(db, item.id));
            assert_eq!(now.outcome.map(|outcome| outcome.as_str()), Some("removed"));
        }
        house.goto(&marta, &format!("/reviews/{id}/progress"));
        marta.see("Removed, confirmed");
        prove(house, id);
        Some(())
    });
}

/// The pack holds, and whatever is done to it is found and named.
fn prove(house: &Northmoor, id: ReviewInstanceId) {
    let folder = tempfile::tempdir().expect("a folder");
    let (pack_file, public) = (folder.path().join("pack.zip"), folder.path().join("key.pub"));
    let bytes = house.download("auditor", &format!("/reviews/{id}/pack"));
    std::fs::write(&pack_file, &bytes).expect("the pack");
    std::fs::write(&public, house.pack_public()).expect("the key");
    // The program itself, in a folder without settings, database or network.
    let check = |key: Option<&Path>| {
        let mut verify = Command::new(env!("CARGO_BIN_EXE_keyholder"));
        verify.args(["audit", "verify"]).arg(&pack_file).env_clear().current_dir(&folder);
        if let Some(key) = key {
            verify.arg("--key").arg(key);
        }
        let done = verify.output().expect("keyholder");
        (done.status.code(), String::from_utf8(done.stdout).expect("words"))
    };
    let (code, words) = check(Some(&public));
    assert_eq!(code, Some(0), "{words}");
    assert!(words.contains("The pack is complete and unchanged."), "{words}");
    let (code, words) = check(None);
    assert_eq!(code, Some(0), "{words}");
    assert!(words.contains("unproven"), "{words}");
    // One changed byte, one dropped row, one added row: each is found and named.
    let files = pack::files(&bytes).expect("an archive");
    let with = |change: &dyn Fn(&mut Vec<String>)| {
        let mut files = files.clone();
        let items = files.iter_mut().find(|(name, _)| name == "items.csv").expect("items");
        let text = String::from_utf8(items.1.clone()).expect("text");
        let mut lines: Vec<String> = text.split_inclusive('\n').map(str::to_owned).collect();
        change(&mut lines);
        items.1 = lines.concat().into_bytes();
        std::fs::write(&pack_file, pack::archive(&files).expect("an archive")).expect("the pack");
        let (code, words) = check(Some(&public));
        assert_eq!(code, Some(1), "{words}");
        words
    };
    let first =
        String::from_utf8(files.iter().find(|(n, _)| n == "items.csv").expect("it").1.clone());
    let key =
        first.expect("text").lines().nth(1).expect("a row").split(',').next().map(str::to_owned);
    let key = key.expect("a key");
    let changed = with(&|lines| {
        lines[1] = lines[1]
            .replacen("keep", "Keep", 1)
            .replacen("remove", "Remove", 1)
            .replacen("unknown", "Unknown", 1)
    });
    assert!(changed.contains(&format!("row {key} was changed")), "{changed}");
    let dropped = with(&|lines| drop(lines.remove(1)));
    assert!(dropped.contains(&format!("row {key} was left out")), "{dropped}");
    let added = with(&|lines| {
        let copy = lines[1].replacen(&key, "0000-added", 1);
        lines.push(copy);
    });
    assert!(added.contains("row 0000-added was added"), "{added}");
}

/// Goes on by Tab to the next reason that can be written; what it is about.
fn next_reason(browser: &Browser) -> String {
    tab_to(browser, "Your reason for ");
    let label = browser.focused();
    let name = label.trim_start_matches("Your reason for ");
    name.split(" (needed").next().expect("a name").to_owned()
}

fn types(browser: &Browser, words: &str) {
    for letter in words.chars() {
        browser.press(&letter.to_string());
    }
}

/// Answers the item whose reason has the focus, and goes to where the page leads next.
fn answers_by_keyboard(browser: &Browser, access: &str, nth: usize, last_day: &str) {
    let button = match nth {
        0 => format!("Remove: {access}"),
        1 => format!("I don’t know: {access}"),
        2 => format!("Keep until that day: {access}"),
        _ => format!("Keep: {access}"),
    };
    types(browser, "seen");
    if nth == 2 {
        tab_to(browser, "Last day, if it should end earlier");
        types(browser, last_day);
    }
    tab_to(browser, &button);
    let before = browser.url();
    browser.press("Enter");
    assert!(wait_for(|| browser.url() != before), "{button} does nothing");
    browser.see(&format!("{access} of"));
    assert_eq!(browser.status(), Some(200), "{}", browser.text());
    // The page puts the focus there as soon as it is drawn.
    let onward = |words: String| words.starts_with("Next: ") || words.starts_with("Look at");
    assert!(wait_for(|| onward(browser.focused())), "{}", browser.focused());
    follows(browser);
}

/// Follows the link that has the focus: to another part of the page, or to another page.
fn follows(browser: &Browser) {
    let (link, here) = (browser.focused(), browser.url());
    browser.press("Enter");
    assert!(wait_for(|| browser.url() != here), "{link} leads nowhere");
    browser.see("items answered.");
}

#[test]
fn the_form_of_a_review_is_worked_through_by_keyboard_and_on_a_small_phone() {
    both_ways(|house, javascript| {
        let id = run(house, EVERYBODY);
        let open = || {
            let mut open = items(house, id);
            open.retain(|item| item.outcome.is_none() && item.answer.is_none());
            open
        };
        // The whole of it on a small phone, a part of it on a desk.
        let window = if javascript { Window::default() } else { PHONE };
        let naledi = house.visit_as("reviewer", javascript, window)?;
        house.goto(&naledi, "/reviews");
        tab_to(&naledi, EVERYBODY);
        follows(&naledi);
        // As the browser takes a day from the keyboard.
        let due = house.read(|db| store::instance(db, id)).due_at.plus_seconds(-1);
        let last_day = due.utc().format("%m%d%Y").to_string();
        // One is passed on; everything else is answered, with JavaScript only a few.
        let all = open().len();
        let wanted = if javascript { 6 } else { all - 1 };
        // What is risky comes first, then what is new or has changed.
        let urgent = |item: &Item| match (item.risk, item.changed) {
            (Risk::High, _) => 0,
            (Risk::Ordinary, changed) => 2 - u8::from(changed),
        };
        let first = open().into_iter().min_by_key(urgent).expect("an item");
        tab_to(&naledi, "Go on with");
        assert_eq!(naledi.focused(), format!("Go on with {}", first.person_name));
        follows(&naledi);
        naledi.see(&format!("What {} has", first.person_name));
        let access = next_reason(&naledi);
        tab_to(&naledi, &format!("Not mine: {access}"));
        naledi.press("Enter");
        naledi.see("Why is it not yours?");
        tab_to(&naledi, "Who can answer?");
        types(&naledi, "n1001");
        tab_to(&naledi, "Why is it not yours?");
        types(&naledi, "his");
        tab_to(&naledi, "Pass it on");
        naledi.press("Enter");
        naledi.see("Passed on.");
        tab_to(&naledi, "Go on with");
        follows(&naledi);
        for answered in 0..wanted {
            let access = next_reason(&naledi);
            answers_by_keyboard(&naledi, &access, answered, &last_day);
            assert_eq!(open().len(), all - answered - 1, "{access}");
        }
        if !javascript {
            naledi.see("Check your answers, then sign off");
            tab_to(&naledi, "Sign off");
            naledi.press("Enter");
            naledi.see("Signed off.");
        }
        Some(())
    });
}

#[test]
fn what_was_typed_at_other_items_was_lost_when_one_was_answered() {
    let Some(house) = Northmoor::open() else { return };
    let id = run(&house, EVERYBODY);
    let mut all = items(&house, id);
    all.retain(|item| item.outcome.is_none() && item.risk == Risk::Ordinary);
    let two = all.windows(2).find(|two| two[0].person == two[1].person).expect("a person with two");
    let (one, other) = (&two[0], &two[1]);
    let Some(naledi) = house.visit("reviewer", true) else { return };
    look_at(&house, &naledi, one);
    reason(&naledi, other, "Written before.");
    reason(&naledi, one, "The project is over.");
    naledi.click("button", &format!("Remove : {}", one.access_name));
    naledi.see(&format!("{} of {}.", one.access_name, one.person_name));
    // Also on the way to another page and back.
    naledi.click("link", &format!("Not mine : {}", other.access_name));
    naledi.see("Why is it not yours?");
    house.goto(&naledi, &format!("/reviews/{id}?person={}", one.person));
    naledi.click("button", &format!("Remove : {}", other.access_name));
    naledi.see(&format!("{} of {}.", other.access_name, other.person_name));
    let kept = house.read(|db| store::item(db, other.id)).note;
    assert_eq!(kept.as_deref(), Some("Written before."));
}

#[test]
fn the_pages_of_a_review_are_accessible_and_fit_a_small_phone() {
    let Some(house) = Northmoor::open() else { return };
    let id = run(&house, EVERYBODY);
    let all = items(&house, id);
    let package = all[0].package.expect("a package");
    let definition = house.read(|db| store::instance(db, id)).review;
    for window in [Window::default(), PHONE] {
        let Some(naledi) = house.visit_as("reviewer", true, window) else { return };
        let look = |browser: &Browser| {
            browser.axe_clean();
            assert!(!browser.sideways(), "{} is wider than its window", browser.url());
        };
        for path in [
            "/reviews".to_owned(),
            "/reviews/mine".to_owned(),
            format!("/reviews/{id}"),
            format!("/reviews/{id}?by=package"),
            format!("/reviews/{id}?person={}", all[0].person),
            format!("/reviews/{id}?package={package}"),
            format!("/reviews/{id}/together/{package}"),
            format!("/reviews/{id}/items/{}/pass-on", all[0].id),
            format!("/reviews/{id}/sign-off"),
        ] {
            house.goto(&naledi, &path);
            look(&naledi);
        }
        let Some(marta) = house.visit_as("admin", true, window) else { return };
        for path in [
            "/reviews".to_owned(),
            "/reviews/new".to_owned(),
            format!("/reviews/definitions/{definition}"),
            format!("/reviews/definitions/{definition}/edit"),
            format!("/reviews/definitions/{definition}/end"),
            format!("/reviews/{id}/progress"),
            format!("/reviews/{id}/progress/close"),
            format!("/reviews/{id}/progress/cancel"),
        ] {
            house.goto(&marta, &path);
            look(&marta);
        }
    }
}

#[test]
fn an_administrator_sets_a_review_up_and_it_is_read_back_first() {
    both_ways(|house, javascript| {
        let marta = house.visit("admin", javascript)?;
        house.goto(&marta, "/reviews");
        marta.click("link", "Set up a review");
        marta.click("button", "Continue");
        assert_eq!(marta.status(), Some(422));
        marta.see("Write a name, such as Finance access, every quarter");
        marta.fill("What is it called?", "What guests have");
        marta.choose("Only what guests have");
        marta.fill("Who answers where nobody else can? (optional)", "admin");
        marta.click("button", "Continue");
        marta.see("Check it, then save");
        marta.see("All access of guests is reviewed.");
        marta.see("If it started now, it would hold");
        if javascript {
            marta.axe_clean();
        }
        marta.click("button", "Save the review");
        marta.see("Saved.");
        house.run();
        house.goto(&marta, "/reviews");
        marta.click("link", "What guests have");
        marta.see("1st run");
        Some(())
    });
}

/// A package that an owner looks after and somebody has, with the name of the policy under which they have it.
fn one_policy(house: &Northmoor) -> (keyholder::kernel::PackageId, String, String) {
    use keyholder::db::schema::{assignments, catalogs, packages, policies};
    let query = packages::table
        .inner_join(catalogs::table)
        .inner_join(policies::table.inner_join(assignments::table))
        .filter(catalogs::name.eq("Finance"))
        .filter(assignments::started_at.is_not_null())
        .filter(assignments::ended_at.is_null())
        .filter(policies::deleted_at.is_null())
        .order((packages::name, policies::name))
        .select((packages::id, packages::name, policies::name));
    house.read(|db| Ok(query.first(db)?))
}

#[test]
fn an_owner_lets_what_is_held_under_a_policy_be_reviewed_in_two_stages() {
    both_ways(|house, javascript| {
        let (package, name, policy) = one_policy(house);
        let olga = house.visit("catalog-owner", javascript)?;
        house.goto(&olga, &format!("/packages/{package}/edit"));
        olga.click("link", &format!("Set up a review of policy {policy}"));
        olga.see(&format!("All that is held under the policy “{policy}”."));
        if javascript {
            olga.axe_clean();
        }
        olga.fill("What is it called?", "Held under the policy");
        olga.fill("Who answers where nobody else can? (optional)", "second-approver");
        olga.select("Who answers in a second stage?", "The people and the group below");
        olga.click("button", "Continue");
        assert_eq!(olga.status(), Some(422));
        olga.see("Name somebody who reviews in this stage, or a group");
        // What is said about it stands open now.
        olga.fill("These people in the second stage (optional)", "second-approver");
        olga.click("button", "Continue");
        olga.see("Check it, then save");
        olga.see(&format!(
            "through {name} under policy “{policy}” in catalog Finance is reviewed."
        ));
        olga.see("In stage 2, open for 7 days,");
        olga.click("button", "Save the review");
        olga.see("Saved.");
        house.run();
        house.goto(&olga, &format!("/packages/{package}/edit"));
        olga.see("What is held under it is reviewed: Held under the policy.");
        olga.click("link", "Held under the policy");
        olga.click("link", "1st run");
        olga.see("stage 1 of 2");
        if javascript {
            olga.axe_clean();
        }
        olga.click("link", "End this stage…");
        olga.see("End stage 1 of 2 of Held under the policy now?");
        if javascript {
            olga.axe_clean();
        }
        olga.click("button", "End this stage now");
        olga.see("The stage is over.");
        house.run();
        olga.goto(&olga.url());
        olga.see("stage 2 of 2");
        olga.click("link", "Close it…");
        olga.see("Where an earlier stage has answered, its answer stands.");
        olga.see("What nobody has answered in any stage stays.");
        Some(())
    });
}
