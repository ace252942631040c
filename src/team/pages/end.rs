//! Ending access of somebody who reports to the reader.

use askama::Template;

use crate::access::policy;
use crate::assignments::rights::{self, Standing};
use crate::assignments::store;
use crate::assignments::words::role;
use crate::error::{Error, FieldError, Result};
use crate::kernel::AssignmentId;
use crate::requests::commands;
use crate::web::words::When;
use crate::web::{Cx, Place, Reply, Shell};

/// End it now? Says what that does, and asks why.
#[derive(Template)]
#[template(path = "team/end.html")]
struct EndPage {
    shell: Shell,
    id: AssignmentId,
    person: String,
    person_href: String,
    package: String,
    since: Option<When>,
    until: Option<When>,
    going: Vec<(String, &'static str)>,
    reason: String,
}

pub(super) fn show(cx: &mut Cx) -> Result<Reply> {
    let reason = cx.refill().map(|form| form.text("reason")).unwrap_or_default();
    draw(cx, reason, &[])
}

fn draw(cx: &Cx, reason: String, errors: &[FieldError]) -> Result<Reply> {
    let id: AssignmentId = cx.id("id")?;
    let actor = cx.actor().ok_or(Error::Missing)?;
    let (named, standing) = cx.read(|db| {
        policy::end_for_report(actor, &store::for_report(db, id)?)?;
        Ok((store::one(db, id)?, rights::standing(db, &[id])?))
    })?;
    let (assignment, now, zone) = (&named.assignment, cx.now(), cx.zone());
    let person_href = format!("/team/{}", assignment.target_id);
    if assignment.ended_at.is_some() {
        let back = Reply::see_other(person_href);
        return Ok(back.warning("It has already ended.", "Nothing was changed."));
    }
    let title = format!("End {} for {} – My team", named.package, named.target);
    let mut shell = cx.shell(title, Place::Team)?;
    shell.errors = errors.iter().map(Into::into).collect();
    let page = EndPage {
        shell,
        id,
        person_href,
        since: assignment.started_at.map(|at| When::at(at, now, zone)),
        until: assignment.ends_at.map(|at| When::end(at, now, zone)),
        going: standing.iter().map(going).collect(),
        person: named.target,
        package: named.package,
        reason,
    };
    Ok(Reply::page(&page)?.status(if errors.is_empty() { 200 } else { 422 }))
}

fn going(right: &Standing) -> (String, &'static str) {
    let becomes = if right.held_before {
        "They had it before: it stays, unless its owners decide otherwise"
    } else {
        "Taken away, unless other access of theirs gives it, too"
    };
    (role(right), becomes)
}

pub(super) fn end(cx: &mut Cx) -> Result<Reply> {
    let id: AssignmentId = cx.id("id")?;
    let reason = cx.form().text("reason");
    let typed = reason.clone();
    let ended = cx.write(move |tx| {
        let permit = commands::may_end_for_report(tx, id)?;
        commands::end_for_report(tx, &permit, &reason)
    });
    match ended {
        Ok(named) => {
            let text = format!(
                "{} no longer has {}. Their systems are asked to take it away; they and the owners are told.",
                named.target, named.package
            );
            let to = format!("/team/{}", named.assignment.target_id);
            Ok(Reply::see_other(to).notice("Ended.", text))
        }
        Err(Error::Invalid(errors)) => draw(cx, typed, &errors),
        Err(other) => Err(other),
    }
}
