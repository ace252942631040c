//! The queue's filters and decisions on many at once, asked over a socket on both databases.

use diesel::prelude::*;

use super::deciding_tests::{Office, named, offices};
use super::model::State;
use crate::db::schema::{
    facts, profiles, request_stages, requests, resource_roles, stage_approvers,
};
use crate::delegation::testing::member;
use crate::kernel::{PackageId, PersonId, RequestId, Risk, StageId};
use crate::policies::stages::{Approvers, StageTerms};
use crate::web::harness::{Answer, Browser};

/// A package that Marta or Ingrid decides on, with one role.
fn desk(office: &Office, name: &str, risk: Risk) -> PackageId {
    let role = office.setup.resource(name, risk);
    let package = office.setup.package(name, &[role]);
    let people =
        vec![named(office.marta, "Marta Lindqvist"), named(office.ingrid, "Ingrid Solheim")];
    office.policy(package, vec![StageTerms::simple(Approvers::people(people), vec![], 5)]);
    package
}

/// So many people more, each with an open request for the package.
fn crowd(office: &Office, package: PackageId, count: usize) -> Vec<RequestId> {
    let one = |n| {
        let person = member(&office.house.site.db, &format!("Person {n:03}"));
        office.house.clock.advance(1);
        office.request(person, package, "For the close")
    };
    (0..count).map(one).collect()
}

fn picks(office: &Office, of: &[RequestId]) -> String {
    let stages: Vec<String> = of.iter().map(|id| format!("pick={}", office.stage(*id))).collect();
    format!("/approvals/bulk?{}", stages.join("&"))
}

/// Sends what the page shows, with a verdict and a reason.
fn send(browser: &mut Browser<'_>, items: &[String], verdict: &str, note: &str) -> Answer {
    let mut form: Vec<(&str, &str)> = items.iter().map(|item| ("item", item.as_str())).collect();
    form.extend([("verdict", verdict), ("note", note)]);
    browser.post("/approvals/bulk", &form)
}

fn items(page: &Answer) -> Vec<String> {
    page.pairs("input[name=item]").into_iter().map(|(_, value)| value).collect()
}

fn item(office: &Office, id: RequestId) -> String {
    format!("{id}.{}.1.1", office.stage(id))
}

fn told(office: &Office, kind: &'static str) -> i64 {
    let count = facts::table.filter(facts::kind.eq(kind)).count();
    office.house.site.db.read(|db| Ok(count.get_result(db)?)).expect("a count")
}

#[test]
fn d39_many_are_named_first_and_then_decided_each_by_itself() {
    for office in offices() {
        let month = desk(&office, "Month desk", Risk::Ordinary);
        let vault = desk(&office, "Vault", Risk::High);
        let all = crowd(&office, month, 3);
        let high = office.request(office.asha, vault, "The run of Friday");
        let mut marta = office.house.signed_in(office.marta);

        let queue = marta.get("/approvals");
        let boxes = queue.pairs("input[name=pick]");
        assert_eq!(boxes.len(), 3, "high risk has no box");
        assert!(!boxes.iter().any(|(_, stage)| *stage == office.stage(high).to_string()));
        assert!(queue.body.contains("one by one"), "and says why");

        let page = marta.get(&picks(&office, &all));
        assert_eq!(page.texts("h1"), ["Decide on 3 requests for 3 people?"]);
        assert!(page.texts(".lede")[0].starts_with("3 requests for Month desk"));
        assert_eq!(page.texts("tbody tr").len(), 3);
        assert!(page.texts("[checked]").is_empty(), "nothing is preselected");
        let shown = items(&page);
        assert_eq!(shown.len(), 3);

        let bare = send(&mut marta, &shown, "", "Half a thought");
        assert_eq!((bare.status, bare.texts("#note")), (422, vec!["Half a thought".to_owned()]));
        assert_eq!(send(&mut marta, &shown, "deny", " ").status, 422, "a denial needs a reason");
        assert_eq!(told(&office, "stage_denied"), 0);

        let done = send(&mut marta, &shown, "deny", "Not this month");
        assert_eq!(done.status, 303);
        let page = marta.get(done.location());
        assert_eq!(page.texts("h1"), ["All 3 decisions are recorded"]);
        assert!(page.texts("tbody tr").iter().all(|row| row.contains("Denied")));
        assert!(all.iter().all(|id| office.state(*id) == State::Denied));
        // The same form once more is harmless.
        let again = send(&mut marta, &shown, "deny", "Not this month");
        assert_eq!((again.status, again.location()), (303, done.location()));
        assert_eq!(told(&office, "stage_denied"), 3);
        let notes = request_stages::table.filter(request_stages::note.eq("Not this month"));
        let notes: i64 =
            office.house.site.db.read(|db| Ok(notes.count().get_result(db)?)).expect("a count");
        assert_eq!(notes, 3, "the reason is kept with each");
        assert_eq!(office.state(high), State::PendingApproval);
    }
}

