//! People, groups and set-ups for the tests of the slices that set things up.

use diesel::prelude::*;

use crate::access::policy;
use crate::catalogs;
use crate::catalogs::model::{NewCatalog, NewResource, NewRole};
use crate::db::schema::{facts, group_members, groups, people};
use crate::db::{By, Database};
use crate::delegation::model::Owner;
use crate::error::{Error, Result};
use crate::kernel::text::folded;
use crate::kernel::{
    CatalogId, GroupId, Kind, PackageId, PersonId, PolicyId, ResourceId, Risk, RoleId,
};
use crate::packages;
use crate::packages::model::NewPackage;
use crate::policies;
use crate::policies::model::{Lifetime, Named, Scope, Terms};

/// Who makes what no person made.
pub const BY: By = By::System("test");

/// Writes a person.
pub fn somebody(db: &Database, name: &str, kind: Kind, administrator: bool) -> PersonId {
    let (id, name) = (PersonId::fresh(), name.to_owned());
    db.write(BY, move |tx| {
        let now = tx.now();
        diesel::insert_into(people::table)
            .values((
                people::id.eq(id),
                people::source.eq("test"),
                people::external_id.eq(id.to_string()),
                people::name.eq(&name),
                people::kind.eq(kind.as_str()),
                people::attributes.eq("{}"),
                people::administrator.eq(administrator),
                people::auditor.eq(false),
                people::enabled.eq(true),
                people::search.eq(folded(&name)),
                people::rev.eq(1),
                people::created_at.eq(now),
            ))
            .execute(tx.db())?;
        Ok(id)
    })
    .expect("a person")
}

/// Writes a member of the organization.
pub fn member(db: &Database, name: &str) -> PersonId {
    somebody(db, name, Kind::Member, false)
}

/// Writes a guest with a mail address, as an import does.
pub fn guest(db: &Database, name: &str, mail: &str) -> PersonId {
    let (id, mail) = (somebody(db, name, Kind::Guest, false), mail.to_owned());
    db.write(BY, move |tx| {
        let domain = crate::directory::mail::domain_of(&mail);
        diesel::update(people::table.find(id))
            .set((people::mail.eq(&mail), people::mail_domain.eq(domain)))
            .execute(tx.db())?;
        Ok(id)
    })
    .expect("a guest")
}

/// Lets a person leave.
pub fn disable(db: &Database, id: PersonId) {
    db.write(BY, move |tx| {
        diesel::update(people::table.find(id)).set(people::enabled.eq(false)).execute(tx.db())?;
        Ok(())
    })
    .expect("gone");
}

/// Writes a group with members.
pub fn group(db: &Database, name: &str, members: &[PersonId]) -> GroupId {
    let (id, name, members) = (GroupId::fresh(), name.to_owned(), members.to_vec());
    db.write(BY, move |tx| {
        let now = tx.now();
        diesel::insert_into(groups::table)
            .values((
                groups::id.eq(id),
                groups::name.eq(&name),
                groups::name_key.eq(folded(&name)),
                groups::rev.eq(1),
                groups::created_at.eq(now),
            ))
            .execute(tx.db())?;
        for member in &members {
            diesel::insert_into(group_members::table)
                .values((group_members::group_id.eq(id), group_members::person_id.eq(*member)))
                .execute(tx.db())?;
        }
        Ok(id)
    })
    .expect("a group")
}

/// A database with an administrator, a catalog of their own, and shortcuts to fill it.
pub struct House {
    /// The database.
    pub db: Database,
    /// The administrator, who owns the catalog.
    pub ada: PersonId,
    /// The catalog "Finance".
    pub catalog: CatalogId,
}

impl House {
    /// Builds it on a database.
    pub fn on(db: Database) -> Self {
        let ada = somebody(&db, "Ada Lund", Kind::Member, true);
        let house = Self { db, ada, catalog: CatalogId::fresh() };
        house.new_catalog(house.catalog, "Finance").expect("a catalog");
        house
    }

