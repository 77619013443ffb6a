//! What a history is made of.

use std::fmt;
use std::num::NonZeroU32;
use std::ops::Range;

use gix::ObjectId;
use serde::{Deserialize, Serialize};

use crate::path::RepoPath;

/// Which commits are walked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// The first-parent line from `HEAD`; merges are versions, showing what they brought in.
    #[default]
    FirstParent,
    /// Every commit of all local and remote branches that is no merge.
    Full,
}

/// What to walk and what to leave out.
#[derive(Debug, Clone)]
pub struct HistoryOptions {
    /// Which commits are walked.
    pub mode: Mode,
    /// Where the walk begins instead of at `HEAD` (in full mode: at the branches).
    pub start: Option<ObjectId>,
    /// The walk ends at the first commit (in full mode: leaves out every commit) older than this, in seconds since
    /// 1970, by the committer's clock.
    pub since: Option<i64>,
    /// So many commits are walked, the newest.
    pub max_commits: Option<usize>,
    /// A commit that touches more files is a mass commit and left out.
    pub max_files_per_commit: Option<usize>,
    /// Leaves out commits of bots.
    pub skip_bots: bool,
    /// Leaves out commits that change the layout only.
    pub skip_formatting: bool,
}

impl HistoryOptions {
    /// Leaves nothing out.
    pub fn everything() -> Self {
        Self {
            mode: Mode::FirstParent,
            start: None,
            since: None,
            max_commits: None,
            max_files_per_commit: None,
            skip_bots: false,
            skip_formatting: false,
        }
    }
}

impl Default for HistoryOptions {
    /// First-parent; without bots, formatting-only commits and commits of more than 100 files.
    ///
    /// In ansible, flask, redis, tokio and vue one commit in 200 to 1,000 touches more than 100 files, and these hold
    /// 5 to 27 % of all changes: imports, moves and rewrites by script.
    fn default() -> Self {
        Self { max_files_per_commit: Some(100), skip_bots: true, skip_formatting: true, ..Self::everything() }
    }
}

/// A commit of the walk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Commit {
    /// Its id.
    pub id: ObjectId,
    /// The commit it is compared with: its first parent, unless a graft or the boundary of a shallow clone says
    /// otherwise.
    pub parent: Option<ObjectId>,
    /// Its subject in one line; for a merge whose subject names branches only, the first line of the body, if any.
    pub subject: String,
    /// When it was committed, in seconds since 1970.
    pub time: i64,
    /// `name <email>` of the author.
    pub author: String,
    /// Whether it has several parents.
    pub merge: bool,
    /// Why its changes are no versions of their own.
    pub left_out: Option<Reason>,
}

impl Commit {
    /// The first seven hexadecimal digits of the id.
    pub fn short_id(&self) -> String {
        self.id.to_hex_with_len(7).to_string()
    }
}

/// What a commit did to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Change {
    /// The file is new, or was no regular file before.
    Added,
    /// The content changed.
    Modified,
    /// The path changed, and the content perhaps.
    Renamed,
    /// The mode changed, the content did not.
    Mode,
    /// The file is gone, or no regular file any more.
    Deleted,
}

/// Names a blob of a [`History`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlobIndex(NonZeroU32);

impl BlobIndex {
    /// The place in [`History::blobs`].
    pub fn index(self) -> usize {
        self.0.get() as usize - 1
    }

    #[cfg(test)]
    pub(crate) fn first() -> Self {
        Self(NonZeroU32::MIN)
    }

    pub(super) fn from_index(index: usize) -> Option<Self> {
        u32::try_from(index + 1).ok().and_then(NonZeroU32::new).map(Self)
    }
}

/// A file at a commit: one link of a chain, one line of a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Version {
    /// The commit, as a place in [`History::commits`].
    pub commit: u32,
    /// The file's path after the commit (before it, if the commit deleted it), as a place in [`History::paths`].
    pub path: u32,
    /// The file's path before the commit: another one only if it was renamed.
    pub path_before: u32,
    /// The content after the commit; `None` if it deleted the file.
    pub blob: Option<BlobIndex>,
    /// The content before the commit, that is, in its first parent; `None` if it created the file. In a chain with
    /// commits left out this need not be the content of the next older version.
    pub before: Option<BlobIndex>,
    /// What the commit did.
    pub change: Change,
}

/// The versions of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    /// Its newest path, as a place in [`History::paths`].
    pub path: u32,
    /// Whether the file is in the tree of the commit where the walk began. Among the chains of one path at most one
    /// is live.
    pub live: bool,
    /// Newest first. Not empty. Where a name was given up and taken again, two chains may share their older part.
    pub versions: Vec<Version>,
}

impl Chain {
    /// The versions of the newest life of the file whose content differs from the next older version's, newest first.
    pub fn contents(&self) -> impl Iterator<Item = &Version> {
        let start =
            usize::from(self.versions.first().is_some_and(|version| version.change == Change::Deleted));
        let life = &self.versions[start..];
        let end = life.iter().position(|version| version.change == Change::Deleted).unwrap_or(life.len());
        let life = &life[..end];
        life.iter().enumerate().filter_map(move |(at, version)| {
            let older = life.get(at + 1).map(|older| older.blob);
            (older != Some(version.blob)).then_some(version)
        })
    }
}

