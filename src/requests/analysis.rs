//! The analysis that guards a request and explains it: every rule that is looked at, in order, with what it said, what it
//! looked at, and who can change that. Pure: facts in, analysis out. `eligibility` loads the facts, `explaining` has the
//! words.
//!
//! The checks are a list of which all must pass; the first that fails is the refusal. Two of them have checks below: one
//! policy of several must let it, and one clause of several must cover the person. What lies below says why, and does not
//! refuse by itself.

use super::eligibility::No;
use super::model::RequestKind;
use super::stops::{self, Stop, Thing};
use crate::kernel::{AssignmentId, CatalogId, Kind, PackageId, PolicyId, RequestId, Ts};
use crate::policies::model::{Applicable, Asks, Class, Named, Policy, Scope, Terms, Who};
use crate::policies::rules::{best, class, may_ask};
use crate::policies::store::applicable_of;

/// What a check asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rule {
    /// The person is here.
    Here,
    /// The one who asks is here.
    AskerHere,
    /// No request for it is open (D6).
    NoOpenRequest,
    /// The person does not hold it (D6).
    NotHeld,
    /// The catalog is switched on.
    CatalogOn,
    /// The person is a member, or the catalog is for guests.
    GuestsLetIn,
    /// Neither the catalog nor the package is stopped (D47).
    NotStopped,
    /// One of its policies is switched on.
    SomePolicyOn,
    /// One of the policies that are on lets the one ask for the other.
    SomePolicyLets,
    /// This policy lets them: everything below it passes.
    Policy {
        /// Which.
        id: PolicyId,
        /// Its name.
        name: String,
    },
    /// This policy is switched on.
    PolicyOn {
        /// Which.
        id: PolicyId,
        /// Its name.
        name: String,
    },
    /// The person is in the scope: one of the clauses below covers them.
    InScope,
    /// A clause of the scope.
    Covers(Clause),
    /// The one who asks may: one of the ways below is theirs.
    MayAsk,
    /// A way in which somebody may ask.
    Asks(Way),
    /// No other policy that lets them is closer to the person (D17).
    Closest,
    /// The policy is not stopped (D47).
    PolicyNotStopped,
}

/// A clause of a scope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Clause {
    /// These people are named.
    People(Vec<String>),
    /// The members of these groups.
    Groups(Vec<String>),
    /// The guests of these connected organizations.
    Organizations(Vec<String>),
    /// All members of the organization.
    AllMembers,
    /// All members and guests.
    AllUsers,
    /// The guests of every connected organization.
    AllOrganizations,
}

/// A way in which somebody may ask (D46).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Way {
    /// For themselves.
    Own,
    /// As the person's manager.
    Manager,
    /// As one of these people.
    People(Vec<String>),
    /// As a member of one of these groups.
    Groups(Vec<String>),
}

/// What a check said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The rule is fulfilled.
    Passes,
    /// It says no.
    Fails,
    /// It does not matter: another check has settled it.
    NotLookedAt,
}

impl Outcome {
    fn of(passes: bool) -> Self {
        if passes { Self::Passes } else { Self::Fails }
    }
}

/// What a check looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Saw {
    /// Nothing, or what lies below.
    Nothing,
    /// Whether somebody or something is switched on.
    Switch(bool),
    /// Member or guest.
    Kind(Kind),
    /// What is held or asked for already.
    Already(No),
    /// A stop.
    Stop(Stop),
    /// The name of what fits.
    Name(String),
    /// How many there are.
    Count(usize),
}

/// Who can change what a check looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hand {
    /// The staff list and its groups.
    Directory,
    /// The owners of the catalog, and administrators.
    Owners,
    /// Administrators: they look after connected organizations.
    Administrators,
    /// The person's manager.
    Manager,
    /// Whoever stopped it, or another owner.
    Stopper,
    /// The one who holds it: it can be given back.
    Holder,
    /// Those who ask: the request can be canceled.
    Askers,
    /// Those who decide on the request.
    Approvers,
}

