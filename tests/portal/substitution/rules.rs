//! Who sees what (E28), counted from the tables.

use std::collections::{BTreeMap, BTreeSet};

use diesel::prelude::*;
use keyholder::db::schema::{
    assignments, catalogs, group_members, organization_sponsors, packages, people, policy_versions,
    request_stages, requests, role_grants, stage_approvers,
};
use keyholder::db::{Database, Db};
use keyholder::error::Result;
use keyholder::kernel::{CatalogId, GroupId, PackageId, PersonId, RequestId};

use crate::support::visitor::Page;

struct Request {
    reference: String,
    requestor: PersonId,
    target: PersonId,
    catalog: CatalogId,
    approvers: BTreeSet<PersonId>,
    deciders: BTreeSet<PersonId>,
}

struct Person {
    name: String,
    manager: Option<PersonId>,
    reads_all: bool,
}

/// The tables as the rules see them.
pub struct Rules {
    people: BTreeMap<PersonId, Person>,
    requests: BTreeMap<RequestId, Request>,
    catalogs: BTreeSet<CatalogId>,
    packages: BTreeMap<PackageId, CatalogId>,
    holds: BTreeSet<(PersonId, PackageId)>,
    owners: BTreeMap<PersonId, BTreeSet<CatalogId>>,
    /// Whose names anybody may read somewhere: they decide, own or answer for others.
    known: BTreeSet<PersonId>,
}

impl Rules {
    /// Reads them.
    pub fn load(db: &Database) -> Rules {
        db.read(Rules::read).unwrap()
    }

    fn read(db: &mut Db) -> Result<Rules> {
        type PersonRow = (PersonId, String, Option<PersonId>, bool, bool);
        let rows: Vec<PersonRow> = people::table
            .select((
                people::id,
                people::name,
                people::manager_id,
                people::administrator,
                people::auditor,
            ))
            .load(db)?;
        let mut known: BTreeSet<PersonId> = rows.iter().filter_map(|row| row.2).collect();
        known.extend(rows.iter().filter(|row| row.3 || row.4).map(|row| row.0));
        let person = |(id, name, manager, administrator, auditor): PersonRow| {
            (id, Person { name, manager, reads_all: administrator || auditor })
        };
        let people: BTreeMap<PersonId, Person> = rows.into_iter().map(person).collect();
        let members: Vec<(GroupId, PersonId)> = group_members::table
            .select((group_members::group_id, group_members::person_id))
            .load(db)?;
        let grants: Vec<(CatalogId, Option<PersonId>, Option<GroupId>)> = role_grants::table
            .select((role_grants::catalog_id, role_grants::person_id, role_grants::group_id))
            .load(db)?;
        let mut owners: BTreeMap<PersonId, BTreeSet<CatalogId>> = BTreeMap::new();
        for (catalog, person, group) in grants {
            let of_group =
                members.iter().filter(|(id, _)| Some(*id) == group).map(|(_, person)| *person);
            for person in of_group.chain(person) {
                owners.entry(person).or_default().insert(catalog);
                known.insert(person);
            }
        }
        let packages: Vec<(PackageId, CatalogId)> =
            packages::table.select((packages::id, packages::catalog_id)).load(db)?;
        let packages: BTreeMap<PackageId, CatalogId> = packages.into_iter().collect();
        type RequestRow = (RequestId, String, PersonId, PersonId, PackageId);
        let rows: Vec<RequestRow> = requests::table
            .select((
                requests::id,
                requests::reference,
                requests::requestor_id,
                requests::target_id,
                requests::package_id,
            ))
            .load(db)?;
        let request = |(id, reference, requestor, target, package): RequestRow| {
            let none = BTreeSet::new;
            let catalog = packages[&package];
            (
                id,
                Request {
                    reference,
                    requestor,
                    target,
                    catalog,
                    approvers: none(),
                    deciders: none(),
                },
            )
        };
        let mut requests: BTreeMap<RequestId, Request> = rows.into_iter().map(request).collect();
        type VoterRow = (RequestId, PersonId, Option<PersonId>, Option<PersonId>, String);
        let voters: Vec<VoterRow> = stage_approvers::table
            .inner_join(request_stages::table)
            .select((
                stage_approvers::request_id,
                stage_approvers::person_id,
                stage_approvers::voted_by,
                stage_approvers::passed_by,
                request_stages::state,
            ))
            .load(db)?;
        for (request, person, voted, passed, state) in voters {
            known.extend([Some(person), voted, passed].into_iter().flatten());
            let Some(request) = requests.get_mut(&request) else { continue };
            request.approvers.extend([Some(person), voted, passed].into_iter().flatten());
            if state == "open" {
                request.deciders.insert(person);
            }
        }
        let decided: Vec<Option<PersonId>> =
            request_stages::table.select(request_stages::decided_by).load(db)?;
        known.extend(decided.into_iter().flatten());
        let sponsors: Vec<PersonId> =
            organization_sponsors::table.select(organization_sponsors::person_id).load(db)?;
        known.extend(sponsors);
        // Whoever a policy names as an approver stands on the page of its package.
        let terms: Vec<String> = policy_versions::table.select(policy_versions::terms).load(db)?;
        let terms = terms.join("\n");
        known.extend(people.keys().filter(|id| terms.contains(&id.to_string())));
        known.extend(
            members
                .iter()
                .filter(|(group, _)| terms.contains(&group.to_string()))
                .map(|(_, person)| *person),
        );
        let holds: Vec<(PersonId, PackageId)> = assignments::table
            .select((assignments::target_id, assignments::package_id))
            .load(db)?;
        let catalogs: Vec<CatalogId> = catalogs::table.select(catalogs::id).load(db)?;
        Ok(Rules {
            people,
            requests,
            catalogs: catalogs.into_iter().collect(),
            packages,
            holds: holds.into_iter().collect(),
            owners,
            known,
        })
    }

