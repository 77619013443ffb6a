//! Reading again what was packed, whatever it is.

use std::collections::HashMap;

use crate::Result;
use crate::interrupt::Watch;
use crate::source::SourceOptions;
use crate::walk::{Entry, Tree, WalkOptions};

/// Nothing is left out or hidden.
pub const SOURCES: SourceOptions =
    SourceOptions { redact_secrets: false, keep_generated: true, keep_vendored: true, keep_lockfiles: true };

/// All files of a commit, by path.
pub fn entries(tree: &Tree, watch: Watch<'_>) -> Result<HashMap<String, Entry>> {
    let everything = WalkOptions {
        hidden: true,
        respect_ignore: false,
        max_file_size: u64::MAX,
        ..WalkOptions::default()
    };
    let listing = tree.list(&everything, watch)?;
    Ok(listing.entries.into_iter().map(|entry| (entry.path.to_string(), entry)).collect())
}
