//! What a policy or a resource asks of the requestor, and whether an answer will do. Pure.
//! The field of a question on a form is `q-` and its key.

use std::collections::{HashMap, HashSet};

use chrono::NaiveDate;
use regex::{Regex, RegexBuilder};
use serde::{Deserialize, Serialize};

use crate::error::FieldError;
use crate::kernel::text::{NOTE_MAX, tidy};

/// As many questions as a policy may ask.
pub const QUESTIONS_MAX: usize = 20;
/// As many choices as a question may offer.
pub const CHOICES_MAX: usize = 50;
/// Characters in the words of a question, a choice, a short answer, a pattern or its message.
pub const LINE_MAX: usize = 250;
/// Bytes that a compiled pattern may take: patterns run in linear time, and this bounds the rest (E30).
const PATTERN_SIZE: usize = 256 * 1024;

/// One question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    /// Stays when the words change; names the field and the answer.
    pub key: String,
    /// The question.
    pub text: String,
    /// What helps to answer it; may be empty.
    #[serde(default)]
    pub hint: String,
    /// What kind of answer.
    pub answer: Kind,
    /// Whether it must be answered (where it is shown).
    pub required: bool,
    /// Shown only if an earlier question was answered so.
    #[serde(default)]
    pub shown_if: Option<ShownIf>,
}

/// A condition on an earlier answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShownIf {
    /// The key of the earlier question.
    pub question: String,
    /// Any one of these answers.
    pub any_of: Vec<String>,
}

/// What kind of answer a question takes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Kind {
    /// One line.
    Short {
        /// What it must look like.
        #[serde(default)]
        pattern: Option<Pattern>,
    },
    /// Several lines.
    Long,
    /// One of the choices.
    One {
        /// What there is to choose from.
        choices: Vec<String>,
    },
    /// Any of the choices.
    Many {
        /// What there is to choose from.
        choices: Vec<String>,
    },
    /// A date.
    Date,
    /// A whole number.
    Number {
        /// The least.
        min: Option<i64>,
        /// The most.
        max: Option<i64>,
    },
}

/// What an answer must look like as a whole, with the words for one that does not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pattern {
    /// A regular expression for the whole answer.
    pub regex: String,
    /// How to mend an answer that does not match.
    pub message: String,
}

impl Pattern {
    /// The pattern, ready to match a whole answer.
    ///
    /// # Errors
    /// Why it cannot be used: it is no pattern, or too large a one.
    pub fn compiled(&self) -> Result<Regex, String> {
        RegexBuilder::new(&format!(r"\A(?:{})\z", self.regex))
            .size_limit(PATTERN_SIZE)
            .dfa_size_limit(PATTERN_SIZE)
            .nest_limit(20)
            .build()
            .map_err(|error| match error {
                regex::Error::CompiledTooBig(_) => "it is too large".to_owned(),
                _ => "it is not a pattern that can be read".to_owned(),
            })
    }
}

/// The answer to a question, with the question as it was asked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The key of the question.
    pub key: String,
    /// The question.
    pub text: String,
    /// What was answered: one value, or several of a multiple choice.
    pub values: Vec<String>,
    /// The resource that asks for it; such answers are kept with the access.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
}

impl Answer {
    /// The answer in one line.
    #[must_use]
    pub fn words(&self) -> String {
        self.values.join(", ")
    }
}

/// The name of the field of a question.
#[must_use]
pub fn field(key: &str) -> String {
    format!("q-{key}")
}

impl ShownIf {
    fn holds(&self, given: &HashMap<String, Vec<String>>) -> bool {
        given
            .get(&self.question)
            .is_some_and(|values| values.iter().any(|v| self.any_of.contains(v)))
    }
}

