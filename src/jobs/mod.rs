//! The work that nobody clicks for: timers, notices, mail, delivery. One thread for timers and notices, one for mail
//! and one for each target system, so that a server which hangs holds up nobody else.
//!
//! Jobs take no input: they look at what is due. A write anywhere in this process wakes them; so does the
//! clock. Every step is guarded or leased in the database, so several replicas may run them at once.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::db::Database;
use crate::error::Result;
use crate::notify::mailer::Mailer;
use crate::provisioning::connectors::Targets;
use crate::web::session;
use crate::{notify, provisioning, requests, reviews, standing_in};

/// How long a job sleeps at most; the minute of D24 is far away.
const TICK: Duration = Duration::from_secs(2);
/// How long it sleeps after a failure of the database.
const AFTER_FAILURE: Duration = Duration::from_secs(5);

/// Runs everything that is due, in this thread, until nothing is left; returns how many things happened.
/// For the demo's clock and for tests; the server has [`Jobs`].
///
/// # Errors
/// When the database does not answer.
pub fn run_all(db: &Database, targets: &Targets) -> Result<usize> {
    let mut all = 0;
    loop {
        let mut done = timers(db, false)?;
        for name in targets.names() {
            done += provisioning::reconcile::run_target(db, targets, name)?;
        }
        done += provisioning::reconcile::run_unknown(db, targets)?;
        if done == 0 {
            return Ok(all);
        }
        all += done;
    }
}

fn timers(db: &Database, mailed: bool) -> Result<usize> {
    let done = requests::jobs::run_due(db)? + provisioning::reconcile::tell_overdue(db)?;
    let done = done + standing_in::jobs::run_due(db)? + reviews::jobs::run_due(db)?;
    Ok(done + notify::dispatch::run_for(db, mailed)?)
}

/// Deletes the sessions that ended an hour ago, drafts and all, every ten minutes of wall time.
fn sweep(db: &Database, last: &AtomicI64) -> Result<()> {
    let now = db.clocks().wall.now().micros();
    if now - last.load(Ordering::Relaxed) >= 600_000_000 {
        last.store(now, Ordering::Relaxed);
        db.write(session::BY, session::sweep)?;
    }
    Ok(())
}

/// The running threads; dropping it stops them.
pub struct Jobs {
    stop: Arc<AtomicBool>,
    wake: Vec<SyncSender<()>>,
    threads: Vec<JoinHandle<()>>,
}

impl Jobs {
    /// Starts the threads; without a mailer notices are in the portal only.
    ///
    /// # Errors
    /// When the machine refuses a thread.
    pub fn start(
        db: &Database,
        targets: &Arc<Targets>,
        mailer: Option<&Arc<Mailer>>,
    ) -> std::io::Result<Self> {
        let mut jobs = Self { stop: Arc::default(), wake: Vec::new(), threads: Vec::new() };
        let (own, their) = (db.clone(), Arc::clone(targets));
        let (swept, mailed) = (AtomicI64::new(0), mailer.is_some());
        jobs.spawn("timers", move || {
            sweep(&own, &swept)?;
            Ok(timers(&own, mailed)? + provisioning::reconcile::run_unknown(&own, &their)?)
        })?;
        if let Some(mailer) = mailer {
            let (own, mailer) = (db.clone(), Arc::clone(mailer));
            jobs.spawn("mail", move || notify::post::run(&own, &mailer))?;
        }
        for name in targets.names() {
            let (own, their, name) = (db.clone(), Arc::clone(targets), name.to_owned());
            jobs.spawn("delivery", move || {
                provisioning::reconcile::run_target(&own, &their, &name)
            })?;
        }
        let everybody = Mutex::new(jobs.wake.clone());
        db.on_write(Box::new(move || {
            for wake in everybody.lock().unwrap_or_else(PoisonError::into_inner).iter() {
                // A full channel means that it is about to look anyway.
                let _ = wake.try_send(());
            }
        }));
        Ok(jobs)
    }

    fn spawn(
        &mut self,
        name: &str,
        work: impl Fn() -> Result<usize> + Send + 'static,
    ) -> std::io::Result<()> {
        let (wake, woken) = sync_channel(1);
        let stop = Arc::clone(&self.stop);
        let thread = std::thread::Builder::new()
            .name(name.into())
            .spawn(move || turn(&stop, &woken, &work))?;
        self.wake.push(wake);
        self.threads.push(thread);
        Ok(())
    }
}

fn turn(stop: &AtomicBool, woken: &Receiver<()>, work: &dyn Fn() -> Result<usize>) {
    while !stop.load(Ordering::Relaxed) {
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
        let pause = match outcome {
            Ok(Ok(_)) => TICK,
            Ok(Err(error)) => {
                tracing::error!(%error, "a job failed; it is tried again");
                AFTER_FAILURE
            }
            Err(_) => {
                tracing::error!("a job panicked; it is tried again");
                AFTER_FAILURE
            }
        };
        if let Err(RecvTimeoutError::Disconnected) = woken.recv_timeout(pause) {
            return;
        }
    }
}

impl Drop for Jobs {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for wake in &self.wake {
            let _ = wake.try_send(());
        }
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}
