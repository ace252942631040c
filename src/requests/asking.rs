//! Requesting, in two steps: fill in, check, send. What is filled in is kept as a draft between the steps, so that going
//! back and loading again are harmless; nobody hears of it before it is sent.

mod basket;
mod behalf;
mod case;
mod check;
mod choose;
mod exception;
mod form;
mod refuse;

pub use behalf::for_others;
pub use case::{Case, query, target};
pub use refuse::can_refuse;

use super::commands::{self, Submit};
use super::eligibility;
use super::forms::AskForm;
use super::rules::Period;
use super::{drafts, rules, store};
use crate::access::policy::{self, Gate};
use crate::error::{Error, Result};
use crate::kernel::{PackageId, PersonId};
use crate::web::{Cx, Limit, Reply, Route, get, post};

/// The routes of requesting.
pub const ROUTES: &[Route] = &[
    get("/packages/{id}/request", Gate::SignedIn, show),
    post("/packages/{id}/request", Gate::SignedIn, take).limited(Limit::Submit),
    get("/packages/{id}/request/check", Gate::SignedIn, check::show),
    post("/packages/{id}/request/check", Gate::SignedIn, check::send).limited(Limit::Submit),
    get("/packages/{id}/request/for", Gate::SignedIn, behalf::show).limited(Limit::Search),
    post("/packages/{id}/request/basket", Gate::SignedIn, basket::put).limited(Limit::Submit),
    post("/packages/{id}/request/forget", Gate::SignedIn, forget),
    get("/packages/{id}/exception", Gate::SignedIn, exception::show),
    post("/packages/{id}/exception", Gate::SignedIn, exception::send).limited(Limit::Submit),
    get("/basket", Gate::SignedIn, basket::show),
    post("/basket", Gate::SignedIn, basket::send).limited(Limit::Submit),
    get("/basket/{id}", Gate::SignedIn, basket::sent),
    get("/requests/{id}/refuse", Gate::SignedIn, refuse::show),
    post("/requests/{id}/refuse", Gate::SignedIn, refuse::refuse),
];

/// The form, as it was opened, as it was kept, or filled again after a sign-in.
fn show(cx: &mut Cx) -> Result<Reply> {
    let case = Case::open(cx, cx.id("id")?)?;
    if !case.ask.open() {
        // The package's page says why not, and what can be done (B8).
        return Ok(Reply::see_other(case.package_href()));
    }
    let again = cx.query("again").parse().ok();
    let refilled = cx.refill().map(|kept| AskForm::read(&kept));
    let kept = case.draft.as_ref().filter(|d| again.is_none() || d.form.again == again);
    let since = kept.filter(|_| refilled.is_none()).map(|draft| draft.at);
    let mut form = match (refilled, kept) {
        (Some(form), _) => form,
        (None, Some(draft)) => draft.form.clone(),
        (None, None) => {
            let mut form = AskForm { again, ..AskForm::fresh() };
            prefill(cx, &case, &mut form)?;
            form
        }
    };
    if let Ok(chosen) = cx.query("policy").parse() {
        form.policy = Some(chosen);
    }
    let asked = cx.query("step") == "policy";
    let policy = case.choose(&form).filter(|_| cx.query("step") != "choose");
    let Some(policy) = policy else { return choose::page(cx, &case, &form, asked) };
    form::Page::of(&case, policy, &form).kept(since).reply(cx)
}

/// The form was sent: on to the check, kept for later, or into the basket.
fn take(cx: &mut Cx) -> Result<Reply> {
    let case = Case::open(cx, cx.id("id")?)?;
    let mut form = AskForm::read(cx.form());
    own_again(cx, &case, &mut form)?;
    let step = cx.form().line("step");
    if step == "later" {
        keep(cx, &case, &form, None)?;
        return Ok(Reply::see_other("/requests").notice(
            "Kept for later.",
            format!("Your request for {} is not sent yet.", case.name()),
        ));
    }
    if !case.ask.open() {
        return Err(case.refusal().into());
    }
    let Some(policy) = case.choose(&form) else {
        keep(cx, &case, &form, None)?;
        return choose::page(cx, &case, &form, true);
    };
    let page = form::Page::of(&case, policy, &form);
    if form.version.is_some_and(|seen| seen != policy.version) {
        return page.changed().reply(cx);
    }
    if step != "basket" {
        let checked = form.checked(&policy.terms, &case.ask.attributes, cx.now(), cx.zone());
        if let Err(errors) = checked {
            return page.wrong(&errors).reply(cx);
        }
    }
    let form = AskForm { policy: Some(policy.id), version: Some(policy.version), ..form };
    let into = (step == "basket").then_some(true);
    keep(cx, &case, &form, into)?;
    Ok(match into {
        Some(_) => basket::put_in(&case),
        None => Reply::see_other(case.page("/check")),
    })
}

