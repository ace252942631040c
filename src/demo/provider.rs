//! The demo's OpenID provider: it speaks the same protocol as any other, but instead of asking for a
//! password it asks who you want to be. It runs on a port of its own, on this machine only, keeps no
//! cookies and no sessions, and makes a new key at every start.

use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, PoisonError};

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{Server, ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderMap, LOCATION, WWW_AUTHENTICATE};
use actix_web::middleware::{DefaultHeaders, Next, from_fn};
use actix_web::web::{self, Data, Form, Query};
use actix_web::{App, Error, HttpResponse, HttpServer};
use askama::Template;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use openidconnect::core::{
    CoreEdDsaPrivateSigningKey, CoreGenderClaim, CoreIdToken, CoreIdTokenClaims,
    CoreIdTokenVerifier, CoreJsonWebKeySet, CoreJwsSigningAlgorithm,
};
use openidconnect::{
    AccessToken, Audience, ClientId, EmptyAdditionalClaims, EndUserEmail, EndUserName,
    EndUserUsername, IssuerUrl, JsonWebKeyId, Nonce, PrivateSigningKey, StandardClaims,
    SubjectIdentifier,
};
use serde::Deserialize;
use serde_json::json;
use sha2::{Digest, Sha256};
use url::Url;

use crate::kernel::time::System;
use crate::kernel::{Clock, Ts};

/// What the demo's Keyholder is called here.
const CLIENT: &str = "keyholder-demo";
/// The name of the one signing key.
const KEY: &str = "demo";
/// Seconds in which a code must be exchanged.
const CODE_LIFE: i64 = 60;
/// Seconds for which a token is good.
const TOKEN_LIFE: i64 = 300;
/// Codes that may wait to be exchanged; more are a mistake.
const CODES_MAX: usize = 1_000;
/// What every Ed25519 key in PKCS#8 begins with; the 32 bytes of the key follow (RFC 8410).
const PKCS8: [u8; 16] = *b"\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20";
/// Nothing inline, nothing from elsewhere, forms only to here.
const CSP: &str = "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// One of the people that one can be.
#[derive(Clone, Debug)]
pub struct Cast {
    /// The stable name, which is also the subject.
    pub user_name: String,
    /// The name for people.
    pub name: String,
    /// What they can do, in one line: "asks for access".
    pub role: String,
    /// The mail address; always verified.
    pub mail: String,
}

/// A provider that listens. It serves while `server` is awaited or spawned.
pub struct Running {
    /// The provider's name of itself and its address.
    pub issuer: String,
    /// Serves until its handle is told to stop; handles no signals.
    pub server: Server,
    /// Keyholder's name at this provider.
    pub client_id: String,
    /// Keyholder's password at this provider; new at every start.
    pub client_secret: String,
}

/// Starts the provider on a free port of this machine. `redirect` is the only address that gets codes,
/// `post_logout` the only one that people come back to after signing out. Call it inside a runtime.
///
/// # Errors
/// If no port is free or the system has no randomness.
pub fn start(cast: Vec<Cast>, redirect: String, post_logout: String) -> std::io::Result<Running> {
    start_at(cast, redirect, post_logout, Arc::new(System))
}

fn start_at(
    cast: Vec<Cast>,
    redirect: String,
    post_logout: String,
    clock: Arc<dyn Clock>,
) -> std::io::Result<Running> {
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let host = listener.local_addr()?.to_string();
    let issuer = format!("http://{host}");
    let client_secret = random();
    let provider = Data::new(Provider {
        issuer: issuer.clone(),
        host,
        redirect: Url::parse(&redirect).map_err(std::io::Error::other)?,
        post_logout,
        secret: client_secret.clone(),
        key: fresh_key().map_err(std::io::Error::other)?,
        cast,
        clock,
        codes: Mutex::default(),
    });
    let server = HttpServer::new(move || {
        App::new()
            .app_data(provider.clone())
            .wrap(
                DefaultHeaders::new()
                    .add(("Content-Security-Policy", CSP))
                    .add(("X-Content-Type-Options", "nosniff"))
                    .add(("Referrer-Policy", "no-referrer"))
                    .add(("Cache-Control", "no-store")),
            )
            .wrap(from_fn(own_host))
            .route("/.well-known/openid-configuration", web::get().to(discovery))
            .route("/jwks", web::get().to(jwks))
            .route("/authorize", web::get().to(authorize))
            .route("/choose", web::post().to(choose))
            .route("/token", web::post().to(token))
            .route("/end_session", web::get().to(end_session))
            .route("/provider.css", web::get().to(stylesheet))
    })
    .workers(1)
    .disable_signals()
    .shutdown_timeout(1)
    .listen(listener)?
    .run();
    Ok(Running { issuer, server, client_id: CLIENT.to_owned(), client_secret })
}

