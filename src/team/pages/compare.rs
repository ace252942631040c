//! Comparison with a colleague of the reader's own team: what they hold and the reader could ask for. Nothing else is
//! shown, and nothing is copied.

use askama::Template;

use crate::access::Person;
use crate::error::{Error, Result};
use crate::kernel::{Kind, PersonId, Risk};
use crate::packages::browse::inside;
use crate::packages::model::{Hit, Viewer};
use crate::packages::store::open_to;
use crate::team::store;
use crate::web::words::number;
use crate::web::{Cx, Place, Reply, Shell};

/// With whom?
#[derive(Template)]
#[template(path = "team/compare_who.html")]
struct WhoPage {
    shell: Shell,
    /// Address, name and title.
    team: Vec<(String, String, String)>,
}

/// What a colleague holds that the reader could ask for.
#[derive(Template)]
#[template(path = "team/compare.html")]
struct ComparePage {
    shell: Shell,
    heading: String,
    colleague: String,
    could: Vec<Could>,
}

/// One package to ask for.
struct Could {
    href: String,
    name: String,
    description: String,
    inside: String,
    high: bool,
}

/// Guests belong to no team.
fn member(cx: &Cx) -> Result<&Person> {
    let me = cx.person()?;
    if me.kind == Kind::Member { Ok(me) } else { Err(Error::Missing) }
}

pub(super) fn choose(cx: &mut Cx) -> Result<Reply> {
    let me = member(cx)?.id;
    let team = cx.read(|db| store::team(db, me))?;
    let page = WhoPage {
        shell: cx.shell("Compare with a colleague – Browse", Place::Browse)?,
        team: team
            .into_iter()
            .map(|p| (format!("/compare/{}", p.id), p.name, p.title.unwrap_or_default()))
            .collect(),
    };
    Reply::page(&page)
}

pub(super) fn show(cx: &mut Cx) -> Result<Reply> {
    let id: PersonId = cx.id("id")?;
    let me = member(cx)?;
    let viewer = Viewer::from(me);
    let (colleague, could) = cx.read(|db| {
        let colleague = store::colleague(db, viewer.id, id)?;
        let held = store::held(db, id)?;
        Ok((colleague, open_to(db, viewer, &held)?))
    })?;
    let page = ComparePage {
        shell: cx.shell(format!("What {} has – Browse", colleague.name), Place::Browse)?,
        heading: heading(&colleague.name, could.len()),
        colleague: colleague.name,
        could: could.into_iter().map(line).collect(),
    };
    Reply::page(&page)
}

fn heading(name: &str, n: usize) -> String {
    match i64::try_from(n).unwrap_or(i64::MAX) {
        0 => format!("You could ask for nothing more that {name} has"),
        1 => format!("{name} has one package that you could ask for"),
        n => format!("{name} has {} packages that you could ask for", number(n)),
    }
}

fn line(hit: Hit) -> Could {
    Could {
        inside: inside(&hit),
        href: format!("/packages/{}", hit.id),
        name: hit.name,
        description: hit.description,
        high: hit.risk == Risk::High,
    }
}
