//! How the commands `serve` and `demo` put an installation together.

use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, anyhow};
use tracing_subscriber::EnvFilter;

use crate::app::Application;
use crate::config::{Config, Target};
use crate::db::{Address, Database, migrate, setting};
use crate::kernel::{Clocks, Zone};
use crate::provisioning::connectors::Targets;
use crate::provisioning::connectors::ldap::LdapGroups;
use crate::signin::oidc::Oidc;
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
    logs();
    let config = Config::load(path).map_err(|problem| anyhow!(problem))?;
    let listener = TcpListener::bind(config.server.listen)
        .with_context(|| format!("cannot listen on {} (server.listen)", config.server.listen))?;
    let workers = config.server.workers;
    let site = site(config)?;
    let words = format!(
        "Keyholder for {} listens on {}; people reach it at {} (time zone {}).",
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
    Ok(Site {
        db,
        organization: config.organization.name,
        help: config.organization.help,
        secure: public_url.scheme() == "https",
        public_url,
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
    })
}

/// Runs the demo.
///
/// # Errors
/// Words for the person who tries it when it cannot start.
pub fn demo(port: u16, dir: &Path, fresh: bool) -> anyhow::Result<ExitCode> {
    let _ = (dir, fresh);
    let _listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).with_context(|| {
        format!("port {port} is taken; try `keyholder demo --port {}`", port.saturating_add(1))
    })?;
    Err(anyhow!("the demo is not here yet"))
}

/// JSON lines on stderr; `RUST_LOG` chooses how much.
fn logs() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt().json().with_env_filter(filter).with_writer(std::io::stderr).init();
}

fn cores(workers: usize) -> usize {
    if workers > 0 { workers } else { std::thread::available_parallelism().map_or(2, usize::from) }
}

fn block_on(work: impl Future<Output = std::io::Result<()>>) -> anyhow::Result<()> {
    Ok(actix_web::rt::System::new().block_on(work)?)
}
