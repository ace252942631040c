//! Time: two injected clocks (decision E1) and the organization's calendar (E2).

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::Datelike as _;
use chrono::{
    DateTime, Days, Duration, LocalResult, NaiveDate, NaiveDateTime, NaiveTime, TimeZone, Utc,
};
use serde::{Deserialize, Serialize};

/// An instant in UTC with microseconds, the precision that both databases keep.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Ts(DateTime<Utc>);

impl Ts {
    /// The instant, cut to microseconds.
    #[must_use]
    pub fn new(at: DateTime<Utc>) -> Self {
        Self(DateTime::from_timestamp_micros(at.timestamp_micros()).unwrap_or(at))
    }

    /// From microseconds since 1970 (UTC).
    #[must_use]
    pub fn from_micros(micros: i64) -> Self {
        Self(DateTime::from_timestamp_micros(micros).unwrap_or_default())
    }

    /// Microseconds since 1970 (UTC).
    #[must_use]
    pub fn micros(self) -> i64 {
        self.0.timestamp_micros()
    }

    /// The instant for chrono.
    #[must_use]
    pub fn utc(self) -> DateTime<Utc> {
        self.0
    }

    /// Exactly `seconds` later (earlier if negative).
    #[must_use]
    pub fn plus_seconds(self, seconds: i64) -> Self {
        Self(self.0 + Duration::seconds(seconds))
    }

    /// Exactly `hours` later: hours count exactly (D9).
    #[must_use]
    pub fn plus_hours(self, hours: i64) -> Self {
        self.plus_seconds(hours * 3600)
    }

    /// Seconds from `earlier` to this instant.
    #[must_use]
    pub fn seconds_since(self, earlier: Self) -> i64 {
        (self.0 - earlier.0).num_seconds()
    }
}

/// A clock is the only source of the time.
pub trait Clock: Send + Sync {
    /// The time now.
    fn now(&self) -> Ts;
}

/// The machine's clock.
pub struct System;

impl Clock for System {
    fn now(&self) -> Ts {
        #[expect(
            clippy::disallowed_methods,
            reason = "the one place that reads the machine's clock"
        )]
        Ts::new(Utc::now())
    }
}

/// The machine's clock and an offset that can be moved on: the demo's business time.
#[derive(Default)]
pub struct Shifted {
    micros: AtomicI64,
}

impl Shifted {
    /// A clock that is `micros` ahead of the machine's.
    #[must_use]
    pub fn new(micros: i64) -> Self {
        Self { micros: AtomicI64::new(micros) }
    }

    /// Moves the clock on; returns the whole offset in microseconds.
    pub fn advance(&self, seconds: i64) -> i64 {
        self.advance_micros(seconds * 1_000_000)
    }

    /// How far it is ahead of the machine's clock, in seconds.
    #[must_use]
    pub fn ahead(&self) -> i64 {
        self.micros.load(Ordering::SeqCst) / 1_000_000
    }

    /// As [`Self::advance`], in microseconds.
    pub fn advance_micros(&self, by: i64) -> i64 {
        self.micros.fetch_add(by, Ordering::SeqCst) + by
    }
}

impl Clock for Shifted {
    fn now(&self) -> Ts {
        Ts::from_micros(System.now().micros() + self.micros.load(Ordering::SeqCst))
    }
}

/// A clock that stands until it is moved: for tests and for writing history.
pub struct Fixed {
    micros: AtomicI64,
}

impl Fixed {
    /// A clock that stands at `at`.
    #[must_use]
    pub fn at(at: Ts) -> Self {
        Self { micros: AtomicI64::new(at.micros()) }
    }

    /// Sets the clock.
    pub fn set(&self, at: Ts) {
        self.micros.store(at.micros(), Ordering::SeqCst);
    }

    /// Moves the clock on.
    pub fn advance(&self, seconds: i64) {
        self.micros.fetch_add(seconds * 1_000_000, Ordering::SeqCst);
    }
}

impl Clock for Fixed {
    fn now(&self) -> Ts {
        Ts::from_micros(self.micros.load(Ordering::SeqCst))
    }
}