/// What the provider knows.
struct Provider {
    issuer: String,
    host: String,
    redirect: Url,
    post_logout: String,
    secret: String,
    key: CoreEdDsaPrivateSigningKey,
    cast: Vec<Cast>,
    clock: Arc<dyn Clock>,
    codes: Mutex<HashMap<String, Grant>>,
}

/// What a code stands for until it is exchanged.
struct Grant {
    person: Cast,
    nonce: String,
    challenge: String,
    since: Ts,
}

/// What Keyholder asks for.
#[derive(Deserialize)]
#[serde(default)]
#[derive(Default)]
struct Ask {
    client_id: String,
    redirect_uri: String,
    response_type: String,
    scope: String,
    state: String,
    nonce: String,
    code_challenge: String,
    code_challenge_method: String,
}

/// The button that was pressed, with what the page was asked for.
#[derive(Deserialize)]
struct Choice {
    person: String,
    state: String,
    nonce: String,
    code_challenge: String,
}

/// The exchange of a code for a token.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Exchange {
    grant_type: String,
    code: String,
    redirect_uri: String,
    code_verifier: String,
    client_id: Option<String>,
    client_secret: Option<String>,
}

/// Where somebody who signed out wants to go.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Leave {
    id_token_hint: Option<String>,
    post_logout_redirect_uri: Option<String>,
    state: Option<String>,
}

impl Provider {
    /// The way back to Keyholder with an answer.
    fn back(&self, state: &str, answer: &[(&str, &str)]) -> Url {
        let mut url = self.redirect.clone();
        url.query_pairs_mut()
            .extend_pairs(answer)
            .append_pair("state", state)
            .append_pair("iss", &self.issuer);
        url
    }

    /// A code for this person, good once and for a minute.
    fn grant(&self, person: &Cast, choice: &Choice) -> Option<String> {
        let now = self.clock.now();
        let mut codes = self.codes.lock().unwrap_or_else(PoisonError::into_inner);
        codes.retain(|_, grant| fresh(grant, now));
        if codes.len() >= CODES_MAX {
            return None;
        }
        let code = random();
        let grant = Grant {
            person: person.clone(),
            nonce: choice.nonce.clone(),
            challenge: choice.code_challenge.clone(),
            since: now,
        };
        codes.insert(code.clone(), grant);
        Some(code)
    }

    /// What the code stands for; it is used up, whatever comes next.
    fn redeem(&self, exchange: &Exchange) -> Option<Grant> {
        let grant =
            self.codes.lock().unwrap_or_else(PoisonError::into_inner).remove(&exchange.code)?;
        let proof = URL_SAFE_NO_PAD.encode(Sha256::digest(&exchange.code_verifier));
        let good = fresh(&grant, self.clock.now())
            && proof == grant.challenge
            && exchange.redirect_uri == self.redirect.as_str();
        good.then_some(grant)
    }

    /// Whether it is Keyholder that asks, by either of the two usual ways.
    fn is_client(&self, headers: &HeaderMap, exchange: &Exchange) -> bool {
        let (id, secret) = match basic(headers) {
            Some(pair) => pair,
            None => (
                exchange.client_id.clone().unwrap_or_default(),
                exchange.client_secret.clone().unwrap_or_default(),
            ),
        };
        id == CLIENT && Sha256::digest(secret) == Sha256::digest(&self.secret)
    }

    /// The signed statement of who this is.
    fn id_token(&self, grant: Grant, access: &AccessToken) -> Result<CoreIdToken, Error> {
        let now = self.clock.now();
        let person = grant.person;
        let claims = StandardClaims::<CoreGenderClaim>::new(SubjectIdentifier::new(
            person.user_name.clone(),
        ))
        .set_preferred_username(Some(EndUserUsername::new(person.user_name)))
        .set_name(Some(EndUserName::new(person.name).into()))
        .set_email(Some(EndUserEmail::new(person.mail)))
        .set_email_verified(Some(true));
        let claims = CoreIdTokenClaims::new(
            IssuerUrl::new(self.issuer.clone()).map_err(broken)?,
            vec![Audience::new(CLIENT.to_owned())],
            now.plus_seconds(TOKEN_LIFE).utc(),
            now.utc(),
            claims,
            EmptyAdditionalClaims {},
        )
        .set_nonce(Some(Nonce::new(grant.nonce)));
        CoreIdToken::new(claims, &self.key, CoreJwsSigningAlgorithm::EdDsa, Some(access), None)
            .map_err(broken)
    }

