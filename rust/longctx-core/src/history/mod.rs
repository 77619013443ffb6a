//! The history of a repository's files: commits -> per-file chains of versions.
//!
//! [`read`] walks the first-parent line from `HEAD` (or every non-merge commit of all branches), compares each commit
//! with its first parent, finds renames as `git diff -M` does, and strings the versions of every file together as
//! `git log --follow` does, without its hops to copies. No file content is read for that, except of files that may
//! have been renamed with edits, and of commits that promise to change the layout only. [`Blobs`] reads contents.
//!
//! What `git log --first-parent --follow -- FILE` lists, a chain has, newest first:
//! - a commit that creates, changes, renames or deletes the file. After a deletion the chain goes on with the former
//!   life of the same name; [`Change::Deleted`] marks the seam;
//! - a commit that changes the mode alone ([`Change::Mode`]): its content is that of the version before. Where only
//!   contents matter, [`Chain::contents`] passes over both.
//!
//! Symbolic links and submodules are not versions.

mod assemble;
mod blobs;
mod entries;
mod filters;
mod formatting;
mod kept;
mod line;
mod message;
mod node;
mod renames;
pub mod report;
mod scan;
mod similarity;
mod store;
mod stretch;
mod trees;
mod types;
mod walk;

#[cfg(test)]
pub(crate) mod sandbox;
#[cfg(test)]
mod tests;

use std::path::Path;

pub use blobs::{Blob, Blobs};
pub use gix::ObjectId;
pub use types::{
    BlobIndex, Chain, Change, Commit, History, HistoryOptions, LeftOut, MissingObject, Mode, Note,
    ObjectKind, Reason, Version,
};

use crate::Result;
use crate::cache::Cache;
use crate::interrupt::Watch;

/// Reads the history of the repository at `repo`.
///
/// Objects that are missing or unreadable are named in [`History::missing`] and passed over; only a repository that
/// cannot be opened, has no commits, or whose `HEAD` commit is missing is an error.
///
/// # Errors
/// [`crate::Error::Io`] if there is nothing at `repo`, [`crate::Error::Repository`] as above,
/// [`crate::Error::Interrupted`] if `watch` says so.
pub fn read(repo: &Path, options: &HistoryOptions, watch: Watch<'_>) -> Result<History> {
    read_with(repo, options, &Cache::off(), watch)
}

/// The same, with what an earlier run found in commits.
///
/// # Errors
/// Those of [`read`].
pub fn read_with(repo: &Path, options: &HistoryOptions, cache: &Cache, watch: Watch<'_>) -> Result<History> {
    let store = store::Store::open(repo)?;
    let walk = walk::walk(&store, repo, options, cache, watch)?;
    let mut assembler = assemble::Assembler::new(options.mode);
    scan::scan(&store, &walk, options, cache, watch, &mut assembler)?;
    let live = scan::files_of(&store, walk.tip);
    Ok(assembler.finish(&store, walk, &live))
}
