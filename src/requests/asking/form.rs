//! Step 1: what is asked.

use askama::Template;

use super::Case;
use crate::error::{FieldError, Result};
use crate::kernel::{Ts, Zone};
use crate::policies::model::{Lifetime, Policy, Terms};
use crate::requests::fields::{self, Field};
use crate::requests::forms::AskForm;
use crate::requests::rules;
use crate::requests::words::{self, Decides};
use crate::web::page::{Names, Notice, NoticeKind};
use crate::web::words::{When, and_list, date_in_full};
use crate::web::{Cx, Place, Reply, Shell};

/// The page that is to be drawn.
pub(super) struct Page<'a> {
    case: &'a Case,
    policy: &'a Policy,
    form: &'a AskForm,
    errors: Vec<FieldError>,
    changed: bool,
    /// When what is in the form was kept.
    since: Option<Ts>,
}

impl<'a> Page<'a> {
    pub(super) fn of(case: &'a Case, policy: &'a Policy, form: &'a AskForm) -> Self {
        Self { case, policy, form, errors: Vec::new(), changed: false, since: None }
    }

    /// With what is to be mended: 422.
    pub(super) fn wrong(mut self, errors: &[FieldError]) -> Self {
        self.errors = errors.to_vec();
        self
    }

    /// The policy is not the one any more that the form showed: 409, to be read again.
    pub(super) fn changed(mut self) -> Self {
        self.changed = true;
        self
    }

    /// With the time since when it is kept.
    pub(super) fn kept(mut self, since: Option<Ts>) -> Self {
        self.since = since;
        self
    }

    pub(super) fn reply(self, cx: &Cx) -> Result<Reply> {
        let Self { case, policy, form, errors, changed, since } = self;
        let (now, zone) = (cx.now(), cx.zone());
        let mut shell = cx.shell(case.title(), Place::Browse)?.with_errors(&errors);
        if changed {
            shell.notice = Some(Notice {
                kind: NoticeKind::Warn,
                strong: "The policy has just changed.".into(),
                text: "Read what it says now, then go on. What you typed is kept.".into(),
                undo: None,
            });
        }
        let decides = case.decides(cx, policy)?;
        let form =
            AskForm { policy: Some(policy.id), version: Some(policy.version), ..form.clone() };
        let page = FormPage {
            shell,
            package: case.name().to_owned(),
            other: case.other(),
            package_href: case.package_href(),
            action: case.page(""),
            forget: case.page("/forget"),
            choose: choose_href(case),
            policy: policy.name.clone(),
            reason_optional: !policy.terms.reason_required,
            reason_hint: reason_hint(&decides),
            asked: fields::of(&policy.terms.questions, &form.answers),
            attributes: case
                .ask
                .attributes
                .iter()
                .map(|(resource, questions)| {
                    (resource.clone(), fields::of(questions, &form.answers))
                })
                .collect(),
            period: policy
                .terms
                .period_chosen
                .then(|| period_fields(&policy.terms, &form, now, zone)),
            longest: words::longest(policy.terms.lifetime),
            decides,
            since: since.map(|at| When::at(at, now, zone)),
            in_basket: case.draft.as_ref().is_some_and(|draft| draft.in_basket),
            form,
        };
        let status = match (changed, errors.is_empty()) {
            (true, _) => 409,
            (false, true) => 200,
            (false, false) => 422,
        };
        Ok(Reply::page(&page)?.status(status))
    }
}

/// Where another policy is chosen, where there are several.
fn choose_href(case: &Case) -> Option<String> {
    let many = case.ask.policies().len() > 1;
    let and = if case.other().is_some() { '&' } else { '?' };
    many.then(|| format!("{}{and}step=choose", case.page("")))
}

#[derive(Template)]
#[template(path = "requests/form.html")]
struct FormPage {
    shell: Shell,
    package: String,
    other: Option<String>,
    package_href: String,
    action: String,
    forget: String,
    choose: Option<String>,
    policy: String,
    form: AskForm,
    reason_optional: bool,
    reason_hint: String,
    /// What the policy asks.
    asked: Vec<Field>,
    /// What the resources ask, by name.
    attributes: Vec<(String, Vec<Field>)>,
    period: Option<PeriodFields>,
    longest: String,
    decides: Vec<Decides>,
    since: Option<When>,
    in_basket: bool,
}

/// What the fields of the period say.
struct PeriodFields {
    today: String,
    latest: String,
    hint: String,
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
    let who = if more > 0 { "Those who decide".to_owned() } else { and_list(&shown, 3) };
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
            lead: String::new(),
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
