//! Opening a repository without trusting it, and reading its objects from many threads.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use gix::ObjectId;
use gix::objs::{Exists as _, Find as _, FindHeader as _, Kind};

use super::{MissingObject, ObjectKind};
use crate::{Error, Result};

/// Decoded delta bases that one reader keeps, in bytes.
const DELTA_BASES: usize = 12 << 20;
/// A buffer in which an object was put together is kept if it has no more bytes.
const WORKBENCH: usize = 4 << 20;

/// A repository from which any number of threads read.
pub(super) struct Store {
    shared: gix::ThreadSafeRepository,
    idle: Mutex<Vec<Reader>>,
}

impl Store {
    /// Opens the repository at `path`: a work tree, a linked one, or a bare repository.
    ///
    /// Only its own configuration is read, and that as of a stranger; neither the environment nor the user's
    /// configuration has a say.
    ///
    /// # Errors
    /// [`Error::Io`] if there is nothing at `path`, [`Error::Repository`] if it is no repository or of a kind that
    /// cannot be read.
    pub(super) fn open(path: &Path) -> Result<Self> {
        std::fs::metadata(path).map_err(|source| Error::io("open", path, source))?;
        let options = gix::open::Options::isolated().with(gix::sec::Trust::Reduced);
        let shared = gix::ThreadSafeRepository::open_opts(path, options).map_err(|error| {
            repository_error(path, &format!("cannot be opened as a git repository: {}", causes(&error)))
        })?;
        Ok(Self { shared, idle: Mutex::new(Vec::new()) })
    }

    /// A handle for questions about references and configuration.
    pub(super) fn repository(&self) -> gix::Repository {
        self.shared.to_thread_local()
    }

    /// Calls `work` with a reader, which keeps its caches from one call to the next.
    pub(super) fn with_reader<T>(&self, work: impl FnOnce(&mut Reader) -> T) -> T {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut reader = idle.unwrap_or_else(|| Reader::new(self.shared.to_thread_local()));
        let result = work(&mut reader);
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(reader);
        result
    }

    /// All that readers found missing since the last call, one entry an object, in the order of ids.
    pub(super) fn take_missing(&self) -> Vec<MissingObject> {
        let mut all: HashMap<ObjectId, MissingObject> = HashMap::new();
        for reader in self.idle.lock().unwrap_or_else(PoisonError::into_inner).iter_mut() {
            for (id, object) in reader.missing.drain() {
                let kept = all.entry(id).or_insert_with(|| object.clone());
                if object.place() < kept.place() {
                    *kept = object;
                }
            }
        }
        let mut all: Vec<_> = all.into_values().collect();
        all.sort_unstable_by_key(|object| (object.kind, object.id));
        all
    }
}

/// One thread's access to the objects.
pub(super) struct Reader {
    repo: gix::Repository,
    /// Where objects are put together, which takes several times their size.
    workbench: Vec<u8>,
    missing: HashMap<ObjectId, MissingObject>,
    times_missing: usize,
    /// Trees as they are stored, for the next comparison.
    pub(super) trees: super::trees::TreeCache,
}

/// Where a reader was when it looked for an object.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    /// The commit.
    pub(super) commit: Option<ObjectId>,
    /// The path within its tree.
    pub(super) path: &'a [u8],
}

impl Reader {
    fn new(mut repo: gix::Repository) -> Self {
        repo.objects.refresh_never();
        // Places in packs are asked for, and must stay what they are.
        repo.objects.prevent_pack_unload();
        repo.objects
            .set_pack_cache(|| Box::new(gix::odb::pack::cache::lru::MemoryCappedHashmap::new(DELTA_BASES)));
        Self {
            repo,
            workbench: Vec::new(),
            missing: HashMap::new(),
            times_missing: 0,
            trees: super::trees::TreeCache::default(),
        }
    }

