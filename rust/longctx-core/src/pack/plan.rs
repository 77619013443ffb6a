//! Which blocks make which sequence, and how a sequence becomes tokens and metadata.

use std::borrow::Cow;

use rayon::prelude::*;

use super::encode::{Corpus, Record};
use super::fit::{Bin, Block, fit};
use crate::Result;
use crate::difficulty::{Difficulty, Features};
use crate::sequence::{Band, Elisions, Kind, Window};
use crate::shard::{Meta, Role, Segment, TokenWidth};
use crate::tokenize::MarkerIds;

/// A sequence to be written.
pub struct Planned {
    /// Its blocks and length.
    pub bin: Bin,
    /// Which of the bands.
    pub band: usize,
}

/// The sequences of one side of the split: band after band, within each by directory.
pub fn plan(corpus: &Corpus, elisions: &Elisions, bands: &[Band], wanted: &[bool]) -> Vec<Planned> {
    let planned: Vec<Vec<Planned>> = (0..bands.len())
        .into_par_iter()
        .map(|band| {
            let blocks: Vec<Block> = (0u32..)
                .zip(&corpus.documents)
                .zip(wanted)
                .filter(|(_, wanted)| **wanted)
                .flat_map(|((document, record), _)| {
                    let elision = elisions.of(record.language.line_comment);
                    let header = record.header.len() as u32;
                    (0u32..).zip(&record.windows[band]).map(move |(number, window)| Block {
                        document,
                        window: number,
                        length: window.block_length(header, elision),
                        has_context: window.context > 0,
                    })
                })
                .collect();
            let path_of = |document: u32| &corpus.documents[document as usize].path;
            let bins = fit(&blocks, path_of, bands[band].min, bands[band].max);
            bins.into_iter().map(|bin| Planned { bin, band }).collect()
        })
        .collect();
    planned.into_iter().flatten().collect()
}

/// What building sequences needs.
pub struct Builder<'b> {
    /// The documents.
    pub corpus: &'b Corpus,
    /// Elision lines.
    pub elisions: &'b Elisions,
    /// Length ranges.
    pub bands: &'b [Band],
    /// Ids of the markers.
    pub markers: MarkerIds,
    /// Bytes of a token.
    pub width: TokenWidth,
    /// The commit that was packed.
    pub commit: Option<&'b str>,
}

impl<'b> Builder<'b> {
    /// The sequence's tokens in `out` (as the shard stores them), where its loss starts, and its metadata.
    ///
    /// # Errors
    /// [`crate::Error::Io`] if the spool cannot be read.
    pub fn build(&self, planned: &Planned, out: &mut Vec<u8>) -> Result<(u32, Meta<'b>)> {
        out.clear();
        let mut loss_start = 0;
        let mut segments = Vec::with_capacity(planned.bin.blocks.len());
        let mut files = 0;
        let mut last = u32::MAX;
        let mut hasher = blake3::Hasher::new();
        hasher.update(&[Kind::Hierarchical as u8, self.bands[planned.band].id]);
        for (place, block) in planned.bin.blocks.iter().enumerate() {
            let record = &self.corpus.documents[block.document as usize];
            let window = &record.windows[planned.band][block.window as usize];
            if place == 0 {
                let elision = self.elisions.of(record.language.line_comment);
                loss_start = window.loss_start(record.header.len() as u32, elision);
            }
            if block.document != last {
                // Windows of one document are neighbours unless one of them carries context and comes first.
                let repeated =
                    planned.bin.blocks[..place].iter().any(|earlier| earlier.document == block.document);
                files += u32::from(!repeated);
                last = block.document;
            }
            hasher.update(record.path.as_bytes());
            hasher.update(&[0]);
            hasher.update(record.blob.as_bytes());
            hasher.update(&window.tokens.start.to_le_bytes());
            hasher.update(&window.tokens.end.to_le_bytes());
            let text_at = self.append_block(record, window, out)?;
            push_segments(record, window, text_at, self.commit, &mut segments);
        }
        let features = Features { tokens: planned.bin.length, files };
        let score = features.score();
        let meta = Meta {
            id: format!("h-{}", &hasher.finalize().to_hex()[..16]),
            kind: Kind::Hierarchical,
            difficulty: Difficulty::of_score(score),
            score,
            band: self.bands[planned.band].id,
            segments,
            features,
        };
        Ok((loss_start, meta))
    }

    /// Appends a file block; says at which token of the sequence its text begins.
    fn append_block(&self, record: &Record, window: &Window, out: &mut Vec<u8>) -> Result<u32> {
        let elision = self.elisions.of(record.language.line_comment);
        self.width.extend(out, &[self.markers.file_start]);
        self.width.extend(out, &record.header);
        self.width.extend(out, window.head(elision));
        let text_at = (out.len() / self.width.bytes()) as u32;
        self.corpus.read_window(record, window, out)?;
        self.width.extend(out, window.tail(elision));
        self.width.extend(out, &[self.markers.file_end]);
        Ok(text_at)
    }
}

/// The segments of a window whose text begins at token `text_at`: its text, cut where secrets were replaced.
fn push_segments<'b>(
    record: &'b Record,
    window: &Window,
    text_at: u32,
    commit: Option<&'b str>,
    segments: &mut Vec<Segment<'b>>,
) {
    let mut push = |role: Role, bytes: [u32; 2], tokens: [u32; 2]| {
        if bytes[0] < bytes[1] {
            let tokens = tokens.map(|token| token - window.tokens.start + text_at);
            let path: Cow<'b, str> = record.path.text();
            segments.push(Segment { path, blob: &record.blob, commit, role, bytes, tokens });
        }
    };
    let (mut byte, mut token) = (window.bytes.start, window.tokens.start);
    for hidden in record.redacted.iter() {
        if hidden.tokens.start >= window.tokens.start && hidden.tokens.end <= window.tokens.end {
            push(Role::File, [byte, hidden.bytes.start], [token, hidden.tokens.start]);
            push(
                Role::Redacted,
                [hidden.bytes.start, hidden.bytes.end],
                [hidden.tokens.start, hidden.tokens.end],
            );
            (byte, token) = (hidden.bytes.end, hidden.tokens.end);
        }
    }
    push(Role::File, [byte, window.bytes.end], [token, window.tokens.end]);
}
