//! People, groups and managers, and the staff lists from which they come.
//!
//! [`feed`] reads a staff list, [`diff`] says what it changes, [`groups_feed`] does both for groups.
//! None of them knows a database: they turn a file and what is known into a plan, which
//! [`commands`] carries out whole or not at all, [`import`] with a dry run and [`cli`] in words.
//! Words: a *joiner* is new or comes back, a *mover* is anyone of whom a column differs,
//! a *leaver* is missing from the list. Nobody is ever deleted: a leaver is disabled.

pub mod cli;
pub mod commands;
pub mod configured;
pub mod diff;
pub mod feed;
pub mod groups_feed;
pub mod import;
mod lookup;
pub mod mail;
mod model;
pub(crate) mod problem;
pub mod profile;
pub(crate) mod rows;
pub mod store;
#[cfg(test)]
mod tests;

pub use commands::{LeaverHook, MembersHook};
pub use model::{GlobalRole, GroupsOutcome, Outcome};
pub use problem::Problem;
pub use store::{GroupRow, PersonRow};
