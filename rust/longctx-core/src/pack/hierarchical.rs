//! Hierarchical sequences: what the targets need, then what stands beside them, then the targets.

use rayon::prelude::*;
use serde_json::Map;

use super::context::{Chooser, Parts};
use super::corpus::Record;
use super::fit::Block;
use super::output::{About, Output, Side};
use super::plan::{self, Planned};
use super::references::Finder;
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
    let planned: Vec<(Side, u64, Planned)> = parts
        .par_iter()
        .flat_map(|&(band, side)| {
            let planned = plan::plan(world, band, side);
            (0u64..).zip(planned).map(|(order, one)| (side, order, one)).collect::<Vec<_>>()
        })
        .collect();
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
            features: finder.features(&maker.draft)?,
            extra,
        };
        output.put(&maker.draft, about)
    })
}

/// Buffers of one thread.
#[derive(Default)]
struct Maker {
    draft: Draft,
    parts: Parts,
    bytes: Vec<u8>,
    ids: Vec<u32>,
}

impl Maker {
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

        let taught = window.tokens.start + window.context;
        let mut push = |role: Role, bytes: [u32; 2], tokens: [u32; 2]| {
            if bytes[0] < bytes[1] {
                draft.segments.push(Segment {
                    path: record.name.clone(),
                    blob: record.blob.clone(),
                    commit: world.commit.clone(),
                    role,
                    bytes,
                    tokens: tokens.map(|token| token - window.tokens.start + text_at),
                    why: if tokens[1] <= taught { Why::Overlap } else { Why::Target },
                    name: None,
                    needed_by: None,
                });
            }
        };
        let (mut byte, mut token) = (window.bytes.start, window.tokens.start);
        for hidden in record.redacted.iter() {
            if hidden.tokens.start >= window.tokens.start && hidden.tokens.end <= window.tokens.end {
                push(Role::File, [byte, hidden.bytes.start], [token, hidden.tokens.start]);
                let bytes = [hidden.bytes.start, hidden.bytes.end];
                push(Role::Redacted, bytes, [hidden.tokens.start, hidden.tokens.end]);
                (byte, token) = (hidden.bytes.end, hidden.tokens.end);
            }
        }
        push(Role::File, [byte, window.bytes.end], [token, window.tokens.end]);
        Ok(())
    }
}
