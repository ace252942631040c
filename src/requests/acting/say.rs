//! Pages that ask for some words: a question, an answer, a comment, the reason for revoking an approval.

use askama::Template;

use super::{case, decides, outcome, permit, stage_of, standing};
use crate::access::policy;
use crate::audit::history::history_of_request;
use crate::error::{Error, FieldError, Result};
use crate::kernel::{Fact, RequestId};
use crate::requests::commands::{self, ANSWER_DAYS};
use crate::requests::model::Request;
use crate::requests::store;
use crate::web::{Cx, Place, Reply, Shell};

/// Facts among which the question is looked for.
const FACTS: i64 = 300;

/// One field, one button.
#[derive(Template)]
#[template(path = "requests/say.html")]
struct SayPage {
    shell: Shell,
    /// The heading, around the package's name.
    heading: (&'static str, &'static str),
    package: String,
    lede: String,
    reference: String,
    /// Whose words it is about, and the words.
    quote: Option<(String, String)>,
    action: String,
    stage: Option<String>,
    field: &'static str,
    label: &'static str,
    hint: String,
    text: String,
    button: &'static str,
    danger: bool,
    back: String,
}

/// What the pages differ in.
struct Words {
    title: &'static str,
    heading: (&'static str, &'static str),
    lede: String,
    field: &'static str,
    label: &'static str,
    hint: String,
    button: &'static str,
    danger: bool,
}

fn draw(
    cx: &Cx,
    request: &Request,
    words: Words,
    quote: Option<(String, String)>,
    stage: Option<String>,
    text: String,
    errors: &[FieldError],
) -> Result<Reply> {
    let to_decide = stage.is_some() || words.danger;
    let place = if to_decide { Place::Approvals } else { Place::Requests };
    let mut shell =
        cx.shell(format!("{}: {}, {}", words.title, request.package, request.reference), place)?;
    shell.errors = errors.iter().map(Into::into).collect();
    let back = match stage {
        Some(_) => format!("/approvals/{}", request.id),
        None => format!("/requests/{}", request.id),
    };
    let page = SayPage {
        shell,
        heading: words.heading,
        package: request.package.clone(),
        lede: words.lede,
        reference: request.reference.clone(),
        quote,
        action: cx.path().to_owned(),
        stage,
        field: words.field,
        label: words.label,
        hint: words.hint,
        text,
        button: words.button,
        danger: words.danger,
        back,
    };
    Ok(Reply::page(&page)?.status(if errors.is_empty() { 200 } else { 422 }))
}

fn typed(cx: &Cx, field: &str) -> String {
    cx.refill().map(|form| form.text(field)).unwrap_or_default()
}

/// Asks for information.
pub(super) fn ask(cx: &mut Cx) -> Result<Reply> {
    let text = typed(cx, "question");
    draw_ask(cx, text, &[])
}

