//! Checking a pack. Whatever the bytes are, the answer is a report.

use std::collections::{HashMap, HashSet};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::Signature;

use super::container::{self, Entry};
use super::rows::{self, records};
use super::{
    Counted, FORMAT, Finding, Listed, MANIFEST, MOST_FILES, MOST_MANIFEST, MOST_ROWS, Manifest,
    ROWS, Report, SIGNATURE, SIGNER, Signer, VerifyingKey, fingerprint, plain, sha256, shown,
    verifying_key,
};

const ARCHIVE: &str = "the archive";

/// Checks a pack, with the public key of whoever should have signed it. Without one the signer stays unproven. Works on
/// any bytes and never panics.
#[must_use]
pub fn verify(bytes: &[u8], key: Option<&VerifyingKey>) -> Report {
    let mut report = Report::default();
    match container::read(bytes) {
        Ok(entries) => check(bytes, &entries, key, &mut report),
        Err(text) => {
            report.findings.push(Finding::new(ARCHIVE, format!("it cannot be read: {text}")))
        }
    }
    report
}

fn check(bytes: &[u8], entries: &[Entry], key: Option<&VerifyingKey>, report: &mut Report) {
    let by_name = by_name(entries, &mut report.findings);
    let content = by_name.get(MANIFEST).and_then(|entry| entry.content.as_ref().ok());
    let Some(manifest) = content.filter(|content| content.len() <= MOST_MANIFEST) else {
        let text = "the file is missing, damaged or too long, so nothing else can be checked";
        return report.findings.push(Finding::new(MANIFEST, text));
    };
    report.signer = signer(manifest, &by_name, key, &mut report.findings);
    let sound = by_name.get(MANIFEST).is_some_and(|entry| entry.sound);
    if report.signer == Signer::Unsigned && !sound {
        report.findings.push(Finding::new(
            MANIFEST,
            "it does not match the checksum that the archive keeps of it",
        ));
    }
    let manifest: Manifest = match serde_json::from_slice(manifest) {
        Ok(manifest) => manifest,
        Err(_) => {
            return report
                .findings
                .push(Finding::new(MANIFEST, "it is damaged: it is not a manifest"));
        }
    };
    if manifest.format != FORMAT {
        let text =
            format!("it is not in the form {FORMAT}; a later Keyholder may be needed to check it");
        return report.findings.push(Finding::new(MANIFEST, text));
    }

    if manifest.files.len().max(manifest.tables.len()) > MOST_FILES {
        let text = format!("it lists more than {MOST_FILES} files, which is refused");
        return report.findings.push(Finding::new(MANIFEST, text));
    }

    let changed = files(&manifest.files, &by_name, &mut report.findings);
    tables(&manifest, &by_name, &changed, report);
    if report.findings.is_empty() && !untouched(bytes, entries, &manifest.files) {
        let text = "the container was changed (its contents are intact)";
        report.findings.push(Finding::new(ARCHIVE, text));
    }
    (report.title, report.made_at, report.software) =
        (manifest.title, manifest.made_at, manifest.software);
}

type ByName<'a> = HashMap<&'a str, &'a Entry<'a>>;

