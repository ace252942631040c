//! The organization's settings: whom to ask for help, whether approvers' names are shown, how long a decision can be
//! taken back, how long somebody may stand in for another. Rows with defaults (E17); what an installation needs to start
//! stands in its file instead (`config`).

pub mod commands;
pub mod model;
pub mod pages;
pub mod store;
#[cfg(test)]
mod tests;
