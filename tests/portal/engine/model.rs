//! Random histories of requests, lived through twice: by the engine and by a plain model (E34). After every step both
//! must stand at the same place, and what must always hold does.
//!
//! `KEYHOLDER_SEED=7` replays one history, `KEYHOLDER_LONG=1` runs ten times as many.

mod reference;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};

use keyholder::error::{Error, Result};
use keyholder::kernel::{
    AssignmentId, GroupId, PackageId, PersonId, PolicyId, RequestId, Risk, RoleId, Ts,
};
use keyholder::policies::model as real;
use keyholder::policies::stages as real_stages;
use keyholder::requests::commands::Submit;
use keyholder::requests::model::{StageState, Verdict};
use keyholder::requests::rules::Period;
use keyholder::requests::stops;
use keyholder::requests::store;
use reference::{
    DAY, Kind, Model, OWNER, Package, Primary, StageTerms, State, Terms, Thing, Votes,
};

use crate::support::acts::assignment;
use crate::support::invariants;
use crate::support::world::{TARGET, World, named, order};

const STEPS: usize = 20;
const PACKAGES: usize = 3;
const ASKERS: usize = 8;
/// The group of those in scope, and that of approvers.
const SCOPE: usize = 0;
const APPROVERS: usize = 1;

/// Numbers that a seed always repeats (SplitMix64).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % sides as u64).unwrap()
    }

    fn one_in(&mut self, n: usize) -> bool {
        self.roll(n) == 0
    }

    fn days(&mut self, from: i64, to: i64) -> i64 {
        from + i64::try_from(self.roll(usize::try_from(to - from + 1).unwrap())).unwrap()
    }

    fn of<T: Clone>(&mut self, all: &[T]) -> Option<T> {
        if all.is_empty() { None } else { Some(all[self.roll(all.len())].clone()) }
    }

    /// Some of them, at least one, each once.
    fn some(&mut self, all: &[usize], most: usize) -> Vec<usize> {
        let mut all = all.to_vec();
        let many = 1 + self.roll(most.min(all.len()));
        (0..many).map(|_| all.swap_remove(self.roll(all.len()))).collect()
    }
}

/// What happens in a step; everything is a number of the model.
#[derive(Clone, Debug)]
enum Step {
    Submit { requestor: usize, target: usize, package: usize, starts: Option<i64> },
    Vote { request: usize, who: usize, yes: bool },
    Cancel { request: usize, who: usize },
    Pass { seconds: i64 },
    Leave { who: usize },
    LeaveGroup { group: usize, who: usize },
    Edit { package: usize, terms: Terms },
    Switch { package: usize },
    Contents { package: usize, high: bool },
    Stop { thing: Thing },
    LetOn { thing: Thing },
    Extend { who: usize, assignment: usize },
    GiveBack { who: usize, assignment: usize },
    TakeAgain { who: usize, back: usize },
    Assign { target: usize, package: usize },
    End { assignment: usize },
}

struct Real {
    package: PackageId,
    policy: PolicyId,
    roles: Vec<RoleId>,
}

/// One history. Says how to replay it if it fails.
struct History<'a> {
    w: &'a World,
    seed: u64,
    dice: Dice,
    model: Model,
    began: Ts,
    people: Vec<PersonId>,
    groups: Vec<GroupId>,
    packages: Vec<Real>,
    requests: Vec<RequestId>,
    steps: Vec<Step>,
}

impl Drop for History<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let steps: Vec<String> = self.steps.iter().map(|s| format!("  {s:?}")).collect();
            eprintln!("KEYHOLDER_SEED={} replays this history:\n{}", self.seed, steps.join("\n"));
        }
    }
}

