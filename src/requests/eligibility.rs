//! May this person have this package under these terms, now, and may that one ask for them? One answer, asked when the
//! form opens, at submit, at each approval and at delivery (D7), and drawn on the page as *why not*.

use diesel::prelude::*;

use super::model::RequestKind;
use super::stops::{self, Stop, Thing};
use crate::access::policy::AskStanding;
use crate::db::Db;
use crate::db::schema::{assignments, catalogs, packages, policies, requests};
use crate::error::Result;
use crate::kernel::{AssignmentId, CatalogId, Kind, PackageId, PersonId, PolicyId, RequestId, Ts};
use crate::policies::model::{Applicable, Terms, Who};
use crate::policies::rules::{best, class, may_ask};
use crate::policies::store::{of_package, policies_for, who};

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
        /// When it starts or started.
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
    /// What says no; empty when it can be requested.
    pub no: Option<No>,
}

impl Position {
    /// May the requestor know of the package at all (E29)? In scope, holding it, or listed for everyone.
    #[must_use]
    pub fn visible(&self) -> bool {
        !self.applicable.is_empty()
            || matches!(self.no, Some(No::Holds { .. } | No::Open { .. }))
            || (self.listed_for_everyone && !self.hidden)
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
    let who = who(db, person)?;
    Ok(if who.enabled {
        class(&terms.scope, &who).is_none().then_some(No::OutOfScope)
    } else {
        Some(No::Left)
    })
}

/// How the requestor stands to a package for the target, who may be themselves. At most thirteen statements, whatever
/// the number of rows.
///
/// # Errors
/// `Missing` when there is no such package or person.
pub fn position(
    db: &mut Db,
    requestor: PersonId,
    target: PersonId,
    package: PackageId,
) -> Result<Position> {
    type Row = (String, String, i64, bool, CatalogId, String, bool, bool, bool);
    let row: Row = packages::table
        .inner_join(catalogs::table)
        .filter(packages::id.eq(package))
        .select((
            packages::name,
            packages::description,
            packages::contents_version,
            packages::hidden,
            catalogs::id,
            catalogs::name,
            catalogs::enabled,
            catalogs::listed_for_everyone,
            catalogs::for_guests,
        ))
        .first(db)?;
    let (
        package_name,
        description,
        contents_version,
        hidden,
        catalog,
        catalog_name,
        on,
        listed,
        guests,
    ) = row;
    let asker = who(db, requestor)?;
    let target = if requestor == target { asker.clone() } else { who(db, target)? };
    let reachable = on && (guests || target.kind == Kind::Member);
    let applicable =
        if reachable { best(policies_for(db, package, &asker, &target)?) } else { vec![] };
    let no = no(db, package, (on, guests), &asker, &target, &applicable, catalog)?;
    Ok(Position {
        package,
        package_name,
        description,
        contents_version,
        catalog,
        catalog_name,
        hidden,
        listed_for_everyone: listed && reachable,
        requestor: asker,
        target,
        applicable,
        no,
    })
}

/// What says no to a request, the first that does.
fn no(
    db: &mut Db,
    package: PackageId,
    (on, guests): (bool, bool),
    requestor: &Who,
    target: &Who,
    applicable: &[Applicable],
    catalog: CatalogId,
) -> Result<Option<No>> {
    if !target.enabled {
        return Ok(Some(No::Left));
    }
    let open: Option<(RequestId, String, String, String)> = requests::table
        .filter(requests::target_id.eq(target.id))
        .filter(requests::package_id.eq(package))
        .filter(requests::ended_at.is_null())
        .select((requests::id, requests::reference, requests::state, requests::kind))
        .first(db)
        .optional()?;
    // Who asks for more time of what they hold is told that they hold it.
    let open = match open {
        Some((request, reference, state, kind)) if kind != RequestKind::Extend.as_str() => {
            return Ok(Some(No::Open { request, reference, state }));
        }
        open => open,
    };
    let held: Option<(AssignmentId, Ts, Option<Ts>, Option<RequestId>)> = assignments::table
        .filter(assignments::target_id.eq(target.id))
        .filter(assignments::package_id.eq(package))
        .filter(assignments::ended_at.is_null())
        .select((
            assignments::id,
            assignments::starts_at,
            assignments::ends_at,
            assignments::request_id,
        ))
        .first(db)
        .optional()?;
    if let Some((assignment, starts, until, request)) = held {
        return Ok(Some(No::Holds { assignment, starts, until, request }));
    }
    if let Some((request, reference, state, _)) = open {
        return Ok(Some(No::Open { request, reference, state }));
    }
    if !on {
        return Ok(Some(No::CatalogOff));
    }
    if !guests && target.kind == Kind::Guest {
        return Ok(Some(No::NotForGuests));
    }
    let ids: Vec<PolicyId> = applicable.iter().map(|a| a.policy.id).collect();
    let stops = stops::among(db, catalog, package, &ids)?;
    if let Some(wide) = stops.iter().find(|s| !matches!(s.thing, Thing::Policy(_))) {
        return Ok(Some(No::Stopped(wide.clone())));
    }
    if applicable.is_empty() {
        return Ok(Some(why_none(db, package, requestor, target)?));
    }
    // Stopped policies are no choice; where all of them are, the stop is the reason.
    let stopped = |id: &PolicyId| stops.iter().find(|s| s.thing == Thing::Policy(*id));
    let first = stops.first().cloned();
    Ok(first.filter(|_| ids.iter().all(|id| stopped(id).is_some())).map(No::Stopped))
}

/// Why no policy applies.
fn why_none(db: &mut Db, package: PackageId, requestor: &Who, target: &Who) -> Result<No> {
    let on: Vec<_> = of_package(db, package)?.into_iter().filter(|p| p.enabled).collect();
    if on.is_empty() {
        return Ok(No::NoPolicy);
    }
    let covers: Vec<_> = on.iter().filter(|p| class(&p.terms.scope, target).is_some()).collect();
    Ok(match covers.iter().any(|p| !may_ask(&p.terms.asks, requestor, target)) {
        true => No::NotYours { manager: covers.iter().any(|p| p.terms.asks.manager) },
        false => No::OutOfScope,
    })
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
