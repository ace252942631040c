//! The one table "when this happens, tell them": pure and exhaustive. Nobody is told of what they cannot act on,
//! except requestor and target about their own request (D36, D48).

use crate::kernel::Fact;

/// A group of people around a fact.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Audience {
    /// Who asked, and for whom.
    RequestorAndTarget,
    /// The approvers whose decision on the stage of this number is awaited still.
    Deciders(i64),
    /// Of those, the ones who have just joined as alternates.
    Alternates(i64),
    /// The person whom it concerns.
    Person,
    /// The owners of the package's catalog.
    CatalogOwners,
}

/// Whom a fact is told, and where its notice leads.
#[must_use]
pub fn audiences(fact: &Fact) -> Vec<Audience> {
    use Audience::{Alternates, CatalogOwners, Deciders, Person, RequestorAndTarget};
    match fact {
        Fact::StageOpened { stage, .. } => vec![Deciders(*stage)],
        Fact::ApproversChanged { stage, .. } => vec![Deciders(*stage), RequestorAndTarget],
        Fact::AlternatesJoined { stage, .. } => vec![Alternates(*stage)],
        Fact::DecisionReminded { stage, .. } | Fact::RequestReminded { stage } => {
            vec![Deciders(*stage)]
        }
        // Whoever asked for somebody else did it; the other one is told at once, and can refuse (D46).
        Fact::RequestSubmitted { .. } | Fact::ExtensionRequested { .. } => vec![RequestorAndTarget],
        Fact::RequestRefused
        | Fact::RequestHeld { .. }
        | Fact::RequestResumed
        | Fact::AssignmentExtended { .. } => vec![RequestorAndTarget],
        Fact::AssignmentEnding { .. } => vec![Person],
        Fact::RequestApproved { .. }
        | Fact::RequestScheduled { .. }
        | Fact::RequestDelivered
        | Fact::RequestDenied { .. }
        | Fact::RequestExpired { .. }
        | Fact::RequestUndelivered { .. }
        | Fact::StageDenied { .. } => vec![RequestorAndTarget],
        Fact::RequestCanceled { leaver: false } => vec![RequestorAndTarget],
        Fact::AssignmentEnded { .. } => vec![Person],
        Fact::RightHeldBefore { .. }
        | Fact::RightKept { .. }
        | Fact::DeliveryTroubled { .. }
        | Fact::RemovalOverdue { .. } => vec![CatalogOwners],
        Fact::GlobalRoleGranted { .. } | Fact::GlobalRoleWithdrawn { .. } => vec![Person],
        // Read in the histories; nobody has to be told.
        Fact::RequestCanceled { leaver: true }
        | Fact::VoteCast { .. }
        | Fact::StageComplete { .. }
        | Fact::StageSkipped { .. }
        | Fact::AssignedDirectly { .. }
        | Fact::AssignmentMoved { .. }
        | Fact::GivenBack
        | Fact::TakenAgain
        | Fact::PolicyDeleted { .. }
        | Fact::Stopped { .. }
        | Fact::LetOn { .. }
        | Fact::ApproversFellBack { .. }
        | Fact::StageApproved { .. }
        | Fact::AssignmentStarted { .. }
        | Fact::RightDelivered { .. }
        | Fact::RightRemoved { .. }
        | Fact::RetryAsked { .. }
        | Fact::CatalogCreated
        | Fact::CatalogChanged { .. }
        | Fact::OwnerAdded { .. }
        | Fact::OwnerRemoved { .. }
        | Fact::ResourceAdded { .. }
        | Fact::ResourceChanged { .. }
        | Fact::PackageCreated
        | Fact::PackageChanged { .. }
        | Fact::PackageContentsChanged { .. }
        | Fact::PolicyCreated { .. }
        | Fact::PolicyChanged { .. }
        | Fact::PolicySwitched { .. }
        | Fact::OrganizationCreated { .. }
        | Fact::OrganizationChanged { .. }
        | Fact::OrganizationSwitched { .. }
        | Fact::PersonJoined { .. }
        | Fact::PersonMoved { .. }
        | Fact::PersonLeft
        | Fact::GroupChanged { .. }
        | Fact::StaffListImported { .. }
        | Fact::SignedIn
        | Fact::FirstSignIn { .. }
        | Fact::SignInRefused { .. }
        | Fact::SignedOutEverywhere { .. } => vec![],
    }
}
