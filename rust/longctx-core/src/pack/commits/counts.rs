//! What was told of the history and what was not, counted.

use std::collections::BTreeMap;

use serde::Serialize;

use super::telling::Form;
use crate::source::SkipReason;

/// What making commit sequences did.
#[derive(Debug, Clone, Default, Serialize)]
pub struct CommitCounts {
    /// Commits walked.
    pub commits: u64,
    /// Merges among them.
    pub merges: u64,
    /// Commits whose changes are no versions of their own, by reason.
    pub left_out: Vec<LeftOutRow>,
    /// Objects that the repository should have.
    pub missing: MissingRow,
    /// Some object is there and cannot be read.
    #[serde(skip)]
    pub has_unreadable: bool,
    /// What is unusual, or why there is no history.
    pub notes: Vec<String>,
    /// Files whose history is told.
    pub chains: u64,
    /// Files that are not there any more.
    pub gone: u64,
    /// Files that are there and not packed.
    pub not_packed: u64,
    /// Versions beyond the number asked for, of all files.
    pub older_versions: u64,
    /// Different contents read that can be shown.
    pub versions: u64,
    /// Different contents read that cannot, by reason.
    pub unreadable: BTreeMap<SkipReason, u64>,
    /// Commits kept for validation.
    pub held_out: u64,
    /// Changes of training files that show the text of a validation file, and are not told.
    pub shared_with_validation: u64,
    /// Commits with files on both sides of the split, not told across files.
    pub mixed_sides: u64,
    /// Stories told, by form, in all bands. Short ones share a sequence.
    pub tellings: BTreeMap<Form, u64>,
    /// What fits no sequence, by band.
    pub too_large: Vec<TooLargeRow>,
    /// Sequences made and dropped because of the ratio.
    pub beyond_ratio: u64,
    /// Files and commits that were not looked into because the ratio was reached.
    pub not_told: u64,
}

/// Commits left out for one reason.
#[derive(Debug, Clone, Serialize)]
pub struct LeftOutRow {
    /// In one word.
    pub reason: &'static str,
    /// Commits.
    pub commits: u64,
    /// Changes of files; 0 for commits that were not looked into.
    pub versions: u64,
}

/// Objects that could not be read.
#[derive(Debug, Clone, Default, Serialize)]
pub struct MissingRow {
    /// How many.
    pub objects: u64,
    /// Some of them.
    pub examples: Vec<String>,
}

/// What does not fit a band even with a single line around it.
#[derive(Debug, Clone, Serialize)]
pub struct TooLargeRow {
    /// The number of the band.
    pub band: u8,
    /// Changes of one file.
    pub steps: u64,
    /// Commits across several files.
    pub commits: u64,
}

impl CommitCounts {
    /// Nothing is told, and why.
    pub fn nothing(note: impl Into<String>) -> Self {
        Self { notes: vec![note.into()], ..Self::default() }
    }
}
