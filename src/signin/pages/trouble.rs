//! The pages for sign-ins that came to nothing. What the provider did wrong is for the log only.

use super::super::oidc::{Identity, Oidc, Problem};
use super::super::rules::No;
use super::{end_session, go_to};
use crate::error::Result;
use crate::kernel::text::{one_line, shortened};
use crate::web::page::ProblemPage;
use crate::web::{Cx, Place, Reply};

/// Something did not work between here and the provider.
pub(super) fn at_provider(cx: &Cx, problem: &Problem, next: &str) -> Result<Reply> {
    tracing::warn!(path = cx.path(), detail = problem.detail(), "a sign-in came to nothing");
    let (status, heading) = match problem {
        Problem::Down(_) => (503, "Nobody can sign in right now"),
        Problem::Settings(_) | Problem::Discovery(_) => (503, "Sign-in does not work here"),
        Problem::Stale(_) => (400, "That sign-in is over"),
        Problem::ClaimMissing(_) => (403, "Nobody said who you are"),
        Problem::Refused(_) | Problem::Token(_) => (403, "You are not signed in"),
    };
    let ways = vec![("Try again".to_owned(), Some(go_to(next)))];
    let reply = page(cx, status, heading, &problem.to_string(), ways)?;
    Ok(match problem {
        Problem::Down(_) => reply.header("Retry-After", "30").cookie_attempt(None),
        // The attempt may still be under way in another window.
        Problem::Stale(_) => reply,
        _ => reply.cookie_attempt(None),
    })
}

/// Somebody came back who never went, or too late.
pub(super) fn no_attempt(cx: &Cx) -> Result<Reply> {
    at_provider(cx, &Problem::Stale("no attempt is under way in this browser".into()), "/")
}

/// The configuration names no provider.
pub(super) fn not_set_up(cx: &Cx) -> Result<Reply> {
    at_provider(cx, &Problem::Settings("no provider is configured".into()), "/")
}

/// The provider knows the person, and we do not let them in.
pub(super) fn refused(cx: &Cx, oidc: &Oidc, identity: &Identity, no: &No) -> Result<Reply> {
    let person = no.concerns().map(|(id, ..)| id.to_string());
    tracing::warn!(person, no = no.word(), "a sign-in was refused");
    let provider = oidc.provider();
    let (heading, lede) = match no {
        No::Unknown => (
            "Keyholder does not know you",
            format!(
                "You signed in at {provider} as {}, and nobody in the directory has this id or mail address. \
                 No account was made.",
                tried(identity)
            ),
        ),
        No::Several => (
            "Keyholder cannot tell who you are",
            format!(
                "You signed in at {provider} as {}, and the directory has more than one person of this id or \
                 mail address.",
                tried(identity)
            ),
        ),
        No::Left(..) => (
            "Your account is closed",
            format!(
                "You signed in at {provider} as {}, who has left according to the staff list.",
                tried(identity)
            ),
        ),
        No::OtherAccount(..) | No::OtherPerson(..) => (
            "This is not the account you signed in with before",
            format!(
                "You signed in at {provider} as {}. A person and their account belong together from the first \
                 sign-in on, and these do not. The audit log has a note of it.",
                tried(identity)
            ),
        ),
    };
    let whom =
        if cx.site.help.is_empty() { "an administrator of this site" } else { &cx.site.help };
    let mut ways =
        vec![(format!("If that is wrong, ask for help and quote this page: {whom}"), None)];
    if let Some(href) = end_session(&cx.site, oidc, &identity.id_token) {
        ways.push((format!("Sign out at {provider}, to sign in as somebody else"), Some(href)));
    }
    Ok(page(cx, 403, heading, &lede, ways)?.cookie_attempt(None))
}

/// What the provider said of them, cut to what a page can hold.
fn tried(identity: &Identity) -> String {
    let short = |text: &str| shortened(&one_line(text), 120);
    match &identity.mail {
        Some(mail) if *mail != identity.person_key => {
            format!("“{}” ({})", short(&identity.person_key), short(mail))
        }
        _ => format!("“{}”", short(&identity.person_key)),
    }
}

fn page(
    cx: &Cx,
    status: u16,
    heading: &str,
    lede: &str,
    ways: Vec<(String, Option<String>)>,
) -> Result<Reply> {
    let page = ProblemPage {
        shell: cx.shell(heading, Place::None)?,
        status,
        heading: heading.to_owned(),
        lede: lede.to_owned(),
        ways,
        reference: None,
        kept: None,
    };
    Ok(Reply::page(&page)?.status(status))
}
