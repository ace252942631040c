//! One decision: everything that it rests on, on one page, and the two answers.

use askama::Template;

use super::commands;
use super::deciding::{
    Mark, Until, contents_mark, deciders_mark, earlier_marks, held_mark, next_mark, outcome,
    peers_mark, risk_words, span_mark, stands,
};
use super::model::{Approver, Request, Stage, StageState, Verdict};
use super::store::{self, Content, Earlier, Frame, Peers};
use crate::access::Actor;
use crate::access::policy;
use crate::audit::history::{Told, history_of_request};
use crate::db::{Db, Tx};
use crate::error::{Error, FieldError, Refusal, Result};
use crate::kernel::fact::Sentence;
use crate::kernel::{Fact, Kind, PersonId, RequestId, Risk, StageId, Ts, Zone};
use crate::web::page::ProblemPage;
use crate::web::words::When;
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
    marks: Vec<Mark>,
    next: Vec<Mark>,
    due: Option<When>,
    history: Vec<HistoryRow>,
    /// The bar, for those who can decide now.
    bar: Option<Bar>,
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
    /// The open stage, where the viewer may decide it.
    open: Option<Stage>,
}

impl Case {
    /// Ten statements, whatever the number of rows; three for somebody who may not look.
    fn read(db: &mut Db, actor: &Actor, id: RequestId) -> Result<Self> {
        let request = store::one(db, id)?;
        let approvers = store::approvers(db, id)?;
        let standing = store::standing_of(&request, &approvers);
        let mine = match policy::decide_stage(actor, &standing) {
            Ok(_) => true,
            Err(no) if actor.id().is_some_and(|me| is_own(&request, me)) => return Err(no.into()),
            Err(_) => false,
        };
        policy::see_request(actor, &standing)?;
        let stages = store::stages(db, &[id])?;
        let frame = store::frame(db, id)?;
        let peers = match &frame.manager {
            Some((manager, _)) => {
                store::peers(db, request.target_id, *manager, request.package_id)?
            }
            None => None,
        };
        let open = stages.iter().find(|stage| stage.state() == StageState::Open).cloned();
        Ok(Self {
            contents: store::contents(db, request.package_id)?,
            held: store::held(db, request.target_id)?,
            earlier: store::earlier(db, &request, EARLIER)?,
            spans: store::spans(db, request.package_id, request.target_id, SPANS)?,
            history: history_of_request(db, id, HISTORY)?,
            open: open.filter(|_| mine),
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
        let mut marks = vec![peers_mark(self.frame.manager.is_some(), self.peers)];
        marks.extend(contents_mark(self.request.contents_version, self.frame.contents_version));
        marks.extend(earlier_marks(&self.earlier, zone));
        marks.extend(span_mark(until.days(start, zone), &self.spans));
        marks.push(held_mark(self.held));
        marks
    }

    fn next(&self, me: PersonId, until: Until, zone: Zone) -> Vec<Mark> {
        let Some(open) = &self.open else { return Vec::new() };
        let after = usize::try_from(open.number).ok();
        let stage = after.and_then(|at| self.request.terms.stages.get(at));
        let manager = self.frame.manager.as_ref().map(|(_, name)| name.as_str());
        vec![
            deciders_mark(me, &self.approvers),
            next_mark(stage, manager, self.request.starts_at, until, zone),
        ]
    }

    fn page(&self, shell: Shell, me: PersonId, now: Ts, zone: Zone, note: String) -> DecisionPage {
        let request = &self.request;
        let until = Until::of(request, now, zone);
        let high = self.risk() == Risk::High;
        let history = self.history.iter().rev().map(|told| HistoryRow {
            at: When::at(told.at, now, zone),
            says: told.sentence.in_zone(zone),
            // The reason stands on the page in full.
            note: told.note.clone().filter(|_| !matches!(told.fact, Fact::RequestSubmitted { .. })),
        });
        DecisionPage {
            shell,
            id: request.id,
            reference: request.reference.clone(),
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
            marks: self.marks(until, now, zone),
            next: self.next(me, until, zone),
            due: self.open.as_ref().map(|stage| When::at(stage.due_at, now, zone)),
            history: history.collect(),
            bar: self.open.as_ref().map(|stage| Bar {
                stage: stage.id,
                version: request.policy_version,
                contents: self.frame.contents_version,
                note,
                hint: hint(high, &request.target),
                until: until.short(zone),
            }),
            stands: if self.open.is_some() {
                Vec::new()
            } else {
                stands(request, &self.stages, &self.approvers, me, zone)
            },
        }
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
    use crate::kernel::text::counted;
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

/// When a reason is needed, and who reads it.
fn hint(high: bool, target: &str) -> String {
    let needed = if high { "needed, because this is high risk" } else { "needed to deny" };
    format!("({needed}; {target} reads it)")
}

/// The page of one decision.
pub(super) fn show(cx: &mut Cx) -> Result<Reply> {
    let id = cx.id::<RequestId>("id")?;
    let note = cx.refill().map(|form| form.text("note")).unwrap_or_default();
    draw(cx, id, note, Vec::new())
}

fn draw(cx: &Cx, id: RequestId, note: String, errors: Vec<FieldError>) -> Result<Reply> {
    let me = cx.person()?.id;
    let actor = Actor::Person(cx.person()?.clone());
    let case = cx.read(|db| Case::read(db, &actor, id))?;
    let title = format!("{} for {} – Approvals", case.request.package, case.request.target);
    let mut shell = cx.shell(title, Place::Approvals)?;
    shell.errors = errors.iter().map(Into::into).collect();
    let status = if errors.is_empty() { 200 } else { 422 };
    let page = case.page(shell, me, cx.now(), cx.site.db.zone(), note);
    Ok(Reply::page(&page)?.status(status))
}

/// What the form carried.
#[derive(Clone)]
struct Answer {
    stage: StageId,
    verdict: Verdict,
    note: String,
    version: Option<i64>,
    contents: Option<i64>,
}

/// Takes the decision.
pub(super) fn decide(cx: &mut Cx) -> Result<Reply> {
    let id = cx.id::<RequestId>("id")?;
    let form = cx.form();
    let note = form.text("note");
    let stage = StageId::parse(form.raw("stage")).ok_or(Error::Missing)?;
    let verdict = match form.raw("verdict") {
        "approve" => Verdict::Approve,
        "deny" => Verdict::Deny,
        _ => {
            let error = FieldError::new("", "Press Approve or Deny");
            return draw(cx, id, note, vec![error]);
        }
    };
    let number = |name: &str| form.raw(name).parse().ok();
    let (version, contents) = (number("version"), number("contents"));
    let answer = Answer { stage, verdict, note: note.clone(), version, contents };
    let after = match cx.write(move |tx| record(tx, id, &answer)) {
        Ok(after) => after,
        Err(Error::Invalid(errors)) => return draw(cx, id, note, errors),
        Err(Error::Refused(refusal)) => return refused(cx, *refusal, note),
        Err(other) => return Err(other),
    };
    let (strong, text) = outcome(&after);
    let me = cx.person()?.id;
    let left = cx.read(|db| store::queue_page(db, me, None, 1))?;
    let path = if left.is_empty() { format!("/requests/{id}") } else { "/approvals".to_owned() };
    Ok(Reply::see_other(path).notice(strong, text))
}

/// One transaction: did they say so before, may they, is it still what they saw; then the command.
fn record(tx: &mut Tx<'_>, id: RequestId, answer: &Answer) -> Result<Request> {
    if said_before(tx, id, answer)? {
        return store::one(tx.db(), id);
    }
    let permit = commands::may_decide(tx, id, answer.stage)?;
    let request = store::one(tx.db(), id)?;
    if answer.version.is_some_and(|seen| seen != request.policy_version) {
        return Err(changed("The terms", id).into());
    }
    let now = store::frame(tx.db(), id)?.contents_version;
    if answer.contents.is_some_and(|seen| seen != now) {
        return Err(changed("What is in the package", id).into());
    }
    commands::decide(tx, &permit, answer.stage, answer.verdict, &answer.note)
}

/// The same answer of the same person once more is no error: a button pressed twice, a page sent again.
fn said_before(tx: &mut Tx<'_>, id: RequestId, answer: &Answer) -> Result<bool> {
    let Some(me) = tx.actor().enabled_person().map(|person| person.id) else { return Ok(false) };
    let same = match answer.verdict {
        Verdict::Approve => StageState::Approved,
        Verdict::Deny => StageState::Denied,
    };
    let stages = store::stages(tx.db(), &[id])?;
    let said = |stage: &Stage| {
        stage.id == answer.stage && stage.decided_by == Some(me) && stage.state() == same
    };
    Ok(stages.iter().any(said))
}

fn changed(what: &str, id: RequestId) -> Refusal {
    Refusal::new(
        format!("{what} changed while you read"),
        "Somebody changed it after you opened the page. Read it again; your decision was not recorded.",
    )
    .way("Open the decision again", format!("/approvals/{id}"))
}

/// 409 with the words that were typed, however short (C9).
fn refused(cx: &Cx, refusal: Refusal, note: String) -> Result<Reply> {
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
        assert_eq!(hint(false, "Asha Rao"), "(needed to deny; Asha Rao reads it)");
        assert_eq!(hint(true, "Asha"), "(needed, because this is high risk; Asha reads it)");
    }
}
