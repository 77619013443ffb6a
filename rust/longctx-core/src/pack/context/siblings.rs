//! The files beside the targets: counterparts (test, header), then those of the nearest names.

use std::cmp::Reverse;

use rustc_hash::FxHashSet;

use super::{Chooser, LEAST, Targets, append_block};
use crate::Result;
use crate::sequence::{Draft, Mark, Piece, Role, Why};

/// So many neighbours in path order are looked at, each way.
const REACH: u32 = 32;
/// So many files are shown at most.
const MOST: usize = 4;
/// A name that so many files share, as `index` or `mod`, tells of no relation.
const COMMON: usize = 6;

/// What a counterpart has more than any sibling.
const COUNTERPART: u32 = 1000;

/// The nearest documents, at most [`MOST`].
#[derive(Default)]
struct Nearest(Vec<Near>);

/// A document that may be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Near {
    score: Reverse<u32>,
    /// How far it is from the first target in the order of paths.
    distance: u32,
    document: u32,
    is_counterpart: bool,
}

impl Nearest {
    fn add(&mut self, near: Near) {
        let place = self.0.partition_point(|other| *other < near);
        if place < MOST {
            self.0.truncate(MOST - 1);
            self.0.insert(place, near);
        }
    }
}

impl Chooser<'_> {
    /// Replaces `draft` by blocks of at most `room` tokens in all, the nearest first, and says where each ends; none are
    /// of documents in `shown`.
    pub(super) fn siblings(
        &self,
        targets: &Targets<'_>,
        shown: &FxHashSet<u32>,
        room: u32,
        draft: &mut Draft,
    ) -> Result<Vec<Mark>> {
        draft.clear();
        let mut ends = Vec::new();
        for near in self.nearest(targets, shown).0 {
            let left = room - draft.len();
            if left < LEAST {
                break;
            }
            let (document, why) = (near.document, near.why());
            let loaded = self.world.load(document)?;
            let text = loaded.text().text;
            let frame = loaded.record.header.len() as u32 + 2;
            if loaded.record.sizes.tokens + frame <= left {
                let whole = [Piece::new(0..text.len(), Role::File, why)];
                append_block(self.world, &loaded, &whole, left, draft);
            } else {
                // A head as long as there is room, cut at a line end; the estimate may need a second try.
                let bytes_per_token = text.len() as f64 / f64::from(loaded.record.sizes.tokens.max(1));
                for share in [95, 80, 60] {
                    let tokens = left.saturating_sub(frame + 4) * share / 100;
                    let bytes = (f64::from(tokens) * bytes_per_token) as usize;
                    let end = memchr::memrchr(b'\n', &text.as_bytes()[..bytes.min(text.len())]);
                    let end = end.map_or(0, |at| at + 1);
                    let head = [Piece::new(0..end, Role::Head, why)];
                    if end == 0 || append_block(self.world, &loaded, &head, left, draft) {
                        break;
                    }
                }
            }
            ends.push(draft.mark());
        }
        Ok(ends)
    }

    /// The documents beside the targets that are nearest.
    fn nearest(&self, targets: &Targets<'_>, shown: &FxHashSet<u32>) -> Nearest {
        let documents = &self.world.corpus.documents;
        let mut nearest = Nearest::default();
        let Some(&first) = targets.documents.get(targets.first) else { return nearest };
        let (low, high) = (targets.documents[0], targets.documents[targets.documents.len() - 1]);
        let may_stand = |document: u32| {
            !targets.contains(document)
                && !shown.contains(&document)
                && self.world.may_show(targets.side, document)
        };
        let mut counterparts: Vec<(u32, u32)> = Vec::new();
        for &target in &targets.documents {
            let same_stem = self.places.of_stem(target);
            if same_stem.len() > COMMON {
                continue;
            }
            for &document in same_stem.iter().filter(|&&document| may_stand(document)) {
                let score = COUNTERPART + self.nearness(target, document);
                match counterparts.iter_mut().find(|(known, _)| *known == document) {
                    Some((_, best)) => *best = score.max(*best),
                    None => counterparts.push((document, score)),
                }
            }
        }
        let mut add = |document: u32, score: u32, is_counterpart: bool| {
            let distance = document.abs_diff(low);
            nearest.add(Near { score: Reverse(score), distance, document, is_counterpart });
        };
        for &(document, score) in &counterparts {
            add(document, score, true);
        }
        let language = documents.language(first);
        let last = documents.len() as u32;
        let around =
            (low.saturating_sub(REACH)..low).chain(low..=high).chain(high + 1..(high + 1 + REACH).min(last));
        for document in around {
            // Text in another language says little: a picture's markup nothing about a manual.
            if documents.language(document).name == language.name
                && may_stand(document)
                && !counterparts.iter().any(|&(known, _)| known == document)
            {
                add(document, self.nearness(first, document), false);
            }
        }
        nearest
    }

    /// How alike two documents are by their paths: same folder, same beginning of the name.
    fn nearness(&self, one: u32, other: u32) -> u32 {
        let (same_folder, shared) = self.places.folders_of(one, other);
        let [one, other] = [one, other].map(|document| self.world.corpus.documents.path(document).name());
        u32::from(same_folder) * 100 + shared.min(10) * 5 + (common(one, other) as u32).min(20)
    }
}

impl Near {
    fn why(&self) -> Why {
        if self.is_counterpart { Why::Counterpart } else { Why::Sibling }
    }
}

/// How many bytes both begin with.
fn common(a: &[u8], b: &[u8]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_nearest_are_the_first_of_all(all in proptest::collection::vec((0u32..4, 0u32..4), 0..12)) {
            let all = (0u32..).zip(all).map(|(document, (score, distance))| Near {
                score: Reverse(score),
                distance,
                document,
                is_counterpart: false,
            });
            let mut sorted: Vec<Near> = all.collect();
            let mut nearest = Nearest::default();
            sorted.iter().for_each(|&near| nearest.add(near));
            sorted.sort_unstable();
            sorted.truncate(MOST);
            prop_assert_eq!(nearest.0, sorted);
        }
    }
}
