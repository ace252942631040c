//! When the end of access is announced. Pure.

use crate::kernel::{Ts, Zone};

/// Days before the end at which its holder is told.
const WARN_DAYS: [u32; 2] = [14, 1];

/// The times at which the end is announced: those that lie after the start.
fn warnings(started: Ts, until: Ts, zone: Zone) -> impl Iterator<Item = Ts> {
    WARN_DAYS
        .into_iter()
        .map(move |days| zone.minus_days(until, days))
        .filter(move |at| *at > started)
}

/// The next announcement after `now`.
#[must_use]
pub fn next_warning(started: Ts, until: Option<Ts>, now: Ts, zone: Zone) -> Option<Ts> {
    warnings(started, until?, zone).find(|at| *at > now)
}

/// The newest announcement that is due by `now`: older ones are not made any more (E3).
#[must_use]
pub fn due_warning(started: Ts, until: Ts, now: Ts, zone: Zone) -> Option<Ts> {
    warnings(started, until, zone).filter(|at| *at <= now).last()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_is_announced_two_weeks_and_a_day_before_if_it_lasts_that_long() {
        let at = |day: i64| Ts::from_micros(0).plus_hours(day * 24);
        let next = |until, now| next_warning(at(0), Some(at(until)), at(now), Zone::UTC);
        assert_eq!(next(90, 0), Some(at(76)));
        assert_eq!(next(90, 76), Some(at(89)));
        assert_eq!(next(90, 89), None);
        assert_eq!(next(10, 0), Some(at(9)));
        assert_eq!(next(1, 0), None, "a day of access is not announced when it starts");
        assert_eq!(next_warning(at(0), None, at(0), Zone::UTC), None);
        assert_eq!(due_warning(at(0), at(90), at(89), Zone::UTC), Some(at(89)));
        assert_eq!(due_warning(at(0), at(90), at(80), Zone::UTC), Some(at(76)));
        assert_eq!(due_warning(at(0), at(90), at(75), Zone::UTC), None);
    }
}
