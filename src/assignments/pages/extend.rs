//! More time for what one has (D11).

use askama::Template;
use chrono::NaiveDate;

use crate::access::policy;
use crate::assignments::store::Named;
use crate::error::{Error, FieldError, Result};
use crate::kernel::{AssignmentId, RequestId, Ts, Zone};
use crate::policies::model::{Extension, Policy, Terms};
use crate::requests::commands::{self, Extend};
use crate::requests::forms::AskForm;
use crate::requests::model::State;
use crate::requests::rules::{extended_end, last_day};
use crate::requests::store;
use crate::requests::veil::prospective;
use crate::requests::words::{self, Decides};
use crate::web::words::{When, date_in_full};
use crate::web::{Cx, Form, Place, Reply, Shell};

/// The form.
#[derive(Template)]
#[template(path = "assignments/extend.html")]
struct ExtendPage {
    shell: Shell,
    id: AssignmentId,
    key: RequestId,
    package: String,
    package_href: String,
    policy: String,
    current: When,
    reason: String,
    reason_optional: bool,
    ends: String,
    /// The days that can be chosen, where one can be.
    period: Option<Days>,
    /// The end that it gets where none is chosen.
    longest: String,
    decides: Vec<Decides>,
}

/// The days that can be chosen.
struct Days {
    first: String,
    last: String,
    hint: String,
}

/// What somebody typed.
struct Typed {
    key: RequestId,
    reason: String,
    ends: String,
}

impl Typed {
    fn read(form: &Form) -> Self {
        Self {
            key: RequestId::parse(form.raw("key")).unwrap_or_else(RequestId::fresh),
            reason: form.text("reason"),
            ends: form.line("ends"),
        }
    }
}

pub(super) fn show(cx: &mut Cx) -> Result<Reply> {
    let typed = Typed::read(&cx.refill().unwrap_or_default());
    draw(cx, &typed, Vec::new())
}

fn draw(cx: &Cx, typed: &Typed, errors: Vec<FieldError>) -> Result<Reply> {
    let id: AssignmentId = cx.id("id")?;
    let (me, now, zone) = (cx.person()?.id, cx.now(), cx.zone());
    let (named, policy, extension, ends, found) = cx.read(|db| {
        let (named, policy, extension, ends) = commands::extendable(db, me, id, now, zone)?;
        let found = match extension.approval {
            true => prospective(db, &policy.terms, cx.person()?, me, named.catalog)?,
            false => vec![],
        };
        Ok((named, policy, extension, ends, found))
    })?;
    // Where the policy allows no later end, the refusal says so instead of a form that nothing can be asked with.
    let longest = match extended_end(&policy.terms, None, ends, now, zone) {
        Ok(longest) => longest,
        Err(no) => return Err(too_long(&named, &no).into()),
    };
    let mut shell = cx.shell(format!("Extend {} – My access", named.package), Place::Access)?;
    let status = if errors.is_empty() { 200 } else { 422 };
    shell.errors = errors.iter().map(Into::into).collect();
    let page = ExtendPage {
        shell,
        id,
        key: typed.key,
        package_href: format!("/packages/{}", named.assignment.package_id),
        current: When::end(ends, now, zone),
        reason: typed.reason.clone(),
        reason_optional: !policy.terms.reason_required,
        ends: typed.ends.clone(),
        period: policy.terms.period_chosen.then(|| days(ends, longest, zone)),
        longest: longest_words(longest, now, zone),
        decides: words::decides(&asked(&policy, extension), &found),
        package: named.package,
        policy: policy.name,
    };
    Ok(Reply::page(&page)?.status(status))
}

fn too_long(named: &Named, no: &FieldError) -> crate::error::Refusal {
    crate::error::Refusal::new(
        format!("{} cannot be extended", named.package),
        format!("{}. You can request it again when it has ended.", no.text),
    )
    .way("See your access", "/access")
}

/// The terms with the stages that decide on an extension.
fn asked(policy: &Policy, extension: Extension) -> Terms {
    let mut terms = policy.terms.clone();
    if !extension.approval {
        terms.stages.clear();
    }
    terms
}

fn days(current: Ts, longest: Option<Ts>, zone: Zone) -> Days {
    let after: Option<NaiveDate> = last_day(current, zone).succ_opt();
    let last = longest.map(|end| last_day(end, zone));
    Days {
        first: after.map(|day| day.to_string()).unwrap_or_default(),
        last: last.map(|day| day.to_string()).unwrap_or_default(),
        hint: match last {
            Some(day) => format!("The policy allows it until {} at the latest.", date_in_full(day)),
            None => "The policy sets no end.".to_owned(),
        },
    }
}

fn longest_words(longest: Option<Ts>, now: Ts, zone: Zone) -> String {
    match longest {
        Some(end) => format!("until {}", When::end(end, now, zone).absolute),
        None => "without an end".to_owned(),
    }
}

pub(super) fn take(cx: &mut Cx) -> Result<Reply> {
    let id: AssignmentId = cx.id("id")?;
    let typed = Typed::read(cx.form());
    let asked = AskForm { ends: typed.ends.clone(), ..AskForm::fresh() };
    let until = match asked.period(cx.zone()) {
        Ok(period) => period.ends,
        Err(errors) => return draw(cx, &typed, errors),
    };
    let extend = Extend { id: typed.key, assignment: id, reason: typed.reason.clone(), until };
    let me = cx.person()?.id;
    let done = cx.write(move |tx| {
        let permit = policy::own_assignment(tx.actor(), me)?;
        let request = commands::extend(tx, &permit, &extend)?;
        store::one(tx.db(), request)
    });
    let request = match done {
        Ok(request) => request,
        Err(Error::Invalid(errors)) => return draw(cx, &typed, errors),
        Err(other) => return Err(other),
    };
    let reply = Reply::see_other(format!("/requests/{}", request.id));
    Ok(match request.state {
        State::Delivered => reply.notice("Extended.", "It goes on without a break."),
        _ => reply.notice(
            "Asked for more time.",
            "This page always shows where it stands. What you have stays until its end.",
        ),
    })
}
