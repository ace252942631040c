//! See `home`.

use askama::Template;

use super::ahead::{self, Ahead};
use crate::access::policy::Gate;
use crate::assignments::rights::{self, Troubled};
use crate::assignments::store::{self as assignments, Named};
use crate::assignments::words::{Times, extendable, until};
use crate::catalogs::store::catalogs as all_catalogs;
use crate::error::{Error, Result};
use crate::kernel::text::shortened;
use crate::kernel::{RequestId, Ts};
use crate::packages::model::Viewer;
use crate::packages::store::Open;
use crate::policies::model::Extension;
use crate::requests::model::{Request, State};
use crate::requests::pages::{Line, line};
use crate::requests::store::{self as requests, Waiting};
use crate::requests::{veil, words};
use crate::reviews::pages::{AskedRow, DutyRow, asked_rows, duty_rows};
use crate::reviews::store::{duties, listing};
use crate::team::rules::Figure;
use crate::team::store::{Glance, at_a_glance, suggested_names};
use crate::web::page::Mark;
use crate::web::words::{When, capital, date, number, waited};
use crate::web::{Cx, Place, Reply, Route, Shell, get};

/// The route of the first page.
pub const ROUTES: &[Route] = &[get("/", Gate::SignedIn, home)];

/// As many of each kind as the page shows.
const SHOWN: usize = 5;
/// Decisions are counted no further.
const COUNTED: i64 = 10;
/// Access that ends within so many days is named.
const SOON_DAYS: u32 = 30;
/// As many reviews are looked at.
const REVIEWS: i64 = 25;
/// What nobody decided in time is told to owners for so many days.
const LATELY_DAYS: u32 = 14;
/// As many suggestions.
const SUGGESTED: usize = 3;

/// The first page.
#[derive(Template)]
#[template(path = "home/home.html")]
struct HomePage {
    shell: Shell,
    today: String,
    heading: String,
    lede: String,
    decide: Vec<Decision>,
    more_decisions: bool,
    /// Reviews with items that wait for the reader's answer.
    reviews: Vec<AskedRow>,
    open: Vec<Line>,
    more_open: bool,
    /// True while somebody is asked whether the reader still needs something.
    reviewed: bool,
    /// What of theirs ends when, drawn.
    ahead: Option<Ahead>,
    ending: Vec<Held>,
    held: Vec<Held>,
    /// What waits and what ends among those who report to the reader.
    team: Option<(String, String)>,
    /// True for owners and administrators.
    looks_after: bool,
    /// True for owners.
    owns: bool,
    troubles: Vec<Trouble>,
    /// What reviews need of the reader.
    duties: Vec<DutyRow>,
    expired: Vec<Expired>,
    /// True for those who read the audit log.
    audits: bool,
    suggested: Vec<Suggested>,
    /// True for an administrator of an installation without any catalog.
    start: bool,
}

/// One decision that waits for me.
struct Decision {
    href: String,
    package: String,
    target: String,
    reason: String,
    wait: String,
    since: When,
    due: Option<When>,
    late: bool,
    /// True while something is stopped (D47).
    held: bool,
    kind: Option<&'static str>,
    requestor: Option<String>,
    /// For whom the reader stands in (D34).
    instead_of: Option<String>,
}

/// Something that I have.
struct Held {
    package: String,
    href: String,
    until: Mark,
    /// Where more time is asked for.
    extend: Option<String>,
}

/// Something that has not worked.
struct Trouble {
    href: String,
    person: String,
    what: String,
    package: String,
    words: String,
    since: When,
}

/// A request of the reader's catalogs that nobody decided in time.
struct Expired {
    href: String,
    package: String,
    target: String,
    reference: String,
    at: When,
}

/// A package that many around the reader have.
struct Suggested {
    href: String,
    package: String,
    why: String,
}

