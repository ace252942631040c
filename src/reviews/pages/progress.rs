//! How an instance stands, for those who look after it: who is how far, what was decided, what was removed, and what can be
//! done about it.

use askama::Template;

use super::answering::{outcome_words, stage_words};
use super::stopping::{self, Stop};
use super::{kept, ordinal, outcome_mark};
use crate::access::policy;
use crate::directory::store::meant;
use crate::error::{Error, FieldError, Result};
use crate::kernel::text::counted;
use crate::kernel::time::day;
use crate::kernel::{PersonId, ReviewId, ReviewInstanceId, ReviewItemId};
use crate::reviews::model::{Instance, Outcome, State, Via};
use crate::reviews::store::{self, listing};
use crate::reviews::{commands, reads};
use crate::web::page::Mark;
use crate::web::words::When;
use crate::web::{Cx, Form, Place, Reply, Shell};

/// As many reviewers and removals as the page names.
const NAMED: i64 = 200;

#[derive(Template)]
#[template(path = "reviews/progress.html")]
struct ProgressPage {
    shell: Shell,
    id: ReviewInstanceId,
    review: ReviewId,
    name: String,
    run: String,
    mark: Mark,
    state: State,
    stage: Option<String>,
    /// What the reader may end of it now.
    stops: Vec<Stop>,
    reads: Vec<String>,
    trouble: Option<String>,
    started: When,
    due: When,
    closed: Option<When>,
    completed: Option<When>,
    source: Option<i64>,
    items: i64,
    counts: listing::Counts,
    /// How long each part of the bar is: kept, until a day, removed, not known, open; in hundredths.
    bar: [i64; 5],
    reviewers: Vec<ReviewerRow>,
    removals: Vec<RemovalRow>,
    /// What somebody has to remove by hand.
    tasks: Vec<TaskRow>,
    /// Until when that must have happened not to count as failed.
    hand_days: i64,
    /// Who is in the list and known to nobody here, and what they hold.
    strangers: Vec<(String, String)>,
    left_out: i64,
    /// True where the reader runs it; auditors only read.
    runs: bool,
    /// True where the reader may confirm what silence removes.
    confirms: bool,
    by_silence: i64,
    form: Form,
}

struct ReviewerRow {
    id: PersonId,
    name: String,
    enabled: bool,
    why: &'static str,
    left: i64,
    all: i64,
    signed: Option<When>,
}

/// A removal by hand.
struct TaskRow {
    id: ReviewItemId,
    access: String,
    person: String,
    why: String,
    since: Option<When>,
    /// What was typed of the proof.
    proof: String,
    /// False where it is the reader's own access.
    mine: bool,
}

struct RemovalRow {
    id: ReviewItemId,
    access: String,
    person: String,
    outcome: &'static str,
    kind: &'static str,
    apply: Option<When>,
    undo: bool,
    /// Everything that is recorded of it, for those who read the log.
    log: Option<String>,
    /// Who removed it by hand, what they did, and when.
    proof: Option<(String, String, When)>,
}

pub(super) fn show(cx: &mut Cx) -> Result<Reply> {
    let form = cx.refill().unwrap_or_default();
    draw(cx, &form, &[])
}

