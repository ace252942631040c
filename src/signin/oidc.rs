//! Sign-in with OpenID Connect: code flow with PKCE, state and nonce, against any provider.
//!
//! Everything here may wait for the provider, so it is called from blocking threads.

mod http;
mod problem;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use openidconnect::core::{
    CoreAuthDisplay, CoreAuthPrompt, CoreAuthenticationFlow, CoreClaimName, CoreClaimType,
    CoreClientAuthMethod, CoreErrorResponseType, CoreGenderClaim, CoreGrantType, CoreJsonWebKey,
    CoreJweContentEncryptionAlgorithm, CoreJweKeyManagementAlgorithm, CoreJwsSigningAlgorithm,
    CoreResponseMode, CoreResponseType, CoreRevocableToken, CoreRevocationErrorResponse,
    CoreSubjectIdentifierType, CoreTokenIntrospectionResponse, CoreTokenType,
};
use openidconnect::{
    AccessToken, AccessTokenHash, AdditionalClaims, AdditionalProviderMetadata, AuthType,
    AuthorizationCode, ClaimsVerificationError, ClientId, ClientSecret, CsrfToken,
    EmptyExtraTokenFields, EndSessionUrl, EndpointMaybeSet, EndpointNotSet, EndpointSet, IdToken,
    IdTokenClaims, IdTokenFields, IssuerUrl, LogoutRequest, Nonce, OAuth2TokenResponse,
    PkceCodeChallenge, PkceCodeVerifier, PostLogoutRedirectUrl, ProviderMetadata, RedirectUrl,
    Scope, SignatureVerificationError, StandardErrorResponse, StandardTokenResponse,
    SubjectIdentifier, TokenResponse, UserInfoClaims, UserInfoError,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use url::Url;

use self::http::{Http, loopback, safe};
pub use self::problem::Problem;
use self::problem::{chain, quoted};
use crate::kernel::{Clock, Secret, Ts};

/// Seconds after which the provider's description and keys are fetched again.
const REDISCOVER: i64 = 3600;
/// Seconds that must lie between two fetches because of an unknown key.
const PAUSE: i64 = 60;
/// Seconds that a person has at the provider.
const ATTEMPT: i64 = 30 * 60;
/// Seconds by which the provider's clock may be ahead of ours.
const SKEW: i64 = 60;

/// Signatures that only the provider can make; never a shared secret, never none.
const ALGORITHMS: [CoreJwsSigningAlgorithm; 9] = [
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha384,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha512,
    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
    CoreJwsSigningAlgorithm::RsaSsaPssSha384,
    CoreJwsSigningAlgorithm::RsaSsaPssSha512,
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::EcdsaP384Sha384,
    CoreJwsSigningAlgorithm::EdDsa,
];

/// The section of the configuration about the provider.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The provider's name of itself, to the letter; https, or http on this machine.
    pub issuer: String,
    /// This portal's name at the provider.
    pub client_id: String,
    /// This portal's password at the provider; without it the portal is a public client.
    #[serde(default)]
    pub client_secret: Option<Secret>,
    /// What is asked for; `openid` always is.
    #[serde(default = "default_scopes")]
    pub scopes: Vec<String>,
    /// The claim that names the person as the staff list does, and never changes.
    /// `email` counts only if the provider says that it is verified.
    #[serde(default = "default_person_claim")]
    pub person_claim: String,
    /// A PEM file with further roots to trust, for a provider inside the organization.
    #[serde(default)]
    pub ca: Option<PathBuf>,
}

fn default_scopes() -> Vec<String> {
    ["openid", "profile", "email"].map(str::to_owned).to_vec()
}

fn default_person_claim() -> String {
    "sub".to_owned()
}

/// One attempt to sign in, kept by the caller in a short encrypted cookie and used once.
#[derive(Clone, Serialize, Deserialize)]
pub struct Attempt {
    state: String,
    nonce: String,
    verifier: String,
    since: Ts,
}

/// What the provider sends back with the person.
#[derive(Clone, Default, Deserialize)]
pub struct CallbackQuery {
    /// To be exchanged for the token, once.
    pub code: Option<String>,
    /// Names the attempt.
    pub state: Option<String>,
    /// Who answers (RFC 9207).
    pub iss: Option<String>,
    /// Why there is no code.
    pub error: Option<String>,
    /// The same in the provider's words.
    pub error_description: Option<String>,
}

/// Who signed in, as the provider says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The provider.
    pub issuer: String,
    /// The person at the provider; with the issuer it is unique forever.
    pub subject: String,
    /// The value of the claim that the settings name.
    pub person_key: String,
    /// The mail address, only if the provider has verified it.
    pub mail: Option<String>,
    /// The name for people.
    pub name: Option<String>,
    /// The raw token, for signing out at the provider.
    pub id_token: String,
}

