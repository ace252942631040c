//! What ends when in the next 30 days, as a drawing: a line of days with a mark for each end. Pure; the template draws it
//! with attributes alone, and its words say the same.

use crate::assignments::words::Times;
use crate::kernel::Ts;
use crate::web::words::{When, and_list, date};

/// As many days as the line has.
const DAYS: i64 = 30;
/// Where the line begins and how long a day is, in the units of the drawing.
const LEFT: i64 = 14;
const DAY: i64 = 12;
/// Marks of one day stand one above the other, as many as fit.
const HIGH: i64 = 4;

/// The drawing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ahead {
    /// What it shows, in words.
    pub says: String,
    /// The ends: across and down.
    pub ends: Vec<(i64, i64)>,
    /// The days that are named: where, and what they say.
    pub ticks: Vec<(i64, String)>,
}

/// The drawing of what ends, by name and time, the next end first; none where nothing does.
#[must_use]
pub fn of(ends: &[(&str, Ts)], times: Times) -> Option<Ahead> {
    if ends.is_empty() {
        return None;
    }
    let today = times.zone.date(times.now);
    let mut marks: Vec<(i64, i64)> = Vec::new();
    for (_, at) in ends {
        // An end at midnight belongs to the day before, which is its last one.
        let day = times.zone.date(at.plus_seconds(-1));
        let across = LEFT + DAY * (day - today).num_days().clamp(0, DAYS);
        let above = marks.iter().filter(|(x, _)| *x == across).count();
        let down = 30 - 8 * i64::try_from(above).unwrap_or(HIGH).min(HIGH - 1);
        marks.push((across, down));
    }
    let each: Vec<String> = ends
        .iter()
        .map(|(name, at)| format!("{name} {}", When::end(*at, times.now, times.zone).relative))
        .collect();
    let ticks = (0..=DAYS).step_by(10).map(|days| {
        let words = match today.checked_add_days(chrono::Days::new(days.unsigned_abs())) {
            _ if days == 0 => "today".to_owned(),
            Some(day) => day.format("%-d %b").to_string(),
            None => date(today),
        };
        (LEFT + DAY * days, words)
    });
    Some(Ahead {
        says: format!("In the next {DAYS} days these end: {}.", and_list(&each, 6)),
        ends: marks,
        ticks: ticks.collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::Zone;

    #[test]
    fn every_end_has_its_day_and_its_words() {
        let now = Ts::new("2026-11-23T09:00:00Z".parse().unwrap());
        let times = Times { now, wall: now, zone: Zone::UTC };
        assert_eq!(of(&[], times), None);
        let ends = [
            ("Ledger", now.plus_hours(3)),
            ("Wiki", now.plus_hours(5)),
            ("Travel", now.plus_hours(240)),
        ];
        let drawn = of(&ends, times).unwrap();
        assert_eq!(drawn.ends, [(14, 30), (14, 22), (134, 30)]);
        let says = "In the next 30 days these end: Ledger in 3 hours, Wiki in 5 hours and Travel in 10 days.";
        assert_eq!(drawn.says, says);
        let words: Vec<&str> = drawn.ticks.iter().map(|(_, words)| words.as_str()).collect();
        assert_eq!(words, ["today", "3 Dec", "13 Dec", "23 Dec"]);
        assert_eq!(drawn.ticks[3].0, 374);
    }
}
