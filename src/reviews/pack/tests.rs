//! What an auditor sees of a pack that is as it was made, and of packs that are not.

use std::io::Write as _;

use proptest::prelude::*;

use super::container::{self, packed};
use super::*;

fn key() -> SigningKey {
    SigningKey::from_bytes(&[7; 32])
}

fn public() -> VerifyingKey {
    key().verifying_key()
}

fn cells(row: &[&str]) -> Vec<String> {
    row.iter().map(|cell| (*cell).to_owned()).collect()
}

fn pack() -> Pack {
    let rows = [
        ["KH-121", "Ann", "keep"],
        ["KH-122", "=cmd()", "remove"],
        ["KH-123", "Bo \"B\", jr", "keep\nfor now"],
        ["KH-124", "Cy", "keep"],
    ];
    Pack {
        title: "Payroll, third quarter".into(),
        made_at: "2026-11-28T10:00:00Z".into(),
        software: "keyholder 0.1.0".into(),
        tables: vec![
            Table {
                name: "decisions".into(),
                columns: cells(&["id", "person", "decision"]),
                rows: rows.iter().map(|row| cells(row)).collect(),
            },
            Table {
                name: "reviewers".into(),
                columns: cells(&["id", "name"]),
                rows: vec![cells(&["1", "Dee"])],
            },
        ],
        attachments: vec![Attachment {
            name: "summary.html".into(),
            bytes: b"<h1>Payroll</h1>".to_vec(),
        }],
    }
}

fn sealed() -> Vec<u8> {
    seal(&pack(), Some(&key())).unwrap()
}

type Files = Vec<(String, Vec<u8>)>;

fn unpacked(zip: &[u8]) -> Files {
    container::read(zip).unwrap().into_iter().map(|e| (e.name, e.content.unwrap())).collect()
}

fn repacked(files: &Files) -> Vec<u8> {
    let files: Vec<_> =
        files.iter().map(|(name, content)| packed(name, content).unwrap()).collect();
    container::write(&files).unwrap()
}

/// The pack with its files changed, as somebody does it who unpacks it and packs it again.
fn forged(change: impl FnOnce(&mut Files)) -> Vec<u8> {
    let mut files = unpacked(&sealed());
    change(&mut files);
    repacked(&files)
}

fn file<'a>(files: &'a mut Files, name: &str) -> &'a mut Vec<u8> {
    &mut files.iter_mut().find(|(file, _)| file == name).unwrap().1
}

fn replace(content: &mut Vec<u8>, from: &str, to: &str) {
    let text = String::from_utf8(content.clone()).unwrap();
    assert!(text.contains(from), "{text}");
    *content = text.replace(from, to).into_bytes();
}

/// Makes the manifest agree with the files again, as an attacker does.
fn rehash(files: &mut Files) {
    let mut manifest: Manifest = serde_json::from_slice(file(files, MANIFEST)).unwrap();
    for listed in &mut manifest.files {
        let content = file(files, &listed.name);
        listed.bytes = content.len();
        listed.sha256 = sha256(content);
        listed.packed_sha256 = sha256(&packed(&listed.name, content).unwrap().packed);
    }
    *file(files, MANIFEST) = serde_json::to_vec_pretty(&manifest).unwrap();
}

/// Makes `rows.csv` agree with the decisions again.
fn relist(files: &mut Files) {
    let decisions = file(files, "decisions.csv").clone();
    let mut list = b"table,key,sha256\r\n".to_vec();
    for (name, content) in
        [("decisions", decisions), ("reviewers", file(files, "reviewers.csv").clone())]
    {
        for row in rows::records(&content).skip(1) {
            let key = String::from_utf8_lossy(row.key).into_owned();
            write!(list, "{name},{key},{}\r\n", sha256(row.raw)).unwrap();
        }
    }
    *file(files, ROWS) = list;
}

fn findings(zip: &[u8]) -> Vec<String> {
    let report = verify(zip, Some(&public()));
    assert_eq!(report.holds(), report.findings.is_empty());
    report.findings.iter().map(ToString::to_string).collect()
}