    /// Whether the token was made here for Keyholder, however long ago.
    fn made(&self, token: &str) -> bool {
        let (Ok(token), Ok(issuer)) =
            (token.parse::<CoreIdToken>(), IssuerUrl::new(self.issuer.clone()))
        else {
            return false;
        };
        let keys = CoreJsonWebKeySet::new(vec![self.key.as_verification_key()]);
        let verifier =
            CoreIdTokenVerifier::new_public_client(ClientId::new(CLIENT.to_owned()), issuer, keys)
                .set_allowed_algs([CoreJwsSigningAlgorithm::EdDsa])
                .set_time_fn(|| Ts::from_micros(0).utc());
        token.claims(&verifier, |_: Option<&Nonce>| Ok(())).is_ok()
    }
}

async fn discovery(provider: Data<Provider>) -> HttpResponse {
    let issuer = &provider.issuer;
    HttpResponse::Ok().json(json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token"),
        "jwks_uri": format!("{issuer}/jwks"),
        "end_session_endpoint": format!("{issuer}/end_session"),
        "scopes_supported": ["openid", "profile", "email"],
        "claims_supported": ["sub", "preferred_username", "name", "email", "email_verified"],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["EdDSA"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": true,
    }))
}

async fn jwks(provider: Data<Provider>) -> HttpResponse {
    HttpResponse::Ok().json(CoreJsonWebKeySet::new(vec![provider.key.as_verification_key()]))
}

async fn authorize(provider: Data<Provider>, ask: Query<Ask>) -> Result<HttpResponse, Error> {
    if ask.client_id != CLIENT || ask.redirect_uri != provider.redirect.as_str() {
        let words =
            "This page is for the Keyholder demo that was started with it. Please begin there.";
        return message(StatusCode::BAD_REQUEST, "This is not where sign-in begins", words, None);
    }
    let refusal = if ask.response_type != "code" {
        Some(("unsupported_response_type", "only code"))
    } else if !ask.scope.split(' ').any(|scope| scope == "openid") {
        Some(("invalid_scope", "openid is missing"))
    } else if ask.code_challenge_method != "S256" || ask.code_challenge.len() != 43 {
        Some(("invalid_request", "PKCE with S256 is required"))
    } else {
        None
    };
    if let Some((error, why)) = refusal {
        let back = provider.back(&ask.state, &[("error", error), ("error_description", why)]);
        return Ok(HttpResponse::SeeOther().insert_header((LOCATION, back.as_str())).finish());
    }
    page(StatusCode::OK, &ChoicePage { ask: &ask, cast: &provider.cast })
}

/// The answer is a page that goes on by itself: a POST may not be redirected to another origin
/// where `form-action` is `'self'`.
async fn choose(provider: Data<Provider>, choice: Form<Choice>) -> Result<HttpResponse, Error> {
    let denied = |why| {
        provider.back(&choice.state, &[("error", "access_denied"), ("error_description", why)])
    };
    let (heading, onward) = if choice.person.is_empty() {
        ("You are not signed in".to_owned(), denied("nobody was chosen"))
    } else if let Some(person) =
        provider.cast.iter().find(|person| person.user_name == choice.person)
    {
        match provider.grant(person, &choice) {
            Some(code) => (
                format!("You are now {}", person.name),
                provider.back(&choice.state, &[("code", &code)]),
            ),
            None => ("Too many sign-ins at once".to_owned(), denied("too many codes are open")),
        }
    } else {
        let words = "Please go back and choose one of the people there.";
        return message(StatusCode::BAD_REQUEST, "Nobody here has this name", words, None);
    };
    page(StatusCode::OK, &OnwardPage { heading, onward: onward.as_str() })
}

async fn token(
    provider: Data<Provider>,
    headers: actix_web::HttpRequest,
    exchange: Form<Exchange>,
) -> Result<HttpResponse, Error> {
    let refuse = |error: &str| Ok(HttpResponse::BadRequest().json(json!({ "error": error })));
    if !provider.is_client(headers.headers(), &exchange) {
        let mut answer = HttpResponse::Unauthorized();
        answer.insert_header((WWW_AUTHENTICATE, "Basic realm=\"demo\""));
        return Ok(answer.json(json!({ "error": "invalid_client" })));
    }
    if exchange.grant_type != "authorization_code" {
        return refuse("unsupported_grant_type");
    }
    let Some(grant) = provider.redeem(&exchange) else {
        return refuse("invalid_grant");
    };
    let access = AccessToken::new(random());
    let id_token = provider.id_token(grant, &access)?;
    Ok(HttpResponse::Ok().json(json!({
        "access_token": access.secret(),
        "token_type": "Bearer",
        "expires_in": TOKEN_LIFE,
        "id_token": id_token.to_string(),
    })))
}

