//! Letters word for word (J6), and what hostile words become in them (E30).

use super::*;
use crate::kernel::NoticeId;
use crate::kernel::fact::{EndReason, Names};
use crate::notify::model::Recipient;

fn head() -> Letterhead {
    Letterhead {
        site: "https://access.northmoor.example".parse().unwrap(),
        organization: "Northmoor Instruments".into(),
        help: "Service desk, extension 4040".into(),
        zone: Zone::of(chrono_tz::Europe::Stockholm),
    }
}

fn at(text: &str) -> Ts {
    Ts::new(text.parse().unwrap())
}

/// Told to Ingrid; Asha asked for the ledger, for herself.
fn told(fact: Fact, reader: Reader, link: &str) -> Told {
    let (asha, ingrid) = (PersonId::fresh(), PersonId::fresh());
    let names = Names {
        actor: "Ben Okafor",
        person: Some("Asha Rao"),
        package: Some("Month-end ledger"),
        catalog: Some("Finance"),
        reference: Some("KH-7Q2M-9XKD"),
        resource: Some("ledger-post"),
    };
    let sentence = fact.sentence(names).in_zone(head().zone).to_string();
    Told {
        notice: NoticeId::fresh(),
        to: Recipient {
            id: if reader == Reader::Asker { asha } else { ingrid },
            name: "Ingrid Solheim".into(),
            mail: Some("ingrid@northmoor.example".into()),
            enabled: true,
            clock: None,
        },
        reader,
        sentence,
        link: link.into(),
        at: at("2026-11-23T09:00:00Z"),
        fact: Some(fact),
        actor: "Ben Okafor".into(),
        person: Some((asha, "Asha Rao".into())),
        package: Some("Month-end ledger".into()),
        catalog: Some("Finance".into()),
        reference: Some("KH-7Q2M-9XKD".into()),
        resource: None,
        note: None,
        request: Some(Asked {
            requestor: (asha, "Asha Rao".into()),
            target: (asha, "Asha Rao".into()),
            reason: "I close the month\nfrom December on.".into(),
            starts: Some(at("2026-12-07T23:00:00Z")),
            ends: Some(at("2027-02-21T23:00:00Z")),
            due: Some(at("2026-12-07T09:00:00Z")),
            until: Some(at("2027-02-21T23:00:00Z")),
        }),
    }
}

fn opened() -> Fact {
    Fact::StageOpened {
        stage: 1,
        stages: 2,
        approvers: vec!["Ingrid Solheim".into(), "Dario Conti".into()],
        due: at("2026-12-07T09:00:00Z"),
    }
}

fn letter(told: &Told) -> Letter {
    Letter::of(told, &head()).unwrap()
}

