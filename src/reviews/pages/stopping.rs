//! What ends an instance early, or starts it over, on a page of its own: it says what that does before it happens.

use askama::Template;

use super::answering::stage_words;
use super::{kept, ordinal};
use crate::access::policy;
use crate::error::{Error, FieldError, Result};
use crate::kernel::ReviewInstanceId;
use crate::kernel::text::counted;
use crate::reviews::model::{Instance, Silence, State};
use crate::reviews::store::{self, listing};
use crate::web::{Cx, Form, Place, Reply, Shell};

/// What is asked before it is done; its name is the last part of the address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// The stage ends, and the next one begins.
    Next,
    /// No answer can be given any more, and what was answered is carried out.
    Close,
    /// Everybody starts over.
    Reset,
    /// Nothing of it has an effect.
    Cancel,
}

impl Stop {
    pub(super) fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "next" => Self::Next,
            "close" => Self::Close,
            "reset" => Self::Reset,
            "cancel" => Self::Cancel,
            _ => return None,
        })
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::Next => "next",
            Self::Close => "close",
            Self::Reset => "reset",
            Self::Cancel => "cancel",
        }
    }

    const fn button(self) -> &'static str {
        match self {
            Self::Next => "End this stage now",
            Self::Close => "Close it now",
            Self::Reset => "Take all answers back",
            Self::Cancel => "Cancel the review",
        }
    }

    /// True where it can be done to the instance as it is.
    fn fits(self, instance: &Instance) -> bool {
        match self {
            Self::Next => instance.state == State::Open && goes_on(instance),
            Self::Close | Self::Reset => instance.state == State::Open,
            Self::Cancel => {
                matches!(instance.state, State::Open | State::Refused | State::Confirming)
            }
        }
    }
}

/// True where another stage follows.
pub(super) fn goes_on(instance: &Instance) -> bool {
    instance.stage < instance.terms.stages()
}

#[derive(Template)]
#[template(path = "reviews/stopping.html")]
struct StopPage {
    shell: Shell,
    id: ReviewInstanceId,
    name: String,
    run: String,
    act: &'static str,
    /// The question, before and after the name.
    asks: (String, &'static str),
    /// What it does, in sentences.
    does: Vec<String>,
    counts: listing::Counts,
    /// What was typed of the reason; none where none is asked for.
    note: Option<String>,
    button: &'static str,
}

pub(super) fn show(cx: &mut Cx) -> Result<Reply> {
    let stop = Stop::parse(cx.part("act")).ok_or(Error::Missing)?;
    let form = cx.refill().unwrap_or_default();
    draw(cx, stop, &form, &[])
}

pub(super) fn draw(cx: &Cx, stop: Stop, form: &Form, errors: &[FieldError]) -> Result<Reply> {
    let instance = kept(cx)?;
    policy::run_review(cx.actor().ok_or(Error::Missing)?, &store::standing(&instance))?;
    if !stop.fits(&instance) {
        return Ok(Reply::see_other(format!("/reviews/{}/progress", instance.id)));
    }
    let counts = cx.read(|db| listing::counts(db, instance.id))?;
    let stage = stage_words(&instance).map(|words| words.to_lowercase()).unwrap_or_default();
    let name = instance.name.clone();
    let asks = match stop {
        Stop::Next => (format!("End {stage} of "), " now?"),
        Stop::Close => ("Close ".to_owned(), " now?"),
        Stop::Reset => ("Take all answers of ".to_owned(), " back?"),
        Stop::Cancel => ("Cancel ".to_owned(), "?"),
    };
    let title = format!("{}{name}{} – Reviews", asks.0, asks.1);
    let mut shell = cx.shell(title, Place::Reviews)?;
    shell.errors = errors.iter().map(Into::into).collect();
    let shown = StopPage {
        shell,
        id: instance.id,
        run: ordinal(instance.number),
        act: stop.as_str(),
        does: does(stop, &instance, &counts),
        note: matches!(stop, Stop::Reset | Stop::Cancel).then(|| form.text("note")),
        button: stop.button(),
        name,
        asks,
        counts,
    };
    Ok(Reply::page(&shown)?.status(if errors.is_empty() { 200 } else { 422 }))
}

fn does(stop: Stop, instance: &Instance, counts: &listing::Counts) -> Vec<String> {
    let silent = counted(counts.silent, "item", "items");
    let mut does = Vec::new();
    match stop {
        Stop::Next => {
            does.push("The next stage begins at once: what goes on to it is answered once more.");
            does.push("Nobody can answer in this stage any more.");
        }
        Stop::Close => {
            does.push("No answer can be given or changed any more.");
            does.push("What was answered is carried out. Removals wait for the cooling-off time, and can be called off in it.");
            if goes_on(instance) {
                does.push("The stages that are left do not take place.");
            }
        }
        Stop::Reset => {
            does.push("No answer of this stage counts any more; the log keeps them. Removals that wait are called off.");
            does.push("The reviewers are told and start over.");
        }
        Stop::Cancel => {
            does.push("Nothing of it has an effect: everybody keeps what they have.");
            does.push("It cannot be taken up again; its answers stay on record.");
        }
    }
    let mut does: Vec<String> = does.into_iter().map(str::to_owned).collect();
    if stop == Stop::Close && counts.silent > 0 {
        does.push(match instance.silence() {
            Silence::Keep => format!("Without an answer: {silent}. These stay."),
            Silence::Remove => format!("Without an answer: {silent}. These are removed."),
            Silence::Recommendation => {
                format!("Without an answer: {silent}. For these the recommendation counts.")
            }
        });
    }
    does
}
