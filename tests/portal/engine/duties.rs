//! Separation of duties (D7, D19): what is incompatible is not held together, unless it was before the rule or an
//! exception was approved.

use keyholder::access::policy::{self, AskStanding};
use keyholder::error::{Error, Result};
use keyholder::kernel::fact::EndReason;
use keyholder::kernel::{BasketId, Fact, IncompatibilityId, PackageId, PersonId, RequestId};
use keyholder::packages::incompatible::model::{Beside, Other};
use keyholder::packages::incompatible::store;
use keyholder::policies::model::{Asks, Extension, Terms};
use keyholder::requests::commands::{self, Basket, Item, Submit};
use keyholder::requests::eligibility::position;
use keyholder::requests::forms::AskForm;
use keyholder::requests::model::{State, Verdict};
use keyholder::requests::rules::Period;
use keyholder::requests::store::{around, count_asked};

use super::races::{CONTENDED, at_once, fine};
use crate::support::acts::assignment;
use crate::support::world::{DAY, World, at, by, order, refused, terms};

fn wrong<T: std::fmt::Debug>(result: Result<T>) -> Vec<String> {
    match result {
        Err(Error::Invalid(errors)) => errors.into_iter().map(|e| e.field.to_string()).collect(),
        other => panic!("{other:?}"),
    }
}

/// Two packages that Dan decides on.
fn two(w: &World) -> (PackageId, PackageId) {
    let make = |role| w.package(&[w.role(role)], terms(vec![by(&[w.dan], &[])]));
    (make("enter"), make("approve"))
}

/// Somebody has a package now.
fn has(w: &World, who: PersonId, package: PackageId) -> RequestId {
    let id = w.ask(who, package).unwrap();
    w.approve(w.dan, id).unwrap();
    w.settle();
    id
}

/// A request for an exception until a day.
fn exception(package: PackageId, until: &str) -> Submit {
    let period = Period { starts: None, ends: Some(at(until)) };
    Submit { exception: true, period, ..order(package) }
}

