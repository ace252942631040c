//! A holder gives access back, and may take it again for a while (D42).

use super::{deliver, insert, reference};
use crate::access::{OwnAssignment, Permit};
use crate::assignments;
use crate::db::{Tx, hold_package, lock_people};
use crate::error::{Error, Refusal, Result};
use crate::kernel::fact::EndReason;
use crate::kernel::text::{NOTE_MAX, shortened, tidy};
use crate::kernel::{AssignmentId, Fact, PersonId, RequestId};
use crate::requests::duties;
use crate::requests::eligibility::{self, No};
use crate::requests::model::{Request, RequestKind, State};
use crate::requests::rules::TAKE_AGAIN_DAYS;
use crate::requests::stops;
use crate::requests::store::{self, NewRequest, Next};

/// Gives access back: it ends now. The request keeps under which versions, for taking it again.
///
/// # Errors
/// `Refused` when it has ended already, `Missing` for an assignment that is not the person's.
pub fn give_back(
    tx: &mut Tx<'_>,
    permit: &Permit<OwnAssignment>,
    id: AssignmentId,
    reason: &str,
) -> Result<RequestId> {
    let holder = PersonId(permit.about());
    let package = assignments::store::one(tx.db(), id)?.assignment.package_id;
    hold_package(tx, package)?;
    lock_people(tx, &[holder])?;
    let named = assignments::store::one(tx.db(), id)?;
    let assignment = &named.assignment;
    if assignment.target_id != holder {
        return Err(Error::Missing);
    }
    if assignment.ended_at.is_some() {
        // Sent twice, it is given back once.
        if let Some(request) = store::given_back(tx.db(), id)? {
            return Ok(request);
        }
        let why = "It has ended already. Nothing was changed.";
        return Err(Refusal::new(format!("You no longer have {}", named.package), why)
            .way("See your access", "/access")
            .into());
    }
    if assignment.started_at.is_none() {
        let mut no = Refusal::new(
            format!("{} has not started yet", named.package),
            "Cancel its request instead: nothing is there to be given back.",
        );
        if let Some(request) = assignment.request_id {
            no = no.way("See the request", format!("/requests/{request}"));
        }
        return Err(no.into());
    }
    let (version, terms) = match crate::policies::store::policy(tx.db(), assignment.policy_id) {
        Ok(policy) => (policy.version, policy.terms),
        Err(Error::Missing) => (0, crate::policies::model::Terms::default()),
        Err(error) => return Err(error),
    };
    let reason = shortened(&tidy(reason), NOTE_MAX);
    let ended = assignments::commands::end_all(
        tx,
        std::slice::from_ref(&named),
        EndReason::GivenBack,
        &reason,
    )?;
    if ended.is_empty() {
        return Err(Error::Stale);
    }
    deliver::assignment_ended(tx, &named, "it was given back")?;
    let request = RequestId::fresh();
    let new = NewRequest {
        id: request,
        reference: reference(request),
        kind: RequestKind::GiveBack.as_str(),
        package_id: assignment.package_id,
        policy_id: assignment.policy_id,
        policy_version: version,
        terms: serde_json::to_string(&terms)?,
        contents_version: store::contents_version(tx.db(), assignment.package_id)?,
        requestor_id: holder,
        target_id: holder,
        reason,
        starts_at: None,
        ends_at: assignment.ends_at,
        state: State::Delivering.as_str(),
        stage: 0,
        previous_id: assignment.request_id,
        created_at: tx.now(),
        rev: 1,
        answers: "[]".into(),
        assignment_id: Some(id),
        basket_id: None,
        exception: false,
    };
    let stored = insert(tx, new)?;
    tx.record(&Fact::GivenBack, stored.about().assignment(id))?;
    done(tx, &stored)?;
    Ok(request)
}

fn done(tx: &mut Tx<'_>, request: &Request) -> Result<()> {
    let next = Next { state: State::Delivered, stage: request.stage, due_at: None, decided: true };
    store::save(tx, request, next)
}

/// What can be taken again.
#[derive(Clone, Debug)]
pub struct TakeAgain {
    /// Drawn with the button: pressed twice, it is taken once.
    pub id: RequestId,
    /// The request that gave it back.
    pub given_back: RequestId,
}