    /// Fills `buffer` with the object's bytes. `false` if it is missing, unreadable or of another kind; that is
    /// remembered under its id.
    pub(super) fn read(
        &mut self,
        id: ObjectId,
        kind: ObjectKind,
        place: Place<'_>,
        buffer: &mut Vec<u8>,
    ) -> bool {
        let result = self.try_read(id, kind, buffer);
        result.map_err(|reason| self.note_missing(id, kind, place, reason)).is_ok()
    }

    /// As [`Self::read`], without remembering. If it fails, the reason; none for an object that is not there.
    pub(super) fn try_read(
        &mut self,
        id: ObjectId,
        kind: ObjectKind,
        buffer: &mut Vec<u8>,
    ) -> std::result::Result<(), Option<String>> {
        if self.workbench.capacity() > WORKBENCH {
            self.workbench = Vec::new();
        }
        match self.repo.objects.try_find(&id, &mut self.workbench) {
            Ok(Some(object)) if object.kind == kind.into() => {
                buffer.clear();
                buffer.extend_from_slice(object.data);
                Ok(())
            }
            Ok(Some(object)) => Err(Some(format!("is a {}, not a {kind}", object.kind))),
            Ok(None) => Err(None),
            Err(error) => Err(Some(causes(&error))),
        }
    }

    /// The size of a blob in bytes, without reading it; `None`, and remembered, if it is missing.
    pub(super) fn size(&mut self, id: ObjectId, place: Place<'_>) -> Option<u64> {
        let result = self.try_size(id);
        result.map_err(|reason| self.note_missing(id, ObjectKind::Blob, place, reason)).ok()
    }

    /// As [`Self::size`], without remembering; if it fails, the reason as with [`Self::try_read`].
    pub(super) fn try_size(&self, id: ObjectId) -> std::result::Result<u64, Option<String>> {
        match self.repo.objects.try_header(&id) {
            Ok(Some(header)) => Ok(header.size),
            Ok(None) => Err(None),
            Err(error) => Err(Some(causes(&error))),
        }
    }

    /// How often this reader has found an object missing so far; the same one counts again.
    pub(super) fn times_missing(&self) -> usize {
        self.times_missing
    }

    /// Whether the object is there.
    pub(super) fn has(&self, id: ObjectId) -> bool {
        self.repo.objects.exists(&id)
    }

    /// Pack and offset of an object, for reading in the order of the disk; loose objects have none.
    pub(super) fn location(&self, id: ObjectId, buffer: &mut Vec<u8>) -> Option<(u32, u64)> {
        use gix::odb::pack::Find as _;
        let location = self.repo.objects.location_by_oid(&id, buffer).ok()??;
        Some((location.pack_id, location.pack_offset))
    }

    /// Remembers an object as missing (`reason` is `None`) or as unreadable.
    pub(super) fn note_missing(
        &mut self,
        id: ObjectId,
        kind: ObjectKind,
        place: Place<'_>,
        reason: Option<String>,
    ) {
        self.times_missing += 1;
        let object = MissingObject {
            id,
            kind,
            commit: place.commit,
            path: crate::path::RepoPath::new(place.path),
            reason,
        };
        match self.missing.entry(id) {
            std::collections::hash_map::Entry::Vacant(entry) => {
                entry.insert(object);
            }
            std::collections::hash_map::Entry::Occupied(mut entry) => {
                if object.place() < entry.get().place() {
                    entry.insert(object);
                }
            }
        }
    }
}

impl From<ObjectKind> for Kind {
    fn from(kind: ObjectKind) -> Self {
        match kind {
            ObjectKind::Commit => Self::Commit,
            ObjectKind::Tree => Self::Tree,
            ObjectKind::Blob => Self::Blob,
        }
    }
}

/// An [`Error::Repository`].
pub(super) fn repository_error(path: &Path, message: &str) -> Error {
    Error::Repository { path: path.to_path_buf(), message: message.to_owned() }
}

/// An error and its causes on one line.
pub(super) fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let said = inner.to_string();
        if !text.contains(&said) {
            text.push_str(": ");
            text.push_str(&said);
        }
        cause = inner.source();
    }
    text.lines().map(str::trim).collect::<Vec<_>>().join(" ")
}
