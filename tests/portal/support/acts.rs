//! What people and owners do beyond asking and deciding: more time, giving back, assigning, stopping, groups.

use std::collections::HashMap;

use diesel::prelude::*;
use keyholder::access::policy;
use keyholder::db::schema::{catalogs, groups, people, request_stages, requests};
use keyholder::directory::{groups_feed, import};
use keyholder::error::Result;
use keyholder::kernel::{
    AssignmentId, GroupId, IncompatibilityId, OrganizationId, PackageId, PersonId, PolicyId,
    RequestId, Ts,
};
use keyholder::organizations;
use keyholder::packages::incompatible::{self, model::Other};
use keyholder::packages::store::head;
use keyholder::policies;
use keyholder::requests::commands::{self, Assign, Extend, Submit, TakeAgain};
use keyholder::requests::eligibility::position;
use keyholder::requests::model::{Approver, Request};
use keyholder::requests::rules::Period;
use keyholder::requests::stops::Thing;
use keyholder::requests::store;

use super::world::World;

/// A direct assignment without wishes.
pub fn assignment(package: PackageId, policy: PolicyId, target: PersonId) -> Assign {
    Assign {
        id: RequestId::fresh(),
        package,
        policy,
        target,
        reason: "she starts today".into(),
        answers: HashMap::new(),
        period: Period { starts: None, ends: None },
    }
}

/// One answer to one question.
pub fn answered(key: &str, value: &str) -> HashMap<String, Vec<String>> {
    HashMap::from([(key.to_owned(), vec![value.to_owned()])])
}

impl World {
    /// Asks for somebody else.
    pub fn ask_for(&self, who: PersonId, target: PersonId, order: Submit) -> Result<RequestId> {
        self.by(who, move |tx| {
            let position = position(tx.db(), who, target, order.package)?;
            let permit = policy::request_access(tx.actor(), &position.standing())?;
            commands::submit(tx, &permit, &order)
        })
    }

    /// Asks for more time, as long as the policy allows.
    pub fn extend(&self, who: PersonId, assignment: AssignmentId) -> Result<RequestId> {
        self.extend_until(who, assignment, None)
    }

    pub fn extend_until(
        &self,
        who: PersonId,
        assignment: AssignmentId,
        until: Option<Ts>,
    ) -> Result<RequestId> {
        let id = RequestId::fresh();
        self.by(who, move |tx| {
            let permit = policy::own_assignment(tx.actor(), who)?;
            let reason = "still needed".into();
            commands::extend(tx, &permit, &Extend { id, assignment, reason, until })
        })
    }

    pub fn give_back(&self, who: PersonId, assignment: AssignmentId) -> Result<RequestId> {
        self.by(who, move |tx| {
            let permit = policy::own_assignment(tx.actor(), who)?;
            commands::give_back(tx, &permit, assignment, "done")
        })
    }

    pub fn take_again(&self, who: PersonId, given_back: RequestId) -> Result<RequestId> {
        let take = TakeAgain { id: RequestId::fresh(), given_back };
        self.by(who, move |tx| {
            let permit = policy::own_assignment(tx.actor(), who)?;
            commands::take_again(tx, &permit, &take)
        })
    }

    pub fn assign(&self, who: PersonId, assign: Assign) -> Result<RequestId> {
        let catalog = self.catalog;
        self.by(who, move |tx| {
            let permit = policy::manage_assignment(tx.actor(), catalog)?;
            commands::assign(tx, &permit, &assign)
        })
    }

    /// Cleo stops something; how many requests wait because of it.
    pub fn stop(&self, thing: Thing) -> usize {
        let catalog = self.catalog;
        self.by(self.cleo, move |tx| {
            let permit = policy::manage_catalog(tx.actor(), catalog)?;
            commands::stop(tx, &permit, thing, "an incident")
        })
        .unwrap()
    }

    /// Cleo lets it go on; how many requests go on.
    pub fn let_on(&self, thing: Thing) -> usize {
        let catalog = self.catalog;
        self.by(self.cleo, move |tx| {
            let permit = policy::manage_catalog(tx.actor(), catalog)?;
            commands::let_on(tx, &permit, thing)
        })
        .unwrap()
    }

    pub fn remind(&self, who: PersonId, request: RequestId) -> Result<Request> {
        self.by(who, move |tx| {
            let there = store::one(tx.db(), request)?;
            let standing = store::standing(tx.db(), &there)?;
            let permit = policy::remind_approvers(tx.actor(), &standing)?;
            commands::remind(tx, &permit)
        })
    }

    pub fn switch_policy(&self, id: PolicyId, on: bool) {
        let catalog = self.catalog;
        self.by(self.cleo, move |tx| {
            let permit = policy::manage_catalog(tx.actor(), catalog)?;
            policies::commands::switch(tx, &permit, id, on)
        })
        .unwrap();
    }