impl<'a> History<'a> {
    fn new(w: &'a World, seed: u64) -> Self {
        let mut people = w.people(ASKERS);
        w.set_manager(people[0], Some(people[1]));
        w.set_manager(people[1], Some(people[2]));
        w.set_manager(people[3], Some(people[1]));
        people.extend([w.cleo, w.root]);
        let members = [vec![0, 1, 3, 4, 5], vec![2, 5, 6]];
        let of = |all: &Vec<usize>| all.iter().map(|who| people[*who]).collect::<Vec<_>>();
        let groups = members.iter().map(|all| w.group(&of(all))).collect();
        let mut managers = vec![None; ASKERS + 2];
        (managers[0], managers[1], managers[3]) = (Some(1), Some(2), Some(1));
        let model = Model {
            now: 0,
            here: vec![true; ASKERS + 2],
            managers,
            groups: members.into_iter().map(|all| all.into_iter().collect()).collect(),
            packages: vec![],
            stops: BTreeSet::new(),
            requests: vec![],
            assignments: vec![],
        };
        let mut it = Self {
            w,
            seed,
            dice: Dice(seed),
            model,
            began: w.now(),
            people,
            groups,
            packages: vec![],
            requests: vec![],
            steps: vec![],
        };
        for n in 0..PACKAGES {
            let terms = it.terms(it.dice_days());
            let roles = vec![w.role(&format!("of {seed} in {n}"))];
            let (package, policy) = w.package_and_policy(&roles, it.real(&terms));
            it.packages.push(Real { package, policy, roles });
            it.model.packages.push(Package {
                terms,
                version: 1,
                enabled: true,
                contents: 1,
                high: false,
            });
        }
        it
    }

    fn dice_days(&self) -> i64 {
        5 + i64::try_from(self.seed % 40).unwrap()
    }

    // ---- chance ----

    fn here(&self) -> Vec<usize> {
        (0..ASKERS).filter(|who| self.model.here[*who]).collect()
    }

    fn terms(&mut self, days: i64) -> Terms {
        let many = [0, 1, 1, 2, 2, 3][self.dice.roll(6)];
        let mut stages: Vec<StageTerms> = Vec::new();
        while stages.len() < many {
            let stage = self.stage();
            // A manager decides in one stage only.
            let named = matches!(stage.primary, Primary::Named(..));
            if named || stages.iter().all(|s| s.primary != stage.primary) {
                stages.push(stage);
            }
        }
        let last = self.dice.one_in(2).then_some(3);
        Terms {
            scope: self.dice.one_in(3).then_some(SCOPE),
            stages,
            decides_twice: self.dice.one_in(4),
            days,
            extension: self.dice.one_in(2).then(|| (self.dice.one_in(2), last)),
        }
    }

    fn stage(&mut self) -> StageTerms {
        let here = self.here();
        let days = self.dice.days(2, 10);
        let (primary, votes) = match self.dice.roll(5) {
            0 => (Primary::Manager, Votes::Any),
            1 => (Primary::Second, Votes::Any),
            _ => {
                let people = self.dice.some(&here, 3);
                let group = self.dice.one_in(3)
                    && self.model.groups[APPROVERS].iter().any(|who| self.model.here[*who]);
                let votes = match self.dice.roll(3) {
                    0 if people.len() > 1 => Votes::Some(2 + self.dice.roll(people.len() - 1)),
                    1 => Votes::Everyone,
                    _ => Votes::Any,
                };
                let groups = if group { vec![APPROVERS] } else { vec![] };
                (Primary::Named(people, groups), votes)
            }
        };
        let alternates = self.dice.one_in(2);
        StageTerms {
            primary,
            votes,
            fallback: self.dice.some(&here, 2),
            days,
            alternates: alternates.then(|| (self.dice.days(1, days - 1), self.dice.some(&here, 2))),
            longer_than: self.dice.one_in(4).then_some(25),
        }
    }

