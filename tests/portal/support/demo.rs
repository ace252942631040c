//! The demo as `keyholder demo` runs it: its own company, provider, target system and clock.

use std::net::{Ipv4Addr, TcpListener};
use std::sync::Arc;

use keyholder::demo::{self, Demo};
use keyholder::serve::demo_site;
use tempfile::TempDir;
use url::Url;

use super::app::Running;
use super::visitor::{Page, Visitor};

/// A demo that was just made; gone when this is dropped.
pub struct DemoApp {
    /// Where it is.
    pub origin: String,
    _demo: Arc<Demo>,
    _running: Running,
    _folder: TempDir,
}

impl DemoApp {
    /// Makes one; nothing has to be installed for it. Its jobs run when a test runs them, or its clock is moved.
    pub fn start() -> DemoApp {
        let folder = TempDir::new().expect("a folder for the demo");
        let demo = Arc::new(demo::prepare(folder.path(), false).expect("a demo"));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let origin = format!("http://localhost:{port}");
        let (url, inside) = (Url::parse(&origin).expect("an address"), Arc::clone(&demo));
        let running =
            Running::start(listener, move || demo_site(&inside, &url).expect("the demo's site"));
        DemoApp { origin, _demo: demo, _running: running, _folder: folder }
    }

    /// Somebody of the cast, signed in by a button of the demo's provider.
    pub fn visit(&self, user: &str) -> Visitor {
        let mut visitor = Visitor::new(&self.origin);
        let page = self.sign_in(&mut visitor, user);
        assert_eq!((page.url.path(), page.status), ("/me", 200), "{user}: {}", page.text);
        visitor
    }

    /// Goes to the provider, presses the button, and goes on.
    pub fn sign_in(&self, visitor: &mut Visitor, user: &str) -> Page {
        let asked = visitor.open("/signin/go?next=%2Fme");
        let mut form = asked.form(&format!("Sign in as {user}"));
        form.action = asked.url.join(&form.action).expect("an address").into();
        let onward = visitor.send(&form);
        visitor.open(&onward.link("Continue to Keyholder"))
    }
}