fn home(cx: &mut Cx) -> Result<Reply> {
    let actor = cx.actor().ok_or(Error::Missing)?;
    let person = cx.person()?;
    let me = person.id;
    let times = Times { now: cx.now(), wall: cx.wall(), zone: cx.zone() };
    let looks_after = person.administrator || !person.owns.is_empty();
    // An auditor changes nothing, whoever made them an owner (D33).
    let keeps = looks_after && (person.administrator || !person.auditor);
    let catalogs = (!person.administrator).then_some(person.owns.as_slice());
    let limit = i64::try_from(SHOWN + 1).unwrap_or(i64::MAX);
    let soon = times.zone.plus_days(times.now, SOON_DAYS);
    let shell = cx.shell("What waits for you – Home", Place::Home)?;
    // The navigation knows already whether anybody reports to the reader.
    let manages = shell.nav.iter().any(|item| item.place == Place::Team);
    // And whether a review waits for an answer.
    let reviews = shell.nav.iter().any(|n| n.place == Place::Reviews && n.count.is_some());
    let lately = times.zone.minus_days(times.now, LATELY_DAYS);
    let found = cx.read(|db| {
        let queue = requests::queue(db, person, None, COUNTED)?;
        let open = requests::newest_open(db, me, limit)?;
        let waiting: Vec<RequestId> =
            open.iter().filter(|r| r.state == State::PendingApproval).map(|r| r.id).collect();
        let holders = veil::holders(db, person, &waiting)?;
        let held = assignments::held_of(db, me)?;
        let troubles = if looks_after { rights::troubled(db, catalogs, SHOWN)? } else { vec![] };
        let duties = if keeps { duties::of(db, catalogs, SHOWN as i64)? } else { vec![] };
        let expired = match person.owns.as_slice() {
            [] => vec![],
            owns => requests::expired_of(db, owns, lately, SHOWN as i64)?,
        };
        let glance = if manages { Some(at_a_glance(db, me, soon)?) } else { None };
        let suggested = suggested_names(db, Viewer::from(person))?;
        let reviews = if reviews {
            (listing::asked(db, person, REVIEWS)?, listing::stake(db, person, None)?)
        } else {
            Default::default()
        };
        let reviewed = listing::is_reviewed(db, me)?;
        let start = person.administrator && all_catalogs(db, actor, None, 1)?.is_empty();
        let reviews = (reviews, reviewed, duties);
        Ok((queue, open, holders, held, troubles, expired, glance, suggested, start, reviews))
    })?;
    let (queue, open, holders, held, troubles, expired, glance, suggested, start, reviews) = found;
    let (reviews, reviewed, duties) = reviews;
    let mut reviews = asked_rows(&reviews.0, &reviews.1, times.now, times.zone);
    reviews.retain(|row| row.left > 0);
    let (mut ending, rest): (Vec<_>, Vec<_>) =
        held.iter().partition(|(named, _)| named.assignment.ends_at.is_some_and(|end| end <= soon));
    ending.sort_by_key(|(named, _)| named.assignment.ends_at);
    let open_lines: Vec<Line> =
        open.iter().take(SHOWN).map(|r| line(r, &holders, me, times)).collect();
    let asked = open_lines.iter().filter(|line| line.answer.is_some()).count();
    let page = HomePage {
        shell,
        today: date(times.zone.date(times.now)),
        heading: heading(queue.len(), asked, reviews.len(), (open.len(), ending.len())),
        lede: lede(queue.len(), open.len(), ending.len(), held.len()),
        more_decisions: queue.len() > SHOWN,
        reviews,
        reviewed,
        decide: queue.iter().take(SHOWN).map(|w| decision(w, times)).collect(),
        more_open: open.len() > SHOWN,
        open: open_lines,
        held: rest.into_iter().take(SHOWN).map(|h| holding(h, times)).collect(),
        ahead: ahead::of(
            &ending.iter().filter_map(|(n, _)| named_end(n)).collect::<Vec<_>>(),
            times,
        ),
        ending: ending.into_iter().map(|h| holding(h, times)).collect(),
        team: glance.map(team_words),
        looks_after,
        owns: !person.owns.is_empty(),
        expired: expired.iter().map(|r| expired_line(r, times)).collect(),
        audits: person.administrator || person.auditor,
        suggested: suggested.into_iter().take(SUGGESTED).map(suggestion).collect(),
        duties: duty_rows(&duties, person.administrator),
        troubles: troubles.iter().map(|t| trouble(t, times)).collect(),
        start,
    };
    Reply::page(&page)
}

/// What ends, and when.
fn named_end(named: &Named) -> Option<(&str, Ts)> {
    Some((&named.package, named.assignment.ends_at?))
}

/// What waits in a team, and what ends.
fn team_words(glance: Glance) -> (String, String) {
    let waiting = match glance.waiting {
        0 => "No request waits for a decision".to_owned(),
        1 => "One request waits for a decision".to_owned(),
        n => format!("{} requests wait for a decision", capital(&number(n))),
    };
    let ending = match glance.ending {
        0 => format!("Nothing ends in the next {SOON_DAYS} days"),
        1 => format!("One access ends in the next {SOON_DAYS} days"),
        n => format!("{} accesses end in the next {SOON_DAYS} days", capital(&number(n))),
    };
    (waiting, ending)
}

fn expired_line(request: &Request, times: Times) -> Expired {
    Expired {
        href: format!("/requests/{}", request.id),
        package: request.package.clone(),
        target: request.target.clone(),
        reference: request.reference.clone(),
        at: When::at(request.ended_at.unwrap_or(request.created_at), times.now, times.zone),
    }
}

fn suggestion((figure, open): (Figure, Open)) -> Suggested {
    Suggested { href: format!("/packages/{}", open.id), package: open.name, why: figure.words() }
}

/// The first thing that is true: what waits for me, what I wait for, what ends soon.
fn heading(
    decisions: usize,
    asked: usize,
    reviews: usize,
    (open, ending): (usize, usize),
) -> String {
    match (decisions, open, ending) {
        (0, ..) if asked == 1 => "One question waits for your answer".to_owned(),
        (0, ..) if asked > 1 => {
            format!("{} questions wait for your answer", capital(&count(asked)))
        }
        (0, ..) if reviews == 1 => "One access review waits for you".to_owned(),
        (0, ..) if reviews > 1 => {
            format!("{} access reviews wait for you", capital(&count(reviews)))
        }
        (0, 0, 0) => "Nothing waits for you".to_owned(),
        (0, 0, 1) => "One access of yours ends soon".to_owned(),
        (0, 0, n) => format!("{} of your access packages end soon", capital(&count(n))),
        (0, 1, _) => "You wait for one request".to_owned(),
        (0, n, _) => format!("You wait for {}", requests_of(n)),
        (1, ..) => "One decision waits for you".to_owned(),
        (n, ..) if n as i64 >= COUNTED => "Ten or more decisions wait for you".to_owned(),
        (n, ..) => format!("{} decisions wait for you", capital(&count(n))),
    }
}

