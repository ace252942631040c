//! Creating, changing and switching policies.

use super::model::{Policy, Saved, Terms};
use super::{rules, store};
use crate::access::{ManageCatalog, Permit};
use crate::catalogs::store::catalog;
use crate::db::Tx;
use crate::error::{Error, FieldError, Result};
use crate::kernel::text::{folded, one_line};
use crate::kernel::{About, Fact, PackageId, PolicyId};
use crate::packages::model::Package;
use crate::packages::store::head;

/// Creates a policy, switched on. The names in `terms` need not be filled in. Sent twice with the same id it is done once.
///
/// # Errors
/// `Invalid` on the fields that `rules` names.
pub fn create(
    tx: &mut Tx<'_>,
    permit: &Permit<ManageCatalog>,
    id: PolicyId,
    package: PackageId,
    name: &str,
    terms: &Terms,
) -> Result<Saved> {
    let package = package_of(tx, permit, package)?;
    match store::policy(tx.db(), id) {
        // Sent twice, it is made once; other words under the same key are another policy.
        Ok(there) if there.package == package.id && there.name == name && there.version == 1 => {
            return Ok(Saved { id, version: there.version, warnings: vec![] });
        }
        Ok(_) => return Err(Error::Missing),
        Err(Error::Missing) => {}
        Err(error) => return Err(error),
    }
    let (name, terms, warnings) = checked(tx, &package, id, name, terms)?;
    let policy = Policy { id, package: package.id, name, version: 1, enabled: true, terms, rev: 1 };
    let (now, by) = (tx.now(), tx.actor().name().to_owned());
    store::insert(tx.db(), &policy, now, &by)?;
    let reads = policy.terms.reads();
    record(tx, &package, &Fact::PolicyCreated { policy: policy.name, reads })?;
    Ok(Saved { id, version: 1, warnings })
}

/// Changes a policy: the next version. Requests in flight keep theirs (D1). `seen` is the version that the owner had before
/// them.
///
/// # Errors
/// `Refused` if the version is no longer the one that was seen; `Invalid` on the fields that `rules` names.
pub fn change(
    tx: &mut Tx<'_>,
    permit: &Permit<ManageCatalog>,
    id: PolicyId,
    seen: i64,
    name: &str,
    terms: &Terms,
) -> Result<Saved> {
    let mut policy = store::policy(tx.db(), id)?;
    let package = package_of(tx, permit, policy.package)?;
    let (name, terms, warnings) = checked(tx, &package, id, name, terms)?;
    if policy.name == name && policy.terms == terms {
        return Ok(Saved { id, version: policy.version, warnings });
    }
    if policy.version != seen {
        return Err(Error::refused(
            format!("Policy “{}” changed while you were editing", policy.name),
            format!(
                "It is at version {} now; you had version {seen} before you. Nothing of yours was saved.",
                policy.version
            ),
        ));
    }
    policy.name = name;
    policy.terms = terms;
    policy.version += 1;
    store::save(tx.db(), &policy)?;
    let (now, by) = (tx.now(), tx.actor().name().to_owned());
    store::insert_version(tx.db(), &policy, now, &by)?;
    store::rewrite_scope(tx.db(), &policy)?;
    let reads = policy.terms.reads();
    let fact = Fact::PolicyChanged { policy: policy.name, version: policy.version, reads };
    record(tx, &package, &fact)?;
    Ok(Saved { id, version: policy.version, warnings })
}

/// Switches a policy on or off. Off, nobody can request under it; open requests and access stay (D47).
///
/// # Errors
/// `Missing` if the permit is for another catalog.
pub fn switch(
    tx: &mut Tx<'_>,
    permit: &Permit<ManageCatalog>,
    id: PolicyId,
    on: bool,
) -> Result<()> {
    let mut policy = store::policy(tx.db(), id)?;
    let package = package_of(tx, permit, policy.package)?;
    if policy.enabled == on {
        return Ok(());
    }
    policy.enabled = on;
    store::save(tx.db(), &policy)?;
    record(tx, &package, &Fact::PolicySwitched { policy: policy.name, on })
}

fn checked(
    tx: &mut Tx<'_>,
    package: &Package,
    id: PolicyId,
    name: &str,
    terms: &Terms,
) -> Result<(String, Terms, Vec<String>)> {
    let known = store::known(tx.db(), &rules::named(terms))?;
    let today = tx.zone().date(tx.now());
    let mut outcome = rules::policy(name, terms, &known, today);
    let name = one_line(name);
    let key = folded(&name);
    let others = store::of_package(tx.db(), package.id)?;
    if others.iter().any(|p| p.id != id && folded(&p.name) == key) {
        let words = format!("Choose another name: this package has a policy “{name}” already");
        let mut errors = outcome.err().unwrap_or_default();
        errors.insert(0, FieldError::new("name", words));
        outcome = Err(errors);
    }
    outcome.map_err(Error::Invalid)
}

/// The package, if the permit is for its catalog.
fn package_of(tx: &mut Tx<'_>, permit: &Permit<ManageCatalog>, id: PackageId) -> Result<Package> {
    let package = head(tx.db(), id)?;
    if permit.about() == package.catalog.0 { Ok(package) } else { Err(Error::Missing) }
}

fn record(tx: &mut Tx<'_>, package: &Package, fact: &Fact) -> Result<()> {
    let catalog = catalog(tx.db(), package.catalog)?;
    let about =
        About::nothing().package(package.id, &package.name).catalog(catalog.id, catalog.name);
    tx.record(fact, about)
}
