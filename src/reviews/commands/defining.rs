//! A review is set up, changed and ended.

use crate::access::{ManageReview, Permit};
use crate::catalogs;
use crate::db::Tx;
use crate::error::{Error, FieldError, Refusal, Result};
use crate::kernel::text::folded;
use crate::kernel::{About, CatalogId, Fact, ReviewId, Ts};
use crate::reviews::model::{
    DAYS_MAX, Review, Reviewers, Rhythm, STAGES_MAX, Scope, Source, Terms,
};
use crate::reviews::store::rows::{self, NewRow};
use crate::reviews::store::writes;
use crate::reviews::{reads, rules, store};

/// The longest name, in characters.
const NAME_MAX: usize = 120;

/// The longest words for reviewers, in characters.
const WORDS_MAX: usize = 1_000;

/// What a new review needs.
#[derive(Clone, Debug)]
pub struct NewReview {
    /// Its id.
    pub id: ReviewId,
    /// Its name.
    pub name: String,
    /// Whose owners look after it; none for administrators.
    pub catalog: Option<CatalogId>,
    /// What it says.
    pub terms: Terms,
    /// The lines of the list that it is about, where one is put in with it.
    pub rows: Vec<NewRow>,
}

/// Sets up a review. Sent twice with the same id it is done once.
///
/// # Errors
/// `Invalid` by field; `Missing` where the permit is for another catalog.
pub fn create(tx: &mut Tx<'_>, permit: &Permit<ManageReview>, new: &NewReview) -> Result<Review> {
    allowed(permit, new.catalog)?;
    let by = tx.actor().id().ok_or(Error::Missing)?;
    match store::review(tx.db(), new.id) {
        Ok(there) if there.name == new.name && there.terms == new.terms => return Ok(there),
        Ok(there) if there.created_by == by => {
            return Err(Error::refused(
                "This review is there already",
                "Nothing was saved now. Open it from the list of reviews, and change it there.",
            ));
        }
        Ok(_) => return Err(Error::Missing),
        Err(Error::Missing) => {}
        Err(error) => return Err(error),
    }
    check(tx, None, new)?;
    let (now, zone) = (tx.now(), tx.zone());
    let review = Review {
        id: new.id,
        name: new.name.clone(),
        catalog: new.catalog,
        terms: new.terms.clone(),
        number: 0,
        next_at: Some(zone.start_of(new.terms.first)),
        ended_at: None,
        rev: 1,
        created_at: now,
        created_by: by,
    };
    writes::insert(tx, &review, new.terms.scope.policy.as_ref().map(|policy| policy.id))?;
    if let Source::List { list, .. } = new.terms.scope.source {
        rows::insert(tx, (list, new.id), &new.rows)?;
    }
    let reads = reads::sentences(&new.terms);
    tx.record(&Fact::ReviewCreated { review: new.name.clone(), reads }, about(new.catalog, new))?;
    Ok(review)
}

/// Says what is wrong with a review before it is saved, and how much it would hold if it started now; none where a target
/// system says it only then.
///
/// # Errors
/// `Invalid` by field.
pub fn rehearse(tx: &mut Tx<'_>, changes: bool, new: &NewReview) -> Result<Option<i64>> {
    let there = if changes { Some(store::review(tx.db(), new.id)?) } else { None };
    check(tx, there.as_ref(), new)?;
    let now = tx.now();
    match new.terms.scope.source {
        Source::List { rows, .. } => Ok(Some(rows)),
        Source::Assignments => {
            store::snapshot::source_count(tx.db(), &new.terms.scope, now).map(Some)
        }
        Source::Resource { .. } => Ok(None),
    }
}

