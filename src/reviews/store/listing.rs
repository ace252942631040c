//! What pages and jobs list of reviews: by key, with a fixed number of statements.

use std::collections::{HashMap, HashSet};

use diesel::dsl::{count_star, exists, not, sql};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Nullable, Text};

use super::{InstanceRow, ReviewRow};
use crate::access::Person;
use crate::db::columns::{Stamp, Uid};
use crate::db::schema::{
    description_tasks, packages, people, review_answers, review_instances, review_items,
    review_pools, review_reviewers, review_rows, reviews,
};
use crate::db::{Db, MultiBackend, Seek};
use crate::error::Result;
use crate::kernel::{
    AccessId, AnswerBatchId, CatalogId, PackageId, PersonId, ReviewInstanceId, ReviewItemId,
    ReviewPoolId, Ts,
};
use crate::reviews::model::{
    Answer, Instance, Item, ItemRow, Outcome, Review, Silence, State, Via,
};

/// A condition on items.
type Which =
    Box<dyn BoxableExpression<review_items::table, MultiBackend, SqlType = Bool> + 'static>;

/// The items of an instance that are somebody's to answer: the same as `access::policy::answer_item` says.
#[derive(Clone, Debug, Default)]
pub struct Mine {
    /// Pools in which they answer for others.
    others: Vec<ReviewPoolId>,
    /// Pools in which they answer for themselves.
    own: Vec<ReviewPoolId>,
    /// In whose place.
    places: Vec<Place>,
    me: Option<PersonId>,
}

/// What somebody answers in the place of one who is away.
#[derive(Clone, Debug)]
struct Place {
    pools: Vec<ReviewPoolId>,
    /// Whose access they do not answer for (D29).
    out: Vec<PersonId>,
    /// For these packages; none for all.
    packages: Option<Vec<AccessId>>,
}

impl Mine {
    /// Reads which pools are theirs. One statement.
    ///
    /// # Errors
    /// When the database does not answer.
    pub fn read(db: &mut Db, person: &Person, id: ReviewInstanceId) -> Result<Self> {
        let mut people: Vec<PersonId> =
            person.stands_for.iter().map(|stands| stands.person).collect();
        people.push(person.id);
        let rows: Vec<(ReviewPoolId, PersonId, String)> = review_reviewers::table
            .inner_join(review_pools::table)
            .filter(review_reviewers::instance_id.eq(id))
            .filter(review_reviewers::person_id.eq_any(people))
            .order((review_reviewers::pool_id, review_reviewers::person_id))
            .select((review_reviewers::pool_id, review_reviewers::person_id, review_pools::via))
            .load(db)?;
        let mut mine = Self { me: Some(person.id), ..Self::default() };
        for (pool, whose, via) in &rows {
            match (*whose == person.id, via == Via::Own.as_str()) {
                (true, true) => mine.own.push(*pool),
                (true, false) => mine.others.push(*pool),
                (false, _) => {}
            }
        }
        for stands in &person.stands_for {
            let pools = rows
                .iter()
                .filter(|(_, whose, via)| *whose == stands.person && via != Via::Own.as_str());
            let pools: Vec<ReviewPoolId> = pools.map(|(pool, ..)| *pool).collect();
            if !pools.is_empty() {
                let mut out = vec![person.id, stands.person];
                out.extend(&stands.through);
                let packages = stands.packages.as_ref();
                let packages = packages.map(|some| some.iter().map(|id| AccessId(id.0)).collect());
                mine.places.push(Place { pools, out, packages });
            }
        }
        Ok(mine)
    }

    /// True where nothing of the instance is theirs.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        self.others.is_empty() && self.own.is_empty() && self.places.is_empty()
    }

    /// The pools come first, in one list: by them a database finds the items among those of all instances.
    fn which(&self) -> Which {
        let me = self.me.unwrap_or_else(|| PersonId(uuid::Uuid::nil()));
        let mut pools = [self.others.clone(), self.own.clone()].concat();
        pools.extend(self.places.iter().flat_map(|place| &place.pools));
        let mut whose: Which = Box::new(
            review_items::pool_id
                .eq_any(self.others.clone())
                .and(review_items::person_id.ne(me))
                .or(review_items::pool_id.eq_any(self.own.clone())),
        );
        for Place { pools, out, packages } in &self.places {
            let place = review_items::pool_id
                .eq_any(pools.clone())
                .and(review_items::person_id.ne_all(out.clone()));
            whose = match packages {
                None => Box::new(whose.or(place)),
                Some(some) => Box::new(
                    whose.or(place
                        .and(review_items::assignment_id.is_not_null())
                        .and(review_items::access_id.eq_any(some.clone()))),
                ),
            };
        }
        Box::new(review_items::pool_id.eq_any(pools).and(whose))
    }
}

/// What has not ended otherwise.
fn not_gone() -> Which {
    let outcome = review_items::outcome;
    Box::new(outcome.is_null().or(outcome.assume_not_null().ne(Outcome::Gone.as_str())))
}

/// Whatever somebody was asked about: not what had ended otherwise before anybody answered.
fn asked_about() -> Which {
    Box::new(review_items::answer.is_not_null().or(not_gone()))
}

/// What somebody answered in an instance, as it is counted and named.
fn answers(id: ReviewInstanceId, by: PersonId) -> Which {
    let theirs = review_items::answered_by.assume_not_null().eq(by);
    Box::new(review_items::instance_id.eq(id).and(theirs).and(not_gone()))
}

macro_rules! items {
    ($query:expr, $db:expr) => {{
        let rows: Vec<ItemRow> = $query.select(ItemRow::as_select()).load($db)?;
        rows.into_iter().map(Item::from).collect::<Vec<Item>>()
    }};
}

/// How many items wait for somebody's answer in an instance. Two statements.
///
/// # Errors
/// When the database does not answer.
pub fn left(db: &mut Db, person: &Person, id: ReviewInstanceId) -> Result<i64> {
    let mine = Mine::read(db, person, id)?;
    Ok(review_items::table
        .filter(review_items::answer.is_null())
        .filter(review_items::outcome.is_null())
        .filter(mine.which())
        .count()
        .get_result(db)?)
}

/// How far somebody is in an instance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// All their items that need an answer, or have one.
    pub all: i64,
    /// Of those, the ones with an answer.
    pub answered: i64,
}

