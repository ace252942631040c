//! Terms as sentences that somebody who has never seen a policy understands. Pure: shown wherever a policy is shown,
//! and recorded when it changes.

use super::model::{Asks, Extension, Lifetime, Named, Notices, Scope, Terms};
use super::questions::{Kind, Question};
use super::stages::{Alternates, Approvers, Condition, StageTerms, Votes};
use crate::kernel::PersonId;
use crate::kernel::fact::{APPROVER, Veil, listed};
use crate::kernel::text::counted;

/// "Sales and Ann Alder".
fn names<I>(named: &[Named<I>]) -> String {
    match named {
        // Their names are kept from the reader.
        [one, _, ..] if one.name == APPROVER => format!("{} approvers", named.len()),
        _ => listed(&named.iter().map(|n| n.name.clone()).collect::<Vec<_>>()),
    }
}

/// The sentence with a capital at its start.
fn capital(mut text: String) -> String {
    if let Some(first) = text.chars().next() {
        text.replace_range(..first.len_utf8(), &first.to_uppercase().to_string());
    }
    text
}

impl Terms {
    /// The terms, a sentence each, for a reader from whom the names of those who decide may be kept (E17).
    #[must_use]
    pub fn reads_to(&self, veil: &Veil) -> Vec<String> {
        self.clone().veiled(veil).reads()
    }

    /// The terms without the names of those who decide, where they are kept from the reader (E17).
    #[must_use]
    pub fn veiled(mut self, veil: &Veil) -> Self {
        if !veil.hides() {
            return self;
        }
        let hide = |people: &mut Vec<Named<PersonId>>| {
            people.iter_mut().for_each(|person| APPROVER.clone_into(&mut person.name));
        };
        for stage in &mut self.stages {
            if let Approvers::Named { people, .. } = &mut stage.approvers {
                hide(people);
            }
            if let Some(alternates) = &mut stage.alternates {
                hide(&mut alternates.people);
            }
            hide(&mut stage.fallback);
        }
        self
    }

    /// The terms, a sentence each.
    #[must_use]
    pub fn reads(&self) -> Vec<String> {
        let mut lines = vec![who(&self.scope, &self.asks)];
        lines.extend(others(&self.asks));
        if self.stages.is_empty() {
            lines.push("No approval is needed.".into());
        }
        for (at, stage) in self.stages.iter().enumerate() {
            lines.extend(self.stage(at, stage));
        }
        if !self.stages.is_empty() {
            lines.push(
                "One denial ends the request. A stage that is not decided in time makes it expire."
                    .into(),
            );
        }
        if self.stages.len() > 1 && self.decides_twice {
            lines.push("The same person may decide in more than one stage.".into());
        }
        lines.push(lasts(self.lifetime));
        if self.period_chosen {
            lines.push("The requestor may choose a later start or an earlier end.".into());
        }
        lines.extend(extends(self));
        if self.reason_required {
            lines.push("The requestor must say why.".into());
        }
        lines.extend(asked(&self.questions));
        lines.extend(silent(self.notices));
        lines
    }

    /// "If “Where to?” is answered “Abroad”, then", "First" or nothing: what comes before who decides a stage.
    #[must_use]
    pub fn lead(&self, at: usize) -> String {
        let order = match (at, self.stages.len()) {
            (_, 1) => "",
            (0, _) => "first ",
            _ => "then ",
        };
        let when = match self.stages.get(at).and_then(|stage| stage.only_if.as_ref()) {
            None => String::new(),
            Some(condition) => format!("{}, ", self.condition(condition)),
        };
        capital(format!("{when}{order}")).trim_end().to_owned()
    }

    fn stage(&self, at: usize, stage: &StageTerms) -> Vec<String> {
        let lead = self.lead(at);
        let decides = decides(stage);
        let within = stage.unit.counted(stage.time);
        let mut lines =
            vec![capital(format!("{lead} {decides} within {within}.").trim().to_owned())];
        if let Some(alternates) = &stage.alternates {
            let who = alternates_words(alternates);
            let after = stage.unit.counted(alternates.after);
            lines.push(format!("If that is not decided after {after}, {who} can decide, too."));
        }
        if !stage.fallback.is_empty() {
            lines.push(format!("If nobody there can, {} decides.", names(&stage.fallback)));
        }
        if stage.note_required {
            lines.push("Whoever approves must say why.".into());
        }
        lines
    }

