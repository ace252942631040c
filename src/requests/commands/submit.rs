//! Somebody asks for a package, for themselves or for somebody else.

use std::collections::HashMap;

use super::{approvers, insert, reference};
use crate::access::{Actor, Permit, RequestAccess, policy};
use crate::db::{Tx, hold_package, hold_people, load_actor, lock_people};
use crate::error::{Error, FieldError, Refusal, Result};
use crate::kernel::text::{NOTE_MAX, tidy};
use crate::kernel::{BasketId, Fact, PackageId, PersonId, PolicyId, RequestId, Risk};
use crate::packages::incompatible::model::Conflict;
use crate::packages::incompatible::rules::named;
use crate::policies::questions::{Answer, Question};
use crate::policies::stages::StageTerms;
use crate::requests::eligibility::{self, No, Position};
use crate::requests::model::{Request, RequestKind, State};
use crate::requests::rules::{self, Period};
use crate::requests::store::{self, NewRequest};
use crate::requests::{drafts, duties, prospect, stops};
use crate::web::words::and_list;

/// What somebody asks for.
#[derive(Clone, Debug)]
pub struct Submit {
    /// Drawn with the form: a double submit makes one request.
    pub id: RequestId,
    /// What.
    pub package: PackageId,
    /// Under which of the policies that apply; the first when there is only one.
    pub policy: Option<PolicyId>,
    /// The version that the form showed: another one is shown again before anything is sent.
    pub version: Option<i64>,
    /// Why, in their own words.
    pub reason: String,
    /// What was answered, by the key of the question.
    pub answers: HashMap<String, Vec<String>>,
    /// From when until when.
    pub period: Period,
    /// The request that this one repeats.
    pub previous: Option<RequestId>,
    /// The other requests that are sent with it.
    pub basket: Option<BasketId>,
    /// Whether it asks for an exception from separation of duties (D19).
    pub exception: bool,
}

impl Submit {
    /// A request for a package, without any wish.
    #[must_use]
    pub fn of(package: PackageId) -> Self {
        Self {
            id: RequestId::fresh(),
            package,
            policy: None,
            version: None,
            reason: String::new(),
            answers: HashMap::new(),
            period: Period { starts: None, ends: None },
            previous: None,
            basket: None,
            exception: false,
        }
    }
}

