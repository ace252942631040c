//! What can go wrong, and which answer it gets. Commands and pages return these; `web` draws them.
//!
//! - A person can mend it in the form: `Invalid` (422, everything typed is kept).
//! - A rule says no: `Refused` (409 with the rule, what it means, and ways on).
//! - May not: `Denied` (403); may not even know: `Missing` (404).
//! - The row moved under a guarded write: `Stale`; the command is run again as a whole (E8).
//! - Too busy: `Busy` (503), `TooMany` (429).
//! - Everything else is ours: `Broken` (500 with a reference that is in the log).

use std::fmt;

/// One thing to mend in a form; the same words stand in the summary and beside the field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    /// The name and id of the field.
    pub field: String,
    /// How to mend it.
    pub text: String,
}

impl FieldError {
    /// An error of one field.
    pub fn new(field: impl Into<String>, text: impl Into<String>) -> Self {
        Self { field: field.into(), text: text.into() }
    }
}

/// A rule that says no, in words for a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The page's title: what cannot be.
    pub title: String,
    /// Why, and what it means.
    pub why: String,
    /// Ways on: words and an address.
    pub ways: Vec<(String, Option<String>)>,
}

impl Refusal {
    /// A refusal without ways on.
    pub fn new(title: impl Into<String>, why: impl Into<String>) -> Self {
        Self { title: title.into(), why: why.into(), ways: Vec::new() }
    }

    /// Adds a way on.
    #[must_use]
    pub fn way(mut self, words: impl Into<String>, href: impl Into<String>) -> Self {
        self.ways.push((words.into(), Some(href.into())));
        self
    }
}

/// See the head of this file.
#[derive(Debug)]
pub enum Error {
    /// 422: mend these fields.
    Invalid(Vec<FieldError>),
    /// 409: a rule says no.
    Refused(Box<Refusal>),
    /// 403: known, but not allowed.
    Denied(String),
    /// 404: not there, or not for these eyes.
    Missing,
    /// The guarded write missed; run the whole command again.
    Stale,
    /// 503: try again in a moment.
    Busy,
    /// 429: too many in too short a time.
    TooMany,
    /// 500: ours.
    Broken(anyhow::Error),
}

/// The result of everything that may fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// One field is wrong.
    pub fn invalid(field: &str, text: impl Into<String>) -> Self {
        Self::Invalid(vec![FieldError::new(field, text)])
    }

    /// A rule says no.
    pub fn refused(title: impl Into<String>, why: impl Into<String>) -> Self {
        Self::Refused(Box::new(Refusal::new(title, why)))
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(Box::new(refusal))
    }
}

impl From<anyhow::Error> for Error {
    fn from(error: anyhow::Error) -> Self {
        Self::Broken(error)
    }
}

impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        Self::Broken(error.into())
    }
}

impl From<diesel::result::Error> for Error {
    fn from(error: diesel::result::Error) -> Self {
        match error {
            diesel::result::Error::NotFound => Self::Missing,
            other => Self::Broken(other.into()),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid(fields) => {
                let texts: Vec<_> = fields.iter().map(|e| e.text.as_str()).collect();
                f.write_str(&texts.join("; "))
            }
            Self::Refused(refusal) => write!(f, "{}: {}", refusal.title, refusal.why),
            Self::Denied(words) => f.write_str(words),
            Self::Missing => f.write_str("not found"),
            Self::Stale => f.write_str("changed in the meantime"),
            Self::Busy => f.write_str("the database is busy; try again in a moment"),
            Self::TooMany => f.write_str("too many attempts; wait a minute"),
            Self::Broken(error) => write!(f, "{error:#}"),
        }
    }
}

impl std::error::Error for Error {}
