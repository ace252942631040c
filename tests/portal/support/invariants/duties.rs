//! Nobody holds two incompatible packages, unless they did before the rule or by an exception (D7, D19).

use std::collections::{BTreeMap, BTreeSet};

use diesel::prelude::*;
use keyholder::db::Db;
use keyholder::db::schema::{assignments, facts, incompatibilities, packages, requests};
use keyholder::error::Result;
use keyholder::kernel::{
    AssignmentId, Fact, FactId, IncompatibilityId, PackageId, PersonId, RequestId,
};
use keyholder::policies::model::Terms;

type Held = (AssignmentId, PersonId, PackageId, Option<RequestId>);

/// Every sentence that does not hold. Facts tell the order of what happened at one moment: whoever starts access or
/// adds a rule holds the package, and records it under that.
pub fn check(db: &mut Db) -> Result<Vec<String>> {
    type Rule = (IncompatibilityId, PackageId, Option<PackageId>, bool);
    let rules: Vec<Rule> = incompatibilities::table
        .filter(incompatibilities::other_package_id.is_not_null())
        .select((
            incompatibilities::id,
            incompatibilities::package_id,
            incompatibilities::other_package_id,
            incompatibilities::mutual,
        ))
        .load(db)?;
    if rules.is_empty() {
        return Ok(Vec::new());
    }
    let names: Vec<(PackageId, String)> =
        packages::table.select((packages::id, packages::name)).load(db)?;
    let names: BTreeMap<PackageId, String> = names.into_iter().collect();
    let told: Vec<(FactId, Option<PackageId>, Option<AssignmentId>, String)> = facts::table
        .filter(facts::kind.eq_any(["incompatibility_added", "assignment_started"]))
        .order(facts::id)
        .select((facts::id, facts::package_id, facts::assignment_id, facts::data))
        .load(db)?;
    let (mut made, mut started) = (BTreeMap::new(), BTreeMap::new());
    for (id, package, assignment, data) in told {
        match (serde_json::from_str(&data)?, package, assignment) {
            (Fact::IncompatibilityAdded { other, .. }, Some(package), _) => {
                made.insert((package, other), id);
            }
            (Fact::AssignmentStarted { .. }, _, Some(assignment)) => {
                started.insert(assignment, id);
            }
            _ => {}
        }
    }
    let held: Vec<Held> = assignments::table
        .filter(assignments::ended_at.is_null())
        .filter(assignments::started_at.is_not_null())
        .select((
            assignments::id,
            assignments::target_id,
            assignments::package_id,
            assignments::request_id,
        ))
        .load(db)?;
    let asked: Vec<(RequestId, String)> = requests::table
        .filter(requests::exception)
        .select((requests::id, requests::terms))
        .load(db)?;
    let mut excepted: BTreeSet<(RequestId, IncompatibilityId)> = BTreeSet::new();
    for (request, terms) in asked {
        let terms: Terms = serde_json::from_str(&terms)?;
        excepted.extend(terms.exception.iter().map(|rule| (request, rule.id)));
    }
    let mut broken = Vec::new();
    for (rule, package, other, mutual) in rules {
        let Some(other) = other else { continue };
        let Some(since) = made.get(&(package, names[&other].clone())) else {
            broken.push(format!("rule {rule} has no fact that it was added"));
            continue;
        };
        for one in held.iter().filter(|h| h.2 == package) {
            for two in held.iter().filter(|h| h.2 == other && h.1 == one.1) {
                let later = if started[&one.0] > started[&two.0] { one } else { two };
                let against = later.2 == package || mutual;
                let before = started[&later.0] < *since;
                let exception = later.3.is_some_and(|id| excepted.contains(&(id, rule)));
                if against && !before && !exception {
                    broken.push(format!("{} holds both sides of rule {rule} (D7)", one.1));
                }
            }
        }
    }
    Ok(broken)
}
