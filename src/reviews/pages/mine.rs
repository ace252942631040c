//! What is reviewed about oneself: why, by whom, what one wants to say about it, and what became of it.

use askama::Template;

use super::answering::outcome_words;
use crate::access::policy;
use crate::error::{Error, FieldError, Result};
use crate::kernel::ReviewItemId;
use crate::reviews::commands;
use crate::reviews::model::{Outcome, State};
use crate::reviews::store::{self, listing};
use crate::web::words::When;
use crate::web::{Cx, Place, Reply, Shell};

/// As many pieces of access as the page shows.
const MOST: i64 = 100;

#[derive(Template)]
#[template(path = "reviews/mine.html")]
struct MinePage {
    shell: Shell,
    rows: Vec<MineRow>,
}

struct MineRow {
    id: ReviewItemId,
    access: String,
    review: String,
    since: Option<When>,
    /// True where a target system says it, not a list that was put in.
    told: bool,
    due: Option<When>,
    reply: Option<String>,
    /// True while something can be said about it.
    says: bool,
    words: String,
    outcome: Option<&'static str>,
    apply: Option<When>,
}

pub(super) fn show(cx: &mut Cx) -> Result<Reply> {
    // What was typed before the session ended.
    let form = cx.refill().unwrap_or_default();
    let words = form.text("words");
    draw(cx, ReviewItemId::parse(form.raw("item")).map(|item| (item, words.as_str(), &[][..])))
}

fn draw(cx: &Cx, typed: Option<(ReviewItemId, &str, &[FieldError])>) -> Result<Reply> {
    let me = cx.person()?.id;
    let all = cx.read(|db| listing::about_person(db, me, MOST))?;
    let (now, zone) = (cx.now(), cx.zone());
    let mut shell = cx.shell("Reviewed about you – Reviews", Place::Reviews)?;
    if let Some((item, _, errors)) = typed {
        shell.errors = errors
            .iter()
            .map(|error| crate::web::page::FieldError {
                field: format!("{}-{item}", error.field),
                text: error.text.clone(),
            })
            .collect();
    }
    let rows = all
        .into_iter()
        .map(|(item, instance)| {
            let open = instance.state == State::Open && now < instance.due_at;
            MineRow {
                id: item.id,
                access: item.access_name,
                review: instance.name,
                told: item.context.given_by.is_some(),
                since: (!item.context.since_unknown).then(|| When::at(item.since, now, zone)),
                due: open.then(|| When::end(instance.due_at, now, zone)),
                says: open && item.answer.is_none() && item.outcome.is_none(),
                words: match typed {
                    Some((id, words, _)) if id == item.id => words.to_owned(),
                    _ => item.reply.clone().unwrap_or_default(),
                },
                reply: item.reply,
                outcome: item.outcome.map(outcome_words),
                apply: item
                    .apply_at
                    .filter(|_| item.outcome == Some(Outcome::Planned))
                    .map(|at| When::at(at, now, zone)),
            }
        })
        .collect();
    let shown = MinePage { shell, rows };
    let wrong = typed.is_some_and(|(.., errors)| !errors.is_empty());
    Ok(Reply::page(&shown)?.status(if wrong { 422 } else { 200 }))
}

pub(super) fn reply(cx: &mut Cx) -> Result<Reply> {
    let id: ReviewItemId = cx.id("item")?;
    let words = cx.form().text("words");
    let said = words.clone();
    let done = cx.write(move |tx| {
        let item = store::item(tx.db(), id)?;
        let standing = store::standings(tx.db(), std::slice::from_ref(&item))?;
        let permit = policy::reply_item(tx.actor(), standing.first().ok_or(Error::Missing)?)?;
        commands::reply(tx, &permit, &said)
    });
    match done {
        Ok(()) => Ok(Reply::see_other("/reviews/mine")
            .notice("Saved.", "Whoever reviews it reads it beside your access.")),
        Err(Error::Invalid(errors)) => draw(cx, Some((id, &words, &errors))),
        Err(error) => Err(error),
    }
}
