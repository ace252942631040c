//! Addresses that come from outside and are gone to: only ever places of this site.

use percent_encoding::percent_decode_str;

/// The address if it is a place of this site, else the home page (E22): it starts with one `/`, has no `//`,
/// no backslash and no control character, also after percent-decoding.
#[must_use]
pub fn safe_next(address: &str) -> &str {
    let decoded = percent_decode_str(address).decode_utf8_lossy();
    if is_plain(address) && is_plain(&decoded) { address } else { "/" }
}

fn is_plain(address: &str) -> bool {
    address.starts_with('/')
        && !address.contains("//")
        && !address.contains('\\')
        && !address.contains(char::is_control)
}

/// The sign-in page that leads on to `next`.
#[must_use]
pub fn sign_in(next: &str) -> String {
    let next: String = url::form_urlencoded::byte_serialize(safe_next(next).as_bytes()).collect();
    format!("/signin?next={next}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_places_of_this_site_are_gone_to() {
        for good in ["/", "/packages/1?q=a%20b", "/requests?after=x&n=2#top", "/søk"] {
            assert_eq!(safe_next(good), good);
        }
        for evil in [
            "",
            "packages",
            "//evil.example",
            "/\\evil.example",
            "\\/evil.example",
            "/%2fevil.example",
            "/%2Fevil.example",
            "%2f/evil.example",
            "/%5Cevil.example",
            "https://evil.example/",
            "javascript:alert(1)",
            "/a\r\nSet-Cookie: x=1",
            "/a%0d%0aSet-Cookie",
            "/a%00",
            "/\t/evil.example",
            "/a//b",
            " /a",
        ] {
            assert_eq!(safe_next(evil), "/", "{evil:?}");
        }
    }

    #[test]
    fn the_way_back_survives_its_own_query() {
        assert_eq!(sign_in("/packages?q=a&x=1"), "/signin?next=%2Fpackages%3Fq%3Da%26x%3D1");
    }
}
