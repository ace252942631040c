//! Who hears of which fact. The dispatcher makes one notice per fact and person from undispatched facts,
//! idempotently (E6); each is in the portal, and goes out as a letter by mail where a server is configured.
//!
//! `rules.rs` says who is told, `letters.rs` what a letter says, `post.rs` when it is tried, `mailer.rs` how.

pub mod commands;
pub mod dispatch;
pub mod letters;
pub mod mailer;
pub mod model;
pub mod pages;
pub mod post;
pub mod rules;
pub mod settings;
pub mod store;
