//! One's stand-ins: who decides when one is away, and for whom one decides; set in two steps, ended early. Administrators
//! have the same page for somebody who is away and cannot.

use askama::Template;
use chrono::NaiveDate;

use super::model::{NewPeriod, Period, Theirs};
use super::{commands, rules, store};
use crate::access::Person;
use crate::access::policy::{self, Gate};
use crate::db::load_actor;
use crate::directory::store::{meant, person};
use crate::error::{Error, FieldError, Result};
use crate::kernel::{PackageId, PersonId, StandInId, Ts, Zone};
use crate::settings;
use crate::web::words::{When, and_list};
use crate::web::{Cx, Form, Limit, Place, Reply, Route, Shell, get, post};

/// This slice's pages.
pub const ROUTES: &[Route] = &[
    get("/me/stand-in", Gate::SignedIn, show),
    get("/me/stand-in/check", Gate::SignedIn, check),
    post("/me/stand-in", Gate::SignedIn, set).limited(Limit::Submit),
    post("/me/stand-in/{period}/end", Gate::SignedIn, end),
    get("/people/{id}/stand-in", Gate::Administrator, show),
    get("/people/{id}/stand-in/check", Gate::Administrator, check),
    post("/people/{id}/stand-in", Gate::Administrator, set).limited(Limit::Submit),
    post("/people/{id}/stand-in/{period}/end", Gate::Administrator, end),
];

#[derive(Template)]
#[template(path = "standing_in/show.html")]
struct StandInPage {
    shell: Shell,
    frame: Frame,
    away: Vec<Line>,
    others: Vec<Line>,
    form: Form,
    picks: Vec<Pick>,
    longest: i64,
    today: String,
}

/// Everything once more, before it is saved.
#[derive(Template)]
#[template(path = "standing_in/check.html")]
struct CheckPage {
    shell: Shell,
    frame: Frame,
    stand_in: String,
    first: When,
    last: When,
    packages: Option<String>,
    /// The times in which the stand-in is away, with who decides then.
    away: Vec<Line>,
    theirs: Vec<Theirs>,
    kept: Vec<(String, String)>,
    change: String,
}

/// Whose stand-ins a page is about.
#[derive(Clone)]
struct Frame {
    id: PersonId,
    name: String,
    /// True on one's own page.
    own: bool,
    /// The address of the page.
    base: String,
    /// Themselves, as they are now.
    person: Person,
}

/// A period, as a list shows it.
struct Line {
    id: StandInId,
    who: String,
    runs: bool,
    from: When,
    until: When,
    packages: Option<String>,
}

/// A package that can be ticked.
struct Pick {
    id: PackageId,
    name: String,
    on: bool,
}

impl StandInPage {
    fn longest_words(&self) -> String {
        let days = crate::kernel::text::counted(self.longest, "day", "days");
        format!("Included. {days} at most.")
    }
}

impl Frame {
    /// Whose page it is, if the reader may set it.
    fn open(cx: &Cx) -> Result<Self> {
        let me = cx.person()?;
        let actor = cx.actor().ok_or(Error::Missing)?;
        if !cx.path().starts_with("/people/") {
            policy::set_stand_in(actor, me.id, me.kind)?;
            let base = "/me/stand-in".to_owned();
            let (name, person) = (me.name.clone(), me.clone());
            return Ok(Self { id: me.id, name, own: true, base, person });
        }
        let (id, now): (PersonId, _) = (cx.id("id")?, cx.now());
        let away = cx.read(|db| load_actor(db, id, now))?.filter(|person| person.enabled);
        let away = away.ok_or(Error::Missing)?;
        policy::set_stand_in(actor, id, away.kind)?;
        let base = format!("/people/{id}/stand-in");
        Ok(Self { id, name: away.name.clone(), own: false, base, person: away })
    }

    /// One's own is set on one's own page.
    fn elsewhere(&self, cx: &Cx) -> Option<Reply> {
        let me = cx.actor().and_then(|actor| actor.id());
        (!self.own && me == Some(self.id)).then(|| Reply::see_other("/me/stand-in"))
    }
}

fn show(cx: &mut Cx) -> Result<Reply> {
    let frame = Frame::open(cx)?;
    if let Some(reply) = frame.elsewhere(cx) {
        return Ok(reply);
    }
    let typed = Form::of(cx.query_pairs().iter().cloned());
    let form = match cx.refill() {
        Some(form) => form,
        None if typed.has("who") => typed,
        None => Form::of([("scope", "all".to_owned()), ("first", today(cx).to_string())]),
    };
    draw(cx, frame, form, &[])
}

