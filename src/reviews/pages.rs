//! What people see of reviews: what waits for them, the form, what is reviewed about them; and for those who look after
//! them how they are set up and how they stand.

use askama::Template;

use super::model::{Instance, Review, State};
use super::store::duties::{Duty, Needs};
use super::store::{self, listing};
use crate::access::policy::Gate;
use crate::access::{Person, policy};
use crate::error::Result;
use crate::kernel::text::counted;
use crate::kernel::{ReviewId, Ts, Zone};
use crate::web::limit::Limit;
use crate::web::listing::{Listing, PAGE, seek};
use crate::web::page::Mark;
use crate::web::paging::page;
use crate::web::words::When;
use crate::web::{Cx, Place, Reply, Route, Shell, get, post};

mod answering;
mod defining;
mod describing;
mod evidence;
mod mine;
mod progress;
mod stopping;
mod together;

/// This slice's pages.
pub const ROUTES: &[Route] = &[
    get("/reviews", Gate::SignedIn, list),
    get("/reviews/new", Gate::Catalogs, defining::new),
    post("/reviews", Gate::Catalogs, defining::create).limited(Limit::Submit),
    get("/reviews/definitions/{id}", Gate::Catalogs, defining::show),
    get("/reviews/definitions/{id}/edit", Gate::Catalogs, defining::edit),
    post("/reviews/definitions/{id}", Gate::Catalogs, defining::change).limited(Limit::Submit),
    get("/reviews/definitions/{id}/end", Gate::Catalogs, defining::ending),
    post("/reviews/definitions/{id}/end", Gate::Catalogs, defining::end).limited(Limit::Submit),
    post("/reviews/definitions/{id}/start", Gate::Catalogs, defining::start).limited(Limit::Submit),
    get("/reviews/describe", Gate::Catalogs, describing::show),
    post("/reviews/describe/{package}", Gate::Catalogs, describing::enough).limited(Limit::Submit),
    get("/reviews/mine", Gate::SignedIn, mine::show),
    post("/reviews/mine/{item}", Gate::SignedIn, mine::reply).limited(Limit::Submit),
    get("/reviews/{id}", Gate::SignedIn, answering::show),
    post("/reviews/{id}/items/{item}", Gate::SignedIn, answering::answer).limited(Limit::Submit),
    get("/reviews/{id}/items/{item}/pass-on", Gate::SignedIn, answering::passing),
    post("/reviews/{id}/items/{item}/pass-on", Gate::SignedIn, answering::pass_on)
        .limited(Limit::Submit),
    post("/reviews/{id}/items/{item}/undo", Gate::SignedIn, answering::undo).limited(Limit::Submit),
    post("/reviews/{id}/items/{item}/proof", Gate::Catalogs, progress::prove)
        .limited(Limit::Submit),
    get("/reviews/{id}/together/{package}", Gate::SignedIn, together::show),
    post("/reviews/{id}/together/{package}", Gate::SignedIn, together::answer)
        .limited(Limit::Submit),
    post("/reviews/{id}/batches/{batch}/undo", Gate::SignedIn, together::undo)
        .limited(Limit::Submit),
    get("/reviews/{id}/sign-off", Gate::SignedIn, answering::signing),
    post("/reviews/{id}/sign-off", Gate::SignedIn, answering::sign_off).limited(Limit::Submit),
    get("/reviews/{id}/progress", Gate::Catalogs, progress::show),
    get("/reviews/{id}/pack", Gate::Catalogs, evidence::pack).limited(Limit::Search),
    get("/reviews/{id}/progress/{act}", Gate::Catalogs, stopping::show),
    post("/reviews/{id}/progress/{act}", Gate::Catalogs, progress::act).limited(Limit::Submit),
];

/// Rows of a page.
const ROWS: usize = 25;
/// As many instances as a reviewer's own list shows.
const ASKED: i64 = 25;

#[derive(Template)]
#[template(path = "reviews/list.html")]
struct ListPage {
    shell: Shell,
    asked: Vec<AskedRow>,
    about: bool,
    /// Access of theirs that reviewers could not tell the purpose of.
    describe: bool,
    /// The reviews that the reader looks after or reads; none where there are none to look after.
    kept: Option<Vec<KeptRow>>,
    pager: Listing,
    sets_up: bool,
}

