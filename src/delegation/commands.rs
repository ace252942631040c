//! Appointing and dismissing owners.

use super::model::{Held, Owner};
use super::store;
use crate::access::{CreateCatalog, ManageCatalog, Permit};
use crate::db::Tx;
use crate::error::{Error, FieldError, Refusal, Result};
use crate::kernel::{About, CatalogId, Fact, RoleGrantId};

/// Makes somebody an owner. Sent twice with the same id it is done once.
///
/// # Errors
/// `Invalid` on field `owner` when nobody able is meant, or they own the catalog already.
pub fn add_owner(
    tx: &mut Tx<'_>,
    permit: &Permit<ManageCatalog>,
    id: RoleGrantId,
    catalog: CatalogId,
    owner: Owner,
) -> Result<RoleGrantId> {
    about(permit.about(), catalog)?;
    let (name, rev) = store::catalog(tx.db(), catalog)?;
    let held = store::owners(tx.db(), catalog)?;
    if held.iter().any(|h| h.grant == id && h.owner == owner) {
        return Ok(id);
    }
    if let Some(there) = held.iter().find(|h| h.owner == owner) {
        return Err(Error::invalid("owner", format!("{} owns this catalog already", there.name)));
    }
    if store::is_taken(tx.db(), id)? {
        return Err(Error::Missing);
    }
    store::guard(tx.db(), catalog, rev)?;
    appoint(tx, id, catalog, &name, owner).map_err(|words| match words {
        Trouble::Words(words) => Error::invalid("owner", words),
        Trouble::Error(error) => error,
    })?;
    Ok(id)
}

/// Takes the role from an owner. False when it was gone already.
///
/// # Errors
/// `Refused` for the last owner who can act.
pub fn remove_owner(
    tx: &mut Tx<'_>,
    permit: &Permit<ManageCatalog>,
    catalog: CatalogId,
    grant: RoleGrantId,
) -> Result<bool> {
    about(permit.about(), catalog)?;
    let (name, rev) = store::catalog(tx.db(), catalog)?;
    let (gone, stay): (Vec<Held>, Vec<Held>) =
        store::owners(tx.db(), catalog)?.into_iter().partition(|h| h.grant == grant);
    let Some(gone) = gone.into_iter().next() else { return Ok(false) };
    if !stay.iter().any(|h| h.people > 0) {
        return Err(last(&gone, &name, catalog).into());
    }
    store::guard(tx.db(), catalog, rev)?;
    store::delete(tx.db(), grant)?;
    tx.record(
        &Fact::OwnerRemoved { group: gone.is_group(), owner: gone.name },
        About::nothing().catalog(catalog, name),
    )?;
    Ok(true)
}

/// Appoints the first owners of a catalog that is being created.
///
/// # Errors
/// `Invalid` on field `owners`: there must be at least one, and each must be able to act.
pub fn appoint_first(
    tx: &mut Tx<'_>,
    _permit: &Permit<CreateCatalog>,
    catalog: CatalogId,
    name: &str,
    owners: &[Owner],
) -> Result<()> {
    let mut owners = owners.to_vec();
    owners.sort_unstable();
    owners.dedup();
    if owners.is_empty() {
        return Err(Error::invalid("owners", "Name at least one owner"));
    }
    let mut wrong = Vec::new();
    for owner in owners {
        match appoint(tx, RoleGrantId::fresh(), catalog, name, owner) {
            Ok(()) => {}
            Err(Trouble::Words(words)) => wrong.push(FieldError::new("owners", words)),
            Err(Trouble::Error(error)) => return Err(error),
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(Error::Invalid(wrong)) }
}

enum Trouble {
    Words(String),
    Error(Error),
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

fn appoint(
    tx: &mut Tx<'_>,
    id: RoleGrantId,
    catalog: CatalogId,
    name: &str,
    owner: Owner,
) -> Result<(), Trouble> {
    let group = matches!(owner, Owner::Group(_));
    let Some(who) = store::candidate(tx.db(), owner)? else {
        return Err(Trouble::Words("Choose a person or group of the directory".into()));
    };
    if !who.able {
        let why = if group { "has no members who could act" } else { "has left" };
        return Err(Trouble::Words(format!("Choose somebody else: {} {why}", who.name)));
    }
    let now = tx.now();
    store::insert(tx.db(), id, catalog, owner, now)?;
    let fact = Fact::OwnerAdded { owner: who.name, group };
    Ok(tx.record(&fact, About::nothing().catalog(catalog, name))?)
}

fn about(permitted: uuid::Uuid, catalog: CatalogId) -> Result<()> {
    if permitted == catalog.0 { Ok(()) } else { Err(Error::Missing) }
}

fn last(gone: &Held, name: &str, catalog: CatalogId) -> Refusal {
    Refusal::new(
        format!("{} is the last owner of {name}", gone.name),
        "A catalog needs an owner who can act. Add another owner first, then remove this one.",
    )
    .way("Add another owner", format!("/catalogs/{catalog}/owners"))
}
