//! The domain of a mail address, in the one form in which it is stored and compared: lower case, ASCII.

/// The longest domain, in characters (RFC 1035).
const DOMAIN_MAX: usize = 253;

/// The domain of a mail address; none if there is none that mail could be sent to.
#[must_use]
pub fn domain_of(mail: &str) -> Option<String> {
    mail.rsplit_once('@').and_then(|(_, domain)| as_domain(domain))
}

/// A domain as it is stored: "Müller.Example" is "xn--mller-kva.example". None for what cannot be one: an address of
/// the internet protocol, a single word, anything with other characters in it.
#[must_use]
pub fn as_domain(text: &str) -> Option<String> {
    let text = text.trim();
    // The parser for addresses of the web would decode these.
    if text.contains('%') {
        return None;
    }
    let Ok(url::Host::Domain(domain)) = url::Host::parse(text) else { return None };
    let labels: Vec<&str> = domain.split('.').collect();
    let good = |label: &&str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let fits = domain.len() <= DOMAIN_MAX && labels.len() > 1 && labels.iter().all(good);
    fits.then_some(domain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_domain_is_stored_in_one_form_however_it_is_written() {
        for text in
            ["müller.example", " MÜLLER.Example", "xn--mller-kva.example", "XN--MLLER-KVA.EXAMPLE"]
        {
            assert_eq!(as_domain(text).as_deref(), Some("xn--mller-kva.example"), "{text}");
        }
        assert_eq!(
            domain_of("Ann@Sales.Contoso.Example").as_deref(),
            Some("sales.contoso.example")
        );
        assert_eq!(domain_of("\"a@b\"@c.example").as_deref(), Some("c.example"));
    }

    #[test]
    fn what_cannot_be_a_domain_is_none() {
        let long = format!("{}.example", "x".repeat(64));
        let longer = vec!["abcdefgh"; 29].join(".");
        for text in [
            "",
            ".",
            "example",
            "a..b",
            ".a.example",
            "a.example.",
            "-a.example",
            "a-.example",
            "a_b.example",
            "10.0.0.1",
            "[::1]",
            "https://a.example",
            "a.example/x",
            "a.example:25",
            "a b.example",
            "a%2e.example",
            "*.example.com",
            "@a.example",
            "\u{0}a.example",
            &long,
            &longer,
        ] {
            assert_eq!(as_domain(text), None, "{text}");
        }
        assert_eq!(domain_of("ann"), None);
        assert_eq!(domain_of("ann@"), None);
    }
}
