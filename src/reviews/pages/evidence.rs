//! The pack of an instance: everything that an auditor asks about it, in one archive that can be checked without Keyholder.

use std::collections::HashMap;

use askama::Template;

use super::answering::outcome_words;
use super::{kept, ordinal};
use crate::db::Db;
use crate::directory;
use crate::error::{Error, Result};
use crate::kernel::{PersonId, ReviewItemId, Ts};
use crate::reviews::model::{Instance, Item, State, Via};
use crate::reviews::pack::{self, Attachment, Pack, Table};
use crate::reviews::reads;
use crate::reviews::store::{self, listing};
use crate::web::listing::csv_time;
use crate::web::words::When;
use crate::web::{Cx, Reply};

/// How the summary looks.
const STYLE: &str = include_str!("summary.css");
/// As many items as one read takes.
const CHUNK: i64 = 500;

/// The summary for people: it prints.
#[derive(Template)]
#[template(path = "reviews/summary.html")]
struct Summary {
    name: String,
    run: String,
    organization: String,
    software: String,
    made: When,
    started: When,
    closed: Option<When>,
    state: &'static str,
    reads: Vec<String>,
    source: i64,
    items: i64,
    counts: listing::Counts,
    reviewers: Vec<(String, String, i64, String)>,
    removals: Vec<(String, String, String, String)>,
}

/// Hands out the pack of an instance that is closed.
pub(super) fn pack(cx: &mut Cx) -> Result<Reply> {
    let instance = kept(cx)?;
    if !matches!(instance.state, State::Applying | State::Completed | State::Confirming) {
        return Err(Error::refused(
            "There is no pack yet",
            "The pack of a review is made when it has closed, so that it holds every answer.",
        ));
    }
    // It reads everything that the instance has: one at a time, so that others get to the database too.
    let _alone = cx.site.limits.alone()?;
    tracing::info!(target: "access", person = %cx.person()?.id, review = %instance.id, "review pack read");
    let pack = cx.read(|db| build(cx, db, &instance))?;
    let key = cx.site.pack_key.as_deref();
    let bytes = pack::seal(&pack, key).map_err(|error| Error::Broken(error.into()))?;
    let name = format!("review-{}-{}.zip", instance.review, instance.number);
    Ok(Reply::file("application/zip", name, bytes))
}

fn text(at: Option<Ts>) -> String {
    csv_time(at)
}

