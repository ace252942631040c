//! Pages that list requests read as much of 50,000 open requests as of 500 (E32, E33).

use std::collections::BTreeMap;

use keyholder::access::policy::{self, AskStanding};
use keyholder::db::{Address, By, Database, Db, Tx};
use keyholder::kernel::PackageId;
use keyholder::provisioning::connectors::Targets;
use keyholder::requests::commands;

use crate::support::app::{App, terms};
use crate::support::crowd::{copy, id, people, run};
use crate::support::tables::column;
use crate::support::visitor::Visitor;
use crate::support::world::order;

/// How much more a page may read of a hundred times as many rows.
const GROWTH: f64 = 1.15;
/// As many connections as the readers' pool has.
const READERS: usize = 12;

/// As many people more, in teams of eight, each with an open request for the package.
fn grow(db: &Database, package: PackageId, numbers: (usize, usize)) {
    let fill = move |tx: &mut Tx<'_>| {
        let (person, request, stage) = (id(tx.db(), 1), id(tx.db(), 2), id(tx.db(), 3));
        let above = person.replace("to_hex(n)", "to_hex(n / 8)").replace(", n)", ", n / 8)");
        let manager = format!("CASE WHEN n < 16 THEN o.manager_id ELSE {above} END");
        people(tx, numbers, manager)?;
        let first = format!("o.package_id = '{package}' AND o.reference LIKE 'KH-____-____'");
        let of_first = format!("o.request_id = (SELECT o.id FROM requests o WHERE {first})");
        let requests = [
            ("id", request.clone()),
            ("reference", "'KH-' || n".into()),
            ("requestor_id", person.clone()),
            ("target_id", person),
        ];
        copy(tx, "requests", &first, numbers, &requests)?;
        let stages = [("id", stage.clone()), ("request_id", request.clone())];
        copy(tx, "request_stages", &of_first, numbers, &stages)?;
        let approvers = [("stage_id", stage), ("request_id", request)];
        copy(tx, "stage_approvers", &of_first, numbers, &approvers)?;
        run(tx, "ANALYZE")
    };
    db.write(By::System("test"), fill).unwrap();
}

/// Blocks of each of our tables and indexes that PostgreSQL has touched so far; those of sessions apart, which it only
/// writes.
fn blocks(db: &Database) -> Blocks {
    everywhere(db, "SELECT pg_stat_force_next_flush()::text AS value", READERS);
    let each = "SELECT relname || ' ' || COALESCE(heap_blks_read + heap_blks_hit, 0) AS value \
                FROM pg_statio_user_tables WHERE relname <> 'sessions' \
                UNION ALL SELECT indexrelname || ' ' || COALESCE(idx_blks_read + idx_blks_hit, 0) \
                FROM pg_statio_user_indexes WHERE relname <> 'sessions'";
    let lines = db.read(|db| column(db, each)).unwrap();
    let line = |line: &String| {
        let (name, blocks) = line.split_once(' ').unwrap();
        (name.to_owned(), blocks.parse().unwrap())
    };
    lines.iter().map(line).collect()
}

/// What has been touched since.
fn since(before: &Blocks, after: Blocks) -> Blocks {
    let more = after.into_iter().map(|(name, blocks)| {
        let before = before.get(&name).copied().unwrap_or(0);
        (name, blocks - before)
    });
    more.filter(|(_, blocks)| *blocks > 0).collect()
}

/// Asks something of every connection of the pool.
fn everywhere(db: &Database, sql: &str, connections: usize) {
    if connections > 0 {
        let ask = |c: &mut Db| {
            everywhere(db, sql, connections - 1);
            column(c, sql)
        };
        db.read(ask).unwrap();
    }
}

/// Blocks by the name of the table or index.
type Blocks = BTreeMap<String, i64>;

struct Cost {
    statements: u64,
    blocks: Option<Blocks>,
}

/// Of few rows PostgreSQL reads whole tables, which is less still than what it does of many: compared is the way that it
/// takes of many, by indexes; `bitmaps` where that needs some.
fn cost(app: &App, visitor: &mut Visitor, path: &str, bitmaps: bool) -> Cost {
    let pg = matches!(app.db.address(), Address::Pg(_));
    if pg {
        let plan = format!(
            "SELECT set_config('enable_seqscan', 'off', false) \
             || set_config('enable_bitmapscan', '{bitmaps}', false) AS value"
        );
        everywhere(&app.db, &plan, READERS);
    }
    // Once before, for what is read only once.
    visitor.open(path);
    let before = pg.then(|| blocks(&app.db));
    let statements = app.db.statements_read();
    let page = visitor.open(path);
    let statements = app.db.statements_read() - statements;
    assert_eq!(page.status, 200, "{path}: {}", page.text);
    let blocks = before.map(|before| since(&before, blocks(&app.db)));
    Cost { statements, blocks }
}

#[test]
fn e33_pages_of_50_000_open_requests_read_what_those_of_500_read() {
    let Some(app) = App::start(Targets::default()) else { return };
    let package = app.package("Crowded", &[], terms(vec![app.by(&["second-approver"])]));
    let employee = app.person("employee");
    let ask = move |tx: &mut Tx<'_>| {
        let permit = policy::request_access(tx.actor(), &AskStanding::own(employee))?;
        commands::submit(tx, &permit, &order(package))
    };
    app.db.write(By::Person(employee), ask).unwrap();
    let pages = [
        ("second-approver", "/approvals".to_owned(), true),
        ("second-approver", "/".to_owned(), true),
        ("catalog-owner", format!("/packages/{package}/requests"), false),
        ("catalog-owner", format!("/packages/{package}/requests?state=pending_approval"), false),
        ("catalog-owner", format!("/packages/{package}"), true),
    ];
    let mut visitors: BTreeMap<&str, Visitor> = BTreeMap::new();
    for (who, ..) in &pages {
        visitors.entry(who).or_insert_with(|| Visitor::signed_in(&app.origin, who));
    }
    let mut all = |app: &App| -> Vec<Cost> {
        let one = |(who, path, bitmaps): &(&'static str, String, bool)| {
            // The least of three: what a page reads besides (new hint bits, what a vacuum moved) is no growth.
            let tries = (0..3).map(|_| cost(app, visitors.get_mut(who).unwrap(), path, *bitmaps));
            let sum = |c: &Cost| c.blocks.as_ref().map_or(0, |b| b.values().sum::<i64>());
            tries.min_by_key(sum).unwrap()
        };
        pages.iter().map(one).collect()
    };
    grow(&app.db, package, (2, 500));
    let few = all(&app);
    grow(&app.db, package, (501, 50_000));
    let many = all(&app);
    for (((who, path, _), few), many) in pages.iter().zip(few).zip(many) {
        assert_eq!(few.statements, many.statements, "{path}");
        if let (Some(few), Some(many)) = (few.blocks, many.blocks) {
            let (few_all, many_all) = (few.values().sum::<i64>(), many.values().sum::<i64>());
            let growth = many_all as f64 / few_all as f64;
            eprintln!("{who} {path}: {few_all} blocks of 500, {many_all} of 50,000");
            assert!(growth <= GROWTH, "{path}: {few_all}: {few:?}\n{many_all}: {many:?}");
        }
    }
}
