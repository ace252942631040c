//! How the commands `serve` and `demo` put an installation together.

use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, anyhow};
use tracing_subscriber::EnvFilter;
use url::Url;

use crate::app::Application;
use crate::config::{Config, Target};
use crate::db::{Address, Database, migrate, setting};
use crate::demo::{self, Demo};
use crate::kernel::{Clocks, Secret, Zone};
use crate::notify::letters::Letterhead;
use crate::notify::mailer::Mailer;
use crate::provisioning::connectors::Targets;
use crate::provisioning::connectors::ldap::LdapGroups;
use crate::reviews::pack;
use crate::signin::oidc::{self, Oidc};
use crate::site::{Keys, SessionTimes, Site};
use crate::web::limit::Limits;

/// The setting that marks a demo's database; `serve` refuses one (E20).
pub const DEMO_MARK: &str = "demo";

/// Opens a database for a command that works beside a server; its schema is brought up to date first.
///
/// # Errors
/// When it cannot be reached.
pub fn open((address, zone): &(Address, Zone)) -> anyhow::Result<Database> {
    migrate::migrate(address)?;
    Database::open(address, Clocks::system(), *zone)
}

/// Runs the portal.
///
/// # Errors
/// Words for the operator when it cannot start.
pub fn serve(path: &Path) -> anyhow::Result<ExitCode> {
    logs("info");
    let config = Config::load(path).map_err(|problem| anyhow!(problem))?;
    let listener = TcpListener::bind(config.server.listen)
        .with_context(|| format!("cannot listen on {} (server.listen)", config.server.listen))?;
    let workers = config.server.workers;
    let site = site(config)?;
    let mail = site.mailer.as_ref().map_or_else(
        || "No mail server is configured ([mail]): notices are in the portal only.".to_owned(),
        |mailer| format!("Notices are mailed through {}.", mailer.place()),
    );
    let words = format!(
        "Keyholder for {} listens on {}; people reach it at {} (time zone {}). {mail}",
        site.organization,
        listener.local_addr()?,
        site.public_url,
        site.db.zone().name()
    );
    block_on(async move {
        let app = Application::build(Arc::new(site), listener, cores(workers), true)?;
        eprintln!("{words}");
        app.run().await
    })?;
    Ok(ExitCode::SUCCESS)
}

fn site(config: Config) -> anyhow::Result<Site> {
    let (address, zone) = (|| Ok((config.address()?, config.zone()?)))()
        .map_err(|problem: String| anyhow!(problem))?;
    migrate::migrate(&address)?;
    let clocks = Clocks::system();
    let db = Database::open(&address, clocks.clone(), zone)?;
    if db.read(|c| setting(c, DEMO_MARK))?.is_some() {
        return Err(anyhow!("this database belongs to a demo; name another one"));
    }
    let mut targets = Targets::default();
    for (name, Target::Ldap(settings)) in config.targets {
        let ldap = LdapGroups::new(*settings).map_err(|e| anyhow!("targets.{name}: {e}"))?;
        targets.insert(name, Arc::new(ldap));
    }
    let public_url = config.server.public_url;
    let redirect = public_url.join("/signin/callback")?;
    let oidc = Oidc::new(config.sign_in.provider, redirect, Arc::clone(&clocks.wall))
        .map_err(|e| anyhow!("sign_in.provider: {}", e.detail()))?;
    let head = Letterhead {
        site: public_url.clone(),
        organization: config.organization.name.clone(),
        help: config.organization.help.clone(),
        zone,
    };
    let mailer = match config.mail {
        Some(mail) => Some(Arc::new(Mailer::new(mail, head).map_err(|e| anyhow!("mail: {e}"))?)),
        None => None,
    };
    let pack_key = match &config.reviews.pack_key {
        Some(path) => Some(Arc::new(pack_key(path).context("reviews.pack_key")?)),
        None => None,
    };
    Ok(Site {
        db,
        pack_key,
        organization: config.organization.name,
        help: config.organization.help,
        secure: public_url.scheme() == "https",
        public_url,
        mailer,
        keys: Keys::derive(config.server.secret.reveal().as_bytes())
            .map_err(|problem| anyhow!(problem))?,
        sessions: SessionTimes {
            idle_minutes: config.server.idle_minutes,
            absolute_hours: config.server.absolute_hours,
        },
        demo: false,
        proxies: config.server.trusted_proxies,
        limits: Limits::default(),
        targets: Arc::new(targets),
        oidc: Some(Arc::new(oidc)),
        first_administrator: config.sign_in.first_administrator,
        controls: None,
    })
}