/// Why a commit's changes are no versions of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Reason {
    /// A bot wrote it.
    Bot,
    /// It changes the layout only.
    Formatting,
    /// It touches more files than the limit.
    Mass,
    /// It is a merge, in full mode.
    Merge,
    /// It is older than asked for.
    Since,
    /// It is beyond the number of commits asked for.
    MaxCommits,
    /// Its tree or its parent's cannot be read.
    MissingTree,
    /// The version's content cannot be read. The commit itself is not left out.
    MissingBlob,
}

impl Reason {
    /// The reason in one word, as reports have it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bot => "bot",
            Self::Formatting => "formatting",
            Self::Mass => "mass",
            Self::Merge => "merge",
            Self::Since => "since",
            Self::MaxCommits => "max-commits",
            Self::MissingTree => "missing-tree",
            Self::MissingBlob => "missing-blob",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How much was left out for one reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// Why.
    pub reason: Reason,
    /// Commits left out as a whole.
    pub commits: usize,
    /// Changes of files that are no versions therefore; 0 for commits that were not looked into.
    pub versions: usize,
    /// The newest of these commits, five at most.
    pub examples: Vec<ObjectId>,
}

/// Kinds of objects that can be missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ObjectKind {
    /// A commit.
    Commit,
    /// A folder.
    Tree,
    /// A file's content.
    Blob,
}

impl fmt::Display for ObjectKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Commit => "commit",
            Self::Tree => "tree",
            Self::Blob => "blob",
        })
    }
}

/// An object that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissingObject {
    /// Its id.
    pub id: ObjectId,
    /// What it should be.
    pub kind: ObjectKind,
    /// A commit that needs it.
    pub commit: Option<ObjectId>,
    /// Where that commit has it; empty for commits and root folders.
    pub path: RepoPath,
    /// Why it cannot be read, if it is there at all.
    pub reason: Option<String>,
}

impl MissingObject {
    pub(super) fn place(&self) -> (Option<ObjectId>, &RepoPath) {
        (self.commit, &self.path)
    }
}

impl fmt::Display for MissingObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.id)?;
        if !self.path.as_bytes().is_empty() {
            write!(f, " ({})", self.path)?;
        }
        if let Some(commit) = self.commit {
            write!(f, " of commit {}", commit.to_hex_with_len(7))?;
        }
        match &self.reason {
            Some(reason) => write!(f, " cannot be read: {reason}"),
            None => f.write_str(" is missing"),
        }
    }
}

/// What is unusual about a repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Note {
    /// A shallow clone: at its boundary every file looks new.
    Shallow {
        /// Commits on the boundary.
        boundary: usize,
    },
    /// `info/grafts` replaces parents.
    Grafts {
        /// Commits with other parents.
        commits: usize,
    },
    /// `refs/replace` replaces objects.
    Replaced,
    /// A partial clone. Missing objects are not fetched.
    Partial,
    /// Commits with so many deleted and added files that only renames with equal content, or an equal and unique
    /// name, were looked for, as git does.
    RenamesLimited {
        /// Such commits.
        commits: usize,
    },
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shallow { boundary } => {
                write!(
                    f,
                    "shallow clone: history ends at {boundary} boundary commits, where every file looks new"
                )
            }
            Self::Grafts { commits } => write!(f, "info/grafts gives {commits} commits other parents"),
            Self::Replaced => f.write_str("refs/replace replaces objects"),
            Self::Partial => f.write_str("partial clone: objects that are not here are not fetched"),
            Self::RenamesLimited { commits } => {
                write!(
                    f,
                    "{commits} commits have too many added and deleted files to compare all pairs for renames"
                )
            }
        }
    }
}

/// The history of a repository's files.
#[derive(Debug, Clone)]
pub struct History {
    /// The commit at which the walk began.
    pub tip: ObjectId,
    /// The commits walked, newest first, those left out for what they are included.
    pub commits: Vec<Commit>,
    /// Every path met.
    pub paths: Vec<RepoPath>,
    /// Every content met in a version, once.
    pub blobs: Vec<ObjectId>,
    /// Those of them that the repository does not hold.
    pub absent: Vec<ObjectId>,
    /// By path; chains of one path: the live one first, then by their newest commit.
    pub chains: Vec<Chain>,
    /// What was left out, by reason.
    pub left_out: Vec<LeftOut>,
    /// Objects that could not be read, by kind and id.
    pub missing: Vec<MissingObject>,
    /// What is unusual about the repository.
    pub notes: Vec<Note>,
    pub(super) changes: Vec<Version>,
    pub(super) changes_of: Vec<Range<usize>>,
}

impl History {
    /// What one commit (a place in [`History::commits`]) did to files, by path; nothing for a commit left out.
    pub fn changes(&self, commit: u32) -> &[Version] {
        self.changes_of.get(commit as usize).map_or(&[], |range| &self.changes[range.clone()])
    }

    /// The commit of a version.
    pub fn commit(&self, version: &Version) -> &Commit {
        &self.commits[version.commit as usize]
    }

    /// The path behind its place.
    pub fn path(&self, path: u32) -> &RepoPath {
        &self.paths[path as usize]
    }

    /// The id of a blob.
    pub fn blob(&self, blob: BlobIndex) -> ObjectId {
        self.blobs[blob.index()]
    }
}
