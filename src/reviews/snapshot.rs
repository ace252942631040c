//! How an instance starts: the snapshot is written in chunks by key range, each in a transaction of its own that says how
//! far it has come, so that whoever is interrupted goes on. It opens only if it matches what is held (D27).

use std::collections::{BTreeMap, HashMap};

use uuid::Uuid;

use super::model::{Instance, Review, Reviewers, Source, State, Terms, Via};
use super::store::rows::{self, Row};
pub use super::store::snapshot::Departments;
use super::store::snapshot::{self as source, Held};
use super::store::writes::{self, NewItem};
use super::{context, rules, store};
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::kernel::{
    About, AccessId, AssignmentId, CatalogId, Fact, PersonId, ResourceId, ReviewId,
    ReviewInstanceId, ReviewItemId, ReviewListId, ReviewPoolId, ReviewRowId, Risk,
};
use crate::requests::store::{administrators, owners};

/// As many assignments as one transaction takes.
pub const CHUNK: i64 = 500;

/// Makes the next instance of a review whose time has come. None where somebody was faster.
///
/// # Errors
/// `Stale` when it changed meanwhile.
pub fn begin(tx: &mut Tx<'_>, id: ReviewId) -> Result<Option<ReviewInstanceId>> {
    let review = store::review(tx.db(), id)?;
    let (now, zone) = (tx.now(), tx.zone());
    let Some(at) = review.next_at.filter(|at| *at <= now && review.ended_at.is_none()) else {
        return Ok(None);
    };
    if let Some(policy) = &review.terms.scope.policy
        && matches!(crate::policies::store::policy(tx.db(), policy.id), Err(Error::Missing))
    {
        // Nothing is held under a policy that is gone, and nothing will be.
        writes::end(tx, &review)?;
        tx.record(&Fact::ReviewEnded { review: review.name }, About::nothing())?;
        return Ok(None);
    }
    if let Source::Resource { resource, .. } = &review.terms.scope.source
        && is_gone(tx, &review, resource.id)?
    {
        writes::end(tx, &review)?;
        tx.record(&Fact::ReviewEnded { review: review.name }, About::nothing())?;
        return Ok(None);
    }
    // Nobody is asked about the same access twice at a time.
    if store::instances_of(tx.db(), id, 1)?.iter().any(|one| one.state.runs()) {
        return Ok(None);
    }
    // What was missed while nothing ran is left out: it starts once, now (E3).
    let next = rules::next_start(&review.terms, zone.date(now)).map(|day| zone.start_of(day));
    let instance = Instance {
        id: ReviewInstanceId::fresh(),
        review: id,
        number: review.number + 1,
        name: review.name.clone(),
        catalog: review.catalog,
        due_at: rules::due_at(at.max(now), review.terms.days, zone),
        terms: review.terms.clone(),
        state: State::Starting,
        stage: 1,
        starts_at: now,
        opened_at: None,
        source_count: None,
        item_count: 0,
        trouble: None,
        reached: None,
        remind_at: None,
        looked_at: now,
        closed_at: None,
        completed_at: None,
        confirmed: None,
        pace: None,
        rev: 1,
    };
    writes::count_start(tx, &review, next)?;
    writes::insert_instance(tx, &instance)?;
    Ok(Some(instance.id))
}

/// Has the resource left the catalog whose owners look after the review?
fn is_gone(tx: &mut Tx<'_>, review: &Review, id: ResourceId) -> Result<bool> {
    match crate::catalogs::store::resource(tx.db(), id) {
        Ok(there) => Ok(review.catalog.is_some_and(|catalog| catalog != there.catalog)),
        Err(Error::Missing) => Ok(true),
        Err(error) => Err(error),
    }
}

