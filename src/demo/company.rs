//! The demo's company: its staff list and groups, imported like anybody's, and what it offers
//! ([`super::offer`]), set up through the commands that a click uses.

use std::collections::HashMap;

use anyhow::{Context, anyhow};
use chrono::Days;

use super::offer::{APART, CATALOGS, ORGANIZATIONS, PACKAGES, RESOURCES};
use super::plan::Who;
use super::provider::Cast;
use super::story;
use super::target::{NAME, State};
use crate::access::policy;
use crate::catalogs;
use crate::catalogs::model::{NewCatalog, NewResource, NewRole};
use crate::db::{Db, Tx};
use crate::delegation::model::Owner;
use crate::directory::feed::{self, Entry, Mapping};
use crate::directory::groups_feed::{self, Membership};
use crate::directory::{self, GlobalRole};
use crate::error::{Error, Result};
use crate::kernel::{
    CatalogId, GroupId, IncompatibilityId, OrganizationId, PackageId, PersonId, PolicyId,
    ResourceId, Risk, RoleId, Ts, Zone,
};
use crate::packages::incompatible::model::{NewRule, Other};
use crate::packages::model::NewPackage;
use crate::policies::model::Named;
use crate::{organizations, packages, policies};

/// The name of the staff list.
pub const SOURCE: &str = "demo";
const STAFF: &str = include_str!("staff.csv");
const GROUPS: &str = include_str!("groups.csv");

/// The people whom one can be, in the order of the sign-in page: user name and what they can do.
pub const CAST: [(&str, &str); 8] = [
    ("employee", "Asks for access and waits for it"),
    ("manager", "Decides on what her team asks for"),
    ("second-approver", "Decides after the manager"),
    ("reviewer", "Confirms who still needs which access"),
    ("catalog-owner", "Looks after two catalogs and what goes wrong there"),
    ("auditor", "Reads everything, changes nothing"),
    ("guest", "Comes from another company and holds one package"),
    ("admin", "Looks after the installation"),
];

/// The whole staff list.
///
/// # Errors
/// When the list in the program is not right.
pub fn staff() -> anyhow::Result<Vec<Entry>> {
    feed::read(STAFF.as_bytes(), &Mapping::default())
        .map_err(|problems| anyhow!("the demo's staff list: {problems:?}"))
}

/// The members of all groups.
///
/// # Errors
/// When the file in the program is not right.
pub fn memberships() -> anyhow::Result<Vec<Membership>> {
    groups_feed::read(GROUPS.as_bytes())
        .map_err(|problems| anyhow!("the demo's groups: {problems:?}"))
}

/// The people whom one can be, for the provider.
#[must_use]
pub fn cast(staff: &[Entry]) -> Vec<Cast> {
    let person = |(id, role): &(&str, &str)| {
        let entry = staff.iter().find(|entry| entry.external_id == *id)?;
        Some(Cast {
            user_name: entry.external_id.clone(),
            name: entry.name.clone(),
            role: (*role).to_owned(),
            mail: entry.mail.clone().unwrap_or_default(),
        })
    };
    CAST.iter().filter_map(person).collect()
}

/// What the target holds before anybody used Keyholder: all groups, accounts for everybody of the
/// list but the newest, and the members that were put there by hand (D22), long before `now`.
#[must_use]
pub fn target(staff: &[Entry], now: Ts) -> State {
    let with_account = staff.iter().filter(|entry| entry.external_id != story::JOINER.0);
    let accounts = with_account.map(|entry| (entry.external_id.clone(), entry.name.clone()));
    let groups = RESOURCES.iter().map(|resource| (resource.address, resource.name));
    let since = now.plus_hours(-24 * 400);
    story::BY_HAND.iter().fold(State::new(groups, accounts), |state, (address, person)| {
        state.with_member(address, person, since)
    })
}

/// Who is who: ids by what the plan calls them.
#[derive(Clone, Debug, Default)]
pub struct Names {
    people: HashMap<String, PersonId>,
    groups: HashMap<String, GroupId>,
}

impl Names {
    /// Looks up whoever is not known yet.
    ///
    /// # Errors
    /// When the database does not answer.
    pub fn read(&mut self, db: &mut Db, staff: &[Entry]) -> Result<()> {
        for id in staff.iter().map(|entry| &entry.external_id) {
            if !self.people.contains_key(id) {
                let found = directory::store::by_external_id(db, id)?;
                self.people.extend(found.into_iter().map(|person| (id.clone(), person.id)));
            }
        }
        let groups = directory::store::groups(db)?;
        self.groups = groups.into_iter().map(|group| (group.name, group.id)).collect();
        Ok(())
    }

