//! More of a hundred contended requests: votes, policies, contents, stops, more time and giving back.

use std::sync::atomic::{AtomicUsize, Ordering};

use keyholder::kernel::{AssignmentId, Fact, PersonId, RequestId, Risk, StageId};
use keyholder::packages::incompatible::model::Other;
use keyholder::policies::model::{Asks, Extension, Lifetime, Terms};
use keyholder::policies::stages::{Alternates, StageTerms, Votes};
use keyholder::requests::model::{State, Verdict};
use keyholder::requests::stops::Thing;

use super::races::{CONTENDED, at_once, fine, requests, void};
use crate::support::world::{DAY, TARGET, World, by, by_group, named, order, terms};

type Asked = (PersonId, RequestId, StageId);

/// A request of each of a hundred people under these stages, with its open stage.
fn asked(w: &World, stages: Vec<StageTerms>) -> Vec<Asked> {
    let package = w.package(&[w.role("ledger")], terms(stages));
    let people = w.people(CONTENDED);
    let asked = w.ask_all(&people, package);
    people.into_iter().zip(asked).map(|(who, id)| (who, id, w.last_stage(id).id)).collect()
}

fn approve_all(w: &World, who: PersonId, all: &[Asked]) -> usize {
    let one = |(_, request, stage): &Asked| {
        fine(w.decide(who, *request, *stage, Verdict::Approve, "because"))
    };
    all.iter().filter(|asked| one(asked)).count()
}

/// Access of each of a hundred people that can be extended.
fn extendable(w: &World, approval: bool) -> Vec<(PersonId, AssignmentId)> {
    let extension = Some(Extension { approval, last_days: None });
    let stages = if approval { vec![by(&[w.dan], &[])] } else { vec![] };
    let terms = Terms { extension, ..terms(stages) };
    let package = w.package(&[w.role("ledger")], terms);
    let people = w.people(CONTENDED);
    let asked = w.ask_all(&people, package);
    if approval {
        for id in &asked {
            w.approve(w.dan, *id).unwrap();
        }
    }
    w.deliver();
    w.pass(DAY);
    people.into_iter().zip(asked).map(|(who, id)| (who, w.assignment(id).id)).collect()
}

#[test]
fn d37_the_last_two_votes_of_n_of_m_at_once() {
    let Some(w) = World::new() else { return };
    let stage =
        StageTerms { votes: Votes::Some { n: 3 }, ..by(&[w.ben, w.dan, w.eve, w.root], &[]) };
    let all = asked(&w, vec![stage, by(&[w.cleo], &[])]);
    assert_eq!(approve_all(&w, w.root, &all), CONTENDED);
    let votes = AtomicUsize::new(0);
    at_once(
        [w.ben, w.dan, w.eve]
            .into_iter()
            .map(|who| {
                let (w, all, votes) = (&w, &all, &votes);
                Box::new(move || void(votes.fetch_add(approve_all(w, who, all), Ordering::SeqCst)))
                    as Box<dyn FnOnce() + Send>
            })
            .collect(),
    );
    assert_eq!(votes.load(Ordering::SeqCst), 2 * CONTENDED, "the fourth comes too late");
    assert_eq!(w.facts("stage_approved").len(), CONTENDED);
    assert_eq!(w.facts("vote_cast").len(), 2 * CONTENDED);
    for (_, request, _) in all {
        assert_eq!((w.request(request).stage, w.deciders(request)), (2, vec!["Cleo".to_owned()]));
    }
}

#[test]
fn d37_the_last_vote_of_everyone_against_the_leaving_of_who_is_missing() {
    let Some(w) = World::new() else { return };
    for n in 0..CONTENDED / 4 {
        let leaver = w.person("Leaver");
        let stage = StageTerms { votes: Votes::Everyone, ..by(&[leaver, w.dan], &[]) };
        let request = w.ask(w.ada, w.package(&[], terms(vec![stage, by(&[w.eve], &[])]))).unwrap();
        let stage = w.last_stage(request).id;
        at_once(vec![
            Box::new(|| {
                w.decide(w.dan, request, stage, Verdict::Approve, "").unwrap();
            }),
            Box::new(|| w.leave(leaver)),
        ]);
        assert_eq!(w.deciders(request), ["Eve"], "round {n}: the next stage, once");
    }
}

