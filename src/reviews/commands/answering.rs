//! The reviewer's part: answers, passing on, signing off; and the sentence of the person who is reviewed.

use chrono::NaiveDate;

use crate::access::policy::{self, ItemStanding};
use crate::access::{AnswerItem, Permit, ReplyItem};
use crate::db::{Tx, hold_review};
use crate::directory;
use crate::error::{Error, Refusal, Result};
use crate::kernel::{
    About, AnswerBatchId, AnswerId, Fact, PersonId, ReviewInstanceId, ReviewItemId, ReviewPoolId,
    Risk,
};
use crate::reviews::model::{Answer, Instance, Item, Outcome, State, Via};
use crate::reviews::store::Pool;
use crate::reviews::store::writes::{self, Given, NewAnswer, Signed};
use crate::reviews::{rules, store};

/// What a reviewer says.
#[derive(Clone, Debug)]
pub struct Says {
    /// The answer.
    pub answer: Answer,
    /// Until when it stays, where the answer says so.
    pub until: Option<NaiveDate>,
    /// Why.
    pub note: String,
}

/// What an answer did.
#[derive(Clone, Debug)]
pub struct Answered {
    /// The item as it was before.
    pub before: Item,
    /// Who had answered before, if it was somebody else: the last answer counts (D28).
    pub other: Option<String>,
    /// In whose place it was given (D34).
    pub instead_of: Option<String>,
}

/// Answers an item. The same answer once more changes nothing.
///
/// # Errors
/// `Invalid` on `note` and `until`; `Refused` when the instance is closed, or the access has ended.
pub fn answer(tx: &mut Tx<'_>, permit: &Permit<AnswerItem>, says: &Says) -> Result<Answered> {
    one(tx, permit, says, None)
}

fn one(
    tx: &mut Tx<'_>,
    permit: &Permit<AnswerItem>,
    says: &Says,
    batch: Option<AnswerBatchId>,
) -> Result<Answered> {
    let mut before = store::item(tx.db(), ReviewItemId(permit.about()))?;
    let instance = open(tx, before.instance)?;
    let zone = tx.zone();
    let (me, instead) = whose(tx, &before)?;
    let given = Given {
        answer: says.answer,
        until: says.until.filter(|_| says.answer == Answer::Until).map(|day| zone.end_of(day)),
        note: Some(says.note.clone()).filter(|words| !words.is_empty()),
        batch,
    };
    let other = match before.answered_by.filter(|by| *by != me) {
        Some(by) => Some(directory::store::person(tx.db(), by)?.name),
        None => None,
    };
    let same = before.answer == Some(given.answer)
        && before.until == given.until
        && before.note == given.note
        && before.answered_by == Some(me);
    let answered = Answered {
        other,
        instead_of: instead.as_ref().map(|(_, name)| name.clone()),
        before: before.clone(),
    };
    if same && batch.is_none() {
        return Ok(answered);
    }
    if before.outcome == Some(Outcome::Planned) && before.apply_at.is_some_and(|at| at > tx.now()) {
        // A removal that counts at once can be answered otherwise until it begins.
        super::closing::call_off(tx, &instance, &before)?;
        before = store::item(tx.db(), before.id)?;
    }
    still_held(&before)?;
    still_asked(tx, &before, &instance)?;
    let ends = before.ends_at.map(|at| zone.last_day(at).unwrap_or_else(|| zone.date(at)));
    let typed = (says.answer, says.until, says.note.as_str());
    let errors = rules::wrong(typed, (before.risk, ends), &instance.terms, zone.date(tx.now()));
    if !errors.is_empty() {
        return Err(Error::Invalid(errors));
    }
    if before.row.is_some() && says.answer == Answer::Until {
        let words = match &before.context.given_by {
            // The assignment has an end of its own, which a review of the packages sets.
            Some(packages) if !packages.is_empty() => {
                "No end can be set on a single right: keep it, or remove it and let it be requested again"
            }
            _ => "No end can be set here: keep it, or remove it",
        };
        return Err(Error::invalid("until", words));
    }
    writes::save_answer(tx, &before, &given, me, instead.as_ref().map(|(id, _)| *id))?;
    keep(tx, &before, &given, (me, instead.as_ref().map(|(id, _)| *id)), None)?;
    let fact = Fact::ReviewAnswered {
        review: instance.name.clone(),
        answer: given.answer.as_str().to_owned(),
        until: given.until,
        instead_of: instead.map(|(_, name)| name),
    };
    tx.record(&fact, about(&instance, &before).note(says.note.clone()))?;
    if given.answer == Answer::Unknown {
        ask_owner(tx, &instance, &before)?;
    }
    if instance.terms.at_once && given.answer == Answer::Remove {
        super::closing::plan_at_once(tx, &instance, before.id)?;
    }
    Ok(answered)
}

