//! One decision: everything that it rests on, on one page, and the two answers.

use askama::Template;

use super::acting::{Act, acts};
use super::commands;
use super::deciding::asked;
use super::deciding::{
    Mark, Until, alternates_mark, contents_mark, deciders_mark, duties_marks, earlier_marks,
    exception_words, extends_mark, held_mark, next_mark, outcome, pace_words, peers_mark,
    risk_words, span_mark, stand_in_mark, stands, stopped, votes_mark,
};
use super::model::{Approver, Request, RequestKind, Stage, StageState, State, Verdict};
use super::queue::{self, Filter, QUEUE, Wanted};
use super::rules::{self, pace};
use super::stops::{self, Stop};
use super::store::{self, Content, Earlier, Frame, Peers};
use super::votes::{self, Count};
use crate::access::Actor;
use crate::access::policy;
use crate::assignments;
use crate::audit::history::{Told, contents_since, history_of_request};
use crate::db::{Db, Seek, Tx, hold_package};
use crate::error::{Error, FieldError, Refusal, Result};
use crate::kernel::fact::{Sentence, Veil};
use crate::kernel::text::counted;
use crate::kernel::{Fact, Kind, PersonId, RequestId, Risk, StageId, Ts, Zone};
use crate::packages::incompatible::model::Conflict;
use crate::web::page::ProblemPage;
use crate::web::paging::Cursor;
use crate::web::words::{When, capital};
use crate::web::{Cx, Place, Reply, Shell};

/// Facts of the history that the page shows.
const HISTORY: i64 = 30;
/// Earlier requests of the same pair that it shows.
const EARLIER: i64 = 2;
/// Earlier assignments that a period is compared with.
const SPANS: i64 = 50;

/// One decision.
#[derive(Template)]
#[template(path = "requests/decision.html")]
struct DecisionPage {
    shell: Shell,
    id: RequestId,
    reference: String,
    /// "Grant" or "Extend", and the word before the person.
    verb: (&'static str, &'static str),
    package: String,
    target: String,
    until: String,
    who: WhoFacts,
    description: String,
    high: bool,
    risk: &'static str,
    contents: Vec<Content>,
    systems: String,
    reason: String,
    /// Whose words the reason is, if not the target's.
    words_of: Option<String>,
    answers: Vec<AnswerRow>,
    marks: Vec<Mark>,
    next: Vec<Mark>,
    due: Option<When>,
    pace: String,
    history: Vec<HistoryRow>,
    /// What else the reader can do, where nothing is to decide.
    acts: Vec<Act>,
    /// What is to be known before anything else: that it is an exception (D19).
    exception: Option<Sentence>,
    /// The bar, for those who can decide now.
    bar: Option<Bar>,
    /// The filter of the queue that one comes from, as an address carries it, and that queue.
    queue: (String, String),
    /// Where it stands, for everybody else.
    stands: Vec<Sentence>,
}

struct WhoFacts {
    href: String,
    title: String,
    department: String,
    manager: Option<String>,
    kind: &'static str,
    by: Option<String>,
    asked: When,
}

/// One answer of the requestor, in full.
struct AnswerRow {
    asks: Option<String>,
    text: String,
    answer: String,
}

struct HistoryRow {
    at: When,
    says: Sentence,
    note: Option<String>,
}

struct Bar {
    stage: StageId,
    version: i64,
    contents: i64,
    note: String,
    hint: String,
    until: String,
}

/// Everything that the page is drawn from.
struct Case {
    request: Request,
    stages: Vec<Stage>,
    approvers: Vec<Approver>,
    frame: Frame,
    contents: Vec<Content>,
    peers: Option<Peers>,
    held: i64,
    earlier: Vec<Earlier>,
    spans: Vec<Option<i64>>,
    history: Vec<Told>,
    paces: Vec<i64>,
    /// What came and what went since it was requested; none if the contents are the same.
    changed: Option<(Vec<String>, Vec<String>)>,
    /// The end that the access has which is to be extended.
    extends: Option<Option<Ts>>,
    stop: Option<Stop>,
    /// What the person has that is incompatible with it.
    conflicts: Vec<Conflict>,
    /// What would stand against it once the person gets what they asked for elsewhere.
    asked_beside: Vec<Conflict>,
    /// The name of the one in whose place the viewer decides, if it is not their own decision (D34).
    instead_of: Option<String>,
    /// The open stage, where the viewer may decide it now.
    open: Option<Stage>,
    acts: Vec<Act>,
}

