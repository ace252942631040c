//! Policies: who may request a package, who decides, for how long.
//!
//! What a policy says are its *terms*, plain data that a request copies (D1). Every change makes a new *version*; the old
//! ones are kept. Its *scope* is written a second time as rows, so that lists can be asked of the database.
//! A package has any number of policies; of those whose scope has a person in it, the ones that name them go before
//! the ones for all members, and so on; on a tie the requestor chooses (D17). `stages` and `questions` are parts of
//! the terms, `reads` says them in sentences.

pub mod commands;
pub mod forms;
pub mod model;
pub mod pages;
pub mod questions;
pub mod reach;
pub mod reads;
pub mod rules;
pub mod stages;
pub mod store;
#[cfg(test)]
mod tests;