/// Writes the next chunk of the snapshot; opens the instance after the last one. False when nothing was left to do.
///
/// # Errors
/// `Stale` when somebody else writes it as well.
pub fn go_on(tx: &mut Tx<'_>, id: ReviewInstanceId, departments: &Departments) -> Result<bool> {
    let read = store::instance(tx.db(), id)?;
    // A target system is asked before the snapshot, by whoever works on that system.
    if read.state != State::Starting || read.is_unread() {
        return Ok(false);
    }
    let mut new = read.clone();
    let (drafts, last) = next(tx, &read, departments)?;
    let whole = i64::try_from(drafts.len()).unwrap_or(CHUNK) < CHUNK;
    new.reached = last.or(read.reached);
    match write(tx, &read, drafts)? {
        Ok(written) => new.item_count += written,
        Err(trouble) => return refuse(tx, &read, new, trouble).map(|()| true),
    }
    if !whole {
        writes::save_instance(tx, &read, &new)?;
        return Ok(true);
    }
    open(tx, (&read, departments), new).map(|()| true)
}

/// An item whose pool is not known yet, and the manager of its person.
type Draft = (NewItem, Option<PersonId>);

/// What comes next of the source, and how far that is.
fn next(
    tx: &mut Tx<'_>,
    read: &Instance,
    departments: &Departments,
) -> Result<(Vec<Draft>, Option<Uuid>)> {
    let (scope, after) = (&read.terms.scope, read.reached);
    if let Some(list) = read.list() {
        let after = after.map(ReviewRowId);
        let some = rows::held(tx.db(), (list, scope), after, CHUNK)?;
        let last = some.last().map(|row| row.id.0);
        return Ok((of_list(tx, read, some)?, last));
    }
    let after = after.map(AssignmentId);
    let some = source::held(tx.db(), scope, read.starts_at, after, CHUNK)?;
    let last = some.last().map(|held| held.assignment.0);
    Ok((of_assignments(tx, (read, departments), &some)?, last))
}

/// What was on its way when the snapshot was written, and has become visible since.
fn late(
    tx: &mut Tx<'_>,
    (read, departments): (&Instance, &Departments),
    list: Option<ReviewListId>,
) -> Result<Vec<Draft>> {
    let scope = &read.terms.scope;
    match list {
        Some(list) => {
            let some = rows::lacking(tx.db(), read.id, (list, scope), CHUNK)?;
            of_list(tx, read, some)
        }
        None => {
            let some = source::lacking(tx.db(), read.id, (scope, read.starts_at), CHUNK)?;
            of_assignments(tx, (read, departments), &some)
        }
    }
}

/// Brings the snapshot to what is held and counts both; says where they differ, if they do (D27). Between two statements
/// somebody may write what was on its way at the moment of the snapshot, so a difference is one if it stays the same.
fn reconcile(
    tx: &mut Tx<'_>,
    (read, departments): (&Instance, &Departments),
    new: &mut Instance,
) -> Result<Option<String>> {
    let (scope, at) = (&read.terms.scope, read.starts_at);
    let list = read.list();
    let mut before = None;
    loop {
        // What had ended is taken out, what had started is added.
        writes::delete_ended(tx, read.id, at)?;
        let late = late(tx, (read, departments), list)?;
        if let Err(trouble) = write(tx, read, late)? {
            return Ok(Some(trouble));
        }
        let source = match list {
            Some(list) => rows::source_count(tx.db(), list, scope)?,
            None => source::source_count(tx.db(), scope, at)?,
        };
        let items = source::item_count(tx.db(), read.id)?;
        (new.source_count, new.item_count) = (Some(source), items);
        if source == items {
            return Ok(None);
        }
        let trouble = difference(tx, (read, departments), new)?;
        if before.as_ref() == Some(&trouble) {
            return Ok(before);
        }
        before = Some(trouble);
    }
}

