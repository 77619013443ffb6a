//! Questions about which file imports which, over the beginnings of files.

use std::ops::Range;

use super::code::Shape;
use super::dice::Dice;
use super::index::Index;
use super::items::Words;
use super::phrases;
use super::question::{Dropped, Fact, Proof, Question, Type};
use super::snippet::{Snippet, bytes_in};
use crate::Result;
use crate::graph::{Edge, EdgeKind, Reason};
use crate::pack::split::Side;
use crate::pack::world::World;

/// So many neighbours are looked at, each way.
const REACH: usize = 32;
/// And so many of all.
const ANYWHERE: usize = 16;
/// Tokens of a snippet besides its text: marker, frame, elisions.
const FRAME: u32 = 9;

/// The files that import others.
pub struct Heads<'w> {
    world: &'w World<'w>,
    documents: Vec<u32>,
    /// For each of them the words of its name, by number.
    words: Vec<Box<[u32]>>,
}

impl<'w> Heads<'w> {
    /// All documents that import another one.
    pub fn new(world: &'w World<'w>) -> Self {
        let all = 0..world.corpus.documents.len() as u32;
        let documents: Vec<u32> = all.filter(|&document| imports(world, document).next().is_some()).collect();
        let mut words = Words::default();
        let name = |&document: &u32| world.corpus.documents.name(document);
        let words = documents.iter().map(name).map(|path| words.of(stem(path))).collect();
        Self { world, documents, words }
    }

    /// The documents, by path.
    pub fn documents(&self) -> &[u32] {
        &self.documents
    }

    /// The head of a file and those of files that are alike, the most wanted first; none if there are too few.
    ///
    /// # Errors
    /// [`crate::Error::Io`].
    pub fn set(
        &self,
        index: &Index<'w>,
        document: u32,
        side: Side,
        shape: &Shape,
        dice: &mut Dice,
    ) -> Result<Option<Vec<Snippet<'w>>>> {
        let count = dice.between(shape.count);
        let mut set: Vec<Snippet<'w>> = Vec::with_capacity(count);
        let mut left = shape.tokens[1];
        for other in std::iter::once(document).chain(self.alike(document, side, dice)) {
            if set.len() >= shape.count[1] || set.len() >= count && shape.tokens[1] - left >= shape.tokens[0]
            {
                break;
            }
            let loaded = self.world.load(other)?;
            let record = loaded.record;
            let frame = record.header.len() as u32 + FRAME;
            let share = (left / count.saturating_sub(set.len()).max(1) as u32).saturating_sub(frame);
            if index.facts(other).is_none() {
                continue;
            }
            let lines = self.world.import_lines(&loaded);
            let range = head(loaded.text().text, lines, bytes_in(&loaded, share));
            let tokens = crate::pack::context::estimate(&record, range.len());
            let snippet = Snippet::of_lines(index, other, loaded, vec![range]);
            let shows_imports = !self.shown(&snippet).is_empty();
            if set.is_empty() && !shows_imports {
                return Ok(None);
            }
            if shows_imports {
                left = left.saturating_sub(tokens + frame);
                set.push(snippet);
            }
        }
        Ok((set.len() >= shape.count[0]).then_some(set))
    }

    /// Files that `side` may show and that are like one: by language, folder and name; a draw decides between equals.
    fn alike(&self, document: u32, side: Side, dice: &mut Dice) -> Vec<u32> {
        let records = &self.world.corpus.documents;
        let record = records.get(document);
        let here = self.documents.partition_point(|&other| other < document);
        let around = here.saturating_sub(REACH)..(here + REACH).min(self.documents.len());
        // As places in the list.
        let mut near: Vec<usize> = around.collect();
        near.extend((0..ANYWHERE).map(|_| dice.below(self.documents.len())));
        near.sort_unstable();
        near.dedup();
        let words = self.documents.get(here).filter(|&&found| found == document);
        let words = words.map_or(&[][..], |_| &self.words[here]);
        let mut scored: Vec<(u32, usize, u32)> = Vec::with_capacity(near.len());
        for place in near {
            let Some(&other) = self.documents.get(place) else { continue };
            let found = records.get(other);
            if other == document || found.blob == record.blob || !self.world.may_show(side, other) {
                continue;
            }
            let shared = self.words[place].iter().filter(|word| words.contains(word)).count() as u32;
            let score = u32::from(found.language.name == record.language.name) * 8
                + u32::from(found.path.parent() == record.path.parent()) * 3
                + shared.min(2) * 2
                + u32::from(side == Side::Val && self.world.sides.of(other) == Side::Val) * 6;
            // Not always the nearest.
            scored.push((score + dice.below(4) as u32, dice.below(1 << 16), other));
        }
        scored.sort_unstable_by(|a, b| b.cmp(a));
        scored.into_iter().map(|(_, _, other)| other).collect()
    }

    /// The imports whose lines a snippet shows.
    fn shown(&self, snippet: &Snippet<'w>) -> Vec<Edge> {
        let text = snippet.loaded.text();
        let lines = self.world.import_lines(&snippet.loaded);
        imports(self.world, snippet.document)
            .filter(|edge| {
                line_start(text.text, edge.line).is_some_and(|start| {
                    let secret = text.hidden.iter().any(|hidden| hidden.contains(&start));
                    snippet.shows(start as u32) && lines.iter().any(|range| range.contains(&start)) && !secret
                })
            })
            .collect()
    }

    /// Questions about a set of heads: those that one of them answers, and those that none does.
    pub fn questions(
        &self,
        set: &[Snippet<'w>],
        side: Side,
        dice: &mut Dice,
        dropped: &mut Dropped,
    ) -> [Vec<Question>; 2] {
        let (mut found, mut unanswered) = (Vec::new(), Vec::new());
        for (at, snippet) in set.iter().enumerate() {
            if self.world.sides.of(snippet.document) != side {
                continue;
            }
            for edge in self.shown(snippet) {
                let Some(to) = self.world.corpus.document_of(edge.to) else { continue };
                if !self.world.may_show(side, to) {
                    continue;
                }
                if set.iter().enumerate().any(|(other, one)| other != at && self.may_import(one.document, to))
                {
                    dropped.note("ambiguous");
                    continue;
                }
                found.push(self.word(to, Some((at, snippet, edge)), dice));
            }
        }
        let near = set.first().map(|snippet| self.alike(snippet.document, side, dice)).unwrap_or_default();
        for edge in near.iter().take(ANYWHERE).flat_map(|&document| imports(self.world, document)) {
            let Some(to) = self.world.corpus.document_of(edge.to) else { continue };
            let asked = self.world.sides.of(to) == side;
            if asked && !set.iter().any(|one| one.document == to || self.may_import(one.document, to)) {
                unanswered.push(self.word(to, None, dice));
            }
        }
        [found, unanswered]
    }

    fn word(&self, to: u32, from: Option<(usize, &Snippet<'w>, Edge)>, dice: &mut Dice) -> Question {
        let path = self.world.corpus.documents.name(to);
        let proof = match from {
            Some((at, snippet, edge)) => {
                Proof::new(Fact::Imports, snippet.loaded.record.name, edge.line, path, Some(at))
            }
            None => Proof::new(Fact::NotImported, path, 0, path, None),
        };
        Question {
            kind: if from.is_some() { Type::Import } else { Type::None },
            subject: path.to_owned(),
            text: phrases::import(dice, &[("path", path)]),
            answers: from.iter().map(|(at, ..)| *at).collect(),
            about: Vec::new(),
            proof: vec![proof],
            hops: 1,
        }
    }

    /// Whether a file imports another in any way, or has an import that was not resolved and may mean it.
    fn may_import(&self, from: u32, to: u32) -> bool {
        let (graph, records) = (&self.world.corpus.graph, &self.world.corpus.documents);
        let (file, other) = (records.file(from), records.file(to));
        if graph.between(file, other).next().is_some() {
            return true;
        }
        let stem = stem(&graph.files[other as usize]);
        let first = graph.unresolved.partition_point(|one| one.from < file);
        graph.unresolved[first..]
            .iter()
            .take_while(|one| one.from == file)
            .any(|one| one.reason != Reason::External && one.text.contains(stem))
    }
}

/// The name of a file without its endings.
fn stem(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path).split('.').next().unwrap_or_default()
}

