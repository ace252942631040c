//! A real directory to deliver into: OpenLDAP, with StartTLS and LDAPS.
//!
//! Looks and changes go through OpenLDAP's own tools, so that they check what Keyholder's client says it did.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::Write as _;
use std::net::TcpListener;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use base64::prelude::{BASE64_STANDARD, Engine};
use tempfile::TempDir;

use super::leash::{Leash, wait_for};
use super::{certificate, skip};

/// Everything is below this.
pub const BASE: &str = "dc=example,dc=test";
/// Who Keyholder binds as: reads everything, writes below `ou=groups` only.
pub const BIND_DN: &str = "cn=portal,ou=services,dc=example,dc=test";
/// The password of [`BIND_DN`].
pub const BIND_PASSWORD: &str = "portal-password";
/// A member of every group, since a `groupOfNames` may not be without one.
pub const PLACEHOLDER: &str = "cn=nobody,dc=example,dc=test";

const SLAPD: &str = "/usr/sbin/slapd";
const ADMIN_DN: &str = "cn=admin,dc=example,dc=test";
const ADMIN_PASSWORD: &str = "admin-password";

/// Somebody below `ou=people`.
pub struct Person {
    /// Names the entry.
    pub uid: &'static str,
    /// The full name.
    pub cn: &'static str,
    /// The address.
    pub mail: &'static str,
    /// The number that the staff list knows, too.
    pub employee_number: &'static str,
}

/// A running slapd, and its data; both are gone when this is dropped.
pub struct Slapd {
    folder: TempDir,
    ports: (u16, u16),
    running: Option<Leash>,
}

impl Slapd {
    /// Starts one with these people and these groups, which have nobody in them but the placeholder.
    pub fn start(people: &[Person], groups: &[&str]) -> Option<Slapd> {
        let missing = [SLAPD, "/usr/bin/ldapsearch", "/usr/bin/openssl"]
            .into_iter()
            .find(|file| !Path::new(file).exists());
        if let Some(file) = missing {
            skip(&format!("no directory server: {file} is missing (tests/run installs it)"));
            return None;
        }
        let folder = TempDir::new().expect("a folder for slapd");
        certificate::write(folder.path());
        let mut slapd = Slapd { folder, ports: (0, 0), running: None };
        slapd.fill(people, groups);
        for _ in 0..3 {
            slapd.ports = (free_port(), free_port()); // somebody else may be quicker to take one
            if slapd.launch() {
                return Some(slapd);
            }
        }
        panic!("slapd does not start: {}", slapd.log());
    }

    /// Plain LDAP, for StartTLS.
    pub fn url(&self) -> String {
        format!("ldap://127.0.0.1:{}", self.ports.0)
    }

    /// LDAP inside TLS.
    pub fn ldaps_url(&self) -> String {
        format!("ldaps://127.0.0.1:{}", self.ports.1)
    }

