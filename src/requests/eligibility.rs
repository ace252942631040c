//! May this person have this package under these terms, now, and may that one ask for them? One answer, asked when the
//! form opens, at submit, at each approval and at delivery (D7), and drawn on the page as *why not*. Here the facts are
//! loaded; what they mean is for `analysis`.

use diesel::prelude::*;

use super::analysis::{self, Analysis, Facts, Held, Open};
use super::stops::{self, Stop};
use crate::access::policy::AskStanding;
use crate::db::Db;
use crate::db::schema::{assignments, catalogs, packages, policies, requests};
use crate::error::{Error, Result};
use crate::kernel::{AssignmentId, CatalogId, PackageId, PersonId, PolicyId, RequestId, Ts};
use crate::packages::model::Position as Standing;
use crate::policies::model::{Applicable, Policy, Terms, Who};
use crate::policies::store::{of_packages, who};

/// A rule that says no, with what it hangs on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum No {
    /// The person has left.
    Left,
    /// The catalog is switched off.
    CatalogOff,
    /// The catalog is not for guests.
    NotForGuests,
    /// It was stopped at once (D47).
    Stopped(Stop),
    /// The package has no policy that is switched on.
    NoPolicy,
    /// No policy has this person in its scope.
    OutOfScope,
    /// A policy has the person in its scope, but another one has to ask for them.
    NotYours {
        /// True where their manager may.
        manager: bool,
    },
    /// The person holds it already (D6).
    Holds {
        /// The assignment.
        assignment: AssignmentId,
        /// Since when, or from when.
        starts: Ts,
        /// Until when.
        until: Option<Ts>,
        /// The request that it came from.
        request: Option<RequestId>,
    },
    /// A request for it is open (D6).
    Open {
        /// Which.
        request: RequestId,
        /// What people quote.
        reference: String,
        /// Its stored state.
        state: String,
    },
}

impl No {
    /// The rule in words, for the page and for the fact.
    #[must_use]
    pub fn words(&self) -> &'static str {
        match self {
            Self::Left => "the person has left the organization",
            Self::CatalogOff => "the catalog is switched off",
            Self::NotForGuests => "the catalog is not for guests",
            Self::Stopped(_) => "it was stopped at once",
            Self::NoPolicy => "no policy of the package is switched on",
            Self::OutOfScope => "the policy does not let this person request it",
            Self::NotYours { .. } => "somebody else has to request it for this person",
            Self::Holds { .. } => "the person holds it already",
            Self::Open { .. } => "a request for it is open already",
        }
    }
}

/// What is known of a package and of those who ask for it.
#[derive(Clone, Debug)]
pub struct Position {
    /// The package.
    pub package: PackageId,
    /// Its name.
    pub package_name: String,
    /// Its description.
    pub description: String,
    /// The version of its contents.
    pub contents_version: i64,
    /// Its catalog.
    pub catalog: CatalogId,
    /// The catalog's name.
    pub catalog_name: String,
    /// Whether it is hidden: reachable by its address only (D18).
    pub hidden: bool,
    /// Whether the catalog shows it to everyone (E29).
    pub listed_for_everyone: bool,
    /// Who asks.
    pub requestor: Who,
    /// For whom.
    pub target: Who,
    /// The policies that apply, of the best class only (D17); more than one is a tie.
    pub applicable: Vec<Applicable>,
    /// What says no, the first of the analysis that does; empty when it can be requested.
    pub no: Option<No>,
    /// Every rule that was looked at.
    pub analysis: Analysis,
}

impl Position {
    /// May the requestor know of the package at all (E29)? In scope, whoever may ask, holding it, or listed for everyone.
    #[must_use]
    pub fn visible(&self) -> bool {
        !self.applicable.is_empty()
            || matches!(self.no, Some(No::Holds { .. } | No::Open { .. } | No::NotYours { .. }))
            || (self.listed_for_everyone && !self.hidden)
    }

    /// Can it be requested now?
    #[must_use]
    pub fn open(&self) -> bool {
        self.no.is_none() && !self.applicable.is_empty()
    }

    /// How the target stands to it, as lists say it.
    #[must_use]
    pub fn standing_of_target(&self) -> Standing {
        match &self.no {
            Some(No::Holds { assignment, starts, until, .. }) => {
                Standing::Holds { assignment: *assignment, starts: *starts, until: *until }
            }
            Some(No::Open { request, reference, state }) => Standing::Open {
                request: *request,
                reference: reference.clone(),
                state: state.clone(),
            },
            _ if self.open() => Standing::CanRequest,
            _ => Standing::Cannot,
        }
    }

    /// How the one who asks stands to the target, for the permit. Named are those whom one of the policies names.
    #[must_use]
    pub fn standing(&self) -> AskStanding {
        let named = self.applicable.iter().any(|a| {
            let asks = &a.policy.terms.asks;
            asks.people.iter().any(|p| p.id == self.requestor.id)
                || asks.groups.iter().any(|g| self.requestor.groups.contains(&g.id))
        });
        AskStanding { target: self.target.id, manager: self.target.manager, named }
    }
}

/// Does the person still fulfil frozen terms? For the checks after submit: a later edit of the policy or a
/// switched-off catalog does not touch a request in flight (D1).
///
/// # Errors
/// When the database does not answer.
pub fn still(db: &mut Db, person: PersonId, terms: &Terms) -> Result<Option<No>> {
    Ok(analysis::still(&who(db, person)?, terms).no())
}

