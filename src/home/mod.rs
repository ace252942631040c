//! The first page: what waits for me, what I wait for, what ends soon, what needs looking after.

mod ahead;
pub mod pages;
