//! Which file blocks are learnt together: the targets of each hierarchical sequence.

use super::fit::{Bin, Block, fit};
use super::output::Side;
use super::world::World;
use crate::sequence::Window;

/// Targets of one sequence.
pub struct Planned {
    /// Their blocks and length.
    pub bin: Bin,
    /// Which of the bands.
    pub band: usize,
}

/// The share of a band that whole files may take together where context stands before them.
pub fn target_limit(max: u32) -> u32 {
    max - max / 3
}

/// The targets on one side of the split in one band, by directory. With context, whole files share two thirds of the
/// band; a longer one that the band can hold whole is alone.
pub fn plan(world: &World<'_>, band: usize, side: Side) -> Vec<Planned> {
    let documents = &world.corpus.documents;
    let with_context = world.shows_context();
    let blocks: Vec<Block> = (0u32..)
        .zip(documents)
        .filter(|(document, _)| world.sides.of(*document) == side)
        .flat_map(|(document, record)| {
            let elision = world.kit.elisions.of(record.language.line_comment);
            let header = record.header.len() as u32;
            let windows = record.windows[band].windows(world.shows_context_before(record));
            (0u32..).zip(windows).map(move |(number, window)| Block {
                document,
                window: number,
                length: window.block_length(header, elision),
                has_context: window.context > 0,
            })
        })
        .collect();
    let limits = &world.options.bands[band];
    let (min, max) = match with_context {
        true => (target_limit(limits.min), target_limit(limits.max)),
        false => (limits.min, limits.max),
    };
    let path_of = |document: u32| &documents[document as usize].path;
    fit(&blocks, path_of, min, max).into_iter().map(|bin| Planned { bin, band }).collect()
}

/// The window that a block shows.
pub fn window<'w>(world: &World<'w>, band: usize, block: &Block) -> &'w Window {
    let record = &world.corpus.documents[block.document as usize];
    &record.windows[band].windows(world.shows_context_before(record))[block.window as usize]
}
