//! What else people can do with a request beside deciding it: ask and answer (D13), comment, approve for less (D14), pass on
//! (D44), take a decision back (D40), revoke an approval, decide in place of others. Each has a page of its own, which
//! works without JavaScript and keeps what was typed.

use super::commands;
use super::decision::refused;
use super::model::{Approver, Request, Stage, StageState, State};
use super::rules;
use super::store;
use crate::access::policy::{self, Gate, RequestStanding};
use crate::access::{Actor, DecideStage, Permit};
use crate::db::{Db, Tx};
use crate::error::{Error, FieldError, Result};
use crate::kernel::{PersonId, RequestId, StageId, Ts};
use crate::web::{Cx, Limit, Reply, Route, get, post};

mod less;
mod overrule;
mod pass_on;
mod say;

/// The pages of what else can be done with a request.
pub const ROUTES: &[Route] = &[
    get("/approvals/{id}/ask", Gate::SignedIn, say::ask),
    post("/approvals/{id}/ask", Gate::SignedIn, say::asked).limited(Limit::Submit),
    post("/approvals/{id}/ask/take-back", Gate::SignedIn, question_back),
    get("/approvals/{id}/less", Gate::SignedIn, less::show),
    post("/approvals/{id}/less", Gate::SignedIn, less::approve).limited(Limit::Submit),
    get("/approvals/{id}/pass-on", Gate::SignedIn, pass_on::show),
    post("/approvals/{id}/pass-on", Gate::SignedIn, pass_on::pass).limited(Limit::Submit),
    post("/approvals/{id}/take-back", Gate::SignedIn, take_back),
    get("/approvals/{id}/revoke", Gate::SignedIn, say::revoke),
    post("/approvals/{id}/revoke", Gate::SignedIn, say::revoked).limited(Limit::Submit),
    get("/approvals/{id}/override", Gate::SignedIn, overrule::show),
    post("/approvals/{id}/override", Gate::SignedIn, overrule::decide).limited(Limit::Submit),
    get("/requests/{id}/answer", Gate::SignedIn, say::answer),
    post("/requests/{id}/answer", Gate::SignedIn, say::answered).limited(Limit::Submit),
    get("/requests/{id}/comments", Gate::SignedIn, say::comment),
    post("/requests/{id}/comments", Gate::SignedIn, say::commented).limited(Limit::Submit),
];

/// A button or link beside a request: what it says, where it leads, and whether it acts at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Act {
    /// Its words; "…" where another page asks more first.
    pub label: &'static str,
    /// Its address.
    pub href: String,
    /// True for a button that acts at once.
    pub at_once: bool,
}

fn act(label: &'static str, href: String, at_once: bool) -> Act {
    Act { label, href, at_once }
}

/// What the reader can do with a request beside deciding it. Statements only where an approval of theirs, or a denial,
/// has ended it.
///
/// # Errors
/// When the database does not answer.
pub fn acts(
    db: &mut Db,
    actor: &Actor,
    request: &Request,
    stages: &[Stage],
    approvers: &[Approver],
    now: Ts,
) -> Result<Vec<Act>> {
    let Some(me) = actor.enabled_person().map(|person| person.id) else { return Ok(Vec::new()) };
    let standing = store::standing_of(request, approvers);
    let (id, mut all) = (request.id, Vec::new());
    let waits = request.state == State::PendingApproval;
    if request.asked_at.is_some() && waits {
        if policy::give_information(actor, &standing).is_ok() {
            all.push(act("Answer…", format!("/requests/{id}/answer"), false));
        } else if policy::decide_stage(actor, &standing).is_ok() {
            let href = format!("/approvals/{id}/ask/take-back");
            all.push(act("Take the question back", href, true));
        }
    }
    if policy::take_back(actor, &standing).is_ok() {
        let window = match request.state {
            State::Denied => crate::settings::store::organization(db)?.undo_seconds,
            _ => 0,
        };
        let back = rules::takes_back(me, request, stages, approvers, window, now);
        if back.is_some() {
            let href = format!("/approvals/{id}/take-back");
            all.push(act("Take my decision back", href, true));
        }
        if commands::revocable(db, request, approvers, me)?.is_some() {
            all.push(act("Revoke my approval…", format!("/approvals/{id}/revoke"), false));
        }
    }
    let decides = standing.deciders.contains(&me);
    if waits && !decides && policy::overrule_stage(actor, &standing).is_ok() {
        let href = format!("/approvals/{id}/override");
        all.push(act("Decide in place of the approvers…", href, false));
    }
    Ok(all)
}

