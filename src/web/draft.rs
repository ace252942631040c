//! What somebody had typed when their session ended (E22): one encrypted draft on the ended session's row.

use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes256Gcm, Key};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use diesel::prelude::*;

use super::form::Form;
use crate::db::Tx;
use crate::db::schema::sessions;
use crate::error::{Error, Result};

/// The largest draft, in bytes before encryption.
pub const DRAFT_MAX: usize = 64 * 1024;
const NONCE: usize = 12;

/// The form as it is stored, readable only for the same session and page; none if it is too large.
#[must_use]
pub fn seal(key: &[u8; 32], session: &str, path: &str, form: &Form) -> Option<String> {
    let text = serde_json::to_vec(form).ok().filter(|text| text.len() <= DRAFT_MAX)?;
    let nonce: [u8; NONCE] = rand::random();
    let payload = Payload { msg: &text, aad: &bound(session, path) };
    let sealed = cipher(key).encrypt(&nonce.into(), payload).ok()?;
    Some(URL_SAFE_NO_PAD.encode([&nonce[..], &sealed].concat()))
}

/// The form of a stored draft; none if it belongs to another session or page, or was changed.
#[must_use]
pub fn open(key: &[u8; 32], session: &str, path: &str, stored: &str) -> Option<Form> {
    let bytes = URL_SAFE_NO_PAD.decode(stored).ok()?;
    let (nonce, sealed) = bytes.split_at_checked(NONCE)?;
    let nonce: [u8; NONCE] = nonce.try_into().ok()?;
    let payload = Payload { msg: sealed, aad: &bound(session, path) };
    let text = cipher(key).decrypt(&nonce.into(), payload).ok()?;
    serde_json::from_slice(&text).ok()
}

fn cipher(key: &[u8; 32]) -> Aes256Gcm {
    Aes256Gcm::new(&Key::<Aes256Gcm>::from(*key))
}

fn bound(session: &str, path: &str) -> Vec<u8> {
    format!("{session}\0{path}").into_bytes()
}

/// Puts the draft on the session's row, in place of an earlier one.
///
/// # Errors
/// `Missing` when the row is gone.
pub fn keep(tx: &mut Tx<'_>, session: &str, path: &str, sealed: &str) -> Result<()> {
    let changed = diesel::update(sessions::table.find(session))
        .set((sessions::draft_path.eq(path), sessions::draft.eq(sealed)))
        .execute(tx.db())?;
    if changed == 1 { Ok(()) } else { Err(Error::Missing) }
}

/// Takes the draft off the row; none if somebody was faster.
///
/// # Errors
/// When the database does not answer.
pub fn take(tx: &mut Tx<'_>, session: &str) -> Result<Option<String>> {
    let draft: Option<String> = sessions::table
        .find(session)
        .select(sessions::draft)
        .first::<Option<String>>(tx.db())
        .optional()?
        .flatten();
    let taken = diesel::update(sessions::table.find(session).filter(sessions::draft.is_not_null()))
        .set((sessions::draft_path.eq(None::<String>), sessions::draft.eq(None::<String>)))
        .execute(tx.db())?;
    Ok(draft.filter(|_| taken == 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draft_opens_for_its_own_session_and_page_only() {
        let form = Form::of([("note", "For the audit."), ("note", "Twice")]);
        let key = [7; 32];
        let sealed = seal(&key, "session", "/a", &form).unwrap();
        assert!(!sealed.contains("audit"));
        assert_eq!(open(&key, "session", "/a", &sealed), Some(form));
        assert_eq!(open(&key, "another", "/a", &sealed), None);
        assert_eq!(open(&key, "session", "/b", &sealed), None);
        assert_eq!(open(&[8; 32], "session", "/a", &sealed), None);
        assert_eq!(open(&key, "session", "/a", &sealed[1..]), None);
        assert_eq!(open(&key, "session", "/a", ""), None);
    }

    #[test]
    fn a_draft_that_is_too_large_is_not_kept() {
        let form = Form::of([("note", "x".repeat(DRAFT_MAX))]);
        assert_eq!(seal(&[7; 32], "session", "/a", &form), None);
    }
}
