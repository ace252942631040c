//! A person's page: who they are, what they hold and why, what they requested, what happened to them.
//!
//! Shown to those whom E28 names; owners see only what concerns their catalogs.

pub mod pages;
pub mod store;
