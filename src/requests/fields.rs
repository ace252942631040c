//! Questions as fields of a form, with what was answered. Pure; `requests/_questions.html` draws them.

use std::collections::HashMap;

use crate::kernel::text::tidy;
use crate::policies::questions::{Kind, Question, field};
use crate::web::Form;
use crate::web::page::Choice;

/// More choices than this are a list that opens.
const IN_SIGHT: usize = 8;

/// Answers by the key of the question, as they were typed.
pub type Given = HashMap<String, Vec<String>>;

/// A question as a field.
#[derive(Clone, Debug)]
pub struct Field {
    /// Its name on the form.
    pub name: String,
    /// The question.
    pub text: String,
    /// When it is meant, and what helps to answer it.
    pub hint: String,
    /// "short", "long", "one", "list", "many", "date" or "number".
    pub kind: &'static str,
    /// Whether it may stay empty.
    pub optional: bool,
    /// What was typed.
    pub value: String,
    /// What there is to choose from.
    pub choices: Vec<Choice>,
    /// The least number.
    pub min: String,
    /// The largest.
    pub max: String,
}

/// The answers that a form carries.
#[must_use]
pub fn given(form: &Form) -> Given {
    let mut all = Given::new();
    for (name, value) in form.pairs() {
        let value = tidy(value);
        if let (Some(key), false) = (name.strip_prefix("q-"), value.is_empty()) {
            all.entry(key.to_owned()).or_default().push(value);
        }
    }
    all
}

/// The answers as hidden fields of the next step, in a stable order.
#[must_use]
pub fn hidden(given: &Given) -> Vec<(String, String)> {
    let mut all: Vec<_> = given.iter().collect();
    all.sort();
    let one = |(key, values): (&String, &Vec<String>)| -> Vec<(String, String)> {
        values.iter().map(|value| (field(key), value.clone())).collect()
    };
    all.into_iter().flat_map(one).collect()
}

/// Questions as fields.
#[must_use]
pub fn of(questions: &[Question], given: &Given) -> Vec<Field> {
    questions.iter().map(|question| one(question, questions, given)).collect()
}

fn one(question: &Question, all: &[Question], given: &Given) -> Field {
    let values = given.get(&question.key).map_or(&[][..], Vec::as_slice);
    let choice = |value: &String| Choice {
        value: value.clone(),
        label: value.clone(),
        hint: String::new(),
        on: values.contains(value),
    };
    let (kind, choices) = match &question.answer {
        Kind::Short { .. } => ("short", vec![]),
        Kind::Long => ("long", vec![]),
        Kind::Date => ("date", vec![]),
        Kind::Number { .. } => ("number", vec![]),
        Kind::One { choices } => {
            let none = |label: &str| Choice {
                label: label.to_owned(),
                on: values.is_empty(),
                ..Choice::default()
            };
            let mut all: Vec<Choice> = choices.iter().map(choice).collect();
            if choices.len() > IN_SIGHT {
                all.insert(0, none("Choose an answer"));
                ("list", all)
            } else {
                // A circle that is filled cannot be emptied again.
                if !question.required {
                    all.push(none("No answer"));
                }
                ("one", all)
            }
        }
        Kind::Many { choices } => ("many", choices.iter().map(choice).collect()),
    };
    let (min, max) = match question.answer {
        Kind::Number { min, max } => (min, max),
        _ => (None, None),
    };
    let number = |n: Option<i64>| n.map(|n| n.to_string()).unwrap_or_default();
    Field {
        name: field(&question.key),
        text: question.text.clone(),
        hint: hint(question, all),
        kind,
        // One that is not always asked says when it is.
        optional: !question.required,
        value: values.first().cloned().unwrap_or_default(),
        choices,
        min: number(min),
        max: number(max),
    }
}

/// When the question is meant, and what helps to answer it.
fn hint(question: &Question, all: &[Question]) -> String {
    let condition = question.shown_if.as_ref().and_then(|condition| {
        let earlier = all.iter().find(|q| q.key == condition.question)?;
        let answers: Vec<String> = condition.any_of.iter().map(|a| format!("“{a}”")).collect();
        Some(format!("Only if you answered {} to “{}”.", answers.join(" or "), earlier.text))
    });
    // A group of boxes has no place of its own for the word.
    let many = matches!(question.answer, Kind::Many { .. }) && !question.required;
    let optional = if many { "Optional." } else { "" };
    let parts = [optional.to_owned(), condition.unwrap_or_default(), question.hint.clone()];
    parts.iter().filter(|part| !part.is_empty()).cloned().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_answered_goes_from_step_to_step() {
        let form = Form::of([("q-a", "Yes"), ("q-a", "No"), ("q-b", " "), ("reason", "x")]);
        let all = given(&form);
        assert_eq!(all.len(), 1, "blanks and other fields are left out");
        assert_eq!(hidden(&all), [("q-a".into(), "Yes".into()), ("q-a".into(), "No".into())]);
        assert_eq!(given(&Form::of(hidden(&all))).get("a").map(Vec::len), Some(2));
    }
}
