//! Hierarchical sequences: what the targets need, then what stands beside them, then the targets.

use std::sync::Arc;

use rayon::prelude::*;

use super::context::{Chooser, Parts};
use super::documents::Record;
use super::fit::Block;
use super::output::{About, Extra, Output};
use super::plan::{self, Plan, Planned};
use super::references::{Defined, Finder};
use super::split::Side;
use super::world::World;
use crate::Result;
use crate::interrupt::Watch;
use crate::sequence::{Draft, Kind, Role, Segment, Why};
use crate::threads::{Share, spread_each};

/// Makes the hierarchical sequences of all bands and both sides.
///
/// # Errors
/// [`crate::Error::Io`], [`crate::Error::Interrupted`].
pub fn make(world: &World<'_>, output: &Output, watch: Watch<'_>) -> Result<()> {
    let bands = 0..world.options.bands.len();
    let parts: Vec<(usize, Side)> = bands.flat_map(|band| [(band, Side::Train), (band, Side::Val)]).collect();
    let folder = output.folder();
    let plan = |&(band, side): &(usize, Side)| plan::plan(world, band, side, &folder);
    let plans: Vec<Plan> = parts.par_iter().map(plan).collect::<Result<_>>()?;
    let places = (0u32..).zip(&plans).flat_map(|(plan, all)| (0..all.len() as u32).map(move |at| (plan, at)));
    let mut places: Vec<(u32, u32)> = places.collect();
    let planned = |&(plan, at): &(u32, u32)| plans[plan as usize].sequence(at as usize);
    // What the bands show of a file is made while its text is at hand.
    places.sort_unstable_by_key(|place| (planned(place).blocks.first().map(|block| block.document), *place));
    // Planning takes more room than the plan.
    longctx_alloc::give_back();
    let (chooser, finder) = rayon::join(|| Chooser::new(world), || Finder::new(world));
    watch.progress.begin("files", "sequences", places.len() as u64);
    spread_each(places.len(), Share::Neighbours(16), Maker::default, |maker, at| {
        watch.check()?;
        let one = planned(&places[at]);
        maker.sequence(world, &chooser, one)?;
        watch.progress.advance(1);
        let mut documents: Vec<u32> = one.blocks.iter().map(|block| block.document).collect();
        documents.dedup();
        let clusters = world.clusters(documents.into_iter());
        let mut extra = Extra::default();
        if !clusters.is_empty() {
            extra.add("clusters", &clusters);
        }
        let about = About {
            side: one.side,
            seen: one.side == Side::Train,
            kind: Kind::Hierarchical,
            band: one.band,
            order: one.order,
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
    fn sequence(&mut self, world: &World<'_>, chooser: &Chooser<'_>, planned: Planned<'_>) -> Result<()> {
        chooser.fill(planned, &mut self.parts, &mut self.draft)?;
        let mut blocks = planned.blocks.to_vec();
        // A block with overlap comes first: what follows it is learnt.
        blocks.sort_by_key(|block| {
            (!block.has_context(), world.reading_order[block.document as usize], block.window)
        });
        for (place, block) in blocks.iter().enumerate() {
            let record = world.corpus.documents.get(block.document);
            let window = plan::window(world, planned.band, block);
            if place == 0 {
                let elision = world.kit.elisions.of(record.language.line_comment);
                self.draft.loss_start =
                    self.draft.len() + window.loss_start(record.header.len() as u32, elision);
            }
            self.target(world, &record, planned.band, block)?;
        }
        Ok(())
    }

    /// Appends the file block of a target.
    fn target(&mut self, world: &World<'_>, record: &Record<'_>, band: usize, block: &Block) -> Result<()> {
        let window = plan::window(world, band, block);
        let elision = world.kit.elisions.of(record.language.line_comment);
        let draft = &mut self.draft;
        draft.push(&[world.kit.markers.file_start]);
        draft.push(record.header);
        draft.push(window.head(elision));
        let text_at = draft.len();
        world.corpus.read_tokens(record, window.tokens.clone(), &mut self.bytes, &mut self.ids)?;
        draft.push(&self.ids);
        draft.push(window.tail(elision));
        draft.push(&[world.kit.markers.file_end]);

        let taught = [window.learnt_from, window.tokens.start + window.context];
        let (path, blob): (Arc<str>, Arc<str>) = (record.name.into(), record.blob.into());
        // Both ends are a byte of the document and a token. Where what was taught before ends, a segment ends.
        let mut show = |role: Role, from: [u32; 2], to: [u32; 2]| {
            let cut = if from[1] < taught[1] && taught[1] < to[1] { taught } else { from };
            for (from, to) in [(from, cut), (cut, to)] {
                if from[0] < to[0] {
                    draft.segments.push(Segment {
                        path: path.clone(),
                        blob: blob.clone(),
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
