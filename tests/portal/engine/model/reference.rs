//! The rules of requests once more, as plain as can be: people and things are numbers, time is seconds, and nothing of
//! the engine is called. What happens here must happen there.

use std::collections::{BTreeMap, BTreeSet};

pub const DAY: i64 = 86_400;
/// The catalog's owner and the administrator, who neither ask nor leave.
pub const OWNER: usize = 8;
pub const ADMINISTRATOR: usize = 9;

pub type Who = usize;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Votes {
    Any,
    Some(usize),
    Everyone,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Primary {
    Manager,
    Second,
    Named(Vec<Who>, Vec<usize>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StageTerms {
    pub primary: Primary,
    pub votes: Votes,
    pub fallback: Vec<Who>,
    pub days: i64,
    pub alternates: Option<(i64, Vec<Who>)>,
    pub longer_than: Option<i64>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// The group of those in scope; none means all members.
    pub scope: Option<usize>,
    pub stages: Vec<StageTerms>,
    pub decides_twice: bool,
    pub days: i64,
    /// With approval, and in the last days only.
    pub extension: Option<(bool, Option<i64>)>,
}

#[derive(Clone, Debug)]
pub struct Package {
    pub terms: Terms,
    pub version: i64,
    pub enabled: bool,
    pub contents: i64,
    pub high: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Thing {
    Catalog,
    Package(usize),
    Policy(usize),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Add,
    Assign,
    Extend,
    GiveBack,
    TakeAgain,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Pending,
    Scheduled,
    Delivering,
    Delivered,
    Denied,
    Expired,
    Canceled,
    Undelivered,
}

impl State {
    pub fn ended(self) -> bool {
        !matches!(self, Self::Pending | Self::Scheduled | Self::Delivering)
    }
}

#[derive(Clone, Debug)]
pub struct Voter {
    primary: bool,
    /// Asked through groups alone: these.
    groups: Option<Vec<usize>>,
    approved: bool,
    gone: bool,
}

impl Voter {
    fn waiting(&self) -> bool {
        !self.approved && !self.gone
    }
}

#[derive(Clone, Debug)]
pub struct Stage {
    pub at: usize,
    pub due: i64,
    alternates_at: Option<i64>,
    needed: usize,
    voters: BTreeMap<Who, Voter>,
}

impl Stage {
    pub fn waiting(&self) -> BTreeSet<Who> {
        self.voters.iter().filter(|(_, v)| v.waiting()).map(|(who, _)| *who).collect()
    }
}

#[derive(Clone, Debug)]
pub struct Request {
    pub kind: Kind,
    pub requestor: Who,
    pub target: Who,
    pub package: usize,
    terms: Terms,
    version: i64,
    contents: i64,
    starts: Option<i64>,
    ends: Option<i64>,
    pub state: State,
    /// The stage that is open, or was last.
    pub stage: Option<Stage>,
    pub held_at: Option<i64>,
    decided: BTreeSet<Who>,
    pub assignment: Option<usize>,
    pub created: i64,
}

#[derive(Clone, Debug)]
pub struct Assignment {
    pub target: Who,
    pub package: usize,
    pub request: usize,
    pub starts: i64,
    pub ends: i64,
    pub started: bool,
    pub ended: bool,
}

#[derive(Clone, Debug)]
pub struct Model {
    pub now: i64,
    pub here: Vec<bool>,
    pub managers: Vec<Option<Who>>,
    pub groups: Vec<BTreeSet<Who>>,
    pub packages: Vec<Package>,
    pub stops: BTreeSet<Thing>,
    pub requests: Vec<Request>,
    pub assignments: Vec<Assignment>,
}

/// What a command did: whether it was accepted.
pub type Accepted = bool;

impl Model {
    fn in_scope(&self, who: Who, terms: &Terms) -> bool {
        self.here[who] && terms.scope.is_none_or(|group| self.groups[group].contains(&who))
    }

    fn stopped(&self, package: usize) -> bool {
        [Thing::Catalog, Thing::Package(package), Thing::Policy(package)]
            .iter()
            .any(|thing| self.stops.contains(thing))
    }

    pub fn open_of(&self, target: Who, package: usize) -> Option<usize> {
        let open = |r: &Request| r.target == target && r.package == package && !r.state.ended();
        self.requests.iter().position(open)
    }

    pub fn held(&self, target: Who, package: usize) -> Option<usize> {
        let held = |a: &Assignment| a.target == target && a.package == package && !a.ended;
        self.assignments.iter().position(held)
    }

    // ---- who decides ----

    fn primaries(&self, terms: &StageTerms, target: Who) -> Vec<(Who, Option<Vec<usize>>)> {
        let here = |who: &Who| self.here[*who];
        let alone =
            |who: Option<Who>| who.filter(here).map(|who| (who, None)).into_iter().collect();
        let manager = self.managers[target];
        match &terms.primary {
            Primary::Manager => alone(manager),
            Primary::Second => alone(manager.and_then(|m| self.managers[m])),
            Primary::Named(people, groups) => {
                let mut all: Vec<(Who, Option<Vec<usize>>)> =
                    people.iter().filter(|who| here(who)).map(|who| (*who, None)).collect();
                for who in groups.iter().flat_map(|g| &self.groups[*g]).filter(|who| here(who)) {
                    if all.iter().all(|(other, _)| other != who) {
                        all.push((*who, Some(groups.clone())));
                    }
                }
                all
            }
        }
    }

    /// The sets that are turned to one after another when the primaries are too few.
    fn rest(&self, terms: &StageTerms) -> [(Vec<Who>, bool); 4] {
        let here = |all: &[Who]| all.iter().copied().filter(|who| self.here[*who]).collect();
        let alternates = terms.alternates.as_ref().map_or(&[][..], |(_, people)| people);
        [
            (here(&terms.fallback), true),
            (here(alternates), false),
            (vec![OWNER], true),
            (vec![ADMINISTRATOR], true),
        ]
    }

    /// Adds from the sets until there are so many who wait; false if that cannot be.
    fn join(
        &self,
        terms: &StageTerms,
        out: &BTreeSet<Who>,
        voters: &mut BTreeMap<Who, Voter>,
        enough: usize,
    ) -> bool {
        let mut added = 0;
        for (set, primary) in self.rest(terms) {
            if added >= enough {
                break;
            }
            for who in set {
                if !out.contains(&who) && !voters.contains_key(&who) {
                    let voter = Voter { primary, groups: None, approved: false, gone: false };
                    voters.insert(who, voter);
                    added += 1;
                }
            }
        }
        added >= enough
    }

    fn voters(
        &self,
        r: &Request,
        terms: &StageTerms,
        out: &BTreeSet<Who>,
    ) -> Option<BTreeMap<Who, Voter>> {
        let mut voters = BTreeMap::new();
        for (who, groups) in self.primaries(terms, r.target) {
            if !out.contains(&who) {
                let voter = Voter { primary: true, groups, approved: false, gone: false };
                voters.insert(who, voter);
            }
        }
        let needed = match terms.votes {
            Votes::Some(n) => n,
            Votes::Any | Votes::Everyone => 1,
        };
        let missing = needed.saturating_sub(voters.len());
        (missing == 0 || self.join(terms, out, &mut voters, missing)).then_some(voters)
    }

    fn out(r: &Request) -> BTreeSet<Who> {
        let mut out = BTreeSet::from([r.requestor, r.target]);
        if !r.terms.decides_twice {
            out.extend(&r.decided);
        }
        out
    }

    fn needed(stage: &Stage, votes: Votes) -> usize {
        match votes {
            Votes::Any => 1,
            Votes::Some(_) => stage.needed,
            Votes::Everyone => {
                stage.voters.values().filter(|v| v.primary && !v.gone).count().max(1)
            }
        }
    }

    // ---- from stage to stage ----

    fn applies(r: &Request, terms: &StageTerms) -> bool {
        // A period is asked for in no history: it is as long as the policy says.
        terms.longer_than.is_none_or(|days| r.terms.days > days)
    }

    /// Sends a new request on its way; false when nobody could decide.
    fn go(&mut self, id: usize) -> bool {
        let r = self.requests[id].clone();
        let out = BTreeSet::from([r.requestor, r.target]);
        let mut stages = r.terms.stages.iter().filter(|s| Self::applies(&r, s));
        if stages.any(|s| self.voters(&r, s, &out).is_none()) {
            return false;
        }
        self.open_stage(id, 0);
        true
    }

    fn open_stage(&mut self, id: usize, from: usize) {
        let r = self.requests[id].clone();
        let next = (from..r.terms.stages.len()).find(|at| Self::applies(&r, &r.terms.stages[*at]));
        let Some(at) = next else { return self.approved(id) };
        let terms = &r.terms.stages[at];
        let Some(voters) = self.voters(&r, terms, &Self::out(&r)) else { return self.deny(id) };
        let needed = if let Votes::Some(n) = terms.votes { n } else { 1 };
        let alternates_at = terms.alternates.as_ref().map(|(days, _)| self.now + days * DAY);
        let due = self.now + terms.days * DAY;
        self.requests[id].stage = Some(Stage { at, due, alternates_at, needed, voters });
    }

    fn deny(&mut self, id: usize) {
        self.requests[id].state = State::Denied;
    }

    fn approved(&mut self, id: usize) {
        let now = self.now;
        let r = self.requests[id].clone();
        if r.kind == Kind::Extend {
            let held = r.assignment.filter(|a| !self.assignments[*a].ended);
            let latest = now + r.terms.days * DAY;
            match held {
                Some(a)
                    if self.packages[r.package].enabled && latest > self.assignments[a].ends =>
                {
                    self.assignments[a].ends = latest;
                    self.requests[id].state = State::Delivered;
                }
                _ => self.deny(id),
            }
            return;
        }
        let starts = r.starts.unwrap_or(now).max(now);
        let ends = match r.kind {
            Kind::TakeAgain => r.ends.unwrap(),
            _ => starts + r.terms.days * DAY,
        };
        if ends <= starts {
            return self.deny(id);
        }
        let started = starts <= now;
        let (target, package) = (r.target, r.package);
        self.assignments.push(Assignment {
            target,
            package,
            request: id,
            starts,
            ends,
            started,
            ended: false,
        });
        self.requests[id].state = if started { State::Delivering } else { State::Scheduled };
    }

    /// The open stage has its votes, or not.
    fn count(&mut self, id: usize) {
        let r = &self.requests[id];
        let Some(stage) = r.stage.clone() else { return };
        let votes = r.terms.stages[stage.at].votes;
        let yes = stage.voters.values().filter(|v| v.approved).count();
        if yes < Self::needed(&stage, votes) {
            return;
        }
        if self.in_scope(r.target, &r.terms) {
            self.open_stage(id, stage.at + 1);
        } else {
            self.deny(id);
        }
    }

    /// Somebody can no longer decide the open stage.
    fn approver_gone(&mut self, id: usize, who: Who) {
        let r = self.requests[id].clone();
        let mut stage = r.stage.clone().unwrap();
        let terms = &r.terms.stages[stage.at];
        stage.voters.get_mut(&who).unwrap().gone = true;
        let yes = stage.voters.values().filter(|v| v.approved).count();
        let waiting = stage.voters.values().filter(|v| v.waiting()).count();
        let primaries = stage.voters.values().filter(|v| v.primary && !v.gone).count();
        let needed = Self::needed(&stage, terms.votes);
        let orphaned = terms.votes == Votes::Everyone && primaries == 0;
        if yes < needed && (yes + waiting < needed || orphaned) {
            let mut out = Self::out(&r);
            // The set of then: who would be asked now and was not then does not join.
            out.extend(self.primaries(terms, r.target).into_iter().map(|(who, _)| who));
            let missing = (needed - yes).saturating_sub(waiting).max(1);
            if !self.join(terms, &out, &mut stage.voters, missing) {
                self.requests[id].stage = Some(stage);
                return self.deny(id);
            }
        }
        self.requests[id].stage = Some(stage);
        if r.held_at.is_none() {
            self.count(id);
        }
    }

    fn gone_from(&mut self, who: Who, gone: impl Fn(&Self, &Voter) -> bool) {
        for id in 0..self.requests.len() {
            let r = &self.requests[id];
            let voter = r.stage.as_ref().and_then(|s| s.voters.get(&who));
            let waits = r.state == State::Pending && voter.is_some_and(Voter::waiting);
            if waits && gone(self, voter.unwrap()) {
                self.approver_gone(id, who);
            }
        }
    }

    /// An assignment ends: what hangs on it ends with it.
    fn end(&mut self, a: usize) {
        self.assignments[a].ended = true;
        let Assignment { request, target, package, .. } = self.assignments[a];
        if !self.requests[request].state.ended() {
            self.requests[request].state = State::Undelivered;
        }
        if let Some(open) = self.open_of(target, package)
            && self.requests[open].kind == Kind::Extend
        {
            self.deny(open);
        }
    }

    fn add(&mut self, kind: Kind, requestor: Who, target: Who, package: usize) -> usize {
        let p = &self.packages[package];
        self.requests.push(Request {
            kind,
            requestor,
            target,
            package,
            terms: p.terms.clone(),
            version: p.version,
            contents: p.contents,
            starts: None,
            ends: None,
            state: State::Pending,
            stage: None,
            held_at: None,
            decided: BTreeSet::new(),
            assignment: None,
            created: self.now,
        });
        self.requests.len() - 1
    }

    // ---- what people do ----

    pub fn submit(
        &mut self,
        requestor: Who,
        target: Who,
        package: usize,
        starts: Option<i64>,
    ) -> Accepted {
        let p = &self.packages[package];
        let may = requestor == target || self.managers[target] == Some(requestor);
        let fine = self.here[requestor]
            && may
            && self.held(target, package).is_none()
            && self.open_of(target, package).is_none()
            && p.enabled
            && self.in_scope(target, &p.terms)
            && !self.stopped(package);
        if !fine {
            return false;
        }
        let id = self.add(Kind::Add, requestor, target, package);
        self.requests[id].starts = starts;
        let went = self.go(id);
        if !went {
            self.requests.pop();
        }
        went
    }

    pub fn vote(&mut self, id: usize, who: Who, yes: bool) -> Accepted {
        let now = self.now;
        let r = &mut self.requests[id];
        let open = r.state == State::Pending && r.held_at.is_none() && self.here[who];
        let Some(stage) = r.stage.as_mut().filter(|s| open && s.due > now) else { return false };
        let Some(voter) = stage.voters.get_mut(&who).filter(|v| v.waiting()) else { return false };
        voter.approved = yes;
        r.decided.insert(who);
        if yes {
            self.count(id);
        } else {
            self.deny(id);
        }
        true
    }

    pub fn cancel(&mut self, id: usize, who: Who) -> Accepted {
        let r = &self.requests[id];
        if !self.here[who] || ![r.requestor, r.target, OWNER, ADMINISTRATOR].contains(&who) {
            return false;
        }
        match r.state {
            State::Pending | State::Scheduled => {
                self.cancel_now(id);
                true
            }
            state => state == State::Canceled,
        }
    }

    fn cancel_now(&mut self, id: usize) {
        self.requests[id].state = State::Canceled;
        for a in &mut self.assignments {
            a.ended |= a.request == id;
        }
    }

    pub fn leave(&mut self, who: Who) {
        self.here[who] = false;
        for id in 0..self.requests.len() {
            let r = &self.requests[id];
            let theirs = r.requestor == who || r.target == who;
            if theirs && matches!(r.state, State::Pending | State::Scheduled) {
                self.cancel_now(id);
            }
        }
        for a in 0..self.assignments.len() {
            if self.assignments[a].target == who && !self.assignments[a].ended {
                self.end(a);
            }
        }
        self.gone_from(who, |_, _| true);
    }

    pub fn leave_group(&mut self, group: usize, who: Who) {
        self.groups[group].remove(&who);
        self.gone_from(who, |model, voter| {
            let left = |groups: &Vec<usize>| {
                groups.contains(&group) && groups.iter().all(|g| !model.groups[*g].contains(&who))
            };
            voter.groups.as_ref().is_some_and(left)
        });
    }

    pub fn edit(&mut self, package: usize, terms: Terms) {
        let p = &mut self.packages[package];
        p.version += i64::from(p.terms != terms);
        p.terms = terms;
    }

    pub fn contents(&mut self, package: usize, high: bool) {
        self.packages[package].contents += 1;
        if !high {
            return;
        }
        self.packages[package].high = true;
        for id in 0..self.requests.len() {
            let r = &self.requests[id];
            let waits = matches!(r.state, State::Pending | State::Scheduled);
            if r.package == package && waits && r.kind != Kind::Extend {
                self.deny(id);
                for a in &mut self.assignments {
                    a.ended |= a.request == id;
                }
            }
        }
    }

    pub fn stop(&mut self, thing: Thing) {
        self.stops.insert(thing);
        for id in 0..self.requests.len() {
            let waits = matches!(self.requests[id].state, State::Pending | State::Scheduled);
            if waits && self.stopped(self.requests[id].package) {
                self.requests[id].held_at.get_or_insert(self.now);
            }
        }
    }

    pub fn let_on(&mut self, thing: Thing) {
        self.stops.remove(&thing);
        for id in 0..self.requests.len() {
            let waits = matches!(self.requests[id].state, State::Pending | State::Scheduled);
            if !waits || self.stopped(self.requests[id].package) {
                continue;
            }
            let Some(since) = self.requests[id].held_at.take() else { continue };
            if self.requests[id].state == State::Pending {
                let waited = self.now - since;
                let stage = self.requests[id].stage.as_mut().unwrap();
                stage.due += waited;
                stage.alternates_at = stage.alternates_at.map(|at| at + waited);
                self.count(id);
            }
        }
    }

    pub fn extend(&mut self, who: Who, a: usize) -> Accepted {
        let held = self.assignments[a].clone();
        let p = &self.packages[held.package];
        let Some((approval, last)) = p.terms.extension else { return false };
        let fine = self.here[who]
            && held.target == who
            && held.started
            && !held.ended
            && p.enabled
            && last.is_none_or(|days| held.ends - days * DAY <= self.now)
            && self.in_scope(who, &p.terms)
            && !self.stopped(held.package)
            && self.open_of(who, held.package).is_none()
            && self.now + p.terms.days * DAY > held.ends;
        if !fine {
            return false;
        }
        let id = self.add(Kind::Extend, who, who, held.package);
        self.requests[id].assignment = Some(a);
        if !approval {
            self.requests[id].terms.stages.clear();
        }
        let went = self.go(id);
        if !went {
            self.requests.pop();
        }
        went
    }

    pub fn give_back(&mut self, who: Who, a: usize) -> Accepted {
        let held = self.assignments[a].clone();
        if !self.here[who] || held.target != who {
            return false;
        }
        if held.ended {
            let back = |r: &Request| r.kind == Kind::GiveBack && r.assignment == Some(a);
            return self.requests.iter().any(back);
        }
        if !held.started {
            return false;
        }
        self.end(a);
        let id = self.add(Kind::GiveBack, who, who, held.package);
        let r = &mut self.requests[id];
        (r.state, r.ends, r.assignment) = (State::Delivered, Some(held.ends), Some(a));
        true
    }

    pub fn take_again(&mut self, who: Who, back: usize) -> Accepted {
        let b = self.requests[back].clone();
        let p = &self.packages[b.package];
        let touched = self.requests[back + 1..]
            .iter()
            .any(|r| r.target == b.target && r.package == b.package && r.state != State::Canceled);
        let fine = self.here[who]
            && b.target == who
            && b.created + 30 * DAY > self.now
            && b.ends.unwrap() > self.now
            && p.enabled
            && p.version == b.version
            && p.contents == b.contents
            && !touched
            && self.in_scope(who, &b.terms)
            && self.held(who, b.package).is_none()
            && self.open_of(who, b.package).is_none()
            && !self.stopped(b.package);
        if fine {
            let id = self.add(Kind::TakeAgain, who, who, b.package);
            self.requests[id].ends = b.ends;
            self.approved(id);
        }
        fine
    }

    pub fn assign(&mut self, target: Who, package: usize) -> Accepted {
        let p = &self.packages[package];
        let fine = self.in_scope(target, &p.terms)
            && p.enabled
            && self.held(target, package).is_none()
            && self.open_of(target, package).is_none()
            && !self.stopped(package);
        if fine {
            let id = self.add(Kind::Assign, OWNER, target, package);
            self.approved(id);
        }
        fine
    }

    pub fn end_now(&mut self, a: usize) -> Accepted {
        let ended = self.assignments[a].ended;
        if !ended {
            self.end(a);
        }
        !ended
    }

    // ---- what time does ----

    /// Everything that is due by now, in due order.
    pub fn tick(&mut self) {
        let mut waiting_starts = BTreeSet::new();
        loop {
            // Of what is due at the same moment, stages run out before access starts, and it starts before it ends.
            let mut due: Vec<(i64, u8, usize)> = Vec::new();
            for (id, r) in self.requests.iter().enumerate() {
                let running = r.state == State::Pending && r.held_at.is_none();
                if let Some(stage) = r.stage.as_ref().filter(|_| running) {
                    due.push((stage.due, 0, id));
                    due.extend(stage.alternates_at.map(|at| (at, 1, id)));
                }
            }
            for (a, it) in self.assignments.iter().enumerate().filter(|(_, it)| !it.ended) {
                if !it.started && !waiting_starts.contains(&a) {
                    due.push((it.starts, 2, a));
                }
                due.push((it.ends, 3, a));
            }
            let next = due.into_iter().filter(|(at, ..)| *at <= self.now).min();
            match next {
                None => return,
                Some((_, 0, id)) => self.requests[id].state = State::Expired,
                Some((_, 1, id)) => self.alternates(id),
                Some((_, 2, a)) => {
                    if !self.start(a) {
                        waiting_starts.insert(a);
                    }
                }
                Some((_, _, a)) => self.end(a),
            }
        }
    }

    fn alternates(&mut self, id: usize) {
        let r = self.requests[id].clone();
        let mut stage = r.stage.clone().unwrap();
        stage.alternates_at = None;
        let (_, people) = r.terms.stages[stage.at].alternates.clone().unwrap();
        let out = Self::out(&r);
        for who in people.into_iter().filter(|who| self.here[*who] && !out.contains(who)) {
            let alternate = Voter { primary: false, groups: None, approved: false, gone: false };
            let there = stage.voters.entry(who).or_insert_with(|| alternate.clone());
            if there.gone {
                *there = alternate;
            }
        }
        self.requests[id].stage = Some(stage);
    }

    /// False while it is stopped.
    fn start(&mut self, a: usize) -> bool {
        let Assignment { request, target, package, .. } = self.assignments[a];
        if self.stopped(package) {
            return false;
        }
        if self.in_scope(target, &self.requests[request].terms.clone()) {
            self.assignments[a].started = true;
            self.requests[request].state = State::Delivering;
        } else {
            self.assignments[a].ended = true;
            self.deny(request);
        }
        true
    }

    /// The target confirms what is asked of it.
    pub fn deliver(&mut self) {
        for r in &mut self.requests {
            if r.state == State::Delivering {
                r.state = State::Delivered;
            }
        }
    }
}
