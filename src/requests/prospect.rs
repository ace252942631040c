//! What a request for a package would meet: how the people stand to it, which policies apply, what is asked, who would
//! decide. For the pages before a request; `commands::submit` checks everything again.

use std::collections::HashMap;

use super::eligibility::{self, Position};
use super::rules::{self, Deciders};
use super::store;
use crate::db::Db;
use crate::error::{FieldError, Result};
use crate::kernel::{CatalogId, PackageId, PersonId, Risk};
use crate::packages::model::Content;
use crate::packages::store::contents;
use crate::policies::model::{Policy, Terms};
use crate::policies::questions::{self, Answer, Question};

/// See the head of this file.
#[derive(Clone, Debug)]
pub struct Prospect {
    /// What is in the package.
    pub contents: Vec<Content>,
    /// How the people stand to it: which policies apply, and what says no.
    pub position: Position,
    /// What its resources ask, by the resource's name.
    pub attributes: Vec<(String, Vec<Question>)>,
}

impl Prospect {
    /// True where it can be requested now.
    #[must_use]
    pub fn open(&self) -> bool {
        self.position.open()
    }

    /// The highest risk of what is in it (D39).
    #[must_use]
    pub fn risk(&self) -> Risk {
        self.contents.iter().map(|c| c.risk).max().unwrap_or(Risk::Ordinary)
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
    Ok(Prospect { position, contents: contents(db, id)?, attributes: store::attributes(db, id)? })
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
