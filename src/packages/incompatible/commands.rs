//! Adding and removing rules of separation of duties.

use super::model::{NewRule, Other, Rule};
use super::{rules, store};
use crate::access::{ManageCatalog, Permit};
use crate::catalogs::store::catalog;
use crate::db::{Tx, lock_package};
use crate::error::{Error, Result};
use crate::kernel::{About, Fact, IncompatibilityId, PackageId};
use crate::packages::model::Package;
use crate::packages::store::head;

/// Adds a rule. Whoever starts access to one of the two packages at this moment waits, or has been faster and is among
/// those who keep both (E9). Sent twice with the same id it is done once. The owners of the other package need not agree;
/// they are told.
///
/// # Errors
/// `Invalid` on `other` and `reason`, `Missing` for a package that is not of the permit's catalog.
pub fn add(
    tx: &mut Tx<'_>,
    permit: &Permit<ManageCatalog>,
    new: &NewRule,
) -> Result<IncompatibilityId> {
    let package = head(tx.db(), new.package)?;
    about(permit, &package)?;
    let reason = rules::reason(&new.reason).map_err(|error| Error::Invalid(vec![error]))?;
    let mut both = vec![new.package];
    if let Other::Package(other) = new.other {
        both.push(other);
    }
    both.sort();
    for id in both {
        lock_package(tx, id)?;
    }
    match store::one(tx.db(), new.id)? {
        Some(there) if there.package == new.package && there.other == new.other => {
            return Ok(there.id);
        }
        Some(_) => return Err(Error::Missing),
        None => {}
    }
    let there = store::touching(tx.db(), &[new.package])?;
    rules::fresh(new.package, new.other, new.mutual, &there)
        .map_err(|error| Error::Invalid(vec![error]))?;
    let beside = beside(tx, new.other)?;
    let holders = store::count(tx.db(), new.package, new.other)?;
    let rule = Rule {
        id: new.id,
        package: new.package,
        other: new.other,
        // Nobody asks for the membership of a group here: there is no other way round.
        mutual: new.mutual || matches!(new.other, Other::Group(_)),
        reason: reason.clone(),
    };
    store::insert(tx, &rule)?;
    let (group, mutual) = (beside.package.is_none(), rule.mutual);
    let fact = |other: String| Fact::IncompatibilityAdded { other, group, mutual, holders };
    record(tx, &package, &fact(beside.name), &reason)?;
    if let Some(other) = elsewhere(&package, beside.package) {
        record(tx, &other, &fact(package.name.clone()), &reason)?;
    }
    Ok(new.id)
}

/// Removes a rule: the two can be held together again. Removed twice it is removed once.
///
/// # Errors
/// `Missing` for a rule that does not belong to the package, or a package that is not of the permit's catalog.
pub fn remove(
    tx: &mut Tx<'_>,
    permit: &Permit<ManageCatalog>,
    package: PackageId,
    id: IncompatibilityId,
) -> Result<()> {
    let package = head(tx.db(), package)?;
    about(permit, &package)?;
    let Some(rule) = store::one(tx.db(), id)? else { return Ok(()) };
    if rule.package != package.id {
        return Err(Error::Missing);
    }
    let beside = beside(tx, rule.other)?;
    store::delete(tx, id)?;
    let group = beside.package.is_none();
    let fact = |other: String| Fact::IncompatibilityRemoved { other, group };
    record(tx, &package, &fact(beside.name), "")?;
    if let Some(other) = elsewhere(&package, beside.package) {
        record(tx, &other, &fact(package.name.clone()), "")?;
    }
    Ok(())
}

/// The other side of a rule: its name, and the package that it is.
struct BesideIt {
    name: String,
    package: Option<Package>,
}

fn beside(tx: &mut Tx<'_>, other: Other) -> Result<BesideIt> {
    match other {
        Other::Package(id) => {
            let package = head(tx.db(), id)?;
            Ok(BesideIt { name: package.name.clone(), package: Some(package) })
        }
        Other::Group(id) => {
            let group = store::group(tx.db(), id)?.ok_or(Error::Missing)?;
            Ok(BesideIt { name: group.name, package: None })
        }
    }
}

/// A package of another catalog: its owners read it in their own history.
fn elsewhere(package: &Package, other: Option<Package>) -> Option<Package> {
    other.filter(|other| other.catalog != package.catalog)
}

fn record(tx: &mut Tx<'_>, package: &Package, fact: &Fact, note: &str) -> Result<()> {
    let catalog = catalog(tx.db(), package.catalog)?;
    let about =
        About::nothing().package(package.id, &package.name).catalog(catalog.id, catalog.name);
    tx.record(fact, about.note(note))
}

fn about(permit: &Permit<ManageCatalog>, package: &Package) -> Result<()> {
    if permit.about() == package.catalog.0 { Ok(()) } else { Err(Error::Missing) }
}