/// How far somebody is. One statement beside [`Mine::read`].
///
/// # Errors
/// When the database does not answer.
pub fn progress(db: &mut Db, mine: &Mine) -> Result<Progress> {
    let (all, answered): (i64, i64) = review_items::table
        .filter(asked_about())
        .filter(mine.which())
        .select((count_star(), diesel::dsl::count(review_items::answer)))
        .first(db)?;
    Ok(Progress { all, answered })
}

/// By what the items of an instance are shown together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// Each person with all that they hold.
    Person,
    /// Each package, or whatever else gives access, with all who hold it.
    Package,
}

/// Items that are shown together.
#[derive(Clone, Debug)]
pub struct Group {
    /// The person or the package.
    pub id: uuid::Uuid,
    /// Its name.
    pub name: String,
    /// The department, where it is a person.
    pub department: Option<String>,
    /// How urgent: 0 with an item of high risk, 1 with one that is new or has changed, else 2.
    pub urgency: i64,
    /// How many items.
    pub all: i64,
    /// How many have an answer.
    pub answered: i64,
    /// How many are of high risk.
    pub high: i64,
    /// How many have changed.
    pub changed: i64,
}

/// Where a list of groups goes on: how urgent the last one is, its name, the id that tells equal names apart, and whether
/// backwards.
pub type At = (i64, String, uuid::Uuid, bool);

/// How urgent a group of items is: 0 with one of high risk, 1 with one that is new or has changed, else 2.
const URGENCY: &str =
    "CAST(MIN(CASE WHEN risk = 'high' THEN 0 WHEN changed THEN 1 ELSE 2 END) AS BIGINT)";

/// The groups of somebody's items, the most urgent first, then by name; with `after` those that follow it, nearest first.
/// One statement beside [`Mine::read`].
///
/// # Errors
/// When the database does not answer.
pub fn groups(
    db: &mut Db,
    (mine, by): (&Mine, By),
    after: Option<At>,
    limit: i64,
) -> Result<Vec<Group>> {
    let urgency = || sql::<BigInt>(URGENCY);
    // Before the first of all, where it begins.
    let (most, name, id, back) = after.unwrap_or((-1, String::new(), uuid::Uuid::nil(), false));
    macro_rules! grouped {
        ($id:expr, $name:expr, $rest:expr, $make:expr) => {{
            let id = $make(id);
            let query = review_items::table
                .filter(asked_about().and(mine.which()))
                .group_by(($id, $name, $rest))
                .select((
                    $id,
                    $name,
                    $rest,
                    urgency(),
                    count_star(),
                    diesel::dsl::count(review_items::answer),
                    sql::<BigInt>("SUM(CASE WHEN risk = 'high' THEN 1 ELSE 0 END)"),
                    sql::<BigInt>("SUM(CASE WHEN changed THEN 1 ELSE 0 END)"),
                ))
                .limit(limit);
            if back {
                query
                    .having(
                        urgency().lt(most).or(urgency()
                            .eq(most)
                            .and($name.lt(name.clone()).or($name.eq(name).and($id.lt(id))))),
                    )
                    .order((urgency().desc(), $name.desc(), $id.desc()))
                    .load(db)?
            } else {
                query
                    .having(
                        urgency().gt(most).or(urgency()
                            .eq(most)
                            .and($name.gt(name.clone()).or($name.eq(name).and($id.gt(id))))),
                    )
                    .order((urgency(), $name, $id))
                    .load(db)?
            }
        }};
    }
    type OfPerson = (PersonId, String, Option<String>, i64, i64, i64, i64, i64);
    type OfPackage = (AccessId, String, Option<CatalogId>, i64, i64, i64, i64, i64);
    type Rest = (i64, i64, i64, i64, i64);
    let made = |id, name, department, (urgency, all, answered, high, changed): Rest| Group {
        id,
        name,
        department,
        urgency,
        all,
        answered,
        high,
        changed,
    };
    match by {
        By::Person => {
            let rows: Vec<OfPerson> = grouped!(
                review_items::person_id,
                review_items::person_name,
                review_items::department,
                PersonId
            );
            let one = |(id, name, department, a, b, c, d, e): OfPerson| {
                made(id.0, name, department, (a, b, c, d, e))
            };
            Ok(rows.into_iter().map(one).collect())
        }
        By::Package => {
            let rows: Vec<OfPackage> = grouped!(
                review_items::access_id,
                review_items::access_name,
                review_items::catalog_id,
                AccessId
            );
            let one =
                |(id, name, _, a, b, c, d, e): OfPackage| made(id.0, name, None, (a, b, c, d, e));
            Ok(rows.into_iter().map(one).collect())
        }
    }
}

/// Where the most urgent of somebody's items without an answer are shown: the person or the package, and its name. One
/// statement beside [`Mine::read`].
///
/// # Errors
/// When the database does not answer.
pub fn first_open(db: &mut Db, mine: &Mine, by: By) -> Result<Option<(Part, String)>> {
    let open = review_items::table
        .filter(review_items::outcome.is_null())
        .filter(review_items::answer.is_null())
        .filter(mine.which());
    let urgency = || sql::<BigInt>(URGENCY);
    Ok(match by {
        By::Person => open
            .group_by((review_items::person_id, review_items::person_name))
            .order((urgency(), review_items::person_name, review_items::person_id))
            .select((review_items::person_id, review_items::person_name))
            .first(db)
            .optional()?
            .map(|(id, name)| (Part::Person(id), name)),
        By::Package => open
            .group_by((review_items::access_id, review_items::access_name))
            .order((urgency(), review_items::access_name, review_items::access_id))
            .select((review_items::access_id, review_items::access_name))
            .first(db)
            .optional()?
            .map(|(id, name)| (Part::Package(id), name)),
    })
}

/// Which of somebody's items a page shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// What one person holds.
    Person(PersonId),
    /// Who holds one package, or whatever else gives access.
    Package(AccessId),
}

/// Where a page of items goes on: risk, whether it changed, the name, the id, and whether backwards.
pub type ItemAt = (String, bool, String, ReviewItemId, bool);

