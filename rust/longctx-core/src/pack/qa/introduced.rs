//! Questions about which commit introduced a line.
//!
//! A snippet is a commit that changed a file: its subject, and a part of the file after it. A line is asked for if the
//! file has it after the commit and had it nowhere before, if one snippet alone shows it, and if no other of the commits
//! shown introduced it too.

use std::ops::Range;
use std::sync::Arc;

use memchr::memmem;

use super::changes::{Brought, Changes, Found};
use super::code::Shape;
use super::dice::Dice;
use super::lay::Shows;
use super::phrases;
use super::question::{Dropped, Fact, Proof, Question, Type};
use crate::pack::commits::{Class, Library, Message, Step};
use crate::pack::context::estimate;
use crate::pack::split::Side;
use crate::pack::world::World;
use crate::sequence::{Draft, Kit, Piece, Role, Why};
use crate::tokenize::NotLossless;

/// So many neighbouring files lend their commits, each way.
const REACH: usize = 12;
/// Tokens of a snippet besides its text: markers, frames, elisions, id and subject.
const FRAME: u32 = 36;

/// A place in a chain: which chain, and which of its steps.
pub type Place = (u32, u32);

/// The commits of the documents.
pub struct Commits<'a, 'w> {
    world: &'w World<'w>,
    library: &'a Library<'a>,
    /// For each chain the steps that changed the file and left it where it was, and where questions about them go.
    steps: Vec<Box<[(u32, Class)]>>,
    changes: Changes<'w>,
}

/// A commit that changed a file, and a part of the file.
pub struct Change {
    message: Message,
    commit: String,
    parent: String,
    class: Class,
    after: Arc<Brought>,
    shown: Range<usize>,
    /// Shown lines that can be asked for, from 0.
    new: Vec<u32>,
}

impl<'a, 'w> Commits<'a, 'w> {
    /// The commits that a library reads.
    pub fn new(world: &'w World<'w>, library: &'a Library<'a>) -> Self {
        let plan = library.plan;
        let is_change = |step: &Step| {
            let parent = plan.history.commits[step.commit as usize].parent;
            parent.is_some() && step.before.as_ref().is_some_and(|before| before.path == step.after.path)
        };
        let steps = plan.chains.iter().map(|told| {
            let changes = (0u32..).zip(&told.steps).filter(|(_, step)| is_change(step));
            changes.map(|(at, step)| (at, plan.class(world, told.document, step.commit))).collect()
        });
        Self { world, library, steps: steps.collect(), changes: Changes::new(world.cache) }
    }

    /// The changes that sequences of a side can be built around.
    pub fn places(&self, side: Side) -> impl Iterator<Item = Place> {
        (0u32..).zip(&self.steps).flat_map(move |(chain, steps)| {
            let asked = steps.iter().filter(move |(_, class)| class.side == side);
            asked.map(move |&(at, _)| (chain, at))
        })
    }

    /// What names a place in a draw.
    pub fn name_of(&self, place: Place) -> (&'w [u8], u32) {
        let document = self.library.plan.chains[place.0 as usize].document;
        (self.world.corpus.documents.path(document).as_bytes(), place.1)
    }

    /// Commits of a file, and others of it and of the files beside it, the most wanted first; none if there are too
    /// few.
    pub fn set(&self, place: Place, side: Side, shape: &Shape, dice: &mut Dice) -> Option<Vec<Change>> {
        let count = dice.between(shape.count);
        let mut left = shape.tokens[1];
        let mut set: Vec<Change> = Vec::with_capacity(count);
        for other in std::iter::once(place).chain(self.near(place, side, dice)) {
            if set.len() >= shape.count[1] || set.len() >= count && shape.tokens[1] - left >= shape.tokens[0]
            {
                break;
            }
            let share = left / count.saturating_sub(set.len()).max(1) as u32;
            let Some((change, tokens)) = self.change(other, share, dice) else {
                if set.is_empty() {
                    return None;
                }
                continue;
            };
            if !set.iter().any(|known| known.commit == change.commit) {
                left = left.saturating_sub(tokens);
                set.push(change);
            }
        }
        (set.len() >= shape.count[0]).then_some(set)
    }

