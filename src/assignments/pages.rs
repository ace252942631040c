//! My access: what, since when, until when, why, and whether every system has confirmed it.

use askama::Template;

use super::delivery::{Delivery, end_words};
use super::rights::{self, Standing};
use super::store::{self, Named};
use super::words::{self, Times};
use crate::access::policy::Gate;
use crate::error::Result;
use crate::kernel::text::counted;
use crate::kernel::{AssignmentId, PackageId, RequestId};
use crate::policies::model::Extension;
use crate::requests::model::Request;
use crate::requests::rules::TAKE_AGAIN_DAYS;
use crate::requests::store::{given_back_since, open_for_person};
use crate::web::listing::{as_csv, csv_time};
use crate::web::page::Mark;
use crate::web::words::When;
use crate::web::{Cx, Limit, Place, Reply, Route, Shell, get, post};

pub(super) mod assign;
mod extend;
mod give_back;
mod take_again;
mod why;
#[cfg(test)]
mod why_tests;

/// The routes of a person's access.
pub const ROUTES: &[Route] = &[
    get("/access", Gate::SignedIn, access),
    get("/access/{id}/why", Gate::SignedIn, why::show),
    get("/access/{id}/extend", Gate::SignedIn, extend::show),
    post("/access/{id}/extend", Gate::SignedIn, extend::take).limited(Limit::Submit),
    get("/access/{id}/give-back", Gate::SignedIn, give_back::show),
    post("/access/{id}/give-back", Gate::SignedIn, give_back::take).limited(Limit::Submit),
    get("/access/{id}/take-again", Gate::SignedIn, take_again::show),
    post("/access/{id}/take-again", Gate::SignedIn, take_again::take).limited(Limit::Submit),
];

/// As many ended assignments as the page shows.
const ENDED: i64 = 20;

/// My access.
#[derive(Template)]
#[template(path = "assignments/mine.html")]
struct AccessPage {
    shell: Shell,
    heading: String,
    held: Vec<Line>,
    ended: Vec<Line>,
}

/// One assignment of the page.
struct Line {
    package: String,
    href: String,
    since: When,
    scheduled: bool,
    /// "Until ..." or why it ended.
    until: Mark,
    ended: Option<When>,
    request: Option<(String, String)>,
    delivery: Delivery,
    resources: String,
    /// Opened by itself while something is on its way.
    open: bool,
    marks: Vec<Mark>,
    /// Why it is there.
    why: String,
    /// Where more time is asked for.
    extend: Option<String>,
    /// The request for it that is open.
    asked: Option<String>,
    /// Where it is given back.
    give_back: Option<String>,
    /// Where it is taken again without approval, and until when that can be.
    take_again: Option<(String, When)>,
    /// Where it is requested again.
    again: Option<String>,
}

fn access(cx: &mut Cx) -> Result<Reply> {
    let me = cx.person()?.id;
    let since = cx.zone().minus_days(cx.now(), TAKE_AGAIN_DAYS);
    let (held, ended, given, standing, open) = cx.read(|db| {
        let held = store::held_of(db, me)?;
        let ends = held.iter().any(|(named, _)| named.assignment.ends_at.is_some());
        let open = if ends { open_for_person(db, me)? } else { vec![] };
        let ended = store::ended_of(db, me, ENDED)?;
        let given = match ended.is_empty() {
            true => vec![],
            false => given_back_since(db, me, since)?,
        };
        let all = held.iter().map(|(named, _)| named).chain(&ended);
        let ids: Vec<AssignmentId> = all.map(|named| named.assignment.id).collect();
        let standing = if ids.is_empty() { vec![] } else { rights::standing(db, &ids)? };
        Ok((held, ended, given, standing, open))
    })?;
    let times = Times { now: cx.now(), wall: cx.wall(), zone: cx.zone() };
    if as_csv(cx) {
        let mut rows = vec![CSV.map(str::to_owned).to_vec()];
        let all = held.iter().map(|(named, _)| named).chain(&ended);
        rows.extend(all.map(|named| csv_row(named, &standing, times)));
        return Reply::csv("access.csv", &rows);
    }
    let page = AccessPage {
        shell: cx.shell("Your access – My access", Place::Access)?,
        heading: heading(held.len()),
        ended: ended.iter().map(|named| over(named, &held, &given, &standing, times)).collect(),
        held: held.iter().map(|one| active(one, &open, &standing, times)).collect(),
    };
    Reply::page(&page)
}

/// "You have three access packages".
fn heading(held: usize) -> String {
    match i64::try_from(held).unwrap_or(i64::MAX) {
        0 => "You have no access from here".to_owned(),
        1 => "You have one access package".to_owned(),
        n => format!("You have {} access packages", crate::web::words::number(n)),
    }
}

