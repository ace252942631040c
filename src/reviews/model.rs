//! What a review says, and what an instance and its items look like.

use chrono::NaiveDate;
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::kernel::{
    AccessId, AnswerBatchId, AssignmentId, CatalogId, GroupId, PackageId, PersonId, PolicyId,
    RequestId, ResourceId, ReviewId, ReviewInstanceId, ReviewItemId, ReviewListId, ReviewPoolId,
    ReviewRowId, Risk, Ts,
};
use crate::policies::model::Named;

/// As many days as reviewers have at most.
pub const DAYS_MAX: u32 = 180;
/// As many stages as a review has at most.
pub const STAGES_MAX: usize = 3;

/// Where it is known from who holds what.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Source {
    /// From the assignments.
    #[default]
    Assignments,
    /// From a list that somebody put in: who holds what in systems that are not connected.
    List {
        /// Which one.
        list: ReviewListId,
        /// The systems that it speaks of.
        systems: Vec<String>,
        /// How many of its lines are reviewed.
        rows: i64,
        /// How many were left out, because nobody knows their person.
        left_out: i64,
        /// The SHA-256 of its lines, in hexadecimal: two lists with the same figures are told apart by it.
        #[serde(default)]
        digest: String,
    },
    /// From a target system: who has this group or application, as it says itself at the start of each instance.
    Resource {
        /// Which one.
        resource: Named<ResourceId>,
        /// The target system's name.
        target: String,
    },
}

/// Which access is reviewed: all that is held now and that every line which is set allows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Scope {
    /// Where it is known from.
    pub source: Source,
    /// Of the packages of this catalog.
    pub catalog: Option<Named<CatalogId>>,
    /// Under this policy.
    pub policy: Option<Named<PolicyId>>,
    /// Of these packages; empty for all.
    pub packages: Vec<Named<PackageId>>,
    /// Of people of these departments; empty for all.
    pub departments: Vec<String>,
    /// Only what guests hold.
    pub guests_only: bool,
    /// Only what is of high risk.
    pub high_risk_only: bool,
}

/// Who answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Reviewers {
    /// Everybody for themselves.
    Own,
    /// The manager of each person.
    Manager,
    /// The owners of the package's catalog.
    Owners,
    /// These people and the members of these groups.
    Named {
        /// Who.
        people: Vec<Named<PersonId>>,
        /// Whose members.
        groups: Vec<Named<GroupId>>,
    },
}

crate::text_enum! {
    /// How often a review starts.
    pub enum Rhythm {
        /// One time only.
        Once = "once",
        /// Every seven days.
        Weekly = "weekly",
        /// Every month.
        Monthly = "monthly",
        /// Every three months.
        Quarterly = "quarterly",
        /// Every six months.
        HalfYearly = "half-yearly",
        /// Every year.
        Yearly = "yearly",
    }
}

crate::text_enum! {
    /// What becomes of what nobody answered (D30).
    pub enum Silence {
        /// It stays.
        Keep = "keep",
        /// It is removed.
        Remove = "remove",
        /// What the recommendation says; without one it stays.
        Recommendation = "recommendation",
    }
}

crate::text_enum! {
    /// What of a stage goes on to the next one. What nobody answered always does.
    pub enum GoesOn {
        /// What is to be kept, for a time or for good.
        Kept = "kept",
        /// What is to be removed.
        Removed = "removed",
        /// What the reviewer could not tell.
        Unknown = "unknown",
    }
}

impl GoesOn {
    /// Does this answer go on?
    #[must_use]
    pub fn takes(self, answer: Answer) -> bool {
        match answer {
            Answer::Keep | Answer::Until => self == Self::Kept,
            Answer::Remove => self == Self::Removed,
            Answer::Unknown => self == Self::Unknown,
        }
    }
}

/// A stage after the first one: others look once more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stage {
    /// Who answers.
    pub reviewers: Reviewers,
    /// How many days they have.
    pub days: u32,
    /// What of the stage before comes to them, besides what nobody answered.
    pub gets: Vec<GoesOn>,
    /// Whether they see what was answered before.
    pub shows: bool,
}

/// Everything that a review says. An instance keeps the terms of its start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// What is reviewed.
    pub scope: Scope,
    /// Who answers.
    pub reviewers: Reviewers,
    /// Who answers where nobody else can.
    pub fallback: Vec<Named<PersonId>>,
    /// How often.
    pub rhythm: Rhythm,
    /// The first day.
    pub first: NaiveDate,
    /// How many days the reviewers have, the first included.
    pub days: u32,
    /// What silence means.
    pub silence: Silence,
    /// Whether items show a recommendation.
    pub recommends: bool,
    /// Whether every answer needs a reason; a removal and a high-risk item always do.
    pub reasons: bool,
    /// Whether a removal counts at once, not only when the instance closes (D31).
    pub at_once: bool,
    /// What the reviewers are told, in the words of who set it up.
    pub words: String,
    /// The stages after the first one, at most [`STAGES_MAX`] in all.
    #[serde(default)]
    pub then: Vec<Stage>,
}

