//! The one way to the provider: never unencrypted, never redirected, never slow, never large.

use std::io::Read;
use std::path::Path;
use std::time::Duration;

use openidconnect::reqwest::blocking::{Client, Response};
use openidconnect::reqwest::{Certificate, redirect};
use openidconnect::{HttpRequest, HttpResponse, SyncHttpClient, http};
use url::{Host, Url};

use super::problem::{Problem, chain};

/// The longest wait for a connection and for a whole answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// The largest answer in bytes; discovery documents and key sets are a few kilobytes.
const LARGEST: u64 = 1024 * 1024;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The address would send secrets or fetch keys unencrypted.
    #[error("{0} is neither https nor on this machine")]
    Unsafe(String),
    /// The provider says that it is broken or has too much to do.
    #[error("the provider answered with status {0}")]
    Status(u16),
    /// More than any provider has to say.
    #[error("the provider's answer is too large")]
    TooLarge,
    /// No connection, no trust in the certificate, or no answer in time.
    #[error("no answer from the provider")]
    Transport(#[from] openidconnect::reqwest::Error),
    /// The answer broke off.
    #[error("the provider's answer broke off")]
    Read(#[from] std::io::Error),
    /// The answer makes no sense as HTTP.
    #[error("the provider's answer is not readable")]
    Response(#[from] http::Error),
}

/// An HTTP client that knows its limits.
pub struct Http(Client);

impl Http {
    /// A client that trusts the usual roots and, if given, those in the PEM file `ca`.
    /// `direct` is for a provider on this machine: no proxy of the environment gets between.
    ///
    /// # Errors
    /// If the file cannot be read or holds no certificate.
    pub fn new(ca: Option<&Path>, direct: bool) -> Result<Self, Problem> {
        let mut client = Client::builder()
            .redirect(redirect::Policy::none())
            .connect_timeout(PATIENCE)
            .timeout(PATIENCE)
            // A kept connection that the provider has dropped meanwhile would fail a sign-in, and a code is
            // good for one attempt only: signing in is rare, so each call makes its own.
            .pool_max_idle_per_host(0)
            .user_agent(concat!("keyholder/", env!("CARGO_PKG_VERSION")));
        if direct {
            client = client.no_proxy();
        }
        if let Some(path) = ca {
            let unusable = |why: String| Problem::Settings(format!("ca {}: {why}", path.display()));
            let pem = std::fs::read(path).map_err(|error| unusable(error.to_string()))?;
            let roots =
                Certificate::from_pem_bundle(&pem).map_err(|error| unusable(chain(&error)))?;
            if roots.is_empty() {
                return Err(unusable("no certificate in this file".to_owned()));
            }
            for root in roots {
                client = client.add_root_certificate(root);
            }
        }
        // The blocking client must not be made inside an async runtime, so it is made beside it.
        let built = std::thread::scope(|scope| scope.spawn(|| client.build()).join());
        match built {
            Ok(Ok(client)) => Ok(Self(client)),
            Ok(Err(error)) => Err(Problem::Settings(chain(&error))),
            Err(_) => Err(Problem::Settings("the HTTP client could not be made".to_owned())),
        }
    }
}

impl SyncHttpClient for Http {
    type Error = Fault;

    fn call(&self, request: HttpRequest) -> Result<HttpResponse, Fault> {
        let address = request.uri().to_string();
        if !Url::parse(&address).is_ok_and(|url| safe(&url)) {
            return Err(Fault::Unsafe(address));
        }
        let response: Response = self.0.execute(request.try_into()?)?;
        let status = response.status();
        if status.is_server_error() || status.as_u16() == 429 {
            return Err(Fault::Status(status.as_u16()));
        }
        let mut answer = http::Response::builder().status(status);
        for (name, value) in response.headers() {
            answer = answer.header(name, value);
        }
        let mut body = Vec::new();
        response.take(LARGEST + 1).read_to_end(&mut body)?;
        if body.len() as u64 > LARGEST {
            return Err(Fault::TooLarge);
        }
        Ok(answer.body(body)?)
    }
}

/// Whether nobody can listen in on the way to this address: https, or plain http on this machine.
pub fn safe(url: &Url) -> bool {
    url.scheme() == "https" || (url.scheme() == "http" && loopback(url))
}

/// Whether the address is on this machine.
pub fn loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}