/// What the heading does not say.
fn lede(decisions: usize, open: usize, ending: usize, held: usize) -> String {
    let open_words = match (decisions, open) {
        (0, 1..) => "No decision waits for you".to_owned(),
        (_, 0) => "You wait for no request".to_owned(),
        (_, 1) => "You wait for one request".to_owned(),
        (_, n) => format!("You wait for {}", requests_of(n)),
    };
    let ending = match (ending, held) {
        (_, 0) => "you have no access from here yet".to_owned(),
        (0, _) => format!("nothing of yours ends in the next {SOON_DAYS} days"),
        (1, _) => format!("one access of yours ends in the next {SOON_DAYS} days"),
        (n, _) => format!("{} of your access packages end in the next {SOON_DAYS} days", count(n)),
    };
    format!("{open_words}, and {ending}.")
}

fn requests_of(n: usize) -> String {
    if n > SHOWN {
        format!("more than {} requests", count(SHOWN))
    } else {
        format!("{} requests", count(n))
    }
}

fn count(n: usize) -> String {
    number(i64::try_from(n).unwrap_or(i64::MAX))
}

fn decision(waiting: &Waiting, times: Times) -> Decision {
    let request = &waiting.request;
    let when = |at| When::at(at, times.now, times.zone);
    Decision {
        href: format!("/approvals/{}", request.id),
        package: request.package.clone(),
        target: request.target.clone(),
        reason: shortened(&crate::kernel::text::one_line(&request.reason), 160),
        wait: waited(waiting.opened_at, times.now, times.zone),
        since: when(waiting.opened_at),
        due: request.due_at.filter(|_| request.held_at.is_none()).map(when),
        late: request.held_at.is_none()
            && request.due_at.is_some_and(|due| due.seconds_since(times.now) < 2 * 24 * 3600),
        held: request.held_at.is_some(),
        kind: words::kind(request),
        requestor: (request.requestor_id != request.target_id).then(|| request.requestor.clone()),
        instead_of: waiting.instead_of.clone(),
    }
}

fn holding((named, extension): &(Named, Option<Extension>), times: Times) -> Held {
    Held {
        extend: extendable(&named.assignment, *extension, times)
            .then(|| format!("/access/{}/extend", named.assignment.id)),
        package: named.package.clone(),
        href: format!("/packages/{}", named.assignment.package_id),
        until: until(&named.assignment, times),
    }
}

fn trouble(troubled: &Troubled, times: Times) -> Trouble {
    let what = if troubled.wanted { "Adding" } else { "Removing" };
    Trouble {
        // What is to go belongs to an assignment that has ended already.
        href: match troubled.wanted {
            true => format!("/packages/{}/assignments", troubled.package),
            false => format!("/packages/{}/assignments?state=ended", troubled.package),
        },
        person: troubled.person.clone(),
        what: format!("{what} {} ({})", troubled.resource, troubled.role),
        package: troubled.package_name.clone(),
        words: capital(&troubled.trouble),
        since: When::at(troubled.asked_at, times.now, times.zone),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_heading_says_the_first_thing_that_is_true() {
        assert_eq!(heading(1, 1, 0, (2, 3)), "One decision waits for you");
        assert_eq!(heading(6, 0, 0, (0, 0)), "Six decisions wait for you");
        assert_eq!(heading(10, 0, 0, (0, 0)), "Ten or more decisions wait for you");
        assert_eq!(heading(0, 0, 0, (1, 3)), "You wait for one request");
        assert_eq!(heading(0, 0, 0, (6, 0)), "You wait for more than five requests");
        assert_eq!(heading(0, 1, 0, (2, 3)), "One question waits for your answer");
        assert_eq!(heading(0, 0, 1, (2, 3)), "One access review waits for you");
        assert_eq!(heading(1, 0, 2, (0, 0)), "One decision waits for you");
        assert_eq!(heading(0, 0, 2, (0, 0)), "Two access reviews wait for you");
        assert_eq!(heading(0, 0, 0, (0, 1)), "One access of yours ends soon");
        assert_eq!(heading(0, 0, 0, (0, 0)), "Nothing waits for you");
    }

    #[test]
    fn the_lede_is_useful_with_nothing_to_decide() {
        let none = "You wait for no request, and you have no access from here yet.";
        assert_eq!(lede(0, 0, 0, 0), none);
        assert_eq!(
            lede(0, 2, 1, 3),
            "No decision waits for you, and one access of yours ends in the next 30 days."
        );
        assert!(lede(3, 2, 0, 1).starts_with("You wait for two requests"));
    }
}
