//! What a form or a query carried: names and values in their order, names may repeat.

use serde::{Deserialize, Serialize};

use crate::kernel::text;

/// The largest form, in bytes; a longer one is answered with 413.
pub const FORM_MAX: usize = 256 * 1024;
/// The name of the hidden field with the token.
pub const CSRF: &str = "csrf";

/// Names and values.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Form(Vec<(String, String)>);

impl Form {
    /// Reads `a=1&b=2`, as bodies and queries are written.
    #[must_use]
    pub fn parse(encoded: &[u8]) -> Self {
        Self(url::form_urlencoded::parse(encoded).into_owned().collect())
    }

    /// A form with these values.
    #[must_use]
    pub fn of<N: Into<String>, V: Into<String>>(pairs: impl IntoIterator<Item = (N, V)>) -> Self {
        Self(pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }

    /// The first value as it came; empty if the name is not there.
    #[must_use]
    pub fn raw(&self, name: &str) -> &str {
        self.0.iter().find(|(n, _)| n == name).map_or("", |(_, value)| value)
    }

    /// The first value, trimmed and without control characters; line breaks stay.
    #[must_use]
    pub fn text(&self, name: &str) -> String {
        text::tidy(self.raw(name))
    }

    /// The first value as one line.
    #[must_use]
    pub fn line(&self, name: &str) -> String {
        text::one_line(self.raw(name))
    }

    /// All values of a name, tidied, in their order.
    #[must_use]
    pub fn all(&self, name: &str) -> Vec<String> {
        self.0.iter().filter(|(n, _)| n == name).map(|(_, value)| text::tidy(value)).collect()
    }

    /// True if the name is there: a checked box, a pressed button.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(n, _)| n == name)
    }

    /// Puts one value in place of all values of the name.
    pub fn set(&mut self, name: &str, value: impl Into<String>) {
        self.remove(name);
        self.0.push((name.to_owned(), value.into()));
    }

    /// Takes all values of the name away.
    pub fn remove(&mut self, name: &str) {
        self.0.retain(|(n, _)| n != name);
    }

    /// All names and values.
    #[must_use]
    pub fn pairs(&self) -> &[(String, String)] {
        &self.0
    }

    /// True without any value.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// As it is written in an address.
    #[must_use]
    pub fn encoded(&self) -> String {
        url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&self.0).finish()
    }

    /// The longest texts that a person typed (what has a blank in it), so that no answer loses them (C9).
    #[must_use]
    pub fn typed(&self) -> Option<String> {
        let mut texts: Vec<String> = self
            .0
            .iter()
            .filter(|(name, _)| name != CSRF)
            .map(|(_, value)| text::tidy(value))
            .filter(|value| value.contains(char::is_whitespace))
            .collect();
        texts.sort_by_key(|value| std::cmp::Reverse(value.len()));
        texts.truncate(3);
        (!texts.is_empty()).then(|| texts.join("\n\n"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_repeat_and_values_are_tidied() {
        let form = Form::parse(b"people=a&people=+b%00&note=+line+one%0D%0Aline%07+two+&ok=");
        assert_eq!(form.all("people"), ["a", "b"]);
        assert_eq!(form.text("note"), "line one\nline two");
        assert_eq!(form.line("note"), "line one line two");
        assert!(form.has("ok") && !form.has("none"));
        assert_eq!(form.raw("none"), "");
    }

    #[test]
    fn broken_encodings_are_read_as_far_as_they_go() {
        let form = Form::parse(b"a=%ff%zz&&=&b");
        assert!(form.raw("a").ends_with("%zz"));
        assert!(form.has("b"));
    }

    #[test]
    fn setting_replaces_all_values() {
        let mut form = Form::parse(b"a=1&a=2&b=3");
        form.set("a", "4");
        assert_eq!(form.encoded(), "b=3&a=4");
    }

    #[test]
    fn what_was_typed_is_the_prose_and_never_the_token() {
        let form = Form::of([
            ("csrf", "a token with blanks"),
            ("id", "0197-9"),
            ("note", "I need it for the audit."),
        ]);
        assert_eq!(form.typed().as_deref(), Some("I need it for the audit."));
        assert_eq!(Form::of([("id", "1")]).typed(), None);
    }
}
