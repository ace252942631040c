//! The owner's part: what reviewers could not tell is described better, or found to be clear enough.

use crate::access::{ManageCatalog, Permit};
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::kernel::{About, Fact, PackageId};
use crate::packages;
use crate::reviews::store::writes;

/// Says that the package is described well now, `better` than before or well enough. Once more it changes nothing.
///
/// # Errors
/// `Missing` where the permit is for another catalog.
pub fn described(
    tx: &mut Tx<'_>,
    permit: &Permit<ManageCatalog>,
    id: PackageId,
    better: bool,
) -> Result<()> {
    let package = packages::store::package(tx.db(), id)?.package;
    if permit.about() != package.catalog.0 {
        return Err(Error::Missing);
    }
    if !writes::save_described(tx, id)? {
        return Ok(());
    }
    let about = About::nothing().package(id, package.name);
    tx.record(&Fact::DescriptionGiven { better }, about)
}
