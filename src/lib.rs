//! Keyholder: people ask for access, the right people decide, it appears, and it ends by itself.

#![recursion_limit = "256"]

pub mod access;
pub mod assignments;
pub mod db;
pub mod demo;
pub mod directory;
pub mod error;
pub mod kernel;
pub mod notify;
pub mod policies;
pub mod provisioning;
pub mod requests;
pub mod signin;
pub mod site;
pub mod web;
