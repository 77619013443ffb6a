//! What one piece of work tells, before it is put together with others.

use serde::{Deserialize, Serialize};

use super::plan::Class;
use crate::difficulty::Features;
use crate::sequence::{Band, Draft, Kit, Part};
use crate::tokenize::NotLossless;

/// A way to tell of commits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    /// Whole versions of a file, one after the other.
    Versions,
    /// Parts of a file around what changed, before and after.
    Changes,
    /// One commit across several files.
    Commit,
}

/// A story that is told to its end.
#[derive(Debug, Clone)]
pub struct Telling {
    /// Which of the bands, by place.
    pub band: usize,
    /// Its tokens.
    pub part: Part,
    /// How it is told.
    pub form: Form,
    /// Where it goes.
    pub class: Class,
    /// The document it is about, or the first of them.
    pub document: u32,
    /// The folder of all its files.
    pub directory: Vec<u8>,
    /// Its commits, as places in [`crate::history::History::commits`], as they come.
    pub commits: Vec<u32>,
    /// For each part after a change, the tokens from there back to the part before.
    pub distances: Vec<u32>,
    /// The most parts that were shown when a commit changed others.
    pub distractors: u32,
}

impl Telling {
    /// Its newest commit.
    pub fn newest(&self) -> u32 {
        self.commits.iter().copied().min().unwrap_or(u32::MAX)
    }
}

/// Where sequences are written: the buffers of one band.
pub struct Desk<'d> {
    /// Encodes.
    pub kit: Kit<'d>,
    /// Which of the bands, by place.
    pub band: usize,
    /// Its lengths.
    pub limits: Band,
    /// What is being written.
    pub draft: Draft,
}

/// How a commit introduces itself.
pub struct Message {
    /// The commit, as a place in [`crate::history::History::commits`].
    pub commit: u32,
    /// The first digits of its id.
    pub short_id: String,
    /// Its subject, secrets replaced, not too long.
    pub subject: String,
}

impl Desk<'_> {
    /// Begins a commit block.
    pub fn begin_commit(&mut self, message: &Message) -> Result<(), NotLossless> {
        self.draft.begin_commit(&self.kit, &message.short_id, &message.subject)
    }

    /// Whether what is written is not too long.
    pub fn fits(&self) -> bool {
        self.draft.len() <= self.limits.max
    }

    /// Whether a text is so long that it is not worth trying: tokens of code have three to four bytes on average.
    pub fn is_hopeless(&self, bytes: usize) -> bool {
        bytes > self.limits.max as usize * 10
    }
}

/// The features of a telling, or of several in a sequence.
pub fn features(distances: &mut [u32], distractors: u32) -> Features {
    distances.sort_unstable();
    let at =
        |share: usize| distances.get((distances.len() * share / 100).min(distances.len().saturating_sub(1)));
    Features {
        distance_p50: at(50).copied().unwrap_or(0),
        distance_p90: at(90).copied().unwrap_or(0),
        distractors,
        ..Features::default()
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn features_tell_the_middle_distance_and_a_long_one() {
        let features = |mut distances: Vec<u32>| {
            let features = super::features(&mut distances, 2);
            (features.distance_p50, features.distance_p90, features.distractors)
        };
        assert_eq!(features(vec![]), (0, 0, 2));
        assert_eq!(features(vec![7]), (7, 7, 2));
        assert_eq!(features((1..=10).rev().collect()), (6, 10, 2));
    }
}