/// One rule with what it said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// The rule.
    pub rule: Rule,
    /// What it said.
    pub outcome: Outcome,
    /// What it looked at.
    pub saw: Saw,
    /// Who can change that.
    pub hands: Vec<Hand>,
    /// The refusal; there where it fails and a request is refused for it.
    pub no: Option<No>,
    /// What it consists of.
    pub below: Vec<Check>,
}

impl Check {
    /// A check that refuses with `no` unless it passes.
    #[must_use]
    pub fn new(rule: Rule, saw: Saw, hands: &[Hand], no: Option<No>) -> Self {
        let outcome = Outcome::of(no.is_none());
        Self { rule, outcome, saw, hands: hands.to_vec(), no, below: Vec::new() }
    }

    /// A check that is only part of another one.
    fn part(rule: Rule, passes: bool, saw: Saw, hands: &[Hand]) -> Self {
        Self { outcome: Outcome::of(passes), ..Self::new(rule, saw, hands, None) }
    }

    /// The same, where it does not matter.
    fn not_looked_at(rule: Rule) -> Self {
        Self { outcome: Outcome::NotLookedAt, ..Self::new(rule, Saw::Nothing, &[], None) }
    }

    fn over(self, below: Vec<Self>) -> Self {
        Self { below, ..self }
    }

    /// Does it say no?
    #[must_use]
    pub fn fails(&self) -> bool {
        self.outcome == Outcome::Fails
    }
}

/// Every check, in the order in which they are looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Analysis {
    /// All of them must pass.
    pub checks: Vec<Check>,
}

impl Analysis {
    /// The first check that fails.
    #[must_use]
    pub fn refused(&self) -> Option<&Check> {
        self.checks.iter().find(|check| check.fails())
    }

    /// What says no: the refusal of the first check that fails.
    #[must_use]
    pub fn no(&self) -> Option<No> {
        self.refused().and_then(|check| check.no.clone())
    }

    /// Is every policy that is on for all members, so that a guest is none of those whom it means?
    #[must_use]
    pub fn for_members(&self) -> bool {
        let members = Rule::Covers(Clause::AllMembers);
        let has = |policy: &Check| {
            let scope = policy.below.iter().filter(|c| c.rule == Rule::InScope);
            scope.flat_map(|scope| &scope.below).any(|clause| clause.rule == members)
        };
        let all = self.checks.iter().filter(|c| c.rule == Rule::SomePolicyLets);
        let policies: Vec<&Check> = all.flat_map(|c| &c.below).collect();
        !policies.is_empty() && policies.into_iter().all(has)
    }

    /// How many checks fail.
    #[must_use]
    pub fn failing(&self) -> usize {
        self.checks.iter().filter(|check| check.fails()).count()
    }
}

/// An assignment that is there: which, from when, until when, and the request that it came from.
pub type Held = Option<(AssignmentId, Ts, Option<Ts>, Option<RequestId>)>;
/// A request that is open: which, its reference, its state and its kind.
pub type Open = Option<(RequestId, String, String, String)>;

/// Everything that the analysis looks at.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// The package.
    pub package: PackageId,
    /// Its catalog.
    pub catalog: CatalogId,
    /// Whether the catalog is switched on.
    pub on: bool,
    /// Whether the catalog is for guests.
    pub guests: bool,
    /// What the target holds of it.
    pub held: &'a Held,
    /// The request that is open for the target.
    pub open: &'a Open,
    /// The package's policies, also those that are switched off.
    pub policies: &'a [&'a Policy],
    /// Every stop of the catalog, the package and the policies, the widest first.
    pub stops: &'a [Stop],
    /// Who asks.
    pub requestor: &'a Who,
    /// For whom.
    pub target: &'a Who,
}

impl Facts<'_> {
    /// Can anything of the catalog reach the target?
    #[must_use]
    pub fn reachable(&self) -> bool {
        self.on && (self.guests || self.target.kind == Kind::Member)
    }
}

