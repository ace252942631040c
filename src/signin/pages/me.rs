//! One's own page: who one is here, and where one is signed in.

use askama::Template;

use super::super::{commands, store};
use super::signed_out;
use crate::directory::{PersonRow, profile, store as directory};
use crate::error::Result;
use crate::web::words::{When, and_list};
use crate::web::{Cx, Place, Reply, Shell};

#[derive(Template)]
#[template(path = "signin/me.html")]
struct MePage {
    shell: Shell,
    person: PersonRow,
    manager: Option<String>,
    groups: Vec<String>,
    roles: Vec<String>,
    sessions: i64,
    since: Option<When>,
}

pub(super) fn show(cx: &mut Cx) -> Result<Reply> {
    let me = cx.person()?.clone();
    let wall = cx.wall();
    let (person, manager, groups, catalogs, sessions) = cx.read(|db| {
        let person = directory::person(db, me.id)?;
        let manager = match person.manager_id {
            Some(manager) => directory::names(db, &[manager])?.remove(&manager),
            None => None,
        };
        let groups = profile::store::groups(db, me.id)?;
        let catalogs = profile::store::catalogs(db, &me.owns)?;
        Ok((person, manager, groups, catalogs, store::open_sessions(db, me.id, wall)?))
    })?;
    let mut roles = Vec::new();
    if me.administrator {
        roles.push("Administrator: looks after the whole installation".to_owned());
    }
    if me.auditor {
        roles.push("Auditor: reads everything, changes nothing".to_owned());
    }
    if !catalogs.is_empty() {
        roles.push(format!("Owner of {}", and_list(&catalogs, 20)));
    }
    Reply::page(&MePage {
        shell: cx.shell("Your account", Place::None)?,
        person,
        manager,
        groups,
        roles,
        sessions,
        since: cx.signed_in_at().map(|at| When::at(at, wall, cx.site.db.zone())),
    })
}

pub(super) fn sign_out_everywhere(cx: &mut Cx) -> Result<Reply> {
    let ended = cx.write(commands::sign_out_everywhere)?;
    let words = match ended {
        ..=1 => "The one session that you had has ended.".to_owned(),
        n => format!("{n} sessions have ended, this one included."),
    };
    signed_out(cx, Some(words))
}

/// Switches single-letter shortcuts on or off.
pub(super) fn shortcuts(cx: &mut Cx) -> Result<Reply> {
    let on = cx.form().raw("on") == "yes";
    cx.write(move |tx| commands::set_shortcuts(tx, on))?;
    let words = match on {
        true => ("Shortcuts are on.", "In your approvals, “?” shows them."),
        false => ("Shortcuts are off.", "Letters do nothing by themselves any more."),
    };
    Ok(Reply::see_other("/me").notice(words.0, words.1))
}
