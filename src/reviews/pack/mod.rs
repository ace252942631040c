//! The review pack: an archive that holds the evidence of a review and can be checked anywhere, without Keyholder's
//! database and without a network. [`seal`] makes it, [`verify`] names what is wrong with one.
//!
//! Three layers, each covered by the next: the hash of every row (`rows.csv`), the hash of every file
//! (`manifest.json`), one signature over the manifest (`manifest.sig`). The key that proves it comes from outside.

mod cli;
mod container;
mod keys;
mod report;
mod rows;
mod verify;
mod write;

pub use cli::run_verify;
pub use ed25519_dalek::{SigningKey, VerifyingKey};
pub use keys::{Pair, fingerprint, generate, signing_key, verifying_key};
pub use report::{Finding, Report, Signer};
pub use verify::verify;
pub use write::seal;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The most that all files of a pack may come to when unpacked, in bytes. Keeps a zip bomb from filling the memory.
pub const MOST_BYTES: usize = 512 * 1024 * 1024;
/// The most files a pack may have.
pub const MOST_FILES: usize = 1000;
/// The most rows all tables may have together.
pub const MOST_ROWS: usize = 2_000_000;

/// The files of an archive by their names, whether it holds or not.
///
/// # Errors
/// Words when it is not an archive.
pub fn files(bytes: &[u8]) -> Result<Vec<(String, Vec<u8>)>, String> {
    let entries = container::read(bytes)?;
    entries.into_iter().map(|entry| Ok((entry.name, entry.content?))).collect()
}

/// An archive of these files, in their order. It proves nothing: [`seal`] makes a pack.
///
/// # Errors
/// When there are too many of them, or they are too large.
pub fn archive(files: &[(String, Vec<u8>)]) -> Result<Vec<u8>, Error> {
    let packed: Result<Vec<_>, Error> =
        files.iter().map(|(name, content)| container::packed(name, content)).collect();
    container::write(&packed?).ok_or(Error::TooLarge)
}

/// The most bytes of a manifest: what reads it needs many times as much.
const MOST_MANIFEST: usize = 16 * 1024 * 1024;
const FORMAT: &str = "keyholder-review-pack/1";
const README: &str = "README.txt";
const MANIFEST: &str = "manifest.json";
const SIGNATURE: &str = "manifest.sig";
const SIGNER: &str = "signer.pub";
const ROWS: &str = "rows.csv";
const OURS: [&str; 5] = [README, MANIFEST, SIGNATURE, SIGNER, ROWS];

/// A table of the pack, written as `NAME.csv`. What a spreadsheet would run as a formula is made text (E30).
#[derive(Clone, Debug, Default)]
pub struct Table {
    /// The file's name without `.csv`: letters, digits, `.`, `-`, `_`.
    pub name: String,
    /// The header row.
    pub columns: Vec<String>,
    /// The rows. The first cell is the row's key: not empty, and unique within the table.
    pub rows: Vec<Vec<String>>,
}

/// Any other file, such as `summary.html`.
#[derive(Clone, Debug, Default)]
pub struct Attachment {
    /// The file's name: letters, digits, `.`, `-`, `_`.
    pub name: String,
    /// What is in it.
    pub bytes: Vec<u8>,
}

/// What goes into a pack.
#[derive(Clone, Debug, Default)]
pub struct Pack {
    /// What the pack is about.
    pub title: String,
    /// When it was made, as RFC 3339 writes it. Given, so that the same review always gives the same bytes.
    pub made_at: String,
    /// What made it, with its version.
    pub software: String,
    /// The tables, in the order in which they are listed.
    pub tables: Vec<Table>,
    /// The other files.
    pub attachments: Vec<Attachment>,
}

/// Why a pack cannot be sealed, or a key not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A name that not every system takes, or that leads out of the folder.
    #[error(
        "{0:?} cannot be a file name in a pack: use letters, digits, '.', '-' and '_', at most 100 of them"
    )]
    Name(String),
    /// Two files of one name, or one that the pack itself needs.
    #[error("the name {0:?} is taken (letter case does not tell files apart)")]
    Taken(String),
    /// A row without a key.
    #[error("{file}: row {row} has no key in its first column")]
    NoKey {
        /// The table's file.
        file: String,
        /// Counted from 1.
        row: usize,
    },
    /// Two rows of one key.
    #[error("{file}: two rows have the key {key:?}")]
    SameKey {
        /// The table's file.
        file: String,
        /// The key as it is written.
        key: String,
    },
    /// A row that is not as wide as the header.
    #[error("{file}: row {row} has {cells} cells under {columns} columns")]
    Width {
        /// The table's file.
        file: String,
        /// Counted from 1; 0 is the header.
        row: usize,
        /// Cells in the row.
        cells: usize,
        /// Cells in the header.
        columns: usize,
    },
    /// More than [`MOST_BYTES`], [`MOST_FILES`] or [`MOST_ROWS`].
    #[error(
        "the pack is too large: at most {MOST_FILES} files, {MOST_ROWS} rows and {MOST_BYTES} bytes"
    )]
    TooLarge,
    /// A key that is not what was asked for.
    #[error("{0}")]
    Key(String),
    /// Never in practice: it is written to memory.
    #[error("the pack cannot be written: {0}")]
    Broken(String),
}

/// `manifest.json`. Its exact bytes are what is signed.
#[derive(Default, Serialize, Deserialize)]
struct Manifest {
    format: String,
    title: String,
    made_at: String,
    software: String,
    files: Vec<Listed>,
    tables: Vec<Counted>,
}

#[derive(Serialize, Deserialize)]
struct Listed {
    name: String,
    bytes: usize,
    sha256: String,
    /// Of the compressed bytes. So the container can be checked byte for byte without compressing again, which another
    /// version of the compressor would do differently.
    packed_sha256: String,
}

#[derive(Serialize, Deserialize)]
struct Counted {
    file: String,
    rows: usize,
    columns: Vec<String>,
}

fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

fn hex(bytes: &[u8]) -> String {
    let digit = |n: u8| char::from_digit(u32::from(n), 16).unwrap_or('0');
    bytes.iter().flat_map(|b| [digit(b >> 4), digit(b & 15)]).collect()
}

/// A name that stays in its folder on every system.
fn plain(name: &str) -> bool {
    let safe = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    (1..=100).contains(&name.len())
        && name.chars().all(safe)
        && !name.starts_with('.')
        && !name.ends_with('.')
}

/// Foreign text as one line of a terminal: a hostile pack must not write lines of its own.
fn shown(text: &str) -> String {
    const MOST: usize = 120;
    let mut out = String::new();
    for (n, c) in text.chars().enumerate() {
        if n == MOST {
            out.push('…');
            break;
        }
        let unseen = matches!(u32::from(c), 0x61c | 0x200b..=0x200f | 0x2028..=0x202e | 0x2060..=0x206f | 0xfeff);
        if c.is_control() || unseen {
            out.extend(c.escape_unicode());
        } else {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests;