impl Case {
    /// Thirteen statements, whatever the number of rows, and one more for what was stopped, changed or is extended; two
    /// for somebody who may not look.
    fn read(db: &mut Db, actor: &Actor, id: RequestId, now: Ts) -> Result<Self> {
        let request = store::one(db, id)?;
        let (stages, approvers) = store::course(db, id)?;
        let standing = store::standing_of(&request, &approvers);
        let mine = match policy::decide_stage(actor, &standing) {
            Ok(_) => true,
            Err(no) if actor.id().is_some_and(|me| is_own(&request, me)) => return Err(no.into()),
            Err(_) => false,
        };
        policy::see_request(actor, &standing)?;
        let instead_of = actor
            .enabled_person()
            .filter(|me| !standing.deciders.contains(&me.id))
            .and_then(|me| policy::in_place_of(me, &standing))
            .map(|stands| stands.name.clone());
        let frame = store::frame(db, id)?;
        let peers = match &frame.manager {
            Some((manager, _)) => {
                store::peers(db, request.target_id, *manager, request.package_id)?
            }
            None => None,
        };
        let open = stages.iter().find(|stage| stage.state() == StageState::Open).cloned();
        let (package, catalog) = (request.package_id, request.catalog_id);
        let stop = match request.held_at {
            Some(_) => stops::of(db, catalog, package, Some(request.policy_id))?,
            None => None,
        };
        let changed = match frame.contents_version == request.contents_version {
            true => None,
            false => Some(contents_since(db, package, request.contents_version)?),
        };
        let extends = match request.assignment_id.filter(|_| request.kind == RequestKind::Extend) {
            Some(assignment) => Some(assignments::store::one(db, assignment)?.assignment.ends_at),
            None => None,
        };
        let free = mine && !request.paused();
        let acts = match free && open.is_some() {
            true => Vec::new(),
            false => acts(db, actor, &request, &stages, &approvers, now)?,
        };
        let (conflicts, mut asked_beside) = store::around(db, request.target_id, package)?;
        // What is held already, and what this asks to be an exception from, is denied to nobody.
        let excepted =
            |one: &Conflict| request.terms.exception.iter().any(|rule| rule.id == one.rule);
        asked_beside.retain(|one| request.kind == RequestKind::Add && !excepted(one));
        Ok(Self {
            conflicts,
            asked_beside,
            paces: store::paces(db, package)?,
            stop,
            changed,
            extends,
            contents: store::contents(db, request.package_id)?,
            held: store::held(db, request.target_id)?,
            earlier: store::earlier(db, &request, EARLIER)?,
            spans: store::spans(db, request.package_id, request.target_id, SPANS)?,
            history: history_of_request(db, id, &Veil::default(), HISTORY)?,
            open: open.filter(|_| free),
            instead_of,
            acts,
            request,
            stages,
            approvers,
            frame,
            peers,
        })
    }

    fn risk(&self) -> Risk {
        self.contents.iter().map(|content| content.risk).max().unwrap_or(Risk::Ordinary)
    }

    fn marks(&self, until: Until, now: Ts, zone: Zone) -> Vec<Mark> {
        let start = self.request.starts_at.unwrap_or(now).max(self.request.created_at);
        let changed = self.changed.as_ref().map(|(came, went)| contents_mark(came, went));
        let mut marks: Vec<Mark> = changed.into_iter().collect();
        marks.extend(duties_marks(&self.request, &self.conflicts, &self.asked_beside));
        marks.push(peers_mark(self.frame.manager.is_some(), self.peers));
        marks.extend(earlier_marks(&self.earlier, zone));
        if let Some(current) = self.extends {
            marks.push(extends_mark(current, until, zone));
        } else {
            marks.extend(span_mark(until.days(start, zone), &self.spans));
        }
        marks.push(held_mark(self.held));
        marks
    }

