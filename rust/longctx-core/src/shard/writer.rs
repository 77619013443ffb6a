//! Writes one shard: tokens, index and metadata, hashed as they are written.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use super::TokenWidth;
use super::manifest::{Digest, Shard, ShardFiles};
use super::npy::{self, IndexRow};
use crate::{Error, Result};

/// Files are hashed and written in pieces of about this many bytes.
const BUFFER: usize = 1 << 18;

/// A file whose digest is known when it is complete.
pub struct HashedFile {
    path: PathBuf,
    file: File,
    /// Hashing is several times as fast in long stretches.
    buffer: Vec<u8>,
    hasher: blake3::Hasher,
    bytes: u64,
}

impl HashedFile {
    /// Makes a new file.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn create(path: &Path) -> Result<Self> {
        let file = File::create_new(path).map_err(|source| Error::io("create", path, source))?;
        Ok(Self {
            path: path.to_path_buf(),
            file,
            buffer: Vec::with_capacity(BUFFER),
            hasher: blake3::Hasher::new(),
            bytes: 0,
        })
    }

    /// Appends `bytes`.
    ///
    /// # Errors
    /// [`Error::Io`], a full disk for one.
    pub fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= BUFFER { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<()> {
        self.hasher.update(&self.buffer);
        self.bytes += self.buffer.len() as u64;
        self.file.write_all(&self.buffer).map_err(|source| Error::io("write", &self.path, source))?;
        self.buffer.clear();
        Ok(())
    }

    /// Ends the file; [`super::Staging::publish`] brings it to the disk.
    ///
    /// # Errors
    /// [`Error::Io`], a full disk for one.
    pub fn finish(mut self) -> Result<Digest> {
        self.flush()?;
        Ok(Digest { bytes: self.bytes, blake3: self.hasher.finalize().to_hex().to_string() })
    }
}

/// One sequence, ready to be written.
pub struct SequenceRow<'s> {
    /// Tokens as the shard stores them.
    pub tokens: &'s [u8],
    /// Its row of the index; the offset is filled in.
    pub index: IndexRow,
    /// Its line of metadata, without the line end.
    pub meta: &'s [u8],
}

/// A shard being written.
pub struct ShardWriter {
    split: &'static str,
    name: String,
    width: TokenWidth,
    expected: (u64, u64),
    rows: u64,
    offset: u64,
    tokens: HashedFile,
    index: HashedFile,
    meta: HashedFile,
}

impl ShardWriter {
    /// A shard of `sequences` sequences and `tokens` tokens in all, in `folder/split`.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn new(
        folder: &Path,
        split: &'static str,
        name: String,
        width: TokenWidth,
        sequences: u64,
        tokens: u64,
    ) -> Result<Self> {
        let [tokens_path, index_path, meta_path] = Self::paths(folder, split, &name);
        let mut writer = Self {
            split,
            width,
            expected: (sequences, tokens),
            rows: 0,
            offset: 0,
            tokens: HashedFile::create(&tokens_path)?,
            index: HashedFile::create(&index_path)?,
            meta: HashedFile::create(&meta_path)?,
            name,
        };
        writer.tokens.write(&npy::tokens_header(width, tokens))?;
        writer.index.write(&npy::index_header(sequences))?;
        Ok(writer)
    }

    /// The files of a shard: tokens, index, metadata.
    pub fn paths(folder: &Path, split: &str, name: &str) -> [PathBuf; 3] {
        ["tokens.npy", "index.npy", "meta.jsonl"]
            .map(|suffix| folder.join(split).join(format!("{name}.{suffix}")))
    }

    /// Appends a sequence.
    ///
    /// # Errors
    /// [`Error::Io`], a full disk for one.
    pub fn append(&mut self, sequence: &SequenceRow<'_>) -> Result<()> {
        let length = (sequence.tokens.len() / self.width.bytes()) as u32;
        self.tokens.write(sequence.tokens)?;
        self.index.write(&IndexRow { offset: self.offset, length, ..sequence.index }.to_bytes())?;
        self.meta.write(sequence.meta)?;
        self.meta.write(b"\n")?;
        self.offset += u64::from(length);
        self.rows += 1;
        Ok(())
    }

    /// Ends the shard.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Dataset`] if the numbers announced to [`Self::new`] were wrong.
    pub fn finish(self) -> Result<Shard> {
        if (self.rows, self.offset) != self.expected {
            return Err(Error::Dataset {
                path: self.tokens.path,
                message: format!(
                    "{} sequences of {} tokens were announced, {} of {} written",
                    self.expected.0, self.expected.1, self.rows, self.offset
                ),
            });
        }
        Ok(Shard {
            split: self.split.to_owned(),
            name: self.name,
            sequences: self.rows,
            tokens: self.offset,
            files: ShardFiles {
                tokens: self.tokens.finish()?,
                index: self.index.finish()?,
                meta: self.meta.finish()?,
            },
        })
    }
}
