//! Tests whose component is missing.

use std::env;
use std::fs::OpenOptions;
use std::io::Write;

/// Says loudly that a test did not happen, and leaves a line for `tests/run`, which then fails.
///
/// Writes to the terminal itself: what a passed test prints by `eprintln!` nobody sees.
pub fn skip(reason: &str) {
    let test = std::thread::current().name().unwrap_or("a test").to_owned();
    let line = format!("SKIPPED {test}: {reason}\n");
    std::io::stderr().write_all(line.as_bytes()).expect("standard error");
    if let Some(file) = env::var_os("KEYHOLDER_TEST_SKIPS") {
        let mut file =
            OpenOptions::new().append(true).create(true).open(file).expect("the file of skips");
        file.write_all(line.as_bytes()).expect("the file of skips");
    }
}
