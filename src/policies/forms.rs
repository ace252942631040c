//! The form of a policy: the fields that `rules` names, read into terms and written from them. A field that belongs to
//! an answer that was not chosen is kept, but not read.

pub mod parts;
pub mod questions;
mod stages;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

use super::model::{Asks, Extension, Lifetime, Named, Notices, Scope, Terms};
use super::rules;
use super::stages::STAGES_MAX;
use crate::db::Db;
use crate::delegation::forms;
use crate::delegation::store::people_with;
use crate::error::{FieldError, Result};
use crate::kernel::text::{folded, one_line, shortened};
use crate::kernel::time::day;
use crate::kernel::{GroupId, OrganizationId, PersonId};
use crate::organizations;
use crate::web::Form;

/// What was read from a form: a draft for the rules, and what could not be read.
pub struct Draft {
    /// The policy's name.
    pub name: String,
    /// The terms, without names.
    pub terms: Terms,
    /// The number on the form of each stage in the terms: a stage may have been left out before it.
    pub stages: Vec<usize>,
    /// The same of each question.
    pub questions: Vec<usize>,
    /// What could not be read.
    pub errors: Vec<FieldError>,
}

/// Looks up what the lines of fields mean, and keeps what is wrong with them.
struct Reader<'a> {
    db: &'a mut Db,
    form: &'a Form,
    errors: Vec<FieldError>,
}

impl Reader<'_> {
    fn people(&mut self, field: &str) -> Result<Vec<Named<PersonId>>> {
        forms::people(self.db, field, self.form.raw(field), &mut self.errors).map(named)
    }

    fn groups(&mut self, field: &str) -> Result<Vec<Named<GroupId>>> {
        forms::groups(self.db, field, self.form.raw(field), &mut self.errors).map(named)
    }

    fn organizations(&mut self, field: &str) -> Result<Vec<Named<OrganizationId>>> {
        let lines = lines(self.form.raw(field));
        if lines.is_empty() {
            return Ok(vec![]);
        }
        let all = organizations::store::all(self.db)?;
        let mut found = Vec::new();
        for line in lines {
            match all.iter().find(|o| folded(&o.name) == folded(&line)) {
                Some(there) if found.contains(&there.id) => {}
                Some(there) => found.push(there.id),
                None => {
                    let line = shortened(&line, 60);
                    let words = format!("Mend “{line}”: no connected organization is called so");
                    self.errors.push(FieldError::new(field, words));
                    break;
                }
            }
        }
        Ok(named(found))
    }
}

fn named<I>(ids: Vec<I>) -> Vec<Named<I>> {
    ids.into_iter().map(|id| Named { id, name: String::new() }).collect()
}

/// The lines with something in them.
fn lines(text: &str) -> Vec<String> {
    text.lines().map(one_line).filter(|line| !line.is_empty()).collect()
}

/// A whole number; what is none counts as 0, which every rule refuses with the range that it takes.
fn number_of(form: &Form, field: &str) -> u32 {
    form.raw(field).trim().parse().unwrap_or(0)
}

/// Reads a form. At most 20 statements, whatever it says.
///
/// # Errors
/// When the database does not answer.
pub fn read(db: &mut Db, form: &Form) -> Result<Draft> {
    let mut reader = Reader { db, form, errors: Vec::new() };
    let scope = Scope {
        all_members: form.has("members"),
        all_users: form.has("users"),
        all_organizations: form.has("guests"),
        people: reader.people("people")?,
        groups: reader.groups("groups")?,
        organizations: reader.organizations("organizations")?,
    };
    let asks = Asks {
        own: form.has("own"),
        manager: form.has("manager"),
        direct: form.has("direct"),
        people: reader.people("ask-people")?,
        groups: reader.groups("ask-groups")?,
    };
    let (mut stages, mut numbers) = (Vec::new(), Vec::new());
    for number in 1..=STAGES_MAX {
        if let Some(stage) = stages::read(&mut reader, number)? {
            stages.push(stage);
            numbers.push(number);
        }
    }
    let asked = questions::read(form);
    let mut errors = reader.errors;
    errors.extend(asked.errors);
    let terms = Terms {
        scope,
        asks,
        stages,
        decides_twice: form.has("twice"),
        reason_required: form.has("reason"),
        questions: asked.questions,
        lifetime: lifetime(form, &mut errors),
        period_chosen: form.has("period"),
        extension: extension(form),
        notices: Notices {
            delivered: form.has("notice-delivered"),
            ending: form.has("notice-ending"),
            ended: form.has("notice-ended"),
        },
        exception: vec![],
    };
    Ok(Draft { name: form.line("name"), terms, stages: numbers, questions: asked.numbers, errors })
}

