//! The documents of a repository, what was left out, and the graph of both; all texts and tokens lie on disk.

use std::collections::BTreeMap;
use std::ops::Range;

use super::documents::{Documents, Record};
use super::parsed::calls_of;
use super::spool::SpoolReader;
use crate::graph::{FileIndex, Graph};
use crate::path::RepoPath;
use crate::shard::TokenWidth;
use crate::source::SkipReason;
use crate::symbols::calls::Call;
use crate::{Error, Result};

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
    pub documents: Documents,
    /// Sorted by path.
    pub rejected: Vec<Rejected>,
    /// The dependency graph of these documents and of the files that only have a name.
    pub graph: Graph,
    /// How many secrets of each kind there were, and in how many documents.
    pub secrets: BTreeMap<&'static str, [u64; 2]>,
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
        document: &Record<'_>,
        range: Range<u32>,
        buffer: &mut Vec<u8>,
        ids: &mut Vec<u32>,
    ) -> Result<()> {
        let width = self.width.bytes();
        buffer.resize(range.len() * width, 0);
        let at = document.sizes.tokens_at + u64::from(range.start) * width as u64;
        self.spools[document.spool as usize][0].fill(at, buffer)?;
        self.width.parse(buffer, ids);
        Ok(())
    }

    /// The text of a document, read into a buffer, which never shrinks.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn read_text<'b>(&self, document: &Record<'_>, buffer: &'b mut Vec<u8>) -> Result<&'b str> {
        let length = document.sizes.text_bytes as usize;
        if buffer.len() < length {
            buffer.resize(length, 0);
        }
        let bytes = &mut buffer[..length];
        self.spools[document.spool as usize][1].fill(document.sizes.text_at, bytes)?;
        std::str::from_utf8(bytes).map_err(|error| {
            let broken = std::io::Error::new(std::io::ErrorKind::InvalidData, error);
            Error::io("read back from the text of", document.name, broken)
        })
    }

    /// The calls in a document, in order; none unless questions are to be made.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn read_calls(&self, document: &Record<'_>) -> Result<Vec<Call>> {
        let mut bytes = Vec::new();
        let spool = &self.spools[document.spool as usize][2];
        spool.read(
            document.sizes.said_at + u64::from(document.sizes.links_bytes),
            document.sizes.calls_bytes as usize,
            &mut bytes,
        )?;
        Ok(calls_of(&bytes))
    }

    /// The document of a file of the graph.
    pub fn document_of(&self, file: FileIndex) -> Option<u32> {
        self.document_of.get(file as usize).copied().flatten()
    }
}
