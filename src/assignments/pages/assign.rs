//! Direct assignment (D10): who and under which policy, what is asked, check, assign.

use askama::Template;

use crate::access::policy;
use crate::assignments::owner::seen;
use crate::db::Db;
use crate::directory::store::find_exact;
use crate::error::{Error, FieldError, Refusal, Result};
use crate::kernel::text::NOTE_MAX;
use crate::kernel::{PackageId, PersonId, PolicyId, RequestId};
use crate::policies::model::{Policy, Terms};
use crate::policies::questions::Answer;
use crate::policies::store::of_package;
use crate::requests::commands::{self, Assign, not_under};
use crate::requests::eligibility::{self, No, Position};
use crate::requests::fields::{self, Field, Given};
use crate::requests::forms::AskForm;
use crate::requests::prospect;
use crate::requests::rules::{Period, asked_period, last_day};
use crate::requests::store::{PackageName, attributes, contents};
use crate::requests::words;
use crate::web::page::Choice;
use crate::web::words::{and_list, date_in_full};
use crate::web::{Cx, Form, Place, Reply, Shell};

/// What somebody typed.
#[derive(Clone)]
struct Typed {
    key: RequestId,
    /// Whom they wrote.
    person: String,
    /// Who that is, once it is known.
    target: Option<PersonId>,
    policy: Option<PolicyId>,
    reason: String,
    starts: String,
    ends: String,
    given: Given,
}

impl Typed {
    fn read(form: &Form) -> Self {
        Self {
            key: RequestId::parse(form.raw("key")).unwrap_or_else(RequestId::fresh),
            person: form.line("person"),
            target: PersonId::parse(form.raw("target")),
            policy: PolicyId::parse(form.raw("policy")),
            reason: form.text("reason"),
            starts: form.line("starts"),
            ends: form.line("ends"),
            given: fields::given(form),
        }
    }

    /// What nobody types in the second step.
    fn origin(&self) -> Vec<(String, String)> {
        let mut all =
            vec![("key".into(), self.key.to_string()), ("person".into(), self.person.clone())];
        all.extend(self.target.map(|id| ("target".into(), id.to_string())));
        all.extend(self.policy.map(|id| ("policy".into(), id.to_string())));
        all
    }

    fn hidden(&self) -> Vec<(String, String)> {
        let mut all = self.origin();
        all.push(("reason".into(), self.reason.clone()));
        all.push(("starts".into(), self.starts.clone()));
        all.push(("ends".into(), self.ends.clone()));
        all.extend(fields::hidden(&self.given));
        all
    }
}

/// The package, with the policies under which it may be assigned directly.
struct Case {
    package: PackageName,
    policies: Vec<Policy>,
}

impl Case {
    fn read(cx: &Cx) -> Result<Self> {
        let id: PackageId = cx.id("id")?;
        let actor = cx.actor().ok_or(Error::Missing)?;
        cx.read(|db| {
            let package = seen(db, actor, id)?;
            policy::manage_assignment(actor, package.catalog)?;
            let mut policies = of_package(db, id)?;
            policies.retain(|policy| policy.enabled && policy.terms.asks.direct);
            Ok(Self { package, policies })
        })
    }

    fn action(&self) -> String {
        format!("/packages/{}/assign", self.package.id)
    }

    fn shell(&self, cx: &Cx, errors: &[FieldError]) -> Result<Shell> {
        let title = format!("Assign {} – Catalogs", self.package.name);
        let mut shell = cx.shell(title, Place::Catalogs)?;
        shell.errors = errors.iter().map(Into::into).collect();
        Ok(shell)
    }
}

/// Step 1.
#[derive(Template)]
#[template(path = "assignments/assign_who.html")]
struct WhoPage {
    shell: Shell,
    package: PackageName,
    action: String,
    key: RequestId,
    person: String,
    /// The policies with their sentences.
    policies: Vec<(Choice, Vec<String>)>,
}

pub(in crate::assignments) fn show(cx: &mut Cx) -> Result<Reply> {
    let case = Case::read(cx)?;
    if case.policies.is_empty() {
        let name = &case.package.name;
        let why = "None of its policies that are switched on allows it. The page of a policy says under “Who asks” \
                   whether owners and administrators may assign directly.";
        return Err(Refusal::new(format!("{name} cannot be assigned directly"), why)
            .way("See who has it", format!("/packages/{}/assignments", case.package.id))
            .into());
    }
    let typed = Typed::read(&cx.refill().unwrap_or_default());
    who_page(cx, case, &typed, &[])
}

fn who_page(cx: &Cx, case: Case, typed: &Typed, errors: &[FieldError]) -> Result<Reply> {
    let only = case.policies.len() == 1;
    let choice = |policy: &Policy| {
        let choice = Choice {
            value: policy.id.to_string(),
            label: policy.name.clone(),
            hint: String::new(),
            on: only || typed.policy == Some(policy.id),
        };
        (choice, policy.terms.reads())
    };
    let page = WhoPage {
        shell: case.shell(cx, errors)?,
        action: case.action(),
        key: typed.key,
        person: typed.person.clone(),
        policies: case.policies.iter().map(choice).collect(),
        package: case.package,
    };
    Ok(Reply::page(&page)?.status(if errors.is_empty() { 200 } else { 422 }))
}

