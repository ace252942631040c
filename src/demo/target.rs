//! The demo's target system: a directory of groups, kept in memory and in one file. It stands behind the same
//! [`Connector`] as LDAP, and it can be told to misbehave, so that one can see what Keyholder makes of it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Context;
use serde::{Deserialize, Serialize};

use crate::kernel::text::folded;
use crate::kernel::{Clock, Ts};
use crate::provisioning::connectors::{Account, Connector, Found, Grant, Member, Trouble};

/// The name under which the target is configured.
pub const NAME: &str = "Northmoor directory";
/// Its roles: value and label.
const ROLES: &[(&str, &str)] = &[("member", "Member"), ("owner", "Owner")];
/// As many groups are offered at once.
const MOST_FOUND: usize = 200;

crate::text_enum! {
    /// How the target behaves.
    pub enum Mood {
        /// Does what it is asked.
        Usual = "usual",
        /// Refuses every change.
        Refuse = "refuse",
        /// Does nothing and answers nothing in time.
        Silent = "silent",
        /// Makes the change, but answers too late.
        Late = "late",
        /// Says yes and does nothing.
        Lie = "lie",
    }
}

impl Mood {
    /// The words of the switch.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Usual => "Answer as usual",
            Self::Refuse => "Refuse",
            Self::Silent => "Do nothing in time",
            Self::Late => "Do it, but answer too late",
            Self::Lie => "Say yes but do nothing",
        }
    }

    /// What one will see.
    #[must_use]
    pub fn hint(self) -> &'static str {
        match self {
            Self::Usual => "Every change is made, and a read right after it shows it.",
            Self::Refuse => {
                "Every change is turned down. The request stays in delivery and says so."
            }
            Self::Silent => {
                "Nothing is changed and no answer comes. Keyholder tries again, with longer and longer pauses."
            }
            Self::Late => {
                "The change is made, but nobody hears of it. Keyholder finds it there at a later try."
            }
            Self::Lie => {
                "The answer is yes, but a read right after shows no change. Nothing is called delivered."
            }
        }
    }
}

/// One group.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Group {
    name: String,
    /// Who is in it, by role value and the person's id there.
    roles: BTreeMap<String, BTreeSet<String>>,
    /// True while its keepers let nobody change it.
    locked: bool,
    changed: Option<Ts>,
}

/// Everything that the target holds, as its file has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    mood: Mood,
    groups: BTreeMap<String, Group>,
    /// Names by the person's id there.
    accounts: BTreeMap<String, String>,
    /// Those who were asked for and have no account: names by id.
    #[serde(default)]
    missing: BTreeMap<String, String>,
}

impl State {
    /// Groups (address and name) without members, and the people who have an account (id and name).
    pub fn new<'a>(
        groups: impl IntoIterator<Item = (&'a str, &'a str)>,
        accounts: impl IntoIterator<Item = (String, String)>,
    ) -> Self {
        let group = |name: &str| Group { name: name.to_owned(), ..Group::default() };
        let groups = groups.into_iter().map(|(address, name)| (address.to_owned(), group(name)));
        Self {
            mood: Mood::Usual,
            groups: groups.collect(),
            accounts: accounts.into_iter().collect(),
            missing: BTreeMap::new(),
        }
    }

    /// The same with somebody in a group, since a time before Keyholder came (D22).
    #[must_use]
    pub fn with_member(mut self, address: &str, person: &str, since: Ts) -> Self {
        if let Some(group) = self.groups.get_mut(address) {
            group.roles.entry("member".to_owned()).or_default().insert(person.to_owned());
            group.changed = group.changed.max(Some(since));
        }
        self
    }

    /// The same with a group that nobody may change.
    #[must_use]
    pub fn with_lock(mut self, address: &str) -> Self {
        if let Some(group) = self.groups.get_mut(address) {
            group.locked = true;
        }
        self
    }
}

/// A group as the demo's page shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupLine {
    /// Its address on the target.
    pub address: String,
    /// What people call it.
    pub name: String,
    /// True while nobody may change it.
    pub locked: bool,
    /// When its members last changed.
    pub changed: Option<Ts>,
    /// Who is in it: the name, and the role if it is not the plain one.
    pub holders: Vec<(String, Option<&'static str>)>,
}

/// See the head of this file.
pub struct DemoTarget {
    state: Mutex<State>,
    /// Where the state is kept; none while history is written.
    file: Option<PathBuf>,
    clock: Arc<dyn Clock>,
}

impl DemoTarget {
    /// A target that lives in memory only.
    #[must_use]
    pub fn in_memory(state: State, clock: Arc<dyn Clock>) -> Self {
        Self { state: Mutex::new(state), file: None, clock }
    }

