//! Trees and blobs of a repository, read from many threads.

use std::path::{Path, PathBuf};

use gix::objs::Exists;
use gix::objs::tree::EntryKind;
use gix::odb::pack::cache::lru::MemoryCappedHashmap;
use gix::prelude::{Find, FindExt, HeaderExt};
use thread_local::ThreadLocal;

use super::children::{Child, Kind};
use crate::source::SkipReason;
use crate::{Error, Result};

/// How much of what packs hold is kept unpacked, in bytes for each thread.
const PACK_CACHE: usize = 32 << 20;

/// A repository's object database with one handle for each thread that asks.
pub(super) struct Objects {
    repository: gix::ThreadSafeRepository,
    handles: ThreadLocal<gix::OdbHandle>,
    path: PathBuf,
}

impl Objects {
    pub(super) fn new(repository: gix::Repository, path: &Path) -> Self {
        Self { repository: repository.into_sync(), handles: ThreadLocal::new(), path: path.to_path_buf() }
    }

    fn handle(&self) -> &gix::OdbHandle {
        self.handles.get_or(|| {
            let mut handle = self.repository.to_thread_local().objects;
            // Partial clones lack objects for good: looking for new packs at every miss would be slow.
            handle.refresh_never();
            // Blobs of a pack are chains of differences; without a cache every chain is unpacked from its start.
            handle.set_pack_cache(|| Box::new(MemoryCappedHashmap::new(PACK_CACHE)));
            handle
        })
    }

    /// What lies directly in a tree object, with the sizes of its blobs.
    pub(super) fn in_tree(&self, tree: gix::ObjectId) -> Result<Vec<Child>, SkipReason> {
        let handle = self.handle();
        let mut buffer = Vec::new();
        let Some(data) = handle.try_find(&tree, &mut buffer).map_err(|_| SkipReason::Unreadable)? else {
            return Err(SkipReason::MissingObject);
        };
        if data.kind != gix::object::Kind::Tree {
            return Err(SkipReason::Unreadable);
        }
        let mut children = Vec::new();
        for entry in gix::objs::TreeRefIter::from_bytes(data.data, tree.kind()) {
            let entry = entry.map_err(|_| SkipReason::Unreadable)?;
            let id = entry.oid.to_owned();
            let (kind, size) = match entry.mode.kind() {
                EntryKind::Tree => (Kind::Folder, 0),
                EntryKind::Commit => (Kind::Submodule, 0),
                EntryKind::Link => self.sized(Kind::Symlink, &id),
                EntryKind::Blob | EntryKind::BlobExecutable => self.sized(Kind::File, &id),
            };
            children.push(Child { name: entry.filename.to_vec(), kind, size, id: Some(id) });
        }
        Ok(children)
    }

    fn sized(&self, kind: Kind, id: &gix::oid) -> (Kind, u64) {
        let handle = self.handle();
        match handle.header(id) {
            Ok(header) => (kind, header.size()),
            Err(_) if handle.exists(id) => (Kind::Unknown(SkipReason::Unreadable), 0),
            Err(_) => (Kind::Unknown(SkipReason::MissingObject), 0),
        }
    }

    /// The bytes of a blob.
    pub(super) fn blob(&self, id: &gix::oid) -> Result<Vec<u8>, SkipReason> {
        let mut buffer = Vec::new();
        match self.handle().try_find(id, &mut buffer) {
            Ok(Some(data)) if data.kind == gix::object::Kind::Blob => {}
            Ok(None) => return Err(SkipReason::MissingObject),
            Ok(Some(_)) | Err(_) => return Err(SkipReason::Unreadable),
        }
        Ok(buffer)
    }

    /// The tree at `path` below `tree`.
    pub(super) fn subtree(&self, tree: gix::ObjectId, path: &[u8], revision: &str) -> Result<gix::ObjectId> {
        let mut tree = tree;
        let mut buffer = Vec::new();
        for part in path.split(|&byte| byte == b'/').filter(|part| !part.is_empty()) {
            let found = self.handle().find_tree(&tree, &mut buffer).ok().and_then(|tree| {
                tree.entries.iter().find(|entry| entry.filename == part).map(|e| (e.mode, e.oid.to_owned()))
            });
            match found {
                Some((mode, id)) if mode.is_tree() => tree = id,
                _ => {
                    return Err(Error::usage(format!(
                        "{} is not a folder of commit {revision}",
                        self.path.join(super::rules::native(path)).display()
                    )));
                }
            }
        }
        Ok(tree)
    }
}
