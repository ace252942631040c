//! Reads a staff list: CSV in UTF-8, one row a person, the whole list in one file.
//!
//! A mapping says which column holds what; the other columns are kept as attributes. What is
//! wrong with the shape of the file stops everything and is told with its line; who a manager is,
//! [`super::diff`] finds out.

use std::collections::{BTreeMap, HashMap};
use std::io::Read;

pub use super::problem::Problem;
use super::problem::Problems;
use super::rows::{Row, Rows, column, quoted};
use crate::kernel::Kind;
use crate::kernel::text::{NAME_MAX, NOTE_MAX, one_line};

/// The longest mail address, in characters (RFC 5321).
const MAIL_MAX: usize = 254;

/// What is known of everybody; anything else is an attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Field {
    /// The key of the person in the system the list comes from.
    Id,
    /// The name to show.
    Name,
    /// The mail address.
    Mail,
    /// Who the manager is: an id, a mail address or a name.
    Manager,
    /// The title of the position.
    Title,
    /// The department.
    Department,
    /// Member or guest.
    Kind,
}

impl Field {
    const ALL: [Self; 7] = [
        Self::Id,
        Self::Name,
        Self::Mail,
        Self::Manager,
        Self::Title,
        Self::Department,
        Self::Kind,
    ];

    /// The word for the field in a mapping and in messages.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::Name => "name",
            Self::Mail => "mail",
            Self::Manager => "manager",
            Self::Title => "title",
            Self::Department => "department",
            Self::Kind => "kind",
        }
    }

    /// The longest value, in characters.
    fn max(self) -> usize {
        match self {
            Self::Mail | Self::Manager => MAIL_MAX,
            _ => NAME_MAX,
        }
    }
}

/// Where a field is found.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Source {
    /// In the column of this name, which must be there.
    Named(String),
    /// In the column that has the field's own name, if there is one.
    Own,
}

/// Which column holds which field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapping(BTreeMap<Field, Source>);

impl Default for Mapping {
    /// Every field in the column of its own name; all but id and name may be missing.
    fn default() -> Self {
        Self(Field::ALL.into_iter().map(|field| (field, Source::Own)).collect())
    }
}

impl Mapping {
    /// Reads `id=user_id,name=employee_name,…`. A field that is not named has no column; only id,
    /// name and kind, which everybody has, are then looked for under their own names.
    ///
    /// # Errors
    /// Says which part cannot be understood, or which field is named twice.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut named = BTreeMap::new();
        for part in text.split(',').map(str::trim) {
            let Some((word, column)) = part.split_once('=').map(|(w, c)| (w.trim(), one_line(c)))
            else {
                return Err(format!("{} is not of the form field=column", quoted(part)));
            };
            let Some(field) = Field::ALL.into_iter().find(|field| field.word() == word) else {
                let words = Field::ALL.map(Field::word).join(", ");
                return Err(format!("there is no field {}, only: {words}", quoted(word)));
            };
            if column.is_empty() {
                return Err(format!("the field {word} has no column"));
            }
            if named.insert(field, Source::Named(column)).is_some() {
                return Err(format!("the field {word} is mapped twice"));
            }
        }
        for field in [Field::Id, Field::Name, Field::Kind] {
            named.entry(field).or_insert(Source::Own);
        }
        Ok(Self(named))
    }

    /// Finds the columns in a header; all that are missing are problems.
    fn place(&self, header: &[String]) -> Result<Layout, Vec<Problem>> {
        let mut problems = Problems::default();
        let mut fields = BTreeMap::new();
        let taken = |name: &str| {
            self.0.values().any(|source| matches!(source, Source::Named(n) if n == name))
        };
        for (&field, source) in &self.0 {
            let found = match source {
                Source::Named(name) => column(header, name),
                Source::Own if taken(field.word()) => {
                    let word = field.word();
                    Err(Problem::whole(format!(
                        "the field {word} has no column: {word} serves another"
                    )))
                }
                Source::Own => column(header, field.word()),
            };
            match (found, source) {
                (Ok(at), _) => {
                    fields.insert(field, at);
                }
                (Err(_), Source::Own) if !matches!(field, Field::Id | Field::Name) => {}
                (Err(problem), _) => problems.push(problem),
            }
        }
        let attributes = (0..header.len()).filter(|at| !fields.values().any(|taken| taken == at));
        let attributes = attributes.map(|at| (header[at].clone(), at)).collect();
        problems.or(Layout { fields, attributes, width: header.len() })
    }
}

/// One person of a staff list. What is empty in the file is not there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The line at which the row starts, from 1.
    pub line: u64,
    /// The key of the person in the system the list comes from; no two have the same.
    pub external_id: String,
    /// The name to show.
    pub name: String,
    /// The mail address, in lower case.
    pub mail: Option<String>,
    /// The title of the position.
    pub title: Option<String>,
    /// The department.
    pub department: Option<String>,
    /// Member or guest.
    pub kind: Kind,
    /// Who the manager is, as written.
    pub manager: Option<String>,
    /// The columns that are not mapped, by their own names.
    pub attributes: BTreeMap<String, String>,
}

