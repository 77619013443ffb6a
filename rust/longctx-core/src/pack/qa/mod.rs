//! Sequences of questions about snippets of files, whose answers the syntax trees and the history prove.
//!
//! A sequence shows some snippets, each behind its marker, then several questions that they answer. The answer to a
//! question is the marker of the only snippet that is right (in a chain, the markers of several), or that none of them
//! is. Which snippets stand together is chosen first, then every question that they answer without doubt is found, and
//! some of these are drawn. Where a snippet stands is drawn without looking at the questions, so that an answer is as
//! likely in one place as in another. Names and paths in a question are never enough: they do not tell the place.

mod ask;
mod chain;
mod code;
mod counts;
mod dice;
mod imports;
mod index;
mod items;
mod lay;
mod phrases;
mod question;
mod resolve;
mod snippet;
#[cfg(test)]
mod tests;

use rayon::prelude::*;

pub use counts::QaCounts;

use self::ask::{Asker, Candidate};
use self::code::{Chooser, Shape};
use self::dice::Dice;
use self::imports::Heads;
use self::index::Index;
use self::items::Items;
use self::lay::{Buffers, Made};
use self::question::{Dropped, Question};
use super::output::{About, Output, Side};
use super::world::World;
use crate::Result;
use crate::interrupt::Watch;
use crate::sequence::{Band, Draft, Kind};

/// Questions of a sequence, fewest and most.
const QUESTIONS: [usize; 2] = [3, 6];
/// One in so many questions has no snippet for an answer.
const NONE_IN: usize = 10;
/// So many questions of a sequence may have the same answer.
const SAME_ANSWER: usize = 2;
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
}

/// What all sequences are made from.
struct Work<'a, 'w> {
    world: &'w World<'w>,
    index: &'a Index<'w>,
    items: &'a Items,
    heads: &'a Heads<'w>,
    band: usize,
    side: Side,
}

/// A sequence, or why there is none.
struct Outcome {
    made: Result<Made, &'static str>,
    dropped: Dropped,
}

