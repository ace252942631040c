//! The engine against both databases: requests, decisions, access, delivery, timers, leavers, races.
//! Tests carry the number of the decision that they guard.

mod alternates;
mod approvals;
mod assigning;
mod changing;
mod delivery;
mod extending;
mod giving_back;
mod leavers;
mod notices;
mod on_behalf;
mod races;
mod reads;
mod reminders;
mod requests;
mod rights;
mod stages;
mod stopping;
mod timers;
mod votes;
