//! Delivery: what is wanted on target systems against what they really hold.
//!
//! `reconcile` claims due rights by lease, asks the connector, and believes only a read after the write (D23).
//! A target that does not answer, refuses or lies is retried with backoff for as long as it takes (D24, D25),
//! and every page of the request shows which and why.

pub mod connectors;
pub mod reconcile;
mod reviewing;
