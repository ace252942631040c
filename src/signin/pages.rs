//! The way to the provider and back, the way out, and one's own page.

mod me;
mod trouble;

use askama::Template;
use serde::{Deserialize, Serialize};
use url::Url;

use super::commands;
use super::oidc::{Attempt, CallbackQuery, Identity, Oidc};
use crate::access::policy::Gate;
use crate::error::Result;
use crate::site::Site;
use crate::web::{Cx, Limit, Place, Reply, Route, SessionChange, Shell, get, post, safe_next};

/// Where the provider sends people back to with an answer; it must know this address.
pub const CALLBACK: &str = "/signin/callback";
/// Where the provider sends people back to after they signed out there; it must know this address.
pub const SIGN_IN: &str = "/signin";
/// The longest way back that its cookie holds.
const NEXT_MAX: usize = 1_500;

/// This slice's pages.
pub const ROUTES: &[Route] = &[
    get(SIGN_IN, Gate::Open, show),
    get("/signin/go", Gate::Open, go).limited(Limit::SignIn),
    get(CALLBACK, Gate::Open, callback).limited(Limit::Callback),
    post("/signout", Gate::Open, sign_out),
    get("/me", Gate::SignedIn, me::show),
    post("/me/shortcuts", Gate::SignedIn, me::shortcuts),
    post("/me/mail", Gate::SignedIn, me::mail),
    get("/me/time-zone", Gate::SignedIn, me::zone),
    post("/me/time-zone", Gate::SignedIn, me::set_zone),
    post("/me/sessions/end", Gate::SignedIn, me::end_session),
    post("/me/sessions/end-others", Gate::SignedIn, me::end_others),
    post("/me/signout-everywhere", Gate::SignedIn, me::sign_out_everywhere),
];

#[derive(Template)]
#[template(path = "signin/sign_in.html")]
struct SignInPage {
    shell: Shell,
    provider: String,
    go: String,
    elsewhere: bool,
    idle_minutes: i64,
    absolute_hours: i64,
}

fn show(cx: &mut Cx) -> Result<Reply> {
    let next = next(cx.query("next")).to_owned();
    if cx.actor().is_some() {
        return Ok(Reply::see_other(next));
    }
    let Some(provider) = cx.site.oidc.as_ref().map(|oidc| oidc.provider().to_owned()) else {
        return trouble::not_set_up(cx);
    };
    let times = cx.site.sessions;
    Reply::page(&SignInPage {
        shell: cx.shell("Sign in", Place::None)?,
        provider,
        go: go_to(&next),
        elsewhere: next != "/",
        idle_minutes: times.idle_minutes,
        absolute_hours: times.absolute_hours,
    })
}

/// What the cookie keeps while the person is at the provider.
#[derive(Serialize, Deserialize)]
struct UnderWay {
    attempt: Attempt,
    next: String,
}

fn go(cx: &mut Cx) -> Result<Reply> {
    let next = next(cx.query("next")).to_owned();
    if cx.actor().is_some() {
        return Ok(Reply::see_other(next));
    }
    let Some(oidc) = cx.site.oidc.clone() else { return trouble::not_set_up(cx) };
    match oidc.start() {
        Ok((url, attempt)) => {
            let cookie = serde_json::to_string(&UnderWay { attempt, next })?;
            Ok(Reply::leave(url).cookie_attempt(Some(cookie)))
        }
        Err(problem) => trouble::at_provider(cx, &problem, &next),
    }
}

fn callback(cx: &mut Cx) -> Result<Reply> {
    let under_way: Option<UnderWay> =
        cx.attempt().and_then(|cookie| serde_json::from_str(cookie).ok());
    let Some(UnderWay { attempt, next }) = under_way else {
        // Somebody who reloads the address, or goes back to it, is signed in already.
        if cx.actor().is_some() {
            return Ok(Reply::see_other("/"));
        }
        return trouble::no_attempt(cx);
    };
    let Some(oidc) = cx.site.oidc.clone() else { return trouble::not_set_up(cx) };
    match oidc.finish(&attempt, &said(cx)) {
        Ok(identity) => admit(cx, &oidc, identity, &next),
        Err(problem) => trouble::at_provider(cx, &problem, &next),
    }
}

/// Begins the session of whom the provider means.
fn admit(cx: &mut Cx, oidc: &Oidc, identity: Identity, next: &str) -> Result<Reply> {
    let (who, first) = (identity.clone(), cx.site.first_administrator.clone());
    let signed_in =
        cx.site.db.write(commands::BY, move |tx| commands::sign_in(tx, &who, first.as_deref()))?;
    match signed_in {
        Ok(person) => {
            let change = SessionChange::SignIn { person, id_token: Some(identity.id_token) };
            Ok(Reply::see_other(next).session(change).cookie_attempt(None))
        }
        Err(no) => trouble::refused(cx, oidc, &identity, &no),
    }
}

/// What the provider sent back with the person.
fn said(cx: &Cx) -> CallbackQuery {
    let value = |name: &str| {
        let mut pairs = cx.query_pairs().iter();
        pairs.find(|(other, _)| other == name).map(|(_, value)| value.clone())
    };
    CallbackQuery {
        code: value("code"),
        state: value("state"),
        iss: value("iss"),
        error: value("error"),
        error_description: value("error_description"),
    }
}

#[derive(Template)]
#[template(path = "signin/signed_out.html")]
struct SignedOutPage {
    shell: Shell,
    everywhere: Option<String>,
    provider: String,
    end_session: Option<String>,
}

fn sign_out(cx: &mut Cx) -> Result<Reply> {
    signed_out(cx, None)
}

/// Ends this browser's session. The provider's own is ended by a link, because a form leads to no other site (E22).
fn signed_out(cx: &Cx, everywhere: Option<String>) -> Result<Reply> {
    let oidc = cx.site.oidc.as_ref();
    let shell = Shell {
        who: None,
        nav: vec![],
        csrf: String::new(),
        idle: None,
        ..cx.shell("Signed out", Place::None)?
    };
    let page = SignedOutPage {
        shell,
        everywhere,
        provider: oidc.map(|oidc| oidc.provider().to_owned()).unwrap_or_default(),
        end_session: oidc.and_then(|oidc| end_session(&cx.site, oidc, cx.id_token()?)),
    };
    Ok(Reply::page(&page)?.session(SessionChange::SignOut))
}

/// The provider's page for signing out there.
fn end_session(site: &Site, oidc: &Oidc, id_token: &str) -> Option<String> {
    let back = site.public_url.join(SIGN_IN).ok()?;
    oidc.end_session(id_token, &back).map(Url::into)
}

/// Where to go on to after signing in.
fn next(asked: &str) -> &str {
    let next = safe_next(asked);
    if next.len() > NEXT_MAX || next.starts_with("/signin") { "/" } else { next }
}

fn go_to(next: &str) -> String {
    if next == "/" {
        return "/signin/go".to_owned();
    }
    let next: String = url::form_urlencoded::byte_serialize(next.as_bytes()).collect();
    format!("/signin/go?next={next}")
}
