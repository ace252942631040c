//! Deciding on many requests at once (D39): a page that names them all first, then each in a transaction of its own,
//! then a page that says of each what happened.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use askama::Template;

use super::approvals::{Around, TeamCell, about};
use super::deciding::Until;
use super::decision::{self, Answer};
use super::model::{StageState, State, Verdict};
use super::queue::{Apart, Filter, QUEUE, Wanted, apart};
use super::store::{self, Outcome, Queued};
use super::{commands, words};
use crate::access::{Person, policy};
use crate::db::Db;
use crate::error::{Error, FieldError, Refusal, Result};
use crate::kernel::text::{NOTE_MAX, counted};
use crate::kernel::{PackageId, PersonId, RequestId, Risk, StageId, Ts, Zone};
use crate::web::words::When;
use crate::web::{Cx, Form, Place, Reply, Shell};

/// As many as can be decided at once.
const MOST: usize = 100;

/// One of the requests, as the page showed it (E8, D43): what its form carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Item {
    request: RequestId,
    stage: StageId,
    version: i64,
    contents: i64,
}

impl Item {
    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('.');
        let mut next = || parts.next();
        let item = Self {
            request: next()?.parse().ok()?,
            stage: next()?.parse().ok()?,
            version: next()?.parse().ok()?,
            contents: next()?.parse().ok()?,
        };
        next().is_none().then_some(item)
    }

    fn encoded(self) -> String {
        format!("{}.{}.{}.{}", self.request, self.stage, self.version, self.contents)
    }
}

/// The page that names everybody before anything happens.
#[derive(Template)]
#[template(path = "requests/bulk.html")]
struct BulkPage {
    shell: Shell,
    heading: String,
    /// The packages, with how many of each.
    packages: Vec<(String, String)>,
    rows: Vec<Row>,
    /// What is left aside, and why.
    apart: Vec<ApartRow>,
    /// How many of the ticked ones do not wait for the person any more.
    gone: Option<String>,
    verdict: Option<Verdict>,
    note: String,
    hint: String,
    button: String,
    filter: Filter,
}

struct Row {
    item: String,
    href: String,
    target: String,
    about: String,
    package: String,
    kind: Option<&'static str>,
    until: String,
    requestor: Option<String>,
    /// In whose place the reader decides it (D34).
    instead_of: Option<String>,
    reason: String,
    expires: Option<When>,
    team: TeamCell,
    /// What stands out.
    out: Vec<&'static str>,
}

struct ApartRow {
    href: String,
    target: String,
    package: String,
    why: &'static str,
}

/// What was ticked, as it is now.
struct Ticked {
    rows: Vec<Queued>,
    around: Around,
    contents: BTreeMap<PackageId, i64>,
    denied: BTreeSet<(PersonId, PackageId)>,
    /// How many of the ticked ones wait for somebody else, or for nobody any more.
    gone: usize,
}

impl Ticked {
    /// Six statements, and one more where several must approve.
    fn read(db: &mut Db, me: &Person, now: Ts, stages: &[StageId]) -> Result<Self> {
        let wanted = Wanted { only: Some(stages), ..Wanted::all(me, now) };
        let most = i64::try_from(MOST).unwrap_or(i64::MAX);
        let rows = store::queue_page(db, &wanted, None, most)?;
        let of = |row: &Queued| (row.waiting.request.target_id, row.waiting.request.package_id);
        let (people, packages): (BTreeSet<_>, BTreeSet<_>) = rows.iter().map(of).unzip();
        let people: Vec<PersonId> = people.into_iter().collect();
        let packages: Vec<PackageId> = packages.into_iter().collect();
        Ok(Self {
            around: Around::read(db, &rows)?,
            contents: store::contents_versions(db, &packages)?,
            denied: store::denied_before(db, &people, &packages)?,
            gone: stages.len() - rows.len(),
            rows,
        })
    }

    fn apart(&self, row: &Queued) -> Option<Apart> {
        apart(&row.waiting.request, self.around.risk(&row.waiting.request))
    }

