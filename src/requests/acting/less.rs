//! Approve for less (D14): until an earlier day than was asked for.

use askama::Template;
use chrono::NaiveDate;

use super::{case, decides, outcome, stage_of};
use crate::error::{FieldError, Result};
use crate::kernel::{RequestId, Ts, Zone};
use crate::requests::decision::{self, Answer};
use crate::requests::forms::AskForm;
use crate::requests::model::Verdict;
use crate::requests::{commands, rules, store};
use crate::web::words::date_in_full;
use crate::web::{Cx, Place, Reply, Shell};

#[derive(Template)]
#[template(path = "requests/less.html")]
struct LessPage {
    shell: Shell,
    id: RequestId,
    reference: String,
    package: String,
    target: String,
    /// The end that it would get.
    asked: String,
    stage: String,
    version: i64,
    contents: i64,
    first: String,
    last: String,
    ends: String,
    note: String,
    optional: bool,
    /// False where it ends on the day on which it starts.
    possible: bool,
}

pub(super) fn show(cx: &mut Cx) -> Result<Reply> {
    let form = cx.refill().unwrap_or_default();
    draw(cx, form.line("ends"), form.text("note"), &[])
}

fn draw(cx: &Cx, ends: String, note: String, errors: &[FieldError]) -> Result<Reply> {
    let case = match case(cx, decides)? {
        Ok(case) => case,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let (request, now, zone) = (&case.request, cx.now(), cx.zone());
    let (frame, risk, (after, current)) = cx.read(|db| {
        let bounds = commands::bounds(db, request, now, zone)?;
        Ok((store::frame(db, request.id)?, store::risk(db, request.package_id)?, bounds))
    })?;
    let title = format!("Approve {} for less, {} – Approvals", request.package, request.reference);
    let mut shell = cx.shell(title, Place::Approvals)?;
    shell.errors = errors.iter().map(Into::into).collect();
    let at = usize::try_from(case.stage.number - 1).unwrap_or_default();
    let asks = request.terms.stages.get(at).is_some_and(|stage| stage.note_required);
    let page = LessPage {
        shell,
        id: request.id,
        reference: request.reference.clone(),
        package: request.package.clone(),
        target: request.target.clone(),
        asked: match current {
            Some(end) => format!("until {}", date_in_full(rules::last_day(end, zone))),
            None => "without an end".to_owned(),
        },
        stage: case.stage.id.to_string(),
        version: request.policy_version,
        contents: frame.contents_version,
        first: zone.date(after.max(now)).to_string(),
        last: current.map(|end| last(end, zone)).unwrap_or_default(),
        possible: current.is_none_or(|end| last_whole(end, zone) >= zone.date(after.max(now))),
        ends,
        note,
        optional: !asks && risk == crate::kernel::Risk::Ordinary,
    };
    Ok(Reply::page(&page)?.status(if errors.is_empty() { 200 } else { 422 }))
}

/// The last day that can be chosen, as a date field wants it.
fn last(end: Ts, zone: Zone) -> String {
    last_whole(end, zone).to_string()
}

/// The last day that is over before it would end anyway: on the day of an end within a day there is no less.
fn last_whole(end: Ts, zone: Zone) -> NaiveDate {
    let day = rules::last_day(end, zone);
    if zone.end_of(day) > end { day.pred_opt().unwrap_or(day) } else { day }
}

pub(super) fn approve(cx: &mut Cx) -> Result<Reply> {
    let (id, stage): (RequestId, _) = (cx.id("id")?, stage_of(cx)?);
    let form = cx.form();
    let (ends, note) = (form.line("ends"), form.text("note"));
    let number = |name: &str| form.raw(name).parse().ok();
    let (Some(version), Some(contents)) = (number("version"), number("contents")) else {
        let words = "Read the page again, then decide: what it showed was not sent along";
        return draw(cx, ends, note, &[FieldError::new("", words)]);
    };
    let until = match (AskForm { ends: ends.clone(), ..AskForm::fresh() }).period(cx.zone()) {
        Ok(period) => period.ends,
        Err(errors) => return draw(cx, ends, note, &errors),
    };
    let Some(until) = until else {
        let words = "Choose the last day for which you approve it";
        return draw(cx, ends, note, &[FieldError::new("ends", words)]);
    };
    let verdict = Verdict::Approve;
    let answer = Answer {
        stage,
        verdict,
        note: note.clone(),
        version,
        contents,
        together: false,
        until: Some(until),
    };
    let done = cx.write(move |tx| decision::record(tx, id, &answer));
    let again = |errors: Vec<FieldError>| draw(cx, ends, note.clone(), &errors);
    outcome(cx, done, &note, again, |after| decision::said(id, &after, "/approvals".to_owned()))
}
