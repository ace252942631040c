//! What a staff list changes: who joins, moves, leaves, and who manages whom.
//!
//! Pure. [`plan`] compares the people known from one source with the list of that source;
//! [`guard`] refuses a plan that lets too many leave. Whoever carries the plan out does all of it
//! or nothing.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;

use super::feed::{Entry, Field};
use super::lookup::{Found, Lookup};
pub use super::problem::Problem;
use super::rows::quoted;
use crate::kernel::fact::Change;
use crate::kernel::text::counted;
use crate::kernel::{Kind, PersonId};

/// The most people of one circle that a warning names.
const NAMED: usize = 10;

/// A person as this source left them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// The person.
    pub id: PersonId,
    /// The key of the person in the source.
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
    /// The columns that were not mapped.
    pub attributes: BTreeMap<String, String>,
    /// Who the manager turned out to be, by the key in the source.
    pub manager_external_id: Option<String>,
    /// What the last list wrote as the manager.
    pub manager_written: Option<String>,
    /// Whether the person is there; leavers are not.
    pub enabled: bool,
    /// An administrator from the configuration, who never leaves by a list.
    pub protected: bool,
}

/// Somebody whom the list does not name anymore.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leaver {
    /// The person.
    pub id: PersonId,
    /// The name, for the report.
    pub name: String,
}

/// Somebody who is new or comes back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Joiner {
    /// A fresh id, or the one that the person had before.
    pub id: PersonId,
    /// What the list says.
    pub entry: Entry,
    /// Whether the person was here before: enabled again, without the old access (E24).
    pub returns: bool,
}

/// Somebody of whom any column differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mover {
    /// The person.
    pub id: PersonId,
    /// What the list says.
    pub entry: Entry,
    /// What differs, the manager included if the same words now mean somebody else; never empty.
    pub changes: Vec<Change>,
}

/// All that a list changes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Who is new or comes back.
    pub joiners: Vec<Joiner>,
    /// Of whom any column differs.
    pub movers: Vec<Mover>,
    /// Who is missing.
    pub leavers: Vec<Leaver>,
    /// How many people of the list are known exactly as they are.
    pub unchanged: usize,
    /// The manager of everybody in the list.
    pub managers: BTreeMap<PersonId, Option<PersonId>>,
    /// Those of the unchanged whose manager is now another, because the same words now mean
    /// somebody else: a manager joined, left, or is not the only one of that name anymore.
    pub rewired: Vec<Mover>,
    /// How many people come without the manager that the list writes.
    pub without_manager: usize,
    /// What does not stop the import and should be seen, in the order of the lines.
    pub warnings: Vec<Problem>,
    /// Whether nobody of this source was enabled before.
    pub first: bool,
}

impl Plan {
    /// "12 joiners, 88 movers, 0 leavers, 1,900 unchanged, 2 without a manager".
    #[must_use]
    pub fn summary(&self) -> String {
        format!(
            "{}, {}, {}, {} unchanged, {} without a manager",
            many(self.joiners.len(), "joiner", "joiners"),
            many(self.movers.len(), "mover", "movers"),
            many(self.leavers.len(), "leaver", "leavers"),
            grouped(self.unchanged),
            grouped(self.without_manager),
        )
    }
}