    fn together(&self) -> impl Iterator<Item = &Queued> {
        self.rows.iter().filter(|row| self.apart(row).is_none())
    }

    /// How many of them want a reason for an approval, too.
    fn asking(&self) -> usize {
        let asks = |row: &&Queued| {
            let request = &row.waiting.request;
            let at = usize::try_from(request.stage - 1).ok();
            let stage = at.and_then(|at| request.terms.stages.get(at));
            stage.is_some_and(|stage| stage.note_required)
        };
        self.together().filter(asks).count()
    }

    /// What stands out, worst first.
    fn out(&self, row: &Queued, until: Until) -> Vec<&'static str> {
        let request = &row.waiting.request;
        let pair = (request.target_id, request.package_id);
        let changed =
            self.contents.get(&request.package_id).is_some_and(|v| *v != request.contents_version);
        let nobody = self.around.peers(row).is_some_and(|peers| peers.have == 0);
        [
            (request.exception, "Asks for an exception from separation of duties"),
            (self.denied.contains(&pair), "Was denied before, for the same person"),
            (changed, "What is in the package changed since it was requested"),
            (nobody, "Nobody with the same manager has it"),
            (until == Until::Never, "Has no end"),
        ]
        .into_iter()
        .filter_map(|(is, words)| is.then_some(words))
        .collect()
    }

    fn row(&self, row: &Queued, now: Ts, zone: Zone) -> Row {
        let request = &row.waiting.request;
        let until = Until::of(request, now, zone);
        let item = Item {
            request: request.id,
            stage: row.waiting.stage,
            version: request.policy_version,
            contents: self.contents.get(&request.package_id).copied().unwrap_or_default(),
        };
        Row {
            item: item.encoded(),
            href: format!("/approvals/{}", request.id),
            target: request.target.clone(),
            about: about(row),
            package: request.package.clone(),
            kind: words::kind(request),
            until: until.short(zone),
            instead_of: row.waiting.instead_of.clone(),
            requestor: (request.requestor_id != request.target_id)
                .then(|| request.requestor.clone()),
            reason: request.reason.clone(),
            expires: request.due_at.map(|at| When::at(at, now, zone)),
            team: self.around.team(row),
            out: self.out(row, until),
        }
    }

    /// Those that stand out first; among them, longest wait first.
    fn rows(&self, now: Ts, zone: Zone) -> Vec<Row> {
        let mut rows: Vec<Row> = self.together().map(|row| self.row(row, now, zone)).collect();
        rows.sort_by_key(|row| Reverse(row.out.len()));
        rows
    }

    fn left_aside(&self) -> Vec<ApartRow> {
        let one = |row: &Queued| {
            let request = &row.waiting.request;
            Some(ApartRow {
                href: format!("/approvals/{}", request.id),
                target: request.target.clone(),
                package: request.package.clone(),
                why: self.apart(row)?.words(),
            })
        };
        self.rows.iter().filter_map(one).collect()
    }

    /// "3 requests" for "Month-end ledger", the most first.
    fn packages(&self) -> Vec<(String, String)> {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for row in self.together() {
            *counts.entry(&row.waiting.request.package).or_default() += 1;
        }
        let mut all: Vec<(&str, usize)> = counts.into_iter().collect();
        all.sort_by_key(|(_, n)| Reverse(*n));
        all.into_iter().map(|(name, n)| (requests(n), name.to_owned())).collect()
    }

    fn people(&self) -> usize {
        let people: BTreeSet<PersonId> =
            self.together().map(|row| row.waiting.request.target_id).collect();
        people.len()
    }
}

fn requests(n: usize) -> String {
    counted(i64::try_from(n).unwrap_or(i64::MAX), "request", "requests")
}

fn people(n: usize) -> String {
    match n {
        1 => "1 person".to_owned(),
        n => format!("{n} people"),
    }
}

