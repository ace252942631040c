//! The programs of `tests/node`.

use std::io::{BufRead, BufReader, Lines};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use super::skip;

/// A running program of `tests/node`; it ends when its input does, also when the tests are killed.
pub struct Node {
    child: Child,
    /// Where it reads.
    pub input: Option<ChildStdin>,
    /// What it prints; taken by whoever listens.
    pub output: Option<Lines<BufReader<ChildStdout>>>,
}

impl Node {
    /// Starts one of them.
    pub fn start(script: &str, arguments: &[&str]) -> Option<Node> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/node");
        if !folder.join("node_modules").exists() {
            skip("no node_modules in tests/node: run npm ci there (tests/run does)");
            return None;
        }
        let started = Command::new("node")
            .arg(folder.join(script))
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn();
        let Ok(mut child) = started else {
            skip("no node");
            return None;
        };
        let output = child.stdout.take().map(|output| BufReader::new(output).lines());
        Some(Node { input: child.stdin.take(), output, child })
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        drop(self.input.take());
        let _ = self.child.wait();
    }
}
