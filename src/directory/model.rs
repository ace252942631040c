//! The roles of the whole installation, and what an import did.

use super::diff::Plan;
use super::problem::Problem;

crate::text_enum! {
    /// What a person may do in the whole installation, beyond what everybody may.
    pub enum GlobalRole {
        /// Looks after the installation.
        Administrator = "administrator",
        /// Reads everything, changes nothing.
        Auditor = "auditor",
    }
}

/// What an import did, or would have done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// How many are new or came back.
    pub joiners: usize,
    /// Of how many any column differed.
    pub movers: usize,
    /// The names of those who left, in the order in which they were known.
    pub leavers: Vec<String>,
    /// How many were known exactly as they are listed.
    pub unchanged: usize,
    /// Of how many of the unchanged the manager is now somebody else, though the list says the same.
    pub rewired: usize,
    /// The figures in words.
    pub summary: String,
    /// What did not stop the import and should be seen.
    pub warnings: Vec<Problem>,
}

impl From<&Plan> for Outcome {
    fn from(plan: &Plan) -> Self {
        Self {
            joiners: plan.joiners.len(),
            movers: plan.movers.len(),
            leavers: plan.leavers.iter().map(|leaver| leaver.name.clone()).collect(),
            unchanged: plan.unchanged,
            rewired: plan.rewired.len(),
            summary: plan.summary(),
            warnings: plan.warnings.clone(),
        }
    }
}

/// What an import of groups did, or would have done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupsOutcome {
    /// How many groups are new or have other members than before.
    pub changed: usize,
    /// The figures in words.
    pub summary: String,
}
