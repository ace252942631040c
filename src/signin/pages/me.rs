//! One's own page: who one is here, and where one is signed in.

use askama::Template;

use super::super::{Choice, commands, store, words};
use super::signed_out;
use crate::directory::{PersonRow, profile, store as directory};
use crate::error::{Error, FieldError, Result};
use crate::kernel::Zone;
use crate::web::words::{When, and_list};
use crate::web::{Cx, Place, Reply, Shell, session};

#[derive(Template)]
#[template(path = "signin/me.html")]
struct MePage {
    shell: Shell,
    person: PersonRow,
    manager: Option<String>,
    groups: Vec<String>,
    roles: Vec<String>,
    sessions: Vec<OpenHere>,
    /// Whether only mails come that ask something.
    needed: bool,
    /// The zone in whose clock times are shown: its name, and whether it is the organization's.
    zone: &'static str,
    own_zone: bool,
}

/// An open session, in words.
struct OpenHere {
    hash: String,
    browser: String,
    since: When,
    until: When,
    own: bool,
}

pub(super) fn show(cx: &mut Cx) -> Result<Reply> {
    let me = cx.person()?.clone();
    let wall = cx.wall();
    let (person, manager, groups, catalogs, sessions, needed) = cx.read(|db| {
        let person = directory::person(db, me.id)?;
        let manager = match person.manager_id {
            Some(manager) => directory::names(db, &[manager])?.remove(&manager),
            None => None,
        };
        let groups = profile::store::groups(db, me.id)?;
        let catalogs = profile::store::catalogs(db, &me.owns)?;
        let needed = store::only_needed_mails(db, me.id)?;
        Ok((person, manager, groups, catalogs, session::open(db, me.id, wall)?, needed))
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
    let zone = cx.zone();
    let mut sessions: Vec<OpenHere> = sessions
        .into_iter()
        .map(|one| OpenHere {
            own: one.hash == cx.session_hash(),
            browser: words::browser(one.agent.as_deref()),
            since: When::at(one.since, wall, zone),
            until: When::at(one.until, wall, zone),
            hash: one.hash,
        })
        .collect();
    sessions.sort_by_key(|one| !one.own);
    Reply::page(&MePage {
        shell: cx.shell("Your account", Place::None)?,
        person,
        manager,
        groups,
        roles,
        sessions,
        needed,
        zone: zone.name(),
        own_zone: me.clock.is_some(),
    })
}

pub(super) fn end_session(cx: &mut Cx) -> Result<Reply> {
    let which = cx.form().raw("session").to_owned();
    end(cx, Some(which))
}

pub(super) fn end_others(cx: &mut Cx) -> Result<Reply> {
    end(cx, None)
}

fn end(cx: &Cx, which: Option<String>) -> Result<Reply> {
    let own = cx.session_hash().to_owned();
    let ended = cx.write(move |tx| commands::end_sessions(tx, &own, which.as_deref()))?;
    let reply = Reply::see_other("/me");
    Ok(match ended {
        0 => reply.notice("Nothing to end.", "There was no such session of yours any more."),
        1 => reply.notice("Session ended.", "Whoever used it has to sign in again."),
        n => reply.notice("Sessions ended.", format!("{n} have ended; you stay signed in here.")),
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

/// All mails, or only those that ask something.
pub(super) fn mail(cx: &mut Cx) -> Result<Reply> {
    let needed = cx.form().raw("mail") == "needed";
    let mail = Some(if needed { "needed" } else { "all" });
    let words = match needed {
        true => {
            "You get mail only when something waits for you. Your notices here have everything."
        }
        false => "You get mail about everything that concerns you.",
    };
    choose(cx, Choice { mail, ..Choice::default() }, ("Saved.", words))
}

/// Switches single-letter shortcuts on or off.
pub(super) fn shortcuts(cx: &mut Cx) -> Result<Reply> {
    let on = cx.form().raw("on") == "yes";
    let words = match on {
        true => ("Shortcuts are on.", "In your approvals, “?” shows them."),
        false => ("Shortcuts are off.", "Letters do nothing by themselves any more."),
    };
    choose(cx, Choice { shortcuts: Some(on), ..Choice::default() }, words)
}

fn choose(cx: &Cx, choice: Choice, (title, words): (&str, &str)) -> Result<Reply> {
    cx.write(move |tx| commands::choose(tx, &choice))?;
    Ok(Reply::see_other("/me").notice(title, words))
}

#[derive(Template)]
#[template(path = "signin/time_zone.html")]
struct ZonePage {
    shell: Shell,
    typed: String,
    organization: &'static str,
    zones: Vec<&'static str>,
}

/// In whose clock times are shown.
pub(super) fn zone(cx: &mut Cx) -> Result<Reply> {
    let typed = match cx.refill() {
        Some(form) => form.line("zone"),
        None => cx.person()?.clock.map_or_else(String::new, |zone| zone.name().to_owned()),
    };
    draw_zone(cx, typed, &[])
}

fn draw_zone(cx: &Cx, typed: String, errors: &[FieldError]) -> Result<Reply> {
    let mut shell = cx.shell("Your time zone – Your account", Place::None)?;
    shell.errors = errors.iter().map(Into::into).collect();
    let organization = cx.zone().organization().name();
    let page = ZonePage { shell, typed, organization, zones: Zone::places() };
    Ok(Reply::page(&page)?.status(if errors.is_empty() { 200 } else { 422 }))
}

pub(super) fn set_zone(cx: &mut Cx) -> Result<Reply> {
    let typed = cx.form().line("zone");
    let time_zone = Some(Some(typed.replace(' ', "_")).filter(|name| !name.is_empty()));
    let words = match &time_zone {
        Some(Some(name)) => format!("Times are shown as clocks in {name} show them."),
        _ => "Times are shown in the zone of the organization.".to_owned(),
    };
    let choice = Choice { time_zone, ..Choice::default() };
    match cx.write(move |tx| commands::choose(tx, &choice)) {
        Ok(()) => Ok(Reply::see_other("/me").notice("Saved.", words)),
        Err(Error::Invalid(errors)) => draw_zone(cx, typed, &errors),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
#[path = "me_tests.rs"]
mod tests;
