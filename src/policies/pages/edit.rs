//! The policy editor. Its form is sent in steps: `more` makes room for questions, `preview` shows what the policy would
//! mean, `save` saves it, `edit` comes back; nothing that was typed is lost on the way.

use askama::Template;

use super::{managed, one, preview};
use crate::access::policy;
use crate::db::Db;
use crate::error::{Error, FieldError, Result};
use crate::kernel::{PackageId, PolicyId};
use crate::packages::model::Detail;
use crate::policies::forms::parts::{self, Part, Questions};
use crate::policies::forms::{self, Draft};
use crate::policies::model::{Policy, Saved, Version};
use crate::policies::reach::{Difference, difference};
use crate::policies::{commands, rules, store};
use crate::requests::stopping::Stopped;
use crate::requests::stops::Thing;
use crate::web::page::Choice;
use crate::web::{Cx, Form, Place, Reply, Shell};

/// Somebody saved another version while this form was open.
struct Newer {
    version: Version,
    difference: Difference,
}

#[derive(Template)]
#[template(path = "policies/edit.html")]
struct EditPage {
    shell: Shell,
    detail: Detail,
    /// None while it is being written for the first time.
    policy: Option<Policy>,
    form: Form,
    stages: Vec<Part>,
    questions: Questions,
    open: Open,
    today: String,
    newer: Option<Newer>,
    stopped: Option<Stopped>,
}

/// Which of the rarely used parts are unfolded: something in them is set, or wrong.
struct Open {
    outside: bool,
    others: bool,
    extension: bool,
}

impl EditPage {
    fn action(&self) -> String {
        action(&self.detail, self.policy.as_ref())
    }

    fn base(&self) -> String {
        format!("/packages/{}/policies", self.detail.package.id)
    }

    fn extensions(&self) -> Vec<Choice> {
        let chosen = self.form.raw("extension");
        [
            ("no", "It cannot be extended"),
            ("approval", "The same people decide again"),
            ("free", "Without another approval"),
        ]
        .map(|(value, label)| Choice {
            value: value.into(),
            label: label.into(),
            hint: String::new(),
            on: value == chosen || (value == "no" && chosen.is_empty()),
        })
        .into()
    }
}

/// Where the form goes.
pub(super) fn action(detail: &Detail, policy: Option<&Policy>) -> String {
    let package = detail.package.id;
    match policy {
        Some(policy) => format!("/packages/{package}/policies/{}/edit", policy.id),
        None => format!("/packages/{package}/policies/new"),
    }
}

pub(super) fn blank(cx: &mut Cx) -> Result<Reply> {
    let detail = managed(cx)?;
    let form = cx.refill().unwrap_or_else(|| {
        let mut form = forms::blank();
        form.set("key", PolicyId::fresh().to_string());
        form
    });
    draw(cx, detail, None, form, &[])
}

pub(super) fn create(cx: &mut Cx) -> Result<Reply> {
    let detail = managed(cx)?;
    let mut form = cx.form().clone();
    let id = PolicyId::parse(form.raw("key")).unwrap_or_else(PolicyId::fresh);
    form.set("key", id.to_string());
    sent(cx, detail, None, form, |cx, detail, draft| {
        let (package, catalog) = (detail.package.id, detail.package.catalog);
        let Draft { name, terms, .. } = draft;
        let saved = cx.write(move |tx| {
            let permit = policy::manage_catalog(tx.actor(), catalog)?;
            commands::create(tx, &permit, id, package, &name, &terms)
        })?;
        Ok(done(package, &saved, "It is on; this is what it says."))
    })
}

pub(super) fn show(cx: &mut Cx) -> Result<Reply> {
    let (detail, policy) = one(cx)?;
    let form = match cx.refill() {
        Some(form) => form,
        None => {
            let mut form = cx.read(|db| forms::write(db, &policy.name, &policy.terms))?;
            form.set("version", policy.version.to_string());
            form
        }
    };
    draw(cx, detail, Some(policy), form, &[])
}

pub(super) fn change(cx: &mut Cx) -> Result<Reply> {
    let (detail, policy) = one(cx)?;
    let form = cx.form().clone();
    let (id, seen) = (policy.id, form.raw("version").parse::<i64>());
    sent(cx, detail, Some(policy), form, move |cx, detail, draft| {
        let (package, catalog) = (detail.package.id, detail.package.catalog);
        let Draft { name, terms, .. } = draft;
        let Ok(seen) = seen else { return Err(Error::Missing) };
        let saved = cx.write(move |tx| {
            let permit = policy::manage_catalog(tx.actor(), catalog)?;
            commands::change(tx, &permit, id, seen, &name, &terms)
        })?;
        let words = format!(
            "It is at version {}; requests that are open keep the version that they were made under.",
            saved.version
        );
        Ok(done(package, &saved, &words))
    })
}

