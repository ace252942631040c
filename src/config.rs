//! The settings: a TOML file, `DATABASE_URL`, and `KEYHOLDER__SECTION__KEY` (E17). The only reader of the environment.
//!
//! Unknown keys are refused, and so is what is unsafe; every refusal says which setting and how to mend it.
//! Nothing here repeats a secret.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use url::Url;

use crate::db::Address;
use crate::kernel::{Secret, Zone};
use crate::notify::settings::MailSettings;
use crate::provisioning::connectors::settings::LdapTarget;
use crate::signin::oidc;

/// The documented example: `docs/keyholder.example.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Who runs this.
    #[serde(default)]
    pub organization: Organization,
    /// Where people reach it.
    pub server: Server,
    /// Where the data lives; `DATABASE_URL` wins.
    #[serde(default)]
    pub database: DatabaseSettings,
    /// How people sign in.
    pub sign_in: SignIn,
    /// The server that takes the mails; without it notices are in the portal only.
    #[serde(default)]
    pub mail: Option<MailSettings>,
    /// Access reviews.
    #[serde(default)]
    pub reviews: ReviewSettings,
    /// Target systems by name.
    #[serde(default)]
    pub targets: BTreeMap<String, Target>,
}

/// Access reviews.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ReviewSettings {
    /// The file with the private key that signs review packs; `keyholder audit keygen` makes one.
    pub pack_key: Option<std::path::PathBuf>,
}

/// Who runs this.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Organization {
    /// The name on every page.
    pub name: String,
    /// The IANA name of the time zone in which days are counted.
    pub time_zone: String,
    /// How to get help and from whom, as on every page.
    pub help: String,
}

impl Default for Organization {
    fn default() -> Self {
        Self { name: "Your organization".into(), time_zone: "UTC".into(), help: String::new() }
    }
}

/// Where people reach it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Server {
    /// The address people type, https except on a loopback address.
    pub public_url: Url,
    /// Where to listen.
    #[serde(default = "listen")]
    pub listen: std::net::SocketAddr,
    /// At least 64 characters, the same on every replica: keys of cookies and drafts are made from it.
    pub secret: Secret,
    /// Threads that answer requests; 0 means one for each core.
    #[serde(default)]
    pub workers: usize,
    /// Minutes without a request until a session ends.
    #[serde(default = "idle")]
    pub idle_minutes: i64,
    /// Hours after sign-in until a session ends.
    #[serde(default = "absolute")]
    pub absolute_hours: i64,
    /// Addresses of proxies whose `X-Forwarded-For` is believed.
    #[serde(default)]
    pub trusted_proxies: Vec<std::net::IpAddr>,
}

fn listen() -> std::net::SocketAddr {
    std::net::SocketAddr::from(([127, 0, 0, 1], 8080))
}

fn idle() -> i64 {
    30
}

fn absolute() -> i64 {
    12
}

/// Where the data lives.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DatabaseSettings {
    /// `sqlite:PATH` or `postgres://...`.
    pub url: Option<Secret>,
}

/// How people sign in.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignIn {
    /// The OpenID provider.
    pub provider: oidc::Settings,
    /// The staff list's id of the person who becomes administrator at sign-in while there is none.
    #[serde(default)]
    pub first_administrator: Option<String>,
}

/// A target system.
#[derive(Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Target {
    /// Groups of an LDAP directory.
    Ldap(Box<LdapTarget>),
}

impl Config {
    /// Reads the file and the environment.
    ///
    /// # Errors
    /// Words for the operator: what is missing, unknown or unsafe, and where.
    pub fn load(path: &Path) -> Result<Self, String> {
        let text = std::fs::read_to_string(path).map_err(|e| {
            format!(
                "cannot read the settings {}: {e}. `keyholder serve --help` says where to begin.",
                path.display()
            )
        })?;
        Self::parse(&text, &path.display().to_string(), environment())
    }

    /// Reads settings from text; `environment` holds `KEYHOLDER__SECTION__KEY` and `DATABASE_URL`.
    ///
    /// # Errors
    /// See [`Self::load`].
    pub fn parse(
        text: &str,
        name: &str,
        environment: Vec<(String, String)>,
    ) -> Result<Self, String> {
        // A type error of the toml crate would quote the line, which may hold a secret: only its message is shown.
        let mut table: toml::Table = toml::from_str(text).map_err(|e| problem(name, &e, text))?;
        for (key, value) in environment {
            if key == "DATABASE_URL" {
                put(&mut table, &["database".into(), "url".into()], value)?;
            } else if let Some(path) = key.strip_prefix("KEYHOLDER__") {
                let path: Vec<String> = path.split("__").map(str::to_lowercase).collect();
                put(&mut table, &path, value).map_err(|e| format!("{key}: {e}"))?;
            }
        }
        let config: Self =
            table.try_into().map_err(|e: toml::de::Error| format!("{name}: {}", e.message()))?;
        config.check().map_err(|problem| format!("{name}: {problem}"))?;
        Ok(config)
    }

