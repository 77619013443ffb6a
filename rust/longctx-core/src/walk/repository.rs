//! Finds and opens the repository of a folder, without trusting its configuration or the environment.

use std::fs;
use std::path::{Path, PathBuf};

use crate::{Error, Result};

/// Where a folder stands with git.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// It lies in (or is) the work tree whose root is given.
    WorkTree(PathBuf),
    /// It is a repository without a work tree.
    Bare,
    /// No git here.
    Plain,
}

/// Looks for `.git` in `folder` (absolute) and above. A folder laid out like a repository's own is a bare one.
pub(super) fn locate(folder: &Path) -> Place {
    for (depth, above) in folder.ancestors().enumerate() {
        if fs::symlink_metadata(above.join(".git")).is_ok() {
            return Place::WorkTree(above.to_path_buf());
        }
        if depth == 0 && is_bare(folder) {
            return Place::Bare;
        }
    }
    Place::Plain
}

fn is_bare(folder: &Path) -> bool {
    folder.join("HEAD").is_file() && folder.join("objects").is_dir() && folder.join("refs").is_dir()
}

/// Opens the repository at `path` (a work tree's root or a bare repository). Neither the user's configuration nor
/// environment variables such as `GIT_DIR` are consulted.
pub(super) fn open(path: &Path) -> Result<gix::Repository> {
    gix::open_opts(path, gix::open::Options::isolated()).map_err(|error| Error::Repository {
        path: path.to_path_buf(),
        message: format!("cannot be opened as a git repository: {error}"),
    })
}

/// The content of `info/exclude`, which all work trees of the repository share.
pub(super) fn info_exclude(repository: &gix::Repository) -> Option<Vec<u8>> {
    fs::read(repository.common_dir().join("info").join("exclude")).ok()
}

/// The commit that `HEAD` names; none before the first commit or when `HEAD` is damaged.
pub(super) fn head(repository: &gix::Repository) -> Option<gix::ObjectId> {
    repository.head_id().ok().map(gix::Id::detach)
}

/// The commit that `revision` names (through annotated tags), and its tree.
pub(super) fn resolve(
    repository: &gix::Repository,
    path: &Path,
    revision: &str,
) -> Result<(gix::ObjectId, gix::ObjectId)> {
    if repository.head().is_ok_and(|head| head.is_unborn()) && repository.rev_parse_single(revision).is_err()
    {
        return Err(Error::usage_hint(
            format!("{} has no commit that {revision} could name", path.display()),
            "commit something first, or leave out --rev to read the folder as it is",
        ));
    }
    let unknown = || {
        Error::usage_hint(
            format!("{revision:?} names no commit of {}", path.display()),
            "give a branch, a tag or a commit id; `git log --oneline` lists them",
        )
    };
    let id = repository.rev_parse_single(revision).map_err(|_| unknown())?;
    let object = id.object().map_err(|error| Error::Repository {
        path: path.to_path_buf(),
        message: format!("cannot read the object that {revision} names: {error}"),
    })?;
    let commit = object.peel_to_kind(gix::object::Kind::Commit).map_err(|_| unknown())?.into_commit();
    let tree = commit.tree_id().map_err(|error| Error::Repository {
        path: path.to_path_buf(),
        message: format!("commit {} cannot be read: {error}", commit.id),
    })?;
    Ok((commit.id, tree.detach()))
}
