//! The demo's own pages: its target system, its clock, its mailbox. Only the demo has these routes.

use std::sync::Arc;

use askama::Template;

use super::Demo;
use super::store;
use super::target::{GroupLine, Mood};
use crate::access::policy::Gate;
use crate::assignments;
use crate::audit;
use crate::audit::store::{Entry, Filter};
use crate::error::{Error, Result};
use crate::kernel::fact::Sentence;
use crate::kernel::text::{counted, one_line};
use crate::kernel::{FactId, NoticeId, Ts};
use crate::notify::letters::Letter;
use crate::notify::model::Told;
use crate::web::listing::{Listing, PAGE, address, seek};
use crate::web::page::Choice;
use crate::web::paging::page;
use crate::web::words::{When, span};
use crate::web::{Cx, Place, Reply, Route, Shell, get, post};
use crate::{notify, requests};

/// The routes that only the demo has.
pub const ROUTES: &[Route] = &[
    get("/demo/target", Gate::Demo, target),
    post("/demo/target/switches", Gate::Demo, switch),
    post("/demo/target/locks", Gate::Demo, lock),
    post("/demo/target/accounts", Gate::Demo, open_account),
    get("/demo/clock", Gate::Demo, clock),
    post("/demo/clock/advance", Gate::Demo, advance),
    get("/demo/mailbox", Gate::Demo, mailbox),
];

/// Notices of a page.
const LETTERS: usize = 100;
/// As much as is told of what a move of the clock did.
const TOLD: i64 = 300;
/// The moves of the clock: value, words, seconds.
const MOVES: [(&str, &str, i64); 3] =
    [("hour", "An hour", 3_600), ("day", "A day", 86_400), ("month", "30 days", 30 * 86_400)];

fn demo(cx: &Cx) -> Result<Arc<Demo>> {
    cx.site.controls.clone().ok_or(Error::Missing)
}

fn when(cx: &Cx, at: Ts) -> When {
    When::at(at, cx.now(), cx.zone())
}

#[derive(Template)]
#[template(path = "demo/target.html")]
struct TargetPage {
    shell: Shell,
    name: &'static str,
    mood: Mood,
    moods: Vec<Choice>,
    groups: Vec<(GroupLine, Option<When>)>,
    missing: Vec<(String, String)>,
}

fn target(cx: &mut Cx) -> Result<Reply> {
    let target = Arc::clone(&demo(cx)?.target);
    let mood = target.mood();
    let choice = |one: &Mood| Choice {
        value: one.to_string(),
        label: one.label().into(),
        hint: one.hint().into(),
        on: *one == mood,
    };
    Reply::page(&TargetPage {
        shell: cx.shell("Target system – Demo", Place::None)?,
        name: super::target::NAME,
        mood,
        moods: Mood::ALL.iter().map(choice).collect(),
        groups: target
            .groups()
            .into_iter()
            .map(|line| {
                let changed = line.changed.map(|at| when(cx, at));
                (line, changed)
            })
            .collect(),
        missing: target.missing(),
    })
}

fn switch(cx: &mut Cx) -> Result<Reply> {
    let Some(mood) = Mood::parse(cx.form().raw("mood")) else {
        return Err(Error::invalid("mood", "Choose how the target system shall behave"));
    };
    demo(cx)?.target.set_mood(mood)?;
    let words = match mood {
        Mood::Usual => {
            "It answers as usual. What failed is tried again by itself, within a quarter of an hour; \
             the catalog’s owner can retry at once."
        }
        other => other.hint(),
    };
    Ok(Reply::see_other("/demo/target").notice("Switched.", words))
}

fn lock(cx: &mut Cx) -> Result<Reply> {
    let on = cx.form().raw("on") == "yes";
    if !demo(cx)?.target.set_lock(cx.form().raw("group"), on)? {
        return Err(Error::Missing);
    }
    let words = if on {
        "Every change of the group is refused from now on."
    } else {
        "Its members can be changed again. What failed is tried again by itself, within a quarter of an hour."
    };
    let strong = if on { "Locked." } else { "Unlocked." };
    Ok(Reply::see_other("/demo/target").notice(strong, words))
}

