//! The words in which pages, mail and exports say times, spans, numbers and lists of people.
//! Pure: the time now and the zone are handed in.

use chrono::{NaiveDate, Offset as _, SecondsFormat};

pub use crate::kernel::text::capital;
use crate::kernel::text::counted;
use crate::kernel::{Ts, Zone};

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// A time in the three forms in which a page needs it; `shell/macros.html` makes the `<time>`.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct When {
    /// For machines: RFC 3339 with the zone's offset, or the date alone.
    pub datetime: String,
    /// "Mon 23 Nov 2026, 10:12", or "Mon 23 Nov 2026".
    pub absolute: String,
    /// "3 days ago", "in 22 days", "tomorrow".
    pub relative: String,
}

impl When {
    /// The words for an instant.
    #[must_use]
    pub fn at(at: Ts, now: Ts, zone: Zone) -> Self {
        let local = zone.local(at);
        Self {
            datetime: local.to_rfc3339_opts(SecondsFormat::Secs, false),
            absolute: local.format("%a %-d %b %Y, %H:%M").to_string(),
            relative: relative(at, now, zone),
        }
    }

    /// The words for a date.
    #[must_use]
    pub fn day(day: NaiveDate, now: Ts, zone: Zone) -> Self {
        let days = (day - zone.date(now)).num_days();
        Self {
            datetime: day.format("%Y-%m-%d").to_string(),
            absolute: date(day),
            relative: if days == 0 { "today".to_owned() } else { days_off(days) },
        }
    }

    /// The words for a start: its first day if it starts at a local midnight of the organization, otherwise the instant.
    #[must_use]
    pub fn start(at: Ts, now: Ts, zone: Zone) -> Self {
        match zone.first_day(at) {
            Some(day) => Self::day(day, now, zone),
            None => Self::at(at, now, zone),
        }
    }

    /// The words for an end: its last day if it ends at a local midnight (a date is inclusive),
    /// otherwise the instant.
    #[must_use]
    pub fn end(end: Ts, now: Ts, zone: Zone) -> Self {
        match zone.last_day(end) {
            Some(day) => Self::day(day, now, zone),
            None => Self::at(end, now, zone),
        }
    }
}

/// "Mon 23 Nov 2026": the date in lists and tables.
#[must_use]
pub fn date(day: NaiveDate) -> String {
    day.format("%a %-d %b %Y").to_string()
}

/// "23 November 2026": the date in a sentence.
#[must_use]
pub fn date_in_full(day: NaiveDate) -> String {
    day.format("%-d %B %Y").to_string()
}

/// "Monday 23 November 2026": the date at the head of a page.
#[must_use]
pub fn date_with_weekday(day: NaiveDate) -> String {
    day.format("%A %-d %B %Y").to_string()
}

/// "4 days", "5 h 20 min", "40 min": how long something took or waits. Whole units, rounded down;
/// a negative span is none at all.
#[must_use]
pub fn span(seconds: i64) -> String {
    let seconds = seconds.max(0);
    if seconds < MINUTE {
        return "less than a minute".to_owned();
    }
    if seconds >= DAY {
        return counted(seconds / DAY, "day", "days");
    }
    let (hours, minutes) = (seconds / HOUR, seconds % HOUR / MINUTE);
    match (hours, minutes) {
        (0, minutes) => format!("{minutes} min"),
        (hours, 0) => format!("{hours} h"),
        (hours, minutes) => format!("{hours} h {minutes} min"),
    }
}

/// "4 days", "5 h 20 min", "40 min": how long something waits, in days of the zone's calendar as [`relative`] counts them,
/// so that "13 days" stands beside "13 days ago".
#[must_use]
pub fn waited(since: Ts, now: Ts, zone: Zone) -> String {
    let seconds = now.seconds_since(since);
    match calendar_days(since, now, zone) {
        days if seconds >= DAY && days > 0 => counted(days, "day", "days"),
        _ => span(seconds),
    }
}

