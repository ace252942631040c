//! What must hold whatever has happened. Every world is checked at the end of its test.

use std::collections::{BTreeMap, BTreeSet};

use diesel::prelude::*;
use keyholder::db::schema::{
    assignment_rights, assignments, facts, notices, package_roles, people, request_stages,
    requests, resource_roles, resources, rights, stage_approvers,
};
use keyholder::db::{Database, Db};
use keyholder::error::Result;
use keyholder::kernel::{
    AssignmentId, Fact, FactId, PackageId, PersonId, RequestId, RightId, RoleId, StageId, Ts,
};

use super::target::FakeTarget;
use super::world::TARGET;

mod duties;
mod votes;

/// Fails with every sentence that does not hold.
pub fn check(db: &Database, target: &FakeTarget) {
    let all = db.read(All::load).unwrap();
    let mut broken = Vec::new();
    all.requests_and_stages(&mut broken);
    broken.extend(db.read(votes::check).unwrap());
    broken.extend(db.read(duties::check).unwrap());
    all.assignments_and_rights(&mut broken);
    all.facts_and_notices(&mut broken);
    all.target(target, &mut broken);
    assert!(broken.is_empty(), "what must always hold does not:\n  {}", broken.join("\n  "));
}

/// Fails with every sentence about stages and votes that does not hold.
pub fn check_votes(db: &Database) {
    let broken = db.read(votes::check).unwrap();
    assert!(broken.is_empty(), "what must always hold does not:\n  {}", broken.join("\n  "));
}

#[derive(Queryable)]
struct RequestRow {
    id: RequestId,
    state: String,
    requestor: PersonId,
    target: PersonId,
    package: PackageId,
    due_at: Option<Ts>,
    ended_at: Option<Ts>,
    kind: String,
    assignment: Option<AssignmentId>,
    held_at: Option<Ts>,
    asked_at: Option<Ts>,
}

#[derive(Queryable)]
struct StageRow {
    id: StageId,
    request: RequestId,
    number: i64,
    state: String,
    due_at: Ts,
    decided_by: Option<PersonId>,
}

#[derive(Queryable)]
struct AssignmentRow {
    id: AssignmentId,
    request: Option<RequestId>,
    package: PackageId,
    target: PersonId,
    started_at: Option<Ts>,
    ended_at: Option<Ts>,
}

#[derive(Queryable)]
struct RightRow {
    id: RightId,
    person: PersonId,
    role: RoleId,
    wanted: bool,
    state: String,
    confirmed_at: Option<Ts>,
    next_at: Option<Ts>,
}

struct Recorded {
    request: Option<RequestId>,
    assignment: Option<AssignmentId>,
    actor: Option<PersonId>,
    fact: Fact,
    dispatched: bool,
}

struct All {
    people: BTreeMap<PersonId, (bool, String)>,
    requests: Vec<RequestRow>,
    stages: Vec<StageRow>,
    approvers: Vec<(StageId, PersonId, bool)>,
    assignments: Vec<AssignmentRow>,
    rights: Vec<RightRow>,
    gives: BTreeSet<(AssignmentId, RightId)>,
    contents: BTreeSet<(PackageId, RoleId)>,
    roles: BTreeMap<RoleId, (String, String)>,
    facts: Vec<Recorded>,
    notices: Vec<(FactId, String, PersonId)>,
}

