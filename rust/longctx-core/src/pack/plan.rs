//! Which file blocks are learnt together: the targets of each hierarchical sequence.

use std::path::Path;

use longctx_column::Column;

use super::fit::{Block, fit};
use super::split::Side;
use super::world::World;
use crate::Result;
use crate::buckets::part;
use crate::list::ListWriter;
use crate::sequence::Window;

/// The targets of all sequences of one band and side: lists on disk, for there may be millions of sequences.
pub struct Plan {
    side: Side,
    band: usize,
    blocks: Column<Block>,
    /// Where the blocks of each sequence end.
    ends: Column<u32>,
}

/// Targets of one sequence.
#[derive(Debug, Clone, Copy)]
pub struct Planned<'p> {
    /// Its side of the split.
    pub side: Side,
    /// Which of the bands.
    pub band: usize,
    /// Its place among the sequences of the plan.
    pub order: u64,
    /// The one with context first, then by document.
    pub blocks: &'p [Block],
}

impl Plan {
    /// How many sequences there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// The targets of a sequence.
    pub fn sequence(&self, order: usize) -> Planned<'_> {
        let blocks = &self.blocks[part(&self.ends, order)];
        Planned { side: self.side, band: self.band, order: order as u64, blocks }
    }
}

impl Planned<'_> {
    /// Tokens of the blocks in all.
    pub fn length(&self) -> u32 {
        self.blocks.iter().map(|block| block.length).sum()
    }
}

/// The share of a band that whole files may take together where context stands before them.
pub fn target_limit(max: u32) -> u32 {
    max - max / 3
}

/// The targets on one side of the split in one band, by directory. With context, whole files share two thirds of the
/// band; a longer one that the band can hold whole is alone.
///
/// The plan lies in files in `folder`.
///
/// # Errors
/// [`crate::Error::Io`] if the disk is full.
pub fn plan(world: &World<'_>, band: usize, side: Side, folder: &Path) -> Result<Plan> {
    let documents = &world.corpus.documents;
    let with_context = world.shows_context();
    let blocks = (0u32..)
        .zip(documents.iter())
        .filter(|(document, _)| world.sides.of(*document) == side)
        .flat_map(|(document, record)| {
            let elision = world.kit.elisions.of(record.language.line_comment);
            let header = record.header.len() as u32;
            let windows = record.windows(band, world.shows_context_before(&record));
            (0u32..).zip(windows).map(move |(number, window)| Block {
                document,
                window: number,
                length: window.block_length(header, elision),
                context: window.context,
            })
        });
    let limits = &world.options.bands[band];
    let (min, max) = match with_context {
        true => (target_limit(limits.min), target_limit(limits.max)),
        false => (limits.min, limits.max),
    };
    let path_of = |document: u32| documents.path(document);
    let (mut planned, mut ends) = (ListWriter::new(folder)?, ListWriter::new(folder)?);
    fit(blocks, path_of, min, max, |bin| {
        planned.extend(&bin.blocks)?;
        ends.extend(&[planned.len() as u32])
    })?;
    Ok(Plan { side, band, blocks: planned.finish()?, ends: ends.finish()? })
}

/// The window that a block shows.
pub fn window(world: &World<'_>, band: usize, block: &Block) -> Window {
    let record = world.corpus.documents.get(block.document);
    record.window(band, world.shows_context_before(&record), block.window)
}
