//! Hierarchical sequences: what the targets need, then what stands beside them, then the targets.

use rayon::prelude::*;
use serde_json::Map;

use super::context::{Chooser, Parts};
use super::corpus::Record;
use super::fit::Block;
use super::output::{About, Output, Side};
use super::plan::{self, Planned};
use super::references::{Defined, Finder};
use super::world::World;
use crate::Result;
use crate::interrupt::Watch;
use crate::sequence::{Draft, Kind, Role, Segment, Why};

/// Makes the hierarchical sequences of all bands and both sides.
///
/// # Errors
/// [`crate::Error::Io`], [`crate::Error::Interrupted`].
pub fn make(world: &World<'_>, output: &Output, watch: Watch<'_>) -> Result<()> {
    let bands = 0..world.options.bands.len();
    let parts: Vec<(usize, Side)> = bands.flat_map(|band| [(band, Side::Train), (band, Side::Val)]).collect();
    let mut planned: Vec<(Side, u64, Planned)> = parts
        .par_iter()
        .flat_map(|&(band, side)| {
            let planned = plan::plan(world, band, side);
            (0u64..).zip(planned).map(|(order, one)| (side, order, one)).collect::<Vec<_>>()
        })
        .collect();
    // What the bands show of a file is made while its text is at hand.
    planned.sort_by_key(|(_, _, one)| one.bin.blocks.first().map(|block| block.document));
    let (chooser, finder) = (Chooser::new(world), Finder::new(world));
    watch.progress.begin("files", "sequences", planned.len() as u64);
    planned.par_iter().try_for_each_init(Maker::default, |maker, (side, order, one)| {
        watch.check()?;
        maker.sequence(world, &chooser, one, *side)?;
        watch.progress.advance(1);
        let mut documents: Vec<u32> = one.bin.blocks.iter().map(|block| block.document).collect();
        documents.dedup();
        let clusters = world.clusters(documents.into_iter());
        let extra: Map<_, _> = clusters.into_iter().map(|rows| ("clusters".to_owned(), rows)).collect();
        let about = About {
            side: *side,
            seen: *side == Side::Train,
            kind: Kind::Hierarchical,
            band: one.band,
            order: *order,
            features: finder.features(&maker.draft, &mut maker.defined)?,
            extra,
        };
        output.put(&maker.draft, about)
    })
}

/// Buffers of one thread.
#[derive(Default)]
struct Maker<'w> {
    draft: Draft,
    defined: Defined<'w>,
    parts: Parts,
    bytes: Vec<u8>,
    ids: Vec<u32>,
}

impl Maker<'_> {
    fn sequence(
        &mut self,
        world: &World<'_>,
        chooser: &Chooser<'_>,
        planned: &Planned,
        side: Side,
    ) -> Result<()> {
        chooser.fill(&planned.bin, planned.band, side, &mut self.parts, &mut self.draft)?;
        let mut blocks = planned.bin.blocks.clone();
        // A block with overlap comes first: what follows it is learnt.
        blocks.sort_by_key(|block| {
            (!block.has_context, world.reading_order[block.document as usize], block.window)
        });
        for (place, block) in blocks.iter().enumerate() {
            let record = &world.corpus.documents[block.document as usize];
            let window = plan::window(world, planned.band, block);
            if place == 0 {
                let elision = world.kit.elisions.of(record.language.line_comment);
                self.draft.loss_start =
                    self.draft.len() + window.loss_start(record.header.len() as u32, elision);
            }
            self.target(world, record, planned.band, block)?;
        }
        Ok(())
    }

    /// Appends the file block of a target.
    fn target(&mut self, world: &World<'_>, record: &Record, band: usize, block: &Block) -> Result<()> {
        let window = plan::window(world, band, block);
        let elision = world.kit.elisions.of(record.language.line_comment);
        let draft = &mut self.draft;
        draft.push(&[world.kit.markers.file_start]);
        draft.push(&record.header);
        draft.push(window.head(elision));
        let text_at = draft.len();
        world.corpus.read_tokens(record, window.tokens.clone(), &mut self.bytes, &mut self.ids)?;
        draft.push(&self.ids);
        draft.push(window.tail(elision));
        draft.push(&[world.kit.markers.file_end]);

        let taught = [window.learnt_from, window.tokens.start + window.context];
        // Both ends are a byte of the document and a token. Where what was taught before ends, a segment ends.
        let mut show = |role: Role, from: [u32; 2], to: [u32; 2]| {
            let cut = if from[1] < taught[1] && taught[1] < to[1] { taught } else { from };
            for (from, to) in [(from, cut), (cut, to)] {
                if from[0] < to[0] {
                    draft.segments.push(Segment {
                        path: record.name.clone(),
                        blob: record.blob.clone(),
                        commit: world.commit.clone(),
                        role,
                        bytes: [from[0], to[0]],
                        tokens: [from[1], to[1]].map(|token| token - window.tokens.start + text_at),
                        why: if to[1] <= taught[1] { Why::Overlap } else { Why::Target },
                        name: None,
                        needed_by: None,
                    });
                }
            }
        };
        let mut at = [window.bytes.start, window.tokens.start];
        for hidden in record.redacted.iter() {
            if hidden.tokens.start >= window.tokens.start && hidden.tokens.end <= window.tokens.end {
                let [from, to] =
                    [[hidden.bytes.start, hidden.tokens.start], [hidden.bytes.end, hidden.tokens.end]];
                show(Role::File, at, from);
                show(Role::Redacted, from, to);
                at = to;
            }
        }
        show(Role::File, at, [window.bytes.end, window.tokens.end]);
        Ok(())
    }
}