/// Changes what a review says from its next instance on. `rev` is the revision that was shown.
///
/// # Errors
/// `Invalid` by field; `Refused` when it has ended or somebody else has changed it meanwhile.
pub fn change(
    tx: &mut Tx<'_>,
    permit: &Permit<ManageReview>,
    new: &NewReview,
    rev: i64,
) -> Result<Review> {
    let there = store::review(tx.db(), new.id)?;
    allowed(permit, there.catalog)?;
    if there.name == new.name && there.terms == new.terms {
        return Ok(there);
    }
    if there.ended_at.is_some() {
        return Err(over());
    }
    if there.rev != rev {
        return Err(Error::refused(
            "Somebody else has changed this review",
            "Nothing of yours was saved. Look at what it says now, and change it again.",
        ));
    }
    check(tx, Some(&there), new)?;
    // What it is about stays what it is; only a newer list comes in the place of an older one.
    match (&there.terms.scope.source, &new.terms.scope.source) {
        (Source::Assignments, Source::Assignments) => {}
        (Source::Resource { resource: old, .. }, Source::Resource { resource, .. })
            if old.id == resource.id => {}
        // What was put in once never changes.
        (Source::List { list: old, .. }, Source::List { list, .. }) if old == list => {
            if there.terms.scope.source != new.terms.scope.source {
                return Err(Error::Missing);
            }
        }
        (Source::List { list: old, .. }, Source::List { list, .. }) => {
            rows::insert(tx, (*list, new.id), &new.rows)?;
            if there.number == 0 {
                rows::delete(tx, *old)?;
            }
        }
        _ => return Err(Error::Missing),
    }
    let zone = tx.zone();
    let next = next_at(tx, &there, &new.terms);
    writes::save(tx, &there, &new.name, &new.terms, next.map(|day| zone.start_of(day)))?;
    let reads = reads::sentences(&new.terms);
    tx.record(&Fact::ReviewChanged { review: new.name.clone(), reads }, about(there.catalog, new))?;
    store::review(tx.db(), new.id)
}

/// When the changed review starts next: what has started already does not start again.
fn next_at(tx: &Tx<'_>, there: &Review, terms: &Terms) -> Option<chrono::NaiveDate> {
    let today = tx.zone().date(tx.now());
    let yesterday = today.pred_opt().unwrap_or(today);
    match there.number {
        0 => Some(terms.first),
        _ => {
            let due = there.next_at.is_some_and(|at| at <= tx.now());
            rules::next_start(terms, if due { yesterday } else { today })
        }
    }
}

/// Ends a review: no instance starts any more; one that runs goes on.
///
/// # Errors
/// `Refused` when it has ended.
pub fn end(tx: &mut Tx<'_>, permit: &Permit<ManageReview>, id: ReviewId) -> Result<()> {
    let there = store::review(tx.db(), id)?;
    allowed(permit, there.catalog)?;
    if there.ended_at.is_some() {
        return Err(over());
    }
    writes::end(tx, &there)?;
    tx.record(&Fact::ReviewEnded { review: there.name }, About::nothing())
}

/// Lets the next instance start now: after one that could not start, or out of turn.
///
/// # Errors
/// `Refused` when it has ended, or an instance runs.
pub fn start_now(tx: &mut Tx<'_>, permit: &Permit<ManageReview>, id: ReviewId) -> Result<()> {
    let there = store::review(tx.db(), id)?;
    allowed(permit, there.catalog)?;
    if there.ended_at.is_some() {
        return Err(over());
    }
    let runs = store::instances_of(tx.db(), id, 1)?.into_iter().any(|one| one.state.runs());
    if runs {
        return Err(Error::refused(
            "This review runs already",
            "The next one can start when the one that runs is closed.",
        ));
    }
    let now: Ts = tx.now();
    writes::save(tx, &there, &there.name, &there.terms, Some(now))
}

fn over() -> Error {
    Refusal::new("This review has ended", "Nothing was changed. Set up a new one.").into()
}

fn allowed(permit: &Permit<ManageReview>, catalog: Option<CatalogId>) -> Result<()> {
    let about = catalog.map_or(uuid::Uuid::nil(), |id| id.0);
    if permit.about() == about { Ok(()) } else { Err(Error::Missing) }
}

fn about(catalog: Option<CatalogId>, new: &NewReview) -> About {
    match (catalog, &new.terms.scope.catalog) {
        (Some(id), Some(named)) if named.id == id => {
            About::nothing().catalog(id, named.name.clone())
        }
        _ => About::nothing(),
    }
}

