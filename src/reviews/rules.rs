//! The rules of reviews: when they start, who is reminded when, what silence means, when a removal starts, what is
//! recommended. Pure.

use chrono::{Days, Months, NaiveDate};

use super::model::{Answer, Context, Item, Outcome, Rhythm, Silence, Terms};
use crate::assignments::model::{RightState, Stands};
use crate::error::FieldError;
use crate::kernel::text::counted;
use crate::kernel::{AnswerBatchId, PersonId, Risk, Ts, Zone};

/// So many days somebody has for a removal by hand before it counts as failed.
pub const BY_HAND_DAYS: i64 = 30;
/// The longest reason, in characters.
pub const NOTE_MAX: usize = 2_000;
/// The longest sentence of somebody who is reviewed, in characters.
pub const REPLY_MAX: usize = 500;
/// As many people as a department must have before its figures are shown (E28).
const PEERS_MIN: i64 = 5;
/// So many seconds without an answer are a break.
const BREAK: i64 = 1_800;
/// After so many days without a renewal the recommendation says so.
const LONG_DAYS: i64 = 365;

/// Is a right confirmed as gone since its removal began, or late; none while the target system works on it.
#[must_use]
pub fn is_taken(right: &Stands, since: Option<Ts>) -> Option<bool> {
    match right.state {
        // What was confirmed before says nothing about this removal.
        RightState::Gone if right.confirmed_at >= since => Some(true),
        RightState::Removing if !right.late => None,
        // Late, or somebody has given it anew.
        _ => Some(false),
    }
}

/// On which day the instance of this number starts, the first being 0; none where there is no such instance.
#[must_use]
pub fn start_of(rhythm: Rhythm, first: NaiveDate, number: u32) -> Option<NaiveDate> {
    let months = |each: u32| first.checked_add_months(Months::new(each.checked_mul(number)?));
    match rhythm {
        Rhythm::Once => (number == 0).then_some(first),
        Rhythm::Weekly => first.checked_add_days(Days::new(7 * u64::from(number))),
        Rhythm::Monthly => months(1),
        Rhythm::Quarterly => months(3),
        Rhythm::HalfYearly => months(6),
        Rhythm::Yearly => months(12),
    }
}

/// The first start after a day, and its number: what was missed while nothing ran is left out (E3).
#[must_use]
pub fn next_start(terms: &Terms, after: NaiveDate) -> Option<NaiveDate> {
    (0..).map_while(|n| start_of(terms.rhythm, terms.first, n)).find(|day| *day > after)
}

/// The shortest time between two starts, in days: nobody has longer for one instance.
#[must_use]
pub fn most_days(rhythm: Rhythm) -> u32 {
    match rhythm {
        Rhythm::Once | Rhythm::Yearly | Rhythm::HalfYearly => super::model::DAYS_MAX,
        Rhythm::Weekly => 7,
        Rhythm::Monthly => 28,
        Rhythm::Quarterly => 90,
    }
}

/// Until when reviewers can answer: the end of the last day (D9).
#[must_use]
pub fn due_at(started: Ts, days: u32, zone: Zone) -> Ts {
    let first = zone.date(started);
    let last = first.checked_add_days(Days::new(u64::from(days.saturating_sub(1))));
    zone.end_of(last.unwrap_or(first))
}

/// When reviewers with open items are reminded (D32): at half of the time, and when the last day begins.
#[must_use]
pub fn reminders(opened: Ts, due: Ts, zone: Zone) -> [Ts; 2] {
    let half = opened.plus_seconds(due.seconds_since(opened) / 2);
    // The end of a day is the first instant of the next one.
    let last = zone.start_of(zone.date(due.plus_seconds(-1)));
    [half, last]
}

/// The next reminder after a time, if there is one.
#[must_use]
pub fn next_reminder(opened: Ts, due: Ts, after: Ts, zone: Zone) -> Option<Ts> {
    reminders(opened, due, zone).into_iter().filter(|at| *at > after && *at < due).min()
}

/// True where the reminder that is due is that of the last day.
#[must_use]
pub fn is_last_day(opened: Ts, due: Ts, now: Ts, zone: Zone) -> bool {
    now >= reminders(opened, due, zone)[1]
}

/// What an item comes to when nobody has answered (D30).
#[must_use]
pub fn silent(silence: Silence, recommendation: Option<Answer>) -> Answer {
    match silence {
        Silence::Keep => Answer::Keep,
        Silence::Remove => Answer::Remove,
        Silence::Recommendation => recommendation.unwrap_or(Answer::Keep),
    }
}

