//! The demonstration: everything around Keyholder that an organization would bring.
//!
//! [`prepare`] opens a folder, and fills it first if it is empty: a company with its people, groups and packages
//! ([`company`], [`offer`]) and two months of history ([`story`], [`history`]), a target system that can misbehave
//! ([`target`]), a clock that can be moved on. [`provider`] signs people in. Nothing of this exists in `serve`.

pub mod company;
mod history;
mod offer;
pub mod pages;
mod plan;
pub mod provider;
mod store;
mod story;
pub mod target;
mod terms;

use std::fs::{File, TryLockError};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, anyhow};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use diesel::prelude::*;

use self::provider::Cast;
use self::target::DemoTarget;
use crate::db::schema::people;
use crate::db::{Address, By, Database, Db, migrate, set_setting, setting};
use crate::error::Result;
use crate::kernel::time::{Fixed, Shifted, System};
use crate::kernel::{Clock, Clocks, FactId, Ts, Zone};
use crate::provisioning::connectors::Targets;

/// What the organization of the demo is called.
pub const ORGANIZATION: &str = "Northmoor Instruments";
/// Whom one asks for help there.
pub const HELP: &str = "Marta Lindqvist, marta.lindqvist@northmoor.example";
/// Where it is.
pub const ZONE: Zone = Zone::of(chrono_tz::Europe::Stockholm);

/// The setting that marks a demo's database; `serve` refuses one (E20).
const MARK: &str = crate::serve::DEMO_MARK;
const BUILDING: &str = "building";
const READY: &str = "ready";
const OFFSET: &str = "clock_offset";
const SECRET: &str = "demo_secret";
const BY: By = By::System("Demo");

/// A folder with everything that the demo needs, opened.
pub struct Demo {
    /// The folder.
    pub dir: PathBuf,
    /// Its database; business time is [`Demo::clock`].
    pub db: Database,
    /// Business time, ahead of the machine's by as much as was clicked.
    pub clock: Arc<Shifted>,
    /// The target system.
    pub target: Arc<DemoTarget>,
    /// The target system as the portal knows it.
    pub targets: Arc<Targets>,
    /// The folder's own secret, for the portal's keys.
    pub secret: Vec<u8>,
    /// The people whom one can be.
    pub cast: Vec<Cast>,
    /// Whether it was filled just now.
    pub new: bool,
    /// Held as long as the demo runs: one folder, one demo.
    _lock: File,
}

impl Demo {
    /// Moves business time on and lets happen what is due; returns a fact id that is older than all that happened.
    ///
    /// # Errors
    /// When the database does not answer.
    pub fn advance(&self, seconds: i64) -> Result<FactId> {
        let before = FactId::fresh();
        let offset = self.clock.advance(seconds);
        // Kept first: a restart never goes back (E1).
        self.db.write(BY, move |tx| set_setting(tx, OFFSET, &offset.to_string()))?;
        crate::jobs::run_all(&self.db, &self.targets)?;
        Ok(before)
    }
}

/// Opens the demo of a folder, and makes it first if there is none. With `fresh` the demo that is there is thrown away.
///
/// # Errors
/// Words for whoever started it: when the folder holds a database that is no demo's, when another demo runs in it,
/// when something in it cannot be read or written.
pub fn prepare(dir: &Path, fresh: bool) -> anyhow::Result<Demo> {
    let file = dir.join("keyholder.db");
    not_foreign(&file)?;
    std::fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))?;
    own(dir)?;
    let lock = lock(dir)?;
    // A start that was cut off is made anew.
    let keep = not_foreign(&file)?.as_deref() == Some(READY) && !fresh;
    let clock = Arc::new(Shifted::default());
    if !keep {
        clear(dir)?;
        build(dir, System.now())?;
    }
    open(dir, clock, !keep, lock)
}

fn address(dir: &Path) -> Address {
    Address::Sqlite(dir.join("keyholder.db").to_string_lossy().into_owned())
}

/// One demo at a time works in a folder.
fn lock(dir: &Path) -> anyhow::Result<File> {
    let path = dir.join("demo.lock");
    let file = File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            Err(anyhow!("another demo runs in {}; name another folder with --dir", dir.display()))
        }
        Err(TryLockError::Error(error)) => {
            Err(error).with_context(|| format!("cannot lock {}", path.display()))
        }
    }
}

/// The mark of the demo's database, if there is one.
///
/// # Errors
/// When the database is somebody else's, which is left alone.
fn not_foreign(file: &Path) -> anyhow::Result<Option<String>> {
    if !file.try_exists()? {
        return Ok(None);
    }
    match mark(file)? {
        Some(mark) if mark == READY || mark == BUILDING => Ok(Some(mark)),
        _ => Err(anyhow!(
            "{} is not a demo's database, and it is left alone. Name another folder with --dir.",
            file.display()
        )),
    }
}

