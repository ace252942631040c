//! Assignments: a package held by a person, from a start to an end, and the rights that it gives.
//!
//! An assignment is made when its request is approved (scheduled or at once), starts, and ends exactly once:
//! its time is over, somebody ends it, or the person leaves. A right (a resource role held by a person) is
//! wanted while at least one started assignment gives it (D21); `provisioning` makes the target agree.

pub mod commands;
pub mod delivery;
pub mod model;
pub mod moving;
pub mod owner;
pub mod pages;
pub mod rights;
pub mod rules;
pub mod store;
pub mod words;
