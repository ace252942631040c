//! The first page: what waits for me, what I wait for, what ends soon, what needs looking after.

pub mod pages;
