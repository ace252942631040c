//! The checklist with what was found for each row.

use std::collections::BTreeMap;
use std::fmt::Write as _;

/// How a row is looked after.
#[derive(Clone, Copy)]
enum How {
    /// By the walk over every page; what it looks at.
    Here(&'static str),
    /// By tests of its own.
    By(&'static str),
    /// Not yet, or not by a machine, and why.
    Not(&'static str),
}

use How::{By, Here, Not};

/// Every row of the page checklist.
const ROWS: [(&str, How); 60] = [
    ("A1", Here("one h1, a title in parts, the same title at one address only")),
    ("A2", Here("landmarks, the skip link first")),
    ("A3", Here("heading levels")),
    ("A4", Here("the navigation of everybody is in one order")),
    ("A5", Here("help stands in the footer of every page")),
    ("A6", Here("links of one name lead to one place")),
    ("A7", Here("the parser's errors, ids")),
    ("A8", By("words: the browser's journeys and letters_tests compare page, mail and CSV")),
    ("B1", Here("labels, legends")),
    ("B2", Here("forms with fields carry novalidate")),
    ("B3", Here("forms sent empty")),
    ("B4", Here("forms sent empty")),
    ("B5", By("refusals::forms, gate_tests (E22)")),
    ("B6", By("the browser's journeys")),
    ("B7", Here("words of errors tell what to do")),
    ("B8", By("eligibility: the pages of cannot.html")),
    ("B9", Not("app.js has no listener that validates; read by people")),
    ("B10", Here("one primary button, whose words are the action")),
    ("B11", Here("no disabled buttons")),
    ("B12", Not("by people, at the provider")),
    ("C1", By("the undo window (D40); confirmations have pages of their own")),
    ("C2", By("requests::asking tests")),
    ("C3", Here("red buttons: one, in words, on a page that asks")),
    ("C4", By("engine::races")),
    ("C5", Here("every form that posts carries the token; access.rs compares the tables")),
    ("C6", Here("nothing is chosen before a decision")),
    ("C7", By("the tests of bulk decisions (D39)")),
    ("C8", By("the tests of suggestions")),
    ("C9", By("engine::races and refusals")),
    ("D1", Here("forms sent empty")),
    ("D2", Here("at most one banner")),
    ("D3", By("the browser's journeys: the page after sending")),
    ("D4", Here("marks have a shape and words")),
    ("D5", By("timeline tests")),
    ("D6", Here("empty places say why")),
    (
        "D7",
        Here(
            "a clock time that stands alone is a time element; in a sentence it is some of its words",
        ),
    ),
    ("E1", Here("captions, scopes")),
    ("E2", Here("aria-sort where columns sort")),
    ("E3", By("web::tests: a cursor of another list leads to the first page")),
    ("E4", Here("filters and pages are links or forms that get")),
    ("E5", Here("nothing scrolls sideways at 320 px")),
    ("E6", Here("buttons of one name do one thing")),
    ("F1", By("the browser's journeys by keyboard")),
    ("F2", Here("each control shows its focus, under nothing that sticks")),
    ("F3", Here("axe: target-size")),
    ("F4", By("the own profile: shortcuts")),
    ("F5", Not("by people")),
    ("F6", By("gate_tests: the warning, the idle end")),
    ("G1", Here("axe: color-contrast, light and dark")),
    ("G2", Not("by people; the browser's 320 px are 400 % of 1280 px")),
    ("G3", Here("the style sheet knows both schemes and forced colors")),
    ("G4", Here("the style sheet moves only where motion is welcome")),
    ("H1", Here("lang, dir, logical properties")),
    ("H2", Not("waits (E30a)")),
    ("I1", Not("waits (E30a)")),
    ("I2", Here("what the browser loaded")),
    ("I3", Here("every page without JavaScript has its content and its buttons")),
    ("I4", By("components::browser")),
    ("I5", Here("nothing inline, nothing foreign; the browser met no broken rule")),
    ("I6", Not("nothing is loaded ahead")),
];

#[derive(Default)]
struct Count {
    checked: usize,
    failed: Vec<String>,
}

/// What was found.
#[derive(Default)]
pub struct Table {
    counts: BTreeMap<&'static str, Count>,
}

impl Table {
    /// One page was looked at for a row; `wrong` says what is not as it should be.
    pub fn look(&mut self, row: &'static str, user: &str, path: &str, wrong: &[String]) {
        let count = self.counts.entry(row).or_default();
        count.checked += 1;
        if !wrong.is_empty() {
            count.failed.push(format!("{path} for {user}: {}", wrong.join("; ")));
        }
    }

    /// The table as text.
    pub fn drawn(&self) -> String {
        let mut text = String::from("row   pages  passed  failed\n");
        for (row, how) in ROWS {
            match (how, self.counts.get(row)) {
                (Here(what), Some(Count { checked, failed })) => {
                    let passed = checked - failed.len();
                    writeln!(text, "{row:4} {checked:6} {passed:7} {:7}  {what}", failed.len())
                }
                (Here(what), None) => writeln!(text, "{row:4} not looked at: {what}"),
                (By(what), _) => writeln!(text, "{row:4} has tests of its own: {what}"),
                (Not(why), _) => writeln!(text, "{row:4} not applicable: {why}"),
            }
            .expect("a text takes lines");
        }
        text
    }

    /// Fails with what is wrong, and, where a browser `looked`, for a row that nobody looked at.
    #[track_caller]
    pub fn complete(&self, looked: bool) {
        let mut wrong = Vec::new();
        for (row, how) in ROWS {
            match (how, self.counts.get(row)) {
                (Here(_), None) if looked => wrong.push(format!("{row}: nobody looked")),
                (Here(_), Some(count)) => {
                    let few = count.failed.iter().take(12);
                    wrong.extend(few.map(|words| format!("{row}: {words}")));
                    if count.failed.len() > 12 {
                        wrong.push(format!("{row}: and {} more", count.failed.len() - 12));
                    }
                }
                _ => {}
            }
        }
        assert!(wrong.is_empty(), "rows that do not hold:\n  {}", wrong.join("\n  "));
    }
}
