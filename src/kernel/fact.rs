//! The closed catalogue of what can happen. Every change of state records one of these in its own
//! transaction; the audit trail, every history and every notice are read from them.
//!
//! To add a fact: a variant here (with its family and its sentence) and a line in `notify/rules.rs`; words of its own for
//! its letter in `notify/letters.rs`, if its sentence is not enough.

use serde::{Deserialize, Serialize};

use super::{
    AssignmentId, CatalogId, PackageId, PersonId, RequestId, ReviewInstanceId, StandInId, Ts, Zone,
};
use crate::kernel::text::{capital, counted};

crate::text_enum! {
    /// The facets of the audit log.
    pub enum Family {
        /// Requests: submitted, canceled, expired, delivered.
        Requests = "requests",
        /// Approval stages and decisions.
        Decisions = "decisions",
        /// Assignments that start and end.
        Access = "access",
        /// Access reviews: what reviewers answered, and what became of it.
        Reviews = "reviews",
        /// What was asked of target systems and what they confirmed.
        Delivery = "delivery",
        /// Catalogs, resources, packages, policies, roles.
        Setup = "setup",
        /// Joiners, movers, leavers, groups.
        People = "people",
        /// Sign-in and sessions.
        SignIn = "sign-in",
    }
}

impl Family {
    /// The word for pages.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Requests => "Requests",
            Self::Decisions => "Decisions",
            Self::Access => "Access",
            Self::Reviews => "Access reviews",
            Self::Delivery => "Delivery",
            Self::Setup => "Catalogs and policies",
            Self::People => "People",
            Self::SignIn => "Sign-in",
        }
    }
}

crate::text_enum! {
    /// Why an assignment ended.
    pub enum EndReason {
        /// Its time was over.
        Expired = "expired",
        /// An owner or administrator ended it.
        EndedNow = "ended-now",
        /// The person left.
        Leaver = "leaver",
        /// The rules no longer allowed it when delivery was to start (D7).
        NotEligible = "not-eligible",
        /// The person gave it back (D42).
        GivenBack = "given-back",
        /// Somebody revoked the approval that had brought it.
        ApprovalRevoked = "approval-revoked",
        /// The person's manager ended it.
        EndedByManager = "ended-by-manager",
        /// A review decided so (D31).
        Review = "review",
    }
}

/// One field that changed, with its old and new words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// The field's name for people.
    pub field: String,
    /// What it was.
    pub from: String,
    /// What it is now.
    pub to: String,
}

impl Change {
    /// The change of a field; none if it is what it was.
    pub fn between(
        field: &str,
        from: impl std::fmt::Display,
        to: impl std::fmt::Display,
    ) -> Option<Self> {
        let (from, to) = (from.to_string(), to.to_string());
        (from != to).then(|| Self { field: field.to_owned(), from, to })
    }
}

/// What a fact is about: ids to find it by, and the names of that moment.
#[derive(Clone, Debug, Default)]
pub struct About {
    /// The person whom it concerns.
    pub person: Option<(PersonId, String)>,
    /// The package.
    pub package: Option<(PackageId, String)>,
    /// The catalog.
    pub catalog: Option<(CatalogId, String)>,
    /// The request and its reference.
    pub request: Option<(RequestId, String)>,
    /// The assignment.
    pub assignment: Option<AssignmentId>,
    /// The run of a review.
    pub review: Option<ReviewInstanceId>,
    /// The resource's name.
    pub resource: Option<String>,
    /// Free text of a person.
    pub note: Option<String>,
    /// When it was due, if a timer did it (E3).
    pub due: Option<Ts>,
}

impl About {
    /// About nothing yet.
    #[must_use]
    pub fn nothing() -> Self {
        Self::default()
    }

    /// About a person.
    #[must_use]
    pub fn person(mut self, id: PersonId, name: impl Into<String>) -> Self {
        self.person = Some((id, name.into()));
        self
    }

    /// About a package.
    #[must_use]
    pub fn package(mut self, id: PackageId, name: impl Into<String>) -> Self {
        self.package = Some((id, name.into()));
        self
    }

    /// About a catalog.
    #[must_use]
    pub fn catalog(mut self, id: CatalogId, name: impl Into<String>) -> Self {
        self.catalog = Some((id, name.into()));
        self
    }

    /// About a request.
    #[must_use]
    pub fn request(mut self, id: RequestId, reference: impl Into<String>) -> Self {
        self.request = Some((id, reference.into()));
        self
    }

    /// About an assignment.
    #[must_use]
    pub fn assignment(mut self, id: AssignmentId) -> Self {
        self.assignment = Some(id);
        self
    }

    /// About a run of a review.
    #[must_use]
    pub fn review(mut self, id: ReviewInstanceId) -> Self {
        self.review = Some(id);
        self
    }

    /// About a resource.
    #[must_use]
    pub fn resource(mut self, name: impl Into<String>) -> Self {
        self.resource = Some(name.into());
        self
    }

    /// With somebody's own words.
    #[must_use]
    pub fn note(mut self, words: impl Into<String>) -> Self {
        let words = words.into();
        self.note = (!words.is_empty()).then_some(words);
        self
    }

    /// Done by a timer that was due then.
    #[must_use]
    pub fn due(mut self, at: Ts) -> Self {
        self.due = Some(at);
        self
    }
}

