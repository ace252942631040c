//! What the demo's company offers: catalogs, resources of the target system, access packages and their policies.
//! Plain data, written as [`super::plan`] says; [`super::company`] makes it real through the commands that a click uses.

use super::plan::{
    Answer, By, Catalog, If, Life, Organization, Package, Question, Resource, Stage, Who, package,
    policy, question, resource, stage,
};
use crate::kernel::Risk::{High, Ordinary};

pub(super) const FINANCE: &str = "Finance";
const CUSTOMERS: &str = "Customer operations";
const ENGINEERING: &str = "Engineering";
const PEOPLE: &str = "People";
const PARTNERS: &str = "Partners";

const FINANCE_STAFF: &[Who] = &[Who::Group("Finance staff")];
const ENGINEERS: &[Who] = &[Who::Group("Engineering and quality")];
const CUSTOMER_TEAMS: &[Who] = &[Who::Group("Customer teams")];

/// The manager; the business systems owner where there is none.
const MANAGER: Stage = stage(By::Manager, &["catalog-owner"], 14);
/// The financial controller.
const CONTROLLER: Stage = stage(By::People(&["second-approver"]), &["catalog-owner"], 7);

/// What the requestor of customer records as a file says first: they may leave the house.
const EXPORT: &[Question] = &[
    question(
        "what",
        "What will be in the file?",
        "",
        Answer::Many(&["Names and addresses", "Orders", "Payments", "Support cases"]),
    ),
    question(
        "where",
        "Where does the file go?",
        "",
        Answer::One(&["It stays with us", "A service provider", "An authority"]),
    ),
    question(
        "contract",
        "Under which contract does the provider work for us?",
        "Its number is on the first page, such as C-20417.",
        Answer::Like("C-[0-9]{5}", "Enter a contract number, such as C-20417"),
    )
    .after("where", &["A service provider"]),
];

/// What a manager says who requests a card.
const CARD: &[Question] = &[
    question(
        "center",
        "Which cost center pays?",
        "Four digits, as on the monthly report.",
        Answer::Like("[0-9]{4}", "Enter the four digits of a cost center, such as 4310"),
    ),
    question("limit", "How many euros a month at most?", "", Answer::Number(100, 5_000)),
];

pub(super) const CATALOGS: &[Catalog] = &[
    Catalog {
        name: FINANCE,
        description: "Ledger, payments, suppliers and the close of the year, for all Northmoor companies.",
        owners: &[Who::Person("catalog-owner")],
        for_everyone_to_see: false,
    },
    Catalog {
        name: CUSTOMERS,
        description: "Customer records, the support desk, refunds and what may leave the house.",
        owners: &[Who::Person("catalog-owner"), Who::Person("n1003")],
        for_everyone_to_see: false,
    },
    Catalog {
        name: ENGINEERING,
        description: "Source code, builds, releases, laboratories and the controls of the production lines.",
        owners: &[Who::Person("n1002"), Who::Group("Engineering leads")],
        for_everyone_to_see: false,
    },
    Catalog {
        name: PEOPLE,
        description: "Hiring, onboarding, pay and personnel records. Everyone sees what there is; few may request it.",
        owners: &[Who::Person("n1004")],
        for_everyone_to_see: true,
    },
    Catalog {
        name: PARTNERS,
        description: "What people from other companies work with: portals, data rooms, shared test benches.",
        owners: &[Who::Person("n1042")],
        for_everyone_to_see: false,
    },
];

/// Bosphorus Labs is not connected yet: its guest belongs to no organization.
pub(super) const ORGANIZATIONS: &[Organization] = &[
    Organization {
        name: "Hartwell & Co.",
        description: "Auditors of the yearly accounts. They read the ledger while the audit runs.",
        domains: &["hartwell-audit.example", "hartwell.example"],
        sponsors: &["auditor", "second-approver"],
    },
    Organization {
        name: "Optikwerk Jena",
        description: "Builds the optics of the measuring heads with us, on shared test benches.",
        domains: &["optikwerk.example"],
        sponsors: &["n1042"],
    },
];

