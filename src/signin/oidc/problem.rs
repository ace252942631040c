//! What can go wrong at sign-in, in words for the person; the cause is for the log.

use openidconnect::core::CoreErrorResponseType;
use openidconnect::{ClaimsVerificationError, DiscoveryError, RequestTokenError};

use super::http::Fault;
use crate::kernel::text::{one_line, shortened};

/// Why somebody is not signed in. `Display` is for the person and gives nothing away;
/// [`Problem::detail`] is for the log.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// The settings here, or those at the provider, cannot work.
    #[error("Sign-in is not set up correctly. Please tell an administrator.")]
    Settings(String),
    /// The provider cannot be reached, is too slow or says that it is broken.
    #[error("The sign-in service cannot be reached right now. Please try again in a few minutes.")]
    Down(String),
    /// The provider describes itself in a way that cannot be relied on, for example with another issuer.
    #[error(
        "The sign-in service does not match what is set up here. Please tell an administrator."
    )]
    Discovery(String),
    /// The person or the provider said no.
    #[error("You were not signed in: the sign-in was canceled or refused. You can try again.")]
    Refused(String),
    /// The answer belongs to no attempt, to another one, or to one that is over.
    #[error(
        "This sign-in is no longer valid, perhaps because it was begun in another window. Please sign in again."
    )]
    Stale(String),
    /// The token is not one that the provider made for us, now and for this attempt.
    #[error(
        "The answer of the sign-in service could not be trusted, so you were not signed in. Please try again."
    )]
    Token(String),
    /// The provider says too little to know who this is.
    #[error(
        "The sign-in service did not say who you are in the way this portal needs. Please tell an administrator."
    )]
    ClaimMissing(String),
}

impl Problem {
    /// The cause, for the log; without secrets, on one line.
    #[must_use]
    pub fn detail(&self) -> &str {
        match self {
            Self::Settings(why)
            | Self::Down(why)
            | Self::Discovery(why)
            | Self::Refused(why)
            | Self::Stale(why)
            | Self::Token(why)
            | Self::ClaimMissing(why) => why,
        }
    }

    /// What the provider said in the callback instead of a code.
    pub(super) fn of_callback(error: &str, description: Option<&str>) -> Self {
        let said = quoted(&format!("{error}: {}", description.unwrap_or("no description")));
        match error {
            "server_error" | "temporarily_unavailable" => Self::Down(said),
            "invalid_request"
            | "invalid_scope"
            | "unauthorized_client"
            | "unsupported_response_type" => Self::Settings(said),
            _ => Self::Refused(said),
        }
    }
}

impl From<Fault> for Problem {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Unsafe(_) | Fault::TooLarge => Self::Discovery(chain(&fault)),
            Fault::Status(_) | Fault::Transport(_) | Fault::Read(_) | Fault::Response(_) => {
                Self::Down(chain(&fault))
            }
        }
    }
}

impl From<DiscoveryError<Fault>> for Problem {
    fn from(error: DiscoveryError<Fault>) -> Self {
        match error {
            DiscoveryError::Request(fault) => fault.into(),
            other => Self::Discovery(chain(&other)),
        }
    }
}

/// The provider's answer to the exchange of the code.
pub(super) type TokenFailure =
    RequestTokenError<Fault, openidconnect::StandardErrorResponse<CoreErrorResponseType>>;

impl From<TokenFailure> for Problem {
    fn from(failure: TokenFailure) -> Self {
        match failure {
            RequestTokenError::Request(fault) => fault.into(),
            RequestTokenError::ServerResponse(said) => {
                let why = quoted(&said.to_string());
                match said.error() {
                    CoreErrorResponseType::InvalidGrant => Self::Stale(why),
                    CoreErrorResponseType::Extension(_) => Self::Down(why),
                    _ => Self::Settings(why),
                }
            }
            other => Self::Token(chain(&other)),
        }
    }
}

impl From<ClaimsVerificationError> for Problem {
    fn from(error: ClaimsVerificationError) -> Self {
        Self::Token(chain(&error))
    }
}

/// Somebody else's words, made fit for one line of a log.
pub(super) fn quoted(text: &str) -> String {
    shortened(&one_line(text), 300)
}

/// The error with its causes.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    quoted(&text)
}
