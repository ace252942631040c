//! Reading what happened: the histories of single things, and the audit log with its export.

pub mod history;
pub mod pages;
pub mod store;
