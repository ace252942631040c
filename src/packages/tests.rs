use diesel::prelude::*;

use super::model::{Position, Viewer};
use super::{commands, store};
use crate::access::policy;
use crate::assignments::commands::contents_changed;
use crate::catalogs;
use crate::db::schema::{assignments, requests};
use crate::db::testing::databases;
use crate::db::{By, Database};
use crate::delegation::testing::{
    BY, House, everyone, fields, group, member, only, somebody, terms, through,
};
use crate::error::{Error, Result};
use crate::kernel::{AssignmentId, Kind, PackageId, PersonId, PolicyId, RequestId, Risk, RoleId};
use crate::packages::model::PackageChange;
use crate::requests::eligibility::position;
use crate::web::paging::{Cursor, page};

fn viewer(id: PersonId) -> Viewer {
    Viewer { id, kind: Kind::Member }
}

fn names(db: &Database, viewer: Viewer, q: &str) -> Vec<String> {
    let hits = db.read(|db| store::listed(db, viewer, q, None, 50)).expect("a list");
    hits.into_iter().map(|hit| hit.name).collect()
}

fn hold(db: &Database, person: PersonId, package: PackageId, policy: PolicyId) -> AssignmentId {
    let id = AssignmentId::fresh();
    db.write(BY, move |tx| {
        let now = tx.now();
        diesel::insert_into(assignments::table)
            .values((
                assignments::id.eq(id),
                assignments::package_id.eq(package),
                assignments::policy_id.eq(policy),
                assignments::target_id.eq(person),
                assignments::starts_at.eq(now),
                assignments::ends_at.eq(now.plus_hours(24)),
                assignments::rev.eq(1),
                assignments::created_at.eq(now),
            ))
            .execute(tx.db())?;
        Ok(id)
    })
    .expect("held")
}

fn ask(db: &Database, person: PersonId, package: PackageId, policy: PolicyId) -> RequestId {
    let id = RequestId::fresh();
    db.write(BY, move |tx| {
        let now = tx.now();
        diesel::insert_into(requests::table)
            .values((
                requests::id.eq(id),
                requests::reference.eq(format!("KH-{id}")),
                requests::kind.eq("add"),
                requests::package_id.eq(package),
                requests::policy_id.eq(policy),
                requests::policy_version.eq(1),
                requests::terms.eq("{}"),
                requests::contents_version.eq(1),
                requests::requestor_id.eq(person),
                requests::target_id.eq(person),
                requests::reason.eq(""),
                requests::state.eq("pending"),
                requests::stage.eq(1),
                requests::created_at.eq(now),
                requests::rev.eq(1),
            ))
            .execute(tx.db())?;
        Ok(id)
    })
    .expect("asked")
}

fn looked_at(house: &House, viewer: Viewer, id: PackageId) -> Result<(bool, Position)> {
    house.db.read(|db| {
        let position = position(db, viewer.id, viewer.id, id)?;
        Ok((position.visible(), position.standing_of_target()))
    })
}

fn set(house: &House, id: PackageId, seen: i64, roles: &[RoleId]) -> Result<()> {
    let (catalog, roles) = (house.catalog, roles.to_vec());
    house.db.write(By::Person(house.ada), move |tx| {
        let permit = policy::manage_catalog(tx.actor(), catalog)?;
        commands::set_contents(tx, &permit, id, seen, &roles, contents_changed)
    })
}

fn say(house: &House, id: PackageId, change: PackageChange) -> Result<()> {
    let catalog = house.catalog;
    house.db.write(By::Person(house.ada), move |tx| {
        let permit = policy::manage_catalog(tx.actor(), catalog)?;
        commands::change(tx, &permit, id, &change)
    })
}

