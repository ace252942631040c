//! Reads a list of who holds what in systems that are not connected: CSV in UTF-8, one line for each person and
//! permission. What is wrong with the list is told with its line; nothing of it is taken then.

use std::collections::{BTreeSet, HashMap};

use chrono::NaiveDate;

use crate::directory::Problem;
use crate::directory::problem::Problems;
use crate::directory::rows::{Row, Rows, column, quoted};
use crate::kernel::text::{NAME_MAX, one_line};
use crate::kernel::{AccessId, PersonId, ReviewListId, Risk, Zone};
use crate::reviews::model::Source;
use crate::reviews::store::rows::{Meant, NewRow};

/// As many lines as a list has at most.
pub const LINES_MAX: usize = 5_000;
/// The longest key or mail address, in characters (RFC 5321).
const WHO_MAX: usize = 254;
/// The longest description, in characters.
const ABOUT_MAX: usize = 500;

/// One line of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Where it starts, from 1.
    pub line: u64,
    /// The key or the mail address of the person.
    pub who: String,
    /// The system.
    pub system: String,
    /// What is held there.
    pub permission: String,
    /// What that is for.
    pub about: Option<String>,
    /// Since when.
    pub since: Option<NaiveDate>,
    /// How risky it is.
    pub risk: Risk,
}

impl Line {
    /// What it is called in a review.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}: {}", self.system, self.permission)
    }
}

/// Reads a whole list.
///
/// # Errors
/// Everything that is wrong with it; the first 50 are told, the rest is counted.
pub fn read(text: &str) -> Result<Vec<Line>, Vec<Problem>> {
    let mut rows = Rows::open(text.as_bytes()).map_err(|problem| vec![problem])?;
    let header: Vec<String> = rows.header()?.into_iter().map(|name| name.to_lowercase()).collect();
    let columns = Columns::of(&header)?;
    let mut problems = Problems::default();
    let mut lines: Vec<Line> = Vec::new();
    let mut first: HashMap<(String, String, String), u64> = HashMap::new();
    loop {
        let row = match rows.next() {
            Ok(Some(row)) => row,
            Ok(None) => break,
            Err(problem) => {
                problems.push(problem);
                return problems.or(lines);
            }
        };
        let Some(line) = columns.line(&row, &mut problems) else { continue };
        let key = (line.who.to_lowercase(), line.system.clone(), line.permission.clone());
        if let Some(before) = first.get(&key) {
            let text = format!(
                "{} of {} is there already, on line {before}",
                quoted(&line.name()),
                quoted(&line.who)
            );
            problems.push(Problem::at(row.line, text));
            continue;
        }
        first.insert(key, row.line);
        lines.push(line);
        if lines.len() > LINES_MAX {
            let text = "the list has more than 5,000 lines; set up a review for each system";
            return Err(vec![Problem::whole(text)]);
        }
    }
    match problems.or(lines)? {
        nothing if nothing.is_empty() => {
            Err(vec![Problem::whole("the list has a header and nothing in it")])
        }
        lines => Ok(lines),
    }
}

/// The lines with their people. Those whose person nobody knows are wrong, or are left out where the keeper says so.
///
/// # Errors
/// The lines that mean nobody, or more than one person.
pub fn rows(
    lines: &[Line],
    meant: &HashMap<String, Meant>,
    leave_out: bool,
    zone: Zone,
) -> Result<Vec<NewRow>, Vec<Problem>> {
    let mut problems = Problems::default();
    // Each permission of each system has an id of its own, by which its holders are shown together.
    let mut same: HashMap<String, AccessId> = HashMap::new();
    let mut rows = Vec::with_capacity(lines.len());
    let mut first: HashMap<(PersonId, AccessId), u64> = HashMap::new();
    for line in lines {
        let access = *same.entry(line.name()).or_insert_with(AccessId::fresh);
        let person = match meant.get(&line.who) {
            Some(Meant::One(person)) => Some(*person),
            _ if leave_out => None,
            Some(Meant::Several) => {
                let text = format!("{} is more than one person", quoted(&line.who));
                problems.push(Problem::at(line.line, text));
                None
            }
            Some(Meant::Nobody) | None => {
                let text = format!("{} is nobody whom Keyholder knows", quoted(&line.who));
                problems.push(Problem::at(line.line, text));
                None
            }
        };
        // The same person by their key and by their mail address.
        if let Some(before) = person.and_then(|person| first.insert((person, access), line.line)) {
            let text = format!("it says the same of the same person as line {before}");
            problems.push(Problem::at(line.line, text));
        }
        rows.push(NewRow {
            person,
            holder: line.who.clone(),
            access,
            name: line.name(),
            about: line.about.clone(),
            since: line.since.map(|day| zone.start_of(day)),
            risk: line.risk,
            role: None,
            given_by: None,
        });
    }
    problems.or(rows)
}

