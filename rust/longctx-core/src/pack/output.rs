//! Finished sequences of all kinds, on their way to the shards.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use rustc_hash::FxHashSet;
use serde::Serialize;
use serde_json::{Map, Value};

use super::spool::{Shelf, Spool, SpoolReader};
use crate::Result;
use crate::difficulty::{Difficulty, Features};
use crate::sequence::{Band, Draft, Kind, Segment};
use crate::shard::TokenWidth;

/// The metadata of most sequences has no more bytes, nor has what they are hashed by besides their tokens.
const USUAL: usize = 1 << 14;

/// A side of the split; the discriminant is the place in [`super::write::SPLITS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// Learnt.
    Train = 0,
    /// Kept to measure with.
    Val = 1,
}

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
    pub extra: Map<String, Value>,
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
    extra: &'m Map<String, Value>,
}

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
    /// Its place among those of its side, band and kind.
    pub order: u64,
    /// In tokens.
    pub length: u32,
    /// Tokens from here on carry loss.
    pub loss_start: u32,
    /// The level of `score`.
    pub difficulty: Difficulty,
    /// See [`Features::score`].
    pub score: f32,
    /// Different files.
    pub files: u32,
    /// Made of all that it is.
    hash: [u8; 8],
    at: u64,
    meta_bytes: u32,
}

/// Collects sequences from many threads.
pub struct Output {
    bands: Vec<Band>,
    width: TokenWidth,
    state: Mutex<(Spool, Vec<Waiting>)>,
}

impl Output {
    /// An empty one, its spool in `folder`.
    ///
    /// # Errors
    /// [`crate::Error::Io`].
    pub fn new(folder: &Path, bands: &[Band], width: TokenWidth) -> Result<Self> {
        Ok(Self { bands: bands.to_vec(), width, state: Mutex::new((Spool::new(folder)?, Vec::new())) })
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
            extra: &extra,
        };
        // Text, numbers and objects with text keys only: JSON can hold all of it.
        let meta_at = buffer.len();
        if serde_json::to_writer(&mut buffer, &meta).is_err() {
            buffer.truncate(meta_at);
        }
        let mut hash = [0; 8];
        hash.copy_from_slice(&digest.as_bytes()[..8]);
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let at = state.0.append(|out| out.extend_from_slice(&buffer[tokens_at..]))?;
        state.1.push(Waiting {
            side,
            band: band as u8,
            kind,
            seen,
            order,
            length: features.tokens,
            loss_start: draft.loss_start,
            difficulty,
            score,
            files: features.files,
            hash,
            at,
            meta_bytes: (buffer.len() - meta_at) as u32,
        });
        Ok(())
    }

    /// How many tokens the sequences of a kind have so far.
    pub fn tokens(&self, kind: Kind) -> u64 {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.1.iter().filter(|one| one.kind == kind).map(|one| u64::from(one.length)).sum()
    }

    /// A shelf in the same folder.
    ///
    /// # Errors
    /// [`crate::Error::Io`].
    pub fn shelf(&self) -> Result<Shelf> {
        Shelf::new(self.state.lock().unwrap_or_else(PoisonError::into_inner).0.folder())
    }

    /// How many tokens sequences of another kind may have in each band, on either side: `ratio` times those of the
    /// hierarchical ones.
    pub fn allowance(&self, ratio: f64) -> Vec<[u64; 2]> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let mut tokens = vec![[0; 2]; self.bands.len()];
        for one in state.1.iter().filter(|one| one.kind == Kind::Hierarchical) {
            tokens[usize::from(one.band)][one.side as usize] += u64::from(one.length);
        }
        tokens.into_iter().map(|sides| sides.map(|tokens| (tokens as f64 * ratio) as u64)).collect()
    }

    /// Drops those of a kind that come last in their order until the rest keeps to its allowance, and says how many.
    /// For validation, what is seen in training and what is not get half of it each, and what the other leaves.
    pub fn keep_first(&self, kind: Kind, allowance: &[[u64; 2]]) -> u64 {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let mut groups: BTreeMap<(u8, Side, bool), Vec<usize>> = BTreeMap::new();
        for (at, one) in state.1.iter().enumerate().filter(|(_, one)| one.kind == kind) {
            groups.entry((one.band, one.side, one.seen)).or_default().push(at);
        }
        let sum = |places: &Vec<usize>| places.iter().map(|&at| u64::from(state.1[at].length)).sum::<u64>();
        let wanted: BTreeMap<_, u64> = groups.iter().map(|(&group, places)| (group, sum(places))).collect();
        let mut dropped: HashSet<usize> = HashSet::new();
        for (&(band, side, seen), places) in &mut groups {
            places.sort_unstable_by_key(|&at| (state.1[at].order, state.1[at].hash));
            let allowed = allowance[usize::from(band)][side as usize];
            let other = wanted.get(&(band, side, !seen)).copied().unwrap_or(0);
            let allowed = share(allowed, other);
            let mut sum = 0;
            dropped.extend(places.iter().skip_while(|&&at| {
                sum += u64::from(state.1[at].length);
                sum <= allowed
            }));
        }
        let mut at = 0;
        state.1.retain(|_| {
            at += 1;
            !dropped.contains(&(at - 1))
        });
        dropped.len() as u64
    }

    /// Ends collecting: sequences by side, band, kind and order; of several that are the same in all, the first.
    ///
    /// # Errors
    /// [`crate::Error::Io`] if the disk is full.
    pub fn finish(self) -> Result<Finished> {
        let (spool, mut sequences) = self.state.into_inner().unwrap_or_else(PoisonError::into_inner);
        sequences.sort_unstable_by_key(|one| (one.side, one.band, one.kind as u8, one.order, one.hash));
        let mut known = HashSet::new();
        let before = sequences.len();
        sequences.retain(|one| known.insert((one.band, one.kind as u8, one.hash)));
        let repeated = (before - sequences.len()) as u64;
        let bands = self.bands.iter().map(|band| band.id).collect();
        Ok(Finished { sequences, repeated, bands, width: self.width, spool: spool.finish()? })
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

/// All sequences of a dataset, in order.
pub struct Finished {
    /// In the order of the shards.
    pub sequences: Vec<Waiting>,
    /// How many were left out because an equal one is there.
    pub repeated: u64,
    bands: Vec<u8>,
    width: TokenWidth,
    spool: SpoolReader,
}

impl Finished {
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
            let (features, extra) = (Features::default(), Map::new());
            output.put(&draft, About { side, seen, kind, band: 0, order, features, extra }).unwrap();
        }
        output
    }

    fn kept(output: Output) -> Vec<(Side, bool, u64)> {
        let sequences = output.finish().unwrap().sequences;
        let commits = sequences.iter().filter(|one| one.kind == Kind::Commits);
        commits.map(|one| (one.side, one.seen, one.order)).collect()
    }

    #[test]
    fn a_kind_keeps_to_its_share_of_the_hierarchical_sequences() {
        let folder = tempfile::tempdir().unwrap();
        let mut wanted = vec![(Side::Train, true, Kind::Hierarchical, 0); 4];
        wanted.extend((0..4).rev().map(|order| (Side::Train, true, Kind::Commits, order)));
        let output = output(folder.path(), &wanted);
        let allowance = output.allowance(0.5);
        assert_eq!(allowance, [[20, 0]]);
        assert_eq!(output.keep_first(Kind::Commits, &allowance), 2);
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
            output.keep_first(Kind::Commits, &output.allowance(1.0));
            let kept = kept(output);
            let count = |seen| kept.iter().filter(|one| one.1 == seen).count();
            assert_eq!([count(true), count(false)], expected);
        }
    }
}
