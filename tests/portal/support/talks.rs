//! What people do with a request beside deciding it.

use keyholder::access::policy::{self, RequestStanding};
use keyholder::db::Tx;
use keyholder::error::Result;
use keyholder::kernel::{PersonId, RequestId, StageId, Ts};
use keyholder::requests::model::{Request, Verdict};
use keyholder::requests::{commands, store};

use super::world::World;

fn standing(tx: &mut Tx<'_>, request: RequestId) -> Result<RequestStanding> {
    let request = store::one(tx.db(), request)?;
    store::standing(tx.db(), &request)
}

impl World {
    pub fn ask_about(&self, who: PersonId, request: RequestId, text: &str) -> Result<Request> {
        let (stage, text) = (self.last_stage(request).id, text.to_owned());
        self.by(who, move |tx| {
            let permit = commands::may_decide(tx, request, stage)?;
            commands::ask(tx, &permit, stage, &text)
        })
    }

    pub fn answer(&self, who: PersonId, request: RequestId, text: &str) -> Result<Request> {
        let text = text.to_owned();
        self.by(who, move |tx| {
            let standing = standing(tx, request)?;
            let permit = policy::give_information(tx.actor(), &standing)?;
            commands::answer(tx, &permit, &text)
        })
    }

    pub fn take_question_back(&self, who: PersonId, request: RequestId) -> Result<Request> {
        self.by(who, move |tx| {
            let standing = standing(tx, request)?;
            let permit = policy::decide_stage(tx.actor(), &standing)?;
            commands::take_question_back(tx, &permit)
        })
    }

    pub fn comment(&self, who: PersonId, request: RequestId, text: &str) -> Result<Request> {
        let text = text.to_owned();
        self.by(who, move |tx| {
            let standing = standing(tx, request)?;
            let permit = policy::comment_request(tx.actor(), &standing)?;
            commands::comment(tx, &permit, &text)
        })
    }

    pub fn approve_until(&self, who: PersonId, request: RequestId, until: Ts) -> Result<Request> {
        let stage = self.last_stage(request).id;
        self.by(who, move |tx| {
            let permit = commands::may_decide(tx, request, stage)?;
            commands::approve_for_less(tx, &permit, stage, "", until)
        })
    }

    pub fn take_back(&self, who: PersonId, request: RequestId) -> Result<Request> {
        self.take_stage_back(who, request, None)
    }

    pub fn take_stage_back(
        &self,
        who: PersonId,
        request: RequestId,
        only: Option<StageId>,
    ) -> Result<Request> {
        self.by(who, move |tx| {
            let standing = standing(tx, request)?;
            let permit = policy::take_back(tx.actor(), &standing)?;
            commands::take_back(tx, &permit, only)
        })
    }

    pub fn pass_on(&self, who: PersonId, request: RequestId, to: PersonId) -> Result<Request> {
        self.pass_stage_on(who, request, self.last_stage(request).id, to)
    }

    pub fn pass_stage_on(
        &self,
        who: PersonId,
        request: RequestId,
        stage: StageId,
        to: PersonId,
    ) -> Result<Request> {
        self.by(who, move |tx| {
            let permit = commands::may_decide(tx, request, stage)?;
            commands::pass_on(tx, &permit, stage, Some(to), "You know the system")
        })
    }

    pub fn overrule(
        &self,
        who: PersonId,
        request: RequestId,
        verdict: Verdict,
        reason: &str,
    ) -> Result<Request> {
        let (stage, reason) = (self.last_stage(request).id, reason.to_owned());
        self.by(who, move |tx| {
            let standing = standing(tx, request)?;
            let permit = policy::overrule_stage(tx.actor(), &standing)?;
            commands::overrule(tx, &permit, stage, verdict, &reason)
        })
    }

    pub fn revoke(&self, who: PersonId, request: RequestId, reason: &str) -> Result<Request> {
        let reason = reason.to_owned();
        self.by(who, move |tx| {
            let standing = standing(tx, request)?;
            let permit = policy::revoke_approval(tx.actor(), &standing)?;
            commands::revoke(tx, &permit, &reason)
        })
    }
}
