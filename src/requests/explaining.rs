//! An analysis in words: a tree of rule, result, what was looked at, and who can change it. Pure.

use super::analysis::{Analysis, Check, Clause, Hand, Outcome, Rule, Saw, Way};
use super::eligibility::{No, Position};
use crate::kernel::text::counted;
use crate::kernel::{Kind, PersonId, PolicyId, Zone};
use crate::packages::incompatible::model::Conflict;
use crate::web::words::{and_list, capital, date};

/// As many names as a line says.
const NAMES: usize = 4;

/// Who reads it, and what they may read.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    /// Who reads.
    pub id: PersonId,
    /// Whether they look after the package: they read every policy, also who is named in it.
    pub full: bool,
    /// The owners of the catalog.
    pub owners: &'a [String],
    /// The name of the target's manager, where the reader may know it.
    pub manager: Option<&'a str>,
    /// The organization's zone.
    pub zone: Zone,
}

/// A line of the tree, as a page draws it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The color of its mark.
    pub kind: &'static str,
    /// The shape of its mark.
    pub shape: &'static str,
    /// "Passes", "Says no", "Not looked at".
    pub result: &'static str,
    /// The rule.
    pub rule: String,
    /// What was looked at; empty where the rule says it all.
    pub saw: String,
    /// Who can change it, where it says no.
    pub hands: String,
    /// True where a list of what it consists of follows.
    pub opens: bool,
    /// As many lists end after it.
    pub closes: usize,
}

/// The tree as lines, from the top.
#[must_use]
pub fn tree(analysis: &Analysis, position: &Position, reader: &Reader<'_>) -> Vec<Line> {
    let words = Words { position, reader };
    let mut lines = Vec::new();
    for check in &analysis.checks {
        words.lines(check, None, false, &mut lines);
    }
    lines
}

/// Who can change what the first check that fails looked at; none where nothing fails.
#[must_use]
pub fn who_can(analysis: &Analysis, position: &Position, reader: &Reader<'_>) -> Option<String> {
    let words = Words { position, reader };
    analysis.refused().map(|check| words.hands(check))
}

/// What a result is called, with its mark: color, shape, word.
#[must_use]
pub fn result(outcome: Outcome) -> (&'static str, &'static str, &'static str) {
    match outcome {
        Outcome::Passes => ("ok", "done", "Passes"),
        Outcome::Fails => ("stop", "bar", "Says no"),
        Outcome::NotLookedAt => ("off", "minus", "Not looked at"),
    }
}

/// "Two more rules say no, too."
#[must_use]
pub fn more(failing: usize) -> Option<String> {
    match failing {
        0 | 1 => None,
        2 => Some("One more rule says no, too.".to_owned()),
        n => {
            let n = i64::try_from(n - 1).unwrap_or(i64::MAX);
            Some(format!("{} more rules say no, too.", capital(&crate::web::words::number(n))))
        }
    }
}

struct Words<'a> {
    position: &'a Position,
    reader: &'a Reader<'a>,
}

