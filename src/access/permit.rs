//! A permit is the proof that the policy module said yes. Its fields are private: nothing else can make one.

use std::marker::PhantomData;

use uuid::Uuid;

/// Allows action `A` on the thing whose id it names.
#[derive(Debug)]
pub struct Permit<A> {
    about: Uuid,
    action: PhantomData<A>,
}

impl<A> Permit<A> {
    pub(super) fn on(about: Uuid) -> Self {
        Self { about, action: PhantomData }
    }

    /// The thing that the permit is for; a command compares it with what it is about to change.
    #[must_use]
    pub fn about(&self) -> Uuid {
        self.about
    }
}

/// Declares the actions: one line each.
macro_rules! actions {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug)]
        pub enum $name {}
    )*};
}

actions! {
    /// Enter a page at all.
    Enter,
    /// Request a package for a person.
    RequestAccess,
    /// Decide the open stage of a request.
    DecideStage,
    /// Give the information that an approver asked for.
    GiveInformation,
    /// Write a comment on a request.
    CommentRequest,
    /// Decide a stage in place of its approvers, as administrator.
    OverruleStage,
    /// Take one's own decision back.
    TakeBack,
    /// End access by revoking one's own approval of it.
    RevokeApproval,
    /// Have the approvers of a request reminded.
    RemindApprovers,
    /// Give access back, or take it again.
    OwnAssignment,
    /// End access of somebody who reports to one.
    EndForReport,
    /// Cancel a request.
    CancelRequest,
    /// See a request.
    SeeRequest,
    /// See a person's page.
    SeePerson,
    /// See a catalog's inside: resources, assignments, requests of its packages.
    SeeCatalog,
    /// Create a catalog.
    CreateCatalog,
    /// Change a catalog, its packages and policies.
    ManageCatalog,
    /// Look after connected organizations.
    ManageOrganizations,
    /// See connected organizations and who their people are.
    SeeOrganizations,
    /// Register a resource of a target system (E26).
    RegisterResource,
    /// End an assignment now, or retry its delivery.
    ManageAssignment,
    /// See the mails that have not gone out, and send them again.
    ManageMail,
    /// Set for a person who decides in their place for a time.
    SetStandIn,
    /// End such a time early.
    EndStandIn,
    /// Set up, change and end a review.
    ManageReview,
    /// Run an instance of a review: remind, extend, hand over, stop.
    RunReview,
    /// See an instance of a review whole.
    SeeReview,
    /// Answer an item of a review.
    AnswerItem,
    /// Say something about one's own access that is reviewed.
    ReplyItem,
    /// Change the organization's settings.
    ManageSettings,
    /// Read and export the audit log.
    ReadAudit,
    /// Do what only the system's own timers, imports and command line do.
    RunSystem,
}

/// Why not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denied {
    /// They may not even know that it exists: 404.
    Hidden,
    /// They may know, but not do it: 403.
    Forbidden(&'static str),
}

impl From<Denied> for crate::error::Error {
    fn from(denied: Denied) -> Self {
        match denied {
            Denied::Hidden => Self::Missing,
            Denied::Forbidden(why) => Self::Denied(why.to_owned()),
        }
    }
}
