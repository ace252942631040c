//! A holder asks for more time (D11).

use super::{go, reference};
use crate::access::{OwnAssignment, Permit};
use crate::assignments;
use crate::db::{Tx, hold_package, lock_people};
use crate::error::{Error, FieldError, Refusal, Result};
use crate::kernel::text::{NOTE_MAX, tidy};
use crate::kernel::{AssignmentId, Fact, PersonId, RequestId, Ts};
use crate::packages::incompatible::model::Beside;
use crate::packages::incompatible::rules::named as incompatible;
use crate::packages::incompatible::store::conflicts;
use crate::policies::model::{Extension, Policy};
use crate::requests::model::{RequestKind, State};
use crate::requests::store::{self, NewRequest};
use crate::requests::{duties, eligibility, rules, stops};
use crate::web::words::and_list;

/// What somebody asks for.
#[derive(Clone, Debug)]
pub struct Extend {
    /// Drawn with the form: a double submit makes one request.
    pub id: RequestId,
    /// What shall last longer.
    pub assignment: AssignmentId,
    /// Why, in their own words.
    pub reason: String,
    /// Until when; none means as long as the policy allows.
    pub until: Option<Ts>,
}

/// May this access be extended now, and under which rules? Why not is the refusal.
///
/// # Errors
/// `Refused` with the rule, `Missing` for an assignment that is not the person's.
pub fn extendable(
    tx: &mut crate::db::Db,
    holder: PersonId,
    id: AssignmentId,
    now: Ts,
    zone: crate::kernel::Zone,
) -> Result<(assignments::store::Named, Policy, Extension, Ts)> {
    let named = assignments::store::one(tx, id)?;
    if named.assignment.target_id != holder {
        return Err(Error::Missing);
    }
    let name = named.package.clone();
    let no = move |why: String| -> Error {
        Refusal::new(format!("{name} cannot be extended"), why)
            .way("See your access", "/access")
            .into()
    };
    if named.assignment.ended_at.is_some() || named.assignment.started_at.is_none() {
        return Err(no("Only access that you have now can be extended.".into()));
    }
    let Some(ends) = named.assignment.ends_at else {
        return Err(no("It has no end.".into()));
    };
    let policy = match crate::policies::store::policy(tx, named.assignment.policy_id) {
        Ok(policy) if policy.enabled => policy,
        Ok(_) | Err(Error::Missing) => {
            return Err(no(
                "Its policy is switched off. You can request it again when it has ended.".into(),
            ));
        }
        Err(error) => return Err(error),
    };
    let Some(extension) = policy.terms.extension else {
        return Err(no(format!(
            "Its policy “{}” does not allow that. You can request it again when it has ended.",
            policy.name
        )));
    };
    if let Some(days) = extension.last_days {
        let from = zone.minus_days(ends, days);
        if from > now {
            let from = super::time_words(from, zone);
            return Err(no(format!("You can ask for more time from {from} on.")));
        }
    }
    if let Some(closed) = eligibility::closed(tx, named.catalog, holder)? {
        return Err(no(format!("The reason: {}.", closed.words())));
    }
    if let Some(gone) = eligibility::still(tx, holder, &policy.terms)? {
        return Err(no(format!("The reason: {}.", gone.words())));
    }
    let against = match duties::excepted(tx, Some(id))? {
        true => conflicts(tx, holder, &[named.assignment.package_id], Beside::NowOrSoon)?,
        false => Vec::new(),
    };
    if !against.is_empty() {
        return Err(no(format!(
            "You have it by an exception, beside {}, and an exception is not extended. Request another one when it \
             has ended.",
            and_list(&incompatible(&against), 5)
        )));
    }
    if let Some(stop) = stops::of(tx, named.catalog, named.assignment.package_id, Some(policy.id))?
    {
        return Err(no(format!(
            "{} stopped its {}: “{}”",
            stop.by,
            stop.thing.word(),
            stop.reason
        )));
    }
    if let Some((request, reference)) = store::open_for(tx, holder, named.assignment.package_id)? {
        let why = format!(
            "{reference} is open already. One request for a package can be open at a time."
        );
        return Err(Refusal::new(format!("{} cannot be extended now", named.package), why)
            .way(format!("Open {reference}"), format!("/requests/{request}"))
            .into());
    }
    Ok((named, policy, extension, ends))
}

/// Asks for more time; without approval it is given at once. Sent twice, it is asked once.
///
/// # Errors
/// `Refused` with the rule (D11), `Invalid` for the form.
pub fn extend(
    tx: &mut Tx<'_>,
    permit: &Permit<OwnAssignment>,
    extend: &Extend,
) -> Result<RequestId> {
    let holder = PersonId(permit.about());
    match store::one(tx.db(), extend.id) {
        Ok(there) if there.target_id == holder && there.kind == RequestKind::Extend => {
            return Ok(there.id);
        }
        Ok(_) => return Err(Error::Missing),
        Err(Error::Missing) => {}
        Err(other) => return Err(other),
    }
    let package = assignments::store::one(tx.db(), extend.assignment)?.assignment.package_id;
    hold_package(tx, package)?;
    lock_people(tx, &[holder])?;
    let (now, zone) = (tx.now(), tx.zone());
    let (named, policy, extension, ends) =
        extendable(tx.db(), holder, extend.assignment, now, zone)?;
    let mut errors = Vec::new();
    let reason = tidy(&extend.reason);
    if policy.terms.reason_required && reason.is_empty() {
        errors.push(FieldError::new("reason", "Say what you need it for"));
    }
    if reason.chars().count() > NOTE_MAX {
        let words = format!("Shorten your reason to {NOTE_MAX} characters");
        errors.push(FieldError::new("reason", words));
    }
    let asked = extend.until.filter(|_| policy.terms.period_chosen);
    let until = match rules::extended_end(&policy.terms, asked, ends, now, zone) {
        Ok(until) => until,
        Err(error) => {
            errors.push(error);
            None
        }
    };
    if !errors.is_empty() {
        return Err(Error::Invalid(errors));
    }
    let mut terms = policy.terms.clone();
    if !extension.approval {
        terms.stages.clear();
    }
    // The same stages decide as on the request that it came from: what was answered then counts (D11).
    let answers = match named.assignment.request_id {
        Some(before) => serde_json::to_string(&store::one(tx.db(), before)?.answers)?,
        None => "[]".to_owned(),
    };
    let contents_version = store::contents_version(tx.db(), package)?;
    let request = super::insert(
        tx,
        NewRequest {
            id: extend.id,
            reference: reference(RequestId::fresh()),
            kind: RequestKind::Extend.as_str(),
            package_id: package,
            policy_id: policy.id,
            policy_version: policy.version,
            terms: serde_json::to_string(&terms)?,
            contents_version,
            requestor_id: holder,
            target_id: holder,
            reason: reason.clone(),
            starts_at: None,
            ends_at: asked,
            state: State::PendingApproval.as_str(),
            stage: 0,
            previous_id: named.assignment.request_id,
            created_at: now,
            rev: 1,
            answers,
            assignment_id: Some(extend.assignment),
            basket_id: None,
            exception: false,
        },
    )?;
    let fact =
        Fact::ExtensionRequested { package_policy: policy.name, version: policy.version, until };
    tx.record(&fact, request.about().assignment(extend.assignment).note(reason))?;
    go(tx, &request)?;
    Ok(extend.id)
}
