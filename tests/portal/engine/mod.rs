//! The engine against both databases: requests, decisions, access, delivery, timers, leavers, races.
//! Tests carry the number of the decision that they guard.

mod approvals;
mod delivery;
mod leavers;
mod notices;
mod races;
mod reads;
mod requests;
mod rights;
mod timers;
