//! What stands against each other. Pure.

use super::model::{Conflict, Held, Membership, Other, Rule, With};
use crate::error::FieldError;
use crate::kernel::PackageId;
use crate::kernel::text::{NOTE_MAX, tidy};

/// Every rule that somebody who holds these packages and is in these groups would break by having `wanted`. Who has the
/// other may not have the package that the rule belongs to; a mutual rule holds the other way round, too.
#[must_use]
pub fn conflicts(
    wanted: PackageId,
    rules: &[Rule],
    held: &[Held],
    groups: &[Membership],
) -> Vec<Conflict> {
    let package = |id: PackageId| {
        held.iter().find(|h| h.package == id && id != wanted).cloned().map(With::Package)
    };
    let against = |rule: &Rule| match rule.other {
        Other::Package(other) if rule.package == wanted => package(other),
        Other::Package(other) if other == wanted && rule.mutual => package(rule.package),
        Other::Group(group) if rule.package == wanted => {
            groups.iter().find(|g| g.group == group).cloned().map(With::Group)
        }
        _ => None,
    };
    let conflict = |rule: &Rule| {
        let (package, reason) = (wanted, rule.reason.clone());
        against(rule).map(|with| Conflict { rule: rule.id, package, with, reason })
    };
    rules.iter().filter_map(conflict).collect()
}

/// What the person has that stands against it, for a sentence: "Enter payments and membership of group Auditors".
#[must_use]
pub fn named(conflicts: &[Conflict]) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for what in conflicts.iter().map(Conflict::what) {
        if !all.contains(&what) {
            all.push(what);
        }
    }
    all
}

/// Whether a new rule says nothing new, or says more than one that is there: `there` are the rules between the two.
///
/// # Errors
/// What to mend.
pub fn fresh(
    package: PackageId,
    other: Other,
    mutual: bool,
    there: &[Rule],
) -> Result<(), FieldError> {
    if other == Other::Package(package) {
        return Err(FieldError::new("other", "Choose another access package than this one"));
    }
    let same = |rule: &&Rule| rule.package == package && rule.other == other;
    let turned = |rule: &&Rule| {
        Other::Package(rule.package) == other && rule.other == Other::Package(package)
    };
    let known = there.iter().find(|rule| same(rule) || (turned(rule) && (rule.mutual || mutual)));
    match known {
        Some(_) => Err(FieldError::new(
            "other",
            "There is a rule for these two already: look at it below, and remove it first to change it",
        )),
        None => Ok(()),
    }
}

/// The tidied reason of a rule.
///
/// # Errors
/// What to mend.
pub fn reason(text: &str) -> Result<String, FieldError> {
    let reason = tidy(text);
    if reason.is_empty() {
        return Err(FieldError::new(
            "reason",
            "Say why nobody should have both; whoever is refused reads this",
        ));
    }
    if reason.chars().count() > NOTE_MAX {
        let words = format!("Shorten the reason to {NOTE_MAX} characters");
        return Err(FieldError::new("reason", words));
    }
    Ok(reason)
}