    /// The target of a file; `new` is what it holds if there is no file yet.
    ///
    /// # Errors
    /// When the file cannot be read or written.
    pub fn open(
        file: &Path,
        new: impl FnOnce() -> State,
        clock: Arc<dyn Clock>,
    ) -> anyhow::Result<Self> {
        let state = match std::fs::read(file) {
            Ok(bytes) => serde_json::from_slice(&bytes)
                .with_context(|| format!("{} is not as it was written", file.display()))?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let state = new();
                save(file, &state)?;
                state
            }
            Err(error) => {
                return Err(error).with_context(|| format!("cannot read {}", file.display()));
            }
        };
        Ok(Self { state: Mutex::new(state), file: Some(file.to_owned()), clock })
    }

    /// What it holds now.
    #[must_use]
    pub fn state(&self) -> State {
        self.locked().clone()
    }

    /// How it behaves.
    #[must_use]
    pub fn mood(&self) -> Mood {
        self.locked().mood
    }

    /// Tells it how to behave.
    ///
    /// # Errors
    /// When its file cannot be written; nothing is changed then.
    pub fn set_mood(&self, mood: Mood) -> anyhow::Result<()> {
        self.change(|state| state.mood = mood)
    }

    /// Locks or unlocks a group; false if there is none of this address.
    ///
    /// # Errors
    /// When its file cannot be written; nothing is changed then.
    pub fn set_lock(&self, address: &str, on: bool) -> anyhow::Result<bool> {
        if !self.locked().groups.contains_key(address) {
            return Ok(false);
        }
        self.change(|state| {
            if let Some(group) = state.groups.get_mut(address) {
                group.locked = on;
            }
        })?;
        Ok(true)
    }

    /// Opens the account of somebody who was asked for; returns the name, or none if nobody waits for it.
    ///
    /// # Errors
    /// When its file cannot be written; nothing is changed then.
    pub fn open_account(&self, person: &str) -> anyhow::Result<Option<String>> {
        let Some(name) = self.locked().missing.get(person).cloned() else { return Ok(None) };
        self.change(|state| {
            state.missing.remove(person);
            state.accounts.insert(person.to_owned(), name.clone());
        })?;
        Ok(Some(name))
    }

    /// Who was asked for and has no account: id and name.
    #[must_use]
    pub fn missing(&self) -> Vec<(String, String)> {
        self.locked().missing.clone().into_iter().collect()
    }

    /// All groups by name, with who is in them.
    #[must_use]
    pub fn groups(&self) -> Vec<GroupLine> {
        let state = self.locked();
        let name = |id: &String| state.accounts.get(id).unwrap_or(id).clone();
        let holders = |group: &Group| {
            let of = |(value, label): &(&'static str, &'static str)| {
                let label = (*value != "member").then_some(*label);
                let ids = group.roles.get(*value).into_iter().flatten();
                ids.map(|id| (name(id), label)).collect::<Vec<_>>()
            };
            let mut all: Vec<_> = ROLES.iter().flat_map(of).collect();
            all.sort_by_key(|(name, _)| folded(name));
            all
        };
        let mut lines: Vec<GroupLine> = state
            .groups
            .iter()
            .map(|(address, group)| GroupLine {
                address: address.clone(),
                name: group.name.clone(),
                locked: group.locked,
                changed: group.changed,
                holders: holders(group),
            })
            .collect();
        lines.sort_by(|a, b| a.name.cmp(&b.name));
        lines
    }

    fn locked(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the state as a whole: what cannot be kept is not done.
    fn change(&self, change: impl FnOnce(&mut State)) -> anyhow::Result<()> {
        let mut state = self.locked();
        let mut next = state.clone();
        change(&mut next);
        if let Some(file) = &self.file {
            save(file, &next)?;
        }
        *state = next;
        Ok(())
    }

    /// Looks whether there is such a right, and whether the person has it.
    fn look(&self, who: &Account, what: &Grant<'_>) -> Result<Looked, Trouble> {
        let state = self.locked();
        if state.mood == Mood::Silent {
            return Err(Trouble::TimedOut);
        }
        let Some(group) = state.groups.get(what.resource) else {
            return Err(Trouble::NoResource(what.resource.to_owned()));
        };
        if !ROLES.iter().any(|(value, _)| *value == what.role) {
            return Err(Trouble::Refused(format!("its groups have no role “{}”", what.role)));
        }
        if !state.accounts.contains_key(&who.external_id) {
            let known = state.missing.contains_key(&who.external_id);
            drop(state);
            if !known {
                let (id, name) = (who.external_id.clone(), who.name.clone());
                self.change(|state| {
                    state.missing.insert(id, name);
                })
                .map_err(|error| Trouble::Unreachable(format!("{error:#}")))?;
            }
            return Err(Trouble::NoAccount(who.name.clone()));
        }
        let there = group.roles.get(what.role).is_some_and(|all| all.contains(&who.external_id));
        Ok(Looked { there, locked: group.locked, mood: state.mood })
    }

    fn write(&self, who: &Account, what: &Grant<'_>, on: bool) -> Result<(), Trouble> {
        let looked = self.look(who, what)?;
        if looked.mood == Mood::Refuse {
            return Err(Trouble::Refused("it was told to refuse every change".into()));
        }
        if looked.mood == Mood::Lie {
            return Ok(());
        }
        if looked.there != on && looked.locked {
            return Err(Trouble::Refused(format!("the group {} is locked", what.resource)));
        }
        if looked.there != on {
            let now = self.clock.now();
            self.change(|state| {
                let Some(group) = state.groups.get_mut(what.resource) else { return };
                let all = group.roles.entry(what.role.to_owned()).or_default();
                if on {
                    all.insert(who.external_id.clone());
                } else {
                    all.remove(&who.external_id);
                }
                group.changed = Some(now);
            })
            .map_err(|error| Trouble::Unreachable(format!("{error:#}")))?;
        }
        if looked.mood == Mood::Late { Err(Trouble::TimedOut) } else { Ok(()) }
    }
}

