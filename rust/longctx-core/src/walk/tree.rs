//! An opened tree of files: a work tree, or a commit of a repository.

use std::fs;
use std::path::{Component, Path, PathBuf};

use super::children::{self, Child};
use super::objects::Objects;
use super::repository::{self, Place};
use super::rules::{self, Rules};
use super::{Entry, Listing, Location, WalkOptions};
use crate::interrupt::Watch;
use crate::path::RepoPath;
use crate::source::{ObjectHash, SkipReason};
use crate::{Error, Result};

/// A work tree (of git or not), or a commit of a repository. Reads from many threads at once.
pub struct Tree {
    root: PathBuf,
    /// The root's path relative to the repository's root; empty where they are the same.
    pub(super) prefix: Vec<u8>,
    /// The repository's root; the root itself without git.
    top: PathBuf,
    commit: Option<String>,
    hash: ObjectHash,
    exclude: Option<Vec<u8>>,
    content: Content,
}

enum Content {
    WorkTree,
    /// The tree object at the repository's root, and at the root of the listing.
    Commit {
        objects: Box<Objects>,
        top: gix::ObjectId,
        root: gix::ObjectId,
    },
}

impl Tree {
    /// Opens `path`: the work tree as it lies there, or, with `revision`, what that commit holds at `path`. A
    /// repository without a work tree is read at `HEAD` unless a revision is given.
    ///
    /// # Errors
    ///
    /// [`Error::Usage`] if `path` is not a folder, or a revision is given and there is no repository, no commit or
    /// no such commit; [`Error::Repository`] if the repository is damaged; [`Error::Io`] if the folder cannot be
    /// entered.
    pub fn open(path: &Path, revision: Option<&str>) -> Result<Self> {
        let root = canonical_folder(path)?;
        match (repository::locate(&root), revision) {
            (Place::Plain, None) => Ok(Self::folder(root.clone(), root, None)),
            (Place::WorkTree(top), None) => {
                let repository = repository::open(&top).ok();
                Ok(Self::folder(root, top, repository.as_ref()))
            }
            (Place::Plain, Some(_)) => Err(Error::usage_hint(
                format!("{} is not in a git repository, so it has no revisions", path.display()),
                "leave out --rev to read the folder as it is",
            )),
            (Place::WorkTree(top), Some(revision)) => {
                let repository = repository::open(&top)?;
                Self::at(root, top, repository, revision)
            }
            (Place::Bare, revision) => {
                let repository = repository::open(&root)?;
                Self::at(root.clone(), root, repository, revision.unwrap_or("HEAD"))
            }
        }
    }

    fn folder(root: PathBuf, top: PathBuf, repository: Option<&gix::Repository>) -> Self {
        Self {
            prefix: relative(&root, &top),
            root,
            top,
            commit: repository.and_then(repository::head).map(hexadecimal),
            hash: repository.map_or(ObjectHash::Sha1, hash_of),
            exclude: repository.and_then(repository::info_exclude),
            content: Content::WorkTree,
        }
    }

    fn at(root: PathBuf, top: PathBuf, repository: gix::Repository, revision: &str) -> Result<Self> {
        let (commit, top_tree) = repository::resolve(&repository, &root, revision)?;
        let hash = hash_of(&repository);
        let exclude = repository::info_exclude(&repository);
        let prefix = relative(&root, &top);
        let objects = Box::new(Objects::new(repository, &top));
        let root_tree = objects.subtree(top_tree, &prefix, revision)?;
        let content = Content::Commit { objects, top: top_tree, root: root_tree };
        Ok(Self { root, prefix, top, commit: Some(hexadecimal(commit)), hash, exclude, content })
    }

    /// What the tree holds and what is left out. The same for any number of threads.
    ///
    /// # Errors
    ///
    /// [`Error::Usage`] if a glob is malformed, [`Error::Io`] or [`Error::Repository`] if the root cannot be
    /// listed, [`Error::Interrupted`]. Trouble below the root is counted in [`Listing::skipped`].
    pub fn list(&self, options: &WalkOptions, watch: Watch<'_>) -> Result<Listing> {
        super::list::list(self, options, watch)
    }

    /// The bytes of a file; callable from many threads.
    ///
    /// # Errors
    ///
    /// The reason why the file has to be left out: larger than `max_bytes`, changed or vanished since it was listed
    /// or while it was read, unreadable, or not in the object database. Never reads more than `max_bytes + 1` bytes.
    pub fn read(&self, entry: &Entry, max_bytes: u64) -> Result<Vec<u8>, SkipReason> {
        if entry.size > max_bytes {
            return Err(SkipReason::TooLarge);
        }
        match (&self.content, entry.location) {
            (_, Location::WorkTree) => children::read_whole(&entry.path.under(&self.root), entry.size),
            (Content::Commit { objects, .. }, Location::Blob(id)) => objects.blob(&id),
            (Content::WorkTree, Location::Blob(_)) => Err(SkipReason::MissingObject),
        }
    }

