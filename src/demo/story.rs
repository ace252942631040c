//! Who asked for what in the last two months, and what became of it. Plain data, in the order in which one would
//! tell it; [`super::history`] makes it happen in the order of time.

/// When something happened, seen from the start of the demo.
#[derive(Clone, Copy, Debug)]
pub(super) enum At {
    /// So many days before, at this hour and minute.
    Day(u64, i64, i64),
    /// So many minutes before.
    Ago(i64),
}

/// A request and what became of it.
#[derive(Clone, Copy)]
pub(super) struct Ask {
    pub who: &'static str,
    /// Who asked for them, where they did not do so themselves.
    pub by: Option<&'static str>,
    pub what: &'static str,
    pub at: At,
    pub why: &'static str,
    /// The first day asked for, in days after the start of the demo.
    pub from: Option<u64>,
    /// The last day asked for, in days after the start of the demo.
    pub until: Option<u64>,
    /// Whether it repeats an earlier request.
    pub again: bool,
    /// What was answered, by the key of the question.
    pub answers: &'static [(&'static str, &'static [&'static str])],
    pub then: &'static [Act],
}

/// What somebody did about a request.
#[derive(Clone, Copy)]
pub(super) struct Act {
    pub by: &'static str,
    pub at: At,
    pub what: What,
}

