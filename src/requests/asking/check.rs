//! Step 2: what was filled in is read once more, then sent.

use askama::Template;

use super::form::Page;
use super::{Case, choose, keep, own_again};
use crate::error::{Error, Result};
use crate::kernel::Kind;
use crate::policies::model::Policy;
use crate::policies::questions::{Answer, field};
use crate::policies::stages::Circumstances;
use crate::requests::forms::AskForm;
use crate::requests::rules::{self, Period};
use crate::requests::words::{self, Decides};
use crate::web::{Cx, Place, Reply, Shell};

#[derive(Template)]
#[template(path = "requests/check.html")]
struct CheckPage {
    shell: Shell,
    package: String,
    package_href: String,
    policy: String,
    version: i64,
    who: String,
    other: Option<String>,
    edit: String,
    action: String,
    kept: Vec<(String, String)>,
    reason: String,
    answers: Vec<Line>,
    first: String,
    last: String,
    period_chosen: bool,
    resources: Vec<String>,
    decides: Vec<Decides>,
}

/// An answer to be read once more.
struct Line {
    field: String,
    text: String,
    resource: Option<String>,
    words: String,
}

/// What was kept, to be checked. Loading it again is harmless.
pub(super) fn show(cx: &mut Cx) -> Result<Reply> {
    let case = Case::open(cx, cx.id("id")?)?;
    if !case.ask.open() {
        return Ok(Reply::see_other(case.package_href()));
    }
    let Some(draft) = &case.draft else { return Ok(Reply::see_other(case.page(""))) };
    let form = &draft.form;
    let Some(policy) = case.choose(form) else { return Ok(Reply::see_other(case.page(""))) };
    let page = Page::of(&case, policy, form);
    if form.version.is_some_and(|seen| seen != policy.version) {
        return page.changed().reply(cx);
    }
    match form.checked(&policy.terms, &case.ask.attributes, cx.now(), cx.zone()) {
        Ok((period, answers)) => check_page(cx, &case, policy, form, period, answers),
        Err(errors) => page.wrong(&errors).reply(cx),
    }
}

/// Sends what the page showed: it carries everything, so that a draft that changed meanwhile is not sent unseen.
pub(super) fn send(cx: &mut Cx) -> Result<Reply> {
    let case = Case::open(cx, cx.id("id")?)?;
    let mut form = AskForm::read(cx.form());
    if !case.ask.open() {
        // Sent twice, it made one request already: the command knows its key.
        return super::send(cx, &case, &form, Period { starts: None, ends: None });
    }
    own_again(cx, &case, &mut form)?;
    let Some(policy) = case.choose(&form) else {
        keep(cx, &case, &form, None)?;
        return choose::page(cx, &case, &form, true);
    };
    form.policy = Some(policy.id);
    let page = Page::of(&case, policy, &form);
    if form.version.is_some_and(|seen| seen != policy.version) {
        return page.changed().reply(cx);
    }
    let zone = cx.zone();
    let period = match form.checked(&policy.terms, &case.ask.attributes, cx.now(), zone) {
        Ok((period, _)) => period,
        Err(errors) => return page.wrong(&errors).reply(cx),
    };
    match super::send(cx, &case, &form, period) {
        Err(Error::Invalid(errors)) => page.wrong(&errors).reply(cx),
        other => other,
    }
}

/// The policy with those stages only that such a request goes through.
fn with_stages_of(policy: &Policy, circumstances: Circumstances<'_>) -> Policy {
    let mut policy = policy.clone();
    policy.terms.stages.retain(|stage| stage.applies(circumstances));
    for stage in &mut policy.terms.stages {
        stage.only_if = None;
    }
    policy
}

fn check_page(
    cx: &Cx,
    case: &Case,
    policy: &Policy,
    form: &AskForm,
    period: Period,
    answers: Vec<Answer>,
) -> Result<Reply> {
    let (now, zone) = (cx.now(), cx.zone());
    let form = AskForm { policy: Some(policy.id), version: Some(policy.version), ..form.clone() };
    let mut resources: Vec<String> =
        case.ask.contents.iter().map(|c| c.resource_name.clone()).collect();
    resources.dedup();
    let start = period.starts.unwrap_or(now);
    let end = rules::end_of_access(&policy.terms, period.ends, start, zone);
    let circumstances = Circumstances {
        answers: &answers,
        seconds: end.map(|end| end.seconds_since(start)),
        guest: case.target().kind == Kind::Guest,
        in_doubt: false,
    };
    let decides = case.decides(cx, &with_stages_of(policy, circumstances))?;
    let line = |answer: Answer| Line {
        field: field(&answer.key),
        words: answer.words(),
        text: answer.text,
        resource: answer.resource,
    };
    let page = CheckPage {
        shell: cx.shell("Check your answers – Browse", Place::Browse)?,
        package: case.name().to_owned(),
        package_href: case.package_href(),
        policy: policy.name.clone(),
        version: policy.version,
        who: case.target().name.clone(),
        other: case.other(),
        edit: case.page(""),
        action: case.page("/check"),
        first: words::first_day(&policy.terms, period, zone),
        last: words::last_day(&policy.terms, period, now, zone),
        period_chosen: policy.terms.period_chosen,
        kept: form.pairs(),
        reason: form.reason,
        answers: answers.into_iter().map(line).collect(),
        resources,
        decides,
    };
    Reply::page(&page)
}
