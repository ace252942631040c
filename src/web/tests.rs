//! The shell as a browser gets it: every variant is drawn and read back.

use std::collections::HashSet;

use askama::Template;
use scraper::{ElementRef, Html, Selector};

use super::page::*;
use super::words::When;

/// Every shared part once.
#[derive(Template)]
#[template(path = "shell/sample.html")]
struct Sample {
    shell: Shell,
    text: String,
    when: When,
    people: Vec<Choice>,
    moments: Vec<Moment>,
    pager: Pager,
}

fn when() -> When {
    When {
        datetime: "2026-11-20T16:20:00+01:00".into(),
        absolute: "Fri 20 Nov 2026, 16:20".into(),
        relative: "3 days ago".into(),
    }
}

fn signed_out() -> Shell {
    Shell {
        title: "Sign in".into(),
        organization: "Northmoor Instruments".into(),
        zone: "CET (UTC+1)".into(),
        printed: "23 Nov 2026 10:12 CET".into(),
        help: "Service desk, extension 4040".into(),
        ..Shell::default()
    }
}

fn signed_in() -> Shell {
    let item = |place, href, label, count: Option<&str>| NavItem {
        place,
        href,
        label,
        count: count.map(Into::into),
    };
    Shell {
        title: "Request Month-end ledger (post) – Browse".into(),
        place: Place::Browse,
        who: Some(Who { id: "1".into(), name: "Marta Lindqvist".into() }),
        nav: vec![
            item(Place::Home, "/", "Home", None),
            item(Place::Browse, "/packages", "Browse", None),
            item(Place::Access, "/access", "My access", None),
            item(Place::Requests, "/requests", "Requests", None),
            item(Place::Approvals, "/approvals", "Approvals", Some("6")),
            item(Place::Catalogs, "/catalogs", "Catalogs", None),
            item(Place::Audit, "/audit", "Audit log", None),
        ],
        csrf: "token-of-the-session".into(),
        idle: Some(1_800),
        ..signed_out()
    }
}

fn with_errors() -> Shell {
    let error = |field: &str, text: &str| FieldError { field: field.into(), text: text.into() };
    Shell {
        errors: vec![
            error("for", "Choose who it is for"),
            error("why", "Say what you will use it for"),
            error("co", "Choose at least one company"),
            error("end", "Choose an end date on or before 21 February 2027"),
            error("", "Send the form again: it was open for too long"),
        ],
        ..signed_in()
    }
}

fn with_notice(kind: NoticeKind) -> Shell {
    let notice = Notice {
        kind,
        strong: "Reminder sent.".into(),
        text: "Ingrid Solheim was reminded at 10:12.".into(),
        undo: None,
    };
    Shell { notice: Some(notice), theme: Some("dark"), demo: true, ..signed_in() }
}

fn sample(shell: Shell) -> String {
    let choice = |value: &str, label: &str, on| Choice {
        value: value.into(),
        label: label.into(),
        on,
        ..Choice::default()
    };
    let moment = |step, heading: &str| Moment {
        step,
        when: Some(when()),
        heading: heading.into(),
        ..Moment::default()
    };
    Sample {
        shell,
        text: "<b>Close & \"accruals\"</b>".into(),
        when: when(),
        people: vec![choice("a", "Asha Rao", true), choice("t", "Tomás Ferreira", false)],
        moments: vec![
            moment(Step::Done, "You requested"),
            moment(Step::Warn, "Dario Conti approved for less"),
            moment(Step::Now, "With Ingrid Solheim, your manager"),
            Moment {
                at: "About 5 minutes".into(),
                when: None,
                ..moment(Step::Later, "Set up in three systems")
            },
            moment(Step::Stop, "Expires by itself"),
        ],
        pager: Pager {
            from: 26,
            to: 50,
            total: 1_204,
            previous: Some("?page=1".into()),
            next: Some("?page=3".into()),
            csv: Some("?format=csv".into()),
        },
    }
    .render()
    .expect("a page")
}

