//! Packing file blocks into sequences: best fit within a directory, what is left over moves up to its parent.

use std::collections::BTreeSet;

use bytemuck::{AnyBitPattern, NoUninit};

use crate::Result;
use crate::path::RepoPathRef;

/// A file block that wants a place in a sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, NoUninit, AnyBitPattern)]
#[repr(C)]
pub struct Block {
    /// The document, by number; documents are sorted by path.
    pub document: u32,
    /// Which of its windows in this band.
    pub window: u32,
    /// Tokens of the block.
    pub length: u32,
    /// How many of them at its beginning carry no loss.
    pub context: u32,
}

impl Block {
    /// It begins with context that carries no loss, so it must come first in its sequence.
    pub fn has_context(&self) -> bool {
        self.context > 0
    }
}

/// Blocks that make one sequence, the one with context first, then by document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bin {
    /// In order.
    pub blocks: Vec<Block>,
    /// Tokens in all.
    pub length: u32,
}

/// A directory whose files are being collected.
struct Open<'p> {
    path: &'p [u8],
    blocks: Vec<Block>,
}

/// Packs `blocks`, sorted by document, into bins of at most `max` tokens and hands each to `out`. Bins below `min` are
/// emptied into the parent directory; only the root keeps some.
///
/// # Errors
/// Those of `out`.
pub fn fit<'p>(
    blocks: impl Iterator<Item = Block>,
    path_of: impl Fn(u32) -> RepoPathRef<'p>,
    min: u32,
    max: u32,
    mut out: impl FnMut(Bin) -> Result<()>,
) -> Result<()> {
    let mut stack = vec![Open { path: b"", blocks: Vec::new() }];
    for block in blocks {
        let directory = path_of(block.document).parent();
        while stack.len() > 1 && !stack.last().is_some_and(|open| contains(open.path, directory)) {
            close(&mut stack, min, max, &mut out)?;
        }
        let depth = stack.last().map_or(0, |open| open.path.len());
        let ends = directory.iter().enumerate().skip(depth + usize::from(depth > 0));
        let ends: Vec<usize> = ends.filter(|&(_, &byte)| byte == b'/').map(|(at, _)| at).collect();
        if directory.len() > depth {
            for end in ends.into_iter().chain([directory.len()]) {
                stack.push(Open { path: &directory[..end], blocks: Vec::new() });
            }
        }
        if let Some(open) = stack.last_mut() {
            open.blocks.push(block);
        }
    }
    while stack.len() > 1 {
        close(&mut stack, min, max, &mut out)?;
    }
    if let Some(root) = stack.pop() {
        best_fit(root.blocks, max).into_iter().try_for_each(out)?;
    }
    Ok(())
}

fn contains(folder: &[u8], directory: &[u8]) -> bool {
    folder.is_empty()
        || directory == folder
        || (directory.starts_with(folder) && directory.get(folder.len()) == Some(&b'/'))
}

/// Packs the innermost open directory; its short bins go to the parent.
fn close(
    stack: &mut Vec<Open<'_>>,
    min: u32,
    max: u32,
    out: &mut impl FnMut(Bin) -> Result<()>,
) -> Result<()> {
    let Some(open) = stack.pop() else { return Ok(()) };
    for bin in best_fit(open.blocks, max) {
        match stack.last_mut() {
            Some(parent) if bin.length < min => parent.blocks.extend(bin.blocks),
            _ => out(bin)?,
        }
    }
    Ok(())
}

