//! Requesting, in two steps: fill in, check, send. Nothing is stored before the last.

use askama::Template;

use super::commands::{self, Submit};
use super::eligibility;
use super::forms::AskForm;
use super::prospect::{Prospect, deciders, prospect};
use super::rules::Period;
use super::words::{self, Decides};
use super::{rules, store};
use crate::access::policy::{self, AskStanding, Gate};
use crate::error::{Error, FieldError, Result};
use crate::kernel::{PackageId, Ts, Zone};
use crate::policies::model::{Lifetime, Policy, Terms};
use crate::web::page::{Choice, Names, Notice, NoticeKind};
use crate::web::words::date_in_full;
use crate::web::{Cx, Limit, Place, Reply, Route, Shell, get, post};

/// The routes of requesting.
pub const ROUTES: &[Route] = &[
    get("/packages/{id}/request", Gate::SignedIn, show),
    post("/packages/{id}/request", Gate::SignedIn, take).limited(Limit::Submit),
];

/// The form, as it was opened, carried on from the check, or filled again after a sign-in.
fn show(cx: &mut Cx) -> Result<Reply> {
    let id: PackageId = cx.id("id")?;
    let ask = load(cx, id)?;
    if !ask.open() {
        // The package's page says why not, and what can be done (B8).
        return Ok(Reply::see_other(format!("/packages/{id}")));
    }
    let mut form = match cx.refill() {
        Some(kept) => AskForm::read(&kept),
        None => AskForm { policy: cx.query("policy").parse().ok(), ..AskForm::fresh() },
    };
    if let Ok(again) = cx.query("again").parse() {
        form.again = Some(again);
        prefill(cx, id, &mut form)?;
    }
    let chosen = choose(&ask, &form);
    let Some(policy) = chosen else {
        let asked = cx.query("step") == "policy";
        return choice(cx, &ask, &form, asked);
    };
    form_page(cx, &ask, policy, &form, vec![], false)
}

/// A step of the form.
fn take(cx: &mut Cx) -> Result<Reply> {
    let id: PackageId = cx.id("id")?;
    let mut form = AskForm::read(cx.form());
    own_again(cx, id, &mut form)?;
    let ask = load(cx, id)?;
    let step = cx.form().line("step");
    if !ask.open() {
        // Sent twice, it made one request already: the command knows its key.
        if step == "send" {
            return send(cx, &form, id, Period { starts: None, ends: None });
        }
        let no = ask.position.no.clone().unwrap_or(eligibility::No::OutOfScope);
        return Err(commands::refusal(&no, &ask.position).into());
    }
    let Some(policy) = choose(&ask, &form) else {
        return choice(cx, &ask, &form, true);
    };
    if form.version.is_some_and(|seen| seen != policy.version) {
        return form_page(cx, &ask, policy, &form, vec![], true);
    }
    if step == "edit" {
        return form_page(cx, &ask, policy, &form, vec![], false);
    }
    let period = match form.checked(&policy.terms, cx.now(), cx.site.db.zone()) {
        Ok(period) => period,
        Err(errors) => return form_page(cx, &ask, policy, &form, errors, false),
    };
    if step != "send" {
        return check_page(cx, &ask, policy, &form, period);
    }
    form.policy = Some(policy.id);
    match send(cx, &form, id, period) {
        Err(Error::Invalid(errors)) => form_page(cx, &ask, policy, &form, errors, false),
        other => other,
    }
}

fn send(cx: &Cx, form: &AskForm, package: PackageId, period: Period) -> Result<Reply> {
    let target = cx.person()?.id;
    let new = Submit {
        id: form.key,
        policy: form.policy,
        version: form.version,
        reason: form.reason.clone(),
        period,
        previous: form.again,
        ..Submit::of(package)
    };
    let id = cx.write(move |tx| {
        let permit = policy::request_access(tx.actor(), &AskStanding::own(target))?;
        commands::submit(tx, &permit, &new)
    })?;
    Ok(Reply::see_other(format!("/requests/{id}?sent=1")))
}

/// Everything that the form's pages know of the package.
fn load(cx: &Cx, id: PackageId) -> Result<Prospect> {
    let me = cx.person()?.id;
    let ask = cx.read(|db| prospect(db, me, me, id))?;
    if ask.seen.visible { Ok(ask) } else { Err(Error::Missing) }
}

/// The policy that the form is for: the only one, or the one that was chosen of several.
fn choose<'a>(ask: &'a Prospect, form: &AskForm) -> Option<&'a Policy> {
    match ask.policies().as_slice() {
        [only] => Some(only),
        several => several.iter().copied().find(|policy| Some(policy.id) == form.policy),
    }
}

/// Forgets a request to repeat that is not the person's own or not for this package.
fn own_again(cx: &Cx, id: PackageId, form: &mut AskForm) -> Result<()> {
    let Some(again) = form.again else { return Ok(()) };
    let me = cx.person()?.id;
    form.again = match cx.read(|db| store::one(db, again)) {
        Ok(before) if before.target_id == me && before.package_id == id => Some(again),
        Ok(_) | Err(Error::Missing) => None,
        Err(error) => return Err(error),
    };
    Ok(())
}

