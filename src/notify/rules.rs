//! The one table "when this happens, tell them": pure and exhaustive. Nobody is told of what they cannot act on,
//! except requestor and target about their own request (D36, D48).

use crate::kernel::fact::EndReason;
use crate::kernel::{Fact, Ts};
use crate::policies::model::Notices;

crate::text_enum! {
    /// As whom a person is told: their letter speaks accordingly, and says why they get it.
    pub enum Reader {
        /// Somebody whose decision is awaited.
        Decider = "decider",
        /// Who is asked in an access review.
        Reviewer = "reviewer",
        /// Who can decide in the place of one of them (D34).
        StandIn = "stand_in",
        /// Who asked, or for whom it was asked.
        Asker = "asker",
        /// The person whom it concerns.
        Person = "person",
        /// Who looks after the catalog.
        Owner = "owner",
    }
}

impl Reader {
    /// Whether they wait for a decision: the names of those who take it may be kept from them (E17).
    #[must_use]
    pub const fn waits(self) -> bool {
        matches!(self, Self::Asker | Self::Person)
    }
}

/// A group of people around a fact.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Audience {
    /// Who asked, and for whom.
    RequestorAndTarget,
    /// The approvers whose decision on the stage of this number is awaited still.
    Deciders(i64),
    /// Of those, the ones who have just joined as alternates.
    Alternates(i64),
    /// All of them but alternates who joined when their reminder was due: they have just been told.
    Reminded(i64),
    /// Of those, the one to whom the actor has passed it on (D44).
    PassedTo(i64),
    /// Everybody who was asked in the stage of this number.
    StagePeople(i64),
    /// The administrators but the actor; the catalog's owners where there is no other.
    OtherAdministrators,
    /// The person whom it concerns.
    Person,
    /// The owners of the package's catalog.
    CatalogOwners,
    /// Who stands in, or did.
    StandIn,
    /// The owners of the catalogs in which somebody stands in (D45).
    StandInOwners,
    /// The reviewers of a review who have items without an answer (D32).
    Reviewers,
    /// Of those, the ones whom the fact names as the new ones.
    NewReviewers,
    /// Of those, the ones to whom this item was passed on.
    ReviewPassedTo,
    /// Who looks after a review: who set it up, the owners of its catalog; the administrators where there is nobody.
    ReviewKeepers,
    /// The administrators.
    Administrators,
}

impl Audience {
    /// As whom this audience is told.
    #[must_use]
    pub fn reader(self) -> Reader {
        match self {
            Self::RequestorAndTarget => Reader::Asker,
            Self::Deciders(_) | Self::Alternates(_) | Self::Reminded(_) | Self::PassedTo(_) => {
                Reader::Decider
            }
            Self::Reviewers | Self::NewReviewers | Self::ReviewPassedTo => Reader::Reviewer,
            Self::Person | Self::StandIn => Reader::Person,
            Self::CatalogOwners
            | Self::StagePeople(_)
            | Self::OtherAdministrators
            | Self::StandInOwners
            | Self::ReviewKeepers
            | Self::Administrators => Reader::Owner,
        }
    }
}

/// After so many seconds of wall time a mail that nobody takes has failed: three days.
const GIVE_UP: i64 = 3 * 86_400;

/// When a mail is tried again after `attempts` tries, the last of them at `now`; none when it waited for three days
/// since `since`. A minute, then 5, 15 and 60, then every hour.
#[must_use]
pub fn next_try(attempts: i64, since: Ts, now: Ts) -> Option<Ts> {
    let minutes = match attempts {
        ..=1 => 1,
        2 => 5,
        3 => 15,
        _ => 60,
    };
    (now.seconds_since(since) < GIVE_UP).then(|| now.plus_seconds(minutes * 60))
}

/// What a policy can switch off.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Switch {
    /// That access is there.
    Delivered,
    /// That it ends soon.
    Ending,
    /// That it has ended.
    Ended,
}

impl Switch {
    /// Whether the policy leaves it on.
    #[must_use]
    pub fn is_on(self, notices: Notices) -> bool {
        match self {
            Self::Delivered => notices.delivered,
            Self::Ending => notices.ending,
            Self::Ended => notices.ended,
        }
    }
}

