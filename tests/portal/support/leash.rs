//! Servers that end with the test, also when the test is killed.

use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

/// A running program. It is stopped when this is dropped, or when the process of the tests is gone: the shell
/// that started it waits for the end of a pipe that only the tests hold.
pub struct Leash {
    shell: Child,
    hand: Option<ChildStdin>,
}

impl Leash {
    /// Starts a program; what it prints is dropped unless `command` says otherwise.
    pub fn start(program: &str, arguments: &[&str], output: Stdio, errors: Stdio) -> Leash {
        let mut shell = Command::new("sh")
            .args(["-c", r#""$@" & read -r end; kill $!; wait $!"#, "leash", program])
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(output)
            .stderr(errors)
            .spawn()
            .expect("sh");
        let hand = shell.stdin.take();
        Leash { shell, hand }
    }
}

impl Drop for Leash {
    fn drop(&mut self) {
        drop(self.hand.take());
        let _ = self.shell.wait();
    }
}

/// Asks again and again until `ready` says yes; false after ten seconds.
pub fn wait_for(mut ready: impl FnMut() -> bool) -> bool {
    let end = Instant::now() + Duration::from_secs(20);
    while Instant::now() < end {
        if ready() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    false
}
