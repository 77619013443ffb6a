//! The walk itself: every folder is a task of its own, and what they find is sorted at the end.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rayon::Scope;

use super::children::{Child, Kind};
use super::globs::Globs;
use super::rules::{Level, MAX_IGNORE_FILE, NAMES, Rules, Verdict};
use super::tree::{Tree, relative};
use super::{Entry, Listing, Location, Skipped, WalkOptions};
use crate::interrupt::Watch;
use crate::path::RepoPath;
use crate::source::SkipReason;
use crate::{Error, Result};

/// The most names that are looked at: a commit of a few kilobytes can spell out billions.
const MAX_NAMES: u64 = 5_000_000;

/// The longest path that is followed, in bytes: what operating systems allow.
const MAX_PATH: usize = 4096;

/// A `manifest.json` that says this in its first bytes was written by longctx.
const DATASET_MARK: &[u8] = b"longctx";
const DATASET_HEAD: u64 = 512;

struct Walk<'a> {
    tree: &'a Tree,
    options: &'a WalkOptions,
    rules: Rules,
    globs: Globs,
    /// Relative to the root of the listing.
    never: Vec<Vec<u8>>,
    watch: Watch<'a>,
    found: Mutex<Listing>,
    names: AtomicU64,
    stop: AtomicBool,
}

/// A folder that is to be listed.
struct Folder {
    /// Relative to the repository's root.
    path: Vec<u8>,
    id: Option<gix::ObjectId>,
    level: Option<Arc<Level>>,
    /// The include globs let it in as a whole.
    included: bool,
}

/// See [`Tree::list`].
pub(super) fn list(tree: &Tree, options: &WalkOptions, watch: Watch<'_>) -> Result<Listing> {
    watch.progress.begin("list", "files", 0);
    let globs = Globs::new(options)?;
    let mut level = None;
    let rules = if options.respect_ignore { tree.rules() } else { Rules::none() };
    let walk = Walk {
        tree,
        options,
        rules,
        never: never_within(tree, options),
        watch,
        found: Mutex::default(),
        names: AtomicU64::new(0),
        stop: AtomicBool::new(false),
        globs,
    };
    for (path, children) in tree.folders_above() {
        level = walk.level(&path, &children, level);
    }
    let root =
        Folder { path: tree.prefix.clone(), id: tree.root_id(), level, included: walk.globs.root_included() };
    let children = tree.children(&root.path, root.id).map_err(|reason| Error::Repository {
        path: tree.root().to_path_buf(),
        message: format!("the folder cannot be listed: {}", reason.description()),
    })?;
    rayon::scope(|scope| walk.visit(scope, &root, children));
    watch.check()?;
    if walk.names.into_inner() > MAX_NAMES {
        return Err(Error::Repository {
            path: tree.root().to_path_buf(),
            message: format!("more than {MAX_NAMES} files"),
        });
    }
    let mut listing = walk.found.into_inner().unwrap_or_else(PoisonError::into_inner);
    rayon::join(
        || listing.entries.sort_unstable_by(|a, b| a.path.cmp(&b.path)),
        || listing.skipped.sort_unstable_by(|a, b| a.path.cmp(&b.path)),
    );
    listing.commit = tree.commit().map(str::to_owned);
    Ok(listing)
}

/// The folders that are never entered, relative to the root of the listing.
fn never_within(tree: &Tree, options: &WalkOptions) -> Vec<Vec<u8>> {
    let mut never = Vec::new();
    for path in &options.never {
        never.push(relative(path, tree.root()));
        if let Ok(path) = path.canonicalize() {
            never.push(relative(&path, tree.root()));
        }
    }
    never.retain(|path| !path.is_empty());
    never
}

