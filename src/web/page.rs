//! What every page carries: the shell around its content, and the small prepared values
//! that `templates/shell/macros.html` draws. Plain data; nothing here knows actix.

use askama::Template;

use super::words::{self, When};

/// Everything that `shell/base.html` needs. Each page's struct has it as the field `shell`.
#[derive(Clone, Debug, Default)]
pub struct Shell {
    /// "Task – Section"; the base adds "Error: " before it and " – Keyholder" after it.
    pub title: String,
    /// The place that is marked in the navigation.
    pub place: Place,
    /// The organization's name.
    pub organization: String,
    /// Who is signed in; none before sign-in.
    pub who: Option<Who>,
    /// The places that this person may use, in the order of the product. Empty before sign-in.
    pub nav: Vec<NavItem>,
    /// How many notices the person has not marked as read: "6" or "9+"; none if they have read all.
    pub unread: Option<String>,
    /// The outcome of what the person just did. Not shown beside errors: a page has one banner.
    pub notice: Option<Notice>,
    /// What is wrong with the form of this page; the same words stand beside each field.
    pub errors: Vec<FieldError>,
    /// The session's token, for every form that changes something.
    pub csrf: String,
    /// True in the demo: the footer leads to its clock, mailbox and target system.
    pub demo: bool,
    /// "CET (UTC+1)": the zone in which the page shows times.
    pub zone: String,
    /// "23 Nov 2026 10:12 CET": the time that a print carries.
    pub printed: String,
    /// "light" or "dark" if the person chose; otherwise the browser decides.
    pub theme: Option<&'static str>,
    /// How to get help and from whom; empty if the organization names nobody.
    pub help: String,
    /// Seconds until the session ends if nothing happens; the page warns two minutes before.
    pub idle: Option<u32>,
    /// True where single letters may be shortcuts: the person has not switched them off (F4).
    pub keys: bool,
}

impl Shell {
    /// What is wrong with a field, in the words of the summary.
    #[must_use]
    pub fn error(&self, field: &str) -> Option<&str> {
        self.errors.iter().find(|error| error.field == field).map(|error| error.text.as_str())
    }

    /// The heading of the error summary.
    #[must_use]
    pub fn errors_heading(&self) -> String {
        match self.errors.len() {
            1 => "One answer needs another look".to_owned(),
            n => format!(
                "{} answers need another look",
                words::capital(&words::number(i64::try_from(n).unwrap_or(i64::MAX)))
            ),
        }
    }
}

/// The places of the navigation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Place {
    /// A page outside of the navigation, such as a problem or the person's own page.
    #[default]
    None,
    /// What waits, what one waits for, what ends soon.
    Home,
    /// Find access.
    Browse,
    /// My access.
    Access,
    /// My requests.
    Requests,
    /// What waits for my decision.
    Approvals,
    /// Access reviews.
    Reviews,
    /// Those who report to one.
    Team,
    /// The catalogs that one looks after.
    Catalogs,
    /// The people that one may look up.
    People,
    /// The audit log.
    Audit,
}

/// Who is signed in.
#[derive(Clone, Debug)]
pub struct Who {
    /// The person's id.
    pub id: String,
    /// The name as the directory has it.
    pub name: String,
}

/// One place in the navigation.
#[derive(Clone, Debug)]
pub struct NavItem {
    /// Which place it is.
    pub place: Place,
    /// Its address.
    pub href: &'static str,
    /// Its name, the same on every page.
    pub label: &'static str,
    /// How many things wait there for this person: "6" or "9+" (`words::badge`).
    pub count: Option<String>,
}

/// The outcome of what the person just did, above the page's heading.
#[derive(Clone, Debug)]
pub struct Notice {
    /// Whether it went well.
    pub kind: NoticeKind,
    /// The outcome in two or three words with a full stop: "Reminder sent."
    pub strong: String,
    /// What it means.
    pub text: String,
    /// The address of the form that undoes it, as long as that can be done.
    pub undo: Option<String>,
}

/// Whether it went well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoticeKind {
    /// Done.
    Good,
    /// Done in part, or not done for a reason that the person should know.
    Warn,
}

/// What is wrong with one answer of a form.
#[derive(Clone, Debug)]
pub struct FieldError {
    /// The field's name, which is also its id; empty if it belongs to no field.
    pub field: String,
    /// How to put it right: "Choose an end date on or before 21 February 2027".
    pub text: String,
}

/// One answer that can be chosen: for `field_select`, and for loops over `choice_radio` and `choice_check`.
#[derive(Clone, Debug, Default)]
pub struct Choice {
    /// What the form sends.
    pub value: String,
    /// What the person reads.
    pub label: String,
    /// One more sentence; empty if none.
    pub hint: String,
    /// Whether the person had chosen it. Nothing is chosen for them in a decision.
    pub on: bool,
}

