//! The documents of a repository: what is known of each in memory, their texts and tokens on disk.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use super::parsed::calls_of;
use super::spool::SpoolReader;
use crate::graph::{FileIndex, Graph};
use crate::path::RepoPath;
use crate::sequence::{Band, RedactedTokens, Text, Window};
use crate::shard::TokenWidth;
use crate::source::{Encoding, Language, SkipReason};
use crate::symbols::calls::Call;
use crate::{Error, Result};

/// A document whose text and tokens lie in a spool.
pub struct Record {
    /// Its path.
    pub path: RepoPath,
    /// The path's text form.
    pub name: Arc<str>,
    /// Its language.
    pub language: &'static Language,
    /// How its bytes became text.
    pub encoding: Encoding,
    /// Its git object id.
    pub blob: Arc<str>,
    /// Size of the file.
    pub bytes: u64,
    /// Length of its text in bytes.
    pub text_bytes: u32,
    /// Length of its text in tokens.
    pub tokens: u32,
    /// Path and newline.
    pub header: Box<[u32]>,
    /// The path did not fit and was shortened.
    pub header_shortened: bool,
    /// Its placeholders.
    pub redacted: Box<[RedactedTokens]>,
    /// The same, as ranges of its text.
    pub hidden: Box<[Range<usize>]>,
    /// How many secrets of each kind.
    pub secrets: BTreeMap<&'static str, u32>,
    /// Its windows, for each band.
    pub windows: Box<[Cuts]>,
    /// Its place in the graph.
    pub file: FileIndex,
    pub(super) spool: u32,
    pub(super) tokens_at: u64,
    pub(super) text_at: u64,
    /// What it says: first imports and definitions, then calls.
    pub(super) parsed_at: u64,
    pub(super) facts_bytes: u32,
    pub(super) calls_bytes: u32,
}

/// The windows of a document in one band.
pub struct Cuts {
    /// As long as the band allows.
    pub alone: Box<[Window]>,
    /// With room for context: a document that the band cannot hold whole is cut into shorter windows. None for one that
    /// it can hold.
    pub in_context: Option<Box<[Window]>>,
}

impl Cuts {
    /// The windows to use.
    pub fn windows(&self, with_context: bool) -> &[Window] {
        self.in_context.as_ref().filter(|_| with_context).unwrap_or(&self.alone)
    }
}

/// The share of a band that a window may take where context stands before it. It has context of its own, the overlap.
pub fn window_limit(band: &Band) -> u32 {
    band.max - band.max / 4
}

/// A file that was listed and then left out.
pub struct Rejected {
    /// Its path.
    pub path: RepoPath,
    /// In bytes.
    pub bytes: u64,
    /// Why.
    pub reason: SkipReason,
}

/// All documents, sorted by path, and where their tokens are.
pub struct Corpus {
    /// Sorted by path.
    pub documents: Vec<Record>,
    /// Sorted by path.
    pub rejected: Vec<Rejected>,
    /// The dependency graph of these documents and of the files that only have a name.
    pub graph: Graph,
    /// For each file of the graph its document.
    pub document_of: Vec<Option<u32>>,
    pub(super) spools: Vec<[SpoolReader; 3]>,
    pub(super) width: TokenWidth,
}

impl Corpus {
    /// Replaces `ids` by some tokens of a document.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn read_tokens(
        &self,
        document: &Record,
        range: Range<u32>,
        buffer: &mut Vec<u8>,
        ids: &mut Vec<u32>,
    ) -> Result<()> {
        let width = self.width.bytes();
        buffer.clear();
        let at = document.tokens_at + u64::from(range.start) * width as u64;
        self.spools[document.spool as usize][0].read(at, range.len() * width, buffer)?;
        self.width.parse(buffer, ids);
        Ok(())
    }

    /// The text of a document, read into a buffer, which never shrinks.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn read_text<'b>(&self, document: &Record, buffer: &'b mut Vec<u8>) -> Result<&'b str> {
        let length = document.text_bytes as usize;
        if buffer.len() < length {
            buffer.resize(length, 0);
        }
        let bytes = &mut buffer[..length];
        self.spools[document.spool as usize][1].fill(document.text_at, bytes)?;
        std::str::from_utf8(bytes).map_err(|error| {
            let broken = std::io::Error::new(std::io::ErrorKind::InvalidData, error);
            Error::io("read back from the text of", &*document.name, broken)
        })
    }

    /// The calls in a document, in order; none unless questions are to be made.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn read_calls(&self, document: &Record) -> Result<Vec<Call>> {
        let mut bytes = Vec::new();
        let spool = &self.spools[document.spool as usize][2];
        spool.read(
            document.parsed_at + u64::from(document.facts_bytes),
            document.calls_bytes as usize,
            &mut bytes,
        )?;
        Ok(calls_of(&bytes))
    }

    /// The document of a file of the graph.
    pub fn document_of(&self, file: FileIndex) -> Option<u32> {
        self.document_of.get(file as usize).copied().flatten()
    }
}

impl Record {
    /// The document as a text to cut pieces from.
    pub fn as_text<'t>(&'t self, text: &'t str, commit: Option<&Arc<str>>) -> Text<'t> {
        Text {
            path: &self.path,
            header: Some(&self.header),
            name: self.name.clone(),
            blob: self.blob.clone(),
            commit: commit.cloned(),
            text,
            hidden: &self.hidden,
            comment: self.language.line_comment,
        }
    }
}
