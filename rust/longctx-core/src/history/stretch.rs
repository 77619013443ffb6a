//! Where a line of commits is cut into stretches: where an id says so, so that new commits change only the first ones.

use gix::ObjectId;

/// A stretch has at most so many commits.
const LONGEST: usize = 256;

/// Whether a stretch ends with a commit, its `count`th: one in so many says so.
pub(super) fn is_last(commit: ObjectId, count: usize) -> bool {
    count == LONGEST || commit.as_slice().last().is_some_and(|byte| byte % 64 == 0)
}