/// Submits a request. Sent twice, it makes one request.
///
/// # Errors
/// `Refused` with the rule (D6, D7, D38), `Invalid` for the form, `Missing` for a package out of sight.
pub fn submit(
    tx: &mut Tx<'_>,
    permit: &Permit<RequestAccess>,
    submit: &Submit,
) -> Result<RequestId> {
    let target = PersonId(permit.about());
    let requestor = tx.actor().id().ok_or(Error::Missing)?;
    match store::one(tx.db(), submit.id) {
        Ok(there) if there.requestor_id == requestor && there.package_id == submit.package => {
            return Ok(there.id);
        }
        Ok(_) => return Err(Error::Missing),
        Err(Error::Missing) => {}
        Err(other) => return Err(other),
    }
    // Nothing is stopped while this runs.
    hold_package(tx, submit.package)?;
    // Neither of them leaves, nor gets this access in another way, while this runs (D26, E9).
    lock_people(tx, &[target])?;
    if !hold_people(tx, &[requestor])? {
        return Err(Error::Stale);
    }
    let position = eligibility::position(tx.db(), requestor, target, submit.package)?;
    if !position.visible() {
        return Err(Error::Missing);
    }
    let conflicts: &[Conflict] = match &position.no {
        Some(No::Incompatible(conflicts)) if submit.exception => conflicts,
        Some(no) => return Err(refusal(no, &position).into()),
        None if submit.exception => {
            let open = format!("/packages/{}/request{}", submit.package, query(requestor, target));
            return Err(Refusal::new(
                "No exception is needed any more",
                "Nothing stands against it now. Request it as everything else; nothing was sent.",
            )
            .way("Request it", open)
            .into());
        }
        None => &[],
    };
    let applicable = &position.applicable;
    let policy = match submit.policy {
        Some(id) => applicable.iter().find(|a| a.policy.id == id),
        None => applicable.first(),
    };
    let Some(policy) = policy.map(|a| &a.policy) else {
        return Err(Error::refused(
            "This policy does not apply to you",
            "Choose another one on the package's page.",
        ));
    };
    let (catalog, package) = (position.catalog, position.package);
    if let Some(stop) = stops::of(tx.db(), catalog, package, Some(policy.id))? {
        return Err(refusal(&No::Stopped(stop), &position).into());
    }
    if submit.version.is_some_and(|seen| seen != policy.version) {
        return Err(Refusal::new(
            "The policy has just changed",
            "Somebody changed the policy while you filled in the form. Read it again, then send your request.",
        )
        .way("Open the form again", format!("/packages/{}/request", submit.package))
        .into());
    }
    let terms = match conflicts {
        [] => policy.terms.clone(),
        _ => duties::terms(tx.db(), &policy.terms, conflicts, catalog)?,
    };
    let mut errors = Vec::new();
    let reason = tidy(&submit.reason);
    if terms.reason_required && reason.is_empty() {
        errors.push(FieldError::new("reason", "Say what you will use it for"));
    }
    if reason.chars().count() > NOTE_MAX {
        errors.push(FieldError::new(
            "reason",
            format!("Shorten your reason to {NOTE_MAX} characters"),
        ));
    }
    let asked = &policy.terms.questions;
    let answers = answers_of(tx, submit.package, asked, &submit.answers)?;
    if let Err(more) = &answers {
        errors.extend(more.iter().cloned());
    }
    let asked = if conflicts.is_empty() { rules::asked_period } else { rules::exception::period };
    let period = asked(&terms, submit.period, tx.now(), tx.zone());
    if let Err(more) = &period {
        errors.extend(more.iter().cloned());
    }
    let (true, Ok(period), Ok(answers)) = (errors.is_empty(), period, answers) else {
        return Err(Error::Invalid(errors));
    };
    // D12: only what the requestor asked for before, and what has ended, is asked for again.
    if let Some(previous) = submit.previous {
        let previous = store::one(tx.db(), previous)?;
        let own = previous.requestor_id == requestor && previous.target_id == target;
        if !(own && previous.package_id == submit.package && previous.state.ended()) {
            return Err(Error::Missing);
        }
    }
    let new = NewRequest {
        id: submit.id,
        reference: reference(RequestId::fresh()),
        kind: RequestKind::Add.as_str(),
        package_id: submit.package,
        policy_id: policy.id,
        policy_version: policy.version,
        terms: serde_json::to_string(&terms)?,
        contents_version: position.contents_version,
        requestor_id: requestor,
        target_id: target,
        reason: reason.clone(),
        starts_at: period.starts,
        ends_at: period.ends,
        state: State::PendingApproval.as_str(),
        stage: 0,
        previous_id: submit.previous,
        created_at: tx.now(),
        rev: 1,
        answers: serde_json::to_string(&answers)?,
        assignment_id: None,
        basket_id: submit.basket,
        exception: submit.exception,
    };
    let request = insert(tx, new)?;
    let fact =
        Fact::RequestSubmitted { package_policy: policy.name.clone(), version: policy.version };
    tx.record(&fact, request.about().note(reason))?;
    if request.exception {
        let fact = Fact::ExceptionRequested { against: named(conflicts), until: request.ends_at };
        tx.record(&fact, request.about())?;
    }
    drafts::forget(tx, requestor, target, submit.package)?;
    go(tx, &request)?;
    Ok(submit.id)
}

/// What was answered to the questions of the policy and to those of the package's resources, or what is wrong with it.
pub(super) fn answers_of(
    tx: &mut Tx<'_>,
    package: PackageId,
    asked: &[Question],
    given: &HashMap<String, Vec<String>>,
) -> Result<std::result::Result<Vec<Answer>, Vec<FieldError>>> {
    let attributes = store::attributes(tx.db(), package)?;
    Ok(prospect::answers(asked, &attributes, given))
}

/// Sends a stored request on its way: to the first stage that applies, or straight to delivery.
pub(super) fn go(tx: &mut Tx<'_>, request: &Request) -> Result<()> {
    let circumstances = approvers::circumstances(tx, request)?;
    let stages: Vec<StageTerms> =
        request.terms.stages.iter().filter(|s| s.applies(circumstances)).cloned().collect();
    let now = tx.now();
    // D39: high risk is decided by somebody else; an owner's own policy without approval does not replace them.
    if stages.is_empty()
        && store::risk(tx.db(), request.package_id)? == Risk::High
        && (policy::manage_catalog(tx.actor(), request.catalog_id).is_ok()
            || load_actor(tx.db(), request.target_id, now)?.is_some_and(|target| {
                policy::manage_catalog(&Actor::Person(target), request.catalog_id).is_ok()
            }))
    {
        return Err(Error::refused(
            "Somebody else must decide on this",
            "This access package is high risk, its policy asks nobody, and you or the one whom it is for look \
             after its catalog. Nothing was \
             sent. Give the policy an approval stage first.",
        ));
    }
    // D38: a request that nobody could decide is refused now, not when its stage opens.
    for stage in &stages {
        if approvers::deciders_for(tx, request, stage, &[])?.is_none() {
            return Err(Error::refused(
                "Nobody could decide on this request",
                "Too few of those who may decide are here and are neither you nor the one it is for: the approvers, \
                 the fallback approvers, the catalog owners and the administrators. Nothing was sent. Ask an \
                 administrator to name somebody.",
            ));
        }
    }
    approvers::open_stage(tx, request, 1, false)
}

