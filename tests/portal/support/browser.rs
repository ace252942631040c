//! A real browser: Chromium, led by `tests/node/browser.mjs`.
//!
//! All tests share one Chromium; each [`Browser`] is a visitor with cookies of their own. Everything panics with what
//! the page shows when it does not go as asked, and after a broken rule of the content security policy.

use std::collections::HashMap;
use std::io::Write;
use std::path::Path;
use std::process::ChildStdin;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use serde_json::{Value, json};

use super::node::Node;
use super::skip;

/// How the window is.
#[derive(Clone, Copy)]
pub struct Window {
    /// In CSS pixels.
    pub width: u32,
    /// In CSS pixels.
    pub height: u32,
    /// Whether the person prefers dark colors.
    pub dark: bool,
}

impl Default for Window {
    fn default() -> Window {
        Window { width: 1366, height: 768, dark: false }
    }
}

/// One thing that a page asked for.
#[derive(Debug)]
pub struct Request {
    /// What it asked for.
    pub url: String,
    /// Headers and body of the answer, as they came over the wire.
    pub bytes: u64,
}

/// One visitor, with one page.
pub struct Browser {
    context: u64,
    chromium: &'static Chromium,
}

impl Browser {
    /// Opens an ordinary window, with JavaScript or without.
    pub fn open(javascript: bool) -> Option<Browser> {
        Browser::open_as(javascript, Window::default())
    }

    /// Opens a window of a certain size.
    pub fn open_as(javascript: bool, window: Window) -> Option<Browser> {
        let Some(chromium) = Chromium::shared() else {
            skip(
                "no browser: /usr/bin/chromium, node or tests/node/node_modules is missing (tests/run installs them)",
            );
            return None;
        };
        let Window { width, height, dark } = window;
        let scheme = if dark { "dark" } else { "light" };
        let how =
            json!({ "javascript": javascript, "width": width, "height": height, "scheme": scheme });
        let opened = chromium.ask("new_context", how).unwrap_or_else(|error| panic!("{error}"));
        Some(Browser { context: opened["context"].as_u64().expect("a number"), chromium })
    }

    /// Opens a page; answers its status, or nothing for an address without HTTP.
    pub fn goto(&self, url: &str) -> Option<u64> {
        self.ask("goto", json!({ "url": url }));
        self.status()
    }

    /// Clicks the one thing of this role (`button`, `link`) and this whole name, and waits for the page it leads to.
    pub fn click(&self, role: &str, name: &str) {
        self.ask("click", json!({ "role": role, "name": name }));
    }

    /// The same when several may match; counts from 0, and a part of the name is enough.
    pub fn click_nth(&self, role: &str, name: &str, nth: usize) {
        self.ask("click", json!({ "role": role, "name": name, "exact": false, "nth": nth }));
    }

    /// Writes into the field of this label.
    pub fn fill(&self, label: &str, value: &str) {
        self.ask("fill", json!({ "label": label, "value": value }));
    }

    /// Takes a radio button or ticks a box.
    pub fn choose(&self, label: &str) {
        self.ask("choose", json!({ "label": label }));
    }

    /// The same where several have this label; counts from 0.
    pub fn choose_nth(&self, label: &str, nth: usize) {
        self.ask("choose", json!({ "label": label, "nth": nth }));
    }

    /// Takes an option of a list.
    pub fn select(&self, label: &str, option: &str) {
        self.ask("select", json!({ "label": label, "option": option }));
    }

    /// Presses a key, `Tab` or `Enter` for one, and waits for the page it leads to.
    pub fn press(&self, key: &str) {
        self.ask("press", json!({ "key": key }));
    }

    /// The words of what has the focus.
    pub fn focused(&self) -> String {
        self.string("focused")
    }

    /// What the main part of the page shows.
    pub fn text(&self) -> String {
        self.string("text")
    }

    /// Waits until the main part of the page shows this.
    pub fn see(&self, text: &str) {
        self.ask("see", json!({ "text": text }));
    }

    /// The page's title.
    pub fn title(&self) -> String {
        self.string("title")
    }

    /// Where the page is.
    pub fn url(&self) -> String {
        self.string("url")
    }

    /// The page's source, as the browser has it now.
    pub fn content(&self) -> String {
        self.string("content")
    }

    /// The status of the page; nothing for an address without HTTP.
    pub fn status(&self) -> Option<u64> {
        self.ask("status", json!({}))["status"].as_u64()
    }

    /// The page has no fault in accessibility that axe can find. Needs JavaScript.
    pub fn axe_clean(&self) {
        let found = self.ask("axe", json!({}));
        assert_eq!(found["violations"], json!([]), "at {}: {:#}", self.url(), found["violations"]);
    }