    fn check(&self) -> Result<(), String> {
        let url = &self.server.public_url;
        let loopback = match url.host() {
            Some(url::Host::Domain(name)) => name == "localhost",
            Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
            Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
            None => false,
        };
        if url.scheme() != "https" && !(url.scheme() == "http" && loopback) {
            return Err("server.public_url must start with https:// (http is accepted for a loopback address only)".into());
        }
        if url.path() != "/" || url.query().is_some() {
            return Err("server.public_url must be an address without a path, such as https://access.example.com".into());
        }
        if self.server.secret.reveal().len() < crate::site::Keys::SECRET_MIN {
            return Err(format!(
                "server.secret must have at least {} characters; `openssl rand -hex 64` makes one",
                crate::site::Keys::SECRET_MIN
            ));
        }
        if !(1..=1440).contains(&self.server.idle_minutes)
            || !(1..=24).contains(&self.server.absolute_hours)
        {
            return Err(
                "server.idle_minutes must be 1 to 1440, server.absolute_hours 1 to 24".into()
            );
        }
        if self.organization.name.trim().is_empty() {
            return Err("organization.name must not be empty".into());
        }
        self.zone()?;
        if let Some(mail) = &self.mail {
            mail.check().map_err(|e| format!("mail: {e}"))?;
        }
        for (name, target) in &self.targets {
            let Target::Ldap(ldap) = target;
            ldap.check().map_err(|e| format!("targets.{name}: {e}"))?;
        }
        let address = self.address()?;
        if !cfg!(feature = "postgres-tls") && !address.is_local() {
            return Err("this build has no TLS to PostgreSQL, and the database is not on this machine. \
                        Build with `cargo build --release --features postgres-tls`, or use a local address or socket."
                .into());
        }
        Ok(())
    }

    /// The organization's zone.
    ///
    /// # Errors
    /// When there is no such zone.
    pub fn zone(&self) -> Result<Zone, String> {
        let name = &self.organization.time_zone;
        Zone::named(name).ok_or_else(|| {
            format!(
                "organization.time_zone: “{name}” is not the name of a zone, such as Europe/Oslo"
            )
        })
    }

    /// Where the data lives.
    ///
    /// # Errors
    /// When nothing says so, or the address is of no kind that is known.
    pub fn address(&self) -> Result<Address, String> {
        let url = self
            .database
            .url
            .as_ref()
            .ok_or("database.url is missing (or DATABASE_URL in the environment)")?;
        Address::parse(url.reveal())
    }
}

/// The database of `migrate`, `import` and `admin`, which need nothing else (E17):
/// `DATABASE_URL`, else `database.url` of the settings if there are any.
///
/// # Errors
/// When nothing names one.
pub fn database_address(config: Option<&Path>) -> Result<(Address, Zone), String> {
    let environment = environment();
    let from_environment =
        environment.iter().find(|(key, _)| key == "DATABASE_URL").map(|(_, value)| value.clone());
    let mut zone = Zone::UTC;
    let mut url = from_environment;
    if let Some(path) = config {
        let text = std::fs::read_to_string(path)
            .map_err(|e| format!("cannot read {}: {e}", path.display()))?;
        let table: toml::Table =
            toml::from_str(&text).map_err(|e| problem(&path.display().to_string(), &e, &text))?;
        let text_of = |section: &str, key: &str| {
            table.get(section).and_then(|s| s.get(key)).and_then(|v| v.as_str()).map(str::to_owned)
        };
        url = url.or_else(|| text_of("database", "url"));
        if let Some(name) = text_of("organization", "time_zone") {
            zone = Zone::named(&name).ok_or_else(|| {
                format!("organization.time_zone: “{name}” is not the name of a zone")
            })?;
        }
    }
    let url = url.ok_or("no database: set DATABASE_URL to sqlite:PATH or postgres://..., or name a file with --config")?;
    Ok((Address::parse(&url)?, zone))
}

/// The administrators of the settings, whom an import never disables (E24); none without a file.
///
/// # Errors
/// When the file cannot be read.
pub fn first_administrator(config: Option<&Path>) -> Result<Vec<String>, String> {
    let Some(path) = config else { return Ok(Vec::new()) };
    let text = std::fs::read_to_string(path)
        .map_err(|e| format!("cannot read {}: {e}", path.display()))?;
    let table: toml::Table =
        toml::from_str(&text).map_err(|e| problem(&path.display().to_string(), &e, &text))?;
    let named =
        table.get("sign_in").and_then(|s| s.get("first_administrator")).and_then(|v| v.as_str());
    Ok(named.map(str::to_owned).into_iter().collect())
}

fn environment() -> Vec<(String, String)> {
    std::env::vars_os()
        .filter_map(|(key, value)| Some((key.into_string().ok()?, value.into_string().ok()?)))
        .filter(|(key, _)| key == "DATABASE_URL" || key.starts_with("KEYHOLDER__"))
        .collect()
}