/// Compares with what is held, and lets the reviewers begin.
fn open(
    tx: &mut Tx<'_>,
    (read, departments): (&Instance, &Departments),
    mut new: Instance,
) -> Result<()> {
    if let Some(trouble) = reconcile(tx, (read, departments), &mut new)? {
        return refuse(tx, read, new, trouble);
    }
    let (now, zone) = (tx.now(), tx.zone());
    new.opened_at = Some(now);
    if new.item_count == 0 {
        // Nothing is held: there is nothing to ask, and the record says so.
        (new.state, new.closed_at, new.completed_at) = (State::Completed, Some(now), Some(now));
        writes::save_instance(tx, read, &new)?;
        let fact = Fact::ReviewCompleted { review: read.name.clone(), removed: 0, failed: 0 };
        return tx.record(&fact, about(read).due(read.starts_at));
    }
    new.state = State::Open;
    // Reviewers have their whole time, however long the snapshot took.
    new.due_at = rules::due_at(now, read.terms.days, zone);
    new.remind_at = rules::next_reminder(now, new.due_at, now, zone);
    writes::save_instance(tx, read, &new)?;
    let reviewers = store::reviewers_with_open(tx.db(), read.id)?;
    let fact = Fact::ReviewStarted {
        review: read.name.clone(),
        items: new.item_count,
        reviewers: i64::try_from(reviewers.len()).unwrap_or(i64::MAX),
        due: new.due_at,
    };
    tx.record(&fact, about(read).due(read.starts_at))
}

/// What an instance is about, for its facts.
pub(super) fn about(instance: &Instance) -> About {
    About::nothing().review(instance.id)
}

/// It does not start, and says why.
pub(super) fn refuse(
    tx: &mut Tx<'_>,
    read: &Instance,
    mut new: Instance,
    trouble: String,
) -> Result<()> {
    new.state = State::Refused;
    new.trouble = Some(trouble.clone());
    writes::save_instance(tx, read, &new)?;
    tx.record(&Fact::ReviewNotStarted { review: read.name.clone(), why: trouble }, about(read))
}

/// Names a row in which the snapshot and the source differ.
fn difference(
    tx: &mut Tx<'_>,
    (read, departments): (&Instance, &Departments),
    new: &Instance,
) -> Result<String> {
    let (scope, at) = (&read.terms.scope, read.starts_at);
    let counts = format!(
        "{} held, {} in the snapshot",
        new.source_count.unwrap_or_default(),
        new.item_count
    );
    let list = read.list();
    if let Some((row, _)) = late(tx, (read, departments), list)?.first() {
        return Ok(format!(
            "{counts}; {} of {} is missing in it",
            row.access_name, row.person_name
        ));
    }
    let surplus = match list {
        Some(list) => rows::surplus(tx.db(), read.id, list)?,
        None => source::surplus(tx.db(), read.id, (scope, at))?,
    };
    Ok(match surplus {
        Some((access, name)) => format!("{counts}; {access} of {name} does not belong in it"),
        None => counts,
    })
}

/// What assignments say, as items.
fn of_assignments(
    tx: &mut Tx<'_>,
    (instance, departments): (&Instance, &Departments),
    rows: &[Held],
) -> Result<Vec<Draft>> {
    if rows.is_empty() {
        return Ok(vec![]);
    }
    let around = source::around(tx.db(), rows, instance.starts_at, departments)?;
    let one = |row: &Held| {
        let (context, recommendation, changed) =
            context::of(row, &around, instance.terms.recommends, instance.starts_at);
        let risk = if row.high { Risk::High } else { Risk::Ordinary };
        let item = NewItem {
            id: ReviewItemId::fresh(),
            instance_id: instance.id,
            pool_id: ReviewPoolId(Uuid::nil()),
            assignment_id: Some(row.assignment),
            row_id: None,
            person_id: row.person,
            person_name: row.name.clone(),
            department: row.department.clone(),
            access_id: AccessId(row.package.0),
            access_name: row.package_name.clone(),
            catalog_id: Some(row.catalog),
            risk: risk.as_str(),
            since: row.since,
            ends_at: row.ends_at,
            request_id: row.request,
            context: serde_json::to_string(&context)?,
            recommendation: recommendation.map(super::model::Answer::as_str),
            changed,
            rev: 1,
        };
        Ok((item, row.manager))
    };
    rows.iter().map(one).collect()
}