/// Makes the questions of all bands and both sides: at most [`super::PackOptions::qa_ratio`] times as many tokens as the
/// hierarchical sequences have, which must be there already.
///
/// # Errors
/// [`crate::Error::Io`], [`crate::Error::Interrupted`].
pub fn make(world: &World<'_>, output: &Output, watch: Watch<'_>) -> Result<QaCounts> {
    let index = Index::new(world, watch)?;
    let (items, heads) = (Items::new(world, &index), Heads::new(world));
    let allowance = output.allowance(world.options.qa_ratio);
    let mut counts = QaCounts::default();
    watch.progress.begin("questions", "sequences", 0);
    for band in 0..world.options.bands.len() {
        for side in [Side::Train, Side::Val] {
            let work = Work { world, index: &index, items: &items, heads: &heads, band, side };
            work.part(allowance[band][side as usize], output, &mut counts, watch)?;
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
        let mut draft = Draft::default();
        while !rest.is_empty() && left > 0 {
            // The number of threads must not decide what is made.
            let wanted = (left / u64::from(band.min.max(1)) + 2).min(BATCH).min(rest.len() as u64) as usize;
            let (batch, others) = rest.split_at(wanted);
            rest = others;
            let outcomes: Vec<Outcome> = batch
                .par_iter()
                .map_init(Buffers::default, |buffers, &anchor| {
                    watch.check()?;
                    let mut dropped = Dropped::default();
                    let made = self.sequence(anchor, buffers, &mut dropped)?;
                    Ok(Outcome { made, dropped })
                })
                .collect::<Result<_>>()?;
            for outcome in outcomes {
                counts.dropped.merge(&outcome.dropped);
                let made = match outcome.made {
                    Ok(made) => made,
                    Err(reason) => {
                        counts.dropped.note(reason);
                        continue;
                    }
                };
                let tokens = u64::from(made.part.len());
                if tokens > left {
                    return Ok(());
                }
                left -= tokens;
                counts.add(band.id, &made);
                watch.progress.advance(1);
                let about = About {
                    side: self.side,
                    seen: self.side == Side::Train,
                    kind: Kind::Qa,
                    band: self.band,
                    order,
                    features: made.features,
                    extra: made.extra,
                };
                draft.clear();
                draft.append(&made.part);
                draft.loss_start = made.part.loss_start;
                output.put(&draft, about)?;
                order += 1;
            }
        }
        Ok(())
    }

    /// What sequences can be built around, in an order drawn by the seed: three targets, then a head, and so on.
    fn anchors(&self) -> Vec<Anchor> {
        let band = [self.world.options.bands[self.band].id];
        let path = |document: u32| self.world.corpus.documents[document as usize].path.as_bytes();
        let here = |document: u32| self.world.sides.of(document) == self.side;
        let mut code: Vec<(u64, u32)> = (0u32..)
            .zip(self.index.targets())
            .filter(|&(target, &item)| {
                here(item.document)
                    && self.items.contains(item)
                    && self.index.callers(target).any(|(from, _)| self.world.may_show(self.side, from))
            })
            .map(|(target, &item)| {
                let name = self.index.definition(item).map_or("", |definition| &definition.name);
                (self.world.draw(b"qa code", &[&band, path(item.document), name.as_bytes()]), target)
            })
            .collect();
        let heads = self.heads.documents().iter().copied().filter(|&document| here(document));
        let mut heads: Vec<(u64, u32)> =
            heads.map(|document| (self.world.draw(b"qa head", &[&band, path(document)]), document)).collect();
        code.sort_unstable();
        heads.sort_unstable();
        let mut code = code.into_iter().map(|(_, target)| Anchor::Code(target)).peekable();
        let mut heads = heads.into_iter().map(|(_, document)| Anchor::Head(document)).peekable();
        let mut out = Vec::new();
        while code.peek().is_some() || heads.peek().is_some() {
            out.extend(code.by_ref().take(3));
            out.extend(heads.next());
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
        let band = world.options.bands[self.band];
        let (kind, number) = match anchor {
            Anchor::Code(target) => (b"code", target),
            Anchor::Head(document) => (b"head", document),
        };
        let seed = world.draw(b"qa sequence", &[kind, &[band.id, side as u8], &number.to_le_bytes()]);
        let mut dice = Dice::new(seed);
        let shape = shape(&band);
        let set = match anchor {
            Anchor::Code(target) => Chooser { world, index, items, side }.set(target, &shape, &mut dice)?,
            Anchor::Head(document) => self.heads.set(index, document, side, &shape, &mut dice)?,
        };
        let Some(set) = set else { return Ok(Err("too few snippets")) };
        let room = band.max.saturating_sub(QUESTION * QUESTIONS[0] as u32);
        let Ok(blocks) = lay::blocks(&world.kit, set, room, buffers, &mut dice) else {
            return Ok(Err("not lossless"));
        };
        if blocks.set.len() < shape.count[0] {
            return Ok(Err("too long"));
        }
        let questions = match anchor {
            Anchor::Code(_) => {
                let asker = Asker { world, index, items, side, set: &blocks.set };
                about_code(&asker, &mut dice, dropped)?
            }
            Anchor::Head(_) => {
                let [found, unanswered] = self.heads.questions(index, &blocks.set, side, &mut dice, dropped);
                about_imports(found, unanswered, &mut dice)
            }
        };
        let laid = blocks.lay(&world.kit, questions, band.max, QUESTIONS[0], buffers, dropped);
        Ok(match laid {
            Ok(Some(made)) => Ok(made),
            Ok(None) => Err("too few questions"),
            Err(_) => Err("not lossless"),
        })
    }
}

/// Draws some of what can be asked about definitions, each type as likely as the others.
fn about_code(asker: &Asker<'_, '_>, dice: &mut Dice, dropped: &mut Dropped) -> Result<Vec<Question>> {
    let mut types: [Vec<Candidate>; 4] = Default::default();
    for candidate in asker.candidates(dropped) {
        let place = match candidate {
            Candidate::Chain(_) => 0,
            Candidate::Callee { .. } => 1,
            Candidate::Caller { .. } => 2,
            _ => 3,
        };
        types[place].push(candidate);
    }
    let mut unanswered = asker.unanswered(dice);
    let wanted = dice.between(QUESTIONS);
    let mut questions: Vec<Question> = Vec::with_capacity(wanted);
    while questions.len() < wanted {
        let filled: Vec<usize> = (0..types.len()).filter(|&place| !types[place].is_empty()).collect();
        let from = match dice.pick(&filled) {
            _ if !unanswered.is_empty() && dice.one_in(NONE_IN) => &mut unanswered,
            Some(&place) => &mut types[place],
            None => break,
        };
        let candidate = from.swap_remove(dice.below(from.len()));
        if let Some(question) = asker.word(&candidate, dice)? {
            add(&mut questions, question);
        }
    }
    Ok(questions)
}

/// Draws some of the questions about imports.
fn about_imports(mut found: Vec<Question>, mut unanswered: Vec<Question>, dice: &mut Dice) -> Vec<Question> {
    let wanted = dice.between(QUESTIONS);
    let mut questions: Vec<Question> = Vec::with_capacity(wanted);
    while questions.len() < wanted && !found.is_empty() {
        let none = !unanswered.is_empty() && dice.one_in(NONE_IN);
        let from = if none { &mut unanswered } else { &mut found };
        add(&mut questions, from.swap_remove(dice.below(from.len())));
    }
    questions
}

/// Adds a question unless one about the same thing is there, or two with the same answer.
fn add(questions: &mut Vec<Question>, question: Question) {
    let again = |other: &&Question| other.answers == question.answers;
    let known = |other: &Question| other.kind == question.kind && other.subject == question.subject;
    if !questions.iter().any(known) && questions.iter().filter(again).count() < SAME_ANSWER {
        questions.push(question);
    }
}
