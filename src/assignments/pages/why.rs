//! Why somebody has a package: the request, the policy version that it was made under, who approved it and why, what it
//! gives and what else gives that, and what ends it.

use std::collections::HashMap;

use askama::Template;

use crate::access::policy::{explain_access, manage_catalog, see_catalog, see_request};
use crate::access::{Actor, Person};
use crate::assignments::delivery::end_words;
use crate::assignments::model::{Assignment, RightState};
use crate::assignments::rights::{self, Given, Standing};
use crate::assignments::store::{self, Named};
use crate::assignments::words::{self, Times};
use crate::db::Db;
use crate::directory::store::{names, person};
use crate::error::Result;
use crate::kernel::fact::Veil;
use crate::kernel::{AssignmentId, CatalogId, PersonId, RightId, Ts};
use crate::policies::model::{Extension, Lifetime};
use crate::policies::store::names_of;
use crate::requests::model::{Approver, Request, RequestKind, Stage, StageState, Verdict};
use crate::requests::store::{course, one as request, standing_of};
use crate::web::page::Mark;
use crate::web::words::{When, and_list};
use crate::web::{Cx, Place, Reply, Shell};

#[derive(Template)]
#[template(path = "assignments/why.html")]
struct WhyPage {
    shell: Shell,
    package: String,
    package_href: Option<String>,
    /// The holder, if not the reader.
    other: Option<(String, Option<String>)>,
    ended: bool,
    until: Mark,
    since: When,
    scheduled: bool,
    /// How it came about.
    came: String,
    asked: Option<When>,
    /// The request's reference and page, and its reason: for those who see it (E28).
    request: Option<(String, String)>,
    reason: String,
    policy: Option<Under>,
    /// What is said where no stage was needed.
    unasked: &'static str,
    stages: Vec<Decided>,
    gives: Vec<Gives>,
    ends: Vec<String>,
    extend: Option<String>,
    give_back: Option<String>,
    back: (String, &'static str),
}

/// The policy that it is held under, as the request froze it (D1).
struct Under {
    name: String,
    version: i64,
    reads: Vec<String>,
    /// Where those who look after it compare versions.
    versions: Option<String>,
    /// The policy to which it was moved since.
    moved: Option<String>,
}

/// A stage and what was said in it.
struct Decided {
    heading: String,
    votes: Vec<Vote>,
}

/// What one approver said.
struct Vote {
    says: String,
    when: Option<When>,
    note: String,
}

/// One resource role, and what else gives it.
struct Gives {
    mark: Mark,
    else_: String,
}

/// What was read for the page.
struct Read {
    named: Named,
    request: Option<Request>,
    stages: Vec<Stage>,
    approvers: Vec<Approver>,
    /// Those who voted in somebody's place.
    voters: HashMap<PersonId, String>,
    policies: HashMap<crate::kernel::PolicyId, String>,
    rights: Vec<Standing>,
    given: Vec<Given>,
    /// What is kept from the reader (E17).
    veil: Veil,
}

pub(super) fn show(cx: &mut Cx) -> Result<Reply> {
    let id: AssignmentId = cx.id("id")?;
    let me = cx.person()?.clone();
    let read = cx.read(|db| read(db, &me, id))?;
    let times = Times { now: cx.now(), wall: cx.wall(), zone: cx.zone() };
    let assignment = &read.named.assignment;
    let (own, ended) = (assignment.target_id == me.id, assignment.ended_at.is_some());
    let (have, had) = if own { ("you have", "you had") } else { ("has", "had") };
    let verb = if ended { had } else { have };
    let (package, holder) = (&read.named.package, &read.named.target);
    let title = match own {
        true => format!("Why {verb} {package}"),
        false => format!("Why {holder} {verb} {package}"),
    };
    let place = if own { Place::Access } else { Place::People };
    let section = if own { "My access" } else { "People" };
    let actor = Actor::Person(me.clone());
    let looks = see_catalog(&actor, read.named.catalog).is_ok();
    let page = page(cx.shell(format!("{title} – {section}"), place)?, &read, &me, looks, times);
    Reply::page(&page)
}

/// Reads what the reader may know; `Missing` for everybody else (E28).
fn read(db: &mut Db, me: &Person, id: AssignmentId) -> Result<Read> {
    let named = store::one(db, id)?;
    let holder = named.assignment.target_id;
    let manager = if holder == me.id { None } else { person(db, holder)?.manager_id };
    explain_access(&Actor::Person(me.clone()), named.catalog, holder, manager)?;
    let request = match named.assignment.request_id {
        Some(id) => Some(request(db, id)?),
        None => None,
    };
    let (stages, approvers) = match &request {
        Some(request) => course(db, request.id)?,
        None => (vec![], vec![]),
    };
    let wait = request.as_ref().map_or([holder, holder], |r| [r.requestor_id, r.target_id]);
    let veil = me.veil(&wait, named.catalog);
    let voters: Vec<PersonId> = approvers.iter().filter_map(|a| a.voted_by).collect();
    let mut under = vec![named.assignment.policy_id];
    under.extend(request.iter().map(|r| r.policy_id));
    let rights = rights::standing(db, &[id])?;
    let ids: Vec<RightId> = rights.iter().map(|right| right.right).collect();
    Ok(Read {
        voters: if voters.is_empty() { HashMap::new() } else { names(db, &voters)? },
        policies: names_of(db, &under)?,
        given: if ids.is_empty() { vec![] } else { rights::given_by(db, &ids)? },
        veil,
        named,
        request,
        stages,
        approvers,
        rights,
    })
}

fn page(shell: Shell, read: &Read, me: &Person, looks: bool, times: Times) -> WhyPage {
    let assignment = &read.named.assignment;
    let own = assignment.target_id == me.id;
    let ended = assignment.ended_at.is_some();
    let when = |at| When::at(at, times.now, times.zone);
    let actor = Actor::Person(me.clone());
    // A manager does not read a request that they have nothing to do with, nor an owner a person's whole page.
    let sees = |r: &&Request| see_request(&actor, &standing_of(r, &read.approvers)).is_ok();
    let seen = read.request.as_ref().filter(sees);
    let named = !read.veil.hides();
    WhyPage {
        shell,
        package: read.named.package.clone(),
        package_href: (own || looks).then(|| format!("/packages/{}", assignment.package_id)),
        other: (!own).then(|| {
            (read.named.target.clone(), Some(format!("/people/{}", assignment.target_id)))
        }),
        ended,
        until: match ended {
            true => Mark::new("off", "minus", end_words(assignment.end_reason.as_deref())),
            false => words::until(assignment, times),
        },
        since: When::start(
            assignment.started_at.unwrap_or(assignment.starts_at),
            times.now,
            times.zone,
        ),
        scheduled: assignment.started_at.is_none(),
        came: came(read.request.as_ref(), me.id),
        asked: read.request.as_ref().map(|r| when(r.created_at)),
        request: seen.map(|r| (r.reference.clone(), format!("/requests/{}", r.id))),
        reason: seen.map(|r| r.reason.clone()).unwrap_or_default(),
        policy: read.request.as_ref().map(|r| under(read, r, &actor)),
        unasked: unasked(read.request.as_ref()),
        stages: read
            .stages
            .iter()
            .map(|stage| decided(stage, read, me.id, (named, seen.is_some()), times))
            .collect(),
        gives: read.rights.iter().map(|right| gives(right, read, me, looks, times)).collect(),
        ends: match ended {
            true => vec![],
            false => ends(assignment, read.request.as_ref(), own, times),
        },
        extend: (own && !ended).then(|| format!("/access/{}/extend", assignment.id)).filter(|_| {
            let extension = read.request.as_ref().and_then(|r| r.terms.extension);
            words::extendable(assignment, extension, times)
        }),
        give_back: (own && !ended).then(|| format!("/access/{}/give-back", assignment.id)),
        back: match (own, looks) {
            (true, _) => ("/access".to_owned(), "My access"),
            (false, true) => {
                (format!("/packages/{}/assignments", assignment.package_id), "Assignments")
            }
            (false, false) => (format!("/people/{}", assignment.target_id), "What they hold"),
        },
    }
}

/// "Requested by you", "Assigned directly by Ada Lund".
fn came(request: Option<&Request>, me: PersonId) -> String {
    let Some(request) = request else {
        return "It was assigned without a request".to_owned();
    };
    let by = crate::requests::words::you(Some(me), request.requestor_id, &request.requestor);
    match request.kind {
        RequestKind::Assign => format!("It was assigned directly by {by}"),
        RequestKind::TakeAgain => format!("It was given back, and taken again by {by}"),
        _ => format!("It was requested by {by}"),
    }
}

fn unasked(request: Option<&Request>) -> &'static str {
    match request.map(|r| r.kind) {
        Some(RequestKind::Assign) => {
            "Nobody had to approve it: whoever looks after it assigned it directly."
        }
        Some(RequestKind::TakeAgain) => {
            "Nobody had to approve it again: it was approved before it was given back."
        }
        Some(_) => "Nobody had to approve it: the policy asks nobody.",
        None => "Nobody had to approve it.",
    }
}