impl All {
    fn load(db: &mut Db) -> Result<Self> {
        let people: Vec<(PersonId, bool, String)> =
            people::table.select((people::id, people::enabled, people::external_id)).load(db)?;
        type FactRow =
            (Option<RequestId>, Option<AssignmentId>, Option<PersonId>, String, Option<Ts>);
        let facts: Vec<FactRow> = facts::table
            .select((
                facts::request_id,
                facts::assignment_id,
                facts::actor_id,
                facts::data,
                facts::dispatched_at,
            ))
            .load(db)?;
        let roles: Vec<(RoleId, String, String)> = resource_roles::table
            .inner_join(resources::table)
            .select((resource_roles::id, resources::target, resources::address))
            .load(db)?;
        Ok(Self {
            people: people.into_iter().map(|(id, on, key)| (id, (on, key))).collect(),
            requests: requests::table
                .select((
                    requests::id,
                    requests::state,
                    requests::requestor_id,
                    requests::target_id,
                    requests::package_id,
                    requests::due_at,
                    requests::ended_at,
                    requests::kind,
                    requests::assignment_id,
                    requests::held_at,
                    requests::asked_at,
                ))
                .load(db)?,
            stages: request_stages::table
                .select((
                    request_stages::id,
                    request_stages::request_id,
                    request_stages::number,
                    request_stages::state,
                    request_stages::due_at,
                    request_stages::decided_by,
                ))
                .load(db)?,
            approvers: stage_approvers::table
                .select((
                    stage_approvers::stage_id,
                    stage_approvers::person_id,
                    stage_approvers::waiting,
                ))
                .load(db)?,
            assignments: assignments::table
                .select((
                    assignments::id,
                    assignments::request_id,
                    assignments::package_id,
                    assignments::target_id,
                    assignments::started_at,
                    assignments::ended_at,
                ))
                .load(db)?,
            rights: rights::table
                .select((
                    rights::id,
                    rights::person_id,
                    rights::role_id,
                    rights::wanted,
                    rights::state,
                    rights::confirmed_at,
                    rights::next_at,
                ))
                .load(db)?,
            gives: assignment_rights::table
                .select((assignment_rights::assignment_id, assignment_rights::right_id))
                .load::<(AssignmentId, RightId)>(db)?
                .into_iter()
                .collect(),
            contents: package_roles::table
                .select((package_roles::package_id, package_roles::role_id))
                .load::<(PackageId, RoleId)>(db)?
                .into_iter()
                .collect(),
            roles: roles.into_iter().map(|(id, target, at)| (id, (target, at))).collect(),
            facts: facts
                .into_iter()
                .map(|(request, assignment, actor, data, dispatched)| {
                    Ok(Recorded {
                        request,
                        assignment,
                        actor,
                        fact: serde_json::from_str(&data)?,
                        dispatched: dispatched.is_some(),
                    })
                })
                .collect::<Result<_>>()?,
            notices: notices::table
                .select((notices::fact_id, notices::channel, notices::person_id))
                .load(db)?,
        })
    }

    fn enabled(&self, person: PersonId) -> bool {
        self.people.get(&person).is_some_and(|(enabled, _)| *enabled)
    }

    /// How often a fact of this shape stands beside the request.
    fn count(&self, request: RequestId, shape: impl Fn(&Fact) -> bool) -> usize {
        self.facts.iter().filter(|f| f.request == Some(request) && shape(&f.fact)).count()
    }

    fn requests_and_stages(&self, broken: &mut Vec<String>) {
        let mut open = BTreeSet::new();
        for request in &self.requests {
            let id = request.id;
            let mut say = |words: String| broken.push(format!("request {id}: {words}"));
            let stages: Vec<&StageRow> = self.stages.iter().filter(|s| s.request == id).collect();
            let ended =
                !matches!(request.state.as_str(), "pending_approval" | "scheduled" | "delivering");
            if ended != request.ended_at.is_some() {
                say(format!("is {} and its end is {:?}", request.state, request.ended_at));
            }
            if !ended && !open.insert((request.target, request.package)) {
                say("is open beside another one of the same target and package (D6)".into());
            }
            if !(ended || self.enabled(request.target) && self.enabled(request.requestor)) {
                say(format!("is {} though its person has left (D26)", request.state));
            }
            let waiting: Vec<&&StageRow> = stages.iter().filter(|s| s.state == "open").collect();
            if waiting.len() != usize::from(request.state == "pending_approval") {
                say(format!("is {} with {} open stages", request.state, waiting.len()));
            }
            let due = waiting.first().map(|s| s.due_at);
            // While information is awaited, the time for the answer runs, and the stage's stands still (D41). What is
            // extended when its decision can no longer be taken back is due without a stage (D40).
            let settles = request.state == "scheduled" && request.kind == "extend";
            if request.asked_at.is_some() && !ended && request.due_at.is_none() {
                say("waits for information without an end".into());
            }
            if request.due_at != due && request.asked_at.is_none() && !settles {
                say(format!("is due at {:?}, its stage at {due:?}", request.due_at));
            }
            for stage in &stages {
                self.stage(request, stage, &mut say);
            }
            let back = self.taken_back(id);
            if back == 0 && stages.iter().any(|s| s.state == "denied") != (self.denials(id) == 1) {
                say("has a denial in one place only (D4)".into());
            }
            if self.denials(id) > back && request.state != "denied" {
                say(format!("was denied and is {} (D4)", request.state));
            }
        }
    }

