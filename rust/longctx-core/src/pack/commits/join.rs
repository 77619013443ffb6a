//! Puts short tellings of one folder together, and knows how much there is by now.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::plan::Class;
use super::sums::Sums;
use super::telling::{Form, Telling};
use crate::sequence::Band;

/// Tellings that may share a sequence.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    band: usize,
    class: Class,
    form: Form,
    directory: Vec<u8>,
}

/// Collects short tellings until they fill a sequence.
pub struct Joiner<'j> {
    bands: &'j [Band],
    waiting: BTreeMap<Key, Vec<Telling>>,
    /// Tokens of what was taken, by the newest commit that its sequence tells of for certain.
    taken: BTreeMap<(usize, Class), Sums>,
    /// How many commits there are.
    commits: usize,
}

/// Tellings that make one sequence, oldest first.
pub type Group = Vec<Telling>;

impl<'j> Joiner<'j> {
    /// Nothing yet, of so many commits.
    pub fn new(bands: &'j [Band], commits: usize) -> Self {
        Self { bands, waiting: BTreeMap::new(), taken: BTreeMap::new(), commits }
    }

    /// Takes a telling; gives back what makes a sequence now.
    pub fn take(&mut self, telling: Telling) -> Option<Group> {
        let band = self.bands[telling.band];
        self.taken(telling.band, telling.class).add(telling.newest(), u64::from(telling.part.len()));
        if telling.part.len() >= band.min {
            return Some(self.finish(vec![telling]));
        }
        let key = Key {
            band: telling.band,
            class: telling.class,
            form: telling.form,
            directory: telling.directory.clone(),
        };
        let waiting = self.waiting.entry(key).or_default();
        if length(waiting) + telling.part.len() <= band.max {
            waiting.push(telling);
            return None;
        }
        let full = std::mem::replace(waiting, vec![telling]);
        Some(self.finish(full))
    }

    /// What waits still; short ones of neighbouring folders are put together.
    pub fn rest(&mut self) -> Vec<Group> {
        let mut out = Vec::new();
        // The folders inside of one come after it: from the last to the first, each is done before the one it lies in.
        while let Some((key, group)) = self.waiting.pop_last() {
            let band = self.bands[key.band];
            let end = memchr::memrchr(b'/', &key.directory).unwrap_or(0);
            let above = Key { directory: key.directory[..end].to_vec(), ..key.clone() };
            if length(&group) >= band.min || key.directory.is_empty() {
                out.push(self.finish(group));
                continue;
            }
            let waiting = self.waiting.entry(above).or_default();
            if length(waiting) + length(&group) <= band.max {
                waiting.extend(group);
            } else {
                let longer =
                    if length(waiting) >= length(&group) { std::mem::replace(waiting, group) } else { group };
                out.push(self.finish(longer));
            }
        }
        out
    }

    /// Tokens in a band and class that are or will be in sequences whose newest commit comes before `commit`, at least.
    pub fn tokens_before(&self, band: usize, class: Class, commit: u32) -> u64 {
        self.taken.get(&(band, class)).map_or(0, |taken| taken.before(commit))
    }

    fn taken(&mut self, band: usize, class: Class) -> &mut Sums {
        self.taken.entry((band, class)).or_insert_with(|| Sums::new(self.commits))
    }

    fn finish(&mut self, mut group: Group) -> Group {
        group.sort_by_key(|telling| (Reverse(telling.newest()), telling.document));
        if let Some(last) = group.last() {
            let taken = self.taken(last.band, last.class);
            for telling in &group {
                taken.take(telling.newest(), u64::from(telling.part.len()));
            }
            taken.add(last.newest(), u64::from(length(&group)));
        }
        group
    }
}

fn length(group: &[Telling]) -> u32 {
    group.iter().map(|telling| telling.part.len()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pack::split::Side;
    use crate::sequence::Part;

    const BANDS: [Band; 1] = [Band { id: 1, min: 50, max: 100, overlap: 0 }];
    const TRAIN: Class = Class { side: Side::Train, seen: true };

    fn telling(directory: &str, length: usize, commit: u32) -> Telling {
        Telling {
            band: 0,
            part: Part { tokens: vec![0; length], ..Part::default() },
            form: Form::Changes,
            class: TRAIN,
            document: 0,
            directory: directory.as_bytes().to_vec(),
            commits: vec![commit],
            distances: Vec::new(),
            distractors: 0,
        }
    }

    fn shape(group: &Group) -> Vec<(usize, u32)> {
        group.iter().map(|telling| (telling.part.tokens.len(), telling.newest())).collect()
    }

    #[test]
    fn short_tellings_of_a_folder_fill_a_sequence_oldest_first() {
        let mut joiner = Joiner::new(&BANDS, 10);
        assert_eq!(joiner.take(telling("a", 60, 0)).map(|group| shape(&group)), Some(vec![(60, 0)]));
        assert!(joiner.take(telling("a", 40, 1)).is_none());
        assert!(joiner.take(telling("b", 45, 2)).is_none());
        assert!(joiner.take(telling("a", 45, 3)).is_none());
        let full = joiner.take(telling("a", 30, 4)).map(|group| shape(&group));
        assert_eq!(full, Some(vec![(45, 3), (40, 1)]));
        assert_eq!(joiner.tokens_before(0, TRAIN, 1), 60);
        assert_eq!(joiner.tokens_before(0, TRAIN, 2), 145);
    }

    #[test]
    fn what_waits_counts_by_its_own_commit_until_its_sequence_has_a_newer_one() {
        let mut joiner = Joiner::new(&BANDS, 10);
        let before = |joiner: &Joiner<'_>, commit| joiner.tokens_before(0, TRAIN, commit);
        for (length, commit) in [(20, 4), (30, 9)] {
            assert!(joiner.take(telling("a", length, commit)).is_none());
        }
        assert_eq!([4, 5, 9, 10].map(|commit| before(&joiner, commit)), [0, 20, 20, 50]);
        assert!(joiner.take(telling("a", 60, 7)).is_some());
        assert!(joiner.take(telling("a", 70, 8)).is_some());
        assert_eq!(before(&joiner, 5), 20);
        assert!(joiner.take(telling("a", 49, 2)).is_none());
        assert_eq!(joiner.rest().iter().map(shape).collect::<Vec<_>>(), [vec![(30, 9), (20, 4), (49, 2)]]);
        assert_eq!([2, 3, 8, 9].map(|commit| before(&joiner, commit)), [0, 99, 159, 229]);
    }

    #[test]
    fn what_is_left_moves_up_and_meets_its_relatives() {
        let mut joiner = Joiner::new(&BANDS, 10);
        for (directory, length, commit) in [("a/b", 30, 0), ("a/c/d", 15, 1), ("a", 20, 2), ("q/r", 5, 3)] {
            assert!(joiner.take(telling(directory, length, commit)).is_none());
        }
        let rest: Vec<_> = joiner.rest().iter().map(shape).collect();
        assert_eq!(rest, [vec![(20, 2), (15, 1), (30, 0)], vec![(5, 3)]]);
    }
}
