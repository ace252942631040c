//! Catalogs: where owners keep the resources that they look after and the access packages that they make of them.
//!
//! A *catalog* is on or off; while it is off, nothing in it can be found or requested (access that people hold stays).
//! A *resource* is one thing of a configured target system, such as an LDAP group, registered in one catalog only.
//! Its *roles* are what a person can be there, each with a *risk*, ordinary or high (D39).
//! Ids come from the form that asks for the thing, so that sending it twice makes one.

pub mod commands;
pub mod model;
pub mod pages;
pub mod rules;
pub mod store;
#[cfg(test)]
mod tests;
