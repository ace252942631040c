//! Stand-ins (D34, D45): who decides in whose place, until when, and what stays with whom.

use std::sync::atomic::{AtomicUsize, Ordering};

use chrono::{Days, NaiveDate};
use keyholder::access::{Actor, policy};
use keyholder::db::load_actor;
use keyholder::error::{Error, Result};
use keyholder::kernel::{Fact, Kind, PackageId, PersonId, RequestId, StandInId};
use keyholder::policies::model::Terms;
use keyholder::policies::stages::{StageTerms, Votes};
use keyholder::requests::model::{State, Verdict};
use keyholder::requests::store;
use keyholder::standing_in::model::NewPeriod;
use keyholder::standing_in::{commands, jobs};

use super::races::at_once;
use crate::support::world::{DAY, World, by, by_manager, refused, terms, undo_seconds};

impl World {
    fn today(&self) -> NaiveDate {
        self.db.zone().date(self.now())
    }

    /// A week from today on, for all packages.
    fn stands(&self, person: PersonId, stand_in: PersonId) -> Result<StandInId> {
        self.stands_for(person, stand_in, None)
    }

    fn stands_for(
        &self,
        person: PersonId,
        stand_in: PersonId,
        packages: Option<Vec<PackageId>>,
    ) -> Result<StandInId> {
        let (first, id) = (self.today(), StandInId::fresh());
        let last = first + Days::new(6);
        let new = NewPeriod { id, person, stand_in, first, last, packages };
        self.by(person, move |tx| {
            let permit = policy::set_stand_in(tx.actor(), person, Kind::Member)?;
            Ok(commands::set(tx, &permit, &new)?.id)
        })
    }

    fn ends(&self, who: PersonId, id: StandInId) -> Result<bool> {
        self.by(who, move |tx| {
            let period = keyholder::standing_in::store::one(tx.db(), id)?;
            let (away, stand_in) = (period.person.0, period.stand_in.0);
            let permit = policy::end_stand_in(tx.actor(), away, stand_in, id)?;
            commands::end(tx, &permit, id)
        })
    }

    /// What waits for somebody, by the queue.
    fn queue_of(&self, person: PersonId) -> Vec<RequestId> {
        let now = self.now();
        let queue = self.db.read(|db| {
            let person = load_actor(db, person, now)?.expect("a person");
            store::queue(db, &person, None, 1_000)
        });
        queue.unwrap().into_iter().map(|waiting| waiting.request.id).collect()
    }

    /// May somebody decide it now, by the policy?
    fn may(&self, person: PersonId, request: RequestId) -> bool {
        let now = self.now();
        let may = self.db.read(|db| {
            let person = load_actor(db, person, now)?.expect("a person");
            let request = store::one(db, request)?;
            let standing = store::standing(db, &request)?;
            Ok(policy::decide_stage(&Actor::Person(person), &standing).is_ok())
        });
        may.unwrap()
    }
}

fn instead_of(w: &World, kind: &str, request: RequestId) -> Option<String> {
    w.facts_of(kind, request)[0].fact.instead_of().map(str::to_owned)
}

#[test]
fn d34_a_chain_decides_in_the_place_of_the_first_and_each_is_told_once() {
    let Some(w) = World::new() else { return };
    w.stands(w.ben, w.dan).unwrap();
    w.stands(w.dan, w.eve).unwrap();
    w.dispatch();
    let before = [w.ben, w.dan, w.eve].map(|person| w.notices(person).len());
    let request = w.ask(w.ada, w.package(&[], terms(vec![by_manager(&[])]))).unwrap();
    w.dispatch();
    for (person, before) in [w.ben, w.dan, w.eve].into_iter().zip(before) {
        assert_eq!(w.notices(person).len(), before + 1, "one notice each");
        assert_eq!(w.queue_of(person), [request]);
    }
    w.approve(w.eve, request).unwrap();
    assert_eq!(instead_of(&w, "stage_approved", request).as_deref(), Some("Ben"));
    let vote = &w.approvers(request)[0];
    assert_eq!(
        (vote.person, vote.voted_by, vote.said_by()),
        (w.ben, Some(w.eve), "Eve, standing in for Ben".to_owned())
    );
    for late in [w.ben, w.dan] {
        let no = refused(w.deny(late, request));
        assert!(no.why.contains("Eve, standing in for Ben, approved it"), "{}", no.why);
        assert!(w.queue_of(late).is_empty());
    }
}