/// May this person have this package, and may that one ask for it? The analysis, and the policies that apply, of the best
/// class only (D17). Stopped policies are no choice unless all of them are stopped.
#[must_use]
pub fn analyze(facts: &Facts<'_>) -> (Analysis, Vec<Applicable>) {
    let (target, requestor) = (facts.target, facts.requestor);
    let mut checks = vec![here(target)];
    if requestor.id != target.id {
        checks.push(asker_here(requestor));
    }
    checks.extend(already(facts));
    checks.push(catalog_on(facts.on));
    checks.push(guests_let_in(facts.guests, target));
    let stop = stops::widest(facts.stops, facts.catalog, facts.package, None);
    checks.push(not_stopped(Rule::NotStopped, stop));
    // Separation of duties (D7, D19) is one more check, here: what rules out the person comes before what policies say.
    let (policies, applicable) = policies(facts);
    checks.extend(policies);
    (Analysis { checks }, applicable)
}

/// Does the person still fulfil frozen terms? A policy for nobody gives what is assigned directly (D10): there is no scope
/// to fall out of.
#[must_use]
pub fn still(who: &Who, terms: &Terms) -> Analysis {
    let mut checks = vec![here(who)];
    if terms.scope != Scope::default() {
        checks.push(match who.enabled {
            true => in_scope(&terms.scope, who),
            false => Check::not_looked_at(Rule::InScope),
        });
    }
    Analysis { checks }
}

/// Is the catalog switched on, and for somebody like this person?
#[must_use]
pub fn catalog(on: bool, guests: bool, who: &Who) -> Analysis {
    Analysis { checks: vec![catalog_on(on), guests_let_in(guests, who)] }
}

fn here(target: &Who) -> Check {
    let no = (!target.enabled).then_some(No::Left);
    Check::new(Rule::Here, Saw::Switch(target.enabled), &[Hand::Directory], no)
}

fn asker_here(requestor: &Who) -> Check {
    let no = (!requestor.enabled).then_some(No::Left);
    Check::new(Rule::AskerHere, Saw::Switch(requestor.enabled), &[Hand::Directory], no)
}

fn catalog_on(on: bool) -> Check {
    let no = (!on).then_some(No::CatalogOff);
    Check::new(Rule::CatalogOn, Saw::Switch(on), &[Hand::Owners], no)
}

fn guests_let_in(guests: bool, target: &Who) -> Check {
    let no = (!guests && target.kind == Kind::Guest).then_some(No::NotForGuests);
    Check::new(Rule::GuestsLetIn, Saw::Kind(target.kind), &[Hand::Owners], no)
}

fn not_stopped(rule: Rule, stop: Option<&Stop>) -> Check {
    let saw = stop.cloned().map_or(Saw::Nothing, Saw::Stop);
    Check::new(rule, saw, &[Hand::Stopper], stop.cloned().map(No::Stopped))
}

/// Whether it is held or asked for already.
fn already(facts: &Facts<'_>) -> [Check; 2] {
    let holds = facts.held.map(|(assignment, starts, until, request)| No::Holds {
        assignment,
        starts,
        until,
        request,
    });
    let extends = |kind: &str| kind == RequestKind::Extend.as_str();
    let extending = facts.open.as_ref().is_some_and(|(.., kind)| extends(kind));
    let open = facts.open.clone().map(|(request, reference, state, _)| No::Open {
        request,
        reference,
        state,
    });
    let check = |rule, no: Option<No>, hands: &[Hand]| {
        Check::new(rule, no.clone().map_or(Saw::Nothing, Saw::Already), hands, no)
    };
    // Who asks for more time of what they hold is told that they hold it.
    let told = extending && holds.is_some();
    let open = check(Rule::NoOpenRequest, open, &[Hand::Askers, Hand::Approvers]);
    let held = check(Rule::NotHeld, holds, &[Hand::Holder, Hand::Owners]);
    if told { [held, open] } else { [open, held] }
}

