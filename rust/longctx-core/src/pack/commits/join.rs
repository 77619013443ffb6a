//! Puts short tellings of one folder together, and knows how much there is by now.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::plan::Class;
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
    /// Tokens of the sequences made, by their newest commit.
    made: BTreeMap<(usize, Class), BTreeMap<u32, u64>>,
}

/// Tellings that make one sequence, oldest first.
pub type Group = Vec<Telling>;

impl<'j> Joiner<'j> {
    /// Nothing yet.
    pub fn new(bands: &'j [Band]) -> Self {
        Self { bands, waiting: BTreeMap::new(), made: BTreeMap::new() }
    }

    /// Takes a telling; gives back what makes a sequence now.
    pub fn take(&mut self, telling: Telling) -> Option<Group> {
        let band = self.bands[telling.band];
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

    /// Tokens of the sequences of a class in a band that tell of commits before `commit` only.
    pub fn tokens_before(&self, band: usize, class: Class, commit: u32) -> u64 {
        self.made.get(&(band, class)).map_or(0, |made| made.range(..commit).map(|(_, tokens)| tokens).sum())
    }

    fn finish(&mut self, mut group: Group) -> Group {
        group.sort_by_key(|telling| (Reverse(telling.newest()), telling.document));
        if let Some(last) = group.last() {
            let made = self.made.entry((last.band, last.class)).or_default();
            *made.entry(last.newest()).or_default() += u64::from(length(&group));
        }
        group
    }
}

fn length(group: &[Telling]) -> u32 {
    group.iter().map(|telling| telling.part.len()).sum()
}
