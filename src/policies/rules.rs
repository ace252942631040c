//! What a policy must say, and whom it covers. Pure: names and what is known of people and groups are handed in; all
//! errors come at once.
//!
//! The fields: `name`; `scope`, `people`, `groups`, `organizations`; `asks`, `ask-people`, `ask-groups`; `stage1`,
//! `stage1-people`, `-groups`, `-n`, `-fallback`, `-time`, `-alt`, `-alt-after`, `-alt-people`, `-alt-groups`, `-if`,
//! `-if-days`, `-if-question`, `-if-answers` (and so for 2 and 3); `question1-text`, `-choices`, `-pattern`,
//! `-message`, `-min`, `-if`, `-if-answers` (and so on); `lifetime`, `until`, `days`, `hours`; `extension-days`.

use std::collections::{BTreeSet, HashMap};

use chrono::NaiveDate;

use super::model::{
    Applicable, Asks, Class, DAYS_MAX, Extension, HOURS_MAX, Lifetime, NAMED_MAX, Named, Scope,
    Terms, Who,
};
use super::questions::{self, CHOICES_MAX, LINE_MAX, QUESTIONS_MAX, Question};
use super::stages::{
    Alternates, Approvers, Condition, STAGE_DAYS_MAX, STAGE_HOURS_MAX, STAGES_MAX, StageTerms,
    Unit, Votes,
};
use crate::catalogs::rules::name as checked_name;
use crate::error::FieldError;
use crate::kernel::text::{NOTE_MAX, counted, one_line, tidy};
use crate::kernel::{GroupId, Kind, OrganizationId, PersonId};

/// What the directory says of those whom the terms name.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// Name, and whether they are still here.
    pub people: HashMap<PersonId, (String, bool)>,
    /// Name, and how many enabled members there are.
    pub groups: HashMap<GroupId, (String, i64)>,
    /// Name.
    pub organizations: HashMap<OrganizationId, String>,
}

/// Whom terms name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mentioned {
    /// People.
    pub people: Vec<PersonId>,
    /// Groups.
    pub groups: Vec<GroupId>,
    /// Connected organizations.
    pub organizations: Vec<OrganizationId>,
}

/// Everybody, every group and every organization that the terms name.
#[must_use]
pub fn named(terms: &Terms) -> Mentioned {
    let (mut people, mut groups) = (BTreeSet::new(), BTreeSet::new());
    let mut add = |p: &[Named<PersonId>], g: &[Named<GroupId>]| {
        people.extend(p.iter().map(|p| p.id));
        groups.extend(g.iter().map(|g| g.id));
    };
    add(&terms.scope.people, &terms.scope.groups);
    add(&terms.asks.people, &terms.asks.groups);
    for stage in &terms.stages {
        add(&stage.fallback, &[]);
        if let Approvers::Named { people, groups } = &stage.approvers {
            add(people, groups);
        }
        if let Some(alternates) = &stage.alternates {
            add(&alternates.people, &alternates.groups);
        }
    }
    Mentioned {
        people: people.into_iter().collect(),
        groups: groups.into_iter().collect(),
        organizations: terms.scope.organizations.iter().map(|o| o.id).collect(),
    }
}

/// Whether a scope has somebody in it, and in which class (D17).
#[must_use]
pub fn class(scope: &Scope, who: &Who) -> Option<Class> {
    let named = scope.people.iter().any(|p| p.id == who.id)
        || scope.groups.iter().any(|g| who.groups.contains(&g.id))
        || who.organization.is_some_and(|o| scope.organizations.iter().any(|n| n.id == o));
    if named {
        Some(Class::Named)
    } else if scope.all_members && who.kind == Kind::Member {
        Some(Class::AllMembers)
    } else if scope.all_users {
        Some(Class::AllUsers)
    } else {
        (scope.all_organizations && who.organization.is_some()).then_some(Class::AllOrganizations)
    }
}

/// May the requestor ask for the target under a policy that has the target in its scope (D46)?
#[must_use]
pub fn may_ask(asks: &Asks, requestor: &Who, target: &Who) -> bool {
    if requestor.id == target.id {
        return asks.own;
    }
    (asks.manager && target.manager == Some(requestor.id))
        || asks.people.iter().any(|p| p.id == requestor.id)
        || asks.groups.iter().any(|g| requestor.groups.contains(&g.id))
}