/// What is held, with what its holder can do; more time is asked for once.
fn active(
    (named, extension): &(Named, Option<Extension>),
    open: &[(PackageId, RequestId)],
    standing: &[Standing],
    times: Times,
) -> Line {
    let id = named.assignment.id;
    let any = open.iter().find(|(package, _)| *package == named.assignment.package_id);
    let asked = any.filter(|(_, request)| named.assignment.request_id != Some(*request));
    Line {
        extend: (any.is_none() && words::extendable(&named.assignment, *extension, times))
            .then(|| format!("/access/{id}/extend")),
        asked: asked.map(|(_, request)| format!("/requests/{request}")),
        give_back: Some(format!("/access/{id}/give-back")),
        ..line(named, standing, times)
    }
}

/// What has ended: what was given back can be taken again for a while (D42), everything else requested again.
fn over(
    named: &Named,
    held: &[(Named, Option<Extension>)],
    given: &[Request],
    standing: &[Standing],
    times: Times,
) -> Line {
    let package = named.assignment.package_id;
    let free = held.iter().all(|(other, _)| other.assignment.package_id != package);
    let given = given.iter().find(|r| r.assignment_id == Some(named.assignment.id));
    let given = given.filter(|r| free && r.ends_at.is_none_or(|end| end > times.now));
    let until = |r: &Request| {
        let last = times.zone.plus_days(r.created_at, TAKE_AGAIN_DAYS);
        When::at(r.ends_at.map_or(last, |end| end.min(last)), times.now, times.zone)
    };
    Line {
        take_again: given.map(|r| (format!("/access/{}/take-again", r.id), until(r))),
        again: (free && given.is_none()).then(|| format!("/packages/{package}")),
        ..line(named, standing, times)
    }
}

fn line(named: &Named, standing: &[Standing], times: Times) -> Line {
    let assignment = &named.assignment;
    let mine: Vec<&Standing> = standing.iter().filter(|s| s.assignment == assignment.id).collect();
    let ended = assignment.ended_at.is_some();
    let open = mine.iter().any(|s| words::unsettled(s));
    let when = |at| When::at(at, times.now, times.zone);
    Line {
        package: named.package.clone(),
        href: format!("/packages/{}", assignment.package_id),
        since: When::start(
            assignment.started_at.unwrap_or(assignment.starts_at),
            times.now,
            times.zone,
        ),
        scheduled: assignment.started_at.is_none(),
        until: if ended {
            Mark::new("off", "minus", end_words(assignment.end_reason.as_deref()))
        } else {
            words::until(assignment, times)
        },
        ended: assignment.ended_at.map(when),
        request: assignment
            .request_id
            .zip(named.reference.clone())
            .map(|(id, reference)| (format!("/requests/{id}"), reference)),
        delivery: Delivery::of(assignment, &mine, times.wall, times.zone),
        resources: counted(i64::try_from(mine.len()).unwrap_or(i64::MAX), "resource", "resources"),
        open,
        marks: mine
            .iter()
            .map(|s| {
                let mark = words::delivery(s, ended, times);
                Mark { text: format!("{}: {}", words::role(s), mark.text), ..mark }
            })
            .collect(),
        why: format!("/access/{}/why", assignment.id),
        extend: None,
        asked: None,
        give_back: None,
        take_again: None,
        again: None,
    }
}

const CSV: [&str; 8] = [
    "Access package",
    "Since (UTC)",
    "Until (UTC)",
    "Ended at (UTC)",
    "Why it ended",
    "Request",
    "Delivery",
    "Resources",
];

fn csv_row(named: &Named, standing: &[Standing], times: Times) -> Vec<String> {
    let assignment = &named.assignment;
    let mine: Vec<&Standing> = standing.iter().filter(|s| s.assignment == assignment.id).collect();
    let ended = assignment.ended_at.is_some();
    let resources: Vec<String> = mine
        .iter()
        .map(|s| format!("{}: {}", words::role(s), words::delivery(s, ended, times).text))
        .collect();
    vec![
        named.package.clone(),
        csv_time(assignment.started_at.unwrap_or(assignment.starts_at)),
        csv_time(assignment.ends_at),
        csv_time(assignment.ended_at),
        if ended { end_words(assignment.end_reason.as_deref()).to_owned() } else { String::new() },
        named.reference.clone().unwrap_or_default(),
        Delivery::of(assignment, &mine, times.wall, times.zone).words,
        resources.join("; "),
    ]
}

#[cfg(test)]
mod holder_tests;

#[cfg(test)]
mod tests {
    use super::heading;

    #[test]
    fn the_heading_counts_in_words() {
        assert_eq!(heading(0), "You have no access from here");
        assert_eq!(heading(1), "You have one access package");
        assert_eq!(heading(14), "You have 14 access packages");
    }
}