#[test]
fn d39_what_stands_out_comes_first() {
    for office in offices() {
        let month = desk(&office, "Month desk", Risk::Ordinary);
        let once = office.request(office.asha, month, "x");
        let mut marta = office.house.signed_in(office.marta);
        marta.get("/approvals");
        send(&mut marta, &[item(&office, once)], "deny", "Not now");
        let mut all = crowd(&office, month, 2);
        all.push(office.request(office.asha, month, "Again"));
        let page = marta.get(&picks(&office, &all));
        let rows = page.texts("tbody tr");
        assert!(rows[0].contains("Asha Rao"), "{rows:?}");
        assert!(rows[0].contains("Was denied before, for the same person"), "{rows:?}");
    }
}

#[test]
fn d39_high_risk_is_never_decided_in_bulk_not_by_forging_and_not_when_it_became_so() {
    for office in offices() {
        let month = desk(&office, "Month desk", Risk::Ordinary);
        let vault = desk(&office, "Vault", Risk::High);
        let ordinary = crowd(&office, month, 2);
        let high = office.request(office.asha, vault, "x");
        let mut marta = office.house.signed_in(office.marta);

        let page = marta.get(&picks(&office, &[high]));
        assert_eq!(page.texts("h1"), ["None of these can be decided together"]);
        assert!(page.body.contains("high risk, decided one by one"));
        assert!(items(&page).is_empty());

        // Put into the form by hand: the other one is decided.
        let forged = [item(&office, ordinary[0]), item(&office, high)];
        let done = send(&mut marta, &forged, "approve", "All fine");
        assert_eq!(done.status, 303);
        assert_eq!(office.state(ordinary[0]), State::Delivering);
        assert_eq!(office.state(high), State::PendingApproval);
        let page = marta.get(done.location());
        assert_eq!(page.texts("h1"), ["1 of 2 decisions are recorded"]);
        assert!(page.texts("tbody tr")[0].contains("It is high risk: decide it by itself"));

        // It became high risk while the page was read.
        let shown = items(&marta.get(&picks(&office, &ordinary[1..])));
        office.house.change(|tx| {
            diesel::update(resource_roles::table)
                .set(resource_roles::risk.eq(Risk::High.as_str()))
                .execute(tx.db())?;
            Ok(())
        });
        let refused = send(&mut marta, &shown, "approve", "All fine");
        assert_eq!((refused.status, refused.texts("#kept")), (409, vec!["All fine".to_owned()]));
        assert_eq!(office.state(ordinary[1]), State::PendingApproval);
    }
}

