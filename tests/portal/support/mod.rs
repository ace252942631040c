//! The test house: real servers, started for one test and gone after it, and a real browser.
//!
//! What starts a component answers `None` when the machine lacks it, after [`skip`] has said so; a test then returns.

pub mod browser;
mod certificate;
pub mod database;
pub mod invariants;
pub mod ldap;
mod leash;
mod node;
pub mod provider;
mod skip;
pub mod target;
pub mod world;

pub use skip::skip;