impl Words<'_> {
    /// May the reader read this policy's scope? Those who look after it; those whom it lets; and where nothing but a policy
    /// stands in the way, as the page that says so shows it (E29).
    fn reads(&self, policy: PolicyId) -> bool {
        self.reader.full
            || matches!(self.position.no, Some(No::OutOfScope | No::NotYours { .. }))
            || self.applies(policy)
    }

    fn applies(&self, policy: PolicyId) -> bool {
        let stopped = matches!(self.position.no, Some(No::Stopped(_)));
        !stopped && self.position.applicable.iter().any(|a| a.policy.id == policy)
    }

    /// What a check consists of, as far as the reader may read it.
    fn below<'c>(&self, check: &'c Check) -> Vec<&'c Check> {
        let shown = |below: &&Check| match &below.rule {
            Rule::PolicyOn { .. } => self.reader.full,
            Rule::Policy { id, .. } => self.reads(*id),
            _ => true,
        };
        check.below.iter().filter(shown).collect()
    }

    /// The check and what it consists of. `settled` says that it is one of several of which another one passes: then it
    /// does not apply, and says no to nothing.
    fn lines(&self, check: &Check, policy: Option<PolicyId>, settled: bool, lines: &mut Vec<Line>) {
        let aside = settled && check.fails();
        let (kind, shape, result) = match aside {
            true => ("off", "minus", "Does not apply"),
            false => result(check.outcome),
        };
        let policy = match check.rule {
            Rule::Policy { id, .. } => Some(id),
            _ => policy,
        };
        let below = self.below(check);
        lines.push(Line {
            kind,
            shape,
            result,
            rule: self.rule(&check.rule, policy),
            saw: self.saw(check),
            hands: if check.fails() && !aside { self.hands(check) } else { String::new() },
            opens: !below.is_empty(),
            closes: 0,
        });
        let one_of = !matches!(check.rule, Rule::Policy { .. });
        let settled = settled || (one_of && check.outcome == Outcome::Passes);
        for check in &below {
            self.lines(check, policy, settled, lines);
        }
        if let (false, Some(last)) = (below.is_empty(), lines.last_mut()) {
            last.closes += 1;
        }
    }

    fn own(&self) -> bool {
        self.reader.id == self.position.target.id
    }

    /// "you", "Asha Rao".
    fn them(&self) -> &str {
        if self.own() { "you" } else { &self.position.target.name }
    }

    /// "You are", "Asha Rao is".
    fn they_are(&self) -> String {
        match self.own() {
            true => "You are".to_owned(),
            false => format!("{} is", self.position.target.name),
        }
    }

    /// "You", "Asha Rao": the one who asks.
    fn asker(&self) -> &str {
        let requestor = &self.position.requestor;
        if self.reader.id == requestor.id { "You" } else { &requestor.name }
    }

    fn for_oneself(&self) -> bool {
        self.position.requestor.id == self.position.target.id
    }

    fn rule(&self, rule: &Rule, policy: Option<PolicyId>) -> String {
        let (them, they_are) = (self.them(), self.they_are());
        match rule {
            Rule::Here => format!("{they_are} here"),
            Rule::AskerHere => format!("{} may sign in here", self.asker()),
            Rule::NoOpenRequest => format!("No request of it for {them} is open"),
            Rule::NotHeld if self.own() => "You do not have it already".to_owned(),
            Rule::NotHeld => format!("{them} does not have it already"),
            Rule::CatalogOn => "Its catalog is switched on".to_owned(),
            Rule::GuestsLetIn => format!("Its catalog is open for {them}"),
            Rule::NotStopped => "Neither it nor its catalog is stopped".to_owned(),
            Rule::Compatible if self.own() => {
                "Nothing that you have is incompatible with it".to_owned()
            }
            Rule::Compatible => format!("Nothing that {them} has is incompatible with it"),
            Rule::SomePolicyOn => "At least one of its policies is switched on".to_owned(),
            Rule::SomePolicyLets if !self.for_oneself() => {
                format!("A policy lets {} request it for {them}", inside(self.asker()))
            }
            Rule::SomePolicyLets if self.own() => "A policy lets you request it".to_owned(),
            Rule::SomePolicyLets => format!("A policy lets {them} request it"),
            Rule::Policy { name, .. } => format!("Policy “{name}”"),
            Rule::PolicyOn { name, .. } => format!("“{name}” is switched on"),
            Rule::InScope => format!("It is for {them}: one of these is true"),
            Rule::Covers(clause) => self.clause(clause),
            Rule::MayAsk if self.for_oneself() && self.own() => {
                "You may request it yourself".to_owned()
            }
            Rule::MayAsk if self.for_oneself() => format!("{them} may request it"),
            Rule::MayAsk => format!("{} may request it for {them}", self.asker()),
            Rule::Asks(way) => self.way(way, policy),
            Rule::Closest => format!("No other policy is meant for {them} more closely"),
            Rule::PolicyNotStopped => "The policy is not stopped".to_owned(),
        }
    }

    fn clause(&self, clause: &Clause) -> String {
        let they_are = self.they_are();
        let one_of = |names: &[String], before: &str, several: &str| match names {
            [one] => format!("{they_are} {before}{one}"),
            all => format!("{they_are} {several}: {}", and_list(all, NAMES)),
        };
        match clause {
            Clause::People(names) => one_of(names, "", "one of these people"),
            Clause::Groups(names) => one_of(names, "in ", "in one of these groups"),
            Clause::Organizations(names) => {
                one_of(names, "a guest of ", "a guest of one of these organizations")
            }
            Clause::AllMembers => format!("{they_are} a member of the organization"),
            Clause::AllUsers => "Everybody is meant, guests too".to_owned(),
            Clause::AllOrganizations => {
                format!("{they_are} a guest of a connected organization")
            }
        }
    }

    fn way(&self, way: &Way, policy: Option<PolicyId>) -> String {
        let asker = self.asker();
        let are = if asker == "You" { "are" } else { "is" };
        // Who may ask for others is read by those whom the policy lets, and by those who look after it.
        let named = self.reader.full || policy.is_some_and(|id| self.applies(id));
        match way {
            Way::Own => "Those for whom it is may request it themselves".to_owned(),
            Way::Manager => {
                format!("{asker} {are} the manager, and managers may request it for their people")
            }
            Way::People(names) if named => {
                format!("{asker} {are} among those who may request it: {}", and_list(names, NAMES))
            }
            Way::People(_) => format!("{asker} {are} named among those who may request it"),
            Way::Groups(names) if named => {
                format!("{asker} {are} in a group that may request it: {}", and_list(names, NAMES))
            }
            Way::Groups(_) => format!("{asker} {are} in a group that may request it"),
        }
    }

    fn saw(&self, check: &Check) -> String {
        let they_are = self.they_are();
        match (&check.rule, &check.saw) {
            (Rule::Here | Rule::AskerHere, Saw::Switch(false)) => {
                "Left the organization, says the staff list.".to_owned()
            }
            (Rule::CatalogOn | Rule::PolicyOn { .. }, Saw::Switch(false)) => {
                "It is switched off.".to_owned()
            }
            (Rule::Asks(Way::Own), Saw::Switch(false)) => "The policy does not say so.".to_owned(),
            (Rule::Asks(Way::Manager), Saw::Switch(false)) => {
                "The policy does not let managers.".to_owned()
            }
            (Rule::GuestsLetIn, Saw::Kind(Kind::Guest)) if check.fails() => {
                format!("{they_are} here as a guest, and it is not for guests.")
            }
            (_, Saw::Kind(Kind::Guest)) => format!("{they_are} here as a guest."),
            (_, Saw::Kind(Kind::Member)) => format!("{they_are} a member of the organization."),
            (_, Saw::Already(no)) => self.already(no),
            (_, Saw::Stop(stop)) => {
                let day = date(self.reader.zone.date(stop.at));
                let (by, thing) = (&stop.by, stop.thing.word());
                format!("{by} stopped this {thing} on {day}: “{}”", stop.reason)
            }
            (_, Saw::Against(conflicts)) => {
                let one = |c: &Conflict| format!("{}: “{}”", capital(&c.what()), c.reason);
                conflicts.iter().map(one).collect::<Vec<_>>().join(" ")
            }
            (Rule::Covers(Clause::Groups(_)), Saw::Name(name)) => format!("The group is {name}."),
            (Rule::Covers(Clause::Organizations(_)), Saw::Name(name)) => {
                format!("The organization is {name}.")
            }
            (_, Saw::Count(n)) => {
                let n = i64::try_from(*n).unwrap_or(i64::MAX);
                match n {
                    0 => "None is.".to_owned(),
                    1 => "One is.".to_owned(),
                    n => format!("{} are.", capital(&crate::web::words::number(n))),
                }
            }
            (Rule::InScope, _) if check.below.is_empty() && check.fails() => {
                "It is for nobody: owners and administrators assign it directly.".to_owned()
            }
            (Rule::Closest, _) if check.fails() => {
                "Another one is, and that one counts.".to_owned()
            }
            (Rule::SomePolicyOn | Rule::SomePolicyLets, _)
                if check.outcome == Outcome::NotLookedAt =>
            {
                "The rules above have settled it.".to_owned()
            }
            _ => String::new(),
        }
    }

    /// What is there already. Whose request it is, only those whom it concerns read (E28).
    fn already(&self, no: &No) -> String {
        let day = |at| date(self.reader.zone.date(at));
        match no {
            No::Open { reference, .. } if self.own() || self.reader.full => {
                format!("{reference} is open.")
            }
            No::Open { .. } => "One is open.".to_owned(),
            No::Holds { starts, until, .. } => {
                let until = match until.and_then(|end| self.reader.zone.last_day(end).map(date)) {
                    Some(day) => format!("until {day}"),
                    None => "without an end".to_owned(),
                };
                format!("{} it since {}, {until}.", capital(&self.they_have()), day(*starts))
            }
            _ => String::new(),
        }
    }

    fn they_have(&self) -> String {
        match self.own() {
            true => "you have".to_owned(),
            false => format!("{} has", self.position.target.name),
        }
    }

    /// Who can change what a check looked at.
    fn hands(&self, check: &Check) -> String {
        let each: Vec<String> = check.hands.iter().filter_map(|hand| self.hand(*hand)).collect();
        let mut hands = each;
        if let (true, Some(mine)) = (hands.is_empty(), self.reason(check)) {
            return self.hands(mine);
        }
        hands.dedup();
        let all = hands.join("; or ");
        if all.is_empty() { String::new() } else { format!("{}.", capital(&all)) }
    }

    /// The check below that gives the reason.
    fn reason<'c>(&self, check: &'c Check) -> Option<&'c Check> {
        let same = |below: &&Check| below.fails() && below.no.is_some() && below.no == check.no;
        check.below.iter().find(same)
    }

    fn hand(&self, hand: Hand) -> Option<String> {
        let owners = self.owners();
        Some(match hand {
            Hand::Directory => {
                "whoever keeps the staff list and its groups, from which this is read".to_owned()
            }
            Hand::Owners => owners,
            Hand::Administrators => {
                "an administrator, who looks after connected organizations".to_owned()
            }
            Hand::Manager => match self.reader.manager {
                Some(name) if self.own() => format!("{name}, your manager, by requesting it"),
                Some(name) => format!("{name}, the manager, by requesting it"),
                None if self.position.target.manager.is_some() => {
                    "the person’s manager, by requesting it".to_owned()
                }
                None => return None,
            },
            Hand::Stopper => match &self.position.no {
                Some(No::Stopped(stop)) => format!("{}, who stopped it; or {owners}", stop.by),
                _ => owners,
            },
            Hand::Holder if self.own() => "you, by giving it back".to_owned(),
            Hand::Holder => format!("{}, by giving it back", self.position.target.name),
            Hand::Askers => "those who asked, by canceling the request".to_owned(),
            Hand::Approvers => "those who decide on it".to_owned(),
        })
    }

    fn owners(&self) -> String {
        match self.reader.owners {
            [] => "an administrator: this catalog has no owner".to_owned(),
            names => format!(
                "{}, who {} after catalog {}",
                crate::web::words::and_list(names, NAMES),
                if names.len() == 1 { "looks" } else { "look" },
                self.position.catalog_name
            ),
        }
    }
}

/// "you" inside of a sentence, where "You" begins one.
fn inside(who: &str) -> &str {
    if who == "You" { "you" } else { who }
}

/// "7 rules pass, 1 does not, 1 not looked at": the note beside the tree.
#[must_use]
pub fn summary(analysis: &Analysis) -> String {
    let count = |outcome| {
        let n = analysis.checks.iter().filter(|c| c.outcome == outcome).count();
        i64::try_from(n).unwrap_or(i64::MAX)
    };
    let (yes, no) = (count(Outcome::Passes), count(Outcome::Fails));
    let said = match no {
        0 => format!("all {yes} pass"),
        1 => format!("{}, 1 does not", counted(yes, "passes", "pass")),
        n => format!("{}, {n} do not", counted(yes, "passes", "pass")),
    };
    match count(Outcome::NotLookedAt) {
        0 => said,
        n => format!("{said}, {n} not looked at"),
    }
}
