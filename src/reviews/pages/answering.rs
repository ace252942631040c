//! The reviewer's form: a list of what is left, an item with what one has to know, the answers, signing off.

use std::collections::HashMap;

use askama::Template;
use chrono::NaiveDate;

use super::{ROWS, ordinal};
use crate::access::policy;
use crate::db::Db;
use crate::directory;
use crate::directory::store::meant;
use crate::error::{Error, FieldError, Result};
use crate::kernel::fact::listed;
use crate::kernel::text::counted;
use crate::kernel::time::day;
use crate::kernel::{AccessId, PersonId, ReviewInstanceId, ReviewItemId, Risk, Ts, Zone};
use crate::reviews::commands::{self, Says};
use crate::reviews::model::{Answer, Earlier, Instance, Item, Outcome, Silence, State, Via};
use crate::reviews::store::listing::{self, By, Group, Mine, Part, Progress};
use crate::reviews::store::{self, Pool};
use crate::settings::store::organization;
use crate::web::listing::{PAGE, address};
use crate::web::paging::Cursor;
use crate::web::words::When;
use crate::web::{Cx, Form, Place, Reply, Shell};

/// What every page of the form shows.
pub(super) struct Frame {
    pub id: ReviewInstanceId,
    pub name: String,
    pub run: String,
    pub words: String,
    /// "Stage 2 of 3", where there are several.
    pub stage: Option<String>,
    pub open: bool,
    pub state: &'static str,
    pub due: When,
    pub silence: &'static str,
    pub left: i64,
    pub all: i64,
    pub answered: i64,
    /// How much is answered, in percent.
    pub share: i64,
}

impl Frame {
    pub(super) fn of(cx: &Cx, instance: &Instance, progress: Progress) -> Self {
        let (now, zone) = (cx.now(), cx.zone());
        Self {
            id: instance.id,
            name: instance.name.clone(),
            run: ordinal(instance.number),
            words: instance.terms.words.clone(),
            stage: stage_words(instance),
            open: instance.state == State::Open && now < instance.due_at,
            state: instance.state.label(),
            due: When::end(instance.due_at, now, zone),
            silence: match instance.terms.silence {
                _ if instance.stage > 1 => {
                    "what you do not answer stays as the stage before answered it"
                }
                Silence::Keep => "what you do not answer stays",
                Silence::Remove => "what you do not answer is removed",
                Silence::Recommendation => "what you do not answer follows the recommendation",
            },
            left: progress.all - progress.answered,
            all: progress.all,
            answered: progress.answered,
            share: if progress.all == 0 { 100 } else { progress.answered * 100 / progress.all },
        }
    }

    /// "34 of 120 items answered".
    pub(super) fn so_far(&self) -> String {
        format!("{} of {} answered", self.answered, counted(self.all, "item", "items"))
    }
}

/// "Stage 2 of 3", where there are several.
pub(super) fn stage_words(instance: &Instance) -> Option<String> {
    let all = instance.terms.stages();
    (all > 1).then(|| format!("Stage {} of {all}", instance.stage.min(all)))
}

/// An instance with what of it is the reader's.
pub(super) fn mine(cx: &Cx) -> Result<(Instance, Mine, Progress)> {
    let (id, me) = (cx.id("id")?, cx.person()?.clone());
    let (instance, mine, progress) = cx.read(|db| {
        let instance = store::instance(db, id)?;
        let mine = Mine::read(db, &me, id)?;
        let progress =
            if mine.is_nothing() { Progress::default() } else { listing::progress(db, &mine)? };
        Ok((instance, mine, progress))
    })?;
    let asked = !mine.is_nothing() && progress.all > 0;
    let shown = !matches!(instance.state, State::Starting | State::Refused | State::Canceled);
    if asked && shown { Ok((instance, mine, progress)) } else { Err(Error::Missing) }
}

#[derive(Template)]
#[template(path = "reviews/form.html")]
struct FormPage {
    shell: Shell,
    frame: Frame,
    by_person: bool,
    /// Where the first item without an answer is.
    first: Option<(String, String)>,
    groups: Vec<GroupRow>,
    previous: Option<String>,
    next: Option<String>,
}

