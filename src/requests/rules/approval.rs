//! Who decides a stage, when it is decided, and when its people are reminded. Pure.

use std::collections::BTreeSet;

use crate::kernel::{GroupId, PersonId, Ts};
use crate::policies::stages::Votes;
use crate::requests::model::{Rule, Verdict, Via};

/// Somebody who could decide a stage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Who.
    pub id: PersonId,
    /// Their name.
    pub name: String,
    /// Why them.
    pub via: Via,
    /// The group through which they are asked.
    pub group: Option<GroupId>,
}

/// Everybody who could decide a stage, in the order in which they are turned to (D3, D38).
/// Only enabled people are in here.
#[derive(Clone, Debug, Default)]
pub struct Candidates {
    /// Those whom the policy names for the stage.
    pub primary: Vec<Candidate>,
    /// Why there is none of them, if there is none.
    pub nobody: &'static str,
    /// The policy's fallback approvers.
    pub fallback: Vec<Candidate>,
    /// Those who would join later (D5).
    pub alternates: Vec<Candidate>,
    /// The owners of the package's catalog.
    pub owners: Vec<Candidate>,
    /// The administrators.
    pub administrators: Vec<Candidate>,
}

/// Who decides a stage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deciders {
    /// The people.
    pub people: Vec<Candidate>,
    /// How many of them must approve.
    pub rule: Rule,
    /// The number, where the rule is one; it is fixed now (D37).
    pub needed: i64,
    /// Why the policy's own approvers could not, and who stands there now; empty when they can.
    pub fell_back: Option<(String, String)>,
}

impl Deciders {
    /// Their names, in order.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.people.iter().map(|p| p.name.clone()).collect()
    }
}

/// Who decides, after requestor, target and whoever else is excluded are taken out (D2, D37): the policy's own
/// approvers; where they are too few, the next sets join until there are enough (D3, D38). None means that the stage
/// can have no living decider. Nobody is in there twice.
#[must_use]
pub fn deciders(c: &Candidates, excluded: &[PersonId], votes: Votes) -> Option<Deciders> {
    let (rule, needed) = match votes {
        Votes::Any => (Rule::Any, 1),
        Votes::Some { n } => (Rule::Some, i64::from(n)),
        Votes::Everyone => (Rule::Everyone, 1),
    };
    let mut seen: BTreeSet<PersonId> = excluded.iter().copied().collect();
    let people = able(&c.primary, &mut seen);
    let (people, fell_back) = enough(c, people, needed, &mut seen)?;
    Some(Deciders { people, rule, needed, fell_back })
}

/// Those who join because too few of the stage's people are left (D3): `primary` are those who came back, `excluded`
/// all who are there or may not be.
#[must_use]
pub fn reinforcements(c: &Candidates, excluded: &[PersonId], missing: i64) -> Option<Enough> {
    let mut seen: BTreeSet<PersonId> = excluded.iter().copied().collect();
    let people = able(&c.primary, &mut seen);
    enough(c, people, missing.max(1), &mut seen)
}

/// People, and why they are not the policy's own and who they are, where they are not.
pub type Enough = (Vec<Candidate>, Option<(String, String)>);

fn enough(
    c: &Candidates,
    mut people: Vec<Candidate>,
    needed: i64,
    seen: &mut BTreeSet<PersonId>,
) -> Option<Enough> {
    let few = |people: &[Candidate]| i64::try_from(people.len()).unwrap_or(i64::MAX) < needed;
    if !few(&people) {
        return Some((people, None));
    }
    let why = match (c.primary.is_empty(), people.is_empty()) {
        (true, _) => c.nobody,
        (false, true) => "nobody decides on access for themselves, or twice",
        (false, false) => "too few of the approvers are able to decide",
    };
    let rest = [
        (&c.fallback, "the fallback approvers"),
        (&c.alternates, "the alternate approvers"),
        (&c.owners, "the catalog owners"),
        (&c.administrators, "the administrators"),
    ];
    let mut to = Vec::new();
    for (set, words) in rest {
        // An alternate who is there from the start is a primary like the others.
        let asked = |c: Candidate| match c.via {
            Via::Alternate => Candidate { via: Via::Fallback, ..c },
            _ => c,
        };
        let more: Vec<Candidate> = able(set, seen).into_iter().map(asked).collect();
        if !more.is_empty() {
            people.extend(more);
            to.push(words.to_owned());
        }
        if !few(&people) {
            let to = crate::kernel::fact::listed(&to);
            return Some((people, Some((why.to_owned(), to))));
        }
    }
    None
}

