//! Separation of duties (D7, D19): what nobody shall hold beside a package, another package or the membership of a
//! group. Rules are mutual unless a switch makes them one-way. They are looked at whenever access is asked for, decided
//! and started; who holds both already, when a rule is added, is listed and keeps both.

pub mod commands;
pub mod model;
pub mod pages;
pub mod rules;
pub mod store;