fn problem(shell: Shell, status: u16, heading: &str, kept: Option<&str>) -> String {
    ProblemPage {
        shell: Shell { title: heading.into(), place: Place::None, ..shell },
        status,
        heading: heading.into(),
        lede: "The link may be cut off, or you may not be allowed to know that it exists.".into(),
        ways: vec![
            ("Check that the whole address was copied from the mail.".into(), None),
            ("Find the package under Browse".into(), Some("/packages".into())),
            ("Go to your home page".into(), Some("/".into())),
        ],
        reference: Some("E-7K2Q-1012".into()),
        kept: kept.map(Into::into),
    }
    .render()
    .expect("a page")
}

/// Every variant of the shell, by name.
fn pages() -> Vec<(&'static str, String)> {
    vec![
        ("plain", sample(signed_in())),
        ("errors", sample(with_errors())),
        ("good", sample(with_notice(NoticeKind::Good))),
        ("warn", sample(with_notice(NoticeKind::Warn))),
        ("out", sample(signed_out())),
        ("missing", problem(signed_in(), 404, "There is nothing at this address", None)),
        (
            "stale",
            problem(
                signed_in(),
                409,
                "Dario Conti has already decided",
                Some("Not needed\noutside the close"),
            ),
        ),
        ("broken", problem(signed_out(), 500, "Something failed on our side", None)),
    ]
}

fn all<'a>(page: &'a Html, selector: &str) -> Vec<ElementRef<'a>> {
    let selector = Selector::parse(selector).expect("a selector");
    // The elements belong to the page, not to the selector.
    page.select(&selector).collect()
}

fn one<'a>(page: &'a Html, selector: &str) -> ElementRef<'a> {
    let found = all(page, selector);
    assert_eq!(found.len(), 1, "{selector}");
    found[0]
}

