//! The one for whom somebody asked says no (D46).

use askama::Template;

use crate::access::policy;
use crate::db::Db;
use crate::error::{Error, Refusal, Result};
use crate::kernel::{PersonId, RequestId};
use crate::requests::model::{Request, State};
use crate::requests::{commands, store};
use crate::web::{Cx, Place, Reply, Shell};

#[derive(Template)]
#[template(path = "requests/refuse.html")]
struct RefusePage {
    shell: Shell,
    package: String,
    requestor: String,
    reference: String,
    reason: String,
    href: String,
    action: String,
}

/// True where the reader can refuse a request.
#[must_use]
pub fn can_refuse(request: &Request, me: PersonId) -> bool {
    request.target_id == me
        && request.requestor_id != me
        && matches!(request.state, State::PendingApproval | State::Scheduled)
}

/// The request, if it is for the reader and somebody else made it.
fn asked_for(db: &mut Db, id: RequestId, me: PersonId) -> Result<Request> {
    let request = store::one(db, id)?;
    if request.target_id == me && request.requestor_id != me {
        Ok(request)
    } else {
        Err(Error::Missing)
    }
}

pub(super) fn show(cx: &mut Cx) -> Result<Reply> {
    let id: RequestId = cx.id("id")?;
    let me = cx.person()?.id;
    let request = cx.read(|db| asked_for(db, id, me))?;
    let href = format!("/requests/{id}");
    if !can_refuse(&request, me) {
        return Err(Refusal::new(
            "This request can no longer be refused",
            format!(
                "It is: {}. A request can be refused until its delivery starts; access can be given back.",
                request.state.label().to_lowercase()
            ),
        )
        .way("See the request", href)
        .way("See your access", "/access")
        .into());
    }
    let page = RefusePage {
        shell: cx.shell(format!("Refuse {} – Requests", request.package), Place::Requests)?,
        package: request.package,
        requestor: request.requestor,
        reference: request.reference,
        reason: request.reason,
        action: format!("{href}/refuse"),
        href,
    };
    Reply::page(&page)
}

pub(super) fn refuse(cx: &mut Cx) -> Result<Reply> {
    let id: RequestId = cx.id("id")?;
    let me = cx.person()?.id;
    let request = cx.write(move |tx| {
        let request = asked_for(tx.db(), id, me)?;
        let standing = store::standing(tx.db(), &request)?;
        let permit = policy::cancel_request(tx.actor(), &standing)?;
        commands::cancel(tx, &permit)
    })?;
    Ok(Reply::see_other(format!("/requests/{id}")).notice(
        "Refused.",
        format!("You do not get {}, and {} is told.", request.package, request.requestor),
    ))
}
