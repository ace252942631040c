//! People whom no staff list brought, but the configuration.

use std::collections::{BTreeMap, HashMap};

use super::feed::Entry;
use super::store::{self, Listed};
use crate::access::{Permit, RunSystem};
use crate::db::Tx;
use crate::error::Result;
use crate::kernel::text::{NAME_MAX, one_line, shortened};
use crate::kernel::{About, Fact, Kind, PersonId};

/// The list from which these people come: no import ever takes them away (E24).
pub const SOURCE: &str = "config";

/// Adds somebody whom the configuration names. The id must be unknown.
///
/// # Errors
/// `Stale` if somebody else was faster.
pub fn add(
    tx: &mut Tx<'_>,
    _permit: &Permit<RunSystem>,
    external_id: &str,
    name: &str,
    mail: Option<&str>,
) -> Result<PersonId> {
    let (id, now) = (PersonId::fresh(), tx.now());
    let entry = Entry {
        line: 0,
        external_id: external_id.to_owned(),
        name: shortened(&one_line(name), NAME_MAX),
        mail: mail.map(str::to_lowercase),
        title: None,
        department: None,
        kind: Kind::Member,
        manager: None,
        attributes: BTreeMap::new(),
    };
    let listed = Listed::new(id, SOURCE, &entry, None, now)?;
    store::save_listed(tx.db(), &[listed], &HashMap::new())?;
    tx.record(&Fact::PersonJoined { returned: false }, About::nothing().person(id, entry.name))?;
    Ok(id)
}