#[test]
fn d34_each_link_holds_in_its_time_and_for_its_packages() {
    let Some(w) = World::new() else { return };
    let [one, other] = [(); 2].map(|()| w.package(&[], terms(vec![by(&[w.ben], &[])])));
    let (first, second) = (w.ask(w.ada, one).unwrap(), w.ask(w.ada, other).unwrap());
    let period = w.stands(w.ben, w.dan).unwrap();
    w.ask(w.cleo, w.package(&[], terms(vec![by(&[w.dan], &[])]))).unwrap();
    let theirs = w.package(&[], terms(vec![by(&[w.dan], &[])]));
    w.stands_for(w.dan, w.eve, Some(vec![theirs])).unwrap();
    assert_eq!(w.queue_of(w.dan).len(), 3);
    assert!(w.queue_of(w.eve).is_empty(), "only for that package");
    let no = w.stands_for(w.ben, w.eve, Some(vec![one]));
    assert!(matches!(no, Err(Error::Invalid(_))), "Dan stands in for it already");
    w.pass(7 * DAY);
    assert!(matches!(w.approve(w.dan, first), Err(Error::Refused(_))), "his time is over");
    assert!(w.queue_of(w.dan).len() < 3);
    assert_eq!(jobs::run_due(&w.db).unwrap(), 2);
    let ended = w.facts("stand_in_ended");
    let told = |early: bool| {
        ended
            .iter()
            .filter(move |t| matches!(t.fact, Fact::StandInEnded { early: e, .. } if e == early))
    };
    assert_eq!((told(false).count(), told(true).count()), (2, 0));
    assert!(!w.ends(w.ben, period).unwrap(), "it is over already");
    w.approve(w.ben, second).unwrap();
}

#[test]
fn d02_a_stand_in_never_decides_on_their_own_access_and_the_chain_stops_there() {
    let Some(w) = World::new() else { return };
    w.stands(w.ben, w.dan).unwrap();
    w.stands(w.dan, w.eve).unwrap();
    let package = w.package(&[], terms(vec![by(&[w.ben], &[])]));
    let dans = w.ask(w.dan, package).unwrap();
    let eves = w.ask(w.eve, package).unwrap();
    w.dispatch();
    assert!(matches!(w.approve(w.dan, dans), Err(Error::Denied(_))));
    assert!(matches!(w.approve(w.eve, dans), Err(Error::Missing)), "nobody goes past him");
    assert!(matches!(w.approve(w.eve, eves), Err(Error::Denied(_))));
    assert!(w.queue_of(w.eve).is_empty());
    assert_eq!(w.queue_of(w.dan), [eves]);
    assert!(w.notices(w.eve).iter().all(|n| !n.contains("Stage")), "{:?}", w.notices(w.eve));
    w.approve(w.dan, eves).unwrap();
    w.approve(w.ben, dans).unwrap();
}

#[test]
fn d37_one_vote_a_person_also_for_a_stand_in_of_several() {
    let Some(w) = World::new() else { return };
    w.stands(w.ben, w.dan).unwrap();
    w.stands(w.cleo, w.dan).unwrap();
    let stage = StageTerms { votes: Votes::Everyone, ..by(&[w.ben, w.cleo], &[]) };
    let both = w.ask(w.ada, w.package(&[], terms(vec![stage]))).unwrap();
    assert_eq!(w.queue_of(w.dan), [both], "once, though he could stand in for two");
    w.approve(w.dan, both).unwrap();
    assert!(w.queue_of(w.dan).is_empty());
    assert!(w.approve(w.dan, both).is_err(), "one vote a person");
    assert_eq!(w.state(both), State::PendingApproval);
    let left = w.approvers(both).into_iter().find(|a| a.waiting).unwrap();
    w.approve(left.person, both).unwrap();
    assert_eq!(w.state(both), State::Delivered);

    let two = || vec![by(&[w.dan], &[]), by(&[w.ben], &[])];
    let twice = w.ask(w.ada, w.package(&[], terms(two()))).unwrap();
    w.approve(w.dan, twice).unwrap();
    assert!(w.approve(w.dan, twice).is_err(), "he decided the first stage");
    let free = Terms { decides_twice: true, ..terms(two()) };
    let free = w.ask(w.ada, w.package(&[], free)).unwrap();
    w.approve(w.dan, free).unwrap();
    w.approve(w.dan, free).unwrap();
    assert_eq!(w.state(free), State::Delivered);
}