struct GroupRow {
    href: String,
    name: String,
    about: String,
    left: i64,
    all: i64,
    high: i64,
    changed: i64,
}

pub(super) fn show(cx: &mut Cx) -> Result<Reply> {
    let read = match mine(cx) {
        Err(Error::Missing) => {
            // Whoever looks after it has no items of their own: they see how it stands.
            let instance = super::kept(cx)?;
            return Ok(Reply::see_other(format!("/reviews/{}/progress", instance.id)));
        }
        read => read?,
    };
    // What was typed before the session ended; nothing of it was sent.
    let form = cx.refill().unwrap_or_default();
    let part = part_of(&Form::of(cx.query_pairs().iter().cloned())).or_else(|| part_of(&form));
    match part {
        Some(part) => {
            let typed = ReviewItemId::parse(form.raw("item")).map(|item| Typed {
                item,
                note: form.text("note"),
                until: form.line("until"),
                errors: &[],
            });
            draw_part(cx, &read, part, typed.as_ref())
        }
        None => groups(cx, &read),
    }
}

fn part_of(query: &Form) -> Option<Part> {
    if let Some(person) = PersonId::parse(query.raw("person")) {
        return Some(Part::Person(person));
    }
    AccessId::parse(query.raw("package")).map(Part::Package)
}

fn groups(cx: &Cx, (instance, mine, progress): &(Instance, Mine, Progress)) -> Result<Reply> {
    let by_person = cx.query("by") != "package";
    let by = if by_person { By::Person } else { By::Package };
    let at = cx.cursor::<String>(PAGE)?;
    let after = match at.as_ref().map(group_after) {
        Some(None) => return Ok(Reply::see_other(address(cx, &[(PAGE, None)]))),
        after => after.flatten(),
    };
    let (rows, first) = cx.read(|db| {
        let rows = listing::groups(db, (mine, by), after, ROWS as i64 + 1)?;
        Ok((rows, listing::first_open(db, mine, by)?))
    })?;
    let page = crate::web::paging::page(rows, ROWS, at.as_ref(), |row| {
        (format!("{}{}", row.urgency, row.name), row.id)
    });
    let turn = |cursor: &String| address(cx, &[(PAGE, Some(cursor))]);
    let row = |group: &Group| GroupRow {
        href: format!(
            "/reviews/{}?{}={}",
            instance.id,
            if by_person { "person" } else { "package" },
            group.id
        ),
        name: group.name.clone(),
        about: group.department.clone().unwrap_or_default(),
        left: group.all - group.answered,
        all: group.all,
        high: group.high,
        changed: group.changed,
    };
    let shown = FormPage {
        shell: cx.shell(format!("{} – Reviews", instance.name), Place::Reviews)?,
        frame: Frame::of(cx, instance, *progress),
        by_person,
        first: first
            .filter(|_| instance.state == State::Open)
            .map(|(part, name)| (here(instance.id, part), name)),
        groups: page.rows.iter().map(row).collect(),
        previous: page.previous.as_ref().map(turn),
        next: page.next.as_ref().map(turn),
    };
    Reply::page(&shown)
}

/// Where the list of groups goes on: the key of a group's place is how urgent it is, one digit, and its name.
fn group_after(cursor: &Cursor<String>) -> Option<listing::At> {
    let mut chars = cursor.key.chars();
    let urgency = chars.next()?.to_digit(3)?;
    Some((urgency.into(), chars.collect(), cursor.id, cursor.back))
}

/// The items of one person or of one package.
#[derive(Template)]
#[template(path = "reviews/part.html")]
struct PartPage {
    shell: Shell,
    frame: Frame,
    /// Whose items they are, or what they are of.
    heading: String,
    by_person: bool,
    /// The address of these items.
    here: String,
    /// Which page of them this is; empty for the first.
    at: String,
    items: Vec<ItemBlock>,
    /// How many can be answered together, and where.
    together: Option<(usize, String)>,
    previous: Option<String>,
    next: Option<String>,
    today: String,
}

