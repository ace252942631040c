//! Creating, changing, switching and deleting policies.

use super::model::{Policy, Saved, Terms};
use super::questions::Question;
use super::store::Hanging;
use super::{rules, store};
use crate::access::{ManageCatalog, Permit};
use crate::catalogs;
use crate::catalogs::store::catalog;
use crate::db::{Tx, lock_package};
use crate::error::{Error, FieldError, Refusal, Result};
use crate::kernel::fact::Change;
use crate::kernel::text::{counted, folded, one_line};
use crate::kernel::{About, Fact, PackageId, PolicyId, ResourceId};
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
    let there = match store::policy(tx.db(), id) {
        Ok(there) if there.package == package.id => Some(there),
        Ok(_) => return Err(Error::Missing),
        Err(Error::Missing) => None,
        Err(error) => return Err(error),
    };
    let (name, terms, warnings) = checked(tx, &package, id, name, terms)?;
    if let Some(there) = there {
        // Sent twice, it is made once; something else under the same key is a change of it, with a page of its own.
        return if there.version == 1 && there.name == name && there.terms == terms {
            Ok(Saved { id, version: there.version, warnings })
        } else {
            Err(Refusal::new(
                format!("Policy “{}” was saved already", there.name),
                "What you sent now is something else. Nothing of it was saved: change the policy instead.",
            )
            .way("Change the policy", format!("/packages/{}/policies/{id}/edit", package.id))
            .into())
        };
    }
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

/// Deletes a policy on which nothing hangs any more (D15). What it said stays readable on its requests.
///
/// # Errors
/// `Refused` while an assignment is active or a request is open under it; `Missing` if the permit is for another
/// catalog, or it is deleted already.
pub fn delete(tx: &mut Tx<'_>, permit: &Permit<ManageCatalog>, id: PolicyId) -> Result<()> {
    let package = store::policy(tx.db(), id)?.package;
    let package = package_of(tx, permit, package)?;
    // Nobody submits, starts or moves anything under it meanwhile.
    lock_package(tx, package.id)?;
    let policy = store::policy(tx.db(), id)?;
    let hanging = store::hanging(tx.db(), id)?;
    if hanging != Hanging::default() {
        let (requests, assignments) = (
            counted(hanging.requests, "open request", "open requests"),
            counted(hanging.assignments, "active assignment", "active assignments"),
        );
        return Err(Refusal::new(
            format!("Policy “{}” cannot be deleted yet", policy.name),
            format!("{requests} and {assignments} hang on it. Nothing was changed."),
        )
        .way("See what is in the way", format!("/packages/{}/policies/{id}/delete", package.id))
        .into());
    }
    let now = tx.now();
    store::delete(tx.db(), &policy, now)?;
    record(tx, &package, &Fact::PolicyDeleted { policy: policy.name })
}

/// Sets what a resource asks of whoever requests it; the answers are kept with the access.
///
/// # Errors
/// `Invalid` on the fields of the questions, as [`rules::asked`] names them.
pub fn ask_for_resource(
    tx: &mut Tx<'_>,
    permit: &Permit<ManageCatalog>,
    id: ResourceId,
    questions: &[Question],
) -> Result<()> {
    let questions = rules::asked(questions).map_err(Error::Invalid)?;
    let before = catalogs::store::attributes(tx.db(), id)?;
    let asked: Vec<Question> = serde_json::from_str(&before).unwrap_or_default();
    if asked == questions {
        return Ok(());
    }
    let words = |all: &[Question]| {
        let each = all.iter().map(|q| format!("“{}”", q.text)).collect::<Vec<_>>();
        if each.is_empty() { "none".to_owned() } else { each.join(", ") }
    };
    let change = Change { field: "questions".into(), from: words(&asked), to: words(&questions) };
    let json = serde_json::to_string(&questions)?;
    catalogs::commands::change_attributes(tx, permit, id, &json, change)
}

fn checked(
    tx: &mut Tx<'_>,
    package: &Package,
    id: PolicyId,
    name: &str,
    terms: &Terms,
) -> Result<(String, Terms, Vec<String>)> {
    // Who saves another policy of the package waits: no index keeps their names apart.
    lock_package(tx, package.id)?;
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