/// A day as forms and lists have it: year-month-day, like 2027-01-31. None where it is none, or of a year before 1900 or
/// after 9998: those are slips of the finger, and times are kept as text that sorts within four digits of years only.
#[must_use]
pub fn day(text: &str) -> Option<NaiveDate> {
    let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
    (text.len() == 10 && (1900..=9998).contains(&day.year())).then_some(day)
}

/// The two clocks (E1): business time decides deadlines and lifetimes,
/// wall time decides sessions, tokens, leases and backoff.
#[derive(Clone)]
pub struct Clocks {
    /// Deadlines, lifetimes, the time of facts.
    pub business: Arc<dyn Clock>,
    /// Sessions, tokens, leases, backoff.
    pub wall: Arc<dyn Clock>,
}

impl Clocks {
    /// The machine's clock for both.
    #[must_use]
    pub fn system() -> Self {
        Self { business: Arc::new(System), wall: Arc::new(System) }
    }
}

/// Two time zones: the organization's, in which days are counted (E2), and the one in whose clock instants are shown, which
/// is the organization's, too, unless the reader has chosen another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Zone {
    days: chrono_tz::Tz,
    clock: chrono_tz::Tz,
}

impl Zone {
    /// UTC, the zone of an organization that named none.
    pub const UTC: Self = Self::of(chrono_tz::UTC);

    /// One zone for days and clock.
    #[must_use]
    pub const fn of(zone: chrono_tz::Tz) -> Self {
        Self { days: zone, clock: zone }
    }

