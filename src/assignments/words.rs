//! The words of assignments on pages: since when, until when, and where each resource stands. Pure.

use super::model::{Assignment, RightState};
use super::rights::Standing;
use crate::kernel::text::counted;
use crate::kernel::{Ts, Zone};
use crate::policies::model::Extension;
use crate::web::page::Mark;
use crate::web::words::{self, When};

/// The times that words are said in: business time, wall time (for the next try), the zone.
#[derive(Clone, Copy, Debug)]
pub struct Times {
    /// Business time.
    pub now: Ts,
    /// Wall time.
    pub wall: Ts,
    /// The organization's zone.
    pub zone: Zone,
}

/// "Ledger (Member)": a resource role as everywhere else.
#[must_use]
pub fn role(standing: &Standing) -> String {
    format!("{} ({})", standing.resource, standing.role)
}

/// Where one resource stands. `ended` says that the assignment which is shown has ended.
#[must_use]
pub fn delivery(standing: &Standing, ended: bool, times: Times) -> Mark {
    let by = &standing.target;
    let confirmed = standing.confirmed_at.map(|at| moment(at, times.zone)).unwrap_or_default();
    match standing.state {
        RightState::Present if ended => {
            Mark::new("", "full", "stays, because other access gives it too")
        }
        RightState::Present if standing.held_before => Mark::new(
            "ok",
            "done",
            format!("confirmed by {by} on {confirmed}; it was there before this access"),
        ),
        RightState::Present => Mark::new("ok", "done", format!("confirmed by {by} on {confirmed}")),
        RightState::Adding => match tries(standing, times) {
            Some(tries) => Mark::new("warn", "stand", format!("has not worked yet: {tries}")),
            None => Mark::new("", "half", format!("asked of {by}, not confirmed yet")),
        },
        RightState::Removing => match tries(standing, times) {
            Some(tries) => Mark::new("warn", "stand", format!("is not removed yet: {tries}")),
            None => Mark::new("", "half", format!("being removed, {by} has not confirmed it yet")),
        },
        RightState::Gone => {
            Mark::new("off", "minus", format!("removed, confirmed by {by} on {confirmed}"))
        }
        RightState::Kept => {
            Mark::new("off", "full", "left in place, because it was there before this access")
        }
    }
}

/// What the last try met, and when the next one comes; none before the first trouble.
fn tries(standing: &Standing, times: Times) -> Option<String> {
    let trouble = standing.trouble.as_deref()?;
    let next = match standing.next_at {
        Some(at) if at > times.wall => {
            format!("Next try {}", words::relative(at, times.wall, times.zone))
        }
        _ => "The next try comes now".to_owned(),
    };
    let so_far = counted(standing.attempts, "try", "tries");
    Some(format!("{}. {next}, {so_far} so far", trouble.trim_end_matches('.')))
}

/// True where something waits for a target system.
#[must_use]
pub fn unsettled(standing: &Standing) -> bool {
    matches!(standing.state, RightState::Adding | RightState::Removing)
}

/// Until when, with the color that says that the end is near (30 days).
#[must_use]
pub fn until(assignment: &Assignment, times: Times) -> Mark {
    let Some(end) = assignment.ends_at else { return Mark::new("off", "full", "No end") };
    let when = When::end(end, times.now, times.zone);
    let near = end <= times.zone.plus_days(times.now, 30);
    if near {
        Mark::new("warn", "cal", format!("Ends {}, {}", when.relative, when.absolute))
    } else {
        Mark::new("", "cal", format!("Until {}", when.absolute))
    }
}

/// Whether more time can be asked for now: the policy allows it, and the end is near enough for it (D11). The page of
/// the extension knows the rest.
#[must_use]
pub fn extendable(assignment: &Assignment, extension: Option<Extension>, times: Times) -> bool {
    let (Some(end), Some(extension)) = (assignment.ends_at, extension) else { return false };
    let open = |days| times.zone.minus_days(end, days) <= times.now;
    assignment.started_at.is_some() && extension.last_days.is_none_or(open)
}

/// "23 Nov 2026, 10:12".
fn moment(at: Ts, zone: Zone) -> String {
    zone.local(at).format("%-d %b %Y, %H:%M").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::{AssignmentId, RightId};

    fn at(text: &str) -> Ts {
        Ts::new(text.parse().unwrap())
    }

    fn times() -> Times {
        let now = at("2026-11-23T09:12:00Z");
        Times { now, wall: now, zone: Zone::UTC }
    }

    fn standing(state: RightState) -> Standing {
        Standing {
            assignment: AssignmentId::fresh(),
            right: RightId::fresh(),
            resource: "Ledger".into(),
            role: "Member".into(),
            target: "Directory".into(),
            wanted: true,
            state,
            held_before: false,
            confirmed_at: Some(at("2026-11-23T09:00:00Z")),
            attempts: 0,
            next_at: None,
            trouble: None,
            trouble_code: None,
        }
    }

    #[test]
    fn d23_only_what_the_target_confirmed_says_so() {
        let said = |s: &Standing| delivery(s, false, times());
        assert_eq!(
            said(&standing(RightState::Present)).text,
            "confirmed by Directory on 23 Nov 2026, 09:00"
        );
        let waits = said(&standing(RightState::Adding));
        assert_eq!(
            (waits.kind, waits.text.as_str()),
            ("", "asked of Directory, not confirmed yet")
        );
    }

    #[test]
    fn trouble_says_what_it_met_and_when_the_next_try_comes() {
        let mut troubled = standing(RightState::Adding);
        troubled.trouble = Some("it does not answer.".into());
        troubled.attempts = 3;
        troubled.next_at = Some(at("2026-11-23T09:14:00Z"));
        assert_eq!(
            delivery(&troubled, false, times()).text,
            "has not worked yet: it does not answer. Next try in 2 minutes, 3 tries so far"
        );
    }

    #[test]
    fn d21_what_other_access_still_gives_stays_and_says_why() {
        let said = delivery(&standing(RightState::Present), true, times());
        assert_eq!(said.text, "stays, because other access gives it too");
    }
}