/// Somebody's items of a part: high risk first, then what changed, then by name. With `alike` only those that can be
/// answered together. One statement beside [`Mine::read`].
///
/// # Errors
/// When the database does not answer.
pub fn part(
    db: &mut Db,
    (mine, part): (&Mine, Part),
    after: Option<ItemAt>,
    limit: i64,
) -> Result<Vec<Item>> {
    let back = after.as_ref().is_some_and(|(.., back)| *back);
    let mut which: Which = Box::new(asked_about().and(mine.which()));
    macro_rules! ordered {
        ($name:expr) => {{
            if let Some((risk, changed, name, item, back)) = after {
                let (r, c, n, i) =
                    (review_items::risk, review_items::changed, $name, review_items::id);
                which = if back {
                    Box::new(which.and(r.lt(risk.clone()).or(r.eq(risk).and(c.gt(changed).or(
                        c.eq(changed).and(n.lt(name.clone()).or(n.eq(name).and(i.lt(item)))),
                    )))))
                } else {
                    Box::new(which.and(r.gt(risk.clone()).or(r.eq(risk).and(c.lt(changed).or(
                        c.eq(changed).and(n.gt(name.clone()).or(n.eq(name).and(i.gt(item)))),
                    )))))
                };
            }
            let query = review_items::table.filter(which).limit(limit);
            if back {
                items!(
                    query.order((
                        review_items::risk.desc(),
                        review_items::changed.asc(),
                        $name.desc(),
                        review_items::id.desc()
                    )),
                    db
                )
            } else {
                items!(
                    query.order((
                        review_items::risk.asc(),
                        review_items::changed.desc(),
                        $name.asc(),
                        review_items::id.asc()
                    )),
                    db
                )
            }
        }};
    }
    Ok(match part {
        Part::Person(person) => {
            which = Box::new(which.and(review_items::person_id.eq(person)));
            ordered!(review_items::access_name)
        }
        Part::Package(package) => {
            which = Box::new(which.and(review_items::access_id.eq(package)));
            ordered!(review_items::person_name)
        }
    })
}

/// Those of somebody's items of a package that can be answered together: ordinary, unchanged, without an answer, and
/// nothing speaks against them.
///
/// # Errors
/// When the database does not answer.
pub fn alike(db: &mut Db, (mine, package): (&Mine, AccessId), limit: i64) -> Result<Vec<Item>> {
    let query = review_items::table
        .filter(review_items::access_id.eq(package))
        .filter(review_items::outcome.is_null())
        .filter(review_items::answer.is_null())
        .filter(review_items::risk.eq("ordinary"))
        .filter(review_items::changed.eq(false))
        .filter(
            review_items::recommendation.is_null().or(review_items::recommendation.ne("remove")),
        )
        .filter(mine.which())
        .order((review_items::person_name, review_items::id))
        .limit(limit);
    Ok(items!(query, db))
}

/// The items of a batch that are as this reviewer left them, and in the stage in which they were answered.
///
/// # Errors
/// When the database does not answer.
pub fn of_batch(
    db: &mut Db,
    (id, stage): (ReviewInstanceId, i64),
    batch: AnswerBatchId,
    by: PersonId,
) -> Result<Vec<Item>> {
    let query = review_items::table
        .filter(review_items::pool_id.eq_any(pools_of(id, stage)))
        .filter(review_items::batch_id.eq(batch))
        .filter(review_items::answered_by.eq(by))
        .filter(review_items::outcome.is_null())
        .order(review_items::id);
    Ok(items!(query, db))
}

/// How many of each answer somebody gave.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Items with an answer.
    pub answered: i64,
    /// Items that need one and have none.
    pub silent: i64,
    /// Of those, the ones whose recommendation is to remove.
    pub silent_advised_away: i64,
    /// Answered *keep*.
    pub kept: i64,
    /// Answered *remove*.
    pub removed: i64,
    /// Answered *keep until*.
    pub shortened: i64,
    /// Answered *I don't know*.
    pub unknown: i64,
    /// Removals that the target system has confirmed.
    pub confirmed: i64,
    /// Removals that it has not confirmed in time.
    pub failed: i64,
    /// Removals that wait or are under way.
    pub waiting: i64,
    /// Of those, the ones that somebody has to carry out by hand.
    pub by_hand: i64,
    /// Removals that were called off.
    pub undone: i64,
    /// What had ended otherwise.
    pub gone: i64,
    /// Answers that were given together with others.
    pub together: i64,
}

/// The counts of an instance. One statement.
///
/// # Errors
/// When the database does not answer.
pub fn counts(db: &mut Db, id: ReviewInstanceId) -> Result<Counts> {
    counted(db, Box::new(review_items::instance_id.eq(id)))
}

/// What somebody has answered in an instance. One statement.
///
/// # Errors
/// When the database does not answer.
pub fn answered_by(db: &mut Db, id: ReviewInstanceId, by: PersonId) -> Result<Counts> {
    counted(db, answers(id, by))
}

/// The counts of some instances. One statement.
///
/// # Errors
/// When the database does not answer.
pub fn counts_of(
    db: &mut Db,
    ids: &[ReviewInstanceId],
) -> Result<HashMap<ReviewInstanceId, Counts>> {
    let mut all: HashMap<ReviewInstanceId, Counts> = HashMap::new();
    for row in tally(db, Box::new(review_items::instance_id.eq_any(ids.to_vec())))? {
        all.entry(row.0).or_default().add(&row);
    }
    Ok(all)
}

fn counted(db: &mut Db, which: Which) -> Result<Counts> {
    let mut all = Counts::default();
    for row in tally(db, which)? {
        all.add(&row);
    }
    Ok(all)
}

/// Items of one kind: of which instance, with which answer, outcome and recommendation; how many, and how many of them
/// were answered together with others.
type Tally = (ReviewInstanceId, Option<String>, Option<String>, Option<String>, i64, i64);

fn tally(db: &mut Db, which: Which) -> Result<Vec<Tally>> {
    Ok(review_items::table
        .filter(which)
        .group_by((
            review_items::instance_id,
            review_items::answer,
            review_items::outcome,
            review_items::recommendation,
        ))
        .select((
            review_items::instance_id,
            review_items::answer,
            review_items::outcome,
            review_items::recommendation,
            count_star(),
            diesel::dsl::count(review_items::batch_id),
        ))
        .load(db)?)
}

impl Counts {
    /// How many of those without an answer silence removes (D30).
    #[must_use]
    pub fn by_silence(&self, silence: Silence) -> i64 {
        match silence {
            Silence::Keep => 0,
            Silence::Remove => self.silent,
            Silence::Recommendation => self.silent_advised_away,
        }
    }

