//! LDAP groups: a right is a value of a group's `member`.
//!
//! Each call opens a connection of its own and is bounded as a whole by the target's timeout, so that there is
//! no half-dead connection to look after. The server's certificate is always checked, and the password is sent over TLS only.

use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ldap3::adapters::{Adapter, EntriesOnly, PagedResults};
use ldap3::{
    Ldap, LdapConnAsync, LdapConnSettings, LdapError, LdapResult, Mod, Scope, SearchEntry,
    SearchOptions, ldap_escape,
};

use rustls::pki_types::{CertificateDer, pem::PemObject};
use rustls::{ClientConfig, RootCertStore};
use tokio::time::timeout;

use super::dn::Dn;
use super::settings::{LdapTarget, PersonBy};
use super::{Account, Connector, Found, Grant, Trouble};
use crate::kernel::text::{one_line, shortened};

const MEMBER: &str = "member";
const ROLES: &[(&str, &str)] = &[(MEMBER, "Member")];
/// As many groups are offered at once.
const MOST_FOUND: usize = 200;
/// How long a server may take to hear that we leave.
const GOODBYE: Duration = Duration::from_secs(1);

/// Result codes of RFC 4511 that mean something to us.
mod code {
    pub const SUCCESS: u32 = 0;
    pub const TIME_LIMIT: u32 = 3;
    pub const SIZE_LIMIT: u32 = 4;
    pub const COMPARE_FALSE: u32 = 5;
    pub const COMPARE_TRUE: u32 = 6;
    pub const REFERRAL: u32 = 10;
    pub const NO_SUCH_ATTRIBUTE: u32 = 16;
    pub const VALUE_EXISTS: u32 = 20;
    pub const NO_SUCH_OBJECT: u32 = 32;
    pub const INVALID_CREDENTIALS: u32 = 49;
    pub const INSUFFICIENT_ACCESS: u32 = 50;
    pub const BUSY: u32 = 51;
    pub const UNAVAILABLE: u32 = 52;
    pub const UNWILLING: u32 = 53;
    pub const OBJECT_CLASS_VIOLATION: u32 = 65;
    pub const ENTRY_EXISTS: u32 = 68;
}

/// The groups of one directory server.
pub struct LdapGroups {
    target: LdapTarget,
    managed: Vec<Dn>,
    placeholder: Option<(String, Dn)>,
    tls: Arc<ClientConfig>,
}

impl LdapGroups {
    /// Makes the connector; the server is not asked yet.
    ///
    /// # Errors
    /// [`Trouble::Misconfigured`] when the settings cannot work or the authorities cannot be read.
    pub fn new(target: LdapTarget) -> Result<Self, Trouble> {
        target.check().map_err(Trouble::Misconfigured)?;
        let managed = target.managed.iter().filter_map(|dn| Dn::parse(dn)).collect();
        let placeholder =
            target.placeholder.as_ref().and_then(|dn| Some((dn.clone(), Dn::parse(dn)?)));
        let tls = tls(target.ca.as_deref()).map_err(Trouble::Misconfigured)?;
        Ok(Self { target, managed, placeholder, tls })
    }