/// Compares the list with the people known from the same source.
///
/// The ids in `entries` are different, as [`super::feed::read`] makes sure.
#[must_use]
pub fn plan(known: &[Known], entries: Vec<Entry>) -> Plan {
    let before: HashMap<&str, &Known> = known.iter().map(|k| (k.external_id.as_str(), k)).collect();
    let listed: HashSet<&str> = entries.iter().map(|entry| entry.external_id.as_str()).collect();
    let mut plan = Plan { first: !known.iter().any(|k| k.enabled), ..Plan::default() };
    for missing in known.iter().filter(|k| k.enabled && !listed.contains(k.external_id.as_str())) {
        if missing.protected {
            let text =
                format!("{} is not in the list and stays, as an administrator", missing.name);
            plan.warnings.push(Problem::whole(text));
        } else {
            plan.leavers.push(Leaver { id: missing.id, name: missing.name.clone() });
        }
    }

    let (managers, warnings) = managers(&entries);
    plan.warnings.extend(warnings);
    let ids: Vec<PersonId> = entries
        .iter()
        .map(|entry| before.get(entry.external_id.as_str()).map_or_else(PersonId::fresh, |k| k.id))
        .collect();
    let bosses: Vec<Option<(String, String)>> = managers
        .iter()
        .map(|manager| {
            manager.map(|at| (entries[at].external_id.clone(), entries[at].name.clone()))
        })
        .collect();

    for (((entry, manager), boss), id) in entries.into_iter().zip(managers).zip(bosses).zip(&ids) {
        let id = *id;
        plan.managers.insert(id, manager.map(|at| ids[at]));
        plan.without_manager += usize::from(manager.is_none() && entry.manager.is_some());
        match before.get(entry.external_id.as_str()) {
            Some(known) if known.enabled => {
                let mut changes = changes(known, &entry);
                let moved = !changes.is_empty();
                let key = known.manager_external_id.as_deref();
                if known.manager_written == entry.manager
                    && key != boss.as_ref().map(|(key, _)| key.as_str())
                {
                    let from = key.and_then(|key| before.get(key)).map(|k| k.name.clone());
                    changes.push(Change {
                        field: Field::Manager.word().to_owned(),
                        from: from.unwrap_or_default(),
                        to: boss.map(|(_, name)| name).unwrap_or_default(),
                    });
                }
                plan.unchanged += usize::from(!moved);
                match (moved, changes.is_empty()) {
                    (true, _) => plan.movers.push(Mover { id, entry, changes }),
                    (false, false) => plan.rewired.push(Mover { id, entry, changes }),
                    (false, true) => {}
                }
            }
            returning => plan.joiners.push(Joiner { id, entry, returns: returning.is_some() }),
        }
    }
    plan
}

/// What differs between what is known and what the list says.
fn changes(known: &Known, entry: &Entry) -> Vec<Change> {
    let fields = [
        (Field::Name, Some(known.name.as_str()), Some(entry.name.as_str())),
        (Field::Mail, known.mail.as_deref(), entry.mail.as_deref()),
        (Field::Manager, known.manager_written.as_deref(), entry.manager.as_deref()),
        (Field::Title, known.title.as_deref(), entry.title.as_deref()),
        (Field::Department, known.department.as_deref(), entry.department.as_deref()),
        (Field::Kind, Some(known.kind.as_str()), Some(entry.kind.as_str())),
    ];
    let fields = fields.into_iter().map(|(field, from, to)| (field.word(), from, to));
    let (old, new) = (&known.attributes, &entry.attributes);
    let kept = old.iter().map(|(name, from)| (name.as_str(), Some(from.as_str()), new.get(name)));
    let kept = kept.map(|(name, from, to)| (name, from, to.map(String::as_str)));
    let added = new.iter().filter(|(name, _)| !old.contains_key(*name));
    let added = added.map(|(name, to)| (name.as_str(), None, Some(to.as_str())));
    fields
        .chain(kept)
        .chain(added)
        .filter(|(_, from, to)| from != to)
        .map(|(field, from, to)| Change {
            field: field.to_owned(),
            from: from.unwrap_or_default().to_owned(),
            to: to.unwrap_or_default().to_owned(),
        })
        .collect()
}