    fn denials(&self, id: RequestId) -> usize {
        self.count(id, |f| {
            matches!(
                f,
                Fact::StageDenied { .. } | Fact::AdministratorDecided { approved: false, .. }
            )
        })
    }

    /// How many of its decisions were taken back (D40).
    fn taken_back(&self, id: RequestId) -> usize {
        self.count(id, |f| matches!(f, Fact::DecisionTakenBack { .. }))
    }

    fn stage(&self, request: &RequestRow, stage: &StageRow, say: &mut impl FnMut(String)) {
        let n = stage.number;
        let mine: Vec<&Recorded> = self
            .facts
            .iter()
            .filter(|f| f.request == Some(request.id))
            .filter(|f| match &f.fact {
                Fact::StageApproved { stage, .. }
                | Fact::StageDenied { stage, .. }
                | Fact::AdministratorDecided { stage, .. } => *stage == n,
                _ => false,
            })
            .collect();
        // Those who were left had all approved when the last one missing left (D37).
        let complete = self
            .count(request.id, |f| matches!(f, Fact::StageComplete { stage, .. } if *stage == n));
        let decided = matches!(stage.state.as_str(), "approved" | "denied");
        // What was taken back was decided before, and its next stage was opened before (D40).
        let back = |to: i64| {
            self.count(
                request.id,
                |f| matches!(f, Fact::DecisionTakenBack { stage, .. } if *stage == to),
            )
        };
        let own = back(n);
        let before: usize = (1..n).map(back).sum();
        let said = mine.len() + complete;
        let fits =
            said == usize::from(decided) || (own > 0 || before > 0) && said > usize::from(decided);
        if !fits {
            say(format!("stage {n} is {} with {} decisions (D4)", stage.state, mine.len()));
        }
        let last = mine.len().saturating_sub(1);
        for (at, decision) in mine.iter().enumerate() {
            let approved = matches!(
                decision.fact,
                Fact::StageApproved { .. } | Fact::AdministratorDecided { approved: true, .. }
            );
            let stands = at == last && decided && complete == 0;
            if stands
                && ((stage.state == "approved") != approved || decision.actor != stage.decided_by)
            {
                say(format!("stage {n} and its decision say different things"));
            }
            if decision.actor == Some(request.requestor) || decision.actor == Some(request.target) {
                say(format!("stage {n} was decided by the one who asks (D2)"));
            }
        }
        let opened =
            self.count(request.id, |f| matches!(f, Fact::StageOpened { stage, .. } if *stage == n));
        if opened == 0 || opened > 1 + before {
            say(format!("stage {n} was opened {opened} times"));
        }
        let mut waiting = 0;
        for (_, person, _) in self.approvers.iter().filter(|(id, _, w)| *id == stage.id && *w) {
            waiting += 1;
            if stage.state != "open" {
                say(format!("stage {n} is {} and {person} is waited for", stage.state));
            }
            if !self.enabled(*person) {
                say(format!("stage {n} waits for {person}, who has left (D3)"));
            }
            if *person == request.requestor || *person == request.target {
                say(format!("stage {n} waits for the one who asks (D2)"));
            }
        }
        if stage.state == "open" && waiting == 0 && request.held_at.is_none() {
            say(format!("stage {n} is open and waits for nobody (D3)"));
        }
    }

