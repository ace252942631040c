//! The pages of the emergency stop (D47): a catalog, package or policy is stopped, and let on. What they share with the
//! pages of these things is `templates/requests/_stop.html`.

use askama::Template;

use super::commands;
use super::stops::{self, Stop, Thing};
use crate::access::policy::{self, Gate};
use crate::catalogs::store::catalog;
use crate::db::Db;
use crate::error::{Error, FieldError, Result};
use crate::kernel::text::counted;
use crate::kernel::{CatalogId, PackageId, PolicyId, Ts, Zone};
use crate::packages::store::head;
use crate::web::words::When;
use crate::web::{Cx, Form, Place, Reply, Route, Shell, get, post};

/// The pages of the emergency stop.
pub const ROUTES: &[Route] = &[
    get("/catalogs/{id}/stop", Gate::Catalogs, ask),
    post("/catalogs/{id}/stop", Gate::Catalogs, stop),
    post("/catalogs/{id}/let-on", Gate::Catalogs, let_on),
    get("/packages/{id}/stop", Gate::Catalogs, ask),
    post("/packages/{id}/stop", Gate::Catalogs, stop),
    post("/packages/{id}/let-on", Gate::Catalogs, let_on),
    get("/packages/{id}/policies/{policy}/stop", Gate::Catalogs, ask),
    post("/packages/{id}/policies/{policy}/stop", Gate::Catalogs, stop),
    post("/packages/{id}/policies/{policy}/let-on", Gate::Catalogs, let_on),
];

/// A stop in force, as the page of what is stopped tells it.
pub struct Stopped {
    /// "catalog", "access package" or "policy".
    pub word: &'static str,
    /// Who stopped it.
    pub by: String,
    /// Since when.
    pub at: When,
    /// Why, in their words.
    pub reason: String,
    /// The address of what is stopped.
    pub href: String,
}

impl Stopped {
    /// As a page tells it; `href` is the address of what is stopped.
    #[must_use]
    pub fn of(stop: Stop, href: String, now: Ts, zone: Zone) -> Self {
        let at = When::at(stop.at, now, zone);
        Self { word: stop.thing.word(), by: stop.by, at, reason: stop.reason, href }
    }

    /// The stop of this very thing, if it is stopped. One statement.
    ///
    /// # Errors
    /// When the database does not answer.
    pub fn read(cx: &Cx, thing: Thing, href: String) -> Result<Option<Self>> {
        let stop = cx.read(|db| stops::on(db, thing))?;
        Ok(stop.map(|stop| Self::of(stop, href, cx.now(), cx.zone())))
    }
}

#[derive(Template)]
#[template(path = "requests/stop.html")]
struct StopPage {
    shell: Shell,
    word: &'static str,
    name: String,
    open: i64,
    form: Form,
    action: String,
    back: String,
}

/// What the path means.
struct Subject {
    thing: Thing,
    catalog: CatalogId,
    name: String,
    /// The page on which it is changed.
    back: String,
    /// Its own address, before `/stop`.
    base: String,
    /// Whose it is: " of Ledger" after a policy, else nothing.
    of: String,
}

/// What the path means, if the person may change it.
fn subject(cx: &Cx) -> Result<Subject> {
    let actor = cx.actor().ok_or(Error::Missing)?;
    let found = cx.read(|db| found(db, cx))?;
    policy::manage_catalog(actor, found.catalog)?;
    Ok(found)
}

fn found(db: &mut Db, cx: &Cx) -> Result<Subject> {
    if cx.path().starts_with("/catalogs/") {
        let id: CatalogId = cx.id("id")?;
        let name = catalog(db, id)?.name;
        let base = format!("/catalogs/{id}");
        let back = format!("{base}/edit");
        let of = String::new();
        return Ok(Subject { thing: Thing::Catalog(id), catalog: id, name, back, base, of });
    }
    let id: PackageId = cx.id("id")?;
    let package = head(db, id)?;
    let (thing, name, base, of) = if cx.part("policy").is_empty() {
        (Thing::Package(id), package.name, format!("/packages/{id}"), String::new())
    } else {
        let found = crate::policies::store::policy(db, cx.id::<PolicyId>("policy")?)?;
        if found.package != id {
            return Err(Error::Missing);
        }
        let base = format!("/packages/{id}/policies/{}", found.id);
        (Thing::Policy(found.id), found.name, base, format!(" of {}", package.name))
    };
    Ok(Subject { thing, catalog: package.catalog, name, back: format!("{base}/edit"), base, of })
}

fn ask(cx: &mut Cx) -> Result<Reply> {
    let form = cx.refill().unwrap_or_default();
    let subject = subject(cx)?;
    draw(cx, subject, form, &[])
}

fn draw(cx: &Cx, subject: Subject, form: Form, errors: &[FieldError]) -> Result<Reply> {
    let open = cx.read(|db| stops::would_wait(db, subject.thing))?;
    let word = subject.thing.word();
    let title = format!("Stop {word} {}{} – Catalogs", subject.name, subject.of);
    let mut shell = cx.shell(title, Place::Catalogs)?;
    shell.errors = errors.iter().map(Into::into).collect();
    let Subject { name, back, base, .. } = subject;
    let page = StopPage { shell, word, name, open, form, action: format!("{base}/stop"), back };
    Ok(Reply::page(&page)?.status(if errors.is_empty() { 200 } else { 422 }))
}

fn stop(cx: &mut Cx) -> Result<Reply> {
    let subject = subject(cx)?;
    let (thing, catalog, form) = (subject.thing, subject.catalog, cx.form().clone());
    let reason = form.text("reason");
    let held = cx.write(move |tx| {
        let permit = policy::manage_catalog(tx.actor(), catalog)?;
        commands::stop(tx, &permit, thing, &reason)
    });
    match held {
        Ok(held) => {
            let held = i64::try_from(held).unwrap_or(i64::MAX);
            let waits = match held {
                0 => "No request was open.".to_owned(),
                _ => format!("{} now.", counted(held, "open request waits", "open requests wait")),
            };
            Ok(Reply::see_other(subject.back)
                .notice("Stopped.", format!("Nobody can request it. {waits} Access stays.")))
        }
        Err(Error::Invalid(errors)) => draw(cx, subject, form, &errors),
        Err(error) => Err(error),
    }
}

fn let_on(cx: &mut Cx) -> Result<Reply> {
    let Subject { thing, catalog, back, .. } = subject(cx)?;
    let freed = cx.write(move |tx| {
        let permit = policy::manage_catalog(tx.actor(), catalog)?;
        commands::let_on(tx, &permit, thing)
    })?;
    let goes = match i64::try_from(freed).unwrap_or(i64::MAX) {
        0 => "No request waited because of it alone.".to_owned(),
        n => format!(
            "{} with the time that was left.",
            counted(n, "request goes on", "requests go on")
        ),
    };
    Ok(Reply::see_other(back).notice("It goes on.", format!("People can request it again. {goes}")))
}
