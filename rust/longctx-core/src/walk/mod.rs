//! Lists the files of a work tree or of a commit, ignore files obeyed, sorted, and reads them.
//!
//! [`Tree::open`] takes a folder (a git work tree or not) or a commit of a repository, [`Tree::list`] says what it
//! holds and what is left out and why, [`Tree::read`] gives the bytes of a file.
//!
//! What is obeyed, strongest first, is ripgrep's order: `.longctxignore`, `.ignore`, `.gitignore` (each in every
//! folder from the repository's root down, the nearest first), `.git/info/exclude`, the user's global excludes. A
//! folder without git obeys them as well. Ignore files that lie above the repository's root count for nothing, so
//! that the same repository lists the same wherever it lies. A commit is listed by its own ignore files: a clean
//! checkout and the commit it came from list the same.

mod children;
mod globs;
mod list;
mod objects;
mod repository;
mod rules;
mod tree;

#[cfg(test)]
mod tests;

use std::path::PathBuf;

use crate::path::RepoPath;
use crate::source::SkipReason;

pub use tree::Tree;

/// The largest file that is listed unless the caller says otherwise: 1 MiB.
pub const DEFAULT_MAX_FILE_SIZE: u64 = 1 << 20;

/// What [`Tree::list`] leaves out.
#[derive(Debug, Clone)]
pub struct WalkOptions {
    /// Globs in gitignore syntax; where there are any, only files that one of them matches (or that lie in a folder
    /// that one matches) are listed. They do not bring ignored or hidden files back.
    pub include: Vec<String>,
    /// Globs in gitignore syntax; what they match is left out.
    pub exclude: Vec<String>,
    /// List files and enter folders whose name begins with a dot. `.git` is never listed.
    pub hidden: bool,
    /// Obey ignore files.
    pub respect_ignore: bool,
    /// Larger files are left out; in bytes.
    pub max_file_size: u64,
    /// Absolute paths of folders that are neither entered nor counted: the output.
    pub never: Vec<PathBuf>,
}

impl Default for WalkOptions {
    fn default() -> Self {
        Self {
            include: Vec::new(),
            exclude: Vec::new(),
            hidden: false,
            respect_ignore: true,
            max_file_size: DEFAULT_MAX_FILE_SIZE,
            never: Vec::new(),
        }
    }
}

/// Where the bytes of a file come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Location {
    /// The file system.
    WorkTree,
    /// A blob of the repository.
    Blob(gix::ObjectId),
}

/// A file that is listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Relative to [`Tree::root`].
    pub path: RepoPath,
    /// In bytes, when it was listed.
    pub size: u64,
    /// Where its bytes come from.
    pub location: Location,
}

/// A file or folder that is left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// Relative to [`Tree::root`].
    pub path: RepoPath,
    /// Its size; 0 for a folder, which is not entered, and where the size is unknown.
    pub bytes: u64,
    /// Why.
    pub reason: SkipReason,
    /// A folder, left out with all that it holds.
    pub directory: bool,
}

/// What a tree holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listing {
    /// The files, sorted bytewise by path.
    pub entries: Vec<Entry>,
    /// What is left out, sorted bytewise by path.
    pub skipped: Vec<Skipped>,
    /// The commit that is listed, or `HEAD` of a work tree, in hexadecimal; none without git or before the first
    /// commit.
    pub commit: Option<String>,
}

impl Listing {
    /// The sum of the sizes of the files that are listed, in bytes.
    pub fn bytes(&self) -> u64 {
        self.entries.iter().map(|entry| entry.size).sum()
    }
}
