//! Which definitions stand together: some that call each other, and others that look like them.

use super::dice::Dice;
use super::index::{Index, Item};
use super::items::Items;
use super::snippet::Snippet;
use crate::Result;
use crate::pack::context::estimate;
use crate::pack::split::Side;
use crate::pack::world::World;

/// How many calls in a row a set is built around; each as likely as it stands here.
const HOPS: [usize; 8] = [1, 1, 2, 2, 2, 3, 3, 4];
/// So many definitions of one file stand in a set, besides those that call each other.
const OF_ONE_FILE: usize = 3;
/// A distractor is one of so many that are most alike.
const ALIKE: usize = 8;
/// Tokens of a snippet besides its text: marker, frame, elisions.
const FRAME: u32 = 9;

/// How many snippets a sequence has, and how long.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    /// Fewest and most.
    pub count: [usize; 2],
    /// All snippets together have about so many tokens, at least and at most.
    pub tokens: [u32; 2],
}

/// What sets are chosen from.
pub struct Chooser<'a, 'w> {
    /// The repository.
    pub world: &'w World<'w>,
    /// Who calls what.
    pub index: &'a Index<'w>,
    /// What can be shown.
    pub items: &'a Items,
    /// Whose sequence it is.
    pub side: Side,
}

/// A definition that will be shown, and which of its bytes must be.
struct Chosen {
    item: Item,
    must: Vec<u32>,
}