/// The switch of a policy that silences a fact; a leaver and a rule that takes access away are always told.
#[must_use]
pub fn switch(fact: &Fact) -> Option<Switch> {
    match fact {
        Fact::RequestDelivered => Some(Switch::Delivered),
        Fact::AssignmentEnding { .. } => Some(Switch::Ending),
        Fact::AssignmentEnded { why: EndReason::Expired } => Some(Switch::Ended),
        _ => None,
    }
}

/// Does it wait for something that its reader can do? Such mails go out even to those who want no others.
#[must_use]
pub fn asks(fact: &Fact, reader: Reader) -> bool {
    matches!(reader, Reader::Decider | Reader::Reviewer | Reader::StandIn)
        || matches!(
            fact,
            Fact::InformationAsked { .. }
                | Fact::AssignmentEnding { .. }
                | Fact::DeliveryTroubled { .. }
                | Fact::RemovalOverdue { .. }
                | Fact::RemovalPlanned { .. }
                | Fact::ReviewNotStarted { .. }
                | Fact::ReviewUnconfirmed { .. }
                | Fact::DescriptionAsked { .. }
        )
}

/// Whom a fact is told, and where its notice leads.
#[must_use]
pub fn audiences(fact: &Fact) -> Vec<Audience> {
    use Audience::{
        Administrators, Alternates, CatalogOwners, Deciders, NewReviewers, OtherAdministrators,
        PassedTo, Person, Reminded, RequestorAndTarget, ReviewKeepers, ReviewPassedTo, Reviewers,
        StagePeople, StandIn, StandInOwners,
    };
    match fact {
        Fact::StageOpened { stage, .. } => vec![Deciders(*stage)],
        Fact::ApproversChanged { stage, .. } => vec![Deciders(*stage), RequestorAndTarget],
        Fact::AlternatesJoined { stage, .. } => vec![Alternates(*stage)],
        Fact::DecisionReminded { stage, .. } => vec![Reminded(*stage)],
        Fact::RequestReminded { stage } => vec![Deciders(*stage)],
        Fact::InformationAsked { .. } => vec![RequestorAndTarget],
        Fact::InformationGiven { stage, .. } => vec![Deciders(*stage)],
        Fact::InformationNotNeeded { .. } => vec![RequestorAndTarget],
        Fact::CommentAdded { stage } => vec![RequestorAndTarget, Deciders(*stage)],
        Fact::DecisionTakenBack { stage, .. } => vec![RequestorAndTarget, Deciders(*stage)],
        // Whoever decides in place of others is seen by those who could have done the same.
        Fact::AdministratorDecided { stage, .. } => {
            vec![RequestorAndTarget, StagePeople(*stage), OtherAdministrators]
        }
        Fact::PassedOn { stage, .. } => vec![PassedTo(*stage)],
        Fact::ApprovalRevoked { .. } => vec![CatalogOwners],
        // Whoever asked for somebody else did it; the other one is told at once, and can refuse (D46).
        Fact::RequestSubmitted { .. } | Fact::ExtensionRequested { .. } => vec![RequestorAndTarget],
        Fact::RequestRefused
        | Fact::RequestHeld { .. }
        | Fact::RequestResumed
        | Fact::AssignmentExtended { .. } => vec![RequestorAndTarget],
        Fact::AssignmentEnding { .. } => vec![Person],
        Fact::RequestApproved { automatic: false }
        | Fact::RequestScheduled { .. }
        | Fact::RequestDelivered
        | Fact::RequestDenied { .. }
        | Fact::RequestExpired { .. }
        | Fact::RequestUndelivered { .. }
        | Fact::StageDenied { .. } => vec![RequestorAndTarget],
        Fact::RequestCanceled { leaver: false } => vec![RequestorAndTarget],
        // The owners read why somebody outside of their catalog ended it.
        Fact::AssignmentEnded { why: EndReason::EndedByManager } => vec![Person, CatalogOwners],
        Fact::AssignmentEnded { .. } => vec![Person],
        Fact::RightHeldBefore { .. }
        | Fact::RightKept { .. }
        | Fact::DeliveryTroubled { .. }
        | Fact::RemovalOverdue { .. } => vec![CatalogOwners],
        // Whoever looks after the other package did not do it, and can talk to whoever did (D19).
        Fact::IncompatibilityAdded { .. } | Fact::IncompatibilityRemoved { .. } => {
            vec![CatalogOwners]
        }
        // Whoever set it did it; the owners of the catalogs know who decides there (D45).
        Fact::StandInSet { .. } => vec![StandIn, Person, StandInOwners],
        // The other one has to know that nobody stands in any more.
        Fact::StandInEnded { early: true, .. } => vec![StandIn, Person],
        Fact::GlobalRoleGranted { .. } | Fact::GlobalRoleWithdrawn { .. } => vec![Person],
        Fact::ReviewStarted { .. } | Fact::ReviewReminded { .. } => vec![Reviewers],
        Fact::ReviewStageOpened { .. } => vec![Reviewers],
        Fact::ReviewExtended { .. } | Fact::ReviewReset { .. } => vec![Reviewers],
        Fact::ReviewersReplaced { .. } => vec![NewReviewers, ReviewKeepers],
        Fact::ReviewPassedOn { .. } => vec![ReviewPassedTo],
        Fact::ReviewUnconfirmed { .. } => vec![Administrators],
        Fact::ReviewNotStarted { .. }
        | Fact::ReviewClosed { .. }
        | Fact::ReviewCompleted { .. }
        | Fact::RemovalsByHand { .. }
        | Fact::RemovalFailed { .. } => vec![ReviewKeepers],
        Fact::RemovalPlanned { .. } | Fact::RemovalUndone { .. } => vec![Person],
        Fact::DescriptionAsked { .. } => vec![CatalogOwners],
        // Read in the histories; nobody has to be told.
        // What needed no approval is told when it is there.
        Fact::RequestApproved { automatic: true }
        | Fact::RequestCanceled { leaver: true }
        | Fact::VoteCast { .. }
        | Fact::StageComplete { .. }
        | Fact::StageSkipped { .. }
        | Fact::AssignedDirectly { .. }
        | Fact::RemovalBegun { .. }
        | Fact::RemovalProved { .. }
        | Fact::ReviewCreated { .. }
        | Fact::ReviewChanged { .. }
        | Fact::ReviewEnded { .. }
        | Fact::ReviewAnswered { .. }
        | Fact::ReviewAnswerCleared { .. }
        | Fact::ReviewReplied { .. }
        | Fact::DescriptionGiven { .. }
        | Fact::ReviewSignedOff { .. }
        | Fact::ReviewConfirmed { .. }
        | Fact::ReviewCanceled { .. }
        | Fact::AssignmentMoved { .. }
        | Fact::GivenBack
        | Fact::TakenAgain
        | Fact::PolicyDeleted { .. }
        | Fact::ExceptionRequested { .. }
        | Fact::PeriodShortened { .. }
        | Fact::StandInEnded { early: false, .. }
        | Fact::SettingsChanged { .. }
        | Fact::Stopped { .. }
        | Fact::LetOn { .. }
        | Fact::ApproversFellBack { .. }
        | Fact::StageApproved { .. }
        | Fact::AssignmentStarted { .. }
        | Fact::RightDelivered { .. }
        | Fact::RightRemoved { .. }
        | Fact::RetryAsked { .. }
        | Fact::MailTriedAgain { .. }
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
        | Fact::SessionsEnded { .. }
        | Fact::SignedOutEverywhere { .. } => vec![],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mail_waits_longer_and_longer_and_fails_after_three_days() {
        let since = Ts::from_micros(0);
        let after = |attempts, now: i64| {
            let now = since.plus_seconds(now);
            next_try(attempts, since, now).map(|next| next.seconds_since(now) / 60)
        };
        let waits = [1, 2, 3, 4, 5, 50].map(|attempts| after(attempts, 60));
        assert_eq!(waits, [1, 5, 15, 60, 60, 60].map(Some));
        assert_eq!(after(70, GIVE_UP - 1), Some(60));
        assert_eq!(after(70, GIVE_UP), None);
    }
}
