//! Pages of a list by key, not by number: a page stays right while rows come and go, and no page is slow.
//!
//! A query asks for `limit + 1` rows after (or, in reverse order, before) the cursor; [`page`] cuts them.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use uuid::Uuid;

use crate::kernel::Ts;

/// What a list is ordered by, before the id.
pub trait Key: Sized + Clone {
    /// Tells the kinds apart, so that one list's cursor is no other's.
    const TAG: u8;
    /// The key as bytes.
    fn bytes(&self) -> Vec<u8>;
    /// The key of these bytes.
    fn read(bytes: &[u8]) -> Option<Self>;
}

impl Key for Ts {
    const TAG: u8 = 0;

    fn bytes(&self) -> Vec<u8> {
        self.micros().to_be_bytes().to_vec()
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let micros = i64::from_be_bytes(bytes.try_into().ok()?);
        let at = Self::from_micros(micros);
        (at.micros() == micros).then_some(at)
    }
}

impl Key for String {
    const TAG: u8 = 2;

    fn bytes(&self) -> Vec<u8> {
        self.clone().into_bytes()
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        // No name holds it, and PostgreSQL takes no text with it.
        Self::from_utf8(bytes.to_vec()).ok().filter(|text| !text.contains('\0'))
    }
}

/// A place in a list: after this row, or before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor<K> {
    /// What the list is ordered by.
    pub key: K,
    /// The row's id, which tells equal keys apart.
    pub id: Uuid,
    /// True for the rows before it: the query runs in reverse order.
    pub back: bool,
}

impl<K: Key> Cursor<K> {
    /// As it stands in an address.
    #[must_use]
    pub fn encode(&self) -> String {
        let mut bytes = vec![K::TAG | u8::from(self.back)];
        bytes.extend(self.id.as_bytes());
        bytes.extend(self.key.bytes());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// From an address; none if somebody made it up.
    #[must_use]
    pub fn decode(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (tag, rest) = bytes.split_first()?;
        let (id, key) = rest.split_at_checked(16)?;
        if tag & !1 != K::TAG {
            return None;
        }
        Some(Self { key: K::read(key)?, id: Uuid::from_slice(id).ok()?, back: tag & 1 == 1 })
    }
}

/// One page of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// The rows, in the list's order.
    pub rows: Vec<T>,
    /// The cursor of the page before, if there is one.
    pub previous: Option<String>,
    /// The cursor of the page after, if there is one.
    pub next: Option<String>,
}

/// Cuts up to `limit + 1` rows, in the order in which they were asked for, to a page.
pub fn page<T, K: Key>(
    mut rows: Vec<T>,
    limit: usize,
    at: Option<&Cursor<K>>,
    key: impl Fn(&T) -> (K, Uuid),
) -> Page<T> {
    let more = rows.len() > limit;
    rows.truncate(limit);
    let back = at.is_some_and(|cursor| cursor.back);
    if back {
        rows.reverse();
    }
    let cursor = |row: Option<&T>, back| {
        let (key, id) = key(row?);
        Some(Cursor { key, id, back }.encode())
    };
    let (before, after) = if back { (more, true) } else { (at.is_some(), more) };
    let previous = if before { cursor(rows.first(), true) } else { None };
    let next = if after { cursor(rows.last(), false) } else { None };
    Page { rows, previous, next }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(n: u128) -> (String, Uuid) {
        (format!("row {n}"), Uuid::from_u128(n))
    }

    #[test]
    fn a_cursor_comes_back_as_it_was() {
        for back in [false, true] {
            let at = Cursor { key: Ts::from_micros(1_795_000_000_000_001), id: row(7).1, back };
            assert_eq!(Cursor::decode(&at.encode()), Some(at.clone()));
            assert_eq!(Cursor::<String>::decode(&at.encode()), None);
            let name = Cursor { key: "Tomás".to_owned(), id: row(8).1, back };
            assert_eq!(Cursor::decode(&name.encode()), Some(name.clone()));
            assert_eq!(Cursor::<Ts>::decode(&name.encode()), None);
        }
    }

    #[test]
    fn a_made_up_cursor_is_none() {
        for text in ["", "9999", "!!!", "AAAA", "____", "AAAAAAAAAAAAAAAAAAAAAAA"] {
            assert_eq!(Cursor::<Ts>::decode(text), None, "{text}");
        }
        let name = Cursor { key: "Ann\0".to_owned(), id: row(1).1, back: false };
        assert_eq!(Cursor::<String>::decode(&name.encode()), None, "no database has such a name");
    }

    #[test]
    fn pages_lead_forth_and_back() {
        let key = |row: &(String, Uuid)| row.clone();
        let first = page((1..=3).map(row).collect(), 2, None, key);
        assert_eq!(first.rows, [row(1), row(2)]);
        assert_eq!(first.previous, None);
        let at = Cursor::<String>::decode(&first.next.unwrap()).unwrap();
        assert_eq!((at.id, at.back), (row(2).1, false));

        let second = page(vec![row(3)], 2, Some(&at), key);
        assert_eq!(second.next, None);
        let at = Cursor::<String>::decode(&second.previous.unwrap()).unwrap();
        assert_eq!((at.id, at.back), (row(3).1, true));

        // Asked for in reverse order.
        let again = page(vec![row(2), row(1)], 2, Some(&at), key);
        assert_eq!(again.rows, [row(1), row(2)]);
        assert_eq!(again.previous, None);
        assert!(again.next.is_some());
    }
}