    fn add(&mut self, (_, answer, outcome, recommendation, n, together): &Tally) {
        let outcome = outcome.as_deref().and_then(Outcome::parse);
        if outcome == Some(Outcome::Gone) {
            self.gone += n;
            return;
        }
        match answer.as_deref().and_then(Answer::parse) {
            None => {
                self.silent += n;
                if recommendation.as_deref() == Some("remove") {
                    self.silent_advised_away += n;
                }
            }
            Some(answer) => {
                self.answered += n;
                self.together += together;
                *match answer {
                    Answer::Keep => &mut self.kept,
                    Answer::Remove => &mut self.removed,
                    Answer::Until => &mut self.shortened,
                    Answer::Unknown => &mut self.unknown,
                } += n;
            }
        }
        match outcome {
            Some(Outcome::Removed) => self.confirmed += n,
            Some(Outcome::Failed) => self.failed += n,
            Some(Outcome::Planned | Outcome::Removing) => self.waiting += n,
            Some(Outcome::ByHand) => {
                self.waiting += n;
                self.by_hand += n;
            }
            Some(Outcome::Undone) => self.undone += n,
            Some(Outcome::Kept | Outcome::Shortened | Outcome::Gone) | None => {}
        }
    }
}

/// Items of an instance that have no outcome yet, by their ids.
///
/// # Errors
/// When the database does not answer.
pub fn without_outcome(db: &mut Db, id: ReviewInstanceId, limit: i64) -> Result<Vec<Item>> {
    let query = review_items::table
        .filter(review_items::instance_id.eq(id))
        .filter(review_items::outcome.is_null())
        .order(review_items::id)
        .limit(limit);
    Ok(items!(query, db))
}

/// Removals whose cooling-off time is over, in due order; not those of what a target system said it holds, which begin
/// with the work on that system.
///
/// # Errors
/// When the database does not answer.
pub fn due_removals(db: &mut Db, now: Ts, limit: i64) -> Result<Vec<Item>> {
    let query = review_items::table
        .inner_join(review_instances::table)
        .filter(review_instances::state.ne(State::Canceled.as_str()))
        .filter(review_items::outcome.eq(Outcome::Planned.as_str()))
        .filter(review_items::apply_at.le(now))
        .filter(not(exists(
            review_rows::table
                .filter(review_rows::id.nullable().eq(review_items::row_id))
                .filter(review_rows::role_id.is_not_null()),
        )))
        .order((review_items::apply_at, review_items::id))
        .limit(limit);
    Ok(items!(query, db))
}

/// Items that were ended and are not confirmed as gone.
///
/// # Errors
/// When the database does not answer.
pub fn removing(db: &mut Db, id: ReviewInstanceId) -> Result<Vec<Item>> {
    let states = [Outcome::Removing.as_str(), Outcome::Failed.as_str()];
    let query = review_items::table
        .filter(review_items::instance_id.eq(id))
        .filter(review_items::outcome.eq_any(states))
        // What failed waits behind what is under way.
        .order((review_items::outcome.desc(), review_items::id))
        .limit(500);
    Ok(items!(query, db))
}

/// Removals that wait for somebody's hand, those that have waited longest first.
///
/// # Errors
/// When the database does not answer.
pub fn by_hand(
    db: &mut Db,
    id: ReviewInstanceId,
    since: Option<Ts>,
    limit: i64,
) -> Result<Vec<Item>> {
    let mut query = review_items::table
        .filter(review_items::instance_id.eq(id))
        .filter(review_items::outcome.eq(Outcome::ByHand.as_str()))
        .order((review_items::applied_at, review_items::person_name, review_items::id))
        .limit(limit)
        .into_boxed();
    if let Some(since) = since {
        query = query.filter(review_items::applied_at.le(since));
    }
    Ok(items!(query, db))
}

/// Removals of an instance that are planned.
///
/// # Errors
/// When the database does not answer.
pub fn planned(db: &mut Db, id: ReviewInstanceId) -> Result<Vec<Item>> {
    let query = review_items::table
        .filter(review_items::instance_id.eq(id))
        .filter(review_items::outcome.eq(Outcome::Planned.as_str()))
        .order(review_items::id);
    Ok(items!(query, db))
}

/// What somebody's own items of an instance are.
///
/// # Errors
/// When the database does not answer.
pub fn own(db: &mut Db, id: ReviewInstanceId, person: PersonId) -> Result<Vec<Item>> {
    let query = review_items::table
        .filter(review_items::instance_id.eq(id))
        .filter(review_items::person_id.eq(person))
        .order(review_items::id);
    Ok(items!(query, db))
}

/// The instances that have removals which are not confirmed.
///
/// # Errors
/// When the database does not answer.
pub fn with_removals(db: &mut Db) -> Result<Vec<ReviewInstanceId>> {
    let states = [Outcome::Removing, Outcome::Failed, Outcome::ByHand].map(Outcome::as_str);
    Ok(review_items::table
        .filter(review_items::outcome.eq_any(states))
        .order(review_items::instance_id)
        .select(review_items::instance_id)
        .distinct()
        .load(db)?)
}

/// True where nothing of a closed instance is left to do but what failed.
///
/// # Errors
/// When the database does not answer.
pub fn is_done(db: &mut Db, id: ReviewInstanceId) -> Result<bool> {
    let open = review_items::table.filter(review_items::instance_id.eq(id)).filter(
        review_items::outcome
            .is_null()
            .or(review_items::outcome.eq(Outcome::Planned.as_str()))
            .or(review_items::outcome.eq(Outcome::Removing.as_str()))
            .or(review_items::outcome.eq(Outcome::ByHand.as_str())),
    );
    Ok(!diesel::select(exists(open)).get_result::<bool>(db)?)
}

/// What waits for a reviewer's own answer, whoever stands in for them.
///
/// # Errors
/// When the database does not answer.
pub fn open_of(db: &mut Db, id: ReviewInstanceId, person: PersonId) -> Result<Vec<Item>> {
    let pools = review_reviewers::table
        .inner_join(review_pools::table)
        .filter(review_reviewers::instance_id.eq(id))
        .filter(review_reviewers::person_id.eq(person))
        .filter(review_pools::via.ne(Via::Own.as_str()))
        .select(review_reviewers::pool_id);
    let query = review_items::table
        .filter(review_items::instance_id.eq(id))
        .filter(review_items::pool_id.eq_any(pools))
        .filter(review_items::person_id.ne(person))
        .filter(review_items::answer.is_null())
        .filter(review_items::outcome.is_null())
        .order(review_items::id);
    Ok(items!(query, db))
}

