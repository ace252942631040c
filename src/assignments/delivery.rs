//! Where the delivery of an assignment stands, in words. Pure.

use super::model::{Assignment, RightState};
use super::rights::Standing;
use crate::kernel::fact::EndReason;
use crate::kernel::text::counted;
use crate::kernel::{Ts, Zone};
use crate::web::words::{date, span};

/// Where all resources of an assignment stand together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// "ok", "warn", "off" or empty.
    pub tone: &'static str,
    /// The icon.
    pub icon: &'static str,
    /// In a few words.
    pub words: String,
    /// What does not work yet, one sentence for each resource.
    pub troubles: Vec<String>,
}

impl Delivery {
    fn new(tone: &'static str, icon: &'static str, words: impl Into<String>) -> Self {
        Self { tone, icon, words: words.into(), troubles: Vec::new() }
    }

    /// True where another try can be asked for.
    #[must_use]
    pub fn can_retry(&self) -> bool {
        !self.troubles.is_empty()
    }

    /// Where an assignment stands; `wall` is the time in which tries are counted.
    #[must_use]
    pub fn of(assignment: &Assignment, all: &[&Standing], wall: Ts, zone: Zone) -> Self {
        match (assignment.ended_at, assignment.started_at) {
            (Some(_), None) => Self::new("off", "minus", "Never started"),
            (Some(_), Some(_)) => removal(all, wall),
            (None, None) => {
                let day = date(zone.date(assignment.starts_at));
                Self::new("", "clock", format!("Starts on {day}"))
            }
            (None, Some(_)) => delivery(all, wall),
        }
    }
}

fn delivery(all: &[&Standing], wall: Ts) -> Delivery {
    let confirmed = count(all, |right| right.state == RightState::Present);
    let troubles = troubles(all, RightState::Adding, wall);
    if all.is_empty() {
        Delivery::new("off", "minus", "Nothing to deliver")
    } else if confirmed == all.len() {
        Delivery::new("ok", "done", "Delivered")
    } else if troubles.is_empty() {
        let words = format!("Being delivered: {confirmed} of {} confirmed", all.len());
        Delivery::new("", "half", words)
    } else {
        Delivery { troubles, ..Delivery::new("warn", "stand", "Has not worked yet") }
    }
}

fn removal(all: &[&Standing], wall: Ts) -> Delivery {
    let open = count(all, |right| right.state == RightState::Removing);
    let kept = count(all, |right| right.state == RightState::Kept);
    let given = count(all, |right| right.wanted);
    let troubles = troubles(all, RightState::Removing, wall);
    if !troubles.is_empty() {
        return Delivery { troubles, ..Delivery::new("warn", "stand", "Not taken away yet") };
    }
    if open > 0 {
        let words = format!("Being taken away: {} of {} confirmed", all.len() - open, all.len());
        return Delivery::new("", "half", words);
    }
    let mut words = "Taken away".to_owned();
    for (n, why) in [(kept, "kept, held before"), (given, "still given by other access")] {
        if n > 0 {
            words.push_str(&format!("; {n} {why}"));
        }
    }
    if all.is_empty() {
        words = "Nothing to take away".to_owned();
    }
    Delivery::new("ok", "done", words)
}

fn count(all: &[&Standing], of: impl Fn(&Standing) -> bool) -> usize {
    all.iter().filter(|right| of(right)).count()
}

fn troubles(all: &[&Standing], state: RightState, wall: Ts) -> Vec<String> {
    let of = |right: &&&Standing| right.state == state && right.trouble.is_some();
    all.iter().filter(of).map(|right| trouble(right, wall)).collect()
}

/// "Ledger, Reader (Ledgerline): it refused; 3 tries, the next in 2 min".
fn trouble(right: &Standing, wall: Ts) -> String {
    let words = right.trouble.as_deref().unwrap_or("no answer").trim_end_matches('.');
    let tries = counted(right.attempts, "try", "tries");
    let next = match right.next_at {
        Some(at) if at > wall => format!(", the next in {}", span(at.seconds_since(wall))),
        Some(_) => ", the next now".to_owned(),
        None => String::new(),
    };
    let (resource, role, target) = (&right.resource, &right.role, &right.target);
    format!("{resource}, {role} ({target}): {words}; {tries}{next}")
}

