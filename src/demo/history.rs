//! Writes the demo's past: the steps of [`super::story`] in the order of time, each through the command that a click
//! uses, with a clock that stands at its time. Between two steps the timers and deliveries run that were due.

use std::collections::HashMap;
use std::sync::Arc;

use anyhow::{Context, anyhow};

use super::company::{self, Names, Offered, day_before};
use super::offer::{CATALOGS, PACKAGES};
use super::plan::Who;
use super::story::{self, ASKS, Act, Ask, At, Reviewed, What};
use super::target::{self, DemoTarget};
use crate::access::policy;
use crate::assignments;
use crate::db::{By, Database, Tx};
use crate::directory::feed::Entry;
use crate::directory::groups_feed::Membership;
use crate::error::{Error, Result};
use crate::jobs::run_all;
use crate::kernel::time::Fixed;
use crate::kernel::{AssignmentId, Clock, PersonId, RequestId, ReviewId, Ts};
use crate::policies::model::Named;
use crate::provisioning::connectors::Targets;
use crate::provisioning::reconcile;
use crate::requests;
use crate::requests::commands::{Extend, Submit};
use crate::requests::model::{StageState, State, Verdict};
use crate::requests::rules::Period;
use crate::reviews::commands::NewReview;
use crate::reviews::model::{Reviewers, Rhythm, Scope, Silence, Terms};
use crate::{directory, notify, policies, reviews};

/// So long before the start of the demo everything began, in days.
const FIRST_DAY: u64 = 61;
/// So many seconds after a step its deliveries are confirmed.
const DELIVERY: i64 = 20;

