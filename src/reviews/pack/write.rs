//! Sealing a pack.

use std::collections::HashSet;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::Signer;

use super::rows::{self, plain_key, records};
use super::{
    Counted, Error, FORMAT, Listed, MANIFEST, MOST_BYTES, MOST_FILES, MOST_MANIFEST, MOST_ROWS,
    Manifest, OURS, Pack, README, ROWS, SIGNATURE, SIGNER, SigningKey, Table, container, keys,
    plain, sha256, shown,
};

/// Makes the archive. The same pack and key always give the same bytes.
///
/// # Errors
/// When a name, a key of a row or the width of a row is not as [`Table`] asks, or the pack is too large.
pub fn seal(pack: &Pack, key: Option<&SigningKey>) -> Result<Vec<u8>, Error> {
    let mut taken: HashSet<_> = OURS.iter().map(|name| name.to_ascii_lowercase()).collect();
    let mut take = |name: &str| {
        if !plain(name) {
            return Err(Error::Name(name.to_owned()));
        }
        if taken.insert(name.to_ascii_lowercase()) {
            Ok(())
        } else {
            Err(Error::Taken(name.to_owned()))
        }
    };
    if pack.tables.iter().map(|table| table.rows.len()).sum::<usize>() > MOST_ROWS {
        return Err(Error::TooLarge);
    }
    let mut list = rows::LIST_HEADER.to_vec();
    let mut tables = Vec::with_capacity(pack.tables.len());
    let mut counted = Vec::with_capacity(pack.tables.len());
    for table in &pack.tables {
        let file = format!("{}.csv", table.name);
        take(&file)?;
        check(table, &file)?;
        let content = rows::csv(table)?;
        let name = &table.name;
        note_rows(name, &file, &content, &mut list)?;
        counted.push(Counted {
            file: file.clone(),
            rows: table.rows.len(),
            columns: table.columns.clone(),
        });
        tables.push((file, content));
    }
    for attachment in &pack.attachments {
        take(&attachment.name)?;
    }
    let readme = readme(pack, key.is_some());
    let public = key.map(|key| keys::public_pem(&key.verifying_key())).transpose()?;

    let mut files: Vec<(&str, &[u8])> = vec![(README, readme.as_bytes())];
    files.extend(public.as_ref().map(|pem| (SIGNER, pem.as_bytes())));
    files.push((ROWS, &list));
    files.extend(tables.iter().map(|(name, content)| (name.as_str(), content.as_slice())));
    files.extend(pack.attachments.iter().map(|a| (a.name.as_str(), a.bytes.as_slice())));
    let total: usize = files.iter().map(|(_, content)| content.len()).sum();
    if files.len() + 2 > MOST_FILES || total > MOST_BYTES {
        return Err(Error::TooLarge);
    }

    let mut packed = Vec::with_capacity(files.len() + 2);
    let mut listed = Vec::with_capacity(files.len());
    for (name, content) in files {
        let file = container::packed(name, content)?;
        listed.push(Listed {
            name: name.to_owned(),
            bytes: content.len(),
            sha256: sha256(content),
            packed_sha256: sha256(&file.packed),
        });
        packed.push(file);
    }
    let manifest = Manifest {
        format: FORMAT.to_owned(),
        title: pack.title.clone(),
        made_at: pack.made_at.clone(),
        software: pack.software.clone(),
        files: listed,
        tables: counted,
    };
    let mut manifest =
        serde_json::to_vec_pretty(&manifest).map_err(|e| Error::Broken(e.to_string()))?;
    manifest.push(b'\n');
    let signature = key.map(|key| format!("{}\n", STANDARD.encode(key.sign(&manifest).to_bytes())));

    let front = manifest.len() + signature.as_ref().map_or(0, String::len);
    if manifest.len() > MOST_MANIFEST || total + front > MOST_BYTES {
        return Err(Error::TooLarge);
    }

    let mut front = vec![container::packed(MANIFEST, &manifest)?];
    if let Some(signature) = &signature {
        front.push(container::packed(SIGNATURE, signature.as_bytes())?);
    }
    front.append(&mut packed);
    container::write(&front).ok_or(Error::TooLarge)
}

fn check(table: &Table, file: &str) -> Result<(), Error> {
    let columns = table.columns.len();
    let wide = |row, cells| Error::Width { file: file.to_owned(), row, cells, columns };
    if columns == 0 {
        return Err(wide(0, 0));
    }
    for (n, row) in table.rows.iter().enumerate() {
        if row.len() != columns {
            return Err(wide(n + 1, row.len()));
        }
        if row[0].is_empty() {
            return Err(Error::NoKey { file: file.to_owned(), row: n + 1 });
        }
    }
    Ok(())
}

/// Adds a table's rows to `rows.csv`, from the bytes that are in its file: so both sides hash the same.
fn note_rows(name: &str, file: &str, content: &[u8], list: &mut Vec<u8>) -> Result<(), Error> {
    let mut met = HashSet::new();
    for row in records(content).skip(1) {
        if !met.insert(row.key) {
            return Err(Error::SameKey { file: file.to_owned(), key: plain_key(row.key) });
        }
        for part in [name.as_bytes(), b",", row.key, b",", sha256(row.raw).as_bytes(), b"\r\n"] {
            list.extend_from_slice(part);
        }
    }
    Ok(())
}

fn readme(pack: &Pack, signed: bool) -> String {
    let mut files = String::new();
    for table in &pack.tables {
        let rows = table.rows.len();
        files += &format!(
            "{}.csv\n    A table with {rows} rows under one header row. The first column is the key.\n",
            table.name
        );
    }
    for attachment in &pack.attachments {
        files += &format!("{}\n    A document that belongs to the review.\n", attachment.name);
    }
    let signing = if signed {
        include_str!("readme_signed.txt")
    } else {
        include_str!("readme_unsigned.txt")
    };
    include_str!("readme.txt")
        .replace("{signing}", signing)
        .replace("{files}", &files)
        .replace("{made_at}", &shown(&pack.made_at))
        .replace("{software}", &shown(&pack.software))
        .replace("{title}", &shown(&pack.title))
}
