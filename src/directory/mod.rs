//! People, groups and managers, and the staff lists from which they come.
//!
//! [`feed`] reads a staff list, [`diff`] says what it changes, [`groups_feed`] does both for groups.
//! None of them knows a database: they turn a file and what is known into a plan, which somebody
//! else carries out whole or not at all. Words: a *joiner* is new or comes back, a *mover* is
//! anyone of whom a column differs, a *leaver* is missing from the list.

pub mod diff;
pub mod feed;
pub mod groups_feed;
mod lookup;
mod problem;
mod rows;

pub use problem::Problem;