/// Those of the best class only; more than one is a tie, and the requestor chooses (D17).
#[must_use]
pub fn best(mut all: Vec<Applicable>) -> Vec<Applicable> {
    let best = all.iter().map(|a| a.class).min();
    all.retain(|a| Some(a.class) == best);
    all
}

/// A policy that may be saved: the names are those of the directory now. The warnings say what is not wrong but surprising.
///
/// # Errors
/// What to mend.
pub fn policy(
    name: &str,
    draft: &Terms,
    known: &Known,
    today: NaiveDate,
) -> Result<(String, Terms, Vec<String>), Vec<FieldError>> {
    let mut check = Check { known, errors: Vec::new(), warnings: Vec::new() };
    let name = checked_name("name", name, &mut check.errors);
    let scope = check.scope(&draft.scope);
    let asks = check.asks(&draft.asks, &draft.scope);
    let questions = check.questions(&draft.questions);
    if draft.stages.len() > STAGES_MAX {
        check.wrong("stage1", format!("Choose at most {STAGES_MAX} stages"));
    }
    for (looked_up, words) in [
        (Approvers::Manager, "Let the manager decide in one stage only"),
        (Approvers::SecondManager, "Let the manager’s manager decide in one stage only"),
        (Approvers::Sponsors, "Let the sponsors decide in one stage only"),
    ] {
        if draft.stages.iter().filter(|s| s.approvers == looked_up).count() > 1 {
            check.wrong("stage2", words);
        }
    }
    let stages = draft
        .stages
        .iter()
        .enumerate()
        .map(|(at, stage)| check.stage(&format!("stage{}", at + 1), stage, &questions))
        .collect();
    check.lifetime(draft.lifetime, today);
    if let Some(Extension { last_days: Some(days), .. }) = draft.extension
        && !(1..=DAYS_MAX).contains(&days)
    {
        check.wrong("extension-days", format!("Choose 1 to {DAYS_MAX} days"));
    }
    if !check.errors.is_empty() {
        return Err(check.errors);
    }
    Ok((name, Terms { scope, asks, stages, questions, ..draft.clone() }, check.warnings))
}

/// Questions that a resource may ask of whoever requests it.
///
/// # Errors
/// What to mend, on the fields of the questions.
pub fn asked(drafts: &[Question]) -> Result<Vec<Question>, Vec<FieldError>> {
    let known = Known::default();
    let mut check = Check { known: &known, errors: Vec::new(), warnings: Vec::new() };
    let questions = check.questions(drafts);
    if check.errors.is_empty() { Ok(questions) } else { Err(check.errors) }
}

struct Check<'a> {
    known: &'a Known,
    errors: Vec<FieldError>,
    warnings: Vec<String>,
}

