//! Many alike, kept together: only the same package, ordinary, unchanged, with nothing that stands out. The page names
//! everybody first, those that are left out before all others (C7).

use askama::Template;

use super::answering::{Frame, here, mine};
use crate::access::policy;
use crate::error::{Error, FieldError, Result};
use crate::kernel::text::counted;
use crate::kernel::{AccessId, AnswerBatchId, ReviewInstanceId, ReviewItemId};
use crate::reviews::commands::{self, Says};
use crate::reviews::model::{Answer, Item};
use crate::reviews::store::{self, listing};
use crate::web::{Cx, Place, Reply, Shell};

/// As many as are answered together at most.
pub(super) const MOST: i64 = 200;

#[derive(Template)]
#[template(path = "reviews/together.html")]
struct TogetherPage {
    shell: Shell,
    frame: Frame,
    package: AccessId,
    access: String,
    back: String,
    alike: Vec<(ReviewItemId, String)>,
    /// Who is left out, and why.
    apart: Vec<(String, &'static str)>,
    note: String,
    needs_reason: bool,
}

pub(super) fn show(cx: &mut Cx) -> Result<Reply> {
    let form = cx.refill().unwrap_or_default();
    draw(cx, &form.text("note"), &[])
}

fn draw(cx: &Cx, note: &str, errors: &[FieldError]) -> Result<Reply> {
    let (instance, whose, progress) = mine(cx)?;
    let package: AccessId = cx.id("package")?;
    let part = listing::Part::Package(package);
    let (alike, all) = cx.read(|db| {
        let alike = listing::alike(db, (&whose, package), MOST)?;
        let all = listing::part(db, (&whose, part), None, MOST)?;
        Ok((alike, all))
    })?;
    let Some(first) = alike.first() else {
        return Ok(Reply::see_other(here(instance.id, part)));
    };
    let mut shell = cx.shell(
        format!("Keep {} together – Reviews", counted(alike.len() as i64, "item", "items")),
        Place::Reviews,
    )?;
    shell.errors = errors.iter().map(Into::into).collect();
    let left_out = |item: &&Item| alike.iter().all(|one| one.id != item.id);
    let apart = all.iter().filter(left_out).map(|item| (item.person_name.clone(), why(item)));
    let shown = TogetherPage {
        shell,
        frame: Frame::of(cx, &instance, progress),
        package,
        access: first.access_name.clone(),
        back: here(instance.id, part),
        apart: apart.collect(),
        alike: alike.iter().map(|item| (item.id, item.person_name.clone())).collect(),
        note: note.to_owned(),
        needs_reason: instance.terms.reasons,
    };
    Ok(Reply::page(&shown)?.status(if errors.is_empty() { 200 } else { 422 }))
}

fn why(item: &Item) -> &'static str {
    match item {
        item if item.answer.is_some() => "answered already",
        item if item.risk == crate::kernel::Risk::High => "high risk",
        item if item.changed => "new or changed",
        _ => "stands out",
    }
}

pub(super) fn answer(cx: &mut Cx) -> Result<Reply> {
    let form = cx.form().clone();
    let (instance, ..) = mine(cx)?;
    let (id, package): (ReviewInstanceId, AccessId) = (instance.id, cx.id("package")?);
    let ids: Vec<ReviewItemId> =
        form.all("item").iter().filter_map(|text| ReviewItemId::parse(text)).collect();
    if ids.is_empty() || ids.len() > usize::try_from(MOST).unwrap_or(usize::MAX) {
        return Err(Error::Missing);
    }
    let note = form.text("note");
    let says = Says { answer: Answer::Keep, until: None, note: note.clone() };
    let batch = AnswerBatchId::fresh();
    let done = cx.write(move |tx| {
        let items = store::items(tx.db(), &ids)?;
        let foreign = |item: &Item| item.instance != id || item.access != package;
        if items.len() != ids.len() || items.iter().any(foreign) {
            return Err(Error::Missing);
        }
        let standings = store::standings(tx.db(), &items)?;
        let mut permits = Vec::new();
        for standing in &standings {
            permits.push(policy::answer_item(tx.actor(), standing)?);
        }
        commands::answer_all(tx, &permits, &says, batch)
    });
    match done {
        Ok(n) => {
            let words = format!("{} stay as they are.", counted(n as i64, "item", "items"));
            let undo = format!("/reviews/{id}/batches/{batch}/undo");
            Ok(Reply::see_other(here(id, listing::Part::Package(package)))
                .notice("Kept together.", words)
                .undo(Some(undo)))
        }
        Err(Error::Invalid(errors)) => draw(cx, &note, &errors),
        Err(error) => Err(error),
    }
}

/// Takes a batch back as a whole.
pub(super) fn undo(cx: &mut Cx) -> Result<Reply> {
    let (instance, ..) = mine(cx)?;
    let (id, batch): (ReviewInstanceId, AnswerBatchId) = (instance.id, cx.id("batch")?);
    let n = cx.write(move |tx| commands::clear_batch(tx, id, batch))?;
    let reply = Reply::see_other(format!("/reviews/{id}?by=package"));
    Ok(match n {
        0 => reply.warning("Nothing is taken back.", "Those answers have changed since."),
        n => reply.notice(
            "Taken back.",
            format!("{} for your answer again.", counted(n as i64, "item waits", "items wait")),
        ),
    })
}
