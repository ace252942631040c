//! Reading what happened: the histories of single things, and the audit log.

pub mod history;
