//! The tests that use Keyholder from outside, as people, browsers and other systems do.
//!
//! One binary, since each one links everything again. `tests/run` runs it once per database.
#![expect(clippy::expect_used, clippy::unwrap_used, reason = "a test may panic, and says where")]

mod components;
mod engine;
mod signin;
mod support;