/// Why what was given back cannot be taken again without approval; none if it can.
///
/// # Errors
/// `Missing` for what is not the person's, or was not given back.
pub fn why_not_again(
    db: &mut crate::db::Db,
    holder: PersonId,
    given_back: &Request,
    now: crate::kernel::Ts,
    zone: crate::kernel::Zone,
) -> Result<Option<String>> {
    if given_back.target_id != holder || given_back.kind != RequestKind::GiveBack {
        return Err(Error::Missing);
    }
    let no = |words: &str| Ok(Some(words.to_owned()));
    if zone.plus_days(given_back.created_at, TAKE_AGAIN_DAYS) <= now {
        return no("It was given back more than 30 days ago.");
    }
    if given_back.ends_at.is_some_and(|end| end <= now) {
        return no("It would have ended meanwhile.");
    }
    match crate::policies::store::policy(db, given_back.policy_id) {
        Ok(policy) if policy.enabled && policy.version == given_back.policy_version => {}
        Ok(_) | Err(Error::Missing) => return no("Its policy has changed since."),
        Err(error) => return Err(error),
    }
    if store::contents_version(db, given_back.package_id)? != given_back.contents_version {
        return no("What is in the package has changed since.");
    }
    if store::touched_since(db, given_back)? {
        return no("It was requested, denied or ended again since.");
    }
    if duties::excepted(db, given_back.assignment_id)? {
        return no("It was held by an exception, and an exception is asked for each time.");
    }
    if let Some(gone) = eligibility::still(db, holder, &given_back.terms)? {
        return Ok(Some(format!("The reason: {}.", gone.words())));
    }
    let position = eligibility::position(db, holder, holder, given_back.package_id)?;
    Ok(match position.no {
        None | Some(No::NotYours { .. }) => {
            let policy = Some(given_back.policy_id);
            stops::of(db, position.catalog, position.package, policy)?
                .map(|stop| format!("{} stopped its {}.", stop.by, stop.thing.word()))
        }
        Some(no) => Some(format!("The reason: {}.", no.words())),
    })
}

/// Takes again what was given back, with its original end, without approval (D42).
///
/// # Errors
/// `Refused` with the reason why it has to be requested instead.
pub fn take_again(
    tx: &mut Tx<'_>,
    permit: &Permit<OwnAssignment>,
    take: &TakeAgain,
) -> Result<RequestId> {
    let holder = PersonId(permit.about());
    match store::one(tx.db(), take.id) {
        Ok(there) if there.target_id == holder && there.previous_id == Some(take.given_back) => {
            return Ok(there.id);
        }
        Ok(_) => return Err(Error::Missing),
        Err(Error::Missing) => {}
        Err(other) => return Err(other),
    }
    let before = store::one(tx.db(), take.given_back)?;
    hold_package(tx, before.package_id)?;
    lock_people(tx, &[holder])?;
    let (now, zone) = (tx.now(), tx.zone());
    if let Some(why) = why_not_again(tx.db(), holder, &before, now, zone)? {
        let request = format!("/packages/{}/request", before.package_id);
        return Err(Refusal::new(format!("{} has to be requested again", before.package), why)
            .way("Request it", request)
            .into());
    }
    let given = match before.assignment_id {
        Some(id) => assignments::store::one(tx.db(), id)?.assignment.attributes,
        None => "[]".into(),
    };
    let new = NewRequest {
        id: take.id,
        reference: reference(RequestId::fresh()),
        kind: RequestKind::TakeAgain.as_str(),
        package_id: before.package_id,
        policy_id: before.policy_id,
        policy_version: before.policy_version,
        terms: serde_json::to_string(&before.terms)?,
        contents_version: before.contents_version,
        requestor_id: holder,
        target_id: holder,
        reason: String::new(),
        starts_at: None,
        ends_at: before.ends_at,
        state: State::PendingApproval.as_str(),
        stage: 0,
        previous_id: Some(take.given_back),
        created_at: now,
        rev: 1,
        answers: given,
        assignment_id: before.assignment_id,
        basket_id: None,
        exception: false,
    };
    let request = insert(tx, new)?;
    tx.record(&Fact::TakenAgain, request.about())?;
    deliver::approved(tx, &request, true)?;
    Ok(take.id)
}
