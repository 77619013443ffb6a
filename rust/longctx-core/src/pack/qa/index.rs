//! Who defines and who calls what, over the whole repository.

use std::path::Path;

use bytemuck::{AnyBitPattern, NoUninit};
use longctx_column::Column;
use rayon::prelude::*;
use rustc_hash::{FxHashMap, FxHashSet};

use super::resolve::{Site, Sure, resolve};
use crate::Result;
use crate::buckets::{Buckets, Starts};
use crate::graph::Known;
use crate::interrupt::Watch;
use crate::list::ListWriter;
use crate::pack::world::World;
use crate::sequence::words;
use crate::symbols::calls::{self, Call};
use crate::symbols::{Symbol, SymbolKind};

/// Shorter names are too often something else.
const SHORTEST: usize = 3;

/// A definition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, NoUninit, AnyBitPattern)]
#[repr(C)]
pub struct Item {
    /// The document.
    pub document: u32,
    /// The place in the document's list of definitions.
    pub definition: u32,
}

/// A call of a name that one definition of the repository has.
#[derive(Debug, Clone, Copy)]
pub struct Called {
    /// The byte where the name begins.
    pub at: u32,
    /// The place of the definition in [`Index::targets`].
    pub target: u32,
    /// The definition that it stands in; none on the top level.
    pub caller: Option<u32>,
    /// It is that definition which is called, and no other thing of the same name.
    pub sure: bool,
}

/// A call as it is stored: the byte where the name begins, the target, the definition that it stands in or [`NOTHING`],
/// and how sure it is that the target is meant.
type Row = [u32; 4];

/// Stands for the definition around a call on the top level.
const NOTHING: u32 = u32::MAX;

/// So many documents are read at a time, for what is found in them waits in memory.
const BATCH: usize = 1 << 12;

/// Definitions and calls by name.
pub struct Index<'w> {
    world: &'w World<'w>,
    /// Sorted.
    targets: Vec<Item>,
    /// For each target whether others call its name without needing it.
    shared: Vec<bool>,
    /// Document by document, in order.
    calls: Column<Row>,
    /// Where the calls of each document are.
    of_document: Starts,
    /// The sure calls of each target from other definitions: places in `calls`.
    callers: Buckets,
}

/// What bears a name.
struct Bearers {
    /// The first of those with a body.
    first: Option<Item>,
    /// How many have one.
    bodies: u32,
}

impl<'w> Index<'w> {
    /// Reads the calls of all documents into files in `folder`.
    ///
    /// # Errors
    /// [`crate::Error::Io`], [`crate::Error::Interrupted`].
    pub fn new(world: &'w World<'w>, folder: &Path, watch: Watch<'_>) -> Result<Self> {
        let (targets, by_name) = targets(world);
        let documents = world.corpus.documents.len();
        watch.progress.begin("reading calls", "files", documents as u64);
        let mut shared = vec![false; targets.len()];
        let mut calls = ListWriter::new(folder)?;
        let mut counts: Vec<u32> = Vec::with_capacity(documents);
        for begin in (0..documents).step_by(BATCH) {
            let batch = begin as u32..(begin + BATCH).min(documents) as u32;
            let found = batch.into_par_iter().with_max_len(8).map(|document| {
                watch.check()?;
                let found = calls_of(world, document, &targets, &by_name);
                watch.progress.advance(1);
                found
            });
            for rows in found.collect::<Result<Vec<Vec<Row>>>>()? {
                for [_, target, _, sure] in &rows {
                    shared[*target as usize] |= *sure == Sure::Others as u32;
                }
                counts.push(rows.len() as u32);
                calls.extend(&rows)?;
            }
        }
        let calls = calls.finish()?;
        let of_each = |(document, &count): (u32, &u32)| std::iter::repeat_n(document, count as usize);
        let from = (0u32..).zip(&counts).flat_map(of_each);
        let of_document = Starts::new(documents, from.clone());
        let callers = (0u32..).zip(&*calls).zip(from).filter_map(|((place, row), document)| {
            let called = called(row, &shared);
            let from = Item { document, definition: called.caller? };
            (called.sure && from != targets[called.target as usize]).then_some((called.target, place))
        });
        let callers = Buckets::of_pairs(targets.len(), callers);
        Ok(Self { world, targets, shared, calls, of_document, callers })
    }

    /// The definitions that alone have their names, of what can be called.
    pub fn targets(&self) -> &[Item] {
        &self.targets
    }

    /// The place of a definition among the targets, if it is one.
    pub fn target_of(&self, item: Item) -> Option<u32> {
        self.targets.binary_search(&item).ok().map(|place| place as u32)
    }

    /// The calls in a document of names that are targets', in order.
    pub fn calls(&self, document: u32) -> impl Iterator<Item = Called> {
        self.calls[self.of_document.of(document)].iter().map(|row| called(row, &self.shared))
    }

    /// The sure calls of a target from other definitions: documents and calls.
    pub fn callers(&self, target: u32) -> impl Iterator<Item = (u32, Called)> {
        let all = self.callers.of(target).iter();
        all.map(|&place| (self.of_document.bucket(place), called(&self.calls[place as usize], &self.shared)))
    }

