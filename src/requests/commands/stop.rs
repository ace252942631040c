//! The emergency stop (D47): a catalog, package or policy is switched off at once, and let on later.

use super::approvers;
use crate::access::{ManageCatalog, Permit};
use crate::catalogs::store::catalog;
use crate::db::{Tx, lock_package};
use crate::error::{Error, Result};
use crate::kernel::text::{NOTE_MAX, tidy};
use crate::kernel::{About, CatalogId, Fact, PackageId, Ts};
use crate::packages::store::head;
use crate::requests::model::Request;
use crate::requests::stops::{self, Thing};
use crate::requests::store::{self, Clocks};

/// What is stopped, with where it belongs.
struct Place {
    catalog: CatalogId,
    packages: Vec<PackageId>,
    name: String,
    about: About,
}

/// Finds the thing if the permit is for its catalog, and keeps others from asking or deciding under it meanwhile.
fn place(tx: &mut Tx<'_>, permit: &Permit<ManageCatalog>, thing: Thing) -> Result<Place> {
    let (catalog_id, packages, name) = match thing {
        Thing::Catalog(id) => {
            let packages = store::packages_of(tx.db(), id)?;
            (id, packages, catalog(tx.db(), id)?.name)
        }
        Thing::Package(id) => {
            let package = head(tx.db(), id)?;
            (package.catalog, vec![id], package.name)
        }
        Thing::Policy(id) => {
            let policy = crate::policies::store::policy(tx.db(), id)?;
            (head(tx.db(), policy.package)?.catalog, vec![policy.package], policy.name)
        }
    };
    if permit.about() != catalog_id.0 {
        return Err(Error::Missing);
    }
    for package in &packages {
        lock_package(tx, *package)?;
    }
    let mut about = About::nothing().catalog(catalog_id, catalog(tx.db(), catalog_id)?.name);
    if let (false, [package]) = (matches!(thing, Thing::Catalog(_)), packages.as_slice()) {
        about = about.package(*package, head(tx.db(), *package)?.name);
    }
    Ok(Place { catalog: catalog_id, packages, name, about })
}

/// Stops a thing at once: nobody can request under it, open requests wait with their clocks, and access stays.
/// Returns how many requests wait because of it. Stopped twice, it is stopped once.
///
/// # Errors
/// `Invalid` without a reason, `Missing` if the permit is for another catalog.
pub fn stop(
    tx: &mut Tx<'_>,
    permit: &Permit<ManageCatalog>,
    thing: Thing,
    reason: &str,
) -> Result<usize> {
    let place = place(tx, permit, thing)?;
    let reason = tidy(reason);
    if reason.is_empty() {
        return Err(Error::invalid("reason", "Say why; everybody whose request waits reads it"));
    }
    if reason.chars().count() > NOTE_MAX {
        let words = format!("Shorten your reason to {NOTE_MAX} characters");
        return Err(Error::invalid("reason", words));
    }
    if stops::on(tx.db(), thing)?.is_some() {
        return Ok(0);
    }
    store::insert_stop(tx, thing, &reason)?;
    let what = thing.word().to_owned();
    let fact = Fact::Stopped { what: what.clone(), name: place.name };
    tx.record(&fact, place.about.note(&reason))?;
    let (now, why) = (tx.now(), format!("its {what} was stopped"));
    let mut facts = Vec::new();
    for request in store::open_under(tx.db(), &place.packages, thing)? {
        if request.held_at.is_none() {
            store::save_held(tx, &request, Some(now), request.due_at)?;
            facts.push((Fact::RequestHeld { why: why.clone() }, request.about().note(&reason)));
        }
    }
    let held = facts.len();
    tx.record_all(facts)?;
    Ok(held)
}

/// Lets a stopped thing go on: requests that nothing else stops go on with the time that they had left (D41).
/// Returns how many. Let on twice, it is let on once.
///
/// # Errors
/// `Missing` if the permit is for another catalog.
pub fn let_on(tx: &mut Tx<'_>, permit: &Permit<ManageCatalog>, thing: Thing) -> Result<usize> {
    let place = place(tx, permit, thing)?;
    let Some(stop) = stops::on(tx.db(), thing)? else { return Ok(0) };
    if !store::delete_stop(tx, stop.id)? {
        return Err(Error::Stale);
    }
    let fact = Fact::LetOn { what: thing.word().to_owned(), name: place.name };
    tx.record(&fact, place.about)?;
    let mut freed = 0;
    for request in store::open_under(tx.db(), &place.packages, thing)? {
        let (package, policy) = (request.package_id, Some(request.policy_id));
        if stops::of(tx.db(), place.catalog, package, policy)?.is_some() {
            continue;
        }
        if let Some(since) = request.held_at {
            tx.record(&Fact::RequestResumed, request.about())?;
            go_on(tx, &request, since)?;
            freed += 1;
        }
    }
    Ok(freed)
}

/// Moves a request's clocks on by the time that it waited.
fn go_on(tx: &mut Tx<'_>, request: &Request, since: Ts) -> Result<()> {
    let waited = tx.now().micros() - since.micros();
    let later = |at: Ts| Ts::from_micros(at.micros() + waited);
    store::save_held(tx, request, None, request.due_at.map(later))?;
    // What waits for information goes on waiting; the stage's own clocks are moved when the answer is there (D41).
    if request.asked_at.is_some() {
        return Ok(());
    }
    if let Some(stage) = super::open_stage_of(tx, request.id)? {
        store::touch_stage(tx, &stage)?;
        let clocks = Clocks {
            due_at: later(stage.due_at),
            alternates_at: stage.alternates_at.map(later),
            remind_at: stage.remind_at.map(later),
        };
        store::save_clocks(tx, stage.id, clocks)?;
        // Whoever was missing may have left meanwhile.
        approvers::complete_if_decided(tx, request.id, &stage)?;
    }
    Ok(())
}