/// Items without an answer whose reviewers have all left, but for the person who is reviewed; those after one of them, by
/// their ids. Two statements, the second only where somebody has left.
///
/// # Errors
/// When the database does not answer.
pub fn orphans(
    db: &mut Db,
    id: ReviewInstanceId,
    after: Option<ReviewItemId>,
    limit: i64,
) -> Result<Vec<Item>> {
    let left: Vec<ReviewPoolId> = review_reviewers::table
        .inner_join(people::table)
        .inner_join(review_pools::table)
        .filter(review_reviewers::instance_id.eq(id))
        .filter(review_pools::via.ne(Via::Own.as_str()))
        .filter(people::enabled.eq(false))
        .select(review_reviewers::pool_id)
        .distinct()
        .load(db)?;
    if left.is_empty() {
        return Ok(vec![]);
    }
    let able = review_reviewers::table
        .inner_join(people::table)
        .filter(review_reviewers::pool_id.eq(review_items::pool_id))
        .filter(review_reviewers::person_id.ne(review_items::person_id))
        .filter(people::enabled.eq(true));
    let after = after.unwrap_or(ReviewItemId(uuid::Uuid::nil()));
    let query = review_items::table
        .filter(review_items::pool_id.eq_any(left))
        .filter(review_items::id.gt(after))
        .filter(review_items::answer.is_null())
        .filter(review_items::outcome.is_null())
        .filter(not(exists(able)))
        .order(review_items::id)
        .limit(limit);
    Ok(items!(query, db))
}

/// Somebody's own access in reviews that are open or whose removals wait, newest first.
///
/// # Errors
/// When the database does not answer.
pub fn about_person(db: &mut Db, person: PersonId, limit: i64) -> Result<Vec<(Item, Instance)>> {
    let rows: Vec<(ItemRow, InstanceRow)> = review_items::table
        .inner_join(review_instances::table)
        .filter(review_items::person_id.eq(person))
        .filter(
            review_instances::state.eq(State::Open.as_str()).or(review_items::outcome
                .eq_any([
                    Outcome::Planned.as_str(),
                    Outcome::Removing.as_str(),
                    Outcome::ByHand.as_str(),
                    Outcome::Removed.as_str(),
                    Outcome::Undone.as_str(),
                    Outcome::Shortened.as_str(),
                    Outcome::Failed.as_str(),
                ])
                .assume_not_null()),
        )
        .order((review_instances::created_at.desc(), review_items::access_name, review_items::id))
        .limit(limit)
        .select((ItemRow::as_select(), InstanceRow::as_select()))
        .load(db)?;
    rows.into_iter().map(|(item, instance)| Ok((item.into(), instance.read()?))).collect()
}

/// Is somebody asked now about access of this person that nobody has answered yet?
///
/// # Errors
/// When the database does not answer.
pub fn is_reviewed(db: &mut Db, person: PersonId) -> Result<bool> {
    let open = review_items::table
        .inner_join(review_instances::table)
        .filter(review_items::person_id.eq(person))
        .filter(review_items::answer.is_null())
        .filter(review_items::outcome.is_null())
        .filter(review_instances::state.eq(State::Open.as_str()));
    Ok(diesel::select(exists(open)).get_result(db)?)
}

/// The instances in which somebody is a reviewer, for themselves or in somebody's place, the newest first.
///
/// # Errors
/// When the database does not answer.
pub fn asked(db: &mut Db, person: &Person, limit: i64) -> Result<Vec<Instance>> {
    let mut people: Vec<PersonId> = person.stands_for.iter().map(|stands| stands.person).collect();
    people.push(person.id);
    let mine = review_reviewers::table
        .filter(review_reviewers::person_id.eq_any(people))
        .select(review_reviewers::instance_id);
    let shown = [
        State::Open.as_str(),
        State::Confirming.as_str(),
        State::Applying.as_str(),
        State::Completed.as_str(),
    ];
    let rows: Vec<InstanceRow> = review_instances::table
        .filter(review_instances::id.eq_any(mine))
        .filter(review_instances::state.eq_any(shown))
        .order((review_instances::created_at.desc(), review_instances::id.desc()))
        .limit(limit)
        .select(InstanceRow::as_select())
        .load(db)?;
    rows.into_iter().map(InstanceRow::read).collect()
}

/// The reviews that somebody looks after or reads, newest first, with the newest instance of each: all, or those of these
/// catalogs. One statement.
///
/// # Errors
/// When the database does not answer.
pub fn kept(
    db: &mut Db,
    catalogs: Option<&[CatalogId]>,
    seek: Option<Seek<crate::kernel::ReviewId>>,
    limit: i64,
) -> Result<Vec<(Review, Option<Instance>)>> {
    let newest = review_instances::review_id
        .eq(reviews::id)
        .and(review_instances::number.eq(reviews::number));
    let mut query = reviews::table
        .left_join(review_instances::table.on(newest))
        .select((ReviewRow::as_select(), Option::<InstanceRow>::as_select()))
        .limit(limit)
        .into_boxed();
    if let Some(catalogs) = catalogs {
        query = query.filter(reviews::catalog_id.eq_any(catalogs.to_vec()));
    }
    let (at, id) = (reviews::created_at, reviews::id);
    query = match seek {
        Some(seek) if seek.back => query
            .filter(at.gt(seek.at).or(at.eq(seek.at).and(id.gt(seek.id))))
            .order((at.asc(), id.asc())),
        Some(seek) => query
            .filter(at.lt(seek.at).or(at.eq(seek.at).and(id.lt(seek.id))))
            .order((at.desc(), id.desc())),
        None => query.order((at.desc(), id.desc())),
    };
    let rows: Vec<(ReviewRow, Option<InstanceRow>)> = query.load(db)?;
    let read = |(review, newest): (ReviewRow, Option<InstanceRow>)| {
        Ok((review.read()?, newest.map(InstanceRow::read).transpose()?))
    };
    rows.into_iter().map(read).collect()
}