impl Terms {
    /// How many stages there are.
    #[must_use]
    pub fn stages(&self) -> i64 {
        1 + i64::try_from(self.then.len()).unwrap_or(i64::MAX - 1)
    }

    /// A stage after the first one, by its number.
    #[must_use]
    pub fn stage(&self, number: i64) -> Option<&Stage> {
        self.then.get(usize::try_from(number.checked_sub(2)?).ok()?)
    }

    /// How many days all stages have together.
    #[must_use]
    pub fn all_days(&self) -> u32 {
        self.then.iter().fold(self.days, |sum, stage| sum.saturating_add(stage.days))
    }
}

crate::text_enum! {
    /// Where an instance stands.
    pub enum State {
        /// The snapshot is being written.
        Starting = "starting",
        /// The snapshot does not match what is held; it does not start (D27).
        Refused = "refused",
        /// Reviewers answer.
        Open = "open",
        /// A stage is over; what goes on to the next one is handed on.
        Between = "between",
        /// An administrator has to confirm what silence would remove (D30).
        Confirming = "confirming",
        /// The answers are carried out.
        Applying = "applying",
        /// Everything is done, and confirmed or told.
        Completed = "completed",
        /// Called off; nothing of it has an effect.
        Canceled = "canceled",
    }
}

impl State {
    /// The states in which another one of the same review has to wait.
    pub const RUNNING: [&'static str; 5] = [
        Self::Starting.as_str(),
        Self::Open.as_str(),
        Self::Between.as_str(),
        Self::Confirming.as_str(),
        Self::Applying.as_str(),
    ];

    /// True until it is closed for good: another one of the same review has to wait.
    #[must_use]
    pub fn runs(self) -> bool {
        Self::RUNNING.contains(&self.as_str())
    }

    /// The word for pages.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Starting => "Starting",
            Self::Refused => "Cannot start",
            Self::Open => "Open",
            Self::Between => "Going on to the next stage",
            Self::Confirming => "Waits for a confirmation",
            Self::Applying => "Being carried out",
            Self::Completed => "Completed",
            Self::Canceled => "Canceled",
        }
    }
}

crate::text_enum! {
    /// What a reviewer says of an item (D28). *Not mine* is no answer: it hands the item on.
    pub enum Answer {
        /// It stays.
        Keep = "keep",
        /// It goes.
        Remove = "remove",
        /// It stays until a day.
        Until = "until",
        /// They cannot tell: it stays, and the owner describes it better.
        Unknown = "unknown",
    }
}

impl Answer {
    /// The word for pages, as on the button.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Keep => "Keep",
            Self::Remove => "Remove",
            Self::Until => "Keep until",
            Self::Unknown => "I don\u{2019}t know",
        }
    }
}

crate::text_enum! {
    /// What became of an item.
    pub enum Outcome {
        /// It stays.
        Kept = "kept",
        /// It will be removed when the cooling-off time is over (D31).
        Planned = "planned",
        /// It has ended; the target system has not confirmed it yet.
        Removing = "removing",
        /// The target system has confirmed that it is gone.
        Removed = "removed",
        /// It ends on an earlier day.
        Shortened = "shortened",
        /// The removal was called off in the cooling-off time.
        Undone = "undone",
        /// The target system has not confirmed the removal in time.
        Failed = "failed",
        /// It had ended otherwise before.
        Gone = "gone",
        /// Somebody has to remove it by hand, and say so.
        ByHand = "by-hand",
    }
}

crate::text_enum! {
    /// Why somebody is asked.
    pub enum Via {
        /// It is their own access.
        Own = "self",
        /// They are the manager.
        Manager = "manager",
        /// The review names them.
        Named = "named",
        /// They own the catalog.
        Owner = "owner",
        /// Nobody else could.
        Fallback = "fallback",
        /// Somebody passed it on to them.
        Passed = "passed",
    }
}

/// A review.
#[derive(Clone, Debug)]
pub struct Review {
    /// The review.
    pub id: ReviewId,
    /// Its name.
    pub name: String,
    /// Whose owners look after it; none where administrators do.
    pub catalog: Option<CatalogId>,
    /// What it says.
    pub terms: Terms,
    /// How many instances there were.
    pub number: i64,
    /// When the next one starts.
    pub next_at: Option<Ts>,
    /// When it was ended.
    pub ended_at: Option<Ts>,
    /// Moves on with every change.
    pub rev: i64,
    /// When it was made.
    pub created_at: Ts,
    /// By whom.
    pub created_by: PersonId,
}