    /// Runs one exchange, all of it within the timeout. A server that sends nonsense makes the library panic;
    /// that must not end the worker.
    fn call<T>(
        &self,
        work: impl AsyncFnOnce(&mut Ldap) -> Result<T, Trouble>,
    ) -> Result<T, Trouble> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| Trouble::Unreachable(error.to_string()))?;
        let exchange = async {
            let (mut ldap, done) = timeout(self.target.timeout(), async {
                let mut ldap = self.open().await?;
                let done = work(&mut ldap).await;
                Ok::<_, Trouble>((ldap, done))
            })
            .await
            .map_err(|_| Trouble::TimedOut)??;
            drop(timeout(GOODBYE, ldap.unbind()).await);
            done
        };
        let outcome = catch_unwind(AssertUnwindSafe(|| runtime.block_on(exchange)));
        runtime.shutdown_background(); // not waiting for a name server that does not answer
        outcome.unwrap_or_else(|_| {
            Err(Trouble::Refused("the server's answer cannot be read".to_owned()))
        })
    }

    /// A connection over TLS, signed in.
    async fn open(&self) -> Result<Ldap, Trouble> {
        let settings =
            LdapConnSettings::new().set_starttls(self.target.starttls).set_config(self.tls.clone());
        let (connection, mut ldap) = LdapConnAsync::with_settings(settings, &self.target.url)
            .await
            .map_err(not_connected)?;
        ldap3::drive!(connection);
        let bound = ldap
            .simple_bind(&self.target.bind_dn, self.target.bind_password.expose())
            .await
            .map_err(broken)?;
        match bound.rc {
            code::SUCCESS => Ok(ldap),
            code::BUSY | code::UNAVAILABLE => Err(refused(&bound)),
            // The server's own words stay out: they answer a message that held the password.
            code::INVALID_CREDENTIALS => Err(Trouble::Misconfigured(
                "the server does not accept bind_dn with bind_password".to_owned(),
            )),
            other => Err(Trouble::Misconfigured(format!(
                "the server refuses to sign bind_dn in (code {other})"
            ))),
        }
    }

    /// Refuses what is not ours to manage, before anything is sent.
    fn guard(&self, what: &Grant) -> Result<(), Trouble> {
        if !self.manages(what.resource) {
            return Err(Trouble::NotManaged(what.resource.to_owned()));
        }
        if what.role != MEMBER {
            return Err(Trouble::Misconfigured(format!(
                "a group has the role member only, not {:?}",
                what.role
            )));
        }
        Ok(())
    }

    fn manages(&self, group: &str) -> bool {
        Dn::parse(group).is_some_and(|dn| self.managed.iter().any(|base| dn.is_within(base)))
    }

    /// What the person is found by.
    fn key<'a>(&self, who: &'a Account) -> Result<&'a str, Trouble> {
        let key = match self.target.person_by {
            PersonBy::Id => Some(who.external_id.trim()),
            PersonBy::Mail => who.mail.as_deref().map(str::trim),
        };
        key.filter(|key| !key.is_empty()).ok_or_else(|| {
            Trouble::NoAccount(format!("nothing is known of {} to find an entry by", who.name))
        })
    }

    fn person_filter(&self, key: &str) -> String {
        format!(
            "(&{}({}={}))",
            self.target.person_filter,
            self.target.attribute(),
            ldap_escape(key)
        )
    }

    /// The DN of the person's one entry.
    async fn person(&self, ldap: &mut Ldap, who: &Account) -> Result<String, Trouble> {
        let key = self.key(who)?;
        let found = ldap
            .with_search_options(SearchOptions::new().sizelimit(2))
            .search(&self.target.people_base, Scope::Subtree, &self.person_filter(key), ["1.1"])
            .await
            .map_err(broken)?;
        let more = match found.1.rc {
            code::SUCCESS => false,
            code::SIZE_LIMIT => true,
            code::NO_SUCH_OBJECT => {
                return Err(Trouble::Misconfigured(format!(
                    "people_base {} is not there",
                    self.target.people_base
                )));
            }
            _ => return Err(refused(&found.1)),
        };
        let mut entries = found.0.into_iter().map(|entry| SearchEntry::construct(entry).dn);
        let attribute = self.target.attribute();
        match (entries.next(), more || entries.len() > 0) {
            (None, _) => Err(Trouble::NoAccount(format!("no entry has the {attribute} {key:?}"))),
            (Some(_), true) => {
                Err(Trouble::Refused(format!("more than one entry has the {attribute} {key:?}")))
            }
            (Some(dn), false) if self.is_placeholder(&dn) => Err(Trouble::Refused(format!(
                "the entry with the {attribute} {key:?} is the placeholder of the groups"
            ))),
            (Some(dn), false) => Ok(dn),
        }
    }

    fn is_placeholder(&self, dn: &str) -> bool {
        self.placeholder
            .as_ref()
            .is_some_and(|(_, placeholder)| Dn::parse(dn).as_ref() == Some(placeholder))
    }

    /// Removes a member. The server itself says when it would be the last one: then the placeholder comes in
    /// with the same message that takes the person out, so that nothing can happen in between.
    async fn take_out(&self, ldap: &mut Ldap, group: &str, person: &str) -> Result<(), Trouble> {
        let out = Mod::Delete(MEMBER, HashSet::from([person]));
        let mut result = ldap.modify(group, vec![out.clone()]).await.map_err(broken)?;
        if result.rc == code::OBJECT_CLASS_VIOLATION {
            let Some((placeholder, _)) = &self.placeholder else {
                return Err(Trouble::Refused(
                    "the person is the last member, the server allows no empty group, and no placeholder is configured"
                        .to_owned(),
                ));
            };
            let stay = Mod::Add(MEMBER, HashSet::from([placeholder.as_str()]));
            result = ldap.modify(group, vec![stay, out]).await.map_err(broken)?;
        }
        match result.rc {
            code::SUCCESS | code::NO_SUCH_ATTRIBUTE => Ok(()),
            // Active Directory says so of a member who is not there.
            code::UNWILLING if !has_member(ldap, group, person).await? => Ok(()),
            _ => Err(on_group(&result, group)),
        }
    }

    /// The filter for groups whose name has the words.
    fn group_filter(words: &str) -> String {
        let words = words.trim();
        let name =
            if words.is_empty() { "*".to_owned() } else { format!("*{}*", ldap_escape(words)) };
        format!("(&(|(objectClass=groupOfNames)(objectClass=group))(cn={name}))")
    }

    async fn groups(&self, ldap: &mut Ldap, words: &str) -> Result<Vec<Found>, Trouble> {
        let page: Vec<Box<dyn Adapter<_, _>>> =
            vec![Box::new(EntriesOnly::new()), Box::new(PagedResults::new(500))];
        let filter = Self::group_filter(words);
        let mut stream = ldap
            .streaming_search_with(
                page,
                &self.target.groups_base,
                Scope::Subtree,
                &filter,
                vec!["cn"],
            )
            .await
            .map_err(broken)?;
        let mut found = Vec::new();
        while found.len() < MOST_FOUND {
            let Some(entry) = stream.next().await.map_err(broken)? else {
                let result = stream.finish().await;
                match result.rc {
                    code::SUCCESS | code::SIZE_LIMIT => break,
                    code::NO_SUCH_OBJECT => {
                        let base = &self.target.groups_base;
                        return Err(Trouble::Misconfigured(format!(
                            "groups_base {base} is not there"
                        )));
                    }
                    _ => return Err(refused(&result)),
                }
            };
            let SearchEntry { dn, attrs, .. } = SearchEntry::construct(entry);
            if self.manages(&dn) {
                let name = attrs.into_values().flatten().next().unwrap_or_else(|| dn.clone());
                found.push(Found { address: dn, name });
            }
        }
        found.sort_by_cached_key(|group| (group.name.to_lowercase(), group.address.clone()));
        Ok(found)
    }
}

