//! The one gate of every route: who asks, may they, was the form ours; then the page; then what happens to the session.
//!
//! [`answer`] is synchronous and runs on a blocking thread, with the page's handler inside it.

use std::panic::{AssertUnwindSafe, catch_unwind};

use anyhow::anyhow;

use super::cx::Cx;
use super::form::CSRF;
use super::limit::Limit;
use super::problem::{self, Problem};
use super::reply::{Body, Reply, SessionChange};
use super::routes::{Method, Route};
use super::session::{self, Draft, Handover, NewSession};
use super::{address, csrf, draft};
use crate::access::policy::{Gate, enter};
use crate::access::{Actor, Person};
use crate::db::load_actor;
use crate::error::{Error, Result};

/// Why the page was not asked.
enum Stop {
    Error(Error),
    Problem(Box<Problem>),
    Reply(Box<Reply>),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

impl From<Problem> for Stop {
    fn from(problem: Problem) -> Self {
        Self::Problem(Box::new(problem))
    }
}

impl From<Reply> for Stop {
    fn from(reply: Reply) -> Self {
        Self::Reply(Box::new(reply))
    }
}

/// The answer to a request, and what its cookie does.
pub(super) fn answer(cx: &mut Cx, route: &Route) -> (Reply, Option<Handover>) {
    let went = catch_unwind(AssertUnwindSafe(|| {
        let reply = pass(cx, route)?;
        let handover = settle(cx, &reply)?;
        Ok((reply, handover))
    }));
    let stop = match went {
        Ok(Ok(answer)) => return answer,
        Ok(Err(stop)) => stop,
        Err(panic) => {
            let words = problem::panic_words(&*panic);
            Stop::Error(Error::Broken(anyhow!("panic: {words}")))
        }
    };
    let reply = match stop {
        Stop::Reply(reply) => *reply,
        Stop::Problem(problem) => problem::draw(cx, *problem),
        Stop::Error(Error::Denied(_))
            if cx.actor.is_none() && !cx.asked.post && route.gate != Gate::Open =>
        {
            Reply::see_other(address::sign_in(&cx.address()))
        }
        Stop::Error(error) => problem::reply(cx, error),
    };
    (reply, None)
}

fn pass(cx: &mut Cx, route: &Route) -> Result<Reply, Stop> {
    if cx.asked.trouble {
        return Err(Error::Busy.into());
    }
    if cx.asked.post && !is_own_form(cx) {
        return Err(problem::foreign_form().unkept().into());
    }
    recognize(cx)?;
    if let Some(limit) = route.limit {
        count(cx, limit)?;
    }
    if let Some(methods) = &cx.asked.allowed {
        return Err(problem::draw(cx, problem::wrong_method()).header("Allow", methods).into());
    }
    if let Some(status) = cx.asked.unreadable {
        return Err(problem::unreadable(status).into());
    }
    if route.gate == Gate::Demo && !cx.site.demo {
        return Err(Error::Missing.into());
    }
    if route.method == Method::Post {
        check_token(cx, route)?;
    }
    enter(cx.actor.as_ref(), route.gate).map_err(Error::from)?;
    let reply = (route.run)(cx)?;
    if matches!(reply.body, Body::Leave(_)) && cx.asked.post {
        return Err(Error::Broken(anyhow!("a form may not lead to another site")).into());
    }
    Ok(reply)
}

fn is_own_form(cx: &Cx) -> bool {
    csrf::is_own_form(&cx.site, cx.asked.fetch_site.as_deref(), cx.asked.origin.as_deref())
}

/// Finds the person of a living session and moves its idle end on.
fn recognize(cx: &mut Cx) -> Result<()> {
    let Some(session) = cx.session.as_mut().filter(|session| session.live) else { return Ok(()) };
    let id = session.person;
    let business = cx.site.db.clocks().business.now();
    let Some(person) = cx.site.db.read(|db| load_actor(db, id, business))?.filter(|p| p.enabled)
    else {
        return Ok(());
    };
    let (now, times) = (cx.site.db.clocks().wall.now(), cx.site.sessions);
    // The session was loaded before the form had come in whole.
    if cx.asked.post && !cx.site.db.read(|db| session::lives(db, &session.hash, now))? {
        session.live = false;
        return Ok(());
    }
    if session::is_due(session, now, times) {
        let touched = session.clone();
        match cx.site.db.write(session::BY, move |tx| session::touch(tx, &touched, times)) {
            Ok(expires) => session.expires = expires,
            Err(error) => tracing::warn!(%error, "a session's end could not be moved on"),
        }
    }
    cx.actor = Some(Actor::Person(person));
    Ok(())
}

fn count(cx: &Cx, limit: Limit) -> Result<()> {
    let who = match (&cx.actor, cx.asked.peer) {
        (Some(actor), _) => actor.id().map(|id| id.to_string()).unwrap_or_default(),
        (None, Some(address)) => address.to_string(),
        (None, None) => String::new(),
    };
    if cx.site.limits.allow(limit, &who) { Ok(()) } else { Err(Error::TooMany) }
}

/// A form of somebody signed in carries their session's token. One whose session has ended is kept (E22).
/// Before sign-in there is nothing that a foreign form could use.
fn check_token(cx: &Cx, route: &Route) -> Result<(), Stop> {
    let fits = |token: &str| csrf::matches(token, cx.form.raw(CSRF));
    match &cx.session {
        Some(session) if cx.actor.is_some() => {
            if fits(&session.csrf) {
                Ok(())
            } else {
                Err(problem::foreign_form().into())
            }
        }
        _ if route.gate == Gate::Open => Ok(()),
        Some(session) if !session.live && fits(&session.csrf) => Err(keep(cx, &session.hash)?),
        _ => Err(problem::signed_out(&form_page(cx)).into()),
    }
}

/// The page on which the form stands.
fn form_page(cx: &Cx) -> String {
    let from = cx.asked.referer.as_deref().and_then(|referer| cx.site.own_path(referer));
    let page = cx.pages.page_of(from.as_deref().unwrap_or(cx.path()));
    address::safe_next(&page).to_owned()
}

/// Keeps what was typed on the ended session's row and sends the person to sign in; never replayed.
fn keep(cx: &Cx, hash: &str) -> Result<Stop> {
    let page = form_page(cx);
    let mut form = cx.form.clone();
    form.remove(CSRF);
    let Some(sealed) = draft::seal(&cx.site.keys.drafts, hash, &page, &form) else {
        return Ok(problem::signed_out(&page).into());
    };
    let (hash, path) = (hash.to_owned(), page.clone());
    match cx.site.db.write(session::BY, move |tx| draft::keep(tx, &hash, &path, &sealed)) {
        // The row has just been swept away.
        Err(Error::Missing) => return Ok(problem::signed_out(&page).into()),
        other => other?,
    }
    let reply = Reply::see_other(address::sign_in(&page)).warning(
        "Your session had ended.",
        "Sign in again: what you typed is kept and will be in the form. Nothing has been sent yet.",
    );
    Ok(reply.into())
}

/// Begins, ends or renews the session, before the answer goes out.
fn settle(cx: &Cx, reply: &Reply) -> Result<Option<Handover>, Stop> {
    match &reply.session {
        Some(SessionChange::SignIn { person, id_token }) => {
            let id = *person;
            let now = cx.now();
            let Some(person) = cx.site.db.read(|db| load_actor(db, id, now))?.filter(|p| p.enabled)
            else {
                return Err(problem::closed_account().into());
            };
            let new = NewSession {
                person: id,
                csrf: csrf::fresh(),
                auth_time: cx.wall(),
                id_token: id_token.clone(),
                roles: session::roles(&person),
                draft: waiting_draft(cx, &person),
                agent: cx.asked.agent.clone(),
            };
            Ok(Some(replace(cx, new, false)?))
        }
        Some(SessionChange::SignOut) => {
            if let Some(session) = &cx.session {
                let hash = session.hash.clone();
                cx.site.db.write(session::BY, move |tx| session::end(tx, &hash))?;
            }
            Ok(Some(Handover::Gone))
        }
        None => Ok(renew(cx)),
    }
}

/// What the same person had typed before this sign-in.
fn waiting_draft(cx: &Cx, person: &Person) -> Option<Draft> {
    let old = cx.session.as_ref().filter(|old| old.person == person.id)?;
    let kept = old.kept.clone().map(|path| Draft { session: old.hash.clone(), path });
    kept.or_else(|| old.draft.clone())
}

/// A new id when what the person may do has changed (E23); the token stays, for forms in other tabs.
fn renew(cx: &Cx) -> Option<Handover> {
    let (Some(Actor::Person(person)), Some(session)) = (&cx.actor, &cx.session) else {
        return None;
    };
    let roles = session::roles(person);
    if session.roles == roles || cx.asked.head {
        return None;
    }
    let new = NewSession {
        person: person.id,
        csrf: session.csrf.clone(),
        auth_time: session.auth_time,
        id_token: session.id_token.clone(),
        roles,
        draft: session.draft.clone(),
        agent: cx.asked.agent.clone(),
    };
    // The next request tries again.
    match replace(cx, new, true) {
        Ok(handover) => Some(handover),
        // It was ended meanwhile: it gets no successor.
        Err(Error::Missing) => Some(Handover::Gone),
        Err(error) => {
            tracing::warn!(%error, "a session keeps its id");
            None
        }
    }
}

/// Ends the session there is and begins another, in one transaction; with `alive` only if it had not ended yet.
fn replace(cx: &Cx, new: NewSession, alive: bool) -> Result<Handover> {
    let old = cx.session.as_ref().map(|old| old.hash.clone());
    let times = cx.site.sessions;
    let key = cx.site.db.write(session::BY, move |tx| {
        if let Some(old) = &old
            && !session::end(tx, old)?
            && alive
        {
            return Err(Error::Missing);
        }
        session::begin(tx, &new, times)
    })?;
    Ok(Handover::Key(key))
}
