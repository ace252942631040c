//! What a policy must say. Pure: names and what is known of people and groups are handed in; all errors come at once.
//!
//! The fields: `name`, `scope`, `people`, `groups`, `stage1`, `stage1-people`, `stage1-group`, `stage1-fallback`,
//! `stage1-days` (and so for 2 and 3), `lifetime`, `until`, `days`, `hours`.

use std::collections::{BTreeSet, HashMap};

use chrono::NaiveDate;

use super::model::{
    Applicable, Approvers, DAYS_MAX, HOURS_MAX, Lifetime, NAMED_MAX, Named, STAGE_DAYS_MAX,
    STAGES_MAX, Scope, StageTerms, Terms,
};
use crate::catalogs::rules::name as checked_name;
use crate::error::FieldError;
use crate::kernel::text::counted;
use crate::kernel::{GroupId, PersonId};

/// What the directory says of those whom the terms name.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// Name, and whether they are still here.
    pub people: HashMap<PersonId, (String, bool)>,
    /// Name, and how many enabled members there are.
    pub groups: HashMap<GroupId, (String, i64)>,
}

/// Everybody and every group that the terms name.
#[must_use]
pub fn named(terms: &Terms) -> (Vec<PersonId>, Vec<GroupId>) {
    let mut people: BTreeSet<PersonId> = terms.scope.people.iter().map(|p| p.id).collect();
    let mut groups: BTreeSet<GroupId> = terms.scope.groups.iter().map(|g| g.id).collect();
    for stage in &terms.stages {
        people.extend(stage.fallback.iter().map(|p| p.id));
        match &stage.approvers {
            Approvers::Manager => {}
            Approvers::People { people: named } => people.extend(named.iter().map(|p| p.id)),
            Approvers::Group { group } => {
                groups.insert(group.id);
            }
        }
    }
    (people.into_iter().collect(), groups.into_iter().collect())
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
    if draft.stages.len() > STAGES_MAX {
        check.wrong("stage1", format!("Choose at most {STAGES_MAX} stages"));
    }
    let managers = draft.stages.iter().filter(|s| s.approvers == Approvers::Manager).count();
    if managers > 1 {
        check.wrong("stage2", "Let the manager decide in one stage only");
    }
    let stages = draft
        .stages
        .iter()
        .enumerate()
        .map(|(at, stage)| check.stage(&format!("stage{}", at + 1), stage))
        .collect();
    check.lifetime(draft.lifetime, today);
    if !check.errors.is_empty() {
        return Err(check.errors);
    }
    Ok((name, Terms { scope, stages, ..draft.clone() }, check.warnings))
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
        if !draft.all_members && draft.people.is_empty() && draft.groups.is_empty() {
            self.wrong("scope", "Say who may request: all members, or people and groups by name");
        }
        if draft.people.len() + draft.groups.len() > NAMED_MAX {
            self.wrong(
                "people",
                format!("Name at most {NAMED_MAX} people and groups; put people into a group"),
            );
        }
        let people = self.people("people", &draft.people);
        let mut groups: Vec<Named<GroupId>> = Vec::new();
        for group in &draft.groups {
            if groups.iter().any(|g| g.id == group.id) {
                continue;
            }
            if let Some((name, members)) = self.group("groups", group.id) {
                if members == 0 {
                    self.warnings.push(format!(
                        "{name} has no members today, so nobody can request through it yet."
                    ));
                }
                groups.push(Named { id: group.id, name });
            }
        }
        Scope { all_members: draft.all_members, people, groups }
    }

    fn stage(&mut self, field: &str, draft: &StageTerms) -> StageTerms {
        let fallback_field = format!("{field}-fallback");
        let fallback = self.people(&fallback_field, &draft.fallback);
        if draft.fallback.len() > NAMED_MAX {
            self.wrong(&fallback_field, format!("Name at most {NAMED_MAX} people"));
        }
        let approvers = match &draft.approvers {
            Approvers::Manager => {
                if draft.fallback.is_empty() {
                    self.wrong(
                        &fallback_field,
                        "Name at least one person who decides for people without a manager",
                    );
                }
                Approvers::Manager
            }
            Approvers::People { people } => {
                let people_field = format!("{field}-people");
                if !(1..=NAMED_MAX).contains(&people.len()) {
                    self.wrong(&people_field, format!("Name 1 to {NAMED_MAX} people who decide"));
                }
                Approvers::People { people: self.people(&people_field, people) }
            }
            Approvers::Group { group } => {
                let group_field = format!("{field}-group");
                let found = self.group(&group_field, group.id);
                let (name, members) = found.unwrap_or_default();
                if members == 0 && !name.is_empty() {
                    if draft.fallback.is_empty() {
                        self.wrong(
                            &group_field,
                            format!(
                                "{name} has no members: choose another group, or name a fallback"
                            ),
                        );
                    } else {
                        self.warnings
                            .push(format!("{name} has no members today; the fallback decides."));
                    }
                }
                Approvers::Group { group: Named { id: group.id, name } }
            }
        };
        if !(1..=STAGE_DAYS_MAX).contains(&draft.days) {
            self.wrong(&format!("{field}-days"), format!("Choose 1 to {STAGE_DAYS_MAX} days"));
        }
        StageTerms { approvers, fallback, days: draft.days }
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

    fn group(&mut self, field: &str, id: GroupId) -> Option<(String, i64)> {
        let found = self.known.groups.get(&id).cloned();
        if found.is_none() {
            self.wrong(field, "Name a group of the directory");
        }
        found
    }
}