/// Answers many items alike, inside one group (D28): all of them or none.
///
/// # Errors
/// As [`answer`]; `Refused` where one of them is of high risk: those are answered one by one (D39).
pub fn answer_all(
    tx: &mut Tx<'_>,
    permits: &[Permit<AnswerItem>],
    says: &Says,
    batch: AnswerBatchId,
) -> Result<usize> {
    let mut access = None;
    for permit in permits {
        let item = store::item(tx.db(), ReviewItemId(permit.about()))?;
        if item.answer.is_some()
            || item.risk == Risk::High
            || item.changed
            || item.recommendation == Some(Answer::Remove)
        {
            return Err(Error::refused(
                "Not all of them can be answered together",
                "What is of high risk, has changed, stands out or is answered already is answered one by one.",
            ));
        }
        if *access.get_or_insert(item.access) != item.access {
            return Err(Error::refused(
                "Not all of them can be answered together",
                "Only what gives the same is answered together.",
            ));
        }
        one(tx, permit, says, Some(batch))?;
    }
    Ok(permits.len())
}

/// Takes a whole batch of answers back, as far as nobody has changed them since and they are still the actor's to give;
/// returns how many.
///
/// # Errors
/// `Refused` when the instance is closed.
pub fn clear_batch(tx: &mut Tx<'_>, id: ReviewInstanceId, batch: AnswerBatchId) -> Result<usize> {
    let instance = open(tx, id)?;
    let me = tx.actor().id().ok_or(Error::Missing)?;
    let items = store::listing::of_batch(tx.db(), (id, instance.stage), batch, me)?;
    let standings = store::standings(tx.db(), &items)?;
    // Who has lost the right to answer meanwhile has lost that of taking back.
    let may = |standing: &ItemStanding| policy::answer_item(tx.actor(), standing).is_ok();
    let items: Vec<Item> = items
        .into_iter()
        .zip(&standings)
        .filter_map(|(item, standing)| may(standing).then_some(item))
        .collect();
    for item in &items {
        writes::clear_answer(tx, item)?;
        let new = NewAnswer {
            id: AnswerId::fresh(),
            item_id: item.id,
            instance_id: id,
            at: tx.now(),
            person_id: me,
            instead_of: item.answered_for,
            answer: "cleared",
            until_at: None,
            note: None,
            passed_to: None,
            batch_id: Some(batch),
            advised: false,
        };
        writes::insert_answer(tx, &new)?;
        let fact = Fact::ReviewAnswerCleared { review: instance.name.clone() };
        tx.record(&fact, about(&instance, item))?;
    }
    Ok(items.len())
}

