//! A part of a file, and what can be said about what it shows.

use std::hash::BuildHasher;
use std::ops::Range;

use rustc_hash::FxBuildHasher;

use super::index::{Called, Index, Item};
use super::lay::Shows;
use crate::Result;
use crate::pack::context::whole_lines;
use crate::pack::world::{Loaded, World};
use crate::sequence::{Draft, Kit, Piece, Role, Why, words};
use crate::symbols::SymbolKind;
use crate::tokenize::NotLossless;

/// Lines of comment or attributes in front of a definition that are shown with it.
const LEAD: usize = 8;
/// Lines around a call that are shown with it.
const AROUND: usize = 2;

/// A word that a snippet shows.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Word {
    hash: u32,
    /// The byte of the document where it begins.
    at: u32,
    length: u32,
}

/// A snippet.
pub struct Snippet<'w> {
    /// The document.
    pub document: u32,
    /// The definition that it is about; none for the head of a file.
    pub item: Option<Item>,
    /// The name of the definition; empty for the head of a file.
    pub name: String,
    /// The document's text.
    pub loaded: Loaded<'w>,
    /// What is shown of it: whole lines.
    pub pieces: Vec<Piece>,
    /// The definitions whose heads are shown, as places in the document's list.
    pub defines: Vec<u32>,
    /// The calls that are shown.
    pub calls: Vec<Called>,
    /// The words that are shown, by hash and place.
    words: Vec<Word>,
}

impl<'w> Snippet<'w> {
    /// Shows a definition in about `tokens` tokens. What does not fit is left out, but neither its head nor the lines
    /// around the bytes in `must`.
    ///
    /// # Errors
    /// [`crate::Error::Io`].
    pub fn of_item(
        world: &'w World<'w>,
        index: &Index<'w>,
        item: Item,
        tokens: u32,
        must: &[u32],
    ) -> Result<Option<Self>> {
        let loaded = world.load(item.document)?;
        let Some(definition) = index.definition(item) else { return Ok(None) };
        let text = loaded.text().text;
        let room = bytes_in(&loaded, tokens);
        let whole = whole_lines(text, definition.range.start as usize..definition.range.end as usize);
        let ranges = if whole.len() <= room {
            let lead = lead(text, whole.start, room - whole.len());
            std::iter::once(lead..whole.end).collect()
        } else {
            let head = whole_lines(text, whole.start..definition.signature.end as usize);
            parts(text, &whole, head, room, must)
        };
        let name = definition.name().to_owned();
        Ok(Some(Self::new(index, item.document, Some(item), name, loaded, ranges)))
    }

    /// Shows some lines of a file.
    pub fn of_lines(index: &Index<'w>, document: u32, loaded: Loaded<'w>, ranges: Vec<Range<usize>>) -> Self {
        Self::new(index, document, None, String::new(), loaded, ranges)
    }

    fn new(
        index: &Index<'w>,
        document: u32,
        item: Option<Item>,
        name: String,
        loaded: Loaded<'w>,
        ranges: Vec<Range<usize>>,
    ) -> Self {
        let shows = |byte: u32| ranges.iter().any(|range| range.contains(&(byte as usize)));
        let definitions = index.facts(document).into_iter().flat_map(|facts| facts.definitions.iter());
        let heads = (0u32..).zip(definitions).filter(|(_, definition)| shows(definition.signature.start));
        let defines = heads.map(|(at, _)| at).collect();
        let calls = index.calls(document).filter(|called| shows(called.at)).collect();
        let text = loaded.text().text;
        let shown = ranges.iter().flat_map(|range| {
            let begins = range.start;
            words(&text[range.clone()]).map(move |(at, word)| Word {
                hash: hash(word),
                at: (begins + at) as u32,
                length: word.len() as u32,
            })
        });
        let mut known: Vec<Word> = shown.collect();
        known.sort_unstable();
        let piece = |bytes| Piece {
            name: (!name.is_empty()).then(|| (&*name).into()),
            ..Piece::new(bytes, Role::Snippet, Why::Distractor)
        };
        let pieces = ranges.iter().cloned().map(piece).collect();
        Self { document, item, name, loaded, pieces, defines, calls, words: known }
    }

