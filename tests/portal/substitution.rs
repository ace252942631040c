//! Ids in each other's places: random ids of people, packages, requests, stages, assignments, catalogs, policies, notices
//! and everything else that has one, in the paths, queries and forms of all routes, sent by all of the cast.
//!
//! Whatever is asked, nothing breaks; nobody is shown a request, a person or a catalog that the rules (E28, E29) keep from
//! them; and a question that is refused has changed nothing. The rules are counted here once more, from the tables.
//!
//! `KEYHOLDER_SEED` repeats a run; `KEYHOLDER_LONG=1` asks 50,000 times instead of 2,000.

use std::collections::BTreeMap;

use diesel::{Connection, RunQueryDsl, SqliteConnection};
use keyholder::db::{Database, Db};
use keyholder::demo::company::CAST;
use keyholder::web::Method;
use openidconnect::reqwest;

use crate::pages::{long, route_of, routes, walk};
use crate::support::invariants;
use crate::support::northmoor::Northmoor;
use crate::support::tables;
use crate::support::visitor::{Page, Visitor};

mod rules;

use rules::Rules;

/// The seed of a run that nobody chose.
const SEED: u64 = 4;
/// Routes that would end the session which asks.
const ENDS: [&str; 3] = ["/signout", "/me/signout-everywhere", "/me/sessions"];
/// Everything that an answer may be.
const STATUSES: [u16; 9] = [200, 303, 400, 403, 404, 409, 410, 413, 422];

/// Numbers that look random and are the same for the same seed (splitmix64).
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.roll() % u64::try_from(end.max(1)).unwrap()).unwrap()
    }

    /// True that often out of a hundred.
    fn percent(&mut self, often: usize) -> bool {
        self.below(100) < often
    }

    fn one<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }
}

/// Every id there is, by the table that has it.
struct Ids(Vec<(String, Vec<String>)>);

impl Ids {
    fn load(db: &Database) -> Ids {
        let load = |db: &mut Db| {
            let mut all = Vec::new();
            for table in tables::names(db)? {
                for column in tables::columns(db, &table)? {
                    if column != "id" && column != "basket_id" {
                        continue;
                    }
                    let sql = format!(
                        "SELECT CAST({column} AS text) AS value FROM {table} WHERE {column} IS NOT NULL ORDER BY 1"
                    );
                    let rows = tables::column(db, &sql)?;
                    let kind = if column == "id" { table.clone() } else { column };
                    if !rows.is_empty() && !table.ends_with("facts") {
                        all.push((kind, rows));
                    }
                }
            }
            Ok(Ids(all))
        };
        db.read(load).unwrap()
    }

    /// An id of what a part of a path names; now and then of something else.
    fn of(&self, kind: &str, dice: &mut Dice) -> String {
        let right = self.0.iter().find(|(table, _)| table == kind);
        let (_, ids) = match right {
            Some(right) if dice.percent(80) => right,
            _ => dice.one(&self.0),
        };
        dice.one(ids).clone()
    }
}

/// The table of what a part of a path names.
fn kind(route: &str, part: &str) -> &'static str {
    let first = route.split('/').nth(1).unwrap_or_default();
    match (part, first) {
        ("{aid}", _) | ("{id}", "access") => "assignments",
        ("{grant}", _) => "role_grants",
        ("{policy}", _) => "policies",
        ("{resource}", _) => "resources",
        ("{id}", "approvals" | "requests") => "requests",
        ("{id}", "basket") => "basket_id",
        ("{id}", "catalogs") => "catalogs",
        ("{id}", "mail") => "notices",
        ("{id}", "organizations") => "connected_organizations",
        ("{id}", "packages") => "packages",
        _ => "people",
    }
}

fn is_id(text: &str) -> bool {
    text.len() == 36 && text.bytes().filter(|byte| *byte == b'-').count() == 4
}

/// A form that somebody saw: its route, the parts of its path, its fields.
struct Seen {
    route: &'static str,
    path: String,
    pairs: Vec<(String, String)>,
}

/// One question.
struct Question {
    post: bool,
    route: &'static str,
    path: String,
    pairs: Vec<(String, String)>,
}