    /// Creates a catalog of Ada's.
    pub fn new_catalog(&self, id: CatalogId, name: &str) -> Result<CatalogId> {
        let owners = vec![Owner::Person(self.ada)];
        let new = NewCatalog { name: name.into(), owners, ..NewCatalog::default() };
        self.db.write(By::Person(self.ada), move |tx| {
            let permit = policy::create_catalog(tx.actor())?;
            catalogs::commands::create(tx, &permit, id, &new)
        })
    }

    /// Registers a resource of the catalog with the role "Member"; gives the role.
    pub fn resource(&self, name: &str, risk: Risk) -> RoleId {
        let id = self.new_resource(ResourceId::fresh(), name, risk).expect("a resource");
        self.db.read(|db| catalogs::store::resource(db, id)).expect("a resource").roles[0].id
    }

    /// Registers a resource of the catalog.
    pub fn new_resource(&self, id: ResourceId, name: &str, risk: Risk) -> Result<ResourceId> {
        let new = NewResource {
            catalog: self.catalog,
            target: "ldap".into(),
            address: format!("cn={name},ou=groups"),
            name: name.into(),
            description: format!("Work with {name}"),
            managed_here: false,
            roles: vec![NewRole { value: "member".into(), label: "Member".into(), risk }],
        };
        self.db.write(By::Person(self.ada), move |tx| {
            let permit = policy::register_resource(tx.actor(), new.catalog)?;
            catalogs::commands::add_resource(tx, &permit, id, &new)
        })
    }

    /// Creates a package of the catalog.
    pub fn package(&self, name: &str, roles: &[RoleId]) -> PackageId {
        self.new_package(PackageId::fresh(), name, roles).expect("a package")
    }

    /// Creates a package of the catalog.
    pub fn new_package(&self, id: PackageId, name: &str, roles: &[RoleId]) -> Result<PackageId> {
        let new = NewPackage {
            catalog: self.catalog,
            name: name.into(),
            description: format!("What {name} is for"),
            hidden: false,
            roles: roles.to_vec(),
        };
        self.db.write(By::Person(self.ada), move |tx| {
            let permit = policy::manage_catalog(tx.actor(), new.catalog)?;
            packages::commands::create(tx, &permit, id, &new)
        })
    }

    /// Creates a policy.
    pub fn policy(&self, package: PackageId, name: &str, scope: Scope) -> PolicyId {
        self.new_policy(PolicyId::fresh(), package, name, &terms(scope)).expect("a policy")
    }

    /// Creates a policy.
    pub fn new_policy(
        &self,
        id: PolicyId,
        package: PackageId,
        name: &str,
        terms: &Terms,
    ) -> Result<PolicyId> {
        let (catalog, name, terms) = (self.catalog, name.to_owned(), terms.clone());
        self.db.write(By::Person(self.ada), move |tx| {
            let permit = policy::manage_catalog(tx.actor(), catalog)?;
            Ok(policies::commands::create(tx, &permit, id, package, &name, &terms)?.id)
        })
    }

    /// The kinds of the facts so far, oldest first.
    pub fn facts(&self) -> Vec<String> {
        let load = |db: &mut crate::db::Db| {
            Ok(facts::table.order((facts::at, facts::id)).select(facts::kind).load(db)?)
        };
        self.db.read(load).expect("facts")
    }
}

/// Terms with this scope, no stages and 90 days.
pub fn terms(scope: Scope) -> Terms {
    Terms {
        scope,
        stages: vec![],
        reason_required: false,
        lifetime: Lifetime::Days { days: 90 },
        period_chosen: false,
        ..Terms::default()
    }
}

/// All members.
pub fn everyone() -> Scope {
    Scope { all_members: true, ..Scope::default() }
}

/// These people.
pub fn only(people: &[PersonId]) -> Scope {
    let people = people.iter().map(|id| Named { id: *id, name: String::new() }).collect();
    Scope { people, ..Scope::default() }
}

/// The members of this group.
pub fn through(group: GroupId) -> Scope {
    Scope { groups: vec![Named { id: group, name: String::new() }], ..Scope::default() }
}

/// The fields that were refused.
pub fn fields<T: std::fmt::Debug>(result: Result<T>) -> Vec<String> {
    match result {
        Err(Error::Invalid(errors)) => errors.into_iter().map(|e| e.field).collect(),
        other => panic!("not refused for a field: {other:?}"),
    }
}