/// How far a reviewer is, for whoever looks after the instance.
#[derive(Clone, Debug)]
pub struct ReviewerLine {
    /// The reviewer.
    pub person: PersonId,
    /// Their name.
    pub name: String,
    /// False where they have left.
    pub enabled: bool,
    /// Why they.
    pub via: Via,
    /// Their items.
    pub all: i64,
    /// Of those, the ones that somebody has answered.
    pub answered: i64,
    /// When they signed off.
    pub signed_at: Option<Ts>,
}

#[derive(QueryableByName)]
struct ReviewerRow {
    #[diesel(sql_type = Uid)]
    id: PersonId,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Bool)]
    enabled: bool,
    #[diesel(sql_type = Text)]
    via: String,
    #[diesel(sql_type = BigInt)]
    items: i64,
    #[diesel(sql_type = BigInt)]
    answered: i64,
    #[diesel(sql_type = Nullable<Stamp>)]
    signed_at: Option<Ts>,
}

/// The reviewers of an instance, those with the most left first. One statement.
///
/// # Errors
/// When the database does not answer.
pub fn reviewers(db: &mut Db, id: ReviewInstanceId, limit: i64) -> Result<Vec<ReviewerLine>> {
    let text = "SELECT p.id, p.name, p.enabled, o.via, COUNT(*) AS items, COUNT(i.answer) AS answered, \
        s.at AS signed_at \
        FROM review_reviewers r JOIN review_pools o ON o.id = r.pool_id JOIN people p ON p.id = r.person_id \
        JOIN review_items i ON i.pool_id = r.pool_id \
        LEFT JOIN review_signoffs s ON s.instance_id = r.instance_id AND s.person_id = r.person_id \
        WHERE r.instance_id = $1 AND (i.person_id <> r.person_id OR o.via = 'self') \
        AND (i.outcome IS NULL OR i.outcome <> 'gone' OR i.answer IS NOT NULL) \
        GROUP BY p.id, p.name, p.enabled, o.via, s.at \
        ORDER BY COUNT(*) - COUNT(i.answer) DESC, p.name, p.id, o.via LIMIT $2";
    let rows: Vec<ReviewerRow> =
        diesel::sql_query(text).bind::<Uid, _>(id).bind::<BigInt, _>(limit).load(db)?;
    let one = |row: ReviewerRow| ReviewerLine {
        person: row.id,
        name: row.name,
        enabled: row.enabled,
        via: Via::parse(&row.via).unwrap_or(Via::Fallback),
        all: row.items,
        answered: row.answered,
        signed_at: row.signed_at,
    };
    Ok(rows.into_iter().map(one).collect())
}

/// Every item of an instance after one of them, by their ids.
///
/// # Errors
/// When the database does not answer.
pub fn all(
    db: &mut Db,
    id: ReviewInstanceId,
    after: Option<ReviewItemId>,
    limit: i64,
) -> Result<Vec<Item>> {
    let after = after.unwrap_or(ReviewItemId(uuid::Uuid::nil()));
    let query = review_items::table
        .filter(review_items::instance_id.eq(id))
        .filter(review_items::id.gt(after))
        .order(review_items::id)
        .limit(limit);
    Ok(items!(query, db))
}

/// Who signed off, their name, when, and over how many of each answer.
pub type SignOff = (PersonId, String, Ts, [i64; 4]);

/// Who signed off in an instance, when, and over how many: kept, until a day, removed, not known.
///
/// # Errors
/// When the database does not answer.
pub fn signoffs(db: &mut Db, id: ReviewInstanceId) -> Result<Vec<SignOff>> {
    use crate::db::schema::review_signoffs;
    type Row = (PersonId, String, Ts, (i64, i64, i64, i64));
    let rows: Vec<Row> = review_signoffs::table
        .inner_join(people::table)
        .filter(review_signoffs::instance_id.eq(id))
        .order((review_signoffs::at, people::id))
        .select((
            people::id,
            people::name,
            review_signoffs::at,
            (
                review_signoffs::kept,
                review_signoffs::shortened,
                review_signoffs::removed,
                review_signoffs::unknown,
            ),
        ))
        .load(db)?;
    Ok(rows
        .into_iter()
        .map(|(person, name, at, (a, b, c, d))| (person, name, at, [a, b, c, d]))
        .collect())
}

/// One answer that was ever given on an item.
#[derive(Clone, Debug)]
pub struct Said {
    /// On which item.
    pub item: ReviewItemId,
    /// When.
    pub at: Ts,
    /// Who.
    pub by: String,
    /// In whose place.
    pub instead_of: Option<String>,
    /// What: an answer, `passed` or `cleared`.
    pub answer: String,
    /// Until when.
    pub until: Option<Ts>,
    /// Why.
    pub note: Option<String>,
    /// To whom it was passed on.
    pub passed_to: Option<String>,
    /// Whether the recommendation could be read.
    pub advised: bool,
    /// Whether it was given together with others.
    pub together: bool,
}

mod alias {
    diesel::alias!(
        crate::db::schema::people as away: Away,
        crate::db::schema::people as receivers: Receivers
    );
}

/// Everything that was ever said about these items, in its order (D28). One statement.
///
/// # Errors
/// When the database does not answer.
pub fn said(db: &mut Db, items: &[ReviewItemId]) -> Result<Vec<Said>> {
    use alias::{away, receivers};
    type Row = (
        (ReviewItemId, Ts, String, Option<String>),
        (String, Option<Ts>, Option<String>, Option<String>),
        (bool, Option<AnswerBatchId>),
    );
    let rows: Vec<Row> = review_answers::table
        .inner_join(people::table.on(people::id.eq(review_answers::person_id)))
        .left_join(away.on(away.field(people::id).nullable().eq(review_answers::instead_of)))
        .left_join(
            receivers.on(receivers.field(people::id).nullable().eq(review_answers::passed_to)),
        )
        .filter(review_answers::item_id.eq_any(items))
        .order((review_answers::at, review_answers::id))
        .select((
            (
                review_answers::item_id,
                review_answers::at,
                people::name,
                away.field(people::name).nullable(),
            ),
            (
                review_answers::answer,
                review_answers::until_at,
                review_answers::note,
                receivers.field(people::name).nullable(),
            ),
            (review_answers::advised, review_answers::batch_id),
        ))
        .load(db)?;
    let one = |(first, said, (advised, batch)): Row| {
        let ((item, at, by, instead_of), (answer, until, note, passed_to)) = (first, said);
        Said {
            advised,
            together: batch.is_some(),
            item,
            at,
            by,
            instead_of,
            answer,
            until,
            note,
            passed_to,
        }
    };
    Ok(rows.into_iter().map(one).collect())
}

