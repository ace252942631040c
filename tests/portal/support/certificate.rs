//! A certificate authority of a test's own, and one certificate for this machine.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

/// All that openssl has to know. Its own settings would say `basicConstraints` twice, which GnuTLS refuses.
const SETTINGS: &str = "
[req]
distinguished_name = name
[name]
[authority]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[server]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectAltName = IP:127.0.0.1, DNS:localhost
";

/// Writes `ca.pem`, `server.pem` and `server.key`; the certificate is for 127.0.0.1 and localhost.
pub fn write(folder: &Path) {
    fs::write(folder.join("openssl.cnf"), SETTINGS).expect("openssl.cnf");
    let authority = [
        "-subj",
        "/CN=Test authority",
        "-extensions",
        "authority",
        "-keyout",
        "ca.key",
        "-out",
        "ca.pem",
    ];
    let server = [
        "-subj",
        "/CN=localhost",
        "-extensions",
        "server",
        "-keyout",
        "server.key",
        "-out",
        "server.pem",
    ];
    openssl(folder, &authority);
    openssl(folder, &[server.as_slice(), &["-CA", "ca.pem", "-CAkey", "ca.key"]].concat());
}

fn openssl(folder: &Path, arguments: &[&str]) {
    let done = Command::new("openssl")
        .current_dir(folder)
        .args(["req", "-x509", "-config", "openssl.cnf", "-days", "30", "-nodes"])
        .args(["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"])
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .expect("openssl");
    assert!(done.status.success(), "openssl: {}", String::from_utf8_lossy(&done.stderr));
}
