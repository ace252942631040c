//! The way to the mail server: the only place that knows SMTP.
//!
//! Each step of a connection fails in its own way: what goes wrong before a mail is handed over is the server's
//! trouble and says nothing of the mail; what is answered to the mail itself decides about it.

use std::time::{Duration, SystemTime};

use lettre::message::header::{Header, HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{
    Certificate, CertificateStore, SmtpConnection, TlsParameters,
};
use lettre::transport::smtp::extension::ClientId;
use lettre::{Address, Message};

use super::letters::{Letter, Letterhead};
use super::settings::{MailSettings, Protection};
use crate::kernel::text::{one_line, shortened};
use crate::kernel::{NoticeId, Ts};

/// How long the server may take for one answer.
const TIMEOUT: Duration = Duration::from_secs(20);
/// The longest trouble that is kept, in characters.
const TROUBLE_MAX: usize = 300;

/// Why a mail has not gone out, in words for an administrator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The server cannot be used now: no other mail would fare better.
    Server(String),
    /// The server does not take this mail now.
    Later(String),
    /// The server will never take this mail.
    Never(String),
}

/// One mail, ready to go.
pub struct Parcel<'a> {
    /// Makes the Message-ID, so that a mail that is sent twice is known to be the same.
    pub id: NoticeId,
    /// The person's name.
    pub name: &'a str,
    /// Their address.
    pub address: &'a str,
    /// What it says.
    pub letter: &'a Letter,
    /// When it is sent.
    pub at: Ts,
}

/// The mail server of the settings.
pub struct Mailer {
    settings: MailSettings,
    from: Mailbox,
    tls: Option<TlsParameters>,
    /// What stands on every letter.
    pub head: Letterhead,
}

/// Reads an address with or without a name.
///
/// # Errors
/// Words for the operator.
pub fn mailbox(text: &str) -> Result<Mailbox, String> {
    text.parse().map_err(|_| {
        format!(
            "from has {text:?}, which is no mail address such as Keyholder <keyholder@example.com>"
        )
    })
}

impl Mailer {
    /// A mailer of these settings. Nothing is connected yet.
    ///
    /// # Errors
    /// Words for the operator, without secrets.
    pub fn new(settings: MailSettings, head: Letterhead) -> Result<Self, String> {
        settings.check()?;
        let tls = match settings.tls {
            Protection::None => None,
            Protection::StartTls | Protection::Tls => Some(tls(&settings)?),
        };
        Ok(Self { from: mailbox(&settings.from)?, tls, settings, head })
    }

    /// Where the mails go, for the line that start prints.
    #[must_use]
    pub fn place(&self) -> String {
        self.settings.place()
    }

    /// A round of sending, which connects when it has something to send.
    #[must_use]
    pub fn round(&self) -> Round<'_> {
        Round { mailer: self, line: None }
    }

    fn connect(&self) -> Result<SmtpConnection, Trouble> {
        let hello = ClientId::default();
        let at = (self.settings.server.as_str(), self.settings.port());
        let first = self.tls.as_ref().filter(|_| self.settings.tls == Protection::Tls);
        let cannot = |error| self.server(&format!("cannot be used: {}", said(&error)));
        let mut line =
            SmtpConnection::connect(at, Some(TIMEOUT), &hello, first, None).map_err(cannot)?;
        if let (Protection::StartTls, Some(tls)) = (self.settings.tls, &self.tls) {
            if !line.can_starttls() {
                line.abort();
                return Err(self.server("offers no STARTTLS, and without it nothing is sent"));
            }
            line.starttls(tls, &hello)
                .map_err(|error| self.server(&format!("failed at STARTTLS: {}", said(&error))))?;
        }
        if let (Some(name), Some(password)) = (&self.settings.username, &self.settings.password) {
            let credentials = Credentials::new(name.clone(), password.reveal().to_owned());
            if let Err(error) = line.auth(DEFAULT_MECHANISMS, &credentials) {
                line.abort();
                let words = format!("does not accept the username and password: {}", said(&error));
                return Err(self.server(&words));
            }
        }
        Ok(line)
    }

    fn server(&self, words: &str) -> Trouble {
        let words = format!("The mail server {} {words}", self.settings.server);
        Trouble::Server(shortened(&one_line(&words), TROUBLE_MAX))
    }

    fn message(&self, parcel: &Parcel<'_>) -> Result<Message, Trouble> {
        let never = |words: String| Trouble::Never(shortened(&one_line(&words), TROUBLE_MAX));
        let address: Address = parcel
            .address
            .parse()
            .map_err(|_| never(format!("“{}” is no mail address", parcel.address)))?;
        let host = self.head.site.host_str().unwrap_or("keyholder");
        let (name, letter) = (one_line(parcel.name), parcel.letter);
        Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new((!name.is_empty()).then_some(name), address))
            .subject(one_line(&letter.subject))
            .message_id(Some(format!("<{}@{host}>", parcel.id)))
            .date(SystemTime::from(parcel.at.utc()))
            .header(AutoSubmitted)
            .multipart(MultiPart::alternative_plain_html(letter.text.clone(), letter.html.clone()))
            .map_err(|error| never(format!("The mail cannot be written: {error}")))
    }
}

fn tls(settings: &MailSettings) -> Result<TlsParameters, String> {
    let mut builder = TlsParameters::builder(settings.server.clone());
    if let Some(path) = &settings.ca {
        let cannot = |why: String| format!("ca: cannot read {}: {why}", path.display());
        let pem = std::fs::read(path).map_err(|error| cannot(error.to_string()))?;
        let authority = Certificate::from_pem(&pem).map_err(|error| cannot(said(&error)))?;
        builder = builder.certificate_store(CertificateStore::None).add_root_certificate(authority);
    }
    builder.build_rustls().map_err(|error| format!("tls: {}", said(&error)))
}

/// What went wrong, without the library's own words around it.
fn said(error: &lettre::transport::smtp::Error) -> String {
    let source = std::error::Error::source(error).map(ToString::to_string);
    let words = source.unwrap_or_else(|| error.to_string());
    match error.status() {
        Some(code) => format!("{code} {words}"),
        None if error.is_timeout() => "it does not answer in time".to_owned(),
        None => words,
    }
}

/// Some mails over one connection.
pub struct Round<'a> {
    mailer: &'a Mailer,
    line: Option<SmtpConnection>,
}

impl Round<'_> {
    /// Hands a mail to the server, which has taken it when this returns.
    ///
    /// # Errors
    /// Why not, and whether it is worth another try.
    pub fn send(&mut self, parcel: &Parcel<'_>) -> Result<(), Trouble> {
        let message = self.mailer.message(parcel)?;
        let mut line = match self.line.take() {
            Some(line) => line,
            None => self.mailer.connect()?,
        };
        match line.send(message.envelope(), &message.formatted()) {
            Ok(_) => {
                self.line = Some(line);
                Ok(())
            }
            Err(error) => {
                let words = |what: &str| {
                    shortened(&one_line(&format!("{what}{}", said(&error))), TROUBLE_MAX)
                };
                Err(if error.is_permanent() || error.is_client() {
                    Trouble::Never(words("The mail server refused it: "))
                } else if error.is_transient() {
                    Trouble::Later(words("The mail server does not take it now: "))
                } else {
                    Trouble::Server(words("The connection to the mail server broke: "))
                })
            }
        }
    }
}

impl Drop for Round<'_> {
    fn drop(&mut self) {
        if let Some(line) = &mut self.line {
            let _ = line.quit();
        }
    }
}

/// Tells other programs that nobody waits for an answer (RFC 3834).
#[derive(Clone)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".into())
    }
}
