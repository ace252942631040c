use std::net::TcpStream;
use std::process::Command;

use crate::support::ldap::{BIND_DN, BIND_PASSWORD, PLACEHOLDER, Person, Slapd};

const ADA: Person =
    Person { uid: "ada", cn: "Ada Łuczak", mail: "ada@example.test", employee_number: "1001" };

/// Reads an entry as Keyholder's account does; `None` when that is refused.
fn read(slapd: &Slapd, url: &str, starttls: &[&str], password: &str) -> Option<String> {
    let done = Command::new("ldapsearch")
        .env("LDAPTLS_CACERT", slapd.ca_path())
        .args(starttls)
        .args([
            "-LLL",
            "-x",
            "-H",
            url,
            "-D",
            BIND_DN,
            "-w",
            password,
            "-b",
            &Slapd::person("ada"),
            "-s",
            "base",
        ])
        .output()
        .unwrap();
    done.status.success().then(|| String::from_utf8(done.stdout).unwrap())
}

#[test]
fn people_are_read_by_starttls_and_by_ldaps() {
    let Some(slapd) = Slapd::start(&[ADA], &[]) else { return };
    for (url, starttls) in [(slapd.url(), &["-ZZ"][..]), (slapd.ldaps_url(), &[])] {
        let entry = read(&slapd, &url, starttls, BIND_PASSWORD).unwrap();
        assert!(entry.contains("employeeNumber: 1001"), "{entry}");
        assert!(read(&slapd, &url, starttls, "wrong").is_none());
    }
}

#[test]
fn members_come_and_go() {
    let Some(slapd) = Slapd::start(&[ADA], &["vpn", "erp"]) else { return };
    let ada = Slapd::person("ada");
    slapd.add_member("vpn", &ada);
    assert_eq!(slapd.members("vpn"), [PLACEHOLDER, &ada]);
    assert_eq!(slapd.members("erp"), [PLACEHOLDER]);
    slapd.remove_member("vpn", &ada);
    assert_eq!(slapd.members("vpn"), [PLACEHOLDER]);
}

#[test]
fn keyholders_account_writes_groups_and_nothing_else() {
    let Some(slapd) = Slapd::start(&[ADA], &["vpn"]) else { return };
    let ada = Slapd::person("ada");
    let write = |entry: &str, change: &str| {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), format!("dn: {entry}\nchangetype: modify\n{change}\n"))
            .unwrap();
        let mut command = Command::new("ldapmodify");
        command.env("LDAPTLS_CACERT", slapd.ca_path());
        command
            .args(["-ZZ", "-x", "-H", &slapd.url(), "-D", BIND_DN, "-w", BIND_PASSWORD, "-f"])
            .arg(file.path());
        command.output().unwrap().status.success()
    };
    assert!(write(&Slapd::group("vpn"), &format!("add: member\nmember: {ada}")));
    assert!(!write(&ada, "replace: mail\nmail: other@example.test"));
    assert_eq!(slapd.members("vpn"), [PLACEHOLDER, &ada]);
}

#[test]
fn a_stopped_directory_refuses_and_comes_back_with_its_data() {
    let Some(mut slapd) = Slapd::start(&[ADA], &["vpn"]) else { return };
    slapd.add_member("vpn", &Slapd::person("ada"));
    let address = slapd.url().replace("ldap://", "");
    slapd.stop();
    assert!(TcpStream::connect(&address).is_err());
    slapd.start_again();
    assert_eq!(slapd.url(), format!("ldap://{address}"));
    assert_eq!(slapd.members("vpn").len(), 2);
}

#[test]
fn two_directories_live_side_by_side() {
    let (Some(one), Some(other)) = (Slapd::start(&[], &["vpn"]), Slapd::start(&[], &["vpn"]))
    else {
        return;
    };
    one.add_member("vpn", &Slapd::person("ada"));
    assert_eq!((one.members("vpn").len(), other.members("vpn").len()), (2, 1));
}