pub(super) const RESOURCES: &[Resource] = &[
    resource(
        FINANCE,
        "ledger-readers",
        "Ledger readers",
        Ordinary,
        "Sees every posting and report of the ledger.",
    ),
    resource(
        FINANCE,
        "ledger-posters",
        "Ledger posters",
        High,
        "Posts and corrects entries in the open month.",
    ),
    resource(
        FINANCE,
        "payment-preparers",
        "Payment preparers",
        Ordinary,
        "Puts payment runs together.",
    ),
    resource(
        FINANCE,
        "payment-releasers",
        "Payment releasers",
        High,
        "Sends money out of the company’s accounts.",
    ),
    resource(
        FINANCE,
        "supplier-masters",
        "Supplier masters",
        High,
        "Changes the bank details of suppliers.",
    ),
    resource(
        FINANCE,
        "expense-auditors",
        "Expense auditors",
        Ordinary,
        "Reads expense claims and their receipts.",
    ),
    resource(
        FINANCE,
        "year-end-room",
        "Year-end room",
        Ordinary,
        "Files of the current close of the year.",
    ),
    resource(
        FINANCE,
        "treasury-desk",
        "Treasury desk",
        High,
        "Moves money between the company’s own accounts.",
    ),
    resource(
        FINANCE,
        "bank-signers",
        "Bank signers",
        High,
        "Signs at the bank in the company’s name.",
    ),
    resource(
        FINANCE,
        "payment-limits",
        "Payment limits",
        High,
        "Changes how much a payment run may pay.",
    ),
    resource(FINANCE, "card-holders", "Card holders", Ordinary, "Pays with a card of the company."),
    resource(
        CUSTOMERS,
        "crm-readers",
        "Customer record readers",
        Ordinary,
        "Reads customer records.",
    ),
    resource(
        CUSTOMERS,
        "crm-editors",
        "Customer record editors",
        Ordinary,
        "Creates and changes customer records.",
    ),
    resource(
        CUSTOMERS,
        "support-desk",
        "Support desk",
        Ordinary,
        "Takes and answers support cases.",
    ),
    resource(
        CUSTOMERS,
        "refund-approvers",
        "Refund approvers",
        High,
        "Releases refunds up to 5,000 euros.",
    ),
    resource(
        CUSTOMERS,
        "customer-export",
        "Customer export",
        High,
        "Takes customer records out of the house as a file.",
    ),
    resource(
        CUSTOMERS,
        "complaint-archive",
        "Complaint archive",
        Ordinary,
        "Reads complaints that are closed.",
    ),
    resource(
        ENGINEERING,
        "source-readers",
        "Source readers",
        Ordinary,
        "Reads the source code of all products.",
    ),
    resource(
        ENGINEERING,
        "source-writers",
        "Source writers",
        Ordinary,
        "Proposes changes to the source code.",
    ),
    resource(ENGINEERING, "build-runners", "Build runners", Ordinary, "Starts and stops builds."),
    resource(
        ENGINEERING,
        "release-signers",
        "Release signers",
        High,
        "Signs firmware that customers install.",
    ),
    resource(
        ENGINEERING,
        "lab-instruments",
        "Laboratory instruments",
        Ordinary,
        "Books benches and instruments.",
    ),
    resource(
        ENGINEERING,
        "line-controls",
        "Line controls",
        High,
        "Changes settings of running production lines.",
    ),
    resource(
        ENGINEERING,
        "project-larch",
        "Project Larch",
        Ordinary,
        "Workspace of a project that is not announced.",
    ),
    resource(
        PEOPLE,
        "recruiting",
        "Recruiting",
        Ordinary,
        "Sees applications and interview notes.",
    ),
    resource(PEOPLE, "salary-bands", "Salary bands", High, "Sees the pay range of every position."),
    resource(
        PEOPLE,
        "people-records",
        "Personnel records",
        High,
        "Reads and changes personnel files.",
    ),
    resource(PEOPLE, "onboarding", "Onboarding", Ordinary, "Workspace for the first two weeks."),
    resource(
        PEOPLE,
        "job-architecture",
        "Job architecture",
        Ordinary,
        "Draft of the new job families.",
    ),
    resource(
        PARTNERS,
        "partner-portal",
        "Partner portal",
        Ordinary,
        "Orders, drawings and delivery dates of one partner.",
    ),
    resource(
        PARTNERS,
        "audit-data-room",
        "Audit data room",
        Ordinary,
        "Documents for the auditors of the year.",
    ),
    resource(PARTNERS, "price-lists", "Price lists", Ordinary, "Current price lists for partners."),
    resource(
        PARTNERS,
        "joint-bench",
        "Joint test bench",
        Ordinary,
        "Books the bench that is shared with partners.",
    ),
    resource("", "travel-desk", "Travel desk", Ordinary, ""),
    resource("", "press-office", "Press office", Ordinary, ""),
];

