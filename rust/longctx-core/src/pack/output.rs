//! Finished sequences of all kinds, on their way to the shards.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustc_hash::FxHashSet;
use serde::{Serialize, Serializer};
use serde_json::value::{RawValue, to_raw_value};

use super::finished::{Finished, Row, sort};
use super::split::Side;
use super::spool::{Shelf, Spool};
use crate::Result;
use crate::difficulty::{Difficulty, Features};
use crate::list::ListWriter;
use crate::sequence::{Band, Draft, Kind, Segment};
use crate::shard::TokenWidth;

/// The metadata of most sequences has no more bytes, nor has what they are hashed by besides their tokens.
const USUAL: usize = 1 << 14;

/// Where a sequence goes and what is said of it.
pub struct About {
    /// Its side of the split.
    pub side: Side,
    /// What it teaches is (also) in the training split.
    pub seen: bool,
    /// Its kind.
    pub kind: Kind,
    /// Which of the bands, by place.
    pub band: usize,
    /// Its place among those of its side, band and kind.
    pub order: u64,
    /// What its difficulty is made of; tokens and files are counted by [`Output::put`].
    pub features: Features,
    /// What this kind alone says in `meta.jsonl`.
    pub extra: Extra,
}

/// Some keys of a line of `meta.jsonl` with their values, as JSON.
#[derive(Default)]
pub struct Extra(Vec<(&'static str, Box<RawValue>)>);

impl Extra {
    /// Adds a key: text, numbers, lists and objects with text keys only.
    pub fn add(&mut self, key: &'static str, value: &impl Serialize) {
        // JSON can hold all of it.
        self.0.extend(to_raw_value(value).ok().map(|value| (key, value)));
    }
}

impl Serialize for Extra {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(key, value)| (key, value)))
    }
}

/// One line of `meta.jsonl`.
#[derive(Serialize)]
struct Meta<'m> {
    id: &'m str,
    kind: Kind,
    difficulty: Difficulty,
    score: f32,
    band: u8,
    segments: &'m [Segment],
    features: Features,
    #[serde(flatten)]
    extra: Extra,
}

/// Collects sequences from many threads.
pub struct Output {
    bands: Vec<Band>,
    width: TokenWidth,
    state: Mutex<State>,
}

/// All sequences so far.
struct State {
    spool: Spool,
    rows: ListWriter<Row>,
    /// Rows that were dropped again; those after the last one here were not.
    dropped: Vec<bool>,
    /// For each kind and band, tokens on either side.
    tokens: [Vec<[u64; 2]>; Kind::ALL.len()],
}

impl Output {
    /// An empty one, its spool in `folder`.
    ///
    /// # Errors
    /// [`crate::Error::Io`].
    pub fn new(folder: &Path, bands: &[Band], width: TokenWidth) -> Result<Self> {
        let tokens = Kind::ALL.map(|_| vec![[0; 2]; bands.len()]);
        let state =
            State { spool: Spool::new(folder)?, rows: ListWriter::new(folder)?, dropped: Vec::new(), tokens };
        Ok(Self { bands: bands.to_vec(), width, state: Mutex::new(state) })
    }