#[test]
fn d37_a_vote_against_leaving_the_group() {
    let Some(w) = World::new() else { return };
    for n in 0..CONTENDED / 4 {
        let member = w.person("Member");
        let group = w.group(&[member, w.dan]);
        let request = w.ask(w.ada, w.package(&[], terms(vec![by_group(group, &[])]))).unwrap();
        let stage = w.last_stage(request).id;
        at_once(vec![
            Box::new(|| {
                fine(w.decide(member, request, stage, Verdict::Approve, ""));
            }),
            Box::new(|| w.import_group(group, &[w.dan])),
        ]);
        let decided = w.state(request) == State::Delivered;
        assert!(decided || w.deciders(request) == ["Dan"], "round {n}");
    }
}

#[test]
fn d05_a_vote_against_the_joining_of_alternates() {
    let Some(w) = World::new() else { return };
    let alternates =
        Alternates { after: 3, people: vec![named(w.eve)], groups: vec![], second_manager: false };
    let stage = StageTerms {
        alternates: Some(alternates),
        votes: Votes::Some { n: 2 },
        ..by(&[w.ben, w.dan], &[])
    };
    let all = asked(&w, vec![stage]);
    w.pass(3 * DAY);
    at_once(vec![
        Box::new(|| void(approve_all(&w, w.ben, &all))),
        Box::new(|| void(w.tick())),
        Box::new(|| void(w.tick())),
    ]);
    assert_eq!(w.facts("alternates_joined").len(), CONTENDED, "once each");
    for (_, request, _) in all {
        assert_eq!(w.deciders(request), ["Dan", "Eve"]);
    }
}

#[test]
fn d01_approval_and_submitting_against_editing_the_policy() {
    let Some(w) = World::new() else { return };
    let stages = || vec![by(&[w.dan], &[]), by(&[w.eve], &[])];
    let days = |days| Terms { lifetime: Lifetime::Days { days }, ..terms(stages()) };
    let (package, policy) = w.package_and_policy(&[w.role("ledger")], days(101));
    let (early, late) = (w.people(CONTENDED), w.people(CONTENDED));
    let open = w.ask_all(&early, package);
    at_once(vec![
        Box::new(|| {
            for request in &open {
                w.approve(w.dan, *request).unwrap();
                w.approve(w.eve, *request).unwrap();
            }
        }),
        Box::new(|| {
            for person in &late {
                w.ask(*person, package).unwrap();
            }
        }),
        Box::new(|| (102..122).for_each(|n| w.edit_policy(policy, &days(n)))),
    ]);
    w.deliver();
    for request in open {
        let there = w.request(request);
        assert_eq!((there.state, there.policy_version), (State::Delivered, 1));
        assert_eq!(w.assignment(request).ends_at, Some(w.now().plus_seconds(101 * DAY)));
    }
    for person in late {
        let there = w.request(w.requests_of(person, package)[0]);
        let version = u32::try_from(there.policy_version).unwrap();
        assert_eq!(there.terms.lifetime, Lifetime::Days { days: 100 + version }, "its version's");
    }
}