/// Fills a route with ids; those of `known` stay in half of the cases.
fn filled(route: &str, known: Option<&str>, ids: &Ids, dice: &mut Dice) -> String {
    let known: Vec<&str> = known.unwrap_or_default().split('/').collect();
    let part = |(at, part): (usize, &str)| match (part.starts_with('{'), known.get(at)) {
        (false, _) => part.to_owned(),
        (true, Some(same)) if dice.percent(50) => (*same).to_owned(),
        _ => ids.of(kind(route, part), dice),
    };
    let parts: Vec<String> = route.split('/').enumerate().map(part).collect();
    parts.join("/")
}

fn question(forms: &[Seen], names: &[String], ids: &Ids, dice: &mut Dice) -> Question {
    let swap = |pairs: &[(String, String)], dice: &mut Dice| -> Vec<(String, String)> {
        let swapped = |(name, value): &(String, String)| {
            let value = match is_id(value) && dice.percent(40) {
                true => ids.of("", dice),
                false => value.clone(),
            };
            (name.clone(), value)
        };
        pairs.iter().map(swapped).collect()
    };
    let open: Vec<_> = routes()
        .into_iter()
        .filter(|route| !route.path.starts_with("/signin"))
        .filter(|route| !ENDS.iter().any(|end| route.path.starts_with(end)))
        .collect();
    if dice.percent(40) && !forms.is_empty() {
        let form = dice.one(forms);
        let path = filled(form.route, Some(&form.path), ids, dice);
        return Question { post: true, route: form.route, path, pairs: swap(&form.pairs, dice) };
    }
    let route = dice.one(&open);
    let mut path = filled(route.path, None, ids, dice);
    let post = route.method == Method::Post;
    let mut pairs = vec![("reason".to_owned(), "no reason".to_owned())];
    while dice.percent(30) && !names.is_empty() {
        pairs.push((dice.one(names).clone(), ids.of("", dice)));
    }
    if !post {
        let query: Vec<String> =
            pairs.iter().skip(1).map(|(name, id)| format!("{name}={id}")).collect();
        if !query.is_empty() {
            path = format!("{path}?{}", query.join("&"));
        }
    }
    Question { post, route: route.path, path, pairs }
}

/// Says cheaply that nothing was written; where it cannot, somebody has to look.
enum Stamp {
    Sqlite(Box<SqliteConnection>),
    Postgres,
}

impl Stamp {
    fn of(house: &Northmoor) -> Stamp {
        match house.database().strip_prefix("sqlite:") {
            Some(file) => Stamp::Sqlite(Box::new(SqliteConnection::establish(file).unwrap())),
            None => Stamp::Postgres,
        }
    }

    fn take(&mut self, db: &Database) -> String {
        match self {
            Stamp::Sqlite(connection) => {
                #[derive(diesel::QueryableByName)]
                struct Version {
                    #[diesel(sql_type = diesel::sql_types::BigInt)]
                    data_version: i64,
                }
                let asked = diesel::sql_query("PRAGMA data_version");
                asked.get_result::<Version>(connection.as_mut()).unwrap().data_version.to_string()
            }
            Stamp::Postgres => {
                let sums = |db: &mut Db| {
                    let names = tables::names(db)?.into_iter().filter(|name| name != "sessions");
                    let each = |name: String| {
                        format!(
                            "SELECT '{name} ' || count(*) || ' ' || coalesce(sum(xmin::text::bigint), 0) AS value FROM \"{name}\""
                        )
                    };
                    let all: Vec<String> = names.map(each).collect();
                    tables::column(db, &all.join(" UNION ALL "))
                };
                db.read(sums).unwrap().join("\n")
            }
        }
    }
}

/// What stands in the tables. A session gets a new id at any question after its person's roles have changed (E23).
fn content(house: &Northmoor) -> BTreeMap<String, Vec<String>> {
    let mut all = tables::content(&house.db);
    all.remove("sessions");
    all
}

/// One of the cast.
struct Asker {
    user: &'static str,
    visitor: Visitor,
    token: String,
}

