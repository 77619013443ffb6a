//! What one run leaves for the next: results that depend on nothing but their key, in one file for each repository.
//!
//! A key is a hash of all that its value was made from, the sources of the engine among it, so that a value is never
//! wrong, only missing. Every value carries a checksum: a damaged one is missing too. Nothing here fails a run: where the
//! cache cannot be read or written, the work is done again, and the report says why.

mod evict;
mod file;
mod key;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use serde::Serialize;

use self::file::{Reader, Writer};
pub use self::key::{Key, KeyMaker};

/// One repository keeps at most so many bytes.
const LARGEST: u64 = 1 << 30;
/// A value that so many runs, each of which kept something new, did not ask for is dropped.
const OLDEST: u8 = 8;
/// Room for what is kept after what the old file has.
const SPARE: u64 = 1 << 12;

/// A cache of one repository; shared by all threads.
pub struct Cache {
    open: Option<Open>,
}

struct Open {
    path: PathBuf,
    old: Option<Reader>,
    /// For each value of the old file whether this run asked for it.
    used: Vec<AtomicBool>,
    new: Mutex<Option<Writer>>,
    /// Whether the new file has what is still of use of the old one.
    is_carried_over: AtomicBool,
    hits: AtomicU64,
    misses: AtomicU64,
    damaged: AtomicU64,
    problem: Mutex<Option<String>>,
}

/// What came of a cache.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct CacheReport {
    /// Values that were there.
    pub hits: u64,
    /// Values that were not.
    pub misses: u64,
    /// Bytes that are kept for the next run.
    pub bytes: u64,
    /// Why it was of less use than it could be.
    pub problem: Option<String>,
}

impl Cache {
    /// A cache that keeps nothing.
    pub fn off() -> Self {
        Self { open: None }
    }

    /// The cache of the repository at `root`, an absolute path, in `folder`, which is made if it is not there.
    pub fn open(folder: &Path, root: &Path) -> Self {
        let path = folder.join(file_name(root));
        let mut problem = None;
        if let Err(error) = make_private(folder) {
            problem = Some(format!("{} cannot be made: {}", folder.display(), plain(&error)));
        }
        let old = match Reader::open(&path) {
            Ok(old) => old,
            Err(why) => {
                problem.get_or_insert_with(|| format!("{} {why}; it is made again", path.display()));
                None
            }
        };
        let new = match Writer::new(folder) {
            Ok(new) => Some(new),
            Err(error) => {
                problem.get_or_insert_with(|| cannot_write(folder, &error));
                None
            }
        };
        let used = std::iter::repeat_with(AtomicBool::default).take(old.as_ref().map_or(0, Reader::len));
        Self {
            open: Some(Open {
                path,
                used: used.collect(),
                old,
                new: Mutex::new(new),
                is_carried_over: AtomicBool::new(false),
                hits: AtomicU64::new(0),
                misses: AtomicU64::new(0),
                damaged: AtomicU64::new(0),
                problem: Mutex::new(problem),
            }),
        }
    }

    /// Whether anything is kept.
    pub fn is_on(&self) -> bool {
        self.open.is_some()
    }

    /// Whether an earlier run kept anything.
    pub fn is_filled(&self) -> bool {
        self.open.as_ref().is_some_and(|open| open.old.as_ref().is_some_and(|old| old.len() > 0))
    }

    /// Whether an earlier run kept a value of a key. It may be damaged.
    pub fn has(&self, key: &Key) -> bool {
        let old = self.open.as_ref().and_then(|open| open.old.as_ref());
        old.is_some_and(|old| old.find(key).is_some())
    }

    /// The value of a key, if it is there and whole.
    pub fn get(&self, key: &Key) -> Option<Vec<u8>> {
        let open = self.open.as_ref()?;
        let found = open.old.as_ref().and_then(|old| Some((old, old.find(key)?)));
        let value = found.and_then(|(old, at)| {
            let value = old.read(at);
            match value {
                Some(_) => open.used[at].store(true, Ordering::Relaxed),
                None => _ = open.damaged.fetch_add(1, Ordering::Relaxed),
            }
            value
        });
        let counter = if value.is_some() { &open.hits } else { &open.misses };
        counter.fetch_add(1, Ordering::Relaxed);
        value
    }

