//! What an earlier run found in stretches of commits: commits do not change.

use std::collections::HashSet;

use gix::ObjectId;
use serde::{Deserialize, Serialize};

use super::scan::Finding;
use super::trees::{Side, TreeChange};
use super::walk::{Base, Step};
use super::{HistoryOptions, Reason};
use crate::cache::{Key, KeyMaker};

/// A stretch has at most so many commits.
const LONGEST: usize = 256;

#[derive(Serialize, Deserialize)]
struct KeptFinding {
    changes: Vec<KeptChange>,
    left_out: Option<Reason>,
    limited: bool,
}

#[derive(Serialize, Deserialize)]
struct KeptChange {
    path: Vec<u8>,
    from: Option<Vec<u8>>,
    old: Option<(u16, Vec<u8>)>,
    new: Option<(u16, Vec<u8>)>,
}

/// Parts commits into stretches that end where an id says so: a new commit changes one of them only.
pub(super) fn stretches(mut steps: &[Step]) -> Vec<&[Step]> {
    let mut stretches = Vec::new();
    while !steps.is_empty() {
        let is_last = |step: &Step| step.commit.id.as_slice().last().is_some_and(|byte| byte % 64 == 0);
        let end = steps.iter().take(LONGEST).position(is_last).map_or(LONGEST.min(steps.len()), |at| at + 1);
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

/// Findings, written down; none if they cannot be.
pub(super) fn pack(findings: &[Finding]) -> Option<Vec<u8>> {
    let side = |side: Side| (side.mode, side.id.as_slice().to_vec());
    let change = |change: &TreeChange| KeptChange {
        path: change.path.to_vec(),
        from: change.from.as_ref().map(|from| from.to_vec()),
        old: change.old.map(side),
        new: change.new.map(side),
    };
    let finding = |finding: &Finding| KeptFinding {
        changes: finding.changes.iter().map(change).collect(),
        left_out: finding.left_out,
        limited: finding.limited,
    };
    postcard::to_stdvec(&findings.iter().map(finding).collect::<Vec<_>>()).ok()
}

/// What [`pack`] wrote; none if it is not that of so many commits.
pub(super) fn unpack(bytes: &[u8], commits: usize) -> Option<Vec<Finding>> {
    let kept: Vec<KeptFinding> = postcard::from_bytes(bytes).ok()?;
    let side = |(mode, id): (u16, Vec<u8>)| Some(Side { mode, id: ObjectId::try_from(&id[..]).ok()? });
    let both = |kept: Option<(u16, Vec<u8>)>| match kept {
        None => Some(None),
        Some(kept) => side(kept).map(Some),
    };
    let change = |kept: KeptChange| {
        Some(TreeChange {
            path: kept.path.into(),
            from: kept.from.map(Into::into),
            old: both(kept.old)?,
            new: both(kept.new)?,
        })
    };
    let finding = |kept: KeptFinding| {
        let changes = kept.changes.into_iter().map(change).collect::<Option<_>>()?;
        Some(Finding { changes, left_out: kept.left_out, limited: kept.limited })
    };
    if kept.len() != commits {
        return None;
    }
    kept.into_iter().map(finding).collect()
}