    /// A request to do something with: an open one rather than an ended one.
    fn a_request(&mut self) -> Option<usize> {
        let all: Vec<usize> = (0..self.model.requests.len()).collect();
        let pending = |id: &usize| self.model.requests[*id].state == State::Pending;
        let open: Vec<usize> = all.iter().copied().filter(pending).collect();
        if self.dice.one_in(8) || open.is_empty() {
            self.dice.of(&all)
        } else {
            self.dice.of(&open)
        }
    }

    fn an_assignment(&mut self) -> Option<usize> {
        let all: Vec<usize> = (0..self.model.assignments.len()).collect();
        let active = |a: &usize| !self.model.assignments[*a].ended;
        let active: Vec<usize> = all.iter().copied().filter(active).collect();
        if self.dice.one_in(8) { self.dice.of(&all) } else { self.dice.of(&active) }
    }

    fn step(&mut self) -> Option<Step> {
        let (who, package) = (self.dice.roll(ASKERS), self.dice.roll(PACKAGES));
        Some(match self.dice.roll(40) {
            0..=7 => {
                let target = if self.dice.one_in(4) { self.dice.roll(ASKERS) } else { who };
                let later = self.dice.one_in(5);
                let starts = later.then(|| (self.model.now / DAY + self.dice.days(2, 9)) * DAY);
                Step::Submit { requestor: who, target, package, starts }
            }
            8..=18 => {
                let request = self.a_request()?;
                let asked = self.model.requests[request].stage.as_ref();
                let asked: Vec<usize> = asked.map_or(vec![], |s| s.waiting().into_iter().collect());
                let who = if self.dice.one_in(8) { Some(who) } else { self.dice.of(&asked) };
                Step::Vote { request, who: who?, yes: !self.dice.one_in(6) }
            }
            19 => {
                let request = self.a_request()?;
                let r = &self.model.requests[request];
                let who = [r.requestor, r.target, who][self.dice.roll(3)];
                Step::Cancel { request, who }
            }
            20..=25 => {
                let seconds = match self.dice.roll(4) {
                    0 => self.dice.days(1, 24) * 3_600,
                    1 => self.dice.days(10, 40) * DAY,
                    _ => self.dice.days(1, 6) * DAY,
                };
                Step::Pass { seconds }
            }
            26 if self.here().len() > 4 => Step::Leave { who: self.dice.of(&self.here())? },
            27 => {
                let group = self.dice.roll(2);
                let members: Vec<usize> = self.model.groups[group].iter().copied().collect();
                let who = self.dice.of(&members).filter(|_| members.len() > 1)?;
                Step::LeaveGroup { group, who }
            }
            28 | 29 => {
                let days = self.model.packages[package].terms.days + 1;
                Step::Edit { package, terms: self.terms(days) }
            }
            30 if self.dice.one_in(2) => Step::Switch { package },
            31 => Step::Contents { package, high: self.dice.one_in(3) },
            32 => {
                let all = [Thing::Catalog, Thing::Package(package), Thing::Policy(package)];
                Step::Stop { thing: self.dice.of(&all)? }
            }
            33 | 34 => {
                let stops: Vec<Thing> = self.model.stops.iter().copied().collect();
                Step::LetOn { thing: self.dice.of(&stops)? }
            }
            35 | 36 => {
                let assignment = self.an_assignment()?;
                let holder = self.model.assignments[assignment].target;
                let who = if self.dice.one_in(8) { who } else { holder };
                Step::Extend { who, assignment }
            }
            37 => {
                let assignment = self.an_assignment()?;
                let holder = self.model.assignments[assignment].target;
                let who = if self.dice.one_in(8) { who } else { holder };
                Step::GiveBack { who, assignment }
            }
            38 => {
                let back = |id: &usize| self.model.requests[*id].kind == Kind::GiveBack;
                let all: Vec<usize> = (0..self.model.requests.len()).filter(back).collect();
                let back = self.dice.of(&all)?;
                Step::TakeAgain { who: self.model.requests[back].target, back }
            }
            39 if self.dice.one_in(2) => Step::End { assignment: self.an_assignment()? },
            _ => Step::Assign { target: who, package },
        })
    }