fn check(tx: &mut Tx<'_>, there: Option<&Review>, new: &NewReview) -> Result<()> {
    let mut errors = Vec::new();
    let mut wrong = |field: &str, words: &str| errors.push(FieldError::new(field, words));
    if new.name.is_empty() {
        wrong("name", "Write a name, such as Finance access, every quarter");
    } else if new.name.chars().count() > NAME_MAX {
        wrong("name", "Write at most 120 characters");
    }
    let today = tx.zone().date(tx.now());
    let started = there.is_some_and(|review| review.number > 0);
    if new.terms.first < today && !started {
        wrong("first", "Choose a first day that is not over");
    }
    if new.terms.words.chars().count() > WORDS_MAX {
        wrong("words", "Write at most 1,000 characters");
    }
    let most = rules::most_days(new.terms.rhythm).min(DAYS_MAX);
    if new.terms.days < 1 || new.terms.days > most {
        wrong("days", &format!("Write a number of days from 1 to {most}"));
    }
    let nobody = |reviewers: &Reviewers| matches!(reviewers, Reviewers::Named { people, groups } if people.is_empty() && groups.is_empty());
    if nobody(&new.terms.reviewers) {
        wrong("people", "Name somebody who reviews, or a group");
    }
    for (number, stage) in (2..).zip(&new.terms.then) {
        if nobody(&stage.reviewers) {
            wrong(
                &format!("people{number}"),
                "Name somebody who reviews in this stage, or a group",
            );
        }
        if stage.reviewers == Reviewers::Own {
            wrong(
                &format!("reviewers{number}"),
                "Everybody can answer for themselves in the first stage only",
            );
        }
        if stage.days < 1 {
            wrong(&format!("days{number}"), "Write a number of days from 1 on");
        }
    }
    if new.terms.then.len() >= STAGES_MAX {
        return Err(Error::Missing);
    }
    if !new.terms.then.is_empty() {
        if new.terms.all_days() > most {
            wrong("days", &format!("All stages together may take at most {most} days"));
        }
        if new.terms.at_once {
            wrong("at_once", "With several stages removals count at the end: leave this out");
        }
    }
    let mut all = new.terms.then.iter().map(|stage| &stage.reviewers).chain([&new.terms.reviewers]);
    if all.any(|reviewers| *reviewers == Reviewers::Manager) && new.terms.fallback.is_empty() {
        wrong("fallback", "Name somebody who reviews where no manager is known");
    }
    if new.catalog.is_some() && new.catalog != new.terms.scope.catalog.as_ref().map(|c| c.id) {
        return Err(Error::Missing);
    }
    if let Source::List { rows, .. } = new.terms.scope.source {
        let whole = Scope {
            source: new.terms.scope.source.clone(),
            catalog: new.terms.scope.catalog.clone(),
            ..Scope::default()
        };
        if new.terms.scope != whole {
            wrong("list", "A list is reviewed as it is: leave the other lines above empty");
        }
        if rows == 0 {
            wrong("list", "Nobody in the list is known here: there is nothing to review");
        }
        if new.terms.rhythm != Rhythm::Once {
            wrong("rhythm", "A list is as old as its day: choose once, and a new list next time");
        }
    }
    if let Source::Resource { resource, target } = &new.terms.scope.source {
        let named = catalogs::store::resource(tx.db(), resource.id)?;
        // Its catalog's owners look after it, whoever sets it up.
        if new.catalog != Some(named.catalog) || named.target != *target {
            return Err(Error::Missing);
        }
        if !new.terms.scope.packages.is_empty() || new.terms.scope.policy.is_some() {
            errors.push(FieldError::new(
                "packages",
                "A group or application is reviewed whatever gives it: leave this empty",
            ));
        }
        if named.roles.is_empty() {
            errors.push(FieldError::new("resource", "It has no role that anybody could have"));
        }
    }
    let taken = store::by_name(tx.db(), &folded(&new.name))?;
    if taken.is_some_and(|id| id != new.id) {
        errors.push(FieldError::new("name", "Another review has this name: choose another one"));
    }
    if errors.is_empty() { Ok(()) } else { Err(Error::Invalid(errors)) }
}