    /// The person of an id in the staff list.
    ///
    /// # Errors
    /// When nobody has it.
    pub fn person(&self, id: &str) -> Result<PersonId> {
        let found = self.people.get(id).copied();
        found.with_context(|| format!("nobody of the demo is “{id}”")).map_err(Error::Broken)
    }

    fn group(&self, name: &str) -> Result<GroupId> {
        let found = self.groups.get(name).copied();
        found.with_context(|| format!("no group of the demo is “{name}”")).map_err(Error::Broken)
    }

    pub(super) fn named_person(&self, id: &str) -> Result<Named<PersonId>> {
        Ok(Named { id: self.person(id)?, name: String::new() })
    }

    pub(super) fn named_group(&self, name: &str) -> Result<Named<GroupId>> {
        Ok(Named { id: self.group(name)?, name: name.to_owned() })
    }

    pub(super) fn named_people(&self, ids: &[&str]) -> Result<Vec<Named<PersonId>>> {
        ids.iter().map(|id| self.named_person(id)).collect()
    }
}

/// Imports a staff list, and the groups as far as their members are on it.
///
/// # Errors
/// When the list is not right or the database does not answer.
pub fn import(tx: &mut Tx<'_>, staff: &[Entry], groups: &[Membership]) -> Result<()> {
    let permit = policy::run_system(tx.actor())?;
    let hooks: &[directory::LeaverHook] = &[crate::requests::commands::leaver];
    directory::commands::import_people(tx, &permit, SOURCE, staff.to_vec(), &[], 100, hooks)?;
    let listed = |id: &str| staff.iter().any(|entry| entry.external_id == id);
    let groups: Vec<Membership> =
        groups.iter().filter(|row| listed(&row.member)).cloned().collect();
    directory::commands::import_groups(
        tx,
        &permit,
        &groups,
        &[crate::requests::commands::members_left],
    )?;
    Ok(())
}

/// Appoints the administrator and the auditor, as the command line does.
///
/// # Errors
/// When the database does not answer.
pub fn appoint(tx: &mut Tx<'_>, names: &Names) -> Result<()> {
    let permit = policy::run_system(tx.actor())?;
    for (id, role) in [("admin", GlobalRole::Administrator), ("auditor", GlobalRole::Auditor)] {
        directory::commands::grant_role(tx, &permit, names.person(id)?, role, true)?;
    }
    Ok(())
}

/// What was set up, by name.
#[derive(Clone, Debug, Default)]
pub struct Offered {
    catalogs: HashMap<&'static str, CatalogId>,
    roles: HashMap<(&'static str, &'static str), RoleId>,
    packages: HashMap<&'static str, PackageId>,
    policies: HashMap<(&'static str, &'static str), PolicyId>,
}

impl Offered {
    /// A package by its name.
    ///
    /// # Errors
    /// When there is none.
    pub fn package(&self, name: &str) -> Result<PackageId> {
        let found = self.packages.get(name).copied();
        found.with_context(|| format!("the demo has no package “{name}”")).map_err(Error::Broken)
    }

    /// A policy by the names of its package and its own, with the package's catalog.
    ///
    /// # Errors
    /// When there is none.
    pub(super) fn policy(&self, package: &str, name: &str) -> Result<(CatalogId, PolicyId)> {
        let catalog = PACKAGES.iter().find(|p| p.name == package).map(|p| p.catalog);
        let catalog = catalog.and_then(|name| self.catalogs.get(name)).copied();
        let found = catalog.zip(self.policies.get(&(package, name)).copied());
        found.with_context(|| format!("no policy “{name}” of {package}")).map_err(Error::Broken)
    }

    pub(super) fn catalog(&self, name: &str) -> Result<CatalogId> {
        let found = self.catalogs.get(name).copied();
        found.with_context(|| format!("the demo has no catalog “{name}”")).map_err(Error::Broken)
    }
}