fn draw_ask(cx: &Cx, text: String, errors: &[FieldError]) -> Result<Reply> {
    let case = match case(cx, decides)? {
        Ok(case) => case,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let request = &case.request;
    let who = match request.requestor_id == request.target_id {
        true => request.requestor.clone(),
        false => format!("{} and {}", request.requestor, request.target),
    };
    let words = Words {
        title: "Ask for information",
        heading: ("Ask about", ""),
        lede: format!(
            "The time to decide stands still until {who} answers, {ANSWER_DAYS} days at most; then the request expires."
        ),
        field: "question",
        label: "What do you want to know?",
        hint: format!("{who} and everybody who decides read it."),
        button: "Ask",
        danger: false,
    };
    let stage = Some(case.stage.id.to_string());
    let quote = Some((request.requestor.clone(), request.reason.clone()));
    let quote = quote.filter(|(_, reason)| !reason.is_empty());
    draw(cx, request, words, quote, stage, text, errors)
}

pub(super) fn asked(cx: &mut Cx) -> Result<Reply> {
    let (id, stage): (RequestId, _) = (cx.id("id")?, stage_of(cx)?);
    let question = cx.form().text("question");
    let text = question.clone();
    let done = cx.write(move |tx| {
        let permit = permit(tx, id, stage)?;
        commands::ask(tx, &permit, stage, &question)
    });
    let again = |errors: Vec<FieldError>| draw_ask(cx, text.clone(), &errors);
    outcome(cx, done, &text, again, |request| {
        let words = format!("The time to decide stands still until {} answers.", request.requestor);
        Reply::see_other("/approvals").notice("Asked.", words)
    })
}

/// Answers a question.
pub(super) fn answer(cx: &mut Cx) -> Result<Reply> {
    let text = typed(cx, "answer");
    draw_answer(cx, text, &[])
}

fn draw_answer(cx: &Cx, text: String, errors: &[FieldError]) -> Result<Reply> {
    let id: RequestId = cx.id("id")?;
    let actor = cx.actor().ok_or(Error::Missing)?;
    let (request, history) = cx.read(|db| {
        let request = store::one(db, id)?;
        let standing = store::standing(db, &request)?;
        policy::give_information(actor, &standing)?;
        let wait = [request.requestor_id, request.target_id];
        let veil = cx.person()?.veil(&wait, request.catalog_id);
        let history = history_of_request(db, id, &veil, FACTS)?;
        Ok((request, history))
    })?;
    if request.asked_at.is_none() || request.state.ended() {
        return Ok(Reply::see_other(format!("/requests/{id}")));
    }
    let last = history.into_iter().rev().find(|t| matches!(t.fact, Fact::InformationAsked { .. }));
    let quote = last.and_then(|told| Some((told.actor_name, told.note?)));
    let words = Words {
        title: "Answer",
        heading: ("Answer about", ""),
        lede: "Then the request goes on where it stopped.".to_owned(),
        field: "answer",
        label: "Your answer",
        hint: "Everybody who decides reads it.".to_owned(),
        button: "Send answer",
        danger: false,
    };
    draw(cx, &request, words, quote, None, text, errors)
}

pub(super) fn answered(cx: &mut Cx) -> Result<Reply> {
    let id: RequestId = cx.id("id")?;
    let answer = cx.form().text("answer");
    let text = answer.clone();
    let done = cx.write(move |tx| {
        let standing = standing(tx, id)?;
        let permit = policy::give_information(tx.actor(), &standing)?;
        commands::answer(tx, &permit, &answer)
    });
    let again = |errors: Vec<FieldError>| draw_answer(cx, text.clone(), &errors);
    outcome(cx, done, &text, again, |_| {
        let words = "Those who decide are told, and the request goes on.";
        Reply::see_other(format!("/requests/{id}")).notice("Answered.", words)
    })
}

/// Comments on a request.
pub(super) fn comment(cx: &mut Cx) -> Result<Reply> {
    let text = typed(cx, "comment");
    draw_comment(cx, text, &[])
}

fn draw_comment(cx: &Cx, text: String, errors: &[FieldError]) -> Result<Reply> {
    let id: RequestId = cx.id("id")?;
    let actor = cx.actor().ok_or(Error::Missing)?;
    let request = cx.read(|db| {
        let request = store::one(db, id)?;
        let standing = store::standing(db, &request)?;
        policy::comment_request(actor, &standing)?;
        Ok(request)
    })?;
    let words = Words {
        title: "Comment",
        heading: ("Comment on", ""),
        lede: "A comment changes nothing about the request. To have an approver’s clock wait, they ask a question."
            .to_owned(),
        field: "comment",
        label: "Your comment",
        hint: "Everybody who sees the request reads it, those who decide and the requestor too.".to_owned(),
        button: "Comment",
        danger: false,
    };
    draw(cx, &request, words, None, None, text, errors)
}

pub(super) fn commented(cx: &mut Cx) -> Result<Reply> {
    let id: RequestId = cx.id("id")?;
    let comment = cx.form().text("comment");
    let text = comment.clone();
    let done = cx.write(move |tx| {
        let standing = standing(tx, id)?;
        let permit = policy::comment_request(tx.actor(), &standing)?;
        commands::comment(tx, &permit, &comment)
    });
    let again = |errors: Vec<FieldError>| draw_comment(cx, text.clone(), &errors);
    outcome(cx, done, &text, again, |_| {
        Reply::see_other(format!("/requests/{id}"))
            .notice("Commented.", "Everybody who sees the request reads it.")
    })
}

/// Revokes one's own approval.
pub(super) fn revoke(cx: &mut Cx) -> Result<Reply> {
    let text = typed(cx, "reason");
    draw_revoke(cx, text, &[])
}

fn draw_revoke(cx: &Cx, text: String, errors: &[FieldError]) -> Result<Reply> {
    let id: RequestId = cx.id("id")?;
    let actor = cx.actor().ok_or(Error::Missing)?;
    let me = cx.person()?.id;
    let (request, there) = cx.read(|db| {
        let request = store::one(db, id)?;
        let standing = store::standing(db, &request)?;
        policy::revoke_approval(actor, &standing)?;
        let approvers = store::approvers(db, id)?;
        let there = commands::revocable(db, &request, &approvers, me)?;
        Ok((request, there))
    })?;
    if there.is_none() {
        return Ok(Reply::see_other(format!("/requests/{id}")));
    }
    let target = &request.target;
    let words = Words {
        title: "Revoke my approval",
        heading: ("Revoke your approval of", "?"),
        lede: format!(
            "The access of {target} ends now: it is removed from every system, and {target} is told."
        ),
        field: "reason",
        label: "Your reason",
        hint: format!("{target} and the catalog’s owners read it."),
        button: "End the access",
        danger: true,
    };
    draw(cx, &request, words, None, None, text, errors)
}

pub(super) fn revoked(cx: &mut Cx) -> Result<Reply> {
    let id: RequestId = cx.id("id")?;
    let reason = cx.form().text("reason");
    let text = reason.clone();
    let done = cx.write(move |tx| {
        let standing = standing(tx, id)?;
        let permit = policy::revoke_approval(tx.actor(), &standing)?;
        commands::revoke(tx, &permit, &reason)
    });
    let again = |errors: Vec<FieldError>| draw_revoke(cx, text.clone(), &errors);
    outcome(cx, done, &text, again, |request| {
        let words = format!("{} no longer has {}.", request.target, request.package);
        Reply::see_other(format!("/requests/{id}")).notice("Approval revoked.", words)
    })
}