    /// The text form of what `name` (a path relative to the folder that was opened, or a full one) is below `base`:
    /// that folder or the repository's root.
    pub fn path_of(&self, name: &str, base: &Path) -> String {
        let given = Path::new(name);
        let full = self.root.join(given);
        let within = |path: &Path| relative(path, base);
        let bytes = match (full.parent().map(fs::canonicalize), full.file_name()) {
            (Some(Ok(folder)), Some(last)) if given.is_absolute() => within(&folder.join(last)),
            _ => within(&lexical(&full)),
        };
        RepoPath::new(bytes).text().into_owned()
    }

    /// The commit that is read, or `HEAD` of a work tree, in hexadecimal.
    pub fn commit(&self) -> Option<&str> {
        self.commit.as_deref()
    }

    /// The folder that was opened, absolute and without symbolic links.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The folder with the repository that was opened: the same as [`Self::root`] or above it.
    pub fn repository_root(&self) -> &Path {
        &self.top
    }

    /// What the paths of the repository that lie in the folder begin with: the folder's path relative to the
    /// repository's root, without a slash at its end; empty where they are the same.
    pub fn prefix(&self) -> &[u8] {
        &self.prefix
    }

    /// The hash that names the repository's objects; SHA-1 without git.
    pub fn object_hash(&self) -> ObjectHash {
        self.hash
    }

    /// Whether the files come from a commit rather than from the file system.
    pub fn is_commit(&self) -> bool {
        matches!(self.content, Content::Commit { .. })
    }

    /// The rules from outside the tree's folders.
    pub(super) fn rules(&self) -> Rules {
        Rules::new(self.exclude.clone())
    }

    /// The tree object of the root of the listing; none for a work tree.
    pub(super) fn root_id(&self) -> Option<gix::ObjectId> {
        match &self.content {
            Content::WorkTree => None,
            Content::Commit { root, .. } => Some(*root),
        }
    }

    /// What lies directly in a folder, given by its path relative to the repository's root and its tree object.
    pub(super) fn children(&self, path: &[u8], id: Option<gix::ObjectId>) -> Result<Vec<Child>, SkipReason> {
        match (&self.content, id) {
            (Content::Commit { objects, .. }, Some(id)) => objects.in_tree(id),
            _ => {
                children::in_folder(&self.top.join(rules::native(path))).map_err(|e| children::reason_of(&e))
            }
        }
    }

    /// The folders from the repository's root down to the one above the root of the listing, each with its children.
    pub(super) fn folders_above(&self) -> Vec<(Vec<u8>, Vec<Child>)> {
        let mut id = match &self.content {
            Content::WorkTree => None,
            Content::Commit { top, .. } => Some(*top),
        };
        let mut path = Vec::new();
        let mut folders = Vec::new();
        for part in self.prefix.split(|&byte| byte == b'/').filter(|part| !part.is_empty()) {
            let children = self.children(&path, id).unwrap_or_default();
            let next = children.iter().find(|child| child.name == part).and_then(|child| child.id);
            folders.push((path.clone(), children));
            id = next;
            if !path.is_empty() {
                path.push(b'/');
            }
            path.extend_from_slice(part);
        }
        folders
    }

    /// The first `limit` bytes of a child of the folder at `path`.
    pub(super) fn head_of(&self, path: &[u8], child: &Child, limit: u64) -> Option<Vec<u8>> {
        match (&self.content, child.id) {
            (Content::Commit { objects, .. }, Some(id)) if child.size <= limit.max(1 << 24) => {
                let mut bytes = objects.blob(&id).ok()?;
                bytes.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
                Some(bytes)
            }
            (Content::Commit { .. }, _) => None,
            (Content::WorkTree, _) => {
                let folder = self.top.join(rules::native(path));
                children::read_head(&folder.join(rules::native(&child.name)), limit)
            }
        }
    }
}

fn canonical_folder(path: &Path) -> Result<PathBuf> {
    let not_a_folder = |what| Error::usage(format!("{} {what}", path.display()));
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => {
            fs::canonicalize(path).map_err(|error| Error::io("open", path, error))
        }
        Ok(_) => Err(not_a_folder("is not a folder")),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Err(not_a_folder("does not exist")),
        Err(error) => Err(Error::io("open", path, error)),
    }
}

/// `path` without `.` and `..`, as if no part of it were a symbolic link.
fn lexical(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                out.pop();
            }
            _ => out.push(part),
        }
    }
    out
}

/// `path` below `above`, as git writes it.
pub(super) fn relative(path: &Path, above: &Path) -> Vec<u8> {
    let Ok(relative) = path.strip_prefix(above) else { return Vec::new() };
    let mut out = Vec::new();
    for part in relative.components() {
        if !out.is_empty() {
            out.push(b'/');
        }
        out.extend_from_slice(part.as_os_str().as_encoded_bytes());
    }
    out
}

fn hexadecimal(id: gix::ObjectId) -> String {
    id.to_hex().to_string()
}

fn hash_of(repository: &gix::Repository) -> ObjectHash {
    match repository.object_hash() {
        gix::hash::Kind::Sha256 => ObjectHash::Sha256,
        _ => ObjectHash::Sha1,
    }
}
