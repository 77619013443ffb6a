//! What is used in the learnt part of a sequence and defined in it before: the features of its difficulty.

use rustc_hash::{FxHashMap, FxHashSet};

use super::world::World;
use crate::Result;
use crate::difficulty::Features;
use crate::graph::FileIndex;
use crate::sequence::{Draft, Role, Segment, Why, words};

/// Shorter names are too often something else.
const SHORTEST: usize = 3;
/// A name that more files define says nothing about which of them is meant.
const COMMON: u32 = 8;

/// Finds uses of names; knows in how many files each is defined.
pub struct Finder<'f> {
    world: &'f World<'f>,
    defined_in: FxHashMap<&'f str, u32>,
    /// For each file of the graph the definitions, by place, whose names say which is meant.
    telling: Vec<Box<[u32]>>,
}

/// Where a name is defined in a sequence.
struct Place<'p> {
    token: u32,
    path: &'p str,
}

impl<'f> Finder<'f> {
    /// Counts the definitions of all files.
    pub fn new(world: &'f World<'f>) -> Self {
        let mut defined_in: FxHashMap<&str, u32> = FxHashMap::default();
        let graph = &world.corpus.graph;
        let all = || (0..graph.files.len()).map(|file| graph.facts(file as FileIndex));
        for facts in all().flatten() {
            let names: FxHashSet<&str> =
                facts.definitions.iter().map(|definition| definition.name()).collect();
            for name in names {
                *defined_in.entry(name).or_default() += 1;
            }
        }
        let mut finder = Self { world, defined_in, telling: Vec::new() };
        let places = all().map(|facts| {
            let all = (0u32..).zip(facts.iter().flat_map(|facts| facts.definitions.iter()));
            all.filter(|(_, definition)| finder.tells(definition.name())).map(|(place, _)| place).collect()
        });
        finder.telling = places.collect();
        finder
    }

    /// Whether a name says which of the files that define it is meant.
    fn tells(&self, name: &str) -> bool {
        name.len() >= SHORTEST && self.defined_in.get(name).is_some_and(|&files| files <= COMMON)
    }

    /// The features of a sequence, tokens and files left at 0. A definition shown counts from its first token; what is
    /// inside of whole files, by its share of the file's bytes.
    ///
    /// # Errors
    /// [`crate::Error::Io`].
    pub fn features(&self, draft: &Draft) -> Result<Features> {
        let mut defined: FxHashMap<&str, Vec<Place<'_>>> = FxHashMap::default();
        let mut depth: FxHashMap<&str, u32> = FxHashMap::default();
        let mut distances = Vec::new();
        for segment in &draft.segments {
            if segment.why == Why::Target {
                self.uses(segment, &defined, &mut depth, &mut distances)?;
            }
            self.define(segment, &mut defined);
        }
        distances.sort_unstable();
        let at = |share: usize| {
            distances.get((distances.len() * share / 100).min(distances.len().saturating_sub(1)))
        };
        let repeated =
            defined.values().filter(|places| places.iter().any(|place| place.path != places[0].path));
        Ok(Features {
            references: distances.len() as u32,
            distance_p50: at(50).copied().unwrap_or(0),
            distance_p90: at(90).copied().unwrap_or(0),
            hops: depth.values().copied().max().unwrap_or(0),
            distractors: repeated.count() as u32,
            ..Features::default()
        })
    }

    fn uses<'s>(
        &self,
        segment: &'s Segment,
        defined: &FxHashMap<&str, Vec<Place<'s>>>,
        depth: &mut FxHashMap<&'s str, u32>,
        distances: &mut Vec<u32>,
    ) -> Result<()> {
        // A use counts where another file defines the name: without one, no text need be read.
        if !defined.values().flatten().any(|place| place.path != &*segment.path) {
            return Ok(());
        }
        let Some(document) = self.document(segment) else { return Ok(()) };
        let loaded = self.world.load(document)?;
        let [start, end] = segment.bytes.map(|byte| byte as usize);
        let text = loaded.text().text.get(start..end).unwrap_or_default();
        let mut known = FxHashSet::default();
        for (at, word) in words(text) {
            let Some(places) = defined.get(word).filter(|_| !known.contains(word)) else { continue };
            let token = token_at(segment, (start + at) as u32);
            let elsewhere = places.iter().filter(|place| place.path != &*segment.path);
            let Some(nearest) = elsewhere.min_by_key(|place| token.saturating_sub(place.token)) else {
                continue;
            };
            known.insert(word);
            distances.push(token.saturating_sub(nearest.token));
            let deeper = depth.get(nearest.path).copied().unwrap_or(0) + 1;
            let own = depth.entry(&segment.path).or_insert(0);
            *own = (*own).max(deeper);
        }
        Ok(())
    }

    fn define<'s>(&'s self, segment: &'s Segment, defined: &mut FxHashMap<&'s str, Vec<Place<'s>>>) {
        let mut note = |name: &'s str, token: u32| {
            defined.entry(name).or_default().push(Place { token, path: &segment.path });
        };
        match (segment.role, &segment.name) {
            (Role::Definition | Role::Signature, Some(name)) if self.tells(name) => {
                note(name, segment.tokens[0]);
            }
            (Role::File | Role::Head, _) => {
                let Some(document) = self.document(segment) else { return };
                let record = &self.world.corpus.documents[document as usize];
                let Some(facts) = self.world.facts(record) else { return };
                for &place in self.telling.get(record.file as usize).into_iter().flatten() {
                    let Some(definition) = facts.definitions.get(place as usize) else { continue };
                    if (segment.bytes[0]..segment.bytes[1]).contains(&definition.range.start) {
                        note(definition.name(), token_at(segment, definition.range.start));
                    }
                }
            }
            _ => {}
        }
    }

    fn document(&self, segment: &Segment) -> Option<u32> {
        self.world.corpus.document_of(self.world.corpus.graph.index_of(&segment.path)?)
    }
}

/// About at which token of the sequence a byte of the segment's document stands.
fn token_at(segment: &Segment, byte: u32) -> u32 {
    let share = f64::from(byte - segment.bytes[0]) / f64::from((segment.bytes[1] - segment.bytes[0]).max(1));
    segment.tokens[0] + (f64::from(segment.tokens[1] - segment.tokens[0]) * share) as u32
}
