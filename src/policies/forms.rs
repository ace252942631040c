//! The form of a policy: three questions with the fields that `rules` names, read into terms and written from them.
//! A field that belongs to an answer that was not chosen is kept, but not read.

use std::collections::HashMap;

use chrono::NaiveDate;

use super::model::{Lifetime, Named, Scope, Terms};
use super::rules;
use super::stages::{Approvers, STAGES_MAX, StageTerms};
use crate::db::Db;
use crate::delegation::forms;
use crate::delegation::store::people_with;
use crate::error::{FieldError, Result};
use crate::kernel::{GroupId, PersonId};
use crate::web::Form;

/// What was read from a form: a draft for the rules, and what could not be read.
pub struct Draft {
    /// The policy's name.
    pub name: String,
    /// The terms, without names.
    pub terms: Terms,
    /// The number on the form of each stage in the terms: a stage may have been left out before it.
    pub stages: Vec<usize>,
    /// What could not be read.
    pub errors: Vec<FieldError>,
}

fn named<I>(ids: Vec<I>) -> Vec<Named<I>> {
    ids.into_iter().map(|id| Named { id, name: String::new() }).collect()
}

/// Reads a form. At most 13 statements, whatever it says.
///
/// # Errors
/// When the database does not answer.
pub fn read(db: &mut Db, form: &Form) -> Result<Draft> {
    let mut errors = Vec::new();
    let people = forms::people(db, "people", form.raw("people"), &mut errors)?;
    let groups = forms::groups(db, "groups", form.raw("groups"), &mut errors)?;
    let scope = Scope {
        all_members: form.has("members"),
        people: named(people),
        groups: named(groups),
        ..Scope::default()
    };
    let (mut stages, mut numbers) = (Vec::new(), Vec::new());
    for number in 1..=STAGES_MAX {
        if let Some(stage) = stage(db, form, number, &mut errors)? {
            stages.push(stage);
            numbers.push(number);
        }
    }
    let lifetime = lifetime(form, &mut errors);
    let terms = Terms {
        scope,
        stages,
        reason_required: form.has("reason"),
        lifetime,
        period_chosen: form.has("period"),
        ..Terms::default()
    };
    Ok(Draft { name: form.line("name"), terms, stages: numbers, errors })
}

fn stage(
    db: &mut Db,
    form: &Form,
    number: usize,
    errors: &mut Vec<FieldError>,
) -> Result<Option<StageTerms>> {
    let field = |name: &str| format!("stage{number}-{name}");
    let approvers = match form.raw(&format!("stage{number}")) {
        "manager" => Approvers::Manager,
        "people" => {
            let people = forms::people(db, &field("people"), form.raw(&field("people")), errors)?;
            Approvers::people(named(people))
        }
        "group" => {
            let name = form.line(&field("group"));
            let before = errors.len();
            let found = forms::groups(db, &field("group"), &name, errors)?;
            if name.is_empty() {
                errors.push(FieldError::new(field("group"), "Enter the name of a group"));
            } else if errors.len() > before {
                // One line needs no number.
                errors.truncate(before);
                let words = format!("No group is called “{name}”: enter the exact name");
                errors.push(FieldError::new(field("group"), words));
            }
            // What stands in for a group that is not there is never stored: the field has its error.
            let id = found.first().copied().unwrap_or(GroupId(uuid::Uuid::nil()));
            Approvers::group(Named { id, name: String::new() })
        }
        "none" => return Ok(None),
        _ => {
            if number == 1 {
                let words = "Choose who decides first, or that nobody needs to";
                errors.push(FieldError::new("stage1", words));
            }
            return Ok(None);
        }
    };
    let fallback = forms::people(db, &field("fallback"), form.raw(&field("fallback")), errors)?;
    let days = number_of(form, &field("days"));
    Ok(Some(StageTerms::simple(approvers, named(fallback), days)))
}

fn lifetime(form: &Form, errors: &mut Vec<FieldError>) -> Lifetime {
    match form.raw("lifetime") {
        "until" => match NaiveDate::parse_from_str(form.raw("until").trim(), "%Y-%m-%d") {
            Ok(date) => Lifetime::Until { date },
            Err(_) => {
                errors.push(FieldError::new("until", "Enter a date, such as 2027-06-30"));
                Lifetime::Never
            }
        },
        "days" => Lifetime::Days { days: number_of(form, "days") },
        "hours" => Lifetime::Hours { hours: number_of(form, "hours") },
        "never" => Lifetime::Never,
        _ => {
            errors.push(FieldError::new("lifetime", "Choose how long access lasts"));
            Lifetime::Never
        }
    }
}

/// A whole number; what is none counts as 0, which every rule refuses with the range that it takes.
fn number_of(form: &Form, field: &str) -> u32 {
    form.raw(field).trim().parse().unwrap_or(0)
}