/// Is something about to be taken from the person whose item it is: by an answer, by one of an earlier stage that nobody
/// has changed yet, or by silence?
#[must_use]
pub fn is_losing(item: &Item, silence: Silence) -> bool {
    let takes = |answer| matches!(answer, Answer::Remove | Answer::Until);
    match (item.outcome, item.answer) {
        (Some(outcome), _) => outcome == Outcome::Planned,
        (None, Some(answer)) => takes(answer),
        (None, None) => {
            item.context.earlier.last().is_some_and(|earlier| takes(earlier.answer))
                || takes(silent(silence, item.recommendation))
        }
    }
}

/// Must an administrator confirm what silence would remove (D30)? Only where it is more than the share of all items.
#[must_use]
pub fn needs_confirmation(by_silence: i64, items: i64, share: i64) -> bool {
    by_silence * 100 > share * items
}

/// When a removal starts (D31): after the cooling-off time; at once where the risk is high or the person has left.
#[must_use]
pub fn removal_at(risk: Risk, left: bool, now: Ts, hours: i64) -> Ts {
    if risk == Risk::High || left { now } else { now.plus_hours(hours) }
}

/// Since when a removal by hand must have waited to count as failed now.
#[must_use]
pub fn by_hand_since(now: Ts) -> Ts {
    now.plus_hours(-24 * BY_HAND_DAYS)
}

/// Is a reason needed? For a removal and for whatever is of high risk it always is (D39).
#[must_use]
pub fn needs_reason(answer: Answer, risk: Risk, terms: &Terms) -> bool {
    match answer {
        Answer::Remove => true,
        Answer::Unknown => false,
        Answer::Keep | Answer::Until => terms.reasons || risk == Risk::High,
    }
}

/// The median of the seconds that an answer took: from the one before of the same person. What was answered together
/// shares its time; the first answer and what follows a break are left out. The answers come by person and time; none
/// where nobody answered twice.
#[must_use]
pub fn pace(answers: &[(PersonId, Ts, Option<AnswerBatchId>)]) -> Option<i64> {
    let acts = answers.chunk_by(|one, next| one.0 == next.0 && one.2.is_some() && one.2 == next.2);
    let mut last: Option<(PersonId, Ts)> = None;
    let mut took = Vec::new();
    for act in acts {
        let (Some(first), Some(end), Ok(n)) = (act.first(), act.last(), i64::try_from(act.len()))
        else {
            continue;
        };
        let before = last.filter(|(person, _)| *person == first.0);
        last = Some((end.0, end.1));
        let seconds = before.map(|(_, at)| end.1.seconds_since(at));
        if let Some(seconds) = seconds.filter(|seconds| *seconds <= BREAK) {
            took.extend(std::iter::repeat_n(seconds / n, act.len()));
        }
    }
    took.sort_unstable();
    took.get(took.len() / 2).copied()
}

/// What is wrong with an answer, by field.
#[must_use]
pub fn wrong(
    (answer, until, note): (Answer, Option<NaiveDate>, &str),
    (risk, ends): (Risk, Option<NaiveDate>),
    terms: &Terms,
    today: NaiveDate,
) -> Vec<FieldError> {
    let mut errors = Vec::new();
    if note.is_empty() && needs_reason(answer, risk, terms) {
        let words = match answer {
            Answer::Remove => "Write why it should go: the person reads it",
            _ => "Write why it should stay",
        };
        errors.push(FieldError::new("note", words));
    }
    if note.chars().count() > NOTE_MAX {
        errors.push(FieldError::new("note", "Write at most 2,000 characters"));
    }
    if answer == Answer::Until {
        let words = match until {
            None => Some("Choose the last day, as year-month-day, like 2027-01-31"),
            Some(day) if day < today => Some("Choose a last day that is not over"),
            Some(day) if ends.is_some_and(|ends| day >= ends) => {
                Some("Choose a last day before the one that it has now, or keep it")
            }
            Some(_) => None,
        };
        errors.extend(words.map(|words| FieldError::new("until", words)));
    }
    errors
}

/// What the rules recommend, and why: each line says the rule and what it looked at (C8).
#[must_use]
pub fn recommend(context: &Context, since: Ts, now: Ts) -> (Option<Answer>, Vec<String>) {
    let mut advice = Vec::new();
    let peers = context.peers.filter(|peers| peers.of >= PEERS_MIN);
    let rare = peers.is_some_and(|peers| peers.have * 5 < peers.of);
    let common = peers.is_some_and(|peers| peers.have * 2 >= peers.of);
    if let Some(peers) = peers {
        let people = counted(peers.of, "person", "people");
        let share = match (rare, common) {
            (true, _) => ", fewer than one in five",
            (_, true) => ", half of them or more",
            _ => "",
        };
        advice.push(format!("{} of {people} in the department hold it{share}.", peers.have));
    }
    let moved = !context.changes.is_empty();
    advice.extend(context.changes.iter().map(|change| format!("Since it was granted: {change}.")));
    let days = now.seconds_since(since) / 86_400;
    let stale = days >= LONG_DAYS && context.extended == 0;
    if stale {
        advice.push(format!("Held for {} and never renewed.", counted(days, "day", "days")));
    }
    if let Some(other) = &context.overlaps {
        advice.push(format!("{other} gives the same."));
    }
    let answer = if context.overlaps.is_some() || (moved && (rare || stale)) || (rare && stale) {
        Some(Answer::Remove)
    } else if common && !moved {
        Some(Answer::Keep)
    } else {
        None
    };
    (answer, advice)
}