fn under(read: &Read, request: &Request, actor: &Actor) -> Under {
    let name = |id| read.policies.get(&id).cloned().unwrap_or_default();
    let now = read.named.assignment.policy_id;
    let package = read.named.assignment.package_id;
    Under {
        name: name(request.policy_id),
        version: request.policy_version,
        reads: request.terms.reads_to(&read.veil),
        versions: manage_catalog(actor, read.named.catalog)
            .is_ok()
            .then(|| format!("/packages/{package}/policies/{}/versions", request.policy_id)),
        moved: (now != request.policy_id).then(|| name(now)),
    }
}

/// One stage: how it ended, and each approval with when and why. Where the organization does not say who decides, those
/// who wait read in which role (E17). The reasons are the request's, and for those who see it (E28).
fn decided(
    stage: &Stage,
    read: &Read,
    me: PersonId,
    (named, seen): (bool, bool),
    times: Times,
) -> Decided {
    let of = read.stages.len();
    let how = match stage.state() {
        StageState::Approved => "approved",
        StageState::Denied => "denied",
        StageState::Open => "not decided yet",
        StageState::Expired => "not decided in time",
        StageState::Closed => "closed",
    };
    let heading = match of {
        1 => crate::web::words::capital(how),
        of => format!("Stage {} of {of}: {how}", stage.number),
    };
    let mut said: Vec<&Approver> =
        read.approvers.iter().filter(|a| a.stage == stage.id && a.vote.is_some()).collect();
    said.sort_by_key(|a| a.voted_at);
    let vote = |a: &Approver| {
        let did = match a.vote {
            Some(Verdict::Deny) => "denied",
            _ => "approved",
        };
        let who = match named || a.person == me {
            true => crate::web::words::capital(&crate::requests::words::you(
                Some(me),
                a.person,
                &a.name,
            )),
            false => "An approver".to_owned(),
        };
        let place = match a.voted_by.and_then(|id| read.voters.get(&id)) {
            Some(name) if named => format!(", through {name}, who stood in"),
            Some(_) => ", through a stand-in".to_owned(),
            None => String::new(),
        };
        Vote {
            says: format!("{who} {did} it, {}{place}", a.via.words()),
            when: a.voted_at.map(|at| When::at(at, times.now, times.zone)),
            note: a.note.clone().filter(|_| seen).unwrap_or_default(),
        }
    };
    Decided { heading, votes: said.into_iter().map(vote).collect() }
}

