//! The relying party against a provider that lies on request.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use openidconnect::PrivateSigningKey;
use openidconnect::core::{CoreEdDsaPrivateSigningKey, CoreJsonWebKeySet, CoreJwsSigningAlgorithm};
use serde_json::{Value, json};
use url::Url;

use super::{Attempt, CallbackQuery, Identity, Oidc, Problem, Settings};
use crate::kernel::time::Fixed;
use crate::kernel::{Clock, Ts};

/// A key pair that is the same at every run.
fn key(seed: u8, name: &str) -> CoreEdDsaPrivateSigningKey {
    let der =
        [&b"\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20"[..], &[seed; 32]]
            .concat();
    let pem = format!(
        "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
        STANDARD.encode(der)
    );
    CoreEdDsaPrivateSigningKey::from_ed25519_pem(
        &pem,
        Some(openidconnect::JsonWebKeyId::new(name.into())),
    )
    .unwrap()
}

/// Makes a truth untrue.
type Change = fn(&mut Value);
/// Recognizes the right problem.
type Right = fn(&Problem) -> bool;

/// What the provider does; the default is what it should do.
struct Manner {
    /// Hangs up instead of answering.
    away: bool,
    /// Promises to keep the connection, and hangs up when it is used again.
    fickle: bool,
    /// Answers the token request with this instead.
    token_answer: Option<(u16, String)>,
    /// Changes the description of itself.
    describe: Change,
    /// Changes the claims.
    claim: Change,
    /// The algorithm in the token's header.
    alg: &'static str,
    /// The key that signs, and its name.
    signer: (u8, &'static str),
    /// The keys that are published.
    published: Vec<(u8, &'static str)>,
    /// What the userinfo page says.
    userinfo: Value,
    nonce: String,
    now: i64,
    /// The paths that were asked for, with the body.
    asked: Vec<String>,
}

struct Liar {
    issuer: String,
    manner: Arc<Mutex<Manner>>,
}

impl Liar {
    fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let manner = Arc::new(Mutex::new(Manner {
            away: false,
            fickle: false,
            token_answer: None,
            describe: |_| (),
            claim: |_| (),
            alg: "EdDSA",
            signer: (1, "one"),
            published: vec![(1, "one")],
            userinfo: Value::Null,
            nonce: String::new(),
            now: 0,
            asked: Vec::new(),
        }));
        let (own, shared) = (issuer.clone(), Arc::clone(&manner));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut reader = BufReader::new(stream.try_clone().unwrap());
                let mut line = String::new();
                reader.read_line(&mut line).unwrap();
                let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
                let mut length = 0;
                loop {
                    let mut header = String::new();
                    reader.read_line(&mut header).unwrap();
                    if header.trim().is_empty() {
                        break;
                    }
                    if let Some(value) = header.to_lowercase().strip_prefix("content-length:") {
                        length = value.trim().parse().unwrap();
                    }
                }
                let mut body = vec![0; length];
                reader.read_exact(&mut body).unwrap();
                let mut manner = shared.lock().unwrap();
                manner.asked.push(format!("{path} {}", String::from_utf8(body).unwrap()));
                if manner.away {
                    continue;
                }
                let (status, body) = answer(&own, &path, &manner);
                let connection = if manner.fickle { "keep-alive" } else { "close" };
                let head = format!(
                    "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: {connection}\r\n\r\n",
                    body.len()
                );
                // Whoever has heard enough may hang up.
                let _ = stream
                    .write_all(head.as_bytes())
                    .and_then(|()| stream.write_all(body.as_bytes()));
                if manner.fickle {
                    std::thread::spawn(move || {
                        let _ = reader.read_line(&mut String::new());
                        drop(stream);
                    });
                }
            }
        });
        Self { issuer, manner }
    }

    fn with(self, change: impl FnOnce(&mut Manner)) -> Self {
        change(&mut self.manner.lock().unwrap());
        self
    }

    fn asked(&self, path: &str) -> usize {
        self.manner.lock().unwrap().asked.iter().filter(|asked| asked.starts_with(path)).count()
    }
}

