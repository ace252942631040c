//! Requests: somebody asks for an access package; the right people decide, stage by stage.
//!
//! A request carries a frozen copy of the policy version it was made under (D1). Its states:
//! `pending_approval` (an open stage with living deciders, D3) -> `delivering` or `scheduled` -> `delivered`;
//! or it ends as `denied`, `expired`, `canceled` or `undelivered`. One denial ends it (D4); a stage that runs
//! out ends it (D5); nobody decides for themselves (D2). `rules` is pure; `commands` are the use cases;
//! `jobs` are the timers.

pub mod acting;
pub mod analysis;
#[cfg(test)]
mod analysis_tests;
pub mod approvals;
pub mod asking;
#[cfg(test)]
mod asking_more_tests;
#[cfg(test)]
mod asking_tests;
pub mod bulk;
#[cfg(test)]
mod bulk_tests;
pub mod chart;
pub mod commands;
pub mod deciding;
#[cfg(test)]
mod deciding_tests;
mod decision;
pub mod drafts;
pub mod duties;
pub mod eligibility;
pub mod explaining;
#[cfg(test)]
mod explaining_tests;
pub mod fields;
pub mod forms;
pub mod jobs;
pub mod model;
pub mod owner;
pub mod pages;
pub mod prospect;
pub mod queue;
pub mod rules;
pub mod stopping;
pub mod stops;
pub mod store;
pub mod timeline;
pub mod veil;
pub mod votes;
#[cfg(test)]
mod waiting_tests;
pub mod words;