    fn next(&self, me: PersonId, until: Until, zone: Zone) -> Vec<Mark> {
        let Some(open) = &self.open else { return Vec::new() };
        let terms = |at: i64| self.request.terms.stages.get(usize::try_from(at).ok()?);
        let manager = self.frame.manager.as_ref().map(|(_, name)| name.as_str());
        let count = self.count(open);
        let mut marks: Vec<Mark> = self.instead_of.iter().map(|name| stand_in_mark(name)).collect();
        marks.extend(votes_mark(&count, zone));
        marks.push(deciders_mark(me, &self.approvers, open.rule()));
        let alternates =
            terms(open.number - 1).and_then(|t| alternates_mark(t, open.alternates_at, zone));
        marks.extend(alternates);
        // Those whose condition does not hold are not asked.
        let guest = self.frame.kind == Kind::Guest;
        let circumstances = rules::circumstances(&self.request, guest, None, zone);
        let later = usize::try_from(open.number).unwrap_or(usize::MAX);
        let next = self.request.terms.stages.iter().skip(later).find(|s| s.applies(circumstances));
        let starts = self.request.starts_at;
        let extends = self.request.kind == RequestKind::Extend;
        marks.push(next_mark(next, manager, starts, until, extends, zone));
        marks
    }

    fn count(&self, stage: &Stage) -> Count {
        votes::count(stage.id, stage.rule(), stage.needed, &self.approvers)
    }

    fn page(&self, shell: Shell, me: PersonId, now: Ts, zone: Zone, from: From) -> DecisionPage {
        let From { note, filter } = from;
        let request = &self.request;
        let until = Until::of(request, now, zone);
        let high = self.risk() == Risk::High;
        // Reminders are no news to the one who is reminded.
        let told = self.history.iter().rev().filter(|told| {
            !matches!(told.fact, Fact::DecisionReminded { .. } | Fact::RequestReminded { .. })
        });
        let history = told.map(|told| HistoryRow {
            at: When::at(told.at, now, zone),
            says: told.sentence.in_zone(zone),
            // The reason stands on the page in full.
            note: told.note.clone().filter(|_| !matches!(told.fact, Fact::RequestSubmitted { .. })),
        });
        DecisionPage {
            shell,
            id: request.id,
            reference: request.reference.clone(),
            verb: match request.kind {
                RequestKind::Extend => ("Extend", "for"),
                _ => ("Grant", "to"),
            },
            package: request.package.clone(),
            target: request.target.clone(),
            until: period(request, until, zone),
            who: self.who(me, now, zone),
            description: self.frame.description.clone(),
            high,
            risk: risk_words(self.risk()),
            systems: inside(&self.contents),
            contents: self.contents.clone(),
            reason: request.reason.clone(),
            words_of: (request.requestor_id != request.target_id)
                .then(|| request.requestor.clone()),
            answers: request.answers.iter().map(answer).collect(),
            pace: pace_words(pace(&self.paces)),
            marks: self.marks(until, now, zone),
            next: self.next(me, until, zone),
            due: self.open.as_ref().map(|stage| When::at(stage.due_at, now, zone)),
            history: history.collect(),
            acts: self.acts.clone(),
            bar: self.open.as_ref().map(|stage| Bar {
                stage: stage.id,
                version: request.policy_version,
                contents: self.frame.contents_version,
                note,
                hint: hint(high || self.asks_note(), high, &request.target),
                until: until.short(zone),
            }),
            exception: self.request.exception.then(|| exception_words(request, until, zone)),
            stands: if self.open.is_some() { Vec::new() } else { self.stands(me, zone) },
            queue: (filter.encoded(), filter.queue()),
        }
    }

    fn stands(&self, me: PersonId, zone: Zone) -> Vec<Sentence> {
        let held = self.request.held_at.map(|_| stopped(self.stop.as_ref(), zone));
        let asked = asked(&self.request, &self.approvers, me, zone);
        let stands = stands(&self.request, &self.stages, &self.approvers, me, zone);
        held.into_iter().chain(asked).chain(stands).collect()
    }

    /// True where the policy wants a reason for an approval, too.
    fn asks_note(&self) -> bool {
        let at = self.open.as_ref().and_then(|open| usize::try_from(open.number - 1).ok());
        at.and_then(|at| self.request.terms.stages.get(at)).is_some_and(|s| s.note_required)
    }

