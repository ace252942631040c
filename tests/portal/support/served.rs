//! The program `keyholder` itself, with a settings file, as an operator runs it.

use std::fs::{self, File};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use keyholder::signin::pages::{CALLBACK, SIGN_IN};
use openidconnect::reqwest::blocking::Client;
use tempfile::TempDir;

use super::app::{DIRECTORY, directory};
use super::ldap::Slapd;
use super::leash::wait_for;
use super::provider::{CLIENT_ID, CLIENT_SECRET, Provider};

/// A folder with `keyholder.toml`, and the program that may run with it.
pub struct Served {
    /// Where people reach it.
    pub origin: String,
    folder: TempDir,
    database: String,
    running: Option<Child>,
}

impl Served {
    /// Writes the settings as docs/install.md says; nothing runs yet.
    pub fn new(database: &str, provider: &Provider, slapd: &Slapd, administrator: &str) -> Served {
        let folder = TempDir::new().expect("a folder for the settings");
        // The port stays free until the program takes it, unless somebody is quicker.
        let port = TcpListener::bind("127.0.0.1:0").expect("a port");
        let listen = port.local_addr().expect("an address");
        let origin = format!("http://{listen}");
        provider.let_back_to(&format!("{origin}{CALLBACK}"), &format!("{origin}{SIGN_IN}"));
        let ldap = directory(slapd);
        let settings = format!(
            r#"
[organization]
name = "Northmoor Instruments"
help = "the service desk, phone 100"
[server]
public_url = "{origin}"
listen = "{listen}"
workers = 2
secret = "{secret}"
[sign_in]
first_administrator = "{administrator}"
[sign_in.provider]
issuer = "{issuer}"
client_id = "{CLIENT_ID}"
client_secret = "{CLIENT_SECRET}"
person_claim = "sub"
[targets.{DIRECTORY}]
kind = "ldap"
url = "{url}"
ca = "{ca}"
bind_dn = "{bind}"
bind_password = "{password}"
people_base = "{people}"
person_by = "id"
person_attribute = "uid"
groups_base = "{groups}"
managed = ["{groups}"]
placeholder = "{nobody}"
"#,
            secret = "0123456789abcdef".repeat(5),
            issuer = provider.issuer,
            url = ldap.url,
            ca = slapd.ca_path().display(),
            bind = ldap.bind_dn,
            password = super::ldap::BIND_PASSWORD,
            people = ldap.people_base,
            groups = ldap.groups_base,
            nobody = super::ldap::PLACEHOLDER,
        );
        fs::write(folder.path().join("keyholder.toml"), settings).expect("the settings");
        Served { origin, folder, database: database.to_owned(), running: None }
    }

    /// Writes a file beside the settings.
    pub fn write(&self, name: &str, text: &str) {
        fs::write(self.file(name), text).expect("a file");
    }

    /// Adds to the settings.
    pub fn also(&self, settings: &str) {
        let path = self.file("keyholder.toml");
        let before = fs::read_to_string(&path).expect("the settings");
        fs::write(path, format!("{before}{settings}")).expect("the settings");
    }

    /// Runs a command of the program to its end.
    pub fn run(&self, arguments: &[&str]) -> Output {
        self.command().args(arguments).output().expect("keyholder")
    }

    /// The same; fails unless it works. Gives what it printed.
    #[track_caller]
    pub fn works(&self, arguments: &[&str]) -> String {
        let done = self.run(arguments);
        let (out, err) = (said(&done.stdout), said(&done.stderr));
        assert!(done.status.success(), "keyholder {arguments:?}: {out}{err}");
        out
    }

    /// Starts `serve` and waits until it is ready.
    pub fn serve(&mut self) {
        self.start();
        let http = Client::builder().no_proxy().build().expect("an HTTP client");
        let ready = format!("{}/readyz", self.origin);
        let up = wait_for(|| http.get(&ready).send().is_ok_and(|said| said.status().is_success()));
        assert!(up, "keyholder does not serve: {}", self.log());
    }

    /// Starts `serve`, and waits for nothing.
    pub fn start(&mut self) {
        let log = File::options().create(true).append(true).open(self.file("log")).expect("a log");
        let mut command = self.command();
        command.args(["serve", "--config", "keyholder.toml"]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        self.running = Some(command.spawn().expect("keyholder"));
    }

    /// Ends it as a power cut does: it can do nothing about it.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.running.take() {
            child.kill().expect("SIGKILL");
            child.wait().expect("it has ended");
        }
    }

    /// What it has logged.
    pub fn log(&self) -> String {
        fs::read_to_string(self.file("log")).unwrap_or_default()
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The program ends with the thread that started it, so that a test that is killed leaves nothing behind.
    fn command(&self) -> Command {
        let program = env!("CARGO_BIN_EXE_keyholder");
        let setpriv = Path::new("/usr/bin/setpriv");
        let mut command = if setpriv.exists() {
            let mut command = Command::new(setpriv);
            command.args(["--pdeathsig", "KILL", program]);
            command
        } else {
            Command::new(program)
        };
        command.current_dir(self.folder.path());
        command.env_clear().env("DATABASE_URL", &self.database).env("RUST_LOG", "warn");
        command
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.kill();
    }
}

fn said(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
