//! What a letter says: as text and as HTML, from one draft.
//!
//! Each fact that is told has its words in a template of `templates/letters`: the first line is the subject (action,
//! object, deadline), each block after it is a paragraph. `letter.txt` and `letter.html` put around them what every
//! letter has: what it is about, somebody's own words, the link, and why one gets it. A fact without words of its own
//! is told by its sentence: whoever decides reads it in `decide.txt`, everybody else in `happened.txt`. To give a fact
//! words: a template, a variant of [`Words`], a line in [`Words::of`].

use askama::Template;
use url::Url;

use super::model::{Asked, Told};
use super::rules::Reader;
use crate::error::{Error, Result};
use crate::kernel::fact::{Fact, listed};
use crate::kernel::text::{one_line, shortened, tidy};
use crate::kernel::{PersonId, Ts, Zone};
use crate::web::words::date;

/// The longest name in a letter, in characters.
const NAME: usize = 80;
/// The longest subject, in characters.
const SUBJECT: usize = 160;
/// As much of somebody's own words as a letter quotes, in characters.
const QUOTE: usize = 600;

/// What stands on every letter.
#[derive(Clone, Debug)]
pub struct Letterhead {
    /// The address under which people reach this site.
    pub site: Url,
    /// The organization's name.
    pub organization: String,
    /// How to get help and from whom; empty if nobody is named.
    pub help: String,
    /// The zone in which times are written.
    pub zone: Zone,
}

/// A letter as it is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// One line.
    pub subject: String,
    /// All of it as plain text.
    pub text: String,
    /// The same as HTML, without pictures, styles and scripts.
    pub html: String,
}

impl Letter {
    /// The letter of a notice. The same notice makes the same letter at every try.
    ///
    /// # Errors
    /// When a template cannot be drawn.
    pub fn of(told: &Told, head: &Letterhead) -> Result<Self> {
        let draft = Draft::of(told, head)?;
        let text = drawn(&Text { draft: &draft })?;
        let html = drawn(&Html { draft: &draft })?;
        Ok(Self { subject: draft.subject, text, html })
    }
}

fn drawn(template: &impl Template) -> Result<String> {
    template.render().map_err(|error| Error::Broken(error.into()))
}

#[derive(Template)]
#[template(path = "letters/letter.txt")]
struct Text<'a> {
    draft: &'a Draft,
}

#[derive(Template)]
#[template(path = "letters/letter.html")]
struct Html<'a> {
    draft: &'a Draft,
}