#[track_caller]
fn told(change: impl FnOnce(&mut Files), expected: &[&str]) {
    assert_eq!(findings(&forged(change)), expected);
}

const UNKNOWN_CELL: &str = "which of its cells cannot be told, for only the row's hash is kept";

#[test]
fn a_pack_as_it_was_made_holds_and_its_rows_are_counted() {
    let report = verify(&sealed(), Some(&public()));
    assert!(report.holds(), "{report}");
    let print = fingerprint(&public());
    assert_eq!(report.signer, Signer::Proven(print.clone()));
    assert_eq!(
        report.to_string(),
        format!(
            "Title: Payroll, third quarter\nMade at: 2026-11-28T10:00:00Z\nMade by: keyholder 0.1.0\n\
             decisions.csv: 4 rows\nreviewers.csv: 1 row\n\
             Signer: proven, the signature holds for the public key that was given ({print}).\n\
             The pack is complete and unchanged.\n"
        )
    );
}

#[test]
fn the_same_review_gives_the_same_bytes() {
    assert_eq!(sealed(), sealed());
    assert_eq!(forged(|_| ()), sealed());
}

#[test]
fn a_changed_byte_names_its_row() {
    told(
        |files| replace(file(files, "decisions.csv"), "keep\nfor", "keep\nFor"),
        &[&format!("decisions.csv: row KH-123 was changed (line 4); {UNKNOWN_CELL}")],
    );
}

#[test]
fn a_quote_that_opens_a_cell_does_not_swallow_the_rows_after_it() {
    for (from, to, row, line) in
        [("Ann", "\"nn", "KH-121", 2), ("Cy,keep", "Cy,\"eep", "KH-124", 6)]
    {
        told(
            |files| replace(file(files, "decisions.csv"), from, to),
            &[&format!("decisions.csv: row {row} was changed (line {line}); {UNKNOWN_CELL}")],
        );
    }
}

#[test]
fn a_row_that_was_left_out_is_named() {
    told(
        |files| replace(file(files, "decisions.csv"), "KH-122,'=cmd(),remove\r\n", ""),
        &["decisions.csv: row KH-122 was left out (it was row 2 of 4)"],
    );
}

#[test]
fn a_row_that_was_added_is_named() {
    told(
        |files| file(files, "decisions.csv").extend(b"KH-999,Eve,keep\r\n"),
        &["decisions.csv: row KH-999 was added (line 7)"],
    );
}

#[test]
fn a_row_that_stands_there_twice_is_named_and_the_true_one_is_known() {
    let eve = "KH-124,Eve,keep\r\n";
    let ends = [("id,person,decision\r\n", 2), ("KH-124,Cy,keep\r\n", 7)];
    for (after, line) in ends {
        told(
            |files| replace(file(files, "decisions.csv"), after, &format!("{after}{eve}")),
            &[&format!("decisions.csv: row KH-124 is there a second time (line {line})")],
        );
    }
}

#[test]
fn rows_in_another_order_are_told() {
    let (a, b) = ("KH-121,Ann,keep\r\n", "KH-122,'=cmd(),remove\r\n");
    told(
        |files| replace(file(files, "decisions.csv"), &format!("{a}{b}"), &format!("{b}{a}")),
        &["decisions.csv: the rows are in another order: row KH-122 now comes before row KH-121"],
    );
}

#[test]
fn a_changed_header_and_changed_line_ends_are_told() {
    told(
        |files| replace(file(files, "decisions.csv"), "id,person", "id,parson"),
        &["decisions.csv: the header row was changed (line 1)"],
    );
    let text =
        "the file was changed, though its header and every row are the same (its line ends differ)";
    told(
        |files| replace(file(files, "reviewers.csv"), "\r\n", "\n"),
        &[&format!("reviewers.csv: {text}")],
    );
}

#[test]
fn many_changed_rows_are_counted_past_the_first_hundred() {
    let mut pack = pack();
    pack.tables[0].rows = (0..250).map(|n| cells(&[&n.to_string(), "x", "y"])).collect();
    let mut files = unpacked(&seal(&pack, Some(&key())).unwrap());
    replace(file(&mut files, "decisions.csv"), ",x,", ",z,");
    let found = findings(&repacked(&files));
    assert_eq!(found.len(), 101);
    assert_eq!(found[100], "decisions.csv: 150 more rows like these are not named here");
}

