//! The rows of the organization's settings.

use diesel::prelude::*;

use super::model::Settings;
use crate::db::schema::settings;
use crate::db::{APPROVER_NAMES, Db, Tx, set_setting, setting, stale_if_taken};
use crate::error::{Error, Result};

const REV: &str = "organization.rev";
const HELP: &str = "organization.help";
/// The name of the row with the undo window, for those who write history.
pub const UNDO_SECONDS: &str = "organization.undo_seconds";
const STAND_IN_DAYS: &str = "organization.stand_in_days";
const SILENT_SHARE: &str = "reviews.silent_share";
const COOLING_HOURS: &str = "reviews.cooling_hours";

/// The organization's settings. One statement.
///
/// # Errors
/// When the database does not answer.
pub fn organization(db: &mut Db) -> Result<Settings> {
    let names = [HELP, APPROVER_NAMES, UNDO_SECONDS, STAND_IN_DAYS, SILENT_SHARE, COOLING_HOURS];
    let rows: Vec<(String, String)> = settings::table
        .filter(settings::name.eq_any(names))
        .select(settings::all_columns)
        .load(db)?;
    let mut found = Settings::default();
    for (name, value) in rows {
        match name.as_str() {
            HELP => found.help = Some(value).filter(|words| !words.is_empty()),
            APPROVER_NAMES => found.approver_names = value != "false",
            UNDO_SECONDS => found.undo_seconds = value.parse().unwrap_or(found.undo_seconds),
            STAND_IN_DAYS => found.stand_in_days = value.parse().unwrap_or(found.stand_in_days),
            SILENT_SHARE => found.silent_share = value.parse().unwrap_or(found.silent_share),
            COOLING_HOURS => found.cooling_hours = value.parse().unwrap_or(found.cooling_hours),
            _ => {}
        }
    }
    Ok(found)
}

/// How often the settings have changed: who sends a form says which they saw.
///
/// # Errors
/// When the database does not answer.
pub fn revision(db: &mut Db) -> Result<i64> {
    Ok(setting(db, REV)?.and_then(|rev| rev.parse().ok()).unwrap_or(0))
}

/// Counts one change more, if nobody else has meanwhile.
pub(super) fn count(tx: &mut Tx<'_>, read: i64) -> Result<()> {
    let next = (read + 1).to_string();
    if read == 0 {
        let row = (settings::name.eq(REV), settings::value.eq(next));
        diesel::insert_into(settings::table)
            .values(row)
            .execute(tx.db())
            .map_err(stale_if_taken)?;
        return Ok(());
    }
    let row = settings::name.eq(REV).and(settings::value.eq(read.to_string()));
    let hit = diesel::update(settings::table.filter(row)).set(settings::value.eq(next));
    if hit.execute(tx.db())? == 1 { Ok(()) } else { Err(Error::Stale) }
}

pub(super) fn save(tx: &mut Tx<'_>, new: &Settings) -> Result<()> {
    set_setting(tx, HELP, new.help.as_deref().unwrap_or_default())?;
    set_setting(tx, APPROVER_NAMES, if new.approver_names { "true" } else { "false" })?;
    set_setting(tx, UNDO_SECONDS, &new.undo_seconds.to_string())?;
    set_setting(tx, STAND_IN_DAYS, &new.stand_in_days.to_string())?;
    set_setting(tx, SILENT_SHARE, &new.silent_share.to_string())?;
    set_setting(tx, COOLING_HOURS, &new.cooling_hours.to_string())
}