/// An item as the form shows it.
struct ItemBlock {
    id: ReviewItemId,
    /// What stands at its head: the package, or the person.
    name: String,
    about: String,
    high: bool,
    changed: bool,
    /// True where nobody has approved or reviewed it yet.
    fresh: bool,
    /// None where nobody knows.
    since: Option<When>,
    ends: Option<When>,
    /// True where a list says it: nothing here gave it, and no end can be set.
    listed: bool,
    /// Where a target system says it: what gives it here.
    given: Option<String>,
    about_it: Option<String>,
    policy: String,
    reason: Option<String>,
    /// Who approved it; none where the reader is not to know (E17).
    approved_by: Option<Vec<String>>,
    peers: Option<(usize, usize)>,
    peers_words: Option<String>,
    changes: Vec<String>,
    last: Option<(String, String, When)>,
    /// What earlier stages answered, where it is shown.
    earlier: Vec<(i64, Said)>,
    /// True where an earlier stage has decided it.
    decided: bool,
    reply: Option<String>,
    /// Why the reader is asked.
    why: &'static str,
    instead_of: Option<String>,
    /// What is recommended, and why; none where it is not shown yet.
    advice: Option<(String, Vec<String>)>,
    /// True where the recommendation opens after the first answer.
    advice_later: bool,
    answered: Option<Said>,
    /// The removal can be called off until then.
    undo: Option<When>,
    outcome: Option<&'static str>,
    needs_reason: bool,
    note: String,
    until: String,
    own: bool,
    /// Where to go on, of the item that was answered just now.
    next: Option<(String, String)>,
}

/// What has been answered.
struct Said {
    answer: String,
    by: String,
    when: When,
    note: Option<String>,
    first: Option<&'static str>,
}

/// The key of an item's place: its risk, whether it changed, and its name.
fn place(item: &Item, by_person: bool) -> String {
    let name = if by_person { &item.access_name } else { &item.person_name };
    format!("{}{}{name}", if item.risk == Risk::High { 'h' } else { 'o' }, u8::from(item.changed))
}

fn after(cursor: &Cursor<String>) -> Option<listing::ItemAt> {
    let mut chars = cursor.key.chars();
    let risk = match chars.next()? {
        'h' => Risk::High,
        'o' => Risk::Ordinary,
        _ => return None,
    };
    let changed = chars.next()? == '1';
    let id = ReviewItemId(cursor.id);
    Some((risk.as_str().to_owned(), changed, chars.collect(), id, cursor.back))
}

/// What somebody typed into an item, and what is wrong with it.
pub(super) struct Typed<'a> {
    item: ReviewItemId,
    note: String,
    until: String,
    errors: &'a [FieldError],
}