fn draw(cx: &Cx, form: &Form, errors: &[FieldError]) -> Result<Reply> {
    let instance = kept(cx)?;
    let actor = cx.actor().ok_or(Error::Missing)?;
    let runs = policy::run_review(actor, &store::standing(&instance)).is_ok();
    let id = instance.id;
    let list = instance.list();
    let (counts, reviewers, removals, tasks, proofs, (strangers, left_out)) = cx.read(|db| {
        let removals = listing::removals_of(db, id, NAMED)?;
        let ids: Vec<ReviewItemId> = removals.iter().map(|item| item.id).collect();
        let proofs = store::rows::proofs(db, &ids)?;
        let strangers = match list {
            Some(list) => {
                (store::rows::strangers(db, list, NAMED)?, store::rows::unknown(db, list)?)
            }
            None => (vec![], 0),
        };
        Ok((
            listing::counts(db, id)?,
            listing::reviewers(db, id, NAMED)?,
            removals,
            listing::by_hand(db, id, None, NAMED)?,
            proofs,
            strangers,
        ))
    })?;
    let (now, zone) = (cx.now(), cx.zone());
    let when = |at| When::at(at, now, zone);
    let reads_log = cx.person()?.administrator || cx.person()?.auditor;
    let mut shell =
        cx.shell(format!("{}, how it stands – Reviews", instance.name), Place::Reviews)?;
    shell.errors = errors.iter().map(Into::into).collect();
    let reviewer = |line: listing::ReviewerLine| ReviewerRow {
        id: line.person,
        name: line.name,
        enabled: line.enabled,
        why: why(line.via),
        left: line.all - line.answered,
        all: line.all,
        signed: line.signed_at.map(when),
    };
    let removal = |item: crate::reviews::model::Item| {
        let outcome = item.outcome.unwrap_or(Outcome::Planned);
        let planned = outcome == Outcome::Planned;
        let log = reads_log.then(|| match item.assignment {
            Some(_) => format!("/audit?person={}&package={}", item.person, item.access),
            None => format!("/audit?person={}", item.person),
        });
        RemovalRow {
            log,
            id: item.id,
            undo: runs
                && planned
                && item.apply_at.is_some_and(|at| at > now)
                && actor.id() != Some(item.person),
            access: item.access_name,
            person: item.person_name,
            outcome: outcome_words(outcome),
            kind: match outcome {
                Outcome::Failed => "stop",
                Outcome::Removed => "ok",
                Outcome::Planned | Outcome::Removing => "warn",
                _ => "",
            },
            apply: item.apply_at.filter(|_| planned).map(when),
            proof: proofs
                .get(&item.id)
                .map(|(_, name, words, at)| (name.clone(), words.clone(), when(*at))),
        }
    };
    let task = |item: crate::reviews::model::Item| TaskRow {
        id: item.id,
        access: item.access_name,
        person: item.person_name,
        why: item.note.unwrap_or_default(),
        since: item.applied_at.map(when),
        proof: if form.raw("item") == item.id.to_string() {
            form.text("proof")
        } else {
            String::new()
        },
        mine: actor.id() != Some(item.person),
    };
    let shown = ProgressPage {
        id,
        review: instance.review,
        name: instance.name.clone(),
        run: ordinal(instance.number),
        mark: outcome_mark(instance.state, counts.failed),
        state: instance.state,
        stage: stage_words(&instance)
            .filter(|_| matches!(instance.state, State::Open | State::Between)),
        stops: if runs { Stop::of(&instance) } else { vec![] },
        reads: reads::sentences(&instance.terms),
        trouble: instance.trouble.clone(),
        started: when(instance.starts_at),
        due: When::end(instance.due_at, now, zone),
        closed: instance.closed_at.map(when),
        completed: instance.completed_at.map(when),
        source: instance.source_count,
        items: instance.item_count,
        bar: bar(&counts),
        by_silence: counts.by_silence(instance.silence()),
        counts,
        reviewers: reviewers.into_iter().map(reviewer).collect(),
        removals: removals.into_iter().map(removal).collect(),
        tasks: tasks.into_iter().map(task).collect(),
        hand_days: crate::reviews::rules::BY_HAND_DAYS,
        strangers,
        left_out,
        confirms: actor.is_administrator(),
        runs,
        form: form.clone(),
        shell,
    };
    Ok(Reply::page(&shown)?.status(if errors.is_empty() { 200 } else { 422 }))
}

fn why(via: Via) -> &'static str {
    match via {
        Via::Own => "for themselves",
        Via::Manager => "as manager",
        Via::Named => "named by the review",
        Via::Owner => "as owner of the catalog",
        Via::Fallback => "because nobody else could",
        Via::Passed => "because it was passed on",
    }
}

/// The parts of the bar, in a width of a thousand.
fn bar(counts: &listing::Counts) -> [i64; 5] {
    let all = (counts.answered + counts.silent).max(1);
    let part = |n: i64| n * 1_000 / all;
    [
        part(counts.kept),
        part(counts.shortened),
        part(counts.removed),
        part(counts.unknown),
        part(counts.silent),
    ]
}

