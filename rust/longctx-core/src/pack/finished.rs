//! All sequences that were made: rows on disk, put into the order of the shards.

use std::ops::Range;

use bytemuck::{AnyBitPattern, NoUninit};
use longctx_column::Column;
use rayon::prelude::*;
use rustc_hash::FxHashSet;

use super::split::Side;
use super::spool::SpoolReader;
use crate::Result;
use crate::buckets::Buckets;
use crate::difficulty::Difficulty;
use crate::sequence::Kind;
use crate::shard::TokenWidth;

/// In place of the place of a row: an equal one is there.
const REPEATED: u32 = u32::MAX;
/// About so many rows are compared with each other at once.
const COMPARED: usize = 1 << 18;

/// A sequence that waits in the spool.
#[derive(Debug, Clone, PartialEq)]
pub struct Waiting {
    /// Its side of the split.
    pub side: Side,
    /// Which of the bands, by place.
    pub band: u8,
    /// Its kind.
    pub kind: Kind,
    /// What it teaches is (also) in the training split.
    pub seen: bool,
    /// In tokens.
    pub length: u32,
    /// Tokens from here on carry loss.
    pub loss_start: u32,
    /// The level of `score`.
    pub difficulty: Difficulty,
    /// See [`crate::difficulty::Features::score`].
    pub score: f32,
    /// Different files.
    pub files: u32,
    at: u64,
    meta_bytes: u32,
}

/// The same as it lies on disk, with what it is sorted by.
#[derive(Debug, Clone, Copy, NoUninit, AnyBitPattern)]
#[repr(C)]
pub struct Row {
    /// Its place among those of its side, band and kind.
    pub order: u64,
    /// Made of all that it is.
    pub hash: [u8; 8],
    pub at: u64,
    pub length: u32,
    pub loss_start: u32,
    pub score: f32,
    pub files: u32,
    pub meta_bytes: u32,
    pub side: u8,
    pub band: u8,
    pub kind: u8,
    pub seen: u8,
}

impl Row {
    /// As all but sorting sees it.
    pub fn waiting(&self) -> Waiting {
        Waiting {
            side: Side::ALL[usize::from(self.side)],
            band: self.band,
            kind: Kind::ALL[usize::from(self.kind)],
            seen: self.seen != 0,
            length: self.length,
            loss_start: self.loss_start,
            difficulty: Difficulty::of_score(self.score),
            score: self.score,
            files: self.files,
            at: self.at,
            meta_bytes: self.meta_bytes,
        }
    }
}

/// All sequences of a dataset, in order.
pub struct Finished {
    rows: Column<Row>,
    /// Places of rows, in the order of the shards.
    order: Vec<u32>,
    /// How many were left out because an equal one is there.
    pub repeated: u64,
    bands: Vec<u8>,
    width: TokenWidth,
    spool: SpoolReader,
}

impl Finished {
    /// Puts sequences in order by side, band and kind, then their own order; of several that are the same in all, the first
    /// stays. Those that `dropped` marks, by place, are left out. `bands` are the numbers of the bands, by place.
    pub fn new(
        rows: Column<Row>,
        dropped: &[bool],
        bands: Vec<u8>,
        width: TokenWidth,
        spool: SpoolReader,
    ) -> Self {
        let of_side = bands.len() * Kind::ALL.len();
        let group = |row: &Row| {
            let alike = usize::from(row.band) * Kind::ALL.len() + usize::from(row.kind);
            (usize::from(row.side) * of_side + alike) as u32
        };
        let kept = (0u32..)
            .zip(rows.iter())
            .filter(|&(place, _)| !dropped.get(place as usize).is_some_and(|&dropped| dropped))
            .map(|(place, row)| (group(row), place));
        let (groups, mut order) = Buckets::of_pairs(of_side * Side::ALL.len(), kept).into_parts();
        for group in 0..(of_side * Side::ALL.len()) as u32 {
            sort(&mut order[groups.of(group)], &rows);
        }
        for alike in 0..of_side {
            let sides = Side::ALL.map(|side| groups.of((side as usize * of_side + alike) as u32));
            mark_repeated(&mut order, &sides, &rows);
        }
        let before = order.len();
        order.retain(|&place| place != REPEATED);
        let repeated = (before - order.len()) as u64;
        Self { rows, order, repeated, bands, width, spool }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.order.len()
    }

    /// The one at a place.
    pub fn get(&self, place: usize) -> Waiting {
        self.rows[self.order[place] as usize].waiting()
    }

    /// All of them, in the order of the shards.
    pub fn iter(&self) -> impl Iterator<Item = Waiting> {
        self.rows().map(Row::waiting)
    }

    /// The same, with what they are sorted by.
    pub fn rows(&self) -> impl Iterator<Item = &Row> {
        self.order.iter().map(|&place| &self.rows[place as usize])
    }

    /// The number of a sequence's band.
    pub fn band_id(&self, one: &Waiting) -> u8 {
        self.bands[usize::from(one.band)]
    }

    /// The tokens of a sequence, as a shard stores them, and its line of metadata; they lie in `buffer`.
    ///
    /// # Errors
    /// [`crate::Error::Io`] if the disk fails.
    pub fn read<'b>(&self, one: &Waiting, buffer: &'b mut Vec<u8>) -> Result<(&'b [u8], &'b [u8])> {
        let bytes = one.length as usize * self.width.bytes();
        buffer.resize(bytes + one.meta_bytes as usize, 0);
        self.spool.fill(one.at, buffer)?;
        Ok(buffer.split_at(bytes))
    }
}

/// Sorts the places of rows by the order of these.
pub fn sort(places: &mut [u32], rows: &[Row]) {
    places.par_sort_unstable_by_key(|&place| {
        let row = &rows[place as usize];
        (row.order, row.hash)
    });
}

/// Replaces by [`REPEATED`], in some parts of `order`, the places of rows that are as one before them in all. Few hashes
/// are in memory at any time.
fn mark_repeated(order: &mut [u32], parts: &[Range<usize>], rows: &[Row]) {
    let turns = parts.iter().map(Range::len).sum::<usize>() / COMPARED + 1;
    let mut known = FxHashSet::default();
    for turn in 0..turns as u64 {
        known.clear();
        for place in parts.iter().cloned().flatten() {
            let Some(row) = rows.get(order[place] as usize) else { continue };
            let hash = u64::from_le_bytes(row.hash);
            if hash % turns as u64 == turn && !known.insert(hash) {
                order[place] = REPEATED;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(hash: u64) -> Row {
        Row { hash: hash.to_le_bytes(), ..bytemuck::Zeroable::zeroed() }
    }

    #[test]
    fn of_equal_rows_the_first_stays_however_many_there_are() {
        // Numbers that come back, in an order of their own.
        let rows: Vec<Row> =
            (0..COMPARED as u64 * 2 + 5).map(|n| row(n.wrapping_mul(0x9E37_79B9) % 300_007)).collect();
        let mut order: Vec<u32> = (0..rows.len() as u32).rev().collect();
        let half = order.len() / 2;
        let mut known = std::collections::HashSet::new();
        let is_new = |place: &u32| known.insert(rows[*place as usize].hash);
        let expected: Vec<u32> = order[half..].iter().chain(&order[..half]).copied().filter(is_new).collect();
        let parts = [half..order.len(), 0..half];
        mark_repeated(&mut order, &parts, &rows);
        let left = parts.iter().cloned().flatten().map(|at| order[at]).filter(|&place| place != REPEATED);
        assert_eq!(left.collect::<Vec<u32>>(), expected);
        assert!(expected.len() < order.len());
    }
}
