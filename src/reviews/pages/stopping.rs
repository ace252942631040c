//! What ends an instance early, or starts it over, on a page of its own: it says what that does before it happens.

use askama::Template;

use super::answering::stage_words;
use super::progress::run;
use super::{kept, ordinal};
use crate::access::policy;
use crate::error::{Error, FieldError, Result};
use crate::kernel::ReviewInstanceId;
use crate::kernel::text::counted;
use crate::reviews::commands;
use crate::reviews::model::{Instance, Silence, State};
use crate::reviews::store::{self, listing};
use crate::web::{Cx, Form, Place, Reply, Shell};

crate::text_enum! {
    /// What is asked before it is done; its text is the last part of the address.
    pub enum Stop {
        /// The stage ends, and the next one begins.
        Next = "next",
        /// No answer can be given any more, and what was answered is carried out.
        Close = "close",
        /// Everybody starts over.
        Reset = "reset",
        /// Nothing of it has an effect.
        Cancel = "cancel",
    }
}

impl Stop {
    /// What can be done to the instance as it is.
    pub(super) fn of(instance: &Instance) -> Vec<Self> {
        Self::ALL.iter().copied().filter(|stop| stop.fits(instance)).collect()
    }

    /// The words of the link that leads to its page.
    pub(super) const fn label(self) -> &'static str {
        match self {
            Self::Next => "End this stage…",
            Self::Close => "Close it…",
            Self::Reset => "Take all answers back…",
            Self::Cancel => "Cancel the review…",
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
fn goes_on(instance: &Instance) -> bool {
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
    /// The stage that this is about.
    stage: i64,
    /// True where there are several.
    staged: bool,
    /// What was typed of the reason; none where none is asked for.
    note: Option<String>,
    button: &'static str,
}

pub(super) fn show(cx: &mut Cx) -> Result<Reply> {
    let stop = Stop::parse(cx.part("act")).ok_or(Error::Missing)?;
    let form = cx.refill().unwrap_or_default();
    draw(cx, stop, &form, &[])
}

fn draw(cx: &Cx, stop: Stop, form: &Form, errors: &[FieldError]) -> Result<Reply> {
    let instance = kept(cx)?;
    policy::run_review(cx.actor().ok_or(Error::Missing)?, &store::standing(&instance))?;
    if !stop.fits(&instance) {
        // Whoever comes by a link sees how it stands; whoever has typed something learns that it was not taken.
        return if errors.is_empty() {
            Ok(Reply::see_other(format!("/reviews/{}/progress", instance.id)))
        } else {
            Err(commands::not_open())
        };
    }
    let counts = cx.read(|db| listing::counts(db, instance.id))?;
    let stage = stage_words(&instance).map(|words| format!("{} of ", words.to_lowercase()));
    let stage = stage.unwrap_or_default();
    let name = instance.name.clone();
    let asks = match stop {
        Stop::Next => (format!("End {stage}"), " now?"),
        Stop::Close => ("Close ".to_owned(), " now?"),
        Stop::Reset => (format!("Take all answers of {stage}"), " back?"),
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
        stage: instance.stage,
        staged: instance.terms.stages() > 1,
        button: stop.button(),
        name,
        asks,
        counts,
    };
    Ok(Reply::page(&shown)?.status(if errors.is_empty() { 200 } else { 422 }))
}

/// Does what the page asked about, if it is still about the same stage.
pub(super) fn act(cx: &mut Cx, stop: Stop) -> Result<Reply> {
    let instance = kept(cx)?;
    let form = cx.form().clone();
    let (stage, note) = (form.raw("stage").parse::<i64>().ok(), form.text("note"));
    let at_once = instance.terms.at_once;
    let done = run(cx, &instance, move |tx, permit| {
        commands::as_shown(tx, permit, stage)?;
        Ok(match stop {
            Stop::Next => {
                commands::next_stage(tx, permit)?;
                ("The stage is over.", "What comes next stands here in a moment.".to_owned())
            }
            Stop::Close => {
                commands::close(tx, permit)?;
                ("Closed.", "What becomes of each item stands here in a moment.".to_owned())
            }
            Stop::Reset => {
                let n = commands::reset(tx, permit, &note)?;
                let words = counted(n as i64, "answer no longer counts", "answers no longer count");
                ("Reset.", format!("{words}; the reviewers are told."))
            }
            Stop::Cancel => {
                commands::cancel(tx, permit, &note)?;
                ("Canceled.", effect(at_once).to_owned())
            }
        })
    });
    match done {
        Ok((strong, text)) => {
            Ok(Reply::see_other(format!("/reviews/{}/progress", instance.id)).notice(strong, text))
        }
        Err(Error::Invalid(errors)) => draw(cx, stop, &form, &errors),
        Err(error) => Err(error),
    }
}

/// What a canceled run leaves behind.
const fn effect(at_once: bool) -> &'static str {
    if at_once {
        "Removals that wait are called off; what has begun to be removed goes on."
    } else {
        "Nothing of it has an effect: everybody keeps what they have."
    }
}

/// What it does, in sentences.
fn does(stop: Stop, instance: &Instance, counts: &listing::Counts) -> Vec<String> {
    let at_once = instance.terms.at_once;
    let mut does: Vec<&str> = Vec::new();
    match stop {
        Stop::Next => does.extend([
            "Nobody can answer in this stage any more.",
            "The next stage begins at once: what goes on to it is answered once more.",
            "If nothing goes on to a later stage, the review closes, and its answers are carried out.",
        ]),
        Stop::Close => {
            does.extend([
                "No answer can be given or changed any more.",
                "What was answered is carried out. Removals wait for the cooling-off time, and can be called off in it; \
                 those of high risk, and of people who have left, begin at once.",
            ]);
            if goes_on(instance) {
                does.push("The stages that are left do not take place.");
            }
        }
        Stop::Reset => {
            does.push(match instance.terms.stages() {
                1 => "No answer counts any more; the log keeps them.",
                _ => "No answer of this stage counts any more; the log keeps them.",
            });
            if at_once {
                does.push(effect(at_once));
            }
            does.push("The reviewers are told, and start over.");
        }
        Stop::Cancel => {
            does.extend([effect(at_once), "It cannot be taken up again; its answers stay on record."]);
        }
    }
    let mut does: Vec<String> = does.into_iter().map(str::to_owned).collect();
    if stop == Stop::Close && counts.silent > 0 {
        does.extend(silence(instance, counts));
    }
    does
}

/// What becomes of items without an answer.
fn silence(instance: &Instance, counts: &listing::Counts) -> Vec<String> {
    let mut says = Vec::new();
    let n = counts.silent;
    let becomes = match (instance.stage, instance.silence()) {
        (1, Silence::Keep) => {
            counted(n, "item without an answer stays", "items without an answer stay")
        }
        (1, Silence::Remove) => {
            counted(n, "item without an answer is removed", "items without an answer are removed")
        }
        (1, Silence::Recommendation) => {
            let items = counted(n, "item", "items");
            format!("For {items} without an answer the recommendation counts")
        }
        // Which of them those are, is known when it closes.
        (_, Silence::Keep) => "What nobody has answered in any stage stays".to_owned(),
        (_, Silence::Remove) => "What nobody has answered in any stage is removed".to_owned(),
        (_, Silence::Recommendation) => {
            "For what nobody has answered in any stage the recommendation counts".to_owned()
        }
    };
    if instance.stage > 1 {
        says.push("Where an earlier stage has answered, its answer stands.".to_owned());
    }
    says.push(format!("{becomes}."));
    if instance.silence() != Silence::Keep {
        says.push(
            "If silence would remove more than is safe, an administrator confirms it first.".into(),
        );
    }
    says
}