    fn who(&self, me: PersonId, now: Ts, zone: Zone) -> WhoFacts {
        let (request, frame) = (&self.request, &self.frame);
        WhoFacts {
            href: format!("/people/{}", request.target_id),
            title: frame.title.clone().unwrap_or_default(),
            department: frame.department.clone().unwrap_or_default(),
            manager: frame
                .manager
                .as_ref()
                .map(|(id, name)| if *id == me { "You".to_owned() } else { name.clone() }),
            kind: match frame.kind {
                Kind::Member => "Member of the organization",
                Kind::Guest => "Guest",
            },
            by: (request.requestor_id != request.target_id).then(|| request.requestor.clone()),
            asked: When::at(request.created_at, now, zone),
        }
    }
}

fn is_own(request: &Request, person: PersonId) -> bool {
    request.requestor_id == person || request.target_id == person
}

/// "from 1 December 2026 until 31 January 2027".
fn period(request: &Request, until: Until, zone: Zone) -> String {
    match request.starts_at {
        Some(at) => {
            let first = crate::web::words::date_in_full(zone.date(at));
            format!("from {first} {}", until.long(zone))
        }
        None => until.long(zone),
    }
}

/// "3 resources in 2 systems".
fn inside(contents: &[Content]) -> String {
    let distinct = |of: fn(&Content) -> (&str, &str)| {
        let all: std::collections::BTreeSet<_> = contents.iter().map(of).collect();
        i64::try_from(all.len()).unwrap_or(i64::MAX)
    };
    let resources = distinct(|content| (&content.target, &content.resource));
    let systems = distinct(|content| (&content.target, ""));
    match resources {
        0 => "Nothing is in this package yet".to_owned(),
        n => format!(
            "{} in {}",
            counted(n, "resource", "resources"),
            counted(systems, "system", "systems")
        ),
    }
}

fn answer(answer: &crate::policies::questions::Answer) -> AnswerRow {
    AnswerRow { asks: answer.resource.clone(), text: answer.text.clone(), answer: answer.words() }
}

/// When a reason is needed, and who reads it.
fn hint(needed: bool, high: bool, target: &str) -> String {
    let needed = match (needed, high) {
        (_, true) => "needed, because this is high risk",
        (true, false) => "needed, because the policy asks for one",
        (false, false) => "needed to deny",
    };
    format!("({needed}; {target} reads it)")
}

/// What one brings along to the page: words that were typed before, and the queue that one works through.
struct From {
    note: String,
    filter: Filter,
}

/// The page of one decision.
pub(super) fn show(cx: &mut Cx) -> Result<Reply> {
    let id = cx.id::<RequestId>("id")?;
    let form = cx.refill();
    let note = form.as_ref().map(|form| form.text("note")).unwrap_or_default();
    // A form that was kept over a new sign-in knows its queue.
    let queue = form.as_ref().map_or_else(|| cx.query(QUEUE), |form| form.raw(QUEUE));
    draw(cx, id, From { note, filter: Filter::parse(queue) }, Vec::new())
}

fn draw(cx: &Cx, id: RequestId, from: From, errors: Vec<FieldError>) -> Result<Reply> {
    let me = cx.person()?.id;
    let actor = Actor::Person(cx.person()?.clone());
    let now = cx.now();
    let case = cx.read(|db| Case::read(db, &actor, id, now))?;
    let title = format!("{} for {} – Approvals", case.request.package, case.request.target);
    let mut shell = cx.shell(title, Place::Approvals)?;
    shell.errors = errors.iter().map(Into::into).collect();
    let status = if errors.is_empty() { 200 } else { 422 };
    let page = case.page(shell, me, cx.now(), cx.zone(), from);
    Ok(Reply::page(&page)?.status(status))
}

/// What the form carried.
#[derive(Clone)]
pub(super) struct Answer {
    /// The stage that was shown (E8).
    pub stage: StageId,
    /// Yes or no.
    pub verdict: Verdict,
    /// Why, in the person's words.
    pub note: String,
    /// The version of the terms that was shown.
    pub version: i64,
    /// The version of the contents that was shown (D43).
    pub contents: i64,
    /// True where it is one of several answers given at once (D39).
    pub together: bool,
    /// An earlier end than was asked for (D14).
    pub until: Option<Ts>,
}

/// What has become of a request after a decision.
pub(super) struct After {
    pub(super) request: Request,
    /// The votes, while the stage is open still.
    pub(super) votes: Option<Count>,
    /// How long the decision can be taken back, in words; none where it cannot (D40).
    pub(super) undo: Option<String>,
    /// What was said.
    verdict: Verdict,
}