/// When a reason is needed.
fn hint(asking: usize, of: usize) -> String {
    let approve = match asking {
        0 => String::new(),
        n if n == of => ", and to approve, because the policy asks for one".to_owned(),
        n => format!(", and to approve, because the policy of {n} of them asks for one"),
    };
    format!("Needed to deny{approve}. It is kept with each, and each of them reads it.")
}

/// What stands in a form or an address, once each, in its order.
fn once<T: PartialEq>(all: impl Iterator<Item = T>) -> Vec<T> {
    all.fold(Vec::new(), |mut seen, one| {
        if !seen.contains(&one) {
            seen.push(one);
        }
        seen
    })
}

/// Back to the queue, with the reason why nothing was asked.
fn back(filter: Filter, strong: &str, text: String) -> Reply {
    Reply::see_other(filter.queue()).warning(strong, text)
}

fn too_many(filter: Filter) -> Reply {
    let words = format!("At most {MOST} requests can be decided at once. Nothing was decided.");
    back(filter, "Too many ticked.", words)
}

fn none(filter: Filter) -> Reply {
    let words = "Tick the requests that you want to decide on together.".to_owned();
    back(filter, "Nothing ticked.", words)
}

/// Names everybody, and asks for the verdict.
pub(super) fn ask(cx: &mut Cx) -> Result<Reply> {
    let filter = Filter::parse(cx.query(QUEUE));
    let query = Form::of(cx.query_pairs().iter().cloned());
    let stages = once(query.all("pick").iter().filter_map(|text| StageId::parse(text)));
    match stages.len() {
        0 => Ok(none(filter)),
        1..=MOST => {
            let note = cx.refill().map(|form| form.text("note")).unwrap_or_default();
            draw(cx, filter, &stages, (None, note), &[])
        }
        _ => Ok(too_many(filter)),
    }
}

fn draw(
    cx: &Cx,
    filter: Filter,
    stages: &[StageId],
    (verdict, note): (Option<Verdict>, String),
    errors: &[FieldError],
) -> Result<Reply> {
    let (me, now, zone) = (cx.person()?, cx.now(), cx.zone());
    let ticked = cx.read(|db| Ticked::read(db, me, now, stages))?;
    let rows = ticked.rows(now, zone);
    let heading = match rows.len() {
        0 => "None of these can be decided together".to_owned(),
        n => format!("Decide on {} for {}?", requests(n), people(ticked.people())),
    };
    let mut shell = cx.shell("Decide on several – Approvals", Place::Approvals)?;
    shell.errors = errors.iter().map(Into::into).collect();
    let page = BulkPage {
        shell,
        heading,
        packages: ticked.packages(),
        apart: ticked.left_aside(),
        gone: (ticked.gone > 0).then(|| match ticked.gone {
            1 => "1 of those that you ticked does not wait for you any more.".to_owned(),
            n => format!("{n} of those that you ticked do not wait for you any more."),
        }),
        hint: hint(ticked.asking(), rows.len()),
        button: match rows.len() {
            1 => "Record this decision".to_owned(),
            n => format!("Record all {n} decisions"),
        },
        rows,
        verdict,
        note,
        filter,
    };
    Ok(Reply::page(&page)?.status(if errors.is_empty() { 200 } else { 422 }))
}

/// What is missing before anything is decided.
fn missing(verdict: Option<Verdict>, note: &str, asking: usize) -> Vec<FieldError> {
    let mut errors = Vec::new();
    if verdict.is_none() {
        errors.push(FieldError::new("verdict", "Choose whether you approve or deny them"));
    }
    let note_missing = match verdict {
        Some(Verdict::Deny) => Some("Say why you deny them; each of them reads this"),
        Some(Verdict::Approve) if asking > 0 => {
            Some("Say why you approve them: the policy asks for a reason")
        }
        _ => None,
    };
    if let Some(words) = note_missing.filter(|_| note.is_empty()) {
        errors.push(FieldError::new("note", words));
    }
    if note.chars().count() > NOTE_MAX {
        let words = format!("Shorten your reason to {NOTE_MAX} characters");
        errors.push(FieldError::new("note", words));
    }
    errors
}