/// Reads a whole staff list.
///
/// # Errors
/// Everything that is wrong with the shape of the file; the first 50 are told, the rest is counted.
pub fn read(input: impl Read, mapping: &Mapping) -> Result<Vec<Entry>, Vec<Problem>> {
    let mut rows = Rows::open(input).map_err(|problem| vec![problem])?;
    let layout = mapping.place(&rows.header()?)?;
    let mut problems = Problems::default();
    let mut entries = Vec::new();
    let mut lines: HashMap<String, u64> = HashMap::new();
    loop {
        let row = match rows.next() {
            Ok(Some(row)) => row,
            Ok(None) => break,
            Err(problem) => {
                problems.push(problem);
                return problems.or(entries);
            }
        };
        let Some(entry) = layout.entry(&row, &mut problems) else { continue };
        if let Some(first) = lines.get(&entry.external_id) {
            let id = quoted(&entry.external_id);
            problems.push(Problem::at(
                row.line,
                format!("the id {id} is there already, on line {first}"),
            ));
            continue;
        }
        lines.insert(entry.external_id.clone(), row.line);
        entries.push(entry);
    }
    match problems.or(entries)? {
        // A list of nobody would make everybody a leaver.
        nobody if nobody.is_empty() => {
            Err(vec![Problem::whole("the file has a header and nobody in it")])
        }
        entries => Ok(entries),
    }
}

/// A mapping, applied to the header of a file.
struct Layout {
    fields: BTreeMap<Field, usize>,
    attributes: Vec<(String, usize)>,
    width: usize,
}