    /// Whether it shows a byte of its document.
    pub fn shows(&self, byte: u32) -> bool {
        self.pieces.iter().any(|piece| piece.bytes.contains(&(byte as usize)))
    }

    /// Whether it shows something that another one shows too.
    pub fn overlaps(&self, other: &Self) -> bool {
        self.document == other.document
            && self.pieces.iter().any(|piece| {
                other.pieces.iter().any(|theirs| {
                    piece.bytes.start < theirs.bytes.end && theirs.bytes.start < piece.bytes.end
                })
            })
    }

    /// Whether it shows a word.
    pub fn has_word(&self, word: &str) -> bool {
        self.places(word).next().is_some()
    }

    /// Whether it shows a word anywhere but where `known` says.
    pub fn has_word_but(&self, word: &str, known: impl Fn(u32) -> bool) -> bool {
        self.places(word).any(|at| !known(at))
    }

    /// Where it shows a word.
    fn places<'s>(&'s self, word: &'s str) -> impl Iterator<Item = u32> + 's {
        let text = self.loaded.text().text;
        let hash = hash(word);
        let first = self.words.partition_point(|one| one.hash < hash);
        let same = self.words[first..].iter().take_while(move |one| one.hash == hash);
        let places = same.filter(move |one| {
            text.get(one.at as usize..(one.at + one.length) as usize).is_some_and(|found| found == word)
        });
        places.map(|one| one.at)
    }

    /// The calls of a target that it shows.
    pub fn calls_of(&self, target: u32) -> impl Iterator<Item = &Called> {
        self.calls.iter().filter(move |called| called.target == target)
    }

    /// The calls that its definition makes and that surely mean a target.
    pub fn own_calls(&self, index: &Index<'_>) -> impl Iterator<Item = &Called> {
        let body =
            self.item.and_then(|item| index.definition(item)).map(|definition| definition.range.clone());
        self.calls.iter().filter(move |called| {
            called.sure
                && called.caller.is_some()
                && body.as_ref().is_some_and(|body| body.contains(&called.at))
        })
    }

    /// Whether it shows the head of a definition with this name.
    pub fn defines_name(&self, index: &Index<'_>, name: &str) -> bool {
        self.defined(index).any(|(known, _)| known == name)
    }

    /// The names whose definitions' heads it shows, and the bytes of these heads.
    pub fn defined<'i>(&'i self, index: &'i Index<'w>) -> impl Iterator<Item = (&'w str, Range<u32>)> + 'i {
        self.defines.iter().filter_map(|&definition| {
            let found = index.definition(Item { document: self.document, definition })?;
            Some((found.name(), found.signature))
        })
    }

    /// The names that it defines and that can be called or built.
    pub fn callable<'i>(&'i self, index: &'i Index<'w>) -> impl Iterator<Item = &'w str> + 'i {
        self.defines.iter().filter_map(|&definition| {
            let found = index.definition(Item { document: self.document, definition })?;
            let value =
                matches!(found.kind, SymbolKind::Constant | SymbolKind::Variable | SymbolKind::Module);
            (!value).then_some(found.name())
        })
    }

    /// The line of a byte of its document, from 1.
    pub fn line_of(&self, byte: u32) -> u32 {
        line_of(self.loaded.text().text, byte)
    }
}

impl Shows for Snippet<'_> {
    fn block(&self, kit: &Kit<'_>, draft: &mut Draft) -> Result<(), NotLossless> {
        draft.file_block(kit, &self.loaded.text(), &self.pieces)
    }

    fn path(&self) -> &str {
        self.loaded.record.name
    }

    fn name(&self) -> &str {
        &self.name
    }
}

fn hash(word: &str) -> u32 {
    FxBuildHasher.hash_one(word) as u32
}

/// The line of a byte, from 1.
pub fn line_of(text: &str, byte: u32) -> u32 {
    let before = text.as_bytes().get(..byte as usize).unwrap_or_default();
    memchr::memchr_iter(b'\n', before).count() as u32 + 1
}

/// About how many bytes of a document make so many tokens.
pub fn bytes_in(loaded: &Loaded<'_>, tokens: u32) -> usize {
    let record = loaded.record;
    (f64::from(tokens) * f64::from(record.sizes.text_bytes) / f64::from(record.sizes.tokens.max(1))) as usize
}