/// Everything that can happen. Fields are what the sentence and the reader need beyond [`About`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[expect(missing_docs, reason = "each variant's sentence, below, is its documentation")]
pub enum Fact {
    // Requests
    RequestSubmitted {
        package_policy: String,
        version: i64,
    },
    RequestApproved {
        automatic: bool,
    },
    RequestScheduled {
        starts: Ts,
    },
    RequestDelivered,
    RequestDenied {
        rule: String,
    },
    RequestExpired {
        stage: i64,
        /// True where the requestor did not give the information that was asked for (D41).
        #[serde(default)]
        unanswered: bool,
    },
    RequestCanceled {
        leaver: bool,
    },
    RequestUndelivered {
        why: String,
    },
    RequestRefused,
    RequestHeld {
        why: String,
    },
    RequestResumed,
    RequestReminded {
        stage: i64,
    },
    ExtensionRequested {
        package_policy: String,
        version: i64,
        until: Option<Ts>,
    },
    ExceptionRequested {
        against: Vec<String>,
        until: Option<Ts>,
    },
    InformationAsked {
        stage: i64,
        stages: i64,
        /// Until when an answer is waited for (D41).
        due: Ts,
    },
    InformationGiven {
        stage: i64,
        stages: i64,
    },
    InformationNotNeeded {
        stage: i64,
        stages: i64,
    },
    CommentAdded {
        stage: i64,
    },
    PeriodShortened {
        from: Option<Ts>,
        until: Ts,
    },
    // Decisions
    StageOpened {
        stage: i64,
        stages: i64,
        approvers: Vec<String>,
        due: Ts,
    },
    ApproversFellBack {
        stage: i64,
        why: String,
        to: String,
    },
    ApproversChanged {
        stage: i64,
        gone: Vec<String>,
        now: Vec<String>,
    },
    StageApproved {
        stage: i64,
        stages: i64,
        /// For whom the actor stands in (D34).
        #[serde(default)]
        instead_of: Option<String>,
    },
    StageDenied {
        stage: i64,
        stages: i64,
        /// For whom the actor stands in (D34).
        #[serde(default)]
        instead_of: Option<String>,
    },
    VoteCast {
        stage: i64,
        stages: i64,
        have: i64,
        needed: i64,
        /// For whom the actor stands in (D34).
        #[serde(default)]
        instead_of: Option<String>,
    },
    DecisionTakenBack {
        stage: i64,
        stages: i64,
        approved: bool,
        /// For whom the actor stands in (D34).
        #[serde(default)]
        instead_of: Option<String>,
    },
    PassedOn {
        stage: i64,
        stages: i64,
        to: String,
        /// For whom the actor stands in (D34).
        #[serde(default)]
        instead_of: Option<String>,
    },
    AdministratorDecided {
        stage: i64,
        stages: i64,
        approved: bool,
    },
    ApprovalRevoked {
        stage: i64,
        stages: i64,
    },
    StandInSet {
        stand_in: String,
        from: Ts,
        until: Ts,
        packages: Vec<String>,
        /// The row that says who it is and for what.
        #[serde(default)]
        period: Option<StandInId>,
    },
    StandInEnded {
        stand_in: String,
        early: bool,
        /// The row that says who it is and for what.
        #[serde(default)]
        period: Option<StandInId>,
    },
    StageComplete {
        stage: i64,
        stages: i64,
    },
    StageSkipped {
        stage: i64,
        stages: i64,
    },
    AlternatesJoined {
        stage: i64,
        who: Vec<String>,
    },
    DecisionReminded {
        stage: i64,
        last: bool,
        due: Ts,
    },
    // Access
    AssignmentStarted {
        until: Option<Ts>,
    },
    AssignmentEnded {
        why: EndReason,
    },
    AssignedDirectly {
        policy: String,
    },
    AssignmentEnding {
        until: Ts,
        extendable: bool,
    },
    AssignmentExtended {
        until: Option<Ts>,
    },
    AssignmentMoved {
        from: String,
        to: String,
    },
    GivenBack,
    TakenAgain,
    // Access reviews
    ReviewCreated {
        review: String,
        reads: Vec<String>,
    },
    ReviewChanged {
        review: String,
        reads: Vec<String>,
    },
    ReviewEnded {
        review: String,
    },
    ReviewStarted {
        review: String,
        items: i64,
        reviewers: i64,
        due: Ts,
    },
    ReviewNotStarted {
        review: String,
        why: String,
    },
    ReviewAnswered {
        review: String,
        answer: String,
        until: Option<Ts>,
        /// For whom the actor stands in (D34).
        #[serde(default)]
        instead_of: Option<String>,
    },
    ReviewAnswerCleared {
        review: String,
    },
    ReviewPassedOn {
        review: String,
        to: String,
        /// For whom the actor stands in (D34).
        #[serde(default)]
        instead_of: Option<String>,
    },
    ReviewReplied {
        review: String,
    },
    ReviewReminded {
        review: String,
        last: bool,
        due: Ts,
    },
    ReviewSignedOff {
        review: String,
        kept: i64,
        shortened: i64,
        removed: i64,
        unknown: i64,
    },
    ReviewClosed {
        review: String,
        answered: i64,
        silent: i64,
        removals: i64,
    },
    ReviewUnconfirmed {
        review: String,
        by_silence: i64,
        items: i64,
        share: i64,
    },
    ReviewConfirmed {
        review: String,
        removals: i64,
        /// False where what silence would have removed stays.
        removed: bool,
    },
    ReviewCompleted {
        review: String,
        removed: i64,
        failed: i64,
    },
    ReviewCanceled {
        review: String,
    },
    ReviewStageOpened {
        review: String,
        stage: i64,
        due: Ts,
    },
    ReviewExtended {
        review: String,
        until: Ts,
    },
    ReviewReset {
        review: String,
        answers: i64,
    },
    ReviewersReplaced {
        review: String,
        gone: String,
        now: Vec<String>,
    },
    RemovalPlanned {
        review: String,
        at: Ts,
    },
    RemovalUndone {
        review: String,
    },
    RemovalFailed {
        review: String,
    },
    /// What no assignment gives is being taken away on the target system.
    RemovalBegun {
        review: String,
    },
    RemovalsByHand {
        review: String,
        items: i64,
    },
    RemovalProved {
        review: String,
    },
    DescriptionAsked {
        review: String,
    },
    DescriptionGiven {
        better: bool,
    },
    // Delivery
    RightDelivered {
        role: String,
        target: String,
    },
    RightHeldBefore {
        role: String,
        target: String,
    },
    RightRemoved {
        role: String,
        target: String,
    },
    RightKept {
        role: String,
        target: String,
    },
    DeliveryTroubled {
        role: String,
        target: String,
        removing: bool,
        code: String,
        words: String,
    },
    RemovalOverdue {
        role: String,
        target: String,
    },
    RetryAsked {
        resources: i64,
    },
    MailTriedAgain {
        mails: i64,
    },
    // Setup
    CatalogCreated,
    CatalogChanged {
        changes: Vec<Change>,
    },
    OwnerAdded {
        owner: String,
        group: bool,
    },
    OwnerRemoved {
        owner: String,
        group: bool,
    },
    ResourceAdded {
        target: String,
        address: String,
    },
    ResourceChanged {
        changes: Vec<Change>,
    },
    PackageCreated,
    PackageChanged {
        changes: Vec<Change>,
    },
    PackageContentsChanged {
        added: Vec<String>,
        removed: Vec<String>,
        version: i64,
    },
    PolicyCreated {
        policy: String,
        reads: Vec<String>,
    },
    PolicyChanged {
        policy: String,
        version: i64,
        reads: Vec<String>,
    },
    PolicySwitched {
        policy: String,
        on: bool,
    },
    PolicyDeleted {
        policy: String,
    },
    IncompatibilityAdded {
        other: String,
        group: bool,
        mutual: bool,
        holders: i64,
    },
    IncompatibilityRemoved {
        other: String,
        group: bool,
    },
    SettingsChanged {
        changes: Vec<Change>,
    },
    Stopped {
        what: String,
        name: String,
    },
    LetOn {
        what: String,
        name: String,
    },
    OrganizationCreated {
        organization: String,
        domains: Vec<String>,
    },
    OrganizationChanged {
        organization: String,
        changes: Vec<Change>,
    },
    OrganizationSwitched {
        organization: String,
        open: bool,
    },
    // People
    PersonJoined {
        returned: bool,
    },
    PersonMoved {
        changes: Vec<Change>,
    },
    PersonLeft,
    GroupChanged {
        group: String,
        added: i64,
        removed: i64,
    },
    StaffListImported {
        source: String,
        joiners: i64,
        movers: i64,
        leavers: i64,
    },
    GlobalRoleGranted {
        role: String,
    },
    GlobalRoleWithdrawn {
        role: String,
    },
    // Sign-in
    SignedIn,
    FirstSignIn {
        issuer: String,
    },
    SignInRefused {
        why: String,
    },
    SessionsEnded {
        sessions: i64,
    },
    SignedOutEverywhere {
        sessions: i64,
    },
}

