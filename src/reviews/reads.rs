//! What a review says, as sentences that somebody who has never set one up understands. Pure: shown wherever a review is
//! shown, and recorded when it changes.

use super::model::{GoesOn, Reviewers, Rhythm, Scope, Silence, Source, Stage, Terms};
use crate::kernel::fact::listed;
use crate::kernel::text::{capital, counted};
use crate::kernel::{GroupId, PersonId};
use crate::policies::model::Named;
use crate::web::words::date_in_full;

fn names<I>(named: &[Named<I>]) -> String {
    listed(&named.iter().map(|one| one.name.clone()).collect::<Vec<_>>())
}

/// The terms, a sentence each.
#[must_use]
pub fn sentences(terms: &Terms) -> Vec<String> {
    let mut lines = vec![what(&terms.scope), who(terms)];
    lines.push(when(terms));
    lines.extend((2..).zip(&terms.then).map(|(number, stage)| then(number, stage)));
    lines.push(match terms.silence {
        Silence::Keep => "What nobody answers stays.".into(),
        Silence::Remove => "What nobody answers is removed.".into(),
        Silence::Recommendation => {
            "What nobody answers follows the recommendation; without one it stays.".into()
        }
    });
    if matches!(terms.scope.source, Source::List { .. }) {
        let words =
            "What is to go is removed by hand, and whoever does it writes how one can see it.";
        lines.push(words.into());
    }
    if let Source::Resource { target, .. } = &terms.scope.source {
        lines.push(format!(
            "What is to go is removed on {target}; what gives it here ends for that person."
        ));
    }
    if terms.recommends {
        lines.push("Reviewers see a recommendation, and what it rests on.".into());
    }
    lines.push(if terms.reasons {
        "Every answer needs a reason.".into()
    } else {
        "A removal needs a reason, and so does keeping what is of high risk.".into()
    });
    lines.push(if terms.at_once {
        "A removal counts at once, not only at the end.".into()
    } else {
        "A removal is announced to the person when the review closes, and begins after the cooling-off time.".into()
    });
    lines
}

/// Who answers and when, for where it is clear what is reviewed.
#[must_use]
pub fn brief(terms: &Terms) -> String {
    format!("{} {}", who(terms), when(terms))
}

fn what(scope: &Scope) -> String {
    if let Source::List { systems, rows, left_out, .. } = &scope.source {
        let lines = counted(*rows, "line", "lines");
        let out = match left_out {
            0 => String::new(),
            n => format!(
                "; {} left out, because nobody knows their person",
                counted(*n, "is", "are")
            ),
        };
        return format!("What a list says of {} is reviewed: {lines}{out}.", listed(systems));
    }
    let mut held = match (scope.high_risk_only, scope.guests_only) {
        (true, true) => "High-risk access of guests".to_owned(),
        (true, false) => "High-risk access".to_owned(),
        (false, true) => "All access of guests".to_owned(),
        (false, false) => "All access".to_owned(),
    };
    if let Source::Resource { resource, target } = &scope.source {
        held = format!("{held} to {}", resource.name);
        if !scope.departments.is_empty() {
            held = format!("{held} of people in {}", listed(&scope.departments));
        }
        return format!("{held} is reviewed, as the target system {target} tells it at the start.");
    }
    if !scope.packages.is_empty() {
        held = format!("{held} through {}", names(&scope.packages));
    }
    if let Some(policy) = &scope.policy {
        held = format!("{held} under policy “{}”", policy.name);
    }
    if let Some(catalog) = &scope.catalog {
        held = format!("{held} in catalog {}", catalog.name);
    }
    if !scope.departments.is_empty() {
        held = format!("{held} of people in {}", listed(&scope.departments));
    }
    format!("{held} is reviewed.")
}

