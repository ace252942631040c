//! The zip around the files: one fixed way to write it, a patient way to read it.
//!
//! By hand and not with a crate, for two reasons. Packs are checked years later, so each header byte must be ours and
//! not change with a library. And a reader that keeps one of two files with the same name hides the trick.

use std::io::{Read, Write};

use flate2::{Compression, Crc, bufread::DeflateDecoder, write::DeflateEncoder};

use super::{Error, MANIFEST, MOST_BYTES, MOST_FILES, SIGNATURE, shown};

const LOCAL: [u8; 4] = *b"PK\x03\x04";
const CENTRAL: [u8; 4] = *b"PK\x01\x02";
const END: [u8; 4] = *b"PK\x05\x06";
const END_SIZE: usize = 22;
/// 1 January 1980, the first day a zip knows: the same pack is always the same bytes.
const DATE: u16 = 0x0021;
const STORED: u16 = 0;
const DEFLATED: u16 = 8;

/// A file on its way into an archive.
pub struct Packed<'a> {
    pub name: &'a str,
    pub crc: u32,
    pub size: usize,
    pub packed: std::borrow::Cow<'a, [u8]>,
}

/// The manifest and its signature are stored as they are: nothing lists the hash of their compressed bytes.
fn method(name: &str) -> u16 {
    if matches!(name, MANIFEST | SIGNATURE) { STORED } else { DEFLATED }
}

/// Compresses one file.
pub fn packed<'a>(name: &'a str, content: &'a [u8]) -> Result<Packed<'a>, Error> {
    let packed = if method(name) == STORED {
        content.into()
    } else {
        let mut out = DeflateEncoder::new(Vec::new(), Compression::default());
        out.write_all(content)
            .and_then(|()| out.finish())
            .map_err(|e| Error::Broken(e.to_string()))?
            .into()
    };
    Ok(Packed { name, crc: crc(content), size: content.len(), packed })
}

fn crc(content: &[u8]) -> u32 {
    let mut crc = Crc::new();
    crc.update(content);
    crc.sum()
}

/// Puts the archive together. `None` past what a plain zip can count.
pub fn write(files: &[Packed]) -> Option<Vec<u8>> {
    let room: usize = files.iter().map(|file| file.packed.len() + 2 * file.name.len() + 76).sum();
    let mut out = Vec::with_capacity(room + END_SIZE);
    let mut central = Vec::new();
    for file in files {
        let start = u32::try_from(out.len()).ok()?;
        let mut common = Vec::with_capacity(26);
        for short in [20, 0, method(file.name), 0, DATE] {
            common.extend(u16::to_le_bytes(short));
        }
        for long in
            [file.crc, u32::try_from(file.packed.len()).ok()?, u32::try_from(file.size).ok()?]
        {
            common.extend(long.to_le_bytes());
        }
        common.extend(u16::try_from(file.name.len()).ok()?.to_le_bytes());
        common.extend([0, 0]); // no extra field

        out.extend(LOCAL);
        out.extend(&common);
        out.extend(file.name.as_bytes());
        out.extend(&*file.packed);

        central.extend(CENTRAL);
        central.extend([20, 3]); // written as on Unix, where a file may be read by all
        central.extend(&common);
        central.extend([0; 6]); // no comment, first disk, no inner attributes
        central.extend((0o100_644_u32 << 16).to_le_bytes());
        central.extend(start.to_le_bytes());
        central.extend(file.name.as_bytes());
    }
    let count = u16::try_from(files.len()).ok()?.to_le_bytes();
    let (start, size) = (u32::try_from(out.len()).ok()?, u32::try_from(central.len()).ok()?);
    out.extend(central);
    out.extend(END);
    out.extend([0; 4]);
    out.extend([count, count].concat());
    out.extend(size.to_le_bytes());
    out.extend(start.to_le_bytes());
    out.extend([0, 0]);
    Some(out)
}

/// A file found in an archive.
pub struct Entry<'a> {
    pub name: String,
    pub packed: &'a [u8],
    /// What is in it, or why that cannot be had.
    pub content: Result<Vec<u8>, String>,
    /// Whether length and checksum are those the archive gives.
    pub sound: bool,
}

impl Entry<'_> {
    /// As [`write`] wants it.
    pub fn as_packed(&self) -> Option<Packed<'_>> {
        let content = self.content.as_ref().ok()?;
        Some(Packed {
            name: &self.name,
            crc: crc(content),
            size: content.len(),
            packed: self.packed.into(),
        })
    }
}