#[test]
fn d43_approval_and_submitting_against_a_new_high_risk_role() {
    let Some(w) = World::new() else { return };
    let (ledger, vault) = (w.role("ledger"), w.role_of("vault", Risk::High, false, TARGET));
    let package = w.package(&[ledger], terms(vec![by(&[w.dan], &[])]));
    let (early, late) = (w.people(CONTENDED), w.people(CONTENDED));
    let all: Vec<Asked> = early
        .iter()
        .zip(w.ask_all(&early, package))
        .map(|(who, id)| (*who, id, w.last_stage(id).id))
        .collect();
    at_once(vec![
        Box::new(|| void(approve_all(&w, w.dan, &all))),
        Box::new(|| {
            for person in &late {
                w.ask(*person, package).unwrap();
            }
        }),
        Box::new(|| w.set_contents(package, &[ledger, vault])),
    ]);
    w.deliver();
    let (mut approved, mut denied) = (0, 0);
    for (_, request, _) in &all {
        match w.state(*request) {
            State::Delivered => approved += 1,
            State::Denied => denied += 1,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(approved + denied, CONTENDED);
    for person in late {
        let there = w.request(w.requests_of(person, package)[0]);
        let open = there.state == State::PendingApproval;
        assert_eq!(open, there.contents_version == 2, "nobody waits for what is given no more");
    }
}

#[test]
fn d47_approval_and_submitting_against_the_stop() {
    let Some(w) = World::new() else { return };
    let package = w.package(&[w.role("ledger")], terms(vec![by(&[w.dan], &[])]));
    let (early, late) = (w.people(CONTENDED), w.people(CONTENDED));
    let all: Vec<Asked> = early
        .iter()
        .zip(w.ask_all(&early, package))
        .map(|(who, id)| (*who, id, w.last_stage(id).id))
        .collect();
    let held = AtomicUsize::new(0);
    at_once(vec![
        Box::new(|| void(approve_all(&w, w.dan, &all))),
        Box::new(|| {
            for person in &late {
                fine(w.ask(*person, package));
            }
        }),
        Box::new(|| held.store(w.stop(Thing::Package(package)), Ordering::SeqCst)),
    ]);
    let waiting = all.iter().filter(|(_, id, _)| w.state(*id) == State::PendingApproval).count();
    assert!(all.iter().all(|(_, id, _)| {
        let there = w.request(*id);
        (there.state == State::PendingApproval) == there.held_at.is_some()
    }));
    let late = late.iter().filter(|who| !w.requests_of(**who, package).is_empty()).count();
    assert_eq!(held.load(Ordering::SeqCst), waiting + late, "all that were open, and no others");
    w.deliver();
}

#[test]
fn d47_two_let_on_at_once_beside_a_stop() {
    let Some(w) = World::new() else { return };
    let all = requests(&w, &[w.dan], "ledger");
    let package = w.request(all[0].1).package_id;
    let (one, two) = (Thing::Package(package), Thing::Catalog(w.catalog));
    for _ in 0..5 {
        w.stop(one);
        w.stop(two);
        w.pass(60);
        at_once(vec![
            Box::new(|| void(w.let_on(one))),
            Box::new(|| void(w.let_on(two))),
            Box::new(|| void(approve_all(&w, w.dan, &all[..10]))),
        ]);
        assert!(all.iter().all(|(_, id, _)| w.request(*id).held_at.is_none()), "nothing hangs");
    }
    w.deliver();
}

#[test]
fn d06_asked_by_the_person_and_by_their_manager_at_once() {
    let Some(w) = World::new() else { return };
    let asks = Asks { manager: true, ..Asks::default() };
    let package = w.package(&[], Terms { asks, ..terms(vec![by(&[w.dan], &[])]) });
    let people = w.people(CONTENDED);
    for person in &people {
        w.set_manager(*person, Some(w.ben));
    }
    let made = AtomicUsize::new(0);
    let count = |fine: bool| void(made.fetch_add(usize::from(fine), Ordering::SeqCst));
    at_once(vec![
        Box::new(|| people.iter().for_each(|who| count(fine(w.ask(*who, package))))),
        Box::new(|| {
            let ask = |who: &PersonId| fine(w.ask_for(w.ben, *who, order(package)));
            people.iter().for_each(|who| count(ask(who)));
        }),
    ]);
    assert_eq!(made.load(Ordering::SeqCst), CONTENDED, "one each");
    assert!(people.iter().all(|who| w.requests_of(*who, package).len() == 1));
}

#[test]
fn d11_more_time_against_the_end() {
    for approval in [false, true] {
        let Some(w) = World::new() else { return };
        let all = extendable(&w, approval);
        at_once(vec![
            Box::new(|| {
                for (who, id) in &all {
                    fine(w.extend(*who, *id));
                }
            }),
            Box::new(|| all.iter().for_each(|(_, id)| w.end(w.cleo, *id).unwrap())),
        ]);
        w.deliver();
        assert_eq!(w.facts("assignment_ended").len(), CONTENDED);
        let asked = w.facts("extension_requested").len();
        let over = if approval { "request_denied" } else { "assignment_extended" };
        assert_eq!(w.facts(over).len(), asked, "none is left open");
    }
}

#[test]
fn d11_its_approval_against_the_end_by_time() {
    let Some(w) = World::new() else { return };
    let all = extendable(&w, true);
    let open: Vec<Asked> = all
        .iter()
        .map(|(who, id)| (*who, w.extend(*who, *id).unwrap()))
        .map(|(who, id)| (who, id, w.last_stage(id).id))
        .collect();
    // Two stages' time would run out first: it is decided on the last day of access.
    w.pass(13 * DAY);
    let package = w.request(open[0].1).package_id;
    w.stop(Thing::Package(package));
    w.pass(76 * DAY - 1);
    w.let_on(Thing::Package(package));
    w.pass(1);
    at_once(vec![Box::new(|| void(approve_all(&w, w.dan, &open))), Box::new(|| void(w.tick()))]);
    let ended = w.facts("assignment_ended").len();
    assert_eq!(w.facts("assignment_extended").len() + ended, CONTENDED);
    assert_eq!(w.facts("request_denied").len(), ended);
    w.deliver();
}

#[test]
fn d42_giving_back_against_more_time_and_against_the_owner() {
    for approval in [false, true] {
        let Some(w) = World::new() else { return };
        let all = extendable(&w, approval);
        at_once(vec![
            Box::new(|| {
                for (who, id) in &all {
                    fine(w.extend(*who, *id));
                }
            }),
            Box::new(|| {
                for (who, id) in all.iter().rev() {
                    fine(w.give_back(*who, *id));
                }
            }),
            Box::new(|| {
                for (_, id) in &all[..CONTENDED / 2] {
                    fine(w.end(w.cleo, *id));
                }
            }),
        ]);
        w.deliver();
        assert_eq!(w.facts("assignment_ended").len(), CONTENDED, "each ends once");
        assert!(w.facts("given_back").len() >= CONTENDED / 2);
    }
}

#[test]
fn d42_taken_again_twice_at_once_is_taken_once() {
    let Some(w) = World::new() else { return };
    let all = extendable(&w, false);
    let back: Vec<_> =
        all.iter().map(|(who, id)| (*who, w.give_back(*who, *id).unwrap())).collect();
    w.pass(60);
    let take = || {
        for (who, id) in &back {
            fine(w.take_again(*who, *id));
        }
    };
    at_once(vec![Box::new(take), Box::new(take)]);
    assert_eq!(w.facts("taken_again").len(), CONTENDED);
    w.deliver();
}

#[test]
fn d10_assigning_against_asking_and_against_assigning() {
    let Some(w) = World::new() else { return };
    let (package, policy) = w.package_and_policy(&[w.role("ledger")], terms(vec![]));
    let people = w.people(CONTENDED);
    let assign = |by: PersonId| {
        for who in &people {
            fine(w.assign(by, crate::support::acts::assignment(package, policy, *who)));
        }
    };
    at_once(vec![
        Box::new(|| assign(w.cleo)),
        Box::new(|| assign(w.root)),
        Box::new(|| {
            for who in people.iter().rev() {
                fine(w.ask(*who, package));
            }
        }),
    ]);
    assert_eq!(w.facts("assignment_started").len(), CONTENDED, "one each");
    w.deliver();
}

#[test]
fn d07_the_two_sides_approved_at_once_have_one_outcome() {
    let Some(w) = World::new() else { return };
    let [enter, approve] = ["enter", "approve"]
        .map(|role| w.package(&[w.role(role)], terms(vec![by(&[w.dan, w.eve], &[])])));
    w.apart(approve, Other::Package(enter), true);
    let people = w.people(CONTENDED);
    let ask = |package| -> Vec<Asked> {
        let asked = w.ask_all(&people, package);
        let each = people.iter().zip(asked);
        each.map(|(who, id)| (*who, id, w.last_stage(id).id)).collect()
    };
    let (one, other) = (ask(enter), ask(approve));
    at_once(vec![
        Box::new(|| assert_eq!(approve_all(&w, w.dan, &one), CONTENDED)),
        Box::new(|| assert_eq!(approve_all(&w, w.eve, &other), CONTENDED)),
    ]);
    for ((_, a, _), (_, b, _)) in one.iter().zip(&other) {
        let both = [w.state(*a), w.state(*b)];
        assert!(
            both.contains(&State::Delivering) && both.contains(&State::Denied),
            "one of them is given, the other is denied by the rule: {both:?}"
        );
    }
    assert_eq!(w.facts("request_denied").len(), CONTENDED);
    w.settle();
}

#[test]
fn d19_a_rule_is_added_while_access_starts() {
    let Some(w) = World::new() else { return };
    let enter = w.package(&[], terms(vec![]));
    let people = w.people(CONTENDED / 4);
    w.ask_all(&people, enter);
    for n in 0..4 {
        let approve = w.package(&[w.role(&format!("pay {n}"))], terms(vec![by(&[w.dan], &[])]));
        let asked = w.ask_all(&people, approve);
        let all: Vec<Asked> =
            people.iter().zip(asked).map(|(who, id)| (*who, id, w.last_stage(id).id)).collect();
        at_once(vec![
            Box::new(|| void(approve_all(&w, w.dan, &all))),
            Box::new(|| {
                w.apart(approve, Other::Package(enter), true);
            }),
        ]);
        let given = all.iter().filter(|(_, id, _)| w.has_assignment(*id)).count();
        let denied = all.iter().filter(|(_, id, _)| w.state(*id) == State::Denied).count();
        assert_eq!(given + denied, people.len());
        let told = w.facts("incompatibility_added");
        let Some(Fact::IncompatibilityAdded { holders, .. }) = told.last().map(|t| &t.fact) else {
            panic!("no fact")
        };
        assert_eq!(usize::try_from(*holders).unwrap(), given, "the rule knows who has both");
        for (_, id, _) in all.iter().filter(|(_, id, _)| w.has_assignment(*id)) {
            w.end(w.cleo, w.assignment(*id).id).unwrap();
        }
        w.settle();
    }
}