    /// Adds a sequence. It must have something to learn and fit its band.
    ///
    /// # Errors
    /// [`crate::Error::Io`] if the disk is full.
    pub fn put(&self, draft: &Draft, about: About) -> Result<()> {
        let About { side, seen, kind, band, order, mut features, extra } = about;
        features.tokens = draft.len();
        features.files = files(&draft.segments);
        let score = features.score();
        let difficulty = Difficulty::of_score(score);
        // What is hashed, of which the tokens come last, then the metadata.
        let mut buffer = Vec::with_capacity(draft.tokens.len() * self.width.bytes() + USUAL);
        buffer.extend_from_slice(&[kind as u8, self.bands[band].id]);
        buffer.extend_from_slice(&draft.loss_start.to_le_bytes());
        for segment in &draft.segments {
            for part in [&segment.path, &segment.blob] {
                buffer.extend_from_slice(part.as_bytes());
                buffer.push(0);
            }
            for byte in segment.bytes {
                buffer.extend_from_slice(&byte.to_le_bytes());
            }
        }
        let tokens_at = buffer.len();
        self.width.extend(&mut buffer, &draft.tokens);
        let digest = blake3::hash(&buffer);
        let id = format!("{}-{}", kind.letter(), &digest.to_hex()[..16]);
        let meta = Meta {
            id: &id,
            kind,
            difficulty,
            score,
            band: self.bands[band].id,
            segments: &draft.segments,
            features,
            extra,
        };
        // Text, numbers and objects with text keys only: JSON can hold all of it.
        let meta_at = buffer.len();
        if serde_json::to_writer(&mut buffer, &meta).is_err() {
            buffer.truncate(meta_at);
        }
        let mut hash = [0; 8];
        hash.copy_from_slice(&digest.as_bytes()[..8]);
        let mut state = self.state();
        let at = state.spool.append(|out| out.extend_from_slice(&buffer[tokens_at..]))?;
        state.tokens[kind as usize][band][side as usize] += u64::from(features.tokens);
        let row = Row {
            order,
            hash,
            at,
            length: features.tokens,
            loss_start: draft.loss_start,
            score,
            files: features.files,
            meta_bytes: (buffer.len() - meta_at) as u32,
            side: side as u8,
            band: band as u8,
            kind: kind as u8,
            seen: u8::from(seen),
        };
        state.rows.extend(&[row])
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many tokens the sequences of a kind have so far.
    pub fn tokens(&self, kind: Kind) -> u64 {
        self.state().tokens[kind as usize].iter().flatten().sum()
    }

    /// Where its spool lies.
    pub fn folder(&self) -> PathBuf {
        self.state().spool.folder().to_path_buf()
    }

    /// A shelf in the same folder.
    ///
    /// # Errors
    /// [`crate::Error::Io`].
    pub fn shelf(&self) -> Result<Shelf> {
        Shelf::new(self.state().spool.folder())
    }

    /// How many tokens sequences of another kind may have in each band, on either side: `ratio` times those of the
    /// hierarchical ones.
    pub fn allowance(&self, ratio: f64) -> Vec<[u64; 2]> {
        let state = self.state();
        let tokens = state.tokens[Kind::Hierarchical as usize].iter();
        tokens.map(|sides| sides.map(|tokens| (tokens as f64 * ratio) as u64)).collect()
    }

    /// Drops those of a kind that come last in their order until the rest keeps to its allowance, and says how many.
    /// For validation, what is seen in training and what is not get half of it each, and what the other leaves.
    ///
    /// # Errors
    /// [`crate::Error::Io`] if the disk is full.
    pub fn keep_first(&self, kind: Kind, allowance: &[[u64; 2]]) -> Result<u64> {
        let mut state = self.state();
        let State { rows, dropped, tokens, .. } = &mut *state;
        let rows = rows.so_far()?;
        dropped.resize(rows.len(), false);
        let mut groups: BTreeMap<(u8, u8, u8), Vec<u32>> = BTreeMap::new();
        for (place, row) in (0u32..).zip(rows.iter()).filter(|(_, row)| row.kind == kind as u8) {
            groups.entry((row.band, row.side, row.seen)).or_default().push(place);
        }
        let length = |place: u32| u64::from(rows[place as usize].length);
        let sum = |places: &Vec<u32>| places.iter().map(|&place| length(place)).sum::<u64>();
        let wanted: BTreeMap<_, u64> = groups.iter().map(|(&group, places)| (group, sum(places))).collect();
        let mut count = 0;
        for ((band, side, seen), places) in &mut groups {
            sort(places, &rows);
            let (of_band, side) = (usize::from(*band), usize::from(*side));
            let other = wanted.get(&(*band, side as u8, 1 - *seen)).copied().unwrap_or(0);
            let allowed = share(allowance[of_band][side], other);
            let mut sum = 0;
            let first = places.iter().position(|&place| {
                sum += length(place);
                sum > allowed
            });
            for &place in &places[first.unwrap_or(places.len())..] {
                dropped[place as usize] = true;
                tokens[kind as usize][of_band][side] -= length(place);
                count += 1;
            }
        }
        Ok(count)
    }

    /// Ends collecting: sequences by side, band, kind and order; of several that are the same in all, the first.
    ///
    /// # Errors
    /// [`crate::Error::Io`] if the disk is full.
    pub fn finish(self) -> Result<Finished> {
        let State { spool, rows, dropped, .. } =
            self.state.into_inner().unwrap_or_else(PoisonError::into_inner);
        let rows = rows.finish()?;
        let bands = self.bands.iter().map(|band| band.id).collect();
        Ok(Finished::new(rows, &dropped, bands, self.width, spool.finish()?))
    }
}

/// How many different files segments are of. Those of one file mostly follow each other.
fn files(segments: &[Segment]) -> u32 {
    let paths = segments.chunk_by(|one, next| Arc::ptr_eq(&one.path, &next.path)).map(|part| &*part[0].path);
    paths.collect::<FxHashSet<&str>>().len() as u32
}

/// How many of the tokens that are allowed on a side what is seen in training may have, if what is not has `other`, or
/// the other way round.
pub fn share(allowed: u64, other: u64) -> u64 {
    allowed.saturating_sub(other).max(if other > 0 { allowed / 2 } else { allowed })
}

#[cfg(test)]
mod tests {
    use super::*;

