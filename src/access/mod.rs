//! Who may. Pure: no database, no clock, no web.
//!
//! `policy` is the only place that decides; it answers with a [`Permit`], which commands demand.

mod actor;
mod permit;
pub mod policy;
pub mod standing_in;

pub use actor::{Actor, Person};
pub use permit::*;
pub use standing_in::{Link, StandsFor};