#[cfg(test)]
mod tests {
    use super::super::model::{Peers, Reviewers, Scope};
    use super::*;
    use proptest::prelude::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().expect("a day")
    }

    fn at(text: &str) -> Ts {
        Ts::new(text.parse().expect("a time"))
    }

    #[test]
    fn d31_only_what_was_confirmed_since_its_removal_began_is_gone() {
        let (before, begun) = (at("2026-03-01T00:00:00Z"), at("2026-03-02T00:00:00Z"));
        let right = |state, confirmed_at, late| Stands {
            person: PersonId::fresh(),
            role: crate::kernel::RoleId::fresh(),
            wanted: matches!(state, RightState::Adding | RightState::Present),
            state,
            confirmed_at,
            late,
        };
        let is =
            |state, confirmed_at, late| is_taken(&right(state, confirmed_at, late), Some(begun));
        assert_eq!(is(RightState::Removing, None, false), None);
        assert_eq!(is(RightState::Removing, None, true), Some(false));
        assert_eq!(is(RightState::Gone, Some(begun), false), Some(true));
        assert_eq!(is(RightState::Gone, Some(before), false), Some(false));
        for anew in [RightState::Adding, RightState::Present, RightState::Kept] {
            assert_eq!(is(anew, Some(begun), false), Some(false));
        }
    }

    fn berlin() -> Zone {
        Zone::named("Europe/Berlin").expect("a zone")
    }

    fn terms() -> Terms {
        Terms {
            scope: Scope::default(),
            reviewers: Reviewers::Manager,
            fallback: vec![],
            rhythm: Rhythm::Quarterly,
            first: day("2026-01-31"),
            days: 14,
            silence: Silence::Keep,
            recommends: true,
            reasons: false,
            at_once: false,
            words: String::new(),
            then: vec![],
        }
    }

    #[test]
    fn a_review_of_the_last_of_the_month_stays_at_the_end_of_the_month() {
        let starts: Vec<_> =
            (0..4).map(|n| start_of(Rhythm::Monthly, day("2026-01-31"), n)).collect();
        let all = ["2026-01-31", "2026-02-28", "2026-03-31", "2026-04-30"];
        assert_eq!(starts, all.map(|text| Some(day(text))));
        assert_eq!(start_of(Rhythm::Once, day("2026-01-31"), 1), None);
    }

    #[test]
    fn starts_that_were_missed_are_left_out() {
        assert_eq!(next_start(&terms(), day("2026-01-30")), Some(day("2026-01-31")));
        assert_eq!(next_start(&terms(), day("2026-01-31")), Some(day("2026-04-30")));
        assert_eq!(next_start(&terms(), day("2026-12-24")), Some(day("2027-01-31")));
        let once = Terms { rhythm: Rhythm::Once, ..terms() };
        assert_eq!(next_start(&once, day("2026-01-31")), None);
    }

    #[test]
    fn the_last_day_counts_whole_also_where_clocks_change() {
        let due = due_at(at("2026-03-27T10:00:00Z"), 3, berlin());
        assert_eq!(due, at("2026-03-29T22:00:00Z"), "summer time has begun that night");
        let [half, last] = reminders(at("2026-03-27T10:00:00Z"), due, berlin());
        assert_eq!(half, at("2026-03-28T16:00:00Z"));
        assert_eq!(last, at("2026-03-28T23:00:00Z"));
        assert_eq!(next_reminder(at("2026-03-27T10:00:00Z"), due, half, berlin()), Some(last));
        assert_eq!(next_reminder(at("2026-03-27T10:00:00Z"), due, last, berlin()), None);
    }

    #[test]
    fn d30_silence_keeps_removes_or_follows_the_recommendation() {
        assert_eq!(silent(Silence::Keep, Some(Answer::Remove)), Answer::Keep);
        assert_eq!(silent(Silence::Remove, Some(Answer::Keep)), Answer::Remove);
        assert_eq!(silent(Silence::Recommendation, Some(Answer::Remove)), Answer::Remove);
        assert_eq!(silent(Silence::Recommendation, None), Answer::Keep);
    }

    #[test]
    fn d30_only_more_than_the_share_waits_for_a_confirmation() {
        assert!(!needs_confirmation(20, 100, 20));
        assert!(needs_confirmation(21, 100, 20));
        assert!(!needs_confirmation(0, 0, 20));
        assert!(needs_confirmation(1, 3, 0));
        assert!(!needs_confirmation(3, 3, 100));
    }

    #[test]
    fn d31_ordinary_access_cools_off_and_high_risk_and_leavers_do_not() {
        let now = at("2026-03-02T09:00:00Z");
        assert_eq!(removal_at(Risk::Ordinary, false, now, 72), at("2026-03-05T09:00:00Z"));
        assert_eq!(removal_at(Risk::High, false, now, 72), now);
        assert_eq!(removal_at(Risk::Ordinary, true, now, 72), now);
    }

    #[test]
    fn the_pace_is_the_median_of_what_an_answer_took_without_breaks() {
        let (ada, ben) = (PersonId::fresh(), PersonId::fresh());
        let at = |seconds: i64| at("2026-03-02T09:00:00Z").plus_seconds(seconds);
        assert_eq!(pace(&[]), None);
        assert_eq!(pace(&[(ada, at(0), None), (ben, at(5), None)]), None, "nobody answered twice");
        let steady = [(ada, at(0), None), (ada, at(10), None), (ada, at(40), None)];
        assert_eq!(pace(&steady), Some(30));
        let lunch = [(ada, at(0), None), (ada, at(10), None), (ada, at(4_000), None)];
        assert_eq!(pace(&lunch), Some(10), "a break is no thinking");
        let batch = Some(AnswerBatchId::fresh());
        let mut together = vec![(ada, at(0), None)];
        together.extend((0..9).map(|_| (ada, at(18), batch)));
        together.extend([(ada, at(118), None), (ada, at(318), None)]);
        assert_eq!(pace(&together), Some(2), "nine at once took two seconds each");
    }

    #[test]
    fn an_answer_says_what_is_missing() {
        let today = day("2026-03-02");
        let fields = |given, risk, ends| -> Vec<String> {
            wrong(given, (risk, ends), &terms(), today).into_iter().map(|e| e.field).collect()
        };
        assert!(fields((Answer::Keep, None, ""), Risk::Ordinary, None).is_empty());
        assert_eq!(fields((Answer::Keep, None, ""), Risk::High, None), ["note"]);
        assert_eq!(fields((Answer::Remove, None, ""), Risk::Ordinary, None), ["note"]);
        assert!(fields((Answer::Unknown, None, ""), Risk::High, None).is_empty());
        assert_eq!(fields((Answer::Until, None, ""), Risk::Ordinary, None), ["until"]);
        let until = |text: &str| (Answer::Until, Some(day(text)), "");
        assert_eq!(fields(until("2026-03-01"), Risk::Ordinary, None), ["until"]);
        assert!(fields(until("2026-03-02"), Risk::Ordinary, None).is_empty());
        assert_eq!(fields(until("2026-04-01"), Risk::Ordinary, Some(day("2026-04-01"))), ["until"]);
    }

    #[test]
    fn a_recommendation_says_its_rule_and_what_it_looked_at() {
        let now = at("2026-03-02T09:00:00Z");
        let recent = now.plus_seconds(-30 * 86_400);
        let old = now.plus_seconds(-500 * 86_400);
        let peers = |have, of| Context { peers: Some(Peers { have, of }), ..Context::default() };
        assert_eq!(recommend(&Context::default(), recent, now), (None, vec![]));
        assert_eq!(recommend(&peers(4, 4), recent, now), (None, vec![]), "too few to be shown");
        let (answer, why) = recommend(&peers(7, 9), recent, now);
        assert_eq!(answer, Some(Answer::Keep));
        assert_eq!(why, ["7 of 9 people in the department hold it, half of them or more."]);
        let moved =
            Context { changes: vec!["department was Sales, is Legal".into()], ..peers(1, 9) };
        let (answer, why) = recommend(&moved, recent, now);
        assert_eq!(answer, Some(Answer::Remove));
        assert_eq!(why[1], "Since it was granted: department was Sales, is Legal.");
        let (answer, why) = recommend(&peers(1, 9), old, now);
        assert_eq!(answer, Some(Answer::Remove));
        assert_eq!(why[1], "Held for 500 days and never renewed.");
        let twice = Context { overlaps: Some("Ledger".into()), ..Context::default() };
        assert_eq!(
            recommend(&twice, recent, now),
            (Some(Answer::Remove), vec!["Ledger gives the same.".into()])
        );
    }

    proptest! {
        #[test]
        fn what_silence_removes_without_asking_is_never_more_than_the_share(
            items in 0i64..10_000, removed in 0i64..10_000, share in 0i64..=100
        ) {
            let removed = removed.min(items);
            if !needs_confirmation(removed, items, share) {
                prop_assert!(removed * 100 <= share * items);
            }
        }
    }
}