/// Step 2.
#[derive(Template)]
#[template(path = "assignments/assign.html")]
struct AssignPage {
    shell: Shell,
    package: PackageName,
    action: String,
    origin: Vec<(String, String)>,
    target: String,
    target_href: String,
    policy: String,
    reason: String,
    starts: String,
    ends: String,
    today: String,
    latest: String,
    hint: String,
    asked: Vec<Field>,
    /// What the resources ask, by name.
    attributes: Vec<(String, Vec<Field>)>,
}

/// Step 3.
#[derive(Template)]
#[template(path = "assignments/assign_check.html")]
struct CheckPage {
    shell: Shell,
    package: PackageName,
    action: String,
    hidden: Vec<(String, String)>,
    target: String,
    policy: String,
    version: i64,
    reason: String,
    answers: Vec<Answer>,
    first: String,
    last: String,
    resources: String,
}

/// Somebody found, and how they stand to the package.
struct Found {
    position: Position,
    attributes: Vec<(String, Vec<crate::policies::questions::Question>)>,
    resources: Vec<String>,
}

pub(in crate::assignments) fn take(cx: &mut Cx) -> Result<Reply> {
    let case = Case::read(cx)?;
    let mut typed = Typed::read(cx.form());
    let step = cx.form().line("step");
    // Sent twice, it was assigned once already: the command knows its key.
    if step == "send" && typed.target.is_some() {
        return send(cx, case, &typed);
    }
    if step == "who" {
        typed.target = None;
    }
    match found(cx, &case, &mut typed)? {
        Err(errors) => who_page(cx, case, &typed, &errors),
        Ok((policy, found)) if step == "check" => match checked(cx, &typed, &policy, &found) {
            Ok((period, answers)) => {
                check_page(cx, &case, &typed, &policy, &found, period, answers)
            }
            Err(errors) => form_page(cx, &case, &typed, &policy, &found, &errors),
        },
        Ok((policy, found)) => form_page(cx, &case, &typed, &policy, &found, &[]),
    }
}

type Understood = std::result::Result<(Policy, Found), Vec<FieldError>>;

/// Who is meant, and under which policy; a rule that says no is a page of its own.
fn found(cx: &Cx, case: &Case, typed: &mut Typed) -> Result<Understood> {
    let mut errors = Vec::new();
    if typed.target.is_none() {
        match cx.read(|db| person(db, &typed.person))? {
            Ok(id) => typed.target = Some(id),
            Err(error) => errors.push(error),
        }
    }
    let policy = match case.policies.as_slice() {
        [only] => Some(only),
        several => several.iter().find(|policy| Some(policy.id) == typed.policy),
    };
    let Some(policy) = policy.cloned() else {
        errors.push(FieldError::new("policy", "Choose the policy under which you assign it"));
        return Ok(Err(errors));
    };
    typed.policy = Some(policy.id);
    let Some(target) = typed.target else { return Ok(Err(errors)) };
    let me = cx.person()?.id;
    if target == me {
        return Err(commands_refuse_own(case).into());
    }
    let id = case.package.id;
    let found = cx.read(|db| {
        let mut resources: Vec<String> =
            contents(db, id)?.into_iter().map(|content| content.resource).collect();
        resources.dedup();
        let position = eligibility::position(db, me, target, id)?;
        Ok(Found { position, attributes: attributes(db, id)?, resources })
    })?;
    if let Some(
        no @ (No::Left | No::Open { .. } | No::Holds { .. } | No::Stopped(_) | No::Incompatible(_)),
    ) = &found.position.no
    {
        return Err(commands::refusal(no, &found.position).into());
    }
    Ok(match not_under(&policy, &found.position) {
        Some(error) => Err(vec![error]),
        None => Ok((policy, found)),
    })
}

fn commands_refuse_own(case: &Case) -> Refusal {
    let why = "Request it like everybody else, or ask another owner or an administrator.";
    let request = format!("/packages/{}/request", case.package.id);
    Refusal::new("Nobody assigns access to themselves", why).way("Request it", request)
}

/// The one person who is called exactly this (E28).
fn person(db: &mut Db, text: &str) -> Result<std::result::Result<PersonId, FieldError>> {
    let no = |words: &str| Ok(Err(FieldError::new("person", words)));
    if text.is_empty() {
        return no("Enter the exact name, mail address or id of a person");
    }
    match find_exact(db, text)?.as_slice() {
        [one] => Ok(Ok(one.id)),
        [] => no("Nobody here is called that: enter the exact name, mail address or id"),
        _ => no("Several people are called that: enter the mail address or id instead"),
    }
}

/// The policy's terms as far as a direct assignment follows them: its period can always be chosen.
fn terms(policy: &Policy) -> Terms {
    Terms { period_chosen: true, stages: vec![], ..policy.terms.clone() }
}