/// The files that may be in a pack. Of two with one name the first counts, and there is a finding.
fn by_name<'a>(entries: &'a [Entry<'a>], findings: &mut Vec<Finding>) -> ByName<'a> {
    let mut by_name = ByName::new();
    for entry in entries {
        if !plain(&entry.name) {
            findings.push(Finding::new(
                &entry.name,
                "a file of this name is refused: it could leave its folder",
            ));
        } else if by_name.contains_key(entry.name.as_str()) {
            let text = "the archive has two files of this name; which of them one sees depends on the program";
            findings.push(Finding::new(&entry.name, text));
        } else {
            by_name.insert(&entry.name, entry);
        }
    }
    by_name
}

/// Whose signature stands under the manifest.
fn signer(
    manifest: &[u8],
    by_name: &ByName,
    key: Option<&VerifyingKey>,
    findings: &mut Vec<Finding>,
) -> Signer {
    let Some(signature) = by_name.get(SIGNATURE) else {
        if by_name.contains_key(SIGNER) {
            let text = "the file is missing, though the pack has a signer";
            findings.push(Finding::new(SIGNATURE, text));
        } else if key.is_some() {
            findings.push(Finding::new(
                SIGNATURE,
                "the pack is not signed, but a public key was given",
            ));
        }
        return Signer::Unsigned;
    };
    let Some(signature) = signature.content.as_ref().ok().and_then(|text| parse(text)) else {
        findings.push(Finding::new(
            SIGNATURE,
            "it is damaged: it is not an Ed25519 signature as Base64",
        ));
        return Signer::Wrong;
    };
    let holds = |key: &VerifyingKey| key.verify_strict(manifest, &signature).is_ok();
    let inner = by_name.get(SIGNER).and_then(|entry| {
        verifying_key(std::str::from_utf8(entry.content.as_ref().ok()?).ok()?).ok()
    });
    let finding = match (key, inner) {
        (Some(key), _) if holds(key) => return Signer::Proven(fingerprint(key)),
        (None, Some(inner)) if holds(&inner) => return Signer::Unproven(fingerprint(&inner)),
        (Some(_), Some(inner)) if holds(&inner) => {
            let text = "it was made with another key than the one given; the fingerprint of that other key is";
            Finding::new(SIGNATURE, format!("{text} {}", fingerprint(&inner)))
        }
        (None, None) => Finding::new(
            SIGNER,
            "the public key is missing or damaged, so the signature cannot be checked",
        ),
        _ => Finding::new(MANIFEST, "the manifest is not the one that was signed"),
    };
    findings.push(finding);
    Signer::Wrong
}

fn parse(text: &[u8]) -> Option<Signature> {
    Signature::from_slice(&STANDARD.decode(text.strip_suffix(b"\n")?).ok()?).ok()
}

/// Sets the files against the manifest. Returns those that are not as it lists them; for the tables among them it is
/// left to [`tables`] to say more.
fn files<'a>(
    listed: &'a [Listed],
    by_name: &ByName,
    findings: &mut Vec<Finding>,
) -> HashSet<&'a str> {
    let names: HashSet<_> = listed.iter().map(|file| file.name.as_str()).collect();
    if names.len() < listed.len() || names.contains(MANIFEST) || names.contains(SIGNATURE) {
        findings
            .push(Finding::new(MANIFEST, "it lists a file twice, or one that cannot be listed"));
    }
    let ours = |name: &str| names.contains(name) || name == MANIFEST || name == SIGNATURE;
    let mut added: Vec<(&str, Option<String>)> = by_name
        .values()
        .filter(|entry| !ours(&entry.name))
        .map(|entry| (entry.name.as_str(), entry.content.as_deref().ok().map(sha256)))
        .collect();
    added.sort();
    let mut changed = HashSet::new();
    for file in listed {
        let name = file.name.as_str();
        match by_name.get(name).map(|entry| &entry.content) {
            Some(Ok(content)) if content.len() == file.bytes && sha256(content) == file.sha256 => {
                continue;
            }
            Some(Ok(_)) => {}
            Some(Err(text)) => findings.push(Finding::new(name, text.as_str())),
            None => {
                let same = |(_, hash): &(_, Option<String>)| hash.as_ref() == Some(&file.sha256);
                let text = match added.iter().position(same) {
                    Some(n) => format!("the file was renamed to {}", added.remove(n).0),
                    None => "the file is missing".to_owned(),
                };
                findings.push(Finding::new(name, text));
            }
        }
        changed.insert(name);
    }
    findings.extend(added.iter().map(|(name, _)| Finding::new(name, "the file was added")));
    if !names.contains(ROWS) {
        findings.push(Finding::new(
            MANIFEST,
            format!("it does not list {ROWS}, so no row can be checked"),
        ));
    }
    changed
}

