//! How somebody stands to a package, in words. Pure.

use super::model::Position;
use crate::kernel::{Ts, Zone};
use crate::requests::model::State;
use crate::web::page::Mark;
use crate::web::words::{self, When};

/// The reader's own position as a row of a list says it. `with` are those who hold the open request now.
#[must_use]
pub fn mark(position: &Position, with: &[String], now: Ts, zone: Zone) -> Mark {
    mark_for(None, position, with, now, zone)
}

/// The position of the reader, or of somebody else by name.
#[must_use]
pub fn mark_for(
    other: Option<&str>,
    position: &Position,
    with: &[String],
    now: Ts,
    zone: Zone,
) -> Mark {
    let (has, to) = match other {
        None => ("You have it".to_owned(), "you"),
        Some(name) => (format!("{name} has it"), name),
    };
    match position {
        Position::Holds { starts, .. } if *starts > now => {
            Mark::new("", "cal", format!("{has} from {}", When::start(*starts, now, zone).absolute))
        }
        Position::Holds { until: Some(until), .. } => {
            let until = When::end(*until, now, zone).absolute;
            Mark::new("ok", "full", format!("{has} until {until}"))
        }
        Position::Holds { until: None, .. } => {
            Mark::new("ok", "full", format!("{has}, without an end"))
        }
        Position::Open { state, .. } => match State::parse(state) {
            Some(State::Delivering | State::Scheduled) => {
                Mark::new("", "half", format!("Approved, on its way to {to}"))
            }
            _ if with.is_empty() => Mark::new("", "half", "Pending"),
            _ => Mark::new("", "half", format!("Pending with {}", words::and_list(with, 3))),
        },
        Position::CanRequest if other.is_none() => Mark::new("", "ring", "You can request it"),
        Position::CanRequest => Mark::new("", "ring", format!("You can request it for {to}")),
        Position::Incompatible { with } => {
            let with = words::and_list(with, 3);
            let why = match other {
                None => format!("You cannot request it, because you have {with}"),
                Some(name) => format!("It cannot be requested for {name}, who has {with}"),
            };
            Mark::new("stop", "bar", why)
        }
        Position::Cannot if other.is_none() => Mark::new("stop", "bar", "You cannot request it"),
        Position::Cannot => Mark::new("stop", "bar", format!("It cannot be requested for {to}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::{AssignmentId, RequestId};

    #[test]
    fn a_hit_says_my_own_position() {
        let now = Ts::new("2026-11-23T09:12:00Z".parse().unwrap());
        let said = |position: &Position, with: &[&str]| {
            let with: Vec<String> = with.iter().map(|&n| n.to_owned()).collect();
            mark(position, &with, now, Zone::UTC).text
        };
        let end = Ts::new("2026-12-01T00:00:00Z".parse().unwrap());
        let holds =
            |starts, until| Position::Holds { assignment: AssignmentId::fresh(), starts, until };
        assert_eq!(said(&holds(now, Some(end)), &[]), "You have it until Mon 30 Nov 2026");
        assert_eq!(said(&holds(now, None), &[]), "You have it, without an end");
        assert_eq!(said(&holds(end, None), &[]), "You have it from Tue 1 Dec 2026");
        let open = |state: State| Position::Open {
            request: RequestId::fresh(),
            reference: "KH-1".into(),
            state: state.as_str().into(),
        };
        assert_eq!(said(&open(State::PendingApproval), &["Ingrid"]), "Pending with Ingrid");
        assert_eq!(said(&open(State::Delivering), &[]), "Approved, on its way to you");
        assert_eq!(said(&Position::Cannot, &[]), "You cannot request it");
        let beside = Position::Incompatible { with: vec!["Enter payments".into()] };
        let because = "You cannot request it, because you have Enter payments";
        assert_eq!(said(&beside, &[]), because);
        let other = mark_for(Some("Bo"), &beside, &[], now, Zone::UTC).text;
        assert_eq!(other, "It cannot be requested for Bo, who has Enter payments");
    }
}