fn form_page(
    cx: &Cx,
    case: &Case,
    typed: &Typed,
    policy: &Policy,
    found: &Found,
    errors: &[FieldError],
) -> Result<Reply> {
    let (now, zone) = (cx.now(), cx.zone());
    let latest = policy.terms.lifetime.end(now, zone).map(|end| last_day(end, zone));
    let page = AssignPage {
        shell: case.shell(cx, errors)?,
        package: case.package.clone(),
        action: case.action(),
        origin: typed.origin(),
        target: found.position.target.name.clone(),
        target_href: format!("/people/{}", found.position.target.id),
        policy: policy.name.clone(),
        reason: typed.reason.clone(),
        starts: typed.starts.clone(),
        ends: typed.ends.clone(),
        today: zone.date(now).to_string(),
        latest: latest.map(|day| day.to_string()).unwrap_or_default(),
        hint: match latest {
            Some(day) => format!(
                "The policy allows it until {} at the latest, if it starts today. Leave it empty for that.",
                date_in_full(day)
            ),
            None => "The policy sets no end. Leave it empty for access without an end.".to_owned(),
        },
        asked: fields::of(&policy.terms.questions, &typed.given),
        attributes: found
            .attributes
            .iter()
            .map(|(name, asked)| (name.clone(), fields::of(asked, &typed.given)))
            .collect(),
    };
    Ok(Reply::page(&page)?.status(if errors.is_empty() { 200 } else { 422 }))
}

/// The period that was typed.
fn period(cx: &Cx, typed: &Typed) -> std::result::Result<Period, Vec<FieldError>> {
    let form =
        AskForm { starts: typed.starts.clone(), ends: typed.ends.clone(), ..AskForm::fresh() };
    form.period(cx.zone())
}

/// Holds what was typed against the rules: all that is wrong, in the order of the fields.
fn checked(
    cx: &Cx,
    typed: &Typed,
    policy: &Policy,
    found: &Found,
) -> std::result::Result<(Period, Vec<Answer>), Vec<FieldError>> {
    let mut errors = Vec::new();
    if typed.reason.is_empty() {
        errors.push(FieldError::new("reason", "Say why you assign it; the person reads this"));
    }
    if typed.reason.chars().count() > NOTE_MAX {
        let words = format!("Shorten your reason to {NOTE_MAX} characters");
        errors.push(FieldError::new("reason", words));
    }
    let answers = prospect::answers(&policy.terms.questions, &found.attributes, &typed.given);
    let period = period(cx, typed)
        .and_then(|asked| asked_period(&terms(policy), asked, cx.now(), cx.zone()));
    match (answers, period) {
        (Ok(answers), Ok(period)) if errors.is_empty() => Ok((period, answers)),
        (answers, period) => {
            errors.extend(answers.err().into_iter().flatten());
            errors.extend(period.err().into_iter().flatten());
            Err(errors)
        }
    }
}

fn check_page(
    cx: &Cx,
    case: &Case,
    typed: &Typed,
    policy: &Policy,
    found: &Found,
    period: Period,
    answers: Vec<Answer>,
) -> Result<Reply> {
    let (now, zone, terms) = (cx.now(), cx.zone(), terms(policy));
    let page = CheckPage {
        shell: case.shell(cx, &[])?,
        package: case.package.clone(),
        action: case.action(),
        hidden: typed.hidden(),
        target: found.position.target.name.clone(),
        policy: policy.name.clone(),
        version: policy.version,
        reason: typed.reason.clone(),
        answers,
        first: words::first_day(&terms, period, zone),
        last: words::last_day(&terms, period, now, zone),
        resources: and_list(&found.resources, 9),
    };
    Reply::page(&page)
}

fn send(cx: &Cx, case: Case, typed: &Typed) -> Result<Reply> {
    let (Some(target), Some(policy)) = (typed.target, typed.policy) else {
        return Err(Error::Missing);
    };
    let period = period(cx, typed).unwrap_or(Period { starts: None, ends: None });
    let (package, catalog) = (case.package.id, case.package.catalog);
    let assign = Assign {
        id: typed.key,
        package,
        policy,
        target,
        reason: typed.reason.clone(),
        answers: typed.given.clone(),
        period,
    };
    let done = cx.write(move |tx| {
        let permit = policy::manage_assignment(tx.actor(), catalog)?;
        commands::assign(tx, &permit, &assign)
    });
    match done {
        Ok(request) => {
            let text = "Its systems are being asked; this page shows where it stands.";
            Ok(Reply::see_other(format!("/requests/{request}")).notice("Assigned.", text))
        }
        Err(Error::Invalid(errors)) => {
            let mut typed = typed.clone();
            match found(cx, &case, &mut typed)? {
                Ok((policy, found)) => form_page(cx, &case, &typed, &policy, &found, &errors),
                Err(more) => who_page(cx, case, &typed, &more),
            }
        }
        Err(other) => Err(other),
    }
}