/// Sets header, rows and counts of every table against the manifest and `rows.csv`.
fn tables(manifest: &Manifest, by_name: &ByName, changed: &HashSet<&str>, report: &mut Report) {
    let content = |name: &str| by_name.get(name).and_then(|entry| entry.content.as_ref().ok());
    let mut listed = None;
    if let Some(rows) = content(ROWS).filter(|_| !changed.contains(ROWS)) {
        listed = rows::listed(rows);
        if listed.is_none() {
            report.findings.push(Finding::new(ROWS, "it is damaged: it is not a list of rows"));
        }
    }
    let mut known = HashSet::new();
    let mut room = MOST_ROWS;
    for table in &manifest.tables {
        if !known.insert(table.file.as_str()) {
            let text = format!("it counts the rows of {} twice", shown(&table.file));
            report.findings.push(Finding::new(MANIFEST, text));
            continue;
        }
        let name = table.file.strip_suffix(".csv").unwrap_or_default();
        let rows = listed.as_mut().map(|listed| listed.remove(name.as_bytes()).unwrap_or_default());
        let Some(content) = content(&table.file) else {
            if !changed.contains(table.file.as_str()) {
                report.findings.push(Finding::new(&table.file, "the table is missing"));
            }
            continue;
        };
        let count = records(content).count().saturating_sub(1);
        report.tables.push((table.file.clone(), count));
        let Some(rest) = room.checked_sub(count) else {
            let text =
                format!("with it the tables have more than {MOST_ROWS} rows, which is refused");
            report.findings.push(Finding::new(&table.file, text));
            continue;
        };
        room = rest;
        let findings =
            table_findings(table, content, rows.as_deref(), changed.contains(table.file.as_str()));
        report.findings.extend(findings);
    }
    if listed.is_some_and(|rest| !rest.is_empty()) {
        let text = "it lists rows of a table that the manifest does not count";
        report.findings.push(Finding::new(ROWS, text));
    }
    for file in
        manifest.files.iter().map(|file| file.name.as_str()).filter(|name| changed.contains(name))
    {
        if !known.contains(file) && content(file).is_some() {
            report.findings.push(Finding::new(file, "the file was changed"));
        }
    }
}

fn table_findings(
    table: &Counted,
    content: &[u8],
    rows: Option<&[rows::Expected]>,
    changed: bool,
) -> Vec<Finding> {
    let file = table.file.as_str();
    let mut findings = Vec::new();
    let header = records(content).next().map_or(&b""[..], |row| row.raw);
    let expected = rows::record(&table.columns).unwrap_or_default();
    if expected.strip_suffix(b"\r\n") != Some(header) {
        findings.push(Finding::new(file, "the header row was changed (line 1)"));
    }
    if let Some(rows) = rows {
        findings.extend(rows::compare(file, content, rows));
    }
    let found = records(content).count().saturating_sub(1);
    if findings.is_empty() && found != table.rows {
        let text = format!("it has {found} rows, but the manifest counts {}", table.rows);
        findings.push(Finding::new(file, text));
    }
    if findings.is_empty() && changed {
        findings.push(Finding::new(file, match rows {
            Some(_) => "the file was changed, though its header and every row are the same (its line ends differ)",
            None => "the file was changed; which rows cannot be told, for rows.csv is not as it was made either",
        }));
    }
    findings
}

/// Whether the zip is byte for byte the one that was sealed. The contents are known to be.
fn untouched(bytes: &[u8], entries: &[Entry], listed: &[Listed]) -> bool {
    let (front, rest): (Vec<_>, Vec<_>) =
        entries.iter().partition(|e| e.name == MANIFEST || e.name == SIGNATURE);
    let as_listed = |(entry, file): (&&Entry, &Listed)| {
        entry.name == file.name && sha256(entry.packed) == file.packed_sha256
    };
    let ours: Option<Vec<_>> = front.iter().chain(&rest).map(|entry| entry.as_packed()).collect();
    front.first().is_some_and(|entry| entry.name == MANIFEST)
        && rest.len() == listed.len()
        && rest.iter().zip(listed).all(as_listed)
        && ours.and_then(|ours| container::write(&ours)).is_some_and(|ours| ours == bytes)
}
