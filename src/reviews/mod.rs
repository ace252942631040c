//! Access reviews: who confirms which access, how often, and what becomes of it (D27 to D32).
//!
//! A *review* says what is reviewed, by whom, how often, and what silence means. Each run of it is an *instance*: a
//! snapshot of what people held at its start, one *item* for each assignment, with what a reviewer has to know. Where no
//! assignment says who holds what, a list does: its lines (`review_rows`) take the place of the assignments. Somebody has
//! put it in, or a target system has said it at the start of the instance (`population`). Items belong to a *pool*: those
//! who answer for them for the same reason. An instance goes through these states:
//!
//! `starting` (the target system is asked where it says who holds what, then the snapshot is written, in chunks; `refused` if it does not match what is held), `open` (reviewers
//! answer; `between` two stages what goes on is handed to others), `confirming` (silence would remove more than the share
//! that is safe), `applying` (removals wait for the cooling-off time, are carried out and confirmed), `completed`; or
//! `canceled`, without any effect.

pub mod commands;
pub mod context;
pub mod jobs;
pub mod list;
pub mod model;
pub mod pack;
pub mod pages;
pub mod population;
pub mod reads;
pub mod rules;
pub mod snapshot;
pub mod store;
/// What somebody reads who named nobody that can review: who else there is, is not told (E28).
pub const NOBODY: &str = "No such person among those who can review";
