//! Connected organizations: whose people work with us as guests.
//!
//! A guest belongs to the organization that has the domain of their mail address; members belong to none. A domain has
//! one organization, and its subdomains do not come with it. *Sponsors* answer for an organization's people: members of
//! ours or guests. A *closed* organization counts as none for new requests; what its people hold stays.
//! Nobody's access depends on this room: scopes and stages of policies ask it who is meant.

pub mod commands;
pub mod model;
pub mod pages;
pub mod rules;
pub mod store;
#[cfg(test)]
mod tests;