/// The policies that a requestor may choose from: those that name them if there are any, else those for all members (D17).
#[must_use]
pub fn to_choose_from(applicable: Vec<Applicable>) -> Vec<Applicable> {
    let any_named = applicable.iter().any(|a| a.named);
    applicable.into_iter().filter(|a| a.named == any_named).collect()
}

/// "3 people and 1 group": whom a scope names, in a few words.
#[must_use]
pub fn scope_words(scope: &Scope) -> String {
    let mut parts = Vec::new();
    if scope.all_members {
        parts.push("all members".to_owned());
    }
    let count = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
    if !scope.people.is_empty() {
        parts.push(counted(count(scope.people.len()), "person", "people"));
    }
    if !scope.groups.is_empty() {
        parts.push(counted(count(scope.groups.len()), "group", "groups"));
    }
    crate::kernel::fact::listed(&parts)
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
        let stage = |approvers| StageTerms { approvers, fallback: vec![], days: 0 };
        let draft = Terms {
            scope: Scope { people: vec![gone], ..Scope::default() },
            stages: vec![
                stage(Approvers::Manager),
                stage(Approvers::People { people: vec![stranger] }),
                stage(Approvers::Group { group: Named { id: GroupId::fresh(), name: "x".into() } }),
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
                "stage1-days",
                "stage2-people",
                "stage2-days",
                "stage3-group",
                "stage3-days",
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
        let manager = |fallback: Vec<Named<PersonId>>| StageTerms {
            approvers: Approvers::Manager,
            fallback,
            days: 14,
        };
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
        let mut stage =
            StageTerms { approvers: Approvers::Group { group: named }, fallback: vec![], days: 7 };
        let draft = Terms { stages: vec![stage.clone()], ..terms() };
        assert_eq!(wrong(&draft, &known), ["stage1-group"]);
        stage.fallback = vec![ann];
        let draft = Terms { stages: vec![stage], ..terms() };
        let (_, _, warnings) = policy("A", &draft, &known, today()).expect("valid");
        assert_eq!(warnings, ["Controllers has no members today; the fallback decides."]);
    }

    #[test]
    fn d17_a_policy_that_names_the_requestor_goes_before_one_for_all() {
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
            named,
        };
        let both = vec![applicable(true), applicable(false), applicable(true)];
        assert_eq!(to_choose_from(both).len(), 2);
        assert_eq!(to_choose_from(vec![applicable(false)]).len(), 1);
    }
}
