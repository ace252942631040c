//! What the file of settings says about a target system. Nothing else ever says it.

use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;
use url::{Host, Url};

use super::dn::{Dn, is_attribute};
use crate::kernel::Secret;

/// A directory server whose groups are resources.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LdapTarget {
    /// `ldap://name[:port]` or `ldaps://name[:port]`.
    pub url: String,
    /// Ask an `ldap://` server for TLS before anything else; without it such a server is refused.
    #[serde(default = "yes")]
    pub starttls: bool,
    /// A PEM file with the authorities that may have signed the server's certificate; otherwise those of the system.
    #[serde(default)]
    pub ca: Option<PathBuf>,
    /// The account that the portal uses there.
    pub bind_dn: String,
    /// Its password.
    pub bind_password: Secret,
    /// Below this entry are the people.
    pub people_base: String,
    /// Which entries there are people.
    #[serde(default = "inet_org_person")]
    pub person_filter: String,
    /// The attribute that equals what `person_by` names; by default `uid` for the id and `mail` for the address.
    #[serde(default)]
    pub person_attribute: Option<String>,
    /// What a person is found by.
    #[serde(default)]
    pub person_by: PersonBy,
    /// Below this entry groups are offered to owners.
    pub groups_base: String,
    /// The groups that may be managed: the DN of a group, or of an entry above groups, which stands for all below it.
    pub managed: Vec<String>,
    /// The DN that is put into a group instead of its last member, for servers that allow no empty group.
    #[serde(default)]
    pub placeholder: Option<String>,
    /// How long one call may take in all, in seconds.
    #[serde(default = "ten")]
    pub timeout_seconds: u64,
}

/// What a person is found by on the target.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PersonBy {
    /// The key in the source of people.
    #[default]
    Id,
    /// The mail address.
    Mail,
}

const fn yes() -> bool {
    true
}

const fn ten() -> u64 {
    10
}

fn inet_org_person() -> String {
    "(objectClass=inetOrgPerson)".to_owned()
}

impl LdapTarget {
    /// The attribute that a person is found by.
    #[must_use]
    pub fn attribute(&self) -> &str {
        self.person_attribute.as_deref().unwrap_or(match self.person_by {
            PersonBy::Id => "uid",
            PersonBy::Mail => "mail",
        })
    }

