//! People and groups in the database. Every room may read here; only this slice's commands write.

mod read;
mod write;

pub use read::*;
pub(super) use write::*;
