//! Distinguished names, read strictly (RFC 4514) so that two spellings of one name compare equal
//! and a name is never taken for another because of how it ends.

/// A name as a list of steps from the entry up to the root. Types and values are folded to lower case,
/// blanks around and inside them to one, escapes are resolved.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Dn(Vec<Step>);

/// One step: its types and values, sorted, for most names a single one.
type Step = Vec<(String, Vec<u8>)>;

impl Dn {
    /// Reads a name. `None` when it is empty or not written as RFC 4514 asks.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut steps = vec![Step::new()];
        let mut rest = text;
        loop {
            let (kind, after) = rest.split_once('=')?;
            let (value, end, after) = value(after)?;
            let step = steps.last_mut()?;
            step.push((attribute(kind)?, value));
            step.sort();
            match end {
                None => return Some(Self(steps)),
                Some(',') => steps.push(Step::new()),
                Some(_) => {}
            }
            rest = after;
        }
    }

    /// Whether this is `base` or an entry anywhere below it.
    #[must_use]
    pub fn is_within(&self, base: &Self) -> bool {
        self.0.ends_with(&base.0)
    }
}

/// The name of an attribute (or its OID), without blanks and in lower case.
fn attribute(text: &str) -> Option<String> {
    let name = text.trim_matches(' ');
    is_attribute(name).then(|| name.to_ascii_lowercase())
}

/// Whether the text can be the name of an attribute.
pub(super) fn is_attribute(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '.')
}

/// Reads a value up to `,` or `+`: the folded value, what ended it, and what comes after.
fn value(text: &str) -> Option<(Vec<u8>, Option<char>, &str)> {
    let mut bytes = Vec::new();
    let mut kept = 0; // what an escape made: its blanks stay
    let mut chars = text.char_indices();
    let (end, after) = loop {
        let Some((at, c)) = chars.next() else { break (None, "") };
        match c {
            ',' | '+' => break (Some(c), &text[at + 1..]),
            '"' | ';' | '<' | '>' | '\0' => return None,
            '\\' => {
                let (_, first) = chars.next()?;
                match first {
                    ' ' | '"' | '#' | '+' | ',' | ';' | '<' | '=' | '>' | '\\' => {
                        bytes.push(first as u8)
                    }
                    _ => {
                        let (_, second) = chars.next()?;
                        let digits = first.to_digit(16)? * 16 + second.to_digit(16)?;
                        bytes.push(u8::try_from(digits).ok()?);
                    }
                }
                kept = bytes.len();
            }
            ' ' if bytes.is_empty() => {}
            _ => bytes.extend(c.encode_utf8(&mut [0; 4]).bytes()),
        }
    };
    while bytes.len() > kept && bytes.last() == Some(&b' ') {
        bytes.pop();
    }
    (!bytes.is_empty()).then(|| (folded(bytes), end, after))
}

/// The value as servers compare it: without regard to case and to the number of blanks.
fn folded(bytes: Vec<u8>) -> Vec<u8> {
    match String::from_utf8(bytes) {
        Ok(text) => text
            .split(' ')
            .filter(|word| !word.is_empty())
            .collect::<Vec<_>>()
            .join(" ")
            .to_lowercase()
            .into(),
        Err(binary) => binary.into_bytes(),
    }
}

#[cfg(test)]
mod tests {
    use super::Dn;

    fn dn(text: &str) -> Dn {
        Dn::parse(text).unwrap_or_else(|| panic!("{text} is a name"))
    }

    #[test]
    fn spellings_of_one_name_are_equal() {
        for other in [
            "CN=VPN,OU=Groups,DC=Example,DC=Test",
            "cn=vpn, ou=groups , dc=example,  dc=test",
            "cn = vpn,ou=groups,dc=example,dc=test",
            r"cn=\76pn,ou=groups,dc=example,dc=test",
        ] {
            assert_eq!(dn(other), dn("cn=vpn,ou=groups,dc=example,dc=test"), "{other}");
        }
        assert_eq!(dn(r"cn=a\,b"), dn(r"cn=a\2Cb"));
        assert_eq!(dn("cn=a+ou=b,dc=x"), dn("OU=b + CN=a,dc=x"));
        assert_eq!(dn("cn=Käthe  Ö,dc=x"), dn(r"cn=k\C3\A4the ö,dc=x"));
    }

    #[test]
    fn other_names_are_not() {
        assert_ne!(dn(r"cn=a\,dc=x"), dn("cn=a,dc=x"));
        assert_ne!(dn("cn=a,dc=x"), dn("uid=a,dc=x"));
        assert_ne!(dn("cn=a,dc=x"), dn("cn=a,dc=x,dc=y"));
        assert_ne!(dn("cn=a+ou=b,dc=x"), dn("cn=a,ou=b,dc=x"));
    }

    #[test]
    fn being_below_is_a_matter_of_whole_steps() {
        let base = dn("ou=groups,dc=example,dc=test");
        assert!(dn("cn=vpn,OU=Groups, dc=example,dc=test").is_within(&base));
        assert!(dn("cn=a,ou=b,ou=groups,dc=example,dc=test").is_within(&base));
        assert!(base.is_within(&base));
        for outside in [
            "cn=vpn,ou=mygroups,dc=example,dc=test",
            r"cn=vpn\,ou=groups,dc=example,dc=test",
            r"cn=vpn\2cou=groups,dc=example,dc=test",
            "cn=vpn+ou=groups,dc=example,dc=test",
            "dc=example,dc=test",
            "cn=vpn,ou=groups,dc=example,dc=test,dc=evil",
        ] {
            assert!(!dn(outside).is_within(&base), "{outside}");
        }
    }

    #[test]
    fn what_is_not_a_name_is_refused() {
        for bad in [
            "",
            " ",
            "vpn",
            "=x",
            "cn=",
            "cn=a,",
            ",cn=a",
            "cn=a,,dc=x",
            "cn=a;dc=x",
            "cn=\"a\",dc=x",
            r"cn=a\",
            r"cn=a\x",
            r"cn=a\4",
            "c n=a",
            "cn=a\0b",
            "cn=a,dc",
            "cn=a+",
            "cn=<a>",
            "cn=   ,dc=x",
        ] {
            assert_eq!(Dn::parse(bad), None, "{bad:?}");
        }
    }
}