fn able(people: &[Candidate], seen: &mut BTreeSet<PersonId>) -> Vec<Candidate> {
    people.iter().filter(|c| seen.insert(c.id)).cloned().collect()
}

/// One of a stage's people, as far as counting looks at them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Voter {
    /// Who.
    pub person: PersonId,
    /// True for those who were asked first: alternates are not counted by *everyone*.
    pub primary: bool,
    /// What they said.
    pub vote: Option<Verdict>,
    /// True for somebody who had to leave the stage aside.
    pub removed: bool,
}

impl Voter {
    /// Is their decision awaited?
    #[must_use]
    pub fn waiting(&self) -> bool {
        self.vote.is_none() && !self.removed
    }
}

/// Where the votes of a stage stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tally {
    /// One denial is enough (D4).
    Denied,
    /// Enough have approved.
    Approved,
    /// Some are missing.
    Open {
        /// How many have approved.
        have: i64,
        /// How many must.
        needed: i64,
        /// Whether those who are left can still make it; if not, others must join (D37).
        possible: bool,
    },
}

/// Counts the votes of a stage (D4, D37). `fixed` is the number of *n of m*. *Everyone* means all living primaries;
/// an alternate's approval stands in for a silent one.
#[must_use]
pub fn tally(rule: Rule, fixed: i64, voters: &[Voter]) -> Tally {
    if voters.iter().any(|v| v.vote == Some(Verdict::Deny)) {
        return Tally::Denied;
    }
    let count = |f: &dyn Fn(&Voter) -> bool| {
        i64::try_from(voters.iter().filter(|v| f(v)).count()).unwrap_or(i64::MAX)
    };
    let have = count(&|v| v.vote == Some(Verdict::Approve));
    let living = count(&|v| v.primary && (v.vote.is_some() || !v.removed));
    let needed = match rule {
        Rule::Any => 1,
        Rule::Some => fixed.max(1),
        Rule::Everyone => living.max(1),
    };
    if have >= needed {
        return Tally::Approved;
    }
    let orphaned = rule == Rule::Everyone && living == 0;
    let possible = have + count(&Voter::waiting) >= needed && !orphaned;
    Tally::Open { have, needed, possible }
}

/// The times at which the people of a stage are reminded: at half its time, and a day before it runs out if it has
/// two days or more. The last one says so.
#[must_use]
pub fn reminders(opened: Ts, due: Ts) -> Vec<(Ts, bool)> {
    const DAY: i64 = 86_400;
    let seconds = due.seconds_since(opened);
    let half = opened.plus_seconds(seconds / 2);
    let last = due.plus_seconds(-DAY);
    if seconds >= 2 * DAY && half < last {
        vec![(half, false), (last, true)]
    } else {
        vec![(half, seconds <= 2 * DAY)]
    }
}

/// The next reminder after `now`.
#[must_use]
pub fn next_reminder(opened: Ts, due: Ts, now: Ts) -> Option<Ts> {
    reminders(opened, due).into_iter().map(|(at, _)| at).find(|at| *at > now)
}