fn open_account(cx: &mut Cx) -> Result<Reply> {
    let Some(name) = demo(cx)?.target.open_account(cx.form().raw("person"))? else {
        return Err(Error::Missing);
    };
    let words = format!("What waited for {name} is tried again within a quarter of an hour.");
    Ok(Reply::see_other("/demo/target").notice("Account opened.", words))
}

#[derive(Template)]
#[template(path = "demo/clock.html")]
struct ClockPage {
    shell: Shell,
    now: When,
    ahead: Option<String>,
    moves: [(&'static str, &'static str, i64); 3],
    happened: Option<Vec<Happened>>,
    next: Vec<(When, String)>,
}

struct Happened {
    says: Sentence,
    failed: bool,
    href: Option<String>,
    words: String,
}

fn clock(cx: &mut Cx) -> Result<Reply> {
    let ahead = demo(cx)?.clock.ahead();
    let since: Option<FactId> = cx.query("since").parse().ok();
    let happened = match since {
        Some(since) => Some(happened(cx, since)?.iter().map(told).collect()),
        None => None,
    };
    Reply::page(&ClockPage {
        shell: cx.shell("Clock – Demo", Place::None)?,
        now: when(cx, cx.now()),
        ahead: (ahead >= 60).then(|| span(ahead)),
        moves: MOVES,
        happened,
        next: next(cx)?,
    })
}

fn told(entry: &Entry) -> Happened {
    let (href, words) = match (&entry.request, &entry.package) {
        (Some((id, reference)), _) => (Some(format!("/requests/{id}")), reference.clone()),
        (None, Some((id, name))) => (Some(format!("/packages/{id}")), name.clone()),
        _ => (None, String::new()),
    };
    Happened { says: entry.sentence.clone(), failed: entry.failed, href, words }
}

/// What was recorded after a fact, newest first. Ids are in the order in which they were made.
fn happened(cx: &Cx, since: FactId) -> Result<Vec<Entry>> {
    let newest = cx.read(|db| audit::store::entries(db, &Filter::default(), None, TOLD))?;
    Ok(newest.into_iter().filter(|entry| entry.id > since).collect())
}

/// What comes next by itself: the next of each kind.
fn next(cx: &Cx) -> Result<Vec<(When, String)>> {
    let far = cx.now().plus_hours(24 * 3_660);
    let mut all = cx.read(|db| {
        let mut all = Vec::new();
        if let Some((at, id)) = requests::store::due(db, far, None, 1)?.pop() {
            let request = requests::store::one(db, id)?;
            let words =
                format!("{} for {} expires, unless it is decided", request.package, request.target);
            all.push((at, words));
        }
        if let Some((at, id)) = assignments::store::due_to_start(db, far, None, 1)?.pop() {
            let named = assignments::store::one(db, id)?;
            all.push((at, format!("{} starts for {}", named.package, named.target)));
        }
        if let Some((at, id)) = assignments::store::due_to_end(db, far, None, 1)?.pop() {
            let named = assignments::store::one(db, id)?;
            all.push((at, format!("{} ends for {}", named.package, named.target)));
        }
        Ok(all)
    })?;
    all.sort();
    Ok(all.into_iter().map(|(at, words)| (when(cx, at), words)).collect())
}

fn advance(cx: &mut Cx) -> Result<Reply> {
    let by = cx.form().raw("by");
    let Some((_, words, seconds)) = MOVES.iter().find(|(value, _, _)| *value == by) else {
        return Err(Error::invalid("by", "Choose an hour, a day or 30 days"));
    };
    let since = demo(cx)?.advance(*seconds)?;
    let summary = summary(&happened(cx, since)?);
    let strong = format!("{words} later.");
    Ok(Reply::see_other(format!("/demo/clock?since={since}")).notice(strong, summary))
}