/// Puts the errors of the rules, which count the stages from 1 without a gap, onto the fields of the form. A field that
/// could not be read has its error already.
#[must_use]
pub fn all_errors(draft: &Draft, checked: Vec<FieldError>) -> Vec<FieldError> {
    let mut errors = draft.errors.clone();
    for mut error in checked {
        for (at, number) in draft.stages.iter().enumerate() {
            if let Some(rest) = error.field.strip_prefix(&format!("stage{}", at + 1)) {
                error.field = format!("stage{number}{rest}");
                break;
            }
        }
        let read = |e: &FieldError| e.field == error.field;
        // "Say who may request" is no news where the names could not be read.
        let of_scope = |e: &FieldError| matches!(e.field.as_str(), "people" | "groups");
        let follows = error.field == "scope" && draft.errors.iter().any(of_scope);
        if !draft.errors.iter().any(read) && !follows {
            errors.push(error);
        }
    }
    errors.sort_by_key(|e| place(&e.field));
    errors
}

/// The order of the fields on the page.
fn place(field: &str) -> (usize, usize) {
    const ORDER: [&str; 4] = ["name", "scope", "people", "groups"];
    const PARTS: [&str; 5] = ["", "-people", "-group", "-fallback", "-days"];
    const LAST: [&str; 4] = ["lifetime", "until", "days", "hours"];
    let at = |of: &[&str], field: &str| of.iter().position(|name| *name == field);
    if let Some(at) = at(&ORDER, field) {
        return (0, at);
    }
    for number in 1..=STAGES_MAX {
        if let Some(rest) = field.strip_prefix(&format!("stage{number}")) {
            return (number, at(&PARTS, rest).unwrap_or(PARTS.len()));
        }
    }
    (STAGES_MAX + 1, at(&LAST, field).unwrap_or(LAST.len()))
}

/// A form for a policy that is not there yet: what most policies say, except for the answers that nobody can give for
/// the owner.
#[must_use]
pub fn blank() -> Form {
    let days = (1..=STAGES_MAX).map(|n| (format!("stage{n}-days"), "14".to_owned()));
    let none = (2..=STAGES_MAX).map(|n| (format!("stage{n}"), "none".to_owned()));
    let reason = ("reason".to_owned(), "yes".to_owned());
    Form::of(days.chain(none).chain([reason]))
}

/// The form that says what a policy says. One statement.
///
/// # Errors
/// When the database does not answer.
pub fn write(db: &mut Db, name: &str, terms: &Terms) -> Result<Form> {
    let called = people_with(db, &rules::named(terms).people)?;
    let lines: HashMap<PersonId, String> =
        called.into_iter().map(|person| (person.id, person.line())).collect();
    let people = |named: &[Named<PersonId>]| {
        let line = |n: &Named<PersonId>| lines.get(&n.id).unwrap_or(&n.name).clone();
        named.iter().map(line).collect::<Vec<_>>().join("\n")
    };
    let mut form = blank();
    form.set("name", name);
    let Scope { all_members, people: who, groups, .. } = &terms.scope;
    if *all_members {
        form.set("members", "yes");
    }
    form.set("people", people(who));
    form.set("groups", groups.iter().map(|g| g.name.clone()).collect::<Vec<_>>().join("\n"));
    form.set("stage1", "none");
    for (at, stage) in terms.stages.iter().enumerate() {
        let (kind, field) =
            (format!("stage{}", at + 1), |of: &str| format!("stage{}-{of}", at + 1));
        match &stage.approvers {
            Approvers::Manager | Approvers::SecondManager | Approvers::Sponsors => {
                form.set(&kind, "manager");
            }
            Approvers::Named { people: who, groups } => {
                form.set(&kind, "people");
                form.set(&field("people"), people(who));
                if let Some(group) = groups.first() {
                    form.set(&kind, "group");
                    form.set(&field("group"), group.name.clone());
                }
            }
        }
        form.set(&field("fallback"), people(&stage.fallback));
        form.set(&field("days"), stage.time.to_string());
    }
    match terms.lifetime {
        Lifetime::Until { date } => {
            form.set("lifetime", "until");
            form.set("until", date.format("%Y-%m-%d").to_string());
        }
        Lifetime::Days { days } => {
            form.set("lifetime", "days");
            form.set("days", days.to_string());
        }
        Lifetime::Hours { hours } => {
            form.set("lifetime", "hours");
            form.set("hours", hours.to_string());
        }
        Lifetime::Never => form.set("lifetime", "never"),
    }
    for (field, on) in [("reason", terms.reason_required), ("period", terms.period_chosen)] {
        if on {
            form.set(field, "yes");
        } else {
            form.remove(field);
        }
    }
    Ok(form)
}