    /// What a document says.
    pub fn facts(&self, document: u32) -> Option<Known<'w>> {
        self.world.facts_of(document)
    }

    /// A definition itself.
    pub fn definition(&self, item: Item) -> Option<Symbol<'w>> {
        self.facts(item.document)?.definitions.get(item.definition as usize)
    }

    /// `Class.method`, or the bare name.
    pub fn full_name(&self, item: Item) -> String {
        let Some(definition) = self.definition(item) else { return String::new() };
        let parent = definition.parent.map(|parent| Item { definition: parent, ..item });
        match parent.and_then(|parent| self.definition(parent)) {
            Some(parent) if parent.kind != SymbolKind::Module => {
                format!("{}.{}", parent.name(), definition.name())
            }
            _ => definition.name().to_owned(),
        }
    }
}

/// A call, if it is known which targets are shared.
fn called(&[at, target, caller, sure]: &Row, shared: &[bool]) -> Called {
    let unless_others = sure == Sure::UnlessOthers as u32 && !shared[target as usize];
    let sure = sure == Sure::Yes as u32 || unless_others;
    Called { at, target, caller: (caller != NOTHING).then_some(caller), sure }
}

/// Whether a definition stands inside of a function.
pub fn in_function(facts: Known<'_>, definition: &Symbol<'_>) -> bool {
    let mut parent = definition.parent;
    while let Some(outer) = parent.and_then(|at| facts.definitions.get(at as usize)) {
        if is_function(&outer) {
            return true;
        }
        parent = outer.parent;
    }
    false
}

/// Whether a definition is a function or method.
pub fn is_function(definition: &Symbol<'_>) -> bool {
    matches!(definition.kind, SymbolKind::Function | SymbolKind::Method)
}

/// Whether a name can be asked for: long enough, and a word.
pub fn is_askable(name: &str) -> bool {
    name.len() >= SHORTEST && words(name).next() == Some((0, name))
}

/// Definitions that can be called and that no other definition shares the name with. Prototypes do not count, nor do
/// constructors that are called like their class.
fn targets<'w>(world: &'w World<'w>) -> (Vec<Item>, FxHashMap<&'w str, u32>) {
    let mut all: FxHashMap<&str, Bearers> = FxHashMap::default();
    for (document, record) in (0u32..).zip(world.corpus.documents.iter()) {
        let Some(facts) = world.facts(&record) else { continue };
        for (at, definition) in (0u32..).zip(facts.definitions.iter()) {
            let parent = definition.parent.and_then(|at| facts.definitions.get(at as usize));
            let counts = !matches!(definition.kind, SymbolKind::Impl | SymbolKind::Module)
                && parent.is_none_or(|parent| parent.name() != definition.name())
                && (!is_function(&definition) || definition.signature.end + 1 < definition.range.end);
            if counts {
                let bearers = all.entry(definition.name()).or_insert(Bearers { first: None, bodies: 0 });
                bearers.first.get_or_insert(Item { document, definition: at });
                bearers.bodies += 1;
            }
        }
    }
    let callable = |item: &Item| {
        world.facts_of(item.document).is_some_and(|facts| {
            facts.definitions.get(item.definition as usize).is_some_and(|definition| {
                let kinds =
                    matches!(definition.kind, SymbolKind::Class | SymbolKind::Struct | SymbolKind::Macro);
                (is_function(&definition) || kinds)
                    && !in_function(facts, &definition)
                    && is_askable(definition.name())
            })
        })
    };
    let once = all.into_iter().filter(|(_, bearers)| bearers.bodies == 1);
    let mut targets: Vec<(Item, &str)> =
        once.filter_map(|(name, bearers)| Some((bearers.first.filter(callable)?, name))).collect();
    targets.sort_unstable();
    let by_name = (0u32..).zip(&targets).map(|(place, &(_, name))| (name, place)).collect();
    (targets.into_iter().map(|(item, _)| item).collect(), by_name)
}

fn calls_of(
    world: &World<'_>,
    document: u32,
    targets: &[Item],
    by_name: &FxHashMap<&str, u32>,
) -> Result<Vec<Row>> {
    let record = world.corpus.documents.get(document);
    let Some(facts) = world.facts(&record) else { return Ok(Vec::new()) };
    let loaded = world.load(document)?;
    let text = loaded.text();
    let mut all: Vec<Call> = world.corpus.read_calls(&record)?;
    all.retain(|call| {
        let hidden = text.hidden.iter().any(|range| range.contains(&(call.at as usize)));
        by_name.contains_key(&*call.name) && !hidden
    });
    let lines = world.import_lines(&loaded).iter();
    let imported: FxHashSet<&str> =
        lines.flat_map(|range| words(&text.text[range.clone()])).map(|(_, word)| word).collect();
    let site = Site { document, facts, imported };
    let heads = facts.definitions.iter().map(|definition| (definition.range, definition.signature.start));
    let callers = calls::callers(&all, heads);
    let found = all.iter().zip(callers).map(|(call, caller)| {
        let target = by_name[&*call.name];
        let sure = resolve(world, &site, call, caller, targets[target as usize]);
        [call.at, target, caller.unwrap_or(NOTHING), sure as u32]
    });
    Ok(found.collect())
}