#[test]
fn d39_foreign_and_forged_ones_are_refused_without_a_word_and_the_others_are_decided() {
    for office in offices() {
        let month = desk(&office, "Month desk", Risk::Ordinary);
        let mine = crowd(&office, month, 1);
        let foreign = office.request(office.asha, office.payments, "A secret reason");
        // Her own is not hers to decide (D2), whatever she sends.
        let own = office.request(office.marta, month, "For me");
        let mut marta = office.house.signed_in(office.marta);
        marta.get("/approvals");
        let of_nobody = format!("{}.{}.1.1", RequestId::fresh(), StageId::fresh());
        let mixed = format!("{foreign}.{}.1.1", office.stage(mine[0]));
        let all = [
            item(&office, foreign),
            item(&office, own),
            of_nobody,
            mixed,
            "nonsense".to_owned(),
            item(&office, mine[0]),
        ];
        let done = send(&mut marta, &all, "approve", "");
        assert_eq!(done.status, 303);
        assert_eq!(office.state(mine[0]), State::Delivering);
        assert_eq!(office.state(foreign), State::PendingApproval);
        assert_eq!(office.state(own), State::PendingApproval);
        let page = marta.get(done.location());
        assert_eq!(page.texts("tbody tr").len(), 1);
        assert!(page.body.contains("3 more were not decided: they are not for you to decide."));
        assert!(!page.body.contains("Asha Rao") && !page.body.contains("A secret reason"));

        let many: Vec<String> =
            (0..101).map(|_| format!("{}.{}.1.1", RequestId::fresh(), StageId::fresh())).collect();
        let refused = send(&mut marta, &many, "approve", "");
        assert_eq!((refused.status, refused.location()), (303, "/approvals"));
        assert!(marta.get("/approvals").body.contains("At most 100 requests"));
        assert_eq!(send(&mut marta, &[], "approve", "").location(), "/approvals");
    }
}

#[test]
fn d39_the_result_says_of_each_what_happened_meanwhile() {
    for office in offices() {
        let month = desk(&office, "Month desk", Risk::Ordinary);
        let all = crowd(&office, month, 4);
        let mut marta = office.house.signed_in(office.marta);
        let mut shown = items(&marta.get(&picks(&office, &all)));
        shown.sort();
        // One is decided by Ingrid, one is stopped, and of one other contents were shown.
        office.approve(all[0], office.ingrid);
        let (held, now) = (all[1], office.house.site.db.clocks().business.now());
        office.house.change(move |tx| {
            diesel::update(requests::table.find(held))
                .set(requests::held_at.eq(now))
                .execute(tx.db())?;
            Ok(())
        });
        let other = item(&office, all[2]);
        let changed = format!("{}.7", &other[..other.len() - 2]);
        for one in &mut shown {
            if *one == other {
                one.clone_from(&changed);
            }
        }
        let done = send(&mut marta, &shown, "approve", "Fine");
        let rows = marta.get(done.location()).texts("tbody tr");
        for words in [
            "Ingrid Solheim approved it on 2 Mar 2026",
            "It was stopped; decide it when it goes on",
            "It changed while you read",
            "Approved",
        ] {
            assert!(rows.iter().any(|row| row.contains(words)), "{words}: {rows:?}");
        }
        assert!(rows[3].contains("Approved"), "what needs another look is first: {rows:?}");
        assert_eq!(office.state(all[3]), State::Delivering);
        assert_eq!(office.state(all[2]), State::PendingApproval);

        // What ran out says so.
        office.house.clock.advance(6 * 86_400);
        let mut marta = office.house.signed_in(office.marta);
        marta.get("/approvals");
        let late = send(&mut marta, &[other], "approve", "Fine");
        assert_eq!(late.status, 409);
        let page = marta.get(&format!("/approvals/bulk/done?stage={}", office.stage(all[2])));
        assert!(page.texts("tbody tr")[0].contains("Its time ran out"));
    }
}