#[test]
fn a_package_is_made_once_and_its_name_is_unique_in_its_catalog() {
    for db in databases() {
        let house = House::on(db);
        let role = house.resource("Ledger", Risk::High);
        let id = PackageId::fresh();
        house.new_package(id, "Month-end", &[role]).expect("made");
        house.new_package(id, "Month-end", &[role]).expect("sent twice");
        assert!(matches!(house.new_package(id, "Other", &[]), Err(Error::Missing)));
        assert_eq!(fields(house.new_package(PackageId::fresh(), "MONTH-END", &[])), ["name"]);
        let strange = house.new_package(PackageId::fresh(), "Other", &[RoleId::fresh()]);
        assert_eq!(fields(strange), ["roles"]);
        let detail = house.db.read(|db| store::package(db, id)).expect("there");
        assert_eq!(
            (detail.risk(), detail.contents[0].label()),
            (Risk::High, "Ledger (Member)".into())
        );
    }
}

#[test]
fn contents_change_under_a_new_version_and_the_hook_is_called() {
    for db in databases() {
        let house = House::on(db);
        let (one, two) =
            (house.resource("Ledger", Risk::Ordinary), house.resource("Journal", Risk::High));
        let id = house.package("Month-end", &[one]);
        set(&house, id, 1, &[two]).expect("changed");
        set(&house, id, 1, &[two]).expect("sent twice");
        assert!(matches!(set(&house, id, 1, &[one]), Err(Error::Refused(_))), "seen too long ago");
        let detail = house.db.read(|db| store::package(db, id)).expect("there");
        assert_eq!((detail.package.contents_version, detail.contents.len()), (2, 1));
        let told =
            house.db.read(|db| catalogs::store::history(db, house.catalog, 1)).expect("told");
        assert_eq!(
            told[0].1.to_string(),
            "Ada Lund changed what is in Month-end (version 2): added Journal (Member); removed Ledger (Member)"
        );

        // What the hook refuses is not stored.
        let catalog = house.catalog;
        let refused: Result<()> = house.db.write(By::Person(house.ada), move |tx| {
            let permit = policy::manage_catalog(tx.actor(), catalog)?;
            commands::set_contents(tx, &permit, id, 2, &[], |_, _, _, _| Err(Error::Missing))
        });
        assert!(refused.is_err());
        let detail = house.db.read(|db| store::package(db, id)).expect("there");
        assert_eq!((detail.package.contents_version, detail.contents.len()), (2, 1));
    }
}

#[test]
fn e29_a_package_is_listed_to_those_in_scope() {
    for db in databases() {
        let house = House::on(db);
        let (ann, bo) = (member(&house.db, "Ann"), member(&house.db, "Bo"));
        let guest = somebody(&house.db, "Gil", Kind::Guest, false);
        let guest = Viewer { id: guest, kind: Kind::Guest };
        let team = group(&house.db, "Team", &[bo, guest.id]);
        house.policy(house.package("For all", &[]), "P", everyone());
        house.policy(house.package("For Ann", &[]), "P", only(&[ann]));
        house.policy(house.package("For the guest", &[]), "P", only(&[guest.id]));
        house.policy(house.package("For the team", &[]), "P", through(team));
        house.package("For nobody", &[]);
        assert_eq!(names(&house.db, viewer(ann), ""), ["For all", "For Ann"]);
        assert_eq!(names(&house.db, viewer(bo), ""), ["For all", "For the team"]);
        assert_eq!(names(&house.db, guest, ""), ["For the guest", "For the team"]);
        assert_eq!(names(&house.db, viewer(PersonId::fresh()), ""), ["For all"]);
    }
}