/// "40 minutes", "3 hours", "2 days": a limit that something lies within. Whole units, rounded up, so that it holds.
#[must_use]
pub fn within(seconds: i64) -> String {
    let up = |unit: i64| (seconds.max(1) + unit - 1) / unit;
    match seconds {
        ..=HOUR => counted(up(MINUTE), "minute", "minutes"),
        s if s <= 2 * DAY => counted(up(HOUR), "hour", "hours"),
        _ => counted(up(DAY), "day", "days"),
    }
}

/// "3 days ago", "in 22 days", "tomorrow": hours count exactly, days by the calendar of the reader's clock.
#[must_use]
pub fn relative(at: Ts, now: Ts, zone: Zone) -> String {
    let seconds = at.seconds_since(now);
    let days = calendar_days(now, at, zone);
    let off = |n: i64, one: &str, many: &str| {
        let words = counted(n, one, many);
        if seconds < 0 { format!("{words} ago") } else { format!("in {words}") }
    };
    match seconds.abs() {
        0..MINUTE => "now".to_owned(),
        s @ MINUTE..HOUR => off(s / MINUTE, "minute", "minutes"),
        // The day on which the clocks go back has 25 hours.
        s if s < DAY || days == 0 => off(s / HOUR, "hour", "hours"),
        _ => days_off(days),
    }
}

/// How often the reader's clock passes midnight between two instants.
fn calendar_days(from: Ts, to: Ts, zone: Zone) -> i64 {
    (zone.local(to).date_naive() - zone.local(from).date_naive()).num_days()
}

fn days_off(days: i64) -> String {
    match days {
        -1 => "yesterday".to_owned(),
        1 => "tomorrow".to_owned(),
        _ if days < 0 => format!("{} ago", long(-days)),
        _ => format!("in {}", long(days)),
    }
}

/// Days up to two years, then years: nobody counts 1,000 days.
fn long(days: i64) -> String {
    if days < 730 { counted(days, "day", "days") } else { counted(days / 365, "year", "years") }
}

/// "CET (UTC+1)": the zone in which a page shows its times; "EST (UTC−5), and days as in CET (UTC+1)" where the reader's
/// clock is another than the organization's.
#[must_use]
pub fn zone_words(now: Ts, zone: Zone) -> String {
    let organization = zone.organization();
    match zone == organization {
        true => clock_words(now, zone),
        false => {
            format!("{}, and days as in {}", clock_words(now, zone), clock_words(now, organization))
        }
    }
}

fn clock_words(now: Ts, zone: Zone) -> String {
    let local = zone.local(now);
    let offset = local.offset().fix().local_minus_utc();
    let (sign, minutes) = (if offset < 0 { '\u{2212}' } else { '+' }, offset.abs() / 60);
    let utc = match (minutes / 60, minutes % 60) {
        (0, 0) => "UTC".to_owned(),
        (hours, 0) => format!("UTC{sign}{hours}"),
        (hours, minutes) => format!("UTC{sign}{hours}:{minutes:02}"),
    };
    let short = local.format("%Z").to_string();
    // Zones without a name of their own are called by their offset; UTC needs no explanation.
    if short == "UTC" || !short.starts_with(char::is_alphabetic) {
        utc
    } else {
        format!("{short} ({utc})")
    }
}

/// "23 Nov 2026 10:12 CET": the time on a print and in an export.
#[must_use]
pub fn stamp(now: Ts, zone: Zone) -> String {
    zone.local(now).format("%-d %b %Y %H:%M %Z").to_string()
}

