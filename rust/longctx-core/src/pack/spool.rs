//! Where the tokens of documents wait on disk until the sequences are planned, so that memory stays bounded.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::positioned::read_exact_at;
use crate::shard::TokenWidth;
use crate::{Error, Result};

/// Tokens are written in pieces of this many bytes.
const BUFFER: usize = 1 << 18;

/// One thread's file of tokens; it has no name and vanishes with the process.
pub struct Spool {
    file: File,
    folder: PathBuf,
    width: TokenWidth,
    buffer: Vec<u8>,
    written: u64,
}

impl Spool {
    /// A spool in `folder`.
    ///
    /// # Errors
    /// [`Error::Io`] if the file cannot be made.
    pub fn new(folder: &Path, width: TokenWidth) -> Result<Self> {
        let file =
            tempfile::tempfile_in(folder).map_err(|source| Error::io("create a file in", folder, source))?;
        Ok(Self { file, folder: folder.to_path_buf(), width, buffer: Vec::with_capacity(BUFFER), written: 0 })
    }

    /// Appends `ids` and says at which token of the spool they begin.
    ///
    /// # Errors
    /// [`Error::Io`] if the disk is full.
    pub fn append(&mut self, ids: &[u32]) -> Result<u64> {
        let at = (self.written + self.buffer.len() as u64) / self.width.bytes() as u64;
        self.width.extend(&mut self.buffer, ids);
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
        Ok(SpoolReader { file: self.file, folder: self.folder, width: self.width })
    }
}

/// A finished spool; read from many threads.
pub struct SpoolReader {
    file: File,
    folder: PathBuf,
    width: TokenWidth,
}

impl SpoolReader {
    /// Appends `count` tokens from token `at` to `out`, as they lie on disk.
    ///
    /// # Errors
    /// [`Error::Io`] if the disk fails.
    pub fn read(&self, at: u64, count: u32, out: &mut Vec<u8>) -> Result<()> {
        let width = self.width.bytes();
        let old = out.len();
        out.resize(old + count as usize * width, 0);
        read_exact_at(&self.file, &mut out[old..], at * width as u64)
            .map_err(|source| Error::io("read back from", &self.folder, source))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_come_back_from_where_they_were_put() {
        let folder = tempfile::tempdir().unwrap();
        for width in [TokenWidth::Two, TokenWidth::Four] {
            let mut spool = Spool::new(folder.path(), width).unwrap();
            let long: Vec<u32> = (0..200_000).map(|n| n % 60_000).collect();
            let first = spool.append(&[1, 2, 3]).unwrap();
            let second = spool.append(&long).unwrap();
            let third = spool.append(&[65_535]).unwrap();
            let reader = spool.finish().unwrap();
            let mut out = Vec::new();
            reader.read(third, 1, &mut out).unwrap();
            reader.read(first, 3, &mut out).unwrap();
            reader.read(second + 100_000, 2, &mut out).unwrap();
            let mut expected = Vec::new();
            width.extend(&mut expected, &[65_535, 1, 2, 3, 40_000, 40_001]);
            assert_eq!(out, expected);
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
