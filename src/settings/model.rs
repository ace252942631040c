//! What the organization can set, and its defaults.

/// The longest undo window, in seconds (D40).
pub const UNDO_MAX: i64 = 300;
/// The longest time that somebody may be allowed to stand in for another, in days.
pub const STAND_IN_MAX: i64 = 3_660;

/// The longest cooling-off time of a removal, in hours (D31).
pub const COOLING_MAX: i64 = 720;

/// The organization's settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// How to get help and from whom; none where the file's words stand.
    pub help: Option<String>,
    /// True where requestors read who decides; otherwise they read in which role.
    pub approver_names: bool,
    /// Seconds in which a decision can be taken back, and for which delivery waits: 0 to [`UNDO_MAX`] (D40).
    pub undo_seconds: i64,
    /// The longest time in days that somebody stands in for another (D45).
    pub stand_in_days: i64,
    /// The share of the items of a review that silence may remove unasked, in percent: 0 to 100 (D30).
    pub silent_share: i64,
    /// How long a removal of ordinary risk waits before it starts, in hours: 0 to [`COOLING_MAX`] (D31).
    pub cooling_hours: i64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            help: None,
            approver_names: true,
            undo_seconds: 10,
            stand_in_days: 90,
            silent_share: 20,
            cooling_hours: 72,
        }
    }
}
