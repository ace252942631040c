//! What every page and job is handed: the database, the organization's words, the keys, the times of sessions.

use std::net::IpAddr;
use std::sync::Arc;

use actix_web::cookie::Key;
use sha2::{Digest, Sha256};
use url::Url;

use crate::db::Database;
use crate::demo::Demo;
use crate::notify::letters::Letterhead;
use crate::notify::mailer::Mailer;
use crate::provisioning::connectors::Targets;
use crate::reviews::pack::SigningKey;
use crate::signin::oidc::Oidc;
use crate::web::limit::Limits;

/// The installation as its pages see it.
pub struct Site {
    /// The database, with the clocks and the zone.
    pub db: Database,
    /// The organization's name.
    pub organization: String,
    /// How to get help and from whom; empty if nobody is named.
    pub help: String,
    /// The address under which people reach this site.
    pub public_url: Url,
    /// The keys of cookies and drafts.
    pub keys: Keys,
    /// When sessions end.
    pub sessions: SessionTimes,
    /// True with https: `__Host-` cookies, `Secure`, HSTS.
    pub secure: bool,
    /// True in the demo, which answers to loopback names only (E20).
    pub demo: bool,
    /// Proxies that may say for whom they ask (`X-Forwarded-For`).
    pub proxies: Vec<IpAddr>,
    /// How often one may do what costs much (E27).
    pub limits: Limits,
    /// The way to the mail server, if one is configured.
    pub mailer: Option<Arc<Mailer>>,
    /// The target systems by name.
    pub targets: Arc<Targets>,
    /// How people sign in; none only in tests of the toolkit.
    pub oidc: Option<Arc<Oidc>>,
    /// The staff list's id of the person who becomes administrator at sign-in while there is none (E21).
    pub first_administrator: Option<String>,
    /// Signs the packs of reviews, if a key is configured; without one a pack says that it is not signed.
    pub pack_key: Option<Arc<SigningKey>>,
    /// What the demo's own pages work on: its target, its clock. None in `serve`.
    pub controls: Option<Arc<Demo>>,
}

/// When sessions end, by wall time (E1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionTimes {
    /// After so many minutes without a request.
    pub idle_minutes: i64,
    /// So many hours after sign-in, whatever happens.
    pub absolute_hours: i64,
}

impl Default for SessionTimes {
    fn default() -> Self {
        Self { idle_minutes: 30, absolute_hours: 12 }
    }
}

/// The keys, all made from one secret.
#[derive(Clone)]
pub struct Keys {
    /// Encrypts cookies.
    pub cookies: Key,
    /// Encrypts drafts (E22).
    pub drafts: [u8; 32],
}

impl Keys {
    /// The shortest secret, in bytes.
    pub const SECRET_MIN: usize = 64;

    /// Derives the keys from the installation's secret.
    ///
    /// # Errors
    /// Words for the operator when the secret is shorter than [`Self::SECRET_MIN`] bytes.
    pub fn derive(secret: &[u8]) -> Result<Self, String> {
        if secret.len() < Self::SECRET_MIN {
            return Err(format!(
                "the secret must have at least {} bytes, but has {}",
                Self::SECRET_MIN,
                secret.len()
            ));
        }
        Ok(Self::from_long(secret))
    }

    /// Keys that nobody else has and that end with the process.
    #[must_use]
    pub fn random() -> Self {
        Self::from_long(&rand::random::<[u8; 64]>())
    }

    fn from_long(secret: &[u8]) -> Self {
        let drafts = Sha256::new().chain_update(b"keyholder drafts\0").chain_update(secret);
        Self { cookies: Key::derive_from(secret), drafts: drafts.finalize().into() }
    }
}

impl Site {
    /// What stands on every letter.
    #[must_use]
    pub fn letterhead(&self) -> Letterhead {
        Letterhead {
            site: self.public_url.clone(),
            organization: self.organization.clone(),
            help: self.help.clone(),
            zone: self.db.zone(),
        }
    }

    /// True for an origin (`https://host:port`) that is this site's own.
    #[must_use]
    pub fn is_own_origin(&self, origin: &str) -> bool {
        if origin == self.public_url.origin().ascii_serialization() {
            return true;
        }
        // The demo is reached under every name of the loopback.
        self.demo && origin.strip_prefix("http://").is_some_and(|host| self.is_own_host(host))
    }

    /// True for a Host header that the demo answers to: a loopback name with its port.
    #[must_use]
    pub fn is_own_host(&self, host: &str) -> bool {
        let port = self.public_url.port_or_known_default().unwrap_or(80);
        ["localhost", "127.0.0.1", "[::1]"]
            .iter()
            .any(|name| host == format!("{name}:{port}") || (port == 80 && host == *name))
    }

    /// The path with its query, if the address is one of this site.
    #[must_use]
    pub fn own_path(&self, address: &str) -> Option<String> {
        let url = Url::parse(address).ok()?;
        self.is_own_origin(&url.origin().ascii_serialization())
            .then(|| url[url::Position::BeforePath..url::Position::AfterQuery].to_owned())
    }

    /// The name of a cookie: `__Host-` binds it to this host where there is https.
    #[must_use]
    pub fn cookie_name(&self, name: &str) -> String {
        if self.secure { format!("__Host-{name}") } else { name.to_owned() }
    }
}
