//! What became of the questions, for the summary.

use std::collections::BTreeMap;

use serde::Serialize;

use super::lay::Made;
use super::question::Dropped;

/// Sequences and questions of a band, both sides together.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct BandCounts {
    /// Sequences.
    pub sequences: u64,
    /// Their tokens.
    pub tokens: u64,
    /// Questions by type.
    pub questions: BTreeMap<&'static str, u64>,
}

/// All that was asked, and what was not.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct QaCounts {
    /// By number of the band.
    pub bands: BTreeMap<u8, BandCounts>,
    /// Questions and sequences that were not made, by reason.
    pub dropped: Dropped,
    /// By number of snippets: how often each of them was an answer.
    pub positions: BTreeMap<usize, Vec<u64>>,
}

impl QaCounts {
    /// Adds a sequence.
    pub fn add(&mut self, band: u8, made: &Made) {
        let row = self.bands.entry(band).or_default();
        row.sequences += 1;
        row.tokens += u64::from(made.part.len());
        for kind in &made.types {
            *row.questions.entry(kind.name()).or_default() += 1;
        }
        let counts = self.positions.entry(made.snippets).or_insert_with(|| vec![0; made.snippets]);
        for &place in &made.positions {
            counts[place] += 1;
        }
    }
}