/// What a list says, as items.
fn of_list(tx: &mut Tx<'_>, instance: &Instance, rows: Vec<Row>) -> Result<Vec<Draft>> {
    let last = rows::last(tx.db(), &rows, instance.starts_at)?;
    let one = |row: Row| {
        let last = row.role.and_then(|role| last.get(&(row.person, role)).cloned());
        let (context, recommendation, changed) =
            context::of_row(&row, last, instance.terms.recommends);
        let item = NewItem {
            id: ReviewItemId::fresh(),
            instance_id: instance.id,
            pool_id: ReviewPoolId(Uuid::nil()),
            assignment_id: None,
            row_id: Some(row.id),
            person_id: row.person,
            person_name: row.name,
            department: row.department,
            access_id: row.access,
            access_name: row.access_name,
            catalog_id: instance.catalog,
            risk: row.risk.as_str(),
            since: row.since.unwrap_or(instance.starts_at),
            ends_at: None,
            request_id: None,
            context: serde_json::to_string(&context)?,
            recommendation: recommendation.map(super::model::Answer::as_str),
            changed,
            rev: 1,
        };
        Ok((item, row.manager))
    };
    rows.into_iter().map(one).collect()
}

/// Writes items with their pools. Why not, where nobody can answer for one of them.
fn write(
    tx: &mut Tx<'_>,
    instance: &Instance,
    drafts: Vec<Draft>,
) -> Result<std::result::Result<i64, String>> {
    if drafts.is_empty() {
        return Ok(Ok(0));
    }
    let subjects: Vec<Subject> = drafts.iter().map(Subject::of).collect();
    let mut who = Resolver::read(tx, instance, &instance.terms, &subjects)?;
    let mut wanted: BTreeMap<String, (Via, Vec<PersonId>)> = BTreeMap::new();
    let mut keys = Vec::new();
    for ((item, _), subject) in drafts.iter().zip(&subjects) {
        let Some((key, via, people)) = who.of(tx, &instance.terms, subject)? else {
            let (access, name) = (&item.access_name, &item.person_name);
            return Ok(Err(format!("nobody can answer for {access} of {name}")));
        };
        keys.push(key.clone());
        wanted.entry(key).or_insert((via, people));
    }
    let wanted: Vec<(String, Via, Vec<PersonId>)> =
        wanted.into_iter().map(|(key, (via, people))| (key, via, people)).collect();
    let pools: HashMap<_, _> = writes::pools(tx, (instance.id, 1), &wanted)?.into_iter().collect();
    let mut items = Vec::new();
    for ((item, _), key) in drafts.into_iter().zip(keys) {
        let pool_id = *pools.get(&key).ok_or(Error::Stale)?;
        items.push(NewItem { pool_id, ..item });
    }
    writes::insert_items(tx, &items)?;
    Ok(Ok(i64::try_from(items.len()).unwrap_or(i64::MAX)))
}

/// Whose access it is, as far as it matters for who answers.
pub(super) struct Subject {
    pub(super) person: PersonId,
    pub(super) manager: Option<PersonId>,
    pub(super) catalog: Option<CatalogId>,
}

impl Subject {
    fn of((item, manager): &Draft) -> Self {
        Self { person: item.person_id, manager: *manager, catalog: item.catalog_id }
    }
}

/// Who can be asked: read once for a chunk.
pub(super) struct Resolver {
    /// Those of the managers, named people and fallbacks who are here.
    here: Vec<PersonId>,
    /// The members of named groups and named people who are here.
    named: Vec<PersonId>,
    fallback: Vec<PersonId>,
    /// Whoever set the review up, where no catalog has owners who could answer, and they are here.
    setter: Vec<PersonId>,
    owners: HashMap<CatalogId, Vec<PersonId>>,
    administrators: Option<Vec<PersonId>>,
}

