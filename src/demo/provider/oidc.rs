//! Keyholder's own relying party against the demo's provider, with a browser that has no scripts.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use openidconnect::reqwest::blocking::{Client, Response};
use openidconnect::reqwest::redirect::Policy;
use scraper::{Html, Selector};
use serde_json::json;
use sha2::{Digest, Sha256};
use url::Url;

use super::{Cast, start_at};
use crate::kernel::time::Fixed;
use crate::kernel::{Secret, Ts};
use crate::signin::oidc::{Attempt, CallbackQuery, Identity, Oidc, Problem, Settings};

const CALLBACK: &str = "http://127.0.0.1:9/signin/callback";
const BYE: &str = "http://127.0.0.1:9/bye";

struct World {
    issuer: String,
    secret: String,
    clock: Arc<Fixed>,
    oidc: Oidc,
    browser: Client,
}

/// A provider that runs in a thread of its own for as long as the tests do.
fn world() -> World {
    let clock = Arc::new(Fixed::at(Ts::from_micros(1_800_000_000_000_000)));
    let (tell, told) = std::sync::mpsc::channel();
    let theirs = clock.clone();
    std::thread::spawn(move || {
        actix_web::rt::System::new().block_on(async {
            let cast = [
                ("erika", "Erika <b>Example", "asks for access"),
                ("max", "Max Muster", "decides"),
            ];
            let cast = cast.map(|(user_name, name, role)| Cast {
                user_name: user_name.into(),
                name: name.into(),
                role: role.into(),
                mail: format!("{user_name}@example.org"),
            });
            let running = start_at(cast.to_vec(), CALLBACK.into(), BYE.into(), theirs).unwrap();
            tell.send((running.issuer, running.client_id, running.client_secret)).unwrap();
            running.server.await.unwrap();
        });
    });
    let (issuer, client_id, secret) = told.recv().unwrap();
    let settings = Settings {
        client_secret: Some(Secret::new(secret.clone())),
        person_claim: "preferred_username".into(),
        ..serde_json::from_value(json!({ "issuer": issuer, "client_id": client_id })).unwrap()
    };
    let oidc = Oidc::new(settings, Url::parse(CALLBACK).unwrap(), clock.clone()).unwrap();
    let browser = Client::builder().redirect(Policy::none()).no_proxy().build().unwrap();
    World { issuer, secret, clock, oidc, browser }
}

impl World {
    /// Presses a button of the page and follows the page that comes; gives what Keyholder receives.
    fn press(&self, page: &str, person: &str) -> CallbackQuery {
        let page = Html::parse_document(page);
        let fields = Selector::parse("input[type=hidden]").unwrap();
        let mut form: Vec<(String, String)> = page
            .select(&fields)
            .map(|it| (it.attr("name").unwrap().into(), it.attr("value").unwrap().into()))
            .collect();
        form.push(("person".into(), person.into()));
        let answer =
            self.browser.post(format!("{}/choose", self.issuer)).form(&form).send().unwrap();
        assert_eq!(answer.status(), 200, "a POST must not redirect to another origin");
        let answer = Html::parse_document(&answer.text().unwrap());
        let link = answer.select(&Selector::parse("main a").unwrap()).next().unwrap();
        assert_eq!(link.text().collect::<String>(), "Continue to Keyholder");
        let link = link.attr("href").unwrap();
        let refresh =
            answer.select(&Selector::parse("meta[http-equiv=refresh]").unwrap()).next().unwrap();
        assert_eq!(refresh.attr("content").unwrap(), format!("0; url={link}"));
        assert!(link.starts_with(CALLBACK));
        query(&Url::parse(link).unwrap())
    }

    fn ask(&self) -> (String, Attempt) {
        let (url, attempt) = self.oidc.start().unwrap();
        (self.get(url.as_str()).text().unwrap(), attempt)
    }

    fn get(&self, url: &str) -> Response {
        self.browser.get(url).send().unwrap()
    }