fn answer(issuer: &str, path: &str, manner: &Manner) -> (u16, String) {
    match path {
        "/.well-known/openid-configuration" => {
            let mut all = json!({
                "issuer": issuer,
                "authorization_endpoint": format!("{issuer}/authorize"),
                "token_endpoint": format!("{issuer}/token"),
                "jwks_uri": format!("{issuer}/jwks"),
                "userinfo_endpoint": format!("{issuer}/userinfo"),
                "response_types_supported": ["code"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["EdDSA", "RS256"],
            });
            (manner.describe)(&mut all);
            (200, all.to_string())
        }
        "/jwks" => {
            let keys =
                manner.published.iter().map(|(seed, name)| key(*seed, name).as_verification_key());
            (200, serde_json::to_string(&CoreJsonWebKeySet::new(keys.collect())).unwrap())
        }
        "/token" => {
            if let Some(answer) = &manner.token_answer {
                return answer.clone();
            }
            let mut claims = json!({
                "iss": issuer, "aud": "portal", "sub": "4711", "nonce": manner.nonce,
                "iat": manner.now, "exp": manner.now + 300,
                "name": "Erika Example", "email": "erika@example.org", "email_verified": true,
                "employee": "e-17",
            });
            (manner.claim)(&mut claims);
            let header = json!({ "alg": manner.alg, "kid": manner.signer.1 });
            let encode = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
            let signed = format!("{}.{}", encode(&header), encode(&claims));
            let signature = key(manner.signer.0, "x")
                .sign(&CoreJwsSigningAlgorithm::EdDsa, signed.as_bytes())
                .unwrap();
            let signature = if manner.alg == "none" {
                String::new()
            } else {
                URL_SAFE_NO_PAD.encode(signature)
            };
            let all = json!({ "access_token": "a", "token_type": "Bearer", "id_token": format!("{signed}.{signature}") });
            (200, all.to_string())
        }
        "/userinfo" => (200, manner.userinfo.to_string()),
        _ => (404, "{}".to_owned()),
    }
}

fn settings(issuer: &str) -> Settings {
    serde_json::from_value(
        json!({ "issuer": issuer, "client_id": "portal", "client_secret": "s3cret" }),
    )
    .unwrap()
}

struct Portal {
    oidc: Oidc,
    clock: Arc<Fixed>,
}

impl Portal {
    fn of(liar: &Liar) -> Self {
        Self::with(settings(&liar.issuer))
    }

    fn naming(liar: &Liar, claim: &str) -> Self {
        Self::with(Settings { person_claim: claim.to_owned(), ..settings(&liar.issuer) })
    }

    fn with(settings: Settings) -> Self {
        let clock = Arc::new(Fixed::at(Ts::from_micros(1_800_000_000_000_000)));
        let redirect = Url::parse("http://127.0.0.1:9/signin/callback").unwrap();
        Self { oidc: Oidc::new(settings, redirect, clock.clone()).unwrap(), clock }
    }

    /// Begins, and tells the provider what it would read from the browser.
    fn begin(&self, liar: &Liar) -> Attempt {
        let (url, attempt) = self.oidc.start().unwrap();
        let nonce = url.query_pairs().find(|(name, _)| name == "nonce").unwrap().1.into_owned();
        let mut manner = liar.manner.lock().unwrap();
        manner.nonce = nonce;
        manner.now = self.clock.now().micros() / 1_000_000;
        attempt
    }

    fn sign_in(&self, liar: &Liar) -> Result<Identity, Problem> {
        let attempt = self.begin(liar);
        self.oidc.finish(&attempt, &query(&attempt))
    }
}

fn query(attempt: &Attempt) -> CallbackQuery {
    CallbackQuery {
        code: Some("c".into()),
        state: Some(attempt.state.clone()),
        ..CallbackQuery::default()
    }
}

#[track_caller]
fn assert_token(result: Result<Identity, Problem>, part: &str) {
    match result {
        Err(Problem::Token(why)) => assert!(why.contains(part), "{why} does not speak of {part}"),
        other => panic!("expected a refused token, not {other:?}"),
    }
}

#[test]
fn an_honest_token_names_the_person() {
    let liar = Liar::new();
    let identity = Portal::of(&liar).sign_in(&liar).unwrap();
    assert_eq!((identity.subject.as_str(), identity.person_key.as_str()), ("4711", "4711"));
    assert_eq!(identity.mail.as_deref(), Some("erika@example.org"));
    assert_eq!(identity.name.as_deref(), Some("Erika Example"));
    assert_eq!(identity.issuer, liar.issuer);
}

#[test]
fn the_address_asks_for_pkce_state_and_nonce() {
    let liar = Liar::new();
    let (url, attempt) = Portal::of(&liar).oidc.start().unwrap();
    let get = |name: &str| {
        url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    };
    assert_eq!(get("code_challenge_method").as_deref(), Some("S256"));
    assert_eq!(get("scope").as_deref(), Some("openid profile email"));
    assert_eq!(get("state").as_ref(), Some(&attempt.state));
    assert_eq!(get("nonce").as_ref(), Some(&attempt.nonce));
    assert_eq!(get("redirect_uri").as_deref(), Some("http://127.0.0.1:9/signin/callback"));
    assert!(!url.as_str().contains(&attempt.verifier));
}

#[test]
fn any_claim_can_name_the_person() {
    let liar = Liar::new();
    assert_eq!(Portal::naming(&liar, "employee").sign_in(&liar).unwrap().person_key, "e-17");
    let liar = liar.with(|manner| manner.claim = |claims| claims["employee"] = json!(17));
    assert_eq!(Portal::naming(&liar, "employee").sign_in(&liar).unwrap().person_key, "17");
}

#[test]
fn a_claim_that_names_nobody_is_missing() {
    for claim in [
        |claims: &mut Value| claims["employee"] = json!(" "),
        |claims: &mut Value| {
            claims["employee"] = json!(["e-17"]);
        },
    ] {
        let liar = Liar::new().with(|manner| {
            manner.claim = claim;
            manner.userinfo = json!({ "sub": "4711" });
        });
        let result = Portal::naming(&liar, "employee").sign_in(&liar);
        assert!(matches!(result, Err(Problem::ClaimMissing(_))), "{result:?}");
    }
}

#[test]
fn mail_counts_only_when_it_is_verified() {
    let liar = Liar::new().with(|manner| {
        manner.claim = |claims| claims["email_verified"] = json!(false);
        manner.userinfo = json!({ "sub": "4711", "email_verified": true });
    });
    assert_eq!(Portal::of(&liar).sign_in(&liar).unwrap().mail, None);
    let result = Portal::naming(&liar, "email").sign_in(&liar);
    assert!(matches!(result, Err(Problem::ClaimMissing(_))), "{result:?}");
}

#[test]
fn userinfo_helps_when_the_token_is_silent() {
    let liar =
        Liar::new().with(|manner| manner.userinfo = json!({ "sub": "4711", "login": "erika" }));
    assert_eq!(Portal::naming(&liar, "login").sign_in(&liar).unwrap().person_key, "erika");
    let liar = liar.with(|manner| manner.userinfo = json!({ "sub": "1", "login": "erika" }));
    assert_token(Portal::naming(&liar, "login").sign_in(&liar), "4711");
}

#[test]
fn tokens_for_others_or_another_time_are_refused() {
    let lies: [(Change, &str); 11] = [
        (|claims| claims["nonce"] = json!("other"), "nonce mismatch"),
        (|claims| drop(claims.as_object_mut().unwrap().remove("nonce")), "missing nonce"),
        (|claims| claims["aud"] = json!("other"), "audiences"),
        (|claims| claims["aud"] = json!(["portal", "other"]), "not a trusted audience"),
        (|claims| drop(claims.as_object_mut().unwrap().remove("aud")), "audiences"),
        (|claims| claims["azp"] = json!("other"), "made for other"),
        (|claims| claims["iss"] = json!("https://evil.example"), "issuer"),
        (|claims| claims["exp"] = claims["iat"].clone(), "expired"),
        (
            |claims| claims["iat"] = json!(claims["iat"].as_i64().unwrap() + 61),
            "61 seconds from now",
        ),
        (|claims| claims["at_hash"] = json!("AAAAAAAAAAAAAAAAAAAAAA"), "at_hash"),
        (|claims| drop(claims.as_object_mut().unwrap().remove("sub")), "sub"),
    ];
    for (claim, part) in lies {
        let liar = Liar::new().with(|manner| manner.claim = claim);
        assert_token(Portal::of(&liar).sign_in(&liar), part);
    }
}

#[test]
fn signatures_that_others_could_make_are_refused() {
    let liar = Liar::new().with(|manner| manner.signer = (2, "one"));
    assert_token(Portal::of(&liar).sign_in(&liar), "Signature verification failed");
    for (alg, part) in [("none", "No signature"), ("HS256", "HS256"), ("XX", "parse")] {
        let liar = Liar::new().with(|manner| manner.alg = alg);
        assert_token(Portal::of(&liar).sign_in(&liar), part);
    }
}

#[test]
fn a_state_of_another_attempt_is_stale_and_costs_no_request() {
    let liar = Liar::new();
    let portal = Portal::of(&liar);
    let (first, second) = (portal.begin(&liar), portal.begin(&liar));
    let before = liar.manner.lock().unwrap().asked.len();
    for state in [None, Some(String::new()), Some(second.state)] {
        let result = portal.oidc.finish(&first, &CallbackQuery { state, ..query(&first) });
        assert!(matches!(result, Err(Problem::Stale(_))), "{result:?}");
    }
    assert_eq!(liar.manner.lock().unwrap().asked.len(), before);
}

#[test]
fn an_attempt_ends_after_half_an_hour() {
    let liar = Liar::new();
    let portal = Portal::of(&liar);
    let attempt = portal.begin(&liar);
    portal.clock.advance(super::ATTEMPT + 1);
    let result = portal.oidc.finish(&attempt, &query(&attempt));
    assert!(matches!(result, Err(Problem::Stale(_))), "{result:?}");
}

#[test]
fn an_answer_from_another_issuer_is_refused() {
    let liar = Liar::new();
    let portal = Portal::of(&liar);
    let attempt = portal.begin(&liar);
    let iss = |iss: &str| CallbackQuery { iss: Some(iss.to_owned()), ..query(&attempt) };
    assert_token(portal.oidc.finish(&attempt, &iss("https://evil.example")), "evil.example");
    portal.oidc.finish(&attempt, &iss(&liar.issuer)).unwrap();

    let liar = liar.with(|manner| {
        manner.describe = |all| all["authorization_response_iss_parameter_supported"] = json!(true);
    });
    assert_token(Portal::of(&liar).sign_in(&liar), "does not say who");
}

#[test]
fn a_refusal_is_told_from_a_fault() {
    let liar = Liar::new();
    let portal = Portal::of(&liar);
    let attempt = portal.begin(&liar);
    let said = |error: &str| {
        let words = Some("user\nsaid no".to_owned());
        let query = CallbackQuery {
            code: None,
            error: Some(error.to_owned()),
            error_description: words,
            ..query(&attempt)
        };
        portal.oidc.finish(&attempt, &query).unwrap_err()
    };
    let refused = said("access_denied");
    assert!(matches!(refused, Problem::Refused(_)));
    assert_eq!(refused.detail(), "access_denied: user said no");
    assert!(!refused.to_string().contains("access_denied"));
    assert!(matches!(said("temporarily_unavailable"), Problem::Down(_)));
    assert!(matches!(said("invalid_scope"), Problem::Settings(_)));
}

#[test]
fn the_exchange_fails_in_ways_that_differ() {
    let answers: [(u16, &str, Right); 5] = [
        (400, r#"{"error":"invalid_grant"}"#, |it| matches!(it, Problem::Stale(_))),
        (401, r#"{"error":"invalid_client"}"#, |it| matches!(it, Problem::Settings(_))),
        (500, "oops", |it| matches!(it, Problem::Down(_))),
        (200, "<html>", |it| matches!(it, Problem::Token(_))),
        (200, r#"{"access_token":"a","token_type":"Bearer"}"#, |it| {
            matches!(it, Problem::Token(_))
        }),
    ];
    for (status, body, expected) in answers {
        let liar = Liar::new().with(|manner| manner.token_answer = Some((status, body.to_owned())));
        let problem = Portal::of(&liar).sign_in(&liar).unwrap_err();
        assert!(expected(&problem), "{status} {body}: {problem:?}");
    }
}

#[test]
fn a_provider_that_was_down_is_found_again() {
    let liar = Liar::new().with(|manner| manner.away = true);
    let portal = Portal::of(&liar);
    let problem = portal.oidc.start().err().unwrap();
    assert!(matches!(problem, Problem::Down(_)), "{problem:?}");
    assert!(problem.to_string().contains("try again"));
    let liar = liar.with(|manner| manner.away = false);
    portal.sign_in(&liar).unwrap();
}

#[test]
fn nobody_can_sign_in_right_now_was_said_when_the_provider_dropped_an_idle_connection() {
    let liar = Liar::new().with(|manner| manner.fickle = true);
    let portal = Portal::of(&liar);
    for _ in 0..3 {
        portal.sign_in(&liar).unwrap();
    }
}

#[test]
fn an_unlike_description_is_refused() {
    let lies: [Change; 5] = [
        |all| all["issuer"] = json!("https://evil.example"),
        |all| all["authorization_endpoint"] = json!("http://evil.example/"),
        |all| all["jwks_uri"] = json!("http://evil.example/jwks"),
        |all| drop(all.as_object_mut().unwrap().remove("token_endpoint")),
        |all| all["padding"] = json!("x".repeat(2 * 1024 * 1024)),
    ];
    for describe in lies {
        let liar = Liar::new().with(|manner| manner.describe = describe);
        let problem = Portal::of(&liar).oidc.start().err().unwrap();
        assert!(matches!(problem, Problem::Discovery(_)), "{problem:?}");
    }
}

#[test]
fn the_secret_never_travels_unencrypted() {
    let liar = Liar::new().with(|manner| {
        manner.describe = |all| all["token_endpoint"] = json!("http://evil.example/token");
    });
    let result = Portal::of(&liar).sign_in(&liar);
    assert!(matches!(result, Err(Problem::Discovery(_))), "{result:?}");
}

#[test]
fn a_new_key_is_fetched_but_not_more_than_once_a_minute() {
    let liar = Liar::new();
    let portal = Portal::of(&liar);
    portal.sign_in(&liar).unwrap();
    let liar = liar.with(|manner| {
        manner.signer = (2, "two");
        manner.published = vec![(2, "two")];
    });
    assert_token(portal.sign_in(&liar), "less than a minute");
    assert_eq!(liar.asked("/jwks"), 1);
    portal.clock.advance(60);
    portal.sign_in(&liar).unwrap();
    assert_eq!(liar.asked("/jwks"), 2);
}

#[test]
fn a_key_that_nobody_published_stays_unknown() {
    let liar = Liar::new();
    let portal = Portal::of(&liar);
    portal.sign_in(&liar).unwrap();
    portal.clock.advance(60);
    let liar = liar.with(|manner| manner.signer = (2, "two"));
    assert_token(portal.sign_in(&liar), "No matching key");
    assert_eq!(liar.asked("/jwks"), 2);
}

#[test]
fn the_description_is_fetched_again_after_an_hour() {
    let liar = Liar::new();
    let portal = Portal::of(&liar);
    portal.oidc.start().unwrap();
    portal.clock.advance(3599);
    portal.oidc.start().unwrap();
    assert_eq!(liar.asked("/.well-known"), 1);
    portal.clock.advance(1);
    portal.oidc.start().unwrap();
    assert_eq!(liar.asked("/.well-known"), 2);
}

#[test]
fn the_secret_goes_where_the_provider_takes_it() {
    let liar = Liar::new().with(|manner| {
        manner.describe =
            |all| all["token_endpoint_auth_methods_supported"] = json!(["client_secret_post"]);
    });
    Portal::of(&liar).sign_in(&liar).unwrap();
    assert!(
        liar.manner
            .lock()
            .unwrap()
            .asked
            .iter()
            .any(|asked| asked.contains("client_secret=s3cret"))
    );
    let liar = Liar::new();
    Portal::of(&liar).sign_in(&liar).unwrap();
    assert!(!liar.manner.lock().unwrap().asked.iter().any(|asked| asked.contains("s3cret")));
}

#[test]
fn signing_out_at_the_provider_is_optional() {
    let back = Url::parse("http://127.0.0.1:9/bye").unwrap();
    let liar = Liar::new();
    assert_eq!(Portal::of(&liar).oidc.end_session("x", &back), None);
    let liar = liar.with(|manner| {
        manner.describe = |all| all["end_session_endpoint"] = json!("https://op.example/end?a=b");
    });
    let url = Portal::of(&liar).oidc.end_session("x", &back).unwrap();
    assert!(url.as_str().starts_with("https://op.example/end?a=b&client_id=portal&"), "{url}");
}

#[test]
fn settings_that_cannot_work_are_refused_at_once() {
    let new = |settings| {
        let clock = Arc::new(Fixed::at(Ts::from_micros(0)));
        Oidc::new(settings, Url::parse("http://127.0.0.1:9/cb").unwrap(), clock).err()
    };
    let file = tempfile::NamedTempFile::new().unwrap();
    let bad = [
        settings("http://op.example"),
        settings("ftp://127.0.0.1"),
        settings("no url"),
        Settings { client_id: String::new(), ..settings("https://op.example") },
        Settings { ca: Some("/does/not/exist.pem".into()), ..settings("https://op.example") },
        Settings { ca: Some(file.path().to_owned()), ..settings("https://op.example") },
    ];
    for settings in bad {
        let problem = new(settings);
        assert!(matches!(problem, Some(Problem::Settings(_))), "{problem:?}");
    }
    assert!(new(settings("https://op.example/realm")).is_none());
    assert!(new(settings("http://localhost:8080")).is_none());
    let typo = json!({ "issuer": "https://op.example", "client_id": "p", "client_secrets": "s" });
    assert!(serde_json::from_value::<Settings>(typo).is_err());
    assert!(!format!("{:?}", settings("https://op.example")).contains("s3cret"));
}

#[tokio::test]
async fn the_client_can_be_made_inside_a_runtime() {
    let liar = Liar::new();
    let oidc = Portal::of(&liar).oidc;
    tokio::task::spawn_blocking(move || oidc.start().map(|_| ())).await.unwrap().unwrap();
}