/// Where a list stands. Addresses keep the filter and the order; none at either end.
#[derive(Clone, Debug, Default)]
pub struct Pager {
    /// The first row shown, from 1.
    pub from: i64,
    /// The last row shown.
    pub to: i64,
    /// All rows of the filter.
    pub total: i64,
    /// The address of the page before.
    pub previous: Option<String>,
    /// The address of the page after.
    pub next: Option<String>,
    /// The address of the same list as CSV.
    pub csv: Option<String>,
}

impl Pager {
    /// "1 to 25 of 612", or "None".
    #[must_use]
    pub fn words(&self) -> String {
        match self.total {
            ..=0 => "None".to_owned(),
            1 => "1 of 1".to_owned(),
            total => format!(
                "{} to {} of {}",
                words::figures(self.from),
                words::figures(self.to),
                words::figures(total)
            ),
        }
    }
}

/// One item of a timeline.
#[derive(Clone, Debug, Default)]
pub struct Moment {
    /// What kind of step it is; decides the shape on the rule.
    pub step: Step,
    /// When it happened or is expected.
    pub when: Option<When>,
    /// Words in place of the time ("About 5 minutes") or before it ("Since"); empty if none.
    pub at: String,
    /// What happened, as a sentence without a full stop.
    pub heading: String,
}

/// What kind of step an item of a timeline is. Shape first, color last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Step {
    /// It happened.
    #[default]
    Done,
    /// It happened and stands out.
    Warn,
    /// It ended the matter without a yes.
    Stop,
    /// It is with someone now; at most one on a page.
    Now,
    /// It is expected.
    Later,
}

impl Step {
    /// The icon on the rule.
    #[must_use]
    pub fn icon(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Warn => "stand",
            Self::Stop => "bar",
            Self::Now => "half",
            Self::Later => "ring",
        }
    }

    /// The class of the item.
    #[must_use]
    pub fn class(self) -> &'static str {
        match self {
            Self::Now => "now",
            Self::Later => "later",
            _ => "past",
        }
    }

    /// The class of the icon.
    #[must_use]
    pub fn tone(self) -> &'static str {
        match self {
            Self::Done => "is-ok",
            Self::Warn => "is-warn",
            Self::Stop => "is-stop",
            Self::Now | Self::Later => "is-plain",
        }
    }
}

/// A status: shape and word first, color last; `m::mark` draws it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mark {
    /// The color: "", "ok", "warn", "stop" or "off".
    pub kind: &'static str,
    /// The icon.
    pub shape: &'static str,
    /// The words.
    pub text: String,
}

impl Mark {
    /// A mark.
    #[must_use]
    pub fn new(kind: &'static str, shape: &'static str, text: impl Into<String>) -> Self {
        Self { kind, shape, text: text.into() }
    }
}

/// Some names out of many, each to be set apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// The names that are shown.
    pub shown: Vec<String>,
    /// How many more there are.
    pub more: usize,
}

impl Names {
    /// The names, at most three of them in full.
    #[must_use]
    pub fn of<S: AsRef<str>>(all: &[S]) -> Self {
        let most = if all.len() > 3 { 2 } else { 3 };
        let shown: Vec<String> = all.iter().take(most).map(|n| n.as_ref().to_owned()).collect();
        Self { more: all.len() - shown.len(), shown }
    }

    /// Each name with the words that follow it.
    #[must_use]
    pub fn parts(&self) -> Vec<(&str, String)> {
        let last = self.shown.len().saturating_sub(1);
        let after = |index| match (last - index, self.more) {
            (0, 0) => String::new(),
            (0, more) => format!(" and {more} more"),
            (1, 0) => " and ".to_owned(),
            _ => ", ".to_owned(),
        };
        self.shown.iter().enumerate().map(|(at, name)| (name.as_str(), after(at))).collect()
    }
}

/// The page for everything that went another way: what happened, what to do, and what was typed.
#[derive(Clone, Debug, Template)]
#[template(path = "problem.html")]
pub struct ProblemPage {
    /// The shell; its title is the heading.
    pub shell: Shell,
    /// The HTTP status, in the margin.
    pub status: u16,
    /// What happened, as a sentence.
    pub heading: String,
    /// Why, in one or two sentences.
    pub lede: String,
    /// What can be done, most useful first; with an address where there is one.
    pub ways: Vec<(String, Option<String>)>,
    /// The reference under which the log knows this answer.
    pub reference: Option<String>,
    /// What the person had typed, shown so that it is not lost.
    pub kept: Option<String>,
}