    fn assignments_and_rights(&self, broken: &mut Vec<String>) {
        let states: BTreeMap<RequestId, &str> =
            self.requests.iter().map(|r| (r.id, r.state.as_str())).collect();
        let mut active = BTreeSet::new();
        let mut wanted = BTreeSet::new();
        for assignment in &self.assignments {
            let id = assignment.id;
            let mut say = |words: String| broken.push(format!("assignment {id}: {words}"));
            let state = assignment.request.and_then(|r| states.get(&r).copied()).unwrap_or("none");
            let (started, ended) = (assignment.started_at.is_some(), assignment.ended_at.is_some());
            let fits = match state {
                "scheduled" => !started && !ended,
                "delivering" => started && !ended,
                "delivered" => started,
                // Stopped before it started, and its end came meanwhile (D47).
                "undelivered" => ended,
                "canceled" | "denied" => !started && ended,
                _ => false,
            };
            if !fits {
                say(format!("started: {started}, ended: {ended}, but its request is {state}"));
            }
            if !ended && !self.enabled(assignment.target) {
                say("is active though its person has left (D26)".into());
            }
            if !ended && !active.insert((assignment.target, assignment.package)) {
                say("is active beside another one (D6)".into());
            }
            let count = |shape: fn(&Fact) -> bool| {
                self.facts.iter().filter(|f| f.assignment == Some(id) && shape(&f.fact)).count()
            };
            if count(|f| matches!(f, Fact::AssignmentStarted { .. })) != usize::from(started) {
                say("has not one fact for its start".into());
            }
            if count(|f| matches!(f, Fact::AssignmentEnded { .. })) != usize::from(ended) {
                say("has not one fact for its end".into());
            }
            if started && !ended {
                let given: BTreeSet<RoleId> = self
                    .rights
                    .iter()
                    .filter(|r| self.gives.contains(&(id, r.id)))
                    .map(|r| r.role)
                    .collect();
                let held: BTreeSet<RoleId> = self
                    .contents
                    .iter()
                    .filter(|(package, _)| *package == assignment.package)
                    .map(|(_, role)| *role)
                    .collect();
                if given != held {
                    say(format!("gives {given:?}, its package holds {held:?}"));
                }
                wanted.extend(given.iter().map(|role| (assignment.target, *role)));
                let confirmed = self
                    .rights
                    .iter()
                    .filter(|r| self.gives.contains(&(id, r.id)))
                    .all(|r| r.state == "present");
                if state == "delivering" && confirmed {
                    say("is confirmed by every target, and its request still waits".into());
                }
            }
        }
        for right in &self.rights {
            let mut say = |words: String| broken.push(format!("right {}: {words}", right.id));
            if right.wanted != wanted.contains(&(right.person, right.role)) {
                say(format!("is wanted: {}, and nothing agrees (D21)", right.wanted));
            }
            let fits = match right.state.as_str() {
                "adding" => right.wanted && right.next_at.is_some() && right.confirmed_at.is_none(),
                "present" => {
                    right.wanted && right.next_at.is_none() && right.confirmed_at.is_some()
                }
                "removing" => {
                    !right.wanted && right.next_at.is_some() && right.confirmed_at.is_none()
                }
                "gone" | "kept" => {
                    !right.wanted && right.next_at.is_none() && right.confirmed_at.is_some()
                }
                _ => false,
            };
            if !fits {
                say(format!(
                    "is {}, wanted: {}, next: {:?}, confirmed: {:?}",
                    right.state, right.wanted, right.next_at, right.confirmed_at
                ));
            }
        }
        for (person, role) in wanted {
            if !self.rights.iter().any(|r| r.person == person && r.role == role && r.wanted) {
                broken.push(format!("role {role} of {person} is given and not wanted (D21)"));
            }
        }
    }

