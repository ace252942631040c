//! How long the last decisions took, as a drawing: one dot each on a line of time that doubles and doubles. Pure; the
//! template draws it with attributes alone, and its words say the same.

use super::rules::{Pace, pace};
use crate::web::words::within;

/// As many dots as are drawn.
const DOTS: usize = 60;
/// Where the line begins and how long it is, in the units of the drawing.
const LEFT: f64 = 8.0;
const WIDTH: f64 = 384.0;
/// The shortest and the longest span that has a place of its own: ten minutes and ninety days.
const SHORTEST: f64 = 600.0;
const LONGEST: f64 = 90.0 * 86_400.0;

/// The drawing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chart {
    /// Its name for those who do not see it.
    pub title: String,
    /// What it shows, in words.
    pub says: String,
    /// The dots: across and down.
    pub dots: Vec<(i64, i64)>,
    /// Where half of them lie before.
    pub half: i64,
    /// Where nine in ten of them lie before.
    pub nine: i64,
    /// The marks of the line: where, and what they say.
    pub ticks: Vec<(i64, &'static str)>,
}

/// The drawing of spans in seconds, newest first; none where there are too few to say anything.
#[must_use]
pub fn of(seconds: &[i64]) -> Option<Chart> {
    let Pace::Known { of, half, nine_in_ten } = pace(seconds) else { return None };
    // Rows one below the other keep dots of the same span apart.
    let down = |at: usize| 8 + 7 * i64::try_from(at % 5).unwrap_or(0);
    let newest = seconds.iter().take(DOTS).enumerate();
    Some(Chart {
        title: "How long the last decisions took".into(),
        says: format!(
            "Each dot is one decided request, {} of the last {of}. Half took {} or less, nine in ten {} or less.",
            seconds.len().min(DOTS),
            within(half),
            within(nine_in_ten)
        ),
        dots: newest.map(|(at, span)| (across(*span), down(at))).collect(),
        half: across(half),
        nine: across(nine_in_ten),
        ticks: [(3_600, "1 h"), (86_400, "1 day"), (604_800, "1 week"), (2_592_000, "30 days")]
            .into_iter()
            .map(|(span, words)| (across(span), words))
            .collect(),
    })
}

/// Where a span stands on the line.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "a place on a drawing of 400 units"
)]
fn across(seconds: i64) -> i64 {
    let span = (seconds as f64).clamp(SHORTEST, LONGEST);
    let share = (span / SHORTEST).ln() / (LONGEST / SHORTEST).ln();
    (LEFT + WIDTH * share).round() as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_dot_lies_on_the_line_in_the_order_of_its_span() {
        let spans: Vec<i64> = (0..100).map(|n| n * n * 3_000).collect();
        let chart = of(&spans).unwrap();
        assert_eq!(chart.dots.len(), DOTS);
        assert!(chart.dots.iter().all(|(x, y)| (8..=392).contains(x) && (8..=36).contains(y)));
        assert!(chart.dots.windows(2).all(|two| two[0].0 <= two[1].0));
        assert!(chart.half <= chart.nine);
        assert!(chart.ticks.windows(2).all(|two| two[0].0 < two[1].0));
        assert!(chart.says.starts_with("Each dot is one decided request, 60 of the last 100."));
    }

    #[test]
    fn too_few_are_not_drawn() {
        assert_eq!(of(&[60; 19]), None);
        assert!(of(&[-5; 20]).is_some(), "a clock that went back breaks nothing");
    }
}
