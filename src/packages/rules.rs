//! What a package must say, and how it is searched. Pure.

use super::model::{Content, PackageChange, Position};
use crate::catalogs::rules::{description, name};
use crate::error::FieldError;
use crate::kernel::text::folded;
use crate::kernel::{AssignmentId, RequestId, Ts};

/// As many words of a search as are looked at.
const WORDS_MAX: usize = 8;

/// The tidied words of a package.
///
/// # Errors
/// What to mend.
pub fn package(draft: &PackageChange) -> Result<PackageChange, Vec<FieldError>> {
    let mut errors = Vec::new();
    let checked = PackageChange {
        name: name("name", &draft.name, &mut errors),
        description: description("description", &draft.description, &mut errors),
        hidden: draft.hidden,
    };
    if checked.description.is_empty() {
        errors.push(FieldError::new("description", "Say what somebody can do with it"));
    }
    if errors.is_empty() { Ok(checked) } else { Err(errors) }
}

/// The column that is searched: name, description and the names of the resources, folded.
#[must_use]
pub fn search(name: &str, description: &str, contents: &[Content]) -> String {
    let mut text = format!("{name}\n{description}");
    for content in contents {
        text.push('\n');
        text.push_str(&content.resource_name);
    }
    folded(&text)
}

/// The patterns that a text for search stands for: all of its words must be there.
#[must_use]
pub fn patterns(q: &str) -> Vec<String> {
    folded(q)
        .split_whitespace()
        .take(WORDS_MAX)
        .map(|word| {
            let word = word.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
            format!("%{word}%")
        })
        .collect()
}

/// An active assignment as its row tells it: id, start, end.
pub type Held = (AssignmentId, Ts, Option<Ts>);
/// An open request as its row tells it: id, reference, state.
pub type Asked = (RequestId, String, String);

/// How somebody stands to a package.
#[must_use]
pub fn position(held: Option<Held>, asked: Option<Asked>, can_request: bool) -> Position {
    match (held, asked) {
        (Some((assignment, starts, until)), _) => Position::Holds { assignment, starts, until },
        (None, Some((request, reference, state))) => Position::Open { request, reference, state },
        (None, None) if can_request => Position::CanRequest,
        (None, None) => Position::Cannot,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_takes_signs_literally_and_words_in_any_order() {
        assert_eq!(patterns(" Tomás 100%  a_b \\"), ["%tomas%", "%100\\%%", "%a\\_b%", "%\\\\%"]);
    }

    #[test]
    fn a_package_must_say_what_it_is_for() {
        let draft = PackageChange { name: "Ledger".into(), description: " ".into(), hidden: false };
        let errors = package(&draft).expect_err("an error");
        assert_eq!(errors, [FieldError::new("description", "Say what somebody can do with it")]);
    }
}