/// How those who decide are called where their names are kept from those who wait (E17).
pub const APPROVER: &str = "an approver";

/// Those from whom the names of the people who decide are kept (E17): they wait for the decision. Nobody by default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Veil(pub Vec<PersonId>);

impl Veil {
    /// True where nobody's name is shown.
    #[must_use]
    pub fn hides(&self) -> bool {
        !self.0.is_empty()
    }

    /// How the actor of a fact is called, if not by their name: those who wait know each other.
    #[must_use]
    pub fn actor(&self, fact: &Fact, actor: Option<PersonId>) -> Option<&'static str> {
        let waits = actor.is_none_or(|id| self.0.contains(&id));
        if self.hides() && !waits { fact.veiled_actor() } else { None }
    }

    /// The fact as those who wait read it.
    #[must_use]
    pub fn fact(&self, fact: Fact) -> Fact {
        if self.hides() { fact.veiled() } else { fact }
    }

    /// What happened, in one sentence, as those who wait read it.
    #[must_use]
    pub fn sentence(&self, fact: &Fact, by: Option<PersonId>, names: Names<'_>) -> Sentence {
        if !self.hides() {
            return fact.sentence(names);
        }
        let Some(actor) = self.actor(fact, by) else {
            return self.fact(fact.clone()).sentence(names);
        };
        let mut sentence = self.fact(fact.clone()).sentence(Names { actor, ..names });
        if let Some(first) = sentence.0.first_mut().filter(|first| first.text == actor) {
            first.text = capital(actor);
        }
        sentence
    }
}

/// The names, where they are names; "3 approvers" where they are kept.
#[must_use]
pub fn together(names: Vec<String>) -> Vec<String> {
    let kept = names.len() > 1 && names.iter().all(|name| name == APPROVER);
    if kept { veiled(&names, APPROVER) } else { names }
}

/// So many people without their names; `one` where it is one.
fn veiled(names: &[String], one: &str) -> Vec<String> {
    match names.len() {
        0 => vec![],
        1 => vec![one.to_owned()],
        n => vec![format!("{n} approvers")],
    }
}

/// A part of a sentence: names are set apart, so that a page can isolate them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// True for the name of a person or thing.
    pub name: bool,
    /// The words; a time is in UTC here, and in the reader's zone after [`Sentence::in_zone`].
    pub text: String,
    /// The instant, where the words are a time.
    pub at: Option<Ts>,
    /// What that instant is.
    pub edge: Edge,
}

/// What an instant in a sentence is: the organization's days begin and end at its midnight, and are told as days.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Edge {
    /// A moment.
    #[default]
    Moment,
    /// Something begins; at midnight it is told by its first day.
    Start,
    /// Something ends; at midnight it is told by its last day.
    End,
}

impl Part {
    /// Plain words.
    #[must_use]
    pub fn words(text: &str) -> Self {
        Self { name: false, text: text.to_owned(), at: None, edge: Edge::Moment }
    }
}

/// A sentence of parts; `to_string` joins them.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Sentence(pub Vec<Part>);

impl Sentence {
    /// The same sentence with its times as clocks in the zone show them.
    #[must_use]
    pub fn in_zone(&self, zone: Zone) -> Self {
        let told = |part: &Part| match part.at {
            None => part.text.clone(),
            Some(at) => {
                let day = match part.edge {
                    Edge::Moment => None,
                    Edge::Start => zone.first_day(at),
                    Edge::End => zone.last_day(at),
                };
                match day {
                    Some(day) => day.format("%-d %b %Y").to_string(),
                    None => zone.local(at).format("%-d %b %Y, %H:%M").to_string(),
                }
            }
        };
        Self(self.0.iter().map(|part| Part { text: told(part), ..part.clone() }).collect())
    }
}

impl std::fmt::Display for Sentence {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|part| f.write_str(&part.text))
    }
}

/// The names that a sentence may speak of.
#[derive(Clone, Copy, Debug, Default)]
pub struct Names<'a> {
    /// Who did it.
    pub actor: &'a str,
    /// Whom it concerns.
    pub person: Option<&'a str>,
    /// The package.
    pub package: Option<&'a str>,
    /// The catalog.
    pub catalog: Option<&'a str>,
    /// The request's reference.
    pub reference: Option<&'a str>,
    /// The resource.
    pub resource: Option<&'a str>,
}

impl Fact {
    /// The stored name, the same as in the data.
    #[must_use]
    pub fn kind(&self) -> String {
        serde_json::to_value(self)
            .ok()
            .and_then(|value| value.get("kind").and_then(|kind| kind.as_str().map(str::to_owned)))
            .unwrap_or_default()
    }

    /// The connected organization that it is about, which [`About`] has no place for.
    #[must_use]
    pub fn organization(&self) -> Option<&str> {
        match self {
            Self::OrganizationCreated { organization, .. }
            | Self::OrganizationChanged { organization, .. }
            | Self::OrganizationSwitched { organization, .. } => Some(organization),
            _ => None,
        }
    }

    /// For whom the actor stood in, where they decided in somebody's place (D34).
    #[must_use]
    pub fn instead_of(&self) -> Option<&str> {
        match self {
            Self::StageApproved { instead_of, .. }
            | Self::StageDenied { instead_of, .. }
            | Self::VoteCast { instead_of, .. }
            | Self::DecisionTakenBack { instead_of, .. }
            | Self::PassedOn { instead_of, .. }
            | Self::ReviewAnswered { instead_of, .. }
            | Self::ReviewPassedOn { instead_of, .. } => instead_of.as_deref(),
            _ => None,
        }
    }