fn draw_part(
    cx: &Cx,
    (instance, mine, progress): &(Instance, Mine, Progress),
    part: Part,
    typed: Option<&Typed<'_>>,
) -> Result<Reply> {
    let by_person = matches!(part, Part::Person(_));
    let here = here(instance.id, part);
    let wrong = typed.is_some_and(|typed| !typed.errors.is_empty());
    let at = if wrong {
        Cursor::<String>::decode(cx.form().raw(PAGE))
    } else {
        cx.cursor::<String>(PAGE)?
    };
    let from = match at.as_ref().map(after) {
        Some(None) => return Ok(Reply::see_other(here)),
        from => from.flatten(),
    };
    let me = cx.person()?.clone();
    let (rows, pools, names, alike, veiled) = cx.read(|db| {
        let mut rows = listing::part(db, (mine, part), from, ROWS as i64 + 1)?;
        // A form that is shown again shows the item that it is about, wherever it stands in the list.
        if let Some(typed) = typed.filter(|_| wrong)
            && rows.iter().all(|item| item.id != typed.item)
        {
            rows.insert(0, store::item(db, typed.item)?);
        }
        let mut ids: Vec<_> = rows.iter().map(|item| item.pool).collect();
        ids.sort_unstable();
        ids.dedup();
        let pools = store::pools(db, &ids)?;
        let names = names(db, &rows)?;
        let alike = match part {
            Part::Package(package) => {
                listing::alike(db, (mine, package), super::together::MOST)?.len()
            }
            Part::Person(_) => 0,
        };
        // Only in a review of oneself is the reader the one who had to wait for a decision.
        let own = pools.iter().any(|pool| pool.via == Via::Own);
        let veiled = own && !organization(db)?.approver_names && !me.administrator;
        Ok((rows, pools, names, alike, veiled))
    })?;
    let page = crate::web::paging::page(rows, ROWS, at.as_ref(), |item| {
        (place(item, by_person), item.id.0)
    });
    let Some(first) = page.rows.first() else {
        return Ok(Reply::see_other(format!("/reviews/{}", instance.id)));
    };
    let heading = if by_person { first.person_name.clone() } else { first.access_name.clone() };
    let (now, zone) = (cx.now(), cx.zone());
    let block = |item: &Item| {
        let reader = Reader { instance, pools: &pools, names: &names, me: &me, veiled, now, zone };
        reader.block(item, by_person, typed)
    };
    let frame = Frame::of(cx, instance, *progress);
    let turn = |cursor: &String| format!("{here}&{PAGE}={cursor}");
    let next = page.next.as_ref().map(turn);
    let mut items: Vec<ItemBlock> = page.rows.iter().map(block).collect();
    // Whoever has just answered goes on from there, also by keyboard.
    let done = ReviewItemId::parse(cx.query("done"));
    let done = page.rows.iter().position(|item| Some(item.id) == done && item.answer.is_some());
    if let Some((n, item)) = done.and_then(|n| Some((n, items.get_mut(n)?))) {
        item.next = match onward(&page.rows, n, by_person, next.as_deref()) {
            None => {
                let by = if by_person { By::Person } else { By::Package };
                let first = cx.read(|db| listing::first_open(db, mine, by))?;
                Some(elsewhere(instance.id, first))
            }
            there => there,
        };
    }
    let mut shell = cx.shell(format!("{heading} – {} – Reviews", instance.name), Place::Reviews)?;
    if let Some(typed) = typed {
        shell.errors = typed
            .errors
            .iter()
            .map(|error| crate::web::page::FieldError {
                field: format!("{}-{}", error.field, typed.item),
                text: error.text.clone(),
            })
            .collect();
    }
    let together = match part {
        Part::Package(package) if alike > 1 && frame.open => {
            Some((alike, format!("/reviews/{}/together/{package}", instance.id)))
        }
        _ => None,
    };
    let shown = PartPage {
        heading,
        by_person,
        items,
        together,
        previous: page.previous.as_ref().map(turn),
        next,
        at: at.as_ref().map(Cursor::encode).unwrap_or_default(),
        today: zone.date(now).to_string(),
        here,
        frame,
        shell,
    };
    Ok(Reply::page(&shown)?.status(if wrong { 422 } else { 200 }))
}

/// Where to go on after an answer: to the next item of the page that has none, or to the next page; none where all of
/// these are answered.
fn onward(
    rows: &[Item],
    done: usize,
    by_person: bool,
    next: Option<&str>,
) -> Option<(String, String)> {
    let (before, after) = rows.split_at(done);
    let open = |item: &&Item| item.answer.is_none() && item.outcome.is_none();
    if let Some(item) = after.iter().chain(before).find(open) {
        let name = if by_person { &item.access_name } else { &item.person_name };
        return Some((format!("#i-{}", item.id), format!("Next: {name}")));
    }
    next.map(|next| (next.to_owned(), "Next: the next page".to_owned()))
}

/// Where to go on when a page is done: to whatever waits for an answer elsewhere, or to the end.
fn elsewhere(id: ReviewInstanceId, first: Option<(Part, String)>) -> (String, String) {
    match first {
        Some((part, name)) => (here(id, part), format!("Next: {name}")),
        None => (format!("/reviews/{id}/sign-off"), "Look at your answers and sign off".to_owned()),
    }
}

pub(super) fn here(id: ReviewInstanceId, part: Part) -> String {
    match part {
        Part::Person(person) => format!("/reviews/{id}?person={person}"),
        Part::Package(package) => format!("/reviews/{id}?package={package}"),
    }
}

fn names(db: &mut Db, items: &[Item]) -> Result<HashMap<PersonId, String>> {
    let ids: Vec<PersonId> =
        items.iter().flat_map(|item| [item.answered_by, item.answered_for]).flatten().collect();
    if ids.is_empty() { Ok(HashMap::new()) } else { directory::store::names(db, &ids) }
}