    fn condition(&self, condition: &Condition) -> String {
        match condition {
            Condition::Answer { question, any_of } => {
                let asked = self.questions.iter().find(|q| q.key == *question);
                let text = asked.map_or("a question that is no longer asked", |q| q.text.as_str());
                format!("if “{text}” is answered {}", quoted(any_of))
            }
            Condition::LongerThan { days } => {
                format!("for longer than {}", counted((*days).into(), "day", "days"))
            }
            Condition::Guests => "for guests".into(),
        }
    }
}

fn quoted(words: &[String]) -> String {
    let quoted: Vec<String> = words.iter().map(|w| format!("“{w}”")).collect();
    quoted.join(" or ")
}

fn who(scope: &Scope, asks: &Asks) -> String {
    let mut who: Vec<String> = Vec::new();
    if scope.all_users {
        who.push("everyone, guests too,".into());
    } else if scope.all_members {
        who.push("everyone in the organization".into());
    }
    who.extend(scope.groups.iter().map(|g| format!("members of {}", g.name)));
    who.extend(scope.people.iter().map(|p| p.name.clone()));
    if scope.all_organizations {
        who.push("guests of every connected organization".into());
    }
    who.extend(scope.organizations.iter().map(|o| format!("guests of {}", o.name)));
    if who.is_empty() {
        return "Nobody may request it; owners and administrators assign it directly.".into();
    }
    let who = capital(listed(&who));
    match (asks.own, asks.manager) {
        (true, true) => {
            format!("{who} may request it for themselves, and their managers for them.")
        }
        (true, false) => format!("{who} may request it for themselves."),
        (false, true) => format!("{who} may have it, if their managers request it for them."),
        (false, false) => format!("{who} may have it, but not request it."),
    }
}

fn others(asks: &Asks) -> Vec<String> {
    let mut lines = Vec::new();
    let mut who: Vec<String> =
        asks.groups.iter().map(|g| format!("members of {}", g.name)).collect();
    who.extend(asks.people.iter().map(|p| p.name.clone()));
    if !who.is_empty() {
        lines.push(capital(format!("{} may request it for them.", listed(&who))));
    }
    if !asks.direct {
        lines.push("Nobody may assign it without a request.".into());
    }
    lines
}

fn decides(stage: &StageTerms) -> String {
    let one = |who: &str| format!("{who} decides");
    match &stage.approvers {
        Approvers::Manager => one("their manager"),
        Approvers::SecondManager => one("their manager’s manager"),
        Approvers::Sponsors => several("the sponsors of their organization", stage.votes),
        Approvers::Named { people, groups } => match (people.as_slice(), groups.as_slice()) {
            ([only], []) => one(&only.name),
            (people, []) => several(&names(people), stage.votes),
            ([], groups) => several(&format!("the members of {}", names(groups)), stage.votes),
            (people, groups) => several(
                &format!("{} and the members of {}", names(people), names(groups)),
                stage.votes,
            ),
        },
    }
}

fn several(who: &str, votes: Votes) -> String {
    match votes {
        Votes::Any => format!("one of {who} decides"),
        Votes::Some { n } => format!("{n} of {who} must approve"),
        Votes::Everyone => format!("all of {who} must approve"),
    }
}

fn alternates_words(alternates: &Alternates) -> String {
    let mut who: Vec<String> = Vec::new();
    if alternates.second_manager {
        who.push("their manager’s manager".into());
    }
    match alternates.people.as_slice() {
        [] => {}
        [one, ..] if one.name == APPROVER => who.push(names(&alternates.people)),
        people => who.extend(people.iter().map(|p| p.name.clone())),
    }
    who.extend(alternates.groups.iter().map(|g| format!("members of {}", g.name)));
    listed(&who)
}

fn lasts(lifetime: Lifetime) -> String {
    match lifetime {
        Lifetime::Until { date } => format!("Access ends after {}.", date.format("%-d %B %Y")),
        Lifetime::Days { days } => {
            format!("Access ends after {}.", counted(days.into(), "day", "days"))
        }
        Lifetime::Hours { hours } => {
            format!("Access ends after {}.", counted(hours.into(), "hour", "hours"))
        }
        Lifetime::Never => "Access has no end.".into(),
    }
}