/// Best-fit decreasing: the longest block first, each into the fullest bin that still has room. At most one block with
/// context a bin.
fn best_fit(mut blocks: Vec<Block>, max: u32) -> Vec<Bin> {
    blocks.sort_unstable_by_key(|block| (std::cmp::Reverse(block.length), block.document, block.window));
    let mut bins: Vec<Bin> = Vec::new();
    // (room left, bin), without and with a block that has context.
    let mut open: [BTreeSet<(u32, usize)>; 2] = [BTreeSet::new(), BTreeSet::new()];
    for block in blocks {
        let tightest = |set: &BTreeSet<(u32, usize)>| set.range((block.length, 0)..).next().copied();
        let plain = tightest(&open[0]).map(|found| (found, false));
        let with_context = tightest(&open[1]).filter(|_| !block.has_context()).map(|found| (found, true));
        match [plain, with_context].into_iter().flatten().min() {
            Some(((room, bin), context)) => {
                open[usize::from(context)].remove(&(room, bin));
                open[usize::from(context || block.has_context())].insert((room - block.length, bin));
                bins[bin].length += block.length;
                bins[bin].blocks.push(block);
            }
            None => {
                let room = max.saturating_sub(block.length);
                open[usize::from(block.has_context())].insert((room, bins.len()));
                bins.push(Bin { length: block.length, blocks: vec![block] });
            }
        }
    }
    for bin in &mut bins {
        bin.blocks.sort_unstable_by_key(|block| (!block.has_context(), block.document, block.window));
    }
    bins.sort_unstable_by_key(|bin| bin.blocks.iter().map(|block| (block.document, block.window)).min());
    bins
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::path::RepoPath;
    use proptest::prelude::*;

    fn block(document: u32, length: u32, has_context: bool) -> Block {
        Block { document, window: 0, length, context: u32::from(has_context) }
    }

    fn bins_of(blocks: &[Block], paths: &[RepoPath], min: u32, max: u32) -> Vec<Bin> {
        let mut bins = Vec::new();
        let path_of = |document: u32| paths[document as usize].borrow();
        let keep = |bin| {
            bins.push(bin);
            Ok(())
        };
        fit(blocks.iter().copied(), path_of, min, max, keep).unwrap();
        bins
    }

    fn fit_all(paths: &[&str], lengths: &[u32], min: u32, max: u32) -> Vec<Vec<u32>> {
        let paths: Vec<RepoPath> = paths.iter().map(|&path| path.into()).collect();
        let blocks: Vec<Block> = (0u32..).zip(lengths).map(|(n, &length)| block(n, length, false)).collect();
        let bins = bins_of(&blocks, &paths, min, max);
        bins.iter().map(|bin| bin.blocks.iter().map(|block| block.document).collect()).collect()
    }

    #[test]
    fn files_of_one_directory_go_together() {
        let paths = ["a/x", "a/y", "b/x", "b/y", "c"];
        assert_eq!(fit_all(&paths, &[40, 40, 40, 40, 90], 50, 100), [vec![0, 1], vec![2, 3], vec![4]]);
    }

    #[test]
    fn what_is_too_short_moves_up_and_meets_its_relatives() {
        let paths = ["a/b/x", "a/c/d/y", "a/z", "q/r"];
        assert_eq!(fit_all(&paths, &[10, 10, 40, 5], 50, 100), [vec![0, 1, 2], vec![3]]);
    }

    #[test]
    fn sibling_folders_with_a_common_prefix_stay_apart() {
        let paths = ["a-b/x", "a/x", "a/y", "ab/x"];
        assert_eq!(fit_all(&paths, &[50, 25, 25, 50], 50, 100), [vec![0], vec![1, 2], vec![3]]);
    }

    proptest! {
        #[test]
        fn every_block_has_one_place_and_no_bin_is_too_long(
            specs in prop::collection::vec(("[ab]{1,2}(/[ab]{1,2}){0,4}", 1u32..100, any::<bool>()), 0..60),
        ) {
            let mut specs = specs;
            specs.sort_by(|a, b| a.0.as_bytes().cmp(b.0.as_bytes()));
            let paths: Vec<RepoPath> = specs.iter().map(|spec| spec.0.as_str().into()).collect();
            let blocks: Vec<Block> = (0u32..).zip(&specs).map(|(n, spec)| block(n, spec.1, spec.2)).collect();
            let bins = bins_of(&blocks, &paths, 50, 100);
            let mut seen: Vec<u32> = bins.iter().flat_map(|bin| bin.blocks.iter().map(|block| block.document)).collect();
            seen.sort_unstable();
            prop_assert_eq!(seen, (0..blocks.len() as u32).collect::<Vec<_>>());
            for bin in &bins {
                prop_assert_eq!(bin.length, bin.blocks.iter().map(|block| block.length).sum::<u32>());
                prop_assert!(bin.length <= 100);
                prop_assert!(bin.blocks[1..].iter().all(|block| !block.has_context()));
            }
        }
    }
}