/// To whom somebody passed an item on, the last time that they did.
///
/// # Errors
/// When the database does not answer.
pub fn passed_to(db: &mut Db, item: ReviewItemId, by: PersonId) -> Result<Option<String>> {
    Ok(review_answers::table
        .inner_join(people::table.on(people::id.nullable().eq(review_answers::passed_to)))
        .filter(review_answers::item_id.eq(item))
        .filter(review_answers::person_id.eq(by))
        .order((review_answers::at.desc(), review_answers::id.desc()))
        .select(people::name)
        .first(db)
        .optional()?)
}

#[derive(QueryableByName)]
struct TallyRow {
    #[diesel(sql_type = Text)]
    what: String,
    #[diesel(sql_type = Nullable<Uid>)]
    instance_id: Option<ReviewInstanceId>,
    #[diesel(sql_type = BigInt)]
    items: i64,
    #[diesel(sql_type = BigInt)]
    answered: i64,
}

/// What open reviews are about for somebody.
#[derive(Clone, Debug, Default)]
pub struct Stake {
    /// How far they are in every instance in which they are asked.
    pub tallies: HashMap<ReviewInstanceId, Progress>,
    /// The open instances that they have signed off.
    pub signed: HashSet<ReviewInstanceId>,
    /// Is anything of theirs reviewed or carried out now?
    pub about: bool,
    /// Is there anything that they are to describe better?
    pub describe: bool,
}

/// How far somebody is in every open instance in which they are asked, also in somebody's place; whether something of
/// theirs is reviewed; and whether something is to be described better, everywhere or in these catalogs. One statement;
/// what a stand-in may not answer is left out on the instance's own page.
///
/// # Errors
/// When the database does not answer.
pub fn stake(
    db: &mut Db,
    person: &Person,
    describes: Option<Option<&[CatalogId]>>,
) -> Result<Stake> {
    let me = person.id;
    let places: Vec<String> =
        person.stands_for.iter().map(|stands| format!("'{}'", stands.person)).collect();
    let asked = [vec![format!("'{me}'")], places.clone()].concat().join(", ");
    let places = match places.as_slice() {
        [] => String::new(),
        some => format!(
            " OR (r.person_id IN ({0}) AND o.via <> 'self' AND i.person_id NOT IN ('{me}', {0}))",
            some.join(", ")
        ),
    };
    let catalogs = |ids: &[CatalogId]| {
        let ids: Vec<String> = ids.iter().map(|id| format!("'{id}'")).collect();
        if ids.is_empty() { "NULL".to_owned() } else { ids.join(", ") }
    };
    let describes = match describes {
        None => String::new(),
        Some(all) => format!(
            " UNION ALL SELECT 'describe', NULL, COUNT(*), 0 FROM description_tasks d \
             JOIN packages p ON p.id = d.package_id WHERE d.done_at IS NULL{}",
            all.map(|ids| format!(" AND p.catalog_id IN ({})", catalogs(ids))).unwrap_or_default()
        ),
    };
    // Only ids stand in it, no words of anybody.
    let text = format!(
        "SELECT 'review' AS what, i.instance_id, COUNT(DISTINCT i.id) AS items, \
         COUNT(DISTINCT CASE WHEN i.answer IS NOT NULL THEN i.id END) AS answered \
         FROM review_reviewers r JOIN review_pools o ON o.id = r.pool_id \
         JOIN review_instances n ON n.id = r.instance_id AND n.state = 'open' \
         JOIN review_items i ON i.pool_id = r.pool_id \
         WHERE r.person_id IN ({asked}) AND (i.outcome IS NULL OR i.answer IS NOT NULL) AND \
         ((r.person_id = '{me}' AND (o.via = 'self' OR i.person_id <> '{me}')){places}) \
         GROUP BY i.instance_id \
         UNION ALL SELECT 'about', NULL, COUNT(*), 0 FROM review_items i \
         JOIN review_instances n ON n.id = i.instance_id \
         WHERE i.person_id = '{me}' AND n.state IN ('open', 'confirming', 'applying') \
         UNION ALL SELECT 'signed', s.instance_id, 1, 0 FROM review_signoffs s \
         JOIN review_instances n ON n.id = s.instance_id AND n.state = 'open' \
         WHERE s.person_id = '{me}'{describes}"
    );
    let rows: Vec<TallyRow> = diesel::sql_query(text).load(db)?;
    let mut stake = Stake::default();
    for row in rows {
        match (row.what.as_str(), row.instance_id) {
            ("about", _) => stake.about = row.items > 0,
            ("describe", _) => stake.describe = row.items > 0,
            ("signed", Some(id)) => {
                stake.signed.insert(id);
            }
            (_, Some(id)) => {
                let progress = Progress { all: row.items, answered: row.answered };
                stake.tallies.insert(id, progress);
            }
            (_, None) => {}
        }
    }
    Ok(stake)
}

/// What somebody answered in one of these ways, by answer and person.
///
/// # Errors
/// When the database does not answer.
pub fn answers_of(
    db: &mut Db,
    (id, by): (ReviewInstanceId, PersonId),
    ways: &[Answer],
    limit: i64,
) -> Result<Vec<Item>> {
    let ways: Vec<&str> = ways.iter().map(|answer| answer.as_str()).collect();
    let query = review_items::table
        .filter(answers(id, by))
        .filter(review_items::answer.eq_any(ways))
        .order((review_items::answer, review_items::person_name, review_items::id))
        .limit(limit);
    Ok(items!(query, db))
}

/// When somebody signed off in an instance.
///
/// # Errors
/// When the database does not answer.
pub fn signed_at(db: &mut Db, id: ReviewInstanceId, person: PersonId) -> Result<Option<Ts>> {
    use crate::db::schema::review_signoffs;
    Ok(review_signoffs::table
        .find((id, person))
        .select(review_signoffs::at)
        .first(db)
        .optional()?)
}

