//! Separation of duties as requests meet it (D7, D19): what stands against one, which exception it asks for, and who
//! decides on that.

use diesel::prelude::*;

use super::eligibility;
use super::model::{Request, RequestKind};
use super::rules::exception;
use super::store::{administrators, owners};
use crate::db::Db;
use crate::db::schema::{assignments, requests};
use crate::error::Result;
use crate::kernel::{AssignmentId, CatalogId, PersonId};
use crate::packages::incompatible::model::{Beside, Conflict, With};
use crate::packages::incompatible::rules::named;
use crate::packages::incompatible::store as incompatible;
use crate::policies::model::{Named, Terms};
use crate::web::words::and_list;

/// What stands against a request now, without the rules from which it asks to be excepted. More time for what is held
/// is a question only where it is held by an exception: nobody loses anything by a newer rule. At most four statements.
///
/// # Errors
/// When the database does not answer.
pub fn against(db: &mut Db, request: &Request, which: Beside) -> Result<Vec<Conflict>> {
    let more_time = request.kind == RequestKind::Extend;
    if more_time && !excepted(db, request.assignment_id)? {
        return Ok(Vec::new());
    }
    let mut found = incompatible::conflicts(db, request.target_id, &[request.package_id], which)?;
    found.retain(|c| !request.terms.exception.iter().any(|rule| rule.id == c.rule));
    Ok(found)
}

/// What ends a request that was open until now (D7), as the fact says it: the person no longer fulfils its frozen terms,
/// or something that they have stands against it.
///
/// # Errors
/// When the database does not answer.
pub fn refused(db: &mut Db, request: &Request, which: Beside) -> Result<Option<String>> {
    if let Some(no) = eligibility::still(db, request.target_id, &request.terms)? {
        return Ok(Some(no.words().to_owned()));
    }
    Ok(rule(&against(db, request, which)?))
}

/// The rule in words; none where nothing stands against it.
#[must_use]
pub fn rule(conflicts: &[Conflict]) -> Option<String> {
    (!conflicts.is_empty()).then(|| {
        let names = and_list(&named(conflicts), 5);
        format!("it is incompatible with {names}, which the person has")
    })
}

/// Is this held by an exception? One statement.
///
/// # Errors
/// When the database does not answer.
pub fn excepted(db: &mut Db, assignment: Option<AssignmentId>) -> Result<bool> {
    let Some(id) = assignment else { return Ok(false) };
    let exception: Option<bool> = assignments::table
        .inner_join(requests::table)
        .filter(assignments::id.eq(id))
        .select(requests::exception)
        .first(db)
        .optional()?;
    Ok(exception == Some(true))
}

/// The terms of an exception: those of the policy, with a last stage for each catalog whose owners must agree. `catalog`
/// is the package's own, which answers for groups. At most two statements for each of them, and one.
///
/// # Errors
/// When the database does not answer.
pub fn terms(
    db: &mut Db,
    terms: &Terms,
    conflicts: &[Conflict],
    catalog: CatalogId,
) -> Result<Terms> {
    let mut catalogs: Vec<CatalogId> = Vec::new();
    for conflict in conflicts {
        let of = match &conflict.with {
            With::Package(held) => held.catalog,
            With::Group(_) => catalog,
        };
        if !catalogs.contains(&of) {
            catalogs.push(of);
        }
    }
    let people = |all: Vec<(PersonId, String)>| -> Vec<Named<PersonId>> {
        all.into_iter().map(|(id, name)| Named { id, name }).collect()
    };
    let mut deciders = Vec::new();
    for of in catalogs {
        deciders.push(people(owners(db, of)?));
    }
    let fallback = people(administrators(db)?);
    Ok(exception::terms(terms, conflicts, deciders, &fallback))
}
