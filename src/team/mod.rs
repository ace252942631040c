//! The people around somebody: those who report to them, and what their colleagues hold.
//!
//! [`store`] reads, [`rules`] says what is suggested and what is hidden (E28), [`pages`] show *My team* and the
//! comparison with a colleague. Suggestions appear on *Browse* and *Home*. Nothing is kept here: what a manager may end
//! is for `requests::commands`, who may ask for what is for the policies.

pub mod pages;
pub mod rules;
pub mod store;
#[cfg(test)]
mod tests;