/// "3 assignments ended, 1 request expired."
fn summary(entries: &[Entry]) -> String {
    const KINDS: [(&str, &str, &str); 9] = [
        ("assignment_started", "assignment started", "assignments started"),
        ("assignment_ended", "assignment ended", "assignments ended"),
        ("request_expired", "request expired", "requests expired"),
        ("request_denied", "request was denied by a rule", "requests were denied by a rule"),
        ("right_delivered", "right was delivered", "rights were delivered"),
        ("right_removed", "right was removed", "rights were removed"),
        ("right_kept", "right was left in place", "rights were left in place"),
        ("delivery_troubled", "delivery did not work", "deliveries did not work"),
        ("removal_overdue", "removal is overdue", "removals are overdue"),
    ];
    let parts: Vec<String> = KINDS
        .iter()
        .filter_map(|(kind, one, many)| {
            let n = entries.iter().filter(|entry| entry.kind == *kind).count();
            (n > 0).then(|| counted(i64::try_from(n).unwrap_or(i64::MAX), one, many))
        })
        .collect();
    if parts.is_empty() { "Nothing was due.".into() } else { format!("{}.", parts.join(", ")) }
}

#[derive(Template)]
#[template(path = "demo/mailbox.html")]
struct MailboxPage {
    shell: Shell,
    to: String,
    cast: Vec<Facet>,
    rows: Vec<Mail>,
    pager: Listing,
}

struct Facet {
    href: String,
    label: String,
    on: bool,
}

struct Mail {
    when: When,
    to: String,
    to_href: String,
    subject: String,
    text: String,
    link: String,
}

