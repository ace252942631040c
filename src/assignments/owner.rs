//! Who holds a package: the list of its owners, with *End now* and *Retry now*.

use askama::Template;

use super::commands;
use super::delivery::{Delivery, end_words};
use super::pages::assign;
use super::rights::{self, Standing};
use super::store::{self, Named};
use crate::access::Actor;
use crate::access::policy::{self, Gate};
use crate::db::Db;
use crate::error::{Error, FieldError, Result};
use crate::kernel::{AssignmentId, PackageId, Ts, Zone};
use crate::requests::store::{PackageName, package_name};
use crate::web::limit::Limit;
use crate::web::listing::{Listing, PAGE, as_csv, csv_time, seek, write_all};
use crate::web::paging::page;
use crate::web::words::When;
use crate::web::{Cx, Place, Reply, Route, Shell, get, post};

/// The routes of a package's assignments.
pub const ROUTES: &[Route] = &[
    get("/packages/{id}/assignments", Gate::SignedIn, list),
    get("/packages/{id}/assign", Gate::Catalogs, assign::show),
    post("/packages/{id}/assign", Gate::Catalogs, assign::take).limited(Limit::Submit),
    get("/packages/{id}/assignments/{aid}/end", Gate::SignedIn, confirm_end),
    post("/packages/{id}/assignments/{aid}/end", Gate::SignedIn, end).limited(Limit::Submit),
    post("/packages/{id}/assignments/{aid}/retry", Gate::SignedIn, retry).limited(Limit::Submit),
];

/// Rows of a page.
const ROWS: usize = 25;

/// Who holds a package.
#[derive(Template)]
#[template(path = "assignments/owner.html")]
struct ListPage {
    shell: Shell,
    package: PackageName,
    ended: bool,
    manages: bool,
    rows: Vec<Row>,
    pager: Listing,
}

struct Row {
    id: AssignmentId,
    person_href: String,
    person: String,
    since: Option<When>,
    until: Option<When>,
    ended: Option<When>,
    why: &'static str,
    delivery: Delivery,
    request: Option<(String, String)>,
}

/// The package, if the person may look inside its catalog.
pub(crate) fn seen(db: &mut Db, actor: &Actor, id: PackageId) -> Result<PackageName> {
    let package = package_name(db, id)?;
    policy::see_catalog(actor, package.catalog)?;
    Ok(package)
}

fn actor(cx: &Cx) -> Result<Actor> {
    Ok(Actor::Person(cx.person()?.clone()))
}

fn list(cx: &mut Cx) -> Result<Reply> {
    let id = cx.id::<PackageId>("id")?;
    let actor = actor(cx)?;
    let ended = cx.query("state") == "ended";
    if as_csv(cx) {
        return list_csv(cx, &actor, id, ended);
    }
    let at = cx.cursor::<Ts>(PAGE)?;
    let (package, rows, standing) = cx.read(|db| {
        let package = seen(db, &actor, id)?;
        let from = seek(at.as_ref(), AssignmentId);
        let rows = store::package_page(db, id, ended, from, ROWS as i64 + 1)?;
        let standing = standing(db, &rows)?;
        Ok((package, rows, standing))
    })?;
    let page =
        page(rows, ROWS, at.as_ref(), |row| (row.assignment.created_at, row.assignment.id.0));
    let (now, wall, zone) = (cx.now(), cx.wall(), cx.zone());
    let shown = ListPage {
        shell: cx.shell(format!("Assignments of {} – Catalogs", package.name), Place::Catalogs)?,
        ended,
        manages: policy::manage_assignment(&actor, package.catalog).is_ok(),
        rows: page.rows.iter().map(|named| row(named, &standing, now, wall, zone)).collect(),
        pager: Listing::under(cx, &page, "assignment", "assignments"),
        package,
    };
    Reply::page(&shown)
}

fn standing(db: &mut Db, rows: &[Named]) -> Result<Vec<Standing>> {
    let ids: Vec<AssignmentId> = rows.iter().map(|row| row.assignment.id).collect();
    rights::standing(db, &ids)
}

fn of(standing: &[Standing], id: AssignmentId) -> Vec<&Standing> {
    standing.iter().filter(|right| right.assignment == id).collect()
}

fn row(named: &Named, standing: &[Standing], now: Ts, wall: Ts, zone: Zone) -> Row {
    let assignment = &named.assignment;
    Row {
        id: assignment.id,
        person_href: format!("/people/{}", assignment.target_id),
        person: named.target.clone(),
        since: assignment.started_at.map(|at| When::at(at, now, zone)),
        until: assignment.ends_at.map(|at| When::end(at, now, zone)),
        ended: assignment.ended_at.map(|at| When::at(at, now, zone)),
        why: end_words(assignment.end_reason.as_deref()),
        delivery: Delivery::of(assignment, &of(standing, assignment.id), wall, zone),
        request: assignment
            .request_id
            .map(|id| format!("/requests/{id}"))
            .zip(named.reference.clone()),
    }
}