/// Decides each in a transaction of its own, so that one that cannot be decided holds up no other.
pub(super) fn decide(cx: &mut Cx) -> Result<Reply> {
    let form = cx.form();
    let filter = Filter::parse(form.raw(QUEUE));
    let items = once(form.all("item").iter().filter_map(|text| Item::parse(text)));
    match items.len() {
        0 => return Ok(none(filter)),
        1..=MOST => {}
        _ => return Ok(too_many(filter)),
    }
    let (note, verdict) = (form.text("note"), Verdict::parse(form.raw("verdict")));
    let stages: Vec<StageId> = items.iter().map(|item| item.stage).collect();
    let (me, now) = (cx.person()?, cx.now());
    let asking = cx.read(|db| Ticked::read(db, me, now, &stages))?.asking();
    let errors = missing(verdict, &note, asking);
    let Some(verdict) = verdict.filter(|_| errors.is_empty()) else {
        return draw(cx, filter, &stages, (verdict, note), &errors);
    };
    let mut recorded = 0;
    for item in &items {
        let Item { request, stage, version, contents } = *item;
        let answer = Answer {
            stage,
            verdict,
            note: note.clone(),
            version,
            contents,
            together: true,
            until: None,
        };
        match cx.write(move |tx| decision::record(tx, request, &answer)) {
            Ok(_) => recorded += 1,
            // The page that follows says of each what happened, from what is recorded.
            Err(Error::Broken(error)) => tracing::error!(%request, "not decided: {error:#}"),
            Err(error) => tracing::debug!(%request, "not decided: {error}"),
        }
    }
    let done = done_address(filter, &stages);
    if recorded == 0 {
        let refusal = Refusal::new(
            "Nothing was decided",
            "None of these requests could be decided now. The next page says of each why.",
        );
        return decision::refused(cx, refusal.way("See what became of them", done), note);
    }
    Ok(Reply::see_other(done))
}

fn done_address(filter: Filter, stages: &[StageId]) -> String {
    let mut pairs: Vec<(String, String)> =
        stages.iter().map(|stage| ("stage".to_owned(), stage.to_string())).collect();
    if !filter.all() {
        pairs.push((QUEUE.to_owned(), filter.encoded()));
    }
    format!("/approvals/bulk/done?{}", Form::of(pairs).encoded())
}

/// What became of each.
#[derive(Template)]
#[template(path = "requests/bulk_done.html")]
struct DonePage {
    shell: Shell,
    heading: String,
    rows: Vec<DoneRow>,
    /// How many were not among what the person is asked about.
    foreign: Option<String>,
    /// Those whose decision may still be taken back (D40).
    undo: Vec<StageId>,
    filter: Filter,
}

struct DoneRow {
    href: String,
    target: String,
    package: String,
    /// Tone and icon.
    mark: (&'static str, &'static str),
    verdict: &'static str,
    says: String,
}