    fn sign_in(&self, person: &str) -> Result<Identity, Problem> {
        let (page, attempt) = self.ask();
        self.oidc.finish(&attempt, &self.press(&page, person))
    }

    /// The bare exchange, with one field changed.
    fn exchange(&self, code: &str, change: (&str, &str)) -> String {
        let mut form = vec![
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", CALLBACK),
            ("code_verifier", "v"),
            ("client_id", super::CLIENT),
            ("client_secret", &self.secret),
        ];
        for field in &mut form {
            if field.0 == change.0 {
                field.1 = change.1;
            }
        }
        self.browser
            .post(format!("{}/token", self.issuer))
            .form(&form)
            .send()
            .unwrap()
            .text()
            .unwrap()
    }
}

fn query(url: &Url) -> CallbackQuery {
    serde_urlencoded::from_str(url.query().unwrap()).unwrap()
}

#[test]
fn everybody_of_the_cast_can_sign_in() {
    let world = world();
    let identity = world.sign_in("erika").unwrap();
    assert_eq!((identity.subject.as_str(), identity.person_key.as_str()), ("erika", "erika"));
    assert_eq!(identity.mail.as_deref(), Some("erika@example.org"));
    assert_eq!(identity.name.as_deref(), Some("Erika <b>Example"));
    assert_eq!(identity.issuer, world.issuer);
    assert_eq!(world.sign_in("max").unwrap().subject, "max");
}

#[test]
fn the_page_says_who_one_can_be_and_needs_nothing_inline() {
    let world = world();
    let (url, _) = world.oidc.start().unwrap();
    let answer = world.get(url.as_str());
    let policy = answer.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"));
    assert_eq!(answer.headers()["cache-control"], "no-store");
    assert!(!answer.headers().contains_key("set-cookie"));
    let page = answer.text().unwrap();
    assert!(!page.contains("<b>") && !page.contains("style=") && !page.contains("<script"));
    let page = Html::parse_document(&page);
    let all = |selector: &str| -> Vec<String> {
        page.select(&Selector::parse(selector).unwrap()).map(|it| it.text().collect()).collect()
    };
    assert_eq!(all("h1"), ["Who do you want to be?"]);
    assert_eq!(all(".cast button"), ["Sign in as erika", "Sign in as max"]);
    assert_eq!(all("#role-1"), ["Erika <b>Example: asks for access"]);
    let css = world.get(&format!("{}/provider.css", world.issuer));
    assert!(css.headers()["content-type"].to_str().unwrap().starts_with("text/css"));
}

#[test]
fn going_back_without_a_choice_is_a_refusal() {
    let result = world().sign_in("");
    assert!(matches!(result, Err(Problem::Refused(_))), "{result:?}");
}

#[test]
fn nobody_else_can_be_chosen() {
    let world = world();
    let form = [("person", "eve"), ("state", "s"), ("nonce", "n"), ("code_challenge", "c")];
    let answer = world.browser.post(format!("{}/choose", world.issuer)).form(&form).send().unwrap();
    assert_eq!(answer.status(), 400);
    assert!(!answer.text().unwrap().contains("code="));
}

#[test]
fn a_code_is_good_once_and_for_a_minute() {
    let world = world();
    let (page, attempt) = world.ask();
    let query = world.press(&page, "max");
    world.oidc.finish(&attempt, &query).unwrap();
    let again = world.oidc.finish(&attempt, &query);
    assert!(matches!(again, Err(Problem::Stale(_))), "{again:?}");

    let (page, attempt) = world.ask();
    let query = world.press(&page, "max");
    world.clock.advance(60);
    let late = world.oidc.finish(&attempt, &query);
    assert!(matches!(late, Err(Problem::Stale(_))), "{late:?}");
}

