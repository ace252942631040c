//! My access: what, since when, until when, why, and whether every system has confirmed it.

use askama::Template;

use super::delivery::{Delivery, end_words};
use super::rights::{self, Standing};
use super::store::{self, Named};
use super::words::{self, Times};
use crate::access::policy::Gate;
use crate::error::Result;
use crate::kernel::AssignmentId;
use crate::kernel::text::counted;
use crate::web::listing::{as_csv, csv_time};
use crate::web::page::Mark;
use crate::web::words::When;
use crate::web::{Cx, Place, Reply, Route, Shell, get};

/// The routes of a person's access.
pub const ROUTES: &[Route] = &[get("/access", Gate::SignedIn, access)];

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
}

fn access(cx: &mut Cx) -> Result<Reply> {
    let me = cx.person()?.id;
    let (held, ended, standing) = cx.read(|db| {
        let held = store::active_of(db, me)?;
        let ended = store::ended_of(db, me, ENDED)?;
        let ids: Vec<AssignmentId> =
            held.iter().chain(&ended).map(|named| named.assignment.id).collect();
        let standing = if ids.is_empty() { vec![] } else { rights::standing(db, &ids)? };
        Ok((held, ended, standing))
    })?;
    let times = Times { now: cx.now(), wall: cx.wall(), zone: cx.site.db.zone() };
    if as_csv(cx) {
        let mut rows = vec![CSV.map(str::to_owned).to_vec()];
        rows.extend(held.iter().chain(&ended).map(|named| csv_row(named, &standing, times)));
        return Reply::csv("access.csv", &rows);
    }
    let page = AccessPage {
        shell: cx.shell("Your access – My access", Place::Access)?,
        heading: heading(held.len()),
        held: held.iter().map(|named| line(named, &standing, times)).collect(),
        ended: ended.iter().map(|named| line(named, &standing, times)).collect(),
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

fn line(named: &Named, standing: &[Standing], times: Times) -> Line {
    let assignment = &named.assignment;
    let mine: Vec<&Standing> = standing.iter().filter(|s| s.assignment == assignment.id).collect();
    let ended = assignment.ended_at.is_some();
    let open = mine.iter().any(|s| words::unsettled(s));
    let when = |at| When::at(at, times.now, times.zone);
    Line {
        package: named.package.clone(),
        href: format!("/packages/{}", assignment.package_id),
        since: when(assignment.started_at.unwrap_or(assignment.starts_at)),
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
mod tests {
    use super::heading;

    #[test]
    fn the_heading_counts_in_words() {
        assert_eq!(heading(0), "You have no access from here");
        assert_eq!(heading(1), "You have one access package");
        assert_eq!(heading(14), "You have 14 access packages");
    }
}
