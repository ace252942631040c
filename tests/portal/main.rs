//! The tests that use Keyholder from outside, as people, browsers and other systems do.
//!
//! One binary, since each one links everything again. `tests/run` runs it once per database.
#![expect(clippy::expect_used, clippy::unwrap_used, reason = "a test may panic, and says where")]

mod access;
mod both_databases;
mod campaign;
mod components;
mod engine;
mod journeys;
mod kills;
mod mail;
mod pages;
mod refusals;
mod signin;
mod substitution;
mod support;
