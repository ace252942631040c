//! The terms of a policy from the way in which [`super::plan`] writes it.

use chrono::{Datelike, Days, NaiveDate};

use super::company::Names;
use super::plan::{self, Answer, By, If, Life, Who};
use crate::error::Result;
use crate::kernel::PersonId;
use crate::policies::model::{Asks, Lifetime, Named, Scope, Terms};
use crate::policies::questions::{Kind, Pattern, Question, ShownIf};
use crate::policies::stages::{Alternates, Approvers, Condition, StageTerms};

impl Names {
    /// The terms of a policy that is written on `today` with this lifetime.
    pub(super) fn terms(
        &self,
        policy: &plan::Policy,
        life: Life,
        today: NaiveDate,
    ) -> Result<Terms> {
        let groups = policy.askers.iter().map(|name| self.named_group(name));
        Ok(Terms {
            scope: self.scope(policy)?,
            asks: Asks {
                own: policy.own,
                manager: !policy.own,
                groups: groups.collect::<Result<_>>()?,
                ..Asks::default()
            },
            stages: policy.stages.iter().map(|s| self.stage(s)).collect::<Result<_>>()?,
            reason_required: policy.reason,
            questions: policy.questions.iter().map(question).collect(),
            lifetime: lifetime(life, today),
            period_chosen: policy.chosen,
            extension: policy.extension,
            ..Terms::default()
        })
    }

    fn scope(&self, policy: &plan::Policy) -> Result<Scope> {
        let mut scope = Scope { all_members: policy.all_members, ..Scope::default() };
        for who in policy.named {
            match who {
                Who::Person(id) => scope.people.push(self.named_person(id)?),
                Who::Group(name) => scope.groups.push(self.named_group(name)?),
            }
        }
        Ok(scope)
    }

    fn stage(&self, stage: &plan::Stage) -> Result<StageTerms> {
        let approvers = match stage.by {
            By::Manager => Approvers::Manager,
            By::Sponsors => Approvers::Sponsors,
            By::People(ids) => Approvers::people(self.named_people(ids)?),
            By::Group(name) => Approvers::group(self.named_group(name)?),
        };
        let alternates = |(after, ids): (u32, &[&str])| -> Result<Alternates> {
            let people: Vec<Named<PersonId>> = self.named_people(ids)?;
            Ok(Alternates { after, people, groups: vec![], second_manager: true })
        };
        Ok(StageTerms {
            votes: stage.votes,
            alternates: stage.alternates.map(alternates).transpose()?,
            only_if: stage.only_if.map(condition),
            ..StageTerms::simple(approvers, self.named_people(stage.fallback)?, stage.days)
        })
    }
}

fn owned(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

fn condition(case: If) -> Condition {
    match case {
        If::Answered(question, any_of) => {
            Condition::Answer { question: question.into(), any_of: owned(any_of) }
        }
        If::LongerThan(days) => Condition::LongerThan { days },
        If::Guests => Condition::Guests,
    }
}

fn question(plan: &plan::Question) -> Question {
    let answer = match plan.answer {
        Answer::Like(regex, message) => {
            Kind::Short { pattern: Some(Pattern { regex: regex.into(), message: message.into() }) }
        }
        Answer::One(choices) => Kind::One { choices: owned(choices) },
        Answer::Many(choices) => Kind::Many { choices: owned(choices) },
        Answer::Number(min, max) => Kind::Number { min: Some(min), max: Some(max) },
    };
    let shown_if = |(question, any_of): (&str, &[&str])| ShownIf {
        question: question.into(),
        any_of: owned(any_of),
    };
    Question {
        key: plan.key.into(),
        text: plan.text.into(),
        hint: plan.hint.into(),
        answer,
        required: true,
        shown_if: plan.after.map(shown_if),
    }
}

fn lifetime(life: Life, today: NaiveDate) -> Lifetime {
    match life {
        Life::Days(days) => Lifetime::Days { days },
        Life::Hours(hours) => Lifetime::Hours { hours },
        Life::Never => Lifetime::Never,
        Life::MonthEnd(days) => {
            let around = today.checked_add_days(Days::new(days.into())).unwrap_or(today);
            let first = around.with_day(1).unwrap_or(around);
            let next = first.checked_add_months(chrono::Months::new(1)).unwrap_or(first);
            Lifetime::Until { date: next.pred_opt().unwrap_or(around) }
        }
    }
}