fn words(element: ElementRef<'_>) -> String {
    element.text().collect::<String>().split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Each page with what holds for every page.
fn each(check: impl Fn(&str, &Html)) {
    for (name, text) in pages() {
        check(name, &Html::parse_document(&text));
    }
}

#[test]
fn a_page_has_one_heading_one_title_and_the_landmarks() {
    let mut titles = HashSet::new();
    each(|name, page| {
        one(page, "h1");
        assert!(words(one(page, "title")).ends_with(" – Keyholder"), "{name}");
        for landmark in ["body > header", "main#main", "body > footer"] {
            one(page, landmark);
        }
        let signed_in = !matches!(name, "out" | "broken");
        assert_eq!(
            all(page, "header nav[aria-label=Main]").len(),
            usize::from(signed_in),
            "{name}"
        );
        assert_eq!(one(page, "html").attr("lang"), Some("en"), "{name}");
    });
    for name in ["missing", "stale", "broken", "plain", "errors"] {
        let text = pages().into_iter().find(|(n, _)| *n == name).expect("a page").1;
        assert!(titles.insert(words(one(&Html::parse_document(&text), "title"))), "{name}");
    }
}

#[test]
fn the_skip_link_is_the_first_stop_and_leads_to_the_content() {
    each(|name, page| {
        let first = all(
            page,
            "body a[href], body button, body input:not([type=hidden]), body [tabindex='0']",
        )[0];
        assert_eq!(first.attr("href"), Some("#main"), "{name}");
    });
}

#[test]
fn headings_never_skip_a_level() {
    each(|name, page| {
        let mut last = 1;
        for heading in all(page, "h1, h2, h3, h4") {
            let level: u8 = heading.value().name()[1..].parse().expect("a level");
            assert!(level <= last + 1, "{name}: {}", words(heading));
            last = level;
        }
    });
}

#[test]
fn nothing_needs_an_exception_of_the_content_security_policy() {
    each(|name, page| {
        assert!(
            all(page, "style, [style], script:not([src]), iframe, object, base").is_empty(),
            "{name}"
        );
        for element in all(page, "*") {
            for (attribute, value) in element.value().attrs() {
                assert!(!attribute.starts_with("on"), "{name}: {attribute}");
                assert!(!value.trim_start().to_lowercase().starts_with("javascript:"), "{name}");
                let loads =
                    element.value().name() != "a" && matches!(attribute, "src" | "href" | "action");
                assert!(!loads || value.starts_with(['/', '#']), "{name}: {value}");
            }
        }
        for asset in all(page, "link[href], script[src]") {
            let address = asset.attr("href").or(asset.attr("src")).unwrap_or_default();
            assert!(address.starts_with("/static/"), "{name}: a file that does not exist");
        }
    });
}

#[test]
fn every_id_is_there_once_and_every_reference_leads_somewhere() {
    each(|name, page| {
        let mut ids = HashSet::new();
        for element in all(page, "[id]") {
            assert!(
                ids.insert(element.attr("id").unwrap_or_default()),
                "{name}: {:?}",
                element.attr("id")
            );
        }
        for element in all(page, "*") {
            for (attribute, value) in element.value().attrs() {
                let led_to: Vec<&str> = match attribute {
                    "for" | "form" | "popovertarget" | "aria-describedby" | "aria-labelledby" => {
                        value.split_whitespace().collect()
                    }
                    "href" => value.strip_prefix('#').into_iter().collect(),
                    _ => continue,
                };
                for id in led_to {
                    assert!(ids.contains(id), "{name}: {attribute}={value}");
                }
            }
        }
    });
}

#[test]
fn every_control_has_a_label_and_every_group_a_legend() {
    each(|name, page| {
        for control in all(page, "input:not([type=hidden]), select, textarea") {
            let id = control.attr("id").unwrap_or("-");
            let wrapped = control
                .ancestors()
                .filter_map(ElementRef::wrap)
                .any(|a| a.value().name() == "label");
            assert!(
                wrapped || !all(page, &format!("label[for='{id}']")).is_empty(),
                "{name}: {:?}",
                control.attr("name")
            );
        }
        for group in all(page, "fieldset") {
            assert_eq!(
                group.child_elements().next().map(|e| e.value().name()),
                Some("legend"),
                "{name}"
            );
        }
        for button in all(page, "button") {
            assert!(!words(button).is_empty() && button.attr("disabled").is_none(), "{name}");
        }
    });
}

#[test]
fn what_changes_something_is_a_post_with_the_token() {
    each(|name, page| {
        for form in all(page, "form") {
            assert_eq!(form.attr("method"), Some("post"), "{name}");
            let token = Selector::parse("input[type=hidden][name=csrf]").expect("a selector");
            assert_eq!(form.select(&token).count(), 1, "{name}: {:?}", form.attr("action"));
        }
    });
    let page = Html::parse_document(&sample(signed_in()));
    let leave = one(&page, "header .me form");
    assert_eq!((leave.attr("action"), words(leave)), (Some("/signout"), "Sign out".into()));
}

#[test]
fn an_error_stands_in_the_title_in_the_summary_and_beside_the_field_in_the_same_words() {
    let page = Html::parse_document(&sample(with_errors()));
    assert!(words(one(&page, "title")).starts_with("Error: "));
    let summary = one(&page, "main [role=alert]");
    assert!(words(summary).starts_with("Five answers need another look"));
    for error in with_errors().errors.iter().filter(|error| !error.field.is_empty()) {
        let link = one(&page, &format!("#errors a[href='#{}']", error.field));
        assert_eq!(words(link), error.text);
        assert_eq!(
            words(one(&page, &format!("#{}-e", error.field))),
            format!("Error: {}", error.text)
        );
        let described =
            one(&page, &format!("#{}", error.field)).attr("aria-describedby").unwrap_or_default();
        assert!(described.split(' ').any(|id| id == format!("{}-e", error.field)), "{described}");
    }
    assert_eq!(one(&page, "#why").attr("aria-invalid"), Some("true"));
    assert_eq!(one(&page, "#for").attr("aria-invalid"), Some("true"));
    assert_eq!(all(&page, "[name=co][aria-invalid]").len(), 2);
    assert_eq!(one(&page, "#days").attr("aria-invalid"), None);
    assert!(all(&page, "[role=status]").is_empty(), "one banner only");
}

#[test]
fn what_was_typed_comes_back_as_text() {
    let text = sample(with_errors());
    let page = Html::parse_document(&text);
    assert_eq!(words(one(&page, "#why")), "<b>Close & \"accruals\"</b>");
    assert_eq!(one(&page, "#ticket").attr("value"), Some("<b>Close & \"accruals\"</b>"));
    assert_eq!(all(&page, "[name=for][checked], option[selected]").len(), 2);
    assert!(!text.contains("<b>Close"));
    let stale = Html::parse_document(&pages()[6].1);
    assert_eq!(one(&stale, "#kept").text().collect::<String>(), "Not needed\noutside the close");
}

#[test]
fn a_notice_is_a_status_before_the_heading() {
    let text = sample(with_notice(NoticeKind::Good));
    let page = Html::parse_document(&text);
    assert!(words(one(&page, "main [role=status]")).starts_with("Reminder sent."));
    assert!(text.find("role=\"status\"") < text.find("<h1"));
    one(&Html::parse_document(&sample(with_notice(NoticeKind::Warn))), ".notice-warn");
    assert_eq!(one(&page, "html").attr("data-theme"), Some("dark"));
}

#[test]
fn the_navigation_marks_the_place_and_says_what_waits() {
    let page = Html::parse_document(&sample(signed_in()));
    assert_eq!(words(one(&page, "nav [aria-current=page]")), "Browse");
    assert_eq!(words(one(&page, "nav a[href='/approvals']")), "Approvals 6 waiting for you");
    assert!(all(&page, "a[href^='/demo']").is_empty());
    let demo = Html::parse_document(&sample(with_notice(NoticeKind::Good)));
    assert_eq!(all(&demo, "footer a[href^='/demo/']").len(), 3);
}

#[test]
fn before_sign_in_there_is_only_the_brand_and_the_footer() {
    let shell = Shell { demo: true, ..signed_out() };
    let page = Html::parse_document(&sample(shell));
    assert_eq!(all(&page, "header a, header button, header form").len(), 1);
    assert!(all(&page, "footer a").is_empty());
    assert!(words(one(&page, "footer")).contains("Help and contact: Service desk, extension 4040"));
}

#[test]
fn every_icon_that_is_used_is_drawn_and_every_page_is_small() {
    // References to icons that are not there fail in the test of the ids; here: the weight.
    for (name, text) in pages() {
        assert!(text.len() < 30_000, "{name} has {} bytes before compression", text.len());
        assert!(text.contains("href=\"#i-key\""), "{name}");
    }
}

/// Writes the variants with the style sheet beside them, to be looked at in a browser:
/// `cargo test draws_the_shell -- --ignored`, then open the folder that it prints.
#[test]
#[ignore = "for the eye"]
fn draws_the_shell_into_a_folder() {
    let folder = std::env::temp_dir().join("keyholder-shell");
    std::fs::create_dir_all(folder.join("static")).expect("a folder");
    for asset in super::assets::all() {
        std::fs::write(folder.join("static").join(&asset.name), &asset.bytes).expect("a file");
    }
    for (name, mut text) in pages() {
        for asset in super::assets::all() {
            text = text.replace(&asset.href, &format!("static/{}", asset.name));
        }
        std::fs::write(folder.join(format!("{name}.html")), text).expect("a file");
    }
    println!("{}", folder.display());
}