fn list_csv(cx: &Cx, actor: &Actor, id: PackageId, ended: bool) -> Result<Reply> {
    const COLUMNS: &[&str] = &[
        "Access package",
        "For",
        "Request",
        "Starts",
        "Since",
        "Until",
        "Ended",
        "Why ended",
        "Delivery",
        "Trouble",
    ];
    let package = cx.read(|db| seen(db, actor, id))?;
    let (db, wall) = (cx.site.db.clone(), cx.wall());
    Ok(Reply::csv_stream("assignments.csv", COLUMNS, move |out| {
        let zone = db.zone();
        let read = |db: &mut Db, from, limit| {
            let rows = store::package_page(db, id, ended, from, limit)?;
            let standing = standing(db, &rows)?;
            let with = |row: Named| {
                let rights = of(&standing, row.assignment.id);
                let delivery = Delivery::of(&row.assignment, &rights, wall, zone);
                (row, delivery)
            };
            Ok(rows.into_iter().map(with).collect())
        };
        let key = |(row, _): &(Named, Delivery)| (row.assignment.created_at, row.assignment.id);
        write_all(&db, out, read, key, |(row, delivery)| {
            let assignment = &row.assignment;
            let why = assignment.ended_at.map(|_| end_words(assignment.end_reason.as_deref()));
            vec![
                package.name.clone(),
                row.target.clone(),
                row.reference.clone().unwrap_or_default(),
                csv_time(assignment.starts_at),
                csv_time(assignment.started_at),
                csv_time(assignment.ends_at),
                csv_time(assignment.ended_at),
                why.unwrap_or_default().to_owned(),
                delivery.words.clone(),
                delivery.troubles.join("; "),
            ]
        })?;
        Ok(())
    }))
}

/// End it now? Says what that does, and asks why.
#[derive(Template)]
#[template(path = "assignments/end.html")]
struct EndPage {
    shell: Shell,
    package: PackageName,
    row: Row,
    going: Vec<Going>,
    reason: String,
}

/// What becomes of one resource.
struct Going {
    what: String,
    becomes: &'static str,
}

fn confirm_end(cx: &mut Cx) -> Result<Reply> {
    let reason = cx.refill().map(|form| form.text("reason")).unwrap_or_default();
    draw_end(cx, reason, Vec::new())
}

/// The path's package and assignment, which must belong together.
fn ids(cx: &Cx) -> Result<(PackageId, AssignmentId)> {
    Ok((cx.id("id")?, cx.id("aid")?))
}

fn draw_end(cx: &Cx, reason: String, errors: Vec<FieldError>) -> Result<Reply> {
    let (package, id) = ids(cx)?;
    let actor = actor(cx)?;
    let (package, named, standing) = cx.read(|db| {
        let package = seen(db, &actor, package)?;
        policy::manage_assignment(&actor, package.catalog)?;
        let named = store::one(db, id)?;
        let standing = rights::standing(db, &[id])?;
        Ok((package, named, standing))
    })?;
    if named.assignment.package_id != package.id {
        return Err(Error::Missing);
    }
    if named.assignment.ended_at.is_some() && errors.is_empty() {
        let list = format!("/packages/{}/assignments?state=ended", package.id);
        return Ok(Reply::see_other(list).warning("It has already ended.", "Nothing was changed."));
    }
    let title = format!("End {} for {} – Catalogs", package.name, named.target);
    let mut shell = cx.shell(title, Place::Catalogs)?;
    shell.errors = errors.iter().map(Into::into).collect();
    let status = if errors.is_empty() { 200 } else { 422 };
    let page = EndPage {
        shell,
        row: row(&named, &standing, cx.now(), cx.wall(), cx.zone()),
        going: standing.iter().map(going).collect(),
        package,
        reason,
    };
    Ok(Reply::page(&page)?.status(status))
}

fn going(right: &Standing) -> Going {
    Going {
        what: format!("{}, {} ({})", right.resource, right.role, right.target),
        becomes: if right.held_before {
            "Held before this assignment: left in place, unless it is managed here"
        } else {
            "Taken away, unless other access gives it too"
        },
    }
}

fn end(cx: &mut Cx) -> Result<Reply> {
    let (package, id) = ids(cx)?;
    let reason = cx.form().text("reason");
    let typed = reason.clone();
    let ended = cx.write(move |tx| {
        let catalog = package_name(tx.db(), package)?.catalog;
        let permit = policy::manage_assignment(tx.actor(), catalog)?;
        if store::one(tx.db(), id)?.assignment.package_id != package {
            return Err(Error::Missing);
        }
        crate::requests::commands::end_assignment(tx, &permit, id, &reason)
    });
    match ended {
        Ok(named) => {
            let text = format!(
                "{} no longer has {}. Their systems are asked to take it away.",
                named.target, named.package
            );
            let list = format!("/packages/{package}/assignments");
            Ok(Reply::see_other(list).notice("Ended.", text))
        }
        Err(Error::Invalid(errors)) => draw_end(cx, typed, errors),
        Err(other) => Err(other),
    }
}

fn retry(cx: &mut Cx) -> Result<Reply> {
    let (package, id) = ids(cx)?;
    let (target, resources, ended) = cx.write(move |tx| {
        let catalog = package_name(tx.db(), package)?.catalog;
        let permit = policy::manage_assignment(tx.actor(), catalog)?;
        let named = store::one(tx.db(), id)?;
        if named.assignment.package_id != package {
            return Err(Error::Missing);
        }
        let resources = commands::retry_now(tx, &permit, id)?;
        Ok((named.target, resources, named.assignment.ended_at.is_some()))
    })?;
    let state = if ended { "?state=ended" } else { "" };
    let reply = Reply::see_other(format!("/packages/{package}/assignments{state}"));
    Ok(match resources {
        0 => reply.warning("Nothing to retry.", format!("Everything is confirmed for {target}.")),
        _ => {
            reply.notice("Asked again.", format!("The systems of {target}’s access are tried now."))
        }
    })
}