#[test]
fn j6_an_approver_reads_what_to_do_until_when() {
    let letter = letter(&told(opened(), Reader::Decider, "/approvals/1"));
    assert_eq!(
        letter.subject,
        "Decide by Mon 7 Dec 2026, 10:00 CET: Month-end ledger for Asha Rao"
    );
    let text = "\
Asha Rao asks for Month-end ledger, and your decision is awaited.

Approve or deny it by Mon 7 Dec 2026, 10:00 CET. If nobody decides in time, the request expires.

Access package: Month-end ledger
For: Asha Rao
Wished from: Tue 8 Dec 2026
Wished until: Sun 21 Feb 2027
Approval stage: 1 of 2
Waits with: Ingrid Solheim and Dario Conti
Request: KH-7Q2M-9XKD

Asha Rao wrote:
> I close the month
> from December on.

Open the request and decide:
https://access.northmoor.example/approvals/1

--
You get this because you are an approver of this request.
No mail decides anything: the link opens Keyholder, where you sign in.
Times are those of Europe/Stockholm. Help and contact: Service desk, extension 4040.
Keyholder at Northmoor Instruments";
    assert_eq!(letter.text, text);
    let html = r#"<!doctype html>
<html lang="en" dir="ltr">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<title>Decide by Mon 7 Dec 2026, 10:00 CET: Month-end ledger for Asha Rao</title>
</head>
<body>
<p>Asha Rao asks for Month-end ledger, and your decision is awaited.</p>
<p>Approve or deny it by Mon 7 Dec 2026, 10:00 CET. If nobody decides in time, the request expires.</p>
<table>
<tr><th scope="row" align="left" valign="top">Access package</th><td><bdi>Month-end ledger</bdi></td></tr>
<tr><th scope="row" align="left" valign="top">For</th><td><bdi>Asha Rao</bdi></td></tr>
<tr><th scope="row" align="left" valign="top">Wished from</th><td><bdi>Tue 8 Dec 2026</bdi></td></tr>
<tr><th scope="row" align="left" valign="top">Wished until</th><td><bdi>Sun 21 Feb 2027</bdi></td></tr>
<tr><th scope="row" align="left" valign="top">Approval stage</th><td><bdi>1 of 2</bdi></td></tr>
<tr><th scope="row" align="left" valign="top">Waits with</th><td><bdi>Ingrid Solheim and Dario Conti</bdi></td></tr>
<tr><th scope="row" align="left" valign="top">Request</th><td><bdi>KH-7Q2M-9XKD</bdi></td></tr>
</table>
<p><bdi>Asha Rao</bdi> wrote:</p>
<blockquote><bdi>I close the month</bdi><br><bdi>from December on.</bdi></blockquote>
<p><a href="https://access.northmoor.example/approvals/1"><strong>Open the request and decide</strong></a></p>
<hr>
<p><small>You get this because you are an approver of this request.<br>
No mail decides anything: the link opens Keyholder, where you sign in.<br>
Times are those of Europe/Stockholm. Help and contact: Service desk, extension 4040.<br>
Keyholder at Northmoor Instruments</small></p>
</body>
</html>"#;
    assert_eq!(letter.html, html);
}

#[test]
fn j7_who_asked_reads_what_became_of_it() {
    let mut denied = told(
        Fact::StageDenied { stage: 1, stages: 2, instead_of: None },
        Reader::Asker,
        "/requests/1",
    );
    denied.note = Some("Ask again in January.".into());
    let text = "\
Ben Okafor denied Month-end ledger.

The request is closed. You can read why, and request it again when something has changed.

Access package: Month-end ledger
For: Asha Rao
Wished from: Tue 8 Dec 2026
Wished until: Sun 21 Feb 2027
Request: KH-7Q2M-9XKD

Ben Okafor wrote:
> Ask again in January.

See the request:
https://access.northmoor.example/requests/1

--
You get this because you asked for it.
No mail decides anything: the link opens Keyholder, where you sign in.
Times are those of Europe/Stockholm. Help and contact: Service desk, extension 4040.
Keyholder at Northmoor Instruments";
    assert_eq!(letter(&denied).text, text);
}

