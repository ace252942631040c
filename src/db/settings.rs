//! What the installation remembers about itself, as name and value.

use diesel::prelude::*;

use super::schema::settings;
use super::{Db, Tx};
use crate::error::Result;

/// The setting that is "false" where the names of those who decide are kept from those who wait (E17).
pub const APPROVER_NAMES: &str = "organization.approver_names";

/// The value of a setting.
///
/// # Errors
/// When the database does not answer.
pub fn setting(db: &mut Db, name: &str) -> Result<Option<String>> {
    Ok(settings::table.find(name).select(settings::value).first(db).optional()?)
}

/// Stores a setting.
///
/// # Errors
/// When the database does not answer.
pub fn set_setting(tx: &mut Tx<'_>, name: &str, value: &str) -> Result<()> {
    let row = (settings::name.eq(name), settings::value.eq(value));
    crate::each_backend!(tx.db(), |c| {
        diesel::insert_into(settings::table)
            .values(row)
            .on_conflict(settings::name)
            .do_update()
            .set(settings::value.eq(value))
            .execute(c)?
    });
    Ok(())
}