struct Reader<'a> {
    instance: &'a Instance,
    pools: &'a [Pool],
    names: &'a HashMap<PersonId, String>,
    me: &'a crate::access::Person,
    /// Those whose access it is do not read who approved it (E17).
    veiled: bool,
    now: Ts,
    zone: Zone,
}

impl Reader<'_> {
    fn block(&self, item: &Item, by_person: bool, typed: Option<&Typed<'_>>) -> ItemBlock {
        let when = |at| When::at(at, self.now, self.zone);
        let standing = store::standing_in(item, self.pools);
        let pool = self.pools.iter().find(|pool| pool.id == item.pool);
        let via = pool.map(|pool| pool.via);
        let context = &item.context;
        let typed = typed.filter(|typed| typed.item == item.id);
        let shows = item.recommendation.is_some()
            && (item.risk != Risk::High || item.first_answer.is_some());
        let small = |n: i64| usize::try_from(n).unwrap_or(0);
        let veiled = self.veiled && standing.own;
        let by = |name: &String| if veiled { "a reviewer".to_owned() } else { name.clone() };
        ItemBlock {
            id: item.id,
            name: if by_person { item.access_name.clone() } else { item.person_name.clone() },
            about: if by_person {
                String::new()
            } else {
                item.department.clone().unwrap_or_default()
            },
            high: item.risk == Risk::High,
            changed: item.changed && (context.last.is_some() || !context.changes.is_empty()),
            fresh: item.changed && context.last.is_none() && context.changes.is_empty(),
            since: (!context.since_unknown).then(|| when(item.since)),
            listed: item.row.is_some(),
            given: context
                .given_by
                .as_deref()
                .map(|packages| given_words(packages, self.zone.date(item.since))),
            about_it: context.about.clone(),
            ends: item.ends_at.map(|at| When::end(at, self.now, self.zone)),
            policy: context.policy.clone(),
            reason: context.reason.clone(),
            approved_by: (!veiled).then(|| context.approved_by.clone()),
            peers: context
                .peers
                .filter(|peers| peers.of >= 5 && peers.of <= 12 && peers.have <= peers.of)
                .map(|peers| (small(peers.have), small(peers.of))),
            peers_words: context
                .peers
                .filter(|peers| peers.of >= 5)
                .map(|peers| format!("{} of {} in the department have it", peers.have, peers.of)),
            changes: context.changes.clone(),
            last: context
                .last
                .as_ref()
                .map(|last| (last.answer.label().to_owned(), by(&last.by), when(last.at))),
            earlier: pool.map(|pool| self.earlier(item, pool.stage, by)).unwrap_or_default(),
            decided: pool.is_none_or(|pool| pool.stage != self.instance.stage),
            reply: item.reply.clone(),
            why: match via {
                Some(Via::Own) => "It is your own access.",
                Some(Via::Manager) => "You are the manager.",
                Some(Via::Named) => "The review names you.",
                Some(Via::Owner) => "You own the catalog.",
                Some(Via::Passed) => "A reviewer has passed it on.",
                Some(Via::Fallback) | None => "Nobody else could be asked.",
            },
            instead_of: policy::reviews_for(self.me, &standing)
                .filter(|_| !standing.reviewers.contains(&self.me.id))
                .map(|stands| stands.name.clone()),
            advice: shows.then(|| {
                let words = match item.recommendation {
                    Some(Answer::Remove) => "The rules suggest to remove it",
                    _ => "The rules suggest to keep it",
                };
                (words.to_owned(), context.advice.clone())
            }),
            advice_later: item.recommendation.is_some() && !shows,
            answered: item.answer.map(|answer| self.said(item, answer)),
            undo: item
                .apply_at
                .filter(|at| item.outcome == Some(Outcome::Planned) && *at > self.now)
                .map(when),
            outcome: item.outcome.map(outcome_words),
            needs_reason: item.risk == Risk::High || self.instance.terms.reasons,
            note: typed
                .map_or_else(|| item.note.clone().unwrap_or_default(), |typed| typed.note.clone()),
            until: typed.map_or_else(
                || {
                    item.until
                        .and_then(|at| self.zone.last_day(at))
                        .map(|day| day.to_string())
                        .unwrap_or_default()
                },
                |typed| typed.until.clone(),
            ),
            own: standing.own,
            next: None,
        }
    }

    /// What earlier stages answered, where the terms let this one see it.
    fn earlier(&self, item: &Item, stage: i64, by: impl Fn(&String) -> String) -> Vec<(i64, Said)> {
        if !self.instance.terms.stage(stage).is_some_and(|stage| stage.shows) {
            return vec![];
        }
        let said = |one: &Earlier| {
            let words = match one.until.and_then(|at| self.zone.last_day(at)) {
                Some(day) => format!("Keep until {}", crate::web::words::date(day)),
                None => one.answer.label().to_owned(),
            };
            let said = Said {
                answer: words,
                by: by(&one.name),
                when: When::at(one.at, self.now, self.zone),
                note: one.note.clone(),
                first: None,
            };
            (one.stage, said)
        };
        item.context.earlier.iter().map(said).collect()
    }

    fn said(&self, item: &Item, answer: Answer) -> Said {
        let name = |id: Option<PersonId>| id.and_then(|id| self.names.get(&id).cloned());
        let by = name(item.answered_by).unwrap_or_default();
        let mut words = answer.label().to_owned();
        if let Some(day) = item.until.and_then(|at| self.zone.last_day(at)) {
            words = format!("Keep until {}", crate::web::words::date(day));
        }
        Said {
            answer: words,
            by: match name(item.answered_for) {
                Some(away) => format!("{by}, for {away}"),
                None => by,
            },
            when: When::at(item.answered_at.unwrap_or(self.now), self.now, self.zone),
            note: item.note.clone(),
            first: item
                .first_answer
                .filter(|first| *first != answer && item.risk == Risk::High)
                .map(Answer::label),
        }
    }
}