/// The removals of an instance, those that wait first.
///
/// # Errors
/// When the database does not answer.
pub fn removals_of(db: &mut Db, id: ReviewInstanceId, limit: i64) -> Result<Vec<Item>> {
    let shown = [
        Outcome::Planned.as_str(),
        Outcome::Removing.as_str(),
        Outcome::Removed.as_str(),
        Outcome::Failed.as_str(),
        Outcome::Undone.as_str(),
    ];
    let query = review_items::table
        .filter(review_items::instance_id.eq(id))
        .filter(review_items::outcome.eq_any(shown))
        .order((review_items::outcome, review_items::person_name, review_items::id))
        .limit(limit);
    Ok(items!(query, db))
}

/// A package whose purpose reviewers could not tell.
#[derive(Clone, Debug)]
pub struct ToDescribe {
    /// The package.
    pub package: PackageId,
    /// Its name.
    pub name: String,
    /// What its description says.
    pub description: String,
    /// Since when it is to be described better.
    pub asked_at: Ts,
    /// How often a reviewer answered *I don't know*, ever.
    pub unknown: i64,
}

/// What is to be described better, the longest wait first: everywhere, or in these catalogs. Two statements.
///
/// # Errors
/// When the database does not answer.
pub fn to_describe(
    db: &mut Db,
    catalogs: Option<&[CatalogId]>,
    limit: i64,
) -> Result<Vec<ToDescribe>> {
    let mut query = description_tasks::table
        .inner_join(packages::table)
        .filter(description_tasks::done_at.is_null())
        .order((description_tasks::asked_at, description_tasks::id))
        .limit(limit)
        .select((packages::id, packages::name, packages::description, description_tasks::asked_at))
        .into_boxed();
    if let Some(ids) = catalogs {
        query = query.filter(packages::catalog_id.eq_any(ids.to_vec()));
    }
    let rows: Vec<(PackageId, String, String, Ts)> = query.load(db)?;
    let ids: Vec<AccessId> = rows.iter().map(|row| AccessId(row.0.0)).collect();
    let unknown: HashMap<AccessId, i64> = review_items::table
        .filter(review_items::access_id.eq_any(&ids))
        .filter(review_items::answer.eq(Answer::Unknown.as_str()))
        .group_by(review_items::access_id)
        .select((review_items::access_id, count_star()))
        .load(db)?
        .into_iter()
        .collect();
    let one = |(package, name, description, asked_at)| ToDescribe {
        package,
        name,
        description,
        asked_at,
        unknown: unknown.get(&AccessId(package.0)).copied().unwrap_or_default(),
    };
    Ok(rows.into_iter().map(one).collect())
}

/// Is this package to be described better?
///
/// # Errors
/// When the database does not answer.
pub fn is_to_describe(db: &mut Db, package: PackageId) -> Result<bool> {
    let open = description_tasks::table
        .filter(description_tasks::package_id.eq(package))
        .filter(description_tasks::done_at.is_null());
    Ok(diesel::select(exists(open)).get_result(db)?)
}

/// Who answered when, and what together, by person and time: no words, no items.
///
/// # Errors
/// When the database does not answer.
pub fn answered_when(
    db: &mut Db,
    id: ReviewInstanceId,
) -> Result<Vec<(PersonId, Ts, Option<AnswerBatchId>)>> {
    Ok(review_answers::table
        .filter(review_answers::instance_id.eq(id))
        .filter(review_answers::answer.ne("cleared"))
        .order((review_answers::person_id, review_answers::at, review_answers::id))
        .select((review_answers::person_id, review_answers::at, review_answers::batch_id))
        .load(db)?)
}

/// Items of a stage that go on to the next one, by their ids: those with one of these answers, and those without any.
///
/// # Errors
/// When the database does not answer.
pub fn going_on(
    db: &mut Db,
    id: ReviewInstanceId,
    stage: i64,
    answers: &[Answer],
    limit: i64,
) -> Result<Vec<Item>> {
    let answers: Vec<&str> = answers.iter().map(|answer| answer.as_str()).collect();
    let query = review_items::table
        .filter(review_items::instance_id.eq(id))
        .filter(review_items::pool_id.eq_any(pools_of(id, stage)))
        .filter(review_items::outcome.is_null())
        .filter(review_items::answer.is_null().or(review_items::answer.eq_any(answers)))
        .order(review_items::id)
        .limit(limit);
    Ok(items!(query, db))
}

/// The next items after one that nobody has answered in their last stage, which was not the first one; by their ids.
///
/// # Errors
/// When the database does not answer.
pub fn silent_later(
    db: &mut Db,
    id: ReviewInstanceId,
    after: Option<ReviewItemId>,
    limit: i64,
) -> Result<Vec<Item>> {
    let later = review_pools::table
        .filter(review_pools::instance_id.eq(id))
        .filter(review_pools::stage.gt(1))
        .select(review_pools::id);
    let from = after.unwrap_or(ReviewItemId(uuid::Uuid::nil()));
    let query = review_items::table
        .filter(review_items::instance_id.eq(id))
        .filter(review_items::id.gt(from))
        .filter(review_items::pool_id.eq_any(later))
        .filter(review_items::answer.is_null())
        .filter(review_items::outcome.is_null())
        .order(review_items::id)
        .limit(limit);
    Ok(items!(query, db))
}

/// The pools of a stage.
#[diesel::dsl::auto_type(no_type_alias)]
pub(super) fn pools_of(id: ReviewInstanceId, stage: i64) -> _ {
    review_pools::table
        .filter(review_pools::instance_id.eq(id))
        .filter(review_pools::stage.eq(stage))
        .select(review_pools::id)
}

/// Has anything come to this stage?
///
/// # Errors
/// When the database does not answer.
pub fn is_in_stage(db: &mut Db, id: ReviewInstanceId, stage: i64) -> Result<bool> {
    let items = review_items::table
        .filter(review_items::instance_id.eq(id))
        .filter(review_items::pool_id.eq_any(pools_of(id, stage)))
        .filter(review_items::outcome.is_null());
    Ok(diesel::select(exists(items)).get_result(db)?)
}

/// The managers of some people.
///
/// # Errors
/// When the database does not answer.
pub fn managers(db: &mut Db, ids: &[PersonId]) -> Result<HashMap<PersonId, Option<PersonId>>> {
    let rows =
        people::table.filter(people::id.eq_any(ids)).select((people::id, people::manager_id));
    Ok(rows.load::<(PersonId, Option<PersonId>)>(db)?.into_iter().collect())
}