    // ---- the same to the engine ----

    fn real(&self, terms: &Terms) -> real::Terms {
        let people = |all: &[usize]| all.iter().map(|who| named(self.people[*who])).collect();
        let stage = |s: &StageTerms| {
            let approvers = match &s.primary {
                Primary::Manager => real_stages::Approvers::Manager,
                Primary::Second => real_stages::Approvers::SecondManager,
                Primary::Named(who, groups) => real_stages::Approvers::Named {
                    people: people(who),
                    groups: groups.iter().map(|g| named(self.groups[*g])).collect(),
                },
            };
            real_stages::StageTerms {
                votes: match s.votes {
                    Votes::Any => real_stages::Votes::Any,
                    Votes::Some(n) => real_stages::Votes::Some { n: u32::try_from(n).unwrap() },
                    Votes::Everyone => real_stages::Votes::Everyone,
                },
                alternates: s.alternates.as_ref().map(|(after, who)| real_stages::Alternates {
                    after: u32::try_from(*after).unwrap(),
                    people: people(who),
                    groups: vec![],
                    second_manager: false,
                }),
                only_if: s.longer_than.map(|days| real_stages::Condition::LongerThan {
                    days: u32::try_from(days).unwrap(),
                }),
                ..real_stages::StageTerms::simple(
                    approvers,
                    people(&s.fallback),
                    u32::try_from(s.days).unwrap(),
                )
            }
        };
        let groups: Vec<_> = terms.scope.iter().map(|g| named(self.groups[*g])).collect();
        real::Terms {
            scope: real::Scope { all_members: groups.is_empty(), groups, ..real::Scope::default() },
            asks: real::Asks { manager: true, ..real::Asks::default() },
            stages: terms.stages.iter().map(stage).collect(),
            decides_twice: terms.decides_twice,
            lifetime: real::Lifetime::Days { days: u32::try_from(terms.days).unwrap() },
            period_chosen: true,
            extension: terms.extension.map(|(approval, last)| real::Extension {
                approval,
                last_days: last.map(|days| u32::try_from(days).unwrap()),
            }),
            ..real::Terms::default()
        }
    }

    fn at(&self, seconds: i64) -> Ts {
        self.began.plus_seconds(seconds)
    }

    fn thing(&self, thing: Thing) -> stops::Thing {
        match thing {
            Thing::Catalog => stops::Thing::Catalog(self.w.catalog),
            Thing::Package(n) => stops::Thing::Package(self.packages[n].package),
            Thing::Policy(n) => stops::Thing::Policy(self.packages[n].policy),
        }
    }

    fn assignment(&self, a: usize) -> AssignmentId {
        self.w.assignment(self.requests[self.model.assignments[a].request]).id
    }

    /// Whether the engine accepted it; a new request is remembered.
    fn made(&mut self, result: Result<RequestId>) -> bool {
        let accepted = accepted(&result);
        if let Ok(id) = result
            && !self.requests.contains(&id)
        {
            self.requests.push(id);
        }
        accepted
    }