fn mark(file: &Path) -> anyhow::Result<Option<String>> {
    // Only a database with a write-ahead log is opened, which is what Keyholder makes: opening turns it on.
    let mut head = [0; 20];
    if File::open(file)?.read_exact(&mut head).is_err()
        || !head.starts_with(b"SQLite")
        || head[18] != 2
    {
        return Ok(None);
    }
    let address = Address::Sqlite(file.to_string_lossy().into_owned());
    let mark = Db::open_reader(&address).ok().and_then(|mut db| setting(&mut db, MARK).ok());
    Ok(mark.flatten())
}

/// Only whoever started the demo reads what it keeps: its sessions, its keys.
fn own(dir: &Path) -> anyhow::Result<()> {
    #[cfg(unix)]
    std::fs::set_permissions(dir, std::os::unix::fs::PermissionsExt::from_mode(0o700))
        .with_context(|| format!("cannot close {} to others", dir.display()))?;
    Ok(())
}

/// Removes the demo's own files.
fn clear(dir: &Path) -> anyhow::Result<()> {
    for name in ["target.json", "keyholder.db-wal", "keyholder.db-shm", "keyholder.db"] {
        let path = dir.join(name);
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(error).with_context(|| format!("cannot remove {}", path.display()));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Fills an empty folder with everything that happened up to `now`.
fn build(dir: &Path, now: Ts) -> anyhow::Result<()> {
    let address = address(dir);
    let clock = Arc::new(Fixed::at(now));
    migrate::migrate(&address)?;
    let clocks = Clocks { business: clock.clone(), wall: clock.clone() };
    let db = Database::open_scratch(&address, clocks, ZONE)?;
    let secret = STANDARD.encode(rand::random::<[u8; 64]>());
    db.write(BY, move |tx| {
        set_setting(tx, MARK, BUILDING)?;
        set_setting(tx, SECRET, &secret)
    })?;
    let target = fill(&db, &clock, now)?;
    DemoTarget::open(&dir.join("target.json"), || target.state(), clock)?;
    db.write(BY, move |tx| {
        store::read_before(tx, now.plus_hours(-48))?;
        set_setting(tx, MARK, READY)
    })?;
    Ok(())
}

/// Writes the company and everything that happened there up to `now` into an empty database; answers its target
/// system. The database's clocks are `clock`.
///
/// # Errors
/// When the story does not fit the rules, or the database does not answer.
pub fn fill(db: &Database, clock: &Arc<Fixed>, now: Ts) -> anyhow::Result<Arc<DemoTarget>> {
    let staff = company::staff()?;
    let state = company::target(&staff, now);
    let target = Arc::new(DemoTarget::in_memory(state, Arc::clone(clock) as _));
    history::write(db, clock, &target, &staff, now)?;
    Ok(target)
}

fn open(dir: &Path, clock: Arc<Shifted>, new: bool, lock: File) -> anyhow::Result<Demo> {
    let address = address(dir);
    migrate::migrate(&address)?;
    let clocks = Clocks { business: clock.clone(), wall: Arc::new(System) };
    let db = Database::open(&address, clocks, ZONE)?;
    forget_provider(&db)?;
    let (offset, secret) = db.read(|c| Ok((setting(c, OFFSET)?, setting(c, SECRET)?)))?;
    let offset = offset.and_then(|text| text.parse::<i64>().ok()).unwrap_or_default();
    clock.advance_micros(offset);
    let secret = STANDARD.decode(secret.context("the demo has lost its secret; use --fresh")?)?;
    let staff = company::staff()?;
    let now = clock.now();
    let state = || company::target(&staff, now);
    let target =
        Arc::new(DemoTarget::open(&dir.join("target.json"), state, Arc::clone(&clock) as _)?);
    let mut targets = Targets::default();
    targets.insert(target::NAME, Arc::clone(&target) as _);
    let (dir, targets, cast) = (dir.to_owned(), Arc::new(targets), company::cast(&staff));
    Ok(Demo { dir, db, clock, target, targets, secret, cast, new, _lock: lock })
}

/// The demo's provider is another one at every start, with its own address and key: its accounts are met anew.
fn forget_provider(db: &Database) -> anyhow::Result<()> {
    db.write(BY, |tx| {
        let pinned = people::table.filter(people::issuer.is_not_null());
        diesel::update(pinned)
            .set((people::issuer.eq(None::<String>), people::subject.eq(None::<String>)))
            .execute(tx.db())?;
        Ok(())
    })?;
    Ok(())
}

#[cfg(test)]
mod tests;
