//! Delegation: who looks after a catalog.
//!
//! An *owner* is a person or a group; every enabled member of the group owns the catalog then. A catalog never loses its
//! last owner who can act: whoever adds or removes one moves the catalog's `rev` on, so that two of them
//! cannot remove each other at once (E9). What an owner may do is decided in `access::policy`.
//!
//! It knows catalogs by id and name only, and stands below `catalogs`, which appoints the first owners through it.

pub mod commands;
pub mod forms;
pub mod model;
pub mod pages;
pub mod store;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
