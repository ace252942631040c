//! The fields of questions: `question1-text`, `question1-kind` and so on; for policies and for resources.
//!
//! The page shows the questions that there are and some empty places. A place where nothing was written, or that is to
//! be taken out, is no question. The key of a question travels with the form, so that answers find it whatever its words.

use uuid::Uuid;

use super::{lines, place, renumbered};
use crate::error::FieldError;
use crate::policies::questions::{Kind, Pattern, QUESTIONS_MAX, Question, ShownIf};
use crate::web::Form;

/// The fields of a question behind its number, in the order of the page.
pub(super) const PARTS: &[&str] = &[
    "text",
    "kind",
    "choices",
    "min",
    "max",
    "required",
    "hint",
    "pattern",
    "message",
    "if",
    "if-answers",
];

/// As many empty places as are offered at once.
const EMPTY: usize = 2;

/// What was read.
pub struct Asked {
    /// The questions, to be checked.
    pub questions: Vec<Question>,
    /// The number of each on the form.
    pub numbers: Vec<usize>,
    /// What could not be read.
    pub errors: Vec<FieldError>,
}

/// Puts the errors of the rules, which count from 1 without a gap, onto the fields of the form, behind what could not
/// be read.
#[must_use]
pub fn all_errors(asked: Asked, checked: Vec<FieldError>) -> Vec<FieldError> {
    let Asked { numbers, mut errors, .. } = asked;
    for mut error in checked {
        error.field = renumbered(&error.field, "question", &numbers);
        if !errors.iter().any(|e| e.field == error.field) {
            errors.push(error);
        }
    }
    errors.sort_by_key(|e| place(&e.field));
    errors
}

fn at(number: usize, part: &str) -> String {
    format!("question{number}-{part}")
}

/// Reads the questions of a form.
#[must_use]
pub fn read(form: &Form) -> Asked {
    let mut asked = Asked { questions: vec![], numbers: vec![], errors: vec![] };
    for number in 1..=QUESTIONS_MAX {
        if is_there(form, number) {
            asked.questions.push(question(form, number, &mut asked.errors));
            asked.numbers.push(number);
        }
    }
    asked
}

/// Was anything written there that is to stay?
pub(super) fn is_there(form: &Form, number: usize) -> bool {
    let written = ["text", "hint", "choices", "pattern", "message"];
    !form.has(&at(number, "out"))
        && written.iter().any(|part| !form.raw(&at(number, part)).trim().is_empty())
}

fn question(form: &Form, number: usize, errors: &mut Vec<FieldError>) -> Question {
    let raw = |part: &str| form.raw(&at(number, part));
    let mut bound = |part: &str| {
        let text = raw(part).trim();
        let parsed = text.parse().ok();
        if parsed.is_none() && !text.is_empty() {
            errors.push(FieldError::new(at(number, part), "Enter a whole number, or nothing"));
        }
        parsed
    };
    let choices = || lines(raw("choices"));
    let answer = match raw("kind") {
        "long" => Kind::Long,
        "one" => Kind::One { choices: choices() },
        "many" => Kind::Many { choices: choices() },
        "date" => Kind::Date,
        "number" => Kind::Number { min: bound("min"), max: bound("max") },
        _ => {
            let regex = raw("pattern").trim().to_owned();
            let message = form.line(&at(number, "message"));
            Kind::Short { pattern: (!regex.is_empty()).then_some(Pattern { regex, message }) }
        }
    };
    let shown_if = (!raw("if").is_empty())
        .then(|| ShownIf { question: raw("if").to_owned(), any_of: lines(raw("if-answers")) });
    Question {
        key: raw("key").to_owned(),
        text: form.line(&at(number, "text")),
        hint: form.text(&at(number, "hint")),
        answer,
        required: form.has(&at(number, "required")),
        shown_if,
    }
}

/// Writes questions into their fields.
pub fn write(form: &mut Form, questions: &[Question]) {
    for (number, question) in (1..).zip(questions) {
        let mut set = |part: &str, value: String| form.set(&at(number, part), value);
        set("key", question.key.clone());
        set("text", question.text.clone());
        set("hint", question.hint.clone());
        let kind = match &question.answer {
            Kind::Short { pattern } => {
                if let Some(pattern) = pattern {
                    set("pattern", pattern.regex.clone());
                    set("message", pattern.message.clone());
                }
                "short"
            }
            Kind::Long => "long",
            Kind::One { choices } => {
                set("choices", choices.join("\n"));
                "one"
            }
            Kind::Many { choices } => {
                set("choices", choices.join("\n"));
                "many"
            }
            Kind::Date => "date",
            Kind::Number { min, max } => {
                set("min", min.map_or(String::new(), |n| n.to_string()));
                set("max", max.map_or(String::new(), |n| n.to_string()));
                "number"
            }
        };
        set("kind", kind.to_owned());
        if question.required {
            set("required", "yes".to_owned());
        }
        if let Some(shown) = &question.shown_if {
            set("if", shown.question.clone());
            set("if-answers", shown.any_of.join("\n"));
        }
    }
}

/// Makes the places that the page shows: those that are filled, and empty ones behind them; more of these if the step
/// asks for more. Every place has a key of its own, and nobody chooses it: one that we never make is replaced.
pub fn make_room(form: &mut Form) {
    let more = form.raw("step") == "more";
    let last = (1..=QUESTIONS_MAX).rev().find(|n| is_there(form, *n)).unwrap_or(0);
    let shown = form.raw("questions").parse().unwrap_or(0_usize).min(QUESTIONS_MAX);
    let places = if more { shown.max(last) + EMPTY } else { shown.max(last + EMPTY) };
    let places = places.min(QUESTIONS_MAX);
    for number in 1..=places {
        if !ours(form.raw(&at(number, "key"))) {
            form.set(&at(number, "key"), Uuid::now_v7().simple().to_string());
        }
    }
    form.set("questions", places.to_string());
}

/// Keys are letters of the Latin alphabet, digits and dashes: they name fields.
fn ours(key: &str) -> bool {
    (1..=64).contains(&key.len()) && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_room_keeps_what_was_typed_and_ends_at_twenty() {
        let mut form = Form::of([("question2-text", "Why?"), ("questions", "4"), ("step", "more")]);
        make_room(&mut form);
        assert_eq!(form.raw("questions"), "6");
        assert_eq!(form.raw("question2-text"), "Why?");
        let key = form.raw("question2-key").to_owned();
        for _ in 0..20 {
            make_room(&mut form);
        }
        assert_eq!((form.raw("questions"), form.raw("question2-key")), ("20", key.as_str()));
        let mut forged = Form::of([("questions", "9999999"), ("question1-key", "a b\"")]);
        make_room(&mut forged);
        assert_eq!(forged.raw("questions"), "20");
        assert!(ours(forged.raw("question1-key")));
    }

    #[test]
    fn an_empty_place_and_one_that_is_taken_out_are_no_questions() {
        let form = Form::of([
            ("question1-key", "a"),
            ("question1-text", "Gone?"),
            ("question1-out", "yes"),
            ("question2-key", "b"),
            ("question2-kind", "number"),
            ("question3-key", "c"),
            ("question3-text", "How many?"),
            ("question3-kind", "number"),
            ("question3-min", "few"),
        ]);
        let asked = read(&form);
        assert_eq!(asked.numbers, [3]);
        assert_eq!(asked.errors[0].field, "question3-min");
    }
}