    /// Questions about a set of commits: those of the class of `place`.
    pub fn questions(
        &self,
        set: &[Change],
        place: Place,
        dice: &mut Dice,
        dropped: &mut Dropped,
    ) -> Vec<Question> {
        let class = self.step(place).map(|step| self.class(place, step));
        let mut found = Vec::new();
        for (at, change) in set.iter().enumerate().filter(|(_, change)| Some(change.class) == class) {
            for &line in &change.new {
                let text = change.after.line(line);
                let finder = memmem::Finder::new(text);
                let again = |(other, one): (usize, &Change)| {
                    other != at
                        && (one.after.adds(text) || finder.find(one.shown_text().as_bytes()).is_some())
                };
                if set.iter().enumerate().any(again) {
                    dropped.note("ambiguous");
                    continue;
                }
                let path = change.path();
                // A path that no other snippet has would be the answer.
                let tells = set.iter().filter(|other| other.path() == path).count() == 1;
                let names = [("line", text), ("path", path)];
                let mut proof = Proof::new(Fact::Introduces, path, line + 1, text, Some(at));
                proof.commit = Some(change.commit.clone());
                proof.parent = Some(change.parent.clone());
                found.push(Question {
                    kind: Type::Commit,
                    subject: text.to_owned(),
                    text: phrases::commit(dice, if tells { &names[..1] } else { &names }),
                    answers: vec![at],
                    about: Vec::new(),
                    proof: vec![proof],
                    hops: 1,
                });
            }
        }
        found
    }

    fn step(&self, place: Place) -> Option<&'a Step> {
        self.library.plan.chains.get(place.0 as usize)?.steps.get(place.1 as usize)
    }

    /// Where what is asked about a step goes.
    pub fn class(&self, place: Place, step: &Step) -> Class {
        let plan = self.library.plan;
        plan.class(self.world, plan.chains[place.0 as usize].document, step.commit)
    }

    /// Whether training teaches the file of a place as it is now.
    pub fn is_seen(&self, place: Place) -> bool {
        self.step(place).is_some_and(|step| self.class(place, step).seen)
    }

    /// Other changes that `side` may show: of the same file, then of the files beside it; a draw decides the order.
    fn near(&self, place: Place, side: Side, dice: &mut Dice) -> Vec<Place> {
        let here = place.0 as usize;
        let places = |chain: usize| {
            let steps = self.steps.get(chain).map_or(&[][..], |steps| steps);
            let fitting = steps.iter().filter(|(_, class)| side == Side::Val || class.side == Side::Train);
            fitting.map(move |&(at, _)| (chain as u32, at)).filter(|&other| other != place)
        };
        let mut own: Vec<Place> = places(here).collect();
        dice.shuffle(&mut own);
        let around = here.saturating_sub(REACH)..(here + REACH + 1).min(self.steps.len());
        let mut beside: Vec<Place> = around.filter(|&chain| chain != here).flat_map(places).collect();
        dice.shuffle(&mut beside);
        own.append(&mut beside);
        own
    }

    /// A change, shown in about `tokens` tokens, and how many it takes; none if it has no line that can be asked for.
    fn change(&self, place: Place, tokens: u32, dice: &mut Dice) -> Option<(Change, u32)> {
        let step = self.step(place)?;
        let commit = &self.library.plan.history.commits[step.commit as usize];
        let after = match self.changes.read(self.library, place, step) {
            Found::Unreadable => return None,
            Found::Nothing => {
                // As if one of none were picked.
                dice.below(0);
                return None;
            }
            Found::Change(after) => after,
        };
        let focus = *dice.pick(&after.asked)?;
        let document = self.library.plan.chains[place.0 as usize].document;
        let record = self.world.corpus.documents.get(document);
        let room = tokens.saturating_sub(record.header.len() as u32 + FRAME);
        let bytes = (f64::from(room) * f64::from(record.sizes.text_bytes)
            / f64::from(record.sizes.tokens.max(1))) as usize;
        let lines = after.around(focus, bytes);
        let new = after.asked.iter().copied().filter(|line| lines.contains(line)).collect();
        let shown = after.bytes(&lines);
        let size = estimate(&record, shown.len()) + record.header.len() as u32 + FRAME;
        let change = Change {
            message: self.library.message(step.commit),
            commit: commit.id.to_string(),
            parent: commit.parent?.to_string(),
            class: self.class(place, step),
            after,
            shown,
            new,
        };
        Some((change, size))
    }
}

impl Change {
    fn shown_text(&self) -> &str {
        &self.after.text[self.shown.clone()]
    }
}

impl Shows for Change {
    fn block(&self, kit: &Kit<'_>, draft: &mut Draft) -> Result<(), NotLossless> {
        draft.begin_commit(kit, &self.message.short_id, &self.message.subject)?;
        let piece = Piece::new(self.shown.clone(), Role::Snippet, Why::Distractor);
        draft.file_block(kit, &self.after.as_text(), &[piece])?;
        draft.end_commit(kit);
        Ok(())
    }

    fn path(&self) -> &str {
        self.after.name()
    }

    fn name(&self) -> &str {
        &self.message.short_id
    }
}
