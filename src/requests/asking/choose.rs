//! Which of several policies (D17)? Its rules decide what the form asks.

use askama::Template;

use super::Case;
use crate::error::{FieldError, Result};
use crate::requests::forms::AskForm;
use crate::web::page::Choice;
use crate::web::{Cx, Place, Reply, Shell};

#[derive(Template)]
#[template(path = "requests/choose.html")]
struct ChoicePage {
    shell: Shell,
    package: String,
    other: Option<String>,
    target: Option<String>,
    package_href: String,
    action: String,
    again: Option<String>,
    policies: Vec<(Choice, Vec<String>)>,
}

/// The page; `asked` where somebody went on without choosing.
pub(super) fn page(cx: &Cx, case: &Case, form: &AskForm, asked: bool) -> Result<Reply> {
    let mut shell = cx.shell(case.title(), Place::Browse)?;
    if asked {
        let text = "Choose the policy under which you request it";
        shell.errors = vec![(&FieldError::new("policy", text)).into()];
    }
    let kept = cx.person()?.veil(&[case.requestor()], case.ask.position.catalog);
    let policies = case.ask.policies().into_iter().map(|policy| {
        let choice = Choice {
            value: policy.id.to_string(),
            label: policy.name.clone(),
            hint: String::new(),
            on: form.policy == Some(policy.id),
        };
        (choice, policy.terms.reads_to(&kept))
    });
    let page = ChoicePage {
        shell,
        package: case.name().to_owned(),
        other: case.other(),
        target: case.other().map(|_| case.target().id.to_string()),
        package_href: case.package_href(),
        action: format!("/packages/{}/request", case.package()),
        again: form.again.map(|id| id.to_string()),
        policies: policies.collect(),
    };
    Ok(Reply::page(&page)?.status(if asked { 422 } else { 200 }))
}