    /// What the page is like in each of these windows, without loading it again: `{"looks": [...], "weight": {...}}`.
    /// Needs JavaScript.
    pub fn survey(&self, windows: &[Window]) -> Value {
        let windows: Vec<Value> = windows
            .iter()
            .map(|Window { width, height, dark }| {
                let scheme = if *dark { "dark" } else { "light" };
                json!({ "width": width, "height": height, "scheme": scheme })
            })
            .collect();
        self.ask("survey", json!({ "windows": windows }))
    }

    /// Whether one has to scroll sideways.
    pub fn sideways(&self) -> bool {
        self.ask("sideways", json!({}))["sideways"] == true
    }

    /// Everything that the page asked for since it was opened, itself first.
    pub fn requests(&self) -> Vec<Request> {
        let said = self.ask("requests", json!({}));
        let request = |one: &Value| Request {
            url: one["url"].as_str().expect("an address").to_owned(),
            bytes: one["bytes"].as_u64().expect("a count"),
        };
        said["requests"].as_array().expect("a list").iter().map(request).collect()
    }

    /// The errors in the console since the last time; with this, a broken rule is forgiven.
    pub fn console(&self) -> Vec<String> {
        let said = self.ask("console", json!({}));
        said["console"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|line| line.as_str().expect("text").to_owned())
            .collect()
    }

    /// Every cookie, as `{"name", "value", "httpOnly", "secure", "sameSite", ...}`.
    pub fn cookies(&self) -> Vec<Value> {
        self.ask("cookies", json!({}))["cookies"].as_array().expect("a list").clone()
    }

    /// Writes a picture of the window, or of the whole page.
    pub fn screenshot(&self, path: &Path, full: bool) {
        self.ask("screenshot", json!({ "path": path, "full": full }));
    }

    fn string(&self, what: &str) -> String {
        self.ask(what, json!({}))[what].as_str().expect("text").to_owned()
    }

    #[track_caller]
    fn ask(&self, what: &str, mut how: Value) -> Value {
        how["context"] = json!(self.context);
        match self.chromium.ask(what, how.clone()) {
            Ok(answer) => answer,
            Err(error) => panic!("browser: {what} {how}: {error}"),
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let closed = self.chromium.ask("close_context", json!({ "context": self.context }));
        if let (Err(error), false) = (closed, std::thread::panicking()) {
            panic!("browser: {error}");
        }
    }
}

/// The one process. It lives as long as the tests do: a `static` is never dropped, but its pipe ends with them.
struct Chromium {
    line: Mutex<Line>,
    waiting: Arc<Mutex<HashMap<u64, Sender<Value>>>>,
    _node: Mutex<Node>,
}

struct Line {
    input: ChildStdin,
    last: u64,
}

impl Chromium {
    fn shared() -> Option<&'static Chromium> {
        static SHARED: OnceLock<Option<Chromium>> = OnceLock::new();
        SHARED.get_or_init(Chromium::start).as_ref()
    }

    fn start() -> Option<Chromium> {
        if !Path::new("/usr/bin/chromium").exists() {
            return None;
        }
        let mut node = Node::start("browser.mjs", &[])?;
        let input = node.input.take().expect("a pipe");
        let output = node.output.take().expect("a pipe");
        let waiting = Arc::new(Mutex::new(HashMap::<u64, Sender<Value>>::new()));
        let readers = Arc::clone(&waiting);
        std::thread::spawn(move || {
            for line in output.map_while(Result::ok) {
                let answer: Value = serde_json::from_str(&line).expect("JSON");
                let asked =
                    answer["id"].as_u64().and_then(|id| readers.lock().unwrap().remove(&id));
                if let Some(asked) = asked {
                    let _ = asked.send(answer);
                }
            }
            readers.lock().unwrap().clear(); // nobody waits for a browser that has gone
        });
        Some(Chromium {
            line: Mutex::new(Line { input, last: 0 }),
            waiting,
            _node: Mutex::new(node),
        })
    }

    fn ask(&self, what: &str, mut how: Value) -> Result<Value, String> {
        let (sender, answer) = channel();
        {
            let mut line = self.line.lock().unwrap();
            line.last += 1;
            how["id"] = json!(line.last);
            how["do"] = json!(what);
            self.waiting.lock().unwrap().insert(line.last, sender);
            writeln!(line.input, "{how}").map_err(|error| error.to_string())?;
        }
        let answer = answer
            .recv_timeout(Duration::from_secs(60))
            .map_err(|_| "the browser is gone".to_owned())?;
        if answer["ok"] == true {
            Ok(answer)
        } else {
            Err(answer["error"].as_str().unwrap_or("no reason").to_owned())
        }
    }
}