    /// The facet of the audit log.
    #[must_use]
    pub fn family(&self) -> Family {
        match self {
            Self::RequestSubmitted { .. }
            | Self::RequestApproved { .. }
            | Self::RequestScheduled { .. }
            | Self::RequestDelivered
            | Self::RequestDenied { .. }
            | Self::RequestExpired { .. }
            | Self::RequestCanceled { .. }
            | Self::RequestUndelivered { .. }
            | Self::RequestRefused
            | Self::RequestHeld { .. }
            | Self::RequestResumed
            | Self::RequestReminded { .. }
            | Self::ExtensionRequested { .. }
            | Self::ExceptionRequested { .. }
            | Self::InformationAsked { .. }
            | Self::InformationGiven { .. }
            | Self::InformationNotNeeded { .. }
            | Self::CommentAdded { .. } => Family::Requests,
            Self::StageOpened { .. }
            | Self::ApproversFellBack { .. }
            | Self::ApproversChanged { .. }
            | Self::StageApproved { .. }
            | Self::StageDenied { .. }
            | Self::VoteCast { .. }
            | Self::StageComplete { .. }
            | Self::StageSkipped { .. }
            | Self::AlternatesJoined { .. }
            | Self::DecisionReminded { .. }
            | Self::PeriodShortened { .. }
            | Self::DecisionTakenBack { .. }
            | Self::PassedOn { .. }
            | Self::AdministratorDecided { .. }
            | Self::ApprovalRevoked { .. }
            | Self::StandInSet { .. }
            | Self::StandInEnded { .. } => Family::Decisions,
            Self::AssignmentStarted { .. }
            | Self::AssignmentEnded { .. }
            | Self::AssignedDirectly { .. }
            | Self::AssignmentEnding { .. }
            | Self::AssignmentExtended { .. }
            | Self::AssignmentMoved { .. }
            | Self::GivenBack
            | Self::TakenAgain => Family::Access,
            Self::ReviewCreated { .. }
            | Self::ReviewChanged { .. }
            | Self::ReviewEnded { .. }
            | Self::ReviewStarted { .. }
            | Self::ReviewNotStarted { .. }
            | Self::ReviewAnswered { .. }
            | Self::ReviewPassedOn { .. }
            | Self::ReviewReplied { .. }
            | Self::ReviewReminded { .. }
            | Self::ReviewSignedOff { .. }
            | Self::ReviewClosed { .. }
            | Self::ReviewUnconfirmed { .. }
            | Self::ReviewConfirmed { .. }
            | Self::ReviewCompleted { .. }
            | Self::ReviewCanceled { .. }
            | Self::ReviewStageOpened { .. }
            | Self::ReviewExtended { .. }
            | Self::ReviewReset { .. }
            | Self::ReviewersReplaced { .. }
            | Self::ReviewAnswerCleared { .. }
            | Self::RemovalPlanned { .. }
            | Self::RemovalUndone { .. }
            | Self::RemovalFailed { .. }
            | Self::RemovalBegun { .. }
            | Self::RemovalsByHand { .. }
            | Self::RemovalProved { .. }
            | Self::DescriptionAsked { .. }
            | Self::DescriptionGiven { .. } => Family::Reviews,
            Self::RightDelivered { .. }
            | Self::RightHeldBefore { .. }
            | Self::RightRemoved { .. }
            | Self::RightKept { .. }
            | Self::DeliveryTroubled { .. }
            | Self::RemovalOverdue { .. }
            | Self::RetryAsked { .. }
            | Self::MailTriedAgain { .. } => Family::Delivery,
            Self::CatalogCreated
            | Self::CatalogChanged { .. }
            | Self::OwnerAdded { .. }
            | Self::OwnerRemoved { .. }
            | Self::ResourceAdded { .. }
            | Self::ResourceChanged { .. }
            | Self::PackageCreated
            | Self::PackageChanged { .. }
            | Self::PackageContentsChanged { .. }
            | Self::PolicyCreated { .. }
            | Self::PolicyChanged { .. }
            | Self::PolicySwitched { .. }
            | Self::PolicyDeleted { .. }
            | Self::IncompatibilityAdded { .. }
            | Self::IncompatibilityRemoved { .. }
            | Self::SettingsChanged { .. }
            | Self::Stopped { .. }
            | Self::LetOn { .. }
            | Self::OrganizationCreated { .. }
            | Self::OrganizationChanged { .. }
            | Self::OrganizationSwitched { .. } => Family::Setup,
            Self::PersonJoined { .. }
            | Self::PersonMoved { .. }
            | Self::PersonLeft
            | Self::GroupChanged { .. }
            | Self::StaffListImported { .. }
            | Self::GlobalRoleGranted { .. }
            | Self::GlobalRoleWithdrawn { .. } => Family::People,
            Self::SignedIn
            | Self::FirstSignIn { .. }
            | Self::SignInRefused { .. }
            | Self::SessionsEnded { .. }
            | Self::SignedOutEverywhere { .. } => Family::SignIn,
        }
    }

    /// True where something did not work.
    #[must_use]
    pub fn failed(&self) -> bool {
        matches!(
            self,
            Self::DeliveryTroubled { .. }
                | Self::RemovalOverdue { .. }
                | Self::RequestUndelivered { .. }
                | Self::ReviewNotStarted { .. }
                | Self::RemovalFailed { .. }
                | Self::SignInRefused { .. }
        )
    }

    /// The kinds that say what somebody thinks of an item of a review, before it counts.
    pub const ANSWERS: [&str; 3] = ["review_answered", "review_answer_cleared", "review_passed_on"];

