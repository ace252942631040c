//! How the demo's offer is written down: catalogs, resources, packages and policies as plain data that reads well.
//! [`super::offer`] is written in it, [`super::terms`] makes terms of it.

use crate::kernel::Risk;
use crate::policies::model::Extension;
use crate::policies::stages::Votes;

/// Somebody of the staff list (their id) or a group (its name).
#[derive(Clone, Copy, Debug)]
pub(super) enum Who {
    Person(&'static str),
    Group(&'static str),
}

/// A catalog.
pub(super) struct Catalog {
    pub name: &'static str,
    pub description: &'static str,
    pub owners: &'static [Who],
    /// Its packages are shown to those, too, who cannot request them.
    pub for_everyone_to_see: bool,
}

/// An organization whose people are guests.
pub(super) struct Organization {
    pub name: &'static str,
    pub description: &'static str,
    pub domains: &'static [&'static str],
    /// Who answers for its people: ids in the staff list.
    pub sponsors: &'static [&'static str],
}

/// A group of the target system, registered in a catalog unless `catalog` is empty.
pub(super) struct Resource {
    pub catalog: &'static str,
    pub address: &'static str,
    pub name: &'static str,
    pub description: &'static str,
    /// The risk of being a member; being an owner is always high.
    pub risk: Risk,
}

/// An access package.
pub(super) struct Package {
    pub catalog: &'static str,
    pub name: &'static str,
    pub description: &'static str,
    /// Address and role value.
    pub roles: &'static [(&'static str, &'static str)],
    pub hidden: bool,
    pub policies: &'static [Policy],
}

/// A policy.
#[derive(Clone, Copy)]
pub(super) struct Policy {
    pub name: &'static str,
    pub all_members: bool,
    pub named: &'static [Who],
    /// They may request it for themselves; if not, their managers do.
    pub own: bool,
    /// The groups whose members may request it for anybody in scope.
    pub askers: &'static [&'static str],
    pub questions: &'static [Question],
    pub stages: &'static [Stage],
    pub reason: bool,
    pub lifetime: Life,
    /// What its lifetime was when it was first written.
    pub at_first: Life,
    /// Whether the requestor may choose the period.
    pub chosen: bool,
    pub extension: Option<Extension>,
}

/// Something that the requestor is asked.
#[derive(Clone, Copy)]
pub(super) struct Question {
    pub key: &'static str,
    pub text: &'static str,
    pub hint: &'static str,
    pub answer: Answer,
    /// The question before, and the answers after which this one is asked.
    pub after: Option<(&'static str, &'static [&'static str])>,
}

/// What kind of answer it takes.
#[derive(Clone, Copy)]
pub(super) enum Answer {
    /// A line that looks like this, and the words for one that does not.
    Like(&'static str, &'static str),
    One(&'static [&'static str]),
    Many(&'static [&'static str]),
    Number(i64, i64),
}

/// A stage: who decides, who steps in, in how many days.
#[derive(Clone, Copy)]
pub(super) struct Stage {
    pub by: By,
    pub votes: Votes,
    pub fallback: &'static [&'static str],
    pub days: u32,
    /// After so many days these join, and their manager's manager.
    pub alternates: Option<(u32, &'static [&'static str])>,
    pub only_if: Option<If>,
}

/// Who decides.
#[derive(Clone, Copy)]
pub(super) enum By {
    Manager,
    Sponsors,
    People(&'static [&'static str]),
    Group(&'static str),
}

/// For which requests a stage is.
#[derive(Clone, Copy)]
pub(super) enum If {
    /// A question was answered like one of these.
    Answered(&'static str, &'static [&'static str]),
    /// It is asked for longer than so many days.
    LongerThan(u32),
    Guests,
}

/// How long access lasts.
#[derive(Clone, Copy)]
pub(super) enum Life {
    Days(u32),
    Hours(u32),
    Never,
    /// Until the last day of the month that is so many days ahead.
    MonthEnd(u32),
}

pub(super) const fn stage(by: By, fallback: &'static [&'static str], days: u32) -> Stage {
    Stage { by, votes: Votes::Any, fallback, days, alternates: None, only_if: None }
}

impl Stage {
    /// So many of them must approve.
    pub(super) const fn votes(self, n: u32) -> Self {
        Self { votes: Votes::Some { n }, ..self }
    }

    /// After so many days these join, and their manager's manager.
    pub(super) const fn joined(self, after: u32, by: &'static [&'static str]) -> Self {
        Self { alternates: Some((after, by)), ..self }
    }

    /// For such requests only.
    pub(super) const fn only_if(self, case: If) -> Self {
        Self { only_if: Some(case), ..self }
    }
}

pub(super) const fn question(
    key: &'static str,
    text: &'static str,
    hint: &'static str,
    answer: Answer,
) -> Question {
    Question { key, text, hint, answer, after: None }
}

impl Question {
    /// Asked only if an earlier question was answered like one of these.
    pub(super) const fn after(self, key: &'static str, answers: &'static [&'static str]) -> Self {
        Self { after: Some((key, answers)), ..self }
    }
}

pub(super) const fn policy(name: &'static str, lifetime: Life, stages: &'static [Stage]) -> Policy {
    Policy {
        name,
        all_members: true,
        named: &[],
        own: true,
        askers: &[],
        questions: &[],
        stages,
        reason: true,
        lifetime,
        at_first: lifetime,
        chosen: false,
        extension: None,
    }
}

impl Policy {
    /// For these only, instead of for all members.
    pub(super) const fn only(self, named: &'static [Who]) -> Self {
        Self { all_members: false, named, ..self }
    }

    /// Their managers request it for them.
    pub(super) const fn by_managers(self) -> Self {
        Self { own: false, ..self }
    }

    /// The members of these groups may request it for anybody in scope.
    pub(super) const fn also_by(self, askers: &'static [&'static str]) -> Self {
        Self { askers, ..self }
    }

    /// The requestor is asked this.
    pub(super) const fn asking(self, questions: &'static [Question]) -> Self {
        Self { questions, ..self }
    }

    /// It can be extended in its last days: with the same approval, or without.
    pub(super) const fn extended(self, approval: bool, last_days: u32) -> Self {
        Self { extension: Some(Extension { approval, last_days: Some(last_days) }), ..self }
    }

    /// The requestor may choose the period.
    pub(super) const fn with_period(self) -> Self {
        Self { chosen: true, ..self }
    }

    /// It was first written with another lifetime.
    pub(super) const fn at_first(self, at_first: Life) -> Self {
        Self { at_first, ..self }
    }

    /// The requestor need not say why.
    pub(super) const fn without_reason(self) -> Self {
        Self { reason: false, ..self }
    }
}

pub(super) const fn resource(
    catalog: &'static str,
    address: &'static str,
    name: &'static str,
    risk: Risk,
    description: &'static str,
) -> Resource {
    Resource { catalog, address, name, description, risk }
}

pub(super) const fn package(
    catalog: &'static str,
    name: &'static str,
    roles: &'static [(&'static str, &'static str)],
    policies: &'static [Policy],
    description: &'static str,
) -> Package {
    Package { catalog, name, description, roles, hidden: false, policies }
}

impl Package {
    /// Not in lists and searches.
    pub(super) const fn hidden(self) -> Self {
        Self { hidden: true, ..self }
    }
}
