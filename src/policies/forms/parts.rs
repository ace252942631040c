//! The repeated parts of the form, as `templates/policies/_parts.html` draws them: a stage, a question.

use super::questions::is_there;
use super::stages::ANSWER;
use crate::error::FieldError;
use crate::policies::questions::QUESTIONS_MAX;
use crate::policies::stages::STAGES_MAX;
use crate::web::Form;
use crate::web::page::Choice;

/// One stage or question with what was typed there.
pub struct Part {
    /// `stage1` or `question1`: what its fields begin with.
    pub prefix: String,
    /// Its number.
    pub number: usize,
    /// What was typed, by field.
    values: Vec<(String, String)>,
    /// Whether something is written there.
    pub filled: bool,
    /// Whether its rarely used fields are unfolded: one of them is set, or wrong.
    pub open: bool,
    conditions: Vec<Choice>,
    kinds: Vec<Choice>,
}

impl Part {
    fn of(form: &Form, prefix: String, number: usize) -> Self {
        let own = |name: &str| {
            name.strip_prefix(&prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
        };
        let values = form.pairs().iter().filter(|(name, _)| own(name)).cloned().collect();
        let (conditions, kinds) = (vec![], vec![]);
        Self { prefix, number, values, filled: false, open: false, conditions, kinds }
    }

    /// The name of a field.
    #[must_use]
    pub fn f(&self, part: &str) -> String {
        format!("{}-{part}", self.prefix)
    }

    /// What was typed there.
    #[must_use]
    pub fn v(&self, part: &str) -> &str {
        let name = if part.is_empty() { self.prefix.clone() } else { self.f(part) };
        self.values.iter().find(|(n, _)| *n == name).map_or("", |(_, value)| value)
    }

    /// Whether it was ticked.
    #[must_use]
    pub fn has(&self, part: &str) -> bool {
        let name = self.f(part);
        self.values.iter().any(|(n, _)| *n == name)
    }

    /// The words with the number behind them, so that every label is another one.
    #[must_use]
    pub fn l(&self, words: &str) -> String {
        format!("{words} {}", self.number)
    }

    /// For which requests the stage is, or after which answer the question is asked.
    #[must_use]
    pub fn conditions(&self) -> &[Choice] {
        &self.conditions
    }

    /// What kind of answer, or what a stage's time is counted in.
    #[must_use]
    pub fn kinds(&self) -> &[Choice] {
        &self.kinds
    }

    /// "Stage 2: who decides then?"
    #[must_use]
    pub fn legend(&self) -> String {
        let asks = if self.number == 1 { "who decides first?" } else { "who decides then?" };
        format!("Stage {}: {asks}", self.number)
    }

    /// What it means that a stage has nobody.
    #[must_use]
    pub fn nobody(&self) -> &'static str {
        if self.number == 1 { "Nobody: no approval is needed" } else { "Nobody else" }
    }

    fn unfold(&mut self, rare: &[&str], errors: &[FieldError]) {
        let set = |part: &&str| !["", "always"].contains(&self.v(part).trim());
        let wrong = |part: &&str| errors.iter().any(|e| e.field == self.f(part));
        self.open = rare.iter().any(|part| set(part) || wrong(part));
    }
}

fn choice(value: &str, label: impl Into<String>, chosen: &str) -> Choice {
    let on = value == chosen;
    Choice { value: value.to_owned(), label: label.into(), hint: String::new(), on }
}

/// The three stages.
#[must_use]
pub fn stages(form: &Form, errors: &[FieldError]) -> Vec<Part> {
    let stage = |number: usize| {
        let mut part = Part::of(form, format!("stage{number}"), number);
        part.filled = !["", "none"].contains(&part.v(""));
        let rare =
            ["alt", "alt-after", "alt-people", "alt-groups", "if", "if-days", "if-answers", "note"];
        // What has a value while its box is not ticked is not said.
        part.unfold(if part.has("alt") { &rare } else { &rare[4..] }, errors);
        let chosen = part.v("if").to_owned();
        part.conditions = vec![
            choice("", "Every request", &chosen),
            choice("guests", "Requests for guests", &chosen),
            choice("longer", "Requests for longer than some days", &chosen),
        ];
        part.conditions.extend(earlier(form, QUESTIONS_MAX + 1).into_iter().map(|(key, text)| {
            let value = format!("{ANSWER}{key}");
            choice(&value, format!("An answer to “{text}”"), &chosen)
        }));
        keep(&mut part.conditions, &chosen);
        let unit = part.v("unit").to_owned();
        part.kinds = vec![choice("days", "days", &unit), choice("hours", "hours", &unit)];
        part
    };
    (1..=STAGES_MAX).map(stage).collect()
}

/// What was chosen stays to be seen, though the question no longer offers choices.
fn keep(conditions: &mut Vec<Choice>, chosen: &str) {
    if !conditions.iter().any(|c| c.on) {
        conditions.push(choice(chosen, "A question that offers no choices", chosen));
    }
}

/// The questions of a form, with empty places for more.
pub struct Questions {
    /// All places.
    pub all: Vec<Part>,
    /// How many places there are, as the form carries it.
    pub room: usize,
    /// Whether anything is asked.
    pub asked: bool,
    /// Whether the empty places are unfolded: somebody asked for more of them.
    pub open: bool,
}

/// As many questions as there is room for.
#[must_use]
pub fn questions(form: &Form, errors: &[FieldError]) -> Questions {
    let room = form.raw("questions").parse().unwrap_or(0_usize).min(QUESTIONS_MAX);
    let question = |number: usize| {
        let mut part = Part::of(form, format!("question{number}"), number);
        part.filled = is_there(form, number) || part.has("out");
        part.unfold(&["hint", "pattern", "message", "if", "if-answers", "out"], errors);
        let chosen = part.v("if").to_owned();
        part.conditions = vec![choice("", "Always", &chosen)];
        part.conditions.extend(
            earlier(form, number)
                .into_iter()
                .map(|(key, text)| choice(&key, format!("After an answer to “{text}”"), &chosen)),
        );
        keep(&mut part.conditions, &chosen);
        let kind = match part.v("kind") {
            "" => "short".to_owned(),
            kind => kind.to_owned(),
        };
        part.kinds = [
            ("short", "One line of text"),
            ("long", "Several lines of text"),
            ("one", "One of several choices"),
            ("many", "Any of several choices"),
            ("date", "A date"),
            ("number", "A whole number"),
        ]
        .map(|(value, label)| choice(value, label, &kind))
        .into();
        part
    };
    let all: Vec<Part> = (1..=room).map(question).collect();
    let asked = all.iter().any(|part| part.filled);
    Questions { all, room, asked, open: form.raw("step") == "more" }
}

/// The questions before this one that offer choices: key and words.
fn earlier(form: &Form, number: usize) -> Vec<(String, String)> {
    (1..number)
        .map(|n| Part::of(form, format!("question{n}"), n))
        .filter(|part| ["one", "many"].contains(&part.v("kind")) && is_there(form, part.number))
        .map(|part| (part.v("key").to_owned(), part.v("text").to_owned()))
        .collect()
}
