//! The form of a request: what was typed, kept from step to step, and what it means.

use std::collections::HashMap;

use chrono::NaiveDate;

use super::rules::{self, Period};
use super::{fields, prospect};
use crate::error::FieldError;
use crate::kernel::text::NOTE_MAX;
use crate::kernel::{PolicyId, RequestId, Ts, Zone};
use crate::policies::model::Terms;
use crate::policies::questions::{Answer, Question};
use crate::web::Form;

/// What somebody typed; nothing of it is checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AskForm {
    /// Drawn with the form, so that a double submit makes one request (C4).
    pub key: RequestId,
    /// The policy that was chosen, where there is a choice (D17).
    pub policy: Option<PolicyId>,
    /// The version of the policy that the form showed.
    pub version: Option<i64>,
    /// Why.
    pub reason: String,
    /// What was answered, by the key of the question.
    pub answers: HashMap<String, Vec<String>>,
    /// The first day, as typed.
    pub starts: String,
    /// The last day, as typed.
    pub ends: String,
    /// The request that this one repeats (D12).
    pub again: Option<RequestId>,
}

impl AskForm {
    /// An empty form with a fresh key.
    #[must_use]
    pub fn fresh() -> Self {
        Self {
            key: RequestId::fresh(),
            policy: None,
            version: None,
            reason: String::new(),
            answers: HashMap::new(),
            starts: String::new(),
            ends: String::new(),
            again: None,
        }
    }

    /// What a form carries; without a key it gets a fresh one.
    #[must_use]
    pub fn read(form: &Form) -> Self {
        Self {
            key: RequestId::parse(form.raw("key")).unwrap_or_else(RequestId::fresh),
            policy: PolicyId::parse(form.raw("policy")),
            version: form.raw("version").parse().ok(),
            reason: form.text("reason"),
            answers: fields::given(form),
            starts: form.line("starts"),
            ends: form.line("ends"),
            again: RequestId::parse(form.raw("again")),
        }
    }

    /// Everything, as the next step carries it on and as a draft is kept.
    #[must_use]
    pub fn pairs(&self) -> Vec<(String, String)> {
        let mut all = self.origin();
        all.push(("reason".into(), self.reason.clone()));
        all.extend(fields::hidden(&self.answers));
        all.push(("starts".into(), self.starts.clone()));
        all.push(("ends".into(), self.ends.clone()));
        all
    }

    /// What nobody types: the hidden fields of the form itself.
    #[must_use]
    pub fn origin(&self) -> Vec<(String, String)> {
        let mut all = vec![("key".to_owned(), self.key.to_string())];
        all.extend(self.policy.map(|id| ("policy".to_owned(), id.to_string())));
        all.extend(self.version.map(|version| ("version".to_owned(), version.to_string())));
        all.extend(self.again.map(|id| ("again".to_owned(), id.to_string())));
        all
    }

    /// True where nobody has typed anything.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        let texts = [&self.reason, &self.starts, &self.ends];
        texts.iter().all(|text| text.is_empty()) && self.answers.is_empty()
    }

    /// The first answer to a question, as typed.
    #[must_use]
    pub fn answer(&self, key: &str) -> &str {
        self.answers.get(key).and_then(|values| values.first()).map_or("", String::as_str)
    }

    /// Whether this was among the answers to a question.
    #[must_use]
    pub fn answered(&self, key: &str, value: &str) -> bool {
        self.answers.get(key).is_some_and(|values| values.iter().any(|v| v == value))
    }

    /// The period that was typed. A first day starts at local midnight, a last day is inclusive (E2).
    ///
    /// # Errors
    /// What is no date.
    pub fn period(&self, zone: Zone) -> Result<Period, Vec<FieldError>> {
        let mut errors = Vec::new();
        let starts = day("starts", "first", &self.starts, &mut errors);
        let ends = day("ends", "last", &self.ends, &mut errors);
        if errors.is_empty() {
            Ok(Period {
                starts: starts.map(|day| zone.start_of(day)),
                ends: ends.map(|day| zone.end_of(day)),
            })
        } else {
            Err(errors)
        }
    }

    /// Holds what was typed against the terms and against what the resources ask: the period and the answers that count,
    /// or everything that is wrong, in the order of the fields.
    ///
    /// # Errors
    /// What to mend.
    pub fn checked(
        &self,
        terms: &Terms,
        attributes: &[(String, Vec<Question>)],
        now: Ts,
        zone: Zone,
    ) -> Result<(Period, Vec<Answer>), Vec<FieldError>> {
        let mut errors = Vec::new();
        if terms.reason_required && self.reason.is_empty() {
            errors.push(FieldError::new("reason", "Say what you will use it for"));
        }
        if self.reason.chars().count() > NOTE_MAX {
            let words = format!("Shorten your reason to {NOTE_MAX} characters");
            errors.push(FieldError::new("reason", words));
        }
        let answers = prospect::answers(&terms.questions, attributes, &self.answers);
        let answers = answers.unwrap_or_else(|wrong| {
            errors.extend(wrong);
            Vec::new()
        });
        let none = Period { starts: None, ends: None };
        let typed = if terms.period_chosen { self.period(zone) } else { Ok(none) };
        let period = typed.and_then(|period| rules::asked_period(terms, period, now, zone));
        let period = period.unwrap_or_else(|wrong| {
            errors.extend(wrong);
            none
        });
        if errors.is_empty() { Ok((period, answers)) } else { Err(errors) }
    }
}

