//! Signing in: who somebody is, said by the organization's own provider.
//!
//! [`oidc`] speaks with the provider, [`rules`] finds the person whom it means, [`commands`] records it, and
//! [`pages`] leads there and back. The attempt lives in a cookie: nothing is written for strangers (E23).

pub mod commands;
pub mod oidc;
pub mod pages;
pub mod rules;
pub mod store;
pub mod words;

pub use store::Choice;
