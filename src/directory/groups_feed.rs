//! Reads groups with their members, CSV `group,member`, and says what they change.
//!
//! The file is the whole truth for the groups it names; every other group is left alone. A member
//! whom nobody knows stops everything: half a group is worse than yesterday's.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;

use super::diff::many;
use super::lookup::{Found, Lookup};
pub use super::problem::Problem;
use super::problem::Problems;
use super::rows::{Rows, column, quoted};
use crate::kernel::text::{NAME_MAX, folded, one_line};
use crate::kernel::{GroupId, PersonId};

/// One member of one group, as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Membership {
    /// The line at which the row starts, from 1.
    pub line: u64,
    /// The name of the group.
    pub group: String,
    /// The id or mail address of the member.
    pub member: String,
}

/// Reads a whole file. Other columns than `group` and `member` are not looked at.
///
/// # Errors
/// Everything that is wrong with the shape of the file.
pub fn read(input: impl Read) -> Result<Vec<Membership>, Vec<Problem>> {
    let mut rows = Rows::open(input).map_err(|problem| vec![problem])?;
    let header = rows.header()?;
    let mut problems = Problems::default();
    let mut place = |name| column(&header, name).map_err(|problem| problems.push(problem)).ok();
    let (group, member) = (place("group"), place("member"));
    let (Some(group), Some(member)) = (group, member) else { return problems.or(Vec::new()) };
    let mut memberships = Vec::new();
    loop {
        let row = match rows.next() {
            Ok(Some(row)) => row,
            Ok(None) => return problems.or(memberships),
            Err(problem) => {
                problems.push(problem);
                return problems.or(memberships);
            }
        };
        if row.fields.len() != header.len() {
            let text =
                format!("the row has {} fields, the header has {}", row.fields.len(), header.len());
            problems.push(Problem::at(row.line, text));
            continue;
        }
        let text = |at: usize| one_line(row.fields.get(at).unwrap_or_default());
        let (group, member) = (text(group), text(member));
        if group.is_empty() {
            problems.push(Problem::at(row.line, "the group is empty"));
        } else if member.is_empty() {
            problems.push(Problem::at(row.line, "the member is empty"));
        } else if group.chars().count() > NAME_MAX {
            problems.push(Problem::at(
                row.line,
                format!("the group is longer than {NAME_MAX} characters"),
            ));
        } else {
            memberships.push(Membership { line: row.line, group, member });
        }
    }
}

/// Somebody who can be a member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The person.
    pub id: PersonId,
    /// The key of the person in the source.
    pub external_id: String,
    /// The mail address.
    pub mail: Option<String>,
}

/// A group as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownGroup {
    /// The group.
    pub id: GroupId,
    /// The name by which the file calls it.
    pub name: String,
    /// Who is in it.
    pub members: BTreeSet<PersonId>,
}

/// What the file changes in one group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupChange {
    /// The group; a fresh id if it is new.
    pub id: GroupId,
    /// The name.
    pub name: String,
    /// Whether the group is to be made.
    pub new: bool,
    /// Who comes in.
    pub added: BTreeSet<PersonId>,
    /// Who goes out.
    pub removed: BTreeSet<PersonId>,
}

/// All that the file changes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupPlan {
    /// The groups that are new or of which a member differs, by name.
    pub changes: Vec<GroupChange>,
    /// How many groups of the file are known exactly as they are.
    pub unchanged: usize,
}

impl GroupPlan {
    /// "1 new group, 2 changed, 7 unchanged, 12 members added, 1 member removed".
    #[must_use]
    pub fn summary(&self) -> String {
        let new = self.changes.iter().filter(|change| change.new).count();
        let added = self.changes.iter().map(|change| change.added.len()).sum();
        let removed = self.changes.iter().map(|change| change.removed.len()).sum();
        format!(
            "{}, {} changed, {} unchanged, {} added, {} removed",
            many(new, "new group", "new groups"),
            self.changes.len() - new,
            self.unchanged,
            many(added, "member", "members"),
            many(removed, "member", "members"),
        )
    }
}

