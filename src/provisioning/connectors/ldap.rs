//! LDAP groups: a right is a value of a group's `member`.
//!
//! Each call opens a connection of its own and is bounded as a whole by the target's timeout, so that there is
//! no half-dead connection to look after. The server's certificate is always checked, and the password is sent over TLS only.

use std::collections::{HashMap, HashSet};
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
use super::{Account, Connector, Found, Grant, Member, Trouble};
use crate::kernel::text::{one_line, shortened};

const MEMBER: &str = "member";
const ROLES: &[(&str, &str)] = &[(MEMBER, "Member")];
/// As many groups are offered at once.
const MOST_FOUND: usize = 200;
/// As many times as long as any other call may the reading of all members take.
const READING: u32 = 6;
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
        self.call_within(self.target.timeout(), work)
    }

    fn call_within<T>(
        &self,
        limit: Duration,
        work: impl AsyncFnOnce(&mut Ldap) -> Result<T, Trouble>,
    ) -> Result<T, Trouble> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| Trouble::Unreachable(error.to_string()))?;
        let exchange = async {
            let (mut ldap, done) = timeout(limit, async {
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
            .simple_bind(&self.target.bind_dn, self.target.bind_password.reveal())
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

    /// What a member's entry says of the person. What is no person of ours, such as a group in the group, has its DN only.
    async fn member(&self, ldap: &mut Ldap, dn: String) -> Result<Member, Trouble> {
        let base = Dn::parse(&self.target.people_base);
        let below = Dn::parse(&dn).zip(base).is_some_and(|(dn, base)| dn.is_within(&base));
        let mut member = Member { name: dn, ..Member::default() };
        if !below {
            return Ok(member);
        }
        let asked = [self.target.attribute()];
        let found = ldap
            .search(&member.name, Scope::Base, &self.target.person_filter, asked)
            .await
            .map_err(broken)?;
        match found.1.rc {
            code::SUCCESS => {}
            // Nobody can say who that is.
            code::NO_SUCH_OBJECT | code::INSUFFICIENT_ACCESS | code::REFERRAL => return Ok(member),
            _ => return Err(refused(&found.1)),
        }
        let entries = found.0.into_iter().map(SearchEntry::construct);
        let known_by = entries.flat_map(|entry| entry.attrs.into_values().flatten()).collect();
        match self.target.person_by {
            PersonBy::Id => member.ids = known_by,
            PersonBy::Mail => member.mails = known_by,
        }
        Ok(member)
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

    fn members(&self, what: &Grant) -> Result<Vec<Member>, Trouble> {
        self.guard(what)?;
        self.call_within(self.target.timeout() * READING, async |ldap| {
            let mut all = Vec::new();
            for dn in members_of(ldap, what.resource).await? {
                if !self.is_placeholder(&dn) {
                    all.push(self.member(ldap, dn).await?);
                }
            }
            Ok(all)
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

/// The DNs of all members of a group, also where the server hands out a part of them at a time (Active Directory).
async fn members_of(ldap: &mut Ldap, group: &str) -> Result<Vec<String>, Trouble> {
    let mut all = Vec::new();
    let mut asked = MEMBER.to_owned();
    loop {
        let found = ldap
            .search(group, Scope::Base, "(objectClass=*)", [asked.as_str()])
            .await
            .map_err(broken)?;
        if found.1.rc != code::SUCCESS {
            return Err(on_group(&found.1, group));
        }
        let Some(entry) = found.0.into_iter().map(SearchEntry::construct).next() else {
            return Err(Trouble::NoResource(group.to_owned()));
        };
        if !entry.bin_attrs.is_empty() {
            return Err(Trouble::Refused("the name of a member cannot be read".to_owned()));
        }
        let (values, more) = part_of(entry.attrs);
        let nothing = values.is_empty();
        all.extend(values);
        if !more {
            return Ok(all);
        }
        if nothing {
            // It would be asked again and again.
            return Err(Trouble::Refused("it does not tell all members".to_owned()));
        }
        asked = format!("{MEMBER};range={}-*", all.len());
    }
}

/// The members in an answer, and whether they are a part after which others come.
fn part_of(attributes: HashMap<String, Vec<String>>) -> (Vec<String>, bool) {
    let mut whole = Vec::new();
    for (name, values) in attributes {
        let name = name.to_ascii_lowercase();
        match name.strip_prefix(MEMBER) {
            Some("") => whole = values,
            Some(option) => {
                // "member;range=0-1499" is a part; "member;range=1500-*" is the last one.
                let end = option.strip_prefix(";range=").and_then(|range| range.split_once('-'));
                if let Some((_, end)) = end {
                    return (values, end != "*");
                }
            }
            None => {}
        }
    }
    (whole, false)
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

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;
    use std::thread::JoinHandle;

    use super::*;
    use crate::kernel::Secret;

    const PASSWORD: &str = "s3cret-pw";
    const VPN: Grant = Grant { resource: "cn=vpn,ou=groups,dc=example,dc=test", role: MEMBER };
    /// An authority that has signed nothing.
    const CA: &str = "\
-----BEGIN CERTIFICATE-----
MIIBiTCCAS+gAwIBAgIUThZi45x7BGmAbyC9W/81+a+0I2kwCgYIKoZIzj0EAwIw
GTEXMBUGA1UEAwwOVGVzdCBhdXRob3JpdHkwIBcNMjYxMTIzMDY1MjQxWhgPMjEy
NjEwMzAwNjUyNDFaMBkxFzAVBgNVBAMMDlRlc3QgYXV0aG9yaXR5MFkwEwYHKoZI
zj0CAQYIKoZIzj0DAQcDQgAELRkTxT23nmHF98HRh5VxgetF5DzFSgEV2vpnQpbr
v0B39sPeplOOcTg+/8R003GS9A1FLCBcbQiT7LeH6SCoVaNTMFEwHQYDVR0OBBYE
FICJJ1QB+YkstahbQVQgDfD8SrKSMB8GA1UdIwQYMBaAFICJJ1QB+YkstahbQVQg
DfD8SrKSMA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDSAAwRQIhAJzk1HCI
nCAcEisd7aYnQqQ50t7chWa+9omZSOHTxzRGAiA2ixnxVmDaz2nv4AYg+mHYOho/
u1T5LdR2p2E+dgJ+Bg==
-----END CERTIFICATE-----
";

    fn target(url: &str) -> LdapTarget {
        LdapTarget {
            url: url.to_owned(),
            starttls: true,
            ca: None,
            bind_dn: "cn=portal,dc=example,dc=test".to_owned(),
            bind_password: Secret::new(PASSWORD.to_owned()),
            people_base: "ou=people,dc=example,dc=test".to_owned(),
            person_filter: "(objectClass=inetOrgPerson)".to_owned(),
            person_attribute: None,
            person_by: PersonBy::Id,
            groups_base: "ou=groups,dc=example,dc=test".to_owned(),
            managed: vec![
                "CN=VPN, ou=groups,dc=example,dc=test".to_owned(),
                "ou=apps,dc=example,dc=test".to_owned(),
            ],
            placeholder: Some("cn=nobody,dc=example,dc=test".to_owned()),
            timeout_seconds: 1,
        }
    }

    fn connector(mut target: LdapTarget) -> LdapGroups {
        let ca = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(ca.path(), CA).expect("written");
        target.ca = Some(ca.path().to_owned());
        LdapGroups::new(target).expect("good settings")
    }

    /// Nothing listens there: whoever gets an answer of another kind has sent nothing.
    fn nowhere() -> LdapGroups {
        connector(target("ldap://127.0.0.1:1"))
    }

    fn ada() -> Account {
        Account {
            external_id: "ada".to_owned(),
            name: "Ada".to_owned(),
            mail: Some("ada@example.test".to_owned()),
        }
    }

    /// A server for one connection that gives one answer and then listens; the thread ends with all that it heard.
    fn server(answer: &'static [u8]) -> (LdapGroups, JoinHandle<Vec<u8>>) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("ldap://{}", listener.local_addr().expect("an address"));
        let heard = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("a connection");
            let mut heard = vec![0; 4096];
            let length = stream.read(&mut heard).expect("a request");
            heard.truncate(length);
            stream.write_all(answer).expect("answered");
            drop(stream.read_to_end(&mut heard)); // a reset ends it as well
            heard
        });
        (connector(target(&url)), heard)
    }

    fn has_password(heard: &[u8]) -> bool {
        heard.windows(PASSWORD.len()).any(|bytes| bytes == PASSWORD.as_bytes())
    }

    #[test]
    fn a_server_that_never_answers_costs_the_timeout_and_no_more() {
        let (connector, heard) = server(b"");
        assert_eq!(connector.holds(&ada(), &VPN), Err(Trouble::TimedOut));
        assert!(!has_password(&heard.join().expect("heard")));
    }

    #[test]
    fn a_refused_starttls_never_falls_back_to_clear_text() {
        let (connector, heard) =
            server(b"\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x02\x04\x00\x04\x00");
        let trouble = connector.add(&ada(), &VPN, "key").expect_err("no TLS");
        assert_eq!(trouble.code(), "misconfigured");
        assert!(!has_password(&heard.join().expect("heard")));
    }

    #[test]
    fn nonsense_from_a_server_is_a_refusal_and_not_a_crash() {
        let (connector, heard) = server(b"\x30\x05\x02\x01\x01\x78\x00");
        assert_eq!(connector.resources("").expect_err("nonsense").code(), "refused");
        heard.join().expect("heard");
    }

    #[test]
    fn a_server_that_is_down_is_unreachable() {
        assert_eq!(nowhere().remove(&ada(), &VPN, "key").expect_err("down").code(), "unreachable");
    }

    #[test]
    fn only_listed_groups_are_touched() {
        let connector = nowhere();
        for resource in [
            "cn=admins,ou=groups,dc=example,dc=test",
            "cn=vpn,ou=groups,dc=example,dc=test,dc=evil",
            r"cn=x\,ou=apps,dc=example,dc=test",
            "cn=x,ou=myapps,dc=example,dc=test",
            "vpn",
            "",
        ] {
            let what = Grant { resource, role: MEMBER };
            let refused = Trouble::NotManaged(resource.to_owned());
            assert_eq!(connector.holds(&ada(), &what), Err(refused.clone()), "{resource}");
            assert_eq!(connector.add(&ada(), &what, ""), Err(refused.clone()), "{resource}");
            assert_eq!(connector.members(&what), Err(refused.clone()), "{resource}");
            assert_eq!(connector.remove(&ada(), &what, ""), Err(refused), "{resource}");
        }
        for resource in [
            VPN.resource,
            "cn=VPN,OU=groups, dc=example,dc=test",
            "cn=crm,cn=x,ou=apps,dc=example,dc=test",
        ] {
            assert!(connector.manages(resource), "{resource}");
        }
    }

    #[test]
    fn a_role_that_groups_do_not_have_is_refused() {
        let owner = Grant { role: "owner", ..VPN };
        assert_eq!(
            nowhere().add(&ada(), &owner, "").expect_err("no such role").code(),
            "misconfigured"
        );
    }

    #[test]
    fn nothing_that_a_person_is_called_leaves_the_filter() {
        let filter = nowhere().person_filter(r"*)(uid=a\b");
        assert_eq!(filter, r"(&(objectClass=inetOrgPerson)(uid=\2a\29\28uid=a\5cb))");
        let filter = LdapGroups::group_filter(" *)(cn=x ");
        assert_eq!(
            filter,
            r"(&(|(objectClass=groupOfNames)(objectClass=group))(cn=*\2a\29\28cn=x*))"
        );
        assert!(ldap3::parse_filter(&filter).is_ok());
        assert!(ldap3::parse_filter(LdapGroups::group_filter("")).is_ok());
    }

    #[test]
    fn members_in_parts_are_read_to_the_last_one() {
        let answer = |name: &str, n: usize| {
            let values = (0..n).map(|n| format!("cn={n}")).collect();
            HashMap::from([(name.to_owned(), values)])
        };
        let read = |attributes| {
            let (values, more) = part_of(attributes);
            (values.len(), more)
        };
        assert_eq!(read(answer("member", 3)), (3, false));
        assert_eq!(read(answer("Member;Range=0-1499", 1_500)), (1_500, true));
        assert_eq!(read(answer("member;range=1500-*", 20)), (20, false));
        // Active Directory hands out the plain attribute, empty, beside the part.
        let mut both = answer("member;range=0-1499", 1_500);
        both.insert("member".to_owned(), vec![]);
        assert_eq!(read(both), (1_500, true));
        assert_eq!(read(HashMap::new()), (0, false));
    }

    #[test]
    fn who_has_nothing_to_be_found_by_waits_for_an_account() {
        let by_mail =
            connector(LdapTarget { person_by: PersonBy::Mail, ..target("ldap://127.0.0.1:1") });
        assert_eq!(by_mail.key(&ada()), Ok("ada@example.test"));
        for mail in [None, Some(" ".to_owned())] {
            assert!(
                by_mail
                    .key(&Account { mail, ..ada() })
                    .is_err_and(|trouble| trouble.waits_for_account())
            );
        }
        assert_eq!(nowhere().key(&ada()), Ok("ada"));
    }

    #[test]
    fn the_placeholder_is_known_in_every_spelling() {
        let connector = nowhere();
        assert!(connector.is_placeholder("CN=Nobody, DC=example,DC=test"));
        assert!(!connector.is_placeholder("cn=nobody,ou=people,dc=example,dc=test"));
    }

    #[test]
    fn authorities_that_cannot_be_read_are_a_matter_of_settings() {
        for (ca, words) in
            [("/does/not/exist.pem", "cannot be read"), ("Cargo.toml", "holds no certificate")]
        {
            let target = LdapTarget { ca: Some(ca.into()), ..target("ldaps://127.0.0.1") };
            let Err(Trouble::Misconfigured(said)) = LdapGroups::new(target) else {
                panic!("{ca} was taken")
            };
            assert!(said.contains(words), "{said}");
        }
    }

    #[test]
    fn an_answer_in_many_words_is_cut_to_one_line() {
        let text = format!("no\nway {}", "x".repeat(500));
        let result =
            LdapResult { rc: 19, matched: String::new(), text, refs: vec![], ctrls: vec![] };
        let Trouble::Refused(said) = refused(&result) else { panic!("not a refusal") };
        assert!(said.contains("no way xx") && said.chars().count() < 250, "{said}");
    }
}
