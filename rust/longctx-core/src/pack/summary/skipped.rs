//! What was left out, by reason.

use std::collections::HashMap;

use serde::Serialize;

use crate::pack::corpus::Rejected;
use crate::path::RepoPath;
use crate::source::SkipReason;
use crate::walk::Listing;

/// So many files are named for each reason.
const EXAMPLES: usize = 5;

/// Files left out for one reason.
#[derive(Debug, Clone, Serialize)]
pub struct SkippedRow {
    pub(super) reason: SkipReason,
    description: &'static str,
    pub(super) files: u64,
    pub(super) directories: u64,
    pub(super) bytes: u64,
    examples: Vec<String>,
}

/// What was left out, by reason, most bytes first.
pub fn skip_table(listing: &Listing, rejected: &[Rejected]) -> Vec<SkippedRow> {
    let mut groups: HashMap<SkipReason, Vec<LeftOut<'_>>> = HashMap::new();
    for file in &listing.skipped {
        let left_out = LeftOut { path: &file.path, bytes: file.bytes, directory: file.directory };
        groups.entry(file.reason).or_default().push(left_out);
    }
    for file in rejected {
        let left_out = LeftOut { path: &file.path, bytes: file.bytes, directory: false };
        groups.entry(file.reason).or_default().push(left_out);
    }
    let mut table: Vec<SkippedRow> =
        groups.into_iter().map(|(reason, files)| skipped_row(reason, files)).collect();
    table.sort_by_key(|row| (std::cmp::Reverse(row.bytes), std::cmp::Reverse(row.files), row.description));
    table
}

/// A file or folder that was left out.
struct LeftOut<'l> {
    path: &'l RepoPath,
    bytes: u64,
    directory: bool,
}

fn skipped_row(reason: SkipReason, mut all: Vec<LeftOut<'_>>) -> SkippedRow {
    // Folders first, for they may hold much; then the largest files.
    all.sort_by_key(|file| (!file.directory, std::cmp::Reverse(file.bytes), file.path));
    let directories = all.iter().filter(|file| file.directory).count() as u64;
    let examples = all.iter().take(EXAMPLES);
    let examples = examples.map(|file| format!("{}{}", file.path, if file.directory { "/" } else { "" }));
    SkippedRow {
        reason,
        description: reason.description(),
        files: all.len() as u64 - directories,
        directories,
        bytes: all.iter().map(|file| file.bytes).sum(),
        examples: examples.collect(),
    }
}

/// One clause that says why there is nothing to pack.
pub fn nothing_to_pack(skipped: &[SkippedRow]) -> String {
    if skipped.is_empty() {
        return "there is nothing to pack: the folder is empty".to_owned();
    }
    let reasons: Vec<String> =
        skipped.iter().map(|row| format!("{} {}", row.files + row.directories, row.description)).collect();
    format!("there is nothing to pack: everything was left out ({})", reasons.join(", "))
}
