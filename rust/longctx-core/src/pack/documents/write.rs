//! Writing down what is known of documents, each thread in a file of its own.

use std::ops::Range;
use std::path::Path;

use longctx_column::Column;

use super::{Head, Hidden, Sizes, Stored, WHOLE};
use crate::list::ListWriter;
use crate::path::RepoPathRef;
use crate::sequence::{Band, RedactedTokens, Window};
use crate::source::{Encoding, Language};
use crate::{Error, Result};

/// A new document, and what is known of it.
pub struct NewDocument<'n> {
    /// Its path.
    pub path: RepoPathRef<'n>,
    /// Its git object id, in hexadecimal.
    pub blob: &'n str,
    /// Its language.
    pub language: &'static Language,
    /// How its bytes became text.
    pub encoding: Encoding,
    /// Path and newline.
    pub header: &'n [u32],
    /// The path did not fit and was shortened.
    pub header_shortened: bool,
    /// Its placeholders.
    pub redacted: &'n [RedactedTokens],
    /// Its windows, for each band.
    pub windows: Vec<Cuts>,
    /// Numbers.
    pub sizes: Sizes,
}

/// The windows of a document in one band.
pub struct Cuts {
    /// As long as the band allows.
    pub alone: Vec<Window>,
    /// With room for context: a document that the band cannot hold whole is cut into shorter windows. None for one that
    /// it can hold.
    pub in_context: Option<Vec<Window>>,
}

/// The share of a band that a window may take where context stands before it. It has context of its own, the overlap.
pub fn window_limit(band: &Band) -> u32 {
    band.max - band.max / 4
}

/// Collects the documents that one thread read.
pub struct DocumentsWriter {
    words: ListWriter<u32>,
    /// What the caller calls each document, and the word that it begins at.
    places: Vec<(u32, u32)>,
    hidden: Vec<(u32, Hidden)>,
}

/// The documents that one thread read.
pub struct Part {
    pub(super) words: Column<u32>,
    pub(super) places: Vec<(u32, u32)>,
    pub(super) hidden: Vec<(u32, Hidden)>,
}

impl DocumentsWriter {
    /// Documents that will lie in a file without a name in `folder`.
    ///
    /// # Errors
    /// [`Error::Io`] if the file cannot be made.
    pub fn in_folder(folder: &Path) -> Result<Self> {
        Ok(Self { words: ListWriter::new(folder)?, places: Vec::new(), hidden: Vec::new() })
    }

    /// Adds a document. `number` gives it its place among all.
    ///
    /// # Errors
    /// [`Error::Io`] if the disk is full, [`Error::Usage`] if one thread meets too many documents: they may take 16 GiB.
    pub fn add(&mut self, number: u32, document: &NewDocument<'_>) -> Result<()> {
        let at = u32::try_from(self.words.len()).map_err(|_| {
            let what = "the repository has too many files for so few threads";
            Error::usage_hint(what, "pack its folders one by one, or with more threads")
        })?;
        self.places.push((number, at));
        let name = document.path.text();
        let path = document.path.as_bytes();
        let path = if name.as_bytes() == path { &[][..] } else { path };
        let head = Head {
            sizes: document.sizes,
            name: name.len() as u32,
            path: path.len() as u32,
            blob: document.blob.len() as u32,
            header: document.header.len() as u32,
            bands: document.windows.len() as u32,
            language: document.language.number(),
            encoding: document.encoding as u8,
            header_shortened: u8::from(document.header_shortened),
        };
        self.words.extend(bytemuck::cast_slice(&[head]))?;
        for bytes in [name.as_bytes(), path, document.blob.as_bytes()] {
            self.words.extend(&words_of(bytes))?;
        }
        self.words.extend(document.header)?;
        for Cuts { alone, in_context } in &document.windows {
            let in_context = in_context.as_ref().map_or(WHOLE, |windows| windows.len() as u32);
            self.words.extend(&[alone.len() as u32, in_context])?;
        }
        for Cuts { alone, in_context } in &document.windows {
            for window in alone.iter().chain(in_context.iter().flatten()) {
                self.words.extend(&stored(window))?;
            }
        }
        if !document.redacted.is_empty() {
            let bytes = document.redacted.iter().map(|one| one.bytes.start as usize..one.bytes.end as usize);
            let hidden = Hidden { redacted: document.redacted.into(), bytes: bytes.collect() };
            self.hidden.push((number, hidden));
        }
        Ok(())
    }

    /// The finished part.
    ///
    /// # Errors
    /// [`Error::Io`] if the disk is full.
    pub fn finish(self) -> Result<Part> {
        Ok(Part { words: self.words.finish()?, places: self.places, hidden: self.hidden })
    }
}

/// Bytes in words, the last one filled up with zeros.
fn words_of(bytes: &[u8]) -> Vec<u32> {
    let word = |part: &[u8]| {
        let mut word = [0; 4];
        word[..part.len()].copy_from_slice(part);
        u32::from_ne_bytes(word)
    };
    bytes.chunks(4).map(word).collect()
}

fn stored(window: &Window) -> Stored {
    let flags = [window.begins_with_break, window.ends_with_break, window.cut_short];
    let flags = flags.into_iter().rev().fold(0, |all, flag| all << 1 | u32::from(flag));
    let Range { start, end } = window.tokens;
    [start, end, window.bytes.start, window.bytes.end, window.context, window.learnt_from, flags]
}
