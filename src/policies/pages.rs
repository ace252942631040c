//! The pages on which owners write policies.

use askama::Template;

use super::model::{Policy, Saved, Version};
use super::{commands, forms, rules, store};
use crate::access::policy::{self, Gate};
use crate::error::{Error, FieldError, Result};
use crate::kernel::{PackageId, PolicyId};
use crate::packages::model::Detail;
use crate::packages::store::package;
use crate::web::words::When;
use crate::web::{Cx, Form, Place, Reply, Route, Shell, get, post};

/// This slice's pages.
pub const ROUTES: &[Route] = &[
    get("/packages/{id}/policies/new", Gate::Catalogs, blank),
    post("/packages/{id}/policies/new", Gate::Catalogs, create),
    get("/packages/{id}/policies/{policy}/edit", Gate::Catalogs, show),
    post("/packages/{id}/policies/{policy}/edit", Gate::Catalogs, change),
    post("/packages/{id}/policies/{policy}/switch", Gate::Catalogs, switch),
];

/// One stage's question.
struct StageQuestion {
    name: &'static str,
    legend: &'static str,
    none: &'static str,
}

const STAGES: [StageQuestion; 3] = [
    StageQuestion {
        name: "stage1",
        legend: "Who decides first?",
        none: "Nobody: no approval is needed",
    },
    StageQuestion { name: "stage2", legend: "And then?", none: "Nobody else" },
    StageQuestion { name: "stage3", legend: "And at last?", none: "Nobody else" },
];

/// A version as the page tells it.
struct Past {
    version: Version,
    made: When,
}

#[derive(Template)]
#[template(path = "policies/edit.html")]
struct EditPage {
    shell: Shell,
    detail: Detail,
    /// None while it is being written for the first time.
    policy: Option<Policy>,
    form: Form,
    stages: &'static [StageQuestion],
    versions: Vec<Past>,
    today: String,
}

impl EditPage {
    fn action(&self) -> String {
        let package = self.detail.package.id;
        match &self.policy {
            Some(policy) => format!("/packages/{package}/policies/{}/edit", policy.id),
            None => format!("/packages/{package}/policies/new"),
        }
    }

    /// The value of a field whose name is made of two parts.
    fn of(&self, stage: &StageQuestion, part: &str) -> &str {
        self.form.raw(&Self::field(stage, part))
    }

    fn field(stage: &StageQuestion, part: &str) -> String {
        format!("{}-{part}", stage.name)
    }
}

fn blank(cx: &mut Cx) -> Result<Reply> {
    let detail = managed(cx)?;
    let form = cx.refill().unwrap_or_else(|| {
        let mut form = forms::blank();
        form.set("key", PolicyId::fresh().to_string());
        form
    });
    draw(cx, detail, None, form, &[])
}

fn create(cx: &mut Cx) -> Result<Reply> {
    let detail = managed(cx)?;
    let mut form = cx.form().clone();
    let id = PolicyId::parse(form.raw("key")).unwrap_or_else(PolicyId::fresh);
    form.set("key", id.to_string());
    let draft = match checked(cx, &form)? {
        Ok(draft) => draft,
        Err(errors) => return draw(cx, detail, None, form, &errors),
    };
    let (package, catalog) = (detail.package.id, detail.package.catalog);
    let forms::Draft { name, terms, .. } = draft;
    let saved = cx.write(move |tx| {
        let permit = policy::manage_catalog(tx.actor(), catalog)?;
        commands::create(tx, &permit, id, package, &name, &terms)
    });
    match saved {
        Ok(saved) => Ok(done(package, &saved, "Policy saved.", "It is on; this is what it says.")),
        Err(Error::Invalid(errors)) => draw(cx, detail, None, form, &errors),
        Err(error) => Err(error),
    }
}