/// Is the catalog switched off, or not for a guest?
///
/// # Errors
/// `Missing` when there is no such catalog or person.
pub fn closed(db: &mut Db, catalog: CatalogId, target: PersonId) -> Result<Option<No>> {
    let (on, guests): (bool, bool) = catalogs::table
        .find(catalog)
        .select((catalogs::enabled, catalogs::for_guests))
        .first(db)?;
    if on && guests {
        return Ok(None);
    }
    Ok(analysis::catalog(on, guests, &who(db, target)?).no())
}

/// How the requestor stands to a package for the target, who may be themselves. As [`positions`], for one.
///
/// # Errors
/// `Missing` when there is no such package or person.
pub fn position(
    db: &mut Db,
    requestor: PersonId,
    target: PersonId,
    package: PackageId,
) -> Result<Position> {
    positions(db, requestor, target, &[package])?.pop().ok_or(Error::Missing)
}

/// How the requestor stands to each of these packages for the target, by name; packages that are not there are left
/// out. At most nine statements, however many packages there are.
///
/// # Errors
/// `Missing` when there is no such person.
pub fn positions(
    db: &mut Db,
    requestor: PersonId,
    target: PersonId,
    ids: &[PackageId],
) -> Result<Vec<Position>> {
    let all = offered(db, target, ids)?;
    let catalogs: Vec<CatalogId> = all.iter().map(|o| o.catalog).collect();
    let asker = who(db, requestor)?;
    let target = if requestor == target { asker.clone() } else { who(db, target)? };
    let policies = of_packages(db, ids)?;
    let named: Vec<PolicyId> = policies.iter().map(|p| p.id).collect();
    let stops = stops::among(db, &catalogs, ids, &named)?;
    let each = all.into_iter().map(|offered| {
        let of = |p: &&Policy| p.package == offered.package;
        let its: Vec<&Policy> = policies.iter().filter(of).collect();
        stand(offered, &its, &stops, &asker, &target)
    });
    Ok(each.collect())
}

/// A package as its row and its catalog's tell it, and what the target has to do with it already.
struct Offered {
    package: PackageId,
    name: String,
    description: String,
    contents_version: i64,
    hidden: bool,
    catalog: CatalogId,
    catalog_name: String,
    on: bool,
    listed: bool,
    guests: bool,
    held: Held,
    open: Open,
}

fn offered(db: &mut Db, target: PersonId, ids: &[PackageId]) -> Result<Vec<Offered>> {
    type Package = (PackageId, String, String, i64, bool);
    type Catalog = (CatalogId, String, bool, bool, bool);
    let rows: Vec<(Package, Catalog, Held, Open)> = packages::table
        .inner_join(catalogs::table)
        .left_join(
            assignments::table.on(assignments::package_id
                .eq(packages::id)
                .and(assignments::target_id.eq(target))
                .and(assignments::ended_at.is_null())),
        )
        .left_join(
            requests::table.on(requests::package_id
                .eq(packages::id)
                .and(requests::target_id.eq(target))
                .and(requests::ended_at.is_null())),
        )
        .filter(packages::id.eq_any(ids))
        .order((packages::name_key, packages::id))
        .select((
            (
                packages::id,
                packages::name,
                packages::description,
                packages::contents_version,
                packages::hidden,
            ),
            (
                catalogs::id,
                catalogs::name,
                catalogs::enabled,
                catalogs::listed_for_everyone,
                catalogs::for_guests,
            ),
            (
                assignments::id,
                assignments::starts_at,
                assignments::ends_at,
                assignments::request_id,
            )
                .nullable(),
            (requests::id, requests::reference, requests::state, requests::kind).nullable(),
        ))
        .load(db)?;
    let each = rows.into_iter().map(|(package, catalog, held, open)| {
        let (package, name, description, contents_version, hidden) = package;
        let (catalog, catalog_name, on, listed, guests) = catalog;
        Offered {
            package,
            name,
            description,
            contents_version,
            hidden,
            catalog,
            catalog_name,
            on,
            listed,
            guests,
            held,
            open,
        }
    });
    Ok(each.collect())
}

/// How the people stand to one package. Pure.
fn stand(
    offered: Offered,
    policies: &[&Policy],
    stops: &[Stop],
    requestor: &Who,
    target: &Who,
) -> Position {
    let facts = Facts {
        package: offered.package,
        catalog: offered.catalog,
        on: offered.on,
        guests: offered.guests,
        held: &offered.held,
        open: &offered.open,
        policies,
        stops,
        requestor,
        target,
    };
    let (analysis, applicable) = analysis::analyze(&facts);
    Position {
        listed_for_everyone: offered.listed && facts.reachable(),
        package: offered.package,
        package_name: offered.name,
        description: offered.description,
        contents_version: offered.contents_version,
        catalog: offered.catalog,
        catalog_name: offered.catalog_name,
        hidden: offered.hidden,
        requestor: requestor.clone(),
        target: target.clone(),
        applicable,
        no: analysis.no(),
        analysis,
    }
}

/// Is a policy named by one of the ids still there and switched on? For extending (D11).
///
/// # Errors
/// When the database does not answer.
pub fn policy_is_on(db: &mut Db, id: PolicyId) -> Result<bool> {
    let on: Option<bool> = policies::table
        .find(id)
        .filter(policies::deleted_at.is_null())
        .select(policies::enabled)
        .first(db)
        .optional()?;
    Ok(on == Some(true))
}
