//! Taking again what was given back (D42).

use askama::Template;

use crate::access::policy;
use crate::error::{Error, Result};
use crate::kernel::RequestId;
use crate::requests::commands::{self, TakeAgain};
use crate::requests::store;
use crate::web::words::When;
use crate::web::{Cx, Place, Reply, Shell};

/// The button, or why it has to be requested instead.
#[derive(Template)]
#[template(path = "assignments/take_again.html")]
struct TakeAgainPage {
    shell: Shell,
    id: RequestId,
    key: RequestId,
    package: String,
    package_href: String,
    given: When,
    until: Option<When>,
    why_not: Option<String>,
}

pub(super) fn show(cx: &mut Cx) -> Result<Reply> {
    let id: RequestId = cx.id("id")?;
    let (me, now, zone) = (cx.person()?.id, cx.now(), cx.zone());
    let (given, why_not) = cx.read(|db| {
        let given = store::one(db, id)?;
        let why_not = commands::why_not_again(db, me, &given, now, zone)?;
        Ok((given, why_not))
    })?;
    let page = TakeAgainPage {
        shell: cx.shell(format!("Take {} again – My access", given.package), Place::Access)?,
        id,
        key: RequestId::fresh(),
        package_href: format!("/packages/{}", given.package_id),
        given: When::at(given.created_at, now, zone),
        until: given.ends_at.map(|end| When::end(end, now, zone)),
        package: given.package,
        why_not,
    };
    Reply::page(&page)
}

pub(super) fn take(cx: &mut Cx) -> Result<Reply> {
    let given_back: RequestId = cx.id("id")?;
    let id = RequestId::parse(cx.form().raw("key")).ok_or(Error::Missing)?;
    let me = cx.person()?.id;
    let again = TakeAgain { id, given_back };
    let request = cx.write(move |tx| {
        let permit = policy::own_assignment(tx.actor(), me)?;
        commands::take_again(tx, &permit, &again)
    })?;
    let text = "It is set up as before, and ends when it would have ended.";
    Ok(Reply::see_other(format!("/requests/{request}")).notice("Taken again.", text))
}
