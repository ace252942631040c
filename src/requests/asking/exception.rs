//! An exception from separation of duties is a request of its own (D19): the same form, with a reason and an end that
//! must be there.

use askama::Template;

use super::{Case, send_as};
use crate::error::{Error, FieldError, Result};
use crate::packages::incompatible::model::Conflict;
use crate::packages::incompatible::rules::named;
use crate::policies::model::{Policy, Terms};
use crate::requests::duties;
use crate::requests::eligibility::No;
use crate::requests::fields::{self, Field};
use crate::requests::forms::AskForm;
use crate::requests::rules::exception::{self, EXCEPTION_DAYS};
use crate::requests::rules::{self, Period};
use crate::requests::words::Decides;
use crate::web::page::Choice;
use crate::web::words::{and_list, date_in_full};
use crate::web::{Cx, Place, Reply, Shell};

#[derive(Template)]
#[template(path = "requests/exception.html")]
struct ExceptionPage {
    shell: Shell,
    package: String,
    package_href: String,
    other: Option<String>,
    action: String,
    form: AskForm,
    /// What the person has.
    has: String,
    /// What they have, and why nobody should have both.
    conflicts: Vec<(String, String)>,
    /// The policies that apply, where there are several (D17).
    policies: Vec<Choice>,
    asked: Vec<Field>,
    attributes: Vec<(String, Vec<Field>)>,
    today: String,
    latest: String,
    ends_hint: String,
    decides: Vec<Decides>,
}

/// What stands against the package; none where nothing does, or no policy lets it be requested.
fn conflicts(case: &Case) -> Option<&[Conflict]> {
    match &case.ask.position.no {
        Some(No::Incompatible(conflicts)) if !case.ask.position.applicable.is_empty() => {
            Some(conflicts)
        }
        _ => None,
    }
}

/// The policy that was chosen, or the first.
fn policy<'a>(case: &'a Case, form: &AskForm) -> Option<&'a Policy> {
    let all = case.ask.policies();
    all.iter().find(|p| Some(p.id) == form.policy).or_else(|| all.first()).copied()
}

/// The form.
pub(super) fn show(cx: &mut Cx) -> Result<Reply> {
    let case = Case::open(cx, cx.id("id")?)?;
    let Some(found) = conflicts(&case) else {
        return Ok(Reply::see_other(case.package_href()));
    };
    let mut form = cx.refill().map_or_else(AskForm::fresh, |kept| AskForm::read(&kept));
    if let Ok(chosen) = cx.query("policy").parse() {
        form.policy = Some(chosen);
    }
    let Some(policy) = policy(&case, &form) else { return Err(Error::Missing) };
    draw(cx, &case, policy, found, form, &[])
}

/// Sends it.
pub(super) fn send(cx: &mut Cx) -> Result<Reply> {
    let case = Case::open(cx, cx.id("id")?)?;
    let mut form = AskForm::read(cx.form());
    form.again = None;
    let Some(found) = conflicts(&case) else {
        // Sent twice, it made one request already: the command knows its key, and refuses everything else.
        return send_as(cx, &case, &form, Period { starts: None, ends: None }, true);
    };
    let Some(policy) = policy(&case, &form) else { return Err(Error::Missing) };
    form.policy = Some(policy.id);
    let terms = terms(cx, &case, policy, found)?;
    let period = match checked(cx, &case, &terms, &form) {
        Ok(period) => period,
        Err(errors) => return draw(cx, &case, policy, found, form, &errors),
    };
    match send_as(cx, &case, &form, period, true) {
        Err(Error::Invalid(errors)) => draw(cx, &case, policy, found, form, &errors),
        other => other,
    }
}

fn terms(cx: &Cx, case: &Case, policy: &Policy, found: &[Conflict]) -> Result<Terms> {
    cx.read(|db| duties::terms(db, &policy.terms, found, case.ask.position.catalog))
}

/// The period that was asked for, or everything that is wrong with the form.
fn checked(
    cx: &Cx,
    case: &Case,
    terms: &Terms,
    form: &AskForm,
) -> std::result::Result<Period, Vec<FieldError>> {
    let (now, zone) = (cx.now(), cx.zone());
    let form_checked = form.checked(terms, &case.ask.attributes, now, zone);
    let asked = form.period(zone).unwrap_or(Period { starts: None, ends: None });
    let period = exception::period(terms, asked, now, zone);
    match (form_checked, period) {
        (Ok(_), period) => period,
        (Err(mut errors), Err(more)) => {
            let new = |error: &FieldError| errors.iter().all(|e| e.field != error.field);
            let more: Vec<FieldError> = more.into_iter().filter(new).collect();
            errors.extend(more);
            Err(errors)
        }
        (Err(errors), Ok(_)) => Err(errors),
    }
}

fn draw(
    cx: &Cx,
    case: &Case,
    policy: &Policy,
    found: &[Conflict],
    form: AskForm,
    errors: &[FieldError],
) -> Result<Reply> {
    let (now, zone) = (cx.now(), cx.zone());
    let terms = terms(cx, case, policy, found)?;
    let form = AskForm { policy: Some(policy.id), version: Some(policy.version), ..form };
    let typed = AskForm { ends: String::new(), ..form.clone() }.period(zone).ok();
    let latest = exception::latest(&terms, typed.and_then(|p| p.starts), now, zone);
    let latest = rules::last_day(latest, zone);
    let title = match case.other() {
        Some(name) => format!("Request an exception for {name}: {} – Browse", case.name()),
        None => format!("Request an exception: {} – Browse", case.name()),
    };
    let all = case.ask.policies();
    let several = all.len() > 1;
    let policies = all.into_iter().filter(|_| several).map(|one| Choice {
        value: one.id.to_string(),
        label: one.name.clone(),
        hint: String::new(),
        on: one.id == policy.id,
    });
    let page = ExceptionPage {
        shell: cx.shell(title, Place::Browse)?.with_errors(errors),
        package: case.name().to_owned(),
        package_href: case.package_href(),
        other: case.other(),
        action: format!("/packages/{}/exception{}", case.package(), case.query()),
        has: and_list(&named(found), 5),
        conflicts: found.iter().map(|c| (c.what(), c.reason.clone())).collect(),
        policies: policies.collect(),
        asked: fields::of(&terms.questions, &form.answers),
        attributes: case
            .ask
            .attributes
            .iter()
            .map(|(resource, questions)| (resource.clone(), fields::of(questions, &form.answers)))
            .collect(),
        today: zone.date(now).to_string(),
        ends_hint: format!(
            "An exception always has an end: {} at the latest, {EXCEPTION_DAYS} days or what the policy allows.",
            date_in_full(latest)
        ),
        latest: latest.to_string(),
        decides: case.decides_under(cx, &terms)?,
        form,
    };
    Ok(Reply::page(&page)?.status(if errors.is_empty() { 200 } else { 422 }))
}
