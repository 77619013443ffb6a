//! Questions about which commit introduced a line.
//!
//! A snippet is a commit that changed a file: its subject, and a part of the file after it. A line is asked for if the
//! file has it after the commit and had it nowhere before, if one snippet alone shows it, and if no other of the commits
//! shown introduced it too.

use std::collections::HashSet;
use std::ops::Range;

use super::code::Shape;
use super::dice::Dice;
use super::lay::Shows;
use super::phrases;
use super::question::{Dropped, Fact, Proof, Question, Type};
use crate::pack::commits::{Class, Library, Message, Pair, Readings, Step, Version};
use crate::pack::context::estimate;
use crate::pack::output::Side;
use crate::pack::world::World;
use crate::sequence::{Draft, Kit, Piece, Role, Why, words};
use crate::tokenize::NotLossless;

/// Lines that can be asked for, in bytes without the space around them.
const LINE: [usize; 2] = [12, 100];
/// Fewer different words tell nothing.
const WORDS: usize = 3;
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
}

/// A commit that changed a file, and a part of the file.
pub struct Change {
    message: Message,
    commit: String,
    parent: String,
    class: Class,
    after: Version,
    shown: Range<usize>,
    /// Shown lines that can be asked for, from 0.
    new: Vec<u32>,
    /// The text of all lines that it added and that were nowhere before, without the space around them.
    added: HashSet<String>,
}

impl<'a, 'w> Commits<'a, 'w> {
    /// The commits that a library reads.
    pub fn new(world: &'w World<'w>, library: &'a Library<'a>) -> Self {
        Self { world, library }
    }

    /// The changes that sequences of a side can be built around.
    pub fn places(&self, side: Side) -> impl Iterator<Item = Place> {
        let chains = (0u32..).zip(&self.library.plan.chains);
        chains.flat_map(move |(chain, told)| {
            let steps = (0u32..).zip(&told.steps);
            steps
                .filter(move |(_, step)| self.is_change(step) && self.class((chain, 0), step).side == side)
                .map(move |(at, _)| (chain, at))
        })
    }

    /// What names a place in a draw.
    pub fn name_of(&self, place: Place) -> (&'w [u8], u32) {
        let document = self.library.plan.chains[place.0 as usize].document;
        (self.world.corpus.documents[document as usize].path.as_bytes(), place.1)
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
                let text = change.line(line);
                let again = |(other, one): (usize, &Change)| {
                    other != at && (one.shown_text().contains(text) || one.added.contains(text))
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

    /// Whether a step changed a file and left it where it was.
    fn is_change(&self, step: &Step) -> bool {
        let parent = self.library.plan.history.commits[step.commit as usize].parent;
        parent.is_some() && step.before.as_ref().is_some_and(|before| before.path == step.after.path)
    }

    /// Other changes that `side` may show: of the same file, then of the files beside it; a draw decides the order.
    fn near(&self, place: Place, side: Side, dice: &mut Dice) -> Vec<Place> {
        let chains = &self.library.plan.chains;
        let here = place.0 as usize;
        let places = |chain: usize| {
            let steps = (0u32..).zip(chains.get(chain).map_or(&[][..], |told| &told.steps));
            let fitting = steps.filter(|(_, step)| {
                let class = self.class((chain as u32, 0), step);
                self.is_change(step) && (side == Side::Val || class.side == Side::Train)
            });
            fitting.map(|(at, _)| (chain as u32, at)).filter(|&other| other != place).collect::<Vec<_>>()
        };
        let mut own = places(here);
        dice.shuffle(&mut own);
        let around = here.saturating_sub(REACH)..(here + REACH + 1).min(chains.len());
        let mut beside: Vec<Place> = around.filter(|&chain| chain != here).flat_map(places).collect();
        dice.shuffle(&mut beside);
        own.append(&mut beside);
        own
    }

    /// A change, shown in about `tokens` tokens, and how many it takes; none if it has no line that can be asked for.
    fn change(&self, place: Place, tokens: u32, dice: &mut Dice) -> Option<(Change, u32)> {
        let step = self.step(place)?;
        let commit = &self.library.plan.history.commits[step.commit as usize];
        let mut readings = Readings::default();
        let before = self.library.read(step.before.as_ref()?, &mut readings)?;
        let after = self.library.read(&step.after, &mut readings)?;
        let all = new_lines(&before, &after, self.library);
        let bare = |&line: &u32| after.line_text(&(line..line + 1)).trim();
        let mut new: Vec<u32> = all.iter().copied().filter(|line| can_be_asked(&after, *line)).collect();
        let focus = *dice.pick(&new)?;
        let document = self.library.plan.chains[place.0 as usize].document;
        let record = &self.world.corpus.documents[document as usize];
        let room = tokens.saturating_sub(record.header.len() as u32 + FRAME);
        let bytes =
            (f64::from(room) * f64::from(record.text_bytes) / f64::from(record.tokens.max(1))) as usize;
        let lines = around(&after, focus, bytes);
        new.retain(|line| lines.contains(line));
        let shown = after.lines.bytes(&lines);
        let size = estimate(record, shown.len()) + record.header.len() as u32 + FRAME;
        let change = Change {
            message: self.library.message(step.commit),
            commit: commit.id.to_string(),
            parent: commit.parent?.to_string(),
            class: self.class(place, step),
            added: all.iter().map(|line| bare(line).to_owned()).collect(),
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

    /// A line of the file after the commit, without the space around it.
    fn line(&self, line: u32) -> &str {
        self.after.line_text(&(line..line + 1)).trim()
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

/// The lines of a version, from 0, that the version before has nowhere.
fn new_lines(before: &Version, after: &Version, library: &Library<'_>) -> Vec<u32> {
    let known: HashSet<&str> = before.text.lines().map(str::trim).collect();
    let pair = Pair::new(before, after, library.watch);
    let lines = pair.alignment().hunks().iter().flat_map(|hunk| hunk.after.clone());
    lines.filter(|&line| !known.contains(after.line_text(&(line..line + 1)).trim())).collect()
}

/// Whether a line of a version says something, and no secret.
fn can_be_asked(version: &Version, line: u32) -> bool {
    let bytes = version.lines.bytes(&(line..line + 1));
    let text = version.as_text();
    let secret = text.hidden.iter().any(|hidden| hidden.start < bytes.end && bytes.start < hidden.end);
    !secret && says_something(text.text[bytes].trim())
}

fn says_something(line: &str) -> bool {
    let mut different: Vec<&str> = words(line).map(|(_, word)| word).collect();
    different.sort_unstable();
    different.dedup();
    (LINE[0]..=LINE[1]).contains(&line.len()) && different.len() >= WORDS && !line.contains('`')
}

/// The lines around one that `room` bytes hold, half of them before it.
fn around(version: &Version, line: u32, room: usize) -> Range<u32> {
    let mut lines = line..line + 1;
    let size = |lines: &Range<u32>| version.lines.bytes(lines).len();
    while size(&(lines.start.saturating_sub(1)..line)) <= room / 2 && lines.start > 0 {
        lines.start -= 1;
    }
    while lines.end < version.lines.count() && size(&(lines.start..lines.end + 1)) <= room {
        lines.end += 1;
    }
    while lines.start > 0 && size(&(lines.start - 1..lines.end)) <= room {
        lines.start -= 1;
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_say_nothing_are_not_asked_for() {
        for (line, says) in [
            ("return total + offset", true),
            ("}", false),
            ("x = 1", false),
            ("end end end end end", false),
            ("see `total` of the offset", false),
        ] {
            assert_eq!(says_something(line), says, "{line}");
        }
    }
}