/// Hands an item on: *not mine* (D28). To anybody who is here, but never to the person who is reviewed (D29). Whoever
/// else was asked about it still is.
///
/// # Errors
/// `Invalid` on `to` and `note`; `Refused` when the instance is closed, everybody answers for themselves, or another
/// reviewer has answered already.
pub fn pass_on(
    tx: &mut Tx<'_>,
    permit: &Permit<AnswerItem>,
    to: PersonId,
    note: &str,
) -> Result<String> {
    let before = store::item(tx.db(), ReviewItemId(permit.about()))?;
    let instance = open(tx, before.instance)?;
    still_held(&before)?;
    still_asked(tx, &before, &instance)?;
    let standing = standing(tx, &before)?;
    if standing.own {
        return Err(Error::refused(
            "This cannot be passed on",
            "Everybody answers for their own access in this review.",
        ));
    }
    if note.is_empty() {
        return Err(Error::invalid("note", "Write why it is not yours: the other one reads it"));
    }
    if note.chars().count() > rules::NOTE_MAX {
        return Err(Error::invalid("note", "Write at most 2,000 characters"));
    }
    let person = directory::store::person(tx.db(), to)?;
    let auditor = person.auditor && !person.administrator;
    let (me, instead) = whose(tx, &before)?;
    let gone = instead.as_ref().map_or(me, |(id, _)| *id);
    if !person.enabled || [before.person, gone, me].contains(&to) || auditor {
        return Err(Error::invalid("to", super::super::NOBODY));
    }
    let by = before.answered_by.filter(|by| before.answer.is_some() && *by != me && *by != gone);
    if let Some(by) = by.filter(|_| before.answered_for != Some(gone)) {
        return Err(Error::refused(
            "It has been answered meanwhile",
            format!(
                "{} has answered it. Nothing was passed on; you can still answer otherwise.",
                directory::store::person(tx.db(), by)?.name
            ),
        ));
    }
    let pools = store::pools(tx.db(), &[before.pool])?;
    let pool = pools.first().ok_or(Error::Missing)?;
    let pool = instead_of(tx, &instance, pool, gone, to)?;
    writes::save_pool(tx, &before, pool, &before.context)?;
    let given =
        Given { answer: Answer::Unknown, until: None, note: Some(note.to_owned()), batch: None };
    keep(tx, &before, &given, (me, instead.as_ref().map(|(id, _)| *id)), Some(to))?;
    let fact = Fact::ReviewPassedOn {
        review: instance.name.clone(),
        to: person.name.clone(),
        instead_of: instead.map(|(_, name)| name),
    };
    tx.record(&fact, about(&instance, &before).note(note))?;
    Ok(person.name)
}

/// The pool in which somebody has taken the place of one reviewer, and the others stay.
pub(super) fn instead_of(
    tx: &mut Tx<'_>,
    instance: &Instance,
    pool: &Pool,
    gone: PersonId,
    to: PersonId,
) -> Result<ReviewPoolId> {
    let others = pool.reviewers.iter().copied().filter(|one| *one != gone && *one != to);
    let people: Vec<PersonId> = others.chain([to]).collect();
    let key = match people.len() {
        1 => format!("passed:{to}"),
        _ => format!("passed:{}:{gone}:{to}", pool.id),
    };
    let at = (instance.id, instance.stage);
    let pools = writes::pools(tx, at, &[(key, Via::Passed, people)])?;
    Ok(pools.first().ok_or(Error::Stale)?.1)
}

/// The person who is reviewed says something about it, before it is answered.
///
/// # Errors
/// `Invalid` on `words`; `Refused` after an answer, or when the instance is closed.
pub fn reply(tx: &mut Tx<'_>, permit: &Permit<ReplyItem>, words: &str) -> Result<()> {
    let item = store::item(tx.db(), ReviewItemId(permit.about()))?;
    let instance = open(tx, item.instance)?;
    if item.answer.is_some() || item.outcome.is_some() {
        return Err(Error::refused(
            "It has been answered already",
            "What you say now would not be read. Talk to the reviewer.",
        ));
    }
    if words.is_empty() {
        return Err(Error::invalid("words", "Write what the reviewer should know"));
    }
    if words.chars().count() > rules::REPLY_MAX {
        return Err(Error::invalid("words", "Write at most 500 characters"));
    }
    if item.reply.as_deref() == Some(words) {
        return Ok(());
    }
    writes::save_reply(tx, &item, words)?;
    let fact = Fact::ReviewReplied { review: instance.name.clone() };
    tx.record(&fact, about(&instance, &item).note(words))
}

/// A reviewer says that they are done. Once more it is signed with what they answered since.
///
/// # Errors
/// `Refused` while items wait for them, or when the instance is closed.
pub fn sign_off(tx: &mut Tx<'_>, id: ReviewInstanceId) -> Result<()> {
    let instance = open(tx, id)?;
    let me = tx.actor().enabled_person().cloned().ok_or(Error::Missing)?;
    let left = store::listing::left(tx.db(), &me, id)?;
    if left > 0 {
        let items = crate::kernel::text::counted(left, "item waits", "items wait");
        return Err(Error::refused(
            "Not everything is answered",
            format!("{items} for an answer of yours. Nothing was signed."),
        ));
    }
    let counts = store::listing::answered_by(tx.db(), id, me.id)?;
    let signed = Signed {
        kept: counts.kept,
        removed: counts.removed,
        shortened: counts.shortened,
        unknown: counts.unknown,
    };
    if signed == Signed::default() {
        return Err(Error::Missing);
    }
    writes::save_signoff(tx, id, me.id, signed)?;
    let fact = Fact::ReviewSignedOff {
        review: instance.name.clone(),
        kept: signed.kept,
        shortened: signed.shortened,
        removed: signed.removed,
        unknown: signed.unknown,
    };
    tx.record(&fact, About::nothing().review(id))
}