#[test]
fn files_that_were_renamed_left_out_added_or_changed_are_named() {
    told(
        |files| {
            files
                .iter_mut()
                .filter(|f| f.0 == "summary.html")
                .for_each(|f| f.0 = "other.html".into())
        },
        &["summary.html: the file was renamed to other.html"],
    );
    told(|files| files.retain(|f| f.0 != "reviewers.csv"), &["reviewers.csv: the file is missing"]);
    told(|files| files.push(("more.txt".into(), vec![])), &["more.txt: the file was added"]);
    told(|files| file(files, "summary.html").push(b'x'), &["summary.html: the file was changed"]);
    told(|files| file(files, README).push(b'x'), &["README.txt: the file was changed"]);
    told(|files| file(files, ROWS)[30] ^= 1, &["rows.csv: the file was changed"]);
    told(
        |files| {
            replace(file(files, "decisions.csv"), "Ann", "Eve");
            relist(files);
        },
        &[
            "decisions.csv: the file was changed; which rows cannot be told, for rows.csv is not as it was made either",
            "rows.csv: the file was changed",
        ],
    );
    let text = "the file is missing, damaged or too long, so nothing else can be checked";
    told(|files| files.retain(|f| f.0 != MANIFEST), &[&format!("manifest.json: {text}")]);
}

#[test]
fn two_files_of_one_name_are_told() {
    let found = findings(&forged(|files| files.push(("decisions.csv".into(), b"id\r\n".to_vec()))));
    let text =
        "the archive has two files of this name; which of them one sees depends on the program";
    assert_eq!(found, [format!("decisions.csv: {text}")]);
}

#[test]
fn hashes_that_were_made_to_agree_again_do_not_agree_with_the_signature() {
    let all = |files: &mut Files| {
        replace(file(files, "decisions.csv"), "Ann", "Eve");
        relist(files);
        rehash(files);
    };
    told(all, &["manifest.json: the manifest is not the one that was signed"]);
    let found = verify(&forged(all), None);
    assert_eq!(found.signer, Signer::Wrong);
    assert_eq!(found.findings.len(), 1);
    // Whoever forgets rows.csv still gives the row away.
    told(
        |files| {
            replace(file(files, "decisions.csv"), "Ann", "Eve");
            rehash(files);
        },
        &[
            "manifest.json: the manifest is not the one that was signed",
            &format!("decisions.csv: row KH-121 was changed (line 2); {UNKNOWN_CELL}"),
        ],
    );
    told(
        |files| replace(file(files, MANIFEST), "third", "fourth"),
        &["manifest.json: the manifest is not the one that was signed"],
    );
}

#[test]
fn a_pack_that_somebody_else_signed_is_told() {
    let other = SigningKey::from_bytes(&[8; 32]);
    let zip = seal(&pack(), Some(&other)).unwrap();
    let print = fingerprint(&other.verifying_key());
    let text = format!(
        "it was made with another key than the one given; the fingerprint of that other key is {print}"
    );
    assert_eq!(findings(&zip), [format!("manifest.sig: {text}")]);
    assert_eq!(verify(&zip, Some(&public())).signer, Signer::Wrong);
}

#[test]
fn without_a_key_the_signer_is_unproven_though_nothing_is_wrong() {
    let report = verify(&sealed(), None);
    assert!(report.holds());
    assert_eq!(report.signer, Signer::Unproven(fingerprint(&public())));
    let text = report.to_string();
    assert!(text.contains("the signer is unproven: no public key was given"), "{text}");
    assert!(text.ends_with("agrees with itself; who made it is unproven.\n"), "{text}");
}