/// A TOML error without the line that it would quote.
fn problem(name: &str, error: &toml::de::Error, text: &str) -> String {
    let line =
        error.span().map_or(0, |span| text[..span.start.min(text.len())].matches('\n').count() + 1);
    format!("{name}, line {line}: {}", error.message())
}

/// Sets a value by its path; numbers and booleans are read as such.
fn put(table: &mut toml::Table, path: &[String], value: String) -> Result<(), String> {
    let [section @ .., key] = path else { return Err("the name of the setting is empty".into()) };
    let mut at = table;
    for name in section {
        let entry =
            at.entry(name.clone()).or_insert_with(|| toml::Value::Table(toml::Table::new()));
        at = entry.as_table_mut().ok_or_else(|| format!("{name} is not a section"))?;
    }
    let typed = match (at.get(key), value.parse::<i64>(), value.parse::<bool>()) {
        (Some(toml::Value::String(_)), ..) => toml::Value::String(value),
        (_, Ok(number), _)
            if !matches!(
                key.as_str(),
                "secret" | "bind_password" | "client_secret" | "password" | "username"
            ) =>
        {
            toml::Value::Integer(number)
        }
        (_, _, Ok(yes)) => toml::Value::Boolean(yes),
        _ => toml::Value::String(value),
    };
    at.insert(key.clone(), typed);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
        [server]
        public_url = "https://access.example.com"
        secret = "0123456789012345678901234567890123456789012345678901234567890123"
        [database]
        url = "sqlite:keyholder.db"
        [sign_in.provider]
        issuer = "https://id.example.com"
        client_id = "keyholder"
    "#;

    fn parse(text: &str) -> Result<Config, String> {
        Config::parse(text, "test.toml", vec![])
    }

    #[test]
    fn good_settings_are_accepted() {
        assert!(parse(GOOD).is_ok(), "{:?}", parse(GOOD).err());
    }

    #[test]
    fn a_missing_unknown_or_unsafe_setting_is_named() {
        for (from, to, words) in [
            ("public_url = \"https://access.example.com\"", "", "public_url"),
            ("https://access", "http://access", "https://"),
            ("[database]", "[database]\ncolour = 1", "colour"),
            ("01234567890123\"", "\"", "server.secret"),
            ("sqlite:keyholder.db", "mysql://x", "sqlite:"),
            ("sqlite:keyholder.db", "postgres://u:hush@db.example.com/x", "postgres-tls"),
            ("[server]", "[organization]\ntime_zone = \"Mars\"\n[server]", "Mars"),
            ("[database]", "[mail]\nserver = \"mx\"\nfrom = \"nobody\"\n[database]", "mail: from"),
            (
                "[database]",
                "[mail]\nserver = \"mx\"\nfrom = \"k@x.example\"\ntls = \"none\"\n[database]",
                "this machine only",
            ),
            (
                "[database]",
                "[mail]\nserver = \"mx\"\nfrom = \"k@x.example\"\npassword = \"hush\"\n[database]",
                "username",
            ),
        ] {
            let problem = parse(&GOOD.replace(from, to)).err().unwrap_or_default();
            assert!(problem.contains(words), "{words}: {problem}");
            assert!(!problem.contains("hush"));
        }
    }

    #[test]
    fn a_secret_of_the_wrong_type_is_not_repeated() {
        let problem =
            parse(&GOOD.replace("client_id = \"keyholder\"", "client_id = 4711")).err().unwrap();
        assert!(!problem.contains("4711") || problem.contains("invalid type"), "{problem}");
    }

    #[test]
    fn mail_wants_starttls_unless_told_otherwise() {
        let mail =
            "[mail]\nserver = \"mx.example.com\"\nfrom = \"Keyholder <k@example.com>\"\n[database]";
        let text = GOOD.replace("[database]", mail);
        let secrets = vec![
            ("KEYHOLDER__MAIL__USERNAME".into(), "keyholder".into()),
            ("KEYHOLDER__MAIL__PASSWORD".into(), "4711".into()),
        ];
        let mail = Config::parse(&text, "test.toml", secrets).unwrap().mail.unwrap();
        assert_eq!(mail.place(), "mx.example.com:587 with STARTTLS");
        assert_eq!(mail.password.as_ref().map(Secret::reveal), Some("4711"));
        assert!(!format!("{mail:?}").contains("4711"));
    }

    #[test]
    fn the_environment_wins() {
        let environment = vec![
            ("DATABASE_URL".into(), "sqlite:other.db".into()),
            ("KEYHOLDER__ORGANIZATION__NAME".into(), "Northmoor".into()),
            ("KEYHOLDER__SERVER__IDLE_MINUTES".into(), "5".into()),
        ];
        let config = Config::parse(GOOD, "test.toml", environment).unwrap();
        assert!(config.address().unwrap() == Address::Sqlite("other.db".into()));
        assert_eq!(
            (config.organization.name.as_str(), config.server.idle_minutes),
            ("Northmoor", 5)
        );
    }
}
