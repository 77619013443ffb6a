//! Where texts, tokens and finished sequences wait on disk until they are needed, so that memory stays bounded.

use std::fs::File;
use std::io::{Seek as _, SeekFrom, Write as _};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::positioned::read_exact_at;
use crate::{Error, Result};

/// Bytes are written in pieces of this many.
const BUFFER: usize = 1 << 18;

/// A growing file; it has no name and vanishes with the process.
pub struct Spool {
    file: File,
    folder: PathBuf,
    buffer: Vec<u8>,
    written: u64,
}

impl Spool {
    /// A spool in `folder`.
    ///
    /// # Errors
    /// [`Error::Io`] if the file cannot be made.
    pub fn new(folder: &Path) -> Result<Self> {
        let file =
            tempfile::tempfile_in(folder).map_err(|source| Error::io("create a file in", folder, source))?;
        Ok(Self { file, folder: folder.to_path_buf(), buffer: Vec::with_capacity(BUFFER), written: 0 })
    }

    /// Where it lies.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where the next byte will lie.
    pub fn end(&self) -> u64 {
        self.written + self.buffer.len() as u64
    }

    /// Appends what `write` adds to the buffer it is given, and says at which byte of the spool that begins.
    ///
    /// # Errors
    /// [`Error::Io`] if the disk is full.
    pub fn append(&mut self, write: impl FnOnce(&mut Vec<u8>)) -> Result<u64> {
        let at = self.end();
        write(&mut self.buffer);
        if self.buffer.len() >= BUFFER {
            self.flush()?;
        }
        Ok(at)
    }

    fn flush(&mut self) -> Result<()> {
        self.file.write_all(&self.buffer).map_err(|source| Error::io("write", &self.folder, source))?;
        self.written += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }

    /// Ends writing.
    ///
    /// # Errors
    /// [`Error::Io`] if the disk is full.
    pub fn finish(mut self) -> Result<SpoolReader> {
        self.flush()?;
        Ok(SpoolReader { file: self.file, folder: self.folder })
    }
}

/// A finished spool; read from many threads.
pub struct SpoolReader {
    file: File,
    folder: PathBuf,
}

impl SpoolReader {
    /// Appends `count` bytes from byte `at` on to `out`.
    ///
    /// # Errors
    /// [`Error::Io`] if the disk fails.
    pub fn read(&self, at: u64, count: usize, out: &mut Vec<u8>) -> Result<()> {
        let old = out.len();
        out.resize(old + count, 0);
        self.fill(at, &mut out[old..])
    }

    /// Fills `out` with the bytes from byte `at` on.
    ///
    /// # Errors
    /// [`Error::Io`] if the disk fails.
    pub fn fill(&self, at: u64, out: &mut [u8]) -> Result<()> {
        read_exact_at(&self.file, out, at).map_err(|source| Error::io("read back from", &self.folder, source))
    }
}

/// Bytes that are put away and taken out again by many threads; a file without a name, as a spool.
pub struct Shelf {
    file: Mutex<File>,
    folder: PathBuf,
}

impl Shelf {
    /// An empty one in `folder`.
    ///
    /// # Errors
    /// [`Error::Io`] if the file cannot be made.
    pub fn new(folder: &Path) -> Result<Self> {
        let file =
            tempfile::tempfile_in(folder).map_err(|source| Error::io("create a file in", folder, source))?;
        Ok(Self { file: Mutex::new(file), folder: folder.to_path_buf() })
    }

    /// Where it lies.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Puts bytes away, and says where.
    ///
    /// # Errors
    /// [`Error::Io`] if the disk is full.
    pub fn put(&self, bytes: &[u8]) -> Result<Range<u64>> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let at = file.seek(SeekFrom::End(0)).and_then(|at| file.write_all(bytes).map(|()| at));
        let at = at.map_err(|source| Error::io("write", &self.folder, source))?;
        Ok(at..at + bytes.len() as u64)
    }

    /// Takes a look at bytes that were put away.
    ///
    /// # Errors
    /// [`Error::Io`] if the disk fails.
    pub fn take(&self, place: Range<u64>) -> Result<Vec<u8>> {
        let mut bytes = vec![0; (place.end - place.start) as usize];
        let file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        read_exact_at(&file, &mut bytes, place.start)
            .map_err(|source| Error::io("read back from", &self.folder, source))?;
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_back_from_where_they_were_put() {
        let folder = tempfile::tempdir().unwrap();
        let mut spool = Spool::new(folder.path()).unwrap();
        let long: Vec<u8> = (0..600_000).map(|n| (n % 251) as u8).collect();
        let first = spool.append(|out| out.extend([1, 2, 3])).unwrap();
        let second = spool.append(|out| out.extend(&long)).unwrap();
        let third = spool.append(|out| out.push(9)).unwrap();
        let reader = spool.finish().unwrap();
        let mut out = Vec::new();
        reader.read(third, 1, &mut out).unwrap();
        reader.read(first, 3, &mut out).unwrap();
        reader.read(second + 500_000, 2, &mut out).unwrap();
        assert_eq!(out, [9, 1, 2, 3, (500_000 % 251) as u8, (500_001 % 251) as u8]);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_shelf_gives_back_what_was_put_there() {
        let folder = tempfile::tempdir().unwrap();
        let shelf = Shelf::new(folder.path()).unwrap();
        let places = [&b"one"[..], b"", b"three"].map(|bytes| shelf.put(bytes).unwrap());
        let taken = places.clone().map(|place| shelf.take(place).unwrap());
        assert_eq!(taken, [&b"one"[..], b"", b"three"]);
        assert_eq!(shelf.put(b"four").unwrap().start, places[2].end);
    }
}
