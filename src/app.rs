//! The application: every slice's routes in one place, the server, and the jobs beside it.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use actix_web::dev::{Server, ServerHandle};

use crate::jobs::Jobs;
use crate::site::Site;
use crate::web::{self, Route};

/// Every route of the portal. The demo's own are in [`DEMO`]; `serve` never has them (E20).
pub const ROUTES: &[&[Route]] = &[
    crate::assignments::moving::ROUTES,
    crate::assignments::owner::ROUTES,
    crate::assignments::pages::ROUTES,
    crate::audit::pages::ROUTES,
    crate::catalogs::pages::ROUTES,
    crate::delegation::pages::ROUTES,
    crate::directory::profile::pages::ROUTES,
    crate::home::pages::ROUTES,
    crate::notify::pages::ROUTES,
    crate::organizations::pages::ROUTES,
    crate::packages::browse::ROUTES,
    crate::packages::incompatible::pages::ROUTES,
    crate::packages::pages::ROUTES,
    crate::policies::pages::ROUTES,
    crate::requests::acting::ROUTES,
    crate::requests::approvals::ROUTES,
    crate::requests::asking::ROUTES,
    crate::requests::owner::ROUTES,
    crate::requests::pages::ROUTES,
    crate::requests::stopping::ROUTES,
    crate::reviews::pages::ROUTES,
    crate::settings::pages::ROUTES,
    crate::signin::pages::ROUTES,
    crate::standing_in::pages::ROUTES,
    crate::team::pages::ROUTES,
];

/// What only the demo adds.
pub const DEMO: &[&[Route]] = &[crate::demo::pages::ROUTES];

/// The routes of an installation.
#[must_use]
pub fn tables(demo: bool) -> Vec<&'static [Route]> {
    let extra = if demo { DEMO } else { &[] };
    ROUTES.iter().chain(extra).copied().collect()
}

/// A portal that listens: its server serves while it is awaited, its jobs run until it is dropped.
pub struct Application {
    /// Where it listens.
    pub address: SocketAddr,
    /// The installation.
    pub site: Arc<Site>,
    server: Server,
    jobs: Option<Jobs>,
}

impl Application {
    /// Builds the portal on a listener that is bound already. Call it inside a runtime.
    ///
    /// With `jobs` the timers and deliveries run by themselves; tests leave them out and call `jobs::run_all`.
    ///
    /// # Errors
    /// When the listener cannot be used or the machine refuses a thread.
    pub fn build(
        site: Arc<Site>,
        listener: TcpListener,
        workers: usize,
        jobs: bool,
    ) -> std::io::Result<Self> {
        let address = listener.local_addr()?;
        let jobs = if jobs {
            Some(Jobs::start(&site.db, &site.targets, site.mailer.as_ref())?)
        } else {
            None
        };
        let server = web::serve(Arc::clone(&site), &tables(site.demo), listener, workers)?;
        Ok(Self { address, site, server, jobs })
    }

    /// Stops the server from elsewhere.
    #[must_use]
    pub fn handle(&self) -> ServerHandle {
        self.server.handle()
    }

    /// Serves until a signal or the handle ends it; then the jobs end as well.
    ///
    /// # Errors
    /// When the server fails.
    pub async fn run(self) -> std::io::Result<()> {
        let Self { server, jobs, .. } = self;
        let outcome = server.await;
        drop(jobs);
        outcome
    }
}