    /// Keeps the value of a key that was missing.
    pub fn put(&self, key: Key, value: &[u8]) {
        let Some(open) = &self.open else { return };
        let mut new = open.new.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(writer) = new.as_mut() else { return };
        if writer.bytes() + value.len() as u64 > LARGEST {
            open.note(format!("{} is full at 1 GiB; what is new is not kept", open.path.display()));
            return;
        }
        if let Err(error) = writer.append(key, value, 0) {
            open.note(cannot_write(&open.path, &error));
            *new = None;
        }
    }

    /// Copies what is still of use of the old file, if anything new is kept, so that [`Self::finish`] has less to do. To be
    /// called when nobody will ask for a value any more; a little may still be kept.
    pub fn carry_over(&self) {
        let Some(open) = &self.open else { return };
        let mut new = open.new.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(writer) = new.as_mut().filter(|writer| !writer.is_empty()) else { return };
        match open.copy_old(writer) {
            Ok(()) => open.is_carried_over.store(true, Ordering::Relaxed),
            Err(error) => {
                open.note(cannot_write(&open.path, &error));
                *new = None;
            }
        }
    }

    /// Puts the new file in the old one's place, whole or not at all, and says how useful the cache was.
    pub fn finish(self) -> Option<CacheReport> {
        let open = self.open?;
        let damaged = open.damaged.load(Ordering::Relaxed);
        if damaged > 0 {
            open.note(format!("{} has {damaged} damaged values; they are made again", open.path.display()));
        }
        let mut bytes = open.old.as_ref().map_or(0, Reader::bytes);
        let writer = open.new.lock().unwrap_or_else(PoisonError::into_inner).take();
        match writer {
            Some(writer) if !writer.is_empty() => match open.replace(writer) {
                Ok(new) => bytes = new,
                Err(error) => open.note(cannot_write(&open.path, &error)),
            },
            _ => evict::touch(&open.path),
        }
        evict::evict(&open.path);
        Some(CacheReport {
            hits: open.hits.load(Ordering::Relaxed),
            misses: open.misses.load(Ordering::Relaxed),
            bytes,
            problem: open.problem.into_inner().unwrap_or_else(PoisonError::into_inner),
        })
    }
}

impl Open {
    /// The first problem is the one to tell.
    fn note(&self, problem: String) {
        self.problem.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(problem);
    }

    fn replace(&self, mut writer: Writer) -> std::io::Result<u64> {
        if !self.is_carried_over.load(Ordering::Relaxed) {
            self.copy_old(&mut writer)?;
        }
        writer.finish(&self.path)
    }

    /// Adds what is still of use of the old file, what was asked for first.
    fn copy_old(&self, writer: &mut Writer) -> std::io::Result<()> {
        let Some(old) = &self.old else { return Ok(()) };
        let places = old.in_file_order();
        for wanted in [true, false] {
            let age = |at: usize| if wanted { 0 } else { old.age(at).saturating_add(1) };
            let mut room = (LARGEST - SPARE).saturating_sub(writer.bytes());
            let kept = places.iter().copied().filter(|&at| {
                let size = u64::from(old.size(at));
                let is_old = age(at) > OLDEST;
                let keep = self.used[at].load(Ordering::Relaxed) == wanted && !is_old && size <= room;
                room -= if keep { size } else { 0 };
                keep
            });
            let kept: Vec<usize> = kept.collect();
            for stretch in kept.chunk_by(|&one, &next| old.is_next(one, next)) {
                writer.copy(old, stretch, age)?;
            }
        }
        Ok(())
    }
}

fn cannot_write(path: &Path, error: &std::io::Error) -> String {
    format!("{} cannot be written: {}", path.display(), plain(error))
}

/// What is wrong, without the number and the path that the system and libraries add.
fn plain(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or(&text).to_lowercase()
}

/// The folder's name for people, a hash of the whole path for us.
fn file_name(root: &Path) -> String {
    let name = root.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    let plain = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_') { c } else { '_' };
    let name: String = name.chars().map(plain).take(40).collect();
    let hash = blake3::hash(root.as_os_str().as_encoded_bytes()).to_hex();
    format!("{name}-{}.{}", &hash[..16], evict::EXTENSION)
}

/// Makes a folder that others cannot look into: it has parts of private repositories.
fn make_private(folder: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

#[cfg(test)]
mod tests;
