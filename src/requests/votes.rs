//! Where the votes of a stage stand, in words. Pure.

use super::commands::voters;
use super::model::{Approver, Rule, Verdict};
use super::rules::{Tally, tally};
use crate::kernel::{StageId, Ts, Zone};
use crate::web::words::and_list;

/// How many of a stage's people have approved, of how many who must.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Count {
    rule: Rule,
    have: i64,
    needed: i64,
    /// How many are or were asked and did not leave.
    asked: i64,
    /// Who approved, and when.
    said: Vec<(String, Ts)>,
}

/// Counts the votes of a stage whose number is `needed` (D37).
#[must_use]
pub fn count(stage: StageId, rule: Rule, needed: i64, approvers: &[Approver]) -> Count {
    let voters = voters(approvers, stage);
    let of = approvers.iter().filter(|a| a.stage == stage);
    let mut said: Vec<(String, Ts)> = of
        .filter(|a| a.vote == Some(Verdict::Approve))
        .filter_map(|a| Some((a.said_by(), a.voted_at?)))
        .collect();
    said.sort_by_key(|(_, at)| *at);
    let have = i64::try_from(said.len()).unwrap_or(i64::MAX);
    let needed = match tally(rule, needed, &voters) {
        Tally::Open { needed, .. } => needed,
        Tally::Approved | Tally::Denied => needed.max(have),
    };
    let asked = voters.iter().filter(|v| v.vote.is_some() || !v.removed).count();
    Count { rule, have, needed, asked: i64::try_from(asked).unwrap_or(i64::MAX), said }
}

impl Count {
    /// True where one approval is not enough, so that there is something to count.
    #[must_use]
    pub fn several(&self) -> bool {
        self.needed > 1
    }

    /// "2 of 3 approvals needed, 1 so far (Ann Alder, 3 Mar)".
    #[must_use]
    pub fn words(&self, zone: Zone) -> String {
        let need = match self.rule {
            Rule::Everyone => format!("All {} approvals needed", self.needed),
            Rule::Any | Rule::Some => {
                format!("{} of {} approvals needed", self.needed, self.asked.max(self.needed))
            }
        };
        if self.said.is_empty() {
            return format!("{need}, none so far");
        }
        let who =
            |(name, at): &(String, Ts)| format!("{name}, {}", zone.local(*at).format("%-d %b"));
        let all: Vec<String> = self.said.iter().map(who).collect();
        format!("{need}, {} so far ({})", self.have, all.join("; "))
    }

    /// "1 of 2 approvals".
    #[must_use]
    pub fn short(&self) -> String {
        format!("{} of {} approvals", self.have, self.needed)
    }

    /// "Ann Alder", "Ann Alder and Ben Boss": who has approved.
    #[must_use]
    pub fn who(&self) -> String {
        let names: Vec<&str> = self.said.iter().map(|(name, _)| name.as_str()).collect();
        and_list(&names, 3)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::PersonId;
    use crate::requests::model::Via;

    fn approver(stage: StageId, name: &str, vote: Option<Verdict>) -> Approver {
        let at = Ts::new("2026-03-03T09:00:00Z".parse().unwrap());
        Approver {
            stage,
            person: PersonId::fresh(),
            name: name.into(),
            via: Via::Named,
            opened_at: at,
            waiting: vote.is_none(),
            vote,
            voted_at: vote.map(|_| at),
            note: None,
            removed: false,
            voted_by: None,
            voter: None,
            passed_by: None,
        }
    }

    #[test]
    fn d37_votes_are_said_with_who_and_when() {
        let stage = StageId::fresh();
        let mut all =
            vec![approver(stage, "Ann Alder", Some(Verdict::Approve)), approver(stage, "Bo", None)];
        all.push(approver(StageId::fresh(), "Other stage", Some(Verdict::Approve)));
        all.push(approver(stage, "Cleo", None));
        let said = count(stage, Rule::Some, 2, &all);
        assert!(said.several());
        assert_eq!(said.words(Zone::UTC), "2 of 3 approvals needed, 1 so far (Ann Alder, 3 Mar)");
        assert_eq!(said.short(), "1 of 2 approvals");
        let all_of_them = count(stage, Rule::Everyone, 1, &all);
        assert_eq!(
            all_of_them.words(Zone::UTC),
            "All 3 approvals needed, 1 so far (Ann Alder, 3 Mar)"
        );
        all[0].vote = None;
        let none = count(stage, Rule::Some, 2, &all);
        assert_eq!(none.words(Zone::UTC), "2 of 3 approvals needed, none so far");
        assert!(!count(stage, Rule::Any, 1, &all).several());
    }

    #[test]
    fn d37_who_left_is_not_counted_among_those_who_must() {
        let stage = StageId::fresh();
        let mut all = vec![approver(stage, "Ann", None), approver(stage, "Bo", None)];
        all[1].removed = true;
        all[1].waiting = false;
        let said = count(stage, Rule::Everyone, 1, &all);
        assert!(!said.several(), "one is left: {}", said.words(Zone::UTC));
    }
}