/// Where a resource role stands, and what else gives it (D21, D22). Packages of other catalogs are not for their owners.
fn gives(right: &Standing, read: &Read, me: &Person, looks: bool, times: Times) -> Gives {
    let assignment = &read.named.assignment;
    let ended = assignment.ended_at.is_some();
    let mark = words::delivery(right, ended, times);
    let others: Vec<&Given> = read
        .given
        .iter()
        .filter(|given| given.right == right.right && given.assignment != assignment.id)
        .collect();
    let all = !looks || assignment.target_id == me.id || me.administrator || me.auditor;
    let reads = |catalog: &CatalogId| all || me.owns.contains(catalog);
    let seen: Vec<&str> =
        others.iter().filter(|g| reads(&g.catalog)).map(|g| g.package.as_str()).collect();
    Gives {
        mark: Mark { text: format!("{}: {}", words::role(right), mark.text), ..mark },
        else_: others_words(&seen, others.len() - seen.len(), right, ended),
    }
}

/// What else gives a right, and so what becomes of it.
fn others_words(seen: &[&str], hidden: usize, right: &Standing, ended: bool) -> String {
    let mut from: Vec<String> = seen.iter().map(|name| (*name).to_owned()).collect();
    match hidden {
        0 => {}
        1 => from.push("an access package of another catalog".to_owned()),
        n => from.push(format!("{n} access packages of other catalogs")),
    }
    let stays = !ended && right.state != RightState::Gone;
    if !from.is_empty() {
        let from = crate::web::words::capital(&and_list(&from, 4));
        let give = if seen.len() + hidden == 1 { "gives" } else { "give" };
        let one = if seen.len() + hidden == 1 { "it does" } else { "one of them does" };
        let stays = if stays { format!(" It stays as long as {one}.") } else { String::new() };
        return format!("{from} {give} it, too.{stays}");
    }
    match (ended, right.held_before) {
        (true, _) => String::new(),
        (false, true) => {
            "It was there before. It is left in place when this ends, unless the resource is managed \
             here."
                .to_owned()
        }
        (false, false) => "Nothing else gives it: it goes when this ends.".to_owned(),
    }
}

/// What ends it, a sentence each.
fn ends(
    assignment: &Assignment,
    request: Option<&Request>,
    own: bool,
    times: Times,
) -> Vec<String> {
    let until = |end: Ts| When::end(end, times.now, times.zone).absolute;
    let mut all = vec![match assignment.ends_at {
        Some(end) => format!("Its time: it ends by itself, {}.", last(&until(end))),
        None => "It has no end of its own.".to_owned(),
    }];
    if let Some(request) = request {
        all.extend(lifetime(request.terms.lifetime, assignment.ends_at.is_some()));
        match request.terms.extension {
            Some(Extension { approval: true, .. }) if assignment.ends_at.is_some() => {
                all.push("More time can be asked for, and is approved as before.".to_owned());
            }
            Some(_) if assignment.ends_at.is_some() => {
                all.push("More time can be asked for, without another approval.".to_owned());
            }
            _ => {}
        }
    }
    all.push(match own {
        true => "You: you can give it back at any time.".to_owned(),
        false => "The holder: they can give it back at any time.".to_owned(),
    });
    all.push(
        "Those who look after its catalog can end it. It ends, too, when the person leaves."
            .to_owned(),
    );
    all
}

fn last(day: &str) -> String {
    format!("the last moment is {day}")
}

/// What the policy said about its time, where that explains the end.
fn lifetime(lifetime: Lifetime, has_end: bool) -> Option<String> {
    match (lifetime, has_end) {
        (Lifetime::Never, true) => {
            Some("The end was chosen: the policy would allow it without one.".to_owned())
        }
        _ => None,
    }
}
