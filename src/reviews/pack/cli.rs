//! `keyholder audit verify PACK [--key PUBLIC]`. Needs no configuration, no database and no network.

use std::io::{Read, Write};
use std::path::Path;

use super::{MOST_BYTES, verify, verifying_key};

/// Checks a pack and prints what was found. The exit code: 0 it holds (the signer may be unproven, which is said),
/// 1 something is wrong with it, 2 the pack or the key cannot be read.
pub fn run_verify(path: &Path, key_path: Option<&Path>, out: &mut dyn Write) -> i32 {
    let key = key_path.map(|path| {
        let pem = String::from_utf8(read(path)?)
            .map_err(|_| format!("{}: this is not a PEM file", path.display()))?;
        verifying_key(&pem).map_err(|e| format!("{}: {e}", path.display()))
    });
    let code = match key.transpose().and_then(|key| Ok((key, read(path)?))) {
        Ok((key, bytes)) => {
            let report = verify(&bytes, key.as_ref());
            write!(out, "{report}").map(|()| i32::from(!report.holds()))
        }
        Err(text) => writeln!(out, "{text}").map(|()| 2),
    };
    code.unwrap_or(2)
}

/// The file, if it is not larger than any pack.
fn read(path: &Path) -> Result<Vec<u8>, String> {
    let most = u64::try_from(MOST_BYTES).unwrap_or(u64::MAX);
    let mut bytes = Vec::new();
    let file =
        std::fs::File::open(path).and_then(|file| file.take(most + 1).read_to_end(&mut bytes));
    file.map_err(|e| format!("{} cannot be read: {e}", path.display()))?;
    if bytes.len() > MOST_BYTES {
        Err(format!("{} is larger than any pack", path.display()))
    } else {
        Ok(bytes)
    }
}