#[test]
fn an_unsigned_pack_says_so_and_does_not_pass_for_a_signed_one() {
    let zip = seal(&pack(), None).unwrap();
    let report = verify(&zip, None);
    assert!(report.holds());
    assert!(report.to_string().contains("the pack is unsigned, so nothing shows who made it"));
    assert_eq!(
        findings(&zip),
        ["manifest.sig: the pack is not signed, but a public key was given"]
    );
    // Nor does one whose signature was taken off.
    let report = verify(&forged(|files| files.retain(|f| f.0 != SIGNATURE && f.0 != SIGNER)), None);
    assert_eq!(report.findings.len(), 1);
    assert_eq!(report.findings[0].to_string(), "signer.pub: the file is missing");
    let report = verify(&forged(|files| files.retain(|f| f.0 != SIGNATURE)), None);
    assert_eq!(
        report.findings[0].to_string(),
        "manifest.sig: the file is missing, though the pack has a signer"
    );
}

/// Without a signature nothing else keeps an attacker from agreeing with himself; what he writes must still make sense.
#[test]
fn a_list_of_rows_that_makes_no_sense_is_told() {
    let found = |change: fn(&mut Files)| {
        let report = verify(
            &forged(|files| {
                change(files);
                rehash(files);
                files.retain(|f| f.0 != SIGNATURE);
            }),
            None,
        );
        report
            .findings
            .iter()
            .map(ToString::to_string)
            .filter(|t| !t.starts_with(SIGNATURE))
            .collect::<Vec<_>>()
    };
    let damaged = "rows.csv: it is damaged: it is not a list of rows";
    assert_eq!(found(|files| file(files, ROWS)[0] = b'x'), [damaged]);
    assert_eq!(found(|files| file(files, ROWS).extend(b"decisions,x\r\n")), [damaged]);
    let text = "rows.csv: it lists rows of a table that the manifest does not count";
    assert_eq!(
        found(|files| file(files, ROWS).extend(format!("other,x,{}\r\n", "0".repeat(64)).bytes())),
        [text]
    );
    let twice = |files: &mut Files| {
        replace(
            file(files, MANIFEST),
            "\"tables\": [",
            "\"tables\": [{\"file\":\"reviewers.csv\",\"rows\":1,\"columns\":[\"id\",\"name\"]},",
        );
    };
    assert_eq!(found(twice), ["manifest.json: it counts the rows of reviewers.csv twice"]);
}

#[test]
fn a_damaged_signature_is_told() {
    for bad in [&b""[..], b"x", b"QUJD\n"] {
        told(
            |files| *file(files, SIGNATURE) = bad.to_vec(),
            &["manifest.sig: it is damaged: it is not an Ed25519 signature as Base64"],
        );
    }
    told(|files| file(files, SIGNER).clear(), &["signer.pub: the file was changed"]);
}

#[test]
fn what_is_no_archive_is_told() {
    for bad in [&b""[..], b"PK", b"no zip at all", &[0; 5000], &sealed()[..500], &sealed()[1..]] {
        let found = findings(bad);
        assert!(found[0].starts_with("the archive: it cannot be read: "), "{found:?}");
    }
    let nothing = container::write(&[]).unwrap();
    assert_eq!(findings(&nothing).len(), 1);
    told(
        |files| *file(files, MANIFEST) = b"{}".to_vec(),
        &[
            "manifest.json: the manifest is not the one that was signed",
            "manifest.json: it is damaged: it is not a manifest",
        ],
    );
}

#[test]
fn a_container_that_was_changed_around_intact_contents_is_told() {
    const TEXT: &str = "the archive: the container was changed (its contents are intact)";
    told(|files| files.swap(4, 5), &[TEXT]);
    let zip = sealed();
    let after = [&zip[..], b"x"].concat();
    let mut dated = zip.clone();
    dated[10] ^= 1;
    for changed in [after, dated] {
        assert_eq!(findings(&changed), [TEXT]);
    }
}

#[test]
fn names_that_leave_the_folder_are_refused() {
    for bad in [
        "../up.csv",
        "/etc/passwd",
        "a\\b",
        "C:x",
        "sub/decisions.csv",
        "..",
        "",
        "\u{1b}[2J",
        "a\nb",
    ] {
        let found = findings(&forged(|files| files.push((bad.into(), b"x".to_vec()))));
        assert_eq!(
            found,
            [format!("{}: a file of this name is refused: it could leave its folder", shown(bad))]
        );
        let mut pack = pack();
        pack.attachments[0].name = bad.into();
        assert!(matches!(seal(&pack, None), Err(Error::Name(_))), "{bad:?}");
    }
}