/// A stage after the first one.
fn then(number: usize, stage: &Stage) -> String {
    let who = match &stage.reviewers {
        Reviewers::Own => "everybody".to_owned(),
        Reviewers::Manager => "the manager of each person".to_owned(),
        Reviewers::Owners => "the owners of the catalog".to_owned(),
        Reviewers::Named { people, groups } => named(people, groups),
    };
    let mut gets = vec!["what nobody answered".to_owned()];
    gets.extend(stage.gets.iter().map(|one| {
        match one {
            GoesOn::Kept => "what is to be kept",
            GoesOn::Removed => "what is to be removed",
            GoesOn::Unknown => "what was not known",
        }
        .to_owned()
    }));
    let days = counted(stage.days.into(), "day", "days");
    let sees = if stage.shows { "sees" } else { "does not see" };
    format!(
        "In stage {number}, open for {days}, {who} looks once more at {}, and {sees} what was answered before.",
        listed(&gets)
    )
}

fn named(people: &[Named<PersonId>], groups: &[Named<GroupId>]) -> String {
    let mut all: Vec<String> = people.iter().map(|person| person.name.clone()).collect();
    all.extend(groups.iter().map(|group| format!("the members of {}", group.name)));
    listed(&all)
}

fn who(terms: &Terms) -> String {
    let fallback = match terms.fallback.as_slice() {
        [] if terms.scope.catalog.is_none() && terms.scope.source != Source::Assignments => {
            "administrators".to_owned()
        }
        [] => "the owners of the catalog".to_owned(),
        some => names(some),
    };
    match &terms.reviewers {
        Reviewers::Own => "Everybody answers for their own access.".into(),
        Reviewers::Manager => {
            format!("The manager of each person answers; where there is none, {fallback}.")
        }
        Reviewers::Owners if matches!(terms.scope.source, Source::List { .. }) => {
            "Whoever put the list in answers, never for themselves.".into()
        }
        Reviewers::Owners => format!(
            "The owners of the catalog answer, never for themselves{}.",
            match terms.fallback.as_slice() {
                [] => String::new(),
                some => format!("; where nobody else can, {}", names(some)),
            }
        ),
        Reviewers::Named { people, groups } => {
            let all = named(people, groups);
            let answer = if people.len() == 1 && groups.is_empty() { "answers" } else { "answer" };
            format!("{} {answer}, never for themselves.", capital(&all))
        }
    }
}

fn when(terms: &Terms) -> String {
    let days = counted(terms.days.into(), "day", "days");
    let first = date_in_full(terms.first);
    let often = match terms.rhythm {
        Rhythm::Once => return format!("It happens once, on {first}, and is open for {days}."),
        Rhythm::Weekly => "every week",
        Rhythm::Monthly => "every month",
        Rhythm::Quarterly => "every three months",
        Rhythm::HalfYearly => "every six months",
        Rhythm::Yearly => "every year",
    };
    format!("It starts {often} from {first}, and is open for {days} each time.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_review_of_a_resource_says_who_is_asked_for_it() {
        let resource = Named { id: crate::kernel::ResourceId::fresh(), name: "VPN".to_owned() };
        let source = Source::Resource { resource, target: "Office".to_owned() };
        let scope = Scope { source, departments: vec!["Finance".to_owned()], ..Scope::default() };
        assert_eq!(
            what(&scope),
            "All access to VPN of people in Finance is reviewed, as the target system Office tells it at the start."
        );
    }

    #[test]
    fn a_review_reads_as_sentences() {
        let terms = Terms {
            scope: Scope { guests_only: true, ..Scope::default() },
            reviewers: Reviewers::Manager,
            fallback: vec![],
            rhythm: Rhythm::Quarterly,
            first: "2026-04-01".parse().expect("a day"),
            days: 14,
            silence: Silence::Remove,
            recommends: true,
            reasons: false,
            at_once: false,
            words: String::new(),
            then: vec![],
        };
        assert_eq!(
            sentences(&terms),
            [
                "All access of guests is reviewed.",
                "The manager of each person answers; where there is none, the owners of the catalog.",
                "It starts every three months from 1 April 2026, and is open for 14 days each time.",
                "What nobody answers is removed.",
                "Reviewers see a recommendation, and what it rests on.",
                "A removal needs a reason, and so does keeping what is of high risk.",
                "A removal is announced to the person when the review closes, and begins after the cooling-off time.",
            ]
        );
    }
}
