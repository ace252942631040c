use std::collections::HashMap;

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};
use openidconnect::core::{CoreIdToken, CoreIdTokenVerifier, CoreJsonWebKeySet};
use openidconnect::reqwest::blocking::{Client, Response};
use openidconnect::reqwest::redirect::Policy;
use openidconnect::{ClientId, ClientSecret, IssuerUrl, Nonce};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use url::Url;

use super::panics;
use crate::support::browser::Browser;
use crate::support::provider::{CLIENT_ID, CLIENT_SECRET, Provider};

const BACK: &str = "http://127.0.0.1:9/back";
const BYE: &str = "http://127.0.0.1:9/bye";
const VERIFIER: &str = "a-verifier-that-is-long-enough-for-the-standard-1234";

/// A person with a browser without a screen: keeps cookies, follows to the provider, and stops outside of it.
struct Visitor<'a> {
    provider: &'a Provider,
    http: Client,
    cookies: HashMap<String, String>,
}

impl<'a> Visitor<'a> {
    fn new(provider: &'a Provider) -> Visitor<'a> {
        provider.let_back_to(BACK, BYE);
        let http = Client::builder().no_proxy().redirect(Policy::none()).build().unwrap();
        Visitor { provider, http, cookies: HashMap::new() }
    }

    fn discovery(&self) -> Value {
        let url = format!("{}/.well-known/openid-configuration", self.provider.issuer);
        serde_json::from_str(&self.http.get(url).send().unwrap().text().unwrap()).unwrap()
    }

    fn published(&self) -> Response {
        self.http.get(self.discovery()["jwks_uri"].as_str().unwrap()).send().unwrap()
    }

    fn send(&mut self, url: &Url, form: Option<&str>) -> Response {
        let cookies: Vec<String> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let request = match form {
            Some(form) => self.http.post(url.clone()).body(form.to_owned()),
            None => self.http.get(url.clone()),
        };
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let answer = request.header("cookie", cookies.join("; ")).send().unwrap();
        for line in answer.headers().get_all("set-cookie") {
            let (name, value) =
                line.to_str().unwrap().split(';').next().unwrap().split_once('=').unwrap();
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
        answer
    }

    /// Follows until a page of the provider, or an address outside of it.
    fn follow(&mut self, from: &str, form: Option<&str>) -> (Url, u16) {
        let (mut url, mut form) = (Url::parse(from).unwrap(), form);
        loop {
            let answer = self.send(&url, form.take());
            let status = answer.status().as_u16();
            let Some(next) = answer.headers().get("location") else { return (url, status) };
            url = url.join(next.to_str().unwrap()).unwrap();
            if !url.as_str().starts_with(&self.provider.issuer) {
                return (url, status);
            }
        }
    }

    fn authorization(&self) -> String {
        let challenge = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(VERIFIER));
        let asked = [
            ("client_id", CLIENT_ID),
            ("response_type", "code"),
            ("scope", "openid profile email"),
            ("redirect_uri", BACK),
            ("nonce", "n1"),
            ("state", "s1"),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ];
        format!("{}?{}", self.discovery()["authorization_endpoint"].as_str().unwrap(), form(&asked))
    }

    /// Signs in, and answers what the token endpoint said.
    fn sign_in(&mut self, user: &str, password: &str) -> (u16, String) {
        let (url, _) = self.follow(&self.authorization(), None);
        let (url, status) = match url.as_str().starts_with(BACK) {
            true => (url, 303),
            false => {
                self.follow(url.as_str(), Some(&form(&[("user", user), ("password", password)])))
            }
        };
        let Some((_, code)) = url.query_pairs().find(|(name, _)| name == "code") else {
            return (status, String::new());
        };
        let said = [
            ("grant_type", "authorization_code"),
            ("code", &code),
            ("redirect_uri", BACK),
            ("code_verifier", VERIFIER),
        ];
        let token = self.http.post(self.discovery()["token_endpoint"].as_str().unwrap());
        let token =
            token.basic_auth(CLIENT_ID, Some(form(&[("", CLIENT_SECRET)]).trim_start_matches('=')));
        let token =
            token.header("content-type", "application/x-www-form-urlencoded").body(form(&said));
        let answer = token.send().unwrap();
        (answer.status().as_u16(), answer.text().unwrap())
    }
}

fn form(pairs: &[(&str, &str)]) -> String {
    serde_urlencoded::to_string(pairs).unwrap()
}

fn ada() -> Value {
    json!({ "id": "ada", "password": "ada's", "name": "Ada", "email": "ada@example.test", "email_verified": true })
}

/// The header and the claims of the ID token in an answer.
fn id_token(answer: &str) -> Option<(Value, Value)> {
    let answer: Value = serde_json::from_str(answer).ok()?;
    let token = answer["id_token"].as_str()?;
    let part = |nth| {
        serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(token.split('.').nth(nth)?).ok()?)
            .ok()
    };
    Some((part(0)?, part(1)?))
}