/// The two checks of the policies, and those that apply.
fn policies(facts: &Facts<'_>) -> ([Check; 2], Vec<Applicable>) {
    let on: Vec<&Policy> = facts.policies.iter().filter(|p| p.enabled).copied().collect();
    let no = on.is_empty().then_some(No::NoPolicy);
    let each = facts.policies.iter().map(|p| {
        let rule = Rule::PolicyOn { id: p.id, name: p.name.clone() };
        Check::part(rule, p.enabled, Saw::Switch(p.enabled), &[Hand::Owners])
    });
    let some_on = Check::new(Rule::SomePolicyOn, Saw::Count(on.len()), &[Hand::Owners], no)
        .over(each.collect());
    let here = facts.target.enabled && facts.requestor.enabled;
    if on.is_empty() || !here || !facts.reachable() {
        return ([some_on, Check::not_looked_at(Rule::SomePolicyLets)], Vec::new());
    }
    let mut applicable = best(applicable_of(&on, facts.requestor, facts.target));
    let closest = applicable.first().map(|a| a.class);
    let below: Vec<Check> = on.iter().map(|p| policy(facts, p, closest)).collect();
    let stopped = |a: &Applicable| stop_of(facts, a.policy.id).is_some();
    if !applicable.iter().all(stopped) {
        applicable.retain(|a| !stopped(a));
    }
    let passes = below.iter().any(|check| check.outcome == Outcome::Passes);
    // Of several that say no, the one that came closest to a yes is the reason.
    let no = below
        .iter()
        .filter_map(|check| check.no.clone())
        .reduce(|a, b| if near(&b) > near(&a) { b } else { a });
    let lets = Check {
        outcome: Outcome::of(passes),
        no: no.filter(|_| !passes),
        ..Check::not_looked_at(Rule::SomePolicyLets)
    };
    ([some_on, lets.over(below)], applicable)
}

/// How near a policy came to letting it.
fn near(no: &No) -> u8 {
    match no {
        No::Stopped(_) => 3,
        No::NotYours { manager: true } => 2,
        No::NotYours { manager: false } => 1,
        _ => 0,
    }
}

fn stop_of<'a>(facts: &Facts<'a>, policy: PolicyId) -> Option<&'a Stop> {
    facts.stops.iter().find(|stop| stop.thing == Thing::Policy(policy))
}

/// One policy: its scope, who may ask, its place among the others, its stop. The first that fails is why it does not let
/// it, and what comes after is not looked at.
fn policy(facts: &Facts<'_>, policy: &Policy, closest: Option<Class>) -> Check {
    let name = policy.name.clone();
    let whole = Check::not_looked_at(Rule::Policy { id: policy.id, name });
    let skipped = |rules: &[Rule]| -> Vec<Check> {
        rules.iter().map(|rule| Check::not_looked_at(rule.clone())).collect()
    };
    let scope = in_scope(&policy.terms.scope, facts.target);
    if scope.fails() {
        let rest = skipped(&[Rule::MayAsk, Rule::Closest, Rule::PolicyNotStopped]);
        let no = scope.no.clone();
        let below = [vec![scope], rest].concat();
        return Check { outcome: Outcome::Fails, no, below, ..whole };
    }
    let asks = asks(&policy.terms.asks, facts.requestor, facts.target);
    if asks.fails() {
        let rest = skipped(&[Rule::Closest, Rule::PolicyNotStopped]);
        let no = asks.no.clone();
        let below = [vec![scope, asks], rest].concat();
        return Check { outcome: Outcome::Fails, no, below, ..whole };
    }
    if closest != class(&policy.terms.scope, facts.target) {
        // It would let them; another one is for them more closely, and has the word.
        let aside = Check::part(Rule::Closest, false, Saw::Nothing, &[Hand::Owners]);
        let rest = skipped(&[Rule::PolicyNotStopped]);
        let below = [vec![scope, asks, aside], rest].concat();
        return Check { outcome: Outcome::NotLookedAt, below, ..whole };
    }
    let closest = Check::part(Rule::Closest, true, Saw::Nothing, &[Hand::Owners]);
    let stopped = not_stopped(Rule::PolicyNotStopped, stop_of(facts, policy.id));
    let (outcome, no) = (stopped.outcome, stopped.no.clone());
    Check { outcome, no, below: vec![scope, asks, closest, stopped], ..whole }
}