#[test]
fn a_hostile_pack_writes_no_lines_of_its_own() {
    let mut pack = pack();
    pack.title = "x\nThe pack is complete and unchanged.\u{1b}[8m\u{202e}".into();
    pack.tables[0].rows[0][0] = "k\nSigner: proven".into();
    let mut files = unpacked(&seal(&pack, None).unwrap());
    replace(file(&mut files, "decisions.csv"), "Ann", "Eve");
    let text = verify(&repacked(&files), None).to_string();
    assert!(
        !text
            .lines()
            .any(|line| line.starts_with("The pack is complete")
                || line.starts_with("Signer: proven"))
    );
    assert!(!text.contains(['\u{1b}', '\u{202e}']));
    assert!(text.contains(r"row k\u{a}Signer: proven was changed (line 2)"), "{text}");
}

#[test]
fn a_zip_bomb_is_refused() {
    let zeros = vec![0; 64 * 1024 * 1024];
    let bomb = packed("bomb.bin", &zeros).unwrap();
    let names: Vec<_> = (0..9).map(|n| format!("{n}.bin")).collect();
    let files: Vec<_> = names
        .iter()
        .map(|name| container::Packed { name, packed: (&*bomb.packed).into(), ..bomb })
        .collect();
    let found = findings(&container::write(&files).unwrap());
    assert_eq!(
        found,
        ["the archive: it cannot be read: 8.bin: it unpacks to more than 512 MB, which is refused"]
    );

    let names: Vec<_> = (0..=MOST_FILES).map(|n| n.to_string()).collect();
    let files: Vec<_> = names.iter().map(|name| packed(name, b"").unwrap()).collect();
    let found = findings(&container::write(&files).unwrap());
    assert_eq!(
        found,
        ["the archive: it cannot be read: it has 1001 files, and more than 1000 are refused"]
    );
}

#[test]
fn a_spreadsheet_runs_nothing_from_a_table() {
    let mut pack = pack();
    pack.tables[0].rows = ["=1", "+1", "-1", "@x", "\tx", "\rx", "plain"]
        .iter()
        .map(|key| cells(&[key, key, "1-2"]))
        .collect();
    let zip = seal(&pack, Some(&key())).unwrap();
    let mut files = unpacked(&zip);
    let text = String::from_utf8(file(&mut files, "decisions.csv").clone()).unwrap();
    let expected = "id,person,decision\r\n'=1,'=1,1-2\r\n'+1,'+1,1-2\r\n'-1,'-1,1-2\r\n'@x,'@x,1-2\r\n\
                    '\tx,'\tx,1-2\r\n\"'\rx\",\"'\rx\",1-2\r\nplain,plain,1-2\r\n";
    assert_eq!(text, expected);
    assert!(findings(&zip).is_empty());
}

#[test]
fn a_pack_that_could_not_be_checked_is_not_sealed() {
    let fails = |change: fn(&mut Pack)| {
        let mut pack = pack();
        change(&mut pack);
        seal(&pack, None).unwrap_err().to_string()
    };
    assert_eq!(
        fails(|p| p.tables[0].rows[2][0].clear()),
        "decisions.csv: row 3 has no key in its first column"
    );
    assert_eq!(
        fails(|p| p.tables[0].rows[2][0] = "KH-121".into()),
        "decisions.csv: two rows have the key \"KH-121\""
    );
    assert_eq!(
        fails(|p| p.tables[0].rows[2].truncate(2)),
        "decisions.csv: row 3 has 2 cells under 3 columns"
    );
    assert_eq!(
        fails(|p| p.tables[0].columns.clear()),
        "decisions.csv: row 0 has 0 cells under 0 columns"
    );
    for name in ["Rows", "Reviewers", "decisions"] {
        let mut pack = pack();
        pack.tables.push(Table { name: name.into(), columns: cells(&["id"]), rows: vec![] });
        assert!(matches!(seal(&pack, None), Err(Error::Taken(_))), "{name}");
    }
}

