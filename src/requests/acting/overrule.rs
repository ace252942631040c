//! An administrator decides in place of a stage's approvers.

use askama::Template;

use super::{case, outcome, stage_of, standing};
use crate::access::Actor;
use crate::access::policy::{self, RequestStanding};
use crate::error::{FieldError, Result};
use crate::kernel::RequestId;
use crate::requests::model::Verdict;
use crate::requests::{commands, deciding};
use crate::web::page::Names;
use crate::web::{Cx, Place, Reply, Shell};

#[derive(Template)]
#[template(path = "requests/overrule.html")]
struct OverrulePage {
    shell: Shell,
    id: RequestId,
    reference: String,
    package: String,
    target: String,
    stage: String,
    with: Names,
    reason: String,
}

fn overrules(actor: &Actor, standing: &RequestStanding) -> Result<()> {
    policy::overrule_stage(actor, standing)?;
    Ok(())
}

pub(super) fn show(cx: &mut Cx) -> Result<Reply> {
    let reason = cx.refill().map(|form| form.text("reason")).unwrap_or_default();
    draw(cx, reason, &[])
}

fn draw(cx: &Cx, reason: String, errors: &[FieldError]) -> Result<Reply> {
    let case = match case(cx, overrules)? {
        Ok(case) => case,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let request = &case.request;
    let title = format!("Decide {} in place of the approvers – Approvals", request.package);
    let mut shell = cx.shell(title, Place::Approvals)?;
    shell.errors = errors.iter().map(Into::into).collect();
    let with: Vec<String> =
        case.approvers.iter().filter(|a| a.waiting).map(|a| a.name.clone()).collect();
    let page = OverrulePage {
        shell,
        id: request.id,
        reference: request.reference.clone(),
        package: request.package.clone(),
        target: request.target.clone(),
        stage: case.stage.id.to_string(),
        with: Names::of(&with),
        reason,
    };
    Ok(Reply::page(&page)?.status(if errors.is_empty() { 200 } else { 422 }))
}

pub(super) fn decide(cx: &mut Cx) -> Result<Reply> {
    let (id, stage): (RequestId, _) = (cx.id("id")?, stage_of(cx)?);
    let reason = cx.form().text("reason");
    let verdict = match cx.form().raw("verdict") {
        "approve" => Verdict::Approve,
        "deny" => Verdict::Deny,
        _ => return draw(cx, reason, &[FieldError::new("", "Press Approve or Deny")]),
    };
    let text = reason.clone();
    let done = cx.write(move |tx| {
        let standing = standing(tx, id)?;
        let permit = policy::overrule_stage(tx.actor(), &standing)?;
        commands::overrule(tx, &permit, stage, verdict, &reason)
    });
    let again = |errors: Vec<FieldError>| draw(cx, text.clone(), &errors);
    outcome(cx, done, &text, again, |request| {
        let (strong, words) = deciding::outcome(&request, None, verdict);
        Reply::see_other(format!("/requests/{id}"))
            .notice(strong, format!("{words} The approvers and the other administrators are told."))
    })
}
