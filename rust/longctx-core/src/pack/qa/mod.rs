//! Sequences of questions about snippets of files, whose answers the syntax trees and the history prove.
//!
//! A sequence shows some snippets, each behind its marker, then several questions that they answer. The answer to a
//! question is the marker of the only snippet that is right (in a chain, the markers of several), or that none of them
//! is. Which snippets stand together is chosen first, then every question that they answer without doubt is found, and
//! some of these are drawn. Where a snippet stands is drawn without looking at the questions, so that an answer is as
//! likely in one place as in another. Names and paths in a question are never enough: they do not tell the place.

mod ask;
mod chain;
mod changes;
mod code;
mod counts;
mod dice;
mod draw;
mod imports;
mod index;
mod introduced;
mod items;
mod lay;
mod new_lines;
mod phrases;
mod question;
mod resolve;
mod snippet;
#[cfg(test)]
mod tests;

use rayon::prelude::*;

pub use counts::QaCounts;

use self::ask::Asker;
use self::code::{Chooser, Shape};
use self::dice::Dice;
use self::draw::{QUESTIONS, about_code, some_of};
use self::imports::Heads;
use self::index::Index;
use self::introduced::{Commits, Place};
use self::items::Items;
use self::lay::{Blocks, Buffers, Made, Shows};
use self::question::{Dropped, Question};
use super::commits::Story;
use super::output::{About, Output};
use super::split::Side;
use super::world::World;
use crate::Result;
use crate::interrupt::Watch;
use crate::sequence::{Band, Draft, Kind};
use crate::threads::{Share, spread};

/// About how many tokens a question takes with its answer.
const QUESTION: u32 = 44;
/// Sequences that are made at once, at most.
const BATCH: u64 = 256;

/// What a sequence is built around.
#[derive(Debug, Clone, Copy)]
enum Anchor {
    /// A target of the index.
    Code(u32),
    /// A document whose head is shown.
    Head(u32),
    /// A change of a document.
    Commit(Place),
}

/// What all sequences are made from.
struct Work<'a, 'w> {
    world: &'w World<'w>,
    index: &'a Index<'w>,
    items: &'a Items,
    heads: &'a Heads<'w>,
    commits: Option<&'a Commits<'a, 'w>>,
    band: usize,
    side: Side,
}

/// A sequence, or why there is none.
struct Outcome {
    /// What it teaches is (also) in the training split.
    seen: bool,
    made: Result<Made, &'static str>,
    dropped: Dropped,
}

/// Makes the questions of all bands and both sides: at most [`super::PackOptions::qa_ratio`] times as many tokens as the
/// hierarchical sequences have, which must be there already.
///
/// # Errors
/// [`crate::Error::Io`], [`crate::Error::Interrupted`].
pub fn make(world: &World<'_>, story: Option<&Story>, output: &Output, watch: Watch<'_>) -> Result<QaCounts> {
    let allowance = output.allowance(world.options.qa_ratio);
    if allowance.iter().flatten().all(|&room| room == 0) {
        return Ok(QaCounts::default());
    }
    let folder = output.folder();
    let index = Index::new(world, &folder, watch)?;
    let library = story.map(|story| story.library(world, watch));
    let (items, (heads, commits)) = rayon::join(
        || Items::new(world, &index, &folder),
        || (Heads::new(world), library.as_ref().map(|library| Commits::new(world, library))),
    );
    let items = items?;
    let mut counts = QaCounts::default();
    watch.progress.begin("questions", "sequences", 0);
    for (band, rooms) in allowance.into_iter().enumerate() {
        for side in [Side::Train, Side::Val] {
            let work = Work {
                world,
                index: &index,
                items: &items,
                heads: &heads,
                commits: commits.as_ref(),
                band,
                side,
            };
            work.part(rooms[side as usize], output, &mut counts, watch)?;
        }
    }
    Ok(counts)
}

/// How many snippets a band's sequences have and how much room they take.
fn shape(band: &Band) -> Shape {
    let count = match band.max {
        ..400 => [3, 3],
        400..=1024 => [4, 6],
        1025..=2048 => [8, 10],
        _ => [12, 16],
    };
    let questions = QUESTION * (QUESTIONS[0] + QUESTIONS[1]) as u32 / 2;
    Shape { count, tokens: [band.min, band.max].map(|tokens| tokens.saturating_sub(questions)) }
}