    /// How long one call may take in all.
    #[must_use]
    pub const fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout_seconds)
    }

    /// Finds what cannot work or would not be safe, without asking the server.
    ///
    /// # Errors
    /// What is wrong, in words that name the setting and hold no secret.
    pub fn check(&self) -> Result<(), String> {
        self.check_url()?;
        if self.bind_password.reveal().is_empty() {
            // A bind with a name and no password succeeds as "nobody" on many servers.
            return Err("bind_password is empty".to_owned());
        }
        for (setting, dn) in [
            ("bind_dn", &self.bind_dn),
            ("people_base", &self.people_base),
            ("groups_base", &self.groups_base),
        ]
        .into_iter()
        .chain(self.placeholder.iter().map(|dn| ("placeholder", dn)))
        .chain(self.managed.iter().map(|dn| ("managed", dn)))
        {
            if Dn::parse(dn).is_none() {
                return Err(format!("{setting} has {dn:?}, which is not a DN"));
            }
        }
        if self.managed.is_empty() {
            return Err(
                "managed is empty: name the groups, or an entry above them, that may be managed"
                    .to_owned(),
            );
        }
        if !self.person_filter.starts_with('(') || ldap3::parse_filter(&self.person_filter).is_err()
        {
            return Err(format!(
                "person_filter {:?} is not a filter in parentheses",
                self.person_filter
            ));
        }
        if !is_attribute(self.attribute()) {
            return Err(format!(
                "person_attribute {:?} is not the name of an attribute",
                self.attribute()
            ));
        }
        if !(1..=120).contains(&self.timeout_seconds) {
            return Err("timeout_seconds is not between 1 and 120".to_owned());
        }
        Ok(())
    }

    fn check_url(&self) -> Result<(), String> {
        let url =
            Url::parse(&self.url).map_err(|error| format!("url is not an address: {error}"))?;
        match url.scheme() {
            "ldaps" => {}
            "ldap" if self.starttls => {}
            "ldap" => {
                return Err(
                    "ldap:// without starttls would send the password in the clear".to_owned()
                );
            }
            other => return Err(format!("url begins with {other}:, not with ldap:// or ldaps://")),
        }
        match url.host() {
            None => return Err("url names no host".to_owned()),
            Some(Host::Domain("")) => return Err("url names no host".to_owned()),
            Some(Host::Ipv6(_)) => {
                return Err("url has an IPv6 address; use the name of the host".to_owned());
            }
            Some(Host::Domain(_) | Host::Ipv4(_)) => {}
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("url holds a user name; use bind_dn and bind_password".to_owned());
        }
        if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
            return Err("url has more than scheme, host and port".to_owned());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::LdapTarget;

    const GOOD: &str = r#"
        url = "ldap://ldap.example.test"
        bind_dn = "cn=portal,dc=example,dc=test"
        bind_password = "s3cret-pw"
        people_base = "ou=people,dc=example,dc=test"
        groups_base = "ou=groups,dc=example,dc=test"
        managed = ["ou=groups,dc=example,dc=test"]
    "#;

    fn target(change: (&str, &str)) -> Result<LdapTarget, toml::de::Error> {
        let (key, value) = change;
        let mut table: toml::Table = toml::from_str(GOOD).expect("good settings");
        let value: toml::Table = toml::from_str(&format!("it = {value}")).expect("a value");
        table.insert(key.to_owned(), value["it"].clone());
        table.try_into()
    }

    #[test]
    fn the_shortest_settings_are_safe_ones() {
        let target: LdapTarget = toml::from_str(GOOD).expect("settings");
        assert_eq!(target.check(), Ok(()));
        assert!(target.starttls && target.ca.is_none() && target.placeholder.is_none());
        assert_eq!((target.attribute(), target.timeout_seconds), ("uid", 10));
        assert!(!format!("{target:?}").contains("s3cret-pw"));
    }

    #[test]
    fn people_by_mail_are_found_by_the_mail_attribute() {
        assert_eq!(target(("person_by", "'mail'")).expect("settings").attribute(), "mail");
    }

    #[test]
    fn each_bad_setting_is_named() {
        for (key, value, words) in [
            ("starttls", "false", "in the clear"),
            ("url", "'ldap.example.test'", "url"),
            ("url", "'http://ldap.example.test'", "http:"),
            ("url", "'ldapi://%2fvar%2frun%2fldapi'", "ldapi:"),
            ("url", "'ldap://'", "no host"),
            ("url", "'ldaps:///dc=x'", "no host"),
            ("url", "'ldap://[::1]'", "IPv6"),
            ("url", "'ldap://me:pw@ldap.example.test'", "user name"),
            ("url", "'ldap://ldap.example.test/dc=x'", "more than"),
            ("bind_password", "''", "bind_password"),
            ("bind_dn", "''", "bind_dn"),
            ("people_base", "'people'", "people_base"),
            ("groups_base", "'ou=a;ou=b'", "groups_base"),
            ("managed", "[]", "managed"),
            ("managed", "['']", "managed"),
            ("placeholder", "'nobody'", "placeholder"),
            ("person_filter", "'objectClass=person'", "person_filter"),
            ("person_filter", "'(objectClass=person'", "person_filter"),
            ("person_filter", "'(objectClass=person))(x=*'", "person_filter"),
            ("person_attribute", "'uid=*)(x'", "person_attribute"),
            ("person_attribute", "''", "person_attribute"),
            ("timeout_seconds", "0", "timeout_seconds"),
            ("timeout_seconds", "121", "timeout_seconds"),
        ] {
            let error = target((key, value)).expect("settings").check().expect_err(value);
            assert!(error.contains(words), "{key} = {value}: {error}");
        }
    }

    #[test]
    fn ldaps_needs_no_starttls() {
        let mut target = target(("url", "'ldaps://10.0.0.1:1636/'")).expect("settings");
        target.starttls = false;
        assert_eq!(target.check(), Ok(()));
    }

    #[test]
    fn a_misspelled_setting_is_refused() {
        assert!(target(("start_tls", "false")).is_err());
        assert!(target(("person_by", "'name'")).is_err());
        assert!(target(("timeout_seconds", "-1")).is_err());
    }
}