async fn end_session(provider: Data<Provider>, leave: Query<Leave>) -> Result<HttpResponse, Error> {
    let wanted = leave.post_logout_redirect_uri.as_deref();
    if wanted.is_some_and(|wanted| wanted != provider.post_logout) {
        let words = "The address that you were to be sent to is not known here.";
        return message(StatusCode::BAD_REQUEST, "This page leads nowhere", words, None);
    }
    let trusted = leave.id_token_hint.as_deref().is_some_and(|token| provider.made(token));
    let mut back = Url::parse(&provider.post_logout).map_err(broken)?;
    if let Some(state) = &leave.state {
        back.query_pairs_mut().append_pair("state", state);
    }
    if wanted.is_some() && trusted {
        return Ok(HttpResponse::SeeOther().insert_header((LOCATION, back.as_str())).finish());
    }
    message(
        StatusCode::OK,
        "You are signed out",
        "This service has kept nothing about you.",
        Some(back.as_str()),
    )
}

async fn stylesheet() -> HttpResponse {
    HttpResponse::Ok().content_type("text/css; charset=utf-8").body(include_str!("provider.css"))
}

/// Refuses requests under another name, so that no page of the web can reach this port through a
/// name of its own.
async fn own_host(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let ours = request.app_data::<Data<Provider>>().is_some_and(|provider| {
        let mut hosts = request.headers().get_all(header::HOST);
        hosts.next().is_some_and(|host| host.as_bytes() == provider.host.as_bytes())
            && hosts.next().is_none()
    });
    if !ours {
        return Ok(request.into_response(HttpResponse::MisdirectedRequest().finish()));
    }
    Ok(next.call(request).await?.map_into_boxed_body())
}

#[derive(Template)]
#[template(path = "demo/provider.html")]
struct ChoicePage<'a> {
    ask: &'a Ask,
    cast: &'a [Cast],
}

#[derive(Template)]
#[template(path = "demo/provider_onward.html")]
struct OnwardPage<'a> {
    heading: String,
    onward: &'a str,
}

#[derive(Template)]
#[template(path = "demo/provider_message.html")]
struct MessagePage<'a> {
    heading: &'a str,
    words: &'a str,
    back: Option<&'a str>,
}

fn message(
    status: StatusCode,
    heading: &str,
    words: &str,
    back: Option<&str>,
) -> Result<HttpResponse, Error> {
    page(status, &MessagePage { heading, words, back })
}

fn page(status: StatusCode, template: &impl Template) -> Result<HttpResponse, Error> {
    let html = template.render().map_err(broken)?;
    Ok(HttpResponse::build(status).content_type("text/html; charset=utf-8").body(html))
}

fn broken(error: impl std::fmt::Debug + std::fmt::Display + 'static) -> Error {
    actix_web::error::ErrorInternalServerError(error)
}

fn fresh(grant: &Grant, now: Ts) -> bool {
    (0..CODE_LIFE).contains(&now.seconds_since(grant.since))
}

/// The name and password of HTTP Basic, which OAuth wants form-encoded.
fn basic(headers: &HeaderMap) -> Option<(String, String)> {
    let given = headers.get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Basic ")?;
    let pair = String::from_utf8(STANDARD.decode(given).ok()?).ok()?;
    let (id, secret) = pair.split_once(':')?;
    let plain = |text: &str| {
        let mut one = url::form_urlencoded::parse(text.as_bytes());
        one.next().map(|(name, _)| name.into_owned())
    };
    Some((plain(id)?, plain(secret)?))
}

/// Text that nobody can guess.
fn random() -> String {
    URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>())
}

fn fresh_key() -> Result<CoreEdDsaPrivateSigningKey, String> {
    let der = [&PKCS8[..], &rand::random::<[u8; 32]>()].concat();
    let pem = format!(
        "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
        STANDARD.encode(der)
    );
    CoreEdDsaPrivateSigningKey::from_ed25519_pem(&pem, Some(JsonWebKeyId::new(KEY.to_owned())))
}

#[cfg(test)]
mod oidc;