/// The place of everybody's manager in the list, without circles, and what was wrong with some.
fn managers(entries: &[Entry]) -> (Vec<Option<usize>>, Vec<Problem>) {
    let mut people = Lookup::new();
    for (at, entry) in entries.iter().enumerate() {
        people.add(&entry.external_id, entry.mail.as_deref(), &entry.name, at);
    }
    let mut warnings = Vec::new();
    let mut managers = Vec::with_capacity(entries.len());
    for entry in entries {
        let written = entry.manager.as_deref();
        managers.push(match written.map(|written| (written, people.by_anything(written))) {
            None => None,
            Some((_, Found::One(at))) => Some(at),
            Some((written, Found::Nobody)) => {
                let text =
                    format!("{} has no manager: nobody is {}", called(entry), quoted(written));
                warnings.push(Problem::at(entry.line, text));
                None
            }
            Some((written, Found::Several(what))) => {
                let who = called(entry);
                let text =
                    format!("{who} has no manager: several have the {what} {}", quoted(written));
                warnings.push(Problem::at(entry.line, text));
                None
            }
        });
    }
    for circle in circles(&managers) {
        for &at in &circle {
            managers[at] = None;
        }
        let Some(&first) = circle.first() else { continue };
        warnings.push(Problem::at(entries[first].line, told(&circle, entries)));
    }
    warnings.sort_by_key(|warning| warning.line);
    (managers, warnings)
}

/// The circles among the managers; each starts with its first in the list.
fn circles(managers: &[Option<usize>]) -> Vec<Vec<usize>> {
    let mut seen_by = vec![None; managers.len()];
    let mut circles = Vec::new();
    for start in 0..managers.len() {
        let mut next = Some(start);
        while let Some(at) = next.filter(|&at| seen_by[at].is_none()) {
            seen_by[at] = Some(start);
            next = managers[at];
        }
        // The walk came back to itself, not to somebody whom an earlier walk has seen.
        let Some(knot) = next.filter(|&at| seen_by[at] == Some(start)) else { continue };
        let walk = std::iter::successors(managers[knot], |&at| managers[at]);
        let mut circle: Vec<usize> =
            std::iter::once(knot).chain(walk.take_while(|&at| at != knot)).collect();
        let first = (0..circle.len()).min_by_key(|&i| circle[i]).unwrap_or_default();
        circle.rotate_left(first);
        circles.push(circle);
    }
    circles
}

/// The words about one circle.
fn told(circle: &[usize], entries: &[Entry]) -> String {
    if let [alone] = circle {
        return format!("{} has no manager: nobody manages themselves", called(&entries[*alone]));
    }
    let mut names: Vec<String> =
        circle.iter().take(NAMED).map(|&at| called(&entries[at])).collect();
    if circle.len() > NAMED {
        names.push(format!("{} more", grouped(circle.len() - NAMED)));
    }
    let last = names.pop().unwrap_or_default();
    format!("{} and {last} manage each other in a circle and have no manager", names.join(", "))
}

fn called(entry: &Entry) -> String {
    format!("{} ({})", entry.name, entry.external_id)
}

/// Why a plan is not carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// More people would leave than the share allows: the list may be cut off.
    TooManyLeavers {
        /// How many would leave.
        leavers: usize,
        /// How many of this source are enabled.
        known: usize,
        /// How many per cent would leave, rounded up.
        percent: u32,
        /// How many per cent may leave.
        allowed: u32,
    },
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::TooManyLeavers { leavers, known, percent, allowed } = self;
        let (leavers, known) = (grouped(*leavers), grouped(*known));
        write!(
            f,
            "{leavers} of {known} people would leave; more than {allowed} % looks like a list that is cut off. \
             Nothing was changed. If the list is right, import it with --allow-leavers {percent}"
        )
    }
}

impl std::error::Error for Refusal {}

/// Lets a plan through unless more than `allowed_percent` of the enabled people of this source
/// (`enabled_known`) would leave. The first import has nobody to lose.
///
/// # Errors
/// Too many leavers, with words that say how to go on.
pub fn guard(plan: &Plan, enabled_known: usize, allowed_percent: u32) -> Result<(), Refusal> {
    let leavers = plan.leavers.len();
    if plan.first || leavers as u128 * 100 <= u128::from(allowed_percent) * enabled_known as u128 {
        return Ok(());
    }
    let percent = (leavers * 100).div_ceil(enabled_known.max(1));
    Err(Refusal::TooManyLeavers {
        leavers,
        known: enabled_known,
        percent: u32::try_from(percent).unwrap_or(100),
        allowed: allowed_percent,
    })
}