fn in_scope(scope: &Scope, who: &Who) -> Check {
    let no = class(scope, who).is_none().then_some(No::OutOfScope);
    let mut below = Vec::new();
    let mut clause = |clause, passes: bool, saw: Saw, hands: &[Hand]| {
        below.push(Check::part(Rule::Covers(clause), passes, saw, hands));
    };
    if !scope.people.is_empty() {
        let fits = fit(&scope.people, |id| *id == who.id);
        clause(Clause::People(names(&scope.people)), fits.is_some(), saw(fits), &[Hand::Owners]);
    }
    if !scope.groups.is_empty() {
        let fits = fit(&scope.groups, |id| who.groups.contains(id));
        let hands = [Hand::Directory, Hand::Owners];
        clause(Clause::Groups(names(&scope.groups)), fits.is_some(), saw(fits), &hands);
    }
    if !scope.organizations.is_empty() {
        let fits = fit(&scope.organizations, |id| Some(*id) == who.organization);
        let hands = [Hand::Administrators, Hand::Owners];
        let all = Clause::Organizations(names(&scope.organizations));
        clause(all, fits.is_some(), saw(fits), &hands);
    }
    if scope.all_members {
        let member = who.kind == Kind::Member;
        clause(Clause::AllMembers, member, Saw::Kind(who.kind), &[Hand::Owners]);
    }
    if scope.all_users {
        clause(Clause::AllUsers, true, Saw::Kind(who.kind), &[Hand::Owners]);
    }
    if scope.all_organizations {
        let hands = [Hand::Administrators, Hand::Owners];
        clause(Clause::AllOrganizations, who.organization.is_some(), Saw::Kind(who.kind), &hands);
    }
    Check::new(Rule::InScope, Saw::Nothing, &[Hand::Owners], no).over(below)
}

fn asks(asks: &Asks, requestor: &Who, target: &Who) -> Check {
    let no = (!may_ask(asks, requestor, target)).then_some(No::NotYours { manager: asks.manager });
    let hands: &[Hand] =
        if asks.manager { &[Hand::Manager, Hand::Owners] } else { &[Hand::Owners] };
    let way = |way, passes, saw| Check::part(Rule::Asks(way), passes, saw, &[Hand::Owners]);
    let below = if requestor.id == target.id {
        vec![way(Way::Own, asks.own, Saw::Switch(asks.own))]
    } else {
        let manages = target.manager == Some(requestor.id);
        let mut ways = vec![way(Way::Manager, asks.manager && manages, Saw::Switch(asks.manager))];
        if !asks.people.is_empty() {
            let fits = fit(&asks.people, |id| *id == requestor.id);
            ways.push(way(Way::People(names(&asks.people)), fits.is_some(), saw(fits)));
        }
        if !asks.groups.is_empty() {
            let fits = fit(&asks.groups, |id| requestor.groups.contains(id));
            ways.push(way(Way::Groups(names(&asks.groups)), fits.is_some(), saw(fits)));
        }
        ways
    };
    Check::new(Rule::MayAsk, Saw::Nothing, hands, no).over(below)
}

fn names<I>(all: &[Named<I>]) -> Vec<String> {
    all.iter().map(|one| one.name.clone()).collect()
}

/// The name of the first that fits.
fn fit<I>(all: &[Named<I>], fits: impl Fn(&I) -> bool) -> Option<String> {
    all.iter().find(|one| fits(&one.id)).map(|one| one.name.clone())
}

fn saw(fits: Option<String>) -> Saw {
    fits.map_or(Saw::Nothing, Saw::Name)
}