/// Says of each what happened. Everything is read from what is recorded, so that the page stays true.
pub(super) fn done(cx: &mut Cx) -> Result<Reply> {
    let filter = Filter::parse(cx.query(QUEUE));
    let query = Form::of(cx.query_pairs().iter().cloned());
    let stages = once(query.all("stage").iter().filter_map(|text| StageId::parse(text)));
    if stages.is_empty() || stages.len() > MOST {
        return Ok(none(filter));
    }
    let (me, now, zone) = (cx.person()?, cx.now(), cx.zone());
    let (outcomes, high, undo_seconds) = cx.read(|db| {
        let outcomes = store::outcomes(db, me, &stages)?;
        let window = crate::settings::store::organization(db)?.undo_seconds;
        let open = outcomes.iter().filter(|o| o.state == StageState::Open);
        let packages: BTreeSet<PackageId> = open.map(|o| o.request.package_id).collect();
        let packages: Vec<PackageId> = packages.into_iter().collect();
        Ok((outcomes, store::high_risk(db, &packages)?, window))
    })?;
    let decided = outcomes.iter().filter(|outcome| outcome.mine.is_some()).count();
    let one = |outcome: &Outcome| {
        let high = high.contains(&outcome.request.package_id);
        row(outcome, if high { Risk::High } else { Risk::Ordinary }, now, zone)
    };
    let mut rows: Vec<(bool, DoneRow)> =
        outcomes.iter().map(|outcome| (outcome.mine.is_some(), one(outcome))).collect();
    // What needs another look first.
    rows.sort_by_key(|(decided, _)| *decided);
    let mine = outcomes.iter().filter(|outcome| outcome.mine.is_some());
    let waits = |o: &&Outcome| match o.request.state {
        State::PendingApproval | State::Scheduled => true,
        State::Denied => o.request.ended_at.is_some_and(|at| now.seconds_since(at) < undo_seconds),
        _ => false,
    };
    let page = DonePage {
        undo: mine.filter(waits).map(|outcome| outcome.stage).collect(),
        shell: cx.shell("What became of them – Approvals", Place::Approvals)?,
        heading: heading(decided, stages.len()),
        rows: rows.into_iter().map(|(_, row)| row).collect(),
        foreign: match stages.len() - outcomes.len() {
            0 => None,
            1 => Some("1 more was not decided: it is not for you to decide.".to_owned()),
            n => Some(format!("{n} more were not decided: they are not for you to decide.")),
        },
        filter,
    };
    Reply::page(&page)
}

/// Takes back what can still be taken back of them (D40), each in a transaction of its own.
pub(super) fn take_back(cx: &mut Cx) -> Result<Reply> {
    let form = cx.form();
    let filter = Filter::parse(form.raw(QUEUE));
    let stages = once(form.all("stage").iter().filter_map(|text| StageId::parse(text)));
    if stages.is_empty() || stages.len() > MOST {
        return Ok(none(filter));
    }
    let me = cx.person()?;
    let outcomes = cx.read(|db| store::outcomes(db, me, &stages))?;
    let (mut back, mut late) = (0, 0);
    for outcome in outcomes.iter().filter(|outcome| outcome.mine.is_some()) {
        let (id, stage) = (outcome.request.id, outcome.stage);
        let taken = cx.write(move |tx| {
            let request = store::one(tx.db(), id)?;
            let standing = store::standing(tx.db(), &request)?;
            let permit = policy::take_back(tx.actor(), &standing)?;
            commands::take_back(tx, &permit, Some(stage))
        });
        match taken {
            Ok(_) => back += 1,
            Err(error) => {
                late += 1;
                // The page that follows says of each how it stands.
                if let Error::Broken(error) = error {
                    tracing::error!(%id, "not taken back: {error:#}");
                }
            }
        }
    }
    let reply = Reply::see_other(done_address(filter, &stages));
    Ok(match taken_back(back, late) {
        (text, true) => reply.notice("Taken back.", text),
        (text, false) => reply.warning("Nothing is taken back.", text),
    })
}

/// What became of them, and whether anything was taken back.
fn taken_back(back: i64, late: i64) -> (String, bool) {
    let them = counted(back, "request waits", "requests wait");
    let rest = counted(late, "decision", "decisions");
    let text = match (back, late) {
        (0, 0) => "They wait for a decision already, or it was never yours.".to_owned(),
        (0, _) => "It is too late for all of them.".to_owned(),
        (_, 0) => format!("{them} for your decision again."),
        _ => format!("{them} for your decision again; for {rest} it was too late."),
    };
    (text, back > 0)
}

fn heading(decided: usize, of: usize) -> String {
    match (decided, of) {
        (0, _) => "Nothing was decided".to_owned(),
        (1, 1) => "Your decision is recorded".to_owned(),
        (n, of) if n == of => format!("All {n} decisions are recorded"),
        (n, of) => format!("{n} of {of} decisions are recorded"),
    }
}