/// Creates the catalogs and registers their resources: an administrator does this (E26).
///
/// # Errors
/// When the plan is not right or the database does not answer.
pub fn register(tx: &mut Tx<'_>, names: &Names, offered: &mut Offered) -> Result<()> {
    let permit = policy::create_catalog(tx.actor())?;
    for catalog in CATALOGS {
        let owners = catalog.owners.iter().map(|who| match who {
            Who::Person(id) => names.person(id).map(Owner::Person),
            Who::Group(name) => names.group(name).map(Owner::Group),
        });
        let new = NewCatalog {
            name: catalog.name.into(),
            description: catalog.description.into(),
            listed_for_everyone: catalog.for_everyone_to_see,
            owners: owners.collect::<Result<_>>()?,
        };
        let id = catalogs::commands::create(tx, &permit, CatalogId::fresh(), &new)?;
        offered.catalogs.insert(catalog.name, id);
    }
    for resource in RESOURCES.iter().filter(|resource| !resource.catalog.is_empty()) {
        let catalog = offered.catalog(resource.catalog)?;
        let permit = policy::register_resource(tx.actor(), catalog)?;
        let role = |value: &str, label: &str, risk| NewRole {
            value: value.into(),
            label: label.into(),
            risk,
        };
        let new = NewResource {
            catalog,
            target: NAME.into(),
            address: resource.address.into(),
            name: resource.name.into(),
            description: resource.description.into(),
            managed_here: false,
            roles: vec![
                role("member", "Member", resource.risk),
                role("owner", "Owner", Risk::High),
            ],
        };
        let id = catalogs::commands::add_resource(tx, &permit, ResourceId::fresh(), &new)?;
        for role in catalogs::store::resource(tx.db(), id)?.roles {
            let value = if role.value == "owner" { "owner" } else { "member" };
            offered.roles.insert((resource.address, value), role.id);
        }
    }
    Ok(())
}

/// Connects the organizations of the company's guests: an administrator does this.
///
/// # Errors
/// When the plan is not right or the database does not answer.
pub fn connect(tx: &mut Tx<'_>, names: &Names) -> Result<()> {
    let permit = policy::manage_organizations(tx.actor())?;
    for organization in ORGANIZATIONS {
        let sponsors = organization.sponsors.iter().map(|id| names.person(id));
        let draft = organizations::model::Draft {
            name: organization.name.into(),
            description: organization.description.into(),
            domains: organization.domains.iter().map(|domain| (*domain).into()).collect(),
            sponsors: sponsors.collect::<Result<_>>()?,
        };
        organizations::commands::create(tx, &permit, OrganizationId::fresh(), &draft)?;
    }
    Ok(())
}

/// Makes the packages of one catalog with their policies: an owner does this.
///
/// # Errors
/// When the plan is not right or the database does not answer.
pub fn offer(tx: &mut Tx<'_>, names: &Names, offered: &mut Offered, catalog: &str) -> Result<()> {
    let id = offered.catalog(catalog)?;
    let permit = policy::manage_catalog(tx.actor(), id)?;
    let today = tx.zone().date(tx.now());
    for package in PACKAGES.iter().filter(|package| package.catalog == catalog) {
        let roles = package.roles.iter().map(|role| {
            let found = offered.roles.get(role).copied();
            found.with_context(|| format!("no resource has {role:?}")).map_err(Error::Broken)
        });
        let new = NewPackage {
            catalog: id,
            name: package.name.into(),
            description: package.description.into(),
            hidden: package.hidden,
            roles: roles.collect::<Result<_>>()?,
        };
        let made = packages::commands::create(tx, &permit, PackageId::fresh(), &new)?;
        offered.packages.insert(package.name, made);
        for policy in package.policies {
            let (id, terms) = (PolicyId::fresh(), names.terms(policy, policy.at_first, today)?);
            policies::commands::create(tx, &permit, id, made, policy.name, &terms)?;
            offered.policies.insert((package.name, policy.name), id);
        }
    }
    let of = |name: &str| PACKAGES.iter().any(|p| p.name == name && p.catalog == catalog);
    for (package, other, reason) in APART.iter().filter(|(package, ..)| of(package)) {
        let rule = NewRule {
            id: IncompatibilityId::fresh(),
            package: offered.package(package)?,
            other: Other::Package(offered.package(other)?),
            mutual: true,
            reason: (*reason).to_owned(),
        };
        packages::incompatible::commands::add(tx, &permit, &rule)?;
    }
    Ok(())
}

/// The time of a local day: `days` before the day of `now`, at the hour and minute of the zone.
#[must_use]
pub fn day_before(now: Ts, zone: Zone, days: u64, hour: i64, minute: i64) -> Ts {
    let today = zone.date(now);
    let day = today.checked_sub_days(Days::new(days)).unwrap_or(today);
    zone.start_of(day).plus_seconds((hour * 60 + minute) * 60)
}
