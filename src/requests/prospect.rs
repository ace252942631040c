//! What a request for a package would meet: how the person stands to it, which policies apply, who would decide.
//! For the pages before a request; `commands::submit` checks everything again.

use super::rules::{self, Deciders};
use super::store;
use crate::db::Db;
use crate::error::Result;
use crate::kernel::{CatalogId, PackageId, PersonId};
use crate::packages::model::{Detail, Position, Seen, Viewer};
use crate::packages::store::{package, seen};
use crate::policies::model::{Applicable, Policy, Terms};
use crate::policies::store::policies_for;

/// See the head of this file.
#[derive(Clone, Debug)]
pub struct Prospect {
    /// The package and what is in it.
    pub detail: Detail,
    /// How the person stands to it, and whether they may know of it.
    pub seen: Seen,
    /// The policies that apply; more than one is a tie, and the requestor chooses (D17).
    pub policies: Vec<Policy>,
}

impl Prospect {
    /// True where the person can request it now.
    #[must_use]
    pub fn open(&self) -> bool {
        self.seen.position == Position::CanRequest && !self.policies.is_empty()
    }
}

/// How a person stands to a package: four statements.
///
/// # Errors
/// `Missing` when there is no such package.
pub fn prospect(db: &mut Db, viewer: Viewer, id: PackageId) -> Result<Prospect> {
    let detail = package(db, id)?;
    let seen = seen(db, viewer, id)?;
    let policies =
        if detail.catalog_enabled { best(policies_for(db, id, viewer.id)?) } else { Vec::new() };
    Ok(Prospect { detail, seen, policies })
}

/// The policies of the best class only: those that name somebody go before those for all members (D17).
fn best(all: Vec<Applicable>) -> Vec<Policy> {
    let named = all.iter().any(|a| a.named);
    all.into_iter().filter(|a| a.named == named).map(|a| a.policy).collect()
}

/// Who would decide each stage of these terms for a person who asks for themselves; none where nobody could.
/// At most five statements.
///
/// # Errors
/// When the database does not answer.
pub fn deciders(
    db: &mut Db,
    terms: &Terms,
    person: PersonId,
    catalog: CatalogId,
) -> Result<Vec<Option<Deciders>>> {
    if terms.stages.is_empty() {
        return Ok(Vec::new());
    }
    let candidates = store::candidates_of(db, &terms.stages, person, catalog)?;
    Ok(candidates.iter().map(|c| rules::deciders(c, &[person])).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::PolicyId;
    use crate::policies::model::{Lifetime, Scope};

    fn applicable(name: &str, named: bool) -> Applicable {
        let terms = Terms {
            scope: Scope::default(),
            stages: vec![],
            reason_required: false,
            lifetime: Lifetime::Never,
            period_chosen: false,
        };
        let policy = Policy {
            id: PolicyId::fresh(),
            package: PackageId::fresh(),
            name: name.into(),
            version: 1,
            enabled: true,
            terms,
            rev: 1,
        };
        Applicable { policy, named }
    }

    #[test]
    fn d17_a_policy_that_names_somebody_leaves_no_choice_of_a_general_one() {
        let names =
            |all: Vec<Applicable>| best(all).into_iter().map(|p| p.name).collect::<Vec<_>>();
        assert_eq!(names(vec![applicable("b", true), applicable("a", false)]), ["b"]);
        assert_eq!(names(vec![applicable("a", false), applicable("b", false)]), ["a", "b"]);
        assert!(names(vec![]).is_empty());
    }
}
