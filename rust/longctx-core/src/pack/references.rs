//! What is used in the learnt part of a sequence and defined in it before: the features of its difficulty.

use std::cell::OnceCell;
use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};

use super::world::World;
use crate::Result;
use crate::buckets::part;
use crate::difficulty::Features;
use crate::graph::FileIndex;
use crate::sequence::{Draft, Role, Segment, Shapes, Why, words};

/// Shorter names are too often something else.
const SHORTEST: usize = 3;
/// A name that more files define says nothing about which of them is meant.
const COMMON: u32 = 8;

/// Finds uses of names; knows in how many files each is defined.
pub struct Finder<'f> {
    world: &'f World<'f>,
    defined_in: FxHashMap<&'f str, u32>,
    /// The definitions, by place in their file, whose names say which is meant: those of each file of the graph.
    telling: Vec<u32>,
    /// Where those of each file end.
    ends: Vec<u32>,
}

/// What is defined in a sequence. One thread uses it for one sequence after the other.
#[derive(Default)]
pub struct Defined<'f> {
    names: FxHashMap<&'f str, u32>,
    shapes: Shapes,
    /// By the number of a name.
    about: Vec<About>,
    places: Vec<Place>,
    distances: Vec<u32>,
}

/// What is known of a name.
struct About {
    /// Where it is defined first and last, as numbers of places.
    first: u32,
    last: u32,
    /// Several files define it.
    repeated: bool,
    /// The target that used it last, from 1.
    used_by: u32,
}

/// Where a name is defined in a sequence.
struct Place {
    token: u32,
    /// Its number among the files of the sequence.
    file: u32,
    /// The next place of the same name.
    next: Option<u32>,
}