/// Why an assignment ended, in a word or two.
#[must_use]
pub fn end_words(reason: Option<&str>) -> &'static str {
    match reason.and_then(EndReason::parse) {
        Some(EndReason::Expired) => "Expired",
        Some(EndReason::EndedNow) => "Ended by hand",
        Some(EndReason::Leaver) => "The person left",
        Some(EndReason::GivenBack) => "Given back",
        Some(EndReason::ApprovalRevoked) => "The approval was revoked",
        Some(EndReason::EndedByManager) => "Ended by the manager",
        Some(EndReason::Review) => "Removed by an access review",
        Some(EndReason::NotEligible) => "No longer allowed by the rules",
        None => "Ended",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::{AssignmentId, PackageId, PersonId, PolicyId, RightId};

    fn at(text: &str) -> Ts {
        Ts::new(text.parse().unwrap())
    }

    fn wall() -> Ts {
        at("2026-11-23T09:00:00Z")
    }

    fn assignment(ended: bool) -> Assignment {
        Assignment {
            id: AssignmentId::fresh(),
            request_id: None,
            package_id: PackageId::fresh(),
            policy_id: PolicyId::fresh(),
            target_id: PersonId::fresh(),
            starts_at: at("2026-11-20T09:00:00Z"),
            started_at: Some(at("2026-11-20T09:00:00Z")),
            ends_at: None,
            ended_at: ended.then(wall),
            end_reason: None,
            rev: 1,
            created_at: at("2026-11-20T09:00:00Z"),
            attributes: "[]".into(),
            warn_at: None,
        }
    }

    fn right(state: RightState, trouble: Option<&str>) -> Standing {
        Standing {
            assignment: AssignmentId::fresh(),
            right: RightId::fresh(),
            resource: "Ledger".into(),
            role: "Reader".into(),
            target: "Ledgerline".into(),
            wanted: matches!(state, RightState::Adding | RightState::Present),
            state,
            held_before: false,
            confirmed_at: None,
            attempts: 3,
            next_at: Some(at("2026-11-23T09:02:00Z")),
            trouble: trouble.map(str::to_owned),
            trouble_code: None,
        }
    }

    fn said(ended: bool, rights: &[Standing]) -> Delivery {
        let rights: Vec<&Standing> = rights.iter().collect();
        Delivery::of(&assignment(ended), &rights, wall(), Zone::UTC)
    }

    #[test]
    fn d23_delivered_is_said_only_when_every_system_has_confirmed() {
        use RightState::{Adding, Present};
        assert_eq!(said(false, &[right(Present, None)]).words, "Delivered");
        let half = said(false, &[right(Present, None), right(Adding, None)]);
        assert_eq!(half.words, "Being delivered: 1 of 2 confirmed");
        assert!(!half.can_retry());
        let stuck = said(false, &[right(Present, None), right(Adding, Some("it refused."))]);
        assert_eq!(stuck.words, "Has not worked yet");
        assert_eq!(
            stuck.troubles,
            ["Ledger, Reader (Ledgerline): it refused; 3 tries, the next in 2 min"]
        );
        assert!(stuck.can_retry());
    }

    #[test]
    fn d22_d24_what_stays_and_what_does_not_go_is_said() {
        use RightState::{Gone, Kept, Present, Removing};
        assert_eq!(said(true, &[right(Gone, None)]).words, "Taken away");
        let kept = said(true, &[right(Gone, None), right(Kept, None), right(Present, None)]);
        assert_eq!(kept.words, "Taken away; 1 kept, held before; 1 still given by other access");
        assert_eq!(
            said(true, &[right(Gone, None), right(Removing, None)]).words,
            "Being taken away: 1 of 2 confirmed"
        );
        assert!(said(true, &[right(Removing, Some("it does not answer"))]).can_retry());
    }
}