fn today(cx: &Cx) -> NaiveDate {
    cx.zone().date(cx.now())
}

fn draw(cx: &Cx, frame: Frame, mut form: Form, errors: &[FieldError]) -> Result<Reply> {
    if StandInId::parse(form.raw("key")).is_none() {
        form.set("key", StandInId::fresh().to_string());
    }
    let (now, zone) = (cx.now(), cx.zone());
    let (periods, all, longest) = cx.read(|db| {
        let longest = settings::store::organization(db)?.stand_in_days;
        Ok((store::of(db, frame.id, now)?, store::decidable(db, &frame.person)?, longest))
    })?;
    let ticked = form.all("packages");
    let pick = |one: super::model::Decidable| Pick {
        on: ticked.contains(&one.id.to_string()),
        id: one.id,
        name: one.name,
    };
    let (away, others): (Vec<Period>, Vec<Period>) =
        periods.into_iter().partition(|period| period.person.0 == frame.id);
    let title = match frame.own {
        true => "Your stand-in".to_owned(),
        false => format!("Stand-in for {} – People", frame.name),
    };
    let mut shell = cx.shell(title, Place::None)?;
    shell.errors = errors.iter().map(Into::into).collect();
    let page = StandInPage {
        shell,
        away: away.iter().map(|p| line(p, &p.stand_in.1, now, zone)).collect(),
        others: others.iter().map(|p| line(p, &p.person.1, now, zone)).collect(),
        picks: all.into_iter().map(pick).collect(),
        longest,
        today: today(cx).to_string(),
        frame,
        form,
    };
    Ok(Reply::page(&page)?.status(if errors.is_empty() { 200 } else { 422 }))
}

fn line(period: &Period, who: &str, now: Ts, zone: Zone) -> Line {
    Line {
        id: period.id,
        who: who.to_owned(),
        runs: period.runs(now),
        from: When::day(zone.date(period.starts_at), now, zone),
        until: When::end(period.ends_at, now, zone),
        packages: period.packages.as_deref().map(names),
    }
}

fn names(packages: &[(PackageId, String)]) -> String {
    let names: Vec<&str> = packages.iter().map(|(_, name)| name.as_str()).collect();
    and_list(&names, 20)
}

/// What a form means, with the name of the stand-in; or what is wrong with it.
fn read(cx: &Cx, frame: &Frame, form: &Form) -> Result<(NewPeriod, String)> {
    let mut errors = Vec::new();
    let who = cx.read(|db| meant(db, "who", &form.line("who"), commands::NOBODY))?;
    let who = who.map_err(|error| errors.push(error)).ok();
    let first = day(form, "first", "first", &mut errors);
    let last = day(form, "last", "last", &mut errors);
    let packages = match form.raw("scope") {
        "some" => Some(form.all("packages").iter().filter_map(|id| PackageId::parse(id)).collect()),
        _ => None,
    };
    let (Some((stand_in, name)), Some(first), Some(last)) = (who, first, last) else {
        return Err(Error::Invalid(errors));
    };
    let id = StandInId::parse(form.raw("key")).unwrap_or_else(StandInId::fresh);
    Ok((NewPeriod { id, person: frame.id, stand_in, first, last, packages }, name))
}

fn day(form: &Form, name: &str, which: &str, errors: &mut Vec<FieldError>) -> Option<NaiveDate> {
    let text = form.line(name);
    let day = crate::kernel::time::day(&text);
    if day.is_none() {
        let words = match text.is_empty() {
            true => format!("Choose the {which} day"),
            false => format!("Write the {which} day as year-month-day, like 2027-01-31"),
        };
        errors.push(FieldError::new(name, words));
    }
    day
}

