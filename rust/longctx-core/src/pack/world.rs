//! What the makers of all kinds of sequences know.

use std::sync::Arc;

use super::corpus::{Corpus, Record};
use super::options::PackOptions;
use super::output::Side;
use super::split::Sides;
use crate::Result;
use crate::sequence::{Kit, Text};

/// The documents, their graph, the split, and the means to encode.
pub struct World<'w> {
    /// What was asked for.
    pub options: &'w PackOptions,
    /// Encodes.
    pub kit: Kit<'w>,
    /// The documents.
    pub corpus: &'w Corpus,
    /// Which document is on which side.
    pub sides: &'w Sides,
    /// The commit that was packed; none for a work tree.
    pub commit: Option<Arc<str>>,
}

/// A document with its text.
pub struct Loaded<'w> {
    /// What is known of it.
    pub record: &'w Record,
    text: String,
    commit: Option<Arc<str>>,
}

impl World<'_> {
    /// A document, with its text read back.
    ///
    /// # Errors
    /// [`crate::Error::Io`].
    pub fn load(&self, document: u32) -> Result<Loaded<'_>> {
        let record = &self.corpus.documents[document as usize];
        Ok(Loaded { record, text: self.corpus.read_text(record)?, commit: self.commit.clone() })
    }

    /// Whether hierarchical sequences show other files before their targets.
    pub fn shows_context(&self) -> bool {
        !self.options.context.is_empty()
    }

    /// Whether a sequence of `side` may show a document: training never shows what is kept for validation.
    pub fn may_show(&self, side: Side, document: u32) -> bool {
        side == Side::Val || self.sides.of(document) == Side::Train
    }
}

impl Loaded<'_> {
    /// To cut pieces from.
    pub fn text(&self) -> Text<'_> {
        self.record.as_text(&self.text, self.commit.as_ref())
    }
}