#[test]
fn d40_a_whole_batch_is_taken_back_as_far_as_it_is_not_too_late() {
    for office in offices() {
        let desk = desk(&office, "Expenses", Risk::Ordinary);
        let all = crowd(&office, desk, 3);
        office.house.change(|tx| crate::db::set_setting(tx, "organization.undo_seconds", "10"));
        let mut marta = office.house.signed_in(office.marta);
        let mut approve = |some: &[RequestId]| {
            let page = marta.get(&picks(&office, some));
            send(&mut marta, &items(&page), "approve", "").location().to_owned()
        };
        // Of one the undo window is over before she presses it.
        approve(&all[..1]);
        office.house.clock.advance(11);
        super::jobs::run_due(&office.house.site.db).expect("timers");
        let path = approve(&all[1..]);
        let page = marta.get(&path);
        assert!(page.texts("form button").contains(&"Undo what can be undone".to_owned()));
        let stages: Vec<String> = all.iter().map(|id| office.stage(*id).to_string()).collect();
        let form: Vec<(&str, &str)> = stages.iter().map(|id| ("stage", id.as_str())).collect();
        let mut ingrid = office.house.signed_in(office.ingrid);
        ingrid.post("/approvals/bulk/take-back", &form);
        assert_eq!(told(&office, "decision_taken_back"), 0, "they are not hers to take back");
        let back = marta.post("/approvals/bulk/take-back", &form);
        assert_eq!(back.status, 303);
        assert_eq!(told(&office, "decision_taken_back"), 2);
        let page = marta.get(back.location());
        let says = page.texts("[role=status]").join(" ");
        let words = "2 requests wait for your decision again; for 1 decision it was too late.";
        assert!(says.contains(words), "{says}");
        marta.post("/approvals/bulk/take-back", &form);
        assert_eq!(told(&office, "decision_taken_back"), 2, "pressed twice");
    }
}

#[test]
fn d39_bulk_against_single_decisions_leaves_one_of_each_and_tells_both() {
    for office in offices() {
        let month = desk(&office, "Month desk", Risk::Ordinary);
        let all = crowd(&office, month, 20);
        let mut marta = office.house.signed_in(office.marta);
        let shown = items(&marta.get(&picks(&office, &all)));
        let (bulk, singles) = std::thread::scope(|scope| {
            let bulk = scope.spawn(|| send(&mut marta, &shown, "deny", "Not now"));
            let single = |id: &RequestId| {
                let (id, stage) = (*id, office.stage(*id));
                let by = crate::db::By::Person(office.ingrid);
                let done = office.house.site.db.write(by, move |tx| {
                    let permit = super::commands::may_decide(tx, id, stage)?;
                    super::commands::decide(tx, &permit, stage, super::model::Verdict::Approve, "")
                });
                done.is_ok()
            };
            // From the other end, so that they meet.
            let singles: Vec<bool> = all.iter().rev().map(single).collect();
            (bulk.join().expect("an answer"), singles)
        });
        let approved = i64::try_from(singles.iter().filter(|won| **won).count()).expect("few");
        assert_eq!(told(&office, "stage_approved"), approved);
        assert_eq!(told(&office, "stage_denied"), 20 - approved, "one decision of each");
        let stages: Vec<String> =
            all.iter().map(|id| format!("stage={}", office.stage(*id))).collect();
        let rows =
            marta.get(&format!("/approvals/bulk/done?{}", stages.join("&"))).texts("tbody tr");
        let by_ingrid =
            rows.iter().filter(|row| row.contains("Ingrid Solheim approved it")).count();
        assert_eq!(i64::try_from(by_ingrid).expect("few"), approved);
        assert_eq!(rows.len(), 20);
        assert!([303, 409].contains(&bulk.status), "{}", bulk.status);
    }
}

fn hrefs(page: &Answer) -> Vec<String> {
    let from = |at: &str| at[..at.find('"').unwrap_or(0)].replace("&#38;", "&");
    let rows = page.body.split("<th scope=\"row\"><a class=\"strong\" href=\"").skip(1);
    rows.map(from).collect()
}

