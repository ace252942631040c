//! What a request looks like.

use diesel::prelude::*;

use crate::kernel::{
    About, AssignmentId, BasketId, CatalogId, PackageId, PersonId, PolicyId, RequestId, StageId, Ts,
};
use crate::policies::model::Terms;
use crate::policies::questions::Answer;

crate::text_enum! {
    /// What a request is for (E11).
    pub enum RequestKind {
        /// For access.
        Add = "add",
        /// Assigned directly by somebody who looks after the catalog (D10).
        Assign = "assign",
        /// For more time (D11).
        Extend = "extend",
        /// To be rid of access (D42).
        GiveBack = "give_back",
        /// For access that was given back (D42).
        TakeAgain = "take_again",
    }
}

impl RequestKind {
    /// The word for pages and exports.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Add => "Access",
            Self::Assign => "Direct assignment",
            Self::Extend => "Extension",
            Self::GiveBack => "Given back",
            Self::TakeAgain => "Taken again",
        }
    }
}

crate::text_enum! {
    /// Where a request stands.
    pub enum State {
        /// A stage is open.
        PendingApproval = "pending_approval",
        /// Approved, its start lies ahead.
        Scheduled = "scheduled",
        /// Approved, target systems are being asked.
        Delivering = "delivering",
        /// Every target system has confirmed it (D23).
        Delivered = "delivered",
        /// Somebody said no, or a rule did.
        Denied = "denied",
        /// A stage ran out (D5).
        Expired = "expired",
        /// Canceled before delivery started (D12), or the person left (D26).
        Canceled = "canceled",
        /// Its assignment ended before every target system had confirmed it.
        Undelivered = "undelivered",
    }
}

impl State {
    /// The word for pages and exports.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::PendingApproval => "Waiting for approval",
            Self::Scheduled => "Scheduled",
            Self::Delivering => "Being delivered",
            Self::Delivered => "Delivered",
            Self::Denied => "Denied",
            Self::Expired => "Expired",
            Self::Canceled => "Canceled",
            Self::Undelivered => "Not delivered",
        }
    }

    /// The word for a request of a kind: access that was delivered and has ended is told apart from access that is
    /// there.
    #[must_use]
    pub fn says(self, kind: RequestKind, access_ended: bool) -> &'static str {
        match (self, kind) {
            (Self::Delivered, RequestKind::Extend) => "Extended",
            (Self::Delivered, RequestKind::GiveBack) => "Given back",
            (Self::Delivered, _) if access_ended => "Access ended",
            (state, _) => state.label(),
        }
    }

    /// True once nothing more happens to it.
    #[must_use]
    pub fn ended(self) -> bool {
        !matches!(self, Self::PendingApproval | Self::Scheduled | Self::Delivering)
    }
}

crate::text_enum! {
    /// Where a stage stands.
    pub enum StageState {
        /// Waiting for a decision.
        Open = "open",
        /// Approved.
        Approved = "approved",
        /// Denied.
        Denied = "denied",
        /// Nobody decided in time.
        Expired = "expired",
        /// Ended with its request, undecided.
        Closed = "closed",
    }
}

crate::text_enum! {
    /// Why somebody is an approver of a stage.
    pub enum Via {
        /// As the target's manager.
        Manager = "manager",
        /// Named in the policy.
        Named = "named",
        /// As a member of the policy's group.
        Group = "group",
        /// As the manager of the target's manager.
        SecondManager = "second_manager",
        /// As a sponsor of the target's connected organization.
        Sponsor = "sponsor",
        /// Because the stage was not decided for a while (D5).
        Alternate = "alternate",
        /// Because nobody else could decide (D3).
        Fallback = "fallback",
        /// As a catalog owner, because no fallback could decide either (D3).
        CatalogOwner = "catalog_owner",
        /// As an administrator, as the last resort (D38).
        Administrator = "administrator",
        /// Because another approver passed it on (D44).
        PassedOn = "passed_on",
    }
}

impl Via {
    /// "as ..." for pages.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Manager => "as manager",
            Self::Named => "named in the policy",
            Self::Group => "as a member of the approvers' group",
            Self::SecondManager => "as the manager’s manager",
            Self::Sponsor => "as sponsor of their organization",
            Self::Alternate => "as alternate approver",
            Self::Fallback => "as fallback approver",
            Self::CatalogOwner => "as catalog owner",
            Self::Administrator => "as administrator",
            Self::PassedOn => "because it was passed on to them",
        }
    }
}

