//! Definitions that can be shown as snippets, and which of them are alike.

use std::collections::BinaryHeap;
use std::hash::Hash;
use std::ops::Range;
use std::path::Path;

use bytemuck::{AnyBitPattern, NoUninit};
use longctx_column::Column;
use rustc_hash::FxHashMap;

use super::dice::Dice;
use super::index::{Index, Item, in_function, is_askable, is_function};
use crate::Result;
use crate::buckets::{Buckets, Starts};
use crate::list::{ListWriter, list_of};
use crate::pack::context::estimate;
use crate::pack::documents::Documents;
use crate::pack::split::Side;
use crate::pack::world::World;
use crate::symbols::{Symbol, SymbolKind};

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
    all: Column<Item>,
    traits: Column<Traits>,
    /// The words of their names, one after the other.
    named: Column<u32>,
    homes: Column<Home>,
    words: Words,
    /// By the number of a word where the definitions are that have it in their names; none for words that say nothing.
    with: Starts,
    /// Definitions, word by word.
    having: Column<u32>,
}

/// What makes a definition like others.
#[derive(Clone, Copy, NoUninit, AnyBitPattern)]
#[repr(C)]
struct Traits {
    /// About how many tokens it takes whole.
    size: u32,
    /// Where the words of its name begin in [`Items::named`].
    words: u32,
    /// How many they are.
    word_count: u16,
    kind: u8,
    /// Whether another definition surely calls it, and it alone has its name.
    called: u8,
}

impl Traits {
    fn words(&self) -> Range<usize> {
        self.words as usize..self.words as usize + usize::from(self.word_count)
    }
}

/// What makes a document like others, by numbers that are equal where the things are.
#[derive(Clone, Copy, NoUninit, AnyBitPattern)]
#[repr(C)]
struct Home {
    folder: u32,
    language: u32,
    blob: u32,
}

/// Gives numbers to words.
#[derive(Default)]
pub struct Words(FxHashMap<String, u32>);

impl Words {
    /// The numbers of the words of a name, in the order of the words.
    pub fn of(&mut self, name: &str) -> Box<[u32]> {
        name_words(name).into_iter().map(|word| number(&mut self.0, word)).collect()
    }

    /// The same, without the words that have no number.
    fn known(&self, name: &str) -> Box<[u32]> {
        name_words(name).iter().filter_map(|word| self.0.get(word)).copied().collect()
    }
}

/// Collects definitions.
struct Collector<'i, 'w> {
    index: &'i Index<'w>,
    all: ListWriter<Item>,
    traits: ListWriter<Traits>,
    named: ListWriter<u32>,
    words: Words,
    /// How many names have each word.
    counts: Vec<usize>,
}

impl Collector<'_, '_> {
    fn add(&mut self, item: Item, definition: &Symbol<'_>, size: u32) -> Result<()> {
        let words = self.words.of(definition.name());
        self.counts.resize(self.words.0.len(), 0);
        words.iter().for_each(|&word| self.counts[word as usize] += 1);
        let target = self.index.target_of(item);
        let traits = Traits {
            size,
            words: self.named.len() as u32,
            word_count: words.len() as u16,
            kind: definition.kind as u8,
            called: u8::from(target.is_some_and(|place| self.index.callers(place).next().is_some())),
        };
        self.all.extend(&[item])?;
        self.traits.extend(&[traits])?;
        self.named.extend(&words)
    }
}

impl Items {
    /// All that can be shown, in files in `folder`.
    ///
    /// # Errors
    /// [`crate::Error::Io`] if the disk is full.
    pub fn new(world: &World<'_>, index: &Index<'_>, folder: &Path) -> Result<Self> {
        let mut collector = Collector {
            index,
            all: ListWriter::new(folder)?,
            traits: ListWriter::new(folder)?,
            named: ListWriter::new(folder)?,
            words: Words::default(),
            counts: Vec::new(),
        };
        for (document, record) in (0u32..).zip(world.corpus.documents.iter()) {
            let Some(facts) = index.facts(document) else { continue };
            for (at, definition) in (0u32..).zip(facts.definitions.iter()) {
                let size = estimate(&record, definition.range.len());
                let secret = record.hidden.iter().any(|hidden| {
                    hidden.start < definition.signature.end as usize
                        && hidden.end > definition.range.start as usize
                });
                let bodiless =
                    is_function(&definition) && definition.signature.end + 1 >= definition.range.end;
                if shows_code(definition.kind)
                    && size >= LEAST
                    && !bodiless
                    && !secret
                    && is_askable(definition.name())
                    && !in_function(facts, &definition)
                {
                    collector.add(Item { document, definition: at }, &definition, size)?;
                }
            }
        }
        let Collector { all, traits, named, words, counts, .. } = collector;
        let (all, traits, named) = (all.finish()?, traits.finish()?, named.finish()?);
        let pairs = (0u32..).zip(&*traits).flat_map(|(number, traits)| {
            let telling = named[traits.words()].iter().filter(|&&word| counts[word as usize] <= COMMON);
            telling.map(move |&word| (word, number))
        });
        let (with, having) = Buckets::of_pairs(counts.len(), pairs).into_parts();
        let homes = list_of(Some(folder), homes(&world.corpus.documents).into_iter())?;
        let having = list_of(Some(folder), having.into_iter())?;
        Ok(Self { all, traits, named, homes, words, with, having })
    }

