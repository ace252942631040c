//! Who is meant: people by id, then mail, then name.

use std::collections::HashMap;

/// The answer to "who is meant?".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found<T> {
    /// This one.
    One(T),
    /// Nobody.
    Nobody,
    /// Several, so nobody can be picked; the word says what they share.
    Several(&'static str),
}

/// People by what a file may call them. Ids and names count as written, mail in lower case.
pub(super) struct Lookup<'a, T> {
    ids: HashMap<&'a str, Option<T>>,
    mails: HashMap<String, Option<T>>,
    names: HashMap<&'a str, Option<T>>,
}

impl<'a, T: Copy> Lookup<'a, T> {
    pub(super) fn new() -> Self {
        Self { ids: HashMap::new(), mails: HashMap::new(), names: HashMap::new() }
    }

    /// Adds a person. In one list the ids are different; several sources may share one.
    pub(super) fn add(&mut self, id: &'a str, mail: Option<&str>, name: &'a str, person: T) {
        self.ids.entry(id).and_modify(|one| *one = None).or_insert(Some(person));
        if let Some(mail) = mail {
            self.mails
                .entry(mail.to_lowercase())
                .and_modify(|one| *one = None)
                .or_insert(Some(person));
        }
        self.names.entry(name).and_modify(|one| *one = None).or_insert(Some(person));
    }

    /// By id, then mail.
    pub(super) fn by_id_or_mail(&self, written: &str) -> Found<T> {
        match (self.ids.get(written), self.mails.get(&written.to_lowercase())) {
            (Some(Some(person)), _) | (None, Some(Some(person))) => Found::One(*person),
            (Some(None), _) => Found::Several("id"),
            (None, Some(None)) => Found::Several("mail"),
            (None, None) => Found::Nobody,
        }
    }

    /// By id, then mail, then a name that only one has.
    pub(super) fn by_anything(&self, written: &str) -> Found<T> {
        match (self.by_id_or_mail(written), self.names.get(written)) {
            (Found::Nobody, Some(Some(person))) => Found::One(*person),
            (Found::Nobody, Some(None)) => Found::Several("name"),
            (found, _) => found,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_goes_before_a_mail_and_a_mail_before_a_name() {
        let mut people = Lookup::new();
        people.add("a", Some("x@y.example"), "Ada", 1);
        people.add("x@y.example", Some("b@y.example"), "Ben", 2);
        people.add("c", None, "b@y.example", 3);
        people.add("d", None, "Ada", 4);
        assert_eq!(people.by_anything("x@y.example"), Found::One(2));
        assert_eq!(people.by_anything("B@Y.example"), Found::One(2));
        assert_eq!(people.by_anything("Ben"), Found::One(2));
        assert_eq!(people.by_id_or_mail("Ben"), Found::Nobody);
        assert_eq!(people.by_anything("Ada"), Found::Several("name"));
        people.add("c", None, "Cleo", 5);
        assert_eq!(people.by_id_or_mail("c"), Found::Several("id"));
    }
}