/// What the person reads after their decision, with the way back.
pub(super) fn said(id: RequestId, after: &After, next: String) -> Reply {
    let (strong, text) = outcome(&after.request, after.votes.as_ref(), after.verdict);
    let text = match &after.undo {
        Some(undo) => format!("{text} You can undo it {undo}."),
        None => text,
    };
    let undo = after.undo.as_ref().map(|_| format!("/approvals/{id}/take-back"));
    Reply::see_other(next).notice(strong, text).undo(undo)
}

/// Takes the decision.
pub(super) fn decide(cx: &mut Cx) -> Result<Reply> {
    let id = cx.id::<RequestId>("id")?;
    let form = cx.form();
    let note = form.text("note");
    let filter = Filter::parse(form.raw(QUEUE));
    let from = |note: String| From { note, filter };
    let stage = StageId::parse(form.raw("stage")).ok_or(Error::Missing)?;
    let verdict = match form.raw("verdict") {
        "approve" => Verdict::Approve,
        "deny" => Verdict::Deny,
        _ => {
            let error = FieldError::new("", "Press Approve or Deny");
            return draw(cx, id, from(note), vec![error]);
        }
    };
    let number = |name: &str| form.raw(name).parse().ok();
    // What the page showed is part of the decision (D43).
    let (Some(version), Some(contents)) = (number("version"), number("contents")) else {
        let error = FieldError::new(
            "",
            "Read the page again, then decide: what it showed was not sent along",
        );
        return draw(cx, id, from(note), vec![error]);
    };
    let note_given = note.clone();
    let answer = Answer {
        stage,
        verdict,
        note: note_given,
        version,
        contents,
        together: false,
        until: None,
    };
    let after = match cx.write(move |tx| record(tx, id, &answer)) {
        Ok(after) => after,
        Err(Error::Invalid(errors)) => return draw(cx, id, from(note), errors),
        Err(Error::Refused(refusal)) => return refused(cx, *refusal, note),
        Err(other) => return Err(other),
    };
    Ok(said(id, &after, onward(cx, id, stage, filter)?))
}

/// Where one goes on after a decision: the queue from the next request on, from its beginning where that was the last,
/// or the request itself where nothing waits any more.
fn onward(cx: &Cx, id: RequestId, stage: StageId, filter: Filter) -> Result<String> {
    let (me, now) = (cx.person()?, cx.now());
    cx.read(|db| {
        let wanted = Wanted { filter, ..Wanted::all(me, now) };
        let Some(first) = store::queue_page(db, &wanted, None, 1)?.pop() else {
            let left =
                filter.all() || store::queue_page(db, &Wanted::all(me, now), None, 1)?.is_empty();
            return Ok(if left { format!("/requests/{id}") } else { filter.queue() });
        };
        let approvers = store::approvers(db, id)?;
        let mine = approvers.iter().find(|a| a.stage == stage && a.by() == me.id);
        let Some(at) = mine.map(|mine| mine.opened_at) else { return Ok(filter.queue()) };
        let seek = Seek { at, id: stage, back: false };
        let next = store::queue_page(db, &wanted, Some(seek), 1)?.pop();
        let next = next.filter(|next| next.waiting.stage != first.waiting.stage);
        let cursor = Cursor { key: at, id: stage.0, back: false }.encode();
        Ok(next.map_or_else(|| filter.queue(), |_| filter.queue_from(&cursor)))
    })
}

/// One transaction: did they say so before, may they, is it still what they saw; then the command.
pub(super) fn record(tx: &mut Tx<'_>, id: RequestId, answer: &Answer) -> Result<After> {
    if said_before(tx, id, answer)? {
        return after(tx, id, answer);
    }
    let permit = commands::may_decide(tx, id, answer.stage)?;
    let request = store::one(tx.db(), id)?;
    // What is in the package stays as it is until the decision is recorded (D43).
    hold_package(tx, request.package_id)?;
    if answer.version != request.policy_version {
        return Err(changed("The terms", id).into());
    }
    let now = store::frame(tx.db(), id)?.contents_version;
    if answer.contents != now {
        return Err(changed("What is in the package", id).into());
    }
    let risk = store::risk(tx.db(), request.package_id)?;
    if let Some(apart) = queue::apart(&request, risk).filter(|_| answer.together) {
        return Err(Error::refused("This one is decided by itself", capital(apart.words())));
    }
    match answer.until {
        Some(until) => {
            commands::approve_for_less(tx, &permit, answer.stage, &answer.note, until)?;
        }
        None => {
            commands::decide(tx, &permit, answer.stage, answer.verdict, &answer.note)?;
        }
    }
    after(tx, id, answer)
}

