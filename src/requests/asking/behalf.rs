//! For whom? Those who report to the reader, and others where a policy names the reader as somebody who may ask (D46).

use askama::Template;

use crate::access::policy::request_access;
use crate::db::Db;
use crate::directory::PersonRow;
use crate::directory::store::{find_exact, reports_of};
use crate::error::{Error, FieldError, Result};
use crate::kernel::{PackageId, PersonId};
use crate::policies::model::{Asks, Policy, Who};
use crate::policies::store::{applicable_of, of_package, whos};
use crate::requests::eligibility::{Position, position};
use crate::requests::store::busy_with;
use crate::web::page::Mark;
use crate::web::words::When;
use crate::web::{Cx, Place, Reply, Shell};

/// Of more people with one name nobody is meant.
const SAME_NAME: usize = 5;

#[derive(Template)]
#[template(path = "requests/for.html")]
struct ForPage {
    shell: Shell,
    package: String,
    package_href: String,
    action: String,
    reports: Vec<Report>,
    manages: bool,
    named: bool,
    who: String,
}

/// Somebody who reports to the reader.
struct Report {
    href: String,
    name: String,
    title: String,
    mark: Option<Mark>,
}

/// Whom a reader may ask for, as the policies of a package say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Ways {
    /// For those who report to them.
    pub manages: bool,
    /// For others in scope.
    pub named: bool,
}

impl Ways {
    fn under<'a>(all: impl Iterator<Item = &'a Asks>, me: &Who) -> Self {
        all.fold(Self::default(), |ways, asks| Self {
            manages: ways.manages || asks.manager,
            named: ways.named
                || asks.people.iter().any(|p| p.id == me.id)
                || asks.groups.iter().any(|g| me.groups.contains(&g.id)),
        })
    }
}

/// Does one of these policies let the reader ask for anybody else?
///
/// # Errors
/// When the database does not answer.
pub fn for_others(db: &mut Db, me: &Who, policies: &[Policy]) -> Result<bool> {
    let on = policies.iter().filter(|policy| policy.enabled);
    let ways = Ways::under(on.map(|policy| &policy.terms.asks), me);
    Ok(ways.named || (ways.manages && !within(db, me, policies)?.is_empty()))
}

/// Those who report to the reader and whom a policy that lets the reader ask is for, by name. The others have no page
/// to be led to (E29).
fn within(db: &mut Db, me: &Who, policies: &[Policy]) -> Result<Vec<PersonRow>> {
    let on: Vec<&Policy> = policies.iter().filter(|policy| policy.enabled).collect();
    let reports = reports_of(db, me.id)?;
    if reports.is_empty() {
        return Ok(reports);
    }
    let whos = whos(db, &reports)?;
    let each = reports.into_iter().zip(whos);
    Ok(each.filter(|(_, who)| !applicable_of(&on, me, who).is_empty()).map(|(p, _)| p).collect())
}

pub(super) fn show(cx: &mut Cx) -> Result<Reply> {
    let id: PackageId = cx.id("id")?;
    let me = cx.person()?.id;
    let (own, policies, reports, busy) = cx.read(|db| {
        let own = position(db, me, me, id)?;
        let policies = of_package(db, id)?;
        let reports = within(db, &own.requestor, &policies)?;
        let ids: Vec<PersonId> = reports.iter().map(|person| person.id).collect();
        let busy = busy_with(db, &ids, id)?;
        Ok((own, policies, reports, busy))
    })?;
    let on = policies.iter().filter(|policy| policy.enabled);
    let ways = Ways::under(on.map(|policy| &policy.terms.asks), &own.requestor);
    let ways = Ways { manages: ways.manages && !reports.is_empty(), ..ways };
    let package_href = format!("/packages/{id}");
    if ways == Ways::default() {
        return if own.visible() {
            Ok(Reply::see_other(package_href))
        } else {
            Err(Error::Missing)
        };
    }
    let who = crate::kernel::text::one_line(cx.query("who"));
    let mut shell =
        cx.shell(format!("Request {} for somebody – Browse", own.package_name), Place::Browse)?;
    if cx.query("step") == "who" {
        match cx.read(|db| meant(cx, db, me, id, &who))? {
            Ok(found) => {
                let query = super::case::query(me, found.target.id);
                return Ok(Reply::see_other(format!("/packages/{id}{query}")));
            }
            Err(error) => shell = shell.with_errors(&[error]),
        }
    }
    let (now, zone) = (cx.now(), cx.zone());
    let mark = |person: PersonId| {
        let busy = busy.iter().find(|busy| busy.person == person)?;
        Some(match (busy.holds, busy.until) {
            (false, _) => Mark::new("", "half", "A request for it is open"),
            (true, None) => Mark::new("ok", "full", "Has it, without an end"),
            (true, Some(end)) => {
                let end = When::end(end, now, zone).absolute;
                Mark::new("ok", "full", format!("Has it until {end}"))
            }
        })
    };
    let report = |person: &PersonRow| Report {
        href: format!("/packages/{id}?for={}", person.id),
        name: person.name.clone(),
        title: person.title.clone().unwrap_or_default(),
        mark: mark(person.id),
    };
    let status = if shell.errors.is_empty() { 200 } else { 422 };
    let page = ForPage {
        shell,
        package: own.package_name.clone(),
        package_href: if own.visible() { package_href } else { "/packages".to_owned() },
        action: format!("/packages/{id}/request/for"),
        reports: if ways.manages { reports.iter().map(report).collect() } else { vec![] },
        manages: ways.manages,
        named: ways.named,
        who,
    };
    Ok(Reply::page(&page)?.status(status))
}

/// The one person who is meant, among those for whom the reader may ask. Whoever else there is, is not told (E28).
fn meant(
    cx: &Cx,
    db: &mut Db,
    me: PersonId,
    id: PackageId,
    who: &str,
) -> Result<std::result::Result<Position, FieldError>> {
    let wrong = |words: &str| Ok(Err(FieldError::new("who", words)));
    if who.is_empty() {
        return wrong("Write the name, the mail address or the id of the person");
    }
    let actor = cx.actor().ok_or(Error::Missing)?;
    let mut found = Vec::new();
    for person in find_exact(db, who)?.into_iter().take(SAME_NAME) {
        let position = position(db, me, person.id, id)?;
        if request_access(actor, &position.standing()).is_ok() && position.visible() {
            found.push(position);
        }
    }
    match (found.pop(), found.is_empty()) {
        (Some(position), true) => Ok(Ok(position)),
        (Some(_), false) => {
            wrong("Several people have this name: write the mail address or the id instead")
        }
        (None, _) => wrong("No such person among those for whom you can request"),
    }
}
