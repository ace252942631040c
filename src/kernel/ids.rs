//! One type per kind of thing, so that a package's id never lands where a person's belongs.
//! Ids are UUIDv7, made by the application (decision E4): they sort by the time they were made.

/// Makes the id types, in one alphabetical list.
macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub uuid::Uuid);

        impl $name {
            /// A fresh id that nothing has yet.
            #[must_use]
            pub fn fresh() -> Self {
                Self(uuid::Uuid::now_v7())
            }

            /// Reads the id from a path or a form.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                uuid::Uuid::try_parse(text).ok().map(Self)
            }
        }

        impl std::str::FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, uuid::Error> {
                uuid::Uuid::try_parse(text).map(Self)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.as_hyphenated().fmt(f)
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }
    )*};
}

ids! {
    /// What several people hold alike, whatever gives it: a package, a role, a permission of a list.
    AccessId,
    /// A package held by a person for a time.
    AssignmentId,
    /// Answers of a review that were given together.
    AnswerBatchId,
    /// One answer of a reviewer.
    AnswerId,
    /// Requests that were sent together.
    BasketId,
    /// A catalog: where an owner keeps resources and packages.
    CatalogId,
    /// A package that its owners are asked to describe better.
    DescriptionTaskId,
    /// One thing that happened.
    FactId,
    /// A group of people.
    GroupId,
    /// A rule of separation of duties: two things that nobody holds together.
    IncompatibilityId,
    /// One notice of one fact to one person.
    NoticeId,
    /// A connected organization.
    OrganizationId,
    /// An access package.
    PackageId,
    /// A person of the directory.
    PersonId,
    /// A policy of a package.
    PolicyId,
    /// One line of a policy's scope.
    PolicyScopeId,
    /// A request for access.
    RequestId,
    /// A resource of a target system.
    ResourceId,
    /// What a person may hand out: a delegated role.
    RoleGrantId,
    /// A role of a resource.
    RoleId,
    /// A review: what is reviewed, by whom and how often.
    ReviewId,
    /// One run of a review.
    ReviewInstanceId,
    /// One piece of access in one run of a review.
    ReviewItemId,
    /// A list of who holds what, put in for a review or read from a target system.
    ReviewListId,
    /// Those who answer for the same items for the same reason.
    ReviewPoolId,
    /// One line of such a list.
    ReviewRowId,
    /// A right: one resource role held by one person.
    RightId,
    /// One approval stage of one request.
    StageId,
    /// A time in which somebody decides in another's place.
    StandInId,
    /// Something that was stopped at once.
    StopId,
}