/// The number with commas between the thousands, and its word.
pub(super) fn many(n: usize, one: &str, many: &str) -> String {
    if n < 1_000 { counted(n as i64, one, many) } else { format!("{} {many}", grouped(n)) }
}

/// "1,900".
pub(super) fn grouped(n: usize) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::directory::feed::{self, Mapping};

    fn list(text: &str) -> Vec<Entry> {
        feed::read(format!("id,name,mail,manager,title\n{text}").as_bytes(), &Mapping::default())
            .unwrap()
    }

    /// Carries a plan out, as the importer does with a database.
    fn carried_out(known: &[Known], plan: &Plan) -> Vec<Known> {
        let mut people: BTreeMap<PersonId, Known> =
            known.iter().map(|k| (k.id, k.clone())).collect();
        let joined = plan.joiners.iter().map(|j| (j.id, &j.entry));
        for (id, entry) in joined.chain(plan.movers.iter().map(|m| (m.id, &m.entry))) {
            let e = entry.clone();
            let protected = people.get(&id).is_some_and(|k| k.protected);
            let person = Known {
                id,
                external_id: e.external_id,
                name: e.name,
                mail: e.mail,
                title: e.title,
                department: e.department,
                kind: e.kind,
                attributes: e.attributes,
                manager_external_id: None,
                manager_written: e.manager,
                enabled: true,
                protected,
            };
            people.insert(id, person);
        }
        for leaver in &plan.leavers {
            people.get_mut(&leaver.id).unwrap().enabled = false;
        }
        for (id, manager) in &plan.managers {
            let key = manager.map(|manager| people[&manager].external_id.clone());
            people.get_mut(id).unwrap().manager_external_id = key;
        }
        people.into_values().collect()
    }

    fn after(text: &str) -> Vec<Known> {
        carried_out(&[], &plan(&[], list(text)))
    }

    fn person<'a>(known: &'a [Known], id: &str) -> &'a Known {
        known.iter().find(|k| k.external_id == id).unwrap()
    }

    fn warnings(text: &str) -> Vec<String> {
        plan(&[], list(text)).warnings.iter().map(Problem::to_string).collect()
    }

    #[test]
    fn joiners_movers_and_leavers_are_told_apart() {
        let known = after("1,Ada,,,Lead\n2,Ben,,Ada,\n3,Cleo,,,\n");
        let next = plan(&known, list("1,Ada,,,Head\n2,Ben,,Ada,\n4,Dan,,2,\n"));
        assert_eq!(next.summary(), "1 joiner, 1 mover, 1 leaver, 1 unchanged, 0 without a manager");
        let change = Change { field: "title".into(), from: "Lead".into(), to: "Head".into() };
        assert_eq!(next.movers[0].changes, [change]);
        assert_eq!(next.leavers, [Leaver { id: person(&known, "3").id, name: "Cleo".into() }]);
        assert_eq!(next.managers[&next.joiners[0].id], Some(person(&known, "2").id));
        assert!(!next.first && !next.joiners[0].returns);
    }

    #[test]
    fn every_column_makes_a_mover() {
        let known = after("1,Ada,a@x.example,2,Lead\n2,Ben,,,\n");
        let moved = |row: &str| plan(&known, list(&format!("{row}\n2,Ben,,,\n"))).movers.len();
        assert_eq!(moved("1,Ada,A@X.example,2,Lead"), 0);
        for row in [
            "1,Ida,a@x.example,2,Lead",
            "1,Ada,,2,Lead",
            "1,Ada,a@x.example,Ben,Lead",
            "1,Ada,a@x.example,2,",
        ] {
            assert_eq!(moved(row), 1, "{row}");
        }
        let more = "id,name,mail,manager,title,kind,team\n1,Ada,a@x.example,2,Lead,guest,Red\n2,Ben,,,,,\n";
        let next = plan(&known, feed::read(more.as_bytes(), &Mapping::default()).unwrap());
        let fields: Vec<&str> = next.movers[0].changes.iter().map(|c| c.field.as_str()).collect();
        assert_eq!((next.movers.len(), fields), (1, vec!["kind", "team"]));
    }

    #[test]
    fn who_comes_back_is_a_joiner_with_the_same_id() {
        let first = after("1,Ada,,,\n2,Ben,,,\n");
        let gone = carried_out(&first, &plan(&first, list("1,Ada,,,\n")));
        assert!(!person(&gone, "2").enabled);
        let back = plan(&gone, list("1,Ada,,,\n2,Ben,,,\n"));
        assert_eq!(back.joiners.len(), 1);
        assert_eq!((back.joiners[0].id, back.joiners[0].returns), (person(&first, "2").id, true));
        assert_eq!(plan(&gone, list("1,Ada,,,\n")).leavers, [], "nobody leaves twice");
    }

    #[test]
    fn an_administrator_stays_without_being_listed() {
        let mut known = after("1,Ada,,,\n2,Ben,,,\n");
        known.iter_mut().for_each(|k| k.protected = k.external_id == "1");
        let next = plan(&known, list("2,Ben,,,\n"));
        assert_eq!(next.leavers, []);
        assert_eq!(
            next.warnings,
            [Problem::whole("Ada is not in the list and stays, as an administrator")]
        );
    }

    #[test]
    fn a_manager_who_is_nobody_or_two_is_left_out_and_counted() {
        let text = "1,Ada,,Zoe,\n2,Ben,,Ben,\n3,Ben,,,\n4,Dan,m@x.example,,\n5,Eve,m@x.example,M@x.example,\n";
        assert_eq!(
            warnings(text),
            [
                "line 2: Ada (1) has no manager: nobody is \"Zoe\"",
                "line 3: Ben (2) has no manager: several have the name \"Ben\"",
                "line 6: Eve (5) has no manager: several have the mail \"M@x.example\"",
            ]
        );
        let plan = plan(&[], list(text));
        assert_eq!((plan.joiners.len(), plan.without_manager), (5, 3));
    }

    #[test]
    fn a_circle_of_managers_is_broken_for_those_on_it_only() {
        let text = "1,Ada,,5,\n2,Ben,,3,\n3,Cleo,,4,\n4,Dan,,2,\n5,Eve,,3,\n6,Fay,,6,\n";
        assert_eq!(
            warnings(text),
            [
                "line 3: Ben (2), Cleo (3) and Dan (4) manage each other in a circle and have no manager",
                "line 7: Fay (6) has no manager: nobody manages themselves",
            ]
        );
        let known = after(text);
        let manager = |id| person(&known, id).manager_external_id.as_deref();
        assert_eq!(
            ["1", "2", "3", "4", "5", "6"].map(manager),
            [Some("5"), None, None, None, Some("3"), None]
        );
        assert_eq!(plan(&[], list(text)).without_manager, 4);
    }

    #[test]
    fn a_long_circle_is_cut_in_words() {
        let rows: String =
            (0..1_500).map(|i| format!("{i},P{i},,{},\n", (i + 1) % 1_500)).collect();
        let told = warnings(&rows);
        assert_eq!(told.len(), 1);
        assert!(told[0].contains("P9 (9) and 1,490 more manage each other"), "{}", told[0]);
    }

    #[test]
    fn the_same_words_may_come_to_mean_another_manager() {
        let known = after("1,Ada,,Zoe,\n");
        let next = plan(&known, list("1,Ada,,Zoe,\n2,Zoe,,,\n"));
        assert_eq!((next.movers.len(), next.unchanged, next.rewired.len()), (0, 1, 1));
        let change = Change { field: "manager".into(), from: String::new(), to: "Zoe".into() };
        assert_eq!((next.rewired[0].id, &next.rewired[0].changes), (known[0].id, &vec![change]));
        assert_eq!(next.managers[&known[0].id], Some(next.joiners[0].id));
    }

    #[test]
    fn a_list_that_is_cut_off_is_refused_with_the_way_on() {
        let rows: String = (0..2_000).map(|i| format!("{i},P{i},,,\n")).collect();
        let known = after(&rows);
        let cut =
            |n: usize| plan(&known, list(&rows.lines().take(n).collect::<Vec<_>>().join("\n")));
        assert_eq!(guard(&cut(1_900), 2_000, 5), Ok(()));
        let refusal = guard(&cut(1_899), 2_000, 5).unwrap_err();
        assert_eq!(
            refusal,
            Refusal::TooManyLeavers { leavers: 101, known: 2_000, percent: 6, allowed: 5 }
        );
        assert!(refusal.to_string().starts_with("101 of 2,000 people would leave; more than 5 %"));
        assert!(refusal.to_string().ends_with("--allow-leavers 6"));
        assert_eq!(guard(&cut(1_899), 2_000, 6), Ok(()));
        assert_eq!(
            cut(1_899).summary(),
            "0 joiners, 0 movers, 101 leavers, 1,899 unchanged, 0 without a manager"
        );
    }

    #[test]
    fn the_first_import_is_not_guarded() {
        let gone: Vec<Known> =
            after("1,Ada,,,\n").into_iter().map(|k| Known { enabled: false, ..k }).collect();
        let next = plan(&gone, list("2,Ben,,,\n"));
        assert!(next.first);
        assert_eq!(guard(&next, 0, 0), Ok(()));
    }

    /// A list of some of twelve people, with managers that may be unknown, shared or in circles.
    fn lists() -> impl Strategy<Value = Vec<Entry>> {
        let person = (0..4_u8, 0..16_u8, 0..3_u8, 0..3_u8, any::<bool>());
        prop::collection::btree_map(0..12_u8, person, 1..12).prop_map(|people| {
            let rows = people.into_iter().enumerate();
            rows.map(|(i, (id, (name, manager, title, team, guest)))| Entry {
                line: i as u64 + 2,
                external_id: format!("{id}"),
                name: format!("Name {name}"),
                mail: (team > 0).then(|| format!("{id}@x.example")),
                title: (title > 0).then(|| format!("Title {title}")),
                department: None,
                kind: if guest { Kind::Guest } else { Kind::Member },
                manager: match manager {
                    0..=11 => Some(format!("{manager}")),
                    12 => Some("Name 1".into()),
                    13 => Some(format!("{name}@x.example")),
                    _ => None,
                },
                attributes: (team > 1)
                    .then(|| ("team".to_owned(), "Red".to_owned()))
                    .into_iter()
                    .collect(),
            })
            .collect()
        })
    }

    /// What a state says of the people who are there, without their inner ids.
    fn there(known: &[Known]) -> BTreeMap<String, Known> {
        let nobody = PersonId(uuid::Uuid::nil());
        let enabled = known.iter().filter(|k| k.enabled);
        enabled.map(|k| (k.external_id.clone(), Known { id: nobody, ..k.clone() })).collect()
    }

    proptest! {
        #[test]
        fn the_same_list_twice_changes_nothing(a in lists(), b in lists()) {
            let known = carried_out(&[], &plan(&[], a));
            let known = carried_out(&known, &plan(&known, b.clone()));
            let people = b.len();
            let again = plan(&known, b);
            prop_assert!(again.joiners.is_empty() && again.movers.is_empty() && again.leavers.is_empty());
            prop_assert!(again.rewired.is_empty());
            prop_assert_eq!(again.unchanged, people);
            prop_assert_eq!(carried_out(&known, &again), known);
        }

        #[test]
        fn whatever_was_before_the_list_is_what_is_there_after(a in lists(), b in lists()) {
            let before = carried_out(&[], &plan(&[], a));
            let step = plan(&before, b.clone());
            prop_assert_eq!(step.joiners.len() + step.movers.len() + step.unchanged, b.len());
            let reached = carried_out(&before, &step);
            prop_assert_eq!(there(&reached), there(&carried_out(&[], &plan(&[], b))));
        }

        #[test]
        fn nobody_is_above_themselves(a in lists()) {
            let managers = plan(&[], a).managers;
            for person in managers.keys() {
                let up = std::iter::successors(managers[person], |manager| managers[manager]);
                prop_assert!(up.take(managers.len() + 1).count() <= managers.len());
                prop_assert_ne!(managers[person], Some(*person));
            }
        }
    }
}