#[test]
fn a_stolen_code_is_worth_nothing() {
    let world = world();
    for (change, error) in [
        (("code_verifier", "w"), "invalid_grant"),
        (("redirect_uri", "http://127.0.0.1:9/other"), "invalid_grant"),
        (("client_secret", "guess"), "invalid_client"),
        (("client_id", "other"), "invalid_client"),
        (("grant_type", "password"), "unsupported_grant_type"),
        (("code", "guess"), "invalid_grant"),
        (("", ""), "id_token"),
    ] {
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest("v"));
        let form =
            [("person", "max"), ("state", "s"), ("nonce", "n"), ("code_challenge", &challenge)];
        let page =
            world.browser.post(format!("{}/choose", world.issuer)).form(&form).send().unwrap();
        let page = Html::parse_document(&page.text().unwrap());
        let link =
            page.select(&Selector::parse("main a").unwrap()).next().unwrap().attr("href").unwrap();
        let code = query(&Url::parse(link).unwrap()).code.unwrap();
        let answer = world.exchange(&code, change);
        assert!(answer.contains(error), "{change:?}: {answer}");
    }
}

#[test]
fn codes_go_to_keyholder_only_and_need_pkce() {
    let world = world();
    let (good, _) = world.oidc.start().unwrap();
    let with = |name: &str, value: &str| {
        let mut url = good.clone();
        let pairs: Vec<_> = good.query_pairs().into_owned().filter(|pair| pair.0 != name).collect();
        url.query_pairs_mut().clear().extend_pairs(pairs).append_pair(name, value);
        world.get(url.as_str())
    };
    for (name, value) in
        [("client_id", "other"), ("redirect_uri", "http://evil.example/"), ("redirect_uri", "")]
    {
        let answer = with(name, value);
        assert_eq!(answer.status(), 400);
        assert!(!answer.headers().contains_key("location"));
    }
    for (name, value) in [
        ("code_challenge", ""),
        ("code_challenge_method", "plain"),
        ("response_type", "token"),
        ("scope", "profile"),
    ] {
        let answer = with(name, value);
        assert_eq!(answer.status(), 303, "{name}");
        let back = Url::parse(answer.headers()["location"].to_str().unwrap()).unwrap();
        assert!(back.as_str().starts_with(CALLBACK) && query(&back).error.is_some(), "{back}");
    }
}

#[test]
fn signing_out_leads_back_to_keyholder_and_nowhere_else() {
    let world = world();
    let identity = world.sign_in("erika").unwrap();
    world.clock.advance(86_400);
    let leave = world.oidc.end_session(&identity.id_token, &Url::parse(BYE).unwrap()).unwrap();
    let answer = world.get(leave.as_str());
    assert_eq!(
        (answer.status().as_u16(), answer.headers()["location"].to_str().unwrap()),
        (303, BYE)
    );

    let evil = Url::parse("http://evil.example/").unwrap();
    let leave = world.oidc.end_session(&identity.id_token, &evil).unwrap();
    assert_eq!(world.get(leave.as_str()).status(), 400);

    let forged = format!("{}A", &identity.id_token[..identity.id_token.len() - 2]);
    let leave = world.oidc.end_session(&forged, &Url::parse(BYE).unwrap()).unwrap();
    let answer = world.get(leave.as_str());
    assert_eq!(answer.status(), 200, "without a token of ours there is a link, not a redirect");
    assert!(answer.text().unwrap().contains(BYE));
}

#[test]
fn another_host_name_is_turned_away() {
    let world = world();
    for host in ["localhost", "evil.example", ""] {
        let answer = world
            .browser
            .get(format!("{}/jwks", world.issuer))
            .header("host", host)
            .send()
            .unwrap();
        assert!(answer.status().is_client_error(), "{host}: {}", answer.status());
    }
}

#[test]
fn the_provider_is_ready_in_no_time() {
    let begun = std::time::Instant::now();
    super::fresh_key().unwrap();
    assert!(begun.elapsed().as_millis() < 100, "{:?}", begun.elapsed());
}
