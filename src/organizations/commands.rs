//! Connecting organizations and changing them.

use std::collections::BTreeSet;

use super::model::{Draft, Organization};
use super::{rules, store};
use crate::access::{ManageOrganizations, Permit};
use crate::db::{Tx, hold_people};
use crate::error::{Error, FieldError, Result};
use crate::kernel::fact::Change;
use crate::kernel::text::folded;
use crate::kernel::{About, Fact, OrganizationId, PersonId};

/// Connects an organization, open for requests. Sent twice with the same id it is done once.
///
/// # Errors
/// `Invalid` on `name`, `description`, `domains` or `sponsors`.
pub fn create(
    tx: &mut Tx<'_>,
    _permit: &Permit<ManageOrganizations>,
    id: OrganizationId,
    draft: &Draft,
) -> Result<OrganizationId> {
    let draft = rules::organization(draft).map_err(Error::Invalid)?;
    match store::organization(tx.db(), id) {
        Ok(there) if there.name == draft.name && there.domains == draft.domains => return Ok(id),
        Ok(_) => return Err(Error::Missing),
        Err(Error::Missing) => {}
        Err(error) => return Err(error),
    }
    let key = free(tx, id, &draft)?;
    let now = tx.now();
    store::insert(tx.db(), id, &draft, &key, now)?;
    let Draft { name: organization, domains, .. } = draft;
    tx.record(&Fact::OrganizationCreated { organization, domains }, About::nothing())?;
    Ok(id)
}

/// Changes what an organization says; `seen` is the `rev` that the person had before them.
///
/// # Errors
/// `Invalid` as [`create`]; `Refused` if somebody else has changed it since.
pub fn change(
    tx: &mut Tx<'_>,
    _permit: &Permit<ManageOrganizations>,
    id: OrganizationId,
    seen: i64,
    draft: &Draft,
) -> Result<()> {
    let draft = rules::organization(draft).map_err(Error::Invalid)?;
    let was = store::organization(tx.db(), id)?;
    if says(&was) == draft_says(&draft) {
        return Ok(());
    }
    if was.rev != seen {
        return Err(Error::refused(
            format!("“{}” changed while you were editing", was.name),
            "Nothing of yours was saved, so that the other change is not undone by accident.",
        ));
    }
    let key = free(tx, id, &draft)?;
    store::save(tx.db(), &was, &draft, &key)?;
    let is = store::organization(tx.db(), id)?;
    let changes = differences(&was, &is);
    let fact = Fact::OrganizationChanged { organization: is.name, changes };
    tx.record(&fact, About::nothing())
}

/// Opens an organization for new requests, or closes it. What its people hold stays.
///
/// # Errors
/// `Missing` if there is none.
pub fn switch(
    tx: &mut Tx<'_>,
    _permit: &Permit<ManageOrganizations>,
    id: OrganizationId,
    open: bool,
) -> Result<()> {
    let was = store::organization(tx.db(), id)?;
    if was.open == open {
        return Ok(());
    }
    store::switch(tx.db(), &was, open)?;
    let fact = Fact::OrganizationSwitched { organization: was.name, open };
    tx.record(&fact, About::nothing())
}

/// The folded name, if name and domains are free and the sponsors are there. Two who want the same at once are told
/// apart by the unique keys: the later one runs again, and finds it taken.
fn free(tx: &mut Tx<'_>, id: OrganizationId, draft: &Draft) -> Result<String> {
    let mut errors = Vec::new();
    let key = folded(&draft.name);
    if store::by_name(tx.db(), &key)?.is_some_and(|there| there != id) {
        let words = format!("Choose another name: “{}” is connected already", draft.name);
        errors.push(FieldError::new("name", words));
    }
    let taken = store::taken(tx.db(), id, &draft.domains)?;
    if !taken.is_empty() {
        let each = taken.iter().map(|(domain, name)| format!("{domain} belongs to “{name}”"));
        let words = format!("Take out what another organization has: {}", join(each, "; "));
        errors.push(FieldError::new("domains", words));
    }
    if !hold_people(tx, &draft.sponsors)? {
        let words = "Take out who has left: somebody of these is not there anymore";
        errors.push(FieldError::new("sponsors", words));
    }
    if errors.is_empty() { Ok(key) } else { Err(Error::Invalid(errors)) }
}

type Says<'a> = (&'a str, &'a str, &'a [String], BTreeSet<PersonId>);

fn says(it: &Organization) -> Says<'_> {
    let sponsors = it.sponsors.iter().map(|sponsor| sponsor.id).collect();
    (&it.name, &it.description, &it.domains, sponsors)
}

fn draft_says(it: &Draft) -> Says<'_> {
    (&it.name, &it.description, &it.domains, it.sponsors.iter().copied().collect())
}

fn differences(was: &Organization, is: &Organization) -> Vec<Change> {
    let sponsors = |it: &Organization| join(it.sponsors.iter().map(|s| s.name.clone()), ", ");
    let changes = [
        Change::between("name", &was.name, &is.name),
        Change::between("description", &was.description, &is.description),
        Change::between("mail domains", was.domains.join(", "), is.domains.join(", ")),
        Change::between("sponsors", sponsors(was), sponsors(is)),
    ];
    changes.into_iter().flatten().collect()
}

fn join(all: impl Iterator<Item = String>, with: &str) -> String {
    all.collect::<Vec<_>>().join(with)
}
