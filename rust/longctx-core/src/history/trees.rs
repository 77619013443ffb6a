//! Which files differ between two trees.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::sync::Arc;

use gix::ObjectId;
use serde::{Deserialize, Serialize};

use super::ObjectKind;
use super::entries::{Entries, Entry};
use super::store::{Place, Reader};

/// Bytes of stored trees that a [`TreeCache`] keeps at most, in each of its two generations.
const GENERATION: usize = 12 << 20;

/// Entries nested deeper than this are no source tree; the limit keeps a hostile tree off the stack.
const DEEPEST: usize = 512;

/// Trees lately read. Neighbouring commits share most of theirs.
#[derive(Default)]
pub(super) struct TreeCache {
    young: HashMap<ObjectId, Arc<[u8]>>,
    old: HashMap<ObjectId, Arc<[u8]>>,
    young_bytes: usize,
}

impl TreeCache {
    fn get(&mut self, id: ObjectId) -> Option<Arc<[u8]>> {
        if let Some(tree) = self.young.get(&id) {
            return Some(Arc::clone(tree));
        }
        let tree = self.old.remove(&id)?;
        self.put(id, Arc::clone(&tree));
        Some(tree)
    }

    fn put(&mut self, id: ObjectId, tree: Arc<[u8]>) {
        if self.young_bytes > GENERATION {
            self.old = std::mem::take(&mut self.young);
            self.young_bytes = 0;
        }
        self.young_bytes += tree.len() + 64;
        self.young.insert(id, tree);
    }
}

/// One side of a change: a file's mode and content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Side {
    /// git's mode: 0o100644, 0o100755, 0o120000 (a symbolic link) or 0o160000 (a submodule).
    pub(super) mode: u16,
    /// Id of the content.
    pub(super) id: ObjectId,
}

impl Side {
    /// Whether this is a file with content of its own, no link and no submodule.
    pub(super) fn is_regular(&self) -> bool {
        self.mode & 0o170_000 == 0o100_000
    }
}

/// A path at which two trees differ. At most one side is absent.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct TreeChange {
    /// The path in the newer tree, or in the older one if it is gone.
    pub(super) path: Box<[u8]>,
    /// The path in the older tree, where it is another one.
    pub(super) from: Option<Box<[u8]>>,
    /// The older side.
    pub(super) old: Option<Side>,
    /// The newer side.
    pub(super) new: Option<Side>,
}

/// Compares trees through a reader.
pub(super) struct TreeDiff<'r> {
    reader: &'r mut Reader,
    commit: ObjectId,
    path: Vec<u8>,
    changes: Vec<TreeChange>,
    buffer: Vec<u8>,
}

impl<'r> TreeDiff<'r> {
    /// The paths at which `new` differs from `old` (no tree at all if `None`), in the order of the paths' bytes.
    /// `None` if one of the two cannot be read. Below an unreadable folder no changes are seen.
    pub(super) fn run(
        reader: &'r mut Reader,
        commit: ObjectId,
        old: Option<ObjectId>,
        new: Option<ObjectId>,
    ) -> Option<Vec<TreeChange>> {
        let mut diff = Self { reader, commit, path: Vec::new(), changes: Vec::new(), buffer: Vec::new() };
        if old != new && !diff.folder(old, new, 0) {
            return None;
        }
        Some(diff.changes)
    }

    /// The id of a regular file in the root folder `tree`.
    pub(super) fn file_at_root(
        reader: &'r mut Reader,
        commit: ObjectId,
        tree: ObjectId,
        name: &[u8],
    ) -> Option<ObjectId> {
        let mut diff = Self { reader, commit, path: Vec::new(), changes: Vec::new(), buffer: Vec::new() };
        let root = diff.load(tree)?;
        let file = Entries::new(&root, tree.kind()).find(|entry| entry.name == name)?;
        Side { mode: file.mode, id: file.id() }.is_regular().then(|| file.id())
    }

    fn load(&mut self, id: ObjectId) -> Option<Arc<[u8]>> {
        if let Some(tree) = self.reader.trees.get(id) {
            return Some(tree);
        }
        let place = Place { commit: Some(self.commit), path: &self.path };
        if id.is_empty_tree() {
            self.buffer.clear();
        } else if !self.reader.read(id, ObjectKind::Tree, place, &mut self.buffer) {
            return None;
        }
        if !Entries::new(&self.buffer, id.kind()).all_whole() {
            self.reader.note_missing(id, ObjectKind::Tree, place, Some("is malformed".to_owned()));
            return None;
        }
        let tree: Arc<[u8]> = Arc::from(self.buffer.as_slice());
        self.reader.trees.put(id, Arc::clone(&tree));
        Some(tree)
    }

    fn folder(&mut self, old: Option<ObjectId>, new: Option<ObjectId>, depth: usize) -> bool {
        let load = |diff: &mut Self, id: Option<ObjectId>| match id {
            Some(id) => diff.load(id),
            None => Some(Arc::from([])),
        };
        let (old_tree, new_tree) = (load(self, old), load(self, new));
        let (Some(old_tree), Some(new_tree)) = (old_tree, new_tree) else {
            return false;
        };
        let Some(kind) = old.or(new).map(|id| id.kind()) else {
            return true;
        };
        let (mut olds, mut news) = (Entries::new(&old_tree, kind), Entries::new(&new_tree, kind));
        loop {
            olds.skip_common(&mut news);
            let order = match (olds.peek(), news.peek()) {
                (Some(old), Some(new)) => old.order(&new),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (None, None) => return true,
            };
            let old = if order.is_le() { olds.next() } else { None };
            let new = if order.is_ge() { news.next() } else { None };
            self.entry(old, new, depth);
        }
    }

    fn entry(&mut self, old: Option<Entry<'_>>, new: Option<Entry<'_>>, depth: usize) {
        let Some(name) = old.or(new).map(|entry| entry.name) else {
            return;
        };
        let length = self.path.len();
        if length > 0 {
            self.path.push(b'/');
        }
        self.path.extend_from_slice(name);
        let subtree = |entry: Option<Entry<'_>>| entry.filter(Entry::is_tree).map(|entry| entry.id());
        let side = |entry: Option<Entry<'_>>| {
            let file = entry.filter(|entry| !entry.is_tree())?;
            Some(Side { mode: file.mode, id: file.id() })
        };
        let (old_side, new_side) = (side(old), side(new));
        if old_side.is_some() || new_side.is_some() {
            self.changes.push(TreeChange {
                path: self.path.as_slice().into(),
                from: None,
                old: old_side,
                new: new_side,
            });
        }
        let (old_tree, new_tree) = (subtree(old), subtree(new));
        match old_tree.or(new_tree) {
            Some(id) if depth >= DEEPEST => {
                let place = Place { commit: Some(self.commit), path: &self.path };
                self.reader.note_missing(
                    id,
                    ObjectKind::Tree,
                    place,
                    Some("is nested too deeply".to_owned()),
                );
            }
            Some(_) => {
                self.folder(old_tree, new_tree, depth + 1);
            }
            None => {}
        }
        self.path.truncate(length);
    }
}
