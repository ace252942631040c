//! What a catalog or a resource must say. Pure; every error at once, on the name of its field.

use super::model::{CatalogChange, NewResource, ResourceChange};
use crate::error::FieldError;
use crate::kernel::text::{NAME_MAX, NOTE_MAX, one_line, tidy};

/// As long as an address on a target system may be, in characters.
const ADDRESS_MAX: usize = 1_000;

/// A name: one line, not empty, not too long.
pub fn name(field: &str, text: &str, errors: &mut Vec<FieldError>) -> String {
    let name = one_line(text);
    if name.is_empty() {
        errors.push(FieldError::new(field, "Enter a name"));
    }
    at_most(field, "the name", &name, NAME_MAX, errors);
    name
}

/// A description; it may be empty.
pub fn description(field: &str, text: &str, errors: &mut Vec<FieldError>) -> String {
    let text = tidy(text);
    at_most(field, "the description", &text, NOTE_MAX, errors);
    text
}

fn at_most(field: &str, what: &str, text: &str, max: usize, errors: &mut Vec<FieldError>) {
    let long = text.chars().count();
    if long > max {
        errors.push(FieldError::new(
            field,
            format!("Shorten {what} to {max} characters; it has {long}"),
        ));
    }
}

/// The tidied words of a catalog.
///
/// # Errors
/// What to mend.
pub fn catalog(draft: &CatalogChange) -> Result<CatalogChange, Vec<FieldError>> {
    let mut errors = Vec::new();
    let checked = CatalogChange {
        name: name("name", &draft.name, &mut errors),
        description: description("description", &draft.description, &mut errors),
        listed_for_everyone: draft.listed_for_everyone,
        for_guests: draft.for_guests,
    };
    if errors.is_empty() { Ok(checked) } else { Err(errors) }
}

/// The tidied words of a resource to register.
///
/// # Errors
/// What to mend.
pub fn resource(draft: &NewResource) -> Result<NewResource, Vec<FieldError>> {
    let mut errors = Vec::new();
    let checked = NewResource {
        name: name("name", &draft.name, &mut errors),
        description: description("description", &draft.description, &mut errors),
        ..draft.clone()
    };
    if checked.target.is_empty() || checked.address.is_empty() {
        errors.push(FieldError::new("address", "Choose a resource of a target system"));
    }
    at_most("address", "the address", &checked.address, ADDRESS_MAX, &mut errors);
    if checked.roles.is_empty() {
        errors.push(FieldError::new("address", "Choose a resource that has at least one role"));
    }
    if errors.is_empty() { Ok(checked) } else { Err(errors) }
}

/// The tidied words of a resource.
///
/// # Errors
/// What to mend.
pub fn resource_change(draft: &ResourceChange) -> Result<ResourceChange, Vec<FieldError>> {
    let mut errors = Vec::new();
    let checked = ResourceChange {
        name: name("name", &draft.name, &mut errors),
        description: description("description", &draft.description, &mut errors),
        ..draft.clone()
    };
    if errors.is_empty() { Ok(checked) } else { Err(errors) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_errors_come_at_once_and_say_how_to_mend() {
        let draft = CatalogChange {
            name: " \n".into(),
            description: "x".repeat(NOTE_MAX + 1),
            listed_for_everyone: false,
            for_guests: true,
        };
        let errors = catalog(&draft).expect_err("two errors");
        assert_eq!(errors[0], FieldError::new("name", "Enter a name"));
        assert_eq!(
            errors[1].text,
            format!("Shorten the description to 2000 characters; it has {}", NOTE_MAX + 1)
        );
    }

    #[test]
    fn a_name_is_one_tidy_line() {
        let draft = CatalogChange {
            name: "  Finance\t \u{0}systems ".into(),
            description: String::new(),
            listed_for_everyone: true,
            for_guests: true,
        };
        assert_eq!(catalog(&draft).expect("valid").name, "Finance systems");
    }
}