impl Walk<'_> {
    /// Lists a folder and sends its subfolders off as tasks.
    fn visit<'s>(&'s self, scope: &Scope<'s>, folder: &Folder, children: Vec<Child>) {
        let level = self.level(&folder.path, &children, folder.level.clone());
        let mut found = Listing::default();
        let count = children.len() as u64;
        for child in children {
            if child.name == b".git" {
                continue;
            }
            if let Some(subfolder) = self.judge(folder, level.as_ref(), child, &mut found) {
                scope.spawn(move |scope| self.enter(scope, subfolder));
            }
        }
        self.watch.progress.advance(found.entries.len() as u64);
        if self.names.fetch_add(count, Ordering::Relaxed) + count > MAX_NAMES {
            self.stop.store(true, Ordering::Relaxed);
        }
        let mut all = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        all.entries.append(&mut found.entries);
        all.skipped.append(&mut found.skipped);
    }

    /// Lists a subfolder, unless it is another repository, a dataset or gone.
    fn enter<'s>(&'s self, scope: &Scope<'s>, folder: Folder) {
        if self.stop.load(Ordering::Relaxed) || self.watch.check().is_err() {
            return;
        }
        let outcome = self.tree.children(&folder.path, folder.id).and_then(|children| {
            if children.iter().any(|child| child.name == b".git") {
                Err(SkipReason::Submodule)
            } else if self.is_dataset(&folder.path, &children) {
                Err(SkipReason::Dataset)
            } else {
                Ok(children)
            }
        });
        match outcome {
            Ok(children) => self.visit(scope, &folder, children),
            Err(reason) => {
                let skipped =
                    Skipped { path: self.relative(&folder.path), bytes: 0, reason, directory: true };
                self.found.lock().unwrap_or_else(PoisonError::into_inner).skipped.push(skipped);
            }
        }
    }

    /// Decides about one name: listed, skipped, or (returned) a folder to enter.
    fn judge(
        &self,
        folder: &Folder,
        level: Option<&Arc<Level>>,
        child: Child,
        found: &mut Listing,
    ) -> Option<Folder> {
        let mut path = Vec::with_capacity(folder.path.len() + child.name.len() + 1);
        if !folder.path.is_empty() {
            path.extend_from_slice(&folder.path);
            path.push(b'/');
        }
        path.extend_from_slice(&child.name);
        let is_folder = matches!(child.kind, Kind::Folder | Kind::Submodule);
        let below_root = self.below_root(&path);
        if is_folder && self.never.iter().any(|never| never == below_root) {
            return None;
        }
        let included = self.globs.included(below_root, is_folder, folder.included);
        let reason = self.reason(level, &path, &child, included);
        match (reason, child.kind) {
            (None, Kind::Folder) => {
                return Some(Folder { path, id: child.id, level: level.cloned(), included });
            }
            (None, _) => {
                let location = child.id.map_or(Location::WorkTree, Location::Blob);
                found.entries.push(Entry { path: self.relative(&path), size: child.size, location });
            }
            (Some(reason), _) => found.skipped.push(Skipped {
                path: self.relative(&path),
                bytes: child.size,
                reason,
                directory: is_folder,
            }),
        }
        None
    }

    /// Why a name is left out, if it is.
    fn reason(
        &self,
        level: Option<&Arc<Level>>,
        path: &[u8],
        child: &Child,
        included: bool,
    ) -> Option<SkipReason> {
        let is_folder = matches!(child.kind, Kind::Folder | Kind::Submodule);
        if path.len() > MAX_PATH || !is_name(&child.name) {
            return Some(SkipReason::Unreadable);
        }
        let verdict = self.rules.verdict(level, path, is_folder);
        if verdict == Verdict::Ignored {
            return Some(SkipReason::Ignored);
        }
        if !self.options.hidden && child.name.starts_with(b".") && verdict != Verdict::Kept {
            return Some(SkipReason::Hidden);
        }
        if self.globs.excluded(self.below_root(path), is_folder) || !included && !is_folder {
            return Some(SkipReason::Excluded);
        }
        match child.kind {
            Kind::Folder => None,
            Kind::File if child.size > self.options.max_file_size => Some(SkipReason::TooLarge),
            Kind::File => None,
            Kind::Symlink => Some(SkipReason::Symlink),
            Kind::Submodule => Some(SkipReason::Submodule),
            Kind::Special => Some(SkipReason::SpecialFile),
            Kind::Unknown(reason) => Some(reason),
        }
    }

    /// The rules that hold in a folder: those from above, and its own ignore files.
    fn level(&self, path: &[u8], children: &[Child], above: Option<Arc<Level>>) -> Option<Arc<Level>> {
        if !self.options.respect_ignore {
            return None;
        }
        let mut contents = [None, None, None];
        for child in children.iter().filter(|child| child.kind == Kind::File && child.name.starts_with(b"."))
        {
            if let Some(at) = NAMES.iter().position(|name| *name == child.name) {
                contents[at] = self.tree.head_of(path, child, MAX_IGNORE_FILE);
            }
        }
        if contents.iter().all(Option::is_none) { above } else { Some(Level::new(path, contents, above)) }
    }

    fn is_dataset(&self, path: &[u8], children: &[Child]) -> bool {
        children
            .iter()
            .find(|child| child.kind == Kind::File && child.name == b"manifest.json")
            .and_then(|child| self.tree.head_of(path, child, DATASET_HEAD))
            .is_some_and(|head| memchr::memmem::find(&head, DATASET_MARK).is_some())
    }

    /// A path relative to the repository's root, relative to the root of the listing.
    fn below_root<'p>(&self, path: &'p [u8]) -> &'p [u8] {
        match self.tree.prefix.len() {
            0 => path,
            prefix => &path[prefix + 1..],
        }
    }

    fn relative(&self, path: &[u8]) -> RepoPath {
        RepoPath::new(self.below_root(path))
    }
}

/// Whether a name may stand in a folder: a tree object can hold any bytes.
fn is_name(name: &[u8]) -> bool {
    !name.is_empty() && name != b"." && name != b".." && memchr::memchr2(b'/', 0, name).is_none()
}