fn row(outcome: &Outcome, risk: Risk, now: Ts, zone: Zone) -> DoneRow {
    let request = &outcome.request;
    let page = if outcome.mine.is_some() { "requests" } else { "approvals" };
    let (mark, verdict) = match outcome.mine {
        Some(Verdict::Approve) => (("ok", "check"), "Approved"),
        Some(Verdict::Deny) => (("stop", "cross"), "Denied"),
        None => (("warn", "stand"), "Not decided by you"),
    };
    DoneRow {
        href: format!("/{page}/{}", request.id),
        target: request.target.clone(),
        package: request.package.clone(),
        mark,
        verdict,
        says: match outcome.mine {
            Some(_) => request.label().to_owned(),
            None => why_not(outcome, risk, now, zone),
        },
    }
}

/// Why one was not decided with the others.
fn why_not(outcome: &Outcome, risk: Risk, now: Ts, zone: Zone) -> String {
    let at = |at: Option<Ts>| {
        at.map(|at| format!(" on {}", zone.local(at).format("%-d %b %Y, %H:%M")))
            .unwrap_or_default()
    };
    let by = || outcome.decided_by.clone().unwrap_or_else(|| "Somebody else".to_owned());
    match outcome.state {
        StageState::Approved => format!("{} approved it{}", by(), at(outcome.decided_at)),
        StageState::Denied => format!("{} denied it{}", by(), at(outcome.decided_at)),
        StageState::Expired => format!("Its time ran out{}", at(Some(outcome.due_at))),
        StageState::Closed => {
            format!("The request ended: {}", outcome.request.label().to_lowercase())
        }
        StageState::Open => match apart(&outcome.request, risk) {
            Some(Apart::High) => "It is high risk: decide it by itself, with a reason".to_owned(),
            Some(Apart::Exception) => "It is an exception: decide it by itself".to_owned(),
            Some(Apart::Stopped) => "It was stopped; decide it when it goes on".to_owned(),
            Some(Apart::Asked) => "It waits for an answer; decide it by itself".to_owned(),
            None if outcome.due_at <= now => {
                format!("Its time ran out{}", at(Some(outcome.due_at)))
            }
            None => {
                "It changed while you read: look at it again and decide it by itself".to_owned()
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_comes_back_as_it_was_and_nothing_else_does() {
        let item =
            Item { request: RequestId::fresh(), stage: StageId::fresh(), version: 3, contents: 7 };
        assert_eq!(Item::parse(&item.encoded()), Some(item));
        let more = format!("{}.1", item.encoded());
        let less = item.encoded().replace(".7", "");
        for text in ["", "x.y.1.1", &more, &less] {
            assert_eq!(Item::parse(text), None, "{text}");
        }
        assert_eq!(once([1, 2, 1].into_iter()), [1, 2]);
    }

    #[test]
    fn d39_nothing_is_decided_before_verdict_and_reason_are_there() {
        let fields = |verdict, note: &str, asking| -> Vec<String> {
            missing(verdict, note, asking).into_iter().map(|error| error.field).collect()
        };
        assert_eq!(fields(None, "", 0), ["verdict"]);
        assert_eq!(fields(Some(Verdict::Deny), "", 0), ["note"]);
        assert_eq!(fields(Some(Verdict::Approve), "", 2), ["note"]);
        assert_eq!(fields(Some(Verdict::Approve), &"x".repeat(NOTE_MAX + 1), 0), ["note"]);
        assert!(fields(Some(Verdict::Approve), "", 0).is_empty());
    }

    #[test]
    fn the_result_counts_what_is_recorded() {
        assert_eq!(heading(0, 3), "Nothing was decided");
        assert_eq!(heading(3, 3), "All 3 decisions are recorded");
        assert_eq!(heading(2, 3), "2 of 3 decisions are recorded");
        assert!(hint(0, 4).starts_with("Needed to deny. "));
        assert!(hint(2, 4).contains("of 2 of them asks"));
    }
}