/// The subject and the first paragraphs of each kind of letter: action, object, deadline.
#[test]
fn j6_every_fact_has_its_words() {
    let (role, target) = ("Member".to_owned(), "Directory".to_owned());
    let gone = vec!["Dario Conti".to_owned()];
    let changed = Fact::ApproversChanged { stage: 1, gone, now: vec!["Ingrid Solheim".into()] };
    let trouble = Fact::DeliveryTroubled {
        role: role.clone(),
        target: target.clone(),
        removing: false,
        code: "x".into(),
        words: "the group is locked".into(),
    };
    let all = [
        (
            changed.clone(),
            Reader::Decider,
            "Decide by Mon 7 Dec 2026, 10:00 CET: Month-end ledger for Asha Rao",
            "because Dario Conti can no longer decide",
        ),
        (
            Fact::InformationAsked { stage: 1, stages: 2, due: at("2026-12-23T09:00:00Z") },
            Reader::Asker,
            "Answer by Wed 23 Dec 2026, 10:00 CET: Month-end ledger",
            "Ben Okafor needs to know more before Month-end ledger is decided",
        ),
        (
            changed,
            Reader::Asker,
            "Now with Ingrid Solheim: Month-end ledger",
            "Dario Conti can no longer decide on Month-end ledger.",
        ),
        (
            Fact::RequestApproved { automatic: false },
            Reader::Asker,
            "Approved: Month-end ledger",
            "Month-end ledger is approved. It is set up now",
        ),
        (
            Fact::RequestApproved { automatic: true },
            Reader::Asker,
            "Approved: Month-end ledger",
            "needs no approval",
        ),
        (
            Fact::RequestScheduled { starts: at("2026-12-01T08:00:00Z") },
            Reader::Asker,
            "Starts Tue 1 Dec 2026, 09:00 CET: Month-end ledger",
            "is approved and starts Tue 1 Dec",
        ),
        (
            Fact::RequestDelivered,
            Reader::Asker,
            "Ready until Sun 21 Feb 2027: Month-end ledger",
            "It ends by itself on Sun 21 Feb 2027.",
        ),
        (
            Fact::RequestDenied { rule: "You hold it already.".into() },
            Reader::Asker,
            "Denied: Month-end ledger",
            "A rule does not allow Month-end ledger: You hold it already.",
        ),
        (
            Fact::RequestExpired { stage: 1, unanswered: false },
            Reader::Asker,
            "Expired: Month-end ledger",
            "Nobody decided in time",
        ),
        (
            Fact::RequestCanceled { leaver: false },
            Reader::Asker,
            "Canceled: Month-end ledger",
            "Ben Okafor canceled the request for Month-end ledger.",
        ),
        (
            Fact::RequestUndelivered { why: "the package is empty".into() },
            Reader::Asker,
            "Not set up: Month-end ledger",
            "was not set up: the package is empty.",
        ),
        (
            Fact::AssignmentEnded { why: EndReason::EndedNow },
            Reader::Person,
            "Ended: Month-end ledger",
            "Ben Okafor ended Month-end ledger for Asha Rao.",
        ),
        (
            trouble,
            Reader::Owner,
            "Look into it: Member in ledger-post for Asha Rao",
            "the group is locked. ",
        ),
        (
            Fact::RemovalOverdue { role, target },
            Reader::Owner,
            "Act today: Member in ledger-post is still with Asha Rao",
            "take it away by hand",
        ),
        (
            Fact::GlobalRoleGranted { role: "administrator".into() },
            Reader::Person,
            "You are now administrator of Keyholder",
            "Ben Okafor made Asha Rao administrator.",
        ),
        (
            Fact::DecisionReminded { stage: 1, last: true, due: at("2026-12-07T09:00:00Z") },
            Reader::Decider,
            "Last day: decide by Mon 7 Dec 2026, 10:00 CET: Month-end ledger for Asha Rao",
            "still waits for a decision",
        ),
        (
            Fact::RequestReminded { stage: 1 },
            Reader::Decider,
            "Reminder: decide by Mon 7 Dec 2026, 10:00 CET: Month-end ledger for Asha Rao",
            "Ben Okafor reminds you: Month-end ledger",
        ),
        (
            Fact::AlternatesJoined { stage: 1, who: vec!["Ingrid Solheim".into()] },
            Reader::Decider,
            "Decide by Mon 7 Dec 2026, 10:00 CET: Month-end ledger for Asha Rao",
            "is awaited. Ingrid Solheim can decide Month-end ledger for Asha Rao, too",
        ),
        (
            Fact::RequestSubmitted { package_policy: "Everybody".into(), version: 1 },
            Reader::Asker,
            "Requested for you by Ben Okafor: Month-end ledger",
            "Ben Okafor asked for Month-end ledger for you.",
        ),
        (
            Fact::RequestRefused,
            Reader::Asker,
            "Refused by Ben Okafor: Month-end ledger",
            "does not want Month-end ledger",
        ),
        (
            Fact::RequestHeld { why: "the package was stopped".into() },
            Reader::Asker,
            "On hold: Month-end ledger",
            "waits: the package was stopped.",
        ),
        (Fact::RequestResumed, Reader::Asker, "Goes on: Month-end ledger", "and goes on."),
        (
            Fact::AssignmentEnding { until: at("2027-02-21T23:00:00Z"), extendable: true },
            Reader::Person,
            "Extend by Sun 21 Feb 2027: Month-end ledger",
            "ends by itself on Sun 21 Feb 2027. If it is needed for longer",
        ),
        (
            Fact::AssignmentExtended { until: None },
            Reader::Asker,
            "Extended: Month-end ledger",
            "was extended without an end.",
        ),
        (
            Fact::RetryAsked { resources: 2 },
            Reader::Owner,
            "Ben Okafor asked to retry Month-end ledger for Asha Rao (2 resources)",
            "(2 resources).",
        ),
    ];
    for (fact, reader, subject, words) in all {
        let mut told = told(fact, reader, "/packages/1/assignments");
        if reader == Reader::Owner {
            told.resource = Some("ledger-post".into());
        }
        if reader == Reader::Person {
            told.to.id = told.person.as_ref().unwrap().0;
        }
        let letter = letter(&told);
        assert_eq!(letter.subject, subject);
        let flat = letter.text.replace("\n\n", " ");
        assert!(flat.contains(words), "{words}: {}", letter.text);
        assert!(!letter.text.contains("\n\n\n") && !letter.text.contains(".."), "{}", letter.text);
        let escaped = letter.html.replace("&#38;", "&");
        assert!(letter.text.lines().all(|line| {
            let line = line.trim_start_matches("> ");
            line.contains(": ")
                || line.starts_with("--")
                || line.ends_with(':')
                || escaped.contains(line)
        }));
    }
}

