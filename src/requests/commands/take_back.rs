//! A decision is taken back (D40): the vote is gone, and the stage is open again with the time that it had left.

use super::{approvers, locked};
use crate::access::{Permit, TakeBack};
use crate::assignments;
use crate::db::Tx;
use crate::error::{Error, Refusal, Result};
use crate::kernel::{Fact, RequestId, StageId, Ts};
use crate::requests::model::{Request, Stage, StageState, State, Verdict, Via};
use crate::requests::rules;
use crate::requests::store::{self, Clocks};

/// Takes the actor's decision back: the latest one, and nothing where that is not about the stage `only`. Until delivery
/// starts, an approval can be; a denial as long as the organization's undo window lasts.
///
/// # Errors
/// `Refused` (409) when it is too late: somebody has decided the next stage, delivery has started, the window is over,
/// or the pair has another open request.
pub fn take_back(
    tx: &mut Tx<'_>,
    permit: &Permit<TakeBack>,
    only: Option<StageId>,
) -> Result<Request> {
    let request = locked(tx, RequestId(permit.about()))?;
    let me = tx.actor().id().ok_or(Error::Missing)?;
    let (stages, approvers) = store::course(tx.db(), request.id)?;
    let window = crate::settings::store::organization(tx.db())?.undo_seconds;
    let now = tx.now();
    let found = rules::takes_back(me, &request, &stages, &approvers, window, now);
    let meant = |(stage, _): &(&Stage, _)| only.is_none_or(|only| only == stage.id);
    let Some((stage, vote)) = found.filter(meant) else {
        return Err(too_late(&request).into());
    };
    let approved = vote.vote == Some(Verdict::Approve);
    let instead_of = vote.voted_by.map(|_| vote.name.clone());
    if stage.state() == StageState::Open {
        store::touch_stage(tx, stage)?;
        store::clear_vote(tx, stage.id, vote.person)?;
    } else {
        for next in stages.iter().filter(|s| s.number > stage.number) {
            store::drop_stage(tx, next)?;
        }
        if let Some(made) = assignments::store::of_request(tx.db(), request.id)? {
            assignments::commands::unmake(tx, made.id)?;
        }
        if request.state == State::Denied
            && store::open_of_pair(tx.db(), request.target_id, request.package_id)?
        {
            return Err(too_late(&request).into());
        }
        let alternates = approvers.iter().any(|a| a.stage == stage.id && a.via == Via::Alternate);
        let clocks = clocks(&request, stage, alternates, now, tx.zone());
        store::save_reopened(tx, &request, stage.number, clocks.due_at)?;
        store::reopen_stage(tx, stage, clocks)?;
        store::clear_vote(tx, stage.id, vote.person)?;
    }
    let (number, stages) = (stage.number, request.stages());
    let fact = Fact::DecisionTakenBack { stage: number, stages, approved, instead_of };
    tx.record(&fact, request.about())?;
    store::one(tx.db(), request.id)
}

/// The stage goes on with the time that it had left when it was decided.
fn clocks(
    request: &Request,
    stage: &Stage,
    joined: bool,
    now: Ts,
    zone: crate::kernel::Zone,
) -> Clocks {
    let passed = stage.decided_at.map_or(0, |at| now.micros() - at.micros());
    let later = |at: Ts| Ts::from_micros(at.micros() + passed);
    let due_at = later(stage.due_at);
    let terms = approvers::terms_of(request, stage).filter(|_| !joined);
    let alternates_at = terms.and_then(|terms| terms.alternates_at(stage.opened_at, zone));
    Clocks {
        due_at,
        alternates_at: alternates_at.map(later),
        remind_at: rules::next_reminder(stage.opened_at, due_at, now),
    }
}

fn too_late(request: &Request) -> Refusal {
    Refusal::new(
        "This decision can no longer be taken back",
        "Delivery has started, somebody has decided after you, the time for it is over, or it was requested again. \
         Nothing was changed. Access that was given because of your approval can be ended from the request’s page.",
    )
    .way("See the request", format!("/requests/{}", request.id))
    .way("Back to your approvals", "/approvals")
}
