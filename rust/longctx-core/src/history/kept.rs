//! What an earlier run found in stretches of commits: commits do not change.

use std::collections::HashSet;

use gix::ObjectId;

use super::HistoryOptions;
use super::scan::Finding;
use super::walk::{Base, Step};
use crate::cache::{Key, KeyMaker};

/// A stretch has at most so many commits.
const LONGEST: usize = 256;

/// Parts commits into stretches that end where an id says so: a new commit changes one of them only.
pub(super) fn stretches(mut steps: &[Step]) -> Vec<&[Step]> {
    let mut stretches = Vec::new();
    while !steps.is_empty() {
        let is_last = |step: &Step| ends_stretch(step.commit.id);
        let end = steps.iter().take(LONGEST).position(is_last).map_or(LONGEST.min(steps.len()), |at| at + 1);
        let (stretch, rest) = steps.split_at(end);
        stretches.push(stretch);
        steps = rest;
    }
    stretches
}

/// Whether a stretch ends with a commit: one in so many says so.
pub(super) fn ends_stretch(commit: ObjectId) -> bool {
    commit.as_slice().last().is_some_and(|byte| byte % 64 == 0)
}

/// Of all that decides what is found in a stretch.
pub(super) fn key(stretch: &[Step], options: &HistoryOptions, ignored: &HashSet<ObjectId>) -> Key {
    let mut maker = KeyMaker::new("findings");
    maker.number(u64::from(options.skip_bots)).number(u64::from(options.skip_formatting));
    maker.number(options.max_files_per_commit.map_or(u64::MAX, |most| most as u64));
    for step in stretch {
        maker.add(step.commit.id.as_slice()).add(step.tree.as_slice());
        match step.base {
            Base::Nothing => maker.number(0),
            Base::Missing => maker.number(1),
            Base::Tree(id) => maker.number(2).add(id.as_slice()),
        };
        maker.number(u64::from(ignored.contains(&step.commit.id)));
    }
    maker.key()
}

/// What was written down of so many commits; none if it is something else.
pub(super) fn unpack(bytes: &[u8], commits: usize) -> Option<Vec<Finding>> {
    let findings: Vec<Finding> = postcard::from_bytes(bytes).ok()?;
    (findings.len() == commits).then_some(findings)
}
