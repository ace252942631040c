//! What is suggested to a member, from what the people around them hold: figures, never names (E28).

use askama::Template;

use super::inside;
use crate::error::Result;
use crate::kernel::{Kind, Risk};
use crate::packages::model::{Hit, Viewer};
use crate::team::rules::{FEW, Figure};
use crate::team::store::suggestions;
use crate::web::{Cx, Place, Reply, Shell};

/// As many as the page shows.
const SHOWN: usize = 20;

/// What is suggested.
#[derive(Template)]
#[template(path = "packages/suggested.html")]
struct SuggestedPage {
    shell: Shell,
    few: i64,
    hits: Vec<Line>,
}

/// One suggestion.
struct Line {
    href: String,
    name: String,
    description: String,
    inside: String,
    high: bool,
    why: String,
    /// Strokes for people, where there are few enough to draw.
    tally: Option<(usize, usize)>,
}

pub(super) fn page(cx: &Cx) -> Result<Reply> {
    let me = cx.person()?;
    if me.kind == Kind::Guest {
        return Ok(Reply::see_other("/packages"));
    }
    let found = cx.read(|db| suggestions(db, Viewer::from(me)))?;
    let page = SuggestedPage {
        shell: cx.shell("Suggested for you – Browse", Place::Browse)?,
        few: FEW,
        hits: found.into_iter().take(SHOWN).map(line).collect(),
    };
    Reply::page(&page)
}

fn line((figure, hit): (Figure, Hit)) -> Line {
    Line {
        href: format!("/packages/{}", hit.id),
        inside: inside(&hit),
        name: hit.name,
        description: hit.description,
        high: hit.risk == Risk::High,
        why: figure.words(),
        tally: figure.strokes(),
    }
}