    /// Whether a definition can be shown.
    pub fn contains(&self, item: Item) -> bool {
        self.all.binary_search(&item).is_ok()
    }

    /// Definitions that `side` may show and that look like `item`, the most alike first: by kind, words of the name,
    /// folder and length; a draw decides between equals. None if there is no such definition.
    pub fn alike(
        &self,
        world: &World<'_>,
        index: &Index<'_>,
        item: Item,
        side: Side,
        dice: &mut Dice,
    ) -> Option<impl Iterator<Item = Item>> {
        let definition = index.definition(item)?;
        let record = world.corpus.documents.get(item.document);
        let own = self.homes[item.document as usize];
        let size = estimate(&record, definition.range.len());
        let words = self.words.known(definition.name());
        let here = self.all.partition_point(|other| *other < item);
        let around = here.saturating_sub(REACH) as u32..(here + REACH).min(self.all.len()) as u32;
        let mut far: Vec<u32> = Vec::with_capacity(SHARING * words.len());
        let having = words.iter().map(|&word| &self.having[self.with.of(word)]);
        for with in having.filter(|with| !with.is_empty()) {
            // Some of many, from any part of the repository.
            let (before, after) = with.split_at(dice.below(with.len()));
            let some = after.iter().chain(before).take(SHARING);
            far.extend(some.filter(|number| !around.contains(number)));
        }
        far.sort_unstable();
        far.dedup();
        let (before, after) = far.split_at(far.partition_point(|&number| number < around.start));
        let near = before.iter().copied().chain(around.clone()).chain(after.iter().copied());
        // Score, draw and number in one, so that they are quickly compared.
        let mut scored: Vec<u64> = Vec::with_capacity(far.len() + around.len());
        for number in near {
            let (other, found) = (self.all[number as usize], &self.traits[number as usize]);
            let home = self.homes[other.document as usize];
            if other == item
                || !world.may_show(side, other.document)
                || home.blob == own.blob && other.document != item.document
            {
                continue;
            }
            let theirs = &self.named[found.words()];
            let shared = theirs.iter().filter(|word| words.contains(word)).count() as u32;
            let (long, short) = (size.max(found.size), size.min(found.size).max(1));
            let score = u32::from(found.kind == definition.kind as u8) * 4
                + shared.min(3) * 3
                + u32::from(home.folder == own.folder) * 3
                + u32::from(home.language == own.language) * 4
                + u32::from(long <= 2 * short) * 3
                // What the side is about can be asked for.
                + u32::from(side == Side::Val && world.sides.of(other.document) == Side::Val) * 6
                + u32::from(found.called) * 2;
            scored.push(u64::from(score) << 48 | (dice.below(1 << 16) as u64) << 32 | u64::from(number));
        }
        // Few of them are looked at.
        let mut scored = BinaryHeap::from(scored);
        Some(std::iter::from_fn(move || scored.pop()).map(|one| self.all[one as u32 as usize]))
    }
}

fn homes(documents: &Documents) -> Vec<Home> {
    let mut folders: FxHashMap<&[u8], u32> = FxHashMap::default();
    let mut languages: FxHashMap<&str, u32> = FxHashMap::default();
    let mut blobs: FxHashMap<&str, u32> = FxHashMap::default();
    let homes = documents.iter().map(|record| Home {
        folder: number(&mut folders, record.path.parent()),
        language: number(&mut languages, record.language.name),
        blob: number(&mut blobs, record.blob),
    });
    homes.collect()
}

/// The number of a thing, the next one where it has none.
fn number<T: Eq + Hash>(numbers: &mut FxHashMap<T, u32>, of: T) -> u32 {
    let next = numbers.len() as u32;
    *numbers.entry(of).or_insert(next)
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
fn name_words(name: &str) -> Vec<String> {
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
