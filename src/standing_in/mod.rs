//! Stand-ins: who decides in the place of somebody who is away, from a first day to a last one (D34, D45).
//!
//! Nothing is copied: who may decide for whom is read from the periods that run (`access::standing_in`, `db::awaited`),
//! so that a period covers what is open and what comes, and is over when its time is. The one who is away keeps their
//! right. What stands here is how a period is set and how it ends.

pub mod commands;
pub mod jobs;
pub mod model;
pub mod pages;
pub mod rules;
pub mod store;
#[cfg(test)]
mod tests;