    fn reads_all(&self, me: PersonId) -> bool {
        self.people[&me].reads_all
    }

    fn owns(&self, me: PersonId, catalog: CatalogId) -> bool {
        self.reads_all(me) || self.owners.get(&me).is_some_and(|owned| owned.contains(&catalog))
    }

    fn sees_request(&self, me: PersonId, request: &Request) -> bool {
        request.requestor == me
            || request.target == me
            || request.approvers.contains(&me)
            || self.owns(me, request.catalog)
    }

    fn sees_person(&self, me: PersonId, other: PersonId) -> bool {
        let about = |request: &&Request| request.requestor == other || request.target == other;
        me == other
            || self.reads_all(me)
            || self.people[&other].manager == Some(me)
            || self
                .requests
                .values()
                .filter(about)
                .any(|request| self.owns(me, request.catalog) || request.deciders.contains(&me))
            || self
                .holds
                .iter()
                .any(|(holder, package)| *holder == other && self.owns(me, self.packages[package]))
    }

    /// Fails where an answer says what it must not.
    #[track_caller]
    pub fn judge(
        &self,
        me: PersonId,
        post: bool,
        route: &str,
        path: &str,
        page: &Page,
        what: &str,
    ) {
        let id = path.split('?').next().and_then(|path| path.split('/').nth(2)).unwrap_or_default();
        let shown = page.status < 400 || page.status == 409 || page.status == 422;
        if route.starts_with("/requests/{id}") || route.starts_with("/approvals/{id}") {
            let request = id.parse().ok().and_then(|id: RequestId| self.requests.get(&id));
            let sees = request.is_some_and(|request| self.sees_request(me, request));
            assert!(sees || !shown, "{what} shows a request: {}", page.text);
            let open = route == "/requests/{id}" && sees && !post;
            assert!(!open || page.status == 200, "{what} hides a request: {}", page.text);
        }
        if route == "/people/{id}" {
            let person = id.parse().ok().filter(|id: &PersonId| self.people.contains_key(id));
            let sees = person.is_some_and(|other| self.sees_person(me, other));
            assert_eq!(sees, page.status == 200, "{what}, a person: {}", page.text);
        }
        if route.starts_with("/catalogs/{id}") {
            let catalog = id.parse().ok().filter(|id: &CatalogId| self.catalogs.contains(id));
            let sees = catalog.is_some_and(|catalog| self.owns(me, catalog));
            assert!(sees || !shown, "{what} shows a catalog: {}", page.text);
        }
        let inside = ["/edit", "/policies", "/assign", "/stop", "/let-on", "/requests"];
        let inside = inside.iter().any(|end| {
            route.strip_prefix("/packages/{id}").is_some_and(|rest| rest.starts_with(end))
        });
        if inside {
            let package = id.parse().ok().and_then(|id: PackageId| self.packages.get(&id));
            let sees = package.is_some_and(|catalog| self.owns(me, *catalog));
            assert!(sees || !shown, "{what} shows the inside of a package: {}", page.text);
        }
        if !self.reads_all(me) {
            self.read_body(me, page, what);
        }
    }

    /// No reference of a request that is kept from them, and nobody's name whom they have nothing to do with.
    #[track_caller]
    fn read_body(&self, me: PersonId, page: &Page, what: &str) {
        let mut met: BTreeSet<PersonId> = BTreeSet::from([me]);
        for request in self.requests.values() {
            let sees = self.sees_request(me, request);
            // The page of a person is for their manager, and tells who asked for what they have.
            if sees || self.people[&request.target].manager == Some(me) {
                met.extend([request.requestor, request.target]);
            }
            if !sees {
                let found = page.body.contains(&request.reference);
                assert!(!found, "{what} names {}: {}", request.reference, page.text);
            }
        }
        if self.owners.contains_key(&me) {
            return; // owners look up anybody whom they assign
        }
        let busy = self.requests.values().flat_map(|request| [request.requestor, request.target]);
        let busy = busy.chain(self.holds.iter().map(|(person, _)| *person));
        for other in busy.collect::<BTreeSet<_>>() {
            let person = &self.people[&other];
            if self.known.contains(&other) || met.contains(&other) || self.sees_person(me, other) {
                continue;
            }
            let found = page.body.contains(&person.name);
            assert!(!found, "{what} names {}: {}", person.name, page.text);
        }
    }
}