/// A letter before it is drawn.
struct Draft {
    subject: String,
    paragraphs: Vec<String>,
    facts: Vec<(&'static str, String)>,
    /// Whose words, and their lines.
    quote: Option<(String, Vec<String>)>,
    /// Words and address.
    link: (&'static str, String),
    why: String,
    zone: &'static str,
    help: String,
    organization: String,
}

impl Draft {
    fn of(told: &Told, head: &Letterhead) -> Result<Self> {
        let speak = Speak::of(told);
        let zone = head.zone.with_clock_of(told.to.clock);
        let words = drawn(&Words::of(told, &speak, zone))?;
        let (subject, rest) = words.split_once('\n').unwrap_or((&words, ""));
        let address = head.site.join(&told.link).map_err(|error| Error::Broken(error.into()))?;
        Ok(Self {
            subject: shortened(&one_line(subject), SUBJECT),
            paragraphs: rest.split("\n\n").map(one_line).filter(|part| !part.is_empty()).collect(),
            facts: facts(told, &speak, zone),
            quote: quote(told, &speak),
            link: (link_words(&told.link), address.into()),
            why: why(told, &speak),
            zone: zone.name(),
            help: head.help.clone(),
            organization: head.organization.clone(),
        })
    }
}

/// The names that the words of a letter speak of: one line each, short, and no links.
struct Speak {
    what: String,
    actor: String,
    person: String,
    resource: String,
    requestor: String,
    target: String,
    for_themselves: bool,
    /// True where the actor stood in for somebody, whose name stands beside theirs.
    stood_in: bool,
    /// " for Asha Rao", or nothing where it is for the reader.
    for_whom: String,
}

impl Speak {
    fn of(told: &Told) -> Self {
        let text = |name: Option<&String>, none: &str| named(name.map_or(none, String::as_str));
        let request = told.request.as_ref();
        let person = text(told.person.as_ref().map(|(_, name)| name), "somebody");
        let target = request.map_or_else(|| person.clone(), |asked| named(&asked.target.1));
        let reader = |id: Option<PersonId>| id == Some(told.to.id);
        let for_reader = match request {
            Some(asked) => reader(Some(asked.target.0)),
            None => reader(told.person.as_ref().map(|(id, _)| *id)),
        };
        Self {
            what: text(told.package.as_ref(), "access"),
            actor: match told.fact.as_ref().and_then(Fact::instead_of) {
                // Every decision names both people (D34).
                Some(name) => format!("{}, standing in for {}", named(&told.actor), named(name)),
                None => named(&told.actor),
            },
            stood_in: told.fact.as_ref().is_some_and(|fact| fact.instead_of().is_some()),
            resource: text(told.resource.as_ref(), "a resource"),
            requestor: request.map_or_else(|| person.clone(), |asked| named(&asked.requestor.1)),
            for_themselves: request.is_none_or(|asked| asked.requestor.0 == asked.target.0),
            for_whom: if for_reader { String::new() } else { format!(" for {target}") },
            person,
            target,
        }
    }
}

/// The words of each fact that has its own.
#[derive(Template)]
enum Words<'a> {
    #[template(path = "letters/decide.txt")]
    Decide { s: &'a Speak, due: String, because: Option<String> },
    #[template(path = "letters/remind.txt")]
    Remind { s: &'a Speak, due: String, last: bool, who: Option<String> },
    #[template(path = "letters/handed_over.txt")]
    HandedOver { s: &'a Speak, gone: String, now: String },
    #[template(path = "letters/requested.txt")]
    Requested { s: &'a Speak, extension: bool },
    #[template(path = "letters/refused.txt")]
    Refused { s: &'a Speak },
    #[template(path = "letters/held.txt")]
    Held { s: &'a Speak, why: Option<String> },
    #[template(path = "letters/asked.txt")]
    Asked { s: &'a Speak, due: String },
    #[template(path = "letters/approved.txt")]
    Approved { s: &'a Speak, automatic: bool },
    #[template(path = "letters/scheduled.txt")]
    Scheduled { s: &'a Speak, starts: String },
    #[template(path = "letters/delivered.txt")]
    Delivered { s: &'a Speak, until: Option<String> },
    #[template(path = "letters/denied.txt")]
    Denied { s: &'a Speak, rule: Option<String> },
    #[template(path = "letters/expired.txt")]
    Expired { s: &'a Speak },
    #[template(path = "letters/canceled.txt")]
    Canceled { s: &'a Speak },
    #[template(path = "letters/undelivered.txt")]
    Undelivered { s: &'a Speak, why: String },
    #[template(path = "letters/ending.txt")]
    Ending { s: &'a Speak, until: String, extendable: bool },
    #[template(path = "letters/extended.txt")]
    Extended { s: &'a Speak, until: Option<String> },
    #[template(path = "letters/ended.txt")]
    Ended { s: &'a Speak, sentence: String },
    #[template(path = "letters/delivery_trouble.txt")]
    DeliveryTrouble { s: &'a Speak, role: String, sentence: String },
    #[template(path = "letters/removal_overdue.txt")]
    RemovalOverdue { s: &'a Speak, role: String, sentence: String },
    #[template(path = "letters/role.txt")]
    Role { given: bool, role: String, sentence: String },
    #[template(path = "letters/happened.txt")]
    Happened { subject: String, sentence: String },
}

impl<'a> Words<'a> {
    fn of(told: &'a Told, s: &'a Speak, zone: Zone) -> Self {
        let sentence = named_up_to(&told.sentence, QUOTE);
        let asked = told.request.as_ref();
        let due = asked.and_then(|asked| asked.due).map(|due| until(due, zone));
        match (&told.fact, told.reader) {
            (Some(Fact::StageOpened { due, .. }), _) => {
                Self::Decide { s, due: until(*due, zone), because: None }
            }
            (Some(Fact::DecisionReminded { last, due, .. }), _) => {
                Self::Remind { s, due: until(*due, zone), last: *last, who: None }
            }
            (Some(Fact::RequestReminded { .. }), Reader::Decider | Reader::StandIn)
                if due.is_some() =>
            {
                let due = due.unwrap_or_default();
                Self::Remind { s, due, last: false, who: Some(s.actor.clone()) }
            }
            // Whatever made their decision awaited: they read what to do until when, and then why now.
            (fact, Reader::Decider | Reader::StandIn) if due.is_some() => {
                let because = match fact {
                    Some(Fact::ApproversChanged { gone, .. }) => {
                        format!("It came to you because {} can no longer decide", names(gone))
                    }
                    _ => sentence,
                };
                Self::Decide { s, due: due.unwrap_or_default(), because: Some(because) }
            }
            (Some(Fact::ApproversChanged { gone, now, .. }), _) => {
                Self::HandedOver { s, gone: names(gone), now: names(now) }
            }
            (Some(Fact::RequestSubmitted { .. }), _) => Self::Requested { s, extension: false },
            (Some(Fact::ExtensionRequested { .. }), _) => Self::Requested { s, extension: true },
            (Some(Fact::RequestRefused), _) => Self::Refused { s },
            (Some(Fact::RequestHeld { why }), _) => Self::Held { s, why: Some(clause(why)) },
            (Some(Fact::InformationAsked { due, .. }), Reader::Asker) => {
                Self::Asked { s, due: until(*due, zone) }
            }
            (Some(Fact::RequestResumed), _) => Self::Held { s, why: None },
            (Some(Fact::RequestApproved { automatic }), _) => {
                Self::Approved { s, automatic: *automatic }
            }
            (Some(Fact::RequestScheduled { starts }), _) => {
                Self::Scheduled { s, starts: from(*starts, zone) }
            }
            (Some(Fact::RequestDelivered), _) => {
                let until = asked.and_then(|asked| asked.until).map(|at| until(at, zone));
                Self::Delivered { s, until }
            }
            (Some(Fact::StageDenied { .. }), _) => Self::Denied { s, rule: None },
            (Some(Fact::RequestDenied { rule }), _) => Self::Denied { s, rule: Some(clause(rule)) },
            (Some(Fact::RequestExpired { .. }), _) => Self::Expired { s },
            (Some(Fact::RequestCanceled { .. }), _) => Self::Canceled { s },
            (Some(Fact::RequestUndelivered { why }), _) => {
                Self::Undelivered { s, why: clause(why) }
            }
            (Some(Fact::AssignmentEnding { until: at, extendable }), _) => {
                Self::Ending { s, until: until(*at, zone), extendable: *extendable }
            }
            (Some(Fact::AssignmentExtended { until: at }), _) => {
                Self::Extended { s, until: at.map(|at| until(at, zone)) }
            }
            (Some(Fact::AssignmentEnded { .. }), Reader::Person) => Self::Ended { s, sentence },
            (Some(Fact::DeliveryTroubled { role, .. }), _) => {
                Self::DeliveryTrouble { s, role: named(role), sentence: clause(&told.sentence) }
            }
            (Some(Fact::RemovalOverdue { role, .. }), _) => {
                Self::RemovalOverdue { s, role: named(role), sentence }
            }
            (Some(Fact::GlobalRoleGranted { role }), _) => {
                Self::Role { given: true, role: named(role), sentence }
            }
            (Some(Fact::GlobalRoleWithdrawn { role }), _) => {
                Self::Role { given: false, role: named(role), sentence }
            }
            _ => Self::Happened { subject: sentence.clone(), sentence },
        }
    }
}

/// What the letter is about, line by line.
fn facts(told: &Told, s: &Speak, zone: Zone) -> Vec<(&'static str, String)> {
    let mut all = Vec::new();
    let mut put = |label, value: Option<String>| all.extend(value.map(|value| (label, value)));
    put("Access package", told.package.as_ref().map(|_| s.what.clone()));
    let about = told.package.is_some() || told.resource.is_some();
    put("For", about.then(|| s.target.clone()));
    put("Asked by", (!s.for_themselves).then(|| s.requestor.clone()));
    put("Resource", told.resource.as_ref().map(|_| s.resource.clone()));
    if let Some(asked) = &told.request {
        put("Wished from", asked.starts.map(|at| from(at, zone)));
        put("Wished until", asked.ends.map(|at| until(at, zone)));
    }
    if let Some(Fact::StageOpened { stage, stages, approvers, .. }) = &told.fact {
        put("Approval stage", (*stages > 1).then(|| format!("{stage} of {stages}")));
        put("Waits with", (approvers.len() > 1).then(|| names(approvers)));
    }
    put("Catalog", told.catalog.as_deref().filter(|_| told.reader == Reader::Owner).map(named));
    put("Request", told.reference.as_deref().map(named));
    all
}

/// The reason for whoever decides; for everybody else what was written with the fact.
fn quote(told: &Told, s: &Speak) -> Option<(String, Vec<String>)> {
    let reason = |asked: &Asked| (s.requestor.clone(), asked.reason.clone());
    let (who, words) = match (&told.note, told.reader, &told.request) {
        (_, Reader::Decider | Reader::StandIn, Some(asked)) => reason(asked),
        (Some(note), ..) => (s.actor.clone(), note.clone()),
        _ => return None,
    };
    let words = unlinked(&shortened(&tidy(&words), QUOTE));
    let lines: Vec<String> = words.lines().map(one_line).filter(|line| !line.is_empty()).collect();
    (!lines.is_empty()).then_some((who, lines))
}

fn link_words(link: &str) -> &'static str {
    match link.split('/').nth(1) {
        Some("approvals") => "Open the request and decide",
        Some("requests") => "See the request",
        Some("access") => "See your access",
        Some("packages") if link.ends_with("/incompatible") => "See the rules of the package",
        Some("packages") => "See who has the package",
        Some("catalogs") => "See the catalog",
        Some("reviews") if link.ends_with("/progress") => "See how the review stands",
        Some("reviews") if link.ends_with("/mine") => "See what is reviewed about you",
        Some("reviews") => "Open the review and answer",
        Some("me") => "See who stands in for whom",
        _ => "Open Keyholder",
    }
}

fn why(told: &Told, s: &Speak) -> String {
    match (told.reader, &told.request) {
        (Reader::Decider, _) => "You get this because you are an approver of this request.".into(),
        (Reader::Reviewer, _) => "You get this because you are a reviewer.".into(),
        (Reader::StandIn, _) => {
            "You get this because you stand in for an approver of this request.".into()
        }
        (Reader::Asker, Some(asked)) if asked.requestor.0 == told.to.id => {
            "You get this because you asked for it.".into()
        }
        (Reader::Asker, _) => format!("You get this because {} asked for it for you.", s.requestor),
        (Reader::Person, _) => "You get this because it is about you.".into(),
        (Reader::Owner, _) => match &told.catalog {
            Some(catalog) => {
                format!("You get this because you look after the catalog {}.", named(catalog))
            }
            None => "You get this because you look after it.".into(),
        },
    }
}

/// "Tue 24 Nov 2026, 15:10 CET".
fn time(at: Ts, zone: Zone) -> String {
    zone.local(at).format("%a %-d %b %Y, %H:%M %Z").to_string()
}

/// The same for a start: its day if it starts at midnight.
fn from(at: Ts, zone: Zone) -> String {
    let day = zone.date(at);
    if zone.start_of(day) == at { date(day) } else { time(at, zone) }
}

/// The same for an end: its last day if it ends at midnight, which is how people count.
fn until(at: Ts, zone: Zone) -> String {
    zone.last_day(at).map_or_else(|| time(at, zone), date)
}

fn names(all: &[String]) -> String {
    listed(&all.iter().map(|name| named(name)).collect::<Vec<_>>())
}

/// Words that stand before a full stop.
fn clause(words: &str) -> String {
    unlinked(&shortened(&one_line(words), QUOTE)).trim_end_matches('.').to_owned()
}

/// A name as a letter may show it.
fn named(name: &str) -> String {
    named_up_to(name, NAME)
}

fn named_up_to(name: &str, max: usize) -> String {
    let name = shortened(&one_line(name), max);
    name.replace("://", "[:]//").replace("www.", "www[.]")
}

/// Somebody's own words without anything that a mail program makes a link of (E30): addresses stay readable, as in
/// `https[:]//example[.]com`.
fn unlinked(words: &str) -> String {
    let words: Vec<char> = words.replace("://", "[:]//").chars().collect();
    let mut out = String::with_capacity(words.len());
    for (i, c) in words.iter().enumerate() {
        let before = i.checked_sub(1).map_or(' ', |i| words[i]);
        let after = words[i + 1..].iter().take(2).filter(|c| c.is_alphabetic()).count() == 2;
        match c {
            '.' if before.is_alphanumeric() && after => out.push_str("[.]"),
            // `mailto:x`, `tel:x`: a scheme without slashes.
            ':' if before.is_alphabetic()
                && words.get(i + 1).is_some_and(|c| *c == '+' || c.is_alphanumeric()) =>
            {
                out.push_str(": ");
            }
            c => out.push(*c),
        }
    }
    out
}

#[cfg(test)]
#[path = "letters_tests.rs"]
mod tests;