fn build(cx: &Cx, db: &mut Db, instance: &Instance) -> Result<Pack> {
    let id = instance.id;
    let (now, zone) = (cx.now(), cx.zone());
    let mut names = Names::default();
    let mut items = Table { name: "items".into(), columns: columns(&ITEMS), rows: vec![] };
    let mut answers = Table { name: "answers".into(), columns: columns(&ANSWERS), rows: vec![] };
    let mut after: Option<ReviewItemId> = None;
    loop {
        let some = listing::all(db, id, after, CHUNK)?;
        let Some(last) = some.last() else { break };
        after = Some(last.id);
        let ids: Vec<ReviewItemId> = some.iter().map(|item| item.id).collect();
        names.read(db, &some)?;
        let mut pools: Vec<_> = some.iter().map(|item| item.pool).collect();
        pools.sort_unstable();
        pools.dedup();
        let pools = store::pools(db, &pools)?;
        let proofs = store::rows::proofs(db, &ids)?;
        names.add(db, pools.iter().flat_map(|pool| pool.reviewers.iter().copied()))?;
        for item in &some {
            let pool = pools.iter().find(|pool| pool.id == item.pool);
            items.rows.push(item_row(item, pool, &names, proofs.get(&item.id)));
        }
        for said in listing::said(db, &ids)? {
            let n = answers.rows.len() + 1;
            answers.rows.push(vec![
                n.to_string(),
                said.item.to_string(),
                text(Some(said.at)),
                said.by,
                said.instead_of.unwrap_or_default(),
                said.answer,
                text(said.until),
                said.note.unwrap_or_default(),
                said.passed_to.unwrap_or_default(),
                yes(said.advised),
                yes(said.together),
            ]);
        }
    }
    let lines = listing::reviewers(db, id, 100_000)?;
    let reviewers = Table {
        name: "reviewers".into(),
        columns: columns(&["key", "reviewer", "why", "items", "answered", "signed_off_at"]),
        rows: lines
            .iter()
            .map(|line| {
                vec![
                    format!("{}/{}", line.person, line.via),
                    line.name.clone(),
                    why(line.via).to_owned(),
                    line.all.to_string(),
                    line.answered.to_string(),
                    text(line.signed_at),
                ]
            })
            .collect(),
    };
    let signoffs = Table {
        name: "signoffs".into(),
        columns: columns(&["key", "reviewer", "at", "kept", "until", "removed", "unknown"]),
        rows: listing::signoffs(db, id)?
            .into_iter()
            .map(|(person, name, at, counts)| {
                let mut row = vec![person.to_string(), name, text(Some(at))];
                row.extend(counts.map(|n| n.to_string()));
                row
            })
            .collect(),
    };
    let counts = listing::counts(db, id)?;
    let software = format!("Keyholder {}", env!("CARGO_PKG_VERSION"));
    let about = serde_json::json!({
        "review": instance.name,
        "instance": id.to_string(),
        "number": instance.number,
        "organization": cx.site.organization,
        "software": software,
        "state": instance.state.as_str(),
        "snapshot_taken_at": text(Some(instance.starts_at)),
        "opened_at": text(instance.opened_at),
        "due_at": text(Some(instance.due_at)),
        "closed_at": text(instance.closed_at),
        "completed_at": text(instance.completed_at),
        "source_count": instance.source_count,
        "snapshot_count": instance.item_count,
        "items_in_this_pack": items.rows.len(),
        "terms": instance.terms,
        "silence_confirmed_as": instance.confirmed.map(|silence| silence.as_str()),
        "reads": reads::sentences(&instance.terms),
    });
    let summary = Summary {
        name: instance.name.clone(),
        run: ordinal(instance.number),
        organization: cx.site.organization.clone(),
        software: software.clone(),
        made: When::at(now, now, zone),
        started: When::at(instance.starts_at, now, zone),
        closed: instance.closed_at.map(|at| When::at(at, now, zone)),
        state: instance.state.label(),
        reads: reads::sentences(&instance.terms),
        source: instance.source_count.unwrap_or_default(),
        items: instance.item_count,
        counts,
        reviewers: lines
            .iter()
            .map(|line| {
                let signed = line.signed_at.map(|at| When::at(at, now, zone).absolute);
                (line.name.clone(), why(line.via).to_owned(), line.all, signed.unwrap_or_default())
            })
            .collect(),
        removals: items
            .rows
            .iter()
            .filter(|row| row[ANSWER] == "remove" || !row[APPLY].is_empty())
            .map(|row| (row[1].clone(), row[2].clone(), row[OUTCOME].clone(), row[APPLIED].clone()))
            .collect(),
    };
    let summary = summary.render().map_err(|error| Error::Broken(error.into()))?;
    let file = |name: &str, bytes: Vec<u8>| Attachment { name: name.into(), bytes };
    Ok(Pack {
        title: format!("{}, {}", instance.name, ordinal(instance.number)),
        made_at: text(Some(now)),
        software,
        tables: vec![items, answers, reviewers, signoffs],
        attachments: vec![
            file("summary.html", summary.into_bytes()),
            file("summary.css", STYLE.as_bytes().to_vec()),
            file("review.json", serde_json::to_vec_pretty(&about)?),
        ],
    })
}

const ITEMS: [&str; 36] = [
    "key",
    "access",
    "person",
    "department",
    "risk",
    "held_since",
    "held_until",
    "policy",
    "reason_of_request",
    "approved_by",
    "reviewers",
    "why_they",
    "peers",
    "changes",
    "last_answer",
    "recommendation",
    "recommendation_because",
    "answer",
    "answer_until",
    "answer_reason",
    "answered_by",
    "instead_of",
    "answered_at",
    "first_answer",
    "reply_of_person",
    "outcome",
    "removal_planned_for",
    "applied_at",
    "called_off_by",
    "together",
    "extended",
    "described_as",
    "removed_by_hand",
    "removed_by",
    "removed_by_hand_at",
    "given_by",
];
const ANSWER: usize = 17;
const OUTCOME: usize = 25;
const APPLY: usize = 26;
const APPLIED: usize = 27;
const ANSWERS: [&str; 11] = [
    "key",
    "item",
    "at",
    "by",
    "instead_of",
    "answer",
    "until",
    "reason",
    "passed_to",
    "recommendation_shown",
    "together",
];