fn lifetime(form: &Form, errors: &mut Vec<FieldError>) -> Lifetime {
    match form.raw("lifetime") {
        "until" => match day(form.raw("until").trim()) {
            Some(date) => Lifetime::Until { date },
            None => {
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

fn extension(form: &Form) -> Option<Extension> {
    let approval = match form.raw("extension") {
        "approval" => true,
        "free" => false,
        _ => return None,
    };
    let any_time = form.raw("extension-days").trim().is_empty();
    let last_days = (!any_time).then(|| number_of(form, "extension-days"));
    Some(Extension { approval, last_days })
}

/// Puts the errors of the rules, which count stages and questions from 1 without a gap, onto the fields of the form. A
/// field that could not be read has its error already.
#[must_use]
pub fn all_errors(draft: &Draft, checked: Vec<FieldError>) -> Vec<FieldError> {
    let mut errors = draft.errors.clone();
    for mut error in checked {
        error.field = renumbered(&error.field, "stage", &draft.stages);
        error.field = renumbered(&error.field, "question", &draft.questions);
        let read = |e: &FieldError| e.field == error.field;
        // "Say who may request" is no news where the names could not be read.
        let of_scope = |e: &FieldError| ["people", "groups", "organizations"].contains(&&*e.field);
        let follows = error.field == "scope" && draft.errors.iter().any(of_scope);
        if !draft.errors.iter().any(read) && !follows {
            errors.push(error);
        }
    }
    errors.sort_by_key(|e| place(&e.field));
    errors
}

/// "question3-text" where the third question has the number 5 on the form: "question5-text".
fn renumbered(field: &str, of: &str, numbers: &[usize]) -> String {
    let Some((at, rest)) = numbered(field, of) else { return field.to_owned() };
    let number = numbers.get(at.wrapping_sub(1)).copied().unwrap_or(at);
    format!("{of}{number}{rest}")
}

/// The number and what stands behind it.
fn numbered<'a>(field: &'a str, of: &str) -> Option<(usize, &'a str)> {
    let rest = field.strip_prefix(of)?;
    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    Some((rest[..end].parse().ok()?, &rest[end..]))
}

/// The order of the fields on the page.
fn place(field: &str) -> (usize, usize, usize) {
    const FIRST: &[&str] =
        &["name", "scope", "people", "groups", "organizations", "asks", "ask-people", "ask-groups"];
    const LAST: &[&str] = &["lifetime", "days", "hours", "until", "extension", "extension-days"];
    let at = |of: &[&str], field: &str| of.iter().position(|name| *name == field);
    if let Some(at) = at(FIRST, field) {
        return (0, 0, at);
    }
    for (section, of, parts) in [(1, "stage", stages::PARTS), (2, "question", questions::PARTS)] {
        if let Some((number, rest)) = numbered(field, of) {
            let part = rest.trim_start_matches('-');
            return (section, number, at(parts, part).unwrap_or(parts.len()));
        }
    }
    (3, 0, at(LAST, field).unwrap_or(LAST.len()))
}

/// A form for a policy that is not there yet: what most policies say, except for the answers that nobody can give for
/// the owner.
#[must_use]
pub fn blank() -> Form {
    let mut form = stages::blank();
    for field in ["reason", "own", "direct", "notice-delivered", "notice-ending", "notice-ended"] {
        form.set(field, "yes");
    }
    form.set("extension", "no");
    form
}

/// The form that says what a policy says. One statement.
///
/// # Errors
/// When the database does not answer.
pub fn write(db: &mut Db, name: &str, terms: &Terms) -> Result<Form> {
    let called = people_with(db, &rules::named(terms).people)?;
    let names = Names(called.into_iter().map(|person| (person.id, person.line())).collect());
    let mut form = stages::blank();
    form.set("name", name);
    let (Scope { people, groups, organizations, .. }, asks) = (&terms.scope, &terms.asks);
    for (field, on) in [
        ("members", terms.scope.all_members),
        ("users", terms.scope.all_users),
        ("guests", terms.scope.all_organizations),
        ("own", asks.own),
        ("manager", asks.manager),
        ("direct", asks.direct),
        ("twice", terms.decides_twice),
        ("reason", terms.reason_required),
        ("period", terms.period_chosen),
        ("notice-delivered", terms.notices.delivered),
        ("notice-ending", terms.notices.ending),
        ("notice-ended", terms.notices.ended),
    ] {
        if on {
            form.set(field, "yes");
        }
    }
    form.set("people", names.people(people));
    form.set("groups", written(groups));
    form.set("organizations", written(organizations));
    form.set("ask-people", names.people(&asks.people));
    form.set("ask-groups", written(&asks.groups));
    form.set("stage1", "none");
    for (at, stage) in terms.stages.iter().enumerate() {
        stages::write(&mut form, at + 1, stage, &names);
    }
    questions::write(&mut form, &terms.questions);
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
    match terms.extension {
        None => form.set("extension", "no"),
        Some(Extension { approval, last_days }) => {
            form.set("extension", if approval { "approval" } else { "free" });
            form.set("extension-days", last_days.map_or(String::new(), |days| days.to_string()));
        }
    }
    Ok(form)
}

/// How people are written into a field, so that the same ones are read again.
struct Names(HashMap<PersonId, String>);

impl Names {
    fn people(&self, named: &[Named<PersonId>]) -> String {
        let line = |n: &Named<PersonId>| self.0.get(&n.id).unwrap_or(&n.name).clone();
        named.iter().map(line).collect::<Vec<_>>().join("\n")
    }
}

/// Names, one per line.
fn written<I>(named: &[Named<I>]) -> String {
    named.iter().map(|n| n.name.as_str()).collect::<Vec<_>>().join("\n")
}