/// What gives it here, in words.
fn given_words(packages: &[String], since: NaiveDate) -> String {
    match packages {
        [] => "Nobody assigned this here; it was given on the target system".to_owned(),
        some => format!(
            "Given by {} since {}; a removal ends that for the person",
            listed(some),
            crate::web::words::date(since)
        ),
    }
}

/// What became of an item, in words.
pub(super) fn outcome_words(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Kept => "Stays",
        Outcome::Planned => "Will be removed",
        Outcome::Removing => "Is being removed",
        Outcome::Removed => "Removed, confirmed",
        Outcome::Shortened => "Ends earlier",
        Outcome::Undone => "Removal called off",
        Outcome::Failed => "Not removed in time",
        Outcome::Gone => "Had ended before",
        Outcome::ByHand => "Waits to be removed by hand",
    }
}

/// The item of the address, if the reader may answer it.
fn item_of(cx: &Cx, instance: &Instance) -> Result<Item> {
    let id: ReviewItemId = cx.id("item")?;
    let item = cx.read(|db| store::item(db, id))?;
    if item.instance != instance.id {
        return Err(Error::Missing);
    }
    let standing = cx.read(|db| store::standings(db, std::slice::from_ref(&item)))?;
    let standing = standing.first().ok_or(Error::Missing)?;
    policy::answer_item(cx.actor().ok_or(Error::Missing)?, standing)?;
    Ok(item)
}

pub(super) fn answer(cx: &mut Cx) -> Result<Reply> {
    let id: ReviewItemId = cx.id("item")?;
    save(cx, id).or_else(|error| Err(passed_on(cx, id, error)?))
}

/// Whoever has passed an item on and answers it in another tab is told so.
fn passed_on(cx: &Cx, id: ReviewItemId, error: Error) -> Result<Error> {
    if !matches!(error, Error::Missing) {
        return Ok(error);
    }
    let me = cx.person()?.id;
    Ok(match cx.read(|db| listing::passed_to(db, id, me))? {
        Some(name) => Error::refused(
            "You have passed it on",
            format!("{name} was asked in your place. Your answer was not taken."),
        ),
        None => error,
    })
}