impl Check<'_> {
    fn wrong(&mut self, field: &str, text: impl Into<String>) {
        self.errors.push(FieldError::new(field, text));
    }

    fn scope(&mut self, draft: &Scope) -> Scope {
        let named = draft.people.len() + draft.groups.len() + draft.organizations.len();
        if named > NAMED_MAX {
            self.wrong(
                "people",
                format!("Name at most {NAMED_MAX} people and groups; put people into a group"),
            );
        }
        let people = self.people("people", &draft.people);
        let groups = self.groups("groups", &draft.groups);
        for group in &groups {
            if self.known.groups.get(&group.id).is_some_and(|(_, members)| *members == 0) {
                self.warnings.push(format!(
                    "{} has no members today, so nobody can request through it yet.",
                    group.name
                ));
            }
        }
        let mut organizations: Vec<Named<OrganizationId>> = Vec::new();
        for draft in &draft.organizations {
            match self.known.organizations.get(&draft.id) {
                None => self.wrong("organizations", "Name connected organizations that there are"),
                Some(_) if organizations.iter().any(|o| o.id == draft.id) => {}
                Some(name) => organizations.push(Named { id: draft.id, name: name.clone() }),
            }
        }
        Scope { people, groups, organizations, ..draft.clone() }
    }

    fn asks(&mut self, draft: &Asks, scope: &Scope) -> Asks {
        if draft.people.len() + draft.groups.len() > NAMED_MAX {
            self.wrong("ask-people", format!("Name at most {NAMED_MAX} people and groups"));
        }
        let people = self.people("ask-people", &draft.people);
        let groups = self.groups("ask-groups", &draft.groups);
        let asks = Asks { people, groups, ..draft.clone() };
        let nobody = *scope == Scope::default();
        let silent = !asks.own && !asks.manager && asks.people.is_empty() && asks.groups.is_empty();
        if nobody && !asks.direct {
            self.wrong("scope", "Say for whom it is, or let owners assign it directly");
        } else if silent && !asks.direct {
            self.wrong("asks", "Choose at least one way in which somebody gets it");
        }
        asks
    }

    fn questions(&mut self, drafts: &[Question]) -> Vec<Question> {
        if drafts.len() > QUESTIONS_MAX {
            self.wrong("question1-text", format!("Ask at most {QUESTIONS_MAX} questions"));
        }
        let mut all: Vec<Question> = Vec::new();
        for (at, draft) in drafts.iter().take(QUESTIONS_MAX).enumerate() {
            let question = self.question(&format!("question{}", at + 1), draft, &all);
            all.push(question);
        }
        all
    }

    fn question(&mut self, field: &str, draft: &Question, before: &[Question]) -> Question {
        use questions::Kind;
        let text = one_line(&draft.text);
        let (text_field, choices_field) = (format!("{field}-text"), format!("{field}-choices"));
        if text.is_empty() {
            self.wrong(&text_field, "Write the question, or take it out");
        }
        if text.chars().count() > LINE_MAX || draft.hint.chars().count() > NOTE_MAX {
            self.wrong(&text_field, format!("Shorten the question to {LINE_MAX} characters"));
        }
        if before.iter().any(|q| q.key == draft.key) || draft.key.is_empty() {
            self.wrong(&text_field, "Open the page again: this question came twice");
        }
        let answer = match &draft.answer {
            Kind::One { choices } => {
                Kind::One { choices: self.choices(&choices_field, choices, 2) }
            }
            Kind::Many { choices } => {
                Kind::Many { choices: self.choices(&choices_field, choices, 1) }
            }
            Kind::Short { pattern: Some(pattern) } => {
                let pattern_field = format!("{field}-pattern");
                if pattern.regex.chars().count() > LINE_MAX {
                    self.wrong(&pattern_field, format!("Shorten it to {LINE_MAX} characters"));
                } else if let Err(why) = pattern.compiled() {
                    self.wrong(&pattern_field, format!("Mend the pattern: {why}"));
                }
                let message = one_line(&pattern.message);
                if message.is_empty() || message.chars().count() > LINE_MAX {
                    self.wrong(
                        &format!("{field}-message"),
                        "Say in one sentence how to mend an answer that does not match",
                    );
                }
                let regex = pattern.regex.clone();
                Kind::Short { pattern: Some(questions::Pattern { regex, message }) }
            }
            Kind::Number { min: Some(min), max: Some(max) } if min > max => {
                self.wrong(&format!("{field}-min"), "Let the least number be below the most");
                draft.answer.clone()
            }
            other => other.clone(),
        };
        if let Some(shown) = &draft.shown_if {
            self.earlier(&format!("{field}-if"), &shown.question, &shown.any_of, before);
        }
        Question { text, hint: tidy(&draft.hint), answer, ..draft.clone() }
    }

    fn choices(&mut self, field: &str, drafts: &[String], least: usize) -> Vec<String> {
        let mut choices: Vec<String> = Vec::new();
        for draft in drafts.iter().map(|d| one_line(d)).filter(|d| !d.is_empty()) {
            if !choices.contains(&draft) {
                choices.push(draft);
            }
        }
        if !(least..=CHOICES_MAX).contains(&choices.len()) {
            self.wrong(field, format!("Write {least} to {CHOICES_MAX} choices, one per line"));
        } else if choices.iter().any(|c| c.chars().count() > LINE_MAX) {
            self.wrong(field, format!("Shorten each choice to {LINE_MAX} characters"));
        }
        choices
    }

    /// A condition on the answer to a question that offers choices and comes before.
    fn earlier(&mut self, field: &str, key: &str, any_of: &[String], before: &[Question]) {
        use questions::Kind;
        let asked = before.iter().find(|q| q.key == key).map(|q| &q.answer);
        let Some(Kind::One { choices } | Kind::Many { choices }) = asked else {
            return self.wrong(field, "Choose an earlier question that offers choices");
        };
        if any_of.is_empty() || any_of.iter().any(|a| !choices.contains(a)) {
            let all = choices.join(", ");
            self.wrong(&format!("{field}-answers"), format!("Name some of its choices: {all}"));
        }
    }

    fn stage(&mut self, field: &str, draft: &StageTerms, asked: &[Question]) -> StageTerms {
        let at = |part: &str| format!("{field}-{part}");
        let fallback = self.people(&at("fallback"), &draft.fallback);
        if draft.fallback.len() > NAMED_MAX {
            self.wrong(&at("fallback"), format!("Name at most {NAMED_MAX} people"));
        }
        if draft.approvers.looked_up() && draft.fallback.is_empty() {
            let whom = match draft.approvers {
                Approvers::SecondManager => "people whose manager has no manager",
                Approvers::Sponsors => "people without sponsors",
                _ => "people without a manager",
            };
            self.wrong(&at("fallback"), format!("Name at least one person who decides for {whom}"));
        }
        let approvers = match &draft.approvers {
            Approvers::Named { people, groups } => {
                if !(1..=NAMED_MAX).contains(&(people.len() + groups.len())) {
                    self.wrong(
                        &at("people"),
                        format!("Name 1 to {NAMED_MAX} people or groups who decide"),
                    );
                }
                let people = self.people(&at("people"), people);
                let groups = self.groups(&at("groups"), groups);
                self.alive(&at("groups"), &people, &groups, &fallback);
                Approvers::Named { people, groups }
            }
            other => other.clone(),
        };
        let most = match draft.unit {
            Unit::Days => STAGE_DAYS_MAX,
            Unit::Hours => STAGE_HOURS_MAX,
        };
        if !(1..=most).contains(&draft.time) {
            let words = format!("Choose 1 to {}", draft.unit.counted(most));
            self.wrong(&at("time"), words);
        }
        self.votes(&at("n"), draft, &approvers);
        let alternates = draft.alternates.as_ref().map(|a| self.alternates(field, a, draft));
        match &draft.only_if {
            Some(Condition::Answer { question, any_of }) => {
                self.earlier(&at("if"), question, any_of, asked);
            }
            Some(Condition::LongerThan { days }) if !(1..=DAYS_MAX).contains(days) => {
                self.wrong(&at("if-days"), format!("Choose 1 to {DAYS_MAX} days"));
            }
            _ => {}
        }
        StageTerms { approvers, fallback, alternates, ..draft.clone() }
    }

    /// Approvers of whom nobody is there today need a fallback.
    fn alive(
        &mut self,
        field: &str,
        people: &[Named<PersonId>],
        groups: &[Named<GroupId>],
        fallback: &[Named<PersonId>],
    ) {
        let members = |g: &Named<GroupId>| self.known.groups.get(&g.id).map_or(0, |(_, n)| *n);
        if !people.is_empty() || groups.is_empty() || groups.iter().any(|g| members(g) > 0) {
            return;
        }
        let name = &groups[0].name;
        if fallback.is_empty() {
            self.wrong(
                field,
                format!("{name} has no members: choose another group, or name a fallback"),
            );
        } else {
            self.warnings.push(format!("{name} has no members today; the fallback decides."));
        }
    }

    fn votes(&mut self, field: &str, draft: &StageTerms, approvers: &Approvers) {
        let Votes::Some { n } = draft.votes else { return };
        let members = |g: &Named<GroupId>| self.known.groups.get(&g.id).map_or(0, |(_, n)| *n);
        let there = match approvers {
            Approvers::Manager | Approvers::SecondManager => 1,
            Approvers::Sponsors => i64::from(u32::MAX),
            Approvers::Named { people, groups } => {
                i64::try_from(people.len()).unwrap_or(i64::MAX)
                    + groups.iter().map(members).sum::<i64>()
            }
        };
        if n < 2 {
            self.wrong(field, "Choose 2 or more, or let any one decide");
        } else if i64::from(n) > there {
            let there = counted(there, "person is", "people are");
            self.wrong(field, format!("Choose fewer: {there} named"));
        }
    }

    fn alternates(&mut self, field: &str, draft: &Alternates, stage: &StageTerms) -> Alternates {
        let people = self.people(&format!("{field}-alt-people"), &draft.people);
        let groups = self.groups(&format!("{field}-alt-groups"), &draft.groups);
        if draft.people.is_empty() && draft.groups.is_empty() {
            // The manager's manager may be nobody.
            self.wrong(&format!("{field}-alt-people"), "Name at least one person or group");
        }
        if draft.after == 0 || draft.after >= stage.time {
            let most = stage.unit.counted(stage.time.saturating_sub(1));
            let words = match stage.time {
                0 | 1 => "Give the stage more time: alternates join before it runs out".to_owned(),
                _ => format!("Choose 1 to {most}, before the stage runs out"),
            };
            self.wrong(&format!("{field}-alt-after"), words);
        }
        Alternates { people, groups, ..draft.clone() }
    }

    fn lifetime(&mut self, lifetime: Lifetime, today: NaiveDate) {
        match lifetime {
            Lifetime::Until { date } if date < today => {
                self.wrong("until", "Choose today or a later date");
            }
            Lifetime::Until { date } if (date - today).num_days() > DAYS_MAX.into() => {
                self.wrong("until", "Choose a date in the next ten years, or no end");
            }
            Lifetime::Days { days } if !(1..=DAYS_MAX).contains(&days) => {
                self.wrong("days", format!("Choose 1 to {DAYS_MAX} days"));
            }
            Lifetime::Hours { hours } if !(1..=HOURS_MAX).contains(&hours) => {
                self.wrong("hours", format!("Choose 1 to {HOURS_MAX} hours"));
            }
            _ => {}
        }
    }

    fn people(&mut self, field: &str, drafts: &[Named<PersonId>]) -> Vec<Named<PersonId>> {
        let mut people: Vec<Named<PersonId>> = Vec::new();
        for draft in drafts {
            if people.iter().any(|p| p.id == draft.id) {
                continue;
            }
            match self.known.people.get(&draft.id) {
                None => self.wrong(field, "Name people of the directory"),
                Some((name, false)) => {
                    self.wrong(field, format!("Remove {name}, who has left"));
                }
                Some((name, true)) => people.push(Named { id: draft.id, name: name.clone() }),
            }
        }
        people
    }

    fn groups(&mut self, field: &str, drafts: &[Named<GroupId>]) -> Vec<Named<GroupId>> {
        let mut groups: Vec<Named<GroupId>> = Vec::new();
        for draft in drafts {
            match self.known.groups.get(&draft.id) {
                None => self.wrong(field, "Name a group of the directory"),
                Some(_) if groups.iter().any(|g| g.id == draft.id) => {}
                Some((name, _)) => groups.push(Named { id: draft.id, name: name.clone() }),
            }
        }
        groups
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::{PackageId, PolicyId};
    use crate::policies::model::Policy;

    fn person(known: &mut Known, name: &str, enabled: bool) -> Named<PersonId> {
        let id = PersonId::fresh();
        known.people.insert(id, (name.into(), enabled));
        Named { id, name: String::new() }
    }

    fn terms() -> Terms {
        Terms {
            scope: Scope { all_members: true, ..Scope::default() },
            stages: vec![],
            reason_required: true,
            lifetime: Lifetime::Days { days: 90 },
            period_chosen: false,
            ..Terms::default()
        }
    }

    fn today() -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 3, 2).expect("a day")
    }

    fn wrong(terms: &Terms, known: &Known) -> Vec<String> {
        match policy("Standard", terms, known, today()) {
            Ok(_) => vec![],
            Err(errors) => errors.into_iter().map(|e| e.field).collect(),
        }
    }

    #[test]
    fn a_policy_without_stages_is_right_and_takes_the_names_of_the_directory() {
        let mut known = Known::default();
        let mut terms = terms();
        terms.scope.people = vec![person(&mut known, "Ann", true)];
        let (name, checked, warnings) =
            policy(" Standard ", &terms, &known, today()).expect("valid");
        assert_eq!(name, "Standard");
        assert_eq!(checked.scope.people[0].name, "Ann");
        assert_eq!(warnings, Vec::<String>::new());
    }

    #[test]
    fn everything_wrong_is_said_at_once() {
        let mut known = Known::default();
        let gone = person(&mut known, "Lee", false);
        let stranger = Named { id: PersonId::fresh(), name: "Nobody".into() };
        let stage = |approvers| StageTerms::simple(approvers, vec![], 0);
        let draft = Terms {
            scope: Scope { people: vec![gone], ..Scope::default() },
            stages: vec![
                stage(Approvers::Manager),
                stage(Approvers::people(vec![stranger])),
                stage(Approvers::group(Named { id: GroupId::fresh(), name: "x".into() })),
            ],
            lifetime: Lifetime::Days { days: 3_661 },
            ..terms()
        };
        let errors = policy("", &draft, &known, today()).expect_err("errors");
        let fields: Vec<&str> = errors.iter().map(|e| e.field.as_str()).collect();
        assert_eq!(
            fields,
            [
                "name",
                "people",
                "stage1-fallback",
                "stage1-time",
                "stage2-people",
                "stage2-time",
                "stage3-groups",
                "stage3-time",
                "days"
            ]
        );
        assert_eq!(errors[1].text, "Remove Lee, who has left");
    }

    #[test]
    fn bounds_are_inclusive() {
        let known = Known::default();
        for (lifetime, field) in [
            (Lifetime::Days { days: 0 }, Some("days")),
            (Lifetime::Days { days: 1 }, None),
            (Lifetime::Days { days: DAYS_MAX }, None),
            (Lifetime::Hours { hours: 0 }, Some("hours")),
            (Lifetime::Hours { hours: HOURS_MAX }, None),
            (Lifetime::Hours { hours: HOURS_MAX + 1 }, Some("hours")),
            (Lifetime::Until { date: today() }, None),
            (Lifetime::Until { date: today().pred_opt().expect("a day") }, Some("until")),
            (Lifetime::Never, None),
        ] {
            let expected: Vec<String> = field.into_iter().map(str::to_owned).collect();
            assert_eq!(wrong(&Terms { lifetime, ..terms() }, &known), expected, "{lifetime:?}");
        }
    }

    #[test]
    fn a_manager_stage_needs_a_fallback_and_stands_once() {
        let mut known = Known::default();
        let ann = person(&mut known, "Ann", true);
        let manager =
            |fallback: Vec<Named<PersonId>>| StageTerms::simple(Approvers::Manager, fallback, 14);
        let of = |stages| Terms { stages, ..terms() };
        assert_eq!(wrong(&of(vec![manager(vec![])]), &known), ["stage1-fallback"]);
        assert_eq!(wrong(&of(vec![manager(vec![ann.clone()])]), &known), Vec::<String>::new());
        let twice = of(vec![manager(vec![ann.clone()]), manager(vec![ann])]);
        assert_eq!(wrong(&twice, &known), ["stage2"]);
    }

    #[test]
    fn an_empty_group_of_approvers_needs_a_fallback() {
        let mut known = Known::default();
        let ann = person(&mut known, "Ann", true);
        let group = GroupId::fresh();
        known.groups.insert(group, ("Controllers".into(), 0));
        let named = Named { id: group, name: String::new() };
        let mut stage = StageTerms::simple(Approvers::group(named), vec![], 7);
        let draft = Terms { stages: vec![stage.clone()], ..terms() };
        assert_eq!(wrong(&draft, &known), ["stage1-groups"]);
        stage.fallback = vec![ann];
        let draft = Terms { stages: vec![stage], ..terms() };
        let (_, _, warnings) = policy("A", &draft, &known, today()).expect("valid");
        assert_eq!(warnings, ["Controllers has no members today; the fallback decides."]);
    }

    #[test]
    fn d17_a_policy_that_names_the_requestor_goes_before_one_for_all() {
        let class = |named| if named { Class::Named } else { Class::AllMembers };
        let applicable = |named| Applicable {
            policy: Policy {
                id: PolicyId::fresh(),
                package: PackageId::fresh(),
                name: "A".into(),
                version: 1,
                enabled: true,
                terms: terms(),
                rev: 1,
            },
            class: class(named),
        };
        let both = vec![applicable(true), applicable(false), applicable(true)];
        assert_eq!(best(both).len(), 2);
        assert_eq!(best(vec![applicable(false)]).len(), 1);
    }
}
