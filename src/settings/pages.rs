//! The page of the organization's settings: administrators change them, auditors read them.

use askama::Template;

use super::model::Settings;
use super::{commands, store};
use crate::access::policy::{self, Gate};
use crate::error::{Error, FieldError, Result};
use crate::web::{Cx, Form, Place, Reply, Route, Shell, get, post};

/// This slice's pages.
pub const ROUTES: &[Route] =
    &[get("/settings", Gate::Settings, show), post("/settings", Gate::Administrator, change)];

#[derive(Template)]
#[template(path = "settings/edit.html")]
struct SettingsPage {
    shell: Shell,
    may_change: bool,
    form: Form,
}

fn show(cx: &mut Cx) -> Result<Reply> {
    let form = match cx.refill() {
        Some(form) => form,
        None => written(cx)?,
    };
    draw(cx, form, vec![])
}

fn change(cx: &mut Cx) -> Result<Reply> {
    let form = cx.form().clone();
    let Ok(seen) = form.raw("rev").parse::<i64>() else { return Err(Error::Missing) };
    // What is no number is as wrong as one that is too small.
    let number = |name: &str| form.line(name).parse().unwrap_or(-1);
    let (help, approver_names) = (Some(form.line("help")), form.has("names"));
    let (undo_seconds, stand_in_days) = (number("undo"), number("stand-in"));
    let (silent_share, cooling_hours) = (number("silent-share"), number("cooling"));
    let saved = cx.write(move |tx| {
        let permit = policy::manage_settings(tx.actor())?;
        let new = Settings {
            help: help.clone(),
            approver_names,
            undo_seconds,
            stand_in_days,
            silent_share,
            cooling_hours,
        };
        commands::change_seen(tx, &permit, seen, &new)
    });
    match saved {
        Ok(()) => Ok(Reply::see_other("/settings")
            .notice("Saved.", "The settings are now what you see here.")),
        Err(Error::Invalid(errors)) => draw(cx, form, errors),
        Err(Error::Refused(no)) => {
            Err(no.way("Look at the settings as they are now", "/settings").into())
        }
        Err(error) => Err(error),
    }
}

/// The form that says what is set.
fn written(cx: &Cx) -> Result<Form> {
    let (settings, rev) = cx.read(|db| Ok((store::organization(db)?, store::revision(db)?)))?;
    let names = settings.approver_names.then(|| ("names", "yes".to_owned()));
    let others = [
        ("rev", rev.to_string()),
        ("help", settings.help.unwrap_or_default()),
        ("undo", settings.undo_seconds.to_string()),
        ("stand-in", settings.stand_in_days.to_string()),
        ("silent-share", settings.silent_share.to_string()),
        ("cooling", settings.cooling_hours.to_string()),
    ];
    Ok(Form::of(names.into_iter().chain(others)))
}

fn draw(cx: &Cx, form: Form, errors: Vec<FieldError>) -> Result<Reply> {
    let may_change = policy::manage_settings(cx.actor().ok_or(Error::Missing)?).is_ok();
    let mut shell = cx.shell("Settings of the organization", Place::Catalogs)?;
    let status = if errors.is_empty() { 200 } else { 422 };
    shell.errors = errors.iter().map(Into::into).collect();
    Ok(Reply::page(&SettingsPage { shell, may_change, form })?.status(status))
}
