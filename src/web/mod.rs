//! The toolkit of every page: the shell around it, its words, its files. Nothing here knows actix or the database.

pub mod assets;
pub mod page;
pub mod words;

#[cfg(test)]
mod tests;