#[test]
fn the_queue_is_filtered_by_its_address_and_its_file_has_the_same_rows() {
    for office in offices() {
        let month = desk(&office, "Month desk", Risk::Ordinary);
        let vault = desk(&office, "Vault", Risk::High);
        crowd(&office, month, 2);
        let team = office.request(office.asha, month, "x");
        let high = office.request(office.asha, vault, "x");
        let now = office.house.site.db.clocks().business.now();
        office.house.change(move |tx| {
            diesel::update(requests::table.find(team))
                .set(requests::asked_at.eq(now))
                .execute(tx.db())?;
            Ok(())
        });
        let mut marta = office.house.signed_in(office.marta);
        for (query, rows) in [
            ("", 4),
            ("show=soon", 0),
            ("show=high", 1),
            ("show=asked", 1),
            ("team=mine", 2),
            ("team=others", 2),
            ("team=mine&show=high", 1),
            (&*format!("package={month}"), 3),
            (&*format!("package={}", office.ledger), 0),
        ] {
            let page = marta.get(&format!("/approvals?{query}"));
            assert_eq!(page.texts("tbody tr").len(), rows, "{query}");
            let file = marta.get(&format!("/approvals?{query}&format=csv"));
            assert_eq!(file.body.lines().count(), 1 + rows, "{query}");
        }
        office.house.clock.advance(4 * 86_400);
        let mut marta = office.house.signed_in(office.marta);
        assert_eq!(marta.get("/approvals?show=soon").texts("tbody tr").len(), 3, "not the asked");

        // The filter goes along to the decision, and back.
        let page = marta.get("/approvals?team=mine&show=high");
        assert_eq!(hrefs(&page), [format!("/approvals/{high}?queue=show%3Dhigh%26team%3Dmine")]);
        let decision = marta.get(&hrefs(&page)[0]);
        assert_eq!(decision.value("input[name=queue]").as_deref(), Some("show=high&team=mine"));
    }
}

#[test]
fn after_a_decision_the_next_one_of_the_same_filter_is_offered() {
    for office in offices() {
        let month = desk(&office, "Month desk", Risk::Ordinary);
        let other = desk(&office, "Other desk", Risk::Ordinary);
        let mut all = crowd(&office, month, 1);
        let between = crowd(&office, other, 1);
        all.extend(crowd(&office, month, 2));
        let mut marta = office.house.signed_in(office.marta);
        let filter = format!("package={month}");
        let mut decide = |id: RequestId| {
            let stage = office.stage(id).to_string();
            let form = [
                ("stage", stage.as_str()),
                ("verdict", "approve"),
                ("note", ""),
                ("version", "1"),
                ("contents", "1"),
                ("queue", &filter),
            ];
            marta.get("/approvals");
            let done = marta.post(&format!("/approvals/{id}/decisions"), &form);
            assert_eq!(done.status, 303);
            let to = done.location().to_owned();
            let page = marta.get(&to);
            (to, page.texts("a[autofocus]"), hrefs(&page))
        };
        // In the middle: the one after it, though an older one waits.
        let (to, next, rows) = decide(all[1]);
        assert!(to.starts_with(&format!("/approvals?{filter}&page=")), "{to}");
        assert!(next[0].starts_with("Next: Month desk for Person"), "{next:?}");
        assert!(rows[0].starts_with(&format!("/approvals/{}?queue=", all[2])), "{rows:?}");
        // The last: from the beginning.
        let (to, next, rows) = decide(all[2]);
        assert_eq!(to, format!("/approvals?{filter}"));
        assert!(!next.is_empty() && rows[0].contains(&all[0].to_string()));
        // Nothing is left of the filter; another one waits.
        let (to, next, _) = decide(all[0]);
        assert_eq!((to, next.len()), (format!("/approvals?{filter}"), 0));
        let (to, ..) = decide(between[0]);
        assert_eq!(to, format!("/requests/{}", between[0]));
    }
}