impl Resolver {
    pub(super) fn read(
        tx: &mut Tx<'_>,
        instance: &Instance,
        terms: &Terms,
        rows: &[Subject],
    ) -> Result<Self> {
        let managers: Vec<PersonId> = match terms.reviewers {
            Reviewers::Manager => rows.iter().filter_map(|row| row.manager).collect(),
            Reviewers::Own => rows.iter().map(|row| row.person).collect(),
            Reviewers::Owners | Reviewers::Named { .. } => vec![],
        };
        let named = match &terms.reviewers {
            Reviewers::Named { people, groups } => {
                let people: Vec<PersonId> = people.iter().map(|person| person.id).collect();
                let groups: Vec<_> = groups.iter().map(|group| group.id).collect();
                source::able(tx.db(), &people, &groups)?
            }
            _ => vec![],
        };
        let fallback: Vec<PersonId> = terms.fallback.iter().map(|person| person.id).collect();
        let setter = match (&terms.scope.source, &terms.reviewers) {
            (Source::List { .. }, Reviewers::Owners) => {
                let by = store::review(tx.db(), instance.review)?.created_by;
                source::able(tx.db(), &[by], &[])?
            }
            _ => vec![],
        };
        Ok(Self {
            setter,
            here: source::able(tx.db(), &managers, &[])?,
            named,
            fallback: source::able(tx.db(), &fallback, &[])?,
            owners: HashMap::new(),
            administrators: None,
        })
    }

    /// Who answers for a row, and why they: never the person alone (D29). Where those whom the review asks are not
    /// there, the fallback, then the owners, then the administrators.
    pub(super) fn of(
        &mut self,
        tx: &mut Tx<'_>,
        terms: &Terms,
        row: &Subject,
    ) -> Result<Option<(String, Via, Vec<PersonId>)>> {
        let (person, catalog) = (row.person, row.catalog);
        let other = |people: &[PersonId]| people.iter().any(|id| *id != person);
        match terms.reviewers {
            Reviewers::Own if self.here.contains(&person) => {
                return Ok(Some((format!("self:{person}"), Via::Own, vec![person])));
            }
            Reviewers::Manager => {
                let able = |id: &PersonId| *id != person && self.here.contains(id);
                if let Some(manager) = row.manager.filter(able) {
                    return Ok(Some((format!("manager:{manager}"), Via::Manager, vec![manager])));
                }
            }
            Reviewers::Named { .. } if other(&self.named) => {
                return Ok(Some(("named".into(), Via::Named, self.named.clone())));
            }
            Reviewers::Owners if other(&self.setter) => {
                return Ok(Some(("setter".into(), Via::Named, self.setter.clone())));
            }
            Reviewers::Owners => {
                let owners = self.owners(tx, catalog)?;
                if let Some(catalog) = catalog.filter(|_| other(&owners)) {
                    return Ok(Some((format!("owner:{catalog}"), Via::Owner, owners)));
                }
            }
            Reviewers::Own | Reviewers::Named { .. } => {}
        }
        if other(&self.fallback) {
            return Ok(Some(("fallback".into(), Via::Fallback, self.fallback.clone())));
        }
        let owners = self.owners(tx, catalog)?;
        if let Some(catalog) = catalog.filter(|_| other(&owners)) {
            return Ok(Some((format!("fallback:{catalog}"), Via::Fallback, owners)));
        }
        let administrators = match &self.administrators {
            Some(all) => all.clone(),
            None => {
                let all: Vec<PersonId> =
                    administrators(tx.db())?.into_iter().map(|(id, _)| id).collect();
                self.administrators.insert(all).clone()
            }
        };
        Ok(other(&administrators)
            .then(|| ("fallback:administrators".to_owned(), Via::Fallback, administrators)))
    }

    fn owners(&mut self, tx: &mut Tx<'_>, catalog: Option<CatalogId>) -> Result<Vec<PersonId>> {
        let Some(catalog) = catalog else { return Ok(vec![]) };
        if let Some(all) = self.owners.get(&catalog) {
            return Ok(all.clone());
        }
        let all: Vec<PersonId> = owners(tx.db(), catalog)?.into_iter().map(|(id, _)| id).collect();
        self.owners.insert(catalog, all.clone());
        Ok(all)
    }
}