    /// How its actor is called where the names of those who decide are kept; none for who does not act as one of them.
    fn veiled_actor(&self) -> Option<&'static str> {
        match self {
            Self::InformationAsked { .. }
            | Self::InformationNotNeeded { .. }
            | Self::PeriodShortened { .. }
            | Self::StageApproved { .. }
            | Self::StageDenied { .. }
            | Self::VoteCast { .. }
            | Self::DecisionTakenBack { .. }
            | Self::PassedOn { .. }
            | Self::ApprovalRevoked { .. }
            | Self::AssignmentEnded { why: EndReason::ApprovalRevoked } => Some(APPROVER),
            Self::AdministratorDecided { .. } => Some("an administrator"),
            Self::ReviewAnswered { .. }
            | Self::ReviewAnswerCleared { .. }
            | Self::ReviewPassedOn { .. }
            | Self::RemovalUndone { .. } => Some("a reviewer"),
            Self::CommentAdded { .. } => Some("somebody who decides or looks after it"),
            _ => None,
        }
    }

    /// The same without the names of those who decide.
    fn veiled(mut self) -> Self {
        match &mut self {
            Self::StageOpened { approvers, .. } => *approvers = veiled(approvers, APPROVER),
            Self::ApproversChanged { gone, now, .. } => {
                *gone = veiled(gone, "An approver");
                *now = veiled(now, APPROVER);
            }
            Self::AlternatesJoined { who, .. } => *who = veiled(who, "Another approver"),
            Self::PassedOn { to, .. } => "another approver".clone_into(to),
            Self::ReviewPassedOn { to, .. } => "another reviewer".clone_into(to),
            _ => {}
        }
        if let Self::StageApproved { instead_of, .. }
        | Self::StageDenied { instead_of, .. }
        | Self::VoteCast { instead_of, .. }
        | Self::DecisionTakenBack { instead_of, .. }
        | Self::PassedOn { instead_of, .. }
        | Self::ReviewAnswered { instead_of, .. }
        | Self::ReviewPassedOn { instead_of, .. } = &mut self
        {
            *instead_of = instead_of.take().map(|_| "another".to_owned());
        }
        self
    }

    /// What happened, in one sentence.
    #[must_use]
    pub fn sentence(&self, names: Names<'_>) -> Sentence {
        fill(&self.pattern(), names)
    }

    fn pattern(&self) -> String {
        match self {
            Self::RequestSubmitted { package_policy, version } => {
                format!(
                    "{{actor}} requested {{package}} for {{person}} under policy “{}”, version {version}",
                    data(package_policy)
                )
            }
            Self::RequestApproved { automatic: true } => {
                "{package} for {person} needs no approval".into()
            }
            Self::RequestApproved { automatic: false } => {
                "{package} for {person} is approved".into()
            }
            Self::RequestScheduled { starts } => {
                format!("{{package}} for {{person}} is scheduled to start on {}", start(*starts))
            }
            Self::RequestDelivered => {
                "{package} for {person} is delivered: every system has confirmed it".into()
            }
            Self::RequestDenied { rule } => {
                format!("{{package}} for {{person}} was denied by a rule: {}", data(rule))
            }
            Self::RequestExpired { unanswered: true, .. } => {
                "{package} for {person} expired: the information that was asked for did not come"
                    .into()
            }
            Self::RequestExpired { stage, .. } => {
                format!("{{package}} for {{person}} expired: nobody decided stage {stage} in time")
            }
            Self::RequestCanceled { leaver: true } => {
                "{package} for {person} was canceled, because the person left".into()
            }
            Self::RequestCanceled { leaver: false } => {
                "{actor} canceled {package} for {person}".into()
            }
            Self::RequestUndelivered { why } => {
                format!("{{package}} for {{person}} was not delivered: {}", data(why))
            }
            Self::RequestRefused => {
                "{actor} refused {package}, which was requested for them".into()
            }
            Self::RequestHeld { why } => {
                format!("{{package}} for {{person}} waits: {}", data(why))
            }
            Self::RequestResumed => "{package} for {person} goes on".into(),
            Self::RequestReminded { stage } => format!(
                "{{actor}} reminded the approvers of stage {stage} of {{package}} for {{person}}"
            ),
            Self::ExtensionRequested { package_policy, version, until } => format!(
                "{{actor}} asked to extend {{package}} for {{person}}{} under policy “{}”, version {version}",
                until.map_or_else(String::new, |at| format!(" until {}", end(at))),
                data(package_policy)
            ),
            Self::ExceptionRequested { against, until } => format!(
                "{{actor}} asked for an exception, so that {{person}} may hold {{package}} beside {}{}",
                data(&listed(against)),
                until.map_or_else(String::new, |at| format!(" until {}", end(at)))
            ),
            Self::InformationAsked { stage, stages, .. } => format!(
                "{{actor}} asked for information about {{package}} for {{person}}{}",
                of(*stage, *stages)
            ),
            Self::InformationGiven { .. } => {
                "{actor} answered what was asked about {package} for {person}".into()
            }
            Self::InformationNotNeeded { .. } => {
                "{actor} took the question about {package} for {person} back".into()
            }
            Self::CommentAdded { .. } => "{actor} commented on {package} for {person}".into(),
            Self::PeriodShortened { from: Some(from), until } => format!(
                "{{actor}} shortened {{package}} for {{person}}: until {} instead of {}",
                end(*until),
                end(*from)
            ),
            Self::PeriodShortened { from: None, until } => {
                format!("{{actor}} shortened {{package}} for {{person}}: until {}", end(*until))
            }
            Self::DecisionTakenBack { stage, stages, approved, instead_of } => format!(
                "{{actor}}{} took the {} of {{package}} for {{person}} back{}",
                standing_in(instead_of.as_deref()),
                if *approved { "approval" } else { "denial" },
                of(*stage, *stages)
            ),
            Self::PassedOn { stage, stages, to, instead_of } => format!(
                "{{actor}}{} passed {{package}} for {{person}} on to {}{}",
                standing_in(instead_of.as_deref()),
                data(to),
                of(*stage, *stages)
            ),
            Self::AdministratorDecided { stage, stages, approved } => format!(
                "{{actor}} {} {{package}} for {{person}} as administrator, in place of the approvers{}",
                if *approved { "approved" } else { "denied" },
                of(*stage, *stages)
            ),
            Self::ApprovalRevoked { stage, stages } => format!(
                "{{actor}} revoked their approval of {{package}} for {{person}}{}",
                of(*stage, *stages)
            ),
            Self::ReviewCreated { review, .. } => {
                format!("{{actor}} set up the access review “{}”", data(review))
            }
            Self::ReviewChanged { review, .. } => {
                format!("{{actor}} changed the access review “{}”", data(review))
            }
            Self::ReviewEnded { review } => {
                format!("{{actor}} ended the access review “{}”: it starts no more", data(review))
            }
            Self::ReviewStarted { review, items, reviewers, due } => format!(
                "The access review “{}” started: {}, {}, until {}",
                data(review),
                counted(*items, "item", "items"),
                counted(*reviewers, "reviewer", "reviewers"),
                end(*due)
            ),
            Self::ReviewNotStarted { review, why } => {
                format!("The access review “{}” cannot start: {}", data(review), data(why))
            }
            Self::ReviewAnswered { review, answer, until, .. } => {
                let says = match (answer.as_str(), until) {
                    ("keep", _) => "{package} stays with {person}".to_owned(),
                    ("until", Some(until)) => {
                        format!("{{package}} stays with {{person}} until {}", end(*until))
                    }
                    ("remove", _) => "{package} goes from {person}".to_owned(),
                    _ => "they do not know whether {person} needs {package}".to_owned(),
                };
                format!("{{actor}} answered in the access review “{}”: {says}", data(review))
            }
            Self::ReviewAnswerCleared { review } => format!(
                "{{actor}} took back their answer on {{package}} of {{person}} in the access review “{}”",
                data(review)
            ),
            Self::ReviewPassedOn { review, to, .. } => format!(
                "{{actor}} passed {{package}} of {{person}} on to {} in the access review “{}”",
                data(to),
                data(review)
            ),
            Self::ReviewReplied { review } => format!(
                "{{person}} said something about their own {{package}} in the access review “{}”",
                data(review)
            ),
            Self::ReviewReminded { review, last, due } => format!(
                "Reviewers with open items were reminded of the access review “{}”, which closes on {}{}",
                data(review),
                end(*due),
                if *last { ": it is the last day" } else { "" }
            ),
            Self::ReviewSignedOff { review, kept, shortened, removed, unknown } => format!(
                "{{actor}} signed off in the access review “{}”: {kept} kept, {shortened} until a day, {removed} removed, {unknown} not known",
                data(review)
            ),
            Self::ReviewClosed { review, answered, silent, removals } => format!(
                "The access review “{}” closed: {answered} answered, {silent} without an answer, {}",
                data(review),
                counted(*removals, "removal", "removals")
            ),
            Self::ReviewUnconfirmed { review, by_silence, items, share } => format!(
                "The access review “{}” waits for an administrator: silence would remove {by_silence} of {}, more than {share} %",
                data(review),
                counted(*items, "item", "items")
            ),
            Self::ReviewConfirmed { review, removals, removed: true } => format!(
                "{{actor}} confirmed what silence removes in the access review “{}”: {}",
                data(review),
                counted(*removals, "removal", "removals")
            ),
            Self::ReviewConfirmed { review, removals, removed: false } => format!(
                "{{actor}} decided that silence removes nothing in the access review “{}”: {} left out",
                data(review),
                counted(*removals, "removal", "removals")
            ),
            Self::ReviewCompleted { review, removed, failed } => format!(
                "The access review “{}” is completed: {removed} confirmed as removed, {failed} not",
                data(review)
            ),
            Self::ReviewCanceled { review } => {
                format!(
                    "{{actor}} canceled the access review “{}”: nothing of it has an effect",
                    data(review)
                )
            }
            Self::ReviewStageOpened { review, stage, due } => format!(
                "Stage {stage} of the access review “{}” has begun, until {}",
                data(review),
                end(*due)
            ),
            Self::ReviewExtended { review, until } => format!(
                "{{actor}} extended the access review “{}” until {}",
                data(review),
                end(*until)
            ),
            Self::ReviewReset { review, answers } => format!(
                "{{actor}} reset the access review “{}”: {} no longer count",
                data(review),
                counted(*answers, "answer", "answers")
            ),
            Self::ReviewersReplaced { review, gone, now } => format!(
                "In the access review “{}” the items of {} are with {} now",
                data(review),
                data(gone),
                data(&listed(now))
            ),
            Self::RemovalPlanned { review, at } => format!(
                "{{package}} will be removed from {{person}} on {}: the access review “{}” decided so",
                moment(*at),
                data(review)
            ),
            Self::RemovalUndone { review } => format!(
                "{{actor}} called off the removal of {{package}} from {{person}}, which the access review “{}” had decided",
                data(review)
            ),
            Self::RemovalFailed { review } => format!(
                "{{package}} of {{person}} could not be removed in time, as the access review “{}” had decided",
                data(review)
            ),
            Self::RemovalBegun { review } => format!(
                "The removal of {{package}} from {{person}} has begun, as the access review “{}” had decided",
                data(review)
            ),
            Self::RemovalsByHand { review, items } => format!(
                "The access review “{}” decided on {} that you carry out by hand",
                data(review),
                counted(*items, "removal", "removals")
            ),
            Self::RemovalProved { review } => format!(
                "{{actor}} removed {{package}} from {{person}} by hand, as the access review “{}” had decided",
                data(review)
            ),
            Self::DescriptionGiven { better: true } => {
                "{package} is described better, as a reviewer asked".to_owned()
            }
            Self::DescriptionGiven { better: false } => {
                "The description of {package} was found to be enough".to_owned()
            }
            Self::DescriptionAsked { review } => format!(
                "A reviewer of the access review “{}” could not tell what {{package}} is for: describe it better",
                data(review)
            ),
            Self::StandInSet { stand_in, from, until, packages, .. } => format!(
                "{} stands in for {{person}} from {} until {}{}",
                data(stand_in),
                start(*from),
                end(*until),
                match packages.as_slice() {
                    [] => String::new(),
                    some => format!(", for {}", data(&listed(some))),
                }
            ),
            Self::StandInEnded { stand_in, early: true, .. } => {
                format!(
                    "{{actor}} ended the time in which {} stands in for {{person}}",
                    data(stand_in)
                )
            }
            Self::StandInEnded { stand_in, early: false, .. } => {
                format!("{} no longer stands in for {{person}}: the time is over", data(stand_in))
            }
            Self::IncompatibilityAdded { other, group, mutual, .. } => format!(
                "{{actor}} made {{package}} and {}{} incompatible{}",
                if *group { "membership of group " } else { "" },
                data(other),
                if *mutual { "" } else { ", one way" }
            ),
            Self::IncompatibilityRemoved { other, group } => format!(
                "{{actor}} let {{package}} and {}{} be held together again",
                if *group { "membership of group " } else { "" },
                data(other)
            ),
            Self::SettingsChanged { changes } => {
                format!("{{actor}} changed the organization’s settings{}", changed(changes))
            }
            Self::StageOpened { stage, stages, approvers, due } => format!(
                "Stage {stage} of {stages} opened for {{package}} for {{person}}: with {} until {}",
                data(&listed(approvers)),
                end(*due)
            ),
            Self::ApproversFellBack { stage, why, to } => {
                format!("Stage {stage} went to {}, because {}", data(to), data(why))
            }
            Self::ApproversChanged { stage, gone, now } => format!(
                "Stage {stage} for {{package}} for {{person}} changed hands: {} can no longer decide; now with {}",
                data(&listed(gone)),
                data(&listed(now))
            ),
            Self::StageApproved { stage, stages, instead_of } => format!(
                "{{actor}}{} approved {{package}} for {{person}}{}",
                standing_in(instead_of.as_deref()),
                of(*stage, *stages)
            ),
            Self::StageDenied { stage, stages, instead_of } => format!(
                "{{actor}}{} denied {{package}} for {{person}}{}",
                standing_in(instead_of.as_deref()),
                of(*stage, *stages)
            ),
            Self::VoteCast { stage, stages, have, needed, instead_of } => format!(
                "{{actor}}{} approved {{package}} for {{person}}{}: {have} of {needed} approvals",
                standing_in(instead_of.as_deref()),
                of(*stage, *stages)
            ),
            Self::StageComplete { stage, stages } => format!(
                "{{package}} for {{person}} has every approval of those who are left{}",
                of(*stage, *stages)
            ),
            Self::StageSkipped { stage, stages } => format!(
                "{{package}} for {{person}} did not need stage {stage} of {stages}: its condition does not hold"
            ),
            Self::AlternatesJoined { stage, who } => format!(
                "{} can decide {{package}} for {{person}}, too: stage {stage} was not decided for a while",
                data(&listed(who))
            ),
            Self::DecisionReminded { stage, last, due } => format!(
                "{{package}} for {{person}} still waits for a decision{}: stage {stage} runs out on {}",
                if *last { " and this is the last day" } else { "" },
                end(*due)
            ),
            Self::AssignedDirectly { policy } => format!(
                "{{actor}} assigned {{package}} to {{person}} directly, under policy “{}”",
                data(policy)
            ),
            Self::AssignmentEnding { until, extendable } => format!(
                "{{package}} ends for {{person}} on {}{}",
                end(*until),
                if *extendable { "; it can be extended" } else { "" }
            ),
            Self::AssignmentExtended { until: Some(until) } => {
                format!("{{package}} was extended for {{person}} until {}", end(*until))
            }
            Self::AssignmentExtended { until: None } => {
                "{package} was extended for {person} without an end".into()
            }
            Self::AssignmentMoved { from, to } => format!(
                "{{actor}} moved {{package}} for {{person}} from policy “{}” to “{}”",
                data(from),
                data(to)
            ),
            Self::GivenBack => "{actor} gave {package} back".into(),
            Self::TakenAgain => "{actor} took {package} again".into(),
            Self::AssignmentStarted { until: Some(until) } => {
                format!("{{package}} was assigned to {{person}} until {}", end(*until))
            }
            Self::AssignmentStarted { until: None } => {
                "{package} was assigned to {person} without an end".into()
            }
            Self::AssignmentEnded { why } => match why {
                EndReason::Expired => "{package} ended for {person}: its time was over".into(),
                EndReason::EndedNow => "{actor} ended {package} for {person}".into(),
                EndReason::Leaver => "{package} ended for {person}, who left".into(),
                EndReason::NotEligible => {
                    "{package} ended for {person}: the rules no longer allow it".into()
                }
                EndReason::Review => {
                    "{package} ended for {person}: an access review decided so".into()
                }
                EndReason::GivenBack => "{package} ended for {person}, who gave it back".into(),
                EndReason::ApprovalRevoked => {
                    "{package} ended for {person}: {actor} revoked the approval".into()
                }
                EndReason::EndedByManager => {
                    "{actor} ended {package} for {person}, who reports to them".into()
                }
            },
            Self::RightDelivered { role, target } => {
                format!("{} confirmed: {{person}} has {} in {{resource}}", data(target), data(role))
            }
            Self::RightHeldBefore { role, target } => {
                format!(
                    "{{person}} already had {} in {{resource}} ({}) before this assignment",
                    data(role),
                    data(target)
                )
            }
            Self::RightRemoved { role, target } => {
                format!(
                    "{} confirmed: {{person}} no longer has {} in {{resource}}",
                    data(target),
                    data(role)
                )
            }
            Self::RightKept { role, target } => format!(
                "{{person}} keeps {} in {{resource}} ({}), because they had it before the assignment",
                data(role),
                data(target)
            ),
            Self::DeliveryTroubled { role, target, removing, words, .. } => format!(
                "{} {} in {{resource}} for {{person}} has not worked yet ({}): {}",
                if *removing { "Removing" } else { "Adding" },
                data(role),
                data(target),
                data(words)
            ),
            Self::RemovalOverdue { role, target } => format!(
                "{} in {{resource}} ({}) should have been taken from {{person}} an hour ago, and the target has not confirmed it",
                data(role),
                data(target)
            ),
            Self::RetryAsked { resources } => format!(
                "{{actor}} asked to retry {{package}} for {{person}} ({})",
                counted(*resources, "resource", "resources")
            ),
            Self::MailTriedAgain { mails: 1 } => "{actor} asked to send a failed mail again".into(),
            Self::MailTriedAgain { mails } => {
                format!("{{actor}} asked to send {mails} failed mails again")
            }
            Self::CatalogCreated => "{actor} created catalog {catalog}".into(),
            Self::CatalogChanged { changes } => {
                format!("{{actor}} changed catalog {{catalog}}{}", changed(changes))
            }
            Self::OwnerAdded { owner, group } => format!(
                "{{actor}} made {}{} an owner of {{catalog}}",
                if *group { "group " } else { "" },
                data(owner)
            ),
            Self::OwnerRemoved { owner, group } => format!(
                "{{actor}} removed {}{} from the owners of {{catalog}}",
                if *group { "group " } else { "" },
                data(owner)
            ),
            Self::ResourceAdded { target, .. } => {
                format!("{{actor}} added resource {{resource}} of {} to {{catalog}}", data(target))
            }
            Self::ResourceChanged { changes } => {
                format!("{{actor}} changed resource {{resource}}{}", changed(changes))
            }
            Self::PackageCreated => "{actor} created access package {package} in {catalog}".into(),
            Self::PackageChanged { changes } => {
                format!("{{actor}} changed access package {{package}}{}", changed(changes))
            }
            Self::PackageContentsChanged { added, removed, version } => {
                let mut parts = Vec::new();
                if !added.is_empty() {
                    parts.push(format!("added {}", data(&listed(added))));
                }
                if !removed.is_empty() {
                    parts.push(format!("removed {}", data(&listed(removed))));
                }
                format!(
                    "{{actor}} changed what is in {{package}} (version {version}): {}",
                    parts.join("; ")
                )
            }
            Self::PolicyCreated { policy, .. } => {
                format!("{{actor}} created policy “{}” of {{package}}", data(policy))
            }
            Self::PolicyChanged { policy, version, .. } => {
                format!(
                    "{{actor}} changed policy “{}” of {{package}}, now version {version}",
                    data(policy)
                )
            }
            Self::PolicySwitched { policy, on } => format!(
                "{{actor}} switched policy “{}” of {{package}} {}",
                data(policy),
                if *on { "on" } else { "off" }
            ),
            Self::PolicyDeleted { policy } => {
                format!("{{actor}} deleted policy “{}” of {{package}}", data(policy))
            }
            Self::Stopped { what, name } => {
                format!("{{actor}} stopped {} “{}” at once", data(what), data(name))
            }
            Self::LetOn { what, name } => {
                format!("{{actor}} let {} “{}” go on", data(what), data(name))
            }
            Self::OrganizationCreated { organization, domains } => format!(
                "{{actor}} connected organization {}, with {}",
                data(organization),
                match domains.as_slice() {
                    [] => "no mail domain".to_owned(),
                    [one] => format!("mail domain {}", data(one)),
                    all => format!("mail domains {}", data(&listed(all))),
                }
            ),
            Self::OrganizationChanged { organization, changes } => {
                format!("{{actor}} changed organization {}{}", data(organization), changed(changes))
            }
            Self::OrganizationSwitched { organization, open } => format!(
                "{{actor}} {} organization {} for new requests",
                if *open { "opened" } else { "closed" },
                data(organization)
            ),
            Self::PersonJoined { returned: true } => "{person} returned".into(),
            Self::PersonJoined { returned: false } => "{person} joined".into(),
            Self::PersonMoved { changes } => format!("{{person}} changed{}", changed(changes)),
            Self::PersonLeft => "{person} left".into(),
            Self::GroupChanged { group, added, removed } => format!(
                "Group {} changed: {} added, {removed} removed",
                data(group),
                counted(*added, "member", "members")
            ),
            Self::StaffListImported { source, joiners, movers, leavers } => format!(
                "Staff list “{}” imported: {}, {}, {}",
                data(source),
                counted(*joiners, "joiner", "joiners"),
                counted(*movers, "mover", "movers"),
                counted(*leavers, "leaver", "leavers")
            ),
            Self::GlobalRoleGranted { role } => format!("{{actor}} made {{person}} {}", data(role)),
            Self::GlobalRoleWithdrawn { role } => {
                format!("{{actor}} took the role {} from {{person}}", data(role))
            }
            Self::SignedIn => "{person} signed in".into(),
            Self::FirstSignIn { issuer } => {
                format!("{{person}} signed in for the first time, through {}", data(issuer))
            }
            Self::SignInRefused { why } => format!("A sign-in was refused: {}", data(why)),
            Self::SessionsEnded { sessions } => {
                format!(
                    "{{person}} ended {}",
                    counted(*sessions, "other session", "other sessions")
                )
            }
            Self::SignedOutEverywhere { sessions } => format!(
                "{{person}} signed out everywhere ({} ended)",
                counted(*sessions, "session", "sessions")
            ),
        }
    }
}

