//! People and groups as lines of a form: one per line, by exact name, mail address or id. Nothing is guessed (E28).

use super::model::{Called, Owner};
use super::store;
use crate::db::Db;
use crate::error::{FieldError, Result};
use crate::kernel::text::{folded, one_line, shortened};
use crate::kernel::{GroupId, PersonId};

/// As many lines of one field as are looked up; each is bound three times, and SQLite takes at most 32,766 binds.
const LINES_MAX: usize = 5_000;
/// As many wrong lines of one field as are told at once.
const TOLD_MAX: usize = 10;

/// The people whom the lines of a field mean; what is wrong is added to `errors`, all of it in one error of the field.
/// One statement.
///
/// # Errors
/// When the database does not answer.
pub fn people(
    db: &mut Db,
    field: &str,
    text: &str,
    errors: &mut Vec<FieldError>,
) -> Result<Vec<PersonId>> {
    let lines = lines(field, text, errors);
    let keys: Vec<String> = lines.iter().map(|(_, line)| key(line).to_owned()).collect();
    let called = store::people_called(db, &keys)?;
    Ok(sort_out(field, &lines, errors, |line| person(line, &called)))
}

/// The groups that the lines of a field mean, as [`people`].
///
/// # Errors
/// When the database does not answer.
pub fn groups(
    db: &mut Db,
    field: &str,
    text: &str,
    errors: &mut Vec<FieldError>,
) -> Result<Vec<GroupId>> {
    let lines = lines(field, text, errors);
    let keys: Vec<String> = lines.iter().map(|(_, line)| folded(line)).collect();
    let called = store::groups_called(db, &keys)?;
    Ok(sort_out(field, &lines, errors, |line| {
        let found = called.iter().find(|(_, name)| folded(name) == folded(line));
        found.map(|(id, _)| *id).ok_or_else(|| format!("no group is called “{}”", short(line)))
    }))
}

/// The person, or else the group, that one line means.
///
/// # Errors
/// When the database does not answer.
pub fn owner(db: &mut Db, field: &str, text: &str) -> Result<Result<Owner, FieldError>> {
    let line = one_line(text);
    if line.is_empty() {
        return Ok(Err(FieldError::new(field, "Enter a person or a group")));
    }
    let called = store::people_called(db, &[key(&line).to_owned()])?;
    let trouble = match person(&line, &called) {
        Ok(id) => return Ok(Ok(Owner::Person(id))),
        Err(trouble) => trouble,
    };
    if let Some((id, _)) = store::groups_called(db, &[folded(&line)])?.first() {
        return Ok(Ok(Owner::Group(*id)));
    }
    let words = if called.is_empty() {
        format!(
            "Nobody and no group is called “{}”: enter the exact name, mail address or id",
            short(&line)
        )
    } else {
        crate::web::words::capital(&trouble)
    };
    Ok(Err(FieldError::new(field, words)))
}

/// The lines with something in them, with their numbers; none if there are too many.
fn lines(field: &str, text: &str, errors: &mut Vec<FieldError>) -> Vec<(usize, String)> {
    let numbered = text.lines().enumerate().map(|(at, line)| (at + 1, one_line(line)));
    let lines: Vec<_> = numbered.filter(|(_, line)| !line.is_empty()).collect();
    if lines.len() > LINES_MAX {
        let words = format!("Enter {LINES_MAX} lines at most; these are {}", lines.len());
        errors.push(FieldError::new(field, words));
        return Vec::new();
    }
    lines
}

/// What finds the person: what stands in angle brackets at the end, else the whole line.
fn key(line: &str) -> &str {
    line.strip_suffix('>')
        .and_then(|line| line.rsplit_once('<'))
        .map_or(line, |(_, key)| key.trim())
}