/// What can be done about a request.
#[derive(Clone, Copy)]
pub(super) enum What {
    Approve(&'static str),
    Deny(&'static str),
    Cancel,
    /// The assignment is ended before its time.
    End(&'static str),
    /// Its holder asks for more time; what follows is about that.
    Extend(&'static str),
    /// Its holder gives it back.
    GiveBack(&'static str),
}

/// An access review that was set up.
pub(super) struct Reviewed {
    pub name: &'static str,
    /// Who set it up.
    pub by: &'static str,
    /// So many days before the start of the demo.
    pub day: u64,
    /// Of which catalog; none for all.
    pub catalog: Option<&'static str>,
    /// Who answers; nobody named: the manager of each person.
    pub reviewer: Option<&'static str>,
    /// Who answers where there is no manager.
    pub fallback: &'static str,
    pub days: u32,
    pub words: &'static str,
}

/// The reviews that are open when the demo starts.
pub(super) const REVIEWS: &[Reviewed] = &[
    Reviewed {
        name: "Everybody’s access, once a quarter",
        by: "admin",
        day: 3,
        catalog: None,
        reviewer: Some("reviewer"),
        fallback: "admin",
        days: 21,
        words: "Does everybody still need what they have? If you cannot tell, say so: the owner then describes it better.",
    },
    Reviewed {
        name: "Finance access, by managers",
        by: "catalog-owner",
        day: 2,
        catalog: Some(super::offer::FINANCE),
        reviewer: None,
        fallback: "second-approver",
        days: 14,
        words: "Money moves through this catalog. Keep only what is used.",
    },
];

const fn ask(
    who: &'static str,
    what: &'static str,
    at: At,
    why: &'static str,
    then: &'static [Act],
) -> Ask {
    let (by, from, until, again, answers) = (None, None, None, false, &[] as &[_]);
    Ask { who, by, what, at, why, from, until, again, answers, then }
}

impl Ask {
    const fn until(self, days: u64) -> Self {
        Self { until: Some(days), ..self }
    }

    const fn from(self, days: u64) -> Self {
        Self { from: Some(days), ..self }
    }

    const fn again(self) -> Self {
        Self { again: true, ..self }
    }

    const fn by(self, who: &'static str) -> Self {
        Self { by: Some(who), ..self }
    }

    const fn answering(self, answers: &'static [(&'static str, &'static [&'static str])]) -> Self {
        Self { answers, ..self }
    }
}

const fn day(days: u64, hour: i64, minute: i64) -> At {
    At::Day(days, hour, minute)
}

const fn yes(by: &'static str, at: At, note: &'static str) -> Act {
    Act { by, at, what: What::Approve(note) }
}

const fn no(by: &'static str, at: At, note: &'static str) -> Act {
    Act { by, at, what: What::Deny(note) }
}

const fn cancel(by: &'static str, at: At) -> Act {
    Act { by, at, what: What::Cancel }
}

const fn end(by: &'static str, at: At, why: &'static str) -> Act {
    Act { by, at, what: What::End(why) }
}

const fn extend(by: &'static str, at: At, why: &'static str) -> Act {
    Act { by, at, what: What::Extend(why) }
}

const fn give_back(by: &'static str, at: At, why: &'static str) -> Act {
    Act { by, at, what: What::GiveBack(why) }
}

/// Members that the target had before Keyholder: group and person (D22).
pub(super) const BY_HAND: &[(&str, &str)] =
    &[("crm-editors", "n1039"), ("complaint-archive", "n1034"), ("press-office", "n1006")];

/// Joins with the last list, and has no account on the target yet.
pub(super) const JOINER: (&str, u64) = ("n1056", 4);
/// Is missing from the staff list since so many days.
pub(super) const LEAVER: (&str, u64) = ("n1052", 10);
/// Had another title and department until the leaver left.
pub(super) const MOVER: (&str, &str, &str) = ("n1041", "Support specialist", "Customer Operations");
/// The group that its keepers locked, and since how many days.
pub(super) const LOCKED: (&str, u64) = ("refund-approvers", 9);
/// The package and policy whose lifetime was changed, by whom, and since how many days.
pub(super) const LONGER: (&str, &str, &str, u64) =
    ("Source code (change)", "Engineering and quality", "n1002", 28);

pub(super) const ASKS: &[Ask] = &[
    // The employee, who has one of each.
    ask(
        "employee",
        "Month-end ledger (read)",
        day(50, 9, 12),
        "I prepare the month-end report for the Nordic companies and need to see their postings.",
        &[yes("manager", day(49, 10, 3), "")],
    )
    .until(5),
    ask(
        "employee",
        "Expense review",
        day(41, 13, 40),
        "I stand in for Camille, who checks travel claims, until she is back.",
        &[yes("manager", day(40, 8, 55), "Agreed with Camille.")],
    )
    .until(40),
    ask(
        "employee",
        "Supplier master data",
        day(48, 15, 2),
        "I often find wrong bank details while I check invoices and could mend them at once.",
        &[no(
            "catalog-owner",
            day(46, 11, 31),
            "You check invoices of the same suppliers. Whoever checks invoices must not change bank details; send them to Ravi, who changes them the same day.",
        )],
    ),
    ask(
        "employee",
        "Customer records (read)",
        day(40, 16, 20),
        "To look up to whom we send credit notes.",
        &[],
    ),
    ask(
        "employee",
        "Payment run preparation",
        day(4, 10, 5),
        "Mirela is away from the 1st, and somebody has to put the supplier payments together.",
        &[],
    ),
    ask(
        "employee",
        "Laboratory bench",
        day(27, 9, 35),
        "",
        &[give_back("employee", day(6, 16, 10), "The inventory of the instruments is done.")],
    ),
    // What waits for the manager.
    ask(
        "n1013",
        "Payment run preparation",
        day(13, 15, 10),
        "I take over the weekly payment run of the Polish company.",
        &[],
    ),
    ask(
        "n1012",
        "Customer records (read)",
        day(3, 9, 44),
        "Open items: I need the contact of whoever has not paid.",
        &[],
    )
    .until(45),
    ask(
        "n1014",
        "Month-end ledger (read)",
        day(2, 14, 18),
        "My first month-end close. I work through it with Łukasz.",
        &[],
    ),
    ask(
        "n1010",
        "Month-end ledger (post)",
        day(1, 11, 27),
        "Accruals for November, together with Asha.",
        &[],
    )
    .until(20),
    ask(
        "n1011",
        "Customer data export",
        At::Ago(95),
        "Payment behavior of the hundred largest customers, for the credit insurance. I delete the file this evening.",
        &[],
    )
    .answering(&[
        ("what", &["Names and addresses", "Payments"]),
        ("where", &["A service provider"]),
        ("contract", &["C-20417"]),
    ]),
    // What waits for the second approver.
    ask(
        "n1012",
        "Payment run preparation",
        day(5, 10, 50),
        "I help with the payment run in December.",
        &[yes("manager", day(3, 8, 20), "Only for December, please.")],
    )
    .until(38),
    ask(
        "n1016",
        "Payment run release",
        day(3, 13, 5),
        "Owen is on leave next week; two of us must be able to release.",
        &[yes("n1015", day(2, 9, 30), "I am away from Monday.")],
    )
    .until(12),
    // What waits for the catalog owner.
    ask(
        "n1018",
        "Month-end ledger (read)",
        day(1, 14, 36),
        "I test the new report against the real ledger.",
        &[],
    )
    .until(30),
    ask(
        "n1013",
        "Supplier master data",
        day(5, 16, 42),
        "The Polish suppliers moved banks in October; forty of them have to be changed.",
        &[],
    ),
    // Finance.
    ask(
        "n1010",
        "Month-end ledger (read)",
        day(56, 9, 30),
        "Accounts payable: I match payments with postings.",
        &[yes("manager", day(55, 9, 2), "")],
    ),
    ask(
        "n1013",
        "Month-end ledger (read)",
        day(55, 10, 15),
        "Ledger of the Polish company.",
        &[yes("manager", day(55, 13, 21), "")],
    ),
    ask(
        "n1015",
        "Payment run release",
        day(56, 11, 0),
        "I release the weekly supplier payments.",
        &[
            yes("n1016", day(55, 15, 40), "Four eyes: Owen releases, I prepare nothing."),
            yes("second-approver", day(54, 9, 10), "For the usual thirty days."),
        ],
    ),
    ask(
        "n1015",
        "Payment run release",
        day(22, 8, 45),
        "I release the weekly supplier payments, as before.",
        &[
            yes("n1016", day(22, 10, 12), "As before."),
            yes("second-approver", day(21, 9, 25), "For the usual thirty days."),
        ],
    )
    .again(),
    ask(
        "n1011",
        "Payment run preparation",
        day(54, 14, 0),
        "Treasury puts the intercompany payments together.",
        &[yes("manager", day(53, 9, 40), ""), yes("second-approver", day(52, 16, 5), "")],
    ),
    ask(
        "n1012",
        "Expense review",
        day(53, 10, 30),
        "Spot checks of the third quarter.",
        &[
            yes("manager", day(53, 14, 0), ""),
            extend("n1012", day(2, 15, 45), "The spot checks of October are still to be done."),
        ],
    )
    .until(14),
    ask("n1014", "Onboarding workspace", day(44, 9, 0), "", &[]),
    ask(
        "auditor",
        "Month-end ledger (read)",
        day(33, 9, 15),
        "Internal audit of the revenue cycle.",
        &[yes("n1006", day(33, 11, 48), "")],
    )
    .until(25),
    ask(
        "n1017",
        "Supplier master data",
        day(31, 13, 13),
        "I change bank details that others report.",
        &[yes("catalog-owner", day(30, 8, 59), "Ravi neither posts nor pays, so this fits.")],
    ),
    ask(
        "n1011",
        "Treasury desk",
        day(8, 8, 30),
        "Cash pooling before the dividend.",
        &[
            yes("manager", day(8, 9, 5), "Marcus knows of it."),
            yes("n1001", day(8, 10, 20), "As agreed with the bank."),
        ],
    ),
    ask("n1013", "Year-end close room", day(9, 9, 20), "", &[]),
    ask("n1017", "Year-end close room", day(8, 15, 55), "", &[]),
    ask("second-approver", "Year-end close room", day(9, 8, 10), "", &[]),
    ask(
        "n1019",
        "Month-end ledger (read)",
        day(29, 10, 10),
        "I build the group report.",
        &[yes("catalog-owner", day(28, 9, 9), "")],
    ),
    ask(
        "n1014",
        "Expense review",
        day(37, 9, 5),
        "Siobhán shows me how spot checks work.",
        &[no(
            "manager",
            day(36, 10, 45),
            "Let us wait until your second month; then I will gladly approve it.",
        )],
    ),
    ask(
        "n1011",
        "Payment limits",
        day(2, 10, 35),
        "The dividend on Thursday is larger than a run may pay.",
        &[yes("second-approver", day(1, 9, 55), "The amount is in the minutes of the board.")],
    ),
    ask(
        "n1017",
        "Payment limits",
        day(24, 9, 10),
        "Prepayment of taxes for the third quarter.",
        &[
            yes("catalog-owner", day(24, 11, 30), "Back to the usual limit afterward, please."),
            yes("n1001", day(23, 8, 40), "Agreed."),
        ],
    ),
    ask(
        "n1014",
        "Company card",
        day(12, 14, 5),
        "Minh Châu travels to Gdańsk every month from now on.",
        &[yes("second-approver", day(11, 9, 15), "")],
    )
    .by("manager")
    .answering(&[("center", &["4310"]), ("limit", &["800"])]),
    ask(
        "n1013",
        "Company card",
        day(12, 14, 20),
        "For the trips to Poznań.",
        &[cancel("n1013", day(12, 15, 2))],
    )
    .by("manager")
    .answering(&[("center", &["4310"]), ("limit", &["800"])]),
    // Customer operations.
    ask("n1035", "Support desk", day(57, 8, 40), "", &[]),
    ask("n1036", "Support desk", day(57, 8, 52), "", &[]),
    ask("n1037", "Support desk", day(57, 9, 14), "", &[]),
    ask("n1034", "Support desk", day(56, 8, 15), "", &[]),
    ask("n1056", "Support desk", day(3, 9, 0), "", &[]),
    ask(
        "n1052",
        "Customer records (read)",
        day(45, 10, 0),
        "My accounts in the south.",
        &[yes("n1003", day(44, 9, 30), "")],
    ),
    ask(
        "n1040",
        "Customer records (read)",
        day(47, 11, 20),
        "My accounts in the north.",
        &[yes("n1003", day(46, 16, 45), "")],
    ),
    ask(
        "n1039",
        "Customer records (edit)",
        day(43, 9, 50),
        "I keep the contacts of the dealers.",
        &[yes("n1033", day(42, 10, 30), "")],
    ),
    ask(
        "n1038",
        "Customer records (edit)",
        day(41, 9, 0),
        "I keep the contacts of the hospitals.",
        &[yes("n1033", day(41, 15, 10), "")],
    ),
    ask(
        "n1034",
        "Complaint archive",
        day(38, 13, 30),
        "I write the yearly report on complaints.",
        &[yes("n1003", day(37, 9, 20), "")],
    ),
    ask(
        "n1035",
        "Refund approval",
        day(35, 10, 40),
        "Second pair of eyes for the evening shift.",
        &[yes(
            "n1034",
            day(34, 9, 0),
            "Diego knows the rules and has no cases of his own in the evening.",
        )],
    ),
    ask(
        "n1037",
        "Refund approval",
        day(32, 11, 0),
        "Cover for Emily in October.",
        &[
            yes("n1034", day(32, 13, 20), "Until I am back."),
            end("catalog-owner", day(1, 9, 40), "Emily is back, and three are enough."),
        ],
    ),
    ask(
        "n1036",
        "Refund approval",
        day(3, 10, 25),
        "I take over the early shift.",
        &[yes("n1034", day(2, 8, 35), "Hanna did it before she went on leave.")],
    ),
    ask(
        "n1033",
        "Customer data export",
        day(20, 8, 5),
        "Merge of double records with the new tool: 1,200 records, deleted after the run.",
        &[
            yes("n1003", day(20, 8, 40), "I have seen the list of fields."),
            yes("second-approver", day(20, 9, 30), "No payment data in it."),
        ],
    )
    .answering(&[
        ("what", &["Names and addresses", "Support cases"]),
        ("where", &["It stays with us"]),
    ]),
    ask(
        "admin",
        "Customer records (read)",
        day(29, 13, 0),
        "To follow a report about slow searches.",
        &[yes("n1002", day(29, 15, 30), "")],
    )
    .until(20),
    ask(
        "n1000",
        "Customer records (read)",
        day(6, 18, 12),
        "Before I visit the three largest customers in December.",
        &[],
    )
    .until(30),
    // Engineering.
    ask("n1023", "Source code (read)", day(58, 9, 5), "", &[]),
    ask("n1024", "Source code (read)", day(58, 9, 17), "", &[]),
    ask("n1020", "Source code (read)", day(58, 10, 2), "", &[]),
    ask("n1030", "Source code (read)", day(52, 14, 33), "", &[]),
    ask(
        "n1026",
        "Build farm",
        day(57, 13, 0),
        "I look after the build machines.",
        &[yes("n1020", day(57, 13, 50), "")],
    ),
    ask(
        "n1023",
        "Source code (change)",
        day(49, 9, 30),
        "Firmware of the handheld meter.",
        &[yes("n1020", day(49, 11, 15), "")],
    ),
    ask(
        "n1024",
        "Source code (change)",
        day(24, 9, 30),
        "Firmware of the bench spectrometer.",
        &[yes("n1020", day(23, 10, 0), "")],
    ),
    ask(
        "n1025",
        "Source code (change)",
        day(30, 10, 20),
        "I want to mend the display driver.",
        &[no(
            "n1020",
            day(29, 9, 0),
            "Please finish the course on safe firmware first; ask again with the date.",
        )],
    ),
    ask(
        "n1025",
        "Source code (change)",
        day(6, 9, 45),
        "I have done the course on safe firmware, certificate of last Thursday.",
        &[yes("n1020", day(5, 8, 50), "Well done.")],
    )
    .again(),
    ask(
        "n1026",
        "Release signing",
        day(33, 14, 0),
        "Release 7.2 of the handheld meter.",
        &[yes("n1022", day(33, 16, 25), "Test report 7.2 is complete.")],
    ),
    ask(
        "n1026",
        "Release signing",
        day(12, 13, 15),
        "Release 7.2.1, one correction.",
        &[yes("n1020", day(12, 14, 0), "Reviewed by Kenji and me.")],
    )
    .again(),
    ask(
        "n1026",
        "Release signing",
        day(1, 15, 20),
        "Release 7.3 of the handheld meter, planned for this week.",
        &[],
    )
    .again(),
    ask("n1027", "Laboratory bench", day(30, 9, 0), "Lens coating series 4.", &[]).until(10),
    ask(
        "n1028",
        "Laboratory bench",
        day(2, 16, 5),
        "Interferometer series, starts with the next shipment.",
        &[],
    )
    .from(6)
    .until(30),
    ask(
        "n1029",
        "Laboratory bench keeper",
        day(39, 9, 40),
        "I keep the laboratory’s calendar.",
        &[yes("n1021", day(38, 9, 15), "Freya does it already, by telephone.")],
    ),
    ask(
        "n1049",
        "Line controls",
        day(17, 7, 10),
        "New fixture on line 2; I set it up with Gunnar.",
        &[
            yes("n1046", day(16, 6, 45), "Linh is trained on line 2."),
            yes("n1005", day(15, 8, 30), "For the set-up, two weeks."),
        ],
    ),
    ask(
        "n1048",
        "Line controls",
        day(16, 7, 30),
        "To change the conveyor’s speed myself.",
        &[
            yes("n1046", day(15, 6, 50), "He asks me every morning."),
            no(
                "n1005",
                day(14, 9, 0),
                "Not without the line training. The next course is in January.",
            ),
        ],
    ),
    ask(
        "n1027",
        "Project Larch workspace",
        day(21, 11, 11),
        "I design the lens for it.",
        &[yes("n1002", day(20, 17, 2), "")],
    ),
    // People.
    ask(
        "n1034",
        "Recruiting pipeline",
        day(28, 10, 0),
        "Opening for the support desk.",
        &[yes("n1043", day(27, 9, 10), "")],
    ),
    ask(
        "manager",
        "Recruiting pipeline",
        day(11, 11, 45),
        "Opening for a second treasury analyst.",
        &[yes("n1044", day(10, 10, 20), "")],
    ),
    ask(
        "n1020",
        "Salary bands (read)",
        day(27, 9, 0),
        "Offer for a senior firmware engineer.",
        &[yes("n1004", day(27, 13, 13), "For this offer only.")],
    ),
    ask(
        "manager",
        "Salary bands (read)",
        day(15, 14, 0),
        "For the treasury opening.",
        &[cancel("manager", day(14, 9, 5))],
    ),
    ask(
        "n1045",
        "Personnel records",
        day(26, 9, 25),
        "Payroll needs tax numbers and addresses.",
        &[
            yes("n1004", day(25, 9, 0), "Payroll cannot work without it."),
            yes("n1006", day(24, 14, 40), "Purpose and fields are in the register."),
        ],
    ),
    // Partners.
    ask(
        "guest",
        "Audit data room",
        day(21, 10, 0),
        "Audit of the current year, team of Hartwell & Co.",
        &[yes("n1006", day(20, 9, 15), "Engagement letter of September.")],
    ),
    ask(
        "g2001",
        "Partner portal",
        day(26, 14, 0),
        "Drawings of the lens carrier.",
        &[yes("n1042", day(26, 15, 30), "")],
    ),
    ask(
        "g2001",
        "Partner price lists",
        day(18, 9, 0),
        "To plan our offer.",
        &[no("n1042", day(18, 11, 0), "Optikwerk is a supplier; the price lists are for dealers.")],
    ),
    ask("g2002", "Partner portal", day(2, 12, 30), "Delivery dates for Türkiye.", &[]),
    ask(
        "n1040",
        "Partner price lists",
        day(17, 10, 0),
        "Talks with two dealers.",
        &[yes("n1042", day(17, 10, 40), "")],
    ),
    ask("n1052", "Partner price lists", day(11, 16, 0), "Dealer in Lyon.", &[]),
    ask("n1030", "Joint test bench", day(13, 9, 0), "", &[]),
    ask("g2001", "Joint test bench", day(12, 10, 0), "", &[]),
];
