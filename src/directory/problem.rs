//! What is wrong with a file, and where.

use std::fmt;

/// The most problems that are listed; the rest is counted.
pub const LISTED: usize = 50;

/// One thing that is wrong with a file, for the person who sent it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The line at which the row starts, from 1; none if it is about the whole file.
    pub line: Option<u64>,
    /// What is wrong, in words, and what would help.
    pub text: String,
}

impl Problem {
    /// A problem with one line.
    pub fn at(line: u64, text: impl Into<String>) -> Self {
        Self { line: Some(line), text: text.into() }
    }

    /// A problem with the whole file.
    pub fn whole(text: impl Into<String>) -> Self {
        Self { line: None, text: text.into() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "line {line}: {}", self.text),
            None => f.write_str(&self.text),
        }
    }
}

/// Problems as they are found: a file of nothing but mistakes stays readable and takes no memory.
#[derive(Default)]
pub(crate) struct Problems {
    listed: Vec<Problem>,
    more: usize,
}

impl Problems {
    pub(crate) fn push(&mut self, problem: Problem) {
        if self.listed.len() < LISTED {
            self.listed.push(problem);
        } else {
            self.more += 1;
        }
    }

    /// `value` if nothing was found, otherwise the list and how many more there are.
    pub(crate) fn or<T>(mut self, value: T) -> Result<T, Vec<Problem>> {
        if self.listed.is_empty() {
            return Ok(value);
        }
        if self.more > 0 {
            self.listed.push(Problem::whole(format!("and {} more", self.more)));
        }
        Err(self.listed)
    }
}