#[test]
fn e32_queue_and_bulk_cost_the_same_for_25_and_300() {
    for office in offices() {
        let month = desk(&office, "Month desk", Risk::Ordinary);
        let some = crowd(&office, month, 25);
        let mut marta = office.house.signed_in(office.marta);
        let pages = |all: &[RequestId]| {
            let stages: Vec<String> =
                all.iter().take(100).map(|id| format!("stage={}", office.stage(*id))).collect();
            vec![
                "/approvals".to_owned(),
                "/approvals?show=high".into(),
                "/approvals?show=soon&team=others".into(),
                format!("/approvals?package={month}"),
                picks(&office, &all[..all.len().min(100)]),
                format!("/approvals/bulk/done?{}", stages.join("&")),
            ]
        };
        let mut cost = |all: &[RequestId]| -> Vec<u64> {
            let pages = pages(all);
            pages.iter().map(|path| office.statements(|| drop(marta.get(path)))).collect()
        };
        let few = cost(&some);
        let all: Vec<RequestId> = some.into_iter().chain(crowd(&office, month, 275)).collect();
        assert_eq!(cost(&all), few);
        assert!(few.iter().all(|n| *n <= 2 + 1 + 6), "{few:?}");
        assert!(few[..4].iter().all(|n| *n <= 2 + 1 + 4), "{few:?}");
        // Ticked are a hundred at most, and each is there.
        let page = marta.get(&picks(&office, &all[200..]));
        assert_eq!(items(&page).len(), 100);
    }
}

#[test]
fn what_one_decided_is_narrowed_by_verdict_and_period() {
    for office in offices() {
        let month = desk(&office, "Month desk", Risk::Ordinary);
        let all = crowd(&office, month, 3);
        let mut marta = office.house.signed_in(office.marta);
        marta.get("/approvals");
        send(&mut marta, &[item(&office, all[0])], "deny", "Not this week");
        office.house.clock.advance(3 * 86_400);
        marta = office.house.signed_in(office.marta);
        marta.get("/approvals");
        send(&mut marta, &[item(&office, all[1])], "approve", "");
        office.house.clock.advance(5 * 86_400);
        marta = office.house.signed_in(office.marta);
        for (query, rows) in [
            ("", 2),
            ("&verdict=deny", 1),
            ("&verdict=approve", 1),
            ("&days=7", 1),
            ("&days=30", 2),
            ("&verdict=deny&days=7", 0),
        ] {
            let page = marta.get(&format!("/approvals?state=done{query}"));
            assert_eq!(page.texts("tbody tr").len(), rows, "{query}");
            let file = marta.get(&format!("/approvals?state=done{query}&format=csv"));
            assert_eq!(file.body.lines().count(), 1 + rows, "{query}");
        }
        let denied = marta.get("/approvals?state=done&verdict=deny");
        assert!(denied.texts("tbody tr")[0].contains("“Not this week”"));
    }
}

#[test]
fn letters_are_shortcuts_unless_one_has_switched_them_off() {
    for office in offices() {
        let mut marta = office.house.signed_in(office.marta);
        assert_eq!(marta.get("/approvals").texts("#keys h2").len(), 1);
        let me: PersonId = office.marta;
        office.house.change(move |tx| {
            let off = (
                profiles::person_id.eq(me),
                profiles::mail.eq("all"),
                profiles::shortcuts.eq(false),
            );
            diesel::insert_into(profiles::table).values(off).execute(tx.db())?;
            Ok(())
        });
        assert!(marta.get("/approvals").texts("#keys h2").is_empty());
    }
}

#[test]
fn a_vote_that_was_cast_is_not_asked_for_again() {
    for office in offices() {
        let month = desk(&office, "Month desk", Risk::Ordinary);
        let all = crowd(&office, month, 2);
        let mut marta = office.house.signed_in(office.marta);
        office.approve(all[0], office.ingrid);
        let page = marta.get(&picks(&office, &all));
        assert_eq!(page.texts("h1"), ["Decide on 1 request for 1 person?"]);
        assert!(page.body.contains("1 of those that you ticked does not wait for you any more."));
        let waiting = stage_approvers::table.filter(stage_approvers::waiting.eq(true)).count();
        let waiting: i64 =
            office.house.site.db.read(|db| Ok(waiting.get_result(db)?)).expect("a count");
        assert_eq!(waiting, 2, "Marta and Ingrid, for the other");
    }
}