/// Fills the form from the request that is repeated (D12); days that are over are left out.
fn prefill(cx: &Cx, id: PackageId, form: &mut AskForm) -> Result<()> {
    own_again(cx, id, form)?;
    let Some(again) = form.again else { return Ok(()) };
    let before = cx.read(|db| store::one(db, again))?;
    let zone = cx.site.db.zone();
    let today = zone.date(cx.now());
    if form.reason.is_empty() {
        form.reason = before.reason;
    }
    form.policy = form.policy.or(Some(before.policy_id));
    let day = |day: chrono::NaiveDate| if day < today { String::new() } else { day.to_string() };
    if let Some(at) = before.starts_at {
        form.starts = day(zone.date(at));
    }
    if let Some(end) = before.ends_at {
        form.ends = day(rules::last_day(end, zone));
    }
    Ok(())
}

/// Which of several policies? Its rules decide what the form asks.
#[derive(Template)]
#[template(path = "requests/choose.html")]
struct ChoicePage {
    shell: Shell,
    package: String,
    package_href: String,
    again: Option<String>,
    policies: Vec<(Choice, Vec<String>)>,
}

fn choice(cx: &Cx, ask: &Prospect, form: &AskForm, asked: bool) -> Result<Reply> {
    let package = &ask.detail.package;
    let mut shell = cx.shell(format!("Request {} – Browse", package.name), Place::Browse)?;
    if asked {
        let text = "Choose the policy under which you request it";
        shell.errors = vec![(&FieldError::new("policy", text)).into()];
    }
    let policies = ask
        .policies()
        .into_iter()
        .map(|policy| {
            let choice = Choice {
                value: policy.id.to_string(),
                label: policy.name.clone(),
                hint: String::new(),
                on: form.policy == Some(policy.id),
            };
            (choice, policy.terms.reads())
        })
        .collect();
    let page = ChoicePage {
        shell,
        package: package.name.clone(),
        package_href: format!("/packages/{}", package.id),
        again: form.again.map(|id| id.to_string()),
        policies,
    };
    Ok(Reply::page(&page)?.status(if asked { 422 } else { 200 }))
}

/// Step 1.
#[derive(Template)]
#[template(path = "requests/form.html")]
struct FormPage {
    shell: Shell,
    package: String,
    package_href: String,
    policy: String,
    form: AskForm,
    reason_optional: bool,
    reason_hint: String,
    period: Option<PeriodFields>,
    longest: String,
    decides: Vec<Decides>,
}

/// What the fields of the period say.
struct PeriodFields {
    today: String,
    latest: String,
    hint: String,
}

fn form_page(
    cx: &Cx,
    ask: &Prospect,
    policy: &Policy,
    form: &AskForm,
    errors: Vec<FieldError>,
    changed: bool,
) -> Result<Reply> {
    let package = &ask.detail.package;
    let (now, zone) = (cx.now(), cx.site.db.zone());
    let mut shell = cx.shell(format!("Request {} – Browse", package.name), Place::Browse)?;
    let status = match (changed, errors.is_empty()) {
        (true, _) => 409,
        (false, true) => 200,
        (false, false) => 422,
    };
    shell.errors = errors.iter().map(Into::into).collect();
    if changed {
        shell.notice = Some(Notice {
            kind: NoticeKind::Warn,
            strong: "The policy has just changed.".into(),
            text: "Read what it says now, then go on. What you typed is kept.".into(),
        });
    }
    let decides = who_decides(cx, ask, policy)?;
    let form = AskForm { policy: Some(policy.id), version: Some(policy.version), ..form.clone() };
    let page = FormPage {
        shell,
        package: package.name.clone(),
        package_href: format!("/packages/{}", package.id),
        policy: policy.name.clone(),
        reason_optional: !policy.terms.reason_required,
        reason_hint: reason_hint(&decides),
        period: policy.terms.period_chosen.then(|| period_fields(&policy.terms, &form, now, zone)),
        longest: words::longest(policy.terms.lifetime),
        decides,
        form,
    };
    Ok(Reply::page(&page)?.status(status))
}

fn who_decides(cx: &Cx, ask: &Prospect, policy: &Policy) -> Result<Vec<Decides>> {
    let me = cx.person()?.id;
    let catalog = ask.detail.package.catalog;
    let found = cx.read(|db| deciders(db, &policy.terms, me, me, catalog))?;
    Ok(words::decides(&policy.terms, &found))
}

/// Who will read the reason.
fn reason_hint(decides: &[Decides]) -> String {
    let mut names: Vec<&str> =
        decides.iter().flat_map(|d| &d.names.shown).map(String::as_str).collect();
    names.dedup();
    if names.is_empty() {
        return "One or two sentences. It is kept with your request.".to_owned();
    }
    let Names { shown, more } = Names::of(&names);
    let more = more + decides.iter().map(|d| d.names.more).sum::<usize>();
    let who = if more > 0 {
        "Those who decide".to_owned()
    } else {
        crate::web::words::and_list(&shown, 3)
    };
    format!("One or two sentences. {who} will read exactly this.")
}