/// Text from outside inside a pattern: its braces must not read as placeholders.
fn data(text: &str) -> String {
    text.replace('{', "(").replace('}', ")")
}

/// A moment in a pattern: [`fill`] makes a part of it.
fn moment(at: Ts) -> String {
    format!("{{@{}}}", at.micros())
}

/// A start in a pattern.
fn start(at: Ts) -> String {
    format!("{{^{}}}", at.micros())
}

/// An end in a pattern.
fn end(at: Ts) -> String {
    format!("{{~{}}}", at.micros())
}

fn of(stage: i64, stages: i64) -> String {
    if stages > 1 { format!(" (stage {stage} of {stages})") } else { String::new() }
}

/// Both names stand on a decision that a stand-in takes (D34); after the actor.
fn standing_in(instead_of: Option<&str>) -> String {
    instead_of.map_or_else(String::new, |name| format!(", standing in for {},", data(name)))
}

/// "Ann", "Ann and Bo", "Ann, Bo and 3 more".
#[must_use]
pub fn listed(names: &[String]) -> String {
    match names {
        [] => "nobody".into(),
        [one] => one.clone(),
        [one, two] => format!("{one} and {two}"),
        [one, two, three] => format!("{one}, {two} and {three}"),
        [one, two, rest @ ..] => format!("{one}, {two} and {} more", rest.len()),
    }
}

