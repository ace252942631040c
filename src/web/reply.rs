//! What a page answers with.

use askama::Template;
use serde::Serialize;
use tokio::sync::mpsc;

use super::address::safe_next;
use super::csv::{self, CsvOut};
use super::page::{Notice, NoticeKind};
use crate::error::{Error, Result};
use crate::kernel::PersonId;

/// An answer; made by one of its constructors, refined by its methods.
pub struct Reply {
    pub(super) status: u16,
    pub(super) body: Body,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) notice: Option<Notice>,
    pub(super) session: Option<SessionChange>,
    pub(super) attempt: Option<Option<String>>,
}

pub(super) enum Body {
    Html(String),
    Text(&'static str),
    /// A place of this site.
    Redirect(String),
    /// The identity provider.
    Leave(String),
    File {
        mime: &'static str,
        name: String,
        bytes: Vec<u8>,
    },
    Rows {
        name: String,
        producer: Producer,
    },
}

pub(super) type Producer = Box<dyn FnOnce(&mut CsvSink) -> Result<()> + Send>;

/// Where a streamed file's rows go.
pub type CsvSink = CsvOut<Pipe>;

/// What happens to the session with this answer.
#[derive(Clone, Debug)]
pub enum SessionChange {
    /// A new session begins for the person, who must be enabled; an earlier one ends.
    SignIn {
        /// Who signed in.
        person: PersonId,
        /// The provider's token, for signing out there.
        id_token: Option<String>,
    },
    /// The session ends and the cookie goes.
    SignOut,
}

impl Reply {
    fn new(status: u16, body: Body) -> Self {
        Self { status, body, headers: vec![], notice: None, session: None, attempt: None }
    }

    /// A page.
    ///
    /// # Errors
    /// `Broken` when the template cannot be drawn.
    pub fn page(template: &impl Template) -> Result<Self> {
        let html = template.render().map_err(|error| Error::Broken(error.into()))?;
        Ok(Self::new(200, Body::Html(html)))
    }

    /// A few plain words, for machines.
    #[must_use]
    pub fn text(status: u16, words: &'static str) -> Self {
        Self::new(status, Body::Text(words))
    }

    /// Go on to a place of this site (303). Anything else leads to the home page.
    #[must_use]
    pub fn see_other(path: impl AsRef<str>) -> Self {
        Self::new(303, Body::Redirect(safe_next(path.as_ref()).to_owned()))
    }

    /// Go on to the identity provider (303). Only a GET may: `form-action 'self'` stands (E22).
    #[must_use]
    pub fn leave(url: impl Into<String>) -> Self {
        Self::new(303, Body::Leave(url.into()))
    }

    /// A CSV file from rows; the first one names the columns.
    ///
    /// # Errors
    /// `Broken` when it cannot be written.
    pub fn csv(filename: &str, rows: &[Vec<String>]) -> Result<Self> {
        let (mime, name) = ("text/csv; charset=utf-8", csv::file_name(filename));
        Ok(Self::new(200, Body::File { mime, name, bytes: csv::whole(rows)? }))
    }

    /// A file to be saved.
    #[must_use]
    pub fn file(mime: &'static str, name: impl Into<String>, bytes: Vec<u8>) -> Self {
        Self::new(200, Body::File { mime, name: name.into(), bytes })
    }

    /// A CSV file that is sent while `producer` makes its rows, on a thread of its own. If the producer fails,
    /// the connection is cut, so that half a file is not taken for a whole one.
    #[must_use]
    pub fn csv_stream(
        filename: &str,
        header: &[&str],
        producer: impl FnOnce(&mut CsvSink) -> Result<()> + Send + 'static,
    ) -> Self {
        let header: Vec<String> = header.iter().map(|&name| name.to_owned()).collect();
        let producer: Producer = Box::new(move |sink| {
            sink.row(&header)?;
            producer(sink)?;
            sink.flush()
        });
        Self::new(200, Body::Rows { name: csv::file_name(filename), producer })
    }

    /// Another status.
    #[must_use]
    pub fn status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// One more header.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Says on the next page that it is done.
    #[must_use]
    pub fn notice(mut self, strong: impl Into<String>, text: impl Into<String>) -> Self {
        let (strong, text) = (strong.into(), text.into());
        self.notice = Some(Notice { kind: NoticeKind::Good, strong, text, undo: None });
        self
    }

    /// Says on the next page what the person should know.
    #[must_use]
    pub fn warning(mut self, strong: impl Into<String>, text: impl Into<String>) -> Self {
        let (strong, text) = (strong.into(), text.into());
        self.notice = Some(Notice { kind: NoticeKind::Warn, strong, text, undo: None });
        self
    }

    /// Offers beside the notice to undo it, by a form that posts to this address.
    #[must_use]
    pub fn undo(mut self, href: Option<String>) -> Self {
        if let Some(notice) = &mut self.notice {
            notice.undo = href;
        }
        self
    }

    /// Begins or ends the session.
    #[must_use]
    pub fn session(mut self, change: SessionChange) -> Self {
        self.session = Some(change);
        self
    }

    /// Sets the encrypted cookie of a sign-in that is under way (10 minutes), or takes it away.
    #[must_use]
    pub fn cookie_attempt(mut self, value: Option<String>) -> Self {
        self.attempt = Some(value);
        self
    }
}

/// A notice as its cookie carries it.
#[derive(Serialize, serde::Deserialize)]
pub(super) struct Told {
    good: bool,
    strong: String,
    text: String,
    #[serde(default)]
    undo: Option<String>,
}

impl From<&Notice> for Told {
    fn from(notice: &Notice) -> Self {
        // A cookie holds 4 KB, and a notice is a sentence.
        let short = |text: &str| crate::kernel::text::shortened(text, 400);
        Self {
            good: notice.kind == NoticeKind::Good,
            strong: short(&notice.strong),
            text: short(&notice.text),
            undo: notice.undo.clone(),
        }
    }
}

impl From<Told> for Notice {
    fn from(told: Told) -> Self {
        let kind = if told.good { NoticeKind::Good } else { NoticeKind::Warn };
        Self { kind, strong: told.strong, text: told.text, undo: told.undo }
    }
}

/// Carries a streamed file from the thread that makes it to the connection.
pub struct Pipe(mpsc::Sender<std::io::Result<Vec<u8>>>);

impl std::io::Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let gone = |_| std::io::Error::from(std::io::ErrorKind::BrokenPipe);
        self.0.blocking_send(Ok(bytes.to_vec())).map_err(gone)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Starts the producer; what it writes comes out at the other end.
pub(super) fn stream(producer: Producer) -> mpsc::Receiver<std::io::Result<Vec<u8>>> {
    let (sender, receiver) = mpsc::channel(8);
    // The thread ends by itself when the reader goes: its next write fails.
    drop(actix_web::rt::task::spawn_blocking(move || {
        let mut sink = CsvOut::new(Pipe(sender.clone()));
        let made = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| producer(&mut sink)));
        let words = match made {
            Ok(Ok(())) => return,
            Ok(Err(error)) => error.to_string(),
            Err(_) => "panic".to_owned(),
        };
        if !sender.is_closed() {
            tracing::error!(error = words, "a file could not be finished");
            let _ = sender.blocking_send(Err(std::io::Error::other("unfinished")));
        }
    }));
    receiver
}