impl Connector for LdapGroups {
    fn kind(&self) -> &'static str {
        "LDAP groups"
    }

    fn holds(&self, who: &Account, what: &Grant) -> Result<bool, Trouble> {
        self.guard(what)?;
        self.call(async |ldap| {
            let person = self.person(ldap, who).await?;
            has_member(ldap, what.resource, &person).await
        })
    }

    fn add(&self, who: &Account, what: &Grant, _key: &str) -> Result<(), Trouble> {
        self.guard(what)?;
        self.call(async |ldap| {
            let person = self.person(ldap, who).await?;
            let into = vec![Mod::Add(MEMBER, HashSet::from([person.as_str()]))];
            let result = ldap.modify(what.resource, into).await.map_err(broken)?;
            match result.rc {
                // The last is what Active Directory says of a member who is there.
                code::SUCCESS | code::VALUE_EXISTS | code::ENTRY_EXISTS => Ok(()),
                _ => Err(on_group(&result, what.resource)),
            }
        })
    }

    fn remove(&self, who: &Account, what: &Grant, _key: &str) -> Result<(), Trouble> {
        self.guard(what)?;
        self.call(async |ldap| {
            let person = self.person(ldap, who).await?;
            self.take_out(ldap, what.resource, &person).await
        })
    }

    fn resources(&self, filter: &str) -> Result<Vec<Found>, Trouble> {
        self.call(async |ldap| self.groups(ldap, filter).await)
    }

    fn roles(&self) -> &'static [(&'static str, &'static str)] {
        ROLES
    }
}

