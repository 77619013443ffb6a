//! All sequences that were made: rows on disk, put into the order of the shards.

use std::collections::{BTreeMap, BTreeSet};

use bytemuck::{AnyBitPattern, NoUninit};
use longctx_column::Column;
use rayon::prelude::*;
use rustc_hash::FxHashSet;

use super::split::Side;
use super::spool::SpoolReader;
use crate::Result;
use crate::difficulty::Difficulty;
use crate::sequence::Kind;
use crate::shard::TokenWidth;

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
        let mut groups: BTreeMap<(u8, u8, u8), Vec<u32>> = BTreeMap::new();
        for (place, row) in (0u32..).zip(rows.iter()) {
            if !dropped.get(place as usize).is_some_and(|&dropped| dropped) {
                groups.entry((row.side, row.band, row.kind)).or_default().push(place);
            }
        }
        groups.par_iter_mut().for_each(|(_, places)| sort(places, &rows));
        let before: usize = groups.values().map(Vec::len).sum();
        let alike: BTreeSet<(u8, u8)> = groups.keys().map(|&(_, band, kind)| (band, kind)).collect();
        let mut known = FxHashSet::default();
        for (band, kind) in alike {
            known.clear();
            for side in Side::ALL {
                if let Some(places) = groups.get_mut(&(side as u8, band, kind)) {
                    places.retain(|&place| known.insert(rows[place as usize].hash));
                }
            }
        }
        let order: Vec<u32> = groups.into_values().flatten().collect();
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

    /// The tokens of a sequence, as a shard stores them, and its line of metadata.
    ///
    /// # Errors
    /// [`crate::Error::Io`] if the disk fails.
    pub fn read(&self, one: &Waiting, tokens: &mut Vec<u8>, meta: &mut Vec<u8>) -> Result<()> {
        tokens.clear();
        meta.clear();
        let bytes = one.length as usize * self.width.bytes();
        self.spool.read(one.at, bytes, tokens)?;
        self.spool.read(one.at + bytes as u64, one.meta_bytes as usize, meta)
    }
}

/// Sorts the places of rows by the order of these.
pub fn sort(places: &mut Vec<u32>, rows: &[Row]) {
    let key = |place: u32| (rows[place as usize].order, place);
    let mut keyed: Vec<(u64, u32)> = places.iter().map(|&place| key(place)).collect();
    let hash = |place: u32| rows[place as usize].hash;
    keyed.sort_unstable_by(|one, other| one.0.cmp(&other.0).then_with(|| hash(one.1).cmp(&hash(other.1))));
    places.clear();
    places.extend(keyed.into_iter().map(|(_, place)| place));
}