#[test]
fn d34_a_stand_in_asks_approves_for_less_passes_on_and_takes_back_what_they_decided() {
    let Some(w) = World::new() else { return };
    undo_seconds(&w.db, 60);
    w.stands(w.ben, w.dan).unwrap();
    let package = w.package(&[], terms(vec![by(&[w.ben], &[w.eve])]));
    let asked = w.ask(w.ada, package).unwrap();
    w.ask_about(w.dan, asked, "What for?").unwrap();
    w.answer(w.ada, asked, "For the close.").unwrap();
    w.dispatch();
    assert!(w.notices(w.dan).iter().any(|n| n.contains("answered")), "{:?}", w.notices(w.dan));
    let until = w.db.zone().plus_days(w.now(), 10);
    w.approve_until(w.dan, asked, until).unwrap();
    assert_eq!(w.facts_of("period_shortened", asked).len(), 1);
    assert!(w.take_back(w.ben, asked).is_err(), "it is not his to take back");
    w.take_back(w.dan, asked).unwrap();
    assert_eq!(instead_of(&w, "decision_taken_back", asked).as_deref(), Some("Ben"));
    assert_eq!(w.state(asked), State::PendingApproval);
    w.pass_on(w.dan, asked, w.eve).unwrap();
    assert_eq!(instead_of(&w, "passed_on", asked).as_deref(), Some("Ben"));
    assert_eq!(w.deciders(asked), ["Eve"], "it is with nobody in whose place he decides");
    assert!(w.approve(w.dan, asked).is_err() && w.approve(w.ben, asked).is_err());
    w.approve(w.eve, asked).unwrap();
}

#[test]
fn d26_a_stand_in_ends_with_whoever_leaves_on_either_side() {
    let Some(w) = World::new() else { return };
    let package = w.package(&[], terms(vec![by(&[w.ben], &[w.root])]));
    let request = w.ask(w.ada, package).unwrap();
    w.stands(w.ben, w.dan).unwrap();
    w.stands(w.dan, w.eve).unwrap();
    w.leave(w.dan);
    let ended = w.facts("stand_in_ended");
    assert_eq!(ended.len(), 2, "from him and to him");
    assert!(ended.iter().all(|t| matches!(t.fact, Fact::StandInEnded { early: true, .. })));
    assert!(w.queue_of(w.eve).is_empty(), "the chain is broken");
    w.dispatch();
    let told = |who: PersonId| w.notices(who).iter().any(|n| n.contains("ended the time"));
    assert!(told(w.ben) && told(w.eve) && !told(w.dan));
    let no = w.stands(w.ben, w.dan);
    assert!(matches!(no, Err(Error::Invalid(_))), "{no:?}");
    w.come_back(w.dan);
    assert!(w.queue_of(w.dan).is_empty(), "what has ended stays so");
    w.stands(w.ben, w.dan).unwrap();
    w.leave(w.ben);
    assert!(w.queue_of(w.dan).is_empty());
    assert_eq!((w.facts("stand_in_ended").len(), w.deciders(request)), (3, vec!["Root".into()]));
}

#[test]
fn d34_a_period_ends_during_a_decision_and_both_are_told() {
    let Some(w) = World::new() else { return };
    let package = w.package(&[], terms(vec![by(&[w.ben], &[])]));
    let (recorded, over) = (AtomicUsize::new(0), AtomicUsize::new(0));
    for (round, asker) in w.people(25).into_iter().enumerate() {
        let request = w.ask(asker, package).unwrap();
        let stage = w.last_stage(request).id;
        let period = w.stands(w.ben, w.dan).unwrap();
        at_once(vec![
            Box::new(|| match w.decide(w.dan, request, stage, Verdict::Approve, "because") {
                Ok(_) => {
                    recorded.fetch_add(1, Ordering::SeqCst);
                }
                Err(Error::Refused(no)) => {
                    assert!(no.why.contains("You stood in for Ben until"), "{}", no.why);
                    over.fetch_add(1, Ordering::SeqCst);
                }
                Err(other) => panic!("round {round}: {other:?}"),
            }),
            Box::new(|| assert!(w.ends(w.ben, period).unwrap(), "round {round}")),
        ]);
        match w.facts_of("stage_approved", request).first() {
            Some(told) => assert_eq!(told.fact.instead_of(), Some("Ben"), "round {round}"),
            None => {
                w.approve(w.ben, request).unwrap();
            }
        }
        assert!(w.ends(w.ben, period).is_ok_and(|ended| !ended), "ended once");
    }
    assert_eq!(recorded.load(Ordering::SeqCst) + over.load(Ordering::SeqCst), 25);
    assert_eq!(w.facts("stage_approved").len(), 25, "one outcome each");
    assert_eq!(w.facts("stand_in_ended").len(), 25);
}