/// Reads an archive, also one that another program wrote. Keeps files of the same name apart.
pub fn read(bytes: &[u8]) -> Result<Vec<Entry<'_>>, String> {
    const CUT: &str = "it is not a zip archive, or it was cut short";
    let tail = bytes.len().saturating_sub(END_SIZE + usize::from(u16::MAX));
    let end =
        bytes.get(tail..).and_then(|b| b.windows(4).rposition(|w| w == END)).ok_or(CUT)? + tail;
    let count = short(bytes, end + 10).ok_or(CUT)?;
    if count > MOST_FILES {
        return Err(format!("it has {count} files, and more than {MOST_FILES} are refused"));
    }
    let mut at = long(bytes, end + 16).ok_or(CUT)?;
    let mut room = MOST_BYTES;
    let mut entries = Vec::with_capacity(count);
    for number in 1..=count {
        let broken = || format!("its list of files is broken at file {number}");
        let (entry, unpacked, next) = entry(bytes, at, room).ok_or_else(broken)?;
        // Also what was unpacked in vain counts: many names for one broken file cost no more than one.
        room = room.saturating_sub(unpacked);
        entries.push(entry?);
        at = next;
    }
    Ok(entries)
}

/// A file, how many bytes were unpacked for it, and where the list goes on.
type Found<'a> = (Result<Entry<'a>, String>, usize, usize);

/// The file that the list names here. `None` where it says what cannot be.
fn entry(bytes: &[u8], at: usize, room: usize) -> Option<Found<'_>> {
    let starts = |at: usize, with: [u8; 4]| bytes.get(at..).is_some_and(|b| b.starts_with(&with));
    if !starts(at, CENTRAL) {
        return None;
    }
    let (flags, method) = (short(bytes, at + 8)?, short(bytes, at + 10)?);
    let (crc_given, packed_size, size) =
        (long(bytes, at + 16)?, long(bytes, at + 20)?, long(bytes, at + 24)?);
    let name_size = short(bytes, at + 28)?;
    let name = bytes.get(at + 46..at + 46 + name_size)?;
    let next = at + 46 + name_size + short(bytes, at + 30)? + short(bytes, at + 32)?;

    let local = long(bytes, at + 42)?;
    let local_name = short(bytes, local.checked_add(26)?)?;
    if !starts(local, LOCAL) || bytes.get(local + 30..local + 30 + local_name)? != name {
        return None;
    }
    let data = local + 30 + local_name + short(bytes, local + 28)?;
    let packed = bytes.get(data..data.checked_add(packed_size)?)?;
    let mut unpacked = packed.len();
    let content = match method {
        _ if flags & 1 != 0 => Err("it is encrypted".to_owned()),
        0 => Ok(packed.to_vec()),
        8 => inflate(packed, room, &mut unpacked),
        other => Err(format!("it is compressed in a way that packs do not use (method {other})")),
    };
    if content.as_ref().is_ok_and(|content| content.len() > room) {
        let name = shown(&String::from_utf8_lossy(name));
        let mb = MOST_BYTES / (1024 * 1024);
        return Some((
            Err(format!("{name}: it unpacks to more than {mb} MB, which is refused")),
            unpacked,
            next,
        ));
    }
    let sound =
        content.as_ref().is_ok_and(|c| c.len() == size && usize::try_from(crc(c)) == Ok(crc_given));
    let name = String::from_utf8_lossy(name).into_owned();
    Some((Ok(Entry { name, packed, content, sound }), unpacked, next))
}

/// At most one byte more than there is room for, whatever the archive claims; says how many bytes came, also before a
/// fault.
fn inflate(packed: &[u8], room: usize, unpacked: &mut usize) -> Result<Vec<u8>, String> {
    let mut content = Vec::new();
    let most = u64::try_from(room).unwrap_or(u64::MAX).saturating_add(1);
    let read = DeflateDecoder::new(packed).take(most).read_to_end(&mut content);
    *unpacked = content.len();
    read.map(|_| content).map_err(|_| "it is damaged and cannot be unpacked".to_owned())
}

fn short(bytes: &[u8], at: usize) -> Option<usize> {
    let found = bytes.get(at..at.checked_add(2)?)?;
    Some(u16::from_le_bytes(found.try_into().ok()?).into())
}

fn long(bytes: &[u8], at: usize) -> Option<usize> {
    let found = bytes.get(at..at.checked_add(4)?)?;
    usize::try_from(u32::from_le_bytes(found.try_into().ok()?)).ok()
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::DeflateEncoder;

    use super::*;

    #[test]
    fn what_was_unpacked_before_a_fault_counts() {
        let mut writer = DeflateEncoder::new(Vec::new(), Compression::default());
        writer.write_all(&[7; 200_000]).unwrap();
        let mut packed = writer.finish().unwrap();
        packed.truncate(packed.len() - 2);
        let mut unpacked = 0;
        assert!(inflate(&packed, MOST_BYTES, &mut unpacked).is_err());
        assert!(unpacked > 100_000, "{unpacked}");
    }
}