fn mailbox(cx: &mut Cx) -> Result<Reply> {
    let to = one_line(cx.query("to"));
    let cursor = cx.cursor::<Ts>(PAGE)?;
    let from = seek(cursor.as_ref(), NoticeId);
    let limit = i64::try_from(LETTERS + 1).unwrap_or(i64::MAX);
    let letters = cx.read(|db| store::letters(db, &to, from, limit))?;
    let page = page(letters, LETTERS, cursor.as_ref(), |letter| (letter.at, letter.id.0));
    let ids: Vec<NoticeId> = page.rows.iter().map(|letter| letter.id).collect();
    let told = cx.read(|db| notify::store::told(db, &ids, cx.site.db.zone()))?;
    let pager = Listing::under(cx, &page, "notice", "notices");
    let narrowed = |to: Option<&str>| address(cx, &[("to", to), (PAGE, None)]);
    let everybody = Facet { href: narrowed(None), label: "Everybody".into(), on: to.is_empty() };
    let cast = demo(cx)?.cast.clone().into_iter().map(|person| Facet {
        href: narrowed(Some(&person.user_name)),
        on: person.user_name == to,
        label: person.name,
    });
    let head = cx.site.letterhead();
    let mail = |(row, told): (&store::Letter, &Told)| -> Result<Mail> {
        let letter = Letter::of(told, &head)?;
        Ok(Mail {
            when: when(cx, told.at),
            to: told.to.name.clone(),
            to_href: narrowed(Some(&row.user_name)),
            subject: letter.subject,
            text: letter.text,
            link: told.link.clone(),
        })
    };
    let rows = page.rows.iter().zip(&told).map(mail).collect::<Result<_>>()?;
    Reply::page(&MailboxPage {
        shell: cx.shell("Mailbox – Demo", Place::None)?,
        cast: std::iter::once(everybody).chain(cast).collect(),
        rows,
        to,
        pager,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory;
    use crate::kernel::{Clock, PersonId};
    use crate::web::harness::{House, houses_with};

    fn house() -> (tempfile::TempDir, Arc<Demo>, House) {
        let folder = tempfile::tempdir().unwrap();
        let demo = Arc::new(super::super::prepare(folder.path(), false).unwrap());
        let of_demo = Arc::clone(&demo);
        let houses = houses_with(&[ROUTES], |site| {
            site.db = of_demo.db.clone();
            site.demo = true;
            site.targets = Arc::clone(&of_demo.targets);
            site.controls = Some(Arc::clone(&of_demo));
        });
        (folder, demo, houses.into_iter().next().unwrap())
    }

    fn person(demo: &Demo, id: &str) -> PersonId {
        demo.db.read(|c| directory::store::by_external_id(c, id)).unwrap()[0].id
    }

    #[test]
    fn serve_has_none_of_these_routes() {
        let of = |demo| -> Vec<&str> {
            let tables = crate::app::tables(demo);
            tables.into_iter().flatten().map(|route| route.path).collect()
        };
        assert!(!of(false).iter().any(|path| path.starts_with("/demo")));
        assert!(of(true).contains(&"/demo/clock"));
    }

    #[test]
    fn the_demos_pages_do_what_they_say_for_whoever_is_signed_in() {
        let (_folder, demo, house) = house();
        let mut stranger = house.browser();
        assert_eq!(stranger.get("/demo/clock").status, 303);
        let bare = stranger.post_bare("/demo/clock/advance", &[("by", "day")], |r| r);
        assert_ne!(bare.status, 200);

        let mut browser = house.signed_in(person(&demo, "employee"));
        let before = demo.clock.now();
        let forged = browser.post_bare("/demo/clock/advance", &[("by", "day")], |r| r);
        assert_eq!(forged.status, 403);
        assert!(demo.clock.now().seconds_since(before) < 3_600);

        // The target system.
        let page = browser.get("/demo/target");
        assert_eq!((page.status, page.texts("h1")), (200, vec!["Northmoor directory".to_owned()]));
        assert_eq!(page.value("input[name=mood][checked]").as_deref(), Some("usual"));
        assert_eq!(page.texts("form[action='/demo/target/accounts'] button").len(), 1);
        assert!(page.texts("tbody tr").iter().any(|row| row.contains("Asha Rao")));
        let posted = browser.post("/demo/target/switches", &[("mood", "lie")]);
        assert_eq!((posted.status, posted.location()), (303, "/demo/target"));
        assert_eq!(demo.target.mood(), Mood::Lie);
        assert_eq!(browser.post("/demo/target/switches", &[("mood", "sing")]).status, 422);
        browser.post("/demo/target/switches", &[("mood", "usual")]);
        assert_eq!(browser.post("/demo/target/locks", &[("group", "x"), ("on", "no")]).status, 404);
        browser.post("/demo/target/locks", &[("group", "refund-approvers"), ("on", "no")]);
        assert!(demo.target.groups().iter().all(|group| !group.locked));
        assert_eq!(browser.post("/demo/target/accounts", &[("person", "n1056")]).status, 303);
        assert!(demo.target.missing().is_empty());

        // The clock.
        assert_eq!(browser.post("/demo/clock/advance", &[("by", "year")]).status, 422);
        let posted = browser.post("/demo/clock/advance", &[("by", "month")]);
        let to = posted.location().to_owned();
        assert!(to.starts_with("/demo/clock?since="), "{to}");
        let page = browser.get(&to);
        let told = page.texts("[role=status]").join(" ");
        assert!(told.contains("30 days later.") && told.contains("assignments ended"), "{told}");
        assert!(told.contains("requests expired"), "{told}");
        assert!(
            page.texts(".lines li")
                .iter()
                .any(|line| line.contains("ended for Asha Rao: its time was over"))
        );
        assert!(page.body.contains("30 days ahead"));

        // The mailbox.
        let page = browser.get("/demo/mailbox");
        assert_eq!(page.texts("tbody tr").len(), LETTERS);
        let older =
            page.body.split("rel=\"next\"").next().unwrap().rsplit("href=\"").next().unwrap();
        let older = older.split('"').next().unwrap().replace("&amp;", "&").replace("&#38;", "&");
        let older = browser.get(&older);
        assert!(older.status == 200 && older.texts("tbody tr") != page.texts("tbody tr"));
        let first = page.texts("tbody tr pre").remove(0);
        assert!(first.contains("-- You get this because"), "{first}");
        let page = browser.get("/demo/mailbox?to=catalog-owner");
        assert!(page.texts("td[data-l=To]").iter().all(|to| to == "Dario Conti"));
        assert!(!page.texts("tbody tr").is_empty());
        let page = browser.get("/demo/mailbox?to=Nobody+Here");
        assert!(page.texts(".says")[0].contains("Nobody Here"));
        assert_eq!(browser.get("/demo/mailbox?page=x").status, 303);
    }
}
