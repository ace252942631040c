//! Giving access back (D42).

use askama::Template;

use crate::access::policy;
use crate::assignments::rights::{self, Standing};
use crate::assignments::store;
use crate::assignments::words::role;
use crate::error::{Error, FieldError, Result};
use crate::kernel::AssignmentId;
use crate::kernel::text::NOTE_MAX;
use crate::requests::commands;
use crate::requests::rules::TAKE_AGAIN_DAYS;
use crate::web::words::When;
use crate::web::{Cx, Place, Reply, Shell};

/// What giving back does, and the button.
#[derive(Template)]
#[template(path = "assignments/give_back.html")]
struct GiveBackPage {
    shell: Shell,
    id: AssignmentId,
    package: String,
    since: Option<When>,
    until: Option<When>,
    going: Vec<(String, &'static str)>,
    /// Until when it can be taken again.
    again: When,
    reason: String,
}

pub(super) fn show(cx: &mut Cx) -> Result<Reply> {
    let reason = cx.refill().map(|form| form.text("reason")).unwrap_or_default();
    draw(cx, reason, Vec::new())
}

fn draw(cx: &Cx, reason: String, errors: Vec<FieldError>) -> Result<Reply> {
    let id: AssignmentId = cx.id("id")?;
    let (me, now, zone) = (cx.person()?.id, cx.now(), cx.zone());
    let (named, standing) =
        cx.read(|db| Ok((store::one(db, id)?, rights::standing(db, &[id])?)))?;
    let assignment = &named.assignment;
    if assignment.target_id != me {
        return Err(Error::Missing);
    }
    if assignment.ended_at.is_some() {
        return Ok(
            Reply::see_other("/access").warning("It has already ended.", "Nothing was changed.")
        );
    }
    let mut shell = cx.shell(format!("Give back {} – My access", named.package), Place::Access)?;
    let status = if errors.is_empty() { 200 } else { 422 };
    shell.errors = errors.iter().map(Into::into).collect();
    let last = zone.plus_days(now, TAKE_AGAIN_DAYS);
    let page = GiveBackPage {
        shell,
        id,
        since: assignment.started_at.map(|at| When::at(at, now, zone)),
        until: assignment.ends_at.map(|at| When::end(at, now, zone)),
        going: standing.iter().map(going).collect(),
        again: When::at(assignment.ends_at.map_or(last, |end| end.min(last)), now, zone),
        package: named.package,
        reason,
    };
    Ok(Reply::page(&page)?.status(status))
}

fn going(right: &Standing) -> (String, &'static str) {
    let becomes = if right.held_before {
        "You had it before: it stays, unless its owners decide otherwise"
    } else {
        "Taken away, unless other access of yours gives it, too"
    };
    (role(right), becomes)
}

pub(super) fn take(cx: &mut Cx) -> Result<Reply> {
    let id: AssignmentId = cx.id("id")?;
    let reason = cx.form().text("reason");
    if reason.chars().count() > NOTE_MAX {
        let words = format!("Shorten your reason to {NOTE_MAX} characters");
        return draw(cx, reason, vec![FieldError::new("reason", words)]);
    }
    let me = cx.person()?.id;
    let package = cx.write(move |tx| {
        let permit = policy::own_assignment(tx.actor(), me)?;
        commands::give_back(tx, &permit, id, &reason)?;
        Ok(store::one(tx.db(), id)?.package)
    })?;
    let text = format!(
        "You no longer have {package}. For {TAKE_AGAIN_DAYS} days you can take it again below, without approval."
    );
    Ok(Reply::see_other("/access").notice("Given back.", text))
}