/// Where an exception from separation of duties is asked for.
#[must_use]
pub fn exception_href(position: &Position) -> String {
    let query = query(position.requestor.id, position.target.id);
    format!("/packages/{}/exception{query}", position.package)
}

/// "?for=ID" where it is for somebody else than the one who asks.
fn query(requestor: PersonId, target: PersonId) -> String {
    if requestor == target { String::new() } else { format!("?for={target}") }
}

/// The page that says why a request cannot be made, with ways on (B8).
#[must_use]
pub fn refusal(no: &No, position: &Position) -> Refusal {
    refusal_to(no, position, position.requestor.id == position.target.id)
}

/// The same, for somebody who `sees` requests of the target for the package (E28).
pub(super) fn refusal_to(no: &No, position: &Position, sees: bool) -> Refusal {
    let package = &position.package_name;
    let own = position.requestor.id == position.target.id;
    let they = if own { "You".to_owned() } else { position.target.name.clone() };
    match no {
        No::Open { request, reference, .. } if sees => Refusal::new(
            format!("A request for {package} is open already"),
            format!("It is {reference}. One request for an access package can be open at a time."),
        )
        .way(format!("Open {reference}"), format!("/requests/{request}")),
        // It may be the target's own, or somebody else's for them, and is seen by those whom it concerns (E28).
        No::Open { .. } => Refusal::new(
            format!("A request for {package} is open already for {they}"),
            "One request for an access package can be open at a time.",
        )
        .way("Your requests", "/requests"),
        No::Holds { .. } => Refusal::new(
            if own {
                format!("You already have {package}")
            } else {
                format!("{they} already has {package}")
            },
            "One assignment of an access package can be active at a time. You can request it again when it has ended.",
        )
        .way(
            if own { "See it in your access" } else { "See what they hold" },
            if own { "/access".to_owned() } else { format!("/people/{}", position.target.id) },
        ),
        No::Incompatible(conflicts) => {
            let has = and_list(&named(conflicts), 5);
            let mut reasons: Vec<String> =
                conflicts.iter().map(|c| format!("“{}”", c.reason)).collect();
            reasons.dedup();
            let refusal = Refusal::new(
                if own {
                    format!("You cannot have {package} beside {has}")
                } else {
                    format!("{they} cannot have {package} beside {has}")
                },
                format!("Nobody gets both without an exception. The reason: {}", reasons.join(" ")),
            );
            let refusal = match position.applicable.is_empty() {
                true => refusal,
                false => refusal.way("Request an exception", exception_href(position)),
            };
            refusal.way("Find other access", "/packages")
        }
        No::OutOfScope if own => Refusal::new(
            format!("You cannot request {package}"),
            "Its policies do not let you request it: you are not among the people and groups that they name. \
             The owners of its catalog can change that.",
        )
        .way("Find other access", "/packages"),
        No::OutOfScope => Refusal::new(
            format!("{package} cannot be requested for {they}"),
            "They are not among the people and groups that its policies name. The owners of its catalog can change that.",
        )
        .way("Find other access", "/packages"),
        No::NotYours { manager } => Refusal::new(
            format!("You cannot request {package} yourself"),
            if *manager && own {
                "Its policy is for you, but your manager requests it for you. Ask them."
            } else if *manager {
                "Its policy lets only their manager request it for them."
            } else {
                "Its policy does not let you request it. The owners of its catalog assign it, or can change the policy."
            },
        )
        .way("Find other access", "/packages"),
        No::Stopped(stop) => Refusal::new(
            format!("{package} cannot be requested at the moment"),
            format!(
                "{} stopped its {}: “{}” What people have stays; requests that are open wait.",
                stop.by,
                stop.thing.word(),
                stop.reason
            ),
        )
        .way("Find other access", "/packages"),
        No::NoPolicy | No::CatalogOff | No::NotForGuests => Refusal::new(
            format!("{package} cannot be requested at the moment"),
            format!("The reason: {}. The owners of its catalog can change that.", no.words()),
        )
        .way("Find other access", "/packages"),
        No::Left => Refusal::new(
            format!("{package} cannot be requested"),
            if own { "You are no longer enabled here." } else { "They are no longer here." },
        ),
    }
}
