//! What an earlier run found in stretches of commits: commits do not change.

use std::collections::HashSet;

use gix::ObjectId;

use super::HistoryOptions;
use super::scan::Finding;
use super::stretch::is_last;
use super::walk::{Base, Step};
use crate::cache::{Key, KeyMaker};

/// Parts commits into stretches.
pub(super) fn stretches(mut steps: &[Step]) -> Vec<&[Step]> {
    let mut stretches = Vec::new();
    while !steps.is_empty() {
        let last = steps.iter().zip(1..).position(|(step, count)| is_last(step.commit.id, count));
        let end = last.map_or(steps.len(), |at| at + 1);
        let (stretch, rest) = steps.split_at(end);
        stretches.push(stretch);
        steps = rest;
    }
    stretches
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