#[test]
fn rows_are_cut_where_they_end_whatever_is_in_them() {
    let bytes = b"a,b\r\n\"x,\n\"\"y\",1\r\n\r\n\"bad\"x,2\r\n\"open,3\r\nlast,\"4\"";
    let rows: Vec<_> =
        rows::records(bytes).map(|r| (r.line, r.key.to_vec(), r.raw.len())).collect();
    let expected: [(usize, &[u8], usize); 6] = [
        (1, b"a", 3),
        (2, b"\"x,\n\"\"y\"", 10),
        (4, b"", 0),
        (5, b"\"bad\"x", 8),
        (6, b"\"open", 7),
        (7, b"last", 8),
    ];
    assert_eq!(rows, expected.map(|(line, key, len)| (line, key.to_vec(), len)));
}

#[test]
fn a_new_pair_of_keys_fits_and_wrong_keys_are_named() {
    let pair = generate().unwrap();
    let signing = signing_key(&pair.private).unwrap();
    assert_eq!(verifying_key(&pair.public).unwrap(), signing.verifying_key());
    let wrong = |pem: &str| signing_key(pem).unwrap_err().to_string();
    assert!(wrong(&pair.public).starts_with("this is a public key; signing needs the private one"));
    assert!(wrong("").starts_with("this is not a PEM file"));
    assert!(wrong("-----BEGIN RSA PRIVATE KEY-----").starts_with("this is a \"RSA PRIVATE KEY\""));
    assert!(wrong("-----BEGIN ENCRYPTED PRIVATE KEY-----").contains("locked with a passphrase"));
    assert!(
        wrong("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----")
            .contains("not an Ed25519 key")
    );
    let wrong = verifying_key(&pair.private).unwrap_err().to_string();
    assert!(wrong.starts_with("this is a private key"), "{wrong}");
    assert!(!wrong.contains("MC4"), "no part of a key is told");
    assert!(!format!("{signing:?}").contains(&hex(signing.as_bytes())));
}

/// The example of RFC 8410, in the form in which `openssl genpkey -algorithm ed25519` writes a key too.
#[test]
fn keys_in_the_form_of_openssl_are_read() {
    let private = "-----BEGIN PRIVATE KEY-----\n\
        MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n-----END PRIVATE KEY-----\n";
    let spki =
        |base64: &str| format!("-----BEGIN PUBLIC KEY-----\n{base64}\n-----END PUBLIC KEY-----\n");
    let public = spki("MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=");
    assert_eq!(signing_key(private).unwrap().verifying_key(), verifying_key(&public).unwrap());
    let crlf = public.replace('\n', "\r\n");
    assert!(verifying_key(&crlf).is_ok());
    // X25519, which is as long but does not sign.
    let other = spki("MCowBQYDK2VuAyEAdupdmXXZ7PP//Y8OyJfcbebERnV7cn9j2WUw6etKiTI=");
    let text = "this public key is not an Ed25519 key, or it is damaged";
    assert_eq!(verifying_key(&other).unwrap_err().to_string(), text);
}

