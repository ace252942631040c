//! Use cases of requests, one verb a file. Each is one transaction: permit, pure rule, guarded writes, facts.
//!
//! "A request is approved": `decide` records a vote -> `rules::tally` says whether that is enough -> the stage is closed
//! under guard -> the next stage opens, or `deliver` makes the assignment and starts it; `provisioning` sees wanted
//! rights and delivers them.

mod approvers;
mod assign;
mod basket;
mod cancel;
mod decide;
mod deliver;
mod draft;
mod end_for_report;
mod extend;
mod give_back;
mod overrule;
mod pass_on;
mod question;
mod revoke;
mod stop;
mod submit;
mod take_back;

pub use approvers::{REMIND_AGAIN, alternates_join, members_left, remind, remind_due};
pub use assign::{Assign, assign, not_under};
pub use basket::{Basket, Item, send};
pub use cancel::{cancel, cancel_under_policy, expire, leaver};
pub(super) use decide::bounds;
pub use decide::{approve_for_less, decide, decided_already, may_decide};
pub use deliver::{assignment_ended, contents_changed, delivered, end_assignment, start_scheduled};
pub use draft::{drop_draft, keep_draft, take_out};
pub use end_for_report::{end_for_report, may_end_for_report};
pub use extend::{Extend, extend, extendable};
pub use give_back::{TakeAgain, give_back, take_again, why_not_again};
pub use overrule::overrule;
pub use pass_on::{pass_on, pool};
pub use question::{ANSWER_DAYS, answer, ask, comment, take_question_back};
pub use revoke::{revocable, revoke};
pub use stop::{let_on, stop};
pub use submit::{Submit, exception_href, refusal, submit};
pub use take_back::take_back;

use super::model::{Request, Stage, StageState, State};
use super::store::{self, NewRequest, Next};
use crate::db::{Tx, hold_package, lock_people};
use crate::error::Result;
use crate::kernel::{Fact, RequestId};
pub(super) use approvers::voters;
use submit::go;

/// What people quote: eight letters and digits out of the id's random part, without those that look alike.
fn reference(id: RequestId) -> String {
    const ALPHABET: &[u8; 32] = b"23456789ABCDEFGHJKLMNPQRSTUVWXYZ";
    let bits = u64::from_be_bytes(id.0.as_bytes()[8..].try_into().unwrap_or_default());
    let letters: String = (0..8)
        .map(|at| char::from(ALPHABET[usize::try_from((bits >> (5 * at)) & 31).unwrap_or(0)]))
        .collect();
    format!("KH-{}-{}", &letters[..4], &letters[4..])
}

/// Stores a new request and reads it back.
fn insert(tx: &mut Tx<'_>, new: NewRequest) -> Result<Request> {
    store::insert(tx, &new)?;
    store::one(tx.db(), new.id)
}

/// A request whose target neither leaves nor gets other access while this transaction runs, and that nothing stops
/// meanwhile.
fn locked(tx: &mut Tx<'_>, id: RequestId) -> Result<Request> {
    let before = store::one(tx.db(), id)?;
    // The package before the person, as everywhere: two who lock in another order wait for each other.
    hold_package(tx, before.package_id)?;
    lock_people(tx, &[before.target_id])?;
    store::one(tx.db(), id)
}

fn end(tx: &mut Tx<'_>, request: &Request, state: State, decided: bool) -> Result<()> {
    store::save(tx, request, Next { state, stage: request.stage, due_at: None, decided })
}

fn deny_by_rule(tx: &mut Tx<'_>, request: &Request, rule: &str) -> Result<()> {
    close_open_stage(tx, request, StageState::Closed)?;
    end(tx, request, State::Denied, true)?;
    tx.record(&Fact::RequestDenied { rule: rule.to_owned() }, request.about())
}

/// The stage that is open.
fn open_stage_of(tx: &mut Tx<'_>, request: RequestId) -> Result<Option<Stage>> {
    let stages = store::stages(tx.db(), &[request])?;
    Ok(stages.into_iter().find(|s| s.state() == StageState::Open))
}

fn close_open_stage(tx: &mut Tx<'_>, request: &Request, state: StageState) -> Result<()> {
    let Some(stage) = open_stage_of(tx, request.id)? else { return Ok(()) };
    store::touch_stage(tx, &stage)?;
    store::close_stage(tx, &stage, state, None, None)
}

fn time_words(at: crate::kernel::Ts, zone: crate::kernel::Zone) -> String {
    zone.local(at).format("%-d %b %Y, %H:%M").to_string()
}