/// The answers that count: those of questions that are shown, tidied and checked. What was answered to a question
/// that an earlier answer hides is dropped.
///
/// # Errors
/// Everything that is wrong, by field.
pub fn check(
    questions: &[Question],
    given: &HashMap<String, Vec<String>>,
) -> Result<Vec<Answer>, Vec<FieldError>> {
    let (mut answers, mut errors) = (Vec::new(), Vec::new());
    let mut shown: HashMap<String, Vec<String>> = HashMap::new();
    for question in questions {
        if question.shown_if.as_ref().is_some_and(|condition| !condition.holds(&shown)) {
            continue;
        }
        let raw = given.get(&question.key).map_or(&[][..], Vec::as_slice);
        let mut values: Vec<String> =
            raw.iter().map(|v| tidy(v)).filter(|v| !v.is_empty()).collect();
        // A choice counts once, however often it comes.
        let mut seen = HashSet::new();
        values.retain(|v| seen.insert(v.clone()));
        match one(question, &values) {
            Ok(()) => {
                shown.insert(question.key.clone(), values.clone());
                if !values.is_empty() {
                    let (key, text) = (question.key.clone(), question.text.clone());
                    answers.push(Answer { key, text, values, resource: None });
                }
            }
            Err(text) => {
                // What hangs on it is asked for in the next round.
                shown.insert(question.key.clone(), values);
                errors.push(FieldError::new(field(&question.key), text));
            }
        }
    }
    if errors.is_empty() { Ok(answers) } else { Err(errors) }
}

/// Is the question among those that these answers show?
#[must_use]
pub fn is_shown(question: &Question, given: &HashMap<String, Vec<String>>) -> bool {
    question.shown_if.as_ref().is_none_or(|condition| condition.holds(given))
}

