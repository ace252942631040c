//! Timers that come late, steps that are overtaken, and jobs that fail beside others.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use diesel::prelude::*;
use keyholder::db::By;
use keyholder::db::schema::people;
use keyholder::error::{Error, Result};
use keyholder::policies::model::{Lifetime, Terms};
use keyholder::requests::commands::Submit;
use keyholder::requests::model::State;
use keyholder::requests::rules::Period;

use crate::support::world::{DAY, World, at, by, by_manager, order, terms};

#[test]
fn e03_a_clock_that_jumps_400_days_does_everything_in_due_order() {
    let Some(w) = World::new() else { return };
    let short = Terms { lifetime: Lifetime::Days { days: 5 }, ..terms(vec![]) };
    let ends_first = w.package(&[w.role("a")], short);
    let waits = w.package(&[], terms(vec![by_manager(&[])]));
    let starts = w.package(&[w.role("b")], terms(vec![by(&[w.dan], &[])]));
    let ends_last = w.package(&[w.role("c")], terms(vec![]));
    let one = w.ask(w.ada, ends_first).unwrap();
    let two = w.ask(w.ada, waits).unwrap();
    let period =
        Period { starts: Some(at("2026-03-10T00:00:00Z")), ends: Some(at("2026-03-20T00:00:00Z")) };
    let three = w.submit(w.ada, Submit { period, ..order(starts) }).unwrap();
    w.approve(w.dan, three).unwrap();
    let four = w.ask(w.ada, ends_last).unwrap();
    w.deliver();
    w.pass(400 * DAY);
    assert_eq!(w.tick(), 5);
    let mut order: Vec<_> = Vec::new();
    for kind in ["assignment_started", "assignment_ended", "request_expired"] {
        order.extend(
            w.facts(kind).into_iter().filter_map(|told| told.due.map(|due| (due, kind, told.at))),
        );
    }
    order.sort();
    let dues: Vec<_> = order.iter().map(|(due, kind, _)| (*due, *kind)).collect();
    assert_eq!(
        dues,
        [
            (at("2026-03-07T09:00:00Z"), "assignment_ended"),
            (at("2026-03-10T00:00:00Z"), "assignment_started"),
            (at("2026-03-16T09:00:00Z"), "request_expired"),
            (at("2026-03-20T00:00:00Z"), "assignment_ended"),
            (at("2026-05-31T09:00:00Z"), "assignment_ended"),
        ]
    );
    assert!(order.iter().all(|(.., recorded)| *recorded == w.now()), "done now, due then");
    assert_eq!(
        w.recorded_order(&["assignment_started", "assignment_ended", "request_expired"]),
        dues
    );
    let states = [one, two, three, four].map(|id| w.state(id));
    assert_eq!(states, [State::Delivered, State::Expired, State::Undelivered, State::Delivered]);
    w.deliver();
    assert_eq!(w.tick(), 0);
}

#[test]
fn e03_more_than_one_chunk_ends_in_one_turn() {
    let Some(w) = World::new() else { return };
    let package = w.package(&[w.role("ledger")], terms(vec![]));
    w.ask_all(&w.people(250), package);
    w.pass(90 * DAY);
    assert_eq!(w.tick(), 250);
    assert_eq!(w.facts("assignment_ended").len(), 250);
}

#[test]
fn a_row_that_cannot_be_read_does_not_stop_the_timers() {
    let Some(w) = World::new() else { return };
    let waits = w.package(&[], terms(vec![by_manager(&[])]));
    let other = w.package(&[], terms(vec![by_manager(&[])]));
    let held = w.package(&[], Terms { lifetime: Lifetime::Days { days: 20 }, ..terms(vec![]) });
    let (broken, sound) = (w.ask(w.ada, waits).unwrap(), w.ask(w.ada, other).unwrap());
    let held = w.ask(w.ada, held).unwrap();
    let good = w.spoil(broken, "{}");
    w.pass(30 * DAY);
    w.tick();
    assert_eq!(w.state(sound), State::Expired);
    assert!(w.assignment(held).ended_at.is_some());
    w.spoil(broken, &good);
    w.tick();
    assert_eq!(w.state(broken), State::Expired, "once it can be read again");
}

#[test]
fn e08_a_step_that_was_overtaken_is_run_again_as_a_whole() {
    let Some(w) = World::new() else { return };
    let tries = Arc::new(AtomicUsize::new(0));
    let counted = tries.clone();
    let person = w.ada;
    let answer: Result<usize> = w.db.write(By::System("test"), move |tx| {
        let n = counted.fetch_add(1, Ordering::SeqCst) + 1;
        diesel::update(people::table.find(person))
            .set(people::title.eq(Some(format!("try {n}"))))
            .execute(tx.db())?;
        if n < 4 { Err(Error::Stale) } else { Ok(n) }
    });
    assert_eq!(answer.unwrap(), 4);
    let title: Option<String> =
        w.db.read(|db| Ok(people::table.find(person).select(people::title).first(db)?)).unwrap();
    assert_eq!(title.as_deref(), Some("try 4"));
    tries.store(0, Ordering::SeqCst);
    let counted = tries.clone();
    let never: Result<()> = w.db.write(By::System("test"), move |_| {
        counted.fetch_add(1, Ordering::SeqCst);
        Err(Error::Stale)
    });
    assert!(matches!(never, Err(Error::Busy)));
    assert_eq!(tries.load(Ordering::SeqCst), 10);
}

#[test]
fn e13_a_job_that_fails_leaves_nothing_and_disturbs_nobody() {
    let Some(w) = World::new() else { return };
    let results: Vec<Result<()>> = std::thread::scope(|scope| {
        let all: Vec<_> = (0..60)
            .map(|n: usize| {
                let (w, person) = (&w, w.ada);
                scope.spawn(move || {
                    w.db.write(By::System("test"), move |tx| {
                        keyholder::db::set_setting(tx, &format!("job {n}"), "done")?;
                        match n % 3 {
                            0 => Err(Error::refused("no", "a rule")),
                            // A statement that the database itself refuses.
                            1 => {
                                diesel::update(people::table.find(person))
                                    .set(people::kind.eq("ghost"))
                                    .execute(tx.db())?;
                                Ok(())
                            }
                            _ => Ok(()),
                        }
                    })
                })
            })
            .collect();
        all.into_iter().map(|one| one.join().unwrap()).collect()
    });
    for (n, result) in results.iter().enumerate() {
        let stored =
            w.db.read(|db| keyholder::db::setting(db, &format!("job {n}"))).unwrap().is_some();
        assert_eq!((result.is_ok(), stored), (n % 3 == 2, n % 3 == 2), "job {n}: {result:?}");
    }
}
