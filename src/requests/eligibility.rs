//! May this person have this package under these terms, now? One answer, asked when the form opens, at submit,
//! at each approval and at delivery (D7), and drawn on the page as *why not*.

use diesel::prelude::*;

use crate::db::Db;
use crate::db::schema::{
    assignments, catalogs, group_members, packages, people, policies, requests,
};
use crate::error::Result;
use crate::kernel::{CatalogId, GroupId, Kind, PackageId, PersonId, PolicyId, RequestId, Ts};
use crate::policies::model::{Scope, Terms};

/// A policy that applies to a person, with its place in the order of D17.
#[derive(Clone, Debug)]
pub struct Applicable {
    /// The policy.
    pub id: PolicyId,
    /// Its name.
    pub name: String,
    /// Its version now.
    pub version: i64,
    /// What it says.
    pub terms: Terms,
}

/// A rule that says no, with what it hangs on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum No {
    /// The person has left.
    Left,
    /// The catalog is switched off.
    CatalogOff,
    /// The package has no policy that is switched on.
    NoPolicy,
    /// No policy lets this person request.
    OutOfScope,
    /// The person holds it already (D6).
    Holds {
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
    },
}

impl No {
    /// The rule in words, for the page and for the fact.
    #[must_use]
    pub fn words(&self) -> &'static str {
        match self {
            Self::Left => "the person has left the organization",
            Self::CatalogOff => "the catalog is switched off",
            Self::NoPolicy => "no policy of the package is switched on",
            Self::OutOfScope => "the policy does not let this person request it",
            Self::Holds { .. } => "the person holds it already",
            Self::Open { .. } => "a request for it is open already",
        }
    }
}

/// What is known of a person and a package.
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
    /// The policies that apply, of the best class only (D17).
    pub applicable: Vec<Applicable>,
    /// What says no; empty when the person can request.
    pub no: Option<No>,
}

impl Position {
    /// May the person know of the package at all (E29)? In scope, holding it, or listed for everyone.
    #[must_use]
    pub fn visible(&self) -> bool {
        !self.applicable.is_empty()
            || matches!(self.no, Some(No::Holds { .. } | No::Open { .. }))
            || (self.listed_for_everyone && !self.hidden)
    }
}

/// The class of a scope that covers the person (D17): 1 named, 2 all members; none when it does not.
#[must_use]
pub fn class(scope: &Scope, person: PersonId, kind: Kind, groups: &[GroupId]) -> Option<u8> {
    let named = scope.people.iter().any(|p| p.id == person)
        || scope.groups.iter().any(|g| groups.contains(&g.id));
    if named { Some(1) } else { (scope.all_members && kind == Kind::Member).then_some(2) }
}

/// Does the person still fulfil frozen terms? For the checks after submit: a later edit of the policy or a
/// switched-off catalog does not touch a request in flight (D1).
///
/// # Errors
/// When the database does not answer.
pub fn still(db: &mut Db, person: PersonId, terms: &Terms) -> Result<Option<No>> {
    let (kind, enabled): (String, bool) =
        people::table.find(person).select((people::kind, people::enabled)).first(db)?;
    if !enabled {
        return Ok(Some(No::Left));
    }
    let groups = groups_of(db, person)?;
    let kind = Kind::parse(&kind).unwrap_or(Kind::Guest);
    Ok(class(&terms.scope, person, kind, &groups).is_none().then_some(No::OutOfScope))
}

fn groups_of(db: &mut Db, person: PersonId) -> Result<Vec<GroupId>> {
    Ok(group_members::table
        .filter(group_members::person_id.eq(person))
        .select(group_members::group_id)
        .load(db)?)
}

/// How a person stands to a package: six statements, whatever the number of rows.
///
/// # Errors
/// `Missing` when there is no such package or person.
pub fn position(db: &mut Db, person: PersonId, package: PackageId) -> Result<Position> {
    type Row = (String, String, i64, bool, CatalogId, String, bool, bool);
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
        ))
        .first(db)?;
    let (
        package_name,
        description,
        contents_version,
        hidden,
        catalog,
        catalog_name,
        catalog_on,
        listed,
    ) = row;
    let (kind, enabled): (String, bool) =
        people::table.find(person).select((people::kind, people::enabled)).first(db)?;
    let kind = Kind::parse(&kind).unwrap_or(Kind::Guest);
    let groups = groups_of(db, person)?;
    let on: Vec<(PolicyId, String, i64, String)> = policies::table
        .filter(policies::package_id.eq(package))
        .filter(policies::enabled.eq(true))
        .order((policies::created_at, policies::id))
        .select((policies::id, policies::name, policies::version, policies::terms))
        .load(db)?;
    let held: Option<(Option<Ts>, Option<RequestId>)> = assignments::table
        .filter(assignments::target_id.eq(person))
        .filter(assignments::package_id.eq(package))
        .filter(assignments::ended_at.is_null())
        .select((assignments::ends_at, assignments::request_id))
        .first(db)
        .optional()?;
    let open: Option<(RequestId, String)> = requests::table
        .filter(requests::target_id.eq(person))
        .filter(requests::package_id.eq(package))
        .filter(requests::ended_at.is_null())
        .select((requests::id, requests::reference))
        .first(db)
        .optional()?;
    let some_on = !on.is_empty();
    let mut ranked = Vec::new();
    for (id, name, version, terms) in on {
        let terms: Terms = serde_json::from_str(&terms)?;
        if let Some(class) = class(&terms.scope, person, kind, &groups) {
            ranked.push((class, Applicable { id, name, version, terms }));
        }
    }
    let best = ranked.iter().map(|(class, _)| *class).min();
    let applicable: Vec<Applicable> = ranked
        .into_iter()
        .filter(|(class, _)| Some(*class) == best)
        .map(|(_, policy)| policy)
        .collect();
    let no = if !enabled {
        Some(No::Left)
    } else if let Some((request, reference)) = open {
        Some(No::Open { request, reference })
    } else if let Some((until, request)) = held {
        Some(No::Holds { until, request })
    } else if !catalog_on {
        Some(No::CatalogOff)
    } else if !some_on {
        Some(No::NoPolicy)
    } else if applicable.is_empty() {
        Some(No::OutOfScope)
    } else {
        None
    };
    Ok(Position {
        package,
        package_name,
        description,
        contents_version,
        catalog,
        catalog_name,
        hidden,
        listed_for_everyone: listed && catalog_on,
        applicable: if catalog_on { applicable } else { Vec::new() },
        no,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policies::model::Named;

    #[test]
    fn d17_named_people_and_groups_come_before_all_members() {
        let (me, group) = (PersonId::fresh(), GroupId::fresh());
        let named = Scope { people: vec![Named { id: me, name: "Me".into() }], ..Scope::default() };
        let grouped =
            Scope { groups: vec![Named { id: group, name: "G".into() }], ..Scope::default() };
        let everyone = Scope { all_members: true, ..Scope::default() };
        assert_eq!(class(&named, me, Kind::Member, &[]), Some(1));
        assert_eq!(class(&grouped, me, Kind::Guest, &[group]), Some(1));
        assert_eq!(class(&everyone, me, Kind::Member, &[]), Some(2));
        assert_eq!(class(&everyone, me, Kind::Guest, &[]), None, "guests only where named");
    }
}
