//! Everything that went another way, as a page: what happened, what to do, and what was typed (C9).

use super::cx::{Counts, Cx, Redirect};
use super::page::{FieldError, Place, ProblemPage, Shell};
use super::reply::Reply;
use crate::error::{self, Error};

impl From<&error::FieldError> for FieldError {
    fn from(error: &error::FieldError) -> Self {
        Self { field: error.field.clone(), text: error.text.clone() }
    }
}

impl Shell {
    /// The same shell with what is to be mended in the form; the answer's status is 422.
    #[must_use]
    pub fn with_errors(mut self, errors: &[error::FieldError]) -> Self {
        self.errors = errors.iter().map(Into::into).collect();
        self
    }
}

/// A page to be drawn instead of the one that was asked for.
pub(super) struct Problem {
    pub(super) status: u16,
    pub(super) heading: String,
    pub(super) lede: String,
    pub(super) ways: Vec<(String, Option<String>)>,
    pub(super) retry_after: Option<u32>,
    pub(super) reference: Option<String>,
    pub(super) errors: Vec<FieldError>,
    /// Shows what was typed; not where the form came from elsewhere.
    pub(super) keep: bool,
}

impl Problem {
    pub(super) fn new(status: u16, heading: &str, lede: &str) -> Self {
        Self {
            status,
            heading: heading.to_owned(),
            lede: lede.to_owned(),
            ways: vec![],
            retry_after: None,
            reference: None,
            errors: vec![],
            keep: true,
        }
    }

    pub(super) fn way(mut self, words: &str, href: impl Into<String>) -> Self {
        self.ways.push((words.to_owned(), Some(href.into())));
        self
    }

    fn hint(mut self, words: &str) -> Self {
        self.ways.push((words.to_owned(), None));
        self
    }

    pub(super) fn unkept(mut self) -> Self {
        self.keep = false;
        self
    }

    fn retry(mut self, seconds: u32) -> Self {
        self.retry_after = Some(seconds);
        self
    }
}

/// A body that could not be read.
pub(super) fn unreadable(status: u16) -> Problem {
    match status {
        413 => Problem::new(
            413,
            "That is too much text",
            "What you sent is larger than this site takes. Nothing was stored.",
        )
        .hint("Go back in your browser, shorten the text and send it again."),
        415 => Problem::new(
            415,
            "This site cannot read that",
            "What was sent is not one of this site's forms. Nothing was stored.",
        )
        .hint("Open the page again and send its form."),
        _ => Problem::new(
            400,
            "What you sent did not arrive whole",
            "The connection broke while it was being sent. Nothing was stored.",
        )
        .hint("Go back in your browser and send it again."),
    }
}

/// The way of the method is not there.
pub(super) fn wrong_method() -> Problem {
    Problem::new(405, "This address works another way", "It takes no request of this kind.")
        .way("Go to Home", "/")
}

/// The form was not one of this site's pages, or was open for too long.
pub(super) fn foreign_form() -> Problem {
    Problem::new(
        403,
        "This form cannot be taken",
        "It was sent from another site, or from a page that was opened before you last signed in. \
         Nothing was stored.",
    )
    .hint("Open the page again from the menu and send its form.")
    .way("Go to Home", "/")
}

/// The form came after the session had ended, and nothing could be kept.
pub(super) fn signed_out(next: &str) -> Problem {
    Problem::new(
        403,
        "You are signed out",
        "What you sent was not stored. Sign in and send it again.",
    )
    .way("Sign in", super::address::sign_in(next))
}

/// Somebody signed in with the provider who may not use this site any more.
pub(super) fn closed_account() -> Problem {
    Problem::new(
        403,
        "Your account here is closed",
        "The staff list of your organization does not have you among the people who use this site.",
    )
    .hint("If that is wrong, ask whoever helps with this site.")
}