    fn facts_and_notices(&self, broken: &mut Vec<String>) {
        for request in &self.requests {
            let id = request.id;
            let (kind, state) = (request.kind.as_str(), request.state.as_str());
            let made = self.assignments.iter().filter(|a| a.request == Some(id)).count();
            let count = |shape: fn(&Fact) -> bool| self.count(id, shape);
            let denied = self.denials(id) + count(|f| matches!(f, Fact::RequestDenied { .. }));
            let is = |word: &str| usize::from(state == word);
            let asked = match kind {
                "add" => count(|f| matches!(f, Fact::RequestSubmitted { .. })),
                "assign" => count(|f| matches!(f, Fact::AssignedDirectly { .. })),
                "extend" => count(|f| matches!(f, Fact::ExtensionRequested { .. })),
                "give_back" => count(|f| matches!(f, Fact::GivenBack)),
                _ => count(|f| matches!(f, Fact::TakenAgain)),
            };
            // What is extended or given back is not delivered: it is done at once.
            let extended = count(|f| matches!(f, Fact::AssignmentExtended { .. }));
            if extended != usize::from(kind == "extend" && state == "delivered") {
                broken.push(format!("request {id} of kind {kind} is {state}: extended {extended}"));
            }
            let (approved, delivered) = match kind {
                "extend" => (0, 0),
                "give_back" => (0, 0),
                _ => (made, is("delivered")),
            };
            if kind == "extend" || kind == "give_back" {
                let about = self.assignments.iter().find(|a| Some(a.id) == request.assignment);
                if about.is_none_or(|a| a.ended_at.is_some() && request.ended_at.is_none()) {
                    broken.push(format!("request {id} is open about access that has ended (D11)"));
                }
                if made > 0 || (kind == "give_back" && state != "delivered") {
                    broken.push(format!("request {id} of kind {kind} is {state} and made {made}"));
                }
            }
            let canceled =
                count(|f| matches!(f, Fact::RequestCanceled { .. } | Fact::RequestRefused));
            let counts = [
                ("asked", asked, 1),
                ("approved", count(|f| matches!(f, Fact::RequestApproved { .. })), approved),
                ("delivered", count(|f| matches!(f, Fact::RequestDelivered)), delivered),
                ("denied", denied, is("denied")),
                ("expired", count(|f| matches!(f, Fact::RequestExpired { .. })), is("expired")),
                ("canceled", canceled, is("canceled")),
                (
                    "undelivered",
                    count(|f| matches!(f, Fact::RequestUndelivered { .. })),
                    is("undelivered"),
                ),
            ];
            for (word, facts, expected) in counts {
                let back = match word {
                    "approved" | "denied" => self.taken_back(id),
                    _ => 0,
                };
                if facts < expected || facts > expected + back {
                    broken.push(format!(
                        "request {id} is {}: {facts} facts say {word}, not {expected}",
                        request.state
                    ));
                }
            }
        }
        let undispatched = self.facts.iter().filter(|f| !f.dispatched).count();
        if undispatched > 0 {
            broken.push(format!("{undispatched} facts are undispatched after dispatch (E6)"));
        }
        let unique: BTreeSet<_> = self.notices.iter().collect();
        if unique.len() != self.notices.len() {
            broken.push("somebody was told twice of one fact (D36)".into());
        }
    }

    /// What the portal believes to be confirmed is so (D23).
    fn target(&self, target: &FakeTarget, broken: &mut Vec<String>) {
        for right in &self.rights {
            let (system, address) = &self.roles[&right.role];
            if system != TARGET {
                continue;
            }
            let there = target.really(&self.people[&right.person].1, address);
            if matches!((right.state.as_str(), there), ("present", false) | ("gone", true)) {
                broken.push(format!("right {} is {}, and there: {there}", right.id, right.state));
            }
        }
    }
}