impl Layout {
    /// The person in a row; none if the row is wrong.
    fn entry(&self, row: &Row, problems: &mut Problems) -> Option<Entry> {
        let mut wrong = Vec::new();
        if row.fields.len() != self.width {
            wrong.push(format!(
                "the row has {} fields, the header has {}",
                row.fields.len(),
                self.width
            ));
        }
        let mut value = |at: usize, what: &str, max: usize| {
            let text = one_line(row.fields.get(at).unwrap_or_default());
            if text.chars().count() > max {
                wrong.push(format!("{} is longer than {max} characters", quoted(what)));
            }
            Some(text).filter(|text| !text.is_empty())
        };
        let mut field = |field: Field| value(*self.fields.get(&field)?, field.word(), field.max());
        let (external_id, name) = (field(Field::Id), field(Field::Name));
        let (mail, manager) = (field(Field::Mail), field(Field::Manager));
        let (title, department, kind) =
            (field(Field::Title), field(Field::Department), field(Field::Kind));
        let attributes = self.attributes.iter().filter_map(|(column, at)| {
            value(*at, column, NOTE_MAX).map(|text| (column.clone(), text))
        });
        let attributes = attributes.collect();
        // Whoever is not said to be a guest is a member.
        let kind = kind.map_or(Some(Kind::Member), |text| {
            let kind = Kind::parse(&text.to_lowercase());
            if kind.is_none() {
                wrong.push(format!("the kind {} is neither member nor guest", quoted(&text)));
            }
            kind
        });
        // A row that is too short is told as that, not as a row without what it lacks.
        if row.fields.len() == self.width {
            let named = [(Field::Id, &external_id), (Field::Name, &name)];
            let missing = named.into_iter().filter(|(_, value)| value.is_none());
            wrong.extend(missing.map(|(field, _)| format!("the {} is empty", field.word())));
        }
        let fine = wrong.is_empty();
        for text in wrong {
            problems.push(Problem::at(row.line, text));
        }
        let (true, Some(external_id), Some(name), Some(kind)) = (fine, external_id, name, kind)
        else {
            return None;
        };
        let mail = mail.map(|mail| mail.to_lowercase());
        Some(Entry {
            line: row.line,
            external_id,
            name,
            mail,
            title,
            department,
            kind,
            manager,
            attributes,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::problem::LISTED;

    fn words<T: std::fmt::Debug>(result: Result<T, Vec<Problem>>) -> Vec<String> {
        result.unwrap_err().iter().map(Problem::to_string).collect()
    }

    fn wrong(text: &str) -> Vec<String> {
        words(read(text.as_bytes(), &Mapping::default()))
    }

    #[test]
    fn a_list_is_read_by_its_mapping_and_the_rest_is_kept() {
        let mapping =
            Mapping::parse("id=user_id, name=employee_name,mail=email,manager=boss").unwrap();
        let text = "\u{feff}employee_name,user_id,email,title,boss,kind,empty\r\n\
                    Ada  Ek,a1,Ada@X.example,Lead,Ben,GUEST,\r\n\r\nBen,b2,,,,,\r\n";
        let entries = read(text.as_bytes(), &mapping).unwrap();
        let ada = Entry {
            line: 2,
            external_id: "a1".into(),
            name: "Ada Ek".into(),
            mail: Some("ada@x.example".into()),
            title: None,
            department: None,
            kind: Kind::Guest,
            manager: Some("Ben".into()),
            attributes: [("title".to_owned(), "Lead".to_owned())].into(),
        };
        assert_eq!(entries[0], ada);
        assert_eq!(
            (entries[1].line, entries[1].kind, entries[1].attributes.len()),
            (4, Kind::Member, 0)
        );
    }

    #[test]
    fn one_column_may_serve_two_fields() {
        let mapping = Mapping::parse("id=mail,mail=mail").unwrap();
        let entries = read("mail,name\nA@x.example,Ada\n".as_bytes(), &mapping).unwrap();
        assert_eq!(entries[0].external_id, "A@x.example");
        assert_eq!(entries[0].mail.as_deref(), Some("a@x.example"));
    }

    #[test]
    fn a_column_that_serves_another_field_is_not_taken_by_its_name() {
        let mapping = Mapping::parse("title=kind").unwrap();
        let entries = read("id,name,kind\n1,Ada,Engineer\n".as_bytes(), &mapping).unwrap();
        assert_eq!(
            (entries[0].kind, entries[0].title.as_deref()),
            (Kind::Member, Some("Engineer"))
        );
    }

    #[test]
    fn a_mapping_that_cannot_be_understood_is_refused() {
        let wrong = |text| Mapping::parse(text).unwrap_err();
        assert_eq!(wrong("id"), "\"id\" is not of the form field=column");
        assert_eq!(wrong(""), "\"\" is not of the form field=column");
        assert_eq!(wrong("id=a,id=b"), "the field id is mapped twice");
        assert_eq!(wrong("id="), "the field id has no column");
        let fields = "id, name, mail, manager, title, department, kind";
        assert_eq!(wrong("di=a"), format!("there is no field \"di\", only: {fields}"));
    }

    #[test]
    fn a_missing_column_is_told_with_those_that_are_there() {
        let missing = |field| format!("there is no column \"{field}\", only: no, who");
        assert_eq!(wrong("no,who\n1,Ada\n"), [missing("id"), missing("name")]);
        let mapping = Mapping::parse("id=no,name=who,mail=post").unwrap();
        assert_eq!(words(read("no,who\n1,Ada\n".as_bytes(), &mapping)), [missing("post")]);
        assert!(wrong("id;name\n1;Ada\n")[0].ends_with("the columns must be separated by commas"));
    }

    #[test]
    fn everything_wrong_with_the_rows_is_told_with_its_line() {
        let text = "id,name,kind\n1,Ada,\n,Ben,guest\n3,,robot\n1,Cleo,member\n5,Dan\n6,Eve,,\n";
        assert_eq!(
            wrong(text),
            [
                "line 3: the id is empty",
                "line 4: the kind \"robot\" is neither member nor guest",
                "line 4: the name is empty",
                "line 5: the id \"1\" is there already, on line 2",
                "line 6: the row has 2 fields, the header has 3",
                "line 7: the row has 4 fields, the header has 3",
            ]
        );
    }

    #[test]
    fn a_value_that_is_too_long_stops_everything() {
        let text =
            format!("id,name,note\n1,{},{}\n", "x".repeat(NAME_MAX + 1), "y".repeat(NOTE_MAX + 1));
        let long = |what, max| format!("line 2: \"{what}\" is longer than {max} characters");
        assert_eq!(wrong(&text), [long("name", NAME_MAX), long("note", NOTE_MAX)]);
    }

    #[test]
    fn an_empty_file_makes_nobody_a_leaver() {
        assert_eq!(wrong(""), ["the file is empty"]);
        assert_eq!(wrong("\n\n"), ["the file is empty"]);
        assert_eq!(wrong("id,name\n"), ["the file has a header and nobody in it"]);
    }

    #[test]
    fn a_file_of_mistakes_is_cut_and_counted() {
        let told = wrong(&format!("id,name\n{}", ",x\n".repeat(LISTED + 7)));
        assert_eq!(told.len(), LISTED + 1);
        assert_eq!(told.last().unwrap(), "and 7 more");
    }

    #[test]
    fn a_row_that_cannot_be_read_ends_the_list_of_problems() {
        let told = words(read(&b"id,name\n,Ada\n2,J\xF8rn\n,Ben\n"[..], &Mapping::default()));
        assert_eq!(
            told,
            ["line 2: the id is empty", "line 3: the row is not UTF-8; save the file as UTF-8"]
        );
    }
}
