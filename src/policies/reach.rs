//! What a change of a policy means before it is saved (D20): what it says anew, who could newly get the package on
//! request, and who no longer. Pure; the same rule decides here and when somebody asks.

use super::model::{Terms, Who};
use super::rules::class;
use crate::kernel::Kind;

/// As many names as a preview tells.
pub const NAMES: usize = 20;

/// People on one side of a change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Side {
    /// How many.
    pub count: usize,
    /// How many of them another policy of the package covers, too.
    pub elsewhere: usize,
    /// The first names.
    pub names: Vec<String>,
}

impl Side {
    fn add(&mut self, who: &Who, elsewhere: bool) {
        self.count += 1;
        self.elsewhere += usize::from(elsewhere);
        if self.names.len() < NAMES {
            self.names.push(who.name.clone());
        }
    }
}

/// Whom a change reaches.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    /// Who can get it on request afterwards.
    pub all: usize,
    /// Those of them who could not before.
    pub newly: Side,
    /// Who could before, and cannot afterwards.
    pub no_longer: Side,
}

/// Can somebody get the package on request under these terms, whoever asks?
fn gets(terms: &Terms, who: &Who, guests: bool) -> bool {
    let asks = &terms.asks;
    let asked = asks.own
        || (asks.manager && who.manager.is_some())
        || !asks.people.is_empty()
        || !asks.groups.is_empty();
    who.enabled
        && asked
        && (guests || who.kind == Kind::Member)
        && class(&terms.scope, who).is_some()
}

/// Compares a policy before and after a change. `guests` is whether its catalog is for guests, `others` are the
/// package's other policies that are switched on.
#[must_use]
pub fn compare(
    people: &[Who],
    guests: bool,
    before: Option<&Terms>,
    after: Option<&Terms>,
    others: &[&Terms],
) -> Reach {
    let mut reach = Reach::default();
    for who in people {
        let gets_now = |terms: Option<&Terms>| terms.is_some_and(|t| gets(t, who, guests));
        let elsewhere = || others.iter().any(|terms| gets(terms, who, guests));
        match (gets_now(before), gets_now(after)) {
            (false, true) => reach.newly.add(who, elsewhere()),
            (true, false) => reach.no_longer.add(who, elsewhere()),
            _ => {}
        }
        reach.all += usize::from(gets_now(after));
    }
    reach
}

/// How a sentence stands to an earlier text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// The sentence.
    pub text: String,
    /// True if the earlier text did not say it.
    pub added: bool,
}

/// What is said anew, and what is said no longer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Difference {
    /// All sentences of the later text.
    pub says: Vec<Said>,
    /// Those of the earlier text that it leaves out.
    pub removed: Vec<String>,
    /// True where something changed that the sentences do not say, such as a hint or a pattern.
    pub details: bool,
}

impl Difference {
    /// True if both say the same in every detail.
    #[must_use]
    pub fn none(&self) -> bool {
        !self.details && self.removed.is_empty() && self.says.iter().all(|s| !s.added)
    }
}

/// Compares two terms by what they say; without an earlier one nothing counts as added.
#[must_use]
pub fn difference(before: Option<&Terms>, after: &Terms) -> Difference {
    let (old, new) = (before.map(Terms::reads), after.reads());
    let says: Vec<Said> = new
        .iter()
        .map(|text| Said {
            text: text.clone(),
            added: old.as_ref().is_some_and(|old| !old.contains(text)),
        })
        .collect();
    let removed: Vec<String> =
        old.unwrap_or_default().into_iter().filter(|text| !new.contains(text)).collect();
    let same = removed.is_empty() && says.iter().all(|s| !s.added);
    let details = same && before.is_some_and(|before| before != after);
    Difference { says, removed, details }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::{GroupId, PersonId};
    use crate::policies::model::{Asks, Named, Scope};

    fn who(name: &str, kind: Kind, groups: &[GroupId]) -> Who {
        let (id, groups) = (PersonId::fresh(), groups.to_vec());
        let name = name.into();
        Who { id, name, kind, enabled: true, manager: None, groups, organization: None }
    }

    fn terms(scope: Scope) -> Terms {
        Terms { scope, ..Terms::default() }
    }

    #[test]
    fn d20_a_preview_counts_who_gains_and_who_loses() {
        let team = GroupId::fresh();
        let people = [
            who("Ann", Kind::Member, &[team]),
            who("Bo", Kind::Member, &[]),
            who("Gil", Kind::Guest, &[team]),
        ];
        let groups = vec![Named { id: team, name: "Team".into() }];
        let through = terms(Scope { groups, ..Scope::default() });
        let members = terms(Scope { all_members: true, ..Scope::default() });

        let wider = compare(&people, true, Some(&through), Some(&members), &[]);
        assert_eq!(
            (wider.all, wider.newly.names, wider.no_longer.names),
            (2, vec!["Bo".to_owned()], vec!["Gil".to_owned()])
        );
        let new = compare(&people, false, None, Some(&through), &[&members]);
        assert_eq!((new.newly.count, new.newly.elsewhere), (1, 1), "guests may not have it");
        let silent = Asks { own: false, ..Asks::default() };
        let silent = Terms { asks: silent, ..members.clone() };
        let none = compare(&people, true, Some(&members), Some(&silent), &[]);
        assert_eq!((none.all, none.no_longer.count), (0, 2), "nobody may ask");
        let managed = Asks { own: false, manager: true, ..Asks::default() };
        let managed = Terms { asks: managed, ..members };
        assert_eq!(
            compare(&people, true, None, Some(&managed), &[]).all,
            0,
            "nobody has a manager"
        );
    }

    #[test]
    fn a_difference_names_what_is_added_and_what_is_removed() {
        let before = terms(Scope { all_members: true, ..Scope::default() });
        let after = Terms { reason_required: true, ..before.clone() };
        let difference = difference(Some(&before), &after);
        let added: Vec<_> = difference.says.iter().filter(|s| s.added).map(|s| &*s.text).collect();
        assert_eq!(added, ["The requestor must say why."]);
        assert!(difference.removed.is_empty() && !difference.details);
        assert!(super::difference(Some(&after), &after).none());
        assert!(super::difference(None, &after).says.iter().all(|s| !s.added));
    }
}
