//! What the file of settings says about mail.

use std::path::PathBuf;

use serde::Deserialize;

use crate::kernel::Secret;

/// The server that takes the mails. Without this section notices are in the portal only.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MailSettings {
    /// The server's name or address.
    pub server: String,
    /// Its port; by default the usual one: 587 with STARTTLS, 465 with TLS, 25 without.
    #[serde(default)]
    pub port: Option<u16>,
    /// How the connection is protected.
    #[serde(default)]
    pub tls: Protection,
    /// A PEM file with the authorities that may have signed the server's certificate; otherwise those of the system.
    #[serde(default)]
    pub ca: Option<PathBuf>,
    /// The account there; without one nobody signs in.
    #[serde(default)]
    pub username: Option<String>,
    /// Its password.
    #[serde(default)]
    pub password: Option<Secret>,
    /// Who writes: `keyholder@example.com`, or `Keyholder <keyholder@example.com>`.
    pub from: String,
}

/// How a connection to the mail server is protected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Protection {
    /// STARTTLS before anything else; without it nothing is sent.
    #[default]
    StartTls,
    /// TLS from the first byte.
    Tls,
    /// None, which is for a server on this machine only.
    None,
}

impl MailSettings {
    /// The port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port.unwrap_or(match self.tls {
            Protection::StartTls => 587,
            Protection::Tls => 465,
            Protection::None => 25,
        })
    }

    /// Where the mails go, for the line that start prints.
    #[must_use]
    pub fn place(&self) -> String {
        let how = match self.tls {
            Protection::StartTls => "with STARTTLS",
            Protection::Tls => "with TLS",
            Protection::None => "without TLS, on this machine",
        };
        format!("{}:{} {how}", self.server, self.port())
    }

    /// Finds what cannot work or would not be safe, without asking the server.
    ///
    /// # Errors
    /// What is wrong, in words that name the setting and hold no secret.
    pub fn check(&self) -> Result<(), String> {
        if self.server.trim().is_empty() || self.server.contains(char::is_whitespace) {
            return Err("server must be the name or the address of a mail server".into());
        }
        if self.tls == Protection::None && !is_loopback(&self.server) {
            return Err("tls = \"none\" is for a server on this machine only; \
                        use \"starttls\" or \"tls\""
                .into());
        }
        if self.username.is_some() != self.password.is_some() {
            return Err("username and password stand together, or neither does".into());
        }
        if self.password.as_ref().is_some_and(|password| password.reveal().is_empty()) {
            return Err("password is empty".into());
        }
        super::mailer::mailbox(&self.from).map(|_| ())
    }
}

fn is_loopback(server: &str) -> bool {
    server == "localhost"
        || server.parse().is_ok_and(|address: std::net::IpAddr| address.is_loopback())
}