/// What a review says of a list.
#[must_use]
pub fn source(list: ReviewListId, lines: &[Line], rows: &[NewRow]) -> Source {
    let systems: BTreeSet<&String> = lines.iter().map(|line| &line.system).collect();
    let known = rows.iter().filter(|row| row.person.is_some()).count();
    Source::List {
        list,
        systems: systems.into_iter().cloned().collect(),
        rows: known as i64,
        left_out: (rows.len() - known) as i64,
        digest: digest(lines),
    }
}

/// What tells a list from every other one.
fn digest(lines: &[Line]) -> String {
    use sha2::{Digest, Sha256};
    let mut all = Sha256::new();
    for line in lines {
        let since = line.since.map(|day| day.to_string()).unwrap_or_default();
        let about = line.about.as_deref().unwrap_or_default();
        let parts = [&line.who, &line.system, &line.permission, about, &since, line.risk.as_str()];
        all.update(parts.join("\u{0}"));
        all.update("\n");
    }
    all.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Where the columns are.
struct Columns {
    who: usize,
    system: usize,
    permission: usize,
    about: Option<usize>,
    since: Option<usize>,
    risk: Option<usize>,
    width: usize,
}

impl Columns {
    fn of(header: &[String]) -> Result<Self, Vec<Problem>> {
        let mut problems = Problems::default();
        let mut needed = |name| match column(header, name) {
            Ok(at) => at,
            Err(problem) => {
                problems.push(problem);
                0
            }
        };
        let (who, system, permission) = (needed("person"), needed("system"), needed("permission"));
        let free = |name| column(header, name).ok();
        let found = Self {
            who,
            system,
            permission,
            about: free("description"),
            since: free("since"),
            risk: free("risk"),
            width: header.len(),
        };
        problems.or(found)
    }

    /// What a row says; none if it is wrong.
    fn line(&self, row: &Row, problems: &mut Problems) -> Option<Line> {
        let mut wrong = Vec::new();
        if row.fields.len() != self.width {
            let (has, width) = (row.fields.len(), self.width);
            problems.push(Problem::at(
                row.line,
                format!("the row has {has} fields, the header has {width}"),
            ));
            return None;
        }
        if row.fields.iter().any(|field| field.contains('\u{fffd}')) {
            let text = "a character could not be read; save the list as UTF-8";
            problems.push(Problem::at(row.line, text));
            return None;
        }
        let mut value = |at: usize, what: &str, max: usize| {
            let text = one_line(row.fields.get(at).unwrap_or_default());
            if text.chars().count() > max {
                wrong.push(format!("{} is longer than {max} characters", quoted(what)));
            }
            text
        };
        let who = value(self.who, "person", WHO_MAX);
        let system = value(self.system, "system", NAME_MAX);
        let permission = value(self.permission, "permission", NAME_MAX);
        let about = self.about.map(|at| value(at, "description", ABOUT_MAX));
        let since = self.since.map(|at| value(at, "since", NAME_MAX)).unwrap_or_default();
        let risk = self.risk.map(|at| value(at, "risk", NAME_MAX)).unwrap_or_default();
        for (text, what) in [(&who, "person"), (&system, "system"), (&permission, "permission")] {
            if text.is_empty() {
                wrong.push(format!("the {what} is empty"));
            }
        }
        let day = crate::kernel::time::day(&since);
        if day.is_none() && !since.is_empty() {
            wrong.push(format!("since {} is no day, like 2027-01-31", quoted(&since)));
        }
        let kind = match risk.to_lowercase().as_str() {
            "" => Some(Risk::Ordinary),
            other => Risk::parse(other),
        };
        if kind.is_none() {
            wrong.push(format!("the risk {} is neither ordinary nor high", quoted(&risk)));
        }
        let fine = wrong.is_empty();
        problems_at(problems, row.line, wrong);
        let kind = kind.filter(|_| fine)?;
        Some(Line {
            line: row.line,
            who,
            system,
            permission,
            about: about.filter(|text| !text.is_empty()),
            since: day,
            risk: kind,
        })
    }
}

fn problems_at(problems: &mut Problems, line: u64, wrong: Vec<String>) {
    for text in wrong {
        problems.push(Problem::at(line, text));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(text: &str) -> Vec<String> {
        read(text).unwrap_err().iter().map(Problem::to_string).collect()
    }

    #[test]
    fn a_list_is_read_with_what_it_says_and_what_it_leaves_out() {
        let text = "\u{feff}Person,System,Permission,Description,Since,Risk,Extra\r\n\
                    a1,SAP,Ledger admin,Closes the books,2024-05-01,HIGH,x\r\n\r\n\
                    ben@x.example,Jira,Project lead,,,,\r\n";
        let lines = read(text).unwrap();
        let first = Line {
            line: 2,
            who: "a1".into(),
            system: "SAP".into(),
            permission: "Ledger admin".into(),
            about: Some("Closes the books".into()),
            since: "2024-05-01".parse().ok(),
            risk: Risk::High,
        };
        assert_eq!(lines[0], first);
        assert_eq!(lines[0].name(), "SAP: Ledger admin");
        assert_eq!((lines[1].line, lines[1].since, lines[1].risk), (4, None, Risk::Ordinary));
        assert_eq!(read("system,permission,person\nS,P,a\n").unwrap()[0].who, "a");
    }

    #[test]
    fn everything_wrong_with_a_list_is_told_with_its_line() {
        let text = "person,system,permission,since,risk\na,S,P,,\nA,S,P,,\n,S,P,,\nb,,,,\n\
                    c,S,P,01.02.2026,\nd,S,P,,huge\ne,S,P\nf,S,\u{fffd},,\n";
        assert_eq!(
            wrong(text),
            [
                "line 3: \"S: P\" of \"A\" is there already, on line 2",
                "line 4: the person is empty",
                "line 5: the system is empty",
                "line 5: the permission is empty",
                "line 6: since \"01.02.2026\" is no day, like 2027-01-31",
                "line 7: the risk \"huge\" is neither ordinary nor high",
                "line 8: the row has 3 fields, the header has 5",
                "line 9: a character could not be read; save the list as UTF-8",
            ]
        );
        let long = format!("person,system,permission\na,{},P\n", "x".repeat(NAME_MAX + 1));
        assert_eq!(wrong(&long), ["line 2: \"system\" is longer than 120 characters"]);
    }

    #[test]
    fn a_list_without_what_is_needed_is_refused_as_a_whole() {
        assert_eq!(wrong(""), ["the file is empty"]);
        assert_eq!(
            wrong("person,system,permission\n"),
            ["the list has a header and nothing in it"]
        );
        assert!(wrong("person;system;permission\na;S;P\n")[0].ends_with("separated by commas"));
        let missing = |name| format!("there is no column \"{name}\", only: person, right");
        assert_eq!(wrong("person,right\na,b\n"), [missing("system"), missing("permission")]);
        assert_eq!(
            wrong("person,system,permission\na,\"S,P\n"),
            ["line 2: a quote is opened and never closed"]
        );
        let many = format!("person,system,permission\n{}", {
            let line = |n: usize| format!("p{n},S,P\n");
            (0..=LINES_MAX).map(line).collect::<String>()
        });
        assert!(wrong(&many)[0].contains("more than 5,000 lines"));
    }
}
