//! Pages are held to a fixed number of statements, whatever the number of rows (E32).

use keyholder::db::load_actor;
use keyholder::kernel::Ts;
use keyholder::requests::store;

use crate::support::world::{World, by, terms};

#[test]
fn e32_the_queue_and_a_persons_requests_are_one_statement_for_10_rows_and_for_500() {
    let Some(w) = World::new() else { return };
    let mut made = 0;
    for rows in [10, 500] {
        // One person's requests are for as many packages; fifty people share each package.
        let people = w.people((rows - made) / 5 - 1);
        while made < rows {
            let package = w.package(&[], terms(vec![by(&[w.dan], &[])]));
            let askers: Vec<_> = people.iter().copied().chain([w.ada]).collect();
            made += w.ask_all(&askers, package).len();
        }
        let dan = |db: &mut _| load_actor(db, w.dan, Ts::from_micros(0));
        let dan = w.db.read(dan).unwrap().unwrap();
        let before = w.db.statements_read();
        let (queue, mine) =
            w.db.read(|db| {
                Ok((
                    store::queue(db, &dan, None, 1_000)?,
                    store::of_person(db, w.ada, None, 1_000)?,
                ))
            })
            .unwrap();
        assert_eq!((queue.len(), mine.len()), (rows, if rows == 10 { 5 } else { 10 }));
        assert_eq!(w.db.statements_read() - before, 2, "{rows} rows");
    }
}

#[test]
fn pages_of_the_queue_meet_without_a_gap() {
    let Some(w) = World::new() else { return };
    let package = w.package(&[], terms(vec![by(&[w.dan], &[])]));
    for n in 0..25 {
        w.ask(w.person(&format!("P{n}")), package).unwrap();
        w.pass(n % 2);
    }
    let dan = |db: &mut _| load_actor(db, w.dan, Ts::from_micros(0));
    let dan = w.db.read(dan).unwrap().unwrap();
    let mut seen = Vec::new();
    let mut after = None;
    loop {
        let page = w.db.read(|db| store::queue(db, &dan, after, 7)).unwrap();
        let Some(last) = page.last() else { break };
        after = Some((last.opened_at, last.stage));
        seen.extend(page.iter().map(|row| row.stage));
    }
    assert_eq!(seen.len(), 25);
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), 25);
}
