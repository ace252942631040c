//! What must hold of stages, votes, clocks and stops (D4, D5, D37, D47), counted here once more.

use std::collections::{BTreeMap, BTreeSet};

use diesel::prelude::*;
use keyholder::db::Db;
use keyholder::db::schema::{packages, request_stages, requests, stage_approvers, stops};
use keyholder::error::Result;
use keyholder::kernel::{CatalogId, PackageId, PersonId, PolicyId, RequestId, StageId, Ts};

#[derive(Queryable)]
struct Row {
    id: RequestId,
    state: String,
    requestor: PersonId,
    target: PersonId,
    package: PackageId,
    policy: PolicyId,
    terms: String,
    held_at: Option<Ts>,
    ended_at: Option<Ts>,
}

#[derive(Queryable)]
struct StageRow {
    id: StageId,
    request: RequestId,
    number: i64,
    state: String,
    rule: String,
    needed: i64,
    opened_at: Ts,
    due_at: Ts,
    alternates_at: Option<Ts>,
    remind_at: Option<Ts>,
}

#[derive(Clone, Queryable)]
struct Voter {
    stage: StageId,
    person: PersonId,
    via: String,
    waiting: bool,
    vote: Option<String>,
    removed: bool,
    /// Who said it in their place (D34).
    by: Option<PersonId>,
}

impl Voter {
    fn said(&self, word: &str) -> bool {
        self.vote.as_deref() == Some(word)
    }
}

/// Every sentence that does not hold.
pub fn check(db: &mut Db) -> Result<Vec<String>> {
    let all: Vec<Row> = requests::table
        .select((
            requests::id,
            requests::state,
            requests::requestor_id,
            requests::target_id,
            requests::package_id,
            requests::policy_id,
            requests::terms,
            requests::held_at,
            requests::ended_at,
        ))
        .load(db)?;
    let stages: Vec<StageRow> = request_stages::table
        .select((
            request_stages::id,
            request_stages::request_id,
            request_stages::number,
            request_stages::state,
            request_stages::rule,
            request_stages::needed,
            request_stages::opened_at,
            request_stages::due_at,
            request_stages::alternates_at,
            request_stages::remind_at,
        ))
        .load(db)?;
    let voters: Vec<Voter> = stage_approvers::table
        .select((
            stage_approvers::stage_id,
            stage_approvers::person_id,
            stage_approvers::via,
            stage_approvers::waiting,
            stage_approvers::vote,
            stage_approvers::removed,
            stage_approvers::voted_by,
        ))
        .load(db)?;
    let mut of_stage: BTreeMap<StageId, Vec<Voter>> = BTreeMap::new();
    for voter in voters {
        of_stage.entry(voter.stage).or_default().push(voter);
    }
    let none = Vec::new();
    let mut broken = Vec::new();
    let mut decided: BTreeMap<RequestId, Vec<PersonId>> = BTreeMap::new();
    let requests: BTreeMap<RequestId, &Row> = all.iter().map(|r| (r.id, r)).collect();
    for stage in &stages {
        let voters = of_stage.get(&stage.id).unwrap_or(&none);
        let request = requests[&stage.request];
        let mut say = |words: &str| {
            broken.push(format!("request {} stage {}: {words}", request.id, stage.number));
        };
        self::stage(stage, voters, request.held_at.is_some(), &mut say);
        for voter in voters.iter().filter(|v| v.vote.is_some()) {
            for person in std::iter::once(voter.person).chain(voter.by) {
                if [request.requestor, request.target].contains(&person) {
                    say("somebody voted for themselves (D2)");
                }
                decided.entry(request.id).or_default().push(person);
            }
        }
    }
    for (id, people) in decided {
        let unique: BTreeSet<_> = people.iter().collect();
        if unique.len() != people.len() && !requests[&id].terms.contains("\"decides_twice\":true") {
            broken.push(format!("request {id}: somebody decided in two stages (D37)"));
        }
    }
    stopped(db, &all, &mut broken)?;
    Ok(broken)
}

fn stage(stage: &StageRow, voters: &[Voter], held: bool, say: &mut impl FnMut(&str)) {
    let count = |f: &dyn Fn(&Voter) -> bool| voters.iter().filter(|v| f(v)).count();
    let yes = count(&|v| v.said("approve"));
    let living = count(&|v| v.via != "alternate" && !v.removed);
    let needed = match stage.rule.as_str() {
        "any" => 1,
        "some" => usize::try_from(stage.needed).unwrap_or(usize::MAX),
        _ => living.max(1),
    };
    let enough = yes >= needed;
    match stage.state.as_str() {
        "approved" if !enough => say("is approved without the votes (D4)"),
        // Who left meanwhile may have decided it: it goes on when it is let on.
        "open" if enough && !held => say("has the votes and is open (D4)"),
        "open" if !enough && yes + count(&|v| v.waiting) < needed => {
            say("can never be decided: too few are asked (D37)");
        }
        "denied" if count(&|v| v.said("deny")) != 1 => say("is denied, not by one denial (D4)"),
        _ => {}
    }
    if stage.state != "denied" && voters.iter().any(|v| v.said("deny")) {
        say("was denied by somebody and is not denied (D4)");
    }
    if voters.iter().any(|v| v.waiting && (v.vote.is_some() || v.removed)) {
        say("waits for somebody who has voted or left it aside");
    }
    if stage.due_at <= stage.opened_at {
        say("runs out before it opens (D5)");
    }
    if stage.alternates_at.is_some_and(|at| at >= stage.due_at || at < stage.opened_at) {
        say("would be joined by alternates outside its time (D5)");
    }
    if stage.remind_at.is_some_and(|at| at >= stage.due_at || at < stage.opened_at) {
        say("would be reminded of outside its time (E3)");
    }
    let rings = stage.alternates_at.is_some() || stage.remind_at.is_some();
    if stage.state != "open" && rings {
        say("is closed, and a clock of it still runs");
    }
}

/// What is open waits exactly while something above it is stopped.
fn stopped(db: &mut Db, all: &[Row], broken: &mut Vec<String>) -> Result<()> {
    type Stop = (Option<CatalogId>, Option<PackageId>, Option<PolicyId>);
    let stops: Vec<Stop> =
        stops::table.select((stops::catalog_id, stops::package_id, stops::policy_id)).load(db)?;
    let catalogs: BTreeMap<PackageId, CatalogId> = packages::table
        .select((packages::id, packages::catalog_id))
        .load::<(PackageId, CatalogId)>(db)?
        .into_iter()
        .collect();
    for request in all.iter().filter(|r| r.ended_at.is_none() && r.state != "delivering") {
        let catalog = catalogs.get(&request.package).copied();
        let stopped = stops.iter().any(|(c, package, policy)| {
            (c.is_some() && *c == catalog)
                || *package == Some(request.package)
                || *policy == Some(request.policy)
        });
        if stopped != request.held_at.is_some() {
            broken.push(format!(
                "request {}: stopped above it: {stopped}, it waits since {:?} (D47)",
                request.id, request.held_at
            ));
        }
    }
    Ok(())
}
