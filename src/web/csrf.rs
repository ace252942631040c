//! The token that a form must carry, and where a form may come from.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::site::Site;

const LENGTH: usize = 32;

/// A new session's token.
#[must_use]
pub fn fresh() -> String {
    URL_SAFE_NO_PAD.encode(rand::random::<[u8; LENGTH]>())
}

/// The token as one page carries it: never twice the same text, so that compression tells nothing about it.
#[must_use]
pub fn masked(token: &str) -> String {
    let Some(token) = bytes(token) else { return String::new() };
    let mask = rand::random::<[u8; LENGTH]>();
    let mut both = mask.to_vec();
    both.extend(mask.iter().zip(token).map(|(m, t)| m ^ t));
    URL_SAFE_NO_PAD.encode(both)
}

/// True if a page's masked token is the session's. Takes as long for a wrong one.
#[must_use]
pub fn matches(token: &str, given: &str) -> bool {
    let Some(token) = bytes(token) else { return false };
    let Ok(given) = URL_SAFE_NO_PAD.decode(given) else { return false };
    if given.len() != 2 * LENGTH {
        return false;
    }
    let (mask, masked) = given.split_at(LENGTH);
    let pairs = mask.iter().zip(masked).zip(token);
    pairs.fold(0, |differs, ((m, x), t)| differs | (m ^ x ^ t)) == 0
}

fn bytes(token: &str) -> Option<[u8; LENGTH]> {
    URL_SAFE_NO_PAD.decode(token).ok()?.try_into().ok()
}

/// True if the browser says that the form is one of ours, or says nothing about it.
#[must_use]
pub fn is_own_form(site: &Site, fetch_site: Option<&str>, origin: Option<&str>) -> bool {
    match (fetch_site, origin) {
        (Some(fetch_site), _) => fetch_site == "same-origin",
        (None, Some(origin)) => site.is_own_origin(origin),
        (None, None) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_masked_token_fits_its_own_only() {
        let (token, other) = (fresh(), fresh());
        let (a, b) = (masked(&token), masked(&token));
        assert_ne!(a, b);
        assert!(!a.contains(&token));
        assert!(matches(&token, &a) && matches(&token, &b));
        assert!(!matches(&other, &a));
    }

    #[test]
    fn made_up_tokens_fit_nothing() {
        let token = fresh();
        let zeros = URL_SAFE_NO_PAD.encode([0; 64]);
        for given in ["", "x", &token, &zeros, &masked("")] {
            assert!(!matches(&token, given), "{given}");
            assert!(!matches("", given), "{given}");
        }
    }
}