fn save(cx: &mut Cx, id: ReviewItemId) -> Result<Reply> {
    let form = cx.form().clone();
    let part = part_of(&form);
    let (note, until) = (form.text("note"), form.line("until"));
    let read = mine(cx)?;
    let instance = read.0.id;
    let person = item_of(cx, &read.0)?.person;
    let part = part.unwrap_or(Part::Person(person));
    let Some(given) = Answer::parse(form.raw("answer")) else {
        return Err(Error::invalid("answer", "Choose one of the answers"));
    };
    let says = Says { answer: given, until: day(&until), note: note.clone() };
    let done = cx.write(move |tx| {
        let item = store::item(tx.db(), id)?;
        if item.instance != instance {
            return Err(Error::Missing);
        }
        let standing = store::standings(tx.db(), std::slice::from_ref(&item))?;
        let standing = standing.first().ok_or(Error::Missing)?;
        let permit = policy::answer_item(tx.actor(), standing)?;
        commands::answer(tx, &permit, &says)
    });
    let answered = match done {
        Ok(answered) => answered,
        Err(Error::Invalid(errors)) => {
            let typed = Typed { item: id, note, until, errors: &errors };
            return draw_part(cx, &read, part, Some(&typed));
        }
        Err(error) => return Err(error),
    };
    let left = cx.read(|db| {
        let me = cx.person()?.clone();
        listing::left(db, &me, instance)
    })?;
    let item = &answered.before;
    let mut text = format!("{} of {}.", item.access_name, item.person_name);
    let was = item.answer.filter(|was| *was != given);
    match (&answered.other, was) {
        (Some(other), _) => {
            text = format!("{text} {other} had answered before; yours counts now.");
        }
        // Also in another tab.
        (None, Some(was)) => {
            text = format!("{text} Before it was answered “{}”; this counts now.", was.label());
        }
        (None, None) => {}
    }
    text = match left {
        0 => format!("{text} Nothing is left for you: sign off when you are done."),
        left => format!("{text} {} left for you.", counted(left, "item is", "items are")),
    };
    let mut back = format!("{}&done={id}", here(instance, part));
    if let Some(at) = Cursor::<String>::decode(form.raw(PAGE)) {
        back = format!("{back}&{PAGE}={}", at.encode());
    }
    Ok(Reply::see_other(back).notice(format!("{}:", given.label()), text))
}

#[derive(Template)]
#[template(path = "reviews/pass_on.html")]
struct PassPage {
    shell: Shell,
    frame: Frame,
    item: ReviewItemId,
    access: String,
    person: String,
    back: String,
    to: String,
    note: String,
}

pub(super) fn passing(cx: &mut Cx) -> Result<Reply> {
    let form = cx.refill().unwrap_or_default();
    draw_passing(cx, &form, &[])
}

fn draw_passing(cx: &Cx, form: &Form, errors: &[FieldError]) -> Result<Reply> {
    let read = mine(cx)?;
    let item = item_of(cx, &read.0)?;
    let mut shell = cx.shell(
        format!("Pass on {} of {} – Reviews", item.access_name, item.person_name),
        Place::Reviews,
    )?;
    shell.errors = errors.iter().map(Into::into).collect();
    let shown = PassPage {
        shell,
        frame: Frame::of(cx, &read.0, read.2),
        item: item.id,
        access: item.access_name.clone(),
        person: item.person_name.clone(),
        back: here(read.0.id, Part::Person(item.person)),
        to: form.raw("to").to_owned(),
        note: form.text("note"),
    };
    Ok(Reply::page(&shown)?.status(if errors.is_empty() { 200 } else { 422 }))
}

pub(super) fn pass_on(cx: &mut Cx) -> Result<Reply> {
    let form = cx.form().clone();
    let read = mine(cx)?;
    let item = item_of(cx, &read.0)?;
    let found = cx.read(|db| meant(db, "to", &form.line("to"), crate::reviews::NOBODY))?;
    let (to, _) = match found {
        Ok(found) => found,
        Err(error) => return draw_passing(cx, &form, &[error]),
    };
    let (id, note) = (item.id, form.text("note"));
    let done = cx.write(move |tx| {
        let item = store::item(tx.db(), id)?;
        let standing = store::standings(tx.db(), std::slice::from_ref(&item))?;
        let permit = policy::answer_item(tx.actor(), standing.first().ok_or(Error::Missing)?)?;
        commands::pass_on(tx, &permit, to, &note)
    });
    match done {
        Ok(name) => {
            let words = format!("{} of {} is with {name} now.", item.access_name, item.person_name);
            let rest = cx.read(|db| listing::left(db, cx.person()?, read.0.id))?;
            let to =
                if rest > 0 { format!("/reviews/{}", read.0.id) } else { "/reviews".to_owned() };
            Ok(Reply::see_other(to).notice("Passed on.", words))
        }
        Err(Error::Invalid(errors)) => draw_passing(cx, &form, &errors),
        Err(error) => Err(error),
    }
}