fn extends(terms: &Terms) -> Option<String> {
    if terms.lifetime == Lifetime::Never && !terms.period_chosen {
        return None;
    }
    let Some(Extension { approval, last_days }) = terms.extension else {
        return Some("It cannot be extended.".into());
    };
    let when = match last_days {
        Some(days) => format!("in its last {}", counted(days.into(), "day", "days")),
        None => "at any time before its end".into(),
    };
    let how = match (approval, terms.stages.is_empty()) {
        (_, true) | (false, _) => "without another approval",
        (true, false) => "with the same approval",
    };
    Some(format!("It can be extended {when}, {how}."))
}

fn asked(questions: &[Question]) -> Option<String> {
    let kind = |q: &Question| match &q.answer {
        Kind::One { choices } | Kind::Many { choices } => format!(" ({})", choices.join(" / ")),
        _ => String::new(),
    };
    let all: Vec<String> = questions.iter().map(|q| format!("“{}”{}", q.text, kind(q))).collect();
    (!all.is_empty()).then(|| format!("The requestor is asked: {}.", all.join(", ")))
}

fn silent(notices: Notices) -> Option<String> {
    let mut off: Vec<String> = Vec::new();
    for (on, words) in [
        (notices.delivered, "is there"),
        (notices.ending, "ends soon"),
        (notices.ended, "has ended"),
    ] {
        if !on {
            off.push(words.into());
        }
    }
    (!off.is_empty()).then(|| format!("Nobody is told that access {}.", off.join(" or ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::{GroupId, PersonId};

    fn ann() -> Named<PersonId> {
        Named { id: PersonId::fresh(), name: "Ann Alder".into() }
    }

    #[test]
    fn terms_read_as_sentences() {
        let group = Named { id: GroupId::fresh(), name: "Sales".into() };
        let terms = Terms {
            scope: Scope { groups: vec![group.clone()], ..Scope::default() },
            stages: vec![StageTerms::simple(Approvers::Manager, vec![ann()], 14)],
            reason_required: true,
            lifetime: Lifetime::Days { days: 90 },
            ..Terms::default()
        };
        assert_eq!(
            terms.reads(),
            [
                "Members of Sales may request it for themselves.",
                "Their manager decides within 14 days.",
                "If nobody there can, Ann Alder decides.",
                "One denial ends the request. A stage that is not decided in time makes it expire.",
                "Access ends after 90 days.",
                "It cannot be extended.",
                "The requestor must say why.",
            ]
        );
    }

    #[test]
    fn conditions_votes_and_alternates_are_read_back() {
        let group = Named { id: GroupId::fresh(), name: "Controllers".into() };
        let alternates =
            Alternates { after: 2, people: vec![ann()], groups: vec![], second_manager: true };
        let stage = StageTerms {
            votes: Votes::Some { n: 2 },
            alternates: Some(alternates),
            only_if: Some(Condition::LongerThan { days: 30 }),
            ..StageTerms::simple(Approvers::group(group), vec![], 5)
        };
        let manager = StageTerms::simple(Approvers::Manager, vec![], 5);
        let terms = Terms {
            scope: Scope { all_users: true, ..Scope::default() },
            asks: Asks { manager: true, direct: false, ..Asks::default() },
            stages: vec![manager, stage],
            lifetime: Lifetime::Days { days: 60 },
            extension: Some(Extension { approval: true, last_days: Some(14) }),
            notices: Notices { ending: false, ..Notices::default() },
            ..Terms::default()
        };
        let reads = terms.reads();
        for line in [
            "Everyone, guests too, may request it for themselves, and their managers for them.",
            "Nobody may assign it without a request.",
            "First their manager decides within 5 days.",
            "For longer than 30 days, then 2 of the members of Controllers must approve within 5 days.",
            "If that is not decided after 2 days, their manager’s manager and Ann Alder can decide, too.",
            "It can be extended in its last 14 days, with the same approval.",
            "Nobody is told that access ends soon.",
        ] {
            assert!(reads.iter().any(|r| r == line), "{line}\n{reads:#?}");
        }
        let none = Terms::default();
        assert!(none.reads()[0].starts_with("Nobody may request it"));
    }
}
