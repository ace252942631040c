//! Keyholder: people ask for access, the right people decide, it appears, and it ends by itself.

#![recursion_limit = "256"]

pub mod access;
pub mod catalogs;
pub mod db;
pub mod delegation;
pub mod directory;
pub mod error;
pub mod kernel;
pub mod packages;
pub mod policies;
pub mod provisioning;
pub mod site;
pub mod web;