impl<'w> Chooser<'_, 'w> {
    /// The snippets around a target, the most wanted first; none if there are too few.
    ///
    /// # Errors
    /// [`crate::Error::Io`].
    pub fn set(&self, target: u32, shape: &Shape, dice: &mut Dice) -> Result<Option<Vec<Snippet<'w>>>> {
        let item = self.index.targets()[target as usize];
        let mut chosen = vec![Chosen { item, must: Vec::new() }];
        self.row(&mut chosen, dice);
        let count = dice.between(shape.count);
        chosen.truncate(count);
        self.fill(&mut chosen, count, shape, dice);
        if chosen.len() < shape.count[0] {
            return Ok(None);
        }
        self.show(&chosen, shape)
    }

    /// Adds definitions that call the first one, or that it calls, and so on.
    fn row(&self, chosen: &mut Vec<Chosen>, dice: &mut Dice) {
        let hops = dice.pick(&HOPS).copied().unwrap_or(1);
        // The first in the row and the last, as places in `chosen`.
        let (mut first, mut last) = (0, 0);
        let mut stuck = [false; 2];
        for _ in 0..2 * hops {
            if chosen.len() > hops || stuck == [true; 2] {
                break;
            }
            let backward = chosen.len() == 1 || dice.one_in(2);
            if backward {
                let callers = self.callers(chosen[first].item, chosen);
                match dice.pick(&callers) {
                    Some(&(item, at)) => {
                        chosen.push(Chosen { item, must: vec![at] });
                        first = chosen.len() - 1;
                    }
                    None => stuck[0] = true,
                }
            } else {
                let callees = self.callees(chosen[last].item, chosen);
                match dice.pick(&callees) {
                    Some(&(item, at)) => {
                        chosen[last].must.push(at);
                        chosen.push(Chosen { item, must: Vec::new() });
                        last = chosen.len() - 1;
                    }
                    None => stuck[1] = true,
                }
            }
        }
    }

    /// Adds what looks like what is there, and some that calls it.
    fn fill(&self, chosen: &mut Vec<Chosen>, count: usize, shape: &Shape, dice: &mut Dice) {
        let share = shape.tokens[1] / count as u32;
        let mut tries = 0;
        while tries < 4 * shape.count[1] {
            let short =
                || chosen.iter().map(|one| self.size(one.item).min(share)).sum::<u32>() < shape.tokens[0];
            if chosen.len() >= shape.count[1] || chosen.len() >= count && !short() {
                break;
            }
            tries += 1;
            let Some(base) = dice.pick(chosen).map(|one| one.item) else { break };
            let alike = self.items.alike(self.world, self.index, base, self.side, dice);
            let fitting: Vec<Item> = alike
                .into_iter()
                .flatten()
                .filter(|&item| self.fits(item, chosen) && self.of_file(item, chosen) < OF_ONE_FILE)
                .take(ALIKE)
                .collect();
            // Where the set would become too short, a long one.
            let behind = chosen.iter().map(|one| self.size(one.item).min(share)).sum::<u32>()
                < shape.tokens[0] / count as u32 * chosen.len() as u32;
            let longest = fitting.iter().copied().max_by_key(|&item| self.size(item).min(share));
            let Some(item) = longest.filter(|_| behind).or_else(|| dice.pick(&fitting).copied()) else {
                continue;
            };
            chosen.push(Chosen { item, must: Vec::new() });
            if chosen.len() < count && dice.one_in(3) {
                let callers = self.callers(item, chosen);
                if let Some(&(item, at)) = dice.pick(&callers) {
                    chosen.push(Chosen { item, must: vec![at] });
                }
            }
        }
    }

    /// Definitions that can be shown and that surely call `item`, each with the place of the call.
    fn callers(&self, item: Item, chosen: &[Chosen]) -> Vec<(Item, u32)> {
        let Some(target) = self.index.target_of(item) else { return Vec::new() };
        let calls = self.index.callers(target);
        calls
            .filter_map(|(document, called)| {
                let shown = self.shown_around(Item { document, definition: called.caller? })?;
                self.fits(shown, chosen).then_some((shown, called.at))
            })
            .collect()
    }

    /// Definitions that can be shown and that `item` surely calls, each with the place of the call.
    fn callees(&self, item: Item, chosen: &[Chosen]) -> Vec<(Item, u32)> {
        let Some(definition) = self.index.definition(item) else { return Vec::new() };
        let calls = self.index.calls(item.document);
        calls
            .filter(|called| called.sure && definition.range.contains(&called.at))
            .map(|called| (self.index.targets()[called.target as usize], called.at))
            .filter(|&(other, _)| self.items.contains(other) && self.fits(other, chosen))
            .collect()
    }

    /// The innermost definition around one, itself included, that can be shown.
    fn shown_around(&self, mut item: Item) -> Option<Item> {
        while !self.items.contains(item) {
            item.definition = self.index.definition(item)?.parent?;
        }
        Some(item)
    }

    /// Whether a definition can be added.
    fn fits(&self, item: Item, chosen: &[Chosen]) -> bool {
        let Some(definition) = self.index.definition(item) else { return false };
        let apart = |other: &Chosen| {
            self.index.definition(other.item).is_some_and(|theirs| {
                other.item.document != item.document
                    || theirs.range.end <= definition.range.start
                    || definition.range.end <= theirs.range.start
            })
        };
        self.world.may_show(self.side, item.document) && chosen.iter().all(apart)
    }

    fn of_file(&self, item: Item, chosen: &[Chosen]) -> usize {
        chosen.iter().filter(|other| other.item.document == item.document).count()
    }

    /// About how many tokens a snippet takes that shows all of a definition.
    fn size(&self, item: Item) -> u32 {
        let record = self.world.corpus.documents.get(item.document);
        let bytes = self.index.definition(item).map_or(0, |definition| definition.range.len());
        estimate(&record, bytes) + record.header.len() as u32 + FRAME
    }

    /// Cuts the snippets: short definitions leave their room to the others.
    fn show(&self, chosen: &[Chosen], shape: &Shape) -> Result<Option<Vec<Snippet<'w>>>> {
        let mut order: Vec<usize> = (0..chosen.len()).collect();
        order.sort_by_key(|&at| (self.size(chosen[at].item), at));
        let mut left = shape.tokens[1];
        let mut shares = vec![0; chosen.len()];
        for (done, &at) in order.iter().enumerate() {
            let record = self.world.corpus.documents.get(chosen[at].item.document);
            let share = (left / (chosen.len() - done) as u32).min(self.size(chosen[at].item) + 24);
            left -= share;
            shares[at] = share.saturating_sub(record.header.len() as u32 + FRAME);
        }
        let mut set: Vec<Snippet<'w>> = Vec::with_capacity(chosen.len());
        for (one, &tokens) in chosen.iter().zip(&shares) {
            let snippet = Snippet::of_item(self.world, self.index, one.item, tokens, &one.must)?;
            // Lines that two definitions share.
            set.extend(snippet.filter(|snippet| !set.iter().any(|other| other.overlaps(snippet))));
        }
        Ok((set.len() >= shape.count[0]).then_some(set))
    }
}
