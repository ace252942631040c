//! A real OpenID provider, which misbehaves on demand.

use openidconnect::reqwest::blocking::Client;
use serde_json::{Value, json};

use super::node::Node;

/// The client that is registered for Keyholder.
pub const CLIENT_ID: &str = "keyholder";
/// The secret of [`CLIENT_ID`].
pub const CLIENT_SECRET: &str = "a secret only for tests";

/// A running provider; gone when this is dropped.
pub struct Provider {
    /// As Keyholder's settings name it.
    pub issuer: String,
    control: String,
    http: Client,
    _node: Node,
}

impl Provider {
    /// Starts one that knows these people: `{"id", "password", "name", "email", "email_verified"}` and any claim.
    pub fn start(users: &[Value]) -> Option<Provider> {
        let client = json!({
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
            "redirect_uris": ["http://127.0.0.1/not-known-yet"],
        });
        let settings = json!({ "users": users, "clients": [client] }).to_string();
        let mut node = Node::start("provider.mjs", &[&settings])?;
        let first = node
            .output
            .as_mut()
            .and_then(Iterator::next)
            .expect("the provider starts")
            .expect("its first line");
        let said: Value = serde_json::from_str(&first).expect("JSON");
        let text = |name: &str| said[name].as_str().expect("an address").to_owned();
        // A connection of its own for each question: Node closes idle ones without a word.
        let http = Client::builder().no_proxy().pool_max_idle_per_host(0).build();
        let http = http.expect("an HTTP client");
        Some(Provider { issuer: text("issuer"), control: text("control"), http, _node: node })
    }

    /// Says where Keyholder takes people back, after the sign-in and after the sign-out.
    pub fn let_back_to(&self, signed_in: &str, signed_out: &str) {
        let client = json!({
            "client_id": CLIENT_ID,
            "redirect_uris": [signed_in],
            "post_logout_redirect_uris": [signed_out],
        });
        self.tell("/client", &client);
    }

    /// Does it wrong from now on; the names are at the top of `provider.mjs`.
    pub fn set_fault(&self, name: &str) {
        self.tell("/fault", &json!({ "name": name }));
    }

    /// Does it right again.
    pub fn clear_fault(&self) {
        self.tell("/fault", &json!({ "name": null }));
    }

    /// Signs with a new key from now on; the old one stays published, or does not.
    pub fn rotate(&self, keep: bool) {
        self.tell("/rotate", &json!({ "keep": keep }));
    }

    /// Adds somebody, or changes the claims of somebody it knows.
    pub fn set_user(&self, user: &Value) {
        self.tell("/user", user);
    }

    /// Closes its port, as if it were down; it forgets nothing.
    pub fn stop(&self) {
        self.tell("/listen", &json!({ "on": false }));
    }

    /// Opens the same port again.
    pub fn start_again(&self) {
        self.tell("/listen", &json!({ "on": true }));
    }

    fn tell(&self, what: &str, how: &Value) {
        let body = how.to_string();
        let answer = self
            .http
            .post(format!("{}{what}", self.control))
            .body(body)
            .send()
            .expect("the provider's control");
        assert!(
            answer.status().is_success(),
            "{what} {how}: {}",
            answer.text().unwrap_or_default()
        );
    }
}
