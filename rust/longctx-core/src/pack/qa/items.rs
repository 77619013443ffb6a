//! Definitions that can be shown as snippets, and which of them are alike.

use std::collections::HashMap;

use super::dice::Dice;
use super::index::{Index, Item, in_function, is_askable, is_function};
use crate::pack::context::estimate;
use crate::pack::output::Side;
use crate::pack::world::World;
use crate::symbols::SymbolKind;

/// A snippet has at least so many tokens of text.
const LEAST: u32 = 30;
/// So many neighbours are looked at, each way.
const REACH: usize = 48;
/// So many definitions with a word in common are looked at for each word.
const SHARING: usize = 48;
/// A word that so many names have says nothing.
const COMMON: usize = 4096;

/// Definitions in the order of their documents.
pub struct Items {
    all: Vec<Item>,
    /// About how many tokens each takes whole.
    sizes: Vec<u32>,
    by_word: HashMap<String, Vec<u32>>,
}

impl Items {
    /// All that can be shown.
    pub fn new(world: &World<'_>, index: &Index<'_>) -> Self {
        let mut items = Self { all: Vec::new(), sizes: Vec::new(), by_word: HashMap::new() };
        for (document, record) in (0u32..).zip(&world.corpus.documents) {
            let Some(facts) = index.facts(document) else { continue };
            for (at, definition) in (0u32..).zip(&facts.definitions) {
                let size = estimate(record, definition.range.len());
                let secret = record.hidden.iter().any(|hidden| {
                    hidden.start < definition.signature.end as usize
                        && hidden.end > definition.range.start as usize
                });
                let bodiless =
                    is_function(definition) && definition.signature.end + 1 >= definition.range.end;
                if shows_code(definition.kind)
                    && size >= LEAST
                    && !bodiless
                    && !secret
                    && is_askable(&definition.name)
                    && !in_function(facts, definition)
                {
                    let number = items.all.len() as u32;
                    items.all.push(Item { document, definition: at });
                    items.sizes.push(size);
                    for word in name_words(&definition.name) {
                        items.by_word.entry(word).or_default().push(number);
                    }
                }
            }
        }
        items.by_word.retain(|_, with| with.len() <= COMMON);
        items
    }

    /// Whether a definition can be shown.
    pub fn contains(&self, item: Item) -> bool {
        self.all.binary_search(&item).is_ok()
    }

    /// Definitions that `side` may show and that look like `item`, the most alike first: by kind, words of the name,
    /// folder and length; a draw decides between equals.
    pub fn alike(
        &self,
        world: &World<'_>,
        index: &Index<'_>,
        item: Item,
        side: Side,
        dice: &mut Dice,
    ) -> Vec<Item> {
        let Some(definition) = index.definition(item) else { return Vec::new() };
        let record = &world.corpus.documents[item.document as usize];
        let size = estimate(record, definition.range.len());
        let words = name_words(&definition.name);
        let here = self.all.partition_point(|other| *other < item);
        let around = here.saturating_sub(REACH)..(here + REACH).min(self.all.len());
        let mut near: Vec<usize> = around.collect();
        for with in words.iter().filter_map(|word| self.by_word.get(word)) {
            // Some of many, from any part of the repository.
            let from = dice.below(with.len());
            let some = with.iter().cycle().skip(from).take(with.len().min(SHARING));
            near.extend(some.map(|&number| number as usize));
        }
        near.sort_unstable();
        near.dedup();
        let folder = record.path.parent();
        let mut scored: Vec<(u32, usize, usize)> = Vec::with_capacity(near.len());
        for number in near {
            let other = self.all[number];
            let Some(found) = index.definition(other) else { continue };
            let home = &world.corpus.documents[other.document as usize];
            if other == item
                || !world.may_show(side, other.document)
                || home.blob == record.blob && other.document != item.document
            {
                continue;
            }
            let shared = name_words(&found.name).iter().filter(|word| words.contains(word)).count() as u32;
            let (long, short) = (size.max(self.sizes[number]), size.min(self.sizes[number]).max(1));
            let score = u32::from(found.kind == definition.kind) * 4
                + shared.min(3) * 3
                + u32::from(home.path.parent() == folder) * 3
                + u32::from(home.language.name == record.language.name) * 4
                + u32::from(long <= 2 * short) * 3
                // What the side is about can be asked for.
                + u32::from(side == Side::Val && world.sides.of(other.document) == Side::Val) * 6
                + u32::from(index.target_of(other).is_some_and(|place| index.callers(place).next().is_some())) * 2;
            scored.push((score, dice.below(1 << 16), number));
        }
        scored.sort_unstable_by(|a, b| b.cmp(a));
        scored.into_iter().map(|(_, _, number)| self.all[number]).collect()
    }
}

fn shows_code(kind: SymbolKind) -> bool {
    !matches!(
        kind,
        SymbolKind::Impl
            | SymbolKind::Module
            | SymbolKind::Constant
            | SymbolKind::Variable
            | SymbolKind::Type
    )
}

/// The words of a name in small letters: `read_file`, `readFile`, `ReadFile` have `read` and `file`.
pub fn name_words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut word = String::new();
    let mut before = '_';
    for c in name.chars() {
        if (c == '_' || c.is_uppercase() && !before.is_uppercase()) && !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
        if c != '_' {
            word.extend(c.to_lowercase());
        }
        before = c;
    }
    words.push(word);
    words.retain(|word| word.len() >= 3);
    words.sort_unstable();
    words.dedup();
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_made_of_words() {
        assert_eq!(name_words("readTheFile"), ["file", "read", "the"]);
        assert_eq!(name_words("READ_file"), ["file", "read"]);
        assert_eq!(name_words("HTTPServer_x"), ["httpserver"]);
        assert!(name_words("_").is_empty());
    }
}
