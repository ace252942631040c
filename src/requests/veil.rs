//! What those who wait for a decision read of those who take it, where the organization does not show names (E17, E28):
//! in which role somebody decides, and how many do.

use super::model::Approver;
use super::pages::Holders;
use super::rules::Deciders;
use super::{prospect, store};
use crate::access::Person;
use crate::db::Db;
use crate::error::Result;
use crate::kernel::fact::{APPROVER, Veil};
use crate::kernel::{CatalogId, PersonId, RequestId};
use crate::policies::model::Terms;

/// The approvers as those who wait read them.
pub fn approvers<'a>(veil: &Veil, all: impl IntoIterator<Item = &'a mut Approver>) {
    if !veil.hides() {
        return;
    }
    for one in all {
        APPROVER.clone_into(&mut one.name);
        one.voter = one.voter.take().map(|_| "another approver".to_owned());
    }
}

/// Those who would decide, as those who wait read them.
pub fn deciders(veil: &Veil, all: &mut [Option<Deciders>]) {
    if veil.hides() {
        let people = all.iter_mut().flatten().flat_map(|found| &mut found.people);
        people.for_each(|one| APPROVER.clone_into(&mut one.name));
    }
}

/// Who holds the open stages of requests for which the reader, or somebody who reports to them, waits. Two statements at
/// most.
///
/// # Errors
/// When the database does not answer.
pub fn holders(db: &mut Db, reader: &Person, ids: &[RequestId]) -> Result<Holders> {
    if ids.is_empty() {
        return Ok(vec![]);
    }
    let mut found = store::holders(db, ids)?;
    if reader.veiled {
        let about = store::who_waits(db, ids.iter().copied())?;
        for (id, one) in &mut found {
            let Some((_, catalog)) = about.get(id) else { continue };
            approvers(&reader.veil(&[reader.id], *catalog), [one]);
        }
    }
    Ok(found)
}

/// Who would decide each stage, said to the one who asks. A fixed number of statements.
///
/// # Errors
/// When the database does not answer.
pub fn prospective(
    db: &mut Db,
    terms: &Terms,
    requestor: &Person,
    target: PersonId,
    catalog: CatalogId,
) -> Result<Vec<Option<Deciders>>> {
    let mut found = prospect::deciders(db, terms, requestor.id, target, catalog)?;
    deciders(&requestor.veil(&[requestor.id], catalog), &mut found);
    Ok(found)
}