#[test]
fn a_person_signs_in_and_the_claims_are_in_the_token() {
    let Some(provider) = Provider::start(&[ada()]) else { return };
    let mut visitor = Visitor::new(&provider);
    assert_eq!(visitor.sign_in("ada", "wrong").0, 401);
    let (_, answer) = visitor.sign_in("ada", "ada's");
    let (_, claims) = id_token(&answer).expect(&answer);
    assert_eq!(
        (&claims["sub"], &claims["nonce"], &claims["aud"]),
        (&json!("ada"), &json!("n1"), &json!(CLIENT_ID))
    );
    assert_eq!(
        (&claims["email"], &claims["email_verified"]),
        (&json!("ada@example.test"), &json!(true))
    );
}

/// What a client that follows the standard says to the ID token in an answer.
fn verify(visitor: &Visitor, answer: &str) -> Result<String, String> {
    let answer: Value = serde_json::from_str(answer).map_err(|error| error.to_string())?;
    let token: CoreIdToken =
        serde_json::from_value(answer["id_token"].clone()).map_err(|error| error.to_string())?;
    let keys = visitor.published().text().unwrap();
    let keys: CoreJsonWebKeySet = serde_json::from_str(&keys).unwrap();
    let (client, secret) =
        (ClientId::new(CLIENT_ID.to_owned()), ClientSecret::new(CLIENT_SECRET.to_owned()));
    let issuer = IssuerUrl::new(visitor.provider.issuer.clone()).unwrap();
    let verifier = CoreIdTokenVerifier::new_confidential_client(client, secret, issuer, keys);
    let claims = token
        .claims(&verifier, &Nonce::new("n1".to_owned()))
        .map_err(|error| format!("{error}: {error:?}"))?;
    Ok(claims.subject().to_string())
}

#[test]
fn every_fault_of_the_token_endpoint_is_what_its_name_says() {
    let Some(provider) = Provider::start(&[ada()]) else { return };
    let mut visitor = Visitor::new(&provider);
    let mut verdict = |fault: Option<&str>| {
        fault.map_or_else(|| provider.clear_fault(), |fault| provider.set_fault(fault));
        let (_, answer) = visitor.sign_in("ada", "ada's");
        verify(&visitor, &answer)
    };
    for (fault, reason) in [
        ("expired", "expired"),
        ("wrong_nonce", "nonce"),
        ("no_nonce", "nonce"),
        ("wrong_aud", "audience"),
        ("wrong_iss", "issuer"),
        ("bad_sig", "signature"),
        ("alg_none", "NoSignature"),
        ("no_sub", "sub"),
        ("no_id_token", "null"),
        ("garbage", "expected value"),
        ("http500", "null"),
    ] {
        let error = verdict(Some(fault)).expect_err(fault);
        assert!(error.contains(reason), "{fault}: {error}");
    }
    assert_eq!(verdict(Some("other_sub")).unwrap(), "somebody-else");
    assert_eq!(verdict(None).unwrap(), "ada");
}