    const BANDS: [Band; 1] = [Band { id: 1, min: 1, max: 100, overlap: 0 }];

    /// An output with sequences of ten tokens each.
    fn output(folder: &Path, wanted: &[(Side, bool, Kind, u64)]) -> Output {
        let output = Output::new(folder, &BANDS, TokenWidth::for_vocabulary(100)).unwrap();
        let mut draft = Draft::default();
        for (number, &(side, seen, kind, order)) in (0..).zip(wanted) {
            draft.clear();
            draft.push(&[number; 10]);
            let (features, extra) = (Features::default(), Extra::default());
            output.put(&draft, About { side, seen, kind, band: 0, order, features, extra }).unwrap();
        }
        output
    }

    fn kept(output: Output) -> Vec<(Side, bool, u64)> {
        let finished = output.finish().unwrap();
        let commits = finished.rows().filter(|row| row.kind == Kind::Commits as u8);
        commits.map(|row| (row.waiting().side, row.waiting().seen, row.order)).collect()
    }

    #[test]
    fn a_kind_keeps_to_its_share_of_the_hierarchical_sequences() {
        let folder = tempfile::tempdir().unwrap();
        let mut wanted = vec![(Side::Train, true, Kind::Hierarchical, 0); 4];
        wanted.extend((0..4).rev().map(|order| (Side::Train, true, Kind::Commits, order)));
        let output = output(folder.path(), &wanted);
        let allowance = output.allowance(0.5);
        assert_eq!(allowance, [[20, 0]]);
        assert_eq!(output.keep_first(Kind::Commits, &allowance).unwrap(), 2);
        assert_eq!((output.tokens(Kind::Commits), output.tokens(Kind::Hierarchical)), (20, 40));
        assert_eq!(kept(output), [(Side::Train, true, 0), (Side::Train, true, 1)]);
    }

    #[test]
    fn what_one_has_leaves_the_other_half_at_least() {
        assert_eq!([0, 10, 50, 80, 200].map(|other| share(100, other)), [100, 90, 50, 50, 50]);
    }

    #[test]
    fn seen_and_unseen_validation_share_and_one_takes_what_the_other_leaves() {
        let folder = tempfile::tempdir().unwrap();
        for (unseen, expected) in [(4, [2, 2]), (1, [3, 1])] {
            let mut wanted = vec![(Side::Val, false, Kind::Hierarchical, 0); 4];
            wanted.extend((0..4).map(|order| (Side::Val, true, Kind::Commits, order)));
            wanted.extend((0..unseen).map(|order| (Side::Val, false, Kind::Commits, 10 + order)));
            let output = output(folder.path(), &wanted);
            output.keep_first(Kind::Commits, &output.allowance(1.0)).unwrap();
            let kept = kept(output);
            let count = |seen| kept.iter().filter(|one| one.1 == seen).count();
            assert_eq!([count(true), count(false)], expected);
        }
    }
}