fn changed(changes: &[Change]) -> String {
    if changes.is_empty() {
        return String::new();
    }
    let parts: Vec<String> = changes
        .iter()
        .map(|c| {
            let word = |text: &str| {
                if text.is_empty() { "nothing".to_owned() } else { format!("“{}”", data(text)) }
            };
            format!("{} {} (was {})", data(&c.field), word(&c.to), word(&c.from))
        })
        .collect();
    format!(": {}", parts.join("; "))
}

fn fill(pattern: &str, names: Names<'_>) -> Sentence {
    let mut parts = Vec::new();
    let mut rest = pattern;
    while let Some(start) = rest.find('{') {
        let Some(len) = rest[start..].find('}') else { break };
        let inside = &rest[start + 1..start + len];
        if start > 0 {
            parts.push(Part::words(&rest[..start]));
        }
        rest = &rest[start + len + 1..];
        let micros = inside.strip_prefix(['@', '^', '~']).and_then(|micros| micros.parse().ok());
        if let Some(at) = micros.map(Ts::from_micros) {
            let text = at.utc().format("%-d %b %Y, %H:%M UTC").to_string();
            let edge = match inside.as_bytes().first() {
                Some(b'^') => Edge::Start,
                Some(b'~') => Edge::End,
                _ => Edge::Moment,
            };
            parts.push(Part { at: Some(at), edge, ..Part::words(&text) });
            continue;
        }
        let name = match inside {
            "actor" => Some(names.actor),
            "person" => names.person,
            // What no package gives is called by its own name.
            "package" => names.package.or(names.resource),
            "catalog" => names.catalog,
            "reference" => names.reference,
            _ => names.resource,
        };
        parts.push(Part { name: true, ..Part::words(name.unwrap_or("(unnamed)")) });
    }
    if !rest.is_empty() {
        parts.push(Part::words(rest));
    }
    Sentence(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_sets_names_apart_and_cannot_be_forged_by_data() {
        let fact = Fact::PolicyCreated { policy: "{person}".into(), reads: vec![] };
        let names = Names { actor: "Ann {x}", package: Some("Ledger"), ..Names::default() };
        let sentence = fact.sentence(names);
        assert_eq!(sentence.to_string(), "Ann {x} created policy “(person)” of Ledger");
        assert!(sentence.0[0].name && !sentence.0[1].name);
    }

    #[test]
    fn a_time_in_a_sentence_is_the_readers() {
        let until = Some(Ts::new("2026-11-24T14:10:00Z".parse().unwrap()));
        let names = Names { person: Some("Ann"), package: Some("Ledger"), ..Names::default() };
        let sentence = Fact::AssignmentStarted { until }.sentence(names);
        assert_eq!(sentence.to_string(), "Ledger was assigned to Ann until 24 Nov 2026, 14:10 UTC");
        let local = sentence.in_zone(Zone::of(chrono_tz::Europe::Stockholm));
        assert_eq!(local.to_string(), "Ledger was assigned to Ann until 24 Nov 2026, 15:10");
    }

    #[test]
    fn the_last_day_was_told_as_midnight_of_the_day_after() {
        let names = Names { person: Some("Ann"), package: Some("Ledger"), ..Names::default() };
        let stockholm = Zone::of(chrono_tz::Europe::Stockholm);
        let told = |fact: &Fact| fact.sentence(names).in_zone(stockholm).to_string();
        let midnight = Ts::new("2026-11-23T23:00:00Z".parse().unwrap());
        let ends = Fact::AssignmentStarted { until: Some(midnight) };
        assert_eq!(told(&ends), "Ledger was assigned to Ann until 23 Nov 2026");
        let due = Fact::ReviewExtended { review: "All".into(), until: midnight };
        assert!(told(&due).ends_with("“All” until 23 Nov 2026"), "{}", told(&due));
        // What begins at midnight begins on that day.
        let starts = Fact::RemovalPlanned { review: "All".into(), at: midnight };
        assert!(told(&starts).contains("on 24 Nov 2026, 00:00"), "{}", told(&starts));
    }

    #[test]
    fn a_fact_survives_its_storage() {
        let fact = Fact::AssignmentEnded { why: EndReason::Leaver };
        let text = serde_json::to_string(&fact).unwrap();
        assert_eq!(serde_json::from_str::<Fact>(&text).unwrap(), fact);
        assert_eq!(fact.kind(), "assignment_ended");
    }
}