/// Says what stands in the way, before anything is saved.
fn check(cx: &mut Cx) -> Result<Reply> {
    let frame = Frame::open(cx)?;
    if let Some(reply) = frame.elsewhere(cx) {
        return Ok(reply);
    }
    let form = Form::of(cx.query_pairs().iter().cloned());
    if form.is_empty() {
        return Ok(Reply::see_other(&frame.base));
    }
    let (new, name) = match read(cx, &frame, &form) {
        Ok(read) => read,
        Err(Error::Invalid(errors)) => return draw(cx, frame, form, &errors),
        Err(other) => return Err(other),
    };
    let (now, zone) = (cx.now(), cx.zone());
    let me = cx.person()?.id;
    let time = (zone.start_of(new.first), zone.end_of(new.last));
    let found = cx.read(|db| {
        commands::check(db, (Some(me), &frame.person), (now, zone), &new)?;
        let theirs = store::theirs(db, new.person, new.stand_in)?;
        let names = match &new.packages {
            Some(some) => store::decidable(db, &frame.person)?
                .into_iter()
                .filter(|one| some.contains(&one.id))
                .map(|one| (one.id, one.name))
                .collect(),
            None => Vec::new(),
        };
        Ok((theirs, names, store::within(db, time.0, time.1)?))
    });
    let (theirs, picked, beside) = match found {
        Ok(found) => found,
        Err(Error::Invalid(errors)) => return draw(cx, frame, form, &errors),
        Err(other) => return Err(other),
    };
    let away = beside.iter().filter(|p| {
        p.person.0 == new.stand_in && rules::share(new.packages.as_deref(), p.covers().as_deref())
    });
    let mut kept = Form::of([
        ("key", new.id.to_string()),
        ("who", form.line("who")),
        ("first", new.first.to_string()),
        ("last", new.last.to_string()),
        ("scope", if new.packages.is_some() { "some" } else { "all" }.to_owned()),
    ])
    .pairs()
    .to_vec();
    kept.extend(picked.iter().map(|(id, _)| ("packages".to_owned(), id.to_string())));
    let page = CheckPage {
        shell: cx.shell("Check your stand-in, then save", Place::None)?,
        stand_in: name,
        first: When::day(new.first, now, zone),
        last: When::day(new.last, now, zone),
        packages: new.packages.is_some().then(|| names(&picked)),
        away: away.map(|p| line(p, &p.stand_in.1, now, zone)).collect(),
        theirs,
        change: format!("{}?{}", frame.base, Form::of(kept.clone()).encoded()),
        kept,
        frame,
    };
    Reply::page(&page)
}

fn set(cx: &mut Cx) -> Result<Reply> {
    let frame = Frame::open(cx)?;
    if let Some(reply) = frame.elsewhere(cx) {
        return Ok(reply);
    }
    let form = cx.form().clone();
    let new = match read(cx, &frame, &form) {
        Ok((new, _)) => new,
        Err(Error::Invalid(errors)) => return draw(cx, frame, form, &errors),
        Err(other) => return Err(other),
    };
    let saved = cx.write(move |tx| {
        let kind = person(tx.db(), new.person)?.kind;
        let permit = policy::set_stand_in(tx.actor(), new.person, kind)?;
        commands::set(tx, &permit, &new)
    });
    match saved {
        Ok(period) => {
            let place = match frame.own {
                true => "your place".to_owned(),
                false => format!("the place of {}", frame.name),
            };
            let text = format!(
                "{} decides in {place} in that time, and is told. So are the owners of the catalogs.",
                period.stand_in.1
            );
            Ok(Reply::see_other(&frame.base).notice("Saved.", text))
        }
        Err(Error::Invalid(errors)) => draw(cx, frame, form, &errors),
        Err(other) => Err(other),
    }
}

fn end(cx: &mut Cx) -> Result<Reply> {
    let id: StandInId = cx.id("period")?;
    let (whose, back) = match cx.path().starts_with("/people/") {
        true => {
            let whose: PersonId = cx.id("id")?;
            (whose, format!("/people/{whose}/stand-in"))
        }
        false => (cx.person()?.id, "/me/stand-in".to_owned()),
    };
    let ended = cx.write(move |tx| {
        let period = store::one(tx.db(), id)?;
        let (away, stand_in) = (period.person.0, period.stand_in.0);
        let permit = policy::end_stand_in(tx.actor(), away, stand_in, id)?;
        if ![away, stand_in].contains(&whose) {
            return Err(Error::Missing);
        }
        commands::end(tx, &permit, id)
    })?;
    let (strong, text) = match ended {
        true => ("Ended.", "Nobody decides in that place any more; the other one is told."),
        false => ("It was over already.", "Nothing was changed."),
    };
    Ok(Reply::see_other(back).notice(strong, text))
}
