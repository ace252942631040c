//! docs/install.md, step by step, on an empty database: from the settings to the first delivered access.

use crate::support::app::{ENTRIES, account, accounts};
use crate::support::browser::Browser;
use crate::support::database::FreshDatabase;
use crate::support::ldap::{PLACEHOLDER, Slapd};
use crate::support::provider::Provider;
use crate::support::served::Served;
use crate::support::wait_for;

const STAFF: &str = "\
employee_no,full_name,email,manager_no,role
admin,Marta Lindqvist,marta@northmoor.example,,IT service lead
manager,Ingrid Solheim,ingrid@northmoor.example,,Finance operations lead
second-approver,Tomás Ferreira,tomas@northmoor.example,,Controller
employee,Asha Rao,asha@northmoor.example,manager,Ledger analyst
";
const MAP: &str = "id=employee_no,name=full_name,mail=email,manager=manager_no,title=role";
const GROUPS: &str = "group,member\nControllers,second-approver\nControllers,admin\n";

fn sign_in(portal: &Served, user: &str) -> Option<Browser> {
    let browser = Browser::open(false)?;
    browser.goto(&portal.origin);
    browser.click("link", "Sign in");
    browser.fill("User", user);
    browser.fill("Password", "secret");
    browser.click("button", "Sign in");
    assert!(browser.url().starts_with(&portal.origin), "{user} is at {}", browser.url());
    Some(browser)
}

fn goto(portal: &Served, browser: &Browser, path: &str) -> Option<u64> {
    browser.goto(&format!("{}{path}", portal.origin))
}

#[test]
fn from_nothing_to_the_first_delivered_access() {
    let Some(database) = FreshDatabase::fresh() else { return };
    let Some(slapd) = Slapd::start(ENTRIES, &["ledger-readers", "vpn"]) else { return };
    let mut people = accounts();
    people.push(account("stranger", "A stranger", "stranger@example.test"));
    let Some(provider) = Provider::start(&people) else { return };
    let mut portal = Served::new(database.url(), &provider, &slapd, "admin");

    // 2. People.
    assert!(portal.works(&["migrate"]).starts_with("Ran "));
    assert_eq!(portal.works(&["migrate"]).trim(), "The schema is up to date.");
    portal.write("staff.csv", STAFF);
    portal.write("groups.csv", GROUPS);
    let tried = portal.works(&["import", "people", "staff.csv", "--dry-run", "--map", MAP]);
    let done = portal.works(&["import", "people", "staff.csv", "--map", MAP]);
    assert!(tried.contains('4') && done.contains('4'), "{tried}{done}");
    portal.works(&["import", "groups", "groups.csv"]);

    // 3. The first administrator.
    portal.serve();
    let Some(marta) = sign_in(&portal, "admin") else { return };
    assert!(marta.content().contains("Marta Lindqvist"), "{}", marta.content());
    marta.see("Start here");

    // 4. A catalog, a resource, a package, a policy.
    marta.click("link", "Catalogs");
    marta.see("There is no catalog yet");
    marta.click("link", "Create a catalog");
    marta.fill("Name", "Finance");
    marta.fill("What it is for", "The ledger and what belongs to it.");
    marta.fill("People", "Ingrid Solheim");
    marta.click("button", "Create catalog");
    marta.see("Finance");
    marta.click("link", "Add a resource");
    marta.fill("Words of its name", "ledger");
    marta.click("button", "Search");
    marta.see(&Slapd::group("ledger-readers"));
    assert!(!marta.text().contains("vpn"), "{}", marta.text());
    marta.click("link", "Choose ledger-readers");
    marta.fill("Name", "Ledger");
    marta.fill("What somebody can do with it", "Read every posting and report.");
    marta.choose("Ordinary");
    marta.click("button", "Add resource");
    marta.click("link", "Make an access package");
    marta.fill("Name", "Ledger (read)");
    marta.fill("What somebody can do with it", "Read every posting and report of the ledger.");
    marta.choose("Member");
    marta.click("button", "Make package");
    marta.see("Nobody can request it yet");
    marta.click("link", "Write a policy");
    marta.fill("Name", "Everybody");
    marta.choose("All members of the organization");
    marta.choose_nth("Their manager", 0);
    marta.choose_nth("People or groups that I name", 1);
    marta.fill("Groups whose members decide in stage 2", "Kontrollers");
    marta.click("button", "Preview policy");
    assert_eq!(marta.status(), Some(422), "everything that is missing is said at once");
    for missing in ["who decides", "Kontrollers", "how long access lasts"] {
        let errors = marta.text().to_lowercase();
        assert!(errors.contains(&missing.to_lowercase()), "{missing}: {errors}");
    }
    marta.fill("Who decides when nobody there can, in stage 1", "marta@northmoor.example");
    marta.fill("Groups whose members decide in stage 2", "Controllers");
    marta.choose("For some days");
    marta.fill("Days", "30");
    marta.click("button", "Preview policy");
    marta.see("Access ends after 30 days.");
    marta.click("button", "Save policy");
    marta.see("Policy saved.");

    // A colleague requests, is approved, is a member.
    let Some(asha) = sign_in(&portal, "employee") else { return };
    assert!(!asha.text().contains("Catalogs"));
    asha.click("link", "Browse");
    asha.click("link", "Ledger (read)");
    asha.click("link", "Request access");
    asha.fill("What will you use it for?", "The close of the month.");
    asha.click("button", "Continue");
    asha.click("button", "Send request");
    asha.see("Request sent.");
    let request = asha.url();
    let (Some(ingrid), Some(tomas)) =
        (sign_in(&portal, "manager"), sign_in(&portal, "second-approver"))
    else {
        return;
    };
    for approver in [&ingrid, &tomas] {
        goto(&portal, approver, "/approvals");
        approver.click_nth("link", "Asha Rao", 0);
        approver.click("button", "Approve");
    }
    let asha_there = Slapd::person("employee");
    assert!(wait_for(|| slapd.members("ledger-readers").contains(&asha_there)), "{}", portal.log());
    assert_eq!(slapd.members("ledger-readers"), [PLACEHOLDER, &asha_there]);
    let delivered = || {
        asha.goto(&request);
        asha.text().contains("Delivered.")
    };
    assert!(wait_for(delivered), "{}", asha.text());
    goto(&portal, &marta, "/audit");
    for line in
        ["Ledger (read)", "Ingrid Solheim approved", "Tomás Ferreira approved", "Staff list"]
    {
        marta.see(line);
    }

    // Whom the staff list does not know is told whom to ask; nothing that could be read was logged.
    let Some(stranger) = sign_in(&portal, "stranger") else { return };
    assert_eq!(stranger.status(), Some(403));
    assert!(stranger.content().contains("the service desk, phone 100"));
    let log = portal.log();
    for secret in
        ["portal-password", "only for tests", "0123456789abcdef", "The close of the month"]
    {
        assert!(!log.contains(secret), "{secret} is in the log: {log}");
    }

    // What lives in the database is there after a restart, the session too.
    portal.kill();
    portal.serve();
    asha.goto(&request);
    asha.see("Delivered.");
}