/// A review in which the reader is asked.
pub struct AskedRow {
    /// Its form.
    pub href: String,
    /// What it is called, and which run it is.
    pub name: String,
    /// How many items are left for the reader.
    pub left: i64,
    /// The same in words.
    pub words: String,
    /// Where it stands for the reader.
    pub mark: Mark,
    /// Until when, while it is open.
    pub due: Option<When>,
}

/// A review that the reader looks after.
struct KeptRow {
    href: String,
    name: String,
    what: String,
    mark: Mark,
    now: Option<String>,
    next: Option<When>,
}

fn list(cx: &mut Cx) -> Result<Reply> {
    let me = cx.person()?.clone();
    let at = cx.cursor::<Ts>(PAGE)?;
    let scope = keeps(&me);
    let (asked, stake, kept) = cx.read(|db| {
        let asked = listing::asked(db, &me, ASKED)?;
        let stake = listing::stake(db, &me, scope.as_ref().map(Option::as_deref))?;
        let kept = match &scope {
            None => vec![],
            Some(catalogs) => {
                let from = seek(at.as_ref(), ReviewId);
                listing::kept(db, catalogs.as_deref(), from, ROWS as i64 + 1)?
            }
        };
        Ok((asked, stake, kept))
    })?;
    let (now, zone) = (cx.now(), cx.zone());
    let asked = asked_rows(&asked, &stake, now, zone);
    let page = page(kept, ROWS, at.as_ref(), |(review, _)| (review.created_at, review.id.0));
    let pager = Listing::without_csv(cx, &page, "review", "reviews");
    let row = |(review, newest): &(Review, Option<Instance>)| KeptRow {
        href: format!("/reviews/definitions/{}", review.id),
        name: review.name.clone(),
        what: super::reads::sentences(&review.terms).swap_remove(0),
        mark: review_mark(review, newest.as_ref()),
        now: newest.as_ref().map(|instance| format!("/reviews/{}/progress", instance.id)),
        next: review.next_at.map(|at| When::start(at, now, zone)),
    };
    let shown = ListPage {
        shell: cx.shell("Reviews", Place::Reviews)?,
        asked,
        about: stake.about,
        describe: stake.describe,
        kept: scope.map(|_| page.rows.iter().map(row).collect()),
        pager,
        sets_up: me.administrator || (!me.owns.is_empty() && !me.auditor),
    };
    Reply::page(&shown)
}

/// Which reviews somebody looks after or reads: none, those of some catalogs, or all.
fn keeps(me: &Person) -> Option<Option<Vec<crate::kernel::CatalogId>>> {
    if me.administrator || me.auditor {
        return Some(None);
    }
    (!me.owns.is_empty()).then(|| Some(me.owns.clone()))
}

/// What is asked of the reader, by review.
#[must_use]
pub fn asked_rows(
    asked: &[Instance],
    stake: &listing::Stake,
    now: Ts,
    zone: Zone,
) -> Vec<AskedRow> {
    let row = |instance: &Instance| {
        let progress = stake.tallies.get(&instance.id).copied().unwrap_or_default();
        let due = Some(When::end(instance.due_at, now, zone));
        let signed = stake.signed.contains(&instance.id);
        asked_row(instance, (progress, signed), due.filter(|_| instance.state == State::Open))
    };
    asked.iter().map(row).collect()
}

fn asked_row(
    instance: &Instance,
    (progress, signed): (listing::Progress, bool),
    due: Option<When>,
) -> AskedRow {
    let left = progress.all - progress.answered;
    let (mark, words) = match (instance.state, left, progress.answered) {
        (State::Open, 0, _) if signed => {
            (Mark::new("ok", "full", "Signed off"), "Nothing is left for you".to_owned())
        }
        (State::Open, 0, _) => (
            Mark::new("warn", "half", "Answered, not signed off yet"),
            "Look at your answers and sign off".to_owned(),
        ),
        (State::Open, left, 0) => (
            Mark::new("warn", "ring", "Not yet started"),
            format!("{} for you", counted(left, "item", "items")),
        ),
        (State::Open, left, _) => (
            Mark::new("warn", "half", "In progress"),
            format!("{} of {} left", left, counted(progress.all, "item", "items")),
        ),
        (state, ..) => (Mark::new("", "full", state.label()), "Closed".to_owned()),
    };
    AskedRow {
        href: format!("/reviews/{}", instance.id),
        name: format!("{}, {}", instance.name, ordinal(instance.number)),
        left: if instance.state == State::Open { left } else { 0 },
        words,
        mark,
        due,
    }
}

