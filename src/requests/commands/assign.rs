//! Somebody who looks after a catalog gives access directly (D10).

use std::collections::HashMap;

use super::submit::answers_of;
use super::submit::refusal_to;
use super::{deliver, insert, reference};
use crate::access::{ManageAssignment, Permit};
use crate::db::{Tx, hold_package, lock_people};
use crate::error::{Error, FieldError, Refusal, Result};
use crate::kernel::text::{NOTE_MAX, tidy};
use crate::kernel::{Fact, PackageId, PersonId, PolicyId, RequestId};
use crate::policies::model::{Policy, Scope};
use crate::policies::rules::class;
use crate::requests::eligibility::{self, No, Position};
use crate::requests::model::{RequestKind, State};
use crate::requests::rules::{self, Period};
use crate::requests::stops;
use crate::requests::store::{self, NewRequest};

/// What somebody is given.
#[derive(Clone, Debug)]
pub struct Assign {
    /// Drawn with the form: a double submit makes one assignment.
    pub id: RequestId,
    /// What.
    pub package: PackageId,
    /// Under which policy: it says how long at most, and what is asked.
    pub policy: PolicyId,
    /// To whom.
    pub target: PersonId,
    /// Why; the person reads it.
    pub reason: String,
    /// What was answered, by the key of the question.
    pub answers: HashMap<String, Vec<String>>,
    /// From when until when.
    pub period: Period,
}

/// Why the policy cannot be the one under which it is assigned; none if it can.
#[must_use]
pub fn not_under(policy: &Policy, position: &Position) -> Option<FieldError> {
    let no = |words: String| Some(FieldError::new("policy", words));
    let scope = &policy.terms.scope;
    if !policy.enabled {
        no("Choose a policy that is switched on".into())
    } else if !policy.terms.asks.direct {
        no("Choose another policy: this one is for requests only".into())
    } else if *scope != Scope::default() && class(scope, &position.target).is_none() {
        no(format!(
            "Choose another policy: “{}” does not have {} in its scope",
            policy.name, position.target.name
        ))
    } else {
        None
    }
}

/// Gives access without approval. It needs a reason, and obeys every other rule.
///
/// # Errors
/// `Refused` with the rule, `Invalid` for the form, `Missing` for what is not of the permit's catalog.
pub fn assign(
    tx: &mut Tx<'_>,
    permit: &Permit<ManageAssignment>,
    assign: &Assign,
) -> Result<RequestId> {
    let actor = tx.actor().id().ok_or(Error::Missing)?;
    match store::one(tx.db(), assign.id) {
        Ok(there) if there.requestor_id == actor && there.kind == RequestKind::Assign => {
            return Ok(there.id);
        }
        Ok(_) => return Err(Error::Missing),
        Err(Error::Missing) => {}
        Err(other) => return Err(other),
    }
    if actor == assign.target {
        return Err(Refusal::new(
            "Nobody assigns access to themselves",
            "Request it like everybody else, or ask another owner or an administrator.",
        )
        .way("Request it", format!("/packages/{}/request", assign.package))
        .into());
    }
    hold_package(tx, assign.package)?;
    lock_people(tx, &[assign.target])?;
    let position = eligibility::position(tx.db(), actor, assign.target, assign.package)?;
    if permit.about() != position.catalog.0 {
        return Err(Error::Missing);
    }
    let policy = crate::policies::store::policy(tx.db(), assign.policy)?;
    if policy.package != assign.package {
        return Err(Error::Missing);
    }
    if let Some(
        no @ (No::Left
        | No::Open { .. }
        | No::Holds { .. }
        | No::CatalogOff
        | No::NotForGuests
        | No::Stopped(_)
        | No::Incompatible(_)),
    ) = &position.no
    {
        return Err(refusal_to(no, &position, true).into());
    }
    let stop =
        stops::of(tx.db(), position.catalog, position.package, Some(policy.id))?.map(No::Stopped);
    if let Some(no) = stop {
        return Err(refusal_to(&no, &position, true).into());
    }
    let mut errors = Vec::new();
    errors.extend(not_under(&policy, &position));
    let reason = tidy(&assign.reason);
    if reason.is_empty() {
        errors.push(FieldError::new("reason", "Say why you assign it; the person reads this"));
    }
    if reason.chars().count() > NOTE_MAX {
        let words = format!("Shorten your reason to {NOTE_MAX} characters");
        errors.push(FieldError::new("reason", words));
    }
    let asked = &policy.terms.questions;
    let answers = answers_of(tx, assign.package, asked, &assign.answers)?;
    if let Err(more) = &answers {
        errors.extend(more.iter().cloned());
    }
    let terms = crate::policies::model::Terms {
        period_chosen: true,
        stages: vec![],
        ..policy.terms.clone()
    };
    let period = rules::asked_period(&terms, assign.period, tx.now(), tx.zone());
    if let Err(more) = &period {
        errors.extend(more.iter().cloned());
    }
    let (true, Ok(period), Ok(answers)) = (errors.is_empty(), period, answers) else {
        return Err(Error::Invalid(errors));
    };
    let new = NewRequest {
        id: assign.id,
        reference: reference(RequestId::fresh()),
        kind: RequestKind::Assign.as_str(),
        package_id: assign.package,
        policy_id: policy.id,
        policy_version: policy.version,
        terms: serde_json::to_string(&terms)?,
        contents_version: position.contents_version,
        requestor_id: actor,
        target_id: assign.target,
        reason: reason.clone(),
        starts_at: period.starts,
        ends_at: period.ends,
        state: State::PendingApproval.as_str(),
        stage: 0,
        previous_id: None,
        created_at: tx.now(),
        rev: 1,
        answers: serde_json::to_string(&answers)?,
        assignment_id: None,
        basket_id: None,
        exception: false,
    };
    let request = insert(tx, new)?;
    tx.record(&Fact::AssignedDirectly { policy: policy.name }, request.about().note(reason))?;
    deliver::approved(tx, &request, true)?;
    Ok(assign.id)
}