/// The imports of a document that lead to others and that a line of it says.
fn imports<'w>(world: &'w World<'w>, document: u32) -> impl Iterator<Item = Edge> + use<'w> {
    let edges = world.corpus.graph.needs(world.corpus.documents.file(document));
    edges.filter(move |edge| {
        let said = matches!(
            edge.kind,
            EdgeKind::TopLevel
                | EdgeKind::ReExport
                | EdgeKind::TypeChecking
                | EdgeKind::Module
                | EdgeKind::Include
        );
        said && world.corpus.document_of(edge.to).is_some_and(|to| to != document)
    })
}

/// The beginning of a file with its import lines, in about `room` bytes.
fn head(text: &str, imports: &[Range<usize>], room: usize) -> Range<usize> {
    // A long comment in front gives way.
    let first = imports.first().map_or(0, |range| range.start);
    let start = if first > room / 3 { first } else { 0 };
    let stop = (start + room).min(text.len());
    if stop == text.len() {
        return start..stop;
    }
    let breaks = memchr::memrchr(b'\n', &text.as_bytes()[start..stop]);
    start..breaks.map_or(start, |at| start + at + 1)
}

/// The byte where a line begins, counted from 1.
fn line_start(text: &str, line: u32) -> Option<usize> {
    match line {
        0 => None,
        1 => Some(0),
        line => memchr::memchr_iter(b'\n', text.as_bytes()).nth(line as usize - 2).map(|at| at + 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_begin_where_the_imports_are_near() {
        let text = "# a\nimport b\nx = 1\ny = 2\n";
        assert_eq!(&text[head(text, std::slice::from_ref(&(4..13)), 20)], "# a\nimport b\nx = 1\n");
        assert_eq!(&text[head(text, std::slice::from_ref(&(4..13)), 10)], "import b\n");
        assert_eq!(head(text, &[], 1000), 0..text.len());
    }

    #[test]
    fn lines_begin_after_breaks() {
        assert_eq!(
            [0, 1, 2, 3, 4].map(|line| line_start("a\nb\n", line)),
            [None, Some(0), Some(2), Some(4), None]
        );
    }
}