/// Calls a removal off in its cooling-off time.
pub(super) fn undo(cx: &mut Cx) -> Result<Reply> {
    let (instance, item): (ReviewInstanceId, ReviewItemId) = (cx.id("id")?, cx.id("item")?);
    let done = cx.write(move |tx| {
        if store::item(tx.db(), item)?.instance != instance {
            return Err(Error::Missing);
        }
        commands::undo(tx, item)
    })?;
    let words = format!("{} stays with {}; they are told.", done.access_name, done.person_name);
    let me = cx.person()?;
    let mine = cx.read(|db| Mine::read(db, me, instance))?;
    let back = if mine.is_nothing() {
        format!("/reviews/{instance}/progress")
    } else {
        here(instance, Part::Person(done.person))
    };
    Ok(Reply::see_other(back).notice("Called off.", words))
}

/// What was answered and what changes, before it is signed.
#[derive(Template)]
#[template(path = "reviews/sign_off.html")]
struct SignPage {
    shell: Shell,
    frame: Frame,
    counts: listing::Counts,
    changes: Vec<Change>,
    more: i64,
    /// What stays: the access and whose it is.
    stays: Vec<(String, String)>,
    more_stays: i64,
    signed: Option<When>,
}

/// What an answer changes.
struct Change {
    access: String,
    person: String,
    what: String,
    why: Option<String>,
}

/// As many changes as the page names.
const NAMED: i64 = 100;

pub(super) fn signing(cx: &mut Cx) -> Result<Reply> {
    let (instance, _, progress) = mine(cx)?;
    let me = cx.person()?.id;
    let (counts, changes, stays, signed) = cx.read(|db| {
        let counts = listing::answered_by(db, instance.id, me)?;
        let whose = (instance.id, me);
        let change = [Answer::Remove, Answer::Until, Answer::Unknown];
        let changes = listing::answers_of(db, whose, &change, NAMED)?;
        let stays = listing::answers_of(db, whose, &[Answer::Keep], NAMED)?;
        Ok((counts, changes, stays, listing::signed_at(db, instance.id, me)?))
    })?;
    let (now, zone) = (cx.now(), cx.zone());
    let named = |item: &Item| {
        let what = match (item.answer, item.until.and_then(|at| zone.last_day(at))) {
            (Some(Answer::Until), Some(day)) => {
                format!("stays until {}", crate::web::words::date(day))
            }
            (Some(Answer::Unknown), _) => "stays; its owner describes it better".to_owned(),
            _ => "is removed".to_owned(),
        };
        Change {
            access: item.access_name.clone(),
            person: item.person_name.clone(),
            what,
            why: item.note.clone().filter(|note| !note.is_empty()),
        }
    };
    let beyond = |all: i64, named: usize| all - i64::try_from(named).unwrap_or(i64::MAX);
    let shown = SignPage {
        shell: cx.shell(format!("Sign off – {} – Reviews", instance.name), Place::Reviews)?,
        frame: Frame::of(cx, &instance, progress),
        more: beyond(counts.removed + counts.shortened + counts.unknown, changes.len()),
        changes: changes.iter().map(named).collect(),
        more_stays: beyond(counts.kept, stays.len()),
        stays: stays.into_iter().map(|item| (item.access_name, item.person_name)).collect(),
        counts,
        signed: signed.map(|at| When::at(at, now, zone)),
    };
    Reply::page(&shown)
}

pub(super) fn sign_off(cx: &mut Cx) -> Result<Reply> {
    let (instance, ..) = mine(cx)?;
    let id = instance.id;
    cx.write(move |tx| commands::sign_off(tx, id))?;
    let words = "You can still change your answers until it closes; then sign off again.";
    Ok(Reply::see_other(format!("/reviews/{id}/sign-off")).notice("Signed off.", words))
}
