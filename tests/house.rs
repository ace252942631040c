//! The laws of the house, read from the sources. Each failure says which law and why.

#![expect(clippy::unwrap_used, reason = "a test may panic, and says where")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The rooms from the ground up: a room's model, rules, store and commands use only rooms before it.
const ORDER: &[&str] = &[
    "kernel",
    "error",
    "access",
    "db",
    "site",
    "web",
    "settings",
    "directory",
    "organizations",
    "delegation",
    "catalogs",
    "packages",
    "policies",
    "standing_in",
    "assignments",
    "requests",
    "reviews",
    "team",
    "provisioning",
    "notify",
    "audit",
    "signin",
    "home",
    "demo",
    "jobs",
    "config",
    "app",
    "serve",
    "main",
    "lib",
];

fn sources() -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                let short = path
                    .strip_prefix(concat!(env!("CARGO_MANIFEST_DIR"), "/src"))
                    .unwrap()
                    .to_owned();
                found.push((short, text));
            }
        }
    }
    assert!(found.len() > 50, "the sources were not found");
    found
}

/// The source without its comments and its inline tests.
fn code(text: &str) -> String {
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

fn room(path: &Path) -> String {
    let first = path.iter().next().unwrap().to_string_lossy();
    match first.trim_end_matches(".rs") {
        // What every page is handed belongs to the toolkit.
        "site" => "web".to_owned(),
        other => other.to_owned(),
    }
}

fn is_test(path: &Path) -> bool {
    path.iter().any(|part| {
        let part = part.to_string_lossy();
        let part = part.trim_end_matches(".rs");
        part == "tests" || part == "testing" || part == "harness" || part.ends_with("_tests")
    })
}

/// The rooms that a source names as `crate::room`.
fn uses(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (at, _) in text.match_indices("crate::") {
        let rest = &text[at + 7..];
        if let Some(list) = rest.strip_prefix('{') {
            let list = list.split('}').next().unwrap_or_default();
            found.extend(
                list.split(',')
                    .map(|name| name.trim().split("::").next().unwrap_or_default().to_owned()),
            );
        } else {
            let name: String =
                rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            found.insert(name);
        }
    }
    found.retain(|name| ORDER.contains(&name.as_str()));
    found
}

/// Leaf modules that stand alone and may be used from below: they know no database and no page.
fn is_leaf(text: &str, used: &str) -> bool {
    match used {
        "notify" => !text.contains("notify::dispatch"),
        "provisioning" => !text.contains("provisioning::reconcile"),
        "signin" => !text.contains("signin::commands") && !text.contains("signin::store"),
        "reviews" => !text.contains("reviews::store") && !text.contains("reviews::commands"),
        "demo" => true,
        _ => false,
    }
}

#[test]
fn rooms_use_only_rooms_below_them() {
    let mut broken = Vec::new();
    for (path, text) in sources() {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let own = room(&path);
        // Pages read any slice; they are on top.
        let on_top =
            ["pages", "forms", "words", "browse", "owner", "approvals", "decision", "timeline"]
                .contains(&name.as_str())
                || path.iter().any(|part| part == "pages" || part == "browse" || part == "acting")
                || ["app", "serve", "main", "lib", "jobs", "config", "demo"]
                    .contains(&own.as_str());
        if on_top || is_test(&path) {
            continue;
        }
        let place = |room: &str| ORDER.iter().position(|r| *r == room).unwrap_or(usize::MAX);
        let text = code(&text);
        for used in uses(&text) {
            let leaf = path.starts_with("site.rs") && is_leaf(&text, &used);
            if place(&used) > place(&own) && !leaf {
                broken.push(format!("{} uses {used}", path.display()));
            }
        }
    }
    assert!(broken.is_empty(), "law 1, a room uses only what lies below it: {broken:#?}");
}

#[test]
fn rules_and_models_know_nothing_of_the_world() {
    let mut broken = Vec::new();
    for (path, text) in sources() {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let pure = ["kernel", "access"].contains(&room(&path).as_str()) || name == "rules";
        let model = name == "model";
        let text = code(&text);
        let banned: &[&str] = match (pure, model) {
            (true, _) => &[
                "diesel::", "actix", "reqwest", "tokio::", "std::fs", "std::net", "std::env",
                "askama",
            ],
            // A model's row may derive how it is read; it runs nothing.
            (_, true) => &[
                "actix",
                "reqwest",
                "tokio::",
                "std::fs",
                "std::net",
                "std::env",
                "askama",
                ".load(",
                ".execute(",
            ],
            _ => continue,
        };
        broken.extend(
            banned
                .iter()
                .filter(|word| text.contains(**word))
                .map(|word| format!("{}: {word}", path.display())),
        );
    }
    assert!(broken.is_empty(), "law 2, rules are pure: {broken:#?}");
}

#[test]
fn only_the_cellar_knows_which_database_it_is() {
    let broken: Vec<_> = sources()
        .into_iter()
        .filter(|(path, _)| room(path) != "db" && !is_test(path))
        .filter(|(_, text)| code(text).contains("Db::Sqlite(") || code(text).contains("Db::Pg("))
        .map(|(path, _)| path)
        .collect();
    assert!(broken.is_empty(), "law 3: {broken:#?}");
}

#[test]
fn actix_and_ldap_stay_behind_their_fences() {
    let fences: &[(&str, &[&str])] = &[
        ("actix_web", &["web", "app", "serve", "demo/provider", "site"]),
        ("actix_session", &["web"]),
        ("ldap3", &["provisioning/connectors"]),
        ("lettre", &["notify/mailer"]),
        ("openidconnect", &["signin", "demo"]),
    ];
    let mut broken = Vec::new();
    for (path, text) in sources().into_iter().filter(|(path, _)| !is_test(path)) {
        let shown = path.to_string_lossy().into_owned();
        for (word, rooms) in fences {
            if code(&text).contains(&format!("{word}::"))
                && !rooms.iter().any(|room| shown.starts_with(room))
            {
                broken.push(format!("{shown}: {word}"));
            }
        }
    }
    assert!(broken.is_empty(), "law 4, third parties stay behind their fences: {broken:#?}");
}

#[test]
fn nothing_is_silenced_and_nothing_is_left_to_do() {
    let mut broken = Vec::new();
    for (path, text) in sources() {
        for word in ["#[allow(", "#![allow(", "todo!(", "unimplemented!(", "dbg!("] {
            if text.contains(word) {
                broken.push(format!("{}: {word}", path.display()));
            }
        }
    }
    assert!(broken.is_empty(), "law 5: {broken:#?}");
}

#[test]
fn both_databases_have_the_same_migrations() {
    let names = |database: &str| {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations").join(database);
        let names: BTreeSet<_> =
            fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names
    };
    assert_eq!(names("sqlite"), names("postgres"), "law 6, one name, two dialects");
}

#[test]
fn templates_hold_no_inline_style_or_script_and_each_is_used() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates");
    let (mut folders, mut files) = (vec![root.clone()], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    let texts: Vec<String> = sources().into_iter().map(|(_, text)| text).collect();
    let templates: Vec<String> =
        files.iter().map(|file| fs::read_to_string(file).unwrap()).collect();
    let mut broken = Vec::new();
    for (file, text) in files.iter().zip(&templates) {
        let name = file.strip_prefix(&root).unwrap().to_string_lossy().into_owned();
        for word in
            [" style=\"", "<style", "<script>", " onclick", " onsubmit", " onchange", "javascript:"]
        {
            if text.contains(word) {
                broken.push(format!("{name}: {word}"));
            }
        }
        let quoted = format!("\"{name}\"");
        if !texts.iter().chain(&templates).any(|text| text.contains(&quoted)) {
            broken.push(format!("{name} is used by nothing"));
        }
    }
    assert!(broken.is_empty(), "law 7, the content security policy has no exceptions: {broken:#?}");
}
