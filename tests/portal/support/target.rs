//! A target system in memory that can misbehave in every way that real ones do.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use keyholder::provisioning::connectors::{Account, Connector, Found, Grant, Member, Trouble};

/// How the target treats what it is asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mood {
    Honest,
    /// Says no to every change.
    Refuses,
    /// Does it, and does not answer.
    TimesOutDone,
    /// Neither does it nor answers.
    TimesOutUndone,
    /// Says that it is done, and does nothing.
    Lies,
    /// Knows nobody.
    NoAccount,
    /// Does not even answer a question.
    Unreachable,
}

/// One thing that the target was asked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Call {
    pub verb: &'static str,
    pub who: String,
    pub resource: String,
    pub role: String,
    pub key: String,
}

type Hook = Arc<dyn Fn(&Call) + Send + Sync>;

/// See the head of this file.
pub struct FakeTarget {
    inside: Mutex<Inside>,
}

struct Inside {
    mood: Mood,
    held: BTreeSet<(String, String, String)>,
    calls: Vec<Call>,
    hook: Option<Hook>,
}

impl FakeTarget {
    pub fn new() -> Self {
        let inside =
            Inside { mood: Mood::Honest, held: BTreeSet::new(), calls: Vec::new(), hook: None };
        Self { inside: Mutex::new(inside) }
    }

    pub fn mood(&self, mood: Mood) {
        self.inside.lock().unwrap().mood = mood;
    }

    /// Runs `hook` at the start of every call: the world moves on while the target works.
    pub fn meanwhile(&self, hook: impl Fn(&Call) + Send + Sync + 'static) {
        self.inside.lock().unwrap().hook = Some(Arc::new(hook));
    }

    pub fn undisturbed(&self) {
        self.inside.lock().unwrap().hook = None;
    }

    /// Somebody gives a right behind the portal's back.
    pub fn give(&self, who: &str, resource: &str) {
        self.inside.lock().unwrap().held.insert((who.into(), resource.into(), "member".into()));
    }

    /// Somebody takes a right behind the portal's back.
    pub fn take(&self, who: &str, resource: &str) {
        self.inside.lock().unwrap().held.remove(&(who.into(), resource.into(), "member".into()));
    }

    /// What is really there.
    pub fn really(&self, who: &str, resource: &str) -> bool {
        let key = (who.to_owned(), resource.to_owned(), "member".to_owned());
        self.inside.lock().unwrap().held.contains(&key)
    }

    /// Every call so far of one kind.
    pub fn calls(&self, verb: &str) -> Vec<Call> {
        let inside = self.inside.lock().unwrap();
        inside.calls.iter().filter(|call| call.verb == verb).cloned().collect()
    }

    fn called(&self, verb: &'static str, who: &Account, what: &Grant<'_>, key: &str) -> Mood {
        let call = Call {
            verb,
            who: who.external_id.clone(),
            resource: what.resource.to_owned(),
            role: what.role.to_owned(),
            key: key.to_owned(),
        };
        let hook = {
            let mut inside = self.inside.lock().unwrap();
            inside.calls.push(call.clone());
            inside.hook.clone()
        };
        if let Some(hook) = hook {
            hook(&call);
        }
        self.inside.lock().unwrap().mood
    }

    fn change(
        &self,
        verb: &'static str,
        who: &Account,
        what: &Grant<'_>,
        key: &str,
    ) -> Result<(), Trouble> {
        let mood = self.called(verb, who, what, key);
        if matches!(mood, Mood::Honest | Mood::TimesOutDone) {
            let held = (who.external_id.clone(), what.resource.to_owned(), what.role.to_owned());
            let mut inside = self.inside.lock().unwrap();
            if verb == "add" {
                inside.held.insert(held)
            } else {
                inside.held.remove(&held)
            };
        }
        match mood {
            Mood::Honest | Mood::Lies => Ok(()),
            Mood::Refuses => Err(Trouble::Refused("not today".into())),
            Mood::TimesOutDone | Mood::TimesOutUndone => Err(Trouble::TimedOut),
            Mood::NoAccount => Err(Trouble::NoAccount(who.name.clone())),
            Mood::Unreachable => Err(Trouble::Unreachable("no route".into())),
        }
    }
}

impl Connector for FakeTarget {
    fn kind(&self) -> &'static str {
        "A target in memory"
    }

    fn holds(&self, who: &Account, what: &Grant) -> Result<bool, Trouble> {
        match self.called("holds", who, what, "") {
            Mood::NoAccount => Err(Trouble::NoAccount(who.name.clone())),
            Mood::Unreachable => Err(Trouble::Unreachable("no route".into())),
            _ => Ok(self.inside.lock().unwrap().held.contains(&(
                who.external_id.clone(),
                what.resource.to_owned(),
                what.role.to_owned(),
            ))),
        }
    }

    fn add(&self, who: &Account, what: &Grant, key: &str) -> Result<(), Trouble> {
        self.change("add", who, what, key)
    }

    fn remove(&self, who: &Account, what: &Grant, key: &str) -> Result<(), Trouble> {
        self.change("remove", who, what, key)
    }

    fn members(&self, what: &Grant) -> Result<Vec<Member>, Trouble> {
        let nobody = Account { external_id: String::new(), name: String::new(), mail: None };
        if self.called("members", &nobody, what, "") == Mood::Unreachable {
            return Err(Trouble::Unreachable("no route".into()));
        }
        let inside = self.inside.lock().unwrap();
        let here = inside
            .held
            .iter()
            .filter(|(_, at, role)| (at.as_str(), role.as_str()) == (what.resource, what.role));
        let one = |(id, ..): &(String, String, String)| Member {
            ids: vec![id.clone()],
            mails: vec![],
            name: format!("account {id}"),
        };
        Ok(here.map(one).collect())
    }

    fn resources(&self, _filter: &str) -> Result<Vec<Found>, Trouble> {
        Ok(Vec::new())
    }

    fn roles(&self) -> &'static [(&'static str, &'static str)] {
        &[("member", "Member")]
    }
}