/// What has become of it.
fn after(tx: &mut Tx<'_>, id: RequestId, answer: &Answer) -> Result<After> {
    let (stages, approvers) = store::course(tx.db(), id)?;
    let request = store::one(tx.db(), id)?;
    let open = stages.iter().find(|s| s.id == answer.stage && s.state() == StageState::Open);
    let count = |s: &Stage| votes::count(s.id, s.rule(), s.needed, &approvers);
    let window = match request.state {
        State::Denied => crate::settings::store::organization(tx.db())?.undo_seconds,
        _ => 0,
    };
    let (me, now) = (tx.actor().id(), tx.now());
    let back = me.and_then(|me| rules::takes_back(me, &request, &stages, &approvers, window, now));
    let undo = back.map(|_| undo_words(&request, window, now));
    Ok(After { votes: open.map(count), undo, request, verdict: answer.verdict })
}

/// Until when a decision can be taken back (D40).
fn undo_words(request: &Request, window: i64, now: Ts) -> String {
    let seconds = |n: i64| format!("for {}", counted(n.max(1), "second", "seconds"));
    match (request.state, request.undo_until) {
        (State::Denied, _) => seconds(window),
        (State::Scheduled, Some(until)) if request.settles() => seconds(until.seconds_since(now)),
        (State::Scheduled, _) => "until it starts".to_owned(),
        _ => "until the next decision on it".to_owned(),
    }
}

/// The same answer of the same person once more is no error: a button pressed twice, a page sent again.
fn said_before(tx: &mut Tx<'_>, id: RequestId, answer: &Answer) -> Result<bool> {
    let Some(me) = tx.actor().enabled_person().map(|person| person.id) else { return Ok(false) };
    let approvers = store::approvers(tx.db(), id)?;
    let said = |a: &Approver| {
        let by = a.by();
        a.stage == answer.stage && by == me && a.vote == Some(answer.verdict)
    };
    Ok(approvers.iter().any(said))
}

fn changed(what: &str, id: RequestId) -> Refusal {
    Refusal::new(
        format!("{what} changed while you read"),
        "Somebody changed it after you opened the page. Read it again; your decision was not recorded.",
    )
    .way("Open the decision again", format!("/approvals/{id}"))
}

/// 409 with the words that were typed, however short (C9).
pub(super) fn refused(cx: &Cx, refusal: Refusal, note: String) -> Result<Reply> {
    let page = ProblemPage {
        shell: cx.shell(refusal.title.clone(), Place::Approvals)?,
        status: 409,
        heading: refusal.title,
        lede: refusal.why,
        ways: refusal.ways,
        reference: None,
        kept: (!note.is_empty()).then_some(note),
    };
    Ok(Reply::page(&page)?.status(409))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content(target: &str, resource: &str, role: &str) -> Content {
        let text = str::to_owned;
        Content {
            resource: text(resource),
            role: text(role),
            target: text(target),
            risk: Risk::Ordinary,
        }
    }

    #[test]
    fn what_is_inside_counts_resources_and_systems_once() {
        let contents = [
            content("Ledgerline", "Ledger", "Reader"),
            content("Ledgerline", "Ledger", "Poster"),
            content("Close Desk", "Ledger", "Guest"),
        ];
        assert_eq!(inside(&contents), "2 resources in 2 systems");
        assert_eq!(inside(&contents[..1]), "1 resource in 1 system");
        assert_eq!(inside(&[]), "Nothing is in this package yet");
    }

    #[test]
    fn d39_the_bar_says_when_a_reason_is_needed() {
        assert_eq!(hint(false, false, "Asha Rao"), "(needed to deny; Asha Rao reads it)");
        assert_eq!(hint(true, true, "Asha"), "(needed, because this is high risk; Asha reads it)");
    }
}
