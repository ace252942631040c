//! How long a decision takes, from what was decided before. Pure.

/// Under so many decided requests nothing is said of how long it takes.
pub const PACE_LEAST: usize = 20;

/// How long decisions took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// Too few to say.
    TooFew {
        /// How many there are.
        of: usize,
    },
    /// Half and nine in ten of them.
    Known {
        /// How many it rests on.
        of: usize,
        /// Half took so many seconds or less.
        half: i64,
        /// Nine in ten took so many seconds or less.
        nine_in_ten: i64,
    },
}

/// What spans of seconds, in any order, say of how long it takes.
#[must_use]
pub fn pace(seconds: &[i64]) -> Pace {
    let of = seconds.len();
    match (within(seconds, 50), within(seconds, 90)) {
        (Some(half), Some(nine_in_ten)) if of >= PACE_LEAST => {
            Pace::Known { of, half, nine_in_ten }
        }
        _ => Pace::TooFew { of },
    }
}

/// The smallest of the spans within which at least `percent` of them lie (the nearest rank): always one that
/// happened, never a mean of two. None without any.
#[must_use]
pub fn within(seconds: &[i64], percent: usize) -> Option<i64> {
    let mut sorted = seconds.to_vec();
    sorted.sort_unstable();
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_the_smallest_span_that_holds_it() {
        let ten: Vec<i64> = (1..=10).rev().collect();
        assert_eq!((within(&ten, 50), within(&ten, 90)), (Some(5), Some(9)));
        let three = [30, 10, 20];
        assert_eq!((within(&three, 50), within(&three, 90)), (Some(20), Some(30)));
        assert_eq!((within(&[7], 50), within(&[7], 90)), (Some(7), Some(7)));
        assert_eq!(within(&[], 50), None);
    }

    #[test]
    fn under_twenty_nothing_is_said() {
        assert_eq!(pace(&[]), Pace::TooFew { of: 0 });
        assert_eq!(pace(&[60; 19]), Pace::TooFew { of: 19 });
        let twenty: Vec<i64> = (1..=20).collect();
        assert_eq!(pace(&twenty), Pace::Known { of: 20, half: 10, nine_in_ten: 18 });
    }

    #[test]
    fn nine_in_ten_of_what_happened_lie_within_what_is_said() {
        for n in PACE_LEAST..300 {
            let spans: Vec<i64> = (0..n).map(|i| (i as i64 * 7919) % 1_000).collect();
            let Pace::Known { half, nine_in_ten, .. } = pace(&spans) else { panic!("enough") };
            let share = |limit| spans.iter().filter(|s| **s <= limit).count() * 100 / n;
            assert!(share(half) >= 50 && share(nine_in_ten) >= 90, "{n}");
        }
    }
}