/// The relying party: this portal at its provider.
pub struct Oidc {
    settings: Settings,
    issuer: IssuerUrl,
    redirect: RedirectUrl,
    http: Http,
    clock: Arc<dyn Clock>,
    known: Mutex<Option<Arc<Known>>>,
    renewing: Mutex<()>,
}

impl Oidc {
    /// Checks the settings; does not talk to the provider yet. `redirect` is the callback's public address.
    ///
    /// # Errors
    /// [`Problem::Settings`] for an unsafe issuer or an unusable file of roots.
    pub fn new(settings: Settings, redirect: Url, clock: Arc<dyn Clock>) -> Result<Self, Problem> {
        let issuer = IssuerUrl::new(settings.issuer.clone())
            .map_err(|error| Problem::Settings(format!("issuer {}: {error}", settings.issuer)))?;
        if !safe(issuer.url()) {
            let why =
                format!("issuer {}: http is only for a provider on this machine", settings.issuer);
            return Err(Problem::Settings(why));
        }
        for (name, value) in
            [("client_id", &settings.client_id), ("person_claim", &settings.person_claim)]
        {
            if value.trim().is_empty() {
                return Err(Problem::Settings(format!("{name} is empty")));
            }
        }
        let http = Http::new(settings.ca.as_deref(), loopback(issuer.url()))?;
        let redirect = RedirectUrl::from_url(redirect);
        Ok(Self {
            settings,
            issuer,
            redirect,
            http,
            clock,
            known: Mutex::default(),
            renewing: Mutex::default(),
        })
    }

    /// The provider's host, as people know it.
    #[must_use]
    pub fn provider(&self) -> &str {
        self.issuer.url().host_str().unwrap_or_default()
    }

    /// Begins an attempt: where to send the person, and what to keep until they come back.
    ///
    /// # Errors
    /// [`Problem::Down`] or [`Problem::Discovery`]; the person stays here and can be told.
    pub fn start(&self) -> Result<(Url, Attempt), Problem> {
        let known = self.known()?;
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let scopes = self.settings.scopes.iter().filter(|scope| *scope != "openid");
        let (url, state, nonce) = known
            .client
            .authorize_url(
                CoreAuthenticationFlow::AuthorizationCode,
                CsrfToken::new_random,
                Nonce::new_random,
            )
            .add_scopes(scopes.cloned().map(Scope::new))
            .set_pkce_challenge(challenge)
            .url();
        let attempt = Attempt {
            state: state.into_secret(),
            nonce: nonce.secret().clone(),
            verifier: verifier.into_secret(),
            since: self.clock.now(),
        };
        Ok((url, attempt))
    }

    /// Ends an attempt with what the provider sent back.
    ///
    /// # Errors
    /// Any [`Problem`]; nobody is signed in then.
    pub fn finish(&self, attempt: &Attempt, query: &CallbackQuery) -> Result<Identity, Problem> {
        if query.state.as_deref() != Some(&attempt.state) {
            return Err(Problem::Stale("the state is not that of this attempt".to_owned()));
        }
        if !(-SKEW..=ATTEMPT).contains(&self.clock.now().seconds_since(attempt.since)) {
            return Err(Problem::Stale("the attempt is too old".to_owned()));
        }
        let known = self.known()?;
        known.answered_by(query.iss.as_deref())?;
        if let Some(error) = &query.error {
            return Err(Problem::of_callback(error, query.error_description.as_deref()));
        }
        let Some(code) = &query.code else {
            return Err(Problem::Stale("neither a code nor an error".to_owned()));
        };
        let tokens = known
            .client
            .exchange_code(AuthorizationCode::new(code.clone()))
            .map_err(|error| Problem::Discovery(chain(&error)))?
            .set_pkce_verifier(PkceCodeVerifier::new(attempt.verifier.clone()))
            .request(&self.http)?;
        let id_token = tokens.id_token().ok_or_else(|| Problem::Token("no id_token".to_owned()))?;
        let nonce = Nonce::new(attempt.nonce.clone());
        let (known, claims) = match self.verified(&known, id_token, &nonce) {
            Err(ClaimsVerificationError::SignatureVerification(
                SignatureVerificationError::NoMatchingKey,
            )) => {
                let renewed = self.renewed(&known)?;
                let claims = self.verified(&renewed, id_token, &nonce)?;
                (renewed, claims)
            }
            other => (known, other?),
        };
        self.check_party(&known, id_token, claims, tokens.access_token())?;
        self.identity(&known, id_token, claims, tokens.access_token())
    }