/// What the policy allows, in the words of the hint (D8).
fn period_fields(terms: &Terms, form: &AskForm, now: Ts, zone: Zone) -> PeriodFields {
    let typed = AskForm { ends: String::new(), ..form.clone() }.period(zone).ok();
    let start = typed.and_then(|p| p.starts).unwrap_or(now).max(now);
    let end = terms.lifetime.end(start, zone).map(|end| rules::last_day(end, zone));
    let from = if start > now {
        format!("starts on {}", date_in_full(zone.date(start)))
    } else {
        "starts today".to_owned()
    };
    let hint = match (terms.lifetime, end) {
        (Lifetime::Until { .. }, Some(day)) => {
            format!("The policy allows it until {} at the latest.", date_in_full(day))
        }
        (Lifetime::Never, _) | (_, None) => {
            "The policy sets no end. Choose the day after which you no longer need it.".to_owned()
        }
        (lifetime, Some(day)) => {
            let most = words::longest(lifetime).replace(" after it starts", "");
            let day = date_in_full(day);
            format!("The policy allows {most}: {day} at the latest, if it {from}.")
        }
    };
    PeriodFields {
        today: zone.date(now).to_string(),
        latest: end.map(|day| day.to_string()).unwrap_or_default(),
        hint,
    }
}

/// Step 2.
#[derive(Template)]
#[template(path = "requests/check.html")]
struct CheckPage {
    shell: Shell,
    package: String,
    package_href: String,
    policy: String,
    version: i64,
    who: String,
    action: String,
    hidden: Vec<(&'static str, String)>,
    reason: String,
    first: String,
    last: String,
    period_chosen: bool,
    resources: Vec<String>,
    decides: Vec<Decides>,
}

fn check_page(
    cx: &Cx,
    ask: &Prospect,
    policy: &Policy,
    form: &AskForm,
    period: Period,
) -> Result<Reply> {
    let package = &ask.detail.package;
    let (now, zone) = (cx.now(), cx.site.db.zone());
    let form = AskForm { policy: Some(policy.id), version: Some(policy.version), ..form.clone() };
    let mut resources: Vec<String> =
        ask.detail.contents.iter().map(|c| c.resource_name.clone()).collect();
    resources.dedup();
    let page = CheckPage {
        shell: cx.shell("Check your answers – Browse", Place::Browse)?,
        package: package.name.clone(),
        package_href: format!("/packages/{}", package.id),
        policy: policy.name.clone(),
        version: policy.version,
        who: cx.person()?.name.clone(),
        action: format!("/packages/{}/request", package.id),
        first: words::first_day(&policy.terms, period, zone),
        last: words::last_day(&policy.terms, period, now, zone),
        period_chosen: policy.terms.period_chosen,
        hidden: form.hidden(),
        reason: form.reason,
        resources,
        decides: who_decides(cx, ask, policy)?,
    };
    Reply::page(&page)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policies::model::Scope;

    fn at(text: &str) -> Ts {
        Ts::new(text.parse().unwrap())
    }

    fn terms(lifetime: Lifetime) -> Terms {
        Terms {
            scope: Scope::default(),
            stages: vec![],
            reason_required: true,
            lifetime,
            period_chosen: true,
            ..Terms::default()
        }
    }

    #[test]
    fn d08_the_hint_names_the_maximum_and_its_last_day() {
        let (now, zone) = (at("2026-11-23T09:12:00Z"), Zone::named("Europe/Oslo").unwrap());
        let fields = |lifetime, form| period_fields(&terms(lifetime), &form, now, zone);
        let days = fields(Lifetime::Days { days: 90 }, AskForm::fresh());
        assert_eq!(
            days.hint,
            "The policy allows 90 days: 21 February 2027 at the latest, if it starts today."
        );
        assert_eq!((days.today.as_str(), days.latest.as_str()), ("2026-11-23", "2027-02-21"));
        let later = AskForm { starts: "2026-12-01".into(), ..AskForm::fresh() };
        let later = fields(Lifetime::Days { days: 90 }, later);
        assert!(
            later
                .hint
                .ends_with("28 February 2027 at the latest, if it starts on 1 December 2026."),
            "{}",
            later.hint
        );
        let never = fields(Lifetime::Never, AskForm::fresh());
        assert_eq!(never.latest, "");
    }

    #[test]
    fn the_reason_says_who_will_read_it() {
        let decides = |shown: &[&str], more| Decides {
            lead: "",
            names: Names { shown: shown.iter().map(|&n| n.to_owned()).collect(), more },
            verb: "decides".into(),
            why: "",
            days: "3 days".into(),
        };
        assert_eq!(reason_hint(&[]), "One or two sentences. It is kept with your request.");
        let two = [decides(&["Ingrid"], 0), decides(&["Dario"], 0)];
        assert_eq!(
            reason_hint(&two),
            "One or two sentences. Ingrid and Dario will read exactly this."
        );
        assert!(reason_hint(&[decides(&["A", "B"], 9)]).contains("Those who decide"));
    }
}