/// One run of a review.
#[derive(Clone, Debug)]
pub struct Instance {
    /// The instance.
    pub id: ReviewInstanceId,
    /// Of which review.
    pub review: ReviewId,
    /// The how many-th it is.
    pub number: i64,
    /// The name of the review at its start.
    pub name: String,
    /// Whose owners look after it.
    pub catalog: Option<CatalogId>,
    /// The terms at its start.
    pub terms: Terms,
    /// Where it stands.
    pub state: State,
    /// The how many-th of its stages it has come to, the first being 1.
    pub stage: i64,
    /// The moment of the snapshot.
    pub starts_at: Ts,
    /// When the reviewers were asked.
    pub opened_at: Option<Ts>,
    /// Until when they can answer.
    pub due_at: Ts,
    /// How much was held, as counted beside the snapshot (D27).
    pub source_count: Option<i64>,
    /// How many items the snapshot has.
    pub item_count: i64,
    /// Why it cannot start.
    pub trouble: Option<String>,
    /// How far the work on its items has come: the last thing that the snapshot has taken, or the last item that
    /// was looked at after the last stage.
    pub reached: Option<Uuid>,
    /// When the reviewers are reminded next.
    pub remind_at: Option<Ts>,
    /// Until when it has been looked for access that ended otherwise.
    pub looked_at: Ts,
    /// When answers were closed.
    pub closed_at: Option<Ts>,
    /// When everything was done.
    pub completed_at: Option<Ts>,
    /// What silence means, where an administrator decided it anew (D30).
    pub confirmed: Option<Silence>,
    /// The median of the seconds that an answer took, once it is closed; 0 where nobody answered twice.
    pub pace: Option<i64>,
    /// Moves on with every change.
    pub rev: i64,
}

impl Instance {
    /// What becomes of what nobody answered.
    #[must_use]
    pub fn silence(&self) -> Silence {
        self.confirmed.unwrap_or(self.terms.silence)
    }

    /// The list from which it takes what is reviewed; none where assignments say it. What a target system said at its
    /// start is a list of its own.
    #[must_use]
    pub fn list(&self) -> Option<ReviewListId> {
        match &self.terms.scope.source {
            Source::Assignments => None,
            Source::List { list, .. } => Some(*list),
            Source::Resource { .. } => Some(ReviewListId(self.id.0)),
        }
    }

    /// True where it waits until a target system has said who has what.
    #[must_use]
    pub fn is_unread(&self) -> bool {
        let resource = matches!(self.terms.scope.source, Source::Resource { .. });
        // The rows of the list are counted with what is written of them, in one transaction.
        resource && self.state == State::Starting && self.source_count.is_none()
    }
}

/// What a reviewer has to know of an item, as it was at the start.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Context {
    /// What it is for, in the words of the list.
    pub about: Option<String>,
    /// True where nobody knows since when it is held.
    pub since_unknown: bool,
    /// Where a target system says that it is held: the packages that give it here, none where it was given there alone.
    pub given_by: Option<Vec<String>>,
    /// Under which policy it is held.
    pub policy: String,
    /// Why it was asked for, in the words of who asked.
    pub reason: Option<String>,
    /// Who approved it; none where nobody had to.
    pub approved_by: Vec<String>,
    /// How many colleagues of the department hold it, the person included.
    pub peers: Option<Peers>,
    /// What about the person or the access changed since it was granted or last reviewed.
    pub changes: Vec<String>,
    /// What was answered in the last review, by whom, when.
    pub last: Option<LastAnswer>,
    /// Another package of the person that gives the same.
    pub overlaps: Option<String>,
    /// How often it was extended.
    pub extended: i64,
    /// Why the recommendation is what it is.
    pub advice: Vec<String>,
    /// What was answered in the stages before, oldest first.
    pub earlier: Vec<Earlier>,
}

/// What was answered in a stage that is over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Earlier {
    /// In which stage.
    pub stage: i64,
    /// What.
    pub answer: Answer,
    /// Until when it is to be kept.
    pub until: Option<Ts>,
    /// With which reason.
    pub note: Option<String>,
    /// By whom.
    pub by: PersonId,
    /// Their name.
    pub name: String,
    /// In whose place (D34).
    pub instead_of: Option<PersonId>,
    /// When.
    pub at: Ts,
}

/// How many of a department hold a package.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Peers {
    /// So many.
    pub have: i64,
    /// Of so many.
    pub of: i64,
}

/// What was answered in an earlier instance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastAnswer {
    /// What.
    pub answer: Answer,
    /// Who.
    pub by: String,
    /// When.
    pub at: Ts,
}