/// Something that happened at a time.
enum Step {
    Ask(usize),
    Act(usize, &'static Act),
    Staff(Vec<Entry>),
    Lock(&'static str),
    Longer,
    /// An access review is set up.
    Review(&'static Reviewed),
    /// Only time passes: a timer without a due date of its own is looked after.
    Look,
}

/// Writes everything up to `now`. The database is empty, and its clocks are `clock`.
///
/// # Errors
/// When the story does not fit the rules, or the database does not answer.
pub fn write(
    db: &Database,
    clock: &Fixed,
    directory: &Arc<DemoTarget>,
    staff: &[Entry],
    now: Ts,
) -> anyhow::Result<()> {
    let mut targets = Targets::default();
    targets.insert(target::NAME, Arc::clone(directory) as _);
    let zone = db.zone();
    let at = |days, hour, minute| day_before(now, zone, days, hour, minute);
    clock.set(at(FIRST_DAY, 8, 0));
    let groups = company::memberships()?;
    let (names, offered) = set_up(db, clock, &first_list(staff), &groups)?;
    let mut writer = Writer {
        db,
        clock,
        targets,
        directory,
        groups,
        names,
        offered,
        requests: HashMap::new(),
        now,
    };
    let mut steps = Vec::new();
    let when = |moment: At| match moment {
        At::Day(days, hour, minute) => at(days, hour, minute),
        At::Ago(minutes) => now.plus_seconds(-60 * minutes),
    };
    for (index, ask) in ASKS.iter().enumerate() {
        steps.push((when(ask.at), Step::Ask(index)));
        for act in ask.then {
            steps.push((when(act.at), Step::Act(index, act)));
            if let What::End(_) = act.what {
                // A removal that is not confirmed within the hour is told then (D24).
                steps.push((when(act.at).plus_seconds(3_700), Step::Look));
            }
        }
    }
    let without = |gone: &[&str]| -> Vec<Entry> {
        staff.iter().filter(|e| !gone.contains(&e.external_id.as_str())).cloned().collect()
    };
    let (joiner, leaver) = (story::JOINER, story::LEAVER);
    steps.push((at(leaver.1, 6, 0), Step::Staff(without(&[leaver.0, joiner.0]))));
    steps.push((at(joiner.1, 6, 0), Step::Staff(without(&[leaver.0]))));
    steps.push((at(story::LOCKED.1, 7, 0), Step::Lock(story::LOCKED.0)));
    steps.push((at(story::LONGER.3, 10, 30), Step::Longer));
    steps.extend(story::REVIEWS.iter().map(|one| (at(one.day, 9, 30), Step::Review(one))));
    steps.sort_by_key(|(at, _)| *at);
    for (at, step) in steps {
        writer.pass(at)?;
        writer.take(step).with_context(|| format!("the demo's story, {at:?}"))?;
    }
    writer.pass(now)?;
    run_all(db, &writer.targets)?;
    Ok(())
}

/// The staff list as it was first: without who joined later, with who left, before the move.
fn first_list(staff: &[Entry]) -> Vec<Entry> {
    let mut list: Vec<Entry> =
        staff.iter().filter(|entry| entry.external_id != story::JOINER.0).cloned().collect();
    let (mover, title, department) = story::MOVER;
    if let Some(entry) = list.iter_mut().find(|entry| entry.external_id == mover) {
        entry.title = Some(title.to_owned());
        entry.department = Some(department.to_owned());
    }
    list
}

/// People first, then roles, catalogs and resources by the administrator, then packages by their owners.
fn set_up(
    db: &Database,
    clock: &Fixed,
    staff: &[Entry],
    groups: &[Membership],
) -> Result<(Names, Offered)> {
    let (list, members) = (staff.to_vec(), groups.to_vec());
    db.write(By::System("Import"), move |tx| company::import(tx, &list, &members))?;
    let mut names = Names::default();
    db.read(|c| names.read(c, staff))?;
    clock.advance(3600);
    let own = names.clone();
    db.write(By::System("Command line"), move |tx| company::appoint(tx, &own))?;
    clock.advance(1800);
    let own = names.clone();
    let mut offered = db.write(By::Person(names.person("admin")?), move |tx| {
        let mut offered = Offered::default();
        company::register(tx, &own, &mut offered)?;
        company::connect(tx, &own)?;
        Ok(offered)
    })?;
    for catalog in CATALOGS {
        clock.advance(3600);
        let owner = catalog.owners.iter().find_map(|who| match who {
            Who::Person(id) => Some(*id),
            Who::Group(_) => None,
        });
        let owner = names.person(owner.unwrap_or("admin"))?;
        let (own, before) = (names.clone(), offered);
        offered = db.write(By::Person(owner), move |tx| {
            let mut offered = before.clone();
            company::offer(tx, &own, &mut offered, catalog.name)?;
            Ok(offered)
        })?;
    }
    Ok((names, offered))
}

struct Writer<'a> {
    db: &'a Database,
    clock: &'a Fixed,
    targets: Targets,
    directory: &'a DemoTarget,
    groups: Vec<Membership>,
    names: Names,
    offered: Offered,
    /// The request of each ask that was made.
    requests: HashMap<usize, RequestId>,
    now: Ts,
}

impl Writer<'_> {
    /// Lets the time pass until `at`; what was due on the way happens when it was due.
    fn pass(&self, at: Ts) -> Result<()> {
        let mut last = None;
        loop {
            let due = self.db.read(|c| {
                Ok([
                    requests::store::due(c, at, None, 1)?.first().map(|due| due.0),
                    requests::store::due_alternates(c, at, None, 1)?.first().map(|due| due.0),
                    requests::store::due_reminders(c, at, None, 1)?.first().map(|due| due.0),
                    assignments::store::due_to_warn(c, at, None, 1)?.first().map(|due| due.0),
                    assignments::store::due_to_start(c, at, None, 1)?.first().map(|due| due.0),
                    assignments::store::due_to_end(c, at, None, 1)?.first().map(|due| due.0),
                ])
            })?;
            let Some(due) = due.into_iter().flatten().min() else { break };
            if last.replace(due) == Some(due) {
                return Err(Error::Broken(anyhow!("what was due at {due:?} stays due")));
            }
            self.clock.set(due.plus_seconds(DELIVERY).min(at).max(self.clock.now()));
            run_all(self.db, &self.targets)?;
        }
        self.clock.set(at.max(self.clock.now()));
        Ok(())
    }

    fn take(&mut self, step: Step) -> Result<()> {
        let deliver = match step {
            Step::Ask(index) => {
                let request = self.submit(&ASKS[index])?;
                self.requests.insert(index, request);
                true
            }
            Step::Act(index, act) => {
                let request = self.requests.get(&index).copied().ok_or(Error::Missing)?;
                let (request, deliver) = self.act(request, act)?;
                self.requests.insert(index, request);
                deliver
            }
            Step::Staff(list) => {
                let (own, groups) = (list.clone(), self.groups.clone());
                self.db
                    .write(By::System("Import"), move |tx| company::import(tx, &own, &groups))?;
                let names = &mut self.names;
                self.db.read(|c| names.read(c, &list))?;
                true
            }
            Step::Lock(group) => {
                self.directory.set_lock(group, true)?;
                false
            }
            Step::Longer => {
                self.lengthen()?;
                false
            }
            Step::Review(review) => {
                self.review(review)?;
                run_all(self.db, &self.targets)?;
                false
            }
            Step::Look => {
                run_all(self.db, &self.targets)?;
                false
            }
        };
        self.clock.advance(DELIVERY);
        // What a timer would do is done in `pass`, when it is due.
        if deliver {
            reconcile::run_target(self.db, &self.targets, target::NAME)?;
        }
        notify::dispatch::run(self.db)?;
        Ok(())
    }

    fn submit(&self, ask: &Ask) -> Result<RequestId> {
        let zone = self.db.zone();
        let day = |days: u64| {
            let today = zone.date(self.now);
            today.checked_add_days(chrono::Days::new(days)).unwrap_or(today)
        };
        let previous = ask.again.then(|| {
            let same = |index: &usize| ASKS[*index].who == ask.who && ASKS[*index].what == ask.what;
            self.requests.iter().filter(|(index, _)| same(index)).max().map(|(_, id)| *id)
        });
        let package = self.offered.package(ask.what)?;
        let submit = Submit {
            reason: ask.why.to_owned(),
            answers: ask.answers.iter().map(|(key, said)| ((*key).into(), owned(said))).collect(),
            period: Period {
                starts: ask.from.map(|days| zone.start_of(day(days))),
                ends: ask.until.map(|days| zone.end_of(day(days))),
            },
            previous: previous.flatten(),
            ..Submit::of(package)
        };
        let who = self.names.person(ask.who)?;
        let by = ask.by.map_or(Ok(who), |by| self.names.person(by))?;
        self.db.write(By::Person(by), move |tx| {
            let position = requests::eligibility::position(tx.db(), by, who, package)?;
            let permit = policy::request_access(tx.actor(), &position.standing())?;
            requests::commands::submit(tx, &permit, &submit)
        })
    }

    /// Does it; returns the request that is talked of from then on, and whether something is to be delivered.
    fn act(&self, request: RequestId, act: &'static Act) -> Result<(RequestId, bool)> {
        let me = self.names.person(act.by)?;
        self.db.write(By::Person(me), move |tx| match act.what {
            What::Approve(note) => decide(tx, request, Verdict::Approve, note),
            What::Deny(note) => decide(tx, request, Verdict::Deny, note),
            What::Cancel => {
                let standing = standing(tx, request)?;
                let permit = policy::cancel_request(tx.actor(), &standing)?;
                requests::commands::cancel(tx, &permit)?;
                Ok((request, false))
            }
            What::End(why) => {
                let standing = standing(tx, request)?;
                let permit = policy::manage_assignment(tx.actor(), standing.catalog)?;
                let id = held(tx, request)?;
                requests::commands::end_assignment(tx, &permit, id, why)?;
                Ok((request, true))
            }
            What::Extend(why) => {
                let permit = policy::own_assignment(tx.actor(), me)?;
                let extend = Extend {
                    id: RequestId::fresh(),
                    assignment: held(tx, request)?,
                    reason: why.to_owned(),
                    until: None,
                };
                Ok((requests::commands::extend(tx, &permit, &extend)?, false))
            }
            What::GiveBack(why) => {
                let permit = policy::own_assignment(tx.actor(), me)?;
                let id = held(tx, request)?;
                Ok((requests::commands::give_back(tx, &permit, id, why)?, true))
            }
        })
    }

    /// An access review is set up; it starts at once.
    fn review(&self, review: &'static Reviewed) -> Result<()> {
        let zone = self.db.zone();
        let named = |id: &str| -> Result<Named<PersonId>> {
            let person = self.names.person(id)?;
            let name = self.db.read(|db| Ok(directory::store::person(db, person)?.name))?;
            Ok(Named { id: person, name })
        };
        let catalog = match review.catalog {
            Some(name) => Some(Named { id: self.offered.catalog(name)?, name: name.to_owned() }),
            None => None,
        };
        let new = NewReview {
            rows: vec![],
            id: ReviewId::fresh(),
            name: review.name.to_owned(),
            catalog: catalog.as_ref().map(|catalog| catalog.id),
            terms: Terms {
                scope: Scope { catalog, ..Scope::default() },
                reviewers: match review.reviewer {
                    None => Reviewers::Manager,
                    Some(id) => Reviewers::Named { people: vec![named(id)?], groups: vec![] },
                },
                fallback: vec![named(review.fallback)?],
                rhythm: Rhythm::Quarterly,
                first: zone.date(self.clock.now()),
                days: review.days,
                silence: Silence::Keep,
                recommends: true,
                reasons: false,
                at_once: false,
                words: review.words.to_owned(),
                then: vec![],
            },
        };
        let by = self.names.person(review.by)?;
        self.db.write(By::Person(by), move |tx| {
            let permit = policy::manage_review(tx.actor(), new.catalog)?;
            reviews::commands::create(tx, &permit, &new).map(|_| ())
        })
    }

    /// The policy whose lifetime was another at first gets the one of the plan.
    fn lengthen(&self) -> Result<()> {
        let (package, name, by, _) = story::LONGER;
        let mut plan = PACKAGES.iter().filter(|p| p.name == package).flat_map(|p| p.policies);
        let plan = plan.find(|policy| policy.name == name).ok_or(Error::Missing)?;
        let (catalog, id) = self.offered.policy(package, name)?;
        let terms = self.names.terms(plan, plan.lifetime, self.db.zone().date(self.clock.now()))?;
        self.db.write(By::Person(self.names.person(by)?), move |tx| {
            let permit = policy::manage_catalog(tx.actor(), catalog)?;
            policies::commands::change(tx, &permit, id, 1, name, &terms).map(|_| ())
        })
    }
}

fn standing(tx: &mut Tx<'_>, request: RequestId) -> Result<policy::RequestStanding> {
    let request = requests::store::one(tx.db(), request)?;
    requests::store::standing(tx.db(), &request)
}

fn held(tx: &mut Tx<'_>, request: RequestId) -> Result<AssignmentId> {
    Ok(assignments::store::of_request(tx.db(), request)?.ok_or(Error::Missing)?.id)
}

fn owned(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

fn decide(
    tx: &mut Tx<'_>,
    request: RequestId,
    verdict: Verdict,
    note: &str,
) -> Result<(RequestId, bool)> {
    let standing = standing(tx, request)?;
    let permit = policy::decide_stage(tx.actor(), &standing)?;
    let stages = requests::store::stages(tx.db(), &[request])?;
    let open = stages.into_iter().find(|stage| stage.state() == StageState::Open);
    let stage = open.ok_or(Error::Missing)?.id;
    let after = requests::commands::decide(tx, &permit, stage, verdict, note)?.state;
    Ok((request, after != State::PendingApproval))
}
