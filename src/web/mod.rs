//! The toolkit of every page: the gate of every route, the session, the form, the answer, and the shell around it.
//!
//! A page is a plain synchronous function `fn(&mut Cx) -> Result<Reply>` in a table of routes. Only `server`,
//! `headers`, `cookies` and `session` know actix.

pub mod address;
pub mod assets;
mod cookies;
pub mod csrf;
pub mod csv;
pub mod cx;
pub mod draft;
pub mod form;
mod gate;
pub mod headers;
pub mod limit;
pub mod listing;
pub mod page;
pub mod paging;
mod problem;
pub mod reply;
pub mod routes;
pub mod server;
pub mod session;
pub mod words;

pub use address::safe_next;
pub use cx::Cx;
pub use form::Form;
pub use limit::Limit;
pub use page::{Place, Shell};
pub use reply::{CsvSink, Reply, SessionChange};
pub use routes::{Method, Route, get, post};
pub use server::{configure, serve};

#[cfg(test)]
mod gate_tests;
#[cfg(test)]
pub(crate) mod harness;
#[cfg(test)]
mod tests;