    /// The authority behind the server's certificate, as PEM.
    pub fn ca_path(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// The full name of a person's entry.
    pub fn person(uid: &str) -> String {
        format!("uid={uid},ou=people,{BASE}")
    }

    /// The full name of a group's entry.
    pub fn group(cn: &str) -> String {
        format!("cn={cn},ou=groups,{BASE}")
    }

    /// The full names of a group's members, the placeholder too, in the order of the alphabet.
    pub fn members(&self, group: &str) -> Vec<String> {
        let arguments =
            ["-LLL", "-o", "ldif-wrap=no", "-b", &Self::group(group), "-s", "base", "member"];
        let entry = self.tool("ldapsearch", &arguments, "");
        let mut members: Vec<String> = entry.lines().filter_map(member).collect();
        members.sort();
        members
    }

    /// Puts somebody into a group behind Keyholder's back.
    pub fn add_member(&self, group: &str, member: &str) {
        self.change(group, "add", member);
    }

    /// Takes somebody out of a group behind Keyholder's back.
    pub fn remove_member(&self, group: &str, member: &str) {
        self.change(group, "delete", member);
    }

    /// Changes the directory as its administrator does, by LDIF.
    pub fn modify(&self, ldif: &str) {
        self.tool("ldapmodify", &[], ldif);
    }

    /// Ends the server; its data stay.
    pub fn stop(&mut self) {
        self.running = None;
    }

    /// Starts the server again, at the same ports.
    pub fn start_again(&mut self) {
        assert!(self.launch(), "slapd does not start again: {}", self.log());
    }

    fn change(&self, group: &str, verb: &str, member: &str) {
        let change = format!(
            "dn: {}\nchangetype: modify\n{verb}: member\nmember: {member}\n",
            Self::group(group)
        );
        self.tool("ldapmodify", &[], &change);
    }

    /// Whether it answers, with the certificate that was made for it.
    fn launch(&mut self) -> bool {
        let urls = format!("{}/ {}/", self.url(), self.ldaps_url());
        let settings = self.file("slapd.conf");
        let mut arguments = vec!["-d", "stats", "-f", &settings, "-h", &urls];
        if self.as_root() {
            arguments.extend(["-u", "openldap", "-g", "openldap"]);
        }
        let log = File::create(self.file("log")).expect("slapd's log");
        self.running = Some(Leash::start(SLAPD, &arguments, Stdio::null(), log.into()));
        wait_for(|| self.command("ldapwhoami").output().is_ok_and(|said| said.status.success()))
    }

    fn fill(&self, people: &[Person], groups: &[&str]) {
        fs::create_dir(self.file("data")).expect("a folder for the data");
        fs::write(self.file("slapd.conf"), settings(self.folder.path())).expect("slapd.conf");
        fs::write(self.file("first.ldif"), first_entries(people, groups)).expect("first.ldif");
        let done = Command::new("/usr/sbin/slapadd")
            .args(["-q", "-f", &self.file("slapd.conf"), "-l", &self.file("first.ldif")])
            .output()
            .expect("slapadd");
        assert!(done.status.success(), "slapadd: {}", String::from_utf8_lossy(&done.stderr));
        if self.as_root() {
            let done = Command::new("chown")
                .args(["-R", "openldap:openldap", &self.file("")])
                .status()
                .expect("chown");
            assert!(done.success(), "chown");
        }
    }

    /// One of OpenLDAP's tools, as the administrator; what it prints. Panics when it fails.
    fn tool(&self, tool: &str, arguments: &[&str], input: &str) -> String {
        let mut command = self.command(tool);
        let command = command
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().expect("a tool of ldap-utils");
        child.stdin.take().expect("a pipe").write_all(input.as_bytes()).expect("the tool reads");
        let done = child.wait_with_output().expect("the tool ends");
        assert!(done.status.success(), "{tool}: {}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8(done.stdout).expect("LDIF is ASCII")
    }

    fn command(&self, tool: &str) -> Command {
        let mut command = Command::new(tool);
        command.env("LDAPTLS_CACERT", self.ca_path());
        command.args(["-ZZ", "-x", "-H", &self.url(), "-D", ADMIN_DN, "-w", ADMIN_PASSWORD]);
        command
    }

    fn as_root(&self) -> bool {
        fs::metadata("/proc/self").is_ok_and(|me| me.uid() == 0)
    }

    fn file(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().expect("UTF-8").to_owned()
    }

    fn log(&self) -> String {
        fs::read_to_string(self.file("log")).unwrap_or_default()
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0")
        .and_then(|socket| socket.local_addr())
        .expect("a free port")
        .port()
}

/// The value in a line of LDIF that says `member`; the ones with more than ASCII come in base64.
fn member(line: &str) -> Option<String> {
    if let Some(coded) = line.strip_prefix("member:: ") {
        return Some(
            String::from_utf8(BASE64_STANDARD.decode(coded).expect("base64")).expect("UTF-8"),
        );
    }
    line.strip_prefix("member: ").map(str::to_owned)
}

fn settings(folder: &Path) -> String {
    let folder = folder.display();
    format!(
        r#"
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
TLSCACertificateFile {folder}/ca.pem
TLSCertificateFile {folder}/server.pem
TLSCertificateKeyFile {folder}/server.key
database mdb
suffix "{BASE}"
rootdn "{ADMIN_DN}"
rootpw {ADMIN_PASSWORD}
directory {folder}/data
dbnosync
index objectClass,uid,employeeNumber,mail,member,entryUUID eq
access to attrs=userPassword by anonymous auth by * none
access to dn.subtree="ou=groups,{BASE}" by dn.exact="{BIND_DN}" write by * none
access to * by dn.exact="{BIND_DN}" read by * none
"#
    )
}

fn first_entries(people: &[Person], groups: &[&str]) -> String {
    let mut ldif = format!(
        "dn: {BASE}\nobjectClass: dcObject\nobjectClass: organization\ndc: example\no: Example\n\n"
    );
    for unit in ["people", "groups", "services"] {
        write!(ldif, "dn: ou={unit},{BASE}\nobjectClass: organizationalUnit\nou: {unit}\n\n")
            .expect("a string");
    }
    write!(ldif, "dn: {PLACEHOLDER}\nobjectClass: organizationalRole\ncn: nobody\n\n")
        .expect("a string");
    write!(ldif, "dn: {BIND_DN}\nobjectClass: applicationProcess\nobjectClass: simpleSecurityObject\ncn: portal\n").expect("a string");
    write!(ldif, "userPassword: {BIND_PASSWORD}\n\n").expect("a string");
    for Person { uid, cn, mail, employee_number } in people {
        let (name, cn) = (Slapd::person(uid), BASE64_STANDARD.encode(cn));
        write!(ldif, "dn: {name}\nobjectClass: inetOrgPerson\nuid: {uid}\ncn:: {cn}\nsn:: {cn}\n")
            .expect("a string");
        write!(ldif, "mail: {mail}\nemployeeNumber: {employee_number}\n\n").expect("a string");
    }
    for group in groups {
        let name = Slapd::group(group);
        write!(
            ldif,
            "dn: {name}\nobjectClass: groupOfNames\ncn: {group}\nmember: {PLACEHOLDER}\n\n"
        )
        .expect("a string");
    }
    ldif
}