#[test]
fn what_is_hidden_or_switched_off_is_not_listed() {
    for db in databases() {
        let house = House::on(db);
        let ann = viewer(member(&house.db, "Ann"));
        let hidden = house.package("Hidden", &[]);
        house.policy(hidden, "P", everyone());
        let off = house.package("Policy off", &[]);
        let policy_off = house.policy(off, "P", everyone());
        let catalog = house.catalog;
        let change = PackageChange {
            name: "Hidden".into(),
            description: "Only by its link".into(),
            hidden: true,
        };
        say(&house, hidden, change).expect("hidden");
        house
            .db
            .write(By::Person(house.ada), move |tx| {
                let permit = policy::manage_catalog(tx.actor(), catalog)?;
                crate::policies::commands::switch(tx, &permit, policy_off, false)
            })
            .expect("off");
        assert_eq!(names(&house.db, ann, ""), Vec::<String>::new());
        let seen = |id| looked_at(&house, ann, id).expect("an answer");
        // D18: the direct link works for those in scope.
        assert_eq!(seen(hidden), (true, Position::CanRequest));
        assert_eq!(seen(off), (false, Position::Cannot));

        let open = house.package("Open", &[]);
        house.policy(open, "P", everyone());
        assert_eq!(names(&house.db, ann, ""), ["Open"]);
        house
            .db
            .write(By::Person(house.ada), move |tx| {
                let permit = policy::manage_catalog(tx.actor(), catalog)?;
                catalogs::commands::switch(tx, &permit, catalog, false)
            })
            .expect("off");
        assert_eq!(names(&house.db, ann, ""), Vec::<String>::new());
        assert!(!seen(open).0 && !seen(hidden).0);
        let strange = looked_at(&house, ann, PackageId::fresh());
        assert!(matches!(strange, Err(Error::Missing)));
    }
}

#[test]
fn each_hit_says_how_the_viewer_stands_to_it() {
    for db in databases() {
        let house = House::on(db);
        let (ann, bo) = (member(&house.db, "Ann"), member(&house.db, "Bo"));
        let held = house.package("Held", &[]);
        let policy_held = house.policy(held, "P", only(&[bo]));
        let asked = house.package("Asked", &[]);
        let policy_asked = house.policy(asked, "P", everyone());
        house.policy(house.package("Can", &[]), "P", everyone());
        let cannot = house.package("Cannot", &[]);
        house.policy(cannot, "P", only(&[bo]));
        let assignment = hold(&house.db, ann, held, policy_held);
        let request = ask(&house.db, ann, asked, policy_asked);
        hold(&house.db, bo, asked, policy_asked);

        let hits = |id| {
            let hits = house.db.read(|db| store::listed(db, viewer(id), "", None, 50));
            let hits = hits.expect("a list").into_iter();
            hits.map(|hit| (hit.name, hit.position)).collect::<Vec<_>>()
        };
        let mine = hits(ann);
        assert_eq!(mine.len(), 3, "{mine:?}");
        assert!(matches!(&mine[0], (name, Position::Open { request: r, state, .. })
            if name == "Asked" && *r == request && state == "pending"));
        assert_eq!(mine[1], ("Can".into(), Position::CanRequest));
        assert!(matches!(&mine[2], (name, Position::Holds { assignment: a, until: Some(_), .. })
            if name == "Held" && *a == assignment));

        // Listed for everyone: then also what they cannot request.
        let catalog = house.catalog;
        house
            .db
            .write(By::Person(house.ada), move |tx| {
                let permit = policy::manage_catalog(tx.actor(), catalog)?;
                let change = catalogs::model::CatalogChange {
                    name: "Finance".into(),
                    description: String::new(),
                    listed_for_everyone: true,
                    for_guests: true,
                };
                catalogs::commands::change(tx, &permit, catalog, &change)
            })
            .expect("listed");
        assert!(hits(ann).contains(&("Cannot".into(), Position::Cannot)));
        let seen = looked_at(&house, viewer(ann), cannot).expect("seen");
        assert_eq!(seen, (true, Position::Cannot));
    }
}

