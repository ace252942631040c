//! The program itself, cut off between the server's yes and its own record.

use std::sync::Arc;

use keyholder::access::policy::{self, AskStanding};
use keyholder::db::{Address, By, Database, Tx, migrate};
use keyholder::kernel::time::{Shifted, System};
use keyholder::kernel::{Clocks, Zone};
use keyholder::notify::{dispatch, post};
use keyholder::requests::commands;
use serde_json::json;

use super::mailer;
use crate::support::app::{ENTRIES, accounts, fill, package, person, terms};
use crate::support::database::FreshDatabase;
use crate::support::ldap::Slapd;
use crate::support::mailbox::{Mailbox, PASSWORD, USER};
use crate::support::provider::Provider;
use crate::support::served::Served;
use crate::support::wait_for;
use crate::support::world::{by, order};

#[test]
fn e14_killed_between_sending_and_recording_makes_a_second_copy_with_the_same_id() {
    let Some(database) = FreshDatabase::fresh() else { return };
    let (Some(mailbox), Some(slapd)) = (Mailbox::start(), Slapd::start(ENTRIES, &["vpn"])) else {
        return;
    };
    let Some(provider) = Provider::start(&accounts()) else { return };
    let address = Address::parse(database.url()).unwrap();
    migrate::migrate(&address).unwrap();
    let wall = Arc::new(Shifted::default());
    let clocks = Clocks { business: Arc::new(System), wall: wall.clone() };
    let db = Database::open(&address, clocks, Zone::UTC).unwrap();
    let catalog = fill(&db);
    let stage = by(&[person(&db, "manager")], &[]);
    dispatch::run(&db).unwrap(); // who got a role hears of it in the portal only
    let (package, _) = package(&db, catalog, "Ledger", &[], terms(vec![stage]));
    let employee = person(&db, "employee");
    let ask = move |tx: &mut Tx<'_>| {
        let permit = policy::request_access(tx.actor(), &AskStanding::own(employee))?;
        commands::submit(tx, &permit, &order(package))
    };

    let mut served = Served::new(database.url(), &provider, &slapd, "admin");
    served.also(&format!(
        "[mail]\nserver = \"127.0.0.1\"\nport = {}\nca = \"{}\"\nusername = \"{USER}\"\npassword = \"{PASSWORD}\"\n\
         from = \"Keyholder <keyholder@northmoor.example>\"\n",
        mailbox.port,
        mailbox.ca().display(),
    ));
    served.serve();
    assert!(served.log().contains("with STARTTLS"), "start says where mails go: {}", served.log());
    mailbox.faults(&json!({ "hold": true }));
    db.write(By::Person(employee), ask).unwrap();
    assert!(wait_for(|| mailbox.mails().len() == 1), "{}", served.log());
    served.kill();
    assert!(!served.log().contains(PASSWORD));

    mailbox.faults(&json!({}));
    let way = mailer(mailbox.settings());
    assert_eq!(post::run(&db, &way).unwrap(), 0, "the claim of the dead still holds");
    wall.advance(3_600);
    assert_eq!(post::run(&db, &way).unwrap(), 1);
    assert_eq!(post::run(&db, &way).unwrap(), 0);
    let mails = mailbox.mails();
    assert_eq!(mails.len(), 2);
    let (id, host) = (&mails[0].header["message-id"], "@127.0.0.1>");
    assert!(id.ends_with(host), "{id}");
    assert_eq!(mails[1].header["message-id"].split('@').next(), id.split('@').next());
    assert!(mails.iter().all(|mail| mail.to == ["ingrid.solheim@northmoor.example"]), "{mails:?}");
}
