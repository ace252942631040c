//! A real mail server, which keeps what it takes, and misbehaves on demand.

use std::path::PathBuf;

use keyholder::kernel::Secret;
use keyholder::notify::settings::{MailSettings, Protection};
use openidconnect::reqwest::blocking::Client;
use serde::Deserialize;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::certificate;
use super::node::Node;

/// The account that the server knows.
pub const USER: &str = "keyholder";
/// Its password.
pub const PASSWORD: &str = "hush, only for tests";

/// A running server; gone when this is dropped.
pub struct Mailbox {
    /// Where it listens.
    pub port: u16,
    control: String,
    http: Client,
    folder: TempDir,
    _node: Node,
}

/// A mail as it came.
#[derive(Debug, Deserialize)]
pub struct Mail {
    /// To whom it was handed over.
    pub to: Vec<String>,
    /// Its header, names in lower case, folded lines as one.
    pub header: std::collections::BTreeMap<String, String>,
    /// Decoded.
    pub subject: String,
    /// Its plain part.
    pub text: String,
    /// Its HTML part.
    pub html: String,
    /// The content types in it, containers first.
    pub parts: Vec<String>,
}

impl Mailbox {
    /// Starts one that wants STARTTLS and an account.
    pub fn start() -> Option<Self> {
        Self::with(true)
    }

    /// Starts one that knows no TLS.
    pub fn without_tls() -> Option<Self> {
        Self::with(false)
    }

    fn with(starttls: bool) -> Option<Self> {
        let folder = TempDir::new().expect("a folder for the certificate");
        certificate::write(folder.path());
        let file = |name: &str| folder.path().join(name);
        let settings = json!({
            "key": file("server.key"),
            "cert": file("server.pem"),
            "starttls": starttls,
            "user": USER,
            "password": PASSWORD,
        });
        let mut node = Node::start("mailbox.mjs", &[&settings.to_string()])?;
        let first = node.output.as_mut().and_then(Iterator::next).expect("the server starts");
        let said: Value = serde_json::from_str(&first.expect("its first line")).expect("JSON");
        let port = said["port"].as_u64().and_then(|port| u16::try_from(port).ok());
        Some(Self {
            port: port.expect("a port"),
            control: said["control"].as_str().expect("an address").to_owned(),
            // A connection of its own for each question: Node closes idle ones without a word.
            http: Client::builder()
                .no_proxy()
                .pool_max_idle_per_host(0)
                .build()
                .expect("an HTTP client"),
            folder,
            _node: node,
        })
    }

    /// The authority of its certificate.
    pub fn ca(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// The settings of whoever sends through it as they should.
    pub fn settings(&self) -> MailSettings {
        MailSettings {
            server: "127.0.0.1".into(),
            port: Some(self.port),
            tls: Protection::StartTls,
            ca: Some(self.ca()),
            username: Some(USER.into()),
            password: Some(Secret::new(PASSWORD)),
            from: "Keyholder <keyholder@northmoor.example>".into(),
        }
    }

    /// All that it took, oldest first.
    pub fn mails(&self) -> Vec<Mail> {
        let said = self.http.get(format!("{}/mails", self.control)).send().expect("its control");
        serde_json::from_str(&said.text().expect("an answer")).expect("mails")
    }

    /// Does these things wrong from now on, and nothing else; they stand at the top of `mailbox.mjs`.
    pub fn faults(&self, faults: &Value) {
        let to = format!("{}/faults", self.control);
        self.http.post(to).body(faults.to_string()).send().expect("its control");
    }
}
