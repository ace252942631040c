//! Keyholder: people ask for access, the right people decide, it appears, and it ends by itself.

pub mod demo;
pub mod kernel;
pub mod signin;
