//! An approver asks for information (D13): the request waits, and its clocks stand still until the answer (D41).

use super::{approvers, decide, locked, open_stage_of};
use crate::access::{CommentRequest, DecideStage, GiveInformation, Permit};
use crate::db::Tx;
use crate::error::{Error, Refusal, Result};
use crate::kernel::text::{NOTE_MAX, tidy};
use crate::kernel::{Fact, RequestId, StageId, Ts};
use crate::requests::model::{Request, StageState};
use crate::requests::store::{self, Asking, Clocks};

/// As many days as the requestor has for an answer (D41).
pub const ANSWER_DAYS: u32 = 30;

/// Seconds within which the same words of the same person are one comment.
const TWICE: i64 = 60;

/// What somebody typed, tidied, or what is wrong with it.
fn words(field: &str, text: &str, missing: &str) -> Result<String> {
    let text = tidy(text);
    if text.is_empty() {
        return Err(Error::invalid(field, missing));
    }
    if text.chars().count() > NOTE_MAX {
        return Err(Error::invalid(field, format!("Shorten it to {NOTE_MAX} characters")));
    }
    Ok(text)
}

/// Asks requestor and target for information. Nobody decides until they answer, or until the question is taken back.
///
/// # Errors
/// `Invalid` without a question; `Refused` (409) when the stage is decided, stopped, or waits for information already.
pub fn ask(
    tx: &mut Tx<'_>,
    permit: &Permit<DecideStage>,
    stage: StageId,
    question: &str,
) -> Result<Request> {
    let request = locked(tx, RequestId(permit.about()))?;
    let stages = store::stages(tx.db(), &[request.id])?;
    let stage = stages.into_iter().find(|s| s.id == stage).ok_or(Error::Missing)?;
    let question = words("question", question, "Write what you want to know")?;
    if request.held_at.is_some() {
        return Err(decide::held(tx, &request)?.into());
    }
    if request.asked_at.is_some() {
        // Pressed twice, it is asked once.
        return if request.asked_by == tx.actor().id() && said_lately(tx, &request, &question)? {
            Ok(request)
        } else {
            Err(awaited(tx, &request)?.into())
        };
    }
    if stage.state() != StageState::Open || stage.due_at <= tx.now() {
        return Err(decide::decided_already(tx, &request, &stage)?.into());
    }
    // Somebody who stands in asks only while they do (D34).
    decide::in_whose_place(tx, &request)?;
    store::touch_stage(tx, &stage)?;
    let due = tx.zone().plus_days(tx.now(), ANSWER_DAYS);
    let asking = Asking {
        asked_at: Some(tx.now()),
        asked_by: tx.actor().id(),
        due_at: Some(due),
        held_at: None,
    };
    store::save_asking(tx, &request, asking)?;
    let fact = Fact::InformationAsked { stage: stage.number, stages: request.stages(), due };
    tx.record(&fact, request.about().note(question))?;
    store::one(tx.db(), request.id)
}

/// The requestor or the target answers; the stage goes on with the time that it had left (D41).
///
/// # Errors
/// `Invalid` without an answer; `Refused` (409) when nothing is asked, or not any more.
pub fn answer(tx: &mut Tx<'_>, permit: &Permit<GiveInformation>, text: &str) -> Result<Request> {
    let request = locked(tx, RequestId(permit.about()))?;
    let text = words("answer", text, "Write your answer")?;
    let Some(since) = request.asked_at.filter(|_| !request.state.ended()) else {
        return Err(nothing_asked(&request).into());
    };
    let fact = Fact::InformationGiven { stage: request.stage, stages: request.stages() };
    tx.record(&fact, request.about().note(text))?;
    go_on(tx, &request, since)?;
    store::one(tx.db(), request.id)
}

/// One of those who decide takes the question back: it is known now, or no longer matters.
///
/// # Errors
/// `Refused` (409) when nothing is asked any more.
pub fn take_question_back(tx: &mut Tx<'_>, permit: &Permit<DecideStage>) -> Result<Request> {
    let request = locked(tx, RequestId(permit.about()))?;
    let Some(since) = request.asked_at.filter(|_| !request.state.ended()) else {
        return Err(nothing_asked(&request).into());
    };
    let fact = Fact::InformationNotNeeded { stage: request.stage, stages: request.stages() };
    tx.record(&fact, request.about())?;
    go_on(tx, &request, since)?;
    store::one(tx.db(), request.id)
}

/// Moves the stage's clocks on by the time that the answer took; what is stopped beside it stays so, and its own pause
/// counts from now.
pub(super) fn go_on(tx: &mut Tx<'_>, request: &Request, since: Ts) -> Result<()> {
    let now = tx.now();
    let waited = now.micros() - since.micros();
    let later = |at: Ts| Ts::from_micros(at.micros() + waited);
    let stage = open_stage_of(tx, request.id)?.ok_or(Error::Stale)?;
    store::touch_stage(tx, &stage)?;
    let clocks = Clocks {
        due_at: later(stage.due_at),
        alternates_at: stage.alternates_at.map(later),
        remind_at: stage.remind_at.map(later),
    };
    store::save_clocks(tx, stage.id, clocks)?;
    let asking = Asking {
        asked_at: None,
        asked_by: None,
        due_at: Some(clocks.due_at),
        held_at: request.held_at.map(|_| now),
    };
    store::save_asking(tx, request, asking)?;
    if request.held_at.is_none() {
        // Whoever was missing may have left meanwhile.
        approvers::complete_if_decided(tx, request.id, &stage)?;
    }
    Ok(())
}

/// Writes a comment on a request, for everybody who sees it. Sent twice, it is one.
///
/// # Errors
/// `Invalid` without words.
pub fn comment(tx: &mut Tx<'_>, permit: &Permit<CommentRequest>, text: &str) -> Result<Request> {
    let request = locked(tx, RequestId(permit.about()))?;
    let text = words("comment", text, "Write your comment")?;
    if !said_lately(tx, &request, &text)? {
        let stage = if request.state.ended() { 0 } else { request.stage };
        tx.record(&Fact::CommentAdded { stage }, request.about().note(text))?;
    }
    Ok(request)
}

/// Has the actor just said the same of this request?
fn said_lately(tx: &mut Tx<'_>, request: &Request, text: &str) -> Result<bool> {
    let (Some(me), since) = (tx.actor().id(), tx.now().plus_seconds(-TWICE)) else {
        return Ok(false);
    };
    store::has_said(tx.db(), request.id, me, text, since)
}

/// The page that says that a request waits for information (D13).
pub(super) fn awaited(tx: &mut Tx<'_>, request: &Request) -> Result<Refusal> {
    let now = tx.now();
    let by = match request.asked_by {
        Some(person) => crate::db::load_actor(tx.db(), person, now)?.map(|p| p.name),
        None => None,
    };
    let by = by.unwrap_or_else(|| "An approver".to_owned());
    let since = request.asked_at.map(|at| super::time_words(at, tx.zone())).unwrap_or_default();
    Ok(Refusal::new(
        "This request waits for information",
        format!(
            "{by} asked a question on {since}. Until it is answered, the time to decide stands still, and nothing \
             that you sent was recorded. Anybody who decides can take the question back."
        ),
    )
    .way("See the request", format!("/requests/{}", request.id))
    .way("Back to your approvals", "/approvals"))
}

fn nothing_asked(request: &Request) -> Refusal {
    Refusal::new(
        "Nothing is asked any more",
        "The question was answered or taken back, or the request has ended. Nothing was changed. You can write a \
         comment instead.",
    )
    .way("See the request", format!("/requests/{}", request.id))
}