#[test]
fn keys_change_and_sessions_stay() {
    let Some(provider) = Provider::start(&[ada()]) else { return };
    let mut visitor = Visitor::new(&provider);
    let kid = |answer: &str| id_token(answer).expect(answer).0["kid"].clone();
    let first = kid(&visitor.sign_in("ada", "ada's").1);
    provider.rotate(true);
    let second = kid(&visitor.sign_in("nobody is asked", "again").1);
    let keys = visitor.published().text().unwrap();
    assert_ne!(first, second);
    assert!(
        keys.contains(first.as_str().unwrap()) && keys.contains(second.as_str().unwrap()),
        "{keys}"
    );
    provider.rotate(false);
    assert!(!visitor.published().text().unwrap().contains(second.as_str().unwrap()));
    provider.set_fault("jwks_empty");
    assert_eq!(visitor.published().text().unwrap(), r#"{"keys":[]}"#);
    provider.set_fault("jwks_http500");
    assert_eq!(visitor.published().status(), 500);
}

#[test]
fn a_sign_out_with_the_id_token_asks_nothing_and_ends_the_session() {
    let Some(provider) = Provider::start(&[ada()]) else { return };
    let mut visitor = Visitor::new(&provider);
    let (_, answer) = visitor.sign_in("ada", "ada's");
    let answer: Value = serde_json::from_str(&answer).unwrap();
    let hint = answer["id_token"].as_str().unwrap();
    let asked =
        form(&[("id_token_hint", hint), ("post_logout_redirect_uri", BYE), ("state", "s2")]);
    let end = visitor.discovery()["end_session_endpoint"].as_str().unwrap().to_owned();
    let (url, _) = visitor.follow(&format!("{end}?{asked}"), None);
    assert_eq!(url.as_str(), format!("{BYE}?state=s2"));
    assert_eq!(visitor.sign_in("ada", "wrong").0, 401, "the session is still there");
}

#[test]
fn a_provider_that_was_down_comes_back_with_its_keys() {
    let Some(provider) = Provider::start(&[ada()]) else { return };
    let visitor = Visitor::new(&provider);
    let before = visitor.discovery();
    provider.stop();
    assert!(visitor.http.get(&provider.issuer).send().is_err());
    provider.start_again();
    assert_eq!(visitor.discovery(), before);
    provider.set_fault("discovery_wrong_issuer");
    assert_ne!(visitor.discovery()["issuer"], provider.issuer);
}

#[test]
fn people_change_at_the_provider() {
    let Some(provider) = Provider::start(&[ada()]) else { return };
    provider.set_user(&json!({ "id": "ada", "email": "lovelace@example.test" }));
    provider.set_user(&json!({ "id": "ben", "password": "ben's", "gone": true }));
    let (_, answer) = Visitor::new(&provider).sign_in("ada", "ada's");
    assert_eq!(id_token(&answer).expect(&answer).1["email"], "lovelace@example.test");
}

#[test]
fn a_fault_that_does_not_exist_is_refused() {
    let Some(provider) = Provider::start(&[]) else { return };
    assert!(panics(|| provider.set_fault("wrong_nonsense")).contains("no such fault"));
}

#[test]
fn the_sign_in_page_works_without_javascript_and_is_accessible() {
    let Some(provider) = Provider::start(&[ada()]) else { return };
    let authorization = Visitor::new(&provider).authorization();
    let (Some(plain), Some(scripted)) = (Browser::open(false), Browser::open(true)) else { return };
    scripted.goto(&authorization);
    scripted.axe_clean();
    plain.goto(&authorization);
    plain.fill("User", "ada");
    plain.fill("Password", "wrong");
    plain.click("button", "Sign in");
    plain.see("Wrong user or password.");
    assert_eq!(plain.status(), Some(401));
}
