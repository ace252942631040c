//! A time in which somebody decides in the place of another.

use chrono::NaiveDate;

use crate::kernel::{CatalogId, PackageId, PersonId, RequestId, StandInId, Ts};

/// A person with their name.
pub type Called = (PersonId, String);

/// A time in which somebody stands in for another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Period {
    /// The period.
    pub id: StandInId,
    /// Who is away.
    pub person: Called,
    /// Who decides in their place.
    pub stand_in: Called,
    /// From when.
    pub starts_at: Ts,
    /// Until when, not included.
    pub ends_at: Ts,
    /// When it ended, if it has.
    pub ended_at: Option<Ts>,
    /// For these packages; none for all.
    pub packages: Option<Vec<(PackageId, String)>>,
    /// Moves on with every change.
    pub rev: i64,
}

/// What somebody wants to set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewPeriod {
    /// Drawn with the form, so that a double submit sets it once (C4).
    pub id: StandInId,
    /// Who is away.
    pub person: PersonId,
    /// Who shall decide in their place.
    pub stand_in: PersonId,
    /// The first day.
    pub first: NaiveDate,
    /// The last day, included.
    pub last: NaiveDate,
    /// For these packages; none for all.
    pub packages: Option<Vec<PackageId>>,
}

/// A package on which somebody can be asked to decide.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decidable {
    /// The package.
    pub id: PackageId,
    /// Its name.
    pub name: String,
    /// Its catalog.
    pub catalog: CatalogId,
}

/// A request that waits and that the stand-in cannot decide, because it is theirs (D2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Theirs {
    /// The request.
    pub request: RequestId,
    /// Its reference.
    pub reference: String,
    /// Its package.
    pub package: String,
    /// For whom it is.
    pub target: String,
}