/// The instance, held open until this transaction is done.
fn open(tx: &mut Tx<'_>, id: ReviewInstanceId) -> Result<Instance> {
    hold_review(tx, id)?;
    let instance = store::instance(tx.db(), id)?;
    if instance.state == State::Open && tx.now() < instance.due_at {
        return Ok(instance);
    }
    Err(Refusal::new("This review is closed", "Answers no longer count. What you typed is below.")
        .into())
}

fn still_held(item: &Item) -> Result<()> {
    if item.outcome.is_none() {
        return Ok(());
    }
    Err(Error::refused(
        "There is nothing left to answer",
        format!(
            "{} of {} has ended, or its removal has begun.",
            item.access_name, item.person_name
        ),
    ))
}

/// What did not go on to the stage that is open was decided in an earlier one.
fn still_asked(tx: &mut Tx<'_>, item: &Item, instance: &Instance) -> Result<()> {
    let pools = store::pools(tx.db(), &[item.pool])?;
    if pools.iter().any(|pool| pool.stage == instance.stage) {
        return Ok(());
    }
    Err(Error::refused(
        "An earlier stage has decided this",
        "Only what went on to the stage that is open now can be answered.",
    ))
}

fn standing(tx: &mut Tx<'_>, item: &Item) -> Result<ItemStanding> {
    store::standings(tx.db(), std::slice::from_ref(item))?.pop().ok_or(Error::Missing)
}

/// Who answers, and in whose place. The permit was given for this item in this transaction.
fn whose(tx: &mut Tx<'_>, item: &Item) -> Result<(PersonId, Option<(PersonId, String)>)> {
    let standing = standing(tx, item)?;
    let me = tx.actor().enabled_person().ok_or(Error::Missing)?;
    if standing.reviewers.contains(&me.id) {
        return Ok((me.id, None));
    }
    let stands = policy::reviews_for(me, &standing).ok_or(Error::Missing)?;
    Ok((me.id, Some((stands.person, stands.name.clone()))))
}

/// Keeps what was said for ever (D28).
fn keep(
    tx: &mut Tx<'_>,
    item: &Item,
    given: &Given,
    (me, instead_of): (PersonId, Option<PersonId>),
    passed_to: Option<PersonId>,
) -> Result<()> {
    // The recommendation for what is of high risk opens only after a first answer.
    let advised =
        item.recommendation.is_some() && (item.risk != Risk::High || item.first_answer.is_some());
    let new = NewAnswer {
        id: AnswerId::fresh(),
        item_id: item.id,
        instance_id: item.instance,
        at: tx.now(),
        person_id: me,
        instead_of,
        answer: if passed_to.is_some() { "passed" } else { given.answer.as_str() },
        until_at: given.until,
        note: given.note.clone(),
        passed_to,
        batch_id: given.batch,
        advised,
    };
    writes::insert_answer(tx, &new)
}

/// What a fact about an item is about.
pub(super) fn about(instance: &Instance, item: &Item) -> About {
    let mut about =
        About::nothing().review(instance.id).person(item.person, item.person_name.clone());
    if let Some(package) = item.package {
        about = about.package(package, item.access_name.clone());
    } else {
        about = about.resource(item.access_name.clone());
    }
    if let Some(request) = item.assignment {
        about = about.assignment(request);
    }
    about
}

/// The owner describes the package better: it counts against the package, not against the reviewer.
fn ask_owner(tx: &mut Tx<'_>, instance: &Instance, item: &Item) -> Result<()> {
    let Some(package) = item.package else { return Ok(()) };
    if writes::ask_description(tx, package, instance.id)? {
        let about = About::nothing().review(instance.id).package(package, item.access_name.clone());
        tx.record(&Fact::DescriptionAsked { review: instance.name.clone() }, about)?;
    }
    Ok(())
}
