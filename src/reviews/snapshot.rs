//! How an instance starts: the snapshot is written in chunks by key range, each in a transaction of its own that says how
//! far it has come, so that whoever is interrupted goes on. It opens only if it matches what is held (D27).

use std::collections::{BTreeMap, HashMap};

use super::model::{Instance, Reviewers, State, Terms, Via};
use super::store::snapshot::{self as source, Held};
use super::store::writes::{self, NewItem};
use super::{context, rules, store};
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::kernel::{
    About, AssignmentId, CatalogId, Fact, PersonId, ReviewId, ReviewInstanceId, ReviewItemId, Risk,
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

/// Writes the next chunk of the snapshot; opens the instance after the last one. False when nothing was left to do.
///
/// # Errors
/// `Stale` when somebody else writes it as well.
pub fn go_on(tx: &mut Tx<'_>, id: ReviewInstanceId) -> Result<bool> {
    let read = store::instance(tx.db(), id)?;
    if read.state != State::Starting {
        return Ok(false);
    }
    let after = read.reached.map(AssignmentId);
    let rows = source::held(tx.db(), &read.terms.scope, read.starts_at, after, CHUNK)?;
    let mut new = read.clone();
    let whole = i64::try_from(rows.len()).unwrap_or(CHUNK) < CHUNK;
    if let Some(last) = rows.last() {
        new.reached = Some(last.assignment.0);
    }
    match write(tx, &read, &rows)? {
        Ok(written) => new.item_count += written,
        Err(trouble) => return refuse(tx, &read, new, trouble).map(|()| true),
    }
    if !whole {
        writes::save_instance(tx, &read, &new)?;
        return Ok(true);
    }
    open(tx, &read, new).map(|()| true)
}

/// Compares with what is held, and lets the reviewers begin.
fn open(tx: &mut Tx<'_>, read: &Instance, mut new: Instance) -> Result<()> {
    let (scope, at) = (&read.terms.scope, read.starts_at);
    // What was on its way when the snapshot was written, and has become visible since: what had ended is taken out,
    // what had started is added.
    writes::delete_ended(tx, read.id, at)?;
    let late = source::lacking(tx.db(), read.id, (scope, at), CHUNK)?;
    if let Err(trouble) = write(tx, read, &late)? {
        return refuse(tx, read, new, trouble);
    }
    new.source_count = Some(source::source_count(tx.db(), scope, at)?);
    new.item_count = source::item_count(tx.db(), read.id)?;
    if new.source_count != Some(new.item_count) {
        let trouble = difference(tx, read, &new)?;
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

fn refuse(tx: &mut Tx<'_>, read: &Instance, mut new: Instance, trouble: String) -> Result<()> {
    new.state = State::Refused;
    new.trouble = Some(trouble.clone());
    writes::save_instance(tx, read, &new)?;
    tx.record(&Fact::ReviewNotStarted { review: read.name.clone(), why: trouble }, about(read))
}

/// Names a row in which the snapshot and the source differ.
fn difference(tx: &mut Tx<'_>, read: &Instance, new: &Instance) -> Result<String> {
    let (scope, at) = (&read.terms.scope, read.starts_at);
    let counts = format!(
        "{} held, {} in the snapshot",
        new.source_count.unwrap_or_default(),
        new.item_count
    );
    let missing = source::lacking(tx.db(), read.id, (scope, at), 1)?;
    if let Some(row) = missing.first() {
        return Ok(format!("{counts}; {} of {} is missing in it", row.package_name, row.name));
    }
    let surplus = source::surplus(tx.db(), read.id, (scope, at))?;
    Ok(match surplus {
        Some((access, name)) => format!("{counts}; {access} of {name} does not belong in it"),
        None => counts,
    })
}

/// Writes items with their pools. Why not, where nobody can answer for one of them.
fn write(
    tx: &mut Tx<'_>,
    instance: &Instance,
    rows: &[Held],
) -> Result<std::result::Result<i64, String>> {
    if rows.is_empty() {
        return Ok(Ok(0));
    }
    let terms = &instance.terms;
    let around = source::around(tx.db(), rows, instance.starts_at)?;
    let mut who = Resolver::read(tx, terms, &rows.iter().map(Subject::of).collect::<Vec<_>>())?;
    let mut wanted: BTreeMap<String, (Via, Vec<PersonId>)> = BTreeMap::new();
    let mut keys = Vec::new();
    for row in rows {
        let Some((key, via, people)) = who.of(tx, terms, &Subject::of(row))? else {
            return Ok(Err(format!("nobody can answer for {} of {}", row.package_name, row.name)));
        };
        keys.push(key.clone());
        wanted.entry(key).or_insert((via, people));
    }
    let wanted: Vec<(String, Via, Vec<PersonId>)> =
        wanted.into_iter().map(|(key, (via, people))| (key, via, people)).collect();
    let pools: HashMap<_, _> = writes::pools(tx, (instance.id, 1), &wanted)?.into_iter().collect();
    let mut items = Vec::new();
    for (row, key) in rows.iter().zip(keys) {
        let pool_id = *pools.get(&key).ok_or(Error::Stale)?;
        let (context, recommendation, changed) =
            context::of(row, &around, terms.recommends, instance.starts_at);
        let risk = if row.high { Risk::High } else { Risk::Ordinary };
        items.push(NewItem {
            id: ReviewItemId::fresh(),
            instance_id: instance.id,
            pool_id,
            assignment_id: Some(row.assignment),
            person_id: row.person,
            person_name: row.name.clone(),
            department: row.department.clone(),
            package_id: Some(row.package),
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
        });
    }
    writes::insert_items(tx, &items)?;
    Ok(Ok(i64::try_from(items.len()).unwrap_or(i64::MAX)))
}

/// Whose access it is, as far as it matters for who answers.
pub(super) struct Subject {
    pub(super) person: PersonId,
    pub(super) manager: Option<PersonId>,
    pub(super) catalog: CatalogId,
}

impl Subject {
    fn of(row: &Held) -> Self {
        Self { person: row.person, manager: row.manager, catalog: row.catalog }
    }
}

/// Who can be asked: read once for a chunk.
pub(super) struct Resolver {
    /// Those of the managers, named people and fallbacks who are here.
    here: Vec<PersonId>,
    /// The members of named groups and named people who are here.
    named: Vec<PersonId>,
    fallback: Vec<PersonId>,
    owners: HashMap<CatalogId, Vec<PersonId>>,
    administrators: Option<Vec<PersonId>>,
}

impl Resolver {
    pub(super) fn read(tx: &mut Tx<'_>, terms: &Terms, rows: &[Subject]) -> Result<Self> {
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
        Ok(Self {
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
        let other = |people: &[PersonId]| people.iter().any(|id| *id != row.person);
        match terms.reviewers {
            Reviewers::Own if self.here.contains(&row.person) => {
                return Ok(Some((format!("self:{}", row.person), Via::Own, vec![row.person])));
            }
            Reviewers::Manager => {
                let able = |id: &PersonId| *id != row.person && self.here.contains(id);
                if let Some(manager) = row.manager.filter(able) {
                    return Ok(Some((format!("manager:{manager}"), Via::Manager, vec![manager])));
                }
            }
            Reviewers::Named { .. } if other(&self.named) => {
                return Ok(Some(("named".into(), Via::Named, self.named.clone())));
            }
            Reviewers::Owners => {
                let owners = self.owners(tx, row.catalog)?;
                if other(&owners) {
                    return Ok(Some((format!("owner:{}", row.catalog), Via::Owner, owners)));
                }
            }
            Reviewers::Own | Reviewers::Named { .. } => {}
        }
        if other(&self.fallback) {
            return Ok(Some(("fallback".into(), Via::Fallback, self.fallback.clone())));
        }
        let owners = self.owners(tx, row.catalog)?;
        if other(&owners) {
            return Ok(Some((format!("fallback:{}", row.catalog), Via::Fallback, owners)));
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

    fn owners(&mut self, tx: &mut Tx<'_>, catalog: CatalogId) -> Result<Vec<PersonId>> {
        if let Some(all) = self.owners.get(&catalog) {
            return Ok(all.clone());
        }
        let all: Vec<PersonId> = owners(tx.db(), catalog)?.into_iter().map(|(id, _)| id).collect();
        self.owners.insert(catalog, all.clone());
        Ok(all)
    }
}
