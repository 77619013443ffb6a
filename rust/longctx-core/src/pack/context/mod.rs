//! What stands before the targets of a hierarchical sequence, chosen without looking at what is learnt.
//!
//! From the front: definitions of the files that the targets need, the files beside the targets, and, where the first
//! target is a later window of a long file, that file's own import lines and the heads of the definitions around the
//! window. What a reader knows before the learnt part decides which definitions matter: the names in the import lines
//! and in the text before it; a seeded share of others from the same files is shown too, so that not everything that is
//! shown will be used.

mod definitions;
mod names;
mod outline;
mod places;
mod siblings;

use std::ops::Range;

use rustc_hash::FxHashSet;

use self::definitions::Wanted;
use self::names::Names;
use self::places::Places;
use super::documents::Record;
use super::fit::Block;
use super::options::Context;
use super::plan::{self, Planned};
use super::split::Side;
use super::world::{Loaded, World};
use crate::Result;
use crate::sequence::{Draft, Piece};

/// Fewer tokens than this are no room for another block.
const LEAST: u32 = 40;

/// Chooses context; the same for all sequences of a dataset.
pub struct Chooser<'c> {
    world: &'c World<'c>,
    places: Places,
}

/// Buffers for the parts of a context.
#[derive(Default)]
pub struct Parts {
    own: Draft,
    beside: Draft,
}

/// What is to be learnt, and what is known before.
struct Targets<'t> {
    side: Side,
    /// Documents that are learnt.
    documents: Vec<u32>,
    /// The documents, with their texts.
    loaded: &'t [Loaded<'t>],
    /// Names that a reader knows before the learnt part.
    known: Names<'t>,
    /// Place in `loaded` of the target that comes first.
    first: usize,
    /// The first target begins with its own overlap.
    later_window: bool,
    /// The byte at which the first target's window begins.
    begins: usize,
}

impl<'c> Chooser<'c> {
    /// Prepares to choose.
    pub fn new(world: &'c World<'c>) -> Self {
        let places = match world.shows_context() {
            true => Places::new(&world.corpus.documents),
            false => Places::default(),
        };
        Self { world, places }
    }

    /// Replaces `draft` by the context of planned targets, at most as long as the band has room.
    ///
    /// # Errors
    /// [`crate::Error::Io`].
    pub fn fill(&self, planned: Planned<'_>, parts: &mut Parts, draft: &mut Draft) -> Result<()> {
        draft.clear();
        let mut room = self.world.options.bands[planned.band].max.saturating_sub(planned.length());
        if room < LEAST || !self.world.shows_context() {
            return Ok(());
        }
        let wants = |what| self.world.options.context.contains(&what);
        let mut documents: Vec<u32> = planned.blocks.iter().map(|block| block.document).collect();
        documents.sort_unstable();
        documents.dedup();
        let loaded: Vec<Loaded<'_>> =
            documents.iter().map(|&document| self.world.load(document)).collect::<Result<_>>()?;
        let targets = self.targets(planned, documents, &loaded);
        let Parts { own, beside } = parts;
        own.clear();
        if wants(Context::Outline) && targets.later_window {
            self.outline(&targets, room / 4, own);
            room -= own.len();
        }
        let mut shown = FxHashSet::default();
        let wanted = wants(Context::Definitions).then(|| Wanted::new(self.world, &targets));
        if let Some(wanted) = &wanted {
            let share = if wants(Context::Siblings) { room / 2 } else { room };
            shown = definitions::append(self.world, wanted, share, draft)?;
            room -= draft.len();
        }
        if wants(Context::Siblings) {
            let ends = self.siblings(&targets, &shown, room, beside)?;
            room -= beside.len();
            if let Some(wanted) = wanted.filter(|_| room >= LEAST && !shown.is_empty()) {
                // What the siblings leave is for more definitions.
                let share = draft.len() + room;
                draft.clear();
                definitions::append(self.world, &wanted, share, draft)?;
            }
            let starts = std::iter::once(Draft::START).chain(ends.iter().copied());
            let blocks: Vec<_> = starts.zip(&ends).collect();
            for (start, end) in blocks.into_iter().rev() {
                draft.append_between(beside, start, *end);
            }
        }
        draft.append_between(own, Draft::START, own.mark());
        Ok(())
    }

    fn targets<'t>(
        &self,
        planned: Planned<'_>,
        documents: Vec<u32>,
        loaded: &'t [Loaded<'t>],
    ) -> Targets<'t> {
        let mut known = Names::new();
        for one in loaded {
            for range in self.world.import_lines(one) {
                known.add(one.text().text.get(range.clone()).unwrap_or_default());
            }
        }
        let (mut later_window, mut begins) = (false, 0);
        let place = |block: &Block| documents.binary_search(&block.document).ok();
        let first = planned.blocks.first().and_then(place).unwrap_or(0);
        if let Some(block) = planned.blocks.first().filter(|block| block.has_context()) {
            let window = plan::window(self.world, planned.band, block);
            if let Some(one) = loaded.get(first) {
                let overlap = window.bytes.start as usize..window.learnt_from as usize;
                known.add(one.text().text.get(overlap).unwrap_or_default());
            }
            (later_window, begins) = (true, window.bytes.start as usize);
        }
        Targets { side: planned.side, documents, loaded, known, first, later_window, begins }
    }
}

impl Targets<'_> {
    fn contains(&self, document: u32) -> bool {
        self.documents.binary_search(&document).is_ok()
    }

    /// The target that the sequence begins with.
    fn first(&self) -> Option<&Loaded<'_>> {
        self.loaded.get(self.first)
    }
}

/// Appends a file block of `pieces` if it has at most `room` tokens; says whether it did.
fn append_block(
    world: &World<'_>,
    loaded: &Loaded<'_>,
    pieces: &[Piece],
    room: u32,
    draft: &mut Draft,
) -> bool {
    let mark = draft.mark();
    let before = draft.len();
    let fits = draft.file_block(&world.kit, &loaded.text(), pieces).is_ok() && draft.len() - before <= room;
    if !fits {
        draft.rewind(mark);
    }
    fits
}

/// About how many tokens some bytes of a document take.
pub(super) fn estimate(record: &Record, bytes: usize) -> u32 {
    (bytes as f64 * f64::from(record.sizes.tokens) / f64::from(record.sizes.text_bytes.max(1))).ceil() as u32
}

/// `range` widened to whole lines.
pub(super) fn whole_lines(text: &str, range: Range<usize>) -> Range<usize> {
    let start = text[..range.start].rfind('\n').map_or(0, |at| at + 1);
    let end = match text[start..range.end].ends_with('\n') {
        true => range.end,
        false => text[range.end..].find('\n').map_or(text.len(), |at| range.end + at + 1),
    };
    start..end
}