/// Runs the demo, on this machine only (E20).
///
/// # Errors
/// Words for the person who tries it when it cannot start.
pub fn demo(port: u16, dir: &Path, fresh: bool) -> anyhow::Result<ExitCode> {
    logs("warn");
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).with_context(|| {
        format!("port {port} is taken; try `keyholder demo --port {}`", port.saturating_add(1))
    })?;
    let port = listener.local_addr()?.port();
    if fresh || !dir.join("keyholder.db").exists() {
        eprintln!("Making a company of about 60 people in {} ...", dir.display());
    }
    let demo = Arc::new(demo::prepare(dir, fresh)?);
    block_on(async move {
        let public_url =
            Url::parse(&format!("http://localhost:{port}/")).map_err(std::io::Error::other)?;
        let site = demo_site(&demo, &public_url).map_err(std::io::Error::other)?;
        let app = Application::build(Arc::new(site), listener, 2, true)?;
        eprintln!(
            "The demo is at {public_url} (Ctrl+C ends it; its data stays in {}).",
            demo.dir.display()
        );
        app.run().await
    })?;
    Ok(ExitCode::SUCCESS)
}

/// The demo's installation; its provider starts to listen, too. Call it inside a runtime.
///
/// # Errors
/// When no port is free.
pub fn demo_site(demo: &Arc<Demo>, public_url: &Url) -> anyhow::Result<Site> {
    let (redirect, back) = (public_url.join("/signin/callback")?, public_url.join("/signin")?);
    let provider =
        demo::provider::start(demo.cast.clone(), redirect.to_string(), back.to_string())?;
    actix_web::rt::spawn(provider.server);
    let settings = oidc::Settings {
        issuer: provider.issuer,
        client_id: provider.client_id,
        client_secret: Some(Secret::new(provider.client_secret)),
        scopes: vec!["openid".into(), "profile".into(), "email".into()],
        person_claim: "sub".into(),
        ca: None,
    };
    let oidc = Oidc::new(settings, redirect, Arc::clone(&demo.db.clocks().wall))
        .map_err(|e| anyhow!("the demo's sign-in: {}", e.detail()))?;
    Ok(Site {
        db: demo.db.clone(),
        organization: demo::ORGANIZATION.into(),
        help: demo::HELP.into(),
        public_url: public_url.clone(),
        keys: Keys::derive(&demo.secret).map_err(|problem| anyhow!(problem))?,
        sessions: SessionTimes::default(),
        secure: false,
        demo: true,
        proxies: Vec::new(),
        limits: Limits::default(),
        mailer: None,
        targets: Arc::clone(&demo.targets),
        oidc: Some(Arc::new(oidc)),
        first_administrator: None,
        pack_key: Some(Arc::new(demo_pack_key(&demo.dir)?)),
        controls: Some(Arc::clone(demo)),
    })
}

/// The key that signs review packs.
fn pack_key(path: &Path) -> anyhow::Result<pack::SigningKey> {
    let pem = std::fs::read_to_string(path)
        .with_context(|| format!("{} cannot be read", path.display()))?;
    pack::signing_key(&pem).map_err(|error| anyhow!("{}: {error}", path.display()))
}

/// Makes a pair of keys for review packs in two new files: the private one, which only its owner can read, and
/// beside it, with `.pub`, the one that auditors check with.
///
/// # Errors
/// When one of the files is there already, or cannot be written.
pub fn make_pack_keys(path: &Path) -> anyhow::Result<PathBuf> {
    let pair = pack::generate().map_err(|error| anyhow!("{error}"))?;
    let public = PathBuf::from(format!("{}.pub", path.display()));
    write_new(path, &pair.private, 0o600)?;
    write_new(&public, &pair.public, 0o644)?;
    Ok(public)
}

fn write_new(path: &Path, text: &str, mode: u32) -> anyhow::Result<()> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let file = std::fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(path);
    let mut file = file.with_context(|| format!("{} cannot be made", path.display()))?;
    file.write_all(text.as_bytes()).with_context(|| format!("{}", path.display()))
}

/// The demo signs with a key of its own, made at its first start; the public one lies beside it.
fn demo_pack_key(dir: &Path) -> anyhow::Result<pack::SigningKey> {
    let path = dir.join("review-packs.pem");
    if !path.exists() {
        make_pack_keys(&path)?;
    }
    pack_key(&path)
}

/// JSON lines on stderr; `RUST_LOG` chooses how much.
fn logs(usual: &str) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(usual));
    tracing_subscriber::fmt().json().with_env_filter(filter).with_writer(std::io::stderr).init();
}

fn cores(workers: usize) -> usize {
    if workers > 0 { workers } else { std::thread::available_parallelism().map_or(2, usize::from) }
}

fn block_on(work: impl Future<Output = std::io::Result<()>>) -> anyhow::Result<()> {
    Ok(actix_web::rt::System::new().block_on(work)?)
}