/// One piece of access in an instance.
#[derive(Clone, Debug)]
pub struct Item {
    /// The item.
    pub id: ReviewItemId,
    /// Of which instance.
    pub instance: ReviewInstanceId,
    /// Who answers.
    pub pool: ReviewPoolId,
    /// What is held; none where no assignment says it.
    pub assignment: Option<AssignmentId>,
    /// The line that says it, where no assignment does.
    pub row: Option<ReviewRowId>,
    /// What is shown together.
    pub access: AccessId,
    /// By whom.
    pub person: PersonId,
    /// Their name at the start.
    pub person_name: String,
    /// Their department at the start.
    pub department: Option<String>,
    /// The package.
    pub package: Option<PackageId>,
    /// What it is called.
    pub access_name: String,
    /// Of which catalog.
    pub catalog: Option<CatalogId>,
    /// How risky it is.
    pub risk: Risk,
    /// Since when it is held.
    pub since: Ts,
    /// Until when.
    pub ends_at: Option<Ts>,
    /// From which request it came.
    pub request: Option<RequestId>,
    /// What a reviewer has to know.
    pub context: Context,
    /// What the rules recommend.
    pub recommendation: Option<Answer>,
    /// True where something about it changed.
    pub changed: bool,
    /// What was answered.
    pub answer: Option<Answer>,
    /// Until when it is to be kept.
    pub until: Option<Ts>,
    /// With which reason.
    pub note: Option<String>,
    /// By whom.
    pub answered_by: Option<PersonId>,
    /// In whose place (D34).
    pub answered_for: Option<PersonId>,
    /// When.
    pub answered_at: Option<Ts>,
    /// What was answered before the recommendation could be read.
    pub first_answer: Option<Answer>,
    /// What the person themselves said.
    pub reply: Option<String>,
    /// What became of it.
    pub outcome: Option<Outcome>,
    /// When the removal starts.
    pub apply_at: Option<Ts>,
    /// When it was done, or called off.
    pub applied_at: Option<Ts>,
    /// Who called it off.
    pub undone_by: Option<PersonId>,
    /// With which others it was answered.
    pub batch: Option<AnswerBatchId>,
    /// Moves on with every change.
    pub rev: i64,
}

/// The row of `review_items`, as it is read.
#[derive(Queryable, Selectable)]
#[diesel(table_name = crate::db::schema::review_items)]
pub(super) struct ItemRow {
    id: ReviewItemId,
    instance_id: ReviewInstanceId,
    pool_id: ReviewPoolId,
    assignment_id: Option<AssignmentId>,
    row_id: Option<ReviewRowId>,
    person_id: PersonId,
    person_name: String,
    department: Option<String>,
    access_id: AccessId,
    access_name: String,
    catalog_id: Option<CatalogId>,
    risk: String,
    since: Ts,
    ends_at: Option<Ts>,
    request_id: Option<RequestId>,
    context: String,
    recommendation: Option<String>,
    changed: bool,
    answer: Option<String>,
    until_at: Option<Ts>,
    note: Option<String>,
    answered_by: Option<PersonId>,
    answered_for: Option<PersonId>,
    answered_at: Option<Ts>,
    first_answer: Option<String>,
    reply: Option<String>,
    outcome: Option<String>,
    apply_at: Option<Ts>,
    applied_at: Option<Ts>,
    undone_by: Option<PersonId>,
    batch_id: Option<AnswerBatchId>,
    rev: i64,
}

impl From<ItemRow> for Item {
    fn from(row: ItemRow) -> Self {
        let answer = |text: Option<String>| text.as_deref().and_then(Answer::parse);
        Self {
            id: row.id,
            instance: row.instance_id,
            pool: row.pool_id,
            assignment: row.assignment_id,
            row: row.row_id,
            access: row.access_id,
            person: row.person_id,
            person_name: row.person_name,
            department: row.department,
            // Only an assignment is of a package.
            package: row.assignment_id.map(|_| PackageId(row.access_id.0)),
            access_name: row.access_name,
            catalog: row.catalog_id,
            risk: Risk::parse(&row.risk).unwrap_or(Risk::High),
            since: row.since,
            ends_at: row.ends_at,
            request: row.request_id,
            context: serde_json::from_str(&row.context).unwrap_or_default(),
            recommendation: answer(row.recommendation),
            changed: row.changed,
            answer: answer(row.answer),
            until: row.until_at,
            note: row.note,
            answered_by: row.answered_by,
            answered_for: row.answered_for,
            answered_at: row.answered_at,
            first_answer: answer(row.first_answer),
            reply: row.reply,
            outcome: row.outcome.as_deref().and_then(Outcome::parse),
            apply_at: row.apply_at,
            applied_at: row.applied_at,
            undone_by: row.undone_by,
            batch: row.batch_id,
            rev: row.rev,
        }
    }
}
