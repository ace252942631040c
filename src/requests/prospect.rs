//! What a request for a package would meet: how the people stand to it, which policies apply, what is asked, who would
//! decide. For the pages before a request; `commands::submit` checks everything again.

use std::collections::HashMap;

use super::eligibility::{self, No, Position};
use super::rules::{self, Deciders};
use super::store;
use crate::db::Db;
use crate::error::{FieldError, Result};
use crate::kernel::{CatalogId, PackageId, PersonId};
use crate::packages::model::{Detail, Position as Stands, Seen};
use crate::packages::store::package;
use crate::policies::model::{Policy, Terms};
use crate::policies::questions::{self, Answer, Question};

/// See the head of this file.
#[derive(Clone, Debug)]
pub struct Prospect {
    /// The package and what is in it.
    pub detail: Detail,
    /// How the target stands to it, and whether they may know of it.
    pub seen: Seen,
    /// Which policies apply, and what says no.
    pub position: Position,
    /// What its resources ask, by the resource's name.
    pub attributes: Vec<(String, Vec<Question>)>,
}

impl Prospect {
    /// True where it can be requested now.
    #[must_use]
    pub fn open(&self) -> bool {
        self.position.no.is_none() && !self.position.applicable.is_empty()
    }

    /// The policies that apply; more than one is a tie, and the requestor chooses (D17).
    #[must_use]
    pub fn policies(&self) -> Vec<&Policy> {
        self.position.applicable.iter().map(|a| &a.policy).collect()
    }
}

/// How requestor and target stand to a package, and what is asked. A fixed number of statements.
///
/// # Errors
/// `Missing` when there is no such package or person.
pub fn prospect(
    db: &mut Db,
    requestor: PersonId,
    target: PersonId,
    id: PackageId,
) -> Result<Prospect> {
    let position = eligibility::position(db, requestor, target, id)?;
    let seen = Seen {
        position: match (&position.no, position.applicable.is_empty()) {
            (Some(No::Holds { assignment, starts, until, .. }), _) => {
                Stands::Holds { assignment: *assignment, starts: *starts, until: *until }
            }
            (Some(No::Open { request, reference, state }), _) => Stands::Open {
                request: *request,
                reference: reference.clone(),
                state: state.clone(),
            },
            (None, false) => Stands::CanRequest,
            _ => Stands::Cannot,
        },
        in_scope: !position.applicable.is_empty(),
        visible: position.visible(),
    };
    Ok(Prospect {
        detail: package(db, id)?,
        seen,
        position,
        attributes: store::attributes(db, id)?,
    })
}

/// What was answered to the questions of a policy and to those that resources ask (each with the resource's name), or
/// everything that is wrong with it.
///
/// # Errors
/// By field.
pub fn answers(
    asked: &[Question],
    attributes: &[(String, Vec<Question>)],
    given: &HashMap<String, Vec<String>>,
) -> std::result::Result<Vec<Answer>, Vec<FieldError>> {
    let mut errors = Vec::new();
    let mut check = |asked: &[Question]| {
        questions::check(asked, given).unwrap_or_else(|wrong| {
            errors.extend(wrong);
            Vec::new()
        })
    };
    let mut all = check(asked);
    for (resource, asked) in attributes {
        let resource = Some(resource.clone());
        all.extend(check(asked).into_iter().map(|a| Answer { resource: resource.clone(), ..a }));
    }
    if errors.is_empty() { Ok(all) } else { Err(errors) }
}

/// Who would decide each stage of these terms; none where nobody could. A fixed number of statements.
///
/// # Errors
/// When the database does not answer.
pub fn deciders(
    db: &mut Db,
    terms: &Terms,
    requestor: PersonId,
    target: PersonId,
    catalog: CatalogId,
) -> Result<Vec<Option<Deciders>>> {
    if terms.stages.is_empty() {
        return Ok(Vec::new());
    }
    let candidates = store::candidates_of(db, &terms.stages, target, catalog)?;
    let each = candidates.iter().zip(&terms.stages);
    Ok(each.map(|(c, stage)| rules::deciders(c, &[requestor, target], stage.votes)).collect())
}
