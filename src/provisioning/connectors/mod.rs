//! Connectors: how a right is given, taken and read back on a target system.
//!
//! A connector knows no database, no request and no clock. It is called from a worker thread, may block up to the
//! timeout of its target, and does each thing at most once however often it is asked.

pub mod dn;
pub mod ldap;
pub mod settings;

use std::collections::BTreeMap;
use std::sync::Arc;

/// Who shall get a right, as the directory knows them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The person's key in the source of people.
    pub external_id: String,
    /// The person's name, for words.
    pub name: String,
    /// The person's mail address, for targets that know people by it.
    pub mail: Option<String>,
}

/// What shall be given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grant<'a> {
    /// The resource's address on the target: the DN of an LDAP group.
    pub resource: &'a str,
    /// The role's value on the target, one of [`Connector::roles`].
    pub role: &'a str,
}

/// Why a target did not do what it was asked. Every variant has words for the owner and none holds a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// Nobody answers there, or not over a connection that can be trusted. It is worth trying again.
    #[error("The target system cannot be reached: {0}.")]
    Unreachable(String),
    /// The target understood and said no.
    #[error("The target system refused: {0}.")]
    Refused(String),
    /// No answer in time; the change may have been made all the same.
    #[error("The target system did not answer in time.")]
    TimedOut,
    /// The person has no account there (yet).
    #[error("The person has no account on the target system yet: {0}.")]
    NoAccount(String),
    /// The resource is not there (any more).
    #[error("The resource is not on the target system: {0}.")]
    NoResource(String),
    /// The resource is not among those that may be managed here.
    #[error("The resource is not on the list of what may be managed: {0}.")]
    NotManaged(String),
    /// The settings of the target are wrong; the people who run the portal must act.
    #[error("The settings of the target system are not right: {0}.")]
    Misconfigured(String),
}

impl Trouble {
    /// A short stable word for the row of the delivery, the metrics and the log.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Unreachable(_) => "unreachable",
            Self::Refused(_) => "refused",
            Self::TimedOut => "timed_out",
            Self::NoAccount(_) => "no_account",
            Self::NoResource(_) => "no_resource",
            Self::NotManaged(_) => "not_managed",
            Self::Misconfigured(_) => "misconfigured",
        }
    }

    /// Whether nothing is wrong but that the person's account has not appeared yet.
    #[must_use]
    pub const fn waits_for_account(&self) -> bool {
        matches!(self, Self::NoAccount(_))
    }
}

/// A resource of the target that could be registered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Where it is: what [`Grant::resource`] takes.
    pub address: String,
    /// What people call it.
    pub name: String,
}

/// Somebody, or something, that has a right on the target.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Member {
    /// What the person may be called in the source of people; empty where the target does not say it.
    pub ids: Vec<String>,
    /// The person's mail addresses, for targets that know people by them.
    pub mails: Vec<String>,
    /// What it is called there, for words.
    pub name: String,
}

/// One target system.
pub trait Connector: Send + Sync {
    /// What kind of target it is, in words for a page: "LDAP groups".
    fn kind(&self) -> &'static str;

    /// Whether the person has the right now: the read-back.
    ///
    /// # Errors
    /// The trouble that kept the answer away; it never means "no".
    fn holds(&self, who: &Account, what: &Grant) -> Result<bool, Trouble>;

    /// Gives the right. Giving what is there is a success. `key` is the idempotency key, for targets that take one.
    ///
    /// # Errors
    /// The trouble that kept the right from being given, or its outcome from being known.
    fn add(&self, who: &Account, what: &Grant, key: &str) -> Result<(), Trouble>;

    /// Takes the right. Taking what is not there is a success. `key` as for [`Connector::add`].
    ///
    /// # Errors
    /// The trouble that kept the right from being taken, or its outcome from being known.
    fn remove(&self, who: &Account, what: &Grant, key: &str) -> Result<(), Trouble>;

    /// Who has the right now: all of them, or a trouble. What holds a place only is left out.
    ///
    /// # Errors
    /// The trouble that kept the list away, or a part of it.
    fn members(&self, what: &Grant) -> Result<Vec<Member>, Trouble>;

    /// At most 200 resources that may be managed and have the words of `filter` in their name, sorted by name;
    /// all, when it is empty.
    ///
    /// # Errors
    /// The trouble that kept the list away.
    fn resources(&self, filter: &str) -> Result<Vec<Found>, Trouble>;

    /// The roles that a resource of this kind has: value on the target and label for people.
    fn roles(&self) -> &'static [(&'static str, &'static str)];
}

/// All configured targets by name. Pages and rows speak of a target by its name and never hold its address.
#[derive(Clone, Default)]
pub struct Targets(BTreeMap<String, Arc<dyn Connector>>);

impl Targets {
    /// The target of this name, unless the settings no longer have it.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Arc<dyn Connector>> {
        self.0.get(name).cloned()
    }

    /// The names, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Puts a target under a name, in the place of one that had it.
    pub fn insert(&mut self, name: impl Into<String>, target: Arc<dyn Connector>) {
        self.0.insert(name.into(), target);
    }
}