    /// Does it in both worlds; whether each accepted it.
    fn do_it(&mut self, step: &Step) -> (bool, bool) {
        let w = self.w;
        match step.clone() {
            Step::Submit { requestor, target, package, starts } => {
                // The form refuses a first day of today, which means at once.
                let period = Period { starts: starts.map(|s| self.at(s)), ends: None };
                let order = Submit { period, ..order(self.packages[package].package) };
                let made = w.ask_for(self.people[requestor], self.people[target], order);
                let model = self.model.submit(requestor, target, package, starts);
                (self.made(made), model)
            }
            Step::Vote { request, who, yes } => {
                let id = self.requests[request];
                let verdict = if yes { Verdict::Approve } else { Verdict::Deny };
                let stage = w.stages(id).last().map(|s| s.id);
                let result = stage.map(|s| w.decide(self.people[who], id, s, verdict, "because"));
                let real = result.is_some_and(|result| accepted(&result));
                (real, self.model.vote(request, who, yes))
            }
            Step::Cancel { request, who } => {
                let real = accepted(&w.cancel(self.people[who], self.requests[request]));
                (real, self.model.cancel(request, who))
            }
            Step::Pass { seconds } => {
                w.pass(seconds);
                self.model.now += seconds;
                (true, true)
            }
            Step::Leave { who } => {
                w.leave(self.people[who]);
                self.model.leave(who);
                (true, true)
            }
            Step::LeaveGroup { group, who } => {
                self.model.leave_group(group, who);
                let left: Vec<PersonId> =
                    self.model.groups[group].iter().map(|who| self.people[*who]).collect();
                w.import_group(self.groups[group], &left);
                (true, true)
            }
            Step::Edit { package, terms } => {
                w.edit_policy(self.packages[package].policy, &self.real(&terms));
                self.model.edit(package, terms);
                (true, true)
            }
            Step::Switch { package } => {
                let on = &mut self.model.packages[package].enabled;
                *on = !*on;
                w.switch_policy(self.packages[package].policy, *on);
                (true, true)
            }
            Step::Contents { package, high } => {
                let risk = if high { Risk::High } else { Risk::Ordinary };
                let address = format!("{} more of {}", self.steps.len(), self.seed);
                let it = &mut self.packages[package];
                it.roles.push(w.role_of(&address, risk, false, TARGET));
                w.set_contents(it.package, &it.roles);
                self.model.contents(package, high);
                (true, true)
            }
            Step::Stop { thing } => {
                w.stop(self.thing(thing));
                self.model.stop(thing);
                (true, true)
            }
            Step::LetOn { thing } => {
                w.let_on(self.thing(thing));
                self.model.let_on(thing);
                (true, true)
            }
            Step::Extend { who, assignment } => {
                let made = w.extend(self.people[who], self.assignment(assignment));
                let model = self.model.extend(who, assignment);
                (self.made(made), model)
            }
            Step::GiveBack { who, assignment } => {
                let made = w.give_back(self.people[who], self.assignment(assignment));
                let model = self.model.give_back(who, assignment);
                (self.made(made), model)
            }
            Step::TakeAgain { who, back } => {
                let made = w.take_again(self.people[who], self.requests[back]);
                let model = self.model.take_again(who, back);
                (self.made(made), model)
            }
            Step::Assign { target, package } => {
                let it = &self.packages[package];
                let assign = assignment(it.package, it.policy, self.people[target]);
                let made = w.assign(self.people[OWNER], assign);
                let model = self.model.assign(target, package);
                (self.made(made), model)
            }
            Step::End { assignment } => {
                let real = accepted(&w.end(self.people[OWNER], self.assignment(assignment)));
                (real, self.model.end_now(assignment))
            }
        }
    }

    fn live(mut self) {
        for n in 0..STEPS {
            let Some(step) = self.step() else { continue };
            self.steps.push(step.clone());
            // No two steps at the same instant.
            self.w.pass(1);
            self.model.now += 1;
            let (real, model) = self.do_it(&step);
            assert_eq!(
                real, model,
                "step {n}: {step:?}: the engine accepts: {real}, the model: {model}"
            );
            self.w.tick();
            self.w.deliver();
            self.w.dispatch();
            self.model.tick();
            self.model.deliver();
            self.compare(n, &step);
            invariants::check(&self.w.db, &self.w.target);
        }
    }