/// A file that a sequence shows.
struct Shown<'s> {
    path: &'s Arc<str>,
    /// Once somebody asked.
    document: OnceCell<Option<u32>>,
    /// Definitions in it.
    definitions: usize,
    /// Through how many files what it uses leads.
    depth: u32,
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
        let mut finder = Self { world, defined_in, telling: Vec::new(), ends: Vec::new() };
        for facts in all() {
            for (place, definition) in (0u32..).zip(facts.iter().flat_map(|facts| facts.definitions.iter())) {
                if finder.tells(definition.name()) {
                    finder.telling.push(place);
                }
            }
            finder.ends.push(finder.telling.len() as u32);
        }
        finder.telling.shrink_to_fit();
        finder
    }

    /// The definitions of a file that tell, by place.
    fn telling_in(&self, file: FileIndex) -> &[u32] {
        &self.telling[part(&self.ends, file as usize)]
    }

    /// Whether a name says which of the files that define it is meant.
    fn tells(&self, name: &str) -> bool {
        self.telling_name(name).is_some()
    }

    /// The name itself, if it says which of the files that define it is meant.
    fn telling_name(&self, name: &str) -> Option<&'f str> {
        if name.len() < SHORTEST {
            return None;
        }
        self.defined_in.get_key_value(name).filter(|&(_, &files)| files <= COMMON).map(|(&name, _)| name)
    }

    /// The features of a sequence, tokens and files left at 0. A definition shown counts from its first token; what is
    /// inside of whole files, by its share of the file's bytes.
    ///
    /// # Errors
    /// [`crate::Error::Io`].
    pub fn features(&self, draft: &Draft, defined: &mut Defined<'f>) -> Result<Features> {
        defined.clear();
        let mut files: Vec<Shown<'_>> = Vec::new();
        let mut targets = 0;
        for segment in &draft.segments {
            let file = self.file(segment, &mut files);
            if segment.why == Why::Target {
                targets += 1;
                self.uses(segment, file, targets, &mut files, defined)?;
            }
            self.define(segment, file, &mut files, defined);
        }
        let Defined { about, distances, .. } = defined;
        distances.sort_unstable();
        let at = |share: usize| {
            distances.get((distances.len() * share / 100).min(distances.len().saturating_sub(1)))
        };
        Ok(Features {
            references: distances.len() as u32,
            distance_p50: at(50).copied().unwrap_or(0),
            distance_p90: at(90).copied().unwrap_or(0),
            hops: files.iter().map(|file| file.depth).max().unwrap_or(0),
            distractors: about.iter().filter(|name| name.repeated).count() as u32,
            ..Features::default()
        })
    }

    fn document(&self, file: &Shown<'_>) -> Option<u32> {
        let corpus = &self.world.corpus;
        *file.document.get_or_init(|| corpus.document_of(corpus.graph.index_of(file.path)?))
    }

    /// The number of a segment's file.
    fn file<'s>(&self, segment: &'s Segment, files: &mut Vec<Shown<'s>>) -> usize {
        let path = &segment.path;
        let known = files.iter().rposition(|file| Arc::ptr_eq(file.path, path));
        known.or_else(|| files.iter().position(|file| file.path == path)).unwrap_or_else(|| {
            files.push(Shown { path, document: OnceCell::new(), definitions: 0, depth: 0 });
            files.len() - 1
        })
    }

    fn uses(
        &self,
        segment: &Segment,
        file: usize,
        target: u32,
        files: &mut [Shown<'_>],
        defined: &mut Defined<'f>,
    ) -> Result<()> {
        // A use counts where another file defines the name: without one, no text need be read.
        if defined.places.len() == files[file].definitions {
            return Ok(());
        }
        let Some(document) = self.document(&files[file]) else { return Ok(()) };
        let loaded = self.world.load(document)?;
        let [start, end] = segment.bytes.map(|byte| byte as usize);
        let text = loaded.text().text.get(start..end).unwrap_or_default();
        let Defined { names, shapes, about, places, distances } = defined;
        for (at, word) in words(text).filter(|(_, word)| shapes.may_have(word)) {
            let Some(&number) = names.get(word) else { continue };
            let name = &mut about[number as usize];
            if name.used_by == target {
                continue;
            }
            let token = token_at(segment, (start + at) as u32);
            let all = std::iter::successors(Some(name.first), |&place| places[place as usize].next);
            let elsewhere =
                all.map(|place| &places[place as usize]).filter(|place| place.file != file as u32);
            let Some(nearest) = elsewhere.min_by_key(|place| token.saturating_sub(place.token)) else {
                continue;
            };
            name.used_by = target;
            distances.push(token.saturating_sub(nearest.token));
            files[file].depth = files[file].depth.max(files[nearest.file as usize].depth + 1);
        }
        Ok(())
    }

    fn define(&self, segment: &Segment, file: usize, files: &mut [Shown<'_>], defined: &mut Defined<'f>) {
        let before = defined.places.len();
        match (segment.role, &segment.name) {
            (Role::Definition | Role::Signature, Some(name)) => {
                if let Some(name) = self.telling_name(name) {
                    defined.note(name, segment.tokens[0], file);
                }
            }
            (Role::File | Role::Head, _) => {
                let Some(document) = self.document(&files[file]) else { return };
                let Some(facts) = self.world.facts_of(document) else { return };
                for &place in self.telling_in(self.world.corpus.documents.file(document)) {
                    let Some(definition) = facts.definitions.get(place as usize) else { continue };
                    if (segment.bytes[0]..segment.bytes[1]).contains(&definition.range.start) {
                        defined.note(definition.name(), token_at(segment, definition.range.start), file);
                    }
                }
            }
            _ => {}
        }
        files[file].definitions += defined.places.len() - before;
    }
}

impl<'f> Defined<'f> {
    fn clear(&mut self) {
        self.names.clear();
        self.shapes.clear();
        self.about.clear();
        self.places.clear();
        self.distances.clear();
    }

    /// Adds a definition.
    fn note(&mut self, name: &'f str, token: u32, file: usize) {
        let place = self.places.len() as u32;
        let next = self.about.len() as u32;
        let number = *self.names.entry(name).or_insert(next);
        self.places.push(Place { token, file: file as u32, next: None });
        match self.about.get_mut(number as usize) {
            Some(about) => {
                about.repeated |= self.places[about.first as usize].file != file as u32;
                self.places[about.last as usize].next = Some(place);
                about.last = place;
            }
            None => {
                self.shapes.add(name);
                self.about.push(About { first: place, last: place, repeated: false, used_by: 0 });
            }
        }
    }
}

/// About at which token of the sequence a byte of the segment's document stands.
fn token_at(segment: &Segment, byte: u32) -> u32 {
    let share = f64::from(byte - segment.bytes[0]) / f64::from((segment.bytes[1] - segment.bytes[0]).max(1));
    segment.tokens[0] + (f64::from(segment.tokens[1] - segment.tokens[0]) * share) as u32
}