/// The page for an error.
pub(super) fn reply(cx: &Cx, error: Error) -> Reply {
    match error {
        Error::Invalid(fields) => {
            let mut problem = Problem::new(
                422,
                "Some answers need another look",
                "Nothing was stored. Go back in your browser; what you typed is still there.",
            );
            // The fields are on another page: nothing here to lead to.
            problem.errors = fields
                .iter()
                .map(|e| FieldError { field: String::new(), text: e.text.clone() })
                .collect();
            draw(cx, problem)
        }
        Error::Refused(refusal) => {
            let mut problem = Problem::new(409, &refusal.title, &refusal.why);
            problem.ways = refusal.ways;
            draw(cx, problem)
        }
        Error::Denied(words) => {
            let problem = Problem::new(403, "You cannot do this", &words)
                .hint("If you need it for your work, ask whoever helps with this site.");
            let home = if cx.actor.is_some() { "Go to Home" } else { "Sign in" };
            draw(cx, problem.way(home, "/"))
        }
        Error::Missing => draw(
            cx,
            Problem::new(
                404,
                "Page not found",
                "The address is wrong, what it led to is gone, or it is not for you to see.",
            )
            .hint("Check the address if you typed it.")
            .way("Go to Home", "/"),
        ),
        Error::Stale | Error::Busy => draw(
            cx,
            Problem::new(
                503,
                "The site is busy",
                "Too much is going on at once. Nothing was stored.",
            )
            .hint("Wait a few seconds and try again.")
            .retry(5),
        ),
        Error::TooMany => draw(
            cx,
            Problem::new(
                429,
                "Too many requests",
                "More came in a minute than this site takes. Nothing was stored.",
            )
            .hint("Wait a minute and try again.")
            .retry(60),
        ),
        Error::Broken(error) => match error.downcast::<Redirect>() {
            Ok(Redirect(path)) => Reply::see_other(path),
            Err(error) => broken(cx, &error),
        },
    }
}

fn broken(cx: &Cx, error: &anyhow::Error) -> Reply {
    let reference = reference(cx);
    let person = cx.person().ok().map(|p| p.id.to_string());
    tracing::error!(
        reference,
        path = cx.path(),
        person,
        error = format!("{error:#}"),
        "an answer failed"
    );
    let mut problem = Problem::new(
        500,
        "Something went wrong on this site",
        "It is not your fault. The people who run this site find what happened by the reference below.",
    )
    .hint("Try again; if it fails again, ask for help and quote the reference.")
    .way("Go to Home", "/");
    problem.reference = Some(reference);
    draw(cx, problem)
}

/// "E-7KQ2-10:12": four letters or digits that cannot be mistaken for one another, and the local time.
fn reference(cx: &Cx) -> String {
    const LETTERS: &[u8; 32] = b"23456789ABCDEFGHJKLMNPQRSTUVWXYZ";
    let letters: String = rand::random::<[u8; 4]>()
        .iter()
        .map(|n| char::from(LETTERS[usize::from(n % 32)]))
        .collect();
    let local = cx.zone().organization().local(cx.wall());
    format!("E-{letters}-{}", local.format("%H:%M"))
}

/// Draws the page, with as much of the shell as can be had.
pub(super) fn draw(cx: &Cx, problem: Problem) -> Reply {
    let title = problem.heading.clone();
    let mut shell = cx
        .shell(title.clone(), Place::None)
        .unwrap_or_else(|_| cx.shell_without_reading(title, Place::None, Counts::default()));
    shell.errors = problem.errors;
    let page = ProblemPage {
        shell,
        status: problem.status,
        heading: problem.heading,
        lede: problem.lede,
        ways: problem.ways,
        reference: problem.reference,
        kept: if problem.keep && cx.asked.post { cx.form.typed() } else { None },
    };
    let reply = match Reply::page(&page) {
        Ok(reply) => reply.status(problem.status),
        Err(error) => {
            tracing::error!(%error, "the page of a problem cannot be drawn");
            Reply::text(500, "Something went wrong on this site. Try again in a moment.")
        }
    };
    match problem.retry_after {
        Some(seconds) => reply.header("Retry-After", seconds.to_string()),
        None => reply,
    }
}

/// What a panic said.
pub(super) fn panic_words(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "without words".to_owned())
}
