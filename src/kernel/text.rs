//! Text that people type: trimmed, bounded, and folded for search.

/// The longest name of anything, in characters.
pub const NAME_MAX: usize = 120;
/// The longest reason, description or note, in characters.
pub const NOTE_MAX: usize = 2_000;

/// Text without surrounding blanks, control characters (line breaks stay) and characters that nobody sees:
/// they would make an empty reason look given, and a name look like another.
#[must_use]
pub fn tidy(text: &str) -> String {
    let seen = |c: &char| (!c.is_control() || *c == '\n') && !is_invisible(*c);
    let kept: String = text.replace("\r\n", "\n").chars().filter(seen).collect();
    kept.trim().to_owned()
}

/// Zero-width characters, marks that turn the direction of text, and other characters of format. The joiners of
/// Indic and Arabic scripts (U+200C, U+200D) stay: names are written with them.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{180e}' | '\u{200b}' | '\u{200e}'
        | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}'
        | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

/// One line: as [`tidy`], with every run of blanks as one.
#[must_use]
pub fn one_line(text: &str) -> String {
    tidy(text).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The form in which text is searched: lower case, without accents of the Latin alphabets.
/// Kept in a column of its own, because the two databases fold differently.
#[must_use]
pub fn folded(text: &str) -> String {
    text.chars().flat_map(char::to_lowercase).map(plain).collect()
}

/// The letter without its accent, for the letters that staff lists really hold.
fn plain(c: char) -> char {
    match c {
        'à'..='å' | 'ā' | 'ă' | 'ą' => 'a',
        'ç' | 'ć' | 'č' => 'c',
        'ď' | 'đ' => 'd',
        'è'..='ë' | 'ē' | 'ė' | 'ę' | 'ě' => 'e',
        'ğ' => 'g',
        'ì'..='ï' | 'ī' | 'į' | 'ı' => 'i',
        'ł' | 'ľ' => 'l',
        'ñ' | 'ń' | 'ň' => 'n',
        'ò'..='ö' | 'ø' | 'ō' | 'ő' => 'o',
        'ŕ' | 'ř' => 'r',
        'ś' | 'š' | 'ş' | 'ș' => 's',
        'ť' | 'ţ' | 'ț' => 't',
        'ù'..='ü' | 'ū' | 'ů' | 'ű' => 'u',
        'ý' | 'ÿ' => 'y',
        'ź' | 'ż' | 'ž' => 'z',
        _ => c,
    }
}

/// The text, or its first `max` characters and an ellipsis.
#[must_use]
pub fn shortened(text: &str, max: usize) -> String {
    if text.chars().count() <= max {
        return text.to_owned();
    }
    let mut cut: String = text.chars().take(max.saturating_sub(1)).collect();
    cut.push('…');
    cut
}

/// "1 day", "2 days": the number with its word.
#[must_use]
pub fn counted(n: i64, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}

/// A closed list of words that are stored and written in addresses: `as_str` and `parse` are one list.
#[macro_export]
macro_rules! text_enum {
    ($(#[$doc:meta])* pub enum $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Debug, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
        pub enum $name { $($(#[$vdoc])* #[serde(rename = $text)] $variant),* }

        impl $name {
            /// All values, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The word that is stored and written in addresses.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),* }
            }

            /// The value of a stored word.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$variant),)* _ => None }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

/// The text with its first letter as a capital, for a number or a name that starts a sentence.
#[must_use]
pub fn capital(text: &str) -> String {
    let mut rest = text.chars();
    rest.next().map_or_else(String::new, |first| first.to_uppercase().chain(rest).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folding_finds_people_without_their_accents() {
        assert_eq!(folded("Tomás FERREIRA"), "tomas ferreira");
    }

    #[test]
    fn tidy_drops_what_cannot_be_seen() {
        assert_eq!(tidy(" \u{200b}\u{202e}\u{feff}"), "");
        assert_eq!(tidy("\u{202e}evil\u{2066} x"), "evil x");
        assert_eq!(tidy("  a\u{0}b\r\nc "), "ab\nc");
        assert_eq!(one_line(" a\n  b "), "a b");
    }
}
