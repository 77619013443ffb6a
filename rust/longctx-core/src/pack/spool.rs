//! Where texts, tokens and finished sequences wait on disk until they are needed, so that memory stays bounded.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

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
        read_exact_at(&self.file, &mut out[old..], at)
            .map_err(|source| Error::io("read back from", &self.folder, source))
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
}
