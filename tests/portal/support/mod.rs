//! The test house: real servers, started for one test and gone after it, and a real browser.
//!
//! What starts a component answers `None` when the machine lacks it, after [`skip`] has said so; a test then returns.

pub mod acts;
pub mod app;
pub mod browser;
mod certificate;
pub mod crowd;
pub mod database;
pub mod demo;
pub mod invariants;
pub mod ldap;
pub mod leash;
pub mod mailbox;
mod node;
pub mod northmoor;
pub mod provider;
pub mod reviews;
pub mod served;
mod skip;
pub mod tables;
pub mod talks;
pub mod target;
pub mod visitor;
pub mod world;

pub use leash::wait_for;
pub use skip::skip;
