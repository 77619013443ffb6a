//! Contents of files by id, for any number of threads.

use std::path::Path;

use gix::ObjectId;
use rayon::prelude::*;

use super::store::{Place, Reader, Store};
use super::{MissingObject, ObjectKind};
use crate::interrupt::Watch;
use crate::{Error, Result};

/// Blobs that one thread reads in one go, neighbours on disk.
const STRETCH: usize = 128;

/// Reads blobs of a repository.
pub struct Blobs {
    store: Store,
}

/// What became of a request for a blob.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blob<'a> {
    /// Its bytes.
    Bytes(&'a [u8]),
    /// It is larger than asked for; its size in bytes.
    TooLarge(u64),
    /// It is not there or cannot be read; [`Blobs::missing`] names it.
    Missing,
}

impl Blobs {
    /// Opens the repository at `repo`.
    ///
    /// # Errors
    /// As [`super::read`].
    pub fn open(repo: &Path) -> Result<Self> {
        Ok(Self { store: Store::open(repo)? })
    }

    /// The bytes of a blob; `None` if it is missing.
    pub fn read(&self, id: ObjectId) -> Option<Vec<u8>> {
        let mut bytes = Vec::new();
        self.store
            .with_reader(|reader| reader.read(id, ObjectKind::Blob, NOWHERE, &mut bytes))
            .then_some(bytes)
    }

    /// The blob that a commit has at `path`, from the repository's root; `None` if it has none there, or cannot be read.
    /// A path may lead out of a folder again (`a/../b`): those of files that came from outside of a folder do.
    pub fn at(&self, commit: ObjectId, path: &[u8]) -> Option<ObjectId> {
        let repository = self.store.repository();
        let tree = repository.find_commit(commit).ok()?.tree().ok()?;
        let mut parts: Vec<&[u8]> = Vec::new();
        for part in path.split(|&byte| byte == b'/') {
            match part {
                b".." => {
                    parts.pop()?;
                }
                part => parts.push(part),
            }
        }
        let entry = tree.lookup_entry(parts).ok()??;
        entry.mode().is_blob().then(|| entry.object_id())
    }

    /// Fills `buffer` with the bytes of a blob, unless it has more than `largest`.
    pub fn read_at_most<'b>(&self, id: ObjectId, largest: u64, buffer: &'b mut Vec<u8>) -> Blob<'b> {
        self.store.with_reader(|reader| match probably_small(reader, id, largest, buffer) {
            Ok(blob) => blob,
            Err(reason) => {
                reader.note_missing(id, ObjectKind::Blob, NOWHERE, reason);
                Blob::Missing
            }
        })
    }

    /// As [`Self::read_at_most`], for a blob that may not be needed: if it is missing, [`Self::missing`] does not name it.
    pub fn glance<'b>(&self, id: ObjectId, largest: u64, buffer: &'b mut Vec<u8>) -> Blob<'b> {
        self.store.with_reader(|reader| probably_small(reader, id, largest, buffer).unwrap_or(Blob::Missing))
    }

    /// Reads each of `ids`, which need no order and should not repeat, and calls `visit` with its place in `ids` and
    /// its content, from several threads at once and in the order in which the blobs lie on disk. Blobs of more than
    /// `largest` bytes are not read. At any time one blob a thread is in memory, besides 12 MiB of delta bases.
    ///
    /// # Errors
    /// [`Error::Interrupted`], or the first error of `visit`.
    pub fn visit<F>(&self, ids: &[ObjectId], largest: u64, watch: Watch<'_>, visit: F) -> Result<()>
    where
        F: Fn(usize, Blob<'_>) -> Result<()> + Sync,
    {
        watch.progress.begin("contents", "blobs", ids.len() as u64);
        self.in_disk_order(ids).par_chunks(STRETCH).with_max_len(1).try_for_each(|stretch| {
            self.store.with_reader(|reader| {
                let mut buffer = Vec::new();
                for &place in stretch {
                    watch.check()?;
                    visit(place, content(reader, ids[place], largest, &mut buffer))?;
                }
                watch.progress.advance(stretch.len() as u64);
                Ok::<_, Error>(())
            })
        })
    }

    /// What reading found missing since the last call, by id.
    pub fn missing(&self) -> Vec<MissingObject> {
        self.store.take_missing()
    }

    fn in_disk_order(&self, ids: &[ObjectId]) -> Vec<usize> {
        let mut places: Vec<_> = self.store.with_reader(|reader| {
            let mut buffer = Vec::new();
            ids.iter().enumerate().map(|(place, &id)| (reader.location(id, &mut buffer), place)).collect()
        });
        places.sort_unstable();
        places.into_iter().map(|(_, place)| place).collect()
    }
}

const NOWHERE: Place<'static> = Place { commit: None, path: &[] };

/// The content of a blob that is read before its size is known, for finding that out takes a part of the time; if it
/// cannot be read, the reason as with [`Reader::try_read`].
fn probably_small<'a>(
    reader: &mut Reader,
    id: ObjectId,
    largest: u64,
    buffer: &'a mut Vec<u8>,
) -> std::result::Result<Blob<'a>, Option<String>> {
    let size = match reader.try_read(id, ObjectKind::Blob, buffer) {
        Ok(()) => buffer.len() as u64,
        // What is too large to be read at all has a size, perhaps.
        Err(reason) => reader.try_size(id).ok().filter(|&size| size > largest).ok_or(reason)?,
    };
    Ok(if size > largest { Blob::TooLarge(size) } else { Blob::Bytes(buffer) })
}

fn content<'a>(reader: &mut Reader, id: ObjectId, largest: u64, buffer: &'a mut Vec<u8>) -> Blob<'a> {
    match reader.size(id, NOWHERE) {
        Some(size) if size > largest => Blob::TooLarge(size),
        Some(_) if reader.read(id, ObjectKind::Blob, NOWHERE, buffer) => Blob::Bytes(buffer),
        _ => Blob::Missing,
    }
}
