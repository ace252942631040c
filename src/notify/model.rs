//! A notice as its letter knows it, and where its mail stands.

use super::rules::Reader;
use crate::kernel::{Fact, NoticeId, PersonId, Ts, Zone};

crate::text_enum! {
    /// Where a mail stands.
    pub enum State {
        /// It is tried, now or later.
        Waiting = "waiting",
        /// A server has taken it.
        Sent = "sent",
        /// It is not tried any more, unless somebody says so.
        Failed = "failed",
        /// Nobody needs it any more: who it was for has left, or can no longer decide.
        Dropped = "dropped",
    }
}

/// One notice with all that its letter says.
#[derive(Clone, Debug)]
pub struct Told {
    /// The notice.
    pub notice: NoticeId,
    /// To whom it goes.
    pub to: Recipient,
    /// As whom they are told.
    pub reader: Reader,
    /// What happened, in one sentence.
    pub sentence: String,
    /// The page that it leads to, without the site's address.
    pub link: String,
    /// When it happened.
    pub at: Ts,
    /// What happened; none when another version recorded it.
    pub fact: Option<Fact>,
    /// Who did it.
    pub actor: String,
    /// Whom it concerns.
    pub person: Option<(PersonId, String)>,
    /// The package's name.
    pub package: Option<String>,
    /// The catalog's name.
    pub catalog: Option<String>,
    /// What people quote: "KH-7Q2M-9XKD".
    pub reference: Option<String>,
    /// The resource's name.
    pub resource: Option<String>,
    /// What the actor wrote.
    pub note: Option<String>,
    /// The request, if it is about one.
    pub request: Option<Asked>,
}

/// To whom a letter goes.
#[derive(Clone, Debug)]
pub struct Recipient {
    /// The person.
    pub id: PersonId,
    /// Their name.
    pub name: String,
    /// Their address, if the staff list has one.
    pub mail: Option<String>,
    /// False for who has left.
    pub enabled: bool,
    /// The zone in whose clock they read times, if they chose one.
    pub clock: Option<Zone>,
}

/// The request that a letter is about.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Who asked.
    pub requestor: (PersonId, String),
    /// For whom.
    pub target: (PersonId, String),
    /// Why, in the requestor's words.
    pub reason: String,
    /// The start that was asked for.
    pub starts: Option<Ts>,
    /// The end that was asked for.
    pub ends: Option<Ts>,
    /// When the open stage runs out.
    pub due: Option<Ts>,
    /// When the assignment that came of it ends.
    pub until: Option<Ts>,
}