struct Looked {
    there: bool,
    locked: bool,
    mood: Mood,
}

/// Writes the whole file beside the old one and puts it in its place.
fn save(file: &Path, state: &State) -> anyhow::Result<()> {
    let beside = file.with_extension("json.new");
    let write = || -> std::io::Result<()> {
        use std::io::Write;
        let mut out = std::fs::File::create(&beside)?;
        serde_json::to_writer_pretty(&mut out, state)?;
        out.flush()?;
        out.sync_all()?;
        std::fs::rename(&beside, file)
    };
    write().with_context(|| format!("cannot write {}", file.display()))
}

impl Connector for DemoTarget {
    fn kind(&self) -> &'static str {
        "Demo directory"
    }

    fn holds(&self, who: &Account, what: &Grant) -> Result<bool, Trouble> {
        self.look(who, what).map(|looked| looked.there)
    }

    fn add(&self, who: &Account, what: &Grant, _key: &str) -> Result<(), Trouble> {
        self.write(who, what, true)
    }

    fn remove(&self, who: &Account, what: &Grant, _key: &str) -> Result<(), Trouble> {
        self.write(who, what, false)
    }

    fn members(&self, what: &Grant) -> Result<Vec<Member>, Trouble> {
        let state = self.locked();
        if state.mood == Mood::Silent {
            return Err(Trouble::TimedOut);
        }
        let Some(group) = state.groups.get(what.resource) else {
            return Err(Trouble::NoResource(what.resource.to_owned()));
        };
        let one = |id: &String| Member {
            ids: vec![id.clone()],
            mails: vec![],
            name: state.accounts.get(id).unwrap_or(id).clone(),
        };
        Ok(group.roles.get(what.role).into_iter().flatten().map(one).collect())
    }

    fn resources(&self, filter: &str) -> Result<Vec<Found>, Trouble> {
        let state = self.locked();
        if state.mood == Mood::Silent {
            return Err(Trouble::TimedOut);
        }
        let words = folded(filter);
        let mut found: Vec<Found> = state
            .groups
            .iter()
            .filter(|(_, group)| {
                let name = folded(&group.name);
                words.split_whitespace().all(|word| name.contains(word))
            })
            .map(|(address, group)| Found { address: address.clone(), name: group.name.clone() })
            .collect();
        found.sort_by(|a, b| a.name.cmp(&b.name));
        found.truncate(MOST_FOUND);
        Ok(found)
    }

    fn roles(&self) -> &'static [(&'static str, &'static str)] {
        ROLES
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::time::Fixed;

    fn clock() -> Arc<Fixed> {
        Arc::new(Fixed::at(Ts::from_micros(1_000_000)))
    }

    fn state() -> State {
        State::new(
            [("ledger", "Ledger readers"), ("notes", "Release notes")],
            [("ann".to_owned(), "Ann".to_owned()), ("bo".to_owned(), "Bo".to_owned())],
        )
    }

    fn who(id: &str) -> Account {
        Account { external_id: id.into(), name: id.into(), mail: None }
    }

    const LEDGER: Grant<'static> = Grant { resource: "ledger", role: "member" };

    #[test]
    fn it_does_what_it_is_asked_once_and_tells_when() {
        let target = DemoTarget::in_memory(state(), clock());
        assert_eq!(target.holds(&who("ann"), &LEDGER), Ok(false));
        target.add(&who("ann"), &LEDGER, "k").unwrap();
        target.add(&who("ann"), &LEDGER, "k").unwrap();
        assert_eq!(target.holds(&who("ann"), &LEDGER), Ok(true));
        assert_eq!(target.holds(&who("bo"), &LEDGER), Ok(false));
        let ledger = target.groups().into_iter().find(|g| g.address == "ledger").unwrap();
        assert_eq!(ledger.holders, [("Ann".to_owned(), None)]);
        assert_eq!(ledger.changed, Some(Ts::from_micros(1_000_000)));
        let members = target.members(&LEDGER).unwrap();
        assert_eq!((members.len(), members[0].ids[0].as_str()), (1, "ann"));
        target.remove(&who("ann"), &LEDGER, "k").unwrap();
        assert_eq!(target.members(&LEDGER), Ok(vec![]));
        target.remove(&who("ann"), &LEDGER, "k").unwrap();
        assert_eq!(target.holds(&who("ann"), &LEDGER), Ok(false));
    }

    #[test]
    fn what_is_not_there_is_told_as_that() {
        let target = DemoTarget::in_memory(state(), clock());
        let nothing = Grant { resource: "gone", role: "member" };
        assert!(matches!(target.holds(&who("ann"), &nothing), Err(Trouble::NoResource(_))));
        assert!(matches!(target.add(&who("cy"), &LEDGER, "k"), Err(Trouble::NoAccount(_))));
        assert_eq!(target.missing(), [("cy".to_owned(), "cy".to_owned())]);
        assert_eq!(target.open_account("cy").unwrap().as_deref(), Some("cy"));
        assert_eq!(target.add(&who("cy"), &LEDGER, "k"), Ok(()));
        assert_eq!(target.open_account("cy").unwrap(), None);
        let role = Grant { resource: "ledger", role: "king" };
        assert!(matches!(target.add(&who("ann"), &role, "k"), Err(Trouble::Refused(_))));
    }

    #[test]
    fn each_switch_does_what_its_words_say() {
        let target = DemoTarget::in_memory(state(), clock());
        let there = || target.state().groups["ledger"].roles.contains_key("member");
        target.set_mood(Mood::Refuse).unwrap();
        assert!(matches!(target.add(&who("ann"), &LEDGER, "k"), Err(Trouble::Refused(_))));
        assert_eq!(target.holds(&who("ann"), &LEDGER), Ok(false));
        target.set_mood(Mood::Lie).unwrap();
        assert_eq!(target.add(&who("ann"), &LEDGER, "k"), Ok(()));
        assert_eq!(target.holds(&who("ann"), &LEDGER), Ok(false));
        target.set_mood(Mood::Silent).unwrap();
        assert_eq!(target.holds(&who("ann"), &LEDGER), Err(Trouble::TimedOut));
        assert_eq!(target.add(&who("ann"), &LEDGER, "k"), Err(Trouble::TimedOut));
        assert_eq!(target.resources(""), Err(Trouble::TimedOut));
        assert!(!there());
        target.set_mood(Mood::Late).unwrap();
        assert_eq!(target.add(&who("ann"), &LEDGER, "k"), Err(Trouble::TimedOut));
        assert_eq!(target.holds(&who("ann"), &LEDGER), Ok(true));
    }

    #[test]
    fn a_locked_group_refuses_changes_and_still_answers() {
        let target = DemoTarget::in_memory(state().with_lock("ledger"), clock());
        assert!(matches!(target.add(&who("ann"), &LEDGER, "k"), Err(Trouble::Refused(_))));
        assert_eq!(target.holds(&who("ann"), &LEDGER), Ok(false));
        assert!(target.set_lock("ledger", false).unwrap());
        assert_eq!(target.add(&who("ann"), &LEDGER, "k"), Ok(()));
        assert!(!target.set_lock("gone", true).unwrap());
    }

    #[test]
    fn it_is_the_same_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("target.json");
        let target = DemoTarget::open(&file, state, clock()).unwrap();
        target.add(&who("ann"), &LEDGER, "k").unwrap();
        target.set_mood(Mood::Lie).unwrap();
        let again = DemoTarget::open(&file, || unreachable!("it is there"), clock()).unwrap();
        assert_eq!(again.state(), target.state());
        std::fs::write(&file, "{").unwrap();
        assert!(DemoTarget::open(&file, state, clock()).is_err());
    }

    #[test]
    fn what_cannot_be_kept_is_not_done() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("target.json");
        let target = DemoTarget::open(&file, state, clock()).unwrap();
        folder.close().unwrap();
        assert!(matches!(target.add(&who("ann"), &LEDGER, "k"), Err(Trouble::Unreachable(_))));
        assert_eq!(target.holds(&who("ann"), &LEDGER), Ok(false));
    }

    #[test]
    fn groups_are_found_by_all_words() {
        let target = DemoTarget::in_memory(state(), clock());
        let found = |filter| {
            let all = target.resources(filter).unwrap();
            all.into_iter().map(|f| f.name).collect::<Vec<_>>()
        };
        assert_eq!(found("READ ledger"), ["Ledger readers"]);
        assert_eq!(found("").len(), 2);
    }
}