    /// The group's new list of members is imported, and what follows from it happens.
    pub fn import_group(&self, group: GroupId, members: &[PersonId]) {
        let name: String = self
            .db
            .read(|db| Ok(groups::table.find(group).select(groups::name).first(db)?))
            .unwrap();
        let row = |person: &PersonId| format!("{name},{}\n", self.external(*person));
        let list: String = members.iter().map(row).collect();
        let list = groups_feed::read(format!("group,member\n{list}").as_bytes()).unwrap();
        import::groups(&self.db, list, vec![commands::members_left], false).unwrap();
    }

    /// A connected organization, and a guest whose mail is at its domain.
    pub fn organization(&self, domain: &str, sponsors: &[PersonId]) -> (OrganizationId, PersonId) {
        let guest = self.guest("Gus");
        let id = OrganizationId::fresh();
        let draft = organizations::model::Draft {
            name: domain.to_owned(),
            description: String::new(),
            domains: vec![domain.to_owned()],
            sponsors: sponsors.to_vec(),
        };
        let (mail, mail_domain, catalog) =
            (format!("gus@{domain}"), domain.to_owned(), self.catalog);
        self.by(self.root, move |tx| {
            let permit = policy::manage_organizations(tx.actor())?;
            organizations::commands::create(tx, &permit, id, &draft)?;
            diesel::update(people::table.find(guest))
                .set((people::mail.eq(Some(&mail)), people::mail_domain.eq(Some(&mail_domain))))
                .execute(tx.db())?;
            diesel::update(catalogs::table.find(catalog))
                .set(catalogs::for_guests.eq(true))
                .execute(tx.db())?;
            Ok(())
        })
        .unwrap();
        (id, guest)
    }

    /// Somebody who decides the open stage of a request, whoever it is.
    pub fn a_decider(&self, request: RequestId) -> Option<PersonId> {
        let holders = self.db.read(|db| store::holders(db, &[request])).unwrap();
        holders.first().map(|(_, approver)| approver.person)
    }

    /// Everybody who is or was asked.
    pub fn approvers(&self, request: RequestId) -> Vec<Approver> {
        self.db.read(|db| store::approvers(db, request)).unwrap()
    }

    /// When the open stage's clocks ring: it runs out, alternates join, its people are reminded.
    pub fn clocks(&self, request: RequestId) -> (Ts, Option<Ts>, Option<Ts>) {
        let query = request_stages::table
            .filter(request_stages::request_id.eq(request))
            .order(request_stages::number.desc())
            .select((
                request_stages::due_at,
                request_stages::alternates_at,
                request_stages::remind_at,
            ));
        self.db.read(|db| Ok(query.first(db)?)).unwrap()
    }

    /// The requests of a pair, oldest first.
    pub fn requests_of(&self, target: PersonId, package: PackageId) -> Vec<RequestId> {
        let query = requests::table
            .filter(requests::target_id.eq(target))
            .filter(requests::package_id.eq(package))
            .order(requests::id)
            .select(requests::id);
        self.db.read(|db| Ok(query.load(db)?)).unwrap()
    }

    /// Runs everything that timers, targets and notices have to do.
    pub fn settle(&self) {
        while self.tick() + self.deliver() + self.dispatch() > 0 {}
    }
}

/// Separation of duties.
impl World {
    /// An administrator keeps two things apart.
    pub fn apart(&self, package: PackageId, other: Other, mutual: bool) -> IncompatibilityId {
        let reason = "nobody pays what they entered";
        self.try_apart(self.root, package, other, mutual, reason).unwrap()
    }

    pub fn try_apart(
        &self,
        who: PersonId,
        package: PackageId,
        other: Other,
        mutual: bool,
        reason: &str,
    ) -> Result<IncompatibilityId> {
        let id = IncompatibilityId::fresh();
        let reason = reason.to_owned();
        let new = incompatible::model::NewRule { id, package, other, mutual, reason };
        self.by(who, move |tx| {
            let catalog = head(tx.db(), new.package)?.catalog;
            let permit = policy::manage_catalog(tx.actor(), catalog)?;
            incompatible::commands::add(tx, &permit, &new)
        })
    }

    /// An administrator lets two things be held together again.
    pub fn together(&self, package: PackageId, rule: IncompatibilityId) -> Result<()> {
        self.by(self.root, move |tx| {
            let catalog = head(tx.db(), package)?.catalog;
            let permit = policy::manage_catalog(tx.actor(), catalog)?;
            incompatible::commands::remove(tx, &permit, package, rule)
        })
    }
}