    fn compare(&self, n: usize, step: &Step) {
        assert_eq!(self.requests.len(), self.model.requests.len(), "step {n}: {step:?}");
        let stored: usize = self
            .packages
            .iter()
            .flat_map(|it| self.people.iter().map(|p| self.w.requests_of(*p, it.package).len()))
            .sum();
        assert_eq!(stored, self.requests.len(), "step {n}: {step:?}: requests that nobody made");
        for (no, id) in self.requests.iter().enumerate() {
            let model = &self.model.requests[no];
            let (request, stages, holders) = self
                .w
                .db
                .read(|db| {
                    let stages = store::stages(db, &[*id])?;
                    Ok((store::one(db, *id)?, stages, store::holders(db, &[*id])?))
                })
                .unwrap();
            let whom = |who: &PersonId| self.people.iter().position(|p| p == who).unwrap();
            let waiting: BTreeSet<usize> = holders.iter().map(|(_, a)| whom(&a.person)).collect();
            let open = stages.iter().find(|s| s.state() == StageState::Open);
            let real = (
                request.state.as_str(),
                open.map(|s| (usize::try_from(s.number).unwrap() - 1, s.due_at)),
                waiting,
                request.held_at.filter(|_| open.is_some()),
            );
            let pending = model.stage.as_ref().filter(|_| model.state == State::Pending);
            let state = match model.state {
                State::Pending => "pending_approval",
                State::Scheduled => "scheduled",
                State::Delivering => "delivering",
                State::Delivered => "delivered",
                State::Denied => "denied",
                State::Expired => "expired",
                State::Canceled => "canceled",
                State::Undelivered => "undelivered",
            };
            let expected = (
                state,
                pending.map(|s| (s.at, self.at(s.due))),
                pending.map_or_else(BTreeSet::new, reference::Stage::waiting),
                model.held_at.filter(|_| pending.is_some()).map(|at| self.at(at)),
            );
            assert_eq!(real, expected, "step {n}: {step:?}: request {no} (left: the engine)");
        }
        for (no, model) in self.model.assignments.iter().enumerate() {
            let there = self.w.assignment(self.requests[model.request]);
            let real = (
                there.started_at.is_some(),
                there.ended_at.is_some(),
                there.starts_at,
                there.ends_at,
                whose(&self.people, there.target_id),
            );
            let expected = (
                model.started,
                model.ended,
                self.at(model.starts),
                Some(self.at(model.ends)),
                model.target,
            );
            assert_eq!(real, expected, "step {n}: {step:?}: assignment {no} (left: the engine)");
        }
    }
}

fn whose(people: &[PersonId], person: PersonId) -> usize {
    people.iter().position(|p| *p == person).unwrap()
}

/// A rule or a permit may say no; anything else is a mistake.
fn accepted<T: std::fmt::Debug>(result: &Result<T>) -> bool {
    match result {
        Ok(_) => true,
        Err(Error::Refused(_) | Error::Denied(_) | Error::Missing | Error::Invalid(_)) => false,
        Err(other) => panic!("{other:?}"),
    }
}

#[test]
fn e34_model_histories() {
    #[expect(clippy::disallowed_methods, reason = "a flag of the test run, not a setting")]
    let number = |name: &str| std::env::var(name).ok().map(|n| n.parse::<u64>().expect(name));
    if let Some(seed) = number("KEYHOLDER_SEED") {
        let Some(w) = World::new() else { return };
        History::new(&w, seed).live();
        return;
    }
    let Some(first) = World::new() else { return };
    let sqlite = matches!(first.db.address(), keyholder::db::Address::Sqlite(_));
    drop(first);
    let many =
        if sqlite { 300 } else { 50 } * if number("KEYHOLDER_LONG") == Some(1) { 10 } else { 1 };
    // A few histories share a world, so that its making does not take the time.
    let next = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| {
                loop {
                    let from = next.fetch_add(5, Ordering::SeqCst);
                    if from >= many {
                        return;
                    }
                    let mut w = World::new().unwrap();
                    for seed in from..(from + 5).min(many) {
                        w.catalog = w.catalog_of(&[w.cleo]);
                        History::new(&w, seed).live();
                    }
                }
            });
        }
    });
}