    /// Where to send the person to sign out at the provider too; they come back to `back`.
    /// `None` if the provider has no such page or cannot be asked.
    #[must_use]
    pub fn end_session(&self, id_token: &str, back: &Url) -> Option<Url> {
        let known = self.known().ok()?;
        let mut request = LogoutRequest::from(known.end_session.clone()?)
            .set_client_id(ClientId::new(self.settings.client_id.clone()))
            .set_post_logout_redirect_uri(PostLogoutRedirectUrl::from_url(back.clone()));
        if let Ok(token) = id_token.parse::<Token>() {
            request = request.set_id_token_hint(&token);
        }
        Some(request.http_get_url())
    }

    /// The provider as it described itself within the last hour.
    fn known(&self) -> Result<Arc<Known>, Problem> {
        match self.remembered() {
            Some(known) if (0..REDISCOVER).contains(&self.age(&known)) => Ok(known),
            _ => self.discover(),
        }
    }

    /// The provider described anew, because `old` lacks a key. At most once a minute and by one caller;
    /// whoever waited takes what the other one found.
    fn renewed(&self, old: &Arc<Known>) -> Result<Arc<Known>, Problem> {
        let _alone = self.renewing.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(other) = self.remembered()
            && !Arc::ptr_eq(&other, old)
        {
            return Ok(other);
        }
        if (0..PAUSE).contains(&self.age(old)) {
            return Err(Problem::Token(
                "no such key, and the keys were fetched less than a minute ago".to_owned(),
            ));
        }
        self.discover()
    }

    fn discover(&self) -> Result<Arc<Known>, Problem> {
        let metadata = Metadata::discover(&self.issuer, &self.http)?;
        let known = Arc::new(Known::new(metadata, self)?);
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&known));
        Ok(known)
    }

    fn remembered(&self) -> Option<Arc<Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn age(&self, known: &Known) -> i64 {
        self.clock.now().seconds_since(known.at)
    }

    /// The claims of a token that the provider signed for us, now and for this attempt.
    fn verified<'t>(
        &self,
        known: &Known,
        token: &'t Token,
        nonce: &Nonce,
    ) -> Result<&'t Claims, ClaimsVerificationError> {
        let now = self.clock.now();
        let verifier = known
            .client
            .id_token_verifier()
            .set_allowed_algs(ALGORITHMS)
            .set_time_fn(move || now.utc())
            .set_issue_time_verifier_fn(move |issued| {
                let ahead = Ts::new(issued).seconds_since(now);
                if ahead > SKEW { Err(format!("issued {ahead} seconds from now")) } else { Ok(()) }
            });
        token.claims(&verifier, nonce)
    }

    /// What the library leaves to its caller: the authorized party and the hash of the access token.
    fn check_party(
        &self,
        known: &Known,
        token: &Token,
        claims: &Claims,
        access: &AccessToken,
    ) -> Result<(), Problem> {
        if let Some(party) = claims.authorized_party()
            && party.as_str() != self.settings.client_id
        {
            return Err(Problem::Token(quoted(&format!("made for {}", party.as_str()))));
        }
        if let Some(expected) = claims.access_token_hash() {
            let verifier = known.client.id_token_verifier();
            let unusable = |error: &dyn std::error::Error| Problem::Token(chain(error));
            let algorithm = token.signing_alg().map_err(|error| unusable(&error))?;
            let key = token.signing_key(&verifier).map_err(|error| unusable(&error))?;
            let actual = AccessTokenHash::from_token(access, algorithm, key)
                .map_err(|error| unusable(&error))?;
            if actual != *expected {
                return Err(Problem::Token("at_hash is that of another access token".to_owned()));
            }
        }
        Ok(())
    }

    /// Who the claims speak of. Asks the provider's userinfo page if the token is silent about the person.
    fn identity(
        &self,
        known: &Known,
        token: &Token,
        claims: &Claims,
        access: &AccessToken,
    ) -> Result<Identity, Problem> {
        let wanted = &self.settings.person_claim;
        let mut sources = vec![object(claims)];
        if text(&sources[0], wanted).is_none()
            && let Some(more) = self.user_info(known, claims.subject(), access)?
        {
            sources.push(more);
        }
        let find = |name: &str| sources.iter().find_map(|source| text(source, name));
        let Some(person_key) = find(wanted) else {
            let verified = if wanted == "email" { " (verified)" } else { "" };
            let why =
                format!("no usable claim {wanted}{verified} for {}", claims.subject().as_str());
            return Err(Problem::ClaimMissing(quoted(&why)));
        };
        Ok(Identity {
            issuer: claims.issuer().to_string(),
            subject: claims.subject().to_string(),
            person_key,
            mail: find("email"),
            name: find("name"),
            id_token: token.to_string(),
        })
    }

    /// The provider's page about the person, if it has one; it must speak of the same subject.
    fn user_info(
        &self,
        known: &Known,
        subject: &SubjectIdentifier,
        access: &AccessToken,
    ) -> Result<Option<Map<String, Value>>, Problem> {
        let Ok(request) = known.client.user_info(access.clone(), Some(subject.clone())) else {
            return Ok(None);
        };
        match request.request(&self.http) {
            Ok(info) => Ok(Some(object::<UserInfoClaims<Rest, CoreGenderClaim>>(&info))),
            Err(UserInfoError::Request(fault)) => Err(fault.into()),
            Err(error) => Err(Problem::Token(chain(&error))),
        }
    }
}