fn one(question: &Question, values: &[String]) -> Result<(), String> {
    let Some(value) = values.first() else {
        return if question.required {
            Err(match &question.answer {
                Kind::One { .. } => format!("Choose an answer to “{}”", question.text),
                Kind::Many { .. } => format!("Choose at least one answer to “{}”", question.text),
                _ => format!("Answer “{}”", question.text),
            })
        } else {
            Ok(())
        };
    };
    if values.len() > 1 && !matches!(question.answer, Kind::Many { .. }) {
        return Err(format!("Give one answer to “{}”", question.text));
    }
    match &question.answer {
        Kind::Short { pattern } => {
            if value.chars().count() > LINE_MAX {
                return Err(format!("Shorten your answer to {LINE_MAX} characters"));
            }
            if value.contains(['\n', '\r']) {
                return Err("Write your answer on one line".to_owned());
            }
            let Some(pattern) = pattern else { return Ok(()) };
            // A pattern was checked when the policy was saved; one that cannot be read refuses.
            match pattern.compiled() {
                Ok(regex) if regex.is_match(value) => Ok(()),
                _ => Err(pattern.message.clone()),
            }
        }
        Kind::Long if value.chars().count() > NOTE_MAX => {
            Err(format!("Shorten your answer to {NOTE_MAX} characters"))
        }
        Kind::Long => Ok(()),
        Kind::One { choices } if choices.contains(value) => Ok(()),
        Kind::Many { choices } if values.iter().all(|v| choices.contains(v)) => Ok(()),
        Kind::One { .. } | Kind::Many { .. } => {
            Err(format!("Choose from the answers to “{}”", question.text))
        }
        Kind::Date => match NaiveDate::parse_from_str(value, "%Y-%m-%d") {
            Ok(date) if (1900..=2199).contains(&chrono::Datelike::year(&date)) => Ok(()),
            _ => Err("Enter a date, such as 2027-06-30".to_owned()),
        },
        Kind::Number { min, max } => match (value.parse::<i64>(), min, max) {
            (Err(_), ..) => Err("Enter a whole number, such as 12".to_owned()),
            (Ok(n), Some(min), Some(max)) if !(*min..=*max).contains(&n) => {
                Err(format!("Enter a number from {min} to {max}"))
            }
            (Ok(n), Some(min), _) if n < *min => Err(format!("Enter a number of {min} or more")),
            (Ok(n), _, Some(max)) if n > *max => Err(format!("Enter a number of {max} or less")),
            _ => Ok(()),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question(key: &str, answer: Kind, required: bool) -> Question {
        let text = format!("About {key}?");
        Question { key: key.into(), text, hint: String::new(), answer, required, shown_if: None }
    }

    fn given(all: &[(&str, &[&str])]) -> HashMap<String, Vec<String>> {
        all.iter()
            .map(|(k, v)| ((*k).to_owned(), v.iter().map(|v| (*v).to_owned()).collect()))
            .collect()
    }

    fn choices() -> Vec<String> {
        vec!["Yes".into(), "No".into()]
    }

    #[test]
    fn every_kind_says_how_to_mend_a_wrong_answer() {
        let pattern =
            Some(Pattern { regex: "[A-Z]{2}-[0-9]+".into(), message: "Like AB-1".into() });
        let all = [
            (Kind::Short { pattern }, "AB-1x", "Like AB-1"),
            (
                Kind::Short { pattern: None },
                &"x".repeat(251),
                "Shorten your answer to 250 characters",
            ),
            (Kind::One { choices: choices() }, "Maybe", "Choose from the answers to “About q?”"),
            (Kind::Many { choices: choices() }, "Maybe", "Choose from the answers to “About q?”"),
            (Kind::Date, "31.12.2026", "Enter a date, such as 2027-06-30"),
            (Kind::Date, "99999-01-01", "Enter a date, such as 2027-06-30"),
            (Kind::Number { min: Some(1), max: Some(9) }, "10", "Enter a number from 1 to 9"),
            (Kind::Number { min: None, max: None }, "ten", "Enter a whole number, such as 12"),
        ];
        for (kind, value, words) in all {
            let errors =
                check(&[question("q", kind, false)], &given(&[("q", &[value])])).unwrap_err();
            assert_eq!(errors, [FieldError::new("q-q", words)]);
        }
        let right = [
            (Kind::Short { pattern: None }, vec!["AB-12"]),
            (Kind::Many { choices: choices() }, vec!["Yes", "No"]),
            (Kind::Date, vec!["2027-02-28"]),
            (Kind::Number { min: Some(-3), max: None }, vec!["-3"]),
        ];
        for (kind, values) in right {
            let answers = check(&[question("q", kind, true)], &given(&[("q", &values)])).unwrap();
            assert_eq!(answers[0].values, values);
        }
    }

    #[test]
    fn a_question_is_asked_only_after_the_answer_that_shows_it() {
        let first = question("a", Kind::One { choices: choices() }, true);
        let shown_if = Some(ShownIf { question: "a".into(), any_of: vec!["Yes".into()] });
        let then = Question { shown_if, ..question("b", Kind::Long, true) };
        let all = [first, then];
        let errors = check(&all, &given(&[("a", &["Yes"])])).unwrap_err();
        assert_eq!(errors[0].field, "q-b");
        let answers = check(&all, &given(&[("a", &["No"]), ("b", &["smuggled in"])])).unwrap();
        assert_eq!(answers.len(), 1, "the answer to a hidden question is dropped");
        assert!(check(&all, &given(&[])).is_err(), "required");
    }

    #[test]
    fn a_second_value_does_not_get_past_the_check_of_the_first() {
        let pattern = Some(Pattern { regex: "C-[0-9]{5}".into(), message: "Like C-20417".into() });
        let long = "x".repeat(60_000);
        for kind in [Kind::Short { pattern }, Kind::Long, Kind::Date] {
            let two = given(&[("q", &["C-20417", &long])]);
            assert!(check(&[question("q", kind, false)], &two).is_err());
        }
        let many = question("q", Kind::Many { choices: choices() }, true);
        let often = check(&[many], &given(&[("q", &["Yes", "Yes", "Yes"])])).unwrap();
        assert_eq!(often[0].values, ["Yes"]);
    }

    #[test]
    fn a_pattern_that_would_explode_elsewhere_runs_in_linear_time_or_is_refused() {
        let evil = Pattern { regex: "(a+)+$".into(), message: "no".into() };
        let kind = Kind::Short { pattern: Some(evil) };
        let text = format!("{}!", "a".repeat(240));
        assert!(check(&[question("q", kind, true)], &given(&[("q", &[&text])])).is_err());
        for regex in ["(", "a{1000}{1000}{1000}", "(?=x)", r"(a)\1"] {
            let pattern = Pattern { regex: regex.into(), message: String::new() };
            assert!(pattern.compiled().is_err(), "{regex}");
        }
    }
}