#[test]
fn d34_the_two_decide_at_once_and_one_of_them_did() {
    let Some(w) = World::new() else { return };
    let package = w.package(&[], terms(vec![by(&[w.ben], &[])]));
    w.stands(w.ben, w.dan).unwrap();
    for asker in w.people(25) {
        let request = w.ask(asker, package).unwrap();
        let stage = w.last_stage(request).id;
        let won = AtomicUsize::new(0);
        let try_it = |who: PersonId, verdict: Verdict| match w
            .decide(who, request, stage, verdict, "because")
        {
            Ok(_) => void(won.fetch_add(1, Ordering::SeqCst)),
            Err(Error::Refused(no)) => assert!(no.why.contains("Ben"), "{}", no.why),
            Err(other) => panic!("{other:?}"),
        };
        at_once(vec![
            Box::new(|| try_it(w.ben, Verdict::Deny)),
            Box::new(|| try_it(w.dan, Verdict::Approve)),
        ]);
        assert_eq!(won.load(Ordering::SeqCst), 1);
    }
    assert_eq!(w.facts("stage_approved").len() + w.facts("stage_denied").len(), 25);
}

fn void(_: usize) {}

#[test]
fn d34_two_who_close_a_circle_at_once_do_not() {
    let Some(w) = World::new() else { return };
    for round in 0..15 {
        let [a, b, c, d] = ["A", "B", "C", "D"].map(|name| w.person(name));
        w.stands(a, b).unwrap();
        w.stands(c, d).unwrap();
        let set = AtomicUsize::new(0);
        let try_it = |person: PersonId, stand_in: PersonId| match w.stands(person, stand_in) {
            Ok(_) => void(set.fetch_add(1, Ordering::SeqCst)),
            Err(Error::Invalid(errors)) => assert_eq!(errors[0].field, "who"),
            Err(other) => panic!("round {round}: {other:?}"),
        };
        at_once(vec![Box::new(|| try_it(b, c)), Box::new(|| try_it(d, a))]);
        assert_eq!(set.load(Ordering::SeqCst), 1, "round {round}");
    }
}

#[test]
fn d34_the_queue_says_what_the_policy_says() {
    let Some(w) = World::new() else { return };
    let people = [w.ada, w.ben, w.cleo, w.dan, w.eve];
    let two = |a: PersonId, b: PersonId| vec![by(&[a], &[w.root]), by(&[b, w.root], &[])];
    let packages = [
        w.package(&[], terms(two(w.ben, w.cleo))),
        w.package(&[], Terms { decides_twice: true, ..terms(two(w.dan, w.ben)) }),
        w.package(
            &[],
            terms(vec![StageTerms {
                votes: Votes::Everyone,
                ..by(&[w.ben, w.cleo, w.dan], &[w.root])
            }]),
        ),
    ];
    let mut requests = Vec::new();
    for person in people {
        for package in packages {
            requests.extend(w.ask(person, package));
        }
    }
    assert!(requests.len() > 10);
    w.stands(w.ben, w.dan).unwrap();
    w.stands_for(w.dan, w.eve, Some(vec![packages[0], packages[2]])).unwrap();
    w.stands(w.cleo, w.ada).unwrap();
    w.stands(w.ada, w.eve).unwrap();
    for turn in 0..5 {
        for person in people {
            let mut queue = w.queue_of(person);
            let mut may: Vec<RequestId> =
                requests.iter().copied().filter(|id| w.may(person, *id)).collect();
            let counted = queue.len();
            queue.sort();
            queue.dedup();
            may.sort();
            assert_eq!((queue.len(), queue), (counted, may), "turn {turn}");
        }
        // One more of each decides.
        for (n, request) in requests.iter().enumerate() {
            let who = people[(n + turn) % people.len()];
            if w.may(who, *request) {
                w.approve(who, *request).unwrap();
            }
        }
    }
}