/// The rule by which the system denied a request.
fn denied_by(w: &World, request: RequestId) -> String {
    assert_eq!(w.state(request), State::Denied);
    match &w.facts_of("request_denied", request)[..] {
        [told] => match &told.fact {
            Fact::RequestDenied { rule } => rule.clone(),
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

#[test]
fn d07_who_has_the_one_cannot_ask_for_the_other_whichever_comes_first() {
    let Some(w) = World::new() else { return };
    let (enter, approve) = two(&w);
    w.apart(approve, Other::Package(enter), true);
    has(&w, w.ada, enter);
    has(&w, w.eve, approve);
    for (who, wanted) in [(w.ada, approve), (w.eve, enter)] {
        let no = refused(w.ask(who, wanted));
        assert!(no.title.starts_with("You cannot have Package"), "{}", no.title);
        assert!(no.why.contains("nobody pays what they entered"), "{}", no.why);
        assert_eq!(no.ways[0].0, "Request an exception");
    }
    // What somebody has given back is in nobody's way.
    w.give_back(w.ada, w.assignment(w.requests_of(w.ada, enter)[0]).id).unwrap();
    w.ask(w.ada, approve).unwrap();
    w.settle();
}

#[test]
fn d19_one_way_is_one_way() {
    let Some(w) = World::new() else { return };
    let (enter, approve) = two(&w);
    w.apart(approve, Other::Package(enter), false);
    has(&w, w.ada, enter);
    refused(w.ask(w.ada, approve));
    has(&w, w.eve, approve);
    has(&w, w.eve, enter);
}

#[test]
fn d07_members_of_a_group_cannot_ask() {
    let Some(w) = World::new() else { return };
    let (enter, _) = two(&w);
    let auditors = w.group(&[w.eve]);
    w.apart(enter, Other::Group(auditors), true);
    has(&w, w.ada, enter);
    refused(w.ask(w.eve, enter));
    w.leave_group(auditors, w.eve);
    has(&w, w.eve, enter);
}

#[test]
fn d07_both_may_be_asked_for_and_the_second_one_that_is_approved_is_denied_by_the_rule() {
    let Some(w) = World::new() else { return };
    let (enter, approve) = two(&w);
    w.apart(approve, Other::Package(enter), true);
    let one = w.ask(w.ada, enter).unwrap();
    let count =
        |w: &World| w.db.read(|db| count_asked(db, enter, Other::Package(approve), true)).unwrap();
    assert_eq!(count(&w), 0);
    let other = w.ask(w.ada, approve).unwrap();
    has(&w, w.eve, enter);
    assert_eq!(count(&w), 1, "waits for both");
    // Whoever decides on the one sees that the other is asked for, too.
    let (stands, would) = w.db.read(|db| around(db, w.ada, enter)).unwrap();
    assert!(stands.is_empty());
    assert_eq!(would.iter().map(|c| c.with.clone()).len(), 1);
    assert!(w.db.read(|db| around(db, w.eve, enter)).unwrap().1.is_empty());
    w.approve(w.dan, other).unwrap();
    let (stands, would) = w.db.read(|db| around(db, w.ada, enter)).unwrap();
    assert_eq!((stands.len(), would.len()), (1, 0), "it is no wish any more");
    w.approve(w.dan, one).unwrap();
    assert_eq!(w.state(other), State::Delivering);
    let rule = denied_by(&w, one);
    assert!(rule.starts_with("it is incompatible with Package"), "{rule}");
    assert!(!w.has_assignment(one));
    w.settle();
    let told = w.notices(w.ada);
    assert!(told.iter().any(|n| n.contains("denied by a rule: it is incompatible")), "{told:?}");
}

/// Both sides are approved at the same moment, by two people: each person gets one of the two, the other is denied by the
/// rule, and they read both.
#[test]
fn d07_two_sides_approved_at_once_give_one_of_them() {
    let Some(w) = World::new() else { return };
    let make = |role, decider| w.package(&[w.role(role)], terms(vec![by(&[decider], &[])]));
    let (enter, approve) = (make("enter", w.dan), make("approve", w.ben));
    w.apart(approve, Other::Package(enter), true);
    let people = w.people(CONTENDED);
    let both: Vec<(RequestId, RequestId)> =
        w.ask_all(&people, enter).into_iter().zip(w.ask_all(&people, approve)).collect();
    let stage = |id: &RequestId| w.last_stage(*id).id;
    let stages: Vec<_> = both.iter().map(|(a, b)| (stage(a), stage(b))).collect();
    at_once(vec![
        Box::new(|| {
            for ((request, _), (stage, _)) in both.iter().zip(&stages) {
                fine(w.decide(w.dan, *request, *stage, Verdict::Approve, ""));
            }
        }),
        Box::new(|| {
            for ((_, request), (_, stage)) in both.iter().zip(&stages) {
                fine(w.decide(w.ben, *request, *stage, Verdict::Approve, ""));
            }
        }),
    ]);
    w.settle();
    w.dispatch();
    for (person, (one, other)) in people.iter().zip(&both) {
        let (has, denied) =
            if w.state(*one) == State::Delivered { (one, other) } else { (other, one) };
        assert_eq!(w.state(*has), State::Delivered);
        assert!(denied_by(&w, *denied).starts_with("it is incompatible with"));
        assert!(w.has_assignment(*has) && !w.has_assignment(*denied));
        let told = w.notices(*person);
        assert!(told.iter().any(|n| n.contains("denied by a rule")), "{told:?}");
    }
}

#[test]
fn d07_it_is_checked_at_each_approval_and_what_is_scheduled_counts() {
    let Some(w) = World::new() else { return };
    let (enter, _) = two(&w);
    let stages = vec![by(&[w.dan], &[]), by(&[w.eve], &[])];
    let approve = w.package(&[], terms(stages));
    w.apart(approve, Other::Package(enter), true);
    let open = w.ask(w.ada, approve).unwrap();
    let later = Period { starts: Some(at("2026-04-01T00:00:00Z")), ends: None };
    let soon = w.submit(w.ada, Submit { period: later, ..order(enter) }).unwrap();
    w.approve(w.dan, soon).unwrap();
    assert_eq!(w.state(soon), State::Scheduled);
    w.approve(w.dan, open).unwrap();
    denied_by(&w, open);
    assert_eq!(w.stages(open).len(), 1, "nobody was asked for nothing");
    w.settle();
}

#[test]
fn d07_a_rule_that_came_meanwhile_denies_what_was_to_start() {
    let Some(w) = World::new() else { return };
    let (enter, approve) = two(&w);
    let later = Period { starts: Some(at("2026-03-09T00:00:00Z")), ends: None };
    let soon = w.submit(w.ada, Submit { period: later, ..order(approve) }).unwrap();
    w.approve(w.dan, soon).unwrap();
    has(&w, w.ada, enter);
    w.apart(approve, Other::Package(enter), true);
    w.pass(8 * DAY);
    w.settle();
    denied_by(&w, soon);
    let ended = w.assignment(soon);
    assert!(ended.started_at.is_none() && ended.ended_at.is_some());
    let facts = w.facts_of("assignment_ended", soon);
    let not_eligible =
        |f: &Fact| matches!(f, Fact::AssignmentEnded { why: EndReason::NotEligible });
    assert!(facts.iter().all(|told| not_eligible(&told.fact)), "{facts:?}");
    assert!(w.assignment(w.requests_of(w.ada, enter)[0]).ended_at.is_none(), "what they had");
}

#[test]
fn d07_of_two_that_are_scheduled_the_second_one_to_start_is_denied() {
    let Some(w) = World::new() else { return };
    let (enter, approve) = two(&w);
    let soon = |package, day| {
        let period = Period { starts: Some(at(day)), ends: None };
        let id = w.submit(w.ada, Submit { period, ..order(package) }).unwrap();
        w.approve(w.dan, id).unwrap();
        id
    };
    let first = soon(enter, "2026-03-09T00:00:00Z");
    let second = soon(approve, "2026-03-10T00:00:00Z");
    w.apart(approve, Other::Package(enter), true);
    w.pass(7 * DAY);
    w.settle();
    w.pass(DAY);
    w.settle();
    assert_eq!(w.state(first), State::Delivered);
    denied_by(&w, second);
}

#[test]
fn d07_on_behalf_and_in_the_basket() {
    let Some(w) = World::new() else { return };
    let (enter, _) = two(&w);
    let asks = Asks { manager: true, ..Asks::default() };
    let approve = w.package(&[], Terms { asks, ..terms(vec![by(&[w.dan], &[])]) });
    let other = w.package(&[], terms(vec![by(&[w.dan], &[])]));
    w.apart(approve, Other::Package(enter), true);
    let ada = w.ada;
    let kept = w.now();
    for package in [other, approve] {
        w.by(ada, move |tx| {
            let position = position(tx.db(), ada, ada, package)?;
            let permit = policy::request_access(tx.actor(), &position.standing())?;
            commands::keep_draft(tx, &permit, &position, &AskForm::fresh(), Some(true))
        })
        .unwrap();
    }
    has(&w, w.ada, enter);
    let no = refused(w.ask_for(w.ben, w.ada, order(approve)));
    assert!(no.title.starts_with("Ada cannot have"), "{}", no.title);
    let item = |package| Item { submit: order(package), name: "P".into(), kept };
    let basket = Basket { id: BasketId::fresh(), items: vec![item(other), item(approve)] };
    let sent = w.by(ada, move |tx| {
        let permit = policy::request_access(tx.actor(), &AskStanding::own(ada))?;
        commands::send(tx, &permit, &basket)
    });
    assert_eq!(wrong(sent), [format!("item-{approve}")], "it is sent whole or not at all");
    assert!(w.requests_of(w.ada, other).is_empty());
}

#[test]
fn d10_what_is_assigned_directly_obeys_it_too() {
    let Some(w) = World::new() else { return };
    let (enter, _) = two(&w);
    let (approve, policy) = w.package_and_policy(&[], terms(vec![]));
    w.apart(enter, Other::Package(approve), true);
    has(&w, w.ada, enter);
    for owner in [w.cleo, w.root] {
        let no = refused(w.assign(owner, assignment(approve, policy, w.ada)));
        assert!(no.title.starts_with("Ada cannot have"), "{}", no.title);
    }
    w.assign(w.cleo, assignment(approve, policy, w.eve)).unwrap();
    w.settle();
}

#[test]
fn d19_a_new_rule_takes_nothing_from_anybody_and_is_told_to_the_other_catalogs_owners() {
    let Some(mut w) = World::new() else { return };
    let (enter, _) = two(&w);
    let home = w.catalog;
    w.catalog = w.catalog_of(&[w.eve]);
    let extension = Some(Extension { approval: false, last_days: None });
    let approve = w.package(&[w.role("far")], Terms { extension, ..terms(vec![]) });
    w.catalog = home;
    has(&w, w.ada, enter);
    let kept = w.ask(w.ada, approve).unwrap();
    w.settle();
    w.pass(DAY);
    let rule = w.apart(enter, Other::Package(approve), true);
    let Fact::IncompatibilityAdded { holders, .. } = w.facts("incompatibility_added")[0].fact
    else {
        panic!("no fact")
    };
    assert_eq!(holders, 1);
    w.settle();
    assert_eq!(w.state(kept), State::Delivered);
    assert!(w.assignment(kept).ended_at.is_none());
    w.extend(w.ada, w.assignment(kept).id).unwrap();
    let both = |w: &World| {
        w.db.read(|db| store::holders(db, enter, Other::Package(approve), None, 10)).unwrap()
    };
    assert_eq!(both(&w)[0].person, w.ada);
    assert!(both(&w)[0].exception().is_none());
    let told = w.notices(w.eve);
    assert!(told.iter().any(|n| n.contains("incompatible")), "{told:?}");
    assert!(w.notices(w.dan).iter().all(|n| !n.contains("incompatible")));
    w.together(enter, rule).unwrap();
    w.together(enter, rule).unwrap();
    assert_eq!(w.facts("incompatibility_removed").len(), 2, "one for each catalog, and once");
    w.settle();
}

#[test]
fn d19_a_rule_is_checked_before_it_is_kept() {
    let Some(w) = World::new() else { return };
    let (enter, approve) = two(&w);
    let add =
        |package, other, mutual, reason: &str| w.try_apart(w.cleo, package, other, mutual, reason);
    assert_eq!(wrong(add(enter, Other::Package(enter), true, "R")), ["other"], "itself");
    assert_eq!(wrong(add(enter, Other::Package(approve), true, " ")), ["reason"]);
    let strange = add(enter, Other::Package(PackageId::fresh()), true, "R");
    assert!(matches!(strange, Err(Error::Missing)), "{strange:?}");
    let stranger = w.try_apart(w.dan, enter, Other::Package(approve), true, "R");
    assert!(matches!(stranger, Err(Error::Missing | Error::Denied(_))), "{stranger:?}");
    let rule = add(enter, Other::Package(approve), false, "R").unwrap();
    assert_eq!(wrong(add(enter, Other::Package(approve), true, "R")), ["other"], "twice");
    assert_eq!(wrong(add(approve, Other::Package(enter), true, "R")), ["other"], "says more");
    let back = add(approve, Other::Package(enter), false, "R").unwrap();
    assert_ne!(rule, back, "the other way is another rule");
    assert!(matches!(w.together(approve, rule), Err(Error::Missing)), "of another package");
    w.together(enter, IncompatibilityId::fresh()).unwrap();
    assert_eq!(w.facts("incompatibility_added").len(), 2);
}

#[test]
fn d19_an_exception_is_approved_by_the_other_owners_too_and_ends() {
    let Some(mut w) = World::new() else { return };
    let home = w.catalog;
    // Ada looks after the other catalog herself, beside Eve: she is left out.
    w.catalog = w.catalog_of(&[w.eve, w.ada]);
    let far = w.package(&[w.role("far")], terms(vec![]));
    w.catalog = home;
    let extension = Some(Extension { approval: false, last_days: None });
    let approve =
        w.package(&[w.role("pay")], Terms { extension, ..terms(vec![by(&[w.dan], &[])]) });
    let rule = w.apart(approve, Other::Package(far), true);
    w.ask(w.ada, far).unwrap();
    w.settle();
    assert_eq!(wrong(w.submit(w.ada, Submit { exception: true, ..order(approve) })), ["ends"]);
    let late = exception(approve, "2026-06-02T00:00:00Z");
    assert_eq!(wrong(w.submit(w.ada, late)), ["ends"], "90 days at most");
    let silent = Submit { reason: String::new(), ..exception(approve, "2026-03-20T00:00:00Z") };
    assert_eq!(wrong(w.submit(w.ada, silent)), ["reason"]);

    let asked = w.submit(w.ada, exception(approve, "2026-03-20T00:00:00Z")).unwrap();
    let there = w.request(asked);
    assert!(there.exception);
    assert_eq!(there.terms.exception[0].id, rule);
    assert_eq!(w.facts_of("exception_requested", asked).len(), 1);
    assert_eq!(w.deciders(asked), ["Dan"]);
    let stage = w.last_stage(asked).id;
    assert_eq!(wrong(w.decide(w.dan, asked, stage, Verdict::Approve, "")), ["note"], "D39");
    w.decide(w.dan, asked, stage, Verdict::Approve, "it is audited").unwrap();
    assert_eq!(w.deciders(asked), ["Eve"], "the owner who profits is left out");
    w.decide(w.eve, asked, w.last_stage(asked).id, Verdict::Approve, "for the audit").unwrap();
    w.settle();
    assert_eq!(w.state(asked), State::Delivered);
    let held = w.assignment(asked);
    assert_eq!(held.ends_at, Some(at("2026-03-20T00:00:00Z")));
    let both = w.db.read(|db| store::holders(db, approve, Other::Package(far), None, 9)).unwrap();
    assert_eq!(both[0].exception().unwrap().until, held.ends_at);

    let no = refused(w.extend(w.ada, held.id));
    assert!(no.why.contains("an exception is not extended"), "{}", no.why);
    let back = w.give_back(w.ada, held.id).unwrap();
    w.settle();
    let no = refused(w.take_again(w.ada, back));
    assert!(no.why.contains("an exception is asked for each time"), "{}", no.why);
    refused(w.ask(w.ada, approve));
    w.submit(w.ada, exception(approve, "2026-03-20T00:00:00Z")).unwrap();
    w.settle();
}

#[test]
fn d19_an_exception_covers_its_own_rules_only_and_is_asked_for_only_where_one_is_needed() {
    let Some(w) = World::new() else { return };
    let (enter, approve) = two(&w);
    let third = w.package(&[], terms(vec![]));
    let no = refused(w.submit(w.ada, exception(approve, "2026-03-20T00:00:00Z")));
    assert_eq!(no.title, "No exception is needed any more");
    w.apart(approve, Other::Package(enter), true);
    has(&w, w.ada, enter);
    let asked = w.submit(w.ada, exception(approve, "2026-03-20T00:00:00Z")).unwrap();
    w.ask(w.ada, third).unwrap();
    w.apart(approve, Other::Package(third), true);
    w.decide(w.dan, asked, w.last_stage(asked).id, Verdict::Approve, "fine").unwrap();
    denied_by(&w, asked);
    w.settle();
}

#[test]
fn d19_without_a_stage_of_the_policy_there_is_a_human_one() {
    let Some(w) = World::new() else { return };
    let (free, other) = (w.package(&[], terms(vec![])), w.package(&[], terms(vec![])));
    w.apart(free, Other::Package(other), true);
    w.ask(w.ada, other).unwrap();
    // Cleo, who looks after both, asks for herself: an administrator decides.
    w.ask(w.cleo, other).unwrap();
    let until = "2026-03-20T00:00:00Z";
    let asked = w.submit(w.ada, exception(free, until)).unwrap();
    assert_eq!(w.deciders(asked), ["Cleo"]);
    let own = w.submit(w.cleo, exception(free, until)).unwrap();
    assert_eq!(w.deciders(own), ["Root"]);
    w.settle();
}

#[test]
fn e32_what_stands_against_many_packages_is_read_in_three_statements() {
    let Some(w) = World::new() else { return };
    let held = w.package(&[], terms(vec![]));
    let group = w.group(&[w.eve]);
    w.ask(w.ada, held).unwrap();
    for rows in [2, 30] {
        let all: Vec<PackageId> = (0..rows).map(|_| w.package(&[], terms(vec![]))).collect();
        for package in &all {
            w.apart(*package, Other::Package(held), true);
        }
        w.apart(all[0], Other::Group(group), true);
        let before = w.db.statements_read();
        let found = w.db.read(|db| store::conflicts(db, w.ada, &all, Beside::NowOrSoon)).unwrap();
        assert_eq!(found.len(), rows);
        assert_eq!(w.db.statements_read() - before, 3, "{rows} packages");
        let before = w.db.statements_read();
        w.db.read(|db| position(db, w.ada, w.ada, all[0])).unwrap();
        assert!(w.db.statements_read() - before <= 12);
    }
    w.settle();
}