impl<'w> Work<'_, 'w> {
    /// Makes sequences of at most `room` tokens in all.
    fn part(&self, room: u64, output: &Output, counts: &mut QaCounts, watch: Watch<'_>) -> Result<()> {
        let band = self.world.options.bands[self.band];
        let anchors = self.anchors();
        let (mut rest, mut left, mut order) = (&anchors[..], room, 0);
        while !rest.is_empty() && left > 0 {
            // As many as there is room for at least, whatever the number of threads: what is made beyond it is dropped.
            let wanted = (left / u64::from(band.max.max(1)) + 2).min(BATCH).min(rest.len() as u64) as usize;
            let (batch, others) = rest.split_at(wanted);
            rest = others;
            // Neighbours show the same files: they are made one after the other, then put back into their order.
            let mut batch: Vec<(usize, Anchor)> = batch.iter().copied().enumerate().collect();
            batch.sort_by_key(|&(_, anchor)| self.neighbourhood(anchor));
            let mut outcomes = spread(batch.len(), Share::Neighbours(2), Buffers::default, |buffers, at| {
                watch.check()?;
                let (place, anchor) = batch[at];
                let mut dropped = Dropped::default();
                let made = self.sequence(anchor, buffers, &mut dropped)?;
                let seen = match (anchor, self.commits) {
                    (Anchor::Commit(place), Some(commits)) => commits.is_seen(place),
                    _ => self.side == Side::Train,
                };
                Ok((place, Outcome { seen, made, dropped }))
            })?;
            outcomes.sort_unstable_by_key(|&(place, _)| place);
            let (mut kept, mut full) = (Vec::with_capacity(outcomes.len()), false);
            for (_, outcome) in outcomes {
                counts.dropped.merge(&outcome.dropped);
                let made = match outcome.made {
                    Ok(made) => made,
                    Err(reason) => {
                        counts.dropped.note(reason);
                        continue;
                    }
                };
                let tokens = u64::from(made.part.len());
                full = tokens > left;
                if full {
                    break;
                }
                left -= tokens;
                counts.add(band.id, &made);
                kept.push((order, outcome.seen, made));
                order += 1;
            }
            kept.into_par_iter().with_max_len(4).try_for_each_init(
                Draft::default,
                |draft, (order, seen, made)| {
                    watch.progress.advance(1);
                    self.put(draft, order, seen, made, output)
                },
            )?;
            if full {
                break;
            }
        }
        Ok(())
    }

    /// Whether an anchor is a change of a file, and where the file stands.
    fn neighbourhood(&self, anchor: Anchor) -> (bool, u32) {
        match anchor {
            Anchor::Code(target) => (false, self.index.targets()[target as usize].document),
            Anchor::Head(document) => (false, document),
            Anchor::Commit((chain, _)) => (true, chain),
        }
    }

    fn put(&self, draft: &mut Draft, order: u64, seen: bool, made: Made, output: &Output) -> Result<()> {
        let about = About {
            side: self.side,
            seen,
            kind: Kind::Qa,
            band: self.band,
            order,
            features: made.features,
            extra: made.extra,
        };
        draft.clear();
        draft.append(&made.part);
        draft.loss_start = made.part.loss_start;
        output.put(draft, about)
    }

    /// What sequences can be built around, in an order drawn by the seed: three targets, a head, a commit, and so on.
    fn anchors(&self) -> Vec<Anchor> {
        let band = [self.world.options.bands[self.band].id];
        let draw = |purpose: &[u8], path: &[u8], name: &[u8]| self.world.draw(purpose, &[&band, path, name]);
        let path = |document: u32| self.world.corpus.documents.path(document).as_bytes();
        let here = |document: u32| self.world.sides.of(document) == self.side;
        let code = (0..self.index.targets().len() as u32).into_par_iter().with_min_len(64);
        let code = code.filter_map(|target| {
            let item = self.index.targets()[target as usize];
            let mut callers = self.index.callers(target);
            let asked = here(item.document) && self.items.contains(item);
            (asked && callers.any(|(from, _)| self.world.may_show(self.side, from))).then(|| {
                let name = self.index.definition(item).map_or("", |definition| definition.name());
                (draw(b"qa code", path(item.document), name.as_bytes()), Anchor::Code(target))
            })
        });
        let heads = self.heads.documents().iter().copied().filter(|&document| here(document));
        let heads = heads.map(|document| (draw(b"qa head", path(document), b""), Anchor::Head(document)));
        let commits = self.commits.into_iter().flat_map(|commits| {
            commits.places(self.side).map(|place| {
                let (path, step) = commits.name_of(place);
                (draw(b"qa commit", path, &step.to_le_bytes()), Anchor::Commit(place))
            })
        });
        let mut families =
            [code.collect(), heads.collect(), commits.collect()].map(|mut family: Vec<(u64, Anchor)>| {
                family.sort_unstable_by_key(|&(place, _)| place);
                family.into_iter().map(|(_, anchor)| anchor).peekable()
            });
        let mut out = Vec::new();
        while families.iter_mut().any(|family| family.peek().is_some()) {
            for (family, share) in families.iter_mut().zip([3, 1, 1]) {
                out.extend(family.take(share));
            }
        }
        out
    }

    fn sequence(
        &self,
        anchor: Anchor,
        buffers: &mut Buffers,
        dropped: &mut Dropped,
    ) -> Result<Result<Made, &'static str>> {
        let Self { world, index, items, side, .. } = *self;
        let shape = shape(&world.options.bands[self.band]);
        let mut dice = Dice::new(self.seed(anchor));
        Ok(match anchor {
            Anchor::Code(target) => {
                let set = Chooser { world, index, items, side }.set(target, &shape, &mut dice)?;
                let blocks = self.blocks(set, &shape, buffers, &mut dice);
                match blocks {
                    Ok(blocks) => {
                        let asker = Asker { world, index, items, side, set: &blocks.set };
                        let questions = about_code(&asker, &mut dice, dropped)?;
                        self.lay(&blocks, questions, buffers, dropped)
                    }
                    Err(reason) => Err(reason),
                }
            }
            Anchor::Head(document) => {
                let set = self.heads.set(index, document, side, &shape, &mut dice)?;
                self.blocks(set, &shape, buffers, &mut dice).and_then(|blocks| {
                    let [found, unanswered] = self.heads.questions(&blocks.set, side, &mut dice, dropped);
                    let questions = some_of(found, unanswered, &mut dice);
                    self.lay(&blocks, questions, buffers, dropped)
                })
            }
            Anchor::Commit(place) => {
                let Some(commits) = self.commits else { return Ok(Err("no history")) };
                let set = commits.set(place, side, &shape, &mut dice);
                self.blocks(set, &shape, buffers, &mut dice).and_then(|blocks| {
                    let found = commits.questions(&blocks.set, place, &mut dice, dropped);
                    let questions = some_of(found, Vec::new(), &mut dice);
                    self.lay(&blocks, questions, buffers, dropped)
                })
            }
        })
    }

    fn seed(&self, anchor: Anchor) -> u64 {
        let (kind, numbers) = match anchor {
            Anchor::Code(target) => (b"code", [target, 0]),
            Anchor::Head(document) => (b"head", [document, 0]),
            Anchor::Commit((chain, step)) => (b"past", [chain, step]),
        };
        let [first, second] = numbers.map(u32::to_le_bytes);
        let part = [self.world.options.bands[self.band].id, self.side as u8];
        self.world.draw(b"qa sequence", &[kind, &part, &first, &second])
    }

    /// Encodes a set, the least wanted left out where it is too long, and shuffles it.
    fn blocks<S: Shows>(
        &self,
        set: Option<Vec<S>>,
        shape: &Shape,
        buffers: &mut Buffers,
        dice: &mut Dice,
    ) -> Result<Blocks<S>, &'static str> {
        let max = self.world.options.bands[self.band].max;
        let room = max.saturating_sub(QUESTION * QUESTIONS[0] as u32);
        let set = set.ok_or("too few snippets")?;
        let blocks = lay::blocks(&self.world.kit, set, room, buffers, dice).map_err(|_| "not lossless")?;
        if blocks.set.len() < shape.count[0] { Err("too long") } else { Ok(blocks) }
    }

    fn lay<S: Shows>(
        &self,
        blocks: &Blocks<S>,
        questions: Vec<Question>,
        buffers: &mut Buffers,
        dropped: &mut Dropped,
    ) -> Result<Made, &'static str> {
        let max = self.world.options.bands[self.band].max;
        match blocks.lay(&self.world.kit, questions, max, QUESTIONS[0], buffers, dropped) {
            Ok(made) => made.ok_or("too few questions"),
            Err(_) => Err("not lossless"),
        }
    }
}
