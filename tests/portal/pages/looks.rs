//! What only a browser can see.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use super::table::Table;
use super::{Seen, long};
use crate::support::browser::{Browser, Window};
use crate::support::northmoor::Northmoor;

const WIDE: Window = Window { width: 1366, height: 768, dark: false };
const PHONE: Window = Window { width: 320, height: 640, dark: false };

/// The most of one page, in bytes over the wire, and how many things it may ask for (I2).
const WEIGHTS: [(&str, u64); 4] =
    [("html", 30_000), ("css", 25_000), ("js", 15_000), ("requests", 8)];

/// Opens one page of each shape in all four windows, as the first of the cast who saw it; in a long run, every page of
/// everybody.
pub fn check(house: &Northmoor, table: &mut Table, all: &[Seen]) -> Option<()> {
    let dark = |window: Window| Window { dark: true, ..window };
    let mut browser: Option<(&str, Browser)> = None;
    let mut met = BTreeSet::new();
    for seen in all {
        if !met.insert(&seen.shape) && !long() {
            continue;
        }
        if browser.as_ref().is_none_or(|(user, _)| *user != seen.user) {
            browser = Some((seen.user, house.visit_as(seen.user, true, WIDE)?));
        }
        let Some((_, browser)) = &browser else { return None };
        house.goto(browser, &seen.path);
        let windows = [WIDE, dark(WIDE), PHONE, dark(PHONE)];
        let found = browser.survey(&windows);
        note(table, seen, &found);
        if !found["looks"]
            .as_array()
            .expect("looks")
            .iter()
            .all(|look| look["violations"] == serde_json::json!([]))
        {
            let name: String = format!("{}{}", seen.user, seen.path)
                .chars()
                .map(|c| if c.is_alphanumeric() { c } else { '-' })
                .collect();
            let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
            browser.screenshot(&folder.join(format!("{name}.png")), true);
        }
    }
    Some(())
}

fn note(table: &mut Table, seen: &Seen, found: &Value) {
    let (user, path) = (seen.user, seen.path.as_str());
    let words = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    for look in found["looks"].as_array().expect("looks") {
        let at = format!("{path} at {} px, {}", look["width"], words(&look["scheme"]));
        let list = |name: &str| -> Vec<String> {
            look[name].as_array().expect("a list").iter().map(words).collect()
        };
        let all = list("violations");
        let of = |row: &str| -> Vec<String> {
            let row_of = |rule: &String| match rule.split(':').next() {
                Some("color-contrast" | "color-contrast-enhanced") => "G1",
                Some("target-size") => "F3",
                Some("landmark-one-main" | "region" | "bypass" | "skip-link") => "A2",
                _ => "A7",
            };
            all.iter().filter(|rule| row_of(rule) == row).cloned().collect()
        };
        for row in ["G1", "F3", "A2", "A7"] {
            table.look(row, user, &at, &of(row));
        }
        let hidden = list("covered").into_iter().map(|one| format!("covered: {one}"));
        let focus: Vec<String> = list("blurred").into_iter().chain(hidden).collect();
        table.look("F2", user, &at, &focus);
        if look["width"] == 320 {
            let wide =
                if look["sideways"] == true { vec!["scrolls sideways".to_owned()] } else { vec![] };
            table.look("E5", user, &at, &wide);
        }
    }
    let weight = &found["weight"];
    let heavy =
        WEIGHTS.iter().filter(|(what, most)| weight[what].as_u64().unwrap_or(u64::MAX) > *most);
    let heavy: Vec<String> =
        heavy.map(|(what, most)| format!("{what}: {} of {most}", weight[what])).collect();
    table.look("I2", user, path, &heavy);
    let foreign: Vec<String> =
        weight["foreign"].as_array().expect("a list").iter().map(words).collect();
    table.look("I5", user, path, &foreign);
}
