//! The engine against both databases: requests, decisions, access, delivery, timers, leavers, races.
//! Tests carry the number of the decision that they guard.

mod alternates;
mod approvals;
mod assigning;
mod changing;
mod contended;
mod delivery;
mod duties;
mod extending;
mod giving_back;
mod leavers;
mod model;
mod notices;
mod on_behalf;
mod races;
mod reads;
mod reminders;
mod requests;
mod reviewing;
mod reviewing_lists;
mod reviewing_resources;
mod reviewing_stages;
mod rights;
mod scale;
mod stages;
mod standing_in;
mod stopping;
mod talking;
mod timers;
mod undoing;
mod votes;