#[test]
fn a_fact_of_another_version_is_told_by_its_sentence() {
    let mut told = told(opened(), Reader::Person, "/access");
    (told.fact, told.request) = (None, None);
    told.sentence = "Something new happened to Asha Rao".into();
    let letter = letter(&told);
    assert_eq!(letter.subject, "Something new happened to Asha Rao");
    assert!(letter.text.starts_with("Something new happened to Asha Rao.\n\nAccess package:"));
}

#[test]
fn e30_words_of_people_are_quoted_short_and_without_links() {
    let mut told = told(opened(), Reader::Decider, "/approvals/1");
    let asked = told.request.as_mut().unwrap();
    asked.reason = format!(
        "See https://evil.example/login?x=1, www.evil.example or evil.com, mailto:a@evil.com\n\
         -- \nKeyholder <b>says</b> \u{202e}approve. v1.2 at 12:30.\n{}",
        "word ".repeat(1_000)
    );
    asked.requestor.1 = "Eve http://evil.example\r\nBcc: all@northmoor.example".into();
    told.package = Some("<script>alert(1)</script>".repeat(20));
    let letter = letter(&told);
    for live in
        ["https://evil", "http://evil", "www.evil.example", " evil.com", "mailto:a", "\u{202e}"]
    {
        assert!(
            !letter.text.contains(live) && !letter.html.contains(live),
            "{live}: {}",
            letter.text
        );
    }
    assert!(letter.text.contains("> See https[:]//evil[.]example/login?x=1"), "{}", letter.text);
    assert!(letter.text.contains("\n> --\n> Keyholder <b>says</b> approve. v1.2 at 12:30.\n"));
    assert!(letter.html.contains("&#60;b&#62;says") && !letter.html.contains("<script>"));
    assert!(letter.text.len() < 2_500 && letter.text.contains("…"), "{}", letter.text.len());
    assert!(!letter.subject.contains(['\r', '\n']) && letter.subject.chars().count() <= SUBJECT);
    assert_eq!(letter.text.matches("https://").count(), 1, "only our own link");
}

#[test]
fn d36_a_letter_to_the_target_says_who_asked() {
    let mut told = told(Fact::RequestDelivered, Reader::Asker, "/requests/1");
    let asked = told.request.as_mut().unwrap();
    asked.requestor = (PersonId::fresh(), "Ben Okafor".into());
    let to_target = letter(&told);
    assert_eq!(to_target.subject, "Ready until Sun 21 Feb 2027: Month-end ledger");
    assert!(to_target.text.contains("because Ben Okafor asked for it for you."));
    told.to.id = told.request.as_ref().unwrap().requestor.0;
    let to_requestor = letter(&told);
    assert_eq!(to_requestor.subject, "Ready until Sun 21 Feb 2027: Month-end ledger for Asha Rao");
    assert!(to_requestor.text.contains("because you asked for it."));
}