/// The newest reminder that is due by `now`: the older ones are not sent any more (E3).
#[must_use]
pub fn due_reminder(opened: Ts, due: Ts, now: Ts) -> Option<(Ts, bool)> {
    reminders(opened, due).into_iter().rev().find(|(at, _)| *at <= now)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn somebody(name: &str, via: Via) -> Candidate {
        Candidate { id: PersonId::fresh(), name: name.to_owned(), via, group: None }
    }

    fn ids(deciders: &Deciders) -> Vec<&str> {
        deciders.people.iter().map(|p| p.name.as_str()).collect()
    }

    #[test]
    fn d02_requestor_and_target_are_never_in_the_approver_set() {
        let me = somebody("Me", Via::Manager);
        let candidates = Candidates {
            primary: vec![me.clone()],
            fallback: vec![me.clone(), somebody("Boss", Via::Fallback)],
            owners: vec![somebody("Owner", Via::CatalogOwner)],
            ..Candidates::default()
        };
        let deciders = deciders(&candidates, &[me.id], Votes::Any).unwrap();
        assert_eq!(ids(&deciders), ["Boss"]);
        assert!(deciders.fell_back.is_some());
    }

    #[test]
    fn d03_fallback_then_alternates_then_owners_then_administrators_d38_then_nobody() {
        let (owner, admin) =
            (somebody("Owner", Via::CatalogOwner), somebody("Admin", Via::Administrator));
        let alternate = somebody("Alternate", Via::Alternate);
        let mut c = Candidates {
            alternates: vec![alternate.clone()],
            owners: vec![owner.clone()],
            administrators: vec![admin.clone()],
            ..Candidates::default()
        };
        let who = |c: &Candidates, out: &[PersonId]| {
            deciders(c, out, Votes::Any).map(|d| d.people[0].name.clone())
        };
        assert_eq!(who(&c, &[]).unwrap(), "Alternate");
        assert_eq!(who(&c, &[alternate.id]).unwrap(), "Owner");
        assert_eq!(who(&c, &[alternate.id, owner.id]).unwrap(), "Admin");
        assert_eq!(who(&c, &[alternate.id, owner.id, admin.id]), None);
        c.primary = vec![admin];
        assert_eq!(deciders(&c, &[], Votes::Any).unwrap().fell_back, None);
    }

    #[test]
    fn d37_too_few_for_n_votes_and_the_next_sets_join_until_there_are_enough() {
        let primary = vec![somebody("A", Via::Named), somebody("B", Via::Named)];
        let c = Candidates {
            fallback: vec![primary[0].clone(), somebody("F", Via::Fallback)],
            primary,
            owners: vec![somebody("O", Via::CatalogOwner)],
            ..Candidates::default()
        };
        let of = |n| deciders(&c, &[], Votes::Some { n });
        assert_eq!(ids(&of(2).unwrap()), ["A", "B"]);
        assert_eq!(ids(&of(3).unwrap()), ["A", "B", "F"]);
        let four = of(4).unwrap();
        assert_eq!((ids(&four), four.needed), (vec!["A", "B", "F", "O"], 4));
        assert_eq!(of(5), None, "n is never lowered");
    }

    fn voter(primary: bool, vote: Option<Verdict>, removed: bool) -> Voter {
        Voter { person: PersonId::fresh(), primary, vote, removed }
    }

    const YES: Option<Verdict> = Some(Verdict::Approve);

    #[test]
    fn d04_one_denial_ends_it_whatever_the_rule() {
        let all = [voter(true, YES, false), voter(true, Some(Verdict::Deny), false)];
        for rule in [Rule::Any, Rule::Some, Rule::Everyone] {
            assert_eq!(tally(rule, 1, &all), Tally::Denied);
        }
    }

    #[test]
    fn d37_everyone_means_all_living_primaries_and_an_alternate_replaces_a_silent_one() {
        let open = |have, needed, possible| Tally::Open { have, needed, possible };
        let (yes, silent) = (voter(true, YES, false), voter(true, None, false));
        let gone = voter(true, None, true);
        let alternate = voter(false, YES, false);
        assert_eq!(tally(Rule::Everyone, 1, &[yes, silent]), open(1, 2, true));
        assert_eq!(tally(Rule::Everyone, 1, &[yes, gone]), Tally::Approved);
        assert_eq!(tally(Rule::Everyone, 1, &[yes, silent, alternate]), Tally::Approved);
        let left = [gone, voter(false, None, false)];
        assert_eq!(tally(Rule::Everyone, 1, &left), open(0, 1, false), "fallbacks must join");
    }

    #[test]
    fn d37_n_is_never_lowered_when_people_leave() {
        let (yes, gone) = (voter(true, YES, false), voter(true, None, true));
        let tally = tally(Rule::Some, 2, &[yes, gone, gone]);
        assert_eq!(tally, Tally::Open { have: 1, needed: 2, possible: false });
    }

    #[test]
    fn d37_a_vote_counts_though_its_voter_has_left() {
        let all = [voter(true, YES, true), voter(true, YES, false)];
        assert_eq!(tally(Rule::Some, 2, &all), Tally::Approved);
    }

    #[test]
    fn reminders_come_at_half_time_and_on_the_last_day() {
        let at = |hours: i64| Ts::from_micros(0).plus_hours(hours);
        assert_eq!(reminders(at(0), at(240)), [(at(120), false), (at(216), true)]);
        assert_eq!(reminders(at(0), at(8)), [(at(4), true)]);
        assert_eq!(reminders(at(0), at(48)), [(at(24), true)]);
        assert_eq!(next_reminder(at(0), at(240), at(120)), Some(at(216)));
        assert_eq!(next_reminder(at(0), at(240), at(216)), None);
        assert_eq!(due_reminder(at(0), at(240), at(230)), Some((at(216), true)));
        assert_eq!(due_reminder(at(0), at(240), at(119)), None);
    }
}