#[test]
fn a_search_finds_words_of_name_description_and_resources_literally() {
    for db in databases() {
        let house = House::on(db);
        let ann = viewer(member(&house.db, "Ann"));
        let role = house.resource("Tomás’ ledger", Risk::High);
        let other = house.resource("Archive", Risk::Ordinary);
        house.policy(house.package("Month-end 100%", &[role, other]), "P", everyone());
        house.policy(house.package("Year_end", &[]), "P", everyone());
        for (q, found) in [
            ("MONTH", vec!["Month-end 100%"]),
            ("end", vec!["Month-end 100%", "Year_end"]),
            ("tomas ledger", vec!["Month-end 100%"]),
            ("ledger year", vec![]),
            ("what for year", vec!["Year_end"]),
            ("%", vec!["Month-end 100%"]),
            ("_", vec!["Year_end"]),
            ("\\", vec![]),
        ] {
            assert_eq!(names(&house.db, ann, q), found, "{q}");
        }
        let hits = house.db.read(|db| store::listed(db, ann, "month", None, 9)).expect("a list");
        assert_eq!(hits[0].resources, ["Archive", "Tomás’ ledger"]);
        assert_eq!((hits[0].risk, hits[0].catalog_name.as_str()), (Risk::High, "Finance"));
    }
}

#[test]
fn pages_go_forth_and_back_through_the_names() {
    for db in databases() {
        let house = House::on(db);
        let ann = viewer(member(&house.db, "Ann"));
        for n in 0..5 {
            house.policy(house.package(&format!("Package {n}"), &[]), "P", everyone());
        }
        let at = |cursor: Option<&str>| {
            let cursor = cursor.map(|text| Cursor::<String>::decode(text).expect("a cursor"));
            let rows =
                house.db.read(|db| store::listed(db, ann, "", cursor.as_ref(), 3)).expect("a list");
            page(rows, 2, cursor.as_ref(), |hit| (hit.key.clone(), hit.id.0))
        };
        let names = |page: &crate::web::paging::Page<super::model::Hit>| {
            page.rows.iter().map(|hit| hit.name.clone()).collect::<Vec<_>>()
        };
        let first = at(None);
        let second = at(first.next.as_deref());
        let third = at(second.next.as_deref());
        assert_eq!(names(&second), ["Package 2", "Package 3"]);
        assert_eq!(names(&third), ["Package 4"]);
        assert_eq!(third.next, None);
        assert_eq!(names(&at(third.previous.as_deref())), ["Package 2", "Package 3"]);
        assert_eq!(names(&at(second.previous.as_deref())), ["Package 0", "Package 1"]);
    }
}

#[test]
fn e32_a_list_costs_two_statements_with_10_and_with_500_packages() {
    for db in databases() {
        let house = House::on(db);
        let ann = viewer(member(&house.db, "Ann"));
        let role = house.resource("Ledger", Risk::Ordinary);
        let fill = |from: usize, to: usize| {
            let (catalog, ada) = (house.catalog, house.ada);
            house
                .db
                .write(By::Person(ada), move |tx| {
                    let permit = policy::manage_catalog(tx.actor(), catalog)?;
                    for n in from..to {
                        let new = super::model::NewPackage {
                            catalog,
                            name: format!("Package {n:03}"),
                            description: "One of many".into(),
                            hidden: false,
                            roles: vec![role],
                        };
                        let id = commands::create(tx, &permit, PackageId::fresh(), &new)?;
                        let (policy, terms) = (PolicyId::fresh(), terms(everyone()));
                        crate::policies::commands::create(tx, &permit, policy, id, "P", &terms)?;
                    }
                    Ok(())
                })
                .expect("filled");
        };
        let statements = |limit| {
            let before = house.db.statements_read();
            let hits = house.db.read(|db| store::listed(db, ann, "many", None, limit));
            (hits.expect("a list").len(), house.db.statements_read() - before)
        };
        fill(0, 10);
        assert_eq!(statements(26), (10, 2));
        fill(10, 500);
        assert_eq!(statements(26), (26, 2));
        assert_eq!(statements(1_000), (500, 2));
    }
}
