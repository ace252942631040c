//! Whom the provider means (E21). Pure.
//!
//! The person is found by the id that the staff list and the provider share, or else by a mail address that the
//! provider has verified. The first sign-in pins the provider's account to the person; from then on the person
//! and the account belong together, whatever else the provider says.

use super::oidc::Identity;
use crate::kernel::PersonId;

/// A person who could be meant: one with the id, the mail address or the pinned account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The person.
    pub id: PersonId,
    /// The name to record.
    pub name: String,
    /// The id in the staff list.
    pub external_id: String,
    /// The mail address, in lower case.
    pub mail: Option<String>,
    /// False for somebody who has left.
    pub enabled: bool,
    /// The pinned account: issuer and subject.
    pub pin: Option<(String, String)>,
}

/// Why somebody whom the provider knows is not signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum No {
    /// The directory has nobody of this id or mail address.
    Unknown,
    /// The directory has several.
    Several,
    /// The person has left.
    Left(PersonId, String),
    /// The person has signed in with another account before.
    OtherAccount(PersonId, String),
    /// The account belongs to this person, and now claims to be somebody else.
    OtherPerson(PersonId, String),
}

impl No {
    /// The reason in one word, for the log.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Several => "several",
            Self::Left(..) => "left",
            Self::OtherAccount(..) => "other-account",
            Self::OtherPerson(..) => "other-person",
        }
    }

    /// Whom the refusal concerns, and why, for the audit log; nobody where nobody of ours is meant (E23).
    #[must_use]
    pub fn concerns(&self) -> Option<(PersonId, &str, &'static str)> {
        match self {
            Self::Unknown | Self::Several => None,
            Self::Left(id, name) => Some((*id, name, "this person has left")),
            Self::OtherAccount(id, name) => Some((
                *id,
                name,
                "the provider sent another account than the one of this person's first sign-in",
            )),
            Self::OtherPerson(id, name) => {
                Some((*id, name, "this person's account claimed to be somebody else"))
            }
        }
    }
}

/// The one person who is meant.
///
/// # Errors
/// [`No`] if that is nobody, or not beyond doubt.
pub fn who<'a>(identity: &Identity, candidates: &'a [Candidate]) -> Result<&'a Candidate, No> {
    let there = || candidates.iter().filter(|person| person.enabled);
    let owner = there().find(|person| has_account(person, identity));
    let mut named: Vec<_> = there().filter(|person| has_key(person, identity)).collect();
    if named.is_empty() {
        named = there().filter(|person| has_mail(person, identity)).collect();
    }
    match (owner, &named[..]) {
        (Some(owner), []) => Ok(owner),
        (Some(owner), named) if named.iter().any(|person| person.id == owner.id) => Ok(owner),
        (Some(owner), _) => Err(No::OtherPerson(owner.id, owner.name.clone())),
        (None, [one]) if one.pin.is_none() => Ok(one),
        (None, [one]) => Err(No::OtherAccount(one.id, one.name.clone())),
        (None, [_, _, ..]) => Err(No::Several),
        (None, []) => match candidates {
            [] => Err(No::Unknown),
            [left, ..] => Err(No::Left(left.id, left.name.clone())),
        },
    }
}

fn has_account(person: &Candidate, identity: &Identity) -> bool {
    person
        .pin
        .as_ref()
        .is_some_and(|(issuer, subject)| *issuer == identity.issuer && *subject == identity.subject)
}

fn has_key(person: &Candidate, identity: &Identity) -> bool {
    person.external_id == identity.person_key
}

fn has_mail(person: &Candidate, identity: &Identity) -> bool {
    identity.mail.as_ref().is_some_and(|mail| person.mail.as_ref() == Some(&mail.to_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(key: &str, mail: Option<&str>, subject: &str) -> Identity {
        Identity {
            issuer: "https://id.example".into(),
            subject: subject.into(),
            person_key: key.into(),
            mail: mail.map(str::to_owned),
            name: None,
            id_token: String::new(),
        }
    }

    fn person(key: &str, subject: Option<&str>) -> Candidate {
        Candidate {
            id: PersonId::fresh(),
            name: key.to_uppercase(),
            external_id: key.into(),
            mail: Some(format!("{key}@example.test")),
            enabled: true,
            pin: subject.map(|subject| ("https://id.example".into(), subject.into())),
        }
    }

    #[test]
    fn the_id_goes_before_the_mail() {
        let (ada, ben) = (person("ada", None), person("ben", None));
        let people = [ada.clone(), ben.clone()];
        let found = who(&identity("ben", Some("ada@example.test"), "s"), &people);
        assert_eq!(found, Ok(&ben));
        assert_eq!(who(&identity("x", Some("ADA@example.test"), "s"), &people), Ok(&ada));
        assert_eq!(who(&identity("x", None, "s"), &[]), Err(No::Unknown));
    }

    #[test]
    fn nobody_is_signed_in_who_is_not_meant_beyond_doubt() {
        let twice = [person("ada", None), person("ada", None)];
        assert_eq!(who(&identity("ada", None, "s"), &twice), Err(No::Several));
        let mails = [person("ada", None), person("ada", None)];
        assert_eq!(who(&identity("x", Some("ada@example.test"), "s"), &mails), Err(No::Several));
    }

    #[test]
    fn e21_another_account_never_becomes_a_person_who_has_one() {
        let ada = person("ada", Some("hers"));
        let people = [ada.clone()];
        assert_eq!(who(&identity("ada", None, "hers"), &people), Ok(&ada));
        let refused = Err(No::OtherAccount(ada.id, "ADA".into()));
        assert_eq!(who(&identity("ada", None, "his"), &people), refused);
        assert_eq!(who(&identity("x", Some("ada@example.test"), "his"), &people), refused);
        let mut elsewhere = identity("ada", None, "hers");
        elsewhere.issuer = "https://evil.example".into();
        assert_eq!(who(&elsewhere, &people), refused);
    }

    #[test]
    fn e21_an_account_never_becomes_another_person() {
        let (ada, ben) = (person("ada", Some("hers")), person("ben", None));
        let people = [ada.clone(), ben];
        let refused = Err(No::OtherPerson(ada.id, "ADA".into()));
        assert_eq!(who(&identity("ben", None, "hers"), &people), refused);
        // Her account is enough when the list has given her another id since.
        assert_eq!(who(&identity("ada2", None, "hers"), &people[..1]), Ok(&ada));
    }

    #[test]
    fn somebody_who_has_left_is_not_signed_in_but_may_come_back_under_another_id() {
        let mut old = person("ada", Some("hers"));
        old.enabled = false;
        let left = Err(No::Left(old.id, "ADA".into()));
        assert_eq!(who(&identity("ada", None, "hers"), &[old.clone()]), left);
        let new = person("ada2", None);
        assert_eq!(who(&identity("ada2", None, "hers"), &[old, new.clone()]), Ok(&new));
    }
}