fn columns(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn yes(on: bool) -> String {
    if on { "yes" } else { "no" }.to_owned()
}

fn why(via: Via) -> &'static str {
    match via {
        Via::Own => "their own access",
        Via::Manager => "manager of the person",
        Via::Named => "named by the review",
        Via::Owner => "owner of the catalog",
        Via::Fallback => "nobody else could",
        Via::Passed => "passed on to them",
    }
}

fn item_row(
    item: &Item,
    pool: Option<&store::Pool>,
    names: &Names,
    proof: Option<&store::rows::Proof>,
) -> Vec<String> {
    let context = &item.context;
    let reviewers: Vec<String> =
        pool.iter().flat_map(|pool| &pool.reviewers).map(|id| names.of(Some(*id))).collect();
    vec![
        item.id.to_string(),
        item.access_name.clone(),
        item.person_name.clone(),
        item.department.clone().unwrap_or_default(),
        item.risk.as_str().to_owned(),
        text(Some(item.since).filter(|_| !context.since_unknown)),
        text(item.ends_at),
        context.policy.clone(),
        context.reason.clone().unwrap_or_default(),
        context.approved_by.join("; "),
        reviewers.join("; "),
        pool.map(|pool| why(pool.via)).unwrap_or_default().to_owned(),
        // Figures under five people are hidden (E28).
        context
            .peers
            .filter(|peers| peers.of >= 5)
            .map(|peers| format!("{} of {}", peers.have, peers.of))
            .unwrap_or_default(),
        context.changes.join("; "),
        context
            .last
            .as_ref()
            .map(|last| format!("{} by {} at {}", last.answer, last.by, text(Some(last.at))))
            .unwrap_or_default(),
        item.recommendation.map(|answer| answer.as_str().to_owned()).unwrap_or_default(),
        context.advice.join(" "),
        item.answer.map(|answer| answer.as_str().to_owned()).unwrap_or_default(),
        text(item.until),
        item.note.clone().unwrap_or_default(),
        names.of(item.answered_by),
        names.of(item.answered_for),
        text(item.answered_at),
        item.first_answer.map(|answer| answer.as_str().to_owned()).unwrap_or_default(),
        item.reply.clone().unwrap_or_default(),
        item.outcome.map(outcome_words).unwrap_or_default().to_owned(),
        text(item.apply_at),
        text(item.applied_at),
        names.of(item.undone_by),
        yes(item.batch.is_some()),
        context.extended.to_string(),
        context.about.clone().unwrap_or_default(),
        proof.map(|(_, _, words, _)| words.clone()).unwrap_or_default(),
        proof.map(|(_, name, ..)| name.clone()).unwrap_or_default(),
        text(proof.map(|(.., at)| *at)),
        context.given_by.as_ref().map(|packages| given_by(packages)).unwrap_or_default(),
    ]
}

/// What gives here what a target system says.
fn given_by(packages: &[String]) -> String {
    if packages.is_empty() { "the target system alone".to_owned() } else { packages.join("; ") }
}

/// The names of everybody who stands in the pack.
#[derive(Default)]
struct Names(HashMap<PersonId, String>);

impl Names {
    fn read(&mut self, db: &mut Db, items: &[Item]) -> Result<()> {
        let ids =
            items.iter().flat_map(|item| [item.answered_by, item.answered_for, item.undone_by]);
        let ids: Vec<PersonId> = ids.flatten().collect();
        self.add(db, ids.into_iter())
    }

    fn add(&mut self, db: &mut Db, ids: impl Iterator<Item = PersonId>) -> Result<()> {
        let mut new: Vec<PersonId> = ids.filter(|id| !self.0.contains_key(id)).collect();
        new.sort_unstable();
        new.dedup();
        if !new.is_empty() {
            self.0.extend(directory::store::names(db, &new)?);
        }
        Ok(())
    }

    fn of(&self, id: Option<PersonId>) -> String {
        id.and_then(|id| self.0.get(&id).cloned()).unwrap_or_default()
    }
}