fn ask(asker: &mut Asker, question: &Question) -> Page {
    if !question.post {
        return asker.visitor.ask(reqwest::Method::GET, &question.path, None);
    }
    let mut form: Vec<(&str, &str)> = vec![("csrf", asker.token.as_str())];
    let rest = question.pairs.iter().filter(|(name, _)| name != "csrf");
    form.extend(rest.map(|(name, value)| (name.as_str(), value.as_str())));
    asker.visitor.ask(reqwest::Method::POST, &question.path, Some(&form))
}

/// The forms of a page and the names that stand before ids in its links.
fn learn(page: &Page, forms: &mut Vec<Seen>, names: &mut Vec<String>) {
    for (_, form) in page.forms() {
        let Some(route) = route_of(Method::Post, &form.action) else { continue };
        if ENDS.iter().any(|end| route.starts_with(end)) {
            continue;
        }
        if forms.iter().filter(|seen| seen.route == route).count() < 25 {
            for (name, value) in &form.pairs {
                if is_id(value) && !names.contains(name) {
                    names.push(name.clone());
                }
            }
            forms.push(Seen { route, path: form.action.clone(), pairs: form.pairs });
        }
    }
    for link in page.links() {
        let query = link.split_once('?').map_or("", |(_, query)| query);
        for (name, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
            if is_id(value) && !names.iter().any(|known| known == name) {
                names.push(name.to_owned());
            }
        }
    }
}

#[test]
fn e28_ids_in_each_others_places_show_nothing_and_change_nothing() {
    let Some(house) = Northmoor::open() else { return };
    let seed = std::env::var_os("KEYHOLDER_SEED").and_then(|seed| seed.to_str()?.parse().ok());
    let seed = seed.unwrap_or(SEED);
    let rounds = if long() { 50_000 } else { 2_000 };
    println!("{rounds} questions with KEYHOLDER_SEED={seed}");
    let mut dice = Dice(seed);
    let (mut forms, mut names, mut askers) = (Vec::new(), Vec::new(), Vec::new());
    for (user, _) in CAST {
        let (mut visitor, seen) = walk(&house, user);
        seen.iter().for_each(|seen| learn(&seen.page, &mut forms, &mut names));
        let token = visitor.token();
        askers.push(Asker { user, visitor, token });
    }
    assert!(forms.len() > 50 && names.len() > 3, "{} forms, {names:?}", forms.len());
    let mut stamp = Stamp::of(&house);
    let (mut ids, mut rules) = (Ids::load(&house.db), Rules::load(&house.db));
    let (mut before, mut at) = (content(&house), stamp.take(&house.db));
    let mut answers: BTreeMap<(bool, u16), usize> = BTreeMap::new();
    for round in 0..rounds {
        let question = question(&forms, &names, &ids, &mut dice);
        let who = dice.below(askers.len());
        let asker = &mut askers[who];
        let user = asker.user;
        let page = ask(asker, &question);
        let Question { post, route, path, pairs } = &question;
        let method = if *post { "POST" } else { "GET" };
        let what = format!("round {round} of seed {seed}: {method} {path} by {user} {pairs:?}");
        assert!(STATUSES.contains(&page.status), "{what}: {} {}", page.status, page.text);
        *answers.entry((*post, page.status)).or_default() += 1;
        rules.judge(house.person(user), *post, route, path, &page, &what);
        let now = stamp.take(&house.db);
        if *post && page.status < 400 {
            if now != at {
                before = content(&house);
                (ids, rules) = (Ids::load(&house.db), Rules::load(&house.db));
            }
        } else if now != at {
            let after = content(&house);
            tables::unchanged(&before, &after, &format!("{what} ({})", page.status));
        }
        at = now;
    }
    println!("answers by (POST, status): {answers:?}");
    let many = |post, status: u16| answers.get(&(post, status)).copied().unwrap_or(0);
    assert!(many(false, 200) > rounds / 20 && many(true, 303) > rounds / 200, "{answers:?}");
    assert!(many(false, 404) > rounds / 20 && many(true, 404) > rounds / 20, "{answers:?}");
    invariants::check_votes(&house.db);
}