/// Whether the group has the member. The server compares, so that a large group is not read.
async fn has_member(ldap: &mut Ldap, group: &str, person: &str) -> Result<bool, Trouble> {
    let result = ldap.compare(group, MEMBER, person).await.map_err(broken)?.0;
    match result.rc {
        code::COMPARE_TRUE => Ok(true),
        code::COMPARE_FALSE | code::NO_SUCH_ATTRIBUTE => Ok(false),
        _ => Err(on_group(&result, group)),
    }
}

/// Trust in the given authorities alone, or else in those of the system; never in nobody.
fn tls(ca: Option<&Path>) -> Result<Arc<ClientConfig>, String> {
    let mut roots = RootCertStore::empty();
    if let Some(path) = ca {
        let unreadable = |error: &dyn std::fmt::Display| {
            format!("ca {} cannot be read: {error}", path.display())
        };
        for certificate in
            CertificateDer::pem_file_iter(path).map_err(|error| unreadable(&error))?
        {
            let certificate = certificate.map_err(|error| unreadable(&error))?;
            roots.add(certificate).map_err(|error| unreadable(&error))?;
        }
    } else {
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    }
    if roots.is_empty() {
        return Err(ca.map_or_else(
            || "the system has no certificate authorities; set ca".to_owned(),
            |path| format!("ca {} holds no certificate", path.display()),
        ));
    }
    let config =
        ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?
            .with_root_certificates(roots)
            .with_no_client_auth();
    Ok(Arc::new(config))
}

/// What kept the connection from coming up.
fn not_connected(error: LdapError) -> Trouble {
    match error {
        LdapError::LdapResult { result } => Trouble::Misconfigured(format!(
            "the server refuses StartTLS (code {}); nothing was sent",
            result.rc
        )),
        LdapError::Io { source } => {
            match source.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
                Some(error) => Trouble::Unreachable(format!("no trusted connection: {error}")),
                None => Trouble::Unreachable(brief(&source.to_string())),
            }
        }
        other => broken(other),
    }
}

/// What ended a connection that was up.
fn broken(error: LdapError) -> Trouble {
    match error {
        LdapError::Timeout { .. } => Trouble::TimedOut,
        LdapError::Io { source } => Trouble::Unreachable(brief(&source.to_string())),
        LdapError::OpSend { .. } | LdapError::ResultRecv { .. } | LdapError::EndOfStream => {
            Trouble::Unreachable("the server closed the connection".to_owned())
        }
        LdapError::LdapResult { result } => refused(&result),
        other => Trouble::Misconfigured(brief(&other.to_string())),
    }
}

/// What the server answered about a group.
fn on_group(result: &LdapResult, group: &str) -> Trouble {
    match result.rc {
        code::NO_SUCH_OBJECT => Trouble::NoResource(group.to_owned()),
        _ => refused(result),
    }
}

/// An answer of the server that is neither success nor one that has a meaning of its own.
fn refused(result: &LdapResult) -> Trouble {
    match result.rc {
        code::TIME_LIMIT => Trouble::TimedOut,
        code::BUSY | code::UNAVAILABLE => {
            Trouble::Unreachable("the server says that it is busy".to_owned())
        }
        code::REFERRAL => {
            Trouble::Refused("the server takes no changes and names another one".to_owned())
        }
        code::INSUFFICIENT_ACCESS => {
            Trouble::Refused("the account of bind_dn may not do this there".to_owned())
        }
        other if result.text.trim().is_empty() => {
            Trouble::Refused(format!("the server answered with code {other}"))
        }
        other => Trouble::Refused(format!(
            "the server answered with code {other}, {}",
            brief(&result.text)
        )),
    }
}

/// Words from outside: one line, not long.
fn brief(words: &str) -> String {
    shortened(&one_line(words), 200)
}