/// A provider as it described itself at a time.
struct Known {
    client: Client,
    end_session: Option<EndSessionUrl>,
    says_who: bool,
    issuer: String,
    at: Ts,
}

impl Known {
    fn new(metadata: Metadata, oidc: &Oidc) -> Result<Self, Problem> {
        let extra = metadata.additional_metadata().clone();
        let pages = [
            Some(metadata.authorization_endpoint().url()),
            extra.end_session_endpoint.as_ref().map(|it| it.url()),
        ];
        if let Some(page) = pages.into_iter().flatten().find(|page| !safe(page)) {
            return Err(Problem::Discovery(quoted(&format!(
                "{page} is neither https nor on this machine"
            ))));
        }
        if metadata.token_endpoint().is_none() {
            return Err(Problem::Discovery("no token_endpoint".to_owned()));
        }
        let secret = oidc.settings.client_secret.as_ref();
        let methods = metadata.token_endpoint_auth_methods_supported();
        let in_body = methods.is_some_and(|all| {
            !all.contains(&CoreClientAuthMethod::ClientSecretBasic)
                && all.contains(&CoreClientAuthMethod::ClientSecretPost)
        });
        Ok(Self {
            end_session: extra.end_session_endpoint,
            says_who: extra.authorization_response_iss_parameter_supported,
            issuer: metadata.issuer().to_string(),
            at: oidc.clock.now(),
            client: Client::from_provider_metadata(
                metadata,
                ClientId::new(oidc.settings.client_id.clone()),
                secret.map(|secret| ClientSecret::new(secret.reveal().to_owned())),
            )
            .set_redirect_uri(oidc.redirect.clone())
            .set_auth_type(if in_body {
                AuthType::RequestBody
            } else {
                AuthType::BasicAuth
            }),
        })
    }

    /// RFC 9207: the answer comes from this provider and from no other.
    fn answered_by(&self, issuer: Option<&str>) -> Result<(), Problem> {
        match issuer {
            Some(issuer) if issuer != self.issuer => {
                Err(Problem::Token(quoted(&format!("the answer is from {issuer}"))))
            }
            None if self.says_who => {
                Err(Problem::Token("the answer does not say who it is from".to_owned()))
            }
            _ => Ok(()),
        }
    }
}

/// The claims as a JSON object.
fn object<T: Serialize>(claims: &T) -> Map<String, Value> {
    match serde_json::to_value(claims) {
        Ok(Value::Object(map)) => map,
        _ => Map::new(),
    }
}

/// A claim as text, if it is fit to name somebody. A mail address counts only if it is verified
/// in the same place.
fn text(claims: &Map<String, Value>, name: &str) -> Option<String> {
    if name == "email" && claims.get("email_verified") != Some(&Value::Bool(true)) {
        return None;
    }
    let value = match claims.get(name)? {
        Value::String(value) => value.trim().to_owned(),
        Value::Number(value) => value.to_string(),
        _ => return None,
    };
    let usable = !value.is_empty() && value.len() <= 255 && !value.chars().any(char::is_control);
    usable.then_some(value)
}

/// Every claim that the standard does not know: the one that names the person may be among them.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Rest {
    #[serde(flatten)]
    all: Map<String, Value>,
}
impl AdditionalClaims for Rest {}

/// What a provider may say about itself beyond the core standard.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Extra {
    end_session_endpoint: Option<EndSessionUrl>,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}
impl AdditionalProviderMetadata for Extra {}

type Claims = IdTokenClaims<Rest, CoreGenderClaim>;
type Token =
    IdToken<Rest, CoreGenderClaim, CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm>;
type Fields = IdTokenFields<
    Rest,
    EmptyExtraTokenFields,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJwsSigningAlgorithm,
>;
type Metadata = ProviderMetadata<
    Extra,
    CoreAuthDisplay,
    CoreClientAuthMethod,
    CoreClaimName,
    CoreClaimType,
    CoreGrantType,
    CoreJweContentEncryptionAlgorithm,
    CoreJweKeyManagementAlgorithm,
    CoreJsonWebKey,
    CoreResponseMode,
    CoreResponseType,
    CoreSubjectIdentifierType,
>;
type Client = openidconnect::Client<
    Rest,
    CoreAuthDisplay,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJsonWebKey,
    CoreAuthPrompt,
    StandardErrorResponse<CoreErrorResponseType>,
    StandardTokenResponse<Fields, CoreTokenType>,
    CoreTokenIntrospectionResponse,
    CoreRevocableToken,
    CoreRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;
