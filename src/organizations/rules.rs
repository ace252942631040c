//! What a connected organization must say. Pure; every error at once, on the name of its field.

use super::model::Draft;
use crate::directory::mail::as_domain;
use crate::error::FieldError;
use crate::kernel::text::{NAME_MAX, NOTE_MAX, one_line, shortened, tidy};

/// As many mail domains as one organization may have.
pub const DOMAINS_MAX: usize = 200;
/// As many people as may answer for one organization.
pub const SPONSORS_MAX: usize = 50;
/// As many wrong lines as are told at once.
const TOLD_MAX: usize = 10;

/// The tidied draft, its domains in order and in the form in which they are stored.
///
/// # Errors
/// What to mend: `name`, `description`, `domains`, `sponsors`.
pub fn organization(draft: &Draft) -> Result<Draft, Vec<FieldError>> {
    let mut errors = Vec::new();
    let name = one_line(&draft.name);
    if name.is_empty() {
        errors.push(FieldError::new("name", "Enter a name"));
    }
    at_most("name", "the name", &name, NAME_MAX, &mut errors);
    let description = tidy(&draft.description);
    at_most("description", "the description", &description, NOTE_MAX, &mut errors);
    let domains = domains(&draft.domains, &mut errors);
    if draft.sponsors.len() > SPONSORS_MAX {
        let words =
            format!("Name {SPONSORS_MAX} people at most; these are {}", draft.sponsors.len());
        errors.push(FieldError::new("sponsors", words));
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    Ok(Draft { name, description, domains, sponsors: draft.sponsors.clone() })
}

/// The domains of the lines that have something in them, each once. "@contoso.example" is "contoso.example".
fn domains(lines: &[String], errors: &mut Vec<FieldError>) -> Vec<String> {
    let (mut found, mut wrong) = (Vec::new(), Vec::new());
    for (at, line) in lines.iter().enumerate() {
        let line = one_line(line);
        if line.is_empty() {
            continue;
        }
        match as_domain(line.strip_prefix('@').unwrap_or(&line)) {
            Some(domain) => found.push(domain),
            None => wrong.push(format!("line {}: {}", at + 1, trouble(&line))),
        }
    }
    found.sort();
    found.dedup();
    if wrong.len() > TOLD_MAX {
        let rest = wrong.len() - TOLD_MAX;
        wrong.truncate(TOLD_MAX);
        wrong.push(format!("and {rest} lines more"));
    }
    if !wrong.is_empty() {
        errors.push(FieldError::new("domains", format!("Mend {}", wrong.join("; "))));
    } else if found.is_empty() {
        errors.push(FieldError::new("domains", "Enter at least one mail domain"));
    } else if found.len() > DOMAINS_MAX {
        let words = format!("Enter {DOMAINS_MAX} mail domains at most; these are {}", found.len());
        errors.push(FieldError::new("domains", words));
    }
    found
}

/// What is wrong with a line that is no domain, and what to write instead where that can be told.
fn trouble(line: &str) -> String {
    let short = shortened(line, 60);
    match line.rsplit_once('@').and_then(|(_, domain)| as_domain(domain)) {
        Some(domain) => format!("“{short}” is an address; write only {domain}"),
        None => format!("“{short}” is no mail domain, such as contoso.com"),
    }
}

fn at_most(field: &str, what: &str, text: &str, max: usize, errors: &mut Vec<FieldError>) {
    let long = text.chars().count();
    if long > max {
        let words = format!("Shorten {what} to {max} characters; it has {long}");
        errors.push(FieldError::new(field, words));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft(domains: &[&str]) -> Draft {
        let domains = domains.iter().map(|d| (*d).to_owned()).collect();
        Draft { name: "Contoso".into(), domains, ..Draft::default() }
    }

    fn words(domains: &[&str]) -> String {
        organization(&draft(domains)).expect_err("an error")[0].text.clone()
    }

    #[test]
    fn domains_are_stored_in_one_form_each_once_and_in_order() {
        let typed =
            ["  Zeta.Example ", "", "@CONTOSO.example", "contoso.EXAMPLE", "Müller.example"];
        let domains = organization(&draft(&typed)).expect("good").domains;
        assert_eq!(domains, ["contoso.example", "xn--mller-kva.example", "zeta.example"]);
        let again = organization(&Draft { domains: domains.clone(), ..draft(&[]) }).expect("good");
        assert_eq!(again.domains, domains, "what is tidy stays as it is");
    }

    #[test]
    fn a_line_that_is_no_domain_is_told_with_its_number_and_a_way_out() {
        assert_eq!(
            words(&["good.example", "", "ann@contoso.example", "*.contoso.example"]),
            "Mend line 3: “ann@contoso.example” is an address; write only contoso.example; \
             line 4: “*.contoso.example” is no mail domain, such as contoso.com"
        );
        assert_eq!(words(&[" ", ""]), "Enter at least one mail domain");
        let many: Vec<String> = (0..=DOMAINS_MAX).map(|n| format!("d{n}.example")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert_eq!(words(&many), "Enter 200 mail domains at most; these are 201");
        assert!(words(&["x"; 40]).ends_with("; and 30 lines more"));
        assert!(words(&[&"x".repeat(100_000)]).len() < 200);
    }

    #[test]
    fn all_errors_come_at_once() {
        let sponsors = (0..=SPONSORS_MAX).map(|_| crate::kernel::PersonId::fresh()).collect();
        let description = "x".repeat(NOTE_MAX + 1);
        let errors =
            organization(&Draft { name: " ".into(), description, sponsors, domains: vec![] });
        let fields: Vec<_> = errors.expect_err("four").into_iter().map(|e| e.field).collect();
        assert_eq!(fields, ["name", "description", "domains", "sponsors"]);
    }
}