    /// The zone by its IANA name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        name.parse().ok().map(Self::of)
    }

    /// The zones that have the name of a place, in order: "Europe/Lisbon".
    #[must_use]
    pub fn places() -> Vec<&'static str> {
        const REGIONS: [&str; 9] = [
            "Africa",
            "America",
            "Antarctica",
            "Asia",
            "Atlantic",
            "Australia",
            "Europe",
            "Indian",
            "Pacific",
        ];
        let place =
            |name: &&str| name.split_once('/').is_some_and(|(region, _)| REGIONS.contains(&region));
        chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name()).filter(place).collect()
    }

    /// Days as here, the clock as there: for a reader who lives by another clock.
    #[must_use]
    pub fn with_clock_of(self, reader: Option<Self>) -> Self {
        Self { clock: reader.map_or(self.clock, |reader| reader.clock), ..self }
    }

    /// Days and clock of the organization.
    #[must_use]
    pub const fn organization(self) -> Self {
        Self::of(self.days)
    }

    /// The IANA name of the clock.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.clock.name()
    }

    /// The date and time of an instant that the reader's clock shows.
    #[must_use]
    pub fn local(self, at: Ts) -> DateTime<chrono_tz::Tz> {
        at.utc().with_timezone(&self.clock)
    }

    fn day(self, at: Ts) -> DateTime<chrono_tz::Tz> {
        at.utc().with_timezone(&self.days)
    }

    /// The organization's date of an instant.
    #[must_use]
    pub fn date(self, at: Ts) -> NaiveDate {
        self.day(at).date_naive()
    }

    /// The same local time `days` earlier (E2).
    #[must_use]
    pub fn minus_days(self, at: Ts, days: u32) -> Ts {
        let local = self.day(at).naive_local();
        self.instant(local.checked_sub_days(Days::new(days.into())).unwrap_or(local))
    }

    /// The same local time `days` later (E2).
    #[must_use]
    pub fn plus_days(self, at: Ts, days: u32) -> Ts {
        let local = self.day(at).naive_local();
        self.instant(local.checked_add_days(Days::new(days.into())).unwrap_or(local))
    }

    /// The instant at which a *date* ends: the next local midnight, for a date is inclusive (E2).
    #[must_use]
    pub fn end_of(self, date: NaiveDate) -> Ts {
        self.start_of(date.succ_opt().unwrap_or(date))
    }

    /// The instant at which a date starts.
    #[must_use]
    pub fn start_of(self, date: NaiveDate) -> Ts {
        self.instant(date.and_time(NaiveTime::MIN))
    }

    /// The day that a start at the organization's midnight begins; none for any other time of day.
    #[must_use]
    pub fn first_day(self, start: Ts) -> Option<NaiveDate> {
        let day = self.date(start);
        (self.start_of(day) == start).then_some(day)
    }

    /// The last whole day before an end at the organization's midnight; none for any other time of day.
    #[must_use]
    pub fn last_day(self, end: Ts) -> Option<NaiveDate> {
        let local = self.organization().local(end);
        (self.start_of(local.date_naive()) == end || local.time() == NaiveTime::MIN)
            .then(|| local.date_naive().pred_opt())
            .flatten()
    }

    /// The instant of a local time: a gap moves later, a fold takes the first (E2).
    fn instant(self, local: NaiveDateTime) -> Ts {
        // No zone's gap is longer than a day; a quarter of an hour divides all of them.
        for step in 0..=96 {
            match self.days.from_local_datetime(&(local + Duration::minutes(15 * step))) {
                LocalResult::Single(at) | LocalResult::Ambiguous(at, _) => {
                    return Ts::new(at.with_timezone(&Utc));
                }
                LocalResult::None => {}
            }
        }
        Ts::new(local.and_utc())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_of_a_year_that_does_not_sort_as_text_is_none() {
        assert_eq!(day("2027-01-31"), NaiveDate::from_ymd_opt(2027, 1, 31));
        for text in [
            "",
            "2027-1-31",
            "2027-02-30",
            "+262142-12-31",
            "9999-12-31",
            "-262143-01-01",
            "0027-01-31",
        ] {
            assert_eq!(day(text), None, "{text}");
        }
    }

    fn at(text: &str) -> Ts {
        Ts::new(text.parse().expect("a time"))
    }

    const OSLO: Zone = Zone::of(chrono_tz::Europe::Oslo);

    #[test]
    fn d09_days_keep_the_local_time_over_a_change_of_the_clocks() {
        // 2026-03-28 09:00 in Oslo is 08:00 UTC; a day later summer time makes it 07:00 UTC.
        assert_eq!(OSLO.plus_days(at("2026-03-28T08:00:00Z"), 1), at("2026-03-29T07:00:00Z"));
    }

    #[test]
    fn d09_a_time_in_the_gap_moves_later() {
        // 02:30 on 2026-03-29 does not exist in Oslo.
        assert_eq!(OSLO.plus_days(at("2026-03-28T01:30:00Z"), 1), at("2026-03-29T01:00:00Z"));
    }

    #[test]
    fn d09_a_time_in_the_fold_takes_the_first() {
        // 02:30 on 2026-10-25 happens twice in Oslo: first at 00:30 UTC.
        assert_eq!(OSLO.plus_days(at("2026-10-24T00:30:00Z"), 1), at("2026-10-25T00:30:00Z"));
    }

    #[test]
    fn d09_hours_count_exactly() {
        assert_eq!(at("2026-03-28T08:00:00Z").plus_hours(24), at("2026-03-29T08:00:00Z"));
    }

    #[test]
    fn d09_a_date_is_inclusive() {
        let day = NaiveDate::from_ymd_opt(2026, 11, 30).expect("a day");
        assert_eq!(OSLO.end_of(day), at("2026-11-30T23:00:00Z"));
    }

    #[test]
    fn e02_days_are_the_organizations_whatever_clock_a_reader_lives_by() {
        let late = at("2026-03-02T23:30:00Z");
        let zone = OSLO.with_clock_of(Zone::named("America/New_York"));
        assert_eq!(zone.local(late).format("%-d %b %H:%M").to_string(), "2 Mar 18:30");
        assert_eq!((zone.date(late), zone.organization()), (OSLO.date(late), OSLO));
        assert_eq!(zone.end_of(zone.date(late)), OSLO.end_of(OSLO.date(late)));
        assert_eq!(zone.plus_days(late, 30), OSLO.plus_days(late, 30));
        assert_eq!(zone.name(), "America/New_York");
        assert!(Zone::places().contains(&"Europe/Lisbon"));
        assert!(Zone::places().iter().all(|name| Zone::named(name).is_some()));
    }
}