/// "none", "one" to "nine", then figures with separators: a number inside a sentence.
#[must_use]
pub fn number(n: i64) -> String {
    const SMALL: [&str; 10] =
        ["none", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"];
    match usize::try_from(n).ok().and_then(|n| SMALL.get(n)) {
        Some(word) => (*word).to_owned(),
        None => figures(n),
    }
}

/// "48,112": figures in groups of three.
#[must_use]
pub fn figures(n: i64) -> String {
    let digits = n.unsigned_abs().to_string();
    let mut text = String::from(if n < 0 { "\u{2212}" } else { "" });
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// The number beside a place in the navigation: none for zero, "9+" for ten and more.
#[must_use]
pub fn badge(n: i64) -> Option<String> {
    match n {
        ..=0 => None,
        1..=9 => Some(n.to_string()),
        _ => Some("9+".to_owned()),
    }
}

/// "Ann", "Ann and Ben", "Ann, Ben and Cleo", "Ann, Ben and 4 more" when there are more than `most`.
#[must_use]
pub fn and_list<S: AsRef<str>>(names: &[S], most: usize) -> String {
    let mut parts: Vec<String> = names.iter().map(|name| name.as_ref().to_owned()).collect();
    if parts.len() > most.max(1) {
        let shown = most.max(2) - 1;
        let rest = parts.len() - shown;
        parts.truncate(shown);
        parts.push(format!("{rest} more"));
    }
    match parts.pop() {
        None => String::new(),
        Some(last) if parts.is_empty() => last,
        Some(last) => format!("{} and {last}", parts.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OSLO: Zone = Zone::of(chrono_tz::Europe::Oslo);

    fn at(text: &str) -> Ts {
        Ts::new(text.parse().expect("a time"))
    }

    fn now() -> Ts {
        at("2026-11-23T09:12:00Z")
    }

    #[test]
    fn an_instant_is_said_in_the_zone_of_the_organization() {
        let when = When::at(at("2026-11-19T08:05:00Z"), now(), OSLO);
        assert_eq!(when.datetime, "2026-11-19T09:05:00+01:00");
        assert_eq!(when.absolute, "Thu 19 Nov 2026, 09:05");
        assert_eq!(when.relative, "4 days ago");
    }

    #[test]
    fn an_end_at_midnight_names_its_last_day() {
        let end = When::end(
            OSLO.end_of(NaiveDate::from_ymd_opt(2026, 12, 15).expect("a day")),
            now(),
            OSLO,
        );
        assert_eq!(
            (end.datetime.as_str(), end.absolute.as_str()),
            ("2026-12-15", "Tue 15 Dec 2026")
        );
        assert_eq!(end.relative, "in 22 days");
        assert_eq!(
            When::end(at("2026-11-24T08:05:00Z"), now(), OSLO).absolute,
            "Tue 24 Nov 2026, 09:05"
        );
    }

    #[test]
    fn an_end_keeps_its_last_day_where_midnight_does_not_exist() {
        // In Cairo, 24 April 2026 starts at 01:00.
        let cairo = Zone::of(chrono_tz::Africa::Cairo);
        let day = NaiveDate::from_ymd_opt(2026, 4, 23).expect("a day");
        assert_eq!(cairo.last_day(cairo.end_of(day)), Some(day));
    }

    #[test]
    fn relative_words_count_hours_exactly_and_days_by_the_calendar() {
        for (time, words) in [
            ("2026-11-23T09:12:59Z", "now"),
            ("2026-11-23T09:11:01Z", "now"),
            ("2026-11-23T09:11:00Z", "1 minute ago"),
            ("2026-11-23T10:11:00Z", "in 59 minutes"),
            ("2026-11-23T08:12:00Z", "1 hour ago"),
            ("2026-11-22T09:13:00Z", "23 hours ago"),
            ("2026-11-22T09:12:00Z", "yesterday"),
            ("2026-11-24T22:59:00Z", "tomorrow"),
            ("2026-11-24T23:00:00Z", "in 2 days"),
            ("2024-11-24T09:12:00Z", "729 days ago"),
            ("2024-11-23T09:12:00Z", "2 years ago"),
        ] {
            assert_eq!(relative(at(time), now(), OSLO), words, "{time}");
        }
    }

    #[test]
    fn a_day_of_25_hours_never_says_0_days() {
        // 25 October 2026 in Oslo: from 00:10 to 23:50 are 24 hours and 40 minutes.
        let (morning, night) = (at("2026-10-24T22:10:00Z"), at("2026-10-25T22:50:00Z"));
        assert_eq!(relative(morning, night, OSLO), "24 hours ago");
    }

    #[test]
    fn a_date_is_near_or_counted() {
        let said = |y, m, d| {
            When::day(NaiveDate::from_ymd_opt(y, m, d).expect("a day"), now(), OSLO).relative
        };
        assert_eq!(said(2026, 11, 23), "today");
        assert_eq!(said(2026, 11, 24), "tomorrow");
        assert_eq!(said(2026, 11, 21), "2 days ago");
    }

    #[test]
    fn spans_use_at_most_two_units() {
        for (seconds, words) in [
            (-5, "less than a minute"),
            (59, "less than a minute"),
            (60, "1 min"),
            (40 * MINUTE, "40 min"),
            (4 * HOUR, "4 h"),
            (5 * HOUR + 20 * MINUTE, "5 h 20 min"),
            (DAY, "1 day"),
            (4 * DAY + 23 * HOUR, "4 days"),
        ] {
            assert_eq!(span(seconds), words);
        }
    }

    #[test]
    fn what_waits_counts_days_as_what_stands_beside_it() {
        // 12 days and 22 hours, over 13 midnights.
        let since = at("2026-11-10T11:12:00Z");
        assert_eq!(waited(since, now(), OSLO), "13 days");
        assert_eq!(relative(since, now(), OSLO), "13 days ago");
        assert_eq!(waited(at("2026-11-22T10:12:00Z"), now(), OSLO), "23 h");
        assert_eq!(waited(at("2026-11-22T09:12:00Z"), now(), OSLO), "1 day");
        assert_eq!(waited(at("2026-11-24T09:12:00Z"), now(), OSLO), "less than a minute");
    }

    #[test]
    fn a_limit_is_rounded_up_so_that_it_holds() {
        for (seconds, words) in [
            (0, "1 minute"),
            (61, "2 minutes"),
            (HOUR, "60 minutes"),
            (HOUR + 1, "2 hours"),
            (2 * DAY, "48 hours"),
            (2 * DAY + 1, "3 days"),
        ] {
            assert_eq!(within(seconds), words);
        }
    }

    #[test]
    fn zones_say_their_name_and_their_distance_from_utc() {
        let said = |name: &str| zone_words(now(), Zone::named(name).expect("a zone"));
        assert_eq!(said("Europe/Oslo"), "CET (UTC+1)");
        assert_eq!(said("Asia/Kolkata"), "IST (UTC+5:30)");
        assert_eq!(said("America/New_York"), "EST (UTC\u{2212}5)");
        assert_eq!(said("America/Sao_Paulo"), "UTC\u{2212}3");
        assert_eq!(said("Europe/London"), "GMT (UTC)");
        assert_eq!(said("UTC"), "UTC");
        assert_eq!(zone_words(at("2026-07-01T00:00:00Z"), OSLO), "CEST (UTC+2)");
        assert_eq!(stamp(now(), OSLO), "23 Nov 2026 10:12 CET");
    }

    #[test]
    fn numbers_and_names_read_as_in_a_sentence() {
        assert_eq!(
            (number(0), number(6), number(48_112)),
            ("none".into(), "six".into(), "48,112".into())
        );
        assert_eq!((figures(-1_234_567), figures(999)), ("\u{2212}1,234,567".into(), "999".into()));
        assert_eq!((badge(0), badge(9), badge(10)), (None, Some("9".into()), Some("9+".into())));
        let names = ["Ann", "Ben", "Cleo", "Dan"];
        assert_eq!(and_list(&names[..0], 3), "");
        assert_eq!(and_list(&names[..1], 3), "Ann");
        assert_eq!(and_list(&names[..3], 3), "Ann, Ben and Cleo");
        assert_eq!(and_list(&names, 3), "Ann, Ben and 2 more");
        assert_eq!(capital("élan"), "Élan");
        assert_eq!(capital(""), "");
    }
}
