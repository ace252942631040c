//! The fields of one approval stage: `stage1`, `stage1-people` and so on.

use super::{Names, Reader, lines, number_of, written};
use crate::error::{FieldError, Result};
use crate::policies::stages::{
    Alternates, Approvers, Condition, STAGES_MAX, StageTerms, Unit, Votes,
};
use crate::web::Form;

/// The fields of a stage behind its number, in the order of the page.
pub(super) const PARTS: &[&str] = &[
    "",
    "people",
    "groups",
    "votes",
    "n",
    "time",
    "unit",
    "fallback",
    "alt",
    "alt-after",
    "alt-second",
    "alt-people",
    "alt-groups",
    "if",
    "if-days",
    "if-answers",
    "note",
];

/// What stands before the key of a question in the answer to "for which requests?".
pub(super) const ANSWER: &str = "answer:";

/// Stages as a new policy has them: nobody is named, two weeks each.
pub(super) fn blank() -> Form {
    let each = (1..=STAGES_MAX).flat_map(|n| {
        [
            (format!("stage{n}-votes"), "any"),
            (format!("stage{n}-time"), "14"),
            (format!("stage{n}-unit"), "days"),
        ]
    });
    let none = (2..=STAGES_MAX).map(|n| (format!("stage{n}"), "none"));
    Form::of(each.chain(none))
}

/// The stage with this number; none if nobody decides there.
pub(super) fn read(reader: &mut Reader<'_>, number: usize) -> Result<Option<StageTerms>> {
    let form = reader.form;
    let at = |part: &str| format!("stage{number}-{part}");
    let approvers = match form.raw(&format!("stage{number}")) {
        "manager" => Approvers::Manager,
        "second" => Approvers::SecondManager,
        "sponsors" => Approvers::Sponsors,
        "named" => Approvers::Named {
            people: reader.people(&at("people"))?,
            groups: reader.groups(&at("groups"))?,
        },
        "none" => return Ok(None),
        _ => {
            if number == 1 {
                let words = "Choose who decides first, or that nobody needs to";
                reader.errors.push(FieldError::new("stage1", words));
            }
            return Ok(None);
        }
    };
    let one = matches!(approvers, Approvers::Manager | Approvers::SecondManager);
    let votes = match form.raw(&at("votes")) {
        // Of a single manager nobody is asked how many.
        "some" if !one => Votes::Some { n: number_of(form, &at("n")) },
        "everyone" => Votes::Everyone,
        _ => Votes::Any,
    };
    let alternates = if form.has(&at("alt")) {
        Some(Alternates {
            after: number_of(form, &at("alt-after")),
            people: reader.people(&at("alt-people"))?,
            groups: reader.groups(&at("alt-groups"))?,
            second_manager: form.has(&at("alt-second")),
        })
    } else {
        None
    };
    Ok(Some(StageTerms {
        approvers,
        votes,
        fallback: reader.people(&at("fallback"))?,
        time: number_of(form, &at("time")),
        unit: if form.raw(&at("unit")) == "hours" { Unit::Hours } else { Unit::Days },
        alternates,
        only_if: condition(form, number),
        note_required: form.has(&at("note")),
    }))
}

fn condition(form: &Form, number: usize) -> Option<Condition> {
    let at = |part: &str| format!("stage{number}-{part}");
    match form.raw(&at("if")) {
        "guests" => Some(Condition::Guests),
        "longer" => Some(Condition::LongerThan { days: number_of(form, &at("if-days")) }),
        other => other.strip_prefix(ANSWER).map(|key| Condition::Answer {
            question: key.to_owned(),
            any_of: lines(form.raw(&at("if-answers"))),
        }),
    }
}

/// Writes what a stage says into its fields.
pub(super) fn write(form: &mut Form, number: usize, stage: &StageTerms, names: &Names) {
    let at = |part: &str| format!("stage{number}-{part}");
    let kind = match &stage.approvers {
        Approvers::Manager => "manager",
        Approvers::SecondManager => "second",
        Approvers::Sponsors => "sponsors",
        Approvers::Named { people, groups } => {
            form.set(&at("people"), names.people(people));
            form.set(&at("groups"), written(groups));
            "named"
        }
    };
    form.set(&format!("stage{number}"), kind);
    match stage.votes {
        Votes::Any => form.set(&at("votes"), "any"),
        Votes::Some { n } => {
            form.set(&at("votes"), "some");
            form.set(&at("n"), n.to_string());
        }
        Votes::Everyone => form.set(&at("votes"), "everyone"),
    }
    form.set(&at("fallback"), names.people(&stage.fallback));
    form.set(&at("time"), stage.time.to_string());
    form.set(&at("unit"), if stage.unit == Unit::Hours { "hours" } else { "days" });
    if let Some(alternates) = &stage.alternates {
        form.set(&at("alt"), "yes");
        form.set(&at("alt-after"), alternates.after.to_string());
        form.set(&at("alt-people"), names.people(&alternates.people));
        form.set(&at("alt-groups"), written(&alternates.groups));
        if alternates.second_manager {
            form.set(&at("alt-second"), "yes");
        }
    }
    match &stage.only_if {
        None => {}
        Some(Condition::Guests) => form.set(&at("if"), "guests"),
        Some(Condition::LongerThan { days }) => {
            form.set(&at("if"), "longer");
            form.set(&at("if-days"), days.to_string());
        }
        Some(Condition::Answer { question, any_of }) => {
            form.set(&at("if"), format!("{ANSWER}{question}"));
            form.set(&at("if-answers"), any_of.join("\n"));
        }
    }
    if stage.note_required {
        form.set(&at("note"), "yes");
    }
}