#[test]
fn the_command_tells_by_its_exit_code() {
    let dir = std::env::temp_dir().join(format!("pack-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    let put = |name: &str, bytes: &[u8]| {
        std::fs::write(dir.join(name), bytes).unwrap();
        dir.join(name)
    };
    let (good, bad) = (put("good.zip", &sealed()), put("bad.zip", &sealed()[1..]));
    let public = put("public.pem", keys::public_pem(&public()).unwrap().as_bytes());
    let run = |pack: &std::path::Path, key: Option<&std::path::Path>| {
        let mut out = Vec::new();
        (run_verify(pack, key, &mut out), String::from_utf8(out).unwrap())
    };
    let (code, text) = run(&good, Some(&public));
    assert_eq!((code, text.lines().last()), (0, Some("The pack is complete and unchanged.")));
    assert_eq!(run(&good, None).0, 0);
    let (code, text) = run(&bad, Some(&public));
    assert_eq!(
        (code, text.lines().last()),
        (1, Some("The pack is not as it was made: 1 finding."))
    );
    assert_eq!(run(&good, Some(&good)).0, 2);
    assert_eq!(run(&dir.join("none.zip"), None).0, 2);
    std::fs::remove_dir_all(&dir).unwrap();
}

#[test]
fn every_single_byte_that_is_changed_is_found() {
    let zip = sealed();
    let unsigned = seal(&pack(), None).unwrap();
    for (zip, key) in [(&zip, Some(public())), (&zip, None), (&unsigned, None)] {
        let mut zip = zip.clone();
        for at in 0..zip.len() {
            zip[at] ^= 1 << (at % 8);
            let signed = key.is_some();
            assert!(!verify(&zip, key.as_ref()).holds(), "byte {at}, with a key: {signed}");
            zip[at] ^= 1 << (at % 8);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

    #[test]
    fn whatever_is_changed_cut_or_inserted_is_found(
        at in any::<prop::sample::Index>(), len in 0..40_usize, new in prop::collection::vec(any::<u8>(), 0..40),
    ) {
        let zip = sealed();
        let start = at.index(zip.len() + 1);
        let mut changed = zip.clone();
        changed.splice(start..(start + len).min(zip.len()), new);
        prop_assert_eq!(verify(&changed, Some(&public())).holds(), changed == zip);
        changed.truncate(start);
        prop_assert_eq!(verify(&changed, Some(&public())).holds(), changed == zip);
    }

    #[test]
    fn any_change_of_a_file_that_is_packed_again_is_found(
        which in any::<prop::sample::Index>(), at in any::<prop::sample::Index>(), new in any::<Vec<u8>>(),
    ) {
        let mut files = unpacked(&sealed());
        let before = files.clone();
        let n = which.index(files.len());
        let start = at.index(files[n].1.len() + 1);
        let end = (start + new.len() / 2).min(files[n].1.len());
        files[n].1.splice(start..end, new);
        prop_assert_eq!(verify(&repacked(&files), Some(&public())).holds(), files == before);
    }

    #[test]
    fn any_table_can_be_sealed_and_checked(
        rows in prop::collection::btree_map("\\PC{1,5}|[\"\n\r,=]{1,3}|k", "[\"\n\r,'a ]{0,5}", 0..20),
    ) {
        let rows = rows.into_iter().enumerate().map(|(n, (key, cell))| vec![format!("{key}{n}"), cell]).collect();
        let table = Table { name: "t".into(), columns: cells(&["id", "a\nb"]), rows };
        let zip = seal(&Pack { tables: vec![table.clone()], ..Pack::default() }, None).unwrap();
        let report = verify(&zip, None);
        prop_assert!(report.holds(), "{}", report);
        prop_assert_eq!(report.tables, vec![("t.csv".to_owned(), table.rows.len())]);
    }

    #[test]
    fn any_bytes_give_a_report(bytes in any::<Vec<u8>>()) {
        prop_assert!(!verify(&bytes, None).holds());
    }
}

/// Run with `cargo test --release -- --ignored --nocapture`.
#[test]
#[ignore = "a measurement"]
fn a_hundred_thousand_rows_take_seconds() {
    let rows = (0..105_205).map(|n| {
        let id = format!("KH-{n}");
        cells(&[
            &id,
            &format!("person{}@example.org", n % 9000),
            "Payroll, read",
            "keep",
            "2026-11-28T10:00:00Z",
            "ok",
        ])
    });
    let columns = cells(&["id", "person", "package", "decision", "decided_at", "reason"]);
    let mut pack = pack();
    pack.tables[0] = Table { name: "decisions".into(), columns, rows: rows.collect() };
    let start = std::time::Instant::now();
    let zip = seal(&pack, Some(&key())).unwrap();
    let sealing = start.elapsed();
    let start = std::time::Instant::now();
    assert!(findings(&zip).is_empty());
    println!("{} bytes, sealed in {sealing:?}, checked in {:?}", zip.len(), start.elapsed());
    let mut files = unpacked(&zip);
    replace(file(&mut files, "decisions.csv"), "KH-7,", "KH-x7,");
    let forged = repacked(&files);
    let start = std::time::Instant::now();
    let found = findings(&forged);
    println!("{found:?} in {:?}", start.elapsed());
}