/// What whoever looks after it does.
pub(super) fn act(cx: &mut Cx) -> Result<Reply> {
    let instance = kept(cx)?;
    let form = cx.form().clone();
    let back = format!("/reviews/{}/progress", instance.id);
    let act = cx.part("act").to_owned();
    if let Some(stop) = Stop::parse(&act) {
        return stopping::act(cx, stop);
    }
    if instance.state != State::Open && matches!(act.as_str(), "extend" | "hand-over") {
        return Err(commands::not_open());
    }
    let done = match act.as_str() {
        "remind" => run(cx, &instance, |tx, permit| {
            let told = commands::remind_now(tx, permit)?;
            Ok(if told {
                ("Reminded.", "Everybody with open items gets a notice.".to_owned())
            } else {
                ("Nobody is reminded.", "Everything is answered.".to_owned())
            })
        }),
        "extend" => {
            let Some(until) = day(&form.line("until")) else {
                let error = FieldError::new("until", "Choose a day, as year-month-day");
                return draw(cx, &form, &[error]);
            };
            run(cx, &instance, move |tx, permit| {
                commands::extend(tx, permit, until)?;
                Ok(("Extended.", "The reviewers are told.".to_owned()))
            })
        }
        "hand-over" => {
            let Some(from) = PersonId::parse(form.raw("from")) else {
                let error = FieldError::new("from", "Choose whose items are handed over");
                return draw(cx, &form, &[error]);
            };
            let to = cx.read(|db| meant(db, "to", &form.line("to"), crate::reviews::NOBODY))?;
            let (to, name) = match to {
                Ok(found) => found,
                Err(error) => return draw(cx, &form, &[error]),
            };
            run(cx, &instance, move |tx, permit| {
                let n = commands::hand_over(tx, permit, from, to)?;
                let items = counted(n as i64, "item is", "items are");
                Ok(("Handed over.", format!("{items} with {name} now.")))
            })
        }
        "confirm" => {
            let remove = form.raw("remove") == "yes";
            run(cx, &instance, move |tx, permit| {
                commands::confirm(tx, permit, remove)?;
                Ok(("Confirmed.", "It is carried out now.".to_owned()))
            })
        }
        _ => return Err(Error::Missing),
    };
    match done {
        Ok((strong, text)) => Ok(Reply::see_other(back).notice(strong, text)),
        Err(Error::Invalid(errors)) => draw(cx, &form, &errors),
        Err(error) => Err(error),
    }
}

/// Somebody says what they removed by hand.
pub(super) fn prove(cx: &mut Cx) -> Result<Reply> {
    let instance = kept(cx)?;
    let item: ReviewItemId = cx.id("item")?;
    let mut form = cx.form().clone();
    form.set("item", item.to_string());
    let proof = form.text("proof");
    let done = run(cx, &instance, move |tx, permit| {
        let item = commands::prove(tx, permit, item, &proof)?;
        Ok(("Removed by hand.", format!("{} of {}.", item.access_name, item.person_name)))
    });
    match done {
        Ok((strong, text)) => {
            Ok(Reply::see_other(format!("/reviews/{}/progress", instance.id)).notice(strong, text))
        }
        Err(Error::Invalid(errors)) => {
            let named =
                |error: FieldError| FieldError::new(format!("{}-{item}", error.field), error.text);
            let errors: Vec<FieldError> = errors.into_iter().map(named).collect();
            draw(cx, &form, &errors)
        }
        Err(error) => Err(error),
    }
}

/// Does something that whoever looks after it may do; says what was done.
pub(super) fn run<F>(cx: &Cx, instance: &Instance, f: F) -> Result<(&'static str, String)>
where
    F: Fn(
            &mut crate::db::Tx<'_>,
            &crate::access::Permit<crate::access::RunReview>,
        ) -> Result<(&'static str, String)>
        + Send
        + Sync
        + 'static,
{
    let standing = store::standing(instance);
    cx.write(move |tx| {
        let permit = policy::run_review(tx.actor(), &standing)?;
        f(tx, &permit)
    })
}