/// A request with its open stage, for somebody who may decide it.
struct Case {
    request: Request,
    stage: Stage,
    approvers: Vec<Approver>,
}

/// The open stage, if the reader may act on it; where none is open, the way to the request.
fn case(
    cx: &Cx,
    may: fn(&Actor, &RequestStanding) -> Result<()>,
) -> Result<std::result::Result<Case, Reply>> {
    let id: RequestId = cx.id("id")?;
    let actor = cx.actor().ok_or(Error::Missing)?;
    let (request, (stages, approvers)) =
        cx.read(|db| Ok((store::one(db, id)?, store::course(db, id)?)))?;
    let standing = store::standing_of(&request, &approvers);
    if let Err(no) = may(actor, &standing) {
        // Whoever has decided meanwhile reads where it stands.
        return match policy::see_request(actor, &standing) {
            Ok(_) if standing.approvers.iter().any(|a| Some(*a) == actor.id()) => {
                Ok(Err(Reply::see_other(format!("/approvals/{id}"))))
            }
            _ => Err(no),
        };
    }
    match stages.into_iter().find(|s| s.state() == StageState::Open) {
        Some(stage) => Ok(Ok(Case { request, stage, approvers })),
        None => Ok(Err(Reply::see_other(format!("/requests/{id}")))),
    }
}

fn decides(actor: &Actor, standing: &RequestStanding) -> Result<()> {
    policy::decide_stage(actor, standing)?;
    Ok(())
}

/// The stage that a form carries.
fn stage_of(cx: &Cx) -> Result<StageId> {
    StageId::parse(cx.form().raw("stage")).ok_or(Error::Missing)
}

/// The permit of those who decide; whoever was among them when the stage ended reads who decided (D4).
fn permit(tx: &mut Tx<'_>, id: RequestId, stage: StageId) -> Result<Permit<DecideStage>> {
    commands::may_decide(tx, id, stage)
}

/// How a request stands for the policy.
fn standing(tx: &mut Tx<'_>, id: RequestId) -> Result<RequestStanding> {
    let request = store::one(tx.db(), id)?;
    store::standing(tx.db(), &request)
}

/// What came of a command: go on, draw the form again with its errors, or say what has happened meanwhile.
fn outcome<T>(
    cx: &Cx,
    done: Result<T>,
    typed: &str,
    again: impl FnOnce(Vec<FieldError>) -> Result<Reply>,
    on: impl FnOnce(T) -> Reply,
) -> Result<Reply> {
    match done {
        Ok(value) => Ok(on(value)),
        Err(Error::Invalid(errors)) => again(errors),
        Err(Error::Refused(refusal)) => refused(cx, *refusal, typed.to_owned()),
        Err(other) => Err(other),
    }
}

/// Takes one's own decision back (D40).
fn take_back(cx: &mut Cx) -> Result<Reply> {
    let id: RequestId = cx.id("id")?;
    let request = cx.write(move |tx| {
        let standing = standing(tx, id)?;
        let permit = policy::take_back(tx.actor(), &standing)?;
        commands::take_back(tx, &permit, None)
    })?;
    let text = format!("{} for {} waits for your decision again.", request.package, request.target);
    Ok(Reply::see_other(format!("/approvals/{id}")).notice("Taken back.", text))
}

/// Takes a question back: the time to decide goes on.
fn question_back(cx: &mut Cx) -> Result<Reply> {
    let id: RequestId = cx.id("id")?;
    cx.write(move |tx| {
        let standing = standing(tx, id)?;
        let permit = policy::decide_stage(tx.actor(), &standing)?;
        commands::take_question_back(tx, &permit)
    })?;
    let text = "The time to decide goes on where it stopped.";
    Ok(Reply::see_other(format!("/approvals/{id}")).notice("The question is taken back.", text))
}

/// Who is meant: "you" is never among them.
fn chosen(cx: &Cx) -> Option<PersonId> {
    PersonId::parse(cx.form().raw("to"))
}
