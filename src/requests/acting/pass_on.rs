//! Pass a decision on (D44).

use askama::Template;

use super::{case, chosen, decides, outcome, permit, stage_of};
use crate::access::policy;
use crate::error::{FieldError, Result};
use crate::kernel::{PersonId, RequestId};
use crate::requests::model::Via;
use crate::requests::{commands, store};
use crate::web::{Cx, Place, Reply, Shell};

#[derive(Template)]
#[template(path = "requests/pass_on.html")]
struct PassOnPage {
    shell: Shell,
    id: RequestId,
    reference: String,
    package: String,
    target: String,
    stage: String,
    choices: Vec<Choice>,
    reason: String,
}

struct Choice {
    id: PersonId,
    name: String,
    why: &'static str,
    on: bool,
}

pub(super) fn show(cx: &mut Cx) -> Result<Reply> {
    let form = cx.refill().unwrap_or_default();
    draw(cx, PersonId::parse(form.raw("to")), form.text("reason"), &[])
}

fn draw(cx: &Cx, to: Option<PersonId>, reason: String, errors: &[FieldError]) -> Result<Reply> {
    let case = match case(cx, decides)? {
        Ok(case) => case,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let (request, me) = (&case.request, cx.person()?.id);
    let whose = policy::whose_row(cx.person()?, &store::standing_of(request, &case.approvers));
    let pool =
        cx.read(|db| commands::pool(db, request, &case.stage, &case.approvers, (me, whose)))?;
    let title = format!("Pass {} for {} on – Approvals", request.package, request.target);
    let mut shell = cx.shell(title, Place::Approvals)?;
    shell.errors = errors.iter().map(Into::into).collect();
    let choice = |c: crate::requests::rules::Candidate| Choice {
        why: match c.via {
            Via::Manager if case.stage_is_mine(whose) => {
                "your manager, or the manager who is asked"
            }
            via => via.words(),
        },
        on: to == Some(c.id),
        id: c.id,
        name: c.name,
    };
    let page = PassOnPage {
        shell,
        id: request.id,
        reference: request.reference.clone(),
        package: request.package.clone(),
        target: request.target.clone(),
        stage: case.stage.id.to_string(),
        choices: pool.into_iter().map(choice).collect(),
        reason,
    };
    Ok(Reply::page(&page)?.status(if errors.is_empty() { 200 } else { 422 }))
}

impl super::Case {
    /// True where the reader's own decision is awaited.
    fn stage_is_mine(&self, me: PersonId) -> bool {
        self.approvers.iter().any(|a| a.stage == self.stage.id && a.person == me && a.waiting)
    }
}

pub(super) fn pass(cx: &mut Cx) -> Result<Reply> {
    let (id, stage): (RequestId, _) = (cx.id("id")?, stage_of(cx)?);
    let (to, reason) = (chosen(cx), cx.form().text("reason"));
    let text = reason.clone();
    let done = cx.write(move |tx| {
        let permit = permit(tx, id, stage)?;
        commands::pass_on(tx, &permit, stage, to, &reason)
    });
    let again = |errors: Vec<FieldError>| draw(cx, to, text.clone(), &errors);
    outcome(cx, done, &text, again, |request| {
        let words = format!(
            "{} for {} is no longer with you; the other one is told why.",
            request.package, request.target
        );
        Reply::see_other("/approvals").notice("Passed on.", words)
    })
}
