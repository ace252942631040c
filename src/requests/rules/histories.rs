//! Twenty thousand random lives of a stage over the pure rules (E34): people vote, leave and join in any order, and
//! what was counted by hand must be what the rules say.

use std::collections::BTreeSet;

use super::{Candidate, Candidates, Tally, Voter, deciders, reinforcements, tally};
use crate::kernel::PersonId;
use crate::policies::stages::Votes;
use crate::requests::model::{Rule, Verdict, Via};

/// Numbers that a seed always repeats (SplitMix64).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % sides as u64).unwrap()
    }

    fn some(&mut self, people: &[PersonId], via: Via, most: usize) -> Vec<Candidate> {
        let all: BTreeSet<PersonId> =
            (0..self.roll(most + 1)).map(|_| people[self.roll(people.len())]).collect();
        let one = |id| Candidate { id, name: String::new(), via, group: None };
        all.into_iter().map(one).collect()
    }
}

struct Stage {
    seed: u64,
    rule: Rule,
    needed: i64,
    voters: Vec<Voter>,
    excluded: Vec<PersonId>,
}

fn voters(people: &[Candidate]) -> impl Iterator<Item = Voter> {
    people.iter().map(|c| Voter {
        person: c.id,
        primary: c.via != Via::Alternate,
        vote: None,
        removed: false,
    })
}

impl Stage {
    fn tally(&self) -> Tally {
        tally(self.rule, self.needed, &self.voters)
    }

    fn count(&self, f: impl Fn(&Voter) -> bool) -> i64 {
        i64::try_from(self.voters.iter().filter(|v| f(v)).count()).unwrap()
    }

    /// What is so by hand.
    fn check(&self) {
        let seed = self.seed;
        let people: BTreeSet<PersonId> = self.voters.iter().map(|v| v.person).collect();
        assert_eq!(people.len(), self.voters.len(), "{seed}: nobody is asked twice");
        assert!(self.excluded.iter().all(|p| !people.contains(p)), "{seed}: nobody for themselves");
        let yes = self.count(|v| v.vote == Some(Verdict::Approve));
        let no = self.count(|v| v.vote == Some(Verdict::Deny));
        let open = self.count(Voter::waiting);
        let silent = self.count(|v| v.primary && v.waiting());
        let spoke = self.count(|v| v.primary && v.vote == Some(Verdict::Approve));
        let enough = match self.rule {
            Rule::Any => yes > 0,
            Rule::Some => yes >= self.needed,
            // Each alternate stands in for one silent primary.
            Rule::Everyone => yes > 0 && yes - spoke >= silent,
        };
        match self.tally() {
            Tally::Denied => assert!(no > 0, "{seed}: denied without a denial"),
            Tally::Approved => assert!(no == 0 && enough, "{seed}: approved without the votes"),
            Tally::Open { have, needed, possible } => {
                assert!(no == 0 && !enough && have == yes, "{seed}: has the votes and is open");
                if self.rule == Rule::Some {
                    assert_eq!(needed, self.needed, "{seed}: n is never lowered");
                }
                assert!(!possible || open > 0, "{seed}: possible without anybody to ask");
            }
        }
    }

    fn waiting(&self) -> Vec<usize> {
        (0..self.voters.len()).filter(|at| self.voters[*at].waiting()).collect()
    }
}

fn live(seed: u64) -> &'static str {
    let mut dice = Dice(seed);
    let people: Vec<PersonId> = (0..9).map(|_| PersonId::fresh()).collect();
    let mut candidates = Candidates {
        primary: dice.some(&people, Via::Named, 4),
        fallback: dice.some(&people, Via::Fallback, 2),
        alternates: dice.some(&people, Via::Alternate, 2),
        owners: dice.some(&people, Via::CatalogOwner, 2),
        administrators: dice.some(&people, Via::Administrator, 1),
        ..Candidates::default()
    };
    let excluded = vec![people[dice.roll(people.len())], people[dice.roll(people.len())]];
    let n = 2 + dice.roll(2);
    let votes = match dice.roll(3) {
        0 => Votes::Any,
        1 => Votes::Some { n: u32::try_from(n).unwrap() },
        _ => Votes::Everyone,
    };
    let least = if let Votes::Some { .. } = votes { n } else { 1 };
    let able = |c: &Candidates, out: &[PersonId]| {
        let sets = [&c.primary, &c.fallback, &c.alternates, &c.owners, &c.administrators];
        let all: BTreeSet<PersonId> = sets.into_iter().flatten().map(|c| c.id).collect();
        all.into_iter().filter(|p| !out.contains(p)).count()
    };
    let Some(opened) = deciders(&candidates, &excluded, votes) else {
        assert!(able(&candidates, &excluded) < least, "{seed}: there were people enough");
        return "undecidable";
    };
    assert!(opened.people.len() >= least, "{seed}: too few are asked");
    let mut stage = Stage {
        seed,
        rule: opened.rule,
        needed: opened.needed,
        voters: voters(&opened.people).collect(),
        excluded,
    };
    for _ in 0..20 {
        stage.check();
        match stage.tally() {
            Tally::Denied => return "denied",
            Tally::Approved => return "approved",
            Tally::Open { possible: true, .. } => {}
            Tally::Open { have, needed, .. } => {
                let waiting = i64::try_from(stage.waiting().len()).unwrap();
                let mut there: Vec<PersonId> = stage.voters.iter().map(|v| v.person).collect();
                there.extend(candidates.primary.iter().map(|c| c.id));
                there.extend(&stage.excluded);
                let missing = needed - have - waiting;
                let Some((more, _)) = reinforcements(&candidates, &there, missing) else {
                    let left = i64::try_from(able(&candidates, &there)).unwrap();
                    assert!(left < missing.max(1), "{seed}: somebody could have joined");
                    return "nobody left";
                };
                stage.voters.extend(voters(&more));
                stage.check();
                let decidable = matches!(stage.tally(), Tally::Open { possible: true, .. });
                // Everyone: an alternate who joins first is no primary, and more join in the next turn.
                let alternates = more.iter().all(|c| c.via == Via::Alternate);
                assert!(decidable || (stage.rule == Rule::Everyone && alternates), "{seed}");
                if !decidable {
                    return "alternates alone";
                }
            }
        }
        let waiting = stage.waiting();
        let at = waiting[dice.roll(waiting.len())];
        match dice.roll(8) {
            0 => stage.voters[at].vote = Some(Verdict::Deny),
            1..=3 => stage.voters[at].vote = Some(Verdict::Approve),
            4 => {
                let there: Vec<PersonId> = stage.voters.iter().map(|v| v.person).collect();
                let new =
                    |c: &&Candidate| !there.contains(&c.id) && !stage.excluded.contains(&c.id);
                let more: Vec<Candidate> =
                    candidates.alternates.iter().filter(new).cloned().collect();
                stage.voters.extend(voters(&more));
            }
            _ => {
                let gone = stage.voters[at].person;
                stage.voters[at].removed = true;
                for set in [
                    &mut candidates.primary,
                    &mut candidates.fallback,
                    &mut candidates.alternates,
                    &mut candidates.owners,
                    &mut candidates.administrators,
                ] {
                    set.retain(|c| c.id != gone);
                }
            }
        }
    }
    "open"
}

#[test]
fn e34_twenty_thousand_lives_of_a_stage() {
    let ends: Vec<&str> = (0..20_000).map(live).collect();
    for end in ["undecidable", "denied", "approved", "nobody left"] {
        let many = ends.iter().filter(|e| **e == end).count();
        assert!(many > 200, "only {many} are {end}: the histories say little");
    }
}