crate::text_enum! {
    /// Approve or deny.
    pub enum Verdict {
        /// Yes.
        Approve = "approve",
        /// No; it ends the request.
        Deny = "deny",
    }
}

crate::text_enum! {
    /// How many of a stage's approvers must approve, as it was fixed when the stage opened (D37).
    pub enum Rule {
        /// Any one.
        Any = "any",
        /// As many as the stage says.
        Some = "some",
        /// All living primaries.
        Everyone = "everyone",
    }
}

/// The row of a request.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = crate::db::schema::requests)]
pub(super) struct Row {
    pub id: RequestId,
    pub reference: String,
    pub package_id: PackageId,
    pub policy_id: PolicyId,
    pub policy_version: i64,
    pub terms: String,
    pub contents_version: i64,
    pub requestor_id: PersonId,
    pub target_id: PersonId,
    pub reason: String,
    pub starts_at: Option<Ts>,
    pub ends_at: Option<Ts>,
    pub state: String,
    pub stage: i64,
    pub due_at: Option<Ts>,
    pub previous_id: Option<RequestId>,
    pub created_at: Ts,
    pub decided_at: Option<Ts>,
    pub ended_at: Option<Ts>,
    pub rev: i64,
    pub kind: String,
    pub answers: String,
    pub assignment_id: Option<AssignmentId>,
    pub basket_id: Option<BasketId>,
    pub held_at: Option<Ts>,
    pub reminded_at: Option<Ts>,
    pub asked_at: Option<Ts>,
    pub asked_by: Option<PersonId>,
    pub undo_until: Option<Ts>,
    pub exception: bool,
}

/// A request with the names around it.
#[derive(Clone, Debug)]
pub struct Request {
    /// Its id.
    pub id: RequestId,
    /// What people quote: "KH-7Q2M-9XKD".
    pub reference: String,
    /// What is asked for.
    pub package_id: PackageId,
    /// Its name now.
    pub package: String,
    /// The package's catalog.
    pub catalog_id: CatalogId,
    /// The policy.
    pub policy_id: PolicyId,
    /// The version that it was made under (D1).
    pub policy_version: i64,
    /// That version's terms.
    pub terms: Terms,
    /// The version of the package's contents that it was made for.
    pub contents_version: i64,
    /// Who asked.
    pub requestor_id: PersonId,
    /// Their name.
    pub requestor: String,
    /// For whom.
    pub target_id: PersonId,
    /// Their name.
    pub target: String,
    /// Why, in the requestor's words.
    pub reason: String,
    /// The start that was asked for.
    pub starts_at: Option<Ts>,
    /// The end that was asked for.
    pub ends_at: Option<Ts>,
    /// Where it stands.
    pub state: State,
    /// The number of the open stage, from 1; 0 before any.
    pub stage: i64,
    /// When the open stage runs out.
    pub due_at: Option<Ts>,
    /// The request that this one repeats.
    pub previous_id: Option<RequestId>,
    /// When it was submitted.
    pub created_at: Ts,
    /// When the last decision fell.
    pub decided_at: Option<Ts>,
    /// When it ended.
    pub ended_at: Option<Ts>,
    /// Grows with every change.
    pub rev: i64,
    /// What it is for.
    pub kind: RequestKind,
    /// What was answered.
    pub answers: Vec<Answer>,
    /// The assignment that it is about: extended, given back or taken again.
    pub assignment_id: Option<AssignmentId>,
    /// Requests that were sent together share it.
    pub basket_id: Option<BasketId>,
    /// Since when it waits because something was stopped (D47).
    pub held_at: Option<Ts>,
    /// When its approvers were last reminded on request.
    pub reminded_at: Option<Ts>,
    /// Since when it waits for information (D13).
    pub asked_at: Option<Ts>,
    /// Who asked for it.
    pub asked_by: Option<PersonId>,
    /// Until when the last decision can be taken back; delivery waits for it (D40).
    pub undo_until: Option<Ts>,
    /// True where it asks for an exception from separation of duties (D19).
    pub exception: bool,
    /// When the access that it brought ended, if it did.
    pub access_ended: Option<Ts>,
}