/// What nobody has beside what, and why.
pub(super) const APART: &[(&str, &str, &str)] = &[(
    "Payment run release",
    "Payment run preparation",
    "Four eyes: whoever prepares a payment run does not release it. An exception needs a plan for who checks the runs meanwhile.",
)];

pub(super) const PACKAGES: &[Package] = &[
    package(FINANCE, "Month-end ledger (read)", &[("ledger-readers", "member")], &[
        policy("Everyone", Life::Days(90), &[MANAGER]).with_period().extended(true, 14),
    ], "Lets you look at every posting of the ledger and download the month-end reports. You cannot post, change or release anything with it."),
    package(FINANCE, "Month-end ledger (post)", &[("ledger-readers", "member"), ("ledger-posters", "member")], &[
        policy("Finance staff", Life::Days(90), &[MANAGER, CONTROLLER]).only(FINANCE_STAFF).with_period(),
        policy("Everyone else, for a month", Life::Days(30), &[MANAGER, CONTROLLER]),
    ], "Lets you post and correct entries in the open month. Closed months stay closed, and paying anybody is not part of it."),
    package(FINANCE, "Payment run preparation", &[("payment-preparers", "member")], &[
        policy("Finance staff", Life::Days(180), &[MANAGER, CONTROLLER]).only(FINANCE_STAFF).with_period(),
    ], "Lets you put payment runs together and hand them over for release. You cannot release what you have prepared, and you cannot change bank details."),
    package(FINANCE, "Payment run release", &[("payment-releasers", "member")], &[
        policy("Finance staff", Life::Days(30), &[
            stage(By::Group("Payment controllers"), &["catalog-owner"], 5),
            stage(By::People(&["second-approver"]), &["n1001"], 5),
        ]).only(FINANCE_STAFF).with_period(),
    ], "Lets you release payment runs that somebody else has prepared, up to 250,000 euros a day. You cannot prepare runs with it. It is for thirty days at a time."),
    package(FINANCE, "Supplier master data", &[("supplier-masters", "member")], &[
        policy("Finance staff", Life::Days(60), &[
            stage(By::People(&["catalog-owner", "n1017"]), &["second-approver"], 10),
        ]).only(FINANCE_STAFF),
    ], "Lets you create suppliers and change their bank details. Every change is checked by a second person. It is not meant for people who post or pay invoices."),
    package(FINANCE, "Expense review", &[("expense-auditors", "member")], &[
        policy("Finance staff", Life::Days(90), &[MANAGER]).only(FINANCE_STAFF).with_period().extended(true, 30),
    ], "Lets you read expense claims with their receipts and send them back with a question. You cannot approve or pay claims, and you do not see your own."),
    package(FINANCE, "Year-end close room", &[("year-end-room", "member")], &[
        policy("Finance staff", Life::MonthEnd(80), &[]).only(FINANCE_STAFF).without_reason(),
    ], "Lets you read and add files of the current close of the year: checklists, statements, open points. It closes for everybody on the same day."),
    package(FINANCE, "Treasury desk", &[("treasury-desk", "member")], &[
        policy("Finance staff, for one day", Life::Hours(24), &[
            MANAGER,
            stage(By::People(&["n1001"]), &["second-approver"], 3),
        ]).only(FINANCE_STAFF),
    ], "Lets you move money between the company’s own accounts for 24 hours. Payments to anybody outside are not possible with it."),
    package(FINANCE, "Bank signing", &[("bank-signers", "member")], &[
        policy("Finance staff", Life::Days(30), &[
            stage(By::Manager, &["catalog-owner"], 6).joined(3, &["catalog-owner"]),
            stage(By::People(&["second-approver"]), &["catalog-owner"], 5),
            stage(By::People(&["catalog-owner"]), &["n1001"], 5),
        ]).only(FINANCE_STAFF),
    ], "Lets you sign payments of up to 50,000 euros at the bank, in the company’s name, for thirty days. You cannot sign what you have prepared yourself."),
    package(FINANCE, "Payment limits", &[("payment-limits", "member")], &[
        policy("Finance staff, for two weeks", Life::Days(14), &[
            stage(By::People(&["second-approver", "catalog-owner", "n1001"]), &["n1006"], 5).votes(2),
        ]).only(FINANCE_STAFF),
    ], "Lets you change how much a payment run may pay, for two weeks. Two of three people must agree; every change names you and them."),
    package(FINANCE, "Company card", &[("card-holders", "member")], &[
        policy("Everyone, through their manager", Life::Days(365), &[CONTROLLER]).by_managers().asking(CARD),
    ], "Lets you pay for travel and small purchases with a card of the company. Your manager requests it for you, and says which cost center pays."),
    package(CUSTOMERS, "Customer records (read)", &[("crm-readers", "member")], &[
        policy("Everyone", Life::Days(90), &[stage(By::Manager, &["admin"], 14)]).with_period(),
    ], "Lets you look up customers, their contacts, orders and open cases. You cannot change a record, and you cannot save lists as files."),
    package(CUSTOMERS, "Customer records (edit)", &[("crm-readers", "member"), ("crm-editors", "member")], &[
        policy("Customer teams", Life::Days(180), &[stage(By::People(&["n1033"]), &["n1003"], 7)]).only(CUSTOMER_TEAMS),
    ], "Lets you create customers and change their contacts and terms of delivery. Prices, refunds and exports are separate packages."),
    package(CUSTOMERS, "Support desk", &[("support-desk", "member")], &[
        policy("Customer teams", Life::Never, &[]).only(CUSTOMER_TEAMS).without_reason(),
    ], "Lets you take support cases, answer them and hand them on. It needs no approval for the customer teams, and it has no end while you work there."),
    package(CUSTOMERS, "Refund approval", &[("refund-approvers", "member")], &[
        policy("Customer teams", Life::Days(60), &[MANAGER]).only(CUSTOMER_TEAMS),
    ], "Lets you release refunds of up to 5,000 euros for cases of other people. You cannot release a refund for a case of your own."),
    package(CUSTOMERS, "Customer data export", &[("customer-export", "member")], &[
        policy("Everyone, for a working day", Life::Hours(8), &[
            stage(By::Manager, &["catalog-owner"], 5),
            stage(By::People(&["second-approver"]), &["n1006"], 5),
            stage(By::People(&["n1006"]), &["n1000"], 5)
                .only_if(If::Answered("where", &["A service provider", "An authority"])),
        ]).asking(EXPORT),
    ], "Lets you save customer records as a file, for eight hours. Say which customers and what for; the file must be deleted when you are done."),
    package(CUSTOMERS, "Complaint archive", &[("complaint-archive", "member")], &[
        policy("Everyone", Life::Days(30), &[MANAGER]),
    ], "Lets you read complaints that are closed, with all letters, for thirty days. Open complaints are part of the support desk."),
    package(ENGINEERING, "Source code (read)", &[("source-readers", "member")], &[
        policy("Engineering and quality", Life::Never, &[]).only(ENGINEERS).without_reason(),
    ], "Lets you read the source code and the history of all products. You cannot propose changes with it. It needs no approval for engineers and testers."),
    package(ENGINEERING, "Source code (change)", &[("source-readers", "member"), ("source-writers", "member")], &[
        policy("Engineering and quality", Life::Days(180), &[stage(By::Manager, &["n1002"], 14)])
            .only(ENGINEERS).at_first(Life::Days(90)),
    ], "Lets you propose changes to the source code of all products. Others review them before they count; releasing firmware is a separate package."),
    package(ENGINEERING, "Build farm", &[("build-runners", "member")], &[
        policy("Engineering and quality", Life::Days(180), &[
            stage(By::Manager, &["n1002"], 14).only_if(If::LongerThan(60)),
        ]).only(ENGINEERS).with_period().extended(false, 30),
    ], "Lets you start, watch and stop builds on the shared machines; for longer than sixty days your manager decides. What is built there cannot be installed by customers until it is signed."),
    package(ENGINEERING, "Release signing", &[("release-signers", "member")], &[
        policy("Engineering and quality, for two days", Life::Hours(48), &[
            stage(By::Group("Release board"), &["n1002"], 3),
        ]).only(ENGINEERS),
    ], "Lets you sign firmware that customers install, for 48 hours around a release. Every signature names you and the release."),
    package(ENGINEERING, "Laboratory bench", &[("lab-instruments", "member")], &[
        policy("Everyone", Life::Days(90), &[]).with_period().without_reason().extended(false, 14),
    ], "Lets you book benches and instruments of the optics laboratory. You need the safety briefing before your first booking."),
    package(ENGINEERING, "Laboratory bench keeper", &[("lab-instruments", "owner")], &[
        policy("Engineering and quality", Life::Days(365), &[stage(By::Manager, &["n1002"], 14)]).only(ENGINEERS),
    ], "Lets you look after the laboratory’s calendar: move and cancel bookings of others, add instruments, take broken ones out."),
    package(ENGINEERING, "Line controls", &[("line-controls", "member")], &[
        policy("Everyone, for two weeks", Life::Days(14), &[
            stage(By::Manager, &["n1005"], 14),
            stage(By::People(&["n1005"]), &["n1002"], 7),
        ]),
    ], "Lets you change settings of running production lines for two weeks. A wrong setting stops the line or hurts somebody: it is for trained people only."),
    package(ENGINEERING, "Project Larch workspace", &[("project-larch", "member")], &[
        policy("Project members", Life::Days(120), &[stage(By::People(&["n1002"]), &["n1020"], 7)])
            .only(&[Who::Person("n1020"), Who::Person("n1027"), Who::Person("n1030"), Who::Person("manager")]),
    ], "Lets you read and write in the workspace of Project Larch. The project is not announced, so this package is in no list; its address is given to members.").hidden(),
    package(PEOPLE, "Recruiting pipeline", &[("recruiting", "member")], &[
        policy("People managers", Life::Days(60), &[stage(By::Group("People team"), &["n1004"], 10)])
            .only(&[Who::Group("People managers")]).with_period(),
    ], "Lets you see applications for your own openings, with interview notes, and add your own. Pay and personnel files are not part of it."),
    package(PEOPLE, "Salary bands (read)", &[("salary-bands", "member")], &[
        policy("People managers", Life::Days(30), &[stage(By::People(&["n1004"]), &["n1043"], 7)])
            .only(&[Who::Group("People managers")]),
    ], "Lets you see the pay range of every position for thirty days, while you plan pay. You never see what a single person earns."),
    package(PEOPLE, "Personnel records", &[("people-records", "member")], &[
        policy("People team", Life::Days(90), &[
            stage(By::Manager, &["n1004"], 14),
            stage(By::People(&["n1006"]), &["n1004"], 7),
        ]).only(&[Who::Group("People team")]),
    ], "Lets you read and change personnel files of everybody but yourself. Every look at a file is written down and can be asked about."),
    package(PEOPLE, "Onboarding workspace", &[("onboarding", "member")], &[
        policy("Everyone", Life::Days(14), &[]).also_by(&["People team"]).without_reason(),
    ], "Lets you use the workspace for your first two weeks: checklists, whom to ask, rooms and keys. It ends by itself after 14 days."),
    package(PEOPLE, "Job architecture workspace", &[("job-architecture", "member")], &[],
        "Lets you comment on the draft of the new job families. It is being prepared: nobody can request it yet."),
    package(PARTNERS, "Partner portal", &[("partner-portal", "member")], &[
        policy("Partner contacts", Life::Days(180), &[stage(By::Sponsors, &["n1042"], 14)])
            .only(&[Who::Group("Partner contacts")]),
    ], "Lets people of partner companies see their own orders, drawings and delivery dates. They see nothing of other partners."),
    package(PARTNERS, "Audit data room", &[("audit-data-room", "member")], &[
        policy("This year’s auditors", Life::MonthEnd(110), &[stage(By::People(&["n1006"]), &["catalog-owner"], 10)])
            .only(&[Who::Person("guest"), Who::Person("auditor")]),
    ], "Lets the auditors of the year read the documents that are put there for them. Nothing can be changed, and it closes when the audit is signed."),
    package(PARTNERS, "Partner price lists", &[("price-lists", "member")], &[
        policy("Customer teams and partners", Life::Days(90), &[
            stage(By::People(&["n1042"]), &["n1003"], 14),
            stage(By::People(&["n1003"]), &["n1000"], 7).only_if(If::Guests),
        ])
            .only(&[Who::Group("Customer teams"), Who::Group("Partner contacts")]),
    ], "Lets you download the current price lists for partners. Prices of single customers and older lists are not part of it."),
    package(PARTNERS, "Joint test bench", &[("joint-bench", "member")], &[
        policy("Engineers and partners", Life::Days(30), &[])
            .only(&[Who::Group("Engineering and quality"), Who::Group("Partner contacts")]).without_reason(),
    ], "Lets you book the test bench that is shared with partners, for thirty days. What you measure there can be seen by both sides."),
];
