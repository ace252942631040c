//! What reviews of groups and applications need of target systems: who has them when an instance starts, asked outside
//! of any transaction, and the beginning of removals, which the same worker carries out as all others.

use super::connectors::{Connector, Grant, Trouble};
use crate::assignments::rights::Claiming;
use crate::db::{By, Database};
use crate::error::{Error, Result};
use crate::kernel::{ReviewInstanceId, RoleId};
use crate::reviews::commands;
use crate::reviews::model::Item;
use crate::reviews::population::{self, Holder, Unread};
use crate::reviews::store::rows;

const BY: By = By::System("Keyholder");

/// Reads what instances wait for at one target, and begins the removals there; returns how many things happened.
pub(super) fn run_target(db: &Database, connector: &dyn Connector, name: &str) -> Result<usize> {
    let mut done = 0;
    for unread in db.read(population::unread)? {
        if unread.target == name {
            done += save(db, unread.instance, ask(connector, &unread))?;
        }
    }
    Ok(done + removals(db, &On::Target(name.to_owned()))?)
}

/// The same where no target of the name is configured: nobody can say who has it, and removals are made by hand.
pub(super) fn run_unknown(db: &Database, names: &[String]) -> Result<usize> {
    let mut done = 0;
    for unread in db.read(population::unread)? {
        if !names.contains(&unread.target) {
            let trouble = Trouble::Misconfigured(format!(
                "no target system named “{}” is configured",
                unread.target
            ));
            done += save(db, unread.instance, Err(words(&trouble)))?;
        }
    }
    Ok(done + removals(db, &On::NotOf(names.to_vec()))?)
}

/// On which target systems.
#[derive(Clone)]
enum On {
    Target(String),
    NotOf(Vec<String>),
}

impl On {
    fn which(&self) -> Claiming<'_> {
        match self {
            Self::Target(name) => Claiming::Of(name),
            Self::NotOf(names) => Claiming::NotOf(names),
        }
    }
}

/// Begins what is due, many at a time; where that fails, one by one, so that one broken row keeps nobody else's access
/// from ending.
fn removals(db: &Database, on: &On) -> Result<usize> {
    let now = db.clocks().business.now();
    let due = |limit| db.read(|db| rows::due(db, now, &on.which(), limit));
    let mut done = 0;
    while !due(1)?.is_empty() {
        let which = on.clone();
        match db.write(BY, move |tx| commands::take_away(tx, &which.which(), None)) {
            Ok(n) => done += n,
            Err(error) => {
                tracing::warn!(%error, "removals on a target are begun one by one");
                return one_by_one(db, on, due(commands::CHUNK)?, done);
            }
        }
    }
    Ok(done)
}

fn one_by_one(db: &Database, on: &On, due: Vec<(Item, RoleId)>, mut done: usize) -> Result<usize> {
    for (item, _) in due {
        let (id, which) = (item.id, on.clone());
        match db.write(BY, move |tx| commands::take_away(tx, &which.which(), Some(id))) {
            Ok(n) => done += n,
            Err(Error::Busy) => return Err(Error::Busy),
            Err(error) => {
                tracing::error!(%error, %id, "a removal of a review fails; it is tried again");
            }
        }
    }
    Ok(done)
}

/// Everybody who has one of the roles, or the words of what kept that away.
fn ask(connector: &dyn Connector, unread: &Unread) -> std::result::Result<Vec<Holder>, String> {
    let Some(resource) = &unread.resource else {
        return Err("the resource is registered no longer".to_owned());
    };
    let mut all = Vec::new();
    for role in &resource.roles {
        let what = Grant { resource: &resource.address, role: &role.value };
        let members = connector.members(&what).map_err(|trouble| words(&trouble))?;
        all.extend(members.into_iter().map(|member| Holder {
            role: role.id,
            ids: member.ids,
            mails: member.mails,
            name: member.name,
        }));
    }
    Ok(all)
}

/// As a part of a sentence.
fn words(trouble: &Trouble) -> String {
    let words = trouble.to_string();
    words.trim_end_matches('.').replacen("The ", "the ", 1)
}

fn save(
    db: &Database,
    id: ReviewInstanceId,
    told: std::result::Result<Vec<Holder>, String>,
) -> Result<usize> {
    match db.write(BY, move |tx| population::take(tx, id, &told)) {
        Ok(taken) => Ok(usize::from(taken)),
        Err(Error::Busy) => Err(Error::Busy),
        // One that cannot be written holds up no other.
        Err(error) => {
            tracing::error!(%error, %id, "what a target said cannot be written; it is read again");
            Ok(0)
        }
    }
}
