//! Access packages: what people request, as a whole with one name and a description that says what it is for.
//!
//! A package belongs to one catalog and is made of roles of that catalog's resources; its risk is the highest of theirs (D39).
//! Every change of its contents has a number, which a request notes (D43). *Hidden* keeps it out of lists and searches;
//! the direct link works for those who may request it (D18). Who may request is said by its policies, one slice further on;
//! [`store::listed`] asks their scopes, kept as rows, so that a page costs two statements however much there is.

pub mod browse;
pub mod commands;
pub mod incompatible;
pub mod model;
pub mod pages;
pub mod rules;
pub mod store;
#[cfg(test)]
mod tests;
pub mod words;
