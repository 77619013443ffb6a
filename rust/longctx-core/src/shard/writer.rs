//! Writes one shard: tokens, index and metadata, hashed as they are written.

use std::borrow::Cow;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::TokenWidth;
use super::manifest::{Digest, Shard, ShardFiles};
use super::npy::{self, IndexRow};
use crate::difficulty::{Difficulty, Features};
use crate::sequence::Kind;
use crate::{Error, Result};

/// A file whose digest is known when it is complete.
pub struct HashedFile {
    path: PathBuf,
    out: BufWriter<File>,
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
            out: BufWriter::with_capacity(1 << 18, file),
            hasher: blake3::Hasher::new(),
            bytes: 0,
        })
    }

    /// Appends `bytes`.
    ///
    /// # Errors
    /// [`Error::Io`], a full disk for one.
    pub fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.hasher.update(bytes);
        self.bytes += bytes.len() as u64;
        self.out.write_all(bytes).map_err(|source| Error::io("write", &self.path, source))
    }

    /// Brings everything to the disk.
    ///
    /// # Errors
    /// [`Error::Io`], a full disk for one.
    pub fn finish(mut self) -> Result<Digest> {
        let failed = |source| Error::io("write", &self.path, source);
        self.out.flush().map_err(failed)?;
        self.out.get_ref().sync_all().map_err(failed)?;
        Ok(Digest { bytes: self.bytes, blake3: self.hasher.finalize().to_hex().to_string() })
    }
}

/// What a segment is in its sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Text of a file.
    File,
    /// A placeholder for a secret.
    Redacted,
}

/// A token slice that came from one document.
#[derive(Debug, Clone, Serialize)]
pub struct Segment<'s> {
    /// The document's path.
    pub path: Cow<'s, str>,
    /// Its git object id.
    pub blob: &'s str,
    /// The commit it was read from; none for a work tree.
    pub commit: Option<&'s str>,
    /// What it is.
    pub role: Role,
    /// Range in the document, decoded to UTF-8.
    pub bytes: [u32; 2],
    /// Range in the sequence.
    pub tokens: [u32; 2],
}

/// One line of `meta.jsonl`.
#[derive(Debug, Clone, Serialize)]
pub struct Meta<'s> {
    /// Unique in the dataset; the same for the same content.
    pub id: String,
    /// What kind of sequence it is.
    pub kind: Kind,
    /// The level of `score`.
    pub difficulty: Difficulty,
    /// See [`Features::score`].
    pub score: f32,
    /// Number of the phase.
    pub band: u8,
    /// What came from documents, in order.
    pub segments: Vec<Segment<'s>>,
    /// What the score is made of.
    pub features: Features,
}

/// One sequence, ready to be written.
pub struct SequenceRow<'s> {
    /// Tokens as the shard stores them.
    pub tokens: &'s [u8],
    /// Tokens from here on carry loss.
    pub loss_start: u32,
    /// Whether what it teaches is in the training split.
    pub seen: bool,
    /// Its line of metadata.
    pub meta: &'s Meta<'s>,
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
    line: Vec<u8>,
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
        let file = |suffix: &str| HashedFile::create(&folder.join(split).join(format!("{name}.{suffix}")));
        let mut writer = Self {
            split,
            width,
            expected: (sequences, tokens),
            rows: 0,
            offset: 0,
            tokens: file("tokens.npy")?,
            index: file("index.npy")?,
            meta: file("meta.jsonl")?,
            line: Vec::new(),
            name,
        };
        writer.tokens.write(&npy::tokens_header(width, tokens))?;
        writer.index.write(&npy::index_header(sequences))?;
        Ok(writer)
    }

    /// Appends a sequence.
    ///
    /// # Errors
    /// [`Error::Io`], a full disk for one.
    pub fn append(&mut self, sequence: &SequenceRow<'_>) -> Result<()> {
        let meta = sequence.meta;
        let length = (sequence.tokens.len() / self.width.bytes()) as u32;
        self.tokens.write(sequence.tokens)?;
        let row = IndexRow {
            offset: self.offset,
            length,
            loss_start: sequence.loss_start,
            kind: meta.kind as u8,
            difficulty: meta.difficulty as u8,
            band: meta.band,
            seen: u8::from(sequence.seen),
            score: meta.score,
            files: u16::try_from(meta.features.files).unwrap_or(u16::MAX),
        };
        self.index.write(&row.to_bytes())?;
        self.line.clear();
        serde_json::to_writer(&mut self.line, meta)
            .map_err(|error| Error::io("write", &self.meta.path, error.into()))?;
        self.line.push(b'\n');
        self.meta.write(&self.line)?;
        self.offset += u64::from(length);
        self.rows += 1;
        Ok(())
    }

    /// Brings the shard to the disk.
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
