//! How often one may do what costs much (E27). Counted in this process, by monotonic time.

use std::num::NonZeroU32;
use std::sync::{Mutex, MutexGuard, TryLockError};

use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use crate::error::{Error, Result};

/// What is limited; by person once signed in, by address before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// Starting to sign in.
    SignIn,
    /// Coming back from the identity provider.
    Callback,
    /// Searching.
    Search,
    /// Sending a form that makes work for others.
    Submit,
}

/// The counts.
pub struct Limits {
    sign_in: DefaultKeyedRateLimiter<String>,
    callback: DefaultKeyedRateLimiter<String>,
    search: DefaultKeyedRateLimiter<String>,
    submit: DefaultKeyedRateLimiter<String>,
    alone: Mutex<()>,
}

impl Default for Limits {
    /// Generous: a whole office may share one address.
    fn default() -> Self {
        Self::per_minute(300, 300, 240, 120)
    }
}

impl Limits {
    /// Limits with so many of each in a minute.
    #[must_use]
    pub fn per_minute(sign_in: u32, callback: u32, search: u32, submit: u32) -> Self {
        let keyed = |n| {
            RateLimiter::keyed(Quota::per_minute(NonZeroU32::new(n).unwrap_or(NonZeroU32::MIN)))
        };
        Self {
            sign_in: keyed(sign_in),
            callback: keyed(callback),
            search: keyed(search),
            submit: keyed(submit),
            alone: Mutex::new(()),
        }
    }

    /// What costs so much that only one of it is made at a time. It lasts as long as it is held.
    ///
    /// # Errors
    /// `Busy` while another one is made.
    pub fn alone(&self) -> Result<MutexGuard<'_, ()>> {
        match self.alone.try_lock() {
            Ok(held) => Ok(held),
            Err(TryLockError::Poisoned(held)) => Ok(held.into_inner()),
            Err(TryLockError::WouldBlock) => Err(Error::Busy),
        }
    }

    /// Counts one more; false if it is one too many.
    #[must_use]
    pub fn allow(&self, limit: Limit, who: &str) -> bool {
        let limiter = match limit {
            Limit::SignIn => &self.sign_in,
            Limit::Callback => &self.callback,
            Limit::Search => &self.search,
            Limit::Submit => &self.submit,
        };
        limiter.check_key(&who.to_owned()).is_ok()
    }

    /// Forgets whoever has been quiet, so that memory stays bounded.
    pub fn sweep(&self) {
        for limiter in [&self.sign_in, &self.callback, &self.search, &self.submit] {
            limiter.retain_recent();
            limiter.shrink_to_fit();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_too_many_is_refused_and_others_are_not() {
        let limits = Limits::per_minute(2, 1, 1, 1);
        assert!(limits.allow(Limit::SignIn, "a") && limits.allow(Limit::SignIn, "a"));
        assert!(!limits.allow(Limit::SignIn, "a"));
        assert!(limits.allow(Limit::SignIn, "b") && limits.allow(Limit::Search, "a"));
        let first = limits.alone();
        assert!(first.is_ok() && matches!(limits.alone(), Err(Error::Busy)));
        drop(first);
        assert!(limits.alone().is_ok());
        limits.sweep();
        assert!(!limits.allow(Limit::SignIn, "a"));
    }
}