/// Forgets a draft.
fn forget(cx: &mut Cx) -> Result<Reply> {
    let id: PackageId = cx.id("id")?;
    let target = case::target(cx)?;
    let me = cx.person()?.id;
    // Deleted twice it is deleted once; what is out of sight stays so.
    let known = cx.read(|db| {
        Ok(drafts::one(db, me, target, id)?.is_some()
            || eligibility::position(db, me, target, id)?.visible())
    })?;
    if !known {
        return Err(Error::Missing);
    }
    cx.write(move |tx| commands::drop_draft(tx, target, id))?;
    Ok(Reply::see_other("/requests").notice("Deleted.", "What you had filled in is gone."))
}

/// Keeps a form as a draft.
fn keep(cx: &Cx, case: &Case, form: &AskForm, in_basket: Option<bool>) -> Result<()> {
    let (me, target, package) = (case.requestor(), case.target().id, case.package());
    let form = form.clone();
    cx.write(move |tx| {
        let position = eligibility::position(tx.db(), me, target, package)?;
        let permit = policy::request_access(tx.actor(), &position.standing())?;
        commands::keep_draft(tx, &permit, &position, &form, in_basket)
    })
}

/// Sends a form; the address of the request.
fn send(cx: &Cx, case: &Case, form: &AskForm, period: Period) -> Result<Reply> {
    send_as(cx, case, form, period, false)
}

/// The same, as a request for an exception from separation of duties or not.
fn send_as(cx: &Cx, case: &Case, form: &AskForm, period: Period, exception: bool) -> Result<Reply> {
    let (me, target, package) = (case.requestor(), case.target().id, case.package());
    let new = Submit {
        exception,
        id: form.key,
        policy: form.policy,
        version: form.version,
        reason: form.reason.clone(),
        answers: form.answers.clone(),
        period,
        previous: form.again,
        ..Submit::of(package)
    };
    let (id, reference) = cx.write(move |tx| {
        let standing = standing(tx.db(), me, target, package)?;
        let permit = policy::request_access(tx.actor(), &standing)?;
        let id = commands::submit(tx, &permit, &new)?;
        Ok((id, super::store::one(tx.db(), id)?.reference))
    })?;
    Ok(Reply::see_other(format!("/requests/{id}")).notice(
        "Request sent.",
        format!(
            "Its reference is {reference}. This page always shows where it stands: bookmark or print it."
        ),
    ))
}

fn standing(
    db: &mut crate::db::Db,
    me: PersonId,
    target: PersonId,
    package: PackageId,
) -> Result<policy::AskStanding> {
    if me == target {
        return Ok(policy::AskStanding::own(target));
    }
    Ok(eligibility::position(db, me, target, package)?.standing())
}

/// Forgets a request to repeat that is not the person's own or not for this package and person.
fn own_again(cx: &Cx, case: &Case, form: &mut AskForm) -> Result<()> {
    let Some(again) = form.again else { return Ok(()) };
    form.again = match cx.read(|db| store::one(db, again)) {
        Ok(before)
            if before.requestor_id == case.requestor()
                && before.target_id == case.target().id
                && before.package_id == case.package()
                && before.state.ended() =>
        {
            Some(again)
        }
        Ok(_) | Err(Error::Missing) => None,
        Err(error) => return Err(error),
    };
    Ok(())
}

/// Fills the form from the request that is repeated (D12); days that are over are left out.
fn prefill(cx: &Cx, case: &Case, form: &mut AskForm) -> Result<()> {
    own_again(cx, case, form)?;
    let Some(again) = form.again else { return Ok(()) };
    let before = cx.read(|db| store::one(db, again))?;
    let zone = cx.zone();
    let today = zone.date(cx.now());
    let day = |day: chrono::NaiveDate| if day < today { String::new() } else { day.to_string() };
    form.reason = before.reason;
    form.answers = before.answers.into_iter().map(|a| (a.key, a.values)).collect();
    form.policy = Some(before.policy_id);
    if let Some(at) = before.starts_at {
        form.starts = day(zone.date(at));
    }
    if let Some(end) = before.ends_at {
        form.ends = day(rules::last_day(end, zone));
    }
    Ok(())
}