/// By id, else by mail address, else by name.
fn person(line: &str, called: &[Called]) -> Result<PersonId, String> {
    let key = key(line);
    let by = |is: &dyn Fn(&Called) -> bool| called.iter().filter(|c| is(c)).collect::<Vec<_>>();
    let mut found = by(&|c| c.key == key);
    if found.is_empty() {
        found = by(&|c| c.mail.as_deref() == Some(key.to_lowercase().as_str()));
    }
    if found.is_empty() {
        found = by(&|c| c.name == key);
    }
    match found.as_slice() {
        [one] => Ok(one.id),
        [] => Err(format!("nobody is called “{}”", short(line))),
        several => Err(format!(
            "“{}” is {} people; write the mail address or id instead",
            short(line),
            crate::web::words::number(i64::try_from(several.len()).unwrap_or(i64::MAX))
        )),
    }
}

fn short(line: &str) -> String {
    shortened(line, 60)
}

fn sort_out<T: PartialEq>(
    field: &str,
    lines: &[(usize, String)],
    errors: &mut Vec<FieldError>,
    find: impl Fn(&str) -> Result<T, String>,
) -> Vec<T> {
    let (mut found, mut wrong) = (Vec::new(), Vec::new());
    for (number, line) in lines {
        match find(line) {
            Ok(id) if found.contains(&id) => {}
            Ok(id) => found.push(id),
            Err(why) => wrong.push(format!("line {number}: {why}")),
        }
    }
    if wrong.len() > TOLD_MAX {
        let rest = wrong.len() - TOLD_MAX;
        wrong.truncate(TOLD_MAX);
        wrong.push(format!("and {rest} lines more"));
    }
    if !wrong.is_empty() {
        errors.push(FieldError::new(field, format!("Mend {}", wrong.join("; "))));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::testing::databases;
    use crate::delegation::testing::{disable, group, member};

    #[test]
    fn a_line_finds_one_person_or_says_why_not() {
        for db in databases() {
            let ann = member(&db, "Ann Lee");
            let twin = member(&db, "Sam Po");
            member(&db, "Sam Po");
            let gone = member(&db, "Lee Gone");
            disable(&db, gone);
            let text =
                format!("Ann Lee\n\n  Ann  Lee \nSam Po\nsomething <{twin}>\nLee Gone\nann lee");
            let mut errors = Vec::new();
            let found = db.read(|db| people(db, "owners", &text, &mut errors)).expect("looked up");
            assert_eq!(found, [ann, twin]);
            assert_eq!(
                errors,
                [FieldError::new(
                    "owners",
                    "Mend line 4: “Sam Po” is two people; write the mail address or id instead; \
                     line 6: nobody is called “Lee Gone”; line 7: nobody is called “ann lee”"
                )]
            );
        }
    }

    #[test]
    fn what_a_form_writes_finds_the_same_person_again() {
        for db in databases() {
            let one = member(&db, "Sam Po");
            member(&db, "Sam Po");
            let lines = db.read(|db| store::people_with(db, &[one])).expect("read");
            let found = db.read(|db| owner(db, "owner", &lines[0].line())).expect("looked up");
            assert_eq!(found, Ok(Owner::Person(one)));
        }
    }

    #[test]
    fn a_group_is_found_whatever_the_case_and_an_unknown_name_is_told() {
        for db in databases() {
            let team = group(&db, "Finance team", &[]);
            let found = db.read(|db| owner(db, "owner", "finance TEAM")).expect("looked up");
            assert_eq!(found, Ok(Owner::Group(team)));
            let none = db.read(|db| owner(db, "owner", "Nobody")).expect("looked up");
            assert!(none.is_err_and(|e| e.text.contains("Nobody and no group is called “Nobody”")));
            let many: String = (0..30).map(|n| format!("x{n}\n")).collect();
            let mut errors = Vec::new();
            db.read(|db| groups(db, "groups", &many, &mut errors)).expect("looked up");
            assert_eq!(errors.len(), 1);
            assert!(errors[0].text.ends_with("and 20 lines more"));
            let flood = "x\n".repeat(60_000);
            let mut errors = Vec::new();
            db.read(|db| people(db, "owners", &flood, &mut errors)).expect("no failure of ours");
            db.read(|db| groups(db, "groups", &flood, &mut errors)).expect("no failure of ours");
            let words = "Enter 5000 lines at most; these are 60000";
            assert_eq!(
                errors,
                [FieldError::new("owners", words), FieldError::new("groups", words)]
            );
        }
    }
}