fn show(cx: &mut Cx) -> Result<Reply> {
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

fn change(cx: &mut Cx) -> Result<Reply> {
    let (detail, policy) = one(cx)?;
    let form = cx.form().clone();
    let draft = match checked(cx, &form)? {
        Ok(draft) => draft,
        Err(errors) => return draw(cx, detail, Some(policy), form, &errors),
    };
    let Ok(seen) = form.raw("version").parse::<i64>() else { return Err(Error::Missing) };
    let (id, package, catalog) = (policy.id, detail.package.id, detail.package.catalog);
    let forms::Draft { name, terms, .. } = draft;
    let saved = cx.write(move |tx| {
        let permit = policy::manage_catalog(tx.actor(), catalog)?;
        commands::change(tx, &permit, id, seen, &name, &terms)
    });
    match saved {
        Ok(saved) => {
            let words = format!(
                "It is at version {}; requests that are open keep the version that they were made under.",
                saved.version
            );
            Ok(done(package, &saved, "Policy saved.", &words))
        }
        Err(Error::Invalid(errors)) => draw(cx, detail, Some(policy), form, &errors),
        Err(Error::Refused(no)) => {
            let now = format!("/packages/{package}/policies/{id}/edit");
            Err(no.way("Look at the policy as it is now", now).into())
        }
        Err(error) => Err(error),
    }
}

fn switch(cx: &mut Cx) -> Result<Reply> {
    let (detail, Policy { id, name, .. }) = one(cx)?;
    let (package, catalog) = (detail.package.id, detail.package.catalog);
    let on = cx.form().raw("on") == "yes";
    cx.write(move |tx| {
        let permit = policy::manage_catalog(tx.actor(), catalog)?;
        commands::switch(tx, &permit, id, on)
    })?;
    let reply = Reply::see_other(format!("/packages/{package}/edit"));
    Ok(if on {
        reply.notice("Switched on.", format!("People can request under “{name}” again."))
    } else {
        reply.notice(
            "Switched off.",
            format!("Nobody can request under “{name}” now. Open requests and access stay."),
        )
    })
}

/// Back to the package, where the policy is read back; a warning goes before the good news.
fn done(package: PackageId, saved: &Saved, strong: &str, text: &str) -> Reply {
    let reply = Reply::see_other(format!("/packages/{package}/edit"));
    if saved.warnings.is_empty() {
        reply.notice(strong, text)
    } else {
        reply.warning(strong, saved.warnings.join(" "))
    }
}

/// The form as terms, or everything that is wrong with it at once.
fn checked(cx: &Cx, form: &Form) -> Result<Result<forms::Draft, Vec<FieldError>>> {
    let today = cx.site.db.zone().date(cx.now());
    cx.read(|db| {
        let draft = forms::read(db, form)?;
        let known = store::known(db, &rules::named(&draft.terms))?;
        let wrong = rules::policy(&draft.name, &draft.terms, &known, today).err();
        let errors = forms::all_errors(&draft, wrong.unwrap_or_default());
        Ok(if errors.is_empty() { Ok(draft) } else { Err(errors) })
    })
}

fn draw(
    cx: &Cx,
    detail: Detail,
    policy: Option<Policy>,
    form: Form,
    errors: &[FieldError],
) -> Result<Reply> {
    let (now, zone) = (cx.now(), cx.site.db.zone());
    let versions = match &policy {
        Some(policy) => cx.read(|db| store::versions(db, policy.id))?,
        None => vec![],
    };
    let versions = versions
        .into_iter()
        .map(|version| Past { made: When::at(version.made_at, now, zone), version })
        .collect();
    let title = match &policy {
        Some(policy) => format!("Policy {} of {} – Catalogs", policy.name, detail.package.name),
        None => format!("Write a policy for {} – Catalogs", detail.package.name),
    };
    let mut shell = cx.shell(title, Place::Catalogs)?;
    shell.errors = errors.iter().map(Into::into).collect();
    let today = zone.date(now).format("%Y-%m-%d").to_string();
    let page = EditPage { shell, detail, policy, form, stages: &STAGES, versions, today };
    Ok(Reply::page(&page)?.status(if errors.is_empty() { 200 } else { 422 }))
}

/// The package of the path, if the person may change it.
fn managed(cx: &Cx) -> Result<Detail> {
    let id: PackageId = cx.id("id")?;
    let detail = cx.read(|db| package(db, id))?;
    policy::manage_catalog(cx.actor().ok_or(Error::Missing)?, detail.package.catalog)?;
    Ok(detail)
}

/// The policy of the path with its package, if the person may change it.
fn one(cx: &Cx) -> Result<(Detail, Policy)> {
    let detail = managed(cx)?;
    let id: PolicyId = cx.id("policy")?;
    let policy = cx.read(|db| store::policy(db, id))?;
    if policy.package == detail.package.id { Ok((detail, policy)) } else { Err(Error::Missing) }
}
