//! What a reviewer has to know of a piece of access, put together from what the snapshot read. Pure.

use super::model::{Answer, Context, LastAnswer};
use super::rules;
use super::store::rows::Row;
use super::store::snapshot::{Around, Held, peers};
use crate::kernel::Ts;

/// As many characters of a reason as an item keeps.
const REASON: usize = 600;
/// As many characters of what a package is for.
const ABOUT: usize = 300;

/// The context of a row, its recommendation, and whether something about it changed.
pub(super) fn of(
    row: &Held,
    around: &Around,
    recommends: bool,
    at: Ts,
) -> (Context, Option<Answer>, bool) {
    let last = around.last.get(&row.assignment).cloned();
    let (extended, extended_at) = match around.extended.get(&row.assignment) {
        Some((n, at)) => (*n, Some(*at)),
        None => (0, None),
    };
    // What was granted again counts from there; what a review has looked at, from that review.
    let since = last.as_ref().map_or(row.since, |last| last.at).max(row.since);
    let moves = around.moves.get(&row.person).map(Vec::as_slice).unwrap_or_default();
    let changes: Vec<String> = moves
        .iter()
        .filter(|(moved, _)| *moved > since && *moved <= at)
        .map(|(_, words)| words.clone())
        .collect();
    let about = crate::kernel::text::shortened(&row.description, ABOUT);
    let mut context = Context {
        about: Some(about).filter(|words| !words.is_empty()),
        policy: row.policy.clone(),
        reason: row.reason.as_deref().map(|words| crate::kernel::text::shortened(words, REASON)),
        approved_by: row
            .request
            .and_then(|request| around.approvers.get(&request).cloned())
            .unwrap_or_default(),
        peers: peers(around, row),
        changes,
        overlaps: overlap(row, around),
        extended,
        last,
        ..Context::default()
    };
    let prolonged = extended_at.is_some_and(|extended| extended > since);
    // Nobody has looked at it: no review, and no approver.
    let never_looked_at = context.last.is_none() && context.approved_by.is_empty();
    let changed = !context.changes.is_empty() || prolonged || never_looked_at;
    if !recommends {
        return (context, None, changed);
    }
    let (recommendation, advice) = rules::recommend(&context, row.since, at);
    context.advice = advice;
    (context, recommendation, changed)
}

/// The context of a line of a list. Only that the person has left speaks for itself; it is new where nobody has looked at
/// it before, no review and no approver.
pub(super) fn of_row(
    row: &Row,
    last: Option<LastAnswer>,
    recommends: bool,
) -> (Context, Option<Answer>, bool) {
    let left = recommends && !row.here;
    let given = row.given_by.as_ref().is_some_and(|packages| !packages.is_empty());
    let changed = last.is_none() && !given;
    let context = Context {
        about: row.about.clone(),
        since_unknown: row.since.is_none(),
        given_by: row.given_by.clone(),
        last,
        advice: if left { vec!["The person has left.".to_owned()] } else { vec![] },
        ..Context::default()
    };
    (context, left.then_some(Answer::Remove), changed)
}

/// Another package of the person that gives everything that this one gives.
fn overlap(row: &Held, around: &Around) -> Option<String> {
    let own = around.roles.get(&row.package).filter(|roles| !roles.is_empty())?;
    let others = around.holds.get(&row.person)?;
    let gives_all = |package| {
        let roles = around.roles.get(package).map(Vec::as_slice).unwrap_or_default();
        // Of two packages with the same roles only the younger id is one too many.
        own.iter().all(|role| roles.contains(role))
            && (roles.len() > own.len() || *package < row.package)
    };
    others
        .iter()
        .find(|(package, _)| *package != row.package && gives_all(package))
        .map(|(_, name)| name.clone())
}