/// Where the comments and attributes right above `start` begin, if they take at most `room` bytes.
fn lead(text: &str, start: usize, room: usize) -> usize {
    let mut at = start;
    for _ in 0..LEAD {
        let Some(above) = text[..at].strip_suffix('\n') else { break };
        let line = above.rfind('\n').map_or(0, |end| end + 1);
        let bare = above[line..].trim_start();
        let belongs = ["//", "/*", "*", "#[", "# ", "@"].iter().any(|mark| bare.starts_with(mark));
        if !belongs || start - line > room {
            break;
        }
        at = line;
    }
    // Not the end of a comment alone.
    if text[at..].trim_start().starts_with('*') { start } else { at }
}

/// The head of a long definition, the lines around `must`, and as much after the head as there is room for.
fn parts(
    text: &str,
    whole: &Range<usize>,
    head: Range<usize>,
    room: usize,
    must: &[u32],
) -> Vec<Range<usize>> {
    let mut ranges: Vec<Range<usize>> = must
        .iter()
        .map(|&byte| byte as usize)
        .filter(|byte| whole.contains(byte))
        .map(|byte| around(text, byte, whole))
        .collect();
    let taken: usize = ranges.iter().map(Range::len).sum();
    let left = room.saturating_sub(taken);
    // At least the head; then whole lines.
    let mut end = head.end;
    while let Some(next) = text[end..whole.end].find('\n').map(|at| end + at + 1) {
        if next - head.start > left {
            break;
        }
        end = next;
    }
    ranges.push(head.start..end);
    ranges.sort_by_key(|range| range.start);
    let mut joined: Vec<Range<usize>> = Vec::new();
    for range in ranges {
        match joined.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => joined.push(range),
        }
    }
    joined
}

/// The line of a byte and some around it, inside of `whole`.
fn around(text: &str, byte: usize, whole: &Range<usize>) -> Range<usize> {
    let mut start = byte;
    for _ in 0..=AROUND {
        start = text[whole.start..start].rfind('\n').map_or(whole.start, |at| whole.start + at);
    }
    if start > whole.start {
        start += 1;
    }
    let mut end = byte;
    for _ in 0..=AROUND {
        end = text[end..whole.end].find('\n').map_or(whole.end, |at| end + at + 1);
    }
    start..end
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_definitions_keep_their_head_and_the_lines_that_matter() {
        let body: String = (0..40).map(|n| format!("    step_{n}()\n")).collect();
        let text = format!("def f():\n{body}");
        let at = text.find("step_30").unwrap() as u32;
        let whole = 0..text.len();
        let ranges = parts(&text, &whole, 0..9, 200, &[at]);
        assert_eq!(ranges.len(), 2);
        assert!(ranges[0].start == 0 && ranges[0].end > 9);
        let shown = &text[ranges[1].clone()];
        assert!(shown.starts_with("    step_28()\n") && shown.ends_with("    step_32()\n"), "{shown}");
        assert!(ranges.iter().map(Range::len).sum::<usize>() <= 200);
        let ends = parts(&text, &whole, 0..9, 60, &[12, text.len() as u32 - 2]);
        assert_eq!((ends[0].start, ends[1].end), (0, text.len()));
        assert_eq!(text.as_bytes()[ends[1].start - 1], b'\n');
    }

    #[test]
    fn comments_and_attributes_come_with_their_definition() {
        let text = "x\n\n/// Doc.\n#[a]\nfn f() {}\n";
        let start = text.find("fn").unwrap();
        assert_eq!(lead(text, start, 100), text.find("///").unwrap());
        assert_eq!(lead(text, start, 6), text.find("#[").unwrap());
        let text = "/**\n * Doc.\n */\nfn f() {}\n";
        assert_eq!([lead(text, 16, 100), lead(text, 16, 6)], [0, 16]);
    }

    #[test]
    fn lines_count_from_one() {
        assert_eq!([0, 1, 2, 3].map(|byte| line_of("a\nb\n", byte)), [1, 1, 2, 2]);
    }
}