/// Does what the pressed button says.
fn sent(
    cx: &Cx,
    detail: Detail,
    policy: Option<Policy>,
    form: Form,
    save: impl FnOnce(&Cx, &Detail, Draft) -> Result<Reply>,
) -> Result<Reply> {
    let step = form.raw("step").to_owned();
    if ["edit", "more"].contains(&&*step) {
        return draw(cx, detail, policy, form, &[]);
    }
    let (draft, warnings) = match checked(cx, &form)? {
        Ok(checked) => checked,
        Err(errors) => return draw(cx, detail, policy, form, &errors),
    };
    if step != "save" {
        if let Some(policy) =
            policy.as_ref().filter(|p| p.version.to_string() != form.raw("version"))
        {
            let policy = policy.clone();
            return stale(cx, detail, policy, form);
        }
        return preview::draw(cx, detail, policy, &form, draft, warnings);
    }
    match (save(cx, &detail, draft), policy) {
        (Err(Error::Invalid(errors)), policy) => draw(cx, detail, policy, form, &errors),
        (Err(Error::Refused(no)), Some(policy)) => {
            let now = cx.read(|db| store::policy(db, policy.id))?;
            if now.version.to_string() == form.raw("version") {
                return Err(Error::Refused(no));
            }
            stale(cx, detail, now, form)
        }
        (reply, _) => reply,
    }
}

/// Back to the package, where the policy is read back; a warning goes before the good news.
fn done(package: PackageId, saved: &Saved, text: &str) -> Reply {
    let reply = Reply::see_other(format!("/packages/{package}/edit"));
    if saved.warnings.is_empty() {
        reply.notice("Policy saved.", text)
    } else {
        reply.warning("Policy saved.", saved.warnings.join(" "))
    }
}

/// What was read and what its author should know, or everything that is wrong at once.
type Checked = Result<(Draft, Vec<String>), Vec<FieldError>>;

fn checked(cx: &Cx, form: &Form) -> Result<Checked> {
    let today = cx.zone().date(cx.now());
    cx.read(|db| read(db, form, today))
}

fn read(db: &mut Db, form: &Form, today: chrono::NaiveDate) -> Result<Checked> {
    let mut draft = forms::read(db, form)?;
    let known = store::known(db, &rules::named(&draft.terms))?;
    match rules::policy(&draft.name, &draft.terms, &known, today) {
        Ok((name, terms, warnings)) if draft.errors.is_empty() => {
            (draft.name, draft.terms) = (name, terms);
            Ok(Ok((draft, warnings)))
        }
        Ok(_) => Ok(Err(forms::all_errors(&draft, vec![]))),
        Err(errors) => Ok(Err(forms::all_errors(&draft, errors))),
    }
}

/// The form again, with everything typed, beside the version that somebody saved meanwhile. What is sent from here on
/// comes after that version, knowingly.
fn stale(cx: &Cx, detail: Detail, policy: Policy, mut form: Form) -> Result<Reply> {
    let versions = cx.read(|db| store::versions(db, policy.id))?;
    let seen = form.raw("version").to_owned();
    let before = versions.iter().find(|v| v.version.to_string() == seen).map(|v| v.terms.clone());
    let newer = versions
        .into_iter()
        .next()
        .map(|version| Newer { difference: difference(before.as_ref(), &version.terms), version });
    form.set("version", policy.version.to_string());
    let page = page(cx, detail, Some(policy), form, &[], newer)?;
    Ok(Reply::page(&page)?.status(409))
}

fn draw(
    cx: &Cx,
    detail: Detail,
    policy: Option<Policy>,
    form: Form,
    errors: &[FieldError],
) -> Result<Reply> {
    let page = page(cx, detail, policy, form, errors, None)?;
    Ok(Reply::page(&page)?.status(if errors.is_empty() { 200 } else { 422 }))
}

fn page(
    cx: &Cx,
    detail: Detail,
    policy: Option<Policy>,
    mut form: Form,
    errors: &[FieldError],
    newer: Option<Newer>,
) -> Result<EditPage> {
    forms::questions::make_room(&mut form);
    let title = match &policy {
        Some(policy) => format!("Policy {} of {} – Catalogs", policy.name, detail.package.name),
        None => format!("Write a policy for {} – Catalogs", detail.package.name),
    };
    let stopped = match &policy {
        Some(policy) => {
            let href = format!("/packages/{}/policies/{}", detail.package.id, policy.id);
            Stopped::read(cx, Thing::Policy(policy.id), href)?
        }
        None => None,
    };
    let mut shell = cx.shell(title, Place::Catalogs)?;
    shell.errors = errors.iter().map(Into::into).collect();
    let said =
        |field: &str| !form.raw(field).trim().is_empty() || errors.iter().any(|e| e.field == field);
    let open = Open {
        outside: said("users") || said("guests") || said("organizations"),
        others: said("ask-people") || said("ask-groups") || !form.has("direct"),
        extension: said("extension-days") || !["", "no"].contains(&form.raw("extension")),
    };
    let today = cx.zone().date(cx.now()).format("%Y-%m-%d").to_string();
    let (stages, questions) = (parts::stages(&form, errors), parts::questions(&form, errors));
    Ok(EditPage { shell, detail, policy, form, stages, questions, open, today, newer, stopped })
}