/// Something that a review needs of the reader, who looks after it.
pub struct DutyRow {
    /// Where it is done.
    pub href: String,
    /// What the review is called, and which run it is.
    pub name: String,
    /// What it needs.
    pub mark: Mark,
    /// The words of the link.
    pub act: &'static str,
}

/// What reviews need of the reader; only an administrator confirms.
#[must_use]
pub fn duty_rows(duties: &[Duty], administrator: bool) -> Vec<DutyRow> {
    let row = |duty: &Duty| {
        let (mark, act) = match duty.needs {
            Needs::ByHand(n) => {
                let words = counted(n, "removal by hand", "removals by hand");
                (Mark::new("warn", "half", words), "Say what was done")
            }
            Needs::Start => (Mark::new("stop", "cross", "Could not start"), "See why"),
            Needs::Confirmation if administrator => {
                (Mark::new("warn", "stand", "Waits to be confirmed"), "Confirm")
            }
            Needs::Confirmation => {
                (Mark::new("warn", "stand", "Waits for an administrator"), "See how it stands")
            }
        };
        DutyRow {
            href: format!("/reviews/{}/progress", duty.id),
            name: format!("{}, {}", duty.name, ordinal(duty.number)),
            mark,
            act,
        }
    };
    duties.iter().map(row).collect()
}

/// "1st run".
fn ordinal(n: i64) -> String {
    let end = match (n % 10, n % 100) {
        (1, rest) if rest != 11 => "st",
        (2, rest) if rest != 12 => "nd",
        (3, rest) if rest != 13 => "rd",
        _ => "th",
    };
    format!("{n}{end} run")
}

/// The mark of an instance.
fn state_mark(state: State) -> Mark {
    let (kind, shape) = match state {
        State::Open => ("ok", "half"),
        State::Completed => ("", "full"),
        State::Starting | State::Between | State::Applying => ("", "half"),
        State::Confirming => ("warn", "stand"),
        State::Refused => ("stop", "cross"),
        State::Canceled => ("off", "minus"),
    };
    Mark::new(kind, shape, state.label())
}

/// The mark of an instance of which so many removals have failed.
fn outcome_mark(state: State, failed: i64) -> Mark {
    if state == State::Completed && failed > 0 {
        return Mark::new("stop", "stand", format!("Completed, {failed} not removed"));
    }
    state_mark(state)
}

fn review_mark(review: &Review, newest: Option<&Instance>) -> Mark {
    match (newest, review.ended_at) {
        (Some(instance), _) if instance.state.runs() || instance.state == State::Refused => {
            state_mark(instance.state)
        }
        (_, Some(_)) => Mark::new("off", "minus", "Ended"),
        (_, None) if review.next_at.is_some() => Mark::new("", "ring", "Waits for its start"),
        (Some(instance), None) => state_mark(instance.state),
        (None, None) => Mark::new("", "ring", "Not started"),
    }
}

/// An instance that the reader may see whole.
fn kept(cx: &Cx) -> Result<Instance> {
    let id = cx.id("id")?;
    let instance = cx.read(|db| store::instance(db, id))?;
    let actor = cx.actor().ok_or(crate::error::Error::Missing)?;
    policy::see_review(actor, &store::standing(&instance))?;
    Ok(instance)
}

#[cfg(test)]
mod tests {
    use super::ROUTES;
    use crate::web::Method;

    #[test]
    fn whatever_a_review_takes_from_people_and_its_pack_have_a_limit() {
        let without = |route: &&super::Route| route.limit.is_none();
        let costly = |route: &&super::Route| {
            route.method == Method::Post || route.path == "/reviews/{id}/pack"
        };
        let open: Vec<_> = ROUTES.iter().filter(costly).filter(without).map(|r| r.path).collect();
        assert!(open.is_empty(), "{open:?}");
    }
}
