//! Who hears of which fact. The dispatcher makes one notice per fact and person from undispatched facts,
//! idempotently (E6); letters come later. Today's notices are what the demo's mailbox shows.

pub mod dispatch;
pub mod rules;