/// Compares the file with the groups that are known; `people` are all who may be members.
///
/// # Errors
/// Every member whom nobody or more than one is.
pub fn plan(
    known: &[KnownGroup],
    people: &[Candidate],
    memberships: &[Membership],
) -> Result<GroupPlan, Vec<Problem>> {
    let mut lookup = Lookup::new();
    for person in people {
        lookup.add(&person.external_id, person.mail.as_deref(), "", person.id);
    }
    let mut problems = Problems::default();
    // Two spellings of one name are one group, called as it is called first.
    let mut wanted: BTreeMap<String, (&str, BTreeSet<PersonId>)> = BTreeMap::new();
    for row in memberships {
        let (group, member) = (quoted(&row.group), quoted(&row.member));
        match lookup.by_id_or_mail(&row.member) {
            Found::One(person) => {
                let fresh = || (row.group.as_str(), BTreeSet::new());
                wanted.entry(folded(&row.group)).or_insert_with(fresh).1.insert(person);
            }
            Found::Nobody => {
                let text = format!("nobody has the id or mail {member}, a member of {group}");
                problems.push(Problem::at(row.line, text));
            }
            Found::Several(what) => {
                let text = format!("several have the {what} {member}, a member of {group}");
                problems.push(Problem::at(row.line, text));
            }
        }
    }
    let before: BTreeMap<String, &KnownGroup> =
        known.iter().map(|group| (folded(&group.name), group)).collect();
    let mut plan = GroupPlan::default();
    for (key, (written, members)) in wanted {
        let (id, name, new, old) = match before.get(&key) {
            Some(group) => (group.id, group.name.as_str(), false, &group.members),
            None => (GroupId::fresh(), written, true, &BTreeSet::new()),
        };
        if !new && *old == members {
            plan.unchanged += 1;
            continue;
        }
        let (added, removed) = (&members - old, old - &members);
        plan.changes.push(GroupChange { id, name: name.to_owned(), new, added, removed });
    }
    problems.or(plan)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn people() -> Vec<Candidate> {
        let person = |id: &str, mail: &str| Candidate {
            id: PersonId::fresh(),
            external_id: id.into(),
            mail: Some(mail.into()),
        };
        vec![
            person("1", "a@x.example"),
            person("2", "b@x.example"),
            person("3", "same@x.example"),
            person("4", "same@x.example"),
        ]
    }

    fn file(text: &str) -> Vec<Membership> {
        read(format!("group,member\n{text}").as_bytes()).unwrap()
    }

    fn words<T: std::fmt::Debug>(result: Result<T, Vec<Problem>>) -> Vec<String> {
        result.unwrap_err().iter().map(Problem::to_string).collect()
    }

    fn carried_out(known: &[KnownGroup], plan: &GroupPlan) -> Vec<KnownGroup> {
        let mut groups: BTreeMap<GroupId, KnownGroup> =
            known.iter().map(|g| (g.id, g.clone())).collect();
        for change in &plan.changes {
            let empty =
                KnownGroup { id: change.id, name: change.name.clone(), members: BTreeSet::new() };
            let group = groups.entry(change.id).or_insert(empty);
            group.members = &(&group.members - &change.removed) | &change.added;
        }
        groups.into_values().collect()
    }

    #[test]
    fn the_file_is_the_whole_truth_for_the_groups_it_names() {
        let people = people();
        let first = plan(&[], &people, &file("Red,1\nRed,B@x.example\nBlue,3\n")).unwrap();
        assert_eq!(
            first.summary(),
            "2 new groups, 0 changed, 0 unchanged, 3 members added, 0 members removed"
        );
        let known = carried_out(&[], &first);
        let next = plan(&known, &people, &file("Red,2\nRed,2\nRed,4\n")).unwrap();
        assert_eq!(
            next.summary(),
            "0 new groups, 1 changed, 0 unchanged, 1 member added, 1 member removed"
        );
        let change = &next.changes[0];
        assert_eq!(
            (change.added.clone(), change.removed.clone()),
            ([people[3].id].into(), [people[0].id].into())
        );
        let reached = carried_out(&known, &next);
        let blue = reached.iter().find(|g| g.name == "Blue").unwrap();
        assert_eq!(blue.members, [people[2].id].into());
        let again = plan(&reached, &people, &file("RED,2\nréd,4\n")).unwrap();
        assert_eq!((again.changes.len(), again.unchanged), (0, 1));
    }

    #[test]
    fn a_member_nobody_knows_stops_everything() {
        let rows = file("Red,1\nRed,9\nBlue,same@x.example\n");
        assert_eq!(
            words(plan(&[], &people(), &rows)),
            [
                "line 3: nobody has the id or mail \"9\", a member of \"Red\"",
                "line 4: several have the mail \"same@x.example\", a member of \"Blue\"",
            ]
        );
    }

    #[test]
    fn a_file_of_another_shape_is_refused() {
        assert_eq!(words(read(&b""[..])), ["the file is empty"]);
        assert_eq!(
            words(read(&b"name,id\n"[..])),
            [
                "there is no column \"group\", only: name, id",
                "there is no column \"member\", only: name, id"
            ]
        );
        let long = "g".repeat(NAME_MAX + 1);
        let text = format!("group,member\n,1\nRed,\nRed\n{long},1\nRed,\"1\n");
        assert_eq!(
            words(read(text.as_bytes())),
            [
                "line 2: the group is empty",
                "line 3: the member is empty",
                "line 4: the row has 1 fields, the header has 2",
                "line 5: the group is longer than 120 characters",
                "line 6: a quote is opened and never closed",
            ]
        );
    }
}
