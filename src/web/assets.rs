//! The files of `static/`, inside the binary. Their addresses carry a hash of their bytes,
//! so that a browser may keep them for ever and a new version is a new address.

use std::sync::LazyLock;

/// Where the files are served; the router's prefix.
pub const PREFIX: &str = "/static/";

#[derive(rust_embed::RustEmbed)]
#[folder = "$CARGO_MANIFEST_DIR/static"]
struct Embedded;

/// One file, ready to be served.
pub struct Asset {
    /// The name in `static/`: `app.css`.
    pub name: String,
    /// The address with the hash: `/static/app.0123456789abcdef.css`.
    pub href: String,
    /// The content.
    pub bytes: Vec<u8>,
    /// The media type for `Content-Type`.
    pub mime: &'static str,
}

static ALL: LazyLock<Vec<Asset>> = LazyLock::new(|| {
    Embedded::iter()
        .filter_map(|name| {
            let file = Embedded::get(&name)?;
            let hash: String = file
                .metadata
                .sha256_hash()
                .iter()
                .take(8)
                .map(|byte| format!("{byte:02x}"))
                .collect();
            let href = match name.rsplit_once('.') {
                Some((stem, end)) => format!("{PREFIX}{stem}.{hash}.{end}"),
                None => format!("{PREFIX}{name}.{hash}"),
            };
            Some(Asset {
                mime: mime(&name),
                href,
                bytes: file.data.into_owned(),
                name: name.into_owned(),
            })
        })
        .collect()
});

/// All files.
#[must_use]
pub fn all() -> &'static [Asset] {
    &ALL
}

/// The address of a file of `static/` for a page. A name that is not there gives an empty address;
/// the shell's test refuses those.
#[must_use]
pub fn href(name: &str) -> &'static str {
    ALL.iter().find(|asset| asset.name == name).map_or("", |asset| asset.href.as_str())
}

/// The file at a path below [`PREFIX`] and whether it may be kept for ever: true for the address
/// with the hash, false for the plain name.
#[must_use]
pub fn lookup(path: &str) -> Option<(&'static Asset, bool)> {
    ALL.iter().find_map(|asset| {
        let hashed = asset.href.strip_prefix(PREFIX) == Some(path);
        (hashed || asset.name == path).then_some((asset, hashed))
    })
}

fn mime(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, end)| end) {
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("txt") => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_with_the_hash_is_kept_for_ever_and_a_plain_name_is_not() {
        let path = href("app.css").strip_prefix(PREFIX).expect("an address");
        let (asset, immutable) = lookup(path).expect("the file");
        assert!(immutable && !asset.bytes.is_empty());
        assert_eq!(asset.mime, "text/css; charset=utf-8");
        assert!(!lookup("app.css").expect("the file").1);
    }

    #[test]
    fn nothing_else_is_found() {
        for path in
            ["", "app.0000000000000000.css", "../Cargo.toml", "/static/app.css", "%2e%2e/app.css"]
        {
            assert!(lookup(path).is_none(), "{path}");
        }
        assert_eq!(href("none.css"), "");
    }

    #[test]
    fn the_files_are_small() {
        for asset in all() {
            // Before compression; text shrinks to about a quarter.
            let most = if asset.name == "app.js" { 4_096 } else { 60_000 };
            assert!(asset.bytes.len() <= most, "{} has {} bytes", asset.name, asset.bytes.len());
        }
    }

    #[test]
    fn every_type_is_named() {
        assert!(all().iter().all(|asset| asset.mime != "application/octet-stream"));
    }
}