fn day(field: &str, which: &str, text: &str, errors: &mut Vec<FieldError>) -> Option<NaiveDate> {
    if text.is_empty() {
        return None;
    }
    let day = crate::kernel::time::day(text);
    if day.is_none() {
        let words = format!("Write the {which} day as year-month-day, like 2027-01-31");
        errors.push(FieldError::new(field, words));
    }
    day
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policies::model::{Lifetime, Scope};

    fn at(text: &str) -> Ts {
        Ts::new(text.parse().unwrap())
    }

    fn terms() -> Terms {
        Terms {
            scope: Scope::default(),
            stages: vec![],
            reason_required: true,
            lifetime: Lifetime::Days { days: 90 },
            period_chosen: true,
            ..Terms::default()
        }
    }

    fn typed(reason: &str, starts: &str, ends: &str) -> AskForm {
        AskForm {
            reason: reason.into(),
            starts: starts.into(),
            ends: ends.into(),
            ..AskForm::fresh()
        }
    }

    #[test]
    fn b02_everything_that_is_wrong_is_said_at_once() {
        let zone = Zone::named("Europe/Oslo").unwrap();
        let form = typed("", "tomorrow", "2027-02-30");
        let errors = form.checked(&terms(), &[], at("2026-11-23T09:00:00Z"), zone).unwrap_err();
        let fields: Vec<&str> = errors.iter().map(|e| e.field.as_str()).collect();
        assert_eq!(fields, ["reason", "starts", "ends"]);
        assert!(errors[1].text.contains("like 2027-01-31"), "it says how to mend it");
    }

    #[test]
    fn e02_days_are_local_and_the_last_one_is_inclusive() {
        let zone = Zone::named("Europe/Oslo").unwrap();
        let form = typed("why", "2026-12-01", "2026-12-31");
        let (period, _) = form.checked(&terms(), &[], at("2026-11-23T09:00:00Z"), zone).unwrap();
        assert_eq!(period.starts, Some(at("2026-11-30T23:00:00Z")));
        assert_eq!(period.ends, Some(at("2026-12-31T23:00:00Z")));
    }

    #[test]
    fn days_are_not_looked_at_where_the_policy_gives_no_choice() {
        let fixed = Terms { period_chosen: false, ..terms() };
        let (period, _) = typed("why", "never", "12345-01-01")
            .checked(&fixed, &[], at("2026-11-23T09:00:00Z"), Zone::UTC)
            .unwrap();
        assert_eq!(period, Period { starts: None, ends: None });
    }

    #[test]
    fn a_year_beyond_every_calendar_is_no_day() {
        for text in ["262142-12-31", "0001-01-01", "2026-1-1", "31.12.2026"] {
            assert!(typed("", text, "").period(Zone::UTC).is_err(), "{text}");
        }
    }

    #[test]
    fn c04_the_key_stays_the_same_from_step_to_step() {
        let mut first = typed("Why", "2026-12-01", "2026-12-31");
        first.answers.insert("systems".into(), vec!["A".into(), "B".into()]);
        let carried = Form::of(first.pairs());
        assert_eq!(AskForm::read(&carried), first);
        assert_ne!(AskForm::read(&Form::default()).key, AskForm::read(&Form::default()).key);
    }
}