impl Request {
    /// Where it stands, in a word or two.
    #[must_use]
    pub fn label(&self) -> &'static str {
        if self.asked_at.is_some() && self.state == State::PendingApproval {
            return "Needs information";
        }
        if self.settles() {
            return "Approved";
        }
        self.state.says(self.kind, self.access_ended.is_some())
    }

    /// True once nothing of it is left: it ended without access, or its access has ended.
    #[must_use]
    pub fn over(&self) -> bool {
        match self.state {
            State::Delivered => self.access_ended.is_some(),
            state => state.ended(),
        }
    }

    /// True for what is approved and delivered in a moment, unless the decision is taken back (D40).
    #[must_use]
    pub fn settles(&self) -> bool {
        self.state == State::Scheduled
            && self.undo_until.is_some_and(|until| self.starts_at.is_none_or(|at| at <= until))
    }

    /// True while nobody can decide: something was stopped (D47), or information is awaited (D13).
    #[must_use]
    pub fn paused(&self) -> bool {
        self.held_at.is_some() || self.asked_at.is_some()
    }

    /// How many stages its policy has.
    #[must_use]
    pub fn stages(&self) -> i64 {
        i64::try_from(self.terms.stages.len()).unwrap_or(i64::MAX)
    }

    /// What its facts are about.
    #[must_use]
    pub fn about(&self) -> About {
        About::nothing()
            .request(self.id, &self.reference)
            .person(self.target_id, &self.target)
            .package(self.package_id, &self.package)
    }
}

/// A stage of a request.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = crate::db::schema::request_stages)]
pub struct Stage {
    /// Its id; a form carries it (E8).
    pub id: StageId,
    /// The request.
    pub request_id: RequestId,
    /// From 1.
    pub number: i64,
    pub(super) state: String,
    /// When its clock started (D5).
    pub opened_at: Ts,
    /// When it runs out.
    pub due_at: Ts,
    /// Who decided.
    pub decided_by: Option<PersonId>,
    /// When.
    pub decided_at: Option<Ts>,
    /// In their words.
    pub note: Option<String>,
    pub(super) rev: i64,
    pub(super) rule: String,
    /// How many must approve, where it is a number (D37).
    pub needed: i64,
    /// When its alternates join; empty once they have, or without any.
    pub alternates_at: Option<Ts>,
    /// When its approvers are reminded next.
    pub remind_at: Option<Ts>,
}

impl Stage {
    /// How many must approve.
    #[must_use]
    pub fn rule(&self) -> Rule {
        Rule::parse(&self.rule).unwrap_or(Rule::Everyone)
    }

    /// Where it stands.
    #[must_use]
    pub fn state(&self) -> StageState {
        StageState::parse(&self.state).unwrap_or(StageState::Closed)
    }
}

/// Somebody who may or could decide a stage.
#[derive(Clone, Debug)]
pub struct Approver {
    /// The stage.
    pub stage: StageId,
    /// Who.
    pub person: PersonId,
    /// Their name.
    pub name: String,
    /// Why them.
    pub via: Via,
    /// When the stage opened.
    pub opened_at: Ts,
    /// True while their decision is awaited.
    pub waiting: bool,
    /// What they said, if they have.
    pub vote: Option<Verdict>,
    /// When.
    pub voted_at: Option<Ts>,
    /// In their words.
    pub note: Option<String>,
    /// True for somebody who had to leave the stage aside.
    pub removed: bool,
    /// The stand-in who said it in their place (D34).
    pub voted_by: Option<PersonId>,
    /// The stand-in's name.
    pub voter: Option<String>,
    /// Who passed the decision on to them (D44).
    pub passed_by: Option<PersonId>,
}

impl Approver {
    /// Who has spoken, or whose word is awaited.
    #[must_use]
    pub fn by(&self) -> PersonId {
        self.voted_by.unwrap_or(self.person)
    }

    /// Who has spoken, or whose word is awaited: "Dario Conti, standing in for Marta Lindqvist" (D34).
    #[must_use]
    pub fn said_by(&self) -> String {
        match &self.voter {
            Some(voter) => format!("{voter}, standing in for {}", self.name),
            None => self.name.clone(),
        }
    }
}
